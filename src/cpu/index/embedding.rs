//! The gradient of a row lookup, and bags of rows.

use super::super::load::{self, Acc, Num};
use super::super::parallel;
use super::super::simd::prefetch;
use super::{GRAIN, Ptr};
use crate::multiversion;
use crate::tensor::{DType, Strided};
use crate::with_dtype;
use std::ops::Range;

multiversion! {
    unsafe fn add_row[T: Num, A: Sum](x: *const T, n: usize, acc: *mut A) {
        for i in 0..n {
            *acc.add(i) = (*acc.add(i)).plus(A::of(*x.add(i)));
        }
    }
}

/// A table of rows, and the bags of them to be put together.
#[derive(Clone, Copy)]
struct Table<'a, T> {
    rows: Ptr<T>,
    /// Its rows and columns.
    size: (usize, usize),
    index: &'a [i64],
    /// Where each bag starts; bags end where the next one starts, or with the index.
    offsets: &'a [i64],
    /// A factor per index.
    factors: Option<Ptr<T>>,
    /// A row that does not count; -1 for none.
    padding: i64,
    mean: bool,
}

/// Rows that are asked for ahead: they may lie anywhere.
const AHEAD: usize = 8;
/// Bytes of a table from which on they are; the rows of smaller ones come from L2, and soon enough.
const FAR: usize = 1 << 20;
/// Columns of a task.
const STRIPE: usize = 1024;
/// Bags that go through one part of the columns after the other together.
const TOGETHER: usize = 16;

impl<T: Num> Table<'_, T> {
    /// Bag and columns of a task.
    #[inline(always)]
    fn task(&self, t: usize) -> (usize, Range<usize>) {
        let d = self.size.1;
        // One stripe is the usual case: a division for each short bag would be felt.
        if d <= STRIPE {
            return (t, 0..d);
        }
        let stripes = d.div_ceil(STRIPE);
        let from = t % stripes * STRIPE;
        (t / stripes, from..d.min(from + STRIPE))
    }

    /// Where in the index a bag lies.
    #[inline(always)]
    fn range(&self, bag: usize) -> Range<usize> {
        let n = self.index.len();
        let end = self.offsets.get(bag + 1).map_or(n, |&end| n.min(end as usize));
        end.min(self.offsets[bag] as usize)..end
    }

    /// Does the row of this number count? One that is none does not.
    #[inline(always)]
    fn counts(&self, key: i64) -> bool {
        key != self.padding && (key as u64) < self.size.0 as u64
    }

    /// Writes the sums or means of `W` columns of some bags, with the accumulators in registers.
    #[inline(always)]
    unsafe fn columns<A: Sum, const W: usize>(&self, bags: Range<usize>, first: usize, out: *mut T) {
        let (n, d) = self.size;
        let far = n * d * size_of::<T>() >= FAR;
        let row = |key: i64| self.rows.get().wrapping_add((key as usize).wrapping_mul(d) + first);
        for bag in bags {
            let range = self.range(bag);
            let keys = &self.index[range.clone()];
            if far {
                for &key in self.index[range.start..].iter().skip(AHEAD).take(keys.len()) {
                    prefetch(row(key).cast(), W * size_of::<T>());
                }
            }
            let mut acc = [A::ZERO; W];
            if let Some(factors) = self.factors {
                for (j, &key) in keys.iter().enumerate() {
                    if !self.counts(key) {
                        continue;
                    }
                    let x = row(key);
                    // SAFETY: the caller's contract: factors are as many as keys.
                    let by = A::of(unsafe { *factors.get().add(range.start + j) });
                    for (i, a) in acc.iter_mut().enumerate() {
                        // SAFETY: as above; the key is a row of the table.
                        *a = a.plus(A::of(unsafe { *x.add(i) }).times(by));
                    }
                }
            } else {
                for &key in keys {
                    if !self.counts(key) {
                        continue;
                    }
                    let x = row(key);
                    for (i, a) in acc.iter_mut().enumerate() {
                        // SAFETY: as above.
                        *a = a.plus(A::of(unsafe { *x.add(i) }));
                    }
                }
            }
            if self.mean {
                let count = keys.iter().filter(|&&key| self.counts(key)).count().max(1);
                for a in &mut acc {
                    *a = a.over(count as f64);
                }
            }
            for (i, a) in acc.into_iter().enumerate() {
                // SAFETY: the caller's contract.
                unsafe { *out.add(bag * d + first + i) = a.put::<T>() };
            }
        }
    }

    /// Writes the largest elements of some columns of a bag and the numbers of their rows.
    unsafe fn largest<A: Sum>(&self, bag: usize, columns: Range<usize>, out: *mut T, from: *mut i64) {
        let (mut acc, mut places) = ([A::ZERO; STRIPE], [0i64; STRIPE]);
        let (mut empty, w) = (true, columns.len());
        for &key in self.index[self.range(bag)].iter().filter(|&&key| self.counts(key)) {
            // SAFETY: the caller's contract; the key is a row of the table.
            unsafe {
                let row = self.rows.get().add(key as usize * self.size.1 + columns.start);
                larger_row(row, w, empty, key, acc.as_mut_ptr(), places.as_mut_ptr());
            }
            empty = false;
        }
        let at = bag * self.size.1 + columns.start;
        // SAFETY: the caller's contract.
        unsafe {
            load::store(acc.as_ptr(), w, out.add(at).cast(), size_of::<T>() as isize, T::DTYPE);
            from.add(at).copy_from_nonoverlapping(places.as_ptr(), w);
        }
    }
}

multiversion! {
    /// Writes the sums or means of some tasks. What is left of a row after the widest parts is a few narrower ones.
    unsafe fn sum_bags[T: Num, A: Sum](table: Table<'_, T>, tasks: Range<usize>, out: *mut T) {
        let mut t = tasks.start;
        while t < tasks.end {
            let (bag, columns) = table.task(t);
            let count = if table.size.1 <= STRIPE { TOGETHER.min(tasks.end - t) } else { 1 };
            let mut i = columns.start;
            macro_rules! parts {
                ($($w:literal)+) => { $(
                    while $w <= columns.end - i {
                        table.columns::<A, $w>(bag..bag + count, i, out);
                        i += $w;
                    }
                )+ };
            }
            parts!(64 32 16 8 4 2 1);
            t += count;
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
    fn ranges(&self) -> impl Fn(usize) -> Range<usize> {
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
        let index = ints(&self.index);
        let o = Ptr(out.ptr.cast::<T>());
        let largest = largest.map(|l| Ptr(l.ptr.cast::<i64>()));
        let table = Table {
            rows: Ptr(self.table.ptr.cast::<T>()),
            size: (self.table.shape[0], d),
            index,
            offsets: ints(&self.offsets),
            factors: self.factors.map(|f| Ptr(f.ptr.cast::<T>())),
            padding: self.padding.unwrap_or(-1),
            mean: self.kind == Bag::Mean,
        };
        let grain = GRAIN.div_ceil(d.min(STRIPE) * (index.len() / bags).max(1));
        parallel::chunks(bags * d.div_ceil(STRIPE), grain, &|tasks| {
            // SAFETY: the module's contract; a task has columns of a row of the output of its own.
            unsafe {
                let Some(l) = largest else { return sum_bags::<T, A>(table, tasks, o.get()) };
                for t in tasks {
                    let (bag, columns) = table.task(t);
                    table.largest::<A>(bag, columns, o.get(), l.get());
                }
            }
        });
    }
}
