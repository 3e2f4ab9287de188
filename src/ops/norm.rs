//! Normalisations: layer, RMS, group and batch norm.
//!
//! The kernels have gradients of their own. Where a gradient is to be differentiated again, [`Formula`] computes it in
//! operations instead.

use super::helpers::extent;
use super::kernel::{cast, finish, float_kernel, operand, optional};
use super::pointwise::number;
use crate::autograd::record::Saver;
use crate::autograd::{Ctx, needs_grad, record};
use crate::dispatch::{self, Fun, Params, norm as kernels};
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::tensor::layout::{Shape, show};
use crate::tensor::{DType, Grads, Tensor};
use smallvec::SmallVec;

type Slots = (crate::autograd::record::Slot, Option<crate::autograd::record::Slot>);

/// The mathematics of a norm, for gradients of gradients: x seen under `shape`, normalised over `dims`.
#[derive(Clone)]
struct Formula {
    /// A shape in which the normalised dims stand alone.
    shape: Shape,
    /// Dims that share statistics.
    dims: SmallVec<[i64; 4]>,
    /// The shape under which scale and shift broadcast.
    affine: Shape,
    eps: f64,
    /// Is the mean subtracted?
    centred: bool,
}

impl Formula {
    /// The gradients by x, gamma and beta from statistics that depend on x, or from given ones (mean, rstd).
    fn gradients(
        &self,
        g: &Tensor,
        x: &Tensor,
        gamma: Option<&Tensor>,
        fixed: Option<(&Tensor, &Tensor)>,
    ) -> Result<[Tensor; 3]> {
        let (from, gamma_shape) = (Shape::from_slice(x.shape()), gamma.map(|w| Shape::from_slice(w.shape())));
        let (g, x) = (g.reshape_to(&self.shape)?, x.reshape_to(&self.shape)?);
        let mean = |t: &Tensor| super::reduce::mean(t, Some(&self.dims), true, None);
        let (centred, rstd) = match fixed {
            Some((m, r)) => (x.sub(&m.reshape_to(&self.affine)?)?, r.reshape_to(&self.affine)?),
            None => {
                let centred = if self.centred { x.sub(&mean(&x)?)? } else { x.clone() };
                let rstd = mean(&centred.mul(&centred)?)?.add_scalar(self.eps)?.rsqrt()?;
                (centred, rstd)
            }
        };
        let h = centred.mul(&rstd)?;
        let v = match gamma {
            Some(w) => g.mul(&w.reshape_to(&self.affine)?)?,
            None => g.clone(),
        };
        let mut dx = v.clone();
        if fixed.is_none() {
            if self.centred {
                dx = dx.sub(&mean(&v)?)?;
            }
            dx = dx.sub(&h.mul(&mean(&v.mul(&h)?)?)?)?;
        }
        let dx = dx.mul(&rstd)?.reshape_to(&from)?;
        let wide = gamma_shape.unwrap_or_else(|| Shape::from_slice(&self.affine));
        let fold = |t: Tensor| super::helpers::sum_to(&t, &self.affine)?.reshape_to(&wide);
        Ok([dx, fold(g.mul(&h)?)?, fold(g)?])
    }
}

/// The inputs of a norm that take part in the graph.
fn graph<'a>(x: &'a Tensor, gamma: Option<&'a Tensor>, beta: Option<&'a Tensor>) -> SmallVec<[&'a Tensor; 3]> {
    [x].into_iter().chain(gamma).chain(beta).collect()
}

/// Puts gradients in the order of [`graph`], leaving out what is not wanted.
fn ordered(c: &Ctx, has: (bool, bool), all: [Option<Tensor>; 3]) -> Result<Grads> {
    let [x, gamma, beta] = all.map(|t| t.map(|t| c.constant(t)));
    let mut out = Grads::new();
    out.push(x.filter(|_| c.needs(0)));
    if has.0 {
        out.push(gamma.filter(|_| c.needs(1)));
    }
    if has.1 {
        out.push(beta.filter(|_| c.needs(1 + has.0 as usize)));
    }
    Ok(out)
}

