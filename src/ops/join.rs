//! Tensors side by side: cat, stack and their relatives, repetition.

use super::copy::{self, to_dtype};
use super::helpers::same_device;
use super::view::{self, expand_to};
use crate::autograd::{named, record};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::tensor::layout::{self, MemoryFormat, Shape, wrap_dim};
use crate::tensor::promote::ResultType;
use crate::tensor::{DType, Grads, Tensor};
use smallvec::SmallVec;

type Refs<'a> = SmallVec<[&'a Tensor; 8]>;

fn common_dtype(xs: &[Tensor]) -> DType {
    if xs.windows(2).all(|w| w[0].dtype() == w[1].dtype()) {
        return xs.first().map_or(DType::F32, Tensor::dtype);
    }
    let mut r = ResultType::default();
    xs.iter().for_each(|x| r.add(x));
    r.get()
}

/// The format that all tensors suggest, else contiguous.
fn common_format(xs: &[&Tensor]) -> MemoryFormat {
    let first = layout::suggested_format(xs[0].shape(), xs[0].strides());
    let all = first != MemoryFormat::Contiguous
        && xs[1..].iter().all(|x| layout::suggested_format(x.shape(), x.strides()) == first);
    if all { first } else { MemoryFormat::Contiguous }
}

/// torch lets 1-d tensors without elements stand for nothing.
fn is_nothing(x: &Tensor) -> bool {
    x.shape() == [0]
}

/// The shape of a concatenation, with torch's checks.
fn cat_shape(all: &[Tensor], xs: &[&Tensor], dim: usize) -> Result<Shape> {
    let mut shape = Shape::from_slice(xs[0].shape());
    for x in &xs[1..] {
        if x.ndim() != shape.len() {
            fail!(Runtime, torch: ("Tensors must have same number of dimensions: got {} and {}", shape.len(), x.ndim()), expected: ("cat: expected {} dims", shape.len()), got: ("{}", x.ndim()), fix: ("Unsqueeze, or use stack()."));
        }
        for d in 0..shape.len() {
            if d != dim && x.shape()[d] != shape[d] {
                let at = all.iter().position(|t| t.is(x)).unwrap_or(0);
                fail!(Runtime, torch: ("Sizes of tensors must match except in dimension {dim}. Expected size {} but got size {} for tensor number {at} in the list.", shape[d], x.shape()[d]),
                    expected: ("cat: expected equal sizes but for dim {dim}"), got: ("{} and {}", layout::show(xs[0].shape()), layout::show(x.shape())), fix: ("Slice, pad or reshape one of them."));
            }
        }
        shape[dim] = shape[dim].saturating_add(x.shape()[dim]);
    }
    Ok(shape)
}

/// Tensors one after the other along a dim.
pub fn cat(tensors: &[Tensor], dim: i64) -> Result<Tensor> {
    if tensors.is_empty() {
        fail!(Value, torch: ("torch.cat(): expected a non-empty list of Tensors"), expected: ("cat: expected at least 1 tensor"), got: ("none"), fix: ("Check the list."));
    }
    if let Some(i) = tensors.iter().position(|t| t.ndim() == 0) {
        fail!(Runtime, torch: ("zero-dimensional tensor (at position {i}) cannot be concatenated"), expected: ("cat: expected at least 1 dim each"), got: ("a 0-d tensor"), fix: ("Use stack()."));
    }
    let refs: Refs = tensors.iter().collect();
    let device = same_device("cat", &refs)?;
    let dtype = common_dtype(tensors);
    let xs: Refs = tensors.iter().filter(|t| !is_nothing(t)).collect();
    let Some(first) = xs.first() else {
        let d = wrap_dim(dim, 1)?;
        let out = dispatch::empty(&[0], dtype, device)?;
        return recorded(out, "CatBackward0", &refs, d);
    };
    let d = first.wrap_dim(dim)?;
    let shape = cat_shape(tensors, &xs, d)?;
    let out = dispatch::empty_strided(&shape, &layout::format_strides(&shape, common_format(&xs)), dtype, device)?;
    dispatch::join::join(&xs, d, false, &out);
    recorded(out, "CatBackward0", &refs, d)
}

