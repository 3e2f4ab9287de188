//! Searching and counting: sorted sequences, bins, membership, non-zero elements.

use super::along::take;
use super::copy::{contiguous, to, to_dtype};
use super::helpers::{not_implemented, same_device};
use super::index::nonzero;
use super::sort::sort;
use super::view;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::schema::Ret;
use crate::tensor::promote::result_type;
use crate::tensor::{DType, Device, MemoryFormat, Scalar, Tensor};

fn check_search(
    sorted: &Tensor,
    values: &Tensor,
    right: bool,
    side: Option<&str>,
    sorter: Option<&Tensor>,
) -> Result<()> {
    match side {
        Some(s) if s != "left" && s != "right" => {
            fail!(Runtime, torch: ("torch.searchsorted(): side can only be 'left' or 'right' but got {s}"), expected: ("searchsorted: expected 'left' or 'right'"), got: ("'{s}'"), fix: ("Use one of those."))
        }
        Some("left") if right => {
            fail!(Runtime, torch: ("torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"), expected: ("searchsorted: expected side and right to agree"), got: ("left and True"), fix: ("Give side alone."))
        }
        _ => {}
    }
    let (bd, vd) = (sorted.ndim(), values.ndim());
    if vd == 0 && bd > 1 {
        fail!(Runtime, torch: ("torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor dim({bd}) and input value's dim({vd}) numel({})", values.numel()),
            expected: ("searchsorted: expected a 1-d sequence for one value"), got: ("{bd} dims"), fix: ("Expand the value."));
    }
    if bd == 0 {
        fail!(Runtime, torch: ("torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"), expected: ("searchsorted: expected a sequence"), got: ("a 0-d tensor"), fix: ("Unsqueeze it."));
    }
    if bd != 1 && (bd != vd || sorted.shape()[..bd - 1] != values.shape()[..bd - 1]) {
        fail!(Runtime, torch: ("torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, but we got boundaries tensor {:?} and input value tensor {:?}", sorted.shape(), values.shape()),
            expected: ("searchsorted: expected values with the leading dims of the sequences"), got: ("{:?}", values.shape()), fix: ("Expand the values."));
    }
    if let Some(s) = sorter {
        if s.shape() != sorted.shape() {
            fail!(Runtime, torch: ("torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor {:?}and got sorter tensor {:?}", sorted.shape(), s.shape()), expected: ("searchsorted: expected a sorter of {:?}", sorted.shape()), got: ("{:?}", s.shape()), fix: ("Use argsort of the sequence."));
        }
        if s.dtype() != DType::I64 {
            fail!(Runtime, torch: ("torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {}", s.dtype().scalar_name()), expected: ("searchsorted: expected an int64 sorter"), got: ("{}", s.dtype().name()), fix: ("Convert with .long()."));
        }
        if dispatch::index::out_of_bounds(s, sorted.shape()[bd - 1], false).is_some() {
            fail!(Runtime, torch: ("torch.searchsorted(): sorter index out of range"), expected: ("searchsorted: expected indices below {}", sorted.shape()[bd - 1]), got: ("others"), fix: ("Use argsort of the sequence."));
        }
    }
    Ok(())
}

/// Where values belong in a sorted sequence: before equal ones or, to the `right`, after them.
pub(super) fn search(
    sorted: &Tensor,
    values: &Tensor,
    int32: bool,
    right: bool,
    sorter: Option<&Tensor>,
) -> Result<Tensor> {
    let common = result_type(&[sorted, values]);
    let dtype = if sorted.dtype() == values.dtype() { sorted.dtype() } else { common };
    if dtype.is_complex() {
        return not_implemented("searchsorted_out", dtype);
    }
    let mut parties = vec![sorted, values];
    parties.extend(sorter);
    let device = same_device("searchsorted", &parties)?;
    let out = dispatch::empty(values.shape(), if int32 { DType::I32 } else { DType::I64 }, device)?;
    if out.is_meta() {
        return Ok(out);
    }
    let (sorted, values) = (to_dtype(&sorted.detach(), dtype)?, to_dtype(&values.detach(), dtype)?);
    dispatch::sort::searchsorted(&sorted, &values, &out, right, sorter);
    Ok(out)
}

fn searchsorted(
    sorted: &Tensor,
    values: &Tensor,
    int32: bool,
    right: bool,
    side: Option<&str>,
    sorter: Option<&Tensor>,
) -> Result<Tensor> {
    check_search(sorted, values, right, side, sorter)?;
    search(sorted, values, int32, right || side == Some("right"), sorter)
}

fn bucketize(x: &Tensor, boundaries: &Tensor, int32: bool, right: bool) -> Result<Tensor> {
    if boundaries.ndim() != 1 {
        fail!(Runtime, torch: ("boundaries tensor must be 1 dimension, but got dim({})", boundaries.ndim()), expected: ("bucketize: expected 1-d boundaries"), got: ("shape {:?}", boundaries.shape()), fix: ("Use searchsorted() for one sequence per row."));
    }
    search(boundaries, x, int32, right, None)
}

