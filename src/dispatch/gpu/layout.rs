//! Tensors as kernels take them that know contiguous elements of whole words alone.

use crate::dispatch;
use crate::error::Result;
use crate::tensor::layout::{self, Shape, Strides};
use crate::tensor::{DType, Tensor};

/// The dtype of at least 32 bits that holds what a dtype holds.
pub fn wide_dtype(d: DType) -> DType {
    match d {
        DType::F16 | DType::BF16 => DType::F32,
        d if d.size() < 4 => DType::I32,
        d => d,
    }
}

/// The same memory with another layout, which lies within the tensor's.
pub fn viewed(t: &Tensor, offset: usize, shape: &[usize], strides: &[isize]) -> Tensor {
    debug_assert!(
        shape.contains(&0) || {
            let (low, high) = layout::span(shape, strides);
            offset as isize + low >= 0 && (offset as isize + high) as usize * t.dtype().size() <= t.storage().nbytes()
        }
    );
    // SAFETY: just checked; memory of the GPU has no address that anything could follow.
    unsafe {
        Tensor::from_parts(
            t.storage().clone(),
            offset,
            Shape::from_slice(shape),
            Strides::from_slice(strides),
            t.dtype(),
        )
    }
}

/// The part of a tensor from its first element on.
pub fn window(t: &Tensor, shape: &[usize]) -> Tensor {
    viewed(t, t.offset(), shape, t.strides())
}

/// A tensor with its dims in another order.
pub fn permuted(t: &Tensor, dims: &[usize]) -> Tensor {
    let shape: Shape = dims.iter().map(|&d| t.size(d)).collect();
    let strides: Strides = dims.iter().map(|&d| t.strides()[d]).collect();
    viewed(t, t.offset(), &shape, &strides)
}

/// The same elements, contiguous and of whole words.
pub fn wide(t: &Tensor) -> Result<Tensor> {
    let dtype = wide_dtype(t.dtype());
    if t.is_contiguous() && t.dtype() == dtype {
        return Ok(t.clone());
    }
    let y = dispatch::empty(t.shape(), dtype, t.device())?;
    dispatch::copy(t, &y);
    Ok(y)
}

/// What a kernel may write for a result, contiguous and of whole words, without defined contents: the result itself, if it is.
pub fn room(out: &Tensor) -> Result<Tensor> {
    let dtype = wide_dtype(out.dtype());
    if out.is_contiguous() && out.dtype() == dtype {
        return Ok(out.clone());
    }
    dispatch::empty(out.shape(), dtype, out.device())
}

/// Brings what was written into [`room`] or a copy to the result.
pub fn settle(made: &Tensor, out: &Tensor) {
    if !made.storage().is(out.storage()) {
        dispatch::copy(made, out);
    }
}

/// The words of a contiguous tensor's memory, if it begins and ends with whole ones.
pub fn words(t: &Tensor) -> Option<Tensor> {
    let (nbytes, at) = (t.numel() * t.dtype().size(), t.offset() * t.dtype().size());
    if !t.is_contiguous() || !nbytes.is_multiple_of(4) || !at.is_multiple_of(4) {
        return None;
    }
    // SAFETY: the same bytes.
    Some(unsafe {
        Tensor::from_parts(
            t.storage().clone(),
            at / 4,
            smallvec::smallvec![nbytes / 4],
            smallvec::smallvec![1],
            DType::I32,
        )
    })
}
