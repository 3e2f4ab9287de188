//! Selection without a full sort: the k largest or smallest, k-th values, medians.

use super::super::dims::{Dim, Dims, Walk, count};
use super::super::parallel;
use super::{Item, Key, keyed, nest, pack};
use crate::multiversion;
use crate::tensor::{DType, Strided};

/// Elements that one task reads at least.
const GRAIN: usize = 1 << 13;

/// The `k` largest or smallest elements along `dim` and their int64 indices, best first if `sorted` (otherwise in an
/// unspecified, reproducible order). Of equal elements those with lower indices are taken.
///
/// The outputs have the shape of `x` with extent `k` at `dim`; a 0-d `x` counts as one element.
pub fn topk(x: &Strided, dim: usize, k: usize, largest: bool, sorted: bool, values: &Strided, indices: &Strided) {
    let (kept, d) = nest(x, Some(values), Some(indices), Some(dim));
    keyed!(x.dtype, d.n, T, I => best::<T, I>(x, &kept, d, k.min(d.n), largest, sorted, values, indices))
}

#[allow(clippy::too_many_arguments, reason = "an inner function with the arguments of its caller")]
fn best<T: Key, I: Item<T::U>>(
    x: &Strided,
    kept: &Dims<3>,
    d: Dim<3>,
    k: usize,
    largest: bool,
    sorted: bool,
    values: &Strided,
    indices: &Strided,
) {
    let (rows, n) = (count(kept), d.n);
    if rows == 0 || k == 0 {
        return;
    }
    parallel::chunks(rows, GRAIN.div_ceil(n), &|range| {
        let mut items: Vec<I> = Vec::new();
        let mut w = Walk::new(kept, range.start);
        for _ in range {
            // SAFETY: the module's contract (see `sort`).
            unsafe {
                // Items in ascending order: the best first, so keys are flipped for the largest.
                candidates::<T, I>(x.ptr.wrapping_offset(w.off[0]), d.s[0], n, k, largest, &mut items);
                if items.len() > k {
                    items.select_nth_unstable(k - 1);
                    items.truncate(k);
                }
                if sorted {
                    items.sort_unstable();
                }
                for (i, item) in items.iter().enumerate() {
                    let (i, at) = (i as isize, item.index());
                    *values.ptr.offset(w.off[1] + i * d.s[1]).cast::<T>() =
                        *x.ptr.offset(w.off[0] + at as isize * d.s[0]).cast::<T>();
                    *indices.ptr.offset(w.off[2] + i * d.s[2]).cast::<i64>() = at as i64;
                }
            }
            w.next();
        }
    });
}

/// Elements that are looked at together.
const LOOK: usize = 64;

multiversion! {
    /// Keys of `LOOK` elements; is any below `limit`?
    unsafe fn look[T: Key](x: *const u8, stride: isize, descending: bool, limit: T::U, keys: *mut T::U) -> bool {
        let mut any = false;
        if stride == size_of::<T>() as isize {
            let x = x.cast::<T>();
            for i in 0..LOOK {
                let k = (*x.add(i)).ordered(descending);
                *keys.add(i) = k;
                any |= k < limit;
            }
        } else {
            for i in 0..LOOK {
                let k = (*x.offset(i as isize * stride).cast::<T>()).ordered(descending);
                *keys.add(i) = k;
                any |= k < limit;
            }
        }
        any
    }
}

