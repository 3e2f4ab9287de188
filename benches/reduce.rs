//! Reductions, scans, sorting and indexing: time per call and bytes read.
//!
//! `cargo bench --bench reduce -- sum` runs the rows whose name contains "sum".

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustorch::cpu::index::{self, Mask, Scatter};
use rustorch::cpu::reduce::{Extreme, Reduce, aminmax, arg_reduce, logsumexp, reduce, var_mean};
use rustorch::cpu::scan::{Scan, scan, scan_extreme};
use rustorch::cpu::sort::{Rank, searchsorted, select, sort, topk, unique};
use rustorch::tensor::{DType, Strided};
use std::time::Duration;

/// A dense tensor.
struct Ten {
    data: Vec<u64>,
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
}

impl Ten {
    fn new(shape: &[usize], dtype: DType) -> Ten {
        let mut strides = vec![1isize; shape.len()];
        for d in (1..shape.len()).rev() {
            strides[d - 1] = strides[d] * shape[d] as isize;
        }
        let n: usize = shape.iter().product();
        Ten { data: vec![0; (n * dtype.size()).div_ceil(8) + 8], dtype, shape: shape.to_vec(), strides }
    }

    /// Uniform floats in [0, 1), integers below `below`.
    fn random(shape: &[usize], dtype: DType, below: u64) -> Ten {
        let mut t = Ten::new(shape, dtype);
        let n = t.view().numel();
        let p = t.data.as_mut_ptr();
        let mut s = 88_172_645_463_325_252u64;
        for i in 0..n {
            s ^= s << 13;
            s ^= s >> 7;
            s ^= s << 17;
            // SAFETY: i < n, and the buffer holds n elements of this dtype.
            unsafe {
                match dtype {
                    DType::F32 => *p.cast::<f32>().add(i) = (s >> 40) as f32 / (1 << 24) as f32,
                    DType::F64 => *p.cast::<f64>().add(i) = (s >> 11) as f64 / (1u64 << 53) as f64,
                    DType::F16 => *p.cast::<half::f16>().add(i) = half::f16::from_f32((s >> 40) as f32 / 1.7e7),
                    DType::BF16 => *p.cast::<half::bf16>().add(i) = half::bf16::from_f32((s >> 40) as f32 / 1.7e7),
                    DType::I32 => *p.cast::<i32>().add(i) = (s % below) as i32,
                    DType::I64 => *p.cast::<i64>().add(i) = (s % below) as i64,
                    _ => *p.cast::<u8>().add(i) = (s % below) as u8,
                }
            }
        }
        t
    }

    fn view(&self) -> Strided<'_> {
        let ptr = self.data.as_ptr().cast_mut().cast();
        Strided { ptr, dtype: self.dtype, shape: &self.shape, strides: &self.strides }
    }

    fn bytes(&self) -> u64 {
        (self.view().numel() * self.dtype.size()) as u64
    }
}

fn row<R>(c: &mut Criterion, name: &str, x: &Ten, mut f: impl FnMut(Strided) -> R) {
    let mut g = c.benchmark_group("reduce");
    g.throughput(Throughput::Bytes(x.bytes()));
    g.bench_function(name, |b| b.iter(|| f(x.view())));
    g.finish();
}

