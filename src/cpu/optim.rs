//! Fused optimizer steps: every stream of a parameter is read and written once.
//!
//! The operations on an element come in the order of torch's single-tensor optimizers, with the roundings of its
//! CPU kernels: `add(alpha)`, `lerp` and `addcmul` round once (fused), `addcdiv` rounds each operation.
//! Elements are independent, so the split into tasks changes no bit.
//!
//! # Contract of the unsafe code
//! The streams of a parameter have `n` contiguous elements each, and none overlaps another.

#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Float, GRAIN};
use super::parallel;

/// One parameter with its gradient and the state of its optimizer.
#[derive(Clone, Copy)]
pub struct Param<F> {
    /// The parameter.
    pub param: *mut F,
    /// Its gradient.
    pub grad: *const F,
    /// The state streams, in the order that the step names; those that its flags exclude may be null.
    pub state: [*mut F; 3],
    /// Elements in each.
    pub n: usize,
    /// Two factors that differ between parameters because their step counts do; the step names them.
    pub factors: [f64; 2],
    /// For SGD: the momentum buffer holds nothing yet.
    pub first: bool,
}

// SAFETY: tasks work on disjoint ranges of the streams.
unsafe impl<F> Sync for Param<F> {}

impl<F> Param<F> {
    fn range(&self, from: usize, n: usize) -> Param<F> {
        let shift = |p: *mut F| if p.is_null() { p } else { p.wrapping_add(from) };
        Param {
            param: self.param.wrapping_add(from),
            grad: self.grad.wrapping_add(from),
            state: self.state.map(shift),
            n,
            ..*self
        }
    }
}

/// Runs `f` on ranges of at most [`GRAIN`] elements of all parameters.
fn for_ranges<F>(params: &[Param<F>], f: &(dyn Fn(&Param<F>) + Sync)) {
    let total: usize = params.iter().map(|p| p.n).sum();
    // Several small parameters make a task, a large one makes several.
    parallel::chunks(total, GRAIN, &|r| {
        let mut start = 0;
        for p in params {
            let (from, to) = (r.start.max(start), r.end.min(start + p.n));
            if from < to {
                f(&p.range(from - start, to - from));
            }
            start += p.n;
            if start >= r.end {
                break;
            }
        }
    });
}

/// The settings of [`sgd`].
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    /// The learning rate.
    pub lr: f64,
    /// The decay of the momentum buffer; 0 for none.
    pub momentum: f64,
    /// The share of the gradient that the buffer does not take.
    pub dampening: f64,
    /// Added to the gradient, times the parameter.
    pub weight_decay: f64,
    /// Looks ahead by one step of the buffer.
    pub nesterov: bool,
    /// Ascends instead of descending.
    pub maximize: bool,
}

/// Stochastic gradient descent. State: the momentum buffer, if `momentum` is not 0.
///
/// # Safety
/// The module's contract.
pub unsafe fn sgd<F: Float>(o: &Sgd, params: &[Param<F>]) {
    for_ranges(params, &|p| {
        // SAFETY: a range of the streams.
        unsafe { if o.momentum == 0.0 { sgd_plain(o, p) } else { sgd_momentum(o, p) } }
    });
}

/// The settings of [`adam`].
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// The learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Adam: added to the gradient, times the parameter. AdamW: shrinks the parameter, times the learning rate.
    pub weight_decay: f64,
    /// Weight decay is that of AdamW.
    pub decoupled: bool,
    /// Divides by the largest second moment so far.
    pub amsgrad: bool,
    /// Ascends instead of descending.
    pub maximize: bool,
}

impl Adam {
    /// The [`Param::factors`] after `step` steps, this one included.
    pub fn factors(&self, step: f64) -> [f64; 2] {
        [self.lr / (1.0 - self.beta1.powf(step)), (1.0 - self.beta2.powf(step)).sqrt()]
    }
}

