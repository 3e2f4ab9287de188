//! Losses that compare two tensors element by element, with a reduction at the end.

use super::activation::log_sigmoid;
use super::choose::where_;
use super::class_loss::{MEAN, NONE, SUM};
use super::pointwise::Class::Same;
use super::pointwise::{At, D, Pw, X, Y, Z, apply, number};
use crate::autograd::{named, needs_grad, no_grad, record};
use crate::dispatch::{Fun, Params};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::{DType, Tensor, layout};

/// Applies a reduction by torch's number.
pub fn reduced(loss: &Tensor, reduction: i64) -> Result<Tensor> {
    match reduction {
        NONE => Ok(loss.clone()),
        MEAN => super::reduce::mean_default(loss, None),
        SUM => super::reduce::sum_default(loss, None),
        other => {
            fail!(Value, torch: ("{other} is not a valid value for reduction"), expected: ("loss: expected reduction 0, 1 or 2"), got: ("{other}"), fix: ("Use 'none', 'mean' or 'sum'."))
        }
    }
}

/// [`reduced`] as the last step of a loss on `x` that is one node in torch.
pub fn reduced_as(loss: &Tensor, node: &'static str, x: &Tensor, reduction: i64) -> Result<Tensor> {
    Ok(named(reduced(loss, reduction)?, node, x))
}

/// The factor that a reduction gives every element's gradient.
fn weight_of(reduction: i64, n: usize) -> f64 {
    if reduction == MEAN { 1.0 / n as f64 } else { 1.0 }
}

/// A loss of a difference with a fused backward row of (g, x, y), whose f0 is the factor of the reduction.
struct Loss {
    node: &'static str,
    forward: &'static Pw,
    backward: &'static Pw,
}

impl Loss {
    fn run(&'static self, x: &Tensor, y: &Tensor, reduction: i64, attribute: f64) -> Result<Tensor> {
        let loss =
            no_grad(|| reduced(&apply(self.forward, &[x, y], Params::scalar(attribute), &Dest::New)?, reduction))?;
        let n = if needs_grad(&[x, y]) {
            crate::tensor::layout::broadcast(x.shape(), y.shape())?.iter().product()
        } else {
            1
        };
        let p = Params::floats([weight_of(reduction, n), attribute]);
        record(loss, self.node, &[x, y], |s| {
            let (x, y) = (s.input(x), s.input(y));
            move |c, g| {
                let gx = apply(self.backward, &[g, &c.get(x)?, &c.get(y)?], p, &Dest::New)?;
                grads![c.needs(0).then(|| gx.clone()), c.when(1, || gx.neg())?]
            }
        })
    }
}

/// Rows of losses of a difference d = a - b: the backward row is f0 g l'(d), and its derivative by d is f0 g h l''(d).
macro_rules! difference_losses {
    ($($name:literal $loss:ident $node:literal, $forward:ident $fun:expr, $backward:ident $bnode:literal $bfun:ident, $second:expr;)*) => { $(
        static $loss: Loss = Loss { node: $node, forward: &$forward, backward: &$backward };
        static $forward: Pw = Pw { name: $name, node: $node, fun: $fun, class: Same, grads: &[] };
        static $backward: Pw = Pw {
            name: concat!($name, "_backward"), node: $bnode, fun: Fun::$bfun, class: Same,
            grads: &[
                Some(D(Y | Z, |a| apply(&$backward, &[a.g, &a.y()?, &a.z()?], *a.p, &Dest::New))),
                Some(D(X | Y | Z, |a| curvature(a, $second))),
                Some(D(X | Y | Z, |a| curvature(a, $second)?.neg())),
            ],
        };
    )* };
}

/// f0 g h l''(a - b), with the attribute f1 for l''.
fn curvature(a: &At, second: fn(&Tensor, f64) -> Result<Option<Tensor>>) -> Result<Tensor> {
    let both = a.g.mul(&a.x()?)?.mul_scalar(a.p.f[0])?;
    match second(&a.y()?.sub(&a.z()?)?, a.p.f[1])? {
        Some(f) => both.mul(&f),
        None => both.zeros_like(),
    }
}

/// `value` where |d| < limit, else 0.
fn near(d: &Tensor, limit: f64, value: f64) -> Result<Option<Tensor>> {
    where_(&d.abs()?.lt(&number(limit)?)?, &d.scalar_like(value)?, &d.scalar_like(0.0)?).map(Some)
}