/// Which of many inputs want a gradient is known one by one for the first 63 only.
const LAST: usize = 63;

fn recorded(out: Tensor, name: &'static str, xs: &[&Tensor], dim: usize) -> Result<Tensor> {
    record(out, name, xs, |s| {
        let parts: Vec<(Shape, DType)> = s.inputs().iter().map(|x| (Shape::from_slice(x.shape()), x.dtype())).collect();
        move |c, g| {
            let mut at = 0;
            let mut out = Grads::new();
            for (i, (shape, dtype)) in parts.iter().enumerate() {
                let nothing = shape[..] == [0];
                let n = if nothing { 0 } else { shape[dim] as i64 };
                out.push(c.when(i.min(LAST), || {
                    if nothing {
                        return dispatch::zeros(shape, *dtype, g.device());
                    }
                    copy::cast_grad(&view::slice(g, dim as i64, Some(at), Some(at + n), 1)?, *dtype)
                })?);
                at += n;
            }
            Ok(out)
        }
    })
}

/// Tensors of one shape along a new dim.
pub fn stack(tensors: &[Tensor], dim: i64) -> Result<Tensor> {
    let Some(first) = tensors.first() else {
        fail!(Runtime, torch: ("stack expects a non-empty TensorList"), expected: ("stack: expected at least 1 tensor"), got: ("none"), fix: ("Check the list."));
    };
    let d = wrap_dim(dim, first.ndim() + 1)?;
    if let Some(i) = tensors.iter().position(|t| t.shape() != first.shape()) {
        fail!(Runtime, torch: ("stack expects each tensor to be equal size, but got {} at entry 0 and {} at entry {i}", layout::show(first.shape()), layout::show(tensors[i].shape())),
            expected: ("stack: expected one shape"), got: ("{} and {}", layout::show(first.shape()), layout::show(tensors[i].shape())), fix: ("Use cat(), or pad the smaller ones."));
    }
    let refs: Refs = tensors.iter().collect();
    let device = same_device("stack", &refs)?;
    let mut shape = Shape::from_slice(first.shape());
    shape.insert(d, tensors.len());
    let out = dispatch::empty(&shape, common_dtype(tensors), device)?;
    dispatch::join::join(&refs, d, true, &out);
    record(out, "StackBackward0", &refs, |s| {
        let dtypes: Vec<DType> = s.inputs().iter().map(|x| x.dtype()).collect();
        move |c, g| {
            dtypes
                .iter()
                .enumerate()
                .map(|(i, &dtype)| {
                    c.when(i.min(LAST), || copy::cast_grad(&view::select(g, d as i64, i as i64)?, dtype))
                })
                .collect()
        }
    })
}

fn non_empty(name: &str, tensors: &[Tensor]) -> Result<()> {
    if tensors.is_empty() {
        fail!(Runtime, torch: ("{name} expects a non-empty TensorList"), expected: ("{name}: expected at least 1 tensor"), got: ("none"), fix: ("Check the list."));
    }
    Ok(())
}

/// At least one dim.
pub fn atleast_1d(x: &Tensor) -> Result<Tensor> {
    if x.ndim() == 0 { x.reshape_to(&[1]) } else { Ok(x.clone()) }
}

/// At least two dims; new ones come in front.
pub fn atleast_2d(x: &Tensor) -> Result<Tensor> {
    match x.ndim() {
        0 => x.reshape_to(&[1, 1]),
        1 => view::unsqueeze(x, 0),
        _ => Ok(x.clone()),
    }
}

/// At least three dims; a vector is a row in the middle.
pub fn atleast_3d(x: &Tensor) -> Result<Tensor> {
    match x.ndim() {
        0 => x.reshape_to(&[1, 1, 1]),
        1 => view::unsqueeze(&view::unsqueeze(x, 0)?, -1),
        2 => view::unsqueeze(x, -1),
        _ => Ok(x.clone()),
    }
}

