"""Calls beside torch that no row of the table has: no elements, NaN among rows, narrow floats, wide ints."""

import itertools

import pytest

import rustorch as torch

nan = float("nan")


def both(oracle, call):
    """The outcome in both libraries: values and dtype, or the error's class."""
    found = []
    for T in (torch, oracle):
        try:
            y = call(T)
            found.append((str(y.dtype).removeprefix("torch."), tuple(y.shape), y.tolist()))
        except Exception as e:
            found.append(type(e).__name__)
    return found


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 0, 3), (0, 3, 3), (2, 3, 0)], ids=str)
@pytest.mark.parametrize("order", [1, -1, 2, -2, float("inf"), -float("inf"), "nuc", "fro"])
def test_norms_of_empty_matrices(order, shape, oracle):
    for keepdim in (False, True):
        ours, theirs = both(oracle, lambda T, k=keepdim: T.linalg.matrix_norm(T.zeros(shape), order, keepdim=k))
        assert ours == theirs
    ours, theirs = both(oracle, lambda T: T.linalg.norm(T.zeros(shape), order, dim=(-2, -1)))
    assert ours == theirs


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("order", [1, -1, 2, float("inf"), "nuc", "fro"])
def test_norms_of_matrices_of_halves(order, dtype, oracle):
    ours, theirs = both(
        oracle, lambda T: T.linalg.matrix_norm(T.arange(6.0).reshape(2, 3).to(getattr(T, dtype)), order)
    )
    assert ours == theirs


def test_none_stands_for_an_empty_list_of_dims(oracle):
    for call in (
        lambda T: T.roll(T.arange(6).reshape(2, 3), 1, None),
        lambda T: T.arange(6).reshape(2, 3).roll(1, dims=None),
        lambda T: T.amax(T.ones(2, 3), None),
        lambda T: T.amin(T.ones(2, 3), dim=None, keepdim=True),
        lambda T: T.max_pool1d(T.ones(2, 4), 2, None),
    ):
        ours, theirs = both(oracle, call)
        assert ours == theirs


def test_ranges_of_uint64_reach_its_end():
    start = 2**63
    assert torch.arange(start, start + 3, dtype=torch.uint64).tolist() == [start, start + 1, start + 2]
    assert torch.arange(2**64 - 5, 2**64 - 1, 2, dtype=torch.uint64).tolist() == [2**64 - 5, 2**64 - 3]
    assert torch.arange(start, start, dtype=torch.uint64).numel() == 0
    with pytest.raises(RuntimeError, match="overflow"):
        torch.arange(start, start + 3)


def test_indices_of_elements_lie_column_by_column(oracle):
    for call in (
        lambda T: T.nonzero(T.ones(2, 3)),
        lambda T: T.nonzero(T.ones(3)),
        lambda T: T.nonzero(T.zeros(2, 3)),
        lambda T: T.nonzero(T.tensor(1.0)),
        lambda T: T.argwhere(T.ones(2, 3, 2)),
        lambda T: T.nonzero(T.ones(2, 3), as_tuple=True)[1],
    ):
        assert call(torch).stride() == call(oracle).stride() and call(torch).tolist() == call(oracle).tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_rows_with_nan_are_all_distinct(dtype, oracle):
    rows = [[1, nan], [1, nan], [1, 2], [nan, 1], [1, 2]]
    for T in (torch, oracle):
        x = T.tensor(rows, dtype=getattr(T, dtype))
        values, inverse, counts = T.unique(x, dim=0, return_inverse=True, return_counts=True)
        assert sorted(counts.tolist()) == [1, 1, 1, 2]
        # Where rows with NaN come is the sort's affair.
        assert T.equal(values[inverse].nan_to_num(9), x.nan_to_num(9))
    ours, theirs = (
        [y.nan_to_num(9).tolist() for y in T.unique_consecutive(T.tensor(rows), True, True, dim=0)]
        for T in (torch, oracle)
    )
    assert ours == theirs


def test_every_nan_is_another_value_to_mode(oracle):
    for row in ([1.0, nan, nan, 1.0, 2.0], [nan, 1, 1], [2.0, 2.0, nan, nan, nan], [nan, nan, nan], [nan]):
        (ours, _), (theirs, _) = (T.mode(T.tensor(row)) for T in (torch, oracle))
        assert ours.nan_to_num(9) == theirs.nan_to_num(9).item()
    values, places = torch.mode(torch.tensor([[nan, 3.0], [nan, 3.0], [2.0, nan]]), 0)
    assert values.tolist() == [2, 3] and places.tolist() == [2, 1]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_are_rounded_where_torch_rounds_them(dtype, oracle):
    def of(T, low, high, n=997):
        return T.linspace(low, high, n, dtype=T.float64).to(getattr(T, dtype))

    for call in (
        lambda T: T.div(of(T, -90, 90), of(T, 0.3, 5), rounding_mode="trunc"),
        lambda T: T.histc(of(T, -11, 11), min=-10, max=10),
        lambda T: T.histc(of(T, -3, 5), bins=37),
        lambda T: T.logspace(4.3, -3, 1, dtype=getattr(T, dtype)),
    ):
        ours, theirs = both(oracle, call)
        assert ours == theirs


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_a_single_power_is_that_of_the_number_itself(dtype, oracle):
    ours, theirs = both(oracle, lambda T: T.logspace(2.6, 9, 1, dtype=getattr(T, dtype)))
    assert ours == theirs


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64", "float16"])
def test_sums_to_a_size_do_not_wrap(dtype, oracle):
    for shape, size in itertools.product([(2, 300), ()], [(2, 1), (1, 300), (2, 300), (1,), ()]):
        ours, theirs = both(oracle, lambda T, s=shape, z=size: T.ones(s, dtype=getattr(T, dtype)).sum_to_size(z))
        assert ours == theirs