difference_losses! {
    "mse_loss" MSE "MseLossBackward0", MSE_ROW Fun::Mse, MSE_BACKWARD "MseLossBackwardBackward0" MseBackward, |d, _| d.scalar_like(2.0).map(Some);
    "smooth_l1" SMOOTH_L1 "SmoothL1LossBackward0", SMOOTH_L1_ROW Fun::SmoothL1, SMOOTH_L1_BACKWARD "SmoothL1LossBackwardBackward0" SmoothL1Backward, |d, beta| near(d, beta, 1.0 / beta);
    "huber" HUBER "HuberLossBackward0", HUBER_ROW Fun::Huber, HUBER_BACKWARD "HuberLossBackwardBackward0" HuberBackward, |d, delta| near(d, delta, 1.0);
}

fn mse_loss(x: &Tensor, y: &Tensor, reduction: i64) -> Result<Tensor> {
    if x.dtype().is_complex() || y.dtype().is_complex() {
        let d = x.sub(y)?;
        return reduced(&d.mul(&d)?, reduction);
    }
    MSE.run(x, y, reduction, 0.0)
}

fn l1_loss(x: &Tensor, y: &Tensor, reduction: i64) -> Result<Tensor> {
    reduced(&x.sub(y)?.abs()?, reduction)
}

fn smooth_l1_loss(x: &Tensor, y: &Tensor, reduction: i64, beta: f64) -> Result<Tensor> {
    if beta.is_nan() || beta < 0.0 {
        fail!(Runtime, torch: ("smooth_l1_loss does not support negative values for beta."), expected: ("smooth_l1_loss: expected beta of at least 0"), got: ("{beta}"), fix: ("Change beta's sign."));
    }
    if beta == 0.0 {
        return l1_loss(x, y, reduction);
    }
    SMOOTH_L1.run(x, y, reduction, beta)
}

fn huber_loss(x: &Tensor, y: &Tensor, reduction: i64, delta: f64) -> Result<Tensor> {
    if delta.is_nan() || delta <= 0.0 {
        fail!(Runtime, torch: ("huber_loss does not support non-positive values for delta."), expected: ("huber_loss: expected a positive delta"), got: ("{delta}"), fix: ("Use l1_loss for a delta of 0."));
    }
    HUBER.run(x, y, reduction, delta)
}

static BCE: Pw = Pw {
    name: "binary_cross_entropy",
    node: "BinaryCrossEntropyBackward0",
    fun: Fun::Bce,
    class: Same,
    grads: &[
        Some(D(X | Y, |a| apply(&BCE_BACKWARD, &[a.g, &a.x()?, &a.y()?], Params::floats([1.0]), &Dest::New))),
        Some(D(X, |a| {
            let x = a.x()?;
            a.g.mul(&x.neg()?.log1p()?.sub(&x.log()?)?)
        })),
    ],
};
static BCE_BACKWARD: Pw = Pw {
    name: "binary_cross_entropy_backward",
    node: "BinaryCrossEntropyBackwardBackward0",
    fun: Fun::BceBackward,
    class: Same,
    grads: &[
        Some(D(Y | Z, |a| apply(&BCE_BACKWARD, &[a.g, &a.y()?, &a.z()?], *a.p, &Dest::New))),
        // g (x^2 - 2 x t + t) / (x (1 - x))^2
        Some(D(X | Y | Z, |a| {
            let (x, t) = (a.y()?, a.z()?);
            let below = x.mul(&x.neg()?.add_scalar(1.0)?)?.maximum(&x.scalar_like(1e-12)?)?;
            let above = x.mul(&x.sub(&t.mul_scalar(2.0)?)?)?.add(&t)?;
            a.g.mul(&a.x()?)?.mul_scalar(a.p.f[0])?.mul(&above)?.div(&below.mul(&below)?)
        })),
        Some(D(X | Y, |a| {
            let x = a.y()?;
            let below = x.mul(&x.neg()?.add_scalar(1.0)?)?.maximum(&x.scalar_like(1e-12)?)?;
            a.g.mul(&a.x()?)?.mul_scalar(-a.p.f[0])?.div(&below)
        })),
    ],
};

