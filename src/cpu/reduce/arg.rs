//! Where the smallest and largest elements are.
//!
//! Rows are searched block by block: the vectorised minimum of each block, then one search for the first match in
//! the block that won. The first of equal elements wins, and NaN beats everything.

use super::super::dims::{Dim, Dims, Walk, coalesce, count, sort};
use super::super::load::Load;
use super::super::parallel;
use super::fold::{Fold, Shared, Simple};
use super::kinds::{Best, Order, better, ordered};
use crate::multiversion;
use crate::tensor::{DType, Strided};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Which end of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Extreme {
    Min,
    Max,
}

/// Elements that one task reads at least.
const GRAIN: usize = 1 << 14;
/// Elements of one block.
const BLOCK: usize = 2048;
/// Columns of one tile.
const TILE: usize = 512;

/// Indices (int64) of the first extreme element along `dim`, or of the flattened tensor, and their values.
///
/// The outputs have the dims of `x` with extent 1 at `dim`; without `dim`, one element. `x` is not empty along `dim`.
pub fn arg_reduce(kind: Extreme, x: &Strided, dim: Option<usize>, indices: &Strided, values: Option<&Strided>) {
    ordered!(x.dtype, T, load, native => match kind {
        Extreme::Min => search::<T, false>(x, dim, indices, values, load, native),
        Extreme::Max => search::<T, true>(x, dim, indices, values, load, native),
    })
}

#[derive(Clone, Copy)]
struct Found<T> {
    value: T,
    at: i64,
}

/// The earlier of two results unless the later one is strictly better.
#[inline(always)]
fn earlier<T: Order, const MAX: bool>(a: Found<T>, b: Found<T>) -> Found<T> {
    if beats::<T, MAX>(b.value, a.value) { b } else { a }
}

#[inline(always)]
fn beats<T: Order, const MAX: bool>(new: T, old: T) -> bool {
    (if MAX { new > old } else { new < old }) | (new.is_nan() & !old.is_nan())
}

struct Source {
    load: Load,
    native: bool,
}

fn search<T: Order, const MAX: bool>(
    x: &Strided,
    dim: Option<usize>,
    indices: &Strided,
    values: Option<&Strided>,
    load: Load,
    native: bool,
) {
    let source = Source { load, native };
    let size = x.dtype.size() as isize;
    // Operand 0 is x, 1 the indices, 2 the values.
    let (mut kept, mut lines) = (Dims::<3>::new(), Dims::<3>::new());
    for d in 0..x.ndim() {
        let (n, s) = (x.shape[d], x.strides[d] * size);
        if dim.is_none_or(|dim| d == dim) {
            lines.push(Dim { n, s: [s, 0, 0] });
        } else {
            let v = values.map_or(0, |v| v.strides[d] * v.dtype.size() as isize);
            kept.push(Dim { n, s: [s, indices.strides[d] * 8, v] });
        }
    }
    coalesce(&mut lines);
    sort(&mut kept, 0);
    coalesce(&mut kept);
    let results = count(&kept);
    if results == 0 || count(&lines) == 0 {
        return;
    }
    let one = Dim { n: 1, s: [size, 0, 0] };
    let (inner, outer) = lines.split_last().map_or((one, &[][..]), |(i, o)| (*i, o));
    let write = |f: Found<T>, off: &[isize; 3]| {
        // SAFETY: offsets of the plan lie within the outputs.
        unsafe {
            *indices.ptr.offset(off[1]).cast::<i64>() = f.at;
            if let Some(v) = values {
                T::put_all(&f.value, 1, v.ptr.offset(off[2]), 0, v.dtype);
            }
        }
    };
    let by_column = kept
        .last()
        .is_some_and(|k| results >= 8 && (k.s[0].unsigned_abs() < inner.s[0].unsigned_abs() || inner.n < 16));
    if by_column && outer.is_empty() && inner.n <= u32::MAX as usize {
        return columns::<T, MAX>(x.ptr, &source, &kept, inner, &write);
    }
    let (n, m) = (inner.n, count(outer));
    let segment = super::fold::segment(n * m);
    let (cuts, per) = match results < 16 && n * m > 2 * segment {
        true if n > segment => (n.div_ceil(segment), 1),
        true => (1, (segment / n).max(1)),
        false => (1, m),
    };
    let pieces = m.div_ceil(per) * cuts;
    let piece = |base: *const u8, s: usize| {
        let first = s / cuts * per;
        let cols = if cuts == 1 { 0..n } else { s % cuts * segment..n.min((s % cuts + 1) * segment) };
        // SAFETY: dispatch has checked that the operands address memory for their whole shapes.
        unsafe { lines_best::<T, MAX>(base, &source, outer, inner, first..m.min(first + per), cols) }
    };
    if pieces == 1 {
        return parallel::chunks(results, GRAIN.div_ceil(n * m), &|range| {
            let mut w = Walk::new(&kept, range.start);
            for _ in range {
                write(piece(x.ptr.wrapping_offset(w.off[0]), 0), &w.off);
                w.next();
            }
        });
    }
    let mut partial =
        crate::error::filled(Found { value: Best::<T, MAX>(PhantomData).worst(), at: 0 }, results * pieces);
    let p = Shared(partial.as_mut_ptr());
    parallel::chunks(results * pieces, 1, &|range| {
        for i in range {
            let w = Walk::new(&kept, i / pieces);
            // SAFETY: each task writes its own partial result.
            unsafe { *p.get().add(i) = piece(x.ptr.wrapping_offset(w.off[0]), i % pieces) };
        }
    });
    let mut w = Walk::new(&kept, 0);
    for p in partial.chunks_exact(pieces) {
        write(p[1..].iter().fold(p[0], |a, &b| earlier::<T, MAX>(a, b)), &w.off);
        w.next();
    }
}

