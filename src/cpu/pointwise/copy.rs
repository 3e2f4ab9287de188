//! Copies with rearrangement and conversion, and fills.

use super::cast::cast;
use super::plan::{Cursor, Plan};
use super::transpose;
use super::walk::{Layout, Scratch, for_rows, gather, spread, strided};
use crate::cpu::parallel;
use crate::tensor::Strided;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Bytes from which a contiguous output is written past the caches: it would displace everything in them, and ordinary
/// stores would read each line first (benches/pointwise.rs, stream).
pub(super) const STREAM_MIN: usize = 16 << 20;
/// Bytes of a parallel chunk of a plain copy.
const COPY_GRAIN: usize = 256 << 10;

/// Writes blocks to memory, past the caches if it is on.
pub(super) struct Stream(bool);

impl Stream {
    #[inline(always)]
    pub fn new(on: bool) -> Self {
        Stream(on && cfg!(target_arch = "x86_64"))
    }

    #[inline(always)]
    pub fn on(&self) -> bool {
        self.0
    }

    /// Copies `bytes` bytes.
    ///
    /// # Safety
    /// As `copy_nonoverlapping`.
    #[inline(always)]
    pub unsafe fn write(&self, from: *const u8, to: *mut u8, bytes: usize) {
        // SAFETY: passed on.
        unsafe { if self.0 { stream(from, to, bytes, &[]) } else { to.copy_from_nonoverlapping(from, bytes) } }
    }

    /// As [`Stream::write`], asking for as many bytes at each address of `ahead`, where the next block's inputs are:
    /// while the stores wait for memory nothing else would read.
    ///
    /// # Safety
    /// As `copy_nonoverlapping`; the addresses may be anything.
    #[inline(always)]
    pub unsafe fn write_ahead(&self, from: *const u8, to: *mut u8, bytes: usize, ahead: &[*const u8]) {
        // SAFETY: passed on.
        unsafe { if self.0 { stream(from, to, bytes, ahead) } else { to.copy_from_nonoverlapping(from, bytes) } }
    }

    /// Orders the streamed stores before whatever announces that they are done.
    #[inline(always)]
    pub fn finish(&self) {
        #[cfg(target_arch = "x86_64")]
        if self.0 {
            // SAFETY: SSE2 is part of x86-64.
            unsafe { std::arch::x86_64::_mm_sfence() }
        }
    }
}

/// Non-temporal copy: whole 64-byte lines, in order, so that the write-combining buffers fill; edges by memcpy.
///
/// # Safety
/// As `copy_nonoverlapping`.
#[cfg(target_arch = "x86_64")]
unsafe fn stream(from: *const u8, to: *mut u8, bytes: usize, ahead: &[*const u8]) {
    use std::arch::x86_64::{__m128i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm_stream_si128};
    let head = to.align_offset(64).min(bytes);
    let lines = (bytes - head) / 64;
    // SAFETY: head + 64 lines + rest = bytes; prefetches do not fault.
    unsafe {
        to.copy_from_nonoverlapping(from, head);
        let (f, t) = (from.add(head), to.add(head));
        for i in 0..lines {
            let at = 64 * i;
            for p in ahead {
                _mm_prefetch::<_MM_HINT_T0>(p.wrapping_add(at).cast());
            }
            for k in 0..4 {
                let x = _mm_loadu_si128(f.add(at + 16 * k).cast::<__m128i>());
                _mm_stream_si128(t.add(at + 16 * k).cast::<__m128i>(), x);
            }
        }
        let done = head + 64 * lines;
        to.add(done).copy_from_nonoverlapping(from.add(done), bytes - done);
    }
}

#[cfg(not(target_arch = "x86_64"))]
unsafe fn stream(from: *const u8, to: *mut u8, bytes: usize, _: &[*const u8]) {
    // SAFETY: passed on.
    unsafe { to.copy_from_nonoverlapping(from, bytes) }
}

