//! Views: other shapes and strides over the same memory.

use super::copy;
use crate::autograd::{self, mode, record};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, Shape, Strides, check_numel, contiguous_strides, wrap_dim};
use crate::tensor::tensor::Creation;
use crate::tensor::{Grads, Tensor};
use smallvec::SmallVec;

/// Extents, strides and the offset from the input's first element, in elements.
pub type Geometry = (Shape, Strides, isize);

// What views made in the modes of this thread are.
fn creation() -> Creation {
    if mode::inference() {
        Creation::Inference
    } else if mode::grad_enabled() {
        Creation::Default
    } else {
        Creation::NoGrad
    }
}

/// A view of `x` with this geometry, before anything is recorded.
pub(super) fn raw(x: &Tensor, (shape, strides, delta): Geometry) -> Tensor {
    let creation = creation();
    let offset = (x.offset() as isize + delta) as usize;
    // SAFETY: every caller derives the geometry from `x`'s own within its bounds, or has checked it against the storage.
    unsafe { x.view_parts(offset, shape, strides, x.dtype(), creation) }
}

/// A view with another dtype; `offset` counts elements of that dtype. The caller has checked that it fits.
pub(super) fn raw_dtype(
    x: &Tensor,
    shape: Shape,
    strides: Strides,
    offset: usize,
    dtype: crate::tensor::DType,
) -> Tensor {
    let creation = creation();
    // SAFETY: the caller covers bytes that `x` covers.
    unsafe { x.view_parts(offset, shape, strides, dtype, creation) }
}

