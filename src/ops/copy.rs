//! Copies and casts.

use super::inplace;
use crate::autograd::{Ctx, record};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, MemoryFormat, Strides};
use crate::tensor::{DType, Device, Tensor};
use std::sync::atomic::AtomicBool;

/// Refuses to copy from a meta tensor to memory.
fn check_data(x: &Tensor, device: Device) -> Result<()> {
    if x.device() != device && x.is_meta() {
        fail!(NotImplemented, torch: ("Cannot copy out of meta tensor; no data!"), expected: ("to: expected a tensor with data"), got: ("a meta tensor"), fix: ("Use to_empty() on a module, or empty_like(device='cpu')."));
    }
    Ok(())
}

fn copied(x: &Tensor, strides: &[isize], dtype: DType, device: Device) -> Result<Tensor> {
    check_data(x, device)?;
    let y = dispatch::empty_strided(x.shape(), strides, dtype, device)?;
    dispatch::copy(x, &y);
    Ok(y)
}

/// The data on the CPU.
pub fn to_cpu(x: &Tensor) -> Result<Tensor> {
    crate::error::caught(|| to(x, None, Some(Device::Cpu), false, MemoryFormat::Preserve))
}

/// Strides of a copy of `x` in a memory format.
pub fn strides_for(x: &Tensor, format: MemoryFormat) -> Strides {
    match format {
        MemoryFormat::Preserve => layout::preserve_strides(x.shape(), x.strides()),
        other => layout::format_strides(x.shape(), other),
    }
}

/// A copy; by default with the input's order of dims.
pub fn clone(x: &Tensor, memory_format: Option<MemoryFormat>) -> Result<Tensor> {
    super::create::check_rank(memory_format.unwrap_or(MemoryFormat::Preserve), x.ndim())?;
    clone_strided(x, &strides_for(x, memory_format.unwrap_or(MemoryFormat::Preserve)))
}

/// A copy with given dense strides.
pub fn clone_strided(x: &Tensor, strides: &[isize]) -> Result<Tensor> {
    let y = copied(x, strides, x.dtype(), x.device())?;
    record(y, "CloneBackward0", &[x], |_| |_, g| grads![g.clone()])
}

/// A copy of a gradient with the layout of the tensor that it belongs to.
pub fn clone_like(g: &Tensor, like: &Tensor) -> Result<Tensor> {
    if layout::is_non_overlapping_and_dense(like.shape(), like.strides()) && g.shape() == like.shape() {
        return clone_strided(g, like.strides());
    }
    clone(g, Some(MemoryFormat::Contiguous))
}

/// A tensor broadcast to a shape and, where `strides` are dense, laid out with them.
pub fn lay_out(x: &Tensor, shape: &[usize], strides: &[isize]) -> Result<Tensor> {
    let x = super::view::expand_to(x, shape)?;
    let dense = strides.len() == shape.len() && layout::is_non_overlapping_and_dense(shape, strides);
    if dense && x.strides() != strides { clone_strided(&x, strides) } else { Ok(x) }
}

/// The tensor itself if it is laid out in that format, else a copy that is.
pub fn contiguous_format(x: &Tensor, memory_format: MemoryFormat) -> Result<Tensor> {
    let done = match memory_format {
        MemoryFormat::Contiguous => x.is_contiguous(),
        MemoryFormat::Preserve => {
            fail!(Runtime, torch: ("preserve memory format is unsupported by the contiguous operator"), expected: ("contiguous: expected a memory format"), got: ("preserve_format"), fix: ("Use contiguous_format or channels_last."))
        }
        other => is_format(x, other),
    };
    if done { Ok(x.clone()) } else { clone(x, Some(memory_format)) }
}

/// Does the layout follow a memory format?
pub fn is_format(x: &Tensor, format: MemoryFormat) -> bool {
    if format == MemoryFormat::Contiguous {
        return x.is_contiguous();
    }
    let want = layout::format_strides(x.shape(), format);
    let dims = match format {
        MemoryFormat::ChannelsLast => 4,
        MemoryFormat::ChannelsLast3d => 5,
        _ => x.ndim(),
    };
    x.ndim() == dims && (x.shape().iter().zip(x.strides()).zip(&want).all(|((&n, &s), &w)| n == 1 || s == w))
}

/// The tensor itself if it is contiguous, else a contiguous copy.
pub fn contiguous(x: &Tensor) -> Result<Tensor> {
    contiguous_format(x, MemoryFormat::Contiguous)
}

/// Casts; the tensor itself if nothing changes.
pub fn to_dtype(x: &Tensor, dtype: DType) -> Result<Tensor> {
    to(x, Some(dtype), None, false, MemoryFormat::Preserve)
}

