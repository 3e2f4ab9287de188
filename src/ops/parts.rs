//! Numbers taken apart and in other units: mantissa and exponent, realness, degrees and radians.

use super::copy::to_dtype;
use super::helpers::float_dtype;
use super::pointwise::Class::Same;
use super::pointwise::{Pw, number, unary};
use crate::autograd::{no_grad, record};
use crate::dispatch::{self, Fun};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::{DType, Scalar, Tensor};

/// Degrees in a radian.
const DEGREES: f64 = 180.0 / std::f64::consts::PI;
const RADIANS: f64 = std::f64::consts::PI / 180.0;

fn scaled(name: &'static str, node: &'static str, factor: f64, x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_complex() {
        fail!(Runtime, torch: ("{name} is not supported for complex tensors."), expected: ("{name}: expected real numbers"), got: ("{}", x.dtype().name()), fix: ("Convert the parts."));
    }
    let y = no_grad(|| to_dtype(x, float_dtype(x.dtype()))?.mul(&number(factor)?))?;
    record(y, node, &[x], |_| move |_, g| grads![g.mul(&number(factor)?)?])
}

fn deg2rad(x: &Tensor) -> Result<Tensor> {
    scaled("deg2rad", "Deg2RadBackward0", RADIANS, x)
}

fn rad2deg(x: &Tensor) -> Result<Tensor> {
    scaled("rad2deg", "Rad2DegBackward0", DEGREES, x)
}

static MANTISSA: Pw = Pw { name: "frexp", node: "FrexpBackward0", fun: Fun::Mantissa, class: Same, grads: &[] };
static EXPONENT: Pw = Pw { name: "frexp", node: "FrexpBackward0", fun: Fun::Exponent, class: Same, grads: &[] };

/// `x = mantissa * 2^exponent` with a mantissa in `[0.5, 1)`, or 0, infinite or NaN like x with exponent 0.
fn frexp(x: &Tensor) -> Result<(Tensor, Tensor)> {
    if !x.dtype().is_float() {
        fail!(Runtime, torch: ("torch.frexp() only supports floating-point dtypes"), expected: ("frexp: expected floats"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    let exact = x.detach();
    let (mantissa, exponent) = (unary(&MANTISSA, &exact)?, unary(&EXPONENT, &exact)?);
    let mantissa = record(mantissa, "FrexpBackward0", &[x], |s| {
        let exponent = s.input(&exponent);
        move |c, g| grads![g.div(&c.get(exponent)?.exp2()?)?]
    })?;
    Ok((mantissa, to_dtype(&exponent, DType::I32)?))
}

fn isreal(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_complex() {
        return no_grad(|| super::reinterpret::view_as_real(x)?.select_last(1)?.eq(&number(0.0)?));
    }
    let y = x.empty_like_dtype(DType::Bool)?;
    dispatch::fill(&y, Scalar::Bool(true));
    Ok(y)
}

impl Tensor {
    fn select_last(&self, index: i64) -> Result<Tensor> {
        super::view::select(self, -1, index)
    }
}

ops! {
    /// Degrees as radians.
    "deg2rad(Tensor self) -> Tensor" [f m i o] => deg2rad(0);
    /// Radians as degrees.
    "rad2deg(Tensor self) -> Tensor" [f m i o] => rad2deg(0);
    /// Mantissas in [0.5, 1) and int32 exponents of 2.
    "frexp(Tensor self) -> (Tensor mantissa, Tensor exponent)" [f m o] => frexp(0);
    /// Is the imaginary part 0?
    "isreal(Tensor self) -> Tensor" [f m] => isreal(0);
}
