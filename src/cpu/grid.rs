//! Reading images at given places, and the gradients of it, in blocks of places.
//!
//! # Contract of the unsafe code
//! `x` addresses (n, c, *input) contiguous elements, `grid` (n, places, dims) and `y` (n, c, places); outputs are no
//! inputs. Places are compared with the image before they become indices.

#![allow(clippy::needless_range_loop, reason = "one index runs through several streams")]
#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Float, Shared, grain};
use super::parallel;

/// Places that are worked on together.
const BLOCK: usize = 64;
/// Taps of a place at most: two along each of three dims.
const TAPS: usize = 8;
/// Channels that a task adds gradients to.
const CHANNELS: usize = 16;

/// What counts as the value of places outside of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// 0.
    Zeros,
    /// The nearest element.
    Border,
    /// The image mirrored at its edges.
    Reflection,
}

/// How an image is read.
#[derive(Clone, Copy, Debug)]
pub struct Sampler {
    /// Images.
    pub n: usize,
    /// Their channels.
    pub channels: usize,
    /// Extents of an image: depth, which is 1 for 2-d ones, height, width. Their product fits an i32.
    pub input: [usize; 3],
    /// Two or three.
    pub dims: usize,
    /// Places read in each image.
    pub places: usize,
    /// The nearest element, or a mean of those around?
    pub nearest: bool,
    /// The value outside.
    pub outside: Outside,
    /// Are -1 and 1 the centres of the corners, or their outer edges?
    pub align: bool,
}

/// What places need of f32 and f64 besides arithmetic; the rest of a division is one of numbers that are not negative.
#[allow(missing_docs, reason = "the names say it")]
pub trait GridFloat: Float {
    fn floor(self) -> Self;
    fn rest(self, by: Self) -> Self;
    fn round(self) -> Self;
    fn index(self) -> i32;
}
macro_rules! floats { ($($t:ty)+) => { $(impl GridFloat for $t {
    #[inline(always)] fn floor(self) -> Self { <$t>::floor(self) }
    #[inline(always)] fn rest(self, by: Self) -> Self { self % by }
    #[inline(always)] fn round(self) -> Self { self.round_ties_even() }
    #[inline(always)] fn index(self) -> i32 { self as i32 }
})+ }; }
floats!(f32 f64);

impl Sampler {
    fn plane(&self) -> usize {
        self.input.iter().product()
    }

    fn taps(&self) -> usize {
        if self.nearest { 1 } else { 1 << self.dims }
    }

    /// The extent of axis `d`, and the elements from one of its places to the next.
    fn axis(&self, d: usize) -> (usize, usize) {
        let at = 3 - self.dims + d;
        (self.input[at], self.input[at + 1..].iter().product())
    }

    /// A coordinate in elements of an axis of `n`, and its derivative by the coordinate.
    #[inline(always)]
    fn place<F: GridFloat>(&self, x: F, n: usize) -> (F, F) {
        let (size, half) = (F::of(n as f64), F::of(0.5));
        match self.align {
            true => ((x + F::ONE) * F::of((n as f64 - 1.0) / 2.0), F::of((n as f64 - 1.0) / 2.0)),
            false => (((x + F::ONE) * size - F::ONE) * half, size * half),
        }
    }

    /// A place mirrored into an axis of `n`.
    #[inline(always)]
    fn mirrored<F: GridFloat>(&self, (at, slope): (F, F), n: usize) -> (F, F) {
        let last = n as f64 - 1.0;
        let (low, span) = if self.align { (0.0, last) } else { (-0.5, n as f64) };
        if span == 0.0 {
            return clipped((at * F::ZERO, F::ZERO), n);
        }
        let (low, span) = (F::of(low), F::of(span));
        let (far, slope) = if at < low { (low - at, -slope) } else { (at - low, slope) };
        let extra = far.rest(span);
        match (far / span).floor().rest(F::of(2.0)) == F::ZERO {
            true => clipped((extra + low, slope), n),
            false => clipped((span - extra + low, -slope), n),
        }
    }
}

