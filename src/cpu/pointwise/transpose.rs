//! Copies whose input is contiguous along another dim than the output: tiles of whole cache lines, turned in registers.

use super::copy::Shared;
use super::plan::Plan;
use crate::cpu::parallel;
use crate::cpu::simd::{Level, level};
use std::ops::Range;

/// Elements along each side of a tile: lines of 64 bytes on both sides for 4-byte elements.
const TILE: usize = 16;
/// Elements of a parallel chunk.
const GRAIN: usize = 32768;

/// Turns a tile: `dst[i * ds + j] = src[j * ss + i]` for i < rows, j < cols; strides in bytes.
type Turn = unsafe fn(src: *const u8, ss: isize, dst: *mut u8, ds: isize, rows: usize, cols: usize);

/// The dim along which the input of a copy is contiguous, if the output is along the innermost and both are long
/// enough for tiles.
pub(super) fn find(plan: &Plan, size: usize) -> Option<usize> {
    let inner = &plan.dims[0];
    if inner.strides[1] != size as isize || inner.strides[0] == size as isize || inner.strides[0] == 0 || inner.size < 4
    {
        return None;
    }
    (1..plan.dims.len()).find(|&d| plan.dims[d].strides[0] == size as isize && plan.dims[d].size >= 4)
}

/// Copies through tiles of the innermost dim and dim `t`.
pub(super) fn copy(plan: &Plan, t: usize, src: *const u8, dst: *mut u8, size: usize) {
    let turn = turn(size);
    let (cols, rows) = (plan.dims[0].size, plan.dims[t].size);
    let (ss, ds) = (plan.dims[0].strides[0], plan.dims[t].strides[1]);
    // A unit of work is a stripe: TILE columns of the output over all rows, which the input reads as TILE streams.
    let stripes = cols.div_ceil(TILE);
    let outer: usize = plan.n / cols / rows;
    let (src, dst) = (Shared(src.cast_mut()), Shared(dst));
    let body = |range: Range<usize>| {
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
            let j = stripe * TILE;
            let width = TILE.min(cols - j);
            let (x, y) = (x + j as isize * ss, y + (j * size) as isize);
            let mut i = 0;
            while i < rows {
                let height = TILE.min(rows - i);
                // SAFETY: the tile lies within the plan.
                unsafe {
                    let from = src.at(0).offset(x + (i * size) as isize);
                    let to = dst.at(0).offset(y + i as isize * ds);
                    turn(from, ss, to, ds, height, width);
                }
                i += height;
            }
        }
    };
    let grain = (GRAIN / (TILE * rows)).max(1);
    let units = stripes * outer;
    if units <= grain { body(0..units) } else { parallel::chunks(units, grain, &body) }
}

fn turn(size: usize) -> Turn {
    #[cfg(target_arch = "x86_64")]
    if level() >= Level::Avx2 {
        match size {
            4 => return x86::turn4,
            8 => return x86::turn8,
            _ => {}
        }
    }
    match size {
        1 => scalar::<u8>,
        2 => scalar::<u16>,
        4 => scalar::<u32>,
        8 => scalar::<u64>,
        _ => scalar::<u128>,
    }
}

