"""NumPy's arrays and numbers beside tensors: who computes, in which dtype, and what is refused."""

import operator

import numpy as np
import pytest

import rustorch as torch

ARRAYS = {
    "float64": np.arange(1.0, 4.0),
    "int64": np.arange(1, 4),
    "bool": np.array([True, False, True]),
    "complex128": np.array([1j, 2, 3]),
    "0-d float64": np.array(2.0),
    "0-d int64": np.array(2),
    "scalar float64": np.float64(2),
    "scalar float32": np.float32(2),
    "scalar int64": np.int64(2),
    "object": np.array([1, 2, 3], object),
}
OPERATORS = "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift lt le gt ge eq ne"
IN_PLACE = "iadd isub imul itruediv ifloordiv imod ipow iand ior ixor ilshift irshift"


def operands(T):
    return T.arange(1.0, 4.0), T.arange(1, 4), T.tensor(2.0), T.tensor([True, False, True])


def outcome(call, *args):
    """The value, its kind and dtype, or the class of the error."""
    try:
        y = call(*args)
    except Exception as e:
        return type(e).__name__
    name = type(y).__name__
    return (name, str(y.dtype).removeprefix("torch."), y.tolist()) if hasattr(y, "tolist") else (name, y)


def same(a, b):
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return a[:2] == b[:2] and np.allclose(a[-1], b[-1], rtol=1e-5, equal_nan=True)


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("name", OPERATORS.split())
@pytest.mark.filterwarnings("ignore")
def test_operators_of_arrays_and_tensors_agree_with_torch(name, array, oracle):
    f, array = getattr(operator, name), ARRAYS[array]
    for t, u in zip(operands(torch), operands(oracle)):
        for ours, theirs in (((array, t), (array, u)), ((t, array), (u, array))):
            ours, theirs = outcome(f, *ours), outcome(f, *theirs)
            assert same(ours, theirs), (t, ours, theirs)


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("name", IN_PLACE.split())
@pytest.mark.filterwarnings("ignore")
def test_operators_in_place_agree_with_torch(name, array, oracle):
    f, array = getattr(operator, name), ARRAYS[array]
    for t, u in zip(operands(torch), operands(oracle)):
        ours, theirs = outcome(f, t.clone(), array), outcome(f, u.clone(), array)
        assert same(ours, theirs), (t, ours, theirs)


def test_an_array_of_one_number_is_no_number():
    for call in (
        lambda: torch.full((2,), np.array(2.0)),
        lambda: torch.add(torch.ones(2), np.array(2.0)),
        lambda: torch.ones(2).mul(np.array(2.0)),
        lambda: torch.nn.functional.leaky_relu(torch.ones(2), np.array(2.0)),
    ):
        with pytest.raises(TypeError, match=r"numpy\.ndarray"):
            call()
