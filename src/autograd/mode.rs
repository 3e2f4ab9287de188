//! Switches: per thread, packed into one byte so that the hot path loads them once; anomaly mode for the process.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

const NO_GRAD: u8 = 1;
const INFERENCE: u8 = 2;
/// Some saved-tensor hook is active.
pub(crate) const SAVED_HOOKS: u8 = 4;
const NO_MULTITHREADING: u8 = 16;
const VIEW_REPLAY: u8 = 32;

static ANOMALY: AtomicBool = AtomicBool::new(false);
static ANOMALY_NAN: AtomicBool = AtomicBool::new(true);

thread_local! { static MODE: Cell<u8> = const { Cell::new(0) }; }

#[inline(always)]
pub(crate) fn bits() -> u8 {
    MODE.try_with(Cell::get).unwrap_or(NO_GRAD)
}

/// Takes over another thread's switches.
pub(crate) fn set_bits(bits: u8) {
    MODE.set(bits);
}

fn set(bit: u8, on: bool) -> bool {
    MODE.with(|m| {
        let old = m.get();
        m.set(if on { old | bit } else { old & !bit });
        old & bit != 0
    })
}

/// Is gradient mode on?
#[inline(always)]
pub fn grad_enabled() -> bool {
    bits() & NO_GRAD == 0
}

/// Is an operation recorded if one of its inputs wants a gradient? Never in inference mode, also not in `enable_grad`
/// within it.
#[inline(always)]
pub fn recording() -> bool {
    bits() & (NO_GRAD | INFERENCE) == 0
}

/// Switches recording on or off and returns the previous state.
pub fn set_grad_enabled(on: bool) -> bool {
    !set(NO_GRAD, !on)
}

/// Is inference mode on?
#[inline(always)]
pub fn inference() -> bool {
    bits() & INFERENCE != 0
}

/// Switches inference mode and returns the previous state.
pub fn set_inference(on: bool) -> bool {
    set(INFERENCE, on)
}

/// Is anomaly detection on?
#[inline(always)]
pub fn anomaly() -> bool {
    ANOMALY.load(Relaxed)
}

/// Switches anomaly detection and returns the previous state.
pub fn set_anomaly(on: bool) -> bool {
    ANOMALY.swap(on, Relaxed)
}

/// Does anomaly mode look for NaN?
pub fn anomaly_nan() -> bool {
    ANOMALY_NAN.load(Relaxed)
}

/// Sets whether anomaly mode looks for NaN.
pub fn set_anomaly_nan(on: bool) {
    ANOMALY_NAN.store(on, Relaxed);
}

/// Marks that saved-tensor hooks are active.
pub(crate) fn set_saved_hooks(on: bool) {
    set(SAVED_HOOKS, on);
}

/// Kept for torch's switch of the same name; backward here always runs on the calling thread.
pub fn set_multithreading(on: bool) -> bool {
    !set(NO_MULTITHREADING, !on)
}

/// Kept for torch's switch of the same name.
pub fn set_view_replay(on: bool) -> bool {
    set(VIEW_REPLAY, on)
}

/// Restores recording when dropped.
pub struct GradGuard(bool);

impl GradGuard {
    /// Sets recording until the guard is dropped.
    pub fn new(on: bool) -> Self {
        GradGuard(set_grad_enabled(on))
    }
}

impl Drop for GradGuard {
    fn drop(&mut self) {
        set_grad_enabled(self.0);
    }
}

/// Runs `f` without recording.
pub fn no_grad<R>(f: impl FnOnce() -> R) -> R {
    let _guard = GradGuard::new(false);
    f()
}
