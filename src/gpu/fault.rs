//! What went wrong on a device: wgpu reports errors to a callback, which keeps them for the call that asks.

use crate::error::{Error, Kind, Result, three_parts};
use std::sync::Mutex;

/// The errors of one device.
#[derive(Default)]
pub(super) struct Fault(Mutex<Found>);

#[derive(Default)]
struct Found {
    /// Why the device is gone, for good.
    lost: Option<String>,
    /// The first error that nobody has seen yet.
    error: Option<(Kind, String)>,
}

/// What kernels look for in their data. They go on with what is in bounds, and the next call that waits raises it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Indices within a dim.
    Index,
    /// Targets that are classes.
    Target,
    /// Probabilities within 0 and 1.
    Probability,
    /// Rows of weights with a positive, finite sum.
    Weights,
    /// Bags of indices that name rows, from offsets that rise.
    Bags,
    /// Rates that are finite and at least 0.
    Rates,
}

impl Check {
    /// The number that the kernel leaves behind, in WGSL.
    pub(super) fn code(self) -> &'static str {
        match self {
            Check::Index => "1u",
            Check::Target => "2u",
            Check::Probability => "3u",
            Check::Weights => "4u",
            Check::Bags => "5u",
            Check::Rates => "6u",
        }
    }

    /// The error for what a kernel left behind.
    #[cold]
    pub(super) fn error(code: u32) -> Error {
        let (torch, what, fix) = match code {
            1 => (
                "index out of range in self",
                "indices within the dim that they index",
                "Check them against its size before they go to the GPU",
            ),
            3 => (
                "Expected p_in >= 0 && p_in <= 1 to be true, but got false.",
                "probabilities from 0 to 1",
                "Check them, or pass logits through sigmoid",
            ),
            4 => (
                "probability tensor contains either `inf`, `nan` or element < 0",
                "rows of weights with a positive, finite sum",
                "Check them; logits need softmax first",
            ),
            5 => (
                "offsets or indices of embedding_bag are not in the valid range",
                "offsets that rise from 0 to at most the number of indices, and indices that name rows",
                "Check where the bags start, and the indices against the table",
            ),
            6 => (
                "invalid Poisson rate, expected rate to be non-negative",
                "finite rates of at least 0",
                "Clamp them, or pass them through softplus or exp",
            ),
            _ => ("Target is out of bounds.", "targets that are classes", "Check the labels, or the number of classes"),
        };
        three_parts(
            if code > 2 { Kind::Runtime } else { Kind::Index },
            Some(torch.to_owned()),
            format!("gpu: expected {what}"),
            "one outside, in an operation since the last result was read".to_owned(),
            format!("{fix}; on the CPU the operation itself raises this."),
        )
    }
}

impl Fault {
    /// Keeps an error that wgpu reports.
    pub fn report(&self, e: &wgpu::Error) {
        let kind = if matches!(e, wgpu::Error::OutOfMemory { .. }) { Kind::OutOfMemory } else { Kind::Runtime };
        let mut found = self.0.lock().unwrap_or_else(|e| e.into_inner());
        found.error.get_or_insert((kind, e.to_string()));
    }

    /// Keeps the reason why the device is gone.
    pub fn lose(&self, reason: &str) {
        let mut found = self.0.lock().unwrap_or_else(|e| e.into_inner());
        found.lost.get_or_insert_with(|| reason.to_owned());
    }

    /// Is the device gone?
    pub fn is_lost(&self) -> bool {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).lost.is_some()
    }

    /// An error if the device is gone, or if something failed since the last check.
    pub fn check(&self, what: &str) -> Result<()> {
        let mut found = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(reason) = &found.lost {
            return Err(three_parts(
                Kind::Runtime,
                None,
                format!("{what}: expected a working GPU"),
                format!("one that is lost ({reason})"),
                "Its tensors are gone; rustorch.gpu.reset() starts it again, and tensors on the CPU are whole."
                    .to_owned(),
            ));
        }
        match found.error.take() {
            None => Ok(()),
            Some((Kind::OutOfMemory, _)) => Err(out_of_memory(what, 0, "the driver has no memory left")),
            Some((_, text)) => Err(three_parts(
                Kind::Runtime,
                None,
                format!("{what}: expected the GPU's driver to accept the work"),
                format!("'{text}'"),
                "Please report it with the adapter's name; RUSTORCH_GPU_CHECKED=1 may say more.".to_owned(),
            )),
        }
    }
}

/// The error of memory that there is not.
#[cold]
pub(super) fn out_of_memory(what: &str, nbytes: u64, why: &str) -> Error {
    three_parts(
        Kind::OutOfMemory,
        None,
        format!("{what}: expected free GPU memory for {nbytes} bytes"),
        why.to_owned(),
        "Use smaller tensors, a smaller batch or a smaller dtype, free some, or call rustorch.gpu.empty_cache()."
            .to_owned(),
    )
}
