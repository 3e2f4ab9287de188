//! Hashes of tensors.

use super::helpers::{dim_mask, not_implemented, reduced_shape};
use super::{arith, copy, pointwise, reinterpret, view};
use crate::dispatch::Params;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::{DType, Tensor};

/// The 64 bits of each element as int64: of doubles for floats, of int64 for the rest.
fn words(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        d if d.is_complex() || matches!(d, DType::U16 | DType::U32 | DType::U64) => not_implemented("xor_sum", d),
        d if d.is_float() => reinterpret::view_dtype(&copy::to_dtype(x, DType::F64)?, DType::I64),
        _ => copy::to_dtype(x, DType::I64),
    }
}

/// The exclusive or along the last dim, by halves.
fn fold(mut x: Tensor) -> Result<Tensor> {
    let xor = |a: &Tensor, b: &Tensor| pointwise::apply(&arith::BITWISE_XOR, &[a, b], Params::default(), &Dest::New);
    loop {
        let n = x.size(x.ndim() - 1) as i64;
        if n == 1 {
            return Ok(x);
        }
        let half = n / 2;
        let part = |start, length| view::narrow(&x, -1, start, length);
        let mut y = xor(&part(0, half)?, &part(half, half)?)?;
        if n % 2 == 1 {
            y = super::join::cat(&[y, part(n - 1, 1)?], -1)?;
        }
        x = y;
    }
}

/// A uint64 of all elements along some dims, as torch computes it.
pub fn hash_tensor(x: &Tensor, dim: &[i64], keepdim: bool, mode: i64) -> Result<Tensor> {
    if mode != 0 {
        fail!(Runtime, torch: ("Unknown hash_tensor mode: {mode}"), expected: ("hash_tensor: expected mode 0 (exclusive or)"), got: ("{mode}"), fix: ("Leave mode out."));
    }
    let mask = dim_mask(x, dim, true)?;
    if x.numel() == 0 && dim.is_empty() {
        fail!(Runtime, torch: ("hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."), expected: ("hash_tensor: expected elements"), got: ("an empty tensor"), fix: ("Give the dim, or check numel() first."));
    }
    let (over, kept): (Vec<i64>, Vec<i64>) = (0..x.ndim() as i64).partition(|&d| mask >> d & 1 != 0);
    for &d in &over {
        super::extreme::not_empty("hash_tensor", x, d as usize)?;
    }
    let shape: Vec<i64> = reduced_shape(x.shape(), mask, keepdim).iter().map(|&n| n as i64).collect();
    let x = words(&x.detach())?;
    let length: i64 = over.iter().map(|&d| x.size(d as usize) as i64).product();
    let rows = x.numel() as i64 / length.max(1);
    let order: Vec<i64> = kept.iter().chain(&over).copied().collect();
    let y = fold(view::reshape(&view::permute(&x, &order)?, &[rows, length])?)?;
    reinterpret::view_dtype(&view::reshape(&y, &shape)?, DType::U64)
}

ops! {
    /// A uint64 hash of the elements along some dims, or of all: the exclusive or of their bits as float64 or int64.
    "hash_tensor(Tensor self, int[1] dim=[], *, bool keepdim=False, int mode=0) -> Tensor" [f m o] => hash_tensor(0, 1, 2, 3);
}
