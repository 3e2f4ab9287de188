//! Comparisons, tests of floats, logic and bits.

use super::Params;
use super::kernel::{self, Kernel, class, class_impl, class_kernel, rows};
use crate::cpu::simd::Level;
use crate::cpu::simd::math::Real;
use crate::tensor::dtype::{C64, C128};
use crate::tensor::{Bool8, DType};

rows! {
    Eq: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a == b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a == b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() == b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from(a == b) }
        @f32 "a == b"
        @i32 "a == b"
        @bool "u32(a == b)"
    }
    Ne: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a != b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a != b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() != b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from(a != b) }
        @f32 "!(a == b)"
        @i32 "a != b"
        @bool "a ^ b"
    }
    Lt: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a < b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a < b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(!a.get() & b.get()) }
        @f32 "a < b"
        @i32 "a < b"
        @bool "(a ^ 1u) & b"
    }
    Le: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a <= b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a <= b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(!a.get() | b.get()) }
        @f32 "a <= b"
        @i32 "a <= b"
        @bool "(a ^ 1u) | b"
    }
    Gt: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a > b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a > b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & !b.get()) }
        @f32 "a > b"
        @i32 "a > b"
        @bool "a & (b ^ 1u)"
    }
    Ge: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a >= b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a >= b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | !b.get()) }
        @f32 "a >= b"
        @i32 "a >= b"
        @bool "a | (b ^ 1u)"
    }
    LogicalAnd: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from((a != R::ZERO) & (b != R::ZERO)) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from((a != I::ZERO) & (b != I::ZERO)) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from((a != C::zero()) & (b != C::zero())) }
        @f32 "!(a == 0.0) && !(b == 0.0)"
        @i32 "a != 0 && b != 0"
        @bool "a & b"
    }
    LogicalOr: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from((a != R::ZERO) | (b != R::ZERO)) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from((a != I::ZERO) | (b != I::ZERO)) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from((a != C::zero()) | (b != C::zero())) }
        @f32 "!(a == 0.0) || !(b == 0.0)"
        @i32 "a != 0 || b != 0"
        @bool "a | b"
    }
    LogicalXor: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from((a != R::ZERO) ^ (b != R::ZERO)) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from((a != I::ZERO) ^ (b != I::ZERO)) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() ^ b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from((a != C::zero()) ^ (b != C::zero())) }
        @f32 "(a == 0.0) != (b == 0.0)"
        @i32 "(a == 0) != (b == 0)"
        @bool "a ^ b"
    }
    LogicalNot: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x == R::ZERO) }
        int(I) |[x], p| -> Bool8 { Bool8::from(x == I::ZERO) }
        boolean(B) |[x], p| -> Bool8 { Bool8::from(!x.get()) }
        complex(C) |[x], p| -> Bool8 { Bool8::from(x == C::zero()) }
        @f32 "a == 0.0"
        @i32 "a == 0"
        @bool "a ^ 1u"
    }
    BitAnd: 2, 1 {
        int(I) |[a, b], p| -> I { a & b }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & b.get()) }
        @i32 "a & b"
        @bool "a & b"
    }
    BitOr: 2, 1 {
        int(I) |[a, b], p| -> I { a | b }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | b.get()) }
        @i32 "a | b"
        @bool "a | b"
    }
    BitXor: 2, 1 {
        int(I) |[a, b], p| -> I { a ^ b }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() ^ b.get()) }
        @i32 "a ^ b"
        @bool "a ^ b"
    }
    BitNot: 1, 1 {
        int(I) |[x], p| -> I { !x }
        boolean(B) |[x], p| -> Bool8 { Bool8::from(!x.get()) }
        @i32 "~a"
        @bool "a ^ 1u"
    }
    /// By the width or more, or by a negative amount: 0.
    Shl: 2, 1 {
        int(I) |[a, b], p| -> I { a.shl(b) }
    }
    /// By the width or more, or by a negative amount: the sign.
    Shr: 2, 1 {
        int(I) |[a, b], p| -> I { a.shr(b) }
    }
    IsNan: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.is_nan()) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        complex(C) |[x], p| -> Bool8 { Bool8::from(x.re().is_nan() | x.im().is_nan()) }
        @f32 "is_nan(a)"
    }
    IsInf: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.abs() == R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        complex(C) |[x], p| -> Bool8 {
            Bool8::from((x.re().abs() == C::Part::INF) | (x.im().abs() == C::Part::INF))
        }
        @f32 "is_inf(a)"
    }
    IsFinite: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.abs() < R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(1) }
        boolean(B) |[x], p| -> Bool8 { Bool8(1) }
        complex(C) |[x], p| -> Bool8 {
            Bool8::from((x.re().abs() < C::Part::INF) & (x.im().abs() < C::Part::INF))
        }
        @f32 "!(is_nan(a) || is_inf(a))"
    }
    IsPosInf: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x == R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        @f32 "is_inf(a) && !is_negative(a)"
    }
    IsNegInf: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x == -R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        @f32 "is_inf(a) && is_negative(a)"
    }
    Signbit: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.signbit()) }
        int(I) |[x], p| -> Bool8 { Bool8::from(x < I::ZERO) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        @f32 "is_negative(a)"
        @i32 "a < 0"
    }
}
