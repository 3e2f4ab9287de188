"""Special functions of mathematics: `torch.special`."""

from rustorch._C import _special

__all__ = []

for _name in dir(_special):
    if _name.startswith("special_"):
        _short = _name.removeprefix("special_")
        globals()[_short] = getattr(_special, _name)
        __all__.append(_short)
__all__.sort()
