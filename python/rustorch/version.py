"""Versions of rustorch and of what it is built with."""

from rustorch.torch_version import __version__ as __version__

cuda = None
hip = None
xpu = None
debug = False
git_version = None
