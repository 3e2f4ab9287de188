"""Activation checkpoints: forget what a part of the model saved for backward, and compute it again when asked.

Without reentrance (`use_reentrant=False`), the part records its graph as usual, but what its operations save is
replaced by holders. When backward opens the first holder of a frame, the part runs again, and the tensors that it
saves this time fill the holders in the same order. With reentrance, the part is one node, whose derivative runs the
part with recording and then a backward pass of its own.
"""

import contextlib
import warnings
import weakref

import rustorch
from rustorch import _C
from rustorch.autograd import Function
from rustorch.autograd.graph import saved_tensors_hooks

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "DefaultDeviceType",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]


class CheckpointError(RuntimeError):
    """The second run of a checkpointed part saved other tensors than the first.

    Example:
        >>> issubclass(torch.utils.checkpoint.CheckpointError, RuntimeError)
        True
    """


class _Override:
    """A setting that a `with` block overrides for all checkpoints in it."""

    def __init__(self):
        self.value = None

    @contextlib.contextmanager
    def during(self, value):
        before, self.value = self.value, value
        try:
            yield
        finally:
            self.value = before


_debug_override = _Override()
_early_stop_override = _Override()


def set_checkpoint_debug_enabled(enabled):
    """Within a `with` block, override the argument `debug` of `checkpoint`; None leaves it alone.

    Example:
        >>> with torch.utils.checkpoint.set_checkpoint_debug_enabled(None):
        ...     y = torch.utils.checkpoint.checkpoint(torch.exp, torch.zeros(1), use_reentrant=False)
        >>> y
        tensor([1.])
    """
    return _debug_override.during(enabled)


def set_checkpoint_early_stop(enable):
    """Within a `with` block, override whether a second run stops as soon as all saved tensors are there.

    Example:
        >>> x = torch.zeros(1, requires_grad=True)
        >>> with torch.utils.checkpoint.set_checkpoint_early_stop(False):
        ...     y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)
        >>> y.backward()
        >>> x.grad
        tensor([0.5403])
    """
    return _early_stop_override.during(enable)


def noop_context_fn():
    """Two contexts that do nothing.

    Example:
        >>> forward, recomputation = torch.utils.checkpoint.noop_context_fn()
        >>> with forward:
        ...     pass
    """
    return contextlib.nullcontext(), contextlib.nullcontext()


