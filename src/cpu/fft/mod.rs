//! Discrete Fourier transforms along one dim, by the algorithms of rustfft and realfft, which know single contiguous lines.
//!
//! Contract of the `unsafe` code here: dispatch has checked that the operands address memory for their whole shapes, that
//! they agree in all dims but the transformed one, and that this one has the lengths that the transform asks for, one or
//! more. They may be the same memory in the same layout: a task reads its lines before it writes them. A window is dense,
//! of the lines' dtype and as long.

mod plan;
mod side;
#[cfg(test)]
mod tests;

use super::dims::{Dim, Dims, Walk, coalesce, count, sort};
use super::float::{Scratch, Shared};
use super::parallel;
use super::pointwise;
use crate::error::stop;
use crate::tensor::{DType, Strided};
use num_complex::Complex;
use plan::{Line, Mirrored};
use side::{LANES, Number, Row};
use std::ops::Mul;

/// Lines that are read and written together where their neighbours lie between their elements, at most,
const SIDE: usize = 32;
/// with so many elements that they fit a cache, but not fewer than
const BLOCK: usize = 1 << 16;
/// lines that fill a good part of a cache line.
const FEW: usize = 4;
/// Elements of a task, about.
const TASK: usize = 1 << 13;

/// Complex lines along `dim`, not divided by their length in either direction but multiplied by `scale`.
pub fn complex(x: &Strided, out: &Strided, dim: usize, forward: bool, scale: f64) {
    match out.dtype {
        DType::C64 => complex_of::<f32>(x, out, dim, forward, scale),
        _ => complex_of::<f64>(x, out, dim, forward, scale),
    }
}

fn complex_of<T: Number>(x: &Strided, out: &Strided, dim: usize, forward: bool, scale: f64) {
    if !across::<T>(x, out, dim, forward, scale) {
        pass(&plan::whole::<T>(out.shape[dim], forward), x, out, dim, scale);
    }
}

/// Real lines along `dim` to all their coefficients, or to the first half of them if `out` has room for no more. A window,
/// if there is one, is multiplied by first.
pub fn from_real(x: &Strided, out: &Strided, dim: usize, window: Option<&Strided>, scale: f64) {
    match out.dtype {
        DType::C64 => from_real_of::<f32>(x, out, dim, window, scale),
        _ => from_real_of::<f64>(x, out, dim, window, scale),
    }
}

fn from_real_of<T: Number>(x: &Strided, out: &Strided, dim: usize, window: Option<&Strided>, scale: f64) {
    let n = x.shape[dim];
    let plan = plan::half::<T>(n);
    // SAFETY: the module's contract.
    let window = window.map(|w| unsafe { std::slice::from_raw_parts(w.ptr.cast::<T>(), n) });
    match out.shape[dim] == n {
        true => windowed(&Mirrored(plan), x, out, dim, window, scale),
        false => windowed(&plan, x, out, dim, window, scale),
    }
}

/// The first half of coefficients along `dim` to real lines.
pub fn to_real(x: &Strided, out: &Strided, dim: usize, scale: f64) {
    let n = out.shape[dim];
    match out.dtype {
        DType::F32 => pass(&plan::back::<f32>(n), x, out, dim, scale),
        _ => pass(&plan::back::<f64>(n), x, out, dim, scale),
    }
}

/// Scratch memory; without any the kernel unwinds. Its contents are numbers of any value, so that slices may be made of it.
fn scratch<T: Copy>(n: usize) -> Scratch<T> {
    Scratch::new(n).unwrap_or_else(|e| stop(e))
}

/// `n` numbers as a slice.
///
/// # Safety
/// `p` has room for them, and nothing else uses it.
unsafe fn slice<'a, T>(p: *mut T, n: usize) -> &'a mut [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(p, n) }
}

/// Bytes of two buffers of rows that fit a cache.
const ROWS: usize = 1 << 20;

/// Transforms lines that lie across memory side by side, if there are enough of a length that is made for it.
fn across<T: Number>(x: &Strided, out: &Strided, dim: usize, forward: bool, scale: f64) -> bool {
    let n = out.shape[dim];
    if n < 2 || n > ROWS / 2 / size_of::<Row<T>>() || x.strides[dim] == 1 || out.strides[dim] == 1 {
        return false;
    }
    let (mut dims, inner) = loops(x, out, dim, 1);
    if inner.s != [1, 1] || inner.n < LANES / 2 {
        return false;
    }
    let Some(plan) = plan::side::<T>(n) else { return false };
    let groups = inner.n.div_ceil(LANES);
    let (from, to) = (Shared(x.ptr.cast::<[T; 2]>()), Shared(out.ptr.cast::<[T; 2]>()));
    dims.push(Dim { n: groups, s: [LANES as isize; 2] });
    parallel::chunks(count(&dims), (TASK / n / LANES).max(1), &|range| {
        let (a, b) = (scratch::<Row<T>>(n), scratch::<Row<T>>(n));
        // SAFETY: both hold n rows, and this task alone uses them.
        let (a, b) = unsafe { (slice(a.ptr(), n), slice(b.ptr(), n)) };
        for group in range {
            let lanes = LANES.min(inner.n - group % groups * LANES);
            let [ox, oy] = Walk::new(&dims, group).off;
            // SAFETY: the module's contract; these lanes exist, and belong to this task.
            unsafe {
                side::gather(from.get().wrapping_offset(ox), x.strides[dim], a, lanes, !forward);
                let y = if plan.run(a, b) { &*a } else { &*b };
                side::scatter(y, to.get().wrapping_offset(oy), out.strides[dim], lanes, !forward, T::of(scale));
            }
        }
    });
    true
}

