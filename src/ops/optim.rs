//! Fused optimizer steps: one call updates all parameters of a group. See `rustorch/optim/_fused.py` for the contract.

use crate::dispatch::optim::{self, Adagrad, Adam, Group, RmsProp, Sgd};
use crate::error::Result;
use crate::ops;
use crate::schema::Args;
use crate::tensor::layout::is_non_overlapping_and_dense;
use crate::tensor::{DType, Device, Tensor};

/// Does a step write no memory that it also has under another name? A parameter that is listed twice is updated twice,
/// one after the other, which the kernels, whose tasks take parameters in any order, cannot do.
fn apart(params: &[Tensor], grads: &[Tensor], state: &[&[Tensor]]) -> bool {
    let written = state.iter().copied().flatten().chain(params).map(|t| (t, true));
    // Places of the CPU are addresses, those of a GPU lie in storages.
    let start = |t: &Tensor| if t.is_gpu() { (t.storage().id(), t.place()) } else { (0, t.ptr() as usize) };
    let mut ranges: Vec<(usize, usize, usize, bool)> = written
        .chain(grads.iter().map(|t| (t, false)))
        .filter(|(t, _)| t.numel() > 0)
        .map(|(t, writes)| {
            let (storage, from) = start(t);
            (storage, from, from + t.numel() * t.dtype().size(), writes)
        })
        .collect();
    ranges.sort_unstable();
    let (mut last, mut end, mut end_written) = (0, 0, 0);
    ranges.iter().all(|&(storage, from, to, writes)| {
        if storage != last {
            (last, end, end_written) = (storage, 0, 0);
        }
        let free = from >= if writes { end } else { end_written };
        end = end.max(to);
        if writes {
            end_written = end_written.max(to);
        }
        free
    })
}

/// Can a step take these lists? Each has one tensor per parameter, or is empty.
fn fits(params: &[Tensor], grads: &[Tensor], state: &[&[Tensor]], steps: &[Tensor]) -> bool {
    let Some(first) = params.first() else { return true };
    let (dtype, device) = (first.dtype(), first.device());
    let plain = |t: &Tensor| {
        t.dtype() == dtype
            && t.device() == device
            && (t.is_contiguous() || is_non_overlapping_and_dense(t.shape(), t.strides()))
    };
    let like = |t: &Tensor, p: &Tensor| {
        t.dtype() == dtype
            && t.device() == device
            && t.shape() == p.shape()
            && (t.strides() == p.strides() || (t.is_contiguous() && p.is_contiguous()))
    };
    matches!(dtype, DType::F32 | DType::F64)
        && device != Device::Meta
        && params.iter().all(plain)
        && state.iter().chain([&grads]).all(|list| {
            list.is_empty() || (list.len() == params.len() && list.iter().zip(params).all(|(t, p)| like(t, p)))
        })
        && (steps.is_empty() || steps.len() == params.len())
        && steps
            .iter()
            .all(|s| s.ndim() == 0 && s.device() == Device::Cpu && matches!(s.dtype(), DType::F32 | DType::F64))
        && apart(params, grads, state)
}

fn changed(lists: &[&[Tensor]]) {
    lists.iter().for_each(|list| list.iter().for_each(Tensor::bump_version));
}

fn sgd(a: &Args) -> Result<bool> {
    let (params, grads, buffers): (&[Tensor], &[Tensor], &[Tensor]) = (a.get(0)?, a.get(1)?, a.get(2)?);
    let o = Sgd {
        lr: a.get(3)?,
        momentum: a.get(4)?,
        dampening: a.get(5)?,
        weight_decay: a.get(6)?,
        nesterov: a.get(7)?,
        maximize: a.get(8)?,
    };
    if grads.len() != params.len()
        || !fits(params, grads, &[buffers], &[])
        || (o.momentum != 0.0 && buffers.len() != params.len())
    {
        return Ok(false);
    }
    optim::sgd(&o, &Group { params, grads, state: [buffers, &[], &[]], factors: &[] });
    changed(&[params, if o.momentum == 0.0 { &[] } else { buffers }]);
    Ok(true)
}

