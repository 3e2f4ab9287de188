//! Normalisations, see `super::super::norm`. Tensors are contiguous float32.

use super::super::norm::{Affine, Wanted};
use super::lines::Lines;
use super::moments::{Form, Moments, moments};
use super::{Launch, done};
use crate::cpu::pointwise::{Fun, Params};
use crate::dispatch;
use crate::dispatch::reduce::Reduce;
use crate::error::Result;
use crate::tensor::{DType, Scalar, Tensor};

/// A divisor of indices that are below it.
const BEYOND: usize = u32::MAX as usize;

/// Lines that are normalised by their own statistics, and the channels of their elements: element k of line i has
/// channel `i % groups * per + k / share`.
#[derive(Clone, Copy)]
pub struct Shape {
    lines: Lines,
    groups: usize,
    per: usize,
    share: usize,
    /// The lines of each channel, and what of an element's and a line's number makes its statistics' number.
    channels: (Lines, [usize; 3]),
}

impl Shape {
    /// Rows of `n` channels.
    pub fn layer((rows, n): (usize, usize)) -> Shape {
        let channels = (Lines::along((1, rows, n)).cut(), [1, 1, BEYOND]);
        Shape { lines: Lines::rows(rows, n), groups: 1, per: 0, share: 1, channels }
    }

    /// Groups of the channels of (n, c, s).
    pub fn group((n, c, s): (usize, usize, usize), groups: usize) -> Shape {
        let per = (c / groups.max(1)).max(1);
        let channels = (Lines::across((n, c, s)).cut(), [s.max(1), groups, per]);
        Shape { lines: Lines::rows(n * groups, per * s), groups: groups.max(1), per, share: s.max(1), channels }
    }
}

/// Normalises, and gives mean and 1 / sqrt(var + eps); without `mean`, nothing is subtracted.
pub fn forward(
    x: &Tensor,
    (gamma, beta): Affine,
    y: &Tensor,
    (mean, rstd): (Option<&Tensor>, &Tensor),
    shape: Shape,
    eps: f64,
) {
    let call = Launch::new("norm")
        .when("CENTRED", mean.is_some())
        .when("GAMMA", gamma.is_some())
        .when("BETA", beta.is_some())
        .read(x)
        .write_some(mean)
        .write(rstd)
        .read_some(gamma)
        .read_some(beta)
        .write(y);
    let Shape { lines, groups, per, share, .. } = shape;
    done(call.words(lines.words()).words([groups, per, share]).float(eps).groups(lines.groups()));
}

/// The gradients of [`forward`].
pub fn backward(
    g: &Tensor,
    x: &Tensor,
    (mean, rstd): (Option<&Tensor>, &Tensor),
    gamma: Option<&Tensor>,
    (dx, dgamma, dbeta): Wanted,
    shape: Shape,
) -> Result<()> {
    let Shape { lines, groups, per, share, channels } = shape;
    if let Some(dx) = dx {
        let call = Launch::new("norm")
            .when("BACKWARD", true)
            .when("CENTRED", mean.is_some())
            .when("GAMMA", gamma.is_some())
            .read(g)
            .read(x)
            .read_some(mean)
            .read(rstd)
            .read_some(gamma)
            .write(dx);
        call.words(lines.words()).words([groups, per, share]).float(0.0).groups(lines.groups())?;
    }
    if dgamma.is_some() || dbeta.is_some() {
        sums(g, x, (mean, rstd), (dgamma, dbeta), channels)?;
    }
    Ok(())
}

/// Sums of g * h and of g for each channel.
fn sums(
    g: &Tensor,
    x: &Tensor,
    (mean, rstd): (Option<&Tensor>, &Tensor),
    out: (Option<&Tensor>, Option<&Tensor>),
    (lines, statistics): (Lines, [usize; 3]),
) -> Result<()> {
    if lines.count == 0 {
        return Ok(());
    }
    let fresh = |shape: &[usize]| dispatch::empty(shape, DType::F32, x.device());
    // What nobody wants is written all the same.
    let part = |wanted: Option<&Tensor>| match wanted {
        Some(t) if lines.parts == 1 => Ok(t.clone()),
        _ => fresh(&[lines.count, lines.parts]),
    };
    let (gh, g0) = (part(out.0)?, part(out.1)?);
    Launch::new("norm_sums")
        .when("CENTRED", mean.is_some())
        .read(g)
        .read(x)
        .read_some(mean)
        .read(rstd)
        .write(&gh)
        .write(&g0)
        .words(lines.words())
        .words(statistics)
        .groups(lines.groups())?;
    if lines.parts > 1 {
        for (parts, out) in [(gh, out.0), (g0, out.1)] {
            if let Some(out) = out {
                dispatch::reduce::reduce(Reduce::Sum, &parts, out, &[lines.count, 1], 0.0);
            }
        }
    }
    Ok(())
}

