//! Singular values, and what follows from them: pseudo-inverse, rank, condition number.

use super::eigen::{self, vectors_shape};
use super::{
    adjoint, check_float, check_info, check_kernel, check_matrix, cols, diagonal_matrix, extents, identities, matmul3,
    rows,
};
use crate::autograd::{needs_grad, no_grad, record, record::record_many};
use crate::dispatch;
use crate::error::{Kind, Result};
use crate::fail;
use crate::grads;
use crate::ops;
use crate::ops::choose::where_;
use crate::ops::copy::to_dtype;
use crate::ops::extreme::{amax, amin};
use crate::ops::matmul::matmul;
use crate::ops::pointwise::number;
use crate::ops::view::unsqueeze;
use crate::tensor::{DType, Scalar, Tensor};

fn no_convergence(_: i32) -> String {
    "The algorithm failed to converge because the input matrix contained non-finite values.".into()
}

/// U, S and V; without vectors, U and V are empty. Not recorded.
fn factors(a: &Tensor, vectors: bool, full: bool) -> Result<(Tensor, Tensor, Tensor)> {
    check_matrix("linalg.svd", a, "A")?;
    if !a.dtype().is_half() {
        check_float("linalg.svd", a)?;
    }
    check_kernel("linalg_svd", a)?;
    let (m, n) = extents(a);
    let k = m.min(n);
    let batch = dispatch::linalg::batch_shape(a, 2);
    let s = dispatch::empty(&vectors_shape(a, k), a.dtype().to_real(), a.device())?;
    let info = dispatch::empty(&batch, DType::I32, a.device())?;
    let side = |size: usize| -> Result<Tensor> {
        let mut shape = vectors_shape(a, size);
        shape.push(if full { size } else { k });
        if a.numel() == 0 && full {
            return dispatch::linalg::copy_columns(&identities(&batch, size, a)?);
        }
        dispatch::linalg::columns(&shape, a.dtype(), a.device())
    };
    if !vectors {
        dispatch::linalg::singular(a, &s, None, &info)?;
        check_info(Kind::LinAlg, "linalg.svd", &info, no_convergence, "Look for NaN and infinities in it.")?;
        return Ok((super::absent(a)?, s, super::absent(a)?));
    }
    let (u, v) = (side(m)?, side(n)?);
    dispatch::linalg::singular(a, &s, Some((&u, &v)), &info)?;
    check_info(Kind::LinAlg, "linalg.svd", &info, no_convergence, "Look for NaN and infinities in it.")?;
    Ok((u, s, v))
}

/// `a = U S V^H`: U, S in descending order, V^H; all vectors if `full`, else min(m, n) of them.
pub fn svd(a: &Tensor, full: bool) -> Result<(Tensor, Tensor, Tensor)> {
    let (u, s, vh) = no_grad(|| {
        let (u, s, v) = factors(a, true, full)?;
        Ok::<_, crate::error::Error>((u, s, dispatch::linalg::copy_columns(&adjoint(&v)?)?))
    })?;
    let k = extents(a).0.min(extents(a).1);
    record_many(&[&u, &s, &vh], "LinalgSvdBackward0", &[a], |saver| {
        let (u, s, vh) = (saver.output(0), saver.output(1), saver.output(2));
        move |c, g| {
            let (u, vh) = (cols(&c.get(u)?, 0, k)?, rows(&c.get(vh)?, k)?);
            let gu = g[0].as_ref().map(|g| cols(g, 0, k)).transpose()?;
            let gvh = g[2].as_ref().map(|g| rows(g, k)).transpose()?;
            grads![backward(gu.as_ref(), g[1].as_ref(), gvh.as_ref(), &u, &c.get(s)?, &vh)?]
        }
    })?;
    Ok((u, s, vh))
}

