"""`rearrange` and einops' notation."""

import pytest

import rustorch
from rustorch.func import rearrange, vmap

PATTERNS = [
    ("a b c d -> d c b a", {}),
    ("a b c d -> (a b) (d c)", {}),
    ("a b (c e) d -> a (b c) d e", {"e": 3}),
    ("a (x b) c (d y) -> (x c) a 1 b (y d)", {"x": 2, "d": 1}),
    ("... d -> d ...", {}),
    ("a ... -> (a ...)", {}),
    ("a b ... -> ... b a", {}),
    ("a b c d ... -> a b c d ...", {}),
]


@pytest.mark.parametrize(("pattern", "lengths"), PATTERNS)
def test_values_are_torchs(pattern, lengths, oracle, assert_same):
    shape = (2, 4, 6, 5)
    ours, theirs = (T.arange(240.0).reshape(shape) for T in (rustorch, oracle))
    assert_same(rearrange(ours, pattern, **lengths), oracle.func.rearrange(theirs, pattern, **lengths))


def test_a_sequence_and_a_batch(assert_same):
    rows = [rustorch.ones(2, 3), rustorch.zeros(2, 3)]
    assert rearrange(rows, "n a b -> a (n b)").tolist() == [[1.0] * 3 + [0.0] * 3] * 2
    x = rustorch.arange(24.0).reshape(2, 3, 4)
    assert_same(vmap(lambda s: rearrange(s, "a (b c) -> c (a b)", c=2))(x), rearrange(x, "n a (b c) -> n c (a b)", c=2))
    assert rearrange(rustorch.tensor(3.0), "-> 1 1").shape == (1, 1)


WRONG = [
    ("a b", {}),
    ("a b -> a", {}),
    ("a a -> a", {}),
    ("(a (b)) c -> a b c", {}),
    ("a) b -> a b", {}),
    ("(a b -> a b", {}),
    ("a 2 -> a 2", {}),
    ("a _b -> a _b", {}),
    ("a b -> a b ...", {}),
    ("(a ...) b -> a b ...", {}),
    ("a b -> b a", {"c": 2}),
    ("a b -> b a", {"a": 2.0}),
    ("a b c -> c b a", {}),
    ("a b c ... -> c b a ...", {}),
    ("a .b -> a b", {}),
]


@pytest.mark.parametrize(("pattern", "lengths"), WRONG)
def test_errors_are_torchs(pattern, lengths, oracle):
    errors = []
    for T, call in ((rustorch, rearrange), (oracle, oracle.func.rearrange)):
        with pytest.raises((ValueError, TypeError)) as caught:
            call(T.ones(2, 2), pattern, **lengths)
        errors.append(caught.value)
    ours, theirs = errors
    assert type(ours) is type(theirs)
    assert str(ours).splitlines()[0][:40] == str(theirs).splitlines()[0][:40]


def test_sizes_that_do_not_fit():
    for pattern, lengths in (("(a b) c -> a b c", {}), ("(a b) c -> a b c", {"a": 3}), ("a b -> b a", {"a": 3})):
        with pytest.raises(ValueError, match="cannot be taken apart"):
            rearrange(rustorch.ones(4, 2), pattern, **lengths)
