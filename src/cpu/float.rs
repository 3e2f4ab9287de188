//! What the neural-network kernels need of a floating element type, and sums over it with a fixed order.

use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub};

use super::alloc::{self, Block};
use crate::error::{Error, Kind, Result};
use crate::tensor::Element;

/// f32 or f64. Halves are converted to f32 by the caller.
pub trait Float:
    Element
    + PartialOrd
    + Default
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + MulAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Minus infinity.
    const NEG_INF: Self;

    /// The nearest value.
    fn of(x: f64) -> Self;
    /// The same value.
    fn f64(self) -> f64;
    /// `self * b + c`, rounded once.
    fn fma(self, b: Self, c: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// e^self within 1.5 ULP, branch-free; 0 and infinity outside the range, NaN for NaN.
    fn exp(self) -> Self;
    /// Infinite?
    fn is_inf(self) -> bool;

    /// Not a number?
    #[inline(always)]
    #[allow(clippy::eq_op, reason = "NaN alone differs from itself")]
    fn is_nan(self) -> bool {
        self != self
    }

    /// The larger of two; if one is NaN, either.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
}

impl Float for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const NEG_INF: f32 = f32::NEG_INFINITY;

    #[inline(always)]
    fn of(x: f64) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        self as f64
    }
    #[inline(always)]
    fn fma(self, b: f32, c: f32) -> f32 {
        self.mul_add(b, c)
    }
    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn ln(self) -> f32 {
        f32::ln(self)
    }
    /// With x = k ln 2 + r, |r| <= ln(2)/2: 2^k (1 + r + r^2 q(r)), q of degree 4.
    #[inline(always)]
    fn exp(self) -> f32 {
        // Adding it rounds to an integer, which the low bits of the sum hold.
        const MAGIC: f32 = 12582912.0;
        let x = if self > 89.0 { 89.0 } else { self };
        // Minus infinity stands for what does not count, in masks. Processors take a hundred times as long for a product that
        // falls below the normal range, so that 0 is chosen instead of computed.
        let none = x < -104.0;
        let x = if none { 0.0 } else { x };
        let t = x.mul_add(std::f32::consts::LOG2_E, MAGIC);
        let n = t - MAGIC;
        let r = n.mul_add(-std::f32::consts::LN_2, x);
        let r = n.mul_add(1.9046542e-9, r);
        let q = 0.0013862157f32.mul_add(r, 0.008366693).mul_add(r, 0.04166753).mul_add(r, 0.16666542);
        let p = q.mul_add(r, 0.49999997).mul_add(r * r, r) + 1.0;
        let k = (t.to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32);
        // Two steps: 2^k alone leaves the range before the result does.
        let half = k >> 1;
        let power = |k: i32| f32::from_bits((k.wrapping_add(127) as u32) << 23);
        let r = p * power(half) * power(k.wrapping_sub(half));
        if none { 0.0 } else { r }
    }
    #[inline(always)]
    fn is_inf(self) -> bool {
        self.is_infinite()
    }
}

