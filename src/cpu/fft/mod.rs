//! Discrete Fourier transforms along one dim, by the algorithms of rustfft and realfft, which know single contiguous lines.
//!
//! Contract of the `unsafe` code here: dispatch has checked that the operands address memory for their whole shapes, that
//! they agree in all dims but the transformed one, and that this one has the lengths that the transform asks for, at least
//! 1. They may be the same memory in the same layout: a task reads its lines before it writes them.

mod plan;
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
use rustfft::FftNum;

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
    let n = out.shape[dim];
    match out.dtype {
        DType::C64 => pass(&plan::whole::<f32>(n, forward), x, out, dim, scale),
        _ => pass(&plan::whole::<f64>(n, forward), x, out, dim, scale),
    }
}

/// Real lines along `dim` to all their coefficients, or to the first half of them if `out` has room for no more.
pub fn from_real(x: &Strided, out: &Strided, dim: usize, scale: f64) {
    match out.dtype {
        DType::C64 => from_real_of::<f32>(x, out, dim, scale),
        _ => from_real_of::<f64>(x, out, dim, scale),
    }
}

fn from_real_of<T: FftNum>(x: &Strided, out: &Strided, dim: usize, scale: f64) {
    let n = x.shape[dim];
    let plan = plan::half::<T>(n);
    if out.shape[dim] == n { pass(&Mirrored(plan), x, out, dim, scale) } else { pass(&plan, x, out, dim, scale) }
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

/// Transforms all lines.
fn pass<T: FftNum, L: Line<T>>(line: &L, x: &Strided, out: &Strided, dim: usize, scale: f64) {
    let (n, m) = line.lengths();
    let (from_dense, to_dense) = (n == 1 || x.strides[dim] == 1, m == 1 || out.strides[dim] == 1);
    // The loops over the lines, with strides in elements. The innermost one has neighbours in memory.
    let others = (0..out.ndim()).filter(|&d| d != dim);
    let mut dims: Dims<2> = others.map(|d| Dim { n: out.shape[d], s: [x.strides[d], out.strides[d]] }).collect();
    sort(&mut dims, if to_dense { 0 } else { 1 });
    coalesce(&mut dims);
    let inner = dims.pop().unwrap_or(Dim { n: 1, s: [0; 2] });
    let side = if from_dense && to_dense { 1 } else { (BLOCK / n).clamp(FEW, SIDE).min(inner.n) };
    let groups = inner.n.div_ceil(side);
    let kept = L::KEEPS && from_dense && x.ptr != out.ptr;
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
            if !kept {
                copy(from, &x_lines, a.ptr(), &([k, n], [n as isize, 1]), x.dtype);
            }
            for j in 0..k {
                let x = if kept { from.wrapping_offset(j as isize * inner.s[0]) } else { a.ptr().wrapping_add(j * n) };
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

/// The shape and the strides of some lines.
type Lines = ([usize; 2], [isize; 2]);

fn copy<T>(from: *mut T, x: &Lines, to: *mut T, y: &Lines, dtype: DType) {
    let x = Strided { ptr: from.cast(), dtype, shape: &x.0, strides: &x.1 };
    let y = Strided { ptr: to.cast(), dtype, shape: &y.0, strides: &y.1 };
    pointwise::copy(&x, &y);
}
