//! Memory shared with other libraries: NumPy's array interface, DLPack, the buffer protocol.

use super::tensor::{PyTensor, wrap};
use crate::tensor::layout::{Shape, Strides};
use crate::tensor::{Buffer, DType, Device, Storage, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// Is it an array of NumPy's kind?
pub(super) fn is_array(obj: &Bound<'_, PyAny>) -> bool {
    obj.hasattr(pyo3::intern!(obj.py(), "__array_interface__")).unwrap_or(false)
}

fn dtype_from(typestr: &str) -> PyResult<DType> {
    let (order, kind) = typestr.split_at(1.min(typestr.len()));
    let big = if cfg!(target_endian = "little") { ">" } else { "<" };
    if order == big {
        return Err(PyValueError::new_err(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported.\n  from_numpy: expected native byte order, but got a swapped one. Use array.astype(array.dtype.newbyteorder('=')).",
        ));
    }
    Ok(match kind {
        "b1" => DType::Bool,
        "u1" => DType::U8,
        "i1" => DType::I8,
        "i2" => DType::I16,
        "i4" => DType::I32,
        "i8" => DType::I64,
        "u2" => DType::U16,
        "u4" => DType::U32,
        "u8" => DType::U64,
        "f2" => DType::F16,
        "f4" => DType::F32,
        "f8" => DType::F64,
        "c8" => DType::C64,
        "c16" => DType::C128,
        _ => return Err(PyTypeError::new_err(typestr.to_owned())),
    })
}

fn typestr(d: DType) -> Option<&'static str> {
    Some(match d {
        DType::Bool => "|b1",
        DType::U8 => "|u1",
        DType::I8 => "|i1",
        DType::I16 => "<i2",
        DType::I32 => "<i4",
        DType::I64 => "<i8",
        DType::U16 => "<u2",
        DType::U32 => "<u4",
        DType::U64 => "<u8",
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::C64 => "<c8",
        DType::C128 => "<c16",
        DType::BF16 => return None,
    })
}

fn interface<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    Ok(obj.getattr(pyo3::intern!(obj.py(), "__array_interface__"))?.cast_into::<PyDict>()?)
}

fn item<'py>(d: &Bound<'py, PyDict>, key: &str) -> PyResult<Bound<'py, PyAny>> {
    d.get_item(key)?.ok_or_else(|| PyTypeError::new_err(format!("__array_interface__ lacks '{key}'")))
}

/// An array's dtype.
pub(super) fn array_dtype(obj: &Bound<'_, PyAny>) -> PyResult<DType> {
    if !is_array(obj) {
        return Err(PyTypeError::new_err("not an array"));
    }
    let text: String = item(&interface(obj)?, "typestr")?.extract()?;
    dtype_from(&text).map_err(|e| unsupported(obj, e))
}

fn unsupported(obj: &Bound<'_, PyAny>, e: PyErr) -> PyErr {
    if !e.is_instance_of::<PyTypeError>(obj.py()) {
        return e;
    }
    let name = obj
        .getattr("dtype")
        .and_then(|d| d.getattr("type"))
        .and_then(|t| t.getattr("__name__"))
        .map(|n| n.to_string())
        .unwrap_or_default();
    PyTypeError::new_err(format!(
        "can't convert np.ndarray of type numpy.{name}. The only supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
    ))
}

/// A tensor over an array's memory, if the object is one.
pub(super) fn from_any_array(obj: &Bound<'_, PyAny>) -> PyResult<Option<Tensor>> {
    if obj.cast::<PyTensor>().is_ok() || !is_array(obj) {
        return Ok(None);
    }
    from_array(obj).map(Some)
}

