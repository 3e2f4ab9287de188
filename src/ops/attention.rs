//! Scaled dot product attention.

use super::choose::where_;
use super::linear::{baddbmm, broadcast_to};
use super::matmul::bmm;
use super::pointwise::number;
use super::softmax::softmax;
use super::view;
use crate::autograd::no_grad;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, Scalar, Tensor};

fn check(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>, causal: bool) -> Result<()> {
    if q.dtype() != k.dtype() || q.dtype() != v.dtype() {
        fail!(Runtime, torch: ("Expected query, key, and value to have the same dtype, but got query.dtype: {} key.dtype: {} and value.dtype: {} instead.", q.dtype().c_name(), k.dtype().c_name(), v.dtype().c_name()), expected: ("attention: expected one dtype"), got: ("{}, {} and {}", q.dtype().name(), k.dtype().name(), v.dtype().name()), fix: ("Convert them with .to()."));
    }
    if q.ndim() < 2 || k.ndim() < 2 || v.ndim() < 2 {
        fail!(Runtime, torch: ("Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {}, key.dim: {} and value.dim: {} instead.", q.ndim(), k.ndim(), v.ndim()), expected: ("attention: expected at least 2 dims"), got: ("{}, {} and {}", q.ndim(), k.ndim(), v.ndim()), fix: ("Add dims."));
    }
    if let Some(m) = mask {
        if m.dtype() != DType::Bool && m.dtype() != q.dtype() && !m.dtype().is_float() {
            fail!(Runtime, torch: ("Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {} and  query.dtype: {} instead.", m.dtype().name(), q.dtype().name()), expected: ("attention: expected a bool or float mask"), got: ("{}", m.dtype().name()), fix: ("Convert the mask."));
        }
        if causal {
            fail!(Runtime, torch: ("Explicit attn_mask should not be set when is_causal=True"), expected: ("attention: expected a mask or is_causal"), got: ("both"), fix: ("Leave one out."));
        }
    }
    Ok(())
}

/// Repeats the heads of keys and values so that each group of queries has its own.
fn repeat_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let own = x.shape()[x.ndim() - 3];
    if own == heads {
        return Ok(x.clone());
    }
    if own == 0 || !heads.is_multiple_of(own) {
        fail!(Runtime, torch: ("Number of heads in key and value must divide the number of heads in query"), expected: ("attention: expected a divisor of {heads} heads"), got: ("{own}"), fix: ("Check the number of heads."));
    }
    let wide = view::unsqueeze(x, -3)?;
    let mut shape = Shape::from_slice(wide.shape());
    let n = shape.len();
    shape[n - 3] = heads / own;
    let mut flat = Shape::from_slice(x.shape());
    flat[x.ndim() - 3] = heads;
    broadcast_to(&wide, &shape)?.reshape_to(&flat)
}

/// 0 where a query may look, -inf elsewhere: positions up to its own.
fn causal_mask(rows: usize, cols: usize, like: &Tensor) -> Result<Tensor> {
    no_grad(|| {
        let at = |n: usize| {
            super::create::arange(Scalar::Int(0), Scalar::Int(n as i64), Scalar::Int(1), None, Some(like.device()))
        };
        let seen = view::unsqueeze(&at(rows)?, 1)?.ge(&at(cols)?)?;
        where_(&seen, &like.scalar_like(0.0)?, &like.scalar_like(f64::NEG_INFINITY)?)
    })
}

/// A mask to be added to the scores.
fn additive(mask: &Tensor, like: &Tensor) -> Result<Tensor> {
    if mask.dtype() == DType::Bool {
        return no_grad(|| where_(mask, &like.scalar_like(0.0)?, &like.scalar_like(f64::NEG_INFINITY)?));
    }
    super::copy::to_dtype(mask, like.dtype())
}

