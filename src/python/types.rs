//! `torch.dtype`, `torch.device`, `torch.layout`, `torch.memory_format` and the Python-written classes that Rust makes.

use crate::error::Result;
use crate::tensor::{DType, Device, MemoryFormat, kept, promote};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

/// The type of a tensor's elements.
#[pyclass(name = "dtype", module = "rustorch", frozen)]
pub(super) struct PyDType(pub DType);

static DTYPES: PyOnceLock<Vec<Py<PyDType>>> = PyOnceLock::new();

/// The one object of a dtype.
pub(super) fn dtype_object(py: Python<'_>, d: DType) -> Py<PyDType> {
    DTYPES.get_or_init(py, || DType::ALL.iter().filter_map(|&d| Py::new(py, PyDType(d)).ok()).collect())[d as usize]
        .clone_ref(py)
}

#[pymethods]
impl PyDType {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.0.name())
    }
    fn __reduce__(&self) -> &'static str {
        self.0.name()
    }
    #[getter]
    fn is_floating_point(&self) -> bool {
        self.0.is_float()
    }
    #[getter]
    fn is_complex(&self) -> bool {
        self.0.is_complex()
    }
    #[getter]
    fn is_signed(&self) -> bool {
        self.0.is_signed()
    }
    #[getter]
    fn itemsize(&self) -> usize {
        self.0.size()
    }
    /// A short name: 'f32', 'i64'.
    #[getter]
    fn abbr(&self) -> &'static str {
        match self.0 {
            DType::Bool => "b8",
            DType::U8 => "u8",
            DType::I8 => "i8",
            DType::I16 => "i16",
            DType::I32 => "i32",
            DType::I64 => "i64",
            DType::U16 => "u16",
            DType::U32 => "u32",
            DType::U64 => "u64",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::C64 => "c64",
            DType::C128 => "c128",
        }
    }
    fn to_real(&self, py: Python<'_>) -> Py<PyDType> {
        dtype_object(py, self.0.to_real())
    }
    fn to_complex(&self, py: Python<'_>) -> PyResult<Py<PyDType>> {
        if self.0.is_integral(true) {
            return Err(PyRuntimeError::new_err(format!("Unknown Complex ScalarType for {}", self.0.scalar_name())));
        }
        Ok(dtype_object(py, self.0.to_complex()))
    }
}

/// Where a tensor's memory lives. Names of devices without a backend are allowed, as in torch; tensors on them are not.
///
/// Example: `with torch.device('meta'): x = torch.empty(3)` makes x on the meta device.
#[pyclass(name = "device", module = "rustorch", frozen, eq, hash)]
#[derive(PartialEq, Eq, Hash, Clone)]
pub(super) struct PyDevice {
    kind: &'static str,
    #[pyo3(get)]
    index: Option<i8>,
}