fn from_array(obj: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    let d = interface(obj)?;
    let text: String = item(&d, "typestr")?.extract()?;
    let dtype = dtype_from(&text).map_err(|e| unsupported(obj, e))?;
    let shape: Shape = item(&d, "shape")?.extract::<Vec<usize>>()?.into();
    let (ptr, read_only): (usize, bool) = item(&d, "data")?.extract()?;
    let size = dtype.size() as isize;
    let strides: Strides = match d.get_item("strides")?.filter(|s| !s.is_none()) {
        None => crate::tensor::layout::contiguous_strides(&shape),
        Some(s) => {
            let bytes: Vec<isize> = s.extract()?;
            if shape.iter().zip(&bytes).any(|(&n, &b)| b < 0 && n > 1) {
                return Err(PyValueError::new_err(
                    "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. (You can probably work around this by making a copy of your array  with array.copy().)",
                ));
            }
            if bytes.iter().any(|b| b % size != 0) {
                return Err(PyValueError::new_err(
                    "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.",
                ));
            }
            bytes.iter().map(|b| (b / size).max(0)).collect()
        }
    };
    if read_only {
        warn_read_only(obj.py())?;
    }
    let span = if shape.contains(&0) {
        0
    } else {
        1 + shape.iter().zip(&strides).map(|(&n, &s)| (n - 1) * s as usize).sum::<usize>()
    };
    let owner: Box<dyn std::any::Any + Send + Sync> = Box::new(obj.clone().unbind());
    // SAFETY: the array interface promises memory of this extent for as long as its object lives.
    let storage =
        unsafe { Storage::new(Buffer::foreign(ptr as *mut u8, span * dtype.size(), owner), Device::Cpu, false) };
    // SAFETY: the span covers the geometry.
    Ok(unsafe { Tensor::from_parts(storage, 0, shape, strides, dtype) })
}

fn warn_read_only(py: Python<'_>) -> PyResult<()> {
    static ONCE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    if ONCE.swap(true, std::sync::atomic::Ordering::Relaxed) {
        return Ok(());
    }
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), c"The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to this tensor will result in undefined behavior. You may want to copy the array to protect its data or make it writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program.", 1)
}

/// A tensor that shares a NumPy array's memory.
#[pyfunction]
fn from_numpy(py: Python<'_>, ndarray: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let numpy = py.import("numpy")?;
    if !ndarray.is_instance(&numpy.getattr("ndarray")?)? {
        return Err(PyTypeError::new_err(format!("expected np.ndarray (got {})", super::args::type_name(ndarray))));
    }
    wrap(py, from_array(ndarray)?)
}

/// A tensor's memory as NumPy sees it: `numpy.asarray(_Memory(t))` shares it and keeps it alive.
#[pyclass(name = "_Memory", module = "rustorch._C", frozen)]
struct Memory(Tensor);

#[pymethods]
impl Memory {
    #[new]
    fn new(t: &Bound<'_, PyTensor>) -> PyResult<Self> {
        let t = t.get().tensor();
        if t.is_meta() {
            return Err(PyTypeError::new_err(
                "can't convert meta device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.",
            ));
        }
        if typestr(t.dtype()).is_none() {
            return Err(PyTypeError::new_err(format!("Got unsupported ScalarType {}", t.dtype().scalar_name())));
        }
        Ok(Memory(t))
    }

    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let t = &self.0;
        let Some(text) = typestr(t.dtype()) else { return Err(PyRuntimeError::new_err("no NumPy dtype")) };
        let d = PyDict::new(py);
        d.set_item("version", 3)?;
        d.set_item("typestr", text)?;
        d.set_item("shape", PyTuple::new(py, t.shape())?)?;
        let size = t.dtype().size() as isize;
        d.set_item("strides", PyTuple::new(py, t.strides().iter().map(|s| s * size))?)?;
        // An empty tensor may have no memory; NumPy wants an address all the same.
        let ptr =
            if t.numel() == 0 { std::ptr::NonNull::<u128>::dangling().as_ptr() as usize } else { t.ptr() as usize };
        d.set_item("data", (ptr, false))?;
        Ok(d)
    }
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Memory>()?;
    m.add_function(wrap_pyfunction!(from_numpy, m)?)?;
    Ok(())
}
