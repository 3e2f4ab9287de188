//! CPU kernels: loops over raw memory that dispatch has checked. Nothing here knows tensors that require grad.

pub mod alloc;
pub mod create;
pub mod dims;
pub mod index;
pub mod load;
pub mod matmul;
pub mod overlap;
pub mod parallel;
pub mod pointwise;
pub mod random;
pub mod reduce;
pub mod scan;
pub mod simd;
pub mod sort;
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
mod agreement;
#[cfg(test)]
pub(crate) mod testing;
