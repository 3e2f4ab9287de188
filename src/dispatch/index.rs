//! Gathers and scatters. Indices are int64 tensors that operations have checked with [`out_of_bounds`].

use crate::cpu::index;
pub use crate::cpu::index::Scatter;
use crate::tensor::{Strided, Tensor};
use smallvec::SmallVec;

fn views(indices: &[Option<Tensor>]) -> SmallVec<[Option<Strided<'_>>; 5]> {
    indices.iter().map(|i| i.as_ref().map(Tensor::strided)).collect()
}

/// The first index outside of `0..size`, or of `-size..size` if `negative`.
pub fn out_of_bounds(i: &Tensor, size: usize, negative: bool) -> Option<i64> {
    if i.is_meta() { None } else { index::check_bounds(&i.strided(), size, negative) }
}

/// `out = x[indices]`; index tensors have one common shape.
pub fn index(x: &Tensor, indices: &[Option<Tensor>], out: &Tensor) {
    if !out.is_meta() && out.numel() > 0 {
        index::index(&x.strided(), &views(indices), &out.strided());
    }
}

/// `out[indices] = values` or `+=`; `values` has the shape of `out[indices]`.
pub fn index_put(out: &Tensor, indices: &[Option<Tensor>], values: &Tensor, accumulate: bool) {
    if !out.is_meta() && values.numel() > 0 {
        index::index_put(&out.strided(), &views(indices), &values.strided(), accumulate);
    }
}

/// Where a mask holds: one row of int64 indices per true element. `allocate` gets the number of rows.
pub fn nonzero<E>(x: &Tensor, allocate: impl FnOnce(usize) -> Result<Tensor, E>) -> Result<Tensor, E> {
    let mask = index::Mask::new(&x.strided());
    let out = allocate(mask.total())?;
    if out.numel() > 0 {
        index::nonzero(&x.strided(), &mask, &out.strided());
    }
    Ok(out)
}

/// `out[i] = x[i with dim replaced by index[i]]`; indices are within bounds.
pub fn gather(x: &Tensor, dim: usize, index: &Tensor, out: &Tensor) {
    if !out.is_meta() && out.numel() > 0 {
        index::gather(&x.strided(), dim, &index.strided(), &out.strided());
    }
}

/// `out[i with dim replaced by index[i]] op= src[i]`; indices are within bounds.
pub fn scatter(out: &Tensor, dim: usize, index: &Tensor, src: &Tensor, op: Scatter, include_self: bool) {
    if !out.is_meta() && index.numel() > 0 {
        index::scatter(&out.strided(), dim, &index.strided(), &src.strided(), op, include_self);
    }
}
