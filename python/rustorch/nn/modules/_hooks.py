"""Hooks of modules: their registries, for all modules and for one, and the call that runs them."""

import functools
import warnings
import weakref
from collections import OrderedDict

from rustorch import Tensor
from rustorch.utils.hooks import BackwardHook, RemovableHandle

_global_buffer_registration_hooks = OrderedDict()
_global_module_registration_hooks = OrderedDict()
_global_parameter_registration_hooks = OrderedDict()
_global_backward_pre_hooks = OrderedDict()
_global_backward_hooks = OrderedDict()
_global_is_full_backward_hook = None
_global_forward_pre_hooks = OrderedDict()
_global_forward_hooks = OrderedDict()
_global_forward_hooks_always_called = OrderedDict()
_global_forward_hooks_with_kwargs = OrderedDict()

_MIXED_BACKWARD_HOOKS = (
    "Cannot use both regular backward hooks and full backward hooks {}. Please use only one of them."
)
_NON_FULL = "Using {} is deprecated and will be removed in future versions. This hook will be missing some {}."
_USE_FULL = " Please use register_full_backward_hook to get the documented behavior."


def _has_any_global_hook():
    return (
        _global_backward_pre_hooks
        or _global_backward_hooks
        or _global_forward_pre_hooks
        or _global_forward_hooks
        or _global_forward_hooks_always_called
        or _global_forward_hooks_with_kwargs
    )


class _WrappedHook:
    """A hook that is given its module first, without keeping the module alive."""

    def __init__(self, hook, module=None):
        self.hook = hook
        functools.update_wrapper(self, hook)
        self.with_module = module is not None
        if self.with_module:
            self.module = weakref.ref(module)

    def __call__(self, *args, **kwargs):
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self):
        state = {"hook": self.hook, "with_module": self.with_module}
        if self.with_module:
            state["module"] = self.module()
        return state

    def __setstate__(self, state):
        self.hook = state["hook"]
        self.with_module = state["with_module"]
        if self.with_module:
            if state["module"] is None:
                raise RuntimeError("You are trying to revive the hook of a dead Module!")
            self.module = weakref.ref(state["module"])


def _add(table, hook, *, flags=(), prepend=False):
    """Put `hook` into `table` and its id into each (table, wanted) of `flags`; return the handle."""
    handle = RemovableHandle(table, extra_dict=[extra for extra, _ in flags])
    table[handle.id] = hook
    for extra, wanted in flags:
        if wanted:
            extra[handle.id] = True
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


def register_module_buffer_registration_hook(hook):
    """Call `hook(module, name, buffer)` whenever a module registers a buffer; a result that is not None replaces it."""
    return _add(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook):
    """Call `hook(module, name, submodule)` whenever a module registers a child; a result not None replaces it."""
    return _add(_global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook):
    """Call `hook(module, name, param)` whenever a module registers a parameter; a result not None replaces it."""
    return _add(_global_parameter_registration_hooks, hook)


def register_module_forward_pre_hook(hook):
    """Call `hook(module, args)` before the forward of every module; a result not None replaces `args`."""
    return _add(_global_forward_pre_hooks, hook)


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Call `hook(module, args, output)` after the forward of every module; a result not None replaces `output`.

    Args:
        with_kwargs (bool, False): call `hook(module, args, kwargs, output)` instead.
        always_call (bool, False): run the hook also when forward or another hook raises.
    """
    flags = [
        (_global_forward_hooks_always_called, always_call),
        (_global_forward_hooks_with_kwargs, with_kwargs),
    ]
    return _add(_global_forward_hooks, hook, flags=flags)


def _set_global_backward_kind(full):
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is (not full):
        raise RuntimeError(_MIXED_BACKWARD_HOOKS.format("as a global Module hook"))
    _global_is_full_backward_hook = full


def register_module_backward_hook(hook):
    """Register an old-style backward hook on every module; prefer `register_module_full_backward_hook`."""
    _set_global_backward_kind(full=False)
    return _add(_global_backward_hooks, hook)


def register_module_full_backward_pre_hook(hook):
    """Call `hook(module, grad_output)` when the gradients of a module's outputs are known, for every module."""
    return _add(_global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook):
    """Call `hook(module, grad_input, grad_output)` once the gradients of the inputs are known, for every module."""
    _set_global_backward_kind(full=True)
    return _add(_global_backward_hooks, hook)