fn reductions(c: &mut Criterion) {
    use DType::{BF16, Bool, F32, F64, I32, I64};
    let kinds = [
        ("sum", Reduce::Sum, F32, F32),
        ("sum_bf16", Reduce::Sum, BF16, BF16),
        ("sum_f16", Reduce::Sum, DType::F16, DType::F16),
        ("sum_f64", Reduce::Sum, F64, F64),
        ("sum_i32", Reduce::Sum, I32, I64),
        ("sum_bool", Reduce::Sum, Bool, I64),
        ("max", Reduce::Max, F32, F32),
        ("any", Reduce::Any, Bool, Bool),
        ("norm2", Reduce::Norm, F32, F32),
        ("prod", Reduce::Prod, F32, F32),
    ];
    for (name, kind, from, to) in kinds {
        let x = Ten::random(&[1000, 10_000], from, 2);
        for (form, shape) in [("all", [1, 1]), ("rows", [1000, 1]), ("columns", [1, 10_000])] {
            let out = Ten::new(&shape, to);
            row(c, &format!("{name}/{form}/1000x10000"), &x, |x| reduce(kind, &x, &out.view(), 2.0));
        }
    }
    for (a, b) in [(1_000_000, 4), (100_000, 40), (4, 1_000_000), (40, 100_000), (4096, 1024)] {
        let x = Ten::random(&[a, b], F32, 2);
        for (form, shape) in [("rows", [a, 1]), ("columns", [1, b])] {
            let out = Ten::new(&shape, F32);
            row(c, &format!("sum/{form}/{a}x{b}"), &x, |x| reduce(Reduce::Sum, &x, &out.view(), 0.0));
            let mean = Ten::new(&shape, F32);
            row(c, &format!("var/{form}/{a}x{b}"), &x, |x| {
                var_mean(&x, 1.0, false, Some(&out.view()), Some(&mean.view()))
            });
            row(c, &format!("logsumexp/{form}/{a}x{b}"), &x, |x| logsumexp(&x, &out.view()));
            let at = Ten::new(&shape, I64);
            let dim = (form == "rows") as usize;
            row(c, &format!("argmax/{form}/{a}x{b}"), &x, |x| {
                arg_reduce(Extreme::Max, &x, Some(dim), &at.view(), Some(&out.view()))
            });
        }
    }
    let x = Ten::random(&[32, 64, 56, 56], F32, 2);
    let out = Ten::new(&[1, 64, 1, 1], F32);
    row(c, "sum/channels/32x64x56x56", &x, |x| reduce(Reduce::Sum, &x, &out.view(), 0.0));
    row(c, "var/channels/32x64x56x56", &x, |x| var_mean(&x, 0.0, false, Some(&out.view()), None));
    let x = Ten::random(&[10_000_000], F32, 2);
    let (a, b) = (Ten::new(&[1], F32), Ten::new(&[1], F32));
    let at = Ten::new(&[1], I64);
    row(c, "aminmax/all/10M", &x, |x| aminmax(&x, &a.view(), &b.view()));
    row(c, "argmax/all/10M", &x, |x| arg_reduce(Extreme::Max, &x, None, &at.view(), None));
    row(c, "var/all/10M", &x, |x| var_mean(&x, 1.0, false, Some(&a.view()), None));
    row(c, "logsumexp/all/10M", &x, |x| logsumexp(&x, &a.view()));
    let tiny = Ten::random(&[8, 8], F32, 2);
    let out = Ten::new(&[1, 1], F32);
    row(c, "sum/all/8x8", &tiny, |x| reduce(Reduce::Sum, &x, &out.view(), 0.0));
}

fn scans(c: &mut Criterion) {
    use DType::{F32, I64};
    for (name, shape, dim) in [
        ("1d/4M", vec![4 << 20], 0),
        ("rows/1024x4096", vec![1024, 4096], 1),
        ("columns/4096x1024", vec![4096, 1024], 0),
    ] {
        let x = Ten::random(&shape, F32, 2);
        let (out, at) = (Ten::new(&shape, F32), Ten::new(&shape, I64));
        row(c, &format!("cumsum/{name}"), &x, |x| scan(Scan::Sum, &x, &out.view(), dim));
        row(c, &format!("cummax/{name}"), &x, |x| scan_extreme(true, &x, &out.view(), &at.view(), dim));
        row(c, &format!("logcumsumexp/{name}"), &x, |x| scan(Scan::LogSumExp, &x, &out.view(), dim));
    }
}

fn sorts(c: &mut Criterion) {
    use DType::{F32, F64, I32, I64};
    for (name, shape, dtype) in [
        ("f32/1M", vec![1_000_000], F32),
        ("i32/1M", vec![1_000_000], I32),
        ("i64/1M", vec![1_000_000], I64),
        ("f64/1M", vec![1_000_000], F64),
        ("f32/1000x1000", vec![1000, 1000], F32),
        ("f32/10000x100", vec![10_000, 100], F32),
        ("f32/100000x10", vec![100_000, 10], F32),
        ("f32/columns/1000x1000", vec![1000, 1000], F32),
    ] {
        let x = Ten::random(&shape, dtype, 1 << 30);
        let (v, at) = (Ten::new(&shape, dtype), Ten::new(&shape, I64));
        let dim = if name.contains("columns") { 0 } else { shape.len() - 1 };
        row(c, &format!("sort/{name}"), &x, |x| sort(&x, dim, false, Some(&v.view()), Some(&at.view())));
    }
    for (a, n, k) in [(1024, 8192, 50), (64, 50_000, 10), (1, 1_000_000, 100), (10_000, 100, 5)] {
        let x = Ten::random(&[a, n], F32, 2);
        let (v, at) = (Ten::new(&[a, k], F32), Ten::new(&[a, k], I64));
        row(c, &format!("topk/{a}x{n}/{k}"), &x, |x| topk(&x, 1, k, true, true, &v.view(), &at.view()));
    }
    let x = Ten::random(&[1_000_000], F32, 2);
    let (v, at) = (Ten::new(&[1], F32), Ten::new(&[1], I64));
    row(c, "median/1M", &x, |x| select(&x, Some(0), Rank::Median, &v.view(), Some(&at.view())));
    let x = Ten::random(&[1_000_000], I64, 1000);
    row(c, "unique/i64/1M", &x, |x| drop(unique(&x, true, true)));
    let edges = Ten::random(&[1000], F32, 2);
    let sorted = Ten::new(&[1000], F32);
    sort(&edges.view(), 0, false, Some(&sorted.view()), None);
    let x = Ten::random(&[1_000_000], F32, 2);
    let at = Ten::new(&[1_000_000], I64);
    row(c, "searchsorted/1000/1M", &x, |x| searchsorted(&sorted.view(), &x, &at.view(), false, None));
}

