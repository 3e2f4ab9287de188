//! Walking a plan in blocks, and moving one block between an operand and contiguous scratch.

use super::plan::{Cursor, Plan};
use crate::tensor::Strided;
use std::mem::MaybeUninit;

/// Elements of a block: every operand's 4-byte elements fill 4 KiB of the L1 cache.
pub(super) const BLOCK: usize = 1024;
/// Bytes of the widest element.
pub(super) const WIDEST: usize = 16;
/// Innermost rows at least this long are blocks by themselves; shorter ones are packed together.
const ROW_MIN: usize = 128;

/// Room for one block of one operand.
#[repr(align(64))]
pub(super) struct Scratch([MaybeUninit<u8>; BLOCK * 8]);

impl Scratch {
    #[inline(always)]
    pub fn ptr(this: &mut MaybeUninit<Scratch>) -> *mut u8 {
        // SAFETY: the address of a field, which is not read.
        unsafe { (&raw mut (*this.as_mut_ptr()).0).cast() }
    }
}

/// Elements of a block whose widest operand has elements of `size` bytes.
pub(super) fn block_len(size: usize) -> usize {
    if size <= 8 { BLOCK } else { BLOCK * 8 / WIDEST }
}

/// How the executor walks a plan.
pub(super) struct Layout<'a> {
    pub plan: &'a Plan,
    /// Elements of a block.
    pub block: usize,
    /// Does a block lie within one innermost row?
    pub rows: bool,
    /// Number of blocks.
    pub blocks: usize,
    /// Blocks per row.
    per_row: usize,
}

impl<'a> Layout<'a> {
    /// Blocks of a plan over `count` inputs whose widest element has `widest` bytes.
    pub fn new(plan: &'a Plan, count: usize, widest: usize) -> Self {
        let block = block_len(widest);
        let row = plan.dims[0].size;
        if row >= ROW_MIN || plan.dims.len() == 1 {
            let per_row = row.div_ceil(block);
            return Layout { plan, block, rows: true, blocks: plan.n / row * per_row, per_row };
        }
        // Whole periods of the operands that repeat within a block, so that what was gathered for one block serves the
        // next.
        let period = (0..count).map(|k| plan.period(k)).filter(|&n| n <= block).max().unwrap_or(1).max(row);
        let block = block / period * period;
        Layout { plan, block, rows: false, blocks: plan.n.div_ceil(block), per_row: 1 }
    }

    /// Blocks per chunk of about `grain` elements.
    pub fn grain(&self, grain: usize) -> usize {
        let len = if self.rows { self.plan.dims[0].size.min(self.block) } else { self.block };
        (grain / len).max(1)
    }

    /// The first block of a range.
    pub fn walk(&self, first: usize) -> Walk<'_> {
        let (i, in_row) = self.start(first);
        Walk { layout: self, cursor: self.plan.locate(i), i, in_row }
    }

    /// Does operand `k`, with elements of `size` bytes, lie in order within every block?
    pub fn is_unit(&self, k: usize, size: usize) -> bool {
        self.plan.is_dense(k, size) || (self.rows && self.plan.dims[0].strides[k] == size as isize)
    }

    /// Linear index of block `b`, and its place in the row.
    fn start(&self, b: usize) -> (usize, usize) {
        if self.rows {
            let in_row = b % self.per_row * self.block;
            (b / self.per_row * self.plan.dims[0].size + in_row, in_row)
        } else {
            (b * self.block, 0)
        }
    }
}

/// The current block of a walk.
pub(super) struct Walk<'a> {
    layout: &'a Layout<'a>,
    pub cursor: Cursor,
    i: usize,
    in_row: usize,
}

impl Walk<'_> {
    /// Elements of the block.
    #[inline]
    pub fn len(&self) -> usize {
        if self.layout.rows {
            self.layout.block.min(self.layout.plan.dims[0].size - self.in_row)
        } else {
            self.layout.block.min(self.layout.plan.n - self.i)
        }
    }

    /// To the next block.
    #[inline]
    pub fn next(&mut self) {
        let len = self.len();
        let plan = self.layout.plan;
        self.i += len;
        if self.layout.rows {
            self.in_row = if self.in_row + len == plan.dims[0].size { 0 } else { self.in_row + len };
            self.cursor.advance(plan, len);
        } else if self.i < plan.n {
            self.cursor = plan.locate(self.i);
        }
    }
}

