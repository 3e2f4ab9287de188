//! Reductions whose densest dim is kept: whole rows of outputs at a time. The contract is that of `fold`.

use super::super::dims::{Dim, Walk, count};
use super::super::parallel;
use super::fold::{BUFFER, Fold, GRAIN, Plan, ROWS, Shared, TILE, at, segment};

/// Pieces into which few columns are cut.
const ITEMS: usize = 32;

/// The densest dim is kept: whole rows of outputs at a time.
pub(super) fn columns<F: Fold>(f: F, plan: &Plan) {
    let Some((&inner, outer)) = plan.kept.split_last() else {
        return;
    };
    let size = size_of::<F::T>();
    let width = TILE.min(BUFFER / 8 / size);
    let (tiles, outers) = (inner.n.div_ceil(width), count(outer));
    let lines = plan.reduced();
    let w = inner.n.min(width);
    let segment = segment(lines.saturating_mul(w));
    // Few columns are cut into pieces of their lines, so that threads can share them; no more than it takes.
    let per = match outers * tiles < 16 && lines.saturating_mul(w) > 2 * segment {
        true => (segment / w).max(lines.div_ceil(ITEMS / (outers * tiles))).next_multiple_of(ROWS),
        false => lines,
    };
    let pieces = lines.div_ceil(per);
    let items = outers * tiles * pieces;
    let mut partial = vec![];
    if pieces > 1 {
        partial = crate::error::filled(f.init(), count(&plan.kept).saturating_mul(pieces));
    }
    let p = Shared(partial.as_mut_ptr());
    parallel::chunks(items, GRAIN.div_ceil(per * w), &|range| {
        let mut tile = Tile::new(f, plan, inner, width);
        for i in range {
            let (piece, t) = (i % pieces, i / pieces);
            let (from, off) = (t % tiles * width, Walk::new(outer, t / tiles).off);
            let n = (inner.n - from).min(width);
            let x = plan.x.wrapping_offset(off[0] + from as isize * inner.s[0]);
            // SAFETY: the module's contract; partial results of different tasks are disjoint.
            unsafe {
                let acc = tile.fold(x, n, piece * per..lines.min((piece + 1) * per));
                if pieces == 1 {
                    let o = at(plan.out, &off);
                    let o = [
                        o[0].wrapping_offset(from as isize * inner.s[1]),
                        o[1].wrapping_offset(from as isize * inner.s[2]),
                    ];
                    f.store(acc, n, o, [inner.s[1], inner.s[2]]);
                } else {
                    let first = (t / tiles * pieces + piece) * inner.n + from;
                    std::ptr::copy_nonoverlapping(acc, p.get().add(first), n);
                }
            }
        }
    });
    if pieces > 1 {
        let mut w = Walk::new(outer, 0);
        for rows in partial.chunks_exact_mut(pieces * inner.n) {
            let row = merged(f, rows, inner.n);
            // SAFETY: the module's contract.
            unsafe { f.store(row.as_ptr(), inner.n, at(plan.out, &w.off), [inner.s[1], inner.s[2]]) };
            w.next();
        }
    }
}

/// The rows of `n` partial results merged into the first, as a balanced tree over their order.
fn merged<F: Fold>(f: F, rows: &mut [F::A], n: usize) -> &[F::A] {
    let mut step = n;
    while step < rows.len() {
        for pair in rows.chunks_mut(2 * step) {
            if pair.len() > step {
                let (into, from) = pair.split_at_mut(step);
                join(f, &from[..n], &mut into[..n]);
            }
        }
        step *= 2;
    }
    &rows[..n]
}

/// Accumulators for one tile of columns, in three levels of [`ROWS`] merges each.
struct Tile<'a, F: Fold> {
    f: F,
    plan: &'a Plan,
    inner: Dim<3>,
    width: usize,
    acc: Vec<F::A>,
    buffer: Vec<u128>,
    rows: usize,
    merges: usize,
    full: bool,
}

impl<'a, F: Fold> Tile<'a, F> {
    fn new(f: F, plan: &'a Plan, inner: Dim<3>, width: usize) -> Self {
        let dense = plan.native && inner.s[0] == size_of::<F::T>() as isize;
        let buffer = vec![0; if dense { 0 } else { BUFFER / 32 }];
        Tile { f, plan, inner, width, acc: vec![f.init(); 3 * width], buffer, rows: 0, merges: 0, full: false }
    }

