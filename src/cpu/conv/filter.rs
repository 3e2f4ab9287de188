//! The weight operand: packed into tiles, or in place where there are too few pixels to make up for packing.

use super::job::Job;
use super::source::Source;
use crate::cpu::float::{Float, Scratch, Shared};
use crate::cpu::parallel;
use crate::error::Result;

/// Destination channels of tiles of one height.
pub(super) struct Rows {
    /// Rows of a tile.
    pub height: usize,
    /// The first channel, and how many.
    pub from: usize,
    pub len: usize,
}

/// Cuts `m` channels into tiles of full height and a lower one for the rest.
pub(super) fn tile_rows(m: usize, tallest: usize) -> Vec<Rows> {
    let height = |left: usize| match left {
        1 => 1,
        2..=4 => 4,
        _ => tallest,
    };
    let full = m / tallest * tallest;
    let mut out = Vec::with_capacity(2);
    if full > 0 {
        out.push(Rows { height: tallest, from: 0, len: full });
    }
    if m > full {
        out.push(Rows { height: height(m - full), from: full, len: m - full });
    }
    out
}

/// Where the weights of a run of tiles lie.
#[derive(Clone, Copy)]
pub(super) struct Weights<F> {
    /// The first weight of the first row.
    pub at: *const F,
    /// Rows of a tile: 8, 4 or 1.
    pub height: usize,
    /// Weights from one row to the next, in place.
    pub row: usize,
    /// Where k lies, relative to a row; null where the weights are packed.
    pub offsets: *const usize,
}

/// With fewer pixels in all than this, weights are read where they lie: packing would cost more than the tenth by which
/// packed ones are faster.
const FEW_PIXELS: usize = 384;
/// Rows that lie a multiple of this many bytes apart share the few places that a cache has for them.
const COLLISION: usize = 4096;

/// The weights of a job, for the tiles of some rows.
pub(super) struct Filter<F> {
    weights: Shared<F>,
    /// Weights from one group, destination channel and source channel to the next.
    group: usize,
    row: usize,
    channel: usize,
    /// Where k lies, in a block of channels.
    offsets: Vec<usize>,
    packed: Option<Packed<F>>,
}

/// Packed weights: per group, block of channels and tile, k by k, the weights of a tile's rows.
struct Packed<F> {
    scratch: Scratch<F>,
    /// Elements of a group, and of a block of k per unit of k.
    group: usize,
    per_k: usize,
    taps: usize,
}

impl<F: Float> Filter<F> {
    /// # Safety
    /// The module's contract, for the weights `w` of `job`.
    pub unsafe fn new(job: &Job, w: *const F, source: &Source, rows: &[Rows]) -> Result<Self> {
        let taps: Vec<usize> = {
            let [ad, ah, aw] = &job.axes;
            let mut taps = Vec::with_capacity(source.taps());
            for d in &ad.taps {
                for h in &ah.taps {
                    let start = (d.index * job.kernel[1] + h.index) * job.kernel[2];
                    taps.extend(aw.taps.iter().map(|w| start + w.index));
                }
            }
            taps
        };
        let pixels = job.n * job.axes.iter().map(|a| a.out).product::<usize>();
        let in_place = pixels < FEW_PIXELS && !(job.w_m * size_of::<F>()).is_multiple_of(COLLISION);
        let k = if in_place { source.block * taps.len() } else { 0 };
        Ok(Filter {
            weights: Shared::new(w),
            group: job.w_group,
            row: job.w_m,
            channel: job.w_c,
            offsets: (0..k).map(|i| i / taps.len() * job.w_c + taps[i % taps.len()]).collect(),
            packed: if in_place { None } else { Some(pack(job, w, source, rows, &taps)?) },
        })
    }

    /// The weights of destination channels from `from` on, which are among `rows`, and of `k` products from channel `c0`.
    pub fn rows(&self, group: usize, c0: usize, k: usize, rows: &Rows, from: usize) -> Weights<F> {
        let height = rows.height;
        match &self.packed {
            None => {
                let at = self.weights.at(group * self.group + c0 * self.channel + from * self.row);
                Weights { at, height, row: self.row, offsets: self.offsets.as_ptr() }
            }
            Some(p) => {
                let block = p.scratch.ptr().wrapping_add(group * p.group + c0 * p.taps * p.per_k);
                Weights { at: block.wrapping_add(from * k), height, row: 1, offsets: std::ptr::null() }
            }
        }
    }
}

/// Packs the weights for the tiles of `rows`; rows that do not exist are zero.
unsafe fn pack<F: Float>(job: &Job, w: *const F, source: &Source, rows: &[Rows], taps: &[usize]) -> Result<Packed<F>> {
    let per_k: usize = rows.iter().map(|r| r.len.next_multiple_of(r.height)).sum();
    let group = per_k * job.c * taps.len();
    let scratch = Scratch::<F>::new(job.groups * group)?;
    let (w, out) = (Shared::new(w), Shared(scratch.ptr()));
    let blocks = job.c.div_ceil(source.block);
    let block_work = per_k * source.block * taps.len();
    parallel::chunks(job.groups * blocks, (1 << 16) / block_work.max(1), &|r| {
        for i in r {
            let (g, c0) = (i / blocks, i % blocks * source.block);
            let channels = source.block.min(job.c - c0);
            let out = out.at(g * group + c0 * taps.len() * per_k);
            let w = w.at(g * job.w_group + c0 * job.w_c);
            let step = (job.w_m, job.w_c);
            // In the order in which the weights lie in memory: channel by channel, or tile by tile.
            let parts = if job.w_c > job.w_m { channels } else { 1 };
            for c in (0..channels).step_by(channels / parts) {
                let mut tile = out;
                for rows in rows {
                    for m in (rows.from..rows.from + rows.len).step_by(rows.height) {
                        let valid = rows.height.min(rows.from + rows.len - m);
                        let size = (valid, rows.height, channels / parts);
                        // SAFETY: these weights exist, and the tile has its place in the scratch.
                        unsafe {
                            let w = w.add(m * job.w_m + c * job.w_c);
                            pack_tile(w, step, taps, size, tile.add(c * taps.len() * rows.height));
                            tile = tile.add(rows.height * channels * taps.len());
                        }
                    }
                }
            }
        }
    });
    Ok(Packed { scratch, group, per_k, taps: taps.len() })
}

/// Packs `valid` of `rows` rows of weights, (channel, tap) by (channel, tap).
unsafe fn pack_tile<F: Float>(
    w: *const F,
    (w_m, w_c): (usize, usize),
    taps: &[usize],
    (valid, rows, channels): (usize, usize, usize),
    mut out: *mut F,
) {
    for c in 0..channels {
        for &tap in taps {
            let w = w.add(c * w_c + tap);
            for i in 0..rows {
                *out.add(i) = if i < valid { *w.add(i * w_m) } else { F::ZERO };
            }
            out = out.add(rows);
        }
    }
}
