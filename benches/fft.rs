//! Fourier transforms: time per call and bytes read. Lengths are powers of two, products of small primes, and a prime.
//!
//! `cargo bench --bench fft -- complex64` runs the rows whose name contains "complex64".

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustorch::cpu::fft;
use rustorch::tensor::layout::contiguous_strides;
use rustorch::tensor::{DType, Strided};
use std::time::Duration;

/// Zeros, dense.
struct Ten {
    data: Vec<u64>,
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
}

impl Ten {
    fn new(shape: &[usize], dtype: DType) -> Ten {
        let nbytes = shape.iter().product::<usize>() * dtype.size();
        let strides = contiguous_strides(shape).to_vec();
        Ten { data: vec![0; nbytes.div_ceil(8)], dtype, shape: shape.to_vec(), strides }
    }

    fn view(&self) -> Strided<'_> {
        let ptr = self.data.as_ptr().cast_mut().cast();
        Strided { ptr, dtype: self.dtype, shape: &self.shape, strides: &self.strides }
    }
}

/// (shape, dim)
const CASES: [(&[usize], usize); 8] = [
    (&[1000], 0),
    (&[1009], 0),
    (&[4096], 0),
    (&[65_536], 0),
    (&[1_000_000], 0),
    (&[1 << 20], 0),
    (&[1000, 1000], 1),
    (&[1000, 1000], 0),
];

fn transforms(c: &mut Criterion) {
    let mut g = c.benchmark_group("fft");
    for (shape, dim) in CASES {
        let mut half = shape.to_vec();
        half[dim] = half[dim] / 2 + 1;
        for (real, complex) in [(DType::F32, DType::C64), (DType::F64, DType::C128)] {
            let (x, y) = (Ten::new(shape, complex), Ten::new(shape, complex));
            let (r, h) = (Ten::new(shape, real), Ten::new(&half, complex));
            let name = |what: &str| format!("{what}/{}/{shape:?}/{dim}", complex.name());
            g.throughput(Throughput::Bytes((x.data.len() * 8) as u64));
            g.bench_function(name("c2c"), |b| b.iter(|| fft::complex(&x.view(), &y.view(), dim, true, 1.0)));
            g.throughput(Throughput::Bytes((r.data.len() * 8) as u64));
            g.bench_function(name("r2c"), |b| b.iter(|| fft::from_real(&r.view(), &h.view(), dim, None, 1.0)));
            g.bench_function(name("c2r"), |b| b.iter(|| fft::to_real(&h.view(), &r.view(), dim, 1.0)));
        }
    }
    g.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_millis(500)).warm_up_time(Duration::from_millis(200)).sample_size(20);
    targets = transforms
}
criterion_main!(benches);
