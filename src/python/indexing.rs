//! `x[...]` and `x[...] = y`: basic indices become views, the rest one gather or scatter.

use super::args::{Call, type_name};
use super::convert::{index_of, int_of, scalar_of, tensor_of};
use super::errors::warn_once;
use super::interop::is_array;
use super::overrides;
use super::tensor::{PyTensor, wrap};
use crate::dispatch;
use crate::ops::{copy, create, index, inplace, lazy, view};
use crate::tensor::{DType, Device, Scalar, Tensor};
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyEllipsis, PyFloat, PyInt, PyList, PySlice, PyString, PyTuple};
use smallvec::{SmallVec, smallvec};
use std::sync::atomic::AtomicBool;

/// Lists and tuples nested deeper than dims can be hold no index.
const MAX_DEPTH: usize = 64;

/// The items of a list or tuple, which may hold tensors at any depth.
fn items<'py>(obj: &Bound<'py, PyAny>, depth: usize) -> Option<Vec<Bound<'py, PyAny>>> {
    if depth > MAX_DEPTH {
        return None;
    }
    match obj.cast::<PyTuple>() {
        Ok(t) => Some(t.iter().collect()),
        Err(_) => obj.cast::<PyList>().ok().map(|l| l.iter().collect()),
    }
}

/// Does no tensor in a key take calls over?
fn plain(obj: &Bound<'_, PyAny>, depth: usize) -> bool {
    // SAFETY: type checks on a live object.
    if unsafe { ffi::PyLong_CheckExact(obj.as_ptr()) != 0 || ffi::PySlice_Check(obj.as_ptr()) != 0 } {
        return true;
    }
    if obj.is_instance_of::<PyTensor>() {
        return overrides::both_plain(obj, None);
    }
    items(obj, depth).is_none_or(|l| l.iter().all(|o| plain(o, depth + 1)))
}

fn flatten<'py>(obj: &Bound<'py, PyAny>, depth: usize, call: &mut Call<'py>) {
    match items(obj, depth) {
        Some(l) => l.iter().for_each(|o| flatten(o, depth + 1, call)),
        None => call.positional.push(obj.clone()),
    }
}

fn overridden<'py>(slf: &Bound<'py, PyTensor>, rest: &[&Bound<'py, PyAny>], name: &str) -> PyResult<Option<Py<PyAny>>> {
    if overrides::both_plain(slf.as_any(), None) && rest.iter().all(|o| plain(o, 0)) {
        return Ok(None);
    }
    let mut call = Call { positional: smallvec![slf.as_any().clone()], keywords: smallvec![] };
    let mut asked = Call { positional: call.positional.clone(), keywords: smallvec![] };
    for o in rest {
        call.positional.push((*o).clone());
        flatten(o, 0, &mut asked);
    }
    let Some(found) = overrides::interested(&asked) else { return Ok(None) };
    let function = slf.py().get_type::<PyTensor>().getattr(name)?;
    let (args, kwargs) = call.as_objects(slf.py())?;
    Ok(Some(overrides::handle(slf.py(), &function, &found, &args, &kwargs)?.unbind()))
}

pub(super) fn get<'py>(slf: &Bound<'py, PyTensor>, key: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> {
    if let Some(r) = overridden(slf, &[key], "__getitem__")? {
        return Ok(r);
    }
    let py = slf.py();
    let x = slf.get().tensor();
    let (y, advanced) = apply(&x, key)?;
    let r = match advanced {
        Some(list) => py.detach(move || index::index(&lazy::resolve(&y)?, &list))?,
        // Every view is another tensor, also `x[...]`.
        None if y.is(&x) => view::alias(&x)?,
        None => y,
    };
    wrap(py, r)
}

pub(super) fn set<'py>(slf: &Bound<'py, PyTensor>, key: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<()> {
    if overridden(slf, &[key, value], "__setitem__")?.is_some() {
        return Ok(());
    }
    let py = slf.py();
    let x = slf.get().tensor();
    let v = assigned(&x, value)?;
    let (y, advanced) = apply(&x, key)?;
    py.detach(move || match advanced {
        Some(list) if y.is_lazy() => {
            let changed = lazy::resolve(&y)?;
            index::index_put_(&changed, &list, &without_ones(lazy::resolve(&v)?, 0)?, false)?;
            copy::copy_(&y, &changed, false).map(drop)
        }
        Some(list) => index::index_put_(&y, &list, &without_ones(lazy::resolve(&v)?, 0)?, false).map(drop),
        None => assign(&y, &v),
    })?;
    Ok(())
}

