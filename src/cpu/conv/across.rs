//! The micro-kernel whose vectors run across output channels: no lane is lost at the ends of rows, and a row of outputs
//! skips the taps that fall into its padding.
//!
//! A tile is `MR` adjacent pixels of a row times `NV` vectors of channels. For every k a vector of weights meets one
//! pixel after the other, read into all lanes. The sums are transposed on their way out.

use std::marker::PhantomData;

use super::lanes::{Lanes, MAX_W, Work};
use super::pack::transpose;
use super::source::TapRow;
use crate::cpu::float::Float;

/// The products of one row of outputs and of the channels of one tile.
pub(super) struct Across<'a, F> {
    /// Packed weights: per row of taps and k, as many as the tile has channels.
    pub w: *const F,
    /// Vectors of channels of the tile, 1 or 2, and channels that exist.
    pub vectors: usize,
    pub channels: usize,
    /// The rows of taps that do not fall into the padding.
    pub taps: &'a [TapRow],
    /// What a row of taps is made of, and how many products that is.
    pub groups: &'a [Group<'a>],
    pub row_k: usize,
    /// The first pixel, and how many there are.
    pub x: *const F,
    pub width: usize,
    /// Where the sums go: elements from one channel and pixel to the next.
    pub out: *mut F,
    pub out_m: usize,
    pub out_step: usize,
    /// One per channel; optional.
    pub bias: *const F,
    /// Add to what is there, which has the bias.
    pub add: bool,
}

/// Columns of a row of taps, all of them the same tap where some of its pixels fall into the padding.
pub(super) struct Group<'a> {
    /// Where they lie, relative to a pixel and a row of taps.
    pub columns: &'a [usize],
    /// Products of the row that come before.
    pub at: usize,
    /// The first pixel outside the padding, and the one after the last.
    pub inside: (usize, usize),
}

pub(super) unsafe fn across<L: Lanes>(p: &Across<L::F>) {
    struct This<'a, 'b, L: Lanes>(&'a Across<'b, L::F>);
    impl<L: Lanes> Work for This<'_, '_, L> {
        #[inline(always)]
        unsafe fn run(self) {
            match self.0.vectors {
                1 => tiles::<L, 1>(self.0),
                _ => tiles::<L, 2>(self.0),
            }
        }
    }
    L::enter(This::<L>(p));
}

/// The most pixels of a tile of `vectors` vectors: some registers are left for the weights and a pixel.
pub(super) const fn widest<L: Lanes>(vectors: usize) -> usize {
    match (L::WIDE, vectors) {
        (true, _) => 14,
        (false, 1) => 12,
        (false, _) => 6,
    }
}

/// Cuts the row into as few tiles as the registers allow, of about the same width.
#[inline(always)]
unsafe fn tiles<L: Lanes, const NV: usize>(p: &Across<L::F>) {
    let mut sums = [[L::zero(); NV]; MAX_W];
    let mut at = 0;
    for left in (1..=p.width.div_ceil(widest::<L>(NV))).rev() {
        let width = (p.width - at).div_ceil(left);
        // Where the sums go is far apart, and rarely in a cache.
        let out = p.out.wrapping_add(at * p.out_step);
        (0..p.channels).for_each(|i| L::prefetch(out.wrapping_add(i * p.out_m).cast()));
        Tiles::<L, NV>::ALL[width - 1](p, at, &mut sums);
        put::<L, NV>(p, at, width, &sums);
        at += width;
    }
}

type Tile<L, const NV: usize> = unsafe fn(&Across<<L as Lanes>::F>, usize, &mut [[<L as Lanes>::V; NV]; MAX_W]);

/// The kernels of one to fourteen pixels. They are called through a table, since in one function with the rest their sums
/// compete for registers with constants of the transposition.
struct Tiles<L, const NV: usize>(PhantomData<L>);

impl<L: Lanes, const NV: usize> Tiles<L, NV> {
    const ALL: [Tile<L, NV>; 14] = [
        tile::<L, 1, NV>,
        tile::<L, 2, NV>,
        tile::<L, 3, NV>,
        tile::<L, 4, NV>,
        tile::<L, 5, NV>,
        tile::<L, 6, NV>,
        tile::<L, 7, NV>,
        tile::<L, 8, NV>,
        tile::<L, 9, NV>,
        tile::<L, 10, NV>,
        tile::<L, 11, NV>,
        tile::<L, 12, NV>,
        tile::<L, 13, NV>,
        tile::<L, 14, NV>,
    ];
}

/// The sums of `MR` pixels from `at` on.
unsafe fn tile<L: Lanes, const MR: usize, const NV: usize>(
    p: &Across<L::F>,
    at: usize,
    sums: &mut [[L::V; NV]; MAX_W],
) {
    struct This<'a, 'b, L: Lanes, const MR: usize, const NV: usize>(
        &'a Across<'b, L::F>,
        usize,
        &'a mut [[L::V; NV]; MAX_W],
    );
    impl<L: Lanes, const MR: usize, const NV: usize> Work for This<'_, '_, L, MR, NV> {
        #[inline(always)]
        unsafe fn run(self) {
            if MR <= widest::<L>(NV) {
                let acc = products::<L, MR, NV>(self.0, self.1);
                for (sums, acc) in self.2.iter_mut().zip(acc) {
                    *sums = acc;
                }
            }
        }
    }
    L::enter(This::<L, MR, NV>(p, at, sums));
}

