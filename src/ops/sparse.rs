//! Sparse tensors: made from parts and taken apart with derivatives, put in order, added, made dense.
//!
//! Everything else about them is Python's (`rustorch.sparse`), written with dense operations on the parts; what is here
//! is what the engine needs when a gradient is sparse. A gradient by a sparse tensor is wanted at its own places alone.

use super::arith;
use super::copy::{self, to_dtype};
use super::create::from_ints;
use super::gather::index_select;
use super::join::cat;
use super::pointwise::Pw;
use super::scatter::Places;
use super::search::search;
use super::view;
use crate::autograd::{no_grad, record};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::schema::Dest;
use crate::tensor::promote::result_type;
use crate::tensor::sparse::{Layout, Parts};
use crate::tensor::{DType, Device, MemoryFormat, Scalar, Tensor, layout};

/// The parts of a tensor that has to be sparse.
pub fn parts(x: &Tensor) -> Result<Parts> {
    let Some(sparse) = x.sparse() else {
        fail!(Runtime, expected: ("sparse: expected a sparse tensor"), got: ("a dense one"), fix: ("Use to_sparse()."))
    };
    Ok(sparse.parts())
}

/// A sparse tensor of parts, recorded as a function of the values.
pub fn build(values: &Tensor, of: Parts, shape: &[usize]) -> Result<Tensor> {
    layout::check_numel("sparse tensor", shape)?;
    if !fits(values, &of, shape) {
        fail!(Runtime, expected: ("sparse: expected int64 coordinates (sparse dims, values), or starts and plain indices of a matrix, and values that fit the shape {shape:?}"),
            got: ("indices {:?}, values {:?}", of.indices, values), fix: ("Check the shapes."));
    }
    let x = Tensor::of_parts(Parts { values: values.detach(), ..of }, shape);
    record(x, "SparseCooTensorWithDimsAndTensorsBackward0", &[values], |s| {
        let like = s.output(0);
        move |c, g| grads![at_places(g, &c.get(like)?)?]
    })
}

/// Have the parts the dtypes and shapes that everything here relies on? What indices say is checked where they are used.
fn fits(values: &Tensor, of: &Parts, shape: &[usize]) -> bool {
    let Some((&n, dense)) = values.shape().split_first() else { return false };
    let i = &of.indices;
    if values.sparse().is_some() || i.sparse().is_some() {
        return false;
    }
    match &of.plain {
        None => {
            i.dtype() == DType::I64
                && i.ndim() == 2
                && i.size(1) == n
                && shape.len() == i.size(0) + dense.len()
                && &shape[i.size(0)..] == dense
        }
        Some(plain) => {
            let (of_ints, lines) = (matches!(i.dtype(), DType::I64 | DType::I32), (of.layout == Layout::Csc) as usize);
            of_ints
                && plain.dtype() == i.dtype()
                && (i.ndim(), plain.ndim(), dense.len(), shape.len()) == (1, 1, 0, 2)
                && plain.numel() == n
                && i.numel() == shape[lines] + 1
        }
    }
}

/// The tensor with other values, one for each of its own.
pub fn with_values(x: &Tensor, values: &Tensor) -> Result<Tensor> {
    build(values, parts(x)?, x.shape())
}

/// The values, with their derivative.
pub fn values(x: &Tensor) -> Result<Tensor> {
    let parts = parts(x)?;
    let values = view::alias(&parts.values)?.detach();
    // A handle of its own: what is put into x later has other places.
    let like = Tensor::of_parts(parts, x.shape());
    record(values, "ValuesBackward0", &[x], |s| {
        let x = s.input(x);
        move |c, g| {
            c.get(x)?;
            grads![gradient_at(&like, g)?]
        }
    })
}

/// The gradient by a sparse tensor, given that by its values. Values of equal coordinates have one gradient, that of
/// their sum: it is there once.
fn gradient_at(x: &Tensor, g: &Tensor) -> Result<Tensor> {
    let p = parts(x)?;
    if p.coalesced || p.plain.is_some() {
        return with_values(x, g);
    }
    let sizes = &x.shape()[..sparse_dims(&p)];
    let all = copy::contiguous(&places(&p.indices, sizes)?)?;
    let (distinct, of, _) = dispatch::sort::unique(&all, false, true, false)?;
    let last = dispatch::zeros(&[distinct.numel()], DType::I64, all.device())?;
    let each = count(all.numel(), all.device())?;
    let last = Places { dim: 0, whole: true }.set(&last, &of, &each, &Dest::New)?;
    build(&index_select(g, 0, &last)?, Parts { indices: unravel(&distinct, sizes)?, coalesced: true, ..p }, x.shape())
}

/// 0, 1, 2, ...
fn count(n: usize, device: Device) -> Result<Tensor> {
    let (zero, one) = (Scalar::Int(0), Scalar::Int(1));
    super::create::arange(zero, Scalar::Int(n as i64), one, Some(DType::I64), Some(device))
}

