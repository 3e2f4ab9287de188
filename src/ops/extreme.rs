//! Smallest and largest elements, and where they are.

use super::along::put_selected;
use super::arith::{MAXIMUM, MINIMUM};
use super::helpers::{dim_mask, not_implemented, reduced_shape, restore_dims};
use super::pointwise::binary;
use super::reduce::{allocate, run, spread};
use crate::autograd::{record, record_many};
use crate::dispatch::{
    self,
    reduce::{Extreme, Reduce},
};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Tensor};

/// Complex numbers have no order.
pub fn ordered(kernel: &str, x: &Tensor) -> Result<()> {
    if x.dtype().is_complex() {
        return not_implemented(kernel, x.dtype());
    }
    Ok(())
}

/// A dim whose extreme element is wanted must have elements.
pub fn not_empty(name: &str, x: &Tensor, dim: usize) -> Result<()> {
    if x.size(dim) == 0 {
        fail!(Index, torch: ("{name}: Expected reduction dim {dim} to have non-zero size."), expected: ("{name}: expected elements along dim {dim}"), got: ("shape {:?}", x.shape()), fix: ("Check the shape first."));
    }
    Ok(())
}

fn unnamed_dim<T>(name: &str) -> Result<T> {
    fail!(Runtime, torch: ("{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."),
        expected: ("{name}: expected elements"), got: ("an empty tensor"), fix: ("Give the dim, or check numel() first."))
}

/// The gradient of one value chosen from all elements: shared evenly by those that equal it.
pub fn share(g: &Tensor, x: &Tensor, value: &Tensor, mask: u64, keepdim: bool) -> Result<Tensor> {
    let value = restore_dims(value, x.shape(), mask, keepdim)?;
    let winners = x.eq(&value)?.logical_or(&x.isnan()?.logical_and(&value.isnan()?)?)?;
    let dims: smallvec::SmallVec<[i64; 6]> = (0..x.ndim()).filter(|d| mask >> d & 1 != 0).map(|d| d as i64).collect();
    let count = super::reduce::sum(&winners, Some(&dims), true, None)?;
    spread(g, x.shape(), mask, keepdim)?.mul(&winners)?.div(&count)
}

fn extreme_all(name: &'static str, kind: Reduce, x: &Tensor) -> Result<Tensor> {
    ordered(if kind == Reduce::Max { "max_all" } else { "min_all" }, x)?;
    if x.numel() == 0 {
        return unnamed_dim(if kind == Reduce::Max { "max" } else { "min" });
    }
    evenly(name, kind, x, dim_mask(x, &[], true)?, false)
}

/// A minimum or maximum whose ties share the gradient.
fn evenly(name: &'static str, kind: Reduce, x: &Tensor, mask: u64, keepdim: bool) -> Result<Tensor> {
    let y = run(kind, x, mask, keepdim, x.dtype(), 0.0)?;
    record(y, name, &[x], |s| {
        let (x, y) = (s.input(x), s.output(0));
        move |c, g| grads![share(g, &c.get(x)?, &c.get(y)?, mask, keepdim)?]
    })
}

fn max_all(x: &Tensor) -> Result<Tensor> {
    extreme_all("MaxBackward1", Reduce::Max, x)
}

fn min_all(x: &Tensor) -> Result<Tensor> {
    extreme_all("MinBackward1", Reduce::Min, x)
}

fn reduced(
    name: &'static str,
    node: &'static str,
    kind: Reduce,
    x: &Tensor,
    dim: &[i64],
    keepdim: bool,
) -> Result<Tensor> {
    ordered(if kind == Reduce::Max { "max_values" } else { "min_values" }, x)?;
    let mask = dim_mask(x, dim, true)?;
    if x.numel() == 0 {
        if dim.is_empty() {
            return unnamed_dim(name);
        }
        for d in (0..x.ndim()).filter(|d| mask >> d & 1 != 0) {
            not_empty(&format!("{name}()"), x, d)?;
        }
    }
    evenly(node, kind, x, mask, keepdim)
}

