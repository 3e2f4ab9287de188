//! Tensors from Python data: `torch.tensor`, `as_tensor`, and the legacy constructors.

use super::convert::{dtype_of, int_of, scalar_of, tensor_of};
use super::interop;
use super::tensor::{PyTensor, wrap};
use crate::dispatch;
use crate::ops::copy;
use crate::schema::Ty;
use crate::tensor::promote::{default_dtype, promote};
use crate::tensor::{Category, DType, Device, Scalar, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

type Items<'py> = Vec<Bound<'py, PyAny>>;

/// The items of an object that has some. What its own methods raise is raised.
fn sequence<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Items<'py>>> {
    if let Ok(l) = obj.cast::<PyList>() {
        return Ok(Some(l.iter().collect()));
    }
    if let Ok(t) = obj.cast::<PyTuple>() {
        return Ok(Some(t.iter().collect()));
    }
    if obj.is_instance_of::<PyString>()
        || obj.is_instance_of::<PyBytes>()
        || obj.cast::<PyDict>().is_ok()
        || obj.cast::<PyTensor>().is_ok()
    {
        return Ok(None);
    }
    // Any other object with a length and items (range, array.array, user sequences).
    if obj.hasattr("__len__")? && obj.hasattr("__getitem__")? {
        // No more than it says it has: `__getitem__` alone may never end.
        let n = obj.len()?;
        return obj.try_iter()?.take(n).collect::<PyResult<_>>().map(Some);
    }
    Ok(None)
}

const MAX_DEPTH: usize = 64;

/// The shape of nested sequences, read off the first item of each.
fn shape_of(obj: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    let mut shape = Vec::new();
    let mut at = obj.clone();
    loop {
        // A tensor among numbers is one, too.
        if tensor_of(&at).is_some() {
            return Ok(shape);
        }
        if !shape.is_empty() && (at.is_instance_of::<PyString>() || at.is_instance_of::<PyBytes>()) && at.len()? > 0 {
            return Err(PyValueError::new_err(format!("too many dimensions '{}'", super::args::type_name(&at))));
        }
        if interop::is_array(&at) {
            shape.extend(at.getattr("shape")?.extract::<Vec<usize>>()?);
            return Ok(shape);
        }
        let Some(items) = sequence(&at)? else { return Ok(shape) };
        shape.push(items.len());
        if shape.len() > MAX_DEPTH {
            return Err(PyValueError::new_err(format!(
                "too many dimensions '{}'\n  tensor: expected at most {MAX_DEPTH} nested lists, but got more. Does a list contain itself?",
                super::args::type_name(obj)
            )));
        }
        match items.into_iter().next() {
            Some(first) => at = first,
            None => return Ok(shape),
        }
    }
}

/// The dtype that the numbers of nested sequences have together.
fn infer(obj: &Bound<'_, PyAny>, depth: usize) -> PyResult<Option<DType>> {
    // Most items by far: asking each for NumPy's interface would cost an exception.
    if obj.is_exact_instance_of::<PyFloat>()
        || obj.is_exact_instance_of::<PyInt>()
        || obj.is_exact_instance_of::<PyBool>()
    {
        return number_dtype(obj);
    }
    if let Some(t) = tensor_of(obj) {
        return Ok(Some(t.dtype()));
    }
    if interop::is_array(obj) {
        return interop::array_dtype(obj).map(Some);
    }
    if obj.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("new(): invalid data type 'str'"));
    }
    if let Some(items) = if depth < MAX_DEPTH { sequence(obj)? } else { None } {
        let mut all: Option<DType> = None;
        for item in items {
            if let Some(d) = infer(&item, depth + 1)? {
                all = Some(all.map_or(d, |a| promote(a, d)));
                if all == Some(DType::C128) {
                    break;
                }
            }
        }
        return Ok(all);
    }
    if let Ok(d) = interop::array_dtype(obj) {
        return Ok(Some(d));
    }
    number_dtype(obj)
}

/// The dtype of a single number.
fn number_dtype(obj: &Bound<'_, PyAny>) -> PyResult<Option<DType>> {
    match scalar_of(obj)? {
        Some(s) => Ok(Some(crate::ops::create::natural_dtype(s))),
        None if obj.is_instance_of::<PyInt>() => Ok(Some(DType::I64)),
        None => Err(PyRuntimeError::new_err(format!("Could not infer dtype of {}", super::args::type_name(obj)))),
    }
}

