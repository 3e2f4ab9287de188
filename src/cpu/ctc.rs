//! Connectionist temporal classification: the forward and backward recursions over labels with blanks between them.
//!
//! Source: Graves et al. 2006, doi:10.1145/1143844.1143891, in log space; equation numbers are theirs.
//!
//! # Contract of the unsafe code
//! Log-probabilities have the layout (t, n, c); sample i uses its first `input[i]` steps and the `label[i]` targets from
//! `targets + offset[i]` on, all below c. Alphas are (n, t, 2 s + 1) with s the longest label. Samples are independent.

#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Float, Scratch, Shared};
use super::parallel;
use crate::error::Result;

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

    /// May state `s` follow state `s - 2`? Between equal labels the blank is needed.
    #[inline(always)]
    fn skips(&self, i: usize, s: usize) -> bool {
        s >= 2 && s % 2 == 1 && self.class(i, s) != self.class(i, s - 2)
    }
}

/// log(sum(exp(x))) of three numbers.
#[inline(always)]
fn log_add<F: Float>(a: F, b: F, c: F) -> F {
    let m = a.larger(b).larger(c);
    if m == F::NEG_INF {
        // Or NaN, which the largest does not show.
        return a + b + c;
    }
    ((a - m).exp() + (b - m).exp() + (c - m).exp()).ln() + m
}

/// Writes alphas and the negative log likelihood of every sample.
///
/// # Safety
/// The module's contract.
pub unsafe fn forward<F: Float>(p: *const F, alpha: *mut F, loss: *mut F, g: &Ctc) {
    let (p, alpha, loss) = (Shared::new(p), Shared(alpha), Shared(loss));
    let (t, n, _) = g.dims;
    parallel::run(n, &|i| {
        // SAFETY: sample i alone.
        unsafe { *loss.at(i) = forward_sample(p.get(), alpha.at(i * t * g.states()), i, g) };
    });
}

unsafe fn forward_sample<F: Float>(p: *const F, alpha: *mut F, i: usize, g: &Ctc) -> F {
    let ((t, n, c), width, states) = (g.dims, g.states(), 2 * g.label[i] + 1);
    for k in 0..t * width {
        *alpha.add(k) = F::NEG_INF;
    }
    if g.input[i] == 0 {
        // Nothing is said in no time.
        return if g.label[i] == 0 { F::ZERO } else { -F::NEG_INF };
    }
    let at = |step: usize, s: usize| *p.add((step * n + i) * c + g.class(i, s));
    for s in 0..states.min(2) {
        *alpha.add(s) = at(0, s);
    }
    // Equation 6.
    for step in 1..g.input[i] {
        let (old, new) = (alpha.add((step - 1) * width), alpha.add(step * width));
        for s in 0..states {
            let before = if s >= 1 { *old.add(s - 1) } else { F::NEG_INF };
            let skip = if g.skips(i, s) { *old.add(s - 2) } else { F::NEG_INF };
            *new.add(s) = log_add(*old.add(s), before, skip) + at(step, s);
        }
    }
    let last = alpha.add((g.input[i] - 1) * width);
    let before = if states >= 2 { *last.add(states - 2) } else { F::NEG_INF };
    -log_add(*last.add(states - 1), before, F::NEG_INF)
}

/// Writes the gradient by the log-probabilities, which are taken as those of a softmax: `y - posterior` per step, times
/// the sample's gradient `up`. A loss that is infinite has the gradient 0 with `zero_infinity`, else NaN.
///
/// # Safety
/// The module's contract; `up` and `loss` have an element per sample, `dp` the layout of `p`.
pub unsafe fn backward<F: Float>(
    (up, p): (*const F, *const F),
    (alpha, loss): (*const F, *const F),
    dp: *mut F,
    zero_infinity: bool,
    g: &Ctc,
) -> Result<()> {
    let (t, n, c) = g.dims;
    // Betas of two steps and the log of a step's posterior.
    let per = 2 * g.states() + c;
    let scratch = Scratch::<F>::new(n * per)?;
    let (up, p, alpha, loss) = (Shared::new(up), Shared::new(p), Shared::new(alpha), Shared::new(loss));
    let (dp, scratch) = (Shared(dp), Shared(scratch.ptr()));
    parallel::run(n, &|i| {
        // SAFETY: sample i alone, its part of the scratch.
        unsafe {
            let (u, nll) = (*up.at(i), *loss.at(i));
            if g.input[i] == 0 || (zero_infinity && nll.is_inf()) {
                (0..t).for_each(|step| (0..c).for_each(|k| *dp.at((step * n + i) * c + k) = F::ZERO));
            } else {
                backward_sample(u, nll, p.get(), alpha.at(i * t * g.states()), dp.get(), scratch.at(i * per), i, g);
            }
        }
    });
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "the streams of one sample")]
unsafe fn backward_sample<F: Float>(
    up: F,
    nll: F,
    p: *const F,
    alpha: *const F,
    dp: *mut F,
    scratch: *mut F,
    i: usize,
    g: &Ctc,
) {
    let ((t, n, c), width, states) = (g.dims, g.states(), 2 * g.label[i] + 1);
    let (mut new, mut old, total) = (scratch, scratch.add(width), scratch.add(2 * width));
    for step in g.input[i]..t {
        (0..c).for_each(|k| *dp.add((step * n + i) * c + k) = F::ZERO);
    }
    for step in (0..g.input[i]).rev() {
        let row = (step * n + i) * c;
        (0..c).for_each(|k| *total.add(k) = F::NEG_INF);
        for s in 0..states {
            let own = *p.add(row + g.class(i, s));
            // Equation 10, with the step's own probability.
            *new.add(s) = if step == g.input[i] - 1 {
                if s + 2 >= states { own } else { F::NEG_INF }
            } else {
                let after = if s + 1 < states { *old.add(s + 1) } else { F::NEG_INF };
                let skip = if s + 2 < states && g.skips(i, s + 2) { *old.add(s + 2) } else { F::NEG_INF };
                log_add(*old.add(s), after, skip) + own
            };
            let slot = total.add(g.class(i, s));
            *slot = log_add(*slot, *alpha.add(step * width + s) + *new.add(s), F::NEG_INF);
        }
        // Equation 15: alphas and betas hold the step's probability once too often.
        for k in 0..c {
            let own = *p.add(row + k);
            *dp.add(row + k) = (own.exp() - (*total.add(k) + nll - own).exp()) * up;
        }
        std::mem::swap(&mut new, &mut old);
    }
}
