//! Random numbers: torch's streams on the CPU, bit for bit.

use super::copy::contiguous;
use super::create::{empty, empty_like};
use super::helpers::{checked_shape, not_implemented};
use super::inplace;
use crate::autograd::{no_grad, record};
use crate::dispatch::{self, random};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::promote::default_dtype;
use crate::tensor::{DType, Device, Generator, MemoryFormat, Tensor, default_generator};

fn generator(g: Option<&Generator>) -> Generator {
    g.unwrap_or(default_generator()).clone()
}

fn check_float(name: &str, x: &Tensor) -> Result<()> {
    if !x.dtype().is_float() {
        return not_implemented(name, x.dtype());
    }
    Ok(())
}

/// Overwrites `x` with draws.
fn fill(x: &Tensor, draw: impl FnOnce(&Tensor)) -> Result<Tensor> {
    inplace::write(
        x,
        "RandomBackward0",
        &[x],
        |x| {
            draw(x);
            Ok(())
        },
        |_| |_, g| grads![g.zeros_like()?],
    )
}

/// Uniform draws from `[from, to)`.
pub fn uniform_(x: &Tensor, from: f64, to: f64, g: Option<&Generator>) -> Result<Tensor> {
    if !x.dtype().is_differentiable() {
        return not_implemented("check_uniform_bounds", x.dtype());
    }
    if from > to || !(to - from).is_finite() {
        fail!(Runtime, torch: ("uniform_ expects to return a [from, to) range, but found from={from} > to={to}"), expected: ("uniform_: expected from up to to"), got: ("{from} and {to}"), fix: ("Swap them."));
    }
    fill(x, |x| random::uniform(x, from, to, &generator(g)))
}

/// Normal draws.
pub fn normal_(x: &Tensor, mean: f64, std: f64, g: Option<&Generator>) -> Result<Tensor> {
    if !x.dtype().is_differentiable() {
        return not_implemented("normal_kernel", x.dtype());
    }
    if std < 0.0 || std.is_nan() {
        fail!(Runtime, torch: ("normal expects std >= 0.0, but found std {std}"), expected: ("normal_: expected std of at least 0"), got: ("{std}"), fix: ("Use its absolute value."));
    }
    fill(x, |x| random::normal(x, mean, std, &generator(g)))
}

fn log_normal_(x: &Tensor, mean: f64, std: f64, g: Option<&Generator>) -> Result<Tensor> {
    check_float("log_normal", x)?;
    if std <= 0.0 {
        fail!(Runtime, torch: ("log_normal_ expects std > 0.0, but found std={std}"), expected: ("log_normal_: expected std above 0"), got: ("{std}"), fix: ("Use a positive std."));
    }
    fill(x, |x| random::log_normal(x, mean, std, &generator(g)))
}

fn exponential_(x: &Tensor, lambd: f64, g: Option<&Generator>) -> Result<Tensor> {
    check_float("exponential", x)?;
    if lambd <= 0.0 {
        fail!(Runtime, torch: ("exponential_ expects lambda > 0.0, but found lambda={lambd}"), expected: ("exponential_: expected lambd above 0"), got: ("{lambd}"), fix: ("Use a positive rate."));
    }
    fill(x, |x| random::exponential(x, lambd, &generator(g)))
}

fn cauchy_(x: &Tensor, median: f64, sigma: f64, g: Option<&Generator>) -> Result<Tensor> {
    check_float("cauchy", x)?;
    if sigma <= 0.0 {
        fail!(Runtime, torch: ("cauchy_ expects sigma > 0.0, but found sigma={sigma}"), expected: ("cauchy_: expected sigma above 0"), got: ("{sigma}"), fix: ("Use a positive scale."));
    }
    fill(x, |x| random::cauchy(x, median, sigma, &generator(g)))
}

fn geometric_(x: &Tensor, p: f64, g: Option<&Generator>) -> Result<Tensor> {
    if !(p > 0.0 && p < 1.0) {
        fail!(Runtime, torch: ("geometric_ expects p to be in (0, 1), but got p={p}"), expected: ("geometric_: expected p in (0, 1)"), got: ("{p}"), fix: ("Use a probability."));
    }
    if x.dtype().is_complex() || x.dtype() == DType::Bool {
        return not_implemented("geometric", x.dtype());
    }
    fill(x, |x| random::geometric(x, p, &generator(g)))
}

