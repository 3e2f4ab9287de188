//! Rearrangements with their derivatives: flips, rolls, triangles, diagonals, and views written into a copy.

use super::copy;
use super::helpers::{dim_mask, not_implemented};
use super::inplace;
use super::kernel::finish;
use super::view::{self, expand_to};
use crate::autograd::{named, no_grad, record};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::layout::{self, MemoryFormat, Shape, wrap_dim};
use crate::tensor::{DType, Device, Tensor};
use smallvec::SmallVec;

type DimList = SmallVec<[usize; 5]>;

/// The order along some dims reversed.
pub fn flip(x: &Tensor, dims: &[i64]) -> Result<Tensor> {
    let mask = dim_mask(x, dims, false)?;
    flip_dims(x, (0..x.ndim()).filter(|d| mask >> d & 1 != 0).collect())
}

fn flip_dims(x: &Tensor, dims: DimList) -> Result<Tensor> {
    let out = x.empty_like()?;
    dispatch::index::flip(x, &dims, &out);
    record(out, "FlipBackward0", &[x], |_| move |_, g| grads![flip_dims(g, dims.clone())?])
}

fn fliplr(x: &Tensor) -> Result<Tensor> {
    if x.ndim() < 2 {
        fail!(Runtime, torch: ("Input must be >= 2-d."), expected: ("fliplr: expected at least 2 dims"), got: ("{}", x.ndim()), fix: ("Use flip(0) for a vector."));
    }
    flip(x, &[1])
}

fn flipud(x: &Tensor) -> Result<Tensor> {
    if x.ndim() < 1 {
        fail!(Runtime, torch: ("Input must be >= 1-d."), expected: ("flipud: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Unsqueeze it first."));
    }
    flip(x, &[0])
}

/// Elements moved by `shifts[i]` places along `dims[i]`, around the end; without dims along the flattened tensor.
pub fn roll(x: &Tensor, shifts: &[i64], dims: &[i64]) -> Result<Tensor> {
    if shifts.is_empty() {
        fail!(Runtime, torch: ("`shifts` required"), expected: ("roll: expected a shift"), got: ("none"), fix: ("Pass shifts."));
    }
    if dims.is_empty() && shifts.len() == 1 {
        let flat = x.reshape_to(&[x.numel()])?;
        return rolled(&flat, shifts.into(), smallvec::smallvec![0])?.reshape_to(x.shape());
    }
    if shifts.len() != dims.len() {
        fail!(Runtime, torch: ("shifts and dimensions must align. shifts: {}, dims:{}", shifts.len(), dims.len()), expected: ("roll: expected one dim per shift"), got: ("{} and {}", shifts.len(), dims.len()), fix: ("Give as many of each."));
    }
    if x.ndim() == 0 {
        fail!(Index, torch: ("Dimension specified as {} but tensor has no dimensions", dims[0]), expected: ("roll: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Unsqueeze it first."));
    }
    let dims = dims.iter().map(|&d| x.wrap_dim(d)).collect::<Result<DimList>>()?;
    rolled(x, shifts.into(), dims)
}

fn rolled(x: &Tensor, shifts: SmallVec<[i64; 5]>, dims: DimList) -> Result<Tensor> {
    let out = dispatch::empty(x.shape(), x.dtype(), x.device())?;
    dispatch::index::roll(x, &shifts, &dims, &out);
    let out = finish(out, x.dtype(), &[x])?;
    record(out, "RollBackward0", &[x], |_| {
        let back: SmallVec<[i64; 5]> = shifts.iter().map(|s| s.wrapping_neg()).collect();
        move |_, g| grads![rolled(g, back.clone(), dims.clone())?]
    })
}

/// Quarter turns from the first dim towards the second.
fn rot90(x: &Tensor, k: i64, dims: &[i64]) -> Result<Tensor> {
    if dims.len() != 2 {
        fail!(Runtime, torch: ("expected total rotation dims == 2, but got dims = {}", dims.len()), expected: ("rot90: expected 2 dims"), got: ("{}", dims.len()), fix: ("Name the plane by two dims."));
    }
    if x.ndim() < 2 {
        fail!(Runtime, torch: ("expected total dims >= 2, but got total dims = {}", x.ndim()), expected: ("rot90: expected at least 2 dims"), got: ("{}", x.ndim()), fix: ("Unsqueeze it first."));
    }
    if dims[0] == dims[1] || (dims[0] - dims[1]).unsigned_abs() == x.ndim() as u64 {
        fail!(Runtime, torch: ("expected rotation dims to be different, but got dim0 = {} and dim1 = {}", dims[0], dims[1]), expected: ("rot90: expected two different dims"), got: ("{dims:?}"), fix: ("Name the plane by two dims."));
    }
    let (a, b) = (x.wrap_dim(dims[0])? as i64, x.wrap_dim(dims[1])? as i64);
    let y = match k.rem_euclid(4) {
        1 => view::transpose(&flip(x, &[b])?, a, b),
        2 => flip(x, &[a, b]),
        3 => view::transpose(&flip(x, &[a])?, a, b),
        _ => copy::clone(x, Some(MemoryFormat::Contiguous)),
    };
    Ok(named(y?, "Rot90Backward0", x))
}

