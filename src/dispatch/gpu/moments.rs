//! Mean and variance of lines.

use super::Launch;
use super::lines::Lines;
use crate::dispatch;
use crate::error::Result;
use crate::tensor::{DType, Tensor};

/// What is wanted of a variance.
#[derive(Clone, Copy)]
pub enum Form {
    /// Itself.
    Variance,
    /// Its root.
    Deviation,
    /// `1 / sqrt(it + eps)`.
    Reciprocal(f64),
}

/// Where [`moments`] writes, contiguous float32 with an element for each line.
#[derive(Clone, Copy)]
pub struct Moments<'a> {
    /// The mean.
    pub mean: Option<&'a Tensor>,
    /// What is wanted of the variance.
    pub result: &'a Tensor,
    /// The variance with the divisor n - 1.
    pub unbiased: Option<&'a Tensor>,
}

/// Mean and variance, with a divisor, of lines of `x`.
pub fn moments(x: &Tensor, lines: Lines, divisor: f64, form: Form, out: Moments) -> Result<()> {
    let lines = lines.cut();
    let (form, eps) = match form {
        Form::Variance => (0, 0.0),
        Form::Deviation => (1, 0.0),
        Form::Reciprocal(eps) => (2, eps),
    };
    if lines.count == 0 {
        return Ok(());
    }
    // Each part's moments, which a second call joins.
    let part = || dispatch::empty(&[lines.count * lines.parts], DType::F32, x.device());
    let parts = if lines.parts > 1 { Some((part()?, part()?)) } else { None };
    if let Some((mean, m2)) = &parts {
        Launch::new("moments")
            .when("PARTIAL", true)
            .when("MEAN", true)
            .read(x)
            .write(mean)
            .write(m2)
            .words(lines.words())
            .float(0.0)
            .word(0)
            .float(0.0)
            .groups(lines.groups())?;
    }
    let call = Launch::new("moments")
        .when("JOIN", parts.is_some())
        .when("MEAN", out.mean.is_some())
        .when("UNBIASED", out.unbiased.is_some());
    let call = match &parts {
        Some((mean, m2)) => call.read(mean).read(m2),
        None => call.read(x),
    };
    let call = call.write_some(out.mean).write(out.result).write_some(out.unbiased);
    let call = call.words(lines.words()).float(divisor).word(form).float(eps);
    if parts.is_some() { call.over(lines.count) } else { call.groups(lines.groups()) }
}
