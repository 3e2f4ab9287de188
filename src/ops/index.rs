//! Indexing with tensors.

use super::copy::{self, to_dtype};
use super::create;
use super::inplace;
use super::view::expand_to;
use crate::autograd::record;
use crate::autograd::record::{Ctx, Saver, Slot};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, Device, Tensor};

/// Where an element is non-zero: one row of indices per element.
pub fn nonzero(x: &Tensor) -> Result<Tensor> {
    if x.is_meta() {
        fail!(NotImplemented, torch: ("nonzero: the result's shape depends on data, which meta tensors do not have"), expected: ("nonzero: expected a tensor with data"), got: ("a meta tensor"), fix: ("Make it on the CPU."));
    }
    dispatch::index::nonzero(x, |n| {
        let shape = [n, x.ndim()];
        // On the CPU column by column, as in torch: what indexing by a mask wants. The GPU's kernel writes rows.
        if x.is_gpu() || x.ndim() == 0 {
            return dispatch::empty(&shape, DType::I64, x.device());
        }
        dispatch::empty_strided(&shape, &[1, n as isize], DType::I64, x.device())
    })
}

/// The slots for a mask's further dims, where the caller left room for them in the list.
fn empty_slots(mask: &Tensor, rest: &[Option<Tensor>]) -> usize {
    rest.iter().take(mask.ndim().saturating_sub(1)).take_while(|s| s.is_none()).count()
}

/// Masks become index tensors, all index tensors int64 of one shape. Kernels look at bounds where they read.
fn prepare(x: &Tensor, indices: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
    let mut out: Vec<Option<Tensor>> = Vec::with_capacity(x.ndim());
    let mut skip = 0;
    for (i, index) in indices.iter().enumerate() {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let Some(t) = index else {
            out.push(None);
            continue;
        };
        if t.is_meta() && !x.is_meta() && t.dtype() == DType::Bool {
            fail!(NotImplemented, expected: ("index: expected a mask with data, whose true elements can be counted"), got: ("a meta tensor"), fix: ("Make it on the CPU."));
        }
        if t.is_meta() && !x.is_meta() {
            fail!(Runtime, torch: ("indices should be either on cpu or on the same device as the indexed tensor ({})", x.device()), expected: ("index: expected indices with data"), got: ("a meta tensor"), fix: ("Make them on the CPU."));
        }
        let there = match x.is_gpu() && t.device() == Device::Cpu {
            true => {
                let there = dispatch::empty(t.shape(), t.dtype(), x.device())?;
                dispatch::copy(t, &there);
                Some(there)
            }
            false => None,
        };
        let t = there.as_ref().unwrap_or(t);
        match t.dtype() {
            DType::Bool | DType::U8 => {
                for k in 0..t.ndim() {
                    if x.size(out.len() + k) != t.shape()[k] || out.len() + k >= x.ndim() {
                        fail!(Index, torch: ("The shape of the mask {:?} at index {k} does not match the shape of the indexed tensor {:?} at index {}", t.shape(), x.shape(), out.len() + k),
                            expected: ("index: expected a mask shaped like the dims that it covers"), got: ("{:?}", t.shape()), fix: ("Reshape the mask, or index the dims apart."));
                    }
                }
                let rows = nonzero(t)?;
                skip = empty_slots(t, &indices[i + 1..]);
                for k in 0..t.ndim() {
                    out.push(Some(super::view::select(&rows, 1, k as i64)?));
                }
            }
            DType::I64 | DType::I32 => out.push(Some(to_dtype(t, DType::I64)?)),
            d => {
                fail!(Index, torch: ("tensors used as indices must be long, int, byte or bool tensors"), expected: ("index: expected integers or a mask"), got: ("{}", d.name()), fix: ("Convert with .long() or .bool()."))
            }
        }
    }
    if out.len() > x.ndim() {
        fail!(Index, torch: ("too many indices for tensor of dimension {} (got {})", x.ndim(), out.len()), expected: ("index: expected at most {} indices", x.ndim()), got: ("{}", out.len()), fix: ("Remove some."));
    }
    out.resize(x.ndim(), None);
    let mut shape = Shape::new();
    for t in out.iter().flatten() {
        shape = match layout::broadcast(&shape, t.shape()) {
            Ok(s) => s,
            Err(_) => {
                let shapes: Vec<String> = out.iter().flatten().map(|t| format!("{:?}", t.shape())).collect();
                fail!(Index, torch: ("shape mismatch: indexing tensors could not be broadcast together with shapes {}", shapes.join(", ")), expected: ("index: expected index tensors that broadcast"), got: ("{}", shapes.join(", ")), fix: ("Reshape them."));
            }
        };
    }
    for (d, slot) in out.iter_mut().enumerate() {
        if let Some(t) = slot {
            if x.shape()[d] == 0 && t.numel() > 0 {
                fail!(Index, torch: ("index is out of bounds for dimension with size 0"), expected: ("index: expected no indices for a dim of size 0"), got: ("{}", t.numel()), fix: ("Check the index tensor."));
            }
            if t.shape() != &shape[..] {
                *slot = Some(expand_to(t, &shape)?);
            }
        }
    }
    Ok(out)
}