/// Fresh tensors for the gradients that are wanted.
fn wanted(c: &Ctx, x: &Tensor, has: (bool, bool), wide: &[usize]) -> Result<[Option<Tensor>; 3]> {
    let like = |shape: &[usize]| dispatch::empty(shape, x.dtype(), x.device());
    Ok([
        if c.needs(0) { Some(like(x.shape())?) } else { None },
        if has.0 && c.needs(1) { Some(like(wide)?) } else { None },
        if has.1 && c.needs(1 + has.0 as usize) { Some(like(wide)?) } else { None },
    ])
}

fn cast_all(all: [Option<Tensor>; 3], x: DType, affine: DType) -> Result<[Option<Tensor>; 3]> {
    let [a, b, c] = all;
    let to = |t: Option<Tensor>, d: DType| t.map(|t| cast(t, d)).transpose();
    Ok([to(a, x)?, to(b, affine)?, to(c, affine)?])
}

fn refs(all: &[Option<Tensor>; 3]) -> kernels::Wanted<'_> {
    (all[0].as_ref(), all[1].as_ref(), all[2].as_ref())
}

fn check_normalized(
    name: &str,
    x: &Tensor,
    normalized: &[i64],
    affine: [Option<&Tensor>; 2],
) -> Result<(usize, usize)> {
    if normalized.is_empty() {
        fail!(Runtime, torch: ("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []"), expected: ("{name}: expected a shape"), got: ("[]"), fix: ("Give the sizes of the last dims."));
    }
    let same =
        |shape: &[usize]| shape.len() == normalized.len() && shape.iter().zip(normalized).all(|(&a, &b)| a as i64 == b);
    for (which, t) in ["weight", "bias"].iter().zip(affine) {
        if let Some(t) = t.filter(|t| !same(t.shape())) {
            fail!(Runtime, torch: ("Expected {which} to be of same shape as normalized_shape, but got {which} of shape {} and normalized_shape = {normalized:?}", show(t.shape())), expected: ("{name}: expected a {which} of shape {normalized:?}"), got: ("{:?}", t.shape()), fix: ("Check the layer's shape."));
        }
    }
    let lead = x.ndim().wrapping_sub(normalized.len());
    if lead > x.ndim() || !same(&x.shape()[lead..]) {
        let text = normalized.iter().map(|n| format!(", {n}")).collect::<String>();
        fail!(Runtime, torch: ("Given normalized_shape={normalized:?}, expected input with shape [*{text}], but got input of size{:?}", x.shape()), expected: ("{name}: expected last dims {normalized:?}"), got: ("{:?}", x.shape()), fix: ("Check the layer's shape."));
    }
    Ok((x.shape()[..lead].iter().product(), x.shape()[lead..].iter().product()))
}

/// Parameters and statistics have the input's dtype, or f32 beside halves.
pub(super) fn check_affine(name: &str, x: &Tensor, parameters: &[Option<&Tensor>]) -> Result<()> {
    for t in parameters.iter().copied().flatten() {
        let mixed = x.dtype().is_half() && t.dtype() == DType::F32;
        if t.dtype() != x.dtype() && !mixed {
            let text = match x.dtype().is_half() || t.dtype().is_half() {
                true => "expect parameter to have scalar type of Float",
                false => "all inputs must share same datatype.",
            };
            fail!(Runtime, torch: ("mixed dtype (CPU): {text}"), expected: ("{name}: expected parameters of dtype {}", x.dtype().name()), got: ("{}", t.dtype().name()), fix: ("Convert them with .to()."));
        }
    }
    Ok(())
}