/// A place moved into `0..n`; a NaN to the first element. There and at the edges it does not move with the coordinate.
#[inline(always)]
fn clipped<F: GridFloat>((at, slope): (F, F), n: usize) -> (F, F) {
    let last = F::of(n as f64 - 1.0);
    let inside = (at > F::ZERO) & (at < last);
    let edge = if at >= last { last } else { F::ZERO };
    (if inside { at } else { edge }, if inside { slope } else { F::ZERO })
}

/// The taps of a block of places along one axis: their share of the index, or -1 outside; weights; and the slope of the
/// second weight by the coordinate.
struct Axis<F> {
    at: [[i32; BLOCK]; 2],
    weight: [[F; BLOCK]; 2],
    slope: [F; BLOCK],
}

/// Where a block of coordinates lies along axis `d`, in elements, and how that moves with the coordinates.
#[inline(always)]
unsafe fn places<F: GridFloat>(s: &Sampler, d: usize, grid: *const F, count: usize) -> ([F; BLOCK], [F; BLOCK]) {
    let n = s.axis(d).0;
    // The grid names the last dim first.
    let grid = grid.add(s.dims - 1 - d);
    // A loop each: what the first two do runs in vectors.
    match s.outside {
        Outside::Zeros => brought(s, n, grid, count, |place| place),
        Outside::Border => brought(s, n, grid, count, |place| clipped(place, n)),
        Outside::Reflection => brought(s, n, grid, count, |place| s.mirrored(place, n)),
    }
}

#[inline(always)]
unsafe fn brought<F: GridFloat>(
    s: &Sampler,
    n: usize,
    grid: *const F,
    count: usize,
    bring_in: impl Fn((F, F)) -> (F, F),
) -> ([F; BLOCK], [F; BLOCK]) {
    let (mut places, mut slopes) = ([F::ZERO; BLOCK], [F::ZERO; BLOCK]);
    for i in 0..count {
        (places[i], slopes[i]) = bring_in(s.place(*grid.add(i * s.dims), n));
    }
    (places, slopes)
}

/// What whole places along an axis of `n` add to the index, `step` for each; -1 outside.
#[inline(always)]
fn share<F: GridFloat>(place: F, n: usize, step: usize) -> i32 {
    let inside = (place >= F::ZERO) & (place <= F::of(n as f64 - 1.0));
    if inside { place.index() * step as i32 } else { -1 }
}

/// Both shares of an index; -1 if one is outside.
#[inline(always)]
fn joined(a: i32, b: i32) -> i32 {
    if (a < 0) | (b < 0) { -1 } else { a + b }
}

/// The nearest elements of a block of places: indices into the plane, -1 outside.
#[inline(always)]
unsafe fn nearest<F: GridFloat>(s: &Sampler, grid: *const F, count: usize) -> [i32; BLOCK] {
    let mut at = [0; BLOCK];
    for d in 0..s.dims {
        let (n, step) = s.axis(d);
        let places = places(s, d, grid, count).0;
        for i in 0..BLOCK {
            at[i] = joined(at[i], share(places[i].round(), n, step));
        }
    }
    at
}

impl<F: GridFloat> Axis<F> {
    const NONE: Self = Axis { at: [[-1; BLOCK]; 2], weight: [[F::ZERO; BLOCK]; 2], slope: [F::ZERO; BLOCK] };

    #[inline(always)]
    unsafe fn new(s: &Sampler, d: usize, grid: *const F, count: usize) -> Self {
        let (n, step) = s.axis(d);
        let mut a = Self::NONE;
        let places;
        (places, a.slope) = self::places(s, d, grid, count);
        for i in 0..BLOCK {
            let low = if s.nearest { places[i].round() } else { places[i].floor() };
            (a.at[0][i], a.at[1][i]) = (share(low, n, step), share(low + F::ONE, n, step));
            let t = places[i] - low;
            (a.weight[0][i], a.weight[1][i]) = (F::ONE - t, t);
        }
        a
    }
}

/// The taps of a block of places: indices into the plane, -1 outside, and weights.
struct Taps<F> {
    axes: [Axis<F>; 3],
    at: [[i32; BLOCK]; TAPS],
    weight: [[F; BLOCK]; TAPS],
}

