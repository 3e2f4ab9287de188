//! Checks and small compositions that several families share.

use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::tensor::layout::{self, Shape};
use crate::tensor::promote;
use crate::tensor::{DType, Scalar, Tensor};
use smallvec::SmallVec;

/// Bits of wrapped dims; an empty list means all. torch's error for a dim given twice.
pub fn dim_mask(x: &Tensor, dims: &[i64], empty_is_all: bool) -> Result<u64> {
    let all = dims.is_empty() && empty_is_all;
    if x.ndim() > 64 && !all {
        fail!(Runtime, torch: ("only tensors with up to 64 dims are supported"), expected: ("dims: expected at most 64 dims"), got: ("{}", x.ndim()), fix: ("Flatten some."));
    }
    if all {
        return Ok(if x.ndim() >= 64 { u64::MAX } else { (1u64 << x.ndim()) - 1 });
    }
    let mut mask = 0u64;
    for &d in dims {
        let w = x.wrap_dim(d)?;
        if mask >> w & 1 != 0 {
            fail!(Runtime, torch: ("dim {w} appears multiple times in the list of dims"), expected: ("dims: expected each dim once"),
                got: ("{dims:?}"), fix: ("Remove the repetition."));
        }
        mask |= 1 << w;
    }
    Ok(if x.ndim() == 0 { 0 } else { mask })
}

/// Shape after reducing the dims of `mask`; with `keepdim` they stay with extent 1.
pub fn reduced_shape(shape: &[usize], mask: u64, keepdim: bool) -> Shape {
    shape
        .iter()
        .enumerate()
        .filter_map(|(d, &n)| {
            // Beyond 64 dims a mask can only mean all of them.
            if mask >> d.min(63) & 1 == 0 { Some(n) } else { keepdim.then_some(1) }
        })
        .collect()
}

/// A gradient of a reduced tensor with its reduced dims put back as extent 1.
pub fn restore_dims(g: &Tensor, shape: &[usize], mask: u64, keepdim: bool) -> Result<Tensor> {
    if keepdim || shape.is_empty() {
        return Ok(g.clone());
    }
    g.view_as_shape(&reduced_shape(shape, mask, true))
}

/// Sums a gradient over the dims along which a tensor of `shape` was broadcast.
pub fn sum_to(g: &Tensor, shape: &[usize]) -> Result<Tensor> {
    if g.shape() == shape {
        return Ok(g.clone());
    }
    let lead = g.ndim() - shape.len();
    let dims: SmallVec<[i64; 6]> =
        (0..g.ndim()).filter(|&d| d < lead || (shape[d - lead] == 1 && g.shape()[d] != 1)).map(|d| d as i64).collect();
    let s = if dims.is_empty() { g.clone() } else { g.sum_dims(&dims, true)? };
    if lead > 0 { s.view_as_shape(shape) } else { Ok(s) }
}

/// The extent of dim `d`. torch reads some extents before it looks at the number of dims, and so gives an IndexError.
pub fn extent(x: &Tensor, d: i64) -> Result<usize> {
    if x.ndim() == 0 {
        fail!(Index, torch: ("Dimension specified as {d} but tensor has no dimensions"), expected: ("expected a tensor with a dim {d}"), got: ("a 0-d tensor"), fix: ("Unsqueeze it first."));
    }
    Ok(x.shape()[x.wrap_dim(d)?])
}

/// Does a floating tensor hold a NaN?
pub fn has_nan(x: &Tensor) -> Result<bool> {
    if x.is_meta() || !x.dtype().is_differentiable() {
        return Ok(false);
    }
    crate::autograd::no_grad(|| x.detach().isnan()?.any_all()?.item_bool())
}

/// All operands on one device; 0-d CPU tensors go with any.
pub fn same_device(name: &str, xs: &[&Tensor]) -> Result<crate::tensor::Device> {
    let mut device = xs[0].device();
    for t in xs {
        if t.device() != device {
            // Numbers and 0-d tensors of the CPU go where the others are.
            let guest = |t: &&Tensor| t.ndim() == 0 && t.device() == crate::tensor::Device::Cpu;
            let (a, b) = (xs.iter().copied().find(|t| !guest(t)).map_or(device, |t| t.device()), t.device());
            if xs.iter().copied().all(|t| t.device() == a || guest(&t)) {
                device = a;
                continue;
            }
            fail!(Runtime, torch: ("Expected all tensors to be on the same device, but found at least two devices, {device} and {b}!"),
                expected: ("{name}: expected tensors on one device"), got: ("{device} and {b}"), fix: ("Move one with .to()."));
        }
    }
    Ok(device)
}

/// The dtype of floating results: integers become the default dtype.
pub fn float_dtype(d: DType) -> DType {
    if d.is_integral(true) { promote::default_dtype() } else { d }
}

