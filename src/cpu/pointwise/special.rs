//! Special functions: rows over `simd::math::special`, in f64 for both types.

use super::Params;
use super::kernel::{self, Kernel, class, class_impl, class_kernel, rows};
use crate::cpu::simd::Level;
use crate::cpu::simd::math::{polynomial, special};
use crate::tensor::DType;

rows! {
    /// Logarithm of |gamma(x)|.
    Lgamma: 1, 32 {
        real_slow(R) |[x], p| -> R { R::of(special::lgamma(x.f64())) }
    }
    /// Derivative of `Lgamma`.
    Digamma: 1, 32 {
        real_slow(R) |[x], p| -> R { R::of(special::digamma(x.f64())) }
        @f32 "digamma_of(a)"
    }
    /// Derivative of order i0 of `Digamma`.
    Polygamma: 1, 64 {
        real_slow(R) |[x], p| -> R { R::of(special::polygamma(p.i[0], x.f64())) }
    }
    /// Sum of (q + k)^-x.
    Zeta: 2, 64 {
        real_slow(R) |[x, q], p| -> R { R::of(special::zeta(x.f64(), q.f64())) }
    }
    /// The standard normal distribution function.
    Ndtr: 1, 10 {
        real(R) |[x], p| -> R { R::of(special::ndtr(x.f64())) }
        @f32 "ndtr_of(a)"
    }
    /// Logarithm of `Ndtr`, without underflow.
    LogNdtr: 1, 20 {
        real(R) |[x], p| -> R { R::of(special::log_ndtr(x.f64())) }
        @f32 "log_ndtr_of(a)"
    }
    /// Inverse of `Erf`.
    Erfinv: 1, 16 {
        real(R) |[x], p| -> R { R::of(special::erfinv(x.f64())) }
        @f32 "erfinv_of(a)"
    }
    /// Inverse of `Ndtr`.
    Ndtri: 1, 16 {
        real(R) |[x], p| -> R { R::of(special::ndtri(x.f64())) }
        @f32 "ndtri_of(a)"
    }
    /// Modified Bessel functions of the first kind; e: times exp(-|x|).
    I0: 1, 32 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_i(0, x.f64())) }
    }
    I0e: 1, 32 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_ie(0, x.f64())) }
    }
    I1: 1, 32 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_i(1, x.f64())) }
    }
    I1e: 1, 32 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_ie(1, x.f64())) }
    }
    /// Modified Bessel functions of the second kind; scaled: times exp(x).
    K0: 1, 128 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_k(0, x.f64(), false)) }
    }
    K1: 1, 128 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_k(1, x.f64(), false)) }
    }
    ScaledK0: 1, 128 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_k(0, x.f64(), true)) }
    }
    ScaledK1: 1, 128 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_k(1, x.f64(), true)) }
    }
    /// Bessel functions.
    BesselJ0: 1, 32 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_j(0, x.f64())) }
    }
    BesselJ1: 1, 32 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_j(1, x.f64())) }
    }
    BesselY0: 1, 32 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_y(0, x.f64())) }
    }
    BesselY1: 1, 32 {
        real_slow(R) |[x], p| -> R { R::of(special::bessel_y(1, x.f64())) }
    }
    /// sin(x) / x.
    SphericalBesselJ0: 1, 16 {
        real_slow(R) |[x], p| -> R { R::of(special::spherical_bessel_j0(x.f64())) }
        @f32 "select(select(sin_of(a) / a, 1.0, a == 0.0), 0.0, is_inf(a))"
    }
    /// Regularised incomplete gamma functions of (a, x), lower and upper.
    Gammainc: 2, 64 {
        real_slow(R) |[a, x], p| -> R { R::of(special::incomplete_gamma(a.f64(), x.f64(), false)) }
    }
    Gammaincc: 2, 64 {
        real_slow(R) |[a, x], p| -> R { R::of(special::incomplete_gamma(a.f64(), x.f64(), true)) }
    }
    /// The parts of `x = mantissa 2^exponent`.
    Mantissa: 1, 2 {
        real_slow(R) |[x], p| -> R { R::of(polynomial::frexp(x.f64()).0) }
    }
    Exponent: 1, 2 {
        real_slow(R) |[x], p| -> R { R::of(f64::from(polynomial::frexp(x.f64()).1)) }
    }
    /// Orthogonal polynomials of (x, degree).
    ChebyshevT: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::chebyshev_t(x.f64(), n.f64() as i64)) }
    }
    ChebyshevU: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::chebyshev_u(x.f64(), n.f64() as i64)) }
    }
    ChebyshevV: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::chebyshev_v(x.f64(), n.f64() as i64)) }
    }
    ChebyshevW: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::chebyshev_w(x.f64(), n.f64() as i64)) }
    }
    ShiftedChebyshevT: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::chebyshev_t(2.0 * x.f64() - 1.0, n.f64() as i64)) }
    }
    ShiftedChebyshevU: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::chebyshev_u(2.0 * x.f64() - 1.0, n.f64() as i64)) }
    }
    ShiftedChebyshevV: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::chebyshev_v(2.0 * x.f64() - 1.0, n.f64() as i64)) }
    }
    ShiftedChebyshevW: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::chebyshev_w(2.0 * x.f64() - 1.0, n.f64() as i64)) }
    }
    HermiteH: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::hermite_h(x.f64(), n.f64() as i64)) }
    }
    HermiteHe: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::hermite_he(x.f64(), n.f64() as i64)) }
    }
    LaguerreL: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::laguerre_l(x.f64(), n.f64() as i64)) }
    }
    LegendreP: 2, 32 {
        real_slow(R) |[x, n], p| -> R { R::of(polynomial::legendre_p(x.f64(), n.f64() as i64)) }
    }
}
