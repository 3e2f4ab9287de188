"""Versions of rustorch and of what it is built with."""

from rustorch import _C

__version__ = _C._version
cuda = None
hip = None
xpu = None
debug = False
git_version = None
