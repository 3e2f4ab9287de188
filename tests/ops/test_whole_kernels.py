"""Kernels that stand for several operations give what torch gives, with its gradients, on shapes with rests."""

import numpy as np
import pytest

import rustorch as torch


def values(*shape, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def agree(oracle, assert_same, f, *arrays, prepare=lambda x: x, atol=1e-4):
    """Values and gradients of `f` on the same numbers, each input brought in shape by `prepare`."""
    results = []
    for lib in (torch, oracle):
        xs = [lib.from_numpy(a.copy()).requires_grad_(a.dtype.kind == "f") for a in arrays]
        y = f(lib, *map(prepare, xs))
        weight = lib.from_numpy(values(*y.shape, seed=9))
        wanted = [x for x in xs if x.requires_grad]
        results.append([y.detach(), *lib.autograd.grad((y * weight).sum(), wanted)])
    assert_same(*results, rtol=1e-4, atol=atol)


LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2),
    "channels last": lambda x: x.transpose(1, -1).contiguous().transpose(1, -1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("pad", [(2, 1, 0, 3), (0, 0, 2, 2), (3, 0, 0, 0), (-1, 2, 1, -2)])
def test_padding_from_inside(pad, mode, layout, oracle, assert_same):
    x = values(2, 3, 5, 7)
    f = lambda lib, x: lib.nn.functional.pad(x, pad, mode=mode)
    agree(oracle, assert_same, f, x, prepare=LAYOUTS[layout])


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
def test_padding_of_other_dtypes_and_second_derivatives(mode):
    x = torch.arange(24).reshape(1, 2, 3, 4)
    assert (
        torch.nn.functional.pad(x.float(), (1, 1, 1, 1), mode=mode)
        .long()
        .equal(torch.nn.functional.pad(x.to(torch.float16), (1, 1, 1, 1), mode=mode).long())
    )
    y = torch.rand(1, 1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda y: torch.nn.functional.pad(y, (1, 2, 0, 1, 1, 0), mode=mode) ** 2, y)


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("dims", [2, 3])
def test_reading_at_a_grid(dims, mode, padding, align, oracle, assert_same):
    size, out = ((5, 7), (9, 15)) if dims == 2 else ((3, 5, 4), (3, 5, 9))
    x, grid = values(2, 9, *size), values(2, *out, dims, seed=1, low=-1.4, high=1.4)

    def f(lib, x, grid):
        return lib.nn.functional.grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=align)

    agree(oracle, assert_same, f, x, grid, atol=1e-3)


def test_reading_at_a_grid_of_transposed_images_and_of_none(oracle, assert_same):
    f = lambda lib, x, grid: lib.nn.functional.grid_sample(x, grid, align_corners=False)
    agree(
        oracle,
        assert_same,
        f,
        values(2, 3, 5, 5),
        values(2, 4, 4, 2, low=-1.0, high=1.0),
        prepare=LAYOUTS["channels last"],
    )
    empty = f(torch, torch.ones(0, 3, 5, 5), torch.ones(0, 4, 4, 2))
    assert empty.shape == (0, 3, 4, 4)
    x = torch.rand(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    grid = (torch.rand(1, 2, 2, 2, dtype=torch.float64) * 1.6 - 0.8).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x, grid: f(torch, x, grid), (x, grid))


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
@pytest.mark.parametrize(("rows", "width"), [(1, 19), (2, 19), (7, 70), (30, 19), (30, 70), (81, 3)])
def test_distances_of_all_pairs(rows, width, p, oracle, assert_same):
    agree(oracle, assert_same, lambda lib, x: lib.pdist(x, p), values(rows, width))
    x, y = values(2, rows, width), values(2, 5, width, seed=3)
    agree(oracle, assert_same, lambda lib, x, y: lib.cdist(x, y, p), x, y, atol=1e-3)


def test_distances_of_equal_rows_have_gradient_zero():
    x = torch.ones(3, 4, requires_grad=True)
    torch.pdist(x).sum().backward()
    assert x.grad.tolist() == [[0.0] * 4] * 3


def test_second_derivatives_of_distances():
    x, y = (torch.rand(n, 3, dtype=torch.float64, requires_grad=True) for n in (4, 3))
    for p in (1.0, 2.0):
        assert torch.autograd.gradgradcheck(lambda x, p=p: torch.pdist(x, p), x)
        assert torch.autograd.gradgradcheck(lambda x, y, p=p: torch.cdist(x, y, p), (x, y))


