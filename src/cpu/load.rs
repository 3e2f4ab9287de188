//! Conversions between element types and the types that kernels accumulate in.
//!
//! Contract of the `unsafe` functions here: `src` and `dst` address `n` elements at the given byte strides.

use crate::multiversion;
use crate::tensor::dtype::{Bool8, C64, C128};
use crate::tensor::{DType, Element};
use crate::with_dtype;
use half::{bf16, f16};

/// IEEE binary16 to f32 without a branch, so that loops over it vectorise.
#[inline(always)]
pub fn f16_to_f32(h: f16) -> f32 {
    let bits = h.to_bits() as u32;
    let magnitude = (bits & 0x7fff) << 13;
    // The exponent bias differs by 112; a multiplication rebuilds it and normalises subnormals as well.
    let scaled = f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23);
    let special = if magnitude >= 0x0f80_0000 { 0x7f80_0000 } else { 0 };
    f32::from_bits(scaled.to_bits() | special | ((bits & 0x8000) << 16))
}

/// f32 to IEEE binary16, to nearest even, without a branch.
#[inline(always)]
pub fn f32_to_f16(x: f32) -> f16 {
    let bits = x.to_bits();
    let sign = (bits >> 16) & 0x8000;
    let m = bits & 0x7fff_ffff;
    // Subnormal results: adding 0.5 lets the FPU round at the right bit (one unit of binary16's subnormals is 2^-24).
    let sub = (f32::from_bits(m) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
    let normal = m.wrapping_add(0xc800_0fff).wrapping_add((m >> 13) & 1) >> 13;
    let nan_or_inf = if m > 0x7f80_0000 { 0x7e00 } else { 0x7c00 };
    let r = if m < 0x3880_0000 { sub } else { normal };
    f16::from_bits((sign | if m >= 0x4780_0000 { nan_or_inf } else { r }) as u16)
}

/// bf16 to f32.
#[inline(always)]
pub fn bf16_to_f32(x: bf16) -> f32 {
    f32::from_bits((x.to_bits() as u32) << 16)
}

/// f32 to bf16, to nearest even, without a branch.
#[inline(always)]
pub fn f32_to_bf16(x: f32) -> bf16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    bf16::from_bits(if x.is_nan() { 0x7fc0 } else { rounded as u16 })
}

/// Element types and their conversions to and from the accumulator types.
#[allow(missing_docs, reason = "each method converts from or to the type of its name")]
pub trait Num: Element {
    fn to_i64(self) -> i64;
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
    fn from_i64(x: i64) -> Self;
    fn from_f32(x: f32) -> Self;
    fn from_f64(x: f64) -> Self;
    /// The imaginary part, 0 for real types.
    #[inline(always)]
    fn im(self) -> f64 {
        0.0
    }
    /// From real and imaginary part; real types drop the latter.
    #[inline(always)]
    fn from_parts(re: f64, _im: f64) -> Self {
        Self::from_f64(re)
    }
    /// Different from zero (NaN is).
    fn truthy(self) -> bool;
}

macro_rules! primitives {
    ($($t:ty),+) => { $(impl Num for $t {
        #[inline(always)] fn to_i64(self) -> i64 { self as i64 }
        #[inline(always)] fn to_f32(self) -> f32 { self as f32 }
        #[inline(always)] fn to_f64(self) -> f64 { self as f64 }
        #[inline(always)] fn from_i64(x: i64) -> Self { x as $t }
        #[inline(always)] fn from_f32(x: f32) -> Self { x as $t }
        #[inline(always)] fn from_f64(x: f64) -> Self { x as $t }
        #[inline(always)] fn truthy(self) -> bool { self != 0 as $t }
    })+ };
}
primitives!(u8, i8, i16, i32, i64, u16, u32, u64, f32, f64);

macro_rules! halves {
    ($($t:ty, $to:ident, $from:ident);+) => { $(impl Num for $t {
        #[inline(always)] fn to_i64(self) -> i64 { $to(self) as i64 }
        #[inline(always)] fn to_f32(self) -> f32 { $to(self) }
        #[inline(always)] fn to_f64(self) -> f64 { $to(self) as f64 }
        #[inline(always)] fn from_i64(x: i64) -> Self { $from(x as f32) }
        #[inline(always)] fn from_f32(x: f32) -> Self { $from(x) }
        #[inline(always)] fn from_f64(x: f64) -> Self { $from(x as f32) }
        #[inline(always)] fn truthy(self) -> bool { self.to_bits() & 0x7fff != 0 }
    })+ };
}
halves!(f16, f16_to_f32, f32_to_f16; bf16, bf16_to_f32, f32_to_bf16);

