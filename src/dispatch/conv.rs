//! Convolutions. Tensors are contiguous, of one dtype, f32 or f64, and shaped as the geometry says.

use super::{kept, with_float};
use crate::cpu::conv;
use crate::error::Result;
use crate::tensor::Tensor;

pub use crate::cpu::conv::Conv;

/// `y = conv(x, w) + bias`. With `lasting`, the weight is one that is used often between changes, and is kept packed.
pub fn forward(x: &Tensor, (w, lasting): (&Tensor, bool), bias: Option<&Tensor>, y: &Tensor, v: &Conv) -> Result<()> {
    if y.is_meta() || y.numel() == 0 {
        return Ok(());
    }
    if y.is_gpu() {
        super::gpu::conv::forward(x, w, bias, y, v);
        return Ok(());
    }
    with_float!(y.dtype(), F => {
        let bias = bias.map_or(std::ptr::null(), |b| b.ptr().cast_const().cast());
        // SAFETY: operations have checked the geometry.
        let pack = || unsafe { conv::pack::<F>(w.ptr().cast(), v) }.ok().flatten();
        let packed = if lasting { kept(w, v.numbers(), pack) } else { None };
        // SAFETY: as above; `y` is fresh.
        unsafe { conv::conv_forward::<F>(x.ptr().cast(), (w.ptr().cast(), packed.as_deref()), bias, y.ptr().cast(), v) }
    })
}

/// The gradient of the input from that of the output; also the transposed convolution, with a bias per input channel.
pub fn input_gradient(g: &Tensor, w: &Tensor, bias: Option<&Tensor>, dx: &Tensor, v: &Conv) -> Result<()> {
    if dx.is_meta() || dx.numel() == 0 {
        return Ok(());
    }
    if dx.is_gpu() {
        super::gpu::conv::input_gradient(g, w, bias, dx, v);
        return Ok(());
    }
    with_float!(dx.dtype(), F => {
        let bias = bias.map_or(std::ptr::null(), |b| b.ptr().cast_const().cast());
        // SAFETY: as above.
        unsafe { conv::conv_grad_input::<F>(g.ptr().cast(), w.ptr().cast(), bias, dx.ptr().cast(), v) }
    })
}

/// The gradient of the weight.
pub fn weight_gradient(x: &Tensor, g: &Tensor, dw: &Tensor, v: &Conv) -> Result<()> {
    if dw.is_meta() || dw.numel() == 0 {
        return Ok(());
    }
    if dw.is_gpu() {
        super::gpu::conv::weight_gradient(x, g, dw, v);
        return Ok(());
    }
    with_float!(dw.dtype(), F => {
        // SAFETY: as above.
        unsafe { conv::conv_grad_weight::<F>(x.ptr().cast(), g.ptr().cast(), dw.ptr().cast(), v) }
    })
}
