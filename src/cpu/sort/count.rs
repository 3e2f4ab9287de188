//! Counting: bins of integers and histograms.

use super::super::dims::{Walk, count};
use super::super::load::Num;
use super::super::parallel;
use super::{Ptr, nest};
use crate::tensor::{DType, Strided};
use crate::{multiversion, with_dtype};

/// Elements of one part; parts are counted apart and added in order.
const PART: usize = 1 << 16;
/// Bytes that partial bins may take.
const ROOM: usize = 16 << 20;

/// Counts how often each value of the 1-d integer `x` occurs, or adds up its weights. `out` (dense: int64, or f32 or
/// f64 with weights) is overwritten; every value lies within it.
pub fn bincount(x: &Strided, weights: Option<&Strided>, out: &Strided) {
    let bins = out.numel();
    with_dtype!(x.dtype, [U8: u8, I8: i8, I16: i16, I32: i32, I64: i64, U16: u16, U32: u32, U64: u64], T => {
        // SAFETY: the module's contract.
        let bin = |i: usize| unsafe { *x.ptr.offset(i as isize * x.strides[0] * size_of::<T>() as isize).cast::<T>() } as usize;
        match (weights, out.dtype) {
            (None, _) => accumulate::<i64>(x.numel(), bins, out.ptr.cast(), bin, |_| 1),
            (Some(w), DType::F32) => accumulate::<f32>(x.numel(), bins, out.ptr.cast(), bin, |i| element(w, i) as f32),
            (Some(w), _) => accumulate::<f64>(x.numel(), bins, out.ptr.cast(), bin, |i| element(w, i)),
        }
    }, else {})
}

fn element(w: &Strided, i: usize) -> f64 {
    with_dtype!(w.dtype, T => {
        // SAFETY: the module's contract.
        unsafe { *w.ptr.offset(i as isize * w.strides[0] * size_of::<T>() as isize).cast::<T>() }.to_f64()
    })
}

fn accumulate<A: Copy + Default + std::ops::AddAssign + Send>(
    n: usize,
    bins: usize,
    out: *mut A,
    bin: impl Fn(usize) -> usize + Sync,
    weight: impl Fn(usize) -> A + Sync,
) {
    // SAFETY: the module's contract: `out` is dense.
    let out = unsafe { std::slice::from_raw_parts_mut(out, bins) };
    out.fill(A::default());
    let parts = n.div_ceil(PART);
    if parts < 2 || parts.saturating_mul(bins) > ROOM / size_of::<A>() {
        for i in 0..n {
            if let Some(o) = out.get_mut(bin(i)) {
                *o += weight(i);
            }
        }
        return;
    }
    let mut partial = crate::error::filled(A::default(), parts * bins);
    let p = Ptr(partial.as_mut_ptr());
    parallel::run(parts, &|part| {
        // SAFETY: each task has its own bins.
        let own = unsafe { std::slice::from_raw_parts_mut(p.get().add(part * bins), bins) };
        for i in part * PART..n.min((part + 1) * PART) {
            if let Some(o) = own.get_mut(bin(i)) {
                *o += weight(i);
            }
        }
    });
    for part in partial.chunks_exact(bins.max(1)) {
        for (o, &a) in out.iter_mut().zip(part) {
            *o += a;
        }
    }
}

/// Bins of a histogram up to which their numbers fit the vectors that they are computed in.
const FEW_BINS: usize = 1 << 24;
/// Elements whose bins are found together.
const BLOCK: usize = 256;

/// The bin of an element that lies within the bounds.
trait Binned: Num {
    fn bin(self, low: f64, high: f64, bins: usize) -> i32;
}
impl Binned for f32 {
    #[inline(always)]
    fn bin(self, low: f64, high: f64, bins: usize) -> i32 {
        ((self - low as f32) * bins as f32 / (high as f32 - low as f32)) as i32
    }
}
impl Binned for f64 {
    #[inline(always)]
    fn bin(self, low: f64, high: f64, bins: usize) -> i32 {
        ((self - low) * bins as f64 / (high - low)) as i32
    }
}

