//! Samples whose parameters are tensors, and dropout.

use super::arith::MUL;
use super::copy::{self, to_dtype};
use super::helpers::not_implemented;
use super::inplace;
use super::pointwise::{Class, Pw, apply, number};
use super::random::generator;
use crate::autograd::{needs_grad, no_grad, record};
use crate::dispatch;
use crate::dispatch::random as kernels;
use crate::dispatch::{Fun, Params};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, Generator, Scalar, Tensor};

/// Indices drawn by weight, for each row of weights.
pub fn multinomial(p: &Tensor, num_samples: i64, replacement: bool, g: Option<&Generator>) -> Result<Tensor> {
    let p = &p.detach();
    if !(1..=2).contains(&p.ndim()) {
        fail!(Runtime, torch: ("prob_dist must be 1 or 2 dim"), expected: ("multinomial: expected weights or rows of weights"), got: ("{} dims", p.ndim()), fix: ("Reshape them."));
    }
    if !p.dtype().is_float() {
        fail!(Runtime, torch: ("multinomial only supports floating-point dtypes for input, got: {}", p.dtype().scalar_name()), expected: ("multinomial: expected floating weights"), got: ("{}", p.dtype().name()), fix: ("Convert with .float()."));
    }
    if num_samples <= 0 {
        fail!(Runtime, torch: ("cannot sample n_sample <= 0 samples"), expected: ("multinomial: expected at least 1 sample"), got: ("{num_samples}"), fix: ("Pass a positive number."));
    }
    let categories = p.size(p.ndim() - 1);
    if !replacement && num_samples > categories as i64 {
        fail!(Runtime, torch: ("cannot sample n_sample > prob_dist.size(-1) samples without replacement"), expected: ("multinomial: expected at most {categories} samples"), got: ("{num_samples}"), fix: ("Pass replacement=True."));
    }
    if categories == 0 && p.numel() == 0 && p.shape()[..p.ndim() - 1].iter().all(|&n| n > 0) && !p.is_meta() {
        fail!(Runtime, torch: ("invalid multinomial distribution (sum of probabilities <= 0)"), expected: ("multinomial: expected at least 1 category"), got: ("none"), fix: ("Check the weights' shape."));
    }
    if categories > 1 << 24 {
        fail!(Runtime, torch: ("number of categories cannot exceed 2^24"), expected: ("multinomial: expected at most 2^24 categories"), got: ("{categories}"), fix: ("Draw in two stages."));
    }
    let mut shape = Shape::from_slice(p.shape());
    shape[p.ndim() - 1] = num_samples as usize;
    if p.is_meta() || shape.contains(&0) {
        return dispatch::empty(&shape, DType::I64, p.device());
    }
    if replacement && num_samples > 1 {
        let out = dispatch::empty(&shape, DType::I64, p.device())?;
        kernels::multinomial(p, &out, generator(g))?;
        return Ok(out);
    }
    check_weights(p)?;
    // The largest of weight / Exp(1) falls on a category with its probability, the next ones as without replacement.
    let q = p.empty_like()?;
    kernels::exponential(&q, 1.0, generator(g));
    let q = p.div(&q)?;
    if num_samples == 1 {
        super::extreme::argmax(&q, Some(-1), true)
    } else {
        Ok(super::sort::topk(&q, num_samples, -1, true, true)?.1)
    }
}

fn check_weights(p: &Tensor) -> Result<()> {
    let valid = p.lt(&number(f64::INFINITY)?)?.logical_and(&p.ge(&number(0.0)?)?)?;
    if !valid.all_all()?.item_bool()? {
        fail!(Runtime, torch: ("probability tensor contains either `inf`, `nan` or element < 0"), expected: ("multinomial: expected finite weights of at least 0"), got: ("others"), fix: ("Weights need not sum to 1; logits need softmax first."));
    }
    if p.sum_dims(&[-1], false)?.eq_scalar(0.0)?.any_all()?.item_bool()? {
        fail!(Runtime, torch: ("invalid multinomial distribution (sum of probabilities <= 0)"), expected: ("multinomial: expected a positive weight in every row"), got: ("zeros"), fix: ("Check the weights."));
    }
    Ok(())
}

fn poisson(rate: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    if !rate.dtype().is_float() {
        return not_implemented("poisson", rate.dtype());
    }
    let out = dispatch::empty(rate.shape(), rate.dtype(), rate.device())?;
    kernels::poisson(rate, &out, generator(g))?;
    record(out, "PoissonBackward0", &[rate], |_| |_, g| grads![g.zeros_like()?])
}

