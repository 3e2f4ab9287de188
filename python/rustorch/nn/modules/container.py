"""Modules that hold other modules or parameters."""

import itertools
import operator
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Mapping

import rustorch
from rustorch import Tensor
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter

__all__ = ["Container", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


def _indent(text):
    return text.replace("\n", "\n  ")


def _check_index(idx, size):
    """`idx` counted from the front, or IndexError."""
    idx = operator.index(idx)
    if not -size <= idx < size:
        raise IndexError(f"index {idx} is out of range")
    return idx % size


def _check_iterable(values, where):
    if not isinstance(values, Iterable):
        raise TypeError(f"{where} but got {type(values).__name__}")


def _check_pairs(pairs, name):
    """Yield the elements of `pairs`, each of which has to be an iterable of length two."""
    for i, pair in enumerate(pairs):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{name} update sequence element #{i} should be Iterable; is{type(pair).__name__}")
        if len(pair) != 2:
            raise ValueError(f"{name} update sequence element #{i} has length {len(pair)}; 2 is required")
        yield pair


def _renumber(module):
    """Close the gap that a deletion left: the names of the children become '0', '1', ..."""
    module._modules = OrderedDict((str(i), child) for i, child in enumerate(module._modules.values()))


class _NoDigits:
    """Leaves the numbers under which children are stored out of `dir`."""

    def __dir__(self):
        return [name for name in super().__dir__() if not name.isdigit()]


class Container(Module):
    """Deprecated: derive from Module.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     net = nn.Container(first=nn.ReLU())
        >>> net
        Container(
          (first): ReLU()
        )
    """

    def __init__(self, **kwargs):
        warnings.warn(
            "`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. "
            "Subclass that instead.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__()
        for name, module in kwargs.items():
            self.add_module(name, module)


class Sequential(_NoDigits, Module):
    """Call modules one after the other, each with the output of the one before.

    Args:  modules, or one OrderedDict of them whose keys become their names.
    Example:
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> net(torch.randn(3, 4)).shape, len(net[:2])
        (torch.Size([3, 2]), 2)
    """

    def __init__(self, *args):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            children = args[0].items()
        else:
            children = ((str(i), module) for i, module in enumerate(args))
        for name, module in children:
            self.add_module(name, module)

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input

    def _get_item_by_idx(self, iterator, idx):
        """The item at `idx` of an iterator over as many items as there are children."""
        return next(itertools.islice(iterator, _check_index(idx, len(self)), None))

    def _name_at(self, idx):
        return list(self._modules)[_check_index(idx, len(self))]

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return self.__class__(OrderedDict(list(self._modules.items())[idx]))
        return self._modules[self._name_at(idx)]

    def __setitem__(self, idx, module):
        setattr(self, self._name_at(idx), module)

    def __delitem__(self, idx):
        for name in list(self._modules)[idx] if isinstance(idx, slice) else [self._name_at(idx)]:
            delattr(self, name)
        _renumber(self)

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def _check_addend(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")

    def _check_factor(self, factor):
        if not isinstance(factor, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(factor)}")
        if factor <= 0:
            raise ValueError(f"Non-positive multiplication factor {factor} for {type(self)}")

    def __add__(self, other):
        self._check_addend(other)
        return Sequential().extend(self).extend(other)

    def __iadd__(self, other):
        self._check_addend(other)
        return self.extend(list(other))

    def __mul__(self, factor):
        self._check_factor(factor)
        return Sequential(*(list(self) * factor))

    __rmul__ = __mul__

    def __imul__(self, factor):
        self._check_factor(factor)
        return self.extend(list(self) * (factor - 1))

    def append(self, module):
        """Add a module at the end and return self."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, sequential):
        """Add the modules of an iterable at the end and return self."""
        for module in sequential:
            self.append(module)
        return self

    def insert(self, index, module):
        """Put a module before position `index` and return self."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        n = len(self._modules)
        if not -n <= index <= n:
            raise IndexError(f"Index out of range: {index}")
        index = index + n if index < 0 else index
        for i in range(n, index, -1):
            self._modules[str(i)] = self._modules[str(i - 1)]
        self._modules[str(index)] = module
        return self

    def pop(self, key):
        """Remove the module at position `key`, or those of a slice, and return it."""
        module = self[key]
        del self[key]
        return module


class ModuleList(_NoDigits, Module):
    """A list whose modules are registered as children; it has no forward.

    Args:  modules (iterable of Module, None): the first elements.
    Example:
        >>> layers = nn.ModuleList(nn.Linear(10, 10) for _ in range(3))
        >>> len(layers), len(list(layers.parameters()))
        (3, 6)
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self += modules

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return self.__class__(list(self._modules.values())[idx])
        return self._modules[str(_check_index(idx, len(self)))]

    def __setitem__(self, idx, module):
        setattr(self, str(_check_index(idx, len(self))), module)

    def __delitem__(self, idx):
        for i in range(len(self))[idx] if isinstance(idx, slice) else [_check_index(idx, len(self))]:
            delattr(self, str(i))
        _renumber(self)

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __iadd__(self, modules):
        return self.extend(modules)

    def __add__(self, other):
        return ModuleList([*self, *other])

    def __repr__(self):
        # Equal neighbours share a line: "(0-2): 3 x Linear(...)".
        runs = []
        for i, text in enumerate(repr(module) for module in self):
            if runs and runs[-1][1] == text:
                runs[-1][2] = i
            else:
                runs.append([i, text, i])
        if not runs:
            return f"{self._get_name()}()"
        lines = [
            f"({first}): {text}" if first == last else f"({first}-{last}): {last - first + 1} x {text}"
            for first, text, last in runs
        ]
        return f"{self._get_name()}(" + "".join(f"\n  {_indent(line)}" for line in lines) + "\n)"

    def append(self, module):
        """Add a module at the end and return self."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        """Add the modules of an iterable at the end and return self."""
        _check_iterable(modules, "ModuleList.extend should be called with an iterable,")
        start = len(self)
        for i, module in enumerate(modules):
            self.add_module(str(start + i), module)
        return self

    def insert(self, index, module):
        """Put a module before position `index`."""
        for i in range(len(self._modules), index, -1):
            self._modules[str(i)] = self._modules[str(i - 1)]
        self._modules[str(index)] = module

    def pop(self, key):
        """Remove the module at position `key`, or those of a slice, and return it."""
        module = self[key]
        del self[key]
        return module


class ModuleDict(Module):
    """A dict whose modules are registered as children; keys keep their order, and it has no forward.

    Args:  modules (mapping or iterable of pairs, None): the first entries.
    Example:
        >>> heads = nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.Linear(2, 4)})
        >>> list(heads), "b" in heads
        (['a', 'b'], True)
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    def clear(self):
        """Remove all entries."""
        self._modules.clear()

    def pop(self, key):
        """Remove an entry and return its module."""
        module = self[key]
        del self[key]
        return module

    def keys(self):
        return self._modules.keys()

    def items(self):
        return self._modules.items()

    def values(self):
        return self._modules.values()

    def update(self, modules):
        """Set entries from a mapping or from (key, module) pairs."""
        _check_iterable(modules, "ModuleDict.update should be called with an iterable of key/value pairs,")
        if isinstance(modules, (Mapping, ModuleDict)):
            pairs = modules.items()
        else:
            pairs = _check_pairs(modules, "ModuleDict")
        for pair in pairs:
            self[pair[0]] = pair[1]


def _entry_repr(name, value, tensor_text):
    """A line of the repr of ParameterList and ParameterDict."""
    if not isinstance(value, Tensor):
        return f"  ({name}): Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    size = "x".join(str(n) for n in value.size())
    device = "" if value.device.type == "cpu" else f" ({value.device})"
    return f"  ({name}): {kind} containing: [{tensor_text(value)} of size {size}{device}]"


def _as_parameter(value):
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


class ParameterList(_NoDigits, Module):
    """A list whose parameters are registered; tensors become parameters, other values are kept as they are.

    Args:  values (iterable, None): the first elements.
    Example:
        >>> scales = nn.ParameterList([torch.ones(1), torch.zeros(2)])
        >>> _ = scales.append(torch.ones(3))
        >>> len(scales), [p.numel() for p in scales]
        (3, [1, 2, 3])
    """

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self += values

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return self.__class__(self[i] for i in range(len(self))[idx])
        return getattr(self, str(_check_index(idx, len(self))))

    def __setitem__(self, idx, param):
        setattr(self, str(_check_index(idx, len(self))), _as_parameter(param))

    def __len__(self):
        return self._size

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __iadd__(self, parameters):
        return self.extend(parameters)

    def __call__(self, *args, **kwargs):
        raise RuntimeError("ParameterList should not be called.")

    def append(self, value):
        """Add a value at the end and return self."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values):
        """Add the values of an iterable at the end and return self."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in values:
            self.append(value)
        return self

    def extra_repr(self):
        return "\n".join(_entry_repr(i, value, lambda t: t.dtype) for i, value in enumerate(self))


class ParameterDict(Module):
    """A dict whose parameters are registered; tensors become parameters, other values are kept as they are.

    Args:  parameters (mapping or iterable of pairs, None): the first entries; those of a plain dict are sorted by key.
    Example:
        >>> scales = nn.ParameterDict({"a": torch.ones(1)})
        >>> scales["b"] = torch.zeros(2)
        >>> sorted(scales), type(scales["b"]).__name__
        (['a', 'b'], 'Parameter')
    """

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    def _key_to_attr(self, key):
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string (type is "
                f"'{type(key).__name__}'). Open an issue on github if you need non-string keys."
            )
        return key

    def __getitem__(self, key):
        return getattr(self, self._key_to_attr(key))

    def __setitem__(self, key, value):
        # The key is put into the list first: an attribute of the same name makes the next line fail.
        self._keys[key] = None
        setattr(self, self._key_to_attr(key), _as_parameter(value))

    def __delitem__(self, key):
        del self._keys[key]
        delattr(self, self._key_to_attr(key))

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __reversed__(self):
        return reversed(self._keys)

    def __contains__(self, key):
        return key in self._keys

    def __call__(self, input):
        raise RuntimeError("ParameterDict should not be called.")

    def __or__(self, other):
        merged = self.copy()
        merged.update(other)
        return merged

    def __ror__(self, other):
        merged = other.copy()
        merged.update(self)
        return merged

    def __ior__(self, other):
        self.update(other)
        return self

    def copy(self):
        """A new ParameterDict with the same values."""
        return ParameterDict(OrderedDict((key, self[key]) for key in self._keys))

    def setdefault(self, key, default=None):
        """The value of `key`, which is set to `default` if it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self):
        """Remove all entries."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key):
        """Remove an entry and return its value."""
        value = self[key]
        del self[key]
        return value

    def popitem(self):
        """Remove the last entry and return (key, value)."""
        key = next(reversed(self._keys), None)
        if key is None:
            raise KeyError("popitem(): dictionary is empty")
        return key, self.pop(key)

    def get(self, key, default=None):
        """The value of `key`, or `default`."""
        return self[key] if key in self else default

    def fromkeys(self, keys, default=None):
        """A new ParameterDict that maps every key to `default`."""
        return ParameterDict((key, default) for key in keys)

    def keys(self):
        return self._keys.keys()

    def items(self):
        return ((key, self[key]) for key in self._keys)

    def values(self):
        return (self[key] for key in self._keys)

    def update(self, parameters):
        """Set entries from a mapping or from (key, value) pairs."""
        _check_iterable(parameters, "ParametersDict.update should be called with an iterable of key/value pairs,")
        if isinstance(parameters, (OrderedDict, ParameterDict)):
            pairs = parameters.items()
        elif isinstance(parameters, Mapping):
            pairs = sorted(parameters.items())
        else:
            pairs = _check_pairs(parameters, "ParameterDict")
        for pair in pairs:
            self[pair[0]] = pair[1]

    def extra_repr(self):
        return "\n".join(_entry_repr(key, value, rustorch.typename) for key, value in self.items())
