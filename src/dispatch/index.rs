//! Gathers and scatters. Indices are int64 tensors that operations have checked with [`out_of_bounds`].
//!
//! Functions that read indices say whether these lie within bounds. If not, nothing outside has been touched, and the
//! output is of no use.

use super::{any_meta, gpu};
use crate::cpu::index;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Strided, Tensor};
use smallvec::SmallVec;

pub use crate::cpu::index::{Bag, Maps, Scatter};

fn views(indices: &[Option<Tensor>]) -> SmallVec<[Option<Strided<'_>>; 5]> {
    indices.iter().map(|i| i.as_ref().map(Tensor::strided)).collect()
}

/// A 0-d tensor as one of a single element.
fn lifted(t: &Tensor) -> Strided<'_> {
    let s = t.strided();
    if s.ndim() == 0 { Strided { ptr: s.ptr, dtype: s.dtype, shape: &[1], strides: &[1] } } else { s }
}

/// The first index outside of `0..size`, or of `-size..size` if `negative`.
pub fn out_of_bounds(i: &Tensor, size: usize, negative: bool) -> Option<i64> {
    // Kernels read int64: anything else has no index in bounds.
    if i.dtype() != DType::I64 {
        return Some(i64::MIN);
    }
    // The GPU's kernels find them, and what reads next raises it.
    if i.is_meta() || i.is_gpu() { None } else { index::check_bounds(&i.strided(), size, negative) }
}

/// `out = x[indices]`; index tensors have one common shape.
#[must_use]
pub fn index(x: &Tensor, indices: &[Option<Tensor>], out: &Tensor) -> bool {
    if any_meta(&[x, out]) || indices.iter().flatten().any(Tensor::is_meta) {
        return true;
    }
    if out.numel() == 0 {
        return indices
            .iter()
            .enumerate()
            .all(|(d, i)| i.as_ref().is_none_or(|i| out_of_bounds(i, x.size(d), true).is_none()));
    }
    if out.is_gpu() {
        gpu::index::index(x, indices, out);
        return true;
    }
    index::index(&x.strided(), &views(indices), &out.strided())
}

/// `out[indices] = values` or `+=`; `values` has the shape of `out[indices]`. If indices stray, nothing is written.
#[must_use]
pub fn index_put(out: &Tensor, indices: &[Option<Tensor>], values: &Tensor, accumulate: bool) -> bool {
    if any_meta(&[out, values]) || indices.iter().flatten().any(Tensor::is_meta) {
        return true;
    }
    if values.numel() == 0 {
        return indices
            .iter()
            .enumerate()
            .all(|(d, i)| i.as_ref().is_none_or(|i| out_of_bounds(i, out.size(d), true).is_none()));
    }
    if out.is_gpu() {
        gpu::index::index_put(out, indices, values, accumulate);
        return true;
    }
    index::index_put(&out.strided(), &views(indices), &values.strided(), accumulate)
}

/// `out[i] = x[i with dim replaced by index[i]]`.
#[must_use]
pub fn gather(x: &Tensor, dim: usize, i: &Tensor, out: &Tensor) -> bool {
    if any_meta(&[x, i, out]) || out.numel() == 0 {
        return true;
    }
    if out.is_gpu() {
        gpu::index::gather(x, dim, i, out);
        return true;
    }
    index::gather(&lifted(x), dim, &lifted(i), &lifted(out))
}

/// `out[i with dim replaced by index[i]] op= src[i]`; `src` has the shape of `i`.
#[must_use]
pub fn scatter(out: &Tensor, dim: usize, i: &Tensor, src: &Tensor, op: Scatter, include_self: bool) -> bool {
    if any_meta(&[out, i, src]) || i.numel() == 0 {
        return true;
    }
    if out.is_gpu() {
        gpu::index::scatter(out, dim, i, src, op, include_self);
        return true;
    }
    index::scatter(&lifted(out), dim, &lifted(i), &lifted(src), op, include_self)
}

/// The slices of `x` along `dim` that the 1-d `i` names.
#[must_use]
pub fn index_select(x: &Tensor, dim: usize, i: &Tensor, out: &Tensor) -> bool {
    if any_meta(&[x, i, out]) {
        return true;
    }
    if out.numel() == 0 {
        return out_of_bounds(i, x.size(dim), false).is_none();
    }
    if out.is_gpu() {
        gpu::index::index_select(x, dim, i, out);
        return true;
    }
    index::index_select(&lifted(x), dim, &i.strided(), &lifted(out))
}

/// `out[i, j, ..] = x[map(i), map(j), ..]`: for some dims, in order, the place in `x` of each element.
pub fn remap(x: &Tensor, maps: &Maps, out: &Tensor) -> crate::error::Result<()> {
    if any_meta(&[x, out]) || out.numel() == 0 {
        return Ok(());
    }
    check_maps(maps, x, out);
    if out.is_gpu() {
        let mut y = x.clone();
        for (d, list) in maps {
            let z = super::empty(&resized(&y, *d, list.len()), y.dtype(), y.device())?;
            gpu::index::index_select(&y, *d, &on(list, x)?, &z);
            y = z;
        }
        super::copy(&y, out);
    } else {
        index::remap(&x.strided(), &out.strided(), maps);
    }
    Ok(())
}

