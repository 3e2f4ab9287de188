//! Which GPUs there are, and which one is used.

use super::context::now;
use crate::config;
use crate::error::Result;
use crate::fail;

/// A GPU, as users see it.
#[derive(Clone, Debug)]
pub struct AdapterInfo {
    /// The driver's name for it.
    pub name: String,
    /// Discrete, integrated, virtual or cpu.
    pub kind: &'static str,
    /// Vulkan, Metal or Dx12.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// Bytes of the largest buffer that a kernel can use at once.
    pub max_binding: u64,
    /// Is it made of software on the processor?
    pub is_software: bool,
}

impl AdapterInfo {
    pub(super) fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete",
            wgpu::DeviceType::IntegratedGpu => "integrated",
            wgpu::DeviceType::VirtualGpu => "virtual",
            wgpu::DeviceType::Cpu => "cpu",
            wgpu::DeviceType::Other => "other",
        };
        AdapterInfo {
            name: info.name,
            kind,
            backend: format!("{:?}", info.backend),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            max_binding: adapter.limits().max_storage_buffer_binding_size,
            is_software: info.device_type == wgpu::DeviceType::Cpu,
        }
    }

    /// Software comes last, and counts only where it was allowed.
    fn rank(&self) -> Option<usize> {
        let place = ["discrete", "integrated", "virtual", "other", "cpu"].iter().position(|&k| k == self.kind)?;
        (!self.is_software || config::gpu_allow_cpu()).then_some(place)
    }
}

fn found() -> Vec<wgpu::Adapter> {
    let backends = match config::gpu_backend().as_deref() {
        Some("vulkan") => wgpu::Backends::VULKAN,
        Some("metal") => wgpu::Backends::METAL,
        Some("dx12") => wgpu::Backends::DX12,
        Some("noop") => wgpu::Backends::NOOP,
        Some(other) => {
            config::complain(&format!(
                "RUSTORCH_GPU_BACKEND={other} is none of vulkan, metal and dx12: all are looked through"
            ));
            wgpu::Backends::PRIMARY
        }
        None => wgpu::Backends::PRIMARY,
    };
    let mut desc = wgpu::InstanceDescriptor::new_without_display_handle();
    desc.backends = backends;
    desc.flags = wgpu::InstanceFlags::empty();
    // A backend that runs nothing, which tells what recording costs.
    desc.backend_options.noop.enable = backends == wgpu::Backends::NOOP;
    // Refuse memory before the system gets into trouble.
    desc.memory_budget_thresholds.for_resource_creation = Some(95);
    now(wgpu::Instance::new(desc).enumerate_adapters(backends))
}

/// Every GPU that there is, those included that are not used.
pub fn adapters() -> Vec<AdapterInfo> {
    found().iter().map(AdapterInfo::of).collect()
}

/// The GPU to use: the one that was asked for, or else the fastest kind.
pub(super) fn choose() -> Result<wgpu::Adapter> {
    let found = found();
    let infos: Vec<AdapterInfo> = found.iter().map(AdapterInfo::of).collect();
    let seen = || {
        let list: Vec<String> = infos.iter().map(|i| format!("{} ({}, {})", i.name, i.kind, i.backend)).collect();
        if list.is_empty() { "none".to_owned() } else { list.join("; ") }
    };
    let best = match config::gpu_adapter() {
        Some(wanted) => {
            let number: Option<usize> = wanted.trim().parse().ok();
            let fits = |i: usize| match number {
                Some(n) => i == n,
                None => infos[i].name.to_lowercase().contains(&wanted.to_lowercase()),
            };
            let named = (0..infos.len()).find(|&i| fits(i) && infos[i].rank().is_some());
            if named.is_none() {
                fail!(Runtime, expected: ("gpu: expected an adapter that fits RUSTORCH_GPU_ADAPTER={wanted}"), got: ("{}", seen()),
                    fix: ("Use a part of one of these names or its number; software adapters also take RUSTORCH_GPU_ALLOW_CPU=1."));
            }
            named
        }
        None => (0..infos.len()).filter_map(|i| infos[i].rank().map(|r| (r, i))).min().map(|(_, i)| i),
    };
    match best.and_then(|i| found.into_iter().nth(i)) {
        Some(adapter) => Ok(adapter),
        None => {
            fail!(Runtime, expected: ("gpu: expected a GPU with a driver for Vulkan, Metal or DX12"), got: ("{}", seen()),
                fix: ("{}", missing()))
        }
    }
}

/// What to install where no GPU was found.
fn missing() -> &'static str {
    if cfg!(target_os = "linux") {
        "On Linux, install the Vulkan loader (libvulkan1) and the vendor's driver; in a container, give it the driver's \
         graphics capability, or name its manifest in VK_DRIVER_FILES. RUSTORCH_GPU_ALLOW_CPU=1 takes a software device."
    } else {
        "Update the graphics driver. RUSTORCH_GPU_ALLOW_CPU=1 takes a software device."
    }
}
