//! The reduction driver: loop order, segments, cascades.
//!
//! Contract of the `unsafe` code in this folder: dispatch has checked that every operand addresses
//! allocated memory for all indices within its shape and that outputs do not overlap inputs.
//!
//! Results depend on shapes and strides alone. Long reductions are cut into segments of fixed
//! length; blocks within a segment, and the segments, are merged as in a balanced tree, so the error of
//! sums grows like that of pairwise summation and the number of threads changes no bit.

use super::super::dims::{Dim, Dims, Walk, coalesce, count, sort};
use super::super::load::{Load, Put};
use super::super::parallel;
use super::super::simd::{Level, level};
use super::columns::columns;
use crate::multiversion;
use crate::tensor::{DType, Strided};
use std::mem::MaybeUninit;

/// Elements of one segment of a split reduction.
const SEGMENT: usize = 1 << 16;
/// Elements that one task reads at least.
pub(super) const GRAIN: usize = 1 << 14;
/// Columns that the vertical kernel accumulates at once.
pub(super) const TILE: usize = 1024;
/// Bytes of the conversion buffer.
pub(super) const BUFFER: usize = 32 << 10;
/// Elements of a row from which folding one after the other is faster than taking them column by column.
const ROW_MIN: usize = 24;
/// Rows that go into an accumulator before it is merged into the next level.
pub(super) const ROWS: usize = 64;

/// A reduction: how blocks become accumulators and how those are merged and written.
pub(super) trait Fold: Copy + Send + Sync {
    /// What blocks consist of (the loader's output).
    type T: Copy;
    /// Partial results.
    type A: Copy + Send + Sync;
    /// Elements of a dense block that `row` takes at once.
    const DENSE: usize = BUFFER / 2 / size_of::<Self::T>();
    /// Elements of a dense row from which `rows` is faster than taking them column by column.
    const ROW_MIN: usize = ROW_MIN;
    /// The partial result of nothing.
    fn init(self) -> Self::A;
    /// Joins two partial results.
    fn merge(self, a: Self::A, b: Self::A) -> Self::A;
    /// Folds a dense block.
    unsafe fn row(self, x: *const Self::T, n: usize) -> Self::A;
    /// Folds `m` dense blocks, `stride` bytes apart, each into its own of `acc[0..m]`.
    unsafe fn rows(self, x: *const Self::T, stride: isize, m: usize, n: usize, acc: *mut Self::A) {
        for i in 0..m {
            // SAFETY: the module's contract.
            unsafe { *acc.add(i) = self.row(x.cast::<u8>().wrapping_offset(i as isize * stride).cast(), n) };
        }
    }
    /// Folds `m` rows of width `w`, `stride` bytes apart, into `acc[0..w]`.
    unsafe fn tile(self, x: *const Self::T, stride: isize, m: usize, w: usize, acc: *mut Self::A);
    /// Writes `n` results at the given byte strides.
    unsafe fn store(self, acc: *const Self::A, n: usize, out: [*mut u8; 2], stride: [isize; 2]);
}

/// A reduction that takes one element at a time.
pub(super) trait Lane: Copy + Send + Sync + 'static {
    /// Elements.
    type T: Copy + Send + Sync;
    /// Accumulators.
    type A: Copy + Send + Sync;
    /// Results.
    type R: Put;
    /// Is a step an instruction or two?
    const LIGHT: bool = false;
    fn init(self) -> Self::A;
    fn step(self, a: Self::A, x: Self::T) -> Self::A;
    fn merge(self, a: Self::A, b: Self::A) -> Self::A;
    fn finish(self, a: Self::A) -> Self::R;
    /// Merges all: the upper half onto the lower until one is left.
    #[inline(always)]
    fn tree(self, a: &[Self::A; NARROW]) -> Self::A {
        let b: [Self::A; 8] = std::array::from_fn(|j| self.merge(a[j], a[j + 8]));
        let c: [Self::A; 4] = std::array::from_fn(|j| self.merge(b[j], b[j + 4]));
        self.merge(self.merge(c[0], c[2]), self.merge(c[1], c[3]))
    }
}

/// Accumulators that run side by side: four zmm registers of f32.
const LANES: usize = 64;
/// Accumulators of what is left of a row.
pub(super) const NARROW: usize = 16;

