//! Linear algebra: checks and small compositions that its families share.

pub mod cholesky;
pub mod det;
pub mod eigen;
pub mod exp;
pub mod ldl;
pub mod lu;
pub mod norm;
pub mod products;
pub mod qr;
pub mod solve;
pub mod svd;
pub mod triangular;

use super::matmul::matmul;
use super::pointwise::number;
use super::reinterpret::imag;
use super::shift::triangle;
use super::view::{self, expand_to};
use crate::autograd::no_grad;
use crate::dispatch;
use crate::error::{Kind, Result, three_parts};
use crate::fail;
use crate::schema::Dest;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, Scalar, Tensor};

/// (rows, columns) of the matrices in the last two dims.
pub fn extents(x: &Tensor) -> (usize, usize) {
    let s = x.shape();
    (s[s.len() - 2], s[s.len() - 1])
}

/// Refuses what has no matrices.
pub fn check_matrix(name: &str, x: &Tensor, argument: &str) -> Result<()> {
    if x.ndim() < 2 {
        fail!(Runtime, torch: ("{name}: The input tensor {argument} must have at least 2 dimensions."), expected: ("{name}: expected {argument} of shape (*, m, n)"), got: ("{}", layout::show(x.shape())), fix: ("Unsqueeze it first."));
    }
    Ok(())
}

/// Refuses what has no square matrices.
pub fn check_square(name: &str, x: &Tensor) -> Result<()> {
    check_matrix(name, x, "A")?;
    check_extents(&format!("{name}: A"), x)
}

/// Refuses matrices that are not square; `what` begins the sentence.
pub fn check_extents(what: &str, x: &Tensor) -> Result<()> {
    let (m, n) = extents(x);
    if m != n {
        fail!(Runtime, torch: ("{what} must be batches of square matrices, but they are {m} by {n} matrices"), expected: ("linalg: expected shape (*, n, n)"), got: ("{}", layout::show(x.shape())), fix: ("Check the last two dims."));
    }
    Ok(())
}

