"""Reductions, scans, norms and distances: against torch, gradients of both orders, values known by hand, errors."""

import math

import pytest

import rustorch as torch
from rustorch.autograd import gradcheck, gradgradcheck

INF, NAN = math.inf, math.nan


def data(T, *shape, dtype=None, grad=False):
    n = math.prod(shape)
    x = ((T.arange(n) * 7919 % 31).reshape(shape) - 15).to(dtype or T.float64) / 4
    return x.requires_grad_() if grad else x


def holes(T, *shape):
    """Data with NaN in every fifth place."""
    x = data(T, *shape)
    return T.where(T.arange(x.numel()).reshape(shape) % 5 == 2, T.tensor(NAN, dtype=T.float64), x)


def turned(T, *shape):
    """Data whose last dim is not the densest one."""
    return data(T, *shape[::-1]).permute(*range(len(shape))[::-1])


CASES = {
    "sum of a turned view": lambda T: turned(T, 4, 5, 6).sum((0, 2)),
    "sum of nothing": lambda T: T.zeros(0, 3).sum(0),
    "sum of bools": lambda T: (data(T, 4, 5) > 0).sum(1),
    "sum of uint8 to float": lambda T: T.arange(250, dtype=T.uint8).sum(dtype=T.float32),
    "sum of halves": lambda T: T.full((3000,), 0.125, dtype=T.float16).sum(),
    "sum, no dims": lambda T: data(T, 3, 4).sum(dim=()),
    "nansum": lambda T: holes(T, 4, 5).nansum(1, keepdim=True),
    "mean": lambda T: turned(T, 3, 7).mean(0),
    "mean of nothing": lambda T: T.zeros(3, 0).mean(1),
    "nanmean": lambda T: holes(T, 4, 5).nanmean(0),
    "prod": lambda T: T.arange(1, 7).reshape(2, 3).prod(1),
    "prod of nothing": lambda T: T.zeros(0).prod(),
    "any, no dims": lambda T: (data(T, 3, 4) > 2).any(dim=()),
    "any of uint8": lambda T: T.tensor([[0, 0], [0, 7]], dtype=T.uint8).any(1),
    "all": lambda T: (data(T, 3, 4) > -3).all((0, 1), keepdim=True),
    "all of NaN": lambda T: T.tensor([NAN, 1.0]).all(),
    "count_nonzero": lambda T: data(T, 5, 6).round().count_nonzero((0,)),
    "logsumexp": lambda T: (data(T, 4, 5) * 300).logsumexp(1),
    "logsumexp of infinities": lambda T: T.tensor([[-INF, -INF], [INF, 0.0], [NAN, 0.0]]).logsumexp(1),
    "max": lambda T: turned(T, 4, 5).max(0),
    "max with NaN": lambda T: holes(T, 4, 5).max(1),
    "min of all": lambda T: holes(T, 4, 5).nan_to_num(3.0).min(),
    "max of two": lambda T: T.max(data(T, 4, 5), data(T, 5)),
    "max of bools": lambda T: (data(T, 4, 5) > 3).max(1),
    "amax": lambda T: turned(T, 4, 5, 6).amax((0, 2), keepdim=True),
    "aminmax": lambda T: T.aminmax(holes(T, 4, 5), dim=0),
    "argmax": lambda T: turned(T, 6, 7).argmax(),
    "argmin with NaN": lambda T: holes(T, 6, 7).argmin(1),
    "argmax, first of equals": lambda T: T.tensor([[1, 3, 3], [2, 2, 1]]).argmax(1, keepdim=True),
    "var": lambda T: turned(T, 5, 6).var(0),
    "var, no degrees of freedom": lambda T: data(T, 3, 1).var(1),
    "var, far from 0": lambda T: (data(T, 400) + 1e8).var(),
    "std with correction": lambda T: data(T, 5, 6).std((0, 1), correction=2.5),
    "std of all, biased": lambda T: data(T, 5, 6).std(False),
    "var_mean": lambda T: T.var_mean(data(T, 5, 6), 1, keepdim=True),
    "std of complex": lambda T: T.complex(data(T, 5, 6), data(T, 6, 5).reshape(5, 6)).std(1),
    "cov with weights": lambda T: data(T, 3, 7).cov(correction=0, fweights=T.arange(7), aweights=data(T, 7).abs() + 1),
    "corrcoef": lambda T: data(T, 3, 7).corrcoef(),
    "norm": lambda T: T.norm(data(T, 3, 4), p=3, dim=1),
    "norm of order 0": lambda T: T.linalg.vector_norm(data(T, 6, 4).round(), 0, dim=(0,)),
    "norm, -inf": lambda T: T.linalg.vector_norm(data(T, 6, 4), -INF),
    "norm of complex": lambda T: T.complex(data(T, 5), data(T, 5).flip(0)).norm(),
    "norm of halves in float": lambda T: T.norm(T.full((9000,), 8.0, dtype=T.float16), dtype=T.float32),
    "renorm": lambda T: data(T, 3, 4, 2).renorm(1, 1, 2.5),
    "dist": lambda T: T.dist(data(T, 3, 4), data(T, 4), 3),
    "cdist": lambda T: T.cdist(data(T, 2, 3, 4), data(T, 5, 4) + 1, 1.5),
    "cdist through a product": lambda T: T.cdist(data(T, 40, 3), data(T, 40, 3).flip(0)),
    "cumsum of ints": lambda T: T.arange(12, dtype=T.int8).reshape(3, 4).cumsum(0),
    "cumsum of a turned view": lambda T: turned(T, 40, 30).cumsum(1),
    "long cumsum": lambda T: data(T, 3, 20000).cumsum(1),
    "cumprod": lambda T: (data(T, 4, 5) / 2).cumprod(1),
    "cumprod as float": lambda T: T.arange(1, 6).cumprod(0, dtype=T.float32),
    "cummax with NaN": lambda T: holes(T, 4, 6).cummax(1),
    "cummin of equals": lambda T: T.tensor([3, 2, 2, 5, 2]).cummin(0),
    "logcumsumexp": lambda T: (data(T, 4, 5) * 200).logcumsumexp(1),
    "logcumsumexp of -inf": lambda T: T.tensor([-INF, -INF, 1.0, -INF]).logcumsumexp(0),
    "diff": lambda T: data(T, 3, 4).diff(n=2, dim=0),
    "diff of bools": lambda T: (data(T, 9) > 0).diff(),
    "diff with ends": lambda T: data(T, 3, 4).diff(prepend=data(T, 3, 1), append=data(T, 3, 2)),
    "diff past the end": lambda T: data(T, 3).diff(n=5),
    "trapezoid": lambda T: T.trapezoid(data(T, 3, 4), data(T, 4)),
    "cumulative_trapezoid": lambda T: T.cumulative_trapezoid(data(T, 3, 4), dx=0.5, dim=0),
    "isclose": lambda T: T.isclose(T.tensor([1.0, INF, NAN, 1e-9]), T.tensor([1.0 + 1e-6, INF, NAN, 0.0])),
    "isclose with NaN": lambda T: T.isclose(T.tensor([NAN]), T.tensor([NAN]), equal_nan=True),
    "isclose of ints": lambda T: T.isclose(T.tensor([2, 5]), T.tensor([3, 5]), rtol=0.4),
    "allclose": lambda T: T.allclose(data(T, 4), data(T, 4) + 1e-10),
    "equal": lambda T: data(T, 4).equal(data(T, 2, 2)),
}


