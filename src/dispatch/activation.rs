//! Activations that draw random numbers.

use crate::cpu::random;
use crate::tensor::{Generator, Tensor};

/// Randomised leaky ReLU: `y = x * noise`, the noise drawn from `[lower, upper)` where x is not positive, else 1.
pub fn rrelu(x: &Tensor, y: &Tensor, noise: &Tensor, (lower, upper): (f64, f64), generator: &Generator) {
    if y.is_meta() || y.numel() == 0 {
    } else if y.is_gpu() {
        super::gpu::random::rrelu(x, y, noise, (lower, upper), generator);
    } else {
        random::rrelu(&x.strided(), &y.strided(), &noise.strided(), lower, upper, generator);
    }
}
