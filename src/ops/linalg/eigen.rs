//! Eigenvalues and eigenvectors.

use super::{adjoint, check_info, check_kernel, check_square, diagonal_matrix, extents, identity, matmul3, solve};
use crate::autograd::{needs_grad, no_grad, record::record_many};
use crate::dispatch;
use crate::error::{Kind, Result};
use crate::fail;
use crate::grads;
use crate::ops;
use crate::ops::copy::to_dtype;
use crate::ops::matmul::matmul;
use crate::ops::view::unsqueeze;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Tensor};

/// Uninitialised values (*, n), vectors (*, n, n) and info (*) for the matrices of `a`.
fn results(a: &Tensor, values: DType, vectors: DType) -> Result<(Tensor, Tensor, Tensor)> {
    let mut shape = dispatch::linalg::batch_shape(a, 2);
    let info = dispatch::empty(&shape, DType::I32, a.device())?;
    shape.push(extents(a).0);
    let values = dispatch::empty(&shape, values, a.device())?;
    Ok((values, dispatch::linalg::columns(a.shape(), vectors, a.device())?, info))
}

fn no_convergence(i: i32) -> String {
    format!(
        "The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated eigenvalues (error code: {i})."
    )
}

/// Values alone, or with vectors, of Hermitian matrices given by one triangle. Not recorded.
fn hermitian(a: &Tensor, uplo: &str, vectors: bool) -> Result<(Tensor, Tensor)> {
    check_square("linalg.eigh", a)?;
    check_kernel("linalg_eigh", a)?;
    let upper = match uplo {
        "L" | "l" => false,
        "U" | "u" => true,
        other => {
            fail!(Runtime, torch: ("Expected UPLO argument to be 'L' or 'U', but got {other}"), expected: ("linalg.eigh: expected 'L' or 'U'"), got: ("'{other}'"), fix: ("Name the triangle to read."))
        }
    };
    no_grad(|| {
        let mut a = if upper { adjoint(a)? } else { a.clone() };
        if a.dtype().is_complex() {
            // LAPACK does not look at imaginary parts of the diagonal, which faer takes to be 0.
            let d = super::diagonal(&a)?;
            a = a.sub(&diagonal_matrix(&d.sub(&to_dtype(&d.real_part()?, d.dtype())?)?)?)?;
        }
        let (l, v, info) = results(&a, a.dtype().to_real(), a.dtype())?;
        dispatch::linalg::hermitian(&a, &l, vectors.then_some(&v), &info)?;
        check_info(Kind::LinAlg, "linalg.eigh", &info, no_convergence, "Look for NaN and infinities in it.")?;
        Ok((l, v))
    })
}

/// Eigenvalues in ascending order and eigenvectors of Hermitian matrices.
///
/// `gA = V (diag(gL) + (V^H gV) / E) V^H` with `E_ij = L_j - L_i` (Giles 2008, section 3.1).
pub fn eigh(a: &Tensor, uplo: &str) -> Result<(Tensor, Tensor)> {
    let (l, v) = hermitian(a, uplo, true)?;
    record_many(&[&l, &v], "LinalgEighBackward0", &[a], |s| {
        let (l, v) = (s.output(0), s.output(1));
        move |c, g| {
            let (l, v) = (c.get(l)?, c.get(v)?);
            let vh = adjoint(&v)?;
            let x = g[1].as_ref().map(|g| matmul(&vh, g)).transpose()?;
            check_phases("linalg_eigh_backward", x.as_ref())?;
            let middle = middle(g[0].as_ref(), x, &l, v.dtype())?;
            grads![middle.map(|m| matmul3(&v, &m, &vh)).transpose()?]
        }
    })?;
    Ok((l, v))
}

fn check_phases(name: &str, x: Option<&Tensor>) -> Result<()> {
    let Some(x) = x else { return Ok(()) };
    super::check_phases(name, &super::diagonal(x)?, "eigenvectors", "quantity, so it is ill-defined")
}

/// `diag(gL) + X / E`, where either may be absent; the diagonal of X does not count.
fn middle(gl: Option<&Tensor>, x: Option<Tensor>, l: &Tensor, dtype: DType) -> Result<Option<Tensor>> {
    let on = gl.map(|g| diagonal_matrix(&to_dtype(g, dtype)?)).transpose()?;
    let off = match x {
        Some(x) => {
            let n = extents(&x).0;
            let eye = identity(n, n, l)?;
            let gaps = unsqueeze(l, -2)?.sub(&unsqueeze(l, -1)?)?.conj()?.add(&eye)?;
            let off = x.sub(&diagonal_matrix(&super::diagonal(&x)?)?)?;
            Some(off.div(&gaps)?)
        }
        None => None,
    };
    super::sum_of(on, off)
}

