"""Operations with a derivative of the user's own.

`_C._FunctionBase` is the Rust half of a node: saved tensors, hooks, edges. `Function.apply` makes an instance `ctx`
of the class's node class, runs `forward` without recording, and attaches `ctx` to the outputs as their grad_fn; the
engine then calls `ctx._run(grads)`.
"""

import functools
import warnings

import rustorch
from rustorch import _C

__all__ = [
    "BackwardCFunction",
    "Function",
    "FunctionCtx",
    "FunctionMeta",
    "InplaceFunction",
    "NestedIOFunction",
    "once_differentiable",
]


class FunctionCtx:
    """What `forward` can tell about itself, and leave for `backward`.

    Attributes:
        saved_tensors (tuple): in `backward`, the tensors given to `save_for_backward`.
        needs_input_grad (tuple of bool): which inputs need a gradient.
    Example:
        >>> class Scale(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x, factor):
        ...         ctx.factor = factor
        ...         return x * factor
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         return grad * ctx.factor, None
        >>> x = torch.ones(2, requires_grad=True)
        >>> Scale.apply(x, 3.0).sum().backward()
        >>> x.grad
        tensor([3., 3.])
    """

    def save_for_backward(self, *tensors):
        """Keep inputs or outputs (or None) for `backward`, where they are `ctx.saved_tensors`.

        Kept this way, a tensor that is changed in place meanwhile is noticed. Anything else, and intermediate
        results that need no second derivative, may be stored as attributes of `ctx`.
        """
        self.to_save = tensors

    def save_for_forward(self, *tensors):
        """Keep tensors for `jvp`."""
        for tensor in tensors:
            if not (isinstance(tensor, rustorch.Tensor) or tensor is None):
                raise AssertionError(
                    "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes "
                    "on ctx."
                )
        self.saved_for_forward = tensors

    def mark_dirty(self, *args):
        """Say which inputs were changed in place; they must be among the outputs."""
        self.dirty_tensors = args

    def mark_shared_storage(self, *pairs):
        """Do nothing: shared storage is tracked."""
        warnings.warn(
            "`mark_shared_storage` is deprecated. Tensors with shared storages are automatically tracked. Note that "
            "calls to `set_()` are not tracked",
            FutureWarning,
            stacklevel=2,
        )

    def mark_non_differentiable(self, *args):
        """Say which outputs have no derivative; `backward` still gets a gradient, of zeros, for each."""
        self.non_differentiable = args

    def set_materialize_grads(self, value):
        """Say whether missing gradients reach `backward` as zeros (True, as it starts) or as None."""
        if not isinstance(value, bool):
            raise TypeError(
                "set_materialize_grads received an invalid combination of arguments - got "
                f"({type(value).__name__}), but expected (bool)"
            )
        self.materialize_grads = value


_ContextMethodMixin = FunctionCtx


class BackwardCFunction(_C._FunctionBase, FunctionCtx):
    """The node of a user's function: its `ctx`, and what the engine calls."""

    # What `forward` has said so far.
    to_save = saved_for_forward = dirty_tensors = non_differentiable = None

    def maybe_clear_saved_tensors(self):
        """Nothing: the engine frees what was saved once the node has run."""

    def _user_backward(self):
        cls = self._forward_cls
        own_backward = cls.backward is not Function.backward
        own_vjp = cls.vjp is not Function.vjp
        if own_backward and own_vjp:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only "
                "implement one of them."
            )
        return cls.vjp if own_vjp else cls.backward

    def apply(self, *args):
        """Call the user's backward with these gradients."""
        if self._forward_cls.boxed_grads_call:
            args = (list(args),)
        return self._user_backward()(self, *args)

    def _run(self, grads):
        """What the engine calls: fills in zeros, runs backward, and fits its answer to the arguments of forward."""
        if getattr(self, "materialize_grads", True):
            grads = tuple(
                grad if grad is not None or meta is None else rustorch.zeros(meta[0], dtype=meta[1], device=meta[2])
                for grad, meta in zip(grads, self._output_meta, strict=True)
            )
        if self._forward_cls.clear_saved_tensors_on_access:
            self._clear_on_access()
        result = self.apply(*grads)
        if not isinstance(result, tuple):
            result = (result,)
        name, expected = type(self).__name__, len(self.needs_input_grad)
        if len(result) > expected and all(extra is None for extra in result[expected:]):
            result = result[:expected]
        if len(result) != expected:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients (expected {expected}, got {len(result)})"
            )
        for i, (grad, is_tensor) in enumerate(zip(result, self._is_tensor, strict=True)):
            if grad is not None and not is_tensor:
                raise RuntimeError(
                    f"function {name} returned a gradient different than None at position {i + 1}, but the "
                    "corresponding forward input was not a Variable"
                )
        return tuple(grad if needed else None for grad, needed in zip(result, self.needs_input_grad, strict=True))

    def name(self):
        return type(self).__name__

    @property
    def metadata(self):
        return self.__dict__.setdefault("_metadata", {})

    @property
    def saved_variables(self):
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors

    def register_hook(self, hook):
        """Call `hook(grad_inputs, grad_outputs)` after this node has run."""
        return rustorch.utils.hooks.PlacedHandle(self._add_hook(hook, False))

    def register_prehook(self, hook):
        """Call `hook(grad_outputs)` before this node runs."""
        return rustorch.utils.hooks.PlacedHandle(self._add_hook(hook, True))

    def apply_jvp(self, *args):
        return self._forward_cls.jvp(self, *args)


