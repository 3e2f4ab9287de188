//! `UntypedStorage`: a tensor's memory as bytes, and tensors over a given storage.

use super::convert::int_of;
use super::identity::object_in;
use super::tensor::{PyTensor, wrap};
use super::types::{PyDType, PyDevice};
use crate::dispatch;
use crate::tensor::layout::Shape;
use crate::tensor::{Buffer, Device, Storage, Tensor};
use pyo3::exceptions::{PyIndexError, PyNotImplementedError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PySlice, PyTuple};
use std::sync::atomic::Ordering;

/// Memory that tensors share, as bytes. `tensor.untyped_storage()` gives the same object as long as it is alive.
#[pyclass(name = "UntypedStorage", module = "rustorch", frozen, weakref, subclass)]
pub(super) struct PyStorage(Storage);

impl PyStorage {
    /// The bytes. The pointer is null for an empty or meta storage.
    fn bytes(&self) -> PyResult<(*mut u8, usize)> {
        if self.0.device() == Device::Meta {
            return Err(PyNotImplementedError::new_err("Not available for 'meta' device"));
        }
        if self.0.device() == Device::Gpu {
            return Err(PyNotImplementedError::new_err(
                "storage: expected memory of the CPU, but got that of gpu:0. Move the tensor with .cpu() first.",
            ));
        }
        Ok((self.0.ptr(), self.0.nbytes()))
    }

    fn place(&self, index: &Bound<'_, PyAny>) -> PyResult<usize> {
        let n = self.0.nbytes();
        let Some(i) = int_of(index) else {
            if let Some(e) = super::convert::overflow(index, crate::schema::Ty::Int) {
                return Err(e.into());
            }
            return Err(PyTypeError::new_err(format!(
                "can't index a torch.UntypedStorage with {}",
                super::args::type_name(index)
            )));
        };
        let at = if i < 0 { i + n as i64 } else { i };
        if at < 0 || at >= n as i64 {
            return Err(PyIndexError::new_err(format!("index {i} out of range for storage of size {n}")));
        }
        Ok(at as usize)
    }
}

/// What torch raises where `place` fails on the way to a write.
#[cold]
fn not_settable(index: &Bound<'_, PyAny>, e: &PyErr) -> PyErr {
    match e.is_instance_of::<PyIndexError>(index.py()) {
        true => PyRuntimeError::new_err(format!(
            "out of bounds\n  expected an index inside the storage, but got {}",
            e.value(index.py())
        )),
        false => PyRuntimeError::new_err(e.value(index.py()).to_string()),
    }
}

impl Drop for PyStorage {
    fn drop(&mut self) {
        self.0.pyobj().store(std::ptr::null_mut(), Ordering::Release);
    }
}

/// The Python object of a storage: the one that wraps it already, or a fresh one.
pub(super) fn wrap_storage(py: Python<'_>, s: &Storage) -> PyResult<Py<PyAny>> {
    if let Some(existing) = object_in(py, s.pyobj()) {
        return Ok(existing.unbind());
    }
    let obj = Py::new(py, PyStorage(s.clone()))?;
    s.pyobj().store(obj.as_ptr().cast(), Ordering::Release);
    Ok(obj.into_any())
}

fn fresh(nbytes: usize, device: Device) -> PyResult<Storage> {
    Ok(dispatch::storage(nbytes, device, false)?)
}

fn from_bytes(bytes: &[u8]) -> PyResult<Storage> {
    let s = fresh(bytes.len(), Device::Cpu)?;
    if !bytes.is_empty() {
        // SAFETY: a fresh block of as many bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), s.ptr(), bytes.len()) };
    }
    Ok(s)
}

/// A part of a storage as a storage of its own that shares the memory.
fn window(s: &Storage, start: usize, len: usize) -> Storage {
    s.expose();
    // SAFETY: the window lies inside the parent, which the buffer keeps alive; a resized parent keeps its old block.
    let buffer = unsafe { Buffer::foreign(s.ptr().wrapping_add(start), len, Box::new(s.clone())) };
    Storage::new(buffer, s.device(), false)
}

/// Moves memory to where processes forked later share it.
pub(super) fn share(s: &Storage) -> PyResult<()> {
    if s.device() != Device::Cpu {
        return Err(PyRuntimeError::new_err(format!(
            "_share_fd_: only available on CPU\n  share_memory_: expected memory of the CPU, but got a storage on {}. Make it on the CPU.",
            s.device()
        )));
    }
    Ok(dispatch::share(s)?)
}