thread_local! {
    /// The default devices to go back to, one per open `with` block.
    static OUTER: std::cell::RefCell<Vec<Option<Device>>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl PyDevice {
    pub(super) fn of(device: Device) -> Self {
        PyDevice { kind: device.kind(), index: device.index() }
    }

    /// The device that tensors can be on, or why they cannot.
    pub(super) fn device(&self) -> Result<Device> {
        Device::of_kind(self.kind, self.index)
    }
}

fn no_such_device(args: &[&Bound<'_, PyAny>]) -> PyErr {
    let got: Vec<_> = args.iter().map(|a| super::args::type_name(a)).collect();
    PyTypeError::new_err(format!(
        "device() received an invalid combination of arguments - got ({}), but expected one of:\n * (torch.device device)\n * (str type, int index = -1)\n",
        got.join(", ")
    ))
}

#[pymethods]
impl PyDevice {
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut given: Vec<_> = args.iter().collect();
        for name in ["device", "type", "index"] {
            given.extend(kwargs.map(|k| k.get_item(name)).transpose()?.flatten());
        }
        let wrong = || no_such_device(&given.iter().collect::<Vec<_>>());
        if given.len() != args.len() + kwargs.map_or(0, |k| k.len()) || given.len() > 2 {
            return Err(wrong());
        }
        let (Some(first), index) = (given.first(), given.get(1)) else { return Err(wrong()) };
        if let Ok(d) = first.cast::<PyDevice>() {
            if index.is_some() {
                return Err(PyTypeError::new_err(
                    "device(): argument 'type' (position 1) must be str, not torch.device",
                ));
            }
            return Ok(d.get().clone());
        }
        if first.is_instance_of::<pyo3::types::PyInt>() && index.is_none() {
            return Err(PyRuntimeError::new_err(
                "Cannot access accelerator device when none is available.\n  device: expected a name, but got an index alone. Write torch.device('cpu').",
            ));
        }
        let Ok(text) = first.cast::<PyString>() else {
            return Err(wrong());
        };
        let text = text.to_str().map_err(|_| {
            PyRuntimeError::new_err("error unpacking string as utf-8\n  device: expected a name, but got a string that is no text. Write torch.device('cpu').")
        })?;
        let (kind, own) = crate::tensor::device::parse_name(text)?;
        let Some(index) = index.filter(|i| !i.is_none()) else { return Ok(PyDevice { kind, index: own }) };
        if own.is_some() {
            return Err(PyRuntimeError::new_err(format!(
                "type (string) must not include an index because index was passed explicitly: {text}"
            )));
        }
        match super::convert::int_of(index) {
            Some(i) if i < 0 => Err(PyRuntimeError::new_err("Device index must not be negative")),
            Some(i) => Ok(PyDevice { kind, index: Some(i as i8) }),
            None => Err(PyTypeError::new_err(format!(
                "device(): argument 'index' (position 2) must be int, not {}",
                super::args::type_name(index)
            ))),
        }
    }
    #[getter]
    fn r#type(&self) -> &'static str {
        self.kind
    }
    fn __repr__(&self) -> String {
        match self.index {
            Some(i) => format!("device(type='{}', index={i})", self.kind),
            None => format!("device(type='{}')", self.kind),
        }
    }
    fn __str__(&self) -> String {
        match self.index {
            Some(i) => format!("{}:{i}", self.kind),
            None => self.kind.into(),
        }
    }
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyType>, (String,))> {
        Ok((py.get_type::<PyDevice>(), (self.__str__(),)))
    }
    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        let device = slf.get().device()?;
        let outer = crate::tensor::device::set_default_device(Some(device));
        OUTER.with_borrow_mut(|o| o.push(outer));
        Ok(slf)
    }
    #[pyo3(signature = (*_args))]
    fn __exit__(&self, _args: &Bound<'_, pyo3::types::PyTuple>) {
        let outer = OUTER.with_borrow_mut(Vec::pop).flatten();
        crate::tensor::device::set_default_device(outer);
    }
}

/// The device of new tensors that name none.
#[pyfunction]
fn get_default_device() -> PyDevice {
    PyDevice::of(crate::tensor::device::default_device())
}

/// Sets the device of this thread's new tensors; None goes back to the CPU.
#[pyfunction]
#[pyo3(signature = (device))]
fn set_default_device(device: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let device = device.filter(|d| !d.is_none()).map(super::data::device_arg).transpose()?;
    crate::tensor::device::set_default_device(device);
    Ok(())
}

/// Lets `cuda` name the GPU, as in programs written for torch.
#[pyfunction]
fn _let_cuda_be_gpu(on: bool) {
    crate::tensor::device::let_cuda_be_gpu(on);
}

/// Does `cuda` name the GPU?
#[pyfunction]
fn _cuda_is_gpu() -> bool {
    crate::tensor::device::cuda_is_gpu()
}

/// The order of dims in memory.
#[pyclass(name = "memory_format", module = "rustorch", frozen)]
pub(super) struct PyMemoryFormat(pub MemoryFormat);

#[pymethods]
impl PyMemoryFormat {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.__reduce__())
    }
    fn __reduce__(&self) -> &'static str {
        match self.0 {
            MemoryFormat::Contiguous => "contiguous_format",
            MemoryFormat::Preserve => "preserve_format",
            MemoryFormat::ChannelsLast => "channels_last",
            MemoryFormat::ChannelsLast3d => "channels_last_3d",
        }
    }
}

