"""The version string that programs compare."""

import functools

from rustorch import _C

__all__ = ["TorchVersion"]

# The release of torch whose interface this is: what a program wants to know when it compares versions.
_COMPARED_AS = "2.13.0"
_PHASES = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "c": -1, "rc": -1, "pre": -1, None: 0, "post": 1}


def _key(version):
    """What orders versions: the numbers of the release, then its phase; None for what is no version."""
    import re  # here, as importing the package does without

    if isinstance(version, str):
        own = isinstance(version, TorchVersion) and str.__eq__(version, _C._version)
        text = _COMPARED_AS if own else str(version)
    elif isinstance(version, tuple | list):
        text = ".".join(map(str, version))
    elif hasattr(version, "release"):  # packaging's Version
        text = str(version)
    else:
        return None
    found = re.match(r"\s*v?(\d+(?:\.\d+)*)[-_.]?(dev|alpha|a|beta|b|rc|c|pre|post)?", text)
    if not found:
        return None
    numbers = [int(n) for n in found[1].split(".")]
    while numbers and numbers[-1] == 0:  # 2.13 is 2.13.0
        numbers.pop()
    return numbers, _PHASES[found[2]]


def _comparison(name):
    @functools.wraps(getattr(str, name))
    def compare(self, other):
        mine, theirs = _key(self), _key(other)
        if mine is None or theirs is None:
            return getattr(str, name)(self, other)
        return getattr(tuple, name)(mine, theirs)

    return compare


class TorchVersion(str):
    """A version that compares as numbers with strings, tuples and `packaging.version.Version`.

    rustorch's own version prints as what it is and compares as 2.13.0, the release of torch that it follows.

    Example:
        >>> TorchVersion("1.10.0") > "1.9", TorchVersion("1.10.0") >= (1, 10)
        (True, True)
        >>> torch.__version__ >= "2.0"
        True
    """

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        # The text counts as well: rustorch's version is equal to itself.
        if isinstance(other, str) and str.__eq__(self, other):
            return True
        mine = _key(self)
        return mine is not None and mine == _key(other)

    def __ne__(self, other):
        return not self == other


for _name in ("__gt__", "__lt__", "__ge__", "__le__"):
    setattr(TorchVersion, _name, _comparison(_name))

__version__ = TorchVersion(_C._version)


def as_torch():
    """The version for programs that take it apart: that of torch's interface, then rustorch's own."""
    return TorchVersion(f"{_COMPARED_AS}+rustorch.{_C._version}")