fn backward_of_view<F>(y: Tensor, name: &'static str, x: &Tensor, f: F) -> Result<Tensor>
where
    F: Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
{
    record(y, name, &[x], |_| move |_, g| grads![f(g)?])
}

/// A view whose gradient goes back into zeros of the input's shape (select, slice, diagonal, ...).
///
/// `geometry` maps any strides of the input's shape to those of the view; it is applied to the input's strides for
/// the view and to contiguous ones for the gradient.
fn embedded(x: &Tensor, name: &'static str, geometry: impl Fn(&[usize], &[isize]) -> Geometry) -> Result<Tensor> {
    let y = raw(x, geometry(x.shape(), x.strides()));
    if !autograd::needs_grad(&[x]) {
        return Ok(y);
    }
    let shape = Shape::from_slice(x.shape());
    let strides = contiguous_strides(&shape);
    let inner = geometry(&shape, &strides);
    backward_of_view(y, name, x, move |g| embed(g, &shape, &strides, &inner))
}

/// A view of a contiguous tensor, with a geometry that the caller has derived within its bounds.
pub fn strided_view(x: &Tensor, geometry: Geometry) -> Result<Tensor> {
    debug_assert!(x.is_contiguous());
    embedded(x, "AsStridedBackward0", move |_, _| geometry.clone())
}

/// Zeros of `shape` with `strides`, into which `g` is added at `inner`. The adjoint of taking that view.
pub fn embed(g: &Tensor, shape: &[usize], strides: &[isize], inner: &Geometry) -> Result<Tensor> {
    let out = dispatch::empty_strided(shape, strides, g.dtype(), g.device())?;
    dispatch::fill(&out, crate::tensor::Scalar::Int(0));
    let window = raw(&out.detach(), inner.clone());
    dispatch::add_overlapping(g, &window);
    let (shape, strides, inner) = (Shape::from_slice(shape), Strides::from_slice(strides), inner.clone());
    record(out, "AsStridedScatterBackward0", &[g], |_| move |_, gg| grads![take(gg, &shape, &strides, &inner)?])
}

/// The view `inner` of `g`, which is first laid out with `strides`. The adjoint of [`embed`].
pub fn take(g: &Tensor, shape: &[usize], strides: &[isize], inner: &Geometry) -> Result<Tensor> {
    let base = if g.strides() == strides { g.clone() } else { copy::clone_strided(g, strides)? };
    let y = raw(&base, inner.clone());
    let (shape, strides, inner) = (Shape::from_slice(shape), Strides::from_slice(strides), inner.clone());
    backward_of_view(y, "AsStridedBackward0", &base, move |gg| embed(gg, &shape, &strides, &inner))
}

/// A view with any geometry inside the storage.
pub fn as_strided(x: &Tensor, size: &[i64], stride: &[i64], storage_offset: Option<i64>) -> Result<Tensor> {
    if size.len() != stride.len() {
        fail!(Runtime, torch: ("mismatch in length of strides and shape"), expected: ("as_strided: expected {} strides", size.len()), got: ("{}", stride.len()),
            fix: ("Give one stride per dim."));
    }
    let shape = super::helpers::checked_shape("as_strided", size)?;
    if let Some(s) = stride.iter().find(|&&s| s < 0) {
        fail!(Runtime, torch: ("as_strided: Negative strides are not supported at the moment, got strides: {stride:?}"), expected: ("as_strided: expected strides of at least 0"),
            got: ("{s}"), fix: ("Use flip() to reverse a dim."));
    }
    let strides = layout::kept_strides(&shape, stride);
    let offset = storage_offset.unwrap_or(x.offset() as i64);
    if offset < 0 {
        fail!(Runtime, torch: ("Tensor: invalid storage offset {offset}"), expected: ("as_strided: expected a storage_offset of at least 0"), got: ("{offset}"),
            fix: ("Count from the storage's first element."));
    }
    check_numel("as_strided", &shape)?;
    check_bounds("as_strided", x, &shape, &strides, offset)?;
    let y = raw(x, (shape.clone(), strides.clone(), offset as isize - x.offset() as isize));
    let (xs, xt) = (Shape::from_slice(x.shape()), Strides::from_slice(x.strides()));
    let delta = offset as isize - x.offset() as isize;
    backward_of_view(y, "AsStridedBackward0", x, move |g| {
        as_strided_backward(g, &xs, &xt, &(shape.clone(), strides.clone(), delta))
    })
}

/// The gradient of an `as_strided` view whose geometry may reach outside its input.
fn as_strided_backward(g: &Tensor, shape: &[usize], strides: &[isize], inner: &Geometry) -> Result<Tensor> {
    let (lo, hi) = layout::span(&inner.0, &inner.1);
    let (blo, bhi) = layout::span(shape, strides);
    let start = (inner.2 + lo).min(blo);
    let end = (inner.2 + hi).max(bhi);
    // Both geometries laid into one flat buffer; the input's view of it is its gradient.
    let flat = [(end - start) as usize];
    let buffer = embed(g, &flat, &[1], &(inner.0.clone(), inner.1.clone(), inner.2 - start))?;
    take(&buffer, &flat, &[1], &(shape.into(), strides.into(), -start))
}

/// The error for a geometry that leaves its storage.
pub fn check_bounds(name: &str, x: &Tensor, shape: &[usize], strides: &[isize], offset: i64) -> Result<()> {
    let reach = if shape.contains(&0) {
        Some(0)
    } else {
        shape
            .iter()
            .zip(strides)
            .try_fold(offset as usize + 1, |n, (&d, &s)| n.checked_add((d - 1).checked_mul(s as usize)?))
    };
    let have = x.storage().nbytes();
    match reach.and_then(|n| n.checked_mul(x.dtype().size())) {
        Some(need) if need <= have => Ok(()),
        need => fail!(Runtime,
            torch: ("setStorage: sizes {shape:?}, strides {strides:?}, storage offset {offset}, and itemsize {} requiring a storage size of {} are out of bounds for storage of size {have}", x.dtype().size(), need.unwrap_or(usize::MAX)),
            expected: ("{name}: expected a geometry inside the storage of {have} bytes"), got: ("one that needs more"), fix: ("Check sizes, strides and storage_offset.")),
    }
}

/// Fills in a -1 and checks the number of elements.
pub fn infer_size(name: &str, shape: &[i64], numel: usize) -> Result<Shape> {
    let mut known = 1usize;
    let mut unknown = None;
    for (d, &n) in shape.iter().enumerate() {
        match n {
            -1 if unknown.is_some() => {
                fail!(Runtime, torch: ("only one dimension can be inferred"), expected: ("{name}: expected at most one -1"), got: ("{shape:?}"),
                fix: ("Write all sizes but one."))
            }
            -1 => unknown = Some(d),
            n if n < 0 => {
                fail!(Runtime, torch: ("invalid shape dimension {n} at index {d} of shape {shape:?}"), expected: ("{name}: expected sizes of at least -1"), got: ("{n}"),
                fix: ("Use -1 for the size to be inferred."))
            }
            n => known = known.saturating_mul(n as usize),
        }
    }
    let ok = match unknown {
        None => known == numel,
        Some(_) => known > 0 && numel.is_multiple_of(known),
    };
    if !ok {
        if unknown.is_some() && known == 0 && numel == 0 {
            fail!(Runtime, torch: ("cannot reshape tensor of 0 elements into shape {shape:?} because the unspecified dimension size -1 can be any value and is ambiguous"),
                expected: ("{name}: expected a shape without 0 beside -1"), got: ("{shape:?}"), fix: ("Write the size instead of -1."));
        }
        fail!(Runtime, torch: ("shape '{shape:?}' is invalid for input of size {numel}"), expected: ("{name}: expected a shape of {numel} elements"), got: ("{shape:?}"),
            fix: ("The product of the sizes must be the number of elements."));
    }
    Ok(shape.iter().enumerate().map(|(d, &n)| if Some(d) == unknown { numel / known } else { n as usize }).collect())
}

/// Another shape over the same memory.
pub fn view(x: &Tensor, size: &[i64]) -> Result<Tensor> {
    let shape = infer_size("view", size, x.numel())?;
    check_numel("view", &shape)?;
    match layout::view_strides(x.shape(), x.strides(), &shape) {
        Some(strides) => view_shape(x, shape, strides),
        None => fail!(Runtime,
            torch: ("view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead."),
            expected: ("view: expected dims that lie in memory without gaps"), got: ("shape {:?} with strides {:?}", x.shape(), x.strides()), fix: ("Use reshape(), which copies where it must.")),
    }
}

fn view_shape(x: &Tensor, shape: Shape, strides: Strides) -> Result<Tensor> {
    let y = raw(x, (shape, strides, 0));
    let from = Shape::from_slice(x.shape());
    backward_of_view(y, "ViewBackward0", x, move |g| g.reshape_to(&from))
}

/// Another shape: a view where possible, else a copy.
pub fn reshape(x: &Tensor, shape: &[i64]) -> Result<Tensor> {
    x.reshape_to(&infer_size("reshape", shape, x.numel())?)
}

/// Broadcasts to a larger shape without copying; -1 keeps a size.
pub fn expand(x: &Tensor, size: &[i64]) -> Result<Tensor> {
    if size.len() < x.ndim() {
        fail!(Runtime,
            torch: ("expand(torch.{}Tensor{{{:?}}}, size={size:?}): the number of sizes provided ({}) must be greater or equal to the number of dimensions in the tensor ({})", x.dtype().scalar_name(), x.shape(), size.len(), x.ndim()),
            expected: ("expand: expected at least {} sizes", x.ndim()), got: ("{}", size.len()), fix: ("Add sizes in front; -1 keeps a size."));
    }
    let lead = size.len() - x.ndim();
    let mut shape: Shape = smallvec::smallvec![0; size.len()];
    for (d, &n) in size.iter().enumerate().rev() {
        let own = (d >= lead).then(|| x.shape()[d - lead]);
        shape[d] = match (n, own) {
            (-1, Some(own)) => own,
            (n, own) if n >= 0 && own.is_none_or(|o| o == 1 || o as i64 == n) => n as usize,
            (-1, None) => {
                fail!(Runtime, torch: ("The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {d}"),
                expected: ("expand: expected a size for the new dim {d}"), got: ("-1"), fix: ("Write the size."))
            }
            (n, own) => {
                fail!(Runtime, torch: ("The expanded size of the tensor ({n}) must match the existing size ({}) at non-singleton dimension {d}.  Target sizes: {size:?}.  Tensor sizes: {:?}", own.unwrap_or(1), x.shape()),
                expected: ("expand: expected sizes equal to the tensor's where those are not 1"), got: ("{size:?} for {:?}", x.shape()), fix: ("Only dims of size 1 expand."))
            }
        };
    }
    expand_to(x, &shape)
}

/// Broadcasts to a shape.
pub fn expand_to(x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    check_numel("expand", shape)?;
    let lead = shape.len().wrapping_sub(x.ndim());
    if shape.len() < x.ndim() || x.shape().iter().zip(&shape[lead..]).any(|(&own, &n)| own != n && own != 1) {
        fail!(Runtime, torch: ("The expanded size of the tensor must match the existing size at every non-singleton dimension.  Target sizes: {shape:?}.  Tensor sizes: {:?}", x.shape()),
            expected: ("expand: expected sizes equal to the tensor's where those are not 1"), got: ("{shape:?} for {:?}", x.shape()), fix: ("Only dims of size 1 expand."));
    }
    let mut strides = layout::broadcast_strides(x.shape(), x.strides(), shape);
    // A new dim of size 1 has the stride that it would have without expansion.
    for d in (0..shape.len() - x.ndim()).rev().filter(|&d| shape[d] == 1) {
        strides[d] = if d + 1 < shape.len() { shape[d + 1] as isize * strides[d + 1] } else { 1 };
    }
    let y = raw(x, (shape.into(), strides, 0));
    let from = Shape::from_slice(x.shape());
    backward_of_view(y, "ExpandBackward0", x, move |g| super::helpers::sum_to(g, &from))
}

/// Reorders dims.
pub fn permute(x: &Tensor, dims: &[i64]) -> Result<Tensor> {
    if dims.len() != x.ndim() {
        fail!(Runtime, torch: ("permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = {} is not equal to len(dims) = {}", x.ndim(), dims.len()),
            expected: ("permute: expected {} dims", x.ndim()), got: ("{}", dims.len()), fix: ("Name every dim once."));
    }
    let mut order: SmallVec<[usize; 5]> = SmallVec::new();
    for &d in dims {
        let w = x.wrap_dim(d)?;
        if order.contains(&w) {
            fail!(Runtime, torch: ("permute(): duplicate dims are not allowed."), expected: ("permute: expected each dim once"), got: ("{dims:?}"), fix: ("Name every dim once."));
        }
        order.push(w);
    }
    permute_to(x, &order)
}

fn permute_to(x: &Tensor, order: &[usize]) -> Result<Tensor> {
    let y = raw(x, (order.iter().map(|&d| x.shape()[d]).collect(), order.iter().map(|&d| x.strides()[d]).collect(), 0));
    let mut inverse: SmallVec<[usize; 5]> = smallvec::smallvec![0; order.len()];
    order.iter().enumerate().for_each(|(i, &d)| inverse[d] = i);
    backward_of_view(y, "PermuteBackward0", x, move |g| permute_to(g, &inverse))
}

/// Swaps two dims.
pub fn transpose(x: &Tensor, dim0: i64, dim1: i64) -> Result<Tensor> {
    let (a, b) = (x.wrap_dim(dim0)?, x.wrap_dim(dim1)?);
    transpose_named(x, a, b, "TransposeBackward0")
}

fn transpose_named(x: &Tensor, a: usize, b: usize, name: &'static str) -> Result<Tensor> {
    let (mut shape, mut strides) = (Shape::from_slice(x.shape()), Strides::from_slice(x.strides()));
    if x.ndim() > 0 {
        shape.swap(a, b);
        strides.swap(a, b);
    }
    let y = raw(x, (shape, strides, 0));
    backward_of_view(y, name, x, move |g| transpose_named(g, a, b, name))
}

/// Transpose of a matrix; vectors and scalars stay as they are.
pub fn t(x: &Tensor) -> Result<Tensor> {
    match x.ndim() {
        0 | 1 => Ok(autograd::named(alias(x)?, "TBackward0", x)),
        2 => transpose_named(x, 0, 1, "TBackward0"),
        n => {
            fail!(Runtime, torch: ("t() expects a tensor with <= 2 dimensions, but self is {n}D"), expected: ("t: expected at most 2 dims"), got: ("{n}"), fix: ("Use mT or transpose(dim0, dim1)."))
        }
    }
}

/// A view that is the whole tensor.
pub fn alias(x: &Tensor) -> Result<Tensor> {
    let y = raw(x, (x.shape().into(), x.strides().into(), 0));
    backward_of_view(y, "AliasBackward0", x, |g| Ok(g.clone()))
}

/// One index along a dim, which goes.
pub fn select(x: &Tensor, dim: i64, index: i64) -> Result<Tensor> {
    if x.ndim() == 0 {
        fail!(Index, torch: ("select() cannot be applied to a 0-dim tensor."), expected: ("select: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Use item() for its value."));
    }
    let d = x.wrap_dim(dim)?;
    let n = x.shape()[d] as i64;
    if index < -n || index >= n {
        fail!(Index, torch: ("select(): index {index} out of range for tensor of size {:?} at dimension {d}", x.shape()), expected: ("select: expected an index from {} to {}", -n, n - 1), got: ("{index}"),
            fix: ("Negative indices count from the end."));
    }
    let i = if index < 0 { index + n } else { index } as isize;
    embedded(x, "SelectBackward0", |shape, strides| {
        let (mut s, mut t) = (Shape::from_slice(shape), Strides::from_slice(strides));
        s.remove(d);
        let step = t.remove(d);
        (s, t, i * step)
    })
}

/// Every `step`-th index from `start` up to `end`, clamped to the extent as Python's slices are.
pub fn slice(x: &Tensor, dim: i64, start: Option<i64>, end: Option<i64>, step: i64) -> Result<Tensor> {
    if x.ndim() == 0 {
        fail!(Runtime, torch: ("slice() cannot be applied to a 0-dim tensor."), expected: ("slice: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Use item() for its value."));
    }
    let d = x.wrap_dim(dim)?;
    if step <= 0 {
        fail!(Value, torch: ("slice step must be positive"), expected: ("slice: expected a step of at least 1"), got: ("{step}"), fix: ("Use flip() to reverse a dim."));
    }
    let n = x.shape()[d] as i64;
    let clamp = |i: i64| (if i < 0 { i.saturating_add(n) } else { i }).clamp(0, n);
    let start = clamp(start.unwrap_or(0));
    let end = clamp(end.unwrap_or(i64::MAX)).max(start);
    let len = ((end - start) as u64).div_ceil(step as u64) as usize;
    embedded(x, "SliceBackward0", |shape, strides| {
        let (mut s, mut t) = (Shape::from_slice(shape), Strides::from_slice(strides));
        let delta = if len == 0 { 0 } else { start as isize * t[d] };
        s[d] = len;
        t[d] = t[d].wrapping_mul(step as isize);
        (s, t, delta)
    })
}

/// `length` indices from `start`.
pub fn narrow(x: &Tensor, dim: i64, start: i64, length: i64) -> Result<Tensor> {
    if x.ndim() == 0 {
        fail!(Runtime, torch: ("narrow() cannot be applied to a 0-dim tensor."), expected: ("narrow: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Use unsqueeze(0) first."));
    }
    if length < 0 {
        fail!(Runtime, torch: ("narrow(): length must be non-negative."), expected: ("narrow: expected a length of at least 0"), got: ("{length}"), fix: ("Swap start and end."));
    }
    let d = x.wrap_dim(dim)?;
    let n = x.shape()[d] as i64;
    if start < -n || start > n {
        fail!(Index, torch: ("start out of range (expected to be in range of [{}, {n}], but got {start})", -n), expected: ("narrow: expected a start from {} to {n}", -n), got: ("{start}"), fix: ("Negative starts count from the end."));
    }
    let start = if start < 0 { start + n } else { start };
    if start > n - length {
        fail!(Runtime, torch: ("start ({start}) + length ({length}) exceeds dimension size ({n})."), expected: ("narrow: expected start + length up to {n}"), got: ("{}", start + length), fix: ("Shorten it."));
    }
    slice(x, dim, Some(start), Some(start + length), 1)
}

/// Adds a dim of size 1.
pub fn unsqueeze(x: &Tensor, dim: i64) -> Result<Tensor> {
    let d = wrap_dim(dim, x.ndim() + 1)?;
    let (mut shape, mut strides) = (Shape::from_slice(x.shape()), Strides::from_slice(x.strides()));
    let stride = if d < x.ndim() { (x.shape()[d] as isize).wrapping_mul(x.strides()[d]) } else { 1 };
    shape.insert(d, 1);
    strides.insert(d, stride);
    let y = raw(x, (shape, strides, 0));
    backward_of_view(y, "UnsqueezeBackward0", x, move |g| squeeze_where(g, |k| k == d, "SqueezeBackward1"))
}

fn squeeze_where(x: &Tensor, chosen: impl Fn(usize) -> bool, name: &'static str) -> Result<Tensor> {
    let keep: SmallVec<[usize; 5]> = (0..x.ndim()).filter(|&d| !chosen(d) || x.shape()[d] != 1).collect();
    let y = raw(x, (keep.iter().map(|&d| x.shape()[d]).collect(), keep.iter().map(|&d| x.strides()[d]).collect(), 0));
    let from = Shape::from_slice(x.shape());
    backward_of_view(y, name, x, move |g| g.reshape_to(&from))
}

/// Drops all dims of size 1.
pub fn squeeze(x: &Tensor) -> Result<Tensor> {
    squeeze_where(x, |_| true, "SqueezeBackward0")
}

/// Drops a dim if its size is 1.
pub fn squeeze_dim(x: &Tensor, dim: i64) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    squeeze_where(x, |k| k == d, "SqueezeBackward1")
}

