//! Activations and their derivatives. A backward row takes the upstream gradient g first, then what its forward saved.

use super::Params;
use super::kernel::{self, Kernel, class, class_impl, class_kernel, rows};
use crate::cpu::simd::Level;
use crate::cpu::simd::math::Real;
use crate::tensor::DType;
use crate::tensor::dtype::{C64, C128};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, SQRT_2};

/// tanh's argument in the tanh form of gelu, k (x + c x^3), and its derivative.
#[inline(always)]
fn gelu_inner<R: Real>(x: R) -> (R, R) {
    let k = R::of(SQRT_2 * FRAC_2_SQRT_PI * 0.5);
    let c = R::of(0.044715);
    let x2 = x * x;
    (k * x * x2.fma(c, R::ONE), k * x2.fma(R::of(3.0) * c, R::ONE))
}

/// tanh(softplus(x)) = n / (n + 2) for n = e^x (e^x + 2), which keeps its relative accuracy for negative x.
#[inline(always)]
fn tanh_softplus<R: Real>(x: R) -> R {
    // Beyond 20 the quotient rounds to 1, and e^2x would overflow later.
    let e = (if x > R::of(20.0) { R::of(20.0) } else { x }).exp();
    let n = e * (e + R::of(2.0));
    n / (n + R::of(2.0))
}

