//! Quantiles: sorted, then read between the two nearest ranks.

use super::along::take;
use super::copy::to_dtype;
use super::reduce::sum;
use super::sort::sort;
use super::view;
use crate::dispatch::{self, Fun, Params};
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Scalar, Tensor};

fn check(name: &str, x: &Tensor, q: &Tensor, interpolation: &str) -> Result<()> {
    if x.numel() == 0 {
        fail!(Runtime, torch: ("{name}() input tensor must be non-empty"), expected: ("{name}: expected elements"), got: ("shape {:?}", x.shape()), fix: ("Check numel() first."));
    }
    if q.ndim() > 1 {
        fail!(Runtime, torch: ("{name}() q must be a scalar or 1D tensor"), expected: ("{name}: expected at most 1 dim of q"), got: ("shape {:?}", q.shape()), fix: ("Flatten q."));
    }
    if !matches!(x.dtype(), DType::F32 | DType::F64) {
        fail!(Runtime, torch: ("{name}() input tensor must be either float or double dtype"), expected: ("{name}: expected float32 or float64"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    if q.dtype() != x.dtype() {
        fail!(Runtime, torch: ("{name}() q tensor must be same dtype as the input tensor"), expected: ("{name}: expected q of {}", x.dtype().name()), got: ("{}", q.dtype().name()), fix: ("Convert q."));
    }
    if q.device() != x.device() {
        fail!(Runtime, torch: ("{name}() q tensor must be on the same device as the input tensor"), expected: ("{name}: expected q on {}", x.device()), got: ("{}", q.device()), fix: ("Move q."));
    }
    if !["linear", "lower", "higher", "midpoint", "nearest"].contains(&interpolation) {
        fail!(Runtime, torch: ("{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"), expected: ("{name}: expected one of those"), got: ("'{interpolation}'"), fix: ("Check the spelling."));
    }
    if !q.is_meta() && q.numel() > 0 {
        let inside = |t: Result<Tensor>| t?.all_all()?.item_bool();
        let (zero, one) = (dispatch::wrapped(Scalar::Int(0))?, dispatch::wrapped(Scalar::Int(1))?);
        let q = q.detach();
        if !(inside(q.ge(&zero))? && inside(q.le(&one))?) {
            fail!(Runtime, torch: ("{name}() q values must be in the range [0, 1]"), expected: ("{name}: expected q from 0 to 1"), got: ("values outside"), fix: ("Percents are divided by 100 first."));
        }
    }
    Ok(())
}

/// The shape of the result: that of the reduction, with the number of quantiles in front if `q` has a dim.
fn result_shape(x: &Tensor, dim: Option<usize>, q: &Tensor, keepdim: bool) -> Shape {
    let mut shape: Shape = match dim {
        Some(d) => x
            .shape()
            .iter()
            .enumerate()
            .filter_map(|(i, &n)| if i != d { Some(n) } else { keepdim.then_some(1) })
            .collect(),
        None if keepdim => smallvec::smallvec![1; x.ndim()],
        None => Shape::new(),
    };
    if q.ndim() > 0 {
        shape.insert(0, q.numel());
    }
    shape
}

/// Fractional ranks in the sorted last dim; where a NaN is not to be skipped, the last rank, which holds it.
fn ranks(sorted: &Tensor, q: &Tensor, skip_nan: bool) -> Result<Tensor> {
    let last = sorted.size(sorted.ndim() - 1) as f64 - 1.0;
    let dim = [sorted.ndim() as i64 - 1];
    let nan = sorted.isnan()?;
    if skip_nan {
        let present = sum(&nan.logical_not()?, Some(&dim), true, None)?;
        let zero = dispatch::wrapped(Scalar::Float(0.0))?;
        let top = super::choose::clamp(
            &to_dtype(&present, sorted.dtype())?.add_scalar(-1.0)?,
            Some(&zero),
            None,
            &Dest::New,
        )?;
        return q.mul(&top);
    }
    let any = sum(&nan, Some(&dim), true, None)?.ne(&dispatch::wrapped(Scalar::Int(0))?)?;
    q.mul_scalar(last)?.masked_fill_scalar(&any, last)
}

fn compute(name: &str, x: &Tensor, q: &Tensor, dim: Option<i64>, keepdim: bool, interpolation: &str) -> Result<Tensor> {
    let d = dim.map(|d| x.wrap_dim(d)).transpose()?;
    check(name, x, q, interpolation)?;
    let shape = result_shape(x, d.filter(|_| x.ndim() > 0), q, keepdim);
    let line = match d {
        Some(d) if x.ndim() > 0 => view::movedim(x, &[d as i64], &[-1])?,
        _ => x.reshape_to(&[x.numel()])?,
    };
    let sorted = sort(&line, -1, false)?.0;
    let last = sorted.ndim() - 1;
    // A row of ranks per line: (.., q).
    let mut rank_shape = Shape::from_slice(sorted.shape());
    rank_shape[last] = q.numel();
    let rank = ranks(&sorted.detach(), &q.detach().reshape_to(&[q.numel()])?, name == "nanquantile")?;
    let rank = view::expand_to(&rank, &rank_shape)?;
    let at = |rank: &Tensor| take(&sorted, last, &to_dtype(rank, DType::I64)?);
    let y = match interpolation {
        "lower" => at(&rank.floor()?)?,
        "higher" => at(&rank.ceil()?)?,
        "nearest" => at(&nearest(&rank)?)?,
        _ => {
            let (below, above) = (at(&rank.floor()?)?, at(&rank.ceil()?)?);
            let weight = if interpolation == "midpoint" {
                dispatch::scalar(Scalar::Float(0.5), x.dtype(), x.device())?
            } else {
                fraction(q, &sorted, &rank, name)?
            };
            super::arith::lerp(&below, &above, &weight, &Dest::New)?
        }
    };
    let y = if q.ndim() == 0 { y } else { view::movedim(&y, &[-1], &[0])? };
    y.reshape_to(&shape)
}

/// The weight of the upper neighbour; it carries the derivative by `q`.
fn fraction(q: &Tensor, sorted: &Tensor, rank: &Tensor, name: &str) -> Result<Tensor> {
    let whole = rank.floor()?;
    if !q.requires_grad() {
        return rank.sub(&whole);
    }
    let exact = ranks(&sorted.detach(), &q.reshape_to(&[q.numel()])?, name == "nanquantile")?;
    exact.sub(&whole)
}

/// Rounds half to even.
fn nearest(rank: &Tensor) -> Result<Tensor> {
    let y = rank.empty_like()?;
    dispatch::pointwise(Fun::Round, rank.dtype(), &[rank], &y, &Params::default());
    Ok(y)
}

fn scalar_q(name: &str, x: &Tensor, q: f64) -> Result<Tensor> {
    if !(0.0..=1.0).contains(&q) {
        fail!(Runtime, torch: ("{name}() q must be in the range [0, 1] but got {q}"), expected: ("{name}: expected q from 0 to 1"), got: ("{q}"), fix: ("Percents are divided by 100 first."));
    }
    dispatch::scalar(Scalar::Float(q), x.dtype(), x.device())
}

fn quantile(x: &Tensor, q: &Tensor, dim: Option<i64>, keepdim: bool, interpolation: &str) -> Result<Tensor> {
    compute("quantile", x, q, dim, keepdim, interpolation)
}

fn quantile_scalar(x: &Tensor, q: f64, dim: Option<i64>, keepdim: bool, interpolation: &str) -> Result<Tensor> {
    compute("quantile", x, &scalar_q("quantile", x, q)?, dim, keepdim, interpolation)
}

fn nanquantile(x: &Tensor, q: &Tensor, dim: Option<i64>, keepdim: bool, interpolation: &str) -> Result<Tensor> {
    compute("nanquantile", x, q, dim, keepdim, interpolation)
}

fn nanquantile_scalar(x: &Tensor, q: f64, dim: Option<i64>, keepdim: bool, interpolation: &str) -> Result<Tensor> {
    compute("nanquantile", x, &scalar_q("nanquantile", x, q)?, dim, keepdim, interpolation)
}

ops! {
    /// Quantiles along a dim or of all elements; those of several q stand in front.
    "quantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor" [f m o] => quantile(0, 1, 2, 3, 4);
    /// The quantile of one q in [0, 1].
    "quantile(Tensor self, float q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor" [f m o] => quantile_scalar(0, 1, 2, 3, 4);
    /// Quantiles of what is not NaN.
    "nanquantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor" [f m o] => nanquantile(0, 1, 2, 3, 4);
    /// The quantile of one q in [0, 1] of what is not NaN.
    "nanquantile(Tensor self, float q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor" [f m o] => nanquantile_scalar(0, 1, 2, 3, 4);
}