def _all_tensors(value):
    """The tensors of a tensor or a tuple of tensors, or None for any other value."""
    if isinstance(value, Tensor):
        return (value,)
    if isinstance(value, tuple) and all(isinstance(v, Tensor) for v in value):
        return value
    return None


def _warn_non_full(what, lost, hint=_USE_FULL):
    warnings.warn(_NON_FULL.format(what, lost) + hint, FutureWarning, stacklevel=4)


def _maybe_warn_non_full_backward_hook(inputs, result, grad_fn):
    """Say when an old-style backward hook will not see all gradients of the module."""
    outputs = _all_tensors(result)
    if outputs is None:
        return _warn_non_full(
            "non-full backward hooks on a Module that does not return a single Tensor or a tuple of Tensors",
            "of the grad_output",
        )
    inputs = _all_tensors(inputs)
    if inputs is None:
        return _warn_non_full(
            "non-full backward hooks on a Module that does not take as input a single Tensor or a tuple of Tensors",
            "of the grad_input",
        )
    nodes = {t.grad_fn for t in outputs if t.grad_fn is not None}
    if not nodes or (len(nodes) == 1 and grad_fn not in nodes):
        return _warn_non_full(
            "a non-full backward hook when outputs are nested in python data structure", "grad_output", hint=""
        )
    if len(nodes) > 1:
        return _warn_non_full(
            "a non-full backward hook when outputs are generated by different autograd Nodes", "grad_output"
        )
    if {t.grad_fn for t in inputs if t.grad_fn is not None} != {edge[0] for edge in grad_fn.next_functions}:
        _warn_non_full("a non-full backward hook when the forward contains multiple autograd Nodes", "grad_input")
    return None


def _first_tensor(value):
    while not isinstance(value, Tensor):
        value = next(v for v in value.values() if isinstance(v, Tensor)) if isinstance(value, dict) else value[0]
    return value