def test_cosines_of_bools(oracle):
    def call(T):
        a, b = (
            T.tensor([[True, False], [True, True], [False, False]]),
            T.tensor([[True, True], [True, False], [True, False]]),
        )
        return T.nn.functional.cosine_embedding_loss(a, b, T.tensor([1, -1, 1]), margin=0.2, reduction="none")

    assert torch.allclose(call(torch), torch.tensor(call(oracle).tolist()))


@pytest.mark.parametrize("dtype", ["complex64", "bfloat16", "float32", "int32"])
def test_masked_reductions_keep_the_dtype(dtype, oracle):
    for name, mask in itertools.product(["var", "std", "logsumexp"], [None, [True, True, False, True]]):

        def call(T, name=name, mask=mask):
            x = T.tensor([1.0, 2, 4, 7]).to(getattr(T, dtype))
            return getattr(T.masked, name)(x, 0, mask=mask and T.tensor(mask))

        ours, theirs = both(oracle, call)
        assert ours[:2] == theirs[:2] and abs(ours[2] - theirs[2]) <= 0.02 * abs(theirs[2])


def test_hashes_of_tensors(oracle):
    x = [[1.5, -2.0], [3.0, nan]]
    for dtype, dim, keepdim in itertools.product(
        ["float32", "bfloat16", "int8", "bool", "int64"], [(), None, 0, 1, (0, 1)], [False, True]
    ):
        ours, theirs = both(
            oracle,
            lambda T, a=(dtype, dim, keepdim): T.hash_tensor(
                T.tensor(x).nan_to_num(5).to(getattr(T, a[0])), a[1], keepdim=a[2]
            ),
        )
        assert ours == theirs
    for call in (
        lambda T: T.hash_tensor(T.zeros(0)),
        lambda T: T.hash_tensor(T.zeros(0, 3), 0),
        lambda T: T.hash_tensor(T.zeros(0, 3), 1),
        lambda T: T.hash_tensor(T.ones(3), mode=1),
        lambda T: T.hash_tensor(T.ones(3, dtype=T.complex64)),
        lambda T: T.hash_tensor(T.ones(3, dtype=T.uint64)),
        lambda T: T.hash_tensor(T.ones(3), 0, out=T.empty(0, dtype=T.uint64)),
        lambda T: T.hash_tensor(T.ones(3), 0, out=T.empty(0)),
        lambda T: T.hash_tensor(T.ones(3), 1),
        lambda T: T.hash_tensor(T.tensor(5), 0),
        lambda T: T.arange(1000).hash_tensor(),
    ):
        ours, theirs = both(oracle, call)
        assert ours == theirs


def test_airys_function(oracle):
    mpmath = pytest.importorskip("mpmath")
    x = torch.linspace(-30, 30, 701, dtype=torch.float64)
    for a, y in zip(x.tolist(), torch.special.airy_ai(x).tolist()):
        exact = float(mpmath.airyai(a))
        assert abs(y - exact) <= (1e-13 * exact if a > 1 else 2e-14)
    limits = [0.0, 103.0, 104.0, float("inf"), -float("inf"), nan]
    for dtype in ("float32", "float64", "int64"):
        ours, theirs = (
            T.special.airy_ai(T.tensor(limits if dtype != "int64" else [1, 2], dtype=getattr(T, dtype))).nan_to_num(7)
            for T in (torch, oracle)
        )
        assert torch.allclose(ours, torch.tensor(theirs.tolist(), dtype=ours.dtype), rtol=1e-5, atol=0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "name",
    [
        "add",
        "sub",
        "mul",
        "div",
        "remainder",
        "fmod",
        "floor_divide",
        "atan2",
        "hypot",
        "logaddexp",
        "eq",
        "lt",
        "nextafter",
    ],
)
def test_numbers_beside_halves_are_rounded_to_them(name, dtype, oracle):
    def of(T, s, flip):
        x = T.linspace(-9, 9, 481, dtype=T.float64).to(getattr(T, dtype))
        return getattr(T, name)(*((s(T), x) if flip else (x, s(T))))

    kinds = [lambda T: T.tensor(8.396163642458497, dtype=T.float64), lambda T: T.tensor(-3.3)]
    if name not in ("atan2", "hypot", "logaddexp", "nextafter"):
        kinds.append(lambda T: 2.3456789)
    for s, flip in itertools.product(kinds, [False, True]):
        if flip and s is kinds[-1] and name in ("eq", "lt", "fmod"):
            continue
        ours, theirs = both(oracle, lambda T, s=s, flip=flip: of(T, s, flip))
        differ = sum(a != b and a == a for a, b in zip(ours[2], theirs[2]))
        assert ours[:2] == theirs[:2] and differ <= (
            5 if name in ("atan2", "hypot", "logaddexp", "floor_divide") else 0
        )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_factors_of_the_second_summand_are_rounded_to_halves(dtype, oracle):
    for name in ("add", "sub"):

        def call(T, name=name):
            x = T.linspace(-9, 9, 480, dtype=T.float64).to(getattr(T, dtype))
            return getattr(T, name)(x, x.flip(0), alpha=8.396163642458497)

        ours, theirs = both(oracle, call)
        assert ours == theirs