fn bucketize_number(x: Scalar, boundaries: &Tensor, int32: bool, right: bool) -> Result<Tensor> {
    bucketize(&dispatch::wrapped(x)?, boundaries, int32, right)
}

fn bincount(x: &Tensor, weights: Option<&Tensor>, minlength: i64) -> Result<Tensor> {
    if !x.dtype().is_integral(false) {
        return not_implemented("bincount", x.dtype());
    }
    if minlength < 0 {
        fail!(Runtime, torch: ("minlength should be >= 0"), expected: ("bincount: expected minlength of at least 0"), got: ("{minlength}"), fix: ("Leave it out."));
    }
    let dtype = match weights.map(|w| w.dtype()) {
        None => DType::I64,
        Some(DType::F32) => DType::F32,
        Some(_) => DType::F64,
    };
    if x.ndim() == 1 && x.numel() == 0 {
        return dispatch::zeros(&[minlength as usize], DType::I64, x.device());
    }
    let bounds = if x.ndim() == 1 && !x.is_meta() { Some(super::extreme::aminmax(x, None, false)?) } else { None };
    let Some((_, high)) = bounds.filter(|b| b.0.item().is_ok_and(|v| v.i64() >= 0)) else {
        fail!(Runtime, torch: ("bincount only supports 1-d non-negative integral inputs."), expected: ("bincount: expected 1 dim and integers of at least 0"), got: ("shape {:?}", x.shape()), fix: ("Flatten it and check its minimum."));
    };
    if let Some(w) = weights
        && w.shape() != x.shape()
    {
        fail!(Runtime, torch: ("weights should be 1-d and have the same length as input"), expected: ("bincount: expected {} weights", x.numel()), got: ("shape {:?}", w.shape()), fix: ("Give one per element."));
    }
    let bins = (high.item()?.i64().saturating_add(1)).max(minlength);
    let out = dispatch::zeros(&[bins as usize], dtype, x.device())?;
    dispatch::sort::bincount(x, weights.map(Tensor::detach).as_ref(), &out);
    Ok(out)
}

/// Counts in equal bins; equal bounds stand for the smallest and largest element.
pub fn histc(x: &Tensor, bins: i64, min: Scalar, max: Scalar) -> Result<Tensor> {
    if !x.dtype().is_float() {
        return not_implemented("histogram", x.dtype());
    }
    if bins <= 0 {
        fail!(Runtime, torch: ("torch.histogram(): bins must be > 0, but got {bins} for dimension 0"), expected: ("histc: expected at least 1 bin"), got: ("{bins}"), fix: ("Use more bins."));
    }
    let (mut low, mut high) = (min.f64(), max.f64());
    if low == high && x.numel() > 0 && !x.is_meta() {
        let (a, b) = crate::autograd::no_grad(|| super::extreme::aminmax(&x.detach(), None, false))?;
        (low, high) = (a.item()?.f64(), b.item()?.f64());
    }
    if low == high {
        (low, high) = (low - 1.0, high + 1.0);
    }
    if !low.is_finite() || !high.is_finite() {
        let show = |v: f64| if v.is_nan() { "nan".to_owned() } else { v.to_string() };
        fail!(Runtime, torch: ("torch.histc: range of [{}, {}] is not finite", show(low), show(high)), expected: ("histc: expected finite bounds"), got: ("others"), fix: ("Give min and max, or remove infinities."));
    }
    if low >= high {
        fail!(Runtime, torch: ("torch.histc: max must be larger than min"), expected: ("histc: expected min below max"), got: ("{low} and {high}"), fix: ("Swap them."));
    }
    let out = dispatch::empty(&[bins as usize], x.dtype(), x.device())?;
    dispatch::sort::histc(x, low, high, &out);
    Ok(out)
}

/// Which elements are among others.
pub fn isin(x: &Tensor, among: &Tensor, invert: bool) -> Result<Tensor> {
    for t in [x, among] {
        if t.dtype().is_complex() || t.dtype() == DType::Bool {
            fail!(Runtime, torch: ("Unsupported input type encountered for isin(): {}", t.dtype().scalar_name()), expected: ("isin: expected real numbers"), got: ("{}", t.dtype().name()), fix: ("Convert first."));
        }
    }
    let dtype = result_type(&[x, among]);
    let device = same_device("isin", &[x, among])?;
    if device == Device::Meta {
        return dispatch::empty(x.shape(), DType::Bool, device);
    }
    let there = |t: &Tensor| to(&t.detach(), Some(dtype), Some(device), false, MemoryFormat::Preserve);
    let (x, among) = (there(x)?, there(among)?);
    let n = among.numel();
    if n == 0 {
        let out = dispatch::empty(x.shape(), DType::Bool, x.device())?;
        dispatch::fill(&out, Scalar::Bool(invert));
        return Ok(out);
    }
    let sorted = sort(&among.reshape_to(&[n])?, 0, false)?.0;
    let flat = contiguous(&x)?.reshape_to(&[x.numel()])?;
    let last = dispatch::wrapped(Scalar::Int(n as i64 - 1))?;
    let at = super::choose::clamp(
        &search(&sorted, &flat, false, false, None)?,
        None,
        Some(&last),
        &crate::schema::Dest::New,
    )?;
    let found = take(&sorted, 0, &at)?.eq(&flat)?;
    let found = if invert { found.logical_not()? } else { found };
    found.reshape_to(x.shape())
}

