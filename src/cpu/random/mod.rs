//! Random fillers: the same bits as torch 2.13 on x86-64 with AVX2, for the same seed.
//!
//! Draws are made one after the other from the generator's stream, in the order that [`order`] gives; what turns
//! words into elements is vectorised and, where it is dear, spread over threads. No result depends on their number.
//!
//! Each function locks its generator once. Outputs are writable and do not overlap themselves; dispatch has checked
//! dtypes and parameters. torch's double-precision functions are the C library's, and so are ours.

mod bernoulli;
mod cast;
mod continuous;
mod integer;
mod multinomial;
mod normal;
mod order;
mod rejection;
mod words;

pub use bernoulli::{bernoulli, bernoulli_tensor, dropout, rrelu};
pub use continuous::{cauchy, exponential, geometric, uniform};
pub use integer::{IntRange, int_range, random, random_full, randperm};
pub use multinomial::multinomial_with_replacement;
pub use normal::{log_normal, normal};
pub use rejection::{binomial, dirichlet_normalize, poisson, standard_gamma};
