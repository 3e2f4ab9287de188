"""Layers: what their outputs are, checked against independent formulas."""

import copy
import math
import pickle

import pytest
from conftest import close

import rustorch as torch
from rustorch import nn

F = nn.functional


# ---- linear


def test_linear_is_a_matrix_product():
    m, x = nn.Linear(3, 4), torch.randn(2, 5, 3)
    assert close(m(x), x @ m.weight.T + m.bias)
    assert nn.Linear(3, 4, bias=False).bias is None
    assert abs(m.weight).max() <= 1 / math.sqrt(3)


def test_bilinear():
    m = nn.Bilinear(2, 3, 4)
    a, b = torch.randn(5, 2), torch.randn(5, 3)
    assert close(m(a, b), torch.einsum("ni,kij,nj->nk", a, m.weight, b) + m.bias)
    with pytest.raises(ValueError, match=r"in1_features must be > 0, but got \(in1_features=0\)"):
        nn.Bilinear(0, 1, 1)


def test_identity_ignores_arguments():
    x = torch.ones(1)
    assert nn.Identity(1, a=2)(x) is x


# ---- convolutions


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_convolution_padding_modes(mode):
    m, x = nn.Conv1d(2, 3, 3, padding=2, padding_mode=mode), torch.randn(1, 2, 6)
    padded = F.pad(x, (2, 2), mode="constant" if mode == "zeros" else mode)
    assert close(m(x), F.conv1d(padded, m.weight, m.bias))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "circular"])
@pytest.mark.parametrize("kernel", [3, 4])
def test_same_padding_keeps_the_size(kernel, mode):
    m = nn.Conv2d(1, 1, kernel, padding="same", dilation=2, padding_mode=mode)
    assert m(torch.randn(1, 1, 9, 10)).shape == (1, 1, 9, 10)


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"groups": 2}, "in_channels must be divisible by groups"),
        ({"groups": 0}, "groups must be a positive integer"),
        ({"padding": "nope"}, "Invalid padding string 'nope', should be one of {"),
        ({"padding": "same", "stride": 2}, "padding='same' is not supported for strided convolutions"),
        ({"padding_mode": "nope"}, "padding_mode must be one of {"),
    ],
)
def test_convolution_argument_errors(kwargs, text):
    with pytest.raises(ValueError) as error:
        nn.Conv2d(3, 4, 3, **kwargs)
    assert text in str(error.value)


def test_transposed_convolution_output_size():
    m, x = nn.ConvTranspose2d(1, 1, 3, stride=2), torch.randn(1, 1, 4, 4)
    assert m(x).shape[2:] == (9, 9) and m(x, output_size=(10, 9)).shape[2:] == (10, 9)
    assert m(x, output_size=[1, 1, 10, 10]).shape[2:] == (10, 10)
    with pytest.raises(ValueError, match=r"requested an output size of \[11, 9\], but valid sizes range from"):
        m(x, output_size=[11, 9])
    with pytest.raises(ValueError, match="ConvTranspose2D: for 4D input, output_size must have 2 or 4 elements"):
        m(x, output_size=[9])
    with pytest.raises(ValueError, match='Only "zeros" padding mode is supported for ConvTranspose2d'):
        nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect")


def test_transposed_convolution_is_the_gradient_of_the_convolution():
    w = torch.randn(3, 2, 3)
    x, y = torch.randn(1, 2, 7), torch.randn(1, 3, 3)
    down = F.conv1d(x, w, stride=2)
    up = F.conv_transpose1d(y, w, stride=2)
    assert close((down * y).sum(), (x * up).sum())


# ---- normalisation


def test_batch_norm_statistics():
    m, x = nn.BatchNorm1d(3), torch.randn(50, 3) * 2 + 1
    y = m(x)
    assert close(y.mean(0), torch.zeros(3)) and close(y.var(0, unbiased=False), torch.ones(3), 1e-3)
    assert close(m.running_mean, 0.1 * x.mean(0)) and close(m.running_var, 0.9 + 0.1 * x.var(0))
    assert m.num_batches_tracked.item() == 1
    m.eval()
    assert close(m(x), (x - m.running_mean) / (m.running_var + m.eps).sqrt())


def test_batch_norm_without_momentum_averages_all_batches():
    m = nn.BatchNorm1d(2, momentum=None)
    batches = [torch.randn(10, 2) for _ in range(3)]
    for x in batches:
        m(x)
    assert close(m.running_mean, torch.stack([x.mean(0) for x in batches]).mean(0))


