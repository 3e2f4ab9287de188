//! New random tensors and in-place random fills: the numbers of torch for the same seed.

use super::create::like;
use super::helpers::{checked_shape, not_implemented};
use super::inplace;
use crate::autograd::record;
use crate::dispatch;
use crate::dispatch::random as kernels;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::{Args, Dest};
use crate::tensor::device::default_device;
use crate::tensor::promote::default_dtype;
use crate::tensor::{DType, Device, Generator, MemoryFormat, Scalar, Tensor};

/// The generator of a call.
pub fn generator(g: Option<&Generator>) -> &Generator {
    g.unwrap_or(Generator::ANY)
}

fn floats(name: &str, d: DType) -> Result<()> {
    if d.is_float() || d.is_complex() { Ok(()) } else { not_implemented_as(name, d) }
}

/// torch's text for a missing kernel whose name has no suffix.
#[cold]
fn not_implemented_as<T>(name: &str, d: DType) -> Result<T> {
    fail!(NotImplemented, torch: ("\"{name}\" not implemented for '{}'", d.scalar_name()), expected: ("a dtype that the distribution is defined for"), got: ("{}", d.name()), fix: ("Use a floating dtype."))
}

// Parameters of the distributions, with torch's checks.

fn check_std(std: f64) -> Result<()> {
    if !(std >= 0.0) {
        fail!(Runtime, torch: ("normal expects std >= 0.0, but found std {std}"), expected: ("normal: expected a std of at least 0"), got: ("{std}"), fix: ("Pass a standard deviation, not a log."));
    }
    Ok(())
}

fn check_uniform(d: DType, from: f64, to: f64) -> Result<()> {
    floats("check_uniform_bounds", d)?;
    let max = match d.to_real() {
        DType::F16 => f64::from(half::f16::MAX),
        DType::BF16 => f64::from(half::bf16::MAX),
        DType::F32 => f64::from(f32::MAX),
        _ => f64::MAX,
    };
    for (name, x) in [("from", from), ("to", to)] {
        if !(x.abs() <= max) {
            fail!(Runtime, torch: ("{name} is out of bounds for {}", d.typedef_name()), expected: ("uniform_: expected bounds that {} holds", d.name()), got: ("{x}"), fix: ("Use a wider dtype."));
        }
    }
    if from > to {
        fail!(Runtime, torch: ("uniform_ expects to return a [from, to) range, but found from={from} > to={to}"), expected: ("uniform_: expected from <= to"), got: ("{from} and {to}"), fix: ("Swap them."));
    }
    if to - from > max {
        fail!(Runtime, torch: ("uniform_ expects to-from <= std::numeric_limits<{}>::max(), but found to={to} and from={from} which result in to-from to exceed the limit", d.scalar_name()),
            expected: ("uniform_: expected a width that {} holds", d.name()), got: ("{from} to {to}"), fix: ("Narrow the range."));
    }
    Ok(())
}

fn check_probability(p: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&p) {
        fail!(Runtime, torch: ("bernoulli_ expects p to be in [0, 1], but got p={p}"), expected: ("bernoulli_: expected a probability"), got: ("{p}"), fix: ("Pass a number from 0 to 1."));
    }
    Ok(())
}

fn check_bernoulli(d: DType) -> Result<()> {
    if d.is_complex() || matches!(d, DType::U16 | DType::U32 | DType::U64) {
        not_implemented_as("bernoulli_scalar_cpu_", d)
    } else {
        Ok(())
    }
}

// New tensors.

/// Where a new random tensor goes: its dtype is that of `out=`, if there is one.
fn fresh(
    a: &Args,
    size: &[i64],
    dtype: Option<DType>,
    device: Option<Device>,
    name: &str,
    standard: DType,
) -> Result<Tensor> {
    let given = match a.dest() {
        Dest::Out(outs) => outs.first().map(Tensor::dtype),
        _ => None,
    };
    dispatch::empty(
        &checked_shape(name, size)?,
        dtype.or(given).unwrap_or(standard),
        device.unwrap_or_else(default_device),
    )
}

fn uniform(t: Tensor, g: Option<&Generator>) -> Result<Tensor> {
    check_uniform(t.dtype(), 0.0, 1.0)?;
    kernels::uniform(&t, 0.0, 1.0, generator(g));
    Ok(t)
}

