//! From tensors to kernels: allocation by device, and one function per kernel family that matches on the device.
//!
//! Operations have checked shapes and dtypes. On the meta device every function returns at once.

pub mod activation;
pub mod attention;
pub mod conv;
pub mod ctc;
pub mod distance;
pub mod fft;
mod gpu;
pub mod grid;
pub mod index;
pub mod join;
pub mod linalg;
pub mod loss;
pub mod margin;
pub mod matmul;
pub mod norm;
pub mod optim;
pub mod pool;
pub mod random;
pub mod recurrent;
pub mod reduce;
pub mod resample;
pub mod scan;
pub mod softmax;
pub mod sort;

use crate::cpu::{self, alloc, pointwise};
use crate::error::{Error, Kind, Result, three_parts};
use crate::fail;
use crate::tensor::kept::Keep;
use crate::tensor::layout::{self, Shape, Strides};
use crate::tensor::{Buffer, DType, Device, Scalar, Storage, Strided, Tensor};

use std::sync::Arc;

pub use crate::cpu::pointwise::{Fun, Params};

/// Runs a block with `$F` as the element type of a float kernel: f64, or else f32 (operations convert the halves).
macro_rules! with_float {
    ($dtype:expr, $F:ident => $body:expr) => {
        if $dtype == $crate::tensor::DType::F64 {
            type $F = f64;
            $body
        } else {
            debug_assert_eq!($dtype, $crate::tensor::DType::F32);
            type $F = f32;
            $body
        }
    };
}
pub(crate) use with_float;

/// What `make` computes from `t` for a use that `numbers` describe, if it is kept: see [`crate::tensor::kept`].
fn kept<T: Keep>(t: &Tensor, numbers: impl Iterator<Item = usize>, make: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
    let key = [t.ptr() as usize, t.dtype() as usize, cpu::simd::level() as usize].into_iter().chain(numbers).collect();
    t.storage().kept(key, t.numel() * t.dtype().size(), make)
}

#[cold]
fn too_large(shape: &[usize]) -> Result<usize> {
    fail!(Runtime, torch: ("Storage size calculation overflowed with sizes={shape:?}"),
        expected: ("empty: expected a size below 2^63 bytes"), got: ("shape {shape:?}"), fix: ("Use smaller sizes."))
}

/// The error for a failed allocation.
#[cold]
pub fn out_of_memory(nbytes: usize) -> Error {
    three_parts(
        Kind::OutOfMemory,
        Some(format!(
            "[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: you tried to allocate {nbytes} bytes."
        )),
        format!("empty: expected free memory for {nbytes} bytes"),
        "a refusal by the system".to_owned(),
        "Use smaller tensors, a smaller batch or a smaller dtype, or free some.".to_owned(),
    )
}

/// A block from the caching allocator.
pub fn cpu_buffer(nbytes: usize, zeroed: bool) -> Result<Buffer> {
    if nbytes == 0 {
        return Ok(Buffer::empty());
    }
    let block = if zeroed { alloc::alloc_zeroed(nbytes) } else { alloc::alloc(nbytes) };
    let Some(block) = block else { return Err(out_of_memory(nbytes)) };
    unsafe fn free(ptr: *mut u8, _: usize, capacity: usize) {
        // SAFETY: made by `into_raw` below and freed once.
        drop(unsafe { alloc::Block::from_raw(ptr, capacity) });
    }
    let (ptr, capacity) = block.into_raw();
    // SAFETY: the block is ours until `free`.
    Ok(unsafe { Buffer::new(ptr, nbytes, capacity, free) })
}

/// Memory for `nbytes` on a device.
pub fn storage(nbytes: usize, device: Device, zeroed: bool) -> Result<Storage> {
    match device {
        Device::Cpu => Ok(Storage::new(cpu_buffer(nbytes, zeroed)?, device, true)),
        Device::Meta => Ok(Storage::meta(nbytes)),
        Device::Gpu => gpu::storage(nbytes, zeroed),
    }
}

/// A function in WGSL and whether it gives truth values, for a compute dtype that GPUs have.
#[cfg_attr(not(feature = "gpu"), expect(dead_code, reason = "for the GPU"))]
fn wgsl(fun: Fun, compute: DType) -> Option<(&'static str, bool)> {
    Some((fun.wgsl(compute)?, compute != DType::Bool && fun.out_dtype(compute) == DType::Bool))
}

