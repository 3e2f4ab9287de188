"""Nothing, negative weights, and numbers that round: where kernels could run over an end."""

import pytest

import rustorch as torch
from rustorch.nn import functional as F


@pytest.mark.parametrize("pool", [F.adaptive_avg_pool2d, F.adaptive_max_pool2d])
def test_pools_to_nothing_have_a_gradient_of_zeros(pool):
    x = torch.ones(1, 2, 4, 4).gpu().requires_grad_()
    y = pool(x, 0)
    assert y.numel() == 0
    y.sum().backward()
    assert torch.equal(x.grad.cpu(), torch.zeros(1, 2, 4, 4))


def test_the_median_of_nothing_is_nan():
    assert torch.empty(0).gpu().median().isnan().item()
    assert torch.empty(0).gpu().nanmedian().isnan().item()


def test_multinomial_checks_its_weights():
    with pytest.raises(RuntimeError):
        torch.empty(0).gpu().multinomial(5, replacement=True)
    drawn = torch.tensor([-1.0, 3.0]).gpu().multinomial(5, replacement=True)
    with pytest.raises(RuntimeError, match=r"weights|probability"):
        drawn.cpu()
    assert torch.tensor([0.0, 3.0]).gpu().multinomial(5, replacement=True).tolist() == [1] * 5


def test_int64_becomes_float32_by_one_rounding():
    values = [6442451201, 2**56 + 2**32 + 1, -6442451201, 2**63 - 1, -(2**63), 2**31, 2**32 - 1, -(2**31) - 1]
    x = torch.tensor(values)
    assert torch.equal(x.gpu().float().cpu(), x.float())


def test_whole_powers_of_whole_numbers_are_exact():
    x = torch.arange(-12.0, 13.0)
    for n in range(7):
        assert torch.equal((x.gpu() ** n).cpu(), x.double().pow(n).float()), n
    assert torch.equal((x.gpu() ** torch.tensor(3.0).gpu()).cpu(), x * x * x)
    assert torch.equal((torch.tensor([2.0, 4.0]).gpu() ** -3).cpu(), torch.tensor([0.125, 0.015625]))


def test_powers_near_one_keep_their_digits():
    x = torch.tensor([1.0001, 0.999, 1.01])
    for exponent in (10000.0, 1000.0, -300.0):
        assert torch.allclose((x.gpu() ** exponent).cpu(), x**exponent, rtol=2e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bool, torch.uint8, torch.int16, torch.bfloat16])
def test_small_elements_are_written_into_any_view(dtype):
    x = (torch.arange(60).reshape(5, 12) % 3).to(dtype)
    y = x.gpu()
    new = (torch.arange(20) % 2).reshape(4, 5).t().to(dtype)
    x[:, 1:9:2], y[:, 1:9:2] = new, new.gpu()
    assert torch.equal(y.cpu(), x)
    x[1:4, 5:] = x[0:3, :7]
    y[1:4, 5:] = y[0:3, :7].clone()
    assert torch.equal(y.cpu(), x)
    if dtype.is_floating_point:
        x[:, ::3].mul_(2)
        y[:, ::3].mul_(2)
        assert torch.equal(y.cpu(), x)
