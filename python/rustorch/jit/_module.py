"""The class that programs derive compiled modules from."""

from rustorch.nn import Module


class ScriptModule(Module):
    """A module like any other: nothing is compiled. Modules that `jit.script` returns are not of this class."""

    @property
    def original_name(self):
        """The name of the class."""
        return type(self).__name__
