//! Packing by transposes: what lies in rows becomes columns.

use super::lanes::{Lanes, MAX_W, Work};

/// The place of an element that is left out.
pub(super) const NOWHERE: usize = usize::MAX;

/// `to[places[i]][r] = from[r][i]`.
pub(super) struct Pack<'a, F> {
    /// The source, elements from one row to the next, and rows that exist.
    pub from: *const F,
    pub row: usize,
    pub rows: usize,
    /// Rows to write, the last of them zeros.
    pub height: usize,
    /// Elements of a row.
    pub len: usize,
    /// Where element i goes, in units of `height`; empty for the order of the source.
    pub places: &'a [usize],
    pub to: *mut F,
}

pub(super) unsafe fn pack<L: Lanes>(p: &Pack<L::F>) {
    struct This<'a, 'b, L: Lanes>(&'a Pack<'b, L::F>);
    impl<L: Lanes> Work for This<'_, '_, L> {
        #[inline(always)]
        unsafe fn run(self) {
            let p = self.0;
            for r in (0..p.height).step_by(L::W) {
                let height = L::W.min(p.height - r);
                for i in (0..p.len).step_by(L::W) {
                    let columns = read::<L>(p, r, i);
                    for (j, &column) in columns.iter().enumerate().take(L::W.min(p.len - i)) {
                        let place = if p.places.is_empty() { i + j } else { *p.places.get_unchecked(i + j) };
                        if place != NOWHERE {
                            L::store_n(p.to.add(place * p.height + r), height, column);
                        }
                    }
                }
            }
        }
    }
    L::enter(This::<L>(p));
}

/// The columns from `i` on of up to `W` rows from `r` on.
#[inline(always)]
unsafe fn read<L: Lanes>(p: &Pack<L::F>, r: usize, i: usize) -> [L::V; MAX_W] {
    let rows = L::W.min(p.rows - r.min(p.rows));
    let len = L::W.min(p.len - i);
    let mut tile = [L::zero(); MAX_W];
    let at = p.from.wrapping_add(r * p.row + i);
    if p.row == 1 {
        for (j, column) in tile.iter_mut().enumerate().take(len) {
            *column = L::load_n(at.wrapping_add(j), rows);
        }
        return tile;
    }
    for (j, row) in tile.iter_mut().enumerate().take(rows) {
        *row = L::load_n(at.wrapping_add(j * p.row), len);
    }
    transpose::<L>(tile)
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
