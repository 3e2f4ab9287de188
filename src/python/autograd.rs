//! Modes, the engine's entry, and nodes as Python objects.

use super::convert::tensor_of;
use super::hooks;
use super::tensor::wrap;
use crate::autograd::{self, Backward, mode, saved};
use crate::tensor::{Edge, Node, Tensor};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAttributeError, PyRuntimeError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::sync::Arc;

/// A node of the backward graph.
#[pyclass(name = "Node", module = "rustorch.autograd.graph", frozen, weakref, dict, subclass)]
pub(super) struct PyNodeObject {
    pub node: Arc<Node>,
}

/// The Python object of a node. Nodes of Python functions are their ctx.
pub(super) fn node_object<'py>(py: Python<'py>, node: &Arc<Node>) -> PyResult<Bound<'py, PyAny>> {
    if let Some(f) = node.body().as_any().downcast_ref::<super::function::PyNode>() {
        return Ok(f.context(py).into_any());
    }
    // One class per name, so that `type(x.grad_fn).__name__` is torch's.
    let cls = node_class(py, node.name)?;
    Ok(Bound::new(py, PyNodeObject { node: node.clone() })?.into_any()).and_then(|o| {
        o.setattr("_name", cls)?;
        Ok(o)
    })
}

fn node_class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    Ok(name.into_pyobject(py)?.into_any())
}

#[pymethods]
impl PyNodeObject {
    fn name(&self) -> &'static str {
        self.node.name
    }
    fn __repr__(&self) -> String {
        format!("<{} object at {:#x}>", self.node.name, Arc::as_ptr(&self.node) as usize)
    }
    #[getter]
    fn next_functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        next_functions(py, &self.node)
    }
    #[getter]
    fn variable(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.node.body().as_any().downcast_ref::<autograd::accumulate::Accumulate>() {
            Some(a) => wrap(py, a.variable.clone()),
            None => Err(PyAttributeError::new_err(format!("'{}' object has no attribute 'variable'", self.node.name))),
        }
    }
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut slot = self.node.extra().python.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(d) = slot.as_ref().and_then(|p| p.downcast_ref::<Py<PyAny>>()) {
            return Ok(d.bind(py).clone());
        }
        let d = PyDict::new(py).into_any();
        *slot = Some(Box::new(d.clone().unbind()));
        Ok(d)
    }
    #[getter]
    fn _input_metadata(&self) -> usize {
        self.node.num_outputs()
    }
    fn _sequence_nr(&self) -> u64 {
        self.node.seq
    }
    fn _add_hook(&self, hook: Py<PyAny>, before: bool) -> u64 {
        hooks::add_node_hook(&self.node, hook, before)
    }
    fn _remove_hook(&self, id: u64) {
        hooks::remove_node_hook(&self.node, id);
    }
    fn __getattr__(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
        if let Some(wanted) = name.strip_prefix("_saved_") {
            for (key, value) in self.node.body().saved(&self.node) {
                if key == wanted {
                    return wrap(py, value?);
                }
            }
        }
        Err(PyAttributeError::new_err(format!("'{}' object has no attribute '{name}'", self.node.name)))
    }
    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PyNodeObject>().is_ok_and(|o| Arc::ptr_eq(&o.get().node, &self.node))
    }
    fn __hash__(&self) -> isize {
        (Arc::as_ptr(&self.node) as usize >> 4) as isize
    }
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if Arc::strong_count(&self.node) == 1 {
            hooks::traverse_node(&self.node, &visit)?;
        }
        Ok(())
    }
}

pub(super) fn next_functions<'py>(py: Python<'py>, node: &Arc<Node>) -> PyResult<Bound<'py, PyTuple>> {
    let items = node
        .edges
        .iter()
        .map(|e| match e {
            Some(e) => Ok((Some(node_object(py, &e.node)?), e.nr)),
            None => Ok((None, 0)),
        })
        .collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, items)
}

fn edge_of(obj: &Bound<'_, PyAny>) -> PyResult<Edge> {
    if let Some(t) = tensor_of(obj) {
        return autograd::gradient_edge(&t)
            .ok_or_else(|| PyRuntimeError::new_err("One of the differentiated Tensors does not require grad"));
    }
    // A GradientEdge (node, output_nr).
    if let Ok((node, nr)) = obj.extract::<(Bound<'_, PyAny>, u32)>() {
        if let Ok(n) = node.cast::<PyNodeObject>() {
            return Ok(Edge { node: n.get().node.clone(), nr });
        }
        if let Some(node) = super::function::node_of(&node) {
            return Ok(Edge { node, nr });
        }
    }
    Err(PyTypeError::new_err("expected a Tensor or a GradientEdge"))
}