/// Drops those of the given dims whose size is 1.
pub fn squeeze_dims(x: &Tensor, dims: &[i64]) -> Result<Tensor> {
    let mask = super::helpers::dim_mask(x, dims, false)?;
    squeeze_where(x, |d| mask >> d & 1 != 0, "SqueezeBackward2")
}

/// The diagonal between two dims, as the last dim.
pub fn diagonal(x: &Tensor, offset: i64, dim1: i64, dim2: i64) -> Result<Tensor> {
    let (a, b) = (x.wrap_dim(dim1)?, x.wrap_dim(dim2)?);
    if a == b || x.ndim() < 2 {
        fail!(Runtime, torch: ("diagonal dimensions cannot be identical {dim1}, {dim2}"), expected: ("diagonal: expected two different dims"), got: ("{dim1} and {dim2} of {} dims", x.ndim()), fix: ("Use diag() to make a matrix of a vector."));
    }
    let (n, m) = (x.shape()[a] as i64, x.shape()[b] as i64);
    let len =
        if offset >= 0 { n.min(m.saturating_sub(offset)) } else { m.min(n.saturating_add(offset)) }.max(0) as usize;
    embedded(x, "DiagonalBackward0", |shape, strides| {
        let delta = match (len, offset) {
            (0, _) => 0,
            (_, o) if o >= 0 => o as isize * strides[b],
            (_, o) => -o as isize * strides[a],
        };
        let rest = (0..shape.len()).filter(|&d| d != a && d != b);
        let mut s: Shape = rest.clone().map(|d| shape[d]).collect();
        let mut t: Strides = rest.map(|d| strides[d]).collect();
        s.push(len);
        t.push(strides[a] + strides[b]);
        (s, t, delta)
    })
}

