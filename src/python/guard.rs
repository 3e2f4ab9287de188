//! `__torch_function__` for the methods and attributes that PyO3 declares.
//!
//! PyO3's descriptors know nothing of overrides. Each is replaced by one of ours that looks at the object's class first
//! and then calls PyO3's C function directly.

use super::args::Call;
use super::overrides;
use super::tensor::PyTensor;
use pyo3::exceptions::{PyAttributeError, PyRuntimeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smallvec::{SmallVec, smallvec};
use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;

/// A method of PyO3's and what stands in its place.
struct Method {
    original: *mut ffi::PyMethodDef,
    descriptor: Py<PyAny>,
    object: Py<PyAny>,
}

/// An attribute of PyO3's and what stands in its place.
struct Attribute {
    original: *mut ffi::PyGetSetDef,
    object: OnceLock<Py<PyAny>>,
}

// SAFETY: the definitions behind the pointers live as long as the class, which is never freed, and are only read.
unsafe impl Send for Method {}
// SAFETY: as above.
unsafe impl Sync for Method {}

static METHODS: OnceLock<Vec<Method>> = OnceLock::new();
const MAX: usize = 128;

type NoArgs = unsafe extern "C" fn(*mut ffi::PyObject, *mut ffi::PyObject) -> *mut ffi::PyObject;
type Fast = unsafe extern "C" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    ffi::Py_ssize_t,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// Gives a result or an exception to the interpreter.
fn deliver(py: Python<'_>, r: PyResult<Py<PyAny>>) -> *mut ffi::PyObject {
    match r {
        Ok(obj) => obj.into_ptr(),
        Err(e) => {
            e.restore(py);
            std::ptr::null_mut()
        }
    }
}

/// Lets modes and subclasses answer; None if nobody wants to.
fn asked<'py>(py: Python<'py>, function: &Bound<'py, PyAny>, call: &Call<'py>) -> Option<PyResult<Py<PyAny>>> {
    let found = overrides::interested(call)?;
    let answer = call.as_objects(py).and_then(|(args, kwargs)| overrides::handle(py, function, &found, &args, &kwargs));
    Some(answer.map(Bound::unbind))
}

/// Is there nobody to ask? True for nearly all calls.
unsafe fn quiet(py: Python<'_>, slf: *mut ffi::PyObject) -> bool {
    // SAFETY: `slf` is a live object.
    overrides::both_plain(unsafe { Bound::ref_from_ptr(py, &slf) }, None)
}

unsafe extern "C" fn noargs<const I: usize>(slf: *mut ffi::PyObject, _: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: Python calls methods with the interpreter attached and a live self.
    unsafe {
        let py = Python::assume_attached();
        let Some(m) = METHODS.get().and_then(|m| m.get(I)) else {
            return deliver(py, Err(PyRuntimeError::new_err("a method was called before the module was ready")));
        };
        if !quiet(py, slf) {
            let call = Call { positional: smallvec![Bound::from_borrowed_ptr(py, slf)], keywords: SmallVec::new() };
            if let Some(r) = asked(py, m.object.bind(py), &call) {
                return deliver(py, r);
            }
        }
        ((*m.original).ml_meth.PyCFunction)(slf, std::ptr::null_mut())
    }
}

unsafe extern "C" fn fast<const I: usize>(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    kwnames: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: Python calls this with its vectorcall convention, the interpreter attached and a live self.
    unsafe {
        let py = Python::assume_attached();
        let Some(m) = METHODS.get().and_then(|m| m.get(I)) else {
            return deliver(py, Err(PyRuntimeError::new_err("a method was called before the module was ready")));
        };
        if !quiet(py, slf) {
            let call = Call::new(py, Some(slf), args, nargs as usize, kwnames);
            if let Some(r) = asked(py, m.object.bind(py), &call) {
                return deliver(py, r);
            }
        }
        if (*m.original).ml_flags & ffi::METH_FASTCALL != 0 && (*m.original).ml_flags & ffi::METH_KEYWORDS != 0 {
            return ((*m.original).ml_meth.PyCFunctionFastWithKeywords)(slf, args, nargs, kwnames);
        }
        let keywords = if kwnames.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(kwnames) };
        let mut all: SmallVec<[*mut ffi::PyObject; 8]> = smallvec![slf];
        all.extend((0..nargs + keywords).map(|i| *args.add(i as usize)));
        ffi::PyObject_Vectorcall(m.descriptor.as_ptr(), all.as_ptr(), nargs as usize + 1, kwnames)
    }
}

macro_rules! table {
    ($f:ident; $($hi:literal)*) => { [$(table!(@8 $f $hi)),*] };
    (@8 $f:ident $hi:literal) => { [$f::<{ $hi * 8 }>, $f::<{ $hi * 8 + 1 }>, $f::<{ $hi * 8 + 2 }>, $f::<{ $hi * 8 + 3 }>, $f::<{ $hi * 8 + 4 }>, $f::<{ $hi * 8 + 5 }>,
        $f::<{ $hi * 8 + 6 }>, $f::<{ $hi * 8 + 7 }>] };
}
static NOARGS: [[NoArgs; 8]; 16] = table!(noargs; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
static FAST: [[Fast; 8]; 16] = table!(fast; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);

/// The bound `__get__`, `__set__` or `__delete__` of an attribute's descriptor, as torch hands it to overrides.
fn accessor<'py>(py: Python<'py>, a: &Attribute, name: &str) -> Option<Bound<'py, PyAny>> {
    a.object.get()?.bind(py).getattr(name).ok()
}

