//! Attention without its weights. Tensors are (batch, heads, rows, elements) of one dtype, f32 or f64, with adjacent
//! elements; a mask is (batch, heads, queries, keys) with any strides.

use super::with_float;
use crate::cpu::attention::{self, Mask, Rows, Saved, Shape};
use crate::error::Result;
use crate::tensor::Tensor;

/// What is not in the shapes.
#[derive(Clone, Copy, Debug)]
pub struct Scores {
    /// The factor of `q k^T`.
    pub scale: f64,
    /// May query i look at the keys up to i only?
    pub causal: bool,
}

fn rows<F>(t: &Tensor) -> Rows<F> {
    let s = t.strides();
    Rows { ptr: t.ptr().cast(), batch: s[0], head: s[1], row: s[2] }
}

fn mask<F>(t: Option<&Tensor>) -> Option<Mask<F>> {
    t.map(|t| Mask { rows: rows(t), col: t.strides()[3] })
}

fn shape(q: &Tensor, v: &Tensor, how: Scores) -> Shape {
    let (s, v) = (q.shape(), v.shape());
    Shape {
        batch: s[0],
        heads: s[1],
        queries: s[2],
        keys: v[2],
        width: s[3],
        value_width: v[3],
        causal: how.causal,
        scale: how.scale,
    }
}

/// `softmax(q k^T * scale + mask) v` into `y`; `stats` receives what the backward pass needs of each query.
pub fn forward([q, k, v]: [&Tensor; 3], added: Option<&Tensor>, y: &Tensor, stats: &Tensor, how: Scores) -> Result<()> {
    if y.is_meta() {
        return Ok(());
    }
    if y.is_gpu() {
        return super::gpu::attention::forward([q, k, v], added, y, stats, how);
    }
    let s = shape(q, v, how);
    with_float!(y.dtype(), F => {
        // SAFETY: tensors of F of one batch and its heads; `y` and `stats` are fresh.
        unsafe { attention::forward::<F>(rows(q), rows(k), rows(v), mask(added), rows(y), stats.ptr().cast(), &s) }
    })
}

/// The gradients `d` of [`forward`] by q, k and v from the result `y` and its gradient `g`.
pub fn backward(
    [q, k, v]: [&Tensor; 3],
    added: Option<&Tensor>,
    [y, g, stats]: [&Tensor; 3],
    d: [&Tensor; 3],
    how: Scores,
) -> Result<()> {
    if y.is_meta() {
        return Ok(());
    }
    if y.is_gpu() {
        return super::gpu::attention::backward([q, k, v], added, [y, g, stats], d, how);
    }
    let s = shape(q, v, how);
    with_float!(y.dtype(), F => {
        let saved = Saved::<F> {
            q: rows(q),
            k: rows(k),
            v: rows(v),
            mask: mask(added),
            y: rows(y),
            g: rows(g),
            stats: stats.ptr().cast_const().cast(),
        };
        // SAFETY: as above; `d` are fresh.
        unsafe { attention::backward(&saved, rows(d[0]), rows(d[1]), rows(d[2]), &s) }
    })
}
