//! Arithmetic: the four operations, division's variants, powers, extrema and their kin.

use super::Params;
use super::c99;
use super::kernel::{self, Kernel, class, class_impl, class_kernel, rows};
use crate::cpu::simd::Level;
use crate::cpu::simd::math::Real;
use crate::tensor::dtype::{C64, C128};
use crate::tensor::{Bool8, DType};

/// Remainder with the sign of the divisor, from C's fmod.
#[inline(always)]
fn floored<R: Real>(m: R, b: R) -> R {
    if (m != R::ZERO) & ((b < R::ZERO) != (m < R::ZERO)) { m + b } else { m }
}

/// Python's `//`: (a - remainder) / b, rounded to the integer next to it.
#[inline(always)]
fn div_floor<R: Real>(a: R, b: R, m: R) -> R {
    let q = (a - m) / b;
    let q = if (m != R::ZERO) & ((b < R::ZERO) != (m < R::ZERO)) { q - R::ONE } else { q };
    let f = q.floor();
    let f = if q - f > R::HALF { f + R::ONE } else { f };
    let f = if q == R::ZERO { R::ZERO.copysign(a / b) } else { f };
    if b == R::ZERO { a / b } else { f }
}

/// max(a, b) + `more(|a - b|)`, the logarithm of a sum of exponentials; `log_two` where they are equal, as equal infinities
/// differ by NaN.
#[inline(always)]
fn log_sum<R: Real>(a: R, b: R, more: R, log_two: R) -> R {
    a.maximum(b) + if a == b { log_two } else { more }
}

