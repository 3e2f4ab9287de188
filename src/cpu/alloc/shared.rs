//! Memory that processes forked later share.

/// A zeroed block that children of a later `fork` see and may write to; None if the system refuses.
#[cfg(unix)]
pub fn shared(nbytes: usize) -> Option<*mut u8> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: an anonymous mapping at an address of the system's choice touches nothing of ours.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), nbytes, access, libc::MAP_SHARED | libc::MAP_ANON, -1, 0) };
    (start != libc::MAP_FAILED).then(|| start.cast())
}

/// Gives a block of [`shared`] back; other processes keep theirs.
///
/// # Safety
/// `ptr` came from [`shared`] with this size, and nobody in this process uses it.
#[cfg(unix)]
pub unsafe fn unmap_shared(ptr: *mut u8, nbytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { libc::munmap(ptr.cast(), nbytes) };
}

/// Systems without `fork` have nobody to share with.
#[cfg(not(unix))]
pub fn shared(_: usize) -> Option<*mut u8> {
    None
}

/// Never called: there are no such blocks.
///
/// # Safety
/// None needed.
#[cfg(not(unix))]
pub unsafe fn unmap_shared(_: *mut u8, _: usize) {}