unsafe extern "C" fn get(slf: *mut ffi::PyObject, closure: *mut c_void) -> *mut ffi::PyObject {
    // SAFETY: `install` made the closure, which is never freed; Python gives a live self of the right type.
    unsafe {
        let (py, a) = (Python::assume_attached(), &*closure.cast::<Attribute>());
        if !quiet(py, slf)
            && let Some(function) = accessor(py, a, "__get__")
        {
            let call = Call { positional: smallvec![Bound::from_borrowed_ptr(py, slf)], keywords: SmallVec::new() };
            if let Some(r) = asked(py, &function, &call) {
                return deliver(py, r);
            }
        }
        match (*a.original).get {
            Some(get) => get(slf, (*a.original).closure),
            None => deliver(py, Err(PyAttributeError::new_err("unreadable attribute"))),
        }
    }
}

unsafe extern "C" fn set(slf: *mut ffi::PyObject, value: *mut ffi::PyObject, closure: *mut c_void) -> c_int {
    // SAFETY: as in `get`; a null value means deletion.
    unsafe {
        let (py, a) = (Python::assume_attached(), &*closure.cast::<Attribute>());
        if !quiet(py, slf)
            && let Some(function) = accessor(py, a, if value.is_null() { "__delete__" } else { "__set__" })
        {
            let mut call = Call { positional: smallvec![Bound::from_borrowed_ptr(py, slf)], keywords: SmallVec::new() };
            call.positional.extend(Bound::from_borrowed_ptr_or_opt(py, value));
            if let Some(r) = asked(py, &function, &call) {
                return match r {
                    Ok(_) => 0,
                    Err(e) => {
                        e.restore(py);
                        -1
                    }
                };
            }
        }
        match (*a.original).set {
            Some(set) => set(slf, value, (*a.original).closure),
            None => {
                PyAttributeError::new_err("attribute is not writable").restore(py);
                -1
            }
        }
    }
}

/// Names that no override may see: they make subclasses, or belong to the interpreter.
fn exempt(name: &str) -> bool {
    name.starts_with('_') && !matches!(name, "_base" | "_version" | "_is_view") || name == "as_subclass"
}

fn replace_method<'py>(
    cls: &Bound<'py, pyo3::types::PyType>,
    descriptor: &Bound<'py, PyAny>,
    methods: &mut Vec<Method>,
) -> PyResult<()> {
    let (py, i) = (cls.py(), methods.len());
    if i >= MAX {
        return Err(PyRuntimeError::new_err("Tensor has outgrown the table of guarded methods"));
    }
    // SAFETY: the caller checked that this is a method descriptor; the new definition is complete and lives forever.
    unsafe {
        let original = (*descriptor.as_ptr().cast::<ffi::PyMethodDescrObject>()).d_method;
        let plain = (*original).ml_flags & (ffi::METH_NOARGS | ffi::METH_O | ffi::METH_VARARGS | ffi::METH_FASTCALL)
            == ffi::METH_NOARGS;
        let (meth, flags) = if plain {
            (ffi::PyMethodDefPointer { PyCFunction: NOARGS[i / 8][i % 8] }, ffi::METH_NOARGS)
        } else {
            (
                ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: FAST[i / 8][i % 8] },
                ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            )
        };
        let def = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: (*original).ml_name,
            ml_meth: meth,
            ml_flags: flags,
            ml_doc: (*original).ml_doc,
        }));
        let object = Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(cls.as_type_ptr(), def))?;
        cls.setattr(object.getattr("__name__")?.cast_into::<pyo3::types::PyString>()?, &object)?;
        methods.push(Method { original, descriptor: descriptor.clone().unbind(), object: object.unbind() });
    }
    Ok(())
}

fn replace_attribute<'py>(cls: &Bound<'py, pyo3::types::PyType>, descriptor: &Bound<'py, PyAny>) -> PyResult<()> {
    // SAFETY: the caller checked that this is a getset descriptor; closure and definition live forever.
    unsafe {
        let original = (*descriptor.as_ptr().cast::<ffi::PyGetSetDescrObject>()).d_getset;
        let a: &'static Attribute = Box::leak(Box::new(Attribute { original, object: OnceLock::new() }));
        let def = Box::leak(Box::new(ffi::PyGetSetDef {
            name: (*original).name,
            get: Some(get),
            set: (*original).set.map(|_| set as ffi::setter),
            doc: (*original).doc,
            closure: std::ptr::from_ref(a).cast_mut().cast(),
        }));
        let object = Bound::from_owned_ptr_or_err(cls.py(), ffi::PyDescr_NewGetSet(cls.as_type_ptr(), def))?;
        let _ = a.object.set(object.clone().unbind());
        cls.setattr(CStr::from_ptr((*original).name).to_string_lossy().as_ref(), object)
    }
}

/// Puts guards before Tensor's methods and attributes. Runs once, after all of them are declared.
pub(super) fn install(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    let cls = py.get_type::<PyTensor>();
    let members = PyDict::new(py);
    members.update(cls.getattr("__dict__")?.cast()?)?;
    let table: Vec<Py<PyAny>> = super::register::methods(py);
    let mut methods = Vec::new();
    for (name, member) in members.iter() {
        let name: String = name.extract()?;
        if exempt(&name) || table.iter().any(|t| t.is(&member)) {
            continue;
        }
        // SAFETY: compares the types of live objects.
        let kind = unsafe { ffi::Py_TYPE(member.as_ptr()) };
        if kind == &raw mut ffi::PyMethodDescr_Type {
            replace_method(&cls, &member, &mut methods)?;
        } else if kind == &raw mut ffi::PyGetSetDescr_Type {
            replace_attribute(&cls, &member)?;
        }
    }
    let _ = METHODS.set(methods);
    Ok(())
}
