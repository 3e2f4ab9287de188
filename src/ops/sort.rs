//! Sorting and selection by rank.

use super::extreme::{not_empty, record_selected, selection, share};
use super::helpers::not_implemented;
use super::kernel::in_order_of;
use crate::autograd::record;
use crate::dispatch::{self, sort::Rank};
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Tensor};

fn sortable(x: &Tensor) -> Result<()> {
    if x.dtype().is_complex() {
        fail!(Runtime, torch: (" Sort does not support complex dtypes on CPU"), expected: ("sort: expected real numbers"), got: ("{}", x.dtype().name()), fix: ("Sort by abs() or a part."));
    }
    Ok(())
}

/// Selections by rank are not defined for bool and complex tensors.
fn numbers(kernel: &str, x: &Tensor, with_bool: bool) -> Result<()> {
    if x.dtype().is_complex() || (x.dtype() == DType::Bool && !with_bool) {
        return not_implemented(kernel, x.dtype());
    }
    Ok(())
}

/// Sorts along a dim, stably; NaN is the largest.
pub fn sort(x: &Tensor, dim: i64, descending: bool) -> Result<(Tensor, Tensor)> {
    sortable(x)?;
    let d = x.wrap_dim(dim)?;
    let values = dispatch::empty(x.shape(), x.dtype(), x.device())?;
    let indices = dispatch::empty(x.shape(), DType::I64, x.device())?;
    dispatch::sort::sort(x, d, descending, Some(&values), Some(&indices));
    let (values, indices) = (in_order_of(values, x)?, in_order_of(indices, x)?);
    record_selected("SortBackward0", x, &values, &indices, d, true)?;
    Ok((values, indices))
}

// Every sort is stable, whatever is asked for.
fn sort_stable(x: &Tensor, _stable: Option<bool>, dim: i64, descending: bool) -> Result<(Tensor, Tensor)> {
    sort(x, dim, descending)
}

/// The indices that sort along a dim.
pub fn argsort(x: &Tensor, dim: i64, descending: bool) -> Result<Tensor> {
    sortable(x)?;
    let d = x.wrap_dim(dim)?;
    let indices = dispatch::empty(x.shape(), DType::I64, x.device())?;
    dispatch::sort::sort(x, d, descending, None, Some(&indices));
    in_order_of(indices, x)
}

fn argsort_stable(x: &Tensor, _stable: bool, dim: i64, descending: bool) -> Result<Tensor> {
    argsort(x, dim, descending)
}

fn msort(x: &Tensor) -> Result<Tensor> {
    Ok(sort(x, 0, false)?.0)
}

/// The `k` largest or smallest elements along a dim and where they are.
pub fn topk(x: &Tensor, k: i64, dim: i64, largest: bool, sorted: bool) -> Result<(Tensor, Tensor)> {
    let d = x.wrap_dim(dim)?;
    if k < 0 || k > x.size(d) as i64 {
        fail!(Runtime, torch: ("selected index k out of range"), expected: ("topk: expected k from 0 to {}", x.size(d)), got: ("{k}"), fix: ("Check the dim's size."));
    }
    if x.dtype().is_complex() || x.dtype() == DType::Bool {
        let kind = if x.dtype().is_complex() { "complex" } else { "bool" };
        fail!(Runtime, torch: ("topk does not support {kind} dtypes on CPU"), expected: ("topk: expected real numbers"), got: ("{}", x.dtype().name()), fix: ("Convert first."));
    }
    let mut shape = Shape::from_slice(x.shape());
    if let Some(n) = shape.get_mut(d) {
        *n = k as usize;
    }
    let values = dispatch::empty(&shape, x.dtype(), x.device())?;
    let indices = dispatch::empty(&shape, DType::I64, x.device())?;
    dispatch::sort::topk(x, d, (k as usize).max(usize::from(x.ndim() == 0)), largest, sorted, &values, &indices);
    record_selected("TopkBackward0", x, &values, &indices, d, true)?;
    Ok((values, indices))
}

fn ranked(node: &'static str, x: &Tensor, d: usize, rank: Rank, keepdim: bool) -> Result<(Tensor, Tensor)> {
    let (values, indices, kept) = selection(x, d, keepdim)?;
    dispatch::sort::select(x, Some(d), rank, &values, Some(&indices), &kept);
    record_selected(node, x, &values, &indices, d, keepdim)?;
    Ok((values, indices))
}

