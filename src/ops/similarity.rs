//! Similarities of vectors: cosines, and distances of pairs.

use super::kernel::{by_operations, operand};
use super::pointwise::number;
use super::vector_norm::vector_norm;
use crate::autograd::{needs_grad, record};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::{DType, Tensor};

/// The p-norm over one dim; the gradient at 0 is 0.
fn norm_along(x: &Tensor, p: f64, dim: i64, keepdim: bool) -> Result<Tensor> {
    vector_norm(x, p, Some(&[dim]), keepdim, None)
}

/// The p-norm of `x1 - x2 + eps` over the last dim.
pub fn pairwise_distance(x1: &Tensor, x2: &Tensor, p: f64, eps: f64, keepdim: bool) -> Result<Tensor> {
    norm_along(&x1.sub(x2)?.add_scalar(eps)?, p, -1, keepdim)
}

/// `x1 . x2 / max(|x1| |x2|, eps)` along `dim`; each norm is at least eps.
fn cosine_similarity(x1: &Tensor, x2: &Tensor, dim: i64, eps: f64) -> Result<Tensor> {
    let dtype = crate::tensor::promote::result_type(&[x1, x2]);
    if !dtype.is_float() {
        fail!(Runtime, torch: ("expected common dtype to be floating point, yet common dtype is {}", dtype.scalar_name()), expected: ("cosine_similarity: expected floats"), got: ("{}", dtype.name()), fix: ("Convert with .float()."));
    }
    let shape = crate::tensor::layout::broadcast(x1.shape(), x2.shape())?;
    let prepare =
        |x: &Tensor| -> Result<Tensor> { super::linear::broadcast_to(&super::copy::to_dtype(x, dtype)?, &shape) };
    let (x1, x2) = (prepare(x1)?, prepare(x2)?);
    let dim = if shape.is_empty() { 0 } else { x1.wrap_dim(dim)? as i64 };
    let scaled = |x: &Tensor| -> Result<Tensor> {
        let norm = super::choose::clamp(&norm_along(x, 2.0, dim, true)?, Some(&number(eps)?), None, &Dest::New)?;
        x.div(&if x.ndim() == 0 { norm.reshape_to(&[])? } else { norm })
    };
    let y = scaled(&x1)?.mul(&scaled(&x2)?)?;
    if y.ndim() == 0 { Ok(y) } else { y.sum_dims(&[dim], false) }
}

/// Distances between all pairs of rows of one matrix: the strict upper triangle, row by row.
fn pdist(x: &Tensor, p: f64) -> Result<Tensor> {
    let &[_, _] = x.shape() else {
        fail!(Runtime, torch: ("pdist only supports 2D tensors, got: {}D", x.ndim()), expected: ("pdist: expected a matrix"), got: ("{} dims", x.ndim()), fix: ("Reshape it."))
    };
    if p < 0.0 {
        fail!(Runtime, torch: ("pdist only supports non-negative p values"), expected: ("pdist: expected p of at least 0"), got: ("{p}"), fix: ("Change p's sign."));
    }
    super::loss::check_float("pdist", x)?;
    if dispatch::distance::has_gradient(x, p) && matches!(x.dtype(), DType::F32 | DType::F64) {
        return fused_pdist(x, p);
    }
    composed_pdist(x, p)
}

/// [`pdist`] by a kernel, whose gradient is one, too; gradients of gradients go by [`composed_pdist`].
fn fused_pdist(x: &Tensor, p: f64) -> Result<Tensor> {
    let n = x.size(0);
    let y = dispatch::empty(&[n * n.saturating_sub(1) / 2], x.dtype(), x.device())?;
    dispatch::distance::pdist(&operand(x, x.dtype())?, p, &y);
    record(y, "PdistBackward0", &[x], |s| {
        let (x, y) = (s.input(x), s.output(0));
        move |c, g| {
            let x = c.get(x)?;
            if needs_grad(&[g, &x]) {
                return by_operations(c, g, &[&x], |t| composed_pdist(&t[0], p));
            }
            let dtype = x.dtype();
            let dx = dispatch::empty(x.shape(), dtype, x.device())?;
            let (g, x) = (operand(g, dtype)?, operand(&x, dtype)?);
            dispatch::distance::pdist_gradient(&g, &x, p, &c.get(y)?, &dx);
            grads![dx]
        }
    })
}

fn composed_pdist(x: &Tensor, p: f64) -> Result<Tensor> {
    let n = x.size(0);
    let pairs = super::shift::triu_indices(n as i64, n as i64, 1, None, Some(x.device()))?;
    let take = |which: i64| super::index::index(x, &[Some(super::view::select(&pairs, 0, which)?), None]);
    norm_along(&take(0)?.sub(&take(1)?)?, p, -1, false)
}

ops! {
    /// The p-norm of `x1 - x2 + eps` over the last dim.
    "pairwise_distance(Tensor x1, Tensor x2, float p=2.0, float eps=1e-06, bool keepdim=False) -> Tensor" [f] => pairwise_distance(0, 1, 2, 3, 4);
    /// Cosine of the angle between vectors along `dim`.
    "cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor" [f] => cosine_similarity(0, 1, 2, 3);
    /// Distances between all pairs of rows: the strict upper triangle, row by row.
    "pdist(Tensor self, float p=2.0) -> Tensor" [f] => pdist(0, 1);
}
