//! The tensor handle: a view of a storage, with its place in the autograd graph.

use super::graveyard::{self, Remains};
use super::layout::{self, Shape, Strides};
use super::node::{Edge, Hook, HookKind, Node};
use super::{DType, Device, Storage, Strided};
use smallvec::SmallVec;
use std::any::Any;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU16, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

/// A tensor. Cloning copies the handle, not the data.
#[derive(Clone)]
#[repr(transparent)]
pub struct Tensor(Arc<Inner>);

struct Inner {
    storage: Storage,
    offset: usize,
    numel: usize,
    shape: Shape,
    strides: Strides,
    dtype: DType,
    flags: AtomicU16,
    version: Version,
    // The tensor that this one is a differentiable view of.
    base: Option<Tensor>,
    meta: OnceLock<Arc<AutogradMeta>>,
    // The Python object that wraps this tensor, if there is one. Not owned.
    pyobj: AtomicPtr<c_void>,
}

/// Whose changes a tensor sees.
#[derive(Clone)]
pub enum Version {
    /// All tensors of the storage share one counter.
    Shared,
    /// `x.data` has a counter of its own.
    Own(Arc<AtomicU32>),
}

const REQUIRES_GRAD: u16 = 1;
const WRAPPED: u16 = 2;
const INFERENCE: u16 = 4;
const CONTIGUOUS: u16 = 8;
/// The bits that hold a view's [`Creation`].
const CREATION_SHIFT: u16 = 4;
const CREATION_MASK: u16 = 7;
/// Its history was replaced by an in-place operation, which its views have to notice.
const REBASED: u16 = 128;
/// An `nn.Parameter`.
const PARAMETER: u16 = 256;
/// Reads as the conjugates of what is stored.
const CONJ: u16 = 512;
/// Reads as the negatives of what is stored.
const NEG: u16 = 1024;
const LAZY: u16 = CONJ | NEG;

/// How a view came to be, which decides whether it may be changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Creation {
    /// An ordinary view.
    Default = 0,
    /// One of several views that one call returned (split, unbind, chunk).
    Multiple = 1,
    /// Made in no-grad mode.
    NoGrad = 2,
    /// Made by a user's `autograd.Function`.
    Custom = 3,
    /// Made in inference mode.
    Inference = 4,
}

/// A tensor's place in the graph and what users attached to it.
#[derive(Default)]
pub struct AutogradMeta {
    state: Mutex<MetaState>,
    adding: Mutex<()>,
}

/// The state behind [`AutogradMeta`]'s lock.
#[derive(Default)]
pub struct MetaState {
    /// Does a leaf ask for a gradient?
    pub requires_grad: bool,
    /// The accumulated gradient.
    pub grad: Option<Tensor>,
    /// Keeps the gradient's Python object alive, so that attributes set on it stay.
    pub grad_python: Option<Box<dyn Any + Send + Sync>>,
    /// The operation that made this tensor.
    pub grad_fn: Option<Edge>,
    /// For a view: the base's version of history that `grad_fn` was made for.
    pub attr_version: u32,
    /// For a base: counts how often its history was replaced.
    pub history_version: u32,
    /// The leaf's accumulator, if a graph holds it.
    pub accumulator: Weak<Node>,
    /// Was `retain_grad` called?
    pub retains_grad: bool,
    /// Hooks of a leaf (those of other tensors live on their node).
    pub hooks: Vec<(u64, HookKind, Arc<dyn Hook>)>,
    /// Hooks that run after a leaf's gradient was accumulated.
    pub post_accumulate: Vec<(u64, Arc<dyn Hook>)>,
    /// A name (legacy, mostly None).
    pub name: Option<String>,
}

impl AutogradMeta {
    /// The state, locked. Never held while user code runs.
    pub fn lock(&self) -> MutexGuard<'_, MetaState> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The right to add to the gradient in place; the threads of several backward passes take turns. No user code runs
    /// while it is held.
    pub fn adding(&self) -> MutexGuard<'_, ()> {
        self.adding.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Replaces the accumulated gradient. The old one is dropped outside of the lock: what dies with it may be Python's.
    pub fn set_grad(&self, grad: Option<Tensor>) {
        let mut m = self.lock();
        let old = (std::mem::replace(&mut m.grad, grad), m.grad_python.take());
        drop(m);
        drop(old);
    }

