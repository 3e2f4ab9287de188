//! Moving elements by index: gather, scatter, row lookups, advanced indexing, masks, shifts.
//!
//! Pure data movement is compiled once per element size. Contract of the `unsafe` code in this folder: dispatch has
//! checked that operands address allocated memory for their whole shapes, and that outputs do not overlap inputs or
//! themselves; index tensors are int64.
//!
//! Indices and masks are read again after they were checked or counted, and their memory is the user's: another thread
//! may write to it in between, or `x.data` and NumPy behind the version counter's back. No address depends on what is
//! found then. Each index passes through [`Extent::hold`] where it is loaded, and masks fill no more than the room
//! that they were counted to need.

mod embedding;
mod gather;
mod mask;
mod remap;
mod scatter;
mod shift;
#[cfg(test)]
mod tests;

pub use embedding::{Bag, Bags, bad_offset, embedding_backward};
pub(super) use gather::copy;
pub use gather::{gather, index, index_select, take};
pub use mask::{Mask, masked_scatter, masked_select, nonzero};
pub use remap::{Maps, remap, remap_adjoint};
pub use scatter::{Scatter, index_add, index_fill, index_put, put, scatter};
pub use shift::{flip, roll, triangle};

use super::dims::{Dim, Dims, Walk, coalesce, count};
use super::parallel;
use crate::multiversion;
use crate::tensor::Strided;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// A pointer that the tasks of one kernel share; they write disjoint elements.
#[derive(Clone, Copy)]
pub(super) struct Ptr<T>(pub *mut T);
// SAFETY: users write disjoint elements.
unsafe impl<T> Send for Ptr<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Ptr<T> {}
impl<T> Ptr<T> {
    #[inline(always)]
    pub fn get(&self) -> *mut T {
        self.0
    }
}

/// Runs a block with an unsigned type of an element's size.
macro_rules! sized {
    ($size:expr, $e:ident => $body:expr) => {
        match $size {
            1 => {
                type $e = u8;
                $body
            }
            2 => {
                type $e = u16;
                $body
            }
            4 => {
                type $e = u32;
                $body
            }
            8 => {
                type $e = u64;
                $body
            }
            _ => {
                type $e = [u64; 2];
                $body
            }
        }
    };
}
pub(super) use sized;

/// Elements that one task moves at least.
pub(super) const GRAIN: usize = 1 << 13;

/// The places that an index may name.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    last: u64,
}

impl Extent {
    /// Offsets that were held within bounds already, in memory of our own.
    pub const HELD: Extent = Extent { last: i64::MAX as u64 };

    /// Places 0 to `n - 1`, if there are any.
    pub fn new(n: usize) -> Option<Extent> {
        n.checked_sub(1).map(|last| Extent { last: last as u64 })
    }

    /// The index, or for one that lies outside the last place, and `strayed` is set.
    #[inline(always)]
    pub fn hold(self, index: i64, strayed: &mut bool) -> isize {
        *strayed |= index as u64 > self.last;
        (index as u64).min(self.last) as isize
    }

    /// [`Extent::hold`] with a branch, which costs less where a loop is no vector loop anyway.
    #[inline(always)]
    pub fn keep(self, index: i64, strayed: &mut bool) -> isize {
        if index as u64 > self.last {
            return self.edge(strayed);
        }
        index as isize
    }

    #[cold]
    #[inline(never)]
    fn edge(self, strayed: &mut bool) -> isize {
        *strayed = true;
        self.last as isize
    }
}

multiversion! {
    /// Adds `scale` times each index, or for a negative one its place from the end, to what `out` holds. Strides are in
    /// bytes. Did an index stray?
    pub(super) unsafe fn place(index: *const u8, out: *mut u8, n: usize, s: [isize; 2], extent: Extent, scale: i64) -> bool {
        let (size, mut bad) = (extent.last as i64 + 1, false);
        let at = |v: i64, bad: &mut bool| extent.hold(v + if v < 0 { size } else { 0 }, bad) as i64 * scale;
        if s == [8, 8] {
            let (index, out) = (index.cast::<i64>(), out.cast::<i64>());
            for i in 0..n {
                *out.add(i) += at(*index.add(i), &mut bad);
            }
        } else {
            for i in 0..n as isize {
                *out.offset(i * s[1]).cast::<i64>() += at(*index.offset(i * s[0]).cast::<i64>(), &mut bad);
            }
        }
        bad
    }
}

/// Did an index stray, in any of a kernel's tasks?
#[derive(Default)]
pub(super) struct Strayed(AtomicBool);

impl Strayed {
    #[inline(always)]
    pub fn note(&self, strayed: bool) {
        if strayed {
            self.0.store(true, Relaxed);
        }
    }

    pub fn none(self) -> bool {
        !self.0.into_inner()
    }
}

multiversion! {
    unsafe fn outside(x: *const i64, stride: isize, n: usize, low: i64, high: i64) -> bool {
        let mut bad = false;
        if stride == 8 {
            for i in 0..n {
                let v = *x.add(i);
                bad |= (v < low) | (v >= high);
            }
        } else {
            for i in 0..n {
                let v = *x.cast::<u8>().offset(i as isize * stride).cast::<i64>();
                bad |= (v < low) | (v >= high);
            }
        }
        bad
    }
}

