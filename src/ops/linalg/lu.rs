//! LU factorisation with partial pivoting, and what is solved with it.

use super::triangular::{self, Kind};
use super::{
    absent, adjoint, broadcast_batches, check_equation, check_float, check_matrix, cols, extents, identity, rows, tril,
    triu,
};
use crate::autograd::{needs_grad, record, record::record_many};
use crate::dispatch;
use crate::error::{Kind as ErrorKind, Result};
use crate::fail;
use crate::grads;
use crate::ops;
use crate::ops::copy::contiguous;
use crate::ops::matmul::matmul;
use crate::ops::pad::constant_pad;
use crate::ops::view;
use crate::tensor::{DType, Scalar, Tensor};

/// `a = P L U`: L and U in one tensor, pivots (int32, from 1) and the index from 1 of the first pivot that is 0, or 0.
/// Not recorded.
pub fn factor(a: &Tensor) -> Result<(Tensor, Tensor, Tensor)> {
    let lu = dispatch::linalg::copy_columns(a)?;
    let (m, n) = extents(a);
    let mut shape = dispatch::linalg::batch_shape(a, 2);
    let info = dispatch::empty(&shape, DType::I32, a.device())?;
    shape.push(m.min(n));
    let pivots = dispatch::empty(&shape, DType::I32, a.device())?;
    dispatch::linalg::lu(&lu, &pivots, &info)?;
    Ok((lu, pivots, info))
}

/// [`factor`], recorded.
pub fn lu_factor(a: &Tensor, pivot: bool, kernel: &str) -> Result<(Tensor, Tensor, Tensor)> {
    if a.ndim() < 2 {
        fail!(Runtime, torch: ("torch.lu_factor: Expected tensor with 2 or more dimensions. Got size: {:?} instead", a.shape()), expected: ("{kernel}: expected shape (*, m, n)"), got: ("{:?}", a.shape()), fix: ("Unsqueeze it first."));
    }
    super::check_kernel("lu_factor", a)?;
    if !pivot {
        fail!(Runtime, torch: ("linalg.lu_factor: LU without pivoting is not implemented on the CPU"), expected: ("{kernel}: expected pivot=True"), got: ("False"), fix: ("Leave it out."));
    }
    let (lu, pivots, info) = factor(a)?;
    let (m, n) = extents(a);
    let lu = record(lu, "LinalgLuFactorExBackward0", &[a], |s| {
        let (lu, pivots) = (s.output(0), s.input(&pivots));
        move |c, g| {
            let (l, u) = halves(&c.get(lu)?)?;
            let k = m.min(n);
            grads![backward(&tril(&cols(g, 0, k)?, -1)?, &triu(&rows(g, k)?, 0)?, &l, &u, &c.get(pivots)?)?]
        }
    })?;
    Ok((lu, pivots, info))
}

/// With `X = L^-1 P^T dA U^-1` of a square matrix, `dL = L tril(X, -1)` and `dU = triu(X) U`. Rows of a tall L and columns
/// of a wide U beyond the square follow from it.
fn backward(gl: &Tensor, gu: &Tensor, l: &Tensor, u: &Tensor, pivots: &Tensor) -> Result<Tensor> {
    let ((m, k), n) = (extents(l), extents(u).1);
    let (l1, u1) = (rows(l, k)?, cols(u, 0, k)?);
    let (mut gl1, mut gu1) = (rows(gl, k)?, cols(gu, 0, k)?);
    let (mut right, mut below) = (None, None);
    let lower = Kind { upper: true, ..Kind::UNIT_LOWER };
    let by_l = |x: &Tensor| triangular::solve(&adjoint(&l1)?, x, lower);
    let by_u = |x: &Tensor| triangular::solve(&adjoint(&u1)?, x, Kind::LOWER.right());
    if n > k {
        let g = by_l(&cols(gu, k, n - k)?)?;
        gl1 = gl1.sub(&matmul(&g, &adjoint(&cols(u, k, n - k)?)?)?)?;
        right = Some(g);
    }
    if m > k {
        let rest = |x: &Tensor| view::narrow(x, -2, k as i64, (m - k) as i64);
        let g = by_u(&rest(gl)?)?;
        gu1 = gu1.sub(&matmul(&adjoint(&rest(l)?)?, &g)?)?;
        below = Some(g);
    }
    let x = tril(&matmul(&adjoint(&l1)?, &gl1)?, -1)?.add(&triu(&matmul(&gu1, &adjoint(&u1)?)?, 0)?)?;
    let mut g = by_u(&by_l(&x)?)?;
    if let Some(right) = right {
        g = crate::ops::join::cat(&[g, right], -1)?;
    }
    if let Some(below) = below {
        g = crate::ops::join::cat(&[g, below], -2)?;
    }
    exchanged(&g, pivots, true)
}

