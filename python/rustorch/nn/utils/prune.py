"""Pruning: a mask of zeros and ones multiplies a parameter before every forward pass."""

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable

import rustorch
from rustorch.nn.utils.convert_parameters import parameters_to_vector

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


def _check_shape(scores, tensor, what):
    if scores is not None and scores.shape != tensor.shape:
        raise AssertionError(
            f"importance_scores should have the same shape as {what}, got {scores.shape} vs {tensor.shape}"
        )
    return tensor if scores is None else scores


class BasePruningMethod(ABC):
    """A way to choose a mask, and the forward pre-hook that applies it.

    A pruned parameter `name` becomes the parameter `name_orig` and the buffer `name_mask`; `name` itself is their
    product. Subclasses define `compute_mask` and PRUNING_TYPE, 'unstructured', 'structured' or 'global': which entries
    an earlier mask leaves them to choose from.

    Example:
        >>> class Even(torch.nn.utils.prune.BasePruningMethod):
        ...     PRUNING_TYPE = "unstructured"
        ...     def compute_mask(self, t, default_mask):
        ...         mask = default_mask.clone()
        ...         mask.view(-1)[::2] = 0
        ...         return mask
        >>> layer = nn.Linear(4, 1)
        >>> _ = Even.apply(layer, "bias"), Even.apply(layer, "weight")
        >>> (layer.weight == 0).tolist()
        [[True, False, True, False]]
    """

    _tensor_name = None

    def __call__(self, module, inputs):
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t, default_mask):
        """The mask for a tensor of scores `t`, on top of an earlier mask."""

    def apply_mask(self, module):
        """The pruned tensor."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(cls, module, name, *args, importance_scores=None, **kwargs):
        """Prune a parameter with a method built from the other arguments; earlier prunings of it are kept.

        Args:  importance_scores (Tensor, None): what the mask is chosen by, instead of the parameter.
        Returns:  the hook that is registered.
        """
        method = cls._combine(module, name, cls(*args, **kwargs))
        original = getattr(module, name)
        scores = _check_shape(importance_scores, original, f"parameter {name} of {module}")
        first = not isinstance(method, PruningContainer)
        if first:
            module.register_parameter(name + "_orig", original)
            del module._parameters[name]
            mask = rustorch.ones_like(original)
        else:
            mask = getattr(module, name + "_mask").detach()
            mask = mask.clone(memory_format=rustorch.contiguous_format)
        try:
            module.register_buffer(name + "_mask", method.compute_mask(scores, default_mask=mask))
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if first:
                module.register_parameter(name, getattr(module, name + "_orig"))
                del module._parameters[name + "_orig"]
            raise
        return method

    @staticmethod
    def _combine(module, name, method):
        """The method itself, or a container that takes the place of an earlier hook for the same parameter."""
        hooks = module._forward_pre_hooks
        keys = [k for k, hook in hooks.items() if isinstance(hook, BasePruningMethod) and hook._tensor_name == name]
        if len(keys) > 1:
            raise AssertionError(
                f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. "
                "Use a PruningContainer."
            )
        method._tensor_name = name
        if not keys:
            return method
        old = hooks.pop(keys[0])
        container = old if isinstance(old, PruningContainer) else PruningContainer(old)
        container.add_pruning_method(method)
        return container

    def prune(self, t, default_mask=None, importance_scores=None):
        """A pruned copy of a tensor, without any module."""
        scores = _check_shape(importance_scores, t, "tensor t")
        mask = rustorch.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)

    def remove(self, module):
        """Make the pruned values the parameter for good."""
        name = self._tensor_name
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters.pop(name + "_orig")
        original.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several prunings of one parameter; each chooses among what the ones before it left.

    Example:
        >>> layer = nn.Linear(4, 2)
        >>> for _ in range(2):
        ...     layer = torch.nn.utils.prune.random_unstructured(layer, "weight", amount=2)
        >>> hook = next(iter(layer._forward_pre_hooks.values()))
        >>> type(hook).__name__, len(hook), int((layer.weight_mask == 0).sum())
        ('PruningContainer', 2, 4)
    """

    def __init__(self, *args):
        self._pruning_methods = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method):
        """Add a method for the same parameter."""
        if method is not None:
            if not isinstance(method, BasePruningMethod):
                raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
            if self._tensor_name != method._tensor_name:
                raise ValueError(
                    f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to "
                    f"PruningContainer {self}. Found '{method._tensor_name}'"
                )
        self._pruning_methods += (method,)

    def __len__(self):
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, idx):
        return self._pruning_methods[idx]

    def compute_mask(self, t, default_mask):
        """The earlier mask with what the newest method prunes among the entries, or channels, that are left."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype)
        if method.PRUNING_TYPE == "unstructured":
            left = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
                )
            ndim = t.dim()
            dim = method.dim + ndim if method.dim < 0 else method.dim
            if dim < 0:
                raise IndexError(f"Index is out of bounds for tensor with dimensions {ndim}")
            used = default_mask.sum(dim=[d for d in range(ndim) if d != dim]) != 0
            left = (*[slice(None)] * dim, used)
        elif method.PRUNING_TYPE == "global":
            left = ...
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        chosen = method.compute_mask(t[left], default_mask=default_mask[left])
        mask = mask.clone(memory_format=rustorch.contiguous_format)
        mask[left] = chosen.to(dtype=mask.dtype)
        return mask


def _check_amount(amount):
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    count = isinstance(amount, numbers.Integral)
    if amount < 0 or (not count and amount > 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _count(amount, size):
    """How many of `size` entries to prune: a number of them or a share."""
    count = amount if isinstance(amount, numbers.Integral) else round(amount * size)
    if count > size:
        raise ValueError(f"amount={count} should be smaller than the number of parameters to prune={size}")
    return count


def _check_structured(t, dim):
    if t.dim() <= 1:
        raise ValueError(
            "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
            f"{t.shape} with {t.dim()} dims"
        )
    if dim >= t.dim():
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")


def _channel_mask(t, dim, channels, default_mask):
    """Ones in some channels of a dimension, where the earlier mask has ones."""
    mask = rustorch.zeros_like(t)
    index = [slice(None)] * t.dim()
    index[dim] = channels
    mask[tuple(index)] = 1
    return mask * default_mask.to(dtype=mask.dtype)


def _entry_mask(default_mask, indices):
    mask = default_mask.clone(memory_format=rustorch.contiguous_format)
    mask.view(-1)[indices] = 0
    return mask


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the parameter a pruned one.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> _ = torch.nn.utils.prune.Identity.apply(layer, "weight")
        >>> layer.weight_mask
        tensor([[1., 1.]])
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        return default_mask

    @classmethod
    def apply(cls, module, name):
        return super().apply(module, name)


class _Unstructured(BasePruningMethod):
    """Prunes single entries: those that `_pruned` numbers."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount

    def _pruned(self, t, count):
        raise NotImplementedError

    def compute_mask(self, t, default_mask):
        count = _count(self.amount, t.nelement())
        return _entry_mask(default_mask, self._pruned(t, count) if count else [])


