//! Distinct rows.

use super::{Key, keyed};
use crate::tensor::{DType, Strided};
use std::cmp::Ordering;

/// Distinct rows of a 2-d tensor.
#[derive(Debug, Default)]
pub struct Rows {
    /// The first occurrence of each.
    pub first: Vec<i64>,
    /// For each row, which of the distinct ones it is.
    pub inverse: Vec<i64>,
    /// How often each occurs.
    pub counts: Vec<i64>,
}

/// Distinct rows of the 2-d `x` in lexicographic order or, if `consecutive`, the first of each run of equal rows.
/// Every row with a NaN counts as distinct, as in torch.
pub fn unique_rows(x: &Strided, consecutive: bool) -> Rows {
    let mut out = Rows::default();
    keyed!(x.dtype, x.numel(), T, I => {
        // Both widths of item compare by the key alone, which is all that rows need.
        let _ = std::marker::PhantomData::<I>;
        let (rows, m) = (rows_of::<T>(x), x.shape[1]);
        let row = |r: usize| &rows.keys[r * m..(r + 1) * m];
        let same = |a: usize, b: usize| row(a) == row(b) && !rows.nan.get(b).is_some_and(|&n| n);
        group(x.shape[0], consecutive, &|a, b| row(a).cmp(row(b)), &same, &mut out);
    });
    out
}

/// The keys of a 2-d tensor of `T`, row by row, and which rows hold a NaN.
struct Keys<U> {
    keys: Vec<U>,
    nan: Vec<bool>,
}

fn rows_of<T: Key>(x: &Strided) -> Keys<T::U> {
    let (mut keys, mut nan) = (crate::error::room(x.numel()), crate::error::filled(false, x.shape[0]));
    for r in 0..x.shape[0] as isize {
        for c in 0..x.shape[1] as isize {
            // SAFETY: the module's contract (see `sort`).
            let v =
                unsafe { *x.ptr.offset((r * x.strides[0] + c * x.strides[1]) * size_of::<T>() as isize).cast::<T>() };
            keys.push(v.key());
            nan[r as usize] |= v.nan();
        }
    }
    Keys { keys, nan }
}

fn group(
    n: usize,
    consecutive: bool,
    compare: &dyn Fn(usize, usize) -> Ordering,
    same: &dyn Fn(usize, usize) -> bool,
    out: &mut Rows,
) {
    let mut order: Vec<usize> = crate::error::room(n);
    order.extend(0..n);
    if !consecutive {
        // Stable, but without the buffer of a stable sort.
        order.sort_unstable_by(|&a, &b| compare(a, b).then(a.cmp(&b)));
    }
    out.inverse = crate::error::filled(0, n);
    for (i, &r) in order.iter().enumerate() {
        if i == 0 || !same(order[i - 1], r) {
            crate::error::grow(&mut out.first, 1);
            crate::error::grow(&mut out.counts, 1);
            out.first.push(r as i64);
            out.counts.push(0);
        }
        let last = out.first.len() - 1;
        out.inverse[r] = last as i64;
        out.counts[last] += 1;
    }
}
