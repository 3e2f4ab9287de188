//! Factorisations of dense matrices, in place and in LAPACK's conventions (signs, pivots, what a zero pivot leaves behind).
//!
//! They recurse until a block fits the cache and leave the rest to the matrix product.
//!
//! # Contract of the unsafe code in this folder
//! A [`View`] addresses memory that is allocated for its whole shape; views that a function writes overlap no others
//! that it takes. dispatch has checked all sizes.
//!
//! # Determinism
//! Blocks depend on the shape alone, and the product has the same bits for any number of threads.

#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

pub mod cholesky;
pub mod inverse;
pub mod ldl;
pub mod lu;
pub mod qr;
pub mod spectral;
pub mod triangular;
mod tridiagonal;

use super::matmul::{self, Factor, Gemm};
use super::parallel;
use crate::error::{Error, Result};
use crate::tensor::DType;
use crate::tensor::dtype::{C64, C128};
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};
use std::sync::Mutex;

/// Elements of matrices: f32, f64 and complex numbers of them.
pub trait Field:
    Copy
    + Send
    + Sync
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + 'static
{
    /// The type of its real part.
    type Part: Field + PartialOrd;
    /// Its dtype.
    const DTYPE: DType;
    /// Has it an imaginary part?
    const COMPLEX: bool;
    /// A number, rounded.
    fn of(z: C128) -> Self;
    /// Its value, exact.
    fn wide(self) -> C128;
    /// The conjugate.
    fn conj(self) -> Self;
    /// `|re| + |im|`, LAPACK's measure of a pivot.
    fn size(self) -> Self::Part;
}

macro_rules! real_field {
    ($($t:ty: $d:ident);*) => { $(impl Field for $t {
        type Part = $t;
        const DTYPE: DType = DType::$d;
        const COMPLEX: bool = false;
        #[inline(always)]
        fn of(z: C128) -> Self { z.re as $t }
        #[inline(always)]
        fn wide(self) -> C128 { C128::new(self as f64, 0.0) }
        #[inline(always)]
        fn conj(self) -> Self { self }
        #[inline(always)]
        fn size(self) -> $t { self.abs() }
    })* };
}
real_field!(f32: F32; f64: F64);

macro_rules! complex_field {
    ($($t:ty, $r:ty: $d:ident);*) => { $(impl Field for $t {
        type Part = $r;
        const DTYPE: DType = DType::$d;
        const COMPLEX: bool = true;
        #[inline(always)]
        fn of(z: C128) -> Self { <$t>::new(z.re as $r, z.im as $r) }
        #[inline(always)]
        fn wide(self) -> C128 { C128::new(self.re as f64, self.im as f64) }
        #[inline(always)]
        fn conj(self) -> Self { <$t>::new(self.re, -self.im) }
        #[inline(always)]
        fn size(self) -> $r { self.re.abs() + self.im.abs() }
    })* };
}
complex_field!(C64, f32: C64; C128, f64: C128);

/// 0 of any field.
#[inline(always)]
fn zero<T: Field>() -> T {
    T::of(C128::new(0.0, 0.0))
}

/// 1 of any field.
#[inline(always)]
fn one<T: Field>() -> T {
    T::of(C128::new(1.0, 0.0))
}

/// A matrix in memory, m x n; strides are in elements.
#[derive(Clone, Copy)]
pub struct View<T> {
    ptr: *mut T,
    /// Rows.
    pub m: usize,
    /// Columns.
    pub n: usize,
    rs: isize,
    cs: isize,
}

// SAFETY: plain memory; tasks that share a view write disjoint parts.
unsafe impl<T> Send for View<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for View<T> {}

impl<T: Field> View<T> {
    /// A matrix that starts at `ptr`.
    pub fn new(ptr: *mut T, (m, n): (usize, usize), (rs, cs): (isize, isize)) -> Self {
        View { ptr, m, n, rs, cs }
    }

    /// A matrix stored column by column without gaps.
    pub fn columns(ptr: *mut T, m: usize, n: usize) -> Self {
        View { ptr, m, n, rs: 1, cs: m as isize }
    }

    #[inline(always)]
    fn at(self, i: usize, j: usize) -> *mut T {
        self.ptr.wrapping_offset(i as isize * self.rs + j as isize * self.cs)
    }

    #[inline(always)]
    fn sub(self, i: usize, j: usize, m: usize, n: usize) -> Self {
        View { ptr: self.at(i, j), m, n, ..self }
    }

    /// The transpose, on the same memory.
    #[inline(always)]
    pub fn t(self) -> Self {
        View { ptr: self.ptr, m: self.n, n: self.m, rs: self.cs, cs: self.rs }
    }

    /// The same elements in the order of memory.
    fn along_memory(self) -> Self {
        if self.rs.unsigned_abs() > self.cs.unsigned_abs() { self.t() } else { self }
    }

    /// Makes it the identity.
    ///
    /// # Safety
    /// The folder's contract.
    pub unsafe fn set_identity(self) {
        self.clear();
        for i in 0..self.m.min(self.n) {
            *self.at(i, i) = one();
        }
    }

