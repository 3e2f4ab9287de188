//! Recurrent layers over whole sequences, without derivatives: `rustorch/nn/_functional/recurrent.py` joins both
//! directions of a layer to one function.

use super::kernel::operand;
use crate::dispatch;
use crate::dispatch::recurrent::{self as kernels, Kind, Layer, Operands};
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::schema::Args;
use crate::tensor::{DType, Tensor};

fn kind(cell: &str) -> Result<Kind> {
    match cell {
        "lstm" => Ok(Kind::Lstm),
        "gru" => Ok(Kind::Gru),
        "tanh" => Ok(Kind::Tanh),
        "relu" => Ok(Kind::Relu),
        other => {
            fail!(Value, expected: ("_rnn_layer: expected a cell of lstm, gru, tanh or relu"), got: ("'{other}'"), fix: ("Check the spelling."))
        }
    }
}

/// Sizes of the layer, from the input's share of the gates (steps, batch, gates x hidden) and the weights.
fn layer(cell: &str, gx: &Tensor, w: &Tensor, reverse: bool) -> Result<Layer> {
    let kind = kind(cell)?;
    if gx.ndim() != 3 || w.ndim() != 2 || w.shape()[0] != kind.gates() * w.shape()[1] || gx.shape()[2] != w.shape()[0] {
        fail!(Runtime, expected: ("_rnn_layer: expected gates (T, B, {0} H) and weights ({0} H, H)", kind.gates()), got: ("{:?} and {:?}", gx.shape(), w.shape()), fix: ("Check the weights."));
    }
    if !matches!(gx.dtype(), DType::F32 | DType::F64) {
        return super::helpers::not_implemented("_rnn_layer", gx.dtype());
    }
    Ok(Layer { kind, steps: gx.shape()[0], batch: gx.shape()[1], hidden: w.shape()[1], reverse })
}

/// `t` as the kernel reads it, of this shape and of the gates' dtype and device.
fn fits(t: &Tensor, shape: &[usize], gx: &Tensor) -> Result<Tensor> {
    if t.shape() != shape || t.dtype() != gx.dtype() || t.device() != gx.device() {
        fail!(Runtime, expected: ("_rnn_layer: expected {shape:?} of {} on {}", gx.dtype().name(), gx.device()), got: ("{:?} of {} on {}", t.shape(), t.dtype().name(), t.device()), fix: ("Check the states and weights."));
    }
    operand(t, gx.dtype())
}

/// The operands that both directions have: weights, bias, first states.
struct Given {
    gx: Tensor,
    w: Tensor,
    bias: Option<Tensor>,
    h0: Tensor,
    c0: Option<Tensor>,
}

impl Given {
    fn new(
        l: &Layer,
        gx: &Tensor,
        w: &Tensor,
        bias: Option<&Tensor>,
        h0: &Tensor,
        c0: Option<&Tensor>,
    ) -> Result<Given> {
        let state = [l.batch, l.hidden];
        if c0.is_some() != (l.kind == Kind::Lstm) {
            fail!(Runtime, expected: ("_rnn_layer: expected a cell state for lstm, and for it alone"), got: ("{}", if c0.is_some() { "one" } else { "none" }), fix: ("Check the states."));
        }
        Ok(Given {
            gx: operand(gx, gx.dtype())?,
            w: fits(w, &[l.kind.gates() * l.hidden, l.hidden], gx)?,
            bias: bias.map(|b| fits(b, &[l.kind.gates() * l.hidden], gx)).transpose()?,
            h0: fits(h0, &state, gx)?,
            c0: c0.map(|c| fits(c, &state, gx)).transpose()?,
        })
    }

    fn operands<'a>(&'a self, out: &'a Tensor, cells: &'a Tensor, saved: &'a Tensor) -> Operands<'a> {
        let (bias, c0) = (self.bias.as_ref(), self.c0.as_ref());
        Operands { gx: &self.gx, w: &self.w, bias, h0: &self.h0, c0, out, cells, saved }
    }
}

/// Shape of the cell states: those that a layer lacks are empty.
fn cell_shape(l: &Layer) -> [usize; 3] {
    if l.kind == Kind::Lstm { [l.steps, l.batch, l.hidden] } else { [0, l.batch, l.hidden] }
}