multiversion! {
    /// The bins of `n` elements; those outside are in one after the last.
    unsafe fn place[T: Binned](x: *const T, n: usize, low: f64, high: f64, bins: usize, to: *mut i32) {
        for i in 0..n {
            let v = *x.add(i);
            let inside = (v.to_f64() >= low) & (v.to_f64() <= high);
            *to.add(i) = if inside { v.bin(low, high, bins).min(bins as i32 - 1) } else { bins as i32 };
        }
    }
}

/// Counts a dense row of `n` elements into `own`.
unsafe fn tally_row<T: Binned>(x: *const T, n: usize, low: f64, high: f64, own: &mut [i64]) {
    let bins = own.len();
    let mut at = [0i32; BLOCK];
    for start in (0..n).step_by(BLOCK) {
        let len = BLOCK.min(n - start);
        // SAFETY: the caller's contract.
        unsafe { place(x.add(start), len, low, high, bins, at.as_mut_ptr()) };
        for &b in &at[..len] {
            if let Some(o) = own.get_mut(b as usize) {
                *o += 1;
            }
        }
    }
}

/// Counts the elements of `x` in equal bins from `low` to `high` (inclusive) into the dense `out` of the dtype of
/// `x`; elements outside and NaN are left out.
pub fn histc(x: &Strided, low: f64, high: f64, out: &Strided) {
    let bins = out.numel();
    let n = x.numel();
    let half = |v: f64| match x.dtype {
        DType::F16 => half::f16::from_f64(v).to_f64(),
        _ => half::bf16::from_f64(v).to_f64(),
    };
    let (dims, _) = nest(x, None, None, None);
    let dense = dims.is_empty() || matches!(dims[..], [d] if d.s[0] == x.dtype.size() as isize);
    let mut totals = crate::error::filled(0i64, bins);
    let parts = n.div_ceil(PART);
    let tally = |range: std::ops::Range<usize>, own: &mut [i64]| {
        if dense && bins < FEW_BINS {
            let (at, len) = (range.start, range.len());
            if x.dtype == DType::F32 {
                // SAFETY: the module's contract; the range lies within the row.
                return unsafe { tally_row(x.ptr.cast::<f32>().add(at), len, low, high, own) };
            }
            if x.dtype == DType::F64 {
                // SAFETY: as above.
                return unsafe { tally_row(x.ptr.cast::<f64>().add(at), len, low, high, own) };
            }
        }
        let mut w = Walk::new(&dims, range.start);
        for _ in range {
            // SAFETY: the module's contract.
            let v = with_dtype!(x.dtype, T => unsafe { *x.ptr.offset(w.off[0]).cast::<T>() }.to_f64());
            w.next();
            if v >= low && v <= high {
                // An edge falls into the bin that the tensor's own precision gives it.
                let b = match x.dtype {
                    DType::F64 => ((v - low) * bins as f64 / (high - low)) as usize,
                    DType::F16 | DType::BF16 => {
                        let span = half(half(high) - half(low));
                        half(half(half(v - half(low)) * half(bins as f64)) / span) as usize
                    }
                    _ => ((v as f32 - low as f32) * bins as f32 / (high as f32 - low as f32)) as usize,
                };
                own[b.min(bins - 1)] += 1;
            }
        }
    };
    if parts < 2 || parts.saturating_mul(bins) > ROOM / 8 {
        tally(0..n, &mut totals);
    } else {
        let mut partial = crate::error::filled(0i64, parts * bins);
        let p = Ptr(partial.as_mut_ptr());
        parallel::run(parts, &|part| {
            // SAFETY: each task has its own bins.
            let own = unsafe { std::slice::from_raw_parts_mut(p.get().add(part * bins), bins) };
            tally(part * PART..n.min((part + 1) * PART), own);
        });
        for part in partial.chunks_exact(bins.max(1)) {
            for (t, &a) in totals.iter_mut().zip(part) {
                *t += a;
            }
        }
    }
    debug_assert_eq!(count(&dims), n);
    // SAFETY: as above.
    unsafe { super::super::load::store(totals.as_ptr(), bins, out.ptr, out.dtype.size() as isize, out.dtype) };
}