fn adam(a: &Args) -> Result<bool> {
    let (params, grads, first, second): (&[Tensor], &[Tensor], &[Tensor], &[Tensor]) =
        (a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?);
    let (largest, steps): (&[Tensor], &[Tensor]) = (a.get(4)?, a.get(5)?);
    let o = Adam {
        lr: a.get(6)?,
        beta1: a.get(7)?,
        beta2: a.get(8)?,
        weight_decay: a.get(9)?,
        eps: a.get(10)?,
        amsgrad: a.get(11)?,
        maximize: a.get(12)?,
        decoupled: a.get(13)?,
    };
    let n = params.len();
    let complete = [grads.len(), first.len(), second.len(), steps.len()].iter().all(|&len| len == n)
        && (!o.amsgrad || largest.len() == n);
    let largest = if o.amsgrad { largest } else { &[] };
    if !complete || !fits(params, grads, &[first, second, largest], steps) {
        return Ok(false);
    }
    let factors: Vec<[f64; 2]> = steps.iter().map(|s| o.factors(optim::count_step(s))).collect();
    optim::adam(&o, &Group { params, grads, state: [first, second, largest], factors: &factors });
    changed(&[params, first, second, largest, steps]);
    Ok(true)
}

fn rmsprop(a: &Args) -> Result<bool> {
    let (params, grads, squares, means): (&[Tensor], &[Tensor], &[Tensor], &[Tensor]) =
        (a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?);
    let (buffers, steps): (&[Tensor], &[Tensor]) = (a.get(4)?, a.get(5)?);
    let o = RmsProp {
        lr: a.get(6)?,
        alpha: a.get(7)?,
        eps: a.get(8)?,
        weight_decay: a.get(9)?,
        momentum: a.get(10)?,
        centered: a.get(11)?,
        maximize: a.get(12)?,
    };
    let n = params.len();
    let complete = grads.len() == n
        && squares.len() == n
        && (!o.centered || means.len() == n)
        && (o.momentum == 0.0 || buffers.len() == n);
    let (means, buffers) = (if o.centered { means } else { &[] }, if o.momentum == 0.0 { &[] } else { buffers });
    if !complete || o.momentum < 0.0 || !fits(params, grads, &[squares, means, buffers], steps) {
        return Ok(false);
    }
    steps.iter().for_each(|s| {
        optim::count_step(s);
    });
    optim::rmsprop(&o, &Group { params, grads, state: [squares, means, buffers], factors: &[] });
    changed(&[params, squares, means, buffers, steps]);
    Ok(true)
}

fn adagrad(a: &Args) -> Result<bool> {
    let (params, grads, sums, steps): (&[Tensor], &[Tensor], &[Tensor], &[Tensor]) =
        (a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?);
    let (lr, decay): (f64, f64) = (a.get(4)?, a.get(5)?);
    let o = Adagrad { weight_decay: a.get(6)?, eps: a.get(7)?, maximize: a.get(8)? };
    let n = params.len();
    if grads.len() != n || sums.len() != n || steps.len() != n || !fits(params, grads, &[sums], steps) {
        return Ok(false);
    }
    let factors: Vec<[f64; 2]> =
        steps.iter().map(|s| [lr / (1.0 + (optim::count_step(s) - 1.0) * decay), 0.0]).collect();
    optim::adagrad(&o, &Group { params, grads, state: [sums, &[], &[]], factors: &factors });
    changed(&[params, sums, steps]);
    Ok(true)
}

ops! {
    @
    /// A step of SGD for all parameters; false, with nothing changed, if the tensors do not fit the fused kernel.
    "_fused_sgd_(Tensor[] params, Tensor[] grads, Tensor[] momentum_buffers, *, float lr, float momentum, float dampening, float weight_decay, bool nesterov, bool maximize) -> bool" [f] => |a| sgd(a);
    /// A step of Adam or, if decoupled, AdamW for all parameters; false as above.
    "_fused_adam_(Tensor[] params, Tensor[] grads, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] max_exp_avg_sqs, Tensor[] steps, *, float lr, float beta1, float beta2, float weight_decay, float eps, bool amsgrad, bool maximize, bool decoupled) -> bool" [f] => |a| adam(a);
    /// A step of RMSprop for all parameters; false as above.
    "_fused_rmsprop_(Tensor[] params, Tensor[] grads, Tensor[] square_avgs, Tensor[] grad_avgs, Tensor[] momentum_buffers, Tensor[] steps, *, float lr, float alpha, float eps, float weight_decay, float momentum, bool centered, bool maximize) -> bool" [f] => |a| rmsprop(a);
    /// A step of Adagrad for all parameters; false as above.
    "_fused_adagrad_(Tensor[] params, Tensor[] grads, Tensor[] state_sums, Tensor[] steps, *, float lr, float lr_decay, float weight_decay, float eps, bool maximize) -> bool" [f] => |a| adagrad(a);
}
