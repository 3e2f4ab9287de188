"""Attention in one kernel: values and gradients against torch, derivatives of any order, layouts, masks."""

import pytest

import rustorch as torch
from rustorch.autograd import gradcheck, gradgradcheck
from rustorch.nn import functional as F


def data(T, *shape, seed=0, dtype=None):
    generator = T.Generator().manual_seed(seed)
    return T.randn(*shape, generator=generator, dtype=T.float64).to(dtype or T.float32)


def both(oracle, make):
    """Results and gradients of `make(library)` -> (output, inputs), of both libraries."""
    results = []
    for T in (torch, oracle):
        y, inputs = make(T)
        (y * data(T, *y.shape, seed=9, dtype=y.dtype)).sum().backward()
        results.append([y.detach(), *(x.grad for x in inputs)])
    return results


def close(oracle, make, tolerance=2e-5):
    for ours, theirs in zip(*both(oracle, make)):
        assert ours.shape == theirs.shape
        ours, theirs = (t.double().numpy() for t in (ours, theirs))
        assert abs(ours - theirs).max() <= tolerance * max(1, abs(theirs).max())


def leaves(T, *shapes, dtype=None):
    return [data(T, *shape, seed=i, dtype=dtype).requires_grad_() for i, shape in enumerate(shapes)]


# (batch..., queries, keys, width, width of values): blocks are of 64 queries and 256 keys, tasks heads from 8 on
SIZES = [
    ((2, 3), 16, 16, 8, 8),
    ((1, 1), 17, 3, 5, 5),
    ((1, 2), 64, 256, 16, 16),
    ((1, 2), 65, 257, 16, 16),
    ((2, 5), 130, 300, 8, 8),
    ((4, 2), 130, 530, 33, 33),
    ((3,), 70, 70, 8, 12),
    ((), 40, 20, 8, 8),
    ((2, 2, 2), 20, 30, 4, 4),
]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_agrees_with_torch(oracle, size, causal):
    batch, l, s, e, ev = size

    def make(T):
        xs = leaves(T, (*batch, l, e), (*batch, s, e), (*batch, s, ev))
        return T.nn.functional.scaled_dot_product_attention(*xs, is_causal=causal), xs

    close(oracle, make)


MASKS = {
    "bool": lambda T: data(T, 70, 90, seed=5) > 0,
    "bool of each head": lambda T: data(T, 2, 5, 70, 90, seed=5) > 0,
    "keys of an entry": lambda T: data(T, 2, 1, 1, 90, seed=5) > 0,
    "queries": lambda T: data(T, 70, 1, seed=5),
    "float": lambda T: data(T, 70, 90, seed=5),
    "float of each entry": lambda T: data(T, 2, 1, 70, 90, seed=5),
    "transposed": lambda T: data(T, 90, 70, seed=5).t(),
    "blind queries": lambda T: (data(T, 70, 90, seed=5) > 0) & (T.arange(70) % 3 > 0)[:, None],
    "minus infinity": lambda T: T.zeros(70, 90).masked_fill(T.arange(90) > 40, float("-inf")),
}


@pytest.mark.parametrize("mask", MASKS)
def test_masks_agree_with_torch(oracle, mask):
    def make(T):
        xs = leaves(T, (2, 5, 70, 8), (2, 5, 90, 8), (2, 5, 90, 8))
        return T.nn.functional.scaled_dot_product_attention(*xs, attn_mask=MASKS[mask](T)), xs

    close(oracle, make)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
def test_dtypes_agree_with_torch(oracle, dtype):
    def make(T):
        xs = leaves(T, *[(2, 4, 40, 16)] * 3, dtype=getattr(T, dtype))
        return T.nn.functional.scaled_dot_product_attention(*xs, is_causal=True), xs

    close(oracle, make, {"float64": 1e-12, "bfloat16": 3e-2, "float16": 4e-3}[dtype])


def test_heads_of_one_projection_agree_with_torch(oracle):
    def make(T):
        x = data(T, 2, 40, 3 * 6 * 8).requires_grad_()
        q, k, v = (t.view(2, 40, 6, 8).transpose(1, 2) for t in x.split(48, dim=2))
        y = T.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return y.transpose(1, 2).reshape(2, 40, 48), [x]

    close(oracle, make)


