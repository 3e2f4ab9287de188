//! Copies that move or drop parts: flip, roll, triangles.

use super::super::dims::{Dim, Dims, coalesce, lines};
use super::gather::copy;
use super::{GRAIN, Ptr};
use crate::tensor::Strided;

/// Reverses the order along `dims`.
pub fn flip(x: &Strided, dims: &[usize], out: &Strided) {
    let size = x.dtype.size() as isize;
    if x.numel() == 0 {
        return;
    }
    let mut p = x.ptr.cast_const();
    let mut nest: Dims<2> = Dims::new();
    for d in 0..x.ndim() {
        let mut s = x.strides[d] * size;
        if dims.contains(&d) {
            p = p.wrapping_offset((x.shape[d] as isize - 1) * s);
            s = -s;
        }
        nest.push(Dim { n: x.shape[d], s: [s, out.strides[d] * size] });
    }
    copy(p, out.ptr, size as usize, &nest);
}

/// Moves elements by `shifts[i]` places along `dims[i]`, those that leave the end enter at the beginning.
/// Dims may repeat; their shifts add up.
pub fn roll(x: &Strided, shifts: &[i64], dims: &[usize], out: &Strided) {
    if x.numel() == 0 {
        return;
    }
    let mut by = vec![0usize; x.ndim()];
    for (&s, &d) in shifts.iter().zip(dims) {
        let n = x.shape[d] as i64;
        by[d] = (by[d] as i64 + s.rem_euclid(n)).rem_euclid(n) as usize;
    }
    boxes(x, out, &by, 0, 0, 0, &mut Dims::new());
}

/// Two boxes per rolled dim: what stays in order and what wraps around.
fn boxes(x: &Strided, out: &Strided, by: &[usize], d: usize, xo: isize, oo: isize, nest: &mut Dims<2>) {
    let size = x.dtype.size() as isize;
    if d == x.ndim() {
        return copy(x.ptr.wrapping_offset(xo), out.ptr.wrapping_offset(oo), size as usize, nest);
    }
    let (n, k) = (x.shape[d], by[d]);
    let s = [x.strides[d] * size, out.strides[d] * size];
    // (first source index, first target index, extent)
    for (from, to, m) in [(0, k, n - k), (n - k, 0, k)] {
        if m > 0 {
            nest.push(Dim { n: m, s });
            boxes(x, out, by, d + 1, xo + from as isize * s[0], oo + to as isize * s[1], nest);
            nest.pop();
        }
    }
}

/// The upper or lower triangle of the last two dims, from the `diagonal`-th diagonal on; 0 elsewhere. `out` may be `x`.
pub fn triangle(x: &Strided, diagonal: i64, upper: bool, out: &Strided) {
    let nd = x.ndim();
    if nd < 2 || x.numel() == 0 {
        return;
    }
    let size = x.dtype.size() as isize;
    let (rows, cols) = (x.shape[nd - 2], x.shape[nd - 1]);
    let (xs, os) = (x.strides[nd - 1] * size, out.strides[nd - 1] * size);
    // The third operand is the row number, the loop over columns is taken here as one piece.
    let mut dims: Dims<3> =
        (0..nd - 2).map(|d| Dim { n: x.shape[d], s: [x.strides[d] * size, out.strides[d] * size, 0] }).collect();
    coalesce(&mut dims);
    dims.push(Dim { n: rows, s: [x.strides[nd - 2] * size, out.strides[nd - 2] * size, 1] });
    let (p, q) = (Ptr(x.ptr), Ptr(out.ptr));
    lines(&dims, GRAIN.div_ceil(cols), &|off, m, s| {
        for r in 0..m as isize {
            let row = (off[2] + r * s[2]) as i64;
            // Upper: columns from row + diagonal on. Lower: columns up to it.
            let edge = row.saturating_add(diagonal).saturating_add(!upper as i64).clamp(0, cols as i64) as usize;
            let keep = if upper { edge..cols } else { 0..edge };
            let zero = if upper { 0..edge } else { edge..cols };
            let (a, b) = (p.get().wrapping_offset(off[0] + r * s[0]), q.get().wrapping_offset(off[1] + r * s[1]));
            // SAFETY: the module's contract.
            unsafe {
                if a != b || xs != os {
                    if xs == size && os == size {
                        let at = keep.start * size as usize;
                        std::ptr::copy(a.add(at), b.add(at), keep.len() * size as usize);
                    } else {
                        for c in keep {
                            std::ptr::copy(a.offset(c as isize * xs), b.offset(c as isize * os), size as usize);
                        }
                    }
                }
                if os == size {
                    std::ptr::write_bytes(b.add(zero.start * size as usize), 0, zero.len() * size as usize);
                } else {
                    for c in zero {
                        std::ptr::write_bytes(b.offset(c as isize * os), 0, size as usize);
                    }
                }
            }
        }
    });
}
