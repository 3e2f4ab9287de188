//! Lists of small free blocks, one set per thread, and the count of bytes in use.

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicIsize;
use std::sync::atomic::Ordering::Relaxed;

use super::class::{self, LOCAL_CLASSES};
use super::shelf;

/// Bytes that a thread keeps to itself at most.
const LIMIT: usize = 32 << 20;
/// A thread adds its changes to [`ALLOCATED`] when they exceed this.
const FLUSH: usize = 256 << 10;

/// Bytes in blocks that are alive, but for what threads have not reported yet.
pub(super) static ALLOCATED: Gauge = Gauge::new();

thread_local! {
    pub(super) static LOCAL: Local = const { Local::new() };
}

/// A free block's link to the next one.
struct Link(*mut Link);

/// One thread's free blocks.
///
/// Contract of the lists: every node is a free block of its class, owned by the list, whose first
/// bytes hold the link.
pub(super) struct Local {
    heads: [Cell<*mut Link>; LOCAL_CLASSES],
    /// Held in the lists.
    bytes: Cell<usize>,
    /// What `bytes` may not exceed; 0 until the first `overflow` has asked the shelf.
    limit: Cell<usize>,
    /// Allocated less freed since the last flush.
    unreported: Cell<isize>,
}

impl Local {
    const fn new() -> Local {
        Local {
            heads: [const { Cell::new(ptr::null_mut()) }; LOCAL_CLASSES],
            bytes: Cell::new(0),
            limit: Cell::new(0),
            unreported: Cell::new(0),
        }
    }

    /// A block of exactly this capacity, which is at most `LOCAL_MAX`.
    #[inline]
    pub(super) fn take(&self, capacity: usize) -> Option<NonNull<u8>> {
        let head = &self.heads[class::index(capacity)];
        let block = NonNull::new(head.get())?;
        // SAFETY: the contract of the lists.
        head.set(unsafe { block.read().0 });
        self.bytes.set(self.bytes.get() - capacity);
        self.count(capacity as isize);
        Some(block.cast())
    }

    /// Takes a block that was in use.
    ///
    /// # Safety
    /// The block came from the allocator, has this capacity, at most `LOCAL_MAX`, and nobody uses it.
    #[inline]
    pub(super) unsafe fn put(&self, block: NonNull<u8>, capacity: usize) {
        let head = &self.heads[class::index(capacity)];
        let block = block.cast::<Link>();
        // SAFETY: the block is free, aligned for all types and larger than a link.
        unsafe { block.write(Link(head.get())) };
        head.set(block.as_ptr());
        self.bytes.set(self.bytes.get() + capacity);
        self.count(-(capacity as isize));
        if self.bytes.get() > self.limit.get() {
            self.overflow();
        }
    }

    #[cold]
    fn overflow(&self) {
        self.limit.set(LIMIT.min(shelf::limit() / 8));
        if self.bytes.get() > self.limit.get() {
            self.spill();
        }
    }

    /// Moves all blocks to the shelf.
    pub(super) fn spill(&self) {
        for (class, head) in self.heads.iter().enumerate() {
            let capacity = class::capacity(class);
            while let Some(block) = NonNull::new(head.get()) {
                // SAFETY: the contract of the lists; the shelf becomes the owner.
                unsafe {
                    head.set(block.read().0);
                    shelf::put(block.cast(), capacity);
                }
            }
        }
        self.bytes.set(0);
    }

    #[inline]
    fn count(&self, change: isize) {
        let sum = self.unreported.get() + change;
        self.unreported.set(sum);
        if sum.unsigned_abs() > FLUSH {
            self.flush();
        }
    }

    #[cold]
    fn flush(&self) {
        ALLOCATED.add(self.unreported.replace(0));
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.spill();
        self.flush();
    }
}

/// Adds to the bytes in use.
pub(super) fn count(change: isize) {
    if LOCAL.try_with(|local| local.count(change)).is_err() {
        ALLOCATED.add(change);
    }
}

/// Reports the calling thread's changes.
pub(super) fn flush() {
    // Without lists there is nothing unreported.
    let _ = LOCAL.try_with(Local::flush);
}

/// A sum and its largest value.
pub(super) struct Gauge {
    value: AtomicIsize,
    peak: AtomicIsize,
}

impl Gauge {
    pub(super) const fn new() -> Gauge {
        Gauge { value: AtomicIsize::new(0), peak: AtomicIsize::new(0) }
    }

    pub(super) fn add(&self, change: isize) {
        let value = self.value.fetch_add(change, Relaxed) + change;
        if value > self.peak.load(Relaxed) {
            self.peak.fetch_max(value, Relaxed);
        }
    }

    /// Value and peak. A sum of late reports may be negative for a moment, which counts as nothing.
    pub(super) fn read(&self) -> (usize, usize) {
        let value = self.value.load(Relaxed).max(0) as usize;
        (value, value.max(self.peak.load(Relaxed).max(0) as usize))
    }

    pub(super) fn reset_peak(&self) {
        self.peak.store(self.value.load(Relaxed), Relaxed);
    }
}
