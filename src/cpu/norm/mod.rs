//! Normalisation: layer, RMS, group and batch norm with their gradients.
//!
//! Statistics are taken block by block, each block in two passes over the cache, and merged in f64; so they are
//! as accurate as a two-pass algorithm and read memory once. eps is added inside the square root, as in torch.
//!
//! # Contract of the unsafe code in this folder
//! Pointers address contiguous elements of the sizes that the functions name. Pointers that are said to be
//! optional may be null. An output is no input, except where a function says so.
//!
//! # Determinism
//! Rows and channels are independent. Sums over rows are taken per fixed chunk, and the chunks are added in order.

#![allow(clippy::needless_range_loop, reason = "one index runs through several streams")]
#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

mod batch;
mod group;
mod layer;
#[cfg(test)]
mod tests;
mod weight;

pub use batch::{BatchGrads, BatchStats, batch_norm_apply, batch_norm_backward, batch_norm_rstd, batch_norm_stats};
pub use group::{group_norm_backward, group_norm_forward};
pub use layer::{layer_norm_backward, layer_norm_forward, rms_norm_backward, rms_norm_forward};
pub use weight::{weight_norm_backward, weight_norm_forward};

use super::float::Float;

/// An optional vector's element, or a default.
#[inline(always)]
unsafe fn or<F: Float>(p: *const F, i: usize, default: F) -> F {
    if p.is_null() { default } else { *p.add(i) }
}
