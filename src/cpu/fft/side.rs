//! Transforms of lines side by side, each in a lane of its own: no element meets another of its vector, and lines that lie
//! across memory are read and written as they lie.
//!
//! Stockham's algorithm (Swarztrauber 1984, "FFT algorithms for vector computers") for lengths of small factors: a pass for
//! each, from one buffer to the other.

use crate::cpu::simd::math::Real;
use crate::cpu::simd::prefetch;
use crate::multiversion;
use rustfft::FftNum;
use std::array::from_fn;
use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// Lines that are transformed together.
pub(super) const LANES: usize = 16;

/// An element of each line: real parts, imaginary parts.
pub(super) type Row<T> = [[T; LANES]; 2];

/// [`LANES`], but the compiler does not know: it would unroll the loops over lanes before it could vectorise them.
#[inline(always)]
fn width() -> usize {
    std::hint::black_box(LANES)
}

/// Numbers of either precision.
pub(super) trait Number: FftNum + Real {}
impl Number for f32 {}
impl Number for f64 {}

/// What the transform of one length needs.
pub(super) struct Side<T> {
    n: usize,
    passes: Vec<Pass<T>>,
}

struct Pass<T> {
    radix: usize,
    /// Neighbouring rows that belong to transforms apart,
    apart: usize,
    /// and factors by what remains of the length after this pass: those of its first row are 1, and left out.
    turns: Vec<[T; 2]>,
}

/// `exp(-2 pi i k / n)`.
fn root<T: Number>(k: usize, n: usize) -> [T; 2] {
    let angle = TAU * (k % n) as f64 / n as f64;
    [T::of(angle.cos()), T::of(-angle.sin())]
}

/// The radices of a length, if it has only small factors.
fn radices(mut n: usize) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    for r in [5, 3] {
        while n.is_multiple_of(r) {
            found.push(r);
            n /= r;
        }
    }
    while n > 1 {
        // 16 is better made of two 4s than of 8 and 2.
        let r = *[8, 4, 2].iter().find(|&&r| n.is_multiple_of(r) && (r != 8 || n != 16))?;
        found.push(r);
        n /= r;
    }
    Some(found)
}

impl<T: Number> Side<T> {
    /// For lines of `n` numbers. None if a factor of n is too large.
    pub fn new(n: usize) -> Option<Self> {
        let (mut passes, mut rest, mut apart) = (Vec::new(), n, 1);
        for radix in radices(n)? {
            let next = rest / radix;
            let turns = (1..next).flat_map(|p| (1..radix).map(move |k| root(p * k, rest))).collect();
            passes.push(Pass { radix, apart, turns });
            (rest, apart) = (next, apart * radix);
        }
        Some(Side { n, passes })
    }

    /// Transforms the first `n` rows of `x`, with `y` to work in. The result lies where it says: true for `x`.
    pub fn run(&self, x: &mut [Row<T>], y: &mut [Row<T>]) -> bool {
        let (mut from, mut to, mut at_home) = (x, y, true);
        for pass in &self.passes {
            // SAFETY: both buffers have n rows.
            unsafe { step(&from[..self.n], &mut to[..self.n], pass.radix, pass.apart, &pass.turns) };
            (from, to, at_home) = (to, from, !at_home);
        }
        at_home
    }
}

