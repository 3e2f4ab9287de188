//! Copies whose input is contiguous along another dim than the output, in tiles of whole cache lines.
//!
//! A tile is read into scratch line by line, turned there, and written line by line, so that every line of the input and
//! of the output is touched once: with strides of a power of two the lines of a tile share a few sets of the cache, and
//! a second visit would find them evicted.

use super::copy::{STREAM_MIN, Shared, Stream};
use super::plan::Plan;
use crate::cpu::parallel;
#[cfg(target_arch = "x86_64")]
use crate::cpu::simd::{Level, level};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Bytes of a line, on both sides of a tile.
const LINE: usize = 64;
/// Lines of the output beside each other that are written together.
const LINES: usize = 4;
/// Elements of a parallel chunk.
const GRAIN: usize = 32768;

/// A tile: at most LINE elements across.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code, reason = "read through a pointer")] [u8; LINE]);
type Scratch = [MaybeUninit<Line>; LINE];

/// Turns a square: `to[i][j] = from[j][i]`, both `n = LINE / size` lines of `n` elements without gaps.
type Turn = unsafe fn(from: *const u8, to: *mut u8);

/// The dim along which the input of a copy is contiguous, if the output is along the innermost and both are long
/// enough for tiles.
pub(super) fn find(plan: &Plan, size: usize) -> Option<usize> {
    let inner = &plan.dims[0];
    let unit = size as isize;
    if inner.strides[1] != unit || inner.strides[0] == unit || inner.strides[0] == 0 || inner.size < 4 {
        return None;
    }
    (1..plan.dims.len()).find(|&d| plan.dims[d].strides[0] == unit && plan.dims[d].size >= 4)
}

/// Copies through tiles of the innermost dim and dim `t`.
pub(super) fn copy(plan: &Plan, t: usize, src: *const u8, dst: *mut u8, size: usize) {
    let turn = turn(size);
    let tile = LINE / size;
    let (cols, rows) = (plan.dims[0].size, plan.dims[t].size);
    let (ss, ds) = (plan.dims[0].strides[0], plan.dims[t].strides[1]);
    // Whole lines of the output can go past the caches.
    let aligned = dst.align_offset(LINE) == 0 && plan.dims[1..].iter().all(|d| d.strides[1] % LINE as isize == 0);
    let on = aligned && plan.is_dense(1, size) && plan.n * size >= STREAM_MIN;
    // A unit of work is a stripe: a few lines of the output, so that a page of it serves more than one, over all rows.
    let stripes = cols.div_ceil(tile * LINES);
    let outer: usize = plan.n / cols / rows;
    let (src, dst) = (Shared(src.cast_mut()), Shared(dst));
    let body = |range: Range<usize>| {
        let stream = Stream::new(on);
        let (mut a, mut b): (Scratch, Scratch) = ([MaybeUninit::uninit(); LINE], [MaybeUninit::uninit(); LINE]);
        let (a, b) = (a.as_mut_ptr().cast::<u8>(), b.as_mut_ptr().cast::<u8>());
        for unit in range {
            let (stripe, mut rest) = (unit % stripes, unit / stripes);
            let (mut x, mut y) = (0isize, 0isize);
            for (d, dim) in plan.dims.iter().enumerate().skip(1) {
                if d != t {
                    let i = (rest % dim.size) as isize;
                    rest /= dim.size;
                    x += i * dim.strides[0];
                    y += i * dim.strides[1];
                }
            }
            let columns = stripe * LINES * tile..cols.min((stripe + 1) * LINES * tile);
            for i in (0..rows).step_by(tile) {
                let height = tile.min(rows - i);
                for j in columns.clone().step_by(tile) {
                    let width = tile.min(cols - j);
                    // SAFETY: the tile lies within the plan, and the scratch holds a tile.
                    unsafe {
                        let from = src.at(0).offset(x + j as isize * ss + (i * size) as isize);
                        let to = dst.at(0).offset(y + (j * size) as isize + i as isize * ds);
                        if width == tile && height == tile {
                            for j in 0..tile {
                                a.add(j * LINE).copy_from_nonoverlapping(from.offset(j as isize * ss), LINE);
                            }
                            turn(a, b);
                            for i in 0..tile {
                                stream.write(b.add(i * LINE), to.offset(i as isize * ds), LINE);
                            }
                        } else {
                            edge(from, ss, to, ds, height, width, size);
                        }
                    }
                }
            }
        }
        stream.finish();
    };
    let grain = (GRAIN / (LINES * tile * rows)).max(1);
    let units = stripes * outer;
    if units <= grain { body(0..units) } else { parallel::chunks(units, grain, &body) }
}

/// A tile that is not whole, element by element.
///
/// # Safety
/// Both sides have `rows * cols` elements at their strides.
unsafe fn edge(src: *const u8, ss: isize, dst: *mut u8, ds: isize, rows: usize, cols: usize, size: usize) {
    for i in 0..rows {
        // SAFETY: the caller's contract.
        unsafe {
            let (from, to) = (src.add(i * size), dst.offset(i as isize * ds));
            super::walk::strided(from, ss, to, size as isize, size, cols);
        }
    }
}

fn turn(size: usize) -> Turn {
    #[cfg(target_arch = "x86_64")]
    if level() >= Level::Avx2 {
        match size {
            2 => return x86::turn2,
            4 => return x86::turn4,
            8 => return x86::turn8,
            _ => {}
        }
    }
    match size {
        1 => scalar::<u8, 64>,
        2 => scalar::<u16, 32>,
        4 => scalar::<u32, 16>,
        8 => scalar::<u64, 8>,
        _ => scalar::<u128, 4>,
    }
}

