"""Padding, resizing, sampling and sliding windows."""

import warnings

import rustorch
from rustorch import Tensor
from rustorch._C import _nn
from rustorch.nn._shapes import _pair
from rustorch.overrides import handle_torch_function, has_torch_function_unary, has_torch_function_variadic

GRID_SAMPLE_INTERPOLATION_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
GRID_SAMPLE_PADDING_MODES = {"zeros": 0, "border": 1, "reflection": 2}

_ALIGN_CORNERS_CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)


def pad(input, pad, mode="constant", value=None):
    """Put values around the last dimensions.

    Args:
        pad (tuple of int): (before, after) of the last dimension, then of the one before it, and so on; a negative
            number takes away.
        mode (str, 'constant'): 'constant', 'reflect', 'replicate' or 'circular'.
        value (float, 0): for mode 'constant'.
    Example:
        >>> F.pad(torch.zeros(3, 4), (1, 1, 0, 2)).shape
        torch.Size([5, 6])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(rustorch.nn.functional.pad, (input,), input, pad, mode=mode, value=value)
    return _nn.pad(input, pad, mode, value)


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """The sliding windows of an image as columns: (N, C, H, W) becomes (N, C * kernel elements, windows).

    Args:
        input (Tensor)
        kernel_size (int or pair)
        dilation (int or pair, 1): step between elements of a window.
        padding (int or pair, 0): zeros around the image.
        stride (int or pair, 1): step between windows.
    Raises:  RuntimeError: if no window fits.
    Example:
        >>> F.unfold(torch.arange(6.0).view(1, 1, 2, 3), kernel_size=2)
        tensor([[[0., 1.],
                 [1., 2.],
                 [3., 4.],
                 [4., 5.]]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            unfold, (input,), input, kernel_size, dilation=dilation, padding=padding, stride=stride
        )
    return _nn.im2col(input, _pair(kernel_size), _pair(dilation), _pair(padding), _pair(stride))


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Add columns, as `unfold` makes them, up into an image of `output_size`.

    Args:
        input (Tensor): (N, C * kernel elements, windows) or without N.
        output_size (int or pair): of the image.
        kernel_size, dilation, padding, stride: as of `unfold`.
    Shape:  output (N, C, *output_size) or without N.
    Raises:  RuntimeError: if the number of columns is not that of the windows.
    Example:
        >>> columns = F.unfold(torch.arange(6.0).view(1, 1, 2, 3), kernel_size=2)
        >>> F.fold(columns, (2, 3), kernel_size=2)
        tensor([[[[0., 2., 2.],
                  [3., 8., 5.]]]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            fold,
            (input,),
            input,
            output_size,
            kernel_size,
            dilation=dilation,
            padding=padding,
            stride=stride,
        )
    return _nn.col2im(input, _pair(output_size), _pair(kernel_size), _pair(dilation), _pair(padding), _pair(stride))


def _is_integer(x):
    if isinstance(x, Tensor):
        return not x.is_floating_point()
    return isinstance(x, int) or (hasattr(x, "__index__") and not isinstance(x, (str, bytes)))


def _interpolate_sizes(input, size, scale_factor):
    """The arguments of interpolate as one output size per dimension and one factor per dimension; one is None."""
    dim = input.dim() - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if not isinstance(size, (list, tuple)):
            return [size] * dim, None
        if len(size) != dim:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(input.shape[2:])} and output size of {size}. Please provide input tensor in "
                "(N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        if not all(_is_integer(x) for x in size):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got "
                f"size with types {[type(x) for x in size]}"
            )
        return size, None
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if not isinstance(scale_factor, (list, tuple)):
        return None, [scale_factor] * dim
    if len(scale_factor) != dim:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {list(input.shape[2:])} and scale_factor of shape {scale_factor}. Please provide input "
            "tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
        )
    return None, scale_factor


