//! Conversions between all dtypes, as C converts them on x86: what torch gives, out of range too.

use crate::cpu::simd::{Level, level};
use crate::tensor::dtype::{C64, C128};
use crate::tensor::{Bool8, DType, Element};
use crate::with_dtype;
use half::{bf16, f16};

/// Converts `n` contiguous elements from the first pointer to the second.
///
/// # Safety
/// Both hold `n` elements of their dtypes and do not overlap.
pub type Cast = unsafe fn(*const u8, *mut u8, usize);

/// Widest common carriers of a value, from which every dtype is reached in one step.
trait Source: Element {
    fn to<T: Target>(self) -> T;
}

/// What every dtype can be made from.
trait Target: Element {
    fn from_i64(x: i64) -> Self;
    fn from_u64(x: u64) -> Self;
    fn from_f32(x: f32) -> Self;
    fn from_f64(x: f64) -> Self;
    #[inline(always)]
    fn from_i32(x: i32) -> Self {
        Self::from_i64(x as i64)
    }
    /// From a complex number: the real part, but for complex and bool.
    #[inline(always)]
    fn from_c64(x: C64) -> Self {
        Self::from_f32(x.re)
    }
    #[inline(always)]
    fn from_c128(x: C128) -> Self {
        Self::from_f64(x.re)
    }
}

macro_rules! sources {
    ($($t:ty: $from:ident as $w:ty),+) => { $(
        impl Source for $t {
            #[inline(always)]
            fn to<T: Target>(self) -> T {
                T::$from(self as $w)
            }
        }
    )+ };
}
sources!(u8: from_i32 as i32, i8: from_i32 as i32, i16: from_i32 as i32, u16: from_i32 as i32, i32: from_i32 as i32,
    u32: from_i64 as i64, i64: from_i64 as i64, u64: from_u64 as u64, f32: from_f32 as f32, f64: from_f64 as f64,
    C64: from_c64 as C64, C128: from_c128 as C128);

impl Source for Bool8 {
    #[inline(always)]
    fn to<T: Target>(self) -> T {
        T::from_i32(self.get() as i32)
    }
}

impl Source for bf16 {
    #[inline(always)]
    fn to<T: Target>(self) -> T {
        T::from_f32(f32::from_bits((self.to_bits() as u32) << 16))
    }
}

impl Source for f16 {
    #[inline(always)]
    fn to<T: Target>(self) -> T {
        T::from_f32(f16_to_f32(self.to_bits()))
    }
}

/// f16 to f32 with integer arithmetic and one exact product, so that every level gives the same bits.
#[inline(always)]
fn f16_to_f32(h: u16) -> f32 {
    let sign = ((h & 0x8000) as u32) << 16;
    let magnitude = (h & 0x7fff) as u32;
    // Exponent and mantissa in place, 2^112 too small; the product also normalises subnormals.
    let scaled = f32::from_bits(magnitude << 13) * f32::from_bits(0x7780_0000);
    let special = f32::from_bits((magnitude << 13) | 0x7f80_0000);
    let r = if magnitude >= 0x7c00 { special } else { scaled };
    // A signalling NaN becomes quiet, as the instruction makes it.
    let quiet = if magnitude > 0x7c00 { 0x0040_0000 } else { 0 };
    f32::from_bits(r.to_bits() | sign | quiet)
}

/// f32 to f16, rounded to nearest even.
#[inline(always)]
fn f32_to_f16(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = (bits >> 16) & 0x8000;
    let a = bits & 0x7fff_ffff;
    // Normal results: re-bias and round at bit 13.
    let normal = (a.wrapping_add(0xc800_0fff).wrapping_add((a >> 13) & 1)) >> 13;
    // Subnormal results: adding 1/2 lines the mantissa up with f16's subnormal unit, and rounds.
    let subnormal = (f32::from_bits(a) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
    let r = if a < 0x3880_0000 { subnormal } else { normal };
    let r = if a >= 0x477f_f000 { 0x7c00 } else { r };
    let r = if a > 0x7f80_0000 { 0x7e00 | ((a >> 13) & 0x3ff) } else { r };
    (r | sign) as u16
}

/// f32 to bf16, rounded to nearest even; NaN stays NaN.
#[inline(always)]
fn f32_to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff).wrapping_add((bits >> 16) & 1) >> 16;
    let nan = (bits >> 16) | 0x40;
    (if x.is_nan() { nan } else { rounded }) as u16
}

