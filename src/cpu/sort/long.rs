//! Sorting one long row: keys are counted from the smallest one and cut to 32 bits above the index, so that radix
//! passes move 8 bytes per element and only as many digits as the values span. What the cut made equal is put in
//! order afterwards.

use super::super::parallel;
use super::{Key, Ptr, radix, uninit};
use crate::multiversion;

/// Runs of equal cut keys up to this length are sorted by comparisons.
const RUN: usize = 1 << 11;

multiversion! {
    /// The smallest and the largest key of a row.
    unsafe fn span[T: Key](x: *const u8, stride: isize, n: usize, descending: bool) -> (T::U, T::U) {
        let first = (*x.cast::<T>()).ordered(descending);
        let (mut lo, mut hi) = (first, first);
        if stride == size_of::<T>() as isize {
            let x = x.cast::<T>();
            for i in 0..n {
                let k = (*x.add(i)).ordered(descending);
                lo = lo.min(k);
                hi = hi.max(k);
            }
        } else {
            for i in 0..n {
                let k = (*x.offset(i as isize * stride).cast::<T>()).ordered(descending);
                lo = lo.min(k);
                hi = hi.max(k);
            }
        }
        (lo, hi)
    }
}

multiversion! {
    unsafe fn pack_cut[T: Key](x: *const u8, stride: isize, r: std::ops::Range<usize>, descending: bool, lo: T::U, shift: u32, out: *mut u64) {
        if stride == size_of::<T>() as isize {
            let x = x.cast::<T>();
            for i in r {
                *out.add(i) = (T::cut((*x.add(i)).ordered(descending), lo, shift) as u64) << 32 | i as u64;
            }
        } else {
            for i in r {
                let k = (*x.offset(i as isize * stride).cast::<T>()).ordered(descending);
                *out.add(i) = (T::cut(k, lo, shift) as u64) << 32 | i as u64;
            }
        }
    }
}

/// The buffers of a sort.
pub(super) struct Long {
    a: Vec<u64>,
    b: Vec<u64>,
}

impl Long {
    /// Room for rows of `n` elements, at most 2^32.
    pub fn new(n: usize) -> Long {
        Long { a: uninit(n), b: uninit(n) }
    }

    /// The elements of a row in stable order; the lower half of each item is the index. With `shared`, threads work
    /// on the row together.
    ///
    /// # Safety
    /// The row lies within allocated memory and has the length of the buffers.
    pub unsafe fn order<T: Key>(&mut self, x: *const u8, stride: isize, descending: bool, shared: bool) -> &[u64] {
        let n = self.a.len();
        let Long { a, b } = self;
        let (row, items) = (Ptr(x.cast_mut()), Ptr(a.as_mut_ptr()));
        let (mut lo, mut hi);
        if shared {
            // SAFETY: dispatch's checks; n > 0.
            let first = unsafe { *row.get().cast::<T>() }.ordered(descending);
            let mut ends = crate::error::filled((first, first), n.div_ceil(radix::CHUNK));
            let e = Ptr(ends.as_mut_ptr());
            parallel::run(ends.len(), &|i| {
                let (start, end) = (i * radix::CHUNK, n.min((i + 1) * radix::CHUNK));
                let p = row.get().wrapping_offset(start as isize * stride);
                // SAFETY: as above; each task writes its own entry.
                unsafe { *e.get().add(i) = span::<T>(p, stride, end - start, descending) };
            });
            (lo, hi) = ends[0];
            for &(l, h) in &ends[1..] {
                lo = lo.min(l);
                hi = hi.max(h);
            }
        } else {
            // SAFETY: as above.
            (lo, hi) = unsafe { span::<T>(x, stride, n, descending) };
        }
        let bits = T::distance(lo, hi);
        let shift = bits.saturating_sub(32);
        let pack = |r| {
            // SAFETY: as above; tasks write disjoint items.
            unsafe { pack_cut::<T>(row.get(), stride, r, descending, lo, shift, items.get()) }
        };
        let in_a = if shared {
            parallel::chunks(n, radix::CHUNK, &pack);
            radix::shared::<u32, u64>(a, b, bits.min(32))
        } else {
            pack(0..n);
            radix::single::<u32, u64>(a, b, bits.min(32))
        };
        let (sorted, spare) = if in_a { (a, b) } else { (b, a) };
        if shift > 0 {
            // SAFETY: items hold indices within the row.
            let key = |item: u64| unsafe {
                T::widen((*x.offset((item as u32) as isize * stride).cast::<T>()).ordered(descending))
            };
            refine(sorted, spare, shift, key);
        }
        sorted
    }
}

/// Sorts runs of equal cut keys by the `shift` bits that were cut off.
fn refine(sorted: &mut [u64], spare: &mut [u64], shift: u32, key: impl Fn(u64) -> u64) {
    let mut start = 0;
    while start < sorted.len() {
        let top = sorted[start] >> 32;
        let mut end = start + 1;
        while end < sorted.len() && sorted[end] >> 32 == top {
            end += 1;
        }
        let run = &mut sorted[start..end];
        start = end;
        if run.len() <= RUN {
            if run.len() > 1 {
                run.sort_unstable_by_key(|&i| (key(i), i as u32));
            }
            continue;
        }
        let low = (1u64 << shift) - 1;
        let least = run.iter().map(|&i| key(i)).min().unwrap_or(0);
        for i in run.iter_mut() {
            *i = (((key(*i) - least) & low) << 32) | u64::from(*i as u32);
        }
        let spare = &mut spare[..run.len()];
        if !radix::single::<u32, u64>(run, spare, shift) {
            run.copy_from_slice(spare);
        }
    }
}