fn apply(row: &'static Pw, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    super::pointwise::apply(row, &[a, b], dispatch::Params::default(), &Dest::New)
}

/// One column of coordinates per value, int64, whatever the layout.
pub fn coordinates(p: &Parts) -> Result<Tensor> {
    let Some(plain) = &p.plain else { return Ok(p.indices.clone()) };
    no_grad(|| {
        let plain = to_dtype(plain, DType::I64)?;
        let starts = to_dtype(&p.indices, DType::I64)?;
        // The row of value k is the last one that begins at or before k.
        let each = count(plain.numel(), plain.device())?;
        let line = search(&starts, &each, false, true, None)?.sub(&dispatch::wrapped(Scalar::Int(1))?)?;
        let pair = if p.layout == Layout::Csc { [plain, line] } else { [line, plain] };
        super::join::stack(&pair, 0)
    })
}

/// Coordinates as places in the flattened sparse dims.
fn places(coordinates: &Tensor, sizes: &[usize]) -> Result<Tensor> {
    if let [_] = sizes {
        return view::select(coordinates, 0, 0);
    }
    let strides: Vec<i64> = layout::contiguous_strides(sizes).iter().map(|&s| s as i64).collect();
    let strides = view::unsqueeze(&from_ints(&strides, coordinates.device())?, 1)?;
    coordinates.mul(&strides)?.sum_dims(&[0], false)
}

/// Places in the flattened sparse dims as coordinates.
fn unravel(places: &Tensor, sizes: &[usize]) -> Result<Tensor> {
    let column = |(&stride, &size): (&isize, &usize)| {
        let number = |n: i64| dispatch::scalar(Scalar::Int(n), DType::I64, places.device());
        let line = arith::floor_divide(places, &number(stride.max(1) as i64)?, &Dest::New)?;
        arith::remainder(&line, &number(size.max(1) as i64)?, &Dest::New)
    };
    let columns: Vec<Tensor> =
        layout::contiguous_strides(sizes).iter().zip(sizes).map(column).collect::<Result<_>>()?;
    match columns.is_empty() {
        true => dispatch::zeros(&[0, places.numel()], DType::I64, places.device()),
        false => super::join::stack(&columns, 0),
    }
}

/// Sums of the rows of `values` that go to the same of `n` places.
fn sum_rows(values: &Tensor, places: &Tensor, n: usize) -> Result<Tensor> {
    let mut shape = values.shape().to_vec();
    shape[0] = n;
    // A sum of truth values is their disjunction.
    let dtype = if values.dtype() == DType::Bool { DType::I64 } else { values.dtype() };
    let rows = dispatch::zeros(&shape, dtype, values.device())?;
    let sums = Places { dim: 0, whole: true }.add(&rows, places, &to_dtype(values, dtype)?, &Dest::New)?;
    to_dtype(&sums, values.dtype())
}

/// How many leading dims have coordinates.
fn sparse_dims(p: &Parts) -> usize {
    if p.plain.is_some() { 2 } else { p.indices.size(0) }
}

/// The tensor in layout COO.
pub fn to_coo(x: &Tensor) -> Result<Tensor> {
    let p = parts(x)?;
    if p.plain.is_none() {
        return Ok(x.clone());
    }
    let of = Parts { layout: Layout::Coo, indices: coordinates(&p)?, plain: None, coalesced: false, values: p.values };
    build(&values(x)?, of, x.shape())
}

/// The matrix with compressed rows or columns.
pub fn compress(x: &Tensor, layout: Layout) -> Result<Tensor> {
    let p = parts(x)?;
    if p.layout == layout {
        return Ok(x.clone());
    }
    if x.ndim() != 2 || p.values.ndim() != 1 {
        fail!(Runtime, expected: ("to_{}: expected a matrix without dense dims", layout.name()), got: ("shape {:?} with {} of them", x.shape(), p.values.ndim() - 1), fix: ("Select a matrix first."));
    }
    let turned = layout == Layout::Csc;
    let turn = |i: &Tensor| cat(&[view::narrow(i, 0, 1, 1)?, view::narrow(i, 0, 0, 1)?], 0);
    let coo = to_coo(x)?;
    let q = parts(&coo)?;
    let by_line = if turned {
        let indices = turn(&q.indices)?;
        build(&values(&coo)?, Parts { indices, coalesced: false, ..q }, &[x.size(1), x.size(0)])?
    } else {
        coo
    };
    let by_line = coalesce(&by_line)?;
    let q = parts(&by_line)?;
    let line = copy::contiguous(&view::select(&q.indices, 0, 0)?)?;
    let starts = search(&line, &count(x.size(turned as usize) + 1, line.device())?, false, false, None)?;
    let plain = copy::contiguous(&view::select(&q.indices, 0, 1)?)?;
    let of = Parts { layout, indices: starts, plain: Some(plain), values: q.values, coalesced: false };
    build(&values(&by_line)?, of, x.shape())
}

