//! Norms of matrices.

use super::{check_float, check_matrix, svd};
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::ops::copy::to_dtype;
use crate::ops::extreme::{amax, amin};
use crate::ops::helpers::dim_mask;
use crate::ops::reduce::sum;
use crate::ops::vector_norm::{order as real_order, vector_norm};
use crate::ops::view;
use crate::tensor::{DType, Scalar, Tensor};
use smallvec::SmallVec;

const NAME: &str = "linalg.matrix_norm";

/// The input in the dtype to compute in, and its two wrapped dims.
///
/// Halves have sums, but no singular values.
fn prepare(x: &Tensor, dim: &[i64], dtype: Option<DType>, singular: bool) -> Result<(Tensor, i64, i64)> {
    let &[a, b] = dim else {
        let shown: Vec<String> = dim.iter().map(i64::to_string).collect();
        fail!(Runtime, torch: ("{NAME}: dim must be a 2-tuple. Got {}", shown.join(" ")), expected: ("{NAME}: expected two dims"), got: ("{dim:?}"), fix: ("Name rows and columns."))
    };
    let (p, q) = (x.wrap_dim(a)? as i64, x.wrap_dim(b)? as i64);
    if p == q {
        fail!(Runtime, torch: ("{NAME}: dims must be different. Got ({a}, {b})"), expected: ("{NAME}: expected two dims"), got: ("one twice"), fix: ("Name rows and columns."));
    }
    check_matrix(NAME, x, "A")?;
    let low = x.dtype().is_half() && singular;
    if low || !x.dtype().is_differentiable() {
        check_float(NAME, x)?;
    }
    Ok((
        match dtype {
            Some(d) => to_dtype(x, d)?,
            None => x.clone(),
        },
        p,
        q,
    ))
}

/// A norm of the singular values of the matrices in two dims.
fn of_singular(x: &Tensor, (p, q): (i64, i64), keepdim: bool, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let y = f(&svd::svdvals(&view::movedim(x, &[p, q], &[-2, -1])?)?)?;
    if !keepdim {
        return Ok(y);
    }
    view::unsqueeze(&view::unsqueeze(&y, p.min(q))?, p.max(q))
}

/// A matrix norm of order 1, -1, 2, -2, inf or -inf.
pub fn by_order(x: &Tensor, order: f64, dim: &[i64], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    let magnitude = order.abs();
    if magnitude != 1.0 && magnitude != 2.0 && !magnitude.is_infinite() {
        check_matrix(NAME, x, "A")?;
        fail!(Runtime, torch: ("{NAME}: Order {order} not supported."), expected: ("{NAME}: expected 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'"), got: ("{order}"), fix: ("Use vector_norm() for other orders."));
    }
    check_matrix(NAME, x, "A")?;
    let (x, p, q) = prepare(x, dim, dtype, magnitude == 2.0)?;
    // The greatest of no sums is 0, as norms are not negative; there is no least one.
    let extreme = |t: &Tensor, d: i64, keepdim: bool| match order > 0.0 {
        true if t.size(t.wrap_dim(d)?) == 0 => sum(t, Some(&[d]), keepdim, None),
        true => amax(t, &[d], keepdim),
        false => amin(t, &[d], keepdim),
    };
    if magnitude == 2.0 {
        return of_singular(&x, (p, q), keepdim, |s| extreme(s, -1, false));
    }
    let (summed, mut other) = if magnitude == 1.0 { (p, q) } else { (q, p) };
    if !keepdim && other > summed {
        other -= 1;
    }
    let y = vector_norm(&x, 1.0, Some(&[summed]), keepdim, None)?;
    extreme(&y, other, keepdim)
}

/// The Frobenius or the nuclear norm.
pub fn by_name(x: &Tensor, name: &str, dim: &[i64], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    check_matrix(NAME, x, "A")?;
    if name != "fro" && name != "nuc" {
        fail!(Runtime, torch: ("{NAME}: Order {name} not supported."), expected: ("{NAME}: expected 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'"), got: ("{name}"), fix: ("Use one of these."));
    }
    let (y, p, q) = prepare(x, dim, dtype, name != "fro")?;
    if name == "fro" {
        return vector_norm(x, 2.0, Some(&[p, q]), keepdim, dtype);
    }
    of_singular(&y, (p, q), keepdim, |s| sum(s, Some(&[-1]), false, None))
}

fn matrix_norm(x: &Tensor, order: Scalar, dim: &[i64], keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    by_order(x, order.f64(), dim, keepdim, dtype)
}

/// A vector norm, or where `ord` is given and two dims are meant, a matrix norm.
fn norm(x: &Tensor, order: Option<Scalar>, dim: Option<&[i64]>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    check_dims(x, order.is_some(), dim)?;
    if let (Some(order), true) = (order, dim.map_or(x.ndim(), <[i64]>::len) == 2) {
        return by_order(x, order.f64(), dim.unwrap_or(&[0, 1]), keepdim, dtype);
    }
    vector_norm(x, order.map_or(Ok(2.0), real_order)?, dim, keepdim, dtype)
}

fn check_dims(x: &Tensor, ordered: bool, dim: Option<&[i64]>) -> Result<()> {
    match dim {
        Some(d) if d.len() != 1 && d.len() != 2 => {
            fail!(Runtime, torch: ("linalg.norm: If dim is specified, it must be of length 1 or 2. Got {d:?}"), expected: ("linalg.norm: expected one or two dims"), got: ("{d:?}"), fix: ("Use vector_norm() for more."))
        }
        None if ordered && x.ndim() != 1 && x.ndim() != 2 => {
            fail!(Runtime, torch: ("linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {}D.", x.ndim()), expected: ("linalg.norm: expected a vector or a matrix"), got: ("{} dims", x.ndim()), fix: ("Name the dims."))
        }
        Some(d) => dim_mask(x, d, true).map(|_| ()),
        None => Ok(()),
    }
}

fn norm_named(x: &Tensor, order: &str, dim: Option<&[i64]>, keepdim: bool, dtype: Option<DType>) -> Result<Tensor> {
    if dim.is_none() {
        check_dims(x, true, None)?;
    }
    let all: SmallVec<[i64; 2]> = (0..x.ndim() as i64).collect();
    by_name(x, order, dim.unwrap_or(&all), keepdim, dtype)
}

ops! {
    /// A matrix norm of order 1, -1, 2, -2, inf or -inf.
    "linalg_matrix_norm(Tensor self, Scalar ord, int[] dim=[-2, -1], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [l o] => matrix_norm(0, 1, 2, 3, 4);
    /// The Frobenius ('fro') or nuclear ('nuc') norm.
    "linalg_matrix_norm(Tensor self, str ord='fro', int[] dim=[-2, -1], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [l o] => by_name(0, 1, 2, 3, 4);
    /// A vector norm, or with an order and two dims a matrix norm.
    "linalg_norm(Tensor self, Scalar? ord=None, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [l o] => norm(0, 1, 2, 3, 4);
    /// A matrix norm given by name.
    "linalg_norm(Tensor self, str ord, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor" [l o] => norm_named(0, 1, 2, 3, 4);
}