    /// Folds the lines `lines` of `n` columns; the results lie at the returned address.
    unsafe fn fold(&mut self, x: *const u8, n: usize, lines: std::ops::Range<usize>) -> *const F::A {
        let f = self.f;
        let size = size_of::<F::T>();
        let (rows, outer) = match self.plan.red.split_last() {
            Some((r, o)) => (*r, o),
            None => (Dim { n: 1, s: [0; 3] }, &[][..]),
        };
        // Lines that lie one behind the other are taken several at a time, as one wide line.
        let packed = rows.s[0] == n as isize * self.inner.s[0];
        let k = if packed { (512 / n).clamp(1, self.width / n) } else { 1 };
        let wide = k * n;
        self.acc[..wide].fill(f.init());
        (self.rows, self.merges, self.full) = (0, 0, false);
        let dense = self.buffer.is_empty();
        let (mut i, end) = (lines.start, lines.end);
        let mut w = Walk::new(outer, i / rows.n);
        while i < end {
            let at = i % rows.n;
            let run = (end - i).min(rows.n - at);
            let mut p = x.wrapping_offset(w.off[0] + at as isize * rows.s[0]);
            i += run;
            w.next();
            let (mut m, rest) = (run / k, run % k);
            let step = rows.s[0] * k as isize;
            let most = if dense { ROWS } else { (BUFFER / 2 / size / wide).clamp(1, ROWS) };
            while m > 0 {
                let take = m.min(most).min(ROWS - self.rows);
                // SAFETY: the module's contract; the buffer holds `most` lines.
                unsafe { self.add(p, step, take, wide) };
                p = p.wrapping_offset(take as isize * step);
                m -= take;
            }
            if rest > 0 {
                // SAFETY: as above.
                unsafe { self.add(p, step, 1, rest * n) };
            }
        }
        let (l0, upper) = self.acc.split_at_mut(self.width);
        let (l1, l2) = upper.split_at_mut(self.width);
        if self.merges > 0 {
            join(f, &l1[..wide], &mut l0[..wide]);
        }
        if self.full {
            join(f, &l2[..wide], &mut l0[..wide]);
        }
        let mut k = k;
        while k > 1 {
            // A tree over the packed lines: the upper half onto the lower.
            let half = k.div_ceil(2);
            for j in 0..(k - half) * n {
                l0[j] = f.merge(l0[j], l0[half * n + j]);
            }
            k = half;
        }
        l0.as_ptr()
    }

    /// Adds `m` lines of width `w`.
    unsafe fn add(&mut self, p: *const u8, stride: isize, m: usize, w: usize) {
        let f = self.f;
        let acc = self.acc.as_mut_ptr();
        let size = size_of::<F::T>();
        // SAFETY: the module's contract; `m * w` elements fit the buffer.
        unsafe {
            if self.buffer.is_empty() {
                f.tile(p.cast(), stride, m, w, acc);
            } else {
                let b = self.buffer.as_mut_ptr().cast::<u8>();
                for r in 0..m {
                    (self.plan.load)(p.wrapping_offset(r as isize * stride), self.inner.s[0], w, b.add(r * w * size));
                }
                f.tile(b.cast(), (w * size) as isize, m, w, acc);
            }
        }
        self.rows += m;
        if self.rows == ROWS {
            self.lift();
        }
    }

    /// Moves the first level into the second and, when that is full, the second into the third.
    fn lift(&mut self) {
        let f = self.f;
        let (l0, upper) = self.acc.split_at_mut(self.width);
        let (l1, l2) = upper.split_at_mut(self.width);
        if self.merges == 0 {
            l1.copy_from_slice(l0);
        } else {
            join(f, l0, l1);
        }
        l0.fill(f.init());
        self.rows = 0;
        self.merges += 1;
        if self.merges == ROWS {
            if self.full {
                join(f, l1, l2);
            } else {
                l2.copy_from_slice(l1);
            }
            self.merges = 0;
            self.full = true;
        }
    }
}

fn join<F: Fold>(f: F, from: &[F::A], into: &mut [F::A]) {
    for (a, &b) in into.iter_mut().zip(from) {
        *a = f.merge(*a, b);
    }
}