fn fill(obj: &Bound<'_, PyAny>, shape: &[usize], depth: usize, out: &Tensor, at: &mut usize) -> PyResult<()> {
    let size = out.dtype().size();
    if depth == shape.len() {
        if tensor_of(obj).is_some_and(|t| t.numel() != 1) {
            return Err(match out.dtype().is_integral(true) {
                true => PyTypeError::new_err("only integer tensors of a single element can be converted to an index"),
                false => PyValueError::new_err("only one element tensors can be converted to Python scalars"),
            });
        }
        let own = obj.is_instance_of::<PyTensor>() && !super::overrides::both_plain(obj, None);
        let number = if own { Some(by_protocol(obj, out.dtype())?) } else { number_for(obj, out.dtype())? };
        let Some(s) = number.or_else(|| tensor_of(obj).filter(|t| t.numel() == 1).and_then(|t| t.item().ok())) else {
            let name = super::args::type_name(obj);
            return Err(PyTypeError::new_err(match out.dtype().is_integral(false) {
                true => format!("'{name}' object cannot be interpreted as an integer"),
                false => format!("must be real number, not {name}"),
            }));
        };
        if matches!(s, Scalar::Complex(..)) && !out.dtype().is_complex() && out.dtype() != DType::Bool {
            return Err(PyTypeError::new_err(match out.dtype().is_float() {
                true => "must be real number, not complex",
                false => "'complex' object cannot be interpreted as an integer",
            }));
        }
        // `number_for` has looked at what uint64 takes, which may be beyond an i64.
        let checked = matches!(s, Scalar::Int(_) | Scalar::Wide(_)) && out.dtype() == DType::U64;
        if out.dtype().is_integral(false) && !checked && !s.fits(out.dtype()) {
            return Err(PyRuntimeError::new_err(format!(
                "value cannot be converted to type {} without overflow",
                out.dtype().name()
            )));
        }
        let bytes = s.to_bytes(out.dtype());
        // SAFETY: `at` counts up to the number of elements that the output was made for.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), out.ptr().add(*at * size), size) };
        *at += 1;
        return Ok(());
    }
    let items: Items<'_> = match sequence(obj)? {
        Some(items) => items,
        None => match tensor_of(obj) {
            Some(t) => crate::ops::split::unbind(&t.detach(), 0)?
                .into_iter()
                .map(|t| Ok(wrap(obj.py(), t)?.into_bound(obj.py())))
                .collect::<PyResult<_>>()?,
            None if interop::is_array(obj) => obj.try_iter()?.collect::<PyResult<_>>()?,
            None => {
                return Err(PyTypeError::new_err(format!(
                    "not a sequence\n  tensor: expected a sequence at dim {depth}, but got {}. Make all rows equally long.",
                    super::args::type_name(obj)
                )));
            }
        },
    };
    if items.len() != shape[depth] {
        return Err(PyValueError::new_err(format!(
            "expected sequence of length {} at dim {depth} (got {})",
            shape[depth],
            items.len()
        )));
    }
    items.iter().try_for_each(|i| fill(i, shape, depth + 1, out, at))
}

/// A number by Python's protocols, which the class of a tensor may have changed.
fn by_protocol(obj: &Bound<'_, PyAny>, dtype: DType) -> PyResult<Scalar> {
    let py = obj.py();
    Ok(match dtype.category() {
        Category::Bool => Scalar::Bool(obj.is_truthy()?),
        Category::Float => Scalar::Float(obj.extract()?),
        Category::Complex => {
            let z = py.get_type::<pyo3::types::PyComplex>().call1((obj,))?;
            scalar_of(&z)?.unwrap_or(Scalar::Int(0))
        }
        Category::Int => number_for(&super::convert::index_of(obj)?, dtype)?.unwrap_or(Scalar::Int(0)),
    })
}

/// A number as an element of a dtype. Ints that the dtype cannot hold are errors.
pub(super) fn number_for(obj: &Bound<'_, PyAny>, dtype: DType) -> PyResult<Option<Scalar>> {
    if !obj.is_instance_of::<PyInt>() || obj.extract::<i64>().is_ok() {
        return scalar_of(obj);
    }
    let (number, ty) = if dtype.category() >= Category::Float {
        (obj.extract::<f64>().ok().map(Scalar::Float), Ty::Float)
    } else if dtype == DType::U64 {
        (obj.extract::<u64>().ok().map(Scalar::Wide), Ty::Int)
    } else {
        (None, Ty::Int)
    };
    match (number, super::convert::overflow(obj, ty)) {
        (None, Some(e)) => Err(e.into()),
        (number, _) => Ok(number),
    }
}

