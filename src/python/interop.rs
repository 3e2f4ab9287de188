//! Memory shared with other libraries: NumPy's array interface, DLPack, the buffer protocol.

use super::tensor::{PyTensor, wrap};
use crate::tensor::layout::{Shape, Strides};
use crate::tensor::{Buffer, DType, Device, Storage, Tensor};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMemoryView, PyTuple};

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

/// A tensor over an array's memory, if the object is one. `shared`: somebody may write to it.
pub(super) fn from_any_array(obj: &Bound<'_, PyAny>, shared: bool) -> PyResult<Option<Tensor>> {
    if obj.cast::<PyTensor>().is_ok() || !is_array(obj) {
        return Ok(None);
    }
    from_array(obj, shared).map(Some)
}

fn from_array(obj: &Bound<'_, PyAny>, shared: bool) -> PyResult<Tensor> {
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
    if read_only && shared {
        read_only_warning(obj.py())?;
    }
    let Some(nbytes) = span_bytes(&shape, &strides, dtype) else {
        return Err(PyValueError::new_err("from_numpy: expected an array inside memory, but got a larger one."));
    };
    let ptr = ptr as *mut u8;
    if nbytes > 0 && !(ptr as usize).is_multiple_of(dtype.size().min(8)) {
        return Err(PyValueError::new_err(format!(
            "from_numpy: expected memory aligned to {} bytes, but got address {:#x}. Use array.copy().",
            dtype.size().min(8),
            ptr as usize
        )));
    }
    let owner: Box<dyn std::any::Any + Send + Sync> = Box::new(obj.clone().unbind());
    // SAFETY: the array interface promises memory of this extent for as long as its object lives.
    let storage = unsafe { Storage::new(Buffer::foreign(ptr, nbytes, owner), Device::Cpu, false) };
    // SAFETY: the span covers the geometry.
    Ok(unsafe { Tensor::from_parts(storage, 0, shape, strides, dtype) })
}

/// Bytes from the first to the last element; None if no memory can hold them.
pub(super) fn span_bytes(shape: &[usize], strides: &[isize], dtype: DType) -> Option<usize> {
    // Strides of 0 can claim any number of elements.
    if crate::tensor::layout::numel(shape)? == 0 {
        return Some(0);
    }
    let last = shape
        .iter()
        .zip(strides)
        .try_fold(0usize, |sum, (&n, &s)| sum.checked_add((n - 1).checked_mul(s as usize)?))?;
    last.checked_add(1)?.checked_mul(dtype.size()).filter(|&n| n <= isize::MAX as usize)
}

/// Says once that writing to the tensor writes to memory that its owner wants unchanged.
pub(super) fn read_only_warning(py: Python<'_>) -> PyResult<()> {
    static ONCE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    super::errors::warn_once(
        py,
        &ONCE,
        "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to this tensor will result in undefined behavior. You may want to copy the array to protect its data or make it writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program.",
    )
}

/// A tensor that shares a NumPy array's memory.
#[pyfunction]
fn from_numpy(py: Python<'_>, ndarray: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let numpy = py.import("numpy")?;
    if !ndarray.is_instance(&numpy.getattr("ndarray")?)? {
        return Err(PyTypeError::new_err(format!("expected np.ndarray (got {})", super::args::type_name(ndarray))));
    }
    wrap(py, from_array(ndarray, true)?)
}

