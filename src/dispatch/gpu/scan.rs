//! Scans along a dim.

use super::dense::{dense, fill, word};
use super::{Launch, done};
use crate::dispatch::empty;
use crate::dispatch::scan::Scan;
use crate::error::{Result, no_gpu_kernel, stop};
use crate::tensor::{DType, Device, Tensor};

/// Lines of at most this many elements have one invocation each.
const SHORT: usize = 32;
/// So many lines are enough to have an invocation each, where neighbours in memory are of different lines.
const MANY: usize = 1024;
/// Elements of a part of a long line, at least: four steps of a workgroup.
const RUN: usize = 4096;
/// A workgroup joins at most so many parts.
const MOST_PARTS: usize = 256;

struct Lines {
    count: usize,
    dim: usize,
    inner: usize,
}

impl Lines {
    fn new(x: &Tensor, dim: usize) -> Lines {
        let s = x.shape();
        let after = s.get(dim + 1..).unwrap_or(&[]).iter().product();
        let n = x.size(dim);
        Lines { count: x.numel() / n.max(1), dim: n, inner: after }
    }
}

/// How one scan is called: `begin` gives a call with its kind and inputs, `finish` binds the results.
fn run<'a>(
    l: &Lines,
    reverse: bool,
    state: (&'static str, DType, usize),
    totals: &'a mut Option<Tensor>,
    begin: impl Fn() -> Launch<'a>,
    finish: impl FnOnce(Launch<'a>) -> Launch<'a>,
) -> Result<()> {
    let words = |call: Launch<'a>, parts: usize, run: usize| {
        call.words([l.count, l.dim, l.inner, usize::from(reverse), parts, run])
    };
    let begin = || begin().text("STATE", state.0);
    if l.dim <= SHORT || (l.inner > 1 && l.count >= MANY) {
        return words(finish(begin().when("LANES", true)), 1, l.dim).over(l.count);
    }
    let run = RUN.max(l.dim.div_ceil(MOST_PARTS).next_multiple_of(RUN));
    let parts = l.dim.div_ceil(run);
    if parts == 1 {
        return words(finish(begin()), 1, run).groups(l.count);
    }
    let totals = &*totals.insert(empty(&[l.count * parts * state.2], state.1, Device::Gpu)?);
    words(begin().when("TOTALS", true).write(totals), parts, run).groups(l.count * parts)?;
    words(finish(begin().when("CARRIES", true).read(totals)), parts, run).groups(l.count * parts)
}

/// Scans `x` along `dim` into `out` of the same shape.
pub fn scan(kind: Scan, x: &Tensor, out: &Tensor, dim: usize, reverse: bool) -> Result<()> {
    let real = out.dtype().is_float();
    let compute = if real { DType::F32 } else { DType::I64 };
    if real && !x.dtype().is_float() && x.dtype() == DType::I64 {
        stop(no_gpu_kernel());
    }
    let x = dense(x, compute)?;
    let l = Lines::new(&x, dim);
    let (join, identity) = match kind {
        Scan::Sum => ("p + q", "0.0"),
        Scan::Prod => ("p * q", "1.0"),
        Scan::LogSumExp => ("log_add(p, q)", "from_bits(0xff800000u)"),
    };
    fill(out, compute, |to| {
        let mut totals = None;
        if real {
            let begin = || Launch::new("scan").text("JOIN", join).text("IDENTITY", identity).read(&x);
            return run(&l, reverse, ("f32", DType::F32, 1), &mut totals, begin, |call| call.write(to));
        }
        let begin = || Launch::new("scan").when("WIDE", true).when("PRODUCT", kind == Scan::Prod).read(&x);
        run(&l, reverse, ("vec2<u32>", DType::I32, 2), &mut totals, begin, |call| call.write(to))
    })
}

/// Running maximum or minimum along `dim` and where it is.
pub fn scan_extreme(max: bool, x: &Tensor, values: &Tensor, indices: &Tensor, dim: usize) {
    let compute = word(x.dtype());
    let long = compute == DType::I64;
    // States of three words lie in four.
    let state = if long { ("vec3<u32>", DType::I32, 4) } else { ("vec2<u32>", DType::I32, 2) };
    done((|| {
        let x = dense(x, compute)?;
        let l = Lines::new(&x, dim);
        let key = if compute == DType::F32 { "extreme_f32" } else { "key_i32" };
        fill(values, compute, |to| {
            fill(indices, DType::I64, |at| {
                let mut totals = None;
                let begin = || Launch::new("scan").when("EXTREME", true).when("LONG", long).text("KEY", key).read(&x);
                run(&l, !max, state, &mut totals, begin, |call| call.write(to).write(at))
            })
        })
    })());
}

/// `out[k] = b[k] + a[k] * out[k - 1]` along `dim`, from the end if `reverse`.
pub fn recur(a: &Tensor, b: &Tensor, out: &Tensor, dim: usize, reverse: bool) {
    if !out.dtype().is_float() {
        stop(no_gpu_kernel());
    }
    done((|| {
        let (a, b) = (dense(a, DType::F32)?, dense(b, DType::F32)?);
        let l = Lines::new(&a, dim);
        fill(out, DType::F32, |to| {
            let mut totals = None;
            let begin = || Launch::new("scan").when("RECUR", true).read(&a).read(&b);
            run(&l, reverse, ("vec2<f32>", DType::F32, 2), &mut totals, begin, |call| call.write(to))
        })
    })());
}