/// Calls `f(offset, stride, n)` for each part of an innermost row of operand `k` in the `len` elements from `cursor`.
pub(super) fn for_rows(layout: &Layout, cursor: &Cursor, k: usize, len: usize, mut f: impl FnMut(isize, isize, usize)) {
    let stride = layout.plan.dims[0].strides[k];
    if layout.rows {
        return f(cursor.offsets[k], stride, len);
    }
    for_runs(layout, cursor, k, 0, len, |offset, n| f(offset, stride, n));
}

/// Calls `f(offset, n)` for each run along dim `level` of operand `k` in the `len` steps of that dim from `cursor`.
fn for_runs(layout: &Layout, cursor: &Cursor, k: usize, level: usize, len: usize, mut f: impl FnMut(isize, usize)) {
    let dims = &layout.plan.dims;
    let mut index = cursor.index.clone();
    let mut offset = cursor.offsets[k];
    let mut left = len;
    loop {
        let n = left.min(dims[level].size - index[level]);
        f(offset, n);
        left -= n;
        if left == 0 {
            return;
        }
        offset -= index[level] as isize * dims[level].strides[k];
        index[level] = 0;
        let mut d = level + 1;
        loop {
            index[d] += 1;
            offset += dims[d].strides[k];
            if index[d] < dims[d].size {
                break;
            }
            offset -= dims[d].size as isize * dims[d].strides[k];
            index[d] = 0;
            d += 1;
        }
    }
}

/// Rows shorter than this are collected many at a time.
const SHORT: usize = 16;

/// Collects `len` elements of operand `k` from `cursor` into `to`.
///
/// # Safety
/// `to` has room for them.
pub(super) unsafe fn gather(layout: &Layout, k: usize, x: &Strided, cursor: &Cursor, to: *mut u8, len: usize) {
    let size = x.dtype.size();
    let mut done = 0;
    let row = layout.plan.dims[0].size;
    if row < SHORT && !layout.rows && cursor.index[0] == 0 && len.is_multiple_of(row) {
        let s = [layout.plan.dims[0].strides[k], layout.plan.dims[1].strides[k]];
        return for_runs(layout, cursor, k, 1, len / row, |offset, rows| {
            // SAFETY: as below.
            unsafe {
                let (from, to) = (x.ptr.offset(offset), to.add(done * size));
                match size {
                    1 => short_rows::<u8>(from, s, to, row, rows),
                    2 => short_rows::<u16>(from, s, to, row, rows),
                    4 => short_rows::<u32>(from, s, to, row, rows),
                    8 => short_rows::<u64>(from, s, to, row, rows),
                    _ => short_rows::<u128>(from, s, to, row, rows),
                }
            }
            done += rows * row;
        });
    }
    for_rows(layout, cursor, k, len, |offset, stride, n| {
        // SAFETY: offsets of a plan stay within the operand, and `done + n <= len`.
        unsafe {
            let from = x.ptr.offset(offset);
            if stride == 0 {
                spread(from, to.add(done * size), size, n);
            } else {
                strided(from, stride, to.add(done * size), size as isize, size, n);
            }
        }
        done += n;
    });
}

crate::multiversion! {
    /// `rows` rows of `n` elements, `s[0]` bytes apart within a row and `s[1]` from row to row, in order to `to`.
    unsafe fn short_rows[T: Copy](from: *const u8, s: [isize; 2], to: *mut u8, n: usize, rows: usize) {
        // What is constant here becomes part of the loop.
        let unit = size_of::<T>() as isize;
        match (n, s) {
            (2, [a, b]) if b == unit => tuples::<T>(from, [a, unit], to, 2, rows),
            (3, [a, b]) if b == unit => tuples::<T>(from, [a, unit], to, 3, rows),
            (4, [0, b]) if b == unit => tuples::<T>(from, [0, unit], to, 4, rows),
            (4, [a, b]) if b == unit => tuples::<T>(from, [a, unit], to, 4, rows),
            (5.., [0, b]) => repeated::<T>(from, b, to, n, rows),
            (5.., [a, 0]) => again::<T>(from, a, to, n, rows),
            (_, [0, b]) => tuples::<T>(from, [0, b], to, n, rows),
            (_, [a, b]) if a == unit => tuples::<T>(from, [unit, b], to, n, rows),
            _ => tuples::<T>(from, s, to, n, rows),
        }
    }
}

