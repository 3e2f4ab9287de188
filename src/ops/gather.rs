//! Reading by index: elements, slices, flattened positions, masks, rows of an embedding.

use super::copy::{self, to_dtype};
use super::put;
use super::scatter::Places;
use super::view::{self, expand_to};
use crate::autograd::{needs_grad, no_grad, record};
use crate::dispatch;
use crate::error::{Kind, Result, three_parts};
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, Tensor};

/// An index tensor as int64, if it is one or int32.
pub fn wide(index: &Tensor) -> Result<Option<Tensor>> {
    match index.dtype() {
        DType::I64 => Ok(Some(index.clone())),
        DType::I32 => to_dtype(index, DType::I64).map(Some),
        _ => Ok(None),
    }
}

/// The error for indices that a kernel found outside of `0..size`. They are the ones that the call was made with, or
/// those that a derivative kept: `x.data` and NumPy change what is kept without being noticed.
#[cold]
pub fn strayed<T>(kind: Kind, index: &Tensor, size: usize, dim: usize) -> Result<T> {
    // Another thread may have changed them back.
    let bad =
        dispatch::index::out_of_bounds(index, size, false).map_or_else(|| "that is gone".to_owned(), |b| b.to_string());
    let line = match kind {
        Kind::Index => "index out of range in self".to_owned(),
        _ => format!("index {bad} is out of bounds for dimension {dim} with size {size}"),
    };
    Err(three_parts(
        kind,
        Some(line),
        format!("index: expected indices from 0 to {}", size as i64 - 1),
        bad,
        "Check the index tensor, and do not change it before backward().".to_owned(),
    ))
}

/// The index of an element-wise lookup: int64, as many dims as `x`, and within it apart from `dim`, which
/// [`elements`] looks at.
pub fn lookup(name: &str, x: &Tensor, dim: usize, index: &Tensor, src: Option<&Tensor>) -> Result<Tensor> {
    if index.numel() == 0 {
        return to_dtype(index, DType::I64);
    }
    let Some(i) = wide(index)? else {
        fail!(Runtime, torch: ("{name}(): Expected dtype int32/int64 for index"), expected: ("{name}: expected an int64 index"), got: ("{}", index.dtype().name()), fix: ("Convert it with .long()."));
    };
    let whose = if name == "gather" { "input" } else { "self" };
    if i.ndim().max(1) != x.ndim().max(1) {
        fail!(Runtime, torch: ("Index tensor must have the same number of dimensions as {whose} tensor"), expected: ("{name}: expected an index of {} dims", x.ndim()), got: ("{}", i.ndim()), fix: ("Unsqueeze or expand the index."));
    }
    if let Some(s) = src.filter(|s| s.ndim().max(1) != i.ndim().max(1)) {
        fail!(Runtime, torch: ("Index tensor must have the same number of dimensions as src tensor"), expected: ("{name}: expected a source of {} dims", i.ndim()), got: ("{}", s.ndim()), fix: ("Unsqueeze or expand the source."));
    }
    let fits =
        (0..i.ndim()).all(|d| (d == dim || i.size(d) <= x.size(d)) && src.is_none_or(|s| i.size(d) <= s.size(d)));
    if !fits {
        let (want, have) = (layout::show(x.shape()), layout::show(i.shape()));
        let line = match src {
            Some(s) => format!(
                "Expected index {have} to be no larger than self {want} apart from dimension {dim} and to be no larger size than src {}",
                layout::show(s.shape())
            ),
            None if name == "gather" => {
                let d = (0..i.ndim()).find(|&d| d != dim && i.size(d) > x.size(d)).unwrap_or(0);
                format!(
                    "Size does not match at dimension {d} expected index {have} to be no larger than self {want} apart from dimension {dim}"
                )
            }
            None => format!("Expected index {have} to be no larger than self {want} apart from dimension {dim}"),
        };
        fail!(Runtime, torch: ("{line}"), expected: ("{name}: expected an index inside the tensor"), got: ("{have} for {want}"), fix: ("Narrow the index."));
    }
    Ok(i)
}