/// Windows of `size` along a dim, `step` apart, as a new last dim.
pub fn unfold(x: &Tensor, dimension: i64, size: i64, step: i64) -> Result<Tensor> {
    let d = x.wrap_dim(dimension)?;
    let n = x.size(d) as i64;
    if size < 0 {
        fail!(Runtime, torch: ("size is {size} but must be >= 0"), expected: ("unfold: expected a size of at least 0"), got: ("{size}"), fix: ("Give the window's length."));
    }
    if size > n {
        fail!(Runtime, torch: ("maximum size for tensor at dimension {d} is {n} but size is {size}"), expected: ("unfold: expected a size up to {n}"), got: ("{size}"), fix: ("Use a shorter window."));
    }
    if step <= 0 {
        fail!(Runtime, torch: ("step is {step} but must be > 0"), expected: ("unfold: expected a step of at least 1"), got: ("{step}"), fix: ("Give the distance between windows."));
    }
    if x.ndim() == 0 {
        return Ok(autograd::named(view(x, &[size])?, "UnfoldBackward0", x));
    }
    let mut wide = Shape::from_slice(x.shape());
    wide[d] = ((n - size) / step + 1) as usize;
    wide.push(size as usize);
    check_numel("unfold", &wide)?;
    embedded(x, "UnfoldBackward0", |shape, strides| {
        let (mut s, mut t) = (Shape::from_slice(shape), Strides::from_slice(strides));
        s[d] = ((n - size) / step + 1) as usize;
        t[d] = strides[d] * step as isize;
        s.push(size as usize);
        t.push(strides[d]);
        (s, t, 0)
    })
}

