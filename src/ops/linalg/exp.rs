//! Powers, exponentials and chains of products of matrices.

use super::{adjoint, check_float, check_square, extents, identities, solve};
use crate::autograd::{no_grad, record};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::ops::choose::{clamp, where_};
use crate::ops::join::cat;
use crate::ops::matmul::matmul;
use crate::ops::pointwise::number;
use crate::ops::view;
use crate::schema::Dest;
use crate::tensor::{DType, MemoryFormat, Tensor};

/// Degrees of Taylor polynomials with, for f32 and f64, the largest 1-norm up to which the backward error stays below the
/// unit roundoff (Bader, Blanes & Casas 2019, "Computing the matrix exponential with an optimized Taylor polynomial
/// approximation", table 2).
const DEGREES: [(usize, f64, f64); 6] = [
    (1, 1.192092800768788e-7, 2.220446049250313e-16),
    (2, 5.978858893805233e-4, 2.580956802971767e-8),
    (4, 5.116619363445086e-2, 3.397168839976962e-4),
    (8, 5.800524627688768e-1, 4.991228871115323e-2),
    (12, 1.461661507209034, 2.996158913811580e-1),
    (18, 3.010066362817634, 1.090863719290036),
];

/// Taylor's polynomial of degree `degree`, by Paterson and Stockmeyer's scheme: powers up to `width`, then Horner's rule in
/// the highest of them.
fn taylor(a: &Tensor, degree: usize) -> Result<Tensor> {
    let width = match degree {
        1 => 1,
        2..=4 => 2,
        5..=12 => 4,
        _ => 6,
    };
    let n = extents(a).0;
    let mut powers = vec![identities(&a.shape()[..a.ndim() - 2], n, a)?, a.clone()];
    for k in 2..=width.min(degree) {
        powers.push(matmul(&powers[k / 2], &powers[k - k / 2])?);
    }
    let mut factor = vec![1.0f64];
    for k in 1..=degree {
        factor.push(factor[k - 1] / k as f64);
    }
    let mut sum: Option<Tensor> = None;
    for block in (0..degree / width).rev() {
        // The highest block takes the last term, too, which saves a product with a multiple of the identity.
        let terms = width + sum.is_none() as usize;
        let mut part: Option<Tensor> = None;
        for (k, power) in powers.iter().enumerate().take(terms) {
            part = super::sum_of(part, Some(power.mul_scalar(factor[block * width + k])?))?;
        }
        let raised = sum.map(|s| matmul(&s, &powers[width])).transpose()?;
        sum = super::sum_of(raised, part)?;
    }
    match sum {
        Some(sum) => Ok(sum),
        None => crate::internal!("a polynomial has no terms."),
    }
}

/// Scaling and squaring: `exp(A) = exp(A / 2^s)^(2^s)`, s by matrix.
fn exponential(a: &Tensor) -> Result<Tensor> {
    let (n, double) = (extents(a).0, a.dtype().to_real() == DType::F64);
    if n == 0 || a.numel() == 0 || a.is_meta() {
        return dispatch::empty(a.shape(), a.dtype(), a.device());
    }
    let count = a.numel() / (n * n);
    let flat = a.reshape_to(&[count, n, n])?;
    let size = crate::ops::extreme::amax(&flat.abs()?.sum_dims(&[-2], false)?, &[-1], false)?;
    let largest = crate::ops::extreme::amax(&size, &[], false)?.item()?.f64();
    let limit = |d: &(usize, f64, f64)| if double { d.2 } else { d.1 };
    if let Some(d) = DEGREES.iter().find(|d| largest <= limit(d)) {
        return taylor(&flat, d.0)?.reshape_to(a.shape());
    }
    let top = &DEGREES[DEGREES.len() - 1];
    if !largest.is_finite() {
        // What is not finite spreads over its whole matrix; others are computed as ever.
        let broken = size.isfinite()?.logical_not()?.reshape_to(&[count, 1, 1])?;
        let y = exponential(&flat.masked_fill_scalar(&broken, 0.0)?)?;
        return y.masked_fill_scalar(&broken, f64::NAN)?.reshape_to(a.shape());
    }
    let bound = number(limit(top))?;
    let halvings = clamp(&size.div(&bound)?.log2()?.ceil()?, Some(&number(0.0)?), None, &Dest::New)?;
    let most = crate::ops::extreme::amax(&halvings, &[], false)?.item()?.f64() as i64;
    let halvings = halvings.reshape_to(&[count, 1, 1])?;
    let scaled = flat.mul(&halvings.neg()?.exp2()?)?;
    let mut y = taylor(&scaled, top.0)?;
    for k in 0..most {
        let square = matmul(&y, &y)?;
        y = where_(&halvings.gt(&number(k as f64)?)?, &square, &y)?;
    }
    y.reshape_to(a.shape())
}

/// The exponential of each matrix.
///
/// The gradient is the upper right block of `exp([[A^H, g], [0, A^H]])` (Higham 2008, Functions of Matrices, theorem 3.6).
pub fn matrix_exp(a: &Tensor) -> Result<Tensor> {
    check_square("linalg.matrix_exp", a)?;
    if a.dtype().is_half() {
        use crate::ops::copy::to_dtype;
        return to_dtype(&matrix_exp(&to_dtype(a, DType::F32)?)?, a.dtype());
    }
    check_float("linalg.matrix_exp", a)?;
    let y = no_grad(|| exponential(a))?;
    record(y, "LinalgMatrixExpBackward0", &[a], |s| {
        let a = s.input(a);
        move |c, g| {
            let ah = adjoint(&c.get(a)?)?;
            let n = extents(&ah).0;
            let top = cat(&[ah.clone(), g.clone()], -1)?;
            let bottom = cat(&[ah.zeros_like()?, ah], -1)?;
            let y = matrix_exp(&cat(&[top, bottom], -2)?)?;
            grads![super::cols(&super::rows(&y, n)?, n, n)?]
        }
    })
}

