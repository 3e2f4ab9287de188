//! `torch.dtype`, `torch.device`, `torch.layout`, `torch.memory_format` and the Python-written classes that Rust makes.

use crate::error::Result;
use crate::tensor::{DType, Device, MemoryFormat, promote};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};

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
    fn to_real(&self, py: Python<'_>) -> Py<PyDType> {
        dtype_object(py, self.0.to_real())
    }
    fn to_complex(&self, py: Python<'_>) -> Py<PyDType> {
        dtype_object(py, self.0.to_complex())
    }
}

/// Where a tensor's memory lives.
#[pyclass(name = "device", module = "rustorch", frozen, eq, hash)]
#[derive(PartialEq, Eq, Hash, Clone)]
pub(super) struct PyDevice {
    pub device: Device,
    #[pyo3(get)]
    index: Option<u32>,
}

impl PyDevice {
    pub(super) fn of(device: Device) -> Self {
        PyDevice { device, index: None }
    }

    fn parse(text: &str) -> Result<Self> {
        let device = Device::parse(text)?;
        Ok(PyDevice { device, index: text.split_once(':').and_then(|(_, i)| i.parse().ok()) })
    }
}

#[pymethods]
impl PyDevice {
    #[new]
    #[pyo3(signature = (r#type, index=None))]
    fn new(r#type: &Bound<'_, PyAny>, index: Option<u32>) -> PyResult<Self> {
        if let Ok(d) = r#type.cast::<PyDevice>() {
            return Ok(d.get().clone());
        }
        let Ok(text) = r#type.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!(
                "device(): argument 'type' must be str, not {}",
                r#type.get_type().name()?
            )));
        };
        let text = text.to_str()?;
        if index.is_some() && text.contains(':') {
            return Err(PyRuntimeError::new_err(format!(
                "type (string) must not include an index because index was passed explicitly: {text}"
            )));
        }
        let mut d = PyDevice::parse(text)?;
        d.index = index.or(d.index);
        Ok(d)
    }
    #[getter]
    fn r#type(&self) -> &'static str {
        self.device.kind()
    }
    fn __repr__(&self) -> String {
        match self.index {
            Some(i) => format!("device(type='{}', index={i})", self.device.kind()),
            None => format!("device(type='{}')", self.device.kind()),
        }
    }
    fn __str__(&self) -> String {
        match self.index {
            Some(i) => format!("{}:{i}", self.device.kind()),
            None => self.device.kind().into(),
        }
    }
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyType>, (String,))> {
        Ok((py.get_type::<PyDevice>(), (self.__str__(),)))
    }
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

/// How elements are stored; always strided.
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
    let _ = CLASSES.set(py, Classes { size, return_type });
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

#[pyfunction]
fn promote_types(py: Python<'_>, type1: &Bound<'_, PyDType>, type2: &Bound<'_, PyDType>) -> Py<PyDType> {
    dtype_object(py, promote::promote(type1.get().0, type2.get().0))
}

#[pyfunction]
#[pyo3(signature = (from_, to))]
fn can_cast(from_: &Bound<'_, PyDType>, to: &Bound<'_, PyDType>) -> bool {
    promote::can_cast(from_.get().0, to.get().0)
}

#[pyfunction]
fn get_num_threads() -> usize {
    crate::dispatch::num_threads()
}

#[pyfunction]
fn set_num_threads(n: &Bound<'_, PyAny>) -> PyResult<()> {
    if !n.is_instance_of::<pyo3::types::PyInt>() {
        return Err(PyTypeError::new_err(format!("set_num_threads expects an int, but got {}", n.get_type().name()?)));
    }
    let n: i64 = n.extract()?;
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
    m.add_function(wrap_pyfunction!(_set_classes, m)?)?;
    m.add_function(wrap_pyfunction!(get_default_dtype, m)?)?;
    m.add_function(wrap_pyfunction!(_set_default_dtype, m)?)?;
    m.add_function(wrap_pyfunction!(promote_types, m)?)?;
    m.add_function(wrap_pyfunction!(can_cast, m)?)?;
    m.add_function(wrap_pyfunction!(get_num_threads, m)?)?;
    m.add_function(wrap_pyfunction!(set_num_threads, m)?)?;
    Ok(())
}
