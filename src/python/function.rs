//! `autograd.Function`: a node whose derivative is Python.

use super::convert::tensor_of;
use super::errors::foreign;
use super::hooks::{grads_from, grads_tuple};
use crate::autograd::saved::Saved;
use crate::autograd::{gradient_edge, mode, record};
use crate::error::Result;
use crate::tensor::{Edge, Grads, Node, OutMeta, Tensor, Vjp};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use smallvec::SmallVec;
use std::any::Any;
use std::sync::{Arc, Mutex, Weak};

/// The Rust half of a ctx.
#[pyclass(name = "_FunctionBase", module = "rustorch._C", subclass, weakref, dict, frozen)]
pub(super) struct FunctionBase {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    saved: Option<Vec<Option<Saved>>>,
    node: Weak<Node>,
}

/// The node's body: the ctx, which the user may keep alive longer than the node.
pub(super) struct PyNode {
    ctx: Py<PyAny>,
}

impl PyNode {
    pub(super) fn context<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.ctx.bind(py).clone()
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.ctx)
    }
}

/// The node behind a ctx.
pub(super) fn node_of(ctx: &Bound<'_, PyAny>) -> Option<Arc<Node>> {
    lock(ctx.cast::<FunctionBase>().ok()?.get()).node.upgrade()
}

fn lock(f: &FunctionBase) -> std::sync::MutexGuard<'_, State> {
    f.state.lock().unwrap_or_else(|e| e.into_inner())
}

impl Vjp for PyNode {
    fn vjp(&self, node: &Arc<Node>, grads: &[Option<Tensor>], _need: u64, keep: bool) -> Result<Grads> {
        let out = Python::attach(|py| -> PyResult<Grads> {
            let ctx = self.ctx.bind(py);
            // The Python half fills in zeros, calls backward and checks the number of gradients.
            let r = ctx.call_method1("_run", (grads_tuple(py, grads)?,))?;
            let out = grads_from(&r, "a Function's backward")?;
            if !keep {
                lock(ctx.cast::<FunctionBase>()?.get()).saved = None;
            }
            Ok(out)
        });
        let _ = node;
        out.map_err(foreign)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[pymethods]
impl FunctionBase {
    #[new]
    fn new() -> Self {
        FunctionBase { state: Mutex::new(State::default()) }
    }

    /// The saved tensors, checked for changes in place.
    #[getter]
    fn saved_tensors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let (list, node) = {
            let s = lock(self);
            (s.saved.clone(), s.node.upgrade())
        };
        let Some(list) = list else {
            return Err(record::freed::<()>("Function")
                .err()
                .map_or_else(|| PyRuntimeError::new_err("freed"), Into::into));
        };
        let node = match node {
            Some(n) => n,
            // Asked for before the node exists, or after it is gone: outputs have no history then.
            None => Arc::new(Node::new("Function", SmallVec::new(), Box::new(Nothing))),
        };
        let items = list
            .iter()
            .map(|s| {
                s.as_ref()
                    .map(|s| Ok::<_, PyErr>(s.unpack(&node)?))
                    .transpose()?
                    .map(|t| super::tensor::wrap(py, t))
                    .transpose()
            })
            .collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(py, items)
    }

    /// Makes the node: `inputs` are all arguments, `outputs` the raw results with flags (differentiable, is dirty input).
    /// `saved` are the tensors given to `save_for_backward`.
    fn _attach<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        inputs: &Bound<'py, PyTuple>,
        outputs: &Bound<'py, PyTuple>,
        differentiable: Vec<bool>,
        dirty: Vec<bool>,
        saved: &Bound<'py, PyTuple>,
    ) -> PyResult<()> {
        let mut edges: SmallVec<[Option<Edge>; 2]> = SmallVec::new();
        for x in inputs.iter() {
            edges.push(tensor_of(&x).and_then(|t| gradient_edge(&t)));
        }
        let node =
            Arc::new(Node::new(leak_name(name), edges, Box::new(PyNode { ctx: slf.clone().into_any().unbind() })));
        lock(slf.get()).node = Arc::downgrade(&node);
        if mode::anomaly() {
            crate::autograd::engine::note_traceback(&node);
        }
        let mut outs = Vec::new();
        for ((y, &diff), &dirty) in outputs.iter().zip(&differentiable).zip(&dirty) {
            let Some(t) = tensor_of(&y) else {
                node.add_output(OutMeta {
                    shape: SmallVec::new(),
                    dtype: crate::tensor::DType::F32,
                    device: crate::tensor::Device::Cpu,
                });
                continue;
            };
            if dirty {
                if t.requires_grad() && t.is_leaf() {
                    return Err(PyRuntimeError::new_err(
                        "a leaf Variable that requires grad is being used in an in-place operation.",
                    ));
                }
                crate::ops::inplace::rebase(&t, node.clone());
            } else if diff && t.dtype().is_differentiable() {
                record::attach(&node, &[&t]);
            } else {
                node.add_output(OutMeta::of(&t));
            }
            outs.push(t);
        }
        let list = save(&outs, saved)?;
        lock(slf.get()).saved = Some(list);
        Ok(())
    }

