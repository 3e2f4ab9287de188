"""Searching for the operation behind a wrong gradient."""

import warnings

from rustorch import _C

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switch the search on or off; in a `with` statement only for its block.

    Args:
        mode (bool): True: operations remember where they were called, and an error in their derivative says so.
        check_nan (bool, True): a derivative that is NaN is an error too.
    Example:
        >>> with torch.autograd.set_detect_anomaly(True):
        ...     print(torch.is_anomaly_enabled())
        True
        >>> torch.is_anomaly_enabled()
        False
    """

    def __init__(self, mode, check_nan=True):
        self._remember()
        _C.set_anomaly_enabled(mode, check_nan)

    def _remember(self):
        self.prev = _C.is_anomaly_enabled()
        self.prev_check_nan = _C.is_anomaly_check_nan_enabled()

    def __enter__(self):
        pass

    def __exit__(self, *args):
        _C.set_anomaly_enabled(self.prev, self.prev_check_nan)


class detect_anomaly(set_detect_anomaly):
    """Search within a `with` block; see `set_detect_anomaly`.

    Args: check_nan (bool, True): a derivative that is NaN is an error too.
    Example:
        >>> x = torch.zeros(1, requires_grad=True)
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"), torch.autograd.detect_anomaly():
        ...     (x * 2).sum().backward()
        >>> x.grad
        tensor([2.])
    """

    def __init__(self, check_nan=True):
        self._remember()
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self):
        _C.set_anomaly_enabled(True, self.check_nan)
