//! DLPack: tensors handed over to other libraries and taken from them without a copy, by capsules of both versions.
//!
//! Source: the DLPack specification 1.1, dlpack.h.

use super::interop::{read_only_warning, span_bytes};
use super::tensor::{PyTensor, wrap};
use crate::ops::{copy, lazy};
use crate::tensor::layout::{Shape, Strides, contiguous_strides};
use crate::tensor::{Buffer, DType, Device, MemoryFormat, Storage, Tensor};
use pyo3::exceptions::{PyBufferError, PyRuntimeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::{CStr, c_void};

const CPU: i32 = 1;
const READ_ONLY: u64 = 1;
const IS_COPIED: u64 = 2;
const OLD: &CStr = c"dltensor";
const NEW: &CStr = c"dltensor_versioned";
const OLD_USED: &CStr = c"used_dltensor";
const NEW_USED: &CStr = c"used_dltensor_versioned";

#[repr(C)]
#[derive(Clone, Copy)]
struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device_type: i32,
    device_id: i32,
    ndim: i32,
    dtype: DataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct Managed {
    tensor: DlTensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Managed)>,
}

#[repr(C)]
struct Versioned {
    major: u32,
    minor: u32,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Versioned)>,
    flags: u64,
    tensor: DlTensor,
}

fn dl_type(d: DType) -> DataType {
    let code = match d {
        DType::Bool => 6,
        DType::BF16 => 4,
        d if d.is_complex() => 5,
        d if d.is_float() => 2,
        d if d.is_signed() => 0,
        _ => 1,
    };
    DataType { code, bits: 8 * d.size() as u8, lanes: 1 }
}

fn dtype_of(t: DataType) -> PyResult<DType> {
    DType::ALL.into_iter().find(|&d| {
        let own = dl_type(d);
        (own.code, own.bits, own.lanes) == (t.code, t.bits, t.lanes)
    }).ok_or_else(|| {
        PyBufferError::new_err(format!(
            "Unsupported type\n  from_dlpack: expected one of rustorch's dtypes, but got code {}, {} bits, {} lanes. Convert it at its source.",
            t.code, t.bits, t.lanes
        ))
    })
}

/// What a capsule owns: the struct that its reader sees, the arrays that this points to, and the tensor.
struct Export<M> {
    managed: M,
    _extents: Vec<i64>,
    _tensor: Tensor,
}

fn export<M>(t: &Tensor, make: impl FnOnce(DlTensor) -> M) -> *mut Export<M> {
    t.storage().expose();
    let (shape, strides) = (t.shape().iter(), t.strides().iter());
    // The strides of dims of size 1 say nothing; 1 is what readers that compare them expect.
    let steps = shape.clone().zip(strides).map(|(&n, &s)| if n < 2 { 1 } else { s as i64 });
    let mut extents: Vec<i64> = shape.map(|&n| n as i64).chain(steps).collect();
    let (ndim, at) = (t.ndim(), extents.as_mut_ptr());
    let tensor = DlTensor {
        data: t.ptr().cast(),
        device_type: CPU,
        device_id: 0,
        ndim: ndim as i32,
        dtype: dl_type(t.dtype()),
        shape: at,
        strides: at.wrapping_add(ndim),
        byte_offset: 0,
    };
    Box::into_raw(Box::new(Export { managed: make(tensor), _extents: extents, _tensor: t.clone() }))
}

unsafe extern "C" fn free_old(m: *mut Managed) {
    // SAFETY: `context` is the box that `export` leaked; DLPack calls a deleter once.
    drop(unsafe { Box::from_raw((*m).context.cast::<Export<Managed>>()) });
}

unsafe extern "C" fn free_new(m: *mut Versioned) {
    // SAFETY: as above.
    drop(unsafe { Box::from_raw((*m).context.cast::<Export<Versioned>>()) });
}

