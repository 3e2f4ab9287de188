"""`torch._foreach_*`: a method on every tensor of a list."""

import pytest

import rustorch as torch

CASES = {
    "add": lambda T, xs: T._foreach_add(xs, 2),
    "add lists": lambda T, xs: T._foreach_add(xs, xs, alpha=2),
    "sub numbers": lambda T, xs: T._foreach_sub(xs, [1, 2]),
    "mul tensor": lambda T, xs: T._foreach_mul(xs, T.tensor(2.0)),
    "div": lambda T, xs: T._foreach_div(xs, xs),
    "addcmul": lambda T, xs: T._foreach_addcmul(xs, xs, xs, value=2),
    "addcdiv numbers": lambda T, xs: T._foreach_addcdiv(xs, xs, xs, [2, 3]),
    "addcdiv tensor": lambda T, xs: T._foreach_addcdiv(xs, xs, xs, T.tensor([2.0, 3.0])),
    "lerp": lambda T, xs: T._foreach_lerp(xs, T._foreach_neg(xs), 0.25),
    "pow of a number": lambda T, xs: T._foreach_pow(2, xs),
    "sqrt": lambda T, xs: T._foreach_sqrt(xs),
    "norm": lambda T, xs: T._foreach_norm(xs),
    "largest norm": lambda T, xs: T._foreach_norm(xs, float("inf")),
    "max": lambda T, xs: T._foreach_max(xs),
    "maximum": lambda T, xs: T._foreach_maximum(xs, 2),
    "clamp": lambda T, xs: T._foreach_clamp_max(xs, xs),
    "clone": lambda T, xs: T._foreach_clone(xs),
}


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_torch(case, oracle, assert_same):
    mine, theirs = (CASES[case](T, [T.full((2,), 2.0), T.arange(3.0) + 1]) for T in (torch, oracle))
    assert type(mine) is tuple
    assert_same(mine, theirs)


def test_in_place_forms_change_the_tensors_and_return_the_list():
    xs = [torch.ones(2), torch.ones(3)]
    first = xs[0]
    assert torch._foreach_mul_(xs, [2, 3]) is xs
    assert xs[0] is first
    assert [x.tolist() for x in xs] == [[2, 2], [3, 3, 3]]
    torch._foreach_zero_(xs)
    assert torch.cat(xs).sum() == 0


def test_lists_of_different_length_and_empty_lists_are_refused():
    xs = [torch.ones(2), torch.ones(3)]
    with pytest.raises(RuntimeError, match="Tensor lists must have the same number of tensors, got 2 and 1"):
        torch._foreach_add(xs, xs[:1])
    with pytest.raises(RuntimeError, match="Tensor list must have at least one tensor"):
        torch._foreach_add([], 1)
    with pytest.raises(AttributeError):
        _ = torch._foreach_nope