impl Float for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const NEG_INF: f64 = f64::NEG_INFINITY;

    #[inline(always)]
    fn of(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn fma(self, b: f64, c: f64) -> f64 {
        self.mul_add(b, c)
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn ln(self) -> f64 {
        f64::ln(self)
    }
    /// As for f32, with the Taylor series to r^13.
    #[inline(always)]
    fn exp(self) -> f64 {
        const MAGIC: f64 = 6755399441055744.0;
        const TAYLOR: [f64; 12] = {
            let (mut t, mut f, mut i) = ([0.0; 12], 1.0, 0);
            while i < 12 {
                f *= (i + 2) as f64;
                t[i] = 1.0 / f;
                i += 1;
            }
            t
        };
        let x = if self > 710.0 { 710.0 } else { self };
        let none = x < -746.0;
        let x = if none { 0.0 } else { x };
        let t = x.mul_add(std::f64::consts::LOG2_E, MAGIC);
        let n = t - MAGIC;
        let r = n.mul_add(-std::f64::consts::LN_2, x);
        let r = n.mul_add(-2.3190468138462996e-17, r);
        let mut q = TAYLOR[11];
        for i in (0..11).rev() {
            q = q.mul_add(r, TAYLOR[i]);
        }
        let p = q.mul_add(r * r, r) + 1.0;
        let k = (t.to_bits() as i64).wrapping_sub(MAGIC.to_bits() as i64);
        // A logical shift of a number made positive: AVX2 has no arithmetic 64-bit shift.
        let half = ((k.wrapping_add(4096) as u64) >> 1) as i64 - 2048;
        let power = |k: i64| f64::from_bits((k.wrapping_add(1023) as u64) << 52);
        let r = p * power(half) * power(k.wrapping_sub(half));
        if none { 0.0 } else { r }
    }
    #[inline(always)]
    fn is_inf(self) -> bool {
        self.is_infinite()
    }
}

/// Partial results that a reduction keeps side by side: two registers of the widest level for f32, four for f64.
const LANES: usize = 32;

/// Folds `f(0..n)` with `op` in an order that depends on n alone: [`LANES`] interleaved strands, then a tree.
#[inline(always)]
pub(crate) fn fold<F: Float>(n: usize, init: F, f: impl Fn(usize) -> F, op: impl Fn(F, F) -> F) -> F {
    let mut acc = [init; LANES];
    let whole = n - n % LANES;
    let mut i = 0;
    while i < whole {
        for (j, a) in acc.iter_mut().enumerate() {
            *a = op(*a, f(i + j));
        }
        i += LANES;
    }
    for (j, a) in acc.iter_mut().enumerate().take(n - whole) {
        *a = op(*a, f(whole + j));
    }
    let mut half = LANES / 2;
    while half > 0 {
        for j in 0..half {
            acc[j] = op(acc[j], acc[j + half]);
        }
        half /= 2;
    }
    acc[0]
}

/// The sum of `f(0..n)`.
#[inline(always)]
pub(crate) fn sum<F: Float>(n: usize, f: impl Fn(usize) -> F) -> F {
    fold(n, F::ZERO, f, |a, b| a + b)
}

/// The sums of two functions over `0..n`: one after the other, since in one loop LLVM pairs them in vectors of two lanes.
#[inline(always)]
pub(crate) fn sum2<F: Float>(n: usize, f: impl Fn(usize) -> (F, F)) -> (F, F) {
    (sum(n, |i| f(i).0), sum(n, |i| f(i).1))
}

/// Elements in a block of a long sum: within it strands are summed plainly, between blocks in f64.
pub(crate) const BLOCK: usize = 4096;

/// Count, mean and sum of squared deviations of a set of values, in f64.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Moments {
    pub count: f64,
    pub mean: f64,
    pub m2: f64,
}

impl Moments {
    /// The moments of the union (Chan, Golub and LeVeque 1979, eq. 2.1).
    #[inline]
    pub fn merge(&mut self, other: Moments) {
        let count = self.count + other.count;
        if other.count == 0.0 {
            return;
        }
        let delta = other.mean - self.mean;
        let part = other.count / count;
        self.mean += delta * part;
        self.m2 += other.m2 + delta * delta * self.count * part;
        self.count = count;
    }

    /// The variance with divisor n.
    #[inline]
    pub fn variance(&self) -> f64 {
        self.m2 / self.count
    }

    /// Adds the values of a contiguous row, block by block, each in two passes over the cache.
    ///
    /// # Safety
    /// `n` elements are readable.
    #[inline(always)]
    pub unsafe fn add_row<F: Float>(&mut self, x: *const F, n: usize) {
        let mut start = 0;
        while start < n {
            let len = BLOCK.min(n - start);
            let x = x.wrapping_add(start);
            // SAFETY: `sum` asks for indices below `len`.
            let mean = sum(len, |i| unsafe { *x.add(i) }) / F::of(len as f64);
            // SAFETY: as above.
            let (low, m2) = sum2(len, |i| unsafe {
                let d = *x.add(i) - mean;
                (d, d * d)
            });
            // The deviations from a rounded mean sum to what the rounding lost.
            let shift = low.f64() / len as f64;
            let m2 = m2.f64() - shift * low.f64();
            self.merge(Moments { count: len as f64, mean: mean.f64() + shift, m2: if m2 < 0.0 { 0.0 } else { m2 } });
            start += len;
        }
    }
}

