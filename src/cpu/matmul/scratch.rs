//! Scratch memory for packed panels: one block per thread, kept between products.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::NonNull;

/// Blocks above this size go back to the system after use.
const KEEP: usize = 32 << 20;
/// A cache line, and the widest vector.
const LINE: usize = 64;
/// From this size on, blocks lie on huge pages: panels are read in an order that misses the TLB otherwise.
const HUGE: usize = 2 << 20;

/// A block of scratch memory; its thread keeps it for the next product when it is dropped.
pub(super) struct Scratch(Option<Block>);

struct Block {
    ptr: NonNull<u8>,
    layout: Layout,
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: `ptr` came from `alloc` with this layout.
        unsafe { dealloc(self.ptr.as_ptr(), self.layout) };
    }
}

thread_local! {
    static KEPT: Cell<Option<Block>> = const { Cell::new(None) };
}

impl Scratch {
    /// At least `nbytes`, uninitialised, aligned to 64 bytes; None when there is no memory.
    ///
    /// A product inside a task of another finds the thread's block taken and gets one of its own.
    pub(super) fn take(nbytes: usize) -> Option<Scratch> {
        if let Some(kept) = KEPT.try_with(Cell::take).ok().flatten()
            && kept.layout.size() >= nbytes
        {
            return Some(Scratch(Some(kept)));
        }
        let align = if nbytes >= HUGE { HUGE } else { LINE };
        let size = nbytes.max(1 << 16).checked_next_multiple_of(align)?;
        let layout = Layout::from_size_align(size, align).ok()?;
        // SAFETY: the size is not zero.
        let ptr = NonNull::new(unsafe { alloc(layout) })?;
        #[cfg(target_os = "linux")]
        if align == HUGE {
            // SAFETY: the range is ours and page-aligned; the advice changes no contents.
            unsafe { libc::madvise(ptr.as_ptr().cast(), size, libc::MADV_HUGEPAGE) };
        }
        Some(Scratch(Some(Block { ptr, layout })))
    }

    /// The block's start.
    pub(super) fn ptr(&self) -> *mut u8 {
        self.0.as_ref().map_or(std::ptr::null_mut(), |b| b.ptr.as_ptr())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(block) = self.0.take()
            && block.layout.size() <= KEEP
        {
            // A thread that is ending has no cell left; the block is freed then.
            let _ = KEPT.try_with(|kept| kept.set(Some(block)));
        }
    }
}