_C._Node.register_hook = BackwardCFunction.register_hook
_C._Node.register_prehook = BackwardCFunction.register_prehook


class FunctionMeta(type):
    """Gives each function class the class of its nodes, named as the function with 'Backward' added."""

    def __init__(cls, name, bases, attrs):
        cls._backward_cls = type(name + "Backward", (BackwardCFunction,), {"_forward_cls": cls})
        base = globals().get("_SingleLevelFunction", cls)
        cls._has_setup_context = cls.setup_context is not base.setup_context
        if cls._has_setup_context and "apply" not in attrs:
            cls.apply = classmethod(_apply_with_defaults)
        super().__init__(name, bases, attrs)


def _apply_with_defaults(cls, *args, **kwargs):
    """`apply` for a function whose `setup_context` is to see every argument, also those left to their defaults."""
    signature = cls.__dict__.get("_signature")
    if signature is None:
        import inspect

        signature = cls._signature = inspect.signature(cls.forward)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return super(Function, cls).apply(*bound.args, **bound.kwargs)


class _SingleLevelFunction(_C._FunctionBase, FunctionCtx, metaclass=FunctionMeta):
    @staticmethod
    def forward(*args, **kwargs):
        """Compute the outputs: `forward(ctx, *args)`, or `forward(*args)` beside a `setup_context`.

        Tensors among the arguments come without their graph; anything may be an argument.
        """
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Prepare `ctx` for `backward`, given all arguments and what `forward` returned."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """Gradients of all arguments of `forward`, None for those that have none, from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @classmethod
    def apply(cls, *args, **kwargs):
        """Run `forward` on these arguments and record it; keyword arguments get no gradient."""
        return _apply(cls, args, kwargs)

    vjp = backward
    clear_saved_tensors_on_access = False
    boxed_grads_call = False

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """Tangents of the outputs from those of the arguments, for forward mode."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )


class Function(_SingleLevelFunction):
    """Base of operations with a derivative of their own; call them with `apply`.

    Example:
        >>> class Exp(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = x.exp()
        ...         ctx.save_for_backward(y)
        ...         return y
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (y,) = ctx.saved_tensors
        ...         return grad * y
        >>> Exp.apply(torch.zeros(1, requires_grad=True))
        tensor([1.], grad_fn=<ExpBackward>)
    """

    generate_vmap_rule = False

    def __init__(self, *args, **kwargs):
        warnings.warn(
            f"{self.__class__} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. "
            "(Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def vmap(info, in_dims, *args):
        """Outputs for batched arguments, and their batch dims."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or set "
            "generate_vmap_rule=True."
        )


def _apply(cls, args, kwargs):
    if any(getattr(type(arg), "_in_vmap", False) for arg in args):
        from rustorch.func._functions import apply

        return apply(cls, args, kwargs)
    ctx = cls._backward_cls()
    is_tensor = tuple(isinstance(arg, rustorch.Tensor) for arg in args)
    recorded = _C._needs_grad(args)
    ctx._is_tensor = is_tensor
    ctx.needs_input_grad = tuple(t and arg.requires_grad for t, arg in zip(is_tensor, args, strict=True))
    with rustorch.no_grad():
        if cls._has_setup_context:
            result = cls.forward(*args, **kwargs)
            cls.setup_context(ctx, args, result)
        else:
            result = cls.forward(ctx, *args, **kwargs)
    single = not isinstance(result, tuple)
    outputs = (result,) if single else result
    dirty = ctx.dirty_tensors or ()
    fixed = ctx.non_differentiable or ()
    saved = () if ctx.to_save is None else ctx.to_save
    # Said once; left on ctx, they would keep tensors alive that backward frees.
    ctx.dirty_tensors = ctx.non_differentiable = ctx.to_save = None
    if isinstance(saved, rustorch.Tensor):
        saved = (saved,)
    for i, t in enumerate(dirty):
        if not isinstance(t, rustorch.Tensor):
            raise RuntimeError(f"mark_dirty can only accept variables, but argument {i} is of type {type(t).__name__}")
        if not any(t is arg for arg in args):
            warnings.warn(
                "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been mutated "
                "should be passed to ctx.mark_dirty().",
                stacklevel=3,
            )
        if not any(t is out for out in outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
                "are modified inplace must all be outputs of the Function."
            )
    for t in fixed:
        if not isinstance(t, rustorch.Tensor):
            raise RuntimeError(f"mark_non_differentiable only accepts variable arguments, but got {type(t).__name__}")
    dirty = tuple(t for t in dirty if any(t is arg for arg in args))
    if not recorded:
        # An input that requires grad comes out as a result like any other, without a graph.
        returned = [out for out in outputs if isinstance(out, rustorch.Tensor) and any(out is arg for arg in args)]
        loose = {id(out) for out in returned if out.requires_grad and not any(out is t for t in dirty)}
        fresh = tuple(out.detach() if id(out) in loose else out for out in outputs)
        ctx._keep(tuple(saved), tuple(out for out in fresh if not any(out is arg for arg in args)))
        return fresh[0] if single else fresh
    fresh, changed, smooth = [], [], []
    for original in outputs:
        out = original
        is_out = isinstance(out, rustorch.Tensor)
        is_dirty = is_out and any(out is t for t in dirty)
        if is_out and not is_dirty and any(out is arg for arg in args):
            # An input returned as it came must not lose its own history: a view takes the new one.
            if any(out is t for t in fixed):
                out = out.detach()
            else:
                with rustorch.no_grad():
                    out = out.view_as(out)
        fresh.append(out)
        changed.append(is_dirty)
        smooth.append(is_out and not any(original is t for t in fixed))
    renamed = {id(old): new for old, new in zip(outputs, fresh, strict=True)}
    saved = tuple(renamed.get(id(t), t) if not any(t is arg for arg in args) else t for t in saved)
    ctx._output_meta = [
        (out.shape, out.dtype, out.device) if isinstance(out, rustorch.Tensor) else None for out in fresh
    ]
    ctx._attach(type(ctx).__name__, args, tuple(fresh), smooth, changed, saved)
    return fresh[0] if single else tuple(fresh)


