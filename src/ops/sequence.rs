//! Tensors that a rule makes: identity, even spacing, powers, windows.

use super::create::arange;
use super::helpers::not_implemented;
use super::view;
use crate::autograd::needs_grad;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::schema::{Args, Dest};
use crate::tensor::device::default_device;
use crate::tensor::layout::Shape;
use crate::tensor::promote::{default_complex, default_dtype, promote};
use crate::tensor::{Category, DType, Device, Scalar, Tensor};

/// The dtype of an `out=` tensor.
fn given(a: &Args) -> Option<DType> {
    match a.dest() {
        Dest::Out(outs) => outs.first().map(Tensor::dtype),
        _ => None,
    }
}

/// Ones on the diagonal.
fn eye(n: i64, m: i64, dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    for (name, x) in [("n", n), ("m", m)] {
        if x < 0 {
            fail!(Runtime, torch: ("{name} must be greater or equal to 0, got {x}"), expected: ("eye: expected sizes of at least 0"), got: ("{x}"), fix: ("Give the matrix's extents."));
        }
    }
    let t = dispatch::zeros(
        &[n as usize, m as usize],
        dtype.unwrap_or(default_dtype()),
        dev.unwrap_or_else(default_device),
    )?;
    dispatch::fill(&view::diagonal(&t.detach(), 0, 0, 1)?, Scalar::Int(1));
    Ok(t)
}

/// The end points of linspace and logspace, and the dtype that they ask for.
fn spaced(
    name: &str,
    a: &Args,
    steps: i64,
    ends: [Scalar; 2],
    dtype: Option<DType>,
    dev: Option<Device>,
) -> Result<Tensor> {
    if steps < 0 {
        fail!(Runtime, torch: ("number of steps must be non-negative"), expected: ("{name}: expected at least 0 steps"), got: ("{steps}"), fix: ("Give the number of elements."));
    }
    let complex = ends.iter().any(|e| e.category() == Category::Complex);
    let standard = if complex { default_complex() } else { default_dtype() };
    let dtype = dtype.or(given(a)).unwrap_or(standard);
    if complex && !dtype.is_complex() {
        fail!(Runtime, torch: ("{name}(): inferred dtype {} can't be safely cast to passed dtype {}", standard.name(), dtype.name()), expected: ("{name}: expected a complex dtype"), got: ("{}", dtype.name()), fix: ("Leave dtype out."));
    }
    if dtype == DType::Bool {
        return not_implemented(name, dtype);
    }
    dispatch::empty(&[steps as usize], dtype, dev.unwrap_or_else(default_device))
}

/// A number, or a 0-d tensor's value.
fn end_point(name: &str, which: &str, t: &Tensor) -> Result<Scalar> {
    if t.ndim() != 0 {
        fail!(Runtime, torch: ("{name} only supports 0-dimensional start and end tensors, but got {which} with {} dimension(s).", t.ndim()), expected: ("{name}: expected numbers"), got: ("shape {:?}", t.shape()), fix: ("Use lerp() for many ranges."));
    }
    t.item()
}

fn end_points(name: &str, a: &Args) -> Result<[Scalar; 2]> {
    let (start, end): (&Tensor, &Tensor) = (a.get(0)?, a.get(1)?);
    if start.ndim() != 0 && end.ndim() != 0 {
        fail!(Runtime, torch: ("{name} only supports 0-dimensional start and end tensors, but got start with {} dimension(s) and end with {} dimension(s).", start.ndim(), end.ndim()), expected: ("{name}: expected numbers"), got: ("tensors"), fix: ("Use lerp() for many ranges."));
    }
    Ok([end_point(name, "start", start)?, end_point(name, "end", end)?])
}

fn linspace(a: &Args) -> Result<Tensor> {
    let ends = end_points("linspace", a)?;
    let t = spaced("linspace", a, a.get(2)?, ends, a.get(3)?, a.get(5)?)?;
    dispatch::linspace(&t, ends[0], ends[1]);
    Ok(t)
}

fn logspace(a: &Args) -> Result<Tensor> {
    let ends = end_points("logspace", a)?;
    let t = spaced("logspace", a, a.get(2)?, ends, a.get(4)?, a.get(6)?)?;
    dispatch::logspace(&t, ends[0], ends[1], a.get(3)?);
    Ok(t)
}

