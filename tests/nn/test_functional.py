"""nn.functional: argument errors, warnings, deprecated forms and overriding; values are compared op by op elsewhere."""

import math
import pickle

import pytest

import rustorch as torch
from rustorch import nn
from rustorch.overrides import (
    BaseTorchFunctionMode,
    TorchFunctionMode,
    handle_torch_function,
    has_torch_function,
    is_tensor_like,
    resolve_name,
)

F = nn.functional


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            lambda x: F.glu(torch.tensor(1.0)),
            RuntimeError,
            "glu does not support scalars because halving size must be even",
        ),
        (lambda x: F.hardtanh(x, 1, 0), ValueError, "min_val cannot be greater than max_val"),
        (lambda x: F.dropout(x, -1), ValueError, "dropout probability has to be between 0 and 1, but got -1"),
        (
            lambda x: F.dropout1d(torch.tensor(1.0)),
            RuntimeError,
            "dropout1d: Expected 2D or 3D input, but received a 0D",
        ),
        (
            lambda x: F.group_norm(x[0], 1),
            RuntimeError,
            "Expected at least 2 dimensions for input tensor but received 1",
        ),
        (lambda x: F.batch_norm(x, None, None, training=True, eps=0), ValueError, "batch_norm eps must be positive"),
        (lambda x: F.local_response_norm(x, 2), ValueError, "Expected 3D or higher dimensionality"),
        (lambda x: F.mse_loss(x, x, reduction="no"), ValueError, "no is not a valid value for reduction"),
        (lambda x: F.binary_cross_entropy(x, x[0]), ValueError, "Using a target size"),
        (lambda x: F.binary_cross_entropy_with_logits(x, x[0]), ValueError, "must be the same as input size"),
        (lambda x: F.gaussian_nll_loss(x, x, -x.abs()), ValueError, "var has negative entry/entries"),
        (lambda x: F.gaussian_nll_loss(x, x, torch.ones(7)), ValueError, "var is of incorrect size"),
        (lambda x: F.poisson_nll_loss(x, x, reduction="no"), ValueError, "no is not a valid value for reduction"),
        (lambda x: F.multi_margin_loss(x, torch.zeros(2).long(), p=3), ValueError, "only p == 1 and p == 2 supported"),
        (
            lambda x: F.multi_margin_loss(x, torch.zeros(9).long()),
            RuntimeError,
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples",
        ),
        (lambda x: F.multi_margin_loss(x, torch.zeros(2)), RuntimeError, "expected scalar type Long but found Float"),
        (lambda x: F.multilabel_margin_loss(x, x), RuntimeError, "expected scalar type Long but found Float"),
        (lambda x: F.max_pool1d(x, 0), RuntimeError, "max_pool1d() kernel_size must be greater than zero, but got 0"),
        (lambda x: F.max_pool2d(x, 2, padding=2), RuntimeError, "pad should be at most half of effective kernel size"),
        (lambda x: F.avg_pool2d(x, 2, padding=-1), RuntimeError, "pad must be non-negative, but got pad: -1"),
        (
            lambda x: F.cross_entropy(x, torch.zeros(len(x))),
            RuntimeError,
            "expected target dtype to be Long or Byte, but got Float",
        ),
        (
            lambda x: F.max_pool1d(x[0], 2),
            RuntimeError,
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:",
        ),
        (lambda x: F.max_pool2d(x, 2), RuntimeError, "non-empty 3D or 4D (batch mode) tensor expected for input"),
        (lambda x: F.max_pool3d(x, 2), RuntimeError, "non-empty 4D or 5D (batch mode) tensor expected for input"),
        (lambda x: F.triplet_margin_loss(x, x, x, margin=0), ValueError, "margin must be greater than 0, got 0"),
        (lambda x: F.margin_ranking_loss(x, x, x[0]), RuntimeError, "All input tensors should have same dimension"),
        (lambda x: F.embedding_bag(torch.tensor([0]), x), ValueError, "offsets has to be a 1D Tensor but got None"),
        (
            lambda x: F.embedding_bag(torch.tensor([[0]]), x, mode="no"),
            ValueError,
            "mode has to be one of sum, mean or max",
        ),
        (lambda x: F.interpolate(x[None], 3, 2.0), ValueError, "only one of size or scale_factor should be defined"),
        (lambda x: F.interpolate(x[None]), ValueError, "either size or scale_factor should be defined"),
        (
            lambda x: F.interpolate(x[None], 3, align_corners=True),
            ValueError,
            "align_corners option can only be set with",
        ),
        (
            lambda x: F.interpolate(x[None], 3, mode="bilinear"),
            NotImplementedError,
            "Got 3D input, but bilinear mode needs 4D",
        ),
        (
            lambda x: F.interpolate(x[None], 3, mode="no"),
            NotImplementedError,
            "Only 3D, 4D and 5D input Tensors supported",
        ),
        (
            lambda x: F.grid_sample(x, x, mode="no"),
            ValueError,
            "expected mode to be 'bilinear', 'nearest' or 'bicubic'",
        ),
        (
            lambda x: F.affine_grid(x, (1, 1, 2, 2), align_corners=False),
            ValueError,
            "Expected a batch of 2D affine matrices",
        ),
        (
            lambda x: F.fractional_max_pool2d(x, 2),
            ValueError,
            "requires specifying either an output_size or an output_ratio",
        ),
        (lambda x: F.max_unpool2d(x[None], x[None].long(), 2, output_size=(9, 9)), ValueError, "invalid output_size"),
    ],
)
def test_errors(call, kind, text):
    with pytest.raises(kind) as error:
        call(torch.randn(2, 3))
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda x: F.mse_loss(x, x[:1]), UserWarning, "Using a target size"),
        (lambda x: F.softmax(x), UserWarning, "Implicit dimension choice for softmax has been deprecated"),
        (lambda x: F.kl_div(x, x), UserWarning, "'batchmean' divides only by the batch size"),
        (lambda x: F.mse_loss(x, x, size_average=False), UserWarning, "please use reduction='sum' instead"),
        (lambda x: F.upsample(x[None], 4), UserWarning, "`nn.functional.upsample` is deprecated"),
        (lambda x: F.dropout2d(x), UserWarning, "dropout2d: Received a 2-D input to dropout2d, which is deprecated"),
        (
            lambda x: F.grid_sample(x[None, None], torch.zeros(1, 1, 1, 2)),
            UserWarning,
            "Default grid_sample and affine_grid",
        ),
    ],
)
def test_warnings(call, kind, text):
    with pytest.warns(kind) as seen:
        call(torch.randn(2, 3))
    assert any(text in str(w.message) for w in seen)
    assert all(w.filename == __file__ for w in seen)  # they point at the caller


