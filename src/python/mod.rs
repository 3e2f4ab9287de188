//! The extension module `rustorch._C`: PyO3 classes and the functions that the table of operations generates.

mod args;
mod attributes;
mod autograd;
mod collect;
mod convert;
mod data;
mod deprecated;
mod dlpack;
mod errors;
mod fallback;
mod function;
mod gpu;
mod gradient;
mod guard;
mod hooks;
mod identity;
mod indexing;
mod interop;
mod number;
mod overrides;
mod parse_to;
mod random;
mod register;
mod slots;
mod sparse;
mod storage;
mod swap;
mod tensor;
mod types;

use pyo3::prelude::*;

/// The module. It needs no GIL: all shared state is behind locks or atomics.
#[pymodule(gil_used = false)]
#[pyo3(name = "_C")]
fn extension(m: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::ops::init();
    errors::register(m)?;
    types::register(m)?;
    tensor::register(m)?;
    register::register(m)?;
    slots::install(m)?;
    sparse::register(m)?;
    autograd::register(m)?;
    function::register(m)?;
    hooks::register(m)?;
    interop::register(m)?;
    random::register(m)?;
    data::register(m)?;
    dlpack::register(m)?;
    storage::register(m)?;
    swap::register(m)?;
    overrides::register(m)?;
    parse_to::register(m)?;
    attributes::register(m)?;
    gpu::register(m)?;
    guard::install(m)?;
    Ok(())
}
