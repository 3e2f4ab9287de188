"""Handles that take a hook away again, and the hooks of a whole module's backward pass."""

import warnings
import weakref
from collections import OrderedDict

import rustorch

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


class RemovableHandle:
    """A registered hook; `remove()` takes it away, and so does leaving a `with` block.

    Args:
        hooks_dict (dict): the table that holds the hook under `handle.id`.
        extra_dict (dict or list of dicts, None): further tables that hold something under the same id.
    """

    next_id = 0

    def __init__(self, hooks_dict, *, extra_dict=None):
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        if extra_dict is None:
            extra = []
        elif isinstance(extra_dict, dict):
            extra = [extra_dict]
        else:
            extra = list(extra_dict)
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extra)

    def remove(self):
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            table = ref()
            if table is not None:
                table.pop(self.id, None)

    def __getstate__(self):
        if self.extra_dict_ref is None:
            return (self.hooks_dict_ref(), self.id)
        return (self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref))

    def __setstate__(self, state):
        # A dead table becomes an empty one of the same kind, so that remove() stays harmless.
        self.hooks_dict_ref = weakref.ref(OrderedDict() if state[0] is None else state[0])
        self.id = state[1]
        extra = state[2] if len(state) > 2 else ()
        self.extra_dict_ref = tuple(weakref.ref(OrderedDict() if d is None else d) for d in extra)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self):
        return self

    def __exit__(self, type, value, tb):
        self.remove()


class PlacedHandle(RemovableHandle):
    """A hook on a tensor or a node, which keeps its own table.

    Args:
        place (_C._HookHandle): where it was put.
    """

    def __init__(self, place):
        self._place = place
        self.id = place.id

    def remove(self):
        self._place.remove()

    def __getstate__(self):
        return self.id

    def __setstate__(self, state):
        # A copy from another process means no hook here.
        self.id = state
        self._place = RemovableHandle({})


def unserializable_hook(f):
    """Mark a hook as one that pickling a tensor leaves out with a warning."""
    f.__torch_unserializable__ = True
    return f


def warn_if_has_hooks(tensor):
    """Warn for every hook of `tensor` that a pickled copy will lack."""
    for hook in tensor._hook_functions():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate "
                "the function with @torch.utils.hooks.unserializable_hook to suppress this warning",
                stacklevel=2,
            )


class BackwardHook:
    """The full backward hooks of one module call.

    The inputs and the outputs of the call pass through one identity node each. When the gradients of all outputs are
    known the pre-hooks run, when those of all inputs are known the hooks run; both may replace what flows on.

    Args:
        module (Module): passed to the hooks as their first argument.
        user_hooks (list): called as `hook(module, grad_inputs, grad_outputs)`.
        user_pre_hooks (list): called as `hook(module, grad_outputs)`.
    """

    def __init__(self, module, user_hooks, user_pre_hooks):
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.module = module
        self.grad_outputs = None
        self.n_outputs = -1
        self.output_tensors_index = None
        self.n_inputs = -1
        self.input_tensors_index = None

    def setup_input_hook(self, args):
        """Let the tensors of `args` pass through the node whose gradients are the module's grad_input."""
        out, node, places = _through_identity(args)
        self.n_inputs, self.input_tensors_index = len(args), places
        if node is not None:
            node.register_hook(self._inputs_ready)
        return out

    def setup_output_hook(self, args):
        """Let the tensors of the output pass through the node whose gradients are the module's grad_output."""
        single = not isinstance(args, tuple)
        given = (args,) if single else args
        out, node, places = _through_identity(given)
        self.n_outputs, self.output_tensors_index = len(given), places
        if node is not None:
            node.register_hook(self._outputs_ready)
        return out[0] if single else out

    def _inputs_ready(self, grad_input, _):
        if self.grad_outputs is None:
            return None  # The pass did not start from the outputs, so this call has no part in it.
        grads = _spread(grad_input, self.input_tensors_index, self.n_inputs)
        for hook in self.user_hooks:
            result = hook(self.module, grads, self.grad_outputs)
            if result is None:
                continue
            if len(result) != len(grads):
                raise RuntimeError(
                    "Backward hook returned an invalid number of grad_input, "
                    f"got {len(result)}, but expected {len(grads)}"
                )
            grads = result
        self.grad_outputs = None
        return tuple(grads[i] for i in self.input_tensors_index)

    def _outputs_ready(self, grad_output, _):
        grads = _spread(grad_output, self.output_tensors_index, self.n_outputs)
        for hook in self.user_pre_hooks:
            result = hook(self.module, grads)
            if result is None:
                continue
            if len(result) != len(grads):
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(result)}, but expected {len(grads)}"
                )
            grads = result
        if self.input_tensors_index is None:
            # No input needs a gradient, so there is no later moment to run the hooks at.
            if self.user_hooks:
                self._run_without_inputs(grads)
        else:
            self.grad_outputs = grads
        return tuple(grads[i] for i in self.output_tensors_index)

    def _run_without_inputs(self, grads):
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module."
            "register_full_backward_hook for more details.",
            stacklevel=6,
        )
        nothing = (None,) * self.n_inputs
        for hook in self.user_hooks:
            result = hook(self.module, nothing, grads)
            if result is not None and not (isinstance(result, tuple) and all(r is None for r in result)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None "
                    "or None for all gradients."
                )


def _spread(values, places, size):
    """The gradients of the tensors among `size` arguments, with None for the others."""
    out = [None] * size
    for place, value in zip(places, values):
        out[place] = value
    return tuple(out)


def _through_identity(args):
    """`args` with its tensors passed through one identity node, that node, and the places of the tensors."""
    places = [i for i, a in enumerate(args) if isinstance(a, rustorch.Tensor)]
    if not (rustorch.is_grad_enabled() and any(args[i].requires_grad for i in places)):
        return args, None, None
    # Imported at first use, because autograd imports this module.
    from rustorch.nn.modules._functions import BackwardHookFunction

    through = BackwardHookFunction.apply(*(args[i] for i in places))
    node = next(t.grad_fn for t in through if t.grad_fn is not None)
    out = list(args)
    for place, tensor in zip(places, through):
        out[place] = tensor
    return (tuple(out) if type(args) is tuple else type(args)(*out)), node, places
