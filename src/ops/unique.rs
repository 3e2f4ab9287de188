//! Distinct elements and slices.

use super::helpers::not_implemented;
use super::view;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::schema::Ret;
use crate::tensor::{DType, Tensor};

/// What is asked for beside the values.
#[derive(Clone, Copy)]
struct Extra {
    inverse: bool,
    counts: bool,
}

fn results(values: Tensor, inverse: Tensor, counts: Tensor, e: Extra) -> Ret {
    match (e.inverse, e.counts) {
        (false, false) => Ret::Tensor(values),
        (true, false) => Ret::Tuple(vec![values, inverse]),
        (false, true) => Ret::Tuple(vec![values, counts]),
        (true, true) => Ret::Tuple(vec![values, inverse, counts]),
    }
}

fn data_dependent(x: &Tensor) -> Result<()> {
    if x.is_meta() {
        fail!(NotImplemented, torch: ("aten::_unique2: attempted to run this operator with Meta tensors, but its result's shape depends on data."), expected: ("unique: expected data"), got: ("a meta tensor"), fix: ("Make it on the CPU."));
    }
    Ok(())
}

fn all_elements(x: &Tensor, consecutive: bool, e: Extra) -> Result<(Tensor, Tensor, Tensor)> {
    if x.dtype().is_complex() {
        fail!(NotImplemented, torch: ("\"unique\" not implemented for '{}'", x.dtype().scalar_name()), expected: ("unique: expected real numbers"), got: ("{}", x.dtype().name()), fix: ("Compare the parts."));
    }
    data_dependent(x)?;
    let (values, inverse, counts) = dispatch::sort::unique(x, consecutive, e.inverse, e.counts)?;
    let inverse = if e.inverse { inverse.reshape_to(x.shape())? } else { inverse };
    Ok((values, inverse, counts))
}

/// Distinct slices along a dim.
fn slices(x: &Tensor, dim: i64, consecutive: bool) -> Result<(Tensor, Tensor, Tensor)> {
    if x.ndim() == 0 {
        fail!(Index, torch: ("Dimension specified as {dim} but tensor has no dimensions"), expected: ("unique: expected a dim to take slices along"), got: ("a 0-d tensor"), fix: ("Leave dim out."));
    }
    let d = x.wrap_dim(dim)?;
    if x.dtype().is_complex() {
        return not_implemented("unique_dim", x.dtype());
    }
    data_dependent(x)?;
    if x.size(d) == 0 && x.shape().iter().filter(|&&n| n == 0).count() == 1 {
        let none = dispatch::empty(&[0], DType::I64, x.device())?;
        return Ok((dispatch::empty(x.shape(), x.dtype(), x.device())?, none.clone(), none));
    }
    if x.numel() == 0 {
        fail!(Runtime, torch: ("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"), expected: ("unique: expected slices with elements"), got: ("shape {:?}", x.shape()), fix: ("Check the shape first."));
    }
    let front = view::movedim(&x.detach(), &[d as i64], &[0])?;
    let rows = front.reshape_to(&[x.size(d), x.numel() / x.size(d)])?;
    let found = dispatch::sort::unique_rows(&rows, consecutive)?;
    let mut list: Vec<Option<Tensor>> = vec![None; x.ndim()];
    list[d] = Some(found.first);
    let values = super::index::index(&x.detach(), &list)?;
    Ok((values, found.inverse, found.counts))
}

fn unique(x: &Tensor, _sorted: bool, inverse: bool, counts: bool, dim: Option<i64>) -> Result<Ret> {
    let e = Extra { inverse, counts };
    let (v, i, c) = match dim {
        Some(d) => slices(x, d, false)?,
        None => all_elements(x, false, e)?,
    };
    Ok(results(v, i, c, e))
}

fn unique_consecutive(x: &Tensor, inverse: bool, counts: bool, dim: Option<i64>) -> Result<Ret> {
    let e = Extra { inverse, counts };
    let (v, i, c) = match dim {
        Some(d) => slices(x, d, true)?,
        None => all_elements(x, true, e)?,
    };
    Ok(results(v, i, c, e))
}

fn unique2(x: &Tensor, _sorted: bool, inverse: bool, counts: bool) -> Result<(Tensor, Tensor, Tensor)> {
    all_elements(x, false, Extra { inverse, counts })
}

fn unique_dim(x: &Tensor, dim: i64, _sorted: bool, _inverse: bool, _counts: bool) -> Result<(Tensor, Tensor, Tensor)> {
    slices(x, dim, false)
}

ops! {
    /// Distinct elements in ascending order (with `dim`, distinct slices), and on demand which of them each element is
    /// and how often each occurs.
    "unique(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False, int? dim=None) -> Tensor" [f m] => unique(0, 1, 2, 3, 4);
    /// The first of each run of equal elements (with `dim`, of equal slices).
    "unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, int? dim=None) -> Tensor" [f m] => unique_consecutive(0, 1, 2, 3);
    /// Distinct elements, which of them each element is, and how often each occurs.
    "_unique2(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> (Tensor, Tensor, Tensor)" [f] => unique2(0, 1, 2, 3);
    /// Distinct slices along a dim, which of them each slice is, and how often each occurs.
    "unique_dim(Tensor self, int dim, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> (Tensor, Tensor, Tensor)" [f] => unique_dim(0, 1, 2, 3, 4);
}
