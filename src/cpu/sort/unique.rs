//! Distinct elements.

use super::super::dims::{Dim, Dims, Walk, count};
use super::{Key, keyed, long, nest};
use crate::tensor::{DType, Element, Strided};
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
    keyed!(x.dtype, x.numel(), T, _I => sorted::<T>(x, inverse, counts, &mut out));
    out
}

fn sorted<T: Key>(x: &Strided, inverse: bool, counts: bool, out: &mut Unique) {
    let n = x.numel();
    if n == 0 {
        return;
    }
    let (dims, _) = nest(x, None, None, None);
    // One loop over all elements, in a dense copy unless `x` is one already.
    let mut dense: Vec<T> = Vec::new();
    let (base, stride) = match dims[..] {
        [] => (x.ptr.cast_const(), 0),
        [d] => (x.ptr.cast_const(), d.s[0]),
        _ => {
            crate::error::grow(&mut dense, n);
            let size = size_of::<T>() as isize;
            let mut step = size;
            let mut copy: Dims<2> = dims.iter().map(|d| Dim { n: d.n, s: [d.s[0], 0] }).collect();
            for d in copy.iter_mut().rev() {
                d.s[1] = step;
                step *= d.n as isize;
            }
            super::super::index::copy(x.ptr, dense.as_mut_ptr().cast(), size as usize, &copy);
            (dense.as_ptr().cast(), size)
        }
    };
    // SAFETY: the module's contract.
    let get = |i: usize| unsafe { *base.offset(i as isize * stride).cast::<T>() };
    let mut long;
    let mut items: Vec<u128> = Vec::new();
    if n <= u32::MAX as usize {
        long = long::Long::new(n);
        // SAFETY: the module's contract.
        let order = unsafe { long.order::<T>(base, stride, false, n >= super::SHARED_MIN) };
        collect(n, |i| order[i] as u32 as usize, get, inverse, counts, out);
    } else {
        crate::error::grow(&mut items, n);
        items.extend((0..n).map(|i| (T::widen(get(i).key()) as u128) << 64 | i as u128));
        items.sort_unstable();
        collect(n, |i| items[i] as u64 as usize, get, inverse, counts, out);
    }
}

/// Makes the results from the order of the elements.
fn collect<T: Key>(
    n: usize,
    order: impl Fn(usize) -> usize,
    get: impl Fn(usize) -> T,
    inverse: bool,
    counts: bool,
    out: &mut Unique,
) {
    if inverse {
        out.inverse = crate::error::filled(0, n);
    }
    let mut values: Vec<T> = Vec::new();
    let mut start = 0;
    let mut last = T::U::default();
    for i in 0..n {
        let at = order(i);
        let v = get(at);
        if i == 0 || v.key() != last || v.nan() {
            if counts && i > 0 {
                crate::error::grow(&mut out.counts, 1);
                out.counts.push((i - start) as i64);
            }
            start = i;
            last = v.key();
            crate::error::grow(&mut values, 1);
            values.push(v);
        }
        if inverse {
            out.inverse[at] = values.len() as i64 - 1;
        }
    }
    if counts {
        crate::error::grow(&mut out.counts, 1);
        out.counts.push((n - start) as i64);
    }
    out.len = values.len();
    // SAFETY: plain elements, read as their bytes.
    let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(&values[..])) };
    crate::error::grow(&mut out.values, bytes.len());
    out.values.extend_from_slice(bytes);
}

/// The first of each run of equal elements of the flattened `x`, in logical order.
pub fn unique_consecutive(x: &Strided, inverse: bool, counts: bool) -> Unique {
    let mut out = Unique::default();
    with_dtype!(x.dtype, T => runs::<T>(x, inverse, counts, &mut out));
    out
}

fn runs<T: Element + PartialEq>(x: &Strided, inverse: bool, counts: bool, out: &mut Unique) {
    let n = x.numel();
    if n == 0 {
        return;
    }
    let (dims, _) = nest(x, None, None, None);
    let (inner, outer) = dims.split_last().map_or((Dim { n: 1, s: [0; 3] }, &[][..]), |(i, o)| (*i, o));
    // Room for a run per element: each element is written where the next run would start, so that there is no branch,
    // which would be taken at random.
    let mut values: Vec<T> = crate::error::room(n);
    let mut starts: Vec<i64> = crate::error::filled(0, if counts { n } else { 0 });
    out.inverse = crate::error::filled(0, if inverse { n } else { 0 });
    let to = values.as_mut_ptr();
    let (mut len, mut i) = (0, 0);
    // SAFETY: the module's contract: there is a first element.
    let mut last = unsafe { *x.ptr.cast::<T>() };
    let mut w = Walk::new(outer, 0);
    for _ in 0..count(outer) {
        let row = x.ptr.wrapping_offset(w.off[0]);
        w.next();
        for k in 0..inner.n {
            // SAFETY: the module's contract; there is room for `n` runs.
            let new = unsafe {
                let v = *row.offset(k as isize * inner.s[0]).cast::<T>();
                let new = (v != last) | (i == 0);
                to.add(len).write(v);
                last = v;
                new
            };
            if counts {
                starts[len] = i as i64;
            }
            len += new as usize;
            if inverse {
                out.inverse[i] = len as i64 - 1;
            }
            i += 1;
        }
    }
    out.len = len;
    if counts {
        starts.truncate(len);
        let ends = starts[1..].iter().copied().chain([n as i64]);
        out.counts = crate::error::room(len);
        out.counts.extend(starts.iter().zip(ends).map(|(start, end)| end - start));
    }
    // SAFETY: `len` elements are written; they are plain, read as their bytes.
    let bytes = unsafe { std::slice::from_raw_parts(to.cast::<u8>(), len * size_of::<T>()) };
    out.values = crate::error::room(bytes.len());
    out.values.extend_from_slice(bytes);
}
