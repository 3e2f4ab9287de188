//! Buffers by size class. A freed one goes to a list and may be given out at once: later commands run after earlier ones.
//!
//! One buffer per storage, since wgpu tracks uses and barriers by buffer. Fresh buffers are cleared by the driver, which
//! costs more than most kernels; those from a list hold what their last user left.

use super::context::Gpu;
use super::fault::out_of_memory;
use crate::error::Result;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What a device's memory is used for, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// In tensors.
    pub allocated: u64,
    /// In tensors or free for them.
    pub reserved: u64,
    /// The most that was allocated since the start or the last reset.
    pub peak_allocated: u64,
    /// The most that was reserved since then.
    pub peak_reserved: u64,
    /// The most that may be reserved.
    pub limit: u64,
}

/// A device's buffers.
pub(super) struct Pool(Mutex<State>);

struct State {
    stats: Stats,
    /// Free buffers by size.
    free: BTreeMap<u64, Vec<Raw>>,
    made: u64,
}

/// A buffer of the driver, and a number that no other has.
#[derive(Clone)]
pub(super) struct Raw {
    pub buffer: wgpu::Buffer,
    pub id: u64,
}

/// The size that is reserved for `n` bytes: steps of 256 bytes up to 4 KiB, then eight in each power of two.
fn class(n: u64) -> Option<u64> {
    let step = if n <= 4096 { 256 } else { n.checked_next_power_of_two()? / 16 };
    n.max(1).checked_next_multiple_of(step)
}

/// A buffer that belongs to its holder; it goes back to the pool on drop.
pub struct Block {
    pub(super) gpu: Arc<Gpu>,
    pub(super) raw: Raw,
    nbytes: u64,
    /// Gone when the block is.
    pub(super) alive: Arc<()>,
}

impl Block {
    /// The bytes that were asked for.
    pub fn nbytes(&self) -> u64 {
        self.nbytes
    }

    /// A number that no other buffer has.
    pub fn id(&self) -> u64 {
        self.raw.id
    }

    /// The device that it is on.
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // In a forked process the lock may be held by a thread that is not there.
        if self.gpu.is_ours() {
            self.gpu.pool.put(self.raw.clone());
        }
    }
}

impl Pool {
    pub fn new(limit: u64) -> Self {
        Pool(Mutex::new(State { stats: Stats { limit, ..Stats::default() }, free: BTreeMap::new(), made: 0 }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn put(&self, raw: Raw) {
        let mut s = self.lock();
        let size = raw.buffer.size();
        s.stats.allocated -= size;
        s.free.entry(size).or_default().push(raw);
    }

    fn take(&self, size: u64) -> Option<Raw> {
        let mut s = self.lock();
        let list = s.free.get_mut(&size)?;
        let buffer = list.pop();
        if list.is_empty() {
            s.free.remove(&size);
        }
        if buffer.is_some() {
            s.count(size);
        }
        buffer
    }
}

impl State {
    fn count(&mut self, size: u64) {
        let s = &mut self.stats;
        s.allocated += size;
        s.peak_allocated = s.peak_allocated.max(s.allocated);
        s.peak_reserved = s.peak_reserved.max(s.reserved);
    }
}

impl Gpu {
    /// A buffer of at least `nbytes` bytes with arbitrary contents.
    pub fn alloc(self: &Arc<Self>, nbytes: u64) -> Result<Block> {
        let what = "empty";
        self.check_process()?;
        let Some(size) = class(nbytes).filter(|&n| n <= self.caps().max_buffer) else {
            let most = self.caps().max_buffer;
            return Err(out_of_memory(what, nbytes, &format!("a device whose buffers have at most {most} bytes")));
        };
        if let Some(raw) = self.pool.take(size) {
            return Ok(Block { gpu: self.clone(), raw, nbytes, alive: Arc::default() });
        }
        let fits = |stats: Stats| stats.reserved.checked_add(size).is_some_and(|n| n <= stats.limit);
        if !fits(self.memory_stats()) {
            self.empty_cache()?;
        }
        let stats = self.memory_stats();
        if !fits(stats) {
            let why = format!("{} of {} allowed bytes in use", stats.allocated, stats.limit);
            return Err(out_of_memory(what, nbytes, &why));
        }
        let buffer = match self.create(size)? {
            Some(buffer) => buffer,
            None => {
                // Memory that is free, or that commands on their way still hold, may be enough.
                self.empty_cache()?;
                match self.create(size)? {
                    Some(buffer) => buffer,
                    None => {
                        let s = self.memory_stats();
                        let why = format!("a refusal by the driver with {} bytes in use", s.allocated);
                        return Err(out_of_memory(what, nbytes, &why));
                    }
                }
            }
        };
        let mut s = self.pool.lock();
        s.stats.reserved += size;
        s.count(size);
        s.made += 1;
        let id = s.made;
        drop(s);
        Ok(Block { gpu: self.clone(), raw: Raw { buffer, id }, nbytes, alive: Arc::default() })
    }

    /// A new buffer; None if there is no memory.
    fn create(&self, size: u64) -> Result<Option<wgpu::Buffer>> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("tensor"),
            size,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let refused = super::context::now(memory.pop()).is_some();
        self.fault.check("empty")?;
        Ok((!refused).then_some(buffer))
    }

    /// Gives free buffers back to the driver, once the commands that use them are done.
    pub fn empty_cache(&self) -> Result<()> {
        self.synchronize()?;
        self.stream().forget_groups();
        let mut s = self.pool.lock();
        let free = std::mem::take(&mut s.free);
        s.stats.reserved -= free.iter().map(|(size, list)| size * list.len() as u64).sum::<u64>();
        drop(s);
        // Dropped, not destroyed: another thread may have recorded a use of one in between.
        drop(free);
        self.synchronize()
    }

    /// What the memory is used for.
    pub fn memory_stats(&self) -> Stats {
        self.pool.lock().stats
    }

    /// Sets the peaks to what is in use now.
    pub fn reset_peaks(&self) {
        let mut s = self.pool.lock();
        s.stats.peak_allocated = s.stats.allocated;
        s.stats.peak_reserved = s.stats.reserved;
    }

    /// Sets how many bytes may be reserved.
    pub fn set_memory_limit(&self, limit: u64) {
        self.pool.lock().stats.limit = limit;
    }
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn classes_waste_at_most_an_eighth() {
        for n in (0..40_000).chain([1 << 20, (1 << 20) + 1, (1 << 33) + 5]) {
            let c = class(n).expect("below 2^63");
            assert!(c >= n.max(1) && c.is_multiple_of(4) && (n < 2048 || c - n <= n / 8 + 256), "{n} {c}");
            assert_eq!(class(c), Some(c));
        }
        assert_eq!(class(u64::MAX), None);
    }
}