/// The value of an assignment: a tensor, or a number as a 0-d tensor.
fn assigned(x: &Tensor, value: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    if let Some(v) = tensor_of(value) {
        return Ok(v);
    }
    let python =
        value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyComplex>() || value.is_instance_of::<PyInt>();
    let number = if python { scalar_of(value)? } else { int_of(value).map(Scalar::Int) };
    // An element takes such an int where its dtype alone can hold it.
    let number = number.filter(|s| !matches!(s, Scalar::Wide(_)) || x.dtype() == crate::tensor::DType::U64);
    let Some(s) = number else {
        if value.is_instance_of::<PyInt>() {
            return Err(overflow());
        }
        return Err(PyTypeError::new_err(format!(
            "can't assign a {} to a torch.{}Tensor\n  setitem: expected a number or a tensor. Convert with torch.tensor().",
            type_name(value),
            x.dtype().scalar_name()
        )));
    };
    // The narrow floats are made of a double.
    create::check_value(s, if x.dtype().is_half() { DType::F64 } else { x.dtype() })?;
    Ok(dispatch::scalar(s, x.dtype(), Device::Cpu)?)
}

/// A value without the leading dims of size 1 that it has beyond `ndim` dims.
fn without_ones(mut v: Tensor, ndim: usize) -> crate::error::Result<Tensor> {
    while v.ndim() > ndim && v.shape()[0] == 1 {
        v = view::squeeze_dim(&v, 0)?;
    }
    Ok(v)
}

/// Copies into a view; leading dims of size 1 that the view lacks are dropped from the value, as in torch.
fn assign(y: &Tensor, v: &Tensor) -> crate::error::Result<()> {
    if v.ndim() == 0 && y.ndim() > 0 {
        inplace::check(y, false)?;
        return create::fill_tensor_(y, v).map(drop);
    }
    let mut v = without_ones(v.clone(), y.ndim())?;
    if v.shape() != y.shape() {
        v = view::expand(&v, &y.shape().iter().map(|&n| n as i64).collect::<Vec<_>>())?;
    }
    copy::copy_(y, &v, false).map(drop)
}

/// Index tensors, one per dim from the first; None where a dim is taken whole.
type Advanced = Vec<Option<Tensor>>;

fn apply<'py>(x: &Tensor, key: &Bound<'py, PyAny>) -> PyResult<(Tensor, Option<Advanced>)> {
    // The everyday keys first: an int, a slice.
    // SAFETY: a type check on a live object.
    if unsafe { ffi::PyLong_CheckExact(key.as_ptr()) } != 0 {
        return Ok((select(x, 0, key, 0)?, None));
    }
    if let Ok(s) = key.cast::<PySlice>() {
        return Ok((slice(x, 0, s)?, None));
    }
    let items: SmallVec<[Bound<'py, PyAny>; 6]> = match key.cast::<PyTuple>() {
        Ok(t) => t.iter().collect(),
        Err(_) => listed(key)?.unwrap_or_else(|| smallvec![key.clone()]),
    };
    walk(x, &items)
}

/// A sequence that is read as a tuple of indices since one of its items is more than a number.
fn listed<'py>(key: &Bound<'py, PyAny>) -> PyResult<Option<SmallVec<[Bound<'py, PyAny>; 6]>>> {
    if !is_sequence(key) || is_array(key) {
        return Ok(None);
    }
    let n = key.len()?;
    if n >= 32 {
        return Ok(None);
    }
    let items: SmallVec<[Bound<'py, PyAny>; 6]> = key.try_iter()?.take(n).collect::<PyResult<_>>()?;
    let more = |i: &Bound<'py, PyAny>| {
        i.is_none()
            || i.is_instance_of::<PyEllipsis>()
            || i.is_instance_of::<PySlice>()
            || i.is_instance_of::<PyTensor>()
            || is_sequence(i)
            || is_array(i) && !is_scalar(i)
    };
    if !items.iter().any(more) {
        return Ok(None);
    }
    static SAID: AtomicBool = AtomicBool::new(false);
    warn_once(
        key.py(),
        &SAID,
        "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which will result either in an error or a different result",
    )?;
    Ok(Some(items))
}

