//! A tensor's gradient and its place in the graph, as attributes.

use super::convert::tensor_of;
use super::tensor::{PyTensor, wrap};
use crate::tensor::Tensor;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyTuple};

const NOT_A_LEAF: &std::ffi::CStr = c"The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information.";

#[pymethods]
impl PyTensor {
    #[getter]
    fn requires_grad(&self) -> bool {
        self.tensor().requires_grad()
    }
    #[setter]
    fn set_requires_grad(&self, on: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(on) = on.cast::<PyBool>() else {
            return Err(PyRuntimeError::new_err("requires_grad must be a bool"));
        };
        set_requires_grad(&self.tensor(), on.is_true(), "only Tensors of floating point and complex dtype")
    }
    /// The argument may be left out, which a tuple tells from None.
    #[pyo3(signature = (*args, requires_grad=None))]
    fn requires_grad_<'py>(
        slf: Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        requires_grad: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Self>> {
        let first = args.iter().next();
        let on = match first.as_ref().or(requires_grad).map(|r| r.cast::<PyBool>().map_err(|_| r)) {
            None => true,
            Some(Ok(on)) => on.is_true(),
            Some(Err(r)) => {
                return Err(PyTypeError::new_err(format!(
                    "requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {}",
                    super::args::type_name(r)
                )));
            }
        };
        set_requires_grad(&slf.get().tensor(), on, "only Tensors of floating point dtype")?;
        Ok(slf)
    }
    #[getter]
    fn is_leaf(&self) -> bool {
        let t = self.tensor();
        !t.requires_grad() || crate::autograd::grad_fn(&t).is_none()
    }
    #[getter]
    fn output_nr(&self) -> u32 {
        crate::autograd::grad_fn(&self.tensor()).map_or(0, |e| e.nr)
    }
    #[getter]
    fn grad(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let t = self.tensor();
        let Some(meta) = t.meta_if_any() else { return Ok(None) };
        let (grad, warns) = {
            let m = meta.lock();
            (m.grad.clone(), m.grad_fn.is_some() && !m.retains_grad)
        };
        let Some(g) = grad else {
            if warns {
                PyErr::warn(py, &py.get_type::<pyo3::exceptions::PyUserWarning>(), NOT_A_LEAF, 1)?;
            }
            return Ok(None);
        };
        let obj = wrap(py, g.clone())?;
        // Held from the first look on, so that what users set on the object is still there at the next.
        let held = Box::new(obj.clone_ref(py));
        let mut m = meta.lock();
        // Another thread may have accumulated meanwhile.
        let old =
            if m.grad.as_ref().is_some_and(|now| now.is(&g)) { m.grad_python.replace(held) } else { Some(held as _) };
        drop(m);
        drop(old);
        Ok(Some(obj))
    }
    #[setter]
    fn set_grad(&self, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let t = self.tensor();
        let Some(value) = value.filter(|v| !v.is_none()) else {
            t.set_grad(None);
            return Ok(());
        };
        let Some(g) = tensor_of(value) else {
            return Err(PyTypeError::new_err(format!(
                "assigned grad expected to be a Tensor or None but got grad of type {}",
                value.get_type().name()?
            )));
        };
        if g.is(&t) {
            return Err(PyRuntimeError::new_err("can't assign Variable as its own grad"));
        }
        if g.dtype() != t.dtype() {
            return Err(PyRuntimeError::new_err(format!(
                "attempting to assign a gradient with dtype '{}' to a tensor with grad_dtype '{}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break downstream systems that assume they match.",
                g.dtype().c_name(),
                t.dtype().scalar_name()
            )));
        }
        if g.data_device() != t.data_device() {
            return Err(PyRuntimeError::new_err(format!(
                "attempting to assign a gradient with device type '{}' to a tensor with device type '{}'. Please ensure that the gradient and the tensor are on the same device",
                g.device(),
                t.device()
            )));
        }
        if g.shape() != t.shape() {
            return Err(PyRuntimeError::new_err(format!(
                "attempting to assign a gradient of size '{:?}' to a tensor of size '{:?}'. Please ensure that the gradient and the tensor are the same size",
                g.shape(),
                t.shape()
            )));
        }
        t.set_grad(Some(g));
        let old = t.meta().lock().grad_python.replace(Box::new(value.clone().unbind()));
        drop(old);
        Ok(())
    }
    #[deleter]
    fn delete_grad(&self) {
        self.tensor().set_grad(None);
    }
    #[getter]
    fn grad_fn<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let t = self.tensor();
        crate::autograd::history::check_view(&t)?;
        crate::autograd::grad_fn(&t).map(|e| super::autograd::node_object(py, &e.node)).transpose()
    }
    #[getter]
    fn retains_grad(&self) -> bool {
        self.tensor().meta_if_any().is_some_and(|m| m.lock().retains_grad)
    }
    fn retain_grad(&self) -> PyResult<()> {
        super::hooks::retain_grad(&self.tensor())
    }
}

/// How the sentence begins that refuses other dtypes.
pub(super) const DIFFERENTIABLE: &str = "Only Tensors of floating point and complex dtype";

pub(super) fn check_differentiable(t: &Tensor, which: &str) -> PyResult<()> {
    if !t.dtype().is_differentiable() {
        return Err(PyRuntimeError::new_err(format!("{which} can require gradients")));
    }
    Ok(())
}

/// Switches whether a leaf wants a gradient.
/// `which` begins the sentence that refuses other dtypes.
pub(super) fn set_requires_grad(t: &Tensor, on: bool, which: &str) -> PyResult<()> {
    if crate::autograd::grad_fn(t).is_some() {
        return if on {
            Ok(())
        } else {
            Err(PyRuntimeError::new_err(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
            ))
        };
    }
    if on {
        check_differentiable(t, which)?;
        if t.is_inference() && !crate::autograd::mode::inference() {
            return Err(PyRuntimeError::new_err(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.",
            ));
        }
    }
    t.set_requires_grad(on);
    Ok(())
}
