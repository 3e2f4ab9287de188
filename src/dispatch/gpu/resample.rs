//! Resampling along one dim by a table that travels to the GPU.

use super::super::resample::Table;
use super::{Launch, done};
use crate::error::Result;
use crate::tensor::{DType, Device, Tensor};

/// The table in words: where rows start, then an index and a weight in float32 for each entry.
fn words(table: &Table, device: Device) -> Result<Tensor> {
    let all: Vec<i32> = table.words().map(|w| w as i32).collect();
    let here = super::super::empty(&[all.len()], DType::I32, Device::Cpu)?;
    // SAFETY: fresh memory of as many elements.
    unsafe { std::ptr::copy_nonoverlapping(all.as_ptr(), here.ptr().cast(), all.len()) };
    let there = super::super::empty(&[all.len()], DType::I32, device)?;
    super::super::copy(&here, &there);
    Ok(there)
}

/// Applies a table to the middle of (outer, n, inner).
pub fn resample(x: &Tensor, y: &Tensor, (outer, inner): (usize, usize), table: &Table) {
    let (before, after) = table.extents();
    done(words(table, y.device()).and_then(|t| {
        Launch::new("resample").read(x).read(&t).write(y).words([outer, before, after, inner]).over(y.numel())
    }));
}
