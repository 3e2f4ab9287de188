//! Distances between rows, without the differences in memory.
//!
//! Contract of the `unsafe` code: dispatch has checked that operands are dense, of one dtype, f32 or f64, and that
//! their shapes agree.

use super::index::Ptr;
use super::parallel;
use crate::multiversion;
use crate::tensor::{DType, Strided};
use std::ops::Range;

/// Elements that one task reads at least.
const GRAIN: usize = 1 << 14;
/// Accumulators that run side by side, merged as a tree.
const LANES: usize = 16;

trait Real: Copy + Send + Sync + 'static {
    const ZERO: Self;
    const ONE: Self;
    fn of(x: f64) -> Self;
    fn add(self, o: Self) -> Self;
    fn sub(self, o: Self) -> Self;
    fn div(self, o: Self) -> Self;
    /// 1, -1, or the number itself: 0 or NaN.
    fn sign(self) -> Self;
    fn distance(self, o: Self) -> Self;
    fn mul(self, o: Self) -> Self;
    fn max(self, o: Self) -> Self;
    fn pow(self, p: Self) -> Self;
    fn sqrt(self) -> Self;
    fn is_zero(self) -> bool;
}
macro_rules! reals {
    ($($t:ty),+) => { $(impl Real for $t {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        #[inline(always)] fn of(x: f64) -> Self { x as $t }
        #[inline(always)] fn add(self, o: Self) -> Self { self + o }
        #[inline(always)] fn sub(self, o: Self) -> Self { self - o }
        #[inline(always)] fn div(self, o: Self) -> Self { self / o }
        #[inline(always)] fn sign(self) -> Self { if self > 0.0 { 1.0 } else if self < 0.0 { -1.0 } else { self } }
        #[inline(always)] fn distance(self, o: Self) -> Self { (self - o).abs() }
        #[inline(always)] fn mul(self, o: Self) -> Self { self * o }
        // NaN wins: no comparison with it holds.
        #[inline(always)] fn max(self, o: Self) -> Self { if self >= o || self.is_nan() { self } else { o } }
        #[inline(always)] fn pow(self, p: Self) -> Self { self.powf(p) }
        #[inline(always)] fn sqrt(self) -> Self { <$t>::sqrt(self) }
        #[inline(always)] fn is_zero(self) -> bool { self == 0.0 }
    })+ };
}
reals!(f32, f64);

/// A norm of differences: how an absolute difference joins the total, how totals join, and the last step.
trait Norm<F: Real>: Copy + Send + Sync + 'static {
    fn term(self, d: F) -> F;
    fn join(a: F, b: F) -> F;
    fn finish(self, a: F) -> F;
}

macro_rules! norms {
    ($($name:ident($s:ident, $d:ident) $term:expr, |$a:ident, $b:ident| $join:expr, |$e:ident| $finish:expr;)+) => { $(
        #[derive(Clone, Copy)]
        struct $name<F>(F);
        impl<F: Real> Norm<F> for $name<F> {
            #[inline(always)] fn term(self, $d: F) -> F { let $s = self; let _ = $s.0; $term }
            #[inline(always)] fn join($a: F, $b: F) -> F { $join }
            #[inline(always)] fn finish(self, $e: F) -> F { let $s = self; let _ = $s.0; $finish }
        }
    )+ };
}
norms! {
    Count(s, d) if d.is_zero() { F::ZERO } else { F::ONE }, |a, b| a.add(b), |e| e;
    Sum(s, d) d, |a, b| a.add(b), |e| e;
    Euclid(s, d) d.mul(d), |a, b| a.add(b), |e| e.sqrt();
    Largest(s, d) d, |a, b| a.max(b), |e| e;
    Power(s, d) d.pow(s.0), |a, b| a.add(b), |e| e.pow(s.0.pow(F::of(-1.0)));
}

