//! Fused optimizer steps over lists of parameters.

use super::with_float;
use crate::cpu::optim::{self, Param};
use crate::tensor::{DType, Scalar, Tensor};

pub use crate::cpu::optim::{Adagrad, Adam, RmsProp, Sgd};

/// The tensors of a step. Operations have checked that those of one parameter are dense, have one layout and one dtype,
/// f32 or f64, and that none overlaps another.
pub struct Group<'a> {
    /// The parameters, which the step writes.
    pub params: &'a [Tensor],
    /// Their gradients.
    pub grads: &'a [Tensor],
    /// State that the step writes: one list per kind, empty where the settings exclude it.
    pub state: [&'a [Tensor]; 3],
    /// What differs between parameters because their step counts do; may be empty.
    pub factors: &'a [[f64; 2]],
}

impl Group<'_> {
    fn dtype(&self) -> DType {
        self.params.first().map_or(DType::F32, Tensor::dtype)
    }

    fn streams<F>(&self) -> Vec<Param<F>> {
        let at = |list: &[Tensor], i: usize| list.get(i).map_or(std::ptr::null_mut(), |t| t.ptr().cast());
        (0..self.params.len())
            .map(|i| Param {
                param: self.params[i].ptr().cast(),
                grad: self.grads[i].ptr().cast(),
                state: self.state.map(|list| at(list, i)),
                n: self.params[i].numel(),
                factors: self.factors.get(i).copied().unwrap_or_default(),
                first: false,
            })
            .collect()
    }
}

macro_rules! steps {
    ($($(#[doc = $doc:literal])+ $name:ident($settings:ident);)+) => { $(
        $(#[doc = $doc])+
        pub fn $name(o: &$settings, g: &Group) {
            if g.params.first().is_some_and(Tensor::is_gpu) {
                return super::gpu::optim::$name(o, g);
            }
            with_float!(g.dtype(), F => {
                // SAFETY: the streams have their parameter's elements, are dense and do not overlap.
                unsafe { optim::$name::<F>(o, &g.streams()) }
            });
        }
    )+ };
}
steps! {
    /// Stochastic gradient descent. State: the momentum buffers.
    sgd(Sgd);
    /// Adam and AdamW. State: first and second moments, largest second moments.
    adam(Adam);
    /// RMSprop. State: mean squares, mean gradients, momentum buffers.
    rmsprop(RmsProp);
    /// Adagrad. State: sums of squares.
    adagrad(Adagrad);
}

/// Adds 1 to a step count and gives the new one.
pub fn count_step(step: &Tensor) -> f64 {
    // SAFETY: operations have checked that it is a 0-d CPU tensor of a float dtype.
    let n = unsafe { Scalar::read(step.ptr(), step.dtype()) }.f64() + 1.0;
    super::fill(step, Scalar::Float(n));
    n
}