/// Layer norm with its statistics (mean, rstd), whose dims are kept as 1.
fn layer(
    x: &Tensor,
    normalized: &[i64],
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    eps: f64,
) -> Result<[Tensor; 3]> {
    let (rows, n) = check_normalized("layer_norm", x, normalized, [gamma, beta])?;
    check_affine("layer_norm", x, &[gamma, beta])?;
    let compute = float_kernel("LayerNormKernelImpl", x.dtype())?;
    let (mut outer, inner) =
        (Shape::from_slice(&x.shape()[..x.ndim() - normalized.len()]), Shape::from_elem(1, normalized.len()));
    outer.extend(inner);
    let (mean, rstd) = (dispatch::empty(&outer, compute, x.device())?, dispatch::empty(&outer, compute, x.device())?);
    let y = dispatch::empty(x.shape(), compute, x.device())?;
    let (w, b) = (optional(gamma, compute)?, optional(beta, compute)?);
    kernels::layer(&operand(x, compute)?, (w.as_ref(), b.as_ref()), &y, (&mean, &rstd), (rows, n), eps);
    let y = cast(y, x.dtype())?;
    let has = (gamma.is_some(), beta.is_some());
    let affine_dtype = gamma.or(beta).map_or(compute, Tensor::dtype);
    let wide: Shape = normalized.iter().map(|&n| n as usize).collect();
    let y = record(y, "NativeLayerNormBackward0", &graph(x, gamma, beta), |s| {
        let saved = save(s, x, gamma);
        let (mean, rstd) = (s.input(&mean), s.input(&rstd));
        move |c, g| {
            let (x, gamma) = (c.get(saved.0)?, c.get_opt(saved.1)?);
            if needs_grad(&graph(&x, gamma.as_ref(), Some(g))) {
                let f = Formula {
                    shape: Shape::from_slice(&[rows, n]),
                    dims: [1].into_iter().collect(),
                    affine: Shape::from_slice(&[1, n]),
                    eps,
                    centred: true,
                };
                return ordered(c, has, f.reshaped(g, &x, gamma.as_ref(), None, &wide)?);
            }
            let out = wanted(c, &operand(&x, compute)?, has, &wide)?;
            kernels::layer_backward(
                &operand(g, compute)?,
                &operand(&x, compute)?,
                (&c.get(mean)?, &c.get(rstd)?),
                optional(gamma.as_ref(), compute)?.as_ref(),
                refs(&out),
                (rows, n),
            )?;
            ordered(c, has, cast_all(out, x.dtype(), affine_dtype)?)
        }
    })?;
    Ok([y, mean, rstd])
}

impl Formula {
    /// [`Formula::gradients`] with the parameters' gradients in their own shape.
    fn reshaped(
        &self,
        g: &Tensor,
        x: &Tensor,
        gamma: Option<&Tensor>,
        fixed: Option<(&Tensor, &Tensor)>,
        wide: &[usize],
    ) -> Result<[Option<Tensor>; 3]> {
        let [dx, dw, db] = self.gradients(g, x, gamma, fixed)?;
        Ok([Some(dx), Some(dw.reshape_to(wide)?), Some(db.reshape_to(wide)?)])
    }
}

fn save(s: &mut Saver, x: &Tensor, gamma: Option<&Tensor>) -> Slots {
    (s.input(x), s.optional(gamma))
}

