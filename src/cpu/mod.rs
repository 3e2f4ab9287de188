//! CPU kernels: loops over raw memory that dispatch has checked. Nothing here knows tensors that require grad.

pub mod alloc;
pub mod conv;
pub mod float;
pub mod loss;
pub mod norm;
pub mod optim;
pub mod parallel;
pub mod pool;
pub mod simd;
pub mod softmax;
#[cfg(test)]
pub(crate) mod testing;