class RandomUnstructured(_Unstructured):
    """Prunes entries at random.

    Args:  amount (int or float): a number of entries or a share in [0, 1].
    Example:
        >>> layer = nn.Linear(4, 2)
        >>> _ = torch.nn.utils.prune.RandomUnstructured.apply(layer, "weight", amount=0.5)
        >>> int(layer.weight_mask.sum())
        4
    """

    def _pruned(self, t, count):
        return rustorch.topk(rustorch.rand_like(t).view(-1), k=count).indices

    @classmethod
    def apply(cls, module, name, amount):
        return super().apply(module, name, amount=amount)


class L1Unstructured(_Unstructured):
    """Prunes the entries with the smallest absolute values.

    Args:  amount (int or float): a number of entries or a share in [0, 1].
    Example:
        >>> layer = nn.Linear(2, 1)
        >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, -1.0]]))
        >>> _ = torch.nn.utils.prune.L1Unstructured.apply(layer, "weight", amount=1)
        >>> layer.weight_mask
        tensor([[1., 0.]])
    """

    def _pruned(self, t, count):
        return rustorch.topk(t.abs().view(-1), k=count, largest=False).indices

    @classmethod
    def apply(cls, module, name, amount, importance_scores=None):
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class _Structured(BasePruningMethod):
    """Prunes whole channels: all but those that `_kept` names by a mask or by their numbers."""

    PRUNING_TYPE = "structured"

    def compute_mask(self, t, default_mask):
        _check_structured(t, self.dim)
        count = _count(self.amount, t.shape[self.dim])
        if count == 0:
            return default_mask
        return _channel_mask(t, self.dim, self._kept(t, count), default_mask)

    def _kept(self, t, count):
        raise NotImplementedError


class RandomStructured(_Structured):
    """Prunes whole channels at random.

    Args:
        amount (int or float): a number of channels or a share in [0, 1].
        dim (int, -1): the dimension of the channels.
    Example:
        >>> layer = nn.Linear(4, 2)
        >>> _ = torch.nn.utils.prune.RandomStructured.apply(layer, "weight", amount=1, dim=0)
        >>> sorted(layer.weight_mask.sum(1).tolist())
        [0.0, 4.0]
    """

    def __init__(self, amount, dim=-1):
        _check_amount(amount)
        self.amount = amount
        self.dim = dim

    def _kept(self, t, count):
        chances = rustorch.rand(t.shape[self.dim])
        return chances > rustorch.kthvalue(chances, k=count).values

    @classmethod
    def apply(cls, module, name, amount, dim=-1):
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(_Structured):
    """Prunes the channels with the smallest norms.

    Args:
        amount (int or float): a number of channels or a share in [0, 1].
        n (number or str): the norm, as `p` of `rustorch.norm`.
        dim (int, -1): the dimension of the channels.
    Example:
        >>> layer = nn.Linear(2, 2)
        >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, 4.0], [1.0, 1.0]]))
        >>> _ = torch.nn.utils.prune.LnStructured.apply(layer, "weight", amount=1, n=2, dim=0)
        >>> layer.weight_mask
        tensor([[1., 1.],
                [0., 0.]])
    """

    def __init__(self, amount, n, dim=-1):
        _check_amount(amount)
        self.amount = amount
        self.n = n
        self.dim = dim

    def _kept(self, t, count):
        own = self.dim % t.dim()
        norms = rustorch.norm(t, p=self.n, dim=[d for d in range(t.dim()) if d != own])
        return rustorch.topk(norms, k=t.shape[own] - count, largest=True).indices

    @classmethod
    def apply(cls, module, name, amount, n, dim, importance_scores=None):
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Prunes with a given mask.

    Args:  mask (Tensor): of the parameter's shape.
    Example:
        >>> layer = nn.Linear(2, 1)
        >>> _ = torch.nn.utils.prune.CustomFromMask.apply(layer, "weight", torch.tensor([[1, 0]]))
        >>> layer.weight_mask
        tensor([[1., 0.]])
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module, name, mask):
        return super().apply(module, name, mask=mask)


