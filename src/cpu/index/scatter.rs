//! Writing elements by index, in index order: of several writes to one place the last wins, sums are added one after
//! the other. Tasks own disjoint parts of the output, so the number of threads changes nothing. Functions say whether
//! all indices lay within bounds; what those outside have written is somewhere in the output.

use super::super::dims::{Dim, Dims, Walk, coalesce, count, lines, sort};
use super::super::load::Num;
use super::super::parallel;
use super::{Extent, GRAIN, Ptr, Source, Strayed, dense_strides, offsets, result_dims, sized};
use crate::tensor::Strided;
use crate::tensor::dtype::{Bool8, C64, C128};
use crate::{multiversion, with_dtype};
use half::{bf16, f16};

/// How a written element meets the one in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Scatter {
    Set,
    Add,
    Mul,
    Min,
    Max,
    Mean,
}

/// Element arithmetic; integers wrap, halves round after each step, bool adds by or and multiplies by and.
pub(super) trait Combine: Num {
    fn add(self, o: Self) -> Self;
    fn mul(self, o: Self) -> Self;
    fn min(self, o: Self) -> Self;
    fn max(self, o: Self) -> Self;
    const LOWEST: Self;
    const HIGHEST: Self;
    /// Divides by a count, integers towards minus infinity.
    fn over(self, n: u32) -> Self;
}
macro_rules! ints {
    ($($t:ty),+) => { $(impl Combine for $t {
        #[inline(always)] fn add(self, o: Self) -> Self { self.wrapping_add(o) }
        #[inline(always)] fn mul(self, o: Self) -> Self { self.wrapping_mul(o) }
        #[inline(always)] fn min(self, o: Self) -> Self { Ord::min(self, o) }
        #[inline(always)] fn max(self, o: Self) -> Self { Ord::max(self, o) }
        const LOWEST: Self = <$t>::MIN;
        const HIGHEST: Self = <$t>::MAX;
        #[inline(always)] fn over(self, n: u32) -> Self { (self as i128).div_euclid(n as i128) as $t }
    })+ };
}
ints!(u8, i8, i16, i32, i64, u16, u32, u64);
macro_rules! floats {
    ($($t:ty, $r:ty, |$x:ident| $up:expr, |$y:ident| $down:expr);+) => { $(impl Combine for $t {
        #[inline(always)] fn add(self, o: Self) -> Self { let up = |$x: $t| $up; let $y = up(self) + up(o); $down }
        #[inline(always)] fn mul(self, o: Self) -> Self { let up = |$x: $t| $up; let $y = up(self) * up(o); $down }
        #[inline(always)] fn min(self, o: Self) -> Self {
            let up = |$x: $t| $up;
            if (up(o) < up(self)) | up(o).is_nan() { o } else { self }
        }
        #[inline(always)] fn max(self, o: Self) -> Self {
            let up = |$x: $t| $up;
            if (up(o) > up(self)) | up(o).is_nan() { o } else { self }
        }
        const LOWEST: Self = <$t>::NEG_INFINITY;
        const HIGHEST: Self = <$t>::INFINITY;
        #[inline(always)] fn over(self, n: u32) -> Self { let $x = self; let $y = $up / n as $r; $down }
    })+ };
}
floats!(f32, f32, |x| x, |y| y; f64, f64, |x| x, |y| y;
    f16, f32, |x| x.to_f32(), |y| Num::from_f32(y); bf16, f32, |x| x.to_f32(), |y| Num::from_f32(y));
macro_rules! complexes {
    ($($t:ty, $r:ty);+) => { $(impl Combine for $t {
        #[inline(always)] fn add(self, o: Self) -> Self { self + o }
        #[inline(always)] fn mul(self, o: Self) -> Self { self * o }
        // Complex numbers have no order; dispatch refuses these.
        #[inline(always)] fn min(self, _: Self) -> Self { self }
        #[inline(always)] fn max(self, _: Self) -> Self { self }
        const LOWEST: Self = <$t>::new(0.0, 0.0);
        const HIGHEST: Self = <$t>::new(0.0, 0.0);
        #[inline(always)] fn over(self, n: u32) -> Self { self / n as $r }
    })+ };
}
complexes!(C64, f32; C128, f64);
impl Combine for Bool8 {
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        (self.get() | o.get()).into()
    }
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        (self.get() & o.get()).into()
    }
    #[inline(always)]
    fn min(self, o: Self) -> Self {
        self.mul(o)
    }
    #[inline(always)]
    fn max(self, o: Self) -> Self {
        self.add(o)
    }
    const LOWEST: Self = Bool8(0);
    const HIGHEST: Self = Bool8(1);
    #[inline(always)]
    fn over(self, _: u32) -> Self {
        self
    }
}