/// How elements are stored.
#[pyclass(name = "layout", module = "rustorch", frozen)]
pub(super) struct PyLayout(&'static str);

#[pymethods]
impl PyLayout {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.0)
    }
    fn __reduce__(&self) -> &'static str {
        self.0
    }
}

impl PyLayout {
    /// torch's name.
    pub(super) fn name(&self) -> &'static str {
        self.0
    }
    /// Is it the layout of dense tensors?
    pub(super) fn is_strided(&self) -> bool {
        self.0 == "strided"
    }
}

pub(super) static STRIDED: PyOnceLock<Py<PyLayout>> = PyOnceLock::new();

/// Classes written in Python that Rust makes objects of.
pub(super) struct Classes {
    /// `torch.Size`.
    pub size: Py<PyType>,
    /// `torch.return_types`' factory: (name, field names) to a class.
    pub return_type: Py<PyAny>,
}

pub(super) static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

#[pyfunction]
fn _set_classes(py: Python<'_>, size: Py<PyType>, return_type: Py<PyAny>) {
    // SAFETY: a class made by a `class` statement has a mapping table of its own.
    unsafe {
        let ty = size.bind(py).as_type_ptr();
        if let Some(mapping) = (*ty).tp_as_mapping.as_mut() {
            mapping.mp_subscript = Some(size_item);
        }
        ffi::PyType_Modified(ty);
    }
    let _ = CLASSES.set(py, Classes { size, return_type });
}

/// `shape[i]`, and `shape[i:j]` as a Size. A method written in Python would take five times as long.
unsafe extern "C" fn size_item(slf: *mut ffi::PyObject, key: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: Python calls this with the interpreter attached, a Size and a live key.
    unsafe {
        let py = Python::assume_attached();
        let Some(plain) = (*ffi::PyTuple_Type.tp_as_mapping).mp_subscript else { return std::ptr::null_mut() };
        let item = plain(slf, key);
        if item.is_null() || ffi::PySlice_Check(key) == 0 {
            return item;
        }
        let Ok(part) = Bound::from_owned_ptr(py, item).cast_into::<pyo3::types::PyTuple>() else {
            return std::ptr::null_mut();
        };
        let made = match CLASSES.get(py) {
            Some(c) => tuple_of(py, c.size.bind(py), part.iter()),
            None => Ok(part.into_any()),
        };
        match made {
            Ok(size) => size.into_ptr(),
            Err(e) => {
                e.restore(py);
                std::ptr::null_mut()
            }
        }
    }
}

#[pyfunction]
fn _packed_weights_limit() -> usize {
    kept::limit()
}

#[pyfunction]
fn _set_packed_weights_limit(nbytes: usize) {
    kept::set_limit(nbytes);
}

#[pyfunction]
fn _packed_weights_nbytes() -> usize {
    kept::held()
}

/// The widest vectors that kernels use, by torch's names.
#[pyfunction]
fn _cpu_capability() -> &'static str {
    match crate::dispatch::simd_level() {
        3 => "AVX512",
        2 => "AVX2",
        _ => "DEFAULT",
    }
}

/// Gives cached memory back to the system.
#[pyfunction]
fn _empty_cache() {
    crate::dispatch::empty_cache();
}

/// Bytes that the CPU allocator holds: allocated, reserved, and the peaks of both.
#[pyfunction]
fn _memory_stats() -> [usize; 4] {
    crate::dispatch::memory_stats()
}

/// A tuple of class `cls` (a subclass of tuple without a constructor of its own) with these items.
pub(super) fn tuple_of<'py>(
    py: Python<'py>,
    cls: &Bound<'py, PyType>,
    items: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: `cls` derives from tuple, whose allocator takes the number of items; all of them are set before use.
    unsafe {
        let ty = cls.as_type_ptr();
        let alloc = (*ty).tp_alloc.unwrap_or(ffi::PyType_GenericAlloc);
        let obj = alloc(ty, items.len() as ffi::Py_ssize_t);
        let obj = Bound::from_owned_ptr_or_err(py, obj)?;
        for (i, item) in items.enumerate() {
            ffi::PyTuple_SET_ITEM(obj.as_ptr(), i as ffi::Py_ssize_t, item.into_ptr());
        }
        Ok(obj)
    }
}