/// torch's text for a missing kernel.
#[cold]
pub fn not_implemented<T>(name: &str, dtype: DType) -> Result<T> {
    // Where torch says before it looks for a kernel that complex numbers have no order or no such function.
    let sentence = match name {
        "minimum" | "maximum" => Some(format!("{name} not implemented for complex tensors.")),
        "fmin" | "fmax" => Some(format!("{name} not implemented for complex tensors.")),
        "heaviside" => Some("heaviside is not yet implemented for complex tensors.".to_owned()),
        "isneginf" | "isposinf" => Some(format!("{name} does not support complex inputs.")),
        "min" | "max" => Some(format!("{name}(): does not support complex input")),
        _ => None,
    };
    if let Some(sentence) = sentence.filter(|_| dtype.is_complex()) {
        fail!(Runtime, torch: ("{sentence}"), expected: ("{name}: expected real numbers"), got: ("{}", dtype.name()), fix: ("Use abs(), or the real part."));
    }
    let kernel = match name {
        "gelu" => "GeluKernelImpl".to_owned(),
        "bitwise_left_shift" => "lshift_cpu".to_owned(),
        "bitwise_right_shift" => "rshift_cpu".to_owned(),
        "mse_loss" => "mse_cpu".to_owned(),
        "index_func_" | "weight_norm_kernel" => name.to_owned(),
        name if name.ends_with("_impl") || name.contains("_cpu_") => name.to_owned(),
        name => format!("{name}_cpu"),
    };
    fail!(NotImplemented, torch: ("\"{kernel}\" not implemented for '{}'", dtype.scalar_name()),
        expected: ("{name}: expected a dtype that it is defined for"), got: ("{}", dtype.name()), fix: ("Convert with .to() first."))
}

/// A shape given by the user: negative sizes are refused.
pub fn checked_shape(name: &str, size: &[i64]) -> Result<Shape> {
    let mut out = Shape::with_capacity(size.len());
    for &n in size {
        if n < 0 {
            fail!(Runtime, torch: ("Trying to create tensor with negative dimension {n}: {size:?}"), expected: ("{name}: expected sizes of at least 0"),
                got: ("{size:?}"), fix: ("Give the extents themselves; -1 works in view, reshape and expand only."));
        }
        out.push(n as usize);
    }
    Ok(out)
}

impl Tensor {
    /// The value of a tensor of one element.
    pub fn item(&self) -> Result<Scalar> {
        if self.numel() != 1 {
            fail!(Runtime, torch: ("a Tensor with {} elements cannot be converted to Scalar", self.numel()), expected: ("item: expected 1 element"),
                got: ("shape {}", layout::show(self.shape())), fix: ("Index it first, or use tolist()."));
        }
        if self.is_meta() {
            fail!(Runtime, torch: ("Tensor.item() cannot be called on meta tensors"), expected: ("item: expected data"), got: ("a meta tensor"),
                fix: ("Make it on the CPU."));
        }
        if self.is_gpu() {
            return super::copy::to_cpu(&self.detach())?.item();
        }
        if self.is_lazy() {
            return super::lazy::resolve(&self.detach())?.item();
        }
        // SAFETY: the tensor has one element.
        Ok(unsafe { Scalar::read(self.ptr(), self.dtype()) })
    }

    /// The truth of a tensor of one element.
    pub fn item_bool(&self) -> Result<bool> {
        Ok(match self.item()? {
            Scalar::Bool(b) => b,
            Scalar::Int(i) => i != 0,
            Scalar::Wide(_) => true,
            Scalar::Float(f) => f != 0.0,
            Scalar::Complex(r, i) => r != 0.0 || i != 0.0,
        })
    }

    /// A 0-d tensor of this tensor's dtype and device.
    pub fn scalar_like(&self, s: impl Into<Scalar>) -> Result<Tensor> {
        dispatch::scalar(s.into(), self.dtype(), self.device())
    }

    /// An uninitialised tensor with this one's shape, order of dims, dtype and device.
    pub fn empty_like(&self) -> Result<Tensor> {
        self.empty_like_dtype(self.dtype())
    }

    /// The same with another dtype.
    pub fn empty_like_dtype(&self, dtype: DType) -> Result<Tensor> {
        if self.is_contiguous() {
            return dispatch::empty(self.shape(), dtype, self.device());
        }
        dispatch::empty_strided(
            self.shape(),
            &layout::preserve_strides(self.shape(), self.strides()),
            dtype,
            self.device(),
        )
    }

    /// Zeros with this one's shape, dtype and device.
    pub fn zeros_like(&self) -> Result<Tensor> {
        let t = self.empty_like()?;
        dispatch::fill(&t, Scalar::Int(0));
        Ok(t)
    }
}

/// Is `t` a parameter that is only read for now, in inference mode, under `no_grad` or frozen? What kernels compute from
/// it is worth keeping then; training changes it at every step.
pub fn lasting(t: &Tensor) -> bool {
    t.is_parameter() && !crate::autograd::needs_grad(&[t])
}