#[inline(always)]
unsafe fn products<L: Lanes, const MR: usize, const NV: usize>(p: &Across<L::F>, at: usize) -> [[L::V; NV]; MR] {
    let mut acc = [[L::zero(); NV]; MR];
    for taps in p.taps {
        let x = p.x.add(at + taps.shift);
        for g in p.groups {
            let w = p.w.add((taps.index * p.row_k + g.at) * NV * L::W);
            let padded = (g.inside.0.max(at) - at, (at + MR).max(g.inside.1) - g.inside.1);
            match padded {
                (1, 0) => add::<L, MR, NV, 1, 0>(&mut acc, x, w, g.columns),
                (0, 1) => add::<L, MR, NV, 0, 1>(&mut acc, x, w, g.columns),
                (2.., 0) => add::<L, MR, NV, 2, 0>(&mut acc, x, w, g.columns),
                (0, 2..) => add::<L, MR, NV, 0, 2>(&mut acc, x, w, g.columns),
                _ => add::<L, MR, NV, 0, 0>(&mut acc, x, w, g.columns),
            }
        }
    }
    acc
}

/// Adds the products of some columns to the sums, but for those of the first `LO` and the last `HI` pixels.
#[inline(always)]
unsafe fn add<L: Lanes, const MR: usize, const NV: usize, const LO: usize, const HI: usize>(
    acc: &mut [[L::V; NV]; MR],
    x: *const L::F,
    mut w: *const L::F,
    columns: &[usize],
) {
    if LO + HI >= MR {
        return;
    }
    for &column in columns {
        let x = x.add(column);
        let mut weights = [L::zero(); NV];
        for (v, weights) in weights.iter_mut().enumerate() {
            *weights = L::load(w.add(v * L::W));
        }
        for (r, acc) in acc.iter_mut().enumerate() {
            if (LO..MR - HI).contains(&r) {
                let x = L::splat(*x.add(r));
                for v in 0..NV {
                    acc[v] = L::fma(x, weights[v], acc[v]);
                }
            }
        }
        // The next tile's pixels, which may lie far from each other.
        L::prefetch(x.add(MR - 1).cast::<u8>().wrapping_add(64));
        w = w.add(NV * L::W);
    }
}

/// Writes the sums of `width` pixels from `at` on, channel by channel.
#[inline(always)]
unsafe fn put<L: Lanes, const NV: usize>(p: &Across<L::F>, at: usize, width: usize, sums: &[[L::V; NV]; MAX_W]) {
    for v in 0..NV {
        let channels = L::W.min(p.channels - (v * L::W).min(p.channels));
        let bias =
            if p.bias.is_null() || p.add { L::zero() } else { L::load_n(p.bias.wrapping_add(v * L::W), channels) };
        for r0 in (0..width).step_by(L::W) {
            let mut rows = [L::zero(); MAX_W];
            for (r, row) in rows.iter_mut().enumerate().take(L::W) {
                *row = L::add(sums[r0 + r][v], bias);
            }
            let rows = transpose::<L>(rows);
            let out = p.out.wrapping_add(v * L::W * p.out_m + (at + r0) * p.out_step);
            let width = L::W.min(width - r0);
            let place = |i: usize| out.wrapping_add(i * p.out_m);
            match (p.out_step, p.add) {
                (1, false) => (0..channels).for_each(|i| L::store_n(place(i), width, rows[i])),
                (1, true) => (0..channels).for_each(|i| {
                    L::store_n(place(i), width, L::add(rows[i], L::load_n(place(i), width)));
                }),
                _ => (0..channels).for_each(|i| scatter::<L>(place(i), rows[i], width, p.out_step, p.add)),
            }
        }
    }
}

/// Writes or adds `width` sums, `step` apart.
#[inline(always)]
unsafe fn scatter<L: Lanes>(out: *mut L::F, sums: L::V, width: usize, step: usize, add: bool) {
    if step == 2 {
        let (first, second) = L::zip(sums, sums);
        let len = 2 * width - 1;
        for (at, sums) in [(0, first), (L::W, second)] {
            let (out, len) = (out.wrapping_add(at), L::W.min(len.max(at) - at));
            L::store_evens(out, len, if add { L::add(sums, L::load_n(out, len)) } else { sums });
        }
        return;
    }
    let mut each = [L::F::ZERO; MAX_W];
    L::store(each.as_mut_ptr(), sums);
    for (j, &sum) in each.iter().enumerate().take(width) {
        let out = out.add(j * step);
        *out = if add { *out + sum } else { sum };
    }
}
