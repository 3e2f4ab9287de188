//! Convolutions of one to three spatial dims, and transposed ones.
//!
//! Three bilinear maps share one geometry: [`forward`] (x, w) -> y, [`input_gradient`] (g, w) -> x and
//! [`weight_gradient`] (x, g) -> w. Each is the derivative of the others, so gradients of any order are convolutions.

use super::helpers::lasting;
use super::kernel::{cast, finish, operand, optional};
use super::pointwise::number;
use super::view;
use crate::autograd::record;
use crate::dispatch::{self, conv::Conv};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Scalar, Tensor};
use smallvec::SmallVec;

type Dims = SmallVec<[usize; 3]>;

/// The dtype that kernels compute in. Integers go through f64: sums are exact up to 2^53.
fn compute(name: &str, dtype: DType) -> Result<DType> {
    match dtype {
        DType::F16 | DType::BF16 => Ok(DType::F32),
        DType::Bool => super::helpers::not_implemented(name, dtype),
        d if d.is_integral(false) => Ok(DType::F64),
        d => Ok(d),
    }
}

/// A convolution's geometry with its number of spatial dims, which the kernel's geometry fills up to 3.
#[derive(Clone, Copy)]
struct Geometry {
    v: Conv,
    nd: usize,
}

impl Geometry {
    fn shape(&self, n: usize, c: usize, extents: &[usize; 3]) -> Shape {
        [n, c].iter().chain(&extents[3 - self.nd..]).copied().collect()
    }
}

fn zero_like(y: &Tensor, bias: Option<&Tensor>) -> Result<()> {
    dispatch::fill(y, Scalar::Int(0));
    if let Some(b) = bias {
        let shape: Shape = (0..y.ndim()).map(|d| if d == 1 { b.numel() } else { 1 }).collect();
        dispatch::copy(&b.reshape_to(&shape)?, y);
    }
    Ok(())
}

/// The sum over all dims but the channels: a bias's gradient.
fn bias_gradient(g: &Tensor) -> Result<Tensor> {
    let dims: SmallVec<[i64; 5]> = (0..g.ndim() as i64).filter(|&d| d != 1).collect();
    g.sum_dims(&dims, false)
}

fn inputs<'a>(x: &'a Tensor, w: &'a Tensor, bias: Option<&'a Tensor>) -> SmallVec<[&'a Tensor; 3]> {
    [x, w].into_iter().chain(bias).collect()
}

/// `conv(x, w) + bias`.
fn forward(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, at: Geometry) -> Result<Tensor> {
    if x.dtype().is_complex() {
        return complex(x, w, bias, &|x, w| forward(x, w, None, at));
    }
    let c = compute("conv", x.dtype())?;
    let y = dispatch::empty(&at.shape(at.v.n, at.v.c_out, &at.v.output), c, x.device())?;
    let b = optional(bias, c)?;
    if x.numel() == 0 || w.numel() == 0 {
        zero_like(&y, b.as_ref())?;
    } else {
        let weight = operand(w, c)?;
        let lasting = lasting(w) && weight.starts_with(w);
        dispatch::conv::forward(&operand(x, c)?, (&weight, lasting), b.as_ref(), &y, &at.v)?;
    }
    record(finish(y, x.dtype(), &[x, w])?, "ConvolutionBackward0", &inputs(x, w, bias), |s| {
        let (x, w) = (s.needs(1).then(|| s.input(x)), s.needs(0).then(|| s.input(w)));
        move |c, g| {
            grads![
                match w {
                    Some(w) if c.needs(0) => Some(input_gradient(g, &c.get(w)?, None, at)?),
                    _ => None,
                },
                match x {
                    Some(x) if c.needs(1) => Some(weight_gradient(&c.get(x)?, g, at)?),
                    _ => None,
                },
                c.when(2, || Ok(c.constant(bias_gradient(g)?)))?,
            ]
        }
    })
}

