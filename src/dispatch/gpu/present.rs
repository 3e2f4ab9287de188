//! With the feature `gpu`: calls of its kernels.

use super::super::matmul::Factor;
use super::super::reduce::Reduce;
use super::super::{Fun, Params, wgsl};
use crate::error::Result;
use crate::error::{Error, Kind, no_gpu_kernel, stop, three_parts};
use crate::fail;
use crate::gpu::{self, Block, Call, Input, Matrix, Operand, Product, Reduction};
use crate::tensor::layout::{self, Strides};
use crate::tensor::{Buffer, DType, Scalar, Tensor};
use crate::tensor::{Device, Storage};
use smallvec::SmallVec;
use std::sync::Arc;

pub use crate::gpu::{Arg, Check, Launch};

impl<'a> From<&'a Tensor> for Arg<'a> {
    fn from(t: &'a Tensor) -> Self {
        if !t.is_gpu() {
            stop(mixed());
        }
        Arg { block: block(t.storage()), dtype: t.dtype(), offset: t.offset() }
    }
}

/// Can tensors of this dtype lie on the GPU? An error that says what to do instead, if not.
pub fn check_dtype(dtype: DType) -> Result<()> {
    if gpu::has_storage(dtype) {
        return Ok(());
    }
    fail!(Type, torch: ("Cannot convert a tensor to {} on the GPU: WGSL has no such type", dtype.name()),
        expected: ("gpu: expected a dtype that GPUs compute with"), got: ("{}", dtype.name()),
        fix: ("Use float32 (.float()), or keep the tensor on the CPU (.cpu())."))
}

/// Memory for `nbytes` on the GPU.
pub fn storage(nbytes: usize, zeroed: bool) -> Result<Storage> {
    let gpu = gpu::gpu()?;
    let block = gpu.alloc(nbytes as u64)?;
    if zeroed && nbytes > 0 {
        let words = nbytes.div_ceil(4);
        gpu.fill(Operand { block: &block, dtype: DType::I32, offset: 0, strides: &[1] }, &[words], 0.0, 0)?;
    }
    Ok(Storage::new(Buffer::remote(nbytes, Arc::new(block)), Device::Gpu, false))
}

fn block(s: &Storage) -> &Block {
    match s.remote().and_then(|r| r.downcast_ref::<Block>()) {
        Some(block) => block,
        None => stop(no_gpu_kernel()),
    }
}

#[cold]
fn mixed() -> Error {
    three_parts(
        Kind::Runtime,
        Some(
            "Expected all tensors to be on the same device, but found at least two devices, gpu:0 and cpu!".to_owned(),
        ),
        "expected tensors on one device".to_owned(),
        "gpu:0 and cpu".to_owned(),
        "Move one with .to().".to_owned(),
    )
}

fn done(r: Result<()>) {
    if let Err(e) = r {
        stop(e);
    }
}

fn operand<'a>(t: &'a Tensor, strides: &'a [isize]) -> Operand<'a> {
    Operand { block: block(t.storage()), dtype: t.dtype(), offset: t.offset(), strides }
}

fn dense(t: &Tensor) -> bool {
    t.is_contiguous() && t.offset() == 0 && t.storage().nbytes() == t.numel() * t.dtype().size()
}

/// Copies between devices, and on the GPU with a cast; `src` broadcasts to `dst`.
pub fn copy(src: &Tensor, dst: &Tensor) {
    match (src.is_gpu(), dst.is_gpu()) {
        (true, true) => {
            let strides = layout::broadcast_strides(src.shape(), src.strides(), dst.shape());
            let (from, to) = (operand(src, &strides), operand(dst, dst.strides()));
            done(block(dst.storage()).gpu().copy(from, to, dst.shape()));
        }
        (false, true) if src.dtype() == dst.dtype() && dense(src) && dense(dst) && src.shape() == dst.shape() => {
            // SAFETY: a dense tensor of the CPU.
            let bytes = unsafe { std::slice::from_raw_parts(src.ptr(), src.storage().nbytes()) };
            let to = block(dst.storage());
            done(to.gpu().upload(bytes, to));
        }
        (true, false) if src.dtype() == dst.dtype() && dense(src) && dense(dst) && src.shape() == dst.shape() => {
            // SAFETY: as above, and nobody else sees it: `dst` is being written.
            let bytes = unsafe { std::slice::from_raw_parts_mut(dst.ptr(), dst.storage().nbytes()) };
            let from = block(src.storage());
            done(from.gpu().download(from, bytes));
        }
        // By way of a dense copy of the source, cast and broadcast there where it lies.
        _ => done(by_way_of(src, dst)),
    }
}

fn by_way_of(src: &Tensor, dst: &Tensor) -> Result<()> {
    // Casts on the CPU know every dtype.
    let dtype = if src.is_gpu() { src.dtype() } else { dst.dtype() };
    let here = super::super::empty(dst.shape(), dtype, src.device())?;
    super::super::copy(src, &here);
    let there = super::super::empty(dst.shape(), dtype, dst.device())?;
    copy(&here, &there);
    super::super::copy(&there, dst);
    Ok(())
}

