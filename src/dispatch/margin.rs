//! Hinge losses over classes of contiguous scores, f32 or f64. On the CPU alone: the GPU composes them of operations.

use super::with_float;
use crate::cpu::float::Float;
use crate::cpu::margin::{self, Many, One};
use crate::tensor::{DType, Tensor};

/// What is asked of the scores of one target per sample.
pub struct Hinge<'a> {
    /// A class per sample, int64.
    pub target: &'a Tensor,
    /// A factor per class, in the dtype of the scores.
    pub weight: Option<&'a Tensor>,
    /// The margin.
    pub margin: f64,
    /// Are hinges squared?
    pub squared: bool,
}

fn check(x: &Tensor, target: &Tensor, targets: usize) -> (usize, usize) {
    assert!(x.ndim() == 2 && target.dtype() == DType::I64 && target.numel() == targets);
    assert!(x.is_contiguous() && target.is_contiguous());
    (x.size(0), x.size(1))
}

impl Hinge<'_> {
    fn one<F: Float>(&self, x: &Tensor) -> One<F> {
        let size = check(x, self.target, x.size(0));
        assert!(self.weight.is_none_or(|w| w.is_contiguous() && w.numel() == size.1 && w.dtype() == x.dtype()));
        let weight = self.weight.map_or(std::ptr::null(), |w| w.ptr().cast_const().cast());
        One { target: self.target.ptr().cast(), weight, margin: F::of(self.margin), squared: self.squared, size }
    }
}

/// The loss of every row of scores. False if a target is no class.
#[must_use]
pub fn one(x: &Tensor, h: &Hinge, loss: &Tensor) -> bool {
    loss.is_meta()
        || with_float!(x.dtype(), F => {
            // SAFETY: operands as checked; the loss is fresh, with an element per row.
            unsafe { margin::one::<F>(x.ptr().cast(), &h.one(x), loss.ptr().cast()) }
        })
}

/// The gradient of [`one`]; `g` has an element per row. False if a target is no class.
#[must_use]
pub fn one_backward(g: &Tensor, x: &Tensor, h: &Hinge, dx: &Tensor) -> bool {
    assert!(g.is_contiguous() && g.numel() == x.size(0));
    dx.is_meta()
        || with_float!(x.dtype(), F => {
            // SAFETY: as above.
            unsafe { margin::one_backward::<F>(g.ptr().cast(), x.ptr().cast(), &h.one(x), dx.ptr().cast()) }
        })
}

fn classes(x: &Tensor, target: &Tensor) -> Many {
    Many { size: check(x, target, x.numel()), target: target.ptr().cast() }
}

/// The loss of every row of scores against all classes that a row of `target` names, and their mask. False if a target is no
/// class.
#[must_use]
pub fn many(x: &Tensor, target: &Tensor, loss: &Tensor, mask: &Tensor) -> bool {
    loss.is_meta()
        || with_float!(x.dtype(), F => {
            // SAFETY: operands as checked; loss and mask are fresh, with an element per row and per score.
            unsafe { margin::many::<F>(x.ptr().cast(), &classes(x, target), loss.ptr().cast(), mask.ptr().cast()) }
        })
}

/// The gradient of [`many`]; `g` has an element per row. False if a target is no class.
#[must_use]
pub fn many_backward(g: &Tensor, x: &Tensor, target: &Tensor, dx: &Tensor) -> bool {
    assert!(g.is_contiguous() && g.numel() == x.size(0));
    dx.is_meta()
        || with_float!(x.dtype(), F => {
            // SAFETY: as above.
            unsafe { margin::many_backward::<F>(g.ptr().cast(), x.ptr().cast(), &classes(x, target), dx.ptr().cast()) }
        })
}