/// The index of an element-wise write: int64, as many dims as `x`, and within it.
pub fn elements(name: &str, x: &Tensor, dim: usize, index: &Tensor, src: Option<&Tensor>) -> Result<Tensor> {
    let i = lookup(name, x, dim, index, src)?;
    if let Some(bad) = dispatch::index::out_of_bounds(&i, x.size(dim), false) {
        fail!(Runtime, torch: ("index {bad} is out of bounds for dimension {dim} with size {}", x.size(dim)), expected: ("{name}: expected indices from 0 to {}", x.size(dim) as i64 - 1), got: ("{bad}"), fix: ("Check the index tensor."));
    }
    Ok(i)
}

/// `out[i] = x[i with dim replaced by index[i]]`.
pub fn gather(x: &Tensor, dim: i64, index: &Tensor) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    let i = lookup("gather", x, d, index, None)?;
    Places { dim: d, whole: false }.read(x, &i)
}

fn gather_sparse(x: &Tensor, dim: i64, index: &Tensor, sparse_grad: bool) -> Result<Tensor> {
    if !sparse_grad || x.ndim() == 0 || !needs_grad(&[x]) {
        return gather(x, dim, index);
    }
    let d = x.wrap_dim(dim)?;
    let i = lookup("gather", x, d, index, None)?;
    let shape = Shape::from_slice(x.shape());
    let out = no_grad(|| Places { dim: d, whole: false }.read(x, &i))?;
    record(out, "GatherBackward0", &[x], |s| {
        let i = s.input(&i);
        move |c, g| grads![super::sparse::of_elements(g, &c.get(i)?, d, &shape)?]
    })
}

impl Places {
    /// The elements or slices of `x` at these places, if they exist.
    pub fn read(self, x: &Tensor, index: &Tensor) -> Result<Tensor> {
        let (out, name) = if self.whole {
            let mut shape = Shape::from_slice(x.shape());
            if let Some(n) = shape.get_mut(self.dim) {
                *n = index.numel();
            }
            let out = dispatch::empty(&shape, x.dtype(), x.device())?;
            if !dispatch::index::index_select(x, self.dim, index, &out) {
                // torch looks along its dim 1 by a road of its own, which raises another class.
                let kind = if self.dim == 1 { Kind::Runtime } else { Kind::Index };
                return strayed(kind, index, x.size(self.dim), self.dim);
            }
            (out, "IndexSelectBackward0")
        } else {
            let out = dispatch::empty(index.shape(), x.dtype(), x.device())?;
            if !dispatch::index::gather(x, self.dim, index, &out) {
                return strayed(Kind::Runtime, index, x.size(self.dim), self.dim);
            }
            (out, "GatherBackward0")
        };
        let shape = Shape::from_slice(x.shape());
        record(out, name, &[x], |s| {
            let index = s.input(index);
            move |c, g| {
                let zeros = dispatch::zeros(&shape, g.dtype(), g.device())?;
                grads![self.add(&zeros, &c.get(index)?, g, &Dest::InPlace)?]
            }
        })
    }
}

/// Indices along an empty dim name nothing.
fn check_axis(x: &Tensor, d: usize, index: &Tensor) -> Result<()> {
    if x.size(d) == 0 && index.numel() > 0 {
        fail!(Runtime, torch: ("index_select(): self indexing axis dim should be positive"), expected: ("index_select: expected elements along dim {d}"), got: ("shape {:?}", x.shape()), fix: ("Check the shape first."));
    }
    Ok(())
}