/// The largest elements over some dims; ties share the gradient.
pub fn amax(x: &Tensor, dim: &[i64], keepdim: bool) -> Result<Tensor> {
    reduced("amax", "AmaxBackward0", Reduce::Max, x, dim, keepdim)
}

/// The smallest elements over some dims; ties share the gradient.
pub fn amin(x: &Tensor, dim: &[i64], keepdim: bool) -> Result<Tensor> {
    reduced("amin", "AminBackward0", Reduce::Min, x, dim, keepdim)
}

/// The smallest and the largest elements in one pass.
pub fn aminmax(x: &Tensor, dim: Option<i64>, keepdim: bool) -> Result<(Tensor, Tensor)> {
    ordered("aminmax", x)?;
    if let Some(d) = dim {
        not_empty("aminmax", x, x.wrap_dim(d)?)?;
    } else if x.numel() == 0 {
        fail!(Runtime, torch: ("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."), expected: ("aminmax: expected elements"), got: ("an empty tensor"), fix: ("Check numel() first."));
    }
    let mask = dim_mask(x, dim.as_slice(), true)?;
    let kept = reduced_shape(x.shape(), mask, true);
    let (lo, hi) = (allocate(x, &kept, mask, keepdim, x.dtype())?, allocate(x, &kept, mask, keepdim, x.dtype())?);
    dispatch::reduce::aminmax(x, &lo, &hi, &kept);
    record_many(&[&lo, &hi], "AminmaxBackward0", &[x], |s| {
        let (x, lo, hi) = (s.input(x), s.output(0), s.output(1));
        move |c, g| {
            let x = c.get(x)?;
            let low = g[0].as_ref().map(|g| share(g, &x, &c.get(lo)?, mask, keepdim)).transpose()?;
            let high = g[1].as_ref().map(|g| share(g, &x, &c.get(hi)?, mask, keepdim)).transpose()?;
            grads![match (low, high) {
                (Some(a), Some(b)) => Some(a.add(&b)?),
                (a, b) => a.or(b),
            }]
        }
    })?;
    Ok((lo, hi))
}

/// Records an operation that gives values along `dim` and where they stood: the gradient goes back there.
pub fn record_selected(
    name: &'static str,
    x: &Tensor,
    values: &Tensor,
    indices: &Tensor,
    dim: usize,
    keepdim: bool,
) -> Result<()> {
    record_many(&[values, indices], name, &[x], |s| {
        let i = s.input(indices);
        let shape = Shape::from_slice(x.shape());
        move |c, g| grads![g[0].as_ref().map(|g| put_selected(g, dim, &c.get(i)?, &shape, keepdim)).transpose()?]
    })
}

/// Values and int64 indices of a selection along `dim`, not yet filled, and their shape with the dim kept.
pub fn selection(x: &Tensor, dim: usize, keepdim: bool) -> Result<(Tensor, Tensor, Shape)> {
    let mask = if x.ndim() == 0 { 0 } else { 1u64 << dim };
    let kept = reduced_shape(x.shape(), mask, true);
    Ok((allocate(x, &kept, mask, keepdim, x.dtype())?, allocate(x, &kept, mask, keepdim, DType::I64)?, kept))
}

fn extreme_dim(
    name: &str,
    node: &'static str,
    kind: Extreme,
    x: &Tensor,
    dim: i64,
    keepdim: bool,
) -> Result<(Tensor, Tensor)> {
    ordered(name, x)?;
    let d = x.wrap_dim(dim)?;
    not_empty(&format!("{name}()"), x, d)?;
    let (values, indices, kept) = selection(x, d, keepdim)?;
    dispatch::reduce::arg_reduce(kind, x, Some(d), &indices, Some(&values), &kept);
    record_selected(node, x, &values, &indices, d, keepdim)?;
    Ok((values, indices))
}

