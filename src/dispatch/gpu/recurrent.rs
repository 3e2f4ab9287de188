//! Recurrent layers: in each step a product with the weights of the hidden state, and the cells.

use super::super::recurrent::{Incoming, Kind, Layer, Operands};
use super::{Launch, matmul};
use crate::dispatch::matmul::Factor;
use crate::error::Result;
use crate::tensor::layout::{Shape, contiguous_strides};
use crate::tensor::{DType, Tensor};

/// Step `t` of (steps, rows, columns).
fn step(x: &Tensor, t: usize) -> Tensor {
    let shape = Shape::from_slice(&x.shape()[1..]);
    let (offset, strides) = (x.offset() + t * shape.iter().product::<usize>(), contiguous_strides(&shape));
    // SAFETY: a part of `x`, which is contiguous.
    unsafe { Tensor::from_parts(x.storage().clone(), offset, shape, strides, x.dtype()) }
}

/// The place in time of the `i`th step.
fn at(l: &Layer, i: usize) -> usize {
    if l.reverse { l.steps - 1 - i } else { i }
}

/// A call for the cells of one step, as a kind of layer needs it.
fn of_kind(call: Launch, kind: Kind, backward: bool, saved: bool) -> Launch {
    let (lstm, gru) = (kind == Kind::Lstm, kind == Kind::Gru);
    call.when("LSTM", lstm)
        .when("GRU", gru)
        .when("RELU", kind == Kind::Relu)
        .when("FIRST_HIDDEN", gru)
        .when("BACKWARD", backward)
        .when("OUT", !lstm)
        .when("SAVED", saved)
        .constant("GATES", kind.gates() as u32)
}

fn run(call: Launch, l: &Layer, i: usize) -> Result<()> {
    let before = at(l, i.saturating_sub(1));
    call.words([l.batch, l.hidden, at(l, i), before, usize::from(i == 0)]).over(l.batch * l.hidden)
}

/// Runs a layer over all steps.
pub fn forward(x: &Operands, l: &Layer) -> Result<()> {
    let (gates, hidden) = (l.kind.gates() * l.hidden, l.hidden);
    let pre = super::super::empty(&[l.batch, gates], DType::F32, x.out.device())?;
    let saved = Some(x.saved).filter(|s| s.numel() > 0);
    let (rows, columns) = (hidden as isize, gates as isize);
    for i in 0..l.steps {
        let before = if i == 0 { x.h0.clone() } else { step(x.out, at(l, i - 1)) };
        let factors = ((&before, (rows, 1, 0)), (x.w, (1, rows, 0)), (&pre, (columns, 1, 0)));
        matmul(1, (l.batch, gates, hidden), factors, (Factor::ONE, Factor::ZERO), x.bias);
        let call = of_kind(Launch::new("recurrent"), l.kind, false, saved.is_some())
            .read(x.gx)
            .read(&pre)
            .read_some(Some(x.h0).filter(|_| l.kind == Kind::Gru))
            .read_some(x.c0)
            .write(x.out)
            .write_some(Some(x.cells).filter(|_| l.kind == Kind::Lstm))
            .write_some(saved);
        run(call, l, i)?;
    }
    Ok(())
}

/// The gradients of [`forward`]. Those of the states are carried where those of the first ones belong.
pub fn backward(
    x: &Operands,
    (g_out, g_h, g_c): Incoming,
    [d_gx, d_gh, dh, dc]: [&Tensor; 4],
    l: &Layer,
) -> Result<()> {
    let (gates, hidden) = (l.kind.gates() * l.hidden, l.hidden);
    let (lstm, gru) = (l.kind == Kind::Lstm, l.kind == Kind::Gru);
    for (from, to) in [(g_h, dh), (g_c.filter(|_| lstm), dc)] {
        match from {
            Some(g) => super::super::copy(g, to),
            None => super::super::fill(to, crate::tensor::Scalar::Int(0)),
        }
    }
    let (rows, columns) = (hidden as isize, gates as isize);
    for i in (0..l.steps).rev() {
        let call = of_kind(Launch::new("recurrent"), l.kind, true, l.kind.saved() > 0)
            .read(g_out)
            .read_some(Some(x.h0).filter(|_| gru))
            .read_some(x.c0)
            .read_some(Some(x.out).filter(|_| !lstm))
            .read_some(Some(x.cells).filter(|_| lstm))
            .read_some(Some(x.saved).filter(|_| l.kind.saved() > 0))
            .write(dh)
            .write_some(Some(dc).filter(|_| lstm))
            .write(d_gx)
            .write_some(Some(d_gh).filter(|_| gru));
        run(call, l, i)?;
        // What reaches the old state through the weights joins what went past them, which only GRU has.
        let now = step(d_gh, at(l, i));
        let factors = ((&now, (columns, 1, 0)), (x.w, (rows, 1, 0)), (dh, (rows, 1, 0)));
        matmul(1, (l.batch, hidden, gates), factors, (Factor::ONE, if gru { Factor::ONE } else { Factor::ZERO }), None);
    }
    Ok(())
}