/// Adam and AdamW. State: first moment, second moment and, with `amsgrad`, the largest second moment.
///
/// Factors: the step size `lr / (1 - beta1^t)` and `sqrt(1 - beta2^t)`; [`Adam::factors`] gives both.
/// Sources: Kingma and Ba 2015, arXiv:1412.6980; Loshchilov and Hutter 2019, arXiv:1711.05101.
///
/// # Safety
/// The module's contract.
pub unsafe fn adam<F: Float>(o: &Adam, params: &[Param<F>]) {
    // SAFETY: a range of the streams.
    for_ranges(params, &|p| unsafe { adam_range(o, p) });
}

/// The settings of [`rmsprop`].
#[derive(Clone, Copy, Debug)]
pub struct RmsProp {
    /// The learning rate.
    pub lr: f64,
    /// Decay of the mean square.
    pub alpha: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Added to the gradient, times the parameter.
    pub weight_decay: f64,
    /// The decay of the momentum buffer; 0 for none.
    pub momentum: f64,
    /// Divides by the standard deviation instead of the root mean square.
    pub centered: bool,
    /// Ascends instead of descending.
    pub maximize: bool,
}

/// RMSprop. State: mean square; mean gradient, if `centered`; momentum buffer, if `momentum` is not 0.
///
/// # Safety
/// The module's contract.
pub unsafe fn rmsprop<F: Float>(o: &RmsProp, params: &[Param<F>]) {
    // SAFETY: a range of the streams.
    for_ranges(params, &|p| unsafe { rmsprop_range(o, p) });
}

/// The settings of [`adagrad`].
#[derive(Clone, Copy, Debug)]
pub struct Adagrad {
    /// Added to the denominator.
    pub eps: f64,
    /// Added to the gradient, times the parameter.
    pub weight_decay: f64,
    /// Ascends instead of descending.
    pub maximize: bool,
}

/// Adagrad. State: the sum of squares. Factors: the decayed learning rate `lr / (1 + (t - 1) * lr_decay)`.
///
/// # Safety
/// The module's contract.
pub unsafe fn adagrad<F: Float>(o: &Adagrad, params: &[Param<F>]) {
    // SAFETY: a range of the streams.
    for_ranges(params, &|p| unsafe { adagrad_range(o, p) });
}

/// The gradient of element `i`, turned for maximizing and with weight decay.
#[inline(always)]
unsafe fn gradient<F: Float>(p: &Param<F>, i: usize, maximize: bool, decay: F) -> F {
    let g = *p.grad.add(i);
    let g = if maximize { -g } else { g };
    // Adding 0 * param would turn an infinite parameter into NaN.
    if decay != F::ZERO { (*p.param.add(i)).fma(decay, g) } else { g }
}

/// torch's lerp: `a + w (b - a)`, from the nearer end.
#[inline(always)]
fn lerp<F: Float>(a: F, b: F, w: F) -> F {
    let d = b - a;
    if w < F::of(0.5) { d.fma(w, a) } else { (-d).fma(F::ONE - w, b) }
}

crate::multiversion! {
    unsafe fn sgd_plain[F: Float](o: &Sgd, p: &Param<F>) {
        let (lr, decay, maximize) = (F::of(-o.lr), F::of(o.weight_decay), o.maximize);
        for i in 0..p.n {
            let g = gradient(p, i, maximize, decay);
            *p.param.add(i) = g.fma(lr, *p.param.add(i));
        }
    }
}

crate::multiversion! {
    unsafe fn sgd_momentum[F: Float](o: &Sgd, p: &Param<F>) {
        let (lr, decay, momentum) = (F::of(-o.lr), F::of(o.weight_decay), F::of(o.momentum));
        let (rest, first, nesterov, maximize) = (F::of(1.0 - o.dampening), p.first, o.nesterov, o.maximize);
        let buffer = p.state[0];
        for i in 0..p.n {
            let g = gradient(p, i, maximize, decay);
            let b = if first { g } else { g.fma(rest, *buffer.add(i) * momentum) };
            *buffer.add(i) = b;
            let step = if nesterov { b.fma(momentum, g) } else { b };
            *p.param.add(i) = step.fma(lr, *p.param.add(i));
        }
    }
}