/// Sets every element.
pub fn fill(dst: &Tensor, value: Scalar) {
    // Through the dtype, so that numbers wrap and round as they do on the CPU.
    let bytes = value.to_bytes(dst.dtype());
    // SAFETY: the bytes of one element.
    let value = unsafe { Scalar::read(bytes.as_ptr(), dst.dtype()) };
    done(block(dst.storage()).gpu().fill(operand(dst, dst.strides()), dst.shape(), value.f64(), value.i64()));
}

/// Reduces into a contiguous `out`, see `super::super::reduce`.
pub fn reduce(kind: Reduce, x: &Tensor, out: &Tensor, kept: &[usize], p: f64) {
    if kind == Reduce::CountNonzero && x.dtype().is_float() {
        // As truth values, whose sum is exact.
        let truth = || -> Result<Tensor> {
            let t = super::super::empty(x.shape(), DType::Bool, x.device())?;
            copy(x, &t);
            Ok(t)
        };
        return match truth() {
            Ok(t) => reduce(kind, &t, out, kept, p),
            Err(e) => stop(e),
        };
    }
    // Small numbers are summed in 32 bits, where their sums fit for sure.
    let small = matches!(x.dtype(), DType::Bool | DType::U8 | DType::I8)
        && x.numel() / out.numel().max(1) <= i32::MAX as usize / 255;
    let Some(r) = reduction(kind, x.dtype(), out.dtype(), p, small) else { stop(no_gpu_kernel()) };
    let to = operand(out, out.strides());
    done(to.block.gpu().reduce(r, operand(x, x.strides()), x.shape(), to, kept));
}

/// What a reduction is in WGSL, where GPUs have the types for it.
fn reduction(kind: Reduce, of: DType, to: DType, p: f64, small: bool) -> Option<Reduction> {
    let real = of.is_float() && (to.is_half() || to == DType::F32);
    let whole = of.is_integral(true);
    let f = |map, identity, combine, finish| Some(Reduction { map, identity, combine, finish, compute: DType::F32 });
    let i = |map, identity, combine| Some(Reduction { map, identity, combine, finish: "acc", compute: DType::I32 });
    let wide = |identity, combine| Some(Reduction { map: "v", identity, combine, finish: "acc", compute: DType::I64 });
    // Of both words of an int64, whether there is a bit.
    let some = |identity, combine| {
        let map = "min(v, 1u)";
        Some(Reduction { map, identity, combine, finish: "acc", compute: DType::U32 })
    };
    match kind {
        Reduce::Sum if real => f("v", "0.0", "a + b", "acc"),
        Reduce::Sum if small && to == DType::I64 => i("v", "0", "a + b"),
        Reduce::Sum if whole && to == DType::I64 => wide("vec2<u32>(0u)", "add64(a, b)"),
        Reduce::Sum if whole && to != DType::Bool && to.is_integral(true) => i("v", "0", "a + b"),
        Reduce::Mean if real => f("v", "0.0", "a + b", "acc / f32(params.length)"),
        Reduce::NanSum if real => f("select(v, 0.0, is_nan(v))", "0.0", "a + b", "acc"),
        Reduce::Prod if real => f("v", "1.0", "a * b", "acc"),
        Reduce::Prod if whole && to == DType::I64 => wide("vec2<u32>(1u, 0u)", "mul64(a, b)"),
        Reduce::Prod if whole && to != DType::Bool && to.is_integral(true) => i("v", "1", "a * b"),
        Reduce::Min if real => f("v", "from_bits(INF_BITS)", "minimum(a, b)", "acc"),
        Reduce::Max if real => f("v", "from_bits(0xff800000u)", "maximum(a, b)", "acc"),
        Reduce::Min if of == DType::I64 && to == of => wide("vec2<u32>(0xffffffffu, 0x7fffffffu)", "min64(a, b)"),
        Reduce::Max if of == DType::I64 && to == of => wide("vec2<u32>(0u, 0x80000000u)", "max64(a, b)"),
        Reduce::Min if whole && to == of => i("v", "2147483647", "min(a, b)"),
        Reduce::Max if whole && to == of => i("v", "-2147483647 - 1", "max(a, b)"),
        Reduce::SumSquares if real => f("v * v", "0.0", "a + b", "acc"),
        Reduce::Norm if real && p == 2.0 => f("v * v", "0.0", "a + b", "sqrt(acc)"),
        Reduce::Norm if real && p == 1.0 => f("abs(v)", "0.0", "a + b", "acc"),
        Reduce::Norm if real && p == 0.0 => f("select(1.0, 0.0, v == 0.0)", "0.0", "a + b", "acc"),
        Reduce::Norm if real && p == f64::INFINITY => f("abs(v)", "0.0", "maximum(a, b)", "acc"),
        Reduce::Norm if real && p == f64::NEG_INFINITY => f("abs(v)", "from_bits(INF_BITS)", "minimum(a, b)", "acc"),
        Reduce::Any if of == DType::I64 => some("0u", "a | b"),
        Reduce::All if of == DType::I64 => some("1u", "a & b"),
        Reduce::CountNonzero if of == DType::I64 => some("0u", "a + b"),
        Reduce::Any if whole => i("i32(v != 0)", "0", "a | b"),
        Reduce::All if whole => i("i32(v != 0)", "1", "a & b"),
        Reduce::CountNonzero if whole => i("i32(v != 0)", "0", "a + b"),
        Reduce::Any if of.is_float() => f("select(1.0, 0.0, v == 0.0)", "0.0", "max(a, b)", "acc"),
        Reduce::All if of.is_float() => f("select(1.0, 0.0, v == 0.0)", "1.0", "min(a, b)", "acc"),
        _ => None,
    }
}