/// Elements from which on a row is read as four streams: page ends of one are passed while the others flow (16 million f32
/// on Zen 4: 2.9 ms as one stream, 2.3 as four; rows of four pages lose by it, their streams end together).
const STREAMED: usize = 1 << 15;
/// Bytes of a page, at whose end processors stop fetching by themselves.
const PAGE: usize = 4096;
/// Bytes of the next page that a dense row asks for, once a page: from there the processor goes on by itself. Asking for
/// every line costs a fifth of the bandwidth on Zen 4.
const AHEAD: usize = 256;

/// Asks for `bytes` bytes at `p`. Addresses past the end do no harm: they are never read.
#[inline(always)]
fn fetch(p: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..bytes.div_ceil(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching has no effect on memory and does not fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.wrapping_add(line * 64).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (p, bytes);
}

/// Asks for the beginning of the next page, once a page: `at` counts the bytes before `p`, in steps of `step`.
#[inline(always)]
fn fetch_page(p: *const u8, at: usize, step: usize) {
    if at % PAGE < step {
        fetch(p.wrapping_add(PAGE), AHEAD);
    }
}

/// The level for a row of `n`: the processor fetches ahead better for vectors of half the width where a step costs less
/// than its element (a sum of 16 million f32 on Zen 4: 1.55 ms in vectors of 64 bytes, 1.37 in those of 32).
#[inline(always)]
fn row_level<L: Lane>(n: usize) -> Level {
    if L::LIGHT && n * size_of::<L::T>() >= 2 * PAGE { level().min(Level::Avx2) } else { level() }
}

multiversion! {
    /// Folds a dense row with independent accumulators, merged as a tree. They are set aside every `ROWS` steps, so
    /// that long rows lose no more to rounding than short ones.
    at(row_level::<L>(n)) unsafe fn row_lanes[L: Lane](l: L, x: *const L::T, n: usize) -> L::A {
        let mut total = [l.init(); LANES];
        let mut acc = [l.init(); LANES];
        let mut i = 0;
        // Heavier steps do not wait for memory, and LLVM takes them one by one in this shape of loop.
        if L::LIGHT && n >= STREAMED {
            const W: usize = LANES / 4;
            // Each stream takes whole rounds.
            let m = n / (4 * ROWS * W) * ROWS * W;
            for start in (0..m).step_by(ROWS * W) {
                for k in start / W..start / W + ROWS {
                    for (q, acc) in acc.chunks_exact_mut(W).enumerate() {
                        for (j, a) in acc.iter_mut().enumerate() {
                            *a = l.step(*a, *x.add(q * m + k * W + j));
                        }
                    }
                }
                for (t, a) in total.iter_mut().zip(&mut acc) {
                    *t = l.merge(*t, *a);
                    *a = l.init();
                }
            }
            i = 4 * m;
        }
        while n - i > ROWS * LANES {
            for _ in 0..ROWS {
                fetch_page(x.add(i).cast(), i * size_of::<L::T>(), LANES * size_of::<L::T>());
                for (j, a) in acc.iter_mut().enumerate() {
                    *a = l.step(*a, *x.add(i + j));
                }
                i += LANES;
            }
            for (t, a) in total.iter_mut().zip(&mut acc) {
                *t = l.merge(*t, *a);
                *a = l.init();
            }
        }
        while i + LANES <= n {
            fetch_page(x.add(i).cast(), i * size_of::<L::T>(), LANES * size_of::<L::T>());
            for (j, a) in acc.iter_mut().enumerate() {
                *a = l.step(*a, *x.add(i + j));
            }
            i += LANES;
        }
        if i + LANES / 4 <= n {
            let quarter = (n - i) / (LANES / 4);
            for q in 0..quarter {
                for j in 0..LANES / 4 {
                    acc[j] = l.step(acc[j], *x.add(i + q * (LANES / 4) + j));
                }
            }
            i += quarter * (LANES / 4);
        }
        for (j, a) in acc.iter_mut().enumerate().take(n - i) {
            *a = l.step(*a, *x.add(i + j));
        }
        if n > ROWS * LANES {
            for (a, t) in acc.iter_mut().zip(total) {
                *a = l.merge(t, *a);
            }
        }
        let mut w = LANES / 2;
        while w > 0 {
            for j in 0..w {
                acc[j] = l.merge(acc[j], acc[j + w]);
            }
            w /= 2;
        }
        acc[0]
    }
}

/// Below this many elements, rows are folded by [`short_rows`].
const SHORT: usize = 256;

multiversion! {
    /// Folds rows that are over before 64 accumulators would pay.
    unsafe fn short_rows[L: Lane](l: L, x: *const L::T, stride: isize, m: usize, n: usize, acc: *mut L::A) {
        // The accumulators of some rows are set aside and merged together: each loop is then one that is vectorised well.
        const BATCH: usize = 16;
        let mut set = [[l.init(); NARROW]; BATCH];
        let left = n % NARROW;
        // Which of the last elements count. LLVM must not know where it comes from: it would compare and blend one by one.
        let counts: [bool; NARROW] = std::hint::black_box(std::array::from_fn(|j| j >= NARROW - left));
        let mut first = 0;
        while first < m {
            let count = BATCH.min(m - first);
            for (i, set) in set.iter_mut().enumerate().take(count) {
                let p = x.cast::<u8>().offset((first + i) as isize * stride).cast::<L::T>();
                let mut a = [l.init(); NARROW];
                for q in 0..n / NARROW {
                    for (j, a) in a.iter_mut().enumerate() {
                        *a = l.step(*a, *p.add(q * NARROW + j));
                    }
                }
                if n >= NARROW && left > 0 {
                    // The last elements once more, of which those that were taken do not count: no branch for each.
                    let end = p.add(n - NARROW);
                    for (j, a) in a.iter_mut().enumerate() {
                        let next = l.step(*a, *end.add(j));
                        *a = if counts[j] { next } else { *a };
                    }
                }
                *set = a;
                if n < NARROW {
                    for (j, a) in set.iter_mut().enumerate().take(left) {
                        *a = l.step(*a, *p.add(j));
                    }
                }
            }
            for (i, set) in set.iter().enumerate().take(count) {
                *acc.add(first + i) = l.tree(set);
            }
            first += count;
        }
    }
}

multiversion! {
    unsafe fn tile_lanes[L: Lane](l: L, x: *const L::T, stride: isize, m: usize, w: usize, acc: *mut L::A) {
        let mut x = x.cast::<u8>();
        let mut m = m;
        // Four rows a round: an accumulator is loaded and stored once for four elements.
        while m >= 4 {
            let r0 = x.cast::<L::T>();
            let r1 = x.offset(stride).cast::<L::T>();
            let r2 = x.offset(2 * stride).cast::<L::T>();
            let r3 = x.offset(3 * stride).cast::<L::T>();
            let next = x.wrapping_offset(4 * stride);
            let mut j = 0;
            // The next rows are asked for: they may lie in other pages, where processors do not look by themselves.
            while j + NARROW <= w {
                for row in 0..4 {
                    let at = next.wrapping_offset(row * stride).wrapping_add(j * size_of::<L::T>());
                    fetch(at, NARROW * size_of::<L::T>());
                }
                for k in j..j + NARROW {
                    let a = l.step(*acc.add(k), *r0.add(k));
                    let a = l.step(a, *r1.add(k));
                    let a = l.step(a, *r2.add(k));
                    *acc.add(k) = l.step(a, *r3.add(k));
                }
                j += NARROW;
            }
            for k in j..w {
                let a = l.step(*acc.add(k), *r0.add(k));
                let a = l.step(a, *r1.add(k));
                let a = l.step(a, *r2.add(k));
                *acc.add(k) = l.step(a, *r3.add(k));
            }
            x = next;
            m -= 4;
        }
        for _ in 0..m {
            let r = x.cast::<L::T>();
            for j in 0..w {
                *acc.add(j) = l.step(*acc.add(j), *r.add(j));
            }
            x = x.offset(stride);
        }
    }
}

/// A [`Lane`] with the dtype of its output.
#[derive(Clone, Copy)]
pub(super) struct Simple<L> {
    pub lane: L,
    pub out: DType,
}

impl<L: Lane> Fold for Simple<L> {
    type T = L::T;
    type A = L::A;
    const DENSE: usize = SEGMENT;
    const ROW_MIN: usize = 8;
    #[inline(always)]
    fn init(self) -> L::A {
        self.lane.init()
    }
    #[inline(always)]
    fn merge(self, a: L::A, b: L::A) -> L::A {
        self.lane.merge(a, b)
    }
    #[inline]
    unsafe fn row(self, x: *const L::T, n: usize) -> L::A {
        // SAFETY: the module's contract.
        unsafe { row_lanes(self.lane, x, n) }
    }
    #[inline]
    unsafe fn rows(self, x: *const L::T, stride: isize, m: usize, n: usize, acc: *mut L::A) {
        if n < SHORT {
            // SAFETY: the module's contract.
            return unsafe { short_rows(self.lane, x, stride, m, n, acc) };
        }
        for i in 0..m {
            // SAFETY: the module's contract.
            unsafe {
                *acc.add(i) = row_lanes(self.lane, x.cast::<u8>().wrapping_offset(i as isize * stride).cast(), n)
            };
        }
    }
    #[inline]
    unsafe fn tile(self, x: *const L::T, stride: isize, m: usize, w: usize, acc: *mut L::A) {
        // SAFETY: the module's contract.
        unsafe { tile_lanes(self.lane, x, stride, m, w, acc) }
    }
    #[inline]
    unsafe fn store(self, acc: *const L::A, n: usize, out: [*mut u8; 2], stride: [isize; 2]) {
        if n == 1 {
            // SAFETY: the module's contract.
            return unsafe { L::R::put_all(&self.lane.finish(*acc), 1, out[0], stride[0], self.out) };
        }
        let mut buffer = [const { MaybeUninit::<L::R>::uninit() }; 64];
        let mut i = 0;
        while i < n {
            let m = (n - i).min(64);
            for (j, b) in buffer[..m].iter_mut().enumerate() {
                // SAFETY: i + j < n.
                b.write(self.lane.finish(unsafe { *acc.add(i + j) }));
            }
            // SAFETY: m values were just written.
            unsafe {
                L::R::put_all(buffer.as_ptr().cast(), m, out[0].offset(i as isize * stride[0]), stride[0], self.out)
            };
            i += m;
        }
    }
}

/// A balanced merge of a sequence whose length is not known beforehand: a binary counter of partial results.
pub(super) struct Cascade<A> {
    stack: [MaybeUninit<A>; 64],
    depth: usize,
    count: u64,
}

impl<A: Copy> Cascade<A> {
    pub fn new() -> Self {
        Cascade { stack: [const { MaybeUninit::uninit() }; 64], depth: 0, count: 0 }
    }

    #[inline]
    pub fn push(&mut self, mut a: A, merge: impl Fn(A, A) -> A) {
        for _ in 0..self.count.trailing_ones() {
            self.depth -= 1;
            // SAFETY: entries below `depth` are written.
            a = merge(unsafe { self.stack[self.depth].assume_init() }, a);
        }
        self.stack[self.depth].write(a);
        self.depth += 1;
        self.count += 1;
    }

    #[inline]
    pub fn finish(&self, init: A, merge: impl Fn(A, A) -> A) -> A {
        let Some(last) = self.depth.checked_sub(1) else {
            return init;
        };
        // SAFETY: entries below `depth` are written.
        let mut a = unsafe { self.stack[last].assume_init() };
        for e in self.stack[..last].iter().rev() {
            // SAFETY: as above.
            a = merge(unsafe { e.assume_init() }, a);
        }
        a
    }
}

/// The loops of one reduction: operand 0 is the input, 1 and 2 are the outputs.
pub(super) struct Plan {
    pub(super) kept: Dims<3>,
    pub(super) red: Dims<3>,
    pub(super) x: *const u8,
    pub(super) out: [*mut u8; 2],
    /// Converts input elements into blocks.
    pub(super) load: Load,
    /// May blocks be read in place?
    pub(super) native: bool,
}

// SAFETY: see `Strided`.
unsafe impl Sync for Plan {}

impl Plan {
    /// Plans the reduction of `x` into `outs`, whose reduced dims have extent 1.
    pub fn new(x: &Strided, outs: &[&Strided], load: Load, native: bool) -> Plan {
        let (mut kept, mut red) = (Dims::<3>::new(), Dims::<3>::new());
        for d in 0..x.ndim() {
            let n = x.shape[d];
            // A dim of one element may have any stride: it is never taken.
            let mut s = [x.strides[d].wrapping_mul(x.dtype.size() as isize), 0, 0];
            if outs[0].shape[d] == 1 && n != 1 {
                red.push(Dim { n, s });
            } else {
                for (i, o) in outs.iter().enumerate() {
                    s[i + 1] = o.strides[d] * o.dtype.size() as isize;
                }
                kept.push(Dim { n, s });
            }
        }
        sort(&mut red, 0);
        sort(&mut kept, 0);
        coalesce(&mut red);
        coalesce(&mut kept);
        let out = [outs[0].ptr, outs.get(1).map_or(std::ptr::null_mut(), |o| o.ptr)];
        Plan { kept, red, x: x.ptr, out, load, native }
    }

    /// Elements that go into one result.
    pub fn reduced(&self) -> usize {
        count(&self.red)
    }
}

/// Carries out a plan.
pub(super) fn run<F: Fold>(f: F, plan: &Plan) {
    let results = count(&plan.kept);
    if results == 0 {
        return;
    }
    if plan.reduced() == 0 {
        let mut w = Walk::new(&plan.kept, 0);
        for _ in 0..results {
            // SAFETY: the module's contract.
            unsafe { f.store(&f.init(), 1, at(plan.out, &w.off), [0, 0]) };
            w.next();
        }
        return;
    }
    let one = Dim { n: 1, s: [size_of::<F::T>() as isize, 0, 0] };
    let inner_red = plan.red.last().copied().unwrap_or(one);
    let least = if plan.kept.len() == 1 && is_dense::<F>(plan, inner_red, plan.reduced() / inner_red.n) {
        F::ROW_MIN
    } else {
        ROW_MIN
    };
    let by_row = match plan.kept.last() {
        None => true,
        Some(k) => inner_red.s[0].unsigned_abs() <= k.s[0].unsigned_abs() && (inner_red.n >= least || results < 8),
    };
    if by_row { rows(f, plan, inner_red, results) } else { columns(f, plan) }
}

#[inline(always)]
pub(super) fn at(out: [*mut u8; 2], off: &[isize; 3]) -> [*mut u8; 2] {
    [out[0].wrapping_offset(off[1]), out[1].wrapping_offset(off[2])]
}

/// A pointer that tasks share; each writes its own elements.
#[derive(Clone, Copy)]
pub(super) struct Shared<T>(pub *mut T);
// SAFETY: users write disjoint elements.
unsafe impl<T> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Send for Shared<T> {}
impl<T> Shared<T> {
    #[inline(always)]
    pub fn get(&self) -> *mut T {
        self.0
    }
}

/// Merges `pieces` partial results per output, in order, and writes them.
fn combine<F: Fold>(f: F, plan: &Plan, kept: &Dims<3>, partial: &[F::A], pieces: usize) {
    let mut w = Walk::new(kept, 0);
    for p in partial.chunks_exact(pieces) {
        let mut c = Cascade::new();
        for &a in p {
            c.push(a, |a, b| f.merge(a, b));
        }
        let a = c.finish(f.init(), |a, b| f.merge(a, b));
        // SAFETY: the module's contract.
        unsafe { f.store(&a, 1, at(plan.out, &w.off), [0, 0]) };
        w.next();
    }
}

/// Elements a piece: more where an expanded tensor has so many that the pieces would fill the memory.
pub(super) fn segment(elements: usize) -> usize {
    SEGMENT.max(elements >> 24)
}

/// Is what makes up a result one block of elements side by side, that needs no conversion?
fn is_dense<F: Fold>(plan: &Plan, inner: Dim<3>, lines: usize) -> bool {
    plan.native && inner.s[0] == size_of::<F::T>() as isize && lines == 1 && inner.n <= F::DENSE
}

/// The densest dim is reduced: one output at a time.
fn rows<F: Fold>(f: F, plan: &Plan, inner: Dim<3>, results: usize) {
    let outer = &plan.red[..plan.red.len().saturating_sub(1)];
    let (n, lines) = (inner.n, count(outer));
    // Few long reductions are split so that threads can share one.
    let segment = segment(n * lines);
    let split = results < 16 && n * lines > 2 * segment;
    let (cuts, per) = match split {
        true if n > segment => (n.div_ceil(segment), 1),
        true => (1, (segment / n).max(1)),
        false => (1, lines),
    };
    let pieces = lines.div_ceil(per) * cuts;
    let cost = if split { segment } else { n * lines };
    let piece = |base: *const u8, s: usize| {
        let first = s / cuts * per;
        let (from, to) = match cuts {
            1 => (0, n),
            _ => (s % cuts * segment, n.min((s % cuts + 1) * segment)),
        };
        // SAFETY: the module's contract.
        unsafe { fold_lines(f, plan, base, outer, inner.s[0], first..lines.min(first + per), from..to) }
    };
    if pieces == 1 {
        if let ([kept], true) = (&plan.kept[..], is_dense::<F>(plan, inner, lines)) {
            return parallel::chunks(results, GRAIN.div_ceil(cost), &|range| regular_rows(f, plan, kept, n, range));
        }
        parallel::chunks(results, GRAIN.div_ceil(cost), &|range| {
            let mut w = Walk::new(&plan.kept, range.start);
            for _ in range {
                let a = piece(plan.x.wrapping_offset(w.off[0]), 0);
                // SAFETY: the module's contract.
                unsafe { f.store(&a, 1, at(plan.out, &w.off), [0, 0]) };
                w.next();
            }
        });
        return;
    }
    let mut partial = crate::error::filled(f.init(), results * pieces);
    let p = Shared(partial.as_mut_ptr());
    parallel::chunks(results * pieces, 1, &|range| {
        for i in range {
            let w = Walk::new(&plan.kept, i / pieces);
            let a = piece(plan.x.wrapping_offset(w.off[0]), i % pieces);
            // SAFETY: each task writes its own partial result.
            unsafe { *p.get().add(i) = a };
        }
    });
    combine(f, plan, &plan.kept, &partial, pieces);
}

/// Folds dense rows of `n` that lie at one distance from each other.
fn regular_rows<F: Fold>(f: F, plan: &Plan, kept: &Dim<3>, n: usize, range: std::ops::Range<usize>) {
    const BATCH: usize = 64;
    let mut acc = [const { MaybeUninit::<F::A>::uninit() }; BATCH];
    let mut i = range.start;
    while i < range.end {
        let m = (range.end - i).min(BATCH);
        let at = |s: isize| s.wrapping_mul(i as isize);
        let out = [plan.out[0].wrapping_offset(at(kept.s[1])), plan.out[1].wrapping_offset(at(kept.s[2]))];
        // SAFETY: the module's contract; `m` accumulators are written before they are read.
        unsafe {
            f.rows(plan.x.wrapping_offset(at(kept.s[0])).cast(), kept.s[0], m, n, acc.as_mut_ptr().cast());
            f.store(acc.as_ptr().cast(), m, out, [kept.s[1], kept.s[2]]);
        }
        i += m;
    }
}

/// Folds columns `cols` of the lines `lines` of one output.
unsafe fn fold_lines<F: Fold>(
    f: F,
    plan: &Plan,
    base: *const u8,
    outer: &[Dim<3>],
    stride: isize,
    lines: std::ops::Range<usize>,
    cols: std::ops::Range<usize>,
) -> F::A {
    let size = size_of::<F::T>();
    let dense = plan.native && stride == size as isize;
    let room = (BUFFER / 2) / size;
    let block = if dense { F::DENSE } else { room };
    let n = cols.len();
    let merge = |a, b| f.merge(a, b);
    if dense && n <= block && lines.len() == 1 {
        let off = if lines.start == 0 { 0 } else { Walk::new(outer, lines.start).off[0] };
        // SAFETY: the module's contract.
        return unsafe { f.row(base.wrapping_offset(off + cols.start as isize * stride).cast(), n) };
    }
    let mut buffer = MaybeUninit::<[u128; BUFFER / 16]>::uninit();
    let buffer = buffer.as_mut_ptr().cast::<u8>();
    let mut c = Cascade::new();
    let mut w = Walk::new(outer, lines.start);
    // Short lines are gathered into one block, which costs less than a kernel call for each.
    let gather = n < 512 && lines.len() > 1;
    let mut filled = 0;
    for _ in lines {
        let line = base.wrapping_offset(w.off[0] + cols.start as isize * stride);
        w.next();
        if gather {
            if filled + n > room {
                // SAFETY: `filled` elements of the buffer are written.
                c.push(unsafe { f.row(buffer.cast(), filled) }, merge);
                filled = 0;
            }
            // SAFETY: the buffer has `room` for them.
            unsafe { (plan.load)(line, stride, n, buffer.add(filled * size)) };
            filled += n;
            continue;
        }
        let mut i = 0;
        while i < n {
            let m = (n - i).min(block);
            let p = line.wrapping_offset(i as isize * stride);
            // SAFETY: the module's contract; where the buffer is used it holds a block.
            unsafe {
                if dense {
                    c.push(f.row(p.cast(), m), merge);
                } else {
                    (plan.load)(p, stride, m, buffer);
                    c.push(f.row(buffer.cast(), m), merge);
                }
            }
            i += m;
        }
    }
    if filled > 0 {
        // SAFETY: `filled` elements of the buffer are written.
        c.push(unsafe { f.row(buffer.cast(), filled) }, merge);
    }
    c.finish(f.init(), merge)
}