    /// Fills it with zeros.
    unsafe fn clear(self) {
        let v = self.along_memory();
        for j in 0..v.n {
            if v.rs == 1 {
                // Zero is zero bytes in every field.
                v.at(0, j).write_bytes(0, v.m);
            } else {
                (0..v.m).for_each(|i| *v.at(i, j) = zero());
            }
        }
    }

    /// Fills what stands above the diagonal with zeros.
    ///
    /// # Safety
    /// The folder's contract.
    pub unsafe fn clear_above(self) {
        for j in 1..self.n {
            self.sub(0, j, j.min(self.m), 1).clear();
        }
    }

    /// Conjugates all elements.
    ///
    /// # Safety
    /// The folder's contract.
    pub unsafe fn conjugate(self) {
        if T::COMPLEX {
            let v = self.along_memory();
            for j in 0..v.n {
                for i in 0..v.m {
                    let p = v.at(i, j);
                    *p = (*p).conj();
                }
            }
        }
    }

    /// Writes the conjugates of `from`, which has the same shape.
    unsafe fn copy_conj(self, from: View<T>) {
        for j in 0..self.n {
            for i in 0..self.m {
                *self.at(i, j) = (*from.at(i, j)).conj();
            }
        }
    }

    /// Writes what is left of zeros without `from`, which has the same shape.
    unsafe fn copy_negative(self, from: View<T>) {
        for j in 0..self.n {
            for i in 0..self.m {
                *self.at(i, j) = -*from.at(i, j);
            }
        }
    }

    fn mat(self) -> matmul::Mat {
        matmul::Mat::new(self.ptr, self.rs, self.cs)
    }
}

/// `c = alpha * a @ b + beta * c` for real alpha and beta.
unsafe fn product<T: Field>(c: View<T>, alpha: f64, a: View<T>, b: View<T>, beta: f64) {
    if c.m == 0 || c.n == 0 || (a.n == 0 && beta == 1.0) {
        return;
    }
    let mut g = Gemm::new(T::DTYPE, (c.m, c.n, a.n), a.mat(), b.mat(), c.mat());
    (g.alpha, g.beta) = (Factor::real(alpha), Factor::real(beta));
    matmul::gemm(&g);
}

crate::multiversion! {
    /// `y += a * x` of n elements, each of its stride.
    unsafe fn axpy[T: Field](n: usize, a: T, x: *const T, incx: isize, y: *mut T, incy: isize) {
        if incx == 1 && incy == 1 {
            for i in 0..n {
                *y.add(i) += a * *x.add(i);
            }
        } else {
            for i in 0..n as isize {
                *y.offset(i * incy) += a * *x.offset(i * incx);
            }
        }
    }
}

crate::multiversion! {
    /// `x /= d` of n elements next to each other.
    unsafe fn divide[T: Field](n: usize, x: *mut T, d: T) {
        for i in 0..n {
            *x.add(i) = *x.add(i) / d;
        }
    }
}

crate::multiversion! {
    /// `sum(conj(x) * y)` of n elements next to each other, in eight partial sums.
    unsafe fn dotc[T: Field](n: usize, x: *const T, y: *const T) -> T {
        let mut sums = [zero::<T>(); 8];
        let whole = n / 8 * 8;
        let mut i = 0;
        while i < whole {
            for k in 0..8 {
                sums[k] += (*x.add(i + k)).conj() * *y.add(i + k);
            }
            i += 8;
        }
        for k in 0..n - whole {
            sums[k] += (*x.add(whole + k)).conj() * *y.add(whole + k);
        }
        let [a, b, c, d, e, f, g, h] = sums;
        ((a + b) + (c + d)) + ((e + f) + (g + h))
    }
}

/// Work of a task, in multiplications, from which a batch is spread over threads.
const TASK: usize = 1 << 16;

/// Runs `f` on each matrix of a batch, `cost` multiplications each. The first error in the order of the batch counts.
pub fn batch(count: usize, cost: usize, f: &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()> {
    let error: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let run = |i: usize| {
        if let Err(e) = f(i) {
            let mut first = error.lock().unwrap_or_else(|e| e.into_inner());
            if first.as_ref().is_none_or(|(j, _)| i < *j) {
                *first = Some((i, e));
            }
        }
    };
    // Few large matrices use the threads inside, in the product.
    if count < 4 && cost > TASK * 16 {
        (0..count).for_each(run);
    } else {
        parallel::chunks(count, (TASK / cost.max(1)).max(1), &|r| r.for_each(run));
    }
    match error.into_inner().unwrap_or_else(|e| e.into_inner()) {
        Some((_, e)) => Err(e),
        None => Ok(()),
    }
}

/// The index from 1 of the first zero among `n` diagonal elements, or 0.
///
/// # Safety
/// The folder's contract.
pub unsafe fn zero_diagonal<T: Field>(a: View<T>, n: usize) -> i32 {
    (0..n).find(|&i| *a.at(i, i) == zero()).map_or(0, |i| i as i32 + 1)
}