/// Collects items that contain the `k` lowest of the row. Once some have been seen, only what is below the k-th lowest
/// so far is kept, which most blocks have nothing of.
unsafe fn candidates<T: Key, I: Item<T::U>>(
    x: *const u8,
    stride: isize,
    n: usize,
    k: usize,
    descending: bool,
    items: &mut Vec<I>,
) {
    items.clear();
    let room = (4 * k).max(4 * LOOK);
    if n <= 2 * room {
        crate::error::grow(items, n);
        items.resize(n, I::default());
        // SAFETY: the module's contract; `items` holds n.
        return unsafe { pack::<T, I>(x, stride, 0, n, descending, items.as_mut_ptr()) };
    }
    crate::error::grow(items, room);
    items.resize(room, I::default());
    // SAFETY: as above.
    unsafe { pack::<T, I>(x, stride, 0, room, descending, items.as_mut_ptr()) };
    let mut limit = *items.select_nth_unstable(k - 1).1;
    items.truncate(k);
    let mut keys = [T::U::default(); LOOK];
    let mut i = room;
    while i < n {
        let p = x.wrapping_offset(i as isize * stride);
        let m = (n - i).min(LOOK);
        let hit = if m == LOOK {
            // SAFETY: LOOK elements remain.
            unsafe { look::<T>(p, stride, descending, limit.key(), keys.as_mut_ptr()) }
        } else {
            for (j, key) in keys[..m].iter_mut().enumerate() {
                // SAFETY: i + j < n.
                *key = unsafe { *p.offset(j as isize * stride).cast::<T>() }.ordered(descending);
            }
            true
        };
        if hit {
            // Without a branch per element: a position that does not count is overwritten by the next one.
            // Later elements that equal the limit lose against it.
            let (mut hits, mut c) = ([0u8; LOOK], 0);
            for (j, &key) in keys[..m].iter().enumerate() {
                hits[c % LOOK] = j as u8;
                c += (key < limit.key()) as usize;
            }
            items.extend(hits[..c].iter().map(|&j| I::new(keys[j as usize % LOOK], i + j as usize)));
            if items.len() > room {
                limit = *items.select_nth_unstable(k - 1).1;
                items.truncate(k);
            }
        }
        i += m;
    }
}

/// Which element of the ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The k-th, counted from 0; NaN ranks last.
    Nth(usize),
    /// The lower median, or the first NaN if there is one.
    Median,
    /// The lower median of what is not NaN; the first NaN if nothing is.
    NanMedian,
}

/// The element of rank `rank` along `dim` (of the flattened tensor without `dim`) and its int64 index. The outputs
/// have extent 1 at `dim`, or one element. `x` is not empty along `dim`.
pub fn select(x: &Strided, dim: Option<usize>, rank: Rank, values: &Strided, indices: Option<&Strided>) {
    match dim {
        Some(_) => {
            let (kept, d) = nest(x, Some(values), indices, dim);
            keyed!(x.dtype, d.n, T, I => ranked::<T, I>(x.ptr, &kept, &[d], rank, values, indices))
        }
        None => {
            let (dims, _) = nest(x, None, None, None);
            keyed!(x.dtype, count(&dims), T, I => ranked::<T, I>(x.ptr, &Dims::new(), &dims, rank, values, indices))
        }
    }
}

fn ranked<T: Key, I: Item<T::U>>(
    x: *mut u8,
    kept: &Dims<3>,
    line: &[Dim<3>],
    rank: Rank,
    values: &Strided,
    indices: Option<&Strided>,
) {
    let (rows, n) = (count(kept), count(line));
    if rows == 0 || n == 0 {
        return;
    }
    let one = Dim { n: 1, s: [size_of::<T>() as isize, 0, 0] };
    let (inner, outer) = line.split_last().map_or((one, &[][..]), |(i, o)| (*i, o));
    let x = super::Ptr(x);
    parallel::chunks(rows, GRAIN.div_ceil(n), &|range| {
        let mut items = crate::error::filled(I::default(), n);
        let mut w = Walk::new(kept, range.start);
        for _ in range {
            let base = x.get().wrapping_offset(w.off[0]);
            let mut o = Walk::new(outer, 0);
            let mut nans = 0;
            for l in 0..count(outer) {
                let p = base.wrapping_offset(o.off[0]);
                o.next();
                let first = l * inner.n;
                // SAFETY: the module's contract.
                unsafe {
                    pack::<T, I>(p, inner.s[0], first, inner.n, false, items.as_mut_ptr().add(first));
                    if !matches!(rank, Rank::Nth(_)) {
                        for i in 0..inner.n {
                            nans += (*p.offset(i as isize * inner.s[0]).cast::<T>()).nan() as usize;
                        }
                    }
                }
            }
            let nth = match rank {
                Rank::Nth(k) => k.min(n - 1),
                // NaNs rank last; the first of them follows the last number.
                Rank::Median if nans > 0 => n - nans,
                Rank::Median => (n - 1) / 2,
                Rank::NanMedian if nans == n => 0,
                Rank::NanMedian => (n - nans - 1) / 2,
            };
            let at = items.select_nth_unstable(nth).1.index();
            let v = Walk::new(line, at).off[0];
            // SAFETY: as above.
            unsafe {
                *values.ptr.offset(w.off[1]).cast::<T>() = *base.offset(v).cast::<T>();
                if let Some(i) = indices {
                    *i.ptr.offset(w.off[2]).cast::<i64>() = at as i64;
                }
            }
            w.next();
        }
    });
}
