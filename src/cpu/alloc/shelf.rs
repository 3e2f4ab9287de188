//! The free blocks that all threads share: a list per size class, and one by age for trimming.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicUsize};

use super::class::{self, CLASSES};
use super::system;

static SHELF: Lock = Lock { taken: AtomicBool::new(false), shelf: UnsafeCell::new(Shelf::new()) };

/// The header of a free block. `next` and `prev` are its neighbours in the class, most recent first;
/// `newer` and `older` those among all blocks.
struct Node {
    next: *mut Node,
    prev: *mut Node,
    newer: *mut Node,
    older: *mut Node,
    capacity: usize,
}

/// Contract: every node is a free block of `capacity` bytes that the shelf owns, and the links are those
/// of two well-formed lists, reached by the holder of the lock alone.
struct Shelf {
    heads: [*mut Node; CLASSES],
    newest: *mut Node,
    oldest: *mut Node,
    bytes: usize,
}

/// The bytes that the shelf may keep.
fn limit_cell() -> &'static AtomicUsize {
    static LIMIT: OnceLock<AtomicUsize> = OnceLock::new();
    LIMIT.get_or_init(|| {
        #[cfg(unix)]
        watch_forks();
        AtomicUsize::new(if crate::config::no_cache() { 0 } else { system::memory() / 4 })
    })
}

pub(super) fn limit() -> usize {
    limit_cell().load(Relaxed)
}

pub(super) fn set_limit(nbytes: usize) {
    // The environment's switch is stronger: it is for tools that must see every free.
    let nbytes = if crate::config::no_cache() { 0 } else { nbytes };
    limit_cell().store(nbytes, Relaxed);
}

/// A block of at least this capacity and not much more.
pub(super) fn take(capacity: usize) -> Option<(NonNull<u8>, usize)> {
    if limit() == 0 {
        return None;
    }
    let mut shelf = SHELF.lock();
    if shelf.bytes < capacity {
        return None;
    }
    // SAFETY: the lock is held, so the contract of `Shelf` covers the nodes.
    unsafe {
        let node = shelf.find(capacity)?;
        shelf.remove(node.as_ptr());
        Some((node.cast(), (*node.as_ptr()).capacity))
    }
}

/// Keeps a free block, and trims the oldest ones to make room.
///
/// # Safety
/// The block came from the allocator, has this capacity, and nobody uses it.
pub(super) unsafe fn put(block: NonNull<u8>, capacity: usize) {
    let limit = limit();
    if capacity > limit {
        // SAFETY: the caller's promise.
        return unsafe { system::unmap(block, capacity) };
    }
    let mut shelf = SHELF.lock();
    // SAFETY: the block is the caller's to give, and the lock is held.
    unsafe { shelf.insert(block.cast().as_ptr(), capacity) };
    if shelf.bytes > limit {
        drop(shelf);
        trim(limit);
    }
}

/// Frees the oldest blocks until at most `keep` bytes are left.
pub(super) fn trim(keep: usize) {
    loop {
        let mut shelf = SHELF.lock();
        let oldest = shelf.oldest;
        if shelf.bytes <= keep || oldest.is_null() {
            return;
        }
        // SAFETY: the contract of `Shelf`; removed, the block belongs to this function.
        let capacity = unsafe {
            shelf.remove(oldest);
            (*oldest).capacity
        };
        // The system call may take long; other threads need not wait for it.
        drop(shelf);
        // SAFETY: as above.
        unsafe { system::unmap(NonNull::new_unchecked(oldest.cast()), capacity) };
    }
}

impl Shelf {
    const fn new() -> Shelf {
        Shelf { heads: [ptr::null_mut(); CLASSES], newest: ptr::null_mut(), oldest: ptr::null_mut(), bytes: 0 }
    }

    /// The most recent block that fits, from the class of `capacity` or the next.
    ///
    /// # Safety
    /// The contract of `Shelf` holds.
    unsafe fn find(&self, capacity: usize) -> Option<NonNull<Node>> {
        let class = class::index(capacity);
        for head in self.heads[class..].iter().take(2) {
            let mut node = *head;
            while let Some(found) = NonNull::new(node) {
                // SAFETY: the contract of `Shelf`.
                let header = unsafe { found.as_ref() };
                if header.capacity >= capacity {
                    return Some(found);
                }
                node = header.next;
            }
        }
        None
    }

    /// # Safety
    /// `node` is a free block of `capacity` bytes, given to the shelf, whose contract holds.
    unsafe fn insert(&mut self, node: *mut Node, capacity: usize) {
        let head = &mut self.heads[class::index(capacity)];
        // SAFETY: the block has room for a header, and the neighbours are the shelf's nodes.
        unsafe {
            node.write(Node {
                next: *head,
                prev: ptr::null_mut(),
                newer: ptr::null_mut(),
                older: self.newest,
                capacity,
            });
            if let Some(next) = head.as_mut() {
                next.prev = node;
            }
            match self.newest.as_mut() {
                Some(newest) => newest.newer = node,
                None => self.oldest = node,
            }
        }
        *head = node;
        self.newest = node;
        self.bytes += capacity;
    }

    /// # Safety
    /// `node` is on the shelf, whose contract holds. The header stays readable.
    unsafe fn remove(&mut self, node: *mut Node) {
        // SAFETY: the contract of `Shelf`.
        unsafe {
            let Node { next, prev, newer, older, capacity } = node.read();
            match prev.as_mut() {
                Some(prev) => prev.next = next,
                None => self.heads[class::index(capacity)] = next,
            }
            if let Some(next) = next.as_mut() {
                next.prev = prev;
            }
            match newer.as_mut() {
                Some(newer) => newer.older = older,
                None => self.newest = older,
            }
            match older.as_mut() {
                Some(older) => older.newer = newer,
                None => self.oldest = newer,
            }
            self.bytes -= capacity;
        }
    }
}

/// A lock that fork handlers can take and release without a guard; held for some list operations only.
struct Lock {
    taken: AtomicBool,
    shelf: UnsafeCell<Shelf>,
}

// SAFETY: the shelf is reached through the lock, and its blocks belong to no thread.
unsafe impl Sync for Lock {}

impl Lock {
    fn acquire(&self) {
        let mut spins = 0u32;
        while self.taken.load(Relaxed) || self.taken.swap(true, Acquire) {
            // The holder may have lost its processor; a yield gives it one.
            spins += 1;
            if spins < 100 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }

    fn release(&self) {
        self.taken.store(false, Release);
    }

    fn lock(&self) -> Guard<'_> {
        self.acquire();
        Guard(self)
    }
}

struct Guard<'a>(&'a Lock);

impl Deref for Guard<'_> {
    type Target = Shelf;
    fn deref(&self) -> &Shelf {
        // SAFETY: the lock is held.
        unsafe { &*self.0.shelf.get() }
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut Shelf {
        // SAFETY: the lock is held, and the guard is borrowed mutably.
        unsafe { &mut *self.0.shelf.get() }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Holds the lock across a fork, so that the child finds the lists whole and the lock free. It keeps its
/// copies of the cached blocks; lists of threads that it lacks are lost to it.
#[cfg(unix)]
fn watch_forks() {
    extern "C" fn before() {
        SHELF.acquire();
    }
    extern "C" fn after() {
        SHELF.release();
    }
    // SAFETY: the handlers are async-signal-safe. A failure (no memory) costs a child safety, not this process.
    unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
}