/// Normalises over the last dims.
pub fn layer_norm(
    x: &Tensor,
    normalized: &[i64],
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor> {
    let [y, ..] = layer(x, normalized, gamma, beta, eps)?;
    Ok(y)
}

fn native_layer_norm(
    x: &Tensor,
    normalized: &[i64],
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    eps: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    let [y, mean, rstd] = layer(x, normalized, gamma, beta, eps)?;
    Ok((y, cast(mean, x.dtype())?, cast(rstd, x.dtype())?))
}

/// Divides by the root mean square over the last dims.
pub fn rms_norm(x: &Tensor, normalized: &[i64], gamma: Option<&Tensor>, eps: Option<f64>) -> Result<Tensor> {
    let (rows, n) = check_normalized("rms_norm", x, normalized, [gamma, None])?;
    if x.dtype().is_complex() {
        return rms_norm_ops(
            x,
            normalized.len(),
            gamma,
            eps.unwrap_or(if x.dtype() == DType::C128 { f64::EPSILON } else { f32::EPSILON as f64 }),
        );
    }
    let compute = float_kernel("rms_norm", x.dtype())?;
    // The machine epsilon of the dtype that is computed in.
    let eps = eps.unwrap_or(if compute == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 });
    let rstd = dispatch::empty(&[rows], compute, x.device())?;
    let y = dispatch::empty(x.shape(), compute, x.device())?;
    kernels::rms(&operand(x, compute)?, optional(gamma, compute)?.as_ref(), &y, &rstd, (rows, n), eps);
    let has = (gamma.is_some(), false);
    let affine_dtype = gamma.map_or(compute, Tensor::dtype);
    let dtype = gamma.map_or(x.dtype(), |w| crate::tensor::promote::promote(x.dtype(), w.dtype()));
    let wide: Shape = normalized.iter().map(|&n| n as usize).collect();
    record(cast(y, dtype)?, "FusedRmsNormBackward0", &graph(x, gamma, None), |s| {
        let (saved, rstd) = (save(s, x, gamma), s.input(&rstd));
        move |c, g| {
            let (x, gamma) = (c.get(saved.0)?, c.get_opt(saved.1)?);
            if needs_grad(&graph(&x, gamma.as_ref(), Some(g))) {
                let f = Formula {
                    shape: Shape::from_slice(&[rows, n]),
                    dims: [1].into_iter().collect(),
                    affine: Shape::from_slice(&[1, n]),
                    eps,
                    centred: false,
                };
                return ordered(c, has, f.reshaped(g, &x, gamma.as_ref(), None, &wide)?);
            }
            let out = wanted(c, &operand(&x, compute)?, has, &wide)?;
            kernels::rms_backward(
                &operand(g, compute)?,
                &operand(&x, compute)?,
                &c.get(rstd)?,
                optional(gamma.as_ref(), compute)?.as_ref(),
                (out[0].as_ref(), out[1].as_ref()),
                (rows, n),
            )?;
            ordered(c, has, cast_all(out, x.dtype(), affine_dtype)?)
        }
    })
}

fn rms_norm_ops(x: &Tensor, dims: usize, gamma: Option<&Tensor>, eps: f64) -> Result<Tensor> {
    let dims: SmallVec<[i64; 4]> = (1..=dims as i64).map(|d| -d).collect();
    let rstd = super::reduce::mean(&x.mul(x)?, Some(&dims), true, None)?.add_scalar(eps)?.rsqrt()?;
    let y = x.mul(&rstd)?;
    gamma.map_or_else(|| Ok(y.clone()), |w| y.mul(w))
}

/// (n, c, s) of a tensor (N, C, *).
pub(super) fn channels(x: &Tensor) -> (usize, usize, usize) {
    (x.size(0), x.size(1), x.shape().iter().skip(2).product())
}

pub(super) fn check_channels(name: &str, c: usize, tensors: [(&str, Option<&Tensor>); 4]) -> Result<()> {
    for (which, t) in tensors {
        if let Some(t) = t.filter(|t| t.numel() != c || t.ndim() != 1) {
            if name == "batch_norm" {
                fail!(Runtime, torch: ("{which} should contain {c} elements not {}", t.numel()), expected: ("{name}: expected {which} ({c})"), got: ("{:?}", t.shape()), fix: ("Check the layer's number of features."));
            }
            fail!(Runtime, torch: ("Expected {which} to be a vector of size equal to the number of channels in input, but got {which} of shape {:?} and input of shape [*, {c}, *]", t.shape()), expected: ("{name}: expected {which} ({c})"), got: ("{:?}", t.shape()), fix: ("Check the layer's number of channels."));
        }
    }
    Ok(())
}

