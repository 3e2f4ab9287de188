//! Copies that take elements along some dims by a list, and their adjoints: padding that repeats what is inside.

use super::super::dims::{Dim, Dims, Walk, count};
use super::super::load::Num;
use super::super::parallel;
use super::scatter::Combine;
use super::{GRAIN, Ptr, sized};
use crate::tensor::Strided;
use crate::{multiversion, with_dtype};
use smallvec::SmallVec;

/// For some dims, in order, where each element of the larger side comes from in the other. Dispatch has checked that
/// places lie within it.
pub type Maps = [(usize, Vec<i64>)];

fn map(maps: &Maps, d: usize) -> Option<&[i64]> {
    maps.iter().find(|m| m.0 == d).map(|m| &m.1[..])
}

/// The dims of `y` from the largest stride to the smallest, so that rows lie along the densest.
fn by_stride(y: &Strided) -> SmallVec<[usize; 6]> {
    let mut dims: SmallVec<[usize; 6]> = (0..y.ndim()).collect();
    dims.sort_by_key(|&d| std::cmp::Reverse(y.strides[d].unsigned_abs()));
    dims
}

/// Where the longest run of places that follow one another starts, and its length.
fn longest_run(map: &[i64]) -> (usize, usize) {
    let (mut best, mut start) = ((0, 0), 0);
    for i in 0..map.len() {
        if i > 0 && map[i] != map[i - 1] + 1 {
            start = i;
        }
        if i + 1 - start > best.1 {
            best = (start, i + 1 - start);
        }
    }
    best
}

/// The innermost dim: its list and the run in it, and byte strides of the larger side and of the other.
struct Row<'a> {
    n: usize,
    map: Option<(&'a [i64], (usize, usize))>,
    s: [isize; 2],
}

impl<'a> Row<'a> {
    fn new(maps: &'a Maps, d: usize, n: usize, s: [isize; 2]) -> Row<'a> {
        Row { n, map: map(maps, d).map(|m| (m, longest_run(m))), s }
    }

    fn dense(&self, size: usize) -> bool {
        self.s == [size as isize; 2]
    }
}

/// `out[i, j, ..] = x[map(i), map(j), ..]`.
pub fn remap(x: &Strided, out: &Strided, maps: &Maps) {
    let size = out.dtype.size() as isize;
    let dims = by_stride(out);
    let Some((&inner, outer)) = dims.split_last() else { return };
    let row = Row::new(maps, inner, out.shape[inner], [out.strides[inner] * size, x.strides[inner] * size]);
    let outer: SmallVec<[_; 6]> = outer
        .iter()
        .map(|&d| (map(maps, d), Dim { n: out.shape[d], s: [out.strides[d] * size, x.strides[d] * size] }))
        .collect();
    let rows: usize = outer.iter().map(|d| d.1.n).product();
    let (x, out) = (Ptr(x.ptr), Ptr(out.ptr));
    sized!(size as usize, E => parallel::chunks(rows, GRAIN.div_ceil(row.n.max(1)), &|range| {
        let mut at: SmallVec<[usize; 6]> = SmallVec::from_elem(0, outer.len());
        let mut rest = range.start;
        for (at, (_, d)) in at.iter_mut().zip(&outer).rev() {
            *at = rest % d.n;
            rest /= d.n;
        }
        for _ in range {
            let (mut to, mut from) = (0, 0);
            for (&i, (map, d)) in at.iter().zip(&outer) {
                to += i as isize * d.s[0];
                from += map.map_or(i as isize, |m| m[i] as isize) * d.s[1];
            }
            // SAFETY: the module's contract, and that of the lists.
            unsafe { copy_row::<E>(x.get().offset(from), out.get().offset(to), &row) };
            for (at, (_, d)) in at.iter_mut().zip(&outer).rev() {
                *at += 1;
                if *at < d.n {
                    break;
                }
                *at = 0;
            }
        }
    }));
}

/// # Safety
/// Both sides have the row's elements.
unsafe fn copy_row<E: Copy>(x: *const u8, out: *mut u8, row: &Row) {
    let dense = row.dense(size_of::<E>());
    // SAFETY: passed on.
    unsafe {
        let one = |i: usize, from: i64| {
            *out.offset(i as isize * row.s[0]).cast::<E>() = *x.offset(from as isize * row.s[1]).cast::<E>();
        };
        match row.map {
            None if dense => out.cast::<E>().copy_from_nonoverlapping(x.cast::<E>(), row.n),
            None => (0..row.n).for_each(|i| one(i, i as i64)),
            Some((map, (start, len))) if dense && len > 0 => {
                (0..start).for_each(|i| one(i, map[i]));
                out.cast::<E>().add(start).copy_from_nonoverlapping(x.cast::<E>().add(map[start] as usize), len);
                (start + len..row.n).for_each(|i| one(i, map[i]));
            }
            Some((map, _)) => (0..row.n).for_each(|i| one(i, map[i])),
        }
    }
}

/// The byte offsets of all elements that come from one place: of place `j` those in `starts[j]..starts[j + 1]`, in order.
struct Sources {
    starts: Vec<usize>,
    offsets: Vec<isize>,
}

impl Sources {
    fn new(map: &[i64], places: usize, stride: isize) -> Sources {
        let mut starts = crate::error::filled(0usize, places + 1);
        map.iter().for_each(|&j| starts[j as usize + 1] += 1);
        (0..places).for_each(|j| starts[j + 1] += starts[j]);
        let (mut next, mut offsets) = (starts.clone(), crate::error::filled(0isize, map.len()));
        for (i, &j) in map.iter().enumerate() {
            offsets[next[j as usize]] = i as isize * stride;
            next[j as usize] += 1;
        }
        Sources { starts, offsets }
    }

