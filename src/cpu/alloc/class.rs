//! Size classes: multiples of 64 bytes up to 256, then four steps per power of two (1.25, 1.5, 1.75, 2).
//! From 2 MiB on, capacities are whole huge pages; from 1 GiB on, steps are no coarser than that.

/// Size of a huge page; blocks from here on are mapped from the system, smaller ones come from `std::alloc`.
pub(super) const HUGE: usize = 2 << 20;

/// The largest capacity that threads keep in lists of their own.
pub(super) const LOCAL_MAX: usize = 1 << 20;
/// Classes of capacities up to `LOCAL_MAX`.
pub(super) const LOCAL_CLASSES: usize = index(LOCAL_MAX) + 1;

/// Above this, rounding up to the class would ask for much more than is needed.
const FINE: usize = 1 << 30;

/// No address space is larger, and sums of a few of these cannot overflow.
const MAX: usize = if usize::BITS >= 64 { 1 << 46 } else { 1 << (usize::BITS - 2) };
pub(super) const CLASSES: usize = index(MAX) + 1;

/// The capacity of a block for `nbytes` bytes; None if that is more than any machine has.
#[inline]
pub(super) const fn round(nbytes: usize) -> Option<usize> {
    if nbytes <= 256 {
        let nbytes = if nbytes == 0 { 1 } else { nbytes };
        return Some((nbytes + 63) & !63);
    }
    if nbytes > MAX {
        return None;
    }
    // nbytes - 1 = 1.xx... in binary with `log` digits behind the one; the step is the second of them.
    let log = (nbytes - 1).ilog2();
    let step = 1 << (log - 2);
    let capacity = (nbytes + step - 1) & !(step - 1);
    if capacity < HUGE {
        return Some(capacity);
    }
    let needed = if nbytes >= FINE { nbytes } else { capacity };
    Some((needed + HUGE - 1) & !(HUGE - 1))
}

/// The class of a capacity: the first whose capacity is not smaller.
///
/// Up to 1 GiB all blocks of a class have one capacity. Above, a block may be smaller than another of
/// its class, never smaller than one of the class below.
#[inline]
pub(super) const fn index(capacity: usize) -> usize {
    if capacity <= 256 {
        return capacity.div_ceil(64) - 1;
    }
    let log = (capacity - 1).ilog2();
    let quarter = ((capacity - 1) >> (log - 2)) & 3;
    4 + (log as usize - 8) * 4 + quarter
}

/// The capacity of a class below [`LOCAL_CLASSES`].
pub(super) const fn capacity(index: usize) -> usize {
    if index < 4 {
        return (index + 1) * 64;
    }
    (5 + (index - 4) % 4) << ((index - 4) / 4 + 6)
}
