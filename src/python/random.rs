//! `torch.Generator` and the default generator.

use super::tensor::{PyTensor, wrap};
use crate::dispatch;
use crate::tensor::{DType, Device, Generator, default_generator, default_gpu_generator};
use pyo3::exceptions::{PyAssertionError, PyNotImplementedError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

/// A stream of random numbers: on the CPU torch's mt19937, bit for bit; on the GPU Philox4x32-10.
#[pyclass(name = "Generator", module = "rustorch", frozen, weakref, subclass)]
pub(super) struct PyGenerator {
    generator: Generator,
}

/// The generator inside a Python object.
pub(super) fn generator_of(obj: &Bound<'_, PyAny>) -> Option<Generator> {
    obj.cast::<PyGenerator>().ok().map(|g| g.get().generator.clone())
}

#[pymethods]
impl PyGenerator {
    #[new]
    #[pyo3(signature = (device=None))]
    fn new(device: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let generator = match device.filter(|d| !d.is_none()) {
            None => Some(Generator::new()),
            // A device that does not exist here has no generator either.
            Some(d) => match super::data::device_arg(d) {
                Ok(d) => Generator::of(d),
                Err(e)
                    if e.is_instance_of::<PyAssertionError>(d.py())
                        || e.is_instance_of::<PyNotImplementedError>(d.py()) =>
                {
                    None
                }
                Err(e) => return Err(e),
            },
        };
        generator.map(|generator| PyGenerator { generator }).ok_or_else(|| {
            PyRuntimeError::new_err(
                "Generator: expected device 'cpu' or 'gpu', but got another. Random numbers of other devices need their backend.",
            )
        })
    }
    fn manual_seed<'py>(slf: Bound<'py, Self>, seed: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let value: i128 = seed.extract().map_err(|_| {
            PyRuntimeError::new_err(format!("manual_seed expected a long, but got {}", super::args::type_name(seed)))
        })?;
        if value < i64::MIN as i128 || value > u64::MAX as i128 {
            return Err(pyo3::exceptions::PyValueError::new_err(format!(
                "Overflow when unpacking long long\n  manual_seed: expected a seed from -2^63 to 2^64 - 1, but got {value}. Use a smaller number."
            )));
        }
        slf.get().generator.manual_seed(value as u64);
        Ok(slf)
    }
    fn initial_seed(&self) -> u64 {
        self.generator.initial_seed()
    }
    fn seed(&self) -> u64 {
        self.generator.seed()
    }
    #[getter]
    fn device(&self) -> super::types::PyDevice {
        super::types::PyDevice::of(self.generator.device())
    }
    fn get_state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let bytes = self.generator.get_state();
        let t = dispatch::empty(&[bytes.len()], DType::U8, Device::Cpu)?;
        // SAFETY: a fresh contiguous tensor of as many bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), t.ptr(), bytes.len()) };
        wrap(py, t)
    }
    fn set_state<'py>(slf: Bound<'py, Self>, state: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let Ok(state) = state.cast::<PyTensor>() else {
            return Err(PyTypeError::new_err(format!(
                "expected a torch.ByteTensor, but got {}",
                super::args::type_name(state)
            )));
        };
        let t = state.get().tensor();
        if t.dtype() != DType::U8 || t.device() != Device::Cpu {
            return Err(PyTypeError::new_err("RNG state must be a torch.ByteTensor"));
        }
        let t = crate::ops::copy::contiguous(&t)?;
        // SAFETY: a contiguous tensor of bytes.
        let bytes = unsafe { std::slice::from_raw_parts(t.ptr(), t.numel()) };
        slf.get().generator.set_state(bytes)?;
        Ok(slf)
    }
    fn clone_state(&self) -> Self {
        PyGenerator { generator: self.generator.clone_state() }
    }
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Py<PyAny>,))> {
        let py = slf.py();
        Ok((py.import("rustorch.random")?.getattr("_generator_from")?, (slf.get().get_state(py)?,)))
    }
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyGenerator>()?;
    crate::dispatch::watch_forks();
    m.add("_gpu_generator", PyGenerator { generator: default_gpu_generator().clone() })?;
    m.add("default_generator", PyGenerator { generator: default_generator().clone() })
}
