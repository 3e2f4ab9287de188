//! Hinge losses over classes, sample by sample, and their gradients.
//!
//! # Contract of the unsafe code
//! `x` and `dx` address (n, c) contiguous elements, targets as many as said, `weight` (`c` elements) may be null. The memory
//! of targets is the user's and may change meanwhile: one that is no class counts for nothing, and the function says so.

#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Float, Shared, grain, sum};
use super::parallel;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A loss of one target per sample: `weight[t] * max(0, margin - x[t] + x[i]) ** p` over the other classes, by their number.
pub struct One<F> {
    /// A class per sample.
    pub target: *const i64,
    /// A factor per class; optional.
    pub weight: *const F,
    /// The margin.
    pub margin: F,
    /// Is p 2, and not 1?
    pub squared: bool,
    /// Samples and classes.
    pub size: (usize, usize),
}

// SAFETY: targets and weights are only read.
unsafe impl<F> Sync for One<F> {}

impl<F: Float> One<F> {
    #[inline(always)]
    unsafe fn class(&self, row: usize, strayed: &AtomicBool) -> Option<usize> {
        let t = *self.target.add(row);
        let known = (t as u64) < self.size.1 as u64;
        if !known {
            strayed.store(true, Relaxed);
        }
        known.then_some(t as usize)
    }

    /// A class's weight by the number of classes.
    #[inline(always)]
    unsafe fn factor(&self, class: usize) -> F {
        let c = F::of(self.size.1 as f64);
        if self.weight.is_null() { F::ONE / c } else { *self.weight.add(class) / c }
    }
}

/// Writes the loss of every sample. False if a target is no class.
///
/// # Safety
/// The module's contract; `loss` addresses n elements.
pub unsafe fn one<F: Float>(x: *const F, l: &One<F>, loss: *mut F) -> bool {
    let (n, c) = l.size;
    let (x, loss, strayed) = (Shared::new(x), Shared(loss), AtomicBool::new(false));
    parallel::chunks(n, grain(c), &|rows| {
        for row in rows {
            // SAFETY: one sample.
            unsafe {
                *loss.at(row) = match l.class(row, &strayed) {
                    Some(t) => one_row::<F>(x.at(row * c), c, t, l.margin, l.squared) * l.factor(t),
                    None => F::ZERO,
                };
            }
        }
    });
    !strayed.into_inner()
}

crate::multiversion! {
    unsafe fn one_row[F: Float](x: *const F, c: usize, t: usize, margin: F, squared: bool) -> F {
        let shift = margin - *x.add(t);
        // The target itself does not count; a NaN is not above 0.
        let hinge = |i: usize| {
            let z = shift + *x.add(i);
            if (z > F::ZERO) & (i != t) { z } else { F::ZERO }
        };
        if squared { sum(c, |i| hinge(i) * hinge(i)) } else { sum(c, hinge) }
    }
}

/// Writes the gradient of [`one`], `g` one per sample. False if a target is no class.
///
/// # Safety
/// The module's contract.
pub unsafe fn one_backward<F: Float>(g: *const F, x: *const F, l: &One<F>, dx: *mut F) -> bool {
    let (n, c) = l.size;
    let (g, x, dx, strayed) = (Shared::new(g), Shared::new(x), Shared(dx), AtomicBool::new(false));
    parallel::chunks(n, grain(c), &|rows| {
        for row in rows {
            // SAFETY: one sample.
            unsafe {
                match l.class(row, &strayed) {
                    Some(t) => {
                        let scale = *g.at(row) * l.factor(t);
                        one_row_backward::<F>(x.at(row * c), c, t, l.margin, l.squared, scale, dx.at(row * c))
                    }
                    None => dx.at(row * c).write_bytes(0, c),
                }
            }
        }
    });
    !strayed.into_inner()
}

crate::multiversion! {
    unsafe fn one_row_backward[F: Float](x: *const F, c: usize, t: usize, margin: F, squared: bool, scale: F, dx: *mut F) {
        let shift = margin - *x.add(t);
        let twice = scale + scale;
        for i in 0..c {
            let z = shift + *x.add(i);
            let slope = if squared { twice * z } else { scale };
            *dx.add(i) = if (z > F::ZERO) & (i != t) { slope } else { F::ZERO };
        }
        *dx.add(t) = -sum(c, |i| *dx.add(i));
    }
}

/// The classes of samples, (n, c) of them; those of a sample end before the first -1.
pub struct Many {
    /// Classes.
    pub target: *const i64,
    /// Samples and classes.
    pub size: (usize, usize),
}