/// A `torch.Size`.
pub(super) fn size_object<'py>(py: Python<'py>, shape: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    let Some(classes) = CLASSES.get(py) else {
        return Err(PyRuntimeError::new_err("rustorch._C was imported without the package."));
    };
    // SAFETY: PyLong_FromSize_t returns a new reference or null with an error set.
    let items = shape.iter().map(|&n| unsafe { Bound::from_owned_ptr(py, ffi::PyLong_FromSize_t(n)) });
    tuple_of(py, classes.size.bind(py), items)
}

#[pyfunction]
fn get_default_dtype(py: Python<'_>) -> Py<PyDType> {
    dtype_object(py, promote::default_dtype())
}

#[pyfunction]
fn _set_default_dtype(d: &Bound<'_, PyDType>) -> PyResult<()> {
    if !d.get().0.is_float() {
        return Err(PyTypeError::new_err("only floating-point types are supported as the default type"));
    }
    promote::set_default_dtype(d.get().0);
    Ok(())
}

fn dtype_at(function: &str, name: &str, position: usize, obj: &Bound<'_, PyAny>) -> PyResult<DType> {
    super::convert::dtype_of(obj).ok_or_else(|| {
        PyTypeError::new_err(format!(
            "{function}(): argument '{name}' (position {position}) must be torch.dtype, not {}",
            super::args::type_name(obj)
        ))
    })
}

/// torch has no promotion between its barebones unsigned types and other integers.
fn checked_promotion(a: DType, b: DType) -> PyResult<DType> {
    let barebones = |d| matches!(d, DType::U16 | DType::U32 | DType::U64);
    if a != b && (barebones(a) && !b.is_float() || barebones(b) && !a.is_float()) {
        return Err(PyRuntimeError::new_err(format!(
            "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote {} and {}",
            a.scalar_name(),
            b.scalar_name()
        )));
    }
    Ok(promote::promote(a, b))
}

/// The smallest dtype that both convert to.
#[pyfunction]
fn promote_types(py: Python<'_>, type1: &Bound<'_, PyAny>, type2: &Bound<'_, PyAny>) -> PyResult<Py<PyDType>> {
    let (a, b) = (dtype_at("promote_types", "type1", 1, type1)?, dtype_at("promote_types", "type2", 2, type2)?);
    Ok(dtype_object(py, checked_promotion(a, b)?))
}

/// May a result of dtype `from_` be stored into a tensor of dtype `to`?
#[pyfunction]
fn can_cast(from_: &Bound<'_, PyAny>, to: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(promote::can_cast(dtype_at("can_cast", "from_", 1, from_)?, dtype_at("can_cast", "to", 2, to)?))
}