/// The gradient of x from that of y, `conv^T(g, w) + bias`.
fn input_gradient(g: &Tensor, w: &Tensor, bias: Option<&Tensor>, at: Geometry) -> Result<Tensor> {
    if g.dtype().is_complex() {
        return complex(g, w, bias, &|g, w| input_gradient(g, w, None, at));
    }
    let c = compute("conv", g.dtype())?;
    let x = dispatch::empty(&at.shape(at.v.n, at.v.c_in, &at.v.input), c, g.device())?;
    let b = optional(bias, c)?;
    if g.numel() == 0 || w.numel() == 0 {
        zero_like(&x, b.as_ref())?;
    } else {
        dispatch::conv::input_gradient(&operand(g, c)?, &operand(w, c)?, b.as_ref(), &x, &at.v)?;
    }
    record(finish(x, g.dtype(), &[g, w])?, "ConvolutionBackward0", &inputs(g, w, bias), |s| {
        let (g, w) = (s.needs(1).then(|| s.input(g)), s.needs(0).then(|| s.input(w)));
        move |c, h| {
            grads![
                match w {
                    Some(w) if c.needs(0) => Some(forward(h, &c.get(w)?, None, at)?),
                    _ => None,
                },
                match g {
                    Some(g) if c.needs(1) => Some(weight_gradient(h, &c.get(g)?, at)?),
                    _ => None,
                },
                c.when(2, || Ok(c.constant(bias_gradient(h)?)))?,
            ]
        }
    })
}

/// The gradient of w from x and the gradient of y, all real: complex convolutions consist of real ones.
fn weight_gradient(x: &Tensor, g: &Tensor, at: Geometry) -> Result<Tensor> {
    let c = compute("conv", x.dtype())?;
    let w = dispatch::empty(&at.shape(at.v.c_out, at.v.c_in / at.v.groups, &at.v.kernel), c, x.device())?;
    if x.numel() == 0 || g.numel() == 0 {
        dispatch::fill(&w, Scalar::Int(0));
    } else {
        dispatch::conv::weight_gradient(&operand(x, c)?, &operand(g, c)?, &w, &at.v)?;
    }
    record(cast(w, x.dtype())?, "ConvolutionBackwardBackward0", &[x, g], |s| {
        let (x, g) = (s.needs(1).then(|| s.input(x)), s.needs(0).then(|| s.input(g)));
        move |c, h| {
            grads![
                match g {
                    Some(g) if c.needs(0) => Some(input_gradient(&c.get(g)?, h, None, at)?),
                    _ => None,
                },
                match x {
                    Some(x) if c.needs(1) => Some(forward(&c.get(x)?, h, None, at)?),
                    _ => None,
                },
            ]
        }
    })
}

/// A bilinear map of complex tensors by its real parts: (a + ib)(c + id) = ac - bd + i (ad + bc).
fn complex(
    x: &Tensor,
    y: &Tensor,
    bias: Option<&Tensor>,
    f: &dyn Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let imaginary = |t: &Tensor| t.mul(&number(Scalar::Complex(0.0, -1.0))?)?.real_part();
    let (a, b, c, d) = (x.real_part()?, imaginary(x)?, y.real_part()?, imaginary(y)?);
    let re = f(&a, &c)?.sub(&f(&b, &d)?)?;
    let im = f(&a, &d)?.add(&f(&b, &c)?)?;
    let z = im.mul(&number(Scalar::Complex(0.0, 1.0))?)?.add(&re)?;
    match bias {
        Some(b) => {
            let shape: Shape = (0..z.ndim()).map(|d| if d == 1 { b.numel() } else { 1 }).collect();
            z.add(&b.reshape_to(&shape)?)
        }
        None => Ok(z),
    }
}