def identity(module, name):
    """Make a parameter a pruned one without pruning anything; return the module.

    Example:
        >>> torch.nn.utils.prune.identity(nn.Linear(2, 1), "weight").weight_mask
        tensor([[1., 1.]])
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module, name, amount):
    """Prune entries of a parameter at random; return the module.

    Example:
        >>> layer = torch.nn.utils.prune.random_unstructured(nn.Linear(4, 2), "weight", amount=3)
        >>> int((layer.weight_mask == 0).sum())
        3
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module, name, amount, importance_scores=None):
    """Prune the entries of a parameter with the smallest absolute values (or scores); return the module.

    Example:
        >>> layer = l1_unstructured(nn.Linear(2, 3), "weight", amount=2)
        >>> int((layer.weight == 0).sum())
        2
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module, name, amount, dim):
    """Prune channels of a parameter at random; return the module.

    Example:
        >>> layer = torch.nn.utils.prune.random_structured(nn.Linear(4, 2), "weight", amount=1, dim=1)
        >>> sorted(layer.weight_mask.sum(0).tolist())
        [0.0, 2.0, 2.0, 2.0]
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module, name, amount, n, dim, importance_scores=None):
    """Prune the channels of a parameter with the smallest norms; return the module.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, 4.0], [1.0, 1.0]]))
        >>> torch.nn.utils.prune.ln_structured(layer, "weight", amount=0.5, n=1, dim=0).weight_mask
        tensor([[1., 1.],
                [0., 0.]])
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module, name, mask):
    """Prune a parameter with a given mask; return the module.

    Example:
        >>> torch.nn.utils.prune.custom_from_mask(nn.Linear(2, 1), "bias", torch.tensor([0])).bias_mask
        tensor([0.])
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs):
    """Prune entries of several parameters, chosen among all of them together.

    Args:
        parameters (iterable of (Module, str)): which parameters.
        pruning_method (type): an unstructured method; kwargs are its arguments.
        importance_scores (dict, None): scores by (module, name), the values themselves where there are none.
    Example:
        >>> a, b = nn.Linear(2, 2), nn.Linear(2, 1)
        >>> torch.nn.utils.prune.global_unstructured(
        ...     [(a, "weight"), (b, "weight")], torch.nn.utils.prune.L1Unstructured, amount=2
        ... )
        >>> int((a.weight_mask == 0).sum() + (b.weight_mask == 0).sum())
        2
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    parameters = list(parameters)
    values = [getattr(module, name) for module, name in parameters]
    masks = [getattr(module, name + "_mask", None) for module, name in parameters]
    all_scores = parameters_to_vector([scores.get(key, value) for key, value in zip(parameters, values)])
    all_masks = parameters_to_vector(
        [rustorch.ones_like(value) if mask is None else mask for mask, value in zip(masks, values)]
    )
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of '
            f"type {method.PRUNING_TYPE}"
        )
    method._tensor_name = "temp"
    chosen = PruningContainer(method).compute_mask(all_scores, all_masks)
    start = 0
    for (module, name), value in zip(parameters, values):
        end = start + value.numel()
        custom_from_mask(module, name, mask=chosen[start:end].view_as(value))
        start = end


def remove(module, name):
    """Make the pruned values of a parameter permanent; return the module.

    Example:
        >>> layer = torch.nn.utils.prune.l1_unstructured(nn.Linear(2, 1), "weight", amount=1)
        >>> layer = torch.nn.utils.prune.remove(layer, "weight")
        >>> sorted(layer.state_dict()), int((layer.weight == 0).sum())
        (['bias', 'weight'], 1)
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module):
    """Whether anything in a module tree is pruned.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> torch.nn.utils.prune.is_pruned(layer)
        False
        >>> torch.nn.utils.prune.is_pruned(torch.nn.utils.prune.identity(layer, "weight"))
        True
    """
    return any(isinstance(hook, BasePruningMethod) for m in module.modules() for hook in m._forward_pre_hooks.values())
