//! Sorting, selection by rank, search and counts.
//!
//! All of it is made of the order of lines: for each place of a sorted line, the place in the line that its element has.

use super::dense::{dense, fill, fill_last, last, word};
use super::index::at_places;
use super::layout::{settle, viewed};
use super::{Launch, done};
use crate::dispatch::index::Scatter;
use crate::dispatch::scan::Scan;
use crate::dispatch::sort::Rank;
use crate::dispatch::{copy, empty, zeros};
use crate::error::Result;
use crate::tensor::{DType, Device, Shape, Strides, Tensor};

/// Longer lines are sorted by radix: workgroups have no room for them.
const MOST_IN_GROUP: usize = 1024;
/// Keys that a workgroup of the radix sort moves.
const BLOCK: usize = 1024;
/// Digits of the radix sort.
const DIGITS: usize = 16;

/// Dense lines of words and how they are compared.
struct Lines {
    x: Tensor,
    count: usize,
    n: usize,
}

impl Lines {
    /// The lines of `x` along a dim.
    fn new(x: &Tensor, dim: usize) -> Result<Lines> {
        let x = dense(&last(x, dim), word(x.dtype()))?;
        let n = x.shape().last().copied().unwrap_or(1);
        Ok(Lines { count: x.numel() / n.max(1), n, x })
    }

    /// All elements as one line.
    fn flat(x: &Tensor) -> Result<Lines> {
        let x = dense(x, word(x.dtype()))?;
        Ok(Lines { count: 1, n: x.numel(), x })
    }

    fn dtype(&self) -> DType {
        self.x.dtype()
    }

    fn wide(&self) -> bool {
        self.dtype() == DType::I64
    }

    /// The function of the shaders that makes keys.
    fn key(&self) -> &'static str {
        if self.dtype() == DType::F32 { "key_f32" } else { "key_i32" }
    }

    /// The places of each line's elements in ascending or descending order; equal ones keep theirs.
    fn order(&self, descending: bool) -> Result<Tensor> {
        if self.n > MOST_IN_GROUP {
            return self.by_radix(descending);
        }
        let to = empty(&[self.count * self.n], DType::I32, Device::Gpu)?;
        Launch::new("sort")
            .when("WIDE", self.wide())
            .text("KEY", self.key())
            .read(&self.x)
            .write(&to)
            .words([self.count, self.n, self.n.next_power_of_two(), usize::from(descending)])
            .groups(self.count)?;
        Ok(to)
    }

    fn by_radix(&self, descending: bool) -> Result<Tensor> {
        let words = |n: usize| empty(&[n], DType::I32, Device::Gpu);
        let (all, blocks) = (self.count * self.n, self.n.div_ceil(BLOCK));
        let (mut keys, mut places) = (words(all)?, words(all)?);
        let (mut to, mut to_places) = (words(all)?, words(all)?);
        let counts = words(self.count * DIGITS * blocks)?;
        let stride = if self.wide() { 2 } else { 1 };
        for half in 0..stride {
            // Of int64 the low word first, as a number without a sign.
            let key = if half + 1 < stride { "key_u32" } else { self.key() };
            let sizes = |shift| [self.count, self.n, blocks, shift, half, stride, usize::from(descending)];
            let begin = Launch::new("radix").when("BEGIN", true).when("AGAIN", half > 0).text("KEY", key);
            let begin = begin.read(&self.x).write(&places).write(&keys);
            begin.words(sizes(0)).over(all)?;
            for shift in (0..32).step_by(4) {
                let sizes = sizes(shift);
                let call = Launch::new("radix").when("COUNT", true).read(&keys).write(&counts);
                call.words(sizes).groups(self.count * blocks)?;
                Launch::new("radix").when("OFFSETS", true).write(&counts).words(sizes).groups(self.count)?;
                let call = Launch::new("radix").read(&keys).read(&places).read(&counts).write(&to).write(&to_places);
                call.words(sizes).groups(self.count * blocks)?;
                std::mem::swap(&mut keys, &mut to);
                std::mem::swap(&mut places, &mut to_places);
            }
        }
        Ok(places)
    }

    fn ranked<'a>(&'a self, order: &'a Tensor, values: Option<&'a Tensor>, indices: Option<&'a Tensor>) -> Launch<'a> {
        Launch::new("ranked")
            .when("WIDE", self.wide())
            .when("FLOAT", self.dtype() == DType::F32)
            .when("VALUES", values.is_some())
            .when("INDICES", indices.is_some())
            .text("KEY", self.key())
            .read(&self.x)
            .read(order)
            .write_some(values)
            .write_some(indices)
            .words([self.count, self.n])
    }

    /// A call that goes through a vector's elements in an order.
    fn distinct<'a>(&'a self, order: Option<&'a Tensor>) -> Launch<'a> {
        Launch::new("unique")
            .when("WIDE", self.wide())
            .when("FLOAT", self.dtype() == DType::F32)
            .when("ORDERED", order.is_some())
            .read(&self.x)
            .read_some(order)
    }

    /// Runs of equal elements in an order, or of equal rows with so many elements: the value of each, or the number of
    /// its first row, which of them each element is, and how often each occurs.
    fn runs(&self, order: Option<&Tensor>, row: Option<usize>, counts: bool) -> Result<(Tensor, Tensor, Tensor)> {
        let (n, m) = (self.n, row.unwrap_or(1));
        let int64 = |n: usize| empty(&[n], DType::I64, Device::Gpu);
        let heads = empty(&[n], DType::I32, Device::Gpu)?;
        let call = || self.distinct(order).when("ROWS", row.is_some());
        call().write(&heads).words([n, 0, m]).over(n)?;
        let sums = int64(n)?;
        super::scan::scan(Scan::Sum, &heads, &sums, 0, false)?;
        let found = read(&sums, n - 1)? as usize;
        let values = empty(&[found], if row.is_some() { DType::I64 } else { self.dtype() }, Device::Gpu)?;
        let (starts, which) = (empty(&[found], DType::I32, Device::Gpu)?, int64(n)?);
        let spread = call().when("SPREAD", true).read(&sums).write(&values).write(&starts).write(&which);
        spread.words([n, 0, m]).over(n)?;
        let often = int64(if counts { found } else { 0 })?;
        if counts {
            let call = Launch::new("unique").when("COUNTS", true).read(&starts).write(&often);
            call.words([found, n, 1]).over(found)?;
        }
        Ok((values, which, often))
    }

    /// The first `k` of each line, in order.
    fn first(&self, order: &Tensor, dim: usize, k: usize, outs: [Option<&Tensor>; 2]) -> Result<()> {
        if let Some(values) = outs[0] {
            fill_last(values, dim, self.dtype(), |to| {
                self.ranked(order, Some(to), None).words([k, 0, 0]).over(self.count * k)
            })?;
        }
        if let Some(indices) = outs[1] {
            fill_last(indices, dim, DType::I64, |to| {
                self.ranked(order, None, Some(to)).words([k, 0, 0]).over(self.count * k)
            })?;
        }
        Ok(())
    }

    /// One element of each line, into dense outputs.
    fn one(&self, what: &'static str, kind: [usize; 2], values: &Tensor, indices: Option<&Tensor>) -> Result<()> {
        let order = self.order(false)?;
        fill(values, self.dtype(), |to| {
            let call = self.ranked(&order, Some(to), indices).when(what, true).word(1).words(kind);
            if what == "MODE" { call.groups(self.count) } else { call.over(self.count) }
        })
    }
}