def test_in_place_forms_return_their_input():
    for name in (
        "relu",
        "elu",
        "selu",
        "celu",
        "leaky_relu",
        "silu",
        "mish",
        "hardswish",
        "hardsigmoid",
        "hardtanh",
        "relu6",
    ):
        x = torch.randn(5)
        expected = getattr(F, name)(x)
        assert getattr(F, name)(x, inplace=True) is x and torch.equal(x, expected)


def test_gumbel_softmax():
    x = torch.randn(6, 4, requires_grad=True)
    soft, hard = F.gumbel_softmax(x), F.gumbel_softmax(x, hard=True)
    assert torch.allclose(soft.sum(-1), torch.ones(6)) and set(hard.detach().round().unique().tolist()) == {0, 1}
    hard.sum().backward()
    assert x.grad is not None


def test_weighted_losses():
    x, y, w = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0]), torch.tensor([1.0, 3.0])
    assert F.mse_loss(x, y, weight=w).item() == (1 + 12) / 4
    assert F.l1_loss(x, y, weight=w, reduction="sum").item() == 7
    assert F.huber_loss(x, y, weight=w, reduction="none").tolist() == [0.5, 4.5]


@pytest.mark.parametrize("pad", [(-1, 1), (2, -1), (-1, -2), (3, 0), (0, 5), (-1, 1, -2, 1)])
def test_circular_padding_wraps_what_negative_numbers_leave(pad, oracle, assert_same):
    results = []
    for lib in (torch, oracle):
        x = lib.arange(40.0).reshape(1, 2, 4, 5).requires_grad_()
        x = x if len(pad) == 4 else x[0]
        out = lib.nn.functional.pad(x, pad, mode="circular")
        grad = lib.autograd.grad((out * lib.arange(float(out.numel())).view(out.shape)).sum(), x)
        results.append([out, *grad])
    assert_same(*results)


