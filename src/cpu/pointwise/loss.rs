//! Losses before their reduction, and the derivatives of both together: f0 of a backward row is the factor of the
//! reduction (1 for a sum, 1/n for a mean).

use super::Params;
use super::kernel::{self, Kernel, class, class_impl, class_kernel, rows};
use crate::cpu::simd::Level;
use crate::tensor::DType;
use crate::tensor::dtype::{C64, C128};

rows! {
    /// (a - b)^2.
    Mse: 2, 1 {
        real(R) |[a, b], p| -> R { (a - b) * (a - b) }
        complex(C) |[a, b], p| -> C { (a - b) * (a - b) }
        @f32 "(a - b) * (a - b)"
    }
    /// 2 f0 (a - b) g.
    MseBackward: 3, 1 {
        real(R) |[g, a, b], p| -> R { R::of(2.0 * p.f[0]) * (a - b) * g }
        @f32 "2.0 * f0 * (b - c) * a"
    }
    /// f0 sign(a - b) g.
    L1Backward: 3, 1 {
        real(R) |[g, a, b], p| -> R {
            let d = a - b;
            let r = if d > R::ZERO { R::of(p.f[0]) } else { R::ZERO };
            g * if d < R::ZERO { -R::of(p.f[0]) } else { r }
        }
        @f32 "a * f0 * signum(b - c)"
    }
    /// d^2 / (2 f0) where d = |a - b| < f0, d - f0 / 2 beyond: beta.
    SmoothL1: 2, 1 {
        real(R) |[a, b], p| -> R {
            let (d, beta) = ((a - b).abs(), R::of(p.f[0]));
            if d < beta { R::HALF * d * d / beta } else { d - R::HALF * beta }
        }
        @f32 "select(abs(a - b) - 0.5 * f0, 0.5 * (a - b) * (a - b) / f0, abs(a - b) < f0)"
    }
    /// f1: beta.
    SmoothL1Backward: 3, 1 {
        real(R) |[g, a, b], p| -> R {
            let (d, norm, beta) = (a - b, R::of(p.f[0]), R::of(p.f[1]));
            let r = if d >= beta { norm * g } else { norm * d * g / beta };
            if d <= -beta { -norm * g } else { r }
        }
        @f32 "select(select(f0 * (b - c) * a / f1, f0 * a, b - c >= f1), -f0 * a, b - c <= -f1)"
    }
    /// d^2 / 2 where d = |a - b| < f0, f0 (d - f0 / 2) beyond: delta.
    Huber: 2, 1 {
        real(R) |[a, b], p| -> R {
            let (d, delta) = ((a - b).abs(), R::of(p.f[0]));
            if d < delta { R::HALF * d * d } else { delta * (d - R::HALF * delta) }
        }
        @f32 "select(f0 * (abs(a - b) - 0.5 * f0), 0.5 * (a - b) * (a - b), abs(a - b) < f0)"
    }
    /// f1: delta.
    HuberBackward: 3, 1 {
        real(R) |[g, a, b], p| -> R {
            let (d, norm, delta) = (a - b, R::of(p.f[0]), R::of(p.f[1]));
            let r = if d >= delta { norm * g * delta } else { norm * d * g };
            if d <= -delta { -norm * g * delta } else { r }
        }
        @f32 "select(select(f0 * (b - c) * a, f0 * a * f1, b - c >= f1), -f0 * a * f1, b - c <= -f1)"
    }
    /// Cross entropy of a probability x and a target t; its logarithms end at -100.
    Bce: 2, 8 {
        real(R) |[x, t], p| -> R {
            let floor = R::of(-100.0);
            (t - R::ONE) * (-x).log1p().maximum(floor) - t * x.log().maximum(floor)
        }
        @f32 "(b - 1.0) * maximum(log1p_of(-a), -100.0) - b * maximum(log_of(a), -100.0)"
    }
    BceBackward: 3, 2 {
        real(R) |[g, x, t], p| -> R {
            R::of(p.f[0]) * g * (x - t) / ((R::ONE - x) * x).maximum(R::of(1e-12))
        }
        @f32 "f0 * a * (b - c) / maximum((1.0 - b) * b, 1e-12)"
    }
    /// Cross entropy of a logit x and a target t.
    BceWithLogits: 2, 6 {
        real(R) |[x, t], p| -> R { (R::ONE - t) * x + (-x).softplus() }
        @f32 "(1.0 - b) * a + softplus_of(-a)"
    }
    /// With a weight of the positive class.
    BceWithLogitsPos: 3, 6 {
        real(R) |[x, t, w], p| -> R {
            (R::ONE - t) * x + ((w - R::ONE) * t + R::ONE) * (-x).softplus()
        }
        @f32 "(1.0 - b) * a + ((c - 1.0) * b + 1.0) * softplus_of(-a)"
    }
    BceWithLogitsBackward: 3, 3 {
        real(R) |[g, x, t], p| -> R { R::of(p.f[0]) * g * (x.sigmoid() - t) }
        @f32 "f0 * a * (sigmoid_of(b) - c)"
    }
    /// As above, with a weight of the positive class.
    BceWithLogitsPosBackward: 4, 4 {
        real(R) |[g, x, t, w], p| -> R {
            let tw = t * w;
            R::of(p.f[0]) * g * ((tw + R::ONE - t) * x.sigmoid() - tw)
        }
        @f32 "f0 * a * ((c * d + 1.0 - c) * sigmoid_of(b) - c * d)"
    }
}