#[cold]
fn no_derivative<T>(name: &str) -> Result<T> {
    fail!(Runtime, torch: ("derivative for aten::{name} is not implemented"), expected: ("{name}: expected inputs without grad"), got: ("one that requires grad"), fix: ("Detach it."))
}

fn binomial(count: &Tensor, prob: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    for (name, t) in [("count", count), ("prob", prob)] {
        if !t.dtype().is_float() {
            fail!(Value, torch: ("binomial only supports floating-point dtypes for {name}, got: {}", t.dtype().scalar_name()), expected: ("binomial: expected a floating {name}"), got: ("{}", t.dtype().name()), fix: ("Convert with .float()."));
        }
    }
    if count.dtype() != prob.dtype() {
        fail!(Runtime, torch: ("Found dtype {} but expected {}", prob.dtype().scalar_name(), count.dtype().scalar_name()), expected: ("binomial: expected one dtype"), got: ("{} and {}", count.dtype().name(), prob.dtype().name()), fix: ("Convert one."));
    }
    if count.dtype().is_half() {
        return not_implemented("binomial", count.dtype());
    }
    let out = dispatch::empty(&layout::broadcast(count.shape(), prob.shape())?, count.dtype(), count.device())?;
    kernels::binomial(count, prob, &out, generator(g));
    record(out, "NotImplemented", &[count, prob], |_| |_, _| no_derivative("binomial"))
}

fn standard_gamma(alpha: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    if !matches!(alpha.dtype(), DType::F32 | DType::F64) {
        return not_implemented("gamma", alpha.dtype());
    }
    let out = dispatch::empty(alpha.shape(), alpha.dtype(), alpha.device())?;
    kernels::standard_gamma(alpha, &out, generator(g));
    record(out, "StandardGammaBackward0", &[alpha], |s| {
        let (alpha, x) = (s.input(alpha), s.output(0));
        move |c, g| grads![g.mul(&implicit(&GAMMA_GRAD, &[&c.get(alpha)?, &c.get(x)?])?)?]
    })
}

static GAMMA_GRAD: Pw = Pw {
    name: "_standard_gamma_grad",
    node: "StandardGammaGradBackward0",
    fun: Fun::GammaGrad,
    class: Class::Same,
    grads: &[None, None],
};
static DIRICHLET_GRAD: Pw = Pw {
    name: "_dirichlet_grad",
    node: "DirichletGradBackward0",
    fun: Fun::DirichletGrad,
    class: Class::Same,
    grads: &[None, None, None],
};

fn implicit(row: &'static Pw, xs: &[&Tensor]) -> Result<Tensor> {
    if xs.iter().any(|x| x.dtype().is_half()) {
        return not_implemented(&format!("{}_cpu", row.name), xs[0].dtype());
    }
    apply(row, xs, Params::default(), &Dest::New)
}

fn sample_dirichlet(alpha: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    if !matches!(alpha.dtype(), DType::F32 | DType::F64) {
        return not_implemented("dirichlet", alpha.dtype());
    }
    let out = dispatch::empty(alpha.shape(), alpha.dtype(), alpha.device())?;
    if alpha.is_gpu() {
        kernels::dirichlet_on_gpu(alpha, &out, generator(g));
    } else {
        // Samples of small parameters underflow in float32.
        let gamma = dispatch::empty(alpha.shape(), DType::F64, alpha.device())?;
        kernels::standard_gamma(alpha, &gamma, generator(g));
        kernels::dirichlet_normalize(&gamma, &gamma.sum_dims(&[-1], true)?, &out);
    }
    record(out, "NotImplemented", &[alpha], |_| |_, _| no_derivative("_sample_dirichlet"))
}

/// Whether anything is dropped at all.
fn drops(x: &Tensor, p: f64, train: bool) -> Result<bool> {
    if !(0.0..=1.0).contains(&p) {
        fail!(Runtime, torch: ("dropout probability has to be between 0 and 1, but got {p}"), expected: ("dropout: expected a probability"), got: ("{p}"), fix: ("Pass a number from 0 to 1."));
    }
    Ok(p > 0.0 && train && x.numel() > 0)
}

fn times(x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    apply(&MUL, &[x, y], Default::default(), dest)
}

