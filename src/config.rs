//! Environment variables and run-time switches; the only reader of `std::env`.
#![expect(clippy::disallowed_methods, reason = "this is where the environment is read")]

use std::time::Duration;

/// Tells the user about a switch that has no effect. Not a Python warning: switches are read where none can be raised.
#[cold]
pub fn complain(text: &str) {
    eprintln!("rustorch: {text}");
}

/// The value of `RUSTORCH_ISA` (`portable`, `avx2` or `avx512`), which pins the SIMD level.
pub fn isa() -> Option<String> {
    std::env::var("RUSTORCH_ISA").ok()
}

/// Threads asked for by `RUSTORCH_NUM_THREADS` or else `OMP_NUM_THREADS`.
pub fn num_threads() -> Option<usize> {
    ["RUSTORCH_NUM_THREADS", "OMP_NUM_THREADS"]
        .iter()
        .find_map(|name| std::env::var(name).ok()?.trim().parse().ok())
        .filter(|&n| n > 0)
}

/// Is `RUSTORCH_NO_CACHE=1` set, so that freed blocks go back to the system at once?
pub fn no_cache() -> bool {
    on("RUSTORCH_NO_CACHE")
}

/// How long idle threads look for work before they sleep: `RUSTORCH_SPIN_US` in microseconds, 100 by default.
///
/// Waking a sleeper costs tens of microseconds; 0 saves power and leaves the processors to others.
pub fn spin() -> Duration {
    let value = std::env::var("RUSTORCH_SPIN_US").ok();
    Duration::from_micros(value.and_then(|v| v.trim().parse().ok()).unwrap_or(100).min(100_000))
}

/// Is a switch of this name on (`1`)?
fn on(name: &str) -> bool {
    std::env::var(name).is_ok_and(|v| v == "1")
}

/// A part of the name, or the number in the list, of the GPU adapter to use: `RUSTORCH_GPU_ADAPTER`.
pub fn gpu_adapter() -> Option<String> {
    std::env::var("RUSTORCH_GPU_ADAPTER").ok().filter(|v| !v.trim().is_empty())
}

/// The only API through which to look for GPUs (`vulkan`, `metal` or `dx12`): `RUSTORCH_GPU_BACKEND`.
pub fn gpu_backend() -> Option<String> {
    std::env::var("RUSTORCH_GPU_BACKEND").ok().map(|v| v.trim().to_lowercase()).filter(|v| !v.is_empty())
}

/// Does a GPU that is made of software on the processor count: `RUSTORCH_GPU_ALLOW_CPU=1`? For tests.
pub fn gpu_allow_cpu() -> bool {
    on("RUSTORCH_GPU_ALLOW_CPU")
}

/// Capabilities that are not used though the GPU has them, separated by commas: `RUSTORCH_GPU_WITHOUT`. For tests.
pub fn gpu_without() -> Vec<String> {
    let list = std::env::var("RUSTORCH_GPU_WITHOUT").unwrap_or_default();
    list.split(',').map(|v| v.trim().to_lowercase()).filter(|v| !v.is_empty()).collect()
}

/// Do shaders check every index and divisor: `RUSTORCH_GPU_CHECKED=1`?
pub fn gpu_checked() -> bool {
    on("RUSTORCH_GPU_CHECKED")
}

/// How many bytes of a GPU's memory may be in use: `RUSTORCH_GPU_MEMORY_LIMIT`.
pub fn gpu_memory_limit() -> Option<u64> {
    std::env::var("RUSTORCH_GPU_MEMORY_LIMIT").ok()?.trim().parse().ok()
}

/// Are chains of pointwise operations on the GPU fused from the start: `RUSTORCH_GPU_FUSION=1`?
pub fn gpu_fusion() -> bool {
    on("RUSTORCH_GPU_FUSION")
}

/// Do operations that GPUs have no kernel for run on the CPU, with copies and a warning: `RUSTORCH_GPU_FALLBACK=1`?
pub fn gpu_fallback() -> bool {
    on("RUSTORCH_GPU_FALLBACK")
}

/// Where compiled shaders are kept: `RUSTORCH_CACHE_DIR`, or else the system's place for caches. Empty: nowhere.
pub fn cache_folder() -> Option<std::path::PathBuf> {
    if let Some(folder) = std::env::var_os("RUSTORCH_CACHE_DIR") {
        return (!folder.is_empty()).then(|| folder.into());
    }
    let from = |name: &str, below: &str| {
        let root = std::env::var_os(name).filter(|v| !v.is_empty()).map(std::path::PathBuf::from)?;
        Some(root.join(below).join("rustorch"))
    };
    if cfg!(target_os = "macos") {
        from("HOME", "Library/Caches")
    } else if cfg!(windows) {
        from("LOCALAPPDATA", "")
    } else {
        from("XDG_CACHE_HOME", "").or_else(|| from("HOME", ".cache"))
    }
}

/// Must tests find a GPU: `RUSTORCH_REQUIRE_GPU=1`?
pub fn require_gpu() -> bool {
    on("RUSTORCH_REQUIRE_GPU")
}