    /// Replaces the gradient unless it is another one than `old` by now.
    pub fn swap_grad(&self, old: Option<&Tensor>, new: Tensor) -> bool {
        let mut m = self.lock();
        let same = match (&m.grad, old) {
            (None, None) => true,
            (Some(a), Some(b)) => a.is(b),
            _ => false,
        };
        if same {
            let old = (m.grad.replace(new), m.grad_python.take());
            drop(m);
            drop(old);
        }
        same
    }
}

impl Drop for AutogradMeta {
    fn drop(&mut self) {
        let m = self.state.get_mut().unwrap_or_else(|e| e.into_inner());
        if m.grad.is_some() || m.grad_python.is_some() || !m.hooks.is_empty() || !m.post_accumulate.is_empty() {
            graveyard::bury(Remains::Meta {
                grad: m.grad.take(),
                grad_python: m.grad_python.take(),
                hooks: std::mem::take(&mut m.hooks),
                post_accumulate: std::mem::take(&mut m.post_accumulate),
            });
        }
    }
}

impl Tensor {
    /// A tensor over `storage`.
    ///
    /// # Safety
    /// Every index within `shape` lies inside the storage's bytes.
    pub unsafe fn from_parts(storage: Storage, offset: usize, shape: Shape, strides: Strides, dtype: DType) -> Tensor {
        Tensor::build(storage, offset, shape, strides, dtype, 0, Version::Shared, None)
    }

    #[allow(clippy::too_many_arguments, reason = "the one constructor")]
    fn build(
        storage: Storage,
        offset: usize,
        shape: Shape,
        strides: Strides,
        dtype: DType,
        flags: u16,
        version: Version,
        base: Option<Tensor>,
    ) -> Tensor {
        let numel = shape.iter().product();
        let contiguous = if layout::is_contiguous(&shape, &strides) { CONTIGUOUS } else { 0 };
        Tensor(Arc::new(Inner {
            storage,
            offset,
            numel,
            shape,
            strides,
            dtype,
            flags: AtomicU16::new(flags | contiguous),
            version,
            base,
            meta: OnceLock::new(),
            pyobj: AtomicPtr::new(null_mut()),
        }))
    }

    /// A differentiable view with another layout. Its base is this tensor's base, or this tensor.
    ///
    /// # Safety
    /// As for [`Tensor::from_parts`].
    pub unsafe fn view_parts(
        &self,
        offset: usize,
        shape: Shape,
        strides: Strides,
        dtype: DType,
        creation: Creation,
    ) -> Tensor {
        // What forbids changing a view forbids changing views of it.
        let creation = if creation == Creation::Default { self.creation() } else { creation };
        let lazy = self.flags() & if dtype.is_complex() { LAZY } else { NEG };
        let flags = (self.flags() & INFERENCE) | lazy | (creation as u16) << CREATION_SHIFT;
        let base = self.0.base.clone().unwrap_or_else(|| self.clone());
        let history = base.history_version();
        let view = Tensor::build(
            self.0.storage.clone(),
            offset,
            shape,
            strides,
            dtype,
            flags,
            self.0.version.clone(),
            Some(base),
        );
        if history > 0 {
            view.meta().lock().attr_version = history;
        }
        view
    }

    /// The same data without history. Shares the version counter, so that changes in place are still noticed.
    pub fn detach(&self) -> Tensor {
        let i = &*self.0;
        Tensor::build(
            i.storage.clone(),
            i.offset,
            i.shape.clone(),
            i.strides.clone(),
            i.dtype,
            self.flags() & (INFERENCE | LAZY),
            i.version.clone(),
            None,
        )
    }

    /// The memory without history, read as it is stored: neither conjugated nor negated.
    pub fn stored(&self) -> Tensor {
        let t = self.detach();
        t.set_flag(LAZY, false);
        t
    }