/// A scatter: operands output, index, source; `step` bytes of the output per unit of the index. Dims along which the
/// output moves by itself are `free`, along the others only the index says where to write.
struct Nest {
    out: *mut u8,
    index: *const u8,
    src: *const u8,
    step: isize,
    extent: Extent,
    free: Dims<3>,
    seq: Dims<3>,
}
// SAFETY: see `Strided`.
unsafe impl Sync for Nest {}

/// `out[i with dim replaced by index[i]] op= src[i]` for all `i` within the shape of `index`; `src` reaches at least as
/// far (a scalar comes with strides of 0) and has the dtype of `out`. Without `include_self` the places written to start
/// from the identity of `op`.
pub fn scatter(out: &Strided, dim: usize, index: &Strided, src: &Strided, op: Scatter, include_self: bool) -> bool {
    let Some(extent) = out.shape.get(dim).copied().and_then(Extent::new) else { return false };
    let size = out.dtype.size() as isize;
    let (mut free, mut seq) = (Dims::new(), Dims::new());
    for d in 0..index.ndim() {
        let (n, i, s) = (index.shape[d], index.strides[d] * 8, src.strides[d] * size);
        if d == dim {
            seq.push(Dim { n, s: [0, i, s] });
        } else {
            free.push(Dim { n, s: [out.strides[d] * size, i, s] });
        }
    }
    let step = out.strides[dim] * size;
    dispatch(Nest { out: out.ptr, index: index.ptr, src: src.ptr, step, extent, free, seq }, out, op, include_self)
}

fn slices(out: &Strided, dim: usize, index: &Strided, src: &Strided) -> Option<Nest> {
    let extent = Extent::new(*out.shape.get(dim)?)?;
    let size = out.dtype.size() as isize;
    let (mut free, mut seq) = (Dims::new(), Dims::new());
    for d in 0..out.ndim() {
        let s = src.strides[d] * size;
        if d == dim {
            seq.push(Dim { n: index.numel(), s: [0, index.strides.first().map_or(0, |s| s * 8), s] });
        } else {
            free.push(Dim { n: out.shape[d], s: [out.strides[d] * size, 0, s] });
        }
    }
    Some(Nest { out: out.ptr, index: index.ptr, src: src.ptr, step: out.strides[dim] * size, extent, free, seq })
}

/// Slices `src[.., j, ..]` join `out[.., index[j], ..]` by `op`; `index` is 1-d, `src` has the dtype of `out`.
/// With [`Scatter::Set`] this is index_copy.
pub fn index_add(out: &Strided, dim: usize, index: &Strided, src: &Strided, op: Scatter, include_self: bool) -> bool {
    slices(out, dim, index, src).is_some_and(|nest| dispatch(nest, out, op, include_self))
}

/// Sets slices `out[.., index[j], ..]` to the single element of `value`.
pub fn index_fill(out: &Strided, dim: usize, index: &Strided, value: &Strided) -> bool {
    let zeros: smallvec::SmallVec<[isize; 6]> = smallvec::SmallVec::from_elem(0, out.ndim());
    let src = Strided { ptr: value.ptr, dtype: value.dtype, shape: out.shape, strides: &zeros };
    slices(out, dim, index, &src).is_some_and(|nest| dispatch(nest, out, Scatter::Set, true))
}

/// `out[indices] = values`, or `+=` with `accumulate`. `values` has the shape of `out[indices]` (strides of 0 where it is
/// broadcast) and the dtype of `out`; index tensors have one common shape and may be negative.
pub fn index_put(out: &Strided, indices: &[Option<Strided>], values: &Strided, accumulate: bool) -> bool {
    let Some(off) = offsets(out, indices) else { return false };
    let shape = indices.iter().flatten().next().map_or(&[][..], |i| i.shape);
    let dense = dense_strides(shape);
    let size = out.dtype.size() as isize;
    let (mut free, mut seq) = (Dims::new(), Dims::new());
    for (r, source) in result_dims(out.ndim(), indices).iter().enumerate() {
        let v = values.strides[r] * size;
        match *source {
            Source::Own(d) => free.push(Dim { n: out.shape[d], s: [out.strides[d] * size, 0, v] }),
            Source::Index(d) => seq.push(Dim { n: shape[d], s: [0, dense[d], v] }),
        }
    }
    let (index, extent) = (off.as_ptr().cast(), Extent::HELD);
    let nest = Nest { out: out.ptr, index, src: values.ptr, step: 1, extent, free, seq };
    dispatch(nest, out, if accumulate { Scatter::Add } else { Scatter::Set }, true)
}

