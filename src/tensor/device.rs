//! Where a tensor's memory lives.

use crate::error::Result;
use crate::fail;

/// A device. GPU adapters will be `Gpu(index)`; dispatch matches on this enum and nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// Host memory.
    Cpu,
    /// Shapes and dtypes without data.
    Meta,
}

impl Device {
    /// Parses torch's device strings: `cpu`, `cpu:0`, `meta`.
    pub fn parse(text: &str) -> Result<Device> {
        let (kind, index) = text.split_once(':').unwrap_or((text, "0"));
        let index_ok = index.parse::<u32>().is_ok();
        match kind {
            "cpu" if index_ok => Ok(Device::Cpu),
            "meta" if index_ok => Ok(Device::Meta),
            "cpu" | "meta" => {
                fail!(Runtime, torch: ("Invalid device string: '{text}'"), expected: ("device: expected an integer after the colon"),
                got: ("'{index}'"), fix: ("Write '{kind}' or '{kind}:0'."))
            }
            "cuda" | "gpu" | "wgpu" | "mps" | "xpu" => {
                fail!(Runtime, expected: ("device: expected one of cpu, meta"), got: ("'{text}'"),
                fix: ("This build has no GPU backend; use device='cpu'."))
            }
            _ => {
                fail!(Runtime, torch: ("Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: {kind}"),
                expected: ("device: expected one of cpu, meta"), got: ("'{text}'"), fix: ("Use device='cpu'."))
            }
        }
    }

    /// The name without an index.
    pub fn kind(self) -> &'static str {
        match self {
            Device::Cpu => "cpu",
            Device::Meta => "meta",
        }
    }
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}