/// The n-th power of each matrix, by squaring; negative powers of the inverse.
pub fn matrix_power(a: &Tensor, n: i64) -> Result<Tensor> {
    check_square("linalg.matrix_power", a)?;
    let base = if n < 0 { solve::inverse(a)? } else { a.clone() };
    let mut left = n.unsigned_abs();
    if left == 0 {
        let eye = identities(&a.shape()[..a.ndim() - 2], extents(a).0, a)?;
        let y = crate::ops::copy::clone(&eye, Some(MemoryFormat::Contiguous))?;
        return record(y, "LinalgMatrixPowerBackward0", &[a], |_| |_, g| grads![g.zeros_like()?]);
    }
    if left == 1 {
        return crate::ops::copy::clone(&base, None);
    }
    let mut square = base;
    let mut result: Option<Tensor> = None;
    loop {
        if left & 1 == 1 {
            result = Some(match result {
                Some(r) => matmul(&r, &square)?,
                None => square.clone(),
            });
        }
        left >>= 1;
        if left == 0 {
            break;
        }
        square = matmul(&square, &square)?;
    }
    match result {
        Some(r) => Ok(r),
        None => crate::internal!("a power has no factors."),
    }
}

/// The product of a chain of matrices in the cheapest order (Cormen et al., Introduction to Algorithms, section 14.2);
/// the first and the last may be vectors.
pub fn multi_dot(tensors: &[Tensor]) -> Result<Tensor> {
    let n = tensors.len();
    if n < 2 {
        fail!(Runtime, torch: ("multi_dot(): expected at least 2 tensors but got {n}"), expected: ("multi_dot: expected 2 tensors or more"), got: ("{n}"), fix: ("Use the tensor itself."));
    }
    let mut chain = tensors.to_vec();
    for (i, which) in [(0, "first"), (n - 1, "last")] {
        let d = tensors[i].ndim();
        if d != 1 && d != 2 {
            fail!(Runtime, torch: ("multi_dot(): the {which} tensor must be 1D or 2D but got {d}D"), expected: ("multi_dot: expected a vector or a matrix"), got: ("{:?}", tensors[i].shape()), fix: ("Use matmul() for batches."));
        }
    }
    for (i, t) in tensors.iter().enumerate() {
        if i > 0 && i < n - 1 && t.ndim() != 2 {
            fail!(Runtime, torch: ("multi_dot(): tensor {i} must be 2D but got {}D", t.ndim()), expected: ("multi_dot: expected matrices between the ends"), got: ("{:?}", t.shape()), fix: ("Use matmul() for batches."));
        }
        if t.dtype() != tensors[0].dtype() {
            fail!(Runtime, torch: ("multi_dot(): all tensors must have be the same dtype but tensor 0 is {} and tensor {i} {}", tensors[0].dtype().typedef_name(), t.dtype().typedef_name()), expected: ("multi_dot: expected one dtype"), got: ("{} and {}", tensors[0].dtype().name(), t.dtype().name()), fix: ("Convert one with .to()."));
        }
    }
    let (row, column) = (tensors[0].ndim() == 1, tensors[n - 1].ndim() == 1);
    if row {
        chain[0] = view::unsqueeze(&chain[0], 0)?;
    }
    if column {
        chain[n - 1] = view::unsqueeze(&chain[n - 1], -1)?;
    }
    for i in 1..n {
        if chain[i - 1].shape()[1] != chain[i].shape()[0] {
            fail!(Runtime, torch: ("multi_dot(): tensors {} and {i} with shapes {:?} and {:?} cannot be multiplied", i - 1, tensors[i - 1].shape(), tensors[i].shape()), expected: ("multi_dot: expected {} rows in tensor {i}", chain[i - 1].shape()[1]), got: ("{}", chain[i].shape()[0]), fix: ("Transpose one of them."));
        }
    }
    let mut y = if n == 2 { matmul(&chain[0], &chain[1])? } else { crate::ops::linear::chain_matmul(&chain)? };
    if row {
        y = view::squeeze_dim(&y, 0)?;
    }
    if column {
        y = view::squeeze_dim(&y, -1)?;
    }
    Ok(y)
}

ops! {
    /// The exponential of each matrix.
    "linalg_matrix_exp(Tensor self) -> Tensor" [l o] => matrix_exp(0);
    /// The exponential of each matrix.
    "matrix_exp(Tensor self) -> Tensor" [f m] => matrix_exp(0);
    /// The n-th power of each matrix.
    "linalg_matrix_power(Tensor self, int n) -> Tensor" [l o] => matrix_power(0, 1);
    /// The n-th power of each matrix.
    "matrix_power(Tensor self, int n) -> Tensor" [f m o] => matrix_power(0, 1);
    /// The product of a chain of matrices in the cheapest order.
    "linalg_multi_dot(Tensor[] tensors) -> Tensor" [l o] => multi_dot(0);
}
