//! Distances between rows.

use crate::cpu::distance;
use crate::tensor::Tensor;

/// p-norm distances between the rows of the dense batches `x` (.., r1, m) and `y` (.., r2, m), into `out` (.., r1, r2).
pub fn cdist(x: &Tensor, y: &Tensor, p: f64, out: &Tensor) {
    if out.is_gpu() && out.numel() > 0 {
        return super::gpu::distance::cdist(x, y, p, out);
    }
    if !out.is_meta() && out.numel() > 0 {
        distance::cdist(&x.strided(), &y.strided(), p, &out.strided());
    }
}

/// Is there a kernel for the gradients of distances of this order?
pub fn has_gradient(x: &Tensor, p: f64) -> bool {
    !x.is_gpu() && (p == 1.0 || p == 2.0)
}

/// The gradient of [`cdist`] by `x`, from `g` and distances (.., r1, r2); or where those are `transposed`, (.., r2, r1),
/// by what was its second argument. All dense.
pub fn cdist_gradient(
    g: &Tensor,
    (x, y): (&Tensor, &Tensor),
    p: f64,
    distances: &Tensor,
    transposed: bool,
    dx: &Tensor,
) {
    assert!([g, x, y, distances, dx].iter().all(|t| t.is_contiguous() && t.dtype() == x.dtype()));
    let n = x.ndim();
    let batches: usize = x.shape()[..n - 2].iter().product();
    assert!(dx.shape() == x.shape() && y.size(n - 1) == x.size(n - 1) && g.numel() == distances.numel());
    assert!(
        y.numel() * x.size(n - 2) == x.numel() * y.size(n - 2) && g.numel() == batches * x.size(n - 2) * y.size(n - 2)
    );
    if !dx.is_meta() && dx.numel() > 0 {
        distance::cdist_gradient(
            &g.strided(),
            &x.strided(),
            &y.strided(),
            p,
            &distances.strided(),
            transposed,
            &dx.strided(),
        );
    }
}

fn check_triangle(x: &Tensor, triangle: &Tensor) {
    let n = x.size(0);
    assert!(x.ndim() == 2 && triangle.numel() == n * n.saturating_sub(1) / 2 && triangle.dtype() == x.dtype());
    assert!(x.is_contiguous() && triangle.is_contiguous());
}

/// p-norm distances between all pairs of the rows of the dense `x` (n, m): the strict upper triangle, row by row.
pub fn pdist(x: &Tensor, p: f64, out: &Tensor) {
    check_triangle(x, out);
    if !out.is_meta() && out.numel() > 0 {
        distance::pdist(&x.strided(), p, &out.strided());
    }
}

/// The gradient of [`pdist`].
pub fn pdist_gradient(g: &Tensor, x: &Tensor, p: f64, distances: &Tensor, dx: &Tensor) {
    check_triangle(x, g);
    check_triangle(dx, distances);
    assert!(x.shape() == dx.shape() && x.dtype() == dx.dtype());
    if !dx.is_meta() && dx.numel() > 0 {
        distance::pdist_gradient(&g.strided(), &x.strided(), p, &distances.strided(), &dx.strided());
    }
}

/// The cross product along a dim of extent 3 of tensors of one shape and dtype.
pub fn cross(x: &Tensor, y: &Tensor, dim: usize, out: &Tensor) {
    assert!(x.shape() == out.shape() && y.shape() == out.shape() && out.size(dim) == 3);
    if !out.is_meta() && out.numel() > 0 {
        crate::cpu::cross::cross(&x.strided(), &y.strided(), dim, &out.strided());
    }
}