/// `out.flatten()[index[i]] = values[i]`, or `+=` with `accumulate`; `values` has the shape of `index`.
pub fn put(out: &Strided, index: &Strided, values: &Strided, accumulate: bool) -> bool {
    let Some(off) = flat_offsets(out, index) else { return false };
    let dense = dense_strides(index.shape);
    let size = out.dtype.size() as isize;
    let seq =
        (0..index.ndim()).map(|d| Dim { n: index.shape[d], s: [0, dense[d], values.strides[d] * size] }).collect();
    let (index, extent) = (off.as_ptr().cast(), Extent::HELD);
    let nest = Nest { out: out.ptr, index, src: values.ptr, step: 1, extent, free: Dims::new(), seq };
    dispatch(nest, out, if accumulate { Scatter::Add } else { Scatter::Set }, true)
}

/// Byte offsets of the elements of `x` that `index` names in the flattened order, dense. None if it names another.
pub(super) fn flat_offsets(x: &Strided, index: &Strided) -> Option<Vec<i64>> {
    let n = x.numel() as i64;
    let (extent, strayed) = (Extent::new(x.numel())?, Strayed::default());
    let size = x.dtype.size() as isize;
    let mut own: Dims<1> = (0..x.ndim()).map(|d| Dim { n: x.shape[d], s: [x.strides[d] * size] }).collect();
    coalesce(&mut own);
    let mut out = crate::error::filled(0i64, index.numel());
    let dense = dense_strides(index.shape);
    let mut dims: Dims<2> =
        (0..index.ndim()).map(|d| Dim { n: index.shape[d], s: [index.strides[d] * 8, dense[d]] }).collect();
    coalesce(&mut dims);
    let o = Ptr(out.as_mut_ptr().cast::<u8>());
    lines(&dims, GRAIN, &|off, m, s| {
        if let [d] = own[..] {
            // SAFETY: the module's contract; lines are disjoint.
            return strayed.note(unsafe {
                let (index, o) = (index.ptr.offset(off[0]), o.get().offset(off[1]));
                super::place(index, o, m, s, extent, d.s[0] as i64)
            });
        }
        let mut bad = false;
        for i in 0..m as isize {
            // SAFETY: as above.
            unsafe {
                let v = *index.ptr.offset(off[0] + i * s[0]).cast::<i64>();
                let v = extent.hold(if v < 0 { v + n } else { v }, &mut bad);
                let at = Walk::new(&own, v as usize).off[0];
                *o.get().offset(off[1] + i * s[1]).cast::<i64>() = at as i64;
            }
        }
        strayed.note(bad);
    });
    strayed.none().then_some(out)
}

fn dispatch(mut nest: Nest, out: &Strided, op: Scatter, include_self: bool) -> bool {
    sort(&mut nest.free, 0);
    coalesce(&mut nest.free);
    coalesce(&mut nest.seq);
    if count(&nest.free) == 0 || count(&nest.seq) == 0 {
        return true;
    }
    let mut inside = true;
    if op == Scatter::Set {
        return sized!(out.dtype.size(), E => run::<E, Put>(&nest));
    }
    with_dtype!(out.dtype, T => {
        if !include_self {
            let start: T = match op {
                Scatter::Mul => T::from_i64(1),
                Scatter::Min => T::HIGHEST,
                Scatter::Max => T::LOWEST,
                _ => T::from_i64(0),
            };
            inside = run::<T, Put>(&constant(&nest, &start));
        }
        inside &= match op {
            Scatter::Set => true,
            Scatter::Add | Scatter::Mean => run::<T, Add>(&nest),
            Scatter::Mul => run::<T, Mul>(&nest),
            Scatter::Min => run::<T, Min>(&nest),
            Scatter::Max => run::<T, Max>(&nest),
        };
        if op == Scatter::Mean {
            inside &= divide::<T>(&nest, out, include_self);
        }
    });
    inside
}

/// The same places, all written from one element.
fn constant<T>(nest: &Nest, value: &T) -> Nest {
    let still = |d: &Dim<3>| Dim { n: d.n, s: [d.s[0], d.s[1], 0] };
    Nest {
        out: nest.out,
        index: nest.index,
        src: (&raw const *value).cast(),
        step: nest.step,
        extent: nest.extent,
        free: nest.free.iter().map(still).collect(),
        seq: nest.seq.iter().map(still).collect(),
    }
}