/// The distance of two rows of `m` elements.
///
/// # Safety
/// The rows have them.
#[inline(always)]
unsafe fn pair<F: Real, N: Norm<F>>(norm: N, x: *const F, y: *const F, m: usize) -> F {
    let mut acc = [F::ZERO; LANES];
    // SAFETY: the caller's contract.
    let term = |i: usize| unsafe { norm.term((*x.add(i)).distance(*y.add(i))) };
    let mut i = 0;
    while i + LANES <= m {
        for (j, a) in acc.iter_mut().enumerate() {
            *a = N::join(*a, term(i + j));
        }
        i += LANES;
    }
    for (j, a) in acc.iter_mut().enumerate().take(m - i) {
        *a = N::join(*a, term(i + j));
    }
    let mut w = LANES / 2;
    while w > 0 {
        for j in 0..w {
            acc[j] = N::join(acc[j], acc[j + w]);
        }
        w /= 2;
    }
    norm.finish(acc[0])
}

/// Runs a block with the norm of order `p`.
macro_rules! with_norm {
    ($p:expr, $F:ty, $norm:ident => $body:expr) => {{
        let z = <$F>::ZERO;
        match $p {
            0.0 => {
                let $norm = Count(z);
                $body
            }
            1.0 => {
                let $norm = Sum(z);
                $body
            }
            2.0 => {
                let $norm = Euclid(z);
                $body
            }
            f64::INFINITY => {
                let $norm = Largest(z);
                $body
            }
            p => {
                let $norm = Power(<$F>::of(p));
                $body
            }
        }
    }};
}

/// p-norm distances between the rows of `x` (.., r1, m) and `y` (.., r2, m), into `out` (.., r1, r2).
pub fn cdist(x: &Strided, y: &Strided, p: f64, out: &Strided) {
    match x.dtype {
        DType::F64 => with_norm!(p, f64, norm => all(norm, x, y, out)),
        _ => with_norm!(p, f32, norm => all(norm, x, y, out)),
    }
}

/// Rows that are compared with one at a time.
const WIDE: usize = 64;
/// Elements of rows up to which they are compared that way, one element after the other.
const SHORT: usize = 64;

/// Batches of rows `y` (.., n, m) as the loops want them: as they are or, if short and many, (.., m, ld) with `ld` a
/// vector longer than n, so that differences run along rows and sums of them need no steps across a register.
struct Rows<F> {
    y: Ptr<F>,
    n: usize,
    m: usize,
    turned: Vec<F>,
}

impl<F: Real> Rows<F> {
    fn new(y: &Strided, batches: usize) -> Self {
        let (n, m) = (y.shape[y.ndim() - 2], y.shape[y.ndim() - 1]);
        let y = Ptr(y.ptr.cast::<F>());
        let mut turned = Vec::new();
        if m <= SHORT && n >= WIDE / 4 {
            let ld = n + WIDE;
            turned = crate::error::filled(F::ZERO, batches * m * ld);
            for row in 0..batches * n {
                for k in 0..m {
                    // SAFETY: the module's contract.
                    turned[(row / n * m + k) * ld + row % n] = unsafe { *y.get().add(row * m + k) };
                }
            }
        }
        Rows { y, n, m, turned }
    }

    /// Distances of `x` from the rows `from..` of a batch.
    ///
    /// # Safety
    /// The module's contract; `out` has room for them.
    unsafe fn distances<N: Norm<F>>(&self, norm: N, x: *const F, batch: usize, from: usize, out: *mut F) {
        let (n, m) = (self.n - from, self.m);
        // SAFETY: passed on.
        unsafe {
            if self.turned.is_empty() {
                return row(norm, x, self.y.get().add((batch * self.n + from) * m), n, m, out);
            }
            let ld = self.n + WIDE;
            row_turned(norm, x, self.turned.as_ptr().add(batch * m * ld + from), ld, n, m, out);
        }
    }
}

fn all<F: Real, N: Norm<F>>(norm: N, x: &Strided, y: &Strided, out: &Strided) {
    let n = x.ndim();
    let (r1, r2, m) = (x.shape[n - 2], y.shape[n - 2], x.shape[n - 1]);
    let batches: usize = x.shape[..n - 2].iter().product();
    let rows = Rows::new(y, batches);
    let (x, out) = (Ptr(x.ptr.cast::<F>()), Ptr(out.ptr.cast::<F>()));
    parallel::chunks(batches * r1, GRAIN.div_ceil((r2 * m).max(1)), &|range| {
        for i in range {
            // SAFETY: the module's contract; each task writes its own rows.
            unsafe { rows.distances(norm, x.get().add(i * m), i / r1, 0, out.get().add(i * r2)) };
        }
    });
}

