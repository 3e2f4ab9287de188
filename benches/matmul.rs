//! Throughput of matrix products in flops, beside the processor's peak.

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use rustorch::cpu::matmul::{Gemm, Mat, batched, gemm};
use rustorch::tensor::DType;
use std::hint::black_box;
use std::time::Duration;

/// Name, batch, m, n, k, A transposed, B transposed, dtype.
type Row = (&'static str, usize, usize, usize, usize, bool, bool, DType);

const ROWS: &[Row] = &[
    ("square_64", 1, 64, 64, 64, false, false, DType::F32),
    ("square_128", 1, 128, 128, 128, false, false, DType::F32),
    ("square_256", 1, 256, 256, 256, false, false, DType::F32),
    ("square_512", 1, 512, 512, 512, false, false, DType::F32),
    ("square_1024", 1, 1024, 1024, 1024, false, false, DType::F32),
    ("square_2048", 1, 2048, 2048, 2048, false, false, DType::F32),
    ("odd_771", 1, 771, 771, 771, false, false, DType::F32),
    ("nt_512x768x3072", 1, 512, 3072, 768, false, true, DType::F32),
    ("tn_768x512x3072", 1, 768, 3072, 512, true, false, DType::F32),
    ("linear_1024x768x768", 1, 1024, 768, 768, false, true, DType::F32),
    ("vector_1x2048x8192", 1, 1, 8192, 2048, false, true, DType::F32),
    ("vector_nn_1x2048x8192", 1, 1, 8192, 2048, false, false, DType::F32),
    ("decode_8x2048x2048", 1, 8, 2048, 2048, false, true, DType::F32),
    ("decode_nn_8x2048x2048", 1, 8, 2048, 2048, false, false, DType::F32),
    ("rows_32x768x3072", 1, 32, 3072, 768, false, true, DType::F32),
    ("skinny_4096x64x64", 1, 4096, 64, 64, false, false, DType::F32),
    ("narrow_4096x10x512", 1, 4096, 10, 512, false, true, DType::F32),
    ("small_8x64x64", 1, 8, 64, 64, false, true, DType::F32),
    ("tiny_4x4x4", 1, 4, 4, 4, false, false, DType::F32),
    ("small_16x32x32", 1, 16, 32, 32, false, true, DType::F32),
    ("dot_65536", 1, 1, 1, 65536, false, false, DType::F32),
    ("batched_96x128x64", 96, 128, 128, 64, false, false, DType::F32),
    ("batched_nt_96x128x64", 96, 128, 128, 64, false, true, DType::F32),
    ("f64_1024", 1, 1024, 1024, 1024, false, false, DType::F64),
    ("bf16_1024", 1, 1024, 1024, 1024, false, false, DType::BF16),
    ("bf16_nt_1024", 1, 1024, 1024, 1024, false, true, DType::BF16),
    ("bf16_2048", 1, 2048, 2048, 2048, false, false, DType::BF16),
    ("bf16_vector_1x2048x8192", 1, 1, 8192, 2048, false, true, DType::BF16),
    ("f16_1024", 1, 1024, 1024, 1024, false, false, DType::F16),
    ("c64_512", 1, 512, 512, 512, false, false, DType::C64),
    ("i32_512", 1, 512, 512, 512, false, false, DType::I32),
    ("i64_512", 1, 512, 512, 512, false, false, DType::I64),
    ("u8_512", 1, 512, 512, 512, false, false, DType::U8),
];

/// Small numbers of the dtype, in memory.
fn operand(dtype: DType, n: usize) -> Vec<u8> {
    let value = |i: usize| ((i * 7919 % 257) as f32 - 128.0) / 128.0;
    let mut bytes = Vec::with_capacity(n * dtype.size());
    for i in 0..n {
        match dtype {
            DType::F32 => bytes.extend(value(i).to_ne_bytes()),
            DType::F64 => bytes.extend((value(i) as f64).to_ne_bytes()),
            DType::BF16 => bytes.extend(half::bf16::from_f32(value(i)).to_ne_bytes()),
            DType::F16 => bytes.extend(half::f16::from_f32(value(i)).to_ne_bytes()),
            DType::C64 => bytes.extend([value(i).to_ne_bytes(), value(i + 1).to_ne_bytes()].concat()),
            _ => bytes.extend(std::iter::repeat_n(i as u8, dtype.size())),
        }
    }
    bytes
}

fn product(group: &mut BenchmarkGroup<'_, WallTime>, &(name, batch, m, n, k, ta, tb, dtype): &Row) {
    let (a, b) = (operand(dtype, batch * m * k), operand(dtype, batch * k * n));
    let mut c = operand(dtype, batch * m * n);
    let lay = |p: *const u8, rows: usize, cols: usize, t: bool| {
        if t { Mat::new(p, 1, rows as isize) } else { Mat::new(p, cols as isize, 1) }
    };
    let g = Gemm::new(
        dtype,
        (m, n, k),
        lay(a.as_ptr(), m, k, ta),
        lay(b.as_ptr(), k, n, tb),
        lay(c.as_mut_ptr(), m, n, false),
    );
    group.throughput(Throughput::Elements(2 * (batch * m * n * k) as u64));
    group.bench_function(name, |bench| {
        // SAFETY: the vectors hold the operands.
        bench.iter(|| unsafe {
            match batch {
                1 => gemm(black_box(&g)),
                _ => batched(black_box(&g), batch, ((m * k) as isize, (k * n) as isize, (m * n) as isize)),
            }
        });
    });
}

#[cfg(target_arch = "x86_64")]
mod peak {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// Flops of one call of [`fma`].
    pub const FLOPS: u64 = 2 * 16 * 24 * 1000;

    /// Nothing but fused multiply-adds in registers.
    #[target_feature(enable = "avx512f")]
    pub fn fma() {
        let (x, y) = (_mm512_set1_ps(black_box(0.5)), _mm512_set1_ps(black_box(1.5)));
        let mut acc = [_mm512_set1_ps(black_box(1.0)); 24];
        for _ in 0..1000 {
            for a in &mut acc {
                *a = _mm512_fmadd_ps(*a, x, y);
            }
        }
        black_box(acc);
    }
}

fn matmul(c: &mut Criterion) {
    let mut group = c.benchmark_group("matmul");
    group.sample_size(20).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(400));
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        group.throughput(Throughput::Elements(peak::FLOPS));
        // SAFETY: the instruction set is there.
        group.bench_function("fma_peak_f32", |bench| bench.iter(|| unsafe { peak::fma() }));
    }
    for row in ROWS {
        product(&mut group, row);
    }
    group.finish();
}

criterion_group!(benches, matmul);
criterion_main!(benches);
