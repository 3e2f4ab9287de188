//! Gathers and scatters. Kernels take (outer, size, inner) elements and an index along the middle dim; everything else is
//! brought to that form here. Indices that stray leave a word behind, see `lib/bounds.wgsl`.

use super::dense::fill;
use super::layout::{permuted, room, settle, viewed, wide, window, words};
use super::{Check, Launch, done};
use crate::dispatch::index::{Bag, BagOutputs, Scatter};
use crate::dispatch::{copy, empty};
use crate::error::{Result, no_gpu_kernel, stop};
use crate::tensor::layout::{Shape, Strides, contiguous_strides};
use crate::tensor::{DType, Device, Scalar, Tensor};

/// Extents before a dim, of it, and after it; a 0-d tensor counts as one element.
fn around(shape: &[usize], dim: usize) -> (usize, usize, usize) {
    match shape {
        [] => (1, 1, 1),
        s => (s[..dim].iter().product(), s[dim], s[dim + 1..].iter().product()),
    }
}

/// How elements of a wide tensor are moved.
fn moved(dtype: DType) -> &'static str {
    if dtype.size() == 8 { "vec2<u32>" } else { "u32" }
}

/// Where a gather reads: int64 indices of a dim of this size, from its end if they are negative and may be, or keys.
enum Places<'a> {
    Index(&'a Tensor, bool),
    Keys(&'a Tensor),
}

/// `to[o, j, k] = x[o, index, k]`, `elements`: each with an index of its own.
fn read(x: &Tensor, at: Places, to: &Tensor, (n, size, inner): (usize, usize, usize), elements: bool) -> Result<()> {
    let (index, wraps, keys) = match at {
        Places::Index(i, wraps) => (wide(i)?, wraps, false),
        Places::Keys(keys) => (keys.clone(), false, true),
    };
    let launch = Launch::new("gather").text("TYPE", moved(x.dtype())).when("ELEMENTS", elements).when("KEYS", keys);
    let launch = if keys { launch } else { launch.checks(Check::Index) };
    let counts = [to.numel(), n, inner, size, usize::from(wraps)];
    launch.read(x).read(&index).write(to).words(counts).over(to.numel())
}

/// The slices of `x` along `dim` that the 1-d `i` names.
pub fn index_select(x: &Tensor, dim: usize, i: &Tensor, out: &Tensor) {
    done(select(x, dim, i, out));
}

fn select(x: &Tensor, dim: usize, i: &Tensor, out: &Tensor) -> Result<()> {
    let (_, size, inner) = around(x.shape(), dim);
    let bytes = inner * x.dtype().size();
    if let (0, Some(from), Some(to)) = (bytes % 4, words(x), words(out)) {
        return read(&from, Places::Index(i, false), &to, (i.numel(), size, bytes / 4), false);
    }
    let (from, to) = (wide(x)?, room(out)?);
    read(&from, Places::Index(i, false), &to, (i.numel(), size, inner), false)?;
    settle(&to, out);
    Ok(())
}

/// `out[i] = x[i with dim replaced by index[i]]`.
pub fn gather(x: &Tensor, dim: usize, i: &Tensor, out: &Tensor) {
    let run = || {
        // What the index does not reach is left out.
        let shape: Shape = (0..x.ndim()).map(|d| if d == dim { x.size(d) } else { i.size(d) }).collect();
        let (from, to) = (wide(&window(x, &shape))?, room(out)?);
        let (_, size, inner) = around(&shape, dim);
        let (_, n, _) = around(i.shape(), dim);
        read(&from, Places::Index(i, false), &to, (n, size, inner), true)?;
        settle(&to, out);
        Ok(())
    };
    done(run());
}

/// `out[i] = x.flatten()[index[i]]`.
pub fn take(x: &Tensor, i: &Tensor, out: &Tensor) {
    let run = || {
        let (from, to) = (wide(x)?, room(out)?);
        read(&from, Places::Index(i, true), &to, (i.numel(), x.numel(), 1), false)?;
        settle(&to, out);
        Ok(())
    };
    done(run());
}

/// The elements of `x` at places in its flattened order.
pub(super) fn at_places(x: &Tensor, places: &Tensor, out: &Tensor) -> Result<()> {
    let (from, to) = (wide(x)?, room(out)?);
    read(&from, Places::Keys(places), &to, (out.numel(), x.numel(), 1), false)?;
    settle(&to, out);
    Ok(())
}

/// The keys of an index: itself, in bounds.
fn keys(i: &Tensor, size: usize, wraps: bool) -> Result<Tensor> {
    let to = empty(&[i.numel()], DType::I32, i.device())?;
    add_keys(i, &to, (size, 1, wraps), false)?;
    Ok(to)
}

fn add_keys(i: &Tensor, to: &Tensor, (size, step, wraps): (usize, usize, bool), add: bool) -> Result<()> {
    let index = wide(i)?;
    let call = Launch::new("keys").when("ADD", add).checks(Check::Index).read(&index).write(to);
    call.words([i.numel(), size, step, usize::from(wraps), 1, 1]).over(i.numel())
}

/// An advanced index: the dims that it names are one, of `size` elements, between `outer` and `inner` ones.
struct Nest {
    /// The order of the tensor's dims in which the named ones stand together.
    dims: Shape,
    keys: Tensor,
    n: usize,
    size: usize,
    inner: usize,
}

impl Nest {
    fn new(x: &Tensor, indices: &[Option<Tensor>]) -> Result<Nest> {
        let named: Shape = (0..indices.len()).filter(|&d| indices[d].is_some()).collect();
        let (Some(&first), Some(&last)) = (named.first(), named.last()) else { stop(no_gpu_kernel()) };
        let together = last - first + 1 == named.len();
        let others = (0..x.ndim()).filter(|d| !named.contains(d));
        // As in the result, where the index stands in front if it is taken apart.
        let dims: Shape = match together {
            true => (0..x.ndim()).collect(),
            false => named.iter().copied().chain(others).collect(),
        };
        let at = if together { first } else { 0 };
        let inner: usize = dims[at + named.len()..].iter().map(|&d| x.size(d)).product();
        let size: usize = named.iter().map(|&d| x.size(d)).product();
        let n = indices[first].as_ref().map_or(0, Tensor::numel);
        let to = empty(&[n], DType::I32, x.device())?;
        let mut step = size;
        for (k, &d) in named.iter().enumerate() {
            let Some(i) = &indices[d] else { continue };
            step /= x.size(d).max(1);
            add_keys(i, &to, (x.size(d), step, true), k > 0)?;
        }
        Ok(Nest { dims, keys: to, n, size, inner })
    }
}

/// `out = x[indices]`.
pub fn index(x: &Tensor, indices: &[Option<Tensor>], out: &Tensor) {
    let run = || {
        let nest = Nest::new(x, indices)?;
        let (from, to) = (wide(&permuted(x, &nest.dims))?, room(out)?);
        read(&from, Places::Keys(&nest.keys), &to, (nest.n, nest.size, nest.inner), false)?;
        settle(&to, out);
        Ok(())
    };
    done(run());
}

/// `out[indices] = values` or `+=`.
pub fn index_put(out: &Tensor, indices: &[Option<Tensor>], values: &Tensor, accumulate: bool) {
    let run = || {
        let nest = Nest::new(out, indices)?;
        let op = if accumulate { Scatter::Add } else { Scatter::Set };
        change(&permuted(out, &nest.dims), out, |to| {
            write(to, &nest.keys, values, (nest.n, nest.size, nest.inner), (op, true, out.dtype()))
        })
    };
    done(run());
}

/// Runs `f` on a contiguous copy of `part`, a view of `out`, in whole words, and brings what it did back.
fn change(part: &Tensor, out: &Tensor, f: impl FnOnce(&Tensor) -> Result<()>) -> Result<()> {
    if out.dtype().size() >= 4 {
        let made = wide(part)?;
        f(&made)?;
        settle(&made, part);
        return Ok(());
    }
    // Parts of words cannot be written: the whole result goes there and back.
    let all = wide(out)?;
    let steps = |t: &Tensor| t.strides().iter().map(|s| s.unsigned_abs()).collect::<Shape>();
    let same = part.shape() == out.shape() && steps(part) == steps(out);
    if same {
        f(&all)?;
    } else {
        let view = as_in(&all, out, part);
        let made = wide(&view)?;
        f(&made)?;
        settle(&made, &view);
    }
    settle(&all, out);
    Ok(())
}

/// The view of `all`, a contiguous copy of `out`, that `part` is of `out`: its dims in another order, or less of them.
fn as_in(all: &Tensor, out: &Tensor, part: &Tensor) -> Tensor {
    let dense = contiguous_strides(out.shape());
    let mut free: Vec<usize> = (0..out.ndim()).collect();
    let strides: Strides = (0..part.ndim())
        .map(|d| {
            let same = |&k: &usize| out.strides()[k] == part.strides()[d] && out.size(k) >= part.size(d);
            let exact = free.iter().position(|k| same(k) && out.size(*k) == part.size(d));
            let at = exact.or_else(|| free.iter().position(same)).unwrap_or(0);
            dense[free.remove(at)]
        })
        .collect();
    viewed(all, all.offset(), part.shape(), &strides)
}

fn join(op: Scatter, dtype: DType) -> &'static str {
    match (op, dtype) {
        (Scatter::Set, _) => "b",
        (Scatter::Add | Scatter::Mean, DType::I64) => "add64(a, b)",
        (Scatter::Add | Scatter::Mean, _) => "a + b",
        (Scatter::Mul, DType::I64) => "mul64(a, b)",
        (Scatter::Mul, _) => "a * b",
        (Scatter::Min, DType::I64) => "min64(a, b)",
        (Scatter::Min, DType::F32) => "minimum(a, b)",
        (Scatter::Min, _) => "min(a, b)",
        (Scatter::Max, DType::I64) => "max64(a, b)",
        (Scatter::Max, DType::F32) => "maximum(a, b)",
        (Scatter::Max, _) => "max(a, b)",
    }
}

