//! Scaled dot product attention: in one kernel where the weights are not asked for, else in operations.

use super::choose::where_;
use super::kernel::{cast, float_kernel, operand};
use super::linear::{baddbmm, broadcast_to};
use super::matmul::bmm;
use super::pointwise::number;
use super::softmax::softmax;
use super::view;
use crate::autograd::{Ctx, needs_grad, no_grad, record};
use crate::dispatch::{self, attention as kernels, attention::Scores};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, Grads, Scalar, Tensor};

fn check(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>, causal: bool) -> Result<()> {
    if q.dtype() != k.dtype() || q.dtype() != v.dtype() {
        fail!(Runtime, torch: ("Expected query, key, and value to have the same dtype, but got query.dtype: {} key.dtype: {} and value.dtype: {} instead.", q.dtype().c_name(), k.dtype().c_name(), v.dtype().c_name()), expected: ("attention: expected one dtype"), got: ("{}, {} and {}", q.dtype().name(), k.dtype().name(), v.dtype().name()), fix: ("Convert them with .to()."));
    }
    if q.ndim() < 2 || k.ndim() < 2 || v.ndim() < 2 {
        fail!(Runtime, torch: ("Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {}, key.dim: {} and value.dim: {} instead.", q.ndim(), k.ndim(), v.ndim()), expected: ("attention: expected at least 2 dims"), got: ("{}, {} and {}", q.ndim(), k.ndim(), v.ndim()), fix: ("Add dims."));
    }
    if let Some(m) = mask {
        if m.dtype() != DType::Bool && m.dtype() != q.dtype() && m.dtype() != DType::F32 {
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

/// The operands of one attention, checked, over the batch that they broadcast to.
struct Operands {
    q: Tensor,
    k: Tensor,
    v: Tensor,
    /// What is added to the scores, with at least the dims of a matrix.
    mask: Option<Tensor>,
    batch: Shape,
    causal: bool,
    scale: f64,
}

impl Operands {
    #[allow(clippy::too_many_arguments, reason = "torch's signature")]
    fn new(
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        mask: Option<&Tensor>,
        causal: bool,
        scale: Option<f64>,
        gqa: bool,
    ) -> Result<Self> {
        check(q, k, v, mask, causal)?;
        if let Some(t) = [q, k, v].into_iter().find(|t| gqa && t.ndim() < 3) {
            let n = t.ndim() as i64;
            fail!(Index, torch: ("Dimension out of range (expected to be in range of [{}, {}], but got -3)", -n, n - 1), expected: ("attention: expected a dim of heads for enable_gqa"), got: ("shape {:?}", t.shape()), fix: ("Unsqueeze it."));
        }
        let (k, v) = if gqa {
            let heads = q.shape()[q.ndim() - 3];
            (repeat_heads(k, heads)?, repeat_heads(v, heads)?)
        } else {
            (k.clone(), v.clone())
        };
        let lead = |t: &Tensor| Shape::from_slice(&t.shape()[..t.ndim() - 2]);
        let batch = layout::broadcast(&layout::broadcast(&lead(q), &lead(&k))?, &lead(&v))?;
        let (l, s) = (last(q, 2), last(&v, 2));
        let mask = match mask {
            Some(m) => {
                let m = additive(m, q)?;
                let full: Shape = batch.iter().copied().chain([l, s]).collect();
                if layout::broadcast(&full, m.shape())? != full {
                    fail!(Runtime, torch: ("output with shape {full:?} doesn't match the broadcast shape {:?}", m.shape()), expected: ("attention: expected a mask that broadcasts to {full:?}"), got: ("{:?}", m.shape()), fix: ("Check the mask's dims."));
                }
                Some(m)
            }
            None => None,
        };
        let scale = scale.unwrap_or(1.0 / (last(q, 1) as f64).sqrt());
        Ok(Operands { q: q.clone(), k, v, mask, batch, causal, scale })
    }

    /// `t` for each entry of the batch, under the batch dims that are given.
    fn each(&self, t: &Tensor, rows: usize, cols: usize, lead: &[usize]) -> Result<Tensor> {
        let full: Shape = self.batch.iter().copied().chain([rows, cols]).collect();
        let wide = if t.shape() == &full[..] { t.clone() } else { broadcast_to(t, &full)? };
        let shape: Shape = lead.iter().copied().chain([rows, cols]).collect();
        if wide.shape() == &shape[..] { Ok(wide) } else { wide.reshape_to(&shape) }
    }

    /// Whether the kernel that never holds the weights takes these operands.
    fn fits_kernel(&self) -> bool {
        let sizes = [last(&self.q, 1), last(&self.k, 2), last(&self.v, 1), self.batch.iter().product()];
        let constant_mask = !self.mask.as_ref().is_some_and(|m| needs_grad(&[m]));
        // With few queries there is little to hold, and tiles are mostly empty.
        constant_mask
            && self.q.dtype().is_float()
            && last(&self.q, 2) >= FEW_QUERIES
            && !sizes.contains(&0)
            && last(&self.k, 1) == last(&self.q, 1)
            && last(&self.k, 2) == last(&self.v, 2)
    }

    /// The result by [`fused`].
    fn run_kernel(&self) -> Result<Tensor> {
        let (l, s) = (last(&self.q, 2), last(&self.v, 2));
        let heads = self.batch.last().copied().unwrap_or(1);
        let lead = [self.batch.iter().product::<usize>() / heads, heads];
        let [q, k, v] = [&self.q, &self.k, &self.v].map(|t| self.each(t, last(t, 2), last(t, 1), &lead));
        let mask = self.mask.as_ref().map(|m| self.each(&m.detach(), l, s, &lead)).transpose()?;
        let y = fused(&q?, &k?, &v?, mask.as_ref(), Scores { scale: self.scale, causal: self.causal })?;
        let y = self.whole(&y, l, last(&self.v, 1))?;
        // What is saved stays as it is, except in the layout for which torch saves the result itself, too.
        if self.batch.len() == 2 { Ok(y) } else { super::copy::clone(&y, None) }
    }

    /// The result, and the weights after dropout, in operations.
    fn run(&self, dropout: f64) -> Result<(Tensor, Tensor)> {
        let (l, s) = (last(&self.q, 2), last(&self.v, 2));
        let n = [self.batch.iter().product()];
        let flat = |t: &Tensor| self.each(t, last(t, 2), last(t, 1), &n);
        let (q, k, v) = (flat(&self.q)?, flat(&self.k)?, flat(&self.v)?);
        let bias = match &self.mask {
            Some(m) => {
                // A mask that is the same for all of the batch is not repeated.
                let shared = m.ndim() <= 2 || m.shape()[..m.ndim() - 2].iter().all(|&d| d == 1);
                Some(if shared {
                    let rows: Shape = m.shape().iter().rev().take(2).rev().copied().collect();
                    broadcast_to(&m.reshape_to(&rows)?, &[l, s])?
                } else {
                    self.each(m, l, s, &n)?
                })
            }
            None if self.causal => Some(causal_mask(l, s, &q)?),
            None => None,
        };
        let weights = weights(&q, &k, bias.as_ref(), self.mask.is_some(), self.scale)?;
        let used = super::sample::dropout(&weights, dropout, true, &crate::schema::Dest::New)?;
        Ok((self.whole(&bmm(&used, &v)?, l, last(&v, 1))?, self.whole(&used, l, s)?))
    }

    /// A result under all dims of the batch.
    fn whole(&self, t: &Tensor, rows: usize, cols: usize) -> Result<Tensor> {
        let shape: Shape = self.batch.iter().copied().chain([rows, cols]).collect();
        if t.shape() == &shape[..] { Ok(t.clone()) } else { t.reshape_to(&shape) }
    }
}

/// The extent of the `i`th dim from the end.
fn last(t: &Tensor, i: usize) -> usize {
    t.shape()[t.ndim() - i]
}

/// With fewer queries than this, the weights are formed.
const FEW_QUERIES: usize = 16;

/// `softmax(q k^T * scale + bias)` of 3-D operands; with a mask, 0 for a query without any key.
fn weights(q: &Tensor, k: &Tensor, bias: Option<&Tensor>, masked: bool, scale: f64) -> Result<Tensor> {
    let (keys, scale) = (view::transpose(k, 1, 2)?, Scalar::Float(scale));
    let mut scores = match bias {
        Some(b) => baddbmm(b, q, &keys, Scalar::Int(1), scale)?,
        None => baddbmm(&q.scalar_like(0.0)?, q, &keys, Scalar::Int(0), scale)?,
    };
    let mut blind = None;
    if masked && last(k, 2) > 0 {
        let nothing = no_grad(|| super::extreme::amax(&scores.detach(), &[-1], true)?.eq(&number(f64::NEG_INFINITY)?))?;
        if !nothing.is_meta() && no_grad(|| nothing.any_all()?.item_bool())? {
            // Before the softmax, whose derivative would meet its own NaN.
            scores = scores.masked_fill_scalar(&nothing, 0.0)?;
            blind = Some(nothing);
        }
    }
    let weights = softmax(&scores, -1, None)?;
    match blind {
        Some(nothing) => weights.masked_fill_scalar(&nothing, 0.0),
        None => Ok(weights),
    }
}

/// `x` in a kernel's dtype with adjacent elements, else laid out as it is.
fn adjacent(x: &Tensor, dtype: DType) -> Result<Tensor> {
    let close = x.strides()[3] == 1 || x.shape()[3] == 1;
    if close && x.dtype() == dtype { Ok(x.clone()) } else { operand(x, dtype) }
}

/// Attention of (batch, heads, rows, elements) in one kernel, with a gradient of its own (Dao et al. 2022).
fn fused(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>, how: Scores) -> Result<Tensor> {
    let compute = float_kernel("flash_attention", q.dtype())?;
    let to_kernel = move |t: &Tensor| adjacent(t, compute);
    let wide = |m: &Tensor| super::copy::to_dtype(m, compute);
    let mask = mask.map(wide).transpose()?;
    let shape: Shape = q.shape()[..3].iter().copied().chain([v.shape()[3]]).collect();
    // As in torch, the result lies in memory as the queries do.
    let strides = match v.shape()[3] == q.shape()[3] {
        true => layout::preserve_strides(q.shape(), q.strides()),
        false => layout::contiguous_strides(&shape),
    };
    let y = dispatch::empty_strided(&shape, &strides, compute, q.device())?;
    let y = if y.strides()[3] == 1 { y } else { dispatch::empty(&shape, compute, q.device())? };
    let stats = dispatch::empty(&[shape[0], shape[1], 2, shape[2]], compute, q.device())?;
    kernels::forward([&to_kernel(q)?, &to_kernel(k)?, &to_kernel(v)?], mask.as_ref(), &y, &stats, how)?;
    let y = cast(y, q.dtype())?;
    record(y, "ScaledDotProductFlashAttentionForCpuBackward0", &[q, k, v], |s| {
        let (qs, ks, vs) = (s.input(q), s.input(k), s.input(v));
        let (ys, stats, mask) = (s.output(0), s.input(&stats), s.optional(mask.as_ref()));
        move |c, g| {
            let (q, k, v, mask) = (c.get(qs)?, c.get(ks)?, c.get(vs)?, c.get_opt(mask)?);
            if needs_grad(&[g, &q, &k, &v]) {
                return gradients(c, g, [&q, &k, &v], mask.as_ref(), how);
            }
            let like = |t: &Tensor| {
                let strides = layout::preserve_strides(t.shape(), t.strides());
                let d = dispatch::empty_strided(t.shape(), &strides, compute, t.device())?;
                if d.strides()[3] == 1 { Ok(d) } else { dispatch::empty(t.shape(), compute, t.device()) }
            };
            let (dq, dk, dv) = (like(&q)?, like(&k)?, like(&v)?);
            kernels::backward(
                [&to_kernel(&q)?, &to_kernel(&k)?, &to_kernel(&v)?],
                mask.as_ref(),
                [&to_kernel(&c.get(ys)?)?, &to_kernel(g)?, &c.get(stats)?],
                [&dq, &dk, &dv],
                how,
            )?;
            grads![cast(dq, q.dtype())?, cast(dk, k.dtype())?, cast(dv, v.dtype())?]
        }
    })
}

/// The gradients of [`fused`] in operations, for gradients of gradients.
fn gradients(c: &Ctx, g: &Tensor, [q, k, v]: [&Tensor; 3], mask: Option<&Tensor>, how: Scores) -> Result<Grads> {
    let n = q.shape()[0] * q.shape()[1];
    let flat = |t: &Tensor| t.reshape_to(&[n, t.shape()[2], t.shape()[3]]);
    let (gf, qf, kf, vf) = (flat(g)?, flat(q)?, flat(k)?, flat(v)?);
    let bias = match mask {
        Some(m) => Some(super::copy::to_dtype(&flat(m)?, q.dtype())?),
        None if how.causal => Some(causal_mask(q.shape()[2], k.shape()[2], q)?),
        None => None,
    };
    let w = weights(&qf, &kf, bias.as_ref(), mask.is_some(), how.scale)?;
    let dw = bmm(&gf, &view::transpose(&vf, 1, 2)?)?;
    let along = dw.mul(&w)?.sum_dims(&[-1], true)?;
    let ds = w.mul(&dw.sub(&along)?)?.mul(&number(how.scale)?)?;
    let whole = |d: Tensor, t: &Tensor| d.reshape_to(t.shape());
    grads![
        c.when(0, || whole(bmm(&ds, &kf)?, q))?,
        c.when(1, || whole(bmm(&view::transpose(&ds, 1, 2)?, &qf)?, k))?,
        c.when(2, || whole(bmm(&view::transpose(&w, 1, 2)?, &gf)?, v))?
    ]
}

/// `softmax(q k^T * scale + mask) v` and the weights, dropout on the weights; a query without any key gives 0.
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
    Operands::new(q, k, v, mask, causal, scale, gqa)?.run(dropout)
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
    let operands = Operands::new(q, k, v, mask, causal, scale, gqa)?;
    if dropout == 0.0 && operands.fits_kernel() { operands.run_kernel() } else { Ok(operands.run(dropout)?.0) }
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
