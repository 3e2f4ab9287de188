//! Reductions that are more than a fold of numbers, see `super::super::reduce`.

use super::super::reduce::{Extreme, Reduce};
use super::dense::word;
use super::lines::Lines;
use super::moments::{Form, Moments, moments};
use super::{Launch, done};
use crate::cpu::pointwise::{Fun, Params};
use crate::dispatch;
use crate::error::Result;
use crate::tensor::layout::{Shape, Strides};
use crate::tensor::{DType, Scalar, Tensor};

/// The groups of elements that `kept` makes one, as lines of a contiguous tensor of `dtype`: `x` itself, or a copy.
fn gathered(x: &Tensor, kept: &[usize], dtype: DType) -> Result<(Tensor, Lines)> {
    let shape = x.shape();
    let reduced = |d: usize| kept[d] != shape[d];
    let count: usize = kept.iter().product();
    if x.dtype() == dtype && x.is_contiguous() {
        // Neighbouring dims of one kind count as one.
        let mut runs: Vec<(bool, usize)> = Vec::new();
        for d in (0..shape.len()).filter(|&d| shape[d] != 1) {
            match runs.last_mut() {
                Some(last) if last.0 == reduced(d) => last.1 *= shape[d],
                _ => runs.push((reduced(d), shape[d])),
            }
        }
        let lines = match runs[..] {
            [] => Some(Lines::rows(1, 1)),
            [(true, n)] => Some(Lines::rows(1, n)),
            [(false, n)] => Some(Lines::rows(n, 1)),
            [(false, outer), (true, n)] => Some(Lines::rows(outer, n)),
            [(true, n), (false, inner)] => Some(Lines::along((1, n, inner))),
            [(false, outer), (true, n), (false, inner)] => Some(Lines::along((outer, n, inner))),
            [(true, n), (false, c), (true, s)] => Some(Lines::across((n, c, s))),
            _ => None,
        };
        if let Some(lines) = lines {
            return Ok((x.clone(), lines));
        }
    }
    let order = || (0..shape.len()).filter(|&d| !reduced(d)).chain((0..shape.len()).filter(|&d| reduced(d)));
    let (sizes, strides): (Shape, Strides) = order().map(|d| (shape[d], x.strides()[d])).unzip();
    // SAFETY: the same elements in another order.
    let view = unsafe { Tensor::from_parts(x.storage().clone(), x.offset(), sizes.clone(), strides, x.dtype()) };
    let rows = dispatch::empty(&sizes, dtype, x.device())?;
    dispatch::copy(&view, &rows);
    Ok((rows, Lines::rows(count, (0..shape.len()).filter(|&d| reduced(d)).map(|d| shape[d]).product())))
}

/// Runs `f` with a tensor of `dtype` in the place of `out`, which gets what it writes.
fn by_way_of(out: &Tensor, dtype: DType, f: impl FnOnce(&Tensor) -> Result<()>) -> Result<()> {
    if out.dtype() == dtype {
        return f(out);
    }
    let own = dispatch::empty(out.shape(), dtype, out.device())?;
    f(&own)?;
    dispatch::copy(&own, out);
    Ok(())
}

/// Variance (its root if `root`) with divisor `n - correction`, and mean.
pub fn var_mean(x: &Tensor, correction: f64, root: bool, var: &Tensor, mean: Option<&Tensor>, kept: &[usize]) {
    let run = || {
        let (x, lines) = gathered(x, kept, DType::F32)?;
        let form = if root { Form::Deviation } else { Form::Variance };
        // A divisor below zero counts as zero, as in torch.
        let divisor = (lines.length as f64 - correction).max(0.0);
        by_way_of(var, DType::F32, |result| match mean {
            None => moments(&x, lines, divisor, form, Moments { mean: None, result, unbiased: None }),
            Some(mean) => by_way_of(mean, DType::F32, |mean| {
                moments(&x, lines, divisor, form, Moments { mean: Some(mean), result, unbiased: None })
            }),
        })
    };
    done(run());
}

