"""Numerical analysis of samples: derivatives along dims, histograms."""

import rustorch
from rustorch import return_types
from rustorch.overrides import handle_torch_function, has_torch_function

__all__ = ["gradient", "histogram", "histogramdd"]


# ---- derivatives by differences


def _gradient_dims(input, spacing, dim):
    """The dims and, for each, its spacing: a number, or the coordinates of the samples."""
    dims = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    wrapped = []
    for d in dims:
        if not -input.ndim <= d < input.ndim:
            low, high = -input.ndim, input.ndim - 1
            raise IndexError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got {d})")
        d %= input.ndim
        if d in wrapped:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
        wrapped.append(d)
    if not isinstance(spacing, list | tuple):
        return wrapped, [spacing] * len(wrapped)
    if len(spacing) != len(wrapped):
        if dim is None:
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to "
                f"'self.dim() = {input.ndim}', since dim argument was not given, but got a list of length {len(spacing)}"
            )
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the "
            f"same length, but got a spacing argument of length {len(spacing)} and a dim argument of length "
            f"{len(wrapped)}."
        )
    return wrapped, spacing


def gradient(input, *, spacing=1, dim=None, edge_order=1):
    """Estimate the derivative of a sampled function along dims, by differences of second order.

    Args:
        input (Tensor): values at the samples.
        spacing (number, list of numbers or list of 1-d tensors, 1): distance of samples, or their coordinates, by dim.
        dim (int or list of int, None): along which dims; all for None.
        edge_order (int, 1): order of the one-sided differences at the edges, 1 or 2.
    Returns: a tuple with one tensor, shaped like the input, for each dim.
    Example:
        >>> import rustorch as torch
        >>> torch.gradient(torch.tensor([0., 1., 4., 9.]))
        (tensor([1., 2., 4., 5.]),)
    """
    if has_torch_function((input,)):
        return handle_torch_function(gradient, (input,), input, spacing=spacing, dim=dim, edge_order=edge_order)
    if not isinstance(input, rustorch.Tensor):
        raise TypeError(f"gradient(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    if input.dtype == rustorch.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input.")
    dims, spacings = _gradient_dims(input, 1 if spacing is None else spacing, dim)
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    if any(input.size(d) <= edge_order for d in dims):
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    return tuple(_derivative(input, d, h, edge_order) for d, h in zip(dims, spacings, strict=True))


def _derivative(x, dim, spacing, edge_order):
    n = x.size(dim)

    def at(start, length):
        return x.narrow(dim, start, length)

    if not isinstance(spacing, rustorch.Tensor) or spacing.ndim == 0:
        middle = (at(2, n - 2) - at(0, n - 2)) / 2
        if edge_order == 1:
            first, last = at(1, 1) - at(0, 1), at(n - 1, 1) - at(n - 2, 1)
        else:
            first = -1.5 * at(0, 1) + 2 * at(1, 1) - 0.5 * at(2, 1)
            last = 1.5 * at(n - 1, 1) - 2 * at(n - 2, 1) + 0.5 * at(n - 3, 1)
        return rustorch.cat([first, middle, last], dim) / spacing
    if spacing.ndim != 1 or spacing.numel() != n:
        raise RuntimeError(
            f"torch.gradient expected each coordinate tensor to have one element for each of the {n} samples along "
            f"dim {dim}, but got shape {tuple(spacing.shape)}"
        )
    shape = [-1 if d == dim else 1 for d in range(x.ndim)]
    steps = spacing.diff().view(shape)
    slopes = x.diff(dim=dim) / steps
    a, b = steps.narrow(dim, 0, n - 2), steps.narrow(dim, 1, n - 2)
    left, right = slopes.narrow(dim, 0, n - 2), slopes.narrow(dim, 1, n - 2)
    middle = (left * b + right * a) / (a + b)
    first, last = slopes.narrow(dim, 0, 1), slopes.narrow(dim, n - 2, 1)
    if edge_order == 2:
        # The slope at the end of the parabola through three samples: 2 s - m, with m the slope in the middle of it.
        h, k = steps.narrow(dim, 0, 1), steps.narrow(dim, 1, 1)
        second = slopes.narrow(dim, 1, 1)
        first = first + (first - second) * h / (h + k)
        h, k = steps.narrow(dim, n - 2, 1), steps.narrow(dim, n - 3, 1)
        second = slopes.narrow(dim, n - 3, 1)
        last = last + (last - second) * h / (h + k)
    return rustorch.cat([first, middle, last], dim)


# ---- histograms


def _edges(x, count, low, high):
    return rustorch.linspace(low, high, count + 1, dtype=x.dtype, device=x.device)


def _uniform_edges(points, counts, range):
    """Edges of equal bins over `range`, or over the extent of the values, widened where that is nothing."""
    dims = points.size(1)
    if range is not None:
        if len(range) != 2 * dims:
            raise RuntimeError(
                f"torch.histogramdd: for a {dims}-dimensional histogram range should have {2 * dims} elements, but got "
                f"{len(range)}"
            )
        lows, highs = [float(v) for v in range[0::2]], [float(v) for v in range[1::2]]
    elif points.numel() == 0:
        lows, highs = [0.0] * dims, [1.0] * dims
    else:
        lows, highs = points.amin(0).tolist(), points.amax(0).tolist()
    edges = []
    for d, (count, low, high) in enumerate(zip(counts, lows, highs, strict=True)):
        if not all(abs(v) < float("inf") for v in (low, high)):
            raise RuntimeError(f"torch.histogramdd: dimension {d}'s range [{low:g}, {high:g}] is not finite")
        if low > high:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {d}"
            )
        if low == high:
            low, high = low - 0.5, high + 0.5
        edges.append(_edges(points, count, low, high))
    return edges


