//! Scans: what runs along a dim, forwards or backwards.

use crate::cpu::{recur, scan};
use crate::tensor::layout::Strides;
use crate::tensor::{Strided, Tensor};

pub use crate::cpu::scan::Scan;

/// The same elements with `dim` read from its end.
fn reversed<'a>(t: &'a Tensor, dim: usize, strides: &'a mut Strides) -> Strided<'a> {
    strides.clear();
    strides.extend_from_slice(t.strides());
    let mut ptr = t.ptr();
    if let Some(s) = strides.get_mut(dim) {
        ptr = ptr.wrapping_offset((t.size(dim) as isize - 1) * *s * t.dtype().size() as isize);
        *s = -*s;
    }
    Strided { ptr, dtype: t.dtype(), shape: t.shape(), strides }
}

/// Scans `x` along `dim` into `out` of the same shape, from the end if `reverse`.
pub fn scan(kind: Scan, x: &Tensor, out: &Tensor, dim: usize, reverse: bool) {
    if out.is_meta() || out.numel() == 0 {
        return;
    }
    if out.is_gpu() {
        return super::gpu::scan::scan(kind, x, out, dim, reverse).unwrap_or_else(|e| crate::error::stop(e));
    }
    if !reverse {
        return scan::scan(kind, &x.strided(), &out.strided(), dim);
    }
    let (mut a, mut b) = (Strides::new(), Strides::new());
    scan::scan(kind, &reversed(x, dim, &mut a), &reversed(out, dim, &mut b), dim);
}

/// Running maximum or minimum along `dim` and where it is.
pub fn scan_extreme(max: bool, x: &Tensor, values: &Tensor, indices: &Tensor, dim: usize) {
    if values.is_gpu() && values.numel() > 0 {
        return super::gpu::scan::scan_extreme(max, x, values, indices, dim);
    }
    if !values.is_meta() && values.numel() > 0 {
        scan::scan_extreme(max, &x.strided(), &values.strided(), &indices.strided(), dim);
    }
}

/// `out[k] = b[k] + a[k] * out[k - 1]` along `dim`, from the end if `reverse`. All four have one shape and dtype.
pub fn recur(a: &Tensor, b: &Tensor, out: &Tensor, dim: usize, reverse: bool) {
    if out.is_meta() || out.numel() == 0 {
        return;
    }
    if out.is_gpu() {
        return super::gpu::scan::recur(a, b, out, dim, reverse);
    }
    if !reverse {
        return recur::recur(&a.strided(), &b.strided(), &out.strided(), dim);
    }
    let (mut s, mut t, mut u) = (Strides::new(), Strides::new(), Strides::new());
    recur::recur(&reversed(a, dim, &mut s), &reversed(b, dim, &mut t), &reversed(out, dim, &mut u), dim);
}