impl<F: GridFloat> Taps<F> {
    #[inline(always)]
    unsafe fn new(s: &Sampler, grid: *const F, count: usize) -> Self {
        // No closure: one that is not inlined runs without the level's instructions, and floor() is a call then.
        let mut axes = [const { Axis::NONE }; 3];
        for d in 0..s.dims {
            axes[d] = Axis::new(s, d, grid, count);
        }
        let mut t = Taps { axes, at: [[-1; BLOCK]; TAPS], weight: [[F::ONE; BLOCK]; TAPS] };
        for k in 0..s.taps() {
            let mut at = [0i32; BLOCK];
            for d in 0..s.dims {
                let (axis, c) = (&t.axes[d], choice(s, k, d));
                for i in 0..BLOCK {
                    at[i] = joined(at[i], axis.at[c][i]);
                    if !s.nearest {
                        t.weight[k][i] = if d == 0 { axis.weight[c][i] } else { t.weight[k][i] * axis.weight[c][i] };
                    }
                }
            }
            t.at[k] = at;
        }
        t
    }

    /// What the weights of the taps change by with the coordinate of axis `d`.
    #[inline(always)]
    fn slopes(&self, s: &Sampler, d: usize) -> [[F; BLOCK]; TAPS] {
        let mut out = [[F::ONE; BLOCK]; TAPS];
        for k in 0..s.taps() {
            for e in (0..s.dims).filter(|&e| e != d) {
                let weight = &self.axes[e].weight[choice(s, k, e)];
                (0..BLOCK).for_each(|i| out[k][i] *= weight[i]);
            }
            if choice(s, k, d) == 0 {
                (0..BLOCK).for_each(|i| out[k][i] = -out[k][i]);
            }
        }
        out
    }
}

/// Which of the two places along axis `d` tap `k` reads.
#[inline(always)]
fn choice(s: &Sampler, k: usize, d: usize) -> usize {
    if s.nearest { 0 } else { (k >> (s.dims - 1 - d)) & 1 }
}

/// One tap of a block: the elements, 0 outside.
#[inline(always)]
unsafe fn read<F: GridFloat>(x: *const F, at: &[i32; BLOCK]) -> [F; BLOCK] {
    let mut v = [F::ZERO; BLOCK];
    for i in 0..BLOCK {
        let value = *x.offset(at[i].max(0) as isize);
        v[i] = if at[i] < 0 { F::ZERO } else { value };
    }
    v
}

/// Runs `f(image, first place, count)` for all blocks of places.
fn blocks(s: &Sampler, cost: usize, f: impl Fn(usize, usize, usize) + Sync) {
    let per = s.places.div_ceil(BLOCK);
    parallel::chunks(s.n * per, grain(BLOCK * cost), &|range| {
        for b in range {
            let first = b % per * BLOCK;
            f(b / per, first, BLOCK.min(s.places - first));
        }
    });
}

/// Writes what all channels have at the places.
///
/// # Safety
/// The module's contract.
pub unsafe fn sample<F: GridFloat>(x: *const F, grid: *const F, y: *mut F, s: &Sampler) {
    let (x, grid, y) = (Shared::new(x), Shared::new(grid), Shared(y));
    blocks(s, s.taps() * (s.channels + 2), |n, first, count| {
        // SAFETY: one block of places of one image.
        unsafe {
            sample_block::<F>(
                x.at(n * s.channels * s.plane()),
                grid.at((n * s.places + first) * s.dims),
                y.at(n * s.channels * s.places + first),
                count,
                s,
            )
        }
    });
}

crate::multiversion! {
    unsafe fn sample_block[F: GridFloat](x: *const F, grid: *const F, y: *mut F, count: usize, s: &Sampler) {
        if s.nearest {
            let at = nearest(s, grid, count);
            for c in 0..s.channels {
                let value = read(x.add(c * s.plane()), &at);
                y.add(c * s.places).copy_from_nonoverlapping(value.as_ptr(), count);
            }
            return;
        }
        let t = Taps::new(s, grid, count);
        for c in 0..s.channels {
            let x = x.add(c * s.plane());
            let mut sum = read(x, &t.at[0]);
            (0..BLOCK).for_each(|i| sum[i] *= t.weight[0][i]);
            for k in 1..s.taps() {
                let v = read(x, &t.at[k]);
                (0..BLOCK).for_each(|i| sum[i] += v[i] * t.weight[k][i]);
            }
            y.add(c * s.places).copy_from_nonoverlapping(sum.as_ptr(), count);
        }
    }
}

