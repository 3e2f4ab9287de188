//! Factorisations of batches of matrices. Matrices that are factorised lie column by column, one after the other.

use crate::cpu::float::Shared;
use crate::cpu::linalg::spectral::{self, Spectral};
use crate::cpu::linalg::{self, Field, View, cholesky, inverse, ldl, lu, qr, triangular};
use crate::error::Result;
use crate::tensor::dtype::{C64, C128};
use crate::tensor::layout::{Shape, Strides};
use crate::tensor::{DType, Device, Tensor};

/// Runs a block with `$T` as the element type of a dtype that has factorisations.
macro_rules! with_field {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            DType::F64 => {
                type $T = f64;
                $body
            }
            DType::C64 => {
                type $T = C64;
                $body
            }
            DType::C128 => {
                type $T = C128;
                $body
            }
            other => {
                debug_assert_eq!(other, DType::F32);
                type $T = f32;
                $body
            }
        }
    };
}

/// Strides of matrices that lie column by column.
pub fn column_strides(shape: &[usize]) -> Strides {
    let n = shape.len();
    let mut strides = crate::tensor::layout::contiguous_strides(shape);
    if n >= 2 {
        strides[n - 2] = 1;
        strides[n - 1] = shape[n - 2].max(1) as isize;
    }
    strides
}

/// Uninitialised matrices, column by column.
pub fn columns(shape: &[usize], dtype: DType, device: Device) -> Result<Tensor> {
    super::empty_strided(shape, &column_strides(shape), dtype, device)
}

/// A copy, column by column.
pub fn copy_columns(x: &Tensor) -> Result<Tensor> {
    let y = columns(x.shape(), x.dtype(), x.device())?;
    super::copy(x, &y);
    Ok(y)
}

/// The tensor itself if its matrices lie one after the other without gaps, by rows or by columns; else a copy.
fn dense(x: &Tensor) -> Result<Tensor> {
    let fits = |strides: &[isize]| x.strides().iter().zip(strides).zip(x.shape()).all(|((a, b), &n)| n == 1 || a == b);
    if x.is_contiguous() || fits(&column_strides(x.shape())) { Ok(x.clone()) } else { copy_columns(x) }
}

/// The tensor itself if its matrices lie one after the other column by column; else a copy.
fn by_columns(x: &Tensor) -> Result<Tensor> {
    if x.strides() == &column_strides(x.shape())[..] { Ok(x.clone()) } else { copy_columns(x) }
}

/// (matrices, rows, columns)
fn sizes(x: &Tensor) -> (usize, usize, usize) {
    let s = x.shape();
    let n = s.len();
    (s[..n - 2].iter().product(), s[n - 2], s[n - 1])
}

/// Matrix `i` of a dense tensor.
fn nth<T: Field>(x: &Tensor, i: usize) -> View<T> {
    let n = x.ndim();
    let (_, rows, cols) = sizes(x);
    let ptr = x.ptr().cast::<T>().wrapping_add(i * rows * cols);
    View::new(ptr, (rows, cols), (x.strides()[n - 2], x.strides()[n - 1]))
}

fn nothing(x: &Tensor) -> bool {
    x.is_meta() || x.numel() == 0
}

/// Householder's factors of each matrix of `a`, in place; `tau` is contiguous (*, min(m, n)).
pub fn qr(a: &Tensor, tau: &Tensor) -> Result<()> {
    if nothing(a) {
        return Ok(());
    }
    let (count, m, n) = sizes(a);
    let k = m.min(n);
    with_field!(a.dtype(), T => {
        let t = Shared(tau.ptr().cast::<T>());
        // SAFETY: fresh memory of these sizes, column by column.
        linalg::batch(count, m * n * k, &|i| unsafe { qr::factor(nth::<T>(a, i), t.at(i * k)) })
    })
}

