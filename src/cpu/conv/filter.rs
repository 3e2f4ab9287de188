//! The weight operand: how destination channels are cut into tiles, and their weights: packed, or in place where there
//! are too few pixels to make up for packing.

use super::job::Job;
use super::lanes::{ConvFloat, Kernels};
use super::pack::{NOWHERE, Pack};
use super::source::Source;
use crate::cpu::float::{Float, Scratch, Shared};
use crate::cpu::parallel;
use crate::error::Result;
use crate::tensor::kept::Keep;

/// Destination channels of tiles of one height.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    /// Channels of a tile.
    pub height: usize,
    /// Vectors run across the channels, not along the pixels.
    pub across: bool,
    /// The first channel, and how many.
    pub from: usize,
    pub len: usize,
}

/// How the destination channels are cut into tiles.
#[derive(Debug)]
pub(super) struct Tiling {
    pub runs: Vec<Rows>,
    /// Products of vectors per k and plane.
    pub cost: usize,
    /// Rows and vectors of the largest tiles along the pixels.
    along: (usize, usize),
    /// Weights are read where they lie.
    in_place: bool,
}

/// With at most so many pixels in all, weights are read where they lie: packing would cost more than it gains.
const FEW_PIXELS: usize = 64;
/// Rows that lie a multiple of this many bytes apart share the few places that a cache has for them.
const COLLISION: usize = 4096;
/// Pixels side by side that hide how long it takes to read the weights of a tile across channels.
const ADJACENT: usize = 4;

/// Products of so few are over before the transposition of sums across channels, where pixels fill vectors as well.
const SHALLOW: usize = 16;

impl Tiling {
    /// Cuts the channels of `job`. Those that fill vectors run across; the rest goes the shorter way.
    pub fn new<F: Float>(job: &Job, source: &Source, kernels: &Kernels<F>) -> Tiling {
        let [d, h, w] = [0, 1, 2].map(|i| source.axes[i].out);
        let pixels = job.n * d * h * w;
        let in_place = pixels <= FEW_PIXELS && !(job.w_m * size_of::<F>()).is_multiple_of(COLLISION);
        let shape = kernels.shape(pixels);
        // Products of vectors for one vector of channels, and for one channel.
        let across_cost = d * h * w.max(ADJACENT * w.div_ceil(kernels.pixels));
        let along_cost = d * ((h - 1) * source.row + w).div_ceil(kernels.width);
        let along = |m: usize| (m / shape.0 * shape.0 + lowest(m % shape.0, shape.0)) * along_cost;
        let whole = job.m / kernels.width * kernels.width;
        let across = match in_place {
            true => 0,
            false if job.c * source.taps() <= SHALLOW && w >= 4 * kernels.width => 0,
            false if across_cost <= along(job.m - whole) => job.m,
            false => whole,
        };
        let cost = across.div_ceil(kernels.width) * across_cost + along(job.m - across);
        Tiling { runs: cut(job.m, across, (kernels.width, shape.0)), cost, along: shape, in_place }
    }

    /// The same with vectors along the pixels alone.
    pub fn along(self, m: usize) -> Tiling {
        Tiling { runs: cut(m, 0, (1, self.along.0)), ..self }
    }

    /// Vectors of the largest tiles along the pixels.
    pub fn vectors(&self) -> usize {
        self.along.1
    }

    /// Channels of the tallest tile.
    pub fn tallest(&self) -> usize {
        self.runs.iter().map(|r| r.height).max().unwrap_or(1)
    }
}

/// Rows of a tile along pixels for `rest` rows, fewer than the `tallest` has.
fn lowest(rest: usize, tallest: usize) -> usize {
    match rest {
        0 | 1 => rest,
        2..=4 => 4,
        _ => tallest,
    }
}

/// Cuts `m` channels into tiles; the vectors of the first `across`, of `width` each, run across channels, and other tiles
/// have `rows` rows.
fn cut(m: usize, across: usize, (width, rows): (usize, usize)) -> Vec<Rows> {
    let mut runs = Vec::with_capacity(4);
    let mut from = 0;
    let mut run = |to: usize, height: usize, across: bool| {
        if to > from {
            runs.push(Rows { height, across, from, len: to - from });
            from = to;
        }
    };
    let pairs = across.div_ceil(width) / 2 * 2;
    run((pairs * width).min(across), 2 * width, true);
    run(across, width, true);
    let rest = (m - across) % rows;
    run(m - rest, rows, false);
    run(m, lowest(rest, rows), false);
    runs
}

/// Where the weights of a run of tiles lie.
#[derive(Clone, Copy)]
pub(super) struct Weights<F> {
    /// The first weight of the first row.
    pub at: *const F,
    /// Rows of a tile.
    pub height: usize,
    /// In place: weights from one row to the next, and where (channel, tap of a row) lies, relative to a row of taps;
    /// null where the weights are packed.
    pub row: usize,
    pub columns: *const usize,
}

/// The weights of a job.
pub(super) struct Filter<'a, F> {
    weights: Shared<F>,
    /// Weights from one group, destination channel and source channel to the next.
    group: usize,
    row: usize,
    channel: usize,
    /// Where (channel of a block, tap of a row) lies, in place.
    columns: Vec<usize>,
    packed: Option<&'a Packed<F>>,
}

