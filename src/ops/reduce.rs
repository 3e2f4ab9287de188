//! Sums, means, products, truth and counts over dims.

use super::along::shifted;
use super::copy::to_dtype;
use super::helpers::{dim_mask, float_dtype, reduced_shape, restore_dims};
use super::scan::{Direction, product_scan};
use super::view::expand_to;
use crate::autograd::{no_grad, record};
use crate::dispatch::{self, reduce::Reduce};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, Tensor};

/// Runs a reduction over the dims of `mask` into a new tensor of `dtype`.
pub fn run(kind: Reduce, x: &Tensor, mask: u64, keepdim: bool, dtype: DType, p: f64) -> Result<Tensor> {
    let kept = reduced_shape(x.shape(), mask, true);
    let out = allocate(x, &kept, mask, keepdim, dtype)?;
    dispatch::reduce::reduce(kind, x, &out, &kept, p);
    Ok(out)
}

/// A dense output for a reduction over the dims of `mask`; `kept` is its shape with those dims.
pub fn allocate(x: &Tensor, kept: &[usize], mask: u64, keepdim: bool, dtype: DType) -> Result<Tensor> {
    if keepdim || mask == 0 {
        return dispatch::empty(kept, dtype, x.device());
    }
    dispatch::empty(&reduced_shape(x.shape(), mask, false), dtype, x.device())
}

/// A gradient of a reduced tensor, broadcast back to the shape before.
pub fn spread(g: &Tensor, shape: &[usize], mask: u64, keepdim: bool) -> Result<Tensor> {
    expand_to(&restore_dims(g, shape, mask, keepdim)?, shape)
}

/// How many elements become one.
pub fn reduced_count(shape: &[usize], mask: u64) -> usize {
    // Beyond 64 dims a mask can only mean all of them.
    shape.iter().enumerate().filter(|&(d, _)| mask >> d.min(63) & 1 != 0).map(|(_, &n)| n).product()
}

/// The dtype that sums and products accumulate in and return.
pub fn sum_dtype(x: &Tensor, dtype: Option<DType>) -> DType {
    dtype.unwrap_or(if x.dtype().is_integral(true) { DType::I64 } else { x.dtype() })
}

/// Kernels convert what they read; what they cannot convert on the way is converted before.
fn readable(x: &Tensor, dtype: DType) -> Result<Tensor> {
    let narrows = dtype.is_integral(true) && !x.dtype().is_integral(true);
    if narrows || dtype.is_complex() != x.dtype().is_complex() { to_dtype(x, dtype) } else { Ok(x.clone()) }
}

fn mask_of(x: &Tensor, dim: Option<&[i64]>) -> Result<u64> {
    dim_mask(x, dim.unwrap_or(&[]), true)
}

fn sum_mask(name: &'static str, x: &Tensor, mask: u64, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    let dtype = sum_dtype(x, dtype);
    let x = &readable(x, dtype)?;
    let y = run(Reduce::Sum, x, mask, keepdim, dtype, 0.0)?;
    record(y, name, &[x], |_| {
        let shape = Shape::from_slice(x.shape());
        move |_, g| grads![spread(g, &shape, mask, keepdim)?]
    })
}

/// Sum over some dims.
pub fn sum(x: &Tensor, dim: Option<&[i64]>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    sum_mask("SumBackward1", x, mask_of(x, dim)?, keepdim, dtype)
}

/// The sum of all elements; bool and integers sum to int64.
pub fn sum_default(x: &Tensor, dtype: Option<DType>) -> Result<Tensor> {
    sum_mask("SumBackward0", x, mask_of(x, None)?, false, dtype)
}

/// Sum of what is not NaN.
pub fn nansum(x: &Tensor, dim: Option<&[i64]>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    if x.dtype().is_complex() {
        fail!(Runtime, torch: ("nansum on CPU does not support complex inputs"), expected: ("nansum: expected real numbers"), got: ("{}", x.dtype().name()), fix: ("Sum the real and imaginary parts."));
    }
    if x.dtype().is_integral(true) {
        return sum(x, dim, keepdim, dtype);
    }
    let dtype = sum_dtype(x, dtype);
    let mask = mask_of(x, dim)?;
    let read = &readable(&x.detach(), dtype)?;
    let y = run(Reduce::NanSum, read, mask, keepdim, dtype, 0.0)?;
    record(y, "NansumBackward0", &[x], |s| {
        let x = s.input(x);
        move |c, g| {
            let x = c.get(x)?;
            grads![spread(g, x.shape(), mask, keepdim)?.masked_fill_scalar(&x.isnan()?, 0.0)?]
        }
    })
}