/// The upper or lower triangle of the last two dims.
pub fn triangle(x: &Tensor, diagonal: i64, upper: bool, dest: Dest) -> Result<Tensor> {
    let (name, node) = if upper { ("triu", "TriuBackward0") } else { ("tril", "TrilBackward0") };
    if x.ndim() < 2 {
        fail!(Runtime, torch: ("{name}: input tensor must have at least 2 dimensions"), expected: ("{name}: expected at least 2 dims"), got: ("{}", x.ndim()), fix: ("Unsqueeze it first."));
    }
    let derivative = move |g: &Tensor| grads![triangle(g, diagonal, upper, Dest::New)?];
    if let Dest::InPlace = dest {
        return inplace::write(
            x,
            node,
            &[x],
            |x| {
                dispatch::index::triangle(x, diagonal, upper, x);
                Ok(())
            },
            |_| move |_, g| derivative(g),
        );
    }
    let out = dispatch::empty(x.shape(), x.dtype(), x.device())?;
    dispatch::index::triangle(x, diagonal, upper, &out);
    record(out, node, &[x], |_| move |_, g| derivative(g))
}

fn triangle_indices(
    row: i64,
    col: i64,
    offset: i64,
    dtype: Option<DType>,
    device: Option<Device>,
    upper: bool,
) -> Result<Tensor> {
    for (name, n) in [("row", row), ("col", col)] {
        if n < 0 {
            fail!(Runtime, torch: ("{name} must be non-negative, got{n}"), expected: ("tril_indices: expected sizes of at least 0"), got: ("{n}"), fix: ("Give the matrix's extents."));
        }
    }
    let dtype = dtype.unwrap_or(DType::I64);
    if !matches!(dtype, DType::I64 | DType::I32) {
        return not_implemented(if upper { "triu_indices" } else { "tril_indices" }, dtype);
    }
    let (rows, cols) = (row as usize, col as usize);
    let n = dispatch::join::triangle_size(rows, cols, offset, upper);
    let out = dispatch::empty(&[2, n], dtype, device.unwrap_or_else(crate::tensor::device::default_device))?;
    dispatch::join::triangle_indices(&out, rows, cols, offset, upper);
    Ok(out)
}

fn tril_indices(row: i64, col: i64, offset: i64, dtype: Option<DType>, device: Option<Device>) -> Result<Tensor> {
    triangle_indices(row, col, offset, dtype, device, false)
}

/// Row and column indices of the upper triangle of a matrix.
pub fn triu_indices(row: i64, col: i64, offset: i64, dtype: Option<DType>, device: Option<Device>) -> Result<Tensor> {
    triangle_indices(row, col, offset, dtype, device, true)
}

/// Matrices with the last dim as a diagonal, as dims `dim1` and `dim2` of the result.
pub fn diag_embed(x: &Tensor, offset: i64, dim1: i64, dim2: i64) -> Result<Tensor> {
    let nd = x.ndim() + 1;
    let (a, b) = (wrap_dim(dim1, nd)?, wrap_dim(dim2, nd)?);
    if a == b {
        fail!(Runtime, torch: ("diagonal dimensions cannot be identical {dim1}, {dim2}"), expected: ("diag_embed: expected two different dims"), got: ("{dim1} and {dim2}"), fix: ("Name two dims of the result."));
    }
    let Some((&last, rest)) = x.shape().split_last() else {
        fail!(Index, torch: ("Dimension out of range (expected to be in range of [-1, 0], but got 1)"), expected: ("diag_embed: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Unsqueeze it first."));
    };
    let n = (last as u64).saturating_add(offset.unsigned_abs()) as usize;
    let mut shape = Shape::from_slice(rest);
    shape.insert(a.min(b), n);
    shape.insert(a.max(b), n);
    let out = dispatch::zeros(&shape, x.dtype(), x.device())?;
    let (a, b) = (a as i64, b as i64);
    dispatch::copy(x, &view::diagonal(&out.detach(), offset, a, b)?);
    record(out, "DiagEmbedBackward0", &[x], |_| move |_, g| grads![view::diagonal(g, offset, a, b)?])
}

