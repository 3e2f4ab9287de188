//! Python's operators on tensors: number slots that skip signature binding.

#![allow(unsafe_op_in_unsafe_fn, reason = "PyO3's expansion inside a macro of ours")]

use super::args::Call;
use super::convert::{overflow, scalar_of, tensor_of};
use super::errors::contain_named;
use super::fallback;
use super::interop::{from_any_array, is_array};
use super::overrides;
use super::tensor::{PyTensor, wrap};
use crate::dispatch;
use crate::error::{Result, caught};
use crate::ops::{arith, copy, lazy, matmul, pointwise, special, unary};
use crate::schema::{Dest, Ty};
use crate::tensor::{Scalar, Tensor};
use pyo3::Borrowed;
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyInt;
use smallvec::smallvec;

/// A tensor over an array; None for one that torch has no dtype for, which equals nothing.
fn numeric_array(obj: &Obj<'_>) -> PyResult<Option<Tensor>> {
    match from_any_array(obj, true) {
        Err(e) if e.is_instance_of::<PyTypeError>(obj.py()) => Ok(None),
        found => found,
    }
}

type Binary = fn(&Tensor, &Tensor, &Dest) -> Result<Tensor>;
type Obj<'py> = Bound<'py, PyAny>;

/// Elements from which on other Python threads may run during a call: below, handing over costs more than it gives.
pub(super) const DETACH_NUMEL: usize = 1 << 15;

fn run(py: Python<'_>, method: &str, x: Tensor, y: Tensor, f: Binary, dest: Dest) -> PyResult<Py<PyAny>> {
    if x.sparse().is_some() || y.sparse().is_some() {
        return Err(super::sparse::refuse(method).into());
    }
    if x.is_lazy() || y.is_lazy() {
        let (a, b) = (lazy::resolve(&x)?, lazy::resolve(&y)?);
        if !matches!(dest, Dest::InPlace) {
            return run(py, method, a, b, f, dest);
        }
        run(py, method, a.clone(), b, f, dest)?;
        return wrap(py, copy::copy_(&x, &a, false)?);
    }
    let weight = x.numel() + y.numel();
    let in_place = matches!(dest, Dest::InPlace);
    let r = contain_named(&mut { method }, |_| {
        let call = || caught(|| f(&x, &y, &dest));
        match if weight >= DETACH_NUMEL { py.detach(call) } else { call() } {
            Ok(r) => Ok(r),
            Err(e) if e.is_for_lack_of_a_kernel() && (x.is_gpu() || y.is_gpu()) => {
                fallback::operator(py, method, (&x, &y), f, in_place, e)
            }
            Err(e) => Err(e.into()),
        }
    })?;
    wrap(py, r)
}

/// `slf op other`; with `reversed`, `other op slf`. `method` is what `__torch_function__` gets to see.
#[inline]
fn binary<'py>(
    slf: &Bound<'py, PyTensor>,
    other: &Obj<'py>,
    method: &str,
    f: Binary,
    reversed: bool,
) -> PyResult<Py<PyAny>> {
    let py = slf.py();
    match overridden(slf.as_any(), Some(other), method) {
        Ok(Some(r)) => return Ok(r),
        Ok(None) => {}
        // Classes that know nothing of each other: Python says so in its own words.
        Err(e) if e.is_instance_of::<PyTypeError>(py) => return Ok(py.NotImplemented()),
        Err(e) => return Err(e),
    }
    let x = slf.get().tensor();
    let y = match tensor_of(other) {
        Some(y) => y,
        None => match scalar_of(other)? {
            Some(s) => dispatch::wrapped(s)?,
            None => return overflow(other, Ty::Operand).map_or_else(|| Ok(py.NotImplemented()), |e| Err(e.into())),
        },
    };
    if reversed { run(py, method, y, x, f, Dest::New) } else { run(py, method, x, y, f, Dest::New) }
}

/// `other / slf`: an array is multiplied by the reciprocal, which NumPy does, as in torch.
fn divide_array<'py>(
    slf: &Bound<'py, PyTensor>,
    other: &Obj<'py>,
    method: &str,
    f: Binary,
    reversed: bool,
) -> PyResult<Py<PyAny>> {
    let r = binary(slf, other, method, f, reversed)?;
    let py = slf.py();
    if !r.is(py.NotImplemented()) || !is_array(other) {
        return Ok(r);
    }
    let inverse = wrap(py, lazy::resolve(&slf.get().tensor())?.reciprocal()?)?;
    Ok(inverse.bind(py).mul(other)?.unbind())
}