/// Stable sort along `dim` into values and int64 indices (either may be left out).
pub fn sort(x: &Tensor, dim: usize, descending: bool, values: Option<&Tensor>, indices: Option<&Tensor>) -> Result<()> {
    let l = Lines::new(x, dim)?;
    l.first(&l.order(descending)?, dim, l.n, [values, indices])
}

/// The `k` largest or smallest elements along `dim`.
pub fn topk(x: &Tensor, dim: usize, k: usize, largest: bool, values: &Tensor, indices: &Tensor) {
    done((|| {
        let l = Lines::new(x, dim)?;
        l.first(&l.order(largest)?, dim, k.min(l.n), [Some(values), Some(indices)])
    })());
}

/// The element of a rank along `dim`, or of the flattened tensor.
pub fn select(x: &Tensor, dim: Option<usize>, rank: Rank, values: &Tensor, indices: Option<&Tensor>) {
    done((|| {
        let l = dim.map_or_else(|| Lines::flat(x), |d| Lines::new(x, d))?;
        // Of nothing the caller has written the result.
        if l.n == 0 {
            return Ok(());
        }
        let kind = match rank {
            Rank::Nth(k) => [0, k.min(l.n - 1)],
            Rank::Median => [1, 0],
            Rank::NanMedian => [2, 0],
        };
        l.one("SELECT", kind, values, indices)
    })());
}

/// The most frequent element along `dim`, the smallest of those, and where it occurs last.
pub fn mode(x: &Tensor, dim: usize, values: &Tensor, indices: &Tensor) {
    done((|| Lines::new(x, dim)?.one("MODE", [0, 0], values, Some(indices)))());
}

fn uploaded(x: &Tensor) -> Result<Tensor> {
    let y = empty(x.shape(), x.dtype(), Device::Gpu)?;
    copy(x, &y);
    Ok(y)
}

