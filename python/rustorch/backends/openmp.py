"""OpenMP is not used here."""


def is_available():
    """False: OpenMP is not used."""
    return False