/// The tensor in layout COO with distinct coordinates in ascending order; values of equal coordinates are added.
pub fn coalesce(x: &Tensor) -> Result<Tensor> {
    let x = &to_coo(x)?;
    let p = parts(x)?;
    if p.coalesced {
        return Ok(x.clone());
    }
    let sizes = &x.shape()[..sparse_dims(&p)];
    let all = places(&p.indices, sizes)?;
    let (distinct, of, _) = dispatch::sort::unique(&copy::contiguous(&all)?, false, true, false)?;
    let sums = sum_rows(&values(x)?, &of, distinct.numel())?;
    build(&sums, Parts { indices: unravel(&distinct, sizes)?, coalesced: true, ..p }, x.shape())
}

/// The dense tensor.
pub fn to_dense(x: &Tensor) -> Result<Tensor> {
    let p = parts(x)?;
    let sizes = &x.shape()[..sparse_dims(&p)];
    sum_rows(&values(x)?, &places(&coordinates(&p)?, sizes)?, sizes.iter().product())?.reshape_to(x.shape())
}

/// The elements of a gradient `g`, dense or sparse, at the places of a sparse tensor.
pub fn at_places(g: &Tensor, like: &Tensor) -> Result<Tensor> {
    let p = parts(like)?;
    let n = sparse_dims(&p);
    let sizes = &like.shape()[..n];
    if g.shape() != like.shape() {
        fail!(Runtime, expected: ("sparse: expected a tensor of shape {:?}", like.shape()), got: ("{:?}", g.shape()), fix: ("Check the shapes."));
    }
    if g.sparse().is_none() {
        let mut rows = g.shape()[n..].to_vec();
        rows.insert(0, sizes.iter().product());
        return index_select(&g.reshape_to(&rows)?, 0, &places(&coordinates(&p)?, sizes)?);
    }
    let q = parts(g)?;
    if q.same_places(&p) && (q.coalesced || q.plain.is_some()) {
        return values(g);
    }
    let g = coalesce(g)?;
    let q = parts(&g)?;
    let mut shape = p.values.shape().to_vec();
    if q.values.size(0) == 0 || sparse_dims(&q) != n {
        if q.values.size(0) > 0 {
            return at_places(&to_dense(&g)?, like);
        }
        shape[0] = p.values.size(0);
        return dispatch::zeros(&shape, q.values.dtype(), q.values.device());
    }
    let (mine, theirs) = (places(&coordinates(&p)?, sizes)?, places(&q.indices, sizes)?);
    let last = dispatch::scalar(Scalar::Int(theirs.numel() as i64 - 1), DType::I64, theirs.device())?;
    let at = apply(&arith::MINIMUM, &search(&theirs, &mine, false, false, None)?, &last)?;
    let missing = apply(&arith::NE, &index_select(&theirs, 0, &at)?, &mine)?;
    let mut column = vec![1; shape.len()];
    column[0] = missing.numel();
    let rows = index_select(&values(&g)?, 0, &at)?;
    super::choose::where_(&missing.reshape_to(&column)?, &rows.scalar_like(0i64)?, &rows)
}

/// `a + b`, at least one of which is sparse.
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (dense, sparse) = match (a.sparse(), b.sparse()) {
        (Some(_), Some(_)) => return add_sparse(a, b),
        (None, _) => (a, b),
        (_, None) => (b, a),
    };
    dense.add(&to_dense(sparse)?)
}

fn add_sparse(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (p, q) = (parts(a)?, parts(b)?);
    if p.plain.is_some() && p.layout == q.layout && a.shape() == b.shape() {
        if p.same_places(&q) && a.dtype() == b.dtype() {
            return with_values(a, &values(a)?.add(&values(b)?)?);
        }
        return compress(&add_sparse(&to_coo(a)?, &to_coo(b)?)?, p.layout);
    }
    let (a, b) = (&to_coo(a)?, &to_coo(b)?);
    let (p, q) = (parts(a)?, parts(b)?);
    if a.shape() != b.shape() || sparse_dims(&p) != sparse_dims(&q) {
        fail!(Runtime, torch: ("add: expected sizes of 'self' and 'other' to match, but {:?} != {:?}", a.shape(), b.shape()),
            expected: ("add: expected sparse tensors of one shape and as many sparse dims"), got: ("{:?} and {:?}", a.shape(), b.shape()), fix: ("Check the shapes."));
    }
    let dtype = result_type(&[a, b]);
    let both = [to_dtype(&values(a)?, dtype)?, to_dtype(&values(b)?, dtype)?];
    let indices = cat(&[p.indices.clone(), q.indices], 1)?;
    let sum = build(&cat(&both, 0)?, Parts { indices, coalesced: false, ..p }, a.shape())?;
    if p.coalesced && q.coalesced { coalesce(&sum) } else { Ok(sum) }
}

