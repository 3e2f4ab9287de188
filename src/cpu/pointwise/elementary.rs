//! Exponentials, logarithms, trigonometry: rows over the functions of `simd::math`.

use super::Params;
use super::c99;
use super::kernel::{self, Kernel, class, class_impl, class_kernel, rows};
use super::scalar::Cplx as _;
use crate::cpu::simd::Level;
use crate::tensor::DType;
use crate::tensor::dtype::{C64, C128};

rows! {
    Exp: 1, 2 {
        real(R) |[x], p| -> R { x.exp() }
        complex(C) |[z], p| -> C { C::narrow(c99::exp(z.widen())) }
        @f32 "exp_of(a)"
    }
    Exp2: 1, 2 {
        real(R) |[x], p| -> R { x.exp2() }
        complex(C) |[z], p| -> C { C::narrow(c99::exp(z.widen() * std::f64::consts::LN_2)) }
        @f32 "exp2_of(a)"
    }
    Expm1: 1, 3 {
        real(R) |[x], p| -> R { x.expm1() }
        complex(C) |[z], p| -> C { C::narrow(c99::expm1(z.widen())) }
        @f32 "expm1_of(a)"
    }
    Log: 1, 3 {
        real(R) |[x], p| -> R { x.log() }
        complex(C) |[z], p| -> C { C::narrow(c99::log(z.widen())) }
        @f32 "log_of(a)"
    }
    Log2: 1, 3 {
        real(R) |[x], p| -> R { x.log2() }
        complex(C) |[z], p| -> C { C::narrow(c99::log(z.widen()) * std::f64::consts::LOG2_E) }
        @f32 "log_of(a) * 1.4426950"
    }
    Log10: 1, 3 {
        real(R) |[x], p| -> R { x.log10() }
        complex(C) |[z], p| -> C { C::narrow(c99::log(z.widen()) * std::f64::consts::LOG10_E) }
        @f32 "log_of(a) * 0.43429448"
    }
    Log1p: 1, 3 {
        real(R) |[x], p| -> R { x.log1p() }
        complex(C) |[z], p| -> C { C::narrow(c99::log1p(z.widen())) }
        @f32 "log1p_of(a)"
    }
    Sin: 1, 6 {
        real(R) |[x], p| -> R { x.sin_near() }; rare { x.is_far() } slow { R::of(f64::sin(x.f64())) }
        complex(C) |[z], p| -> C { C::narrow(c99::sin(z.widen())) }
        @f32 "sin_of(a)"
    }
    Cos: 1, 6 {
        real(R) |[x], p| -> R { x.cos_near() }; rare { x.is_far() } slow { R::of(f64::cos(x.f64())) }
        complex(C) |[z], p| -> C { C::narrow(c99::cos(z.widen())) }
        @f32 "cos_of(a)"
    }
    Tan: 1, 6 {
        real(R) |[x], p| -> R { x.tan_near() }; rare { x.is_far() } slow { R::of(f64::tan(x.f64())) }
        complex(C) |[z], p| -> C { C::narrow(c99::tan(z.widen())) }
        @f32 "tan_of(a)"
    }
    Asin: 1, 4 {
        real(R) |[x], p| -> R { x.asin() }
        complex(C) |[z], p| -> C { C::narrow(c99::asin(z.widen())) }
        @f32 "asin_of(a)"
    }
    Acos: 1, 4 {
        real(R) |[x], p| -> R { x.acos() }
        complex(C) |[z], p| -> C { C::narrow(c99::acos(z.widen())) }
        @f32 "acos_of(a)"
    }
    Atan: 1, 4 {
        real(R) |[x], p| -> R { x.atan() }
        complex(C) |[z], p| -> C { C::narrow(c99::atan(z.widen())) }
        @f32 "atan_of(a)"
    }
    Sinh: 1, 8 {
        real(R) |[x], p| -> R { x.sinh() }
        complex(C) |[z], p| -> C { C::narrow(c99::sinh(z.widen())) }
        @f32 "sinh_of(a)"
    }
    Cosh: 1, 8 {
        real(R) |[x], p| -> R { x.cosh() }
        complex(C) |[z], p| -> C { C::narrow(c99::cosh(z.widen())) }
        @f32 "cosh_of(a)"
    }
    Tanh: 1, 3 {
        real(R) |[x], p| -> R { x.tanh() }
        complex(C) |[z], p| -> C { C::narrow(c99::tanh(z.widen())) }
        @f32 "tanh_of(a)"
    }
    Asinh: 1, 8 {
        real(R) |[x], p| -> R { x.asinh() }
        complex(C) |[z], p| -> C { C::narrow(c99::asinh(z.widen())) }
        @f32 "asinh_of(a)"
    }
    Acosh: 1, 8 {
        real(R) |[x], p| -> R { x.acosh() }
        complex(C) |[z], p| -> C { C::narrow(c99::acosh(z.widen())) }
        @f32 "acosh_of(a)"
    }
    Atanh: 1, 8 {
        real(R) |[x], p| -> R { x.atanh() }
        complex(C) |[z], p| -> C { C::narrow(c99::atanh(z.widen())) }
        @f32 "atanh_of(a)"
    }
    Erf: 1, 5 {
        real(R) |[x], p| -> R { x.erf() }
        @f32 "erf_of(a)"
    }
    Erfc: 1, 10 {
        real(R) |[x], p| -> R { x.erfc() }
        @f32 "erfc_of(a)"
    }
    Erfcx: 1, 10 {
        real(R) |[x], p| -> R { x.erfcx() }
        @f32 "erfcx_of(a)"
    }
    Sigmoid: 1, 3 {
        real(R) |[x], p| -> R { x.sigmoid() }
        complex(C) |[z], p| -> C { C::narrow(c99::sigmoid(z.widen())) }
        @f32 "sigmoid_of(a)"
    }
    /// log(x / (1 - x)) of x moved into [eps, 1 - eps]; eps in f0, negative for none.
    Logit: 1, 5 {
        real(R) |[x], p| -> R {
            let eps = R::of(p.f[0]);
            let lo = if eps < R::ZERO { -R::INF } else { eps };
            let hi = if eps < R::ZERO { R::INF } else { R::ONE - eps };
            let x = x.maximum(lo).minimum(hi);
            (x / (R::ONE - x)).log()
        }
        @f32 "logit_of(a, f0)"
    }
    /// g / (x (1 - x)) of (g, x); 0 outside of [eps, 1 - eps], or NaN where eps is negative.
    LogitBackward: 2, 2 {
        real(R) |[g, x], p| -> R {
            let eps = R::of(p.f[0]);
            let edge = eps.maximum(R::ZERO);
            let r = if eps < R::ZERO { R::NAN } else { R::ZERO };
            if (x < edge) | (x > R::ONE - edge) { r } else { g / (x * (R::ONE - x)) }
        }
        @f32 "logit_grad(a, b, f0)"
    }
    /// sin(pi x) / (pi x).
    Sinc: 1, 8 {
        real(R) |[x], p| -> R {
            let t = x * R::of(std::f64::consts::PI);
            if x == R::ZERO { R::ONE } else { t.sin_near() / t }
        }; rare { (x * R::of(std::f64::consts::PI)).is_far() } slow {
            let t = x * R::of(std::f64::consts::PI);
            R::of(f64::sin(t.f64())) / t
        }
        complex(C) |[z], p| -> C {
            let t = z.widen() * std::f64::consts::PI;
            if z == C::zero() { C::one() } else { C::narrow(c99::sin(t).divide(t)) }
        }
        @f32 "sinc_of(a)"
    }
    /// -x log x; 0 at 0, -infinity below.
    Entr: 1, 4 {
        real(R) |[x], p| -> R {
            let r = -x * x.log();
            let r = if x == R::ZERO { R::ZERO } else { r };
            if x < R::ZERO { -R::INF } else { r }
        }
        @f32 "entr_of(a)"
    }
}
