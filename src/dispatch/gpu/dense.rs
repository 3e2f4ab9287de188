//! Tensors as kernels of lines take them: dense, and with the dim that lines run along last.

use super::super::{copy, empty};
use crate::error::{Result, no_gpu_kernel, stop};
use crate::tensor::layout::{Shape, Strides};
use crate::tensor::{DType, Device, Tensor};

/// The dtype in 32 bits, or int64, that holds all values of a dtype.
pub fn word(dtype: DType) -> DType {
    match dtype {
        DType::I64 => DType::I64,
        d if d.is_integral(true) => DType::I32,
        d if d.is_float() && d != DType::F64 => DType::F32,
        _ => stop(no_gpu_kernel()),
    }
}

/// The same memory with `dim` last.
pub fn last(x: &Tensor, dim: usize) -> Tensor {
    let (mut shape, mut strides) = (Shape::from_slice(x.shape()), Strides::from_slice(x.strides()));
    if dim < shape.len() {
        let (n, s) = (shape.remove(dim), strides.remove(dim));
        shape.push(n);
        strides.push(s);
    }
    // SAFETY: a permutation of the dims of `x`.
    unsafe { Tensor::from_parts(x.storage().clone(), x.offset(), shape, strides, x.dtype()) }
}

/// The same values, dense in `dtype`: the tensor itself if it is.
pub fn dense(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if x.is_contiguous() && x.dtype() == dtype {
        return Ok(x.clone());
    }
    let y = empty(x.shape(), dtype, Device::Gpu)?;
    copy(x, &y);
    Ok(y)
}

/// Lets `make` fill a dense tensor of `dtype`: `out` itself if it is one, else a tensor that is copied there.
pub fn fill(out: &Tensor, dtype: DType, make: impl FnOnce(&Tensor) -> Result<()>) -> Result<()> {
    if out.is_contiguous() && out.dtype() == dtype {
        return make(out);
    }
    let y = empty(out.shape(), dtype, Device::Gpu)?;
    make(&y)?;
    copy(&y, out);
    Ok(())
}

/// Like [`fill`], with the dim that `make` has last at `dim` of `out`.
pub fn fill_last(out: &Tensor, dim: usize, dtype: DType, make: impl FnOnce(&Tensor) -> Result<()>) -> Result<()> {
    if dim + 1 >= out.ndim() {
        return fill(out, dtype, make);
    }
    let y = empty(last(out, dim).shape(), dtype, Device::Gpu)?;
    make(&y)?;
    let (mut shape, mut strides) = (Shape::from_slice(y.shape()), Strides::from_slice(y.strides()));
    if let (Some(n), Some(s)) = (shape.pop(), strides.pop()) {
        shape.insert(dim, n);
        strides.insert(dim, s);
    }
    // SAFETY: a permutation of the dims of `y`.
    let back = unsafe { Tensor::from_parts(y.storage().clone(), y.offset(), shape, strides, dtype) };
    copy(&back, out);
    Ok(())
}
