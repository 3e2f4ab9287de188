//! QR factorisation and products of Householder reflections.

use super::triangular::{self, Kind};
use super::{
    adjoint, check_float, check_kernel, check_matrix, cols, diagonal, diagonal_matrix, extents, identity, matmul3,
    rows, tril, triu,
};
use crate::autograd::{needs_grad, no_grad, record::record_many};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::ops::matmul::matmul;
use crate::ops::view;
use crate::tensor::Tensor;
use crate::tensor::layout::Shape;

/// The reflections and their factors as LAPACK leaves them, not recorded.
fn factor(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let a = dispatch::linalg::copy_columns(x)?;
    let (m, n) = extents(x);
    let mut shape = dispatch::linalg::batch_shape(x, 2);
    shape.push(m.min(n));
    let tau = dispatch::empty(&shape, x.dtype(), x.device())?;
    dispatch::linalg::qr(&a, &tau)?;
    Ok((a, tau))
}

/// R in the upper triangle and the reflections' vectors below it; and the reflections' factors.
pub fn geqrf(x: &Tensor) -> Result<(Tensor, Tensor)> {
    if x.ndim() < 2 {
        fail!(Runtime, torch: ("torch.geqrf: input must have at least 2 dimensions."), expected: ("geqrf: expected shape (*, m, n)"), got: ("{:?}", x.shape()), fix: ("Unsqueeze it first."));
    }
    check_kernel("geqrf", x)?;
    let (a, tau) = factor(x)?;
    record_many(
        &[&a, &tau],
        "GeqrfBackward0",
        &[x],
        |_| |_, _| fail!(NotImplemented, torch: ("the derivative for 'geqrf' is not implemented."), expected: ("geqrf: expected no backward"), got: ("one"), fix: ("Use linalg.qr.")),
    )?;
    Ok((a, tau))
}

/// `H_1 H_2 ... H_k = I - V T V^H` (Schreiber & Van Loan 1989): V and T from stored vectors and factors.
///
/// `T = (I + D S)^-1 D` with `D = diag(tau)` and S the strict upper triangle of `V^H V`.
fn compact(x: &Tensor, tau: &Tensor) -> Result<(Tensor, Tensor)> {
    let (m, k) = (extents(x).0, tau.shape()[tau.ndim() - 1]);
    let v = tril(&cols(x, 0, k)?, -1)?.add(&identity(m, k, x)?)?;
    let d = diagonal_matrix(tau)?;
    let s = triu(&matmul(&adjoint(&v)?, &v)?, 1)?;
    let t = triangular::solve(&view::unsqueeze(tau, -1)?.mul(&s)?, &d, Kind { unit: true, ..Kind::UPPER })?;
    Ok((v, t))
}

/// The first columns of a product of reflections, as many as `x` has.
pub fn householder_product(x: &Tensor, tau: &Tensor) -> Result<Tensor> {
    check_reflections("torch.linalg.householder_product", x, tau, true)?;
    check_kernel("orgqr", x)?;
    first_columns(x, tau, extents(x).1)
}

/// The first `n` columns of the product.
fn first_columns(x: &Tensor, tau: &Tensor, n: usize) -> Result<Tensor> {
    if !needs_grad(&[x, tau]) {
        return dispatch::linalg::reflections(x, tau, n);
    }
    let (v, t) = compact(x, tau)?;
    let m = extents(x).0;
    identity(m, n, x)?.sub(&matmul3(&v, &t, &adjoint(&rows(&v, n)?)?)?)
}

fn check_reflections(name: &str, x: &Tensor, tau: &Tensor, tall: bool) -> Result<()> {
    let (k, batch) = (tau.shape().last().copied().unwrap_or(1), tau.ndim().max(1) - 1);
    let wrong = |sentence: String| fail!(Runtime, torch: ("{name}: {sentence}"), expected: ("{name}: expected (*, m, n) and (*, k) with k <= n"), got: ("{:?} and {:?}", x.shape(), tau.shape()), fix: ("Pass the results of geqrf()."));
    if x.ndim() < 2 {
        return wrong("input must have at least 2 dimensions.".into());
    }
    if tall {
        let (m, n) = extents(x);
        if m < n {
            return wrong("input.shape[-2] must be greater than or equal to input.shape[-1]".into());
        }
        if n < k {
            return wrong("input.shape[-1] must be greater than or equal to tau.shape[-1]".into());
        }
    }
    if tau.ndim() + 1 != x.ndim() {
        return wrong(format!(
            "Expected tau to have one dimension less than input, but got tau.ndim equal to {} and input.ndim is equal to {}",
            tau.ndim(),
            x.ndim()
        ));
    }
    if tau.shape()[..batch] != x.shape()[..x.ndim() - 2] {
        return wrong(format!(
            "Expected batch dimensions of tau to be equal to input.shape[:-2], but got {:?}",
            &tau.shape()[..batch]
        ));
    }
    if tall && tau.dtype() != x.dtype() {
        return wrong(format!(
            "tau dtype {} does not match input dtype {}",
            tau.dtype().scalar_name(),
            x.dtype().scalar_name()
        ));
    }
    Ok(())
}

