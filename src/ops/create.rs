//! Making tensors, and filling them.

use super::helpers::checked_shape;
use super::inplace;
use crate::autograd::record;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, MemoryFormat, Shape};
use crate::tensor::promote::{default_complex, default_dtype};
use crate::tensor::{Category, DType, Device, Scalar, Tensor};

/// The dtype that a number has as a tensor of its own.
pub fn natural_dtype(s: Scalar) -> DType {
    match s.category() {
        Category::Float => default_dtype(),
        Category::Complex => default_complex(),
        // Also an int that it cannot hold, which is an error where it is put there.
        Category::Int => DType::I64,
        Category::Bool => DType::Bool,
    }
}

fn device(d: Option<Device>) -> Device {
    d.unwrap_or_else(crate::tensor::device::default_device)
}

/// Memory without defined contents.
pub fn empty(size: &[i64], dtype: Option<DType>, dev: Option<Device>, format: Option<MemoryFormat>) -> Result<Tensor> {
    let shape = checked_shape("empty", size)?;
    let dtype = dtype.unwrap_or(default_dtype());
    match format {
        None | Some(MemoryFormat::Contiguous) => dispatch::empty(&shape, dtype, device(dev)),
        Some(MemoryFormat::Preserve) => {
            fail!(Runtime, torch: ("unsupported memory format Preserve"), expected: ("empty: expected a memory format"), got: ("preserve_format"), fix: ("Leave it out; there is nothing to preserve."))
        }
        Some(f) => {
            check_rank(f, shape.len())?;
            dispatch::empty_strided(&shape, &layout::format_strides(&shape, f), dtype, device(dev))
        }
    }
}

/// Channels-last formats are made for tensors of 4 or 5 dims.
pub fn check_rank(format: MemoryFormat, ndim: usize) -> Result<()> {
    let (name, want) = match format {
        MemoryFormat::ChannelsLast => ("channels_last", 4),
        MemoryFormat::ChannelsLast3d => ("channels_last_3d", 5),
        _ => return Ok(()),
    };
    if ndim != want {
        fail!(Runtime, torch: ("required rank {want} tensor to use {name} format"), expected: ("{name}: expected {want} dims"), got: ("{ndim}"), fix: ("Unsqueeze it, or use contiguous_format."));
    }
    Ok(())
}

/// Memory with the dims in a given order, outermost first.
fn empty_permuted(size: &[i64], order: &[i64], dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    if size.len() != order.len() {
        fail!(Runtime, torch: ("Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = {} is not equal to len(physical_layout) = {}", size.len(), order.len()), expected: ("empty_permuted: expected {} dims", size.len()), got: ("{}", order.len()), fix: ("Name every dim once."));
    }
    let shape = checked_shape("empty_permuted", size)?;
    let mut strides = layout::contiguous_strides(&shape);
    let (mut next, mut seen) = (1isize, vec![false; size.len()]);
    for (i, &d) in order.iter().enumerate().rev() {
        if d < 0 || d >= size.len() as i64 {
            fail!(Runtime, torch: ("Dimension out of range (expected to be between 0 and {}, but got {d} at index {i}).  NB: negative dims not currently supported; file an issue if you want it.", size.len() as i64 - 1),
                expected: ("empty_permuted: expected dims from 0 to {}", size.len() as i64 - 1), got: ("{d}"), fix: ("Count dims from 0."));
        }
        if std::mem::replace(&mut seen[d as usize], true) {
            fail!(Runtime, torch: ("Duplicate dim not allowed"), expected: ("empty_permuted: expected each dim once"), got: ("{order:?}"), fix: ("Name every dim once."));
        }
        strides[d as usize] = next;
        next = next.wrapping_mul(shape[d as usize].max(1) as isize);
    }
    dispatch::empty_strided(&shape, &strides, dtype.unwrap_or(default_dtype()), device(dev))
}

fn new_empty_strided(
    x: &Tensor,
    size: &[i64],
    stride: &[i64],
    dtype: Option<DType>,
    dev: Option<Device>,
) -> Result<Tensor> {
    empty_strided(size, stride, Some(dtype.unwrap_or(x.dtype())), Some(dev.unwrap_or(x.device())))
}

/// Can a number become an element of `dtype`?
pub fn check_value(value: Scalar, dtype: DType) -> Result<()> {
    if !value.fits(dtype) {
        fail!(Runtime, torch: ("value cannot be converted to type {} without overflow", dtype.typedef_name()), expected: ("fill: expected a number that {} can hold", dtype.name()), got: ("{value}"), fix: ("Use a wider dtype."));
    }
    Ok(())
}

