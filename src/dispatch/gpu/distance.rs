//! Distances between rows.

use super::{Launch, done};
use crate::error::{no_gpu_kernel, stop};
use crate::tensor::{DType, Tensor};

/// p-norm distances between the rows of the dense batches `x` (.., r1, m) and `y` (.., r2, m).
pub fn cdist(x: &Tensor, y: &Tensor, p: f64, out: &Tensor) {
    if x.dtype() != DType::F32 {
        stop(no_gpu_kernel());
    }
    let (term, join, finish) = match p {
        0.0 => ("select(1.0, 0.0, d == 0.0)", "a + b", "a"),
        1.0 => ("d", "a + b", "a"),
        2.0 => ("d * d", "a + b", "sqrt(a)"),
        f64::INFINITY => ("d", "maximum(a, b)", "a"),
        _ => ("power(d, params.p)", "a + b", "power(a, 1.0 / params.p)"),
    };
    let last = out.ndim() - 1;
    let call = Launch::new("distance").text("TERM", term).text("JOIN", join).text("FINISH", finish);
    let call = call.read(x).read(y).write(out).words([out.numel(), out.size(last - 1), out.size(last), x.size(last)]);
    done(call.float(p).over(out.numel()));
}