fn normal(t: Tensor, mean: f64, std: f64, g: Option<&Generator>) -> Result<Tensor> {
    check_std(std)?;
    floats("normal_kernel_cpu", t.dtype())?;
    kernels::normal(&t, mean, std, generator(g));
    Ok(t)
}

fn integers(t: Tensor, low: i64, high: i64, g: Option<&Generator>) -> Result<Tensor> {
    let range = kernels::int_range(t.dtype(), low, Some(high))?;
    kernels::random(&t, range, generator(g));
    Ok(t)
}

fn rand_like(
    x: &Tensor,
    g: Option<&Generator>,
    dtype: Option<DType>,
    device: Option<Device>,
    format: Option<MemoryFormat>,
) -> Result<Tensor> {
    uniform(like(x, dtype, device, format)?, g)
}

fn randn_like(
    x: &Tensor,
    g: Option<&Generator>,
    dtype: Option<DType>,
    device: Option<Device>,
    format: Option<MemoryFormat>,
) -> Result<Tensor> {
    normal(like(x, dtype, device, format)?, 0.0, 1.0, g)
}

fn randint_like(
    x: &Tensor,
    low: i64,
    high: i64,
    g: Option<&Generator>,
    dtype: Option<DType>,
    device: Option<Device>,
    format: Option<MemoryFormat>,
) -> Result<Tensor> {
    integers(like(x, dtype, device, format)?, low, high, g)
}

fn randperm(t: Tensor, g: Option<&Generator>) -> Result<Tensor> {
    let (d, n) = (t.dtype(), t.numel());
    if d == DType::Bool || d.is_complex() || matches!(d, DType::U16 | DType::U32 | DType::U64) {
        return not_implemented_as("randperm", d);
    }
    let most = match d {
        DType::U8 => 1 << 8,
        DType::I8 => 1 << 7,
        DType::I16 => 1 << 15,
        DType::I32 => 1 << 31,
        DType::F16 => 2049,
        DType::BF16 => 257,
        DType::F32 => (1 << 24) + 1,
        _ => usize::MAX,
    };
    if n > most {
        fail!(Runtime, torch: ("value cannot be converted to type {} without overflow", d.typedef_name()), expected: ("randperm: expected at most {most} elements of dtype {}", d.name()), got: ("{n}"), fix: ("Use int64."));
    }
    kernels::randperm(&t, generator(g));
    Ok(t)
}

/// `y` with a gradient of 0 for each input: draws do not depend on their parameters smoothly.
fn constant(y: Tensor, node: &'static str, inputs: &[&Tensor]) -> Result<Tensor> {
    record(y, node, inputs, |s| {
        let shapes: Vec<(Tensor, bool)> =
            s.inputs().iter().enumerate().map(|(i, t)| (t.detach(), s.needs(i))).collect();
        move |_, _| shapes.iter().map(|(t, needs)| needs.then(|| t.zeros_like()).transpose()).collect()
    })
}

/// Normal elements with a tensor of means, of standard deviations, or both.
fn normal_by(
    mean: Option<&Tensor>,
    number: f64,
    std: Option<&Tensor>,
    spread: f64,
    g: Option<&Generator>,
) -> Result<Tensor> {
    check_std(spread)?;
    if let Some(s) = std {
        if s.dtype().is_complex() {
            fail!(Runtime, torch: ("normal expects standard deviation to be non-complex"), expected: ("normal: expected a real std"), got: ("{}", s.dtype().name()), fix: ("Use its modulus."));
        }
        if !s.is_meta()
            && s.numel() > 0
            && s.detach().lt(&dispatch::wrapped(Scalar::Int(0))?)?.any_all()?.item_bool()?
        {
            fail!(Runtime, torch: ("normal expects all elements of std >= 0.0"), expected: ("normal: expected standard deviations of at least 0"), got: ("a negative one"), fix: ("Pass standard deviations, not logs."));
        }
    }
    let inputs: Vec<&Tensor> = mean.into_iter().chain(std).collect();
    let Some(first) = inputs.first() else { crate::internal!("normal needs a tensor.") };
    let shape = inputs[1..].iter().try_fold(crate::tensor::Shape::from_slice(first.shape()), |s, t| {
        crate::tensor::layout::broadcast(&s, t.shape())
    })?;
    let t = dispatch::empty(&shape, first.dtype(), first.device())?;
    floats("normal_kernel_cpu", t.dtype())?;
    kernels::normal(&t, 0.0, spread, generator(g));
    let y = crate::autograd::no_grad(|| {
        let scaled = match std {
            Some(s) => t.mul(&super::copy::to_dtype(s, t.dtype())?)?,
            None => t,
        };
        match mean {
            Some(m) => scaled.add(m),
            None => scaled.add_scalar(number),
        }
    })?;
    constant(
        y,
        if mean.is_some() && std.is_some() {
            "NormalBackward3"
        } else if mean.is_some() {
            "NormalBackward1"
        } else {
            "NormalBackward2"
        },
        &inputs,
    )
}

