//! Tensors side by side, and index patterns that shapes are made of.

use crate::cpu::{create, join, pointwise};
use crate::tensor::{Strided, Tensor};
use smallvec::SmallVec;

/// Writes tensors one after the other along `dim` of `out`, which has their dtype or one that they are cast to.
/// `lead`: each source lacks `dim`, along which it has an extent of 1.
pub fn join(xs: &[&Tensor], dim: usize, lead: bool, out: &Tensor) {
    if out.is_meta() || out.numel() == 0 {
        return;
    }
    if out.is_gpu() {
        return super::gpu::join::join(xs, dim, lead, out);
    }
    let extent = |x: &Tensor| if lead { 1 } else { x.size(dim) };
    let outer: usize = out.shape()[..dim].iter().product();
    let plain = out.is_contiguous() && xs.iter().all(|x| x.is_contiguous() && x.dtype() == out.dtype());
    if plain && outer > 1 {
        let inner: usize = out.shape()[dim + 1..].iter().product::<usize>() * out.dtype().size();
        let sources: Vec<join::Rows> =
            xs.iter().map(|x| join::Rows { ptr: x.ptr(), bytes: extent(x) * inner }).collect();
        return join::rows(&sources, out.ptr(), outer);
    }
    let mut at = 0;
    let mut shape: SmallVec<[usize; 8]> = out.shape().into();
    for x in xs {
        let n = extent(x);
        shape[dim] = n;
        let mut strides: SmallVec<[isize; 8]> = x.strides().into();
        if lead {
            strides.insert(dim, 0);
        }
        let offset = at as isize * out.strides()[dim] * out.dtype().size() as isize;
        if x.numel() > 0 {
            let from = Strided { ptr: x.ptr(), dtype: x.dtype(), shape: &shape, strides: &strides };
            pointwise::copy(
                &from,
                &Strided {
                    ptr: out.ptr().wrapping_offset(offset),
                    dtype: out.dtype(),
                    shape: &shape,
                    strides: out.strides(),
                },
            );
        }
        at += n;
    }
}

/// The sum of counts (usize::MAX if it does not fit), or None if one is negative.
pub fn total(counts: &Tensor) -> Option<usize> {
    if counts.is_gpu() {
        return super::gpu::join::total(counts);
    }
    create::total(&counts.strided())
}

/// Writes `k` `counts[k]` times, for all `k` in order.
pub fn spread(counts: &Tensor, out: &Tensor) {
    if out.is_meta() || out.numel() == 0 {
    } else if out.is_gpu() {
        super::gpu::join::spread(counts, out);
    } else {
        create::spread(&counts.strided(), &out.strided());
    }
}

/// How many elements a triangle of a matrix has.
pub fn triangle_size(rows: usize, cols: usize, diagonal: i64, upper: bool) -> usize {
    // Row r of a lower triangle has r + 1 + diagonal columns, as far as there are any.
    let lower = |rows: i128, cols: i128, diagonal: i128| {
        let first = (-diagonal).clamp(0, rows);
        let full = (cols - diagonal).clamp(first, rows);
        let n = full - first;
        n * (first + diagonal + 1).max(0) + n * (n - 1) / 2 + (rows - full) * cols
    };
    let (r, c, d) = (rows as i128, cols as i128, diagonal as i128);
    let n = if upper { r * c - lower(r, c, d - 1) } else { lower(r, c, d) };
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// Rows and columns of a triangle of a matrix, as the two rows of `out`.
pub fn triangle_indices(out: &Tensor, rows: usize, cols: usize, diagonal: i64, upper: bool) {
    if out.is_gpu() {
        super::gpu::create::by_way_of_cpu(out, |t| triangle_indices(t, rows, cols, diagonal, upper));
    } else if !out.is_meta() {
        create::triangle_indices(&out.strided(), rows, cols, diagonal, upper);
    }
}