/// `-(t log(x) + (1 - t) log(1 - x))` for probabilities x; the logarithms end at -100.
fn binary_cross_entropy(x: &Tensor, target: &Tensor, weight: Option<&Tensor>, reduction: i64) -> Result<Tensor> {
    if x.dtype() != target.dtype() {
        fail!(Runtime, torch: ("Found dtype {} but expected {}", target.dtype().scalar_name(), x.dtype().scalar_name()), expected: ("binary_cross_entropy: expected a target of the input's dtype"), got: ("{}", target.dtype().name()), fix: ("Convert the target."));
    }
    let mut loss = apply(&BCE, &[x, target], Params::default(), &Dest::New)?;
    if let Some(w) = weight {
        loss = loss.mul(w)?;
    }
    let y = named(reduced(&loss, reduction)?, "BinaryCrossEntropyBackward0", x);
    // Inputs outside [0, 1] have no logarithm: only where a NaN shows up is it worth to look for one.
    if x.numel() > 0 && super::helpers::has_nan(&y)? {
        let outside =
            no_grad(|| x.ge(&number(0.0)?)?.logical_and(&x.le(&number(1.0)?)?)?.logical_not()?.any_all()?.item_bool())?;
        if outside {
            fail!(Runtime, torch: ("all elements of input should be between 0 and 1"), expected: ("binary_cross_entropy: expected probabilities"), got: ("values outside of [0, 1]"), fix: ("Apply sigmoid() first, or use binary_cross_entropy_with_logits()."));
        }
    }
    Ok(y)
}

static BCE_LOGITS: Pw = Pw {
    name: "binary_cross_entropy_with_logits",
    node: "BinaryCrossEntropyWithLogitsBackward0",
    fun: Fun::BceWithLogits,
    class: Same,
    grads: &[
        Some(D(X | Y, |a| apply(&BCE_LOGITS_BACKWARD, &[a.g, &a.x()?, &a.y()?], Params::floats([1.0]), &Dest::New))),
        Some(D(X, |a| a.g.mul(&a.x()?)?.neg())),
    ],
};
static BCE_LOGITS_BACKWARD: Pw = Pw {
    name: "binary_cross_entropy_with_logits_backward",
    node: "BinaryCrossEntropyWithLogitsBackwardBackward0",
    fun: Fun::BceWithLogitsBackward,
    class: Same,
    grads: &[
        Some(D(Y | Z, |a| apply(&BCE_LOGITS_BACKWARD, &[a.g, &a.y()?, &a.z()?], *a.p, &Dest::New))),
        Some(D(X | Y, |a| super::activation::sigmoid_backward(&a.g.mul(&a.x()?)?, &a.y()?.sigmoid()?))),
        Some(D(X, |a| a.g.mul(&a.x()?)?.neg())),
    ],
};

/// Weights do not make a loss larger.
fn no_wider(shape: &[usize], others: &[&Tensor]) -> Result<()> {
    for t in others {
        let wide = layout::broadcast(shape, t.shape())?;
        if wide.as_slice() != shape {
            fail!(Runtime, torch: ("output with shape {} doesn't match the broadcast shape {}", layout::show(shape), layout::show(&wide)), expected: ("binary_cross_entropy_with_logits: expected weights that broadcast to {}", layout::show(shape)),
                got: ("{}", layout::show(t.shape())), fix: ("Expand input and target first."));
        }
    }
    Ok(())
}

/// `binary_cross_entropy(sigmoid(x), target)` without overflow; `pos_weight` counts positive targets.
fn binary_cross_entropy_with_logits(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    pos_weight: Option<&Tensor>,
    reduction: i64,
) -> Result<Tensor> {
    if target.dtype().is_integral(true) && x.dtype().is_float() {
        let text = match target.dtype() {
            DType::Bool => "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.".to_owned(),
            d => format!("result type {} can't be cast to the desired output type {}", x.dtype().scalar_name(), d.scalar_name()),
        };
        fail!(Runtime, torch: ("{text}"), expected: ("binary_cross_entropy_with_logits: expected targets of dtype {}", x.dtype().name()), got: ("{}", target.dtype().name()), fix: ("Convert them with .to(input.dtype)."));
    }
    no_wider(target.shape(), &[x])?;
    let mut loss = match pos_weight {
        None => apply(&BCE_LOGITS, &[x, target], Params::default(), &Dest::New)?,
        Some(w) => {
            // (1 - t) x - ((w - 1) t + 1) log(sigmoid(x))
            let factor = w.add_scalar(-1.0)?.mul(target)?.add_scalar(1.0)?;
            no_wider(target.shape(), &[&factor])?;
            target.neg()?.add_scalar(1.0)?.mul(x)?.sub(&factor.mul(&log_sigmoid(x)?)?)?
        }
    };
    if let Some(w) = weight {
        no_wider(loss.shape(), &[w])?;
        loss = loss.mul(w)?;
    }
    reduced_as(&loss, "BinaryCrossEntropyWithLogitsBackward0", x, reduction)
}

