//! Random numbers: of each element they depend on the state of the generator and on the number of the element alone.

use super::dense::{dense, fill};
use super::layout::viewed;
use super::{Check, Launch, done};
use crate::cpu::random::IntRange;
use crate::dispatch::scan::Scan;
use crate::dispatch::{self, Fun, Params, empty};
use crate::error::Result;
use crate::tensor::layout::broadcast_strides;
use crate::tensor::philox::Philox;
use crate::tensor::{DType, Device, Generator, Scalar, Tensor};

fn halves(n: u64) -> [usize; 2] {
    [n as u32 as usize, (n >> 32) as usize]
}

fn bits(x: f64) -> usize {
    (x as f32).to_bits() as usize
}

/// The threshold of random words that a share `p` of them is below, and whether all are.
fn threshold(p: f64) -> [usize; 2] {
    let below = (p * 4_294_967_296.0).round() as u64;
    [below.min(u64::from(u32::MAX)) as usize, usize::from(below > u64::from(u32::MAX))]
}

/// A function that compares results of a dtype.
fn comparable(dtype: DType) -> &'static str {
    match dtype {
        DType::F16 => "bits_f16",
        DType::BF16 => "bits_bf16",
        _ => "bits_f32",
    }
}

fn place(call: Launch<'_>, n: usize, at: Philox) -> Launch<'_> {
    call.word(n).words(halves(at.block)).words([0, 0]).words(halves(at.seed))
}

/// Four numbers a block by an expression of the shader.
fn four(out: &Tensor, values: &'static str, params: [usize; 2], g: &Generator) {
    let (n, whole) = (out.numel(), !out.dtype().is_float());
    let at = g.draw(n.div_ceil(4));
    done(fill(out, if whole { DType::I32 } else { DType::F32 }, |to| {
        let call = Launch::new("random").when("WHOLE", whole).text("VALUES", values);
        place(call.text("BITS", comparable(out.dtype())).write(to), n, at)
            .words(params)
            .words([0, 0])
            .over(n.div_ceil(4))
    }));
}

/// Uniform elements of `[from, to)`.
pub fn uniform(out: &Tensor, from: f64, to: f64, g: &Generator) {
    four(out, "uniform(w)", [bits(from), bits(to)], g);
}

/// Normal elements.
pub fn normal(out: &Tensor, mean: f64, std: f64, g: &Generator) {
    four(out, "normal(w)", [bits(mean), bits(std)], g);
}

/// Exponentials of normal elements.
pub fn log_normal(out: &Tensor, mean: f64, std: f64, g: &Generator) {
    four(out, "log_normal(w)", [bits(mean), bits(std)], g);
}

/// Exponential elements with a rate.
pub fn exponential(out: &Tensor, rate: f64, g: &Generator) {
    four(out, "exponential(w)", [bits(1.0 / rate), 0], g);
}

/// Cauchy elements.
pub fn cauchy(out: &Tensor, median: f64, sigma: f64, g: &Generator) {
    four(out, "cauchy(w)", [bits(median), bits(sigma)], g);
}

/// Geometric elements.
pub fn geometric(out: &Tensor, p: f64, g: &Generator) {
    four(out, "geometric(w)", [bits(1.0 / (-p).ln_1p()), 0], g);
}

/// 1 with probability `p`, else 0.
pub fn bernoulli(out: &Tensor, p: f64, g: &Generator) {
    four(out, "bernoulli(w)", threshold(p), g);
}

/// A tensor under the shape of `out`, to which it broadcasts.
fn spread(t: &Tensor, out: &Tensor) -> Tensor {
    viewed(t, t.offset(), out.shape(), &broadcast_strides(t.shape(), t.strides(), out.shape()))
}

/// 1 with the probability that `p`, broadcast, has at the element's place, else 0.
pub fn bernoulli_tensor(out: &Tensor, p: &Tensor, g: &Generator) -> Result<()> {
    let p = dense(&spread(p, out), DType::F32)?;
    let (n, whole) = (out.numel(), !out.dtype().is_float());
    let at = g.draw(n.div_ceil(4));
    fill(out, if whole { DType::I32 } else { DType::F32 }, |to| {
        let call = Launch::new("random").when("EACH", true).when("WHOLE", whole).text("VALUES", "flips(w, i)");
        let call = call.text("BITS", "bits_f32").read(&p).write(to).checks(Check::Probability);
        place(call, n, at).words([0; 4]).over(n.div_ceil(4))
    })
}

/// Integers of a range.
pub fn random(out: &Tensor, range: IntRange, g: &Generator) {
    let (count, base) = match range {
        IntRange::Count { count, base } => (count, base),
        IntRange::All => (0, 0),
    };
    let n = out.numel();
    let at = g.draw(n.div_ceil(2));
    done(fill(out, DType::I64, |to| {
        let call = Launch::new("random").when("RANGE", true).text("BITS", "bits_f32").write(to);
        place(call, n, at).words(halves(count)).words(halves(base as u64)).over(n.div_ceil(2))
    }));
}

/// All values of an integer dtype that are not negative, or the integers that a float dtype holds.
pub fn random_full(out: &Tensor, g: &Generator) {
    let count = match out.dtype() {
        DType::Bool => 2,
        DType::U8 => 1 << 8,
        DType::I8 => 1 << 7,
        DType::I16 => 1 << 15,
        DType::I32 => 1 << 31,
        DType::I64 => 1 << 63,
        DType::F16 => (1 << 11) + 1,
        DType::BF16 => (1 << 8) + 1,
        _ => (1 << 24) + 1,
    };
    random(out, IntRange::Count { count, base: 0 }, g);
}

/// A permutation of `0..n`: where random words come when they are sorted.
pub fn randperm(out: &Tensor, g: &Generator) {
    let n = out.numel();
    let at = g.draw(n.div_ceil(4));
    done((|| {
        let keys = super::super::empty(&[n], DType::I32, Device::Gpu)?;
        let call = Launch::new("random").when("RAW", true).text("BITS", "bits_f32").write(&keys);
        place(call, n, at).words([0; 4]).over(n.div_ceil(4))?;
        super::sort::sort(&keys, 0, false, None, Some(out))
    })());
}

/// Dropout of `x` into `y`, and the mask of what stays. The last two are fresh and lie in memory alike.
pub fn dropout(x: &Tensor, y: &Tensor, keep: &Tensor, p: f64, g: &Generator) {
    let n = y.numel();
    let at = g.draw(n.div_ceil(4));
    done((|| {
        let alike = x.strides() == y.strides();
        let source = if alike {
            x.clone()
        } else {
            let t = super::super::empty_strided(y.shape(), y.strides(), y.dtype(), Device::Gpu)?;
            super::super::copy(x, &t);
            t
        };
        let store = comparable(y.dtype());
        Launch::new("dropout")
            .when("HALF", y.dtype().is_half())
            .text("STORE", store)
            .load("LOAD", y.dtype(), "f32", "x")
            .read(&source)
            .write(y)
            .write(keep)
            .word(n)
            .words(halves(at.block))
            .words(halves(at.seed))
            .words(threshold(1.0 - p))
            .float(1.0 / (1.0 - p))
            .over(n.div_ceil(4))
    })());
}

/// See [`crate::dispatch::activation::rrelu`].
pub fn rrelu(x: &Tensor, y: &Tensor, noise: &Tensor, (lower, upper): (f64, f64), g: &Generator) {
    uniform(noise, lower, upper, g);
    done((|| {
        let one = dispatch::scalar(Scalar::Float(1.0), DType::F32, Device::Cpu)?;
        let run = |fun, ins: &[&Tensor], out| super::pointwise(fun, y.dtype(), ins, out, &Params::default());
        run(Fun::Prelu, &[x, noise], y);
        // 1 where x is positive.
        run(Fun::PreluBackward, &[&one, x, noise], noise);
        Ok(())
    })());
}

/// Indices drawn by weight with replacement, for each row of weights.
pub fn multinomial(p: &Tensor, out: &Tensor, g: &Generator) -> Result<()> {
    let n = out.numel();
    let last = p.ndim() - 1;
    let weights = dense(p, DType::F32)?;
    let check = Launch::new("multinomial").when("CHECK", true).read(&weights).checks(Check::Weights);
    check.word(weights.numel()).over(weights.numel())?;
    let sums = super::super::empty(p.shape(), DType::F32, Device::Gpu)?;
    super::scan::scan(Scan::Sum, &weights, &sums, last, false)?;
    let at = g.draw(n.div_ceil(4));
    fill(out, DType::I64, |to| {
        Launch::new("multinomial")
            .read(&weights)
            .read(&sums)
            .write(to)
            .checks(Check::Weights)
            .words([n, out.size(last), p.size(last)])
            .words(halves(at.block))
            .words(halves(at.seed))
            .over(n.div_ceil(4))
    })
}

/// Samples whose parameters broadcast to `out`, by an expression of the shader.
fn sampled(sample: &'static str, x: &Tensor, y: Option<&Tensor>, out: &Tensor, g: &Generator) -> Result<()> {
    let n = out.numel();
    let parameter = |t: &Tensor| dense(&spread(t, out), DType::F32);
    let (x, y) = (parameter(x)?, y.map(parameter).transpose()?);
    let at = g.draw(n);
    let checked = sample.starts_with("poisson");
    fill(out, DType::F32, |to| {
        let call = Launch::new("rejection").when("TWO", y.is_some()).when("CHECKED", checked).text("SAMPLE", sample);
        let call = call.read(&x).read_some(y.as_ref()).write(to);
        let call = if checked { call.checks(Check::Rates) } else { call };
        call.word(n).words(halves(at.block)).words(halves(at.seed)).over(n)
    })
}

/// Poisson samples with the rates of a tensor.
pub fn poisson(rate: &Tensor, out: &Tensor, g: &Generator) -> Result<()> {
    sampled("poisson(x[params.x + i], i)", rate, None, out, g)
}

/// Binomial samples.
pub fn binomial(count: &Tensor, p: &Tensor, out: &Tensor, g: &Generator) {
    done(sampled("binomial(x[params.x + i], y[params.y + i], i)", count, Some(p), out, g));
}

/// Standard gamma samples with the shape parameters of a tensor.
pub fn standard_gamma(alpha: &Tensor, out: &Tensor, g: &Generator) {
    done(sampled("gamma(x[params.x + i], i)", alpha, None, out, g));
}

/// Dirichlet samples along the last dim, inside (0, 1): the softmax of the logarithms of gamma samples, which do not
/// underflow where the samples do.
pub fn dirichlet(alpha: &Tensor, out: &Tensor, g: &Generator) {
    let run = || {
        let [logs, shares] = [(); 2].map(|()| empty(alpha.shape(), DType::F32, Device::Gpu));
        let (logs, shares, last) = (logs?, shares?, alpha.shape().last().copied().unwrap_or(1).max(1));
        sampled("log_gamma_sample(x[params.x + i], i)", alpha, None, &logs, g)?;
        super::softmax::forward(&logs, &shares, (alpha.numel() / last, last, 1), false);
        let inside = Params::floats([f64::from(f32::MIN_POSITIVE), f64::from(1f32.next_down())]);
        dispatch::pointwise(Fun::Clamp, DType::F32, &[&shares], out, &inside);
        Ok(())
    };
    done(run());
}
