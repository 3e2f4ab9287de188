//! Vector norms, and limiting them.

use super::extreme::share;
use super::helpers::{dim_mask, restore_dims};
use super::inplace::on_old;
use super::kernel::{by_operations, in_order_of, operand};
use super::reduce::{run, sum};
use crate::autograd::{needs_grad, no_grad, record};
use crate::dispatch::{self, reduce::Reduce};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::{DType, Scalar, Tensor};

fn check_dtype(x: &Tensor, dtype: Option<DType>) -> Result<()> {
    if !x.dtype().is_differentiable() {
        fail!(Runtime, torch: ("linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}", x.dtype().scalar_name()), expected: ("vector_norm: expected a floating or complex dtype"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    let Some(d) = dtype else { return Ok(()) };
    let kind = match (d.is_differentiable(), x.dtype().is_complex(), d.is_complex()) {
        (false, ..) => "dtype should be floating point or complex",
        (_, true, false) => "dtype should be complex for complex inputs",
        (_, false, true) => "dtype should be real for real inputs",
        _ if crate::tensor::promote::promote(d, x.dtype()) != d => {
            fail!(Runtime, torch: ("linalg.vector_norm: the dtype of the input ({}) should be convertible without narrowing to the specified dtype ({})", x.dtype().scalar_name(), d.scalar_name()),
                expected: ("vector_norm: expected a dtype at least as wide as {}", x.dtype().name()), got: ("{}", d.name()), fix: ("Convert the result instead."))
        }
        _ => return Ok(()),
    };
    fail!(Runtime, torch: ("linalg.vector_norm: {kind}, but got {}", d.scalar_name()), expected: ("vector_norm: expected a dtype that goes with {}", x.dtype().name()), got: ("{}", d.name()), fix: ("Leave dtype out."))
}

/// Norms of negative and infinite order have no value for nothing.
fn check_empty(x: &Tensor, mask: u64, ord: f64, all: bool) -> Result<()> {
    if x.numel() > 0 || !(ord < 0.0 || ord == f64::INFINITY) {
        return Ok(());
    }
    let show =
        if ord.is_infinite() { if ord > 0.0 { "inf".to_owned() } else { "-inf".to_owned() } } else { ord.to_string() };
    if all {
        fail!(Runtime, torch: ("linalg.vector_norm cannot compute the {show} norm on an empty tensor because the operation does not have an identity"), expected: ("vector_norm: expected elements"), got: ("shape {:?}", x.shape()), fix: ("Check numel() first."));
    }
    if let Some(d) = (0..x.ndim()).find(|&d| mask >> d & 1 != 0 && x.shape()[d] == 0) {
        fail!(Runtime, torch: ("linalg.vector_norm cannot compute the {show} norm on the dimension {d}because this dimension is empty and the operation does not have an identity"), expected: ("vector_norm: expected elements along dim {d}"), got: ("shape {:?}", x.shape()), fix: ("Check the shape first."));
    }
    Ok(())
}

/// The norm of order `ord` over some dims, of magnitudes if complex.
pub fn vector_norm(x: &Tensor, ord: f64, dim: Option<&[i64]>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    check_dtype(x, dtype)?;
    let mask = dim_mask(x, dim.unwrap_or(&[]), true)?;
    check_empty(x, mask, ord, dim.is_none_or(<[i64]>::is_empty))?;
    let y = run(Reduce::Norm, x, mask, keepdim, dtype.unwrap_or(x.dtype()).to_real(), ord)?;
    record(y, "LinalgVectorNormBackward0", &[x], |s| {
        let (x, y) = (s.input(x), s.output(0));
        move |c, g| crate::grads![norm_backward(g, &c.get(x)?, ord, &c.get(y)?, mask, keepdim)?]
    })
}

/// The order of a norm, which is a real number.
pub fn order(ord: Scalar) -> Result<f64> {
    if let Scalar::Complex(..) = ord {
        fail!(Runtime, torch: ("linalg.vector_norm: Expected a non-complex scalar as the order of norm."), expected: ("vector_norm: expected a real order"), got: ("{ord}"), fix: ("Pass its real part."));
    }
    Ok(ord.f64())
}

fn vector_norm_scalar(
    x: &Tensor,
    ord: Scalar,
    dim: Option<&[i64]>,
    keepdim: bool,
    dtype: Option<DType>,
) -> Result<Tensor> {
    vector_norm(x, order(ord)?, dim, keepdim, dtype)
}

fn power(x: &Tensor, p: f64) -> Result<Tensor> {
    super::arith::pow(x, &dispatch::wrapped(Scalar::Float(p))?, &crate::schema::Dest::New)
}

/// The gradient of a norm `y` of order `p`; where the norm is 0, the subgradient 0.
pub fn norm_backward(g: &Tensor, x: &Tensor, p: f64, y: &Tensor, mask: u64, keepdim: bool) -> Result<Tensor> {
    if p == 0.0 {
        return x.zeros_like();
    }
    if p.is_infinite() {
        let size = x.abs()?;
        if !x.dtype().is_complex() {
            return x.sgn()?.mul(&share(g, &size, y, mask, keepdim)?);
        }
        // The norm's modulus may differ from that of `abs` in the last bit: the winner is found among the latter.
        let dims: smallvec::SmallVec<[i64; 6]> =
            (0..x.ndim()).filter(|d| mask >> d & 1 == 1).map(|d| d as i64).collect();
        let find = if p > 0.0 { super::extreme::amax } else { super::extreme::amin };
        let y = find(&size.detach(), &dims, keepdim)?;
        return x.sgn()?.mul(&share(g, &size, &y, mask, keepdim)?);
    }
    let g = restore_dims(g, x.shape(), mask, keepdim)?;
    let y = restore_dims(y, x.shape(), mask, keepdim)?;
    if p == 1.0 {
        return x.sgn()?.mul(&g);
    }
    let zero = y.detach().eq_scalar(0.0)?;
    if p == 2.0 {
        return x.mul(&g.div(&y)?.masked_fill_scalar(&zero, 0.0)?);
    }
    let size = x.abs()?;
    if p < 1.0 {
        // |x|^(p-1) is infinite at 0, where the subgradient is 0.
        let slope = x.sgn()?.mul(&power(&size, p - 1.0)?)?.masked_fill_scalar(&size.detach().eq_scalar(0.0)?, 0.0)?;
        return slope.mul(&g)?.mul(&power(&y, 1.0 - p)?);
    }
    let slope = if p < 2.0 { x.sgn()?.mul(&power(&size, p - 1.0)?)? } else { x.mul(&power(&size, p - 2.0)?)? };
    slope.mul(&g.div(&power(&y, p - 1.0)?)?.masked_fill_scalar(&zero, 0.0)?)
}

/// Added to norms before dividing by them, as in torch.
const RENORM_EPS: f64 = 1e-7;

/// Slices along a dim scaled so that their norm is at most `maxnorm`.
pub fn renorm(x: &Tensor, p: f64, dim: i64, maxnorm: f64) -> Result<Tensor> {
    if p.is_nan() || p <= 0.0 {
        fail!(Runtime, torch: ("renorm: non-positive-norm not supported"), expected: ("renorm: expected p above 0"), got: ("{p}"), fix: ("Use p=2."));
    }
    if maxnorm.is_nan() || maxnorm < 0.0 {
        fail!(Runtime, torch: ("renorm: expected maxnorm to be >= 0 but got {maxnorm}"), expected: ("renorm: expected maxnorm of at least 0"), got: ("{maxnorm}"), fix: ("Check the sign."));
    }
    if x.ndim() < 2 {
        fail!(Runtime, torch: ("renorm: input needs at least 2 dimensions, got {} dimensions", x.ndim()), expected: ("renorm: expected at least 2 dims"), got: ("{}", x.ndim()), fix: ("Unsqueeze it."));
    }
    let d = x.wrap_dim(dim)?;
    let dims: smallvec::SmallVec<[i64; 6]> = (0..x.ndim()).filter(|&i| i != d).map(|i| i as i64).collect();
    let y = no_grad(|| {
        let x = &super::copy::contiguous(x)?;
        let norm = vector_norm(x, p, Some(&dims), true, None)?;
        let scale = dispatch::wrapped(Scalar::Float(maxnorm))?.div(&norm.add_scalar(RENORM_EPS)?)?;
        x.mul(&super::choose::where_(
            &norm.gt(&dispatch::wrapped(Scalar::Float(maxnorm))?)?,
            &scale,
            &dispatch::wrapped(Scalar::Float(1.0))?,
        )?)
    })?;
    record(y, "RenormBackward0", &[x], |s| {
        let x = s.input(x);
        move |c, g| crate::grads![renorm_backward(g, &c.get(x)?, p, &dims, maxnorm)?]
    })
}

fn renorm_backward(g: &Tensor, x: &Tensor, p: f64, dims: &[i64], maxnorm: f64) -> Result<Tensor> {
    let norm = vector_norm(x, p, Some(dims), true, None)?;
    let along = sum(&x.conj()?.mul(g)?.real_part()?, Some(dims), true, None)?;
    let by_norm = norm_backward(&along, x, p, &norm, dim_mask(x, dims, true)?, true)?;
    let inverse = norm.add_scalar(RENORM_EPS)?.reciprocal()?;
    let scaled = g.sub(&by_norm.mul(&inverse)?)?.mul(&inverse)?.mul_scalar(maxnorm)?;
    super::choose::where_(&norm.gt(&dispatch::wrapped(Scalar::Float(maxnorm))?)?, &scaled, g)
}

fn renorm_scalar(x: &Tensor, p: Scalar, dim: i64, maxnorm: Scalar) -> Result<Tensor> {
    if let Scalar::Complex(..) = p {
        fail!(Runtime, torch: ("renorm: p must be real-valued"), expected: ("renorm: expected a real order"), got: ("{p}"), fix: ("Pass its real part."));
    }
    renorm(x, p.f64(), dim, maxnorm.f64())
}

/// One norm for each index along `dim`, in the input's dims; one for everything if `dim` is -1.
fn norm_except_dim(v: &Tensor, pow: i64, dim: i64) -> Result<Tensor> {
    if dim == -1 {
        return vector_norm(v, pow as f64, None, false, None);
    }
    let d = v.wrap_dim(dim)?;
    let others: smallvec::SmallVec<[i64; 6]> = (0..v.ndim()).filter(|&i| i != d).map(|i| i as i64).collect();
    // No dims would mean all of them.
    if others.is_empty() { v.abs() } else { vector_norm(v, pow as f64, Some(&others), true, None) }
}

/// Direction `v` with length `g`: one length for each index along `dim` (Salimans & Kingma 2016, arXiv:1602.07868).
fn weight_norm(v: &Tensor, g: &Tensor, dim: i64) -> Result<Tensor> {
    let d = v.wrap_dim(dim)?;
    // torch has a kernel for the outer dims, and composes the others of operations.
    if (d == 0 || d + 1 == v.ndim()) && !v.dtype().is_float() {
        return super::helpers::not_implemented("weight_norm_kernel", v.dtype());
    }
    let shape = (0..v.ndim()).map(|i| if i == d { v.size(d) } else { 1 });
    let kernel = !v.is_gpu() && matches!(v.dtype(), DType::F32 | DType::F64);
    let alike = g.dtype() == v.dtype() && g.device() == v.device() && g.shape().iter().copied().eq(shape);
    if d == 0 && dim != -1 && v.ndim() > 1 && kernel && alike {
        return rows_of_length(v, g);
    }
    lengthened(v, g, dim)
}

/// [`weight_norm`] by operations.
fn lengthened(v: &Tensor, g: &Tensor, dim: i64) -> Result<Tensor> {
    v.mul(&g.div(&norm_except_dim(v, 2, dim)?)?)
}

/// [`weight_norm`] along the first dim by a kernel, as its gradient is; gradients of gradients go by [`lengthened`].
fn rows_of_length(v: &Tensor, g: &Tensor) -> Result<Tensor> {
    let (dtype, n) = (v.dtype(), v.size(0));
    let dims = (n, v.shape()[1..].iter().product());
    let y = dispatch::empty(v.shape(), dtype, v.device())?;
    let length = dispatch::empty(&[n], dtype, v.device())?;
    dispatch::norm::weight(&operand(v, dtype)?, &operand(g, dtype)?, &y, &length, dims);
    record(in_order_of(y, v)?, "WeightNormInterfaceBackward0", &[v, g], |s| {
        let (v, g, length) = (s.input(v), s.input(g), s.input(&length));
        move |c, h| {
            let (v, g) = (c.get(v)?, c.get(g)?);
            if needs_grad(&[h, &v, &g]) {
                return by_operations(c, h, &[&v, &g], |t| lengthened(&t[0], &t[1], 0));
            }
            let empty = |t: &Tensor| dispatch::empty(t.shape(), dtype, t.device());
            let (dv, dg) = (empty(&v)?, empty(&g)?);
            let inputs = (&operand(&v, dtype)?, &operand(&g, dtype)?, &c.get(length)?);
            dispatch::norm::weight_backward(&operand(h, dtype)?, inputs, (&dv, &dg), dims);
            grads![c.needs(0).then_some(dv), c.needs(1).then_some(dg)]
        }
    })
}

ops! {
    /// Norms over all dims but one, which stays; over everything if `dim` is -1.
    "norm_except_dim(Tensor v, int pow=2, int dim=0) -> Tensor" [f] => norm_except_dim(0, 1, 2);
    /// The weight with directions `v` and lengths `g`.
    "_weight_norm(Tensor v, Tensor g, int dim=0) -> Tensor" [f] => weight_norm(0, 1, 2);
    /// Vector norm of order `ord` over some dims; `dtype` is the dtype to compute in.
    "linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [l o] => vector_norm_scalar(0, 1, 2, 3, 4);
    @
    /// Slices along a dim scaled so that their p-norm is at most `maxnorm`.
    "renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor" [f m i o] => |a| on_old("renorm", a, |x| renorm_scalar(x, a.get(1)?, a.get(2)?, a.get(3)?));
}