/// Townsend 2016, "Differentiating the singular value decomposition": with `E_ij = S_j^2 - S_i^2` and `skew(X) = X - X^H`,
/// `gA = U [ (skew(U^H gU) / E) S + S (skew(V^H gV) / E) + diag(gS) ] V^H`, and what gU and gV have outside the columns of U
/// and V, over S. Complex vectors have a phase each, which adds `diag(skew(U^H gU)) / 2S`.
fn backward(
    gu: Option<&Tensor>,
    gs: Option<&Tensor>,
    gvh: Option<&Tensor>,
    u: &Tensor,
    s: &Tensor,
    vh: &Tensor,
) -> Result<Option<Tensor>> {
    let dtype = u.dtype();
    let (m, n, k) = (extents(u).0, extents(vh).1, extents(u).1);
    let mut middle = gs.map(|g| diagonal_matrix(&to_dtype(g, dtype)?)).transpose()?;
    let skew = |x: &Tensor| x.sub(&adjoint(x)?);
    let (across, down) = (unsqueeze(s, -2)?, unsqueeze(s, -1)?);
    let gaps = || across.mul(&across)?.sub(&down.mul(&down)?)?.add(&super::identity(k, k, s)?);
    let apart = |x: &Tensor| x.sub(&diagonal_matrix(&super::diagonal(x)?)?)?.div(&gaps()?);
    let left = gu.map(|g| skew(&matmul(&adjoint(u)?, g)?)).transpose()?;
    let right = gvh.map(|g| skew(&matmul(vh, &adjoint(g)?)?)).transpose()?;
    let turning = super::sum_of(
        left.as_ref().map(super::diagonal).transpose()?,
        right.as_ref().map(super::diagonal).transpose()?,
    )?;
    if let Some(t) = turning {
        super::check_phases("svd_backward", &t, "singular vectors", "phase term, making it ill-defined")?;
    }
    if let Some(x) = &left {
        middle = super::sum_of(middle, Some(apart(x)?.mul(&across)?))?;
        if dtype.is_complex() && gvh.is_some() {
            let phase = super::diagonal(x)?.div(&s.mul_scalar(2.0)?)?;
            middle = super::sum_of(middle, Some(diagonal_matrix(&phase)?))?;
        }
    }
    if let Some(x) = &right {
        middle = super::sum_of(middle, Some(apart(x)?.mul(&down)?))?;
    }
    let mut ga = middle.map(|m| matmul3(u, &m, vh)).transpose()?;
    if let (Some(g), true) = (gu, m > k) {
        let scaled = g.div(&across)?;
        let outside = scaled.sub(&matmul3(u, &adjoint(u)?, &scaled)?)?;
        ga = super::sum_of(ga, Some(matmul(&outside, vh)?))?;
    }
    if let (Some(g), true) = (gvh, n > k) {
        let scaled = g.div(&down)?;
        let outside = scaled.sub(&matmul3(&scaled, &adjoint(vh)?, vh)?)?;
        ga = super::sum_of(ga, Some(matmul(u, &outside)?))?;
    }
    Ok(ga)
}

fn svd_driver(a: &Tensor, full: bool, driver: Option<&str>) -> Result<(Tensor, Tensor, Tensor)> {
    check_driver(driver)?;
    svd(a, full)
}

fn check_driver(driver: Option<&str>) -> Result<()> {
    if driver.is_some() {
        fail!(Runtime, torch: ("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."), expected: ("linalg.svd: expected no driver"), got: ("one"), fix: ("Leave it out."));
    }
    Ok(())
}

/// Singular values in descending order.
pub fn svdvals(a: &Tensor) -> Result<Tensor> {
    if needs_grad(&[a]) { Ok(svd(a, false)?.1) } else { Ok(factors(a, false, false)?.1) }
}

fn svdvals_driver(a: &Tensor, driver: Option<&str>) -> Result<Tensor> {
    check_driver(driver)?;
    svdvals(a)
}

fn svd_old(a: &Tensor, some: bool, vectors: bool) -> Result<(Tensor, Tensor, Tensor)> {
    if vectors {
        let (u, s, vh) = svd(a, !some)?;
        return Ok((u, s, adjoint(&vh)?));
    }
    let s = svdvals(a)?;
    let (m, n) = extents(a);
    let zeros = |k: usize| {
        let mut shape = vectors_shape(a, k);
        shape.push(k);
        dispatch::zeros(&shape, a.dtype(), a.device())
    };
    Ok((zeros(m)?, s, zeros(n)?))
}

