//! One product of weights and pixels: packing, cutting into tasks, and the loops around the micro-kernel.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::axis::Axis;
use super::lanes::{ConvFloat, Kernels};
use super::source::{Band, Source};
use super::tile::Panel;
use super::unrolled::{self, Unrolled};
use crate::cpu::float::{Float, Scratch, Shared, grain, no_memory};
use crate::cpu::parallel;
use crate::error::Result;

/// `dst[n, g, o] = bias[g, o] + sum over c and taps of w[g, o, c, tap] * src[n, g, c, ...]`.
pub(super) struct Job {
    /// Samples.
    pub n: usize,
    /// Groups.
    pub groups: usize,
    /// Source channels per group.
    pub c: usize,
    /// Destination channels per group.
    pub m: usize,
    /// The spatial dims.
    pub axes: [Axis; 3],
    /// Taps of the whole kernel.
    pub kernel: [usize; 3],
    /// Extents of the destination.
    pub dst: [usize; 3],
    /// Elements of the weight from one group, destination channel and source channel to the next.
    pub w_group: usize,
    pub w_m: usize,
    pub w_c: usize,
}

/// Multiplications of a task, so that the hand-off is a small part of it.
const TASK: usize = 1 << 18;
/// As many tasks as this are wanted before destination channels are split among tasks.
const TASKS: usize = 16;

/// Destination channels of tiles of one height.
struct Rows {
    /// Rows of a tile.
    height: usize,
    /// The first channel, and how many.
    from: usize,
    len: usize,
}