def _is_setup_context_defined(fn):
    return fn is not _SingleLevelFunction.setup_context


class _DelayedError(Function):
    """The identity, with an error for a derivative."""

    @staticmethod
    def forward(ctx, message, *tensors):
        ctx.message = message
        return tuple(t.detach() if t is not None else None for t in tensors)

    @staticmethod
    def backward(ctx, *grads):
        raise RuntimeError(ctx.message)


def once_differentiable(fn):
    """Decorate a `backward` that is not itself made of recorded operations: differentiating it is an error.

    Example:
        >>> class Double(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x * 2
        ...     @staticmethod
        ...     @torch.autograd.function.once_differentiable
        ...     def backward(ctx, grad):
        ...         return grad * 2
        >>> x = torch.ones(1, requires_grad=True)
        >>> torch.autograd.grad(Double.apply(x), x)[0]
        tensor([2.])
    """

    @functools.wraps(fn)
    def wrapper(ctx, *args, **kwargs):
        with rustorch.no_grad():
            outputs = fn(ctx, *args, **kwargs)
        if not rustorch.is_grad_enabled():
            return outputs
        if not any(isinstance(arg, rustorch.Tensor) and arg.requires_grad for arg in args):
            return outputs
        single = not isinstance(outputs, tuple)
        marked = [t if t is None else t.detach().requires_grad_() for t in ((outputs,) if single else outputs)]
        message = "trying to differentiate twice a function that was marked with @once_differentiable"
        result = _DelayedError.apply(message, *marked)
        return result[0] if single else result

    return wrapper


class InplaceFunction(Function):
    """A function with a flag `inplace`; kept for compatibility.

    Example:
        >>> class AddOne(torch.autograd.function.InplaceFunction):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.mark_dirty(x)
        ...         return x.add_(1)
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         return grad
        >>> x = torch.ones(1, requires_grad=True)
        >>> y = AddOne.apply(x * 2)
        >>> y.item()
        3.0
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace


def _flatten(obj):
    """The tensors in nested lists, tuples and dicts, in order."""
    if isinstance(obj, rustorch.Tensor):
        yield obj
    elif isinstance(obj, (list, tuple)):
        for member in obj:
            yield from _flatten(member)
    elif isinstance(obj, dict):
        yield from _flatten(list(obj.values()))
    elif obj is not None:
        raise ValueError(
            "Auto nesting doesn't know how to process an input object of type "
            + rustorch.typename(obj)
            + ". Accepted types: Tensors, or lists/tuples of them"
        )


class NestedIOFunction(Function):
    """A function on nested lists of tensors, with methods instead of static methods; kept for compatibility.

    Example:
        >>> class Sum(torch.autograd.function.NestedIOFunction):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x * 2
        >>> issubclass(Sum, torch.autograd.Function)
        True
    """

    def save_for_backward(self, *args):
        self.to_save = tuple(_flatten(args))
        self._to_save_nested = args

    def mark_dirty(self, *args, **kwargs):
        self.dirty_tensors = tuple(_flatten((args, kwargs)))

    def mark_non_differentiable(self, *args, **kwargs):
        self.non_differentiable = tuple(_flatten((args, kwargs)))

    def forward_extended(self, *input):
        raise NotImplementedError

    def backward_extended(self, *grad_output):
        raise NotImplementedError