    fn of(&self, j: usize) -> &[isize] {
        &self.offsets[self.starts[j]..self.starts[j + 1]]
    }
}

/// Calls `f` with every sum of `offset` and one element of each list.
fn each_sum(lists: &[&[isize]], offset: isize, f: &mut dyn FnMut(isize)) {
    match lists.split_first() {
        None => f(offset),
        Some((first, rest)) => first.iter().for_each(|o| each_sum(rest, offset + o, f)),
    }
}

/// Writes to every place of `out` the sum of the elements of `g` that [`remap`] takes from there. A task owns rows of
/// `out`, and adds theirs in order.
pub fn remap_adjoint(g: &Strided, out: &Strided, maps: &Maps) {
    let size = out.dtype.size() as isize;
    let dims = by_stride(out);
    let Some((&inner, outer)) = dims.split_last() else { return };
    let row = Row::new(maps, inner, g.shape[inner], [g.strides[inner] * size, out.strides[inner] * size]);
    let m = out.shape[inner];
    // Dims with a list move `g` by their sources, the others with `out`.
    let sources: SmallVec<[_; 6]> = outer
        .iter()
        .enumerate()
        .filter_map(|(k, &d)| map(maps, d).map(|m| (k, Sources::new(m, out.shape[d], g.strides[d] * size))))
        .collect();
    let walk: Dims<2> = outer
        .iter()
        .map(|&d| {
            let own = if map(maps, d).is_some() { 0 } else { g.strides[d] * size };
            Dim { n: out.shape[d], s: [out.strides[d] * size, own] }
        })
        .collect();
    let (g, to) = (Ptr(g.ptr), Ptr(out.ptr));
    with_dtype!(out.dtype, T => parallel::chunks(count(&walk), GRAIN.div_ceil(m.max(1)), &|range| {
        let mut w = Walk::new(&walk, range.start);
        for _ in range {
            let lists: SmallVec<[&[isize]; 6]> = sources.iter().map(|(k, s)| s.of(w.place(*k))).collect();
            // SAFETY: the module's contract, and that of the lists.
            unsafe {
                let to = to.get().offset(w.off[0]);
                (0..m as isize).for_each(|i| *to.offset(i * row.s[1]).cast::<T>() = T::from_i64(0));
                each_sum(&lists, w.off[1], &mut |from| add_row::<T>(g.get().offset(from), to, &row));
            }
            w.next();
        }
    }));
}

multiversion! {
    unsafe fn add_row[T: Combine](g: *const u8, out: *mut u8, row: &Row<'_>) {
        let one = |i: usize, to: i64| {
            let to = out.offset(to as isize * row.s[1]).cast::<T>();
            *to = (*to).add(*g.offset(i as isize * row.s[0]).cast::<T>());
        };
        let run = |i: usize, to: usize, n: usize| {
            let (g, out) = (g.cast::<T>().add(i), out.cast::<T>().add(to));
            (0..n).for_each(|i| *out.add(i) = (*out.add(i)).add(*g.add(i)));
        };
        let dense = row.dense(size_of::<T>());
        match row.map {
            None if dense => run(0, 0, row.n),
            None => (0..row.n).for_each(|i| one(i, i as i64)),
            Some((map, (start, len))) if dense && len > 0 => {
                (0..start).for_each(|i| one(i, map[i]));
                run(start, map[start] as usize, len);
                (start + len..row.n).for_each(|i| one(i, map[i]));
            }
            Some((map, _)) => (0..row.n).for_each(|i| one(i, map[i])),
        }
    }
}
