//! Losses for classes: negative log likelihood, and cross entropy fused with its log-softmax.

use super::kernel::{cast, float_kernel, operand, optional};
use super::softmax;
use super::view;
use crate::autograd::{Ctx, Saver, Slot, needs_grad, no_grad, record};
use crate::dispatch::loss::{Classes, Total, Upstream};
use crate::dispatch::reduce::Reduce;
use crate::dispatch::{self};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Tensor};

/// torch's numbers for reductions.
pub const NONE: i64 = 0;
/// The mean.
pub const MEAN: i64 = 1;
/// The sum.
pub const SUM: i64 = 2;

/// Logits or log-probabilities of a kernel's layout (n, c, s), with their targets.
#[derive(Clone)]
struct Problem {
    classes: Classes,
    dims: (usize, usize, usize),
    shape: Shape,
    dtype: DType,
    compute: DType,
}

impl Problem {
    fn new(
        name: &str,
        x: &Tensor,
        target: &Tensor,
        weight: Option<&Tensor>,
        ignore: i64,
        smoothing: f64,
    ) -> Result<Problem> {
        check_shapes(x, target)?;
        if !matches!(target.dtype(), DType::I64 | DType::U8) {
            fail!(Runtime, torch: ("expected target dtype to be Long or Byte, but got {}", target.dtype().scalar_name()), expected: ("{name}: expected int64 targets"), got: ("{}", target.dtype().name()), fix: ("Convert the targets with .long()."));
        }
        let class_dim = class_dim(x);
        let (n, c) = (if class_dim == 0 { 1 } else { x.shape()[0] }, x.shape()[class_dim]);
        let s = x.shape()[class_dim + 1..].iter().product();
        if let Some(w) = weight.filter(|w| w.shape() != [c]) {
            fail!(Runtime, torch: ("weight tensor should be defined either for all {c} classes or no classes but got weight tensor of shape: {:?}", w.shape()), expected: ("{name}: expected {c} weights"), got: ("{:?}", w.shape()), fix: ("Give one weight per class."));
        }
        if let Some(w) = weight.filter(|w| w.dtype() != x.dtype()) {
            fail!(Runtime, torch: ("expected scalar type {} but found {}", x.dtype().scalar_name(), w.dtype().scalar_name()), expected: ("{name}: expected weights of the input's dtype"), got: ("{}", w.dtype().name()), fix: ("Convert the weights."));
        }
        let compute = float_kernel(
            if name == "cross_entropy" { "log_softmax_lastdim_kernel_impl" } else { "nll_loss_out_frame" },
            x.dtype(),
        )?;
        let classes =
            Classes { index: operand(target, DType::I64)?, weight: optional(weight, compute)?, ignore, smoothing };
        if let Some(bad) = classes.first_bad(c) {
            return no_class(name, bad, c, ignore);
        }
        Ok(Problem { classes, dims: (n, c, s), shape: x.shape().into(), dtype: x.dtype(), compute })
    }

    /// The result of a derivative, unless labels have left the classes since forward looked at them: writes by `x.data`
    /// and NumPy are not noticed otherwise.
    fn unless_strayed(&self, inside: bool, dx: Tensor) -> Result<Tensor> {
        if inside {
            return cast(dx, self.dtype);
        }
        let c = self.dims.1;
        no_class("backward", self.classes.first_bad(c).unwrap_or(c as i64), c, self.classes.ignore)
    }

    /// A tensor with one element per row of logits.
    fn rows(&self) -> Result<Tensor> {
        dispatch::empty(self.classes.index.shape(), self.compute, self.classes.index.device())
    }

    /// Reduces rows; also gives what the reduction, and its gradient, is divided by.
    fn reduce(&self, rows: Tensor, reduction: i64) -> Result<(Tensor, Total)> {
        if reduction == NONE {
            return Ok((cast(rows, self.dtype)?, Total::Number(1.0)));
        }
        let y = dispatch::empty(&[], self.compute, rows.device())?;
        if rows.numel() > 0 {
            dispatch::reduce::reduce(Reduce::Sum, &rows, &y, &Shape::from_elem(1, rows.ndim()), 0.0);
        } else {
            dispatch::fill(&y, 0.0.into());
        }
        if reduction != MEAN {
            return Ok((cast(y, self.dtype)?, Total::Number(1.0)));
        }
        let total = self.classes.total(&y, self.dims.1)?;
        dispatch::loss::divide(&y, &total);
        Ok((cast(y, self.dtype)?, total))
    }

