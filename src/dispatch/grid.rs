//! Reading contiguous images, f32 or f64, at places of a grid. On the CPU alone: the GPU composes it of operations.

use super::with_float;
use crate::cpu::grid;
use crate::tensor::Tensor;

pub use crate::cpu::grid::{Outside, Sampler};

/// Is there a kernel for it?
pub fn has_kernel(x: &Tensor, s: &Sampler) -> bool {
    !x.is_gpu() && s.input.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).is_some_and(|n| n <= i32::MAX as usize)
}

fn check(x: &Tensor, g: &Tensor, y: &Tensor, s: &Sampler) {
    let plane: usize = s.input.iter().product();
    assert!(x.numel() == s.n * s.channels * plane && plane > 0 && g.numel() == s.n * s.places * s.dims);
    assert!(y.numel() == s.n * s.channels * s.places && [x, g, y].iter().all(|t| t.is_contiguous()));
}

/// What all channels of `x` have at the places of `g`.
pub fn sample(x: &Tensor, g: &Tensor, y: &Tensor, s: &Sampler) {
    check(x, g, y, s);
    if !y.is_meta() && y.numel() > 0 {
        with_float!(y.dtype(), F => {
            // SAFETY: contiguous operands of the sampler's sizes, as checked; `y` is fresh.
            unsafe { grid::sample::<F>(x.ptr().cast(), g.ptr().cast(), y.ptr().cast(), s) }
        });
    }
}

/// The gradient of [`sample`] by the image.
pub fn image_gradient(dy: &Tensor, g: &Tensor, dx: &Tensor, s: &Sampler) {
    check(dx, g, dy, s);
    if !dx.is_meta() && dx.numel() > 0 {
        with_float!(dx.dtype(), F => {
            // SAFETY: as above.
            unsafe { grid::image_gradient::<F>(dy.ptr().cast(), g.ptr().cast(), dx.ptr().cast(), s) }
        });
    }
}

/// The gradient of [`sample`] by the grid, if it is no reading of the nearest elements.
pub fn grid_gradient(dy: &Tensor, x: &Tensor, g: &Tensor, dg: &Tensor, s: &Sampler) {
    check(x, g, dy, s);
    assert!(dg.shape() == g.shape() && dg.is_contiguous() && !s.nearest);
    if !dg.is_meta() && dg.numel() > 0 {
        with_float!(dg.dtype(), F => {
            // SAFETY: as above.
            unsafe {
                grid::grid_gradient::<F>(dy.ptr().cast(), x.ptr().cast(), g.ptr().cast(), dg.ptr().cast(), s)
            }
        });
    }
}
