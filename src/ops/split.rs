//! Views in pieces and under other names: tensor_split and its relatives, `*_as`, adjoint, and copies of views.

use super::copy;
use super::join;
use super::lazy;
use super::view;
use crate::autograd::record::record_many;
use crate::autograd::{mode, needs_grad, no_grad};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, MemoryFormat, Shape};
use crate::tensor::tensor::Creation;
use crate::tensor::{DType, Device, Tensor};

/// Is there memory for so many views? What a handle takes is small, so that only absurd numbers are looked at.
fn check_count(pieces: usize) -> Result<()> {
    const HANDLE: usize = 256;
    if pieces > 1 << 16 {
        dispatch::storage(pieces.saturating_mul(HANDLE), Device::Cpu, false)?;
    }
    Ok(())
}

// The pieces that one call returns share one node, whose derivative puts their gradients together. They may not be
// changed in place while they share it.
fn multiple(
    x: &Tensor,
    dim: i64,
    name: &'static str,
    views: impl FnOnce() -> Result<Vec<Tensor>>,
) -> Result<Vec<Tensor>> {
    let pieces = no_grad(views)?;
    if !mode::grad_enabled() {
        return Ok(pieces);
    }
    pieces.iter().for_each(|v| v.set_creation(Creation::Multiple));
    joint(x, dim, name, &pieces)?;
    Ok(pieces)
}

/// Gives the pieces of `x` one node, where they need a gradient.
fn joint(x: &Tensor, dim: i64, name: &'static str, pieces: &[Tensor]) -> Result<()> {
    if !needs_grad(&[x]) || pieces.is_empty() {
        return Ok(());
    }
    let shapes: Vec<Shape> = pieces.iter().map(|v| Shape::from_slice(v.shape())).collect();
    let whole = x.ndim();
    let refs: Vec<&Tensor> = pieces.iter().collect();
    record_many(&refs, name, &[x], |_| {
        move |_, grads| {
            let Some(like) = grads.iter().flatten().next() else { return Ok(view::no_grads(1)) };
            let parts = shapes.iter().enumerate().map(|(i, s)| match grads.get(i).and_then(Option::as_ref) {
                Some(g) => Ok(g.clone()),
                None => dispatch::zeros(s, like.dtype(), like.device()),
            });
            let parts = parts.collect::<Result<Vec<_>>>()?;
            grads![if shapes[0].len() < whole { join::stack(&parts, dim)? } else { join::cat(&parts, dim)? }]
        }
    })
    .map(drop)
}

/// Pieces of given sizes along a dim.
pub fn split_with_sizes(x: &Tensor, split_sizes: &[i64], dim: i64) -> Result<Vec<Tensor>> {
    let d = x.wrap_dim(dim)?;
    let n = x.size(d) as i64;
    if split_sizes.iter().any(|&s| s < 0) || split_sizes.iter().try_fold(0i64, |sum, &s| sum.checked_add(s)) != Some(n)
    {
        fail!(Runtime, torch: ("split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), but got split_sizes={split_sizes:?}"),
            expected: ("split: expected non-negative sizes that sum to {n}"), got: ("{split_sizes:?}"), fix: ("Adjust the sizes."));
    }
    multiple(x, dim, "SplitWithSizesBackward0", || pieces(x, split_sizes.iter().copied(), dim))
}

/// Pieces of `split_size` along a dim, the last one shorter.
pub fn split(x: &Tensor, split_size: i64, dim: i64) -> Result<Vec<Tensor>> {
    if x.ndim() == 0 {
        fail!(Runtime, torch: ("split expects at least a 1-dimensional tensor"), expected: ("split: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Use unsqueeze(0) first."));
    }
    let n = x.shape()[x.wrap_dim(dim)?] as i64;
    if split_size == 0 && n != 0 {
        fail!(Runtime, torch: ("split_size can only be 0 if dimension size is 0, but got dimension size of {n}"), expected: ("split: expected a size of at least 1"), got: ("0"), fix: ("Use a positive size."));
    }
    if split_size < 0 {
        fail!(Runtime, torch: ("split expects split_size be non-negative, but got split_size={split_size}"), expected: ("split: expected a size of at least 1"), got: ("{split_size}"), fix: ("Use a positive size."));
    }
    let count = if split_size == 0 { 1 } else { (n as u64).div_ceil(split_size as u64).max(1) as i64 };
    multiple(x, dim, "SplitBackward0", || pieces(x, (0..count).map(|i| split_size.min(n - i * split_size)), dim))
}