/// The diagonal of a matrix as a tensor of its own, or a matrix with this diagonal.
pub fn diag(x: &Tensor, diagonal: i64) -> Result<Tensor> {
    match x.ndim() {
        1 => diag_embed(x, diagonal, 0, 1),
        2 => copy::clone(&view::diagonal(x, diagonal, 0, 1)?, Some(MemoryFormat::Contiguous)),
        n => {
            fail!(Runtime, torch: ("diag(): Supports 1D or 2D tensors. Got {n}D"), expected: ("diag: expected 1 or 2 dims"), got: ("{n}"), fix: ("Use diagonal() or diag_embed()."))
        }
    }
}

fn diagflat(x: &Tensor, offset: i64) -> Result<Tensor> {
    diag_embed(&x.reshape_to(&[x.numel()])?, offset, 0, 1)
}

fn check_source(place: &Tensor, src: &Tensor) -> Result<()> {
    if place.shape() != src.shape() {
        fail!(Runtime, torch: ("expected src to have a size equal to the slice of self. src size = {}, slice size = {}", layout::show(src.shape()), layout::show(place.shape())),
            expected: ("a source of shape {}", layout::show(place.shape())), got: ("{}", layout::show(src.shape())), fix: ("Reshape or expand the source."));
    }
    Ok(())
}

