"""assert_close and make_tensor: verdicts, messages, random inputs."""

import math

import pytest

import rustorch as torch
from rustorch.testing import assert_close, make_tensor


@pytest.mark.parametrize(
    ("actual", "expected", "options"),
    [
        (torch.ones(3), torch.ones(3) + 1e-6, {}),
        (torch.ones(3), torch.ones(3, dtype=torch.float64), {"check_dtype": False}),
        (torch.tensor([math.nan]), torch.tensor([math.nan]), {"equal_nan": True}),
        ([torch.ones(2), {"a": 1.0}], [torch.ones(2), {"a": 1.0 + 1e-9}], {}),
        (None, None, {}),
        (torch.empty(2, device="meta"), torch.empty(2, device="meta"), {}),
    ],
)
def test_close_values_pass(actual, expected, options):
    assert_close(actual, expected, **options)


def test_message_counts_and_locates_the_differences():
    with pytest.raises(AssertionError) as info:
        assert_close(torch.tensor([[1.0, 2.0], [3.0, 4.5]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert str(info.value) == (
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 4 (25.0%)\n"
        "Greatest absolute difference: 0.5 at index (1, 1) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.125 at index (1, 1) (up to 1.3e-06 allowed)"
    )


@pytest.mark.parametrize(
    ("actual", "expected", "options", "text"),
    [
        (torch.ones(2), torch.ones(3), {}, "The values for attribute 'shape' do not match"),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), {}, "The values for attribute 'dtype' do not match"),
        (torch.ones(2, 3).T, torch.ones(3, 2), {"check_stride": True}, r"attribute 'stride\(\)' do not match"),
        ([1, 2], [1], {}, "The length of the sequences mismatch: 2 != 1"),
        ({"a": 1}, {"b": 1}, {}, "The keys of the mappings do not match"),
        ([1, {"k": [True]}], [1, {"k": [False]}], {}, r"(?s)Booleans mismatch.*item \[1\]\['k'\]\[0\]"),
        (1.0, 2.0, {}, "Scalars are not close!\n\nExpected 2.0 but got 1.0."),
        (1, 2, {}, "Scalars are not equal!"),
        (None, 1, {}, "None mismatch"),
        (1.0, 2.0, {"msg": "mine"}, "^mine$"),
        (1.0, 2.0, {"msg": lambda m: "head " + m}, "^head Scalars"),
    ],
)
def test_differences_are_named(actual, expected, options, text):
    with pytest.raises(AssertionError, match=text):
        assert_close(actual, expected, **options)


def test_wrong_use_is_not_a_failed_comparison():
    with pytest.raises(ValueError, match="must be either specified or omitted, but got no atol"):
        assert_close(1.0, 1.0, rtol=0.1)
    with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type"):
        assert_close(torch.ones(1), [1.0])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool", "complex64", "float16"])
def test_made_tensors_equal_torchs(dtype, oracle):
    ref = oracle
    torch.manual_seed(1)
    mine = make_tensor((3, 4), dtype=getattr(torch, dtype), device="cpu", noncontiguous=True)
    ref.manual_seed(1)
    theirs = ref.testing.make_tensor((3, 4), dtype=getattr(ref, dtype), device="cpu", noncontiguous=True)
    assert mine.tolist() == theirs.tolist()
    assert mine.stride() == theirs.stride()


def test_made_tensors_respect_their_limits():
    t = make_tensor(1000, dtype=torch.int64, device="cpu", low=0, high=3, exclude_zero=True)
    assert set(t.tolist()) == {1, 2}
    assert make_tensor(3, dtype=torch.float32, device="cpu", requires_grad=True).requires_grad
    with pytest.raises(ValueError, match="`low` must be less than `high`"):
        make_tensor(3, dtype=torch.int64, device="cpu", low=3, high=2)
    with pytest.raises(ValueError, match="not supported for boolean and integral"):
        make_tensor(3, dtype=torch.int64, device="cpu", requires_grad=True)