/// Frees what a capsule that nobody took still owns.
unsafe extern "C" fn forget(capsule: *mut ffi::PyObject) {
    // SAFETY: Python calls this with a dying capsule of ours, whose name says what it holds.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, OLD.as_ptr()) != 0 {
            free_old(ffi::PyCapsule_GetPointer(capsule, OLD.as_ptr()).cast());
        } else if ffi::PyCapsule_IsValid(capsule, NEW.as_ptr()) != 0 {
            free_new(ffi::PyCapsule_GetPointer(capsule, NEW.as_ptr()).cast());
        }
    }
}

/// A capsule with a tensor's memory; a capsule of version 1 if `versioned`.
#[pyfunction]
#[pyo3(signature = (t, versioned=false, copy=false))]
fn _to_dlpack<'py>(t: &Bound<'py, PyTensor>, versioned: bool, copy: bool) -> PyResult<Bound<'py, PyAny>> {
    let py = t.py();
    let mut x = lazy::resolve(&t.get().tensor().detach())?;
    if x.device() != Device::Cpu {
        return Err(PyBufferError::new_err(format!(
            "Cannot pack tensors on {}\n  to_dlpack: expected a tensor on the CPU, but got one without memory. Make it on the CPU.",
            x.device()
        )));
    }
    if copy {
        x = copy::clone(&x, Some(MemoryFormat::Preserve))?;
    }
    // SAFETY: the leaked box lives until its deleter runs: here if no capsule comes about, else in the capsule's
    // destructor or at the hands of who takes it.
    unsafe {
        if versioned {
            let flags = if copy { IS_COPIED } else { 0 };
            let e = export(&x, |tensor| Versioned {
                major: 1,
                minor: 1,
                context: std::ptr::null_mut(),
                deleter: Some(free_new),
                flags,
                tensor,
            });
            (*e).managed.context = e.cast();
            capsule(py, (&raw mut (*e).managed).cast(), NEW).inspect_err(|_| drop(Box::from_raw(e)))
        } else {
            let e = export(&x, |tensor| Managed { tensor, context: std::ptr::null_mut(), deleter: Some(free_old) });
            (*e).managed.context = e.cast();
            capsule(py, (&raw mut (*e).managed).cast(), OLD).inspect_err(|_| drop(Box::from_raw(e)))
        }
    }
}

fn capsule<'py>(py: Python<'py>, p: *mut c_void, name: &'static CStr) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a live pointer, a static name, and a destructor that knows both kinds.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyCapsule_New(p, name.as_ptr(), Some(forget))) }
}

/// Foreign memory, given back to its owner when dropped.
enum Import {
    Old(*mut Managed),
    New(*mut Versioned),
}

// SAFETY: DLPack allows the deleter on any thread.
unsafe impl Send for Import {}
// SAFETY: nothing is read through a shared reference.
unsafe impl Sync for Import {}

impl Drop for Import {
    fn drop(&mut self) {
        // SAFETY: the struct was taken out of its capsule, so that this is its one owner.
        unsafe {
            match *self {
                Import::Old(m) => {
                    if let Some(free) = (*m).deleter {
                        free(m)
                    }
                }
                Import::New(m) => {
                    if let Some(free) = (*m).deleter {
                        free(m)
                    }
                }
            }
        }
    }
}

fn invalid(what: &str) -> PyErr {
    PyBufferError::new_err(format!("from_dlpack: expected a valid DLPack tensor, but got {what}. Export it again."))
}

