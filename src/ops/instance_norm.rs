//! Instance norm, in terms of group and batch norm.

use super::helpers::extent;
use super::norm::{batch, channels, check_affine, check_channels, group_norm};
use crate::autograd::no_grad;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::tensor::Tensor;

/// Normalises each channel of each sample: batch norm of samples and channels together.
#[allow(clippy::too_many_arguments, reason = "torch's signature")]
fn instance_norm(
    x: &Tensor,
    gamma: Option<&Tensor>,
    beta: Option<&Tensor>,
    mean: Option<&Tensor>,
    var: Option<&Tensor>,
    use_input_stats: bool,
    momentum: f64,
    eps: f64,
) -> Result<Tensor> {
    if !use_input_stats && (mean.is_none() || var.is_none()) {
        fail!(Runtime, torch: ("Expected running_mean and running_var to be defined when use_input_stats is false"), expected: ("instance_norm: expected running statistics"), got: ("none"), fix: ("Pass them, or use the input's."));
    }
    extent(x, 0)?;
    extent(x, 1)?;
    let (n, c, s) = channels(x);
    check_channels("batch_norm", c, [("running_mean", mean), ("running_var", var), ("weight", gamma), ("bias", beta)])?;
    if mean.is_none() && var.is_none() {
        check_affine("instance_norm", x, &[gamma, beta])?;
        return group_norm(&super::copy::contiguous(x)?, c as i64, gamma, beta, eps);
    }
    let repeat = |t: Option<&Tensor>| -> Result<Option<Tensor>> {
        t.map(|t| super::view::expand_to(&super::view::unsqueeze(t, 0)?, &[n, c])?.reshape_to(&[n * c])).transpose()
    };
    // Copies of the running statistics for every sample, averaged afterwards.
    let copies = no_grad(|| -> Result<_> { Ok((repeat(mean)?, repeat(var)?)) })?;
    let (w, b) = (repeat(gamma)?, repeat(beta)?);
    let flat = x.reshape_to(&[1, n * c, s])?;
    let [y, ..] =
        batch(&flat, w.as_ref(), b.as_ref(), (copies.0.as_ref(), copies.1.as_ref()), use_input_stats, momentum, eps)?;
    if use_input_stats {
        for (own, copy) in [(mean, copies.0), (var, copies.1)] {
            if let (Some(own), Some(copy)) = (own, copy) {
                let average = no_grad(|| super::reduce::mean(&copy.reshape_to(&[n, c])?, Some(&[0]), false, None))?;
                dispatch::copy(&average, own);
                own.bump_version();
            }
        }
    }
    y.reshape_to(x.shape())
}

ops! {
    /// Normalises each channel of each sample, then scales and shifts it.
    "instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool use_input_stats, float momentum, float eps, bool cudnn_enabled) -> Tensor" [f] => instance_norm(0, 1, 2, 3, 4, 5, 6, 7);
}