/// Memory with given strides and without defined contents.
pub fn empty_strided(size: &[i64], stride: &[i64], dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    let shape = checked_shape("empty_strided", size)?;
    if size.len() != stride.len() || stride.iter().any(|&s| s < 0) {
        fail!(Runtime, torch: ("dimensionality of sizes ({}) must match dimensionality of strides ({})", size.len(), stride.len()), expected: ("empty_strided: expected {} strides of at least 0", size.len()),
            got: ("{stride:?}"), fix: ("Give one stride per dim."));
    }
    let strides = layout::kept_strides(&shape, stride);
    dispatch::empty_strided(&shape, &strides, dtype.unwrap_or(default_dtype()), device(dev))
}

/// A tensor of one value.
pub fn full(size: &[i64], value: Scalar, dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    let shape = checked_shape("full", size)?;
    full_shape(&shape, value, dtype.unwrap_or(natural_dtype(value)), device(dev))
}

fn full_shape(shape: &[usize], value: Scalar, dtype: DType, dev: Device) -> Result<Tensor> {
    check_value(value, dtype)?;
    if value.is(0.0) {
        return dispatch::zeros(shape, dtype, dev);
    }
    let t = dispatch::empty(shape, dtype, dev)?;
    dispatch::fill(&t, value);
    Ok(t)
}

/// A tensor of zeros.
pub fn zeros(size: &[i64], dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    if size.iter().any(|&n| n < 0) {
        fail!(Runtime, torch: ("zeros: Dimension size must be non-negative."), expected: ("zeros: expected sizes of at least 0"), got: ("{size:?}"), fix: ("Give the extents themselves; -1 works in view, reshape and expand only."));
    }
    full_shape(&checked_shape("zeros", size)?, Scalar::Int(0), dtype.unwrap_or(default_dtype()), device(dev))
}

/// A tensor of ones.
pub fn ones(size: &[i64], dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    full_shape(&checked_shape("ones", size)?, Scalar::Int(1), dtype.unwrap_or(default_dtype()), device(dev))
}

/// Memory shaped like another tensor.
pub fn like(x: &Tensor, dtype: Option<DType>, dev: Option<Device>, format: Option<MemoryFormat>) -> Result<Tensor> {
    let format = format.unwrap_or(MemoryFormat::Preserve);
    check_rank(format, x.ndim())?;
    let strides = super::copy::strides_for(x, format);
    dispatch::empty_strided(x.shape(), &strides, dtype.unwrap_or(x.dtype()), dev.unwrap_or(x.device()))
}

/// Memory shaped like another tensor.
pub fn empty_like(
    x: &Tensor,
    dtype: Option<DType>,
    dev: Option<Device>,
    format: Option<MemoryFormat>,
) -> Result<Tensor> {
    like(x, dtype, dev, format)
}

/// One value, shaped like another tensor.
pub fn full_like(
    x: &Tensor,
    value: Scalar,
    dtype: Option<DType>,
    dev: Option<Device>,
    format: Option<MemoryFormat>,
) -> Result<Tensor> {
    check_value(value, dtype.unwrap_or(x.dtype()))?;
    let t = like(x, dtype, dev, format)?;
    dispatch::fill(&t, value);
    Ok(t)
}

fn zeros_like(x: &Tensor, dtype: Option<DType>, dev: Option<Device>, format: Option<MemoryFormat>) -> Result<Tensor> {
    full_like(x, Scalar::Int(0), dtype, dev, format)
}

fn ones_like(x: &Tensor, dtype: Option<DType>, dev: Option<Device>, format: Option<MemoryFormat>) -> Result<Tensor> {
    full_like(x, Scalar::Int(1), dtype, dev, format)
}

fn new_full(x: &Tensor, size: &[i64], value: Scalar, dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    full_shape(&checked_shape("new_full", size)?, value, dtype.unwrap_or(x.dtype()), dev.unwrap_or(x.device()))
}

fn new_zeros(x: &Tensor, size: &[i64], dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    new_full(x, size, Scalar::Int(0), dtype, dev)
}

fn new_ones(x: &Tensor, size: &[i64], dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    new_full(x, size, Scalar::Int(1), dtype, dev)
}

fn new_empty(x: &Tensor, size: &[i64], dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    dispatch::empty(&checked_shape("new_empty", size)?, dtype.unwrap_or(x.dtype()), dev.unwrap_or(x.device()))
}

