//! Cross entropy and optimizer steps: time per call, and bytes read and written.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustorch::cpu::loss::{Targets, cross_entropy_backward, cross_entropy_forward};
use rustorch::cpu::optim::{Adagrad, Adam, Param, RmsProp, Sgd, adagrad, adam, rmsprop, sgd};
use std::hint::black_box;
use std::ptr::null;
use std::time::Duration;

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 % 257) as f32 - 128.0) / 128.0).collect()
}

/// Times `f`, which walks so many `streams` of `n` floats.
fn row(c: &mut Criterion, name: &str, streams: usize, n: usize, mut f: impl FnMut()) {
    let mut g = c.benchmark_group("train");
    g.throughput(Throughput::Bytes((streams * n * size_of::<f32>()) as u64));
    g.bench_function(name, |b| b.iter(&mut f));
    g.finish();
}

fn losses(c: &mut Criterion) {
    for (n, classes, s) in [(8192, 10, 1), (4096, 1000, 1), (128, 32_000, 1), (8, 21, 128 * 128)] {
        let (x, mut dx) = (numbers(n * classes * s), vec![0f32; n * classes * s]);
        let (mut loss, mut lse, g) = (vec![0f32; n * s], vec![(classes as f32).ln(); n * s], [1f32]);
        let index: Vec<i64> = (0..n * s).map(|i| (i * 7919 % classes) as i64).collect();
        let dims = (n, classes, s);
        for (name, smoothing) in [("cross_entropy", 0.0), ("cross_entropy_smooth", 0.1)] {
            let t = Targets {
                index: index.as_ptr(),
                weight: null(),
                ignore: -100,
                smoothing,
                classes,
                strayed: false.into(),
            };
            row(c, &format!("{name}/{n}x{classes}x{s}"), 1, x.len(), || {
                let out = (loss.as_mut_ptr(), lse.as_mut_ptr());
                // SAFETY: the vectors hold the operands.
                unsafe { cross_entropy_forward(black_box(x.as_ptr()), &t, out, dims) }
            });
            row(c, &format!("{name}_backward/{n}x{classes}x{s}"), 2, x.len(), || {
                let (up, x) = ((g.as_ptr(), 0, 1.0 / (n * s) as f32), black_box(x.as_ptr()));
                // SAFETY: as above; the one gradient has the stride 0.
                unsafe { cross_entropy_backward(up, (x, lse.as_ptr()), &t, dx.as_mut_ptr(), dims) }
            });
        }
    }
}

/// Times a step on one large parameter and on many small ones.
fn step(c: &mut Criterion, name: &str, streams: usize, factors: [f64; 2], f: impl Fn(&[Param<f32>])) {
    for (form, count, n) in [("4M", 1, 4 << 20), ("100x1000", 100, 1000)] {
        let (mut param, grad) = (numbers(count * n), numbers(count * n));
        let mut state: [_; 3] = std::array::from_fn(|_| vec![0f32; count * n]);
        let (param, grad) = (param.as_mut_ptr(), grad.as_ptr());
        let state = state.each_mut().map(|s| s.as_mut_ptr());
        let of = |i: usize| Param {
            param: param.wrapping_add(i * n),
            grad: grad.wrapping_add(i * n),
            state: state.map(|s| s.wrapping_add(i * n)),
            n,
            factors,
            first: false,
        };
        let params: Vec<_> = (0..count).map(of).collect();
        row(c, &format!("{name}/{form}"), streams, count * n, || f(black_box(&params)));
    }
}

fn steps(c: &mut Criterion) {
    let (lr, eps, maximize) = (1e-3, 1e-8, false);
    let plain = Sgd { lr, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize };
    let heavy = Sgd { momentum: 0.9, weight_decay: 1e-4, ..plain };
    let coupled =
        Adam { lr, beta1: 0.9, beta2: 0.999, eps, weight_decay: 0.0, decoupled: false, amsgrad: false, maximize };
    let decoupled = Adam { weight_decay: 1e-2, decoupled: true, ..coupled };
    let largest = Adam { amsgrad: true, ..coupled };
    let root = RmsProp { lr, alpha: 0.99, eps, weight_decay: 0.0, momentum: 0.0, centered: false, maximize };
    let sum = Adagrad { eps, weight_decay: 0.0, maximize };
    // SAFETY: the streams are vectors of their own.
    step(c, "sgd", 3, [0.0; 2], |p| unsafe { sgd(&plain, p) });
    // SAFETY: as above.
    step(c, "sgd_momentum", 5, [0.0; 2], |p| unsafe { sgd(&heavy, p) });
    for (name, streams, o) in [("adam", 7, coupled), ("adamw", 7, decoupled), ("adam_amsgrad", 9, largest)] {
        // SAFETY: as above.
        step(c, name, streams, o.factors(1000.0), |p| unsafe { adam(&o, p) });
    }
    // SAFETY: as above.
    step(c, "rmsprop", 5, [0.0; 2], |p| unsafe { rmsprop(&root, p) });
    // SAFETY: as above.
    step(c, "adagrad", 5, [lr, 0.0], |p| unsafe { adagrad(&sum, p) });
}

fn short() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(700))
        .sample_size(10)
}

criterion_group! { name = benches; config = short(); targets = losses, steps }
criterion_main!(benches);
