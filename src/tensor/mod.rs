//! Storage, layout, dtypes and the tensor handle: data structures that know no operation.

pub mod dtype;
pub mod strided;

pub use dtype::{Bool8, DType, Element};
pub use strided::Strided;