fn random_(x: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    if x.dtype().is_complex() {
        return not_implemented("random_", x.dtype());
    }
    fill(x, |x| random::random_full(x, &generator(g)))
}

fn random_from_to(x: &Tensor, from: i64, to: Option<i64>, g: Option<&Generator>) -> Result<Tensor> {
    let range = random::int_range(x.dtype(), from, to)?;
    fill(x, |x| random::random(x, range, &generator(g)))
}

fn random_to(x: &Tensor, to: i64, g: Option<&Generator>) -> Result<Tensor> {
    random_from_to(x, 0, Some(to), g)
}

fn check_probability(name: &str, p: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&p) {
        fail!(Runtime, torch: ("{name} expects p to be in [0, 1], but got p={p}"), expected: ("{name}: expected p in [0, 1]"), got: ("{p}"), fix: ("Use a probability."));
    }
    Ok(())
}

fn bernoulli_(x: &Tensor, p: f64, g: Option<&Generator>) -> Result<Tensor> {
    check_probability("bernoulli_", p)?;
    fill(x, |x| random::bernoulli(x, p, &generator(g)))
}

fn bernoulli_tensor_(x: &Tensor, p: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    check_float("bernoulli_tensor", p)?;
    inplace::write(
        x,
        "BernoulliBackward1",
        &[x],
        |x| random::bernoulli_tensor(x, p, &generator(g)),
        |_| |_, g| grads![g.zeros_like()?],
    )
}

fn bernoulli(x: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    check_float("bernoulli_tensor_cpu_p_", x)?;
    let y = empty_like(x, None, None, None)?;
    random::bernoulli_tensor(&y, &x.detach(), &generator(g))?;
    record(y, "BernoulliBackward0", &[x], |_| |_, g| grads![g.zeros_like()?])
}

fn bernoulli_p(x: &Tensor, p: f64, g: Option<&Generator>) -> Result<Tensor> {
    no_grad(|| bernoulli_(&empty_like(x, None, None, None)?, p, g))
}

fn float_size(size: &[i64], dtype: Option<DType>, device: Option<Device>) -> Result<Tensor> {
    empty(size, dtype, device, None)
}

fn rand(size: &[i64], g: Option<&Generator>, dtype: Option<DType>, device: Option<Device>) -> Result<Tensor> {
    uniform_(&float_size(size, dtype, device)?, 0.0, 1.0, g)
}

fn randn(size: &[i64], g: Option<&Generator>, dtype: Option<DType>, device: Option<Device>) -> Result<Tensor> {
    normal_(&float_size(size, dtype, device)?, 0.0, 1.0, g)
}

fn randint(
    low: i64,
    high: i64,
    size: &[i64],
    g: Option<&Generator>,
    dtype: Option<DType>,
    device: Option<Device>,
) -> Result<Tensor> {
    random_from_to(&empty(size, Some(dtype.unwrap_or(DType::I64)), device, None)?, low, Some(high), g)
}

fn randint_high(
    high: i64,
    size: &[i64],
    g: Option<&Generator>,
    dtype: Option<DType>,
    device: Option<Device>,
) -> Result<Tensor> {
    randint(0, high, size, g, dtype, device)
}

