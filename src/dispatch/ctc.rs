//! Connectionist temporal classification of contiguous f32 or f64 log-probabilities (t, n, c).

use super::{copy, empty, gpu, with_float};
use crate::cpu::ctc;
use crate::error::Result;
use crate::tensor::{DType, Device, Tensor};

pub use crate::cpu::ctc::Ctc;

/// The alphas (n, t, 2 s + 1) and negative log likelihoods (n).
pub fn forward(p: &Tensor, alpha: &Tensor, loss: &Tensor, g: &Ctc) -> Result<()> {
    if loss.is_meta() {
        return Ok(());
    }
    if loss.is_gpu() {
        gpu::ctc::forward(p, alpha, loss, g);
        return Ok(());
    }
    with_float!(p.dtype(), F => {
        // SAFETY: operations have checked lengths and targets; outputs are fresh.
        unsafe { ctc::forward::<F>(p.ptr().cast(), alpha.ptr().cast(), loss.ptr().cast(), g) }
    })
}

/// The gradient by the log-probabilities.
pub fn backward(
    up: &Tensor,
    p: &Tensor,
    (alpha, loss): (&Tensor, &Tensor),
    dp: &Tensor,
    zero_infinity: bool,
    g: &Ctc,
) -> Result<()> {
    if dp.is_meta() {
        return Ok(());
    }
    if dp.is_gpu() {
        return gpu::ctc::backward(up, p, (alpha, loss), dp, zero_infinity, g);
    }
    with_float!(p.dtype(), F => {
        // SAFETY: as above.
        unsafe { ctc::backward::<F>((up.ptr().cast(), p.ptr().cast()), (alpha.ptr().cast(), loss.ptr().cast()), dp.ptr().cast(), zero_infinity, g) }
    })
}

/// The numbers of a contiguous int64 tensor; those of a GPU are waited for.
pub fn numbers(t: &Tensor) -> Result<Vec<i64>> {
    if t.is_gpu() {
        let here = empty(t.shape(), t.dtype(), Device::Cpu)?;
        copy(t, &here);
        return numbers(&here);
    }
    assert!(t.dtype() == DType::I64 && t.is_contiguous() && !t.is_meta());
    // SAFETY: just checked.
    Ok(unsafe { std::slice::from_raw_parts(t.ptr().cast_const().cast(), t.numel()) }.to_vec())
}