multiversion! {
    /// Distances of one row `x` from `n` rows.
    unsafe fn row[F: Real, N: Norm<F>](norm: N, x: *const F, y: *const F, n: usize, m: usize, out: *mut F) {
        for j in 0..n {
            *out.add(j) = pair(norm, x, y.add(j * m), m);
        }
    }
}

multiversion! {
    /// As [`row`] from the columns of `y`, which go on for a vector behind the last.
    unsafe fn row_turned[F: Real, N: Norm<F>](norm: N, x: *const F, y: *const F, ld: usize, n: usize, m: usize, out: *mut F) {
        let mut from = 0;
        while from < n {
            let (y, out) = (y.add(from), out.add(from));
            if n - from >= WIDE - LANES {
                columns_turned::<F, N, WIDE>(norm, x, y, ld, n - from, m, out);
                from += WIDE;
            } else {
                columns_turned::<F, N, LANES>(norm, x, y, ld, n - from, m, out);
                from += LANES;
            }
        }
    }
}

/// The next `W` columns, of `n` that are left.
#[inline(always)]
unsafe fn columns_turned<F: Real, N: Norm<F>, const W: usize>(
    norm: N,
    x: *const F,
    y: *const F,
    ld: usize,
    n: usize,
    m: usize,
    out: *mut F,
) {
    let mut acc = [F::ZERO; W];
    // SAFETY: the caller's contract.
    unsafe {
        for k in 0..m {
            let (x, y) = (*x.add(k), y.add(k * ld));
            for (j, a) in acc.iter_mut().enumerate() {
                *a = N::join(*a, norm.term(x.distance(*y.add(j))));
            }
        }
        for (j, a) in acc.iter().enumerate().take(n) {
            *out.add(j) = norm.finish(*a);
        }
    }
}

/// Where the distance of rows i and j > i stands in the strict upper triangle of n rows.
fn place(i: usize, j: usize, n: usize) -> usize {
    i * (2 * n - i - 1) / 2 + j - i - 1
}

/// p-norm distances between all pairs of the rows of `x` (n, m): the strict upper triangle, row by row.
pub fn pdist(x: &Strided, p: f64, out: &Strided) {
    match x.dtype {
        DType::F64 => with_norm!(p, f64, norm => triangle(norm, x, out)),
        _ => with_norm!(p, f32, norm => triangle(norm, x, out)),
    }
}

fn triangle<F: Real, N: Norm<F>>(norm: N, x: &Strided, out: &Strided) {
    let (n, m) = (x.shape[0], x.shape[1]);
    let rows = Rows::new(x, 1);
    let (x, out) = (Ptr(x.ptr.cast::<F>()), Ptr(out.ptr.cast::<F>()));
    parallel::chunks(n - 1, GRAIN.div_ceil((n * m / 2).max(1)), &|range| {
        for i in range {
            // SAFETY: the module's contract; each task writes its own rows.
            unsafe { rows.distances(norm, x.get().add(i * m), 0, i + 1, out.get().add(place(i, i + 1, n))) };
        }
    });
}

/// What a pair gives its first row: a factor from the distance and its gradient, and how differences go with it.
trait Slope<F: Real>: Copy + Send + Sync + 'static {
    fn factor(g: F, distance: F) -> F;
    fn term(difference: F, factor: F) -> F;
}
#[derive(Clone, Copy)]
struct OfSum;
impl<F: Real> Slope<F> for OfSum {
    #[inline(always)]
    fn factor(g: F, _: F) -> F {
        g
    }
    #[inline(always)]
    fn term(difference: F, factor: F) -> F {
        difference.sign().mul(factor)
    }
}
#[derive(Clone, Copy)]
struct OfEuclid;
impl<F: Real> Slope<F> for OfEuclid {
    /// At distance 0 the subgradient 0.
    #[inline(always)]
    fn factor(g: F, distance: F) -> F {
        if distance.is_zero() { F::ZERO } else { g.div(distance) }
    }
    #[inline(always)]
    fn term(difference: F, factor: F) -> F {
        difference.mul(factor)
    }
}

