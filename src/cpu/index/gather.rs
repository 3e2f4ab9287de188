//! Reading elements by index. Functions say whether all indices lay within bounds; if not, the output is of no use.

use super::super::dims::{Dim, Dims, Walk, coalesce, count, lines};
use super::super::parallel;
use super::super::simd::prefetch;
use super::{Extent, GRAIN, Source, Strayed, dense_strides, offsets, result_dims, sized};
use crate::multiversion;
use crate::tensor::Strided;

/// A gather: operands x, index, output; `step` bytes of `x` per unit of the index.
struct Nest {
    x: *const u8,
    index: *const u8,
    out: *mut u8,
    step: isize,
    extent: Extent,
    size: usize,
    dims: Dims<3>,
}
// SAFETY: see `Strided`.
unsafe impl Sync for Nest {}

/// `out[i] = x[i with dim replaced by index[i]]`; `out` has the shape of `index`, which reaches at most as far as `x`
/// in the other dims.
pub fn gather(x: &Strided, dim: usize, index: &Strided, out: &Strided) -> bool {
    let Some(extent) = x.shape.get(dim).copied().and_then(Extent::new) else { return false };
    let size = x.dtype.size() as isize;
    let dims = (0..index.ndim())
        .map(|d| Dim {
            n: index.shape[d],
            s: [if d == dim { 0 } else { x.strides[d] * size }, index.strides[d] * 8, out.strides[d] * size],
        })
        .collect();
    run(Nest {
        x: x.ptr,
        index: index.ptr,
        out: out.ptr,
        step: x.strides[dim] * size,
        extent,
        size: size as usize,
        dims,
    })
}

/// Whole slices: `out` is `x` with `dim` replaced by the 1-d `index`. Embedding lookups are this with `dim` 0.
pub fn index_select(x: &Strided, dim: usize, index: &Strided, out: &Strided) -> bool {
    let Some(extent) = x.shape.get(dim).copied().and_then(Extent::new) else { return false };
    let size = x.dtype.size() as isize;
    let stride = index.strides.first().map_or(0, |s| s * 8);
    if let Some(inside) = columns(x, dim, index, out) {
        return inside;
    }
    let dims = (0..x.ndim())
        .map(|d| match d == dim {
            true => Dim { n: out.shape[d], s: [0, stride, out.strides[d] * size] },
            false => Dim { n: x.shape[d], s: [x.strides[d] * size, 0, out.strides[d] * size] },
        })
        .collect();
    run(Nest {
        x: x.ptr,
        index: index.ptr,
        out: out.ptr,
        step: x.strides[dim] * size,
        extent,
        size: size as usize,
        dims,
    })
}

/// `out[i] = x.flatten()[index[i]]`; negative indices count from the end.
pub fn take(x: &Strided, index: &Strided, out: &Strided) -> bool {
    let Some(flat) = super::scatter::flat_offsets(x, index) else { return false };
    let size = x.dtype.size() as isize;
    let dense = dense_strides(index.shape);
    let dims = (0..index.ndim()).map(|d| Dim { n: index.shape[d], s: [0, dense[d], out.strides[d] * size] }).collect();
    let (index, extent) = (flat.as_ptr().cast(), Extent::HELD);
    run(Nest { x: x.ptr, index, out: out.ptr, step: 1, extent, size: size as usize, dims })
}

/// Advanced indexing `x[indices]`: `None` keeps a dim whole, index tensors have one common shape and may be negative.
/// `out` has the shape that torch's rule gives.
pub fn index(x: &Strided, indices: &[Option<Strided>], out: &Strided) -> bool {
    let Some(off) = offsets(x, indices) else { return false };
    let shape = indices.iter().flatten().next().map_or(&[][..], |i| i.shape);
    let dense = dense_strides(shape);
    let size = x.dtype.size() as isize;
    let dims = result_dims(x.ndim(), indices)
        .iter()
        .enumerate()
        .map(|(r, source)| match *source {
            Source::Own(d) => Dim { n: x.shape[d], s: [x.strides[d] * size, 0, out.strides[r] * size] },
            Source::Index(d) => Dim { n: shape[d], s: [0, dense[d], out.strides[r] * size] },
        })
        .collect();
    let (index, extent) = (off.as_ptr().cast(), Extent::HELD);
    run(Nest { x: x.ptr, index, out: out.ptr, step: 1, extent, size: size as usize, dims })
}

/// [`index_select`] along the dense last dim of many rows, if that is what it is: the index is checked once, for all rows,
/// and read in 32 bits.
fn columns(x: &Strided, dim: usize, index: &Strided, out: &Strided) -> Option<bool> {
    /// Rows from which on a look at the index beforehand pays off.
    const MANY: usize = 4;
    let extent = Extent::new(x.shape[dim]).filter(|e| e.last <= i32::MAX as u64)?;
    let (n, m) = (index.numel(), out.numel());
    if dim + 1 != x.ndim() || x.strides[dim] != 1 || !out.is_contiguous() || n == 0 || m / n < MANY {
        return None;
    }
    let (mut list, mut bad) = (crate::error::filled(0i32, n), false);
    let stride = index.strides.first().copied().unwrap_or(0);
    for (i, to) in list.iter_mut().enumerate() {
        // SAFETY: the module's contract.
        let at = unsafe { *index.ptr.cast::<i64>().offset(i as isize * stride) };
        *to = extent.hold(at, &mut bad) as i32;
    }
    let size = x.dtype.size();
    let mut outer: Dims<1> = (0..dim).map(|d| Dim { n: x.shape[d], s: [x.strides[d] * size as isize] }).collect();
    coalesce(&mut outer);
    let (from, to) = (super::Ptr(x.ptr), super::Ptr(out.ptr));
    sized!(size, E => parallel::chunks(m / n, GRAIN.div_ceil(n), &|range| {
        let mut w = Walk::new(&outer, range.start);
        for row in range {
            // SAFETY: as above; every index of the list lies within a row.
            unsafe { pick_held::<E>(from.get().offset(w.off[0]).cast(), &list, to.get().cast::<E>().add(row * n)) };
            w.next();
        }
    }));
    Some(!bad)
}

