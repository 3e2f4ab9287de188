//! The workers and the protocol by which they share a job with its caller.
//!
//! A job is cut into tickets. `word` holds how many there are and how many were handed out from either
//! end, so that one exchange takes some; who gets them may rely on the job being alive until it
//! reports them finished, for the caller waits for all tickets that it did not finish itself. The
//! caller starts at the front and the workers at the back, so that in the next job each finds what it
//! read or wrote in its own cache. Each takes a share of what is left (guided self-scheduling,
//! Polychronopoulos and Kuck 1987): few exchanges, and small pieces at the end for whoever is free.
//! Workers that come too late find no ticket and are not waited for: a parked worker costs the caller a
//! wake-up, not a delay. Everything that a hot hand-off touches lies in one cache line.

use std::any::Any;
use std::cell::UnsafeCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Tickets per thread: enough to even out unequal chunks.
const TICKETS_PER_THREAD: usize = 32;

/// In `word` (tickets in the upper half; in the lower one those handed out from the front, and from the
/// back in its upper quarter): workers shall end.
const STOP: u64 = 1 << 63;

/// In `done`: the caller sleeps and wants to be woken by each report.
const WAITING: u32 = 1 << 31;
/// In `done`: `payload` holds a panic.
const PANICKED: u32 = 1 << 30;
/// In `done`: tickets that workers have finished.
const COUNT: u32 = PANICKED - 1;

/// A group of threads that runs jobs together with their caller.
pub(super) struct Team {
    asked: usize,
    workers: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

struct Shared {
    hot: Hot,
    /// Workers that are parked or about to be.
    asleep: AtomicUsize,
    /// Per worker: is it parked, and has nobody woken it yet?
    parked: Box<[AtomicBool]>,
    spin: Duration,
    /// Where the caller sleeps when the last tickets take long.
    gate: Mutex<()>,
    bell: Condvar,
    /// The first panic of the job.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Two lines' alignment, because processors prefetch lines in pairs.
#[repr(align(128))]
struct Hot {
    word: AtomicU64,
    done: AtomicU32,
    job: UnsafeCell<Job>,
}

#[derive(Clone, Copy)]
struct Job {
    f: &'static (dyn Fn(usize) + Sync),
    n: usize,
    /// Indices per ticket.
    per: usize,
}

// SAFETY: `job` is the only field that is not Sync. It is written by the caller while no ticket is out,
// published by the store to `word`, and read by those alone who hold a ticket of that job.
unsafe impl Sync for Shared {}
// SAFETY: as above; nothing is tied to a thread.
unsafe impl Send for Shared {}

/// The end from which a thread takes tickets.
#[derive(Clone, Copy)]
enum End {
    Front,
    Back,
}

/// Tickets of a job.
#[inline]
fn total(word: u64) -> u32 {
    (word >> 32) as u32 & 0x7FFF_FFFF
}

/// Tickets handed out from the front and from the back.
#[inline]
fn taken(word: u64) -> (u32, u32) {
    (word as u32 & 0xFFFF, word as u32 >> 16)
}

#[inline]
fn is_open(word: u64) -> bool {
    let (front, back) = taken(word);
    front + back < total(word)
}

#[inline]
fn is_stop(word: u64) -> bool {
    word >> 63 != 0
}

impl Team {
    /// Starts `threads - 1` workers, or as many as the system grants, that spin for `spin` before they park.
    pub(super) fn start(threads: usize, spin: Duration) -> Team {
        let shared = Arc::new(Shared {
            hot: Hot {
                word: AtomicU64::new(0),
                done: AtomicU32::new(0),
                job: UnsafeCell::new(Job { f: &|_| {}, n: 0, per: 1 }),
            },
            asleep: AtomicUsize::new(0),
            parked: (1..threads).map(|_| AtomicBool::new(false)).collect(),
            spin,
            gate: Mutex::new(()),
            bell: Condvar::new(),
            payload: Mutex::new(None),
        });
        let workers = (0..shared.parked.len()).map_while(|i| spawn(&shared, i)).collect();
        Team { asked: threads, workers, shared }
    }

    /// The number of threads that [`Team::start`] was asked for.
    #[inline]
    pub(super) fn asked(&self) -> usize {
        self.asked
    }