impl Num for Bool8 {
    #[inline(always)]
    fn to_i64(self) -> i64 {
        self.get() as i64
    }
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self.get() as u8 as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.get() as u8 as f64
    }
    #[inline(always)]
    fn from_i64(x: i64) -> Self {
        (x != 0).into()
    }
    #[inline(always)]
    fn from_f32(x: f32) -> Self {
        (x != 0.0).into()
    }
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        (x != 0.0).into()
    }
    #[inline(always)]
    fn from_parts(re: f64, im: f64) -> Self {
        (re != 0.0 || im != 0.0).into()
    }
    #[inline(always)]
    fn truthy(self) -> bool {
        self.get()
    }
}

macro_rules! complexes {
    ($($t:ty, $r:ty);+) => { $(impl Num for $t {
        #[inline(always)] fn to_i64(self) -> i64 { self.re as i64 }
        #[inline(always)] fn to_f32(self) -> f32 { self.re as f32 }
        #[inline(always)] fn to_f64(self) -> f64 { self.re as f64 }
        #[inline(always)] fn from_i64(x: i64) -> Self { Self::new(x as $r, 0.0) }
        #[inline(always)] fn from_f32(x: f32) -> Self { Self::new(x as $r, 0.0) }
        #[inline(always)] fn from_f64(x: f64) -> Self { Self::new(x as $r, 0.0) }
        #[inline(always)] fn im(self) -> f64 { self.im as f64 }
        #[inline(always)] fn from_parts(re: f64, im: f64) -> Self { Self::new(re as $r, im as $r) }
        #[inline(always)] fn truthy(self) -> bool { self.re != 0.0 || self.im != 0.0 }
    })+ };
}
complexes!(C64, f32; C128, f64);

/// The types that kernels accumulate in.
pub trait Acc: Element {
    /// From an element.
    fn of<T: Num>(x: T) -> Self;
    /// To an element.
    fn put<T: Num>(self) -> T;
}

impl Acc for i64 {
    #[inline(always)]
    fn of<T: Num>(x: T) -> Self {
        x.to_i64()
    }
    #[inline(always)]
    fn put<T: Num>(self) -> T {
        T::from_i64(self)
    }
}
impl Acc for f32 {
    #[inline(always)]
    fn of<T: Num>(x: T) -> Self {
        x.to_f32()
    }
    #[inline(always)]
    fn put<T: Num>(self) -> T {
        T::from_f32(self)
    }
}
impl Acc for f64 {
    #[inline(always)]
    fn of<T: Num>(x: T) -> Self {
        x.to_f64()
    }
    #[inline(always)]
    fn put<T: Num>(self) -> T {
        T::from_f64(self)
    }
}
impl Acc for C64 {
    #[inline(always)]
    fn of<T: Num>(x: T) -> Self {
        C64::new(x.to_f32(), x.im() as f32)
    }
    #[inline(always)]
    fn put<T: Num>(self) -> T {
        T::from_parts(self.re as f64, self.im as f64)
    }
}
impl Acc for C128 {
    #[inline(always)]
    fn of<T: Num>(x: T) -> Self {
        C128::new(x.to_f64(), x.im())
    }
    #[inline(always)]
    fn put<T: Num>(self) -> T {
        T::from_parts(self.re, self.im)
    }
}
/// Truth values, 0 or 1.
impl Acc for u8 {
    #[inline(always)]
    fn of<T: Num>(x: T) -> Self {
        x.truthy() as u8
    }
    #[inline(always)]
    fn put<T: Num>(self) -> T {
        T::from_i64(self as i64)
    }
}

/// Fills `dst` densely from `n` elements at byte stride `stride`.
pub type Load = unsafe fn(src: *const u8, stride: isize, n: usize, dst: *mut u8);

