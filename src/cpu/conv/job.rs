//! One product of weights and pixels: packing, cutting into tasks, and the loops around the micro-kernel.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::across::{Across, Group};
use super::axis::Axis;
use super::filter::{self, Filter, Packed, Rows, Tiling};
use super::lanes::{ConvFloat, Kernels};
use super::source::{Band, Source, TapRow};
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
const TASKS: usize = 48;
/// Products of a block: enough to make up for writing the sums, few enough that its pixels stay in L1.
const BLOCK_K: usize = 576;

impl Job {
    /// Do any products reach the destination?
    pub fn has_products(&self) -> bool {
        self.c > 0 && self.axes.iter().all(|a| !a.taps.is_empty())
    }

    fn outputs(&self) -> usize {
        self.axes.iter().map(|a| a.out).product()
    }

    fn is_empty(&self) -> bool {
        self.n * self.groups * self.m * self.outputs() == 0 || !self.has_products()
    }

    /// The source's bands and blocks, the destination's tiles, and whether the source is unrolled.
    fn cut<F: ConvFloat>(&self) -> (Source, Tiling, bool) {
        let kernels = F::kernels();
        let mut source = Source::new(&self.axes, self.kernel, self.c, (kernels.deep_k, size_of::<F>()));
        if !source.is_small(size_of::<F>()) {
            source = Source::new(&self.axes, self.kernel, self.c, (BLOCK_K, size_of::<F>()));
        }
        let mut tiling = Tiling::new(self, &source, kernels);
        let unrolled = unrolled::pays::<F>(&source, (self.groups, self.c), self.m, kernels.width, tiling.cost);
        if unrolled {
            tiling = tiling.along(self.m);
        }
        (source, tiling, unrolled)
    }

    /// The weights as [`Job::run`] packs them; None if it reads them where they lie.
    ///
    /// # Safety
    /// The module's contract, for the weights `w`.
    pub unsafe fn pack<F: ConvFloat>(&self, w: *const F) -> Result<Option<Packed<F>>> {
        if self.is_empty() {
            return Ok(None);
        }
        let (source, tiling, _) = self.cut::<F>();
        filter::pack(self, w, &source, &tiling)
    }

