//! The gradient of the weight: for every (output channel, channel, tap) a sum over samples and pixels.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::Conv;
use super::lanes::{ConvFloat, Kernels};
use super::source::{Band, Source};
use super::tile::{Dots, Products};
use super::unrolled::{self, Unrolled};
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
/// Pixels' worth of time that it costs to take up the sums of a tile and put them down, which each image does.
const LOST: usize = 16;
/// Vectors of pixels in a panel of an unrolled copy.
const PANEL: usize = 6;
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
    let source = Source::new(&v.axes(), c, size_of::<F>());
    let kernels = F::kernels();
    let by_pixel = m <= FEW_CHANNELS || c * taps <= FEW_PRODUCTS;
    let wide = if by_pixel { m } else { m.next_multiple_of(kernels.width) };
    if !by_pixel && unrolled::pays::<F>(&source, (v.groups, c), m, kernels.width, LOST) {
        return run_unrolled(x, g, dw, v, &source, wide);
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
    combine(out, dw, v, wide, chunks);
    Ok(())
}

/// Adds up the sums of the chunks, (channel, tap) by (channel, tap), and turns them into the weight's order.
fn combine<F: Float>(sums: Shared<F>, dw: *mut F, v: &Conv, wide: usize, chunks: usize) {
    let (c, m, taps) = (v.c_in / v.groups, v.c_out / v.groups, v.taps());
    let (dw, part) = (Shared(dw), v.groups * c * taps * wide);
    let strips = m.div_ceil(STRIP);
    parallel::chunks(v.groups * strips, grain(c * taps * chunks * STRIP), &|r| {
        for i in r {
            let (group, first) = (i / strips, i % strips * STRIP);
            let from = sums.at(group * c * taps * wide + first);
            let to = dw.at((group * m + first) * c * taps);
            // SAFETY: the rows of these output channels.
            unsafe { strip(from, to, (c * taps, STRIP.min(m - first)), (wide, part, chunks)) };
        }
    });
}

/// Output channels whose sums lie side by side in a cache line.
const STRIP: usize = 16;

crate::multiversion! {
    /// `to[i][k] = sum over chunks of from[chunk][k][i]`.
    unsafe fn strip[F: Float](
        from: *const F, to: *mut F, size: (usize, usize), sums: (usize, usize, usize),
    ) {
        let ((k, rows), (wide, part, chunks)) = (size, sums);
        for k0 in (0..k).step_by(STRIP) {
            let depth = STRIP.min(k - k0);
            let mut tile = [[F::ZERO; STRIP]; STRIP];
            for chunk in 0..chunks {
                for (j, tile) in tile.iter_mut().enumerate().take(depth) {
                    let from = from.add(chunk * part + (k0 + j) * wide);
                    for i in 0..rows {
                        tile[i] += *from.add(i);
                    }
                }
            }
            for i in 0..rows {
                for (j, tile) in tile.iter().enumerate().take(depth) {
                    *to.add(i * k + k0 + j) = tile[i];
                }
            }
        }
    }
}