/// The sum of `n` elements in f64, block by block.
///
/// # Safety
/// `f` may be called with indices below `n`.
#[inline(always)]
pub(crate) fn long_sum<F: Float>(n: usize, f: impl Fn(usize) -> F) -> f64 {
    let mut total = 0.0;
    let mut start = 0;
    while start < n {
        let len = BLOCK.min(n - start);
        total += sum(len, |i| f(start + i)).f64();
        start += len;
    }
    total
}

/// Two such sums.
///
/// # Safety
/// `f` may be called with indices below `n`.
#[inline(always)]
pub(crate) fn long_sum2<F: Float>(n: usize, f: impl Fn(usize) -> (F, F)) -> (f64, f64) {
    let (mut a, mut b) = (0.0, 0.0);
    let mut start = 0;
    while start < n {
        let len = BLOCK.min(n - start);
        let (x, y) = sum2(len, |i| f(start + i));
        a += x.f64();
        b += y.f64();
        start += len;
    }
    (a, b)
}

/// Scratch memory for `n` elements, from the tensor allocator's cache.
pub(crate) struct Scratch<F> {
    block: Option<Block>,
    of: std::marker::PhantomData<F>,
}

// SAFETY: plain memory; kernels that share it between tasks write disjoint parts.
unsafe impl<F> Send for Scratch<F> {}
// SAFETY: as above.
unsafe impl<F> Sync for Scratch<F> {}

impl<F: Copy> Scratch<F> {
    /// Uninitialised memory, aligned to a cache line.
    pub fn new(n: usize) -> Result<Self> {
        let of = std::marker::PhantomData;
        let nbytes = n.checked_mul(size_of::<F>());
        match nbytes.and_then(|nbytes| alloc::alloc(nbytes.max(1))) {
            Some(block) => Ok(Scratch { block: Some(block), of }),
            None => Err(no_memory(n.saturating_mul(size_of::<F>()))),
        }
    }

    /// `n` zeros.
    pub fn zeroed(n: usize) -> Result<Self> {
        let scratch = Self::new(n)?;
        // SAFETY: the block holds n elements.
        unsafe { scratch.ptr().write_bytes(0, n) };
        Ok(scratch)
    }

    /// Its size in bytes.
    pub fn capacity(&self) -> usize {
        self.block.as_ref().map_or(0, Block::capacity)
    }

    /// The first element.
    #[inline]
    pub fn ptr(&self) -> *mut F {
        self.block.as_ref().map_or(std::ptr::null_mut(), |b| b.ptr().cast())
    }
}

/// The error of a kernel that gets no scratch memory.
#[cold]
pub(crate) fn no_memory(nbytes: usize) -> Error {
    Error::new(
        Kind::OutOfMemory,
        format!("expected {nbytes} bytes of scratch memory, but got none. Free tensors or use a smaller batch."),
    )
}

/// A pointer that parallel tasks share; each works on its own part.
pub(crate) struct Shared<T>(pub *mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

// SAFETY: the tasks of a kernel read inputs and write disjoint parts of outputs.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// An input.
    #[inline(always)]
    pub fn new(p: *const T) -> Self {
        Shared(p.cast_mut())
    }

    /// The pointer. A method, so that closures capture the wrapper and not its field.
    #[inline(always)]
    pub fn get(self) -> *mut T {
        self.0
    }

    /// The pointer moved by `i` elements; null stays null.
    #[inline(always)]
    pub fn at(self, i: usize) -> *mut T {
        if self.0.is_null() { self.0 } else { self.0.wrapping_add(i) }
    }
}

/// Rows per task, such that one has about `GRAIN` elements of work.
#[inline]
pub(crate) fn grain(per_item: usize) -> usize {
    (GRAIN / per_item.max(1)).max(1)
}

/// Elements of a task: 64 KiB of f32, so that the hand-off is a small part of a memory-bound task.
pub(crate) const GRAIN: usize = 16384;