fn is_sequence(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: asks a live object's type.
    unsafe { ffi::PySequence_Check(obj.as_ptr()) != 0 && !obj.is_instance_of::<PyTensor>() }
}

/// The index of a bool: the dim of size 1 before it is kept or emptied.
fn whole(y: &Tensor, kept: bool) -> PyResult<Tensor> {
    Ok(dispatch::zeros(&[kept as usize], DType::I64, y.device())?)
}

fn warn_bytes(py: Python<'_>) -> PyResult<()> {
    static SAID: AtomicBool = AtomicBool::new(false);
    warn_once(py, &SAID, "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.")
}

/// The index tensor of a sequence or array: a mask if it holds bools, else integers, to which floats are cut.
fn index_from(item: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    if item.is_instance_of::<PyString>() || item.is_instance_of::<PyBytes>() {
        return Err(PyTypeError::new_err(format!("new(): invalid data type '{}'", type_name(item))));
    }
    let t = super::data::tensor_from(item, None)?;
    let mask = t.dtype() == DType::Bool;
    Ok(if mask { t } else { copy::to_dtype(&t, DType::I64)? })
}

fn is_scalar(item: &Bound<'_, PyAny>) -> bool {
    type_name(item) != "numpy.ndarray" && item.getattr("ndim").is_ok_and(|n| n.eq(0).unwrap_or(false))
}

fn dims_of(item: &Bound<'_, PyAny>) -> usize {
    if item.is_none() || item.is(item.py().Ellipsis()) || item.is_instance_of::<PyBool>() {
        return 0;
    }
    match tensor_of(item) {
        Some(t) if matches!(t.dtype(), DType::Bool | DType::U8) => t.ndim(),
        _ => 1,
    }
}

fn walk(x: &Tensor, items: &[Bound<'_, PyAny>]) -> PyResult<(Tensor, Option<Advanced>)> {
    let wanted: usize = items.iter().map(dims_of).sum();
    if wanted > x.ndim() {
        return Err(PyIndexError::new_err(format!("too many indices for tensor of dimension {}", x.ndim())));
    }
    let mut y = x.clone();
    let mut dim = 0usize;
    let mut advanced: Advanced = Vec::new();
    let put = |advanced: &mut Advanced, dim: usize, t: Tensor| {
        advanced.resize(advanced.len().max(dim + 1), None);
        advanced[dim] = Some(t);
    };
    for (place, item) in items.iter().enumerate() {
        if item.is_none() {
            y = view::unsqueeze(&y, dim as i64)?;
            dim += 1;
        } else if item.cast::<PyEllipsis>().is_ok() {
            dim += x.ndim() - wanted;
        } else if let Ok(s) = item.cast::<PySlice>() {
            y = slice(&y, dim, s)?;
            dim += 1;
        } else if let Ok(b) = item.cast::<PyBool>() {
            // A lone bool adds a dim that it keeps or empties.
            y = view::unsqueeze(&y, dim as i64)?;
            put(&mut advanced, dim, whole(&y, b.is_true())?);
            dim += 1;
        } else if let Some(t) = tensor_of(item) {
            if t.ndim() == 0 && t.dtype().is_integral(false) && t.dtype() != DType::U8 && !t.is_meta() {
                y = view::select(&y, dim as i64, t.item()?.i64())
                    .map_err(|e| oob(e, &y, dim, place, t.item().map_or(0, Scalar::i64)))?;
            } else {
                if t.dtype() == DType::U8 && t.ndim() > 0 {
                    warn_bytes(item.py())?;
                } else if !matches!(t.dtype(), DType::Bool | DType::U8 | DType::I64 | DType::I32) {
                    return Err(PyIndexError::new_err(
                        "tensors used as indices must be long, int, byte or bool tensors",
                    ));
                }
                if t.ndim() == 0 && matches!(t.dtype(), DType::Bool | DType::U8) {
                    y = view::unsqueeze(&y, dim as i64)?;
                    put(&mut advanced, dim, whole(&y, t.item_bool()?)?);
                    dim += 1;
                    continue;
                }
                let n = if matches!(t.dtype(), DType::Bool | DType::U8) { t.ndim() } else { 1 };
                put(&mut advanced, dim, t);
                // A mask covers several dims; the slots after it stay empty until it is expanded.
                advanced.resize(advanced.len().max(dim + n), None);
                dim += n;
            }
        } else if item.is_instance_of::<PyInt>() || int_of(item).is_some() {
            y = select(&y, dim, item, place)?;
        } else if is_sequence(item) || is_array(item) && !is_scalar(item) {
            let t = index_from(item)?;
            let n = if t.dtype() == DType::Bool { t.ndim() } else { 1 };
            if n == 0 {
                y = view::unsqueeze(&y, dim as i64)?;
                put(&mut advanced, dim, whole(&y, t.item_bool()?)?);
                dim += 1;
                continue;
            }
            put(&mut advanced, dim, t);
            advanced.resize(advanced.len().max(dim + n), None);
            dim += n;
        } else {
            return Err(PyIndexError::new_err(format!(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {})",
                type_name(item)
            )));
        }
    }
    Ok((y, (!advanced.is_empty()).then_some(advanced)))
}

