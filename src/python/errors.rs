//! Rust errors as Python exceptions.

use crate::error::{Error, Kind};
use pyo3::exceptions::{
    PyAssertionError, PyAttributeError, PyBufferError, PyIndexError, PyNotImplementedError, PyOverflowError,
    PyRuntimeError, PyTypeError, PyUserWarning, PyValueError,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

/// `rustorch.OutOfMemoryError`, a RuntimeError as in torch.
static OUT_OF_MEMORY: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The exception class of failed allocations.
pub(super) fn out_of_memory(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    OUT_OF_MEMORY
        .get_or_try_init(py, || {
            PyErr::new_type(py, c"rustorch.OutOfMemoryError", None, Some(&py.get_type::<PyRuntimeError>()), None)
        })
        .map(|t| t.bind(py))
}

/// `rustorch.linalg.LinAlgError`, a RuntimeError as in torch.
static LINALG: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The exception class of matrices without the factorisation that was asked for.
pub(super) fn linalg(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    LINALG
        .get_or_try_init(py, || {
            PyErr::new_type(py, c"rustorch._C._LinAlgError", None, Some(&py.get_type::<PyRuntimeError>()), None)
        })
        .map(|t| t.bind(py))
}

/// Runs `f` and makes an exception of what unwinds out of it.
#[inline]
pub(super) fn contain<R>(f: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    // Nothing half done can be seen: results are fresh until `f` returns, and locks ignore poison.
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| Err(from_panic(payload)))
}

/// The same for an operation, which says its name by the time that it can fail.
#[inline]
pub(super) fn contain_named<'a, R>(name: &mut &'a str, f: impl FnOnce(&mut &'a str) -> PyResult<R>) -> PyResult<R> {
    let done = {
        let name = AssertUnwindSafe(&mut *name);
        catch_unwind(AssertUnwindSafe(move || {
            let name = name;
            f(name.0)
        }))
    };
    done.unwrap_or_else(|payload| Err(named(name, payload)))
}

/// As [`from_panic`]; an operation that GPUs have no kernel for gets its name.
#[cold]
fn named(name: &str, payload: Box<dyn std::any::Any + Send>) -> PyErr {
    match payload.downcast::<crate::error::Stopped>() {
        Ok(stopped) => super::fallback::refused(name, stopped.0, None),
        Err(payload) => from_panic(payload),
    }
}

/// What a caught panic means: an error of a kernel, a lack of memory, or a bug.
#[cold]
fn from_panic(payload: Box<dyn std::any::Any + Send>) -> PyErr {
    let payload = match payload.downcast::<crate::error::Stopped>() {
        Ok(stopped) => return stopped.0.into(),
        Err(payload) => payload,
    };
    match payload.downcast::<crate::error::NoRoom>() {
        Ok(no_room) => crate::dispatch::out_of_memory(no_room.0).into(),
        Err(_) => PyRuntimeError::new_err(
            "internal error: an operation panicked. Please report it with the code that led here.",
        ),
    }
}

/// A Python exception on its way through Rust.
struct Foreign(std::sync::Mutex<Option<PyErr>>);

/// Lets a Python exception travel through the engine.
pub(super) fn foreign(e: PyErr) -> Error {
    let text = e.to_string();
    Error::foreign(Box::new(Foreign(std::sync::Mutex::new(Some(e)))), text)
}

/// Repeat warnings that are given once a process otherwise (`torch.set_warn_always`).
static ALWAYS: AtomicBool = AtomicBool::new(false);

/// A UserWarning, once a process.
pub(super) fn warn_once(py: Python<'_>, said: &AtomicBool, text: &str) -> PyResult<()> {
    if said.swap(true, Ordering::Relaxed) && !ALWAYS.load(Ordering::Relaxed) {
        return Ok(());
    }
    let text = std::ffi::CString::new(text).unwrap_or_default();
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 1)
}

/// The same for the layers below, which know no Python.
fn warn(said: &AtomicBool, text: &str) -> crate::error::Result<()> {
    Python::attach(|py| warn_once(py, said, text)).map_err(foreign)
}

#[pyfunction]
fn _set_warn_always(on: bool) {
    ALWAYS.store(on, Ordering::Relaxed);
}

#[pyfunction]
fn _warn_always() -> bool {
    ALWAYS.load(Ordering::Relaxed)
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::error::on_warning(warn);
    m.add_function(wrap_pyfunction!(_set_warn_always, m)?)?;
    m.add_function(wrap_pyfunction!(_warn_always, m)?)
}

impl From<Error> for PyErr {
    #[cold]
    fn from(e: Error) -> PyErr {
        let message = e.message().to_owned();
        match e.kind() {
            Kind::Python => {
                let inner = e
                    .into_payload()
                    .and_then(|p| p.downcast::<Foreign>().ok())
                    .and_then(|f| f.0.into_inner().ok().flatten());
                inner.unwrap_or_else(|| PyRuntimeError::new_err(message))
            }
            Kind::Runtime => PyRuntimeError::new_err(message),
            Kind::Index => PyIndexError::new_err(message),
            Kind::Type => PyTypeError::new_err(message),
            Kind::Value => PyValueError::new_err(message),
            Kind::Overflow => PyOverflowError::new_err(message),
            Kind::NotImplemented | Kind::NoGpuKernel => PyNotImplementedError::new_err(message),
            Kind::Attribute => PyAttributeError::new_err(message),
            Kind::Buffer => PyBufferError::new_err(message),
            Kind::Assertion => PyAssertionError::new_err(message),
            Kind::OutOfMemory => Python::attach(|py| of_type(out_of_memory(py), message)),
            Kind::LinAlg => Python::attach(|py| of_type(linalg(py), message)),
        }
    }
}

fn of_type(class: PyResult<&Bound<'_, PyType>>, message: String) -> PyErr {
    match class {
        Ok(t) => PyErr::from_type(t.clone(), message),
        Err(_) => PyRuntimeError::new_err(message),
    }
}
