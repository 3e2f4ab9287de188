//! The gradient of a row lookup, and bags of rows.

use super::super::load::{self, Acc, Num};
use super::super::parallel;
use super::super::simd::prefetch;
use super::{GRAIN, Ptr};
use crate::multiversion;
use crate::tensor::{DType, Strided};
use crate::with_dtype;

multiversion! {
    unsafe fn add_row[T: Num, A: Sum](x: *const T, n: usize, acc: *mut A) {
        for i in 0..n {
            *acc.add(i) = (*acc.add(i)).plus(A::of(*x.add(i)));
        }
    }
}

/// The rows of one bag.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    /// The table, from the first column that is wanted on.
    table: *const T,
    /// Its rows and columns.
    size: (usize, usize),
    keys: &'a [i64],
    /// Keys of the bags that follow.
    next: &'a [i64],
    /// A factor per row; may be null.
    factors: *const T,
    padding: Option<i64>,
    mean: bool,
}

/// Rows that are asked for ahead: they may lie anywhere.
const AHEAD: usize = 4;

impl<T: Num> Rows<'_, T> {
    /// Writes the sum or mean of `W` columns, with the accumulators in registers.
    #[inline(always)]
    unsafe fn columns<A: Sum, const W: usize>(&self, first: usize, out: *mut T) {
        let mut acc = [A::ZERO; W];
        let mut count = 0;
        let row = |key: i64| self.table.wrapping_add((key as usize).wrapping_mul(self.size.1) + first);
        for (j, &key) in self.keys.iter().enumerate() {
            if let Some(&next) = self.keys.get(j + AHEAD).or_else(|| self.next.get(j + AHEAD - self.keys.len())) {
                prefetch(row(next).cast(), W * size_of::<T>());
            }
            if self.padding == Some(key) || key as u64 >= self.size.0 as u64 {
                continue;
            }
            let x = row(key);
            if self.factors.is_null() {
                for (i, a) in acc.iter_mut().enumerate() {
                    // SAFETY: the caller's contract; the key is a row of the table.
                    *a = a.plus(A::of(unsafe { *x.add(i) }));
                }
            } else {
                // SAFETY: factors are as many as keys.
                let by = A::of(unsafe { *self.factors.add(j) });
                for (i, a) in acc.iter_mut().enumerate() {
                    // SAFETY: as above.
                    *a = a.plus(A::of(unsafe { *x.add(i) }).times(by));
                }
            }
            count += 1;
        }
        if self.mean && count > 0 {
            acc.iter_mut().for_each(|a| *a = a.over(count as f64));
        }
        for (i, a) in acc.into_iter().enumerate() {
            // SAFETY: the caller's contract.
            unsafe { *out.add(first + i) = a.put::<T>() };
        }
    }

    /// Writes the largest elements of `w <= 1024` columns and the numbers of their rows.
    unsafe fn largest<A: Sum>(&self, w: usize, out: *mut T, from: *mut i64) {
        let (mut acc, mut places) = ([A::ZERO; 1024], [0i64; 1024]);
        let mut empty = true;
        for &key in self.keys {
            if self.padding == Some(key) || key as u64 >= self.size.0 as u64 {
                continue;
            }
            // SAFETY: the caller's contract; the key is a row of the table.
            unsafe {
                let row = self.table.add(key as usize * self.size.1);
                larger_row(row, w, empty, key, acc.as_mut_ptr(), places.as_mut_ptr());
            }
            empty = false;
        }
        // SAFETY: the caller's contract.
        unsafe {
            load::store(acc.as_ptr(), w, out.cast(), size_of::<T>() as isize, T::DTYPE);
            from.copy_from_nonoverlapping(places.as_ptr(), w);
        }
    }
}

multiversion! {
    /// Writes the sum or mean of `w` columns.
    unsafe fn sum_bag[T: Num, A: Sum](rows: Rows<'_, T>, w: usize, out: *mut T) {
        let mut i = 0;
        while i + 64 <= w {
            rows.columns::<A, 64>(i, out);
            i += 64;
        }
        while i + 16 <= w {
            rows.columns::<A, 16>(i, out);
            i += 16;
        }
        while i < w {
            rows.columns::<A, 1>(i, out);
            i += 1;
        }
    }
}

multiversion! {
    // The larger of two elements and the number of its row; of equal ones the first stays.
    unsafe fn larger_row[T: Num, A: Sum](x: *const T, n: usize, first: bool, key: i64, acc: *mut A, keys: *mut i64) {
        for i in 0..n {
            let v = A::of(*x.add(i));
            let wins = first | (v > *acc.add(i));
            *acc.add(i) = if wins { v } else { *acc.add(i) };
            *keys.add(i) = if wins { key } else { *keys.add(i) };
        }
    }
}

