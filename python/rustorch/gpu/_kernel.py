"""Users' own kernels in WGSL."""

import struct

import rustorch
from rustorch import _C

# What a binding of a dtype holds; dtypes below 32 bits come as words that hold several elements.
_ELEMENTS = {"float32": "f32", "int32": "i32", "uint32": "u32", "int64": "vec2<u32>"}
_PARAMS = {"u32": "I", "i32": "i", "f32": "f"}


class Kernel:
    """A compute shader that runs on tensors; made by `rustorch.gpu.kernel`."""

    def __init__(self, source, inputs, outputs, params, entry, name):
        self.source, self.entry, self.name = source, entry, name
        self.inputs, self.outputs, self.params = dict(inputs), dict(outputs), dict(params)
        declared = []
        for k, (binding, dtype) in enumerate({**self.inputs, **self.outputs}.items()):
            access = "read_write" if binding in self.outputs else "read"
            element = _ELEMENTS.get(str(dtype).rpartition(".")[2], "u32")
            declared.append(f"@group(0) @binding({k}) var<storage, {access}> {binding}: array<{element}>;")
        self._source = "\n".join([*declared, source])
        self._fields = "".join(f"    {n}: {t},\n" for n, t in self.params.items())

    def __repr__(self):
        return f"<gpu kernel {self.name}({', '.join([*self.inputs, *self.outputs])})>"

    def __call__(self, *tensors, groups, **params):
        """Runs it.

        Args:
            tensors (Tensor): the inputs and then the outputs, contiguous and on the GPU; outputs are written in place.
            groups (int or tuple of up to 3): workgroups along x, y and z.
            params: a number for each parameter, by its name.

        Raises:
            TypeError: if a tensor or a parameter is missing or has another dtype.
            ValueError: if a tensor is not contiguous, or there are too many workgroups.
            RuntimeError: if the source does not compile, a tensor is on another device, or an output requires grad.
        """
        names = [*self.inputs, *self.outputs]
        if len(tensors) != len(names) or not all(isinstance(t, rustorch.Tensor) for t in tensors):
            raise TypeError(
                f"kernel {self.name}: expected tensors for {', '.join(names)}, but got {len(tensors)} arguments."
            )
        if params.keys() != self.params.keys():
            raise TypeError(
                f"kernel {self.name}: expected parameters {', '.join(self.params) or 'none'}, but got "
                f"{', '.join(params) or 'none'}. Give each by its name."
            )
        dtypes = {**self.inputs, **self.outputs}
        bound = []
        for name, t in zip(names, tensors, strict=True):
            if t.dtype != dtypes[name]:
                raise TypeError(
                    f"kernel {self.name}: expected {name} to be {dtypes[name]}, but got {t.dtype}. Convert it with .to()."
                )
            written = name in self.outputs
            if written and t.requires_grad and rustorch.is_grad_enabled():
                raise RuntimeError(
                    f"kernel {self.name}: expected an output that autograd does not record, but {name} requires grad. "
                    "Call it under torch.no_grad(), or from autograd.Function."
                )
            if not t.is_contiguous() or (written and t.storage_offset()):
                raise ValueError(
                    f"kernel {self.name}: expected {name} to be contiguous from the start of its memory, but got strides "
                    f"{t.stride()} and offset {t.storage_offset()}. Use .contiguous() or a tensor of its own."
                )
            # Bindings begin where the memory does.
            bound.append((t.detach().clone() if t.storage_offset() else t.detach(), written))
        groups = (groups,) if isinstance(groups, int) else tuple(groups)
        if not 1 <= len(groups) <= 3 or any(not isinstance(n, int) or not 0 <= n < 2**32 for n in groups):
            raise ValueError(f"kernel {self.name}: expected 1 to 3 counts of workgroups, but got {groups!r}.")
        words = []
        for name, kind in self.params.items():
            try:
                words += struct.unpack("I", struct.pack(_PARAMS[kind], params[name]))
            except (struct.error, OverflowError) as error:
                raise TypeError(
                    f"kernel {self.name}: expected {name} to be a {kind}, but got {params[name]!r} ({error})."
                ) from None
        _C._gpu_run_kernel(self.name, self._source, self._fields, self.entry, bound, words, (*groups, 1, 1)[:3])


def kernel(source, *, inputs, outputs, params=None, entry="main", name=None):
    """A kernel of your own: a compute shader in WGSL that runs on tensors, on any vendor's GPU.

    The bindings and the parameters are declared for you: each tensor is an array of its name (`array<f32>` for float32,
    `array<i32>` for int32, `array<vec2<u32>>` of low and high words for int64, `array<u32>` of packed words for smaller
    dtypes), and the parameters are members of `params`. It is compiled at its first call, with all checks, so that an
    index out of bounds can do no harm; and it runs in order with all other operations.

    Args:
        source (str): WGSL with a `@compute` function.
        inputs (dict): names of the tensors that are read, with their dtypes.
        outputs (dict): names of the tensors that are written, with their dtypes; they come after the inputs.
        params (dict, None): names of the parameters with their types: "u32", "i32" or "f32".
        entry (str, 'main'): the function to run.
        name (str, None): for messages; the entry by default.

    Returns: a callable that takes the tensors, `groups` and the parameters, see `Kernel.__call__`.

    Raises: ValueError: for a parameter of another type, or a name that is given twice.

    Example::

        scaled = rustorch.gpu.kernel(
            '''
            @compute @workgroup_size(64)
            fn main(@builtin(global_invocation_id) id: vec3<u32>) {
                if (id.x < params.n) {
                    y[id.x] = params.factor * x[id.x];
                }
            }
            ''',
            inputs={"x": rustorch.float32}, outputs={"y": rustorch.float32}, params={"n": "u32", "factor": "f32"},
        )
        x = rustorch.ones(100).gpu()
        y = rustorch.empty_like(x)
        scaled(x, y, groups=2, n=100, factor=3.0)

    References: WebGPU Shading Language, W3C, https://www.w3.org/TR/WGSL/.
    """
    params = params or {}
    names = [*inputs, *outputs]
    if len(set(names)) != len(names) or not outputs:
        raise ValueError(f"kernel: expected distinct names and at least one output, but got {names}.")
    for param, kind in params.items():
        if kind not in _PARAMS:
            raise ValueError(f"kernel: expected {param} to be u32, i32 or f32, but got {kind!r}.")
    return Kernel(source, inputs, outputs, params, entry, name or entry)


def differentiable(forward, backward):
    """A function with a gradient of your own: what kernels compute is not recorded by autograd.

    Args:
        forward (callable): takes tensors and other arguments, and returns a tensor.
        backward (callable): takes the result's gradient, the result and forward's arguments, and returns the gradient of
            each of these arguments, None for those that have none.

    Returns: a callable with forward's arguments.

    Example::

        square = rustorch.gpu.differentiable(lambda x: x * x, lambda g, y, x: 2 * g * x)
    """

    class Function(rustorch.autograd.Function):
        @staticmethod
        def forward(ctx, *args):
            result = forward(*args)
            tensors = [i for i, a in enumerate(args) if isinstance(a, rustorch.Tensor)]
            ctx.tensors, ctx.others = tensors, [None if i in tensors else a for i, a in enumerate(args)]
            ctx.save_for_backward(result, *(args[i] for i in tensors))
            return result

        @staticmethod
        @rustorch.autograd.function.once_differentiable
        def backward(ctx, grad):
            result, *tensors = ctx.saved_tensors
            args = list(ctx.others)
            for i, t in zip(ctx.tensors, tensors, strict=True):
                args[i] = t
            return backward(grad, result, *args)

    return Function.apply
