//! Conjugates and negatives as views: they share memory with their base and are computed where they are read.
//!
//! `conj` marks a view of complex numbers as conjugated; `imag` of such a view marks its own as negated. Views pass the
//! marks on, and [`dispatch::copy`] obeys them. All other operations get a resolved copy where their arguments are bound.

use super::copy;
use crate::autograd::record;
use crate::error::Result;
use crate::grads;
use crate::ops;
use crate::tensor::Tensor;

/// The complex conjugate as a view; a real tensor is its own.
pub fn conj(x: &Tensor) -> Result<Tensor> {
    if !x.dtype().is_complex() {
        return Ok(x.clone());
    }
    record(x.lazily(true, false), "ConjBackward0", &[x], |_| |_, g| grads![g.conj()?])
}

/// The negative as a view.
pub fn negative(x: &Tensor) -> Result<Tensor> {
    record(x.lazily(false, true), "NegViewBackward0", &[x], |_| |_, g| grads![g.neg()?])
}

/// What a lazy view stands for, in memory of its own; any other tensor itself.
pub fn resolve(x: &Tensor) -> Result<Tensor> {
    if x.is_lazy() { copy::clone(x, None) } else { Ok(x.clone()) }
}

fn resolve_conj(x: &Tensor) -> Result<Tensor> {
    if x.is_conj() { resolve(x) } else { Ok(x.clone()) }
}

fn resolve_neg(x: &Tensor) -> Result<Tensor> {
    if x.is_neg() { resolve(x) } else { Ok(x.clone()) }
}

/// The conjugate if `marks.0` and the negative if `marks.1`, computed.
pub fn read_as(t: &Tensor, marks: (bool, bool)) -> Result<Tensor> {
    let t = if marks.0 { t.conj()? } else { t.clone() };
    if marks.1 { t.neg() } else { Ok(t) }
}

ops! {
    /// The complex conjugate as a view; a real tensor is its own.
    "conj(Tensor self) -> Tensor" [f m v] => conj(0);
    /// A copy that is stored conjugated, of a view that reads as conjugates; any other tensor itself.
    "resolve_conj(Tensor self) -> Tensor" [f m v] => resolve_conj(0);
    /// A copy that is stored negated, of a view that reads as negatives; any other tensor itself.
    "resolve_neg(Tensor self) -> Tensor" [f m v] => resolve_neg(0);
}