/// Rows exchanged as pivots say: `P^T x`, or `P x` backwards. Leading dims are equal.
fn exchanged(x: &Tensor, pivots: &Tensor, backwards: bool) -> Result<Tensor> {
    let y = dispatch::linalg::copy_columns(x)?;
    dispatch::linalg::exchange_rows(&y, &contiguous(pivots)?, backwards)?;
    record(y, "LinalgExchangeRowsBackward0", &[x], |s| {
        let pivots = s.input(pivots);
        move |c, g| grads![exchanged(g, &c.get(pivots)?, !backwards)?]
    })
}

/// L (m x k, unit diagonal) and U (k x n).
fn halves(lu: &Tensor) -> Result<(Tensor, Tensor)> {
    let (m, n) = extents(lu);
    let k = m.min(n);
    Ok((tril(&cols(lu, 0, k)?, -1)?.add(&identity(m, k, lu)?)?, triu(&rows(lu, k)?, 0)?))
}

/// [`halves`], recorded as one.
fn unpacked(lu: &Tensor) -> Result<(Tensor, Tensor)> {
    let (m, n) = extents(lu);
    let k = m.min(n);
    let half = |rows: usize, cols: usize| {
        let mut shape = dispatch::linalg::batch_shape(lu, 2);
        shape.extend([rows, cols]);
        dispatch::empty(&shape, lu.dtype(), lu.device())
    };
    let (l, u) = (half(m, k)?, half(k, n)?);
    dispatch::linalg::unpack_lu(lu, &l, &u)?;
    record_many(&[&l, &u], "LuUnpackBackward0", &[lu], |_| {
        move |_, g| {
            let lower = g[0].as_ref().map(|g| padded(&tril(g, -1)?, m, n)).transpose()?;
            let upper = g[1].as_ref().map(|g| padded(&triu(g, 0)?, m, n)).transpose()?;
            grads![super::sum_of(lower, upper)?]
        }
    })?;
    Ok((l, u))
}

/// `x` with rows and columns of zeros after its own, m x n.
fn padded(x: &Tensor, m: usize, n: usize) -> Result<Tensor> {
    let (rows, cols) = extents(x);
    let more = [0, (n - cols) as i64, 0, (m - rows) as i64];
    if more == [0; 4] { Ok(x.clone()) } else { constant_pad(x, &more, Scalar::Int(0)) }
}

fn zero_pivot(i: i32) -> String {
    format!(
        "U[{i},{i}] is zero and using it on lu_solve would result in a division by zero. If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
    )
}

fn lu_factor_ex(a: &Tensor, pivot: bool, check: bool) -> Result<(Tensor, Tensor, Tensor)> {
    let r = lu_factor(a, pivot, "linalg.lu_factor_ex")?;
    if check {
        super::check_info(
            ErrorKind::Runtime,
            "torch.linalg.lu_factor_ex",
            &r.2,
            zero_pivot,
            "Leave check_errors out.",
        )?;
    }
    Ok(r)
}

fn lu_factor_checked(a: &Tensor, pivot: bool) -> Result<(Tensor, Tensor)> {
    let (lu, pivots, info) = lu_factor(a, pivot, "linalg.lu_factor")?;
    super::check_info(ErrorKind::Runtime, "torch.linalg.lu_factor", &info, zero_pivot, "Use linalg.lu_factor_ex.")?;
    Ok((lu, pivots))
}

fn lu(a: &Tensor, pivot: bool) -> Result<(Tensor, Tensor, Tensor)> {
    check_matrix("linalg.lu", a, "A")?;
    check_float("linalg.lu", a)?;
    let (lu, pivots, _) = lu_factor(a, pivot, "linalg.lu")?;
    lu_unpack(&lu, &pivots, true, true)
}

