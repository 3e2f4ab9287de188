//! Activation functions with fused derivatives that are operations themselves, so that order two is exact.

use super::pointwise::Class::Float;
use super::pointwise::{D, OUT, Pw, X, Y, apply, binary};
use crate::dispatch::{Fun, Params};
use crate::error::Result;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::Tensor;

static SIGMOID_BACKWARD: Pw = Pw {
    name: "sigmoid_backward", node: "SigmoidBackwardBackward0", fun: Fun::SigmoidBackward, class: Float,
    // d(g y (1-y)) = y (1-y) dg + g (1 - 2y) dy
    grads: &[
        Some(D(Y, |a| sigmoid_backward(a.g, &a.y()?))),
        Some(D(X | Y, |a| a.g_times(&a.x()?.mul(&a.y()?.mul_scalar(-2.0)?.add_scalar(1.0)?)?))),
    ],
};
static TANH_BACKWARD: Pw = Pw {
    name: "tanh_backward", node: "TanhBackwardBackward0", fun: Fun::TanhBackward, class: Float,
    // d(g (1-y^2)) = (1-y^2) dg - 2 g y dy
    grads: &[
        Some(D(Y, |a| tanh_backward(a.g, &a.y()?))),
        Some(D(X | Y, |a| a.g_times(&a.x()?.mul(&a.y()?)?.mul_scalar(-2.0)?))),
    ],
};

/// `g * y * (1 - y)` for `y = sigmoid(x)`.
pub fn sigmoid_backward(g: &Tensor, y: &Tensor) -> Result<Tensor> {
    if y.dtype().is_complex() {
        return g.mul(&y.mul(&y.neg()?.add_scalar(1.0)?)?.conj()?);
    }
    binary(&SIGMOID_BACKWARD, g, y)
}

/// `g * (1 - y^2)` for `y = tanh(x)`.
pub fn tanh_backward(g: &Tensor, y: &Tensor) -> Result<Tensor> {
    if y.dtype().is_complex() {
        return g.mul(&y.mul(y)?.neg()?.add_scalar(1.0)?.conj()?);
    }
    binary(&TANH_BACKWARD, g, y)
}

static THRESHOLD_BACKWARD: Pw = Pw {
    name: "threshold_backward", node: "ThresholdBackwardBackward0", fun: Fun::ThresholdBackward, class: super::pointwise::Class::Same,
    grads: &[Some(D(Y, |a| apply(&THRESHOLD_BACKWARD, &[a.g, &a.y()?], *a.p, &Dest::New))), Some(D(0, |a| a.g.zeros_like()))],
};

/// `g` where `x > threshold`, else 0.
pub fn threshold_backward(g: &Tensor, x: &Tensor, threshold: f64) -> Result<Tensor> {
    apply(&THRESHOLD_BACKWARD, &[g, x], Params { f: [threshold, 0.0, 0.0, 0.0], ..Params::default() }, &Dest::New)
}

static RELU: Pw = Pw {
    name: "relu", node: "ReluBackward0", fun: Fun::Relu, class: super::pointwise::Class::NoBool("Boolean inputs not supported for relu"),
    grads: &[Some(D(OUT, |a| threshold_backward(a.g, &a.out()?, 0.0)))],
};

/// `max(x, 0)`; NaN stays.
pub fn relu(x: &Tensor, dest: &Dest) -> Result<Tensor> {
    apply(&RELU, &[x], Params::default(), dest)
}

ops! {
    @
    /// `max(x, 0)`; NaN stays.
    "relu(Tensor self) -> Tensor" [f m i] => |a| relu(a.get(0)?, &a.dest());
}
