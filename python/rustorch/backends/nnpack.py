"""NNPACK is not used here."""


def is_available():
    """False: NNPACK is not used."""
    return False