/// Rows of one element each, `s` bytes apart. All but the last are written as vectors that go on beyond their end.
#[inline(always)]
unsafe fn repeated<T: Copy>(from: *const u8, s: isize, to: *mut u8, n: usize, rows: usize) {
    let to = to.cast::<T>();
    // SAFETY: the caller's contract; a vector ends where the rows do, or before.
    unsafe {
        for r in 0..rows {
            let x = from.offset(r as isize * s).cast::<T>().read_unaligned();
            if (rows - r) * n >= SHORT {
                to.add(r * n).cast::<[T; SHORT]>().write_unaligned([x; SHORT]);
            } else {
                (0..n).for_each(|i| to.add(r * n + i).write_unaligned(x));
            }
        }
    }
}

/// One row of elements `s` bytes apart, many times, written as in [`repeated`].
#[inline(always)]
unsafe fn again<T: Copy>(from: *const u8, s: isize, to: *mut u8, n: usize, rows: usize) {
    let to = to.cast::<T>();
    // SAFETY: as above.
    unsafe {
        let at = |i: usize| from.offset(i as isize * s).cast::<T>().read_unaligned();
        let mut row = [at(0); SHORT];
        (0..n).for_each(|i| row[i] = at(i));
        for r in 0..rows {
            if (rows - r) * n >= SHORT {
                to.add(r * n).cast::<[T; SHORT]>().write_unaligned(row);
            } else {
                (0..n).for_each(|i| to.add(r * n + i).write_unaligned(row[i]));
            }
        }
    }
}

#[inline(always)]
unsafe fn tuples<T: Copy>(from: *const u8, s: [isize; 2], to: *mut u8, n: usize, rows: usize) {
    let to = to.cast::<T>();
    for r in 0..rows {
        for i in 0..n {
            // SAFETY: the caller's contract; elements may lie unaligned in byte scratch.
            unsafe {
                let x = from.offset(r as isize * s[1] + i as isize * s[0]).cast::<T>().read_unaligned();
                to.add(r * n + i).write_unaligned(x);
            }
        }
    }
}

/// Repeats one element `n` times.
///
/// # Safety
/// `to` has room for them and does not overlap `from`.
pub(super) unsafe fn spread(from: *const u8, to: *mut u8, size: usize, n: usize) {
    // SAFETY: the caller's contract; elements may lie unaligned in byte scratch.
    unsafe {
        match size {
            1 => to.write_bytes(*from, n),
            2 => repeat(from.cast::<u16>().read_unaligned(), to, n),
            4 => repeat(from.cast::<u32>().read_unaligned(), to, n),
            8 => repeat(from.cast::<u64>().read_unaligned(), to, n),
            _ => repeat(from.cast::<u128>().read_unaligned(), to, n),
        }
    }
}

crate::multiversion! {
    unsafe fn repeat[T: Copy](x: T, to: *mut u8, n: usize) {
        for i in 0..n {
            to.cast::<T>().add(i).write_unaligned(x);
        }
    }
}

/// Copies `n` elements of `size` bytes between strides in bytes.
///
/// # Safety
/// Both sides have the elements, and they do not overlap.
#[inline]
pub(super) unsafe fn strided(from: *const u8, fs: isize, to: *mut u8, ts: isize, size: usize, n: usize) {
    macro_rules! go {
        ($t:ty) => {{
            // SAFETY: the caller's contract.
            unsafe {
                if ts == size_of::<$t>() as isize {
                    let to = to.cast::<$t>();
                    for i in 0..n {
                        to.add(i).write_unaligned(from.offset(i as isize * fs).cast::<$t>().read_unaligned());
                    }
                } else {
                    for i in 0..n as isize {
                        to.offset(i * ts)
                            .cast::<$t>()
                            .write_unaligned(from.offset(i * fs).cast::<$t>().read_unaligned());
                    }
                }
            }
        }};
    }
    if fs == size as isize && ts == size as isize {
        // SAFETY: as above.
        return unsafe { to.copy_from_nonoverlapping(from, n * size) };
    }
    match size {
        1 => go!(u8),
        2 => go!(u16),
        4 => go!(u32),
        8 => go!(u64),
        _ => go!(u128),
    }
}