/// The sums over an unrolled copy of the input, panel by panel. Tasks are ranges of (channel, tap).
unsafe fn run_unrolled<F: ConvFloat>(
    x: *const F,
    g: *const F,
    dw: *mut F,
    v: &Conv,
    source: &Source,
    wide: usize,
) -> Result<()> {
    let (c, m, taps, kernels) = (v.c_in / v.groups, v.c_out / v.groups, v.taps(), F::kernels());
    let rows = (c * taps).div_ceil(TASKS).next_multiple_of(8);
    let u = Unrolled::new(source, (v.n, v.groups, c), (rows, PANEL * kernels.width), size_of::<F>());
    let copy = u.scratch::<F>()?;
    let grads = Scratch::<F>::new(u.panels(u.images) * u.pixels * wide)?;
    let sums = Scratch::<F>::zeroed(v.groups * c * taps * wide)?;
    let (image, gp, out) = (Shared(copy.ptr()), Shared(grads.ptr()), Shared(sums.ptr()));
    let slice = 3 * kernels.width;
    for i in 0..u.groups() {
        let images = u.group(i);
        let panels = u.panels(images.len());
        for group in 0..v.groups {
            u.fill(x.add((images.start * v.groups + group) * c * v.in_plane()), images.len(), copy.ptr());
            let from = Shared::new(g.add((images.start * v.groups + group) * m * u.plane));
            parallel::chunks(panels * m.div_ceil(slice), 1, &|r| {
                for task in r {
                    let (panel, first) = (task % panels, task / panels * slice);
                    let to = gp.at(panel * u.pixels * wide + first * u.pixels);
                    let part = slice.min(wide - first);
                    for j in 0..u.count(panel, images.len()) {
                        let at = panel * u.pixels + j;
                        let from = from.at(at / u.plane * v.c_out * u.plane + first * u.plane + at % u.plane);
                        for o in 0..part {
                            // SAFETY: one pixel of channels that exist.
                            unsafe {
                                *to.add(j * part + o) = if first + o < m { *from.add(o * u.plane) } else { F::ZERO };
                            }
                        }
                    }
                }
            });
            parallel::chunks((c * taps).div_ceil(rows), 1, &|r| {
                for task in r {
                    let k = task * rows..(c * taps).min((task + 1) * rows);
                    for panel in 0..panels {
                        for first in (0..wide).step_by(slice) {
                            let part = slice.min(wide - first);
                            // SAFETY: this task's rows of the sums.
                            unsafe {
                                (kernels.products)(&Products {
                                    offsets: u.offsets.as_ptr(),
                                    k: k.len(),
                                    x: image.at(panel * u.panel() + k.start * u.pixels),
                                    pitch: u.pixels,
                                    width: u.count(panel, images.len()),
                                    height: 1,
                                    g: gp.at(panel * u.pixels * wide + first * u.pixels),
                                    vectors: part / kernels.width,
                                    out: out.at((group * c * taps + k.start) * wide + first),
                                    out_k: wide,
                                });
                            }
                        }
                    }
                }
            });
        }
    }
    combine(out, dw, v, wide, 1);
    Ok(())
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

impl<F: Float> WeightTask<'_, F> {
    /// Rows of a band whose gradients are packed together.
    fn strip(&self) -> usize {
        (PIXELS / self.source.band[2]).max(1)
    }

    /// Elements that packed gradients need.
    fn packed(&self) -> usize {
        if self.by_pixel { 0 } else { self.strip() * self.source.band[2] * 3 * self.kernels.width }
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
        let (strip, w) = (self.strip(), self.kernels.width);
        let mut h = 0;
        while h < b.len[1] {
            let rows = strip.min(b.len[1] - h);
            let mut m = 0;
            while m < self.wide {
                let vectors = ((self.wide - m) / w).min(3);
                let valid = (vectors * w).min(self.m - m);
                let from = g.add(m * self.v.out_plane() + self.place(b, d, h));
                let step = (self.v.out_plane(), self.v.output[2]);
                transpose(from, step, (rows, b.len[2]), (valid, vectors * w), packed);
                (self.kernels.products)(&Products {
                    offsets: self.source.offsets.as_ptr(),
                    k,
                    x: image.add(self.source.pixel(d, h)),
                    pitch: self.source.row,
                    width: b.len[2],
                    height: rows,
                    g: packed,
                    vectors,
                    out: out.add(m),
                    out_k: self.wide,
                });
                m += vectors * w;
            }
            h += rows;
        }
    }
}

/// Writes the gradients of `rows` x `width` pixels, `valid` of `wide` output channels each, pixel by pixel.
unsafe fn transpose<F: Float>(
    g: *const F,
    (g_m, g_row): (usize, usize),
    (rows, width): (usize, usize),
    (valid, wide): (usize, usize),
    out: *mut F,
) {
    for m in 0..wide {
        for h in 0..rows {
            let (g, out) = (g.wrapping_add(m * g_m + h * g_row), out.add(h * width * wide + m));
            for w in 0..width {
                *out.add(w * wide) = if m < valid { *g.add(w) } else { F::ZERO };
            }
        }
    }
}
