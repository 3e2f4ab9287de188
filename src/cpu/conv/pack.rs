//! Packing by transposes: what lies in rows becomes columns.

use super::lanes::{Lanes, MAX_W, Work};

/// The place of an element that is left out.
pub(super) const NOWHERE: usize = usize::MAX;

/// `to[places[i]][r] = from[order[r]][i]`.
pub(super) struct Pack<'a, F> {
    /// The source, elements from one row to the next, and rows that exist.
    pub from: *const F,
    pub row: usize,
    pub rows: usize,
    /// Where row r lies among those of the source; empty for the order of the source.
    pub order: &'a [usize],
    /// Rows to write, the last of them zeros.
    pub height: usize,
    /// Elements of a row.
    pub len: usize,
    /// Where element i goes, in units of `height`; empty for the order of the source.
    pub places: &'a [usize],
    pub to: *mut F,
}

impl<F> Pack<'_, F> {
    #[inline(always)]
    unsafe fn row(&self, r: usize) -> *const F {
        let r = if self.order.is_empty() { r } else { *self.order.get_unchecked(r) };
        self.from.wrapping_add(r * self.row)
    }
}

pub(super) unsafe fn pack<L: Lanes>(p: &Pack<L::F>) {
    struct This<'a, 'b, L: Lanes>(&'a Pack<'b, L::F>);
    impl<L: Lanes> Work for This<'_, '_, L> {
        #[inline(always)]
        unsafe fn run(self) {
            let p = self.0;
            for r in (0..p.height).step_by(L::W) {
                let (rows, height) = (L::W.min(p.rows - r.min(p.rows)), L::W.min(p.height - r));
                for i in (0..p.len).step_by(L::W) {
                    let len = L::W.min(p.len - i);
                    if p.row == 1 && p.order.is_empty() {
                        // Columns lie side by side already.
                        let from = p.from.wrapping_add(r + i);
                        (0..len).for_each(|j| put::<L>(p, (r, i + j), height, L::load_n(from.wrapping_add(j), rows)));
                    } else if rows == L::W && len == L::W {
                        whole::<L>(p, (r, i));
                    } else {
                        part::<L>(p, (r, i), (rows, len), height);
                    }
                }
            }
        }
    }
    L::enter(This::<L>(p));
}

/// `W` x `W` elements, from row r and column i on.
#[inline(always)]
unsafe fn whole<L: Lanes>(p: &Pack<L::F>, (r, i): (usize, usize)) {
    let mut tile = [L::zero(); MAX_W];
    for (j, row) in tile.iter_mut().enumerate() {
        if j < L::W {
            *row = L::load(p.row(r + j).wrapping_add(i));
        }
    }
    for (j, &column) in transpose::<L>(tile).iter().enumerate() {
        if j < L::W {
            put::<L>(p, (r, i + j), L::W, column);
        }
    }
}

/// The same for `rows` x `len` elements; `height` elements of a column are written.
#[inline(always)]
unsafe fn part<L: Lanes>(p: &Pack<L::F>, (r, i): (usize, usize), (rows, len): (usize, usize), height: usize) {
    let mut tile = [L::zero(); MAX_W];
    for (j, row) in tile.iter_mut().enumerate().take(rows) {
        *row = L::load_n(p.row(r + j).wrapping_add(i), len);
    }
    for (j, &column) in transpose::<L>(tile).iter().enumerate().take(len) {
        put::<L>(p, (r, i + j), height, column);
    }
}

/// Writes `height` elements of column i, from row r on.
#[inline(always)]
unsafe fn put<L: Lanes>(p: &Pack<L::F>, (r, i): (usize, usize), height: usize, column: L::V) {
    let place = if p.places.is_empty() { i } else { *p.places.get_unchecked(i) };
    if place != NOWHERE {
        let to = p.to.add(place * p.height + r);
        if height == L::W { L::store(to, column) } else { L::store_n(to, height, column) }
    }
}

/// Transposes the first `W` rows: each round of zips turns the digits of (row, column) by one.
#[inline(always)]
pub(super) unsafe fn transpose<L: Lanes>(rows: [L::V; MAX_W]) -> [L::V; MAX_W] {
    // One by one, so that all of it stays in registers.
    let rows = if L::W > 1 { zips::<L>(rows) } else { rows };
    let rows = if L::W > 2 { zips::<L>(rows) } else { rows };
    let rows = if L::W > 4 { zips::<L>(rows) } else { rows };
    if L::W > 8 { zips::<L>(rows) } else { rows }
}

#[inline(always)]
unsafe fn zips<L: Lanes>(rows: [L::V; MAX_W]) -> [L::V; MAX_W] {
    let mut out = rows;
    for i in 0..MAX_W / 2 {
        if i < L::W / 2 {
            (out[2 * i], out[2 * i + 1]) = L::zip(rows[i], rows[i + L::W / 2]);
        }
    }
    out
}
