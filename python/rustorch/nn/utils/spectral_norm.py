"""Spectral normalisation by a forward pre-hook; `parametrizations.spectral_norm` is the newer form."""

import rustorch
from rustorch.nn import functional as F
from rustorch.nn.parameter import Parameter, is_lazy
from rustorch.nn.utils.parametrizations import _spectral_dim

__all__ = [
    "SpectralNorm",
    "SpectralNormLoadStateDictPreHook",
    "SpectralNormStateDictHook",
    "remove_spectral_norm",
    "spectral_norm",
]


class SpectralNorm:
    """The hook: it computes `<name>` from `<name>_orig` and the vectors `<name>_u` and `<name>_v`."""

    # Version 1 keeps v in state_dict.
    _version = 1

    def __init__(self, name="weight", n_power_iterations=1, dim=0, eps=1e-12):
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name = name
        self.dim = dim
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def reshape_weight_to_matrix(self, weight):
        if self.dim != 0:
            weight = weight.permute(self.dim, *(d for d in range(weight.dim()) if d != self.dim))
        return weight.reshape(weight.size(0), -1)

    def compute_weight(self, module, do_power_iteration):
        weight = getattr(module, self.name + "_orig")
        u = getattr(module, self.name + "_u")
        v = getattr(module, self.name + "_v")
        matrix = self.reshape_weight_to_matrix(weight)
        if do_power_iteration:
            with rustorch.no_grad():
                for _ in range(self.n_power_iterations):
                    # In place, so that copies of the module that share the buffers see it.
                    v = F.normalize(rustorch.mv(matrix.t(), u), dim=0, eps=self.eps, out=v)
                    u = F.normalize(rustorch.mv(matrix, v), dim=0, eps=self.eps, out=u)
                # Copies: the next forward pass changes the buffers before this one's backward pass.
                u = u.clone(memory_format=rustorch.contiguous_format)
                v = v.clone(memory_format=rustorch.contiguous_format)
        return weight / rustorch.dot(u, rustorch.mv(matrix, v))

    def remove(self, module):
        """Make the current weight the parameter again."""
        with rustorch.no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for suffix in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + suffix)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module, inputs):
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))

    def _solve_v_and_rescale(self, matrix, u, target_sigma):
        """The v with u = normalize(W v) and u^T W v = target_sigma."""
        square = matrix.t().mm(matrix).pinverse()
        v = rustorch.linalg.multi_dot([square, matrix.t(), u.unsqueeze(1)]).squeeze(1)
        return v.mul_(target_sigma / rustorch.dot(u, rustorch.mv(matrix, v)))

    @staticmethod
    def apply(module, name, n_power_iterations, dim, eps):
        """Replace the weight and register the hooks."""
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm) and hook.name == name:
                raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
        hook = SpectralNorm(name, n_power_iterations, dim, eps)
        weight = module._parameters[name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
        if is_lazy(weight):
            raise ValueError(
                "The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure to run the dummy "
                "forward before applying spectral normalization"
            )
        with rustorch.no_grad():
            h, w = hook.reshape_weight_to_matrix(weight).size()
            u = F.normalize(weight.new_empty(h).normal_(0, 1), dim=0, eps=eps)
            v = F.normalize(weight.new_empty(w).normal_(0, 1), dim=0, eps=eps)
        delattr(module, name)
        module.register_parameter(name + "_orig", weight)
        # A plain attribute, which must not require grad, or deepcopy would refuse it.
        setattr(module, name, weight.data)
        module.register_buffer(name + "_u", u)
        module.register_buffer(name + "_v", v)
        module.register_forward_pre_hook(hook)
        module._register_state_dict_hook(SpectralNormStateDictHook(hook))
        module._register_load_state_dict_pre_hook(SpectralNormLoadStateDictPreHook(hook))
        return hook


class SpectralNormLoadStateDictPreHook:
    """Makes v for a state_dict of version 0, which has the weight instead."""

    def __init__(self, fn):
        self.fn = fn

    def __call__(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        fn = self.fn
        version = local_metadata.get("spectral_norm", {}).get(fn.name + ".version", None)
        if version is not None and version >= 1:
            return
        key = prefix + fn.name
        complete = all(key + suffix in state_dict for suffix in ("_orig", "_u", "_v"))
        if version is None and complete and key not in state_dict:
            return  # of version 1, but without metadata
        missing = [key + suffix for suffix in ("_orig", "", "_u") if key + suffix not in state_dict]
        if missing:
            if strict:
                missing_keys.extend(missing)
            return
        with rustorch.no_grad():
            original = state_dict[key + "_orig"]
            sigma = (original / state_dict.pop(key)).mean()
            matrix = fn.reshape_weight_to_matrix(original)
            state_dict[key + "_v"] = fn._solve_v_and_rescale(matrix, state_dict[key + "_u"], sigma)


class SpectralNormStateDictHook:
    """Writes the version into the metadata of a state_dict."""

    def __init__(self, fn):
        self.fn = fn

    def __call__(self, module, state_dict, prefix, local_metadata):
        versions = local_metadata.setdefault("spectral_norm", {})
        key = self.fn.name + ".version"
        if key in versions:
            raise RuntimeError(f"Unexpected key in metadata['spectral_norm']: {key}")
        versions[key] = self.fn._version


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divide a weight by its largest singular value; `nn.utils.parametrizations.spectral_norm` is the newer form.

    Args:
        name (str, 'weight'): the parameter, which becomes `<name>_orig`.
        n_power_iterations (int, 1): steps of the estimate in every forward pass in training.
        eps (float, 1e-12): lower limit of norms.
        dim (int, None): the output dimension; by default 0, and 1 for transposed convolutions.
    Returns:  the module.
    Example:
        >>> layer = torch.nn.utils.spectral_norm(nn.Linear(3, 2))
        >>> _ = layer(torch.ones(3))
        >>> sorted(name for name, _ in layer.named_parameters()), layer.weight_u.shape
        (['bias', 'weight_orig'], torch.Size([2]))
    """
    SpectralNorm.apply(module, name, n_power_iterations, _spectral_dim(module, dim), eps)
    return module


def _drop_hook(hooks, kind, name):
    """Remove the first hook of a kind for a name; return it, or None."""
    for key, hook in hooks.items():
        if isinstance(hook, kind) and getattr(hook, "fn", hook).name == name:
            del hooks[key]
            return hook
    return None


def remove_spectral_norm(module, name="weight"):
    """Undo `spectral_norm` and return the module.

    Example:
        >>> layer = torch.nn.utils.spectral_norm(nn.Linear(3, 2))
        >>> layer = torch.nn.utils.remove_spectral_norm(layer)
        >>> sorted(layer.state_dict())
        ['bias', 'weight']
    """
    hook = _drop_hook(module._forward_pre_hooks, SpectralNorm, name)
    if hook is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    hook.remove(module)
    _drop_hook(module._state_dict_hooks, SpectralNormStateDictHook, name)
    # Load hooks are wrapped when they are registered.
    for key, wrapped in module._load_state_dict_pre_hooks.items():
        inner = getattr(wrapped, "hook", wrapped)
        if isinstance(inner, SpectralNormLoadStateDictPreHook) and inner.fn.name == name:
            del module._load_state_dict_pre_hooks[key]
            break
    return module
