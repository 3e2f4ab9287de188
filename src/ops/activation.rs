//! Activation functions with fused derivatives that are operations themselves, so that order two is exact.

use super::choose::where_;
use super::pointwise::Class::{Float, NoBool, Same};
use super::pointwise::{At, D, OUT, Pw, X, Y, Z, apply, binary, number};
use super::view;
use crate::autograd::{named, record};
use crate::dispatch::{self, Fun, Params};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::{Args, Dest};
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Generator, Scalar, Tensor};

static SIGMOID_BACKWARD: Pw = Pw {
    name: "sigmoid_backward",
    node: "SigmoidBackwardBackward0",
    fun: Fun::SigmoidBackward,
    class: Float,
    // d(g y (1-y)) = y (1-y) dg + g (1 - 2y) dy
    grads: &[
        Some(D(Y, |a| sigmoid_backward(a.g, &a.y()?))),
        Some(D(X | Y, |a| a.g_times(&a.x()?.mul(&a.y()?.mul_scalar(-2.0)?.add_scalar(1.0)?)?))),
    ],
};
static TANH_BACKWARD: Pw = Pw {
    name: "tanh_backward",
    node: "TanhBackwardBackward0",
    fun: Fun::TanhBackward,
    class: Float,
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

/// Declares activations: the forward row, the fused backward row, and the second derivative by x where it is not 0.
///
/// A backward row is linear in its gradient, so its own derivative by the gradient is the row itself.
macro_rules! activations {
    ($($name:literal $forward:ident $node:literal $fun:ident $class:expr, $backward:ident $bnode:literal $bfun:ident $($second:expr)?;)*) => { $(
        static $forward: Pw = Pw {
            name: $name, node: $node, fun: Fun::$fun, class: $class,
            grads: &[Some(D(X, |a| apply(&$backward, &[a.g, &a.x()?], *a.p, &Dest::New)))],
        };
        static $backward: Pw = Pw {
            name: concat!($name, "_backward"), node: $bnode, fun: Fun::$bfun, class: Same,
            grads: &[Some(D(Y, |a| apply(&$backward, &[a.g, &a.y()?], *a.p, &Dest::New))), activations!(@second $($second)?)],
        };
    )* };
    (@second) => { Some(D(0, |a| a.g.zeros_like())) };
    // The gradient times the upstream gradient of the backward row times f''.
    (@second $second:expr) => { Some(D(X | Y, |a| { let second: fn(&At, &Tensor) -> Result<Tensor> = $second; let f = second(a, &a.y()?)?; a.g.mul(&a.x()?)?.mul(&f) })) };
}

activations! {
    "threshold" THRESHOLD "ThresholdBackward0" Threshold Same, THRESHOLD_BACKWARD "ThresholdBackwardBackward0" ThresholdBackward;
    "leaky_relu" LEAKY_RELU "LeakyReluBackward0" LeakyRelu Same, LEAKY_RELU_BACKWARD "LeakyReluBackwardBackward0" LeakyReluBackward;
    "hardtanh" HARDTANH "HardtanhBackward0" Clamp Same, HARDTANH_BACKWARD "HardtanhBackwardBackward0" HardtanhBackward;
    "elu" ELU "EluBackward0" Elu Same, ELU_BACKWARD "EluBackwardBackward0" EluBackward |a, x| elu_second(a, x);
    "gelu" GELU "GeluBackward0" Gelu Same, GELU_BACKWARD "GeluBackwardBackward0" GeluBackward |_, x| gelu_second(x);
    "gelu" GELU_TANH "GeluBackward0" GeluTanh Same, GELU_TANH_BACKWARD "GeluBackwardBackward0" GeluTanhBackward |_, x| gelu_tanh_second(x);
    "silu" SILU "SiluBackward0" Silu Same, SILU_BACKWARD "SiluBackwardBackward0" SiluBackward |_, x| silu_second(x);
    "mish" MISH "MishBackward0" Mish Same, MISH_BACKWARD "MishBackwardBackward0" MishBackward |_, x| mish_second(x);
    "softplus" SOFTPLUS "SoftplusBackward0" Softplus Same, SOFTPLUS_BACKWARD "SoftplusBackwardBackward0" SoftplusBackward |a, x| softplus_second(a, x);
    "log_sigmoid" LOG_SIGMOID "LogSigmoidBackward0" LogSigmoid Same, LOG_SIGMOID_BACKWARD "LogSigmoidBackwardBackward0" LogSigmoidBackward |_, x| { let s = x.sigmoid()?; s.mul(&s.add_scalar(-1.0)?) };
    "hardsigmoid" HARDSIGMOID "HardsigmoidBackward0" Hardsigmoid Same, HARDSIGMOID_BACKWARD "HardsigmoidBackwardBackward0" HardsigmoidBackward;
    "hardswish" HARDSWISH "HardswishBackward0" Hardswish Same, HARDSWISH_BACKWARD "HardswishBackwardBackward0" HardswishBackward |_, x| inside(x, -3.0, 3.0, 1.0 / 3.0);
    "softshrink" SOFTSHRINK "SoftshrinkBackward0" Softshrink Same, SHRINK_BACKWARD "ShrinkBackwardBackward0" ShrinkBackward;
}

// The backward of both shrinks is one function.
static HARDSHRINK: Pw = Pw {
    name: "hardshrink",
    node: "HardshrinkBackward0",
    fun: Fun::Hardshrink,
    class: Same,
    grads: &[Some(D(X, |a| apply(&SHRINK_BACKWARD, &[a.g, &a.x()?], *a.p, &Dest::New)))],
};

/// `value` in (low, high), 0 outside.
fn inside(x: &Tensor, low: f64, high: f64, value: f64) -> Result<Tensor> {
    let mask = x.gt(&number(low)?)?.logical_and(&x.lt(&number(high)?)?)?;
    where_(&mask, &x.scalar_like(value)?, &x.scalar_like(0.0)?)
}

/// alpha scale c^2 e^(c x) below 0, c the input scale.
fn elu_second(a: &At, x: &Tensor) -> Result<Tensor> {
    let [alpha, scale, c, _] = a.p.f;
    let low = x.mul_scalar(c)?.exp()?.mul_scalar(alpha * scale * c * c)?;
    where_(&x.le(&number(0.0)?)?, &low, &x.scalar_like(0.0)?)
}

/// phi(x) (2 - x^2), phi the normal density.
fn gelu_second(x: &Tensor) -> Result<Tensor> {
    let square = x.mul(x)?;
    let density = square
        .mul_scalar(-0.5)?
        .exp()?
        .mul_scalar(0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2)?;
    density.mul(&square.neg()?.add_scalar(2.0)?)
}

/// With u = k (x + c x^3) and t = tanh(u): (1 - t^2) (u' + x u'' / 2 - x t u'^2).
fn gelu_tanh_second(x: &Tensor) -> Result<Tensor> {
    let (k, c) = (std::f64::consts::SQRT_2 * std::f64::consts::FRAC_2_SQRT_PI * 0.5, 0.044715);
    let square = x.mul(x)?;
    let t = square.mul_scalar(c)?.add_scalar(1.0)?.mul(x)?.mul_scalar(k)?.tanh()?;
    let first = square.mul_scalar(3.0 * c)?.add_scalar(1.0)?.mul_scalar(k)?;
    let half = square.mul_scalar(3.0 * k * c)?;
    let sum = first.add(&half)?.sub(&x.mul(&t)?.mul(&first)?.mul(&first)?)?;
    t.mul(&t)?.neg()?.add_scalar(1.0)?.mul(&sum)
}

/// s (1 - s) (2 + x (1 - 2 s)), s = sigmoid(x).
fn silu_second(x: &Tensor) -> Result<Tensor> {
    let s = x.sigmoid()?;
    let slope = s.mul(&s.neg()?.add_scalar(1.0)?)?;
    slope.mul(&s.mul_scalar(-2.0)?.add_scalar(1.0)?.mul(x)?.add_scalar(2.0)?)
}

/// With s = sigmoid(x) and t = tanh(softplus(x)): s (1 - t^2) (2 + x (1 - s - 2 t s)).
fn mish_second(x: &Tensor) -> Result<Tensor> {
    let s = x.sigmoid()?;
    let t = softplus(x, 1.0, 20.0, &Dest::New)?.tanh()?;
    let inner = s.neg()?.add_scalar(1.0)?.sub(&t.mul(&s)?.mul_scalar(2.0)?)?.mul(x)?.add_scalar(2.0)?;
    s.mul(&t.mul(&t)?.neg()?.add_scalar(1.0)?)?.mul(&inner)
}

/// beta s (1 - s), s = sigmoid(beta x), up to the threshold.
fn softplus_second(a: &At, x: &Tensor) -> Result<Tensor> {
    let [beta, threshold, ..] = a.p.f;
    let t = x.mul_scalar(beta)?;
    let s = t.sigmoid()?;
    let curve = s.mul(&s.neg()?.add_scalar(1.0)?)?.mul_scalar(beta)?;
    where_(&t.gt(&number(threshold)?)?, &x.scalar_like(0.0)?, &curve)
}

/// `g` where `x > threshold`, else 0.
pub fn threshold_backward(g: &Tensor, x: &Tensor, threshold: f64) -> Result<Tensor> {
    apply(&THRESHOLD_BACKWARD, &[g, x], Params::scalar(threshold), &Dest::New)
}

static RELU: Pw = Pw {
    name: "relu",
    node: "ReluBackward0",
    fun: Fun::Relu,
    class: NoBool("Boolean inputs not supported for relu"),
    grads: &[Some(D(OUT, |a| threshold_backward(a.g, &a.out()?, 0.0)))],
};

/// `max(x, 0)`; NaN stays.
pub fn relu(x: &Tensor, dest: &Dest) -> Result<Tensor> {
    apply(&RELU, &[x], Params::default(), dest)
}

fn threshold(x: &Tensor, threshold: Scalar, value: Scalar, dest: &Dest) -> Result<Tensor> {
    let p = Params { f: [threshold.f64(), value.f64(), 0.0, 0.0], i: [threshold.i64(), value.i64(), 0, 0] };
    apply(&THRESHOLD, &[x], p, dest)
}

/// `x` limited to [min, max]; the gradient is 0 at the limits.
pub fn hardtanh(x: &Tensor, min: Scalar, max: Scalar, dest: &Dest) -> Result<Tensor> {
    if x.dtype() == DType::Bool {
        fail!(Runtime, torch: ("Bool inputs not supported for hardtanh"), expected: ("hardtanh: expected numbers"), got: ("bool"), fix: ("Convert with .float()."));
    }
    if matches!(x.dtype(), DType::U8 | DType::U16 | DType::U32 | DType::U64) && min.i64() < 0 {
        fail!(Runtime, torch: ("cannot do hardtanh on an unsigned type with negative limits"), expected: ("hardtanh: expected a signed dtype"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    let p = Params { f: [min.f64(), max.f64(), 0.0, 0.0], i: [min.i64(), max.i64(), 0, 0] };
    apply(&HARDTANH, &[x], p, dest)
}

fn leaky_relu(x: &Tensor, slope: Scalar, dest: &Dest) -> Result<Tensor> {
    apply(&LEAKY_RELU, &[x], Params::scalar(slope.f64()), dest)
}

fn elu(x: &Tensor, alpha: f64, scale: f64, input_scale: f64, dest: &Dest) -> Result<Tensor> {
    apply(&ELU, &[x], Params::floats([alpha, scale, input_scale]), dest)
}

fn celu(x: &Tensor, alpha: Scalar, dest: &Dest) -> Result<Tensor> {
    if alpha.is(0.0) {
        fail!(Runtime, torch: ("ZeroDivisionError: alpha cannot be 0 for CELU"), expected: ("celu: expected an alpha other than 0"), got: ("0"), fix: ("Use relu()."));
    }
    Ok(named(elu(x, alpha.f64(), 1.0, 1.0 / alpha.f64(), dest)?, "CeluBackward0", x))
}

// Klambauer et al. 2017, arXiv:1706.02515, equation 14, as torch rounds them.
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

fn gelu(x: &Tensor, approximate: &str, dest: &Dest) -> Result<Tensor> {
    match approximate {
        "none" => apply(&GELU, &[x], Params::default(), dest),
        "tanh" => apply(&GELU_TANH, &[x], Params::default(), dest),
        other => {
            fail!(Runtime, torch: ("approximate argument must be either none or tanh."), expected: ("gelu: expected 'none' or 'tanh'"), got: ("'{other}'"), fix: ("Use one of those."))
        }
    }
}

fn softplus(x: &Tensor, beta: f64, threshold: f64, dest: &Dest) -> Result<Tensor> {
    apply(&SOFTPLUS, &[x], Params::floats([beta, threshold]), dest)
}

/// `log(sigmoid(x))` without overflow.
pub fn log_sigmoid(x: &Tensor) -> Result<Tensor> {
    apply(&LOG_SIGMOID, &[&super::copy::contiguous(x)?], Params::default(), &Dest::New)
}

/// The largest value of a dtype, as C++ streams print it.
fn largest(d: DType) -> &'static str {
    match d {
        DType::F64 => "1.79769e+308",
        DType::F16 => "65504",
        DType::BF16 => "3.38953e+38",
        _ => "3.40282e+38",
    }
}

fn softshrink(x: &Tensor, lambd: f64, dest: &Dest) -> Result<Tensor> {
    if lambd < 0.0 {
        fail!(Runtime, torch: ("lambda must be in range [0, {}] for input dtype {}, but found {lambd}", largest(x.dtype()), x.dtype().scalar_name()), expected: ("softshrink: expected lambd of at least 0"), got: ("{lambd}"), fix: ("Change lambd's sign."));
    }
    apply(&SOFTSHRINK, &[x], Params::scalar(lambd), dest)
}

fn glu(x: &Tensor, dim: i64) -> Result<Tensor> {
    if x.ndim() == 0 {
        fail!(Runtime, torch: ("glu does not support 0-dimensional tensors"), expected: ("glu: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Add a dim."));
    }
    let d = x.wrap_dim(dim)?;
    let n = x.shape()[d];
    if !n.is_multiple_of(2) {
        fail!(Runtime, torch: ("Halving dimension must be even, but dimension {d} is size {n}"), expected: ("glu: expected an even size"), got: ("{n}"), fix: ("Choose another dim."));
    }
    if !x.dtype().is_float() {
        return super::helpers::not_implemented("glu", x.dtype());
    }
    let half = (n / 2) as i64;
    let y = view::narrow(x, d as i64, 0, half)?.mul(&view::narrow(x, d as i64, half, half)?.sigmoid()?)?;
    Ok(named(y, "GluBackward0", x))
}

static PRELU: Pw = Pw {
    name: "prelu",
    node: "PreluKernelBackward0",
    fun: Fun::Prelu,
    class: Same,
    grads: &[
        Some(D(X | Y, |a| apply(&PRELU_BACKWARD, &[a.g, &a.x()?, &a.y()?], Params::default(), &Dest::New))),
        Some(D(X, |a| binary(&PRELU_BACKWARD_WEIGHT, a.g, &a.x()?))),
    ],
};
static PRELU_BACKWARD: Pw = Pw {
    name: "prelu_backward",
    node: "PreluKernelBackwardBackward0",
    fun: Fun::PreluBackward,
    class: Same,
    grads: &[
        Some(D(Y | Z, |a| apply(&PRELU_BACKWARD, &[a.g, &a.y()?, &a.z()?], Params::default(), &Dest::New))),
        Some(D(0, |a| a.g.zeros_like())),
        Some(D(X | Y, |a| {
            let x = a.y()?;
            where_(&x.gt(&number(0.0)?)?, &x.scalar_like(0.0)?, &a.g.mul(&a.x()?)?)
        })),
    ],
};
static PRELU_BACKWARD_WEIGHT: Pw = Pw {
    name: "prelu_backward",
    node: "PreluKernelBackwardBackward0",
    fun: Fun::PreluBackwardWeight,
    class: Same,
    grads: &[
        Some(D(Y, |a| binary(&PRELU_BACKWARD_WEIGHT, a.g, &a.y()?))),
        Some(D(X | Y, |a| {
            let x = a.y()?;
            where_(&x.gt(&number(0.0)?)?, &x.scalar_like(0.0)?, &a.g.mul(&a.x()?)?)
        })),
    ],
};

fn prelu(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    if x.dtype() != weight.dtype() {
        fail!(Runtime, torch: ("prelu: Type promoting not supported. Got {} and {}", x.dtype().scalar_name(), weight.dtype().scalar_name()), expected: ("prelu: expected one dtype"),
            got: ("{} and {}", x.dtype().name(), weight.dtype().name()), fix: ("Convert one with .to()."));
    }
    if weight.ndim() > 1 {
        fail!(Runtime, torch: ("prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {}", weight.ndim()), expected: ("prelu: expected a weight of 0 or 1 dims"), got: ("{}", weight.ndim()), fix: ("Flatten the weight."));
    }
    if weight.numel() == 1 {
        return binary(&PRELU, x, &weight.reshape_to(if x.ndim() == 0 { &[] } else { &[1] })?);
    }
    if x.ndim() == 0 {
        fail!(Runtime, torch: ("Not allow zero-dim input tensor."), expected: ("prelu: expected at least 1 dim for {} weights", weight.numel()), got: ("a 0-d tensor"), fix: ("Use one weight."));
    }
    let channels = if x.ndim() > 1 { x.shape()[1] } else { 1 };
    if channels != weight.numel() {
        fail!(Runtime, torch: ("Mismatch of parameter numbers and input channel size. Found parameter numbers = {} and channel size = {channels}.", weight.numel()),
            expected: ("prelu: expected 1 or {channels} weights"), got: ("{}", weight.numel()), fix: ("Give one weight per channel."));
    }
    let shape: Shape = (0..x.ndim()).map(|d| if d == 1 { channels } else { 1 }).collect();
    binary(&PRELU, x, &weight.reshape_to(&shape)?)
}

/// `x` where positive, else x times a slope drawn from [lower, upper] in training, their mean otherwise.
/// A number as C prints it.
fn shown(x: f64) -> String {
    if x.is_nan() { "nan".to_owned() } else { x.to_string() }
}

fn rrelu(
    x: &Tensor,
    (lower, upper): (Scalar, Scalar),
    training: bool,
    generator: Option<&Generator>,
    args: &Args,
) -> Result<Tensor> {
    let (lo, hi) = (lower.f64(), upper.f64());
    for (which, bound) in [("lower", lo), ("upper", hi)] {
        if !bound.is_finite() {
            fail!(Runtime, torch: ("rrelu: {which} bound must be finite, got {}", shown(bound)), expected: ("rrelu: expected a finite {which} bound"), got: ("{bound}"), fix: ("Use leaky_relu() for one slope."));
        }
    }
    if lo > hi {
        fail!(Runtime, torch: ("Lower bound should be less than or equal to the upper bound"), expected: ("rrelu: expected lower <= upper"), got: ("{lo} and {hi}"), fix: ("Swap them."));
    }
    if !training {
        let y = leaky_relu(&super::copy::contiguous(x)?, Scalar::Float((lo + hi) / 2.0), &args.dest())?;
        return Ok(named(y, "RreluWithNoiseBackward0", x));
    }
    if !x.dtype().is_float() {
        return super::helpers::not_implemented("rrelu_with_noise_out", x.dtype());
    }
    let y = dispatch::empty(x.shape(), x.dtype(), x.device())?;
    let noise = y.empty_like()?;
    dispatch::activation::rrelu(x, &y, &noise, (lo, hi), generator.unwrap_or(Generator::ANY));
    record(y, "RreluWithNoiseBackward0", &[x], |s| {
        let noise = s.input(&noise);
        move |c, g| grads![g.mul(&c.get(noise)?)?]
    })
}

ops! {
    /// `x * sigmoid(b)` of the halves x and b along `dim`.
    "glu(Tensor self, int dim=-1) -> Tensor" [n o] => glu(0, 1);
    /// `x` where positive, `weight * x` elsewhere; one weight, or one per channel.
    "prelu(Tensor self, Tensor weight) -> Tensor" [f m] => prelu(0, 1);
    /// `log(sigmoid(x))` without overflow.
    "log_sigmoid(Tensor self) -> Tensor" [n o] => log_sigmoid(0);
    @
    /// `max(x, 0)`; NaN stays.
    "relu(Tensor self) -> Tensor" [f m i] => |a| relu(a.get(0)?, &a.dest());
    /// `min(max(x, 0), 6)`.
    "relu6(Tensor self) -> Tensor" [n i] => |a| hardtanh(a.get(0)?, Scalar::Int(0), Scalar::Int(6), &a.dest());
    /// `x` where it is greater than `threshold`, else `value`.
    "threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor" [f i o] => |a| threshold(a.get(0)?, a.get(1)?, a.get(2)?, &a.dest());
    /// `x` limited to [min_val, max_val].
    "hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor" [n i o] => |a| hardtanh(a.get(0)?, a.get(1)?, a.get(2)?, &a.dest());
    /// `x` where positive, `negative_slope * x` elsewhere.
    "leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor" [n i o] => |a| leaky_relu(a.get(0)?, a.get(1)?, &a.dest());
    /// `scale * x` where positive, `scale * alpha * (exp(input_scale * x) - 1)` elsewhere.
    "elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor" [n i o] => |a| elu(a.get(0)?, a.get::<Scalar>(1)?.f64(), a.get::<Scalar>(2)?.f64(), a.get::<Scalar>(3)?.f64(), &a.dest());
    /// `max(0, x) + min(0, alpha * (exp(x / alpha) - 1))`.
    "celu(Tensor self, Scalar alpha=1.0) -> Tensor" [f i] => |a| celu(a.get(0)?, a.get(1)?, &a.dest());
    /// `elu` scaled so that activations normalise themselves.
    "selu(Tensor self) -> Tensor" [f i] => |a| elu(a.get(0)?, SELU_ALPHA, SELU_SCALE, 1.0, &a.dest());
    /// `x * Phi(x)`, Phi the standard normal CDF; approximate='tanh' for the approximation.
    "gelu(Tensor self, *, str approximate='none') -> Tensor" [n i o] => |a| gelu(a.get(0)?, a.get(1)?, &a.dest());
    /// `x * tanh(softplus(x))`.
    "mish(Tensor self) -> Tensor" [n i o] => |a| apply(&MISH, &[a.get(0)?], Params::default(), &a.dest());
    /// `log(1 + exp(beta * x)) / beta`, x itself above the threshold.
    "softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor" [n o] => |a| softplus(a.get(0)?, a.get::<Scalar>(1)?.f64(), a.get::<Scalar>(2)?.f64(), &a.dest());
    /// `min(max(x + 3, 0), 6) / 6`.
    "hardsigmoid(Tensor self) -> Tensor" [n i o] => |a| apply(&HARDSIGMOID, &[a.get(0)?], Params::default(), &a.dest());
    /// `x * min(max(x + 3, 0), 6) / 6`.
    "hardswish(Tensor self) -> Tensor" [n i o] => |a| apply(&HARDSWISH, &[a.get(0)?], Params::default(), &a.dest());
    /// `x` moved towards 0 by `lambd`.
    "softshrink(Tensor self, Scalar lambd=0.5) -> Tensor" [n o] => |a| softshrink(a.get(0)?, a.get::<Scalar>(1)?.f64(), &a.dest());
    /// 0 where |x| <= lambd, else x.
    "hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor" [f m o] => |a| apply(&HARDSHRINK, &[a.get(0)?], Params::scalar(a.get::<Scalar>(1)?.f64()), &a.dest());
    /// `x * sigmoid(x)`.
    "silu(Tensor self) -> Tensor" [n i o] => |a| {
        let x: &Tensor = a.get(0)?;
        if x.dtype().is_complex() { x.mul(&x.sigmoid()?) } else { apply(&SILU, &[x], Params::default(), &a.dest()) }
    };
    /// Leaky relu with a slope drawn from [lower, upper] in training, their mean otherwise.
    "rrelu(Tensor self, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, Generator? generator=None) -> Tensor" [f i] => |a| {
        let (x, lower, upper): (&Tensor, Scalar, Scalar) = (a.get(0)?, a.get(1)?, a.get(2)?);
        rrelu(x, (lower, upper), a.get(3)?, a.get(4)?, a)
    };
}
