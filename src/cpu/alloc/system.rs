//! Memory from the system and back to it.

use std::alloc::Layout;
use std::ptr::NonNull;

use super::ALIGN;
use super::class::HUGE;
use super::local::Gauge;

/// Bytes obtained and not given back.
pub(super) static RESERVED: Gauge = Gauge::new();

/// Blocks of this capacity are mapped from the system instead of coming from `std::alloc`.
const fn is_mapped(capacity: usize) -> bool {
    cfg!(unix) && capacity >= HUGE
}

/// Is a block of this capacity zero when [`map`] returns it?
pub(super) const fn is_zero(capacity: usize) -> bool {
    is_mapped(capacity)
}

/// A block of `capacity` bytes, a value that `class::round` gave.
pub(super) fn map(capacity: usize) -> Option<NonNull<u8>> {
    #[cfg(unix)]
    let block = if is_mapped(capacity) { pages::map(capacity)? } else { heap(capacity)? };
    #[cfg(not(unix))]
    let block = heap(capacity)?;
    RESERVED.add(capacity as isize);
    Some(block)
}

/// Gives a block back.
///
/// # Safety
/// `block` came from [`map`] with this capacity, and nobody uses it.
pub(super) unsafe fn unmap(block: NonNull<u8>, capacity: usize) {
    RESERVED.add(-(capacity as isize));
    #[cfg(unix)]
    if is_mapped(capacity) {
        // SAFETY: the caller's promise, and `map` made the same choice.
        return unsafe { pages::unmap(block, capacity) };
    }
    // SAFETY: `map` accepted this capacity, so it makes a layout, the one that the block was allocated with.
    unsafe { std::alloc::dealloc(block.as_ptr(), Layout::from_size_align_unchecked(capacity, ALIGN)) };
}

fn heap(capacity: usize) -> Option<NonNull<u8>> {
    let layout = Layout::from_size_align(capacity, ALIGN).ok()?;
    // SAFETY: capacities are not zero.
    NonNull::new(unsafe { std::alloc::alloc(layout) })
}

#[cfg(unix)]
mod pages {
    use super::{HUGE, NonNull};
    use std::ptr;

    /// Zeroed pages that start at a multiple of the huge page size.
    pub(super) fn map(capacity: usize) -> Option<NonNull<u8>> {
        // One huge page more leaves room to align; what is not needed goes back at once.
        let length = capacity.checked_add(HUGE)?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a private anonymous mapping at an address of the system's choice touches nothing of ours.
        let start = unsafe { libc::mmap(ptr::null_mut(), length, access, libc::MAP_PRIVATE | libc::MAP_ANON, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        let start = start.cast::<u8>();
        let before = start.align_offset(HUGE);
        // SAFETY: `before` is below HUGE, so that both cuts and the block lie within the mapping. Failures
        // leave some address space unused.
        unsafe {
            let block = start.add(before);
            if before > 0 {
                libc::munmap(start.cast(), before);
            }
            libc::munmap(block.add(capacity).cast(), HUGE - before);
            #[cfg(any(target_os = "linux", target_os = "android"))]
            libc::madvise(block.cast(), capacity, libc::MADV_HUGEPAGE);
            NonNull::new(block)
        }
    }

    /// # Safety
    /// As for [`super::unmap`].
    pub(super) unsafe fn unmap(block: NonNull<u8>, capacity: usize) {
        // SAFETY: the caller's promise. It can fail when the system has no room to split a mapping, and
        // then the pages stay until the process ends.
        unsafe { libc::munmap(block.as_ptr().cast(), capacity) };
    }
}

/// The machine's memory in bytes, or the container's share of it.
pub(super) fn memory() -> usize {
    let limit = |path| std::fs::read_to_string(path).ok()?.trim().parse::<usize>().ok();
    let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let shares = files.into_iter().filter_map(limit);
    shares.chain([physical()]).min().unwrap_or(UNKNOWN)
}

/// Assumed where the system does not tell.
const UNKNOWN: usize = 4 << 30;

#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
fn physical() -> usize {
    // SAFETY: both calls only read system constants; -1 stands for an unknown value.
    let (pages, size) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    let known = |value| usize::try_from(value).ok().filter(|&v| v > 0);
    known(pages).zip(known(size)).and_then(|(pages, size)| pages.checked_mul(size)).unwrap_or(UNKNOWN)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
fn physical() -> usize {
    UNKNOWN
}