/// `softmax(q k^T * scale + mask) v`, dropout on the weights; a query without any key gives 0.
///
/// Shape: query (*, L, E), key (*, S, E), value (*, S, Ev), mask broadcastable to (*, L, S), output (*, L, Ev).
#[allow(clippy::too_many_arguments, reason = "torch's signature")]
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    dropout: f64,
    causal: bool,
    scale: Option<f64>,
    gqa: bool,
) -> Result<(Tensor, Tensor)> {
    check(q, k, v, mask, causal)?;
    let (k, v) = if gqa && q.ndim() >= 3 && k.ndim() >= 3 {
        let heads = q.shape()[q.ndim() - 3];
        (repeat_heads(k, heads)?, repeat_heads(v, heads)?)
    } else {
        (k.clone(), v.clone())
    };
    let (l, e) = (q.shape()[q.ndim() - 2], q.shape()[q.ndim() - 1]);
    let (s, ev) = (v.shape()[v.ndim() - 2], v.shape()[v.ndim() - 1]);
    let lead = |t: &Tensor| Shape::from_slice(&t.shape()[..t.ndim() - 2]);
    let batch = layout::broadcast(&layout::broadcast(&lead(q), &lead(&k))?, &lead(&v))?;
    let n: usize = batch.iter().product();
    let flat = |t: &Tensor| -> Result<Tensor> {
        let (rows, cols) = (t.shape()[t.ndim() - 2], t.shape()[t.ndim() - 1]);
        let full: Shape = batch.iter().copied().chain([rows, cols]).collect();
        broadcast_to(t, &full)?.reshape_to(&[n, rows, cols])
    };
    let (q3, k3, v3) = (flat(q)?, flat(&k)?, flat(&v)?);
    let scale = Scalar::Float(scale.unwrap_or(1.0 / (e as f64).sqrt()));
    let keys = view::transpose(&k3, 1, 2)?;
    let bias = match mask {
        Some(m) => {
            let m = additive(m, q)?;
            // A mask that is the same for all of the batch is not repeated.
            let full: Shape = batch.iter().copied().chain([l, s]).collect();
            if layout::broadcast(&full, m.shape())? != full {
                fail!(Runtime, torch: ("output with shape {full:?} doesn't match the broadcast shape {:?}", m.shape()), expected: ("attention: expected a mask that broadcasts to {full:?}"), got: ("{:?}", m.shape()), fix: ("Check the mask's dims."));
            }
            let shared = m.ndim() <= 2 || m.shape()[..m.ndim() - 2].iter().all(|&d| d == 1);
            if shared {
                let rows: Shape = m.shape().iter().rev().take(2).rev().copied().collect();
                Some(broadcast_to(&m.reshape_to(&rows)?, &[l, s])?)
            } else {
                Some(broadcast_to(&m, &full)?.reshape_to(&[n, l, s])?)
            }
        }
        None if causal => Some(causal_mask(l, s, q)?),
        None => None,
    };
    let mut scores = match &bias {
        Some(b) => baddbmm(b, &q3, &keys, Scalar::Int(1), scale)?,
        None => baddbmm(&q.scalar_like(0.0)?, &q3, &keys, Scalar::Int(0), scale)?,
    };
    let mut blind = None;
    if mask.is_some() && s > 0 {
        let nothing = no_grad(|| super::extreme::amax(&scores.detach(), &[-1], true)?.eq(&number(f64::NEG_INFINITY)?))?;
        if !nothing.is_meta() && no_grad(|| nothing.any_all()?.item_bool())? {
            // Before the softmax, whose derivative would meet its own NaN.
            scores = scores.masked_fill_scalar(&nothing, 0.0)?;
            blind = Some(nothing);
        }
    }
    let mut weights = softmax(&scores, -1, None)?;
    if let Some(nothing) = blind {
        weights = weights.masked_fill_scalar(&nothing, 0.0)?;
    }
    let used = super::sample::dropout(&weights, dropout, true, &crate::schema::Dest::New)?;
    let y = bmm(&used, &v3)?;
    let shape = |a: usize, b: usize| -> Shape { batch.iter().copied().chain([a, b]).collect() };
    Ok((y.reshape_to(&shape(l, ev))?, used.reshape_to(&shape(l, s))?))
}

#[allow(clippy::too_many_arguments, reason = "torch's signature")]
fn scaled_dot_product_attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    dropout: f64,
    causal: bool,
    scale: Option<f64>,
    gqa: bool,
) -> Result<Tensor> {
    Ok(attention(q, k, v, mask, dropout, causal, scale, gqa)?.0)
}

#[allow(clippy::too_many_arguments, reason = "torch's signature")]
fn attention_math(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    dropout: f64,
    causal: bool,
    scale: Option<f64>,
    gqa: bool,
) -> Result<(Tensor, Tensor)> {
    attention(q, k, v, mask, dropout, causal, scale, gqa)
}

ops! {
    /// `softmax(q k^T * scale + mask) v`, with dropout on the weights.
    "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor" [n] => scaled_dot_product_attention(0, 1, 2, 3, 4, 5, 6, 7);
    /// The same together with the weights.
    "_scaled_dot_product_attention_math(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> (Tensor, Tensor)" [f] => attention_math(0, 1, 2, 3, 4, 5, 6, 7);
}