// SAFETY: targets are only read.
unsafe impl Sync for Many {}

impl Many {
    /// The classes of a sample, and whether nothing else stands there.
    #[inline(always)]
    unsafe fn classes(&self, row: usize) -> (impl Iterator<Item = usize> + Clone, bool) {
        let c = self.size.1;
        let all = std::slice::from_raw_parts(self.target.add(row * c), c);
        let n = all.iter().position(|&t| t < 0).unwrap_or(c);
        let known = all[..n].iter().all(|&t| t < c as i64) && all[n..].iter().all(|&t| t >= -1);
        let classes = all[..n].iter().map(|&t| t as usize).filter(move |&t| t < c);
        (classes, known)
    }
}

/// Writes the loss of every sample, `max(0, 1 - x[t] + x[i])` over its classes t and the others i by the number of classes,
/// and where its classes are, as 1 and 0. False if a target is no class.
///
/// # Safety
/// The module's contract; `loss` addresses n elements, `mask` (n, c).
pub unsafe fn many<F: Float>(x: *const F, l: &Many, loss: *mut F, mask: *mut F) -> bool {
    let (n, c) = l.size;
    let (x, loss, mask, strayed) = (Shared::new(x), Shared(loss), Shared(mask), AtomicBool::new(false));
    parallel::chunks(n, grain(c * c), &|rows| {
        let mut others = crate::error::filled(F::ZERO, c);
        for row in rows {
            // SAFETY: one sample.
            unsafe {
                let (x, mask) = (x.at(row * c), mask.at(row * c));
                let (classes, known) = l.classes(row);
                if !known {
                    strayed.store(true, Relaxed);
                }
                mark(x, classes.clone(), &mut others);
                (0..c).for_each(|i| *mask.add(i) = F::ZERO);
                let mut total = F::ZERO;
                for t in classes {
                    *mask.add(t) = F::ONE;
                    total += many_row::<F>(others.as_ptr(), c, F::ONE - *x.add(t));
                }
                *loss.at(row) = total / F::of(c as f64);
            }
        }
    });
    !strayed.into_inner()
}

/// The scores of a sample with minus infinity, which no hinge shows, for its classes.
#[inline(always)]
unsafe fn mark<F: Float>(x: *const F, classes: impl Iterator<Item = usize>, others: &mut [F]) {
    for (i, o) in others.iter_mut().enumerate() {
        *o = *x.add(i);
    }
    classes.for_each(|t| others[t] = F::NEG_INF);
}

crate::multiversion! {
    unsafe fn many_row[F: Float](others: *const F, c: usize, shift: F) -> F {
        sum(c, |i| {
            let z = shift + *others.add(i);
            if z > F::ZERO { z } else { F::ZERO }
        })
    }
}

/// Writes the gradient of [`many`], `g` one per sample. False if a target is no class.
///
/// # Safety
/// The module's contract.
pub unsafe fn many_backward<F: Float>(g: *const F, x: *const F, l: &Many, dx: *mut F) -> bool {
    let (n, c) = l.size;
    let (g, x, dx, strayed) = (Shared::new(g), Shared::new(x), Shared(dx), AtomicBool::new(false));
    parallel::chunks(n, grain(c * c), &|rows| {
        let mut others = crate::error::filled(F::ZERO, c);
        for row in rows {
            // SAFETY: one sample.
            unsafe {
                let (x, dx) = (x.at(row * c), dx.at(row * c));
                let scale = *g.at(row) / F::of(c as f64);
                let (classes, known) = l.classes(row);
                if !known {
                    strayed.store(true, Relaxed);
                }
                mark(x, classes.clone(), &mut others);
                (0..c).for_each(|i| *dx.add(i) = F::ZERO);
                for t in classes {
                    let hits = many_row_backward::<F>(others.as_ptr(), c, F::ONE - *x.add(t), scale, dx);
                    *dx.add(t) = *dx.add(t) - hits * scale;
                }
            }
        }
    });
    !strayed.into_inner()
}

crate::multiversion! {
    /// Adds the slopes of the other classes, and returns how many there are.
    unsafe fn many_row_backward[F: Float](others: *const F, c: usize, shift: F, scale: F, dx: *mut F) -> F {
        for i in 0..c {
            let hit = shift + *others.add(i) > F::ZERO;
            *dx.add(i) += if hit { scale } else { F::ZERO };
        }
        sum(c, |i| if shift + *others.add(i) > F::ZERO { F::ONE } else { F::ZERO })
    }
}