/// Writes to every place of `out` the sum of the elements of `g` that [`remap`] takes from there.
pub fn remap_adjoint(g: &Tensor, maps: &Maps, out: &Tensor) -> crate::error::Result<()> {
    if any_meta(&[g, out]) || out.numel() == 0 {
        return Ok(());
    }
    check_maps(maps, out, g);
    if out.is_gpu() {
        let mut y = g.clone();
        for (d, list) in maps.iter().rev() {
            let z = super::zeros(&resized(&y, *d, out.size(*d)), y.dtype(), y.device())?;
            if y.numel() > 0 {
                gpu::index::index_add(&z, *d, &on(list, g)?, &y, Scatter::Add, true);
            }
            y = z;
        }
        super::copy(&y, out);
    } else {
        index::remap_adjoint(&g.strided(), &out.strided(), maps);
    }
    Ok(())
}

/// Kernels read at the places of the lists.
fn check_maps(maps: &Maps, small: &Tensor, large: &Tensor) {
    let fits = |d: usize| match maps.iter().find(|m| m.0 == d) {
        Some((_, list)) => list.len() == large.size(d) && list.iter().all(|&i| i >= 0 && (i as usize) < small.size(d)),
        None => small.size(d) == large.size(d),
    };
    assert!(small.ndim() == large.ndim() && (0..large.ndim()).all(fits), "a list of places does not fit");
}

fn resized(x: &Tensor, d: usize, n: usize) -> Shape {
    let mut shape = Shape::from_slice(x.shape());
    shape[d] = n;
    shape
}

/// A list of places where `x` is.
fn on(list: &[i64], x: &Tensor) -> crate::error::Result<Tensor> {
    let i = super::empty(&[list.len()], DType::I64, x.device())?;
    super::write_ints(&i, list);
    Ok(i)
}

/// Slices of `src` join the slices of `out` along `dim` that the 1-d `i` names.
#[must_use]
pub fn index_add(out: &Tensor, dim: usize, i: &Tensor, src: &Tensor, op: Scatter, include_self: bool) -> bool {
    if any_meta(&[out, i, src]) || src.numel() == 0 {
        return true;
    }
    if out.is_gpu() {
        gpu::index::index_add(out, dim, i, src, op, include_self);
        return true;
    }
    index::index_add(&lifted(out), dim, &i.strided(), &lifted(src), op, include_self)
}

/// Sets the slices of `out` along `dim` that the 1-d `i` names to a 0-d value.
#[must_use]
pub fn index_fill(out: &Tensor, dim: usize, i: &Tensor, value: &Tensor) -> bool {
    if any_meta(&[out, i, value]) || out.numel() == 0 || i.numel() == 0 {
        return true;
    }
    if out.is_gpu() {
        gpu::index::index_fill(out, dim, i, value);
        return true;
    }
    index::index_fill(&lifted(out), dim, &i.strided(), &value.strided())
}

/// `out[i] = x.flatten()[index[i]]`.
#[must_use]
pub fn take(x: &Tensor, i: &Tensor, out: &Tensor) -> bool {
    if any_meta(&[x, i, out]) || out.numel() == 0 {
        return true;
    }
    if out.is_gpu() {
        gpu::index::take(x, i, out);
        return true;
    }
    index::take(&lifted(x), &lifted(i), &lifted(out))
}

/// `out.flatten()[index[i]] = values[i]` or `+=`; `values` has the shape of `i`. If indices stray, nothing is written.
#[must_use]
pub fn put(out: &Tensor, i: &Tensor, values: &Tensor, accumulate: bool) -> bool {
    if any_meta(&[out, i, values]) || i.numel() == 0 {
        return true;
    }
    if out.is_gpu() {
        gpu::index::put(out, i, values, accumulate);
        return true;
    }
    index::put(&lifted(out), &lifted(i), &lifted(values), accumulate)
}

/// Adds rows of `grad` (n, d) to the rows of the zeros `out` (v, d) that `i` (n) names; all dense.
#[must_use]
pub fn embedding_backward(grad: &Tensor, i: &Tensor, out: &Tensor, padding: Option<i64>, by_frequency: bool) -> bool {
    if any_meta(&[out, i, grad]) {
        return true;
    }
    if grad.numel() == 0 {
        return out_of_bounds(i, out.size(0), false).is_none();
    }
    if out.is_gpu() {
        gpu::index::embedding_backward(grad, i, out, padding, by_frequency);
        return true;
    }
    index::embedding_backward(&grad.strided(), &i.strided(), &out.strided(), padding, by_frequency)
}

