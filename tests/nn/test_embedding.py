"""Embedding tables: bags of rows, rows kept short, one-hot rows; against torch, with derivatives and errors."""

import pytest

import rustorch as torch
from rustorch.autograd import gradcheck, gradgradcheck
from rustorch.nn import functional as F

INDICES = [1, 2, 4, 5, 4, 3, 0]
OFFSETS = [0, 2, 2, 6]
MODES = ["sum", "mean", "max"]


def table(lib, dtype="float64", rows=6, width=3):
    return (lib.arange(rows * width, dtype=getattr(lib, dtype)) * 0.7).sin().reshape(rows, width)


def bags(lib, dtype="int64"):
    return lib.tensor(INDICES, dtype=getattr(lib, dtype)), lib.tensor(OFFSETS, dtype=getattr(lib, dtype))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", [{}, {"padding_idx": 4}, {"padding_idx": -2}])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_bags_and_their_gradient_agree_with_torch(mode, options, dtype, oracle, assert_same):
    results = []
    for lib in (torch, oracle):
        weight = table(lib, dtype).requires_grad_()
        out = lib.nn.functional.embedding_bag(*bags(lib)[:1], weight, bags(lib)[1], mode=mode, **options)
        out.backward(table(lib, dtype, *out.shape))
        results.append([out, weight.grad])
    rounding = {"float16": 2e-3, "bfloat16": 2e-2}.get(dtype)  # torch rounds after every addition
    assert_same(*results, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("width", [*range(1, 18), 31, 47, 64, 100, 127, 1024, 1030])
@pytest.mark.parametrize("options", [{}, {"padding_idx": 4}, {"per_sample_weights": 1}, {"mode": "mean"}], ids=str)
def test_bags_of_rows_of_any_width(width, options):
    """In order, in the table's precision: bit for bit."""
    rows = table(torch, "float32", 6, width)
    factors = (torch.arange(7.0) * 1.3).cos() if "per_sample_weights" in options else None
    options = {"mode": "sum", **options, "per_sample_weights": factors}
    want = torch.zeros(4, width)
    for bag, (start, end) in enumerate(zip(OFFSETS, [*OFFSETS[1:], 7], strict=True)):
        counted = [j for j in range(start, end) if INDICES[j] != options.get("padding_idx")]
        for j in counted:
            want[bag] += rows[INDICES[j]] * (1 if factors is None else factors[j])
        if options["mode"] == "mean" and counted:
            want[bag] /= len(counted)
    assert torch.equal(F.embedding_bag(bags(torch)[0], rows, bags(torch)[1], **options), want)


def test_rows_of_large_tables_are_asked_for_ahead(oracle, assert_same):
    results = []
    for lib in (torch, oracle):
        weight = table(lib, "float32", 5000, 60)
        indices = lib.arange(3000) * 1777 % 5000
        results.append(lib.nn.functional.embedding_bag(indices, weight, lib.arange(0, 3000, 7), mode="sum"))
    assert_same(*results)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_gradients_by_frequency_are_divided_by_the_count_of_their_row(mode):
    grads = []
    for scale in (False, True):
        weight = table(torch).requires_grad_()
        F.embedding_bag(bags(torch)[0], weight, bags(torch)[1], mode=mode, scale_grad_by_freq=scale).sum().backward()
        grads.append(weight.grad)
    counts = torch.bincount(torch.tensor(INDICES), minlength=6)
    torch.testing.assert_close(grads[1], grads[0] / counts[:, None])


@pytest.mark.parametrize("index_dtype", ["int32", "int64"])
def test_factors_scale_the_rows_of_a_sum(index_dtype, oracle, assert_same):
    results = []
    for lib in (torch, oracle):
        weight, factors = table(lib).requires_grad_(), (lib.arange(7.0).double() - 2).requires_grad_()
        indices, offsets = bags(lib, index_dtype)
        f = lib.nn.functional.embedding_bag
        out = f(indices, weight, offsets, mode="sum", per_sample_weights=factors, padding_idx=4)
        out.backward(table(lib, "float64", *out.shape))
        results.append([out, weight.grad, factors.grad])
    assert_same(*results)


@pytest.mark.parametrize("mode", MODES)
def test_derivatives_of_bags(mode):
    weight = table(torch).requires_grad_()
    indices, offsets = bags(torch)
    options = {"mode": mode, "padding_idx": 4}
    assert gradcheck(lambda w: F.embedding_bag(indices, w, offsets, **options), (weight,))
    assert gradgradcheck(lambda w: F.embedding_bag(indices, w, offsets, **options), (weight,))


def test_derivatives_by_factors():
    weight, factors = table(torch).requires_grad_(), torch.linspace(-1, 1, 7, dtype=torch.float64).requires_grad_()
    indices, offsets = bags(torch)

    def f(w, s):
        return F.embedding_bag(indices, w, offsets, mode="sum", per_sample_weights=s)

    assert gradcheck(f, (weight, factors))
    assert gradgradcheck(f, (weight, factors))


@pytest.mark.parametrize("mode", MODES)
def test_last_offset_ends_the_last_bag(mode):
    weight, (indices, _) = table(torch), bags(torch)
    ends = torch.tensor([0, 3, 5])
    out = F.embedding_bag(indices, weight, ends, mode=mode, include_last_offset=True)
    assert torch.equal(out, F.embedding_bag(indices[:5], weight, ends[:2], mode=mode))


def test_outputs_beside_the_result():
    out, owner, sizes, rows = torch.embedding_bag(table(torch), *bags(torch), False, 2, False, None, False, 4)
    assert owner.tolist() == [0, 0, 2, 2, 2, 2, 3]
    assert sizes.tolist() == [2, 0, 2, 1]
    assert rows.shape == out.shape
    assert rows[3].tolist() == [0, 0, 0]
    assert not sizes.requires_grad


def test_wide_table_of_many_bags_is_the_same_for_any_number_of_threads():
    weight, indices = torch.randn(50, 3000), torch.randint(0, 50, (400,))
    results = []
    for threads in (1, 4):
        torch.set_num_threads(threads)
        results.append(F.embedding_bag(indices, weight, torch.arange(0, 400, 8)))
    torch.set_num_threads(2)
    assert torch.equal(*results)
    torch.testing.assert_close(results[0], weight[indices].view(50, 8, 3000).mean(1))


def test_empty_bags_and_empty_tables():
    nothing = torch.tensor([], dtype=torch.int64)
    assert F.embedding_bag(nothing, table(torch), torch.tensor([0, 0])).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert F.embedding_bag(nothing, table(torch), nothing).shape == (0, 3)
    assert F.embedding_bag(torch.zeros(2, 0, dtype=torch.int64), table(torch, rows=1), mode="max").tolist() == [
        [0, 0, 0],
        [0, 0, 0],
    ]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda w: F.embedding_bag(torch.tensor([1, 9]), w, torch.tensor([0])), "Index 1 of input takes value 9"),
        (lambda w: F.embedding_bag(torch.tensor([-1]), w, torch.tensor([0])), "which is not in the valid range [0, 6)"),
        (lambda w: F.embedding_bag(torch.tensor([1, 2]), w, torch.tensor([1])), "offsets[0] has to be 0"),
        (
            lambda w: F.embedding_bag(torch.tensor([1, 2]), w, torch.tensor([0, 3])),
            "offsets[-1] can not be greater than input's length 2 but got offsets[-1] of 3",
        ),
        (lambda w: F.embedding_bag(torch.tensor([1, 2]), w, torch.tensor([0, 2, 1])), "offsets must not decrease"),
        (lambda w: F.embedding_bag(torch.tensor([1, 2]), w, torch.tensor([0, -1])), "offsets must not decrease"),
        (lambda w: F.embedding_bag(torch.tensor([1.5]), w, torch.tensor([0])), "scalar types: Long, Int; but got"),
        (lambda w: F.embedding_bag(torch.tensor([1]), w.long(), torch.tensor([0])), "Half, BFloat16, Float, Double"),
        (
            lambda w: F.embedding_bag(torch.tensor([1]), w, torch.tensor([0]), padding_idx=6),
            "padding_idx must be within the number of embeddings, -6 through 5, but got 6",
        ),
        (
            lambda w: F.embedding_bag(
                torch.tensor([1]), w, torch.tensor([0]), mode="sum", per_sample_weights=torch.ones(1)
            ),
            "type torch.DoubleTensor does not equal torch.FloatTensor",
        ),
        (
            lambda w: F.embedding_bag(
                torch.tensor([1]), w, torch.tensor([], dtype=torch.int64), include_last_offset=True
            ),
            "include_last_offset: number of offset should be at least 1",
        ),
        (lambda w: torch.embedding_bag(w, torch.tensor([1]), torch.tensor([0]), mode=3), "expected mode 0"),
        (lambda w: torch.embedding_bag(w[0], torch.tensor([1]), torch.tensor([0])), "expected weight (V, D)"),
        (lambda w: torch.embedding_bag(w, torch.tensor([1]).to("meta"), torch.tensor([0])), "on the same device"),
    ],
)
def test_bad_bags_are_refused(call, text):
    with pytest.raises(RuntimeError) as error:
        call(table(torch))
    assert text in str(error.value)


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, float("inf")])
def test_renorm_scales_long_rows_in_place_as_torch_does(norm_type, oracle, assert_same):
    results = []
    for lib in (torch, oracle):
        weight = table(lib, "float32") * 3
        out = lib.embedding_renorm_(weight, lib.tensor([[1, 1], [3, 0]]), 2.0, norm_type)
        assert out is weight
        results.append(weight)
    assert_same(*results)


