//! What `rustorch.sparse` is built from: sparse tensors out of parts and back.

use super::tensor::{PyTensor, make};
use crate::error::{Error, Kind, Result, caught, three_parts};
use crate::ops::sparse;
use crate::tensor::Tensor;
use crate::tensor::sparse::{Layout, Parts};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

type Obj<'py> = Bound<'py, PyTensor>;

/// The class of sparse tensors, once there was one.
static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// Is an object of that class?
pub(super) fn is_sparse(object: &Bound<'_, PyAny>) -> bool {
    CLASS.get(object.py()).is_some_and(|class| object.get_type().is(class))
}

/// A sparse tensor as an object of the class whose methods know it.
#[cold]
pub(super) fn wrap(py: Python<'_>, t: Tensor) -> PyResult<Py<PyAny>> {
    let class = CLASS.import(py, "rustorch.sparse", "SparseTensor")?;
    Ok(make(class, t)?.unbind())
}

/// The error of an operation that gets a sparse tensor past the rules of its class.
#[cold]
pub(super) fn refuse(name: &str) -> Error {
    three_parts(
        Kind::NotImplemented,
        Some(format!("Could not run 'aten::{name}' with arguments from the 'SparseCPU' backend.")),
        format!("{name}: expected dense tensors"),
        "a sparse one".to_owned(),
        "Use to_dense() first, or let its class handle the call.".to_owned(),
    )
}

fn run(py: Python<'_>, f: impl FnOnce() -> Result<Tensor> + Send) -> PyResult<Py<PyAny>> {
    super::tensor::wrap(py, py.detach(|| caught(f))?)
}

/// Parts put together. The values alone have a derivative.
#[pyfunction]
#[pyo3(signature = (layout, indices, plain, values, size, coalesced=false))]
fn _sparse_build(
    py: Python<'_>,
    layout: &str,
    indices: &Obj<'_>,
    plain: Option<&Obj<'_>>,
    values: &Obj<'_>,
    size: Vec<usize>,
    coalesced: bool,
) -> PyResult<Py<PyAny>> {
    let Some(layout) = Layout::parse(layout) else {
        return Err(PyRuntimeError::new_err(format!("_sparse_build: expected a sparse layout, but got {layout}.")));
    };
    let values = crate::ops::lazy::resolve(&values.get().tensor())?;
    let plain = plain.map(|p| p.get().tensor().detach());
    let parts = Parts { layout, indices: indices.get().tensor().detach(), plain, values: values.detach(), coalesced };
    run(py, move || sparse::build(&values, parts, &size))
}

/// (layout, indices, plain indices or None, values, coalesced), without history.
#[pyfunction]
fn _sparse_parts<'py>(
    py: Python<'py>,
    x: &Obj<'py>,
) -> PyResult<(&'static str, Py<PyAny>, Option<Py<PyAny>>, Py<PyAny>, bool)> {
    let p = sparse::parts(&x.get().tensor())?;
    let object = |t: Tensor| super::tensor::wrap(py, t);
    let plain = p.plain.map(object).transpose()?;
    Ok((p.layout.name(), object(p.indices)?, plain, object(p.values)?, p.coalesced))
}

/// The values with their derivative.
#[pyfunction]
fn _sparse_values(py: Python<'_>, x: &Obj<'_>) -> PyResult<Py<PyAny>> {
    let x = x.get().tensor();
    run(py, || sparse::values(&x))
}

/// The same places with other values.
#[pyfunction]
fn _sparse_with_values(py: Python<'_>, x: &Obj<'_>, values: &Obj<'_>) -> PyResult<Py<PyAny>> {
    let (x, values) = (x.get().tensor(), crate::ops::lazy::resolve(&values.get().tensor())?);
    run(py, || sparse::with_values(&x, &values))
}

/// Puts the parts of `y` in the place of those of `x`, which has as many elements and the dtype.
#[pyfunction]
fn _sparse_replace(x: &Obj<'_>, y: &Obj<'_>) -> PyResult<()> {
    let (x, y) = (x.get().tensor(), y.get().tensor());
    let (old, new) = (sparse::parts(&x)?, sparse::parts(&y)?);
    let fits = x.shape() == y.shape() && x.dtype() == y.dtype() && old.layout == new.layout;
    let (Some(to), true) = (x.sparse(), fits && old.values.ndim() == new.values.ndim()) else {
        return Err(PyRuntimeError::new_err(
            "expected a change in place to keep shape, dtype, layout and sparse dims, but it would not. Make a new tensor.",
        ));
    };
    to.replace(new);
    x.bump_version();
    Ok(())
}

/// A sparse matrix in a compressed layout.
#[pyfunction]
fn _sparse_compress(py: Python<'_>, x: &Obj<'_>, layout: &str) -> PyResult<Py<PyAny>> {
    let (x, layout) = (x.get().tensor(), Layout::parse(layout).unwrap_or(Layout::Csr));
    run(py, || sparse::compress(&x, layout))
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident => $f:expr;)*) => {
        $($(#[$doc])*
        #[pyfunction]
        fn $name(py: Python<'_>, x: &Obj<'_>) -> PyResult<Py<PyAny>> {
            let x = x.get().tensor();
            run(py, || $f(&x))
        })*
    };
}
unary! {
    /// Distinct coordinates in order.
    _sparse_coalesce => sparse::coalesce;
    /// Layout COO.
    _sparse_to_coo => sparse::to_coo;
    /// The dense tensor.
    _sparse_to_dense => sparse::to_dense;
}

/// One column of coordinates per value, whatever the layout.
#[pyfunction]
fn _sparse_coordinates(py: Python<'_>, x: &Obj<'_>) -> PyResult<Py<PyAny>> {
    let x = x.get().tensor();
    run(py, || sparse::coordinates(&sparse::parts(&x)?))
}

/// The elements of a dense tensor, or of a sparse one, at the places of another.
#[pyfunction]
fn _sparse_at_places(py: Python<'_>, x: &Obj<'_>, like: &Obj<'_>) -> PyResult<Py<PyAny>> {
    let (x, like) = (x.get().tensor(), like.get().tensor());
    run(py, || sparse::at_places(&x, &like))
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(_sparse_build, m)?)?;
    m.add_function(wrap_pyfunction!(_sparse_parts, m)?)?;
    m.add_function(wrap_pyfunction!(_sparse_values, m)?)?;
    m.add_function(wrap_pyfunction!(_sparse_with_values, m)?)?;
    m.add_function(wrap_pyfunction!(_sparse_replace, m)?)?;
    m.add_function(wrap_pyfunction!(_sparse_compress, m)?)?;
    m.add_function(wrap_pyfunction!(_sparse_coalesce, m)?)?;
    m.add_function(wrap_pyfunction!(_sparse_to_coo, m)?)?;
    m.add_function(wrap_pyfunction!(_sparse_to_dense, m)?)?;
    m.add_function(wrap_pyfunction!(_sparse_coordinates, m)?)?;
    m.add_function(wrap_pyfunction!(_sparse_at_places, m)?)?;
    Ok(())
}