/// Where values would be inserted into sorted sequences.
pub fn searchsorted(sorted: &Tensor, values: &Tensor, out: &Tensor, right: bool, sorter: Option<&Tensor>) {
    done((|| {
        let dtype = word(sorted.dtype());
        // A number comes from the CPU.
        let values = if values.is_gpu() { values.clone() } else { uploaded(values)? };
        let (s, v) = (dense(sorted, dtype)?, dense(&values, dtype)?);
        let sorter = sorter.map(|s| dense(s, DType::I64)).transpose()?;
        let n = s.shape().last().copied().unwrap_or(1);
        let m = v.shape().last().copied().unwrap_or(1);
        fill(out, out.dtype(), |to| {
            Launch::new("search")
                .when("WIDE", dtype == DType::I64)
                .when("FLOAT", dtype == DType::F32)
                .when("INT64", out.dtype() == DType::I64)
                .when("SORTER", sorter.is_some())
                .read(&s)
                .read(&v)
                .read_some(sorter.as_ref())
                .write(to)
                .words([v.numel(), n, m, usize::from(s.ndim() > 1), usize::from(right)])
                .over(v.numel())
        })
    })());
}

/// `dtype` is that of the numbers that `x` holds in 32 bits.
fn histogram(x: &Tensor, dtype: DType, (low, high): (f64, f64), out: &Tensor) -> Result<()> {
    let counts = zeros(out.shape(), DType::I32, Device::Gpu)?;
    let call = Launch::new("histogram")
        .when("INTEGERS", !dtype.is_float())
        .when("F16", dtype == DType::F16)
        .when("BF16", dtype == DType::BF16)
        .read(x)
        .write(&counts);
    call.words([x.numel(), out.numel()]).float(low).float(high).over(x.numel())?;
    copy(&counts, out);
    Ok(())
}

/// How often each integer occurs, or the sum of its weights, into zeros.
pub fn bincount(x: &Tensor, weights: Option<&Tensor>, out: &Tensor) {
    done((|| match weights {
        None => histogram(&dense(x, DType::I32)?, DType::I32, (0.0, 0.0), out),
        Some(weights) => {
            super::index::index_add(out, 0, &dense(x, DType::I64)?, weights, Scatter::Add, true);
            Ok(())
        }
    })());
}

/// Counts in equal bins from `low` to `high`.
pub fn histc(x: &Tensor, low: f64, high: f64, out: &Tensor) {
    done((|| histogram(&dense(x, DType::F32)?, x.dtype(), (low, high), out))());
}

/// One element of a GPU's int64 vector; this waits.
fn read(x: &Tensor, i: usize) -> Result<i64> {
    let (shape, strides) = (Shape::from_slice(&[]), Strides::new());
    // SAFETY: an element of `x`.
    let one = unsafe { Tensor::from_parts(x.storage().clone(), x.offset() + i, shape, strides, x.dtype()) };
    let here = empty(&[], DType::I64, Device::Cpu)?;
    copy(&one, &here);
    // SAFETY: one int64 of the CPU.
    Ok(unsafe { here.ptr().cast::<i64>().read() })
}

/// Distinct elements, which of them each element is, and how often each occurs.
pub fn unique(x: &Tensor, consecutive: bool, inverse: bool, counts: bool) -> Result<(Tensor, Tensor, Tensor)> {
    let l = Lines::flat(x)?;
    if l.n == 0 {
        return Ok((empty(&[0], x.dtype(), Device::Gpu)?, none()?, none()?));
    }
    let order = if consecutive { None } else { Some(l.order(false)?) };
    let (made, which, often) = l.runs(order.as_ref(), None, counts)?;
    let values = if made.dtype() == x.dtype() { made.clone() } else { empty(made.shape(), x.dtype(), Device::Gpu)? };
    settle(&made, &values);
    Ok((values, if inverse { which } else { none()? }, often))
}

fn none() -> Result<Tensor> {
    empty(&[0], DType::I64, Device::Gpu)
}

/// Distinct rows of the 2-d `x`: the first of each, which of them each row is, and how often each occurs.
pub fn unique_rows(x: &Tensor, consecutive: bool) -> Result<(Tensor, Tensor, Tensor)> {
    let (n, m) = (x.size(0), x.size(1));
    let l = Lines { x: dense(x, word(x.dtype()))?, count: 1, n };
    let mut order = None;
    // By the last column first: what the others leave equal keeps its order.
    for c in (0..if consecutive { 0 } else { m }).rev() {
        let column = viewed(&l.x, l.x.offset() + c, &[n], &[m as isize]);
        let Some(before) = order else {
            order = Some(Lines::flat(&column)?.order(false)?);
            continue;
        };
        let (items, after) = (empty(&[n], l.dtype(), Device::Gpu)?, empty(&[n], DType::I32, Device::Gpu)?);
        at_places(&column, &before, &items)?;
        at_places(&before, &Lines::flat(&items)?.order(false)?, &after)?;
        order = Some(after);
    }
    l.runs(order.as_ref(), Some(m), true)
}
