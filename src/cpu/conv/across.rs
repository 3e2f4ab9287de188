//! The micro-kernel whose vectors run across output channels: no lane is lost at the ends of rows, and a row of outputs
//! skips the taps that fall into its padding.
//!
//! A tile is `MR` adjacent pixels of a row times `NV` vectors of channels. For every k a vector of weights meets one
//! pixel after the other, read into all lanes. The sums are transposed on their way out.

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
    /// Where (channel, tap of a row) lies, relative to a pixel and a row of taps.
    pub columns: &'a [usize],
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
    let widest = const { widest::<L>(NV) };
    let mut sums = [[L::zero(); NV]; MAX_W];
    let mut at = 0;
    for left in (1..=p.width.div_ceil(widest)).rev() {
        let width = (p.width - at).div_ceil(left);
        macro_rules! run {
            ($($mr:literal)+) => {
                match width {
                    $($mr if $mr <= widest => sums[..$mr].copy_from_slice(&tile::<L, $mr, NV>(p, at)),)+
                    _ => {}
                }
            };
        }
        run!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        put::<L, NV>(p, at, width, &sums);
        at += width;
    }
}

/// The sums of `MR` pixels.
#[inline(always)]
unsafe fn tile<L: Lanes, const MR: usize, const NV: usize>(p: &Across<L::F>, at: usize) -> [[L::V; NV]; MR] {
    let mut acc = [[L::zero(); NV]; MR];
    for taps in p.taps {
        let x = p.x.add(at + taps.shift);
        let mut w = p.w.add(taps.index * p.columns.len() * NV * L::W);
        for &column in p.columns {
            let x = x.add(column);
            let mut weights = [L::zero(); NV];
            for (v, weights) in weights.iter_mut().enumerate() {
                *weights = L::load(w.add(v * L::W));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let x = L::splat(*x.add(r));
                for v in 0..NV {
                    acc[v] = L::fma(x, weights[v], acc[v]);
                }
            }
            // The next tile's pixels, which may lie far from each other.
            L::prefetch(x.add(MR - 1).cast::<u8>().wrapping_add(64));
            w = w.add(NV * L::W);
        }
    }
    acc
}

/// Writes the sums of `width` pixels from `at` on, channel by channel.
#[inline(always)]
unsafe fn put<L: Lanes, const NV: usize>(p: &Across<L::F>, at: usize, width: usize, sums: &[[L::V; NV]; MAX_W]) {
    for v in 0..NV {
        let channels = L::W.min(p.channels - (v * L::W).min(p.channels));
        let bias = if p.bias.is_null() || p.add { L::zero() } else { L::load_n(p.bias.wrapping_add(v * L::W), channels) };
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
    let mut each = [L::F::ZERO; MAX_W];
    L::store(each.as_mut_ptr(), sums);
    for (j, &sum) in each.iter().enumerate().take(width) {
        let out = out.add(j * step);
        *out = if add { *out + sum } else { sum };
    }
}