@pytest.mark.parametrize(("shape", "dim"), [((5, 3), 1), ((3, 7), 0), ((2, 3, 5), 1)])
def test_cross_products_of_strided_and_broadcast_vectors(shape, dim, oracle, assert_same):
    f = lambda lib, x, y: lib.linalg.cross(x, y, dim=dim)
    agree(oracle, assert_same, f, values(*shape), values(*shape, seed=1), prepare=LAYOUTS["transposed"])
    one = [1 if d != dim else 3 for d in range(len(shape))]
    agree(oracle, assert_same, f, values(*shape), values(*one, seed=1))


def test_cross_products_of_integers_and_complex_numbers(oracle, assert_same):
    x, y = np.arange(6).reshape(2, 3), np.arange(6, 0, -1).reshape(2, 3)
    for a, b in ((x, y), (x.astype(np.uint8), y.astype(np.uint8)), (x + 1j, y - 2j), (x.astype(np.float64), y * 1.0)):
        results = [lib.linalg.cross(lib.from_numpy(a), lib.from_numpy(b)) for lib in (torch, oracle)]
        assert_same(*results)


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("size", [2, 3, 17])
def test_sums_into_overlapping_windows(size, step, oracle, assert_same):
    agree(oracle, assert_same, lambda lib, x: lib.square(x).unfold(1, size, step), values(3, 40))
    fold = {"output_size": (9, 11), "kernel_size": (3, 2), "stride": (step, 1), "padding": (1, 0)}
    windows = ((9 + 2 - 3) // step + 1) * 10
    agree(oracle, assert_same, lambda lib, x: lib.nn.functional.fold(x, **fold), values(2, 4 * 6, windows))


@pytest.mark.parametrize("n", [2, 3, 4, 5, 15, 16])
def test_views_with_short_rows_are_laid_out_in_order(n):
    for dtype in (np.uint8, np.float16, np.float32, np.float64, np.complex128):
        x = np.arange(6 * 50 * n).astype(dtype).reshape(6, n, 50)
        t = torch.from_numpy(x)
        assert np.array_equal(t.transpose(1, 2).contiguous().numpy(), x.transpose(0, 2, 1))
        assert np.array_equal(t.transpose(1, 2)[:, ::2].contiguous().numpy(), x.transpose(0, 2, 1)[:, ::2])
        assert np.array_equal(t[:, :1].repeat_interleave(n, 2).numpy(), x[:, :1].repeat(n, 2))


def test_sums_along_columns_by_index(oracle, assert_same):
    index = np.array([3, 0, 3, 36, 1])
    for lib_f in (
        lambda lib, x, s: lib.index_add(x, 1, lib.from_numpy(index), s),
        lambda lib, x, s: lib.index_select(x, 1, lib.from_numpy(index)) * s,
    ):
        agree(oracle, assert_same, lib_f, values(29, 37), values(29, 5, seed=2))
    with pytest.raises((IndexError, RuntimeError)):
        torch.ones(9, 4).index_select(1, torch.tensor([0, 4]))


@pytest.mark.parametrize(("rows", "cols"), [(64, 128), (70, 200), (129, 65)])
def test_operands_of_which_one_is_transposed(rows, cols, oracle, assert_same):
    agree(oracle, assert_same, lambda lib, x, y: x * y.T + y.T, values(rows, cols), values(cols, rows, seed=1))
    x, y = torch.from_numpy(values(rows, cols)), torch.from_numpy(values(cols, rows))
    expected = x.numpy() + y.numpy().T
    assert np.array_equal(x.add_(y.T).numpy(), expected)


@pytest.mark.parametrize("queries", [1, 15, 16, 33, 64, 70])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_with_blocks_that_are_not_whole(queries, causal, oracle, assert_same):
    def f(lib, q, k, v):
        return lib.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)

    agree(oracle, assert_same, f, values(2, 3, queries, 20), values(2, 3, 70, 20, seed=1), values(2, 3, 70, 20, seed=2))


def test_integrals_and_outer_products(oracle, assert_same):
    agree(oracle, assert_same, lambda lib, y: lib.trapezoid(y, dx=0.5, dim=0), values(7, 5))
    assert torch.trapezoid(torch.ones(3, 1)).tolist() == [0.0] * 3
    results = [lib.trapezoid(lib.arange(6).reshape(2, 3)) for lib in (torch, oracle)]
    assert_same(*results)
    f = lambda lib, x, v, w: lib.addr(x, v, w, beta=0.5, alpha=-2.0)
    agree(oracle, assert_same, f, values(5, 7), values(5, seed=1), values(7, seed=2))
    agree(oracle, assert_same, f, values(7), values(5, seed=1), values(7, seed=2))


@pytest.mark.parametrize("increasing", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2, 6])
def test_powers_in_columns(n, increasing, oracle, assert_same):
    for x in (values(5), np.arange(4), np.array([], np.float32)):
        results = [lib.vander(lib.from_numpy(x.copy()), n, increasing=increasing) for lib in (torch, oracle)]
        assert_same(*results, rtol=1e-5)
