//! What `rustorch.gpu` is made of.

use pyo3::prelude::*;

#[cfg(feature = "gpu")]
mod on {
    use super::super::tensor::PyTensor;
    use crate::error::{Kind, Result, three_parts};
    use crate::gpu::{self, Arg, Block, Custom};
    use crate::tensor::Tensor;
    use pyo3::prelude::*;
    use pyo3::types::{PyBytes, PyDict, PyList};

    /// Is there a GPU that works?
    #[pyfunction]
    fn _gpu_is_available(py: Python<'_>) -> bool {
        py.detach(gpu::is_available)
    }

    fn described<'py>(py: Python<'py>, a: &gpu::AdapterInfo) -> PyResult<Bound<'py, PyDict>> {
        let d = PyDict::new(py);
        d.set_item("name", &a.name)?;
        d.set_item("kind", a.kind)?;
        d.set_item("backend", &a.backend)?;
        d.set_item("driver", &a.driver)?;
        d.set_item("max_binding", a.max_binding)?;
        d.set_item("software", a.is_software)?;
        Ok(d)
    }

    /// Every adapter that the drivers know.
    #[pyfunction]
    fn _gpu_adapters(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
        let found = py.detach(gpu::adapters);
        PyList::new(py, found.iter().map(|a| described(py, a)).collect::<PyResult<Vec<_>>>()?)
    }

    /// The adapter in use and what its kernels may use.
    #[pyfunction]
    fn _gpu_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let gpu = py.detach(gpu::gpu)?;
        let (d, caps) = (described(py, gpu.info())?, gpu.caps());
        d.set_item("f16", caps.f16)?;
        d.set_item("i64", caps.i64)?;
        d.set_item("subgroup", caps.subgroup)?;
        d.set_item("timestamps", caps.timestamps)?;
        d.set_item("immediates", caps.immediates)?;
        d.set_item("max_buffer", caps.max_buffer)?;
        Ok(d)
    }

    #[pyfunction]
    fn _gpu_synchronize(py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| gpu::gpu()?.synchronize())?)
    }

    #[pyfunction]
    fn _gpu_empty_cache(py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| gpu::gpu()?.empty_cache())?)
    }

    /// Allocated, reserved, the peaks of both, and the limit, in bytes.
    #[pyfunction]
    fn _gpu_memory_stats(py: Python<'_>) -> PyResult<[u64; 5]> {
        let s = py.detach(|| gpu::gpu().map(|g| g.memory_stats()))?;
        Ok([s.allocated, s.reserved, s.peak_allocated, s.peak_reserved, s.limit])
    }

    #[pyfunction]
    fn _gpu_reset_peaks(py: Python<'_>) -> PyResult<()> {
        py.detach(|| gpu::gpu().map(|g| g.reset_peaks()))?;
        Ok(())
    }

    #[pyfunction]
    fn _gpu_set_memory_limit(py: Python<'_>, nbytes: u64) -> PyResult<()> {
        py.detach(|| gpu::gpu().map(|g| g.set_memory_limit(nbytes)))?;
        Ok(())
    }

    #[pyfunction]
    fn _gpu_reset(py: Python<'_>) {
        py.detach(gpu::reset);
    }

    /// Loses the device, for tests of what follows.
    #[pyfunction]
    fn _gpu_destroy(py: Python<'_>) -> PyResult<()> {
        py.detach(|| gpu::gpu().map(|g| g.destroy()))?;
        Ok(())
    }

    fn block(t: &Tensor) -> Result<&Block> {
        let found = t.storage().remote().and_then(|r| r.downcast_ref::<Block>());
        found.ok_or_else(|| {
            three_parts(
                Kind::Runtime,
                None,
                "kernel: expected tensors on the GPU".to_owned(),
                format!("one on {}", t.device()),
                "Move it with .gpu().".to_owned(),
            )
        })
    }

    /// Runs WGSL of a user on tensors, each with whether it is written.
    #[pyfunction]
    #[pyo3(signature = (name, source, fields, entry, tensors, params, groups))]
    fn _gpu_run_kernel(
        py: Python<'_>,
        name: &str,
        source: &str,
        fields: &str,
        entry: &str,
        tensors: Vec<(Bound<'_, PyTensor>, bool)>,
        params: Vec<u32>,
        groups: [u32; 3],
    ) -> PyResult<()> {
        let tensors: Vec<(Tensor, bool)> = tensors.iter().map(|(t, w)| (t.get().tensor(), *w)).collect();
        py.detach(|| {
            let args = tensors
                .iter()
                .map(|(t, w)| Ok((Arg { block: block(t)?, dtype: t.dtype(), offset: t.offset() }, *w)))
                .collect::<Result<Vec<_>>>()?;
            gpu::gpu()?.run(&Custom { name, source, fields, entry, args: &args, params: &params, groups })?;
            tensors.iter().filter(|(_, written)| *written).for_each(|(t, _)| t.bump_version());
            Ok::<(), crate::error::Error>(())
        })?;
        Ok(())
    }

    /// Begins to keep calls of kernels with all that they read, or gives those that were kept and ends; for tests.
    #[pyfunction]
    fn _gpu_capture(py: Python<'_>, on: bool) -> PyResult<Bound<'_, PyList>> {
        let calls = py.detach(|| gpu::gpu()?.capture(on))?;
        let list = PyList::empty(py);
        for c in &calls {
            let d = PyDict::new(py);
            d.set_item("kernel", c.kernel)?;
            d.set_item("source", &c.source)?;
            let bindings = c.bindings.iter().map(|(id, written, bytes)| (*id, *written, PyBytes::new(py, bytes)));
            d.set_item("bindings", bindings.collect::<Vec<_>>())?;
            d.set_item("params", &c.params)?;
            d.set_item("groups", c.groups)?;
            list.append(d)?;
        }
        Ok(list)
    }

    /// The number of a tensor's buffer, as captured calls name it.
    #[pyfunction]
    fn _gpu_buffer_id(t: &Bound<'_, PyTensor>) -> PyResult<u64> {
        Ok(block(&t.get().tensor())?.id())
    }

    /// Begins to take the time of kernels, or gives the times in nanoseconds that were taken and ends.
    #[pyfunction]
    fn _gpu_profile(py: Python<'_>, on: bool) -> PyResult<Vec<(&'static str, f64)>> {
        let times = py.detach(|| gpu::gpu()?.profile(on))?;
        Ok(times.iter().map(|t| (t.kernel, t.nanoseconds)).collect())
    }

    /// Turns the fusion of pointwise operations on or off, and says what it was.
    #[pyfunction]
    fn _gpu_set_fusion(py: Python<'_>, on: bool) -> PyResult<bool> {
        Ok(py.detach(|| gpu::gpu()?.set_fusion(on))?)
    }

    /// The kernels that there are shaders for.
    #[pyfunction]
    fn _gpu_kernels() -> Vec<&'static str> {
        gpu::kernels()
    }

    /// How often each operation ran on the CPU for lack of a kernel.
    #[pyfunction]
    fn _gpu_fallback_stats() -> std::collections::BTreeMap<String, u64> {
        crate::python::fallback::stats()
    }

    pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
        m.add_function(wrap_pyfunction!(_gpu_is_available, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_adapters, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_info, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_synchronize, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_empty_cache, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_memory_stats, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_reset_peaks, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_set_memory_limit, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_reset, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_fallback_stats, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_run_kernel, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_capture, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_buffer_id, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_kernels, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_set_fusion, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_profile, m)?)?;
        m.add_function(wrap_pyfunction!(_gpu_destroy, m)?)
    }
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("_has_gpu_backend", cfg!(feature = "gpu"))?;
    #[cfg(feature = "gpu")]
    on::register(m)?;
    Ok(())
}
