"""The functions of the package under the name by which code for torch's compiler calls them."""

import rustorch


def __getattr__(name):
    return getattr(rustorch, name)