fn randperm(n: i64, g: Option<&Generator>, dtype: Option<DType>, device: Option<Device>) -> Result<Tensor> {
    if n < 0 {
        fail!(Runtime, torch: ("n must be non-negative, got {n}"), expected: ("randperm: expected n of at least 0"), got: ("{n}"), fix: ("Give the number of elements."));
    }
    let dtype = dtype.unwrap_or(DType::I64);
    let digits = match dtype {
        DType::F16 => Some(11),
        DType::BF16 => Some(8),
        DType::F32 => Some(24),
        DType::U8 => Some(8),
        DType::I8 => Some(7),
        DType::I16 => Some(15),
        _ => None,
    };
    if digits.is_some_and(|d| n > (1 << d) + i64::from(dtype.is_float())) || dtype.is_complex() || dtype == DType::Bool
    {
        fail!(Runtime, torch: ("n is too large for result tensor type: {}", dtype.scalar_name()), expected: ("randperm: expected a dtype that holds {n}"), got: ("{}", dtype.name()), fix: ("Use int64."));
    }
    let t = dispatch::empty(&checked_shape("randperm", &[n])?, dtype, device.unwrap_or_else(crate::tensor::device::default_device))?;
    random::randperm(&t, &generator(g));
    Ok(t)
}

fn rand_like(x: &Tensor, dtype: Option<DType>, device: Option<Device>, format: Option<MemoryFormat>) -> Result<Tensor> {
    no_grad(|| uniform_(&empty_like(x, dtype, device, format)?, 0.0, 1.0, None))
}

fn randn_like(
    x: &Tensor,
    dtype: Option<DType>,
    device: Option<Device>,
    format: Option<MemoryFormat>,
) -> Result<Tensor> {
    no_grad(|| normal_(&empty_like(x, dtype, device, format)?, 0.0, 1.0, None))
}

fn randint_like(
    x: &Tensor,
    low: i64,
    high: i64,
    dtype: Option<DType>,
    device: Option<Device>,
    format: Option<MemoryFormat>,
) -> Result<Tensor> {
    no_grad(|| random_from_to(&empty_like(x, dtype, device, format)?, low, Some(high), None))
}

fn randint_like_high(
    x: &Tensor,
    high: i64,
    dtype: Option<DType>,
    device: Option<Device>,
    format: Option<MemoryFormat>,
) -> Result<Tensor> {
    randint_like(x, 0, high, dtype, device, format)
}

fn check_std(std: &Tensor) -> Result<()> {
    if std.numel() > 0
        && !std.is_meta()
        && no_grad(|| std.detach().lt(&super::pointwise::number(0.0)?)?.any_all()?.item_bool())?
    {
        fail!(Runtime, torch: ("normal expects all elements of std >= 0.0"), expected: ("normal: expected std of at least 0"), got: ("a negative one"), fix: ("Use its absolute value."));
    }
    Ok(())
}

fn normal(mean: &Tensor, std: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    check_std(std)?;
    no_grad(|| {
        let shape = crate::tensor::layout::broadcast(mean.shape(), std.shape())?;
        let dtype = crate::tensor::promote::result_type(&[mean, std]);
        let z = normal_(&dispatch::empty(&shape, dtype, mean.device())?, 0.0, 1.0, g)?;
        z.mul(std)?.add(mean)
    })
}

fn normal_mean(mean: &Tensor, std: f64, g: Option<&Generator>) -> Result<Tensor> {
    no_grad(|| normal_(&empty_like(mean, None, None, Some(MemoryFormat::Contiguous))?, 0.0, std, g)?.add(mean))
}

fn normal_std(mean: f64, std: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    check_std(std)?;
    no_grad(|| {
        let z = normal_(&empty_like(std, None, None, Some(MemoryFormat::Contiguous))?, 0.0, 1.0, g)?;
        z.mul(std)?.add(&super::pointwise::number(mean)?)
    })
}

fn normal_size(
    mean: f64,
    std: f64,
    size: &[i64],
    g: Option<&Generator>,
    dtype: Option<DType>,
    device: Option<Device>,
) -> Result<Tensor> {
    normal_(&float_size(size, Some(dtype.unwrap_or(default_dtype())), device)?, mean, std, g)
}

fn poisson(x: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    check_float("poisson_cpu", x)?;
    let y = dispatch::empty(x.shape(), x.dtype(), x.device())?;
    random::poisson(&contiguous(&x.detach())?, &y, &generator(g))?;
    record(y, "PoissonBackward0", &[x], |_| |_, g| grads![g.zeros_like()?])
}

