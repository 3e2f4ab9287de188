//! `x[...]` and `x[...] = y`: basic indices become views, the rest one gather or scatter.

use super::args::Call;
use super::convert::{int_of, scalar_of, tensor_of};
use super::overrides;
use super::tensor::{PyTensor, wrap};
use crate::dispatch;
use crate::ops::{copy, index, view};
use crate::tensor::{DType, Device, Tensor};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyList, PySlice, PyTuple};
use smallvec::{SmallVec, smallvec};

fn overridden<'py>(slf: &Bound<'py, PyTensor>, rest: &[&Bound<'py, PyAny>], name: &str) -> PyResult<Option<Py<PyAny>>> {
    if overrides::both_plain(slf.as_any(), None)
        && rest.iter().all(|o| !o.is_instance_of::<PyTensor>() || overrides::both_plain(o, None))
    {
        return Ok(None);
    }
    let mut call = Call { positional: smallvec![slf.as_any().clone()], keywords: smallvec![] };
    call.positional.extend(rest.iter().map(|o| (*o).clone()));
    let Some(found) = overrides::interested(&call) else { return Ok(None) };
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
        Some(list) => py.detach(move || index::index(&y, &list))?,
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
    let v = match tensor_of(value) {
        Some(v) => v,
        None => match scalar_of(value) {
            Some(s) => dispatch::scalar(
                s,
                if s.category() > x.dtype().category() { crate::ops::create::natural_dtype(s) } else { x.dtype() },
                Device::Cpu,
            )?,
            None => super::data::tensor_from(value, Some(x.dtype()))?,
        },
    };
    let (y, advanced) = apply(&x, key)?;
    py.detach(move || match advanced {
        Some(list) => index::index_put_(&y, &list, &v, false).map(drop),
        None => assign(&y, &v),
    })?;
    Ok(())
}

/// Copies into a view; leading dims of size 1 that the view lacks are dropped from the value, as in torch.
fn assign(y: &Tensor, v: &Tensor) -> crate::error::Result<()> {
    let mut v = v.clone();
    while v.ndim() > y.ndim() && v.shape()[0] == 1 {
        v = view::squeeze_dim(&v, 0)?;
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
        Err(_) => smallvec![key.clone()],
    };
    walk(x, &items)
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
    for item in items {
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
            let t = dispatch::empty(&[b.is_true() as usize], DType::I64, y.device())?;
            dispatch::fill(&t, crate::tensor::Scalar::Int(0));
            put(&mut advanced, dim, t);
            dim += 1;
        } else if let Some(t) = tensor_of(item) {
            if t.ndim() == 0 && t.dtype().is_integral(false) && t.dtype() != DType::U8 && !t.is_meta() {
                y = view::select(&y, dim as i64, t.item()?.i64())
                    .map_err(|e| oob(e, &y, dim, t.item().map_or(0, crate::tensor::Scalar::i64)))?;
            } else {
                if t.ndim() == 0 && matches!(t.dtype(), DType::Bool | DType::U8) {
                    y = view::unsqueeze(&y, dim as i64)?;
                    let t = dispatch::empty(&[t.item_bool()? as usize], DType::I64, y.device())?;
                    dispatch::fill(&t, crate::tensor::Scalar::Int(0));
                    put(&mut advanced, dim, t);
                    dim += 1;
                    continue;
                }
                let n = if matches!(t.dtype(), DType::Bool | DType::U8) { t.ndim() } else { 1 };
                put(&mut advanced, dim, t);
                // A mask covers several dims; the slots after it stay empty until it is expanded.
                advanced.resize(advanced.len().max(dim + n), None);
                dim += n;
            }
        } else if int_of(item).is_some() {
            y = select(&y, dim, item, dim)?;
        } else if item.cast::<PyList>().is_ok()
            || item.cast::<PyTuple>().is_ok()
            || item.hasattr("__array__")?
            || item.hasattr("__len__")?
        {
            let t = super::data::tensor_from(item, None)?;
            let t = if t.numel() == 0 && t.dtype().is_float() { copy::to_dtype(&t, DType::I64)? } else { t };
            let n = if t.dtype() == DType::Bool { t.ndim() } else { 1 };
            put(&mut advanced, dim, t);
            advanced.resize(advanced.len().max(dim + n), None);
            dim += n;
        } else {
            return Err(PyIndexError::new_err(format!(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {})",
                super::args::type_name(item)
            )));
        }
    }
    Ok((y, (!advanced.is_empty()).then_some(advanced)))
}

fn select(y: &Tensor, dim: usize, item: &Bound<'_, PyAny>, shown: usize) -> PyResult<Tensor> {
    let Some(i) = int_of(item) else { return Err(PyTypeError::new_err("an index does not fit 64 bits")) };
    if y.ndim() == 0 {
        return Err(PyIndexError::new_err(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number",
        ));
    }
    if dim >= y.ndim() {
        return Err(PyIndexError::new_err(format!("too many indices for tensor of dimension {}", y.ndim())));
    }
    view::select(y, dim as i64, i).map_err(|e| oob(e, y, shown, i))
}

fn oob(e: crate::error::Error, y: &Tensor, dim: usize, i: i64) -> PyErr {
    if e.kind() == crate::error::Kind::Index {
        return PyIndexError::new_err(format!(
            "index {i} is out of bounds for dimension {dim} with size {}",
            y.size(dim)
        ));
    }
    e.into()
}

fn bound(item: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if item.is_none() {
        return Ok(None);
    }
    match int_of(item) {
        Some(i) => Ok(Some(i)),
        None => {
            // Ints beyond 64 bits clamp, as Python's own slices do.
            let big = item.call_method0("__index__").map_err(|_| {
                PyTypeError::new_err("slice indices must be integers or None or have an __index__ method")
            })?;
            Ok(Some(if big.lt(0)? { i64::MIN } else { i64::MAX }))
        }
    }
}

fn slice(y: &Tensor, dim: usize, s: &Bound<'_, PySlice>) -> PyResult<Tensor> {
    let (start, stop, step) = (bound(&s.getattr("start")?)?, bound(&s.getattr("stop")?)?, bound(&s.getattr("step")?)?);
    if y.ndim() == 0 {
        return Err(PyIndexError::new_err("slice() cannot be applied to a 0-dim tensor."));
    }
    if let Some(step) = step.filter(|&s| s <= 0) {
        return Err(pyo3::exceptions::PyValueError::new_err(format!(
            "step must be greater than zero\n  slice: expected a step of at least 1, but got {step}. Use flip() to reverse a dim."
        )));
    }
    if start.is_none() && stop.is_none() && step.is_none_or(|s| s == 1) {
        return Ok(y.clone());
    }
    Ok(view::slice(y, dim as i64, start, stop, step.unwrap_or(1))?)
}
