//! `rustorch.Tensor`: the Python class around a handle, its attributes and lifetime.

use super::convert::tensor_of;
use super::errors::contain_named;
use super::hooks::PyHook;
use super::identity::object_in;
use super::types::{PyDType, PyDevice, STRIDED, dtype_object, size_object};
use crate::tensor::Tensor;
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// A multi-dimensional array of one dtype, with its place in the autograd graph.
#[pyclass(name = "Tensor", module = "rustorch", subclass, frozen, weakref, dict)]
pub(super) struct PyTensor {
    cell: UnsafeCell<Tensor>,
    // `set_`, `resize_` and `x.data = y` put another handle into the cell; the bit orders that with readers.
    busy: AtomicBool,
}

// SAFETY: the cell is read and written only while `busy` is held.
unsafe impl Sync for PyTensor {}

impl PyTensor {
    pub(super) fn new(t: Tensor) -> Self {
        PyTensor { cell: UnsafeCell::new(t), busy: AtomicBool::new(false) }
    }

    #[inline(always)]
    fn locked<R>(&self, f: impl FnOnce(&mut Tensor) -> R) -> R {
        while self.busy.swap(true, Ordering::Acquire) {
            spin_loop();
        }
        // SAFETY: `busy` is ours; `f` only clones or swaps a handle and cannot unwind.
        let r = f(unsafe { &mut *self.cell.get() });
        self.busy.store(false, Ordering::Release);
        r
    }

    /// Python makes an object known to the collector while its memory is still zeroed.
    fn is_ready(&self) -> bool {
        // SAFETY: a handle is one pointer, never null, so as a word it may be read also before it is there.
        unsafe { !self.cell.get().cast::<*const ()>().read().is_null() }
    }

    /// The handle.
    #[inline(always)]
    pub(super) fn tensor(&self) -> Tensor {
        self.locked(|t| t.clone())
    }
}

impl Drop for PyTensor {
    fn drop(&mut self) {
        self.cell.get_mut().pyobj().store(std::ptr::null_mut(), Ordering::Release);
    }
}

/// The addresses of the exact types that need no `__torch_function__` check: Tensor and nn.Parameter.
pub(super) static TENSOR_TYPE: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());
pub(super) static PARAMETER_TYPE: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());

/// The Python object of a tensor: the one that wraps it already, or a fresh one.
#[inline]
pub(super) fn wrap(py: Python<'_>, t: Tensor) -> PyResult<Py<PyAny>> {
    if let Some(existing) = object_in(py, t.pyobj()) {
        return Ok(existing.unbind());
    }
    if t.sparse().is_some() {
        return super::sparse::wrap(py, t);
    }
    let obj = Py::new(py, PyTensor::new(t.clone()))?;
    t.pyobj().store(obj.as_ptr().cast(), Ordering::Release);
    Ok(obj.into_any())
}

/// Gives an existing Python object another tensor.
pub(super) fn replace(obj: &Bound<'_, PyTensor>, t: Tensor) {
    let old = obj.get().locked(|cell| {
        cell.pyobj().store(std::ptr::null_mut(), Ordering::Release);
        t.pyobj().store(obj.as_ptr().cast(), Ordering::Release);
        std::mem::replace(cell, t)
    });
    drop(old);
}

/// Lets two Python objects exchange their tensors.
pub(super) fn exchange(a: &Bound<'_, PyTensor>, b: &Bound<'_, PyTensor>) {
    // Two at once over the same objects would leave one tensor in both.
    static SWAPPING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _swapping = SWAPPING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (mine, theirs) = (a.get().tensor(), b.get().tensor());
    if mine.is(&theirs) {
        return;
    }
    replace(a, theirs.clone());
    replace(b, mine);
    // The second step took the mark of the first one away.
    theirs.pyobj().store(a.as_ptr().cast(), Ordering::Release);
}

