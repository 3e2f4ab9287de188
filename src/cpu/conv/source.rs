//! The image operand: the source in place, or a scratch image of a block of channels of a band of outputs.

use std::ops::Range;

use super::axis::{Axis, Tap};
use super::lanes::{ConvFloat, Lanes, Work};
use crate::cpu::float::Float;

/// A box of outputs: the first of each dim, and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub from: [usize; 3],
    pub len: [usize; 3],
}

/// The taps of one row of the kernel, which differ in width alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct TapRow {
    /// Its number among those that are read.
    pub index: usize,
    /// Where it lies, relative to a pixel.
    pub shift: usize,
    /// Where its weights lie in the kernel.
    pub weight: usize,
    /// Its taps of the depth and the height.
    pub depth: Tap,
    pub height: Tap,
}

/// How the image operand is laid out, and how the outputs are cut into bands.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub axes: [Axis; 3],
    /// Channels of a block: the unit that a sum of products runs over.
    pub block: usize,
    /// Outputs of a full band.
    pub band: [usize; 3],
    /// Bands per dim.
    pub bands: [usize; 3],
    /// No scratch image is needed.
    pub in_place: bool,
    /// Elements from one row, plane, phase and channel of the operand to the next.
    pub row: usize,
    plane: usize,
    phase: usize,
    pub channel: usize,
    /// The rows of taps.
    pub tap_rows: Vec<TapRow>,
    /// Where (channel of the block, tap of a row) lies, relative to the row.
    pub columns: Vec<usize>,
    /// The same by tap, for a block of channels each; empty where no tap skips any pixel, or not by enough.
    pub by_tap: Vec<usize>,
    /// Where (channel of the block, tap) lies, relative to a pixel; taps run fastest.
    pub offsets: Vec<usize>,
}

/// Bytes of the pixels that a band reads, about a quarter of a common L2 cache.
const SCRATCH: usize = 256 << 10;
/// Channels whose copies lie a multiple of this many bytes apart share few places of L1; they are moved apart by a line.
const COLLISION: usize = 512;
/// Bytes of a cache line.
const LINE: usize = 64;
/// Outputs of a band along the width, and in all.
const BAND_WIDTH: usize = 1024;
/// As above.
const BAND: usize = 4096;
/// Taking the taps of a row one by one, to skip padding, costs each of them as much as this many products of one vector
/// of channels with a pixel, in a tile of as many pixels as this.
const TURN: usize = 18;
const TILE: usize = 14;

impl Source {
    /// Plans for `c` channels of `size` bytes per element, in blocks of at most `block_k` products or of one channel; the
    /// axes have outputs and taps of `kernel`.
    pub fn new(axes: &[Axis; 3], kernel: [usize; 3], c: usize, (block_k, size): (usize, usize)) -> Source {
        let taps: usize = axes.iter().map(|a| a.taps.len()).product();
        let phases: usize = axes.iter().map(|a| a.phases.len()).product();
        let in_place = axes.iter().all(Axis::in_place);
        let blocks = c.div_ceil((block_k / taps).max(1)).max(1);
        let block = c.div_ceil(blocks).max(1);
        // Whole rows, then whole planes, as far as the limits go.
        let room = (SCRATCH / size / (block * phases)).max(1);
        let fits = |band: [usize; 3]| {
            let pixels: usize = band.iter().product();
            let span: usize = (0..3).map(|d| axes[d].span(band[d])).product();
            pixels <= BAND && (if in_place { pixels } else { span }) <= room
        };
        let mut band = [1, 1, axes[2].out.div_ceil(axes[2].out.div_ceil(BAND_WIDTH))];
        for d in [1, 0] {
            let mut with = band;
            // Bands of equal size: as few as fit.
            for count in 1..=axes[d].out {
                with[d] = axes[d].out.div_ceil(count);
                if with[d] == 1 || fits(with) {
                    break;
                }
            }
            band = with;
            if band[d] < axes[d].out {
                break;
            }
        }
        let bands = std::array::from_fn(|d| axes[d].out.div_ceil(band[d]));
        let extent: [usize; 3] = std::array::from_fn(|d| if in_place { axes[d].src } else { axes[d].span(band[d]) });
        let row = extent[2];
        let plane = row * extent[1];
        let phase = plane * extent[0];
        let mut channel = phase * phases;
        if !in_place && (channel * size).is_multiple_of(COLLISION) {
            channel += LINE / size;
        }
        let lo: [isize; 3] = std::array::from_fn(|d| axes[d].shifts().0);
        let [depth, height, width] = [0, 1, 2].map(|d| &axes[d].taps[..]);
        let mut tap_rows = Vec::with_capacity(depth.len() * height.len());
        for &d in depth {
            for &h in height {
                let first_phase = (d.phase * axes[1].phases.len() + h.phase) * axes[2].phases.len();
                let (z, y) = ((d.shift - lo[0]) as usize, (h.shift - lo[1]) as usize);
                let shift = first_phase * phase + z * plane + y * row;
                let weight = (d.index * kernel[1] + h.index) * kernel[2];
                tap_rows.push(TapRow { index: tap_rows.len(), shift, weight, depth: d, height: h });
            }
        }
        let column = |c: usize, w: &Tap| c * channel + w.phase * phase + (w.shift - lo[2]) as usize;
        let out = axes[2].out;
        let padded: usize = width.iter().map(|t| pixels(&axes[2], t)).map(|(lo, hi)| out - (hi - lo)).sum();
        let turns_pay = padded * block * out.min(TILE) > TURN * width.len() * out;
        let by_tap = if turns_pay {
            width.iter().flat_map(|w| (0..block).map(move |c| column(c, w))).collect()
        } else {
            Vec::new()
        };
        let columns: Vec<usize> = (0..block).flat_map(|c| width.iter().map(move |w| column(c, w))).collect();
        let tap = |i: usize, t: &TapRow, j: usize| columns[i * width.len() + j] + t.shift;
        let row_taps = |i: usize, t: &TapRow| -> Vec<usize> { (0..width.len()).map(|j| tap(i, t, j)).collect() };
        let offsets =
            (0..block).flat_map(|i| tap_rows.iter().flat_map(|t| row_taps(i, t)).collect::<Vec<_>>()).collect();
        Source {
            axes: axes.clone(),
            block,
            band,
            bands,
            in_place,
            row,
            plane,
            phase,
            channel,
            tap_rows,
            columns,
            by_tap,
            offsets,
        }
    }

