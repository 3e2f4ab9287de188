//! Complex numbers and their parts.

use super::Params;
use super::kernel::{self, Kernel, class, class_impl, class_kernel, rows};
use crate::cpu::simd::Level;
use crate::cpu::simd::math::{self, Real as _};
use crate::tensor::DType;
use crate::tensor::dtype::{C64, C128};

/// `Complex` of two reals, for `polar` and `complex`.
pub(super) trait Pair: math::Real {
    type Z: crate::tensor::Element;
    fn pair(re: Self, im: Self) -> Self::Z;
}

impl Pair for f32 {
    type Z = C64;
    #[inline(always)]
    fn pair(re: f32, im: f32) -> C64 {
        num_complex::Complex::new(re, im)
    }
}

impl Pair for f64 {
    type Z = C128;
    #[inline(always)]
    fn pair(re: f64, im: f64) -> C128 {
        num_complex::Complex::new(re, im)
    }
}

rows! {
    Conj: 1, 1 {
        complex(C) |[x], p| -> C { x.conj() }
    }
    Real: 1, 1 {
        real(R) |[x], p| -> R { x }
        complex(C) |[x], p| -> C::Part { x.re() }
        @f32 "a"
    }
    Imag: 1, 1 {
        complex(C) |[x], p| -> C::Part { x.im() }
    }
    /// The argument of a complex number; of a real one 0, pi or NaN.
    Angle: 1, 2 {
        real(R) |[x], p| -> R {
            let r = if x < R::ZERO { R::of(std::f64::consts::PI) } else { R::ZERO };
            if x.is_nan() { x } else { r }
        }
        complex(C) |[x], p| -> C::Part { x.im().atan2(x.re()) }
        @f32 "select(select(0.0, 3.1415927, a < 0.0), a, is_nan(a))"
    }
}

/// The rows whose output is the complex type of a real one: the macro's classes have no name for it.
macro_rules! pairs {
    ($($(#[$m:meta])* $op:ident, |$a:ident, $b:ident| $re:expr, $im:expr;)+) => { $(
        $(#[$m])*
        pub(super) struct $op;
        impl kernel::Row for $op {
            const ARITY: usize = 2;
            const COST: usize = 12;
            fn kernel(compute: DType, _: Level) -> Option<Kernel> {
                class_kernel!(real_slow, $op, 2, compute, level)
            }
        }
        impl<R: Pair> kernel::Op<R, 2, class::Real> for $op {
            type Out = R::Z;
            const HAS_RARE: bool = false;
            #[inline(always)]
            fn apply([$a, $b]: [R; 2], _: &Params) -> R::Z {
                R::pair($re, $im)
            }
            fn rare(_: [R; 2]) -> bool {
                false
            }
            fn slow([$a, $b]: [R; 2]) -> R::Z {
                R::pair($re, $im)
            }
        }
    )+ };
}

pairs! {
    /// The complex number with these parts.
    Complex, |a, b| a, b;
    /// The complex number of this modulus and argument.
    Polar, |a, b| a * R::of(b.f64().cos()), a * R::of(b.f64().sin());
}