/// A tensor over the memory of a capsule, which is used up.
#[pyfunction]
fn _from_dlpack(py: Python<'_>, capsule: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let p = capsule.as_ptr();
    // One at a time, so that no two threads take one capsule for unused.
    static CONSUMING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let consuming = CONSUMING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // SAFETY: asks a live object; the pointer of a valid capsule of that name is what DLPack says it is.
    let (owner, flags, used) = unsafe {
        if ffi::PyCapsule_IsValid(p, OLD.as_ptr()) != 0 {
            (Import::Old(ffi::PyCapsule_GetPointer(p, OLD.as_ptr()).cast()), 0, OLD_USED)
        } else if ffi::PyCapsule_IsValid(p, NEW.as_ptr()) != 0 {
            let m: *mut Versioned = ffi::PyCapsule_GetPointer(p, NEW.as_ptr()).cast();
            if (*m).major > 1 {
                return Err(PyBufferError::new_err(format!(
                    "Unsupported major DLPack version: {}.{}\n  from_dlpack: expected version 1, but got a later one. Ask for max_version=(1, 0).",
                    (*m).major,
                    (*m).minor
                )));
            }
            (Import::New(m), (*m).flags, NEW_USED)
        } else {
            return Err(PyRuntimeError::new_err(
                "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might have already constructed a tensor from it once.\n  from_dlpack: expected an object with __dlpack__ or a fresh capsule, but got something else. Pass the array itself.",
            ));
        }
    };
    // From here on the memory is ours to give back, so that an error below does not leak it.
    // SAFETY: a valid capsule and a static name.
    unsafe { ffi::PyCapsule_SetName(p, used.as_ptr()) };
    drop(consuming);
    // SAFETY: `owner` keeps the struct alive, and its arrays hold `ndim` numbers each.
    let t = unsafe { adopt(owner)? };
    if flags & READ_ONLY != 0 {
        read_only_warning(py)?;
    }
    wrap(py, t)
}

unsafe fn adopt(owner: Import) -> PyResult<Tensor> {
    // SAFETY: the caller's contract.
    let d = unsafe {
        match owner {
            Import::Old(m) => &(*m).tensor,
            Import::New(m) => &(*m).tensor,
        }
    };
    if d.device_type != CPU {
        return Err(PyBufferError::new_err(format!(
            "Unsupported device_type: {}\n  from_dlpack: expected memory of the CPU (device type 1), but got another. Move it to the CPU first.",
            d.device_type
        )));
    }
    let dtype = dtype_of(d.dtype)?;
    let ndim = usize::try_from(d.ndim).ok().filter(|&n| n <= 64).ok_or_else(|| invalid("a wrong number of dims"))?;
    if ndim > 0 && d.shape.is_null() {
        return Err(invalid("no shape"));
    }
    let mut shape = Shape::new();
    for i in 0..ndim {
        // SAFETY: the shape has `ndim` numbers.
        let n = unsafe { *d.shape.add(i) };
        shape.push(usize::try_from(n).map_err(|_| invalid("a negative size"))?);
    }
    let mut strides: Strides = contiguous_strides(&shape);
    if !d.strides.is_null() {
        for (i, s) in strides.iter_mut().enumerate() {
            // SAFETY: so have the strides, where they are given.
            *s = unsafe { *d.strides.add(i) } as isize;
        }
        if shape.iter().zip(&strides).any(|(&n, &s)| s < 0 && n > 1) {
            return Err(PyValueError::new_err(
                "from_dlpack: expected strides of at least 0, but got a negative one. Copy the array first.",
            ));
        }
        strides.iter_mut().for_each(|s| *s = (*s).max(0));
    }
    let nbytes = span_bytes(&shape, &strides, dtype).ok_or_else(|| invalid("a shape beyond all memory"))?;
    let ptr = d.data.cast::<u8>().wrapping_add(d.byte_offset as usize);
    if nbytes > 0 && (ptr.is_null() || !(ptr as usize).is_multiple_of(dtype.size().min(8))) {
        return Err(invalid("memory that is not aligned to its dtype"));
    }
    // SAFETY: DLPack promises memory of this extent until the deleter is called, which dropping `owner` does.
    let buffer = unsafe { Buffer::foreign(ptr, nbytes, Box::new(owner)) };
    // SAFETY: the span covers the geometry.
    Ok(unsafe { Tensor::from_parts(Storage::new(buffer, Device::Cpu, false), 0, shape, strides, dtype) })
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(_to_dlpack, m)?)?;
    m.add_function(wrap_pyfunction!(_from_dlpack, m)?)?;
    Ok(())
}