/// Copies `src`, broadcast to `dst.shape`, into `dst`, converting the dtype.
///
/// The two overlap nowhere, or are the same memory with the same layout.
pub fn copy(src: &Strided, dst: &Strided) {
    let same = src.dtype == dst.dtype;
    if same && src.ptr == dst.ptr && src.strides == dst.strides {
        return;
    }
    if same && src.is_contiguous() && dst.is_contiguous() {
        return contiguous(src.ptr, dst.ptr, dst.numel() * dst.dtype.size());
    }
    let operands = [*src, *dst];
    let plan = Plan::new(&operands);
    if plan.n == 0 {
        return;
    }
    let size = dst.dtype.size();
    if same && plan.is_dense(0, size) && plan.is_dense(1, size) {
        return contiguous(src.ptr, dst.ptr, plan.n * size);
    }
    if same && let Some(t) = transpose::find(&plan, size) {
        return transpose::copy(&plan, t, src.ptr, dst.ptr, size);
    }
    blocks(&plan, src, dst);
}

/// Bytes in order to bytes in order.
fn contiguous(src: *const u8, dst: *mut u8, bytes: usize) {
    let on = bytes >= STREAM_MIN;
    let (src, dst) = (Shared(src.cast_mut()), Shared(dst));
    let body = |range: Range<usize>| {
        let stream = Stream::new(on);
        // SAFETY: the range lies within both blocks.
        unsafe { stream.write(src.at(range.start), dst.at(range.start), range.len()) };
        stream.finish();
    };
    if bytes <= COPY_GRAIN { body(0..bytes) } else { parallel::chunks(bytes, COPY_GRAIN, &body) }
}

/// A pointer that chunks of a parallel loop share; each touches its own part.
#[derive(Clone, Copy)]
pub(super) struct Shared(pub *mut u8);

// SAFETY: see above.
unsafe impl Sync for Shared {}
// SAFETY: see above.
unsafe impl Send for Shared {}

impl Shared {
    /// # Safety
    /// As `offset`.
    #[inline(always)]
    pub unsafe fn at(&self, bytes: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { self.0.add(bytes) }
    }
}

/// Block by block: gather, convert, scatter, whichever are needed.
fn blocks(plan: &Plan, src: &Strided, dst: &Strided) {
    let (from, to) = (src.dtype.size(), dst.dtype.size());
    let layout = Layout::new(plan, 1, from.max(to));
    let convert = (src.dtype != dst.dtype).then(|| cast(src.dtype, dst.dtype));
    let (src_unit, dst_unit) = (layout.is_unit(0, from), layout.is_unit(1, to));
    let on = plan.is_dense(1, to) && plan.n * to >= STREAM_MIN;
    let repeated = layout.rows && plan.dims[0].strides[0] == 0;
    let body = |range: Range<usize>| {
        let mut raw = MaybeUninit::<Scratch>::uninit();
        let mut result = MaybeUninit::<Scratch>::uninit();
        let (raw, result) = (Scratch::ptr(&mut raw), Scratch::ptr(&mut result));
        let stream = Stream::new(on);
        let direct = dst_unit && !on;
        let mut walk = layout.walk(range.start);
        for _ in range {
            let len = walk.len();
            let cursor = &walk.cursor;
            // SAFETY: offsets of a plan stay within the operands; a block of either fits a scratch.
            unsafe {
                let x = src.ptr.offset(cursor.offsets[0]);
                let y = dst.ptr.offset(cursor.offsets[1]);
                // The last step writes to the output itself if its block is in order.
                let end = if direct { y } else { result };
                let done = match convert {
                    None if src_unit && !direct => x,
                    None => {
                        gather(&layout, 0, src, cursor, end, len);
                        end
                    }
                    Some(convert) if repeated => {
                        convert(x, raw, 1);
                        spread(raw, end, to, len);
                        end
                    }
                    Some(convert) => {
                        let x = if src_unit {
                            x
                        } else {
                            gather(&layout, 0, src, cursor, raw, len);
                            raw
                        };
                        convert(x, end, len);
                        end
                    }
                };
                if !direct {
                    scatter(&layout, 1, dst, cursor, done, len, &stream);
                }
            }
            walk.next();
        }
        stream.finish();
    };
    let grain = layout.grain(COPY_GRAIN / to);
    if layout.blocks <= grain { body(0..layout.blocks) } else { parallel::chunks(layout.blocks, grain, &body) }
}