/// A tensor of one dim over the bytes of an object with the buffer protocol, such as a bytearray.
///
/// Args: dtype; count (-1: as many as there are) elements; offset (0) bytes to leave out.
#[pyfunction]
#[pyo3(signature = (buffer, *, dtype, count=-1, offset=0, requires_grad=false))]
fn frombuffer(
    buffer: &Bound<'_, PyAny>,
    dtype: &Bound<'_, PyAny>,
    count: i64,
    offset: i64,
    requires_grad: bool,
) -> PyResult<Py<PyAny>> {
    let py = buffer.py();
    let d = super::data::dtype_arg("frombuffer", Some(dtype))?
        .ok_or_else(|| PyTypeError::new_err("frombuffer(): argument 'dtype' must be torch.dtype, not NoneType"))?;
    let wrong = |text: String| Err(PyValueError::new_err(text));
    let Ok(view) = PyMemoryView::from(buffer) else {
        return wrong("object does not implement Python buffer protocol.\n  frombuffer: expected an object with the buffer protocol, but got none. Use torch.tensor().".into());
    };
    let (len, size): (i64, i64) = (view.getattr("nbytes")?.extract()?, d.size() as i64);
    if len == 0 || count == 0 {
        return wrong(format!("both buffer length ({len}) and count ({count}) must not be 0"));
    }
    if offset < 0 || offset >= len {
        return wrong(format!(
            "offset ({offset} bytes) must be non-negative and no greater than buffer length ({len} bytes) minus 1"
        ));
    }
    let left = len - offset;
    if count < 0 && left % size != 0 {
        return wrong(format!(
            "buffer length ({left} bytes) after offset ({offset} bytes) must be a multiple of element size ({size})"
        ));
    }
    let n = if count < 0 { left / size } else { count };
    if n.checked_mul(size).is_none_or(|b| b > left) {
        return wrong(format!(
            "requested buffer length ({n} * {size} bytes) after offset ({offset} bytes) must not be greater than actual buffer length ({len} bytes)"
        ));
    }
    let Ok(bytes) = view.call_method1("cast", ("B",)).and_then(|v| PyBuffer::<u8>::get(&v)) else {
        return Err(PyRuntimeError::new_err(
            "could not retrieve buffer from object\n  frombuffer: expected contiguous memory, but got a buffer with gaps. Copy it with bytes().",
        ));
    };
    let ptr = bytes.buf_ptr().cast::<u8>().wrapping_add(offset as usize);
    if !(ptr as usize).is_multiple_of(d.size().min(8)) {
        return wrong(format!(
            "frombuffer: expected an offset at which {} is aligned, but got {offset}. Copy the bytes first.",
            d.name()
        ));
    }
    if bytes.readonly() {
        read_only_buffer(py)?;
    }
    // SAFETY: the exported buffer stays where it is until it is released, which dropping `bytes` does.
    let storage =
        unsafe { Storage::new(Buffer::foreign(ptr, (n * size) as usize, Box::new(bytes)), Device::Cpu, false) };
    let (shape, strides) = (smallvec::smallvec![n as usize], smallvec::smallvec![1]);
    // SAFETY: `n` elements fit, as was checked.
    let t = unsafe { Tensor::from_parts(storage, 0, shape, strides, d) };
    if requires_grad {
        super::gradient::set_requires_grad(&t, true, super::gradient::DIFFERENTIABLE)?;
    }
    wrap(py, t)
}

fn read_only_buffer(py: Python<'_>) -> PyResult<()> {
    static ONCE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    super::errors::warn_once(
        py,
        &ONCE,
        "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can write to the underlying (supposedly non-writable) buffer using the tensor. You may want to copy the buffer to protect its data or make it writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program.",
    )
}

/// A tensor's memory as NumPy sees it: `numpy.asarray(_Memory(t))` shares it and keeps it alive.
#[pyclass(name = "_Memory", module = "rustorch._C", frozen)]
struct Memory(Tensor);

#[pymethods]
impl Memory {
    #[new]
    fn new(t: &Bound<'_, PyTensor>) -> PyResult<Self> {
        let t = t.get().tensor();
        if t.is_gpu() {
            return Err(PyTypeError::new_err(format!(
                "can't convert {} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.",
                t.device()
            )));
        }
        if t.is_meta() {
            return Err(PyTypeError::new_err(
                "can't convert meta device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.",
            ));
        }
        if t.is_lazy() {
            let (bit, name) = if t.is_conj() { ("conjugate", "conj") } else { ("negative", "neg") };
            return Err(PyRuntimeError::new_err(format!(
                "Can't call numpy() on Tensor that has {bit} bit set. Use tensor.resolve_{name}().numpy() instead."
            )));
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
        t.storage().expose();
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
    m.add_function(wrap_pyfunction!(frombuffer, m)?)?;
    Ok(())
}