/// P, L and U from a factorisation; what is not asked for is empty.
fn lu_unpack(lu: &Tensor, pivots: &Tensor, data: bool, permutation: bool) -> Result<(Tensor, Tensor, Tensor)> {
    if lu.ndim() < 2 {
        fail!(Runtime, torch: ("torch.lu_unpack: Expected tensor with 2 or more dimensions. Got size: {:?} instead", lu.shape()), expected: ("lu_unpack: expected shape (*, m, n)"), got: ("{:?}", lu.shape()), fix: ("Pass the results of linalg.lu_factor."));
    }
    let (m, n) = extents(lu);
    if permutation {
        if pivots.dtype() != DType::I32 {
            fail!(Runtime, torch: ("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this function is intended to be used with the output produced by torch.linalg.lu_factor"), expected: ("lu_unpack: expected int32"), got: ("{}", pivots.dtype().name()), fix: ("Pass the results of linalg.lu_factor."));
        }
        let pivots = contiguous(pivots)?;
        let fits = pivots.ndim() + 1 == lu.ndim() && pivots.shape()[..lu.ndim() - 2] == lu.shape()[..lu.ndim() - 2];
        if !fits || pivots.shape()[lu.ndim() - 2] > m || dispatch::linalg::pivots_in_range(&pivots, m) != (true, true) {
            fail!(Runtime, torch: ("pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of lu_factor?"), expected: ("lu_unpack: expected pivots (*, {}) from 1 to {m}", m.min(n)), got: ("shape {:?}", pivots.shape()), fix: ("Pass the results of linalg.lu_factor."));
        }
    }
    let p = if permutation {
        let mut shape = dispatch::linalg::batch_shape(lu, 2);
        shape.extend([m, m]);
        let p = dispatch::zeros(&shape, lu.dtype(), lu.device())?;
        dispatch::linalg::permutations(&p, &contiguous(pivots)?)?;
        p
    } else {
        absent(lu)?
    };
    let (l, u) = if data { unpacked(lu)? } else { (absent(lu)?, absent(lu)?) };
    Ok((p, l, u))
}

/// Solves `a x = b` (`a^H x = b` if `adjoint`) by a's factors; leading dims are equal. Not recorded.
pub fn solve_raw(lu: &Tensor, pivots: &Tensor, b: &Tensor, by_adjoint: bool) -> Result<Tensor> {
    let pivots = contiguous(pivots)?;
    let x = dispatch::linalg::copy_columns(b)?;
    if by_adjoint {
        let lu = adjoint(&lu.detach())?;
        dispatch::linalg::solve_triangular(&lu, &x, false, true, false)?;
        dispatch::linalg::solve_triangular(&lu, &x, true, true, true)?;
        dispatch::linalg::exchange_rows(&x, &pivots, true)?;
    } else {
        dispatch::linalg::exchange_rows(&x, &pivots, false)?;
        dispatch::linalg::solve_triangular(lu, &x, false, true, true)?;
        dispatch::linalg::solve_triangular(lu, &x, true, true, false)?;
    }
    Ok(x)
}

/// [`solve_raw`], recorded. A gradient of the factors is wanted rarely, and then follows from the two triangular solves.
fn solve_factored(lu: &Tensor, pivots: &Tensor, b: &Tensor, by_adjoint: bool) -> Result<Tensor> {
    if needs_grad(&[lu]) {
        let (l, u) = halves(lu)?;
        if by_adjoint {
            let y = triangular::solve(&adjoint(&u)?, b, Kind::LOWER)?;
            let z = triangular::solve(&adjoint(&l)?, &y, Kind { unit: true, ..Kind::UPPER })?;
            return exchanged(&z, pivots, true);
        }
        let y = triangular::solve(&l, &exchanged(b, pivots, false)?, Kind::UNIT_LOWER)?;
        return triangular::solve(&u, &y, Kind::UPPER);
    }
    record(solve_raw(lu, pivots, b, by_adjoint)?, "LinalgLuSolveBackward0", &[b], |s| {
        let (lu, pivots) = (s.input(lu), s.input(pivots));
        move |c, g| grads![solve_factored(&c.get(lu)?, &c.get(pivots)?, g, !by_adjoint)?]
    })
}