    /// A gradient as kernels take it, and the factor that they multiply it by.
    fn upstream(&self, g: &Tensor, total: &Total) -> Result<(Tensor, f64)> {
        let g = operand(g, self.compute)?;
        match total {
            Total::Number(total) => Ok((g, 1.0 / total)),
            Total::Tensor(_) => Ok((no_grad(|| divided(&g.detach(), total))?, 1.0)),
        }
    }

    fn empty_input(&self, device: crate::tensor::Device) -> Result<Tensor> {
        dispatch::empty(&self.shape, self.compute, device)
    }

    fn class_dim(&self) -> usize {
        (self.shape.len() > 1) as usize
    }
}

fn divided(x: &Tensor, total: &Total) -> Result<Tensor> {
    match total {
        Total::Number(total) => x.mul_scalar(1.0 / total),
        Total::Tensor(total) => x.div(total),
    }
}

#[cold]
fn no_class<T>(name: &str, bad: i64, c: usize, ignore: i64) -> Result<T> {
    fail!(Index, torch: ("Target {bad} is out of bounds."), expected: ("{name}: expected targets from 0 to {}, or {ignore}", c as i64 - 1), got: ("{bad}"), fix: ("Check the labels, or the number of classes."))
}

fn class_dim(x: &Tensor) -> usize {
    (x.ndim() > 1) as usize
}

fn check_shapes(x: &Tensor, target: &Tensor) -> Result<()> {
    if x.ndim() == 0 {
        fail!(Value, torch: ("Expected 1 or more dimensions (got 0)"), expected: ("nll_loss: expected input (C), (N, C) or (N, C, *)"), got: ("a 0-d tensor"), fix: ("Add a dim for the classes."));
    }
    if x.ndim() > 1 && (target.ndim() == 0 || x.shape()[0] != target.shape()[0]) {
        let n = target.shape().first().copied().unwrap_or(1);
        fail!(Value, torch: ("Expected input batch_size ({}) to match target batch_size ({n}).", x.shape()[0]), expected: ("nll_loss: expected as many targets as samples"), got: ("{:?} and {:?}", x.shape(), target.shape()), fix: ("Check the batch dims."));
    }
    let fits = match x.ndim() {
        1 => target.numel() == 1 && target.ndim() <= 1,
        2 => target.ndim() == 1,
        _ => target.ndim() == x.ndim() - 1 && target.shape()[1..] == x.shape()[2..],
    };
    if !fits {
        if x.ndim() <= 2 && target.ndim() > 1 {
            fail!(Runtime, torch: ("0D or 1D target tensor expected, multi-target not supported"), expected: ("nll_loss: expected one class per sample"), got: ("{:?}", target.shape()), fix: ("Use targets of shape (N)."));
        }
        if x.ndim() <= 2 {
            fail!(Value, torch: ("For 1D input, 1D target must have size 1, but got target size: {}", target.numel()), expected: ("nll_loss: expected one target"), got: ("{}", target.numel()), fix: ("Check the shapes."));
        }
        let mut want = Shape::from_slice(&x.shape()[..1]);
        want.extend_from_slice(&x.shape()[2..]);
        fail!(Runtime, torch: ("Expected target size {:?}, got {:?}", &want[..], target.shape()), expected: ("nll_loss: expected targets like the input without its classes"), got: ("{:?}", target.shape()), fix: ("Check the spatial dims."));
    }
    Ok(())
}

/// `-weight[t] * x[t]` of log-probabilities x.
pub fn nll_loss(x: &Tensor, target: &Tensor, weight: Option<&Tensor>, reduction: i64, ignore: i64) -> Result<Tensor> {
    nll(x, Problem::new("nll_loss", x, target, weight, ignore, 0.0)?, reduction)
}