/// Accumulators of rows.
trait Sum: Acc + PartialOrd {
    const ZERO: Self;
    fn plus(self, o: Self) -> Self;
    fn times(self, o: Self) -> Self;
    fn over(self, n: f64) -> Self;
}
macro_rules! sums {
    ($($t:ty),+) => { $(impl Sum for $t {
        const ZERO: Self = 0.0;
        #[inline(always)] fn plus(self, o: Self) -> Self { self + o }
        #[inline(always)] fn times(self, o: Self) -> Self { self * o }
        #[inline(always)] fn over(self, n: f64) -> Self { self / n as $t }
    })+ };
}
sums!(f32, f64);

/// Adds the rows of `grad` (n, d) to the rows of `out` (v, d) that `index` (n) names; both dense and floating, `out`
/// holds zeros. Rows of index `padding` are left out; with `by_frequency` a sum is divided by its number of rows.
///
/// The rows of one index are added in order, in f32 for halves. False if an index names no row of `out`, which then
/// stays as it was.
pub fn embedding_backward(
    grad: &Strided,
    index: &Strided,
    out: &Strided,
    padding: Option<i64>,
    by_frequency: bool,
) -> bool {
    let n = index.numel();
    let d = out.shape.last().copied().unwrap_or(1);
    if n == 0 || d == 0 {
        return true;
    }
    // Positions sorted by index, stable: the rows of one index lie together and in order.
    let mut keys = crate::error::filled(0i64, n);
    let mut order = crate::error::filled(0i64, n);
    let (shape, strides) = ([n], [1isize]);
    let view =
        |v: &mut Vec<i64>| Strided { ptr: v.as_mut_ptr().cast(), dtype: DType::I64, shape: &shape, strides: &strides };
    let (sorted, places) = (view(&mut keys), view(&mut order));
    let flat = Strided { ptr: index.ptr, dtype: DType::I64, shape: &shape, strides: &strides };
    super::super::sort::sort(&flat, 0, false, Some(&sorted), Some(&places));
    // A change of the indices while they were sorted leaves their copy in any order, so all of it is looked at.
    if keys.iter().any(|&k| k as u64 >= out.shape[0] as u64) {
        return false;
    }
    let is_start = |&i: &usize| i == 0 || keys[i] != keys[i - 1];
    let segments = (0..n).filter(is_start).count();
    // Room for all of them at once: a growing list aborts the process where there is no memory.
    let mut starts = crate::error::room(segments + 1);
    starts.extend((0..n).filter(is_start));
    starts.push(n);
    with_dtype!(grad.dtype, [F16: half::f16, BF16: half::bf16, F32: f32], T => {
        sum_rows::<T, f32>(grad, out, &keys, &order, &starts, segments, d, padding, by_frequency)
    }, else if grad.dtype == DType::F64 {
        sum_rows::<f64, f64>(grad, out, &keys, &order, &starts, segments, d, padding, by_frequency)
    });
    true
}

#[allow(clippy::too_many_arguments, reason = "an inner function of the one above")]
fn sum_rows<T: Num, A: Sum>(
    grad: &Strided,
    out: &Strided,
    keys: &[i64],
    order: &[i64],
    starts: &[usize],
    segments: usize,
    d: usize,
    padding: Option<i64>,
    by_frequency: bool,
) {
    let (g, o) = (Ptr(grad.ptr.cast::<T>()), Ptr(out.ptr.cast::<T>()));
    let stripe = d.min(1024);
    let stripes = d.div_ceil(stripe);
    parallel::chunks(segments * stripes, GRAIN.div_ceil(stripe * (keys.len() / segments).max(1)), &|range| {
        let mut acc = [A::ZERO; 1024];
        for t in range {
            let (s, from) = (t / stripes, t % stripes * stripe);
            let w = stripe.min(d - from);
            let rows = starts[s]..starts[s + 1];
            let key = keys[rows.start];
            if padding == Some(key) {
                continue;
            }
            acc[..w].fill(A::ZERO);
            for r in rows.clone() {
                // SAFETY: the module's contract; `order` holds positions of rows.
                unsafe { add_row::<T, A>(g.get().add(order[r] as usize * d + from), w, acc.as_mut_ptr()) };
            }
            if by_frequency {
                for a in &mut acc[..w] {
                    *a = a.over(rows.len() as f64);
                }
            }
            // SAFETY: as above; a row of `out` belongs to one segment.
            unsafe {
                let at = o.get().add(key as usize * d + from);
                load::store(acc.as_ptr(), w, at.cast(), size_of::<T>() as isize, T::DTYPE);
            }
        }
    });
}

/// How the rows of a bag are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bag {
    /// Their sum, each times its factor if there are factors.
    Sum,
    /// Their mean.
    Mean,
    /// The largest element of each column.
    Max,
}

