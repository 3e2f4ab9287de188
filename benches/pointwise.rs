//! Pointwise kernels: time per call over sizes in L1, L2 and memory. Throughput is in elements.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rustorch::cpu::pointwise::{Fun, Params, copy, fill, run};
use rustorch::tensor::{DType, Strided};
use std::time::Duration;

/// Elements of any dtype, as 16-byte words.
fn buffer(dtype: DType, n: usize) -> Vec<u128> {
    let mut words = vec![0u128; (n * dtype.size()).div_ceil(16).max(1)];
    let p = words.as_mut_ptr();
    for i in 0..n {
        let x = 0.1 + (i % 97) as f64 * 0.02;
        // SAFETY: i < n.
        unsafe {
            match dtype {
                DType::F32 => *p.cast::<f32>().add(i) = x as f32,
                DType::F64 => *p.cast::<f64>().add(i) = x,
                DType::BF16 => *p.cast::<half::bf16>().add(i) = half::bf16::from_f64(x),
                DType::F16 => *p.cast::<half::f16>().add(i) = half::f16::from_f64(x),
                DType::I32 => *p.cast::<i32>().add(i) = i as i32 + 1,
                DType::I64 => *p.cast::<i64>().add(i) = i as i64 + 1,
                _ => *p.cast::<u8>().add(i) = (i % 2) as u8,
            }
        }
    }
    words
}

fn view<'a>(words: &[u128], dtype: DType, shape: &'a [usize], strides: &'a [isize]) -> Strided<'a> {
    Strided { ptr: words.as_ptr().cast_mut().cast(), dtype, shape, strides }
}

/// Contiguous operands of one dtype.
fn contiguous(c: &mut Criterion, group: &str, dtype: DType, funs: &[Fun], sizes: &[usize]) {
    let mut g = c.benchmark_group(group);
    let p = Params { f: [1.0, 1.0, 1.0, 1.0], i: [1, 1, 0, 0] };
    for &fun in funs {
        for &n in sizes {
            let ins: Vec<Vec<u128>> = (0..fun.arity()).map(|k| buffer(fun.in_dtype(k, dtype), n)).collect();
            let out = buffer(fun.out_dtype(dtype), n);
            let shape = [n];
            let views: Vec<_> =
                ins.iter().enumerate().map(|(k, b)| view(b, fun.in_dtype(k, dtype), &shape, &[1])).collect();
            let out = view(&out, fun.out_dtype(dtype), &shape, &[1]);
            g.throughput(Throughput::Elements(n as u64));
            g.bench_function(BenchmarkId::new(format!("{fun:?}"), n), |b| b.iter(|| run(fun, dtype, &views, &out, &p)));
        }
    }
    g.finish();
}

/// Rows with their own layouts: (name, shape, strides and dtypes of inputs and output).
type Row = (&'static str, Fun, DType, [usize; 2], &'static [(DType, [isize; 2])], (DType, [isize; 2]));

fn layouts(c: &mut Criterion) {
    use DType::{BF16, F32, F64, I64};
    const ROWS: &[Row] = &[
        ("scalar operand", Fun::Mul, F32, [256, 256], &[(F32, [256, 1]), (F32, [0, 0])], (F32, [256, 1])),
        ("bias 256", Fun::Add, F32, [256, 256], &[(F32, [256, 1]), (F32, [0, 1])], (F32, [256, 1])),
        ("bias 10", Fun::Add, F32, [6400, 10], &[(F32, [10, 1]), (F32, [0, 1])], (F32, [10, 1])),
        ("column 256", Fun::Add, F32, [256, 256], &[(F32, [256, 1]), (F32, [1, 0])], (F32, [256, 1])),
        ("permuted", Fun::Add, F32, [256, 256], &[(F32, [1, 256]), (F32, [1, 256])], (F32, [1, 256])),
        ("transposed", Fun::Add, F32, [256, 256], &[(F32, [256, 1]), (F32, [1, 256])], (F32, [256, 1])),
        ("in bf16", Fun::Add, F32, [256, 256], &[(BF16, [256, 1]), (BF16, [256, 1])], (BF16, [256, 1])),
        ("mixed", Fun::Add, F64, [256, 256], &[(F64, [256, 1]), (I64, [256, 1])], (F64, [256, 1])),
    ];
    let mut g = c.benchmark_group("layouts");
    let p = Params { f: [1.0; 4], i: [1; 4] };
    for (name, fun, compute, shape, ins, (dtype, strides)) in ROWS {
        let n = shape[0] * shape[1];
        let buffers: Vec<_> = ins.iter().map(|(d, _)| buffer(*d, n)).collect();
        let views: Vec<_> = buffers.iter().zip(*ins).map(|(b, (d, s))| view(b, *d, shape, s)).collect();
        let out = buffer(*dtype, n);
        let out = view(&out, *dtype, shape, strides);
        g.throughput(Throughput::Elements(n as u64));
        g.bench_function(*name, |b| b.iter(|| run(*fun, *compute, &views, &out, &p)));
    }
    g.finish();
}

