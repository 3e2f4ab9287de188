//! Classification losses on (n, c, s). Tensors are contiguous; floats are f32 or f64, targets int64.

use super::{Fun, Params, with_float};
use crate::cpu::loss::{self, Targets};
use crate::error::Result;
use crate::tensor::{Scalar, Tensor};

/// Class indices and how classes count.
#[derive(Clone)]
pub struct Classes {
    /// Class indices, n * s of them.
    pub index: Tensor,
    /// A factor per class, in the dtype of the kernel.
    pub weight: Option<Tensor>,
    /// Targets that count for nothing.
    pub ignore: i64,
    /// The share of the target distribution that is spread over all classes.
    pub smoothing: f64,
}

impl Classes {
    fn targets<F>(&self, classes: usize) -> Targets<F> {
        let weight = self.weight.as_ref().map_or(std::ptr::null(), |w| w.ptr().cast_const().cast());
        let (index, ignore, smoothing) = (self.index.ptr().cast(), self.ignore, self.smoothing);
        Targets { index, weight, ignore, smoothing, classes, strayed: false.into() }
    }

    /// The first target that is no class below `c`, nor ignored.
    pub fn first_bad(&self, c: usize) -> Option<i64> {
        // GPUs note what is out of bounds, and the next call that waits for them raises it.
        if self.index.is_meta() || self.index.is_gpu() {
            return None;
        }
        // SAFETY: a contiguous int64 tensor.
        unsafe { loss::first_bad_target(self.index.ptr().cast(), self.index.numel(), c, self.ignore) }
    }

    /// The sum of the targets' weights among `classes`, which a mean divides by.
    pub fn total(&self, like: &Tensor, classes: usize) -> Result<Total> {
        if self.index.is_meta() {
            return Ok(Total::Number(1.0));
        }
        if self.index.is_gpu() {
            return super::gpu::loss::target_weight(self, classes).map(Total::Tensor);
        }
        with_float!(like.dtype(), F => {
            let classes = self.weight.as_ref().map_or(0, Tensor::numel);
            // SAFETY: as many targets and weights as there are.
            Ok(Total::Number(unsafe { loss::target_weight::<F>(&self.targets(classes), self.index.numel()) }))
        })
    }
}

/// What a mean divides by.
#[derive(Clone)]
pub enum Total {
    /// A number.
    Number(f64),
    /// A 0-d tensor of a GPU, which the host does not wait for.
    Tensor(Tensor),
}

type Dims = (usize, usize, usize);

/// Where a loss's gradient comes from: one per row, or one for all; and a factor.
pub struct Upstream<'a> {
    /// The gradient; a 0-d tensor counts for all rows.
    pub g: &'a Tensor,
    /// What it is multiplied by.
    pub scale: f64,
}

impl Upstream<'_> {
    pub(super) fn stride(&self) -> usize {
        (self.g.numel() > 1) as usize
    }
}

/// Cross entropy of logits: the loss and the log-sum-exp of every row.
pub fn cross_entropy(x: &Tensor, t: &Classes, rows: &Tensor, lse: &Tensor, dims: Dims) {
    if rows.is_meta() || rows.numel() == 0 {
        return;
    }
    if rows.is_gpu() {
        return super::gpu::loss::cross_entropy(x, t, rows, lse, dims);
    }
    with_float!(x.dtype(), F => {
        // SAFETY: tensors of `dims`.
        unsafe { loss::cross_entropy_forward::<F>(x.ptr().cast(), &t.targets(dims.1), (rows.ptr().cast(), lse.ptr().cast()), dims) }
    });
}

/// The gradient of [`cross_entropy`] by the logits. False if a target is no class any more.
#[must_use]
pub fn cross_entropy_backward(up: &Upstream, x: &Tensor, lse: &Tensor, t: &Classes, dx: &Tensor, dims: Dims) -> bool {
    if dx.is_meta() || dx.numel() == 0 {
        return true;
    }
    if dx.is_gpu() {
        super::gpu::loss::cross_entropy_backward(up, x, lse, t, dx, dims);
        return true;
    }
    with_float!(x.dtype(), F => {
        let g = (up.g.ptr().cast_const().cast(), up.stride(), up.scale as F);
        let targets = t.targets(dims.1);
        // SAFETY: as above.
        unsafe { loss::cross_entropy_backward::<F>(g, (x.ptr().cast(), lse.ptr().cast()), &targets, dx.ptr().cast(), dims) };
        !targets.strayed.into_inner()
    })
}

/// Negative log likelihood of log-probabilities, row by row.
pub fn nll(x: &Tensor, t: &Classes, rows: &Tensor, dims: Dims) {
    if rows.is_meta() || rows.numel() == 0 {
        return;
    }
    if rows.is_gpu() {
        return super::gpu::loss::nll(x, t, rows, dims);
    }
    with_float!(x.dtype(), F => {
        // SAFETY: as above.
        unsafe { loss::nll_forward::<F>(x.ptr().cast(), &t.targets(dims.1), rows.ptr().cast(), dims) }
    });
}

/// The gradient of [`nll`]. False if a target is no class any more.
#[must_use]
pub fn nll_backward(up: &Upstream, t: &Classes, dx: &Tensor, dims: Dims) -> bool {
    if dx.is_meta() || dx.numel() == 0 {
        return true;
    }
    if dx.is_gpu() {
        super::gpu::loss::nll_backward(up, t, dx, dims);
        return true;
    }
    with_float!(dx.dtype(), F => {
        let g = (up.g.ptr().cast_const().cast(), up.stride(), up.scale as F);
        let targets = t.targets(dims.1);
        // SAFETY: as above.
        unsafe { loss::nll_backward::<F>(g, &targets, dx.ptr().cast(), dims) };
        !targets.strayed.into_inner()
    })
}

/// A 0-d float tensor divided by a total; a meta tensor stays.
pub fn divide(x: &Tensor, by: &Total) {
    match by {
        _ if x.is_meta() => {}
        Total::Number(by) => {
            // SAFETY: a 0-d tensor has one element.
            let v = unsafe { Scalar::read(x.ptr(), x.dtype()) }.f64();
            super::fill(x, Scalar::Float(v / by));
        }
        Total::Tensor(by) => super::pointwise(Fun::Div, x.dtype(), &[x, by], x, &Params::default()),
    }
}