fn each(tensors: &[Tensor], f: fn(&Tensor) -> Result<Tensor>) -> Result<Vec<Tensor>> {
    tensors.iter().map(f).collect()
}

fn hstack(tensors: &[Tensor]) -> Result<Tensor> {
    non_empty("hstack", tensors)?;
    let xs = each(tensors, atleast_1d)?;
    cat(&xs, if xs[0].ndim() == 1 { 0 } else { 1 })
}

fn vstack(tensors: &[Tensor]) -> Result<Tensor> {
    non_empty("vstack", tensors)?;
    cat(&each(tensors, atleast_2d)?, 0)
}

fn dstack(tensors: &[Tensor]) -> Result<Tensor> {
    non_empty("dstack", tensors)?;
    cat(&each(tensors, atleast_3d)?, 2)
}

fn column_stack(tensors: &[Tensor]) -> Result<Tensor> {
    non_empty("column_stack", tensors)?;
    hstack(&each(tensors, |x| if x.ndim() <= 1 { x.reshape_to(&[x.numel(), 1]) } else { Ok(x.clone()) })?)
}

fn block_diag(tensors: &[Tensor]) -> Result<Tensor> {
    if let Some(i) = tensors.iter().position(|t| t.ndim() > 2) {
        fail!(Runtime, torch: ("torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {} dimensions", tensors[i].ndim()), expected: ("block_diag: expected matrices"), got: ("{} dims", tensors[i].ndim()), fix: ("Index the batch first."));
    }
    let blocks = each(tensors, atleast_2d)?;
    let refs: Refs = blocks.iter().collect();
    let (rows, cols) =
        blocks.iter().fold((0usize, 0usize), |(r, c), b| (r.saturating_add(b.size(0)), c.saturating_add(b.size(1))));
    let device = if refs.is_empty() { crate::tensor::Device::Cpu } else { same_device("block_diag", &refs)? };
    let dtype = if blocks.is_empty() { crate::tensor::promote::default_dtype() } else { common_dtype(tensors) };
    dispatch::check_size(&[rows.max(1), cols.max(1)], dtype)?;
    let out = dispatch::zeros(&[if blocks.is_empty() { 1 } else { rows }, cols], dtype, device)?;
    let block = |t: &Tensor, at: (usize, usize), size: (usize, usize)| {
        let part = view::slice(t, 0, Some(at.0 as i64), Some((at.0 + size.0) as i64), 1)?;
        view::slice(&part, 1, Some(at.1 as i64), Some((at.1 + size.1) as i64), 1)
    };
    let mut at = (0, 0);
    let mut places = Vec::with_capacity(blocks.len());
    for b in &blocks {
        let size = (b.size(0), b.size(1));
        dispatch::copy(b, &block(&out.detach(), at, size)?);
        places.push((at, size, b.dtype()));
        at = (at.0 + size.0, at.1 + size.1);
    }
    record(out, "BlockDiagBackward0", &refs, |_| {
        move |c, g| {
            places
                .iter()
                .enumerate()
                .map(|(i, &(at, size, dtype))| c.when(i.min(LAST), || copy::cast_grad(&block(g, at, size)?, dtype)))
                .collect()
        }
    })
}

/// The tensor `repeats[d]` times along each dim; new dims come in front.
pub fn repeat(x: &Tensor, repeats: &[i64]) -> Result<Tensor> {
    if repeats.len() < x.ndim() {
        fail!(Runtime, torch: ("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"), expected: ("repeat: expected at least {} counts", x.ndim()), got: ("{}", repeats.len()), fix: ("Give one count per dim."));
    }
    let lead = repeats.len() - x.ndim();
    let padded: Shape = std::iter::repeat_n(1, lead).chain(x.shape().iter().copied()).collect();
    let target: Vec<i64> = padded.iter().zip(repeats).map(|(&n, &r)| (n as i64).saturating_mul(r)).collect();
    let target = super::helpers::checked_shape("repeat", &target)?;
    dispatch::check_size(&target, x.dtype())?;
    // Every dim becomes (count, size), the count without a stride.
    let pairs: Shape = padded.iter().flat_map(|&n| [1, n]).collect();
    let spread: Shape = padded.iter().zip(repeats).flat_map(|(&n, &r)| [r.max(0) as usize, n]).collect();
    let wide = expand_to(&x.reshape_to(&padded)?.reshape_to(&pairs)?, &spread)?;
    let y = copy::clone(&wide, Some(MemoryFormat::Contiguous))?.reshape_to(&target)?;
    Ok(named(y, "RepeatBackward0", x))
}