/// Indices drawn from rows of weights.
pub fn multinomial(x: &Tensor, num_samples: i64, replacement: bool, g: Option<&Generator>) -> Result<Tensor> {
    check_float("multinomial", x)?;
    if x.ndim() == 0 || x.ndim() > 2 {
        fail!(Runtime, torch: ("prob_dist must be 1 or 2 dim"), expected: ("multinomial: expected 1 or 2 dims"), got: ("{}", x.ndim()), fix: ("Reshape the weights."));
    }
    let n = x.shape()[x.ndim() - 1];
    if num_samples <= 0 {
        fail!(Runtime, torch: ("cannot sample n_sample <= 0 samples"), expected: ("multinomial: expected at least 1 sample"), got: ("{num_samples}"), fix: ("Ask for at least one."));
    }
    if !replacement && num_samples as usize > n {
        fail!(Runtime, torch: ("cannot sample n_sample > prob_dist.size(-1) samples without replacement"), expected: ("multinomial: expected at most {n} samples"), got: ("{num_samples}"), fix: ("Pass replacement=True."));
    }
    no_grad(|| {
        let p = x.detach();
        let bad = p.isfinite()?.logical_not()?.logical_or(&p.lt(&super::pointwise::number(0.0)?)?)?;
        if !p.is_meta() && p.numel() > 0 && bad.any_all()?.item_bool()? {
            fail!(Runtime, torch: ("probability tensor contains either `inf`, `nan` or element < 0"), expected: ("multinomial: expected finite weights of at least 0"), got: ("others"), fix: ("Check the weights."));
        }
        let sums = p.sum_dims(&[-1], false)?;
        if !p.is_meta() && p.numel() > 0 && sums.eq_scalar(0.0)?.any_all()?.item_bool()? {
            fail!(Runtime, torch: ("invalid multinomial distribution (sum of probabilities <= 0)"), expected: ("multinomial: expected a row sum above 0"), got: ("0"), fix: ("Check the weights."));
        }
        if !replacement {
            // The smallest of independent exponential waiting times win: as torch draws it.
            let q = exponential_(&empty_like(&p, None, None, Some(MemoryFormat::Contiguous))?, 1.0, g)?;
            let keys = p.div(&q)?;
            if num_samples == 1 {
                return super::extreme::argmax(&keys, Some(-1), true);
            }
            return Ok(super::sort::topk(&keys, num_samples, -1, true, true)?.1);
        }
        let mut shape = crate::tensor::Shape::from_slice(&p.shape()[..p.ndim() - 1]);
        shape.push(num_samples as usize);
        let out = dispatch::empty(&shape, DType::I64, p.device())?;
        random::multinomial(&contiguous(&p)?, &out, &generator(g))?;
        Ok(out)
    })
}