def test_kernels_far_larger_than_the_input_cost_no_more_than_it():
    side = 2**30
    x = torch.ones(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    y = F.avg_pool2d(x, side, padding=side // 2, stride=side)
    assert y.flatten()[0].item() == 16 / side**2
    y.sum().backward()
    assert torch.isfinite(x.grad).all()
    largest, index = F.max_pool2d(x, side, padding=side // 2, stride=side, return_indices=True)
    assert largest.flatten()[0].item() == 1
    assert index.flatten()[0].item() == 0


def test_circular_padding_of_nothing_is_refused():
    with pytest.raises(RuntimeError, match="Negative padding value is resulting in an empty dimension"):
        F.pad(torch.ones(1, 2, 4), (-4, 2), mode="circular")


def test_margin_loss_of_one_sample_has_the_shape_of_its_target():
    scores = torch.tensor([0.1, 0.7, 0.2])
    for target in (torch.tensor(1), torch.tensor([1])):
        assert F.multi_margin_loss(scores, target, reduction="none").shape == target.shape


def test_functions_are_pickled_by_name():
    for f in (F.relu, F.max_pool2d, F.cross_entropy, F.threshold):
        assert pickle.loads(pickle.dumps(f)) is f


def test_max_pool_returns_indices_on_demand():
    x = torch.arange(8.0).view(1, 1, 8)
    y, i = F.max_pool1d(x, 2, return_indices=True)
    assert y.flatten().tolist() == i.flatten().tolist() == [1, 3, 5, 7]
    assert torch.equal(F.max_pool1d(x, 2), y) and torch.equal(F.max_pool1d_with_indices(x, 2)[1], i)


def test_normalize():
    x = torch.randn(3, 4)
    assert torch.allclose(F.normalize(x).norm(dim=1), torch.ones(3))
    out = torch.empty(3, 4)
    assert F.normalize(x, out=out) is out


def test_interpolate_sizes():
    x = torch.arange(4.0).view(1, 1, 2, 2)
    assert F.interpolate(x, scale_factor=2).shape == F.interpolate(x, size=(4, 4)).shape == (1, 1, 4, 4)
    assert F.interpolate(x, scale_factor=(2, 1.5), recompute_scale_factor=True).shape == (1, 1, 4, 3)
    assert F.interpolate(x, size=1, mode="area").item() == 1.5
    assert F.interpolate(x, size=4, mode="bilinear", align_corners=True)[0, 0, 3, 3] == 3


# ---- __torch_function__


class Logged(torch.Tensor):
    calls = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append((func, len(args), dict(kwargs or {})))
        return super().__torch_function__(func, types, args, kwargs or {})


class Duck:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func


class Refusing:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented


@pytest.mark.parametrize(
    ("call", "func"),
    [
        (lambda d: F.relu(d), "relu"),
        (lambda d: F.cross_entropy(d, d), "cross_entropy"),
        (lambda d: F.batch_norm(d, None, None), "batch_norm"),
        (lambda d: F.max_pool2d(d, 2), "max_pool2d"),
        (lambda d: F.max_pool2d(d, 2, return_indices=True), "max_pool2d_with_indices"),
        (lambda d: F.adaptive_max_pool1d(d, 2), "adaptive_max_pool1d"),
        (lambda d: F.embedding(d, d), "embedding"),
        (
            lambda d: F.multi_head_attention_forward(d, d, d, *[None] * 4, None, None, False, 0.0, None, None),
            "multi_head_attention_forward",
        ),
        (lambda d: F.pad(d, (1, 1)), "pad"),
        (lambda d: nn.init.uniform_(d), "uniform_"),
    ],
)
def test_foreign_types_can_override(call, func):
    assert call(Duck()).__name__ == func


def test_subclasses_see_the_call():
    x = torch.ones(2).as_subclass(Logged)
    Logged.calls.clear()
    y = F.silu(x)
    assert type(y) is Logged and Logged.calls[0] == (F.silu, 1, {"inplace": False})


def test_modes_see_calls_of_plain_tensors():
    seen = []

    class Mode(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(getattr(func, "__name__", ""))
            return func(*args, **(kwargs or {}))

    x = torch.ones(1)
    with Mode():
        F.mish(x)
    assert seen[0] == "mish"
    with BaseTorchFunctionMode():
        assert F.mish(torch.zeros(1)).item() == 0


def test_refused_overrides_are_an_error():
    with pytest.raises(TypeError, match=r"no implementation found for '.*nn.functional.relu' on types that implement"):
        F.relu(Refusing())


def test_protocol_helpers():
    assert has_torch_function((Duck(),)) and not has_torch_function((torch.ones(1), 3))
    assert is_tensor_like(torch.ones(1)) and is_tensor_like(Duck()) and not is_tensor_like(3)
    assert resolve_name(torch.Tensor.add) == "torch.Tensor.add" and resolve_name(F.relu) == "torch.nn.functional.relu"

    def twice(x):
        if has_torch_function((x,)):
            return handle_torch_function(twice, (x,), x)
        return 2 * x

    assert twice(2) == 4 and twice(Duck()) is twice


GROUPED = {
    "rows": ((5, 8), (2, 8, 4)),
    "columns": ((2, 3, 4), (4, 8)),
    "summed": ((4, 8), (8, 4)),
    "batches": ((2, 3, 4), (2, 4, 8)),
}


@pytest.mark.parametrize("form", GROUPED)
def test_grouped_products_and_their_gradients_are_torchs(oracle, form):
    results = []
    for lib in (torch, oracle):
        a, b = ((lib.arange(float(math.prod(shape))).reshape(shape) / 10).requires_grad_() for shape in GROUPED[form])
        end = {"rows": 5, "columns": 8, "summed": 8}.get(form)
        offs = None if end is None else lib.tensor([4, end], dtype=lib.int32)
        y = lib.nn.functional.grouped_mm(a, b, offs=offs)
        (y * y).sum().backward()
        results.append([t.tolist() for t in (y, a.grad, b.grad)])
    for mine, theirs in zip(*results):
        torch.testing.assert_close(torch.tensor(mine), torch.tensor(theirs))


def test_grouped_products_that_do_not_fit():
    a, b, ends = torch.ones(4, 8), torch.ones(2, 8, 4), torch.tensor([1, 4], dtype=torch.int32)
    for args, options, text in (
        ((a, b), {}, "Have to provide offsets"),
        ((a, b), {"offs": ends.long()}, "Offsets have to be int32"),
        ((a, b), {"offs": ends[:1]}, "batch sizes have to match"),
        ((a, torch.ones(2, 7, 4)), {"offs": ends}, "contraction dimension"),
        ((a, b), {"offs": ends, "bias": torch.ones(4)}, "Bias not supported"),
        ((a, b), {"offs": ends, "out_dtype": torch.bfloat16}, "output dtype must match"),
        ((a.double(), b), {"offs": ends}, "Expected mat_a to be Float32"),
        ((a[0], b), {"offs": ends}, "mat_a has to be 2 or 3d"),
    ):
        with pytest.raises(RuntimeError, match=text):
            torch.nn.functional.grouped_mm(*args, **options)


@pytest.mark.parametrize("samples", [[0.3, 0.8], [-0.4, 1.2], [-7.5, 8.9], [-0.01, 0.0]])
def test_fractional_pools_take_any_samples_as_torch_does(oracle, samples):
    def pool(library):
        x = library.arange(256.0).reshape(1, 1, 16, 16)
        u = library.tensor([[samples]])
        f = library.nn.functional.fractional_max_pool2d
        y, i = f(x, (1, 1), output_ratio=(0.5, 0.5), return_indices=True, _random_samples=u)
        return y.tolist(), i.tolist()

    assert pool(torch) == pool(oracle)


@pytest.mark.parametrize("place", [float("nan"), float("inf")])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_grid_sample_reads_nan_at_places_that_are_no_numbers_as_torch_does(oracle, mode, padding, place):
    def sample(library):
        x = library.arange(9.0).reshape(1, 1, 3, 3)
        grid = library.full((1, 1, 1, 2), place)
        return repr(
            library.nn.functional.grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=False).item()
        )

    assert sample(torch) == sample(oracle)
