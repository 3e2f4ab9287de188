//! Python functions attached to tensors and nodes.

use super::collect::Held;
use super::convert::tensor_of;
use super::errors::foreign;
use super::tensor::wrap;
use crate::error::Result;
use crate::ops::lazy;
use crate::tensor::node::{Hook, HookKind};
use crate::tensor::tensor::AutogradMeta;
use crate::tensor::{Grads, Node, Tensor};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// How a hook's Python function is called.
enum Style {
    /// `f(grad) -> grad or None`.
    Tensor,
    /// `f(grad_outputs) -> grad_outputs or None`, before the node.
    Pre,
    /// `f(grad_inputs, grad_outputs) -> grad_inputs or None`, after the node.
    Post,
}

/// A Python function as a hook.
pub(super) struct PyHook {
    function: Held,
    style: Style,
}

impl PyHook {
    fn new(function: Py<PyAny>, style: Style) -> Self {
        PyHook { function: Held::new(function), style }
    }

    pub(super) fn tensor(function: Py<PyAny>) -> Self {
        PyHook::new(function, Style::Tensor)
    }
}

impl PyHook {
    pub(super) fn visit(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&*self.function)
    }
}

pub(super) fn grads_tuple<'py>(py: Python<'py>, grads: &[Option<Tensor>]) -> PyResult<Bound<'py, PyTuple>> {
    let items =
        grads.iter().map(|g| g.as_ref().map(|g| wrap(py, g.clone())).transpose()).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, items)
}

/// Gradients from what a Python function returned: a tensor, None, or a sequence of these.
pub(super) fn grads_from(obj: &Bound<'_, PyAny>) -> PyResult<Grads> {
    let one = |o: &Bound<'_, PyAny>| -> PyResult<Option<Tensor>> {
        if o.is_none() {
            return Ok(None);
        }
        tensor_of(o).map(Some).ok_or_else(|| {
            PyRuntimeError::new_err(format!(
                "expected Variable or None (got {})",
                o.get_type().name().map(|n| n.to_string()).unwrap_or_default()
            ))
        })
    };
    if let Ok(t) = obj.cast::<PyTuple>() {
        return t.iter().map(|o| one(&o)).collect();
    }
    if let Ok(l) = obj.cast::<pyo3::types::PyList>() {
        return l.iter().map(|o| one(&o)).collect();
    }
    Ok(smallvec::smallvec![one(obj)?])
}

fn name_of(hook: &Bound<'_, PyAny>) -> String {
    hook.getattr("__name__").map_or_else(|_| "<unknown>".to_owned(), |n| n.to_string())
}

/// torch's name for a kind of tensors.
fn kind_of(t: &Tensor) -> String {
    let dtype = t.dtype().scalar_name();
    if t.is_meta() { format!("Meta{dtype}Type") } else { format!("torch.{dtype}Tensor") }
}

/// A gradient that a hook gave back for another one: a tensor like it, or None.
fn replacement(hook: &Bound<'_, PyAny>, old: Option<&Tensor>, new: &Bound<'_, PyAny>) -> PyResult<Option<Tensor>> {
    if new.is_none() {
        return Ok(None);
    }
    let Some(old) = old else {
        return Err(PyRuntimeError::new_err("can't replace a None gradient with a non-None value"));
    };
    let Some(new) = tensor_of(new) else {
        return Err(PyTypeError::new_err(format!("expected Variable, but hook returned '{}'", new.get_type().name()?)));
    };
    if new.dtype() != old.dtype() || new.device() != old.device() {
        return Err(PyRuntimeError::new_err(format!(
            "hook '{}' has changed the type of value (was {} got {})",
            name_of(hook),
            kind_of(old),
            kind_of(&new)
        )));
    }
    if new.shape() != old.shape() {
        return Err(PyRuntimeError::new_err(format!("hook '{}' has changed the size of value", name_of(hook))));
    }
    Ok(Some(lazy::resolve(&new)?))
}