unsafe fn scalar<T: Copy>(src: *const u8, ss: isize, dst: *mut u8, ds: isize, rows: usize, cols: usize) {
    for i in 0..rows as isize {
        for j in 0..cols as isize {
            // SAFETY: the contract of `Turn`.
            unsafe {
                let x = src.offset(j * ss).cast::<T>().offset(i).read_unaligned();
                dst.offset(i * ds).cast::<T>().offset(j).write_unaligned(x);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::scalar;
    use std::arch::x86_64::*;

    /// Covers a tile with squares of `SIDE` turned by `square`, and the edges element by element.
    macro_rules! tiles {
        ($name:ident, $t:ty, $side:literal, $square:ident) => {
            #[target_feature(enable = "avx2")]
            pub unsafe fn $name(src: *const u8, ss: isize, dst: *mut u8, ds: isize, rows: usize, cols: usize) {
                const SIZE: usize = size_of::<$t>();
                let (full_rows, full_cols) = (rows / $side * $side, cols / $side * $side);
                // SAFETY: the contract of `Turn`; squares and edges lie within the tile.
                unsafe {
                    for i in (0..full_rows).step_by($side) {
                        for j in (0..full_cols).step_by($side) {
                            let from = src.offset(j as isize * ss).add(i * SIZE);
                            $square(from, ss, dst.offset(i as isize * ds).add(j * SIZE), ds);
                        }
                    }
                    if full_cols < cols {
                        let from = src.offset(full_cols as isize * ss);
                        scalar::<$t>(from, ss, dst.add(full_cols * SIZE), ds, rows, cols - full_cols);
                    }
                    if full_rows < rows {
                        let to = dst.offset(full_rows as isize * ds);
                        scalar::<$t>(src.add(full_rows * SIZE), ss, to, ds, rows - full_rows, full_cols);
                    }
                }
            }
        };
    }
    tiles!(turn4, u32, 8, square8);
    tiles!(turn8, u64, 4, square4);

    /// 8 x 8 elements of 4 bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn square8(src: *const u8, ss: isize, dst: *mut u8, ds: isize) {
        // SAFETY: eight rows of 32 bytes on both sides.
        unsafe {
            let r: [__m256; 8] = std::array::from_fn(|j| _mm256_loadu_ps(src.offset(j as isize * ss).cast()));
            let mut t = [_mm256_setzero_ps(); 8];
            for k in 0..4 {
                t[2 * k] = _mm256_unpacklo_ps(r[2 * k], r[2 * k + 1]);
                t[2 * k + 1] = _mm256_unpackhi_ps(r[2 * k], r[2 * k + 1]);
            }
            let mut q = [_mm256_setzero_ps(); 8];
            for k in 0..2 {
                q[4 * k] = _mm256_shuffle_ps::<0x44>(t[4 * k], t[4 * k + 2]);
                q[4 * k + 1] = _mm256_shuffle_ps::<0xee>(t[4 * k], t[4 * k + 2]);
                q[4 * k + 2] = _mm256_shuffle_ps::<0x44>(t[4 * k + 1], t[4 * k + 3]);
                q[4 * k + 3] = _mm256_shuffle_ps::<0xee>(t[4 * k + 1], t[4 * k + 3]);
            }
            for k in 0..4 {
                let low = _mm256_permute2f128_ps::<0x20>(q[k], q[k + 4]);
                let high = _mm256_permute2f128_ps::<0x31>(q[k], q[k + 4]);
                _mm256_storeu_ps(dst.offset(k as isize * ds).cast(), low);
                _mm256_storeu_ps(dst.offset((k + 4) as isize * ds).cast(), high);
            }
        }
    }

    /// 4 x 4 elements of 8 bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn square4(src: *const u8, ss: isize, dst: *mut u8, ds: isize) {
        // SAFETY: four rows of 32 bytes on both sides.
        unsafe {
            let r: [__m256d; 4] = std::array::from_fn(|j| _mm256_loadu_pd(src.offset(j as isize * ss).cast()));
            let t = [
                _mm256_unpacklo_pd(r[0], r[1]),
                _mm256_unpackhi_pd(r[0], r[1]),
                _mm256_unpacklo_pd(r[2], r[3]),
                _mm256_unpackhi_pd(r[2], r[3]),
            ];
            for k in 0..2 {
                let low = _mm256_permute2f128_pd::<0x20>(t[k], t[k + 2]);
                let high = _mm256_permute2f128_pd::<0x31>(t[k], t[k + 2]);
                _mm256_storeu_pd(dst.offset(k as isize * ds).cast(), low);
                _mm256_storeu_pd(dst.offset((k + 2) as isize * ds).cast(), high);
            }
        }
    }
}
