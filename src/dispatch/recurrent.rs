//! Recurrent layers. Tensors are contiguous, of one dtype, f32 or f64, and shaped as the kernels say.

use super::with_float;
use crate::cpu::recurrent;
use crate::error::Result;
use crate::tensor::Tensor;

pub use crate::cpu::recurrent::{Kind, Layer};

/// What a layer reads, and the states and saved values that it makes (empty where a kind has none).
#[derive(Clone, Copy)]
pub struct Operands<'a> {
    /// The input's share of the gates.
    pub gx: &'a Tensor,
    /// Weights of the hidden state.
    pub w: &'a Tensor,
    /// Their bias.
    pub bias: Option<&'a Tensor>,
    /// The first hidden state.
    pub h0: &'a Tensor,
    /// The first cell state.
    pub c0: Option<&'a Tensor>,
    /// The hidden states.
    pub out: &'a Tensor,
    /// The cell states.
    pub cells: &'a Tensor,
    /// What the backward pass needs.
    pub saved: &'a Tensor,
}

fn ptr<F>(t: Option<&Tensor>) -> *mut F {
    t.filter(|t| t.numel() > 0).map_or(std::ptr::null_mut(), |t| t.ptr().cast())
}

impl Operands<'_> {
    fn pointers<F>(&self) -> recurrent::Forward<F> {
        recurrent::Forward {
            gx: ptr(Some(self.gx)),
            w: ptr(Some(self.w)),
            bias: ptr(self.bias),
            h0: ptr(Some(self.h0)),
            c0: ptr(self.c0),
            out: ptr(Some(self.out)),
            cells: ptr(Some(self.cells)),
            saved: ptr(Some(self.saved)),
        }
    }
}

/// Runs a layer over all steps.
pub fn forward(x: &Operands, l: &Layer) -> Result<()> {
    if x.out.is_meta() || x.out.numel() == 0 {
        return Ok(());
    }
    if x.out.is_gpu() {
        return super::gpu::recurrent::forward(x, l);
    }
    with_float!(x.out.dtype(), F => {
        // SAFETY: contiguous tensors of F of the layer's sizes, none of them empty but those that the kind lacks; what
        // is written is fresh.
        unsafe { recurrent::forward::<F>(&x.pointers(), l) }
    })
}

/// Gradients that come in: of the hidden states, and of the last hidden and cell state.
pub type Incoming<'a> = (&'a Tensor, Option<&'a Tensor>, Option<&'a Tensor>);

/// The gradients `d` of [`forward`]: of both shares of the gates and of the first states.
pub fn backward(x: &Operands, (g_out, g_h, g_c): Incoming, d: [&Tensor; 4], l: &Layer) -> Result<()> {
    if x.out.is_meta() || x.out.numel() == 0 {
        return Ok(());
    }
    if x.out.is_gpu() {
        return super::gpu::recurrent::backward(x, (g_out, g_h, g_c), d, l);
    }
    with_float!(x.out.dtype(), F => {
        let b = recurrent::Backward::<F> {
            forward: x.pointers(),
            g_out: ptr(Some(g_out)),
            g_h: ptr(g_h),
            g_c: ptr(g_c),
            d_gx: ptr(Some(d[0])),
            d_gh: ptr(Some(d[1])),
            d_h0: ptr(Some(d[2])),
            d_c0: ptr(Some(d[3])),
        };
        // SAFETY: as above.
        unsafe { recurrent::backward(&b, l) }
    })
}