fn matrix(t: &Tensor, (rs, cs, bs): (isize, isize, isize)) -> Matrix<'_> {
    Matrix { block: block(t.storage()), dtype: t.dtype(), offset: t.offset(), rs, cs, bs }
}

/// A tensor, and elements from row to row, from column to column and from matrix to matrix.
pub type Matrices<'a> = (&'a Tensor, (isize, isize, isize));

/// `c = alpha a b + beta c + bias` for each matrix of a batch, of sizes m, n, k.
pub fn matmul(
    batch: usize,
    sizes: (usize, usize, usize),
    (a, b, c): (Matrices, Matrices, Matrices),
    (alpha, beta): (Factor, Factor),
    bias: Option<&Tensor>,
) {
    let same = a.0.dtype() == c.0.dtype() && b.0.dtype() == c.0.dtype();
    if !same || c.0.dtype() == DType::Bool || !a.0.is_gpu() || !b.0.is_gpu() || bias.is_some_and(|b| !b.is_gpu()) {
        stop(no_gpu_kernel());
    }
    let p = Product {
        batch,
        sizes,
        a: matrix(a.0, a.1),
        b: matrix(b.0, b.1),
        c: matrix(c.0, c.1),
        alpha: alpha.complex.re as f32,
        beta: beta.complex.re as f32,
        whole: (alpha.int, beta.int),
        bias: bias.map(|b| (block(b.storage()), b.dtype(), b.offset())),
    };
    done(p.c.block.gpu().matmul(&p));
}

/// Runs a pointwise function; inputs broadcast, and numbers of the CPU go along.
pub fn pointwise(fun: Fun, compute: DType, ins: &[&Tensor], out: &Tensor, p: &Params) {
    let Some((expr, is_test)) = wgsl(fun, compute) else { stop(no_gpu_kernel()) };
    // Bounds, and the order of a derivative, end at the range of the dtype; factors wrap.
    let bounds =
        matches!(fun, Fun::Clamp | Fun::ClampTensor | Fun::Threshold | Fun::ThresholdBackward | Fun::Polygamma);
    let (least, most) = match compute {
        DType::U8 => (0, i64::from(u8::MAX)),
        DType::I8 => (i64::from(i8::MIN), i64::from(i8::MAX)),
        DType::I16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        DType::I64 => (i64::MIN, i64::MAX),
        _ => (i64::from(i32::MIN), i64::from(i32::MAX)),
    };
    let fit = |i: i64| if bounds { i.clamp(least, most) } else { i };
    let i = p.i.map(fit);
    let strides: SmallVec<[Strides; 4]> =
        ins.iter().map(|t| layout::broadcast_strides(t.shape(), t.strides(), out.shape())).collect();
    let inputs: SmallVec<[Input; 4]> = ins
        .iter()
        .zip(&strides)
        .map(|(t, s)| {
            if t.is_gpu() {
                return Input::Tensor(operand(t, s));
            }
            if t.numel() != 1 {
                stop(mixed());
            }
            // SAFETY: a tensor of one element.
            let value = unsafe { Scalar::read(t.ptr(), t.dtype()) };
            let whole = fit(value.i64());
            let whole = match compute {
                DType::U8 => i64::from(whole as u8),
                DType::I8 => i64::from(whole as i8),
                DType::I16 => i64::from(whole as i16),
                _ => whole,
            };
            Input::Number(value.f64(), whole)
        })
        .collect();
    let to = operand(out, out.strides());
    // Smaller integers wrap where they are stored, and halves round there.
    let compute = match compute {
        DType::U8 | DType::I8 | DType::I16 => DType::I32,
        DType::F16 | DType::BF16 => DType::F32,
        d => d,
    };
    let call = Call { name: "pointwise", expr, compute, is_test, ins: &inputs, out: to, shape: out.shape(), f: p.f, i };
    done(to.block.gpu().pointwise(&call));
}
