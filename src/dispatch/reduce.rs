//! Reductions. Outputs are dense; `kept` is their shape with the reduced dims put back as extent 1.

use super::gpu::statistics as gpu;
use crate::cpu::reduce;
use crate::tensor::layout::{Strides, contiguous_strides};
use crate::tensor::{DType, Strided, Tensor};

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
        return reduce_on_gpu(kind, x, out, kept, p);
    }
    if !idle(out) {
        reduce::reduce(kind, &x.strided(), &window(out, kept, &contiguous_strides(kept)), p);
    }
}

fn reduce_on_gpu(kind: Reduce, x: &Tensor, out: &Tensor, kept: &[usize], p: f64) {
    let integral = x.dtype().is_integral(true);
    match kind {
        Reduce::Norm if x.dtype().is_float() && ![0.0, 1.0, 2.0].contains(&p) && !p.is_infinite() => {
            gpu::norm(x, out, kept, p);
        }
        // Sums that fit 32 bits for sure have a faster kernel.
        Reduce::Sum
            if integral
                && (matches!(x.dtype(), DType::I32 | DType::I16)
                    || (x.dtype() != DType::I64 && out.dtype() != DType::I64))
                && out.dtype().is_integral(true) =>
        {
            gpu::whole(kind, x, out, kept);
        }
        Reduce::Prod if integral && x.dtype() != DType::I64 && out.dtype().is_integral(true) => {
            gpu::whole(kind, x, out, kept);
        }
        Reduce::Sum | Reduce::Mean | Reduce::Prod if integral && out.dtype().is_float() => {
            match super::empty(x.shape(), DType::F32, x.device()) {
                Ok(real) => {
                    super::copy(x, &real);
                    super::gpu::reduce(kind, &real, out, kept, p);
                }
                Err(e) => crate::error::stop(e),
            }
        }
        _ => super::gpu::reduce(kind, x, out, kept, p),
    }
}

/// Smallest and largest elements in one pass.
pub fn aminmax(x: &Tensor, min: &Tensor, max: &Tensor, kept: &[usize]) {
    if !idle(min) && min.is_gpu() {
        super::gpu::reduce(Reduce::Min, x, min, kept, 0.0);
        super::gpu::reduce(Reduce::Max, x, max, kept, 0.0);
    } else if !idle(min) {
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
    if indices.is_gpu() {
        return gpu::arg_reduce(kind, x, indices, values, kept);
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
    if var.is_gpu() {
        return gpu::var_mean(x, correction, root, var, mean, kept);
    }
    let s = contiguous_strides(kept);
    let mean = mean.map(|m| window(m, kept, &s));
    reduce::var_mean(&x.strided(), correction, root, Some(&window(var, kept, &s)), mean.as_ref());
}

/// log(sum(exp(x))) of a real floating tensor.
pub fn logsumexp(x: &Tensor, out: &Tensor, kept: &[usize]) {
    if !idle(out) && out.is_gpu() {
        gpu::logsumexp(x, out, kept);
    } else if !idle(out) {
        reduce::logsumexp(&x.strided(), &window(out, kept, &contiguous_strides(kept)));
    }
}
