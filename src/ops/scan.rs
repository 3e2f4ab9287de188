//! Running sums, products and extremes along a dim.

use super::along::shifted;
use super::copy::to_dtype;
use super::extreme::{ordered, record_selected};
use super::helpers::not_implemented;
use super::inplace::on_old;
use super::reduce::sum_dtype;
use crate::autograd::record;
use crate::dispatch::{self, scan::Scan};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::Args;
use crate::tensor::{DType, Tensor};

/// From which end of the dim a scan runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Direction {
    Forward,
    Backward,
}
use Direction::{Backward, Forward};

impl Direction {
    fn opposite(self) -> Direction {
        if self == Forward { Backward } else { Forward }
    }
}

fn scanned(kind: Scan, x: &Tensor, dim: usize, direction: Direction, dtype: DType) -> Result<Tensor> {
    let y = dispatch::empty(x.shape(), dtype, x.device())?;
    dispatch::scan::scan(kind, x, &y, dim, direction == Backward);
    Ok(y)
}

/// Running sums; the derivative runs the other way.
pub fn sum_scan(x: &Tensor, dim: usize, direction: Direction) -> Result<Tensor> {
    let y = scanned(Scan::Sum, x, dim, direction, sum_dtype(x, None))?;
    record(y, "CumsumBackward0", &[x], |_| move |_, g| grads![sum_scan(g, dim, direction.opposite())?])
}

/// Running products.
///
/// With `p[k]` the product before k and `s[k] = g[k] + x[k + 1] s[k + 1]`, the gradient is `p[k] s[k]`: no division,
/// so zeros need no special case.
pub fn product_scan(x: &Tensor, dim: usize, direction: Direction) -> Result<Tensor> {
    let y = scanned(Scan::Prod, x, dim, direction, sum_dtype(x, None))?;
    record(y, "CumprodBackward0", &[x], |s| {
        let (x, y) = (s.input(x), s.output(0));
        let back = direction == Backward;
        move |c, g| {
            let before = shifted(&c.get(y)?, dim, back, 1.0)?;
            let next = shifted(&c.get(x)?, dim, !back, 0.0)?;
            grads![recurrence(&next.conj()?, g, dim, direction.opposite())?.mul(&before.conj()?)?]
        }
    })
}

/// `y[k] = b[k] + a[k] y[k - 1]` (or `y[k + 1]`) along `dim`.
fn recurrence(a: &Tensor, b: &Tensor, dim: usize, direction: Direction) -> Result<Tensor> {
    let y = dispatch::empty(b.shape(), b.dtype(), b.device())?;
    dispatch::scan::recur(a, b, &y, dim, direction == Backward);
    record(y, "RecurrenceBackward0", &[a, b], |s| {
        let (a, y) = (s.input(a), s.output(0));
        let back = direction == Backward;
        move |c, g| {
            let factor = shifted(&c.get(a)?, dim, !back, 0.0)?.conj()?;
            let by_b = recurrence(&factor, g, dim, direction.opposite())?;
            let by_a = c.when(0, || by_b.mul(&shifted(&c.get(y)?, dim, back, 0.0)?.conj()?))?;
            grads![by_a, by_b]
        }
    })
}

fn cast(x: &Tensor, dtype: Option<DType>) -> Result<Tensor> {
    let to = sum_dtype(x, dtype);
    // The kernel converts small integers on its way.
    if x.dtype().is_integral(true) && to == DType::I64 { Ok(x.clone()) } else { to_dtype(x, to) }
}

/// Running sums along a dim; bool and integers sum to int64.
pub fn cumsum(x: &Tensor, dim: i64, dtype: Option<DType>) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    let x = cast(x, dtype)?;
    if dtype.is_some_and(|t| t.is_integral(true)) {
        scanned(Scan::Sum, &x, d, Forward, sum_dtype(&x, dtype))
    } else {
        sum_scan(&x, d, Forward)
    }
}

/// Running products along a dim; bool and integers multiply to int64.
pub fn cumprod(x: &Tensor, dim: i64, dtype: Option<DType>) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    let x = cast(x, dtype)?;
    if dtype.is_some_and(|t| t.is_integral(true)) {
        scanned(Scan::Prod, &x, d, Forward, sum_dtype(&x, dtype))
    } else {
        product_scan(&x, d, Forward)
    }
}

