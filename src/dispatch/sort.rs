//! Sorting, selection, searching and counting. No input is complex unless said so.

use crate::cpu::sort;
use crate::error::{Result, stop};
use crate::tensor::layout::contiguous_strides;
use crate::tensor::{DType, Strided, Tensor};

pub use crate::cpu::sort::Rank;

/// Stable sort along `dim` into values and int64 indices (either may be left out).
pub fn sort(x: &Tensor, dim: usize, descending: bool, values: Option<&Tensor>, indices: Option<&Tensor>) {
    if x.is_gpu() && x.numel() > 0 {
        return super::gpu::sort::sort(x, dim, descending, values, indices).unwrap_or_else(|e| stop(e));
    }
    if !x.is_meta() && x.numel() > 0 {
        sort::sort(
            &x.strided(),
            dim,
            descending,
            values.map(Tensor::strided).as_ref(),
            indices.map(Tensor::strided).as_ref(),
        );
    }
}

/// The `k` largest or smallest elements along `dim`.
pub fn topk(x: &Tensor, dim: usize, k: usize, largest: bool, sorted: bool, values: &Tensor, indices: &Tensor) {
    if x.is_gpu() && values.numel() > 0 {
        return super::gpu::sort::topk(x, dim, k, largest, values, indices);
    }
    if !x.is_meta() && values.numel() > 0 {
        sort::topk(&x.strided(), dim, k, largest, sorted, &values.strided(), &indices.strided());
    }
}

/// The element of a rank along `dim`, or of the flattened tensor. Outputs are dense, `kept` their shape with `dim`.
pub fn select(x: &Tensor, dim: Option<usize>, rank: Rank, values: &Tensor, indices: Option<&Tensor>, kept: &[usize]) {
    if x.is_meta() || values.numel() == 0 {
        return;
    }
    if x.is_gpu() {
        return super::gpu::sort::select(x, dim, rank, values, indices);
    }
    let s = contiguous_strides(kept);
    let window = |t: &Tensor| Strided { ptr: t.ptr(), dtype: t.dtype(), shape: kept, strides: &s };
    sort::select(&x.strided(), dim.filter(|_| x.ndim() > 0), rank, &window(values), indices.map(window).as_ref());
}

/// The most frequent element along `dim`, the smallest of those, and where it occurs last. Outputs as for [`select`].
pub fn mode(x: &Tensor, dim: usize, values: &Tensor, indices: &Tensor, kept: &[usize]) {
    if x.is_meta() || values.numel() == 0 {
        return;
    }
    if x.is_gpu() {
        return super::gpu::sort::mode(x, dim, values, indices);
    }
    let s = contiguous_strides(kept);
    let window = |t: &Tensor| Strided { ptr: t.ptr(), dtype: t.dtype(), shape: kept, strides: &s };
    sort::mode(&x.strided(), dim, &window(values), &window(indices));
}

/// Where values would be inserted into sorted sequences.
pub fn searchsorted(sorted: &Tensor, values: &Tensor, out: &Tensor, right: bool, sorter: Option<&Tensor>) {
    if out.is_gpu() && out.numel() > 0 {
        return super::gpu::sort::searchsorted(sorted, values, out, right, sorter);
    }
    if !out.is_meta() && out.numel() > 0 {
        sort::searchsorted(
            &sorted.strided(),
            &values.strided(),
            &out.strided(),
            right,
            sorter.map(Tensor::strided).as_ref(),
        );
    }
}

/// How often each integer occurs, or the sum of its weights.
pub fn bincount(x: &Tensor, weights: Option<&Tensor>, out: &Tensor) {
    if out.is_gpu() && out.numel() > 0 {
        return super::gpu::sort::bincount(x, weights, out);
    }
    if !out.is_meta() && out.numel() > 0 {
        sort::bincount(&x.strided(), weights.map(Tensor::strided).as_ref(), &out.strided());
    }
}

/// Counts in equal bins from `low` to `high`.
pub fn histc(x: &Tensor, low: f64, high: f64, out: &Tensor) {
    if out.is_gpu() {
        return super::gpu::sort::histc(x, low, high, out);
    }
    if !out.is_meta() {
        sort::histc(&x.strided(), low, high, &out.strided());
    }
}

/// Distinct elements, or slices along the first dim, of a tensor.
pub struct Distinct {
    /// The place of the first of each in the input's logical order.
    pub first: Tensor,
    /// For each input element, which of the distinct ones it is.
    pub inverse: Tensor,
    /// How often each occurs.
    pub counts: Tensor,
}

fn int64(values: Vec<i64>) -> Result<Tensor> {
    let t = super::empty(&[values.len()], DType::I64, crate::tensor::Device::Cpu)?;
    // SAFETY: the fresh tensor holds `values.len()` dense int64 elements.
    unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), t.ptr().cast::<i64>(), values.len()) };
    Ok(t)
}

/// How many elements are distinct depends on them.
fn check_data(x: &Tensor) -> Result<()> {
    if x.is_meta() {
        crate::fail!(NotImplemented, expected: ("unique: expected data"), got: ("a meta tensor"), fix: ("Make it on the CPU."));
    }
    Ok(())
}

/// Distinct elements of the flattened `x`: sorted, or (`consecutive`, any dtype) the first of each run.
pub fn unique(x: &Tensor, consecutive: bool, inverse: bool, counts: bool) -> Result<(Tensor, Tensor, Tensor)> {
    check_data(x)?;
    if x.is_gpu() {
        return super::gpu::sort::unique(x, consecutive, inverse, counts);
    }
    let found = if consecutive {
        sort::unique_consecutive(&x.strided(), inverse, counts)
    } else {
        sort::unique(&x.strided(), inverse, counts)
    };
    let values = super::empty(&[found.len], x.dtype(), x.device())?;
    // SAFETY: `values` holds `len` dense elements of the dtype whose bytes the kernel gave.
    unsafe { std::ptr::copy_nonoverlapping(found.values.as_ptr(), values.ptr(), found.values.len()) };
    Ok((values, int64(found.inverse)?, int64(found.counts)?))
}

/// Distinct rows of the 2-d `x`: in lexicographic order, or (`consecutive`) the first of each run.
pub fn unique_rows(x: &Tensor, consecutive: bool) -> Result<Distinct> {
    check_data(x)?;
    if x.is_gpu() {
        let (first, inverse, counts) = super::gpu::sort::unique_rows(x, consecutive)?;
        return Ok(Distinct { first, inverse, counts });
    }
    let found = sort::unique_rows(&x.strided(), consecutive);
    Ok(Distinct { first: int64(found.first)?, inverse: int64(found.inverse)?, counts: int64(found.counts)? })
}