fn tile(x: &Tensor, dims: &[i64]) -> Result<Tensor> {
    let missing = x.ndim().saturating_sub(dims.len());
    let all: Vec<i64> = std::iter::repeat_n(1, missing).chain(dims.iter().copied()).collect();
    repeat(x, &all)
}

/// `k` `repeats[k]` times, for all `k`.
fn interleaved(repeats: &Tensor, output_size: Option<i64>) -> Result<Tensor> {
    if repeats.ndim() != 1 {
        fail!(Runtime, torch: ("repeat_interleave only accept 1D vector as repeat"), expected: ("repeat_interleave: expected 1-d counts"), got: ("{} dims", repeats.ndim()), fix: ("Flatten them."));
    }
    if !matches!(repeats.dtype(), DType::I64 | DType::I32) {
        return super::helpers::not_implemented("repeat_interleave", repeats.dtype());
    }
    if repeats.is_meta() && output_size.is_none() {
        fail!(NotImplemented, torch: ("repeat_interleave: the result's shape depends on data, which meta tensors do not have"), expected: ("repeat_interleave: expected output_size"), got: ("None"), fix: ("Pass output_size."));
    }
    let total = if repeats.is_meta() {
        output_size.unwrap_or(0).max(0) as usize
    } else {
        let Some(total) = dispatch::join::total(repeats) else {
            fail!(Runtime, torch: ("repeats can not be negative"), expected: ("repeat_interleave: expected counts of at least 0"), got: ("a negative one"), fix: ("Clamp the counts."));
        };
        total
    };
    if output_size.is_some_and(|n| n as usize != total) {
        fail!(Runtime, torch: ("allocated size does not match required size"), expected: ("repeat_interleave: expected output_size={total}"), got: ("{}", output_size.unwrap_or(0)), fix: ("Leave it out."));
    }
    let out = dispatch::empty(&[total], DType::I64, repeats.device())?;
    dispatch::join::spread(repeats, &out);
    Ok(out)
}

fn interleave_counts(repeats: &Tensor, output_size: Option<i64>) -> Result<Tensor> {
    let i = interleaved(repeats, output_size)?;
    to_dtype(&i, repeats.dtype())
}

fn interleave_tensor(x: &Tensor, repeats: &Tensor, dim: Option<i64>, output_size: Option<i64>) -> Result<Tensor> {
    let (x, dim) = match dim {
        Some(d) => (x.clone(), d),
        None => (x.reshape_to(&[x.numel()])?, 0),
    };
    let d = x.wrap_dim(dim)?;
    let n = x.size(d);
    let repeats = match (repeats.ndim(), repeats.numel()) {
        (0, _) | (1, 1) => expand_to(&repeats.reshape_to(&[1])?, &[n])?,
        (1, m) if m == n => repeats.clone(),
        (1, m) => {
            fail!(Runtime, torch: ("repeats must have the same size as input along dim, but got repeats.size(0) = {m} and input.size({d}) = {n}"), expected: ("repeat_interleave: expected {n} counts"), got: ("{m}"), fix: ("Give one count per slice."))
        }
        _ => {
            fail!(Runtime, torch: ("repeats must be 0-dim or 1-dim tensor"), expected: ("repeat_interleave: expected 1-d counts"), got: ("{} dims", repeats.ndim()), fix: ("Flatten them."))
        }
    };
    super::gather::index_select(&x, dim, &interleaved(&repeats, output_size)?)
}

