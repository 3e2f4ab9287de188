//! One Python object per tensor, node and storage: a slot on Rust's side holds its address, not owned.

use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The object whose address is in a slot, if there is one and it lives. Objects clear their slots when they die.
#[inline]
pub(super) fn object_in<'py>(py: Python<'py>, slot: &AtomicPtr<c_void>) -> Option<Bound<'py, PyAny>> {
    let object = slot.load(Ordering::Acquire).cast::<ffi::PyObject>();
    // Without the GIL another thread may be freeing it at this moment, and a look at its count would come too late:
    // there each look makes an object of its own, and `is` tells the same tensor's objects apart.
    if object.is_null() || free_threaded() {
        return None;
    }
    // SAFETY: the GIL is held, so no object ends between its last reference and the clearing of its slot but on this
    // thread, and one that is ending here has no references left.
    unsafe { (ffi::Py_REFCNT(object) > 0).then(|| Bound::from_borrowed_ptr(py, object)) }
}

/// Is this an interpreter that may run without the GIL?
fn free_threaded() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| Python::version_str().contains("free-threading"))
}
