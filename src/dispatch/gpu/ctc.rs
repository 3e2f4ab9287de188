//! Connectionist temporal classification, see `super::super::ctc`. Floats are float32.

use super::{Launch, done};
use crate::cpu::ctc::Ctc;
use crate::dispatch;
use crate::error::{Result, filled};
use crate::tensor::{DType, Device, Tensor};

/// What the kernels ask of a batch, in the order of `shaders/ctc.wgsl`.
fn plan(g: &Ctc) -> Result<Tensor> {
    let ((_, n, c), width) = (g.dims, g.states());
    let numbers = |list: &[usize]| list.iter().map(|&x| x as i64).collect::<Vec<_>>();
    let states: Vec<usize> = g.label.iter().map(|&l| 2 * l + 1).collect();
    let mut classes = filled(g.blank, n * width);
    let (mut next, mut first) = (filled(width, n * width), filled(width, n * c));
    for i in 0..n {
        for s in (0..states[i]).rev() {
            let class = g.class(i, s);
            classes[i * width + s] = class;
            next[i * width + s] = std::mem::replace(&mut first[i * c + class], s);
        }
    }
    let all = [g.input, &states, &classes, &next, &first].map(numbers).concat();
    let plan = dispatch::empty(&[all.len()], DType::I64, Device::Gpu)?;
    dispatch::write_ints(&plan, &all);
    Ok(plan)
}

fn counted<'a>(call: Launch<'a>, g: &Ctc, zero_infinity: bool) -> Launch<'a> {
    let (t, n, c) = g.dims;
    call.words([t, n, c, g.states(), usize::from(zero_infinity)])
}

/// The alphas and the losses.
pub fn forward(p: &Tensor, alpha: &Tensor, loss: &Tensor, g: &Ctc) {
    let run = || {
        let plan = plan(g)?;
        let call = Launch::new("ctc").read(p).read(&plan).write(alpha).write(loss);
        counted(call, g, false).groups(g.dims.1)
    };
    done(run());
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
    let plan = plan(g)?;
    let beta = dispatch::empty(alpha.shape(), DType::F32, Device::Gpu)?;
    let call = Launch::new("ctc").when("REVERSED", true).read(p).read(&plan).write(&beta);
    counted(call, g, false).groups(g.dims.1)?;
    let call = Launch::new("ctc").when("GRADIENT", true).read(p).read(&plan).read(up).read(alpha);
    counted(call.read(&beta).read(loss).write(dp), g, zero_infinity).over(dp.numel())
}