#[pymethods]
impl PyStorage {
    #[new]
    #[pyo3(signature = (*args, device=None))]
    fn new(args: &Bound<'_, PyTuple>, device: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let device = device.filter(|d| !d.is_none()).map(super::data::device_arg).transpose()?.unwrap_or(Device::Cpu);
        if args.is_empty() {
            return Ok(PyStorage(fresh(0, device)?));
        }
        let first = args.get_item(0)?;
        if args.len() > 1 {
            return Err(PyTypeError::new_err(format!(
                "torch.UntypedStorage(): expected one argument, but got {}. Give a number of bytes or a sequence of them.",
                args.len()
            )));
        }
        if let Some(n) = int_of(&first) {
            let n = usize::try_from(n)
                .map_err(|_| PyRuntimeError::new_err(format!("Storage size must be non-negative, but got {n}")))?;
            return Ok(PyStorage(fresh(n, device)?));
        }
        let bytes: Vec<u8> = first
            .try_iter()
            .map_err(|_| {
                PyRuntimeError::new_err(format!(
                    "torch.UntypedStorage(): Expected a sequence type, but got {}",
                    super::args::type_name(&first)
                ))
            })?
            .map(|b| {
                let b = b?;
                int_of(&b).map(|b| b as u8).ok_or_else(|| {
                    PyRuntimeError::new_err(format!(
                        "torch.UntypedStorage(): tried to construct a storage from a sequence ({}), but one of the items was of type {} instead of int",
                        super::args::type_name(&first),
                        super::args::type_name(&b)
                    ))
                })
            })
            .collect::<PyResult<_>>()?;
        Ok(PyStorage(from_bytes(&bytes)?))
    }
    fn data_ptr(&self) -> usize {
        if self.0.device() == Device::Gpu {
            return self.0.id();
        }
        self.0.expose();
        self.0.ptr() as usize
    }
    fn nbytes(&self) -> usize {
        self.0.nbytes()
    }
    fn size(&self) -> usize {
        self.0.nbytes()
    }
    fn element_size(&self) -> usize {
        1
    }
    fn resizable(&self) -> bool {
        self.0.resizable()
    }
    #[getter]
    fn device(&self) -> PyDevice {
        PyDevice::of(self.0.device())
    }
    #[getter]
    fn is_cuda(&self) -> bool {
        self.0.device() == Device::Gpu && crate::tensor::device::cuda_is_gpu()
    }
    #[getter]
    fn is_sparse(&self) -> bool {
        false
    }
    #[getter]
    fn _cdata(&self) -> usize {
        self.0.id()
    }
    fn _use_count(&self) -> usize {
        self.0.use_count() - 1
    }
    fn __len__(&self) -> usize {
        self.0.nbytes()
    }
    fn resize_<'py>(slf: Bound<'py, Self>, size: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let s = &slf.get().0;
        let Some(size) = int_of(size) else {
            return Err(PyRuntimeError::new_err(format!(
                "resize_ expects an int, but got {}",
                super::args::type_name(size)
            )));
        };
        let Ok(n) = usize::try_from(size) else {
            return Err(PyRuntimeError::new_err(format!("Storage size must be non-negative, but got {size}")));
        };
        if !s.resizable() && n != s.nbytes() {
            return Err(PyRuntimeError::new_err(
                "Trying to resize storage that is not resizable\n  resize_: expected memory of our own, but got memory shared with another owner. Clone the storage first.",
            ));
        }
        if n > s.nbytes() {
            dispatch::grow(s, n)?;
        } else {
            // The block stays, so that tensors over the old size never point outside of it.
            s.set_nbytes(n);
        }
        Ok(slf)
    }
    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> {
        let (py, me) = (slf.py(), slf.get());
        let (ptr, n) = me.bytes()?;
        if let Ok(s) = index.cast::<PySlice>() {
            let at = s.indices(n as isize)?;
            if at.step != 1 {
                return Err(PyRuntimeError::new_err(format!(
                    "Trying to slice with a step of {}, but only a step of 1 is supported",
                    at.step
                )));
            }
            return wrap_storage(py, &window(&me.0, at.start as usize, at.slicelength));
        }
        let i = me.place(index)?;
        // SAFETY: `place` checked the index.
        Ok(unsafe { *ptr.add(i) }.into_pyobject(py)?.into_any().unbind())
    }
    fn __setitem__(&self, index: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let (ptr, n) = self.bytes()?;
        let Some(v) = int_of(value) else {
            return Err(PyRuntimeError::new_err(format!(
                "can only set storage content with a int types, but got {} instead",
                super::args::type_name(value)
            )));
        };
        let (start, len) = match index.cast::<PySlice>() {
            Ok(s) => {
                let at = s.indices(n as isize)?;
                if at.step != 1 {
                    return Err(PyRuntimeError::new_err(format!(
                        "Trying to slice with a step of {}, but only a step of 1 is supported",
                        at.step
                    )));
                }
                (at.start as usize, at.slicelength)
            }
            Err(_) => (self.place(index).map_err(|e| not_settable(index, &e))?, 1),
        };
        if len > 0 {
            // SAFETY: the range lies inside the storage.
            unsafe { std::ptr::write_bytes(ptr.add(start), v as u8, len) };
            self.0.touch();
        }
        Ok(())
    }
    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let (ptr, n) = self.bytes()?;
        // SAFETY: reads inside the storage.
        PyList::new(py, (0..n).map(|i| unsafe { *ptr.add(i) }))
    }
    #[pyo3(signature = (source, non_blocking=None))]
    fn copy_<'py>(
        slf: Bound<'py, Self>,
        source: &Bound<'py, PyStorage>,
        non_blocking: Option<bool>,
    ) -> PyResult<Bound<'py, Self>> {
        let _ = non_blocking;
        let ((to, n), (from, m)) = (slf.get().bytes()?, source.get().bytes()?);
        if n != m {
            return Err(PyRuntimeError::new_err(format!(
                "size does not match, self was {n} bytes but src was {m} bytes"
            )));
        }
        if n > 0 {
            // SAFETY: both blocks hold n bytes; `copy` allows overlap.
            unsafe { std::ptr::copy(from, to, n) };
            slf.get().0.touch();
        }
        Ok(slf)
    }
    fn fill_<'py>(slf: Bound<'py, Self>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let (ptr, n) = slf.get().bytes()?;
        let Some(v) = int_of(value) else {
            return Err(PyRuntimeError::new_err(format!(
                "fill_ expects int, but got {}",
                super::args::type_name(value)
            )));
        };
        if n > 0 {
            // SAFETY: the whole storage.
            unsafe { std::ptr::write_bytes(ptr, v as u8, n) };
            slf.get().0.touch();
        }
        Ok(slf)
    }
    fn clone(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if self.0.device() == Device::Meta {
            return wrap_storage(py, &Storage::meta(self.0.nbytes()));
        }
        let (ptr, n) = self.bytes()?;
        let copy = fresh(n, Device::Cpu)?;
        if n > 0 {
            // SAFETY: two blocks of n bytes.
            unsafe { std::ptr::copy_nonoverlapping(ptr, copy.ptr(), n) };
        }
        wrap_storage(py, &copy)
    }
    fn __copy__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.clone(py)
    }
    fn __deepcopy__<'py>(slf: &Bound<'py, Self>, memo: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let key = slf.as_ptr() as usize;
        if let Some(done) = memo.get_item(key)? {
            return Ok(done);
        }
        let copy = slf.get().clone(slf.py())?.into_bound(slf.py());
        memo.set_item(key, &copy)?;
        Ok(copy)
    }
    fn new_like(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        wrap_storage(py, &fresh(0, self.0.device())?)
    }
    fn cpu(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().bytes()?;
        Ok(slf)
    }
    /// The contents as a `bytes` object.
    #[pyo3(name = "_bytes")]
    fn contents<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let (ptr, n) = self.bytes()?;
        if n == 0 {
            return Ok(PyBytes::new(py, b""));
        }
        // SAFETY: the whole storage.
        Ok(PyBytes::new(py, unsafe { std::slice::from_raw_parts(ptr, n) }))
    }
    #[staticmethod]
    fn _from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Py<PyAny>> {
        wrap_storage(py, &from_bytes(data)?)
    }
    #[staticmethod]
    fn _meta(py: Python<'_>, nbytes: usize) -> PyResult<Py<PyAny>> {
        wrap_storage(py, &Storage::meta(nbytes))
    }
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (py, me) = (slf.py(), slf.get());
        let cls = py.get_type::<PyStorage>();
        if me.0.device() == Device::Meta {
            return Ok((cls.getattr("_meta")?, PyTuple::new(py, [me.0.nbytes()])?));
        }
        Ok((cls.getattr("_from_bytes")?, PyTuple::new(py, [me.contents(py)?])?))
    }
    fn __repr__(&self) -> PyResult<String> {
        let n = self.0.nbytes();
        if self.0.device() == Device::Meta {
            return Ok(format!("...\n[torch.storage.UntypedStorage(device=meta) of size {n}]"));
        }
        let (ptr, _) = self.bytes()?;
        // SAFETY: reads inside the storage.
        let lines: String = (0..n).map(|i| format!(" {}\n", unsafe { *ptr.add(i) })).collect();
        Ok(format!("{lines}[torch.storage.UntypedStorage(device=cpu) of size {n}]"))
    }
    #[getter]
    fn filename(&self) -> Option<String> {
        None
    }
    fn is_pinned(&self) -> bool {
        false
    }
    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }
    fn share_memory_(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        share(&slf.get().0)?;
        Ok(slf)
    }
    /// A buffer over the storage's bytes (`memoryview(storage)`).
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: std::ffi::c_int) -> PyResult<()> {
        let (ptr, n) = slf.get().bytes()?;
        slf.get().0.expose();
        // SAFETY: the memory lives as long as the object, and resizing keeps old blocks.
        let rc = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), ptr.cast(), n as ffi::Py_ssize_t, 0, flags) };
        if rc == -1 { Err(PyErr::fetch(slf.py())) } else { Ok(()) }
    }
}

