"""Sizes at which kernels work in blocks, strips or tiles, with rests, where the table's samples fit one; beside torch."""

import pytest
from conftest import assert_same

import rustorch as torch

nan = float("nan")


def compare(oracle, call, grad=True, **tolerance):
    """Results and gradients of `call(T)`, which gives (function, its tensors), in both libraries."""
    found = []
    for T in (torch, oracle):
        T.manual_seed(0)
        f, leaves = call(T)
        leaves = [x.requires_grad_() for x in leaves] if grad else leaves
        y = f(*leaves)
        if grad:
            w = T.rand(y.shape)
            y = [y, *T.autograd.grad(y, leaves, w)]
        found.append(y)
    assert_same(*found, **tolerance)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 37), (70, 300)], ids=str)
def test_multi_margin_loss(shape, weighted, p, oracle):
    def call(T):
        target = T.randint(0, shape[1], shape[:1])
        weight = T.rand(shape[1]) if weighted else None
        loss = T.nn.functional.multi_margin_loss
        return lambda x: loss(x, target, p=p, margin=0.7, weight=weight, reduction="none"), [T.randn(shape)]

    compare(oracle, call)


@pytest.mark.parametrize("shape", [(1, 1), (3, 37), (40, 130)], ids=str)
def test_multilabel_margin_loss(shape, oracle):
    def call(T):
        target = T.randint(-1, shape[1], shape)
        target[0, -1] = -1
        loss = T.nn.functional.multilabel_margin_loss
        return lambda x: loss(x, target, reduction="none"), [T.randn(shape)]

    compare(oracle, call, atol=1e-5)


def test_hinges_of_nan_count_for_nothing(oracle):
    x = [[0.5, nan, 1.0, float("inf")], [nan, 0.0, 2.0, 1.0]]
    for reduction in ("none", "mean"):
        compare(
            oracle,
            lambda T, r=reduction: (
                lambda s: T.nn.functional.multi_margin_loss(s, T.tensor([0, 0]), reduction=r),
                [T.tensor(x)],
            ),
        )
        compare(
            oracle,
            lambda T, r=reduction: (
                lambda s: T.nn.functional.multilabel_margin_loss(
                    s, T.tensor([[0, 2, -1, 0], [0, -1, 0, 0]]), reduction=r
                ),
                [T.tensor(x)],
            ),
        )


def test_second_derivatives_of_margin_losses():
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([1, 0, 4])
    many = torch.tensor([[1, 2, -1, 0, 0], [0, -1, 0, 0, 0], [4, 3, 2, 1, 0]])
    F = torch.nn.functional
    assert torch.autograd.gradgradcheck(lambda s: F.multi_margin_loss(s, target, p=2), x)
    assert torch.autograd.gradgradcheck(lambda s: F.multilabel_margin_loss(s, many), x)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(
    "size", [(3, 1, 5, 7), (1, 1, 150, 33), (2, 1, 9, 10, 11), (2, 1, 1, 1), (0, 1, 4, 4)], ids=str
)
def test_grids_of_affine_maps(size, align, oracle):
    def call(T):
        nd = len(size) - 2
        return lambda x: T.affine_grid_generator(x, size, align), [T.randn(size[0], nd, nd + 1)]

    compare(oracle, call, rtol=1e-5, atol=1e-3)


def test_second_derivatives_of_affine_grids():
    x = torch.randn(2, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda t: torch.nn.functional.affine_grid(t, (2, 1, 3, 4), False), x)


@pytest.mark.parametrize("shape", [(4, 3), (3, 5000), (70, 2, 9)], ids=str)
def test_weight_norm(shape, oracle):
    def call(T):
        g = T.rand(shape[0], *[1] * (len(shape) - 1))
        return lambda v, g: T._weight_norm(v, g, 0), [T.randn(shape), g]

    compare(oracle, call, atol=1e-5)


def test_weight_norm_of_columns_laid_out_first(oracle):
    compare(oracle, lambda T: (lambda v, g: T._weight_norm(v.t(), g, 0), [T.randn(5, 40), T.rand(40, 1)]), atol=1e-5)


def test_second_derivatives_of_weight_norm():
    v, g = (torch.randn(*s, dtype=torch.float64, requires_grad=True) for s in ((3, 4), (3, 1)))
    assert torch.autograd.gradgradcheck(lambda v, g: torch._weight_norm(v, g, 0), (v, g))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int32", "int64", "bool"])
def test_hashes(dtype, oracle):
    def call(T):
        x = (T.rand(90, 801) * 300 - 100).to(getattr(T, dtype))
        return (
            lambda: [x.hash_tensor(dim).view(T.int64) for dim in ((), 0, 1)] + [x.t().hash_tensor(0).view(T.int64)],
            [],
        )

    compare(oracle, call, grad=False)


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 3, 5, 15), (2, 7, 300), (1, 2, 6, 7, 6)], ids=str)
def test_pools_of_narrow_and_wide_rows(shape, ceil, padding, oracle):
    nd = len(shape) - 1 - (len(shape) == 4 and shape[1] == 3) if len(shape) < 5 else 3
    for name, options in (("avg", {}), ("avg", {"count_include_pad": False}), ("max", {})):

        def call(T, name=name, options=options):
            f = getattr(T.nn.functional, f"{name}_pool{nd}d")
            return lambda x: f(x, 3, 2, padding, ceil_mode=ceil, **options), [T.randn(shape)]

        compare(oracle, call)