crate::multiversion! {
    unsafe fn adam_range[F: Float](o: &Adam, p: &Param<F>) {
        if o.amsgrad {
            adam_loop::<F, true>(o, p);
        } else {
            adam_loop::<F, false>(o, p);
        }
    }
}

#[inline(always)]
unsafe fn adam_loop<F: Float, const AMSGRAD: bool>(o: &Adam, p: &Param<F>) {
    let decay = if o.decoupled { F::ZERO } else { F::of(o.weight_decay) };
    let shrink = if o.decoupled && o.weight_decay != 0.0 { F::of(1.0 - o.lr * o.weight_decay) } else { F::ONE };
    let (w1, beta2, w2) = (F::of(1.0 - o.beta1), F::of(o.beta2), F::of(1.0 - o.beta2));
    let (eps, size, correction) = (F::of(o.eps), F::of(-p.factors[0]), F::of(p.factors[1]));
    let (maximize, [first, second, largest]) = (o.maximize, p.state);
    for i in 0..p.n {
        let g = gradient(p, i, maximize, decay);
        let x = *p.param.add(i) * shrink;
        let m = lerp(*first.add(i), g, w1);
        let v = (w2 * g).fma(g, *second.add(i) * beta2);
        *first.add(i) = m;
        *second.add(i) = v;
        let v = if AMSGRAD {
            let old = *largest.add(i);
            // NaN wins, as in torch.maximum.
            let v = if old > v || old.is_nan() { old } else { v };
            *largest.add(i) = v;
            v
        } else {
            v
        };
        *p.param.add(i) = x + size * m / (v.sqrt() / correction + eps);
    }
}

crate::multiversion! {
    unsafe fn rmsprop_range[F: Float](o: &RmsProp, p: &Param<F>) {
        match (o.centered, o.momentum > 0.0) {
            (false, false) => rmsprop_loop::<F, false, false>(o, p),
            (false, true) => rmsprop_loop::<F, false, true>(o, p),
            (true, false) => rmsprop_loop::<F, true, false>(o, p),
            (true, true) => rmsprop_loop::<F, true, true>(o, p),
        }
    }
}

#[inline(always)]
unsafe fn rmsprop_loop<F: Float, const CENTERED: bool, const MOMENTUM: bool>(o: &RmsProp, p: &Param<F>) {
    let (decay, alpha, rest) = (F::of(o.weight_decay), F::of(o.alpha), F::of(1.0 - o.alpha));
    let (eps, lr, momentum) = (F::of(o.eps), F::of(-o.lr), F::of(o.momentum));
    let (maximize, [square, mean, buffer]) = (o.maximize, p.state);
    for i in 0..p.n {
        let g = gradient(p, i, maximize, decay);
        let v = (rest * g).fma(g, *square.add(i) * alpha);
        *square.add(i) = v;
        let v = if CENTERED {
            let m = lerp(*mean.add(i), g, rest);
            *mean.add(i) = m;
            (-m).fma(m, v)
        } else {
            v
        };
        let root = v.sqrt() + eps;
        *p.param.add(i) = if MOMENTUM {
            let b = *buffer.add(i) * momentum + g / root;
            *buffer.add(i) = b;
            b.fma(lr, *p.param.add(i))
        } else {
            *p.param.add(i) + lr * g / root
        };
    }
}

crate::multiversion! {
    unsafe fn adagrad_range[F: Float](o: &Adagrad, p: &Param<F>) {
        let (decay, eps, lr, maximize) = (F::of(o.weight_decay), F::of(o.eps), F::of(-p.factors[0]), o.maximize);
        let sum = p.state[0];
        for i in 0..p.n {
            let g = gradient(p, i, maximize, decay);
            let v = g.fma(g, *sum.add(i));
            *sum.add(i) = v;
            *p.param.add(i) = *p.param.add(i) + lr * g / (v.sqrt() + eps);
        }
    }
}

#[cfg(test)]
#[path = "optim_tests.rs"]
mod tests;
