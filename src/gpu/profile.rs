//! How long each call of a kernel takes: timestamps that the device writes around it, or the host's clock without them.

use super::context::Gpu;

/// Calls between two readings: a query set holds two timestamps for each.
const CALLS: u32 = 2048;

/// One call.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Its kernel.
    pub kernel: &'static str,
    /// How long it ran, in nanoseconds.
    pub nanoseconds: f64,
}

/// Timings while they are taken.
pub(super) struct Profile {
    /// Where the device writes; None without timestamps.
    set: Option<(wgpu::QuerySet, wgpu::Buffer)>,
    /// The calls since the last reading.
    pending: Vec<&'static str>,
    pub done: Vec<Timing>,
}

impl Profile {
    pub fn new(gpu: &Gpu) -> Profile {
        let has = gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let set = has.then(|| {
            let set = gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("profile"),
                ty: wgpu::QueryType::Timestamp,
                count: 2 * CALLS,
            });
            let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("profile"),
                size: 16 * u64::from(CALLS),
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            (set, buffer)
        });
        Profile { set, pending: Vec::new(), done: Vec::new() }
    }

    /// Where the next call's timestamps go.
    pub fn begin(&mut self, kernel: &'static str) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let (query_set, _) = self.set.as_ref()?;
        let at = 2 * self.pending.len() as u32;
        self.pending.push(kernel);
        Some(wgpu::ComputePassTimestampWrites {
            query_set,
            beginning_of_pass_write_index: Some(at),
            end_of_pass_write_index: Some(at + 1),
        })
    }

    /// Does the host have to take the time?
    pub fn by_host(&self) -> bool {
        self.set.is_none()
    }

    /// Must timestamps be read before the next call?
    pub fn is_full(&self) -> bool {
        self.pending.len() as u32 == CALLS
    }

    /// The commands that bring the timestamps to a buffer, and how many bytes they have.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder) -> Option<(wgpu::Buffer, usize)> {
        let (set, buffer) = self.set.as_ref()?;
        let n = 2 * self.pending.len() as u32;
        if n == 0 {
            return None;
        }
        encoder.resolve_query_set(set, 0..n, buffer, 0);
        Some((buffer.clone(), 8 * n as usize))
    }

    /// Takes timestamps that were read.
    pub fn take(&mut self, bytes: &[u8], gpu: &Gpu) {
        let period = f64::from(gpu.queue.get_timestamp_period());
        let ticks: Vec<u64> =
            bytes.chunks_exact(8).map(|c| c.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b))).collect();
        for (kernel, pair) in self.pending.drain(..).zip(ticks.chunks_exact(2)) {
            let nanoseconds = pair[1].saturating_sub(pair[0]) as f64 * period;
            self.done.push(Timing { kernel, nanoseconds });
        }
    }
}