/// What may stand beside a tensor. For other objects PyO3 returns NotImplemented, and Python asks these.
struct Operand<'py>(Obj<'py>);

impl<'a, 'py> FromPyObject<'a, 'py> for Operand<'py> {
    type Error = PyErr;
    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let obj = obj.to_owned();
        if obj.is_instance_of::<PyTensor>()
            || obj.is_instance_of::<PyInt>()
            || scalar_of(&obj)?.is_some()
            || overrides::overrides(&obj)
        {
            return Ok(Operand(obj));
        }
        Err(PyTypeError::new_err("not an operand"))
    }
}

fn in_place<'py>(slf: &Bound<'py, PyTensor>, other: &Obj<'py>, method: &str, f: Binary) -> PyResult<()> {
    if overridden(slf.as_any(), Some(other), method)?.is_some() {
        return Ok(());
    }
    let x = slf.get().tensor();
    let y = match tensor_of(other) {
        Some(y) => y,
        None => match scalar_of(other)? {
            Some(s) => dispatch::wrapped(s)?,
            None => {
                return Err(overflow(other, Ty::Operand).map_or_else(
                    || super::convert::wrong_type(method, "other", "Tensor or a number", other),
                    PyErr::from,
                ));
            }
        },
    };
    run(slf.py(), method, x, y, f, Dest::InPlace)?;
    Ok(())
}

fn one<'py>(slf: &Bound<'py, PyTensor>, method: &str, f: fn(&Tensor) -> Result<Tensor>) -> PyResult<Py<PyAny>> {
    if let Some(r) = overridden(slf.as_any(), None, method)? {
        return Ok(r);
    }
    let x = lazy::resolve(&slf.get().tensor())?;
    if x.sparse().is_some() {
        return Err(super::sparse::refuse(method).into());
    }
    let py = slf.py();
    let r =
        contain_named(&mut { method }, |_| Ok(if x.numel() >= DETACH_NUMEL { py.detach(|| f(&x))? } else { f(&x)? }))?;
    wrap(py, r)
}

#[inline]
pub(super) fn overridden<'py>(slf: &Obj<'py>, other: Option<&Obj<'py>>, method: &str) -> PyResult<Option<Py<PyAny>>> {
    if overrides::both_plain(slf, other) {
        return Ok(None);
    }
    let mut call = Call { positional: smallvec![slf.clone()], keywords: smallvec![] };
    call.positional.extend(other.cloned());
    let Some(found) = overrides::interested(&call) else { return Ok(None) };
    let py = slf.py();
    let function = py.get_type::<PyTensor>().getattr(method)?;
    let (args, kwargs) = call.as_objects(py)?;
    Ok(Some(overrides::handle(py, &function, &found, &args, &kwargs)?.unbind()))
}

fn add(x: &Tensor, y: &Tensor, d: &Dest) -> Result<Tensor> {
    arith::add(x, y, Scalar::Int(1), d)
}
fn sub(x: &Tensor, y: &Tensor, d: &Dest) -> Result<Tensor> {
    arith::sub(x, y, Scalar::Int(1), d)
}
fn mul(x: &Tensor, y: &Tensor, d: &Dest) -> Result<Tensor> {
    pointwise::apply(&arith::MUL, &[x, y], dispatch::Params::default(), d)
}
fn div(x: &Tensor, y: &Tensor, d: &Dest) -> Result<Tensor> {
    arith::div(x, y, None, d)
}
/// A number divided by a tensor: torch multiplies by the reciprocal, and so do we, for the same bits and graph.
fn div_number(x: &Tensor, y: &Tensor, _: &Dest) -> Result<Tensor> {
    y.reciprocal()?.mul(x)
}
fn floor_div(x: &Tensor, y: &Tensor, d: &Dest) -> Result<Tensor> {
    arith::floor_divide(x, y, d)
}
fn product(x: &Tensor, y: &Tensor, _: &Dest) -> Result<Tensor> {
    matmul::matmul(x, y)
}

macro_rules! rows {
    ($($f:ident = $row:ident;)*) => { $(fn $f(x: &Tensor, y: &Tensor, d: &Dest) -> Result<Tensor> { pointwise::apply(&arith::$row, &[x, y], dispatch::Params::default(), d) })* };
}
rows! { bit_and = BITWISE_AND; bit_or = BITWISE_OR; bit_xor = BITWISE_XOR; shl = SHL; shr = SHR; eq = EQ; ne = NE; lt = LT; le = LE; gt = GT; ge = GE; }

