//! Pooling of contiguous planes, f32 or f64; indices are int64.

use super::gpu::pool as gpu;
use super::with_float;
use crate::cpu::pool;
use crate::tensor::{Scalar, Tensor};

pub use super::gpu::pool::Windows;
pub use crate::cpu::pool::{Divisor, Fractional, Pool, pooled_size};

/// Extents of the planes before and after: depth, height, width.
pub type Extents = ([usize; 3], [usize; 3]);

fn idle(t: &Tensor) -> bool {
    t.is_meta() || t.numel() == 0
}

/// The largest value of every window, and where it is.
pub fn max(x: &Tensor, y: &Tensor, index: Option<&Tensor>, planes: usize, p: &Pool) {
    if idle(y) {
        return;
    }
    if y.is_gpu() {
        return gpu::max(x, y, index, Windows::Fixed(p));
    }
    let index = index.map_or(std::ptr::null_mut(), |i| i.ptr().cast());
    with_float!(y.dtype(), F => {
        // SAFETY: contiguous planes as the geometry says; outputs are fresh.
        unsafe { pool::max_pool_forward::<F>(x.ptr().cast(), (y.ptr().cast(), index), planes, p) }
    });
}

/// Adds every element of `g` to the element of its plane of `dx` that its index names; planes of `n` and `m` elements.
/// The windows say where indices may lie.
pub fn max_backward(g: &Tensor, index: &Tensor, dx: &Tensor, planes: usize, (n, m): (usize, usize), windows: Windows) {
    if idle(dx) {
        return;
    }
    if dx.is_gpu() {
        if g.numel() == 0 {
            return super::fill(dx, Scalar::Int(0));
        }
        return gpu::max_backward(g, index, dx, windows);
    }
    with_float!(dx.dtype(), F => {
        // SAFETY: as above.
        unsafe { pool::max_pool_backward::<F>(g.ptr().cast(), index.ptr().cast(), dx.ptr().cast(), planes, (n, m)) }
    });
}

/// The average of every window.
pub fn avg(x: &Tensor, y: &Tensor, planes: usize, p: &Pool, divisor: Divisor) {
    if idle(y) {
        return;
    }
    if y.is_gpu() {
        return gpu::avg(x, y, Windows::Fixed(p), divisor, false);
    }
    with_float!(y.dtype(), F => {
        // SAFETY: as above.
        unsafe { pool::avg_pool_forward::<F>(x.ptr().cast(), y.ptr().cast(), planes, p, divisor) }
    });
}

/// The gradient of [`avg`].
pub fn avg_backward(g: &Tensor, dx: &Tensor, planes: usize, p: &Pool, divisor: Divisor) {
    if idle(dx) {
        return;
    }
    if dx.is_gpu() {
        if g.numel() == 0 {
            return super::fill(dx, Scalar::Int(0));
        }
        return gpu::avg(g, dx, Windows::Fixed(p), divisor, true);
    }
    with_float!(dx.dtype(), F => {
        // SAFETY: as above.
        unsafe { pool::avg_pool_backward::<F>(g.ptr().cast(), dx.ptr().cast(), planes, p, divisor) }
    });
}

/// The average of every adaptive window.
pub fn adaptive_avg(x: &Tensor, y: &Tensor, planes: usize, extents: Extents) {
    if idle(y) {
        return;
    }
    if y.is_gpu() {
        return gpu::avg(x, y, Windows::Adaptive(extents), Divisor::Inside, false);
    }
    with_float!(y.dtype(), F => {
        // SAFETY: as above.
        unsafe { pool::adaptive_avg_pool_forward::<F>(x.ptr().cast(), y.ptr().cast(), planes, extents) }
    });
}

/// The gradient of [`adaptive_avg`].
pub fn adaptive_avg_backward(g: &Tensor, dx: &Tensor, planes: usize, extents: Extents) {
    if idle(dx) {
        return;
    }
    if dx.is_gpu() {
        if g.numel() == 0 {
            return super::fill(dx, Scalar::Int(0));
        }
        return gpu::avg(g, dx, Windows::Adaptive(extents), Divisor::Inside, true);
    }
    with_float!(dx.dtype(), F => {
        // SAFETY: as above.
        unsafe { pool::adaptive_avg_pool_backward::<F>(g.ptr().cast(), dx.ptr().cast(), planes, extents) }
    });
}

/// The largest value of every adaptive window, and where it is.
pub fn adaptive_max(x: &Tensor, y: &Tensor, index: &Tensor, planes: usize, extents: Extents) {
    if idle(y) {
        return;
    }
    if y.is_gpu() {
        return gpu::max(x, y, Some(index), Windows::Adaptive(extents));
    }
    with_float!(y.dtype(), F => {
        // SAFETY: as above.
        unsafe { pool::adaptive_max_pool_forward::<F>(x.ptr().cast(), (y.ptr().cast(), index.ptr().cast()), planes, extents) }
    });
}

/// The largest value of windows at places that `samples` (planes, dims) choose, f32 or f64, and where it is. On the CPU
/// alone: the GPU composes it of operations.
pub fn fractional_max(x: &Tensor, samples: &Tensor, y: &Tensor, index: &Tensor, planes: usize, p: &Fractional) {
    if idle(y) {
        return;
    }
    let dims = samples.size(1);
    assert!(samples.is_contiguous() && samples.size(0) >= planes && (1..=3).contains(&dims));
    assert!((0..3).all(|d| p.kernel[d] <= p.input[d]));
    let starts = with_float!(samples.dtype(), F => {
        // SAFETY: samples for every plane, as checked.
        unsafe { pool::fractional_starts::<F>(samples.ptr().cast(), dims, planes, p) }
    });
    with_float!(y.dtype(), F => {
        let out = (y.ptr().cast(), index.ptr().cast());
        // SAFETY: contiguous planes as the geometry says; outputs are fresh.
        unsafe { pool::fractional_max_pool::<F>(x.ptr().cast(), &starts, out, planes, p) }
    });
}
