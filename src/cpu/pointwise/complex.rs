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
        complex_fast(C) |[x], p| -> C::Part { x.im().atan2(x.re()) }
        @f32 "select(select(0.0, 3.1415927, a < 0.0), a, is_nan(a))"
    }
}

/// The rows whose output is the complex type of a real one: the macro's classes have no name for it.
macro_rules! pairs {
    ($($(#[$m:meta])* $op:ident: $cost:literal, |$a:ident, $b:ident| $z:expr, rare $rare:expr, slow $slow:expr;)+) => { $(
        $(#[$m])*
        pub(super) struct $op;
        impl kernel::Row for $op {
            const ARITY: usize = 2;
            const COST: usize = $cost;
            fn kernel(compute: DType, level: Level) -> Option<Kernel> {
                class_kernel!(real, $op, 2, compute, level)
            }
        }
        #[allow(unused_variables, reason = "where nothing is rare")]
        impl<R: Pair> kernel::Op<R, 2, class::Real> for $op {
            type Out = R::Z;
            const HAS_RARE: bool = true;
            #[inline(always)]
            fn apply([$a, $b]: [R; 2], _: &Params) -> R::Z {
                $z
            }
            #[inline(always)]
            fn rare([$a, $b]: [R; 2]) -> bool {
                $rare
            }
            #[inline(always)]
            fn slow([$a, $b]: [R; 2]) -> R::Z {
                $slow
            }
        }
    )+ };
}

pairs! {
    /// The complex number with these parts.
    Complex: 2, |a, b| R::pair(a, b), rare false, slow R::pair(a, b);
    /// The complex number of this modulus and argument.
    Polar: 12, |a, b| polar(a, b.f64().cos_near(), b.f64().sin_near()), rare b.f64().is_far(),
        slow polar(a, f64::cos(b.f64()), f64::sin(b.f64()));
}

#[inline(always)]
fn polar<R: Pair>(a: R, cos: f64, sin: f64) -> R::Z {
    R::pair(a * R::of(cos), a * R::of(sin))
}
