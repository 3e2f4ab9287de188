//! `__torch_function__`: subclasses, foreign objects and modes that take over a call.

use super::args::Call;
use super::tensor::{PARAMETER_TYPE, PyTensor, TENSOR_TYPE};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;

thread_local! {
    static MODES: RefCell<Vec<Py<PyAny>>> = const { RefCell::new(Vec::new()) };
    /// Bit 0: subclasses are ignored; bit 1: modes, too; bit 2: there are modes.
    static STATE: Cell<u8> = const { Cell::new(0) };
}

/// `torch._C._disabled_torch_function_impl`: its presence on a class means "do not ask".
static DISABLED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

#[pyfunction]
#[pyo3(signature = (func, types, args=None, kwargs=None))]
fn _disabled_torch_function_impl<'py>(
    func: &Bound<'py, PyAny>,
    types: &Bound<'py, PyAny>,
    args: Option<&Bound<'py, PyTuple>>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let _ = types;
    let _guard = Guard::new(1);
    match args {
        Some(args) => func.call(args, kwargs),
        None => func.call((), kwargs),
    }
}

/// Sets some of the bits that ignore overrides; returns how those were. Whether there are modes is not theirs to say:
/// one may be opened in between that stays open.
fn ignore(bits: u8) -> u8 {
    let old = STATE.get();
    STATE.set(old | bits);
    old & 3
}

/// Undoes [`ignore`].
fn restore(old: u8) {
    STATE.set(STATE.get() & !3 | old);
}

/// Sets bits of the state until dropped.
struct Guard(u8);

impl Guard {
    fn new(bits: u8) -> Self {
        Guard(ignore(bits))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore(self.0);
    }
}

/// This thread's modes and switches, as a function that sets them up on another thread.
pub(super) fn carry() -> Box<dyn FnOnce() + Send> {
    let state = STATE.get();
    if state == 0 {
        return Box::new(|| ());
    }
    let modes = Python::attach(|py| MODES.with(|m| m.borrow().iter().map(|m| m.clone_ref(py)).collect()));
    Box::new(move || {
        STATE.set(state);
        MODES.set(modes);
    })
}

#[inline(always)]
fn plain(ty: *mut ffi::PyTypeObject) -> bool {
    ty == TENSOR_TYPE.load(Ordering::Relaxed) || ty == PARAMETER_TYPE.load(Ordering::Relaxed)
}

/// Can neither operand take a call over? The test of the operators' fast path.
#[inline(always)]
pub(super) fn both_plain(x: &Bound<'_, PyAny>, y: Option<&Bound<'_, PyAny>>) -> bool {
    if STATE.get() & 4 != 0 {
        return false;
    }
    // SAFETY: reads the types of live objects.
    unsafe {
        plain(ffi::Py_TYPE(x.as_ptr()))
            && y.is_none_or(|y| {
                let ty = ffi::Py_TYPE(y.as_ptr());
                plain(ty) || ty == &raw mut ffi::PyFloat_Type || ty == &raw mut ffi::PyLong_Type
            })
    }
}

/// Does this object take calls over?
pub(super) fn overrides(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: reads the type of a live object.
    let ty = unsafe { ffi::Py_TYPE(obj.as_ptr()) };
    if plain(ty) {
        return false;
    }
    // SAFETY: comparisons of type addresses and flag tests on live types.
    unsafe {
        let fast = ffi::PyType_HasFeature(
            ty,
            ffi::Py_TPFLAGS_LONG_SUBCLASS
                | ffi::Py_TPFLAGS_UNICODE_SUBCLASS
                | ffi::Py_TPFLAGS_DICT_SUBCLASS
                | ffi::Py_TPFLAGS_TYPE_SUBCLASS,
        );
        if fast != 0 || ty == &raw mut ffi::PyFloat_Type || obj.is_none() {
            return false;
        }
    }
    asks(obj)
}

/// Does it take over functions that are written in Python? Sparse tensors leave those to do what they do, and take over
/// the operations that they are made of.
fn overrides_python(obj: &Bound<'_, PyAny>) -> bool {
    overrides(obj) && !super::sparse::is_sparse(obj)
}

fn asks(obj: &Bound<'_, PyAny>) -> bool {
    let Ok(f) = obj.get_type().getattr(pyo3::intern!(obj.py(), "__torch_function__")) else { return false };
    if DISABLED.get(obj.py()).is_some_and(|d| f.is(d)) {
        return false;
    }
    // A subclass of Tensor without an implementation of its own still asks: the default one keeps its class.
    true
}

fn collect<'py>(obj: &Bound<'py, PyAny>, found: &mut Vec<Bound<'py, PyAny>>) {
    // SAFETY: type tests on a live object.
    let is_sequence =
        unsafe { ffi::PyList_CheckExact(obj.as_ptr()) != 0 || ffi::PyTuple_CheckExact(obj.as_ptr()) != 0 };
    if is_sequence {
        if let Ok(l) = obj.cast::<PyList>() {
            l.iter().for_each(|o| {
                if overrides(&o) {
                    add(o, found)
                }
            });
        } else if let Ok(t) = obj.cast::<PyTuple>() {
            t.iter().for_each(|o| {
                if overrides(&o) {
                    add(o, found)
                }
            });
        }
    } else if overrides(obj) {
        add(obj.clone(), found);
    }
}