/// Solves `A X = B` by A's factors, or with `left` false `X A = B`, or with A's adjoint.
fn lu_solve(lu: &Tensor, pivots: &Tensor, b: &Tensor, left: bool, by_adjoint: bool) -> Result<Tensor> {
    const NAME: &str = "linalg.lu_solve";
    check_float(NAME, lu)?;
    check_matrix("torch.linalg.lu_solve", lu, "LU")?;
    super::check_square("torch.linalg.lu_solve", lu)?;
    if lu.dtype() != b.dtype() {
        fail!(Runtime, torch: ("{NAME}: Expected LU and B to have the same dtype, but found LU of type {} and B of type {} instead", lu.dtype().scalar_name(), b.dtype().scalar_name()), expected: ("lu_solve: expected one dtype"), got: ("{} and {}", lu.dtype().name(), b.dtype().name()), fix: ("Convert one."));
    }
    if pivots.dtype() != DType::I32 {
        fail!(Runtime, torch: ("{NAME}: pivots should be a Tensor of scalar type torch.int32"), expected: ("lu_solve: expected int32"), got: ("{}", pivots.dtype().name()), fix: ("Pass the results of linalg.lu_factor."));
    }
    check_matrix(NAME, b, "B")?;
    check_equation(NAME, lu, b, left)?;
    let n = extents(lu).0;
    if pivots.shape().last() != Some(&n) {
        fail!(Runtime, torch: ("{NAME}: Number of pivots per batch should be same as the dimension of the matrix"), expected: ("lu_solve: expected {n} pivots"), got: ("{:?}", pivots.shape()), fix: ("Pass the results of linalg.lu_factor."));
    }
    if pivots.shape()[..pivots.ndim() - 1] != lu.shape()[..lu.ndim() - 2] {
        fail!(Runtime, torch: ("{NAME}: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape {:?} instead", pivots.shape()), expected: ("lu_solve: expected pivots of shape {:?}", &lu.shape()[..lu.ndim() - 1]), got: ("{:?}", pivots.shape()), fix: ("Pass the results of linalg.lu_factor."));
    }
    let (low, high) = dispatch::linalg::pivots_in_range(&contiguous(pivots)?, n);
    if !low || !high {
        let bound = if low { "smaller or equal to LU.size(-2)" } else { "greater or equal to 1" };
        fail!(Runtime, torch: ("Pivots given to lu_solve must all be {bound}. Did you properly pass the result of lu_factor?"), expected: ("lu_solve: expected pivots from 1 to {n}"), got: ("others"), fix: ("Pass the results of linalg.lu_factor."));
    }
    let (lu, b) = broadcast_batches(lu, b)?;
    let pivots = view::expand(pivots, &lu.shape()[..lu.ndim() - 1].iter().map(|&d| d as i64).collect::<Vec<_>>())?;
    if left {
        return solve_factored(&lu, &pivots, &b, by_adjoint);
    }
    // X A = B is A^H X^H = B^H.
    adjoint(&solve_factored(&lu, &pivots, &adjoint(&b)?, !by_adjoint)?)
}

fn lu_solve_old(b: &Tensor, lu: &Tensor, pivots: &Tensor) -> Result<Tensor> {
    lu_solve(lu, pivots, b, true, false)
}

fn lu_with_info(a: &Tensor, pivot: bool, _check: bool) -> Result<(Tensor, Tensor, Tensor)> {
    lu_factor(a, pivot, "lu")
}

ops! {
    /// `A = P L U` in compact form: L and U in one tensor, and pivots. Refuses a U with a zero on its diagonal.
    "linalg_lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)" [l o] => lu_factor_checked(0, 1);
    /// linalg.lu_factor that reports in `info` instead of raising.
    "linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor LU, Tensor pivots, Tensor info)" [l o] => lu_factor_ex(0, 1, 2);
    /// `A = P L U`: a permutation, a lower triangle with unit diagonal, an upper triangle.
    "linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)" [l o] => lu(0, 1);
    /// Solves `A X = B` by what linalg.lu_factor gives for A.
    "linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor" [l o] => lu_solve(0, 1, 2, 3, 4);
    /// Solves `A X = self` by A's factors. Deprecated: use linalg.lu_solve.
    "lu_solve(Tensor self, Tensor LU_data, Tensor LU_pivots) -> Tensor" [f m o] => lu_solve_old(0, 1, 2);
    /// P, L and U from what linalg.lu_factor gives.
    "lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> (Tensor P, Tensor L, Tensor U)" [f o] => lu_unpack(0, 1, 2, 3);
    /// linalg.lu_factor_ex under its older name.
    "_lu_with_info(Tensor self, bool pivot=True, bool check_errors=True) -> (Tensor LU, Tensor pivots, Tensor info)" [f] => lu_with_info(0, 1, 2);
}
