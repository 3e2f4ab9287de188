//! Memory that tensors share, with the counter that tells in-place changes apart.

use super::Device;
use super::kept::{Keep, Kept, Key};
use std::any::Any;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

/// An owned block of memory with the function that frees it, so that the storage needs to know no allocator.
pub struct Buffer {
    ptr: *mut u8,
    nbytes: usize,
    context: usize,
    free: unsafe fn(*mut u8, usize, usize),
    /// Memory that the processor cannot address.
    remote: Option<Arc<dyn Any + Send + Sync>>,
}

// SAFETY: a buffer is an owned block; the free functions may be called from any thread.
unsafe impl Send for Buffer {}
// SAFETY: as above; shared access reads the pointer alone.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Takes over a block that `free(ptr, nbytes, context)` gives back.
    ///
    /// # Safety
    /// `ptr` is valid for `nbytes` until `free` is called, and `free` may be called once, from any thread.
    pub unsafe fn new(ptr: *mut u8, nbytes: usize, context: usize, free: unsafe fn(*mut u8, usize, usize)) -> Self {
        Buffer { ptr, nbytes, context, free, remote: None }
    }

    /// The first byte.
    pub fn as_ptr(&self) -> *mut u8 {
        self.ptr
    }

    /// A buffer without memory.
    pub fn empty() -> Self {
        unsafe fn nothing(_: *mut u8, _: usize, _: usize) {}
        Buffer { ptr: std::ptr::null_mut(), nbytes: 0, context: 0, free: nothing, remote: None }
    }

    /// Memory of another device, which `remote` stands for and frees.
    pub fn remote(nbytes: usize, remote: Arc<dyn Any + Send + Sync>) -> Self {
        let mut buffer = Buffer::empty();
        (buffer.nbytes, buffer.remote) = (nbytes, Some(remote));
        buffer
    }

    /// A buffer over foreign memory, kept valid by `owner`.
    ///
    /// # Safety
    /// `ptr` is valid for `nbytes` for as long as `owner` lives.
    pub unsafe fn foreign(ptr: *mut u8, nbytes: usize, owner: Box<dyn Any + Send + Sync>) -> Self {
        type Owner = Box<dyn Any + Send + Sync>;
        unsafe fn drop_owner(_: *mut u8, _: usize, context: usize) {
            // SAFETY: `context` came from `Box::into_raw` below and is freed once.
            drop(unsafe { Box::from_raw(context as *mut Owner) });
        }
        Buffer { ptr, nbytes, context: Box::into_raw(Box::new(owner)) as usize, free: drop_owner, remote: None }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: `new`'s contract; a buffer is dropped once.
        unsafe { (self.free)(self.ptr, self.nbytes, self.context) }
    }
}

/// Shared memory: tensors that alias hold the same storage.
#[derive(Clone)]
pub struct Storage(Arc<Inner>);

struct Inner {
    ptr: AtomicPtr<u8>,
    nbytes: AtomicUsize,
    version: AtomicU32,
    device: Device,
    resizable: bool,
    // Its memory is shared with processes forked later.
    shared: AtomicBool,
    buffer: Buffer,
    // Blocks that replaced `buffer` after a resize. Older ones stay until the storage goes, so that a kernel
    // that runs on another thread never loses the memory under it.
    grown: Mutex<Vec<Buffer>>,
    // The Python object that wraps this storage, if there is one. Not owned.
    pyobj: AtomicPtr<c_void>,
    // Writes that `version` does not count.
    writes: AtomicU32,
    // Others may write to the memory without counting.
    exposed: AtomicBool,
    kept: Kept,
}

impl Storage {
    /// Wraps a buffer.
    pub fn new(buffer: Buffer, device: Device, resizable: bool) -> Self {
        Storage(Arc::new(Inner {
            ptr: AtomicPtr::new(buffer.ptr),
            nbytes: AtomicUsize::new(buffer.nbytes),
            version: AtomicU32::new(0),
            device,
            resizable,
            shared: AtomicBool::new(false),
            buffer,
            grown: Mutex::new(Vec::new()),
            pyobj: AtomicPtr::new(null_mut()),
            writes: AtomicU32::new(0),
            exposed: AtomicBool::new(false),
            kept: Kept::default(),
        }))
    }

