"""opt_einsum is not used here."""


def is_available():
    """False: opt_einsum is not used."""
    return False


enabled = False
strategy = None
