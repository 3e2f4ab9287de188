//! Throughput of convolutions in flops: the forward pass, and the gradients of input and weight.

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use rustorch::cpu::conv::{Conv, conv_forward, conv_grad_input, conv_grad_weight};
use std::hint::black_box;
use std::time::Duration;

/// Name; samples, input channels, output channels, groups; side of the input and of the kernel, stride, padding.
type Row = (&'static str, (usize, usize, usize, usize), usize, usize, usize, usize);

const ROWS: &[Row] = &[
    ("3x3_64_56", (8, 64, 64, 1), 56, 3, 1, 1),
    ("3x3_128_28", (8, 128, 128, 1), 28, 3, 1, 1),
    ("3x3_256_14", (8, 256, 256, 1), 14, 3, 1, 1),
    ("3x3_512_7", (8, 512, 512, 1), 7, 3, 1, 1),
    ("7x7_stride_2_3_to_64_224", (4, 3, 64, 1), 224, 7, 2, 3),
    ("1x1_256_to_64_56", (8, 256, 64, 1), 56, 1, 1, 0),
    ("depthwise_3x3_128_56", (8, 128, 128, 128), 56, 3, 1, 1),
];

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 % 257) as f32 - 128.0) / 128.0).collect()
}

fn products(group: &mut BenchmarkGroup<'_, WallTime>, &(name, channels, side, kernel, stride, padding): &Row) {
    let v = Conv::new(channels, &[side; 2], &[kernel; 2], &[stride; 2], &[padding; 2], &[1; 2]);
    let depth = v.c_in / v.groups * kernel * kernel;
    let (inputs, weights) = (v.n * v.c_in * side * side, v.c_out * depth);
    let outputs = v.n * v.c_out * v.output.iter().product::<usize>();
    let (x, w, g) = (numbers(inputs), numbers(weights), numbers(outputs));
    let (mut dx, mut dw, mut y) = (vec![0f32; inputs], vec![0f32; weights], vec![0f32; outputs]);
    let (x, w, g, no_bias) = (x.as_ptr(), w.as_ptr(), g.as_ptr(), std::ptr::null());
    group.throughput(Throughput::Elements(2 * (outputs * depth) as u64));
    group.bench_function(format!("{name}/forward"), |b| {
        // SAFETY: the vectors hold the operands.
        b.iter(|| unsafe { conv_forward(x, (w, None), no_bias, y.as_mut_ptr(), black_box(&v)).unwrap() });
    });
    group.bench_function(format!("{name}/input"), |b| {
        // SAFETY: as above.
        b.iter(|| unsafe { conv_grad_input(g, w, no_bias, dx.as_mut_ptr(), black_box(&v)).unwrap() });
    });
    group.bench_function(format!("{name}/weight"), |b| {
        // SAFETY: as above.
        b.iter(|| unsafe { conv_grad_weight(x, g, dw.as_mut_ptr(), black_box(&v)).unwrap() });
    });
}

fn conv(c: &mut Criterion) {
    let mut group = c.benchmark_group("conv");
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(700));
    for row in ROWS {
        products(&mut group, row);
    }
    group.finish();
}

criterion_group!(benches, conv);
criterion_main!(benches);
