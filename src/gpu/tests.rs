//! On whatever device there is; with `RUSTORCH_REQUIRE_GPU=1` there has to be one.

use super::pipeline::assemble;
use super::*;
use crate::tensor::DType;
use std::sync::Arc;

/// The device, or None where there is none and none is required.
fn device() -> Option<Arc<Gpu>> {
    match gpu() {
        Ok(gpu) => Some(gpu),
        Err(e) if crate::config::require_gpu() => panic!("{e}"),
        Err(_) => None,
    }
}

fn up(gpu: &Arc<Gpu>, bytes: &[u8]) -> Block {
    let block = gpu.alloc(bytes.len() as u64).expect("memory");
    gpu.upload(bytes, &block).expect("upload");
    block
}

fn down(gpu: &Gpu, block: &Block, n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    gpu.download(block, &mut bytes).expect("download");
    bytes
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|c| f32::from_ne_bytes([c[0], c[1], c[2], c[3]])).collect()
}

fn bytes(x: &[f32]) -> Vec<u8> {
    x.iter().flat_map(|v| v.to_ne_bytes()).collect()
}

fn call<'a>(expr: &'static str, ins: &'a [Input<'a>], out: Operand<'a>, shape: &'a [usize]) -> Call<'a> {
    Call {
        name: "test",
        expr,
        compute: DType::F32,
        is_test: false,
        ins,
        out,
        shape,
        f: [2.0, 0.5, 0.0, 0.0],
        i: [0; 4],
    }
}

#[test]
fn what_goes_up_comes_down() {
    let Some(gpu) = device() else { return };
    for n in [1usize, 3, 4, 5, 1000, 1 << 20] {
        let data: Vec<u8> = (0..n).map(|i| (i * 7 + 3) as u8).collect();
        assert_eq!(down(&gpu, &up(&gpu, &data), n), data);
    }
}

#[test]
fn commands_run_in_order_and_freed_memory_is_reused() {
    let Some(gpu) = device() else { return };
    let shape = [1000usize];
    let mut x = up(&gpu, &bytes(&[1.0; 1000]));
    let reserved = gpu.memory_stats().reserved;
    for _ in 0..200 {
        let y = gpu.alloc(4000).expect("memory");
        let at = |block| Operand { block, dtype: DType::F32, offset: 0, strides: &[1] };
        gpu.pointwise(&call("a + b", &[Input::Tensor(at(&x)), Input::Number(1.0, 1)], at(&y), &shape)).expect("kernel");
        x = y;
    }
    assert_eq!(floats(&down(&gpu, &x, 4000)), vec![201.0; 1000]);
    // Other tests allocate at the same time.
    assert!(gpu.memory_stats().reserved < reserved + (8 << 20));
}

#[test]
fn operands_of_every_layout() {
    let Some(gpu) = device() else { return };
    let (m, n) = (37usize, 65usize);
    let a: Vec<f32> = (0..m * n).map(|i| i as f32).collect();
    let row: Vec<f32> = (0..n).map(|i| 0.25 * i as f32).collect();
    let (x, r, y) = (up(&gpu, &bytes(&a)), up(&gpu, &bytes(&row)), gpu.alloc((4 * m * n) as u64).expect("memory"));
    let out = Operand { block: &y, dtype: DType::F32, offset: 0, strides: &[m as isize, 1] };
    // The transpose of x, and a column that is broadcast.
    let ins = [
        Input::Tensor(Operand { block: &x, dtype: DType::F32, offset: 0, strides: &[1, n as isize] }),
        Input::Tensor(Operand { block: &r, dtype: DType::F32, offset: 0, strides: &[1, 0] }),
    ];
    gpu.pointwise(&call("a * f0 + b * f1", &ins, out, &[n, m])).expect("kernel");
    let got = floats(&down(&gpu, &y, 4 * m * n));
    for i in 0..n {
        for j in 0..m {
            assert_eq!(got[i * m + j], 2.0 * a[j * n + i] + 0.5 * row[i]);
        }
    }
}

