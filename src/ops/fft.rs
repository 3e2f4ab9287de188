//! Discrete Fourier transforms. All are made of three operations, which are each other's derivatives.

use super::copy::to_dtype;
use super::helpers::{checked_shape, not_implemented};
use super::pad::constant_pad;
use super::shift::roll;
use super::view;
use crate::autograd::record;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::device::default_device;
use crate::tensor::layout::{Shape, Strides};
use crate::tensor::{DType, Device, Scalar, Tensor, promote};
use smallvec::SmallVec;
use std::cmp::Reverse;

type DimList = SmallVec<[usize; 5]>;

/// What a transform is divided by, as torch numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Norm {
    /// Nothing.
    None,
    /// The root of the number of elements.
    Root,
    /// The number of elements.
    Number,
}

impl Norm {
    fn numbered(i: i64) -> Result<Norm> {
        match i {
            0 => Ok(Norm::None),
            1 => Ok(Norm::Root),
            2 => Ok(Norm::Number),
            _ => {
                fail!(Runtime, torch: ("Unsupported normalization type {i}"), expected: ("fft: expected 0, 1 or 2"), got: ("{i}"), fix: ("0 divides by nothing, 1 by the root of the length, 2 by the length."))
            }
        }
    }

    /// The mode of that name: which of the two directions is divided.
    fn named(mode: Option<&str>, forward: bool) -> Result<Norm> {
        match mode.unwrap_or("backward") {
            "ortho" => Ok(Norm::Root),
            "backward" => Ok(if forward { Norm::None } else { Norm::Number }),
            "forward" => Ok(if forward { Norm::Number } else { Norm::None }),
            other => {
                fail!(Runtime, torch: ("Invalid normalization mode: \"{other}\""), expected: ("fft: expected norm 'forward', 'backward' or 'ortho'"), got: ("'{other}'"), fix: ("'ortho' divides both directions by the root of the length."))
            }
        }
    }

    /// The factor for a signal of `shape` along `dims`.
    fn scale(self, shape: &[usize], dims: &[usize]) -> f64 {
        let n: f64 = dims.iter().map(|&d| shape[d] as f64).product();
        match self {
            Norm::None => 1.0,
            Norm::Root => 1.0 / n.sqrt(),
            Norm::Number => 1.0 / n,
        }
    }
}

/// Dims by their strides, the innermost last: in this order passes read and write memory best, and torch sorts so.
fn sorted(x: &Tensor, dims: &[usize]) -> DimList {
    let mut dims = DimList::from_slice(dims);
    dims.sort_by_key(|&d| Reverse(x.strides()[d]));
    dims
}

/// Memory for a transform along `dims`, which are innermost.
fn result(x: &Tensor, dims: &[usize], shape: &[usize], dtype: DType) -> Result<Tensor> {
    let others: DimList = (0..x.ndim()).filter(|d| !dims.contains(d)).collect();
    let mut strides = Strides::from_elem(1, x.ndim());
    let mut step = 1isize;
    for &d in sorted(x, &others).iter().chain(dims).rev() {
        strides[d] = step;
        step = step.saturating_mul(shape[d].max(1) as isize);
    }
    dispatch::empty_strided(shape, &strides, dtype, x.device())
}

/// Complex to complex along `dims`.
pub fn c2c(x: &Tensor, dims: &[usize], norm: Norm, forward: bool) -> Result<Tensor> {
    check_complex("_fft_c2c", x)?;
    if dims.is_empty() {
        return super::copy::clone(x, None);
    }
    let order = sorted(x, dims);
    let out = result(x, &order, x.shape(), x.dtype())?;
    dispatch::fft::complex(x, &out, &order, forward, norm.scale(x.shape(), dims));
    record(out, "FftC2CBackward0", &[x], |_| {
        let dims = DimList::from_slice(dims);
        move |_, g| grads![c2c(g, &dims, norm, !forward)?]
    })
}

/// Real to complex along `dims`; of the last one the first half of coefficients alone, if `onesided`.
pub fn r2c(x: &Tensor, dims: &[usize], norm: Norm, onesided: bool) -> Result<Tensor> {
    r2c_windowed(x, None, dims, norm, onesided)
}

