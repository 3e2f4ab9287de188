//! Views of the same memory under another element type.

use super::copy;
use super::lazy;
use super::view;
use crate::autograd::record;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, Shape, Strides};
use crate::tensor::{DType, Tensor};

/// Another dtype over the same memory. If its size differs, the last dim grows or shrinks.
pub fn view_dtype(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if dtype == x.dtype() {
        return view::alias(x);
    }
    if x.is_lazy() {
        let what = if x.is_conj() { "conjugate view tensors" } else { "tensors with negative bit set" };
        fail!(Runtime, torch: ("torch.Tensor.view is not supported for {what} when converting to a different dtype."),
            expected: ("view: expected a tensor that is stored as it reads"), got: ("a conjugate or negative view"), fix: ("Use resolve_conj() or resolve_neg() first."));
    }
    let (from, to) = (x.dtype().size(), dtype.size());
    let (mut shape, mut strides, mut offset) =
        (Shape::from_slice(x.shape()), Strides::from_slice(x.strides()), x.offset());
    if from != to {
        let ratio = from.max(to) / from.min(to);
        check_last_dim(x, dtype)?;
        let last = shape.len() - 1;
        if from > to {
            shape[last] *= ratio;
            offset *= ratio;
            strides.iter_mut().take(last).for_each(|s| *s *= ratio as isize);
        } else {
            check_divisible(x, dtype, ratio)?;
            shape[last] /= ratio;
            offset /= ratio;
            strides.iter_mut().take(last).for_each(|s| *s /= ratio as isize);
        }
        strides[last] = 1;
    }
    layout::check_numel("view", &shape)?;
    check_aligned(x, dtype)?;
    dispatch::check_dtype(x.device(), dtype)?;
    // Not differentiable, as in torch: the view starts from the data alone.
    Ok(view::raw_dtype(&x.detach(), shape, strides, offset, dtype))
}

/// Memory of others may start anywhere; ours suits every dtype.
fn check_aligned(x: &Tensor, dtype: DType) -> Result<()> {
    let unit = dtype.size().min(8);
    let first = x.storage().ptr() as usize;
    if !x.is_meta() && !first.is_multiple_of(unit) {
        fail!(Runtime, expected: ("view: expected memory aligned to {unit} bytes for {}", dtype.name()), got: ("address {first:#x}"), fix: ("Clone the tensor first."));
    }
    Ok(())
}

fn pair(x: &Tensor, dtype: DType) -> String {
    format!("to view {} as {} (different element sizes)", x.dtype().scalar_name(), dtype.scalar_name())
}

fn check_last_dim(x: &Tensor, dtype: DType) -> Result<()> {
    let what = pair(x, dtype);
    match x.strides().last() {
        None => {
            fail!(Runtime, torch: ("self.dim() cannot be 0 {what}"), expected: ("view: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Use unsqueeze(0) first."))
        }
        Some(&s) if s != 1 && (x.size(x.ndim() - 1) != 1 || x.dtype().size() < dtype.size()) => {
            fail!(Runtime, torch: ("self.stride(-1) must be 1 {what}, but got {s}"),
            expected: ("view: expected a last dim of stride 1"), got: ("{s}"), fix: ("Use contiguous() first."))
        }
        _ => Ok(()),
    }
}

fn check_divisible(x: &Tensor, dtype: DType, ratio: usize) -> Result<()> {
    let what = pair(x, dtype);
    let last = x.ndim() - 1;
    if !x.size(last).is_multiple_of(ratio) {
        fail!(Runtime, torch: ("self.size(-1) must be divisible by {ratio} {what}, but got {}", x.size(last)), expected: ("view: expected a last dim divisible by {ratio}"), got: ("{}", x.size(last)), fix: ("Pad it."));
    }
    if !x.offset().is_multiple_of(ratio) {
        fail!(Runtime, torch: ("self.storage_offset() must be divisible by {ratio} {what}, but got {}", x.offset()), expected: ("view: expected an offset divisible by {ratio}"), got: ("{}", x.offset()), fix: ("Clone the tensor first."));
    }
    for (d, &s) in x.strides().iter().enumerate().take(last) {
        if !(s as usize).is_multiple_of(ratio) {
            fail!(Runtime, torch: ("self.stride({d}) must be divisible by {ratio} {what}, but got {s}"), expected: ("view: expected strides divisible by {ratio}"), got: ("{s}"), fix: ("Use contiguous() first."));
        }
    }
    Ok(())
}

