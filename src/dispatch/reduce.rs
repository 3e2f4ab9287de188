//! Reductions. Outputs are dense; `kept` is their shape with the reduced dims put back as extent 1.

use crate::cpu::reduce;
use crate::tensor::layout::{Strides, contiguous_strides};
use crate::tensor::{Strided, Tensor};

pub use crate::cpu::reduce::{Extreme, Reduce};

fn window<'a>(out: &'a Tensor, kept: &'a [usize], strides: &'a Strides) -> Strided<'a> {
    Strided { ptr: out.ptr(), dtype: out.dtype(), shape: kept, strides }
}

fn idle(out: &Tensor) -> bool {
    out.is_meta() || out.numel() == 0
}

/// Reduces `x` into `out`. `p` is the order of a norm.
pub fn reduce(kind: Reduce, x: &Tensor, out: &Tensor, kept: &[usize], p: f64) {
    if !idle(out) && out.is_gpu() {
        return super::gpu::reduce(kind, x, out, kept, p);
    }
    if !idle(out) {
        reduce::reduce(kind, &x.strided(), &window(out, kept, &contiguous_strides(kept)), p);
    }
}

/// Smallest and largest elements in one pass.
pub fn aminmax(x: &Tensor, min: &Tensor, max: &Tensor, kept: &[usize]) {
    if !idle(min) {
        let s = contiguous_strides(kept);
        reduce::aminmax(&x.strided(), &window(min, kept, &s), &window(max, kept, &s));
    }
}

/// Where the first extreme element along `dim` (of the flattened tensor without `dim`) is, and its value.
pub fn arg_reduce(
    kind: Extreme,
    x: &Tensor,
    dim: Option<usize>,
    indices: &Tensor,
    values: Option<&Tensor>,
    kept: &[usize],
) {
    if idle(indices) {
        return;
    }
    let s = contiguous_strides(kept);
    let values = values.map(|v| window(v, kept, &s));
    reduce::arg_reduce(kind, &x.strided(), dim.filter(|_| x.ndim() > 0), &window(indices, kept, &s), values.as_ref());
}

/// Variance (its root if `root`) with divisor `n - correction`, and mean, of a real floating tensor.
pub fn var_mean(x: &Tensor, correction: f64, root: bool, var: &Tensor, mean: Option<&Tensor>, kept: &[usize]) {
    if idle(var) {
        return;
    }
    let s = contiguous_strides(kept);
    let mean = mean.map(|m| window(m, kept, &s));
    reduce::var_mean(&x.strided(), correction, root, Some(&window(var, kept, &s)), mean.as_ref());
}

/// log(sum(exp(x))) of a real floating tensor.
pub fn logsumexp(x: &Tensor, out: &Tensor, kept: &[usize]) {
    if !idle(out) {
        reduce::logsumexp(&x.strided(), &window(out, kept, &contiguous_strides(kept)));
    }
}