/// Whole slices along a dim.
pub fn index_select(x: &Tensor, dim: i64, index: &Tensor) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    if index.ndim() > 1 {
        fail!(Index, torch: ("index_select(): Index is supposed to be a vector"), expected: ("index_select: expected a 1-d index"), got: ("{} dims", index.ndim()), fix: ("Flatten it, or index with x[...]."));
    }
    let Some(i) = wide(index)? else {
        fail!(Runtime, torch: ("index_select(): Expected dtype int32 or int64 for index"), expected: ("index_select: expected an int64 index"), got: ("{}", index.dtype().name()), fix: ("Convert it with .long()."));
    };
    if x.ndim() == 0 && i.numel() != 1 {
        fail!(Runtime, torch: ("index_select(): Index to scalar can have only 1 value, got {} value(s)", i.numel()), expected: ("index_select: expected 1 index for a 0-d tensor"), got: ("{}", i.numel()), fix: ("Use unsqueeze(0) first."));
    }
    check_axis(x, d, &i)?;
    Places { dim: d, whole: true }.read(x, &i.reshape_to(&[i.numel()])?)
}

/// `x.flatten()[index]`.
pub fn take(x: &Tensor, index: &Tensor) -> Result<Tensor> {
    if index.dtype() != DType::I64 {
        fail!(Runtime, torch: ("take(): Expected a long tensor for index, but got {}", index.dtype().scalar_name()), expected: ("take: expected an int64 index"), got: ("{}", index.dtype().name()), fix: ("Convert it with .long()."));
    }
    if x.numel() == 0 && index.numel() != 0 {
        fail!(Index, torch: ("take(): tried to take from an empty tensor"), expected: ("take: expected elements to take"), got: ("an empty tensor"), fix: ("Check the input."));
    }
    taken(x, index)
}

/// [`take`] with an int64 index.
pub fn taken(x: &Tensor, index: &Tensor) -> Result<Tensor> {
    let out = dispatch::empty(index.shape(), x.dtype(), x.device())?;
    if !dispatch::index::take(x, index, &out) {
        return put::flat_strayed(index, x.numel());
    }
    let shape = Shape::from_slice(x.shape());
    record(out, "TakeBackward0", &[x], |s| {
        let index = s.input(index);
        move |c, g| {
            let zeros = dispatch::zeros(&shape, g.dtype(), g.device())?;
            grads![put::put_at(&zeros, &c.get(index)?, g, true, &Dest::InPlace)?]
        }
    })
}

/// `gather` whose indices broadcast against the input; without a dim both are flattened.
pub fn take_along_dim(x: &Tensor, indices: &Tensor, dim: Option<i64>) -> Result<Tensor> {
    if indices.dtype() != DType::I64 {
        fail!(Runtime, torch: ("torch.take_along_dim(): dtype of indices should be Long but got {}", indices.dtype().scalar_name()), expected: ("take_along_dim: expected int64 indices"), got: ("{}", indices.dtype().name()), fix: ("Convert them with .long()."));
    }
    let Some(dim) = dim else {
        return gather(&x.reshape_to(&[x.numel()])?, 0, &indices.reshape_to(&[indices.numel()])?);
    };
    if x.ndim() != indices.ndim() {
        fail!(Runtime, torch: ("torch.take_along_dim(): input and indices should have the same number of dimensions, but got {} dimensions for input, and {} dimensions for indices", x.ndim(), indices.ndim()),
            expected: ("take_along_dim: expected {} dims", x.ndim()), got: ("{}", indices.ndim()), fix: ("Unsqueeze the indices."));
    }
    let d = x.wrap_dim(dim)?;
    let n = x.size(d);
    // Indices wrap around, negative ones from the end.
    let indices = match dispatch::index::out_of_bounds(indices, n, false) {
        Some(_) if n > 0 => {
            no_grad(|| super::arith::remainder(indices, &dispatch::wrapped((n as i64).into())?, &Dest::New))?
        }
        _ => indices.clone(),
    };
    let with = |t: &Tensor, n: usize| {
        let mut s = Shape::from_slice(t.shape());
        s.get_mut(d).into_iter().for_each(|e| *e = n);
        s
    };
    let common = layout::broadcast(&with(x, 1), &with(&indices, 1))?;
    let shape = |t: &Tensor| {
        let mut s = common.clone();
        s.get_mut(d).into_iter().for_each(|e| *e = t.size(d));
        s
    };
    let (to, from) = (shape(x), shape(&indices));
    gather(&expand_to(x, &to)?, dim, &expand_to(&indices, &from)?)
}