macro_rules! loader_fn {
    ($(#[$m:meta])* $name:ident [$($g:ident: $b:path),+] $src:ty => $dst:ty, |$x:ident| $e:expr) => {
        multiversion! {
            $(#[$m])*
            ///
            /// # Safety
            /// The module's contract.
            pub unsafe fn $name[$($g: $b),+](src: *const u8, stride: isize, n: usize, dst: *mut u8) {
                let dst = dst.cast::<$dst>();
                if stride == size_of::<$src>() as isize {
                    let src = src.cast::<$src>();
                    for i in 0..n {
                        let $x = *src.add(i);
                        *dst.add(i) = $e;
                    }
                } else {
                    for i in 0..n {
                        let $x = *src.offset(i as isize * stride).cast::<$src>();
                        *dst.add(i) = $e;
                    }
                }
            }
        }
    };
}
loader_fn!(/** Elements as accumulators. */ load_as[T: Num, A: Acc] T => A, |x| A::of(x));
loader_fn!(/** Copies elements of any type of this size. */ load_copy[E: Copy] E => E, |x| x);
loader_fn!(/** 1 where the element is not zero, as i64. */ load_count[T: Num] T => i64, |x| x.truthy() as i64);

unsafe fn load_abs64(src: *const u8, stride: isize, n: usize, dst: *mut u8) {
    for i in 0..n {
        // SAFETY: the module's contract.
        unsafe { *dst.cast::<f32>().add(i) = (*src.offset(i as isize * stride).cast::<C64>()).norm() };
    }
}

unsafe fn load_abs128(src: *const u8, stride: isize, n: usize, dst: *mut u8) {
    for i in 0..n {
        // SAFETY: the module's contract.
        unsafe { *dst.cast::<f64>().add(i) = (*src.offset(i as isize * stride).cast::<C128>()).norm() };
    }
}

/// The conversion of `from` elements to accumulators.
pub fn loader<A: Acc>(from: DType) -> Load {
    if from == A::DTYPE && from != DType::U8 {
        return copier(from.size());
    }
    with_dtype!(from, T => load_as::<T, A>)
}

/// The magnitude: f32 for complex64, f64 for complex128, otherwise the element as an accumulator.
pub fn abs_loader<A: Acc>(from: DType) -> Load {
    match (from, A::DTYPE) {
        (DType::C64, DType::F32) => load_abs64,
        (DType::C128, DType::F64) => load_abs128,
        _ => loader::<A>(from),
    }
}

/// 1 or 0 as i64.
pub fn count_loader(from: DType) -> Load {
    with_dtype!(from, T => load_count::<T>)
}

/// A plain copy of elements of `size` bytes.
pub fn copier(size: usize) -> Load {
    match size {
        1 => load_copy::<u8>,
        2 => load_copy::<u16>,
        4 => load_copy::<u32>,
        8 => load_copy::<u64>,
        _ => load_copy::<[u64; 2]>,
    }
}

/// Writes `n` accumulators as elements of `dtype` at byte stride `stride`.
///
/// # Safety
/// The module's contract.
pub unsafe fn store<A: Acc>(acc: *const A, n: usize, out: *mut u8, stride: isize, dtype: DType) {
    with_dtype!(dtype, T => {
        for i in 0..n {
            // SAFETY: the caller's promise.
            unsafe { *out.offset(i as isize * stride).cast::<T>() = (*acc.add(i)).put::<T>() };
        }
    })
}

/// Results that know how to write themselves into a tensor.
pub trait Put: Copy + Send + Sync + 'static {
    /// Writes `n` values as `dtype` at byte stride `stride`.
    ///
    /// # Safety
    /// The module's contract.
    unsafe fn put_all(src: *const Self, n: usize, out: *mut u8, stride: isize, dtype: DType);
}

macro_rules! put_converting {
    ($($t:ty),+) => { $(impl Put for $t {
        #[inline]
        unsafe fn put_all(src: *const Self, n: usize, out: *mut u8, stride: isize, dtype: DType) {
            if dtype == <$t as Element>::DTYPE {
                for i in 0..n {
                    // SAFETY: the module's contract.
                    unsafe { *out.offset(i as isize * stride).cast::<$t>() = *src.add(i) };
                }
            } else {
                // SAFETY: as above.
                unsafe { store(src, n, out, stride, dtype) }
            }
        }
    })+ };
}
put_converting!(i64, f32, f64, C64, C128);

macro_rules! put_plain {
    ($($t:ty),+) => { $(impl Put for $t {
        #[inline]
        unsafe fn put_all(src: *const Self, n: usize, out: *mut u8, stride: isize, _dtype: DType) {
            for i in 0..n {
                // SAFETY: the module's contract; `dtype` has the size of this type.
                unsafe { *out.offset(i as isize * stride).cast::<$t>() = *src.add(i) };
            }
        }
    })+ };
}
put_plain!(u8, i8, i16, i32, u16, u32, u64);