/// The error for indices outside of their dims: those that the call was made with, or those that a derivative kept, whose
/// change by `x.data` and NumPy is not noticed.
#[cold]
fn strayed<T>(x: &Tensor, list: &[Option<Tensor>]) -> Result<T> {
    for (d, t) in list.iter().enumerate() {
        let n = x.size(d);
        if let Some(bad) = t.as_ref().and_then(|t| dispatch::index::out_of_bounds(t, n, true)) {
            fail!(Index, torch: ("index {bad} is out of bounds for dimension {d} with size {n}"), expected: ("index: expected indices from {} to {}", -(n as i64), n as i64 - 1), got: ("{bad}"), fix: ("Check the index tensor, and do not change it before backward()."));
        }
    }
    // Another thread has changed them back.
    fail!(Index, torch: ("index is out of bounds"), expected: ("index: expected indices within the tensor"), got: ("others"), fix: ("Do not change index tensors while they are read."))
}

/// The result's shape: index tensors that stand together put their shape in their place, else in front.
fn result_shape(x: &Tensor, indices: &[Option<Tensor>]) -> Shape {
    let at: Vec<usize> = (0..indices.len()).filter(|&d| indices[d].is_some()).collect();
    let Some((&first, &last)) = at.first().zip(at.last()) else { return x.shape().into() };
    let own = indices[first].as_ref().map_or(&[][..], |t| t.shape());
    let together = last - first + 1 == at.len();
    let mut shape = Shape::new();
    if !together {
        shape.extend_from_slice(own);
    }
    for d in 0..x.ndim() {
        if together && d == first {
            shape.extend_from_slice(own);
        }
        if indices[d].is_none() {
            shape.push(x.shape()[d]);
        }
    }
    shape
}

fn is_mask(t: &Tensor) -> bool {
    matches!(t.dtype(), DType::Bool | DType::U8)
}

/// A mask of no dims stands for a dim of size 1 in its place, which it keeps or empties: `x` with those dims, and their
/// indices. None if there is no such mask.
fn lifted(x: &Tensor, indices: &[Option<Tensor>]) -> Result<Option<(Tensor, Vec<Option<Tensor>>)>> {
    if !indices.iter().flatten().any(|t| t.ndim() == 0 && is_mask(t)) {
        return Ok(None);
    }
    let (mut y, mut list, mut dim, mut skip) = (x.clone(), Vec::with_capacity(indices.len()), 0, 0);
    for (i, slot) in indices.iter().enumerate() {
        let mut slot = slot.clone();
        match &slot {
            None if skip > 0 => skip -= 1,
            Some(t) if t.ndim() == 0 && is_mask(t) => {
                y = super::view::unsqueeze(&y, dim as i64)?;
                slot = Some(dispatch::zeros(&[t.item_bool()? as usize], DType::I64, y.device())?);
                dim += 1;
            }
            Some(t) if is_mask(t) => {
                skip = empty_slots(t, &indices[i + 1..]);
                dim += t.ndim();
            }
            _ => dim += 1,
        }
        list.push(slot);
    }
    Ok(Some((y, list)))
}

/// `x[indices]`: one index tensor or mask per dim, None for dims taken whole.
pub fn index(x: &Tensor, indices: &[Option<Tensor>]) -> Result<Tensor> {
    if let Some((x, indices)) = lifted(x, indices)? {
        return index(&x, &indices);
    }
    let list = prepare(x, indices)?;
    if list.iter().all(Option::is_none) {
        return copy::clone(x, None);
    }
    gather(x, list)
}

fn gather(x: &Tensor, list: Vec<Option<Tensor>>) -> Result<Tensor> {
    let out = dispatch::empty(&result_shape(x, &list), x.dtype(), x.device())?;
    if !dispatch::index::index(x, &list, &out) {
        return strayed(x, &list);
    }
    let shape = Shape::from_slice(x.shape());
    record(out, "IndexBackward0", &[x], |s| {
        let list = Indices::keep(s, &list);
        move |c, g| {
            let zeros = dispatch::zeros(&shape, g.dtype(), g.device())?;
            grads![put(&zeros, &list.get(c)?, g, true)?]
        }
    })
}

// Index tensors that a derivative reads, so that a change of theirs is noticed.
struct Indices(Vec<Option<Slot>>);

impl Indices {
    fn keep(s: &mut Saver, list: &[Option<Tensor>]) -> Indices {
        Indices(list.iter().map(|t| s.optional(t.as_ref())).collect())
    }
    fn get(&self, c: &Ctx) -> Result<Vec<Option<Tensor>>> {
        self.0.iter().map(|&slot| c.get_opt(slot)).collect()
    }
}