/// The first `n` columns of products of reflections, which [`qr`] left in dense `a` (column by column) and `tau` (*, k).
pub fn reflections(a: &Tensor, tau: &Tensor, n: usize) -> Result<Tensor> {
    let mut shape = Shape::from_slice(a.shape());
    shape[a.ndim() - 1] = n;
    let q = columns(&shape, a.dtype(), a.device())?;
    if !nothing(&q) {
        let (a, tau) = (by_columns(a)?, contiguous(tau)?);
        let k = tau.shape()[tau.ndim() - 1];
        let (count, m, _) = sizes(&q);
        with_field!(q.dtype(), T => {
            let t = Shared(tau.ptr().cast::<T>());
            linalg::batch(count, m * n * k, &|i| {
                // SAFETY: fresh memory of these sizes, column by column; operations have checked that n is at least k.
                unsafe { qr::form(nth::<T>(&a, i), (t.at(i * k), k), nth::<T>(&q, i)) }
            })
        })?;
    }
    Ok(q)
}

/// Products of reflections, or their adjoints, times `c` from the left or from the right.
pub fn reflect(a: &Tensor, tau: &Tensor, c: &Tensor, left: bool, adjoint: bool) -> Result<Tensor> {
    let c = copy_columns(c)?;
    if !nothing(&c) {
        let (a, tau) = (by_columns(a)?, contiguous(tau)?);
        let k = tau.shape()[tau.ndim() - 1];
        let (count, m, n) = sizes(&c);
        with_field!(c.dtype(), T => {
            let t = Shared(tau.ptr().cast::<T>());
            linalg::batch(count, m * n * k, &|i| {
                let (a, c) = (nth::<T>(&a, i), nth::<T>(&c, i));
                // SAFETY: as above; operations have checked the sizes.
                unsafe {
                    if left {
                        return qr::apply(a, (t.at(i * k), k), c, adjoint);
                    }
                    // C Q is the adjoint of Q^H C^H.
                    c.conjugate();
                    qr::apply(a, (t.at(i * k), k), c.t(), !adjoint)?;
                    c.conjugate();
                }
                Ok(())
            })
        })?;
    }
    Ok(c)
}

fn contiguous(x: &Tensor) -> Result<Tensor> {
    if x.is_contiguous() {
        return Ok(x.clone());
    }
    let y = super::empty(x.shape(), x.dtype(), x.device())?;
    super::copy(x, &y);
    Ok(y)
}

/// LU factors of each matrix of `a`, in place; `pivots` is contiguous int32 (*, min(m, n)), `info` int32 (*).
pub fn lu(a: &Tensor, pivots: &Tensor, info: &Tensor) -> Result<()> {
    if nothing(a) {
        super::fill(info, crate::tensor::Scalar::Int(0));
        return Ok(());
    }
    let (count, m, n) = sizes(a);
    let k = m.min(n);
    let (p, info) = (Shared(pivots.ptr().cast::<i32>()), Shared(info.ptr().cast::<i32>()));
    with_field!(a.dtype(), T => linalg::batch(count, m * n * k, &|i| {
        // SAFETY: as above.
        unsafe { *info.at(i) = lu::factor(nth::<T>(a, i), p.at(i * k)) };
        Ok(())
    }))
}

/// The inverses of matrices given by [`lu`]'s factors and contiguous pivots.
pub fn invert_lu(factors: &Tensor, pivots: &Tensor) -> Result<Tensor> {
    let x = columns(factors.shape(), factors.dtype(), factors.device())?;
    if !nothing(&x) {
        let (count, n, _) = sizes(&x);
        let p = Shared(pivots.ptr().cast::<i32>());
        with_field!(x.dtype(), T => linalg::batch(count, n * n * n, &|i| {
            // SAFETY: fresh memory of these sizes, column by column.
            unsafe { inverse::of_lu(nth::<T>(factors, i), p.at(i * n), nth::<T>(&x, i)) }
        }))?;
    }
    Ok(x)
}