    /// Taps per channel.
    pub fn taps(&self) -> usize {
        self.axes.iter().map(|a| a.taps.len()).product()
    }

    /// Taps of a row.
    pub fn row_taps(&self) -> usize {
        self.axes[2].taps.len()
    }

    /// The rows of taps that do not fall into the padding of output row (d, h).
    pub fn reaching(&self, d: usize, h: usize) -> impl Iterator<Item = &TapRow> {
        self.tap_rows.iter().filter(move |t| {
            let (depth, height) = self.reached(t);
            depth.contains(&d) && height.contains(&h)
        })
    }

    /// The pixels of a row whose `i`-th tap does not fall into the padding: the first, and the one after the last.
    pub fn pixels(&self, i: usize) -> (usize, usize) {
        pixels(&self.axes[2], &self.axes[2].taps[i])
    }

    /// The output planes and lines whose `tap` does not fall into the padding.
    pub fn reached(&self, tap: &TapRow) -> (Range<usize>, Range<usize>) {
        let range = |axis: &Axis, t: &Tap| {
            let (lo, hi) = pixels(axis, t);
            lo..hi
        };
        (range(&self.axes[0], &tap.depth), range(&self.axes[1], &tap.height))
    }

    /// Bands in all.
    pub fn band_count(&self) -> usize {
        self.bands.iter().product()
    }

    /// Do the pixels of all outputs, for a block of channels of `size` bytes per element, stay in L2?
    pub fn is_small(&self, size: usize) -> bool {
        self.band_count() == 1 && self.block.saturating_mul(self.channel).saturating_mul(size) <= SCRATCH
    }

    /// Elements of scratch that [`Source::image`] needs.
    pub fn scratch(&self) -> usize {
        if self.in_place { 0 } else { self.block * self.channel }
    }

    /// Band `i` of [`Source::band_count`].
    pub fn band(&self, i: usize) -> Band {
        let at = [i / (self.bands[1] * self.bands[2]), i / self.bands[2] % self.bands[1], i % self.bands[2]];
        let from: [usize; 3] = std::array::from_fn(|d| at[d] * self.band[d]);
        Band { from, len: std::array::from_fn(|d| self.band[d].min(self.axes[d].out - from[d])) }
    }

    /// The operand's first pixel for a band of `channels` channels that start at `src`; fills `scratch` if needed.
    ///
    /// # Safety
    /// `src` has this many channels, `scratch` [`Source::scratch`] elements.
    pub unsafe fn image<F: ConvFloat>(&self, src: *const F, channels: usize, b: &Band, scratch: *mut F) -> *const F {
        if !self.in_place {
            (F::kernels().fill)(&Fill { source: self, src, channels, band: b, out: scratch });
            return scratch;
        }
        let at: [usize; 3] = std::array::from_fn(|d| b.from[d] + self.axes[d].shifts().0 as usize);
        src.add(at[0] * self.plane + at[1] * self.row + at[2])
    }

    /// The pixel of output row (d, h) of a band, relative to its first.
    pub fn pixel(&self, d: usize, h: usize) -> usize {
        d * self.plane + h * self.row
    }
}

