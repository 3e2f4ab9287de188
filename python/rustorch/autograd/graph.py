"""The graph behind the tensors: its nodes, hooks on several tensors, and what is done to saved tensors."""

from collections import namedtuple

import rustorch
from rustorch import _C

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
    "set_warn_on_accumulate_grad_stream_mismatch",
]


class _NodeMeta(type):
    def __instancecheck__(cls, obj):
        return isinstance(obj, (getattr(_C, "_Node", ()), _C._FunctionBase))


class Node(metaclass=_NodeMeta):
    """What every `grad_fn` is an instance of; this class only says what they have.

    Example:
        >>> y = torch.ones(1, requires_grad=True).exp()
        >>> y.grad_fn.name(), isinstance(y.grad_fn, torch.autograd.graph.Node)
        ('ExpBackward0', True)
        >>> y.grad_fn.next_functions[0][0].name()
        'torch::autograd::AccumulateGrad'
    """

    def name(self):
        """The name of the operation, such as 'MulBackward0'."""
        raise NotImplementedError

    @property
    def next_functions(self):
        """Pairs (node, output number): where the gradients go."""
        raise NotImplementedError

    def metadata(self):
        """A dict for notes of the user."""
        raise NotImplementedError

    def register_hook(self, fn):
        """Call `fn(grad_inputs, grad_outputs)` after the node; it may return new `grad_inputs`. Removable."""
        raise NotImplementedError

    def register_prehook(self, fn):
        """Call `fn(grad_outputs)` before the node; it may return new ones. Removable."""
        raise NotImplementedError


_Edge = namedtuple("GradientEdge", ("node", "output_nr", "ownership_token"), defaults=(None,))


class GradientEdge(_Edge):
    """A place in the graph: the gradient of output `output_nr` of `node`.

    `backward` and `grad` take it in place of a tensor, which need not be kept alive then.

    Example:
        >>> y = torch.ones(1, requires_grad=True).exp()
        >>> torch.autograd.graph.GradientEdge(y.grad_fn, 0).node is y.grad_fn
        True
    """

    __slots__ = ()


def _node_of(t):
    """The node that the gradient of `t` goes to."""
    if isinstance(t, GradientEdge):
        return t.node
    if t.requires_grad and t.grad_fn is None:
        with rustorch.enable_grad():
            return t.view_as(t).grad_fn.next_functions[0][0]
    if t.grad_fn is None:
        raise AssertionError("Expected gradient function to be set")
    return t.grad_fn


def get_gradient_edge(tensor):
    """The edge that the gradient of `tensor` flows through.

    Raises: RuntimeError: if `tensor` does not require a gradient.
    Example:
        >>> y = torch.ones(1, requires_grad=True).exp()
        >>> edge = torch.autograd.graph.get_gradient_edge(y)
        >>> edge.node.name(), edge.output_nr
        ('ExpBackward0', 0)
    """
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node = _node_of(tensor)
    token = None
    if isinstance(node, _C._FunctionBase):
        # The node of a user's function lives only as long as something of the graph points to it.
        with rustorch.enable_grad():
            token = tensor.view_as(tensor).grad_fn
    return GradientEdge(node, tensor.output_nr, token)


def increment_version(tensor):
    """Tell the graph that the values of a tensor, or of several, have changed.

    Example:
        >>> x = torch.ones(1)
        >>> torch.autograd.graph.increment_version(x)
        >>> x._version
        1
    """
    _C._increment_version((tensor,) if isinstance(tensor, rustorch.Tensor) else tensor)


class saved_tensors_hooks:
    """Within a `with` block, pass what operations save for their derivative through a pair of functions.

    Args:
        pack_hook (callable): tensor -> anything; called when an operation saves the tensor. It must not change it.
        unpack_hook (callable): what `pack_hook` returned -> a tensor with the same values; called in backward.
    Example:
        >>> def pack(t):
        ...     return t.to(torch.float16)
        >>> x = torch.ones(2, requires_grad=True)
        >>> with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t.float()):
        ...     y = (x * x).sum()
        >>> y.backward()
        >>> x.grad
        tensor([2., 2.])
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self):
        for name, hook in (("pack_hook", self.pack_hook), ("unpack_hook", self.unpack_hook)):
            if not callable(hook):
                raise TypeError(
                    f"saved_tensors_hooks: expected a callable as {name}, but got {type(hook).__name__}. "
                    "Pass a function of one argument."
                )
        _C._push_saved_tensors_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *args):
        _C._pop_saved_tensors_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Within a `with` block, move saved tensors to the memory of the CPU until backward needs them.

    Args:
        pin_memory (bool, False): kept for compatibility.
        device_type (str, 'cuda'): kept for compatibility.
    Example:
        >>> x = torch.ones(2, requires_grad=True)
        >>> with torch.autograd.graph.save_on_cpu():
        ...     y = x.exp().sum()
        >>> y.backward()
        >>> x.grad
        tensor([2.7183, 2.7183])
    """

    def __init__(self, pin_memory=False, device_type="cuda"):
        def pack(tensor):
            return tensor.device, tensor.cpu()

        def unpack(packed):
            device, tensor = packed
            return tensor.to(device)

        super().__init__(pack, unpack)