/// The k-th smallest element along a dim, counted from 1.
pub fn kthvalue(x: &Tensor, k: i64, dim: i64, keepdim: bool) -> Result<(Tensor, Tensor)> {
    let d = x.wrap_dim(dim)?;
    not_empty("kthvalue()", x, d)?;
    if k < 1 || k > x.size(d) as i64 {
        fail!(Runtime, torch: ("kthvalue(): selected number k out of range for dimension {d}"), expected: ("kthvalue: expected k from 1 to {}", x.size(d)), got: ("{k}"), fix: ("Ranks count from 1."));
    }
    numbers("kthvalue", x, false)?;
    ranked("KthvalueBackward0", x, d, Rank::Nth(k as usize - 1), keepdim)
}

fn median_of(name: &'static str, node: &'static str, rank: Rank, x: &Tensor) -> Result<Tensor> {
    numbers(name, x, false)?;
    let y = dispatch::empty(&[], x.dtype(), x.device())?;
    if x.numel() == 0 {
        // NaN, or for integers what the processor makes of it.
        let none = if x.dtype().is_float() { f64::NAN.into() } else { i64::MIN.into() };
        dispatch::fill(&y, none);
    }
    dispatch::sort::select(x, None, rank, &y, None, &[1]);
    let mask = super::helpers::dim_mask(x, &[], true)?;
    record(y, node, &[x], |s| {
        let (x, y) = (s.input(x), s.output(0));
        move |c, g| crate::grads![share(g, &c.get(x)?, &c.get(y)?, mask, false)?]
    })
}

fn median(x: &Tensor) -> Result<Tensor> {
    median_of("median", "MedianBackward0", Rank::Median, x)
}

fn nanmedian(x: &Tensor) -> Result<Tensor> {
    median_of("nanmedian", "NanmedianBackward0", Rank::NanMedian, x)
}

/// The lower median along a dim and where it is; NaN if there is one.
pub fn median_dim(x: &Tensor, dim: i64, keepdim: bool) -> Result<(Tensor, Tensor)> {
    numbers("median", x, false)?;
    let d = x.wrap_dim(dim)?;
    not_empty("median()", x, d)?;
    ranked("MedianBackward1", x, d, Rank::Median, keepdim)
}

fn nanmedian_dim(x: &Tensor, dim: i64, keepdim: bool) -> Result<(Tensor, Tensor)> {
    numbers("nanmedian", x, false)?;
    let d = x.wrap_dim(dim)?;
    not_empty("nanmedian()", x, d)?;
    ranked("NanmedianBackward1", x, d, Rank::NanMedian, keepdim)
}

/// The most frequent element along a dim, the smallest of those, and where it last occurs.
pub fn mode(x: &Tensor, dim: i64, keepdim: bool) -> Result<(Tensor, Tensor)> {
    numbers("mode", x, true)?;
    let d = x.wrap_dim(dim)?;
    not_empty("mode()", x, d)?;
    let (values, indices, kept) = selection(x, d, keepdim)?;
    dispatch::sort::mode(x, d, &values, &indices, &kept);
    record_selected("ModeBackward0", x, &values, &indices, d, keepdim)?;
    Ok((values, indices))
}

ops! {
    /// Sorts along a dim; NaN is the largest. Equal elements keep their order.
    "sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)" [f m o] => sort(0, 1, 2);
    /// Sorts along a dim; NaN is the largest. Equal elements keep their order.
    "sort(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)" [f m o] => sort_stable(0, 1, 2, 3);
    /// The indices that sort along a dim.
    "argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor" [f m] => argsort(0, 1, 2);
    /// The indices that sort along a dim.
    "argsort(Tensor self, *, bool stable, int dim=-1, bool descending=False) -> Tensor" [f m o] => argsort_stable(0, 1, 2, 3);
    /// The tensor sorted along its first dim.
    "msort(Tensor self) -> Tensor" [f m o] => msort(0);
    /// The k largest (or smallest) elements along a dim, best first, and their indices.
    "topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)" [f m o] => topk(0, 1, 2, 3, 4);
    /// The k-th smallest element along a dim, counted from 1, and its index.
    "kthvalue(Tensor self, int k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)" [f m o] => kthvalue(0, 1, 2, 3);
    /// The lower median of all elements; NaN if there is one.
    "median(Tensor self) -> Tensor" [f m] => median(0);
    /// The lower median along a dim, and its index.
    "median(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)" [f m o] => median_dim(0, 1, 2);
    /// The lower median of what is not NaN.
    "nanmedian(Tensor self) -> Tensor" [f m] => nanmedian(0);
    /// The lower median along a dim of what is not NaN, and its index.
    "nanmedian(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)" [f m o] => nanmedian_dim(0, 1, 2);
    /// The most frequent element along a dim, the smallest of those, and the index at which it last occurs.
    "mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)" [f m o] => mode(0, 1, 2);
}