/// One number per spatial dim; a single one counts for all.
fn spread(name: &str, list: &[i64], nd: usize) -> Result<Dims> {
    if list.len() != nd && list.len() != 1 {
        fail!(Runtime, torch: ("expected {name} to be a single integer value or a list of {nd} values to match the convolution dimensions, but got {name}={list:?}"),
            expected: ("conv: expected 1 or {nd} numbers as {name}"), got: ("{list:?}"), fix: ("Give one per spatial dim."));
    }
    if let Some(big) = list.iter().find(|&&n| n > i32::MAX as i64) {
        fail!(Runtime, torch: ("value cannot be converted to type int without overflow"), expected: ("conv: expected {name} below 2^31"), got: ("{big}"), fix: ("Check the arguments."));
    }
    let low = if name == "stride" || name == "dilation" { 1 } else { 0 };
    if let Some(bad) = list.iter().find(|&&n| n < low) {
        let text = match name {
            "stride" => "non-positive stride is not supported".to_owned(),
            "dilation" => "dilation should be greater than zero".to_owned(),
            other => format!("negative {other} is not supported"),
        };
        fail!(Runtime, torch: ("{text}"), expected: ("conv: expected {name} of at least {low}"), got: ("{bad}"), fix: ("Check the sign."));
    }
    Ok((0..nd).map(|d| list[if list.len() == 1 { 0 } else { d }] as usize).collect())
}

fn by(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}

fn check_parameters(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, transposed: bool) -> Result<()> {
    if let Some(t) = bias.into_iter().chain([w]).find(|t| t.dtype() != x.dtype()) {
        let scalar = |t: &Tensor| t.dtype().scalar_name();
        let text = if bias.is_some_and(|b| b.dtype() == t.dtype()) && !transposed {
            format!("Input type ({}) and bias type ({}) should be the same", x.dtype().c_name(), t.dtype().c_name())
        } else if x.dtype().is_half() {
            format!(
                "Input type (torch.{}Tensor) and weight type (torch.{}Tensor) should be the same",
                scalar(x),
                scalar(t)
            )
        } else {
            format!("expected scalar type {} but found {}", scalar(x), scalar(t))
        };
        fail!(Runtime, torch: ("{text}"), expected: ("conv: expected one dtype"), got: ("{} and {}", x.dtype().name(), t.dtype().name()), fix: ("Convert one with .to()."));
    }
    super::helpers::same_device("conv", &inputs(x, w, bias)).map(|_| ())
}

/// What a convolution is called with, apart from tensors.
struct Call {
    stride: Dims,
    padding: Dims,
    dilation: Dims,
    groups: usize,
}

impl Call {
    fn new(nd: usize, stride: &[i64], padding: &[i64], dilation: &[i64], groups: i64) -> Result<Call> {
        if groups <= 0 {
            fail!(Runtime, torch: ("non-positive groups is not supported"), expected: ("conv: expected at least 1 group"), got: ("{groups}"), fix: ("Use groups=1."));
        }
        Ok(Call {
            stride: spread("stride", stride, nd)?,
            padding: spread("padding", padding, nd)?,
            dilation: spread("dilation", dilation, nd)?,
            groups: groups as usize,
        })
    }
}

/// The batched input, and whether a batch dim was added.
fn batched(name: &str, x: &Tensor, nd: usize) -> Result<(Tensor, bool)> {
    match x.ndim() {
        n if n == nd + 2 => Ok((x.clone(), false)),
        n if n == nd + 1 => Ok((view::unsqueeze(x, 0)?, true)),
        _ => {
            fail!(Runtime, torch: ("Expected {}D (unbatched) or {}D (batched) input to {name}, but got input of size: {:?}", nd + 1, nd + 2, x.shape()), expected: ("{name}: expected (C, *) or (N, C, *)"), got: ("{:?}", x.shape()), fix: ("Add or merge dims."))
        }
    }
}

