"""Convolutions: the samples join the images of a batch or, where the weights differ by sample, the groups."""

import rustorch
from rustorch.func._rules import name_of, rule


def _convolution(names, order):
    @rule(names)
    def convolution(func, level, x, weight, bias=None, *args, **kwargs):
        spatial = weight.dim() - 2
        options = {**dict(zip(order, args, strict=False)), **kwargs}
        if x.dim() == spatial + 1:
            return convolution(func, level, x.unsqueeze(0), weight, bias, **options).squeeze(0)
        shared = bias if bias is None or not level.has(bias) else None
        made = _run(func, level, x, weight, shared if not level.has(weight) else None, options)
        if bias is not None and (level.has(weight) or level.has(bias)):
            made = made + bias.reshape(-1, *[1] * spatial)
        return made


def _run(func, level, x, weight, bias, options):
    groups, transposed = options.get("groups", 1), "transpose" in name_of(func)[0]
    if not level.has(weight):
        if not level.has(x):
            return func(x, weight, bias, **options)
        count = x.shape[0]
        return level.wrap(func(x._value.flatten(0, 1), weight, bias, **options).unflatten(0, (level.size, count)))
    kernels = weight._value.flatten(0, 1)
    if not level.has(x) and groups == 1 and not transposed:
        # All samples' kernels see the same images.
        made = func(x, kernels, None, **options)
    else:
        images = level.full(x).transpose(0, 1).flatten(1, 2)  # (n, batch * c, ...)
        made = func(images, kernels, None, **{**options, "groups": groups * level.size})
    return level.wrap(made.unflatten(1, (level.size, made.shape[1] // level.size if level.size else 0)).transpose(0, 1))


_convolution("conv1d conv2d conv3d", ("stride", "padding", "dilation", "groups"))
_convolution(
    "conv_transpose1d conv_transpose2d conv_transpose3d", ("stride", "padding", "output_padding", "groups", "dilation")
)


@rule("im2col")
def unfolded(func, level, x, *args, **kwargs):
    if x.dim() == 3:
        return level.wrap(func(x._value, *args, **kwargs))
    return level.wrap(func(x._value.flatten(0, 1), *args, **kwargs).unflatten(0, (level.size, x.shape[0])))


@rule("col2im")
def refolded(func, level, x, *args, **kwargs):
    if x.dim() == 2:
        return level.wrap(func(x._value, *args, **kwargs))
    return level.wrap(func(x._value.flatten(0, 1), *args, **kwargs).unflatten(0, (level.size, x.shape[0])))


def folding(names, dims):
    """Register operations on (N, C, *dims) or (C, *dims), whose samples are more images."""

    @rule(names)
    def fold(func, level, x, *args, **kwargs):
        if x.dim() <= dims + 1:
            if x.dim() < dims + 1:
                func(rustorch.empty(x.shape, dtype=x.dtype), *args, **kwargs)
            return level.wrap(func(x._value, *args, **kwargs))
        count = x.shape[0]
        result = func(x._value.flatten(0, 1), *args, **kwargs)
        return level.wrap(_unfolded(level, count, result))

    return fold


def _unfolded(level, count, result):
    if isinstance(result, tuple | list):
        return type(result)(_unfolded(level, count, member) for member in result)
    return result.unflatten(0, (level.size, count))


for _n in (1, 2, 3):
    folding(
        f"avg_pool{_n}d max_pool{_n}d max_pool{_n}d_with_indices adaptive_avg_pool{_n}d adaptive_max_pool{_n}d "
        f"reflection_pad{_n}d replication_pad{_n}d upsample_nearest{_n}d _upsample_nearest_exact{_n}d",
        _n,
    )
folding("upsample_linear1d", 1)
folding(
    "upsample_bilinear2d upsample_bicubic2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa _upsample_lanczos2d_aa", 2
)
folding("upsample_trilinear3d", 3)


@rule("pixel_shuffle pixel_unshuffle constant_pad_nd")
def last_dims(func, level, x, *args, **kwargs):
    return level.wrap(func(x._value, *args, **kwargs))


@rule("channel_shuffle native_channel_shuffle")
def channel_shuffle(func, level, x, groups):
    count = x.shape[0]
    return level.wrap(func(x._value.flatten(0, 1), groups).unflatten(0, (level.size, count)))


@rule("pad")
def pad(func, level, x, pad, mode="constant", value=None):
    sides = len(pad) // 2
    if mode == "constant" or x.dim() == sides + 1:
        if sides > x.dim():
            func(rustorch.empty(x.shape, dtype=x.dtype), pad, mode, value)
        return level.wrap(func(x._value, pad, mode, value))
    count = x.shape[0]
    return level.wrap(func(x._value.flatten(0, 1), pad, mode, value).unflatten(0, (level.size, count)))


@rule("grid_sampler grid_sampler_2d grid_sampler_3d")
def grid_sampler(func, level, x, grid, *args, **kwargs):
    count = x.shape[0]
    made = func(level.full(x).flatten(0, 1), level.full(grid).flatten(0, 1), *args, **kwargs)
    return level.wrap(made.unflatten(0, (level.size, count)))


@rule("affine_grid_generator")
def affine_grid(func, level, theta, size, align_corners):
    count, *rest = size
    made = func(theta._value.flatten(0, 1), [level.size * count, *rest], align_corners)
    return level.wrap(made.unflatten(0, (level.size, count)))