/// The first index (in logical order) outside of `0..size`, or `-size..size` if `negative`.
pub fn check_bounds(index: &Strided, size: usize, negative: bool) -> Option<i64> {
    let high = size as i64;
    let low = if negative { -high } else { 0 };
    let mut dims: Dims<1> = (0..index.ndim()).map(|d| Dim { n: index.shape[d], s: [index.strides[d] * 8] }).collect();
    coalesce(&mut dims);
    let n = count(&dims);
    if n == 0 {
        return None;
    }
    const PIECE: usize = 1 << 15;
    let (inner, outer) = dims.split_last().map_or((Dim { n: 1, s: [8] }, &[][..]), |(i, o)| (*i, o));
    let pieces = inner.n.div_ceil(PIECE);
    // The lowest piece with a bad index: the same answer for any number of threads.
    let first = AtomicU64::new(u64::MAX);
    let tasks = count(outer) * pieces;
    parallel::chunks(tasks, PIECE.div_ceil(inner.n.min(PIECE)), &|range| {
        let mut w = Walk::new(outer, range.start / pieces);
        for t in range {
            let from = t % pieces * PIECE;
            let p = index.ptr.wrapping_offset(w.off[0] + from as isize * inner.s[0]);
            if t % pieces + 1 == pieces {
                w.next();
            }
            // SAFETY: the module's contract.
            if unsafe { outside(p.cast(), inner.s[0], PIECE.min(inner.n - from), low, high) } {
                first.fetch_min(t as u64, Relaxed);
                return;
            }
        }
    });
    let t = first.into_inner();
    if t == u64::MAX {
        return None;
    }
    let t = t as usize;
    let from = t % pieces * PIECE;
    let base = Walk::new(outer, t / pieces).off[0];
    (from..inner.n.min(from + PIECE)).find_map(|i| {
        // SAFETY: the module's contract.
        let v = unsafe { *index.ptr.offset(base + i as isize * inner.s[0]).cast::<i64>() };
        (v < low || v >= high).then_some(v)
    })
}

/// A result dim of advanced indexing: either one dim of `x` or one of the index tensors' common shape.
pub(super) enum Source {
    Own(usize),
    Index(usize),
}

/// The result dims of `x[indices]` in order. The index dims stand where the indexed dims stood if those are neighbours,
/// else in front, as in NumPy and torch.
pub(super) fn result_dims(ndim: usize, indices: &[Option<Strided>]) -> Vec<Source> {
    let used = |d: usize| indices.get(d).is_some_and(Option::is_some);
    let b = indices.iter().flatten().next().map_or(0, |i| i.ndim());
    let first = (0..ndim).find(|&d| used(d)).unwrap_or(0);
    let last = (0..ndim).rev().find(|&d| used(d)).unwrap_or(0);
    let at = if (first..=last).all(used) { first } else { 0 };
    let mut out: Vec<Source> = Vec::with_capacity(ndim + b);
    let own: Vec<usize> = (0..ndim).filter(|&d| !used(d)).collect();
    let before = own.iter().filter(|&&d| d < at).count();
    out.extend(own[..before].iter().map(|&d| Source::Own(d)));
    out.extend((0..b).map(Source::Index));
    out.extend(own[before..].iter().map(|&d| Source::Own(d)));
    out
}

/// The byte offsets within `x` that index tensors of one common shape select, dense in logical order.
/// Negative indices count from the end. None if an index lies outside.
pub(super) fn offsets(x: &Strided, indices: &[Option<Strided>]) -> Option<Vec<i64>> {
    let Some(any) = indices.iter().flatten().next() else {
        return Some(vec![0]);
    };
    let strayed = Strayed::default();
    let mut out = crate::error::filled(0i64, any.numel());
    let size = x.dtype.size() as i64;
    for (d, index) in indices.iter().enumerate() {
        let Some(index) = index else { continue };
        let extent = Extent::new(x.shape[d])?;
        let mut step = 8;
        let mut dims: Dims<2> = Dims::new();
        for d in (0..index.ndim()).rev() {
            dims.insert(0, Dim { n: index.shape[d], s: [index.strides[d] * 8, step] });
            step *= index.shape[d] as isize;
        }
        coalesce(&mut dims);
        let o = Ptr(out.as_mut_ptr().cast::<u8>());
        super::dims::lines(&dims, GRAIN, &|off, m, st| {
            // SAFETY: the module's contract; lines are disjoint.
            strayed.note(unsafe {
                let (index, o) = (index.ptr.offset(off[0]), o.get().offset(off[1]));
                place(index, o, m, st, extent, x.strides[d] as i64 * size)
            });
        });
    }
    strayed.none().then_some(out)
}

/// Row-major byte strides of a dense int64 tensor of this shape.
pub(super) fn dense_strides(shape: &[usize]) -> smallvec::SmallVec<[isize; 6]> {
    let mut s = smallvec::SmallVec::from_elem(8, shape.len());
    for d in (0..shape.len().saturating_sub(1)).rev() {
        s[d] = s[d + 1] * shape[d + 1] as isize;
    }
    s
}
