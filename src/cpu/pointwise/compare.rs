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
    }
    Ne: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a != b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a != b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() != b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from(a != b) }
    }
    Lt: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a < b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a < b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(!a.get() & b.get()) }
    }
    Le: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a <= b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a <= b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(!a.get() | b.get()) }
    }
    Gt: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a > b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a > b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & !b.get()) }
    }
    Ge: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from(a >= b) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from(a >= b) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | !b.get()) }
    }
    LogicalAnd: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from((a != R::ZERO) & (b != R::ZERO)) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from((a != I::ZERO) & (b != I::ZERO)) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from((a != C::zero()) & (b != C::zero())) }
    }
    LogicalOr: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from((a != R::ZERO) | (b != R::ZERO)) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from((a != I::ZERO) | (b != I::ZERO)) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from((a != C::zero()) | (b != C::zero())) }
    }
    LogicalXor: 2, 1 {
        real(R) |[a, b], p| -> Bool8 { Bool8::from((a != R::ZERO) ^ (b != R::ZERO)) }
        int(I) |[a, b], p| -> Bool8 { Bool8::from((a != I::ZERO) ^ (b != I::ZERO)) }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() ^ b.get()) }
        complex(C) |[a, b], p| -> Bool8 { Bool8::from((a != C::zero()) ^ (b != C::zero())) }
    }
    LogicalNot: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x == R::ZERO) }
        int(I) |[x], p| -> Bool8 { Bool8::from(x == I::ZERO) }
        boolean(B) |[x], p| -> Bool8 { Bool8::from(!x.get()) }
        complex(C) |[x], p| -> Bool8 { Bool8::from(x == C::zero()) }
    }
    BitAnd: 2, 1 {
        int(I) |[a, b], p| -> I { a & b }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() & b.get()) }
    }
    BitOr: 2, 1 {
        int(I) |[a, b], p| -> I { a | b }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() | b.get()) }
    }
    BitXor: 2, 1 {
        int(I) |[a, b], p| -> I { a ^ b }
        boolean(B) |[a, b], p| -> Bool8 { Bool8::from(a.get() ^ b.get()) }
    }
    BitNot: 1, 1 {
        int(I) |[x], p| -> I { !x }
        boolean(B) |[x], p| -> Bool8 { Bool8::from(!x.get()) }
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
    }
    IsInf: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.abs() == R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
        complex(C) |[x], p| -> Bool8 {
            Bool8::from((x.re().abs() == C::Part::INF) | (x.im().abs() == C::Part::INF))
        }
    }
    IsFinite: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.abs() < R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(1) }
        boolean(B) |[x], p| -> Bool8 { Bool8(1) }
        complex(C) |[x], p| -> Bool8 {
            Bool8::from((x.re().abs() < C::Part::INF) & (x.im().abs() < C::Part::INF))
        }
    }
    IsPosInf: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x == R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
    }
    IsNegInf: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x == -R::INF) }
        int(I) |[x], p| -> Bool8 { Bool8(0) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
    }
    Signbit: 1, 1 {
        real(R) |[x], p| -> Bool8 { Bool8::from(x.signbit()) }
        int(I) |[x], p| -> Bool8 { Bool8::from(x < I::ZERO) }
        boolean(B) |[x], p| -> Bool8 { Bool8(0) }
    }
}
