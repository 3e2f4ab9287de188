//! The gradient of the weight: for every (output channel, channel, tap) a sum over samples and pixels.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::Conv;
use super::lanes::{ConvFloat, Kernels};
use super::pack::Pack;
use super::source::{Band, Source};
use super::tile::{Dots, Products};
use crate::cpu::float::{Float, Scratch, Shared, grain, no_memory};
use crate::cpu::parallel;
use crate::error::Result;

/// With this few output channels per group, or products per output channel, vectors run along the pixels: along the
/// channels they would be mostly empty, or their packing would not pay.
const FEW_CHANNELS: usize = 8;
/// See [`FEW_CHANNELS`].
const FEW_PRODUCTS: usize = 64;
/// Pixels whose packed gradients stay in L1.
const PIXELS: usize = 256;
/// Pixels of the samples that a tile of the weight is summed over before it is written.
const BATCH: usize = 2048;
/// Products of a block of channels, so that there are blocks for several threads.
const BLOCK_K: usize = 288;
/// As many tasks as this are wanted before the samples are split into chunks.
const TASKS: usize = 16;

/// # Safety
/// The module's contract.
pub(super) unsafe fn run<F: ConvFloat>(x: *const F, g: *const F, dw: *mut F, v: &Conv) -> Result<()> {
    let (c, m, taps) = (v.c_in / v.groups.max(1), v.c_out / v.groups.max(1), v.taps());
    let size = v.groups * m * c * taps;
    if size == 0 {
        return Ok(());
    }
    if v.n * v.out_plane() == 0 {
        dw.write_bytes(0, size);
        return Ok(());
    }
    let source = Source::new(&v.axes(), v.kernel, c, (BLOCK_K, size_of::<F>()));
    let kernels = F::kernels();
    let by_pixel = m <= FEW_CHANNELS || c * taps <= FEW_PRODUCTS;
    let wide = if by_pixel { m } else { m.next_multiple_of(kernels.width) };
    if !by_pixel && source.band_count() == 1 && 2 * v.out_plane() <= BATCH {
        return run_batched(x, g, dw, v, &source, wide);
    }
    let blocks = c.div_ceil(source.block);
    let chunks = TASKS.div_ceil(v.groups * blocks).min(v.n);
    let per_chunk = v.n.div_ceil(chunks);
    let chunks = v.n.div_ceil(per_chunk);
    // Per chunk and group: (channel, tap) rows of output channels.
    let part = v.groups * c * taps * wide;
    let parts = Scratch::<F>::zeroed(chunks * part)?;
    let w = WeightTask { v, kernels, source: &source, c, m, wide, by_pixel };
    let (x, g, out) = (Shared::new(x), Shared::new(g), Shared(parts.ptr()));
    let needed = source.scratch() + w.packed();
    let failed = AtomicBool::new(false);
    let work = per_chunk * v.out_plane() * source.block * taps * m;
    parallel::chunks(chunks * v.groups * blocks, ((1 << 18) / work.max(1)).max(1), &|tasks| {
        let Ok(scratch) = Scratch::<F>::new(needed) else {
            failed.store(true, Relaxed);
            return;
        };
        for task in tasks {
            let (block, group, chunk) = (task % blocks, task / blocks % v.groups, task / (blocks * v.groups));
            let samples = chunk * per_chunk..((chunk + 1) * per_chunk).min(v.n);
            let out = out.at(chunk * part + (group * c + block * source.block) * taps * wide);
            for n in samples {
                // SAFETY: one sample; the rows of this task in its chunk.
                unsafe { w.sample(x.get(), g.get(), (n, group, block), out, scratch.ptr()) };
            }
        }
    });
    if failed.into_inner() {
        return Err(no_memory(needed * size_of::<F>()));
    }
    combine(out, dw, v, (wide, chunks), &[]);
    Ok(())
}

/// Adds up the sums of the chunks and turns them into the weight's order; `order` tells where the sums of each (channel,
/// tap) lie.
fn combine<F: ConvFloat>(sums: Shared<F>, dw: *mut F, v: &Conv, (wide, chunks): (usize, usize), order: &[usize]) {
    let (c, m, taps) = (v.c_in / v.groups, v.c_out / v.groups, v.taps());
    let (dw, part) = (Shared(dw), v.groups * c * taps * wide);
    if chunks > 1 {
        parallel::chunks(part, grain(chunks), &|r| {
            // SAFETY: this range of every chunk.
            unsafe { add_up(sums.at(r.start), r.len(), (part, chunks)) };
        });
    }
    let strips = m.div_ceil(STRIP);
    parallel::chunks(v.groups * strips, grain(c * taps * STRIP), &|r| {
        for i in r {
            let (group, first) = (i / strips, i % strips * STRIP);
            let pack = Pack {
                from: sums.at(group * c * taps * wide + first).cast_const(),
                row: wide,
                order,
                rows: c * taps,
                height: c * taps,
                len: STRIP.min(m - first),
                places: &[],
                to: dw.at((group * m + first) * c * taps),
            };
            // SAFETY: the rows of these output channels.
            unsafe { (F::kernels().pack)(&pack) };
        }
    });
}