/// A copy of `x` whose view `window` holds `src`.
fn embedded<W>(x: &Tensor, src: &Tensor, node: &'static str, window: W) -> Result<Tensor>
where
    W: Fn(&Tensor) -> Result<Tensor> + Clone + Send + Sync + 'static,
{
    let y = copy::clone(&x.detach(), None)?;
    let place = no_grad(|| window(&y.detach()))?;
    check_source(&place, src)?;
    dispatch::copy(src, &place);
    let (shape, dtype) = (Shape::from_slice(src.shape()), src.dtype());
    record(y, node, &[x, src], |_| {
        move |c, g| {
            let gx = c.when(0, || embedded(g, &expand_to(&g.scalar_like(0i64)?, &shape)?, node, window.clone()))?;
            grads![gx, c.when(1, || copy::cast_grad(&window(g)?, dtype))?]
        }
    })
}

/// A copy with `src` as a diagonal.
pub fn diagonal_scatter(x: &Tensor, src: &Tensor, offset: i64, dim1: i64, dim2: i64) -> Result<Tensor> {
    embedded(x, src, "DiagonalScatterBackward0", move |t| view::diagonal(t, offset, dim1, dim2))
}

fn select_scatter(x: &Tensor, src: &Tensor, dim: i64, index: i64) -> Result<Tensor> {
    embedded(x, src, "SelectScatterBackward0", move |t| view::select(t, dim, index))
}

fn slice_scatter(
    x: &Tensor,
    src: &Tensor,
    dim: i64,
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
) -> Result<Tensor> {
    embedded(x, src, "SliceScatterBackward0", move |t| view::slice(t, dim, start, end, step))
}

/// One stretch of memory for a tensor and a window of it: both geometries count from its start.
#[derive(Clone)]
struct Stretch {
    len: usize,
    whole: view::Geometry,
    window: view::Geometry,
}

impl Stretch {
    /// `x` laid out as in its own storage, gaps included, and what of it (or of the gaps) the window holds after `src`
    /// was put there.
    fn put(&self, x: &Tensor, src: &Tensor) -> Result<Tensor> {
        let dense = x.numel() == self.len && layout::is_non_overlapping_and_dense(&self.whole.0, &self.whole.1);
        let make = if dense { dispatch::empty } else { dispatch::zeros };
        let flat = make(&[self.len], x.dtype(), x.device())?;
        let y = view::raw(&flat, self.whole.clone()).detach();
        dispatch::copy(x, &y);
        dispatch::copy(src, &view::raw(&flat, self.window.clone()));
        let (own, dtype) = (self.clone(), src.dtype());
        record(y, "AsStridedScatterBackward0", &[x, src], |_| {
            move |c, g| {
                let gx = c.when(0, || {
                    let nowhere = dispatch::zeros(g.shape(), DType::Bool, g.device())?;
                    let all = expand_to(&nowhere.scalar_like(true)?, &own.window.0)?;
                    super::choose::where_(&no_grad(|| own.put(&nowhere, &all))?, &g.scalar_like(0i64)?, g)
                })?;
                let gs = c.when(1, || {
                    let flat = view::embed(g, &[own.len], &[1], &own.whole)?;
                    copy::cast_grad(&view::take(&flat, &[own.len], &[1], &own.window)?, dtype)
                })?;
                grads![gx, gs]
            }
        })
    }
}

/// A copy with `src` in the view that `as_strided` would give, which counts from the storage's start.
fn as_strided_scatter(
    x: &Tensor,
    src: &Tensor,
    size: &[i64],
    stride: &[i64],
    storage_offset: Option<i64>,
) -> Result<Tensor> {
    let part = no_grad(|| view::as_strided(&x.detach(), size, stride, storage_offset))?;
    check_source(&part, src)?;
    let (low, high) = layout::span(x.shape(), x.strides());
    let (first, last) = layout::span(part.shape(), part.strides());
    let delta = part.offset() as isize - x.offset() as isize;
    // A window without elements says nothing about where.
    let (first, last) = if first == last { (low, high) } else { (delta + first, delta + last) };
    let start = low.min(first);
    let whole = (Shape::from_slice(x.shape()), x.strides().into(), -start);
    let at = if part.numel() == 0 { 0 } else { delta - start };
    let window = (Shape::from_slice(part.shape()), part.strides().into(), at);
    Stretch { len: (high.max(last) - start) as usize, whole, window }.put(x, src)
}

ops! {
    /// The order of elements along some dims reversed.
    "flip(Tensor self, int[] dims) -> Tensor" [f m] => flip(0, 1);
    /// Columns in reverse order.
    "fliplr(Tensor self) -> Tensor" [f m] => fliplr(0);
    /// Rows in reverse order.
    "flipud(Tensor self) -> Tensor" [f m] => flipud(0);
    /// Elements moved along dims, around the end; without dims along the flattened tensor.
    "roll(Tensor self, int[1] shifts, int[1] dims=[]) -> Tensor" [f m] => roll(0, 1, 2);
    /// `k` quarter turns in the plane of two dims, from the first towards the second.
    "rot90(Tensor self, int k=1, int[] dims=[0,1]) -> Tensor" [f m] => rot90(0, 1, 2);
    /// Row and column indices of the lower triangle of a matrix.
    "tril_indices(int row, int col, int offset=0, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False) -> Tensor" [f] => tril_indices(0, 1, 2, 3, 5);
    /// Row and column indices of the upper triangle of a matrix.
    "triu_indices(int row, int col, int offset=0, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False) -> Tensor" [f] => triu_indices(0, 1, 2, 3, 5);
    /// The diagonal of a matrix, or a matrix with this diagonal.
    "diag(Tensor self, int diagonal=0) -> Tensor" [f m o] => diag(0, 1);
    /// Matrices with the last dim as a diagonal.
    "diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor" [f m] => diag_embed(0, 1, 2, 3);
    /// A matrix with the flattened tensor as a diagonal.
    "diagflat(Tensor self, int offset=0) -> Tensor" [f m] => diagflat(0, 1);
    /// A copy whose diagonal is `src`.
    "diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor" [f m o] => diagonal_scatter(0, 1, 2, 3, 4);
    /// A copy with `src` at one index along `dim`.
    "select_scatter(Tensor self, Tensor src, int dim, int index) -> Tensor" [f m o] => select_scatter(0, 1, 2, 3);
    /// A copy with `src` as a slice along `dim`.
    "slice_scatter(Tensor self, Tensor src, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor" [f m o] => slice_scatter(0, 1, 2, 3, 4, 5);
    /// A copy with `src` in the view that `as_strided` would give.
    "as_strided_scatter(Tensor self, Tensor src, int[] size, int[] stride, int? storage_offset=None) -> Tensor" [f m o] => as_strided_scatter(0, 1, 2, 3, 4);
    @
    /// The lower triangle of the last two dims, 0 above it.
    "tril(Tensor self, int diagonal=0) -> Tensor" [f m i o] => |a| triangle(a.get(0)?, a.get(1)?, false, a.dest());
    /// The upper triangle of the last two dims, 0 below it.
    "triu(Tensor self, int diagonal=0) -> Tensor" [f m i o] => |a| triangle(a.get(0)?, a.get(1)?, true, a.dest());
}
