//! The caching allocator for tensor memory.
//!
//! Fresh memory costs a page fault per 4 KiB, which is more than most kernels spend on it, so freed
//! blocks are kept: those of up to 1 MiB in lists of the freeing thread, the others, and what overflows
//! those lists, on a shelf that all threads share. Blocks of 2 MiB and more are huge pages where the
//! system has them. A cached block is its own list node, so the cache itself never allocates.

mod class;
mod local;
mod shared;
mod shelf;
mod system;

pub use shared::{shared, unmap_shared};
use std::ptr::NonNull;

use local::LOCAL;

/// Alignment of every block, in bytes: a cache line and the widest vector.
pub const ALIGN: usize = 64;

/// Memory that belongs to its holder, uninitialised unless it came from [`alloc_zeroed`]; goes back to
/// the cache on drop, from any thread.
#[derive(Debug)]
pub struct Block {
    ptr: NonNull<u8>,
    capacity: usize,
}

// SAFETY: a block is plain memory with one owner; the allocator takes it back on any thread.
unsafe impl Send for Block {}
// SAFETY: a shared block gives out its address and size only.
unsafe impl Sync for Block {}

impl Block {
    /// The first byte; aligned to [`ALIGN`] bytes, never null.
    #[inline]
    pub fn ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// Gives the block up; [`Block::from_raw`] with both numbers takes it back.
    #[inline]
    pub fn into_raw(self) -> (*mut u8, usize) {
        let parts = (self.ptr.as_ptr(), self.capacity);
        std::mem::forget(self);
        parts
    }

    /// Takes back what [`Block::into_raw`] gave.
    ///
    /// # Safety
    /// Both numbers come from one `into_raw` call, and no other block was made of them.
    #[inline]
    pub unsafe fn from_raw(ptr: *mut u8, capacity: usize) -> Block {
        // SAFETY: `into_raw` gave a non-null pointer.
        Block { ptr: unsafe { NonNull::new_unchecked(ptr) }, capacity }
    }

    /// Usable bytes, at least as many as were asked for.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

impl crate::tensor::kept::Keep for Block {
    fn nbytes(&self) -> usize {
        self.capacity
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        if self.capacity <= class::LOCAL_MAX {
            // SAFETY: the block was this one's alone and is not used again.
            let kept = LOCAL.try_with(|local| unsafe { local.put(self.ptr, self.capacity) });
            if kept.is_ok() {
                return;
            }
        }
        local::count(-(self.capacity as isize));
        // SAFETY: as above.
        unsafe { shelf::put(self.ptr, self.capacity) };
    }
}

/// A block of at least `nbytes` bytes with arbitrary contents; None if the system has no memory for it.
///
/// No bytes are a valid request, too: such blocks have different addresses while they live.
#[inline]
pub fn alloc(nbytes: usize) -> Option<Block> {
    Some(obtain(nbytes)?.0)
}

/// A block whose first `nbytes` bytes are zero; None as for [`alloc`].
pub fn alloc_zeroed(nbytes: usize) -> Option<Block> {
    let (block, fresh) = obtain(nbytes)?;
    if !fresh {
        // SAFETY: the block has room for `nbytes` bytes.
        unsafe { block.ptr().write_bytes(0, nbytes) };
    }
    Some(block)
}

/// A block, and whether it is known to be zero.
#[inline]
fn obtain(nbytes: usize) -> Option<(Block, bool)> {
    let capacity = class::round(nbytes)?;
    if capacity <= class::LOCAL_MAX
        && let Ok(Some(ptr)) = LOCAL.try_with(|local| local.take(capacity))
    {
        return Some((Block { ptr, capacity }, false));
    }
    obtain_elsewhere(capacity)
}

#[cold]
fn obtain_elsewhere(capacity: usize) -> Option<(Block, bool)> {
    let (block, fresh) = match shelf::take(capacity) {
        Some((ptr, capacity)) => (Block { ptr, capacity }, false),
        None => {
            let ptr = system::map(capacity).or_else(|| {
                empty_cache();
                system::map(capacity)
            })?;
            (Block { ptr, capacity }, system::is_zero(capacity))
        }
    };
    local::count(block.capacity as isize);
    Some((block, fresh))
}

/// Gives the memory that the shelf and the calling thread keep back to the system.
///
/// Other threads' lists stay; each holds at most 32 MiB.
pub fn empty_cache() {
    // A thread that is ending has no lists any more.
    let _ = LOCAL.try_with(local::Local::spill);
    shelf::trim(0);
}

/// Lets the allocator look after forks from now on. Handlers made later run before its own, so that threads which end
/// their work for the sake of a fork still get memory.
pub fn watch_forks() {
    shelf::limit();
}

/// Sets how many bytes the shelf may keep, a quarter of the memory by default, and trims it to that.
pub fn set_cache_limit(nbytes: usize) {
    shelf::set_limit(nbytes);
    shelf::trim(nbytes);
}

/// What the allocator holds, in bytes.
///
/// Each thread reports its small blocks in steps of 256 KiB, so `allocated` and its peak may be off by
/// that much per other thread; the calling thread's are exact. `reserved` always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// In blocks that are alive.
    pub allocated: usize,
    /// Obtained from the system: alive or cached.
    pub reserved: usize,
    /// The largest `allocated` since the start or the last [`reset_peaks`].
    pub peak_allocated: usize,
    /// The largest `reserved` since then.
    pub peak_reserved: usize,
}

/// Reads the counters.
pub fn stats() -> Stats {
    local::flush();
    let (allocated, peak_allocated) = local::ALLOCATED.read();
    let (reserved, peak_reserved) = system::RESERVED.read();
    Stats { allocated, reserved, peak_allocated, peak_reserved }
}

/// Makes the peaks equal to what is held at this moment.
pub fn reset_peaks() {
    local::flush();
    local::ALLOCATED.reset_peak();
    system::RESERVED.reset_peak();
}

#[cfg(test)]
mod tests;