/// Numbers from `start` to `end`, both included.
fn range(start: Scalar, end: Scalar, step: Scalar, dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    let (a, b, s) = (start.f64(), end.f64(), step.f64());
    if s == 0.0 {
        fail!(Runtime, torch: ("step must be nonzero"), expected: ("range: expected a step other than 0"), got: ("0"), fix: ("Use full() for a constant."));
    }
    if !a.is_finite() || !b.is_finite() {
        fail!(Runtime, torch: ("unsupported range: {a} -> {b}"), expected: ("range: expected finite bounds"), got: ("{a} and {b}"), fix: ("Check the arguments."));
    }
    if (s > 0.0) != (b >= a) && a != b {
        fail!(Runtime, torch: ("upper bound and lower bound inconsistent with step sign"), expected: ("range: expected a step from start towards end"), got: ("{a} to {b} by {s}"), fix: ("Change the step's sign."));
    }
    let t = dispatch::empty(
        &[((b - a) / s + 1.0) as usize],
        dtype.unwrap_or(default_dtype()),
        dev.unwrap_or_else(default_device),
    )?;
    dispatch::arange(&t, start, step);
    Ok(t)
}

/// Powers of the elements of a vector, one column each.
pub fn vander(x: &Tensor, n: Option<i64>, increasing: bool) -> Result<Tensor> {
    if x.ndim() != 1 {
        fail!(Runtime, torch: ("x must be a one-dimensional tensor."), expected: ("vander: expected a vector"), got: ("{} dims", x.ndim()), fix: ("Flatten it."));
    }
    let n = n.unwrap_or(x.numel() as i64);
    if n < 0 {
        fail!(Runtime, torch: ("N must be non-negative."), expected: ("vander: expected at least 0 columns"), got: ("{n}"), fix: ("Pass the number of columns."));
    }
    let dtype = if x.dtype().is_integral(true) { promote(x.dtype(), DType::I64) } else { x.dtype() };
    let x = super::copy::to_dtype(x, dtype)?;
    let column = |k: usize| Shape::from_slice(&[x.numel(), k]);
    if !needs_grad(&[&x]) && !x.is_gpu() && n > 0 {
        // Straight into the result, from the right where the powers fall.
        let y = dispatch::empty(&column(n as usize), dtype, x.device())?;
        let (one, rest) = if increasing { (0, 1) } else { (n - 1, 0) };
        dispatch::fill(&view::narrow(&y.detach(), 1, one, 1)?, Scalar::Int(1));
        let rest = view::narrow(&y.detach(), 1, rest, n - 1)?;
        let factors = view::expand_to(&view::unsqueeze(&x.detach(), 1)?, rest.shape())?;
        dispatch::scan::scan(dispatch::scan::Scan::Prod, &factors, &rest, 1, !increasing);
        return Ok(y);
    }
    let ones = dispatch::empty(&column((n > 0) as usize), dtype, x.device())?;
    dispatch::fill(&ones, Scalar::Int(1));
    let powers =
        super::scan::cumprod(&view::expand_to(&view::unsqueeze(&x, 1)?, &column((n - 1).max(0) as usize))?, 1, None)?;
    let all = super::join::cat(&[ones, powers], 1)?;
    if increasing { Ok(all) } else { super::shift::flip(&all, &[1]) }
}

// Windows. The periodic form of length n is the symmetric one of length n + 1 without its last element.

/// The points 0, 1, ... of a window, or the window itself where it is trivial.
enum Points {
    Trivial(Tensor),
    Of(Tensor, usize),
}

fn points(name: &str, length: i64, periodic: bool, dtype: Option<DType>, dev: Option<Device>) -> Result<Points> {
    let dtype = dtype.unwrap_or(default_dtype());
    if dtype.is_integral(true) {
        fail!(Runtime, torch: ("{name} expects floating point dtypes, got: {}", dtype.name()), expected: ("{name}: expected a floating dtype"), got: ("{}", dtype.name()), fix: ("Leave dtype out."));
    }
    if length < 0 {
        fail!(Runtime, torch: ("{name} requires non-negative window_length, got window_length={length}"), expected: ("{name}: expected a length of at least 0"), got: ("{length}"), fix: ("Give the number of points."));
    }
    if length <= 1 {
        let t = dispatch::empty(&[length as usize], dtype, dev.unwrap_or_else(default_device))?;
        dispatch::fill(&t, Scalar::Int(1));
        return Ok(Points::Trivial(t));
    }
    let n = length + periodic as i64;
    Ok(Points::Of(arange(Scalar::Int(0), Scalar::Int(n), Scalar::Int(1), Some(dtype), dev)?, n as usize))
}

fn window(
    name: &str,
    (length, periodic): (i64, bool),
    dtype: Option<DType>,
    dev: Option<Device>,
    f: impl FnOnce(&Tensor, f64) -> Result<Tensor>,
) -> Result<Tensor> {
    match points(name, length, periodic, dtype, dev)? {
        Points::Trivial(t) => Ok(t),
        Points::Of(x, n) => {
            let w = f(&x, (n - 1) as f64)?;
            if !periodic {
                return Ok(w);
            }
            let part = view::slice(&w, 0, None, Some(length), 1)?;
            Ok(part.detach())
        }
    }
}