/// The elements `j < n` of a phase for which `step * (from + j) + r` lies in the source, and the first one's place.
#[inline(always)]
fn inside(a: &Axis, from: isize, r: usize, n: usize) -> (usize, usize, usize) {
    let step = a.step as isize;
    let first = from * step + r as isize;
    let lo = if first >= 0 { 0 } else { (-first as usize).div_ceil(a.step) };
    let room = a.src as isize - first;
    let hi = if room <= 0 { 0 } else { (room as usize).div_ceil(a.step) };
    let lo = lo.min(n);
    (lo, hi.clamp(lo, n), (first + lo as isize * step).max(0) as usize)
}

/// The outputs whose tap lies in the source: the first, and the one after the last.
fn pixels(axis: &Axis, t: &Tap) -> (usize, usize) {
    let (lo, hi, _) = inside(axis, t.shift, axis.phases[t.phase], axis.out);
    (lo, hi)
}

/// A copy of a band of `channels` channels, split by phase, with zeros where the source has nothing.
pub(super) struct Fill<'a, F> {
    source: &'a Source,
    src: *const F,
    channels: usize,
    band: &'a Band,
    out: *mut F,
}

pub(super) unsafe fn fill<L: Lanes>(f: &Fill<L::F>) {
    struct This<'a, 'b, L: Lanes>(&'a Fill<'b, L::F>);
    impl<L: Lanes> Work for This<'_, '_, L> {
        #[inline(always)]
        unsafe fn run(self) {
            planes::<L>(self.0);
        }
    }
    L::enter(This::<L>(f));
}

#[inline(always)]
unsafe fn planes<L: Lanes>(f: &Fill<L::F>) {
    let (s, b) = (f.source, f.band);
    let [ad, ah, aw] = &s.axes;
    let span: [usize; 3] = std::array::from_fn(|d| s.axes[d].span(b.len[d]));
    let from: [isize; 3] = std::array::from_fn(|d| b.from[d] as isize + s.axes[d].shifts().0);
    let (src_row, src_plane) = (aw.src, aw.src * ah.src);
    for c in 0..f.channels {
        let src = f.src.add(c * src_plane * ad.src);
        let mut phase = f.out.add(c * s.channel);
        for &rd in &ad.phases {
            let (d0, d1, first_d) = inside(ad, from[0], rd, span[0]);
            for &rh in &ah.phases {
                let (h0, h1, first_h) = inside(ah, from[1], rh, span[1]);
                for &rw in &aw.phases {
                    let (w0, w1, first_w) = inside(aw, from[2], rw, span[2]);
                    for d in 0..span[0] {
                        for h in 0..span[1] {
                            let row = phase.add(d * s.plane + h * s.row);
                            if d < d0 || d >= d1 || h < h0 || h >= h1 {
                                line::<L>(row, span[2], row, (0, 0), 1, 0);
                                continue;
                            }
                            let (z, y) = (first_d + (d - d0) * ad.step, first_h + (h - h0) * ah.step);
                            let from = src.add(z * src_plane + y * src_row + first_w);
                            line::<L>(row, span[2], from, (w0, w1), aw.step, src_plane * ad.src);
                        }
                    }
                    phase = phase.add(s.phase);
                }
            }
        }
    }
}

/// Writes `n` elements: elements `w0` to `w1` are those from `from` on, `step` apart, the others are zero. What lies `next`
/// elements further will be read soon.
#[inline(always)]
unsafe fn line<L: Lanes>(
    row: *mut L::F,
    n: usize,
    from: *const L::F,
    (w0, w1): (usize, usize),
    step: usize,
    next: usize,
) {
    for j in (0..(w1 - w0) * step).step_by(64 / size_of::<L::F>()) {
        L::prefetch(from.wrapping_add(j + next).cast());
    }
    if step > 2 {
        let lanes = |j: usize| if (w0..w1).contains(&j) { *from.wrapping_add(step * (j - w0)) } else { L::F::ZERO };
        return (0..n).for_each(|j| *row.add(j) = lanes(j));
    }
    let zeros = |lo: usize, hi: usize| {
        for j in (lo..hi).step_by(L::W) {
            L::store_n(row.add(j), L::W.min(hi - j), L::zero());
        }
    };
    zeros(0, w0);
    for j in (0..w1 - w0).step_by(L::W) {
        let (len, from) = (L::W.min(w1 - w0 - j), from.add(step * j));
        let lanes = match (step, len == L::W) {
            (1, true) => L::load(from),
            (1, false) => L::load_n(from, len),
            _ => {
                let (first, len) = (L::load_n(from, L::W.min(2 * len - 1)), (2 * len - 1).max(L::W) - L::W);
                L::evens(first, L::load_n(from.wrapping_add(L::W), len))
            }
        };
        L::store_n(row.add(w0 + j), len, lanes);
    }
    zeros(w1, n);
}
