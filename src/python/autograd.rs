//! Modes, the engine's entry, and nodes as Python objects.

use super::collect::{self, Held};
use super::convert::tensor_of;
use super::errors::contain;
use super::hooks;
use super::identity::object_in;
use super::tensor::wrap;
use crate::autograd::{self, Backward, mode, saved};
use crate::tensor::{Edge, Node, OutMeta, Part, Tensor};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAttributeError, PyRuntimeError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};

/// A node of the backward graph. Each operation's nodes have a class of their own, made on first sight.
#[pyclass(name = "_Node", module = "rustorch._C", frozen, weakref, subclass)]
pub(super) struct PyNodeObject {
    // The collector puts another node in its place to break a cycle.
    node: Mutex<Arc<Node>>,
    // The object's own address, with which it clears the node's slot. Null until the object is complete.
    me: AtomicPtr<c_void>,
}

impl PyNodeObject {
    fn node(&self) -> Arc<Node> {
        self.node.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }
}

impl Drop for PyNodeObject {
    fn drop(&mut self) {
        forget(&self.node(), *self.me.get_mut());
    }
}

/// Clears a node's slot if it holds this object.
fn forget(node: &Node, object: *mut c_void) {
    if let Some(extra) = node.extra_if_any() {
        let _ = extra.pyobj.compare_exchange(object, std::ptr::null_mut(), Ordering::AcqRel, Ordering::Relaxed);
    }
}

thread_local! { static PENDING: Cell<Option<Arc<Node>>> = const { Cell::new(None) }; }

/// The Python object of a node, the same one as long as somebody holds it. Nodes of Python functions are their ctx.
pub(super) fn node_object<'py>(py: Python<'py>, node: &Arc<Node>) -> PyResult<Bound<'py, PyAny>> {
    if let Some(f) = node.body().as_any().downcast_ref::<super::function::PyNode>() {
        return Ok(f.context(py).into_any());
    }
    let slot = &node.extra().pyobj;
    if let Some(existing) = object_in(py, slot) {
        return Ok(existing);
    }
    let cls = node_class(py, node.name)?;
    PENDING.set(Some(node.clone()));
    let obj = cls.bind(py).call0()?;
    let me = obj.as_ptr().cast();
    obj.cast::<PyNodeObject>()?.get().me.store(me, Ordering::Release);
    slot.store(me, Ordering::Release);
    Ok(obj)
}

/// The class of an operation's nodes, so that `type(x.grad_fn).__name__` is torch's.
fn node_class(py: Python<'_>, name: &'static str) -> PyResult<Py<PyType>> {
    static CLASSES: Mutex<BTreeMap<&str, Py<PyType>>> = Mutex::new(BTreeMap::new());
    let lock = || CLASSES.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(cls) = lock().get(name) {
        return Ok(cls.clone_ref(py));
    }
    // Made outside of the lock: Python may switch threads meanwhile, and the first to return has made the class.
    let body = PyDict::new(py);
    body.set_item("__slots__", PyTuple::empty(py))?;
    body.set_item("__module__", "builtins")?;
    let made =
        py.get_type::<PyType>().call1((name, (py.get_type::<PyNodeObject>(),), body))?.cast_into::<PyType>()?.unbind();
    Ok(lock().entry(name).or_insert(made).clone_ref(py))
}

/// What gradients of one of a node's outputs are like.
#[pyclass(name = "_InputMetadata", module = "rustorch._C", frozen)]
pub(super) struct InputMetadata(OutMeta);

#[pymethods]
impl InputMetadata {
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        super::types::size_object(py, &self.0.shape)
    }
    #[getter]
    fn dtype(&self, py: Python<'_>) -> Py<super::types::PyDType> {
        super::types::dtype_object(py, self.0.dtype)
    }
    #[getter]
    fn device(&self) -> super::types::PyDevice {
        super::types::PyDevice::of(self.0.device)
    }
    #[getter]
    fn is_nested_tensor(&self) -> bool {
        false
    }
    #[getter]
    fn is_cpp_nested_tensor(&self) -> bool {
        false
    }
}

