//! Shapes and strides: arithmetic that needs no data.

use crate::error::Result;
use crate::fail;
use smallvec::SmallVec;
use std::cmp::Ordering;

/// Extents, outermost first.
pub type Shape = SmallVec<[usize; 5]>;
/// Strides in elements, one per dim.
pub type Strides = SmallVec<[isize; 5]>;

/// Dense orders of dims that users ask for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "torch's names")]
pub enum MemoryFormat {
    Contiguous,
    Preserve,
    ChannelsLast,
    ChannelsLast3d,
}

/// Number of elements, or None when it does not fit. As in torch, a 0 makes up for large extents behind it alone.
pub fn numel(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= isize::MAX as usize)
}

/// A view without strides can claim any number of elements; those must fit 63 bits.
pub fn check_numel(name: &str, shape: &[usize]) -> Result<()> {
    if numel(shape).is_none() {
        fail!(Runtime, torch: ("numel: integer multiplication overflow"), expected: ("{name}: expected fewer than 2^63 elements"), got: ("{shape:?}"), fix: ("Use smaller sizes."));
    }
    Ok(())
}

/// Row-major strides of a shape; extents of 0 count as 1, as in torch.
pub fn contiguous_strides(shape: &[usize]) -> Strides {
    let mut strides: Strides = smallvec::smallvec![1; shape.len()];
    for d in (0..shape.len().saturating_sub(1)).rev() {
        strides[d] = strides[d + 1].wrapping_mul(shape[d + 1].max(1) as isize);
    }
    strides
}

/// Given strides as they are kept: where a dim has at most one element its stride is never taken, and an absurd one
/// would only overflow what kernels compute beforehand.
pub fn kept_strides(shape: &[usize], strides: &[i64]) -> Strides {
    const MOST: i64 = 1 << 40;
    let empty = shape.contains(&0);
    shape.iter().zip(strides).map(|(&n, &s)| if n <= 1 || empty { s.clamp(-MOST, MOST) } else { s } as isize).collect()
}

/// Strides of a memory format.
pub fn format_strides(shape: &[usize], format: MemoryFormat) -> Strides {
    let order: &[usize] = match (format, shape.len()) {
        (MemoryFormat::ChannelsLast, 4) => &[1, 3, 2, 0],
        (MemoryFormat::ChannelsLast, 3) => &[0, 2, 1],
        (MemoryFormat::ChannelsLast3d, 5) => &[1, 4, 3, 2, 0],
        (MemoryFormat::ChannelsLast3d, 4) => &[0, 3, 2, 1],
        _ => return contiguous_strides(shape),
    };
    let mut strides: Strides = smallvec::smallvec![0; shape.len()];
    let mut next = 1isize;
    for &d in order {
        strides[d] = next;
        next = next.wrapping_mul(shape[d].max(1) as isize);
    }
    strides
}

/// The memory format that strides look like, as torch decides it for outputs that follow their inputs.
pub fn suggested_format(shape: &[usize], strides: &[isize]) -> MemoryFormat {
    let (order, format): (&[usize], _) = match shape.len() {
        4 => (&[1, 3, 2, 0], MemoryFormat::ChannelsLast),
        5 => (&[1, 4, 3, 2, 0], MemoryFormat::ChannelsLast3d),
        _ => return MemoryFormat::Contiguous,
    };
    let mut least = 0;
    for &d in order {
        // With one channel and rows of one element both orders fit: contiguous wins.
        if shape[d] == 0 || strides[1] == 0 || strides[d] < least || (d == 0 && least == strides[1]) {
            return MemoryFormat::Contiguous;
        }
        least = strides[d] * shape[d].max(1) as isize;
    }
    format
}

/// Is this layout row-major without gaps?
#[inline]
pub fn is_contiguous(shape: &[usize], strides: &[isize]) -> bool {
    let mut expected = 1isize;
    for (&n, &s) in shape.iter().zip(strides).rev() {
        if n == 0 {
            return true;
        }
        if n != 1 {
            if s != expected {
                return false;
            }
            expected = expected.wrapping_mul(n as isize);
        }
    }
    true
}

/// Is this layout dense and without overlap in some order of its dims?
pub fn is_non_overlapping_and_dense(shape: &[usize], strides: &[isize]) -> bool {
    if is_contiguous(shape, strides) {
        return true;
    }
    let mut dims: SmallVec<[(isize, usize); 5]> =
        strides.iter().copied().zip(shape.iter().copied()).filter(|&(_, n)| n != 1).collect();
    dims.sort_unstable();
    let mut expected = 1isize;
    for (s, n) in dims {
        if n == 0 {
            return true;
        }
        if s != expected {
            return false;
        }
        expected *= n as isize;
    }
    true
}

/// Do two indices surely address the same element (an expanded dim)? torch refuses to write to such tensors.
pub fn has_internal_overlap(shape: &[usize], strides: &[isize]) -> bool {
    if is_contiguous(shape, strides) || shape.contains(&0) {
        return false;
    }
    shape.iter().zip(strides).any(|(&n, &s)| n > 1 && s == 0)
}

/// Could two indices address the same element? Never wrongly false; true for layouts that are hard to tell.
pub fn may_overlap_itself(shape: &[usize], strides: &[isize]) -> bool {
    let mut dims: SmallVec<[(isize, usize); 5]> =
        strides.iter().map(|s| s.abs()).zip(shape.iter().copied()).filter(|&(_, n)| n > 1).collect();
    dims.sort_unstable();
    let mut reach = 0isize;
    for (s, n) in dims {
        if s <= reach {
            return true;
        }
        reach += s * (n as isize - 1);
    }
    false
}

