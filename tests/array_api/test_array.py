"""What the standard asks of the array itself."""

import pytest
from array_api.support import xp

import rustorch


def test_a_tensor_knows_its_namespace():
    x = rustorch.ones(2)
    assert x.__array_namespace__() is xp
    for version in ("2021.12", "2022.12", "2023.12", "2024.12", None):
        assert x.__array_namespace__(api_version=version) is xp
    with pytest.raises(ValueError, match="expected api_version out of"):
        x.__array_namespace__(api_version="2020.12")


def test_to_device():
    x = rustorch.ones(2)
    assert x.to_device(x.device) is x
    assert x.to_device("meta").is_meta
    with pytest.raises(ValueError, match="expected no stream"):
        x.to_device("cpu", stream=1)


def test_dlpack_takes_the_standards_keywords():
    x = rustorch.ones(2)
    assert "dltensor" in repr(x.__dlpack__(stream=None, max_version=(1, 0), dl_device=(1, 0), copy=True))
    assert x.__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError):
        x.__dlpack__(dl_device=(2, 0))


def test_attributes():
    x = rustorch.ones(2, 3)
    assert (x.ndim, tuple(x.shape), x.T.shape, x.mT.shape) == (2, (2, 3), (3, 2), (3, 2))
    assert x.device in xp.__array_namespace_info__().devices() and x.dtype is xp.float32


def test_scalars_of_arrays_without_axes():
    assert float(xp.asarray(1.5)) == 1.5 and int(xp.asarray(2)) == 2 and complex(xp.asarray(1j)) == 1j
    assert bool(xp.asarray(True)) and [0, 1, 2][xp.asarray(1)] == 1


OPERATORS = {
    **{
        "+": "add",
        "-": "subtract",
        "*": "multiply",
        "/": "divide",
        "//": "floor_divide",
        "%": "remainder",
        "**": "pow",
    },
    **{"==": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"},
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_are_the_functions(operator):
    x, y = xp.asarray([3.0, 1.0]), xp.asarray([2.0, 4.0])
    function = getattr(xp, OPERATORS[operator])
    for a, b in ((x, y), (x, 2.0), (2.0, y)):
        assert xp.all(eval(f"a {operator} b") == function(a, b))


def test_indexing():
    x = xp.reshape(xp.arange(24), (2, 3, 4))
    assert x[xp.newaxis, ..., 0].shape == (1, 2, 3)
    assert x[x > 20].tolist() == [21, 22, 23]
    assert x[1, xp.asarray([2, -1]), 0].tolist() == [20, 20]
    assert x[..., 1:3].shape == (2, 3, 2)
    assert x[xp.asarray(True)].shape == (1, 2, 3, 4)
    x[x > 20] = 0
    x[0, ...] = xp.asarray(1)
    assert int(xp.max(x)) == 20