/// 1 with the probability that the element says, else 0.
fn bernoulli(p: &Tensor, g: Option<&Generator>, given: Option<DType>) -> Result<Tensor> {
    if !p.dtype().is_float() {
        return not_implemented_as("bernoulli_tensor_cpu_p_", p.dtype());
    }
    let t = p.empty_like_dtype(given.unwrap_or(p.dtype()))?;
    kernels::bernoulli_tensor(&t, p, generator(g))?;
    constant(t, "BernoulliBackward0", &[p])
}

fn bernoulli_p(x: &Tensor, p: f64, g: Option<&Generator>) -> Result<Tensor> {
    check_probability(p)?;
    check_bernoulli(x.dtype())?;
    let t = x.empty_like()?;
    kernels::bernoulli(&t, p, generator(g));
    constant(t, "BernoulliBackward2", &[x])
}

// In place.

/// Fills `x` with numbers that depend on no gradient.
fn fill(x: &Tensor, node: &'static str, f: impl FnOnce(&Tensor) -> Result<()>) -> Result<Tensor> {
    inplace::write(x, node, &[x], f, |_| |_, g| grads![g.zeros_like()?])
}

fn uniform_(x: &Tensor, from: f64, to: f64, g: Option<&Generator>) -> Result<Tensor> {
    check_uniform(x.dtype(), from, to)?;
    fill(x, "UniformBackward0", |x| {
        kernels::uniform(x, from, to, generator(g));
        Ok(())
    })
}

fn normal_(x: &Tensor, mean: f64, std: f64, g: Option<&Generator>) -> Result<Tensor> {
    check_std(std)?;
    floats("normal_kernel_cpu", x.dtype())?;
    fill(x, "NormalBackward0", |x| {
        kernels::normal(x, mean, std, generator(g));
        Ok(())
    })
}

fn bernoulli_p_(x: &Tensor, p: f64, g: Option<&Generator>) -> Result<Tensor> {
    check_probability(p)?;
    check_bernoulli(x.dtype())?;
    fill(x, "BernoulliBackward2", |x| {
        kernels::bernoulli(x, p, generator(g));
        Ok(())
    })
}

fn bernoulli_tensor_(x: &Tensor, p: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    if !p.dtype().is_float() {
        return not_implemented_as("bernoulli_tensor_cpu_p_", p.dtype());
    }
    check_bernoulli(x.dtype())?;
    inplace::check_overlap(x, p)?;
    let shape: Vec<i64> = x.shape().iter().map(|&n| n as i64).collect();
    let p = super::view::expand(&p.detach(), &shape)?;
    let p = if inplace::may_overlap(x, &p) { super::copy::clone(&p, None)? } else { p };
    fill(x, "BernoulliBackward1", |x| kernels::bernoulli_tensor(x, &p, generator(g)))
}

fn random_(x: &Tensor, g: Option<&Generator>) -> Result<Tensor> {
    if x.dtype().is_complex() {
        return not_implemented("random_kernel", x.dtype());
    }
    fill(x, "RandomBackward2", |x| {
        kernels::random_full(x, generator(g));
        Ok(())
    })
}

fn random_range_(x: &Tensor, from: i64, to: Option<i64>, g: Option<&Generator>) -> Result<Tensor> {
    let range = kernels::int_range(x.dtype(), from, to)?;
    fill(x, "RandomBackward0", |x| {
        kernels::random(x, range, generator(g));
        Ok(())
    })
}

fn random_to_(x: &Tensor, to: i64, g: Option<&Generator>) -> Result<Tensor> {
    random_range_(x, 0, Some(to), g)
}

