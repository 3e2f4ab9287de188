//! Reductions and scans. Outputs of reductions come with the reduced dims kept as extent 1.

use crate::cpu::reduce;
use crate::tensor::Tensor;

pub use crate::cpu::reduce::{Extreme, Reduce};

/// Reduces `x` into `out`, whose dims of extent 1 are reduced. `p` is the order of a norm.
pub fn reduce(kind: Reduce, x: &Tensor, out: &Tensor, p: f64) {
    if !out.is_meta() && out.numel() > 0 {
        reduce::reduce(kind, &x.strided(), &out.strided(), p);
    }
}