/// Divides sums by the number of elements that went into them, counted by a scatter of ones of the same shape.
fn divide<T: Combine>(nest: &Nest, out: &Strided, include_self: bool) -> bool {
    // Counts lie as the output does, so that the same byte offsets (scaled) find them.
    let size = size_of::<T>() as isize;
    let span: isize = out.shape.iter().zip(out.strides).map(|(&n, &s)| (n as isize - 1) * s.abs()).sum();
    let low: isize = out.shape.iter().zip(out.strides).map(|(&n, &s)| (n as isize - 1) * s.min(0)).sum();
    let mut counts = crate::error::filled(include_self as u32, span as usize + 1);
    let one = 1u32;
    let mut ones = constant(nest, &one);
    // SAFETY: `low` is the least offset of the output's elements.
    ones.out = unsafe { counts.as_mut_ptr().offset(-low) }.cast();
    let scale = |s: isize| s / size * 4;
    ones.step = scale(nest.step);
    for d in &mut ones.free {
        d.s[0] = scale(d.s[0]);
    }
    let inside = run::<u32, Add>(&ones);
    let mut dims: Dims<2> =
        (0..out.ndim()).map(|d| Dim { n: out.shape[d], s: [out.strides[d] * size, out.strides[d] * 4] }).collect();
    coalesce(&mut dims);
    let (p, c) = (Ptr(out.ptr), Ptr(ones.out));
    lines(&dims, GRAIN, &|off, m, s| {
        for i in 0..m as isize {
            // SAFETY: the module's contract.
            unsafe {
                let n = *c.get().offset(off[1] + i * s[1]).cast::<u32>();
                let v = p.get().offset(off[0] + i * s[0]).cast::<T>();
                if n > 1 {
                    *v = (*v).over(n);
                }
            }
        }
    });
    inside
}

/// What happens at a place.
trait Op<T>: 'static {
    fn join(old: T, new: T) -> T;
}
struct Put;
struct Add;
struct Mul;
struct Min;
struct Max;
impl<T> Op<T> for Put {
    #[inline(always)]
    fn join(_: T, new: T) -> T {
        new
    }
}
macro_rules! ops {
    ($($op:ident $f:ident),+) => { $(impl<T: Combine> Op<T> for $op {
        #[inline(always)]
        fn join(old: T, new: T) -> T { Combine::$f(old, new) }
    })+ };
}
ops!(Add add, Mul mul, Min min, Max max);

multiversion! {
    /// A dense run of one slice.
    unsafe fn dense_run[T: Copy, O: Op<T>](out: *mut T, src: *const T, n: usize) {
        for i in 0..n {
            *out.add(i) = O::join(*out.add(i), *src.add(i));
        }
    }
}

