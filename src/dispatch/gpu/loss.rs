//! Classification losses on (n, c, s), see `super::super::loss`. Tensors are contiguous, floats float32.

use super::super::loss::{Classes, Upstream};
use super::lines::Lines;
use super::{Check, Launch, done};
use crate::dispatch;
use crate::dispatch::reduce::Reduce;
use crate::error::Result;
use crate::tensor::{DType, Tensor};

type Dims = (usize, usize, usize);

/// The two words of the ignored target.
fn ignored(t: &Classes) -> [usize; 2] {
    [t.ignore as u32 as usize, (t.ignore >> 32) as u32 as usize]
}

/// The loss and the log-sum-exp of every row.
pub fn cross_entropy(x: &Tensor, t: &Classes, rows: &Tensor, lse: &Tensor, dims: Dims) {
    let lines = Lines::along(dims);
    let call = Launch::new("cross_entropy")
        .when("WEIGHT", t.weight.is_some())
        .read(x)
        .read(&t.index)
        .read_some(t.weight.as_ref())
        .write(rows)
        .write(lse)
        .checks(Check::Target)
        .words(lines.words())
        .word(dims.1)
        .words(ignored(t))
        .float(1.0 - t.smoothing)
        .float(t.smoothing / dims.1 as f64);
    done(call.groups(lines.groups()));
}

/// The gradient of [`cross_entropy`] by the logits.
pub fn cross_entropy_backward(up: &Upstream, x: &Tensor, lse: &Tensor, t: &Classes, dx: &Tensor, dims: Dims) {
    done(try_backward(up, x, lse, t, dx, dims));
}

fn try_backward(up: &Upstream, x: &Tensor, lse: &Tensor, t: &Classes, dx: &Tensor, dims: Dims) -> Result<()> {
    let smooth = t.smoothing != 0.0;
    let sum = match t.weight.as_ref().filter(|_| smooth) {
        Some(w) => Some(total(w)?),
        None => None,
    };
    Launch::new("cross_entropy")
        .when("BACKWARD", true)
        .when("WEIGHT", t.weight.is_some())
        .when("WEIGHED", sum.is_some())
        .read(up.g)
        .read(x)
        .read(&t.index)
        .read_some(t.weight.as_ref())
        .read_some(sum.as_ref())
        .read(lse)
        .write(dx)
        .checks(Check::Target)
        .word(dims.1)
        .words(ignored(t))
        .float(1.0 - t.smoothing)
        .float(t.smoothing / dims.1 as f64)
        .words([dx.numel(), dims.2, up.stride()])
        .float(up.scale)
        .over(dx.numel())
}

fn nll_over(call: Launch, t: &Classes, n: usize, dims: Dims, (step, scale): (usize, f64)) -> Result<()> {
    call.checks(Check::Target).word(dims.1).words(ignored(t)).words([n, dims.2, step]).float(scale).over(n)
}

/// Negative log likelihood of log-probabilities, row by row.
pub fn nll(x: &Tensor, t: &Classes, rows: &Tensor, dims: Dims) {
    let call = Launch::new("nll").when("LOSS", true).when("WEIGHT", t.weight.is_some()).read(x).read(&t.index);
    done(nll_over(call.read_some(t.weight.as_ref()).write(rows), t, rows.numel(), dims, (0, 1.0)));
}

/// The gradient of [`nll`].
pub fn nll_backward(up: &Upstream, t: &Classes, dx: &Tensor, dims: Dims) {
    let call = Launch::new("nll").when("BACKWARD", true).when("WEIGHT", t.weight.is_some()).read(up.g).read(&t.index);
    let call = call.read_some(t.weight.as_ref()).write(dx);
    done(nll_over(call, t, dx.numel(), dims, (up.stride(), up.scale)));
}

/// The sum of the targets' weights, a 0-d tensor.
pub fn target_weight(t: &Classes, classes: usize) -> Result<Tensor> {
    let n = t.index.numel();
    let weights = dispatch::empty(&[n], DType::F32, t.index.device())?;
    let call = Launch::new("nll").when("WEIGHT", t.weight.is_some()).read(&t.index);
    nll_over(call.read_some(t.weight.as_ref()).write(&weights), t, n, (n, classes, 1), (0, 1.0))?;
    total(&weights)
}

/// The sum of a vector, a 0-d tensor.
fn total(x: &Tensor) -> Result<Tensor> {
    let sum = dispatch::empty(&[], DType::F32, x.device())?;
    dispatch::reduce::reduce(Reduce::Sum, x, &sum, &[1], 0.0);
    Ok(sum)
}
