//! Random fillers, one thread unless RUSTORCH_NUM_THREADS says otherwise: time per element of a million.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustorch::cpu::random;
use rustorch::tensor::{DType, Generator, Strided};
use std::hint::black_box;

const N: usize = 1 << 20;

type Fill = fn(&Strided<'_>, &Generator);

/// (name, dtype, filler)
const ROWS: &[(&str, DType, Fill)] = &[
    ("uniform", DType::F32, |o, g| random::uniform(o, 0.0, 1.0, g)),
    ("uniform", DType::F64, |o, g| random::uniform(o, 0.0, 1.0, g)),
    ("uniform", DType::F16, |o, g| random::uniform(o, 0.0, 1.0, g)),
    ("uniform", DType::BF16, |o, g| random::uniform(o, 0.0, 1.0, g)),
    ("normal", DType::F32, |o, g| random::normal(o, 0.0, 1.0, g)),
    ("normal", DType::F64, |o, g| random::normal(o, 0.0, 1.0, g)),
    ("normal", DType::F16, |o, g| random::normal(o, 0.0, 1.0, g)),
    ("normal", DType::BF16, |o, g| random::normal(o, 0.0, 1.0, g)),
    ("bernoulli", DType::F32, |o, g| random::bernoulli(o, 0.3, g)),
    ("bernoulli", DType::Bool, |o, g| random::bernoulli(o, 0.3, g)),
    ("exponential", DType::F32, |o, g| random::exponential(o, 1.0, g)),
    ("exponential", DType::F64, |o, g| random::exponential(o, 1.0, g)),
    ("cauchy", DType::F32, |o, g| random::cauchy(o, 0.0, 1.0, g)),
    ("geometric", DType::F32, |o, g| random::geometric(o, 0.3, g)),
    ("log_normal", DType::F32, |o, g| random::log_normal(o, 0.0, 1.0, g)),
    ("random 0..100", DType::I64, |o, g| {
        random::random(o, random::IntRange::Count { count: 100, base: 0 }, g);
    }),
    ("random_", DType::I64, |o, g| random::random_full(o, g)),
    ("randperm", DType::I64, |o, g| random::randperm(o, g)),
];

fn fillers(c: &mut Criterion) {
    let mut group = c.benchmark_group("random");
    group.throughput(Throughput::Elements(N as u64)).sample_size(20);
    let g = Generator::with_seed(1);
    for (name, dtype, f) in ROWS {
        let mut data = vec![0u64; N * dtype.size() / 8];
        let out = Strided { ptr: data.as_mut_ptr().cast(), dtype: *dtype, shape: &[N], strides: &[1] };
        group.bench_function(format!("{name} {}", dtype.name()), |b| b.iter(|| f(black_box(&out), &g)));
    }
    let (x, mut y, mut keep) = (vec![1f32; N], vec![0f32; N], vec![0u8; N]);
    let of = |ptr: *mut u8, dtype| Strided { ptr, dtype, shape: &[N], strides: &[1] };
    let (x, y, keep) = (
        of(x.as_ptr() as *mut u8, DType::F32),
        of(y.as_mut_ptr().cast(), DType::F32),
        of(keep.as_mut_ptr(), DType::Bool),
    );
    group.bench_function("dropout float32", |b| b.iter(|| random::dropout(black_box(&x), &y, &keep, 0.4, &g)));
    group.finish();
}

criterion_group!(benches, fillers);
criterion_main!(benches);