fn interleave_int(x: &Tensor, repeats: i64, dim: Option<i64>, output_size: Option<i64>) -> Result<Tensor> {
    let (x, dim) = match dim {
        Some(d) => (x.clone(), d),
        None => (x.reshape_to(&[x.numel()])?, 0),
    };
    let x = atleast_1d(&x)?;
    let d = x.wrap_dim(dim)?;
    if repeats < 0 {
        fail!(Runtime, torch: ("Repeats must be non-negative"), expected: ("repeat_interleave: expected a count of at least 0"), got: ("{repeats}"), fix: ("Check the count."));
    }
    let total = (x.size(d) as i64).saturating_mul(repeats);
    if output_size.is_some_and(|n| n != total) {
        fail!(Runtime, torch: ("repeat_interleave: Invalid output_size, expected {total} but got {}", output_size.unwrap_or(0)), expected: ("repeat_interleave: expected output_size={total}"), got: ("{}", output_size.unwrap_or(0)), fix: ("Leave it out."));
    }
    let mut shape = Shape::from_slice(x.shape());
    shape.insert(d + 1, repeats as usize);
    let wide = expand_to(&view::unsqueeze(&x, d as i64 + 1)?, &shape)?;
    let mut flat = Shape::from_slice(x.shape());
    flat[d] = total as usize;
    copy::clone(&wide, Some(MemoryFormat::Contiguous))?.reshape_to(&flat)
}

/// All tensors expanded to their common shape.
pub fn broadcast_tensors(tensors: &[Tensor]) -> Result<Vec<Tensor>> {
    let mut shape = Shape::new();
    for t in tensors {
        shape = layout::broadcast(&shape, t.shape())?;
    }
    tensors.iter().map(|t| if t.shape() == &shape[..] { Ok(t.clone()) } else { expand_to(t, &shape) }).collect()
}

ops! {
    /// Tensors one after the other along `dim`.
    "cat(Tensor[] tensors, int dim=0) -> Tensor" [f o] => cat(0, 1);
    /// Tensors of one shape along a new dim.
    "stack(Tensor[] tensors, int dim=0) -> Tensor" [f o] => stack(0, 1);
    /// Tensors side by side: along dim 1, vectors along dim 0.
    "hstack(Tensor[] tensors) -> Tensor" [f o] => hstack(0);
    /// Tensors one below the other; vectors are rows.
    "vstack(Tensor[] tensors) -> Tensor" [f o] => vstack(0);
    /// Tensors one behind the other, along dim 2.
    "dstack(Tensor[] tensors) -> Tensor" [f o] => dstack(0);
    /// Tensors side by side; vectors are columns.
    "column_stack(Tensor[] tensors) -> Tensor" [f o] => column_stack(0);
    /// Matrices along the diagonal, zeros elsewhere.
    "block_diag(Tensor[] tensors) -> Tensor" [p] => block_diag(0);
    /// All tensors expanded to their common shape.
    "broadcast_tensors(Tensor[] tensors) -> Tensor[]" [p v] => broadcast_tensors(0);
    /// The tensor `repeats[d]` times along each dim; new dims come in front.
    "repeat(Tensor self, int[] repeats) -> Tensor" [m] => repeat(0, 1);
    /// `repeat` with missing counts of 1 in front.
    "tile(Tensor self, int[] dims) -> Tensor" [f m] => tile(0, 1);
    /// `k` `repeats[k]` times, for all `k`.
    "repeat_interleave(Tensor repeats, *, int? output_size=None) -> Tensor" [f] => interleave_counts(0, 1);
    /// Every element or slice as often as `repeats` says.
    "repeat_interleave(Tensor self, Tensor repeats, int? dim=None, *, int? output_size=None) -> Tensor" [f m] => interleave_tensor(0, 1, 2, 3);
    /// Every element or slice `repeats` times.
    "repeat_interleave(Tensor self, int repeats, int? dim=None, *, int? output_size=None) -> Tensor" [f m] => interleave_int(0, 1, 2, 3);
}