def test_batch_norm_without_running_statistics():
    m, x = nn.BatchNorm1d(2, track_running_stats=False).eval(), torch.randn(10, 2)
    assert m.running_mean is None and close(m(x).mean(0), torch.zeros(2))


@pytest.mark.parametrize(
    ("layer", "shape", "text"),
    [
        (nn.BatchNorm1d(2), (2,), r"expected 2D or 3D input \(got 1D input\)"),
        (nn.BatchNorm2d(2), (2, 2), r"expected 4D input \(got 2D input\)"),
        (nn.BatchNorm3d(2), (2, 2), r"expected 5D input \(got 2D input\)"),
        (nn.SyncBatchNorm(2), (2,), r"expected at least 2D input \(got 1D input\)"),
        (nn.BatchNorm1d(2), (1, 2), "Expected more than 1 value per channel when training"),
        (nn.InstanceNorm1d(2), (1, 2, 1), "Expected more than 1 spatial element when training"),
        (nn.InstanceNorm1d(3, affine=True), (1, 2, 4), r"expected input's size at dim=1 to match num_features \(3\)"),
    ],
)
def test_normalisation_input_errors(layer, shape, text):
    with pytest.raises(ValueError, match=text):
        layer(torch.randn(shape))


def test_convert_sync_batchnorm_shares_the_tensors():
    m = nn.Sequential(nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm1d(2, affine=False)))
    weight = m[0].weight
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(m)
    assert type(converted[0]) is nn.SyncBatchNorm and type(converted[1][0]) is nn.SyncBatchNorm
    assert converted[0].weight is weight
    assert converted[0](torch.randn(2, 3, 4, 4)).shape == (2, 3, 4, 4)


def test_instance_norm_with_and_without_batch():
    m, x = nn.InstanceNorm1d(3), torch.randn(3, 8)
    assert close(m(x), m(x.unsqueeze(0))[0]) and close(m(x).mean(1), torch.zeros(3))
    with pytest.warns(UserWarning, match="does not match num_features"):
        m(torch.randn(2, 8))


def test_layer_group_and_rms_norm():
    x = torch.randn(4, 6)
    mean, var = x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True)
    assert close(nn.LayerNorm(6)(x), (x - mean) / (var + 1e-5).sqrt())
    assert close(nn.GroupNorm(1, 6)(x), (x - mean) / (var + 1e-5).sqrt())
    assert close(nn.RMSNorm(6)(x), x / (x.square().mean(1, keepdim=True) + torch.finfo(x.dtype).eps).sqrt())
    assert nn.LayerNorm(6, bias=False).bias is None and nn.LayerNorm(6).normalized_shape == (6,)
    with pytest.raises(ValueError, match=r"num_channels \(5\) must be divisible by num_groups \(2\)"):
        nn.GroupNorm(2, 5)


def test_local_response_norm():
    x = torch.randn(1, 5, 2, 2)
    squares = F.pad(x.square(), (0, 0, 0, 0, 1, 1))
    sums = squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]
    assert close(nn.LocalResponseNorm(3)(x), x / (1 + 1e-4 * sums / 3) ** 0.75)


# ---- lookup tables


def test_embedding_padding_row():
    m = nn.Embedding(4, 3, padding_idx=-1)
    assert m.padding_idx == 3 and m.weight[3].tolist() == [0, 0, 0]
    m(torch.tensor([0, 3, 0])).sum().backward()
    assert m.weight.grad[:, 0].tolist() == [2, 0, 0, 0]
    with pytest.raises(AssertionError, match="Padding_idx must be within num_embeddings"):
        nn.Embedding(4, 3, padding_idx=4)


def test_embedding_from_pretrained():
    table = torch.arange(6.0).view(3, 2)
    m = nn.Embedding.from_pretrained(table)
    assert not m.weight.requires_grad and m(torch.tensor(2)).tolist() == [4, 5]
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


def test_embedding_max_norm_scales_the_table():
    m = nn.Embedding.from_pretrained(torch.full((2, 4), 3.0), max_norm=1.0)
    assert close(m(torch.tensor([0])).norm(), torch.tensor(1.0)) and m.weight[1, 0] == 3


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_embedding_bag_reduces_each_bag(mode):
    m = nn.EmbeddingBag(5, 3, mode=mode)
    bags = torch.tensor([[0, 1, 2], [3, 3, 4]])
    rows = m.weight[bags]
    expected = {"sum": rows.sum(1), "mean": rows.mean(1), "max": rows.amax(1)}[mode]
    assert close(m(bags), expected)
    assert close(m(bags.flatten(), torch.tensor([0, 3])), expected)