/// The inverses of the matrices with these Cholesky factors, of which the lower triangle is read.
pub fn invert_cholesky(factor: &Tensor) -> Result<Tensor> {
    let x = columns(factor.shape(), factor.dtype(), factor.device())?;
    if !nothing(&x) {
        let l = dense(factor)?;
        let (count, n, _) = sizes(&x);
        with_field!(x.dtype(), T => linalg::batch(count, n * n * n, &|i| {
            // SAFETY: as above.
            unsafe { inverse::of_cholesky(nth::<T>(&l, i), nth::<T>(&x, i)) }
        }))?;
    }
    Ok(x)
}

/// Exchanges rows of each matrix of `x` (column by column) as contiguous int32 `pivots` (*, k) say. They are in range.
pub fn exchange_rows(x: &Tensor, pivots: &Tensor, backwards: bool) -> Result<()> {
    if nothing(x) {
        return Ok(());
    }
    let (count, m, n) = sizes(x);
    let k = pivots.shape()[pivots.ndim() - 1];
    let p = Shared(pivots.ptr().cast::<i32>());
    with_field!(x.dtype(), T => linalg::batch(count, m * n, &|i| {
        // SAFETY: as above; operations have checked the pivots.
        unsafe { lu::exchange(nth::<T>(x, i), p.at(i * k), k, backwards) };
        Ok(())
    }))
}

/// Do all pivots lie within 1..=m?
pub fn pivots_in_range(pivots: &Tensor, m: usize) -> (bool, bool) {
    if nothing(pivots) {
        return (true, true);
    }
    // SAFETY: contiguous int32, as operations have checked.
    let all = unsafe { std::slice::from_raw_parts(pivots.ptr().cast::<i32>(), pivots.numel()) };
    (all.iter().all(|&p| p >= 1), all.iter().all(|&p| p as i64 <= m as i64))
}

/// The first entry that is not 0 of an int32 tensor: where and what.
pub fn first_failure(info: &Tensor) -> Option<(usize, i32)> {
    if nothing(info) {
        return None;
    }
    debug_assert!(info.is_contiguous());
    // SAFETY: contiguous int32, which factorisations write.
    let all = unsafe { std::slice::from_raw_parts(info.ptr().cast::<i32>(), info.numel()) };
    all.iter().position(|&i| i != 0).map(|at| (at, all[at]))
}

/// Writes L (*, m, k) and U (*, k, n) of matrices (*, m, n) that hold both; `l` and `u` are contiguous and fresh.
pub fn unpack_lu(lu: &Tensor, l: &Tensor, u: &Tensor) -> Result<()> {
    if nothing(lu) {
        return Ok(());
    }
    let lu = contiguous(lu)?;
    let (count, m, n) = sizes(&lu);
    with_field!(lu.dtype(), T => linalg::batch(count, m * n, &|i| {
        // SAFETY: contiguous tensors of these sizes.
        unsafe { lu::unpack(nth::<T>(&lu, i), nth::<T>(l, i), nth::<T>(u, i)) };
        Ok(())
    }))
}

/// Writes the permutations that contiguous int32 pivots (*, k), which are in range, stand for into zeros (*, m, m).
pub fn permutations(p: &Tensor, pivots: &Tensor) -> Result<()> {
    if nothing(p) {
        return Ok(());
    }
    let (count, m, _) = sizes(p);
    let k = pivots.shape()[pivots.ndim() - 1];
    let pivots = Shared(pivots.ptr().cast::<i32>());
    with_field!(p.dtype(), T => linalg::batch(count, m, &|i| {
        // SAFETY: fresh memory of these sizes; operations have checked the pivots.
        unsafe { lu::permutation(nth::<T>(p, i), pivots.at(i * k), k) }
    }))
}

/// Lower Cholesky factors of each matrix of `a`, in place, with zeros above.
pub fn cholesky(a: &Tensor, info: &Tensor) -> Result<()> {
    if nothing(a) {
        super::fill(info, crate::tensor::Scalar::Int(0));
        return Ok(());
    }
    let (count, n, _) = sizes(a);
    let info = Shared(info.ptr().cast::<i32>());
    with_field!(a.dtype(), T => linalg::batch(count, n * n * n, &|i| {
        // SAFETY: as above.
        unsafe {
            *info.at(i) = cholesky::factor(nth::<T>(a, i))?;
            nth::<T>(a, i).clear_above();
        }
        Ok(())
    }))
}

