//! Storage, layout, dtypes and the tensor handle: data structures that know no operation.

pub mod device;
pub mod dtype;
pub mod generator;
mod graveyard;
pub mod kept;
pub mod layout;
pub mod node;
pub mod philox;
pub mod promote;
pub mod scalar;
pub mod sparse;
pub mod storage;
pub mod strided;
#[allow(clippy::module_inception, reason = "the handle has the module's name")]
pub mod tensor;

pub use device::Device;
pub use dtype::{Bool8, Category, DType, Element};
pub use generator::{Generator, default_generator, default_gpu_generator};
pub use layout::{MemoryFormat, Shape, Strides};
pub use node::{Edge, Grads, Node, OutMeta, Part, Vjp};
pub use scalar::Scalar;
pub use storage::{Buffer, Storage};
pub use strided::Strided;
pub use tensor::{Tensor, Version};
