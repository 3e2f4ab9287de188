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