/// Numbers from `start` up to but without `end`.
pub fn arange(start: Scalar, end: Scalar, step: Scalar, dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    let integral = [start, end, step].iter().all(|s| s.category() <= Category::Int);
    let dtype = dtype.unwrap_or(if integral { DType::I64 } else { default_dtype() });
    if [start, end, step].iter().any(|s| s.category() == Category::Complex) {
        fail!(Runtime, torch: ("value cannot be converted to type double without overflow"), expected: ("arange: expected real numbers"), got: ("a complex one"), fix: ("Use linspace()."));
    }
    if dtype == DType::Bool || dtype.is_complex() {
        return super::helpers::not_implemented("arange", dtype);
    }
    if dtype == DType::I64 {
        [start, end, step]
            .into_iter()
            .filter(|s| matches!(s, Scalar::Wide(_)))
            .try_for_each(|s| check_value(s, dtype))?;
    }
    let wide = [start, end, step].iter().any(|s| matches!(s, Scalar::Wide(_)));
    let integral = integral && (!wide || dtype.is_integral(false));
    let (a, b, s) = (start.f64(), end.f64(), step.f64());
    if s == 0.0 {
        fail!(Runtime, torch: ("step must be nonzero"), expected: ("arange: expected a step other than 0"), got: ("0"), fix: ("Use full() for a constant."));
    }
    if dtype.is_integral(false) && step.i64() == 0 {
        fail!(Value, torch: ("step must be nonzero"), expected: ("arange: expected a step of at least 1 for {}", dtype.name()), got: ("{s}"), fix: ("Use a floating dtype."));
    }
    if !a.is_finite() || !b.is_finite() {
        fail!(Runtime, torch: ("unsupported range: {a} -> {b}"), expected: ("arange: expected finite bounds"), got: ("{a} and {b}"), fix: ("Check the arguments."));
    }
    if (s > 0.0) != (b >= a) && a != b {
        fail!(Runtime, torch: ("upper bound and lower bound inconsistent with step sign"), expected: ("arange: expected a step from start towards end"), got: ("{a} to {b} by {s}"), fix: ("Change the step's sign."));
    }
    // With int64 asked for, torch counts in integers, whatever the bounds are.
    let n = if integral || dtype == DType::I64 && start.i64() != end.i64() && step.i64() != 0 {
        let (a, b, s) = (start.i128(), end.i128(), step.i128());
        ((b - a + s - s.signum()) / s).max(0) as f64
    } else {
        ((b - a) / s).ceil()
    };
    if n > isize::MAX as f64 / 8.0 {
        fail!(Runtime, torch: ("invalid size, possible overflow?"), expected: ("arange: expected fewer than 2^60 numbers"), got: ("{n}"), fix: ("Use a larger step."));
    }
    let t = dispatch::empty(&[n as usize], dtype, device(dev))?;
    dispatch::arange(&t, start, step);
    Ok(t)
}

fn arange_end(end: Scalar, dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    arange(Scalar::Int(0), end, Scalar::Int(1), dtype, dev)
}

/// An int64 vector of given numbers.
pub fn from_ints(list: &[i64], dev: Device) -> Result<Tensor> {
    let t = dispatch::empty(&[list.len()], DType::I64, dev)?;
    dispatch::write_ints(&t, list);
    Ok(t)
}

fn scalar_tensor(s: Scalar, dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    dispatch::scalar(s, dtype.unwrap_or(default_dtype()), device(dev))
}

/// Sets every element.
pub fn fill_(x: &Tensor, value: Scalar) -> Result<Tensor> {
    check_value(value, x.dtype())?;
    set_all(x, "FillBackward2", value)
}

fn set_all(x: &Tensor, node: &'static str, value: Scalar) -> Result<Tensor> {
    inplace::overwrite(
        x,
        node,
        &[x],
        |x| {
            dispatch::fill(x, value);
            Ok(())
        },
        |_| |_, g| grads![g.zeros_like()?],
    )
}

/// Sets every element to the value of a 0-d tensor.
pub fn fill_tensor_(x: &Tensor, value: &Tensor) -> Result<Tensor> {
    if value.ndim() != 0 {
        fail!(Runtime, torch: ("fill_ only supports 0-dimension value tensor but got tensor with {} dimensions.", value.ndim()), expected: ("fill_: expected a number or a 0-d tensor"), got: ("shape {:?}", value.shape()), fix: ("Use copy_() to broadcast."));
    }
    super::copy::warn_discard(value.dtype(), x.dtype())?;
    inplace::overwrite(
        x,
        "FillBackward3",
        &[x, value],
        |x| {
            dispatch::copy(value, x);
            Ok(())
        },
        |_| |c, g| grads![g.zeros_like()?, c.when(1, || g.sum_all())?],
    )
}

fn filled(x: &Tensor, value: Scalar) -> Result<Tensor> {
    check_value(value, x.dtype())?;
    let y = x.empty_like()?;
    dispatch::fill(&y, value);
    record(y, "FillBackward0", &[x], |_| |_, g| grads![g.zeros_like()?])
}

fn filled_tensor(x: &Tensor, value: &Tensor) -> Result<Tensor> {
    fill_tensor_(&super::copy::clone(x, None)?, value)
}