/// Writes a finished block to where operand `k` has it.
///
/// # Safety
/// `from` holds `len` elements of the operand's dtype, the block at the cursor.
pub(super) unsafe fn scatter(
    layout: &Layout,
    k: usize,
    y: &Strided,
    cursor: &Cursor,
    from: *const u8,
    len: usize,
    stream: &Stream,
) {
    let size = y.dtype.size();
    // SAFETY: the output has room for the block at the cursor.
    unsafe {
        if layout.is_unit(k, size) {
            return stream.write(from, y.ptr.offset(cursor.offsets[k]), len * size);
        }
        let mut done = 0;
        for_rows(layout, cursor, k, len, |offset, stride, n| {
            strided(from.add(done * size), size as isize, y.ptr.offset(offset), stride, size, n);
            done += n;
        });
    }
}

/// Writes `value`, whose first bytes are an element of `dst.dtype`, to every element.
pub fn fill(dst: &Strided, value: [u8; 16]) {
    let operands = [*dst];
    let plan = Plan::new(&operands);
    if plan.n == 0 {
        return;
    }
    let size = dst.dtype.size();
    let layout = Layout::new(&plan, 0, size);
    let on = plan.is_dense(0, size) && plan.n * size >= STREAM_MIN;
    if layout.is_unit(0, size) && !on {
        return fill_in_order(dst, &value[..size], &layout);
    }
    let body = |range: Range<usize>| {
        let mut scratch = MaybeUninit::<Scratch>::uninit();
        let scratch = Scratch::ptr(&mut scratch);
        let stream = Stream::new(on);
        let mut walk = layout.walk(range.start);
        // SAFETY: a block fits the scratch, and the cursor stays within the output.
        unsafe {
            spread(value.as_ptr(), scratch, size, layout.block.min(plan.n));
            for _ in range {
                scatter(&layout, 0, dst, &walk.cursor, scratch, walk.len(), &stream);
                walk.next();
            }
        }
        stream.finish();
    };
    let grain = layout.grain(COPY_GRAIN / size);
    if layout.blocks <= grain { body(0..layout.blocks) } else { parallel::chunks(layout.blocks, grain, &body) }
}

/// As [`fill`], where every block lies in order. Stores go to the output itself: a copy of a filled block per block took a
/// quarter longer for 4 MiB, since memcpy writes the ends of a block out of order.
fn fill_in_order(dst: &Strided, value: &[u8], layout: &Layout) {
    let size = value.len();
    let alike = value.iter().all(|&b| b == value[0]);
    let write = |offset: isize, n: usize| {
        // SAFETY: the blocks of a layout lie within the output.
        unsafe {
            let to = dst.ptr.offset(offset);
            if alike { to.write_bytes(value[0], n * size) } else { spread(value.as_ptr(), to, size, n) }
        }
    };
    if layout.plan.is_dense(0, size) {
        let (n, grain) = (layout.plan.n, COPY_GRAIN / size);
        let body = |range: Range<usize>| write((range.start * size) as isize, range.len());
        return if n <= grain { body(0..n) } else { parallel::chunks(n, grain, &body) };
    }
    let body = |range: Range<usize>| {
        let mut walk = layout.walk(range.start);
        for _ in range {
            write(walk.cursor.offsets[0], walk.len());
            walk.next();
        }
    };
    let grain = layout.grain(COPY_GRAIN / size);
    if layout.blocks <= grain { body(0..layout.blocks) } else { parallel::chunks(layout.blocks, grain, &body) }
}
