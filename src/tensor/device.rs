//! Where a tensor's memory lives.

use crate::error::Result;
use crate::fail;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// A device. Dispatch chooses kernels by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// Host memory.
    Cpu,
    /// Shapes and dtypes without data.
    Meta,
    /// The GPU in use.
    Gpu,
}

/// Our own names of the GPU; torch has none that means any vendor's.
const GPU_NAMES: [&str; 2] = ["gpu", "wgpu"];

/// Does `cuda` name the GPU? In programs written for torch, which ask for it by that name.
static CUDA_IS_GPU: AtomicBool = AtomicBool::new(false);

/// Lets `cuda` be the name of the GPU, of whatever vendor, or takes that back.
pub fn let_cuda_be_gpu(on: bool) {
    CUDA_IS_GPU.store(on, Ordering::Relaxed);
}

/// Is `cuda` the name of the GPU?
pub fn cuda_is_gpu() -> bool {
    CUDA_IS_GPU.load(Ordering::Relaxed)
}

fn gpu_name() -> &'static str {
    if cuda_is_gpu() { "cuda" } else { "gpu" }
}

/// torch's names of device types. Only some have a backend here; the others can be named, but hold no tensors.
pub const KINDS: [&str; 19] = [
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy",
    "vulkan", "mps", "meta", "hpu", "mtia",
];

/// Splits a device string such as `cpu`, `cuda:0` or `meta` into a name of [`KINDS`] and an index.
pub fn parse_name(text: &str) -> Result<(&'static str, Option<i8>)> {
    if text.is_empty() {
        fail!(Runtime, torch: ("Device string must not be empty"), expected: ("device: expected a name such as 'cpu'"), got: ("an empty string"), fix: ("Write 'cpu'."));
    }
    let (kind, index) = match text.split_once(':') {
        Some((kind, index)) => (kind, Some(index)),
        None => (text, None),
    };
    let Some(&kind) = KINDS.iter().chain(&GPU_NAMES).find(|&&k| k == kind) else {
        fail!(Runtime, torch: ("Expected one of {}, privateuseone device type at start of device string: {kind}", KINDS.join(", ")),
            expected: ("device: expected one of cpu, gpu, meta"), got: ("'{text}'"), fix: ("Use device='cpu'."))
    };
    let kind = if GPU_NAMES.contains(&kind) { gpu_name() } else { kind };
    let Some(index) = index else { return Ok((kind, None)) };
    let plain =
        !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) && (index == "0" || !index.starts_with('0'));
    match index.parse::<i64>() {
        // torch reads 32 bits and keeps the low byte.
        Ok(i) if plain && i <= i32::MAX as i64 => Ok((kind, Some(i as i8))),
        _ if plain => {
            fail!(Runtime, torch: ("Could not parse device index '{index}' in device string '{text}'"), expected: ("device: expected an index below 2^31"), got: ("{index}"), fix: ("Write '{kind}' or '{kind}:0'."))
        }
        _ => {
            fail!(Runtime, torch: ("Invalid device string: '{text}'"), expected: ("device: expected an integer after the colon"), got: ("'{index}'"), fix: ("Write '{kind}' or '{kind}:0'."))
        }
    }
}

thread_local! {
    static DEFAULT: Cell<Option<Device>> = const { Cell::new(None) };
}

/// The device of new tensors, if one was set (`set_default_device`, `with device:`).
pub fn chosen_default() -> Option<Device> {
    DEFAULT.get()
}

/// Where new tensors go that name no device.
pub fn default_device() -> Device {
    DEFAULT.get().unwrap_or(Device::Cpu)
}

/// Sets the device of this thread's new tensors and returns the one before.
pub fn set_default_device(device: Option<Device>) -> Option<Device> {
    DEFAULT.replace(device)
}

impl Device {
    /// Parses a device string; the device must be one that tensors can be on.
    pub fn parse(text: &str) -> Result<Device> {
        let (kind, index) = parse_name(text)?;
        Device::of_kind(kind, index)
    }

    /// The device of a name of [`KINDS`] and of a number among those of its kind.
    pub fn of_kind(kind: &str, index: Option<i8>) -> Result<Device> {
        match kind {
            "gpu" | "cuda" if index.is_some_and(|i| i != 0) && (kind == "gpu" || cuda_is_gpu()) => {
                fail!(Runtime, torch: ("invalid device ordinal"), expected: ("device: expected {kind}:0, the one GPU in use"), got: ("{kind}:{}", index.unwrap_or(0)), fix: ("Choose the GPU with RUSTORCH_GPU_ADAPTER."))
            }
            "cuda" if cuda_is_gpu() => Ok(Device::Gpu),
            "cpu" => Ok(Device::Cpu),
            "meta" => Ok(Device::Meta),
            "gpu" => Ok(Device::Gpu),
            "cuda" => {
                fail!(Assertion, torch: ("Torch not compiled with CUDA enabled"), expected: ("device: expected one of cpu, gpu, meta"), got: ("'cuda'"), fix: ("Use device='gpu', which runs on any vendor's GPU, or 'cpu'."))
            }
            _ => {
                fail!(NotImplemented, torch: ("Could not run 'aten::empty.memory_format' with arguments from the '{}' backend.", kind.to_uppercase()),
                expected: ("device: expected one of cpu, gpu, meta"), got: ("'{kind}'"), fix: ("Use device='cpu'."))
            }
        }
    }

    /// The name without an index.
    pub fn kind(self) -> &'static str {
        match self {
            Device::Cpu => "cpu",
            Device::Meta => "meta",
            Device::Gpu => gpu_name(),
        }
    }

    /// Its number among devices of its kind, where these are counted.
    pub fn index(self) -> Option<i8> {
        (self == Device::Gpu).then_some(0)
    }
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())?;
        self.index().map_or(Ok(()), |i| write!(f, ":{i}"))
    }
}
