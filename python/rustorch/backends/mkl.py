"""Intel's MKL is not used here."""


def is_available():
    """False: Intel's MKL is not used."""
    return False
