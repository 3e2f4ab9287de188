//! Tests of what one process-wide cache allows: other tests allocate at the same time.

use super::*;
use std::collections::HashSet;
use std::sync::mpsc;

/// Capacities around every class border, and the classes' order.
#[test]
fn capacities_fit_and_classes_ascend() {
    let sizes = (0..46).flat_map(|log| {
        let n = 1usize << log;
        [n - 1, n, n + 1, n + n / 4, n + n / 4 + 1, n + n / 2, n + n / 2 + n / 4 + 1]
    });
    let mut sizes: Vec<usize> = sizes.filter(|&n| n <= 1 << 46).collect();
    sizes.sort_unstable();
    let (mut last_capacity, mut last_class) = (0, 0);
    for n in sizes {
        let capacity = class::round(n).unwrap();
        let class = class::index(capacity);
        assert!(capacity >= n && capacity.is_multiple_of(ALIGN) && capacity >= last_capacity);
        assert!(class >= last_class && class < class::CLASSES);
        assert!(capacity <= 256 || capacity <= n + n / 4 + 1 || capacity - n < class::HUGE, "{n} gives {capacity}");
        assert!(capacity < class::HUGE || capacity.is_multiple_of(class::HUGE));
        assert_eq!(class::round(capacity), Some(capacity), "capacities are their own capacity");
        if capacity <= class::LOCAL_MAX {
            assert_eq!(class::capacity(class), capacity);
        }
        (last_capacity, last_class) = (capacity, class);
    }
}

#[test]
fn impossible_sizes_give_none() {
    for n in [usize::MAX, usize::MAX - 63, usize::MAX / 2, isize::MAX as usize, (1 << 46) + 1] {
        assert!(alloc(n).is_none(), "{n}");
        assert!(alloc_zeroed(n).is_none(), "{n}");
    }
}

fn fill(block: &Block, value: u8) {
    // SAFETY: within the block, which the test owns.
    unsafe { block.ptr().write_bytes(value, block.capacity()) };
}

fn is_filled(block: &Block, n: usize, value: u8) -> bool {
    // SAFETY: within the block, and written before.
    unsafe { std::slice::from_raw_parts(block.ptr(), n) }.iter().all(|&b| b == value)
}

const SIZES: [usize; 12] =
    [0, 1, 64, 65, 1000, 4096, 70_000, 1 << 20, (1 << 20) + 1, 2 << 20, (2 << 20) + 1, 9_000_000];

#[test]
fn blocks_are_aligned_and_apart() {
    let blocks: Vec<Block> = SIZES.iter().chain(&SIZES).map(|&n| alloc(n).unwrap()).collect();
    for (i, block) in blocks.iter().enumerate() {
        assert_eq!(block.ptr().addr() % ALIGN, 0);
        assert!(block.capacity() >= SIZES[i % SIZES.len()].max(1));
        if cfg!(unix) && block.capacity() >= class::HUGE {
            assert_eq!(block.ptr().addr() % class::HUGE, 0);
        }
        fill(block, i as u8);
    }
    assert!(blocks.iter().enumerate().all(|(i, block)| is_filled(block, block.capacity(), i as u8)));
}

#[test]
fn zeroed_blocks_are_zero_after_reuse() {
    for n in SIZES {
        for _ in 0..3 {
            let block = alloc_zeroed(n).unwrap();
            assert!(is_filled(&block, n, 0), "{n}");
            fill(&block, 0xff);
        }
    }
}

#[test]
fn small_blocks_are_reused_last_in_first_out() {
    let (a, b) = (alloc(3000).unwrap(), alloc(3000).unwrap());
    let addresses = [a.ptr(), b.ptr()];
    drop(a);
    drop(b);
    let (c, d) = (alloc(2900).unwrap(), alloc(3001).unwrap());
    assert_eq!([d.ptr(), c.ptr()], addresses);
}

/// Blocks that another thread frees, most of them after the allocating thread is gone.
#[test]
fn blocks_travel_between_threads() {
    let (sender, receiver) = mpsc::channel::<Block>();
    std::thread::scope(|scope| {
        for t in 0..3u8 {
            let sender = sender.clone();
            scope.spawn(move || {
                for i in 0..2000 {
                    let block = alloc(SIZES[(i + t as usize) % 7]).unwrap();
                    fill(&block, t);
                    drop(alloc(100));
                    sender.send(block).unwrap();
                }
            });
        }
        drop(sender);
        scope.spawn(move || {
            for block in receiver {
                // SAFETY: filled by the sender.
                let first = unsafe { *block.ptr() };
                assert!(is_filled(&block, block.capacity(), first));
            }
        });
    });
}

/// A thread-local value that is dropped after the thread's lists may be gone still frees its block.
#[test]
fn blocks_may_outlive_their_threads_lists() {
    struct Late(std::cell::RefCell<Vec<Block>>);
    impl Drop for Late {
        fn drop(&mut self) {
            self.0.get_mut().push(alloc(500).unwrap());
        }
    }
    thread_local! {
        static EARLY: Late = const { Late(std::cell::RefCell::new(Vec::new())) };
    }
    for list_first in [true, false] {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                if list_first {
                    drop(alloc(500));
                }
                EARLY.with(|late| late.0.borrow_mut().push(alloc(500).unwrap()));
            });
        });
    }
}

/// Threads that allocate, free and trim at once get blocks that nobody else writes to.
#[test]
fn the_cache_keeps_blocks_apart_under_contention() {
    std::thread::scope(|scope| {
        for t in 0..4u64 {
            scope.spawn(move || {
                let mut state = t + 1;
                let mut held: Vec<(Block, u8)> = Vec::new();
                for i in 0..4000u32 {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    let n = 1usize << (6 + (state >> 33) % 16);
                    let block = alloc(n + (state >> 50) as usize % n).unwrap();
                    // SAFETY: first and last byte of an own block.
                    unsafe {
                        *block.ptr() = i as u8;
                        *block.ptr().add(block.capacity() - 1) = i as u8;
                    }
                    held.push((block, i as u8));
                    if held.len() > 20 {
                        let (block, mark) = held.swap_remove((state >> 40) as usize % 20);
                        // SAFETY: as above.
                        assert_eq!(unsafe { (*block.ptr(), *block.ptr().add(block.capacity() - 1)) }, (mark, mark));
                    }
                    if i % 1000 == 999 {
                        empty_cache();
                    }
                }
                let addresses: HashSet<_> = held.iter().map(|(block, _)| block.ptr()).collect();
                assert_eq!(addresses.len(), held.len());
            });
        }
    });
}