/// The loops over the lines, with strides in elements, and apart from them the innermost one, which has neighbours in the
/// memory of operand `by`.
fn loops(x: &Strided, out: &Strided, dim: usize, by: usize) -> (Dims<2>, Dim<2>) {
    let others = (0..out.ndim()).filter(|&d| d != dim);
    let mut dims: Dims<2> = others.map(|d| Dim { n: out.shape[d], s: [x.strides[d], out.strides[d]] }).collect();
    sort(&mut dims, by);
    coalesce(&mut dims);
    let inner = dims.pop().unwrap_or(Dim { n: 1, s: [0; 2] });
    (dims, inner)
}

/// Transforms all lines.
fn pass<T: Number, L: Line<T>>(line: &L, x: &Strided, out: &Strided, dim: usize, scale: f64) {
    windowed(line, x, out, dim, None, scale);
}

/// Transforms all lines, multiplied by a window.
fn windowed<T: Number, L: Line<T>>(
    line: &L,
    x: &Strided,
    out: &Strided,
    dim: usize,
    window: Option<&[L::In]>,
    scale: f64,
) {
    let (n, m) = line.lengths();
    let (from_dense, to_dense) = (n == 1 || x.strides[dim] == 1, m == 1 || out.strides[dim] == 1);
    let (dims, inner) = loops(x, out, dim, if to_dense { 0 } else { 1 });
    let side = if from_dense && to_dense { 1 } else { (BLOCK / n).clamp(FEW, SIDE).min(inner.n) };
    let groups = inner.n.div_ceil(side);
    let kept = line.keeps() && from_dense && x.ptr != out.ptr && window.is_none();
    let scale = T::from_f64(scale).filter(|s| *s != T::one());
    let (from, to) = (Shared(x.ptr.cast::<L::In>()), Shared(out.ptr.cast::<L::Out>()));
    parallel::chunks(count(&dims) * groups, (TASK / n / side).max(1), &|range| {
        let a = scratch::<L::In>(if kept { 0 } else { side * n });
        let b = scratch::<L::Out>(if to_dense { 0 } else { side * m });
        let work = scratch::<Complex<T>>(line.scratch());
        for group in range {
            let first = group % groups * side;
            let k = side.min(inner.n - first);
            let [ox, oy] = Walk::new(&dims, group / groups).off;
            let from = from.get().wrapping_offset(ox + first as isize * inner.s[0]);
            let to = to.get().wrapping_offset(oy + first as isize * inner.s[1]);
            // Lines in the tensors, and in a buffer.
            let x_lines = ([k, n], [inner.s[0], x.strides[dim]]);
            let y_lines = ([k, m], [inner.s[1], out.strides[dim]]);
            if !kept && k > 1 {
                copy(from, &x_lines, a.ptr(), &([k, n], [n as isize, 1]), x.dtype);
            }
            for j in 0..k {
                let x = if kept { from.wrapping_offset(j as isize * inner.s[0]) } else { a.ptr().wrapping_add(j * n) };
                if !kept {
                    // SAFETY: the module's contract; the buffer has room for the line.
                    unsafe { line_in(from, x_lines.1[1], slice(x, n), k == 1, window) };
                }
                let y =
                    if to_dense { to.wrapping_offset(j as isize * inner.s[1]) } else { b.ptr().wrapping_add(j * m) };
                // SAFETY: the module's contract; buffers have room for `side` lines, and this task alone uses them. Lines
                // of the tensor `x` itself are kept.
                let y = unsafe {
                    let y = slice(y, m);
                    line.run(x, y, slice(work.ptr(), line.scratch()));
                    y
                };
                if let Some(scale) = scale {
                    y.iter_mut().for_each(|y| *y = *y * scale);
                }
            }
            if !to_dense {
                copy(b.ptr(), &([k, m], [m as isize, 1]), to, &y_lines, out.dtype);
            }
        }
    });
}

/// Fills the buffer of a line: with the numbers `from` on, if they are `wanted`, and times a window.
///
/// # Safety
/// There are as many numbers, `stride` apart, if they are wanted.
unsafe fn line_in<E: Copy + Mul<Output = E>>(
    from: *const E,
    stride: isize,
    to: &mut [E],
    wanted: bool,
    window: Option<&[E]>,
) {
    let at = |i: usize| {
        // SAFETY: the caller's promise.
        unsafe { *from.wrapping_offset(i as isize * stride) }
    };
    match (wanted, window) {
        // SAFETY: as above; buffers are apart from tensors.
        (true, None) if stride == 1 => unsafe { to.as_mut_ptr().copy_from_nonoverlapping(from, to.len()) },
        (true, None) => to.iter_mut().enumerate().for_each(|(i, y)| *y = at(i)),
        (true, Some(w)) if stride == 1 => {
            // SAFETY: as above.
            let from = unsafe { std::slice::from_raw_parts(from, to.len()) };
            to.iter_mut().zip(from).zip(w).for_each(|((y, x), w)| *y = *x * *w);
        }
        (true, Some(w)) => to.iter_mut().zip(w).enumerate().for_each(|(i, (y, w))| *y = at(i) * *w),
        (false, Some(w)) => to.iter_mut().zip(w).for_each(|(y, w)| *y = *y * *w),
        (false, None) => {}
    }
}

/// The shape and the strides of some lines.
type Lines = ([usize; 2], [isize; 2]);

fn copy<T>(from: *mut T, x: &Lines, to: *mut T, y: &Lines, dtype: DType) {
    let x = Strided { ptr: from.cast(), dtype, shape: &x.0, strides: &x.1 };
    let y = Strided { ptr: to.cast(), dtype, shape: &y.0, strides: &y.1 };
    pointwise::copy(&x, &y);
}
