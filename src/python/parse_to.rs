//! The arguments of `Module.to` and of the other Python-written methods that take what `Tensor.to` takes.

use super::args::{Call, bind, refuse};
use super::types::{PyDevice, dtype_object};
use crate::schema::{Args, Schema, parse};
use crate::tensor::{DType, Device, Tensor};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use std::sync::LazyLock;

static FORMS: LazyLock<[Schema; 3]> = LazyLock::new(|| {
    [
        "to(Device? device=None, ScalarType? dtype=None, bool non_blocking=False, bool copy=False, *, MemoryFormat? memory_format=None)",
        "to(ScalarType dtype, bool non_blocking=False, bool copy=False, *, MemoryFormat? memory_format=None)",
        "to(Tensor tensor, bool non_blocking=False, bool copy=False, *, MemoryFormat? memory_format=None)",
    ]
    .map(parse)
});

/// What one form of `to` says: (device, dtype, non_blocking, copy).
fn read(form: usize, args: &Args) -> crate::error::Result<(Option<Device>, Option<DType>, bool, bool)> {
    Ok(match form {
        0 => (args.get(0)?, args.get(1)?, args.get(2)?, args.get(3)?),
        1 => (None, args.get(0)?, args.get(1)?, args.get(2)?),
        _ => {
            let like: &Tensor = args.get(0)?;
            (Some(like.device()), Some(like.dtype()), args.get(1)?, args.get(2)?)
        }
    })
}

type Parsed<'py> = (Option<PyDevice>, Option<Bound<'py, PyAny>>, bool, Option<Bound<'py, PyAny>>);

/// `(device, dtype, non_blocking, memory_format)` of a call of `to` in any of its three forms.
#[pyfunction]
#[pyo3(signature = (*args, **kwargs))]
fn _parse_to<'py>(args: &Bound<'py, PyTuple>, kwargs: Option<&Bound<'py, PyDict>>) -> PyResult<Parsed<'py>> {
    let py = args.py();
    let mut call = Call { positional: args.iter().collect(), keywords: Default::default() };
    for (name, value) in kwargs.into_iter().flat_map(|k| k.iter()) {
        call.keywords.push((name.cast_into::<PyString>()?, value));
    }
    let mut misfits = Vec::new();
    for (form, schema) in FORMS.iter().enumerate() {
        let bound = match bind(schema, &call, false) {
            Ok(bound) => bound,
            Err(misfit) => {
                misfits.push(misfit);
                continue;
            }
        };
        let (device, dtype, non_blocking, copy) = read(form, &bound)?;
        if copy {
            return Err(PyRuntimeError::new_err(
                ".to() does not accept copy argument\n  to: expected no copy, as a module is converted in place, but got copy=True. Write copy.deepcopy(module).to(...).",
            ));
        }
        let format = call.take("memory_format").filter(|f| !f.is_none());
        let dtype = dtype.map(|d| dtype_object(py, d).into_bound(py).into_any());
        return Ok((device.map(PyDevice::of), dtype, non_blocking, format));
    }
    Err(refuse("to", &FORMS.each_ref(), &call, false, misfits, false))
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.getattr("_nn")?.cast::<PyModule>()?.add_function(wrap_pyfunction!(_parse_to, m)?)
}