def detach_variable(inputs):
    """A tuple with its tensors cut off from their graph; `requires_grad` stays.

    Example:
        >>> x = torch.ones(1, requires_grad=True)
        >>> (y,) = torch.utils.checkpoint.detach_variable((x * 2,))
        >>> y.grad_fn is None, y.requires_grad
        (True, True)
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple(t.detach().requires_grad_(t.requires_grad) if isinstance(t, rustorch.Tensor) else t for t in inputs)


def check_backward_validity(inputs):
    """Warn if no tensor among `inputs` requires a gradient.

    Example:
        >>> torch.utils.checkpoint.check_backward_validity([torch.ones(1, requires_grad=True)])
    """
    if not any(t.requires_grad for t in inputs if isinstance(t, rustorch.Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


# ---- the state around a run: random numbers


class DefaultDeviceType:
    """The device whose random state is kept when no argument is on one.

    Example:
        >>> torch.utils.checkpoint.DefaultDeviceType.get_device_type()
        'cpu'
    """

    _default_device_type = None

    @staticmethod
    def set_device_type(device="cuda"):
        DefaultDeviceType._default_device_type = device

    @staticmethod
    def get_device_type():
        return DefaultDeviceType._default_device_type or "cpu"


def _tensors(values):
    """The tensors in nested containers."""
    for value in values:
        if isinstance(value, rustorch.Tensor):
            yield value
        elif isinstance(value, dict):
            yield from _tensors(value.values())
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _infer_device_type(*args):
    found = dict.fromkeys(t.device.type for t in _tensors(args) if t.device.type != "cpu")
    if len(found) > 1:
        warnings.warn(
            "Tensor arguments, excluding CPU tensors, are detected on at least two types of devices. Device state will "
            "only be saved for devices of a single device type, and the remaining devices will be ignored. "
            "Consequently, if any checkpointed functions involve randomness, this may result in incorrect gradients. "
            f"Device types: {sorted(found)} first device type: {next(iter(found))}",
            stacklevel=2,
        )
    return next(iter(found), None) or DefaultDeviceType.get_device_type()


def get_device_states(*args):
    """Numbers and random states of the devices, besides the CPU, that the tensors in `args` are on.

    Example:
        >>> torch.utils.checkpoint.get_device_states(torch.ones(1))
        ([], [])
    """
    numbers = list(dict.fromkeys(t.device.index for t in _tensors(args) if t.device.type not in ("cpu", "meta")))
    if not numbers:
        return [], []
    module = getattr(rustorch, _infer_device_type(*args))
    return numbers, [module.get_rng_state(number) for number in numbers]


def set_device_states(devices, states, *, device_type=None):
    """Put random states of `get_device_states` back.

    Example:
        >>> torch.utils.checkpoint.set_device_states([], [])
    """
    device_type = device_type or DefaultDeviceType.get_device_type()
    if device_type in ("cpu", "meta"):
        return
    module = getattr(rustorch, device_type)
    for number, state in zip(devices, states):
        module.set_rng_state(state, number)


class _Surroundings:
    """Random states at the time of the first run."""

    def __init__(self, args, preserve_rng_state):
        self.preserve = preserve_rng_state
        self.device_type = _infer_device_type(*args)
        if preserve_rng_state:
            self.cpu_state = rustorch.get_rng_state()
            self.devices, self.device_states = get_device_states(*args)

    @contextlib.contextmanager
    def restored(self):
        """The same surroundings again, for a `with` block."""
        with contextlib.ExitStack() as stack:
            if self.preserve:
                stack.enter_context(rustorch.random.fork_rng(devices=self.devices, device_type=self.device_type))
                rustorch.set_rng_state(self.cpu_state)
                set_device_states(self.devices, self.device_states, device_type=self.device_type)
            yield


# ---- with reentrance


class CheckpointFunction(Function):
    """The checkpointed part as one node.

    Example:
        >>> issubclass(torch.utils.checkpoint.CheckpointFunction, torch.autograd.Function)
        True
    """

    @staticmethod
    def forward(ctx, run_function, preserve_rng_state, *args):
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.surroundings = _Surroundings(args, preserve_rng_state)
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, rustorch.Tensor)]
        ctx.others = [None if isinstance(a, rustorch.Tensor) else a for a in args]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        with rustorch.no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx, *grads):
        if not _C._is_checkpoint_valid():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.others)
        for place, tensor in zip(ctx.places, ctx.saved_tensors):
            inputs[place] = tensor
        inputs = detach_variable(tuple(inputs))
        with ctx.surroundings.restored(), rustorch.enable_grad():
            outputs = ctx.run_function(*inputs)
        if isinstance(outputs, rustorch.Tensor):
            outputs = (outputs,)
        pairs = [(o, g) for o, g in zip(outputs, grads) if isinstance(o, rustorch.Tensor) and o.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        rustorch.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
        return None, None, *(t.grad if isinstance(t, rustorch.Tensor) else None for t in inputs)


# ---- without reentrance


class _StopRecomputation(Exception):
    """All tensors that the first run saved are there."""


# In the place of a tensor that backward has taken out of its holder.
_TAKEN = object()


class _Holder:
    """Stands in the graph for a saved tensor; `values` has the recomputed tensor for each backward pass."""

    __slots__ = ("__weakref__", "values")

    def __init__(self):
        self.values = {}


class _SaveInputs(Function):
    """Saves the arguments of a part as tensors that the graph knows, so that outer checkpoints see them."""

    @staticmethod
    def forward(ctx, dummy, *tensors):
        ctx.save_for_backward(*tensors)
        return rustorch.empty(0)

    @staticmethod
    def backward(ctx, grad):
        raise AssertionError("checkpoint: expected no gradient for the saved inputs, but got one. Please report this.")


class _Frame:
    """One call of a checkpointed part: how to run it again, and the holders of what it saved."""

    def __init__(self, rerun, early_stop, describe, debug):
        self.rerun = rerun
        self.early_stop = early_stop
        self.describe = describe
        self.debug = debug
        self.holders = []  # weak references, in the order of saving
        self.descriptions = []
        self.places = []  # in debug mode, where each tensor was saved
        self.counts = {}  # backward pass -> tensors saved by the second run
        self.done = set()  # backward passes with a finished second run
        self.complete = False  # the first run is over
        self.partial = False  # backward began within the first run

    def save_inputs(self, args):
        self.tensor_places = [i for i, a in enumerate(args) if isinstance(a, rustorch.Tensor)]
        self.others = [None if isinstance(a, rustorch.Tensor) else a for a in args]
        dummy = rustorch.empty(0, requires_grad=True)
        self.inputs_node = _SaveInputs.apply(dummy, *(args[i] for i in self.tensor_places)).grad_fn

    def inputs(self):
        args = list(self.others)
        for place, tensor in zip(self.tensor_places, self.inputs_node.saved_tensors):
            args[place] = tensor
        return args

    # The two pairs of hooks.

    def pack(self, tensor):
        holder = _Holder()
        self.holders.append(weakref.ref(holder))
        self.descriptions.append(self.describe(tensor))
        if self.debug:
            self.places.append(_stack())
        return holder

    def unpack(self, holder):
        number = _C._current_graph_task_id()
        if number == -1:
            number = object()  # Outside of a backward pass, each look runs the part again.
        if number not in self.done:
            self.run_again(number)
        value = holder.values.get(number, _TAKEN)
        if value is _TAKEN:
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. If you "
                "are calling ctx.saved_tensors in backward, make sure to do so only once. Otherwise please open an "
                "issue with details on your use case."
            )
        holder.values[number] = _TAKEN
        return value

    def run_again(self, number):
        self.counts[number] = 0
        frame = weakref.ref(self)
        hooks = saved_tensors_hooks(lambda t: frame().fill(t, number), lambda t: t)
        try:
            with hooks, rustorch.enable_grad():
                self.rerun(*self.inputs())
        except _StopRecomputation:
            pass
        self.done.add(number)
        self.check(number)

    def fill(self, tensor, number):
        """Put a tensor that the second run saves into the holder whose turn it is."""
        tensor = tensor.detach() if tensor.requires_grad else tensor
        i = self.counts[number]
        self.counts[number] = i + 1
        if i >= len(self.holders):
            if not self.complete:
                self.partial = True
                return tensor
            raise CheckpointError(
                "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original "
                "forward pass.\n" + self.hint(i)
            )
        holder = self.holders[i]()
        if holder is not None:
            holder.values[number] = tensor
        if self.early_stop and i + 1 == len(self.holders):
            raise _StopRecomputation
        return tensor

    def check(self, number):
        if self.partial:
            return
        saved = self.counts[number]
        if saved != len(self.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.holders)}\n"
                f"Number of tensors saved during recomputation: {saved}.\n{self.hint(saved)}"
            )
        faults = []
        for i, (ref, before) in enumerate(zip(self.holders, self.descriptions)):
            holder = ref()
            if holder is None:
                continue
            after = self.describe(holder.values[number])
            if before != after:
                faults.append((i, f"tensor at position {i}:\nsaved metadata: {before}\nrecomputed metadata: {after}\n"))
        if faults:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                f"during the forward pass.\n{''.join(text for _, text in faults)}.\n{self.hint(faults[0][0])}"
            )

    def hint(self, i):
        if not self.debug:
            return (
                "\nTip: To see where the tensors were saved, either pass `debug=True` to\n"
                "`torch.utils.checkpoint.checkpoint(...)` or wrap the code block\n"
                "with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):`.\n"
            )
        where = self.places[i] if i < len(self.places) else "(not saved then)\n"
        return f"In the original forward, the tensor at position {i} was saved at:\n{where}"


def _stack():
    import traceback

    return "".join(traceback.format_stack()[:-2])


def _describe(tensor):
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


_CHECKS = {"default": _describe, "none": lambda _: None}


def _without_reentrance(function, preserve, context_fn, determinism_check, debug, early_stop, args, kwargs):
    if _debug_override.value is not None:
        debug = _debug_override.value
    if _early_stop_override.value is not None:
        early_stop = _early_stop_override.value
    if debug and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn")
    if determinism_check not in _CHECKS:
        raise ValueError(f"determinism_check should be one of {list(_CHECKS)}, but got {determinism_check}")
    forward_context, second_context = context_fn()
    if not rustorch.is_grad_enabled():
        return function(*args, **kwargs)
    surroundings = _Surroundings(args, preserve)

    def rerun(*args):
        with surroundings.restored(), second_context:
            function(*args, **kwargs)

    frame = _Frame(rerun, early_stop, _CHECKS[determinism_check], debug)
    frame.save_inputs(args)
    with saved_tensors_hooks(frame.pack, frame.unpack), forward_context:
        result = function(*args, **kwargs)
    frame.complete = True
    return result


def checkpoint(
    function,
    *args,
    use_reentrant=None,
    context_fn=noop_context_fn,
    determinism_check="default",
    debug=False,
    early_stop=True,
    **kwargs,
):
    """Call `function(*args, **kwargs)` without keeping what it saves for backward; backward runs it again.

    Args:
        function (callable): a part of the model; it must do the same when it is run again.
        use_reentrant (bool): False is the better variant, see the note; to be given explicitly.
        context_fn (callable): returns two context managers, for the first and for the second run.
        determinism_check (str, 'default'): 'default' compares shapes, dtypes and devices of what both runs save,
            'none' does not.
        debug (bool, False): let errors say where the tensors were saved.
        early_stop (bool, True): stop the second run when all saved tensors are there.
        preserve_rng_state (bool, True): give both runs the same random numbers.
    Example:
        >>> x = torch.ones(2, requires_grad=True)
        >>> y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)
        >>> y.sum().backward()
        >>> x.grad
        tensor([-2.4783, -2.4783])

    Note: with reentrance, keyword arguments and `autograd.grad` do not work, an input must require a gradient, and
        only tensors given as arguments themselves, not in containers, get one.
    Source: Chen et al. 2016, arXiv:1604.06174.
    """
    if use_reentrant is None:
        _warn_missing(
            "checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, calling "
            "checkpoint without use_reentrant will raise an exception."
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if not use_reentrant:
        return _without_reentrance(function, preserve, context_fn, determinism_check, debug, early_stop, args, kwargs)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn or debug is not False:
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    return CheckpointFunction.apply(function, preserve, *args)


def _warn_missing(text):
    warnings.warn(
        f"torch.utils.{text} use_reentrant=False is recommended, but if you need to preserve the current default "
        "behavior, you can pass use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
        stacklevel=3,
    )


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """Run functions one after the other, in `segments` parts, all but the last of them checkpointed.

    Args:
        functions (Sequential or list): what to run.
        segments (int): number of parts.
        input (Tensor): of the first function.
        use_reentrant (bool): see `checkpoint`.
        preserve_rng_state (bool, True): see `checkpoint`.
    Example:
        >>> net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> x = torch.ones(3, 4, requires_grad=True)
        >>> y = torch.utils.checkpoint.checkpoint_sequential(net, 2, x, use_reentrant=False)
        >>> y.shape
        torch.Size([3, 1])
    """
    if use_reentrant is None:
        _warn_missing(
            "checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In version 2.9 "
            "we will raise an exception if use_reentrant is not passed."
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if isinstance(functions, rustorch.nn.Sequential):
        functions = list(functions.children())

    def part(members):
        def run(value):
            for function in members:
                value = function(value)
            return value

        return run

    size = len(functions) // segments
    last = size * (segments - 1)
    for start in range(0, last, size) if size else ():
        input = checkpoint(
            part(functions[start : start + size]),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve,
        )
    return part(functions[last:])(input)
