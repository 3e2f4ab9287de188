//! What a parallel job and a block of memory cost before any work is done.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rustorch::cpu::{alloc, parallel};

/// Hand-off and join of empty jobs.
fn fork_join(c: &mut Criterion) {
    let mut group = c.benchmark_group("fork_join");
    for threads in [1, 2, 4] {
        parallel::set_num_threads(threads);
        group.bench_function(format!("hot/{threads}"), |b| {
            b.iter(|| parallel::run(black_box(threads.max(2)), &|i| _ = black_box(i)));
        });
    }
    parallel::set_num_threads(2);
    // Chunks long enough to be shared: what two of them take on two threads beyond one alone is the overhead.
    let chunk = |i| {
        let mut x = i as u64;
        (0..1000).for_each(|k| x = black_box(x.wrapping_mul(x | k)));
    };
    group.bench_function("one_chunk", |b| b.iter(|| chunk(black_box(1))));
    group.bench_function("two_chunks/2", |b| b.iter(|| parallel::run(black_box(2), &chunk)));
    group.bench_function("chunks_64/2", |b| b.iter(|| parallel::run(black_box(64), &|i| _ = black_box(i))));
    group.bench_function("after_1_ms/2", |b| {
        b.iter_custom(|rounds| {
            let mut total = Duration::ZERO;
            for _ in 0..rounds {
                std::thread::sleep(Duration::from_millis(1));
                let start = std::time::Instant::now();
                parallel::run(2, &|i| _ = black_box(i));
                total += start.elapsed();
            }
            total
        });
    });
    group.finish();
}

/// An allocation and its free, without and with writing to every page.
fn blocks(c: &mut Criterion) {
    let mut group = c.benchmark_group("alloc_free");
    for (name, n) in [("64_B", 64), ("4_KiB", 4096), ("1_MiB", 1 << 20), ("64_MiB", 64 << 20)] {
        group.bench_function(name, |b| b.iter(|| alloc::alloc(black_box(n))));
    }
    let fill = || {
        let block = alloc::alloc(64 << 20).expect("64 MiB");
        // SAFETY: within the block.
        unsafe { block.ptr().write_bytes(1, 64 << 20) };
        black_box(block.ptr());
    };
    group.sample_size(20);
    group.bench_function("64_MiB_filled/cached", |b| b.iter(fill));
    alloc::set_cache_limit(0);
    group.bench_function("64_MiB_filled/fresh", |b| b.iter(fill));
    group.finish();
}

criterion_group!(benches, fork_join, blocks);
criterion_main!(benches);