fn forward(a: &Args) -> Result<(Tensor, Tensor, Tensor)> {
    let (gx, w): (&Tensor, &Tensor) = (a.get(0)?, a.get(1)?);
    let (cell, reverse, train): (&str, bool, bool) = (a.get(5)?, a.get(6)?, a.get(7)?);
    let l = layer(cell, gx, w, reverse)?;
    let x = Given::new(&l, gx, w, a.get(2)?, a.get(3)?, a.get(4)?)?;
    let empty = |shape: &[usize]| dispatch::empty(shape, x.gx.dtype(), x.gx.device());
    let out = empty(&[l.steps, l.batch, l.hidden])?;
    let cells = empty(&cell_shape(&l))?;
    let saved = empty(&[if train { l.steps } else { 0 }, l.kind.saved(), l.batch, l.hidden])?;
    kernels::forward(&x.operands(&out, &cells, &saved), &l)?;
    Ok((out, cells, saved))
}

fn backward(a: &Args) -> Result<(Tensor, Tensor, Tensor, Tensor)> {
    let (gx, w): (&Tensor, &Tensor) = (a.get(3)?, a.get(4)?);
    let (cell, reverse): (&str, bool) = (a.get(11)?, a.get(12)?);
    let l = layer(cell, gx, w, reverse)?;
    let x = Given::new(&l, gx, w, a.get(5)?, a.get(6)?, a.get(7)?)?;
    let (outs, state) = ([l.steps, l.batch, l.hidden], [l.batch, l.hidden]);
    let end = |t: Option<&Tensor>| t.map(|t| fits(t, &state, &x.gx)).transpose();
    let [out, cells, saved] = [8, 9, 10].map(|i| a.get::<&Tensor>(i));
    let (g_h, g_c) = (end(a.get(1)?)?, end(a.get(2)?)?);
    let g_out = fits(a.get(0)?, &outs, &x.gx)?;
    let (out, cells) = (fits(out?, &outs, &x.gx)?, fits(cells?, &cell_shape(&l), &x.gx)?);
    let saved = fits(saved?, &[l.steps, l.kind.saved(), l.batch, l.hidden], &x.gx)?;
    let empty = |shape: &[usize]| dispatch::zeros(shape, x.gx.dtype(), x.gx.device());
    let d_gx = empty(x.gx.shape())?;
    let d_gh = if l.kind.is_split() { empty(x.gx.shape())? } else { d_gx.clone() };
    let (d_h0, d_c0) = (empty(&state)?, empty(if l.kind == Kind::Lstm { &state } else { &[0] })?);
    let incoming = (&g_out, g_h.as_ref(), g_c.as_ref());
    kernels::backward(&x.operands(&out, &cells, &saved), incoming, [&d_gx, &d_gh, &d_h0, &d_c0], &l)?;
    if l.steps == 0 {
        // Nothing was run: the last states are the first.
        let copy = |g: Option<Tensor>, d| g.map_or(Ok(d), |g| super::copy::clone(&g, None));
        return Ok((d_gx, d_gh, copy(g_h, d_h0)?, copy(g_c, d_c0)?));
    }
    Ok((d_gx, d_gh, d_h0, d_c0))
}

ops! {
    @
    /// One direction of a recurrent layer ('lstm', 'gru', 'tanh' or 'relu') from the input's share of the gates, (T, B, G H): hidden states (T, B, H), cell states, and what the backward pass needs.
    "_rnn_layer(Tensor gx, Tensor w_hh, Tensor? b_hh, Tensor h0, Tensor? c0, str cell, bool reverse, bool train) -> (Tensor, Tensor, Tensor)" [f] => |a| forward(a);
    /// The gradients of `_rnn_layer`: of both shares of the gates and of the first states.
    "_rnn_layer_backward(Tensor grad_out, Tensor? grad_h, Tensor? grad_c, Tensor gx, Tensor w_hh, Tensor? b_hh, Tensor h0, Tensor? c0, Tensor out, Tensor cells, Tensor saved, str cell, bool reverse) -> (Tensor, Tensor, Tensor, Tensor)" [f] => |a| backward(a);
}
