//! Resampling of contiguous f32 or f64 tensors along one dim.

use super::with_float;
use crate::cpu::resample;
use crate::tensor::Tensor;

pub use crate::cpu::resample::Table;

/// Applies a table to `dim`; `y` has its extent after.
pub fn resample(x: &Tensor, y: &Tensor, dim: usize, table: &Table) {
    if y.is_meta() || y.numel() == 0 {
        return;
    }
    assert!(
        table.extents() == (x.shape()[dim], y.shape()[dim])
            && x.shape()[..dim] == y.shape()[..dim]
            && x.shape()[dim + 1..] == y.shape()[dim + 1..]
    );
    let (outer, inner) = (x.shape()[..dim].iter().product(), x.shape()[dim + 1..].iter().product());
    if y.is_gpu() {
        return super::gpu::resample::resample(x, y, (outer, inner), table);
    }
    with_float!(y.dtype(), F => {
        // SAFETY: contiguous tensors of the table's extents; `y` is fresh.
        unsafe { resample::resample::<F>(x.ptr().cast(), y.ptr().cast(), (outer, inner), table) }
    });
}
