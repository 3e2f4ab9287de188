//! Radix sort of items by the digits of their keys, least significant first.

use super::super::index::Ptr;
use super::super::parallel;
use super::Item;

/// Items that one task counts or moves.
pub(super) const CHUNK: usize = 1 << 15;
/// Bits of a digit: 2048 counters stay in the first-level cache.
const DIGIT: u32 = 11;
const BINS: usize = 1 << DIGIT;

/// Digits of a key of `bits` bits: (shift, width).
fn digits(bits: u32) -> impl Iterator<Item = (u32, u32)> {
    // Equal widths: 16 bits are two digits of 8, 32 are three of 11, 11 and 10.
    let passes = bits.div_ceil(DIGIT);
    let width = bits.div_ceil(passes.max(1));
    (0..passes).map(move |p| (p * width, width.min(bits - p * width)))
}

/// Sorts `a` by the lower `bits` of the keys with the help of `b`, on this thread. Is the result in `a`, or in `b`?
pub(super) fn single<U, I: Item<U>>(a: &mut [I], b: &mut [I], bits: u32) -> bool {
    let mut counts = [[0u32; BINS]; 6];
    let wide: smallvec::SmallVec<[(u32, u32); 6]> = digits(bits).collect();
    for &x in a.iter() {
        for (c, &(shift, width)) in counts.iter_mut().zip(&wide) {
            c[x.digit(shift, width)] += 1;
        }
    }
    let (mut from, mut to) = (a, b);
    let mut in_a = true;
    for (c, (shift, width)) in counts.iter_mut().zip(wide) {
        // A digit that all keys share moves nothing.
        if c[from[0].digit(shift, width)] as usize == from.len() {
            continue;
        }
        let mut sum = 0;
        for c in c.iter_mut() {
            sum += std::mem::replace(c, sum);
        }
        for &x in from.iter() {
            let slot = &mut c[x.digit(shift, width)];
            // SAFETY: the counters are a permutation's running positions, below the length of both buffers.
            unsafe { *to.get_unchecked_mut(*slot as usize) = x };
            *slot += 1;
        }
        std::mem::swap(&mut from, &mut to);
        in_a = !in_a;
    }
    in_a
}

/// As [`single`], with fixed chunks that any thread may take. A stable sort has one result, so chunks cannot show.
pub(super) fn shared<U, I: Item<U>>(a: &mut [I], b: &mut [I], bits: u32) -> bool {
    let n = a.len();
    let chunks = n.div_ceil(CHUNK);
    // At most 16 counters arrays, so that long rows do not spend their time on prefix sums.
    let per = chunks.div_ceil(16) * CHUNK;
    let parts = n.div_ceil(per);
    let mut counts = crate::error::filled([0u32; BINS], parts);
    let (mut from, mut to) = (a, b);
    let mut in_a = true;
    for (shift, width) in digits(bits) {
        let c = Ptr(counts.as_mut_ptr());
        let source: &[I] = from;
        let range = |p: usize| p * per..n.min((p + 1) * per);
        parallel::run(parts, &|p| {
            // SAFETY: each task has its own counters.
            let c = unsafe { &mut *c.get().add(p) };
            c.fill(0);
            for x in &source[range(p)] {
                c[x.digit(shift, width)] += 1;
            }
        });
        let first = source[0].digit(shift, width);
        if counts.iter().map(|c| c[first] as usize).sum::<usize>() == n {
            continue;
        }
        let mut sum = 0;
        for d in 0..1 << width {
            for c in &mut counts {
                sum += std::mem::replace(&mut c[d], sum);
            }
        }
        let target = Ptr(to.as_mut_ptr());
        let c = Ptr(counts.as_mut_ptr());
        parallel::run(parts, &|p| {
            // SAFETY: each task has its own counters, and the positions of all tasks together are a permutation.
            unsafe {
                let c = &mut *c.get().add(p);
                for &x in &source[range(p)] {
                    let slot = &mut c[x.digit(shift, width)];
                    *target.get().add(*slot as usize) = x;
                    *slot += 1;
                }
            }
        });
        std::mem::swap(&mut from, &mut to);
        in_a = !in_a;
    }
    in_a
}
