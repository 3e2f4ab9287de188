//! The most frequent element.

use super::super::dims::{Dim, Dims, Walk, count};
use super::super::parallel;
use super::{Item, Key, Ptr, keyed, nest, pack, uninit};
use crate::tensor::{DType, Strided};

/// Elements that one task reads at least.
const GRAIN: usize = 1 << 12;

/// The most frequent element along `dim`, the smallest of those that are equally frequent, and the int64 index of its
/// last occurrence. Every NaN is another one, as
/// in torch. The outputs have extent 1 at `dim`; `x` is not empty along it.
pub fn mode(x: &Strided, dim: usize, values: &Strided, indices: &Strided) {
    let (kept, d) = nest(x, Some(values), Some(indices), Some(dim));
    keyed!(x.dtype, d.n, T, I => rows::<T, I>(x, &kept, d, values, indices))
}

fn rows<T: Key, I: Item<T::U>>(x: &Strided, kept: &Dims<3>, d: Dim<3>, values: &Strided, indices: &Strided) {
    let n = d.n;
    if n == 0 {
        return;
    }
    let (x, values, indices) = (Ptr(x.ptr), Ptr(values.ptr), Ptr(indices.ptr));
    parallel::chunks(count(kept), GRAIN.div_ceil(n), &|range| {
        let mut a = uninit::<I>(n);
        let mut w = Walk::new(kept, range.start);
        for _ in range {
            let row = x.get().wrapping_offset(w.off[0]);
            // SAFETY: the module's contract (see `sort`).
            unsafe { pack::<T, I>(row, d.s[0], 0, n, false, a.as_mut_ptr()) };
            a.sort_unstable();
            // SAFETY: as above; an index that `pack` wrote.
            let nan = |i: usize| unsafe { *row.offset(a[i].index() as isize * d.s[0]).cast::<T>() }.nan();
            let any_nan = nan(n - 1);
            let (mut best, mut longest, mut start) = (0, 0, 0);
            for i in 0..n {
                if a[i].key() != a[start].key() || any_nan && nan(i) {
                    start = i;
                }
                // The first run of a length wins: it holds the smallest element.
                if i + 1 - start > longest {
                    (best, longest) = (i, i + 1 - start);
                }
            }
            let at = a[best].index();
            // SAFETY: as above.
            unsafe {
                *values.get().offset(w.off[1]).cast::<T>() = *row.offset(at as isize * d.s[0]).cast::<T>();
                *indices.get().offset(w.off[2]).cast::<i64>() = at as i64;
            }
            w.next();
        }
    });
}
