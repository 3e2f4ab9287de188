//! Connectionist temporal classification: the forward and backward recursions over labels with blanks between them.
//!
//! Source: Graves et al. 2006, doi:10.1145/1143844.1143891, in log space; equation numbers are theirs.
//!
//! # Contract of the unsafe code
//! Log-probabilities have the layout (t, n, c); sample i uses its first `input[i]` steps and the `label[i]` targets from
//! `targets + offset[i]` on, all below c. Alphas are (n, t, 2 s + 1) with s the longest label. Samples are independent.

#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Float, Scratch, Shared, sum};
use super::parallel;
use super::simd::math::Real;
use crate::error::{Result, room};
use crate::multiversion;

/// The geometry of a batch.
pub struct Ctc<'a> {
    /// Steps, samples, classes.
    pub dims: (usize, usize, usize),
    /// Steps of each sample.
    pub input: &'a [usize],
    /// Targets of each sample.
    pub label: &'a [usize],
    /// Where each sample's targets start.
    pub offset: &'a [usize],
    /// All targets.
    pub targets: &'a [i64],
    /// The class that stands for no label.
    pub blank: usize,
    /// The longest label.
    pub longest: usize,
}

impl Ctc<'_> {
    /// States of the recursion: labels, and blanks around them.
    pub fn states(&self) -> usize {
        2 * self.longest + 1
    }

    /// The class of state `s` of sample `i`.
    #[inline(always)]
    pub fn class(&self, i: usize, s: usize) -> usize {
        if s.is_multiple_of(2) { self.blank } else { self.targets[self.offset[i] + s / 2] as usize }
    }

    /// The states of all samples, for loops without a branch.
    fn paths(&self) -> Vec<State> {
        let mut all = room(self.dims.1 * self.states());
        for i in 0..self.dims.1 {
            let used = 2 * self.label[i] + 1;
            let class = |s: usize| if s < used { self.class(i, s) } else { self.blank };
            // Between equal labels the blank is needed.
            let skips = |s: usize| s >= 2 && s % 2 == 1 && class(s) != class(s - 2);
            all.extend((0..self.states()).map(|s| State { class: class(s), skips: skips(s) }));
        }
        all
    }
}

/// A state of the recursion.
#[derive(Clone, Copy)]
struct State {
    class: usize,
    /// May it follow the state before the one before?
    skips: bool,
}

/// log(sum(exp(x))) of three numbers; -inf of nothing but -inf.
#[inline(always)]
fn log_add<F: Kernel>(a: F, b: F, c: F) -> F {
    let m = a.larger(b).larger(c);
    let m = if m == F::NEG_INF { Float::ZERO } else { m };
    Real::log(Float::exp(a - m) + Float::exp(b - m) + Float::exp(c - m)) + m
}

/// Writes alphas and the negative log likelihood of every sample.
///
/// # Safety
/// The module's contract.
pub unsafe fn forward<F: Kernel>(p: *const F, alpha: *mut F, loss: *mut F, g: &Ctc) -> Result<()> {
    let (t, n, c) = g.dims;
    let (states, paths) = (g.states(), g.paths());
    let scratch = Scratch::<F>::new(n * states)?;
    let (p, alpha, loss, scratch) = (Shared::new(p), Shared(alpha), Shared(loss), Shared(scratch.ptr()));
    parallel::run(n, &|i| {
        // SAFETY: sample i alone, its part of the scratch.
        unsafe {
            let (alpha, path) = (alpha.at(i * t * states), &paths[i * states..][..states]);
            (0..t * states).for_each(|k| *alpha.add(k) = F::NEG_INF);
            *loss.at(i) = match g.input[i] {
                // Nothing is said in no time.
                0 if g.label[i] == 0 => Float::ZERO,
                0 => -F::NEG_INF,
                steps => {
                    let used = 2 * g.label[i] + 1;
                    forward_sample(p.at(i * c), n * c, alpha, scratch.at(i * states), path, used, steps)
                }
            };
        }
    });
    Ok(())
}

multiversion! {
    /// The recursion over `steps` rows of probabilities, `stride` elements apart, and the negative log likelihood.
    unsafe fn forward_sample[F: Kernel](
        p: *const F, stride: usize, alpha: *mut F, own: *mut F, path: &[State], used: usize, steps: usize,
    ) -> F {
        for s in 0..used.min(2) {
            *alpha.add(s) = *p.add(path[s].class);
        }
        // Equation 6.
        for step in 1..steps {
            let (old, new) = (alpha.add((step - 1) * path.len()).cast_const(), alpha.add(step * path.len()));
            let p = p.add(step * stride);
            // Apart from the sums, so that those are vectorised.
            for s in 0..used {
                *own.add(s) = *p.add(path[s].class);
            }
            *new = log_add(*old, F::NEG_INF, F::NEG_INF) + *own;
            if used >= 2 {
                *new.add(1) = log_add(*old.add(1), *old, F::NEG_INF) + *own.add(1);
            }
            for s in 2..used {
                let skip = if path[s].skips { *old.add(s - 2) } else { F::NEG_INF };
                *new.add(s) = log_add(*old.add(s), *old.add(s - 1), skip) + *own.add(s);
            }
        }
        let last = alpha.add((steps - 1) * path.len());
        let before = if used >= 2 { *last.add(used - 2) } else { F::NEG_INF };
        -log_add(*last.add(used - 1), before, F::NEG_INF)
    }
}