fn nbytes_of(shape: &[usize], dtype: DType) -> Result<usize> {
    match layout::numel(shape).and_then(|n| n.checked_mul(dtype.size())).filter(|&n| n <= isize::MAX as usize) {
        Some(0) if !strides_fit(shape) => {
            fail!(Runtime, torch: ("Stride calculation overflowed"), expected: ("empty: expected strides below 2^63"), got: ("shape {shape:?}"), fix: ("Use smaller sizes."))
        }
        Some(n) => Ok(n),
        None => too_large(shape),
    }
}

/// Only beside a 0 can strides be too large.
fn strides_fit(shape: &[usize]) -> bool {
    shape.iter().skip(1).rev().try_fold(1isize, |s, &d| s.checked_mul(d.max(1) as isize)).is_some()
}

/// The bytes of a dense tensor; an error if they cannot be addressed.
pub fn check_size(shape: &[usize], dtype: DType) -> Result<usize> {
    nbytes_of(shape, dtype)
}

/// An error if tensors of a dtype cannot be on a device.
pub fn check_dtype(device: Device, dtype: DType) -> Result<()> {
    gpu::check(device, dtype)
}

/// A contiguous tensor without defined contents.
pub fn empty(shape: &[usize], dtype: DType, device: Device) -> Result<Tensor> {
    gpu::check(device, dtype)?;
    let s = storage(nbytes_of(shape, dtype)?, device, false)?;
    // SAFETY: the storage has room for the contiguous shape.
    let t = unsafe { Tensor::from_parts(s, 0, shape.into(), layout::contiguous_strides(shape), dtype) };
    Ok(mark(t))
}

/// A contiguous tensor of zeros.
pub fn zeros(shape: &[usize], dtype: DType, device: Device) -> Result<Tensor> {
    gpu::check(device, dtype)?;
    let s = storage(nbytes_of(shape, dtype)?, device, true)?;
    // SAFETY: as in `empty`.
    let t = unsafe { Tensor::from_parts(s, 0, shape.into(), layout::contiguous_strides(shape), dtype) };
    Ok(mark(t))
}

fn mark(t: Tensor) -> Tensor {
    if crate::autograd::mode::inference() {
        t.set_inference();
    }
    t
}

/// A tensor with given (non-negative) strides and no defined contents.
pub fn empty_strided(shape: &[usize], strides: &[isize], dtype: DType, device: Device) -> Result<Tensor> {
    layout::check_numel("empty_strided", shape)?;
    gpu::check(device, dtype)?;
    let reach = if shape.contains(&0) {
        Some(0)
    } else {
        shape
            .iter()
            .zip(strides)
            .try_fold(1usize, |n, (&d, &s)| n.checked_add((d - 1).checked_mul(usize::try_from(s).ok()?)?))
    };
    let nbytes = match reach.and_then(|n| n.checked_mul(dtype.size())).filter(|&n| n <= isize::MAX as usize) {
        Some(n) => n,
        None => too_large(shape)?,
    };
    let s = storage(nbytes, device, false)?;
    // SAFETY: the storage reaches as far as the strides do.
    let t = unsafe { Tensor::from_parts(s, 0, Shape::from_slice(shape), Strides::from_slice(strides), dtype) };
    Ok(mark(t))
}

/// A 0-d CPU tensor that holds a number and counts as a Python number in promotion.
pub fn wrapped(s: Scalar) -> Result<Tensor> {
    let t = scalar(s, s.dtype(), Device::Cpu)?;
    t.set_wrapped_number();
    Ok(t)
}

/// A 0-d tensor that holds a number.
pub fn scalar(s: Scalar, dtype: DType, device: Device) -> Result<Tensor> {
    let t = empty(&[], dtype, device)?;
    match device {
        Device::Cpu => {
            let bytes = s.to_bytes(dtype);
            // SAFETY: a 0-d tensor has room for one element.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), t.ptr(), dtype.size()) };
        }
        Device::Gpu => gpu::fill(&t, s),
        Device::Meta => {}
    }
    Ok(t)
}

/// Has one of these no memory? Operations refuse to mix devices; should one let a mix through, kernels must not run.
#[inline]
fn any_meta(tensors: &[&Tensor]) -> bool {
    tensors.iter().any(|t| t.is_meta())
}

