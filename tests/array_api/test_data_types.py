"""Promotion, casts, limits and kinds of dtypes, and what the namespace says about itself."""

import itertools

import numpy as np
import pytest
from array_api.support import ALL, NUMERIC, Dtype, agree, array, dtypes_promote, strict, xp

import rustorch

KINDS = ["bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"]


def test_dtypes_promote_by_the_standards_table():
    pairs = [(a, b) for a, b in itertools.product(ALL, ALL) if dtypes_promote(a, b)]
    assert len(pairs) > 60
    for a, b in pairs:
        agree("result_type", Dtype(a), Dtype(b))
        agree("result_type", array(a, ()), array(b, (2,)))
        agree("can_cast", Dtype(a), Dtype(b))
        agree("can_cast", array(a, (1,)), Dtype(b))


def test_integers_without_a_common_dtype_are_refused():
    for signed in ("int8", "int64"):
        with pytest.raises(TypeError, match=r"got torch\.uint64 and torch"):
            xp.result_type(xp.uint64, getattr(xp, signed))
    assert not xp.can_cast(xp.uint64, xp.int64)


@pytest.mark.parametrize("dtype", ALL)
def test_numbers_give_way_to_arrays(dtype):
    for number in (True, 1, 1.0, 1j):
        try:
            strict.result_type(getattr(strict, dtype), number)
        except TypeError:
            continue
        agree("result_type", Dtype(dtype), number)
        agree("result_type", number, array(dtype, ()), 1 if dtype != "bool" else False)


def test_result_type_needs_an_array():
    with pytest.raises(ValueError, match="expected an array or dtype"):
        xp.result_type(1, 2.0)
    with pytest.raises(TypeError, match="got str"):
        xp.result_type(xp.int8, "int8")


@pytest.mark.parametrize("dtype", ALL)
def test_astype_converts(dtype):
    for other in ALL:
        if dtype.startswith("complex") <= other.startswith("complex"):
            agree("astype", abs(array(dtype, (3,))).astype(dtype), Dtype(other))
    x = xp.asarray(array(dtype, (3,)))
    assert xp.astype(x, x.dtype, copy=False) is x
    assert xp.astype(x, x.dtype).data_ptr() != x.data_ptr()
    assert xp.astype(x, xp.float64 if dtype[0] != "c" else xp.complex128, device="meta").device.type == "meta"


@pytest.mark.parametrize("dtype", ALL)
def test_kinds_of_dtypes(dtype):
    for kind in (*KINDS, ("bool", "integral"), tuple(KINDS[1:3])):
        agree("isdtype", Dtype(dtype), kind)
    assert xp.isdtype(getattr(xp, dtype), getattr(xp, dtype))
    assert xp.isdtype(rustorch.bfloat16, "real floating")
    with pytest.raises(ValueError, match="expected a kind out of bool"):
        xp.isdtype(xp.int8, "whole")


@pytest.mark.parametrize("dtype", NUMERIC)
def test_limits(dtype):
    for name in ("finfo", "iinfo"):
        if (name == "iinfo") != ("int" in dtype):
            continue
        expected = getattr(strict, name)(getattr(strict, dtype))
        for given in (getattr(xp, dtype), xp.ones(2, dtype=getattr(xp, dtype))):
            info = getattr(xp, name)(given)
            fields = ("bits", "max", "min") + (("eps", "smallest_normal") if name == "finfo" else ())
            assert [getattr(info, f) for f in fields] == [getattr(expected, f) for f in fields]
            assert isinstance(info.dtype, rustorch.dtype) and str(info.dtype).endswith(
                str(expected.dtype).split(".")[-1]
            )


def test_namespace_info():
    info = xp.__array_namespace_info__()
    assert set(info.capabilities()) == {"boolean indexing", "data-dependent shapes", "max dimensions"}
    assert info.default_device() in info.devices()
    assert info.default_dtypes() == {
        "real floating": xp.float32,
        "complex floating": xp.complex64,
        "integral": xp.int64,
        "indexing": xp.int64,
    }
    assert sorted(info.dtypes()) == sorted(ALL)
    for kind in (*KINDS, ("bool", "real floating")):
        assert sorted(info.dtypes(kind=kind)) == sorted(strict.__array_namespace_info__().dtypes(kind=kind))
    for device in info.devices():
        assert set(info.dtypes(device=device)) <= set(ALL)
        assert xp.ones(1, device=device).device == device
    with pytest.raises(ValueError, match="expected a kind out of"):
        info.dtypes(kind="whole")


def test_defaults_follow_the_default_dtype():
    rustorch.set_default_dtype(xp.float64)
    try:
        assert xp.__array_namespace_info__().default_dtypes()["complex floating"] is xp.complex128
        assert xp.asarray([1.0]).dtype is xp.float64
        assert xp.arange(1, 0, 0.5).dtype is xp.float64
        assert xp.linspace(0, 1j, 2).dtype is xp.complex128
        assert xp.result_type(xp.int8, 1.0) is xp.float64
    finally:
        rustorch.set_default_dtype(xp.float32)


def test_broadcasting():
    agree("broadcast_arrays", array("int8", (2, 1)), array("float64", (3,)), array("bool", ()))
    agree("broadcast_to", array("int8", (2, 1)), (4, 2, 3))
    assert xp.broadcast_arrays() == []
    assert np.shares_memory((x := xp.ones((1, 2))).numpy(), xp.broadcast_to(x, (3, 2)).numpy())
