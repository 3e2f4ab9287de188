//! Normalisations. Tensors are contiguous, of one dtype, f32 or f64, and shaped as the kernels say.

use super::gpu::norm::{self as gpu, Shape};
use super::with_float;
use crate::cpu::norm::{self, BatchGrads, BatchStats};
use crate::error::Result;
use crate::tensor::Tensor;

fn ptr<F>(t: Option<&Tensor>) -> *mut F {
    t.map_or(std::ptr::null_mut(), |t| t.ptr().cast())
}

fn at<F>(t: &Tensor) -> *mut F {
    t.ptr().cast()
}

/// Scale and shift, both optional.
pub type Affine<'a> = (Option<&'a Tensor>, Option<&'a Tensor>);
/// Gradients that are wanted: of the input, the scale and the shift.
pub type Wanted<'a> = (Option<&'a Tensor>, Option<&'a Tensor>, Option<&'a Tensor>);

/// Layer norm of `rows` rows of `n`; `mean` and `rstd` receive the statistics.
pub fn layer(
    x: &Tensor,
    (gamma, beta): Affine,
    y: &Tensor,
    (mean, rstd): (&Tensor, &Tensor),
    dims: (usize, usize),
    eps: f64,
) {
    if y.is_meta() {
        return;
    }
    if y.is_gpu() {
        return gpu::forward(x, (gamma, beta), y, (Some(mean), rstd), Shape::layer(dims), eps);
    }
    with_float!(y.dtype(), F => {
        // SAFETY: contiguous tensors of F of the sizes in `dims`; outputs are fresh.
        unsafe { norm::layer_norm_forward::<F>(at(x), (ptr(gamma), ptr(beta)), at(y), (at(mean), at(rstd)), dims, eps) }
    });
}

/// The gradients of [`layer`].
pub fn layer_backward(
    g: &Tensor,
    x: &Tensor,
    (mean, rstd): (&Tensor, &Tensor),
    gamma: Option<&Tensor>,
    (dx, dgamma, dbeta): Wanted,
    dims: (usize, usize),
) -> Result<()> {
    if x.is_meta() {
        return Ok(());
    }
    if x.is_gpu() {
        return gpu::backward(g, x, (Some(mean), rstd), gamma, (dx, dgamma, dbeta), Shape::layer(dims));
    }
    with_float!(x.dtype(), F => {
        // SAFETY: as above.
        unsafe { norm::layer_norm_backward::<F>((at(g), at(x)), (at(mean), at(rstd)), ptr(gamma), (ptr(dx), ptr(dgamma), ptr(dbeta)), dims) }
    })
}

/// RMS norm of `rows` rows of `n`; `rstd` receives the factors.
pub fn rms(x: &Tensor, gamma: Option<&Tensor>, y: &Tensor, rstd: &Tensor, dims: (usize, usize), eps: f64) {
    if y.is_meta() {
        return;
    }
    if y.is_gpu() {
        return gpu::forward(x, (gamma, None), y, (None, rstd), Shape::layer(dims), eps);
    }
    with_float!(y.dtype(), F => {
        // SAFETY: as above.
        unsafe { norm::rms_norm_forward::<F>(at(x), ptr(gamma), at(y), at(rstd), dims, eps) }
    });
}

/// The gradients of [`rms`].
pub fn rms_backward(
    g: &Tensor,
    x: &Tensor,
    rstd: &Tensor,
    gamma: Option<&Tensor>,
    (dx, dgamma): (Option<&Tensor>, Option<&Tensor>),
    dims: (usize, usize),
) -> Result<()> {
    if x.is_meta() {
        return Ok(());
    }
    if x.is_gpu() {
        return gpu::backward(g, x, (None, rstd), gamma, (dx, dgamma, None), Shape::layer(dims));
    }
    with_float!(x.dtype(), F => {
        // SAFETY: as above.
        unsafe { norm::rms_norm_backward::<F>((at(g), at(x)), at(rstd), ptr(gamma), (ptr(dx), ptr(dgamma)), dims) }
    })
}

/// Group norm on (n, c, s).
pub fn group(
    x: &Tensor,
    (gamma, beta): Affine,
    y: &Tensor,
    (mean, rstd): (&Tensor, &Tensor),
    dims: (usize, usize, usize),
    groups: usize,
    eps: f64,
) {
    if y.is_meta() {
        return;
    }
    if y.is_gpu() {
        return gpu::forward(x, (gamma, beta), y, (Some(mean), rstd), Shape::group(dims, groups), eps);
    }
    with_float!(y.dtype(), F => {
        // SAFETY: as above.
        unsafe { norm::group_norm_forward::<F>(at(x), (ptr(gamma), ptr(beta)), at(y), (at(mean), at(rstd)), dims, groups, eps) }
    });
}

