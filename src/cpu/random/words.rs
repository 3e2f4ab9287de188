//! Random words in bulk, and the loop that turns them into elements.

use super::order::Walk;
use crate::cpu::parallel;
use crate::multiversion;
use crate::tensor::generator::{Mt19937, temper};
use crate::tensor::{Element, Strided};
use std::mem::MaybeUninit;

multiversion! {
    /// Writes the next `n` words of the stream to `out`.
    ///
    /// # Safety
    /// `out` has room for `n` words; it need not be aligned beyond `u32`.
    pub(super) unsafe fn draw(engine: &mut Mt19937, out: *mut u32, n: usize) {
        let mut done = 0;
        while done < n {
            if engine.ready() == 0 {
                engine.advance();
            }
            let m = engine.ready().min(n - done);
            let to = out.add(done);
            for (i, &w) in engine.take(m).iter().enumerate() {
                to.add(i).write(temper(w));
            }
            done += m;
        }
    }
}

/// The 24 low bits of a word as a float in `[0, 1)`.
#[inline(always)]
pub(super) fn unit_f32(w: u32) -> f32 {
    (w & 0xff_ffff) as i32 as f32 * (1.0 / (1 << 24) as f32)
}

/// 53 bits of two words, the first one the high half.
///
/// # Safety
/// `w` points to two readable words.
#[inline(always)]
pub(super) unsafe fn bits53(w: *const u32) -> u64 {
    // SAFETY: the caller's. One load of both words vectorises better than two.
    let pair = unsafe { w.cast::<u64>().read_unaligned() };
    let value = if cfg!(target_endian = "little") { pair.rotate_left(32) } else { pair };
    value & ((1 << 53) - 1)
}

/// Two words as a double in `[0, 1)`.
///
/// # Safety
/// `w` points to two readable words.
#[inline(always)]
pub(super) unsafe fn unit_f64(w: *const u32) -> f64 {
    // SAFETY: the caller's. Below 2^53, so the signed conversion, which is one instruction, is exact.
    unsafe { bits53(w) as i64 as f64 * (1.0 / (1u64 << 53) as f64) }
}

/// Turns words into elements: `f(words, elements, n)` reads `per * n` words and writes `n` elements.
pub(super) type Convert<'a, T> = &'a (dyn Fn(*const u32, *mut T, usize) + Sync);

/// Elements in a step of the serial loop: words and results stay in the first-level cache.
const STEP: usize = 1024;
/// Elements drawn at a time for a parallel conversion: 1 MiB of words at most, which stay in the second-level cache.
const BATCH: usize = 1 << 17;
/// Elements of a parallel chunk.
const GRAIN: usize = 1 << 13;

/// How much a conversion costs, which decides whether it is worth handing to other threads.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Cost {
    /// About as much as drawing the words.
    Light,
    /// A logarithm or more an element.
    Heavy,
}

/// Fills `out` with `convert` of the stream's next words, `per` (1 or 2) an element, in memory order.
///
/// Draws are serial, so that the stream does not depend on the number of threads.
///
/// # Safety
/// `out` describes writable memory of `T`; `convert` keeps to the ranges that [`Convert`] names.
pub(super) unsafe fn fill<T: Element>(
    out: &Strided<'_>,
    engine: &mut Mt19937,
    per: usize,
    cost: Cost,
    convert: Convert<'_, T>,
) {
    let walk = Walk::new(out.shape, [out.strides]);
    let base = out.ptr.cast::<T>();
    if cost == Cost::Heavy && walk.numel() > GRAIN {
        // SAFETY: the caller's contract, passed on.
        return unsafe { fill_batches(&walk, base, engine, per, convert) };
    }
    let mut words = [MaybeUninit::<u32>::uninit(); 2 * STEP];
    let mut temporary = [MaybeUninit::<T>::uninit(); STEP];
    let (words, temporary) = (words.as_mut_ptr().cast::<u32>(), temporary.as_mut_ptr().cast::<T>());
    let mut cursor = walk.start();
    let mut at = 0;
    while at < walk.numel() {
        let n = STEP.min(walk.numel() - at);
        // SAFETY: `words` holds `2 * STEP`, `temporary` `STEP`, and the walk stays within `out`.
        unsafe {
            draw(engine, words, per * n);
            if walk.is_dense() {
                convert(words, base.add(at), n);
            } else {
                convert(words, temporary, n);
                let mut from = temporary;
                cursor.advance(n, |[o]| {
                    base.offset(o).write(from.read());
                    from = from.add(1);
                });
            }
        }
        at += n;
    }
}

/// A raw pointer that parallel chunks may share: each touches a range of its own.
#[derive(Clone, Copy)]
pub(super) struct Shared<T>(*mut T);
// SAFETY: users hand disjoint ranges to the threads.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}
impl<T> Shared<T> {
    pub(super) fn new(p: *mut T) -> Self {
        Shared(p)
    }
    /// The pointer; a method, so that closures capture the wrapper.
    #[inline(always)]
    pub(super) fn get(self) -> *mut T {
        self.0
    }
}

/// # Safety
/// As [`fill`].
unsafe fn fill_batches<T: Element>(
    walk: &Walk<1>,
    base: *mut T,
    engine: &mut Mt19937,
    per: usize,
    convert: Convert<'_, T>,
) {
    let batch = BATCH.min(walk.numel());
    let mut words = Vec::<u32>::with_capacity(per * batch);
    let mut temporary = Vec::<T>::with_capacity(if walk.is_dense() { 0 } else { batch });
    let words = Shared::new(words.as_mut_ptr());
    let mut cursor = walk.start();
    let mut at = 0;
    while at < walk.numel() {
        let n = batch.min(walk.numel() - at);
        // SAFETY: both buffers hold a batch, chunks are disjoint, and the walk stays within `out`.
        unsafe {
            draw(engine, words.get(), per * n);
            let to = Shared::new(if walk.is_dense() { base.add(at) } else { temporary.as_mut_ptr() });
            parallel::chunks(n, GRAIN, &|r| convert(words.get().add(per * r.start), to.get().add(r.start), r.len()));
            if !walk.is_dense() {
                let mut from = to.get();
                cursor.advance(n, |[o]| {
                    base.offset(o).write(from.read());
                    from = from.add(1);
                });
            }
        }
        at += n;
    }
}