    /// Runs `f(i)` for all `i` below `n`. One caller at a time: the owner of the team sees to that.
    pub(super) fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync)) {
        if n < 2 || self.workers.is_empty() {
            return (0..n).for_each(f);
        }
        let shared = &*self.shared;
        let per = n.div_ceil((self.workers.len() + 1) * TICKETS_PER_THREAD);
        let tickets = n.div_ceil(per) as u32;
        // SAFETY: the reference is used by ticket holders only, and this function does not return or
        // unwind before all tickets are finished: `perform` catches panics of `f`.
        let f = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(f) };
        let job = Job { f, n, per };
        // SAFETY: there is one caller, and the last job's tickets are all finished, so nobody reads.
        unsafe { *shared.hot.job.get() = job };
        shared.hot.done.store(0, Relaxed);
        // The first tickets are the caller's. SeqCst here and in `wake` against the same in `await_ticket`: either
        // the worker sees the job before it parks, or the caller sees the worker asleep.
        let share = shared.share(tickets, tickets);
        shared.hot.word.store(u64::from(tickets) << 32 | u64::from(share), SeqCst);
        self.wake((tickets - share) as usize);
        let mine = shared.perform(job, 0..share, End::Front);
        if shared.finish(tickets - mine) & PANICKED != 0 {
            let payload = lock(&shared.payload).take();
            resume_unwind(payload.unwrap_or_else(|| Box::new("a worker thread panicked")));
        }
    }

    /// Sees to it that `wanted` workers, or all of them, are awake.
    #[inline]
    fn wake(&self, wanted: usize) {
        let asleep = self.shared.asleep.load(SeqCst);
        if asleep != 0 {
            let awake = self.workers.len().saturating_sub(asleep);
            self.unpark(wanted.saturating_sub(awake));
        }
    }

    #[cold]
    fn unpark(&self, wanted: usize) {
        let parked = self.workers.iter().zip(&self.shared.parked).filter(|(_, parked)| parked.swap(false, SeqCst));
        parked.take(wanted).for_each(|(worker, _)| worker.thread().unpark());
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.hot.word.store(STOP, SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker cannot panic: `perform` has caught what a job threw.
            let _ = worker.join();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where threads come from")]
fn spawn(shared: &Arc<Shared>, i: usize) -> Option<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let body = move || {
        #[cfg(unix)]
        block_signals();
        shared.work(&shared.parked[i]);
    };
    thread::Builder::new().name(format!("rustorch-{}", i + 1)).spawn(body).ok()
}

/// Leaves signals to the threads of the host program: Python wants Ctrl-C to interrupt its main thread.
#[cfg(unix)]
fn block_signals() {
    // SAFETY: plain calls on a local signal set; faults (SIGSEGV and kin) end the process, blocked or not.
    unsafe {
        let mut all = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, std::ptr::null_mut());
    }
}

impl Shared {
    /// The life of a worker.
    fn work(&self, parked: &AtomicBool) {
        while self.await_ticket(parked) {
            if let Some(tickets) = self.claim(End::Back) {
                // SAFETY: the tickets keep the job alive and unchanged until they are reported.
                let job = unsafe { *self.hot.job.get() };
                let finished = self.perform(job, tickets, End::Back);
                self.report(finished);
            }
        }
    }

    /// Waits until there may be a ticket; false says that the team is dissolved.
    fn await_ticket(&self, parked: &AtomicBool) -> bool {
        let mut spin = Spin::new(self.spin);
        loop {
            let word = self.hot.word.load(Acquire);
            if is_open(word) || is_stop(word) {
                return !is_stop(word);
            }
            if spin.again() {
                continue;
            }
            parked.store(true, SeqCst);
            self.asleep.fetch_add(1, SeqCst);
            let word = self.hot.word.load(SeqCst);
            if !is_open(word) && !is_stop(word) {
                thread::park();
            }
            self.asleep.fetch_sub(1, SeqCst);
            parked.store(false, SeqCst);
        }
    }

    /// What a thread takes of `left` tickets: its even share of a short job, half of that of a long one, whose pieces
    /// may take unequal times.
    #[inline]
    fn share(&self, left: u32, total: u32) -> u32 {
        let threads = self.parked.len() as u32 + 1;
        (left / if total <= 4 * threads { threads } else { 2 * threads }).max(1)
    }