/// What the recursions need of elements.
pub trait Kernel: Float + Real {}
impl<F: Float + Real> Kernel for F {}

/// Writes the gradient by the log-probabilities, which are taken as those of a softmax: `y - posterior` per step, times
/// the sample's gradient `up`. A loss that is infinite has the gradient 0 with `zero_infinity`, else NaN.
///
/// # Safety
/// The module's contract; `up` and `loss` have an element per sample, `dp` the layout of `p`.
pub unsafe fn backward<F: Kernel>(
    (up, p): (*const F, *const F),
    (alpha, loss): (*const F, *const F),
    dp: *mut F,
    zero_infinity: bool,
    g: &Ctc,
) -> Result<()> {
    let (t, n, c) = g.dims;
    let (states, paths) = (g.states(), g.paths());
    // Betas of two steps, a step's probabilities and the posterior of its classes.
    let per = 3 * states + c;
    let scratch = Scratch::<F>::new(n * per)?;
    let (up, p, alpha, loss) = (Shared::new(up), Shared::new(p), Shared::new(alpha), Shared::new(loss));
    let (dp, scratch) = (Shared(dp), Shared(scratch.ptr()));
    parallel::run(n, &|i| {
        // SAFETY: sample i alone, its part of the scratch.
        unsafe {
            let (u, nll) = (*up.at(i), *loss.at(i));
            let steps = if zero_infinity && Float::is_inf(nll) { 0 } else { g.input[i] };
            for step in steps..t {
                (0..c).for_each(|k| *dp.at((step * n + i) * c + k) = Float::ZERO);
            }
            let path = &paths[i * states..][..states];
            let (used, alpha) = (2 * g.label[i] + 1, alpha.at(i * t * states));
            let to = (dp.at(i * c), n * c);
            backward_sample((u, nll), p.at(i * c), to, alpha, scratch.at(i * per), path, (used, steps, c));
        }
    });
    Ok(())
}

multiversion! {
    /// The recursion of betas from the last of `steps` rows on; rows of `p` and of the gradient are `stride` elements apart.
    unsafe fn backward_sample[F: Kernel](
        up_nll: (F, F), p: *const F, to: (*mut F, usize), alpha: *const F, scratch: *mut F, path: &[State],
        dims: (usize, usize, usize),
    ) {
        let ((up, nll), (dp, stride), (used, steps, c)) = (up_nll, to, dims);
        let (mut new, mut old) = (scratch, scratch.add(path.len()));
        let (own, total) = (scratch.add(2 * path.len()), scratch.add(3 * path.len()));
        for step in (0..steps).rev() {
            let p = p.add(step * stride);
            for s in 0..used {
                *own.add(s) = *p.add(path[s].class);
            }
            // Equation 10, with the step's own probability.
            if step == steps - 1 {
                for s in 0..used {
                    *new.add(s) = if s + 2 >= used { *own.add(s) } else { F::NEG_INF };
                }
            } else {
                for s in 0..used.saturating_sub(2) {
                    let skip = if path[s + 2].skips { *old.add(s + 2) } else { F::NEG_INF };
                    *new.add(s) = log_add(*old.add(s), *old.add(s + 1), skip) + *own.add(s);
                }
                if used >= 2 {
                    let s = used - 2;
                    *new.add(s) = log_add(*old.add(s), *old.add(s + 1), F::NEG_INF) + *own.add(s);
                }
                let s = used - 1;
                *new.add(s) = log_add(*old.add(s), F::NEG_INF, F::NEG_INF) + *own.add(s);
            }
            // The posterior of each state, at most 1: alphas and betas hold the step's probability once too often.
            let alpha = alpha.add(step * path.len());
            for s in 0..used {
                *own.add(s) = Float::exp(*alpha.add(s) + *new.add(s) + nll - *own.add(s));
            }
            // Equation 15. Where the loss or a probability is infinite the gradient is NaN (0 times it), as in torch, not
            // only in the classes of the labels.
            let zero: F = Float::ZERO;
            (0..c).for_each(|k| *total.add(k) = nll * zero);
            for s in (1..used).step_by(2) {
                *total.add(path[s].class) += *own.add(s);
            }
            *total.add(path[0].class) += sum(used / 2 + 1, |j| *own.add(2 * j));
            let dp = dp.add(step * stride);
            for k in 0..c {
                let own = *p.add(k);
                *dp.add(k) = (Float::exp(own) - (*total.add(k) + own * zero)) * up;
            }
            std::mem::swap(&mut new, &mut old);
        }
    }
}