fn number(dtype: DType) -> &'static str {
    match dtype {
        DType::I64 => "vec2<u32>",
        DType::F32 => "f32",
        _ => "i32",
    }
}

/// What a call of the kernel does, in its own terms.
fn said(call: Launch, op: Scatter, dtype: DType) -> Launch {
    let moves = op == Scatter::Set;
    call.text("TYPE", if moves { moved(dtype) } else { number(dtype) })
        .text("JOIN", join(op, dtype))
        .when("WIDE", dtype == DType::I64)
        .when("OLD", !moves)
}

/// No key is this one.
const NONE: usize = u32::MAX as usize;

/// Whether an element of a tensor is every one.
fn is_constant(t: &Tensor) -> bool {
    t.numel() > 0 && t.shape().iter().zip(t.strides()).all(|(&n, &s)| n == 1 || s == 0)
}

/// Slices `src[o, j, k]` join the contiguous `to[o, keys[j], k]`, which holds elements of `dtype`.
fn write(
    to: &Tensor,
    keys: &Tensor,
    src: &Tensor,
    (n, size, inner): (usize, usize, usize),
    (op, include_self, dtype): (Scatter, bool, DType),
) -> Result<()> {
    let outer = to.numel() / (size * inner).max(1);
    let counts = [outer, n, inner, size, usize::from(!include_self), NONE];
    if op == Scatter::Set && is_constant(src) {
        // A number of the CPU goes along.
        let one = empty(&[1], src.dtype(), to.device())?;
        copy(&viewed(src, src.offset(), &[1], &[1]), &one);
        let value = wide(&one)?;
        let call = said(Launch::new("scatter"), op, to.dtype()).when("FILL", true).read(keys).read(&value).write(to);
        return call.words(counts).over(outer * n * inner);
    }
    let src = wide(src)?;
    let sorted = sort(keys, size)?;
    // Whole numbers are divided towards minus infinity, as far as their dtype holds their sum.
    let sum = match dtype {
        DType::U8 => "acc & 255",
        DType::I8 => "extractBits(acc, 0u, 8u)",
        DType::I16 => "extractBits(acc, 0u, 16u)",
        _ => "acc",
    };
    let mean = match to.dtype() {
        DType::F32 => "sum / f32(count)",
        DType::I64 => "div_floor64(sum, vec2<u32>(count, 0u))",
        _ => "(sum - ((sum % i32(count)) + i32(count)) % i32(count)) / i32(count)",
    };
    join_sorted(to, &sorted, &src, (op, op == Scatter::Mean, sum, mean), counts)
}

