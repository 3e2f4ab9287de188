//! The way to the GPU: memory, transfers, and calls of its kernels, a file for each family. Built without the feature
//! `gpu`, everything says so.
//!
//! Kernels that return no result leave by [`crate::error::stop`], as those of the CPU do without memory.

#[cfg(not(feature = "gpu"))]
mod absent;
pub mod attention;
pub mod conv;
pub mod create;
pub mod ctc;
mod dense;
pub mod distance;
pub mod index;
pub mod join;
mod layout;
mod lines;
pub mod loss;
pub mod mask;
mod moments;
pub mod norm;
pub mod optim;
pub mod pool;
#[cfg(feature = "gpu")]
mod present;
pub mod random;
pub mod recurrent;
pub mod resample;
pub mod scan;
pub mod softmax;
pub mod sort;
pub mod statistics;

#[cfg(not(feature = "gpu"))]
use absent as backend;
#[cfg(feature = "gpu")]
use present as backend;

use crate::error::{Result, stop};
use crate::tensor::{DType, Device};
use backend::{Check, Launch};
pub(super) use backend::{check_dtype, copy, fill, matmul, pointwise, reduce, storage};

/// Tells whether a device's memory needs what only some devices have.
pub(super) fn check(device: Device, dtype: DType) -> Result<()> {
    if device == Device::Gpu { check_dtype(dtype) } else { Ok(()) }
}

/// Leaves with the error of a call, if there is one.
fn done(r: Result<()>) {
    if let Err(e) = r {
        stop(e);
    }
}
