//! The traits that bodies of the function tables are written over, beside [`Real`] for floats.

use crate::cpu::simd::math::Real;
use crate::tensor::dtype::{C64, C128};
use crate::tensor::{Bool8, Element};
use num_complex::Complex;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Sub};

/// [`Bool8`], as a trait so that its rows look like the others.
pub trait Truth: Element + From<bool> {
    /// Any byte but 0.
    fn get(self) -> bool;
}

impl Truth for Bool8 {
    #[inline(always)]
    fn get(self) -> bool {
        Bool8::get(self)
    }
}

/// The integer types. Arithmetic wraps; division by zero gives 0 (dispatch has refused it) and MIN / -1 wraps.
pub trait Int:
    Element + Ord + Default + BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self> + Not<Output = Self>
{
    const ZERO: Self;
    const ONE: Self;
    /// The low bits.
    fn of(x: i64) -> Self;
    /// The nearest value.
    fn saturate(x: i64) -> Self;
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    fn neg(self) -> Self;
    /// Wraps at MIN.
    fn abs(self) -> Self;
    /// Quotient to zero and remainder with the sign of the dividend.
    fn div_rem(self, b: Self) -> (Self, Self);
    /// By any amount; at or above the width, and below 0, zero.
    fn shl(self, b: Self) -> Self;
    /// By any amount; at or above the width, and below 0, the sign.
    fn shr(self, b: Self) -> Self;
    /// `self^e`, wrapping; a negative power of anything but 1 and -1 is 0.
    fn pow(self, e: Self) -> Self;

    /// Quotient rounded down.
    #[inline(always)]
    fn div_floor(self, b: Self) -> Self {
        let (q, r) = self.div_rem(b);
        if r != Self::ZERO && (r < Self::ZERO) != (b < Self::ZERO) { q.sub(Self::ONE) } else { q }
    }
    /// Remainder with the sign of the divisor.
    #[inline(always)]
    fn rem_floor(self, b: Self) -> Self {
        let (_, r) = self.div_rem(b);
        if r != Self::ZERO && (r < Self::ZERO) != (b < Self::ZERO) { r.add(b) } else { r }
    }
    /// Greatest common divisor, not negative but for MIN.
    #[inline(always)]
    fn gcd(self, b: Self) -> Self {
        let (mut a, mut b) = (self.abs(), b.abs());
        while b != Self::ZERO {
            (a, b) = (b, a.div_rem(b).1);
        }
        a.abs()
    }
}

macro_rules! int {
    ($($t:ident, $signed:literal, |$x:ident| $abs:expr, $b:ident $negative:expr;)+) => { $(
        impl Int for $t {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            #[inline(always)]
            fn of(x: i64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn saturate(x: i64) -> Self {
                $t::try_from(x).unwrap_or(if x < 0 { $t::MIN } else { $t::MAX })
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                self.wrapping_add(b)
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                self.wrapping_sub(b)
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                self.wrapping_mul(b)
            }
            #[inline(always)]
            fn neg(self) -> Self {
                self.wrapping_neg()
            }
            #[inline(always)]
            fn abs(self) -> Self {
                let $x = self;
                $abs
            }
            #[inline(always)]
            fn div_rem(self, b: Self) -> (Self, Self) {
                if b == 0 { (0, 0) } else { (self.wrapping_div(b), self.wrapping_rem(b)) }
            }
            #[inline(always)]
            fn shl(self, b: Self) -> Self {
                let r = self.wrapping_shl(b as u32);
                if (b as u64) < $t::BITS as u64 { r } else { 0 }
            }
            #[inline(always)]
            fn shr(self, b: Self) -> Self {
                let far = self >> ($t::BITS - 1);
                let far = if $signed { far } else { 0 };
                let r = self.wrapping_shr(b as u32);
                if (b as u64) < $t::BITS as u64 { r } else { far }
            }
            #[inline(always)]
            fn pow(self, $b: Self) -> Self {
                let e = $b;
                if $negative {
                    return if self == 1 {
                        1
                    } else if self == (0 as $t).wrapping_sub(1) {
                        if e & 1 == 0 { 1 } else { self }
                    } else {
                        0
                    };
                }
                let (mut base, mut e, mut r) = (self, e as u64, 1 as $t);
                while e != 0 {
                    if e & 1 != 0 {
                        r = r.wrapping_mul(base);
                    }
                    base = base.wrapping_mul(base);
                    e >>= 1;
                }
                r
            }
        }
    )+ };
}
int!(
    i8, true, |x| x.wrapping_abs(), e e < 0;
    i16, true, |x| x.wrapping_abs(), e e < 0;
    i32, true, |x| x.wrapping_abs(), e e < 0;
    i64, true, |x| x.wrapping_abs(), e e < 0;
    u8, false, |x| x, e false;
    u16, false, |x| x, e false;
    u32, false, |x| x, e false;
    u64, false, |x| x, e false;
);

/// complex64 and complex128. Functions of more than a few operations go through complex128.
pub trait Cplx:
    Element
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + Div<Output = Self>
{
    /// The type of the parts.
    type Part: Real;
    fn new(re: Self::Part, im: Self::Part) -> Self;
    fn re(self) -> Self::Part;
    fn im(self) -> Self::Part;

    /// A complex attribute.
    #[inline(always)]
    fn attr(re: f64, im: f64) -> Self {
        Self::new(Self::Part::of(re), Self::Part::of(im))
    }
    #[inline(always)]
    fn widen(self) -> C128 {
        C128::new(self.re().f64(), self.im().f64())
    }
    #[inline(always)]
    fn narrow(z: C128) -> Self {
        Self::attr(z.re, z.im)
    }
    #[inline(always)]
    fn zero() -> Self {
        Self::attr(0.0, 0.0)
    }
    #[inline(always)]
    fn one() -> Self {
        Self::attr(1.0, 0.0)
    }
    #[inline(always)]
    fn conj(self) -> Self {
        Self::new(self.re(), -self.im())
    }
    #[inline(always)]
    fn abs(self) -> Self::Part {
        self.re().hypot(self.im())
    }
    /// Smith's division, which does not overflow where the quotient does not.
    #[inline(always)]
    fn divide(self, b: Self) -> Self {
        let (c, d) = (b.re(), b.im());
        let (x, y) = (self.re(), self.im());
        let zero = Self::Part::ZERO;
        if c.abs() >= d.abs() {
            if c.abs() == zero && d.abs() == zero {
                return Self::new(x / c.abs(), y / d.abs());
            }
            let t = d / c;
            let s = c + d * t;
            Self::new((x + y * t) / s, (y - x * t) / s)
        } else {
            let t = c / d;
            let s = d + c * t;
            Self::new((x * t + y) / s, (y * t - x) / s)
        }
    }
}

macro_rules! cplx {
    ($($c:ident: $t:ident),+) => { $(
        impl Cplx for $c {
            type Part = $t;
            #[inline(always)]
            fn new(re: $t, im: $t) -> Self {
                Complex::new(re, im)
            }
            #[inline(always)]
            fn re(self) -> $t {
                self.re
            }
            #[inline(always)]
            fn im(self) -> $t {
                self.im
            }
        }
    )+ };
}
cplx!(C64: f32, C128: f64);