/// Eigenvalues of Hermitian matrices in ascending order.
pub fn eigvalsh(a: &Tensor, uplo: &str) -> Result<Tensor> {
    if needs_grad(&[a]) { Ok(eigh(a, uplo)?.0) } else { Ok(hermitian(a, uplo, false)?.0) }
}

/// Values alone, or with vectors, of any square matrices. Not recorded.
fn general(a: &Tensor, vectors: bool) -> Result<(Tensor, Tensor)> {
    check_square("linalg.eig", a)?;
    if !a.dtype().is_differentiable() {
        fail!(Runtime, torch: ("Unknown Complex ScalarType for {}", a.dtype().scalar_name()), expected: ("linalg.eig: expected a floating or complex dtype"), got: ("{}", a.dtype().name()), fix: ("Convert with .float()."));
    }
    check_kernel("linalg_eig", a)?;
    no_grad(|| {
        if !a.is_meta() && !a.isfinite()?.all_all()?.item_bool()? {
            fail!(Runtime, torch: ("torch.linalg.eig: input tensor should not contain infs or NaNs."), expected: ("linalg.eig: expected finite elements"), got: ("others"), fix: ("Look for what made them."));
        }
        let complex = a.dtype().to_complex();
        let (l, v, info) = results(a, complex, complex)?;
        dispatch::linalg::eigen(a, &l, vectors.then_some(&v), &info)?;
        check_info(Kind::LinAlg, "linalg.eig", &info, no_convergence, "Scale the matrix.")?;
        Ok((l, v))
    })
}

/// Eigenvalues and eigenvectors of length 1 of any square matrices, always complex.
///
/// `gA = V^-H (diag(gL) + (V^H gV - V^H V Re diag(V^H gV)) / E*) V^H`: vectors of length 1 (Boeddeker et al. 2017,
/// arXiv:1701.00392, section 4.4).
pub fn eig(a: &Tensor) -> Result<(Tensor, Tensor)> {
    let (l, v) = general(a, true)?;
    let real = !a.dtype().is_complex();
    record_many(&[&l, &v], "LinalgEigBackward0", &[a], |s| {
        let (l, v) = (s.output(0), s.output(1));
        move |c, g| {
            let (l, v) = (c.get(l)?, c.get(v)?);
            let vh = adjoint(&v)?;
            let x = match &g[1] {
                Some(g) => {
                    let x = matmul(&vh, g)?;
                    check_phases("linalg_eig_backward", Some(&x))?;
                    let length = to_dtype(&super::diagonal(&x)?.real_part()?, v.dtype())?;
                    Some(x.sub(&matmul(&vh, &v)?.mul(&unsqueeze(&length, -2)?)?)?)
                }
                None => None,
            };
            let ga = match middle(g[0].as_ref(), x, &l, v.dtype())? {
                Some(m) => Some(solve::solve_left(&vh, &matmul(&m, &vh)?)?.0),
                None => None,
            };
            grads![match ga {
                Some(g) if real => Some(g.real_part()?),
                other => other,
            }]
        }
    })?;
    Ok((l, v))
}

/// Eigenvalues of any square matrices, always complex.
pub fn eigvals(a: &Tensor) -> Result<Tensor> {
    if needs_grad(&[a]) { Ok(eig(a)?.0) } else { Ok(general(a, false)?.0) }
}

/// The shape of a batch of vectors as long as `k`.
pub(super) fn vectors_shape(a: &Tensor, k: usize) -> Shape {
    let mut shape = dispatch::linalg::batch_shape(a, 2);
    shape.push(k);
    shape
}

ops! {
    /// Eigenvalues in ascending order and eigenvectors of Hermitian matrices, of which one triangle is read.
    "linalg_eigh(Tensor self, str UPLO='L') -> (Tensor eigenvalues, Tensor eigenvectors)" [l o] => eigh(0, 1);
    /// Eigenvalues of Hermitian matrices in ascending order.
    "linalg_eigvalsh(Tensor self, str UPLO='L') -> Tensor" [l o] => eigvalsh(0, 1);
    /// Eigenvalues and eigenvectors of square matrices, always complex.
    "linalg_eig(Tensor self) -> (Tensor eigenvalues, Tensor eigenvectors)" [l o] => eig(0);
    /// Eigenvalues of square matrices, always complex.
    "linalg_eigvals(Tensor self) -> Tensor" [l o] => eigvals(0);
}
