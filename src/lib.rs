//! rustorch: tensors, CPU kernels and reverse-mode autograd, with PyTorch's names.
//!
//! The road through the crate is one-way: `python -> ops -> dispatch -> cpu | gpu -> tensor`;
//! CONTRIBUTING.md draws it and `tests/test_layering.py` checks it.

pub mod autograd;
pub mod config;
pub mod cpu;
pub mod dispatch;
pub mod error;
#[cfg(feature = "gpu")]
pub mod gpu;
mod heap;
pub mod ops;
#[cfg(feature = "python")]
mod python;
pub mod schema;
pub mod tensor;
