//! Tensors as Python's numbers and lists: `item`, `tolist`, `len`, `bool`, `int`, `float`, `complex`.

use super::convert::scalar_object;
use super::slots::overridden;
use super::tensor::PyTensor;
use crate::tensor::{DType, Scalar, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;

#[pymethods]
impl PyTensor {
    fn __len__(slf: &Bound<'_, Self>) -> PyResult<usize> {
        if let Some(r) = overridden(slf.as_any(), None, "__len__")? {
            return r.extract(slf.py());
        }
        let t = slf.get().tensor();
        t.shape().first().copied().ok_or_else(|| PyTypeError::new_err("len() of a 0-d tensor"))
    }
    fn __bool__(slf: &Bound<'_, Self>) -> PyResult<bool> {
        if let Some(r) = overridden(slf.as_any(), None, "__bool__")? {
            return r.is_truthy(slf.py());
        }
        let t = slf.get().tensor();
        match t.numel() {
            1 => Ok(t.item_bool()?),
            0 => Err(PyRuntimeError::new_err("Boolean value of Tensor with no values is ambiguous")),
            _ => Err(PyRuntimeError::new_err("Boolean value of Tensor with more than one value is ambiguous")),
        }
    }
    fn item(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let t = self.tensor();
        scalar_object(py, t.item()?, t.dtype())
    }
    fn __float__(slf: &Bound<'_, Self>) -> PyResult<f64> {
        if let Some(r) = overridden(slf.as_any(), None, "__float__")? {
            return r.extract(slf.py());
        }
        match convertible(&slf.get().tensor())? {
            Scalar::Complex(r, i) if i != 0.0 => {
                let _ = r;
                Err(PyRuntimeError::new_err("value cannot be converted to type double without overflow"))
            }
            Scalar::Int(i) if slf.get().tensor().dtype() == DType::U64 => Ok(i as u64 as f64),
            s => Ok(s.f64()),
        }
    }
    fn __int__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let Some(r) = overridden(slf.as_any(), None, "__int__")? {
            return Ok(r.into_bound(py));
        }
        let t = slf.get().tensor();
        match convertible(&t)? {
            Scalar::Float(f) => py.get_type::<pyo3::types::PyInt>().call1((f,)),
            Scalar::Complex(_, i) if i != 0.0 => {
                Err(PyRuntimeError::new_err("value cannot be converted to type int64_t without overflow"))
            }
            s => Ok(scalar_object(py, Scalar::Int(s.i64()), t.dtype())?.into_bound(py)),
        }
    }
    fn __index__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        if let Some(r) = overridden(slf.as_any(), None, "__index__")? {
            return Ok(r);
        }
        let (py, t) = (slf.py(), slf.get().tensor());
        if !t.dtype().is_integral(true) || t.numel() != 1 {
            return Err(PyTypeError::new_err("only integer tensors of a single element can be converted to an index"));
        }
        scalar_object(py, Scalar::Int(t.item()?.i64()), t.dtype())
    }
    fn __complex__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let Some(r) = overridden(slf.as_any(), None, "__complex__")? {
            return Ok(r.into_bound(py));
        }
        let s = convertible(&slf.get().tensor())?;
        Ok(pyo3::types::PyComplex::from_doubles(py, s.f64(), s.imag()).into_any())
    }
    fn tolist(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let t = self.tensor();
        if t.is_meta() {
            return Err(pyo3::exceptions::PyNotImplementedError::new_err("Cannot copy out of meta tensor; no data!"));
        }
        let t =
            if t.is_gpu() { crate::ops::copy::to_cpu(&t.detach())? } else { crate::ops::lazy::resolve(&t.detach())? };
        nested_list(py, &t, 0, 0)
    }
}

fn convertible(t: &Tensor) -> PyResult<Scalar> {
    if t.numel() != 1 {
        return Err(PyValueError::new_err(format!(
            "only one element tensors can be converted to Python scalars\n  expected 1 element, but got {}. Use tolist().",
            t.numel()
        )));
    }
    Ok(t.item()?)
}

fn nested_list(py: Python<'_>, t: &Tensor, dim: usize, at: isize) -> PyResult<Py<PyAny>> {
    let size = t.dtype().size() as isize;
    if dim == t.ndim() {
        // SAFETY: `at` is the sum of index times stride over valid indices.
        let s = unsafe { Scalar::read(t.ptr().offset(at * size), t.dtype()) };
        return scalar_object(py, s, t.dtype());
    }
    let n = t.shape()[dim];
    let mut items = Vec::new();
    // Twice: for these, and for the list of them.
    if n > isize::MAX as usize / 16 || items.try_reserve_exact(2 * n).is_err() {
        return Err(pyo3::exceptions::PyMemoryError::new_err(()));
    }
    for i in 0..n {
        items.push(nested_list(py, t, dim + 1, at + i as isize * t.strides()[dim])?);
    }
    Ok(PyList::new(py, items)?.into_any().unbind())
}
