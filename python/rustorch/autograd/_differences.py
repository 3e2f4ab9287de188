"""Differences of function values, in place of derivatives.

Sparse tensors are varied in the elements that they store.
"""

import itertools

import rustorch


def as_tuple(x):
    """`x` as a tuple of one, unless it is a tuple or list already."""
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def is_inexact(t):
    """Whether `t` is a tensor of a dtype that has derivatives."""
    return isinstance(t, rustorch.Tensor) and (t.is_floating_point() or t.is_complex())


def is_strided(t):
    """Whether `t` is dense."""
    return t.layout == rustorch.strided


def differentiable(outputs):
    """The outputs that require gradients."""
    return tuple(o for o in as_tuple(outputs) if o.requires_grad)


def varied(inputs):
    """Places of the inputs that require gradients."""
    return [i for i, t in enumerate(inputs) if isinstance(t, rustorch.Tensor) and t.requires_grad]


def stored(t):
    """The tensor that holds the elements of `t`."""
    if is_strided(t):
        return t
    return t._values() if t.is_sparse else t.values()


def densify(t):
    """A sparse tensor that stores every element, so that each of them can be varied."""
    if not isinstance(t, rustorch.Tensor) or is_strided(t):
        return t
    if not t.is_sparse:
        raise NotImplementedError(
            f"gradcheck: expected strided or sparse_coo inputs with masked=False, but got {t.layout}. Pass masked=True."
        )
    dense = t.detach().to_dense()
    places = rustorch.ones(t.shape[: t.sparse_dim()], dtype=rustorch.int8).nonzero().t()
    full = rustorch.sparse_coo_tensor(places, dense[tuple(places)], t.shape, is_coalesced=True)
    return full.requires_grad_(t.requires_grad)


def _flat_places(t):
    """For each stored element: its index in `stored(t)`, and its place in the dense tensor read row by row."""
    content = stored(t)
    indices = itertools.product(*(range(n) for n in content.size()))
    if is_strided(t):
        yield from ((index, place) for place, index in enumerate(indices))
        return
    coo = t.detach() if t.is_sparse else t.detach().to_sparse()
    heads = coo._indices().t().tolist()
    sizes = list(t.size())
    for index in indices:
        full = heads[index[0]] + list(index[1:])
        place = 0
        for k, size in zip(full, sizes):
            place = place * size + k
        yield index, place


def _difference(fn, target, delta, scale):
    """The change of the outputs of `fn` when `target` goes from minus to plus `delta`, over `2 * scale`."""
    original = target.clone()
    target.copy_(original - delta)
    low = fn()
    target.copy_(original + delta)
    high = fn()
    target.copy_(original)
    changes = []
    for a, b in zip(low, high):
        for what, first, second in (("shape", a.shape, b.shape), ("dtype", a.dtype, b.dtype)):
            if first != second:
                raise AssertionError(
                    f"Expected `func` to return outputs with the same {what} when inputs are perturbed by {scale}, "
                    f"but got: {what}s {first} and {second}."
                )
        changes.append(((b - a) / (2 * scale)).detach().reshape(-1))
    return changes


def _directional(fn, target, along, eps):
    """Derivatives of the outputs along a direction; for a complex target along one for each part."""
    along_real = _difference(fn, target, along[0] * eps, eps)
    if not target.is_complex():
        return along_real
    along_imag = _difference(fn, target, along[1] * (1j * eps), eps)
    return [x + 1j * y for x, y in zip(along_real, along_imag)]


def _evaluator(func, inputs):
    # Outputs may be views of the inputs, which change: keep copies.
    return lambda: tuple(o.clone() for o in as_tuple(func(*inputs)))


def numerical_jacobians(func, inputs, eps):
    """For each varied input a list over the outputs of matrices (elements of the input, of the output)."""
    fn = _evaluator(func, inputs)
    outputs = as_tuple(func(*inputs))
    jacobians = []
    for i in varied(inputs):
        t = inputs[i]
        content = stored(t).data if is_strided(t) else stored(t).detach()
        dtypes = [t.dtype if t.is_complex() else o.dtype for o in outputs]
        matrices = [o.new_zeros((t.numel(), o.numel()), dtype=d) for o, d in zip(outputs, dtypes)]
        for index, place in _flat_places(t):
            for matrix, row in zip(matrices, _directional(fn, content[index], (1.0, 1.0), eps)):
                matrix[place] = row
        jacobians.append([m for m, o in zip(matrices, outputs) if is_inexact(o)])
    return jacobians


def random_unit(numel, dtype, generator):
    """A random vector of length 1."""
    vector = rustorch.rand(numel, generator=generator, dtype=rustorch.float64).to(dtype)
    return vector / vector.norm()


def _real_dtype(t):
    return {rustorch.complex128: rustorch.float64, rustorch.complex64: rustorch.float32}.get(t.dtype, t.dtype)


def directions(t, generator):
    """A random direction in the space of the stored elements of `t`; for complex ones another for i times them."""
    content = stored(t)
    parts = 2 if t.is_complex() else 1
    return [random_unit(content.numel(), _real_dtype(t), generator).view(content.shape) for _ in range(parts)]


def dense_directions(t, along):
    """Directions as vectors over all elements of `t`, stored or not."""
    if is_strided(t):
        return [d.reshape(-1) for d in along]
    dense = []
    for direction in along:
        vector = direction.new_zeros(t.numel())
        for index, place in _flat_places(t):
            vector[place] = direction[index]
        dense.append(vector)
    return dense


def numerical_direction(func, inputs, i, us, eps):
    """Derivatives of the outputs along direction `us` of input `i`."""
    t = inputs[i]
    content = stored(t).data if is_strided(t) else stored(t).detach()
    results = _directional(_evaluator(func, inputs), content, us, eps)
    return [d for d, o in zip(results, as_tuple(func(*inputs))) if is_inexact(o)]