fn mean_mask(name: &'static str, x: &Tensor, mask: u64, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    let d = dtype.unwrap_or(x.dtype());
    if d.is_integral(true) {
        let which = if dtype.is_some() { "Optional" } else { "Input" };
        fail!(Runtime, torch: ("mean(): could not infer output dtype. {which} dtype must be either a floating point or complex dtype. Got: {}", d.scalar_name()),
            expected: ("mean: expected a floating or complex dtype"), got: ("{}", d.name()), fix: ("Pass dtype=torch.float32 or convert with .float()."));
    }
    let x = &readable(x, d)?;
    let y = run(Reduce::Mean, x, mask, keepdim, d, 0.0)?;
    record(y, name, &[x], |_| {
        let shape = Shape::from_slice(x.shape());
        let n = reduced_count(&shape, mask);
        move |_, g| grads![spread(&g.mul_scalar(1.0 / n as f64)?, &shape, mask, keepdim)?]
    })
}

/// The mean over some dims.
pub fn mean(x: &Tensor, dim: Option<&[i64]>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    mean_mask("MeanBackward1", x, mask_of(x, dim)?, keepdim, dtype)
}

/// The mean of all elements.
pub fn mean_default(x: &Tensor, dtype: Option<DType>) -> Result<Tensor> {
    mean_mask("MeanBackward0", x, mask_of(x, None)?, false, dtype)
}

/// The mean of what is not NaN.
pub fn nanmean(x: &Tensor, dim: Option<&[i64]>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    if x.dtype().is_integral(true) {
        fail!(Runtime, torch: ("nanmean(): expected input to have floating point or complex dtype but got {}", x.dtype().scalar_name()),
            expected: ("nanmean: expected a floating dtype"), got: ("{}", x.dtype().name()), fix: ("Convert with .float(), or use mean(dtype=...)."));
    }
    let present = sum(&x.detach().isnan()?.logical_not()?, dim, keepdim, None)?;
    nansum(x, dim, keepdim, dtype)?.div(&present)
}

/// Product over the dims of `mask`, of which there is one, or all.
fn prod_mask(name: &'static str, x: &Tensor, mask: u64, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    let dtype = sum_dtype(x, dtype);
    let x = &readable(x, dtype)?;
    let y = run(Reduce::Prod, x, mask, keepdim, dtype, 0.0)?;
    let all = mask.count_ones() != 1;
    record(y, name, &[x], |s| {
        let (x, y) = (s.input(x), s.output(0));
        move |c, g| {
            let (x, y) = (c.get(x)?, c.get(y)?);
            let g = spread(g, x.shape(), mask, keepdim)?;
            if !x.is_meta() && no_grad(|| truth(Reduce::All, &x.detach(), None, false))?.item_bool()? {
                let rest = restore_dims(&y, x.shape(), mask, keepdim)?.div(&x)?;
                return grads![g.mul(&rest.conj()?)?];
            }
            let (line, dim) =
                if all { (x.reshape_to(&[x.numel()])?, 0) } else { (x.clone(), mask.trailing_zeros() as usize) };
            let rest = others_product(&line, dim)?.reshape_to(x.shape())?;
            grads![g.mul(&rest.conj()?)?]
        }
    })
}

/// For each element along `dim` the product of all others: what is before it times what is behind it, so that zeros
/// need no division.
fn others_product(x: &Tensor, dim: usize) -> Result<Tensor> {
    let before = product_scan(&shifted(x, dim, false, 1.0)?, dim, Direction::Forward)?;
    let behind = product_scan(&shifted(x, dim, true, 1.0)?, dim, Direction::Backward)?;
    before.mul(&behind)
}

fn prod_default(x: &Tensor, dtype: Option<DType>) -> Result<Tensor> {
    prod_mask("ProdBackward0", x, mask_of(x, None)?, false, dtype)
}

/// Product along a dim.
pub fn prod(x: &Tensor, dim: i64, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    prod_mask("ProdBackward1", x, dim_mask(x, &[dim], false)?, keepdim, dtype)
}

/// Any or all. An empty list of dims reduces nothing, as in torch.
fn truth(kind: Reduce, x: &Tensor, dim: Option<&[i64]>, keepdim: bool) -> Result<Tensor> {
    let dtype = if x.dtype() == DType::U8 { DType::U8 } else { DType::Bool };
    let mask = match dim {
        Some(dims) => dim_mask(x, dims, false)?,
        None => mask_of(x, None)?,
    };
    run(kind, x, mask, keepdim, dtype, 0.0)
}

fn any(x: &Tensor, dim: Option<&[i64]>, keepdim: bool) -> Result<Tensor> {
    truth(Reduce::Any, x, dim, keepdim)
}

fn any_all(x: &Tensor) -> Result<Tensor> {
    truth(Reduce::Any, x, None, false)
}

fn all(x: &Tensor, dim: Option<&[i64]>, keepdim: bool) -> Result<Tensor> {
    truth(Reduce::All, x, dim, keepdim)
}

fn all_all(x: &Tensor) -> Result<Tensor> {
    truth(Reduce::All, x, None, false)
}

/// How many elements are not zero.
pub fn count_nonzero(x: &Tensor, dim: Option<&[i64]>) -> Result<Tensor> {
    run(Reduce::CountNonzero, x, mask_of(x, dim)?, false, DType::I64, 0.0)
}