/// [`r2c`] of `x` times a constant window along its last dim, the last of `dims`; contiguous and of its dtype.
pub fn r2c_windowed(x: &Tensor, window: Option<&Tensor>, dims: &[usize], norm: Norm, onesided: bool) -> Result<Tensor> {
    check_real("_fft_r2c", x)?;
    let (last, n) = last_of("_fft_r2c", x, dims)?;
    check_points(n as i64)?;
    let mut order = sorted(x, &dims[..dims.len() - 1]);
    order.push(last);
    let mut shape = Shape::from_slice(x.shape());
    if onesided {
        shape[last] = n / 2 + 1;
    }
    let out = result(x, &order, &shape, x.dtype().to_complex())?;
    dispatch::fft::from_real(x, &out, &order, window, norm.scale(x.shape(), dims));
    record(out, "FftR2CBackward0", &[x], |s| {
        let dims = DimList::from_slice(dims);
        let window = s.optional(window);
        move |ctx, g| {
            // A real gradient is the real part of the way back, to which conjugates contribute the same.
            let back = match onesided {
                true => c2r(&middle(g, last, n, 0.5)?, &dims, norm, n)?,
                false => c2c(g, &dims, norm, false)?.real_part()?,
            };
            grads![match window {
                Some(w) => back.mul(&ctx.get(w)?)?,
                None => back,
            }]
        }
    })
}

/// The first half of coefficients to `n` real numbers along the last of `dims`, complex to complex along the others.
pub fn c2r(x: &Tensor, dims: &[usize], norm: Norm, n: usize) -> Result<Tensor> {
    check_complex("_fft_c2r", x)?;
    let (last, half) = last_of("_fft_c2r", x, dims)?;
    check_points(n as i64)?;
    if half != n / 2 + 1 {
        fail!(Runtime, expected: ("_fft_c2r: expected {} coefficients for {n} numbers", n / 2 + 1), got: ("{half}"), fix: ("Cut them off, or fill them up with zeros."));
    }
    let mut shape = Shape::from_slice(x.shape());
    shape[last] = n;
    let scale = norm.scale(&shape, dims);
    let rest = sorted(x, &dims[..dims.len() - 1]);
    let lines = if rest.is_empty() {
        x.detach()
    } else {
        let lines = result(x, &rest, x.shape(), x.dtype())?;
        dispatch::fft::complex(x, &lines, &rest, false, 1.0);
        lines
    };
    let out = result(&lines, &[last], &shape, x.dtype().to_real())?;
    dispatch::fft::to_real(&lines, &out, last, scale);
    record(out, "FftC2RBackward0", &[x], |_| {
        let dims = DimList::from_slice(dims);
        move |_, g| grads![middle(&r2c(g, &dims, norm, true)?, last, n, 2.0)?]
    })
}

/// Multiplies those of the first half of `n` coefficients whose conjugates stand in the second half.
fn middle(x: &Tensor, dim: usize, n: usize, factor: f64) -> Result<Tensor> {
    let half = n / 2 + 1;
    if n == half {
        return Ok(x.clone());
    }
    let mut shape = Shape::from_elem(1, x.ndim() - dim);
    shape[0] = half;
    let weights = dispatch::empty(&shape, x.dtype().to_real(), x.device())?;
    dispatch::fill(&weights, Scalar::Int(1));
    dispatch::fill(&view::narrow(&weights.detach(), 0, 1, (n - half) as i64)?, Scalar::Float(factor));
    x.mul(&weights)
}

fn check_complex(name: &str, x: &Tensor) -> Result<()> {
    if !x.dtype().is_complex() {
        fail!(Runtime, torch: ("Only supports complex dtypes, but found: {}", x.dtype().scalar_name()), expected: ("{name}: expected complex numbers"), got: ("{}", x.dtype().name()), fix: ("Use torch.fft, which converts."));
    }
    Ok(())
}

