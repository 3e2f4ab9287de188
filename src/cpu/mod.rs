//! CPU kernels: loops over raw memory that dispatch has checked. Nothing here knows tensors that require grad.

pub mod affine;
#[cfg(test)]
mod agreement;
pub mod alloc;
pub mod attention;
#[cfg(test)]
pub(crate) mod checks;
pub mod conv;
pub mod create;
pub mod cross;
pub mod ctc;
pub mod dims;
pub mod distance;
pub mod fft;
pub mod float;
pub mod grid;
pub mod index;
pub mod join;
pub mod linalg;
pub mod load;
pub mod loss;
pub mod margin;
pub mod matmul;
pub mod norm;
pub mod optim;
pub mod overlap;
pub mod parallel;
pub mod pointwise;
pub mod pool;
pub mod random;
pub mod recur;
pub mod recurrent;
pub mod reduce;
pub mod resample;
pub mod scan;
pub mod simd;
pub mod softmax;
pub mod sort;
#[cfg(test)]
pub(crate) mod testing;
