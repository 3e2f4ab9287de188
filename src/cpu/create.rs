//! Sequences.

use crate::tensor::{Scalar, Strided};
use crate::{tensor::DType, with_dtype};

/// Writes `start + i * step` into a contiguous 1-D output. Integers are exact; floats are computed in double and
/// rounded once, so that an element does not depend on its neighbours.
pub fn arange(out: &Strided, start: Scalar, step: Scalar) {
    let n = out.numel();
    macro_rules! floats {
        ($t:ty, $from:expr) => {{
            let (a, s) = (start.f64(), step.f64());
            for i in 0..n {
                // SAFETY: the output holds `n` elements of this type.
                unsafe { out.ptr.cast::<$t>().add(i).write($from(a + i as f64 * s)) };
            }
        }};
    }
    match out.dtype {
        DType::F16 => floats!(half::f16, half::f16::from_f64),
        DType::BF16 => floats!(half::bf16, half::bf16::from_f64),
        DType::F32 => floats!(f32, |v| v as f32),
        DType::F64 => floats!(f64, |v| v),
        DType::C64 => floats!(num_complex::Complex<f32>, |v| num_complex::Complex::new(v as f32, 0.0)),
        DType::C128 => floats!(num_complex::Complex<f64>, |v| num_complex::Complex::new(v, 0.0)),
        DType::Bool => floats!(u8, |v| (v != 0.0) as u8),
        other => {
            let (a, s) = (start.i64(), step.i64());
            with_dtype!(other, [U8: u8, I8: i8, I16: i16, I32: i32, I64: i64, U16: u16, U32: u32, U64: u64], T => {
                for i in 0..n {
                    // SAFETY: as above.
                    unsafe { out.ptr.cast::<T>().add(i).write(a.wrapping_add((i as i64).wrapping_mul(s)) as T) };
                }
            }, else ());
        }
    }
}

/// Writes `k` `counts[k]` times, for all `k` in order, into a contiguous 1-D output with room for their sum.
/// Counts are int32 or int64 and not negative.
pub fn spread(counts: &Strided, out: &Strided) {
    let step = counts.strides.first().copied().unwrap_or(1);
    let mut at = out.ptr.cast::<i64>();
    for k in 0..counts.numel() {
        let i = k as isize * step;
        // SAFETY: index `k` lies within the counts, and the output has room for their sum.
        unsafe {
            let n = match counts.dtype {
                DType::I32 => *counts.ptr.cast::<i32>().offset(i) as usize,
                _ => *counts.ptr.cast::<i64>().offset(i) as usize,
            };
            for j in 0..n {
                at.add(j).write(k as i64);
            }
            at = at.add(n);
        }
    }
}

/// Rows and columns of the upper or lower triangle of a matrix, row by row, into a contiguous (2, n) int32 or int64
/// output. Upper: columns from row + `diagonal` on. Lower: columns up to it.
pub fn triangle_indices(out: &Strided, rows: usize, cols: usize, diagonal: i64, upper: bool) {
    let n = out.numel() / 2;
    let mut at = 0;
    for r in 0..rows {
        for c in triangle_columns(r, cols, diagonal, upper) {
            // SAFETY: the output has room for the triangle's `n` elements, twice.
            unsafe {
                match out.dtype {
                    DType::I32 => {
                        out.ptr.cast::<i32>().add(at).write(r as i32);
                        out.ptr.cast::<i32>().add(n + at).write(c as i32);
                    }
                    _ => {
                        out.ptr.cast::<i64>().add(at).write(r as i64);
                        out.ptr.cast::<i64>().add(n + at).write(c as i64);
                    }
                }
            }
            at += 1;
        }
    }
}

/// The columns of one row of a triangle.
pub fn triangle_columns(row: usize, cols: usize, diagonal: i64, upper: bool) -> std::ops::Range<usize> {
    let edge = (row as i64).saturating_add(diagonal).saturating_add(!upper as i64).clamp(0, cols as i64) as usize;
    if upper { edge..cols } else { 0..edge }
}