@pytest.mark.filterwarnings("ignore:.*degrees of freedom:UserWarning")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_agrees_with_torch(case, oracle, assert_same):
    assert_same(case(torch), case(oracle))


DIFFERENTIABLE = {
    "sum": lambda x: x.sum(1),
    "nansum": lambda x: x.nansum(0),
    "mean": lambda x: x.mean((0, 1)),
    "prod": lambda x: x.prod(),
    "prod along a dim": lambda x: x.prod(1),
    "logsumexp": lambda x: x.logsumexp((0, 1), keepdim=True),
    "max": lambda x: x.max(1).values,
    "amin": lambda x: x.amin(0),
    "aminmax": lambda x: torch.aminmax(x, dim=1),
    "var": lambda x: x.var(0, keepdim=True),
    "std": lambda x: x.std(),
    "var_mean": lambda x: torch.var_mean(x, (0, 1)),
    "std_mean": lambda x: torch.std_mean(x, 1),
    "cov": lambda x: x.cov(),
    "norm": lambda x: x.norm(),
    "norm 1.5": lambda x: torch.linalg.vector_norm(x, 1.5, dim=1),
    "norm 0.5": lambda x: torch.linalg.vector_norm(x, 0.5),
    "norm 4": lambda x: torch.linalg.vector_norm(x, 4, dim=0, keepdim=True),
    "norm inf": lambda x: torch.linalg.vector_norm(x, INF, dim=1),
    "renorm": lambda x: x.renorm(2, 0, 1.5),
    "dist": lambda x: torch.dist(x, x[0] * 2, 3),
    "cdist": lambda x: torch.cdist(x, x[:2] + 1, 3),
    "euclidean cdist": lambda x: torch.cdist(x, x[:2] + 1, compute_mode="use_mm_for_euclid_dist"),
    "cumsum": lambda x: x.cumsum(0),
    "cumprod": lambda x: x.cumprod(1),
    "cummax": lambda x: x.cummax(1).values,
    "logcumsumexp": lambda x: x.logcumsumexp(1),
    "diff": lambda x: x.diff(append=x[:, :1]),
    "trapezoid": lambda x: torch.trapezoid(x, dim=0),
}