pub(super) fn input_metadata(node: &Node) -> Vec<InputMetadata> {
    node.outputs.lock().unwrap_or_else(|e| e.into_inner()).iter().cloned().map(InputMetadata).collect()
}

#[pymethods]
impl PyNodeObject {
    #[new]
    fn new() -> PyResult<Self> {
        let Some(node) = PENDING.take() else { return Err(PyTypeError::new_err("cannot create '_Node' instances")) };
        Ok(PyNodeObject { node: Mutex::new(node), me: AtomicPtr::new(std::ptr::null_mut()) })
    }
    fn name(&self) -> &'static str {
        self.node().full_name()
    }
    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!("<{} object at {:#x}>", slf.get().node().name, slf.as_ptr() as usize)
    }
    #[getter]
    fn next_functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        next_functions(py, &self.node())
    }
    #[getter]
    fn requires_grad(&self) -> bool {
        true
    }
    #[getter]
    fn variable(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let node = self.node();
        match node.body().as_any().downcast_ref::<autograd::accumulate::Accumulate>() {
            Some(a) => wrap(py, a.variable.clone()),
            None => Err(PyAttributeError::new_err(format!("'{}' object has no attribute 'variable'", node.name))),
        }
    }
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        // Made before the lock is taken: an allocation may run the collector, and that anything.
        let fresh = PyDict::new(py).into_any();
        let node = self.node();
        let mut slot = node.extra().python.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(d) = slot.as_ref().and_then(|p| p.downcast_ref::<Held>()) {
            return d.bind(py).clone();
        }
        *slot = Some(Box::new(Held::new(fresh.clone().unbind())));
        fresh
    }
    #[getter]
    fn _input_metadata(&self) -> Vec<InputMetadata> {
        input_metadata(&self.node())
    }
    fn _sequence_nr(&self) -> u64 {
        self.node().seq
    }
    /// Runs the node by itself.
    #[pyo3(signature = (*grads))]
    fn __call__<'py>(&self, py: Python<'py>, grads: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let node = self.node();
        if let Some(i) = grads.iter().position(|g| !g.is_none() && super::convert::tensor_of(&g).is_none()) {
            return Err(PyTypeError::new_err(format!("argument {i} is not a Variable")));
        }
        // What accumulates into a leaf has no output, but takes a gradient.
        let wanted = node.num_outputs().max(1);
        if grads.len() != wanted {
            return Err(PyTypeError::new_err(format!("expected {wanted} arguments, got {} instead", grads.len())));
        }
        let grads = autograd::engine::fit_outputs(&node, hooks::grads_from(grads.as_any())?)?;
        // Derivatives were made for the inputs that want one; the others have no edge.
        let need = node.edges.iter().enumerate().fold(0, |m, (i, e)| if e.is_some() { m | 1 << i.min(63) } else { m });
        let out = contain(|| Ok(py.detach(|| node.body().vjp(&node, &grads, need, true))?))?;
        let out = hooks::grads_tuple(py, &out)?;
        if out.len() == 1 { out.get_item(0) } else { Ok(out.into_any()) }
    }
    fn _add_hook(&self, hook: Py<PyAny>, before: bool) -> hooks::HookHandle {
        hooks::add_node_hook(&self.node(), hook, before)
    }
    fn __getattr__(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
        let node = self.node();
        if let Some(wanted) = name.strip_prefix("_saved_") {
            for (key, value) in node.body().saved(&node) {
                if key == wanted || key.is_empty() {
                    return wrap(py, value?);
                }
            }
            if saved::may_save(&node, wanted) {
                return Ok(py.None());
            }
        }
        Err(PyAttributeError::new_err(format!("'{}' object has no attribute '{name}'", node.name)))
    }
    fn __dir__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let names = slf.py().get_type::<pyo3::types::PyAny>().call_method1("__dir__", (slf,))?;
        let node = slf.get().node();
        for (key, _) in node.body().saved(&node) {
            names.call_method1("append", (format!("_saved_{key}"),))?;
        }
        Ok(names)
    }
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if self.me.load(Ordering::Acquire).is_null() {
            return Ok(());
        }
        let node = self.node.lock().unwrap_or_else(|e| e.into_inner());
        collect::parts(&visit, |see| see(Part::Node(&node)))
    }
    fn __clear__(&self) {
        let me = self.me.load(Ordering::Acquire);
        if !me.is_null() {
            let stub = Arc::new(Node::new("Cleared", smallvec::SmallVec::new(), Box::new(super::function::Nothing)));
            let old = std::mem::replace(&mut *self.node.lock().unwrap_or_else(|e| e.into_inner()), stub);
            forget(&old, me);
        }
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

/// The node behind a grad_fn.
fn node_of(obj: &Bound<'_, PyAny>) -> Option<Arc<Node>> {
    match obj.cast::<PyNodeObject>() {
        Ok(n) => Some(n.get().node()),
        Err(_) => super::function::node_of(obj),
    }
}

fn edge_of(obj: &Bound<'_, PyAny>) -> PyResult<Edge> {
    if let Some(t) = tensor_of(obj) {
        autograd::history::check_view(&t)?;
        return autograd::gradient_edge(&t)
            .ok_or_else(|| PyRuntimeError::new_err("One of the differentiated Tensors does not require grad"));
    }
    // A GradientEdge: a named tuple of node and output number.
    if let Ok(edge) = obj.cast::<PyTuple>()
        && edge.len() >= 2
        && let Some(node) = node_of(&edge.get_item(0)?)
    {
        let nr = edge.get_item(1)?.extract()?;
        // What accumulates into a leaf takes a gradient although it has no output.
        if nr as usize >= node.num_outputs().max(1) {
            return Err(PyRuntimeError::new_err(format!(
                "GradientEdge: expected an output number below {}, that of the outputs of {}, but got {nr}. Take edges from torch.autograd.graph.get_gradient_edge().",
                node.num_outputs(),
                node.name
            )));
        }
        return Ok(Edge { node, nr });
    }
    Err(PyRuntimeError::new_err(format!(
        "all inputs have to be Tensors or GradientEdges, but got {}",
        super::args::type_name(obj)
    )))
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
            Some(x) => {
                autograd::history::check_view(&x)?;
                autograd::gradient_edge(&x).ok_or_else(|| {
                    PyRuntimeError::new_err(format!(
                        "element {i} of tensors does not require grad and does not have a grad_fn"
                    ))
                })?
            }
            None => edge_of(&t)?,
        };
        let grad = if g.is_none() {
            let x = tensor_of(&t)
                .ok_or_else(|| PyRuntimeError::new_err("grad can be implicitly created only for scalar outputs"))?;
            if x.numel() != 1 {
                return Err(PyRuntimeError::new_err("grad can be implicitly created only for scalar outputs"));
            }
            let one = crate::dispatch::empty(x.shape(), x.dtype(), x.device())?;
            crate::error::caught(|| {
                crate::dispatch::fill(&one, crate::tensor::Scalar::Int(1));
                Ok(())
            })?;
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
                        if accumulate {
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
    let out = contain(|| Ok(py.detach(|| call.run())?))?;
    if accumulate || inputs.is_none() {
        return Ok(py.None().into_bound(py));
    }
    if !allow_unused && let Some(i) = out.iter().position(Option::is_none) {
        return Err(PyRuntimeError::new_err(format!(
            "The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior."
        )));
    }
    let items = out.into_iter().map(|g| g.map(|g| wrap(py, g)).transpose()).collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, items)?.into_any())
}