/// Runs a pointwise function into `out`; inputs broadcast to its shape and are cast to `compute`.
pub fn pointwise(fun: Fun, compute: DType, ins: &[&Tensor], out: &Tensor, p: &Params) {
    if out.is_meta() || out.numel() == 0 || any_meta(ins) {
        return;
    }
    if out.is_gpu() {
        return gpu::pointwise(fun, compute, ins, out, p);
    }
    let shape = out.shape();
    if ins.iter().all(|t| t.shape() == shape) {
        let views: smallvec::SmallVec<[Strided; 4]> = ins.iter().map(|t| t.strided()).collect();
        return pointwise::run(fun, compute, &views, &out.strided(), p);
    }
    let strides: smallvec::SmallVec<[Strides; 4]> =
        ins.iter().map(|t| layout::broadcast_strides(t.shape(), t.strides(), shape)).collect();
    let views: smallvec::SmallVec<[Strided; 4]> =
        ins.iter().zip(&strides).map(|(t, s)| Strided { ptr: t.ptr(), dtype: t.dtype(), shape, strides: s }).collect();
    pointwise::run(fun, compute, &views, &out.strided(), p);
}

/// Is there a kernel for this function and dtype?
pub fn has_pointwise(fun: Fun, compute: DType) -> bool {
    pointwise::kernel(fun, compute).is_some()
}

/// Copies and casts; `src` broadcasts to `dst`.
pub fn copy(src: &Tensor, dst: &Tensor) {
    if dst.is_meta() || src.is_meta() || dst.numel() == 0 {
        return;
    }
    if src.is_gpu() || dst.is_gpu() {
        return gpu::copy(src, dst);
    }
    if src.is_lazy() || dst.is_lazy() {
        return copy_lazy(src, dst);
    }
    let strides = layout::broadcast_strides(src.shape(), src.strides(), dst.shape());
    let view = Strided { ptr: src.ptr(), dtype: src.dtype(), shape: dst.shape(), strides: &strides };
    pointwise::copy(&view, &dst.strided());
}

/// [`copy`] from or to what does not read as it is stored.
#[cold]
fn copy_lazy(src: &Tensor, dst: &Tensor) {
    let (from, to) = (src.stored(), dst.stored());
    let (mut conj, neg) = (src.is_conj() != dst.is_conj(), src.is_neg() != dst.is_neg());
    let compute = if dst.dtype().is_half() { DType::F32 } else { dst.dtype() };
    if conj && src.dtype() == dst.dtype() {
        pointwise(Fun::Conj, compute, &[&from], &to, &Params::default());
        conj = false;
    } else {
        copy(&from, &to);
    }
    // Conjugates of real numbers are themselves; the truth of a number is that of its negative.
    if conj && dst.dtype().is_complex() {
        pointwise(Fun::Conj, compute, &[&to], &to, &Params::default());
    }
    if neg && dst.dtype() != DType::Bool {
        pointwise(Fun::Neg, compute, &[&to], &to, &Params::default());
    }
}

/// Sets every element.
pub fn fill(dst: &Tensor, value: Scalar) {
    if dst.is_meta() || dst.numel() == 0 {
        return;
    }
    if dst.is_gpu() {
        return gpu::fill(dst, value);
    }
    if dst.is_lazy() {
        fill(&dst.stored(), value);
        return copy(&dst.stored(), dst);
    }
    pointwise::fill(&dst.strided(), value.to_bytes(dst.dtype()));
}

/// Number of threads that kernels use.
pub fn num_threads() -> usize {
    cpu::parallel::num_threads()
}

/// Prepares the allocator for forks; before anything else that looks after them.
pub fn watch_forks() {
    cpu::alloc::watch_forks();
}

/// Makes a storage hold at least `nbytes`, keeping its contents.
pub fn grow(s: &Storage, nbytes: usize) -> Result<()> {
    let old = s.nbytes();
    if nbytes <= old {
        return Ok(());
    }
    if !s.resizable() {
        fail!(Runtime, torch: ("Trying to resize storage that is not resizable"), expected: ("resize: expected memory of our own"), got: ("memory shared with another library"), fix: ("Clone the tensor first."));
    }
    if s.device() == Device::Meta {
        s.set_nbytes(nbytes);
        return Ok(());
    }
    let buffer = cpu_buffer(nbytes, false)?;
    if old > 0 {
        // SAFETY: both blocks hold `old` bytes and do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(s.ptr(), buffer.as_ptr(), old) };
    }
    s.replace(buffer);
    Ok(())
}