    /// A storage that stands for `nbytes` without memory.
    pub fn meta(nbytes: usize) -> Self {
        let s = Storage::new(Buffer::empty(), Device::Meta, true);
        s.0.nbytes.store(nbytes, Ordering::Relaxed);
        s
    }

    /// The first byte; null if there is no memory.
    #[inline(always)]
    pub fn ptr(&self) -> *mut u8 {
        self.0.ptr.load(Ordering::Acquire)
    }

    /// Memory of another device, if it is there.
    pub fn remote(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.0.buffer.remote.as_ref()
    }

    /// Size in bytes.
    #[inline]
    pub fn nbytes(&self) -> usize {
        self.0.nbytes.load(Ordering::Acquire)
    }

    /// The device.
    #[inline(always)]
    pub fn device(&self) -> Device {
        self.0.device
    }

    /// May [`Storage::replace`] change the memory? Foreign and shared memory may not be resized.
    pub fn resizable(&self) -> bool {
        self.0.resizable && !self.is_shared()
    }

    /// Do processes forked from now on see the same memory?
    pub fn is_shared(&self) -> bool {
        self.0.shared.load(Ordering::Acquire)
    }

    /// Marks the memory as shared with forked processes.
    pub fn set_shared(&self) {
        self.0.shared.store(true, Ordering::Release);
    }

    /// How often the contents were changed in place, as users see it.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.0.version.load(Ordering::Relaxed)
    }

    /// Counts a change in place, after it.
    #[inline(always)]
    pub fn bump_version(&self) {
        self.0.version.fetch_add(1, Ordering::Release);
        self.0.kept.clear();
    }

    /// Sets the count of changes.
    pub fn set_version(&self, version: u32) {
        self.0.version.store(version, Ordering::Relaxed);
        self.touch();
    }

    /// Tells of a change that [`Storage::version`] does not count, after it.
    pub fn touch(&self) {
        self.0.writes.fetch_add(1, Ordering::Release);
        self.0.kept.clear();
    }

    /// From now on, others may write to the memory without telling.
    pub fn expose(&self) {
        self.0.exposed.store(true, Ordering::Release);
        self.touch();
    }

    /// A value computed from the contents, see [`super::kept`]; None if none is kept.
    pub fn kept<T: Keep>(&self, key: Key, nbytes: usize, make: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        if self.0.exposed.load(Ordering::Acquire) || !self.resizable() {
            return None;
        }
        let stamp = || (self.0.version.load(Ordering::Acquire), self.0.writes.load(Ordering::Acquire));
        self.0.kept.get(stamp, key, nbytes, make)
    }

    /// Puts another block in place of the present one; the caller has copied what should survive.
    pub fn replace(&self, buffer: Buffer) {
        let mut grown = self.0.grown.lock().unwrap_or_else(|e| e.into_inner());
        self.0.nbytes.store(self.nbytes().min(buffer.nbytes), Ordering::Release);
        self.0.ptr.store(buffer.ptr, Ordering::Release);
        self.0.nbytes.store(buffer.nbytes, Ordering::Release);
        grown.push(buffer);
        drop(grown);
        self.touch();
    }

    /// Sets the size of a storage whose block is large enough, or that has none (meta).
    pub fn set_nbytes(&self, nbytes: usize) {
        self.0.nbytes.store(nbytes, Ordering::Release);
    }

    /// Bytes of the block that was first allocated.
    pub fn first_capacity(&self) -> usize {
        self.0.buffer.nbytes
    }

    /// Do both handles mean the same memory?
    #[inline]
    pub fn is(&self, other: &Storage) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The slot for the Python object that wraps this storage.
    pub fn pyobj(&self) -> &AtomicPtr<c_void> {
        &self.0.pyobj
    }

    /// Handles to this storage.
    pub fn use_count(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// An identity that no other live storage has.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}