/// Merges dims `start_dim` to `end_dim`.
pub fn flatten(x: &Tensor, start_dim: i64, end_dim: i64) -> Result<Tensor> {
    let (a, b) = (x.wrap_dim(start_dim)?, x.wrap_dim(end_dim)?);
    if a > b {
        fail!(Runtime, torch: ("flatten() has invalid args: start_dim cannot come after end_dim"), expected: ("flatten: expected start_dim up to end_dim"), got: ("{start_dim} and {end_dim}"), fix: ("Swap them."));
    }
    if x.ndim() == 0 {
        return x.reshape_to(&[1]);
    }
    if a == b {
        return Ok(x.clone());
    }
    let mut shape = Shape::from_slice(&x.shape()[..a]);
    shape.push(x.shape()[a..=b].iter().product());
    shape.extend_from_slice(&x.shape()[b + 1..]);
    x.reshape_to(&shape)
}

/// Moves dims to new places; the others keep their order.
pub fn movedim(x: &Tensor, source: &[i64], destination: &[i64]) -> Result<Tensor> {
    if source.len() != destination.len() {
        fail!(Runtime, torch: ("movedim: Invalid source or destination dims: source ({source:?} dims) should contain the same number of dims as destination ({destination:?} dims)"),
            expected: ("movedim: expected as many destinations as sources"), got: ("{} and {}", source.len(), destination.len()), fix: ("Name one destination per source."));
    }
    let mut order: SmallVec<[Option<usize>; 5]> = smallvec::smallvec![None; x.ndim()];
    let mut used: SmallVec<[bool; 8]> = smallvec::smallvec![false; x.ndim().max(1)];
    for (&s, &d) in source.iter().zip(destination) {
        let (s, d) = (x.wrap_dim(s)?, x.wrap_dim(d)?);
        if x.ndim() == 0 {
            continue;
        }
        if used[s] || order[d].is_some() {
            let (which, dims) = if used[s] { ("source", source) } else { ("destination", destination) };
            fail!(Runtime, torch: ("movedim: repeated dim in `{which}` ({dims:?})"), expected: ("movedim: expected each dim once"), got: ("a repeated dim"), fix: ("Remove the repetition."));
        }
        used[s] = true;
        order[d] = Some(s);
    }
    let mut rest = (0..x.ndim()).filter(|&d| !used[d]);
    let order: SmallVec<[usize; 5]> = order.into_iter().map(|o| o.or_else(|| rest.next()).unwrap_or(0)).collect();
    permute_to(x, &order)
}