/// Cuts `m` channels into tiles of full height and a lower one for the rest.
fn tile_rows(m: usize, tallest: usize) -> Vec<Rows> {
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

/// The packed weights: per group, block of channels and tile, k by k, the weights of a tile's rows.
struct Packed<F> {
    scratch: Scratch<F>,
    /// Elements of a group, and of a block of k per unit of k.
    group: usize,
    per_k: usize,
}

impl Job {
    /// Runs the job.
    ///
    /// # Safety
    /// The module's contract, with the sizes of this job.
    pub unsafe fn run<F: ConvFloat>(&self, src: *const F, w: *const F, bias: *const F, dst: *mut F) -> Result<()> {
        let outputs: usize = self.axes.iter().map(|a| a.out).product();
        if self.n * self.groups * self.m * outputs == 0 {
            return Ok(());
        }
        if self.c == 0 || self.axes.iter().any(|a| a.taps.is_empty()) {
            self.fill(bias, dst);
            return Ok(());
        }
        let kernels = F::kernels();
        let source = Source::new(&self.axes, self.c, size_of::<F>());
        let rows = tile_rows(self.m, kernels.rows);
        let packed = self.pack(w, &source, &rows)?;
        let lost = unrolled::empty_lanes(&source, kernels.width);
        if unrolled::pays(&source, self.groups * self.c, self.m, kernels.width, lost) {
            let plan = (kernels, &source, &packed, &rows[..]);
            if self.fills_destination() {
                return self.run_unrolled(src, bias, dst, plan);
            }
            let all = Scratch::<F>::new(self.n * self.groups * self.m * outputs)?;
            self.run_unrolled(src, bias, all.ptr(), plan)?;
            self.spread(all.ptr(), dst);
            return Ok(());
        }
        let bands = source.band_count();
        // Few large tasks: several work on the same pixels, each for some tiles of channels.
        let base = self.n * self.groups * bands;
        let work = self.m * self.c * source.taps() * source.band.iter().product::<usize>();
        let slabs = if base >= TASKS || work < 2 * TASK { 1 } else { TASKS.div_ceil(base).min(work.div_ceil(TASK)) };
        let per_slab = self.m.div_ceil(slabs).next_multiple_of(kernels.rows);
        let slabs = self.m.div_ceil(per_slab);
        let (src, bias, dst) = (Shared::new(src), Shared::new(bias), Shared(dst));
        let failed = AtomicBool::new(false);
        parallel::chunks(base * slabs, (TASK / work.div_ceil(slabs).max(1)).max(1), &|tasks| {
            let Ok(scratch) = Scratch::<F>::new(source.scratch()) else {
                failed.store(true, Relaxed);
                return;
            };
            for task in tasks {
                let (slab, at) = (task % slabs, task / slabs);
                let (band, image) = (source.band(at % bands), at / bands);
                let (g, channels) = (image % self.groups, (slab * per_slab, ((slab + 1) * per_slab).min(self.m)));
                let call = Call { kernels, source: &source, packed: &packed, rows: &rows, band, g, channels };
                let (src_plane, dst_plane) = (self.axes.iter().map(|a| a.src).product::<usize>(), self.dst_plane());
                // SAFETY: the image and the channels of this task.
                unsafe {
                    let src = src.at(image * self.c * src_plane);
                    let dst = dst.at(image * self.m * dst_plane);
                    self.task(&call, src, bias.at(g * self.m), dst, scratch.ptr());
                }
            }
        });
        if failed.into_inner() { Err(no_memory(source.scratch() * size_of::<F>())) } else { Ok(()) }
    }

    fn dst_plane(&self) -> usize {
        self.dst.iter().product()
    }

    /// Where output (d, h, w) goes in a plane of the destination.
    fn place(&self, at: [usize; 3]) -> usize {
        let i: [usize; 3] = std::array::from_fn(|d| self.axes[d].dst_start + at[d] * self.axes[d].dst_step);
        (i[0] * self.dst[1] + i[1]) * self.dst[2] + i[2]
    }

    /// Outputs that no tap reaches: the bias alone.
    unsafe fn fill<F: Float>(&self, bias: *const F, dst: *mut F) {
        let [ad, ah, aw] = &self.axes;
        for i in 0..self.n * self.groups * self.m {
            let value = if bias.is_null() { F::ZERO } else { *bias.add(i % (self.groups * self.m)) };
            let dst = dst.add(i * self.dst_plane());
            for d in 0..ad.out {
                for h in 0..ah.out {
                    (0..aw.out).for_each(|w| *dst.add(self.place([d, h, w])) = value);
                }
            }
        }
    }

    /// Packs the weights for the tiles of `rows`; rows that do not exist are zero.
    unsafe fn pack<F: Float>(&self, w: *const F, source: &Source, rows: &[Rows]) -> Result<Packed<F>> {
        let taps: Vec<usize> = {
            let [ad, ah, aw] = &self.axes;
            let mut taps = Vec::with_capacity(source.taps());
            for d in &ad.taps {
                for h in &ah.taps {
                    let start = (d.index * self.kernel[1] + h.index) * self.kernel[2];
                    taps.extend(aw.taps.iter().map(|w| start + w.index));
                }
            }
            taps
        };
        let per_k: usize = rows.iter().map(|r| r.len.next_multiple_of(r.height)).sum();
        let group = per_k * self.c * taps.len();
        let scratch = Scratch::<F>::new(self.groups * group)?;
        let (w, out) = (Shared::new(w), Shared(scratch.ptr()));
        let blocks = self.c.div_ceil(source.block);
        let block_work = per_k * source.block * taps.len();
        parallel::chunks(self.groups * blocks, (1 << 16) / block_work.max(1), &|r| {
            for i in r {
                let (g, c0) = (i / blocks, i % blocks * source.block);
                let channels = source.block.min(self.c - c0);
                let out = out.at(g * group + c0 * taps.len() * per_k);
                let w = w.at(g * self.w_group + c0 * self.w_c);
                let step = (self.w_m, self.w_c);
                // In the order in which the weights lie in memory: channel by channel, or tile by tile.
                let parts = if self.w_c > self.w_m { channels } else { 1 };
                for c in (0..channels).step_by(channels / parts) {
                    let mut tile = out;
                    for rows in rows {
                        for m in (rows.from..rows.from + rows.len).step_by(rows.height) {
                            let valid = rows.height.min(rows.from + rows.len - m);
                            let size = (valid, rows.height, channels / parts);
                            // SAFETY: these weights exist, and the tile has its place in the scratch.
                            unsafe {
                                let w = w.add(m * self.w_m + c * self.w_c);
                                pack_tile(w, step, &taps, size, tile.add(c * taps.len() * rows.height));
                                tile = tile.add(rows.height * channels * taps.len());
                            }
                        }
                    }
                }
            }
        });
        Ok(Packed { scratch, group, per_k })
    }

    /// One band of one image for some channels: block by block of source channels.
    unsafe fn task<F: Float>(&self, t: &Call<F>, src: *const F, bias: *const F, dst: *mut F, scratch: *mut F) {
        let (s, taps) = (t.source, t.source.taps());
        let src_plane: usize = self.axes.iter().map(|a| a.src).product();
        let mut c0 = 0;
        while c0 < self.c {
            let channels = s.block.min(self.c - c0);
            let k = channels * taps;
            let image = s.image(src.add(c0 * src_plane), channels, &t.band, scratch);
            let packed = t.packed.scratch.ptr().add(t.g * t.packed.group + c0 * taps * t.packed.per_k);
            for r in t.rows {
                // Slabs end at multiples of the tallest tile, so a run of tiles is in one slab or starts a new one.
                let (from, to) = (r.from.max(t.channels.0), (r.from + r.len).min(t.channels.1));
                if from >= to {
                    continue;
                }
                for d in 0..t.band.len[0] {
                    let first = self.place([t.band.from[0] + d, t.band.from[1], t.band.from[2]]);
                    (t.kernels.panel)(&Panel {
                        a: packed.add(from * k),
                        rows: r.height,
                        m: to - from,
                        offsets: s.offsets.as_ptr(),
                        k,
                        b: image.add(s.pixel(d, 0)),
                        pitch: s.row,
                        width: t.band.len[2],
                        from: 0,
                        count: (t.band.len[1] - 1) * s.row + t.band.len[2],
                        out: dst.add(from * self.dst_plane() + first),
                        out_m: self.dst_plane(),
                        out_row: self.dst[2] * self.axes[1].dst_step,
                        out_step: self.axes[2].dst_step,
                        bias: if bias.is_null() { bias } else { bias.add(from) },
                        add: c0 > 0,
                    });
                }
            }
            c0 += channels;
        }
    }
}

type Plan<'a, F> = (&'static Kernels<F>, &'a Source, &'a Packed<F>, &'a [Rows]);

impl Job {
    /// Is every element of the destination an output, in order?
    fn fills_destination(&self) -> bool {
        self.axes.iter().zip(self.dst).all(|(a, n)| a.dst_step == 1 && a.dst_start == 0 && a.out == n)
    }

    /// The products over an unrolled copy of the source.
    /// Takes outputs that lie side by side to their places in the destination.
    unsafe fn spread<F: Float>(&self, from: *const F, dst: *mut F) {
        let [ad, ah, aw] = &self.axes;
        let (from, dst) = (Shared::new(from), Shared(dst));
        let plane = ad.out * ah.out * aw.out;
        parallel::chunks(self.n * self.groups * self.m, grain(plane), &|r| {
            for i in r {
                let (mut from, dst) = (from.at(i * plane), dst.at(i * self.dst_plane()));
                for d in 0..ad.out {
                    for h in 0..ah.out {
                        let to = dst.wrapping_add(self.place([d, h, 0]));
                        // SAFETY: this plane's outputs.
                        (0..aw.out).for_each(|w| unsafe { *to.add(w * aw.dst_step) = *from.add(w) });
                        from = from.wrapping_add(aw.out);
                    }
                }
            }
        });
    }

    /// The products over an unrolled copy of the source, into planes of outputs side by side.
    unsafe fn run_unrolled<F: ConvFloat>(
        &self,
        src: *const F,
        bias: *const F,
        dst: *mut F,
        plan: Plan<F>,
    ) -> Result<()> {
        let (kernels, source, packed, rows) = plan;
        let u = Unrolled::new(
            source,
            (self.n, self.groups, self.c),
            (source.block * source.taps(), 3 * kernels.width),
            size_of::<F>(),
        );
        let copy = u.scratch::<F>()?;
        let src_plane: usize = self.axes.iter().map(|a| a.src).product();
        let (dst_plane, taps) = (u.plane, source.taps());
        let (bias, dst, b) = (Shared::new(bias), Shared(dst), Shared(copy.ptr()));
        for i in 0..u.groups() {
            let images = u.group(i);
            let panels = u.panels(images.len());
            let per_slab = self.m.div_ceil(TASKS.div_ceil(panels)).next_multiple_of(kernels.rows);
            let slabs = self.m.div_ceil(per_slab);
            for g in 0..self.groups {
                let first = images.start * self.groups + g;
                u.fill(src.add(first * self.c * src_plane), images.len(), copy.ptr());
                // Tasks that follow each other share weights.
                parallel::chunks(slabs * panels, 1, &|tasks| {
                    for task in tasks {
                        let (slab, panel) = (task / panels, task % panels);
                        let end = self.m.min((slab + 1) * per_slab);
                        for c0 in (0..self.c).step_by(source.block) {
                            let k = source.block.min(self.c - c0) * taps;
                            let a = packed.scratch.ptr().wrapping_add(g * packed.group + c0 * taps * packed.per_k);
                            for r in rows {
                                let (from, to) = (r.from.max(slab * per_slab), (r.from + r.len).min(end));
                                if from >= to {
                                    continue;
                                }
                                // SAFETY: the channels of this slab, the pixels of this panel.
                                unsafe {
                                    (kernels.panel)(&Panel {
                                        a: a.add(from * k),
                                        rows: r.height,
                                        m: to - from,
                                        offsets: u.offsets.as_ptr(),
                                        k,
                                        b: b.at(panel * u.panel() + c0 * taps * u.pixels),
                                        pitch: u.plane,
                                        width: u.plane,
                                        from: panel * u.pixels,
                                        count: u.count(panel, images.len()),
                                        out: dst.at((first * self.m + from) * dst_plane),
                                        out_m: dst_plane,
                                        out_row: self.groups * self.m * dst_plane,
                                        out_step: 1,
                                        bias: bias.at(g * self.m + from),
                                        add: c0 > 0,
                                    });
                                }
                            }
                        }
                    }
                });
            }
        }
        Ok(())
    }
}

/// What the blocks of a task share.
struct Call<'a, F: Float> {
    kernels: &'static Kernels<F>,
    source: &'a Source,
    packed: &'a Packed<F>,
    rows: &'a [Rows],
    band: Band,
    g: usize,
    /// The first destination channel of the slab, and the one after its last.
    channels: (usize, usize),
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
