//! Determinants.

use super::{adjoint, check_float, check_square, diagonal, diagonal_matrix, lu, solve};
use crate::autograd::{mode, no_grad, record, record::record_many};
use crate::dispatch;
use crate::error::Result;
use crate::grads;
use crate::ops;
use crate::ops::choose::where_;
use crate::ops::pointwise::number;
use crate::ops::view;
use crate::tensor::{DType, Scalar, Tensor};

/// The factors of `a` and the signs of their permutations.
fn factors(a: &Tensor) -> Result<(Tensor, Tensor, Tensor)> {
    let (lu, pivots, _) = lu::factor(a)?;
    let signs = dispatch::empty(&a.shape()[..a.ndim() - 2], a.dtype().to_real(), a.device())?;
    dispatch::linalg::signs(&pivots, &signs);
    Ok((lu, pivots, signs))
}

/// `x` of a batch of numbers as multiples of the identity.
fn multiples(x: &Tensor, n: usize) -> Result<Tensor> {
    let column = view::unsqueeze(x, -1)?;
    let shape: Vec<i64> = x.shape().iter().map(|&d| d as i64).chain([n as i64]).collect();
    diagonal_matrix(&view::expand(&column, &shape)?)
}

/// The determinant of each matrix. `gA = conj(det) g A^-H`.
pub fn det(a: &Tensor) -> Result<Tensor> {
    check_square("linalg.det", a)?;
    check_float("linalg.det", a)?;
    let n = super::extents(a).0;
    let (lu, pivots, y) = no_grad(|| {
        let (lu, pivots, signs) = factors(a)?;
        let y = crate::ops::reduce::prod(&diagonal(&lu)?, -1, false, None)?.mul(&signs)?;
        Ok::<_, crate::error::Error>((lu, pivots, y))
    })?;
    record(y, "LinalgDetBackward0", &[a], |s| {
        let (a, y) = (s.input(a), s.output(0));
        let (lu, pivots) = (s.input(&lu), s.input(&pivots));
        move |c, g| {
            if mode::grad_enabled() {
                let scale = g.mul(&c.get(y)?.conj()?)?;
                return grads![solve::solve_left(&adjoint(&c.get(a)?)?, &multiples(&scale, n)?)?.0];
            }
            // The adjugate is a polynomial in A, so that a pivot of 0 may be moved a little.
            let (lu, pivots) = (c.get(lu)?, c.get(pivots)?);
            let d = diagonal(&lu)?;
            let eps = number(if d.dtype().to_real() == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 })?;
            let moved = where_(&d.eq_scalar(0.0)?, &eps, &d)?;
            let lu = lu.add(&diagonal_matrix(&moved.sub(&d)?)?)?;
            let signs = dispatch::empty(g.shape(), g.dtype().to_real(), g.device())?;
            dispatch::linalg::signs(&pivots, &signs);
            let y = crate::ops::reduce::prod(&moved, -1, false, None)?.mul(&signs)?;
            grads![lu::solve_raw(&lu, &pivots, &multiples(&g.mul(&y.conj()?)?, n)?, true)?]
        }
    })
}

/// Sign (of magnitude 1, or 0) and logarithm of the magnitude of each determinant.
///
/// With `t = tr(A^-1 dA)`, `d log|det| = Re t` and `d sign = i sign Im t`.
pub fn slogdet(a: &Tensor) -> Result<(Tensor, Tensor)> {
    slogdet_named(a, "linalg.slogdet")
}

fn slogdet_named(a: &Tensor, name: &str) -> Result<(Tensor, Tensor)> {
    check_square(name, a)?;
    check_float(name, a)?;
    let n = super::extents(a).0;
    let (lu, pivots, sign, log) = no_grad(|| {
        let (lu, pivots, signs) = factors(a)?;
        let d = diagonal(&lu)?;
        let sign = crate::ops::reduce::prod(&d.sgn()?, -1, false, None)?.mul(&signs)?;
        let log = d.abs()?.log()?.sum_dims(&[-1], false)?;
        Ok::<_, crate::error::Error>((lu, pivots, sign, log))
    })?;
    record_many(&[&sign, &log], "LinalgSlogdetBackward0", &[a], |s| {
        let (a, sign) = (s.input(a), s.output(0));
        let (lu, pivots) = (s.input(&lu), s.input(&pivots));
        move |c, g| {
            let sign = c.get(sign)?;
            let mut scale = match &g[1] {
                Some(g) => crate::ops::copy::to_dtype(g, sign.dtype())?,
                None => sign.zeros_like()?,
            };
            if let (Some(g), true) = (&g[0], sign.dtype().is_complex()) {
                let turn = crate::ops::reinterpret::imag(&g.conj()?.mul(&sign)?)?;
                scale = scale.sub(&turn.mul(&number(Scalar::Complex(0.0, 1.0))?)?)?;
            }
            let right = multiples(&scale, n)?;
            grads![if mode::grad_enabled() {
                solve::solve_left(&adjoint(&c.get(a)?)?, &right)?.0
            } else {
                lu::solve_raw(&c.get(lu)?, &c.get(pivots)?, &right, true)?
            }]
        }
    })?;
    Ok((sign, log))
}

fn logdet(a: &Tensor) -> Result<Tensor> {
    let (sign, log) = slogdet_named(a, "logdet")?;
    if sign.dtype().is_complex() {
        return sign.log()?.add(&log);
    }
    where_(&sign.eq_scalar(-1.0)?, &number(f64::NAN)?, &log)
}

ops! {
    /// The determinant of each matrix.
    "linalg_det(Tensor A) -> Tensor" [l o] => det(0);
    /// The determinant of each matrix.
    "det(Tensor self) -> Tensor" [f m] => det(0);
    /// Sign and logarithm of the magnitude of each determinant.
    "linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)" [l o] => slogdet(0);
    /// Sign and logarithm of the magnitude of each determinant.
    "slogdet(Tensor self) -> (Tensor sign, Tensor logabsdet)" [f m o] => slogdet(0);
    /// The logarithm of each determinant; NaN where it is negative.
    "logdet(Tensor self) -> Tensor" [f m] => logdet(0);
}