/// Moves a storage into memory that processes forked later share. The old block stays for kernels that still read it.
pub fn share(s: &Storage) -> Result<()> {
    if s.device() == Device::Meta || s.is_shared() {
        return Ok(());
    }
    let n = s.nbytes();
    if n > 0 {
        let Some(block) = alloc::shared(n) else { return Err(out_of_memory(n)) };
        unsafe fn free(ptr: *mut u8, nbytes: usize, _: usize) {
            // SAFETY: mapped by `alloc::shared` with this size and freed once.
            unsafe { alloc::unmap_shared(ptr, nbytes) }
        }
        // SAFETY: two blocks of n bytes; the new one is ours until `free`.
        unsafe {
            std::ptr::copy_nonoverlapping(s.ptr(), block, n);
            s.replace(Buffer::new(block, n, 0, free));
        }
    }
    s.set_shared();
    Ok(())
}

/// Writes `start + i * step`.
pub fn arange(out: &Tensor, start: Scalar, step: Scalar) {
    if out.is_meta() {
        return;
    }
    if out.is_gpu() {
        return gpu::create::by_way_of_cpu(out, |t| arange(t, start, step));
    }
    cpu::create::arange(&out.strided(), start, step);
}

/// Writes evenly spaced numbers from `start` to `end`, both included.
pub fn linspace(out: &Tensor, start: Scalar, end: Scalar) {
    if out.is_gpu() {
        gpu::create::by_way_of_cpu(out, |t| linspace(t, start, end));
    } else if !out.is_meta() {
        cpu::create::linspace(&out.strided(), start, end);
    }
}

/// Writes powers of `base` with evenly spaced exponents from `start` to `end`, both included.
pub fn logspace(out: &Tensor, start: Scalar, end: Scalar, base: f64) {
    if out.is_gpu() {
        gpu::create::by_way_of_cpu(out, |t| logspace(t, start, end, base));
    } else if !out.is_meta() {
        cpu::create::logspace(&out.strided(), start, end, base);
    }
}

/// Is some element of an integer tensor 0? The GPU does not look: by 0 it gives 0.
pub fn has_zero(x: &Tensor) -> bool {
    !x.is_meta() && !x.is_gpu() && x.numel() > 0 && pointwise::has_zero(&x.strided())
}

/// Adds `src` to a window of fresh zeros whose elements may coincide.
pub fn add_overlapping(src: &Tensor, window: &Tensor) {
    if any_meta(&[src, window]) || window.numel() == 0 {
        return;
    }
    if !layout::may_overlap_itself(window.shape(), window.strides()) {
        return copy(src, window);
    }
    if window.is_gpu() {
        return gpu::index::add_overlapping(src, window);
    }
    cpu::overlap::add(&src.strided(), &window.strided());
}

/// Sets the number of threads that kernels use.
pub fn set_num_threads(n: usize) {
    cpu::parallel::set_num_threads(n);
}

/// Writes numbers into a contiguous int64 vector of as many elements.
pub fn write_ints(out: &Tensor, list: &[i64]) {
    assert!(out.dtype() == DType::I64 && out.is_contiguous() && out.numel() == list.len());
    if out.is_gpu() {
        gpu::create::by_way_of_cpu(out, |t| write_ints(t, list));
    } else if !out.is_meta() {
        // SAFETY: just checked.
        unsafe { std::ptr::copy_nonoverlapping(list.as_ptr(), out.ptr().cast(), list.len()) };
    }
}

/// The vector level of kernels: 1 portable, 2 AVX2, 3 AVX-512.
pub fn simd_level() -> u8 {
    cpu::simd::level() as u8
}

/// Gives cached memory back to the system.
pub fn empty_cache() {
    alloc::empty_cache();
}

/// Bytes that the CPU allocator holds: allocated, reserved, and the peaks of both.
pub fn memory_stats() -> [usize; 4] {
    let s = alloc::stats();
    [s.allocated, s.reserved, s.peak_allocated, s.peak_reserved]
}