/// Magnitudes of singular or, if Hermitian, eigenvalues, and the bound up to which they count as zero.
fn significant(x: &Tensor, sizes: &Tensor, atol: Option<&Tensor>, rtol: Option<&Tensor>) -> Result<Tensor> {
    let (m, n) = extents(x);
    let real = sizes.dtype();
    let eps = if real == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
    let default = number(eps * m.max(n) as f64)?;
    let zero = number(0.0)?;
    let atol_or = atol.unwrap_or(&zero);
    let rtol = match (rtol, atol) {
        (Some(r), _) => r.clone(),
        (None, None) => default,
        // A given absolute bound above 0 replaces the relative one.
        (None, Some(a)) => where_(&a.gt(&zero)?, &zero, &default)?,
    };
    let largest = amax(sizes, &[-1], true)?;
    let column = |t: &Tensor| if t.ndim() == 0 { Ok(t.clone()) } else { unsqueeze(t, -1) };
    let bound = column(atol_or)?.maximum(&to_dtype(&column(&rtol)?, real)?.mul(&largest)?)?;
    sizes.gt(&bound)
}

fn pinv(a: &Tensor, atol: Option<&Tensor>, rtol: Option<&Tensor>, hermitian: bool) -> Result<Tensor> {
    if a.ndim() < 2 || check_float("linalg.pinv", a).is_err() {
        fail!(Runtime, torch: ("linalg.pinv({}{{{:?}}}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types", a.dtype().scalar_name(), a.shape()), expected: ("linalg.pinv: expected matrices of floats"), got: ("{:?} {}", a.shape(), a.dtype().name()), fix: ("Convert or unsqueeze."));
    }
    let (m, n) = extents(a);
    let y = no_grad(|| {
        if a.numel() == 0 {
            let mut shape = vectors_shape(a, n);
            shape.push(m);
            return dispatch::empty(&shape, a.dtype(), a.device());
        }
        let (u, s, vh) = if hermitian {
            let (l, v) = eigen::eigh(a, "L")?;
            let vh = adjoint(&v)?;
            (v, l, vh)
        } else {
            svd(a, false)?
        };
        let keep = significant(a, &s.abs()?, atol, rtol)?;
        let inverse = where_(&keep, &s.reciprocal()?, &s.zeros_like()?)?;
        matmul(&adjoint(&vh)?, &unsqueeze(&inverse, -1)?.mul(&adjoint(&u)?)?)
    })?;
    record(y, "LinalgPinvBackward0", &[a], |s| {
        let (a, p) = (s.input(a), s.output(0));
        move |c, g| grads![pinv_backward(g, &c.get(a)?, &c.get(p)?)?]
    })
}

/// `gA = -P^H g P^H + (I - A P) g^H P P^H + P^H P g^H (I - P A)` (Golub & Pereyra 1973, section 4).
fn pinv_backward(g: &Tensor, a: &Tensor, p: &Tensor) -> Result<Tensor> {
    let (ph, gh) = (adjoint(p)?, adjoint(g)?);
    let first = matmul3(&ph, g, &ph)?;
    let x = matmul3(&gh, p, &ph)?;
    let y = matmul3(&ph, p, &gh)?;
    let second = x.sub(&matmul3(a, p, &x)?)?;
    let third = y.sub(&matmul3(&y, p, a)?)?;
    second.add(&third)?.sub(&first)
}

fn pinv_rcond(a: &Tensor, rcond: &Tensor, hermitian: bool) -> Result<Tensor> {
    pinv(a, Some(&number(0.0)?), Some(rcond), hermitian)
}

/// The pseudo-inverse with torch's default bounds.
pub fn pseudo_inverse(a: &Tensor, rcond: f64) -> Result<Tensor> {
    pinv_rcond(a, &number(rcond)?, false)
}

fn matrix_rank(a: &Tensor, atol: Option<&Tensor>, rtol: Option<&Tensor>, hermitian: bool) -> Result<Tensor> {
    check_matrix("torch.linalg.matrix_rank", a, "input")?;
    no_grad(|| {
        if a.numel() == 0 {
            return dispatch::zeros(&dispatch::linalg::batch_shape(a, 2), DType::I64, a.device());
        }
        let s = if hermitian { eigen::eigvalsh(a, "L")?.abs()? } else { svdvals(a)? };
        crate::ops::reduce::sum(&significant(a, &s, atol, rtol)?, Some(&[-1]), false, None)
    })
}

fn matrix_rank_tol(a: &Tensor, tol: &Tensor, hermitian: bool) -> Result<Tensor> {
    matrix_rank(a, Some(tol), Some(&number(0.0)?), hermitian)
}

