//! What becomes of an operation that GPUs have no kernel for: an error that names the way out, or with
//! `RUSTORCH_GPU_FALLBACK=1` a run on the CPU, with copies, a warning and a count. Never a silent one.

use crate::config;
use crate::error::{Error, Kind, Result, caught};
use crate::ops::{copy, inplace};
use crate::schema::{Args, Dest, OpDef, Ret, Value};
use crate::tensor::{Device, MemoryFormat, Tensor};
use pyo3::exceptions::{PyNotImplementedError, PyUserWarning};
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// How often each operation ran on the CPU instead.
static COUNTS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

fn is_gpu(v: &Value) -> bool {
    match v {
        Value::Tensor(t) => t.is_gpu(),
        Value::Tensors(list) => list.iter().any(Tensor::is_gpu),
        Value::OptionalTensors(list) => list.iter().flatten().any(Tensor::is_gpu),
        Value::Device(d) => *d == Device::Gpu,
        _ => false,
    }
}

/// Did a call on the GPU fail for the lack of a kernel?
pub(super) fn applies(e: &Error, values: &[Value]) -> bool {
    e.is_for_lack_of_a_kernel() && values.iter().any(is_gpu)
}

/// The error of an operation without a kernel.
#[cold]
pub(super) fn refused(name: &str, e: Error, first: Option<&Tensor>) -> PyErr {
    if e.kind() != Kind::NoGpuKernel {
        return e.into();
    }
    let dtype = first.map_or(String::new(), |t| format!(" (dtype {})", t.dtype().name()));
    PyNotImplementedError::new_err(format!(
        "Could not run 'aten::{name}' on the GPU{dtype}: it has no kernel for it\n  {name}: {}",
        e.message()
    ))
}

/// A warning the first time that an operation runs on the CPU, and a count.
fn say(py: Python<'_>, name: &str) -> PyResult<()> {
    let mut counts = COUNTS.lock().unwrap_or_else(|e| e.into_inner());
    let count = counts.entry(name.to_owned()).or_insert(0);
    *count += 1;
    let first = *count == 1;
    drop(counts);
    if !first {
        return Ok(());
    }
    let text = format!(
        "{name} has no GPU kernel for these arguments and runs on the CPU, with copies both ways \
         (RUSTORCH_GPU_FALLBACK=1). rustorch.gpu.fallback_stats() counts such calls."
    );
    let text = std::ffi::CString::new(text).unwrap_or_default();
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 1)
}

/// The counts so far.
pub(super) fn stats() -> BTreeMap<String, u64> {
    COUNTS.lock().unwrap_or_else(|e| e.into_inner()).clone()
}

fn moved(t: &Tensor, to: Device) -> Result<Tensor> {
    if t.device() == to || t.is_meta() {
        return Ok(t.clone());
    }
    copy::to(t, None, Some(to), false, MemoryFormat::Preserve)
}

/// What is on the GPU, on the CPU; the copies, each with its original and its version.
type Copies = Vec<(Tensor, Tensor, u32)>;

fn to_cpu(t: &Tensor, copies: &mut Copies) -> Result<Tensor> {
    let here = moved(t, Device::Cpu)?;
    if t.is_gpu() {
        copies.push((t.clone(), here.clone(), here.version()));
    }
    Ok(here)
}

fn value_to_cpu(v: &Value, copies: &mut Copies) -> Result<Value> {
    Ok(match v {
        Value::Tensor(t) => Value::Tensor(to_cpu(t, copies)?),
        Value::Tensors(list) => Value::Tensors(list.iter().map(|t| to_cpu(t, copies)).collect::<Result<_>>()?),
        Value::OptionalTensors(list) => Value::OptionalTensors(
            list.iter().map(|t| t.as_ref().map(|t| to_cpu(t, copies)).transpose()).collect::<Result<_>>()?,
        ),
        Value::Device(Device::Gpu) => Value::Device(Device::Cpu),
        other => other.clone(),
    })
}

fn on_cpu(def: &OpDef, values: &[Value]) -> Result<Ret> {
    let mut copies = Copies::new();
    let values = values.iter().map(|v| value_to_cpu(v, &mut copies)).collect::<Result<_>>()?;
    let ret = (def.call)(&Args::new(values))?;
    // State that the operation wrote, running statistics for one.
    for (there, here, version) in &copies {
        if here.version() != *version {
            copy::copy_(there, here, false)?;
        }
    }
    // What is returned as it was given, written in place, is the tensor that was given.
    let back = |t: &Tensor| match copies.iter().find(|(_, here, _)| here.is(t)) {
        Some((there, ..)) => Ok(there.clone()),
        None => moved(t, Device::Gpu),
    };
    Ok(match ret {
        Ret::Tensor(t) => Ret::Tensor(back(&t)?),
        Ret::Tuple(list) => Ret::Tuple(list.iter().map(back).collect::<Result<_>>()?),
        Ret::List(list) => Ret::List(list.iter().map(back).collect::<Result<_>>()?),
        other => other,
    })
}

/// Runs a row of the table on the CPU where that was asked for; a result in place is left to the caller.
#[cold]
pub(super) fn run(
    py: Python<'_>,
    name: &str,
    def: &OpDef,
    args: &Args,
    in_place: bool,
    e: Error,
) -> PyResult<(Ret, Option<Dest>)> {
    if !config::gpu_fallback() {
        let first = args.values.iter().find_map(|v| if let Value::Tensor(t) = v { Some(t) } else { None });
        return Err(refused(name, e, first));
    }
    say(py, name)?;
    let ret = caught(|| on_cpu(def, &args.values))?;
    Ok((ret, in_place.then_some(Dest::InPlace)))
}

/// The same for an operator of two tensors.
#[cold]
pub(super) fn operator(
    py: Python<'_>,
    name: &str,
    (x, y): (&Tensor, &Tensor),
    f: fn(&Tensor, &Tensor, &Dest) -> Result<Tensor>,
    in_place: bool,
    e: Error,
) -> PyResult<Tensor> {
    if !config::gpu_fallback() {
        return Err(refused(name, e, Some(x)));
    }
    say(py, name)?;
    let r = caught(|| moved(&f(&moved(x, Device::Cpu)?, &moved(y, Device::Cpu)?, &Dest::New)?, Device::Gpu))?;
    if !in_place {
        return Ok(r);
    }
    match inplace::place(name, Dest::InPlace, Some(x), Ret::Tensor(r))? {
        Ret::Tensor(t) => Ok(t),
        _ => Ok(x.clone()),
    }
}