impl<T: Order, const MAX: bool> Best<T, MAX> {
    fn worst(self) -> T {
        super::fold::Lane::init(self)
    }
}

multiversion! {
    /// The first position in a dense block that holds `v`, or a NaN if `v` is one.
    unsafe fn find[T: Order](x: *const T, n: usize, v: T) -> usize {
        let hit = |y: T| (y == v) | (v.is_nan() & y.is_nan());
        let mut i = 0;
        while i + 32 <= n {
            let mut any = false;
            for j in 0..32 {
                any |= hit(*x.add(i + j));
            }
            if any {
                break;
            }
            i += 32;
        }
        while i < n && !hit(*x.add(i)) {
            i += 1;
        }
        i
    }
}

/// The best element of columns `cols` of the lines `lines`; its index counts along the flattened lines.
unsafe fn lines_best<T: Order, const MAX: bool>(
    base: *const u8,
    source: &Source,
    outer: &[Dim<3>],
    inner: Dim<3>,
    lines: Range<usize>,
    cols: Range<usize>,
) -> Found<T> {
    let fold = Simple { lane: Best::<T, MAX>(PhantomData), out: DType::Bool };
    let stride = inner.s[0];
    let dense = source.native && stride == size_of::<T>() as isize;
    let mut buffer = [const { MaybeUninit::<T>::uninit() }; BLOCK];
    let buffer = buffer.as_mut_ptr().cast::<T>();
    let view = |p: *const u8, m: usize| -> *const T {
        if dense {
            return p.cast();
        }
        // SAFETY: the caller's contract; the buffer holds a block.
        unsafe { (source.load)(p, stride, m, buffer.cast()) };
        buffer
    };
    let mut w = Walk::new(outer, lines.start);
    let mut best: Option<(T, i64, *const u8, usize)> = None;
    for line in lines {
        let p = base.wrapping_offset(w.off[0]);
        w.next();
        let mut i = cols.start;
        while i < cols.end {
            let m = (cols.end - i).min(BLOCK);
            let q = p.wrapping_offset(i as isize * stride);
            // SAFETY: `view` gives `m` elements.
            let v = unsafe { fold.row(view(q, m), m) };
            if best.is_none_or(|b| beats::<T, MAX>(v, b.0)) {
                best = Some((v, (line * inner.n + i) as i64, q, m));
            }
            i += m;
        }
    }
    match best {
        Some((value, start, q, m)) => {
            // SAFETY: as above.
            let at = unsafe { find(view(q, m), m, value) };
            Found { value, at: start + at as i64 }
        }
        None => Found { value: Best::<T, MAX>(PhantomData).worst(), at: 0 },
    }
}

multiversion! {
    unsafe fn step_max[T: Order](x: *const T, w: usize, row: u32, value: *mut T, at: *mut u32) {
        step_body::<T, true>(x, w, row, value, at)
    }
}
multiversion! {
    unsafe fn step_min[T: Order](x: *const T, w: usize, row: u32, value: *mut T, at: *mut u32) {
        step_body::<T, false>(x, w, row, value, at)
    }
}

#[inline(always)]
unsafe fn step_body<T: Order, const MAX: bool>(x: *const T, w: usize, row: u32, value: *mut T, at: *mut u32) {
    for j in 0..w {
        // SAFETY: the caller's contract.
        unsafe {
            let (v, old) = (*x.add(j), *value.add(j));
            let a = *at.add(j);
            *at.add(j) = if beats::<T, MAX>(v, old) { row } else { a };
            *value.add(j) = better::<T, MAX>(old, v);
        }
    }
}

/// Outputs lie denser than the searched dim: a row of outputs at a time.
fn columns<T: Order, const MAX: bool>(
    x: *const u8,
    source: &Source,
    kept: &Dims<3>,
    dim: Dim<3>,
    write: &(dyn Fn(Found<T>, &[isize; 3]) + Sync),
) {
    let Some((&inner, outer)) = kept.split_last() else {
        return;
    };
    let tiles = inner.n.div_ceil(TILE);
    let dense = source.native && inner.s[0] == size_of::<T>() as isize;
    let x = Shared(x.cast_mut());
    parallel::chunks(count(outer) * tiles, GRAIN.div_ceil(dim.n * inner.n.min(TILE)), &|range| {
        let mut buffer = [const { MaybeUninit::<T>::uninit() }; TILE];
        let buffer = buffer.as_mut_ptr().cast::<T>();
        for i in range {
            let off = Walk::new(outer, i / tiles).off;
            let from = i % tiles * TILE;
            let w = (inner.n - from).min(TILE);
            let base = x.get().wrapping_offset(off[0] + from as isize * inner.s[0]);
            let row = |r: usize| -> *const T {
                let p = base.wrapping_offset(r as isize * dim.s[0]);
                if dense {
                    return p.cast();
                }
                // SAFETY: dispatch's checks; the buffer holds a tile.
                unsafe { (source.load)(p, inner.s[0], w, buffer.cast()) };
                buffer
            };
            let (mut value, mut at) = ([Best::<T, MAX>(PhantomData).worst(); TILE], [0u32; TILE]);
            // SAFETY: `row` gives `w` elements.
            unsafe {
                std::ptr::copy_nonoverlapping(row(0), value.as_mut_ptr(), w);
                for r in 1..dim.n {
                    let step = if MAX { step_max } else { step_min };
                    step(row(r), w, r as u32, value.as_mut_ptr(), at.as_mut_ptr());
                }
            }
            for j in 0..w {
                let k = (from + j) as isize;
                let o = [0, off[1] + k * inner.s[1], off[2] + k * inner.s[2]];
                write(Found { value: value[j], at: at[j] as i64 }, &o);
            }
        }
    });
}