/// Writes the gradient by the image. A task owns channels of one image.
///
/// # Safety
/// The module's contract; `g` is like y, `dx` like x.
pub unsafe fn image_gradient<F: GridFloat>(g: *const F, grid: *const F, dx: *mut F, s: &Sampler) {
    let (g, grid, dx) = (Shared::new(g), Shared::new(grid), Shared(dx));
    let groups = s.channels.div_ceil(CHANNELS);
    parallel::run(s.n * groups, &|task| {
        let (n, from) = (task / groups, task % groups * CHANNELS);
        let channels = CHANNELS.min(s.channels - from);
        // SAFETY: these channels' planes alone.
        unsafe {
            let dx = dx.at((n * s.channels + from) * s.plane());
            dx.write_bytes(0, channels * s.plane());
            for first in (0..s.places).step_by(BLOCK) {
                image_block::<F>(
                    g.at((n * s.channels + from) * s.places + first),
                    grid.at((n * s.places + first) * s.dims),
                    dx,
                    channels,
                    BLOCK.min(s.places - first),
                    s,
                );
            }
        }
    });
}

crate::multiversion! {
    unsafe fn image_block[F: GridFloat](g: *const F, grid: *const F, dx: *mut F, channels: usize, count: usize, s: &Sampler) {
        let t = Taps::new(s, grid, count);
        for c in 0..channels {
            let (g, dx) = (g.add(c * s.places), dx.add(c * s.plane()));
            for k in 0..s.taps() {
                for i in 0..count {
                    if t.at[k][i] >= 0 {
                        let to = dx.add(t.at[k][i] as usize);
                        *to += *g.add(i) * t.weight[k][i];
                    }
                }
            }
        }
    }
}

/// Writes the gradient by the grid, for means of the elements around a place.
///
/// # Safety
/// The module's contract; `g` is like y, `dgrid` like grid.
pub unsafe fn grid_gradient<F: GridFloat>(g: *const F, x: *const F, grid: *const F, dgrid: *mut F, s: &Sampler) {
    let (g, x, grid, dgrid) = (Shared::new(g), Shared::new(x), Shared::new(grid), Shared(dgrid));
    blocks(s, s.taps() * s.dims * (s.channels + 2), |n, first, count| {
        let at = (n * s.places + first) * s.dims;
        // SAFETY: one block of places of one image.
        unsafe {
            let (g, x) = (g.at(n * s.channels * s.places + first), x.at(n * s.channels * s.plane()));
            grid_block::<F>(g, x, grid.at(at), dgrid.at(at), count, s);
        }
    });
}

crate::multiversion! {
    unsafe fn grid_block[F: GridFloat](g: *const F, x: *const F, grid: *const F, dgrid: *mut F, count: usize, s: &Sampler) {
        let t = Taps::new(s, grid, count);
        let mut slopes = [[[F::ZERO; BLOCK]; TAPS]; 3];
        (0..s.dims).for_each(|d| slopes[d] = t.slopes(s, d));
        let mut sums = [[F::ZERO; BLOCK]; 3];
        for c in 0..s.channels {
            let (x, from) = (x.add(c * s.plane()), g.add(c * s.places));
            let mut g = [F::ZERO; BLOCK];
            g.as_mut_ptr().copy_from_nonoverlapping(from, count);
            for k in 0..s.taps() {
                let v = read(x, &t.at[k]);
                for d in 0..s.dims {
                    (0..BLOCK).for_each(|i| sums[d][i] += g[i] * v[i] * slopes[d][k][i]);
                }
            }
        }
        for d in 0..s.dims {
            for i in 0..count {
                *dgrid.add(i * s.dims + s.dims - 1 - d) = sums[d][i] * t.axes[d].slope[i];
            }
        }
    }
}
