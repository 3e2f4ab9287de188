//! Threads: the only place that starts any.

use std::ops::Range;

/// Runs `f(i)` for every `i` below `n`, on the pool's threads and the caller's.
pub fn run(n: usize, f: &(dyn Fn(usize) + Sync)) {
    (0..n).for_each(f);
}

/// Splits `0..n` into chunks of `grain` (the last one shorter) and runs `f` on each.
///
/// The chunks depend on `n` and `grain` alone, so that results that are combined in chunk order
/// have the same bits for every number of threads.
pub fn chunks(n: usize, grain: usize, f: &(dyn Fn(Range<usize>) + Sync)) {
    let grain = grain.max(1);
    run(n.div_ceil(grain), &|i| f(i * grain..n.min((i + 1) * grain)));
}
