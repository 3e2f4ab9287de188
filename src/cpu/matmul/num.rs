//! The numbers that products are computed in, and the element types that are read into them.

use super::Factor;
use super::lanes::{Lane, MAX_W};
use half::{bf16, f16};
use num_complex::Complex;

/// A type that sums are kept in.
pub(super) trait Num: Copy + Send + Sync + PartialEq + 'static {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// `self + y`.
    fn add(self, y: Self) -> Self;
    /// `self * y`.
    fn mul(self, y: Self) -> Self;
    /// The factor in this type.
    fn factor(f: Factor) -> Self;
}

macro_rules! nums {
    ($($t:ty, $zero:expr, $one:expr, $add:expr, $mul:expr, $from:expr;)+) => { $(impl Num for $t {
        const ZERO: Self = $zero;
        const ONE: Self = $one;
        #[inline(always)]
        fn add(self, y: Self) -> Self { let f: fn(Self, Self) -> Self = $add; f(self, y) }
        #[inline(always)]
        fn mul(self, y: Self) -> Self { let f: fn(Self, Self) -> Self = $mul; f(self, y) }
        fn factor(f: Factor) -> Self { let to: fn(Factor) -> Self = $from; to(f) }
    })+ };
}
nums! {
    f32, 0.0, 1.0, |x, y| x + y, |x, y| x * y, |f| f.complex.re as f32;
    f64, 0.0, 1.0, |x, y| x + y, |x, y| x * y, |f| f.complex.re;
    u32, 0, 1, u32::wrapping_add, u32::wrapping_mul, |f| f.int as u32;
    u64, 0, 1, u64::wrapping_add, u64::wrapping_mul, |f| f.int as u64;
    Complex<f32>, Complex::new(0.0, 0.0), Complex::new(1.0, 0.0), |x, y| x + y, |x, y| x * y,
        |f| Complex::new(f.complex.re as f32, f.complex.im as f32);
    Complex<f64>, Complex::new(0.0, 0.0), Complex::new(1.0, 0.0), |x, y| x + y, |x, y| x * y, |f| f.complex;
}

/// An element type in memory, and the type it is computed in.
pub(super) trait Source: Copy + Send + Sync + 'static {
    /// The type of the sums.
    type T: Num;
    /// Is an element its own compute type?
    const SAME: bool;
    /// The element as a number.
    fn widen(self) -> Self::T;
    /// The number as an element: rounded to nearest even, wrapped.
    fn narrow(x: Self::T) -> Self;

    /// Loads `L::W` elements.
    #[inline(always)]
    unsafe fn load<L: Lane<T = Self::T>>(p: *const Self) -> L::V {
        let mut t = [Self::T::ZERO; MAX_W];
        for (i, t) in t.iter_mut().enumerate().take(L::W) {
            *t = (*p.add(i)).widen();
        }
        L::load(t.as_ptr())
    }

    /// Loads `n < L::W` elements, zeros after them.
    #[inline(always)]
    unsafe fn load_part<L: Lane<T = Self::T>>(p: *const Self, n: usize) -> L::V {
        let mut t = [Self::T::ZERO; MAX_W];
        for (i, t) in t.iter_mut().enumerate().take(n) {
            *t = (*p.add(i)).widen();
        }
        L::load(t.as_ptr())
    }

    /// Stores `L::W` elements.
    #[inline(always)]
    unsafe fn store<L: Lane<T = Self::T>>(p: *mut Self, v: L::V) {
        let mut t = [Self::T::ZERO; MAX_W];
        L::store(t.as_mut_ptr(), v);
        for (i, t) in t.iter().enumerate().take(L::W) {
            *p.add(i) = Self::narrow(*t);
        }
    }
}

macro_rules! same {
    ($($t:ty)+) => { $(impl Source for $t {
        type T = $t;
        const SAME: bool = true;
        #[inline(always)]
        fn widen(self) -> $t { self }
        #[inline(always)]
        fn narrow(x: $t) -> $t { x }
        #[inline(always)]
        unsafe fn load<L: Lane<T = $t>>(p: *const $t) -> L::V { L::load(p) }
        #[inline(always)]
        unsafe fn load_part<L: Lane<T = $t>>(p: *const $t, n: usize) -> L::V { L::load_part(p, n) }
        #[inline(always)]
        unsafe fn store<L: Lane<T = $t>>(p: *mut $t, v: L::V) { L::store(p, v) }
    })+ };
}
same!(f32 f64 u32 u64 Complex<f32> Complex<f64>);

macro_rules! narrow_ints {
    ($($t:ty)+) => { $(impl Source for $t {
        type T = u32;
        const SAME: bool = false;
        #[inline(always)]
        fn widen(self) -> u32 { self as u32 }
        #[inline(always)]
        fn narrow(x: u32) -> $t { x as $t }
    })+ };
}
narrow_ints!(u8 i8 u16 i16);

macro_rules! halves {
    ($($t:ty, $load:ident, $store:ident;)+) => { $(impl Source for $t {
        type T = f32;
        const SAME: bool = false;
        #[inline(always)]
        fn widen(self) -> f32 { self.to_f32() }
        #[inline(always)]
        fn narrow(x: f32) -> $t { <$t>::from_f32(x) }
        #[inline(always)]
        unsafe fn load<L: Lane<T = f32>>(p: *const $t) -> L::V { L::$load(p) }
        #[inline(always)]
        unsafe fn load_part<L: Lane<T = f32>>(p: *const $t, n: usize) -> L::V {
            let mut t = [<$t>::ZERO; MAX_W];
            for (i, t) in t.iter_mut().enumerate().take(n) { *t = *p.add(i); }
            L::$load(t.as_ptr())
        }
        #[inline(always)]
        unsafe fn store<L: Lane<T = f32>>(p: *mut $t, v: L::V) { L::$store(p, v) }
    })+ };
}
halves! { f16, load_f16, store_f16; bf16, load_bf16, store_bf16; }