/// At most `chunks` pieces of equal size.
pub fn chunk(x: &Tensor, chunks: i64, dim: i64) -> Result<Vec<Tensor>> {
    if x.ndim() == 0 {
        fail!(Runtime, torch: ("chunk expects at least a 1-dimensional tensor"), expected: ("chunk: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Use unsqueeze(0) first."));
    }
    if chunks <= 0 {
        fail!(Runtime, torch: ("chunk expects `chunks` to be greater than 0, got: {chunks}"), expected: ("chunk: expected at least 1 chunk"), got: ("{chunks}"), fix: ("Use a positive number."));
    }
    let n = x.shape()[x.wrap_dim(dim)?] as i64;
    if n == 0 {
        check_count(chunks as usize)?;
        return split_with_sizes(x, &vec![0; chunks as usize], dim);
    }
    split(x, (n as u64).div_ceil(chunks as u64) as i64, dim)
}

/// All slices along a dim.
pub fn unbind(x: &Tensor, dim: i64) -> Result<Vec<Tensor>> {
    if x.ndim() == 0 {
        fail!(Index, torch: ("Dimension specified as 0 but tensor has no dimensions"), expected: ("unbind: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Use item() for its value."));
    }
    let d = x.wrap_dim(dim)?;
    check_count(x.shape()[d])?;
    multiple(x, d as i64, "UnbindBackward0", || (0..x.shape()[d] as i64).map(|i| view::select(x, dim, i)).collect())
}

fn splittable(x: &Tensor) -> Result<()> {
    if x.ndim() == 0 {
        fail!(Runtime, torch: ("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"), expected: ("tensor_split: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Unsqueeze it first."));
    }
    Ok(())
}

/// Pieces of equal size, the first ones longer by 1 where it does not divide.
fn tensor_split(x: &Tensor, sections: i64, dim: i64) -> Result<Vec<Tensor>> {
    splittable(x)?;
    let n = x.size(x.wrap_dim(dim)?) as i64;
    if sections <= 0 {
        fail!(Runtime, torch: ("number of sections must be larger than 0, got {sections}"), expected: ("tensor_split: expected at least 1 section"), got: ("{sections}"), fix: ("Use a positive number."));
    }
    check_count(sections as usize)?;
    let (size, longer) = (n / sections, n % sections);
    let start = |i: i64| i * size + i.min(longer);
    // Ordinary slices, as in torch: they may be changed in place.
    (0..sections).map(|i| view::slice(x, dim, Some(start(i)), Some(start(i + 1)), 1)).collect()
}

/// Pieces between indices along a dim.
fn split_at(x: &Tensor, indices: &[i64], dim: i64) -> Result<Vec<Tensor>> {
    splittable(x)?;
    x.wrap_dim(dim)?;
    let starts = std::iter::once(Some(0)).chain(indices.iter().map(|&i| Some(i)));
    let ends = indices.iter().map(|&i| Some(i)).chain(std::iter::once(None));
    // Indices may overlap or skip elements: each piece is a slice of its own.
    starts.zip(ends).map(|(a, b)| view::slice(x, dim, a, b, 1)).collect()
}