/// Positions of a list of keys that one invocation goes through.
const PIECE: usize = 1024;

/// Slices of `src` join those of `to` that keys name, which are in order; `counts` are the kernel's parameters.
fn join_sorted(
    to: &Tensor,
    (sorted, order): &(Tensor, Tensor),
    src: &Tensor,
    (op, mean, sum, quotient): (Scatter, bool, &'static str, &'static str),
    counts: [usize; 6],
) -> Result<()> {
    let [outer, n, inner, ..] = counts;
    fn begun<'a>(to: &Tensor, op: Scatter) -> Launch<'a> {
        said(Launch::new("scatter"), op, to.dtype()).when("SORTED", true).constant("PIECE", PIECE as u32)
    }
    let tails = if n > PIECE {
        let count = outer * ((n - 1) / PIECE) * inner;
        let tails = empty(&[count], to.dtype(), to.device())?;
        begun(to, op).when("TAILS", true).read(sorted).read(order).read(src).write(&tails).words(counts).over(count)?;
        Some(tails)
    } else {
        None
    };
    let call =
        begun(to, op).when("MEAN", mean).when("PIECES", tails.is_some()).text("SUM", sum).text("QUOTIENT", quotient);
    let call = call.read(sorted).read(order).read_some(tails.as_ref()).read(src).write(to);
    call.words(counts).over(outer * n * inner)
}