/// `other` multiplied by a product of reflections, from the left or the right, by its adjoint if `transpose`.
pub fn ormqr(x: &Tensor, tau: &Tensor, other: &Tensor, left: bool, transpose: bool) -> Result<Tensor> {
    const NAME: &str = "torch.ormqr";
    let wrong = |sentence: String| fail!(Runtime, torch: ("{NAME}: {sentence}"), expected: ("ormqr: expected (*, m, k), (*, k) and a matrix with m rows (columns from the right)"), got: ("{:?}, {:?} and {:?}", x.shape(), tau.shape(), other.shape()), fix: ("Pass the results of geqrf()."));
    for (name, t) in [("input", x), ("other", other)] {
        if t.ndim() < 2 {
            return wrong(format!("{name} must have at least 2 dimensions."));
        }
    }
    let (m, k) = extents(x);
    let (side, r) = if left { ("-2", extents(other).0) } else { ("-1", extents(other).1) };
    let taus = tau.shape().last().copied().unwrap_or(1);
    if taus > r {
        return wrong(format!("other.shape[{side}] must be greater than or equal to tau.shape[-1]"));
    }
    if taus != r.min(k) {
        return wrong(format!("tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])"));
    }
    if r != m {
        return wrong(format!("other.shape[{side}] must be equal to input.shape[-2]"));
    }
    check_reflections(NAME, x, tau, false)?;
    if other.ndim() != x.ndim() {
        return wrong(format!(
            "Expected other to have the same number of dimensions as input, but got other.ndim equal to {} and input.ndim is equal to {}",
            other.ndim(),
            x.ndim()
        ));
    }
    if other.shape()[..other.ndim() - 2] != x.shape()[..x.ndim() - 2] {
        return wrong(format!(
            "Expected batch dimensions of other to be equal to input.shape[:-2], but got {:?}",
            &other.shape()[..other.ndim() - 2]
        ));
    }
    for (name, t) in [("tau", tau), ("other", other)] {
        if t.dtype() != x.dtype() {
            return wrong(format!(
                "Expected input and {name} to have the same dtype, but input has dtype{} and {name} has dtype {}",
                x.dtype().scalar_name(),
                t.dtype().scalar_name()
            ));
        }
    }
    check_kernel("ormqr", x)?;
    if !needs_grad(&[x, tau, other]) {
        return dispatch::linalg::reflect(x, tau, other, left, transpose);
    }
    let (v, t) = compact(x, tau)?;
    let t = if transpose { adjoint(&t)? } else { t };
    let vh = adjoint(&v)?;
    let part = if left {
        matmul(&v, &matmul(&t, &matmul(&vh, other)?)?)?
    } else {
        matmul(&matmul(&matmul(other, &v)?, &t)?, &vh)?
    };
    other.sub(&part)
}

/// R of a tall matrix and the rows of `Q^H b` beside it: the same equations of least squares. Not recorded.
pub fn reduced(a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let n = extents(a).1;
    let (x, tau) = factor(a)?;
    let b = dispatch::linalg::reflect(&x, &tau, b, true, true)?;
    Ok((triu(&rows(&x, n)?, 0)?, rows(&b, n)?))
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Reduced,
    Complete,
    R,
}

/// `a = Q R`; in mode 'r', Q is empty.
pub fn qr(a: &Tensor, mode: &str) -> Result<(Tensor, Tensor)> {
    check_matrix("linalg.qr", a, "A")?;
    if !a.dtype().is_half() {
        check_float("linalg.qr", a)?;
    }
    let mode = match mode {
        "reduced" => Mode::Reduced,
        "complete" => Mode::Complete,
        "r" => Mode::R,
        other => {
            fail!(Runtime, torch: ("qr received unrecognized mode '{other}' but expected one of 'reduced' (default), 'r', or 'complete'"), expected: ("linalg.qr: expected a mode"), got: ("'{other}'"), fix: ("Use 'reduced', 'complete' or 'r'."))
        }
    };
    check_kernel("geqrf", a)?;
    let (m, n) = extents(a);
    let k = if mode == Mode::Complete { m } else { m.min(n) };
    let (q, r) = no_grad(|| {
        let (x, tau) = factor(a)?;
        let q = if mode == Mode::R { super::absent(a)? } else { first_columns(&x, &tau, k)? };
        Ok::<_, crate::error::Error>((q, triu(&rows(&x, k)?, 0)?))
    })?;
    record_many(&[&q, &r], "LinalgQrBackward0", &[a], |s| {
        let (q, r) = (s.output(0), s.output(1));
        move |c, g| {
            if mode == Mode::R {
                fail!(Runtime, torch: ("The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you are going to require gradients."), expected: ("linalg.qr: expected mode 'reduced'"), got: ("'r'"), fix: ("Change the mode."));
            }
            if mode == Mode::Complete && m > n {
                fail!(Runtime, torch: ("The QR decomposition is not differentiable when mode='complete' and nrows > ncols"), expected: ("linalg.qr: expected mode 'reduced'"), got: ("'complete'"), fix: ("Change the mode."));
            }
            grads![backward(g[0].as_ref(), g[1].as_ref(), &c.get(q)?, &c.get(r)?)?]
        }
    })?;
    Ok((q, r))
}

