//! Variance and standard deviation, covariance and correlation.

use super::copy::to_dtype;
use super::helpers::{dim_mask, reduced_shape, restore_dims};
use super::reduce::{allocate, mean, reduced_count, run, spread};
use super::view;
use crate::autograd::{no_grad, record, record_many};
use crate::dispatch::{self, reduce::Reduce};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::{Args, Ret};
use crate::tensor::{DType, Scalar, Tensor};

/// What is asked for.
#[derive(Clone, Copy)]
struct Ask<'a> {
    dim: Option<&'a [i64]>,
    correction: f64,
    keepdim: bool,
    root: bool,
}

fn check(name: &str, x: &Tensor) -> Result<()> {
    if !x.dtype().is_differentiable() {
        fail!(Runtime, torch: ("{name} only support floating point and complex dtypes"), expected: ("{name}: expected a floating or complex dtype"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    Ok(())
}

/// Variance, or its root, and the mean if wanted; nothing is recorded.
fn compute(x: &Tensor, mask: u64, a: Ask, with_mean: bool) -> Result<(Tensor, Option<Tensor>)> {
    if reduced_count(x.shape(), mask) as f64 <= a.correction {
        let name = match (a.root, with_mean) {
            (false, false) => "var",
            (true, false) => "std",
            (false, true) => "var_mean",
            (true, true) => "std_mean",
        };
        crate::error::warn(&format!(
            "{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel divided by output numel)."
        ))?;
    }
    let kept = reduced_shape(x.shape(), mask, true);
    let y = allocate(x, &kept, mask, a.keepdim, x.dtype().to_real())?;
    if !x.dtype().is_complex() {
        let m = if with_mean { Some(allocate(x, &kept, mask, a.keepdim, x.dtype())?) } else { None };
        dispatch::reduce::var_mean(x, a.correction, a.root, &y, m.as_ref(), &kept);
        return Ok((y, m));
    }
    // Variance of the real plus that of the imaginary parts: squared distances from the complex mean.
    let m = run(Reduce::Mean, x, mask, true, x.dtype(), 0.0)?;
    dispatch::reduce::reduce(Reduce::SumSquares, &x.sub(&m)?, &y, &kept, 2.0);
    let divisor = (reduced_count(x.shape(), mask) as f64 - a.correction).max(0.0);
    let y = y.div(&dispatch::wrapped(Scalar::Float(divisor))?)?;
    let m = if a.keepdim { m } else { m.reshape_to(y.shape())? };
    Ok((if a.root { y.sqrt()? } else { y }, Some(m)))
}

/// The gradient of a variance: `2 g (x - mean) / (n - correction)`.
fn var_backward(g: &Tensor, x: &Tensor, mask: u64, keepdim: bool, correction: f64) -> Result<Tensor> {
    let dims: smallvec::SmallVec<[i64; 6]> = (0..x.ndim()).filter(|d| mask >> d & 1 != 0).map(|d| d as i64).collect();
    let divisor = reduced_count(x.shape(), mask) as f64 - correction;
    let g = restore_dims(g, x.shape(), mask, keepdim)?;
    let centred = x.sub(&mean(x, Some(&dims), true, None)?)?;
    // As in torch: with no degrees of freedom the factor is infinite, not negative.
    g.mul(&centred)?.mul_scalar(if divisor > 0.0 { 2.0 / divisor } else { f64::INFINITY })
}

/// The gradient of a standard deviation `y`; 0 where `y` is.
fn std_backward(g: &Tensor, x: &Tensor, y: &Tensor, mask: u64, keepdim: bool, correction: f64) -> Result<Tensor> {
    let g = g.div(&y.mul_scalar(2.0)?)?.masked_fill_scalar(&y.detach().eq_scalar(0.0)?, 0.0)?;
    var_backward(&g, x, mask, keepdim, correction)
}

fn moment(x: &Tensor, a: Ask) -> Result<Tensor> {
    check("std and var", x)?;
    let mask = dim_mask(x, a.dim.unwrap_or(&[]), true)?;
    let (y, _) = no_grad(|| compute(x, mask, a, false))?;
    let Ask { correction, keepdim, root, .. } = a;
    record(y, if root { "StdBackward0" } else { "VarBackward0" }, &[x], |s| {
        let (x, y) = (s.input(x), root.then(|| s.output(0)));
        move |c, g| {
            let x = c.get(x)?;
            grads![match c.get_opt(y)? {
                Some(y) => std_backward(g, &x, &y, mask, keepdim, correction)?,
                None => var_backward(g, &x, mask, keepdim, correction)?,
            }]
        }
    })
}

fn moment_mean(x: &Tensor, a: Ask) -> Result<(Tensor, Tensor)> {
    check(if a.root { "std_mean" } else { "var_mean" }, x)?;
    let mask = dim_mask(x, a.dim.unwrap_or(&[]), true)?;
    let (y, Some(m)) = no_grad(|| compute(x, mask, a, true))? else { crate::internal!("var_mean made no mean.") };
    let Ask { correction, keepdim, root, .. } = a;
    record_many(&[&y, &m], if root { "StdMeanBackward0" } else { "VarMeanBackward0" }, &[x], |s| {
        let (x, y) = (s.input(x), root.then(|| s.output(0)));
        move |c, g| {
            let x = c.get(x)?;
            let by_mean = match &g[1] {
                Some(g) => {
                    Some(spread(&g.mul_scalar(1.0 / reduced_count(x.shape(), mask) as f64)?, x.shape(), mask, keepdim)?)
                }
                None => None,
            };
            let by_var = match (&g[0], c.get_opt(y)?) {
                (Some(g), Some(y)) => Some(std_backward(g, &x, &y, mask, keepdim, correction)?),
                (Some(g), None) => Some(var_backward(g, &x, mask, keepdim, correction)?),
                (None, _) => None,
            };
            grads![match (by_var, by_mean) {
                (Some(a), Some(b)) => Some(a.add(&b)?),
                (a, b) => a.or(b),
            }]
        }
    })?;
    Ok((y, m))
}

/// The variance over some dims with divisor `n - correction`.
pub fn var(x: &Tensor, dim: Option<&[i64]>, correction: f64, keepdim: bool) -> Result<Tensor> {
    moment(x, Ask { dim, correction, keepdim, root: false })
}

/// The three overloads of one name differ in where the correction comes from.
enum Form {
    All,
    Dims,
    Correction,
}

fn ask(a: &Args, form: Form, root: bool) -> Result<Ask<'_>> {
    let unbiased = |i: usize| Ok::<f64, crate::error::Error>(a.get::<bool>(i)? as u8 as f64);
    Ok(match form {
        Form::All => Ask { dim: None, correction: unbiased(1)?, keepdim: false, root },
        Form::Dims => Ask { dim: a.get(1)?, correction: unbiased(2)?, keepdim: a.get(3)?, root },
        Form::Correction => Ask {
            dim: a.get(1)?,
            correction: a.get::<Option<Scalar>>(2)?.map_or(1.0, Scalar::f64),
            keepdim: a.get(3)?,
            root,
        },
    })
}

fn one(a: &Args, form: Form, root: bool) -> Result<Tensor> {
    moment(a.get(0)?, ask(a, form, root)?)
}

fn both(a: &Args, form: Form, root: bool) -> Result<Ret> {
    Ok(moment_mean(a.get(0)?, ask(a, form, root)?)?.into())
}

fn weights<'a>(what: &str, w: Option<&'a Tensor>, n: usize, integral: bool) -> Result<Option<&'a Tensor>> {
    let Some(t) = w else { return Ok(None) };
    if t.ndim() > 1 {
        fail!(Runtime, torch: ("cov(): expected {what} to have one or fewer dimensions but got {what} with {} dimensions", t.ndim()), expected: ("cov: expected 1-d {what}"), got: ("shape {:?}", t.shape()), fix: ("Flatten them."));
    }
    if t.dtype().is_integral(false) != integral || t.dtype().is_complex() || t.dtype() == DType::Bool {
        let kind = if integral { "integral" } else { "floating point" };
        fail!(Runtime, torch: ("cov(): expected {what} to have {kind} dtype but got {what} with {} dtype", t.dtype().scalar_name()), expected: ("cov: expected {kind} {what}"), got: ("{}", t.dtype().name()), fix: ("Convert them."));
    }
    if t.numel() != n {
        fail!(Runtime, torch: ("cov(): expected {what} to have the same numel as there are observations in the input but got {} != {n}", t.numel()), expected: ("cov: expected {n} {what}"), got: ("{}", t.numel()), fix: ("Give one per observation."));
    }
    if !t.is_meta() && n > 0 && no_grad(|| super::extreme::amin(&t.detach(), &[], false))?.item()?.f64() < 0.0 {
        fail!(Runtime, torch: ("cov(): {what} cannot be negative"), expected: ("cov: expected {what} of at least 0"), got: ("a negative one"), fix: ("Check the weights."));
    }
    Ok(Some(t))
}