/// Replaces gradients by what a node's hook returned, if it fits.
fn take_results(hook: &Bound<'_, PyAny>, grads: &mut Grads, r: &Bound<'_, PyAny>) -> PyResult<()> {
    let Ok(given) = r.cast::<PyTuple>() else {
        let name = r.get_type().name()?;
        return Err(PyTypeError::new_err(format!("expected tuple, but hook returned '{name}'")));
    };
    if given.len() != grads.len() {
        return Err(PyRuntimeError::new_err(format!(
            "hook '{}' has returned an incorrect number of values (got {}, but expected {})",
            name_of(hook),
            given.len(),
            grads.len()
        )));
    }
    *grads =
        grads.iter().zip(given).map(|(old, new)| replacement(hook, old.as_ref(), &new)).collect::<PyResult<_>>()?;
    Ok(())
}

fn wrapped(py: Python<'_>, g: Option<&Tensor>) -> PyResult<Option<Py<PyAny>>> {
    g.map(|g| wrap(py, g.clone())).transpose()
}

impl Hook for PyHook {
    fn pre(&self, grads: &mut Grads) -> Result<()> {
        Python::attach(|py| -> PyResult<()> {
            match self.style {
                Style::Tensor => {
                    let Some(g) = grads.first() else { return Ok(()) };
                    let hook = self.function.bind(py);
                    let r = hook.call1((wrapped(py, g.as_ref())?,))?;
                    if !r.is_none() {
                        grads[0] = replacement(hook, g.as_ref(), &r)?;
                    }
                }
                Style::Pre => {
                    let hook = self.function.bind(py);
                    let r = hook.call1((grads_tuple(py, grads)?,))?;
                    if !r.is_none() {
                        take_results(hook, grads, &r)?;
                    }
                }
                Style::Post => {}
            }
            Ok(())
        })
        .map_err(foreign)
    }