class _HookedCall:
    """One call of a module that has hooks: its arguments, its result, and which hooks already ran."""

    __slots__ = ("args", "kwargs", "module", "ran", "result")

    def __init__(self, module, args, kwargs):
        self.module, self.args, self.kwargs = module, args, kwargs
        self.result = None
        self.ran = set()

    def run(self):
        module = self.module
        backward_pre = [*_global_backward_pre_hooks.values(), *module._backward_pre_hooks.values()]
        full, non_full = module._get_backward_hooks()
        self.before_forward()
        backward = BackwardHook(module, full, backward_pre) if full or backward_pre else None
        if backward is not None:
            self.args = backward.setup_input_hook(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        self.after_forward()
        if backward is not None:
            if not isinstance(self.result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                    f"but received {type(self.result)}",
                    stacklevel=4,
                )
            self.result = backward.setup_output_hook(self.result)
        if non_full:
            grad_fn = _first_tensor(self.result).grad_fn
            if grad_fn is not None:
                for hook in non_full:
                    grad_fn.register_hook(_WrappedHook(hook, module))
                _maybe_warn_non_full_backward_hook(self.args, self.result, grad_fn)
        return self.result

    def before_forward(self):
        module = self.module
        for key, hook in (*_global_forward_pre_hooks.items(), *module._forward_pre_hooks.items()):
            if key not in module._forward_pre_hooks_with_kwargs:
                args = hook(module, self.args)
                if args is not None:
                    self.args = args if isinstance(args, tuple) else (args,)
                continue
            changed = hook(module, self.args, self.kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
            self.args, self.kwargs = changed

    def call_forward_hook(self, key, hook):
        if key in self.module._forward_hooks_with_kwargs or key in _global_forward_hooks_with_kwargs:
            changed = hook(self.module, self.args, self.kwargs, self.result)
        else:
            changed = hook(self.module, self.args, self.result)
        if changed is not None:
            self.result = changed

    def after_forward(self):
        for key, hook in (*_global_forward_hooks.items(), *self.module._forward_hooks.items()):
            self.ran.add(key)
            self.call_forward_hook(key, hook)

    def after_error(self):
        """Run the `always_call` hooks that the error left out; errors of theirs only warn."""
        module = self.module
        tables = (
            ("global module", _global_forward_hooks, _global_forward_hooks_always_called),
            ("module", module._forward_hooks, module._forward_hooks_always_called),
        )
        for kind, hooks, always in tables:
            for key, hook in hooks.items():
                if key not in always or key in self.ran:
                    continue
                try:
                    self.call_forward_hook(key, hook)
                except Exception as error:
                    warnings.warn(
                        f"{kind} forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error}",
                        stacklevel=4,
                    )


class _ModuleHooks:
    """The hook methods of Module."""

    def _call_impl(self, *args, **kwargs):
        """Call forward together with every hook that is registered."""
        call = _HookedCall(self, args, kwargs)
        try:
            return call.run()
        except Exception:
            call.after_error()
            raise

    def _slow_forward(self, *input, **kwargs):
        """forward: nothing is traced here."""
        return self.forward(*input, **kwargs)

    def _get_backward_hooks(self):
        """The full and the old-style backward hooks, the global ones first."""
        kinds = {True: [], False: [], None: []}
        kinds[_global_is_full_backward_hook] += _global_backward_hooks.values()
        kinds[self._is_full_backward_hook] += self._backward_hooks.values()
        return kinds[True], kinds[False]

    def _get_backward_pre_hooks(self):
        return [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call `hook(module, args)` before forward; a result that is not None replaces the arguments.

        Args:
            prepend (bool, False): run before the hooks already registered on this module.
            with_kwargs (bool, False): call `hook(module, args, kwargs)`, which may return `(args, kwargs)`.
        Returns:  a handle whose `remove()` takes the hook away.
        """
        flags = [(self._forward_pre_hooks_with_kwargs, with_kwargs)]
        return _add(self._forward_pre_hooks, hook, flags=flags, prepend=prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call `hook(module, args, output)` after forward; a result that is not None replaces the output.

        Args:
            prepend (bool, False): run before the hooks already registered on this module.
            with_kwargs (bool, False): call `hook(module, args, kwargs, output)`.
            always_call (bool, False): run the hook also when forward or another hook raises.
        Returns:  a handle whose `remove()` takes the hook away.
        """
        flags = [(self._forward_hooks_with_kwargs, with_kwargs), (self._forward_hooks_always_called, always_call)]
        return _add(self._forward_hooks, hook, flags=flags, prepend=prepend)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Call `hook(module, grad_output)` when the gradients of the outputs are known; a result replaces them."""
        return _add(self._backward_pre_hooks, hook, prepend=prepend)

    def _set_backward_kind(self, full):
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(_MIXED_BACKWARD_HOOKS.format("on a single Module"))
        self._is_full_backward_hook = full

    def register_backward_hook(self, hook):
        """Register an old-style backward hook; prefer `register_full_backward_hook`."""
        self._set_backward_kind(full=False)
        return _add(self._backward_hooks, hook)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call `hook(module, grad_input, grad_output)` once the gradients of the inputs are known.

        Entries for arguments that are not tensors are None; a result that is not None replaces grad_input.

        Args:  prepend (bool, False): run before the hooks already registered on this module.
        Returns:  a handle whose `remove()` takes the hook away.
        """
        self._set_backward_kind(full=True)
        return _add(self._backward_hooks, hook, prepend=prepend)

    def _register_state_dict_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata)` after state_dict; a result replaces it."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was previously registered via "
                "register_state_dict_post_hook"
            )
        return _add(self._state_dict_hooks, hook)

    def register_state_dict_post_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata)` after state_dict; it changes the dict in place."""
        hook._from_public_api = True
        return _add(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook):
        """Call `hook(module, prefix, keep_vars)` before state_dict is filled."""
        return _add(self._state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        return _add(self._load_state_dict_pre_hooks, _WrappedHook(hook, self if with_module else None))

    def register_load_state_dict_pre_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`
        before this module takes its part of a state_dict."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook):
        """Call `hook(module, incompatible_keys)` after loading; it may change the two lists of keys in place."""
        return _add(self._load_state_dict_post_hooks, hook)