fn copies(c: &mut Criterion) {
    use DType::{BF16, F16, F32, F64, I64};
    let mut g = c.benchmark_group("copy");
    for (name, from, to, shape, source) in [
        ("f32 in L2", F32, F32, [128, 1024], [1024, 1]),
        ("f32 in memory", F32, F32, [16384, 1024], [1024, 1]),
        ("f32 transposed in L2", F32, F32, [256, 256], [1, 256]),
        ("f32 transposed", F32, F32, [2048, 2048], [1, 2048]),
        ("f64 transposed", F64, F64, [2048, 2048], [1, 2048]),
        ("bf16 transposed", BF16, BF16, [2048, 2048], [1, 2048]),
        ("f32 to bf16", F32, BF16, [128, 512], [512, 1]),
        ("bf16 to f32", BF16, F32, [128, 512], [512, 1]),
        ("f32 to f16", F32, F16, [128, 512], [512, 1]),
        ("f16 to f32", F16, F32, [128, 512], [512, 1]),
        ("f32 to f64", F32, F64, [128, 512], [512, 1]),
        ("i64 to f32", I64, F32, [128, 512], [512, 1]),
        ("f32 to i64", F32, I64, [128, 512], [512, 1]),
    ] {
        let n = shape[0] * shape[1];
        let (x, y) = (buffer(from, n), buffer(to, n));
        let strides = [shape[1] as isize, 1];
        let (x, y) = (view(&x, from, &shape, &source), view(&y, to, &shape, &strides));
        g.throughput(Throughput::Elements(n as u64));
        g.bench_function(name, |b| b.iter(|| copy(&x, &y)));
    }
    let n = 16 << 20;
    let x = buffer(F32, n);
    let shape = [n];
    g.throughput(Throughput::Elements(n as u64));
    g.bench_function("fill in memory", |b| b.iter(|| fill(&view(&x, F32, &shape, &[1]), [0; 16])));
    g.finish();
}

fn functions(c: &mut Criterion) {
    use Fun::*;
    // 64 KiB per operand: in L2 with room.
    let l2 = [16384];
    contiguous(c, "small", DType::F32, &[Add, Exp], &[1, 10, 64, 1000]);
    let cheap = [Add, Mul, Div, Relu, Lt, Where, Maximum, Sqrt, Floor, Lerp, Clamp, Fmod];
    contiguous(c, "f32", DType::F32, &cheap, &l2);
    let math = [
        Exp, Exp2, Expm1, Log, Log2, Log10, Log1p, Sin, Cos, Tan, Tanh, Sigmoid, Erf, Erfc, Atan, Asin, Sinh, Asinh,
        Atanh, Pow, Atan2, Hypot, Logaddexp,
    ];
    contiguous(c, "f32", DType::F32, &math, &l2);
    let nets = [Gelu, GeluBackward, GeluTanh, Silu, SiluBackward, Mish, Softplus, Elu, BceWithLogits];
    contiguous(c, "f32", DType::F32, &nets, &l2);
    contiguous(c, "f64", DType::F64, &[Add, Exp, Log, Sin, Tanh, Erf, Pow], &[8192]);
    contiguous(c, "i64", DType::I64, &[Add, Mul, DivFloor, Lt], &[8192]);
    contiguous(c, "memory", DType::F32, &[Add, Relu], &[16 << 20]);
}

fn config() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .sample_size(10)
}

criterion_group! { name = benches; config = config(); targets = functions, layouts, copies }
criterion_main!(benches);