def test_operands_that_are_shared_or_strided_agree_with_torch(oracle):
    def make(T):
        q, k, v = leaves(T, (2, 6, 20, 8), (1, 2, 30, 16), (30, 8))
        F = T.nn.functional
        y = F.scaled_dot_product_attention(q, k[..., ::2].expand(2, 2, 30, 8), v.expand(2, 2, 30, 8), enable_gqa=True)
        return y, [q, k, v]

    close(oracle, make)


def test_results_lie_in_memory_as_queries_do(oracle):
    for T in (torch, oracle):
        q = data(T, 2, 20, 3, 8).transpose(1, 2)
        y = T.nn.functional.scaled_dot_product_attention(q, q, q)
        assert y.stride() == (480, 8, 24, 1)
        assert T.nn.functional.scaled_dot_product_attention(*[q.contiguous()] * 3).stride() == (480, 160, 8, 1)


@pytest.mark.parametrize("heads", [2, 9])
@pytest.mark.parametrize("case", ["plain", "causal", "mask"])
def test_derivatives_are_right(case, heads):
    xs = leaves(torch, (1, heads, 17, 3), (1, heads, 18, 3), (1, heads, 18, 2), dtype=torch.float64)
    options = {"plain": {}, "causal": {"is_causal": True}, "mask": {"attn_mask": data(torch, 17, 18, seed=7) > 0}}[case]

    def attend(*xs):
        return F.scaled_dot_product_attention(*xs, scale=0.7, **options)

    assert gradcheck(attend, xs, fast_mode=True)
    assert gradgradcheck(attend, xs, fast_mode=True)


def test_gradients_do_not_depend_on_being_recorded():
    xs = leaves(torch, *[(2, 2, 30, 4)] * 3, dtype=torch.float64)
    y = F.scaled_dot_product_attention(*xs, is_causal=True)
    plain = torch.autograd.grad(y.sin().sum(), xs, retain_graph=True)
    recorded = torch.autograd.grad(y.sin().sum(), xs, create_graph=True)
    for a, b in zip(plain, recorded):
        torch.testing.assert_close(a, b)


def test_a_mask_that_learns_has_a_gradient(oracle):
    def make(T):
        *xs, mask = leaves(T, *[(1, 2, 20, 4)] * 3, (20, 20))
        return T.nn.functional.scaled_dot_product_attention(*xs, attn_mask=mask), [*xs, mask]

    close(oracle, make)


def test_not_a_number_stays_visible():
    q, k, v = (data(torch, 1, 1, 20, 4, seed=i) for i in range(3))
    q[0, 0, 3, 0] = float("nan")
    y = F.scaled_dot_product_attention(q, k, v)
    assert y[0, 0, 3].isnan().all()
    assert not y[0, 0, 4:].isnan().any()


def test_meta_tensors_have_shapes_only():
    q = torch.empty(2, 20, 3, 8, device="meta").transpose(1, 2)
    y = F.scaled_dot_product_attention(q, q, q)
    assert y.shape == q.shape
    assert y.stride() == q.stride()


def test_scores_too_large_for_a_logarithm_keep_their_weights():
    q, k, v = torch.ones(1, 1, 16, 4), data(torch, 1, 1, 9, 4), data(torch, 1, 1, 9, 4).requires_grad_()
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=torch.full((16, 9), -1e9))
    (plain,) = torch.autograd.grad(y.sum(), v, retain_graph=True)
    (recorded,) = torch.autograd.grad(y.sum(), v, create_graph=True)
    torch.testing.assert_close(plain, torch.full_like(plain, 16 / 9))
    torch.testing.assert_close(plain, recorded)


def test_results_may_be_changed_in_place_where_torch_lets_them(oracle):
    def make(T):
        x = data(T, 3, 20, 4).requires_grad_()
        return T.nn.functional.scaled_dot_product_attention(x, x, x).mul_(2), [x]

    close(oracle, make)


@pytest.mark.parametrize("shapes", [((4, 32, 8), (2, 32, 8), (32, 8)), ((32, 8), (32, 8), (32, 8))], ids=str)
def test_grouped_heads_need_a_dim(oracle, shapes):
    for T in (torch, oracle):
        with pytest.raises(IndexError, match="Dimension out of range"):
            T.nn.functional.scaled_dot_product_attention(*(T.ones(s) for s in shapes), enable_gqa=True)