/// Statistics of every channel of (n, c, s).
pub fn batch_stats(
    x: &Tensor,
    (mean, rstd, unbiased): (&Tensor, &Tensor, Option<&Tensor>),
    dims: (usize, usize, usize),
    eps: f64,
) -> Result<()> {
    let lines = Lines::across(dims);
    let out = Moments { mean: Some(mean), result: rstd, unbiased };
    moments(x, lines, lines.length as f64, Form::Reciprocal(eps), out)
}

/// `rstd = 1 / sqrt(var + eps)`.
pub fn batch_rstd(var: &Tensor, rstd: &Tensor, eps: f64) {
    let eps = match dispatch::wrapped(Scalar::Float(eps)) {
        Ok(eps) => eps,
        Err(e) => crate::error::stop(e),
    };
    let sum = Params { f: [1.0, 0.0, 0.0, 0.0], i: [1, 0, 0, 0] };
    dispatch::pointwise(Fun::Add, DType::F32, &[var, &eps], rstd, &sum);
    dispatch::pointwise(Fun::Rsqrt, DType::F32, &[rstd], rstd, &Params::default());
}

/// `y = (x - mean) * rstd * gamma + beta` per channel of (n, c, s).
pub fn batch_apply(
    x: &Tensor,
    (mean, rstd): (&Tensor, &Tensor),
    (gamma, beta): Affine,
    y: &Tensor,
    (_, c, s): (usize, usize, usize),
) -> Result<()> {
    Launch::new("batch_norm")
        .when("HAS_X", true)
        .when("GAMMA", gamma.is_some())
        .when("BETA", beta.is_some())
        .read(x)
        .read(mean)
        .read(rstd)
        .read_some(gamma)
        .read_some(beta)
        .write(y)
        .words([y.numel(), c.max(1), s.max(1)])
        .float(0.0)
        .over(y.numel())
}

/// The gradients of batch norm; with `train`, mean and rstd depend on x.
pub fn batch_backward(
    g: &Tensor,
    x: &Tensor,
    (mean, rstd): (&Tensor, &Tensor),
    gamma: Option<&Tensor>,
    (dx, dgamma, dbeta): Wanted,
    dims: (usize, usize, usize),
    train: bool,
) -> Result<()> {
    let (n, c, s) = dims;
    let depends = train && dx.is_some();
    let own = |t: Option<&Tensor>| match t {
        None if depends => Ok(Some(dispatch::empty(&[c], DType::F32, x.device())?)),
        t => Ok::<_, crate::error::Error>(t.cloned()),
    };
    let (gh, g0) = (own(dgamma)?, own(dbeta)?);
    if gh.is_some() || g0.is_some() {
        let lines = Lines::across(dims).cut();
        sums(g, x, (Some(mean), rstd), (gh.as_ref(), g0.as_ref()), (lines, [BEYOND, 0, 1]))?;
    }
    let Some(dx) = dx else { return Ok(()) };
    Launch::new("batch_norm")
        .when("BACKWARD", true)
        .when("HAS_X", train)
        .when("TRAIN", train)
        .when("GAMMA", gamma.is_some())
        .read(g)
        .read_some(train.then_some(x))
        .read_some(train.then_some(mean))
        .read(rstd)
        .read_some(gamma)
        .read_some(gh.as_ref().filter(|_| train))
        .read_some(g0.as_ref().filter(|_| train))
        .write(dx)
        .words([dx.numel(), c.max(1), s.max(1)])
        .float(1.0 / (n * s) as f64)
        .over(dx.numel())
}
