"""Attention on the GPU beside the same on the CPU: tiles and their borders, masks, widths, and gradients."""

import pytest

import rustorch as torch
from rustorch.nn import functional as F

INF = float("inf")


def on_both(f, tensors, assert_same, rest=()):
    """Compares results and first gradients."""
    found = []
    for place in (torch.Tensor.cpu, torch.Tensor.gpu):
        xs = [place(t.detach()).requires_grad_() for t in tensors]
        y = f(*xs, *map(place, rest))
        torch.manual_seed(1)
        found.append([y, *torch.autograd.grad(y, xs, place(torch.randn(y.shape)))])
    for here, there in zip(*found, strict=True):
        assert_same(there.detach().cpu(), here.detach(), rtol=1e-4, atol=1e-5)


# batch dims, queries, keys, width of queries and keys, width of values
SIZES = [
    ((2, 3), 16, 5, 8, 8),
    ((1, 2), 33, 70, 32, 32),
    ((2, 1), 70, 33, 40, 72),
    ((1, 1), 40, 40, 64, 200),
    ((1, 2), 17, 31, 257, 300),
    ((3,), 20, 40, 16, 16),
    ((), 64, 64, 4, 4),
]


@pytest.mark.parametrize(("batch", "queries", "keys", "width", "values"), SIZES)
@pytest.mark.parametrize("causal", [False, True])
def test_attention_and_gradients(batch, queries, keys, width, values, causal, assert_same):
    torch.manual_seed(0)
    q, k, v = torch.randn(*batch, queries, width), torch.randn(*batch, keys, width), torch.randn(*batch, keys, values)
    on_both(lambda *t: F.scaled_dot_product_attention(*t, is_causal=causal), [q, k, v], assert_same)


@pytest.mark.parametrize("shape", [(40, 50), (2, 1, 40, 50), (3, 1, 50), (2, 3, 40, 50)])
@pytest.mark.parametrize("kind", ["float", "bool"])
def test_masks(shape, kind, assert_same):
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 3, 40, 16), torch.randn(2, 3, 50, 16), torch.randn(2, 3, 50, 24)
    mask = torch.randn(shape)
    if kind == "bool":
        mask = mask > 0
        mask[..., 0, :] = False
    f = lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, scale=0.3)
    on_both(f, [q, k, v], assert_same, [mask])


def test_queries_without_a_key(assert_same):
    torch.manual_seed(0)
    q, k, v = torch.randn(1, 2, 40, 8), torch.randn(1, 2, 70, 8), torch.randn(1, 2, 70, 8)
    mask = torch.zeros(40, 70)
    mask[3] = -INF
    mask[5, :64] = -INF
    mask[7] = -1e9
    on_both(F.scaled_dot_product_attention, [q, k, v], assert_same, [mask])


def test_numbers_that_are_not_finite(assert_same):
    q, k, v = torch.ones(1, 1, 20, 4), torch.ones(1, 1, 40, 4), torch.ones(1, 1, 40, 4)
    q[0, 0, 3] = float("nan")
    q[0, 0, 4] = INF
    v[0, 0, 35] = INF
    here = F.scaled_dot_product_attention(q, k, v)
    assert_same(F.scaled_dot_product_attention(q.gpu(), k.gpu(), v.gpu()).cpu(), here)


def test_operands_that_are_views_and_the_same_bits_twice(assert_same):
    torch.manual_seed(0)
    whole = torch.randn(2, 40, 3, 4, 16)
    q, k, v = (whole[:, :, i].transpose(1, 2) for i in range(3))
    on_both(F.scaled_dot_product_attention, [q, k, v], assert_same)
    there = whole.gpu().requires_grad_()
    runs = []
    for _ in range(2):
        y = F.scaled_dot_product_attention(*(there[:, :, i].transpose(1, 2) for i in range(3)))
        runs.append(torch.autograd.grad(y.square().sum(), there)[0].cpu())
    assert runs[0].tolist() == runs[1].tolist()


def test_halves(assert_same):
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 2, 33, 16).half() for _ in range(3))
    here = F.scaled_dot_product_attention(q, k, v)
    assert_same(F.scaled_dot_product_attention(q.gpu(), k.gpu(), v.gpu()).cpu(), here, rtol=4e-3, atol=1e-3)
