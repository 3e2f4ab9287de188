//! Random fillers. Operations have checked dtypes and parameters; draws follow the output's memory order.

use crate::cpu::random;
use crate::error::Result;
use crate::tensor::layout::broadcast_strides;
use crate::tensor::{Generator, Strided, Tensor};

pub use crate::cpu::random::{IntRange, int_range};

fn skip(t: &Tensor) -> bool {
    t.is_meta() || t.numel() == 0
}

/// Runs a kernel with `t` seen under the shape of `out`.
fn like<R>(t: &Tensor, out: &Tensor, f: impl FnOnce(&Strided<'_>) -> R) -> R {
    let strides = broadcast_strides(t.shape(), t.strides(), out.shape());
    f(&Strided { ptr: t.ptr(), dtype: t.dtype(), shape: out.shape(), strides: &strides })
}

macro_rules! fillers {
    ($($(#[$doc:meta])+ $name:ident($($p:ident: $t:ty),*);)+) => { $(
        $(#[$doc])+
        pub fn $name(out: &Tensor, $($p: $t,)* g: &Generator) {
            if skip(out) {
            } else if out.is_gpu() {
                super::gpu::random::$name(out, $($p,)* g);
            } else {
                random::$name(&out.strided(), $($p,)* g);
            }
        }
    )+ };
}
fillers! {
    /// Uniform elements of `[from, to)`.
    uniform(from: f64, to: f64);
    /// Normal elements.
    normal(mean: f64, std: f64);
    /// Exponentials of normal elements.
    log_normal(mean: f64, std: f64);
    /// Exponential elements with a rate.
    exponential(rate: f64);
    /// Cauchy elements.
    cauchy(median: f64, sigma: f64);
    /// Geometric elements.
    geometric(p: f64);
    /// 1 with probability `p`, else 0.
    bernoulli(p: f64);
    /// Integers of a range.
    random(range: IntRange);
    /// All values of an integer dtype, or the integers that a float dtype holds.
    random_full();
    /// A permutation of `0..n`.
    randperm();
}

/// 1 with the probability that `p`, broadcast, has at the element's place, else 0.
pub fn bernoulli_tensor(out: &Tensor, p: &Tensor, g: &Generator) -> Result<()> {
    if out.is_gpu() && !skip(out) {
        return super::gpu::random::bernoulli_tensor(out, p, g);
    }
    if skip(out) || p.is_meta() { Ok(()) } else { like(p, out, |p| random::bernoulli_tensor(&out.strided(), p, g)) }
}

/// Dropout of `x` into `y`, and the mask of what stays; all with the strides of `empty_like(x)` but for `x`.
pub fn dropout(x: &Tensor, y: &Tensor, keep: &Tensor, p: f64, g: &Generator) {
    if !skip(y) && y.is_gpu() {
        return super::gpu::random::dropout(x, y, keep, p, g);
    }
    if !skip(y) {
        random::dropout(&x.strided(), &y.strided(), &keep.strided(), p, g);
    }
}

/// `n_sample` indices for each row of weights, drawn with replacement.
pub fn multinomial(p: &Tensor, out: &Tensor, g: &Generator) -> Result<()> {
    if out.is_gpu() && !skip(out) {
        return super::gpu::random::multinomial(p, out, g);
    }
    if skip(out) { Ok(()) } else { random::multinomial_with_replacement(&p.strided(), &out.strided(), g) }
}

/// Poisson samples with the rates of a tensor of the same shape.
pub fn poisson(rate: &Tensor, out: &Tensor, g: &Generator) -> Result<()> {
    if out.is_gpu() && !skip(out) {
        return super::gpu::random::poisson(rate, out, g);
    }
    if skip(out) { Ok(()) } else { random::poisson(&rate.strided(), &out.strided(), g) }
}

/// Binomial samples; counts and probabilities broadcast to the output.
pub fn binomial(count: &Tensor, p: &Tensor, out: &Tensor, g: &Generator) {
    if out.is_gpu() && !skip(out) {
        return super::gpu::random::binomial(count, p, out, g);
    }
    if !skip(out) && !super::any_meta(&[count, p]) {
        like(count, out, |n| like(p, out, |p| random::binomial(n, p, &out.strided(), g)));
    }
}

/// Standard gamma samples with the shape parameters of a tensor of the same shape.
pub fn standard_gamma(alpha: &Tensor, out: &Tensor, g: &Generator) {
    if out.is_gpu() && !skip(out) {
        return super::gpu::random::standard_gamma(alpha, out, g);
    }
    if !skip(out) {
        random::standard_gamma(&alpha.strided(), &out.strided(), g);
    }
}

/// Dirichlet samples along the last dim of a tensor on the GPU, inside (0, 1).
pub fn dirichlet_on_gpu(alpha: &Tensor, out: &Tensor, g: &Generator) {
    if !skip(out) {
        super::gpu::random::dirichlet(alpha, out, g);
    }
}

/// Gamma samples over their sums along the last dim, inside (0, 1).
pub fn dirichlet_normalize(gamma: &Tensor, sum: &Tensor, out: &Tensor) {
    if !skip(out) {
        like(sum, out, |s| random::dirichlet_normalize(&gamma.strided(), s, &out.strided()));
    }
}
