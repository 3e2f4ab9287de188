//! CPU kernels: loops over raw memory that dispatch has checked. Nothing here knows tensors that require grad.

pub mod alloc;
pub mod dims;
pub mod index;
pub mod load;
pub mod parallel;
pub mod reduce;
pub mod scan;
pub mod simd;
pub mod sort;
#[cfg(test)]
mod agreement;
#[cfg(test)]
pub(crate) mod testing;