/// Where the gradients and distances of pairs of rows i and j stand.
#[derive(Clone, Copy)]
enum Pairs {
    /// Those of the first pair at `start`, and so many elements on from row to row.
    Grid { start: usize, i: usize, j: usize },
    /// In the strict upper triangle of n rows with themselves.
    Triangle { n: usize },
}

impl Pairs {
    #[inline(always)]
    fn at(self, i: usize, j: usize) -> usize {
        match self {
            Pairs::Grid { start, i: di, j: dj } => start + i * di + j * dj,
            Pairs::Triangle { n } => place(i.min(j), i.max(j), n),
        }
    }

    /// The first j from which on those of row i lie side by side.
    #[inline(always)]
    fn along_row(self, i: usize) -> usize {
        match self {
            Pairs::Grid { j: 1, .. } => 0,
            Pairs::Grid { .. } => usize::MAX,
            Pairs::Triangle { .. } => i + 1,
        }
    }

    /// The first i from which on those of column j do, and are not in a row's part.
    #[inline(always)]
    fn along_column(self, j: usize) -> usize {
        match self {
            Pairs::Grid { j: 1, .. } => usize::MAX,
            Pairs::Grid { .. } => 0,
            Pairs::Triangle { .. } => j + 1,
        }
    }
}

/// Rows whose gradients are computed together: lines of the distances from one other row are then read once for all.
const ROWS: usize = 16;

/// Adds the terms of some rows `y` to `W` columns of a gradient, with the sums in registers.
#[inline(always)]
unsafe fn add_terms<F: Real, S: Slope<F>, const W: usize>(
    x: *const F,
    y: *const F,
    m: usize,
    factors: &[F],
    dx: *mut F,
) {
    // SAFETY: the caller's contract: `W` columns of all rows, as many as factors.
    unsafe {
        let x: [F; W] = std::array::from_fn(|c| *x.add(c));
        let mut acc: [F; W] = std::array::from_fn(|c| *dx.add(c));
        for (t, &factor) in factors.iter().enumerate() {
            let y = y.add(t * m);
            for (c, acc) in acc.iter_mut().enumerate() {
                *acc = (*acc).add(S::term(x[c].sub(*y.add(c)), factor));
            }
        }
        for (c, acc) in acc.into_iter().enumerate() {
            *dx.add(c) = acc;
        }
    }
}

multiversion! {
    /// The gradients by the rows `own` of `x`, at most `ROWS`, of their distances from the `n` rows of `y`.
    unsafe fn row_gradients[F: Real, S: Slope<F>](
        slope: S, x: *const F, own: Range<usize>, y: *const F, n: usize, m: usize, g: *const F, distances: *const F, pairs: Pairs, dx: *mut F,
    ) {
        let _ = slope;
        for k in own.start * m..own.end * m {
            *dx.add(k) = F::ZERO;
        }
        // The factors of some pairs, then their terms.
        let mut factors = [[F::ZERO; WIDE]; ROWS];
        for first in (0..n).step_by(WIDE) {
            let last = n.min(first + WIDE);
            for i in own.clone() {
                let from = pairs.along_row(i).clamp(first, last);
                let at = if from < last { pairs.at(i, from) } else { 0 };
                for (t, factor) in factors[i - own.start][from - first..last - first].iter_mut().enumerate() {
                    *factor = S::factor(*g.add(at + t), *distances.add(at + t));
                }
            }
            for j in first..last {
                let from = pairs.along_column(j).clamp(own.start, own.end);
                let at = if from < own.end { pairs.at(from, j) } else { 0 };
                for (t, factors) in factors[from - own.start..own.len()].iter_mut().enumerate() {
                    factors[j - first] = S::factor(*g.add(at + t), *distances.add(at + t));
                }
            }
            for i in own.clone() {
                // A row is no pair with itself: its difference may be NaN.
                let skip = if matches!(pairs, Pairs::Triangle { .. }) { i.clamp(first, last) } else { last };
                let after = (skip + usize::from(skip == i)).min(last);
                let factors = &factors[i - own.start];
                for js in [first..skip, after..last] {
                    let (factors, y) = (&factors[js.start - first..js.end - first], y.add(js.start * m));
                    let (x, dx) = (x.add(i * m), dx.add(i * m));
                    let mut k = 0;
                    macro_rules! parts {
                        ($($w:literal)+) => { $(
                            while $w <= m - k {
                                add_terms::<F, S, $w>(x.add(k), y.add(k), m, factors, dx.add(k));
                                k += $w;
                            }
                        )+ };
                    }
                    if !factors.is_empty() {
                        parts!(64 32 16 8 4 2 1);
                    }
                }
            }
        }
    }
}