use std::f64::consts::PI;

fn hamming(name: &str, a: &Args, i: usize, alpha: f64, beta: f64) -> Result<Tensor> {
    window(name, (a.get(0)?, a.get(1)?), a.get(i)?, a.get(i + 2)?, |x, n| {
        x.mul_scalar(PI * 2.0 / n)?.cos()?.mul_scalar(-beta)?.add_scalar(alpha)
    })
}

fn blackman(x: &Tensor, n: f64) -> Result<Tensor> {
    let w = x.mul_scalar(PI / n)?;
    w.mul_scalar(4.0)?.cos()?.mul_scalar(0.08)?.sub(&w.mul_scalar(2.0)?.cos()?.mul_scalar(0.5)?)?.add_scalar(0.42)
}

fn bartlett(x: &Tensor, n: f64) -> Result<Tensor> {
    let w = x.mul_scalar(2.0 / n)?;
    let first = (n as i64 >> 1) + 1;
    let (up, down) = (view::slice(&w, 0, None, Some(first), 1)?, view::slice(&w, 0, Some(first), None, 1)?);
    super::join::cat(&[up.detach(), down.mul_scalar(-1.0)?.add_scalar(2.0)?], 0)
}

/// `I0(beta sqrt(1 - ((x - h) / h)^2)) / I0(beta)` with h half of the length (Kaiser & Schafer 1980).
fn kaiser(x: &Tensor, n: f64, beta: f64) -> Result<Tensor> {
    let half = n / 2.0;
    let r = x.add_scalar(-half)?.mul_scalar(1.0 / half)?;
    let arc = r.mul(&r)?.neg()?.add_scalar(1.0)?.sqrt()?;
    arc.mul_scalar(beta)?.i0()?.div(&x.scalar_like(beta)?.i0()?)
}

ops! {
    @
    /// Ones on the diagonal of a square matrix.
    "eye(int n, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| eye(a.get(0)?, a.get(0)?, a.get::<Option<DType>>(1)?.or(given(a)), a.get(3)?);
    /// Ones on the diagonal of a matrix.
    "eye(int n, int m, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| eye(a.get(0)?, a.get(1)?, a.get::<Option<DType>>(2)?.or(given(a)), a.get(4)?);
    /// `steps` evenly spaced numbers from `start` to `end`, both included.
    "linspace(Operand start, Operand end, int steps, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| linspace(a);
    /// Powers of `base` with evenly spaced exponents from `start` to `end`, both included.
    "logspace(Operand start, Operand end, int steps, float base=10.0, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| logspace(a);
    /// Numbers from `start` to `end`, both included, `step` apart; `arange` is the function to use.
    "range(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f o] => |a| range(a.get(0)?, a.get(1)?, a.get(2)?, a.get::<Option<DType>>(3)?.or(given(a)), a.get(5)?);
    /// Powers of a vector's elements: columns x^(N-1) to x^0, or reversed if `increasing`.
    "vander(Tensor x, int? N=None, bool increasing=False) -> Tensor" [f] => |a| vander(a.get(0)?, a.get(1)?, a.get(2)?);
    /// Hann window: `(1 - cos(2 pi n / (N - 1))) / 2`.
    "hann_window(int window_length, bool periodic=True, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f] => |a| hamming("hann_window", a, 2, 0.5, 0.5);
    /// Hamming window: `alpha - beta cos(2 pi n / (N - 1))`.
    "hamming_window(int window_length, bool periodic=True, float alpha=0.54, float beta=0.46, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f] => |a| hamming("hamming_window", a, 4, a.get(2)?, a.get(3)?);
    /// Blackman window: `0.42 - 0.5 cos(2 pi n / (N - 1)) + 0.08 cos(4 pi n / (N - 1))`.
    "blackman_window(int window_length, bool periodic=True, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f] => |a| window("blackman_window", (a.get(0)?, a.get(1)?), a.get(2)?, a.get(4)?, blackman);
    /// Bartlett window: a triangle from 0 to 1 and back.
    "bartlett_window(int window_length, bool periodic=True, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f] => |a| window("bartlett_window", (a.get(0)?, a.get(1)?), a.get(2)?, a.get(4)?, bartlett);
    /// Kaiser window with shape parameter `beta`.
    "kaiser_window(int window_length, bool periodic=True, float beta=12.0, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, bool requires_grad=False) -> Tensor" [f] => |a| {
        let beta: f64 = a.get(2)?;
        window("kaiser_window", (a.get(0)?, a.get(1)?), a.get(3)?, a.get(5)?, |x, n| kaiser(x, n, beta))
    };
}