/// log(sum(exp(x))) without overflow.
pub fn logsumexp(x: &Tensor, dim: &[i64], keepdim: bool) -> Result<Tensor> {
    let mask = dim_mask(x, dim, true)?;
    let x = &to_dtype(x, float_dtype(x.dtype()))?;
    let y = if x.dtype().is_complex() {
        no_grad(|| complex_logsumexp(x, dim, keepdim))?
    } else {
        let kept = reduced_shape(x.shape(), mask, true);
        let y = allocate(x, &kept, mask, keepdim, x.dtype())?;
        dispatch::reduce::logsumexp(x, &y, &kept);
        y
    };
    record(y, "LogsumexpBackward0", &[x], |s| {
        let (x, y) = (s.input(x), s.output(0));
        move |c, g| {
            let (x, y) = (c.get(x)?, c.get(y)?);
            let (g, y) = (restore_dims(g, x.shape(), mask, keepdim)?, restore_dims(&y, x.shape(), mask, keepdim)?);
            // Where all is -inf nothing is the largest: the share is 0, not exp(-inf + inf).
            let none = y.detach().real_part()?.isneginf()?;
            grads![g.mul(&x.sub(&y.masked_fill_scalar(&none, 0.0)?)?.exp()?.conj()?)?]
        }
    })
}

/// The largest real part is taken out, so that no exponential overflows.
fn complex_logsumexp(x: &Tensor, dim: &[i64], keepdim: bool) -> Result<Tensor> {
    let top = super::extreme::amax(&x.real_part()?, dim, true)?;
    let top = top.masked_fill_scalar(&top.isinf()?, 0.0)?;
    let sum = sum(&x.sub(&top)?.exp()?, Some(dim), keepdim, None)?;
    let top = if keepdim { top } else { top.view_as_shape(sum.shape())? };
    sum.log()?.add(&top)
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
    /// Are all elements true?
    pub fn all_all(&self) -> Result<Tensor> {
        all_all(self)
    }
}

/// Sums over the dims along which a tensor of `size` would be broadcast to this one.
fn sum_to_size(x: &Tensor, size: &[i64]) -> Result<Tensor> {
    let shape = super::helpers::checked_shape("sum_to_size", size)?;
    if layout::broadcast(x.shape(), &shape).ok().as_deref() != Some(x.shape()) {
        fail!(Runtime, torch: ("size {{{size:?}}} is not expandable to size {{{:?}}}.", x.shape()), expected: ("sum_to_size: expected a size that broadcasts to {:?}", x.shape()), got: ("{size:?}"), fix: ("Check the size."));
    }
    // Whole numbers are summed as int64; without a sum, of which `()` asks for one, nothing changes.
    if x.dtype().is_integral(true) && (shape.is_empty() || x.shape() != &shape[..]) {
        return super::helpers::sum_to(&super::copy::to_dtype(x, DType::I64)?, &shape);
    }
    super::helpers::sum_to(x, &shape)
}

ops! {
    /// Sums over the dims along which a tensor of `size` would be broadcast to this one.
    "sum_to_size(Tensor self, int[] size) -> Tensor" [m] => sum_to_size(0, 1);
    /// Sum of all elements; bool and integers sum to int64.
    "sum(Tensor self, *, ScalarType? dtype=None) -> Tensor" [f m] => sum_default(0, 1);
    /// Sum over some dims; bool and integers sum to int64.
    "sum(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [f m o] => sum(0, 1, 2, 3);
    /// Sum over some dims of what is not NaN.
    "nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [f m o] => nansum(0, 1, 2, 3);
    /// Mean of all elements.
    "mean(Tensor self, *, ScalarType? dtype=None) -> Tensor" [f m o] => mean_default(0, 1);
    /// Mean over some dims.
    "mean(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [f m o] => mean(0, 1, 2, 3);
    /// Mean over some dims of what is not NaN; NaN where nothing is left.
    "nanmean(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [f m o] => nanmean(0, 1, 2, 3);
    /// Product of all elements; bool and integers multiply to int64.
    "prod(Tensor self, *, ScalarType? dtype=None) -> Tensor" [f m o] => prod_default(0, 1);
    /// Product along a dim.
    "prod(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [f m o] => prod(0, 1, 2, 3);
    /// Is any element true?
    "any(Tensor self) -> Tensor" [f m o] => any_all(0);
    /// Is any element true, over some dims?
    "any(Tensor self, int[1]? dim=None, bool keepdim=False) -> Tensor" [f m o] => any(0, 1, 2);
    /// Are all elements true?
    "all(Tensor self) -> Tensor" [f m o] => all_all(0);
    /// Are all elements true, over some dims?
    "all(Tensor self, int[1]? dim=None, bool keepdim=False) -> Tensor" [f m o] => all(0, 1, 2);
    /// How many elements are not zero, over some dims.
    "count_nonzero(Tensor self, int[1]? dim=None) -> Tensor" [f m] => count_nonzero(0, 1);
    /// log(sum(exp(x))) over some dims, without overflow.
    "logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor" [f m o s] => logsumexp(0, 1, 2);
}
