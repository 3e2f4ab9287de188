//! Hinge losses over classes.

use super::arith::pow;
use super::choose::where_;
use super::gather::gather;
use super::kernel::{by_operations, operand, optional};
use super::loss::reduced_as;
use super::pointwise::number;
use super::scatter::Places;
use super::view;
use crate::autograd::{needs_grad, no_grad, record};
use crate::dispatch;
use crate::dispatch::margin::{self as kernels, Hinge};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::{DType, Scalar, Tensor};

/// Classes are int64.
fn check_labels(target: &Tensor) -> Result<()> {
    if target.dtype() != DType::I64 {
        fail!(Runtime, torch: ("expected scalar type Long but found {}", target.dtype().scalar_name()), expected: ("margin loss: expected int64 targets"), got: ("{}", target.dtype().name()), fix: ("Convert them with .long()."));
    }
    Ok(())
}

/// What is above 0, which a NaN is not.
fn positive_part(x: &Tensor) -> Result<Tensor> {
    where_(&x.gt(&number(0.0)?)?, x, &x.scalar_like(0.0)?)
}

/// Scores as (N, C), and whether there was no batch dim.
fn batched(name: &str, x: &Tensor) -> Result<(Tensor, bool)> {
    if x.ndim() > 2 || x.shape().last() == Some(&0) {
        fail!(Runtime, torch: ("Expected non-empty vector or matrix with optional 0-dim batch size, but got: {:?}", x.shape()), expected: ("{name}: expected (C) or (N, C)"), got: ("{:?}", x.shape()), fix: ("Flatten other dims."));
    }
    super::loss::check_float(name, x)?;
    let c = x.shape().last().copied().unwrap_or(1);
    let n = if x.ndim() == 2 { x.shape()[0] } else { 1 };
    Ok((x.reshape_to(&[n, c])?, x.ndim() < 2))
}

/// Gives a loss per sample the shape of the batch, and reduces it.
fn finish(loss: Tensor, node: &'static str, x: &Tensor, single: bool, reduction: i64) -> Result<Tensor> {
    reduced_as(&if single { loss.reshape_to(&[])? } else { loss }, node, x, reduction)
}

/// Mean over the classes i but the target t of `weight[t] * max(0, margin - x[t] + x[i]) ** p`.
fn multi_margin_loss(
    x: &Tensor,
    target: &Tensor,
    p: Scalar,
    margin: Scalar,
    weight: Option<&Tensor>,
    reduction: i64,
) -> Result<Tensor> {
    if !p.is(1.0) && !p.is(2.0) {
        fail!(Runtime, torch: ("only p == 1 and p == 2 supported"), expected: ("multi_margin_loss: expected p of 1 or 2"), got: ("{}", p.f64()), fix: ("Use one of those."));
    }
    let (scores, _) = batched("multi_margin_loss", x)?;
    let (n, c) = (scores.shape()[0], scores.shape()[1]);
    if target.ndim() > 1 || target.numel() != n {
        fail!(Runtime, torch: ("multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). Expected target size [{n}], but got {:?}. Input has shape {:?}.", target.shape(), x.shape()), expected: ("multi_margin_loss: expected {n} targets"), got: ("{:?}", target.shape()), fix: ("Give one class per sample."));
    }
    if let Some(w) = weight.filter(|w| w.numel() != c || w.ndim() > 1) {
        fail!(Runtime, torch: ("inconsistent weight size, expected {c} but got {:?}", w.shape()), expected: ("multi_margin_loss: expected {c} weights"), got: ("{:?}", w.shape()), fix: ("Give one per class."));
    }
    check_labels(target)?;
    let weight = weight.map(|w| w.reshape_to(&[c])).transpose()?;
    let one = One { target: target.reshape_to(&[n])?, weight, margin: margin.f64(), squared: p.is(2.0) };
    let kept =
        one.weight.as_ref().is_none_or(|w| w.dtype() == x.dtype() && w.device() == x.device() && !needs_grad(&[w]));
    let loss = if kept && has_kernel(&scores, target) { one.fused(&scores)? } else { one.composed(&scores)? };
    // One target without a batch may be a vector of one or 0-d, and the loss is shaped like it.
    reduced_as(&loss.reshape_to(target.shape())?, "MultiMarginLossBackward0", x, reduction)
}

/// Scores and classes that kernels take.
fn has_kernel(scores: &Tensor, target: &Tensor) -> bool {
    !scores.is_gpu() && scores.device() == target.device() && matches!(scores.dtype(), DType::F32 | DType::F64)
}

/// A class per sample, and how its score is compared with others.
struct One {
    target: Tensor,
    weight: Option<Tensor>,
    margin: f64,
    squared: bool,
}

