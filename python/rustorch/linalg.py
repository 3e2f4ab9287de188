"""Linear algebra: `torch.linalg`. Matrices are the last two dims of a tensor; those before them are a batch."""

from rustorch._C import _linalg
from rustorch._C import _LinAlgError as LinAlgError

__all__ = ["LinAlgError"]

for _name in dir(_linalg):
    if _name.startswith("linalg_"):
        _short = _name.removeprefix("linalg_")
        globals()[_short] = getattr(_linalg, _name)
        __all__.append(_short)
__all__.sort()