    /// This tensor, which from now on reads what is stored as `other` does. To be called before anybody else sees it.
    pub fn reading_as(self, other: &Tensor) -> Tensor {
        self.0.flags.fetch_or(other.flags() & LAZY, Relaxed);
        self
    }

    /// A view of the same elements that reads as their conjugates, their negatives or both.
    pub fn lazily(&self, conj: bool, neg: bool) -> Tensor {
        let i = &*self.0;
        // SAFETY: the geometry is this tensor's.
        let view = unsafe { self.view_parts(i.offset, i.shape.clone(), i.strides.clone(), i.dtype, Creation::Default) };
        let flip = if conj { CONJ } else { 0 } | if neg { NEG } else { 0 };
        view.0.flags.fetch_xor(flip, Relaxed);
        view
    }

    /// The same data without history and with a counter of its own (`x.data`).
    pub fn data(&self) -> Tensor {
        let i = &*self.0;
        let version = Version::Own(Arc::new(AtomicU32::new(0)));
        let flags = self.flags() & (INFERENCE | LAZY);
        Tensor::build(i.storage.clone(), i.offset, i.shape.clone(), i.strides.clone(), i.dtype, flags, version, None)
    }

    /// Other data that takes this tensor's place in the graph (`set_`, `resize_`, `x.data = y`). It is no view: its
    /// geometry may lie outside of what was this tensor's base.
    pub fn with_data(&self, data: &Tensor) -> Tensor {
        let d = &*data.0;
        let flags = (self.flags() & (REQUIRES_GRAD | PARAMETER)) | (data.flags() & (INFERENCE | LAZY));
        let t = Tensor::build(
            d.storage.clone(),
            d.offset,
            d.shape.clone(),
            d.strides.clone(),
            d.dtype,
            flags,
            d.version.clone(),
            None,
        );
        if let Some(meta) = self.0.meta.get() {
            let _ = t.0.meta.set(meta.clone());
        }
        t
    }

    #[inline(always)]
    fn flags(&self) -> u16 {
        self.0.flags.load(Relaxed)
    }

    fn set_flag(&self, bit: u16, on: bool) {
        if on {
            self.0.flags.fetch_or(bit, Relaxed);
        } else {
            self.0.flags.fetch_and(!bit, Relaxed);
        }
    }