/// cvttss2si: INT_MIN for NaN and what does not fit.
#[inline(always)]
fn f64_to_i32(x: f64) -> i32 {
    if (x > -2147483649.0) & (x < 2147483648.0) {
        // SAFETY: in range. (Saturating, `as` would compare again.)
        unsafe { x.to_int_unchecked() }
    } else {
        i32::MIN
    }
}

#[inline(always)]
fn f32_to_i32(x: f32) -> i32 {
    if (x >= -2147483648.0) & (x < 2147483648.0) {
        // SAFETY: in range. (Saturating, `as` would compare again.)
        unsafe { x.to_int_unchecked() }
    } else {
        i32::MIN
    }
}

#[inline(always)]
fn f64_to_i64(x: f64) -> i64 {
    if (x >= -9223372036854775808.0) & (x < 9223372036854775808.0) {
        // SAFETY: in range. (Saturating, `as` would compare again.)
        unsafe { x.to_int_unchecked() }
    } else {
        i64::MIN
    }
}

/// What compilers emit for a conversion to u64 without an instruction for it.
#[inline(always)]
fn f64_to_u64(x: f64) -> u64 {
    const HALF: f64 = 9223372036854775808.0;
    if x >= HALF { f64_to_i64(x - HALF) as u64 ^ (1 << 63) } else { f64_to_i64(x) as u64 }
}

macro_rules! int_targets {
    ($($t:ty: $f32:ident, $f64:ident);+) => { $(
        impl Target for $t {
            #[inline(always)]
            fn from_i64(x: i64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn from_i32(x: i32) -> Self {
                x as $t
            }
            #[inline(always)]
            fn from_u64(x: u64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn from_f32(x: f32) -> Self {
                $f32(x.into()) as $t
            }
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                $f64(x) as $t
            }
        }
    )+ };
}
int_targets!(u8: f32_to_i32, f64_to_i32; i8: f32_to_i32, f64_to_i32; i16: f32_to_i32, f64_to_i32;
    u16: f32_to_i32, f64_to_i32; i32: f32_to_i32, f64_to_i32; u32: f64_to_i64, f64_to_i64;
    i64: f64_to_i64, f64_to_i64; u64: f64_to_u64, f64_to_u64);

macro_rules! float_targets {
    ($($t:ty: $($f32:ident)?);+) => { $(
        impl Target for $t {
            #[inline(always)]
            fn from_i64(x: i64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn from_i32(x: i32) -> Self {
                x as $t
            }
            #[inline(always)]
            fn from_u64(x: u64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn from_f32(x: f32) -> Self {
                x as $t
            }
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
        }
    )+ };
}
float_targets!(f32: ; f64: );

/// Through f32, also from wider types: two roundings, as torch has them.
macro_rules! half_targets {
    ($($t:ident: $f:ident);+) => { $(
        impl Target for $t {
            #[inline(always)]
            fn from_i64(x: i64) -> Self {
                Self::from_f32(x as f32)
            }
            #[inline(always)]
            fn from_i32(x: i32) -> Self {
                Self::from_f32(x as f32)
            }
            #[inline(always)]
            fn from_u64(x: u64) -> Self {
                Self::from_f32(x as f32)
            }
            #[inline(always)]
            fn from_f32(x: f32) -> Self {
                $t::from_bits($f(x))
            }
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                Self::from_f32(x as f32)
            }
        }
    )+ };
}
half_targets!(f16: f32_to_f16; bf16: f32_to_bf16);

impl Target for Bool8 {
    #[inline(always)]
    fn from_i64(x: i64) -> Self {
        Bool8::from(x != 0)
    }
    #[inline(always)]
    fn from_i32(x: i32) -> Self {
        Bool8::from(x != 0)
    }
    #[inline(always)]
    fn from_u64(x: u64) -> Self {
        Bool8::from(x != 0)
    }
    #[inline(always)]
    fn from_f32(x: f32) -> Self {
        Bool8::from(x != 0.0)
    }
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        Bool8::from(x != 0.0)
    }
    #[inline(always)]
    fn from_c64(x: C64) -> Self {
        Bool8::from((x.re != 0.0) | (x.im != 0.0))
    }
    #[inline(always)]
    fn from_c128(x: C128) -> Self {
        Bool8::from((x.re != 0.0) | (x.im != 0.0))
    }
}

macro_rules! complex_targets {
    ($($c:ident: $t:ident),+) => { $(
        impl Target for $c {
            #[inline(always)]
            fn from_i64(x: i64) -> Self {
                $c::new(x as $t, 0.0)
            }
            #[inline(always)]
            fn from_u64(x: u64) -> Self {
                $c::new(x as $t, 0.0)
            }
            #[inline(always)]
            fn from_f32(x: f32) -> Self {
                $c::new(x as $t, 0.0)
            }
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                $c::new(x as $t, 0.0)
            }
            #[inline(always)]
            fn from_c64(x: C64) -> Self {
                $c::new(x.re as $t, x.im as $t)
            }
            #[inline(always)]
            fn from_c128(x: C128) -> Self {
                $c::new(x.re as $t, x.im as $t)
            }
        }
    )+ };
}
complex_targets!(C64: f32, C128: f64);