/// A fresh tensor with the data of a Python object.
pub(super) fn tensor_from(obj: &Bound<'_, PyAny>, dtype: Option<DType>) -> PyResult<Tensor> {
    if let Some(t) = tensor_of(obj) {
        return Ok(copy::to(&t.detach(), dtype, None, true, crate::tensor::MemoryFormat::Preserve)?);
    }
    if let Some(t) = interop::from_any_array(obj, false)? {
        return Ok(copy::to(&t, dtype, None, true, crate::tensor::MemoryFormat::Preserve)?);
    }
    if obj.is_instance_of::<PyString>() || obj.is_instance_of::<PyBytes>() {
        return Err(PyTypeError::new_err(format!("new(): invalid data type '{}'", super::args::type_name(obj))));
    }
    let shape = shape_of(obj)?;
    let dtype = match dtype {
        Some(d) => d,
        None => infer(obj, 0)?.unwrap_or(default_dtype()),
    };
    let out = dispatch::empty(&shape, dtype, Device::Cpu)?;
    let mut at = 0;
    fill(obj, &shape, 0, &out, &mut at)?;
    Ok(out)
}

fn finish(py: Python<'_>, t: Tensor, device: Option<&Bound<'_, PyAny>>, requires_grad: bool) -> PyResult<Py<PyAny>> {
    let device =
        device.filter(|d| !d.is_none()).map(device_arg).transpose()?.or_else(crate::tensor::device::chosen_default);
    let t = copy::to(&t, None, device, false, crate::tensor::MemoryFormat::Preserve)?;
    if requires_grad {
        super::gradient::set_requires_grad(&t, true, super::gradient::DIFFERENTIABLE)?;
    }
    wrap(py, t)
}

pub(super) fn device_arg(d: &Bound<'_, PyAny>) -> PyResult<Device> {
    match super::convert::device_of(d) {
        Some(d) => Ok(d?),
        None => Err(PyTypeError::new_err(format!(
            "argument 'device' must be torch.device, not {}",
            super::args::type_name(d)
        ))),
    }
}

pub(super) fn dtype_arg(function: &str, d: Option<&Bound<'_, PyAny>>) -> PyResult<Option<DType>> {
    match d.filter(|d| !d.is_none()) {
        None => Ok(None),
        Some(d) => dtype_of(d).map(Some).ok_or_else(|| {
            PyTypeError::new_err(format!(
                "{function}(): argument 'dtype' must be torch.dtype, not {}",
                super::args::type_name(d)
            ))
        }),
    }
}