/// Runs the engine: gradients of `tensors`, weighted by `grad_tensors`, added to leaves or given back for `inputs`.
#[pyfunction]
#[pyo3(signature = (tensors, grad_tensors, retain_graph, create_graph, inputs=None, allow_unused=false, accumulate=true))]
#[allow(clippy::too_many_arguments, reason = "the engine's entry has torch's arguments")]
fn _run_backward<'py>(
    py: Python<'py>,
    tensors: &Bound<'py, PyTuple>,
    grad_tensors: &Bound<'py, PyTuple>,
    retain_graph: bool,
    create_graph: bool,
    inputs: Option<&Bound<'py, PyTuple>>,
    allow_unused: bool,
    accumulate: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let inputs = inputs.filter(|l| !l.is_empty());
    let mut roots = Vec::with_capacity(tensors.len());
    for (i, (t, g)) in tensors.iter().zip(grad_tensors.iter()).enumerate() {
        let edge = match tensor_of(&t) {
            Some(x) => match autograd::gradient_edge(&x) {
                Some(e) => e,
                None => {
                    return Err(PyRuntimeError::new_err(format!(
                        "element {i} of tensors does not require grad and does not have a grad_fn"
                    )));
                }
            },
            None => edge_of(&t)?,
        };
        let grad = if g.is_none() {
            let x = tensor_of(&t)
                .ok_or_else(|| PyRuntimeError::new_err("grad can be implicitly created only for scalar outputs"))?;
            if x.numel() != 1 {
                return Err(PyRuntimeError::new_err("grad can be implicitly created only for scalar outputs"));
            }
            let one = crate::dispatch::empty(x.shape(), x.dtype(), x.device())?;
            crate::dispatch::fill(&one, crate::tensor::Scalar::Int(1));
            Some(one)
        } else {
            tensor_of(&g)
        };
        roots.push((edge, grad));
    }
    let edges = match inputs {
        None => None,
        Some(list) => Some(
            list.iter()
                .map(|t| {
                    if let Some(x) = tensor_of(&t) {
                        if accumulate && x.requires_grad() {
                            hooks::retain_grad(&x)?;
                        }
                        if !x.requires_grad() {
                            return Err(PyRuntimeError::new_err(
                                "One of the differentiated Tensors does not require grad",
                            ));
                        }
                    }
                    edge_of(&t)
                })
                .collect::<PyResult<Vec<_>>>()?,
        ),
    };
    let call = Backward { roots, keep_graph: retain_graph, create_graph, inputs: edges.as_deref(), accumulate };
    let out = py.detach(|| call.run())?;
    let Some(list) = inputs else { return Ok(py.None().into_bound(py)) };
    if accumulate {
        return Ok(py.None().into_bound(py));
    }
    if !allow_unused && out.iter().any(Option::is_none) {
        return Err(PyRuntimeError::new_err(
            "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.",
        ));
    }
    let _ = list;
    let items = out.into_iter().map(|g| g.map(|g| wrap(py, g)).transpose()).collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, items)?.into_any())
}

/// Python functions that store saved tensors.
struct PySavedHooks {
    pack: Py<PyAny>,
    unpack: Py<PyAny>,
}

struct PyPacked {
    object: Py<PyAny>,
    unpack: Py<PyAny>,
}

impl saved::SavedHooks for PySavedHooks {
    fn pack(&self, t: &Tensor) -> crate::error::Result<Arc<dyn saved::Packed>> {
        Python::attach(|py| -> PyResult<Arc<dyn saved::Packed>> {
            // Operations inside the function must not save through it again.
            saved::push_hooks(Err(crate::error::Error::new(crate::error::Kind::Runtime, "")));
            let r = autograd::no_grad(|| wrap(py, t.clone()).and_then(|t| self.pack.call1(py, (t,))));
            saved::pop_hooks();
            Ok(Arc::new(PyPacked { object: r?, unpack: self.unpack.clone_ref(py) }))
        })
        .map_err(super::errors::foreign)
    }
}

impl saved::Packed for PyPacked {
    fn unpack(&self) -> crate::error::Result<Tensor> {
        Python::attach(|py| -> PyResult<Tensor> {
            let r = self.unpack.call1(py, (self.object.clone_ref(py),))?;
            tensor_of(r.bind(py))
                .ok_or_else(|| PyTypeError::new_err("Output of saved tensor unpack_hook expected to be a Tensor"))
        })
        .map_err(super::errors::foreign)
    }
}

