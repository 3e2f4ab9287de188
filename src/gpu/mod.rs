//! The GPU backend: compute shaders in WGSL that wgpu runs on Vulkan, Metal and DX12.
//!
//! The road of one kernel: a host file (`pointwise`, ...) writes its parameters and names its buffers; `pipeline` gives
//! the compiled shader for that kernel and specialisation; `stream` records the dispatch behind all commands before it and
//! submits them in batches; reads wait. `memory` gives out buffers and takes them back at once: since commands run in
//! order, what is recorded later may use a buffer that an earlier command still reads.
//!
//! All of wgpu stays inside of this module. A device that is lost, or out of memory, gives errors, never a panic.
//!
//! # Determinism
//! Kernels sum in an order that the shape decides, and no kernel adds floats atomically.

mod adapter;
mod cache;
mod context;
mod copy;
mod custom;
mod element;
mod fault;
mod fuse;
mod launch;
mod matmul;
mod memory;
mod pipeline;
mod pointwise;
mod profile;
mod reduce;
mod stream;
#[cfg(test)]
mod tests;

pub use adapter::{AdapterInfo, adapters};
pub use context::{Gpu, gpu, is_available, reset};
pub use custom::Custom;
pub use element::has_storage;
pub use fault::Check;
pub use launch::{Arg, Launch};
pub use matmul::{Matrix, Product};
pub use memory::{Block, Stats};
pub use pipeline::kernels;
pub use pointwise::{Call, Input, Operand};
pub use profile::Timing;
pub use reduce::Reduction;
pub use stream::Captured;