fn group(x: &Tensor, groups: i64, gamma: Option<&Tensor>, beta: Option<&Tensor>, eps: f64) -> Result<[Tensor; 3]> {
    extent(x, 0)?;
    extent(x, 1)?;
    if x.ndim() < 2 {
        fail!(Runtime, torch: ("Expected at least 2 dimensions for input tensor but received {}", x.ndim()), expected: ("group_norm: expected input (N, C, *)"), got: ("{:?}", x.shape()), fix: ("Add dims."));
    }
    let (n, c, s) = channels(x);
    if groups <= 0 {
        fail!(Runtime, torch: ("Expected num groups to be greater than 0, got {groups}"), expected: ("group_norm: expected a positive number of groups"), got: ("{groups}"), fix: ("Use 1 group for all channels."));
    }
    if c % groups as usize != 0 {
        fail!(Runtime, torch: ("Expected number of channels in input to be divisible by num_groups, but got input of shape {:?} and num_groups={groups}", x.shape()), expected: ("group_norm: expected num_groups to divide {c}"), got: ("{groups}"), fix: ("Choose a divisor."));
    }
    check_channels("group_norm", c, [("weight", gamma), ("bias", beta), ("", None), ("", None)])?;
    check_affine("group_norm", x, &[gamma, beta])?;
    let compute = float_kernel("GroupNormKernelImpl", x.dtype())?;
    let groups = groups as usize;
    let (mean, rstd) =
        (dispatch::empty(&[n, groups], compute, x.device())?, dispatch::empty(&[n, groups], compute, x.device())?);
    let y = dispatch::empty(x.shape(), compute, x.device())?;
    let (w, b) = (optional(gamma, compute)?, optional(beta, compute)?);
    kernels::group(&operand(x, compute)?, (w.as_ref(), b.as_ref()), &y, (&mean, &rstd), (n, c, s), groups, eps);
    let has = (gamma.is_some(), beta.is_some());
    let affine_dtype = gamma.or(beta).map_or(compute, Tensor::dtype);
    let y = record(finish(y, x.dtype(), &[x])?, "NativeGroupNormBackward0", &graph(x, gamma, beta), |sv| {
        let saved = save(sv, x, gamma);
        let (mean, rstd) = (sv.input(&mean), sv.input(&rstd));
        move |ctx, g| {
            let (x, gamma) = (ctx.get(saved.0)?, ctx.get_opt(saved.1)?);
            if needs_grad(&graph(&x, gamma.as_ref(), Some(g))) {
                let per = c / groups;
                let f = Formula {
                    shape: Shape::from_slice(&[n, groups, per, s]),
                    dims: [2, 3].into_iter().collect(),
                    affine: Shape::from_slice(&[1, groups, per, 1]),
                    eps,
                    centred: true,
                };
                return ordered(ctx, has, f.reshaped(g, &x, gamma.as_ref(), None, &[c])?);
            }
            let out = wanted(ctx, &operand(&x, compute)?, has, &[c])?;
            kernels::group_backward(
                &operand(g, compute)?,
                &operand(&x, compute)?,
                (&ctx.get(mean)?, &ctx.get(rstd)?),
                optional(gamma.as_ref(), compute)?.as_ref(),
                refs(&out),
                (n, c, s),
                groups,
            )?;
            ordered(ctx, has, cast_all(out, x.dtype(), affine_dtype)?)
        }
    })?;
    Ok([y, mean, rstd])
}

/// Normalises groups of channels of each sample.
pub fn group_norm(x: &Tensor, groups: i64, gamma: Option<&Tensor>, beta: Option<&Tensor>, eps: f64) -> Result<Tensor> {
    let [y, ..] = group(x, groups, gamma, beta, eps)?;
    Ok(y)
}