/// Walter & Lehmann 2012 (arXiv:1009.6112), for complex matrices with a real diagonal of R; wide matrices `[X | Y]` have
/// `X = Q U` and `Y = Q W`, of which the second adds to the gradients of Q and Y.
fn backward(gq: Option<&Tensor>, gr: Option<&Tensor>, q: &Tensor, r: &Tensor) -> Result<Option<Tensor>> {
    let (m, n) = extents(r);
    if m >= n {
        return square(gq, gr, q, r).map(Some);
    }
    let (u, w) = (cols(r, 0, m)?, cols(r, m, n - m)?);
    let Some(gr) = gr else {
        let gx = square(gq, None, q, &u)?;
        let mut shape = Shape::from_slice(gx.shape());
        shape[gx.ndim() - 1] = n - m;
        let gy = dispatch::zeros(&shape, gx.dtype(), gx.device())?;
        return crate::ops::join::cat(&[gx, gy], -1).map(Some);
    };
    let gw = cols(gr, m, n - m)?;
    // W = Q^H Y depends on Q, too.
    let through = matmul3(q, &w, &adjoint(&gw)?)?;
    let gq = match gq {
        Some(gq) => gq.add(&through)?,
        None => through,
    };
    let gx = square(Some(&gq), Some(&cols(gr, 0, m)?), q, &u)?;
    crate::ops::join::cat(&[gx, matmul(q, &gw)?], -1).map(Some)
}

/// `gA = (gQ + Q M) R^-H`, M the Hermitian matrix with the upper triangle of `gR R^H - Q^H gQ`.
fn square(gq: Option<&Tensor>, gr: Option<&Tensor>, q: &Tensor, r: &Tensor) -> Result<Tensor> {
    let mut m = gr.map(|gr| matmul(gr, &adjoint(r)?)).transpose()?;
    if let Some(gq) = gq {
        let s = matmul(&adjoint(q)?, gq)?.neg()?;
        m = super::sum_of(m, Some(s))?;
    }
    let Some(m) = m else { crate::internal!("a backward of linalg.qr ran without gradients.") };
    let strict = triu(&m, 1)?;
    let middle = strict.add(&adjoint(&strict)?)?.add(&diagonal_matrix(&real_of(&diagonal(&m)?)?)?)?;
    let mut g = matmul(q, &middle)?;
    if let Some(gq) = gq {
        g = g.add(gq)?;
    }
    triangular::solve(&adjoint(r)?, &g, Kind::LOWER.right())
}

/// The real part, in the dtype of `x`.
fn real_of(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_complex() { crate::ops::copy::to_dtype(&x.real_part()?, x.dtype()) } else { Ok(x.clone()) }
}

fn qr_some(x: &Tensor, some: bool) -> Result<(Tensor, Tensor)> {
    qr(x, if some { "reduced" } else { "complete" })
}

ops! {
    /// QR factorisation: mode 'reduced' or 'complete', or 'r' for R alone. R's diagonal has LAPACK's signs.
    "linalg_qr(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)" [l o] => qr(0, 1);
    /// QR factorisation. Deprecated: use linalg.qr.
    "qr(Tensor self, bool some=True) -> (Tensor Q, Tensor R)" [f m o] => qr_some(0, 1);
    /// LAPACK's form of a QR factorisation: R and, below it, Householder's vectors; and their factors.
    "geqrf(Tensor self) -> (Tensor a, Tensor tau)" [f m o] => geqrf(0);
    /// The first columns of a product of Householder reflections, which geqrf gives.
    "linalg_householder_product(Tensor input, Tensor tau) -> Tensor" [l o] => householder_product(0, 1);
    /// The first columns of a product of Householder reflections.
    "orgqr(Tensor self, Tensor input2) -> Tensor" [f m o] => householder_product(0, 1);
    /// A matrix multiplied by a product of Householder reflections or its adjoint.
    "ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool transpose=False) -> Tensor" [f m o] => ormqr(0, 1, 2, 3, 4);
}
