//! Threads: the only place that starts any.
//!
//! One [`Team`] of workers serves the process, one job at a time. A caller that finds it busy (another
//! Python thread, or a call from within a job) runs its job inline, which gives the same bits because
//! results never depend on who runs a chunk.

mod team;

use std::ops::Range;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};
use std::time::Duration;

use team::Team;

/// More threads than this are not started, whatever is asked for.
pub const MAX_THREADS: usize = 1024;

/// Zero until someone sets it or [`num_threads`] finds the default.
static THREADS: AtomicUsize = AtomicUsize::new(0);
/// Held by the caller whose job the team runs; guards `TEAM`.
static BUSY: AtomicBool = AtomicBool::new(false);
/// Null until the first parallel job, and again in a forked child.
static TEAM: AtomicPtr<Team> = AtomicPtr::new(ptr::null_mut());

/// Runs `f(i)` for every `i` below `n`, on the team's threads and the caller's, in any order.
///
/// A panic in `f` is raised again here once no thread is left inside `f`; indices that nobody had
/// started by then are skipped. `f` must not fork the process.
#[inline]
pub fn run(n: usize, f: &(dyn Fn(usize) + Sync)) {
    if n > 1 {
        let threads = num_threads();
        if threads > 1
            && let Some(turn) = Turn::take()
        {
            return turn.team(threads).run(n, f);
        }
    }
    (0..n).for_each(f);
}

/// Splits `0..n` into about equal chunks of `grain` at most and runs `f` on each.
///
/// The chunks depend on `n` and `grain` alone, so that results that are combined in chunk order
/// have the same bits for every number of threads. Where `grain` is a multiple of [`ALIGN`], so are the
/// bounds between chunks.
#[inline]
pub fn chunks(n: usize, grain: usize, f: &(dyn Fn(Range<usize>) + Sync)) {
    let grain = grain.max(1);
    if n <= grain {
        if n > 0 {
            f(0..n);
        }
        return;
    }
    let len = even(n, grain);
    run(n.div_ceil(len), &|i| f(i * len..n.min((i * len).saturating_add(len))));
}

/// Bounds between chunks keep this, if their grain has it: blocks of kernels and cache lines stay whole.
const ALIGN: usize = 64;
/// With more chunks than this, a short last one costs little.
const FEW: usize = 32;

/// The length of chunks of `grain` at most that share `n` evenly among two or four threads.
#[inline]
fn even(n: usize, grain: usize) -> usize {
    let count = n.div_ceil(grain);
    if count > FEW {
        return grain;
    }
    let len = n.div_ceil(if count < 3 { count } else { count.next_multiple_of(4) });
    if grain.is_multiple_of(ALIGN) { len.next_multiple_of(ALIGN) } else { len }
}

/// Threads that a job may use, the caller's included.
///
/// By default the smallest of the processors that the affinity mask names, the cgroup's quota, and
/// what the environment asks for ([`crate::config::num_threads`]).
#[inline]
pub fn num_threads() -> usize {
    match THREADS.load(Relaxed) {
        0 => default_threads(),
        n => n,
    }
}

/// Makes later jobs use `n` threads, also when there are fewer processors; 0 counts as 1.
///
/// The team is rebuilt by the next job that wants it, so this never waits for one that is running.
pub fn set_num_threads(n: usize) {
    THREADS.store(n.clamp(1, MAX_THREADS), Relaxed);
}

/// Processors that this process may use: affinity mask and cgroup quota (v1 and v2), at least 1.
pub fn num_cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    // On Linux the standard library reads the affinity mask and both kinds of cgroup quota.
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

#[cold]
fn default_threads() -> usize {
    let n = crate::config::num_threads().unwrap_or(usize::MAX).min(num_cores()).clamp(1, MAX_THREADS);
    // Another thread may have called `set_num_threads` in between; its value stays.
    match THREADS.compare_exchange(0, n, Relaxed, Relaxed) {
        Ok(_) => n,
        Err(set) => set,
    }
}

/// The right to use the team, given back on drop.
struct Turn(());

impl Turn {
    #[inline]
    fn take() -> Option<Turn> {
        // The load keeps callers that will run inline anyway from stealing the cache line.
        let free = !BUSY.load(Relaxed) && !BUSY.swap(true, Acquire);
        free.then(|| Turn(()))
    }

    /// The team, rebuilt if another number of threads was asked for.
    #[inline]
    fn team(&self, threads: usize) -> &Team {
        // SAFETY: `TEAM` is null or a leaked box, and only the one holder of a turn frees it.
        match unsafe { TEAM.load(Relaxed).as_ref() } {
            Some(team) if team.asked() == threads => team,
            _ => self.rebuild(threads),
        }
    }

    #[cold]
    fn rebuild(&self, threads: usize) -> &Team {
        #[cfg(unix)]
        watch_forks();
        let old = TEAM.swap(ptr::null_mut(), Relaxed);
        if !old.is_null() {
            // SAFETY: as in `team`; nobody else can reach the old team any more.
            drop(unsafe { Box::from_raw(old) });
        }
        let spin = if threads > num_cores() { Duration::ZERO } else { crate::config::spin() };
        let team = Box::into_raw(Box::new(Team::start(threads, spin)));
        TEAM.store(team, Relaxed);
        // SAFETY: just leaked, and freed by no one but a holder of the turn.
        unsafe { &*team }
    }
}

impl Drop for Turn {
    #[inline]
    fn drop(&mut self) {
        BUSY.store(false, Release);
    }
}

/// Makes forked children forget the team: its threads exist in the parent only.
#[cfg(unix)]
fn watch_forks() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    extern "C" fn child() {
        // The team's memory is leaked, since dropping it would wait for threads that are not there.
        TEAM.store(ptr::null_mut(), Relaxed);
        BUSY.store(false, Relaxed);
    }
    ONCE.call_once(|| {
        // SAFETY: the handler makes two atomic stores, which a forked child may do. A failure (no
        // memory) leaves children as if this had not been called.
        unsafe { libc::pthread_atfork(None, None, Some(child)) };
    });
}