/// The gradients of [`group`].
pub fn group_backward(
    g: &Tensor,
    x: &Tensor,
    (mean, rstd): (&Tensor, &Tensor),
    gamma: Option<&Tensor>,
    (dx, dgamma, dbeta): Wanted,
    dims: (usize, usize, usize),
    groups: usize,
) -> Result<()> {
    if x.is_meta() {
        return Ok(());
    }
    if x.is_gpu() {
        return gpu::backward(g, x, (Some(mean), rstd), gamma, (dx, dgamma, dbeta), Shape::group(dims, groups));
    }
    with_float!(x.dtype(), F => {
        // SAFETY: as above.
        unsafe { norm::group_norm_backward::<F>((at(g), at(x)), (at(mean), at(rstd)), ptr(gamma), (ptr(dx), ptr(dgamma), ptr(dbeta)), dims, groups) }
    })
}

/// Mean, 1 / sqrt(var + eps) and the unbiased variance of every channel of (n, c, s).
pub fn batch_stats(
    x: &Tensor,
    (mean, rstd, unbiased): (&Tensor, &Tensor, Option<&Tensor>),
    dims: (usize, usize, usize),
    eps: f64,
) -> Result<()> {
    if x.is_meta() {
        return Ok(());
    }
    if x.is_gpu() {
        return gpu::batch_stats(x, (mean, rstd, unbiased), dims, eps);
    }
    with_float!(x.dtype(), F => {
        let out = BatchStats::<F> { mean: at(mean), rstd: at(rstd), biased: std::ptr::null_mut(), unbiased: ptr(unbiased) };
        // SAFETY: as above.
        unsafe { norm::batch_norm_stats(at(x), out, dims, eps) }
    })
}

/// `rstd = 1 / sqrt(var + eps)`.
pub fn batch_rstd(var: &Tensor, rstd: &Tensor, eps: f64) {
    if var.is_meta() {
        return;
    }
    if var.is_gpu() {
        return gpu::batch_rstd(var, rstd, eps);
    }
    with_float!(var.dtype(), F => {
        // SAFETY: as above.
        unsafe { norm::batch_norm_rstd::<F>(at(var), at(rstd), var.numel(), eps) }
    });
}

/// `y = (x - mean) * rstd * gamma + beta` per channel of (n, c, s).
pub fn batch_apply(
    x: &Tensor,
    (mean, rstd): (&Tensor, &Tensor),
    (gamma, beta): Affine,
    y: &Tensor,
    dims: (usize, usize, usize),
) -> Result<()> {
    if y.is_meta() {
        return Ok(());
    }
    if y.is_gpu() {
        return gpu::batch_apply(x, (mean, rstd), (gamma, beta), y, dims);
    }
    with_float!(y.dtype(), F => {
        // SAFETY: as above.
        unsafe { norm::batch_norm_apply::<F>(at(x), (at(mean), at(rstd)), (ptr(gamma), ptr(beta)), at(y), dims) }
    })
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
    if x.is_meta() {
        return Ok(());
    }
    if x.is_gpu() {
        return gpu::batch_backward(g, x, (mean, rstd), gamma, (dx, dgamma, dbeta), dims, train);
    }
    with_float!(x.dtype(), F => {
        let out = BatchGrads::<F> { dx: ptr(dx), dgamma: ptr(dgamma), dbeta: ptr(dbeta) };
        // SAFETY: as above.
        unsafe { norm::batch_norm_backward((at(g), at(x)), (at(mean), at(rstd)), ptr(gamma), out, dims, train) }
    })
}

/// Rows of `v` with lengths `g`, and the lengths they had. On the CPU alone: the GPU composes it of operations.
pub fn weight(v: &Tensor, g: &Tensor, y: &Tensor, length: &Tensor, dims: (usize, usize)) {
    if y.is_meta() {
        return;
    }
    with_float!(y.dtype(), F => {
        // SAFETY: contiguous tensors of F of the sizes in `dims`; outputs are fresh.
        unsafe { norm::weight_norm_forward::<F>((at(v), at(g)), (at(y), at(length)), dims) }
    });
}

/// The gradients of [`weight`] by `v` and `g`.
pub fn weight_backward(
    h: &Tensor,
    (v, g, length): (&Tensor, &Tensor, &Tensor),
    (dv, dg): (&Tensor, &Tensor),
    dims: (usize, usize),
) {
    if dv.is_meta() {
        return;
    }
    with_float!(dv.dtype(), F => {
        // SAFETY: as above.
        unsafe { norm::weight_norm_backward::<F>(at(h), (at(v), at(g), at(length)), (at(dv), at(dg)), dims) }
    });
}