def _count(points, edges, weight, density):
    """Weights of the points (M, N) by bins of the N lists of edges. The last bin of each dim has both its edges."""
    shape = [e.numel() - 1 for e in edges]
    inside = rustorch.ones(points.size(0), dtype=rustorch.bool, device=points.device)
    place = rustorch.zeros(points.size(0), dtype=rustorch.int64, device=points.device)
    for column, e, n in zip(points.unbind(1), edges, shape, strict=True):
        inside &= (column >= e[0]) & (column <= e[-1])
        at = rustorch.searchsorted(e, column.contiguous(), right=True) - 1
        place = place * n + at.clamp(0, max(n - 1, 0))
    bins = 1
    for n in shape:
        bins *= n
    hist = rustorch.zeros(bins, dtype=points.dtype, device=points.device)
    weight = rustorch.ones_like(points[:, 0]) if weight is None else weight
    hist.index_add_(0, place[inside], weight[inside].to(points.dtype))
    hist = hist.view(shape)
    if density:
        hist = hist / hist.sum()
        for d, e in enumerate(edges):
            hist = hist / e.diff().view([-1 if k == d else 1 for k in range(len(edges))])
    return hist


def _check_points(input, weight, sizes):
    if not input.is_floating_point() or input.dtype in (rustorch.float16, rustorch.bfloat16):
        kind = {"int64": "Long", "int32": "Int", "bool": "Bool"}.get(str(input.dtype).split(".")[-1], str(input.dtype))
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{kind}'")
    if weight is not None:
        if weight.dtype != input.dtype:
            raise RuntimeError(
                "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same "
                f"dtype, but got input {input.dtype}, and weight {weight.dtype}"
            )
        if list(weight.shape) != sizes[:-1]:
            raise RuntimeError(
                "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor "
                f"excluding its innermost dimension, but got input with shape {sizes} and weight with shape "
                f"{list(weight.shape)}"
            )


def _check_edges(name, bins):
    for d, e in enumerate(bins):
        if isinstance(e, rustorch.Tensor):
            if e.ndim != 1:
                raise RuntimeError(
                    f"torch.histogramdd: bins tensor should have one dimension, but got {e.ndim} dimensions in the bins "
                    f"tensor for dimension {d}"
                )
        elif e <= 0:
            raise RuntimeError(f"{name}: bins must be > 0, but got {e} for dimension {d}")


def _histogram(name, input, bins, range, weight, density):
    points = input.reshape(-1, input.shape[-1]).detach()
    if len(bins) != points.size(1):
        raise RuntimeError("torch.histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    _check_points(input, weight, list(input.shape))
    _check_edges(name, bins)
    if all(isinstance(e, int) for e in bins):
        edges = _uniform_edges(points, bins, range)
    else:
        edges = [e.to(points.dtype) if e.dtype == points.dtype else e for e in bins]
    weight = None if weight is None else weight.reshape(-1).detach()
    return _count(points, edges, weight, density), edges


def histogram(input, bins, *, range=None, weight=None, density=False, out=None):
    """Count the elements of a tensor by bins.

    Args:
        input (Tensor): of any shape; float32 or float64.
        bins (int or Tensor): number of equal bins, or the increasing edges, (bins + 1,).
        range (tuple of float, None): of the equal bins; that of the values for None.
        weight (Tensor, None): shaped like input: what each element counts.
        density (bool, False): divide by the total and the bins' widths.
    Returns: a named tuple `hist` (bins,), `bin_edges` (bins + 1,).
    Example:
        >>> import rustorch as torch
        >>> torch.histogram(torch.tensor([1., 2., 1.]), bins=2, range=(0., 4.)).hist
        tensor([2., 1.])
    """
    if has_torch_function((input,)):
        return handle_torch_function(
            histogram, (input,), input, bins, range=range, weight=weight, density=density, out=out
        )
    points = input.reshape(-1, 1)
    flat = None if weight is None else weight.reshape(-1)
    hist, (edges,) = _histogram("torch.histogram()", points, [bins], range, flat, density)
    if out is not None:
        hist, edges = out[0].resize_(hist.shape).copy_(hist), out[1].resize_(edges.shape).copy_(edges)
    kind = return_types._make("histogram", ["hist", "bin_edges"])
    return tuple.__new__(kind, (hist, edges))


def histogramdd(input, bins, *, range=None, weight=None, density=False):
    """Count points in N-dimensional space by bins.

    Args:
        input (Tensor): points, (*, N).
        bins (int, list of int or list of Tensor): number of equal bins for all or each dim, or the edges by dim.
        range (list of float, None): lowest and highest edge by dim, one after the other, 2 N numbers.
        weight (Tensor, None): (*): what each point counts.
        density (bool, False): divide by the total and the bins' volumes.
    Returns: a named tuple `hist`, with a dim for each of the N, and `bin_edges`, a tuple of N tensors.
    """
    if has_torch_function((input,)):
        return handle_torch_function(histogramdd, (input,), input, bins, range=range, weight=weight, density=density)
    if input.ndim < 2:
        raise RuntimeError(f"torch.histogramdd: input tensor should have at least 2 dimensions, but got {input.ndim}")
    bins = [bins] * input.size(-1) if isinstance(bins, int) else list(bins)
    hist, edges = _histogram("torch.histogramdd()", input, bins, range, weight, density)
    kind = return_types._make("histogramdd", ["hist", "bin_edges"])
    return tuple.__new__(kind, (hist, tuple(edges)))