macro_rules! operators {
    ($($fwd:ident $rev:ident $inp:ident $method:literal $reversed:literal $inplace_method:literal $f:ident $r:ident $reverse:ident;)*) => {
        #[pymethods]
        impl PyTensor {
            $(
                fn $fwd<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> { binary(slf, other, $method, $f, false) }
                fn $rev<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> { $reverse(slf, other, $reversed, $r, true) }
                fn $inp<'py>(slf: &Bound<'py, Self>, other: Operand<'py>) -> PyResult<()> { in_place(slf, &other.0, $inplace_method, $f) }
            )*
        }
    };
}
operators! {
    __add__ __radd__ __iadd__ "add" "add" "add_" add add binary;
    __sub__ __rsub__ __isub__ "sub" "__rsub__" "sub_" sub sub binary;
    __mul__ __rmul__ __imul__ "mul" "mul" "mul_" mul mul binary;
    __truediv__ __rtruediv__ __itruediv__ "div" "__rdiv__" "div_" div div_number divide_array;
    __floordiv__ __rfloordiv__ __ifloordiv__ "__floordiv__" "__rfloordiv__" "floor_divide_" floor_div floor_div binary;
    __mod__ __rmod__ __imod__ "remainder" "__rmod__" "remainder_" remainder remainder binary;
    __and__ __rand__ __iand__ "bitwise_and" "__rand__" "bitwise_and_" bit_and bit_and binary;
    __or__ __ror__ __ior__ "bitwise_or" "__ror__" "bitwise_or_" bit_or bit_or binary;
    __xor__ __rxor__ __ixor__ "bitwise_xor" "__rxor__" "bitwise_xor_" bit_xor bit_xor binary;
    __lshift__ __rlshift__ __ilshift__ "bitwise_left_shift" "__rlshift__" "bitwise_left_shift_" shl shl binary;
    __rshift__ __rrshift__ __irshift__ "bitwise_right_shift" "__rrshift__" "bitwise_right_shift_" shr shr binary;
}

fn remainder(x: &Tensor, y: &Tensor, d: &Dest) -> Result<Tensor> {
    arith::remainder(x, y, d)
}
fn power(x: &Tensor, y: &Tensor, d: &Dest) -> Result<Tensor> {
    arith::pow(x, y, d)
}

#[pymethods]
impl PyTensor {
    fn __matmul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> {
        // Of tensors alone; what takes calls over is asked first.
        if tensor_of(other).is_none() {
            return Ok(overridden(slf.as_any(), Some(other), "matmul")?.unwrap_or_else(|| slf.py().NotImplemented()));
        }
        binary(slf, other, "matmul", product, false)
    }
    fn __rmatmul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> {
        if tensor_of(other).is_none() {
            return Ok(slf.py().NotImplemented());
        }
        binary(slf, other, "__rmatmul__", product, true)
    }
    fn __pow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulo: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let _ = modulo;
        binary(slf, other, "pow", power, false)
    }
    fn __rpow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulo: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let _ = modulo;
        binary(slf, other, "__rpow__", power, true)
    }
    fn __ipow__<'py>(slf: &Bound<'py, Self>, other: Operand<'py>, modulo: Option<&Bound<'py, PyAny>>) -> PyResult<()> {
        let _ = modulo;
        in_place(slf, &other.0, "pow_", power)
    }
    fn __neg__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        one(slf, "neg", Tensor::neg)
    }
    fn __pos__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        one(slf, "positive", special::positive)
    }
    fn __abs__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        one(slf, "abs", Tensor::abs)
    }
    fn __invert__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        if !slf.get().tensor().dtype().is_integral(true) {
            return Err(PyTypeError::new_err(
                "~ (operator.invert) is only implemented on integer and Boolean-type tensors",
            ));
        }
        one(slf, "bitwise_not", |x| pointwise::unary(&unary::BITWISE_NOT, x))
    }
    fn __richcmp__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>, op: CompareOp) -> PyResult<Py<PyAny>> {
        let (method, f): (&str, Binary) = match op {
            CompareOp::Eq => ("__eq__", eq),
            CompareOp::Ne => ("ne", ne),
            CompareOp::Lt => ("lt", lt),
            CompareOp::Le => ("le", le),
            CompareOp::Gt => ("gt", gt),
            CompareOp::Ge => ("ge", ge),
        };
        // An array is compared by its elements where equality is asked for, and there alone, as in torch.
        if let CompareOp::Eq = op
            && is_array(other)
            && let Some(y) = numeric_array(other)?
        {
            return binary(slf, wrap(slf.py(), y)?.bind(slf.py()), method, f, false);
        }
        binary(slf, other, method, f, false)
    }
}

pub(super) fn install(_m: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