def test_renorm_errors():
    weight = table(torch)
    with pytest.raises(IndexError):
        torch.embedding_renorm_(weight, torch.tensor([9]), 1.0, 2.0)
    with pytest.raises(RuntimeError, match="scalar types: Long, Int; but got"):
        torch.embedding_renorm_(weight, torch.tensor([1.0]), 1.0, 2.0)
    with pytest.raises(RuntimeError, match="Expected 2-dimensional tensor, but got 1-dimensional"):
        torch.embedding_renorm_(weight[0], torch.tensor([1]), 1.0, 2.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        torch.embedding_renorm_(weight.requires_grad_(), torch.tensor([1]), 1.0, 2.0)


@pytest.mark.parametrize(("shape", "classes"), [*((s, 5) for s in [(), (3,), (2, 0), (2, 3)]), ((), -1), ((2, 3), -1)])
def test_one_hot_agrees_with_torch(shape, classes, oracle, assert_same):
    count = torch.Size(shape).numel()
    assert_same(
        *(lib.nn.functional.one_hot((lib.arange(count) * 7 % 4).reshape(shape), classes) for lib in (torch, oracle))
    )


@pytest.mark.parametrize(
    ("values", "classes", "text"),
    [
        ([1.0], -1, "one_hot is only applicable to index tensor of type LongTensor."),
        ([-1], -1, "Class values must be non-negative."),
        ([3], 3, "Class values must be smaller than num_classes."),
        ([0], 0, "Class values must be smaller than num_classes."),
        ([], -1, "Can not infer total number of classes from empty tensor."),
    ],
)
def test_one_hot_errors(values, classes, text, oracle):
    for lib in (torch, oracle):
        x = lib.tensor(values) if values else lib.tensor(values, dtype=lib.int64)
        with pytest.raises(RuntimeError) as error:
            lib.nn.functional.one_hot(x, classes)
        assert str(error.value).split("\n")[0] == text