multiversion! {
    /// One element per index, all of them within bounds.
    unsafe fn pick_held[E: Copy](x: *const E, index: &[i32], out: *mut E) {
        for (i, &at) in index.iter().enumerate() {
            *out.add(i) = *x.offset(at as isize);
        }
    }
}

fn run(mut nest: Nest) -> bool {
    coalesce(&mut nest.dims);
    let n = &nest;
    let strayed = Strayed::default();
    if let [rows, Dim { n: w, s: [xs, 0, os] }] = n.dims[..]
        && rows.s[0] == 0
        && xs == n.size as isize
        && os == xs
    {
        row_copies(n, rows, w * n.size, &strayed);
        return strayed.none();
    }
    sized!(n.size, E => lines(&n.dims, GRAIN, &|off, m, s| {
        let mut bad = false;
        // SAFETY: the module's contract.
        unsafe {
            let (x, index, out) = (n.x.offset(off[0]), n.index.offset(off[1]), n.out.offset(off[2]));
            if s[1] == 0 {
                let x = x.offset(n.extent.keep(*index.cast::<i64>(), &mut bad) * n.step);
                let dense = size_of::<E>() as isize;
                if s[0] == dense && s[2] == dense {
                    std::ptr::copy_nonoverlapping(x.cast::<E>(), out.cast::<E>(), m);
                } else {
                    for i in 0..m as isize {
                        *out.offset(i * s[2]).cast::<E>() = *x.offset(i * s[0]).cast::<E>();
                    }
                }
            } else {
                bad = pick::<E>(x, index, out, m, n.step, n.extent, s);
            }
        }
        strayed.note(bad);
    }));
    strayed.none()
}

multiversion! {
    /// One element per index; did one stray?
    unsafe fn pick[E: Copy](x: *const u8, index: *const u8, out: *mut u8, n: usize, step: isize, extent: Extent, s: [isize; 3]) -> bool {
        let size = size_of::<E>() as isize;
        let mut bad = false;
        if s == [0, 8, size] && step == size {
            let (x, index, out) = (x.cast::<E>(), index.cast::<i64>(), out.cast::<E>());
            for i in 0..n {
                *out.add(i) = *x.offset(extent.hold(*index.add(i), &mut bad));
            }
        } else {
            for i in 0..n as isize {
                let at = extent.keep(*index.offset(i * s[1]).cast::<i64>(), &mut bad);
                *out.offset(i * s[2]).cast::<E>() = *x.offset(at * step + i * s[0]).cast::<E>();
            }
        }
        bad
    }
}

multiversion! {
    /// A dense run in reverse.
    unsafe fn reverse[E: Copy](x: *const E, out: *mut E, n: usize) {
        for i in 0..n {
            *out.add(i) = *x.sub(i);
        }
    }
}

/// Whole dense rows, the shape of embedding lookups.
fn row_copies(nest: &Nest, rows: Dim<3>, bytes: usize, strayed: &Strayed) {
    /// Rows that are fetched ahead: enough to cover the latency of memory at 1 KiB rows.
    const AHEAD: usize = 4;
    parallel::chunks(rows.n, (GRAIN * 4).div_ceil(bytes.max(1)), &|range| {
        let mut bad = false;
        let mut source = |i: usize| {
            // SAFETY: the module's contract.
            let at = unsafe { *nest.index.offset(i as isize * rows.s[1]).cast::<i64>() };
            nest.x.wrapping_offset(nest.extent.keep(at, &mut bad) * nest.step)
        };
        for i in range.clone() {
            if i + AHEAD < range.end {
                prefetch(source(i + AHEAD), bytes.min(512));
            }
            // SAFETY: as above.
            unsafe { std::ptr::copy_nonoverlapping(source(i), nest.out.offset(i as isize * rows.s[2]), bytes) };
        }
        strayed.note(bad);
    });
}

/// Copies `n` loops of strided elements (operands source, target).
pub(in super::super) fn copy(x: *const u8, out: *mut u8, size: usize, dims: &Dims<2>) {
    let mut dims = dims.clone();
    coalesce(&mut dims);
    let (x, out) = (super::Ptr(x.cast_mut()), super::Ptr(out));
    debug_assert!(count(&dims) == 0 || Walk::new(&dims, 0).off == [0, 0]);
    sized!(size, E => lines(&dims, GRAIN, &|off, m, s| {
        // SAFETY: the module's contract.
        unsafe {
            let (x, out) = (x.get().offset(off[0]), out.get().offset(off[1]));
            let dense = size_of::<E>() as isize;
            if s == [dense, dense] {
                std::ptr::copy_nonoverlapping(x.cast::<E>(), out.cast::<E>(), m);
            } else if s == [-dense, dense] {
                reverse::<E>(x.cast(), out.cast(), m);
            } else {
                for i in 0..m as isize {
                    *out.offset(i * s[1]).cast::<E>() = *x.offset(i * s[0]).cast::<E>();
                }
            }
        }
    }))
}