/// Bags of rows of a table. Everything is dense.
#[derive(Clone, Copy)]
pub struct Bags<'a> {
    /// The table (v, d), of a float dtype.
    pub table: Strided<'a>,
    /// Rows (n), int64 within 0..v.
    pub index: Strided<'a>,
    /// Where each bag starts, int64; checked by [`bad_offset`]. With one entry more than bags, the last is the end.
    pub offsets: Strided<'a>,
    /// Factors (n) of the table's dtype, for sums.
    pub factors: Option<Strided<'a>>,
    /// A row that does not count.
    pub padding: Option<i64>,
    /// How to put rows together.
    pub kind: Bag,
}

fn ints<'a>(s: &Strided<'a>) -> &'a [i64] {
    // SAFETY: the module's contract: a dense tensor of int64 that lives as long as its view.
    if s.numel() == 0 { &[] } else { unsafe { std::slice::from_raw_parts(s.ptr.cast(), s.numel()) } }
}

/// The position of the first offset that is below the one before it (or not 0, if it is the first) or above `n`.
pub fn bad_offset(offsets: &Strided, n: usize) -> Option<usize> {
    let o = ints(offsets);
    (0..o.len()).find(|&i| o[i] > n as i64 || if i == 0 { o[0] != 0 } else { o[i] < o[i - 1] })
}

impl Bags<'_> {
    /// The ranges of indices that bags have.
    fn ranges(&self) -> impl Fn(usize) -> std::ops::Range<usize> {
        let (o, n) = (ints(&self.offsets), self.index.numel());
        move |bag| {
            let end = o.get(bag + 1).map_or(n, |&end| n.min(end as usize));
            end.min(o[bag] as usize)..end
        }
    }

    /// Writes the number of the bag of each index to `owner` (n), and how many rows count in each bag to `sizes` (b).
    pub fn count(&self, owner: &Strided, sizes: &Strided) {
        let (index, ranges) = (ints(&self.index), self.ranges());
        for bag in 0..sizes.numel() {
            let range = ranges(bag);
            let counted = match self.padding {
                None => range.len(),
                Some(padding) => index[range.clone()].iter().filter(|&&key| key != padding).count(),
            };
            // SAFETY: the module's contract; the ranges of bags lie within 0..n.
            unsafe {
                *sizes.ptr.cast::<i64>().add(bag) = counted as i64;
                let owners = owner.ptr.cast::<i64>().add(range.start);
                (0..range.len()).for_each(|j| *owners.add(j) = bag as i64);
            }
        }
    }

    /// Writes one row per bag to `out` (b, d), 0 for an empty bag; for maxima also where they come from to `from` (b, d).
    /// The rows of a bag are taken in order, in f32 for halves.
    pub fn reduce(&self, out: &Strided, from: Option<&Strided>) {
        with_dtype!(self.table.dtype, [F16: half::f16, BF16: half::bf16, F32: f32], T => {
            self.rows::<T, f32>(out, from)
        }, else if self.table.dtype == DType::F64 {
            self.rows::<f64, f64>(out, from)
        })
    }

    fn rows<T: Num, A: Sum>(&self, out: &Strided, largest: Option<&Strided>) {
        let (bags, d) = (out.shape[0], out.shape[1]);
        if bags == 0 || d == 0 {
            return;
        }
        let (index, ranges) = (ints(&self.index), self.ranges());
        let (table, o) = (Ptr(self.table.ptr.cast::<T>()), Ptr(out.ptr.cast::<T>()));
        let factors = self.factors.map(|f| Ptr(f.ptr.cast::<T>()));
        let largest = largest.map(|l| Ptr(l.ptr.cast::<i64>()));
        let size = (self.table.shape[0], d);
        let stripe = d.min(1024);
        let stripes = d.div_ceil(stripe);
        parallel::chunks(bags * stripes, GRAIN.div_ceil(stripe * (index.len() / bags).max(1)), &|tasks| {
            for t in tasks {
                // One stripe is the usual case: a division for each short bag would be felt.
                let (bag, from) = if stripes == 1 { (t, 0) } else { (t / stripes, t % stripes * stripe) };
                let (w, range) = (stripe.min(d - from), ranges(bag));
                // SAFETY: the table's columns from this stripe on, factors as many as indices; a task has stripes of rows
                // of its own.
                unsafe {
                    let rows = Rows {
                        table: table.get().add(from).cast_const(),
                        size,
                        factors: factors.map_or(std::ptr::null(), |f| f.get().add(range.start).cast_const()),
                        keys: &index[range.clone()],
                        next: &index[range.end..],
                        padding: self.padding,
                        mean: self.kind == Bag::Mean,
                    };
                    let at = bag * d + from;
                    match largest {
                        Some(l) => rows.largest::<A>(w, o.get().add(at), l.get().add(at)),
                        None => sum_bag::<T, A>(rows, w, o.get().add(at)),
                    }
                }
            }
        });
    }
}
