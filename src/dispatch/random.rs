//! Random numbers into tensors. Meta tensors draw nothing.

use crate::cpu::random;
use crate::error::Result;
use crate::tensor::{Generator, Strided, Tensor};

pub use crate::cpu::random::int_range;

fn idle(out: &Tensor) -> bool {
    out.is_meta() || out.numel() == 0
}

macro_rules! fills {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*);)*) => { $(
        $(#[$doc])*
        pub fn $name(out: &Tensor, $($arg: $ty,)* g: &Generator) {
            if !idle(out) {
                random::$name(&out.strided(), $($arg,)* g);
            }
        }
    )* };
}
fills! {
    /// Uniform in `[from, to)`.
    uniform(from: f64, to: f64);
    /// Normal.
    normal(mean: f64, std: f64);
    /// `exp` of a normal.
    log_normal(mean: f64, std: f64);
    /// Exponential.
    exponential(rate: f64);
    /// Cauchy.
    cauchy(median: f64, sigma: f64);
    /// Geometric.
    geometric(p: f64);
    /// Integers of a range.
    random(range: random::IntRange);
    /// All values of the dtype.
    random_full();
    /// 1 with probability p.
    bernoulli(p: f64);
}

/// A permutation of `0..n`.
pub fn randperm(out: &Tensor, g: &Generator) {
    if !idle(out) {
        random::randperm(&out.strided(), g);
    }
}

/// 1 with the probability of each element of `p`, which broadcasts to `out`.
pub fn bernoulli_tensor(out: &Tensor, p: &Tensor, g: &Generator) -> Result<()> {
    if idle(out) {
        return Ok(());
    }
    let strides = crate::tensor::layout::broadcast_strides(p.shape(), p.strides(), out.shape());
    random::bernoulli_tensor(
        &out.strided(),
        &Strided { ptr: p.ptr(), dtype: p.dtype(), shape: out.shape(), strides: &strides },
        g,
    )
}

/// `y = x * noise` with noise of 0 or `1 / (1 - p)`; `keep` is where it is not 0.
pub fn dropout(x: &Tensor, y: &Tensor, keep: &Tensor, p: f64, g: &Generator) {
    if !idle(y) {
        random::dropout(&x.strided(), &y.strided(), &keep.strided(), p, g);
    }
}

/// Indices drawn with replacement by weight.
pub fn multinomial(p: &Tensor, out: &Tensor, g: &Generator) -> Result<()> {
    if idle(out) { Ok(()) } else { random::multinomial_with_replacement(&p.strided(), &out.strided(), g) }
}

/// Poisson samples.
pub fn poisson(rate: &Tensor, out: &Tensor, g: &Generator) -> Result<()> {
    if idle(out) { Ok(()) } else { random::poisson(&rate.strided(), &out.strided(), g) }
}

/// Slopes of randomised leaky ReLU, and its result.
pub fn rrelu(x: &Tensor, y: &Tensor, noise: &Tensor, lower: f64, upper: f64, g: &Generator) {
    if !idle(y) {
        random::rrelu(&x.strided(), &y.strided(), &noise.strided(), lower, upper, g);
    }
}