class disable_saved_tensors_hooks:
    """Within a `with` block, using `saved_tensors_hooks` is an error with this message.

    Example:
        >>> try:
        ...     with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
        ...         with torch.autograd.graph.save_on_cpu():
        ...             pass
        ... except RuntimeError as error:
        ...     print(error)
        not here
    """

    def __init__(self, error_message):
        self._message = error_message

    def __enter__(self):
        self._prev = _C._saved_tensors_hooks_get_disabled_error_message()
        _C._saved_tensors_hooks_disable(self._message)

    def __exit__(self, *args):
        if self._prev is None:
            _C._saved_tensors_hooks_enable()
        else:
            _C._saved_tensors_hooks_disable(self._prev)


class allow_mutation_on_saved_tensors:
    """Within a `with` block, tensors that were saved may be changed in place: backward sees a copy.

    Example:
        >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
        ...     x = torch.ones(2, requires_grad=True)
        ...     y = x.clone()
        ...     z = y.sin().sum()
        ...     _ = y.zero_()
        ...     z.backward()
        >>> x.grad
        tensor([0.5403, 0.5403])


    Note: the copy is made when the tensor is saved, not when it is changed.
    """

    _active = False

    def __enter__(self):
        cls = allow_mutation_on_saved_tensors
        if cls._active:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")

        def unpack(copy):
            if not cls._active:
                raise AssertionError(
                    "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context"
                    "in which the graph was originally recorded."
                )
            return copy

        self._hooks = saved_tensors_hooks(lambda t: t.detach().clone(), unpack)
        self._hooks.__enter__()
        cls._active = True
        return self

    def __exit__(self, *args):
        allow_mutation_on_saved_tensors._active = False
        self._hooks.__exit__(*args)


class _MultiHandle:
    """Removes several hooks together."""

    def __init__(self, handles):
        self.handles = handles

    def remove(self):
        for handle in self.handles:
            handle.remove()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.remove()


def _current_pass():
    number = _C._current_graph_task_id()
    if number == -1:
        raise AssertionError("expected this hook to be called inside a backward call")
    return number


def register_multi_grad_hook(tensors, fn, *, mode="all"):
    """Call `fn` once in each backward pass when the gradients of several tensors are known.

    Args:
        tensors (sequence): tensors that require gradients.
        fn (callable): mode 'all': gets the list of gradients, None for tensors outside the pass, after the last of
            them; mode 'any': gets the first gradient.
    Returns: a handle whose `remove()` takes the hook away.
    Example:
        >>> x, y = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
        >>> handle = torch.autograd.graph.register_multi_grad_hook((x, y), lambda grads: print(grads))
        >>> (x * 2 + y * 3).sum().backward()
        [tensor([2.]), tensor([3.])]
    """
    if mode == "any":
        return _MultiHandle(_hooks_for_any(tensors, fn))
    if mode != "all":
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    nodes = [_node_of(t) for t in tensors]
    passes = {}  # pass -> [gradients missing, gradients]

    def hook_for(place):
        def hook(grad):
            number = _current_pass()
            entry = passes.get(number)
            if entry is None:
                expected = sum(map(_C._will_engine_execute_node, nodes))
                entry = passes[number] = [expected, [None] * len(nodes)]
            entry[0] -= 1
            entry[1][place] = grad
            if entry[0] == 0:
                del passes[number]
                fn(entry[1])

        return hook

    return _MultiHandle(tuple(t.register_hook(hook_for(i)) for i, t in enumerate(tensors)))


def _hooks_for_any(tensors, fn):
    last = None

    def hook(grad):
        nonlocal last
        number = _current_pass()
        if last != number:
            last = number
            fn(grad)

    return tuple(t.register_hook(hook) for t in tensors if t.requires_grad)


def set_warn_on_accumulate_grad_stream_mismatch(enabled):
    """Nothing: there are no streams that could differ.

    Example:
        >>> torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)
    """