/// Output channels whose sums lie side by side in a cache line.
const STRIP: usize = 16;

crate::multiversion! {
    /// Adds the same `n` elements of all chunks, which are `part` apart, to those of the first.
    unsafe fn add_up[F: Float](sums: *mut F, n: usize, chunks: (usize, usize)) {
        let (part, chunks) = chunks;
        for chunk in 1..chunks {
            let from = sums.add(chunk * part);
            for i in 0..n {
                *sums.add(i) += *from.add(i);
            }
        }
    }
}

/// The sums of small planes, over groups of samples whose pixels stay in the cache: each tile of the weight is summed
/// over a group before it is written. Tasks are ranges of (channel, tap) and slices of output channels.
unsafe fn run_batched<F: ConvFloat>(
    x: *const F,
    g: *const F,
    dw: *mut F,
    v: &Conv,
    source: &Source,
    wide: usize,
) -> Result<()> {
    let (c, m, taps, kernels) = (v.c_in / v.groups, v.c_out / v.groups, v.taps(), F::kernels());
    let plane = v.out_plane();
    let samples = (BATCH / plane).clamp(1, v.n);
    // A plane of the copy, or of the input itself.
    let (channel, blocks) = (source.channel, c.div_ceil(source.block));
    let copy = Scratch::<F>::new(if source.in_place { 0 } else { samples * v.c_in * channel })?;
    let grads = Scratch::<F>::new(samples * v.groups * plane * wide)?;
    let sums = Scratch::<F>::zeroed(v.groups * c * taps * wide)?;
    let (copy, grads, out) = (Shared(copy.ptr()), Shared(grads.ptr()), Shared(sums.ptr()));
    let slices = slices(wide, kernels);
    let (lines, row_taps) = (&source.tap_rows, source.row_taps());
    let ranges = TASKS.div_ceil(v.groups * blocks * slices.len() * lines.len());
    let rows = (source.block * row_taps).div_ceil(ranges).next_multiple_of(kernels.rows);
    let ranges = (source.block * row_taps).div_ceil(rows);
    let band = source.band(0);
    for first in (0..v.n).step_by(samples) {
        let samples = samples.min(v.n - first);
        let (x, g) = (x.add(first * v.c_in * v.in_plane()), Shared::new(g.add(first * v.c_out * plane)));
        let from = Shared::new(x);
        if !source.in_place {
            parallel::chunks(samples * v.c_in, grain(channel), &|r| {
                let from = from.at(r.start * v.in_plane());
                // SAFETY: these channels of the input, and their places.
                unsafe { source.image(from, r.len(), &band, copy.at(r.start * channel)) };
            });
        }
        let image = if source.in_place { Shared::new(source.image(x, 0, &band, copy.0)) } else { Shared::new(copy.0) };
        parallel::chunks(samples * v.groups * slices.len(), grain(plane * kernels.width), &|r| {
            for i in r {
                let (at, (o, len)) = (i / slices.len(), slices[i % slices.len()]);
                let (sample, group) = (at / v.groups, at % v.groups);
                let pack = Pack {
                    from: g.at((at * m + o) * plane),
                    row: plane,
                    order: &[],
                    rows: len.min(m - o),
                    height: len,
                    len: plane,
                    places: &[],
                    to: grads.at(group * samples * plane * wide + (o * samples + sample * len) * plane),
                };
                // SAFETY: the gradients of a slice of a sample, and their place.
                unsafe { (kernels.pack)(&pack) };
            }
        });
        // Of a block's sums those of one row of taps lie together: it skips the lines that fall into the padding.
        let per_block = slices.len() * lines.len() * ranges;
        parallel::chunks(v.groups * blocks * per_block, 1, &|r| {
            for task in r {
                let (block, group) = (task / per_block % blocks, task / per_block / blocks);
                let (range, tap, (o, len)) = (
                    task % ranges,
                    &lines[task / ranges % lines.len()],
                    slices[task / ranges / lines.len() % slices.len()],
                );
                let c0 = block * source.block;
                let all = source.block.min(c - c0) * row_taps;
                let k = (range * rows).min(all)..((range + 1) * rows).min(all);
                let (d, h) = source.reached(tap);
                if k.is_empty() || d.is_empty() || h.is_empty() {
                    continue;
                }
                let g_steps = [plane * len, v.output[1] * v.output[2] * len, v.output[2] * len];
                // SAFETY: this task's rows of the sums.
                unsafe {
                    (kernels.products)(&Products {
                        offsets: source.columns.as_ptr().add(k.start),
                        k: k.len(),
                        counts: [samples, d.len(), h.len()],
                        width: v.output[2],
                        x: image.at((group * c + c0) * channel + source.pixel(d.start, h.start) + tap.shift),
                        x_steps: [v.c_in * channel, source.pixel(1, 0), source.row],
                        g: grads.at((group * wide + o) * samples * plane + d.start * g_steps[1] + h.start * g_steps[2]),
                        g_steps,
                        vectors: len / kernels.width,
                        out: out.at(((group * c + c0) * taps + tap.index * all + k.start) * wide + o),
                        out_k: wide,
                    });
                }
            }
        });
    }
    let order = |i: usize| {
        let (ch, tap) = (i / taps, i % taps);
        let c0 = ch / source.block * source.block;
        let all = source.block.min(c - c0) * row_taps;
        c0 * taps + tap / row_taps * all + (ch - c0) * row_taps + tap % row_taps
    };
    let mut rows = crate::error::room(c * taps);
    rows.extend((0..c * taps).map(order));
    combine(out, dw, v, (wide, 1), &rows);
    Ok(())
}

