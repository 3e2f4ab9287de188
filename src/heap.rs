//! The allocator of small objects: graph nodes, tensor headers, closures, shape lists.
//!
//! A graph of thousands of nodes is made in one go and freed in another. The system's allocator keeps few freed blocks
//! at hand and takes a slow path for the rest, which was a quarter of the time of a small operation with a gradient
//! (`overhead/add_grad` of benches/python/side_by_side.py). Here every thread keeps freed blocks in lists by size. Larger
//! blocks are the system's own business, so that what it refuses stays refused; tensors' memory is `cpu::alloc`'s.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// Bytes from one class of sizes to the next, and what every block is aligned to.
const UNIT: usize = 16;
/// Classes; larger blocks come from the system.
const CLASSES: usize = 32;
/// Bytes that a list keeps at most.
const KEPT: usize = 64 << 10;

#[global_allocator]
static HEAP: Heap = Heap;

struct Heap;

/// A free block's link to the next one.
struct Link(*mut Link);

/// One thread's free blocks: per class the first of a list, and how many there are. Every block in the list of class c is
/// free, of `(c + 1) * UNIT` bytes from the system, and belongs to the list.
struct Lists([Cell<(*mut Link, usize)>; CLASSES]);

thread_local! {
    static LISTS: Lists = const { Lists([const { Cell::new((ptr::null_mut(), 0)) }; CLASSES]) };
}

/// The class of a layout that has one.
#[inline(always)]
fn class(layout: Layout) -> Option<usize> {
    let class = layout.size().div_ceil(UNIT).wrapping_sub(1);
    (class < CLASSES && layout.align() <= UNIT).then_some(class)
}

/// What the system is asked for in the place of a layout of this class.
#[inline(always)]
fn whole(class: usize) -> Layout {
    // SAFETY: a power of two, and a size far from overflow.
    unsafe { Layout::from_size_align_unchecked((class + 1) * UNIT, UNIT) }
}

// SAFETY: blocks come from the system's allocator, with the layout that they are given back with: their own, or the whole
// of their class. A block is in a list or in use. Nothing here unwinds.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class(layout) else {
            // SAFETY: the caller's contract.
            return unsafe { System.alloc(layout) };
        };
        // Lists that are no more, at the end of a thread, have no blocks.
        let kept = LISTS.try_with(|lists| {
            let (block, count) = lists.0[class].get();
            if !block.is_null() {
                // SAFETY: the contract of the lists.
                lists.0[class].set((unsafe { (*block).0 }, count - 1));
            }
            block
        });
        match kept {
            Ok(block) if !block.is_null() => block.cast(),
            // SAFETY: not empty.
            _ => unsafe { System.alloc(whole(class)) },
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(class) = class(layout) else {
            // SAFETY: the caller's contract; `alloc` passed the layout on.
            return unsafe { System.dealloc(block, layout) };
        };
        let keep = LISTS.try_with(|lists| {
            let (first, count) = lists.0[class].get();
            let room = count < KEPT / ((class + 1) * UNIT);
            if room {
                let block = block.cast::<Link>();
                // SAFETY: the block is free, and has room and alignment for a link.
                unsafe { block.write(Link(first)) };
                lists.0[class].set((block, count + 1));
            }
            room
        });
        if keep != Ok(true) {
            // SAFETY: what `alloc` asked for.
            unsafe { System.dealloc(block, whole(class)) }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if class(layout).is_none() {
            // The system knows pages that are zero already.
            // SAFETY: the caller's contract.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: the caller's contract; a block holds its layout's bytes.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's contract: the size, rounded up to the alignment, does not overflow.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class(layout), class(new)) {
            // SAFETY: the caller's contract.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            (old, new) if old == new => block,
            // SAFETY: both blocks hold the smaller of the sizes, and the old one is freed once.
            _ => unsafe {
                let to = self.alloc(new);
                if !to.is_null() {
                    to.copy_from_nonoverlapping(block, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                to
            },
        }
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        for (class, list) in self.0.iter().enumerate() {
            let (mut block, _) = list.replace((ptr::null_mut(), 0));
            while !block.is_null() {
                // SAFETY: the contract of the lists.
                let next = unsafe { (*block).0 };
                // SAFETY: as above; the block leaves its list.
                unsafe { System.dealloc(block.cast(), whole(class)) };
                block = next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn classes_hold_what_they_serve() {
        for size in 1..=UNIT * CLASSES + 1 {
            match class(layout(size, 8)) {
                Some(c) => assert!(whole(c).size() >= size && whole(c).size() - size < UNIT),
                None => assert!(size > UNIT * CLASSES),
            }
        }
        assert_eq!(class(layout(64, 64)), None, "lists know no alignment beyond their own");
    }

    #[test]
    fn a_freed_block_serves_the_next_layout_of_its_class() {
        let (a, b) = (layout(100, 8), layout(112, 16));
        // SAFETY: each block is used within its layout and freed once.
        unsafe {
            let first = HEAP.alloc(a);
            HEAP.dealloc(first, a);
            let second = HEAP.alloc(b);
            assert_eq!(first, second);
            HEAP.dealloc(second, b);
        }
    }

    #[test]
    fn contents_survive_growth_and_zeroed_blocks_are_zero() {
        for (from, to) in [(1, 10), (10, 100), (100, 1000), (1000, 4000), (4000, 100), (512, 513), (513, 512)] {
            let old = layout(from, 8);
            // SAFETY: each block is used within its layout and freed once.
            unsafe {
                let block = HEAP.alloc_zeroed(old);
                assert!((0..from).all(|i| *block.add(i) == 0));
                (0..from).for_each(|i| *block.add(i) = i as u8);
                let block = HEAP.realloc(block, old, to);
                assert!((0..from.min(to)).all(|i| *block.add(i) == i as u8));
                HEAP.dealloc(block, layout(to, 8));
            }
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "blocks that change threads need a second one")]
    fn blocks_may_be_freed_by_another_thread_and_outlive_theirs() {
        let made = std::thread::spawn(|| (0..5000).map(|i| vec![i; 1 + i % 60]).collect::<Vec<_>>()).join().unwrap();
        std::thread::spawn(move || assert!(made.iter().enumerate().all(|(i, v)| v.iter().all(|&x| x == i))))
            .join()
            .unwrap();
    }
}
