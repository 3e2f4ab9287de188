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
    std::env::var("RUSTORCH_NO_CACHE").is_ok_and(|v| v == "1")
}

/// How long idle threads look for work before they sleep: `RUSTORCH_SPIN_US` in microseconds, 100 by default.
///
/// Waking a sleeper costs tens of microseconds; 0 saves power and leaves the processors to others.
pub fn spin() -> Duration {
    let value = std::env::var("RUSTORCH_SPIN_US").ok();
    Duration::from_micros(value.and_then(|v| v.trim().parse().ok()).unwrap_or(100).min(100_000))
}