fn exponential_(x: &Tensor, rate: f64, g: Option<&Generator>) -> Result<Tensor> {
    if !x.dtype().is_float() {
        fail!(Runtime, torch: ("Exponential distribution is a continuous probability distribution. dtype must be a floating point but you specified {}", x.dtype().scalar_name()), expected: ("exponential_: expected a floating dtype"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    if !(rate > 0.0) {
        fail!(Runtime, torch: ("exponential_ expects lambda > 0.0, but found lambda={rate}"), expected: ("exponential_: expected a rate above 0"), got: ("{rate}"), fix: ("Pass the rate, 1 / mean."));
    }
    fill(x, "ExponentialBackward0", |x| {
        kernels::exponential(x, rate, generator(g));
        Ok(())
    })
}

fn cauchy_(x: &Tensor, median: f64, sigma: f64, g: Option<&Generator>) -> Result<Tensor> {
    if !(sigma > 0.0) {
        fail!(Runtime, torch: ("cauchy_ expects sigma > 0.0, but found sigma={sigma}"), expected: ("cauchy_: expected a sigma above 0"), got: ("{sigma}"), fix: ("Pass a positive width."));
    }
    if !x.dtype().is_float() {
        let cpp = x.dtype().c_name();
        fail!(Runtime, torch: ("Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you specified {cpp}"), expected: ("cauchy_: expected a floating dtype"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    fill(x, "CauchyBackward0", |x| {
        kernels::cauchy(x, median, sigma, generator(g));
        Ok(())
    })
}

fn geometric_(x: &Tensor, p: f64, g: Option<&Generator>) -> Result<Tensor> {
    if !(p > 0.0 && p < 1.0) {
        fail!(Runtime, torch: ("geometric_ expects p to be in (0, 1), but got p={p}"), expected: ("geometric_: expected a probability inside (0, 1)"), got: ("{p}"), fix: ("Pass the probability of success."));
    }
    if x.dtype() == DType::Bool || x.dtype().is_complex() {
        return not_implemented("geometric", x.dtype());
    }
    fill(x, "GeometricBackward0", |x| {
        kernels::geometric(x, p, generator(g));
        Ok(())
    })
}

fn log_normal_(x: &Tensor, mean: f64, std: f64, g: Option<&Generator>) -> Result<Tensor> {
    if !(std > 0.0) {
        fail!(Runtime, torch: ("log_normal_ expects std > 0.0, but found std={std}"), expected: ("log_normal_: expected a std above 0"), got: ("{std}"), fix: ("Pass the std of the logarithm."));
    }
    if !x.dtype().is_float() {
        return not_implemented("log_normal", x.dtype());
    }
    fill(x, "LogNormalBackward0", |x| {
        kernels::log_normal(x, mean, std, generator(g));
        Ok(())
    })
}

ops! {
    /// Uniform numbers from [0, 1), shaped like self.
    "rand_like(Tensor self, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => rand_like(0, 1, 2, 4, 6);
    /// Standard normal numbers, shaped like self.
    "randn_like(Tensor self, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => randn_like(0, 1, 2, 4, 6);
    /// Integers from `low` up to but without `high`, shaped like self.
    "randint_like(Tensor self, int low, int high, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => randint_like(0, 1, 2, 3, 4, 6, 8);
    /// 1 with probability `p`, else 0, shaped like self.
    "bernoulli(Tensor self, float p, *, Generator? generator=None) -> Tensor" [f m] => bernoulli_p(0, 1, 2);
    /// Fills self with uniform numbers from [from, to).
    "uniform_(Tensor self, float from=0, float to=1, *, Generator? generator=None) -> Tensor" [m] => uniform_(0, 1, 2, 3);
    /// Fills self with normal numbers.
    "normal_(Tensor self, float mean=0, float std=1, *, Generator? generator=None) -> Tensor" [m] => normal_(0, 1, 2, 3);
    /// Fills self with 1 where a draw falls below the probability of its place, else 0.
    "bernoulli_(Tensor self, Tensor p, *, Generator? generator=None) -> Tensor" [m] => bernoulli_tensor_(0, 1, 2);
    /// Fills self with 1 with probability `p`, else 0.
    "bernoulli_(Tensor self, float p=0.5, *, Generator? generator=None) -> Tensor" [m] => bernoulli_p_(0, 1, 2);
    /// Fills self with all values of its dtype (floats: integers that it holds).
    "random_(Tensor self, *, Generator? generator=None) -> Tensor" [m] => random_(0, 1);
    /// Fills self with integers from 0 up to but without `to`.
    "random_(Tensor self, int to, *, Generator? generator=None) -> Tensor" [m] => random_to_(0, 1, 2);
    /// Fills self with integers from `from` up to but without `to`.
    "random_(Tensor self, int from, int? to, *, Generator? generator=None) -> Tensor" [m] => random_range_(0, 1, 2, 3);
    /// Fills self with exponential numbers of rate `lambd`.
    "exponential_(Tensor self, float lambd=1, *, Generator? generator=None) -> Tensor" [m] => exponential_(0, 1, 2);
    /// Fills self with Cauchy numbers.
    "cauchy_(Tensor self, float median=0, float sigma=1, *, Generator? generator=None) -> Tensor" [m] => cauchy_(0, 1, 2, 3);
    /// Fills self with the number of trials up to the first success of probability `p`.
    "geometric_(Tensor self, float p, *, Generator? generator=None) -> Tensor" [m] => geometric_(0, 1, 2);
    /// Fills self with numbers whose logarithm is normal.
    "log_normal_(Tensor self, float mean=1, float std=2, *, Generator? generator=None) -> Tensor" [m] => log_normal_(0, 1, 2, 3);
    @
    /// Uniform numbers from [0, 1).
    "rand(int[] size, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| uniform(fresh(a, a.get(0)?, a.get(2)?, a.get(4)?, "rand", default_dtype())?, a.get(1)?);
    /// Standard normal numbers.
    "randn(int[] size, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| normal(fresh(a, a.get(0)?, a.get(2)?, a.get(4)?, "randn", default_dtype())?, 0.0, 1.0, a.get(1)?);
    /// Integers from 0 up to but without `high`.
    "randint(int high, int[] size, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| integers(fresh(a, a.get(1)?, a.get(3)?, a.get(5)?, "randint", DType::I64)?, 0, a.get(0)?, a.get(2)?);
    /// Integers from `low` up to but without `high`.
    "randint(int low, int high, int[] size, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| integers(fresh(a, a.get(2)?, a.get(4)?, a.get(6)?, "randint", DType::I64)?, a.get(0)?, a.get(1)?, a.get(3)?);
    /// Integers from 0 up to but without `high`, shaped like self.
    "randint_like(Tensor self, int high, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => |a| randint_like(a.get(0)?, 0, a.get(1)?, a.get(2)?, a.get(3)?, a.get(5)?, a.get(7)?);
    /// A random permutation of 0 to n - 1.
    "randperm(int n, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| randperm(fresh(a, &[a.get(0)?], a.get(2)?, a.get(4)?, "randperm", DType::I64)?, a.get(1)?);
    /// Normal numbers with means and standard deviations from tensors.
    "normal(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor" [f o] => |a| normal_by(Some(a.get(0)?), 0.0, Some(a.get(1)?), 1.0, a.get(2)?);
    /// Normal numbers with means from a tensor.
    "normal(Tensor mean, float std=1, *, Generator? generator=None) -> Tensor" [f o] => |a| normal_by(Some(a.get(0)?), 0.0, None, a.get(1)?, a.get(2)?);
    /// Normal numbers with standard deviations from a tensor.
    "normal(float mean, Tensor std, *, Generator? generator=None) -> Tensor" [f o] => |a| normal_by(None, a.get(0)?, Some(a.get(1)?), 1.0, a.get(2)?);
    /// Normal numbers.
    "normal(float mean, float std, int[] size, *, Generator? generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| normal(fresh(a, a.get(2)?, a.get(4)?, a.get(6)?, "normal", default_dtype())?, a.get(0)?, a.get(1)?, a.get(3)?);
    /// 1 with the probability that the element says, else 0.
    "bernoulli(Tensor self, *, Generator? generator=None) -> Tensor" [f m o] => |a| {
        let given = match a.dest() { Dest::Out(outs) => outs.first().map(Tensor::dtype), _ => None };
        bernoulli(a.get(0)?, a.get(1)?, given)
    };
}