/// Refuses dtypes that have no factorisations.
pub fn check_float(name: &str, x: &Tensor) -> Result<()> {
    if !x.dtype().is_differentiable() {
        fail!(Runtime, torch: ("{name}: Expected a floating point or complex tensor as input. Got {}", x.dtype().scalar_name()), expected: ("{name}: expected a floating or complex dtype"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    if x.dtype().is_half() {
        fail!(Runtime, torch: ("{name}: Low precision dtypes not supported. Got {}", x.dtype().scalar_name()), expected: ("{name}: expected float32, float64 or complex"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    Ok(())
}

/// Refuses dtypes without a kernel, in torch's words for one.
pub fn check_kernel(kernel: &str, x: &Tensor) -> Result<()> {
    match x.dtype() {
        DType::F32 | DType::F64 | DType::C64 | DType::C128 => Ok(()),
        other => super::helpers::not_implemented(kernel, other),
    }
}

/// Refuses two operands of different dtypes.
pub fn check_same_dtype(name: &str, a: &Tensor, b: &Tensor) -> Result<()> {
    if a.dtype() != b.dtype() {
        fail!(Runtime, torch: ("{name}: Expected A and B to have the same dtype, but found A of type {} and B of type {} instead", a.dtype().scalar_name(), b.dtype().scalar_name()), expected: ("{name}: expected one dtype"), got: ("{} and {}", a.dtype().name(), b.dtype().name()), fix: ("Convert one with .to()."));
    }
    super::helpers::same_device(name, &[a, b]).map(|_| ())
}

/// Refuses a right-hand side that does not go with `a`.
pub fn check_equation(name: &str, a: &Tensor, b: &Tensor, left: bool) -> Result<()> {
    let ((m, n), (p, q)) = (extents(a), extents(b));
    if if left { m != p } else { n != q } {
        let equation = if left { "AX = B" } else { "XA = B" };
        fail!(Runtime, torch: ("{name}: Incompatible shapes of A and B for the equation {equation} ({m}x{n} and {p}x{q})"), expected: ("{name}: expected {n} {} in B", if left { "rows" } else { "columns" }), got: ("{}", if left { p } else { q }), fix: ("Transpose one, or change left."));
    }
    Ok(())
}

/// Raises the failure that a factorisation has noted in `info`, if there is one.
pub fn check_info(kind: Kind, name: &str, info: &Tensor, text: impl Fn(i32) -> String, fix: &str) -> Result<()> {
    let Some((at, i)) = dispatch::linalg::first_failure(info) else { return Ok(()) };
    let batch = if info.ndim() > 0 { format!("(Batch element {at}): ") } else { String::new() };
    let sentence = format!("{name}: {batch}{}", text(i));
    Err(three_parts(
        kind,
        Some(sentence),
        format!("{name}: expected matrices without such a flaw"),
        format!("one at index {at} of the batch"),
        fix.to_owned(),
    ))
}

/// The conjugate transpose.
pub fn adjoint(x: &Tensor) -> Result<Tensor> {
    view::transpose(x, -2, -1)?.conj()
}

/// The transpose of the last two dims.
pub fn transposed(x: &Tensor) -> Result<Tensor> {
    view::transpose(x, -2, -1)
}

/// `a @ b @ c`.
pub fn matmul3(a: &Tensor, b: &Tensor, c: &Tensor) -> Result<Tensor> {
    matmul(&matmul(a, b)?, c)
}

/// The lower triangle.
pub fn tril(x: &Tensor, diagonal: i64) -> Result<Tensor> {
    triangle(x, diagonal, false, Dest::New)
}

/// The upper triangle.
pub fn triu(x: &Tensor, diagonal: i64) -> Result<Tensor> {
    triangle(x, diagonal, true, Dest::New)
}

/// The diagonals.
pub fn diagonal(x: &Tensor) -> Result<Tensor> {
    view::diagonal(x, 0, -2, -1)
}

/// Matrices with these diagonals.
pub fn diagonal_matrix(x: &Tensor) -> Result<Tensor> {
    super::shift::diag_embed(x, 0, -2, -1)
}

/// m x n with ones on the diagonal, of `like`'s dtype and device.
pub fn identity(m: usize, n: usize, like: &Tensor) -> Result<Tensor> {
    let y = dispatch::zeros(&[m, n], like.dtype(), like.device())?;
    dispatch::fill(&view::diagonal(&y.detach(), 0, 0, 1)?, Scalar::Int(1));
    Ok(y)
}

/// [`identity`] for each matrix of a batch.
pub fn identities(batch: &[usize], n: usize, like: &Tensor) -> Result<Tensor> {
    let mut shape = Shape::from_slice(batch);
    shape.extend([n, n]);
    expand_to(&identity(n, n, like)?, &shape)
}

/// The first `n` rows.
pub fn rows(x: &Tensor, n: usize) -> Result<Tensor> {
    view::narrow(x, -2, 0, n as i64)
}

/// Columns from `start`, `n` of them.
pub fn cols(x: &Tensor, start: usize, n: usize) -> Result<Tensor> {
    view::narrow(x, -1, start as i64, n as i64)
}

/// Two batches of matrices with their leading dims broadcast.
pub fn broadcast_batches(a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let batch = layout::broadcast(&b.shape()[..b.ndim() - 2], &a.shape()[..a.ndim() - 2])?;
    let expand = |t: &Tensor| {
        let mut shape = batch.clone();
        shape.extend_from_slice(&t.shape()[t.ndim() - 2..]);
        if t.shape() == &shape[..] { Ok(t.clone()) } else { expand_to(t, &shape) }
    };
    Ok((expand(a)?, expand(b)?))
}

/// Refuses the derivative of a loss that depends on the phases of complex vectors, which are arbitrary: `turning` holds its
/// slope by each of them, as imaginary parts. `subject` is what torch calls these vectors.
pub fn check_phases(name: &str, turning: &Tensor, subject: &str, term: &str) -> Result<()> {
    if !turning.dtype().is_complex() || turning.is_meta() {
        return Ok(());
    }
    let steady = no_grad(|| {
        let slope = imag(&turning.detach())?.abs()?;
        slope.gt(&number(PHASE_TOLERANCE)?)?.any_all()?.item_bool().map(|any| !any)
    })?;
    if !steady {
        fail!(Runtime, torch: ("{name}: The {subject} in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss function depends on this {term}."), expected: ("{name}: expected a loss that phases do not change"), got: ("one that they do"), fix: ("Use magnitudes, or products in which phases cancel."));
    }
    Ok(())
}

/// The slope by a phase that passes for rounding, as in torch.
const PHASE_TOLERANCE: f64 = 1e-2;

/// An empty result, for what was not asked for.
pub fn absent(like: &Tensor) -> Result<Tensor> {
    dispatch::empty(&[0], like.dtype(), like.device())
}

/// The sum of two gradients of which either may be absent.
pub fn sum_of(a: Option<Tensor>, b: Option<Tensor>) -> Result<Option<Tensor>> {
    match (a, b) {
        (Some(a), Some(b)) => a.add(&b).map(Some),
        (a, b) => Ok(a.or(b)),
    }
}
