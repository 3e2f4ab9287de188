//! Reductions over any set of dims.
#![allow(clippy::needless_range_loop, reason = "loops over lanes are written by index so that they vectorise alike")]

mod arg;
mod columns;
mod fold;
mod kinds;
mod lse;
mod var;

#[cfg(test)]
mod tests;

pub use arg::{Extreme, arg_reduce};
pub use kinds::{Reduce, aminmax, reduce};
pub use lse::logsumexp;
pub use var::var_mean;
