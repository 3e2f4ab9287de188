//! Python objects to Rust values and back.

use super::tensor::{PyTensor, wrap};
use super::types::{CLASSES, PyDType, PyDevice, PyMemoryFormat, dtype_object, tuple_of};
use crate::error::{Error, Kind};
use crate::schema::{Ret, Schema, Ty};
use crate::tensor::{DType, Device, Scalar, Tensor};
use pyo3::exceptions::{PyAttributeError, PyOverflowError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt, PyList, PyString, PyTuple};

/// The tensor inside a Python object, if it is one.
#[inline]
pub(super) fn tensor_of(obj: &Bound<'_, PyAny>) -> Option<Tensor> {
    obj.cast::<PyTensor>().ok().map(|t| t.get().tensor())
}

/// A Python number, NumPy scalar or 0-d tensor as a scalar.
///
/// What an object's own methods raise is raised, unless it says that the object is no number.
pub(super) fn scalar_of(obj: &Bound<'_, PyAny>) -> PyResult<Option<Scalar>> {
    // SAFETY: type checks and reads of exact types on a live object.
    unsafe {
        let p = obj.as_ptr();
        if ffi::PyFloat_Check(p) != 0 {
            return Ok(Some(Scalar::Float(ffi::PyFloat_AS_DOUBLE(p))));
        }
        if ffi::PyBool_Check(p) != 0 {
            return Ok(Some(Scalar::Bool(p == ffi::Py_True())));
        }
    }
    if obj.is_instance_of::<PyInt>() {
        return Ok(match obj.extract::<i64>() {
            Ok(i) => Some(Scalar::Int(i)),
            Err(_) => obj.extract::<u64>().ok().map(Scalar::Wide),
        });
    }
    if let Ok(z) = obj.cast::<PyComplex>() {
        return Ok(Some(Scalar::Complex(z.real(), z.imag())));
    }
    slow_scalar(obj)
}