fn nll(x: &Tensor, p: Problem, reduction: i64) -> Result<Tensor> {
    let rows = p.rows()?;
    dispatch::loss::nll(&operand(x, p.compute)?, &p.classes, &rows, p.dims);
    let (y, total) = p.reduce(rows, reduction)?;
    record(y, if x.ndim() > 2 { "NllLoss2DBackward0" } else { "NllLossBackward0" }, &[x], |s| {
        let labels = p.keep(s);
        move |c, g| {
            labels.check(c)?;
            grads![c.constant(spread(g, &p, &total)?)]
        }
    })
}

/// Labels and weights that backward reads again. They were checked once: a change in place must not pass unnoticed.
struct Labels(Slot, Option<Slot>);

impl Labels {
    fn check(&self, c: &Ctx) -> Result<()> {
        c.get(self.0)?;
        self.1.map_or(Ok(()), |weight| c.get(weight).map(drop))
    }
}

impl Problem {
    fn keep(&self, s: &mut Saver) -> Labels {
        Labels(s.input(&self.classes.index), self.classes.weight.as_ref().map(|w| s.input(w)))
    }
}

/// The adjoint of [`nll`]: puts `-weight[t] * scale * g` at the targets.
fn spread(g: &Tensor, p: &Problem, total: &Total) -> Result<Tensor> {
    let dx = p.empty_input(g.device())?;
    let (up, scale) = p.upstream(g, total)?;
    let inside = dispatch::loss::nll_backward(&Upstream { g: &up, scale }, &p.classes, &dx, p.dims);
    let dx = p.unless_strayed(inside, dx)?;
    let (p, total, one) = (p.clone(), total.clone(), g.ndim() == 0);
    record(dx, "NllLossBackwardBackward0", &[g], |_| {
        move |_, h| {
            let rows = nll(h, p.clone(), NONE)?;
            grads![divided(&if one { rows.sum_all()? } else { rows }, &total)?]
        }
    })
}

/// Cross entropy between logits and classes, or probabilities shaped like the logits.
pub fn cross_entropy(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: i64,
    ignore: i64,
    smoothing: f64,
) -> Result<Tensor> {
    if x.shape() == target.shape() {
        return probabilities(x, target, weight, reduction, ignore, smoothing);
    }
    if !(0.0..=1.0).contains(&smoothing) {
        fail!(Runtime, torch: ("label_smoothing must be between 0.0 and 1.0. Got: {smoothing}"), expected: ("cross_entropy: expected label_smoothing in [0, 1]"), got: ("{smoothing}"), fix: ("It is a share, not a percentage."));
    }
    let p = Problem::new("cross_entropy", x, target, weight, ignore, smoothing)?;
    let (rows, lse) = (p.rows()?, p.rows()?);
    dispatch::loss::cross_entropy(&operand(x, p.compute)?, &p.classes, &rows, &lse, p.dims);
    let (y, total) = p.reduce(rows, reduction)?;
    let name = if x.ndim() > 2 { "NllLoss2DBackward0" } else { "NllLossBackward0" };
    record(y, name, &[x], |s| {
        let (labels, x, lse) = (p.keep(s), s.input(x), s.input(&lse));
        move |c, g| {
            labels.check(c)?;
            grads![cross_entropy_backward(g, &c.get(x)?, &c.get(lse)?, &p, &total)?]
        }
    })
}

fn cross_entropy_backward(g: &Tensor, x: &Tensor, lse: &Tensor, p: &Problem, total: &Total) -> Result<Tensor> {
    if needs_grad(&[g, x]) {
        return cross_entropy_backward_ops(g, x, p, total);
    }
    let dx = p.empty_input(x.device())?;
    let (up, scale) = p.upstream(g, total)?;
    let x = operand(x, p.compute)?;
    let inside = dispatch::loss::cross_entropy_backward(&Upstream { g: &up, scale }, &x, lse, &p.classes, &dx, p.dims);
    p.unless_strayed(inside, dx)
}