    /// The storage.
    #[inline(always)]
    pub fn storage(&self) -> &Storage {
        &self.0.storage
    }
    /// The first element's place in the storage, in elements.
    #[inline(always)]
    pub fn offset(&self) -> usize {
        self.0.offset
    }
    /// Extents.
    #[inline(always)]
    pub fn shape(&self) -> &[usize] {
        &self.0.shape
    }
    /// Strides in elements.
    #[inline(always)]
    pub fn strides(&self) -> &[isize] {
        &self.0.strides
    }
    /// Number of dims.
    #[inline(always)]
    pub fn ndim(&self) -> usize {
        self.0.shape.len()
    }
    /// Number of elements.
    #[inline(always)]
    pub fn numel(&self) -> usize {
        self.0.numel
    }
    /// Element type.
    #[inline(always)]
    pub fn dtype(&self) -> DType {
        self.0.dtype
    }
    /// Device.
    #[inline(always)]
    pub fn device(&self) -> Device {
        self.0.storage.device()
    }
    /// Is it on the meta device?
    #[inline(always)]
    pub fn is_meta(&self) -> bool {
        self.device() == Device::Meta
    }
    /// Extent of a dim that has been wrapped.
    #[inline]
    pub fn size(&self, dim: usize) -> usize {
        self.0.shape.get(dim).copied().unwrap_or(1)
    }
    /// Row-major without gaps?
    #[inline(always)]
    pub fn is_contiguous(&self) -> bool {
        self.flags() & CONTIGUOUS != 0
    }
    /// The first element's address, for kernels of the CPU. On a GPU it unwinds: what asks has no kernel there. So it
    /// does for what does not read as it is stored.
    #[inline(always)]
    pub fn ptr(&self) -> *mut u8 {
        let first = self.0.storage.ptr();
        if first.is_null() || self.is_lazy() {
            self.check_addressable();
        }
        first.wrapping_add(self.0.offset * self.0.dtype.size())
    }
    #[cold]
    fn check_addressable(&self) {
        if self.device() == Device::Gpu {
            crate::error::stop(crate::error::no_gpu_kernel());
        }
        if self.is_lazy() {
            crate::error::stop(crate::error::unresolved());
        }
    }
    /// Does it read as the conjugates of what is stored?
    #[inline]
    pub fn is_conj(&self) -> bool {
        self.flags() & CONJ != 0
    }
    /// Does it read as the negatives of what is stored?
    #[inline]
    pub fn is_neg(&self) -> bool {
        self.flags() & NEG != 0
    }
    /// Does it read as something else than what is stored?
    #[inline(always)]
    pub fn is_lazy(&self) -> bool {
        self.flags() & LAZY != 0
    }
    /// The first element's place in the storage, in bytes. Two tensors of one storage with one place start together.
    #[inline]
    pub fn place(&self) -> usize {
        self.0.offset * self.0.dtype.size()
    }
    /// Do both start at the same byte?
    #[inline]
    pub fn starts_with(&self, other: &Tensor) -> bool {
        self.0.storage.is(&other.0.storage) && self.place() == other.place()
    }
    /// Is it on the GPU?
    #[inline(always)]
    pub fn is_gpu(&self) -> bool {
        self.device() == Device::Gpu
    }
    /// What kernels take.
    #[inline(always)]
    pub fn strided(&self) -> Strided<'_> {
        Strided { ptr: self.ptr(), dtype: self.0.dtype, shape: &self.0.shape, strides: &self.0.strides }
    }
    /// A dim counted from the end if negative.
    #[inline]
    pub fn wrap_dim(&self, dim: i64) -> crate::error::Result<usize> {
        layout::wrap_dim(dim, self.ndim())
    }
    /// The same handle?
    #[inline]
    pub fn is(&self, other: &Tensor) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
    /// An identity that no other live tensor has.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
    /// Handles to this tensor.
    pub fn use_count(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Marks a 0-d tensor that stands for a Python number.
    pub fn set_wrapped_number(&self) {
        self.set_flag(WRAPPED, true);
    }
    /// Does it stand for a Python number?
    #[inline(always)]
    pub fn is_wrapped_number(&self) -> bool {
        self.flags() & WRAPPED != 0
    }
    /// Marks a tensor made in inference mode.
    pub fn set_inference(&self) {
        self.set_flag(INFERENCE, true);
    }
    /// Was it made in inference mode?
    #[inline(always)]
    pub fn is_inference(&self) -> bool {
        self.flags() & INFERENCE != 0
    }

    /// Marks a parameter of a module.
    pub fn set_parameter(&self) {
        self.set_flag(PARAMETER, true);
    }
    /// Is it a parameter of a module, or a view of one?
    #[inline(always)]
    pub fn is_parameter(&self) -> bool {
        self.flags() & PARAMETER != 0 || self.0.base.as_ref().is_some_and(|b| b.flags() & PARAMETER != 0)
    }

    /// How many times its data was changed in place.
    #[inline]
    pub fn version(&self) -> u32 {
        match &self.0.version {
            Version::Shared => self.0.storage.version(),
            Version::Own(v) => v.load(Relaxed),
        }
    }
    /// Counts an in-place change, after it.
    #[inline]
    pub fn bump_version(&self) {
        match &self.0.version {
            Version::Shared => self.0.storage.bump_version(),
            Version::Own(v) => {
                v.fetch_add(1, Relaxed);
                self.0.storage.touch();
            }
        }
    }
    /// Sets the counter (`torch.autograd._unsafe_preserve_version_counter`).
    pub fn set_version(&self, version: u32) {
        match &self.0.version {
            Version::Shared => self.0.storage.set_version(version),
            Version::Own(v) => v.store(version, Relaxed),
        }
    }

    /// The tensor that this one is a differentiable view of.
    #[inline(always)]
    pub fn base(&self) -> Option<&Tensor> {
        self.0.base.as_ref()
    }
    /// How this view came to be.
    pub fn creation(&self) -> Creation {
        match self.flags() >> CREATION_SHIFT & CREATION_MASK {
            1 => Creation::Multiple,
            2 => Creation::NoGrad,
            3 => Creation::Custom,
            4 => Creation::Inference,
            _ => Creation::Default,
        }
    }
    /// Sets how this view came to be.
    pub fn set_creation(&self, creation: Creation) {
        self.set_flag(CREATION_MASK << CREATION_SHIFT, false);
        self.set_flag((creation as u16) << CREATION_SHIFT, true);
    }

    /// Its autograd state, made on first use.
    pub fn meta(&self) -> &Arc<AutogradMeta> {
        self.0.meta.get_or_init(Arc::default)
    }
    /// Its autograd state, if it has any.
    #[inline(always)]
    pub fn meta_if_any(&self) -> Option<&Arc<AutogradMeta>> {
        self.0.meta.get()
    }

    /// Is a gradient wanted here: a leaf that asks for one, or a result of such?
    #[inline(always)]
    pub fn requires_grad(&self) -> bool {
        self.flags() & REQUIRES_GRAD != 0 || self.0.base.as_ref().is_some_and(|b| b.flags() & REQUIRES_GRAD != 0)
    }

    /// For a view whose base got another history since: that history's version.
    #[inline]
    pub fn outdated(&self) -> Option<u32> {
        let current = self.0.base.as_ref()?.history_version();
        (current > 0 && self.0.meta.get().map_or(0, |m| m.lock().attr_version) != current).then_some(current)
    }

    /// How often an in-place operation replaced this tensor's history.
    #[inline]
    pub fn history_version(&self) -> u32 {
        if self.flags() & REBASED == 0 { 0 } else { self.meta().lock().history_version }
    }

    /// Makes this tensor the result of an in-place operation: its views get another history, too.
    pub fn rebase_history(&self, edge: Edge) -> u32 {
        self.set_history(edge);
        let mut m = self.meta().lock();
        m.history_version += 1;
        let version = m.history_version;
        drop(m);
        self.set_flag(REBASED, true);
        version
    }

    /// Sets whether a leaf asks for a gradient.
    pub fn set_requires_grad(&self, on: bool) {
        self.meta().lock().requires_grad = on;
        self.set_flag(REQUIRES_GRAD, on);
    }

    /// Makes this tensor the result of a node.
    pub fn set_history(&self, edge: Edge) {
        let mut m = self.meta().lock();
        let moved = m.retains_grad.then(|| edge.clone());
        let old = m.grad_fn.replace(edge);
        m.requires_grad = false;
        drop(m);
        if let (Some(new), Some(old)) = (moved, &old) {
            new.node.take_retained(new.nr, old);
        }
        drop(old);
        self.set_flag(REQUIRES_GRAD, true);
    }

    /// Drops the history (`detach_`).
    pub fn clear_history(&self) {
        if let Some(meta) = self.0.meta.get() {
            let mut m = meta.lock();
            let old = m.grad_fn.take();
            m.requires_grad = false;
            drop(m);
            drop(old);
        }
        self.set_flag(REQUIRES_GRAD, false);
    }

    /// The edge to the node that made this tensor; views with a replaced history are the autograd layer's business.
    pub fn grad_fn_raw(&self) -> Option<Edge> {
        self.0.meta.get().and_then(|m| m.lock().grad_fn.clone())
    }

    /// Is it a leaf of the graph?
    pub fn is_leaf(&self) -> bool {
        !self.requires_grad() || (self.grad_fn_raw().is_none() && self.outdated().is_none())
    }

    /// The accumulated gradient.
    pub fn grad(&self) -> Option<Tensor> {
        self.0.meta.get().and_then(|m| m.lock().grad.clone())
    }
    /// Replaces the accumulated gradient.
    pub fn set_grad(&self, grad: Option<Tensor>) {
        if grad.is_none() && self.0.meta.get().is_none() {
            return;
        }
        self.meta().set_grad(grad);
    }

    /// The slot for the Python object that wraps this tensor.
    #[inline(always)]
    pub fn pyobj(&self) -> &AtomicPtr<c_void> {
        &self.0.pyobj
    }
}

/// A short list of tensors.
pub type TensorList = SmallVec<[Tensor; 2]>;