/// # Safety
/// Of [`Turn`]; N elements fill a line.
unsafe fn scalar<T: Copy, const N: usize>(from: *const u8, to: *mut u8) {
    let (from, to) = (from.cast::<T>(), to.cast::<T>());
    for i in 0..N {
        for j in 0..N {
            // SAFETY: passed on; the scratch is aligned.
            unsafe { to.add(i * N + j).write(from.add(j * N + i).read()) }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::LINE;
    use std::arch::x86_64::*;

    /// 32 x 32 elements of 2 bytes, by squares of 8 x 8.
    #[target_feature(enable = "avx2")]
    pub unsafe fn turn2(from: *const u8, to: *mut u8) {
        for i in 0..4 {
            for j in 0..4 {
                // SAFETY: eight lines of 16 bytes on both sides, within the tile.
                unsafe {
                    let (from, to) = (from.add(8 * j * LINE + 16 * i), to.add(8 * i * LINE + 16 * j));
                    let r: [__m128i; 8] = std::array::from_fn(|k| _mm_loadu_si128(from.add(k * LINE).cast()));
                    let mut a = r;
                    for k in 0..4 {
                        a[2 * k] = _mm_unpacklo_epi16(r[k], r[k + 4]);
                        a[2 * k + 1] = _mm_unpackhi_epi16(r[k], r[k + 4]);
                    }
                    let mut b = a;
                    for k in 0..4 {
                        b[2 * k] = _mm_unpacklo_epi16(a[k], a[k + 4]);
                        b[2 * k + 1] = _mm_unpackhi_epi16(a[k], a[k + 4]);
                    }
                    for k in 0..4 {
                        let (low, high) = (_mm_unpacklo_epi16(b[k], b[k + 4]), _mm_unpackhi_epi16(b[k], b[k + 4]));
                        _mm_storeu_si128(to.add(2 * k * LINE).cast(), low);
                        _mm_storeu_si128(to.add((2 * k + 1) * LINE).cast(), high);
                    }
                }
            }
        }
    }

    /// 16 x 16 elements of 4 bytes, by squares of 8 x 8.
    #[target_feature(enable = "avx2")]
    pub unsafe fn turn4(from: *const u8, to: *mut u8) {
        for i in 0..2 {
            for j in 0..2 {
                // SAFETY: eight lines of 32 bytes on both sides, within the tile.
                unsafe {
                    let (from, to) = (from.add(8 * j * LINE + 32 * i), to.add(8 * i * LINE + 32 * j));
                    let r: [__m256; 8] = std::array::from_fn(|k| _mm256_loadu_ps(from.add(k * LINE).cast()));
                    let mut t = r;
                    for k in 0..4 {
                        t[2 * k] = _mm256_unpacklo_ps(r[2 * k], r[2 * k + 1]);
                        t[2 * k + 1] = _mm256_unpackhi_ps(r[2 * k], r[2 * k + 1]);
                    }
                    let mut q = t;
                    for k in 0..2 {
                        q[4 * k] = _mm256_shuffle_ps::<0x44>(t[4 * k], t[4 * k + 2]);
                        q[4 * k + 1] = _mm256_shuffle_ps::<0xee>(t[4 * k], t[4 * k + 2]);
                        q[4 * k + 2] = _mm256_shuffle_ps::<0x44>(t[4 * k + 1], t[4 * k + 3]);
                        q[4 * k + 3] = _mm256_shuffle_ps::<0xee>(t[4 * k + 1], t[4 * k + 3]);
                    }
                    for k in 0..4 {
                        let low = _mm256_permute2f128_ps::<0x20>(q[k], q[k + 4]);
                        let high = _mm256_permute2f128_ps::<0x31>(q[k], q[k + 4]);
                        _mm256_storeu_ps(to.add(k * LINE).cast(), low);
                        _mm256_storeu_ps(to.add((k + 4) * LINE).cast(), high);
                    }
                }
            }
        }
    }

    /// 8 x 8 elements of 8 bytes, by squares of 4 x 4.
    #[target_feature(enable = "avx2")]
    pub unsafe fn turn8(from: *const u8, to: *mut u8) {
        for i in 0..2 {
            for j in 0..2 {
                // SAFETY: four lines of 32 bytes on both sides, within the tile.
                unsafe {
                    let (from, to) = (from.add(4 * j * LINE + 32 * i), to.add(4 * i * LINE + 32 * j));
                    let r: [__m256d; 4] = std::array::from_fn(|k| _mm256_loadu_pd(from.add(k * LINE).cast()));
                    let t = [
                        _mm256_unpacklo_pd(r[0], r[1]),
                        _mm256_unpackhi_pd(r[0], r[1]),
                        _mm256_unpacklo_pd(r[2], r[3]),
                        _mm256_unpackhi_pd(r[2], r[3]),
                    ];
                    for k in 0..2 {
                        let low = _mm256_permute2f128_pd::<0x20>(t[k], t[k + 2]);
                        let high = _mm256_permute2f128_pd::<0x31>(t[k], t[k + 2]);
                        _mm256_storeu_pd(to.add(k * LINE).cast(), low);
                        _mm256_storeu_pd(to.add((k + 2) * LINE).cast(), high);
                    }
                }
            }
        }
    }
}