/// The truth of a tensor of one element.
fn is_nonzero(x: &Tensor) -> Result<bool> {
    if x.numel() != 1 {
        let what = if x.numel() == 0 { "no values" } else { "more than one value" };
        fail!(Runtime, torch: ("Boolean value of Tensor with {what} is ambiguous"), expected: ("is_nonzero: expected 1 element"), got: ("{}", x.numel()), fix: ("Use any() or all()."));
    }
    x.item_bool()
}

fn zero_(x: &Tensor) -> Result<Tensor> {
    set_all(x, "ZeroBackward0", Scalar::Int(0))
}

/// The tensor with another shape on the same storage, which grows where it must. Old elements keep their places.
pub fn resized(x: &Tensor, shape: &[usize], format: MemoryFormat) -> Result<Tensor> {
    let strides = layout::format_strides(shape, format);
    let Some(n) = layout::numel(shape) else {
        fail!(Runtime, torch: ("Storage size calculation overflowed with sizes={shape:?}"), expected: ("resize_: expected a size below 2^63 bytes"), got: ("{shape:?}"), fix: ("Use smaller sizes."));
    };
    let Some(need) = n.checked_mul(x.dtype().size()).and_then(|b| b.checked_add(x.offset() * x.dtype().size())) else {
        fail!(Runtime, torch: ("Storage size calculation overflowed with sizes={shape:?}"), expected: ("resize_: expected a size below 2^63 bytes"), got: ("{shape:?}"), fix: ("Use smaller sizes."));
    };
    dispatch::grow(x.storage(), if n == 0 { 0 } else { need })?;
    // SAFETY: the storage holds `need` bytes.
    let data =
        unsafe { Tensor::from_parts(x.storage().clone(), x.offset(), Shape::from_slice(shape), strides, x.dtype()) };
    x.bump_version();
    Ok(x.with_data(&data.reading_as(x)))
}

ops! {
    /// Uninitialised memory.
    "empty(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f o] => empty(0, 1, 3, 5);
    /// Uninitialised memory with given strides, in elements.
    "empty_strided(int[] size, int[] stride, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f] => empty_strided(0, 1, 2, 4);
    /// A tensor of zeros.
    "zeros(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => zeros(0, 1, 3);
    /// A tensor of ones.
    "ones(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => ones(0, 1, 3);
    /// A tensor of one value; the dtype follows the value.
    "full(int[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => full(0, 1, 2, 4);
    /// Uninitialised memory shaped like self.
    "empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => empty_like(0, 1, 3, 5);
    /// Zeros shaped like self.
    "zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => zeros_like(0, 1, 3, 5);
    /// Ones shaped like self.
    "ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => ones_like(0, 1, 3, 5);
    /// One value, shaped like self.
    "full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, MemoryFormat? memory_format=None, bool requires_grad=False) -> Tensor" [f] => full_like(0, 1, 2, 4, 6);
    /// Uninitialised memory with self's dtype and device.
    "new_empty(Tensor self, int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [m] => new_empty(0, 1, 2, 4);
    /// Zeros with self's dtype and device.
    "new_zeros(Tensor self, int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [m] => new_zeros(0, 1, 2, 4);
    /// Ones with self's dtype and device.
    "new_ones(Tensor self, int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [m] => new_ones(0, 1, 2, 4);
    /// One value with self's dtype and device.
    "new_full(Tensor self, int[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [m] => new_full(0, 1, 2, 3, 5);
    /// Numbers from 0 up to but without `end`.
    "arange(Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => arange_end(0, 1, 3);
    /// Numbers from `start` up to but without `end`, `step` apart.
    "arange(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => arange(0, 1, 2, 3, 5);
    /// A 0-d tensor of one number.
    "scalar_tensor(Scalar s, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f] => scalar_tensor(0, 1, 3);
    /// Sets every element to the value of a 0-d tensor.
    "fill_(Tensor self, Tensor value) -> Tensor" [f m] => fill_tensor_(0, 1);
    /// Sets every element to a number.
    "fill_(Tensor self, Scalar value) -> Tensor" [f m] => fill_(0, 1);
    /// One value, shaped like self.
    "fill(Tensor self, Tensor value) -> Tensor" [f] => filled_tensor(0, 1);
    /// One value, shaped like self.
    "fill(Tensor self, Scalar value) -> Tensor" [f] => filled(0, 1);
    /// Memory whose dims lie in the order `physical_layout`, outermost first.
    "empty_permuted(int[] size, int[] physical_layout, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f] => empty_permuted(0, 1, 2, 4);
    /// Memory with given strides and self's dtype and device.
    "new_empty_strided(Tensor self, int[] size, int[] stride, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [m] => new_empty_strided(0, 1, 2, 3, 5);
    /// Is the only element of a tensor other than 0?
    "is_nonzero(Tensor self) -> bool" [f m] => is_nonzero(0);
    /// Sets every element to 0.
    "zero_(Tensor self) -> Tensor" [f m] => zero_(0);
}