fn check_weight(x: &Tensor, w: &Tensor, nd: usize, groups: usize) -> Result<()> {
    if w.ndim() != nd + 2 {
        let text = match w.ndim() {
            0..3 => "weight should have at least three dimensions".to_owned(),
            n => format!(
                "Expected {n}-dimensional input for {n}-dimensional weight {:?}, but got {}-dimensional input of size {:?} instead",
                w.shape(),
                x.ndim(),
                x.shape()
            ),
        };
        fail!(Runtime, torch: ("{text}"), expected: ("conv: expected a weight of {} dims", nd + 2), got: ("{:?}", w.shape()), fix: ("Check the weight's shape."));
    }
    if w.shape()[2..].contains(&0) {
        fail!(Runtime, torch: ("kernel size should be greater than zero, but got kernel shape {:?}", &w.shape()[2..]), expected: ("conv: expected a kernel with elements"), got: ("{:?}", w.shape()), fix: ("Check kernel_size."));
    }
    let n = w.shape()[0];
    if n < groups {
        fail!(Runtime, torch: ("Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {:?} instead", w.shape()), expected: ("conv: expected at least {groups} channels"), got: ("{n}"), fix: ("Use fewer groups."));
    }
    if !n.is_multiple_of(groups) {
        fail!(Runtime, torch: ("Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size {:?} instead", w.shape()), expected: ("conv: expected groups to divide {n}"), got: ("{groups}"), fix: ("Choose a divisor."));
    }
    Ok(())
}

fn check_bias(w: &Tensor, bias: Option<&Tensor>, channels: usize) -> Result<()> {
    match bias.filter(|b| b.shape() != [channels]) {
        Some(b) => {
            fail!(Runtime, torch: ("Given weight of size {:?}, expected bias to be 1-dimensional with {channels} elements, but got bias of size {:?} instead", w.shape(), b.shape()), expected: ("conv: expected bias ({channels})"), got: ("{:?}", b.shape()), fix: ("Check the bias."))
        }
        None => Ok(()),
    }
}

fn convolve(name: &str, x: &Tensor, w: &Tensor, bias: Option<&Tensor>, nd: usize, call: &Call) -> Result<Tensor> {
    let (x, added) = batched(name, x, nd)?;
    check_weight(&x, w, nd, call.groups)?;
    let (n, c) = (x.shape()[0], x.shape()[1]);
    if c != w.shape()[1] * call.groups {
        fail!(Runtime, torch: ("Given groups={}, weight of size {:?}, expected input{:?} to have {} channels, but got {c} channels instead", call.groups, w.shape(), x.shape(), w.shape()[1] * call.groups),
            expected: ("{name}: expected {} channels", w.shape()[1] * call.groups), got: ("{c}"), fix: ("Check in_channels, or the order of dims: channels come before space."));
    }
    check_bias(w, bias, w.shape()[0])?;
    let (input, kernel) = (&x.shape()[2..], &w.shape()[2..]);
    let padded: Dims = (0..nd).map(|d| input[d] + 2 * call.padding[d]).collect();
    let span: Dims =
        (0..nd).map(|d| call.dilation[d].saturating_mul(kernel[d].saturating_sub(1)).saturating_add(1)).collect();
    if (0..nd).any(|d| padded[d] < span[d]) {
        fail!(Runtime, torch: ("Calculated padded input size per channel: ({}). Kernel size: ({}). Kernel size can't be greater than actual input size", by(&padded), by(&span)), expected: ("{name}: expected an input of at least ({})", by(&span)), got: ("({})", by(&padded)), fix: ("Use more padding or a smaller kernel."));
    }
    check_parameters(&x, w, bias, false)?;
    let v = Conv::new((n, c, w.shape()[0], call.groups), input, kernel, &call.stride, &call.padding, &call.dilation);
    let y = forward(&x, w, bias, Geometry { v, nd })?;
    if added { view::squeeze_dim(&y, 0) } else { Ok(y) }
}

/// Convolution with numbers as padding.
#[allow(clippy::too_many_arguments, reason = "torch's signature")]
fn conv(
    nd: usize,
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    stride: &[i64],
    padding: &[i64],
    dilation: &[i64],
    groups: i64,
) -> Result<Tensor> {
    convolve(["conv1d", "conv2d", "conv3d"][nd - 1], x, w, bias, nd, &Call::new(nd, stride, padding, dilation, groups)?)
}

