//! uniform, exponential, Cauchy and log-normal elements.

use super::cast::Number;
use super::words::{Cost, fill, unit_f32, unit_f64};
use crate::tensor::{DType, Generator, Strided};
use crate::{multiversion, with_dtype};
use half::{bf16, f16};
use smallvec::SmallVec;

/// A complex output as a real one with a last dim of 2; others as they are.
pub(super) fn as_real<R>(out: &Strided<'_>, f: impl FnOnce(&Strided<'_>) -> R) -> R {
    if !out.dtype.is_complex() {
        return f(out);
    }
    let mut shape: SmallVec<[usize; 8]> = out.shape.into();
    let mut strides: SmallVec<[isize; 8]> = out.strides.iter().map(|s| 2 * s).collect();
    shape.push(2);
    strides.push(1);
    f(&Strided { ptr: out.ptr, dtype: out.dtype.to_real(), shape: &shape, strides: &strides })
}

multiversion! {
    /// # Safety
    /// `w` and `y` hold `n` elements.
    unsafe fn uniform_f32(w: *const u32, y: *mut f32, n: usize, from: f32, to: f32) {
        for i in 0..n {
            // One rounding: torch is compiled with contraction to fused multiply-adds.
            y.add(i).write(unit_f32(*w.add(i)).mul_add(to - from, from));
        }
    }
}

multiversion! {
    /// # Safety
    /// `w` holds `2 * n` words, `y` `n` elements.
    unsafe fn uniform_f64(w: *const u32, y: *mut f64, n: usize, from: f64, to: f64) {
        for i in 0..n {
            y.add(i).write(unit_f64(w.add(2 * i)).mul_add(to - from, from));
        }
    }
}

multiversion! {
    /// # Safety
    /// `w` and `y` hold `n` elements.
    unsafe fn uniform_half[T: HalfFloat](w: *const u32, y: *mut T, n: usize, from: f32, to: f32) {
        let (first, end) = (T::narrow(from), T::narrow(to));
        for i in 0..n {
            let x = T::narrow(unit_f32(*w.add(i)).mul_add(to - from, from));
            // Rounding may reach the open end of the range; torch then takes the closed one.
            y.add(i).write(if x.bits() == end.bits() { first } else { x });
        }
    }
}

/// f16 or bf16.
pub(super) trait HalfFloat: Number {
    fn narrow(x: f32) -> Self;
    fn bits(self) -> u16;
}
impl HalfFloat for f16 {
    #[inline(always)]
    fn narrow(x: f32) -> Self {
        f16::from_f32(x)
    }
    #[inline(always)]
    fn bits(self) -> u16 {
        self.to_bits()
    }
}
impl HalfFloat for bf16 {
    #[inline(always)]
    fn narrow(x: f32) -> Self {
        bf16::from_f32(x)
    }
    #[inline(always)]
    fn bits(self) -> u16 {
        self.to_bits()
    }
}

/// `uniform_(from, to)` for floating and complex outputs.
pub fn uniform(out: &Strided<'_>, from: f64, to: f64, generator: &Generator) {
    let e = &mut generator.lock().engine;
    let (f, t) = (from as f32, to as f32);
    // SAFETY: dispatch made `out` from a writable tensor of its dtype, and the conversions write `n` elements.
    as_real(out, |out| unsafe {
        match out.dtype {
            DType::F32 => fill(out, e, 1, Cost::Light, &|w, y, n| uniform_f32(w, y, n, f, t)),
            DType::F64 => fill(out, e, 2, Cost::Light, &|w, y, n| uniform_f64(w, y, n, from, to)),
            DType::F16 => fill(out, e, 1, Cost::Light, &|w, y: *mut f16, n| uniform_half(w, y, n, f, t)),
            DType::BF16 => fill(out, e, 1, Cost::Light, &|w, y: *mut bf16, n| uniform_half(w, y, n, f, t)),
            _ => debug_assert!(false, "uniform_ of {}", out.dtype.name()),
        }
    });
}

/// `ln(1 - u)` for `u` in `[0, 1)` with 53 bits, bit for bit as fdlibm's `log1p` computes it (the algorithm of glibc up
/// to 2.38), without branches.
///
/// 1 - u is exact and its logarithm at most 0, so the compensation term and the range above 1 fall away.
#[expect(clippy::excessive_precision, reason = "constants as published")]
#[inline(always)]
fn ln_one_minus(u: f64) -> f64 {
    const LN2_HI: f64 = 6.931_471_803_691_238_164_90e-1;
    const LN2_LO: f64 = 1.908_214_929_270_587_700_02e-10;
    const P: [f64; 7] = [
        6.666_666_666_666_735_130e-1,
        3.999_999_999_940_941_908e-1,
        2.857_142_874_366_239_149e-1,
        2.222_219_843_214_978_396e-1,
        1.818_357_216_161_805_012e-1,
        1.531_383_769_920_937_332e-1,
        1.479_819_860_511_658_591e-1,
    ];
    let x = -u;
    let high = (u.to_bits() >> 32) as u32;
    let near = high <= 0x3fd2_bec3; // 1 - u >= sqrt(1/2), about: no reduction
    let v = (1.0 + x).to_bits();
    let mantissa = (v >> 32) as u32 & 0xf_ffff;
    let upper = mantissa >= 0x6_a09e; // the significand is sqrt(2) or more: halve it
    let exponent = if upper { 0x3fe } else { 0x3ff };
    let k = (v >> 52) as i32 - exponent;
    let reduced = f64::from_bits((v & 0xf_ffff_ffff_ffff) | (exponent as u64) << 52) - 1.0;
    let f = if near { x } else { reduced };
    let k = if near { 0.0 } else { k as f64 };
    let rest = if upper { (0x10_0000 - mantissa) >> 2 } else { mantissa };
    let tiny_f = !near & (rest == 0);

    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let z2 = z * z;
    let z4 = z2 * z2;
    let z6 = z4 * z2;
    let r = z * P[0] + z2 * (P[1] + z * P[2]) + z4 * (P[3] + z * P[4]) + z6 * (P[5] + z * P[6]);
    let without_k = f - (half_square - s * (half_square + r));
    let with_k = k * LN2_HI - ((half_square - (s * (half_square + r) + k * LN2_LO)) - f);
    let r = half_square * (1.0 - 0.666_666_666_666_666_66 * f);
    let with_tiny_f = k * LN2_HI - ((r - k * LN2_LO) - f);
    let tiny = x - x * x * 0.5;

    let y = if k == 0.0 { without_k } else { with_k };
    let y = if tiny_f { with_tiny_f } else { y };
    if high < 0x3e20_0000 { tiny } else { y }
}

