//! Max and average pools, forward and backward: time per call, and bytes read and written.

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use rustorch::cpu::pool::{Divisor, Pool, avg_pool_backward, avg_pool_forward, max_pool_backward, max_pool_forward};
use std::hint::black_box;
use std::time::Duration;

/// Name, planes, sides of input and window, stride, padding.
type Row = (&'static str, usize, usize, usize, usize, usize);

const ROWS: &[Row] = &[
    ("3x3_stride_2_112", 512, 112, 3, 2, 1),
    ("2x2_stride_2_56", 1024, 56, 2, 2, 0),
    ("3x3_stride_1_28", 2048, 28, 3, 1, 1),
    ("5x5_stride_3_56", 1024, 56, 5, 3, 2),
];

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 % 257) as f32 - 128.0) / 128.0).collect()
}

fn row(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, bytes: usize, mut f: impl FnMut()) {
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function(name, |b| b.iter(&mut f));
}

fn pools(group: &mut BenchmarkGroup<'_, WallTime>, &(name, planes, side, kernel, stride, padding): &Row) {
    let p = Pool::new(&[side; 2], &[kernel; 2], &[stride; 2], &[padding; 2], &[1; 2], false);
    let (n, m) = (side * side, p.output.iter().product::<usize>());
    let (x, g) = (numbers(planes * n), numbers(planes * m));
    let (mut y, mut dx, mut index) = (vec![0f32; planes * m], vec![0f32; planes * n], vec![0i64; planes * m]);
    let (x, g, y, dx, index) = (x.as_ptr(), g.as_ptr(), y.as_mut_ptr(), dx.as_mut_ptr(), index.as_mut_ptr());
    let (floats, indices) = (planes * (n + m) * size_of::<f32>(), planes * m * size_of::<i64>());
    // SAFETY: the vectors hold the operands.
    let max = || unsafe { max_pool_forward(black_box(x), (y, index), planes, &p) };
    // The gradient goes where the maxima are.
    max();
    row(group, &format!("max/{name}"), floats + indices, max);
    row(group, &format!("max_backward/{name}"), floats + indices, || {
        // SAFETY: as above.
        unsafe { max_pool_backward(black_box(g), index, dx, planes, (n, m)) }
    });
    row(group, &format!("avg/{name}"), floats, || {
        // SAFETY: as above.
        unsafe { avg_pool_forward(black_box(x), y, planes, &p, Divisor::WithPadding) }
    });
    row(group, &format!("avg_backward/{name}"), floats, || {
        // SAFETY: as above.
        unsafe { avg_pool_backward(black_box(g), dx, planes, &p, Divisor::WithPadding) }
    });
}

fn pool(c: &mut Criterion) {
    let mut group = c.benchmark_group("pool");
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(700));
    for row in ROWS {
        pools(&mut group, row);
    }
    group.finish();
}

criterion_group!(benches, pool);
criterion_main!(benches);
