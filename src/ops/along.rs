//! Taking and putting elements along a dim by indices that an operation made itself: the derivatives of sorts,
//! selections and scans.

use super::scatter::Places;
use crate::autograd::record;
use crate::dispatch;
use crate::error::Result;
use crate::grads;
use crate::schema::Dest;
use crate::tensor::Tensor;
use crate::tensor::layout::Shape;

fn elements(dim: usize) -> Places {
    Places { dim, whole: false }
}

/// One element per index along `dim`, with the index's shape.
pub fn take(x: &Tensor, dim: usize, index: &Tensor) -> Result<Tensor> {
    elements(dim).read(x, index)
}

/// Zeros of `shape` with the elements of `g` added at their indices. The adjoint of [`take`].
pub fn put(g: &Tensor, dim: usize, index: &Tensor, shape: &[usize]) -> Result<Tensor> {
    elements(dim).add(&dispatch::zeros(shape, g.dtype(), g.device())?, index, g, &Dest::InPlace)
}

/// The gradient of an operation that selected one element along `dim`: back to where it stood.
pub fn put_selected(g: &Tensor, dim: usize, index: &Tensor, shape: &[usize], keepdim: bool) -> Result<Tensor> {
    if keepdim || shape.is_empty() {
        return put(g, dim, index, shape);
    }
    put(&super::view::unsqueeze(g, dim as i64)?, dim, &super::view::unsqueeze(index, dim as i64)?, shape)
}

/// Shifts the elements along `dim` by one place, towards the end or (`back`) the start; `fill` comes in.
pub fn shifted(x: &Tensor, dim: usize, back: bool, fill: f64) -> Result<Tensor> {
    let n = x.size(dim);
    let y = dispatch::empty(x.shape(), x.dtype(), x.device())?;
    let (from, to) = if back { (1, 0) } else { (0, 1) };
    if x.ndim() == 0 {
        dispatch::fill(&y, fill.into());
    } else if n > 0 {
        let raw = y.detach();
        crate::autograd::no_grad(|| -> Result<()> {
            dispatch::fill(
                &super::view::narrow(&raw, dim as i64, if back { n as i64 - 1 } else { 0 }, 1)?,
                fill.into(),
            );
            dispatch::copy(
                &super::view::narrow(x, dim as i64, from, n as i64 - 1)?,
                &super::view::narrow(&raw, dim as i64, to, n as i64 - 1)?,
            );
            Ok(())
        })?;
    }
    record(y, "SliceScatterBackward0", &[x], |_| move |_, g| grads![shifted(g, dim, !back, 0.0)?])
}

/// `length` elements along `dim` from `start`.
pub fn part(x: &Tensor, dim: usize, start: usize, length: usize) -> Result<Tensor> {
    super::view::narrow(x, dim as i64, start as i64, length as i64)
}

/// Tensors of one dtype behind one another along `dim`; the other extents agree.
pub fn join(xs: &[&Tensor], dim: usize) -> Result<Tensor> {
    let mut shape = Shape::from_slice(xs[0].shape());
    shape[dim] = xs.iter().map(|x| x.shape()[dim]).sum();
    let y = dispatch::empty(&shape, xs[0].dtype(), xs[0].device())?;
    let starts: Vec<(usize, usize)> = xs
        .iter()
        .scan(0, |at, x| {
            let n = x.shape()[dim];
            *at += n;
            Some((*at - n, n))
        })
        .collect();
    let raw = y.detach();
    crate::autograd::no_grad(|| -> Result<()> {
        for (x, &(start, n)) in xs.iter().zip(&starts) {
            dispatch::copy(x, &part(&raw, dim, start, n)?);
        }
        Ok(())
    })?;
    record(y, "CatBackward0", xs, |_| {
        move |c, g| starts.iter().enumerate().map(|(i, &(start, n))| c.when(i, || part(g, dim, start, n))).collect()
    })
}