// One object per type, subclasses before their bases, else in order of appearance.
fn add<'py>(obj: Bound<'py, PyAny>, found: &mut Vec<Bound<'py, PyAny>>) {
    let ty = obj.get_type();
    if found.iter().any(|o| o.get_type().is(&ty)) {
        return;
    }
    let at = found.iter().position(|o| ty.is_subclass(&o.get_type()).unwrap_or(false)).unwrap_or(found.len());
    found.insert(at, obj);
}

/// The objects among the arguments that take this call over; None if nothing does and no mode is active.
#[inline]
pub(super) fn interested<'py>(call: &Call<'py>) -> Option<Vec<Bound<'py, PyAny>>> {
    let state = STATE.get();
    let modes = state & 4 != 0 && state & 2 == 0;
    if state & 1 != 0 && !modes {
        return None;
    }
    let mut found = Vec::new();
    if state & 1 == 0 {
        call.positional.iter().for_each(|o| collect(o, &mut found));
        call.keywords.iter().for_each(|(_, o)| collect(o, &mut found));
    }
    (modes || !found.is_empty()).then_some(found)
}

/// Lets modes, then objects, handle a call.
pub(super) fn handle<'py>(
    py: Python<'py>,
    function: &Bound<'py, PyAny>,
    found: &[Bound<'py, PyAny>],
    args: &Bound<'py, PyTuple>,
    kwargs: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let types = PyTuple::new(py, found.iter().map(|o| o.get_type()))?;
    let state = STATE.get();
    if state & 4 != 0 && state & 2 == 0 {
        // The mode is off while its own function runs, so that it can call operations.
        let mode = MODES.with(|m| m.borrow_mut().pop());
        if let Some(mode) = mode {
            let left = MODES.with(|m| m.borrow().len());
            STATE.set(if left > 0 { state } else { state & !4 });
            let r = mode.bind(py).call_method1("__torch_function__", (function, &types, args, kwargs));
            MODES.with(|m| m.borrow_mut().push(mode));
            STATE.set(STATE.get() | 4);
            let r = r?;
            if !r.is(py.NotImplemented()) {
                return Ok(r);
            }
        }
    }
    for obj in found {
        let r = obj.get_type().getattr("__torch_function__")?.call1((function, &types, args, kwargs))?;
        if !r.is(py.NotImplemented()) {
            return Ok(r);
        }
    }
    let name = function.getattr("__name__").map(|n| n.to_string()).unwrap_or_default();
    let listed: Vec<String> =
        found.iter().map(|o| o.get_type().repr().map(|r| r.to_string()).unwrap_or_default()).collect();
    Err(PyTypeError::new_err(format!(
        "Multiple dispatch failed for 'torch.{name}'; all __torch_function__ handlers returned NotImplemented:\n\n  - {}\n\nFor more information, try re-running with TORCH_LOGS=not_implemented",
        listed.join("\n  - ")
    )))
}

impl<'py> Call<'py> {
    /// The arguments as a tuple and a dict.
    pub(super) fn as_objects(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let kwargs = PyDict::new(py);
        for (k, v) in &self.keywords {
            kwargs.set_item(k, v)?;
        }
        Ok((PyTuple::new(py, &self.positional)?, kwargs))
    }
}