/// Runs a kernel that makes of lines, or of their parts, what it makes of the parts' results in a second call.
fn folded(kernel: &'static str, product: bool, (x, lines): (&Tensor, Lines), out: &Tensor) -> Result<()> {
    let lines = lines.cut();
    let parts =
        if lines.parts > 1 { Some(dispatch::empty(&[lines.count, lines.parts], x.dtype(), x.device())?) } else { None };
    let first = parts.as_ref().unwrap_or(out);
    let call = Launch::new(kernel).when("PRODUCT", product).read(x).write(first);
    call.words(lines.words()).groups(lines.groups())?;
    let Some(parts) = &parts else { return Ok(()) };
    let lines = Lines::rows(lines.count, lines.parts);
    let call = Launch::new(kernel).when("PRODUCT", product).read(parts).write(out);
    call.words(lines.words()).groups(lines.groups())
}

/// log(sum(exp(x))).
pub fn logsumexp(x: &Tensor, out: &Tensor, kept: &[usize]) {
    let run = || {
        let (x, lines) = gathered(x, kept, DType::F32)?;
        by_way_of(out, DType::F32, |out| folded("logsumexp", false, (&x, lines), out))
    };
    done(run());
}

/// The sum or product of whole numbers, in 64 bits.
pub fn whole(kind: Reduce, x: &Tensor, out: &Tensor, kept: &[usize]) {
    let run = || {
        let (x, lines) = gathered(x, kept, DType::I64)?;
        by_way_of(out, DType::I64, |out| folded("whole", kind == Reduce::Prod, (&x, lines), out))
    };
    done(run());
}

/// The norm of an order that has no reduction of its own.
pub fn norm(x: &Tensor, out: &Tensor, kept: &[usize], p: f64) {
    let run = || {
        let powers = dispatch::empty(x.shape(), DType::F32, x.device())?;
        let plain = Params::default();
        dispatch::pointwise(Fun::Abs, DType::F32, &[x], &powers, &plain);
        dispatch::pointwise(Fun::Pow, DType::F32, &[&powers, &dispatch::wrapped(Scalar::Float(p))?], &powers, &plain);
        by_way_of(out, DType::F32, |out| {
            dispatch::reduce::reduce(Reduce::Sum, &powers, out, kept, 0.0);
            let root = dispatch::wrapped(Scalar::Float(1.0 / p))?;
            dispatch::pointwise(Fun::Pow, DType::F32, &[out, &root], out, &plain);
            Ok(())
        })
    };
    done(run());
}

/// Where the first extreme element along `dim` or of all is, and its value.
pub fn arg_reduce(kind: Extreme, x: &Tensor, indices: &Tensor, values: Option<&Tensor>, kept: &[usize]) {
    let compute = word(x.dtype());
    let run = || {
        let (x, lines) = gathered(x, kept, compute)?;
        match values {
            None => places(kind, &x, lines, indices, None),
            Some(values) => by_way_of(values, compute, |values| places(kind, &x, lines, indices, Some(values))),
        }
    };
    done(run());
}

fn places(kind: Extreme, x: &Tensor, lines: Lines, indices: &Tensor, values: Option<&Tensor>) -> Result<()> {
    let lines = lines.cut();
    let fresh = |dtype| dispatch::empty(&[lines.count, lines.parts], dtype, x.device());
    let parts = if lines.parts > 1 { Some((fresh(x.dtype())?, fresh(DType::I32)?)) } else { None };
    let text = match x.dtype() {
        DType::F32 => "f32",
        DType::I64 => "vec2<u32>",
        _ => "i32",
    };
    let ahead = match (kind, x.dtype()) {
        (Extreme::Min, DType::I64) => "lt64(a, b)",
        (Extreme::Max, DType::I64) => "lt64(b, a)",
        (Extreme::Min, _) => "a < b",
        (Extreme::Max, _) => "a > b",
    };
    let call = || {
        let call = Launch::new("arg_reduce").text("TYPE", text).text("AHEAD", ahead);
        call.when("FLOAT", x.dtype() == DType::F32).when("WIDE", x.dtype() == DType::I64)
    };
    if let Some((value, place)) = &parts {
        call()
            .when("PARTIAL", true)
            .when("VALUES", true)
            .read(x)
            .write(value)
            .write(place)
            .words(lines.words())
            .groups(lines.groups())?;
    }
    let call = call().when("JOIN", parts.is_some()).when("VALUES", values.is_some());
    let call = match &parts {
        Some((value, place)) => call.read(value).read(place),
        None => call.read(x),
    };
    let call = call.write_some(values).write(indices).words(lines.words());
    if parts.is_some() { call.over(lines.count) } else { call.groups(lines.groups()) }
}
