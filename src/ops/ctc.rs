//! Connectionist temporal classification loss.

use super::choose::{clamp, where_};
use super::class_loss::{MEAN, SUM};
use super::kernel::{float_kernel, operand};
use super::pointwise::number;
use super::view;
use crate::autograd::record;
use crate::dispatch::{self, ctc::Ctc};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::{DType, Tensor};
use std::sync::Arc;

/// A batch's targets and lengths.
struct Batch {
    input: Vec<usize>,
    label: Vec<usize>,
    offset: Vec<usize>,
    targets: Vec<i64>,
    blank: usize,
    dims: (usize, usize, usize),
}

impl Batch {
    fn new(p: &Tensor, targets: &Tensor, input: &[i64], label: &[i64], blank: i64) -> Result<Batch> {
        super::helpers::extent(p, 1)?;
        let &[t, n, c] = p.shape() else {
            fail!(Runtime, torch: ("Expected tensor to have 3 dimensions, but got tensor with {} dimensions instead (while checking arguments for ctc_loss)", p.ndim()), expected: ("ctc_loss: expected log_probs (T, N, C)"), got: ("{:?}", p.shape()), fix: ("Check the dims."))
        };
        if !(0..c as i64).contains(&blank) {
            fail!(Runtime, torch: ("blank must be in label range"), expected: ("ctc_loss: expected a blank below {c}"), got: ("{blank}"), fix: ("Choose a class."));
        }
        for (which, list) in [("input_lengths", input), ("target_lengths", label)] {
            if list.len() != n {
                fail!(Runtime, torch: ("{which} must be of size batch_size"), expected: ("ctc_loss: expected {n} {which}"), got: ("{}", list.len()), fix: ("Give one per sample."));
            }
            if let Some(bad) = list.iter().find(|&&x| x < 0) {
                fail!(Runtime, torch: ("Expected {which} to have value at least 0, but got value {bad} (while checking arguments for ctc_loss)"), expected: ("ctc_loss: expected lengths of at least 0"), got: ("{bad}"), fix: ("Check the lengths."));
            }
        }
        if let Some((i, bad)) = input.iter().enumerate().find(|(_, x)| **x > t as i64) {
            fail!(Runtime, torch: ("Expected input_lengths to have value at most {t}, but got value {bad} (while checking arguments for ctc_loss)"), expected: ("ctc_loss: expected at most {t} steps"), got: ("{bad} in sample {i}"), fix: ("Check the lengths."));
        }
        let label: Vec<usize> = label.iter().map(|&x| x as usize).collect();
        let (offset, need) = match targets.ndim() {
            1 => {
                let mut at = 0;
                let offset = label
                    .iter()
                    .map(|&l| {
                        at += l;
                        at - l
                    })
                    .collect::<Vec<_>>();
                (offset, at)
            }
            _ => {
                let wide = targets.shape().get(1).copied().unwrap_or(0);
                if targets.ndim() != 2 || targets.shape()[0] != n || label.iter().any(|&l| l > wide) {
                    fail!(Runtime, torch: ("Expected tensor to have size at least {} at dimension 1, but got size {wide} for argument #2 'targets' (while checking arguments for ctc_loss)", label.iter().max().unwrap_or(&0)), expected: ("ctc_loss: expected targets (N, S)"), got: ("{:?}", targets.shape()), fix: ("Check target_lengths."));
                }
                ((0..n).map(|i| i * wide).collect(), targets.numel())
            }
        };
        if targets.ndim() == 1 && need != targets.numel() {
            fail!(Runtime, torch: ("Expected tensor to have size {need} at dimension 0, but got size {} for argument #2 'targets' (while checking arguments for ctc_loss)", targets.numel()), expected: ("ctc_loss: expected {need} targets"), got: ("{}", targets.numel()), fix: ("Check target_lengths."));
        }
        super::helpers::same_device("ctc_loss", &[p, targets])?;
        // Without data every target is some class.
        let targets = if p.is_meta() { vec![0; targets.numel()] } else { lengths(targets)? };
        let used = offset.iter().zip(&label).flat_map(|(&at, &l)| &targets[at..at + l]);
        if let Some(bad) = used.clone().find(|&&k| !(0..c as i64).contains(&k)) {
            fail!(Runtime, torch: ("Target {bad} is out of bounds."), expected: ("ctc_loss: expected targets below {c}"), got: ("{bad}"), fix: ("Check the labels."));
        }
        Ok(Batch {
            input: input.iter().map(|&x| x as usize).collect(),
            label,
            offset,
            targets,
            blank: blank as usize,
            dims: (t, n, c),
        })
    }

    fn kernel(&self) -> Ctc<'_> {
        Ctc {
            dims: self.dims,
            input: &self.input,
            label: &self.label,
            offset: &self.offset,
            targets: &self.targets,
            blank: self.blank,
            longest: self.label.iter().copied().max().unwrap_or(0),
        }
    }
}

