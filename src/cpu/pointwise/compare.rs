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
        @i64 "eq64(a, b)"
    }
    Ne: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a != b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a != b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() != b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from(a != b) }
        @f32 "!(a == b)"
        @i32 "a != b"
        @bool "a ^ b"
        @i64 "!eq64(a, b)"
    }
    Lt: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a < b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a < b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(!a.get() & b.get()) }
        @f32 "a < b"
        @i32 "a < b"
        @bool "(a ^ 1u) & b"
        @i64 "lt64(a, b)"
    }
    Le: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a <= b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a <= b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(!a.get() | b.get()) }
        @f32 "a <= b"
        @i32 "a <= b"
        @bool "(a ^ 1u) | b"
        @i64 "!lt64(b, a)"
    }
    Gt: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a > b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a > b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & !b.get()) }
        @f32 "a > b"
        @i32 "a > b"
        @bool "a & (b ^ 1u)"
        @i64 "lt64(b, a)"
    }
    Ge: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a >= b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a >= b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | !b.get()) }
        @f32 "a >= b"
        @i32 "a >= b"
        @bool "a | (b ^ 1u)"
        @i64 "!lt64(a, b)"
    }
    LogicalAnd: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from((a != R::ZERO) & (b != R::ZERO)) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from((a != I::ZERO) & (b != I::ZERO)) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from((a != C::zero()) & (b != C::zero())) }
        @f32 "!(a == 0.0) && !(b == 0.0)"
        @i32 "a != 0 && b != 0"
        @bool "a & b"
        @i64 "some64(a) && some64(b)"
    }
    LogicalOr: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from((a != R::ZERO) | (b != R::ZERO)) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from((a != I::ZERO) | (b != I::ZERO)) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from((a != C::zero()) | (b != C::zero())) }
        @f32 "!(a == 0.0) || !(b == 0.0)"
        @i32 "a != 0 || b != 0"
        @bool "a | b"
        @i64 "some64(a) || some64(b)"
    }
    LogicalXor: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from((a != R::ZERO) ^ (b != R::ZERO)) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from((a != I::ZERO) ^ (b != I::ZERO)) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() ^ b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from((a != C::zero()) ^ (b != C::zero())) }
        @f32 "(a == 0.0) != (b == 0.0)"
        @i32 "(a == 0) != (b == 0)"
        @bool "a ^ b"
        @i64 "some64(a) != some64(b)"
    }
    LogicalNot: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x == R::ZERO) }
        int(I) |[x], p| -> Bool8 { Bool8::from(x == I::ZERO) }
        boolean(B) |[x], p| -> Bool8 { Bool8::from(!x.get()) }
        complex(C) |[x], p| -> Bool8 { Bool8::from(x == C::zero()) }
        @f32 "a == 0.0"
        @i32 "a == 0"
        @bool "a ^ 1u"
        @i64 "!some64(a)"
    }
    BitAnd: 2, 1 {
        int(I) |[a, b], p| -> I { a & b }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & b.get()) }
        @i32 "a & b"
        @bool "a & b"
        @i64 "a & b"
    }
    BitOr: 2, 1 {
        int(I) |[a, b], p| -> I { a | b }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | b.get()) }
        @i32 "a | b"
        @bool "a | b"
        @i64 "a | b"
    }
    BitXor: 2, 1 {
        int(I) |[a, b], p| -> I { a ^ b }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() ^ b.get()) }
        @i32 "a ^ b"
        @bool "a ^ b"
        @i64 "a ^ b"
    }
    BitNot: 1, 1 {
        int(I) |[x], p| -> I { !x }
        boolean(B) |[x], p| -> Bool8 { Bool8::from(!x.get()) }
        @i32 "~a"
        @bool "a ^ 1u"
        @i64 "~a"
    }
    /// By the width or more, or by a negative amount: 0.
    Shl: 2, 1 {
        int(I) |[a, b], p| -> I { a.shl(b) }
        @i32 "shift_left_int(a, b)"
        @i64 "shift_left64(a, b)"
    }
    /// By the width or more, or by a negative amount: the sign.
    Shr: 2, 1 {
        int(I) |[a, b], p| -> I { a.shr(b) }
        @i32 "shift_right_int(a, b)"
        @i64 "shift_right64(a, b)"
    }
    IsNan: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.is_nan()) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        complex(C) |[x], p| -> Bool8 { Bool8::from(x.re().is_nan() | x.im().is_nan()) }
        @f32 "is_nan(a)"
        @i32 "false"
        @i64 "false"
        @bool "0u"
    }
    IsInf: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.abs() == R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        complex(C) |[x], p| -> Bool8 {
            Bool8::from((x.re().abs() == C::Part::INF) | (x.im().abs() == C::Part::INF))
        }
        @f32 "is_inf(a)"
        @i32 "false"
        @i64 "false"
        @bool "0u"
    }
    IsFinite: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.abs() < R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(1) }
        boolean(B) |[x], p| -> Bool8 { Bool8(1) }
        complex(C) |[x], p| -> Bool8 {
            Bool8::from((x.re().abs() < C::Part::INF) & (x.im().abs() < C::Part::INF))
        }
        @f32 "!(is_nan(a) || is_inf(a))"
        @i32 "true"
        @i64 "true"
        @bool "1u"
    }
    IsPosInf: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x == R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        @f32 "is_inf(a) && !is_negative(a)"
        @i32 "false"
        @i64 "false"
        @bool "0u"
    }
    IsNegInf: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x == -R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        @f32 "is_inf(a) && is_negative(a)"
        @i32 "false"
        @i64 "false"
        @bool "0u"
    }
    Signbit: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.signbit()) }
        int(I) |[x], p| -> Bool8 { Bool8::from(x < I::ZERO) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        @f32 "is_negative(a)"
        @i32 "a < 0"
        @i64 "is_negative64(a)"
        @bool "0u"
    }
}