def test_max_pools_of_infinities_and_nan(oracle):
    def call(T):
        x = T.full((1, 6, 6), -float("inf"))
        x[0, 5, 5] = nan
        return lambda: T.nn.functional.max_pool2d(x, 3, 2, 1, return_indices=True), []

    compare(oracle, call, grad=False)


@pytest.mark.parametrize("bins", [1, 7, 1000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_histograms(dtype, bins, oracle):
    def call(T):
        x = T.randn(100, 301).to(getattr(T, dtype))
        x[3, 4], x[5, 6], x[7, 8] = nan, 1.5, -1.5
        return lambda: [T.histc(x, bins, -1.5, 1.5), T.histc(x.t(), bins, -1.5, 1.5)], []

    compare(oracle, call, grad=False)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 15, 16])
@pytest.mark.parametrize("dtype", ["bool", "int16", "float32", "float64", "complex128"])
def test_broadcast_short_rows(dtype, n):
    d = getattr(torch, dtype)
    x, y = torch.randint(0, 100, (37, 1, 6, 1)).to(d), torch.randint(0, 100, (1, 11, 1, n)).to(d)
    both = (37, 11, 6, n)
    expected = torch.mul(x.expand(both).contiguous(), y.expand(both).contiguous())
    assert torch.equal(x * y, expected)
    assert torch.equal(x.expand(both).contiguous() + 0 * y, x.expand(both) + 0 * y)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_many_places_of_images(mode, oracle):
    def call(T):
        grid = T.rand(2, 37, 61, 2) * 2.4 - 1.2
        return lambda x: T.nn.functional.grid_sample(x, grid, mode, align_corners=False), [T.randn(2, 3, 9, 10)]

    compare(oracle, call, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("p", [1.0, 2.0])
@pytest.mark.parametrize("shape", [(2, 1), (31, 32), (150, 45)], ids=str)
def test_distances_of_pairs(shape, p, oracle):
    compare(oracle, lambda T: (lambda x: T.nn.functional.pdist(x, p), [T.randn(shape)]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("p", [1.0, 2.0])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (20, 3, 7), (3, 70, 16), (70, 130, 100), (150, 40, 3)], ids=str)
def test_distances_of_rows_of_two_batches(sizes, p, oracle):
    a, b, m = sizes
    call = lambda T: (lambda x, y: T.cdist(x, y, p), [T.randn(2, a, m), T.randn(2, b, m)])
    compare(oracle, call, rtol=1e-4, atol=1e-4)


def test_a_row_is_no_pair_with_itself():
    """Infinity less itself is NaN."""
    x = torch.randn(100, 5)
    x[40, 2] = float("inf")
    x.requires_grad_()
    d = torch.nn.functional.pdist(x, 1.0)
    (g,) = torch.autograd.grad(d, x, torch.ones_like(d))
    assert g.isfinite().all() and g[40, 2] == 99


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_products_of_a_matrix_and_a_vector(dtype, oracle):
    def call(T):
        d = getattr(T, dtype)
        return lambda a, v: a @ v, [T.randn(80, 70).to(d), T.randn(70).to(d)]

    compare(oracle, call, rtol=2e-2 if dtype == "bfloat16" else 1e-4, atol=1e-1 if dtype == "bfloat16" else 1e-4)


def test_gradients_of_complex_parts(oracle):
    def call(T):
        return lambda x, y: T.complex(x, y) * T.complex(T.rand(50), T.rand(50)), [T.randn(50), T.randn(50)]

    for T in (torch, oracle):
        x = T.randn(50, requires_grad=True)
        x.cfloat().backward(T.full((50,), complex(float("inf"), nan)))
        assert x.grad.is_contiguous() and x.grad.isinf().all()
    found = []
    for T in (torch, oracle):
        T.manual_seed(0)
        f, leaves = call(T)
        y = f(*[x.requires_grad_() for x in leaves])
        y.backward(T.complex(T.rand(50), T.rand(50)))
        found.append([x.grad for x in leaves])
    assert_same(*found)


@pytest.mark.parametrize("accumulate", [False, True])
def test_rows_put_by_index(accumulate, oracle):
    def call(T):
        index = T.randint(0, 30, (200,))
        if not accumulate:
            index = T.arange(40)[:30]
        values = T.randn(len(index), 300)
        return lambda x, v: x.index_put((index,), v, accumulate), [T.randn(40, 300), values]

    compare(oracle, call, atol=1e-5)
