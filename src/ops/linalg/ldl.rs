//! Factorisation of symmetric and Hermitian indefinite matrices.

use super::{check_extents, check_float, check_info, check_matrix, check_square, extents};
use crate::autograd::record;
use crate::dispatch;
use crate::error::{Kind, Result};
use crate::fail;
use crate::ops;
use crate::ops::copy::contiguous;
use crate::tensor::{DType, Tensor};

const NAME: &str = "torch.linalg.ldl_factor_ex";

fn ldl_factor_ex(a: &Tensor, hermitian: bool, check: bool) -> Result<(Tensor, Tensor, Tensor)> {
    check_square(NAME, a)?;
    check_float(NAME, a)?;
    let ld = dispatch::linalg::copy_columns(&a.detach())?;
    let mut shape = dispatch::linalg::batch_shape(a, 2);
    let info = dispatch::empty(&shape, DType::I32, a.device())?;
    shape.push(extents(a).0);
    let pivots = dispatch::empty(&shape, DType::I32, a.device())?;
    dispatch::linalg::ldl(&ld, &pivots, &info, hermitian && a.dtype().is_complex())?;
    if check {
        let text = |i: i32| format!("Block {i} of D is zero, and ldl_solve would divide by it.");
        check_info(Kind::Runtime, NAME, &info, text, "Use linalg.ldl_factor_ex without check_errors.")?;
    }
    let ld = record(
        ld,
        "NotImplemented",
        &[a],
        |_| |_, _| fail!(Runtime, torch: ("derivative for aten::linalg_ldl_factor_ex is not implemented"), expected: ("ldl_factor: expected no backward"), got: ("one"), fix: ("Use linalg.solve.")),
    )?;
    Ok((ld, pivots, info))
}

fn ldl_factor(a: &Tensor, hermitian: bool) -> Result<(Tensor, Tensor)> {
    let (ld, pivots, _) = ldl_factor_ex(a, hermitian, true)?;
    Ok((ld, pivots))
}

fn ldl_solve(ld: &Tensor, pivots: &Tensor, b: &Tensor, hermitian: bool) -> Result<Tensor> {
    const NAME: &str = "torch.linalg.ldl_solve";
    check_matrix(NAME, ld, "A")?;
    check_matrix(NAME, b, "B")?;
    if b.dtype() != ld.dtype() {
        fail!(Runtime, torch: ("Expected b and A to have the same dtype, but found b of type {} and A of type {} instead.", b.dtype().scalar_name(), ld.dtype().scalar_name()), expected: ("ldl_solve: expected one dtype"), got: ("{} and {}", b.dtype().name(), ld.dtype().name()), fix: ("Convert one with .to()."));
    }
    check_extents(&format!("{NAME}: A"), ld)?;
    let ((n, _), (p, q)) = (extents(ld), extents(b));
    if n != p {
        fail!(Runtime, torch: ("Incompatible matrix sizes for {NAME}: each A matrix is {n} by {n} but each b matrix is {p} by {q}"), expected: ("ldl_solve: expected {n} rows in B"), got: ("{p}"), fix: ("Transpose B."));
    }
    check_float(NAME, ld)?;
    if pivots.shape() != &ld.shape()[..ld.ndim() - 1] {
        fail!(Runtime, torch: ("{NAME}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape {:?} instead", pivots.shape()), expected: ("ldl_solve: expected pivots of shape {:?}", &ld.shape()[..ld.ndim() - 1]), got: ("{:?}", pivots.shape()), fix: ("Pass the results of linalg.ldl_factor."));
    }
    if !pivots.dtype().is_integral(false) {
        fail!(Runtime, torch: ("{NAME}: Expected pivots to be integers. Got {}", pivots.dtype().scalar_name()), expected: ("ldl_solve: expected int32"), got: ("{}", pivots.dtype().name()), fix: ("Pass the results of linalg.ldl_factor."));
    }
    let (ld, b) = super::broadcast_batches(ld, b)?;
    let shape: Vec<i64> = ld.shape()[..ld.ndim() - 1].iter().map(|&d| d as i64).collect();
    let pivots = crate::ops::copy::to_dtype(&crate::ops::view::expand(pivots, &shape)?, DType::I32)?;
    let pivots = contiguous(&pivots)?;
    if !dispatch::linalg::ldl_pivots_fit(&pivots, n) {
        fail!(Runtime, torch: ("{NAME}: pivots are not those of a factorization"), expected: ("ldl_solve: expected pivots from 1 to {n}, or pairs of negative ones"), got: ("others"), fix: ("Pass the results of linalg.ldl_factor."));
    }
    let x = dispatch::linalg::copy_columns(&b.detach())?;
    dispatch::linalg::ldl_solve(&ld, &pivots, &x, hermitian && b.dtype().is_complex())?;
    record(
        x,
        "NotImplemented",
        &[&ld, &b],
        |_| |_, _| fail!(Runtime, torch: ("derivative for aten::linalg_ldl_solve is not implemented"), expected: ("ldl_solve: expected no backward"), got: ("one"), fix: ("Use linalg.solve.")),
    )
}

ops! {
    /// `A = P L D L^T P^T` of symmetric (Hermitian) matrices in LAPACK's compact form; the lower triangle is read.
    "linalg_ldl_factor(Tensor self, *, bool hermitian=False) -> (Tensor LD, Tensor pivots)" [l o] => ldl_factor(0, 1);
    /// linalg.ldl_factor that reports in `info` instead of raising.
    "linalg_ldl_factor_ex(Tensor self, *, bool hermitian=False, bool check_errors=False) -> (Tensor LD, Tensor pivots, Tensor info)" [l o] => ldl_factor_ex(0, 1, 2);
    /// Solves `A X = B` by what linalg.ldl_factor gives for A.
    "linalg_ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False) -> Tensor" [l o] => ldl_solve(0, 1, 2, 3);
}
