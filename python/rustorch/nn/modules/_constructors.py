"""Constructors that several layers share, under the name of the layer: errors about arguments say it."""

import types

# Private bases that torch does not have, or that are not the ones its errors name.
_SHARED = {
    *("_AlongDim", "_AvgPoolWithDivisor", "_ConstantPadNd", "_Conv", "_ConvTransposeNd", "_FractionalMaxPoolNd"),
    *("_InPlace", "_LazyConv", "_LazyConvTranspose", "_MaxUnpoolNd", "_Pad", "_ZeroPad"),
}


def name_constructor(cls, shared=_SHARED):
    """Give `cls` the constructor that it inherits as one of its own, with its name."""
    init = cls.__init__
    if "__init__" in vars(cls) or init.__qualname__.partition(".")[0] not in shared:
        return
    own = types.FunctionType(init.__code__, init.__globals__, init.__name__, init.__defaults__, init.__closure__)
    own.__kwdefaults__, own.__doc__ = init.__kwdefaults__, init.__doc__
    own.__module__ = cls.__module__
    own.__qualname__ = f"{cls.__qualname__}.__init__"
    cls.__init__ = own
