//! Triangular systems.

use super::{
    adjoint, broadcast_batches, check_equation, check_kernel, check_matrix, check_square, transposed, tril, triu,
};
use crate::autograd::record;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::ops::matmul::matmul;
use crate::tensor::Tensor;

/// Which triangle, on which side, and whether its diagonal counts as ones.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The upper triangle?
    pub upper: bool,
    /// `a @ x = b`, else `x @ a = b`?
    pub left: bool,
    /// Is the diagonal taken as ones?
    pub unit: bool,
}

impl Kind {
    /// The lower triangle with a unit diagonal, from the left.
    pub const UNIT_LOWER: Kind = Kind { upper: false, left: true, unit: true };
    /// The upper triangle from the left.
    pub const UPPER: Kind = Kind { upper: true, left: true, unit: false };
    /// The lower triangle from the left.
    pub const LOWER: Kind = Kind { upper: false, left: true, unit: false };

    /// The same from the right.
    pub const fn right(self) -> Kind {
        Kind { left: false, ..self }
    }

    fn flipped(self) -> Kind {
        Kind { upper: !self.upper, ..self }
    }
}

/// Solves `a @ x = b` or `x @ a = b` for triangular `a`; the leading dims are equal.
///
/// With `b = a x`: `gb = a^-H gx`, and `ga = -gb x^H` on a's triangle.
pub fn solve(a: &Tensor, b: &Tensor, kind: Kind) -> Result<Tensor> {
    let x = dispatch::linalg::copy_columns(b)?;
    dispatch::linalg::solve_triangular(a, &x, kind.upper, kind.left, kind.unit)?;
    record(x, "LinalgSolveTriangularBackward0", &[a, b], |s| {
        let (a, x) = (s.input(a), s.needs(0).then(|| s.output(0)));
        move |c, g| {
            let gb = solve(&adjoint(&c.get(a)?)?, g, kind.flipped())?;
            let ga = match x {
                Some(x) if c.needs(0) => {
                    let x = adjoint(&c.get(x)?)?;
                    let full = if kind.left { matmul(&gb, &x)? } else { matmul(&x, &gb)? }.neg()?;
                    let off = kind.unit as i64;
                    Some(if kind.upper { triu(&full, off)? } else { tril(&full, -off)? })
                }
                _ => None,
            };
            grads![ga, c.needs(1).then_some(gb)]
        }
    })
}

/// [`solve`] with checks and broadcasting.
pub fn solve_triangular(a: &Tensor, b: &Tensor, upper: bool, left: bool, unit: bool) -> Result<Tensor> {
    const NAME: &str = "linalg.solve_triangular";
    super::check_same_dtype(NAME, a, b)?;
    check_square(NAME, a)?;
    check_matrix(NAME, b, "B")?;
    check_equation(NAME, a, b, left)?;
    check_kernel("triangular_solve", a)?;
    let (a, b) = broadcast_batches(a, b)?;
    solve(&a, &b, Kind { upper, left, unit })
}

/// The older spelling: the solution, and a copy of `a`.
fn triangular_solve(b: &Tensor, a: &Tensor, upper: bool, transpose: bool, unit: bool) -> Result<(Tensor, Tensor)> {
    for (name, t) in [("b", b), ("A", a)] {
        if t.ndim() < 2 {
            fail!(Runtime, torch: ("torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has {} dimensions instead", t.ndim()), expected: ("triangular_solve: expected matrices"), got: ("{:?}", t.shape()), fix: ("Unsqueeze it first."));
        }
    }
    super::check_extents("A", a)?;
    let ((n, _), (p, q)) = (super::extents(a), super::extents(b));
    if n != p {
        fail!(Runtime, torch: ("Incompatible matrix sizes for triangular_solve: each A matrix is {n} by {n} but each b matrix is {p} by {q}"), expected: ("triangular_solve: expected {n} rows in b"), got: ("{p}"), fix: ("Transpose b."));
    }
    super::check_same_dtype("triangular_solve", b, a)?;
    check_kernel("triangular_solve", a)?;
    let (a, b) = broadcast_batches(a, b)?;
    let kind = Kind { upper, left: true, unit };
    let x = if transpose { solve(&transposed(&a)?, &b, kind.flipped())? } else { solve(&a, &b, kind)? };
    Ok((x, crate::ops::copy::clone_strided(&a, &dispatch::linalg::column_strides(a.shape()))?))
}

ops! {
    /// Solves `A @ X = B`, or `X @ A = B` if not `left`, for triangular A; the other triangle is not read.
    "linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, bool unitriangular=False) -> Tensor" [l o] => solve_triangular(0, 1, 2, 3, 4);
    /// Solves `A @ X = b` for triangular A. Deprecated: use linalg.solve_triangular.
    "triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool unitriangular=False) -> (Tensor solution, Tensor cloned_coefficient)" [f m o] => triangular_solve(0, 1, 2, 3, 4);
}