fn split_by_tensor(x: &Tensor, at: &Tensor, dim: i64) -> Result<Vec<Tensor>> {
    splittable(x)?;
    if at.dtype() != DType::I64 {
        fail!(Runtime, torch: ("tensor_split expected tensor_indices_or_sections to have dtype of long, but got {}", at.dtype().scalar_name()), expected: ("tensor_split: expected int64 indices"), got: ("{}", at.dtype().name()), fix: ("Convert them with .long()."));
    }
    match at.ndim() {
        0 => tensor_split(x, at.item()?.i64(), dim),
        1 => {
            let list = unbind(at, 0)?.iter().map(|i| i.item().map(|s| s.i64())).collect::<Result<Vec<i64>>>()?;
            split_at(x, &list, dim)
        }
        n => {
            fail!(Runtime, torch: ("tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but got a tensor with {n} dims"), expected: ("tensor_split: expected a number or a vector"), got: ("{n} dims"), fix: ("Flatten it."))
        }
    }
}

/// The dim that hsplit, vsplit or dsplit cuts.
fn direction(name: &str, x: &Tensor, least: usize, dim: i64, sections: Option<i64>) -> Result<i64> {
    if x.ndim() < least {
        fail!(Runtime, torch: ("torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {} dimensions!", x.ndim()), expected: ("{name}: expected at least {least} dims"), got: ("{}", x.ndim()), fix: ("Unsqueeze it first."));
    }
    if let Some(n) = sections {
        let size = x.size(dim as usize) as i64;
        if n <= 0 || size % n != 0 {
            fail!(Runtime, torch: ("torch.{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not divisible by the split_size {n}!"), expected: ("{name}: expected a divisor of {size}"), got: ("{n}"), fix: ("Use tensor_split() for uneven pieces."));
        }
    }
    Ok(dim)
}

fn horizontal(x: &Tensor) -> i64 {
    (x.ndim() > 1) as i64
}

fn hsplit(x: &Tensor, sections: i64) -> Result<Vec<Tensor>> {
    tensor_split(x, sections, direction("hsplit", x, 1, horizontal(x), Some(sections))?)
}

fn hsplit_at(x: &Tensor, indices: &[i64]) -> Result<Vec<Tensor>> {
    split_at(x, indices, direction("hsplit", x, 1, horizontal(x), None)?)
}

fn vsplit(x: &Tensor, sections: i64) -> Result<Vec<Tensor>> {
    tensor_split(x, sections, direction("vsplit", x, 2, 0, Some(sections))?)
}

fn vsplit_at(x: &Tensor, indices: &[i64]) -> Result<Vec<Tensor>> {
    split_at(x, indices, direction("vsplit", x, 2, 0, None)?)
}

fn dsplit(x: &Tensor, sections: i64) -> Result<Vec<Tensor>> {
    tensor_split(x, sections, direction("dsplit", x, 3, 2, Some(sections))?)
}

fn dsplit_at(x: &Tensor, indices: &[i64]) -> Result<Vec<Tensor>> {
    split_at(x, indices, direction("dsplit", x, 3, 2, None)?)
}

/// One dim as several.
fn unflatten(x: &Tensor, dim: i64, sizes: &[i64]) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    if sizes.is_empty() {
        fail!(Runtime, torch: ("unflatten: sizes must be non-empty"), expected: ("unflatten: expected at least 1 size"), got: ("none"), fix: ("Give the sizes that the dim becomes."));
    }
    let n = x.size(d);
    let known: i64 = sizes.iter().filter(|&&s| s >= 0).product();
    let open = sizes.iter().filter(|&&s| s == -1).count();
    if (open == 0 && known != n as i64) || (open == 1 && (known == 0 || n as i64 % known != 0)) {
        fail!(Runtime, torch: ("unflatten: Provided sizes {sizes:?} don't multiply up to the size of dim {d} ({n}) in the input tensor"), expected: ("unflatten: expected sizes with product {n}"), got: ("{sizes:?}"), fix: ("One size may be -1."));
    }
    let part = view::infer_size("unflatten", sizes, n)?;
    let mut shape: Vec<i64> = x.shape().iter().map(|&n| n as i64).collect();
    shape.splice(d..=d.min(x.ndim().wrapping_sub(1)), part.iter().map(|&n| n as i64));
    view::view(x, &shape)
}

