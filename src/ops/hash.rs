//! Hashes of tensors.

use super::helpers::{dim_mask, not_implemented};
use super::reduce::run;
use super::reinterpret;
use crate::dispatch::reduce::Reduce;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::tensor::{DType, Tensor};

/// A uint64 of all elements along some dims, as torch computes it.
pub fn hash_tensor(x: &Tensor, dim: &[i64], keepdim: bool, mode: i64) -> Result<Tensor> {
    if mode != 0 {
        fail!(Runtime, torch: ("Unknown hash_tensor mode: {mode}"), expected: ("hash_tensor: expected mode 0 (exclusive or)"), got: ("{mode}"), fix: ("Leave mode out."));
    }
    let mask = dim_mask(x, dim, true)?;
    if x.numel() == 0 && dim.is_empty() {
        fail!(Runtime, torch: ("hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."), expected: ("hash_tensor: expected elements"), got: ("an empty tensor"), fix: ("Give the dim, or check numel() first."));
    }
    for d in (0..x.ndim()).filter(|&d| mask >> d.min(63) & 1 != 0) {
        super::extreme::not_empty("hash_tensor", x, d)?;
    }
    if x.dtype().is_complex() || matches!(x.dtype(), DType::U16 | DType::U32 | DType::U64) {
        return not_implemented("xor_sum", x.dtype());
    }
    reinterpret::view_dtype(&run(Reduce::Xor, x, mask, keepdim, DType::I64, 0.0)?, DType::U64)
}

ops! {
    /// A uint64 hash of the elements along some dims, or of all: the exclusive or of their bits as float64 or int64.
    "hash_tensor(Tensor self, int[1] dim=[], *, bool keepdim=False, int mode=0) -> Tensor" [f m o] => hash_tensor(0, 1, 2, 3);
}