/// The position of the first of the dense `offsets` that is below the one before it, above `n`, or first and not 0.
pub fn bad_offset(offsets: &Tensor, n: usize) -> Option<usize> {
    // The GPU's kernel finds it, as with indices.
    if offsets.is_meta() || offsets.is_gpu() { None } else { index::bad_offset(&offsets.strided(), n) }
}

/// What [`embedding_bag`] writes: a row per bag, the bag of each index, the size of each bag, and the rows of maxima.
pub struct BagOutputs {
    #[allow(missing_docs, reason = "named by the type's documentation")]
    pub out: Tensor,
    #[allow(missing_docs, reason = "as above")]
    pub owner: Tensor,
    #[allow(missing_docs, reason = "as above")]
    pub sizes: Tensor,
    #[allow(missing_docs, reason = "as above")]
    pub largest: Option<Tensor>,
}

/// Puts the rows of `table` (v, d) that `i` names together, bag by bag; all operands are dense.
pub fn embedding_bag(
    table: &Tensor,
    i: &Tensor,
    offsets: &Tensor,
    factors: Option<&Tensor>,
    padding: Option<i64>,
    kind: Bag,
    to: &BagOutputs,
) {
    if any_meta(&[&to.out, table, i, offsets]) || factors.is_some_and(Tensor::is_meta) {
        return;
    }
    if to.out.is_gpu() {
        return gpu::index::embedding_bag(table, (i, offsets), factors, padding, kind, to);
    }
    let bags = index::Bags {
        table: table.strided(),
        index: i.strided(),
        offsets: offsets.strided(),
        factors: factors.map(Tensor::strided),
        padding,
        kind,
    };
    bags.count(&to.owner.strided(), &to.sizes.strided());
    bags.reduce(&to.out.strided(), to.largest.as_ref().map(Tensor::strided).as_ref());
}

/// Where a mask holds: one row of int64 indices per true element. `allocate` gets the number of rows.
pub fn nonzero<E>(x: &Tensor, allocate: impl FnOnce(usize) -> Result<Tensor, E>) -> Result<Tensor, E> {
    if x.is_gpu() {
        return gpu::mask::nonzero(x, allocate);
    }
    let mask = index::Mask::new(&x.strided());
    let out = allocate(mask.total())?;
    if out.numel() > 0 {
        index::nonzero(&x.strided(), &mask, &out.strided());
    }
    Ok(out)
}

/// The elements of `x` where the bool mask of its shape holds. `allocate` gets their number.
pub fn masked_select<E>(
    x: &Tensor,
    mask: &Tensor,
    allocate: impl FnOnce(usize) -> Result<Tensor, E>,
) -> Result<Tensor, E> {
    if x.is_gpu() {
        return gpu::mask::masked_select(x, mask, allocate);
    }
    let counts = index::Mask::new(&mask.strided());
    let out = allocate(counts.total())?;
    if out.numel() > 0 {
        index::masked_select(&x.strided(), &mask.strided(), &counts, &out.strided());
    }
    Ok(out)
}

/// Writes the elements of the dense `src` in order to where the bool mask holds. False if `src` has too few.
pub fn masked_scatter(out: &Tensor, mask: &Tensor, src: &Tensor) -> bool {
    if any_meta(&[out, mask, src]) || out.numel() == 0 {
        return true;
    }
    if out.is_gpu() {
        return gpu::mask::masked_scatter(out, mask, src);
    }
    let counts = index::Mask::new(&mask.strided());
    if counts.total() > src.numel() {
        return false;
    }
    if counts.total() > 0 {
        index::masked_scatter(&out.strided(), &mask.strided(), &counts, &lifted(src));
    }
    true
}

/// Reverses the order along `dims`.
pub fn flip(x: &Tensor, dims: &[usize], out: &Tensor) {
    if any_meta(&[x, out]) || out.numel() == 0 {
        return;
    }
    if out.is_gpu() {
        return gpu::index::flip(x, dims, out);
    }
    index::flip(&x.strided(), dims, &out.strided());
}

/// Moves elements by `shifts[i]` places along `dims[i]`, around the end.
pub fn roll(x: &Tensor, shifts: &[i64], dims: &[usize], out: &Tensor) {
    if any_meta(&[x, out]) || out.numel() == 0 {
        return;
    }
    if out.is_gpu() {
        return gpu::index::roll(x, shifts, dims, out);
    }
    index::roll(&x.strided(), shifts, dims, &out.strided());
}

/// The upper or lower triangle of the last two dims, 0 elsewhere. `out` may be `x`.
pub fn triangle(x: &Tensor, diagonal: i64, upper: bool, out: &Tensor) {
    if any_meta(&[x, out]) || out.numel() == 0 {
        return;
    }
    if out.is_gpu() {
        return gpu::index::triangle(x, diagonal, upper, out);
    }
    index::triangle(&x.strided(), diagonal, upper, &out.strided());
}