/// Writes the elements of the contiguous `src` to the places of the flattened `out`, which differ.
pub(super) fn put_at(out: &Tensor, places: &Tensor, src: &Tensor) -> Result<()> {
    change(out, out, |to| {
        let (n, src) = (places.numel(), wide(src)?);
        let call = said(Launch::new("scatter"), Scatter::Set, to.dtype()).read(places).read(&src).write(to);
        call.words([1, n, 1, to.numel(), 0, NONE]).over(n)
    })
}

/// Lists that one call of `rank` sorts sooner than the many of `radix`.
const SHORT: usize = 1 << 14;

/// Keys below `size` in order, and where each of them was; equal ones in the order in which they were.
fn sort(keys: &Tensor, size: usize) -> Result<(Tensor, Tensor)> {
    let n = keys.numel();
    let list = || empty(&[n], DType::I32, keys.device());
    if n <= SHORT {
        let (sorted, order) = (list()?, list()?);
        Launch::new("rank").read(keys).write(&sorted).write(&order).word(n).over(n)?;
        return Ok((sorted, order));
    }
    // Blocks of a workgroup's size.
    let blocks = n.div_ceil(256);
    let bits = usize::BITS - size.saturating_sub(1).leading_zeros();
    let counts = empty(&[16 * blocks], DType::I32, keys.device())?;
    let (mut from, mut order) = (keys.clone(), keys.clone());
    for shift in (0..bits.max(1) as usize).step_by(4) {
        let params = [n, blocks, shift, usize::from(shift == 0)];
        Launch::new("radix_places").when("COUNT", true).read(&from).write(&counts).words(params).over(n)?;
        sum_up(&counts, 16 * blocks)?;
        let (sorted, ordered) = (list()?, list()?);
        let call = Launch::new("radix_places").when("PLACE", true).read(&from).read(&order).read(&counts);
        call.write(&sorted).write(&ordered).words(params).over(n)?;
        (from, order) = (sorted, ordered);
    }
    Ok((from, order))
}

/// Makes of counts the sums of those before each, in place.
pub(super) fn sum_up(counts: &Tensor, n: usize) -> Result<()> {
    Launch::new("radix_places").when("SCAN", true).write(counts).words([n, 0, 0, 0]).groups(1)
}

/// A reduction that the dtype of `out` has here. Truth values are added as numbers; their mean is their sum.
fn checked(op: Scatter, out: &Tensor) -> Scatter {
    match (op, out.dtype()) {
        (Scatter::Mean, DType::Bool) => Scatter::Add,
        _ => op,
    }
}

/// Slices of `src` join the slices of `out` along `dim` that the 1-d `i` names.
pub fn index_add(out: &Tensor, dim: usize, i: &Tensor, src: &Tensor, op: Scatter, include_self: bool) {
    let (_, size, inner) = around(out.shape(), dim);
    let op = checked(op, out);
    let run = |to: &Tensor| {
        let keys = keys(i, size, false)?;
        write(to, &keys, src, (i.numel(), size, inner), (op, include_self, out.dtype()))
    };
    done(change(out, out, run));
}

/// Sets the slices of `out` along `dim` that the 1-d `i` names to a 0-d value.
pub fn index_fill(out: &Tensor, dim: usize, i: &Tensor, value: &Tensor) {
    let value = viewed(value, value.offset(), &[1], &[0]);
    index_add(out, dim, i, &value, Scatter::Set, true);
}

/// `out.flatten()[index[i]] = values[i]` or `+=`.
pub fn put(out: &Tensor, i: &Tensor, values: &Tensor, accumulate: bool) {
    let op = if accumulate { Scatter::Add } else { Scatter::Set };
    let run = |to: &Tensor| {
        let keys = keys(i, out.numel(), true)?;
        write(to, &keys, values, (i.numel(), out.numel(), 1), (op, true, out.dtype()))
    };
    done(change(out, out, run));
}

