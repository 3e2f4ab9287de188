//! Softmax and its logarithm.

use super::copy::to_dtype;
use super::kernel::{around, cast, float_kernel, operand};
use crate::autograd::record;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::{DType, Tensor};

/// torch's name for the kernel.
fn name(log: bool, last: bool) -> &'static str {
    match (log, last) {
        (true, true) => "log_softmax_lastdim_kernel_impl",
        (true, false) => "log_softmax_kernel_impl",
        (false, true) => "softmax_lastdim_kernel_impl",
        (false, false) => "softmax_kernel_impl",
    }
}

/// `exp(x) / sum(exp(x))` along `dim`, or its logarithm.
pub fn run(x: &Tensor, dim: i64, dtype: Option<DType>, log: bool) -> Result<Tensor> {
    let x = &match dtype {
        Some(d) => to_dtype(x, d)?,
        None => x.clone(),
    };
    let dim = x.wrap_dim(dim)?;
    let compute = float_kernel(name(log, dim + 1 >= x.ndim()), x.dtype())?;
    let y = dispatch::empty(x.shape(), compute, x.device())?;
    dispatch::softmax::forward(&operand(x, compute)?, &y, around(x, dim), log);
    let y = cast(y, x.dtype())?;
    record(y, if log { "LogSoftmaxBackward0" } else { "SoftmaxBackward0" }, &[x], |s| {
        let y = s.output(0);
        move |c, g| grads![backward(g, &c.get(y)?, dim, log)?]
    })
}

/// The gradient from the output y: `y * (g - sum(g * y))`, or `g - exp(y) * sum(g)` for the logarithm.
fn backward(g: &Tensor, y: &Tensor, dim: usize, log: bool) -> Result<Tensor> {
    let compute = float_kernel(name(log, true), y.dtype())?;
    let dx = dispatch::empty(y.shape(), compute, y.device())?;
    dispatch::softmax::backward(&operand(g, compute)?, &operand(y, compute)?, &dx, around(y, dim), log);
    let dx = cast(dx, y.dtype())?;
    record(dx, if log { "LogSoftmaxBackwardDataBackward0" } else { "SoftmaxBackwardDataBackward0" }, &[g, y], |s| {
        let (g, y) = (s.input(g), s.input(y));
        move |c, h| {
            let (g, y) = (c.get(g)?, c.get(y)?);
            let total = |t: &Tensor| if t.ndim() == 0 { Ok(t.clone()) } else { t.sum_dims(&[dim as i64], true) };
            if log {
                let p = y.exp()?;
                let along = total(&h.mul(&p)?)?;
                grads![c.when(0, || h.sub(&along))?, c.when(1, || h.mul(&p)?.mul(&total(&g)?)?.neg())?]
            } else {
                let along = total(&h.mul(&y)?)?;
                grads![
                    c.when(0, || h.sub(&along)?.mul(&y))?,
                    c.when(1, || h.mul(&g.sub(&total(&g.mul(&y)?)?)?)?.sub(&g.mul(&along)?))?
                ]
            }
        }
    })
}

/// `exp(x) / sum(exp(x))` along `dim`.
pub fn softmax(x: &Tensor, dim: i64, dtype: Option<DType>) -> Result<Tensor> {
    run(x, dim, dtype, false)
}

/// `log(softmax(x))` along `dim`, without overflow.
pub fn log_softmax(x: &Tensor, dim: i64, dtype: Option<DType>) -> Result<Tensor> {
    run(x, dim, dtype, true)
}

fn raw_softmax(x: &Tensor, dim: i64, half_to_float: bool) -> Result<Tensor> {
    softmax(x, dim, half_to_float.then_some(DType::F32))
}

fn raw_log_softmax(x: &Tensor, dim: i64, half_to_float: bool) -> Result<Tensor> {
    log_softmax(x, dim, half_to_float.then_some(DType::F32))
}

fn check_gradient(g: &Tensor, y: &Tensor, dtype: DType) -> Result<()> {
    if g.shape() != y.shape() || g.dtype() != y.dtype() {
        fail!(Runtime, torch: ("Expected tensor for argument #1 'grad' to have same size as tensor for argument #2 'output'; but {:?} does not equal {:?} (while checking arguments for softmax_backward)", g.shape(), y.shape()),
            expected: ("_softmax_backward_data: expected a gradient of the output's shape and dtype"), got: ("{} and {}", g.dtype().name(), y.dtype().name()), fix: ("Pass the gradient of this output."));
    }
    if !dtype.is_float() {
        fail!(Runtime, torch: ("expected input and grad types to match, or input to be at::Half and grad to be at::Float"), expected: ("_softmax_backward_data: expected a floating input_dtype"), got: ("{}", dtype.name()), fix: ("Pass the dtype of softmax's input."));
    }
    Ok(())
}

fn backward_data(g: &Tensor, y: &Tensor, dim: i64, dtype: DType) -> Result<Tensor> {
    check_gradient(g, y, dtype)?;
    to_dtype(&backward(g, y, y.wrap_dim(dim)?, false)?, dtype)
}

fn log_backward_data(g: &Tensor, y: &Tensor, dim: i64, dtype: DType) -> Result<Tensor> {
    check_gradient(g, y, dtype)?;
    to_dtype(&backward(g, y, y.wrap_dim(dim)?, true)?, dtype)
}

ops! {
    /// `exp(x) / sum(exp(x))` along `dim`; with `dtype` the input is converted first.
    "softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor" [f m o] => softmax(0, 1, 2);
    /// `log(softmax(x))` along `dim`, without overflow.
    "log_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor" [f m o] => log_softmax(0, 1, 2);
    /// `softmax`, as the dispatcher knows it.
    "_softmax(Tensor self, int dim, bool half_to_float) -> Tensor" [f o] => raw_softmax(0, 1, 2);
    /// `log_softmax`, as the dispatcher knows it.
    "_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor" [f o] => raw_log_softmax(0, 1, 2);
    /// The gradient of softmax from its output.
    "_softmax_backward_data(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype) -> Tensor" [f] => backward_data(0, 1, 2, 3);
    /// The gradient of log_softmax from its output.
    "_log_softmax_backward_data(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype) -> Tensor" [f] => log_backward_data(0, 1, 2, 3);
}