#[pyfunction]
fn _has_torch_function(args: &Bound<'_, PyAny>) -> PyResult<bool> {
    let state = STATE.get();
    if state & 4 != 0 && state & 2 == 0 {
        return Ok(true);
    }
    if state & 1 != 0 {
        return Ok(false);
    }
    for o in args.try_iter()? {
        if overrides_python(&o?) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[pyfunction]
fn _has_torch_function_unary(obj: &Bound<'_, PyAny>) -> bool {
    modes_active() || (STATE.get() & 1 == 0 && overrides_python(obj))
}

#[pyfunction]
#[pyo3(signature = (*args))]
fn _has_torch_function_variadic(args: &Bound<'_, PyTuple>) -> bool {
    modes_active() || (STATE.get() & 1 == 0 && args.iter().any(|o| overrides_python(&o)))
}

pub(super) fn modes_active() -> bool {
    STATE.get() & 6 == 4
}

#[pyfunction]
fn _get_function_stack_at(py: Python<'_>, i: usize) -> Option<Py<PyAny>> {
    MODES.with(|m| m.borrow().get(i).map(|m| m.clone_ref(py)))
}

#[pyfunction]
fn _overloaded_args<'py>(args: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut found = Vec::new();
    for o in args.try_iter()? {
        let o = o?;
        if overrides(&o) {
            add(o, &mut found);
        }
    }
    Ok(found)
}

#[pyfunction]
fn _push_on_torch_function_stack(mode: Py<PyAny>) {
    MODES.with(|m| m.borrow_mut().push(mode));
    STATE.set(STATE.get() | 4);
}

#[pyfunction]
fn _pop_torch_function_stack() -> Option<Py<PyAny>> {
    let (mode, left) = MODES.with(|m| {
        let mut m = m.borrow_mut();
        (m.pop(), m.len())
    });
    if left == 0 {
        STATE.set(STATE.get() & !4);
    }
    mode
}

#[pyfunction]
fn _len_torch_function_stack() -> usize {
    MODES.with(|m| m.borrow().len())
}

#[pyfunction]
fn _get_torch_function_mode(py: Python<'_>) -> Option<Py<PyAny>> {
    MODES.with(|m| m.borrow().last().map(|m| m.clone_ref(py)))
}

#[pyfunction]
fn _is_torch_function_enabled() -> bool {
    STATE.get() & 1 == 0
}

macro_rules! disabling {
    ($rust:ident, $name:literal, $bits:literal) => {
        #[pyclass(name = $name, module = "rustorch._C")]
        struct $rust(u8);
        #[pymethods]
        impl $rust {
            #[new]
            fn new() -> Self {
                $rust(0)
            }
            fn __enter__(&mut self) {
                self.0 = ignore($bits);
            }
            #[pyo3(signature = (*_args))]
            fn __exit__(&self, _args: &Bound<'_, PyTuple>) {
                restore(self.0);
            }
        }
    };
}
disabling!(DisableTorchFunctionSubclass, "DisableTorchFunctionSubclass", 1);
disabling!(DisableTorchFunction, "DisableTorchFunction", 3);

/// `Tensor.__torch_function__`: runs the call on plain tensors and gives results the subclass's class.
#[pyfunction]
#[pyo3(signature = (cls, func, types, args=None, kwargs=None))]
fn _default_torch_function<'py>(
    cls: &Bound<'py, PyType>,
    func: &Bound<'py, PyAny>,
    types: &Bound<'py, PyAny>,
    args: Option<&Bound<'py, PyTuple>>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = cls.py();
    for t in types.try_iter()? {
        if !cls.is_subclass(&t?)? {
            return Ok(py.NotImplemented().into_bound(py));
        }
    }
    let r = {
        let _guard = Guard::new(1);
        match args {
            Some(args) => func.call(args, kwargs)?,
            None => func.call((), kwargs)?,
        }
    };
    let keeps = py.import("rustorch._tensor")?.getattr("_keeps_plain")?.call1((func,))?.is_truthy()?;
    if keeps { Ok(r) } else { to_class(cls, r) }
}

fn to_class<'py>(cls: &Bound<'py, PyType>, r: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = cls.py();
    if let Ok(t) = r.cast::<PyTensor>() {
        if r.is_instance(cls)? {
            return Ok(r);
        }
        // A result that nobody else has seen changes its class; classes with slots of their own refuse that.
        // SAFETY: reads the count of a live object.
        if unsafe { ffi::Py_REFCNT(r.as_ptr()) } == 1 && r.setattr(pyo3::intern!(py, "__class__"), cls).is_ok() {
            return Ok(r);
        }
        return super::tensor::make(cls, crate::ops::view::alias(&t.get().tensor())?);
    }
    if let Ok(t) = r.cast::<PyTuple>() {
        let kind = t.get_type();
        let size = super::types::CLASSES.get(py).is_some_and(|c| kind.is(c.size.bind(py)));
        if size || !t.iter().any(|o| o.is_instance_of::<PyTensor>()) {
            return Ok(r);
        }
        // Fresh items are held by the tuple alone: take them out so that they may change their class.
        let items: Vec<_> = t.iter().collect();
        drop(r);
        let items = items.into_iter().map(|o| to_class(cls, o)).collect::<PyResult<Vec<_>>>()?;
        return super::types::tuple_of(py, &kind, items.into_iter());
    }
    if let Ok(l) = r.cast_exact::<PyList>() {
        let items = l.iter().map(|o| to_class(cls, o)).collect::<PyResult<Vec<_>>>()?;
        return Ok(PyList::new(cls.py(), items)?.into_any());
    }
    Ok(r)
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(_disabled_torch_function_impl, m)?)?;
    let _ = DISABLED.set(m.py(), m.getattr("_disabled_torch_function_impl")?.unbind());
    for f in [
        wrap_pyfunction!(_has_torch_function, m)?,
        wrap_pyfunction!(_has_torch_function_unary, m)?,
        wrap_pyfunction!(_has_torch_function_variadic, m)?,
        wrap_pyfunction!(_get_function_stack_at, m)?,
        wrap_pyfunction!(_overloaded_args, m)?,
        wrap_pyfunction!(_push_on_torch_function_stack, m)?,
        wrap_pyfunction!(_pop_torch_function_stack, m)?,
        wrap_pyfunction!(_len_torch_function_stack, m)?,
        wrap_pyfunction!(_get_torch_function_mode, m)?,
        wrap_pyfunction!(_is_torch_function_enabled, m)?,
        wrap_pyfunction!(_default_torch_function, m)?,
    ] {
        m.add_function(f)?;
    }
    m.add_class::<DisableTorchFunctionSubclass>()?;
    m.add_class::<DisableTorchFunction>()?;
    Ok(())
}
