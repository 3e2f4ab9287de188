//! Softmax over the middle of (outer, dim, inner), and its gradient.

use super::{Launch, done};
use crate::tensor::Tensor;

/// Lines of at most this many elements have one invocation each.
const SHORT: usize = 32;
/// So many lines are enough to have an invocation each, where neighbours in memory are of different lines.
const MANY: usize = 1024;

fn run(call: Launch, (outer, dim, inner): (usize, usize, usize), log: bool) {
    let lanes = dim <= SHORT || (inner > 1 && outer * inner >= MANY);
    let call = call.when("LOG", log).when("LANES", lanes).words([outer, dim, inner]);
    done(if lanes { call.over(outer * inner) } else { call.groups(outer * inner) });
}

/// The softmax of `x`, or its logarithm.
pub fn forward(x: &Tensor, y: &Tensor, dims: (usize, usize, usize), log: bool) {
    run(Launch::new("softmax").read(x).write(y), dims, log);
}

/// The gradient of [`forward`] from its output and the output's gradient.
pub fn backward(g: &Tensor, y: &Tensor, dx: &Tensor, dims: (usize, usize, usize), log: bool) {
    run(Launch::new("softmax").when("BACKWARD", true).read(g).read(y).write(dx), dims, log);
}