/// The elements where a mask holds, in order.
pub fn masked_select(x: &Tensor, mask: &Tensor) -> Result<Tensor> {
    if mask.dtype() != DType::Bool {
        fail!(Runtime, torch: ("masked_select: expected BoolTensor for mask"), expected: ("masked_select: expected a bool mask"), got: ("{}", mask.dtype().name()), fix: ("Convert it with .bool()."));
    }
    if x.is_meta() || mask.is_meta() {
        fail!(NotImplemented, torch: ("masked_select: the result's shape depends on data, which meta tensors do not have"), expected: ("masked_select: expected tensors with data"), got: ("meta tensors"), fix: ("Make them on the CPU."));
    }
    let shape = layout::broadcast(x.shape(), mask.shape())?;
    selected(&expand_to(x, &shape)?, &expand_to(mask, &shape)?)
}

/// [`masked_select`] with a mask of the input's shape.
pub fn selected(x: &Tensor, mask: &Tensor) -> Result<Tensor> {
    let out = dispatch::index::masked_select(x, mask, |n| dispatch::empty(&[n], x.dtype(), x.device()))?;
    let shape = Shape::from_slice(x.shape());
    record(out, "MaskedSelectBackward0", &[x], |s| {
        let mask = s.input(mask);
        move |c, g| {
            let zeros = dispatch::zeros(&shape, g.dtype(), g.device())?;
            grads![put::fill_from(&zeros, &c.get(mask)?, g, &Dest::InPlace)?]
        }
    })
}

/// Rows of a matrix, one per index.
pub fn embedding(
    weight: &Tensor,
    indices: &Tensor,
    padding_idx: i64,
    scale_grad_by_freq: bool,
    sparse: bool,
) -> Result<Tensor> {
    if weight.ndim() != 2 {
        fail!(Runtime, torch: ("'weight' must be 2-D"), expected: ("embedding: expected a matrix of weights"), got: ("{} dims", weight.ndim()), fix: ("Give (num_embeddings, embedding_dim)."));
    }
    let Some(i) = wide(indices)? else {
        fail!(Runtime, torch: ("Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got torch.{}Tensor instead (while checking arguments for embedding)", indices.dtype().scalar_name()),
            expected: ("embedding: expected int64 indices"), got: ("{}", indices.dtype().name()), fix: ("Convert them with .long()."));
    };
    let rows = weight.size(0);
    check_axis(weight, 0, &i)?;
    let mut shape = Shape::from_slice(i.shape());
    shape.push(weight.size(1));
    let out = dispatch::empty(&shape, weight.dtype(), weight.device())?;
    no_grad(|| {
        let rows_of = out.reshape_to(&[i.numel(), weight.size(1)])?;
        if !dispatch::index::index_select(weight, 0, &i.reshape_to(&[i.numel()])?, &rows_of) {
            return strayed(Kind::Index, &i, rows, 0);
        }
        Ok(())
    })?;
    record(out, "EmbeddingBackward0", &[weight], |s| {
        let i = s.input(&i);
        move |c, g| {
            if !sparse {
                return grads![embedding_dense_backward(g, &c.get(i)?, rows as i64, padding_idx, scale_grad_by_freq)?];
            }
            if scale_grad_by_freq {
                fail!(Runtime, torch: ("embedding_backward: scale_grad_by_freq not supported with sparse gradients"), expected: ("embedding: expected scale_grad_by_freq=False beside sparse=True"), got: ("True"), fix: ("Leave one of them out."));
            }
            grads![super::sparse::of_rows(g, &c.get(i)?, rows, (padding_idx >= 0).then_some(padding_idx))?]
        }
    })
}