/// The covariance matrix of variables in rows, observations in columns.
pub fn cov(x: &Tensor, correction: i64, fweights: Option<&Tensor>, aweights: Option<&Tensor>) -> Result<Tensor> {
    if x.ndim() > 2 {
        fail!(Runtime, torch: ("cov(): expected input to have two or fewer dimensions but got an input with {} dimensions", x.ndim()), expected: ("cov: expected at most 2 dims"), got: ("shape {:?}", x.shape()), fix: ("Flatten the observations."));
    }
    if x.dtype() == DType::Bool {
        fail!(Runtime, torch: ("cov(): bool dtype is not supported for input"), expected: ("cov: expected numbers"), got: ("bool"), fix: ("Convert with .float()."));
    }
    let x = if x.ndim() < 2 { x.reshape_to(&[1, x.numel()])? } else { x.clone() };
    let n = x.shape()[1];
    let w = match (weights("fweights", fweights, n, true)?, weights("aweights", aweights, n, false)?) {
        (Some(f), Some(a)) => Some(f.mul(a)?),
        (f, a) => f.or(a).cloned(),
    };
    let total = match &w {
        Some(w) => w.sum_all()?,
        None => dispatch::scalar(Scalar::Int(n as i64), DType::I64, x.device())?,
    };
    if !total.is_meta() && w.is_some() && total.item()?.is(0.0) {
        fail!(Runtime, torch: ("cov(): weights sum to zero, can't be normalized"), expected: ("cov: expected weights with a sum above 0"), got: ("0"), fix: ("Check the weights."));
    }
    let x = if x.dtype().is_integral(true) { to_dtype(&x, super::helpers::float_dtype(x.dtype()))? } else { x };
    let average = match &w {
        Some(w) => super::reduce::sum(&x.mul(w)?, Some(&[1]), false, None)?.div(&total)?,
        None => super::reduce::sum(&x, Some(&[1]), false, None)?.div(&total)?,
    };
    let factor = match (&w, aweights) {
        (Some(w), Some(a)) if correction != 0 => {
            total.sub(&w.mul(a)?.sum_all()?.div(&total)?.mul_scalar(correction as f64)?)?
        }
        _ => total.add(&dispatch::wrapped(Scalar::Int(-correction))?)?,
    };
    // No degrees of freedom: the divisor is 0, not negative.
    let factor =
        super::choose::clamp(&factor, Some(&dispatch::wrapped(Scalar::Int(0))?), None, &crate::schema::Dest::New)?;
    let centred = x.sub(&view::unsqueeze(&average, 1)?)?;
    let weighted = match &w {
        Some(w) => centred.mul(w)?,
        None => centred.clone(),
    };
    let weighted = to_dtype(&weighted.conj()?, centred.dtype())?;
    let c = super::matmul::product((&centred, false), (&weighted, true))?;
    view::squeeze(&c.div(&factor)?)
}