    /// Keeps tensors without a node (nothing requires grad).
    fn _keep(&self, saved: &Bound<'_, PyTuple>) -> PyResult<()> {
        let list = save(&[], saved)?;
        lock(self).saved = Some(list);
        Ok(())
    }

    #[getter]
    fn next_functions<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let node = lock(slf.get()).node.upgrade();
        match node {
            Some(n) => super::autograd::next_functions(slf.py(), &n),
            None => Ok(PyTuple::empty(slf.py())),
        }
    }

    #[pyo3(name = "_add_hook")]
    fn add_hook(&self, hook: Py<PyAny>, before: bool) -> PyResult<u64> {
        let node = lock(self).node.upgrade().ok_or_else(|| PyRuntimeError::new_err("the node is gone"))?;
        Ok(super::hooks::add_node_hook(&node, hook, before))
    }

    #[pyo3(name = "_remove_hook")]
    fn remove_hook(&self, id: u64) {
        let node = lock(self).node.upgrade();
        if let Some(n) = node {
            super::hooks::remove_node_hook(&n, id);
        }
    }
}

struct Nothing;

impl Vjp for Nothing {
    fn vjp(&self, _: &Arc<Node>, _: &[Option<Tensor>], _: u64, _: bool) -> Result<Grads> {
        Ok(Grads::new())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn save(outs: &[Tensor], saved: &Bound<'_, PyTuple>) -> PyResult<Vec<Option<Saved>>> {
    saved
        .iter()
        .map(|o| {
            if o.is_none() {
                return Ok(None);
            }
            let Some(t) = tensor_of(&o) else {
                return Err(PyTypeError::new_err(format!(
                    "save_for_backward can only save variables, but argument is of type {}",
                    o.get_type().name()?
                )));
            };
            Ok(Some(match outs.iter().position(|y| y.is(&t)) {
                Some(nr) => Saved::output(&t, nr as u32)?,
                None => Saved::input(&t)?,
            }))
        })
        .collect()
}

// Node names are static: operations have literals. Functions' names are few, so each is kept once.
fn leak_name(name: &str) -> &'static str {
    static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut names = NAMES.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(n) = names.iter().find(|n| **n == name) {
        return n;
    }
    let n: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.push(n);
    n
}

#[pyfunction]
fn _needs_grad(inputs: &Bound<'_, PyTuple>) -> bool {
    mode::grad_enabled() && inputs.iter().any(|x| tensor_of(&x).is_some_and(|t| t.requires_grad()))
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<FunctionBase>()?;
    m.add_function(wrap_pyfunction!(_needs_grad, m)?)?;
    Ok(())
}
