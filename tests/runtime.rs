//! Threads and memory as a process sees them: settings that all callers share, counters, forks.
//!
//! These live in a binary of their own because they need exact values of process-wide state.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use rustorch::cpu::alloc::{self, Stats};
use rustorch::cpu::parallel;

/// One test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sum(n: usize) -> usize {
    let sum = AtomicUsize::new(0);
    parallel::run(n, &|i| _ = sum.fetch_add(i, SeqCst));
    sum.into_inner()
}

/// The number of threads that work on a job whose chunks all wait for each other.
fn threads_at_work(n: usize) -> usize {
    let ids: Mutex<HashSet<ThreadId>> = Mutex::default();
    let arrived = AtomicUsize::new(0);
    parallel::run(n, &|_| {
        ids.lock().unwrap().insert(thread::current().id());
        arrived.fetch_add(1, SeqCst);
        while arrived.load(SeqCst) < n {
            thread::yield_now();
        }
    });
    ids.into_inner().unwrap().len()
}

#[test]
fn set_num_threads_really_makes_them() {
    let _alone = alone();
    for n in [4, 2, 1, 4, 9, 2] {
        parallel::set_num_threads(n);
        assert_eq!(parallel::num_threads(), n);
        assert_eq!(threads_at_work(n), n);
    }
    parallel::set_num_threads(0);
    assert_eq!(parallel::num_threads(), 1);
}

#[test]
fn chunks_do_not_depend_on_the_threads() {
    let _alone = alone();
    let cases =
        [(0usize, 4usize), (1, 4), (4, 4), (5, 4), (100, 7), (10, 0), (3, usize::MAX), (100_000, 32_768), (5000, 64)];
    for (n, grain) in cases {
        parallel::set_num_threads(1);
        let first = Mutex::new(Vec::new());
        parallel::chunks(n, grain, &|range| first.lock().unwrap().push(range));
        let expected = first.into_inner().unwrap();
        assert_eq!(
            expected.iter().cloned().flatten().collect::<Vec<_>>(),
            (0..n).collect::<Vec<_>>(),
            "n {n}, grain {grain}"
        );
        assert!(expected.iter().all(|range| range.len() <= grain.max(1)), "n {n}, grain {grain}: {expected:?}");
        if grain > 0 && grain % 64 == 0 {
            assert!(expected.iter().all(|range| range.start % 64 == 0), "n {n}, grain {grain}: {expected:?}");
        }
        for threads in [1, 2, 4] {
            parallel::set_num_threads(threads);
            let seen = Mutex::new(Vec::new());
            parallel::chunks(n, grain, &|range| seen.lock().unwrap().push(range));
            let mut seen = seen.into_inner().unwrap();
            seen.sort_by_key(|range| range.start);
            assert_eq!(seen, expected, "n {n}, grain {grain}, threads {threads}");
        }
    }
    // The last chunk's end must not overflow.
    let ends = Mutex::new(Vec::new());
    parallel::chunks(usize::MAX, usize::MAX / 2 + 1, &|range| ends.lock().unwrap().push(range.end));
    let mut ends = ends.into_inner().unwrap();
    ends.sort_unstable();
    assert_eq!(ends, [usize::MAX / 2 + 1, usize::MAX]);
}

#[test]
fn nested_jobs_run_inline() {
    let _alone = alone();
    for threads in [1, 2, 4] {
        parallel::set_num_threads(threads);
        let total = AtomicUsize::new(0);
        parallel::run(20, &|i| {
            let me = thread::current().id();
            parallel::run(30, &|j| {
                assert_eq!(thread::current().id(), me);
                total.fetch_add(i * 30 + j, SeqCst);
            });
        });
        assert_eq!(total.into_inner(), 600 * 599 / 2);
    }
}

#[test]
fn several_callers_share_the_team() {
    let _alone = alone();
    parallel::set_num_threads(4);
    thread::scope(|scope| {
        for t in 0..5 {
            scope.spawn(move || {
                for n in 0..1000 {
                    assert_eq!(sum(n), n * n.saturating_sub(1) / 2);
                    if t == 0 && n % 100 == 0 {
                        parallel::set_num_threads(2 + n / 100 % 3);
                    }
                }
            });
        }
    });
}

#[test]
fn panics_pass_and_free_the_team() {
    let _alone = alone();
    for threads in [1, 2, 4] {
        parallel::set_num_threads(threads);
        for bad in [0, 40] {
            let caught = catch_unwind(AssertUnwindSafe(|| parallel::run(41, &|i| assert!(i != bad, "index {i}"))));
            assert_eq!(*caught.unwrap_err().downcast::<String>().unwrap(), format!("index {bad}"));
        }
        let nested = catch_unwind(|| parallel::run(3, &|_| parallel::run(3, &|_| panic!("deep"))));
        assert_eq!(*nested.unwrap_err().downcast::<&str>().unwrap(), "deep");
        assert_eq!(threads_at_work(threads), threads, "no one left the team");
    }
}