/// Adds `src` to a window of fresh zeros whose elements may coincide: to their places, which the host works out.
pub fn add_overlapping(src: &Tensor, window: &Tensor) {
    let run = || {
        let (shape, strides) = (window.shape(), window.strides());
        let place = |mut i: usize| {
            let mut at = 0;
            for (&n, &s) in shape.iter().zip(strides).rev() {
                at += (i % n) as i64 * s as i64;
                i /= n;
            }
            at
        };
        let places: Vec<i64> = (0..window.numel()).map(place).collect();
        let reach = places.iter().max().map_or(0, |&last| last as usize + 1);
        let here = empty(&[places.len()], DType::I64, Device::Cpu)?;
        crate::dispatch::write_ints(&here, &places);
        let there = empty(here.shape(), DType::I64, Device::Gpu)?;
        copy(&here, &there);
        let values = empty(src.shape(), src.dtype(), Device::Gpu)?;
        copy(src, &values);
        put(&viewed(window, window.offset(), &[reach], &[1]), &there, &viewed(&values, 0, here.shape(), &[1]), true);
        Ok(())
    };
    done(run());
}

/// So many lines are enough to have an invocation each, if they are no longer than this.
const MANY: usize = 256;
const LONG: usize = 4096;

/// `out[i with dim replaced by index[i]] op= src[i]`.
pub fn scatter(out: &Tensor, dim: usize, i: &Tensor, src: &Tensor, op: Scatter, include_self: bool) {
    let op = checked(op, out);
    // What the index does not reach is left out.
    let shape: Shape = (0..out.ndim()).map(|d| if d == dim { out.size(d) } else { i.size(d) }).collect();
    let (outer, n, inner) = around(i.shape(), dim);
    let size = around(&shape, dim).1;
    let run = |to: &Tensor| {
        let lines = outer * inner;
        let fill = op == Scatter::Set && is_constant(src);
        if include_self && !fill && op != Scatter::Mean && lines > 1 && n <= if lines >= MANY { LONG } else { MANY } {
            let call = said(Launch::new("scatter"), op, to.dtype()).when("LINES", true).checks(Check::Index);
            let (index, src) = (wide(i)?, wide(src)?);
            let call = call.read(&index).read(&src).write(to);
            return call.words([outer, n, inner, size, 0, NONE]).over(lines);
        }
        let keys = empty(&[i.numel()], DType::I32, i.device())?;
        let index = wide(i)?;
        let call = Launch::new("keys").when("ELEMENTS", true).checks(Check::Index).read(&index).write(&keys);
        call.words([i.numel(), size, 1, 0, n, inner]).over(i.numel())?;
        write(to, &keys, src, (i.numel(), to.numel(), 1), (op, include_self, out.dtype()))
    };
    done(change(&window(out, &shape), out, run));
}

/// Adds rows of `grad` (n, d) to the rows of the zeros `out` (v, d) that `i` (n) names, but for those of the padding;
/// `by_frequency` divides by how many there are.
pub fn embedding_backward(grad: &Tensor, i: &Tensor, out: &Tensor, padding: Option<i64>, by_frequency: bool) {
    let run = |to: &Tensor| {
        let (n, size, inner) = (i.numel(), out.size(0), out.size(1));
        let sorted = sort(&keys(i, size, false)?, size)?;
        let skip = padding.map_or(NONE, |p| p as usize);
        let how = (Scatter::Add, by_frequency, "acc", "sum / f32(count)");
        join_sorted(to, &sorted, &wide(grad)?, how, [1, n, inner, size, 1, skip])
    };
    done(change(out, out, run));
}

/// What the calls that read a table begin with.
fn bags_call<'a>(
    (table, i, offsets, factors): (&'a Tensor, &'a Tensor, &'a Tensor, Option<&'a Tensor>),
    kind: Bag,
    tails: bool,
) -> Launch<'a> {
    let call = Launch::new("embedding_bag")
        .when("MAX", kind == Bag::Max)
        .when("FACTORS", factors.is_some())
        .when("TAILS", tails)
        .constant("PIECE", PIECE as u32)
        .load("LOAD", table.dtype(), "f32", "table");
    let call = match factors {
        Some(f) => call.load("LOAD_FACTOR", f.dtype(), "f32", "factors"),
        None => call,
    };
    call.read(i).read(offsets).read(table).read_some(factors)
}