#[inline(always)]
unsafe fn convert<S: Source, T: Target>(src: *const u8, dst: *mut u8, n: usize) {
    let (src, dst) = (src.cast::<S>(), dst.cast::<T>());
    for i in 0..n {
        // SAFETY: the contract of `Cast`.
        unsafe { dst.add(i).write(src.add(i).read().to::<T>()) }
    }
}

unsafe fn portable<S: Source, T: Target>(src: *const u8, dst: *mut u8, n: usize) {
    // SAFETY: passed on.
    unsafe { convert::<S, T>(src, dst, n) }
}

macro_rules! level_loop {
    ($name:ident, $features:literal) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        unsafe fn $name<S: Source, T: Target>(src: *const u8, dst: *mut u8, n: usize) {
            // SAFETY: passed on.
            unsafe { convert::<S, T>(src, dst, n) }
        }
    };
}
level_loop!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,lzcnt,popcnt");
level_loop!(avx2, "avx2,fma,f16c,bmi2,lzcnt,popcnt");

/// f16 with the conversion instructions, which the vectoriser has no way to choose.
#[cfg(target_arch = "x86_64")]
mod f16c {
    use super::{f16_to_f32, f32_to_f16};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f")]
    pub unsafe fn widen512(src: *const u8, dst: *mut u8, n: usize) {
        let (src, dst) = (src.cast::<u16>(), dst.cast::<f32>());
        let mut i = 0;
        // SAFETY: the contract of `Cast`; steps stay below n.
        unsafe {
            while i + 16 <= n {
                _mm512_storeu_ps(dst.add(i), _mm512_cvtph_ps(_mm256_loadu_si256(src.add(i).cast())));
                i += 16;
            }
            while i < n {
                dst.add(i).write(f16_to_f32(src.add(i).read()));
                i += 1;
            }
        }
    }

