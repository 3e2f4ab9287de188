//! Without the feature `gpu`: everything says so. No tensor is on a GPU, so that no call of a kernel comes here.

use super::super::{Fun, Params};
use crate::error::Result;
use crate::error::{Error, Kind, no_gpu_kernel, stop};
use crate::tensor::Storage;
use crate::tensor::{DType, Scalar, Tensor};

#[cold]
fn absent() -> Error {
    Error::new(
        Kind::Runtime,
        "gpu: expected a build with GPU support, but got one without. Build with the feature `gpu`.",
    )
}

/// There is no GPU.
pub fn check_dtype(_: DType) -> Result<()> {
    Err(absent())
}

/// There is no GPU.
pub fn storage(_: usize, _: bool) -> Result<Storage> {
    Err(absent())
}

/// There is no GPU.
pub fn copy(_: &Tensor, _: &Tensor) {
    stop(no_gpu_kernel())
}

/// There is no GPU.
pub fn fill(_: &Tensor, _: Scalar) {
    stop(no_gpu_kernel())
}

/// There is no GPU.
pub fn reduce(_: super::super::reduce::Reduce, _: &Tensor, _: &Tensor, _: &[usize], _: f64) {
    stop(no_gpu_kernel())
}

/// A tensor and its strides.
pub type Matrices<'a> = (&'a Tensor, (isize, isize, isize));

/// There is no GPU.
pub fn matmul(
    _: usize,
    _: (usize, usize, usize),
    _: (Matrices, Matrices, Matrices),
    _: (super::super::matmul::Factor, super::super::matmul::Factor),
    _: Option<&Tensor>,
) {
    stop(no_gpu_kernel())
}

/// There is no GPU.
pub fn pointwise(_: Fun, _: DType, _: &[&Tensor], _: &Tensor, _: &Params) {
    stop(no_gpu_kernel())
}

/// A tensor of a call.
pub struct Arg;

impl From<&Tensor> for Arg {
    fn from(_: &Tensor) -> Self {
        Arg
    }
}

/// What kernels look for in their data.
pub enum Check {
    /// Indices within a dim.
    Index,
    /// Targets that are classes.
    Target,
    /// Probabilities within 0 and 1.
    Probability,
    /// Rows of weights with a positive, finite sum.
    Weights,
    /// Bags of indices that name rows, from offsets that rise.
    Bags,
    /// Rates that are finite and at least 0.
    Rates,
}

/// A call of a kernel.
pub struct Launch<'a>(std::marker::PhantomData<&'a ()>);

macro_rules! steps {
    ($($name:ident($($t:ty),*);)+) => { $(
        #[allow(missing_docs, reason = "as with the feature")]
        pub fn $name(self, $(_: $t),*) -> Self {
            self
        }
    )+ };
}

impl Launch<'_> {
    #[allow(missing_docs, reason = "as with the feature")]
    pub fn new(_: &'static str) -> Self {
        Launch(std::marker::PhantomData)
    }

    steps! {
        when(&'static str, bool);
        text(&'static str, &'static str);
        constant(&'static str, u32);
        load(&'static str, DType, &'static str, &'static str);
        read(impl Into<Arg>);
        read_some(Option<impl Into<Arg>>);
        write(impl Into<Arg>);
        write_some(Option<impl Into<Arg>>);
        checks(Check);
        word(usize);
        words(impl IntoIterator<Item = usize>);
        ints(impl IntoIterator<Item = isize>);
        float(f64);
    }

    #[allow(missing_docs, reason = "as with the feature")]
    pub fn over(self, _: usize) -> Result<()> {
        Err(absent())
    }

    #[allow(missing_docs, reason = "as with the feature")]
    pub fn groups(self, _: usize) -> Result<()> {
        Err(absent())
    }

    #[allow(missing_docs, reason = "as with the feature")]
    pub fn groups_of(self, _: usize, _: usize) -> Result<()> {
        Err(absent())
    }
}
