"""Apple's Metal backend is not used here."""


def is_available():
    """False: Apple's Metal backend is not used."""
    return False


def is_built():
    """False: there is no Metal backend."""
    return False


def is_macos13_or_newer(minor=0):
    """False: there is no Metal backend."""
    return False