fn run<T: Copy, O: Op<T>>(nest: &Nest) -> bool {
    let size = size_of::<T>() as isize;
    let seqs = count(&nest.seq);
    let last = nest.free.last().copied();
    let strayed = Strayed::default();
    let (inner, outer) = nest.seq.split_last().map_or((Dim { n: 1, s: [0; 3] }, &[][..]), |(i, o)| (*i, o));
    // Slices that are columns of a row-major output: all indices of a row at a time, or each would touch every row. Where
    // the index holds offsets, its step says nothing.
    let step = nest.step.abs().max(size);
    let columns = last.is_some_and(|f| f.s[1] == 0 && f.s[0].abs() > step);
    if !columns && nest.free.iter().all(|d| d.s[1] == 0) && count(&nest.free) >= 16 {
        return slices_by_owner::<T, O>(nest);
    }
    // Slices with a dense run: each task takes a stripe of the run through all indices.
    if let Some(f) = last
        && !columns
        && (f.s[1] == 0 || f.s[0].unsigned_abs() < nest.step.unsigned_abs())
        && f.n >= 4
    {
        let outers = &nest.free[..nest.free.len() - 1];
        let whole = count(&nest.free) * seqs;
        // Stripes of at least four cache lines, and not more of them than the work is worth.
        let stripes = (f.n / (256 / size as usize).max(1)).clamp(1, 8).min(whole.div_ceil(GRAIN)).max(1);
        let width = f.n.div_ceil(stripes).next_multiple_of(64 / size.min(64) as usize);
        let stripes = f.n.div_ceil(width);
        let tasks = count(outers) * stripes;
        parallel::chunks(tasks, GRAIN.div_ceil(width.min(f.n) * seqs), &|range| {
            let mut bad = false;
            for t in range {
                let from = t % stripes * width;
                let m = width.min(f.n - from) as isize;
                let base = Walk::new(outers, t / stripes).off;
                let at = |k: usize| base[k] + from as isize * f.s[k];
                let mut w = Walk::new(&nest.seq, 0);
                for _ in 0..seqs {
                    // SAFETY: the module's contract.
                    unsafe {
                        let index = nest.index.offset(at(1) + w.off[1]);
                        let out = nest.out.offset(at(0));
                        let src = nest.src.offset(at(2) + w.off[2]);
                        if f.s[1] == 0 {
                            let out = out.offset(nest.extent.keep(*index.cast::<i64>(), &mut bad) * nest.step);
                            if f.s[0] == size && f.s[2] == size {
                                dense_run::<T, O>(out.cast(), src.cast(), m as usize);
                            } else {
                                for i in 0..m {
                                    let o = out.offset(i * f.s[0]).cast::<T>();
                                    *o = O::join(*o, *src.offset(i * f.s[2]).cast::<T>());
                                }
                            }
                        } else {
                            for i in 0..m {
                                let to = nest.extent.keep(*index.offset(i * f.s[1]).cast::<i64>(), &mut bad);
                                let o = out.offset(to * nest.step + i * f.s[0]).cast::<T>();
                                *o = O::join(*o, *src.offset(i * f.s[2]).cast::<T>());
                            }
                        }
                    }
                    w.next();
                }
            }
            strayed.note(bad);
        });
        return strayed.none();
    }
    parallel::chunks(count(&nest.free), GRAIN.div_ceil(seqs), &|range| {
        let mut bad = false;
        let mut b = Walk::new(&nest.free, range.start);
        for _ in range {
            let mut w = Walk::new(outer, 0);
            for _ in 0..count(outer) {
                // SAFETY: the module's contract.
                unsafe {
                    let out = nest.out.offset(b.off[0]);
                    let index = nest.index.offset(b.off[1] + w.off[1]);
                    let src = nest.src.offset(b.off[2] + w.off[2]);
                    if nest.step == size && inner.s[1..] == [8, size] {
                        let (out, index, src) = (out.cast::<T>(), index.cast::<i64>(), src.cast::<T>());
                        for i in 0..inner.n {
                            let o = out.offset(nest.extent.keep(*index.add(i), &mut bad));
                            *o = O::join(*o, *src.add(i));
                        }
                        w.next();
                        continue;
                    }
                    for i in 0..inner.n as isize {
                        let to = nest.extent.keep(*index.offset(i * inner.s[1]).cast::<i64>(), &mut bad);
                        let o = out.offset(to * nest.step).cast::<T>();
                        *o = O::join(*o, *src.offset(i * inner.s[2]).cast::<T>());
                    }
                }
                w.next();
            }
            b.next();
        }
        strayed.note(bad);
    });
    strayed.none()
}

/// Whole slices: every task goes through all indices and writes the slices that it owns.
fn slices_by_owner<T: Copy, O: Op<T>>(nest: &Nest) -> bool {
    let size = size_of::<T>() as isize;
    let (slice, seqs) = (count(&nest.free), count(&nest.seq));
    // Looking at an index costs about as much as moving eight elements.
    let owners = (slice * seqs).div_ceil(GRAIN).min(slice / 8).clamp(1, 8);
    let (inner, outer) = nest.free.split_last().map_or((Dim { n: 1, s: [0; 3] }, &[][..]), |(i, o)| (*i, o));
    let lines = count(outer);
    let dense = inner.s[0] == size && inner.s[2] == size;
    let strayed = Strayed::default();
    parallel::run(owners, &|owner| {
        let mut bad = false;
        let mut w = Walk::new(&nest.seq, 0);
        for _ in 0..seqs {
            // SAFETY: the module's contract; a slice has one owner.
            unsafe {
                let index = nest.extent.keep(*nest.index.offset(w.off[1]).cast::<i64>(), &mut bad);
                let hash = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                if hash as usize % owners == owner {
                    let out = nest.out.offset(index * nest.step);
                    let src = nest.src.offset(w.off[2]);
                    let mut l = Walk::new(outer, 0);
                    for _ in 0..lines {
                        let (out, src) = (out.offset(l.off[0]), src.offset(l.off[2]));
                        if dense {
                            dense_run::<T, O>(out.cast(), src.cast(), inner.n);
                        } else {
                            for i in 0..inner.n as isize {
                                let o = out.offset(i * inner.s[0]).cast::<T>();
                                *o = O::join(*o, *src.offset(i * inner.s[2]).cast::<T>());
                            }
                        }
                        if lines > 1 {
                            l.next();
                        }
                    }
                }
            }
            w.next();
        }
        strayed.note(bad);
    });
    strayed.none()
}
