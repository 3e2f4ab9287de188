//! Where masks hold. The number of places decides shapes: the host reads it, and waits.

use super::index::{at_places, put_at, sum_up};
use super::layout::viewed;
use super::{Launch, done};
use crate::dispatch::{copy, empty};
use crate::error::{Result, stop};
use crate::tensor::{DType, Device, Tensor};

/// The places of a mask's true elements, counted in the flattened order.
struct Mask {
    words: Tensor,
    counts: Tensor,
    blocks: usize,
    total: usize,
}

impl Mask {
    fn new(x: &Tensor) -> Result<Mask> {
        let truth = empty(x.shape(), DType::Bool, x.device())?;
        copy(x, &truth);
        let words = empty(x.shape(), DType::I32, x.device())?;
        copy(&truth, &words);
        let (n, blocks) = (x.numel(), x.numel().div_ceil(256));
        // One more than blocks: behind them stands the sum of all.
        let counts = crate::dispatch::zeros(&[blocks + 1], DType::I32, x.device())?;
        let mut total = 0i32;
        if n > 0 {
            let call = Launch::new("mask").when("COUNT", true).read(&words).write(&counts);
            call.words([n, blocks, 1, 1, 1, 0]).over(n)?;
            sum_up(&counts, blocks + 1)?;
            let here = empty(&[1], DType::I32, Device::Cpu)?;
            let last = empty(&[1], DType::I32, x.device())?;
            copy(&viewed(&counts, blocks, &[1], &[1]), &last);
            copy(&last, &here);
            // SAFETY: a tensor of one int32 in memory of the CPU.
            total = unsafe { here.ptr().cast::<i32>().read() };
        }
        Ok(Mask { words, counts, blocks, total: total as usize })
    }

    fn places(&self) -> Result<Tensor> {
        let to = empty(&[self.total], DType::I32, self.words.device())?;
        if self.total > 0 {
            let n = self.words.numel();
            let call = Launch::new("mask").when("PLACE", true).read(&self.words).read(&self.counts).write(&to);
            call.words([n, self.blocks, 1, 1, 1, 0]).over(n)?;
        }
        Ok(to)
    }
}

fn counted(x: &Tensor) -> Mask {
    match Mask::new(x) {
        Ok(mask) => mask,
        Err(e) => stop(e),
    }
}

/// Where a mask holds: one row of int64 indices per true element.
pub fn nonzero<E>(
    x: &Tensor,
    allocate: impl FnOnce(usize) -> std::result::Result<Tensor, E>,
) -> std::result::Result<Tensor, E> {
    let mask = counted(x);
    let out = allocate(mask.total)?;
    let run = || {
        let places = mask.places()?;
        let mut step = x.numel();
        for d in 0..x.ndim() {
            step /= x.size(d).max(1);
            let call = Launch::new("mask").when("COORDINATE", true).read(&places).write(&out);
            call.words([mask.total, 0, step, x.size(d), x.ndim(), d]).over(mask.total)?;
        }
        Ok(())
    };
    if out.numel() > 0 {
        done(run());
    }
    Ok(out)
}

/// The elements of `x` where the bool mask of its shape holds.
pub fn masked_select<E>(
    x: &Tensor,
    mask: &Tensor,
    allocate: impl FnOnce(usize) -> std::result::Result<Tensor, E>,
) -> std::result::Result<Tensor, E> {
    let mask = counted(mask);
    let out = allocate(mask.total)?;
    if out.numel() > 0 {
        done(mask.places().and_then(|places| at_places(x, &places, &out)));
    }
    Ok(out)
}

/// Writes the elements of the dense `src` in order to where the bool mask holds. False if `src` has too few.
pub fn masked_scatter(out: &Tensor, mask: &Tensor, src: &Tensor) -> bool {
    let mask = counted(mask);
    if mask.total > src.numel() {
        return false;
    }
    if mask.total > 0 {
        done(mask.places().and_then(|places| put_at(out, &places, src)));
    }
    true
}