/// Convolution with padding 'valid', which is none, or 'same', which keeps the size.
#[allow(clippy::too_many_arguments, reason = "torch's signature")]
fn conv_named(
    nd: usize,
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    stride: &[i64],
    padding: &str,
    dilation: &[i64],
    groups: i64,
) -> Result<Tensor> {
    let name = ["conv1d", "conv2d", "conv3d"][nd - 1];
    let mut call = Call::new(nd, stride, &[0], dilation, groups)?;
    match padding {
        "valid" => convolve(name, x, w, bias, nd, &call),
        "same" => {
            if call.stride.iter().any(|&s| s != 1) {
                fail!(Runtime, torch: ("padding='same' is not supported for strided convolutions"), expected: ("{name}: expected stride 1 with padding='same'"), got: ("{stride:?}"), fix: ("Give the padding as numbers."));
            }
            check_weight(x, w, nd, call.groups)?;
            let mut extra: SmallVec<[i64; 6]> = SmallVec::new();
            for d in (0..nd).rev() {
                let total = call.dilation[d].saturating_mul(w.shape()[d + 2].saturating_sub(1));
                call.padding[d] = total / 2;
                // What an even kernel leaves over goes behind.
                extra.extend([0, (total % 2) as i64]);
            }
            if extra.iter().all(|&n| n == 0) {
                return convolve(name, x, w, bias, nd, &call);
            }
            convolve(name, &super::pad::constant_pad(x, &extra, Scalar::Int(0))?, w, bias, nd, &call)
        }
        other => {
            fail!(Runtime, torch: ("Invalid padding string: '{other}'"), expected: ("{name}: expected 'valid' or 'same'"), got: ("'{other}'"), fix: ("Use one of those, or numbers."))
        }
    }
}

/// Transposed convolution: the gradient of a convolution by its input, as a map of its own.
#[allow(clippy::too_many_arguments, reason = "torch's signature")]
fn conv_transpose(
    nd: usize,
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    stride: &[i64],
    padding: &[i64],
    output_padding: &[i64],
    groups: i64,
    dilation: &[i64],
) -> Result<Tensor> {
    let name = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"][nd - 1];
    let call = Call::new(nd, stride, padding, dilation, groups)?;
    let extra = spread("output_padding", output_padding, nd)?;
    let (x, added) = batched(name, x, nd)?;
    check_weight(&x, w, nd, call.groups)?;
    let (n, c) = (x.shape()[0], x.shape()[1]);
    if c != w.shape()[0] {
        fail!(Runtime, torch: ("Given transposed=1, weight of size {:?}, expected input{:?} to have {} channels, but got {c} channels instead", w.shape(), x.shape(), w.shape()[0]), expected: ("{name}: expected {} channels", w.shape()[0]), got: ("{c}"), fix: ("Check in_channels."));
    }
    let out = w.shape()[1] * call.groups;
    check_bias(w, bias, out)?;
    check_parameters(&x, w, bias, true)?;
    let mut image = Dims::new();
    for d in 0..nd {
        if extra[d] >= call.stride[d] && extra[d] >= call.dilation[d] {
            let names = ["depth", "height", "width"];
            let list = |values: &Dims, what: &str| {
                (0..nd).map(|i| format!(" {what}{}: {}", names[3 - nd + i], values[i])).collect::<String>()
            };
            fail!(Runtime, torch: ("output padding must be smaller than either stride or dilation, but got{}{}{}", list(&extra, "output_padding_"), list(&call.stride, "stride_"), list(&call.dilation, "dilation_")),
                expected: ("{name}: expected output_padding below the stride or the dilation"), got: ("{}", extra[d]), fix: ("Use a smaller one."));
        }
        let size = (x.shape()[d + 2] as i128 - 1) * call.stride[d] as i128 - 2 * call.padding[d] as i128
            + call.dilation[d] as i128 * (w.shape()[d + 2].max(1) - 1) as i128
            + extra[d] as i128
            + 1;
        if size <= 0 {
            fail!(Runtime, torch: ("Given input size per channel: ({}). Calculated output size per channel: ({size}). Output size is too small", by(&x.shape()[2..])), expected: ("{name}: expected a positive output size"), got: ("{size}"), fix: ("Use less padding."));
        }
        image.push(usize::try_from(size).unwrap_or(usize::MAX));
    }
    let mut v =
        Conv::new((n, out, c, call.groups), &image, &w.shape()[2..], &call.stride, &call.padding, &call.dilation);
    for d in 0..nd {
        v.output[3 - nd + d] = x.shape()[d + 2];
    }
    let y = input_gradient(&x, w, bias, Geometry { v, nd })?;
    if added { view::squeeze_dim(&y, 0) } else { Ok(y) }
}