impl One {
    fn hinge(&self) -> Hinge<'_> {
        Hinge { target: &self.target, weight: self.weight.as_ref(), margin: self.margin, squared: self.squared }
    }

    #[cold]
    fn out_of_range<T>(c: usize) -> Result<T> {
        fail!(Runtime, torch: ("target out of range"), expected: ("multi_margin_loss: expected targets below {c}"), got: ("others"), fix: ("Check the labels."))
    }

    /// The loss of every row by a kernel, as its gradient is; gradients of gradients go by [`One::composed`].
    fn fused(&self, scores: &Tensor) -> Result<Tensor> {
        let (n, c, dtype) = (scores.size(0), scores.size(1), scores.dtype());
        let (target, weight) = (operand(&self.target, DType::I64)?, optional(self.weight.as_ref(), dtype)?);
        let (margin, squared) = (self.margin, self.squared);
        let one = One { target, weight, margin, squared };
        let loss = dispatch::empty(&[n], dtype, scores.device())?;
        if !kernels::one(&operand(scores, dtype)?, &one.hinge(), &loss) {
            return One::out_of_range(c);
        }
        record(loss, "MultiMarginLossBackward0", &[scores], |s| {
            let (x, target, weight) = (s.input(scores), s.input(&one.target), s.optional(one.weight.as_ref()));
            move |ctx, g| {
                let x = ctx.get(x)?;
                let one = One { target: ctx.get(target)?, weight: ctx.get_opt(weight)?, margin, squared };
                if needs_grad(&[g, &x]) {
                    return by_operations(ctx, g, &[&x], |t| one.composed(&t[0]));
                }
                let dx = dispatch::empty(x.shape(), dtype, x.device())?;
                if !kernels::one_backward(&operand(g, dtype)?, &operand(&x, dtype)?, &one.hinge(), &dx) {
                    return One::out_of_range(c);
                }
                grads![dx]
            }
        })
    }

    /// The same by operations.
    fn composed(&self, scores: &Tensor) -> Result<Tensor> {
        let (n, c) = (scores.size(0), scores.size(1));
        if dispatch::index::out_of_bounds(&self.target, c, false).is_some() {
            return One::out_of_range(c);
        }
        let at = self.target.reshape_to(&[n, 1])?;
        let own = gather(scores, 1, &at)?;
        let mut hinge = positive_part(&scores.sub(&own)?.add_scalar(self.margin)?)?;
        if self.squared {
            hinge = pow(&hinge, &number(2.0)?, &Dest::New)?;
        }
        if let Some(w) = &self.weight {
            hinge = hinge.mul(&super::gather::index_select(w, 0, &self.target)?.reshape_to(&[n, 1])?)?;
        }
        // The target itself does not count.
        let others = no_grad(|| mask_at(scores, &at))?;
        where_(&others, &scores.scalar_like(0.0)?, &hinge)?.sum_dims(&[1], false)?.mul_scalar(1.0 / c as f64)
    }
}

/// True at the indices along dim 1.
fn mask_at(x: &Tensor, index: &Tensor) -> Result<Tensor> {
    let none = dispatch::zeros(x.shape(), DType::Bool, x.device())?;
    Places { dim: 1, whole: false }.fill(&none, index, &none.scalar_like(true)?, &Dest::New)
}

#[cold]
fn out_of_range<T>(c: usize) -> Result<T> {
    fail!(Runtime, torch: ("argument #2 'target' is out of range"), expected: ("multilabel_margin_loss: expected targets from -1 to {}", c as i64 - 1), got: ("others"), fix: ("Check the labels."))
}

/// Mean over the classes of `max(0, 1 - (x[t] - x[i]))` for targets t and other classes i. Targets end at the first -1.
///
/// Also returns the mask of the targets, which torch's `multilabel_margin_loss_forward` has.
fn multilabel_margin(x: &Tensor, target: &Tensor, reduction: i64) -> Result<(Tensor, Tensor)> {
    if x.ndim() > 2 || x.shape().last() == Some(&0) {
        fail!(Runtime, torch: ("Expected non-empty vector or matrix with optional 0-dim batch size, but got: {:?}", x.shape()), expected: ("multilabel_margin_loss: expected (C) or (N, C)"), got: ("{:?}", x.shape()), fix: ("Check the input."));
    }
    if x.shape() != target.shape() && !(x.numel() == 1 && target.numel() == 1 && x.ndim() <= 1 && target.ndim() <= 1) {
        fail!(Runtime, torch: ("inconsistent target size: {:?} for input of size: {:?}", target.shape(), x.shape()), expected: ("multilabel_margin_loss: expected a target shaped like the input"), got: ("{:?}", target.shape()), fix: ("Fill up with -1."));
    }
    let (scores, single) = batched("multilabel_margin_loss", x)?;
    check_labels(target)?;
    let t = target.reshape_to(scores.shape())?;
    let (loss, mask) = if has_kernel(&scores, target) { many(&scores, &t)? } else { many_composed(&scores, &t)? };
    Ok((finish(loss, "MultilabelMarginLossBackward0", x, single, reduction)?, mask.reshape_to(target.shape())?))
}

