//! Plans: what rustfft and realfft prepare for a length. They are kept, for making one takes longer than using it.

use crate::error::room;
use num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftDirection, FftNum, FftPlanner};
use std::any::{Any, TypeId};
use std::ops::Mul;
use std::slice;
use std::sync::{Arc, Mutex};

/// The transform of one line.
pub(super) trait Line<T>: Send + Sync {
    /// Elements of the line.
    type In: Copy;
    /// Elements of its transform.
    type Out: Copy + Mul<T, Output = Self::Out>;

    /// Does `run` leave `x` as it was?
    const KEEPS: bool = false;

    /// The number of elements before and after.
    fn lengths(&self) -> (usize, usize);
    /// Numbers that `run` needs to work with.
    fn scratch(&self) -> usize;
    /// Transforms the line at `x` to `y`.
    ///
    /// # Safety
    /// `x` points to a line, which nothing writes meanwhile; unless it is kept, nothing else reads it either.
    unsafe fn run(&self, x: *mut Self::In, y: &mut [Self::Out], scratch: &mut [Complex<T>]);
}

/// Complex numbers to as many.
pub(super) type Whole<T> = Arc<dyn Fft<T>>;
/// Real numbers to half as many complex ones and one more.
pub(super) type Half<T> = Arc<dyn RealToComplex<T>>;
/// And back.
pub(super) type Back<T> = Arc<dyn ComplexToReal<T>>;

impl<T: FftNum> Line<T> for Whole<T> {
    type In = Complex<T>;
    type Out = Complex<T>;
    const KEEPS: bool = true;

    fn lengths(&self) -> (usize, usize) {
        (self.len(), self.len())
    }
    fn scratch(&self) -> usize {
        self.get_immutable_scratch_len()
    }
    unsafe fn run(&self, x: *mut Complex<T>, y: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        // SAFETY: the caller's promise.
        let x = unsafe { slice::from_raw_parts(x, self.len()) };
        self.process_immutable_with_scratch(x, y, scratch);
    }
}

impl<T: FftNum> Line<T> for Half<T> {
    type In = T;
    type Out = Complex<T>;

    fn lengths(&self) -> (usize, usize) {
        (self.len(), self.complex_len())
    }
    fn scratch(&self) -> usize {
        self.get_scratch_len()
    }
    unsafe fn run(&self, x: *mut T, y: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        // SAFETY: the caller's promise.
        let x = unsafe { slice::from_raw_parts_mut(x, self.len()) };
        let done = self.process_with_scratch(x, y, scratch);
        debug_assert!(done.is_ok());
    }
}

/// [`Half`] with the conjugates that follow from it.
pub(super) struct Mirrored<T: FftNum>(pub Half<T>);

impl<T: FftNum> Line<T> for Mirrored<T> {
    type In = T;
    type Out = Complex<T>;

    fn lengths(&self) -> (usize, usize) {
        (self.0.len(), self.0.len())
    }
    fn scratch(&self) -> usize {
        self.0.get_scratch_len()
    }
    unsafe fn run(&self, x: *mut T, y: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        let (half, rest) = y.split_at_mut(self.0.complex_len());
        // SAFETY: passed on.
        unsafe { self.0.run(x, half, scratch) };
        for (z, w) in rest.iter_mut().rev().zip(&half[1..]) {
            *z = w.conj();
        }
    }
}

impl<T: FftNum> Line<T> for Back<T> {
    type In = Complex<T>;
    type Out = T;

    fn lengths(&self) -> (usize, usize) {
        (self.complex_len(), self.len())
    }
    fn scratch(&self) -> usize {
        self.get_scratch_len()
    }
    unsafe fn run(&self, x: *mut Complex<T>, y: &mut [T], scratch: &mut [Complex<T>]) {
        // SAFETY: the caller's promise.
        let x = unsafe { slice::from_raw_parts_mut(x, self.complex_len()) };
        // The one error that lengths leave: an imaginary part that a real line cannot have, which it takes to be 0.
        let _ = self.process_with_scratch(x, y, scratch);
    }
}

/// The plan for complex lines of `n`.
pub(super) fn whole<T: FftNum>(n: usize, forward: bool) -> Whole<T> {
    let direction = if forward { FftDirection::Forward } else { FftDirection::Inverse };
    kept::<T, _>(n, forward, || FftPlanner::new().plan_fft(n, direction))
}

/// The plan for real lines of `n`.
pub(super) fn half<T: FftNum>(n: usize) -> Half<T> {
    kept::<T, _>(n, true, || RealFftPlanner::new().plan_fft_forward(n))
}

/// The plan back to real lines of `n`.
pub(super) fn back<T: FftNum>(n: usize) -> Back<T> {
    kept::<T, _>(n, false, || RealFftPlanner::new().plan_fft_inverse(n))
}

struct Entry {
    kind: (TypeId, bool, usize),
    plan: Box<dyn Any + Send>,
}

/// The plan used last stands last.
static PLANS: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
/// Plans that are kept at most,
const MOST: usize = 64;
/// and their lengths in all, but that the last one is always kept.
const LENGTHS: usize = 1 << 22;
/// Complex numbers per element that no plan exceeds: those of primes hold a transform of about four times the length.
const ROOM: usize = 12;

fn kept<T: FftNum, P: Clone + Send + 'static>(n: usize, forward: bool, make: impl FnOnce() -> P) -> P {
    let kind = (TypeId::of::<P>(), forward, n);
    // A lock that is taken is not waited for: in a forked child its owner may not exist.
    if let Ok(mut plans) = PLANS.try_lock()
        && let Some(i) = plans.iter().rposition(|e| e.kind == kind)
    {
        plans[i..].rotate_left(1);
        if let Some(plan) = plans.last().and_then(|e| e.plan.downcast_ref::<P>()) {
            return plan.clone();
        }
    }
    // Without memory this unwinds as kernels do, where planners would abort.
    drop(room::<Complex<T>>(n.saturating_mul(ROOM)));
    let plan = make();
    if let Ok(mut plans) = PLANS.try_lock() {
        plans.push(Entry { kind, plan: Box::new(plan.clone()) });
        while plans.len() > MOST || plans.len() > 1 && plans.iter().map(|e| e.kind.2).sum::<usize>() > LENGTHS {
            plans.remove(0);
        }
    }
    plan
}