#[cold]
fn misshapen(x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    check_numel("reshape", shape)?;
    fail!(Runtime, torch: ("shape '{shape:?}' is invalid for input of size {}", x.numel()), expected: ("reshape: expected a shape of {} elements", x.numel()), got: ("{shape:?}"), fix: ("The product of the sizes must be the number of elements."))
}

impl Tensor {
    /// [`reshape`] to a shape with the right number of elements, which is made sure of.
    pub fn reshape_to(&self, shape: &[usize]) -> Result<Tensor> {
        if layout::numel(shape) != Some(self.numel()) {
            return misshapen(self, shape);
        }
        match layout::view_strides(self.shape(), self.strides(), shape) {
            Some(strides) => view_shape(self, shape.into(), strides),
            None => {
                let y = dispatch::empty(shape, self.dtype(), self.device())?;
                let own = Shape::from_slice(self.shape());
                let seen = autograd::no_grad(|| view_shape(&y, own.clone(), contiguous_strides(&own)))?;
                dispatch::copy(self, &seen);
                drop(seen);
                record(y, "UnsafeViewBackward0", &[self], |_| move |_, g| grads![g.reshape_to(&own)?])
            }
        }
    }

    /// The same elements under a shape that differs by dims of size 1 only.
    pub fn view_as_shape(&self, shape: &[usize]) -> Result<Tensor> {
        self.reshape_to(shape)
    }
}