/// Zeroes elements with probability p and scales the rest by `1 / (1 - p)`.
pub fn dropout(x: &Tensor, p: f64, train: bool) -> Result<Tensor> {
    if !(0.0..=1.0).contains(&p) {
        fail!(Runtime, torch: ("dropout probability has to be between 0 and 1, but got {p}"), expected: ("dropout: expected p in [0, 1]"), got: ("{p}"), fix: ("Use a probability."));
    }
    if p == 0.0 || !train || x.numel() == 0 {
        return Ok(x.clone());
    }
    if !x.dtype().is_differentiable() {
        fail!(Runtime, torch: ("result type Float can't be cast to the desired output type {}", x.dtype().scalar_name()), expected: ("dropout: expected a floating dtype"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    if x.dtype().is_complex() {
        let mask = no_grad(|| bernoulli_(&empty_like(x, None, None, None)?, 1.0 - p, None))?;
        return x.mul(&mask.mul_scalar(1.0 / (1.0 - p))?);
    }
    let y = empty_like(x, None, None, None)?;
    let keep = empty_like(x, Some(DType::Bool), None, None)?;
    random::dropout(x, &y, &keep, p, &generator(None));
    let scale = if p == 1.0 { 0.0 } else { 1.0 / (1.0 - p) };
    record(y, "DropoutBackward0", &[x], |_| move |_, g| grads![masked_scale(g, &keep, scale)?])
}

fn masked_scale(g: &Tensor, keep: &Tensor, scale: f64) -> Result<Tensor> {
    let factor = super::copy::to_dtype(keep, g.dtype())?.mul_scalar(scale)?;
    g.mul(&factor)
}

fn dropout_(x: &Tensor, p: f64, train: bool) -> Result<Tensor> {
    let y = dropout(x, p, train)?;
    if y.is(x) { Ok(y) } else { super::copy::copy_(x, &y, false) }
}

/// Noise of one value per sample and channel.
fn channel_noise(x: &Tensor, p: f64) -> Result<Tensor> {
    if x.ndim() < 2 {
        fail!(Runtime, torch: ("Feature dropout requires at least 2 dimensions in the input"), expected: ("feature_dropout: expected at least 2 dims"), got: ("{}", x.ndim()), fix: ("Use dropout()."));
    }
    let mut shape = crate::tensor::Shape::from_slice(&x.shape()[..2]);
    shape.resize(x.ndim(), 1);
    no_grad(|| bernoulli_(&dispatch::empty(&shape, x.dtype(), x.device())?, 1.0 - p, None))
}

fn feature_dropout(x: &Tensor, p: f64, train: bool) -> Result<Tensor> {
    if p == 0.0 || !train || x.numel() == 0 {
        return Ok(x.clone());
    }
    if p == 1.0 {
        return x.mul(&x.detach().zeros_like()?);
    }
    x.mul(&channel_noise(x, p)?.mul_scalar(1.0 / (1.0 - p))?)
}

fn alpha_noise(x: &Tensor, noise: &Tensor, p: f64) -> Result<Tensor> {
    // Keeps mean and variance of self-normalising networks (Klambauer et al. 2017, arXiv:1706.02515).
    const ALPHA: f64 = 1.758_099_340_847_376_6;
    let a = 1.0 / ((ALPHA * ALPHA * p + 1.0) * (1.0 - p)).sqrt();
    let b = no_grad(|| noise.add_scalar(-1.0)?.mul_scalar(ALPHA * a)?.add_scalar(ALPHA * a * p))?;
    x.mul(&no_grad(|| noise.mul_scalar(a))?)?.add(&b)
}

fn alpha_dropout(x: &Tensor, p: f64, train: bool) -> Result<Tensor> {
    if p == 0.0 || !train || x.numel() == 0 {
        return Ok(x.clone());
    }
    if p == 1.0 {
        return x.mul(&x.detach().zeros_like()?);
    }
    let noise = no_grad(|| bernoulli_(&empty_like(x, None, None, None)?, 1.0 - p, None))?;
    alpha_noise(x, &noise, p)
}

fn feature_alpha_dropout(x: &Tensor, p: f64, train: bool) -> Result<Tensor> {
    if p == 0.0 || !train || x.numel() == 0 {
        return Ok(x.clone());
    }
    if p == 1.0 {
        return x.mul(&x.detach().zeros_like()?);
    }
    alpha_noise(x, &channel_noise(x, p)?, p)
}

ops! {
    /// Uniform draws from [0, 1).
    "rand(int[] size, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => rand(0, 1, 2, 4);
    /// Standard normal draws.
    "randn(int[] size, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => randn(0, 1, 2, 4);
    /// Integers from [0, high).
    "randint(int high, int[] size, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => randint_high(0, 1, 2, 3, 5);
    /// Integers from [low, high).
    "randint(int low, int high, int[] size, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => randint(0, 1, 2, 3, 4, 6);
    /// A permutation of 0 to n - 1.
    "randperm(int n, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => randperm(0, 1, 2, 4);
    /// Uniform draws shaped like self.
    "rand_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => rand_like(0, 1, 3, 5);
    /// Standard normal draws shaped like self.
    "randn_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => randn_like(0, 1, 3, 5);
    /// Integers from [0, high), shaped like self.
    "randint_like(Tensor self, int high, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => randint_like_high(0, 1, 2, 4, 6);
    /// Integers from [low, high), shaped like self.
    "randint_like(Tensor self, int low, int high, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => randint_like(0, 1, 2, 3, 5, 7);
    /// Normal draws with a mean and deviation per element.
    "normal(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor" [f o] => normal(0, 1, 2);
    /// Normal draws with a mean per element.
    "normal(Tensor mean, float std=1, *, Generator? generator=None) -> Tensor" [f o] => normal_mean(0, 1, 2);
    /// Normal draws with a deviation per element.
    "normal(float mean, Tensor std, *, Generator? generator=None) -> Tensor" [f o] => normal_std(0, 1, 2);
    /// Normal draws.
    "normal(float mean, float std, int[] size, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => normal_size(0, 1, 2, 3, 4, 6);
    /// Uniform draws from [from, to).
    "uniform_(Tensor self, float from=0, float to=1, *, Generator? generator=None) -> Tensor" [m] => uniform_(0, 1, 2, 3);
    /// Normal draws.
    "normal_(Tensor self, float mean=0, float std=1, *, Generator? generator=None) -> Tensor" [m] => normal_(0, 1, 2, 3);
    /// `exp` of normal draws.
    "log_normal_(Tensor self, float mean=1, float std=2, *, Generator? generator=None) -> Tensor" [m] => log_normal_(0, 1, 2, 3);
    /// Exponential draws with rate `lambd`.
    "exponential_(Tensor self, float lambd=1, *, Generator? generator=None) -> Tensor" [m] => exponential_(0, 1, 2);
    /// Cauchy draws.
    "cauchy_(Tensor self, float median=0, float sigma=1, *, Generator? generator=None) -> Tensor" [m] => cauchy_(0, 1, 2, 3);
    /// Geometric draws.
    "geometric_(Tensor self, float p, *, Generator? generator=None) -> Tensor" [m] => geometric_(0, 1, 2);
    /// Integers of the dtype's whole range.
    "random_(Tensor self, *, Generator? generator=None) -> Tensor" [m] => random_(0, 1);
    /// Integers from [0, to).
    "random_(Tensor self, int to, *, Generator? generator=None) -> Tensor" [m] => random_to(0, 1, 2);
    /// Integers from [from, to).
    "random_(Tensor self, int from, int? to, *, Generator? generator=None) -> Tensor" [m] => random_from_to(0, 1, 2, 3);
    /// 1 with the probability of each element, else 0.
    "bernoulli(Tensor self, *, Generator? generator=None) -> Tensor" [f m o] => bernoulli(0, 1);
    /// 1 with probability p, else 0.
    "bernoulli(Tensor self, float p, *, Generator? generator=None) -> Tensor" [f m] => bernoulli_p(0, 1, 2);
    /// 1 with the probability of each element of p, else 0.
    "bernoulli_(Tensor self, Tensor p, *, Generator? generator=None) -> Tensor" [m] => bernoulli_tensor_(0, 1, 2);
    /// 1 with probability p, else 0.
    "bernoulli_(Tensor self, float p=0.5, *, Generator? generator=None) -> Tensor" [m] => bernoulli_(0, 1, 2);
    /// Poisson samples with the rates of self.
    "poisson(Tensor self, Generator? generator=None) -> Tensor" [f] => poisson(0, 1);
    /// Indices drawn from each row of weights.
    "multinomial(Tensor self, int num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor" [f m o] => multinomial(0, 1, 2, 3);
    /// Zeroes elements with probability p and scales the rest by 1 / (1 - p).
    "dropout(Tensor self, float p, bool train) -> Tensor" [f] => dropout(0, 1, 2);
    /// `dropout` in place.
    "dropout_(Tensor self, float p, bool train) -> Tensor" [f] => dropout_(0, 1, 2);
    /// Zeroes whole channels with probability p.
    "feature_dropout(Tensor self, float p, bool train) -> Tensor" [f] => feature_dropout(0, 1, 2);
    /// Dropout that keeps mean and variance of self-normalising networks.
    "alpha_dropout(Tensor self, float p, bool train) -> Tensor" [f] => alpha_dropout(0, 1, 2);
    /// `alpha_dropout` of whole channels.
    "feature_alpha_dropout(Tensor self, float p, bool train) -> Tensor" [f] => feature_alpha_dropout(0, 1, 2);
}
