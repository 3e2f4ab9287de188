//! What the host does for a call on the GPU, on wgpu's backend that runs nothing: a software device would share the
//! processor with the host.

use criterion::{Criterion, criterion_group, criterion_main};
use rustorch::gpu::{Block, Call, Gpu, Input, Operand};
use rustorch::tensor::DType;
use std::hint::black_box;
use std::sync::Arc;

fn gpu() -> Arc<Gpu> {
    // SAFETY: before anything else runs, and no other thread reads the environment.
    unsafe {
        std::env::set_var("RUSTORCH_GPU_BACKEND", "noop");
        std::env::set_var("RUSTORCH_GPU_ALLOW_CPU", "1");
        std::env::remove_var("RUSTORCH_GPU_ADAPTER");
    }
    rustorch::gpu::gpu().expect("the backend that runs nothing")
}

fn at(block: &Block) -> Operand<'_> {
    Operand { block, dtype: DType::F32, offset: 0, strides: &[1] }
}

/// An addition with its result's memory: small tensors, so that nothing but recording is done.
fn record(c: &mut Criterion) {
    let gpu = gpu();
    let (x, y) = (gpu.alloc(4096).expect("memory"), gpu.alloc(4096).expect("memory"));
    c.bench_function("gpu/record_add", |b| {
        b.iter(|| {
            let out = gpu.alloc(4096).expect("memory");
            let call = Call {
                name: "add",
                expr: "a + f0 * b",
                compute: DType::F32,
                is_test: false,
                ins: &[Input::Tensor(at(&x)), Input::Tensor(at(&y))],
                out: at(&out),
                shape: &[1024],
                f: [1.0, 0.0, 0.0, 0.0],
                i: [0; 4],
            };
            gpu.pointwise(black_box(&call)).expect("a call");
        });
    });
    c.bench_function("gpu/alloc_free", |b| b.iter(|| black_box(gpu.alloc(4096).expect("memory"))));
}

criterion_group!(benches, record);
criterion_main!(benches);
