//! Normalisation and softmax, forward and backward: time per call, and bytes read and written.
//!
//! An operand that a kernel walks twice from memory counts twice: batch norm's input, and its gradient.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustorch::cpu::norm::{
    BatchGrads, BatchStats, batch_norm_apply, batch_norm_backward, batch_norm_stats, layer_norm_backward,
    layer_norm_forward, rms_norm_backward, rms_norm_forward,
};
use rustorch::cpu::softmax::{softmax_backward, softmax_forward};
use std::hint::black_box;
use std::ptr::null_mut;
use std::time::Duration;

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 % 257) as f32 - 128.0) / 128.0).collect()
}

/// Times `f`, which walks so many `streams` of `n` floats.
fn row(c: &mut Criterion, name: &str, streams: usize, n: usize, mut f: impl FnMut()) {
    let mut g = c.benchmark_group("norm");
    g.throughput(Throughput::Bytes((streams * n * size_of::<f32>()) as u64));
    g.bench_function(name, |b| b.iter(&mut f));
    g.finish();
}

fn layers(c: &mut Criterion) {
    for (rows, n) in [(4096, 768), (512, 4096), (65_536, 64)] {
        let (x, g, gamma, beta) = (numbers(rows * n), numbers(rows * n), numbers(n), numbers(n));
        let (mut y, mut mean, mut rstd) = (vec![0f32; rows * n], vec![0f32; rows], vec![1f32; rows]);
        let (mut dgamma, mut dbeta) = (vec![0f32; n], vec![0f32; n]);
        let (x, g, gamma, beta, y) = (x.as_ptr(), g.as_ptr(), gamma.as_ptr(), beta.as_ptr(), y.as_mut_ptr());
        let (mean, rstd, dgamma, dbeta) =
            (mean.as_mut_ptr(), rstd.as_mut_ptr(), dgamma.as_mut_ptr(), dbeta.as_mut_ptr());
        let dims = (rows, n);
        row(c, &format!("layer_norm/{rows}x{n}"), 2, rows * n, || {
            // SAFETY: the vectors hold the operands.
            unsafe { layer_norm_forward(black_box(x), (gamma, beta), y, (mean, rstd), dims, 1e-5) }
        });
        row(c, &format!("layer_norm_backward/{rows}x{n}"), 3, rows * n, || {
            // SAFETY: as above; `y` receives the gradient.
            unsafe { layer_norm_backward((g, black_box(x)), (mean, rstd), gamma, (y, dgamma, dbeta), dims).unwrap() }
        });
        row(c, &format!("rms_norm/{rows}x{n}"), 2, rows * n, || {
            // SAFETY: as above.
            unsafe { rms_norm_forward(black_box(x), gamma, y, rstd, dims, 1e-5) }
        });
        row(c, &format!("rms_norm_backward/{rows}x{n}"), 3, rows * n, || {
            // SAFETY: as above; `y` receives the gradient.
            unsafe { rms_norm_backward((g, black_box(x)), rstd, gamma, (y, dgamma), dims).unwrap() }
        });
    }
}

fn batches(c: &mut Criterion) {
    for (n, channels, s) in [(32, 64, 56 * 56), (32, 256, 14 * 14), (32, 512, 7 * 7), (4096, 512, 1)] {
        let len = n * channels * s;
        let (x, g, gamma, beta) = (numbers(len), numbers(len), numbers(channels), numbers(channels));
        let (mut y, mut mean, mut rstd) = (vec![0f32; len], vec![0f32; channels], vec![1f32; channels]);
        let (mut dgamma, mut dbeta) = (vec![0f32; channels], vec![0f32; channels]);
        let (x, g, gamma, beta, y) = (x.as_ptr(), g.as_ptr(), gamma.as_ptr(), beta.as_ptr(), y.as_mut_ptr());
        let (mean, rstd) = (mean.as_mut_ptr(), rstd.as_mut_ptr());
        let stats = BatchStats { mean, rstd, biased: null_mut(), unbiased: null_mut() };
        let grads = BatchGrads { dx: y, dgamma: dgamma.as_mut_ptr(), dbeta: dbeta.as_mut_ptr() };
        let dims = (n, channels, s);
        row(c, &format!("batch_norm/{n}x{channels}x{s}"), 3, len, || {
            // SAFETY: the vectors hold the operands.
            unsafe {
                batch_norm_stats(black_box(x), stats, dims, 1e-5).unwrap();
                batch_norm_apply(x, (mean, rstd), (gamma, beta), y, dims).unwrap();
            }
        });
        row(c, &format!("batch_norm_eval/{n}x{channels}x{s}"), 2, len, || {
            // SAFETY: as above.
            unsafe { batch_norm_apply(black_box(x), (mean, rstd), (gamma, beta), y, dims).unwrap() }
        });
        row(c, &format!("batch_norm_backward/{n}x{channels}x{s}"), 5, len, || {
            // SAFETY: as above; `y` receives the gradient.
            unsafe { batch_norm_backward((g, black_box(x)), (mean, rstd), gamma, grads, dims, true).unwrap() }
        });
    }
}

fn softmaxes(c: &mut Criterion) {
    for (outer, dim, inner) in [(4096, 1024, 1), (65_536, 64, 1), (128, 32_000, 1), (8, 21, 128 * 128)] {
        let len = outer * dim * inner;
        let (x, g, mut y) = (numbers(len), numbers(len), vec![0f32; len]);
        let (x, g, y, dims) = (x.as_ptr(), g.as_ptr(), y.as_mut_ptr(), (outer, dim, inner));
        for (name, log) in [("softmax", false), ("log_softmax", true)] {
            row(c, &format!("{name}/{outer}x{dim}x{inner}"), 2, len, || {
                // SAFETY: the vectors hold the operands.
                unsafe { softmax_forward(black_box(x), y, dims, log) }
            });
            row(c, &format!("{name}_backward/{outer}x{dim}x{inner}"), 3, len, || {
                // SAFETY: as above; `x` stands for the output, `y` receives the gradient.
                unsafe { softmax_backward(g, black_box(x), y, dims, log) }
            });
        }
    }
}

fn short() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(700))
        .sample_size(10)
}

criterion_group! { name = benches; config = short(); targets = layers, batches, softmaxes }
criterion_main!(benches);