rows! {
    Relu: 1, 1 {
        real(R) |[x], p| -> R { if x < R::ZERO { R::ZERO } else { x } }
        int(I) |[x], p| -> I { x.max(I::ZERO) }
        @f32 "select(a, 0.0, a < 0.0)"
        @i32 "max(a, 0)"
        @i64 "max64(a, vec2<u32>(0u))"
    }
    /// Slope f0 below 0.
    LeakyRelu: 1, 1 {
        real(R) |[x], p| -> R { if x > R::ZERO { x } else { x * R::of(p.f[0]) } }
        @f32 "select(a * f0, a, a > 0.0)"
    }
    /// Slope f0.
    LeakyReluBackward: 2, 1 {
        real(R) |[g, x], p| -> R { if x > R::ZERO { g } else { g * R::of(p.f[0]) } }
        @f32 "select(a * f0, a, b > 0.0)"
    }
    /// f1 at and below f0, x above.
    Threshold: 1, 1 {
        real(R) |[x], p| -> R { if x <= R::of(p.f[0]) { R::of(p.f[1]) } else { x } }
        int(I) |[x], p| -> I { if x <= I::saturate(p.i[0]) { I::of(p.i[1]) } else { x } }
        @f32 "select(a, f1, a <= f0)"
        @i32 "select(a, i1, a <= i0)"
        @i64 "select(a, i1, !lt64(i0, a))"
    }
    /// g where x > f0; the derivative of `Relu` with f0 = 0.
    ThresholdBackward: 2, 1 {
        real(R) |[g, x], p| -> R { if x <= R::of(p.f[0]) { R::ZERO } else { g } }
        int(I) |[g, x], p| -> I { if x <= I::saturate(p.i[0]) { I::ZERO } else { g } }
        @f32 "select(a, 0.0, b <= f0)"
        @i32 "select(a, 0, b <= i0)"
        @i64 "select(a, vec2<u32>(0u), !lt64(i0, b))"
    }
    /// g where f0 < x < f1.
    HardtanhBackward: 2, 1 {
        real(R) |[g, x], p| -> R {
            if (x <= R::of(p.f[0])) | (x >= R::of(p.f[1])) { R::ZERO } else { g }
        }
        @f32 "select(a, 0.0, b <= f0 || b >= f1)"
    }
    /// f1 x above 0, f0 f1 (e^(f2 x) - 1) below: alpha, scale, input scale.
    Elu: 1, 4 {
        real(R) |[x], p| -> R {
            let low = (x * R::of(p.f[2])).expm1() * R::of(p.f[0] * p.f[1]);
            if x < R::ZERO { low } else { x * R::of(p.f[1]) }
        }
        @f32 "select(a * f1, expm1_of(a * f2) * f0 * f1, a < 0.0)"
    }
    /// From x or, if i0 is 1, from the output.
    EluBackward: 2, 4 {
        real(R) |[g, x], p| -> R {
            let (alpha, scale, input) = (R::of(p.f[0] * p.f[1]), R::of(p.f[1]), R::of(p.f[2]));
            let low = if p.i[0] == 1 { x + alpha } else { alpha * (x * input).exp() };
            if x <= R::ZERO { g * input * low } else { g * scale }
        }
        @f32 "select(a * f1, a * f2 * select(f0 * f1 * exp_of(b * f2), b + f0 * f1, i0 == 1), b <= 0.0)"
    }
    /// x Phi(x).
    Gelu: 1, 6 {
        real(R) |[x], p| -> R { x * R::HALF * (R::ONE + (x * R::of(FRAC_1_SQRT_2)).erf()) }
        @f32 "a * gelu_cdf(a)"
    }
    GeluBackward: 2, 8 {
        real(R) |[g, x], p| -> R {
            let cdf = R::HALF * (R::ONE + (x * R::of(FRAC_1_SQRT_2)).erf());
            let pdf = R::of(0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2) * (x * x * -R::HALF).exp();
            g * x.fma(pdf, cdf)
        }
        @f32 "a * (gelu_cdf(b) + b * 0.39894228 * exp_of(-0.5 * b * b))"
    }
    /// The tanh form of gelu.
    GeluTanh: 1, 4 {
        real(R) |[x], p| -> R { R::HALF * x * (R::ONE + gelu_inner(x).0.tanh()) }
        @f32 "0.5 * a * (1.0 + tanh_of(gelu_inner(a)))"
    }
    GeluTanhBackward: 2, 5 {
        real(R) |[g, x], p| -> R {
            let (u, du) = gelu_inner(x);
            let t = u.tanh();
            let left = R::HALF * (R::ONE + t);
            g * (R::HALF * x * (R::ONE - t * t)).fma(du, left)
        }
        @f32 "gelu_tanh_grad(a, b)"
    }
    /// x sigmoid(x).
    Silu: 1, 3 {
        real(R) |[x], p| -> R { x / (R::ONE + (-x).exp()) }
        @f32 "a / (1.0 + exp_of(-a))"
    }
    SiluBackward: 2, 4 {
        real(R) |[g, x], p| -> R {
            let s = x.sigmoid();
            g * s * x.fma(R::ONE - s, R::ONE)
        }
        @f32 "silu_grad(a, b)"
    }
    /// x tanh(softplus(x)).
    Mish: 1, 4 {
        real(R) |[x], p| -> R { x * tanh_softplus(x) }
        @f32 "a * tanh_softplus(a)"
    }
    MishBackward: 2, 5 {
        real(R) |[g, x], p| -> R {
            let t = tanh_softplus(x);
            g * (x * x.sigmoid()).fma(R::ONE - t * t, t)
        }
        @f32 "mish_grad(a, b)"
    }
    /// g (1 - y) y of the output y; conjugated for complex numbers.
    SigmoidBackward: 2, 1 {
        real(R) |[g, y], p| -> R { g * (R::ONE - y) * y }
        complex(C) |[g, y], p| -> C { g * ((C::one() - y) * y).conj() }
        @f32 "a * (1.0 - b) * b"
    }
    /// g (1 - y^2) of the output y; conjugated for complex numbers.
    TanhBackward: 2, 1 {
        real(R) |[g, y], p| -> R { g * (R::ONE - y * y) }
        complex(C) |[g, y], p| -> C { g * (C::one() - y * y).conj() }
        @f32 "a * (1.0 - b * b)"
    }
    /// log(1 + e^(f0 x)) / f0, x where f0 x > f1: beta, threshold.
    Softplus: 1, 6 {
        real(R) |[x], p| -> R {
            let (beta, t) = (R::of(p.f[0]), x * R::of(p.f[0]));
            if t > R::of(p.f[1]) { x } else { t.softplus() / beta }
        }
        @f32 "select(softplus_of(a * f0) / f0, a, a * f0 > f1)"
    }
    SoftplusBackward: 2, 3 {
        real(R) |[g, x], p| -> R {
            let t = x * R::of(p.f[0]);
            let z = t.exp();
            if t > R::of(p.f[1]) { g } else { g * z / (z + R::ONE) }
        }
        @f32 "select(a * sigmoid_of(b * f0), a, b * f0 > f1)"
    }
    LogSigmoid: 1, 6 {
        real(R) |[x], p| -> R { -(-x).softplus() }
        @f32 "-softplus_of(-a)"
    }
    LogSigmoidBackward: 2, 3 {
        real(R) |[g, x], p| -> R { g / (R::ONE + x.exp()) }
        @f32 "a / (1.0 + exp_of(b))"
    }
    /// min(max(x + 3, 0), 6) / 6.
    Hardsigmoid: 1, 1 {
        real(R) |[x], p| -> R { (x + R::of(3.0)).maximum(R::ZERO).minimum(R::of(6.0)) / R::of(6.0) }
        @f32 "minimum(maximum(a + 3.0, 0.0), 6.0) / 6.0"
    }
    HardsigmoidBackward: 2, 1 {
        real(R) |[g, x], p| -> R {
            if (x > R::of(-3.0)) & (x < R::of(3.0)) { g * R::of(1.0 / 6.0) } else { R::ZERO }
        }
        @f32 "select(0.0, a * 0.16666667, b > -3.0 && b < 3.0)"
    }
    /// x min(max(x + 3, 0), 6) / 6.
    Hardswish: 1, 1 {
        real(R) |[x], p| -> R { x * (x + R::of(3.0)).maximum(R::ZERO).minimum(R::of(6.0)) / R::of(6.0) }
        @f32 "a * minimum(maximum(a + 3.0, 0.0), 6.0) / 6.0"
    }
    HardswishBackward: 2, 1 {
        real(R) |[g, x], p| -> R {
            let inside = g * (x / R::of(3.0) + R::HALF);
            let r = if x >= R::of(3.0) { g } else { inside };
            let r = if x <= R::of(-3.0) { R::ZERO } else { r };
            if x.is_nan() { g } else { r }
        }
        @f32 "select(select(select(a * (b / 3.0 + 0.5), a, b >= 3.0), 0.0, b <= -3.0), a, is_nan(b))"
    }
    /// Towards 0 by f0.
    Softshrink: 1, 1 {
        real(R) |[x], p| -> R {
            let l = R::of(p.f[0]);
            let r = if x < -l { x + l } else { x * R::ZERO };
            if x > l { x - l } else { r }
        }
        @f32 "select(select(select(0.0, a, is_nan(a)), a + f0, a < -f0), a - f0, a > f0)"
    }
    /// 0 in [-f0, f0].
    Hardshrink: 1, 1 {
        real(R) |[x], p| -> R { if x.abs() <= R::of(p.f[0]) { R::ZERO } else { x } }
        @f32 "select(a, 0.0, abs(a) <= f0)"
    }
    /// The derivative of both.
    ShrinkBackward: 2, 1 {
        real(R) |[g, x], p| -> R { if x.abs() <= R::of(p.f[0]) { R::ZERO } else { g } }
        @f32 "select(a, 0.0, abs(b) <= f0)"
    }
    /// x - tanh(x).
    Tanhshrink: 1, 3 {
        real(R) |[x], p| -> R { x - x.tanh() }
        @f32 "a - tanh_of(a)"
    }
    /// x above 0, w x below.
    Prelu: 2, 1 {
        real(R) |[x, w], p| -> R { if x > R::ZERO { x } else { w * x } }
        @f32 "select(b * a, a, a > 0.0)"
    }
    /// By x.
    PreluBackward: 3, 1 {
        real(R) |[g, x, w], p| -> R { if x > R::ZERO { g } else { w * g } }
        @f32 "select(c * a, a, b > 0.0)"
    }
    /// By w, before the sum.
    PreluBackwardWeight: 2, 1 {
        real(R) |[g, x], p| -> R { if x > R::ZERO { R::ZERO } else { x * g } }
        @f32 "select(b * a, 0.0, b > 0.0)"
    }
}