#[pyfunction]
fn _push_saved_tensors_hooks(pack: Py<PyAny>, unpack: Py<PyAny>) -> PyResult<()> {
    if let Some(why) = saved::hooks_forbidden().filter(|w| !w.is_empty()) {
        return Err(PyRuntimeError::new_err(why));
    }
    saved::push_hooks(Ok(Arc::new(PySavedHooks { pack, unpack })));
    Ok(())
}

#[pyfunction]
fn _saved_tensors_hooks_disable(message: String) {
    saved::push_hooks(Err(crate::error::Error::new(crate::error::Kind::Runtime, message)));
}

#[pyfunction]
fn _saved_tensors_hooks_enable() {
    saved::pop_hooks();
}

#[pyfunction]
fn _saved_tensors_hooks_get_disabled_error_message() -> Option<String> {
    saved::hooks_forbidden()
}

#[pyfunction]
fn _increment_version(tensors: &Bound<'_, PyAny>) -> PyResult<()> {
    for t in tensors.try_iter()? {
        if let Some(t) = tensor_of(&t?) {
            t.bump_version();
        }
    }
    Ok(())
}

#[pyfunction]
fn set_anomaly_enabled(on: bool, check_nan: bool) {
    mode::set_anomaly(on);
    mode::set_anomaly_nan(check_nan);
}

#[pyfunction]
fn is_anomaly_check_nan_enabled() -> bool {
    mode::anomaly_nan()
}

/// Nested backward through a checkpoint is possible in every pass here.
#[pyfunction]
fn _is_checkpoint_valid() -> bool {
    true
}

#[pyfunction]
fn _pop_saved_tensors_hooks() {
    saved::pop_hooks();
}

macro_rules! switches {
    ($($name:ident => $e:expr;)*) => { $(#[pyfunction] fn $name(on: bool) -> bool { ($e)(on) })* };
}
switches! {
    _set_grad_enabled => mode::set_grad_enabled;
    _set_inference_mode => mode::set_inference;
    _set_multithreading_enabled => mode::set_multithreading;
    _set_view_replay_enabled => mode::set_view_replay;
}

#[pyfunction]
fn is_grad_enabled() -> bool {
    mode::grad_enabled()
}
#[pyfunction]
fn is_inference_mode_enabled() -> bool {
    mode::inference()
}
#[pyfunction]
fn is_anomaly_enabled() -> bool {
    mode::anomaly()
}
#[pyfunction]
fn _set_version(t: &Bound<'_, super::tensor::PyTensor>, version: u32) {
    t.get().tensor().set_version(version);
}
#[pyfunction]
fn _current_graph_task_id() -> i64 {
    if autograd::engine::current_node().is_null() { -1 } else { 0 }
}

fn traceback() -> Option<String> {
    Python::attach(|py| {
        let stack = py.import("traceback").ok()?.call_method0("format_stack").ok()?;
        let list = stack.cast::<PyList>().ok()?;
        Some(list.iter().map(|l| l.to_string()).collect())
    })
}

fn warn(text: &str) {
    Python::attach(|py| {
        let text = std::ffi::CString::new(text).unwrap_or_default();
        let _ = PyErr::warn(py, &py.get_type::<pyo3::exceptions::PyUserWarning>(), &text, 2);
    });
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyNodeObject>()?;
    autograd::engine::install_python(traceback, warn);
    for f in [
        wrap_pyfunction!(_run_backward, m)?,
        wrap_pyfunction!(_push_saved_tensors_hooks, m)?,
        wrap_pyfunction!(_pop_saved_tensors_hooks, m)?,
        wrap_pyfunction!(_saved_tensors_hooks_disable, m)?,
        wrap_pyfunction!(_saved_tensors_hooks_enable, m)?,
        wrap_pyfunction!(_saved_tensors_hooks_get_disabled_error_message, m)?,
        wrap_pyfunction!(_increment_version, m)?,
        wrap_pyfunction!(set_anomaly_enabled, m)?,
        wrap_pyfunction!(is_anomaly_check_nan_enabled, m)?,
        wrap_pyfunction!(_is_checkpoint_valid, m)?,
        wrap_pyfunction!(_set_grad_enabled, m)?,
        wrap_pyfunction!(_set_inference_mode, m)?,
        wrap_pyfunction!(_set_multithreading_enabled, m)?,
        wrap_pyfunction!(_set_view_replay_enabled, m)?,
        wrap_pyfunction!(is_grad_enabled, m)?,
        wrap_pyfunction!(is_inference_mode_enabled, m)?,
        wrap_pyfunction!(is_anomaly_enabled, m)?,
        wrap_pyfunction!(_set_version, m)?,
        wrap_pyfunction!(_current_graph_task_id, m)?,
    ] {
        m.add_function(f)?;
    }
    Ok(())
}
