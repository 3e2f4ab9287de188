//! Special functions: rows over `simd::math::special`, in f64 for both types.

use super::Params;
use super::kernel::{self, Kernel, class, class_impl, class_kernel, rows};
use crate::cpu::simd::Level;
use crate::cpu::simd::math::{airy, implicit, polynomial, special};
use crate::tensor::DType;

rows! {
    /// Logarithm of |gamma(x)|.
    Lgamma: 1, 32 {
        real(R) |[x], p| -> R { special::lgamma(x) }
        @f32 "lgamma_of(a)"
    }
    /// Derivative of `Lgamma`.
    Digamma: 1, 32 {
        real(R) |[x], p| -> R { R::of(special::digamma(x.f64())) }
        @f32 "digamma_of(a)"
    }
    /// Derivative of order i0 of `Digamma`.
    Polygamma: 1, 64 {
        real_slow(R) |[x], p| -> R { R::of(special::polygamma(p.i[0], x.f64())) }
        @f32 "polygamma_of(i0, a)"
    }
    /// Derivative of `Digamma`.
    Trigamma: 1, 32 {
        real(R) |[x], p| -> R { R::of(special::trigamma(x.f64())) }
        @f32 "polygamma_of(1, a)"
    }
    /// Sum of (q + k)^-x.
    Zeta: 2, 64 {
        real_slow(R) |[x, q], p| -> R { R::of(special::zeta(x.f64(), q.f64())) }
        @f32 "zeta_of(a, b)"
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
        real(R) |[x], p| -> R { special::erfinv(x) }
        @f32 "erfinv_of(a)"
    }
    /// Inverse of `Ndtr`.
    Ndtri: 1, 16 {
        real(R) |[x], p| -> R { special::ndtri(x) }
        @f32 "ndtri_of(a)"
    }
    AiryAi: 1, 48 {
        real(R) |[x], p| -> R { R::of(airy::airy_ai(x.f64())) }; rare { airy::is_far(x.f64()) } slow { R::of(airy::airy_ai_far(x.f64())) }
        @f32 "airy_ai(a)"
    }
    /// Modified Bessel functions of the first kind; e: times exp(-|x|).
    I0: 1, 32 {
        real(R) |[x], p| -> R { special::bessel_i(0, x) }
        @f32 "bessel_i(0.0, a)"
    }
    I0e: 1, 32 {
        real(R) |[x], p| -> R { special::bessel_ie(0, x) }
        @f32 "bessel_ie(0.0, a)"
    }
    I1: 1, 32 {
        real(R) |[x], p| -> R { special::bessel_i(1, x) }
        @f32 "bessel_i(1.0, a)"
    }
    I1e: 1, 32 {
        real(R) |[x], p| -> R { special::bessel_ie(1, x) }
        @f32 "bessel_ie(1.0, a)"
    }
    /// Modified Bessel functions of the second kind; scaled: times exp(x).
    K0: 1, 128 {
        real(R) |[x], p| -> R { R::of(special::bessel_k(0, x.f64(), false)) }
        @f32 "bessel_k(0.0, a, false)"
    }
    K1: 1, 128 {
        real(R) |[x], p| -> R { R::of(special::bessel_k(1, x.f64(), false)) }
        @f32 "bessel_k(1.0, a, false)"
    }
    ScaledK0: 1, 128 {
        real(R) |[x], p| -> R { R::of(special::bessel_k(0, x.f64(), true)) }
        @f32 "bessel_k(0.0, a, true)"
    }
    ScaledK1: 1, 128 {
        real(R) |[x], p| -> R { R::of(special::bessel_k(1, x.f64(), true)) }
        @f32 "bessel_k(1.0, a, true)"
    }
    /// Bessel functions.
    BesselJ0: 1, 32 {
        real(R) |[x], p| -> R { special::bessel_j(0, x) }; rare { special::bessel_is_far(x) } slow { R::of(special::bessel_j_far(0, x.f64())) }
        @f32 "bessel_j(0.0, a)"
    }
    BesselJ1: 1, 32 {
        real(R) |[x], p| -> R { special::bessel_j(1, x) }; rare { special::bessel_is_far(x) } slow { R::of(special::bessel_j_far(1, x.f64())) }
        @f32 "bessel_j(1.0, a)"
    }
    BesselY0: 1, 32 {
        real(R) |[x], p| -> R { special::bessel_y(0, x) }; rare { special::bessel_is_far(x) } slow { R::of(special::bessel_y_far(0, x.f64())) }
        @f32 "bessel_y(0.0, a)"
    }
    BesselY1: 1, 32 {
        real(R) |[x], p| -> R { special::bessel_y(1, x) }; rare { special::bessel_is_far(x) } slow { R::of(special::bessel_y_far(1, x.f64())) }
        @f32 "bessel_y(1.0, a)"
    }
    /// sin(x) / x.
    SphericalBesselJ0: 1, 16 {
        real(R) |[x], p| -> R { special::spherical_bessel_j0(x, x.sin_near()) }; rare { x.is_far() } slow { special::spherical_bessel_j0(x, R::of(f64::sin(x.f64()))) }
        @f32 "select(select(sin_of(a) / a, 1.0, a == 0.0), 0.0, is_inf(a))"
    }
    /// Regularised incomplete gamma functions of (a, x), lower and upper.
    Gammainc: 2, 64 {
        real(R) |[a, x], p| -> R { special::incomplete_gamma(a, x, false) }
        @f32 "incomplete_gamma(a, b, false)"
    }
    Gammaincc: 2, 64 {
        real(R) |[a, x], p| -> R { special::incomplete_gamma(a, x, true) }
        @f32 "incomplete_gamma(a, b, true)"
    }
    /// How a gamma sample x moves with its shape a.
    GammaGrad: 2, 64 {
        real_blocks(R) |[a, x], p| -> R { implicit::gamma(a, x) }
        @f32 "gamma_grad(a, b)"
    }
    /// How a Dirichlet sample x moves with its parameter, over 1 - x.
    DirichletGrad: 3, 64 {
        real_blocks(R) |[x, a, total], p| -> R { implicit::beta(x, a, total) }
        @f32 "dirichlet_grad(a, b, c)"
    }
    /// The parts of `x = mantissa 2^exponent`.
    Mantissa: 1, 2 {
        real_slow(R) |[x], p| -> R { R::of(polynomial::frexp(x.f64()).0) }
        @f32 "mantissa_of(a)"
    }
    Exponent: 1, 2 {
        real_slow(R) |[x], p| -> R { R::of(f64::from(polynomial::frexp(x.f64()).1)) }
        @f32 "exponent_of(a)"
    }
    /// Orthogonal polynomials of (x, degree).
    ChebyshevT: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::chebyshev_t(x.map(R::f64), n) }
        @f32 "chebyshev(1u, a, b)"
    }
    ChebyshevU: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::chebyshev_u(x.map(R::f64), n) }
        @f32 "chebyshev(2u, a, b)"
    }
    ChebyshevV: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::chebyshev_v(x.map(R::f64), n) }
        @f32 "chebyshev(3u, a, b)"
    }
    ChebyshevW: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::chebyshev_w(x.map(R::f64), n) }
        @f32 "chebyshev(4u, a, b)"
    }
    ShiftedChebyshevT: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::chebyshev_t(x.map(|x| 2.0 * x.f64() - 1.0), n) }
        @f32 "chebyshev(1u, 2.0 * a - 1.0, b)"
    }
    ShiftedChebyshevU: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::chebyshev_u(x.map(|x| 2.0 * x.f64() - 1.0), n) }
        @f32 "chebyshev(2u, 2.0 * a - 1.0, b)"
    }
    ShiftedChebyshevV: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::chebyshev_v(x.map(|x| 2.0 * x.f64() - 1.0), n) }
        @f32 "chebyshev(3u, 2.0 * a - 1.0, b)"
    }
    ShiftedChebyshevW: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::chebyshev_w(x.map(|x| 2.0 * x.f64() - 1.0), n) }
        @f32 "chebyshev(4u, 2.0 * a - 1.0, b)"
    }
    HermiteH: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::hermite_h(x.map(R::f64), n) }
        @f32 "hermite(2.0, a, b)"
    }
    HermiteHe: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::hermite_he(x.map(R::f64), n) }
        @f32 "hermite(1.0, a, b)"
    }
    LaguerreL: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::laguerre_l(x.map(R::f64), n) }
        @f32 "laguerre(a, b)"
    }
    LegendreP: 2, 32 {
        real_blocks(R) |[x, n], p| -> R { polynomial::legendre_p(x.map(R::f64), n) }
        @f32 "legendre(a, b)"
    }
}