/// Python functions that store saved tensors.
struct PySavedHooks {
    pack: Py<PyAny>,
    unpack: Py<PyAny>,
}

pub(super) struct PyPacked {
    object: Held,
    unpack: Held,
}

impl PyPacked {
    pub(super) fn visit(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&*self.object)?;
        visit.call(&*self.unpack)
    }
}

impl saved::SavedHooks for PySavedHooks {
    fn pack(&self, t: &Tensor) -> crate::error::Result<Arc<dyn saved::Packed>> {
        Python::attach(|py| -> PyResult<Arc<dyn saved::Packed>> {
            let version = t.version();
            let object = autograd::no_grad(|| wrap(py, t.clone()).and_then(|t| self.pack.call1(py, (t,))))?;
            if t.version() != version {
                return Err(PyRuntimeError::new_err("A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if you need to perform in-place operations on the input to a pack hook."));
            }
            Ok(Arc::new(PyPacked { object: Held::new(object), unpack: Held::new(self.unpack.clone_ref(py)) }))
        })
        .map_err(super::errors::foreign)
    }
}

impl saved::Packed for PyPacked {
    fn unpack(&self) -> crate::error::Result<Tensor> {
        Python::attach(|py| -> PyResult<Tensor> {
            let r = self.unpack.call1(py, (self.object.clone_ref(py),))?;
            tensor_of(r.bind(py)).ok_or_else(|| {
                PyTypeError::new_err(format!(
                    "Output of saved tensor unpack_hook expected to be a Tensor but got result of type {}",
                    super::args::type_name(r.bind(py))
                ))
            })
        })
        .map_err(super::errors::foreign)
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
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
fn _saved_tensors_hooks_disable(message: String) -> PyResult<()> {
    if saved::hooks_active() {
        return Err(PyRuntimeError::new_err(message));
    }
    saved::push_hooks(Err(crate::error::Error::new(crate::error::Kind::Runtime, message)));
    Ok(())
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

/// A part that is run again in backward adds to `.grad` itself, which passes for chosen inputs do not want.
#[pyfunction]
fn _is_checkpoint_valid() -> bool {
    !autograd::plan::is_restricted()
}

#[pyfunction]
fn _will_engine_execute_node(node: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Some(found) = node_of(node) else {
        return Err(PyRuntimeError::new_err(format!(
            "_will_engine_execute_node expects an grad_fn, but got {}",
            super::args::type_name(node)
        )));
    };
    match autograd::plan::will_run(&found) {
        None => {
            Err(PyRuntimeError::new_err("_get_should_execute_nodes should only be called during the backward pass"))
        }
        Some((_, true)) => Err(PyRuntimeError::new_err(
            "A leaf node was passed to _will_engine_execute_node but we are currently running autograd.grad(). This is currently not supported.",
        )),
        Some((runs, false)) => Ok(runs),
    }
}

#[pyfunction]
fn _queue_callback(f: Py<PyAny>) -> PyResult<()> {
    let call = Box::new(move || Python::attach(|py| f.call0(py).map(drop)).map_err(super::errors::foreign));
    if !autograd::plan::at_end(call) {
        return Err(PyRuntimeError::new_err("Final callbacks can only be installed during backward pass."));
    }
    Ok(())
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
    autograd::plan::current_run().map_or(-1, |id| id as i64)
}

fn traceback() -> Option<String> {
    Python::attach(|py| {
        let stack = py.import("traceback").ok()?.call_method0("format_stack").ok()?;
        let list = stack.cast::<PyList>().ok()?;
        Some(list.iter().map(|l| l.to_string()).collect())
    })
}

/// Raises what a signal handler raises, such as KeyboardInterrupt.
fn interrupts() -> crate::error::Result<()> {
    Python::attach(|py| py.check_signals()).map_err(super::errors::foreign)
}

fn warn(text: &str) {
    Python::attach(|py| {
        let text = std::ffi::CString::new(text).unwrap_or_default();
        let _ = PyErr::warn(py, &py.get_type::<pyo3::exceptions::PyUserWarning>(), &text, 2);
    });
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyNodeObject>()?;
    autograd::engine::install_host(autograd::engine::Host {
        traceback,
        warn,
        interrupts,
        carry: super::overrides::carry,
    });
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
        wrap_pyfunction!(_will_engine_execute_node, m)?,
        wrap_pyfunction!(_queue_callback, m)?,
    ] {
        m.add_function(f)?;
    }
    Ok(())
}