_NEAREST = {
    ("nearest", 3): "upsample_nearest1d",
    ("nearest", 4): "upsample_nearest2d",
    ("nearest", 5): "upsample_nearest3d",
    ("nearest-exact", 3): "_upsample_nearest_exact1d",
    ("nearest-exact", 4): "_upsample_nearest_exact2d",
    ("nearest-exact", 5): "_upsample_nearest_exact3d",
}
_SMOOTH = {
    ("linear", 3): "upsample_linear1d",
    ("bilinear", 4): "upsample_bilinear2d",
    ("bicubic", 4): "upsample_bicubic2d",
    ("trilinear", 5): "upsample_trilinear3d",
}
_ANTIALIASED = {
    "bilinear": "_upsample_bilinear2d_aa",
    "bicubic": "_upsample_bicubic2d_aa",
    "lanczos": "_upsample_lanczos2d_aa",
}
_NEEDED_DIM = {"linear": 3, "bilinear": 4, "trilinear": 5}


def interpolate(
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    """Resize the spatial dimensions to `size`, or by `scale_factor`.

    Args:
        size (int or tuple, None), scale_factor (float or tuple, None): one of them.
        mode (str, 'nearest'): nearest, nearest-exact, linear (3-d input), bilinear, bicubic (4-d), trilinear (5-d)
            or area.
        align_corners (bool, False): the corner pixels' centres, not their outer edges, keep their place.
        recompute_scale_factor (bool, False): use the factor that the rounded size has.
        antialias (bool, False): for bilinear and bicubic; also for the mode lanczos, which needs it.
    Shape:  input (N, C, *), one to three spatial dimensions.
    Example:
        >>> F.interpolate(torch.tensor([[[1.0, 3.0]]]), scale_factor=2)
        tensor([[[1., 1., 3., 3.]]])
        >>> F.interpolate(torch.tensor([[[1.0, 3.0]]]), size=3, mode="linear", align_corners=True)
        tensor([[[1., 2., 3.]]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            interpolate,
            (input,),
            input,
            size=size,
            scale_factor=scale_factor,
            mode=mode,
            align_corners=align_corners,
            recompute_scale_factor=recompute_scale_factor,
            antialias=antialias,
        )
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: "
                "linear | bilinear | bicubic | trilinear"
            )
    elif align_corners is None:
        align_corners = False
    output_size, factors = _interpolate_sizes(input, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if factors is not None and (recompute_scale_factor or mode == "area"):
        output_size = [int(n * factor) for n, factor in zip(input.shape[2:], factors)]
        factors = None
    ndim = input.dim()
    if antialias and not (mode in _ANTIALIASED and ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if (mode, ndim) in _NEAREST:
        return getattr(_nn, _NEAREST[mode, ndim])(input, output_size, factors)
    if mode == "area" and 3 <= ndim <= 5:
        pool = (rustorch.adaptive_avg_pool1d, _nn.adaptive_avg_pool2d, _nn.adaptive_avg_pool3d)[ndim - 3]
        return pool(input, output_size)
    if mode == "lanczos" and ndim == 4:
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
    if antialias:
        return getattr(_nn, _ANTIALIASED[mode])(input, output_size, align_corners, factors)
    if (mode, ndim) in _SMOOTH:
        return getattr(_nn, _SMOOTH[mode, ndim])(input, output_size, align_corners, factors)
    if mode in _NEEDED_DIM and 3 <= ndim <= 5:
        raise NotImplementedError(f"Got {ndim}D input, but {mode} mode needs {_NEEDED_DIM[mode]}D input")
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: nearest | linear | "
        f"bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
    )


def _warn_upsample(name):
    warnings.warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3)


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """Deprecated: use `interpolate`.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     y = F.upsample(torch.tensor([[[[1.0, 2.0]]]]), scale_factor=2)
        >>> y
        tensor([[[[1., 1., 2., 2.],
                  [1., 1., 2., 2.]]]])
    """
    _warn_upsample("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None):
    """Deprecated: use `interpolate`.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     y = F.upsample_nearest(torch.tensor([[[[1.0, 2.0]]]]), scale_factor=2)
        >>> y
        tensor([[[[1., 1., 2., 2.],
                  [1., 1., 2., 2.]]]])
    """
    _warn_upsample("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """Deprecated: use `interpolate` with mode 'bilinear' and align_corners=True.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     y = F.upsample_bilinear(torch.tensor([[[[1.0, 2.0]]]]), scale_factor=2)
        >>> y
        tensor([[[[1.0000, 1.3333, 1.6667, 2.0000],
                  [1.0000, 1.3333, 1.6667, 2.0000]]]])
    """
    _warn_upsample("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """Read an image at the places of `grid`, given as (x, y) or (x, y, z) in [-1, 1] from edge to edge.

    Args:
        mode (str, 'bilinear'): 'bilinear', 'nearest' or, for images, 'bicubic'.
        padding_mode (str, 'zeros'): 'zeros', 'border' or 'reflection' for places outside.
        align_corners (bool, False): -1 and 1 are the centres of the corner pixels, not their outer edges.
    Shape:  input (N, C, H, W), grid (N, h, w, 2), output (N, C, h, w); or with a depth and 3 coordinates.
    Example:
        >>> image = torch.arange(4.0).view(1, 1, 2, 2)
        >>> F.grid_sample(image, torch.zeros(1, 1, 1, 2), align_corners=True)
        tensor([[[[1.5000]]]])
    """
    if has_torch_function_variadic(input, grid):
        return handle_torch_function(
            grid_sample,
            (input, grid),
            input,
            grid,
            mode=mode,
            padding_mode=padding_mode,
            align_corners=align_corners,
        )
    if mode not in GRID_SAMPLE_INTERPOLATION_MODES:
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in GRID_SAMPLE_PADDING_MODES:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        warnings.warn(_ALIGN_CORNERS_CHANGED, stacklevel=2)
        align_corners = False
    return rustorch.grid_sampler(
        input,
        grid,
        GRID_SAMPLE_INTERPOLATION_MODES[mode],
        GRID_SAMPLE_PADDING_MODES[padding_mode],
        align_corners,
    )


def affine_grid(theta, size, align_corners=None):
    """The grid for `grid_sample` that an affine map of the output's coordinates gives.

    Args:
        theta (Tensor): (N, 2, 3) or (N, 3, 4) maps.
        size (Size): (N, C, H, W) or (N, C, D, H, W) of the output of `grid_sample`.
        align_corners (bool, False): whether -1 and 1 are the centres of the outer elements, or their edges.

    Shape:  theta (N, 2, 3), size (N, C, H, W), output (N, H, W, 2); or (N, 3, 4), (N, C, D, H, W), (N, D, H, W, 3).
    Example:
        >>> theta = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
        >>> F.affine_grid(theta, (1, 1, 2, 2), align_corners=True)[0]
        tensor([[[-1., -1.],
                 [ 1., -1.]],
        <BLANKLINE>
                [[-1.,  1.],
                 [ 1.,  1.]]])
    """
    if has_torch_function_unary(theta):
        return handle_torch_function(affine_grid, (theta,), theta, size, align_corners=align_corners)
    if align_corners is None:
        warnings.warn(_ALIGN_CORNERS_CHANGED, stacklevel=2)
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    spatial = len(size) - 2
    if spatial not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {size}."
        )
    if theta.dim() != 3 or tuple(theta.shape[-2:]) != (spatial, spatial + 1):
        raise ValueError(
            f"Expected a batch of {spatial}D affine matrices of shape Nx{spatial}x{spatial + 1} for size {size}. "
            f"Got {theta.shape}."
        )
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This "
            "is not an intended use case of affine_grid. See the documentation of affine_grid for details.",
            stacklevel=2,
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    return rustorch.affine_grid_generator(theta, size, align_corners)