#[allow(clippy::too_many_arguments, reason = "torch's signature")]
fn convolution(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    stride: &[i64],
    padding: &[i64],
    dilation: &[i64],
    transposed: bool,
    output_padding: &[i64],
    groups: i64,
) -> Result<Tensor> {
    let nd = w.ndim().saturating_sub(2);
    if !(1..=3).contains(&nd) {
        fail!(Runtime, torch: ("weight should have at least three dimensions"), expected: ("convolution: expected 1 to 3 spatial dims"), got: ("{nd}"), fix: ("Reshape the weight."));
    }
    if transposed {
        conv_transpose(nd, x, w, bias, stride, padding, output_padding, groups, dilation)
    } else {
        conv(nd, x, w, bias, stride, padding, dilation, groups)
    }
}

/// `conv1d` of (time, batch, channels) with a weight (kernel, in, out).
fn conv_tbc(x: &Tensor, w: &Tensor, bias: &Tensor, pad: i64) -> Result<Tensor> {
    if x.ndim() != 3 || w.ndim() != 3 || bias.ndim() != 1 {
        fail!(Runtime, torch: ("Input must have 3 dims: time, batch, in_channel"), expected: ("conv_tbc: expected 3, 3 and 1 dims"), got: ("{}, {} and {}", x.ndim(), w.ndim(), bias.ndim()), fix: ("Reshape them."));
    }
    let y = conv(1, &view::permute(x, &[1, 2, 0])?, &view::permute(w, &[2, 1, 0])?, Some(bias), &[1], &[pad], &[1], 1)?;
    view::permute(&y, &[2, 0, 1])
}

macro_rules! convolutions {
    ($($nd:literal $conv:literal $same:literal $transpose:literal;)*) => {
        ops! {
            /// A convolution of any number of spatial dims, transposed or not.
            "convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, bool transposed, int[] output_padding, int groups) -> Tensor" [f] => convolution(0, 1, 2, 3, 4, 5, 6, 7, 8);
            /// `conv1d` of (time, batch, channels).
            "conv_tbc(Tensor self, Tensor weight, Tensor bias, int pad=0) -> Tensor" [f] => conv_tbc(0, 1, 2, 3);
            @
            $(
                /// Cross-correlation with a weight (out, in / groups, kernel).
                $conv [f] => |a| conv($nd, a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?, a.get(5)?, a.get(6)?);
                /// The same with padding 'valid' or 'same'.
                $same [f] => |a| conv_named($nd, a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?, a.get(5)?, a.get(6)?);
                /// The transposed convolution, with a weight (in, out / groups, kernel).
                $transpose [f] => |a| conv_transpose($nd, a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?, a.get(5)?, a.get(6)?, a.get(7)?);
            )*
        }
    };
}
convolutions! {
    1 "conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, int[1] padding=0, int[1] dilation=1, int groups=1) -> Tensor"
      "conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, str padding='valid', int[1] dilation=1, int groups=1) -> Tensor"
      "conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, int[1] padding=0, int[1] output_padding=0, int groups=1, int[1] dilation=1) -> Tensor";
    2 "conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] dilation=1, int groups=1) -> Tensor"
      "conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, str padding='valid', int[2] dilation=1, int groups=1) -> Tensor"
      "conv_transpose2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] output_padding=0, int groups=1, int[2] dilation=1) -> Tensor";
    3 "conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, int[3] padding=0, int[3] dilation=1, int groups=1) -> Tensor"
      "conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, str padding='valid', int[3] dilation=1, int groups=1) -> Tensor"
      "conv_transpose3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, int[3] padding=0, int[3] output_padding=0, int groups=1, int[3] dilation=1) -> Tensor";
}
