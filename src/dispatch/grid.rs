//! Reading contiguous images, f32 or f64, at places of a grid. On the CPU alone: the GPU composes it of operations.

use super::with_float;
use crate::cpu::affine::{self, Affine};
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

/// Coordinates that affine maps make grids of: x, y and, for volumes, z; contiguous, of one dtype.
#[derive(Clone)]
pub struct Coordinates(pub smallvec::SmallVec<[Tensor; 3]>);

impl Coordinates {
    fn check(&self, theta: &Tensor, grid: &Tensor) -> Affine {
        let dims = self.0.len();
        let mut size = [1; 3];
        for (n, line) in size.iter_mut().zip(&self.0) {
            assert!(line.is_contiguous() && line.dtype() == grid.dtype());
            *n = line.numel();
        }
        let n = theta.size(0);
        assert!((2..=3).contains(&dims) && theta.shape() == [n, dims, dims + 1]);
        assert!(grid.numel() == n * dims * size.iter().product::<usize>());
        assert!(theta.is_contiguous() && grid.is_contiguous() && theta.dtype() == grid.dtype());
        Affine { n, dims, size }
    }

    fn lines<F>(&self) -> [*const F; 3] {
        std::array::from_fn(|d| self.0.get(d).map_or(std::ptr::null(), |line| line.ptr().cast_const().cast()))
    }
}

/// The grids of affine maps.
pub fn affine(theta: &Tensor, of: &Coordinates, grid: &Tensor) {
    let p = of.check(theta, grid);
    if !grid.is_meta() && grid.numel() > 0 {
        with_float!(grid.dtype(), F => {
            // SAFETY: contiguous operands of the sizes of `p`, as checked; the grid is fresh.
            unsafe { affine::grid::<F>(theta.ptr().cast(), of.lines(), grid.ptr().cast(), &p) }
        });
    }
}

/// The gradient of [`affine`] by the maps.
pub fn affine_gradient(g: &Tensor, of: &Coordinates, dtheta: &Tensor) {
    let p = of.check(dtheta, g);
    if !dtheta.is_meta() && dtheta.numel() > 0 {
        with_float!(dtheta.dtype(), F => {
            // SAFETY: as above.
            unsafe { affine::gradient::<F>(g.ptr().cast(), of.lines(), dtheta.ptr().cast(), &p) }
        });
    }
}