@pytest.mark.parametrize("function", DIFFERENTIABLE.values(), ids=DIFFERENTIABLE)
def test_derivatives(function):
    # No two elements are equal, none is 0, and no row sorts like another.
    x = torch.tensor(
        [[0.7, -1.3, 2.1, 0.4], [-0.6, 1.9, -0.2, 1.1], [1.6, 0.9, -1.7, -0.8]], dtype=torch.float64, requires_grad=True
    )
    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))


@pytest.mark.parametrize("zeros", [(), (1,), (1, 3), (0, 1, 2, 3)])
@pytest.mark.parametrize("function", [lambda x: x.prod(), lambda x: x.prod(0), lambda x: x.cumprod(0)])
def test_products_of_zeros_have_derivatives(function, zeros):
    x = torch.tensor([1.5, -2.0, 0.5, 3.0], dtype=torch.float64)
    for i in zeros:
        x[i] = 0.0
    x.requires_grad_()
    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))


def gradient(function, values):
    x = torch.tensor(values, requires_grad=True)
    function(x).sum().backward()
    return x.grad.tolist()


def test_ties_share_the_gradient_of_values_without_indices():
    assert gradient(lambda x: x.amax(1), [[1.0, 3.0, 3.0], [2.0, 1.0, 2.0]]) == [[0, 0.5, 0.5], [0.5, 0, 0.5]]
    assert gradient(lambda x: x.max(), [3.0, 1.0, 3.0]) == [0.5, 0, 0.5]
    assert gradient(lambda x: x.median(), [2.0, 2.0, 1.0, 5.0]) == [0.5, 0.5, 0, 0]


def test_ties_give_the_gradient_to_the_index():
    assert gradient(lambda x: x.max(0).values, [3.0, 1.0, 3.0]) == [1, 0, 0]
    assert gradient(lambda x: x.cummin(0).values, [2.0, 2.0, 3.0]) == [1, 2, 0]


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, INF])
def test_norm_of_zeros_has_the_subgradient_0(p):
    assert gradient(lambda x: torch.linalg.vector_norm(x, p), [0.0, 0.0]) == [0, 0]


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_distance_of_a_point_to_itself_has_the_gradient_0(p):
    assert gradient(lambda x: torch.cdist(x, x.detach(), p), [[1.0, 2.0]]) == [[0, 0]]
    assert gradient(lambda x: torch.dist(x, x.detach(), p), [1.0, 2.0]) == [0, 0]


def test_std_of_equal_elements_has_the_gradient_0():
    assert gradient(lambda x: x.std(), [2.0, 2.0, 2.0]) == [0, 0, 0]


def test_rows_of_minus_infinity_pass_no_gradient():
    assert gradient(lambda x: x.logsumexp(1), [[-INF, -INF], [0.0, -INF]]) == [[0, 0], [1, 0]]
    assert gradient(lambda x: x.logcumsumexp(0), [-INF, 0.0]) == [0, 1]