/// The loss of every row by a kernel, as its gradient is, and the mask; gradients of gradients go by [`many_composed`].
fn many(scores: &Tensor, target: &Tensor) -> Result<(Tensor, Tensor)> {
    let (n, c, dtype) = (scores.size(0), scores.size(1), scores.dtype());
    let target = operand(target, DType::I64)?;
    let empty = |shape: &[usize]| dispatch::empty(shape, dtype, scores.device());
    let (loss, mask) = (empty(&[n])?, empty(scores.shape())?);
    if !kernels::many(&operand(scores, dtype)?, &target, &loss, &mask) {
        return out_of_range(c);
    }
    let loss = record(loss, "MultilabelMarginLossBackward0", &[scores], |s| {
        let (x, target) = (s.input(scores), s.input(&target));
        move |ctx, g| {
            let (x, target) = (ctx.get(x)?, ctx.get(target)?);
            if needs_grad(&[g, &x]) {
                return by_operations(ctx, g, &[&x], |t| Ok(many_composed(&t[0], &target)?.0));
            }
            let dx = dispatch::empty(x.shape(), dtype, x.device())?;
            if !kernels::many_backward(&operand(g, dtype)?, &operand(&x, dtype)?, &target, &dx) {
                return out_of_range(c);
            }
            grads![dx]
        }
    })?;
    Ok((loss, mask))
}

/// The same by operations.
fn many_composed(scores: &Tensor, t: &Tensor) -> Result<(Tensor, Tensor)> {
    let c = scores.size(1);
    let (index, counted, mask) = no_grad(|| -> Result<_> {
        let ended = super::copy::to_dtype(&t.lt(&number(0.0)?)?, DType::I64)?;
        let counted = super::scan::cumsum(&ended, 1, None)?.eq_scalar(0.0)?;
        if !t.is_meta() && t.lt(&number(-1.0)?)?.any_all()?.item_bool()? {
            return out_of_range(c);
        }
        // What comes after the end points at class 0 and does not count.
        let index = where_(&counted, t, &t.scalar_like(0.0)?)?;
        if dispatch::index::out_of_bounds(&index, c, false).is_some() {
            return out_of_range(c);
        }
        let hits = dispatch::zeros(scores.shape(), DType::I64, scores.device())?;
        let hits = Places { dim: 1, whole: false }.add(
            &hits,
            &index,
            &super::copy::to_dtype(&counted, DType::I64)?,
            &Dest::New,
        )?;
        Ok((index, counted, hits.gt(&number(0.0)?)?))
    })?;
    let own = gather(scores, 1, &index)?;
    // (n, targets, classes)
    let hinge = positive_part(&view::unsqueeze(scores, 1)?.sub(&view::unsqueeze(&own, 2)?)?.add_scalar(1.0)?)?;
    let zero = scores.scalar_like(0.0)?;
    let hinge = where_(&view::unsqueeze(&mask, 1)?, &zero, &hinge)?;
    let hinge = where_(&view::unsqueeze(&counted, 2)?, &hinge, &zero)?;
    let loss = hinge.sum_dims(&[1, 2], false)?.mul_scalar(1.0 / c as f64)?;
    Ok((loss, super::copy::to_dtype(&mask, scores.dtype())?))
}

fn multilabel_margin_loss(x: &Tensor, target: &Tensor, reduction: i64) -> Result<Tensor> {
    Ok(multilabel_margin(x, target, reduction)?.0)
}

ops! {
    /// Mean over the other classes of `max(0, margin - x[t] + x[i]) ** p`.
    "multi_margin_loss(Tensor self, Tensor target, Scalar p=1, Scalar margin=1, Tensor? weight=None, int reduction=1) -> Tensor" [n o] => multi_margin_loss(0, 1, 2, 3, 4, 5);
    /// Mean of `max(0, 1 - (x[t] - x[i]))` over targets and other classes.
    "multilabel_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor" [n o] => multilabel_margin_loss(0, 1, 2);
    /// `multilabel_margin_loss` with the mask of the targets.
    "multilabel_margin_loss_forward(Tensor self, Tensor target, int reduction) -> (Tensor, Tensor)" [n] => multilabel_margin(0, 1, 2);
}