ops! {
    /// A view with any geometry inside the storage; sizes and strides in elements.
    "as_strided(Tensor self, int[] size, int[] stride, int? storage_offset=None) -> Tensor" [f m v] => as_strided(0, 1, 2, 3);
    /// Another shape over the same memory; -1 is inferred. Raises RuntimeError where a copy would be needed.
    "view(Tensor self, int[] size) -> Tensor" [m v] => view(0, 1);
    /// Another shape: a view where possible, else a copy. One size may be -1.
    "reshape(Tensor self, int[] shape) -> Tensor" [f m v] => reshape(0, 1);
    /// Broadcasts dims of size 1 to larger sizes without copying; -1 keeps a size.
    "expand(Tensor self, int[] size, *, bool implicit=False) -> Tensor" [m v] => expand(0, 1);
    /// `expand`, as a function.
    "broadcast_to(Tensor self, int[] size) -> Tensor" [f m v] => expand(0, 1);
    /// Reorders the dims.
    "permute(Tensor self, int[] dims) -> Tensor" [f m v] => permute(0, 1);
    /// Swaps two dims.
    "transpose(Tensor self, int dim0, int dim1) -> Tensor" [f m v] => transpose(0, 1, 2);
    /// `transpose` under another name.
    "swapaxes(Tensor self, int axis0, int axis1) -> Tensor" [f m v] => transpose(0, 1, 2);
    /// `transpose` under another name.
    "swapdims(Tensor self, int dim0, int dim1) -> Tensor" [f m v] => transpose(0, 1, 2);
    /// Transpose of a tensor of at most 2 dims.
    "t(Tensor self) -> Tensor" [f m v] => t(0);
    /// One index along a dim.
    "select(Tensor self, int dim, int index) -> Tensor" [f m v] => select(0, 1, 2);
    /// `length` indices along a dim from `start`.
    "narrow(Tensor self, int dim, int start, int length) -> Tensor" [f m v] => narrow(0, 1, 2, 3);
    /// Adds a dim of size 1 at `dim`.
    "unsqueeze(Tensor self, int dim) -> Tensor" [f m v] => unsqueeze(0, 1);
    /// Drops all dims of size 1.
    "squeeze(Tensor self) -> Tensor" [f m v] => squeeze(0);
    /// Drops a dim if its size is 1.
    "squeeze(Tensor self, int dim) -> Tensor" [f m v] => squeeze_dim(0, 1);
    /// Drops those of the given dims whose size is 1.
    "squeeze(Tensor self, int[] dim) -> Tensor" [f m v] => squeeze_dims(0, 1);
    /// The diagonal between two dims, as the last dim.
    "diagonal(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor" [f m v] => diagonal(0, 1, 2, 3);
    /// Windows of `size` along a dim, `step` apart, as a new last dim.
    "unfold(Tensor self, int dimension, int size, int step) -> Tensor" [m v] => unfold(0, 1, 2, 3);
    /// Merges dims `start_dim` to `end_dim` into one.
    "flatten(Tensor self, int start_dim=0, int end_dim=-1) -> Tensor" [f m v] => flatten(0, 1, 2);
    /// Moves dims to new places; the others keep their order.
    "movedim(Tensor self, int[1] source, int[1] destination) -> Tensor" [f m v] => movedim(0, 1, 2);
    /// `movedim` under another name.
    "moveaxis(Tensor self, int[1] source, int[1] destination) -> Tensor" [f m v] => movedim(0, 1, 2);
}

/// Gradients of nothing: for operations whose inputs want none.
pub fn no_grads(n: usize) -> Grads {
    SmallVec::from_elem(None, n)
}