def test_large_sums_of_exponentials_keep_exact_gradients():
    # Rounding 1e4 to float32 shows in exp(x - y); the gradients are computed in a wider dtype.
    x = [1e4, 1e4 + 0.125, 1e4 - 0.5]
    single = gradient(lambda x: x.logcumsumexp(0), x)
    y = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    y.logcumsumexp(0).sum().backward()
    assert single == pytest.approx(y.grad.tolist(), rel=1e-6)


def test_node_names():
    x = torch.ones(2, 3, requires_grad=True)
    named = {
        "SumBackward0": x.sum(),
        "SumBackward1": x[0].sum(0),
        "MeanBackward1": x.mean(1),
        "ProdBackward1": x.prod(0),
        "MaxBackward0": x.max(0).values,
        "MaxBackward1": x.max(),
        "AmaxBackward0": x.amax(),
        "StdBackward0": x.std(),
        "VarMeanBackward0": torch.var_mean(x)[1],
        "LinalgVectorNormBackward0": x.norm(),
        "LogsumexpBackward0": x.logsumexp(0),
        "CumsumBackward0": x.cumsum(0),
        "CumprodBackward0": x.cumprod(0),
        "CummaxBackward0": x.cummax(0).values,
    }
    for name, y in named.items():
        assert y.grad_fn.name() == name


def test_results_are_no_views():
    x = torch.ones(2, 3, requires_grad=True)
    for y in (x.sum(0), x.max(1).values, x.var(0), x.logsumexp(1)):
        assert y._base is None


def test_named_results():
    result = torch.tensor([[1.0, 4.0], [3.0, 2.0]]).max(dim=1)
    assert type(result).__name__ == "max"
    assert result.values.tolist() == [4.0, 3.0]
    assert result.indices.tolist() == [1, 0]


def test_out_and_in_place():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    values, indices = torch.empty(0), torch.empty(0, dtype=torch.int64)
    torch.max(x, 0, out=(values, indices))
    assert (values.tolist(), indices.tolist()) == ([3.0, 4.0], [1, 1])
    x.cumsum_(1)
    assert x.tolist() == [[1.0, 3.0], [3.0, 7.0]]


def test_meta_tensors_have_shapes_alone():
    x = torch.empty(4, 5, device="meta")
    assert x.sum(1).shape == (4,)
    assert x.max(0, keepdim=True).indices.shape == (1, 5)
    assert x.cumsum(1).shape == (4, 5)
    assert torch.cdist(x, x).device.type == "meta"


def test_result_does_not_depend_on_the_number_of_threads():
    x = torch.randn(700, 900)
    threads = torch.get_num_threads()
    results = []
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            results.append((x.sum(), x.std(0), x.cumsum(1), x.logsumexp((0, 1)), torch.cdist(x[:30], x[30:60])))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


ERRORS = [
    (lambda x: x.max(5), IndexError, "Dimension out of range"),
    (lambda x: x.sum((0, 0)), RuntimeError, "dim 0 appears multiple times in the list of dims"),
    (lambda x: x.long().mean(), RuntimeError, "could not infer output dtype"),
    (lambda x: x.long().std(), RuntimeError, "std and var only support floating point and complex dtypes"),
    (lambda x: torch.empty(0).max(), RuntimeError, r"max\(\): Expected reduction dim to be specified"),
    (lambda x: torch.empty(0, 3).argmin(0), IndexError, r"argmin\(\): Expected reduction dim 0 to have non-zero size"),
    (lambda x: torch.empty(0, 3).amax(0), IndexError, r"amax\(\): Expected reduction dim 0 to have non-zero size"),
    (lambda x: (x > 0).argmax(), RuntimeError, "does not support bool input"),
    (lambda x: torch.cdist(x, x[:, :1]), RuntimeError, "must have the same number of columns"),
    (lambda x: x.diff(n=-1), RuntimeError, "order must be non-negative but got -1"),
    (lambda x: x.renorm(0, 0, 1), RuntimeError, "non-positive-norm not supported"),
    (lambda x: torch.isclose(x, x.double()), RuntimeError, "Float did not match Double"),
    (lambda x: torch.linalg.vector_norm(x[:0], -1), RuntimeError, "does not have an identity"),
]


@pytest.mark.parametrize(("call", "error", "text"), ERRORS)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call(torch.ones(2, 3))
