//! Reductions.

use super::copy::to_dtype;
use super::helpers::{dim_mask, reduced_shape, restore_dims};
use super::view::expand_to;
use crate::autograd::record;
use crate::dispatch::{self, reduce::Reduce};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Tensor};

/// Runs a reduction over the dims of `mask` into a new tensor of `dtype`.
pub fn run(kind: Reduce, x: &Tensor, mask: u64, keepdim: bool, dtype: DType, p: f64) -> Result<Tensor> {
    let out = dispatch::empty(&reduced_shape(x.shape(), mask, true), dtype, x.device())?;
    dispatch::reduce::reduce(kind, x, &out, p);
    if keepdim || x.ndim() == 0 { Ok(out) } else { out.reshape_to(&reduced_shape(x.shape(), mask, false)) }
}

/// The dtype that sums and products accumulate in and return.
pub fn sum_dtype(x: &Tensor, dtype: Option<DType>) -> DType {
    dtype.unwrap_or(if x.dtype().is_integral(true) { DType::I64 } else { x.dtype() })
}

/// Sum over the dims of `mask`.
pub fn sum_mask(x: &Tensor, mask: u64, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    let dtype = sum_dtype(x, dtype);
    let x = &if dtype.is_complex() != x.dtype().is_complex() || (dtype.is_integral(true) && !x.dtype().is_integral(true)) { to_dtype(x, dtype)? } else { x.clone() };
    let y = crate::autograd::no_grad(|| run(Reduce::Sum, x, mask, keepdim, dtype, 0.0))?;
    let shape = Shape::from_slice(x.shape());
    record(y, if mask.count_ones() as usize >= x.ndim() { "SumBackward0" } else { "SumBackward1" }, &[x], |_| move |_, g| grads![expand_to(&restore_dims(g, &shape, mask, keepdim)?, &shape)?])
}

fn sum(x: &Tensor, dim: Option<&[i64]>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    sum_mask(x, dim_mask(x, dim.unwrap_or(&[]), true)?, keepdim, dtype)
}

fn sum_default(x: &Tensor, dtype: Option<DType>) -> Result<Tensor> {
    sum(x, None, false, dtype)
}

fn truth(kind: Reduce, x: &Tensor, dim: Option<&[i64]>, keepdim: bool) -> Result<Tensor> {
    let dtype = if x.dtype() == DType::U8 { DType::U8 } else { DType::Bool };
    crate::autograd::no_grad(|| run(kind, x, dim_mask(x, dim.unwrap_or(&[]), true)?, keepdim, dtype, 0.0))
}

fn any_all(x: &Tensor) -> Result<Tensor> {
    truth(Reduce::Any, x, None, false)
}

impl Tensor {
    /// The sum over some dims.
    pub fn sum_dims(&self, dims: &[i64], keepdim: bool) -> Result<Tensor> {
        sum(self, Some(dims), keepdim, Some(self.dtype()))
    }
    /// The sum of all elements, in this tensor's dtype.
    pub fn sum_all(&self) -> Result<Tensor> {
        sum(self, None, false, Some(self.dtype()))
    }
    /// Is any element true?
    pub fn any_all(&self) -> Result<Tensor> {
        any_all(self)
    }
}

/// The mean over some dims.
pub fn mean(x: &Tensor, dim: Option<&[i64]>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    let d = dtype.unwrap_or(x.dtype());
    if d.is_integral(true) {
        fail!(Runtime, torch: ("mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {}", d.scalar_name()),
            expected: ("mean: expected a floating or complex dtype"), got: ("{}", d.name()), fix: ("Pass dtype=torch.float32 or convert with .float()."));
    }
    let x = &to_dtype(x, d)?;
    let mask = dim_mask(x, dim.unwrap_or(&[]), true)?;
    let y = crate::autograd::no_grad(|| run(Reduce::Mean, x, mask, keepdim, d, 0.0))?;
    let shape = Shape::from_slice(x.shape());
    let n = (0..x.ndim()).filter(|d| mask >> d & 1 != 0).map(|d| x.shape()[d]).product::<usize>();
    record(y, if mask.count_ones() as usize >= x.ndim() { "MeanBackward0" } else { "MeanBackward1" }, &[x], |_| {
        move |_, g| grads![expand_to(&restore_dims(&g.mul_scalar(1.0 / n as f64)?, &shape, mask, keepdim)?, &shape)?]
    })
}

fn mean_default(x: &Tensor, dtype: Option<DType>) -> Result<Tensor> {
    mean(x, None, false, dtype)
}

ops! {
    /// Sum of all elements; bool and integers sum to int64.
    "sum(Tensor self, *, ScalarType? dtype=None) -> Tensor" [f m] => sum_default(0, 1);
    /// Sum over some dims; bool and integers sum to int64.
    "sum(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [f m o] => sum(0, 1, 2, 3);
    /// Mean of all elements.
    "mean(Tensor self, *, ScalarType? dtype=None) -> Tensor" [f m] => mean_default(0, 1);
    /// Mean over some dims.
    "mean(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [f m o] => mean(0, 1, 2, 3);
    /// Is any element true?
    "any(Tensor self) -> Tensor" [f m] => any_all(0);
}
