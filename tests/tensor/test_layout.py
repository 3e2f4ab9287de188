"""Strides of results: memory formats, permuted and mixed inputs, copies and conversions, as torch lays them out."""

import itertools

import pytest

LAYOUTS = {
    "contiguous": "torch.rand(2, 3, 4, 5)",
    "channels_last": "torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)",
    "transposed": "torch.rand(2, 3, 5, 4).transpose(2, 3)",
    "permuted": "torch.rand(5, 2, 4, 3).permute(1, 3, 2, 0)",
    "reversed": "torch.rand(5, 4, 3, 2).permute(3, 2, 1, 0)",
    "strided": "torch.rand(2, 3, 4, 10)[..., ::2]",
    "sliced channels_last": "torch.rand(2, 6, 4, 5).to(memory_format=torch.channels_last)[:, :3]",
    "expanded": "torch.rand(1, 3, 1, 5).expand(2, 3, 4, 5)",
    "row": "torch.rand(5)",
    "column": "torch.rand(4, 1)",
    "channel": "torch.rand(3, 1, 1)",
    "one image": "torch.rand(1, 3, 4, 5).to(memory_format=torch.channels_last)",
    "number": "torch.rand(())",
}
FULL = list(LAYOUTS)[:8]
UNARY = [
    *(
        "x.exp()",
        "-x",
        "x + 1",
        "x > 0.5",
        "x.clone()",
        "x.contiguous()",
        "x.contiguous(memory_format=torch.channels_last)",
        "x.double()",
        "x.to(torch.int64)",
        "x.to(memory_format=torch.channels_last)",
        "x.to(torch.float64, memory_format=torch.contiguous_format)",
    ),
    *(
        "torch.empty_like(x)",
        "torch.zeros_like(x, memory_format=torch.contiguous_format)",
        "torch.rand_like(x)",
        "x.clone(memory_format=torch.contiguous_format)",
        "x.clone(memory_format=torch.preserve_format)",
        "torch.nn.functional.relu(x)",
        "torch.nn.functional.dropout(x, 0.5)",
        "torch.nn.functional.gelu(x)",
    ),
    *(
        "x.sum(1)",
        "x.sum(1, keepdim=True)",
        "x.mean((2, 3), keepdim=True)",
        "x.cumsum(1)",
        "x.softmax(1)",
        "x.sort(1)[0]",
        "x.flip(1)",
        "x.roll(1, 1)",
        "torch.cat([x, x], 1)",
        "x.clamp(0, 1)",
        "torch.where(x > 0.5, x, 0.)",
        "x.pow(2)",
        "x.amax(1)",
    ),
    *(
        "x.argmax(1)",
        "x.tril()",
        "x.reshape(2, 3, 20)",
        "x.flatten(1)",
        "x.bool()",
        "x.abs()",
        "x.sign()",
        "x.type(torch.float16)",
        "x.cumprod(2)",
        "x.var(1)",
        "x.norm(dim=1)",
        "x.repeat(1, 1, 2, 1)",
        "x.index_select(1, torch.tensor([0, 2]))",
        "x[x > 2]",
        "x.gather(1, torch.zeros(2, 1, 4, 5).long())",
    ),
    *(
        "x.lerp(x, 0.5)",
        "torch.addcmul(x, x, x)",
        "x.new_zeros(2, 3)",
        "x.view_as(x)",
        "x.squeeze()",
        "x.unsqueeze(1)",
        "x.is_contiguous(), x.is_contiguous(memory_format=torch.channels_last)",
        "x.detach().clone()",
        "x.log_softmax(-1)",
        "torch.nn.functional.pad(x, (1, 1))",
        "x.isnan()",
        "x.logical_not()",
        "x.float()",
        "x.nan_to_num()",
    ),
]
NET = [
    *(
        "F.conv2d(x, torch.rand(6, 3, 2, 2))",
        "F.conv2d(x, torch.rand(6, 3, 1, 1))",
        "F.conv2d(x, torch.rand(6, 3, 2, 2).to(memory_format=torch.channels_last))",
        "F.max_pool2d(x, 2)",
        "F.avg_pool2d(x, 2)",
        "F.adaptive_avg_pool2d(x, 2)",
        "F.adaptive_avg_pool2d(x, 1)",
        "F.adaptive_max_pool2d(x, 2)",
        "F.batch_norm(x, None, None, training=True)",
    ),
    *(
        "F.batch_norm(x, torch.zeros(3), torch.ones(3))",
        "F.group_norm(x, 3)",
        "F.layer_norm(x, (5,))",
        "F.instance_norm(x)",
        "F.interpolate(x, scale_factor=2)",
        "F.interpolate(x, scale_factor=2, mode='bilinear')",
        "F.linear(x, torch.rand(2, 5))",
        "F.conv_transpose2d(x, torch.rand(3, 2, 2, 2))",
        "F.max_pool2d(x, 2, return_indices=True)[1]",
    ),
]