/// The storage inside a Python object: an UntypedStorage, or a TypedStorage around one.
pub(super) fn storage_of(obj: &Bound<'_, PyAny>) -> Option<Storage> {
    if let Ok(s) = obj.cast::<PyStorage>() {
        return Some(s.get().0.clone());
    }
    let inner = obj.getattr(pyo3::intern!(obj.py(), "_untyped_storage")).ok()?;
    inner.cast::<PyStorage>().ok().map(|s| s.get().0.clone())
}

/// A tensor of this geometry over a storage, which grows where the geometry needs more.
pub(super) fn over(
    s: &Storage,
    dtype: crate::tensor::DType,
    offset: i64,
    size: &[i64],
    stride: &[i64],
) -> PyResult<Tensor> {
    let shape: Shape = crate::ops::helpers::checked_shape("set_", size)?;
    if size.len() != stride.len() {
        return Err(PyRuntimeError::new_err(format!(
            "unequal size length ({0}) and stride length ({1})\n  set_: expected {0} strides, but got {1}. Give one stride per dim.",
            size.len(),
            stride.len()
        )));
    }
    if offset < 0 {
        return Err(PyRuntimeError::new_err(format!("Tensor: invalid storage offset {offset}")));
    }
    if stride.iter().any(|&s| s < 0) {
        return Err(PyRuntimeError::new_err(format!(
            "as_strided: Negative strides are not supported at the moment, got strides: {stride:?}"
        )));
    }
    let reach = if shape.contains(&0) {
        Some(0)
    } else {
        shape
            .iter()
            .zip(stride)
            .try_fold(offset as usize + 1, |n, (&d, &s)| n.checked_add((d - 1).checked_mul(s as usize)?))
    };
    let counted = crate::tensor::layout::numel(&shape);
    let Some(need) = reach
        .filter(|_| counted.is_some())
        .and_then(|n| n.checked_mul(dtype.size()))
        .filter(|&n| n <= isize::MAX as usize)
    else {
        return Err(PyRuntimeError::new_err(format!(
            "Storage size calculation overflowed with sizes={size:?} and strides={stride:?}"
        )));
    };
    if need > 0 {
        dispatch::grow(s, need)?;
    }
    if s.device() == Device::Cpu && !(s.ptr() as usize).is_multiple_of(dtype.size().min(8)) {
        return Err(PyValueError::new_err(format!(
            "expected memory aligned to {} bytes for dtype {}, but got address {:#x}. Copy the data first.",
            dtype.size().min(8),
            dtype.name(),
            s.ptr() as usize
        )));
    }
    let strides = crate::tensor::layout::kept_strides(&shape, stride);
    // SAFETY: the storage now reaches as far as the geometry does.
    Ok(unsafe { Tensor::from_parts(s.clone(), offset as usize, shape, strides, dtype) })
}

/// A tensor over a storage: how pickles and copies rebuild tensors.
#[pyfunction]
fn _over_storage(
    py: Python<'_>,
    storage: &Bound<'_, PyStorage>,
    dtype: &Bound<'_, PyDType>,
    offset: i64,
    size: Vec<i64>,
    stride: Vec<i64>,
) -> PyResult<Py<PyAny>> {
    wrap(py, over(&storage.get().0, dtype.get().0, offset, &size, &stride)?)
}

/// The storage of a tensor.
#[pyfunction]
fn _storage_of(py: Python<'_>, t: &Bound<'_, PyTensor>) -> PyResult<Py<PyAny>> {
    wrap_storage(py, t.get().tensor().storage())
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyStorage>()?;
    m.add_function(wrap_pyfunction!(_over_storage, m)?)?;
    m.add_function(wrap_pyfunction!(_storage_of, m)?)?;
    Ok(())
}