/// A new object of class `cls` around a tensor.
pub(super) fn make<'py>(cls: &Bound<'py, pyo3::types::PyType>, t: Tensor) -> PyResult<Bound<'py, PyAny>> {
    let py = cls.py();
    if cls.is(py.get_type::<PyTensor>()) {
        return Ok(wrap(py, t)?.into_bound(py));
    }
    // Not through the class's own `__new__`, which takes the user's arguments.
    let args = PyTuple::empty(py);
    // SAFETY: `cls` derives from Tensor, whose constructor takes any subtype; both arguments are live.
    let obj = unsafe {
        let new = ffi::PyType_GetSlot(py.get_type::<PyTensor>().as_type_ptr(), ffi::Py_tp_new);
        let new: ffi::newfunc = std::mem::transmute(new);
        Bound::from_owned_ptr_or_err(py, new(cls.as_type_ptr(), args.as_ptr(), std::ptr::null_mut()))?
    };
    let inner = obj.cast::<PyTensor>().map_err(|_| PyTypeError::new_err("expected a subclass of Tensor"))?;
    replace(inner, t);
    Ok(obj)
}

#[pymethods]
impl PyTensor {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*args, **kwargs))]
    fn __new__(
        cls: &Bound<'_, pyo3::types::PyType>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, pyo3::types::PyDict>>,
    ) -> PyResult<Self> {
        let _ = cls;
        Ok(PyTensor::new(super::data::legacy(None, args, kwargs)?))
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        size_object(py, self.tensor().shape())
    }
    #[pyo3(signature = (dim=None))]
    fn size<'py>(&self, py: Python<'py>, dim: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        let t = self.tensor();
        match dim_arg("size", dim)? {
            None => size_object(py, t.shape()),
            Some(d) => Ok(t.size(own_dim(&t, d)?).into_pyobject(py)?.into_any()),
        }
    }
    #[pyo3(signature = (dim=None))]
    fn stride<'py>(&self, py: Python<'py>, dim: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        let t = self.tensor();
        match dim_arg("stride", dim)? {
            None => Ok(PyTuple::new(py, t.strides())?.into_any()),
            Some(d) => Ok(t.strides()[own_dim(&t, d)?].into_pyobject(py)?.into_any()),
        }
    }
    fn storage_offset(&self) -> usize {
        self.tensor().offset()
    }
    #[getter]
    fn dtype(&self, py: Python<'_>) -> Py<PyDType> {
        dtype_object(py, self.locked(|t| t.dtype()))
    }
    #[getter]
    fn device(&self) -> PyDevice {
        PyDevice::of(self.tensor().device())
    }
    #[getter]
    fn layout(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        STRIDED.get(py).map(|l| l.clone_ref(py).into_any())
    }
    #[getter]
    fn ndim(&self) -> usize {
        self.locked(|t| t.ndim())
    }
    fn dim(&self) -> usize {
        self.locked(|t| t.ndim())
    }
    fn ndimension(&self) -> usize {
        self.locked(|t| t.ndim())
    }
    fn numel(&self) -> usize {
        self.locked(|t| t.numel())
    }
    fn nelement(&self) -> usize {
        self.locked(|t| t.numel())
    }
    fn element_size(&self) -> usize {
        self.tensor().dtype().size()
    }
    #[getter]
    fn itemsize(&self) -> usize {
        self.tensor().dtype().size()
    }
    #[getter]
    fn nbytes(&self) -> usize {
        let t = self.tensor();
        t.numel() * t.dtype().size()
    }
    fn const_data_ptr(&self) -> usize {
        self.data_ptr()
    }
    fn data_ptr(&self) -> usize {
        let t = self.tensor();
        if t.is_gpu() {
            // Nothing that could be read, but as telling as an address.
            return if t.numel() == 0 { 0 } else { t.storage().id() + t.place() };
        }
        t.storage().expose();
        if t.numel() == 0 { 0 } else { t.stored().ptr() as usize }
    }
    #[getter]
    fn is_cuda(&self) -> bool {
        self.tensor().is_gpu() && crate::tensor::device::cuda_is_gpu()
    }
    #[getter]
    fn is_gpu(&self) -> bool {
        self.tensor().is_gpu()
    }
    #[getter]
    fn is_cpu(&self) -> bool {
        self.tensor().device() == crate::tensor::Device::Cpu
    }
    #[getter]
    fn is_meta(&self) -> bool {
        self.tensor().is_meta()
    }
    #[getter]
    fn is_sparse(&self) -> bool {
        false
    }
    #[getter]
    fn is_sparse_csr(&self) -> bool {
        false
    }
    #[getter]
    fn is_quantized(&self) -> bool {
        false
    }
    #[getter]
    fn is_nested(&self) -> bool {
        false
    }
    #[getter]
    fn is_mkldnn(&self) -> bool {
        false
    }
    #[getter]
    fn is_mps(&self) -> bool {
        false
    }
    #[getter]
    fn is_xpu(&self) -> bool {
        false
    }
    #[getter]
    fn is_vulkan(&self) -> bool {
        false
    }
    #[pyo3(signature = (*, memory_format=None))]
    fn is_contiguous(&self, memory_format: Option<&Bound<'_, super::types::PyMemoryFormat>>) -> bool {
        let t = self.tensor();
        memory_format.map_or(t.is_contiguous(), |f| crate::ops::copy::is_format(&t, f.get().0))
    }
    fn is_floating_point(&self) -> bool {
        self.tensor().dtype().is_float()
    }
    fn is_complex(&self) -> bool {
        self.tensor().dtype().is_complex()
    }
    fn is_signed(&self) -> bool {
        self.tensor().dtype().is_signed()
    }
    fn is_conj(&self) -> bool {
        self.tensor().is_conj()
    }
    fn is_neg(&self) -> bool {
        self.tensor().is_neg()
    }
    fn is_inference(&self) -> bool {
        self.tensor().is_inference()
    }
    fn is_pinned(&self) -> bool {
        false
    }
    fn is_shared(&self) -> bool {
        self.tensor().storage().is_shared()
    }
    fn is_set_to(&self, tensor: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Some(b) = tensor_of(tensor) else {
            return Err(PyTypeError::new_err(format!(
                "is_set_to(): argument 'tensor' (position 1) must be Tensor, not {}",
                super::args::type_name(tensor)
            )));
        };
        let a = self.tensor();
        Ok(a.storage().is(b.storage())
            && a.offset() == b.offset()
            && a.shape() == b.shape()
            && a.strides() == b.strides())
    }
    fn is_same_size(&self, other: &Bound<'_, PyTensor>) -> bool {
        self.tensor().shape() == other.get().tensor().shape()
    }

    #[getter]
    fn _version(&self) -> PyResult<u32> {
        let t = self.tensor();
        if t.is_inference() {
            return Err(PyRuntimeError::new_err("Inference tensors do not track version counter."));
        }
        Ok(t.version())
    }
    #[getter]
    fn _base(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.tensor().base().map(|b| wrap(py, b.clone())).transpose()
    }
    fn _is_view(&self) -> bool {
        self.tensor().base().is_some()
    }
    #[getter]
    fn data(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        wrap(py, self.tensor().data())
    }
    #[setter]
    fn set_data(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(new) = tensor_of(value) else {
            return Err(PyTypeError::new_err(format!(
                "Variable data has to be a tensor, but got {}",
                value.get_type().name()?
            )));
        };
        let old = slf.get().tensor();
        if old.device() != new.device() && (old.is_meta() || new.is_meta()) {
            return Err(PyRuntimeError::new_err(format!(
                "Attempted to call `variable.set_data(tensor)`, but `variable` and `tensor` have incompatible tensor type.\n  data: expected a tensor on {}, but got one on {}. Move it with .to().",
                old.device(),
                new.device()
            )));
        }
        if old.requires_grad() && !new.dtype().is_differentiable() {
            return Err(PyRuntimeError::new_err(
                "data set to a tensor that requires gradients must be floating point or complex dtype",
            ));
        }
        if let Some(meta) = old.meta_if_any()
            && (old.dtype() != new.dtype() || old.shape() != new.shape())
        {
            // The old accumulator checks gradients against the old shape and dtype.
            meta.lock().accumulator = std::sync::Weak::new();
        }
        replace(slf, old.with_data(&new.data()));
        Ok(())
    }
    #[deleter]
    fn delete_data(&self) -> PyResult<()> {
        Err(PyRuntimeError::new_err("Deleting tensor data is not allowed. Delete tensor instead!"))
    }
    fn detach(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        wrap(py, self.tensor().detach())
    }
    fn detach_(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        let t = slf.get().tensor();
        if t.base().is_some() {
            return Err(PyRuntimeError::new_err(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution.",
            ));
        }
        t.clear_history();
        Ok(slf)
    }
    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        // As in torch the hash is `id(x)`, which is the address.
        slf.as_ptr() as isize
    }
    fn __getitem__(slf: &Bound<'_, Self>, index: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        contain_named(&mut "__getitem__", |_| super::indexing::get(slf, index))
    }
    fn __setitem__(slf: &Bound<'_, Self>, index: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        contain_named(&mut "__setitem__", |_| super::indexing::set(slf, index, value))
    }
    fn __delitem__(&self, _index: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("Tensor does not support deleting items"))
    }
    #[pyo3(signature = (hook))]
    fn _add_hook(&self, hook: Py<PyAny>) -> PyResult<super::hooks::HookHandle> {
        super::hooks::add_tensor_hook(&self.tensor(), PyHook::tensor(hook))
    }
    fn _add_post_accumulate_hook(&self, hook: Py<PyAny>) -> PyResult<super::hooks::HookHandle> {
        super::hooks::add_post_accumulate(&self.tensor(), PyHook::tensor(hook))
    }
    /// The functions that `register_hook` put on a leaf.
    fn _hook_functions(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        super::hooks::functions(py, &self.tensor())
    }
    #[getter]
    fn name(&self) -> Option<String> {
        self.tensor().meta_if_any().and_then(|m| m.lock().name.clone())
    }
    #[getter]
    fn _cdata(&self) -> usize {
        self.tensor().id()
    }
    fn _use_count(&self) -> usize {
        self.tensor().use_count() - 1
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        if !self.is_ready() {
            return Ok(());
        }
        // SAFETY: the handle is there, and no thread that could swap it runs beside the collector.
        super::collect::tensor(unsafe { &*self.cell.get() }, &visit)
    }
    fn __clear__(&self) {
        if self.is_ready() {
            // A tensor that others hold, too, is not this object's to break.
            let old = self.locked(|t| (t.use_count() == 1).then(|| std::mem::replace(t, super::collect::nothing())));
            drop(old);
        }
    }
}

