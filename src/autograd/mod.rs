//! Reverse-mode differentiation: modes, recording, saved tensors and the engine. Knows no operation by name.

pub mod accumulate;
pub mod engine;
pub mod history;
pub mod mode;
pub mod plan;
pub mod record;
pub mod saved;

pub use engine::{Backward, EngineOps, install};
pub use history::{grad_fn, gradient_edge};
pub use mode::{grad_enabled, no_grad};
pub use record::{Ctx, Saver, Slot, named, needs_grad, record, record_many};