fn data_dependent(x: &Tensor) -> Result<()> {
    if x.is_meta() {
        fail!(NotImplemented, torch: ("The register_meta function for torch.nonzero() raises unimplemented by default, as a correct data-independent implementation does not exist."), expected: ("nonzero: expected data"), got: ("a meta tensor"), fix: ("Make it on the CPU."));
    }
    Ok(())
}

/// Where elements are not zero: one row of indices each, or one tensor of indices per dim.
fn nonzero_form(x: &Tensor, as_tuple: bool) -> Result<Ret> {
    data_dependent(x)?;
    if !as_tuple {
        return Ok(Ret::Tensor(nonzero(x)?));
    }
    let x = if x.ndim() == 0 { view::unsqueeze(&x.detach(), 0)? } else { x.clone() };
    Ok(Ret::List(super::split::unbind(&nonzero(&x)?, 1)?))
}

fn argwhere(x: &Tensor) -> Result<Tensor> {
    data_dependent(x)?;
    nonzero(x)
}

/// `nonzero` cut or filled up to `size` rows.
fn nonzero_static(x: &Tensor, size: i64, fill_value: i64) -> Result<Tensor> {
    if size < 0 {
        fail!(Runtime, torch: ("nonzero_static: 'size' must be an non-negative integer"), expected: ("nonzero_static: expected a size of at least 0"), got: ("{size}"), fix: ("Use nonzero() for all rows."));
    }
    let out = dispatch::empty(&[size as usize, x.ndim()], DType::I64, x.device())?;
    dispatch::fill(&out, Scalar::Int(fill_value));
    if !x.is_meta() {
        let rows = nonzero(x)?;
        let n = rows.shape()[0].min(size as usize) as i64;
        dispatch::copy(&view::narrow(&rows, 0, 0, n)?, &view::narrow(&out, 0, 0, n)?);
    }
    Ok(out)
}

ops! {
    /// Where values would be inserted into sorted sequences: before equal elements, or behind them with `right`.
    "searchsorted(Tensor sorted_sequence, Operand self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor" [f o] => searchsorted(0, 1, 2, 3, 4, 5);
    /// The number of the interval between boundaries in which each element lies.
    "bucketize(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor" [f o] => bucketize(0, 1, 2, 3);
    /// The same for a number.
    "bucketize(Scalar self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor" [f] => bucketize_number(0, 1, 2, 3);
    /// How often each integer from 0 on occurs, or the sum of its weights.
    "bincount(Tensor self, Tensor? weights=None, int minlength=0) -> Tensor" [f m] => bincount(0, 1, 2);
    /// Counts in `bins` equal intervals from `min` to `max`; both 0 stand for the range of the data.
    "histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor" [f m o] => histc(0, 1, 2, 3);
    /// How many rows of `nonzero` fit: exactly `size` rows, cut or filled with `fill_value`.
    "nonzero_static(Tensor self, *, int size, int fill_value=-1) -> Tensor" [f m o] => nonzero_static(0, 1, 2);
    /// The indices of non-zero elements, one row each.
    "argwhere(Tensor self) -> Tensor" [f m] => argwhere(0);
    /// The indices of non-zero elements: one row each, or with `as_tuple` one tensor per dim.
    "nonzero(Tensor self, *, bool as_tuple=False) -> Tensor" [f m o] => nonzero_form(0, 1);
    @
    /// Which elements are among others.
    "isin(Tensor elements, Tensor test_elements, *, bool assume_unique=False, bool invert=False) -> Tensor" [f o] => |a| isin(a.get(0)?, a.get(1)?, a.get(3)?);
    /// Which elements equal a number.
    "isin(Tensor elements, Operand test_element, *, bool assume_unique=False, bool invert=False) -> Tensor" [f o] => |a| isin(a.get(0)?, a.get(1)?, a.get(3)?);
    /// Is a number among others?
    "isin(Operand element, Tensor test_elements, *, bool assume_unique=False, bool invert=False) -> Tensor" [f o] => |a| isin(a.get(0)?, a.get(1)?, a.get(3)?);
}
