//! Memory shared with other libraries: NumPy, the buffer protocol, DLPack.

use crate::tensor::{DType, Tensor};
use pyo3::prelude::*;

/// Is it an array that knows its own dtype?
pub(super) fn is_array(obj: &Bound<'_, PyAny>) -> bool {
    obj.hasattr("__array_interface__").unwrap_or(false)
}

/// An array's dtype.
pub(super) fn array_dtype(obj: &Bound<'_, PyAny>) -> PyResult<DType> {
    let _ = obj;
    Err(pyo3::exceptions::PyTypeError::new_err("no dtype"))
}

/// A tensor over an array's memory, if the object is one.
pub(super) fn from_any_array(_obj: &Bound<'_, PyAny>) -> PyResult<Option<Tensor>> {
    Ok(None)
}

pub(super) fn register(_m: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