/// Another dtype, device or layout; the tensor itself if nothing changes, unless `copy`.
pub fn to(
    x: &Tensor,
    dtype: Option<DType>,
    device: Option<Device>,
    copy: bool,
    format: MemoryFormat,
) -> Result<Tensor> {
    if x.sparse().is_some() {
        return super::sparse::to(x, dtype, device, copy);
    }
    super::create::check_rank(format, x.ndim())?;
    let (dtype, device) = (dtype.unwrap_or(x.dtype()), device.unwrap_or(x.device()));
    // What torch asks here is what the layout looks like, not whether it is exactly that format.
    let same_layout = format == MemoryFormat::Preserve || layout::suggested_format(x.shape(), x.strides()) == format;
    if !copy && dtype == x.dtype() && device == x.device() && same_layout {
        return Ok(x.clone());
    }
    warn_discard(x.dtype(), dtype)?;
    let y = copied(x, &strides_for(x, format), dtype, device)?;
    let (from, home) = (x.dtype(), x.device());
    record(y, "ToCopyBackward0", &[x], |_| {
        move |_, g| grads![to(&cast_grad(g, from)?, None, Some(home), false, MemoryFormat::Preserve)?]
    })
}

/// Says once that a cast drops imaginary parts.
pub fn warn_discard(from: DType, to: DType) -> Result<()> {
    static SAID: AtomicBool = AtomicBool::new(false);
    // A truth value has both parts.
    if from.is_complex() && !to.is_complex() && to != DType::Bool {
        crate::error::warn_once(&SAID, "Casting complex values to real discards the imaginary part")?;
    }
    Ok(())
}

/// A gradient cast to the dtype of the tensor that it belongs to; complex to real takes the real part.
pub fn cast_grad(g: &Tensor, dtype: DType) -> Result<Tensor> {
    if g.dtype().is_complex() && !dtype.is_complex() {
        return to_dtype(&super::reinterpret::real(g)?, dtype);
    }
    to_dtype(g, dtype)
}

/// Copies `src`, broadcast and cast, into `x`.
pub fn copy_(x: &Tensor, src: &Tensor, _non_blocking: bool) -> Result<Tensor> {
    const NODE: &str = "CopyBackwards";
    let derivative = |c: &Ctx, g: &Tensor| grads![c.when(0, || g.zeros_like())?, c.when(1, || Ok(g.clone()))?];
    // Nothing moves, but it counts as a change, as in torch.
    if x.is(src) {
        return inplace::overwrite(x, NODE, &[x, src], |_| Ok(()), |_| derivative);
    }
    let fits =
        src.ndim() <= x.ndim() && src.shape().iter().rev().zip(x.shape().iter().rev()).all(|(&a, &b)| a == b || a == 1);
    if !fits {
        let d = (0..src.ndim().min(x.ndim()))
            .find(|&i| {
                let (a, b) = (src.shape()[src.ndim() - 1 - i], x.shape()[x.ndim() - 1 - i]);
                a != b && a != 1
            })
            .map_or(0, |i| x.ndim() - 1 - i);
        fail!(Runtime, torch: ("The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension {d}", x.size(d), src.shape().get((d + src.ndim()).wrapping_sub(x.ndim())).copied().unwrap_or(1)),
            expected: ("copy_: expected a source that broadcasts to {:?}", x.shape()), got: ("{:?}", src.shape()), fix: ("Reshape the source."));
    }
    check_data(src, x.device())?;
    warn_discard(src.dtype(), x.dtype())?;
    inplace::check_overlap(x, src)?;
    inplace::write(
        x,
        NODE,
        &[x, src],
        |x| {
            // A source in the same memory is copied out first: the copy's order is not defined.
            if inplace::may_overlap(x, src) {
                dispatch::copy(&copied(src, &layout::contiguous_strides(src.shape()), src.dtype(), src.device())?, x);
            } else {
                dispatch::copy(src, x);
            }
            Ok(())
        },
        |_| derivative,
    )
}

ops! {
    /// A copy with its own memory; by default with the input's order of dims.
    "clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [f m v] => clone(0, 1);
    /// The tensor itself if it is laid out in that format, else a copy that is.
    "contiguous(Tensor self, *, MemoryFormat memory_format=contiguous_format) -> Tensor" [m v] => contiguous_format(0, 1);
    /// Copies `src`, broadcast and cast, into self.
    "copy_(Tensor self, Operand src, bool non_blocking=False) -> Tensor" [m v] => copy_(0, 1, 2);
}