fn ravel(x: &Tensor) -> Result<Tensor> {
    view::view(&copy::contiguous(x)?, &[-1])
}

fn signed(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&n| n as i64).collect()
}

fn reshape_as(x: &Tensor, other: &Tensor) -> Result<Tensor> {
    view::reshape(x, &signed(other.shape()))
}

fn expand_as(x: &Tensor, other: &Tensor) -> Result<Tensor> {
    view::expand(x, &signed(other.shape()))
}

/// The conjugate transpose of matrices.
fn adjoint(x: &Tensor) -> Result<Tensor> {
    if x.ndim() == 1 {
        fail!(Runtime, torch: ("tensor.adjoint() is only supported on matrices or batches of matrices. Got 1-D tensor."), expected: ("adjoint: expected at least 2 dims"), got: ("1"), fix: ("Use conj() for a vector."));
    }
    if x.ndim() == 0 { lazy::conj(x) } else { lazy::conj(&view::transpose(x, -2, -1)?) }
}

fn narrow_tensor(x: &Tensor, dim: i64, start: &Tensor, length: i64) -> Result<Tensor> {
    if start.ndim() != 0 || !start.dtype().is_integral(false) {
        fail!(Runtime, torch: ("start must be an 0-dim integral Tensor."), expected: ("narrow: expected a 0-d integer"), got: ("{} of shape {}", start.dtype().name(), layout::show(start.shape())), fix: ("Use int()."));
    }
    view::narrow(x, dim, start.item()?.i64(), length)
}

fn pieces(x: &Tensor, sizes: impl Iterator<Item = i64>, dim: i64) -> Result<Vec<Tensor>> {
    let mut at = 0;
    check_count(sizes.size_hint().0)?;
    sizes
        .map(|n| {
            at += n;
            view::slice(x, dim, Some(at - n), Some(at), 1)
        })
        .collect()
}

// Pieces that may be changed in place: the caller says that they are not used together. They are no views, as in torch.
fn apart(x: &Tensor, dim: i64, name: &'static str, views: impl FnOnce() -> Result<Vec<Tensor>>) -> Result<Vec<Tensor>> {
    let pieces: Vec<Tensor> = no_grad(views)?.iter().map(Tensor::detach).collect();
    joint(x, dim, name, &pieces)?;
    Ok(pieces)
}

fn unsafe_split(x: &Tensor, split_size: i64, dim: i64) -> Result<Vec<Tensor>> {
    apart(x, dim, "UnsafeSplitBackward0", || split(x, split_size, dim))
}

fn unsafe_chunk(x: &Tensor, chunks: i64, dim: i64) -> Result<Vec<Tensor>> {
    apart(x, dim, "UnsafeSplitBackward0", || chunk(x, chunks, dim))
}

fn unsafe_split_with_sizes(x: &Tensor, split_sizes: &[i64], dim: i64) -> Result<Vec<Tensor>> {
    apart(x, dim, "UnsafeSplitWithSizesBackward0", || split_with_sizes(x, split_sizes, dim))
}

/// A view as a tensor of its own.
fn own(v: Result<Tensor>) -> Result<Tensor> {
    copy::clone(&v?, Some(MemoryFormat::Contiguous))
}

fn own_each(v: Result<Vec<Tensor>>) -> Result<Vec<Tensor>> {
    v?.iter().map(|t| copy::clone(t, Some(MemoryFormat::Contiguous))).collect()
}

fn narrow_copy(x: &Tensor, dim: i64, start: i64, length: i64) -> Result<Tensor> {
    if dim >= x.ndim() as i64 {
        let text = match x.ndim() {
            0 => "narrow() cannot be applied to a 0-dim tensor.",
            _ => "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false.",
        };
        fail!(Runtime, torch: ("{text}"), expected: ("narrow_copy: expected a dim below {}", x.ndim()), got: ("{dim}"), fix: ("Count dims from 0."));
    }
    if length < 0 {
        fail!(Runtime, torch: ("start ({start}) + length ({length}) exceeds dimension size ({}).", x.size(x.wrap_dim(dim)?)), expected: ("narrow_copy: expected a length of at least 0"), got: ("{length}"), fix: ("Swap start and end."));
    }
    own(view::narrow(x, dim, start, length))
}