/// A tensor keeps its dtype when it is written.
fn check_in_place(name: &str, a: &Args) -> Result<()> {
    let (x, dtype): (&Tensor, Option<DType>) = (a.get(0)?, a.get(2)?);
    let Some(dtype) = dtype.filter(|&d| d != x.dtype() && a.in_place()) else { return Ok(()) };
    fail!(Runtime, torch: ("Bad in-place call: input tensor dtype {} and output tensor dtype {} should match", x.dtype().c_name(), dtype.c_name()),
        expected: ("{name}: expected dtype {}", x.dtype().name()), got: ("{}", dtype.name()), fix: ("Use the form without the underscore."))
}

/// log of running sums of exponentials along a dim.
pub fn logcumsumexp(x: &Tensor, dim: i64) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    if !x.dtype().is_differentiable() {
        return not_implemented("logcumsumexp_out", x.dtype());
    }
    let y = scanned(Scan::LogSumExp, x, d, Forward, x.dtype())?;
    record(y, "LogcumsumexpBackward0", &[x], |s| {
        let x = s.input(x);
        move |c, g| grads![logcumsumexp_backward(g, &c.get(x)?, d)?]
    })
}

/// With `t[k] = g[k] + exp(y[k] - y[k + 1]) t[k + 1]` the gradient is `exp(x[k] - y[k]) t[k]`: the exponents are at
/// most 0, so nothing overflows. Computed anew in the wider dtype, since the rounding of a large y would show in them.
fn logcumsumexp_backward(g: &Tensor, x: &Tensor, dim: usize) -> Result<Tensor> {
    let wide = match x.dtype() {
        DType::F16 | DType::BF16 => DType::F32,
        DType::C64 => DType::C128,
        DType::F32 if !x.is_gpu() => DType::F64,
        same => same,
    };
    let (g, x64) = (to_dtype(g, wide)?, to_dtype(x, wide)?);
    let y = logcumsumexp(&x64, dim as i64)?;
    // A sum of nothing but -inf: every share is 0, not exp(-inf + inf).
    let finite = y.masked_fill_scalar(&y.detach().real_part()?.isneginf()?, 0.0)?;
    let step = if x.is_gpu() {
        // Without a wider dtype: exp(y[k] - y[k + 1]) = 1 / (1 + exp(x[k + 1] - y[k])), whose errors do not add up. The
        // lowest number stands for -inf, so that no difference is NaN.
        let next = shifted(&x64, dim, true, f64::from(f32::MIN))?;
        y.sub(&next.masked_fill_scalar(&next.detach().isneginf()?, f64::from(f32::MIN))?)?.sigmoid()?
    } else {
        y.sub(&shifted(&finite, dim, true, f64::INFINITY)?)?.exp()?
    };
    let t = recurrence(&step.conj()?, &g, dim, Backward)?;
    to_dtype(&x64.sub(&finite)?.exp()?.conj()?.mul(&t)?, x.dtype())
}

fn cumulative(name: &'static str, node: &'static str, max: bool, x: &Tensor, dim: i64) -> Result<(Tensor, Tensor)> {
    ordered(name, x)?;
    let d = x.wrap_dim(dim)?;
    let values = dispatch::empty(x.shape(), x.dtype(), x.device())?;
    let indices = dispatch::empty(x.shape(), DType::I64, x.device())?;
    dispatch::scan::scan_extreme(max, x, &values, &indices, d);
    record_selected(node, x, &values, &indices, d, true)?;
    Ok((values, indices))
}

/// Running maxima along a dim and where they last occur.
pub fn cummax(x: &Tensor, dim: i64) -> Result<(Tensor, Tensor)> {
    cumulative("cummax", "CummaxBackward0", true, x, dim)
}

/// Running minima along a dim and where they last occur.
pub fn cummin(x: &Tensor, dim: i64) -> Result<(Tensor, Tensor)> {
    cumulative("cummin", "CumminBackward0", false, x, dim)
}

ops! {
    /// log of running sums of exponentials along a dim, without overflow.
    "logcumsumexp(Tensor self, int dim) -> Tensor" [f m o] => logcumsumexp(0, 1);
    /// Running maxima along a dim, and the indices at which they last occur.
    "cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)" [f m o] => cummax(0, 1);
    /// Running minima along a dim, and the indices at which they last occur.
    "cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)" [f m o] => cummin(0, 1);
    @
    /// Running sums along a dim; bool and integers sum to int64.
    "cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor" [f m i o] => |a| {
        check_in_place("cumsum_", a)?;
        cumsum(a.get(0)?, a.get(1)?, a.get(2)?)
    };
    /// Running products along a dim; bool and integers multiply to int64.
    "cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor" [f m i o] => |a| {
        check_in_place("cumprod_", a)?;
        on_old("cumprod", a, |x| cumprod(x, a.get(1)?, a.get(2)?))
    };
}
