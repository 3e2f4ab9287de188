//! CPU kernels: loops over raw memory that dispatch has checked. Nothing here knows tensors that require grad.

pub mod alloc;
pub mod create;
pub mod dims;
pub mod distance;
pub mod index;
pub mod load;
pub mod matmul;
pub mod overlap;
pub mod parallel;
pub mod pointwise;
pub mod random;
pub mod recur;
pub mod reduce;
pub mod scan;
pub mod simd;
pub mod sort;
#[cfg(test)]
pub(crate) mod testing;