/// `place`: the item's place in the index, which the error names.
fn select(y: &Tensor, dim: usize, item: &Bound<'_, PyAny>, place: usize) -> PyResult<Tensor> {
    let Some(i) = int_of(item) else { return Err(overflow()) };
    if y.ndim() == 0 {
        return Err(PyIndexError::new_err(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number",
        ));
    }
    if dim >= y.ndim() {
        return Err(PyIndexError::new_err(format!("too many indices for tensor of dimension {}", y.ndim())));
    }
    view::select(y, dim as i64, i).map_err(|e| oob(e, y, dim, place, i))
}

fn overflow() -> PyErr {
    PyValueError::new_err(
        "Overflow when unpacking long long\n  index: expected an int of 64 bits, but got a larger one. Make it smaller.",
    )
}

fn oob(e: crate::error::Error, y: &Tensor, dim: usize, place: usize, i: i64) -> PyErr {
    if e.kind() == crate::error::Kind::Index {
        return PyIndexError::new_err(format!(
            "index {i} is out of bounds for dimension {place} with size {}",
            y.size(dim)
        ));
    }
    e.into()
}

fn bound(item: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if item.is_none() {
        return Ok(None);
    }
    // SAFETY: reads the type of a live object.
    if unsafe { ffi::PyIndex_Check(item.as_ptr()) } == 0 {
        return Err(PyTypeError::new_err("slice indices must be integers or None or have an __index__ method"));
    }
    let int = index_of(item)?;
    match int.extract() {
        Ok(i) => Ok(Some(i)),
        // Ints beyond 64 bits clamp, as Python's own slices do.
        Err(_) => Ok(Some(if int.lt(0)? { i64::MIN } else { i64::MAX })),
    }
}

fn slice(y: &Tensor, dim: usize, s: &Bound<'_, PySlice>) -> PyResult<Tensor> {
    let (start, stop, step) = (bound(&s.getattr("start")?)?, bound(&s.getattr("stop")?)?, bound(&s.getattr("step")?)?);
    if y.ndim() == 0 {
        return Err(PyIndexError::new_err("slice() cannot be applied to a 0-dim tensor."));
    }
    if step == Some(0) {
        return Err(PyValueError::new_err("slice step cannot be zero"));
    }
    if let Some(step) = step.filter(|&s| s < 0) {
        return Err(PyValueError::new_err(format!(
            "step must be greater than zero\n  slice: expected a step of at least 1, but got {step}. Use flip() to reverse a dim."
        )));
    }
    if start.is_none() && stop.is_none() && step.is_none_or(|s| s == 1) {
        return Ok(y.clone());
    }
    Ok(view::slice(y, dim as i64, start, stop, step.unwrap_or(1))?)
}