fn cond(a: &Tensor, p: Option<Scalar>) -> Result<Tensor> {
    let order = p.map_or(2.0, Scalar::f64);
    if a.ndim() < 2 {
        fail!(Runtime, torch: ("linalg.cond: The input tensor must have at least 2 dimensions."), expected: ("linalg.cond: expected matrices"), got: ("{:?}", a.shape()), fix: ("Unsqueeze it first."));
    }
    if order.abs() == 2.0 {
        if a.numel() == 0 {
            return dispatch::zeros(&dispatch::linalg::batch_shape(a, 2), a.dtype().to_real(), a.device());
        }
        let s = svdvals(a)?;
        let (low, high) = (amin(&s, &[-1], false)?, amax(&s, &[-1], false)?);
        return if order > 0.0 { high.div(&low) } else { low.div(&high) };
    }
    if order.abs() != 1.0 && !order.is_infinite() {
        let shown = p.map_or(String::new(), |p| p.f64().to_string());
        fail!(Runtime, torch: ("linalg.cond got an invalid norm type: {shown}"), expected: ("linalg.cond: expected 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'"), got: ("{shown}"), fix: ("Use one of these."));
    }
    let name = p.map_or(String::new(), |p| p.f64().to_string());
    by_inverse(a, &name, |x| super::norm::by_order(x, order, &[-2, -1], false, None))
}

fn cond_named(a: &Tensor, p: &str) -> Result<Tensor> {
    if p != "fro" && p != "nuc" {
        fail!(Runtime, torch: ("linalg.cond got an invalid norm type: {p}"), expected: ("linalg.cond: expected 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'"), got: ("{p}"), fix: ("Use one of these."));
    }
    by_inverse(a, p, |x| super::norm::by_name(x, p, &[-2, -1], false, None))
}

/// `|A| |A^-1|`, infinite where A has no inverse.
fn by_inverse(a: &Tensor, order: &str, norm: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    super::check_extents(&format!("linalg.cond(ord={order}): A"), a)?;
    if a.numel() == 0 {
        return dispatch::zeros(&dispatch::linalg::batch_shape(a, 2), a.dtype().to_real(), a.device());
    }
    let (inverse, info) = super::solve::inverse_info(a)?;
    let product = norm(a)?.mul(&norm(&inverse)?)?;
    where_(&info.eq_scalar(0.0)?, &product, &number(f64::INFINITY)?)
}

/// The solution of least squares, of least norm, the rank and the singular values. Not recorded.
fn least_squares(a: &Tensor, b: &Tensor, rcond: f64) -> Result<(Tensor, Tensor, Tensor)> {
    let (m, n) = extents(a);
    // A tall matrix has the singular values of its R.
    let (a, b) = if m > n { super::qr::reduced(a, b)? } else { (a.clone(), b.clone()) };
    let (u, s, vh) = svd(&a, false)?;
    let keep = significant(&a, &s, None, Some(&number(rcond)?))?;
    let inverse = where_(&keep, &s.reciprocal()?, &s.zeros_like()?)?;
    let x = matmul(&adjoint(&vh)?, &unsqueeze(&inverse, -1)?.mul(&matmul(&adjoint(&u)?, &b)?)?)?;
    Ok((x, crate::ops::reduce::sum(&keep, Some(&[-1]), false, None)?, s))
}