/// The gradient by `x` of [`cdist`] with p 1 or 2 from that of its results, (.., r1, r2); or where those are
/// `transposed`, (.., r2, r1), by what was then its second argument.
pub fn cdist_gradient(
    g: &Strided,
    x: &Strided,
    y: &Strided,
    p: f64,
    distances: &Strided,
    transposed: bool,
    dx: &Strided,
) {
    let n = x.ndim();
    let (r1, r2) = (x.shape[n - 2], y.shape[n - 2]);
    let pairs = move |batch: usize| {
        let (i, j) = if transposed { (1, r1) } else { (r2, 1) };
        Pairs::Grid { start: batch * r1 * r2, i, j }
    };
    gradients(g, x, y, p, distances, &pairs, dx);
}

/// The gradient of [`pdist`] with p 1 or 2.
pub fn pdist_gradient(g: &Strided, x: &Strided, p: f64, distances: &Strided, dx: &Strided) {
    let n = x.shape[0];
    gradients(g, x, x, p, distances, &|_| Pairs::Triangle { n }, dx);
}

fn gradients(
    g: &Strided,
    x: &Strided,
    y: &Strided,
    p: f64,
    distances: &Strided,
    pairs: &(dyn Fn(usize) -> Pairs + Sync),
    dx: &Strided,
) {
    match (x.dtype, p == 1.0) {
        (DType::F64, true) => gradient_rows::<f64, _>(OfSum, g, x, y, distances, pairs, dx),
        (DType::F64, false) => gradient_rows::<f64, _>(OfEuclid, g, x, y, distances, pairs, dx),
        (_, true) => gradient_rows::<f32, _>(OfSum, g, x, y, distances, pairs, dx),
        (_, false) => gradient_rows::<f32, _>(OfEuclid, g, x, y, distances, pairs, dx),
    }
}

fn gradient_rows<F: Real, S: Slope<F>>(
    slope: S,
    g: &Strided,
    x: &Strided,
    y: &Strided,
    distances: &Strided,
    pairs: &(dyn Fn(usize) -> Pairs + Sync),
    dx: &Strided,
) {
    let n = x.ndim();
    let (r1, r2, m) = (x.shape[n - 2], y.shape[n - 2], x.shape[n - 1]);
    let batches: usize = x.shape[..n - 2].iter().product();
    let ptr = |t: &Strided| Ptr(t.ptr.cast::<F>());
    let (g, x, y, distances, dx) = (ptr(g), ptr(x), ptr(y), ptr(distances), ptr(dx));
    // Fewer together where there are few, for the sake of threads.
    let rows = (batches * r1).div_ceil(4 * ROWS).clamp(1, ROWS);
    let blocks = r1.div_ceil(rows);
    parallel::chunks(batches * blocks, GRAIN.div_ceil((rows * r2 * m).max(1)), &|range| {
        for t in range {
            let (batch, from) = (t / blocks, t % blocks * rows);
            let own = from..r1.min(from + rows);
            // SAFETY: the module's contract; each task writes its own rows.
            unsafe {
                let (x, y, dx) =
                    (x.get().add(batch * r1 * m), y.get().add(batch * r2 * m), dx.get().add(batch * r1 * m));
                row_gradients(slope, x, own, y, r2, m, g.get(), distances.get(), pairs(batch), dx);
            }
        }
    });
}