/// A complex tensor as real numbers, with a new last dim of real and imaginary part.
pub fn view_as_real(x: &Tensor) -> Result<Tensor> {
    if !x.dtype().is_complex() {
        fail!(Runtime, torch: ("view_as_real is only supported for complex tensors"), expected: ("view_as_real: expected a complex dtype"), got: ("{}", x.dtype().name()), fix: ("Use torch.complex() to make one."));
    }
    if x.is_conj() {
        fail!(Runtime, torch: ("view_as_real doesn't work on unresolved conjugated tensors.  To resolve the conjugate tensor so you can view it as real, use self.resolve_conj(); however, be warned that the resulting tensor will NOT alias the original."),
            expected: ("view_as_real: expected a tensor that is stored as it reads"), got: ("a conjugate view"), fix: ("Use resolve_conj() first."));
    }
    let (mut shape, mut strides) =
        (Shape::from_slice(x.shape()), x.strides().iter().map(|s| s * 2).collect::<Strides>());
    shape.push(2);
    strides.push(1);
    layout::check_numel("view_as_real", &shape)?;
    let y = view::raw_dtype(x, shape, strides, x.offset() * 2, x.dtype().to_real());
    record(y, "ViewAsRealBackward0", &[x], |_| |_, g| grads![view_as_complex(&copy::contiguous(g)?)?])
}

/// Pairs of real numbers in the last dim as complex numbers.
pub fn view_as_complex(x: &Tensor) -> Result<Tensor> {
    if !matches!(x.dtype(), DType::F32 | DType::F64) {
        fail!(Runtime, torch: ("view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: {}", x.dtype().scalar_name()),
            expected: ("view_as_complex: expected float32 or float64"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    if x.ndim() == 0 {
        fail!(Runtime, torch: ("Input tensor must have one or more dimensions"), expected: ("view_as_complex: expected a last dim of size 2"), got: ("a 0-d tensor"), fix: ("Stack real and imaginary parts."));
    }
    let last = x.ndim() - 1;
    if x.size(last) != 2 {
        fail!(Runtime, torch: ("Tensor must have a last dimension of size 2"), expected: ("view_as_complex: expected a last dim of size 2"), got: ("{}", x.size(last)), fix: ("Stack real and imaginary parts."));
    }
    if x.strides()[last] != 1 {
        fail!(Runtime, torch: ("Tensor must have a last dimension with stride 1"), expected: ("view_as_complex: expected stride 1 in the last dim"), got: ("{}", x.strides()[last]), fix: ("Use contiguous() first."));
    }
    if x.strides()[..last].iter().any(|s| s % 2 != 0) {
        fail!(Runtime, torch: ("Tensor must have a stride divisible by 2 for all but last dimension"), expected: ("view_as_complex: expected even strides"), got: ("{:?}", x.strides()), fix: ("Use contiguous() first."));
    }
    if !x.offset().is_multiple_of(2) {
        fail!(Runtime, torch: ("Tensor must have a storage_offset divisible by 2"), expected: ("view_as_complex: expected an even offset"), got: ("{}", x.offset()), fix: ("Clone the tensor first."));
    }
    let (shape, strides) =
        (Shape::from_slice(&x.shape()[..last]), x.strides()[..last].iter().map(|s| s / 2).collect::<Strides>());
    let y = view::raw_dtype(x, shape, strides, x.offset() / 2, x.dtype().to_complex());
    record(y, "ViewAsComplexBackward0", &[x], |_| |_, g| grads![view_as_real(g)?])
}

/// The real part as a view; a real tensor is its own.
pub fn real(x: &Tensor) -> Result<Tensor> {
    if !x.dtype().is_complex() {
        return Ok(x.clone());
    }
    let x = if x.is_conj() { &lazy::conj(x)? } else { x };
    view::select(&view_as_real(x)?, -1, 0)
}

/// The imaginary part as a view.
pub fn imag(x: &Tensor) -> Result<Tensor> {
    if !x.dtype().is_complex() {
        fail!(Runtime, torch: ("imag is not implemented for tensors with non-complex dtypes."), expected: ("imag: expected a complex dtype"), got: ("{}", x.dtype().name()), fix: ("A real tensor's imaginary part is zeros_like()."));
    }
    if x.is_conj() {
        return lazy::negative(&imag(&lazy::conj(x)?)?);
    }
    view::select(&view_as_real(x)?, -1, 1)
}

fn view_as(x: &Tensor, other: &Tensor) -> Result<Tensor> {
    view::view(x, &other.shape().iter().map(|&n| n as i64).collect::<Vec<_>>())
}

ops! {
    /// Another dtype over the same memory. If its size differs, the last dim grows or shrinks.
    "view(Tensor self, ScalarType dtype) -> Tensor" [m v] => view_dtype(0, 1);
    /// A view with the shape of `other`.
    "view_as(Tensor self, Tensor other) -> Tensor" [m v] => view_as(0, 1);
    /// A complex tensor as real numbers, with a new last dim of real and imaginary part.
    "view_as_real(Tensor self) -> Tensor" [f v] => view_as_real(0);
    /// Pairs of real numbers in the last dim as complex numbers.
    "view_as_complex(Tensor self) -> Tensor" [f v] => view_as_complex(0);
    /// The real part as a view; a real tensor is its own.
    "real(Tensor self) -> Tensor" [f v] => real(0);
    /// The imaginary part as a view.
    "imag(Tensor self) -> Tensor" [f v] => imag(0);
}