    /// Runs the job, which has products. `packed` is what [`Job::pack`] made of `w`, if that was done.
    ///
    /// # Safety
    /// The module's contract, with the sizes of this job.
    pub unsafe fn run<F: ConvFloat>(
        &self,
        src: *const F,
        (w, packed): (*const F, Option<&Packed<F>>),
        bias: *const F,
        dst: *mut F,
    ) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let outputs = self.outputs();
        let kernels = F::kernels();
        let (source, tiling, unrolled) = self.cut::<F>();
        let own = if packed.is_none() { filter::pack(self, w, &source, &tiling)? } else { None };
        let filter = Filter::new(self, w, &source, &tiling, packed.or(own.as_ref()));
        if unrolled {
            let plan = (kernels, &source, &filter, &tiling);
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
        let per_slab = self.m.div_ceil(slabs).next_multiple_of(tiling.tallest());
        let slabs = self.m.div_ceil(per_slab);
        // Such tasks share one copy of the pixels.
        let copy = if slabs > 1 && !source.in_place { Some(self.copy(src, &source)?) } else { None };
        let (src, bias, dst) = (Shared::new(src), Shared::new(bias), Shared(dst));
        let failed = AtomicBool::new(false);
        parallel::chunks(base * slabs, (TASK / work.div_ceil(slabs).max(1)).max(1), &|tasks| {
            let Ok(scratch) = Scratch::<F>::new(if copy.is_some() { 0 } else { source.scratch() }) else {
                failed.store(true, Relaxed);
                return;
            };
            for task in tasks {
                let (slab, at) = (task % slabs, task / slabs);
                let (band, image) = (source.band(at % bands), at / bands);
                let (g, channels) = (image % self.groups, (slab * per_slab, ((slab + 1) * per_slab).min(self.m)));
                let copy = copy.as_ref().map(|c| c.ptr().wrapping_add(at * self.c * source.channel).cast_const());
                let call =
                    Call { kernels, source: &source, filter: &filter, runs: &tiling.runs, band, g, channels, copy };
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

    /// The pixels of every band of all images and channels.
    unsafe fn copy<F: ConvFloat>(&self, src: *const F, source: &Source) -> Result<Scratch<F>> {
        let (bands, src_plane) = (source.band_count(), self.axes.iter().map(|a| a.src).product::<usize>());
        let part = self.c * source.channel;
        let copy = Scratch::<F>::new(self.n * self.groups * bands * part)?;
        let (src, to) = (Shared::new(src), Shared(copy.ptr()));
        parallel::chunks(self.n * self.groups * bands * self.c, grain(source.channel), &|r| {
            for i in r {
                let (at, c) = (i / self.c, i % self.c);
                let src = src.at((at / bands * self.c + c) * src_plane);
                // SAFETY: one channel of an image, and its place.
                unsafe { source.image(src, 1, &source.band(at % bands), to.at(at * part + c * source.channel)) };
            }
        });
        Ok(copy)
    }

    fn dst_plane(&self) -> usize {
        self.dst.iter().product()
    }

    /// Where output (d, h, w) goes in a plane of the destination.
    fn place(&self, at: [usize; 3]) -> usize {
        let i: [usize; 3] = std::array::from_fn(|d| self.axes[d].dst_start + at[d] * self.axes[d].dst_step);
        (i[0] * self.dst[1] + i[1]) * self.dst[2] + i[2]
    }

    /// One band of one image for some channels: block by block of source channels.
    unsafe fn task<F: ConvFloat>(&self, t: &Call<F>, src: *const F, bias: *const F, dst: *mut F, scratch: *mut F) {
        let s = t.source;
        let src_plane: usize = self.axes.iter().map(|a| a.src).product();
        let mut c0 = 0;
        while c0 < self.c {
            let channels = s.block.min(self.c - c0);
            let image = match t.copy {
                Some(copy) => copy.add(c0 * s.channel),
                None => s.image(src.add(c0 * src_plane), channels, &t.band, scratch),
            };
            for r in t.runs {
                // Slabs end at multiples of the tallest tile, so a run of tiles is in one slab or starts a new one.
                let (from, to) = (r.from.max(t.channels.0), (r.from + r.len).min(t.channels.1));
                if from < to {
                    let block = Block { image, c0, columns: &s.columns[..channels * s.row_taps()], bias, dst };
                    if r.across {
                        self.across(t, &block, r, from..to);
                    } else {
                        self.along(t, &block, r, from..to);
                    }
                }
            }
            c0 += channels;
        }
    }
}

impl Job {
    /// A block's products for `channels`, in tiles whose vectors run along the pixels.
    unsafe fn along<F: ConvFloat>(&self, t: &Call<F>, b: &Block<F>, r: &Rows, channels: Range<usize>) {
        let s = t.source;
        for d in 0..t.band.len[0] {
            let first = self.place([t.band.from[0] + d, t.band.from[1], t.band.from[2]]);
            (t.kernels.panel)(&Panel {
                a: t.filter.rows(t.g, b.c0, b.k(s), r, channels.start),
                m: channels.len(),
                taps: &s.tap_rows,
                columns: b.columns,
                b: b.image.add(s.pixel(d, 0)),
                pitch: s.row,
                width: t.band.len[2],
                from: 0,
                count: (t.band.len[1] - 1) * s.row + t.band.len[2],
                out: b.dst.add(channels.start * self.dst_plane() + first),
                out_m: self.dst_plane(),
                out_row: self.dst[2] * self.axes[1].dst_step,
                out_step: self.axes[2].dst_step,
                bias: if b.bias.is_null() { b.bias } else { b.bias.add(channels.start) },
                add: b.c0 > 0,
            });
        }
    }

    /// A block's products for `channels`, in tiles whose vectors run across them.
    unsafe fn across<F: ConvFloat>(&self, t: &Call<F>, b: &Block<F>, r: &Rows, channels: Range<usize>) {
        let (s, [depth, height, width]) = (t.source, t.band.len);
        // Rows without gaps between them are one long row.
        let out_row = self.dst[2] * self.axes[1].dst_step;
        let merged = s.in_place && s.row == width && out_row == width && self.axes[2].dst_step == 1;
        let (lines, width) = if merged { (1, height * width) } else { (height, width) };
        let [z, y, first] = t.band.from;
        let taps: Vec<Vec<TapRow>> =
            (0..depth * lines).map(|i| s.reaching(z + i / lines, y + i % lines).copied().collect()).collect();
        let row = s.row_taps();
        let by_tap = |i: usize| {
            let (lo, hi) = s.pixels(i);
            let (at, inside) = (i * b.columns.len() / row, (lo.max(first) - first, hi.max(first) - first));
            Group { columns: &s.by_tap[i * s.block..][..b.columns.len() / row], at, inside }
        };
        let groups: Vec<Group> = match s.by_tap.is_empty() {
            true => vec![Group { columns: b.columns, at: 0, inside: (0, width) }],
            false => (0..row).map(by_tap).collect(),
        };
        for m in channels.clone().step_by(r.height) {
            for d in 0..depth {
                for h in 0..lines {
                    let at = [z + d, y + h, first];
                    (t.kernels.across)(&Across {
                        w: t.filter.rows(t.g, b.c0, b.k(s), r, m).at,
                        vectors: r.height / t.kernels.width,
                        channels: r.height.min(channels.end - m),
                        taps: &taps[d * lines + h],
                        groups: &groups,
                        row_k: b.columns.len(),
                        x: b.image.add(s.pixel(d, h)),
                        width,
                        out: b.dst.add(m * self.dst_plane() + self.place(at)),
                        out_m: self.dst_plane(),
                        out_step: self.axes[2].dst_step,
                        bias: if b.bias.is_null() { b.bias } else { b.bias.add(m) },
                        add: b.c0 > 0,
                    });
                }
            }
        }
    }
}

type Plan<'a, F> = (&'static Kernels<F>, &'a Source, &'a Filter<'a, F>, &'a Tiling);

impl Job {
    /// Is every element of the destination an output, in order?
    fn fills_destination(&self) -> bool {
        self.axes.iter().zip(self.dst).all(|(a, n)| a.dst_step == 1 && a.dst_start == 0 && a.out == n)
    }

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
        let (kernels, source, filter, tiling) = plan;
        let pixels = tiling.vectors() * kernels.width;
        let u = Unrolled::new(source, (self.n, self.groups, self.c), pixels, size_of::<F>());
        let copy = u.scratch::<F>()?;
        let src_plane: usize = self.axes.iter().map(|a| a.src).product();
        let (dst_plane, taps) = (u.plane, source.taps());
        let (bias, dst, b) = (Shared::new(bias), Shared(dst), Shared(copy.ptr()));
        for i in 0..u.groups() {
            let images = u.group(i);
            let panels = u.panels(images.len());
            let per_slab = self.m.div_ceil(TASKS.div_ceil(panels)).next_multiple_of(tiling.tallest());
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
                            let channels = source.block.min(self.c - c0);
                            for r in &tiling.runs {
                                let (from, to) = (r.from.max(slab * per_slab), (r.from + r.len).min(end));
                                if from >= to {
                                    continue;
                                }
                                // SAFETY: the channels of this slab, the pixels of this panel.
                                unsafe {
                                    (kernels.panel)(&Panel {
                                        a: filter.rows(g, c0, channels * taps, r, from),
                                        m: to - from,
                                        taps: &u.tap_rows,
                                        columns: &u.columns[..channels * source.row_taps()],
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

/// A block of source channels in a task.
struct Block<'a, F> {
    /// The band's first pixel.
    image: *const F,
    /// The first channel.
    c0: usize,
    /// Where (channel, tap of a row) lies.
    columns: &'a [usize],
    bias: *const F,
    dst: *mut F,
}

impl<F> Block<'_, F> {
    /// Products per sum.
    fn k(&self, source: &Source) -> usize {
        self.columns.len() * source.tap_rows.len()
    }
}

/// What the blocks of a task share.
struct Call<'a, F: Float> {
    kernels: &'static Kernels<F>,
    source: &'a Source,
    filter: &'a Filter<'a, F>,
    runs: &'a [Rows],
    band: Band,
    g: usize,
    /// The first destination channel of the slab, and the one after its last.
    channels: (usize, usize),
    /// The pixels of all channels, where tasks share them.
    copy: Option<*const F>,
}