/// Rows of `table` put together bag by bag, see `dispatch::index::embedding_bag`.
pub fn embedding_bag(
    table: &Tensor,
    (i, offsets): (&Tensor, &Tensor),
    factors: Option<&Tensor>,
    padding: Option<i64>,
    kind: Bag,
    to: &BagOutputs,
) {
    let (n, bags, starts, d) = (i.numel(), to.sizes.numel(), offsets.numel(), table.size(1));
    let counts = [n, bags, starts, table.size(0), d, padding.map_or(NONE, |p| p as usize)];
    let run = || {
        super::super::fill(&to.sizes, Scalar::Int(0));
        let call = Launch::new("embedding_bag").when("OWNERS", true).checks(Check::Bags).read(i).read(offsets);
        call.write(&to.owner).write(&to.sizes).words(counts).over(n.max(starts))?;
        let operands = (table, i, offsets, factors);
        // What bags have in further pieces of the list than that in which they begin.
        let pieces = n.saturating_sub(1) / PIECE;
        let tails = |dtype| empty(&[pieces, d], dtype, table.device());
        let (mut values, mut rows) = (None, None);
        if pieces > 0 {
            values = Some(tails(DType::F32)?);
            rows = to.largest.as_ref().map(|_| tails(DType::I64)).transpose()?;
            let call = bags_call(operands, kind, true).write_some(values.as_ref()).write_some(rows.as_ref());
            call.words(counts).over(pieces * d)?;
        }
        fill(&to.out, DType::F32, |out| {
            let mean = kind == Bag::Mean;
            let call = bags_call(operands, kind, false).when("MEAN", mean).when("PIECES", pieces > 0);
            let call = call.read_some(mean.then_some(&to.sizes));
            let call = call.read_some(values.as_ref()).read_some(rows.as_ref());
            call.write(out).write_some(to.largest.as_ref()).words(counts).over(bags * d)
        })
    };
    done(run());
}

/// The upper or lower triangle of the last two dims, 0 elsewhere. `out` may be `x`.
pub fn triangle(x: &Tensor, diagonal: i64, upper: bool, out: &Tensor) {
    let run = || {
        let to = if x.storage().is(out.storage()) { wide(out)? } else { room(out)? };
        if !to.storage().is(x.storage()) {
            copy(x, &to);
        }
        let (rows, cols) = (x.size(x.ndim() - 2), x.size(x.ndim() - 1));
        let reach = i64::from(i32::MAX) / 2;
        let call = Launch::new("triangle").text("TYPE", moved(to.dtype())).when("UPPER", upper).write(&to);
        let call = call.words([to.numel(), rows, cols]).ints([diagonal.clamp(-reach, reach) as isize]);
        call.over(to.numel())?;
        settle(&to, out);
        Ok(())
    };
    done(run());
}

/// Reverses the order along `dims`.
pub fn flip(x: &Tensor, dims: &[usize], out: &Tensor) {
    let mut strides = Strides::from_slice(x.strides());
    let mut offset = x.offset() as isize;
    for &d in dims {
        offset += (x.size(d).max(1) as isize - 1) * strides[d];
        strides[d] = -strides[d];
    }
    copy(&viewed(x, offset as usize, x.shape(), &strides), out);
}

/// Moves elements by `shifts[i]` places along `dims[i]`, around the end.
pub fn roll(x: &Tensor, shifts: &[i64], dims: &[usize], out: &Tensor) {
    let run = || {
        let mut from = x.clone();
        for (k, (&d, &shift)) in dims.iter().zip(shifts).enumerate() {
            let n = x.size(d);
            let shift = shift.rem_euclid(n as i64) as usize;
            let to = if k + 1 == dims.len() { room(out)? } else { empty(x.shape(), from.dtype(), x.device())? };
            // Of small elements some share words with the other part.
            let to = if to.dtype().size() < 4 { room(&to)? } else { to };
            for (first, count, at) in [(0, n - shift, shift), (n - shift, shift, 0)] {
                if count > 0 {
                    copy(&part(&from, d, first, count), &part(&to, d, at, count));
                }
            }
            from = to;
        }
        settle(&from, out);
        Ok(())
    };
    done(run());
}

/// `count` elements of a tensor along a dim.
pub(super) fn part(t: &Tensor, dim: usize, first: usize, count: usize) -> Tensor {
    let mut shape = Shape::from_slice(t.shape());
    shape[dim] = count;
    viewed(t, (t.offset() as isize + first as isize * t.strides()[dim]) as usize, &shape, t.strides())
}