/// Solves `a @ x = b` (`x @ a = b` if not `left`) for triangular `a` and as many dense `b`; x takes b's place.
pub fn solve_triangular(a: &Tensor, b: &Tensor, upper: bool, left: bool, unit: bool) -> Result<()> {
    if nothing(b) {
        return Ok(());
    }
    let a = &dense(a)?;
    let (count, m, n) = sizes(b);
    with_field!(b.dtype(), T => linalg::batch(count, m * n * if left { m } else { n }, &|i| {
        let (a, b) = (nth::<T>(a, i), nth::<T>(b, i));
        // SAFETY: `b` is fresh memory; sizes were checked.
        unsafe {
            if left { triangular::solve(a, b, upper, unit) } else { triangular::solve(a.t(), b.t(), !upper, unit) }
        };
        Ok(())
    }))
}

/// The shape without the last `n` dims.
pub fn batch_shape(x: &Tensor, n: usize) -> Shape {
    Shape::from_slice(&x.shape()[..x.ndim() - n])
}

/// The sign of each permutation: `out` (*) of real numbers, `pivots` (*, k).
pub fn signs(pivots: &Tensor, out: &Tensor) {
    if nothing(out) {
        return;
    }
    let k = pivots.shape()[pivots.ndim() - 1];
    let p = pivots.ptr().cast::<i32>();
    for i in 0..out.numel() {
        // SAFETY: contiguous tensors of these sizes, which factorisations made.
        unsafe {
            let moved = (0..k).filter(|&j| *p.add(i * k + j) != j as i32 + 1).count();
            let sign = if moved % 2 == 0 { 1.0 } else { -1.0 };
            with_field!(out.dtype(), T => *out.ptr().cast::<T>().add(i) = <T as Field>::of(C128::new(sign, 0.0)));
        }
    }
}

/// The index from 1 of the first zero on the diagonal of each matrix, or 0.
pub fn zero_diagonals(x: &Tensor, info: &Tensor) {
    if nothing(info) {
        return;
    }
    let (count, n, _) = sizes(x);
    let Ok(x) = dense(x) else { return super::fill(info, crate::tensor::Scalar::Int(0)) };
    with_field!(x.dtype(), T => for i in 0..count {
        // SAFETY: a dense tensor of these sizes; `info` is fresh.
        unsafe { *info.ptr().cast::<i32>().add(i) = linalg::zero_diagonal(nth::<T>(&x, i), n) };
    });
}

/// Eigenvalues (*, n) in ascending order and, if wanted, eigenvectors of Hermitian matrices, of which the lower triangle
/// is read. `info` is 1 where it failed.
pub fn hermitian(a: &Tensor, values: &Tensor, vectors: Option<&Tensor>, info: &Tensor) -> Result<()> {
    decompose(a, info, n_cubed, |a, i| {
        let n = sizes(a).1;
        // SAFETY: fresh memory of these sizes.
        with_field!(a.dtype(), T => unsafe {
            let values = Shared(values.ptr().cast::<<T as Field>::Part>()).at(i * n);
            spectral::hermitian::<T>(nth(a, i), values, vectors.map(|v| nth(v, i)))
        })
    })
}

/// Complex eigenvalues (*, n) and, if wanted, eigenvectors of square matrices. `info` is 1 where it failed.
pub fn eigen(a: &Tensor, values: &Tensor, vectors: Option<&Tensor>, info: &Tensor) -> Result<()> {
    decompose(a, info, n_cubed, |a, i| {
        let n = sizes(a).1;
        // SAFETY: as above.
        with_field!(a.dtype(), T => unsafe {
            type Z = num_complex::Complex<<T as Field>::Part>;
            let values = Shared(values.ptr().cast::<Z>()).at(i * n);
            <T as Spectral>::eigen(nth(a, i), values, vectors.map(|v| nth::<Z>(v, i)))
        })
    })
}

