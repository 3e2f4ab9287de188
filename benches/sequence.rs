//! Throughput of attention and of recurrent layers in flops, forward and backward.
//!
//! Attention counts two products of queries and keys forward and five backward, for a causal one about half of each.
//! A recurrent layer counts the products with the hidden state, one a step in both directions: the input's share and
//! the gradients of the weights are products of their own, outside of these kernels.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustorch::cpu::attention::{self, Rows, Saved, Shape};
use rustorch::cpu::recurrent::{self, Backward, Forward, Kind, Layer};
use std::hint::black_box;
use std::ptr::null;
use std::time::Duration;

/// Name; batch, heads, queries, keys, width of a head; causal.
type Heads = (&'static str, usize, usize, usize, usize, usize, bool);

const HEADS: &[Heads] = &[
    ("2x12x512x64", 2, 12, 512, 512, 64, false),
    ("2x12x512x64_causal", 2, 12, 512, 512, 64, true),
    ("1x4x1024x64_causal", 1, 4, 1024, 1024, 64, true),
    ("16x6x197x64", 16, 6, 197, 197, 64, false),
    ("1_query_8x12x2048x64", 8, 12, 1, 2048, 64, false),
];

/// Name, cell, steps, batch, hidden units.
type Cells = (&'static str, Kind, usize, usize, usize);

const CELLS: &[Cells] = &[
    ("lstm_64x32x256", Kind::Lstm, 64, 32, 256),
    ("lstm_128x1x512", Kind::Lstm, 128, 1, 512),
    ("lstm_28x64x128", Kind::Lstm, 28, 64, 128),
    ("gru_64x32x256", Kind::Gru, 64, 32, 256),
    ("tanh_64x32x256", Kind::Tanh, 64, 32, 256),
];

fn numbers(n: usize, scale: f32) -> Vec<f32> {
    (0..n).map(|i| scale * ((i * 7919 % 257) as f32 - 128.0) / 128.0).collect()
}

fn row(c: &mut Criterion, name: &str, multiply_adds: usize, mut f: impl FnMut()) {
    let mut g = c.benchmark_group("sequence");
    g.throughput(Throughput::Elements(2 * multiply_adds as u64));
    g.bench_function(name, |b| b.iter(&mut f));
    g.finish();
}

fn attentions(c: &mut Criterion) {
    for &(name, batch, heads, queries, keys, width, causal) in HEADS {
        let s = Shape { batch, heads, queries, keys, width, value_width: width, causal, scale: 0.125 };
        let rows = |data: &mut Vec<f32>, n: usize| Rows {
            ptr: data.as_mut_ptr(),
            batch: (heads * n * width) as isize,
            head: (n * width) as isize,
            row: width as isize,
        };
        let make = |n: usize| numbers(batch * heads * n * width, 1.0);
        let (mut q, mut y, mut g, mut dq) = (make(queries), make(queries), make(queries), make(queries));
        let (mut k, mut v, mut dk, mut dv) = (make(keys), make(keys), make(keys), make(keys));
        let mut stats = vec![1f32; batch * heads * 2 * queries];
        let (q, y, g, dq) =
            (rows(&mut q, queries), rows(&mut y, queries), rows(&mut g, queries), rows(&mut dq, queries));
        let (k, v, dk, dv) = (rows(&mut k, keys), rows(&mut v, keys), rows(&mut dk, keys), rows(&mut dv, keys));
        let stats = stats.as_mut_ptr();
        let scores = if causal { queries * (queries + 1) / 2 } else { queries * keys };
        let product = batch * heads * scores * width;
        row(c, &format!("attention/{name}"), 2 * product, || {
            // SAFETY: the vectors hold the operands.
            unsafe { attention::forward(q, k, v, None, y, stats, black_box(&s)).unwrap() }
        });
        let saved = Saved { q, k, v, mask: None, y, g, stats };
        row(c, &format!("attention_backward/{name}"), 5 * product, || {
            // SAFETY: as above.
            unsafe { attention::backward(&saved, dq, dk, dv, black_box(&s)).unwrap() }
        });
    }
}

fn layers(c: &mut Criterion) {
    for &(name, kind, steps, batch, hidden) in CELLS {
        let l = Layer { kind, steps, batch, hidden, reverse: false };
        let (state, gates) = (batch * hidden, kind.gates() * hidden);
        let (gx, h0, c0) = (numbers(steps * batch * gates, 1.0), numbers(state, 1.0), numbers(state, 1.0));
        // Neither vanishing nor exploding.
        let (w, bias) = (numbers(gates * hidden, (hidden as f32).sqrt().recip()), numbers(gates, 0.1));
        let (mut out, mut cells) = (vec![0f32; steps * state], vec![0f32; steps * state]);
        let mut saved = vec![0f32; steps * state * kind.saved()];
        let x = Forward {
            gx: gx.as_ptr(),
            w: w.as_ptr(),
            bias: bias.as_ptr(),
            h0: h0.as_ptr(),
            c0: c0.as_ptr(),
            out: out.as_mut_ptr(),
            cells: cells.as_mut_ptr(),
            saved: saved.as_mut_ptr(),
        };
        let product = steps * batch * gates * hidden;
        // SAFETY: the vectors hold the operands.
        let forward = || unsafe { recurrent::forward(black_box(&x), &l).unwrap() };
        // The gradient needs what it leaves.
        forward();
        row(c, &format!("recurrent/{name}"), product, forward);
        let g_out = numbers(steps * state, 1.0);
        let (mut d_gx, mut d_gh) = (vec![0f32; steps * batch * gates], vec![0f32; steps * batch * gates]);
        let (mut d_h0, mut d_c0) = (vec![0f32; state], vec![0f32; state]);
        let back = Backward {
            forward: x,
            g_out: g_out.as_ptr(),
            g_h: null(),
            g_c: null(),
            d_gx: d_gx.as_mut_ptr(),
            d_gh: d_gh.as_mut_ptr(),
            d_h0: d_h0.as_mut_ptr(),
            d_c0: d_c0.as_mut_ptr(),
        };
        row(c, &format!("recurrent_backward/{name}"), product, || {
            // SAFETY: as above.
            unsafe { recurrent::backward(black_box(&back), &l).unwrap() }
        });
    }
}

fn short() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(700))
        .sample_size(10)
}

criterion_group! { name = benches; config = short(); targets = attentions, layers }
criterion_main!(benches);