/// The matrix of Pearson's correlation coefficients of variables in rows.
pub fn corrcoef(x: &Tensor) -> Result<Tensor> {
    if x.ndim() > 2 {
        fail!(Runtime, torch: ("corrcoef(): expected input to have two or fewer dimensions but got an input with {} dimensions", x.ndim()), expected: ("corrcoef: expected at most 2 dims"), got: ("shape {:?}", x.shape()), fix: ("Flatten the observations."));
    }
    let c = cov(x, 1, None, None)?;
    if c.ndim() == 0 {
        return c.div(&c);
    }
    let spread = view::diagonal(&c, 0, 0, 1)?.real_part()?.sqrt()?;
    let c = c.div(&view::unsqueeze(&spread, 1)?)?.div(&view::unsqueeze(&spread, 0)?)?;
    if c.dtype().is_complex() {
        return Ok(c);
    }
    // Rounding may leave [-1, 1] by an ulp.
    super::choose::clamp(
        &c,
        Some(&dispatch::wrapped(Scalar::Int(-1))?),
        Some(&dispatch::wrapped(Scalar::Int(1))?),
        &crate::schema::Dest::New,
    )
}

ops! {
    /// Covariance matrix of variables in rows, observations in columns.
    "cov(Tensor self, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> Tensor" [f m] => cov(0, 1, 2, 3);
    /// Matrix of Pearson's correlation coefficients of variables in rows.
    "corrcoef(Tensor self) -> Tensor" [f m] => corrcoef(0);
    @
    /// Variance of all elements.
    "var(Tensor self, bool unbiased=True) -> Tensor" [f m] => |a| one(a, Form::All, false);
    /// Variance over some dims; `unbiased` divides by n - 1.
    "var(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor" [f m o] => |a| one(a, Form::Dims, false);
    /// Variance over some dims with divisor `n - correction` (default 1).
    "var(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor" [f m o] => |a| one(a, Form::Correction, false);
    /// Standard deviation of all elements.
    "std(Tensor self, bool unbiased=True) -> Tensor" [f m] => |a| one(a, Form::All, true);
    /// Standard deviation over some dims; `unbiased` divides by n - 1.
    "std(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor" [f m o] => |a| one(a, Form::Dims, true);
    /// Standard deviation over some dims with divisor `n - correction` (default 1).
    "std(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor" [f m o] => |a| one(a, Form::Correction, true);
    /// Variance and mean of all elements in one pass.
    "var_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)" [f] => |a| both(a, Form::All, false);
    /// Variance and mean over some dims in one pass.
    "var_mean(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)" [f] => |a| both(a, Form::Dims, false);
    /// Variance with divisor `n - correction`, and mean, over some dims in one pass.
    "var_mean(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> (Tensor, Tensor)" [f] => |a| both(a, Form::Correction, false);
    /// Standard deviation and mean of all elements in one pass.
    "std_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)" [f] => |a| both(a, Form::All, true);
    /// Standard deviation and mean over some dims in one pass.
    "std_mean(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)" [f] => |a| both(a, Form::Dims, true);
    /// Standard deviation with divisor `n - correction`, and mean, over some dims in one pass.
    "std_mean(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> (Tensor, Tensor)" [f] => |a| both(a, Form::Correction, true);
}
