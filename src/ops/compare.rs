//! Comparison of whole tensors.

use super::copy::to_dtype;
use crate::autograd::no_grad;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::tensor::Tensor;
use crate::tensor::promote::default_dtype;

/// Have both the same shape and elements? NaN equals nothing.
pub fn equal(x: &Tensor, y: &Tensor) -> Result<bool> {
    if x.is_meta() || y.is_meta() {
        fail!(NotImplemented, torch: ("aten::equal: attempted to run this operator with Meta tensors, but there was no fake impl or Meta kernel registered."), expected: ("equal: expected data"), got: ("a meta tensor"), fix: ("Make it on the CPU."));
    }
    if x.shape() != y.shape() {
        return Ok(false);
    }
    no_grad(|| x.detach().eq(&y.detach())?.all_all()?.item_bool())
}

fn not_negative(name: &str, v: f64) -> Result<()> {
    if v < 0.0 || v.is_nan() {
        fail!(Runtime, torch: ("{name} must be greater than or equal to zero, but got {v}"), expected: ("isclose: expected {name} of at least 0"), got: ("{v}"), fix: ("Check the sign."));
    }
    Ok(())
}

/// Element by element: `|x - y| <= atol + rtol |y|`.
pub fn isclose(x: &Tensor, y: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> Result<Tensor> {
    if x.dtype() != y.dtype() {
        fail!(Runtime, torch: ("{} did not match {}", x.dtype().scalar_name(), y.dtype().scalar_name()), expected: ("isclose: expected tensors of one dtype"), got: ("{} and {}", x.dtype().name(), y.dtype().name()), fix: ("Convert one."));
    }
    not_negative("rtol", rtol)?;
    not_negative("atol", atol)?;
    let (x, y) = (x.detach(), y.detach());
    let mut close = x.eq(&y)?;
    if equal_nan && x.dtype().is_differentiable() {
        close = close.logical_or(&x.isnan()?.logical_and(&y.isnan()?)?)?;
    }
    if rtol == 0.0 && atol == 0.0 {
        return Ok(close);
    }
    // Integers are compared as floats, so that differences do not wrap.
    let cast = |t: &Tensor| if t.dtype().is_integral(true) { to_dtype(t, default_dtype()) } else { Ok(t.clone()) };
    let (x, y) = (cast(&x)?, cast(&y)?);
    let allowed = y.mul_scalar(rtol)?.abs()?.add_scalar(atol)?;
    let distance = x.sub(&y)?.abs()?;
    close.logical_or(&distance.isfinite()?.logical_and(&distance.le(&allowed)?)?)
}

/// Are all elements close?
pub fn allclose(x: &Tensor, y: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> Result<bool> {
    isclose(x, y, rtol, atol, equal_nan)?.all_all()?.item_bool()
}

ops! {
    /// Have both the same shape and elements? NaN equals nothing.
    "equal(Tensor self, Tensor other) -> bool" [f m] => equal(0, 1);
    /// Element by element: `|self - other| <= atol + rtol * |other|`.
    "isclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> Tensor" [f m] => isclose(0, 1, 2, 3, 4);
    /// Are all elements close?
    "allclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> bool" [f m] => allclose(0, 1, 2, 3, 4);
}
