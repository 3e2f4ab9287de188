//! Storage, layout, dtypes and the tensor handle: data structures that know no operation.

pub mod dtype;
pub mod generator;
pub mod strided;

pub use dtype::{Bool8, DType, Element};
pub use generator::{Generator, default_generator};
pub use strided::Strided;