# ---- shapes


def test_flatten_and_unflatten():
    assert nn.Flatten()(torch.zeros(2, 3, 4)).shape == (2, 12)
    assert nn.Unflatten(1, (2, 3))(torch.zeros(5, 6)).shape == (5, 2, 3)
    with pytest.raises(
        TypeError, match="unflattened_size must be tuple of ints, but found element of type float at pos 1"
    ):
        nn.Unflatten(1, (2, 3.0))
    with pytest.raises(TypeError, match="unflattened_size must be a tuple of ints, but found type str"):
        nn.Unflatten(1, "ab")


def test_pixel_and_channel_shuffles():
    x = torch.randn(1, 8, 3, 3)
    assert torch.equal(nn.PixelUnshuffle(2)(nn.PixelShuffle(2)(x)), x)
    order = nn.ChannelShuffle(2)(torch.arange(4.0).view(1, 4, 1, 1)).flatten().tolist()
    assert order == [0, 2, 1, 3]


def test_fold_adds_up_what_unfold_takes_apart():
    x = torch.randn(1, 2, 5, 6)
    columns = nn.Unfold(2)(x)
    counts = nn.Fold((5, 6), 2)(nn.Unfold(2)(torch.ones_like(x)))
    assert close(nn.Fold((5, 6), 2)(columns), x * counts)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.ZeroPad1d((1, 0)), [0, 1, 2, 3]),
        (nn.ConstantPad1d(1, 9), [9, 1, 2, 3, 9]),
        (nn.ReflectionPad1d(2), [3, 2, 1, 2, 3, 2, 1]),
        (nn.ReplicationPad1d(2), [1, 1, 1, 2, 3, 3, 3]),
        (nn.CircularPad1d(1), [3, 1, 2, 3, 1]),
    ],
)
def test_paddings(layer, expected):
    assert layer(torch.tensor([[[1.0, 2.0, 3.0]]]))[0, 0].tolist() == expected


def test_circular_padding_checks_dimensions():
    with pytest.raises(ValueError, match=r"expected 3D or 4D input \(got 2D input\)"):
        nn.CircularPad2d(1)(torch.zeros(3, 3))


# ---- pooling


def test_max_pool_indices_undo_the_pooling():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    y, indices = nn.MaxPool2d(2, return_indices=True)(x)
    assert y.flatten().tolist() == [5, 7, 13, 15]
    back = nn.MaxUnpool2d(2)(y, indices)
    assert back.shape == x.shape and back.sum() == y.sum() and back[0, 0, 3, 3] == 15


def test_pooling_variants():
    x = torch.rand(1, 1, 4) + 1
    assert close(nn.AvgPool1d(2)(x), x.view(1, 1, 2, 2).mean(-1))
    assert close(nn.LPPool1d(2, 2)(x), x.view(1, 1, 2, 2).square().sum(-1).sqrt())
    assert close(nn.LPPool1d(float("inf"), 2)(x), nn.MaxPool1d(2)(x))
    assert nn.AdaptiveAvgPool2d((None, 3))(torch.rand(1, 2, 5, 6)).shape == (1, 2, 5, 3)
    assert nn.AdaptiveMaxPool1d(2, return_indices=True)(x)[1].shape == (1, 1, 2)
    assert nn.FractionalMaxPool2d(2, output_ratio=0.5)(torch.rand(1, 1, 8, 8)).shape == (1, 1, 4, 4)
    with pytest.raises(ValueError, match="FractionalMaxPool2d requires specifying either an output size, or a pooling"):
        nn.FractionalMaxPool2d(2)


# ---- activations and dropout


def test_dropout_acts_in_training_only():
    x = torch.ones(1000)
    m = nn.Dropout(0.25)
    y = m(x)
    assert close(y, (y > 0) * (4 / 3))
    assert 150 < (y == 0).sum() < 350
    assert torch.equal(m.eval()(x), x)
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1, but got 2"):
        nn.Dropout(2)


def test_channel_dropout_drops_whole_channels():
    y = nn.Dropout2d(0.5)(torch.ones(8, 8, 3, 3)).flatten(2)
    assert ((y == 0).all(-1) | (y == 2).all(-1)).all()