/// What an object's protocol gave, or None where it answers that it does not go.
fn asked<T>(py: Python<'_>, r: PyResult<T>) -> PyResult<Option<T>> {
    match r {
        Ok(v) => Ok(Some(v)),
        Err(e)
            if e.is_instance_of::<PyTypeError>(py)
                || e.is_instance_of::<PyValueError>(py)
                || e.is_instance_of::<PyAttributeError>(py)
                || e.is_instance_of::<PyOverflowError>(py) =>
        {
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// `operator.index(obj)`: an int, whatever the object's own method returns.
pub(super) fn index_of<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a live object; what comes back is an owned int, or null beside an exception.
    unsafe { Bound::from_owned_ptr_or_err(obj.py(), ffi::PyNumber_Index(obj.as_ptr())) }
}

#[cold]
fn slow_scalar(obj: &Bound<'_, PyAny>) -> PyResult<Option<Scalar>> {
    let py = obj.py();
    if let Some(t) = tensor_of(obj) {
        return Ok(if t.numel() == 1 && t.ndim() == 0 && !t.requires_grad() { t.item().ok() } else { None });
    }
    if obj.is_instance_of::<PyString>()
        || obj.is_none()
        || obj.cast::<PyList>().is_ok()
        || obj.cast::<PyTuple>().is_ok()
    {
        return Ok(None);
    }
    // NumPy scalars and others that know how to become a number; arrays with dims do not count.
    if asked(py, obj.getattr("ndim"))?.and_then(|n| n.extract::<usize>().ok()).is_some_and(|n| n > 0) {
        return Ok(None);
    }
    let Some(dtype) = asked(py, obj.getattr("dtype"))? else { return Ok(None) };
    // An array of one number is no number to torch: NumPy computes with it, in its dtype.
    if super::args::type_name(obj) == "numpy.ndarray" {
        return Ok(None);
    }
    let kind = asked(py, dtype.getattr("kind"))?.and_then(|k| k.extract::<String>().ok());
    match kind.as_deref() {
        Some("b") => return Ok(asked(py, obj.is_truthy())?.map(Scalar::Bool)),
        Some("c") => {
            let z = asked(py, py.get_type::<PyComplex>().call1((obj,)))?;
            return Ok(z.and_then(|z| z.cast::<PyComplex>().ok().map(|z| Scalar::Complex(z.real(), z.imag()))));
        }
        _ => {}
    }
    if let Some(i) = asked(py, index_of(obj))? {
        return scalar_of(&i);
    }
    let f = asked(py, obj.call_method0("__float__"))?;
    Ok(f.and_then(|f| f.extract::<f64>().ok()).map(Scalar::Float))
}

/// Python's numbers, NumPy's and tensors; other objects that could become a number do not count, as in torch.
#[inline]
pub(super) fn is_number(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a type check on a live object.
    let plain = unsafe { ffi::PyLong_Check(obj.as_ptr()) != 0 || ffi::PyFloat_Check(obj.as_ptr()) != 0 };
    plain || obj.cast::<PyTensor>().is_ok() || obj.hasattr("dtype").unwrap_or(false)
}

/// Is `obj` a Python int that its place cannot hold? Then the error that says so, in torch's words.
#[cold]
pub(super) fn overflow(obj: &Bound<'_, PyAny>, ty: Ty) -> Option<Error> {
    if !obj.is_instance_of::<PyInt>() || obj.is_instance_of::<PyBool>() {
        return None;
    }
    let got = || match obj.str() {
        Ok(s) if s.to_string().len() <= 40 => s.to_string(),
        _ => "one with many more digits".to_owned(),
    };
    let (kind, sentence, range) = match ty {
        Ty::Int | Ty::IntList(1..) if obj.extract::<i64>().is_err() => {
            (Kind::Value, "Overflow when unpacking long long", "-2^63 to 2^63 - 1")
        }
        Ty::Float => (Kind::Overflow, "int too large to convert to float", "-1.8e308 to 1.8e308"),
        Ty::Scalar | Ty::Operand if obj.lt(0).unwrap_or(false) => {
            (Kind::Overflow, "can't convert negative int to unsigned", "-2^63 to 2^64 - 1")
        }
        Ty::Scalar | Ty::Operand => (Kind::Overflow, "int too big to convert", "-2^63 to 2^64 - 1"),
        _ => return None,
    };
    Some(crate::error::three_parts(
        kind,
        Some(sentence.to_owned()),
        format!("expected a number from {range}"),
        got(),
        "Use a smaller number, or a float.".to_owned(),
    ))
}

/// An int, not a bool; also NumPy integers and integer tensors of one element.
pub(super) fn int_of(obj: &Bound<'_, PyAny>) -> Option<i64> {
    // SAFETY: a type check on a live object.
    unsafe {
        if ffi::PyLong_CheckExact(obj.as_ptr()) != 0 {
            return obj.extract().ok();
        }
        if ffi::PyBool_Check(obj.as_ptr()) != 0 || ffi::PyFloat_Check(obj.as_ptr()) != 0 {
            return None;
        }
    }
    if let Some(t) = tensor_of(obj) {
        return if t.numel() == 1 && t.dtype().is_integral(false) && !t.is_meta() {
            t.item().ok().map(Scalar::i64)
        } else {
            None
        };
    }
    obj.extract().ok()
}

/// A dtype, also spelled as a Python type.
pub(super) fn dtype_of(obj: &Bound<'_, PyAny>) -> Option<DType> {
    if let Ok(d) = obj.cast::<PyDType>() {
        return Some(d.get().0);
    }
    let py = obj.py();
    if obj.is(py.get_type::<PyFloat>()) {
        Some(DType::F64)
    } else if obj.is(py.get_type::<PyBool>()) {
        Some(DType::Bool)
    } else if obj.is(py.get_type::<PyInt>()) {
        Some(DType::I64)
    } else if obj.is(py.get_type::<PyComplex>()) {
        Some(DType::C128)
    } else {
        None
    }
}

/// A device or its name. The inner error is for names that mean none.
pub(super) fn device_of(obj: &Bound<'_, PyAny>) -> Option<crate::error::Result<Device>> {
    if let Ok(d) = obj.cast::<PyDevice>() {
        return Some(d.get().device());
    }
    if let Ok(text) = obj.cast::<PyString>() {
        return Some(match text.to_str() {
            Ok(text) => Device::parse(text),
            Err(_) => not_a_device("error unpacking string as utf-8", "a string that is no text"),
        });
    }
    if obj.is_instance_of::<PyBool>() || !obj.is_instance_of::<PyInt>() {
        return None;
    }
    Some(match obj.extract::<i64>() {
        Ok(i) if i >= 0 => not_a_device("Cannot access accelerator device when none is available.", &i.to_string()),
        Ok(i) => not_a_device("Device index must not be negative", &i.to_string()),
        Err(_) => overflow(obj, Ty::Int).map_or_else(|| not_a_device("Invalid device", "a number"), Err),
    })
}

#[cold]
fn not_a_device(sentence: &str, got: &str) -> crate::error::Result<Device> {
    crate::fail!(Runtime, torch: ("{sentence}"), expected: ("device: expected one of cpu, meta"), got: ("{got}"), fix: ("Use device='cpu'."))
}

/// A memory format.
pub(super) fn format_of(obj: &Bound<'_, PyAny>) -> Option<crate::tensor::MemoryFormat> {
    obj.cast::<PyMemoryFormat>().ok().map(|f| f.get().0)
}

/// A scalar as a Python number.
pub(super) fn scalar_object(py: Python<'_>, s: Scalar, dtype: DType) -> PyResult<Py<PyAny>> {
    Ok(match s {
        Scalar::Bool(b) => b.into_pyobject(py)?.to_owned().into_any().unbind(),
        Scalar::Int(i) if dtype == DType::U64 => (i as u64).into_pyobject(py)?.into_any().unbind(),
        Scalar::Int(i) => i.into_pyobject(py)?.into_any().unbind(),
        Scalar::Wide(u) => u.into_pyobject(py)?.into_any().unbind(),
        Scalar::Float(f) => f.into_pyobject(py)?.into_any().unbind(),
        Scalar::Complex(r, i) => PyComplex::from_doubles(py, r, i).into_any().unbind(),
    })
}

/// What an operation returned, as a Python object.
pub(super) fn ret_object(py: Python<'_>, ret: Ret, schema: &Schema) -> PyResult<Py<PyAny>> {
    Ok(match ret {
        Ret::Tensor(t) => wrap(py, t)?,
        Ret::Tuple(ts) if !schema.return_names.is_empty() => named_tuple(py, schema, ts)?,
        Ret::Tuple(ts) | Ret::List(ts) => {
            let items = ts.into_iter().map(|t| wrap(py, t)).collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any().unbind()
        }
        Ret::Bool(b) => b.into_pyobject(py)?.to_owned().into_any().unbind(),
        Ret::Int(i) => i.into_pyobject(py)?.into_any().unbind(),
        Ret::Float(f) => f.into_pyobject(py)?.into_any().unbind(),
        Ret::Scalar(s) => scalar_object(py, s, s.dtype())?,
        Ret::DType(d) => dtype_object(py, d).into_any(),
        Ret::Ints(v) => PyTuple::new(py, v)?.into_any().unbind(),
        Ret::None => py.None(),
    })
}

/// What a call with `out=` returns: the tensors given, under the names of the results.
pub(super) fn out_object(out: Bound<'_, PyAny>, schema: &Schema) -> PyResult<Py<PyAny>> {
    if out.is_instance_of::<PyTensor>() || schema.return_names.is_empty() {
        return Ok(out.unbind());
    }
    let cls = named_class(out.py(), &format!("{}_out", schema.name), schema)?;
    let items = out.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    Ok(tuple_of(out.py(), cls.cast()?, items.into_iter())?.unbind())
}

fn named_class<'py>(py: Python<'py>, name: &str, schema: &Schema) -> PyResult<Bound<'py, PyAny>> {
    let Some(classes) = CLASSES.get(py) else {
        return Err(PyRuntimeError::new_err("rustorch._C was imported without the package."));
    };
    // The factory caches by name, so that a result's class is one object.
    classes.return_type.bind(py).call1((name, schema.return_names.clone()))
}

fn named_tuple(py: Python<'_>, schema: &Schema, ts: Vec<Tensor>) -> PyResult<Py<PyAny>> {
    let cls = named_class(py, schema.name, schema)?;
    let items = ts.into_iter().map(|t| Ok(wrap(py, t)?.into_bound(py))).collect::<PyResult<Vec<_>>>()?;
    Ok(tuple_of(py, cls.cast()?, items.into_iter())?.unbind())
}

/// A list of ints from a list, tuple, `torch.Size`, range or anything iterable of ints.
pub(super) fn ints_of(obj: &Bound<'_, PyAny>) -> Option<smallvec::SmallVec<[i64; 6]>> {
    if let Ok(t) = obj.cast::<PyTuple>() {
        return t.iter().map(|i| int_of(&i)).collect();
    }
    if let Ok(l) = obj.cast::<PyList>() {
        return l.iter().map(|i| int_of(&i)).collect();
    }
    None
}

/// The error for an argument of the wrong type, in torch's words.
pub(super) fn wrong_type(function: &str, argument: &str, expected: &str, got: &Bound<'_, PyAny>) -> PyErr {
    let name = super::args::type_name(got);
    PyTypeError::new_err(format!("{function}(): argument '{argument}' must be {expected}, not {name}"))
}
