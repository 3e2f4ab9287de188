//! Sequences.

use crate::tensor::{Scalar, Strided};
use crate::{tensor::DType, with_dtype};

/// Elements that [`arange`] counts together.
const PIECE: usize = 1 << 10;

/// Writes `start + i * step` into a contiguous 1-D output. Integers are exact; floats are computed in double and
/// rounded once, so that an element does not depend on its neighbours.
pub fn arange(out: &Strided, start: Scalar, step: Scalar) {
    let n = out.numel();
    macro_rules! floats {
        ($t:ty, $from:expr) => {{
            let (a, s) = (start.f64(), step.f64());
            // In pieces whose indices are 32-bit numbers: vectors convert no others to floats.
            for first in (0..n).step_by(PIECE) {
                for i in 0..PIECE.min(n - first) {
                    let value = $from(a + (first as f64 + i as i32 as f64) * s);
                    // SAFETY: the output holds `n` elements of this type.
                    unsafe { out.ptr.cast::<$t>().add(first + i).write(value) };
                }
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

/// The sum of 1-d int32 or int64 counts, at most usize::MAX, or None if one is negative.
pub fn total(counts: &Strided) -> Option<usize> {
    let step = counts.strides.first().copied().unwrap_or(1);
    let (mut sum, mut negative) = (0usize, false);
    for i in 0..counts.numel() as isize {
        // SAFETY: the index lies within the counts.
        let n = unsafe {
            match counts.dtype {
                DType::I32 => *counts.ptr.cast::<i32>().offset(i * step) as i64,
                _ => *counts.ptr.cast::<i64>().offset(i * step),
            }
        };
        negative |= n < 0;
        sum = sum.saturating_add(n as usize);
    }
    (!negative).then_some(sum)
}

/// Writes `k` `counts[k]` times, for all `k` in order, into a contiguous 1-D output with room for their sum.
/// Counts are int32 or int64 and not negative; what has changed since they were added up is cut off or filled with 0.
pub fn spread(counts: &Strided, out: &Strided) {
    let step = counts.strides.first().copied().unwrap_or(1);
    let (mut at, mut room) = (out.ptr.cast::<i64>(), out.numel());
    for k in 0..counts.numel() {
        let i = k as isize * step;
        // SAFETY: index `k` lies within the counts, and the output has room for `room` more.
        unsafe {
            let n = match counts.dtype {
                DType::I32 => *counts.ptr.cast::<i32>().offset(i) as usize,
                _ => *counts.ptr.cast::<i64>().offset(i) as usize,
            }
            .min(room);
            room -= n;
            for j in 0..n {
                at.add(j).write(k as i64);
            }
            at = at.add(n);
        }
    }
    // SAFETY: as above.
    unsafe { at.write_bytes(0, room) };
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

/// The arithmetic of an even spacing, in the type and with the roundings of torch's kernel.
trait Spaced: Copy {
    /// The type of the step: double for integers, else the type itself.
    type Step: Copy;
    fn of(s: Scalar) -> Self;
    fn step(a: Self, b: Self, n: usize) -> Self::Step;
    /// `a + k * step`, rounded once for floats of 32 bits and more.
    fn at(a: Self, step: Self::Step, k: i64) -> Self;
}

macro_rules! spaced_floats {
    ($($t:ty, $s:ident => $of:expr);+) => { $(impl Spaced for $t {
        type Step = $t;
        fn of($s: Scalar) -> Self { $of }
        fn step(a: Self, b: Self, n: usize) -> Self { (b - a) / n as $t }
        #[inline(always)]
        fn at(a: Self, step: Self, k: i64) -> Self { step.mul_add(k as $t, a) }
    })+ };
}
spaced_floats!(f32, s => s.f64() as f32; f64, s => s.f64());

macro_rules! spaced_halves {
    ($($t:ty),+) => { $(impl Spaced for $t {
        type Step = $t;
        fn of(s: Scalar) -> Self { <$t>::from_f32(s.f64() as f32) }
        fn step(a: Self, b: Self, n: usize) -> Self {
            let width = <$t>::from_f32(b.to_f32() - a.to_f32());
            <$t>::from_f32(width.to_f32() / <$t>::from_f32(n as f32).to_f32())
        }
        #[inline(always)]
        fn at(a: Self, step: Self, k: i64) -> Self {
            let way = <$t>::from_f32(step.to_f32() * <$t>::from_f32(k as f32).to_f32());
            <$t>::from_f32(a.to_f32() + way.to_f32())
        }
    })+ };
}
spaced_halves!(half::f16, half::bf16);

macro_rules! spaced_ints {
    ($($t:ty),+) => { $(impl Spaced for $t {
        type Step = f64;
        fn of(s: Scalar) -> Self { s.i64() as $t }
        fn step(a: Self, b: Self, n: usize) -> f64 { (b as f64 - a as f64) / n as f64 }
        #[inline(always)]
        fn at(a: Self, step: f64, k: i64) -> Self { step.mul_add(k as f64, a as f64) as i64 as $t }
    })+ };
}
spaced_ints!(u8, i8, i16, i32, i64, u16, u32, u64);

macro_rules! spaced_complexes {
    ($($t:ty),+) => { $(impl Spaced for num_complex::Complex<$t> {
        type Step = Self;
        fn of(s: Scalar) -> Self { Self::new(s.f64() as $t, s.imag() as $t) }
        fn step(a: Self, b: Self, n: usize) -> Self { (b - a) / n as $t }
        #[inline(always)]
        fn at(a: Self, step: Self, k: i64) -> Self {
            Self::new(step.re.mul_add(k as $t, a.re), step.im.mul_add(k as $t, a.im))
        }
    })+ };
}
spaced_complexes!(f32, f64);

/// Runs `f` with each element of an even spacing and its index. The second half is counted from the end, so that both
/// ends are exact.
fn spaced<T: Spaced>(n: usize, start: Scalar, end: Scalar, mut f: impl FnMut(usize, T)) {
    let (a, b) = (T::of(start), T::of(end));
    if n == 1 {
        return f(0, a);
    }
    let step = T::step(a, b, n.saturating_sub(1));
    let mut part = [a; BATCH];
    for from in (0..n).step_by(BATCH) {
        let m = BATCH.min(n - from);
        // SAFETY: there is room for `m` elements.
        unsafe { spaced_part(part.as_mut_ptr(), m, a, b, step, from, n) };
        part[..m].iter().enumerate().for_each(|(i, &v)| f(from + i, v));
    }
}

/// Elements of a spacing that are computed at once.
const BATCH: usize = 256;

crate::multiversion! {
    /// Writes the elements `from..from + m` of a spacing of `n`.
    unsafe fn spaced_part[T: Spaced](to: *mut T, m: usize, a: T, b: T, step: T::Step, from: usize, n: usize) {
        let first_half = (n / 2).clamp(from, from + m) - from;
        for i in 0..first_half {
            to.add(i).write(T::at(a, step, (from + i) as i64));
        }
        for i in first_half..m {
            to.add(i).write(T::at(b, step, (from + i) as i64 + 1 - n as i64));
        }
    }
}

/// Writes evenly spaced numbers from `start` to `end`, both included, into a contiguous 1-D output of any dtype but bool.
pub fn linspace(out: &Strided, start: Scalar, end: Scalar) {
    macro_rules! go {
        ($t:ty) => {
            // SAFETY: the output holds as many elements of this type.
            spaced::<$t>(out.numel(), start, end, |i, v| unsafe { out.ptr.cast::<$t>().add(i).write(v) })
        };
    }
    match out.dtype {
        DType::Bool => debug_assert!(false, "linspace of bool"),
        DType::C64 => go!(num_complex::Complex<f32>),
        DType::C128 => go!(num_complex::Complex<f64>),
        d => with_dtype!(d, [U8: u8, I8: i8, I16: i16, I32: i32, I64: i64, U16: u16, U32: u32, U64: u64,
            F16: half::f16, BF16: half::bf16, F32: f32, F64: f64], T => go!(T), else ()),
    }
}

/// Writes powers of `base` with evenly spaced exponents from `start` to `end` into a contiguous 1-D output.
pub fn logspace(out: &Strided, start: Scalar, end: Scalar, base: f64) {
    macro_rules! go {
        ($t:ty, $step:ty, $v:ident => $power:expr) => {
            // SAFETY: as above.
            spaced::<$step>(out.numel(), start, end, |i, $v| unsafe { out.ptr.cast::<$t>().add(i).write($power) })
        };
    }
    match out.dtype {
        DType::Bool => debug_assert!(false, "logspace of bool"),
        // A single power is torch's `fill` with one of doubles.
        _ if out.numel() == 1 && !out.dtype.is_complex() => {
            let bytes = Scalar::Float(base.powf(start.f64())).to_bytes(out.dtype);
            // SAFETY: the output holds one element.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), out.ptr, out.dtype.size()) };
        }
        DType::F16 => go!(half::f16, half::f16, v => half::f16::from_f32(base.powf(v.to_f64()) as f32)),
        DType::BF16 => go!(half::bf16, half::bf16, v => half::bf16::from_f32(base.powf(v.to_f64()) as f32)),
        DType::F32 => go!(f32, f32, v => base.powf(v as f64) as f32),
        DType::F64 => go!(f64, f64, v => base.powf(v)),
        DType::C64 => go!(num_complex::Complex<f32>, num_complex::Complex<f64>, v => {
            let z = num_complex::Complex::new(base, 0.0).powc(v);
            num_complex::Complex::new(z.re as f32, z.im as f32)
        }),
        DType::C128 => {
            go!(num_complex::Complex<f64>, num_complex::Complex<f64>, v => num_complex::Complex::new(base, 0.0).powc(v))
        }
        d => {
            // The ends are integers, the exponents between them are not.
            let whole = |s: Scalar| Scalar::Float(s.i64() as f64);
            with_dtype!(d, [U8: u8, I8: i8, I16: i16, I32: i32, I64: i64, U16: u16, U32: u32, U64: u64], T => {
                spaced::<f64>(out.numel(), whole(start), whole(end), |i, v| {
                    // SAFETY: as above.
                    unsafe { out.ptr.cast::<T>().add(i).write(base.powf(v) as i64 as T) }
                })
            }, else ())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacings_hit_both_ends() {
        for n in [1usize, 2, 7, 100] {
            let mut seen = vec![];
            spaced::<f32>(n, Scalar::Float(0.1), Scalar::Float(0.9), |_, v| seen.push(v));
            assert_eq!((seen.len(), seen[0]), (n, 0.1));
            assert!(n == 1 || seen[n - 1] == 0.9);
            assert!(seen.windows(2).all(|w| w[0] < w[1]));
        }
        let mut seen = vec![];
        spaced::<i64>(5, Scalar::Int(0), Scalar::Int(10), |_, v: i64| seen.push(v));
        assert_eq!(seen, [0, 2, 5, 7, 10]);
        spaced::<f32>(0, Scalar::Int(0), Scalar::Int(10), |_, _| unreachable!());
    }

    #[test]
    fn triangles_have_their_columns() {
        assert_eq!(triangle_columns(1, 4, 1, false), 0..3);
        assert_eq!(triangle_columns(1, 4, 1, true), 2..4);
        assert_eq!(triangle_columns(9, 4, -20, false), 0..0);
        assert_eq!(triangle_columns(0, 4, i64::MAX, true), 4..4);
    }
}