/// Packed weights: per group, block of channels and tile, by row of taps, channel and tap, the weights of a tile's rows.
pub struct Packed<F> {
    scratch: Scratch<F>,
    /// Elements of a group, and of a block of k per unit of k.
    group: usize,
    per_k: usize,
    taps: usize,
}

impl<F: Copy + 'static> Keep for Packed<F> {
    fn nbytes(&self) -> usize {
        self.scratch.capacity()
    }
}

impl<'a, F: ConvFloat> Filter<'a, F> {
    /// The weights `w` of `job`, packed unless they are read in place.
    pub fn new(job: &Job, w: *const F, source: &Source, tiling: &Tiling, packed: Option<&'a Packed<F>>) -> Self {
        let taps = &source.axes[2].taps;
        let column = |i: usize| i / taps.len() * job.w_c + taps[i % taps.len()].index;
        let count = if tiling.in_place { source.columns.len() } else { 0 };
        Filter {
            weights: Shared::new(w),
            group: job.w_group,
            row: job.w_m,
            channel: job.w_c,
            columns: (0..count).map(column).collect(),
            packed,
        }
    }

    /// The weights of destination channels from `from` on, which are among `rows`, and of `k` products from channel `c0`.
    pub fn rows(&self, group: usize, c0: usize, k: usize, rows: &Rows, from: usize) -> Weights<F> {
        let height = rows.height;
        match &self.packed {
            None => {
                let at = self.weights.at(group * self.group + c0 * self.channel + from * self.row);
                Weights { at, height, row: self.row, columns: self.columns.as_ptr() }
            }
            Some(p) => {
                let block = p.scratch.ptr().wrapping_add(group * p.group + c0 * p.taps * p.per_k);
                Weights { at: block.wrapping_add(from * k), height, row: 1, columns: std::ptr::null() }
            }
        }
    }
}

/// Packs the weights for the tiles of `tiling`, unless it reads them in place; rows that do not exist are zero.
///
/// # Safety
/// The module's contract, for the weights `w` of `job`.
pub(super) unsafe fn pack<F: ConvFloat>(
    job: &Job,
    w: *const F,
    source: &Source,
    tiling: &Tiling,
) -> Result<Option<Packed<F>>> {
    if tiling.in_place {
        return Ok(None);
    }
    let runs = &tiling.runs;
    let taps = source.taps();
    let per_k: usize = runs.iter().map(|r| r.len.next_multiple_of(r.height)).sum();
    let group = per_k * job.c * taps;
    let scratch = Scratch::<F>::new(job.groups * group)?;
    let (w, out) = (Shared::new(w), Shared(scratch.ptr()));
    let blocks = job.c.div_ceil(source.block);
    let tiles: Vec<(usize, &Rows)> =
        runs.iter().flat_map(|r| (r.from..r.from + r.len).step_by(r.height).map(move |m| (m, r))).collect();
    // The last block may have fewer channels.
    let kernel: usize = job.kernel.iter().product();
    let tables = [source.block, job.c - (blocks - 1) * source.block]
        .map(|channels| [false, true].map(|across| places(job, source, channels, across)));
    // Channels whose weights of one row lie side by side are one run.
    let merged = job.w_c == kernel;
    parallel::chunks(job.groups * blocks * tiles.len(), (1 << 15) / (source.block * taps * 16), &|range| {
        for i in range {
            let (g, block, (m, run)) = (i / tiles.len() / blocks, i / tiles.len() % blocks, tiles[i % tiles.len()]);
            let c0 = block * source.block;
            let channels = source.block.min(job.c - c0);
            let places = &tables[usize::from(block + 1 == blocks)][usize::from(run.across)];
            let out = out.at(g * group + c0 * taps * per_k + m * channels * taps);
            let w = w.at(g * job.w_group + c0 * job.w_c + m * job.w_m);
            let (parts, len) = if merged { (1, channels * kernel) } else { (channels, kernel) };
            for c in 0..parts {
                let pack = Pack {
                    from: w.wrapping_add(c * job.w_c),
                    row: job.w_m,
                    order: &[],
                    rows: run.height.min(run.from + run.len - m),
                    height: run.height,
                    len,
                    places: &places[c * kernel..],
                    to: out,
                };
                // SAFETY: these weights exist, and the tile has its place in the scratch.
                unsafe { (F::kernels().pack)(&pack) };
            }
        }
    });
    Ok(Some(Packed { scratch, group, per_k, taps }))
}

/// Where the weights of `channels` channels go in a packed tile, by channel and index in the kernel.
fn places(job: &Job, source: &Source, channels: usize, across: bool) -> Vec<usize> {
    let kernel: usize = job.kernel.iter().product();
    let mut places = crate::error::filled(NOWHERE, channels * kernel);
    let taps = &source.axes[2].taps;
    for t in &source.tap_rows {
        for c in 0..channels {
            for (j, tap) in taps.iter().enumerate() {
                let at = if across && !source.by_tap.is_empty() { j * channels + c } else { c * taps.len() + j };
                places[c * kernel + t.weight + tap.index] = t.index * channels * taps.len() + at;
            }
        }
    }
    places
}