/// The largest elements along a dim and where they first occur.
pub fn max_dim(x: &Tensor, dim: i64, keepdim: bool) -> Result<(Tensor, Tensor)> {
    extreme_dim("max", "MaxBackward0", Extreme::Max, x, dim, keepdim)
}

/// The smallest elements along a dim and where they first occur.
pub fn min_dim(x: &Tensor, dim: i64, keepdim: bool) -> Result<(Tensor, Tensor)> {
    extreme_dim("min", "MinBackward0", Extreme::Min, x, dim, keepdim)
}

fn arg(name: &'static str, kind: Extreme, x: &Tensor, dim: Option<i64>, keepdim: bool) -> Result<Tensor> {
    ordered(name, x)?;
    if x.dtype() == DType::Bool {
        fail!(Runtime, torch: ("{name}(): does not support bool input"), expected: ("{name}: expected numbers"), got: ("bool"), fix: ("Convert with .int()."));
    }
    let d = dim.map(|d| x.wrap_dim(d)).transpose()?;
    match d {
        Some(d) => not_empty(&format!("{name}()"), x, d)?,
        None if x.numel() == 0 => {
            fail!(Index, torch: ("{name}(): Expected reduction dim to be specified for input.numel() == 0."), expected: ("{name}: expected elements"), got: ("an empty tensor"), fix: ("Give the dim, or check numel() first."))
        }
        None => {}
    }
    let mask = dim_mask(x, dim.as_slice(), true)?;
    let kept = reduced_shape(x.shape(), mask, true);
    let y = allocate(x, &kept, mask, keepdim, DType::I64)?;
    dispatch::reduce::arg_reduce(kind, x, d, &y, None, &kept);
    Ok(y)
}

/// Where the largest element along a dim, or of all, first occurs.
pub fn argmax(x: &Tensor, dim: Option<i64>, keepdim: bool) -> Result<Tensor> {
    arg("argmax", Extreme::Max, x, dim, keepdim)
}

/// Where the smallest element along a dim, or of all, first occurs.
pub fn argmin(x: &Tensor, dim: Option<i64>, keepdim: bool) -> Result<Tensor> {
    arg("argmin", Extreme::Min, x, dim, keepdim)
}

fn max_two(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    binary(&MAXIMUM, x, y)
}

fn min_two(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    binary(&MINIMUM, x, y)
}

ops! {
    /// The largest of all elements, NaN if there is one; ties share the gradient.
    "max(Tensor self) -> Tensor" [f m o] => max_all(0);
    /// The larger of two, element by element.
    "max(Tensor self, Tensor other) -> Tensor" [f m o] => max_two(0, 1);
    /// The largest elements along a dim, and the indices at which they first occur.
    "max(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)" [f m o] => max_dim(0, 1, 2);
    /// The smallest of all elements, NaN if there is one; ties share the gradient.
    "min(Tensor self) -> Tensor" [f m o] => min_all(0);
    /// The smaller of two, element by element.
    "min(Tensor self, Tensor other) -> Tensor" [f m o] => min_two(0, 1);
    /// The smallest elements along a dim, and the indices at which they first occur.
    "min(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)" [f m o] => min_dim(0, 1, 2);
    /// The largest elements over some dims; ties share the gradient.
    "amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor" [f m o] => amax(0, 1, 2);
    /// The smallest elements over some dims; ties share the gradient.
    "amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor" [f m o] => amin(0, 1, 2);
    /// The smallest and largest elements, along a dim or of all.
    "aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)" [f m o] => aminmax(0, 1, 2);
    /// Where the largest element first occurs; without `dim` in the flattened tensor.
    "argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor" [f m o] => argmax(0, 1, 2);
    /// Where the smallest element first occurs; without `dim` in the flattened tensor.
    "argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor" [f m o] => argmin(0, 1, 2);
}