ops! {
    /// Pieces of `split_size` along a dim, the last one shorter.
    "split(Tensor self, int split_size_or_sections, int dim=0) -> Tensor[]" [f m v] => split(0, 1, 2);
    /// Pieces of the given sizes along a dim.
    "split(Tensor self, int[] split_size_or_sections, int dim=0) -> Tensor[]" [f m v] => split_with_sizes(0, 1, 2);
    /// Pieces of the given sizes along a dim.
    "split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]" [f m v] => split_with_sizes(0, 1, 2);
    /// At most `chunks` pieces of equal size along a dim.
    "chunk(Tensor self, int chunks, int dim=0) -> Tensor[]" [f m v] => chunk(0, 1, 2);
    /// All slices along a dim.
    "unbind(Tensor self, int dim=0) -> Tensor[]" [f m v] => unbind(0, 1);
    /// Pieces of nearly equal size along `dim`; `sections` need not divide it.
    "tensor_split(Tensor self, int sections, int dim=0) -> Tensor[]" [f m v] => tensor_split(0, 1, 2);
    /// Pieces between indices along `dim`.
    "tensor_split(Tensor self, int[] indices, int dim=0) -> Tensor[]" [f m v] => split_at(0, 1, 2);
    /// Pieces between the indices, or as many as the number, in a tensor.
    "tensor_split(Tensor self, Tensor tensor_indices_or_sections, int dim=0) -> Tensor[]" [f m v] => split_by_tensor(0, 1, 2);
    /// Equal pieces along dim 1 (vectors: dim 0).
    "hsplit(Tensor self, int sections) -> Tensor[]" [f m v] => hsplit(0, 1);
    /// Pieces between indices along dim 1 (vectors: dim 0).
    "hsplit(Tensor self, int[] indices) -> Tensor[]" [f m v] => hsplit_at(0, 1);
    /// Equal pieces along dim 0.
    "vsplit(Tensor self, int sections) -> Tensor[]" [f m v] => vsplit(0, 1);
    /// Pieces between indices along dim 0.
    "vsplit(Tensor self, int[] indices) -> Tensor[]" [f m v] => vsplit_at(0, 1);
    /// Equal pieces along dim 2.
    "dsplit(Tensor self, int sections) -> Tensor[]" [f m v] => dsplit(0, 1);
    /// Pieces between indices along dim 2.
    "dsplit(Tensor self, int[] indices) -> Tensor[]" [f m v] => dsplit_at(0, 1);
    /// One dim as several; one size may be -1.
    "unflatten(Tensor self, int dim, int[] sizes) -> Tensor" [f m v] => unflatten(0, 1, 2);
    /// The tensor as one dim, contiguous.
    "ravel(Tensor self) -> Tensor" [f m v] => ravel(0);
    /// `reshape` to the shape of `other`.
    "reshape_as(Tensor self, Tensor other) -> Tensor" [m v] => reshape_as(0, 1);
    /// `expand` to the shape of `other`.
    "expand_as(Tensor self, Tensor other) -> Tensor" [m v] => expand_as(0, 1);
    /// The conjugate transpose of matrices.
    "adjoint(Tensor self) -> Tensor" [f m v] => adjoint(0);
    /// `narrow` with its start in a 0-d tensor.
    "narrow(Tensor self, int dim, Tensor start, int length) -> Tensor" [f m v] => narrow_tensor(0, 1, 2, 3);
    /// `chunk` whose pieces may be changed in place one by one.
    "unsafe_chunk(Tensor self, int chunks, int dim=0) -> Tensor[]" [f m] => unsafe_chunk(0, 1, 2);
    /// `split` whose pieces may be changed in place one by one.
    "unsafe_split(Tensor self, int split_size, int dim=0) -> Tensor[]" [f m] => unsafe_split(0, 1, 2);
    /// `split_with_sizes` whose pieces may be changed in place one by one.
    "unsafe_split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]" [f m] => unsafe_split_with_sizes(0, 1, 2);
    @
    /// A copy of `narrow`.
    "narrow_copy(Tensor self, int dim, int start, int length) -> Tensor" [f m o] => |a| narrow_copy(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?);
    /// A copy with the same elements.
    "alias_copy(Tensor self) -> Tensor" [f o] => |a| own(Ok(a.get::<&Tensor>(0)?.clone()));
    /// A copy of `as_strided`.
    "as_strided_copy(Tensor self, int[] size, int[] stride, int? storage_offset=None) -> Tensor" [f o] => |a| own(view::as_strided(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?));
    /// A copy of `diagonal`.
    "diagonal_copy(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor" [f o] => |a| own(view::diagonal(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?));
    /// A copy of `expand`.
    "expand_copy(Tensor self, int[] size, *, bool implicit=False) -> Tensor" [f o] => |a| own(view::expand(a.get(0)?, a.get(1)?));
    /// A copy of `permute`.
    "permute_copy(Tensor self, int[] dims) -> Tensor" [f o] => |a| own(view::permute(a.get(0)?, a.get(1)?));
    /// A copy of `select`.
    "select_copy(Tensor self, int dim, int index) -> Tensor" [f o] => |a| own(view::select(a.get(0)?, a.get(1)?, a.get(2)?));
    /// A copy of a slice along a dim.
    "slice_copy(Tensor self, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor" [f o] => |a| own(view::slice(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?));
    /// Copies of the pieces of `split`.
    "split_copy(Tensor self, int split_size, int dim=0) -> Tensor[]" [f o] => |a| own_each(split(a.get(0)?, a.get(1)?, a.get(2)?));
    /// Copies of the pieces of `split_with_sizes`.
    "split_with_sizes_copy(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]" [f o] => |a| own_each(split_with_sizes(a.get(0)?, a.get(1)?, a.get(2)?));
    /// A copy of `squeeze`.
    "squeeze_copy(Tensor self) -> Tensor" [f o] => |a| own(view::squeeze(a.get(0)?));
    /// A copy of `squeeze` of one dim.
    "squeeze_copy(Tensor self, int dim) -> Tensor" [f o] => |a| own(view::squeeze_dim(a.get(0)?, a.get(1)?));
    /// A copy of `squeeze` of several dims.
    "squeeze_copy(Tensor self, int[] dim) -> Tensor" [f o] => |a| own(view::squeeze_dims(a.get(0)?, a.get(1)?));
    /// A copy of `t`.
    "t_copy(Tensor self) -> Tensor" [f o] => |a| own(view::t(a.get(0)?));
    /// A copy of `transpose`.
    "transpose_copy(Tensor self, int dim0, int dim1) -> Tensor" [f o] => |a| own(view::transpose(a.get(0)?, a.get(1)?, a.get(2)?));
    /// Copies of the slices of `unbind`.
    "unbind_copy(Tensor self, int dim=0) -> Tensor[]" [f o] => |a| own_each(unbind(a.get(0)?, a.get(1)?));
    /// A copy of `unfold`.
    "unfold_copy(Tensor self, int dimension, int size, int step) -> Tensor" [f o] => |a| own(view::unfold(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?));
    /// A copy of `unsqueeze`.
    "unsqueeze_copy(Tensor self, int dim) -> Tensor" [f o] => |a| own(view::unsqueeze(a.get(0)?, a.get(1)?));
    /// A copy of `view`.
    "view_copy(Tensor self, int[] size) -> Tensor" [f o] => |a| own(view::view(&super::copy::contiguous(a.get(0)?)?, a.get(1)?));
}
