//! `autograd.Function`: a node whose derivative is Python.

use super::collect::Held;
use super::convert::tensor_of;
use super::errors::foreign;
use super::hooks::{grads_from, grads_tuple};
use crate::autograd::history::{check_view, forbidden};
use crate::autograd::saved::Saved;
use crate::autograd::{gradient_edge, mode, record};
use crate::error::Result;
use crate::tensor::tensor::Creation;
use crate::tensor::{Edge, Grads, Node, OutMeta, Tensor, Vjp};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use smallvec::SmallVec;
use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// The Rust half of a ctx.
#[pyclass(name = "_FunctionBase", module = "rustorch._C", subclass, weakref, dict, frozen)]
pub(super) struct FunctionBase {
    state: Mutex<State>,
    // False in the zeroed memory that the collector may meet before `new` has filled it.
    ready: AtomicBool,
}

#[derive(Default)]
struct State {
    saved: Option<Vec<Option<Saved>>>,
    access: Access,
    node: Weak<Node>,
    // While the derivative is recorded of a function that changed a view: what stands for `node` as saved outputs' history.
    as_result: Option<Arc<Node>>,
}

/// What `ctx.saved_tensors` gives.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Access {
    /// `forward` is still running: what it has asked to be kept.
    #[default]
    Early,
    /// What was kept, as often as it is asked for.
    Kept,
    /// The same, once.
    Once,
    /// Nothing more.
    Cleared,
}

/// The node's body: the ctx, which the user may keep alive longer than the node.
pub(super) struct PyNode {
    ctx: Held,
}

impl PyNode {
    pub(super) fn context<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.ctx.bind(py).clone()
    }
}

impl PyNode {
    pub(super) fn visit(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&*self.ctx)
    }
}

/// The node behind a ctx.
pub(super) fn node_of(ctx: &Bound<'_, PyAny>) -> Option<Arc<Node>> {
    lock(ctx.cast::<FunctionBase>().ok()?.get()).node.upgrade()
}

/// Replaces the saved tensors. The old ones go outside of the lock: what dies with them may be Python's.
fn store(f: &FunctionBase, saved: Option<Vec<Option<Saved>>>) {
    let old = {
        let mut s = lock(f);
        if saved.is_some() {
            s.access = Access::Kept;
        }
        std::mem::replace(&mut s.saved, saved)
    };
    drop(old);
}

fn lock(f: &FunctionBase) -> std::sync::MutexGuard<'_, State> {
    f.state.lock().unwrap_or_else(|e| e.into_inner())
}

// torch's text for a complex gradient of a real tensor.
fn wrong_kind(g: &Tensor, edge: &Edge) -> Option<&'static str> {
    let outputs = edge.node.outputs.lock().unwrap_or_else(|e| e.into_inner());
    let real = outputs.get(edge.nr as usize).is_some_and(|m| !m.dtype.is_complex());
    (g.dtype().is_complex() && real).then_some("Expected isFloatingType(grad.scalar_type()) || (input_is_complex == grad_is_complex) to be true, but got false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)")
}

impl Vjp for PyNode {
    fn takes_sparse(&self) -> bool {
        true
    }

    fn vjp(&self, node: &Arc<Node>, grads: &[Option<Tensor>], _need: u64, keep: bool) -> Result<Grads> {
        let out = Python::attach(|py| -> PyResult<Grads> {
            let ctx = self.ctx.bind(py);
            let own = lock(ctx.cast::<FunctionBase>()?.get()).node.upgrade();
            let stands_in = own.as_ref().is_some_and(|own| !Arc::ptr_eq(own, node));
            if stands_in {
                lock(ctx.cast::<FunctionBase>()?.get()).as_result = Some(node.clone());
            }
            // The Python half fills in zeros, calls backward and checks the number of gradients.
            let r = ctx.call_method1("_run", (grads_tuple(py, grads)?,));
            if stands_in {
                let node = lock(ctx.cast::<FunctionBase>()?.get()).as_result.take();
                drop(node);
            }
            let out = grads_from(&r?)?;
            let edges = &own.as_ref().unwrap_or(node).edges;
            if let Some(bad) = out.iter().zip(edges).find_map(|(g, e)| wrong_kind(g.as_ref()?, e.as_ref()?)) {
                return Err(PyRuntimeError::new_err(bad));
            }
            if !keep {
                store(ctx.cast::<FunctionBase>()?.get(), None);
            }
            Ok(out)
        });
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
        FunctionBase { state: Mutex::new(State::default()), ready: AtomicBool::new(true) }
    }

    /// The saved tensors, checked for changes in place.
    #[getter]
    fn saved_tensors<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let (list, node, access) = {
            let mut s = lock(slf.get());
            let access = s.access;
            let list = if access == Access::Once { s.saved.take() } else { s.saved.clone() };
            if access == Access::Once {
                s.access = Access::Cleared;
            }
            (list, s.as_result.clone().or_else(|| s.node.upgrade()), access)
        };
        if access == Access::Early {
            let kept = slf.as_any().getattr_opt("to_save")?.filter(|k| !k.is_none());
            return kept.map_or_else(|| Ok(PyTuple::empty(py)), |k| Ok(k.cast_into::<PyTuple>()?));
        }
        if access == Access::Cleared {
            return Err(PyRuntimeError::new_err(
                "saved_tensors can only be accessed once when clear_saved_tensors_on_access=True is set on the autograd.Function. Either access saved_tensors only once, or set clear_saved_tensors_on_access=False.",
            ));
        }
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

