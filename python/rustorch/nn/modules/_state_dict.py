"""Saving the parameters and buffers of a module tree into a dict, and loading them back."""

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Mapping

import rustorch
from rustorch import __future__
from rustorch.nn.parameter import Parameter, is_lazy
from rustorch.overrides import is_tensor_like

_EXTRA_STATE_KEY_SUFFIX = "_extra_state"
_NOT_OVERRIDDEN = (
    "Reached a code path in Module.{}() that should never be called. Please file an issue at "
    "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug."
)


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


def _as_parameter(value, like):
    """`value` as a parameter that requires grad as `like` does."""
    if isinstance(value, Parameter):
        return value.requires_grad_(like.requires_grad)
    return Parameter(value, requires_grad=like.requires_grad)


def _put(module, name, current, value, assign, swap):
    """Give the parameter or buffer `current` of `module` the value from a state_dict."""
    if swap:
        new = current.module_load(value, assign=assign)
        if new is value or new is current:
            raise RuntimeError(
                "module_load returned one of self or other, please .detach() the result if returning one of the "
                "inputs in module_load"
            )
        if isinstance(current, Parameter):
            new = _as_parameter(new, current)
        rustorch.utils.swap_tensors(current, new)
    elif assign:
        setattr(module, name, _as_parameter(value, current) if isinstance(current, Parameter) else value)
    else:
        current.copy_(value)


class _ModuleState:
    """The state_dict methods of Module."""

    def get_extra_state(self):
        """Override together with `set_extra_state` to keep something besides tensors in state_dict.

        Returns:  any picklable value.
        """
        raise RuntimeError(_NOT_OVERRIDDEN.format("get_extra_state"))

    def set_extra_state(self, state):
        """Override to take back what `get_extra_state` returned."""
        raise RuntimeError(_NOT_OVERRIDDEN.format("set_extra_state"))

    def _overrides(self, name):
        return getattr(type(self), name) is not getattr(_ModuleState, name)

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        """Put this module's own parameters, persistent buffers and extra state into `destination`."""
        for name, param in self._parameters.items():
            if param is not None:
                destination[prefix + name] = param if keep_vars else param.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars else buffer.detach()
        if self._overrides("get_extra_state"):
            destination[prefix + _EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """A dict from dotted names to the parameters and persistent buffers of the whole tree; the memory is shared.

        Args:
            destination (dict, None): filled and returned instead of a new OrderedDict.
            prefix (str, ''): put before every name.
            keep_vars (bool, False): hold the parameters themselves instead of detached tensors.
        Example:
            >>> list(nn.Linear(2, 3).state_dict())
            ['weight', 'bias']
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to "
                "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=2,
            )
            given = dict(zip(("destination", "prefix", "keep_vars"), args))
            destination = given.get("destination") if destination is None else destination
            prefix = prefix or given.get("prefix", "")
            keep_vars = keep_vars or given.get("keep_vars", False)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            result = hook(self, destination, prefix, local_metadata)
            if result is None:
                continue
            if getattr(hook, "_from_public_api", False):
                raise RuntimeError("state_dict post-hook must return None")
            destination = result
        return destination

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        """Take this module's own entries out of `state_dict`; problems go into the three lists."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        local = {name: p for name, p in self._parameters.items() if p is not None}
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                local[name] = buffer
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, current in local.items():
            if prefix + name in state_dict:
                self._load_entry(name, current, prefix + name, state_dict[prefix + name], assign, error_msgs)
            elif strict:
                missing_keys.append(prefix + name)
        extra_key = prefix + _EXTRA_STATE_KEY_SUFFIX
        if self._overrides("set_extra_state"):
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if strict:
            for key in state_dict:
                if not key.startswith(prefix) or key == extra_key:
                    continue
                head, dot, _ = key[len(prefix) :].partition(".")
                if head not in (self._modules if dot else local):
                    unexpected_keys.append(key)

    def _load_entry(self, name, current, key, value, assign, error_msgs):
        if not is_tensor_like(value):
            error_msgs.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}"
            )
            return
        if not is_lazy(current):
            # A 0-d value was stored with one element before 0-d tensors existed.
            if len(current.shape) == 0 and len(value.shape) == 1 and value.shape[0] == 1:
                value = value[0]
            if value.shape != current.shape:
                error_msgs.append(
                    f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
                    f"the shape in current model is {current.shape}."
                )
                return
        if current.is_meta and not value.is_meta and not assign:
            warnings.warn(
                f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current "
                "model, which is a no-op. (Did you mean to pass `assign=True` to assign items in the state dictionary "
                "to their corresponding key in the module instead of copying them in place?)",
                stacklevel=3,
            )
        swap = __future__.get_swap_module_params_on_conversion()
        try:
            with rustorch.no_grad():
                _put(self, name, current, value, assign, swap)
        except Exception as error:
            error_msgs.append(
                f'While {"swapping" if swap else "copying"} the parameter named "{key}", whose dimensions in the model '
                f"are {current.size()} and whose dimensions in the checkpoint are {value.size()}, an exception "
                f"occurred : {error.args}."
            )

    def _load_tree(self, state_dict, prefix, metadata, assign, keys, error_msgs):
        local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
        if assign:
            local_metadata["assign_to_params_buffers"] = assign
        # Always strict here: load_state_dict itself decides what to do with the keys.
        self._load_from_state_dict(
            state_dict, prefix, local_metadata, True, keys.missing_keys, keys.unexpected_keys, error_msgs
        )
        for name, child in self._modules.items():
            if child is not None:
                child_prefix = f"{prefix}{name}."
                part = {k: v for k, v in state_dict.items() if k.startswith(child_prefix)}
                _ModuleState._load_tree(child, part, child_prefix, metadata, assign, keys, error_msgs)
        for hook in self._load_state_dict_post_hooks.values():
            if hook(self, keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                    "values, if incompatible_keys need to be modified, it should be done inplace."
                )

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy parameters and buffers from a dict that `state_dict` made.

        Args:
            strict (bool, True): raise unless the keys are exactly those of this module.
            assign (bool, False): take the tensors themselves instead of copying into the existing ones.
        Returns:  a named tuple of lists `missing_keys` and `unexpected_keys`.
        Raises:   RuntimeError: keys (if strict) or shapes that do not fit; the text lists all of them.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata
        keys, error_msgs = _IncompatibleKeys([], []), []
        self._load_tree(state_dict, "", metadata, assign, keys, error_msgs)
        if strict:
            for kind, names in (("Unexpected", keys.unexpected_keys), ("Missing", keys.missing_keys)):
                if names:
                    quoted = ", ".join(f'"{name}"' for name in names)
                    error_msgs.insert(0, f"{kind} key(s) in state_dict: {quoted}. ")
        if error_msgs:
            details = "\n\t".join(error_msgs)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{details}")
        return keys