fn native_group_norm(
    x: &Tensor,
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    (n, c, s): (i64, i64, i64),
    groups: i64,
    eps: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    if groups > 0 && c % groups == 0 {
        let affine = [("weight", gamma), ("bias", beta)];
        if let Some((which, t)) = affine
            .iter()
            .find_map(|(which, t)| t.filter(|t| t.ndim() != 1 || t.numel() as i64 != c).map(|t| (which, t)))
        {
            fail!(Runtime, torch: ("Expected {which} to be a vector of size equal to the number of channels in input, but got {which} of shape {:?} and input of shape {:?}", t.shape(), x.shape()), expected: ("native_group_norm: expected {which} ({c})"), got: ("{:?}", t.shape()), fix: ("Check C."));
        }
        if n.checked_mul(c).and_then(|nc| nc.checked_mul(s)) != Some(x.numel() as i64) {
            fail!(Runtime, torch: ("Expected X.numel() == N * C * HxW to be true, but got false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)"), expected: ("native_group_norm: expected {n} * {c} * {s} elements"), got: ("{}", x.numel()), fix: ("Check N, C and HxW."));
        }
    }
    let [y, mean, rstd] = group(x, groups, gamma, beta, eps)?;
    Ok((y, cast(mean, x.dtype())?, cast(rstd, x.dtype())?))
}

#[allow(clippy::too_many_arguments, reason = "the arguments of torch's row")]
fn native_group_norm_row(
    x: &Tensor,
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    n: i64,
    c: i64,
    s: i64,
    groups: i64,
    eps: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    native_group_norm(x, gamma, beta, (n, c, s), groups, eps)
}

/// `running = (1 - momentum) * running + momentum * batch`, in the running tensor's own dtype.
fn follow(running: &Tensor, batch: &Tensor, momentum: f64) -> Result<()> {
    let compute = super::pointwise::compute_dtype(running.dtype());
    dispatch::pointwise(Fun::Lerp, compute, &[running, batch, &number(momentum)?], running, &Params::default());
    running.bump_version();
    Ok(())
}

/// Batch norm with the statistics that it used (mean, rstd).
pub(super) fn batch(
    x: &Tensor,
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    running: (Option<&Tensor>, Option<&Tensor>),
    train: bool,
    momentum: f64,
    eps: f64,
) -> Result<[Tensor; 3]> {
    let (n, c, s) = channels(x);
    if !train && (running.0.is_none() || running.1.is_none()) {
        let which = if running.0.is_none() { "running_mean" } else { "running_var" };
        fail!(Runtime, torch: ("{which} must be defined in evaluation mode"), expected: ("batch_norm: expected running statistics"), got: ("none"), fix: ("Pass them, or use training=True."));
    }
    check_channels(
        "batch_norm",
        c,
        [("running_mean", running.0), ("running_var", running.1), ("weight", gamma), ("bias", beta)],
    )?;
    let compute = float_kernel("batch_norm", x.dtype())?;
    check_affine("batch_norm", x, &[running.0, running.1, gamma, beta])?;
    let fresh = || dispatch::empty(&[c], compute, x.device());
    let data = operand(x, compute)?;
    let (mean, rstd) = match (train, running) {
        (false, (Some(m), Some(v))) => {
            let rstd = fresh()?;
            kernels::batch_rstd(&operand(v, compute)?, &rstd, eps);
            // A copy: the running mean may change before backward.
            let mean = fresh()?;
            dispatch::copy(m, &mean);
            (mean, rstd)
        }
        _ => {
            let (mean, rstd, unbiased) = (fresh()?, fresh()?, running.1.map(|_| fresh()).transpose()?);
            kernels::batch_stats(&data, (&mean, &rstd, unbiased.as_ref()), (n, c, s), eps)?;
            if let Some(m) = running.0 {
                follow(m, &mean, momentum)?;
            }
            if let (Some(v), Some(u)) = (running.1, &unbiased) {
                follow(v, u, momentum)?;
            }
            (mean, rstd)
        }
    };
    let y = dispatch::empty(x.shape(), compute, x.device())?;
    let (w, b) = (optional(gamma, compute)?, optional(beta, compute)?);
    kernels::batch_apply(&data, (&mean, &rstd), (w.as_ref(), b.as_ref()), &y, (n, c, s))?;
    let has = (gamma.is_some(), beta.is_some());
    let affine_dtype = gamma.or(beta).map_or(compute, Tensor::dtype);
    let y = record(finish(y, x.dtype(), &[x])?, "NativeBatchNormBackward0", &graph(x, gamma, beta), |sv| {
        let saved = save(sv, x, gamma);
        let (mean, rstd) = (sv.input(&mean), sv.input(&rstd));
        move |ctx, g| {
            let (x, gamma, mean, rstd) = (ctx.get(saved.0)?, ctx.get_opt(saved.1)?, ctx.get(mean)?, ctx.get(rstd)?);
            if needs_grad(&graph(&x, gamma.as_ref(), Some(g))) {
                let f = Formula {
                    shape: Shape::from_slice(&[n, c, s]),
                    dims: [0, 2].into_iter().collect(),
                    affine: Shape::from_slice(&[1, c, 1]),
                    eps,
                    centred: true,
                };
                return ordered(ctx, has, f.reshaped(g, &x, gamma.as_ref(), (!train).then_some((&mean, &rstd)), &[c])?);
            }
            let out = wanted(ctx, &operand(&x, compute)?, has, &[c])?;
            kernels::batch_backward(
                &operand(g, compute)?,
                &operand(&x, compute)?,
                (&mean, &rstd),
                optional(gamma.as_ref(), compute)?.as_ref(),
                refs(&out),
                (n, c, s),
                train,
            )?;
            ordered(ctx, has, cast_all(out, x.dtype(), affine_dtype)?)
        }
    })?;
    Ok([y, mean, rstd])
}

