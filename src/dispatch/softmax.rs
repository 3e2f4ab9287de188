//! Softmax over the middle of (outer, dim, inner). Tensors are contiguous, of one dtype, f32 or f64.

use super::with_float;
use crate::cpu::softmax;
use crate::tensor::Tensor;

/// The softmax of `x`, or its logarithm.
pub fn forward(x: &Tensor, y: &Tensor, dims: (usize, usize, usize), log: bool) {
    if y.is_meta() || y.numel() == 0 {
        return;
    }
    if y.is_gpu() {
        return super::gpu::softmax::forward(x, y, dims, log);
    }
    with_float!(y.dtype(), F => {
        // SAFETY: contiguous tensors of F with the product of `dims` elements; `y` is fresh.
        unsafe { softmax::softmax_forward::<F>(x.ptr().cast(), y.ptr().cast(), dims, log) }
    });
}

/// The gradient of [`forward`] from its output and the output's gradient.
pub fn backward(g: &Tensor, y: &Tensor, dx: &Tensor, dims: (usize, usize, usize), log: bool) {
    if dx.is_meta() || dx.numel() == 0 {
        return;
    }
    if dx.is_gpu() {
        return super::gpu::softmax::backward(g, y, dx, dims, log);
    }
    with_float!(dx.dtype(), F => {
        // SAFETY: contiguous tensors of F with the product of `dims` elements; `dx` is fresh.
        unsafe { softmax::softmax_backward::<F>(g.ptr().cast(), y.ptr().cast(), dx.ptr().cast(), dims, log) }
    });
}
