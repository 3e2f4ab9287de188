//! Cholesky factorisation.

use super::triangular::{self, Kind};
use super::{adjoint, check_float, check_info, check_kernel, check_square, diagonal, diagonal_matrix, extents, tril};
use crate::autograd::record;
use crate::dispatch;
use crate::error::{Kind as ErrorKind, Result};
use crate::fail;
use crate::grads;
use crate::ops;
use crate::ops::matmul::matmul;
use crate::tensor::{DType, Tensor};

/// The lower factor L of Hermitian `a = L L^H`, whose upper triangle is not read, and the order from 1 of the first leading
/// minor that is not positive, or 0.
///
/// `gA` is the Hermitian part of `L^-H phi(L^H gL) L^-1`, phi the lower triangle with half its diagonal (Murray 2016,
/// arXiv:1602.07527).
fn lower(a: &Tensor) -> Result<(Tensor, Tensor)> {
    let y = dispatch::linalg::copy_columns(a)?;
    let info = dispatch::empty(&dispatch::linalg::batch_shape(a, 2), DType::I32, a.device())?;
    dispatch::linalg::cholesky(&y, &info)?;
    let y = record(y, "LinalgCholeskyExBackward0", &[a], |s| {
        let l = s.output(0);
        move |c, g| {
            let l = c.get(l)?;
            let x = matmul(&adjoint(&l)?, g)?;
            let phi = tril(&x, 0)?.sub(&diagonal_matrix(&diagonal(&x)?.mul_scalar(0.5)?)?)?;
            let left = triangular::solve(&adjoint(&l)?, &phi, Kind::UPPER)?;
            let s = triangular::solve(&l, &left, Kind::LOWER.right())?;
            grads![s.add(&adjoint(&s)?)?.mul_scalar(0.5)?]
        }
    })?;
    Ok((y, info))
}

fn factor(a: &Tensor, upper: bool) -> Result<(Tensor, Tensor)> {
    if !upper {
        return lower(a);
    }
    let (l, info) = lower(&adjoint(a)?)?;
    Ok((adjoint(&l)?, info))
}

fn not_positive(i: i32) -> String {
    format!(
        "The factorization could not be completed because the input is not positive-definite (the leading minor of order {i} is not positive-definite)."
    )
}

const FIX: &str = "Add a multiple of the identity, or use linalg.ldl_factor.";

/// The Cholesky factor of each matrix.
pub fn cholesky(a: &Tensor, upper: bool) -> Result<Tensor> {
    named(a, upper, "linalg.cholesky")
}

fn named(a: &Tensor, upper: bool, name: &str) -> Result<Tensor> {
    check_square(name, a)?;
    check_float(name, a)?;
    let (l, info) = factor(a, upper)?;
    check_info(ErrorKind::LinAlg, name, &info, not_positive, FIX)?;
    Ok(l)
}

fn cholesky_ex(a: &Tensor, upper: bool, check: bool) -> Result<(Tensor, Tensor)> {
    check_square("linalg.cholesky", a)?;
    check_float("linalg.cholesky", a)?;
    let r = factor(a, upper)?;
    if check {
        check_info(ErrorKind::LinAlg, "linalg.cholesky_ex", &r.1, not_positive, FIX)?;
    }
    Ok(r)
}

fn cholesky_old(a: &Tensor, upper: bool) -> Result<Tensor> {
    named(a, upper, "cholesky")
}

/// Solves `L L^H x = b` by a factor; leading dims are equal.
fn solve_factored(factor: &Tensor, b: &Tensor, upper: bool) -> Result<Tensor> {
    let l = if upper { adjoint(factor)? } else { factor.clone() };
    let y = triangular::solve(&l, b, Kind::LOWER)?;
    triangular::solve(&adjoint(&l)?, &y, Kind::UPPER)
}

fn cholesky_solve(b: &Tensor, factor: &Tensor, upper: bool) -> Result<Tensor> {
    for (name, t) in [("b", b), ("u", factor)] {
        if t.ndim() < 2 {
            fail!(Runtime, torch: ("{name} should have at least 2 dimensions, but has {} dimensions instead", t.ndim()), expected: ("cholesky_solve: expected matrices"), got: ("{:?}", t.shape()), fix: ("Unsqueeze it first."));
        }
    }
    if b.dtype() != factor.dtype() {
        fail!(Runtime, torch: ("Expected b and A to have the same dtype, but found b of type {} and A of type {} instead.", b.dtype().scalar_name(), factor.dtype().scalar_name()), expected: ("cholesky_solve: expected one dtype"), got: ("{} and {}", b.dtype().name(), factor.dtype().name()), fix: ("Convert one with .to()."));
    }
    super::check_extents("A", factor)?;
    let ((n, _), (p, q)) = (extents(factor), extents(b));
    if n != p {
        fail!(Runtime, torch: ("Incompatible matrix sizes for cholesky_solve: each A matrix is {n} by {n} but each b matrix is {p} by {q}"), expected: ("cholesky_solve: expected {n} rows in b"), got: ("{p}"), fix: ("Transpose b."));
    }
    check_kernel("cholesky_solve", b)?;
    let (factor, b) = super::broadcast_batches(factor, b)?;
    solve_factored(&factor, &b, upper)
}

fn cholesky_inverse(factor: &Tensor, upper: bool) -> Result<Tensor> {
    check_square("cholesky_inverse", factor)?;
    check_kernel("cholesky_inverse_out", factor)?;
    let info = dispatch::empty(&dispatch::linalg::batch_shape(factor, 2), DType::I32, factor.device())?;
    dispatch::linalg::zero_diagonals(factor, &info);
    check_info(ErrorKind::LinAlg, "cholesky_inverse", &info, super::solve::zero_diagonal, super::solve::INVERSE_FIX)?;
    inverse(&if upper { adjoint(factor)? } else { factor.clone() })
}

/// `X = (L L^H)^-1` by the lower factor L.
///
/// `gL` is the lower triangle of `-X (gX + gX^H) X L`, where `X L = L^-H`.
fn inverse(l: &Tensor) -> Result<Tensor> {
    let y = dispatch::linalg::invert_cholesky(l)?;
    record(y, "CholeskyInverseBackward0", &[l], |s| {
        let (l, y) = (s.input(l), s.output(0));
        move |c, g| {
            let x = matmul(&c.get(y)?, &g.add(&adjoint(g)?)?)?;
            let gl = triangular::solve(&adjoint(&c.get(l)?)?, &x, Kind::UPPER.right())?;
            grads![tril(&gl, 0)?.neg()?]
        }
    })
}

ops! {
    /// The Cholesky factor of each Hermitian positive-definite matrix; the other triangle is not read.
    "linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor" [l o] => cholesky(0, 1);
    /// linalg.cholesky that reports in `info` instead of raising.
    "linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)" [l o] => cholesky_ex(0, 1, 2);
    /// The Cholesky factor of each matrix. Deprecated: use linalg.cholesky.
    "cholesky(Tensor self, bool upper=False) -> Tensor" [f m o] => cholesky_old(0, 1);
    /// Solves `A X = self` by A's Cholesky factor.
    "cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor" [f m o] => cholesky_solve(0, 1, 2);
    /// The inverse of the matrix with this Cholesky factor.
    "cholesky_inverse(Tensor self, bool upper=False) -> Tensor" [f m o] => cholesky_inverse(0, 1);
}