    fn post(&self, out: &mut Grads, grads: &[Option<Tensor>]) -> Result<()> {
        Python::attach(|py| -> PyResult<()> {
            let r = match self.style {
                Style::Post => self.function.bind(py).call1((grads_tuple(py, out)?, grads_tuple(py, grads)?))?,
                // After accumulation: the leaf itself.
                _ => {
                    let Some(Some(t)) = out.first() else { return Ok(()) };
                    let r = self.function.bind(py).call1((wrap(py, t.clone())?,))?;
                    if tensor_of(&r).is_some() {
                        return Err(PyRuntimeError::new_err("Tensor post accumulate grad hooks should return None."));
                    }
                    if !r.is_none() {
                        return Err(PyTypeError::new_err(format!(
                            "expected Variable, but hook returned '{}'",
                            r.get_type().name()?
                        )));
                    }
                    return Ok(());
                }
            };
            if !r.is_none() {
                take_results(self.function.bind(py), out, &r)?;
            }
            Ok(())
        })
        .map_err(foreign)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `retain_grad` as a hook: stores the gradient in the tensor, which it does not keep alive.
struct Retain(std::sync::Weak<crate::tensor::tensor::AutogradMeta>);

impl Hook for Retain {
    fn pre(&self, grads: &mut Grads) -> Result<()> {
        let (Some(meta), Some(Some(g))) = (self.0.upgrade(), grads.first()) else { return Ok(()) };
        let old = meta.lock().grad.clone();
        let sum = match old {
            None if g.sparse().is_some() => crate::ops::sparse::keep(g)?,
            None => crate::ops::copy::clone(g, None)?,
            Some(old) => crate::ops::sum_of_gradients(&old, g)?,
        };
        meta.set_grad(Some(sum));
        Ok(())
    }
    fn post(&self, _: &mut Grads, _: &[Option<Tensor>]) -> Result<()> {
        Ok(())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn node_hooks(node: &Node) -> std::sync::MutexGuard<'_, Vec<(u64, HookKind, Arc<dyn Hook>)>> {
    node.extra().hooks.lock().unwrap_or_else(|e| e.into_inner())
}

pub(super) fn retain_grad(t: &Tensor) -> PyResult<()> {
    if !t.requires_grad() {
        return Err(PyRuntimeError::new_err("can't retain_grad on Tensor that has requires_grad=False"));
    }
    let Some(edge) = crate::autograd::grad_fn(t) else { return Ok(()) };
    if std::mem::replace(&mut t.meta().lock().retains_grad, true) {
        return Ok(());
    }
    node_hooks(&edge.node).push((0, HookKind::RetainGrad(edge.nr), Arc::new(Retain(Arc::downgrade(t.meta())))));
    Ok(())
}

/// Where a hook was put, to take it away again. Keeps nothing alive.
#[pyclass(name = "_HookHandle", module = "rustorch._C", frozen, weakref)]
pub(super) struct HookHandle {
    #[pyo3(get)]
    id: u64,
    place: Place,
}

enum Place {
    Node(Weak<Node>),
    Leaf(Weak<AutogradMeta>),
}

#[pymethods]
impl HookHandle {
    fn remove(&self) {
        match &self.place {
            Place::Node(node) => {
                if let Some(node) = node.upgrade() {
                    let found = take_hook(&mut node_hooks(&node), self.id);
                    drop(found);
                }
            }
            Place::Leaf(meta) => {
                let Some(meta) = meta.upgrade() else { return };
                // Found under the lock, dropped outside of it: a function's end may run anything.
                let found = {
                    let mut m = meta.lock();
                    let at = m.post_accumulate.iter().position(|h| h.0 == self.id);
                    (take_hook(&mut m.hooks, self.id), at.map(|at| m.post_accumulate.remove(at)))
                };
                drop(found);
            }
        }
    }
}

fn take_hook(hooks: &mut Vec<(u64, HookKind, Arc<dyn Hook>)>, id: u64) -> Option<Arc<dyn Hook>> {
    let at = hooks.iter().position(|h| h.0 == id)?;
    Some(hooks.remove(at).2)
}

pub(super) fn add_tensor_hook(t: &Tensor, hook: PyHook) -> PyResult<HookHandle> {
    if !t.requires_grad() {
        return Err(PyRuntimeError::new_err("cannot register a hook on a tensor that doesn't require gradient"));
    }
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let place = match crate::autograd::grad_fn(t) {
        Some(edge) => {
            node_hooks(&edge.node).push((id, HookKind::Tensor(edge.nr), Arc::new(hook)));
            Place::Node(Arc::downgrade(&edge.node))
        }
        None => {
            t.meta().lock().hooks.push((id, HookKind::Tensor(0), Arc::new(hook)));
            Place::Leaf(Arc::downgrade(t.meta()))
        }
    };
    Ok(HookHandle { id, place })
}

/// The functions of a leaf's hooks.
pub(super) fn functions(py: Python<'_>, t: &Tensor) -> Vec<Py<PyAny>> {
    let Some(meta) = t.meta_if_any() else { return Vec::new() };
    let hooks: Vec<_> = meta.lock().hooks.iter().map(|h| h.2.clone()).collect();
    hooks.iter().filter_map(|h| h.as_any().downcast_ref::<PyHook>()).map(|h| h.function.clone_ref(py)).collect()
}

pub(super) fn add_post_accumulate(t: &Tensor, hook: PyHook) -> PyResult<HookHandle> {
    if !t.requires_grad() {
        return Err(PyRuntimeError::new_err("cannot register a hook on a tensor that doesn't require gradient"));
    }
    if crate::autograd::grad_fn(t).is_some() {
        return Err(PyRuntimeError::new_err("post accumulate grad hooks cannot be registered on non-leaf tensors"));
    }
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    t.meta().lock().post_accumulate.push((id, Arc::new(hook)));
    Ok(HookHandle { id, place: Place::Leaf(Arc::downgrade(t.meta())) })
}

pub(super) fn add_node_hook(node: &Arc<Node>, function: Py<PyAny>, before: bool) -> HookHandle {
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let (kind, style) = if before { (HookKind::Pre, Style::Pre) } else { (HookKind::Post, Style::Post) };
    node_hooks(node).push((id, kind, Arc::new(PyHook::new(function, style))));
    HookHandle { id, place: Place::Node(Arc::downgrade(node)) }
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<HookHandle>()
}