fn indexing(c: &mut Criterion) {
    use DType::{Bool, F32, I64};
    let table = Ten::random(&[50_000, 256], F32, 2);
    let rows = Ten::random(&[8192], I64, 50_000);
    let out = Ten::new(&[8192, 256], F32);
    row(c, "embedding/50000x256/8192", &out, |o| index::index_select(&table.view(), 0, &rows.view(), &o));
    let few = Ten::random(&[8192], I64, 5000);
    row(c, "embedding_backward/50000x256/8192", &out, |g| {
        index::embedding_backward(&g, &few.view(), &table.view(), None, false)
    });
    row(c, "index_add/50000x256/8192", &out, |g| {
        index::index_add(&table.view(), 0, &few.view(), &g, Scatter::Add, true)
    });
    row(c, "index_put_add/50000x256/8192", &out, |g| {
        index::index_put(&table.view(), &[Some(few.view()), None], &g, true)
    });
    row(c, "check_bounds/8192", &rows, |i| assert_eq!(index::check_bounds(&i, 50_000, true), None));
    let x = Ten::random(&[2048, 1024], F32, 2);
    let at = Ten::random(&[2048, 1024], I64, 1024);
    let y = Ten::new(&[2048, 1024], F32);
    for dim in 0..2 {
        row(c, &format!("gather/{dim}/2048x1024"), &x, |x| index::gather(&x, dim, &at.view(), &y.view()));
        row(c, &format!("scatter_add/{dim}/2048x1024"), &x, |x| {
            index::scatter(&y.view(), dim, &at.view(), &x, Scatter::Add, true)
        });
    }
    let (a, b) = (Ten::random(&[1_000_000], I64, 2048), Ten::random(&[1_000_000], I64, 1024));
    let line = Ten::random(&[1_000_000], F32, 2);
    row(c, "index_pairs/1M", &line, |l| index::index(&x.view(), &[Some(a.view()), Some(b.view())], &l));
    row(c, "index_put_pairs/1M", &line, |l| index::index_put(&x.view(), &[Some(a.view()), Some(b.view())], &l, false));
    let x = Ten::random(&[2 << 20], F32, 2);
    let m = Ten::random(&[2 << 20], Bool, 2);
    let n = Mask::new(&m.view()).total();
    let (out, at) = (Ten::new(&[n], F32), Ten::new(&[n, 1], I64));
    row(c, "masked_select/2M", &x, |x| {
        let counts = Mask::new(&m.view());
        index::masked_select(&x, &m.view(), &counts, &out.view())
    });
    row(c, "nonzero/2M", &m, |m| {
        let counts = Mask::new(&m);
        index::nonzero(&m, &counts, &at.view())
    });
    let x = Ten::random(&[2048, 2048], F32, 2);
    let y = Ten::new(&[2048, 2048], F32);
    row(c, "flip/1/2048x2048", &x, |x| index::flip(&x, &[1], &y.view()));
    row(c, "flip/0/2048x2048", &x, |x| index::flip(&x, &[0], &y.view()));
    row(c, "roll/2048x2048", &x, |x| index::roll(&x, &[3, 5], &[0, 1], &y.view()));
    row(c, "tril/2048x2048", &x, |x| index::triangle(&x, 0, false, &y.view()));
}

fn short() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(700))
        .sample_size(10)
}

criterion_group! { name = benches; config = short(); targets = reductions, scans, sorts, indexing }
criterion_main!(benches);