/// First and one past last element that a layout touches, relative to its first.
pub fn span(shape: &[usize], strides: &[isize]) -> (isize, isize) {
    if shape.contains(&0) {
        return (0, 0);
    }
    let (mut low, mut high) = (0isize, 0isize);
    for (&n, &s) in shape.iter().zip(strides) {
        let reach = (n as isize - 1) * s;
        if reach < 0 { low += reach } else { high += reach }
    }
    (low, high + 1)
}

/// Strides of an output that follows an input's order of dims (torch's `preserve_format` for dense inputs).
pub fn preserve_strides(shape: &[usize], strides: &[isize]) -> Strides {
    if is_contiguous(shape, strides) {
        return contiguous_strides(shape);
    }
    if is_non_overlapping_and_dense(shape, strides) {
        return strides.into();
    }
    infer_dense_strides(shape, &[strides])
}

/// Dense strides in the order of dims that the operands suggest; ties keep the outer dim outer.
pub fn infer_dense_strides(shape: &[usize], operands: &[&[isize]]) -> Strides {
    let mut order: SmallVec<[usize; 5]> = (0..shape.len()).rev().collect();
    // Insertion sort, since the comparison is only partial: a stride of 0 says nothing.
    for i in 1..order.len() {
        let mut at = i;
        for prev in (0..i).rev() {
            match compare_dims(shape, operands, order[prev], order[at]) {
                Ordering::Greater => {
                    order.swap(prev, at);
                    at = prev;
                }
                Ordering::Less => break,
                Ordering::Equal => {}
            }
        }
    }
    let mut out: Strides = smallvec::smallvec![0; shape.len()];
    let mut next = 1isize;
    for d in order {
        out[d] = next;
        next = next.wrapping_mul(shape[d].max(1) as isize);
    }
    out
}

fn compare_dims(shape: &[usize], operands: &[&[isize]], a: usize, b: usize) -> Ordering {
    for strides in operands {
        let (sa, sb) = (strides[a], strides[b]);
        if sa == 0 || sb == 0 {
            continue;
        }
        if sa != sb {
            return sa.cmp(&sb);
        }
        if shape[a] > shape[b] {
            return Ordering::Greater;
        }
    }
    Ordering::Equal
}

/// The shape that two shapes broadcast to.
pub fn broadcast(a: &[usize], b: &[usize]) -> Result<Shape> {
    if a == b {
        return Ok(a.into());
    }
    let n = a.len().max(b.len());
    let mut out: Shape = smallvec::smallvec![0; n];
    // From the last dim, so that an error names the one that torch names.
    for d in (0..n).rev() {
        let x = if d + a.len() >= n { a[d + a.len() - n] } else { 1 };
        let y = if d + b.len() >= n { b[d + b.len() - n] } else { 1 };
        out[d] = match (x, y) {
            (x, y) if x == y => x,
            (1, y) => y,
            (x, 1) => x,
            _ => {
                fail!(Runtime, torch: ("The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension {d}"),
                expected: ("broadcast: expected sizes that are equal or 1 in every dim, counted from the last"), got: ("shapes {} and {}", show(a), show(b)),
                fix: ("Reshape one of them, or add a dim of size 1 with unsqueeze."))
            }
        };
    }
    Ok(out)
}

/// Strides that make a tensor of `shape`, `strides` look like `target`.
pub fn broadcast_strides(shape: &[usize], strides: &[isize], target: &[usize]) -> Strides {
    let lead = target.len() - shape.len();
    (0..target.len())
        .map(|d| if d < lead || (shape[d - lead] == 1 && target[d] != 1) { 0 } else { strides[d - lead] })
        .collect()
}

/// Strides of a view with another shape over the same elements, or None where a copy is needed.
pub fn view_strides(shape: &[usize], strides: &[isize], target: &[usize]) -> Option<Strides> {
    // Without elements every stride is right.
    if is_contiguous(shape, strides) || shape.contains(&0) {
        if target == shape {
            return Some(strides.into());
        }
        return Some(contiguous_strides(target));
    }
    let mut out: Strides = smallvec::smallvec![0; target.len()];
    let mut at = target.len();
    let mut chunk_numel = 1usize;
    let mut chunk_stride = *strides.last()?;
    for d in (0..shape.len()).rev() {
        chunk_numel *= shape[d];
        // A run of dims that lie on one another without a gap can be split anew.
        let ends = d == 0 || (shape[d - 1] != 1 && strides[d - 1] != chunk_numel as isize * chunk_stride);
        if ends {
            let mut view_numel = 1usize;
            while at > 0 && (view_numel < chunk_numel || target[at - 1] == 1) {
                at -= 1;
                out[at] = view_numel as isize * chunk_stride;
                view_numel *= target[at];
            }
            if view_numel != chunk_numel {
                return None;
            }
            if d > 0 {
                chunk_numel = 1;
                chunk_stride = strides[d - 1];
            }
        }
    }
    (at == 0).then_some(out)
}

/// A dim counted from the end if negative; a 0-d tensor takes -1 and 0.
#[inline]
pub fn wrap_dim(dim: i64, ndim: usize) -> Result<usize> {
    let n = ndim.max(1) as i64;
    if dim >= -n && dim < n {
        return Ok(if dim < 0 { dim + n } else { dim } as usize);
    }
    fail!(Index, torch: ("Dimension out of range (expected to be in range of [{}, {}], but got {dim})", -n, n - 1),
        expected: ("dim: expected {} to {} for a tensor of {ndim} dims", -n, n - 1), got: ("{dim}"), fix: ("Negative dims count from the last."))
}

/// A shape as users see it in messages.
pub fn show(shape: &[usize]) -> String {
    format!("{shape:?}")
}