/// Cuts `wide` output channels into slices of no more vectors than a tile has, of about the same size: where each begins,
/// and how many channels it has.
fn slices<F>(wide: usize, kernels: &Kernels<F>) -> Vec<(usize, usize)> {
    let (width, vectors) = (kernels.width, wide / kernels.width);
    let count = vectors.div_ceil(kernels.vectors);
    (0..count)
        .map(|i| (vectors * i / count * width, (vectors * (i + 1) / count - vectors * i / count) * width))
        .collect()
}

struct WeightTask<'a, F: Float> {
    v: &'a Conv,
    kernels: &'static Kernels<F>,
    source: &'a Source,
    c: usize,
    m: usize,
    /// Output channels, padded to whole vectors where they lie in vectors.
    wide: usize,
    by_pixel: bool,
}

impl<F: ConvFloat> WeightTask<'_, F> {
    /// Rows of a band whose gradients are packed together.
    fn strip(&self) -> usize {
        (PIXELS / self.source.band[2]).max(1)
    }

    /// Elements that packed gradients need.
    fn packed(&self) -> usize {
        if self.by_pixel { 0 } else { self.strip() * self.source.band[2] * self.kernels.vectors * self.kernels.width }
    }

    /// Adds one sample to the sums of a block of channels.
    unsafe fn sample(
        &self,
        x: *const F,
        g: *const F,
        (n, group, block): (usize, usize, usize),
        out: *mut F,
        scratch: *mut F,
    ) {
        let (v, s) = (self.v, self.source);
        let c0 = block * s.block;
        let channels = s.block.min(self.c - c0);
        let x = x.add((n * v.c_in + group * self.c + c0) * v.in_plane());
        let g = g.add((n * v.c_out + group * self.m) * v.out_plane());
        let packed = scratch.add(s.scratch());
        for i in 0..s.band_count() {
            let b = s.band(i);
            let image = s.image(x, channels, &b, scratch);
            let k = channels * s.taps();
            for d in 0..b.len[0] {
                if self.by_pixel {
                    self.dots(image, g, &b, d, k, out);
                } else {
                    self.products(image, g, &b, d, k, out, packed);
                }
            }
        }
    }

    /// Where output row (d, h) of a band lies in a plane of the gradient.
    fn place(&self, b: &Band, d: usize, h: usize) -> usize {
        ((b.from[0] + d) * self.v.output[1] + b.from[1] + h) * self.v.output[2] + b.from[2]
    }

    unsafe fn dots(&self, image: *const F, g: *const F, b: &Band, d: usize, k: usize, out: *mut F) {
        for m in 0..self.m {
            (self.kernels.dots)(&Dots {
                offsets: self.source.offsets.as_ptr(),
                k,
                x: image.add(self.source.pixel(d, 0)),
                pitch: self.source.row,
                width: b.len[2],
                height: b.len[1],
                g: g.add(m * self.v.out_plane() + self.place(b, d, 0)),
                g_row: self.v.output[2],
                out: out.add(m),
                out_k: self.wide,
            });
        }
    }

    #[allow(clippy::too_many_arguments, reason = "pointers and sizes apart")]
    unsafe fn products(&self, image: *const F, g: *const F, b: &Band, d: usize, k: usize, out: *mut F, packed: *mut F) {
        let strip = self.strip();
        for h in (0..b.len[1]).step_by(strip) {
            let rows = strip.min(b.len[1] - h);
            for (m, len) in slices(self.wide, self.kernels) {
                for row in 0..rows {
                    (self.kernels.pack)(&Pack {
                        from: g.add(m * self.v.out_plane() + self.place(b, d, h + row)),
                        row: self.v.out_plane(),
                        order: &[],
                        rows: len.min(self.m - m),
                        height: len,
                        len: b.len[2],
                        places: &[],
                        to: packed.add(row * b.len[2] * len),
                    });
                }
                (self.kernels.products)(&Products {
                    offsets: self.source.offsets.as_ptr(),
                    k,
                    counts: [1, 1, rows],
                    width: b.len[2],
                    x: image.add(self.source.pixel(d, h)),
                    x_steps: [0, 0, self.source.row],
                    g: packed,
                    g_steps: [0, 0, b.len[2] * len],
                    vectors: len / self.kernels.width,
                    out: out.add(m),
                    out_k: self.wide,
                });
            }
        }
    }
}
