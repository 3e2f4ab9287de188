//! CPU kernels: loops over raw memory that dispatch has checked. Nothing here knows tensors that require grad.

pub mod alloc;
pub mod parallel;
pub mod pointwise;
pub mod simd;