/// Runs `test` in a forked child; the child's success must arrive within some seconds.
#[cfg(unix)]
fn in_child(test: impl FnOnce() -> bool) {
    // SAFETY: the child uses this crate, whose fork handlers are under test, and libc's allocator, which
    // has its own, and ends without running the parent's exit handlers.
    unsafe {
        let pid = libc::fork();
        assert!(pid >= 0);
        if pid == 0 {
            libc::alarm(20);
            let passed = catch_unwind(AssertUnwindSafe(test)).unwrap_or(false);
            libc::_exit(if passed { 0 } else { 1 });
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "child ended with status {status:#x}");
    }
}

/// A child has none of its parent's threads, and must neither wait for them nor find the team busy.
#[cfg(unix)]
#[test]
fn forked_children_get_a_team_of_their_own() {
    let _alone = alone();
    parallel::set_num_threads(3);
    assert_eq!(threads_at_work(3), 3);
    in_child(|| threads_at_work(3) == 3 && sum(1000) == 499_500);
    assert_eq!(threads_at_work(3), 3);
    // Forks while other threads run jobs and free blocks: any lock that a child inherits taken would hang it.
    let stop = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while stop.load(SeqCst) == 0 {
                    sum(200);
                    drop(alloc::alloc(1_500_000));
                }
            });
        }
        for _ in 0..20 {
            in_child(|| {
                let blocks: Vec<_> = [100, 100_000, 1_500_000, 5_000_000].map(alloc::alloc_zeroed).into();
                let served = blocks.iter().all(Option::is_some);
                drop(blocks);
                alloc::empty_cache();
                served && threads_at_work(2) <= 3 && sum(1000) == 499_500
            });
        }
        stop.store(1, SeqCst);
    });
}

fn grown(before: Stats) -> (isize, isize) {
    let after = alloc::stats();
    let change = |a: usize, b: usize| a as isize - b as isize;
    (change(after.allocated, before.allocated), change(after.reserved, before.reserved))
}

#[test]
fn counters_follow_blocks_and_cache() {
    let _alone = alone();
    alloc::empty_cache();
    alloc::reset_peaks();
    let start = alloc::stats();
    for (n, capacity) in [(100, 128), (600_000, 655_360), (5 << 20, 6 << 20)] {
        let block = alloc::alloc(n).unwrap();
        assert_eq!(block.capacity(), capacity);
        assert_eq!(grown(start), (capacity as isize, capacity as isize));
        drop(block);
        assert_eq!(grown(start), (0, capacity as isize), "cached");
        let again = alloc::alloc(n).unwrap();
        assert_eq!(grown(start), (capacity as isize, capacity as isize), "reused");
        drop(again);
        alloc::empty_cache();
        assert_eq!(grown(start), (0, 0));
    }
    assert!(alloc::stats().peak_reserved >= start.reserved + (6 << 20));
    assert!(alloc::stats().peak_allocated >= start.allocated + (6 << 20));
    alloc::reset_peaks();
    assert_eq!(alloc::stats().peak_reserved, alloc::stats().reserved);
}

#[test]
fn large_blocks_are_reused_and_the_oldest_trimmed() {
    let _alone = alone();
    alloc::empty_cache();
    let start = alloc::stats();
    alloc::set_cache_limit(20 << 20);
    let blocks = [8, 10, 4].map(|mib| alloc::alloc(mib << 20).unwrap());
    let addresses = blocks.each_ref().map(alloc::Block::ptr);
    for block in blocks {
        drop(block);
    }
    assert_eq!(grown(start), (0, 14 << 20), "22 MiB do not fit, so the 8 MiB block had to go");
    let [ten, four] = [9_500_000, 3 << 20].map(|n| alloc::alloc(n).unwrap());
    assert_eq!([ten.ptr(), four.ptr()], addresses[1..]);
    drop(alloc::alloc(64 << 20));
    assert_eq!(grown(start).1, 14 << 20, "a block beyond the limit is not kept");
    drop((ten, four));
    alloc::set_cache_limit(0);
    drop(alloc::alloc(1000));
    drop(alloc::alloc(3 << 20));
    alloc::set_cache_limit(4 << 30);
    alloc::empty_cache();
    assert_eq!(grown(start), (0, 0));
}

/// What a thread's lists hold beyond their limit goes to the shelf, and from there to any thread.
#[test]
fn thread_lists_are_bounded_and_left_to_others() {
    let _alone = alone();
    alloc::empty_cache();
    let start = alloc::stats();
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let blocks: Vec<_> = (0..100).map(|_| alloc::alloc(1 << 20).unwrap()).collect();
            drop(blocks);
        });
        // The end of the scope does not wait for thread-local destructors; a join does.
        thread.join().unwrap();
    });
    assert_eq!(grown(start), (0, 100 << 20));
    let blocks: Vec<_> = (0..100).map(|_| alloc::alloc(1 << 20).unwrap()).collect();
    assert_eq!(grown(start), (100 << 20, 100 << 20), "nothing came from the system");
    drop(blocks);
    alloc::empty_cache();
    assert_eq!(grown(start), (0, 0));
}