def test_softmax_layers_sum_to_one():
    x = torch.randn(2, 3, 4, 4)
    assert close(nn.Softmax(1)(x).sum(1), torch.ones(2, 4, 4)) and close(nn.Softmax2d()(x), nn.Softmax(1)(x))
    assert close(nn.LogSoftmax(1)(x).exp(), nn.Softmax(1)(x)) and close(nn.Softmin(1)(x), nn.Softmax(1)(-x))
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax has been deprecated"):
        nn.Softmax()(x)


def test_hardtanh_arguments():
    with pytest.warns(FutureWarning, match="keyword argument `min_value` is deprecated"):
        assert nn.Hardtanh(min_value=-2).min_val == -2
    with pytest.raises(AssertionError, match=r"max_val \(0\) must be greater than min_val \(1\)"):
        nn.Hardtanh(1, 0)


# ---- losses


def test_losses_with_buffers_move_with_the_module():
    loss = nn.CrossEntropyLoss(weight=torch.ones(3)).double()
    assert loss.weight.dtype == torch.float64 and list(loss.state_dict()) == ["weight"]
    assert nn.BCEWithLogitsLoss().state_dict() == {}


def test_deprecated_loss_arguments():
    with pytest.warns(UserWarning, match="please use reduction='sum' instead."):
        assert nn.MSELoss(size_average=False).reduction == "sum"
    with pytest.warns(UserWarning, match="please use reduction='none' instead."):
        assert nn.MSELoss(reduce=False).reduction == "none"


def test_linear_cross_entropy_in_chunks():
    options = nn.LinearCrossEntropyOptions(batch_chunk_size=3)
    target = torch.tensor([0, 4, 2, -100, 1, 1, 3])
    weight = torch.rand(5) + 0.1
    for reduction in ("mean", "sum", "none"):
        plain = nn.LinearCrossEntropyLoss(4, 5, bias=True, reduction=reduction, weight=weight)
        chunked = copy.deepcopy(plain)
        chunked.options = options
        x = torch.randn(7, 4, requires_grad=True)
        y = x.detach().clone().requires_grad_()
        a, b = plain(x, target), chunked(y, target)
        assert close(a, b)
        a.sum().backward()
        b.sum().backward()
        assert close(x.grad, y.grad) and close(plain.linear.weight.grad, chunked.linear.weight.grad)
        assert close(plain.linear.bias.grad, chunked.linear.bias.grad)


def test_linear_cross_entropy_options_are_values():
    a = nn.LinearCrossEntropyOptions(batch_chunk_size=3)
    assert a == nn.LinearCrossEntropyOptions(batch_chunk_size=3) and hash(a) == hash(copy.copy(a))
    assert pickle.loads(pickle.dumps(a)) == a and "batch_chunk_size=3" in repr(a)
    with pytest.raises(AttributeError):
        a.batch_chunk_size = 4
    with pytest.raises(ValueError, match="invalid acc_policy: 'nope'"):
        nn.LinearCrossEntropyOptions(acc_policy="nope")


def test_adaptive_log_softmax_is_a_distribution():
    m, x = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], div_value=2.0), torch.randn(6, 8)
    log_prob = m.log_prob(x)
    assert close(log_prob.exp().sum(1), torch.ones(6))
    assert torch.equal(m.predict(x), log_prob.argmax(1))
    target = torch.tensor([0, 3, 4, 9, 10, 19])
    output, loss = m(x, target)
    assert close(output, log_prob[torch.arange(6), target]) and close(loss, -output.mean())
    with pytest.raises(RuntimeError, match=r"Target values should be in \[0, 19\]"):
        m(x, target + 1)


# ---- lazy layers


@pytest.mark.parametrize(
    ("layer", "shape", "kind"),
    [
        (lambda: nn.LazyLinear(3), (2, 5), nn.Linear),
        (lambda: nn.LazyConv1d(4, 3), (2, 3, 8), nn.Conv1d),
        (lambda: nn.LazyConv2d(4, 3, bias=False), (3, 8, 8), nn.Conv2d),
        (lambda: nn.LazyConv3d(4, 3, groups=2), (2, 4, 5, 5, 5), nn.Conv3d),
        (lambda: nn.LazyConvTranspose2d(4, 3), (2, 3, 5, 5), nn.ConvTranspose2d),
        (lambda: nn.LazyBatchNorm2d(), (2, 3, 4, 4), nn.BatchNorm2d),
        (lambda: nn.LazyInstanceNorm1d(affine=True), (2, 3, 4), nn.InstanceNorm1d),
    ],
)
def test_lazy_layers_become_ordinary_ones(layer, shape, kind):
    m = layer()
    assert m.has_uninitialized_params()
    m(torch.randn(shape))
    assert type(m) is kind and not any(nn.parameter.is_lazy(p) for p in m.parameters())
    assert not m._forward_pre_hooks and not m._load_state_dict_pre_hooks
    assert m(torch.randn(shape)) is not None