fn kl_div(x: &Tensor, target: &Tensor, reduction: i64, log_target: bool) -> Result<Tensor> {
    if x.dtype().is_complex() || target.dtype().is_complex() {
        fail!(Runtime, torch: ("kl_div: Complex inputs not supported."), expected: ("kl_div: expected real inputs"), got: ("complex ones"), fix: ("Use abs()."));
    }
    if x.dtype().is_integral(true) || target.dtype().is_integral(true) {
        fail!(Runtime, torch: ("kl_div: Integral inputs not supported."), expected: ("kl_div: expected floats"), got: ("{} and {}", x.dtype().name(), target.dtype().name()), fix: ("Convert with .float()."));
    }
    let loss =
        if log_target { target.exp()?.mul(&target.sub(x)?)? } else { target.xlogy(target)?.sub(&target.mul(x)?)? };
    reduced(&loss, reduction)
}

fn soft_margin_loss(x: &Tensor, target: &Tensor, reduction: i64) -> Result<Tensor> {
    if x.dtype().is_integral(true) {
        let float = super::helpers::float_dtype(x.dtype());
        fail!(Runtime, torch: ("result type {} can't be cast to the desired output type {}", float.scalar_name(), x.dtype().scalar_name()), expected: ("soft_margin_loss: expected floats"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    reduced_as(&x.mul(&target.neg()?)?.exp()?.log1p()?, "SoftMarginLossBackward0", x, reduction)
}

fn poisson_nll_loss(
    x: &Tensor,
    target: &Tensor,
    log_input: bool,
    full: bool,
    eps: f64,
    reduction: i64,
) -> Result<Tensor> {
    let mut loss =
        if log_input { x.exp()?.sub(&target.mul(x)?)? } else { x.sub(&target.mul(&x.add_scalar(eps)?.log()?)?)? };
    if full {
        // Stirling's approximation of log(t!), for t > 1.
        let stirling = target
            .mul(&target.log()?)?
            .sub(target)?
            .add(&target.mul_scalar(2.0 * std::f64::consts::PI)?.log()?.mul_scalar(0.5)?)?;
        loss = loss.add(&stirling.masked_fill_scalar(&target.le(&number(1.0)?)?, 0.0)?)?;
    }
    reduced(&loss, reduction)
}

fn positive_part(x: &Tensor) -> Result<Tensor> {
    super::choose::clamp(x, Some(&number(0.0)?), None, &Dest::New)
}

fn margin_ranking_loss(x1: &Tensor, x2: &Tensor, target: &Tensor, margin: f64, reduction: i64) -> Result<Tensor> {
    reduced(&positive_part(&target.neg()?.mul(&x1.sub(x2)?)?.add_scalar(margin)?)?, reduction)
}

fn hinge_embedding_loss(x: &Tensor, target: &Tensor, margin: f64, reduction: i64) -> Result<Tensor> {
    let zero = number(0.0)?;
    let far = positive_part(&x.neg()?.add_scalar(margin)?)?;
    let negative = where_(&target.ne(&number(1.0)?)?, &far, &zero)?;
    let positive = where_(&target.ne(&number(-1.0)?)?, x, &zero)?;
    reduced(&positive.add(&negative)?, reduction)
}

fn cosine_embedding_loss(x1: &Tensor, x2: &Tensor, target: &Tensor, margin: f64, reduction: i64) -> Result<Tensor> {
    let n = target.ndim();
    if n != 0 && n != 1 {
        fail!(Runtime, torch: ("0D or 1D target tensor expected, multi-target not supported"), expected: ("cosine_embedding_loss: expected target (N) or ()"), got: ("{:?}", target.shape()), fix: ("Flatten the target."));
    }
    if (n == 1) != (x1.ndim() == 2) || (n == 1) != (x2.ndim() == 2) || (n == 0 && (x1.ndim() != 1 || x2.ndim() != 1)) {
        fail!(Runtime, torch: ("{n}D target tensor expects {}D input tensors, but found inputs with sizes {:?} and {:?}.", n + 1, x1.shape(), x2.shape()), expected: ("cosine_embedding_loss: expected inputs of {} dims", n + 1), got: ("{:?} and {:?}", x1.shape(), x2.shape()), fix: ("Check the batch dims."));
    }
    // As torch computes it: eps in the squares, not in the norms.
    const EPS: f64 = 1e-12;
    let (dim, keep) = ([n as i64], false);
    let product = super::reduce::sum(&x1.mul(x2)?, Some(&dim), keep, None)?;
    let square = |x: &Tensor| super::reduce::sum(&x.mul(x)?, Some(&dim), keep, None)?.add_scalar(EPS);
    let cosine = product.div(&square(x1)?.mul(&square(x2)?)?.sqrt()?)?;
    let zero = number(0.0)?;
    let positive = where_(&target.eq_scalar(1.0)?, &cosine.neg()?.add_scalar(1.0)?, &zero)?;
    let negative = where_(&target.eq_scalar(-1.0)?, &positive_part(&cosine.add_scalar(-margin)?)?, &zero)?;
    reduced(&positive.add(&negative)?, reduction)
}

fn triplet_margin_loss(
    anchor: &Tensor,
    positive: &Tensor,
    negative: &Tensor,
    margin: f64,
    p: f64,
    eps: f64,
    swap: bool,
    reduction: i64,
) -> Result<Tensor> {
    let (a, b, c) = (anchor.ndim(), positive.ndim(), negative.ndim());
    if a != b || b != c {
        fail!(Runtime, torch: ("The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor {a}D, positive {b}D, and negative {c}D inputs"),
            expected: ("triplet_margin_loss: expected as many dims of each"), got: ("{a}, {b} and {c}"), fix: ("Reshape them."));
    }
    let near = super::similarity::pairwise_distance(anchor, positive, p, eps, false)?;
    let mut far = super::similarity::pairwise_distance(anchor, negative, p, eps, false)?;
    if swap {
        far = far.minimum(&super::similarity::pairwise_distance(positive, negative, p, eps, false)?)?;
    }
    reduced(&positive_part(&near.sub(&far)?.add_scalar(margin)?)?, reduction)
}

ops! {
    /// Squared difference.
    "mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor" [n o] => mse_loss(0, 1, 2);
    /// Absolute difference.
    "l1_loss(Tensor self, Tensor target, int reduction=1) -> Tensor" [n] => l1_loss(0, 1, 2);
    /// Squared difference where it is small, absolute beyond `beta`.
    "smooth_l1_loss(Tensor self, Tensor target, int reduction=1, float beta=1.0) -> Tensor" [n o] => smooth_l1_loss(0, 1, 2, 3);
    /// Squared difference where it is small, absolute beyond `delta`.
    "huber_loss(Tensor self, Tensor target, int reduction=1, float delta=1.0) -> Tensor" [n o] => huber_loss(0, 1, 2, 3);
    /// Cross entropy of probabilities.
    "binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int reduction=1) -> Tensor" [n o] => binary_cross_entropy(0, 1, 2, 3);
    /// Cross entropy of logits.
    "binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, int reduction=1) -> Tensor" [f] => binary_cross_entropy_with_logits(0, 1, 2, 3, 4);
    /// Kullback-Leibler divergence of log-probabilities.
    "kl_div(Tensor self, Tensor target, int reduction=1, *, bool log_target=False) -> Tensor" [f] => kl_div(0, 1, 2, 3);
    /// `log(1 + exp(-t * x))`.
    "soft_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor" [n o] => soft_margin_loss(0, 1, 2);
    /// Negative log likelihood of Poisson counts.
    "poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, float eps, int reduction) -> Tensor" [f] => poisson_nll_loss(0, 1, 2, 3, 4, 5);
    /// `max(0, -t * (x1 - x2) + margin)`.
    "margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=1) -> Tensor" [f] => margin_ranking_loss(0, 1, 2, 3, 4);
    /// `x` where the target is 1, `max(0, margin - x)` where it is -1.
    "hinge_embedding_loss(Tensor self, Tensor target, float margin=1.0, int reduction=1) -> Tensor" [f] => hinge_embedding_loss(0, 1, 2, 3);
    /// `1 - cos` where the target is 1, `max(0, cos - margin)` where it is -1.
    "cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=1) -> Tensor" [f] => cosine_embedding_loss(0, 1, 2, 3, 4);
    /// `max(0, d(anchor, positive) - d(anchor, negative) + margin)`.
    "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float p=2.0, float eps=1e-06, bool swap=False, int reduction=1) -> Tensor" [f] => triplet_margin_loss(0, 1, 2, 3, 4, 5, 6, 7);
}

/// Refuses dtypes that are not floating.
pub fn check_float(name: &str, x: &Tensor) -> Result<()> {
    if x.dtype().is_float() { Ok(()) } else { super::helpers::not_implemented(name, x.dtype()) }
}