/// Zeroes elements with probability p and scales the rest by `1 / (1 - p)`.
pub fn dropout(x: &Tensor, p: f64, train: bool, dest: &Dest) -> Result<Tensor> {
    if !drops(x, p, train)? {
        return Ok(x.clone());
    }
    if p == 1.0 {
        return times(x, &x.scalar_like(0i64)?, dest);
    }
    if x.dtype().is_complex() {
        fail!(NotImplemented, torch: ("\"bernoulli_scalar_cpu_\" not implemented for '{}'", x.dtype().scalar_name()), expected: ("dropout: expected real numbers"), got: ("{}", x.dtype().name()), fix: ("Use view_as_real()."));
    }
    if !x.dtype().is_float() {
        fail!(Runtime, torch: ("result type Float can't be cast to the desired output type {}", x.dtype().scalar_name()), expected: ("dropout: expected a floating dtype"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    let (y, keep) = (x.empty_like()?, x.empty_like_dtype(DType::Bool)?);
    kernels::dropout(x, &y, &keep, p, generator(None));
    // The factor of what stays, rounded as the kernel rounds it.
    let scale = no_grad(|| super::arith::div(&x.scalar_like(1i64)?, &number(1.0 - p)?, None, &Dest::New))?;
    let derivative = |s: &mut crate::autograd::record::Saver| {
        let keep = s.input(&keep);
        let scale = scale.clone();
        move |c: &crate::autograd::record::Ctx, g: &Tensor| grads![g.mul(&c.get(keep)?)?.mul(&scale)?]
    };
    if let Dest::InPlace = dest {
        return inplace::write(
            x,
            "MulBackward0",
            &[x],
            |x| {
                dispatch::copy(&y, x);
                Ok(())
            },
            derivative,
        );
    }
    record(y, "MulBackward0", &[x], derivative)
}

/// The noise that one draw per element or per channel gives: 0 or 1.
fn noise(x: &Tensor, feature: bool, p: f64) -> Result<Tensor> {
    if !feature {
        let t = x.empty_like()?;
        kernels::bernoulli(&t, 1.0 - p, generator(None));
        return Ok(t);
    }
    if x.ndim() < 2 {
        fail!(Runtime, torch: ("Feature dropout requires at least 2 dimensions in the input"), expected: ("feature_dropout: expected (N, C, ...)"), got: ("{} dims", x.ndim()), fix: ("Unsqueeze it first."));
    }
    let shape: Shape = x.shape().iter().enumerate().map(|(d, &n)| if d < 2 { n } else { 1 }).collect();
    let t = dispatch::empty(&shape, x.dtype(), x.device())?;
    kernels::bernoulli(&t, 1.0 - p, generator(None));
    Ok(t)
}

fn check_float(x: &Tensor) -> Result<()> {
    if x.dtype().is_float() { Ok(()) } else { not_implemented("bernoulli_scalar", x.dtype()) }
}

fn feature_dropout(x: &Tensor, p: f64, train: bool, dest: &Dest) -> Result<Tensor> {
    if !drops(x, p, train)? {
        return Ok(x.clone());
    }
    if p == 1.0 {
        return times(x, &x.scalar_like(0i64)?, dest);
    }
    check_float(x)?;
    let n = no_grad(|| super::arith::div(&noise(x, true, p)?, &number(1.0 - p)?, None, &Dest::New))?;
    times(x, &n, dest)
}

/// Dropout that keeps mean and variance of SELU's outputs (Klambauer et al. 2017, arXiv:1706.02515, section "dropout").
fn alpha(x: &Tensor, p: f64, train: bool, feature: bool, dest: &Dest) -> Result<Tensor> {
    if !drops(x, p, train)? {
        return Ok(x.clone());
    }
    if p == 1.0 {
        return times(x, &x.scalar_like(0i64)?, dest);
    }
    check_float(x)?;
    // SELU's scale times its alpha: the value that dropped units take, with the sign turned.
    const ALPHA: f64 = 1.758_099_340_847_376_6;
    let a = 1.0 / ((ALPHA * ALPHA * p + 1.0) * (1.0 - p)).sqrt();
    let (factor, shift) = no_grad(|| {
        let n = noise(x, feature, p)?;
        let shift = n.add_scalar(-1.0)?.mul_scalar(ALPHA * a)?.add_scalar(ALPHA * a * p)?;
        Ok::<_, crate::error::Error>((n.mul_scalar(a)?, shift))
    })?;
    let y = times(x, &factor, dest)?;
    let sum = if let Dest::InPlace = dest { Dest::InPlace } else { Dest::New };
    super::arith::add(&y, &shift, Scalar::Int(1), &sum)
}

/// Dropout with its mask; the gradient is that of the product.
fn native_dropout(x: &Tensor, p: f64, train: Option<bool>) -> Result<(Tensor, Tensor)> {
    let keep = x.empty_like_dtype(DType::Bool)?;
    if x.numel() == 0 {
        return Ok((x.clone(), keep));
    }
    if !train.unwrap_or(true) {
        dispatch::fill(&keep, Scalar::Bool(true));
        return Ok((copy::clone(x, None)?, keep));
    }
    drops(x, p, true)?;
    check_float(x)?;
    kernels::bernoulli(&keep, 1.0 - p, generator(None));
    let scale = if p == 1.0 { 0.0 } else { 1.0 / (1.0 - p) };
    let y = no_grad(|| native_dropout_backward(x, &keep, scale))?;
    let y = if needs_grad(&[x]) {
        record(y, "NativeDropoutBackward0", &[x], |s| {
            let keep = s.input(&keep);
            move |c, g| grads![native_dropout_backward(g, &c.get(keep)?, scale)?]
        })?
    } else {
        y
    };
    Ok((y, keep))
}

fn native_dropout_backward(g: &Tensor, mask: &Tensor, scale: f64) -> Result<Tensor> {
    g.mul(&to_dtype(mask, g.dtype())?)?.mul_scalar(scale)
}

ops! {
    /// Indices drawn by weight, `num_samples` for each row; without replacement each at most once.
    "multinomial(Tensor self, int num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor" [f m o] => multinomial(0, 1, 2, 3);
    /// Poisson samples with the rates of self.
    "poisson(Tensor self, Generator? generator=None) -> Tensor" [f] => poisson(0, 1);
    /// Successes in `count` trials of probability `prob`.
    "binomial(Tensor count, Tensor prob, Generator? generator=None) -> Tensor" [f] => binomial(0, 1, 2);
    /// Gamma samples of scale 1 with the shape parameters of self.
    "_standard_gamma(Tensor self, Generator? generator=None) -> Tensor" [f] => standard_gamma(0, 1);
    /// Dirichlet samples with the concentrations of the last dim.
    "_sample_dirichlet(Tensor self, Generator? generator=None) -> Tensor" [f] => sample_dirichlet(0, 1);
    /// Dropout and its mask.
    "native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)" [f] => native_dropout(0, 1, 2);
    @
    /// Zeros with probability `p` in training, the rest scaled by 1 / (1 - p).
    "dropout(Tensor input, float p, bool train) -> Tensor" [f] => |a| dropout(a.get(0)?, a.get(1)?, a.get(2)?, &Dest::New);
    /// `dropout` in place.
    "dropout_(Tensor input, float p, bool train) -> Tensor" [f] => |a| dropout(a.get(0)?, a.get(1)?, a.get(2)?, &Dest::InPlace);
    /// Dropout of whole channels.
    "feature_dropout(Tensor input, float p, bool train) -> Tensor" [f] => |a| feature_dropout(a.get(0)?, a.get(1)?, a.get(2)?, &Dest::New);
    /// `feature_dropout` in place.
    "feature_dropout_(Tensor input, float p, bool train) -> Tensor" [f] => |a| feature_dropout(a.get(0)?, a.get(1)?, a.get(2)?, &Dest::InPlace);
    /// Dropout that keeps the mean and variance of SELU's outputs.
    "alpha_dropout(Tensor input, float p, bool train) -> Tensor" [f] => |a| alpha(a.get(0)?, a.get(1)?, a.get(2)?, false, &Dest::New);
    /// `alpha_dropout` in place.
    "alpha_dropout_(Tensor input, float p, bool train) -> Tensor" [f] => |a| alpha(a.get(0)?, a.get(1)?, a.get(2)?, false, &Dest::InPlace);
    /// `alpha_dropout` of whole channels.
    "feature_alpha_dropout(Tensor input, float p, bool train) -> Tensor" [f] => |a| alpha(a.get(0)?, a.get(1)?, a.get(2)?, true, &Dest::New);
    /// `feature_alpha_dropout` in place.
    "feature_alpha_dropout_(Tensor input, float p, bool train) -> Tensor" [f] => |a| alpha(a.get(0)?, a.get(1)?, a.get(2)?, true, &Dest::InPlace);
    /// How gamma samples move with their shape parameters: `-(dF / da) / f`, F their distribution function and f the density
    /// (Figurnov, Mohamed & Mnih 2018).
    "_standard_gamma_grad(Tensor self, Tensor output) -> Tensor" [f p] => |a| implicit(&GAMMA_GRAD, &[a.get(0)?, a.get(1)?]);
    /// How Dirichlet samples x move with their parameters alpha, of the given total, over 1 - x.
    "_dirichlet_grad(Tensor x, Tensor alpha, Tensor total) -> Tensor" [f p] => |a| implicit(&DIRICHLET_GRAD, &[a.get(0)?, a.get(1)?, a.get(2)?]);
}
