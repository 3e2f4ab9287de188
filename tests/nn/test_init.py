"""nn.init: ranges, moments, structure, errors."""

import math

import pytest

import rustorch as torch
from rustorch import nn

init = nn.init


@pytest.mark.parametrize(
    ("name", "param", "gain"),
    [
        ("linear", None, 1),
        ("conv_transpose3d", None, 1),
        ("sigmoid", None, 1),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("leaky_relu", None, math.sqrt(2 / (1 + 0.01**2))),
        ("leaky_relu", 0.2, math.sqrt(2 / 1.04)),
        ("selu", None, 0.75),
    ],
)
def test_gains(name, param, gain):
    assert init.calculate_gain(name, param) == gain


def test_gain_errors():
    with pytest.raises(ValueError, match="Unsupported nonlinearity nope"):
        init.calculate_gain("nope")
    with pytest.raises(ValueError, match="negative_slope True not a valid number"):
        init.calculate_gain("leaky_relu", True)


@pytest.mark.parametrize(
    ("fill", "bound"),
    [
        (lambda t: init.uniform_(t, -2, 3), (-2, 3)),
        (lambda t: init.xavier_uniform_(t, gain=2), (-2 * math.sqrt(6 / 300), 2 * math.sqrt(6 / 300))),
        (lambda t: init.kaiming_uniform_(t, nonlinearity="relu"), (-math.sqrt(6 / 200), math.sqrt(6 / 200))),
        (
            lambda t: init.kaiming_uniform_(t, mode="fan_out", nonlinearity="relu"),
            (-math.sqrt(6 / 100), math.sqrt(6 / 100)),
        ),
    ],
)
def test_uniform_ranges(fill, bound):
    t = torch.empty(100, 200)
    assert fill(t) is t
    low, high = bound
    width = high - low
    assert low <= t.min() < low + 0.01 * width and high - 0.01 * width < t.max() <= high


@pytest.mark.parametrize(
    ("fill", "mean", "std"),
    [
        (lambda t: init.normal_(t, 3, 0.5), 3, 0.5),
        (lambda t: init.xavier_normal_(t), 0, math.sqrt(2 / 300)),
        (lambda t: init.kaiming_normal_(t), 0, math.sqrt(2 / 200)),
    ],
)
def test_normal_moments(fill, mean, std):
    t = torch.empty(100, 200)
    torch.manual_seed(0)
    assert fill(t) is t
    assert abs(t.mean().item() - mean) < 4 * std / math.sqrt(20000)
    assert abs(t.std().item() / std - 1) < 0.03


@pytest.mark.parametrize("bounds", [(-2, 2), (-0.3, 0.1), (1.9, 4)])
def test_trunc_normal_stays_inside(bounds):
    t = init.trunc_normal_(torch.empty(2000), 0, 1, *bounds)
    assert t.min() >= bounds[0] and t.max() <= bounds[1] and t.std() > 0


def test_trunc_normal_warns_far_out():
    with pytest.warns(UserWarning, match="mean is more than 2 std from"):
        t = init.trunc_normal_(torch.empty(50), 0, 1, 2.5, 4)
    assert t.min() >= 2.5 and t.max() <= 4


def test_same_seed_same_values():
    def draw():
        torch.manual_seed(5)
        layers = [nn.Linear(3, 4), nn.Conv2d(2, 3, 3), nn.Embedding(3, 2), nn.LSTM(2, 3), nn.MultiheadAttention(4, 2)]
        return [p for layer in layers for p in layer.parameters()]

    assert all(torch.equal(a, b) for a, b in zip(draw(), draw()))


def test_generator_argument():
    a = init.normal_(torch.empty(20), generator=torch.Generator().manual_seed(1))
    b = init.normal_(torch.empty(20), generator=torch.Generator().manual_seed(1))
    assert torch.equal(a, b)


def test_constants():
    assert init.constant_(torch.empty(3), 2.5).tolist() == [2.5] * 3
    assert init.ones_(torch.empty(2)).tolist() == [1, 1] and init.zeros_(torch.empty(2)).tolist() == [0, 0]
    assert torch.equal(init.eye_(torch.empty(3, 4)), torch.eye(3, 4))
    with pytest.raises(ValueError, match="Only tensors with 2 dimensions are supported"):
        init.eye_(torch.empty(3))


def test_dirac_passes_channels_on():
    for shape, conv in (((4, 4, 3), nn.functional.conv1d), ((4, 4, 3, 3), nn.functional.conv2d)):
        x = torch.randn(1, 4, *[5] * (len(shape) - 2))
        y = conv(x, init.dirac_(torch.empty(shape)), padding=1)
        assert torch.allclose(x, y)
    grouped = init.dirac_(torch.empty(4, 2, 3), groups=2)
    assert grouped[2, 0, 1] == 1 and grouped.sum() == 4
    with pytest.raises(ValueError, match="dim 0 must be divisible by groups"):
        init.dirac_(torch.empty(3, 2, 3), groups=2)
    with pytest.raises(ValueError, match="Only tensors with 3, 4, or 5 dimensions are supported"):
        init.dirac_(torch.empty(3, 2))


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (3, 2, 2)])
def test_orthogonal(shape):
    t = init.orthogonal_(torch.empty(shape, dtype=torch.float64), gain=2).flatten(1)
    small = t @ t.T if t.shape[0] <= t.shape[1] else t.T @ t
    assert torch.allclose(small, 4 * torch.eye(len(small), dtype=torch.float64))


def test_sparse_zeroes_a_share_of_each_column():
    t = init.sparse_(torch.empty(10, 6), sparsity=0.3)
    assert ((t == 0).sum(0) == 3).all()


def test_fans_and_errors():
    assert init._calculate_fan_in_and_fan_out(torch.empty(5, 3, 2, 2)) == (12, 20)
    with pytest.raises(ValueError, match="Fan in and fan out can not be computed for tensor with fewer than 2"):
        init.xavier_uniform_(torch.empty(3))
    with pytest.raises(ValueError, match="Mode fan not supported, please use one of"):
        init.kaiming_uniform_(torch.empty(2, 2), mode="fan")
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
        init.kaiming_uniform_(torch.empty(0, 2))


def test_parameters_are_filled_outside_the_graph():
    p = nn.Parameter(torch.empty(3, 3))
    assert init.xavier_normal_(p) is p and p.grad_fn is None and p.requires_grad


def test_old_names_are_deprecated():
    with pytest.warns(FutureWarning, match="`nn.init.uniform` is now deprecated in favor of `nn.init.uniform_`."):
        init.uniform(torch.empty(2))