/// Negative log likelihoods (N) and the alphas of the recursion.
fn ctc(
    p: &Tensor,
    targets: &Tensor,
    input: &[i64],
    label: &[i64],
    blank: i64,
    zero_infinity: bool,
) -> Result<(Tensor, Tensor)> {
    let c = float_kernel("ctc_loss", p.dtype())?;
    let batch = Arc::new(Batch::new(p, targets, input, label, blank)?);
    let ((t, n, _), states) = (batch.dims, batch.kernel().states());
    let (alpha, loss) = (dispatch::empty(&[n, t, states], c, p.device())?, dispatch::empty(&[n], c, p.device())?);
    dispatch::ctc::forward(&operand(p, c)?, &alpha, &loss, &batch.kernel())?;
    let raw = loss.detach();
    let y = record(loss, "CtcLossBackward0", &[p], |s| {
        let (p, alpha, raw) = (s.input(p), s.input(&alpha), s.input(&raw));
        move |ctx, g| {
            let p = ctx.get(p)?;
            if crate::autograd::needs_grad(&[g, &p]) {
                fail!(NotImplemented, torch: ("the derivative for '_ctc_loss_backward' is not implemented."), expected: ("ctc_loss: expected a gradient that is not differentiated"), got: ("create_graph=True"), fix: ("Leave it out."));
            }
            let data = operand(&p, c)?;
            let dp = dispatch::empty(p.shape(), c, p.device())?;
            dispatch::ctc::backward(
                &operand(g, c)?,
                &data,
                (&ctx.get(alpha)?, &ctx.get(raw)?),
                &dp,
                zero_infinity,
                &batch.kernel(),
            )?;
            grads![super::kernel::cast(dp, p.dtype())?]
        }
    })?;
    Ok((y, alpha))
}

fn ctc_loss(
    p: &Tensor,
    targets: &Tensor,
    input: &[i64],
    label: &[i64],
    blank: i64,
    reduction: i64,
    zero_infinity: bool,
) -> Result<Tensor> {
    if p.numel() == 0 {
        fail!(Runtime, torch: ("log_probs tensor must not be empty"), expected: ("ctc_loss: expected log-probabilities"), got: ("shape {:?}", p.shape()), fix: ("Check the batch."));
    }
    let single = p.ndim() == 2;
    let p3 = if single { view::unsqueeze(p, 1)? } else { p.clone() };
    let (mut y, _) = ctc(&p3, targets, input, label, blank, zero_infinity)?;
    if zero_infinity {
        y = where_(&y.detach().eq(&number(f64::INFINITY)?)?, &y.scalar_like(0.0)?, &y)?;
    }
    match reduction {
        MEAN => {
            let lengths = super::copy::to_dtype(&super::create::from_ints(label, y.device())?, y.dtype())?;
            let lengths = clamp(&lengths, Some(&number(1.0)?), None, &crate::schema::Dest::New)?;
            super::reduce::mean(&y.div(&lengths)?, None, false, None)
        }
        SUM => y.sum_all(),
        _ if single => view::squeeze_dim(&y, 0),
        _ => Ok(y),
    }
}

fn lengths(t: &Tensor) -> Result<Vec<i64>> {
    if !t.dtype().is_integral(false) {
        fail!(Runtime, torch: ("input_lengths and target_lengths must be integral"), expected: ("ctc_loss: expected integer lengths"), got: ("{}", t.dtype().name()), fix: ("Convert with .long()."));
    }
    if t.is_meta() {
        fail!(NotImplemented, torch: ("Cannot copy out of meta tensor; no data!"), expected: ("ctc_loss: expected lengths with data"), got: ("a meta tensor"), fix: ("Give the lengths as lists."));
    }
    dispatch::ctc::numbers(&operand(t, DType::I64)?)
}

fn ctc_loss_tensors(
    p: &Tensor,
    targets: &Tensor,
    input: &Tensor,
    label: &Tensor,
    blank: i64,
    reduction: i64,
    zero_infinity: bool,
) -> Result<Tensor> {
    ctc_loss(p, targets, &lengths(input)?, &lengths(label)?, blank, reduction, zero_infinity)
}

ops! {
    /// Negative log likelihood of label sequences without alignment, from log-probabilities (T, N, C) or (T, C).
    "ctc_loss(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, int blank=0, int reduction=1, bool zero_infinity=False) -> Tensor" [f] => ctc_loss(0, 1, 2, 3, 4, 5, 6);
    /// The same with lengths as tensors.
    "ctc_loss(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, int blank=0, int reduction=1, bool zero_infinity=False) -> Tensor" [f] => ctc_loss_tensors(0, 1, 2, 3, 4, 5, 6);
    /// Losses of the samples and the recursion's alphas.
    "_ctc_loss(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, int blank=0, bool zero_infinity=False) -> (Tensor, Tensor)" [f] => ctc(0, 1, 2, 3, 4, 5);
}