#[inline(always)]
fn mul<T: Number>(a: [T; 2], b: [T; 2]) -> [T; 2] {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

#[inline(always)]
fn add<T: Number>(a: [T; 2], b: [T; 2]) -> [T; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

#[inline(always)]
fn sub<T: Number>(a: [T; 2], b: [T; 2]) -> [T; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

/// The number in lane `l < LANES`.
#[inline(always)]
unsafe fn at<T: Number>(row: &Row<T>, l: usize) -> [T; 2] {
    // SAFETY: the caller's promise.
    unsafe { [*row[0].as_ptr().add(l), *row[1].as_ptr().add(l)] }
}

/// -i a.
#[inline(always)]
fn turned<T: Number>(a: [T; 2]) -> [T; 2] {
    [a[1], -a[0]]
}

#[inline(always)]
fn times<T: Number>(c: f64, a: [T; 2]) -> [T; 2] {
    [T::of(c) * a[0], T::of(c) * a[1]]
}

#[inline(always)]
fn butterfly4<T: Number>(a: [[T; 2]; 4]) -> [[T; 2]; 4] {
    let (s, d) = (add(a[0], a[2]), sub(a[0], a[2]));
    let (t, e) = (add(a[1], a[3]), turned(sub(a[1], a[3])));
    [add(s, t), add(d, e), sub(s, t), sub(d, e)]
}

/// The transform of `R` numbers.
#[inline(always)]
fn butterfly<T: Number, const R: usize>(a: [[T; 2]; R]) -> [[T; 2]; R] {
    let mut y = a;
    match R {
        2 => (y[0], y[1]) = (add(a[0], a[1]), sub(a[0], a[1])),
        3 => {
            let (sum, difference) = (add(a[1], a[2]), sub(a[1], a[2]));
            let middle = sub(a[0], times(0.5, sum));
            let side = turned(times(0.75f64.sqrt(), difference));
            y[0] = add(a[0], sum);
            (y[1], y[2]) = (add(middle, side), sub(middle, side));
        }
        4 => y.copy_from_slice(&butterfly4([a[0], a[1], a[2], a[3]])),
        5 => {
            // cos and sin of 2 pi / 5 and 4 pi / 5.
            const C: [f64; 2] = [0.30901699437494745, -0.8090169943749475];
            const S: [f64; 2] = [0.9510565162951535, 0.5877852522924731];
            let (s, t) = (add(a[1], a[4]), add(a[2], a[3]));
            let (d, e) = (sub(a[1], a[4]), sub(a[2], a[3]));
            y[0] = add(a[0], add(s, t));
            let (m, n) = (add(times(C[0], s), times(C[1], t)), add(times(C[1], s), times(C[0], t)));
            let (m, n) = (add(a[0], m), add(a[0], n));
            let p = turned(add(times(S[0], d), times(S[1], e)));
            let q = turned(sub(times(S[1], d), times(S[0], e)));
            (y[1], y[4]) = (add(m, p), sub(m, p));
            (y[2], y[3]) = (add(n, q), sub(n, q));
        }
        _ => {
            let even = butterfly4([a[0], a[2], a[4], a[6]]);
            let odd = butterfly4([a[1], a[3], a[5], a[7]]);
            let [u, v] = [odd[1], odd[3]];
            let odd = [
                odd[0],
                times(FRAC_1_SQRT_2, [u[0] + u[1], u[1] - u[0]]),
                turned(odd[2]),
                times(FRAC_1_SQRT_2, [v[1] - v[0], -v[0] - v[1]]),
            ];
            for k in 0..4 {
                (y[k], y[k + 4]) = (add(even[k], odd[k]), sub(even[k], odd[k]));
            }
        }
    }
    y
}

/// One butterfly in every lane, of rows `dx` apart to rows `dy` apart, these multiplied by `turns`.
#[inline(always)]
unsafe fn lanes<T: Number, const R: usize, const TURN: bool>(
    x: *const Row<T>,
    dx: usize,
    y: *mut Row<T>,
    dy: usize,
    turns: &[[T; 2]; R],
    width: usize,
) {
    for l in 0..width {
        // SAFETY: the caller's promise.
        unsafe {
            let b = butterfly::<T, R>(from_fn(|i| at(&*x.add(i * dx), l)));
            for k in 0..R {
                let z = if TURN && k > 0 { mul(b[k], turns[k]) } else { b[k] };
                let row: *mut T = y.add(k * dy).cast();
                row.add(l).write(z[0]);
                row.add(LANES + l).write(z[1]);
            }
        }
    }
}

#[inline(always)]
unsafe fn each<T: Number, const R: usize>(x: &[Row<T>], y: &mut [Row<T>], apart: usize, turns: &[[T; 2]]) {
    let left = x.len() / R / apart;
    let (x, y, width) = (x.as_ptr(), y.as_mut_ptr(), width());
    let mut by = [[T::ONE; 2]; R];
    for p in 0..left {
        if p > 0 {
            by[1..].copy_from_slice(&turns[(p - 1) * (R - 1)..p * (R - 1)]);
        }
        for q in 0..apart {
            // SAFETY: p and q stay within x.len() = R left apart rows.
            unsafe {
                let (x, y) = (x.add(p * apart + q), y.add(p * apart * R + q));
                match p {
                    0 => lanes::<T, R, false>(x, left * apart, y, apart, &by, width),
                    _ => lanes::<T, R, true>(x, left * apart, y, apart, &by, width),
                }
            }
        }
    }
}

multiversion! {
    /// A pass of Stockham's algorithm.
    ///
    /// # Safety
    /// The buffers have equally many rows.
    unsafe fn step[T: Number](x: &[Row<T>], y: &mut [Row<T>], radix: usize, apart: usize, turns: &[[T; 2]]) {
        match radix {
            2 => each::<T, 2>(x, y, apart, turns),
            3 => each::<T, 3>(x, y, apart, turns),
            4 => each::<T, 4>(x, y, apart, turns),
            5 => each::<T, 5>(x, y, apart, turns),
            _ => each::<T, 8>(x, y, apart, turns),
        }
    }
}

/// Rows ahead of which memory is asked for: a processor does not guess strides of pages.
const AHEAD: usize = 12;

multiversion! {
    /// Reads the first `lanes` lanes of all rows from rows of complex numbers `stride` apart. With parts exchanged the
    /// transform is the one backward.
    ///
    /// # Safety
    /// There are as many rows, of at least so many numbers; `lanes <= LANES`.
    pub(super) unsafe fn gather[T: Number](from: *const [T; 2], stride: isize, rows: &mut [Row<T>], lanes: usize, swap: bool) {
        for (j, row) in rows.iter_mut().enumerate() {
            let from = from.wrapping_offset(j as isize * stride);
            prefetch(from.wrapping_offset(AHEAD as isize * stride).cast(), size_of::<Row<T>>());
            let [re, im] = row.each_mut().map(|part| part.as_mut_ptr());
            let (re, im) = if swap { (im, re) } else { (re, im) };
            for l in 0..lanes {
                let [a, b] = *from.add(l);
                re.add(l).write(a);
                im.add(l).write(b);
            }
        }
    }
}

multiversion! {
    /// The way back, times `scale`.
    ///
    /// # Safety
    /// As for [`gather`].
    pub(super) unsafe fn scatter[T: Number](rows: &[Row<T>], to: *mut [T; 2], stride: isize, lanes: usize, swap: bool, scale: T) {
        for (j, row) in rows.iter().enumerate() {
            let to = to.wrapping_offset(j as isize * stride);
            prefetch(to.wrapping_offset(AHEAD as isize * stride).cast(), size_of::<Row<T>>());
            let [re, im] = row.each_ref().map(|part| part.as_ptr());
            let (re, im) = if swap { (im, re) } else { (re, im) };
            for l in 0..lanes {
                to.add(l).write([*re.add(l) * scale, *im.add(l) * scale]);
            }
        }
    }
}
