//! Linear systems with square matrices, and inverses.

use super::{adjoint, broadcast_batches, check_equation, check_float, check_info, check_matrix, check_square, lu};
use super::{matmul3, transposed};
use crate::autograd::{mode, record};
use crate::dispatch;
use crate::error::{Kind, Result};
use crate::grads;
use crate::ops;
use crate::ops::matmul::matmul;
use crate::ops::view;
use crate::tensor::Tensor;

/// Solves `a x = b`; leading dims are equal. Also the index from 1 of the first zero pivot, or 0.
///
/// `gb = a^-H gx`, `ga = -gb x^H` (Giles 2008, "An extended collection of matrix derivative results", section 2.3).
pub fn solve_left(a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let (factors, pivots, info) = lu::factor(a)?;
    let x = lu::solve_raw(&factors, &pivots, b, false)?;
    let x = record(x, "LinalgSolveExBackward0", &[a, b], |s| {
        let (a, x) = (s.input(a), s.needs(0).then(|| s.output(0)));
        let factors = (s.input(&factors), s.input(&pivots));
        move |c, g| {
            // Factors are not recorded: a gradient that will be differentiated needs a itself.
            let gb = if mode::grad_enabled() {
                solve_left(&adjoint(&c.get(a)?)?, g)?.0
            } else {
                lu::solve_raw(&c.get(factors.0)?, &c.get(factors.1)?, g, true)?
            };
            let ga = match x {
                Some(x) if c.needs(0) => Some(matmul(&gb, &adjoint(&c.get(x)?)?)?.neg()?),
                _ => None,
            };
            grads![ga, c.needs(1).then_some(gb)]
        }
    })?;
    Ok((x, info))
}

/// [`solve_left`] from either side, with checks and broadcasting; `b` may be a batch of vectors.
fn solve_any(a: &Tensor, b: &Tensor, left: bool) -> Result<(Tensor, Tensor)> {
    const NAME: &str = "linalg.solve";
    check_matrix(NAME, a, "A")?;
    check_float(NAME, a)?;
    super::check_same_dtype(NAME, a, b)?;
    check_square(NAME, a)?;
    let vectors = b.ndim() == 1 || (b.ndim() + 1 == a.ndim() && b.shape() == &a.shape()[..a.ndim() - 1]);
    let b = if vectors { view::unsqueeze(b, -1)? } else { b.clone() };
    check_matrix(NAME, &b, "B")?;
    check_equation(NAME, a, &b, left)?;
    let (a, b) = broadcast_batches(a, &b)?;
    let (x, info) = if left {
        solve_left(&a, &b)?
    } else {
        let (x, info) = solve_left(&transposed(&a)?, &transposed(&b)?)?;
        (transposed(&x)?, info)
    };
    Ok((if vectors { view::squeeze_dim(&x, -1)? } else { x }, info))
}

fn singular(_: i32) -> String {
    "The solver failed because the input matrix is singular.".into()
}

const SOLVE_FIX: &str = "Use linalg.lstsq, or add a multiple of the identity.";

/// Solves `A X = B`, or `X A = B` if not `left`.
pub fn solve(a: &Tensor, b: &Tensor, left: bool) -> Result<Tensor> {
    let (x, info) = solve_any(a, b, left)?;
    check_info(Kind::LinAlg, "torch.linalg.solve", &info, singular, SOLVE_FIX)?;
    Ok(x)
}

fn solve_ex(a: &Tensor, b: &Tensor, left: bool, check: bool) -> Result<(Tensor, Tensor)> {
    let r = solve_any(a, b, left)?;
    if check {
        check_info(Kind::LinAlg, "torch.linalg.solve_ex", &r.1, singular, SOLVE_FIX)?;
    }
    Ok(r)
}

/// The sentence for a matrix without an inverse.
pub fn zero_diagonal(i: i32) -> String {
    format!(
        "The diagonal element {i} is zero, the inversion could not be completed because the input matrix is singular."
    )
}

/// What to do about a matrix without an inverse.
pub const INVERSE_FIX: &str = "Use linalg.pinv, or add a multiple of the identity.";

/// The inverse, and the index from 1 of the first zero pivot, or 0. `gA = -X^H gX X^H` of `X = A^-1`.
pub fn inverse_info(a: &Tensor) -> Result<(Tensor, Tensor)> {
    check_square("linalg.inv", a)?;
    check_float("linalg.inv", a)?;
    let (factors, pivots, info) = lu::factor(a)?;
    let x = dispatch::linalg::invert_lu(&factors, &pivots)?;
    let x = record(x, "LinalgInvExBackward0", &[a], |s| {
        let x = s.output(0);
        move |c, g| {
            let xh = adjoint(&c.get(x)?)?;
            grads![matmul3(&xh, g, &xh)?.neg()?]
        }
    })?;
    Ok((x, info))
}

/// The inverse.
pub fn inverse(a: &Tensor) -> Result<Tensor> {
    let (x, info) = inverse_info(a)?;
    check_info(Kind::LinAlg, "linalg.inv", &info, zero_diagonal, INVERSE_FIX)?;
    Ok(x)
}

fn inv_ex(a: &Tensor, check: bool) -> Result<(Tensor, Tensor)> {
    let r = inverse_info(a)?;
    if check {
        check_info(Kind::LinAlg, "linalg.inv_ex", &r.1, zero_diagonal, INVERSE_FIX)?;
    }
    Ok(r)
}

ops! {
    /// The X of `A @ X = B`, or of `X @ A = B` if not `left`; B may hold vectors.
    "linalg_solve(Tensor A, Tensor B, *, bool left=True) -> Tensor" [l o] => solve(0, 1, 2);
    /// linalg.solve that reports in `info` instead of raising.
    "linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, Tensor info)" [l o] => solve_ex(0, 1, 2, 3);
    /// The inverse of each matrix.
    "linalg_inv(Tensor A) -> Tensor" [l o] => inverse(0);
    /// linalg.inv that reports in `info` instead of raising.
    "linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)" [l o] => inv_ex(0, 1);
    /// The inverse of each matrix.
    "inverse(Tensor self) -> Tensor" [f m o] => inverse(0);
}