multiversion! {
    /// # Safety
    /// `w` holds `2 * n` words, `y` `n` elements.
    unsafe fn exponential_narrow[T: Number](w: *const u32, y: *mut T, n: usize, scale: f64) {
        for i in 0..n {
            y.add(i).write(T::of_f64(scale * ln_one_minus(unit_f64(w.add(2 * i)))));
        }
    }
}

/// `exponential_(rate)`: `-ln(1 - u) / rate`.
pub fn exponential(out: &Strided<'_>, rate: f64, generator: &Generator) {
    let scale = -1.0 / rate;
    let e = &mut generator.lock().engine;
    // SAFETY: as in `uniform`.
    unsafe {
        if out.dtype == DType::F64 {
            // All 53 bits show, and libraries differ in the last one: use the one that torch would call here.
            return fill(out, e, 2, Cost::Heavy, &|w, y: *mut f64, n| {
                (0..n).for_each(|i| y.add(i).write(scale * (-unit_f64(w.add(2 * i))).ln_1p()));
            });
        }
        with_dtype!(out.dtype, [F32: f32, F16: f16, BF16: bf16], T => {
            fill(out, e, 2, Cost::Heavy, &|w, y: *mut T, n| exponential_narrow(w, y, n, scale));
        }, else debug_assert!(false, "exponential_ of {}", out.dtype.name()));
    }
}

/// `cauchy_(median, sigma)`: `median + sigma tan(pi (u - 1/2))`.
pub fn cauchy(out: &Strided<'_>, median: f64, sigma: f64, generator: &Generator) {
    let e = &mut generator.lock().engine;
    // SAFETY: as in `uniform`.
    unsafe {
        with_dtype!(out.dtype, [F32: f32, F64: f64, F16: f16, BF16: bf16], T => {
            fill(out, e, 2, Cost::Heavy, &|w, y: *mut T, n| {
                for i in 0..n {
                    let t = (std::f64::consts::PI * (unit_f64(w.add(2 * i)) - 0.5)).tan();
                    y.add(i).write(T::of_f64(sigma.mul_add(t, median)));
                }
            });
        }, else debug_assert!(false, "cauchy_ of {}", out.dtype.name()));
    }
}

/// `geometric_(p)`: `ceil(ln u / ln(1 - p))`, for floats and integers.
pub fn geometric(out: &Strided<'_>, p: f64, generator: &Generator) {
    let e = &mut generator.lock().engine;
    let ln_q = (-p).ln_1p();
    // SAFETY: as in `uniform`.
    unsafe {
        with_dtype!(out.dtype, [F32: f32, F64: f64, F16: f16, BF16: bf16, U8: u8, I8: i8, I16: i16, I32: i32, I64: i64], T => {
            fill(out, e, 2, Cost::Heavy, &|w, y: *mut T, n| {
                (0..n).for_each(|i| y.add(i).write(T::of_f64((unit_f64(w.add(2 * i)).ln() / ln_q).ceil())));
            });
        }, else debug_assert!(false, "geometric_ of {}", out.dtype.name()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log1p_matches_a_reference_to_one_ulp() {
        let g = Generator::with_seed(3);
        let e = &mut g.lock().engine;
        let edges =
            [0.0, 2f64.powi(-53), 2f64.powi(-30), 2f64.powi(-28), 0.2928, 0.29289, 0.2929, 0.5, 1.0 - 2f64.powi(-53)];
        let near_half = (1..2000).map(|i| 0.5 + (i - 1000) as f64 * 2f64.powi(-23));
        for u in edges.into_iter().chain(near_half).chain((0..100_000).map(|_| e.next_f64())) {
            let (got, want) = (ln_one_minus(u), (-u).ln_1p());
            assert!((got.to_bits() as i64 - want.to_bits() as i64).abs() <= 1, "{u:e}: {got:e} {want:e}");
        }
        assert!(ln_one_minus(0.0) == 0.0 && ln_one_minus(0.0).is_sign_negative());
    }

    #[test]
    fn words_make_53_bits() {
        let w = [0xffff_ffffu32, 7];
        // SAFETY: two words.
        assert_eq!(unsafe { crate::cpu::random::words::bits53(w.as_ptr()) }, 0x1f_ffff_0000_0007);
    }
}
