//! Distinct elements.

use super::super::dims::{Walk, count};
use super::super::parallel;
use super::{Item, Key, Ptr, keyed, nest, pack, radix, uninit};
use crate::tensor::{DType, Strided};
use crate::with_dtype;

/// Distinct elements: how many there are is known only after the search, so the results are owned.
#[derive(Debug, Default)]
pub struct Unique {
    /// The elements' bytes, dense.
    pub values: Vec<u8>,
    /// How many there are.
    pub len: usize,
    /// For each input element, in logical order, which of `values` it is (empty unless asked for).
    pub inverse: Vec<i64>,
    /// How often each occurs (empty unless asked for).
    pub counts: Vec<i64>,
}

/// The distinct elements of the flattened `x` in ascending order. Every NaN counts as distinct, as in torch.
pub fn unique(x: &Strided, inverse: bool, counts: bool) -> Unique {
    let mut out = Unique::default();
    keyed!(x.dtype, x.numel(), T, I => sorted::<T, I>(x, inverse, counts, &mut out));
    out
}

fn sorted<T: Key, I: Item<T::U>>(x: &Strided, inverse: bool, counts: bool, out: &mut Unique) {
    let n = x.numel();
    if n == 0 {
        return;
    }
    let (dims, _) = nest(x, None, None, None);
    let (mut a, mut b) = (uninit::<I>(n), uninit::<I>(n));
    let one = super::Dim { n: 1, s: [size_of::<T>() as isize, 0, 0] };
    let (inner, outer) = dims.split_last().map_or((one, &[][..]), |(i, o)| (*i, o));
    let p = Ptr(a.as_mut_ptr());
    parallel::chunks(count(outer), radix::CHUNK.div_ceil(inner.n), &|range| {
        let mut w = Walk::new(outer, range.start);
        for l in range {
            let first = l * inner.n;
            // SAFETY: the module's contract; lines are disjoint.
            unsafe { pack::<T, I>(x.ptr.offset(w.off[0]), inner.s[0], first, inner.n, false, p.get().add(first)) };
            w.next();
        }
    });
    let order = if n >= super::SHARED_MIN {
        radix::shared::<T::U, I>(&mut a, &mut b, T::BITS)
    } else {
        a.sort_unstable();
        &a[..]
    };
    if inverse {
        out.inverse = vec![0; n];
    }
    let mut values: Vec<T> = Vec::new();
    let mut start = 0;
    for i in 0..n {
        if i == 0 || order[i].key() != order[i - 1].key() || values.last().is_some_and(|v| v.nan()) {
            if counts && i > 0 {
                out.counts.push((i - start) as i64);
            }
            start = i;
            let at = Walk::new(&dims, order[i].index()).off[0];
            // SAFETY: the module's contract.
            values.push(unsafe { *x.ptr.offset(at).cast::<T>() });
        }
        if inverse {
            out.inverse[order[i].index()] = values.len() as i64 - 1;
        }
    }
    if counts {
        out.counts.push((n - start) as i64);
    }
    out.len = values.len();
    // SAFETY: plain elements, read as their bytes.
    out.values = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(&values[..])) }.to_vec();
}

/// The first of each run of equal elements of the flattened `x`, in logical order.
pub fn unique_consecutive(x: &Strided, inverse: bool, counts: bool) -> Unique {
    let mut out = Unique::default();
    let (dims, _) = nest(x, None, None, None);
    with_dtype!(x.dtype, T => {
        let mut w = Walk::new(&dims, 0);
        let mut last: Option<T> = None;
        let mut start = 0;
        for i in 0..x.numel() {
            // SAFETY: the module's contract.
            let v = unsafe { *x.ptr.offset(w.off[0]).cast::<T>() };
            w.next();
            if last != Some(v) {
                if counts && i > 0 {
                    out.counts.push((i - start) as i64);
                }
                start = i;
                last = Some(v);
                out.len += 1;
                // SAFETY: a plain element, read as its bytes.
                out.values.extend_from_slice(unsafe { std::slice::from_raw_parts((&raw const v).cast::<u8>(), size_of::<T>()) });
            }
            if inverse {
                out.inverse.push(out.len as i64 - 1);
            }
        }
        if counts && out.len > 0 {
            out.counts.push((x.numel() - start) as i64);
        }
    });
    out
}
