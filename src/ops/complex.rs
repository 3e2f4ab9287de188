//! Complex numbers: parts, conjugates and constructors.

use super::pointwise::Class::Same;
use super::pointwise::{D, Pw, unary};
use crate::dispatch::Fun;
use crate::error::Result;
use crate::ops;
use crate::tensor::Tensor;

static CONJ: Pw =
    Pw { name: "conj", node: "ConjBackward0", fun: Fun::Conj, class: Same, grads: &[Some(D(0, |a| a.g.conj()))] };

impl Tensor {
    /// The complex conjugate; a real tensor is its own. Computed at once, where torch sets a flag.
    pub fn conj(&self) -> Result<Tensor> {
        if self.dtype().is_complex() { unary(&CONJ, self) } else { Ok(self.clone()) }
    }

    /// The real part as a tensor of its own; a real tensor is its own.
    pub fn real_part(&self) -> Result<Tensor> {
        if !self.dtype().is_complex() {
            return Ok(self.clone());
        }
        unary(&REAL, self)
    }
}

static REAL: Pw =
    Pw { name: "real", node: "RealBackward0", fun: Fun::Real, class: Same, grads: &[Some(D(0, |a| Ok(a.g.clone())))] };

fn conj(x: &Tensor) -> Result<Tensor> {
    x.conj()
}

ops! {
    /// The complex conjugate; a real tensor is its own.
    "conj(Tensor self) -> Tensor" [f m] => conj(0);
    /// The complex conjugate, computed.
    "conj_physical(Tensor self) -> Tensor" [f m i o] => conj(0);
    /// The tensor itself: conjugates are never lazy.
    "resolve_conj(Tensor self) -> Tensor" [f m] => same(0);
    /// The tensor itself: negation is never lazy.
    "resolve_neg(Tensor self) -> Tensor" [f m] => same(0);
}

fn same(x: &Tensor) -> Result<Tensor> {
    Ok(x.clone())
}
