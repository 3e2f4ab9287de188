//! Methods that give a tensor another geometry or another storage: `t_`, `squeeze_`, `resize_`, `set_` and their kin.
//!
//! A handle never changes its shape; these methods put another handle into the Python object.

use super::args::type_name;
use super::convert::{format_of, int_of, ints_of, overflow, tensor_of};
use super::storage::{over, storage_of};
use super::tensor::{PyTensor, exchange, replace, resize};
use crate::autograd::{grad_fn, named, needs_grad};
use crate::error::Result;
use crate::ops::{create, helpers, inplace, view};
use crate::schema::Ty;
use crate::tensor::layout::contiguous_strides;
use crate::tensor::{MemoryFormat, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

type Slf<'py> = Bound<'py, PyTensor>;

/// Puts the view `f(x)` in place of `x`, with torch's checks of in-place changes. `name` is the node's.
fn swap<'py>(slf: Slf<'py>, name: &'static str, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> PyResult<Slf<'py>> {
    let x = slf.get().tensor();
    let recorded = needs_grad(&[&x]);
    inplace::check_history(&x, recorded)?;
    let y = named(f(&x)?, name, &x);
    x.bump_version();
    let fresh = match (x.base(), grad_fn(&y)) {
        // A view stays a view of the same base.
        (Some(_), _) => y,
        (None, Some(edge)) => {
            let fresh = y.detach();
            fresh.set_history(edge);
            fresh
        }
        (None, None) => x.with_data(&y),
    };
    replace(&slf, fresh);
    Ok(slf)
}

fn dims(name: &str, args: &Bound<'_, PyTuple>) -> PyResult<Vec<i64>> {
    let listed = match args.len() {
        1 => ints_of(&args.get_item(0)?).map(|v| v.to_vec()),
        _ => None,
    };
    match listed.or_else(|| args.iter().map(|a| int_of(&a)).collect()) {
        Some(v) => Ok(v),
        None => Err(PyTypeError::new_err(format!(
            "{name}(): argument 'size' must be tuple of ints, not {}",
            args.iter().map(|a| type_name(&a)).collect::<Vec<_>>().join(", ")
        ))),
    }
}

fn check_resizable(t: &Tensor) -> PyResult<()> {
    if t.requires_grad() {
        return Err(PyRuntimeError::new_err("cannot resize variables that require grad"));
    }
    Ok(())
}

fn format_or(format: Option<&Bound<'_, PyAny>>, default: MemoryFormat) -> PyResult<MemoryFormat> {
    match format.filter(|f| !f.is_none()) {
        None => Ok(default),
        Some(f) => format_of(f).ok_or_else(|| {
            PyTypeError::new_err(format!("argument 'memory_format' must be torch.memory_format, not {}", type_name(f)))
        }),
    }
}

/// What `set_` puts into `x`.
fn source(x: &Tensor, args: &Bound<'_, PyTuple>) -> PyResult<Tensor> {
    let wrong = || {
        let got: Vec<_> = args.iter().map(|a| type_name(&a)).collect();
        PyTypeError::new_err(format!(
            "set_() received an invalid combination of arguments - got ({}), but expected one of:\n * ()\n * (torch.Storage source)\n * (torch.Storage source, int storage_offset, tuple of ints size, tuple of ints stride)\n * (Tensor source)\n * (Tensor source, int storage_offset, tuple of ints size, tuple of ints stride)\n",
            got.join(", ")
        ))
    };
    if args.is_empty() {
        return Ok(crate::dispatch::empty(&[0], x.dtype(), x.device())?);
    }
    let first = args.get_item(0)?;
    let whole = tensor_of(&first);
    if let Some(t) = &whole
        && t.dtype() != x.dtype()
    {
        return Err(PyRuntimeError::new_err(format!(
            "Could not set tensor of type {} to a tensor of type {}",
            t.dtype().c_name(),
            x.dtype().c_name()
        )));
    }
    let Some(storage) = whole.as_ref().map(|t| t.storage().clone()).or_else(|| storage_of(&first)) else {
        return Err(wrong());
    };
    if storage.device() != x.device() {
        return Err(PyRuntimeError::new_err(format!(
            "Attempted to set the storage of a tensor on device \"{}\" to a storage on different device \"{}\".  This is no longer allowed; the devices must match.",
            x.device(),
            storage.device()
        )));
    }
    if let (Some(t), 1) = (&whole, args.len()) {
        return Ok(t.detach());
    }
    if args.len() == 1 {
        return over(&storage, x.dtype(), 0, &[(storage.nbytes() / x.dtype().size()) as i64], &[1]);
    }
    let offset = args.get_item(1)?;
    let offset = int_of(&offset).ok_or_else(|| overflow(&offset, Ty::Int).map_or_else(wrong, PyErr::from))?;
    let size = args.get_item(2).ok().and_then(|s| ints_of(&s)).ok_or_else(wrong)?;
    let stride = match args.get_item(3) {
        Ok(s) => ints_of(&s).ok_or_else(wrong)?,
        Err(_) => contiguous_strides(&helpers::checked_shape("set_", &size)?).iter().map(|&s| s as i64).collect(),
    };
    over(&storage, x.dtype(), offset, &size, &stride)
}

#[pymethods]
impl PyTensor {
    /// `t`, in place.
    fn t_(slf: Slf<'_>) -> PyResult<Slf<'_>> {
        swap(slf, "TBackward1", view::t)
    }
    /// `transpose`, in place.
    fn transpose_(slf: Slf<'_>, dim0: i64, dim1: i64) -> PyResult<Slf<'_>> {
        swap(slf, "TransposeBackward1", |x| view::transpose(x, dim0, dim1))
    }
    /// `swapdims`, in place.
    fn swapdims_(slf: Slf<'_>, dim0: i64, dim1: i64) -> PyResult<Slf<'_>> {
        swap(slf, "TransposeBackward1", |x| view::transpose(x, dim0, dim1))
    }
    /// `swapaxes`, in place.
    fn swapaxes_(slf: Slf<'_>, axis0: i64, axis1: i64) -> PyResult<Slf<'_>> {
        swap(slf, "TransposeBackward1", |x| view::transpose(x, axis0, axis1))
    }
    /// `unsqueeze`, in place.
    fn unsqueeze_(slf: Slf<'_>, dim: i64) -> PyResult<Slf<'_>> {
        swap(slf, "UnsqueezeBackward1", |x| view::unsqueeze(x, dim))
    }
    /// `squeeze`, in place.
    #[pyo3(signature = (dim=None))]
    fn squeeze_<'py>(slf: Slf<'py>, dim: Option<&Bound<'py, PyAny>>) -> PyResult<Slf<'py>> {
        let Some(dim) = dim else { return swap(slf, "SqueezeBackward3", view::squeeze) };
        match (int_of(dim), ints_of(dim)) {
            (Some(d), _) => swap(slf, "SqueezeBackward4", |x| view::squeeze_dim(x, d)),
            (_, Some(dims)) => swap(slf, "SqueezeBackward5", |x| view::squeeze_dims(x, &dims)),
            _ => Err(super::convert::wrong_type("squeeze_", "dim", "int", dim)),
        }
    }
    /// `as_strided`, in place.
    #[pyo3(signature = (size, stride, storage_offset=None))]
    fn as_strided_<'py>(
        slf: Slf<'py>,
        size: &Bound<'py, PyAny>,
        stride: &Bound<'py, PyAny>,
        storage_offset: Option<i64>,
    ) -> PyResult<Slf<'py>> {
        let list = |name, o: &Bound<'py, PyAny>| {
            ints_of(o).ok_or_else(|| super::convert::wrong_type("as_strided_", name, "tuple of ints", o))
        };
        let (size, stride) = (list("size", size)?, list("stride", stride)?);
        swap(slf, "AsStridedBackward1", |x| view::as_strided(x, &size, &stride, storage_offset))
    }
    /// Another shape on the same storage, which grows where it must; old elements keep their places.
    #[pyo3(signature = (*size, memory_format=None))]
    fn resize_<'py>(
        slf: Slf<'py>,
        size: &Bound<'py, PyTuple>,
        memory_format: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Slf<'py>> {
        check_resizable(&slf.get().tensor())?;
        let shape = helpers::checked_shape("resize_", &dims("resize_", size)?)?;
        let format = format_or(memory_format, MemoryFormat::Contiguous)?;
        if format == MemoryFormat::Preserve {
            return Err(PyRuntimeError::new_err(
                "Unsupported memory formatPreserve\n  resize_: expected contiguous_format or channels_last, but got preserve_format. Leave it out.",
            ));
        }
        create::check_rank(format, shape.len())?;
        resize(&slf, &shape, format)?;
        Ok(slf)
    }
    /// The shape of another tensor on this one's storage.
    #[pyo3(signature = (the_template, memory_format=None))]
    fn resize_as_<'py>(
        slf: Slf<'py>,
        the_template: &Bound<'py, PyAny>,
        memory_format: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Slf<'py>> {
        check_resizable(&slf.get().tensor())?;
        let Some(other) = tensor_of(the_template) else {
            return Err(super::convert::wrong_type("resize_as_", "the_template", "Tensor", the_template));
        };
        let format = match format_or(memory_format, MemoryFormat::Contiguous)? {
            MemoryFormat::Preserve if other.is_contiguous() => MemoryFormat::Contiguous,
            MemoryFormat::Preserve => MemoryFormat::ChannelsLast,
            f => f,
        };
        resize(&slf, other.shape(), format)?;
        Ok(slf)
    }
    /// The memory of another tensor or storage.
    #[pyo3(signature = (*args, **kwargs))]
    fn set_<'py>(slf: Slf<'py>, args: &Bound<'py, PyTuple>, kwargs: Option<&Bound<'py, PyDict>>) -> PyResult<Slf<'py>> {
        let mut given: Vec<_> = args.iter().collect();
        for name in ["source", "storage_offset", "size", "stride"].iter().skip(args.len()) {
            given.extend(kwargs.map(|k| k.get_item(name)).transpose()?.flatten());
        }
        let args = &PyTuple::new(slf.py(), given)?;
        let x = slf.get().tensor();
        inplace::check_history(&x, needs_grad(&[&x]))?;
        if grad_fn(&x).is_some() {
            return Err(PyRuntimeError::new_err(
                "set_: expected a leaf, but got the result of an operation. Use detach() first.",
            ));
        }
        let data = source(&x, args)?;
        x.bump_version();
        replace(&slf, x.with_data(&data));
        Ok(slf)
    }
}

/// Lets two Python objects exchange their tensors, history and gradient included.
#[pyfunction]
fn _swap_tensor_impl(a: &Bound<'_, PyTensor>, b: &Bound<'_, PyTensor>) {
    exchange(a, b);
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(_swap_tensor_impl, m)?)
}