/// The same in operations: `g (sum(q) softmax(x) - q)`, q the weighted target distribution.
fn cross_entropy_backward_ops(g: &Tensor, x: &Tensor, p: &Problem, total: &Total) -> Result<Tensor> {
    let (dim, c, smoothing) = (p.class_dim(), p.dims.1, p.classes.smoothing);
    let q = p.empty_input(x.device())?;
    let minus_one = q.scalar_like(-1.0)?;
    let inside = dispatch::loss::nll_backward(&Upstream { g: &minus_one, scale: 1.0 }, &p.classes, &q, p.dims);
    let mut q = p.unless_strayed(inside, q)?;
    if smoothing > 0.0 {
        let counted = view::unsqueeze(
            &p.classes.index.ne(&super::pointwise::number(p.classes.ignore)?)?.reshape_to(&row_shape(p))?,
            dim as i64,
        )?;
        let weight = match &p.classes.weight {
            Some(w) => cast(w.clone(), p.dtype)?.reshape_to(&per_class(p))?,
            None => q.scalar_like(1.0)?,
        };
        let spread = counted.mul(&weight)?.mul_scalar(smoothing / c as f64)?;
        q = q.mul_scalar(1.0 - smoothing)?.add(&spread)?;
    }
    let g = if g.ndim() == 0 { g.clone() } else { view::unsqueeze(&g.reshape_to(&row_shape(p))?, dim as i64)? };
    let probability = softmax::softmax(x, dim as i64, None)?;
    divided(&g, total)?.mul(&q.sum_dims(&[dim as i64], true)?.mul(&probability)?.sub(&q)?)
}

/// The logits' shape without the classes.
fn row_shape(p: &Problem) -> Shape {
    p.shape.iter().enumerate().filter(|(d, _)| *d != p.class_dim()).map(|(_, &n)| n).collect()
}

/// A shape that broadcasts a value per class.
fn per_class(p: &Problem) -> Shape {
    (0..p.shape.len()).map(|d| if d == p.class_dim() { p.dims.1 } else { 1 }).collect()
}

fn probabilities(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: i64,
    ignore: i64,
    smoothing: f64,
) -> Result<Tensor> {
    if !target.dtype().is_float() {
        fail!(Runtime, torch: ("Expected floating point type for target with class probabilities, got {}", target.dtype().scalar_name()), expected: ("cross_entropy: expected probabilities of a floating dtype"), got: ("{}", target.dtype().name()), fix: ("Give classes without the class dim, or floats."));
    }
    if ignore >= 0 {
        fail!(Runtime, torch: ("ignore_index is not supported for floating point target"), expected: ("cross_entropy: expected no ignore_index with probabilities"), got: ("{ignore}"), fix: ("Leave it out."));
    }
    let dim = class_dim(x);
    let c = x.shape().get(dim).copied().unwrap_or(1);
    if let Some(w) = weight.filter(|w| w.shape() != [c]) {
        fail!(Runtime, torch: ("cross_entropy: weight tensor should be defined either for all {c} classes or no classes but got weight tensor of shape: {:?}", w.shape()), expected: ("cross_entropy: expected {c} weights"), got: ("{:?}", w.shape()), fix: ("Give one weight per class."));
    }
    let mut target = target.clone();
    if smoothing > 0.0 {
        target = target.mul_scalar(1.0 - smoothing)?.add_scalar(smoothing / c as f64)?;
    }
    let mut q = softmax::log_softmax(x, dim as i64, None)?.mul(&target)?;
    if let Some(w) = weight {
        let shape: Shape = (0..x.ndim()).map(|d| if d == dim { c } else { 1 }).collect();
        q = q.mul(&w.reshape_to(&shape)?)?;
    }
    match reduction {
        NONE => q.sum_dims(&[dim as i64], false)?.neg(),
        MEAN => q.sum_all()?.neg()?.mul_scalar(1.0 / (x.numel() / c.max(1)) as f64),
        _ => q.sum_all()?.neg(),
    }
}

ops! {
    /// `-weight[t] * x[t]` of log-probabilities; reduction 0 none, 1 mean, 2 sum.
    "nll_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100) -> Tensor" [n o] => nll_loss(0, 1, 2, 3, 4);
    /// `nll_loss` of images.
    "nll_loss2d(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100) -> Tensor" [n o] => nll_loss(0, 1, 2, 3, 4);
    /// `nll_loss` of any number of dims.
    "nll_loss_nd(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100) -> Tensor" [n] => nll_loss(0, 1, 2, 3, 4);
    /// Cross entropy between logits and classes or probabilities.
    "cross_entropy_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100, float label_smoothing=0.0) -> Tensor" [n] => cross_entropy(0, 1, 2, 3, 4, 5);
}