/// The argument of `size` and `stride`.
fn dim_arg(name: &str, dim: Option<&Bound<'_, PyAny>>) -> PyResult<Option<i64>> {
    let Some(dim) = dim.filter(|d| !d.is_none()) else { return Ok(None) };
    match super::convert::int_of(dim) {
        Some(d) => Ok(Some(d)),
        None => Err(super::convert::overflow(dim, crate::schema::Ty::Int)
            .map_or_else(|| super::convert::wrong_type(name, "dim", "int", dim), PyErr::from)),
    }
}

/// A dim that the tensor has; unlike elsewhere, a 0-d tensor has none.
fn own_dim(t: &Tensor, dim: i64) -> PyResult<usize> {
    if t.ndim() == 0 {
        return Err(pyo3::exceptions::PyIndexError::new_err(format!(
            "Dimension specified as {dim} but tensor has no dimensions"
        )));
    }
    Ok(t.wrap_dim(dim)?)
}

/// Tells Rust which class `nn.Parameter` is, so that its exact instances skip the override check.
#[pyfunction]
fn _set_parameter_type(cls: &Bound<'_, pyo3::types::PyType>) {
    PARAMETER_TYPE.store(cls.as_type_ptr(), Ordering::Release);
}

/// Is a class `nn.Parameter` or derived from it?
pub(super) fn is_parameter_type(cls: &Bound<'_, pyo3::types::PyType>) -> bool {
    let parameter = PARAMETER_TYPE.load(Ordering::Acquire);
    // SAFETY: both are live type objects; Rust holds the module that owns Parameter for as long as the process runs.
    !parameter.is_null() && unsafe { ffi::PyType_IsSubtype(cls.as_type_ptr(), parameter) } != 0
}

/// Gives a Python tensor another shape on its storage.
pub(super) fn resize(obj: &Bound<'_, PyTensor>, shape: &[usize], format: crate::tensor::MemoryFormat) -> PyResult<()> {
    let t = obj.get().tensor();
    if t.shape() != shape || !crate::ops::copy::is_format(&t, format) {
        replace(obj, crate::ops::create::resized(&t, shape, format)?);
    }
    Ok(())
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyTensor>()?;
    // Python's own messages show this name: "'Tensor' object is not callable".
    // SAFETY: a static string; the type is ours, and the interpreter frees a copy of its own.
    unsafe { (*m.py().get_type::<PyTensor>().as_type_ptr()).tp_name = c"Tensor".as_ptr() };
    TENSOR_TYPE.store(m.py().get_type::<PyTensor>().as_type_ptr(), Ordering::Release);
    m.add_function(wrap_pyfunction!(_set_parameter_type, m)?)?;
    Ok(())
}