#[allow(clippy::too_many_arguments, reason = "torch's signature")]
fn batch_norm(
    x: &Tensor,
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    mean: Option<&Tensor>,
    var: Option<&Tensor>,
    training: bool,
    momentum: f64,
    eps: f64,
) -> Result<Tensor> {
    if x.numel() == 0 {
        // Nothing to normalise; the parameters get gradients of 0.
        let mut y = super::copy::clone(x, None)?;
        if let Some(w) = gamma {
            y = y.mul(&super::view::select(w, 0, 0)?)?;
        }
        return beta.map_or_else(|| Ok(y.clone()), |b| y.add(&super::view::select(b, 0, 0)?));
    }
    let [y, ..] = batch(x, gamma, beta, (mean, var), training, momentum, eps)?;
    Ok(y)
}

#[allow(clippy::too_many_arguments, reason = "torch's signature")]
fn native_batch_norm(
    x: &Tensor,
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    mean: Option<&Tensor>,
    var: Option<&Tensor>,
    training: bool,
    momentum: f64,
    eps: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    let [y, m, r] = batch(x, gamma, beta, (mean, var), training, momentum, eps)?;
    if training {
        return Ok((y, m, r));
    }
    let none = || dispatch::empty(&[0], m.dtype(), m.device());
    Ok((y, none()?, none()?))
}

ops! {
    /// Normalises over the last dims, then scales and shifts.
    "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, bool cudnn_enable=True) -> Tensor" [f] => layer_norm(0, 1, 2, 3, 4);
    /// `layer_norm` with mean and reciprocal standard deviation.
    "native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> (Tensor, Tensor, Tensor)" [f] => native_layer_norm(0, 1, 2, 3, 4);
    /// Divides by the root mean square over the last dims, then scales.
    "rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor" [f] => rms_norm(0, 1, 2, 3);
    /// Normalises groups of channels of each sample, then scales and shifts each channel.
    "group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, bool cudnn_enabled=True) -> Tensor" [f] => group_norm(0, 1, 2, 3, 4);
    /// `group_norm` with mean and reciprocal standard deviation.
    "native_group_norm(Tensor input, Tensor? weight, Tensor? bias, int N, int C, int HxW, int group, float eps) -> (Tensor, Tensor, Tensor)" [f] => native_group_norm_row(0, 1, 2, 3, 4, 5, 6, 7);
    /// Normalises each channel over batch and space, then scales and shifts it.
    "batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor" [f] => batch_norm(0, 1, 2, 3, 4, 5, 6, 7);
    /// `batch_norm` with mean and reciprocal standard deviation of the batch.
    "native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)" [f] => native_batch_norm(0, 1, 2, 3, 4, 5, 6, 7);
}