def test_lazy_layers_take_shapes_from_a_state_dict():
    m = nn.LazyLinear(3)
    m.load_state_dict(nn.Linear(5, 3).state_dict())
    assert m.weight.shape == (3, 5)
    assert type(m) is nn.LazyLinear and m(torch.ones(1, 5)).shape == (1, 3) and m.in_features == 5


def test_lazy_state_dict_loads_into_lazy():
    m = nn.LazyLinear(3)
    assert list(m.state_dict()) == ["weight", "bias"]
    nn.LazyLinear(3).load_state_dict(m.state_dict())
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
        nn.Linear(5, 3).load_state_dict(m.state_dict())


def test_uninitialised_parameters():
    p = nn.UninitializedParameter()
    assert repr(p) == "<UninitializedParameter>" and isinstance(p, nn.Parameter)
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter or buffer"):
        _ = p.shape
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter in"):
        p + 1
    assert type(copy.deepcopy(p)) is nn.UninitializedParameter
    p.materialize((2, 3), dtype=torch.float64)
    assert type(p) is nn.Parameter and p.shape == (2, 3) and p.dtype == torch.float64


def test_lazy_modules_convert_and_refuse_sharing():
    m = nn.LazyLinear(3).double()
    assert m(torch.ones(1, 2, dtype=torch.float64)).dtype == torch.float64
    with pytest.raises(RuntimeError, match="Can't share memory on an uninitialized parameter"):
        nn.LazyLinear(3).share_memory()


def test_data_parallel_on_one_device_calls_the_module():
    m = nn.DataParallel(nn.Linear(2, 3))
    assert list(m.state_dict()) == ["module.weight", "module.bias"]
    assert m(torch.ones(1, 2)).shape == (1, 3)


# ---- nn.grad and nn.attention


@pytest.mark.parametrize("n", [1, 2, 3])
def test_convolution_gradients_as_functions(n):
    conv = getattr(F, f"conv{n}d")
    x = torch.randn(2, 4, *[7] * n, dtype=torch.float64, requires_grad=True)
    w = torch.randn(6, 2, *[3] * n, dtype=torch.float64, requires_grad=True)
    settings = {"stride": 2, "padding": 1, "dilation": 1, "groups": 2}
    y = conv(x, w, **settings)
    g = torch.randn_like(y)
    gx, gw = torch.autograd.grad(y, (x, w), g)
    assert close(getattr(nn.grad, f"conv{n}d_input")(x.shape, w, g, **settings), gx)
    assert close(getattr(nn.grad, f"conv{n}d_weight")(x, w.shape, g, **settings), gw)


def test_attention_kernels_can_be_asked_for():
    from rustorch.nn.attention import SDPBackend, sdpa_kernel

    q = torch.randn(1, 2, 3, 4)
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
        assert F.scaled_dot_product_attention(q, q, q).shape == q.shape
    with pytest.raises(AssertionError, match="Backend must be an instance of SDPBackend"), sdpa_kernel("math"):
        pass


NAMED = {
    "CircularPad1d": "CircularPad1d",
    "ConstantPad2d": "ConstantPad2d",
    "AvgPool2d": "AvgPool2d",
    "MaxUnpool3d": "MaxUnpool3d",
    "Conv2d": "Conv2d",
    "LazyConv1d": "LazyConv1d",
    "BatchNorm1d": "_BatchNorm",
    "InstanceNorm1d": "_InstanceNorm",
}


@pytest.mark.parametrize("name", NAMED)
def test_missing_arguments_name_the_class_that_torch_names(name):
    with pytest.raises(TypeError, match=rf"^{NAMED[name]}\.__init__\(\) missing"):
        getattr(nn, name)()


def test_subclass_of_a_layer_with_a_shared_constructor_calls_it():
    class Pad(nn.ZeroPad2d):
        def __init__(self):
            super().__init__(1)

    assert Pad()(torch.ones(1, 1, 1)).shape == (1, 3, 3)