fn check_real(name: &str, x: &Tensor) -> Result<()> {
    match x.dtype() {
        DType::F32 | DType::F64 => Ok(()),
        DType::F16 | DType::BF16 => {
            fail!(Runtime, torch: ("MKL FFT doesn't support tensors of type: {}", x.dtype().scalar_name()), expected: ("{name}: expected float32 or float64"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."))
        }
        other => {
            fail!(Runtime, torch: ("Only supports floating-point dtypes, but found: {}", other.scalar_name()), expected: ("{name}: expected float32 or float64"), got: ("{}", other.name()), fix: ("Use torch.fft, which converts."))
        }
    }
}

/// The last of `dims` and its extent.
fn last_of(name: &str, x: &Tensor, dims: &[usize]) -> Result<(usize, usize)> {
    match dims.last() {
        Some(&d) => Ok((d, x.shape()[d])),
        None => no_axis(name),
    }
}

#[cold]
fn no_axis<T>(name: &str) -> Result<T> {
    fail!(Runtime, torch: ("{name} must transform at least one axis"), expected: ("{name}: expected at least one dim"), got: ("none"), fix: ("Name one in dim."))
}

#[cold]
fn unsupported<T>(dtype: DType) -> Result<T> {
    fail!(Runtime, torch: ("Unsupported dtype {}", dtype.scalar_name()), expected: ("fft: expected float32, float64 or complex"), got: ("{}", dtype.name()), fix: ("Convert with .float()."))
}

fn check_points(n: i64) -> Result<()> {
    if n < 1 {
        fail!(Runtime, torch: ("Invalid number of data points ({n}) specified"), expected: ("fft: expected at least 1 number along each dim"), got: ("{n}"), fix: ("Give n or s."));
    }
    Ok(())
}

/// In a dtype that has transforms: integers become the default dtype.
fn promoted(x: &Tensor, to_complex: bool) -> Result<Tensor> {
    let dtype = super::helpers::float_dtype(x.dtype());
    match dtype {
        DType::C64 | DType::C128 => Ok(x.clone()),
        DType::F32 | DType::F64 => to_dtype(x, if to_complex { dtype.to_complex() } else { dtype }),
        other => unsupported(other),
    }
}

fn wrapped(x: &Tensor, dim: i64) -> Result<usize> {
    if x.ndim() == 0 {
        fail!(Index, torch: ("Dimension specified as {dim} but tensor has no dimensions"), expected: ("fft: expected a tensor with dims"), got: ("a 0-d tensor"), fix: ("Unsqueeze it first."));
    }
    x.wrap_dim(dim)
}

/// The first `sizes` numbers along `dims`, with zeros where there are fewer.
fn resized(x: &Tensor, dims: &[usize], sizes: &[usize]) -> Result<Tensor> {
    let mut x = x.clone();
    let mut pad: SmallVec<[i64; 10]> = SmallVec::from_elem(0, 2 * x.ndim());
    for (&d, &n) in dims.iter().zip(sizes) {
        if n < x.shape()[d] {
            x = view::narrow(&x, d as i64, 0, n as i64)?;
        }
        pad[2 * (x.ndim() - 1 - d) + 1] = (n - x.shape()[d]) as i64;
    }
    if pad.iter().any(|&p| p > 0) { constant_pad(&x, &pad, Scalar::Int(0)) } else { Ok(x) }
}

fn check_input_real(name: &str, x: &Tensor, what: &str) -> Result<()> {
    if x.dtype().is_complex() {
        fail!(Runtime, torch: ("{name} expects a {what} input tensor, but got {}", x.dtype().scalar_name()), expected: ("{name}: expected real numbers"), got: ("{}", x.dtype().name()), fix: ("Use the transform for complex numbers, or take the real part."));
    }
    Ok(())
}

/// One dim of a transform: wrapped, with its extent, which `n` gives if it is there.
fn one(x: &Tensor, n: Option<i64>, dim: i64) -> Result<(usize, usize)> {
    let d = wrapped(x, dim)?;
    let n = n.unwrap_or(x.shape()[d] as i64);
    check_points(n)?;
    Ok((d, n as usize))
}

fn complex_line(x: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>, forward: bool) -> Result<Tensor> {
    if !x.dtype().is_complex() {
        return real_line(x, n, dim, norm, forward, false);
    }
    let (d, n) = one(x, n, dim)?;
    c2c(&resized(x, &[d], &[n])?, &[d], Norm::named(norm, forward)?, forward)
}

fn real_line(
    x: &Tensor,
    n: Option<i64>,
    dim: i64,
    norm: Option<&str>,
    forward: bool,
    onesided: bool,
) -> Result<Tensor> {
    let x = promoted(x, false)?;
    let (d, n) = one(&x, n, dim)?;
    let y = r2c(&resized(&x, &[d], &[n])?, &[d], Norm::named(norm, forward)?, onesided)?;
    if forward { Ok(y) } else { y.conj() }
}

fn half_line(x: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>, forward: bool) -> Result<Tensor> {
    let mut x = promoted(x, true)?;
    let d = wrapped(&x, dim)?;
    let points = n.unwrap_or(2 * (x.shape()[d] as i64 - 1));
    check_points(points)?;
    let points = points as usize;
    if n.is_some() {
        x = resized(&x, &[d], &[points / 2 + 1])?;
    }
    let norm = Norm::named(norm, forward)?;
    c2r(&if forward { x.conj()? } else { x }, &[d], norm, points)
}

/// Along one dim; real numbers are taken as complex ones.
pub fn fft(x: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>) -> Result<Tensor> {
    complex_line(x, n, dim, norm, true)
}

/// The inverse of [`fft`].
pub fn ifft(x: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>) -> Result<Tensor> {
    complex_line(x, n, dim, norm, false)
}

/// Real numbers to the first half of their coefficients; the others are conjugates.
pub fn rfft(x: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>) -> Result<Tensor> {
    check_input_real("rfft", x, "real")?;
    real_line(x, n, dim, norm, true, true)
}

/// The inverse of [`rfft`].
pub fn irfft(x: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>) -> Result<Tensor> {
    half_line(x, n, dim, norm, false)
}

/// The first half of a signal whose other half is its conjugate to real coefficients.
pub fn hfft(x: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>) -> Result<Tensor> {
    half_line(x, n, dim, norm, true)
}

/// The inverse of [`hfft`].
pub fn ihfft(x: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>) -> Result<Tensor> {
    check_input_real("ihfft", x, "real")?;
    real_line(x, n, dim, norm, false, true)
}

/// The dims of a transform and its extents along them, by torch's defaults.
fn several(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>) -> Result<(DimList, DimList)> {
    let mut dims = DimList::new();
    for &d in dim.unwrap_or(&[]) {
        let d = wrapped(x, d)?;
        if dims.contains(&d) {
            fail!(Runtime, torch: ("FFT dims must be unique"), expected: ("fft: expected each dim once"), got: ("{:?}", dim.unwrap_or(&[])), fix: ("Remove the repetition."));
        }
        dims.push(d);
    }
    let Some(s) = s else {
        if dim.is_none() {
            dims = (0..x.ndim()).collect();
        }
        let sizes: DimList = dims.iter().map(|&d| x.shape()[d]).collect();
        sizes.iter().try_for_each(|&n| check_points(n as i64))?;
        return Ok((dims, sizes));
    };
    if dim.is_some() && dims.len() != s.len() {
        fail!(Runtime, torch: ("When given, dim and shape arguments must have the same length"), expected: ("fft: expected {} numbers in s", dims.len()), got: ("{s:?}"), fix: ("Give one per dim."));
    }
    if s.len() > x.ndim() {
        fail!(Runtime, torch: ("Got shape with {} values but input tensor only has {} dimensions.", s.len(), x.ndim()), expected: ("fft: expected at most {} numbers in s", x.ndim()), got: ("{}", s.len()), fix: ("Leave some out."));
    }
    if dim.is_none() {
        dims = (x.ndim() - s.len()..x.ndim()).collect();
    }
    let mut sizes = DimList::new();
    for (&n, &d) in s.iter().zip(&dims) {
        let n = if n == -1 { x.shape()[d] as i64 } else { n };
        check_points(n)?;
        sizes.push(n as usize);
    }
    Ok((dims, sizes))
}

fn complex_dims(
    x: &Tensor,
    s: Option<&[i64]>,
    dim: Option<&[i64]>,
    norm: Option<&str>,
    forward: bool,
) -> Result<Tensor> {
    let (dims, sizes) = several(x, s, dim)?;
    let x = resized(&promoted(x, true)?, &dims, &sizes)?;
    c2c(&x, &dims, Norm::named(norm, forward)?, forward)
}

/// Along several dims, all by default.
pub fn fftn(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>, norm: Option<&str>) -> Result<Tensor> {
    complex_dims(x, s, dim, norm, true)
}

/// The inverse of [`fftn`].
pub fn ifftn(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>, norm: Option<&str>) -> Result<Tensor> {
    complex_dims(x, s, dim, norm, false)
}

/// [`fftn`] of real numbers; of the last dim the first half of coefficients.
pub fn rfftn(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>, norm: Option<&str>) -> Result<Tensor> {
    check_input_real("rfftn", x, "real-valued")?;
    let (dims, sizes) = several(x, s, dim)?;
    last_of("rfftn", x, &dims)?;
    r2c(&resized(&promoted(x, false)?, &dims, &sizes)?, &dims, Norm::named(norm, true)?, true)
}

/// The inverse of [`hfftn`].
pub fn ihfftn(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>, norm: Option<&str>) -> Result<Tensor> {
    check_input_real("ihfftn", x, "real-valued")?;
    let (dims, sizes) = several(x, s, dim)?;
    let (last, _) = last_of("ihfftn", x, &dims)?;
    let norm = Norm::named(norm, false)?;
    let y = r2c(&resized(&promoted(x, false)?, &dims, &sizes)?, &[last], norm, true)?.conj()?;
    if dims.len() == 1 { Ok(y) } else { c2c(&y, &dims[..dims.len() - 1], norm, false) }
}

/// The input, resized, for a transform along `dims` to so many real numbers along the last.
fn half_dims(name: &str, x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>) -> Result<(Tensor, DimList, usize)> {
    let (dims, mut sizes) = several(x, s, dim)?;
    let (_, half) = last_of(name, x, &dims)?;
    let end = sizes.len() - 1;
    let points = match s {
        Some([.., n]) if *n != -1 => sizes[end] as i64,
        _ => 2 * (half as i64 - 1),
    };
    check_points(points)?;
    sizes[end] = points as usize / 2 + 1;
    Ok((resized(&promoted(x, true)?, &dims, &sizes)?, dims, points as usize))
}

/// The inverse of [`rfftn`].
pub fn irfftn(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>, norm: Option<&str>) -> Result<Tensor> {
    let (x, dims, n) = half_dims("irfftn", x, s, dim)?;
    c2r(&x, &dims, Norm::named(norm, false)?, n)
}

/// [`fftn`] of a signal whose second half along the last dim is the conjugate of its first half, to real numbers.
pub fn hfftn(x: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>, norm: Option<&str>) -> Result<Tensor> {
    let (mut x, dims, n) = half_dims("hfftn", x, s, dim)?;
    let norm = Norm::named(norm, true)?;
    let (&last, rest) = (&dims[dims.len() - 1], &dims[..dims.len() - 1]);
    if !rest.is_empty() {
        x = c2c(&x, rest, norm, true)?;
    }
    c2r(&x.conj()?, &[last], norm, n)
}

fn check_frequencies(name: &str, dtype: Option<DType>) -> Result<DType> {
    let dtype = dtype.unwrap_or(promote::default_dtype());
    if !dtype.is_differentiable() {
        fail!(Runtime, torch: ("{name} requires a floating point or complex dtype"), expected: ("{name}: expected a floating dtype"), got: ("{}", dtype.name()), fix: ("Leave dtype out."));
    }
    if dtype.is_complex() { not_implemented("arange", dtype) } else { Ok(dtype) }
}

/// The frequencies of the coefficients that [`fft`] gives for `n` numbers that are `d` apart.
pub fn fftfreq(n: i64, d: f64, dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    let dtype = check_frequencies("fftfreq", dtype)?;
    let shape = checked_shape("fftfreq", &[n])?;
    let y = dispatch::empty(&shape, dtype, dev.unwrap_or(default_device()))?;
    let positive = n / 2 + n % 2;
    let one = Scalar::Int(1);
    dispatch::arange(&view::narrow(&y, 0, 0, positive)?, Scalar::Int(0), one);
    dispatch::arange(&view::narrow(&y, 0, positive, n / 2)?, Scalar::Int(-(n / 2)), one);
    y.mul_scalar(1.0 / (n as f64 * d))
}

/// The frequencies of the coefficients that [`rfft`] gives.
pub fn rfftfreq(n: i64, d: f64, dtype: Option<DType>, dev: Option<Device>) -> Result<Tensor> {
    let dtype = check_frequencies("rfftfreq", dtype)?;
    let shape = checked_shape("rfftfreq", &[n / 2 + 1])?;
    let y = dispatch::empty(&shape, dtype, dev.unwrap_or(default_device()))?;
    dispatch::arange(&y, Scalar::Int(0), Scalar::Int(1));
    y.mul_scalar(1.0 / (n as f64 * d))
}

/// Rolls by about half of each dim.
fn shifted(x: &Tensor, dim: Option<&[i64]>, up: i64) -> Result<Tensor> {
    let dims: SmallVec<[i64; 6]> = match dim {
        Some(dims) => dims.iter().map(|&d| wrapped(x, d).map(|d| d as i64)).collect::<Result<_>>()?,
        None => (0..x.ndim() as i64).collect(),
    };
    let shifts: SmallVec<[i64; 6]> = dims.iter().map(|&d| (x.size(d as usize) as i64 + up) / 2).collect();
    roll(x, &shifts, &dims)
}

/// Puts the frequency 0 in the middle.
pub fn fftshift(x: &Tensor, dim: Option<&[i64]>) -> Result<Tensor> {
    shifted(x, dim, 0)
}

/// The inverse of [`fftshift`].
pub fn ifftshift(x: &Tensor, dim: Option<&[i64]>) -> Result<Tensor> {
    shifted(x, dim, 1)
}

fn c2c_row(x: &Tensor, dims: &[i64], norm: i64, forward: bool) -> Result<Tensor> {
    c2c(x, &several(x, None, Some(dims))?.0, Norm::numbered(norm)?, forward)
}

fn r2c_row(x: &Tensor, dims: &[i64], norm: i64, onesided: bool) -> Result<Tensor> {
    r2c(x, &several(x, None, Some(dims))?.0, Norm::numbered(norm)?, onesided)
}

fn c2r_row(x: &Tensor, dims: &[i64], norm: i64, n: i64) -> Result<Tensor> {
    check_points(n)?;
    c2r(x, &several(x, None, Some(dims))?.0, Norm::numbered(norm)?, n as usize)
}

ops! {
    /// The discrete Fourier transform along a dim: `y[k] = sum_j x[j] exp(-2 pi i j k / n)`.
    ///
    /// Args: n (int, None): numbers along the dim; more are cut off, fewer filled up with zeros. norm: 'backward' divides
    /// by nothing, 'forward' by n, 'ortho' by the root of n.
    /// Shape: input `(*, m, *)`, output `(*, n, *)`.
    /// Raises: RuntimeError for halves, n below 1 and unknown norms.
    /// Source: Cooley & Tukey 1965, "An algorithm for the machine calculation of complex Fourier series".
    /// Example:
    ///     >>> import rustorch as torch
    ///     >>> torch.fft.fft(torch.tensor([1., 0., -1., 0.]))
    ///     tensor([0.+0.j, 2.+0.j, 0.+0.j, 2.+0.j])
    "fft_fft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor" [t o] => fft(0, 1, 2, 3);
    /// The inverse of `fft`; norm 'backward' divides by n, 'forward' by nothing.
    "fft_ifft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor" [t o] => ifft(0, 1, 2, 3);
    /// `fft` of real numbers: the coefficients 0 to n // 2, of which the others are conjugates.
    ///
    /// Shape: input `(*, m, *)`, output `(*, n // 2 + 1, *)`.
    "fft_rfft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor" [t o] => rfft(0, 1, 2, 3);
    /// The inverse of `rfft`: n real numbers, by default 2 (m - 1) of m coefficients.
    "fft_irfft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor" [t o] => irfft(0, 1, 2, 3);
    /// `fft` of a signal that is given by its first half, the other being its conjugate: n real numbers.
    "fft_hfft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor" [t o] => hfft(0, 1, 2, 3);
    /// The inverse of `hfft`: the first half of a signal.
    "fft_ihfft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor" [t o] => ihfft(0, 1, 2, 3);
    /// `fft` along several dims: those in dim, else the last len(s), else all.
    "fft_fftn(Tensor self, int[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor" [t o] => fftn(0, 1, 2, 3);
    /// The inverse of `fftn`.
    "fft_ifftn(Tensor self, int[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor" [t o] => ifftn(0, 1, 2, 3);
    /// `fftn` of real numbers: of the last dim the first half of coefficients.
    "fft_rfftn(Tensor self, int[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor" [t o] => rfftn(0, 1, 2, 3);
    /// The inverse of `rfftn`: s[-1] real numbers along the last dim, by default 2 (m - 1).
    "fft_irfftn(Tensor self, int[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor" [t o] => irfftn(0, 1, 2, 3);
    /// `fftn` of a signal that is given by its first half along the last dim, to real numbers.
    "fft_hfftn(Tensor self, int[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor" [t o] => hfftn(0, 1, 2, 3);
    /// The inverse of `hfftn`.
    "fft_ihfftn(Tensor self, int[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor" [t o] => ihfftn(0, 1, 2, 3);
    /// `fftn` along two dims.
    "fft_fft2(Tensor self, int[1]? s=None, int[1] dim=[-2, -1], str? norm=None) -> Tensor" [t o] => fftn(0, 1, 2, 3);
    /// `ifftn` along two dims.
    "fft_ifft2(Tensor self, int[1]? s=None, int[1] dim=[-2, -1], str? norm=None) -> Tensor" [t o] => ifftn(0, 1, 2, 3);
    /// `rfftn` along two dims.
    "fft_rfft2(Tensor self, int[1]? s=None, int[1] dim=[-2, -1], str? norm=None) -> Tensor" [t o] => rfftn(0, 1, 2, 3);
    /// `irfftn` along two dims.
    "fft_irfft2(Tensor self, int[1]? s=None, int[1] dim=[-2, -1], str? norm=None) -> Tensor" [t o] => irfftn(0, 1, 2, 3);
    /// `hfftn` along two dims.
    "fft_hfft2(Tensor self, int[1]? s=None, int[1] dim=[-2, -1], str? norm=None) -> Tensor" [t o] => hfftn(0, 1, 2, 3);
    /// `ihfftn` along two dims.
    "fft_ihfft2(Tensor self, int[1]? s=None, int[1] dim=[-2, -1], str? norm=None) -> Tensor" [t o] => ihfftn(0, 1, 2, 3);
    /// The frequencies that belong to the n results of `fft`, in cycles per unit of d, the distance of samples.
    "fft_fftfreq(int n, float d=1.0, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool requires_grad=False) -> Tensor" [t o] => fftfreq(0, 1, 2, 4);
    /// The frequencies that belong to the results of `rfft`.
    "fft_rfftfreq(int n, float d=1.0, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool requires_grad=False) -> Tensor" [t o] => rfftfreq(0, 1, 2, 4);
    /// Rolls dims, all by default, so that the frequency 0 stands in the middle.
    "fft_fftshift(Tensor self, int[1]? dim=None) -> Tensor" [t] => fftshift(0, 1);
    /// The inverse of `fftshift`.
    "fft_ifftshift(Tensor self, int[1]? dim=None) -> Tensor" [t] => ifftshift(0, 1);
    /// Complex to complex: what torch.fft is made of. normalization: 0 divides by nothing, 1 by the root of the number of
    /// elements, 2 by their number.
    "_fft_c2c(Tensor self, int[] dim, int normalization, bool forward) -> Tensor" [f] => c2c_row(0, 1, 2, 3);
    /// Real to complex.
    "_fft_r2c(Tensor self, int[] dim, int normalization, bool onesided) -> Tensor" [f] => r2c_row(0, 1, 2, 3);
    /// The first half of coefficients to real numbers.
    "_fft_c2r(Tensor self, int[] dim, int normalization, int last_dim_size) -> Tensor" [f] => c2r_row(0, 1, 2, 3);
}
