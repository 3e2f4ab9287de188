//! Tests on teams of their own, so that other tests' jobs cannot get in the way.

use super::*;
use std::collections::HashSet;
use std::thread::ThreadId;

const SPINS: [Duration; 2] = [Duration::ZERO, Duration::from_micros(50)];

/// Every index runs exactly once, for job sizes around the ticket limits.
#[test]
fn each_index_runs_once() {
    for spin in SPINS {
        for threads in [1, 2, 3, 8] {
            let team = Team::start(threads, spin);
            for n in [0, 1, 2, 3, 63, 64, 65, 127, 128, 129, 511, 513, 5000] {
                let seen: Vec<AtomicU32> = (0..n).map(|_| AtomicU32::new(0)).collect();
                team.run(n, &|i| _ = seen[i].fetch_add(1, Relaxed));
                assert!(seen.iter().all(|s| s.load(Relaxed) == 1), "threads {threads}, n {n}");
            }
        }
    }
}

/// Many short jobs in a row: what one job writes, the caller reads after it.
#[test]
fn results_are_visible_after_run() {
    for spin in SPINS {
        let team = Team::start(3, spin);
        let mut cells = [0usize; 6];
        for round in 1..3000 {
            let base = cells.as_mut_ptr() as usize;
            // SAFETY: every index writes a cell of its own.
            team.run(6, &|i| unsafe { *(base as *mut usize).add(i) += i + 1 });
            assert_eq!(cells, [1, 2, 3, 4, 5, 6].map(|k| k * round));
        }
    }
}

fn threads_of(team: &Team, n: usize) -> usize {
    let ids: Mutex<HashSet<ThreadId>> = Mutex::default();
    let arrived = AtomicUsize::new(0);
    team.run(n, &|_| {
        lock(&ids).insert(thread::current().id());
        arrived.fetch_add(1, SeqCst);
        while arrived.load(SeqCst) < n {
            thread::yield_now();
        }
    });
    ids.into_inner().unwrap().len()
}

/// Chunks that wait for each other end only if each has a thread of its own.
#[test]
fn a_team_has_as_many_threads_as_asked() {
    for spin in SPINS {
        for threads in [2, 4, 7] {
            let team = Team::start(threads, spin);
            assert_eq!(threads_of(&team, threads), threads);
            thread::sleep(Duration::from_millis(2));
            assert_eq!(threads_of(&team, threads), threads, "after parking");
        }
    }
}

#[test]
fn panics_reach_the_caller_and_the_team_survives() {
    let team = Team::start(3, Duration::from_micros(50));
    for bad in [0, 1, 50, 99] {
        let caught = catch_unwind(AssertUnwindSafe(|| team.run(100, &|i| assert!(i != bad, "index {i}"))));
        let payload = caught.expect_err("the panic must pass");
        assert_eq!(*payload.downcast::<String>().unwrap(), format!("index {bad}"));
        let sum = AtomicUsize::new(0);
        team.run(100, &|i| _ = sum.fetch_add(i, Relaxed));
        assert_eq!(sum.into_inner(), 4950);
    }
    let caught = catch_unwind(AssertUnwindSafe(|| team.run(1000, &|_| panic!("all"))));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "all");
}

/// A caller that has nothing left to do sleeps, and is woken by the last report.
#[test]
fn the_caller_sleeps_through_long_tickets() {
    for spin in SPINS {
        let team = Team::start(2, spin);
        let caller = thread::current().id();
        let done = AtomicUsize::new(0);
        for _ in 0..5 {
            team.run(2, &|_| {
                if thread::current().id() != caller {
                    thread::sleep(Duration::from_millis(3));
                }
                done.fetch_add(1, Relaxed);
            });
        }
        assert_eq!(done.into_inner(), 10);
    }
}

/// Late claims add to the counter of a dissolved team, which must not bring it back to life.
#[test]
fn stop_survives_late_claims() {
    for late in [0, 1, 1024] {
        assert!(is_stop(STOP + late) && !is_open(STOP + late));
    }
}