/// The gradient by the weight of [`embedding`]: rows are summed in index order, those of `padding_idx` left out.
pub fn embedding_dense_backward(
    g: &Tensor,
    indices: &Tensor,
    num_weights: i64,
    padding_idx: i64,
    scale_grad_by_freq: bool,
) -> Result<Tensor> {
    let Some(i) = wide(indices)? else {
        fail!(Runtime, torch: ("Expected tensor for argument #2 'indices' to have one of the following scalar types: Long, Int; but got torch.{}Tensor instead (while checking arguments for embedding_backward)", indices.dtype().scalar_name()),
            expected: ("embedding_dense_backward: expected int64 indices"), got: ("{}", indices.dtype().name()), fix: ("Convert them with .long()."));
    };
    let width = g.shape().last().copied().unwrap_or(1);
    let out = dispatch::zeros(&[num_weights.max(0) as usize, width], g.dtype(), g.device())?;
    if i.numel() * width != g.numel() {
        fail!(Runtime, expected: ("embedding_dense_backward: expected {} rows of gradient", i.numel()), got: ("shape {:?}", g.shape()), fix: ("Pass the gradient of embedding's result."));
    }
    no_grad(|| {
        let flat = copy::contiguous(&i)?.reshape_to(&[i.numel()])?;
        let rows = copy::contiguous(g)?.reshape_to(&[i.numel(), width])?;
        let inside = if g.dtype().is_float() {
            let padding = (padding_idx >= 0).then_some(padding_idx);
            dispatch::index::embedding_backward(&rows, &flat, &out, padding, scale_grad_by_freq)
        } else {
            dispatch::index::index_add(&out, 0, &flat, &rows, dispatch::index::Scatter::Add, true)
        };
        if inside { Ok(()) } else { strayed(Kind::Index, &i, out.size(0), 0) }
    })?;
    record(out, "EmbeddingDenseBackwardBackward0", &[g], |s| {
        let i = s.input(&i);
        move |c, gg| {
            if scale_grad_by_freq {
                fail!(Runtime, torch: ("double backward for scale_grad_by_freq is not supported"), expected: ("embedding: expected scale_grad_by_freq=False for a second derivative"), got: ("True"), fix: ("Scale the gradient yourself."));
            }
            let i = c.get(i)?;
            let rows = embedding(gg, &i, -1, false, false)?;
            if padding_idx < 0 {
                return grads![rows];
            }
            let padding = view::unsqueeze(&i.eq_scalar(padding_idx as f64)?, -1)?;
            grads![rows.masked_fill_scalar(&padding, 0.0)?]
        }
    })
}

ops! {
    /// Elements of self along `dim`: `out[i][j] = self[index[i][j]][j]` for dim 0.
    "gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor" [f m o] => gather_sparse(0, 1, 2, 3);
    /// Whole slices of self along `dim`, in the order of the 1-d `index`.
    "index_select(Tensor self, int dim, Tensor index) -> Tensor" [f m o] => index_select(0, 1, 2);
    /// Elements of the flattened self.
    "take(Tensor self, Tensor index) -> Tensor" [f m o] => take(0, 1);
    /// `gather` whose indices broadcast; without `dim` on the flattened self.
    "take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor" [f m o] => take_along_dim(0, 1, 2);
    /// The elements where the mask holds, as a 1-d tensor.
    "masked_select(Tensor self, Tensor mask) -> Tensor" [f m o] => masked_select(0, 1);
    /// Rows of `weight`, one per index.
    "embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor" [f] => embedding(0, 1, 2, 3, 4);
    /// The gradient of `embedding` by its weight.
    "embedding_dense_backward(Tensor grad_output, Tensor indices, int num_weights, int padding_idx, bool scale_grad_by_freq) -> Tensor" [f p] => embedding_dense_backward(0, 1, 2, 3, 4);
}