/// The neighbour of a towards b among floats of a few mantissa bits whose smallest normal number is 2^`least`.
fn next_half(a: f64, b: f64, mantissa: i32, least: i32) -> f64 {
    if a == b || a.is_nan() || b.is_nan() {
        return if a == b { b } else { f64::NAN };
    }
    let largest = (2.0 - (-f64::from(mantissa)).exp2()) * f64::from(1 - least).exp2();
    if a.is_infinite() {
        return largest.copysign(a);
    }
    let up = b > a;
    let outward = a == 0.0 || (a > 0.0) == up;
    // The exponent of a double, which no half is too small to have.
    let exponent = (((a.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(least);
    let at_power = a.abs() == f64::from(exponent).exp2() && exponent > least;
    let step = f64::from(exponent - mantissa - i32::from(at_power && !outward)).exp2();
    let r = if up { a + step } else { a - step };
    if r == 0.0 {
        r.copysign(a)
    } else if r.abs() > largest {
        f64::INFINITY.copysign(r)
    } else {
        r
    }
}

rows! {
    /// a + alpha b.
    Add: 2, 1 {
        real(R) |[a, b], p| -> R {
            let alpha = R::of(p.f[0]);
            if alpha == R::ONE { a + b } else { b.fma(alpha, a) }
        }
        int(I) |[a, b], p| -> I {
            let alpha = I::of(p.i[0]);
            if alpha == I::ONE { a.add(b) } else { a.add(alpha.mul(b)) }
        }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | (b.get() & (p.i[0] != 0))) }
        complex(C) |[a, b], p| -> C {
            if p.f[0] == 1.0 && p.f[1] == 0.0 { a + b } else { a + C::attr(p.f[0], p.f[1]) * b }
        }
        @f32 "a + f0 * b"
        @i32 "a + i0 * b"
        @bool "a | (b & u32(i0 != 0))"
        @i64 "add64(a, mul64(i0, b))"
    }
    /// a - alpha b.
    Sub: 2, 1 {
        real(R) |[a, b], p| -> R {
            let alpha = R::of(p.f[0]);
            if alpha == R::ONE { a - b } else { b.fma(-alpha, a) }
        }
        int(I) |[a, b], p| -> I {
            let alpha = I::of(p.i[0]);
            if alpha == I::ONE { a.sub(b) } else { a.sub(alpha.mul(b)) }
        }
        complex(C) |[a, b], p| -> C {
            if p.f[0] == 1.0 && p.f[1] == 0.0 { a - b } else { a - C::attr(p.f[0], p.f[1]) * b }
        }
        @f32 "a - f0 * b"
        @i32 "a - i0 * b"
        @i64 "sub64(a, mul64(i0, b))"
    }
    /// b - alpha a.
    Rsub: 2, 1 {
        real(R) |[a, b], p| -> R {
            let alpha = R::of(p.f[0]);
            if alpha == R::ONE { b - a } else { a.fma(-alpha, b) }
        }
        int(I) |[a, b], p| -> I {
            let alpha = I::of(p.i[0]);
            if alpha == I::ONE { b.sub(a) } else { b.sub(alpha.mul(a)) }
        }
        complex(C) |[a, b], p| -> C {
            if p.f[0] == 1.0 && p.f[1] == 0.0 { b - a } else { b - C::attr(p.f[0], p.f[1]) * a }
        }
        @f32 "b - f0 * a"
        @i32 "b - i0 * a"
        @i64 "sub64(b, mul64(i0, a))"
    }
    Mul: 2, 1 {
        real(R) |[a, b], p| -> R { a * b }
        int(I) |[a, b], p| -> I { a.mul(b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & b.get()) }
        complex(C) |[a, b], p| -> C { a * b }
        @f32 "a * b"
        @i32 "a * b"
        @bool "a & b"
        @i64 "mul64(a, b)"
    }
    /// True division.
    Div: 2, 1 {
        real(R) |[a, b], p| -> R { a / b }
        complex(C) |[a, b], p| -> C { a.divide(b) }
        @f32 "a / b"
    }
    /// Quotient rounded down.
    DivFloor: 2, 4 {
        real(R) |[a, b], p| -> R { div_floor(a, b, a.fmod_near(b)) };
            rare { a.fmod_is_far(b) } slow { div_floor(a, b, a.fmod_far(b)) }
        int_slow(I) |[a, b], p| -> I { a.div_floor(b) }
        @f32 "div_floor_of(a, b)"
        @i32 "div_floor_int(a, b)"
        @i64 "div_floor64(a, b)"
    }
    /// Quotient rounded to zero.
    DivTrunc: 2, 2 {
        real(R) |[a, b], p| -> R { (a / b).trunc() }
        int_slow(I) |[a, b], p| -> I { a.div_rem(b).0 }
        @f32 "trunc(a / b)"
        @i32 "divide_int(a, b)"
        @i64 "divide64(a, b).xy"
    }
    /// `DivTrunc` of numbers whose quotient is rounded to float16 (i0 = 1) or bfloat16 first.
    DivTruncHalf: 2, 4 {
        real(R) |[a, b], p| -> R {
            let q = (a / b).f64();
            let q = if p.i[0] == 1 { half::f16::from_f64(q).to_f64() } else { half::bf16::from_f64(q).to_f64() };
            R::of(q).trunc()
        }
        @f32 "trunc(a / b)"
    }
    /// Remainder with the sign of b.
    Remainder: 2, 4 {
        real(R) |[a, b], p| -> R { floored(a.fmod_near(b), b) };
            rare { a.fmod_is_far(b) } slow { floored(a.fmod_far(b), b) }
        int_slow(I) |[a, b], p| -> I { a.rem_floor(b) }
        @f32 "remainder_of(a, b)"
        @i32 "rem_floor_int(a, b)"
        @i64 "rem_floor64(a, b)"
    }
    /// Remainder with the sign of a.
    Fmod: 2, 4 {
        real(R) |[a, b], p| -> R { a.fmod_near(b) }; rare { a.fmod_is_far(b) } slow { a.fmod_far(b) }
        int_slow(I) |[a, b], p| -> I { a.div_rem(b).1 }
        @f32 "fmod_of(a, b)"
        @i32 "rem_int(a, b)"
        @i64 "divide64(a, b).zw"
    }
    Pow: 2, 12 {
        real(R) |[a, b], p| -> R { a.pow(b) }
        int_slow(I) |[a, b], p| -> I { a.pow(b) }
        complex(C) |[a, b], p| -> C {
            if b == C::zero() {
                C::one()
            } else if a == C::zero() && b.re() > C::Part::ZERO && b.im() == C::Part::ZERO {
                C::zero()
            } else {
                C::narrow(c99::exp(c99::log(a.widen()) * b.widen()))
            }
        }
        @f32 "power(a, b)"
        @i32 "pow_int(a, b)"
        @i64 "pow64(a, b)"
    }
    Atan2: 2, 6 {
        real(R) |[a, b], p| -> R { a.atan2(b) }
        @f32 "atan2_of(a, b)"
    }
    Hypot: 2, 3 {
        real(R) |[a, b], p| -> R { a.hypot(b) }
        @f32 "hypot_of(a, b)"
    }
    /// The greater one; NaN if either is.
    Maximum: 2, 1 {
        real(R) |[a, b], p| -> R { a.maximum(b) }
        int(I) |[a, b], p| -> I { if a > b { a } else { b } }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | b.get()) }
        @f32 "maximum(a, b)"
        @i32 "max(a, b)"
        @bool "a | b"
        @i64 "max64(a, b)"
    }
    /// The lesser one; NaN if either is.
    Minimum: 2, 1 {
        real(R) |[a, b], p| -> R { a.minimum(b) }
        int(I) |[a, b], p| -> I { if a < b { a } else { b } }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & b.get()) }
        @f32 "minimum(a, b)"
        @i32 "min(a, b)"
        @bool "a & b"
        @i64 "min64(a, b)"
    }
    /// The greater one; the other if one is NaN.
    Fmax: 2, 1 {
        real(R) |[a, b], p| -> R { if (a > b) | b.is_nan() { a } else { b } }
        int(I) |[a, b], p| -> I { if a > b { a } else { b } }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | b.get()) }
        @f32 "select(b, a, a > b || is_nan(b))"
        @i32 "max(a, b)"
        @bool "a | b"
        @i64 "max64(a, b)"
    }
    /// The lesser one; the other if one is NaN.
    Fmin: 2, 1 {
        real(R) |[a, b], p| -> R { if (a < b) | b.is_nan() { a } else { b } }
        int(I) |[a, b], p| -> I { if a < b { a } else { b } }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & b.get()) }
        @f32 "select(b, a, a < b || is_nan(b))"
        @i32 "min(a, b)"
        @bool "a & b"
        @i64 "min64(a, b)"
    }
    Copysign: 2, 1 {
        real(R) |[a, b], p| -> R { a.copysign(b) }
        @f32 "from_bits((bitcast<u32>(a) & 0x7fffffffu) | (bitcast<u32>(b) & 0x80000000u))"
    }
    Nextafter: 2, 2 {
        real(R) |[a, b], p| -> R {
            match p.i[0] {
                0 => a.next_after(b),
                1 => R::of(next_half(a.f64(), b.f64(), 10, -14)),
                _ => R::of(next_half(a.f64(), b.f64(), 7, -126)),
            }
        }
        @f32 "next_after(a, b)"
    }
    /// log(e^a + e^b).
    Logaddexp: 2, 8 {
        real(R) |[a, b], p| -> R { log_sum(a, b, (-(a - b).abs()).exp().log1p_unit(), R::of(std::f64::consts::LN_2)) }
        complex(C) |[a, b], p| -> C {
            let (a, b) = (a.widen(), b.widen());
            let (high, low) = if a.re >= b.re { (a, b) } else { (b, a) };
            C::narrow(high + c99::log1p(c99::exp(low - high)))
        }
        @f32 "log_add_exp(a, b)"
    }
    /// log2(2^a + 2^b).
    Logaddexp2: 2, 8 {
        real(R) |[a, b], p| -> R {
            log_sum(a, b, (-(a - b).abs()).exp2().log1p_unit() * R::of(std::f64::consts::LOG2_E), R::ONE)
        }
        @f32 "log_add_exp2(a, b)"
    }
    Gcd: 2, 64 {
        int_slow(I) |[a, b], p| -> I { a.gcd(b) }
        @i32 "gcd_int(a, b)"
        @i64 "gcd64(a, b)"
    }
    Lcm: 2, 64 {
        int_slow(I) |[a, b], p| -> I {
            let g = a.gcd(b);
            a.div_rem(g).0.mul(b).abs()
        }
        @i32 "lcm_int(a, b)"
        @i64 "lcm64(a, b)"
    }
    /// a log b, 0 where a is 0 and b is a number.
    Xlogy: 2, 6 {
        real(R) |[a, b], p| -> R {
            let r = if a == R::ZERO { R::ZERO } else { a * b.log() };
            if b.is_nan() { b } else { r }
        }
        @f32 "times_log(a, log_of(b), b)"
    }
    /// a log(1 + b), 0 where a is 0 and b is a number.
    Xlog1py: 2, 6 {
        real(R) |[a, b], p| -> R {
            let r = if a == R::ZERO { R::ZERO } else { a * b.log1p() };
            if b.is_nan() { b } else { r }
        }
        @f32 "times_log(a, log1p_of(b), b)"
    }
    /// 0 below 0, b at 0, 1 above.
    Heaviside: 2, 1 {
        real(R) |[a, b], p| -> R {
            let step = if a > R::ZERO { R::ONE } else { R::ZERO };
            if a == R::ZERO { b } else { step }
        }
        int(I) |[a, b], p| -> I {
            let step = if a > I::ZERO { I::ONE } else { I::ZERO };
            if a == I::ZERO { b } else { step }
        }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | b.get()) }
        @f32 "heaviside_of(a, b)"
        @i32 "select(select(0, 1, a > 0), b, a == 0)"
        @i64 "select(select(i64_of_u32(1u), vec2<u32>(0u), is_negative64(a)), b, !some64(a))"
        @bool "a | b"
    }
    /// start + weight (end - start), exact at both ends.
    Lerp: 3, 1 {
        real(R) |[a, b, w], p| -> R {
            let near = w.abs() < R::HALF;
            let (base, k) = (if near { a } else { b }, if near { w } else { w - R::ONE });
            k.fma(b - a, base)
        }
        complex(C) |[a, b, w], p| -> C {
            if w.abs() < C::Part::HALF { a + w * (b - a) } else { b - (b - a) * (C::one() - w) }
        }
        @f32 "lerp_of(a, b, c)"
    }
    /// a + value b c.
    Addcmul: 3, 1 {
        // One rounding for the last product and the sum, as in torch and in the fused optimizer steps.
        real(R) |[a, b, c], p| -> R { (R::of(p.f[0]) * b).fma(c, a) }
        int(I) |[a, b, c], p| -> I { a.add(I::of(p.i[0]).mul(b).mul(c)) }
        complex(C) |[a, b, c], p| -> C { a + C::attr(p.f[0], p.f[1]) * b * c }
        @f32 "a + f0 * b * c"
        @i32 "a + i0 * b * c"
        @i64 "add64(a, mul64(i0, mul64(b, c)))"
    }
    /// a + value b / c.
    Addcdiv: 3, 2 {
        real(R) |[a, b, c], p| -> R { a + R::of(p.f[0]) * b / c }
        complex(C) |[a, b, c], p| -> C { a + (C::attr(p.f[0], p.f[1]) * b).divide(c) }
        @f32 "a + f0 * b / c"
    }
    /// Into [f0, f1] or, for integers, [i0, i1]; infinities and the limits of i64 leave an end open.
    Clamp: 1, 1 {
        real(R) |[x], p| -> R { x.maximum(R::of(p.f[0])).minimum(R::of(p.f[1])) }
        int(I) |[x], p| -> I { x.max(I::saturate(p.i[0])).min(I::saturate(p.i[1])) }
        @f32 "minimum(maximum(a, f0), f1)"
        @i32 "min(max(a, i0), i1)"
        @i64 "min64(max64(a, i0), i1)"
    }
    /// Into [b, c].
    ClampTensor: 3, 1 {
        real(R) |[x, lo, hi], p| -> R { x.maximum(lo).minimum(hi) }
        int(I) |[x, lo, hi], p| -> I { x.max(lo).min(hi) }
        @f32 "minimum(maximum(a, b), c)"
        @i32 "min(max(a, b), c)"
        @i64 "min64(max64(a, b), c)"
    }
    /// NaN, infinity and -infinity replaced by f0, f1, f2.
    NanToNum: 1, 1 {
        real(R) |[x], p| -> R {
            let r = if x == R::INF { R::of(p.f[1]) } else { x };
            let r = if x == -R::INF { R::of(p.f[2]) } else { r };
            if x.is_nan() { R::of(p.f[0]) } else { r }
        }
        int(I) |[x], p| -> I { x }
        complex(C) |[x], p| -> C {
            let part = |x: C::Part| {
                if x.is_nan() {
                    C::Part::of(p.f[0])
                } else if x == C::Part::INF {
                    C::Part::of(p.f[1])
                } else if x == -C::Part::INF {
                    C::Part::of(p.f[2])
                } else {
                    x
                }
            };
            C::new(part(x.re()), part(x.im()))
        }
        @f32 "select(select(a, select(f1, f2, a < 0.0), is_inf(a)), f0, is_nan(a))"
        @i32 "a"
        @i64 "a"
    }
}