// `x` with values put in, as a new tensor; recorded.
fn put(x: &Tensor, list: &[Option<Tensor>], values: &Tensor, accumulate: bool) -> Result<Tensor> {
    let y = copy::clone(&x.detach(), None)?;
    if !dispatch::index::index_put(&y, list, values, accumulate) {
        return strayed(x, list);
    }
    record(y, "IndexPutBackward0", &[x, values], |s| {
        let list = Indices::keep(s, list);
        move |c, g| put_backward(c, g, &list.get(c)?, accumulate)
    })
}

fn put_backward(c: &Ctx, g: &Tensor, list: &[Option<Tensor>], accumulate: bool) -> Result<crate::tensor::Grads> {
    let gx = c.when(0, || {
        if accumulate {
            Ok(g.clone())
        } else {
            let zero = dispatch::zeros(&result_shape(g, list), g.dtype(), g.device())?;
            put(g, list, &zero, false)
        }
    })?;
    grads![gx, c.when(1, || gather(g, list.to_vec()))?]
}

/// `x[indices] = values`, or `+=` with `accumulate`. Values broadcast.
pub fn index_put_(x: &Tensor, indices: &[Option<Tensor>], values: &Tensor, accumulate: bool) -> Result<Tensor> {
    // One value for all that masks select is a fill, which converts.
    let fill = values.numel() == 1 && !accumulate && indices.iter().flatten().all(|t| t.dtype() == DType::Bool);
    match lifted(x, indices)? {
        Some((y, indices)) => write_at(&y, &indices, values, accumulate, fill).map(|_| x.clone()),
        None => write_at(x, indices, values, accumulate, fill),
    }
}

fn write_at(x: &Tensor, indices: &[Option<Tensor>], values: &Tensor, accumulate: bool, fill: bool) -> Result<Tensor> {
    let list = prepare(x, indices)?;
    if list.iter().all(Option::is_none) {
        return copy::copy_(x, values, false);
    }
    if values.device() != x.device() && (values.is_meta() || values.ndim() > 0) {
        fail!(Runtime, torch: ("Expected all tensors to be on the same device, but found at least two devices, {} and {}!", x.device(), values.device()), expected: ("index_put_: expected values on {}", x.device()), got: ("{}", values.device()), fix: ("Move them with .to()."));
    }
    let shape = result_shape(x, &list);
    let mut v = values.clone();
    if layout::broadcast(v.shape(), &shape).ok().as_deref() != Some(&shape[..]) {
        fail!(Runtime, torch: ("shape mismatch: value tensor of shape {:?} cannot be broadcast to indexing result of shape {:?}", v.shape(), &shape[..]),
            expected: ("index_put_: expected values that broadcast to {:?}", &shape[..]), got: ("{:?}", values.shape()), fix: ("Reshape the values."));
    }
    if v.dtype() != x.dtype() {
        if !fill {
            fail!(Runtime, torch: ("Index put requires the source and destination dtypes match, got {} for the destination and {} for the source.", x.dtype().scalar_name(), v.dtype().scalar_name()),
                expected: ("index_put_: expected values of dtype {}", x.dtype().name()), got: ("{}", v.dtype().name()), fix: ("Convert the values."))
        }
        create::check_value(v.item()?, x.dtype())?;
        v = to_dtype(&v, x.dtype())?;
    }
    let named: smallvec::SmallVec<[&Tensor; 4]> = indices.iter().flatten().collect();
    match named[..] {
        // torch fills by a mask here, which may be the tensor itself.
        [mask] if !accumulate && values.numel() == 1 && matches!(mask.dtype(), DType::Bool | DType::U8) => {
            inplace::check_overlap(x, mask)?;
        }
        _ => named.iter().chain([&values]).try_for_each(|y| inplace::check_apart(x, &[y]))?,
    }
    let v = expand_to(&v, &shape)?;
    let v = if inplace::may_overlap(x, &v) { copy::clone(&v, None)? } else { v };
    inplace::write(
        x,
        "IndexPutBackward0",
        &[x, &v],
        |x| {
            if dispatch::index::index_put(x, &list, &v, accumulate) { Ok(()) } else { strayed(x, &list) }
        },
        |s| {
            let list = Indices::keep(s, &list);
            move |c, g| put_backward(c, g, &list.get(c)?, accumulate)
        },
    )
}

fn index_put(x: &Tensor, indices: &[Option<Tensor>], values: &Tensor, accumulate: bool) -> Result<Tensor> {
    index_put_(&copy::clone(x, None)?, indices, values, accumulate)
}

ops! {
    /// `x[indices] = values`; with `accumulate`, `+=`, in index order.
    "index_put_(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor" [f m] => index_put_(0, 1, 2, 3);
    /// `index_put_` on a copy.
    "index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor" [f m] => index_put(0, 1, 2, 3);
}