/// Singular values (*, k) in descending order and, if wanted, U and V. `info` is 1 where it failed.
pub fn singular(a: &Tensor, values: &Tensor, vectors: Option<(&Tensor, &Tensor)>, info: &Tensor) -> Result<()> {
    decompose(
        a,
        info,
        |m, n| m * n * m.min(n) * 4,
        |a, i| {
            let (_, m, n) = sizes(a);
            // SAFETY: as above.
            with_field!(a.dtype(), T => unsafe {
                let values = Shared(values.ptr().cast::<<T as Field>::Part>()).at(i * m.min(n));
                spectral::singular::<T>(nth(a, i), values, vectors.map(|(u, v)| (nth(u, i), nth(v, i))))
            })
        },
    )
}

fn n_cubed(m: usize, n: usize) -> usize {
    m * n * n * 4
}

/// Runs `f` on each matrix of `a` and notes in `info` where it failed.
fn decompose(
    a: &Tensor,
    info: &Tensor,
    cost: impl Fn(usize, usize) -> usize,
    f: impl Fn(&Tensor, usize) -> Result<bool> + Sync,
) -> Result<()> {
    if nothing(a) {
        super::fill(info, crate::tensor::Scalar::Int(0));
        return Ok(());
    }
    let a = &dense(a)?;
    let (count, m, n) = sizes(a);
    let to = Shared(info.ptr().cast::<i32>());
    linalg::batch(count, cost(m, n), &|i| {
        let done = f(a, i)?;
        // SAFETY: `info` is fresh and has one entry for each matrix.
        unsafe { *to.at(i) = !done as i32 };
        Ok(())
    })
}

/// LDL^T factors of each matrix of `a`, in place; `pivots` is contiguous int32 (*, n), `info` int32 (*).
pub fn ldl(a: &Tensor, pivots: &Tensor, info: &Tensor, hermitian: bool) -> Result<()> {
    if nothing(a) {
        super::fill(info, crate::tensor::Scalar::Int(0));
        return Ok(());
    }
    let (count, n, _) = sizes(a);
    let (p, info) = (Shared(pivots.ptr().cast::<i32>()), Shared(info.ptr().cast::<i32>()));
    with_field!(a.dtype(), T => linalg::batch(count, n * n * n, &|i| {
        // SAFETY: fresh memory of these sizes.
        unsafe { *info.at(i) = ldl::factor(nth::<T>(a, i), p.at(i * n), hermitian)? };
        Ok(())
    }))
}

/// Solves by [`ldl`]'s result, with pivots that fit; x takes the place of `b`, which lies column by column.
pub fn ldl_solve(ld: &Tensor, pivots: &Tensor, b: &Tensor, hermitian: bool) -> Result<()> {
    if nothing(b) {
        return Ok(());
    }
    let ld = &by_columns(ld)?;
    let (count, n, k) = sizes(b);
    let p = Shared(pivots.ptr().cast::<i32>());
    with_field!(b.dtype(), T => linalg::batch(count, n * n * k, &|i| {
        // SAFETY: as above; operations have checked the pivots.
        unsafe { ldl::solve(nth::<T>(ld, i), p.at(i * n), nth::<T>(b, i), hermitian) };
        Ok(())
    }))
}

/// Do contiguous int32 pivots (*, n) lie within 1..=n, and negative ones stand in equal pairs?
pub fn ldl_pivots_fit(pivots: &Tensor, n: usize) -> bool {
    if nothing(pivots) {
        return true;
    }
    // SAFETY: contiguous int32, as operations have checked.
    let all = unsafe { std::slice::from_raw_parts(pivots.ptr().cast::<i32>(), pivots.numel()) };
    all.chunks(n).all(|row| {
        let mut k = 0;
        while k < n {
            if row[k] == 0 || row[k].unsigned_abs() as usize > n || (row[k] < 0 && row.get(k + 1) != Some(&row[k])) {
                return false;
            }
            k += 1 + (row[k] < 0) as usize;
        }
        true
    })
}