/// The dtype of an operation on two tensors or numbers.
#[pyfunction]
fn result_type(py: Python<'_>, tensor: &Bound<'_, PyAny>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyDType>> {
    if let (Some(a), Some(b)) = (super::convert::tensor_of(tensor), super::convert::tensor_of(other)) {
        // The lower rank counts where it is of a higher kind alone; complex numbers go with all.
        let (high, low) = if a.ndim() > 0 || b.ndim() == 0 { (a.dtype(), b.dtype()) } else { (b.dtype(), a.dtype()) };
        if (a.ndim() > 0) == (b.ndim() > 0) || (low.category() > high.category() && !low.is_complex()) {
            checked_promotion(high, low)?;
        }
    }
    let mut r = promote::ResultType::default();
    for obj in [tensor, other] {
        match (super::convert::tensor_of(obj), super::convert::scalar_of(obj)?) {
            (Some(t), _) => r.add(&t),
            (None, Some(s)) => r.add_scalar(s),
            _ => {
                let got = [tensor, other].map(super::args::type_name).join(", ");
                return Err(PyTypeError::new_err(format!(
                    "result_type() received an invalid combination of arguments - got ({got}), but expected one of:\n * (Tensor tensor, Tensor other)\n * (Number scalar, Tensor tensor)\n * (Tensor tensor, Number other)\n * (Number scalar1, Number scalar2)\n"
                )));
            }
        }
    }
    Ok(dtype_object(py, r.get()))
}

#[pyfunction]
fn get_num_threads() -> usize {
    crate::dispatch::num_threads()
}

#[pyfunction]
fn set_num_threads(n: &Bound<'_, PyAny>) -> PyResult<()> {
    if !n.is_instance_of::<pyo3::types::PyInt>() {
        return Err(PyRuntimeError::new_err(format!(
            "set_num_threads expects an int, but got {}",
            n.get_type().name()?
        )));
    }
    let Ok(n) = n.extract::<i32>() else {
        return Err(pyo3::exceptions::PyValueError::new_err(
            "Overflow when unpacking long\n  set_num_threads: expected a number below 2^31, but got a larger one. Use as many as there are cores.",
        ));
    };
    if n <= 0 {
        return Err(PyRuntimeError::new_err("set_num_threads expects a positive integer"));
    }
    crate::dispatch::set_num_threads(n as usize);
    Ok(())
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    m.add_class::<PyDType>()?;
    m.add_class::<PyDevice>()?;
    m.add_class::<PyMemoryFormat>()?;
    m.add_class::<PyLayout>()?;
    for d in DType::ALL {
        m.add(d.name(), dtype_object(py, d))?;
    }
    for (name, f) in [
        ("contiguous_format", MemoryFormat::Contiguous),
        ("preserve_format", MemoryFormat::Preserve),
        ("channels_last", MemoryFormat::ChannelsLast),
        ("channels_last_3d", MemoryFormat::ChannelsLast3d),
    ] {
        m.add(name, PyMemoryFormat(f))?;
    }
    for name in ["strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "_mkldnn", "jagged"] {
        let layout = Py::new(py, PyLayout(name))?;
        if name == "strided" {
            let _ = STRIDED.set(py, layout.clone_ref(py));
        }
        m.add(name, layout)?;
    }
    m.add("OutOfMemoryError", super::errors::out_of_memory(py)?)?;
    m.add("_LinAlgError", super::errors::linalg(py)?)?;
    m.add_function(wrap_pyfunction!(_set_classes, m)?)?;
    m.add_function(wrap_pyfunction!(_cpu_capability, m)?)?;
    m.add_function(wrap_pyfunction!(_packed_weights_limit, m)?)?;
    m.add_function(wrap_pyfunction!(_set_packed_weights_limit, m)?)?;
    m.add_function(wrap_pyfunction!(_packed_weights_nbytes, m)?)?;
    m.add_function(wrap_pyfunction!(_empty_cache, m)?)?;
    m.add_function(wrap_pyfunction!(_memory_stats, m)?)?;
    m.add("_version", env!("CARGO_PKG_VERSION"))?;
    m.add_function(wrap_pyfunction!(get_default_dtype, m)?)?;
    m.add_function(wrap_pyfunction!(_set_default_dtype, m)?)?;
    m.add_function(wrap_pyfunction!(get_default_device, m)?)?;
    m.add_function(wrap_pyfunction!(set_default_device, m)?)?;
    m.add_function(wrap_pyfunction!(_let_cuda_be_gpu, m)?)?;
    m.add_function(wrap_pyfunction!(_cuda_is_gpu, m)?)?;
    m.add_function(wrap_pyfunction!(promote_types, m)?)?;
    m.add_function(wrap_pyfunction!(result_type, m)?)?;
    m.add_function(wrap_pyfunction!(can_cast, m)?)?;
    m.add_function(wrap_pyfunction!(get_num_threads, m)?)?;
    m.add_function(wrap_pyfunction!(set_num_threads, m)?)?;
    Ok(())
}