#[test]
fn chains_give_the_same_fused() {
    let Some(gpu) = device() else { return };
    let (m, n) = (19usize, 77usize);
    let a: Vec<f32> = (0..m * n).map(|i| (i as f32).sin()).collect();
    let row: Vec<f32> = (0..n).map(|i| 0.25 * i as f32).collect();
    let run = |fusing: bool| {
        let before = gpu.set_fusion(fusing).expect("fusion");
        let (x, r) = (up(&gpu, &bytes(&a)), up(&gpu, &bytes(&row)));
        let shape = [m, n];
        fn dense(block: &Block) -> Operand<'_> {
            Operand { block, dtype: DType::F32, offset: 0, strides: &[77, 1] }
        }
        let fresh = || gpu.alloc((4 * m * n) as u64).expect("memory");
        let go =
            |expr, ins: &[Input], out: &Block| gpu.pointwise(&call(expr, ins, dense(out), &shape)).expect("kernel");
        let y = fresh();
        {
            let (u, v) = (fresh(), fresh());
            let across = Operand { block: &r, dtype: DType::F32, offset: 0, strides: &[0, 1] };
            go("a + b * f1", &[Input::Tensor(dense(&x)), Input::Tensor(across)], &u);
            go("a * b", &[Input::Tensor(dense(&u)), Input::Number(3.0, 3)], &v);
            // In place, and then into the memory of what was read first.
            go("a - b", &[Input::Tensor(dense(&v)), Input::Tensor(dense(&x))], &v);
            go("exp_of(-abs(a)) + b", &[Input::Tensor(dense(&v)), Input::Tensor(dense(&u))], &x);
            go("a + f0 * b", &[Input::Tensor(dense(&x)), Input::Tensor(dense(&v))], &y);
        }
        let both = (floats(&down(&gpu, &y, 4 * m * n)), floats(&down(&gpu, &x, 4 * m * n)));
        gpu.set_fusion(before).expect("fusion");
        both
    };
    let (fused, plain) = (run(true), run(false));
    for (f, p) in fused.0.iter().chain(&fused.1).zip(plain.0.iter().chain(&plain.1)) {
        assert!((f - p).abs() <= 1e-5 * p.abs().max(1.0), "{f} for {p}");
    }
}

#[test]
fn casts_agree_with_the_cpu() {
    let Some(gpu) = device() else { return };
    let special = [
        0.0f32,
        -0.0,
        1.0,
        -1.5,
        65504.0,
        65519.9,
        65520.0,
        1e-8,
        5.97e-8,
        -3e-8,
        1e38,
        f32::INFINITY,
        f32::NAN,
        1.0009766,
    ];
    let data: Vec<f32> = special.iter().copied().chain((0..500).map(|i| (i as f32 - 250.0) * 0.37)).collect();
    let x = up(&gpu, &bytes(&data));
    let n = data.len();
    for (dtype, size) in [(DType::F16, 2usize), (DType::BF16, 2)] {
        let (y, z) = (gpu.alloc((n * size) as u64).expect("memory"), gpu.alloc((4 * n) as u64).expect("memory"));
        let at = |block, dtype| Operand { block, dtype, offset: 0, strides: &[1] };
        gpu.copy(at(&x, DType::F32), at(&y, dtype), &[n]).expect("kernel");
        gpu.copy(at(&y, dtype), at(&z, DType::F32), &[n]).expect("kernel");
        let back = floats(&down(&gpu, &z, 4 * n));
        for (v, b) in data.iter().zip(back) {
            let want =
                if dtype == DType::F16 { half::f16::from_f32(*v).to_f32() } else { half::bf16::from_f32(*v).to_f32() };
            assert!(b == want || (b.is_nan() && want.is_nan()), "{dtype:?} {v}: {b} for {want}");
        }
    }
}

#[test]
fn fills_of_every_dtype() {
    let Some(gpu) = device() else { return };
    for dtype in DType::ALL.into_iter().filter(|&d| has_storage(d)) {
        let n = 13usize;
        let y = gpu.alloc((n * dtype.size()) as u64).expect("memory");
        let out = Operand { block: &y, dtype, offset: 0, strides: &[1] };
        gpu.fill(out, &[n], 1.0, 1).expect("kernel");
        let one = crate::tensor::Scalar::Int(1).to_bytes(dtype);
        let got = down(&gpu, &y, n * dtype.size());
        assert!(got.chunks_exact(dtype.size()).all(|c| c == &one[..dtype.size()]), "{dtype:?}: {got:?}");
    }
}

#[test]
fn more_memory_than_allowed_is_an_error() {
    let Some(gpu) = device() else { return };
    let e = gpu.alloc(u64::MAX).map(drop).expect_err("too much");
    assert_eq!(e.kind(), crate::error::Kind::OutOfMemory);
    let e = gpu.alloc(gpu.caps().max_buffer + 1).map(drop).expect_err("too much");
    assert!(e.message().contains("at most"), "{e}");
}

#[test]
fn the_preprocessor_reports_what_is_missing() {
    assert!(assemble("no_such_kernel", &[]).is_err());
    let e = assemble("pointwise", &[]).expect_err("values are missing");
    assert!(e.message().contains("a name without a value"), "{e}");
}

#[test]
fn special_functions_are_found_by_their_whole_names() {
    for (text, calls) in [
        ("lgamma_of(a)", true),
        ("2.0 * bessel_i(0.0, a)", true),
        ("exp_of(a) * f0", false),
        ("my_lgamma_of(a) + lgamma_of", false),
    ] {
        assert_eq!(super::pipeline::calls_special(text), calls, "{text}");
    }
}
