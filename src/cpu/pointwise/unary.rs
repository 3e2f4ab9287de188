//! Signs, roundings, roots and the parts of complex numbers.

use super::Params;
use super::c99;
use super::kernel::{self, Kernel, class, class_impl, class_kernel, rows};
use crate::cpu::simd::Level;
use crate::cpu::simd::math::Real;
use crate::tensor::dtype::{C64, C128};
use crate::tensor::{Bool8, DType};

rows! {
    /// The value itself.
    Positive: 1, 1 {
        real(R) |[x], p| -> R { x }
        int(I) |[x], p| -> I { x }
        boolean(B) |[x], p| -> Bool8 { Bool8::from(x.get()) }
        complex(C) |[x], p| -> C { x }
        @f32 "a"
        @i32 "a"
        @bool "a"
        @i64 "a"
    }
    Neg: 1, 1 {
        real(R) |[x], p| -> R { -x }
        int(I) |[x], p| -> I { x.neg() }
        complex(C) |[x], p| -> C { -x }
        @f32 "-a"
        @i32 "-a"
        @i64 "neg64(a)"
    }
    Abs: 1, 1 {
        real(R) |[x], p| -> R { x.abs() }
        int(I) |[x], p| -> I { x.abs() }
        complex(C) |[x], p| -> C::Part { x.abs() }
        @f32 "abs(a)"
        @i32 "abs(a)"
        @i64 "abs64(a)"
    }
    /// -1, 0 or 1; 0 for NaN.
    Sign: 1, 1 {
        real(R) |[x], p| -> R {
            let r = if x > R::ZERO { R::ONE } else { R::ZERO };
            if x < R::ZERO { -R::ONE } else { r }
        }
        int(I) |[x], p| -> I {
            let r = if x > I::ZERO { I::ONE } else { I::ZERO };
            if x < I::ZERO { I::ZERO.sub(I::ONE) } else { r }
        }
        boolean(B) |[x], p| -> Bool8 { Bool8::from(x.get()) }
        @f32 "signum(a)"
        @i32 "sign(a)"
        @bool "a"
        @i64 "sign64(a)"
    }
    /// `Sign`, and for complex numbers z / |z|.
    Sgn: 1, 1 {
        real(R) |[x], p| -> R {
            let r = if x > R::ZERO { R::ONE } else { R::ZERO };
            if x < R::ZERO { -R::ONE } else { r }
        }
        int(I) |[x], p| -> I {
            let r = if x > I::ZERO { I::ONE } else { I::ZERO };
            if x < I::ZERO { I::ZERO.sub(I::ONE) } else { r }
        }
        boolean(B) |[x], p| -> Bool8 { Bool8::from(x.get()) }
        complex(C) |[x], p| -> C {
            let r = x.abs();
            if r == C::Part::ZERO { C::zero() } else { C::new(x.re() / r, x.im() / r) }
        }
        @f32 "signum(a)"
        @i32 "sign(a)"
        @bool "a"
        @i64 "sign64(a)"
    }
    Square: 1, 1 {
        real(R) |[x], p| -> R { x * x }
        int(I) |[x], p| -> I { x.mul(x) }
        complex(C) |[x], p| -> C { x * x }
        @f32 "a * a"
        @i32 "a * a"
        @i64 "mul64(a, a)"
    }
    /// x x x, what `Pow` runs for a constant 3.
    Cube: 1, 1 {
        real(R) |[x], p| -> R { x * x * x }
        @f32 "a * a * a"
    }
    /// 1 / x^2, what `Pow` runs for a constant -2.
    InverseSquare: 1, 1 {
        real(R) |[x], p| -> R { R::ONE / (x * x) }
        @f32 "1.0 / (a * a)"
    }
    Sqrt: 1, 2 {
        real(R) |[x], p| -> R { x.sqrt() }
        complex(C) |[x], p| -> C { C::narrow(c99::sqrt(x.widen())) }
        @f32 "sqrt(a)"
    }
    Rsqrt: 1, 2 {
        real(R) |[x], p| -> R { R::ONE / x.sqrt() }
        complex(C) |[x], p| -> C { C::narrow(c99::reciprocal(c99::sqrt(x.widen()))) }
        @f32 "1.0 / sqrt(a)"
    }
    Reciprocal: 1, 1 {
        real(R) |[x], p| -> R { R::ONE / x }
        complex(C) |[x], p| -> C { C::narrow(c99::reciprocal(x.widen())) }
        @f32 "1.0 / a"
    }
    Floor: 1, 1 {
        real(R) |[x], p| -> R { x.floor() }
        int(I) |[x], p| -> I { x }
        @f32 "floor(a)"
        @i32 "a"
        @i64 "a"
    }
    Ceil: 1, 1 {
        real(R) |[x], p| -> R { x.ceil() }
        int(I) |[x], p| -> I { x }
        @f32 "ceil(a)"
        @i32 "a"
        @i64 "a"
    }
    /// Halves to even.
    Round: 1, 1 {
        real(R) |[x], p| -> R { x.round_even() }
        int(I) |[x], p| -> I { x }
        @f32 "round(a)"
        @i32 "a"
        @i64 "a"
    }
    /// To i0 decimals; f0 is 10^|i0|.
    RoundDecimals: 1, 1 {
        real(R) |[x], p| -> R {
            let ten = R::of(p.f[0]);
            let negative = p.i[0] < 0;
            let r = if negative { x / ten } else { x * ten }.round_even();
            if negative { r * ten } else { r / ten }
        }
        int(I) |[x], p| -> I { x }
        @f32 "select(round(a * f0) / f0, round(a / f0) * f0, i0 < 0)"
        @i32 "a"
        @i64 "a"
    }
    Trunc: 1, 1 {
        real(R) |[x], p| -> R { x.trunc() }
        int(I) |[x], p| -> I { x }
        @f32 "trunc(a)"
        @i32 "a"
        @i64 "a"
    }
    /// x - trunc(x).
    Frac: 1, 1 {
        real(R) |[x], p| -> R { x - x.trunc() }
        @f32 "a - trunc(a)"
    }
}