    /// Lets the saved tensors be read once.
    fn _clear_on_access(&self) {
        lock(self).access = Access::Once;
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
        let args: Vec<_> = inputs.iter().map(|x| tensor_of(&x)).collect();
        let mut edges: SmallVec<[Option<Edge>; 2]> = SmallVec::new();
        for t in &args {
            if let Some(t) = t {
                check_view(t)?;
            }
            edges.push(t.as_ref().and_then(gradient_edge));
        }
        let node = Arc::new(Node::new(
            leak_name(name),
            edges,
            Box::new(PyNode { ctx: Held::new(slf.clone().into_any().unbind()) }),
        ));
        if mode::anomaly() {
            crate::autograd::engine::note_origin(&node);
        }
        // The outputs with a history, and their numbers.
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
                let at = args.iter().position(|a| a.as_ref().is_some_and(|a| a.is(&t))).unwrap_or(0);
                rebase(&t, &node, at, outputs.len())?;
            } else if diff && t.dtype().is_differentiable() {
                record::attach(&node, &[&t]);
                if t.base().is_some() {
                    t.set_creation(if outputs.len() > 1 { Creation::Multiple } else { Creation::Custom });
                }
            } else {
                node.add_output(OutMeta::of(&t));
                continue;
            }
            outs.push((t, node.num_outputs() as u32 - 1));
        }
        lock(slf.get()).node = Arc::downgrade(&node);
        let list = save(saved, |t| match outs.iter().find(|y| y.0.is(t)) {
            Some(&(_, nr)) => Saved::output(t, nr),
            None => Saved::input(t),
        })?;
        store(slf.get(), Some(list));
        Ok(())
    }

    /// Keeps tensors without a node (nothing is recorded). Outputs that are views are marked as this function's.
    fn _keep(&self, saved: &Bound<'_, PyTuple>, outputs: &Bound<'_, PyTuple>) -> PyResult<()> {
        for t in outputs.iter().filter_map(|y| tensor_of(&y)).filter(|t| t.base().is_some()) {
            t.set_creation(if outputs.len() > 1 { Creation::Multiple } else { Creation::Custom });
        }
        store(self, Some(save(saved, |t| Ok(Saved::unrecorded(t)))?));
        Ok(())
    }

    #[getter]
    fn _input_metadata(&self) -> Vec<super::autograd::InputMetadata> {
        let node = lock(self).node.upgrade();
        node.map_or(Vec::new(), |n| super::autograd::input_metadata(&n))
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
    fn add_hook(&self, hook: Py<PyAny>, before: bool) -> PyResult<super::hooks::HookHandle> {
        let node = lock(self).node.upgrade().ok_or_else(|| PyRuntimeError::new_err("the node is gone"))?;
        Ok(super::hooks::add_node_hook(&node, hook, before))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        if !self.ready.load(Ordering::Acquire) {
            return Ok(());
        }
        let state = lock(self);
        super::collect::parts(&visit, |see| state.saved.iter().flatten().flatten().for_each(|s| s.part(see)))
    }
    fn __clear__(&self) {
        if self.ready.load(Ordering::Acquire) {
            store(self, None);
        }
    }
}

/// The derivative of a node that stands for none.
pub(super) struct Nothing;

impl Vjp for Nothing {
    fn vjp(&self, _: &Arc<Node>, _: &[Option<Tensor>], _: u64, _: bool) -> Result<Grads> {
        Ok(Grads::new())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn save(saved: &Bound<'_, PyTuple>, keep: impl Fn(&Tensor) -> Result<Saved>) -> PyResult<Vec<Option<Saved>>> {
    saved
        .iter()
        .enumerate()
        .map(|(i, o)| {
            if o.is_none() {
                return Ok(None);
            }
            let Some(t) = tensor_of(&o) else {
                return Err(PyTypeError::new_err(format!(
                    "save_for_backward can only save variables, but argument {i} is of type {}",
                    o.get_type().name()?
                )));
            };
            Ok(Some(keep(&t)?))
        })
        .collect()
}

/// Gives an input that `forward` changed in place its new history.
fn rebase(t: &Tensor, node: &Arc<Node>, at: usize, outputs: usize) -> PyResult<()> {
    if t.requires_grad() && t.is_leaf() {
        return Err(PyRuntimeError::new_err(
            "a leaf Variable that requires grad has been used in an in-place operation.",
        ));
    }
    if let Some(base) = t.base() {
        if outputs > 1 {
            return Err(PyRuntimeError::new_err(
                "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return more than one Tensor. This is not supported by the current autograd engine. You should either make sure the input is not a view (using .clone() for example) or make your Function only return one Tensor (potentially splitting it into two Functions: one doing the inplace that returns a single Tensor and a second one that does the other operations). You can ask on the forum https://discuss.pytorch.org/ if you need help to do this change.",
            ));
        }
        forbidden(t, "is being")?;
        if base.requires_grad() && base.is_leaf() {
            return Err(PyRuntimeError::new_err(
                "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            ));
        }
    }
    t.bump_version();
    crate::ops::inplace::rebase_at(t, node.clone(), at);
    Ok(())
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
    mode::recording() && inputs.iter().any(|x| tensor_of(&x).is_some_and(|t| t.requires_grad()))
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<FunctionBase>()?;
    m.add_function(wrap_pyfunction!(_needs_grad, m)?)?;
    Ok(())
}
