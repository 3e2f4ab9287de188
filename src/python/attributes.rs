//! Attributes of tensors that are views, classes or memory: `T`, `real`, `as_subclass`, `untyped_storage`.

use super::convert::{scalar_of, tensor_of};
use super::gradient::check_differentiable;
use super::storage::wrap_storage;
use super::tensor::{PyTensor, make, wrap};
use crate::ops::{copy, create, lazy, reinterpret, view};
use crate::tensor::Tensor;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::sync::atomic::AtomicBool;

fn subclass_check(cls: &Bound<'_, PyType>) -> PyResult<()> {
    if !cls.is_subclass_of::<PyTensor>()? {
        return Err(PyTypeError::new_err(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. Make sure your class inherits from Tensor.",
        ));
    }
    Ok(())
}

fn assign(part: &Tensor, value: &Bound<'_, PyAny>) -> PyResult<()> {
    match (tensor_of(value), scalar_of(value)?) {
        (Some(v), _) => copy::copy_(part, &v, false).map(drop)?,
        (None, Some(s)) => create::fill_(part, s).map(drop)?,
        _ => return Err(PyTypeError::new_err(format!("can't assign a {} to a tensor", super::args::type_name(value)))),
    }
    Ok(())
}

fn matrix(x: &Tensor, name: &str) -> PyResult<()> {
    match x.ndim() {
        0 | 2 => Ok(()),
        1 => Err(PyRuntimeError::new_err(format!(
            "tensor.{name} is only supported on matrices (2-D tensors). Got 1-D tensor."
        ))),
        n => Err(PyRuntimeError::new_err(format!(
            "tensor.{name} is only supported on matrices (2-D tensors). Got {n}-D tensor. For batches of matrices, consider using tensor.m{name}"
        ))),
    }
}

fn batch(x: &Tensor, name: &str) -> PyResult<()> {
    if x.ndim() == 1 {
        return Err(PyRuntimeError::new_err(format!(
            "tensor.{name} is only supported on matrices or batches of matrices. Got 1-D tensor."
        )));
    }
    Ok(())
}

fn swap_last(x: &Tensor) -> crate::error::Result<Tensor> {
    if x.ndim() == 0 { Ok(x.clone()) } else { view::transpose(x, -2, -1) }
}

fn warn_reversal(py: Python<'_>) -> PyResult<()> {
    static ONCE: AtomicBool = AtomicBool::new(false);
    super::errors::warn_once(
        py,
        &ONCE,
        "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
    )
}

#[pymethods]
impl PyTensor {
    /// The dims in reverse order; meant for matrices.
    #[getter(T)]
    fn reversed(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let x = self.tensor();
        if x.ndim() != 2 && x.ndim() != 0 {
            warn_reversal(py)?;
        }
        let order: Vec<i64> = (0..x.ndim() as i64).rev().collect();
        wrap(py, view::permute(&x, &order)?)
    }
    /// Matrices transposed.
    #[getter(mT)]
    fn transposed(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let x = self.tensor();
        batch(&x, "mT")?;
        wrap(py, swap_last(&x)?)
    }
    /// A matrix transposed and conjugated.
    #[getter(H)]
    fn adjoint_matrix(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let x = self.tensor();
        matrix(&x, "H")?;
        wrap(py, lazy::conj(&swap_last(&x)?)?)
    }
    /// Matrices transposed and conjugated.
    #[getter(mH)]
    fn adjoint_matrices(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let x = self.tensor();
        batch(&x, "mH")?;
        wrap(py, lazy::conj(&swap_last(&x)?)?)
    }
    /// The real part as a view; a real tensor is its own.
    #[getter(real)]
    fn real_part(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        wrap(py, reinterpret::real(&self.tensor())?)
    }
    #[setter(real)]
    fn set_real_part(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        assign(&reinterpret::real(&self.tensor())?, value)
    }
    /// The imaginary part as a view.
    #[getter(imag)]
    fn imaginary_part(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        wrap(py, reinterpret::imag(&self.tensor())?)
    }
    #[setter(imag)]
    fn set_imaginary_part(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        assign(&reinterpret::imag(&self.tensor())?, value)
    }
    /// The tensor's memory as bytes.
    fn untyped_storage(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        wrap_storage(py, self.tensor().storage())
    }
    /// Moves the memory to where processes forked later share it.
    fn share_memory_(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        super::storage::share(slf.get().tensor().storage())?;
        Ok(slf)
    }
    /// The same tensor as an object of a subclass of Tensor.
    fn as_subclass<'py>(&self, cls: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
        subclass_check(cls)?;
        make(cls, view::alias(&self.tensor())?)
    }
    /// A leaf of class `cls` over the data of a tensor.
    #[staticmethod]
    #[pyo3(signature = (cls, data, require_grad=false))]
    fn _make_subclass<'py>(
        cls: &Bound<'py, PyType>,
        data: &Bound<'py, PyTensor>,
        require_grad: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        subclass_check(cls)?;
        let t = data.get().tensor().detach();
        if require_grad == Some(true) {
            check_differentiable(&t, super::gradient::DIFFERENTIABLE)?;
            t.set_requires_grad(true);
        }
        if super::tensor::is_parameter_type(cls) {
            t.set_parameter();
        }
        make(cls, t)
    }
}

pub(super) fn register(_: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