/// Lets modes answer for a function whose arguments take no calls over.
fn by_mode<'py>(
    py: Python<'py>,
    name: &str,
    data: &Bound<'py, PyAny>,
    options: &[(&str, Option<&Bound<'py, PyAny>>)],
) -> PyResult<Option<Py<PyAny>>> {
    if !super::overrides::modes_active() {
        return Ok(None);
    }
    let function = py.import("rustorch")?.getattr(name)?;
    let (args, kwargs) = (PyTuple::new(py, [data])?, PyDict::new(py));
    for (name, value) in options {
        if let Some(value) = value {
            kwargs.set_item(name, value)?;
        }
    }
    Ok(Some(super::overrides::handle(py, &function, &[], &args, &kwargs)?.unbind()))
}

/// A tensor with a copy of data: numbers, nested sequences, arrays.
///
/// Example: `torch.tensor([[1., 2.], [3., 4.]]).shape` is `torch.Size([2, 2])`.
#[pyfunction]
#[pyo3(signature = (data, *, dtype=None, device=None, requires_grad=false, pin_memory=false))]
fn tensor(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    dtype: Option<&Bound<'_, PyAny>>,
    device: Option<&Bound<'_, PyAny>>,
    requires_grad: bool,
    pin_memory: bool,
) -> PyResult<Py<PyAny>> {
    let _ = pin_memory;
    let grad = requires_grad.then(|| PyBool::new(py, true).to_owned().into_any());
    let options = [("dtype", dtype), ("device", device), ("requires_grad", grad.as_ref())];
    if let Some(r) = by_mode(py, "tensor", data, &options)? {
        return Ok(r);
    }
    if data.cast::<PyTensor>().is_ok() {
        PyErr::warn(py, &py.get_type::<pyo3::exceptions::PyUserWarning>(), c"To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).", 1)?;
    }
    finish(py, tensor_from(data, dtype_arg("tensor", dtype)?)?, device, requires_grad)
}

/// A tensor of data, sharing its memory where it can (tensors, NumPy arrays).
#[pyfunction]
#[pyo3(signature = (data, dtype=None, device=None))]
fn as_tensor(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    dtype: Option<&Bound<'_, PyAny>>,
    device: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<PyAny>> {
    if let Some(r) = by_mode(py, "as_tensor", data, &[("dtype", dtype), ("device", device)])? {
        return Ok(r);
    }
    let d = dtype_arg("as_tensor", dtype)?;
    let dev =
        device.filter(|d| !d.is_none()).map(device_arg).transpose()?.or_else(crate::tensor::device::chosen_default);
    if let Some(t) = tensor_of(data) {
        return wrap(py, copy::to(&t, d, dev, false, crate::tensor::MemoryFormat::Preserve)?);
    }
    if let Some(t) = interop::from_any_array(data, true)? {
        return wrap(py, copy::to(&t, d, dev, false, crate::tensor::MemoryFormat::Preserve)?);
    }
    finish(py, tensor_from(data, d)?, device, false)
}

/// `Tensor(2, 3)`, `Tensor([1, 2])`, `Tensor(other)`: the legacy constructor of one dtype.
///
/// `Tensor` itself (no `dtype`) takes a tensor of any dtype as it is, and makes the default dtype otherwise.
pub(super) fn legacy(
    dtype: Option<DType>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Tensor> {
    let (strict, dtype) = (dtype.is_some(), dtype.unwrap_or(default_dtype()));
    let keyword = |name| kwargs.and_then(|k| k.get_item(name).transpose()).transpose();
    if let Some(d) = keyword("device")?.filter(|d| !d.is_none())
        && device_arg(&d)? != Device::Cpu
    {
        return Err(PyTypeError::new_err(
            "legacy constructor expects device type: cpu but device type: meta was passed",
        ));
    }
    let sized = |size: &[i64]| -> PyResult<Tensor> {
        Ok(dispatch::empty(&crate::ops::helpers::checked_shape("Tensor", size)?, dtype, Device::Cpu)?)
    };
    let first = match args.is_empty() {
        false => args.get_item(0)?,
        true => match (keyword("size")?, keyword("data")?.or(keyword("other")?)) {
            (Some(size), _) => {
                return sized(
                    &super::convert::ints_of(&size)
                        .ok_or_else(|| super::convert::wrong_type("new", "size", "tuple of ints", &size))?,
                );
            }
            (None, Some(data)) => data,
            (None, None) => return sized(&[0]),
        },
    };
    if int_of(&first).is_some() && tensor_of(&first).is_none() {
        let size = args.iter().enumerate().map(|(i, a)| int_of(&a).ok_or_else(|| {
            PyTypeError::new_err(format!("new(): argument 'size' failed to unpack the object at pos {} with error \"type must be tuple of ints,but got {}\"", i + 1, super::args::type_name(&a)))
        }));
        return sized(&size.collect::<PyResult<Vec<_>>>()?);
    }
    if args.len() > 1 {
        let got: Vec<_> = args.iter().map(|a| super::args::type_name(&a)).collect();
        return Err(PyTypeError::new_err(format!(
            "new() received an invalid combination of arguments - got ({}), but expected one of:\n * (*, torch.device device = None)\n * (torch.Storage storage)\n * (Tensor other)\n * (tuple of ints size, *, torch.device device = None)\n * (object data, *, torch.device device = None)\n",
            got.join(", ")
        )));
    }
    if let Some(t) = tensor_of(&first) {
        if strict && t.dtype() != dtype {
            let options = |d: DType| {
                format!(
                    "TensorOptions(dtype={}, device=cpu, layout=Strided, requires_grad=false (default), pinned_memory=false (default), memory_format=(nullopt))",
                    d.c_name()
                )
            };
            return Err(PyTypeError::new_err(format!("expected {} (got {})", options(dtype), options(t.dtype()))));
        }
        return Ok(crate::ops::view::alias(&t)?);
    }
    if let Some(s) = super::storage::storage_of(&first) {
        let n = s.nbytes() / dtype.size();
        return super::storage::over(&s, dtype, 0, &[n as i64], &[1]);
    }
    if super::types::CLASSES.get(args.py()).is_some_and(|c| first.is_instance(c.size.bind(args.py())).unwrap_or(false))
    {
        return sized(&super::convert::ints_of(&first).unwrap_or_default());
    }
    if first.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("new(): invalid data type 'str'"));
    }
    if sequence(&first)?.is_none() && !interop::is_array(&first) {
        return Err(PyTypeError::new_err(format!(
            "new(): data must be a sequence (got {})",
            super::args::type_name(&first)
        )));
    }
    tensor_from(&first, Some(dtype))
}

/// The constructor behind `FloatTensor` and its kin.
#[pyfunction]
#[pyo3(signature = (dtype, *args, **kwargs))]
fn _legacy_tensor(
    dtype: &Bound<'_, super::types::PyDType>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    wrap(dtype.py(), legacy(Some(dtype.get().0), args, kwargs)?)
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(tensor, m)?)?;
    m.add_function(wrap_pyfunction!(as_tensor, m)?)?;
    m.add_function(wrap_pyfunction!(_legacy_tensor, m)?)?;
    Ok(())
}