    /// The next tickets from an end of whatever job is open: a late claim may take some of the next job, which is as good.
    #[inline]
    fn claim(&self, end: End) -> Option<Range<u32>> {
        let mut word = self.hot.word.load(Relaxed);
        while is_open(word) {
            let (front, back) = taken(word);
            let share = self.share(total(word) - front - back, total(word));
            let (first, step) = match end {
                End::Front => (front, u64::from(share)),
                End::Back => (total(word) - back - share, u64::from(share) << 16),
            };
            // The counters have room: a job has at most MAX_THREADS * TICKETS_PER_THREAD = 2^15 tickets.
            match self.hot.word.compare_exchange_weak(word, word + step, AcqRel, Relaxed) {
                Ok(_) => return Some(first..first + share),
                Err(now) => word = now,
            }
        }
        None
    }

    /// Runs `tickets` and then all that can be had from an end; returns how many were finished.
    #[inline]
    fn perform(&self, job: Job, mut tickets: Range<u32>, end: End) -> u32 {
        let mut finished = 0;
        loop {
            let at = |ticket: u32| job.n.min((ticket as usize).saturating_mul(job.per));
            let range = at(tickets.start)..at(tickets.end);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| range.for_each(job.f))) {
                finished += self.abandon(payload);
            }
            finished += tickets.len() as u32;
            match self.claim(end) {
                Some(next) => tickets = next,
                None => return finished,
            }
        }
    }

    /// Keeps the first panic and takes all tickets that are left; returns how many those were.
    #[cold]
    fn abandon(&self, payload: Box<dyn Any + Send>) -> u32 {
        let mut first = lock(&self.payload);
        if first.is_none() {
            *first = Some(payload);
        }
        drop(first);
        self.hot.done.fetch_or(PANICKED, AcqRel);
        // The job is alive, since its panicked ticket is not reported yet, so `tickets` cannot change.
        let tickets = total(self.hot.word.load(Relaxed));
        let before = self.hot.word.swap(u64::from(tickets) << 32 | u64::from(tickets), AcqRel);
        let (front, back) = taken(before);
        tickets.saturating_sub(front + back)
    }

    /// Tells the caller that `finished` tickets are done; the job may be gone after that.
    #[inline]
    fn report(&self, finished: u32) {
        if self.hot.done.fetch_add(finished, AcqRel) & WAITING != 0 {
            // Passing through the lock makes sure that the caller is not between its check and its wait.
            drop(lock(&self.gate));
            self.bell.notify_one();
        }
    }

    /// Waits until workers have reported `wanted` tickets; returns the last value of `done`.
    #[inline]
    fn finish(&self, wanted: u32) -> u32 {
        let mut spin = Spin::new(self.spin);
        loop {
            let done = self.hot.done.load(Acquire);
            if done & COUNT == wanted {
                return done;
            }
            if !spin.again() {
                return self.sleep_until(wanted);
            }
        }
    }

    #[cold]
    fn sleep_until(&self, wanted: u32) -> u32 {
        self.hot.done.fetch_or(WAITING, AcqRel);
        let mut guard = lock(&self.gate);
        loop {
            let done = self.hot.done.load(Acquire);
            if done & COUNT == wanted {
                return done;
            }
            guard = self.bell.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// No code can panic while it holds one of the team's locks, so poison means nothing.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Busy waiting with a deadline, which also ends it soon after the system took the processor away.
struct Spin {
    limit: Duration,
    start: Option<Instant>,
    turns: u32,
}

impl Spin {
    /// A read of the clock costs as much as a few pauses, so it is read once per this many.
    const TURNS: u32 = 64;

    #[inline]
    fn new(limit: Duration) -> Spin {
        Spin { limit, start: None, turns: 0 }
    }

    /// Pauses for some nanoseconds; false when it is time to sleep.
    #[inline]
    fn again(&mut self) -> bool {
        if self.limit.is_zero() {
            return false;
        }
        std::hint::spin_loop();
        self.turns += 1;
        if self.turns < Self::TURNS {
            return true;
        }
        self.turns = 0;
        let start = *self.start.get_or_insert_with(Instant::now);
        start.elapsed() < self.limit
    }
}

#[cfg(test)]
mod tests;
