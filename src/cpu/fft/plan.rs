//! Plans: what rustfft and realfft prepare for a length. They are kept, for making one takes longer than using it.

use super::side::{Number, Side};
use crate::error::room;
use crate::multiversion;
use num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftDirection, FftNum, FftPlanner};
use std::any::{Any, TypeId};
use std::f64::consts::TAU;
use std::ops::Mul;
use std::slice;
use std::sync::{Arc, Mutex};

/// The transform of one line.
pub(super) trait Line<T>: Send + Sync {
    /// Elements of the line.
    type In: Copy + Sync + Mul<Output = Self::In>;
    /// Elements of its transform.
    type Out: Copy + Mul<T, Output = Self::Out>;

    /// Does `run` leave `x` as it was?
    fn keeps(&self) -> bool {
        false
    }
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
#[derive(Clone)]
pub(super) enum Half<T: FftNum> {
    /// As the complex line of neighbours,
    Even(Whole<T>, Arc<[Complex<T>]>),
    /// or by realfft.
    Odd(Arc<dyn RealToComplex<T>>),
}
/// And back.
pub(super) type Back<T> = Arc<dyn ComplexToReal<T>>;

impl<T: FftNum> Line<T> for Whole<T> {
    type In = Complex<T>;
    type Out = Complex<T>;
    fn keeps(&self) -> bool {
        true
    }
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

impl<T: Number> Half<T> {
    fn new(n: usize) -> Self {
        if !n.is_multiple_of(2) {
            return Half::Odd(RealFftPlanner::new().plan_fft_forward(n));
        }
        // -i/2 exp(-2 pi i k / n)
        let factor = |k: usize| {
            let (sin, cos) = (TAU * k as f64 / n as f64).sin_cos();
            Complex::new(T::of(-0.5 * sin), T::of(-0.5 * cos))
        };
        let factors = (1..n.div_ceil(4)).map(factor).collect();
        Half::Even(FftPlanner::new().plan_fft(n / 2, FftDirection::Forward), factors)
    }
}

multiversion! {
    /// Coefficients of a real line of length 2 h from the transform z of its neighbours as complex numbers: with
    /// `E = (z[k] + conj z[h - k]) / 2` and `D = factor[k] (z[k] - conj z[h - k])` these are `E + D`, and `conj(E - D)` at
    /// h - k. `low` begins at k = 1, `high` ends at h - 1.
    ///
    /// # Safety
    /// They have the same length.
    unsafe fn unpack[T: Number](low: &mut [Complex<T>], high: &mut [Complex<T>], factors: &[Complex<T>]) {
        let n = low.len();
        for k in 0..n {
            let (z, m, c) = (*low.get_unchecked(k), *high.get_unchecked(n - 1 - k), *factors.get_unchecked(k));
            let (er, ei) = (T::HALF * (z.re + m.re), T::HALF * (z.im - m.im));
            let (dr, di) = (z.re - m.re, z.im + m.im);
            let (dr, di) = (dr * c.re - di * c.im, dr * c.im + di * c.re);
            *low.get_unchecked_mut(k) = Complex::new(er + dr, ei + di);
            *high.get_unchecked_mut(n - 1 - k) = Complex::new(er - dr, di - ei);
        }
    }
}

impl<T: Number> Line<T> for Half<T> {
    type In = T;
    type Out = Complex<T>;

    fn keeps(&self) -> bool {
        matches!(self, Half::Even(..))
    }
    fn lengths(&self) -> (usize, usize) {
        match self {
            Half::Even(plan, _) => (2 * plan.len(), plan.len() + 1),
            Half::Odd(plan) => (plan.len(), plan.complex_len()),
        }
    }
    fn scratch(&self) -> usize {
        match self {
            Half::Even(plan, _) => plan.get_immutable_scratch_len(),
            Half::Odd(plan) => plan.get_scratch_len(),
        }
    }
    unsafe fn run(&self, x: *mut T, y: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        match self {
            Half::Even(plan, factors) => {
                let h = plan.len();
                // SAFETY: the caller's promise; a complex number is two real ones.
                let x = unsafe { slice::from_raw_parts(x.cast::<Complex<T>>(), h) };
                plan.process_immutable_with_scratch(x, &mut y[..h], scratch);
                let first = y[0];
                y[0] = Complex::new(first.re + first.im, T::ZERO);
                y[h] = Complex::new(first.re - first.im, T::ZERO);
                if h.is_multiple_of(2) {
                    y[h / 2] = y[h / 2].conj();
                }
                let pairs = factors.len();
                let (low, high) = y[1..h].split_at_mut(pairs);
                let rest = high.len() - pairs;
                // SAFETY: there are as many of each.
                unsafe { unpack(low, &mut high[rest..], factors) };
            }
            Half::Odd(plan) => {
                // SAFETY: the caller's promise.
                let x = unsafe { slice::from_raw_parts_mut(x, plan.len()) };
                let done = plan.process_with_scratch(x, y, scratch);
                debug_assert!(done.is_ok());
            }
        }
    }
}

/// [`Half`] with the conjugates that follow from it.
pub(super) struct Mirrored<T: FftNum>(pub Half<T>);

impl<T: Number> Line<T> for Mirrored<T> {
    type In = T;
    type Out = Complex<T>;

    fn keeps(&self) -> bool {
        self.0.keeps()
    }
    fn lengths(&self) -> (usize, usize) {
        let (n, _) = self.0.lengths();
        (n, n)
    }
    fn scratch(&self) -> usize {
        self.0.scratch()
    }
    unsafe fn run(&self, x: *mut T, y: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        let (half, rest) = y.split_at_mut(self.0.lengths().1);
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

/// The plan for complex lines of `n` side by side, if its factors are small.
pub(super) fn side<T: Number>(n: usize) -> Option<Arc<Side<T>>> {
    kept::<T, _>(n, true, || Side::new(n).map(Arc::new))
}

/// The plan for real lines of `n`.
pub(super) fn half<T: Number>(n: usize) -> Half<T> {
    kept::<T, _>(n, true, || Half::new(n))
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