/// The solution of least squares `min |A X - B|`, of least norm; residuals, rank and singular values as the driver gives them.
fn lstsq(a: &Tensor, b: &Tensor, rcond: Option<f64>, driver: Option<&str>) -> Result<(Tensor, Tensor, Tensor, Tensor)> {
    const NAME: &str = "torch.linalg.lstsq";
    let wrong = |sentence: String| fail!(Runtime, torch: ("{NAME}: {sentence}"), expected: ("lstsq: expected (*, m, n) and (*, m, k) or (*, m)"), got: ("{:?} and {:?}", a.shape(), b.shape()), fix: ("Check shapes, dtypes and driver."));
    if a.ndim() < 2 {
        return wrong("input must have at least 2 dimensions.".into());
    }
    if b.ndim() < 1 {
        return wrong("other must have at least 1 dimension.".into());
    }
    if a.dtype() != b.dtype() {
        return wrong(format!(
            "Expected input and other to have the same dtype, but got input's dtype {} and other's dtype {}",
            a.dtype().scalar_name(),
            b.dtype().scalar_name()
        ));
    }
    let vectors = a.ndim() - 1 == b.ndim() && b.shape() == &a.shape()[..a.ndim() - 1];
    let b = if vectors { unsqueeze(b, -1)? } else { b.clone() };
    let (m, n) = extents(a);
    if b.ndim() < 2 || extents(&b).0 != m {
        return wrong("input.size(-2) should match other.size(-2)".into());
    }
    let driver = driver.unwrap_or("gelsy");
    if !["gels", "gelsy", "gelsd", "gelss"].contains(&driver) {
        return wrong("parameter `driver` should be one of (gels, gelsy, gelsd, gelss)".into());
    }
    check_kernel("lstsq", a)?;
    let eps = if a.dtype().to_real() == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
    let rcond = rcond.unwrap_or(eps * m.max(n) as f64);
    let (a, b) = super::broadcast_batches(a, &b)?;
    let (x, rank, values) = if needs_grad(&[&a, &b]) || a.numel() == 0 {
        let rank = no_grad(|| matrix_rank(&a, None, Some(&number(rcond)?), false))?;
        (matmul(&pseudo_inverse(&a, rcond)?, &b)?, rank, None)
    } else {
        let (x, rank, values) = least_squares(&a, &b, rcond)?;
        (x, rank, Some(values))
    };
    let full = no_grad(|| {
        Ok::<_, crate::error::Error>(
            driver == "gels" || a.is_meta() || rank.eq_scalar(n as f64)?.all_all()?.item_bool()?,
        )
    })?;
    // An empty part of the solution: what is left out is differentiable all the same.
    let none = crate::ops::view::narrow(&x.reshape_to(&[x.numel()])?.real_part()?, 0, 0, 0)?;
    let residuals = if m > n && driver != "gelsy" && full {
        let r = matmul(&a, &x)?.sub(&b)?.abs()?;
        r.mul(&r)?.sum_dims(&[-2], false)?
    } else {
        none
    };
    let rank = if driver == "gels" { dispatch::empty(&[0], DType::I64, a.device())? } else { rank };
    let values = if driver == "gelsd" || driver == "gelss" {
        values.map_or_else(|| no_grad(|| svdvals(&a)), Ok)?
    } else {
        dispatch::empty(&[0], a.dtype().to_real(), a.device())?
    };
    let x = if vectors { crate::ops::view::squeeze_dim(&x, -1)? } else { x };
    Ok((x, residuals, rank, values))
}

ops! {
    /// Singular value decomposition: U, S in descending order and V^H.
    "linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor S, Tensor Vh)" [l o] => svd_driver(0, 1, 2);
    /// Singular values in descending order.
    "linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor" [l o] => svdvals_driver(0, 1);
    /// Singular value decomposition with V itself. Deprecated: use linalg.svd.
    "svd(Tensor self, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor V)" [f m o] => svd_old(0, 1, 2);
    /// The pseudo-inverse; singular values of at most max(atol, rtol * largest) count as zero.
    "linalg_pinv(Tensor self, *, Operand? atol=None, Operand? rtol=None, bool hermitian=False) -> Tensor" [l o] => pinv(0, 1, 2, 3);
    /// The pseudo-inverse with a relative bound.
    "linalg_pinv(Tensor self, Operand rcond, bool hermitian=False) -> Tensor" [l o] => pinv_rcond(0, 1, 2);
    /// The pseudo-inverse.
    "pinverse(Tensor self, float rcond=1e-15) -> Tensor" [f m] => pseudo_inverse(0, 1);
    /// The number of singular values above max(atol, rtol * largest).
    "linalg_matrix_rank(Tensor self, *, Operand? atol=None, Operand? rtol=None, bool hermitian=False) -> Tensor" [l o] => matrix_rank(0, 1, 2, 3);
    /// The number of singular values above a bound.
    "linalg_matrix_rank(Tensor self, Operand tol, bool hermitian=False) -> Tensor" [l o] => matrix_rank_tol(0, 1, 2);
    /// The condition number in a matrix norm.
    "linalg_cond(Tensor self, Scalar? p=None) -> Tensor" [l o] => cond(0, 1);
    /// The condition number in a matrix norm given by name.
    "linalg_cond(Tensor self, str p) -> Tensor" [l o] => cond_named(0, 1);
    /// Least squares: solution, residuals, rank and singular values.
    "linalg_lstsq(Tensor self, Tensor b, float? rcond=None, *, str? driver=None) -> (Tensor solution, Tensor residuals, Tensor rank, Tensor singular_values)" [l o] => lstsq(0, 1, 2, 3);
}