    #[target_feature(enable = "avx2,f16c")]
    pub unsafe fn widen256(src: *const u8, dst: *mut u8, n: usize) {
        let (src, dst) = (src.cast::<u16>(), dst.cast::<f32>());
        let mut i = 0;
        // SAFETY: as above.
        unsafe {
            while i + 8 <= n {
                _mm256_storeu_ps(dst.add(i), _mm256_cvtph_ps(_mm_loadu_si128(src.add(i).cast())));
                i += 8;
            }
            while i < n {
                dst.add(i).write(f16_to_f32(src.add(i).read()));
                i += 1;
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    pub unsafe fn narrow512(src: *const u8, dst: *mut u8, n: usize) {
        let (src, dst) = (src.cast::<f32>(), dst.cast::<u16>());
        let mut i = 0;
        // SAFETY: as above.
        unsafe {
            while i + 16 <= n {
                let h = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm512_loadu_ps(src.add(i)));
                _mm256_storeu_si256(dst.add(i).cast(), h);
                i += 16;
            }
            while i < n {
                dst.add(i).write(f32_to_f16(src.add(i).read()));
                i += 1;
            }
        }
    }

    #[target_feature(enable = "avx2,f16c")]
    pub unsafe fn narrow256(src: *const u8, dst: *mut u8, n: usize) {
        let (src, dst) = (src.cast::<f32>(), dst.cast::<u16>());
        let mut i = 0;
        // SAFETY: as above.
        unsafe {
            while i + 8 <= n {
                let h = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(src.add(i)));
                _mm_storeu_si128(dst.add(i).cast(), h);
                i += 8;
            }
            while i < n {
                dst.add(i).write(f32_to_f16(src.add(i).read()));
                i += 1;
            }
        }
    }
}

unsafe fn bytes<const SIZE: usize>(src: *const u8, dst: *mut u8, n: usize) {
    // SAFETY: the contract of `Cast`.
    unsafe { dst.copy_from_nonoverlapping(src, n * SIZE) }
}

/// The conversion loop between two dtypes; equal ones copy.
#[inline]
pub fn cast(from: DType, to: DType) -> Cast {
    cast_at(from, to, level())
}

/// As [`cast`], at a given SIMD level.
pub(super) fn cast_at(from: DType, to: DType, level: Level) -> Cast {
    if from == to && from != DType::Bool {
        return match from.size() {
            1 => bytes::<1>,
            2 => bytes::<2>,
            4 => bytes::<4>,
            8 => bytes::<8>,
            _ => bytes::<16>,
        };
    }
    #[cfg(target_arch = "x86_64")]
    match (from, to, level) {
        (DType::F16, DType::F32, Level::Avx512) => return f16c::widen512,
        (DType::F16, DType::F32, Level::Avx2) => return f16c::widen256,
        (DType::F32, DType::F16, Level::Avx512) => return f16c::narrow512,
        (DType::F32, DType::F16, Level::Avx2) => return f16c::narrow256,
        _ => {}
    }
    // Pairs that programs convert in bulk; the rest is compiled once.
    macro_rules! hot {
        ($($s:ident $st:ty => $($d:ident $dt:ty),+;)+) => {
            match (from, to) {
                $($((DType::$s, DType::$d) => return match level {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => avx512::<$st, $dt>,
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => avx2::<$st, $dt>,
                    _ => portable::<$st, $dt>,
                },)+)+
                _ => {}
            }
        };
    }
    hot! {
        F32 f32 => F64 f64, BF16 bf16, I32 i32, I64 i64, U8 u8, I8 i8, I16 i16, Bool Bool8;
        F64 f64 => F32 f32, I32 i32, I64 i64, Bool Bool8;
        BF16 bf16 => F32 f32;
        I32 i32 => F32 f32, F64 f64, I64 i64, Bool Bool8;
        I64 i64 => F32 f32, F64 f64, I32 i32, Bool Bool8;
        U8 u8 => F32 f32, I32 i32, I64 i64, Bool Bool8;
        Bool Bool8 => F32 f32, I32 i32, I64 i64, U8 u8, Bool Bool8;
    }
    with_dtype!(from, S => with_dtype!(to, T => portable::<S, T>))
}