/// `a += b`, unrecorded, at least one of which is sparse. A sparse `a` cannot take a dense `b`.
pub fn add_into(a: &Tensor, b: &Tensor) -> Result<()> {
    no_grad(|| {
        match a.sparse() {
            Some(sparse) => {
                let (sum, p) = (add_sparse(a, b)?, parts(a)?);
                sparse.replace(parts(&if p.plain.is_some() { compress(&sum, p.layout)? } else { sum })?);
            }
            None => {
                let p = parts(b)?;
                let sizes = &b.shape()[..sparse_dims(&p)];
                if !a.is_contiguous() || a.shape() != b.shape() || a.dtype() != b.dtype() {
                    return arith::add(&a.detach(), &to_dense(b)?, Scalar::Int(1), &Dest::InPlace).map(drop);
                }
                let mut rows = p.values.shape().to_vec();
                rows[0] = sizes.iter().product();
                let at = places(&coordinates(&p)?, sizes)?;
                Places { dim: 0, whole: true }.add(
                    &a.detach().view_as_shape(&rows)?,
                    &at,
                    &p.values,
                    &Dest::InPlace,
                )?;
                return Ok(());
            }
        }
        a.bump_version();
        Ok(())
    })
}

/// The tensor with values of another dtype.
pub fn cast(x: &Tensor, dtype: DType) -> Result<Tensor> {
    with_values(x, &copy::cast_grad(&values(x)?, dtype)?)
}

/// Another dtype or device; the tensor itself if nothing changes, unless `copy`.
pub fn to(x: &Tensor, dtype: Option<DType>, device: Option<Device>, copy: bool) -> Result<Tensor> {
    let (dtype, device) = (dtype.unwrap_or(x.dtype()), device.unwrap_or(x.data_device()));
    if !copy && dtype == x.dtype() && device == x.data_device() {
        return Ok(x.clone());
    }
    let there = |t: &Tensor, dtype| copy::to(t, dtype, Some(device), copy, MemoryFormat::Preserve);
    let (p, values) = (parts(x)?, there(&values(x)?, Some(dtype))?);
    let plain = p.plain.as_ref().map(|t| there(t, None)).transpose()?;
    build(&values, Parts { indices: there(&p.indices, None)?, plain, ..p }, x.shape())
}

/// A gradient to be kept: its values are copied where others may see them.
pub fn keep(g: &Tensor) -> Result<Tensor> {
    let p = parts(g)?;
    // One handle is `p`'s, one is the tensor's.
    let sole = g.use_count() == 1 && p.values.use_count() <= 2 && p.values.storage().use_count() == 1;
    with_values(g, &if sole { values(g)? } else { copy::clone(&values(g)?, None)? })
}

/// The sparse gradient of a table of `rows` rows by those that were looked up, `g` by row, without row `padding`.
pub fn of_rows(g: &Tensor, index: &Tensor, rows: usize, padding: Option<i64>) -> Result<Tensor> {
    let width = g.size(g.ndim() - 1);
    let mut index = copy::contiguous(&index.detach())?.reshape_to(&[index.numel()])?;
    let mut g = g.reshape_to(&[index.numel(), width])?;
    if let Some(padding) = padding {
        let others = super::index::nonzero(&no_grad(|| apply(&arith::NE, &index, &index.scalar_like(padding)?))?)?;
        let others = view::select(&others, 1, 0)?;
        (index, g) = (index_select(&index, 0, &others)?, index_select(&g, 0, &others)?);
    }
    let of = Parts {
        layout: Layout::Coo,
        indices: view::unsqueeze(&index, 0)?,
        plain: None,
        values: g.detach(),
        coalesced: false,
    };
    build(&g, of, &[rows, width])
}

/// The sparse gradient of a tensor by those of its elements that `index` named along a dim.
pub fn of_elements(g: &Tensor, index: &Tensor, dim: usize, shape: &[usize]) -> Result<Tensor> {
    let flat = |t: &Tensor| t.reshape_to(&[index.numel()]);
    let along = |d: usize| {
        let mut line = vec![1; shape.len()];
        line[d] = index.size(d);
        flat(&view::expand_to(&count(index.size(d), index.device())?.reshape_to(&line)?, index.shape())?)
    };
    let rows = (0..shape.len()).map(|d| if d == dim { flat(index) } else { along(d) });
    let indices = super::join::stack(&rows.collect::<Result<Vec<_>>>()?, 0)?;
    let values = flat(g)?;
    let of = Parts { layout: Layout::Coo, indices, plain: None, values: values.detach(), coalesced: false };
    build(&values, of, shape)
}