@pytest.mark.parametrize("layout", FULL)
@pytest.mark.parametrize("call", UNARY)
def test_strides_of_results(agree, layout, call):
    wrap = f"y = {call}\n(y.shape, y.stride(), y.dtype) if isinstance(y, torch.Tensor) else y"
    agree(f"x = {LAYOUTS[layout]}\n{wrap}" if "x[x > 2]" not in call else f"x = {LAYOUTS[layout]} * 0\n{wrap}")


@pytest.mark.parametrize("layout", FULL)
@pytest.mark.parametrize("call", NET)
def test_strides_of_layers(agree, layout, call):
    agree(f"F = torch.nn.functional\nx = {LAYOUTS[layout]}\ny = {call}\ny.shape, y.stride()")


@pytest.mark.parametrize(("a", "b"), list(itertools.product(LAYOUTS, LAYOUTS)))
def test_strides_of_pairs(agree, a, b):
    agree(
        f"x, y = {LAYOUTS[a]}, {LAYOUTS[b]}\nz = x + y, x.double() * y, x > y, torch.maximum(x, y), torch.where(x > 0.5, x, y)\n[(w.shape, w.stride()) for w in z]"
    )


def test_channels_last_3d(agree):
    x = "x = torch.rand(2, 3, 2, 3, 2).to(memory_format=torch.channels_last_3d)\n"
    for call in (
        "x",
        "x + 1",
        "x.clone()",
        "torch.nn.functional.relu(x)",
        "x.contiguous()",
        "x.sum(1, keepdim=True)",
        "torch.nn.functional.max_pool3d(x, 2)",
        "x * torch.rand(3, 1, 1, 1)",
        "torch.empty_like(x)",
        "x[:, 1:]",
        "x.double()",
    ):
        agree(x + f"y = {call}\ny.shape, y.stride()")
    agree(x + "x.is_contiguous(memory_format=torch.channels_last_3d), x.is_contiguous(), x[0].is_contiguous()")


@pytest.mark.parametrize(
    "shape",
    [(2, 3, 4, 5), (1, 3, 4, 5), (2, 1, 4, 5), (2, 3, 1, 1), (1, 1, 1, 1), (2, 3, 1, 5), (2, 1, 1, 1)],
)
def test_ambiguous_channels_last(agree, shape):
    for made in (
        f"torch.zeros({shape})",
        f"torch.zeros({shape}).to(memory_format=torch.channels_last)",
        f"torch.zeros({shape}).contiguous(memory_format=torch.channels_last)",
        f"torch.empty({shape}, memory_format=torch.channels_last)",
    ):
        agree(
            f"x = {made}\nx.stride(), x.is_contiguous(), x.is_contiguous(memory_format=torch.channels_last), x.contiguous().stride()"
        )


def test_memory_format_errors(agree):
    agree("torch.zeros(2, 3).is_contiguous(memory_format=torch.channels_last)")
    agree("torch.zeros(2, 3).is_contiguous(memory_format=torch.preserve_format)")
    agree("torch.zeros(2, 3).is_contiguous(memory_format=3)", message=False)


def test_gradients_take_the_layout_of_their_tensor(agree):
    for layout in FULL[:5]:
        agree(f"x = {LAYOUTS[layout]}.requires_grad_()\n(x * 2).sum().backward()\nx.grad.stride()")
        agree(
            f"x = ({LAYOUTS[layout]}).detach().requires_grad_()\n(x * torch.rand(2, 3, 4, 5)).sum().backward()\nx.grad.stride()"
        )


def test_in_place_keeps_the_layout(agree):
    for layout in FULL[:7]:
        agree(
            f"x = {LAYOUTS[layout]}\nx.add_(1).stride(), x.relu_().stride(), x.copy_(torch.ones(2, 3, 4, 5)).stride()"
        )
