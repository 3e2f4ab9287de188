//! Padding, sliding windows as columns, and rearrangements of channels.

use super::copy;
use super::view;
use crate::autograd::{named, record};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, Shape, Strides, contiguous_strides};
use crate::tensor::{Scalar, Tensor};
use smallvec::SmallVec;
use std::sync::Arc;

/// (before, after) of every dim, first dim first; the list names the last dim's first.
fn sides(x: &Tensor, pad: &[i64]) -> Result<SmallVec<[(i64, i64); 5]>> {
    let n = x.ndim();
    if !pad.len().is_multiple_of(2) {
        fail!(Runtime, torch: ("Padding length must be divisible by 2"), expected: ("pad: expected two numbers per dim"), got: ("{pad:?}"), fix: ("Give (before, after) of the last dim first."));
    }
    if pad.len() / 2 > n {
        fail!(Runtime, torch: ("Padding length should be less than or equal to two times the input dimension but got padding length {} and input of dimension {n}", pad.len()), expected: ("pad: expected at most {} numbers", 2 * n), got: ("{}", pad.len()), fix: ("Leave some out."));
    }
    Ok((0..n).map(|d| pad.get(2 * (n - 1 - d)).map_or((0, 0), |&before| (before, pad[2 * (n - 1 - d) + 1]))).collect())
}

/// Puts `value` around the last dims; negative numbers take away.
pub fn constant_pad(x: &Tensor, pad: &[i64], value: Scalar) -> Result<Tensor> {
    let sides = sides(x, pad)?;
    let mut shape = Shape::new();
    for (d, &(before, after)) in sides.iter().enumerate() {
        let n = (x.shape()[d] as i64).saturating_add(before).saturating_add(after);
        if n < 0 {
            fail!(Runtime, torch: ("The input size {}, plus negative padding {before} and {after} resulted in a negative output size, which is invalid. Check dimension {d} of your input.", x.shape()[d]), expected: ("pad: expected to keep at least 0 elements"), got: ("{n}"), fix: ("Take away less."));
        }
        shape.push(n as usize);
    }
    let y = dispatch::empty_strided(&shape, &padded_strides(x, &shape), x.dtype(), x.device())?;
    dispatch::fill(&y, value);
    // The part of x that stays, and where it goes.
    let (mut from, mut to) = (x.detach(), y.detach());
    for (d, &(before, after)) in sides.iter().enumerate() {
        let n = x.shape()[d] as i64;
        let (skip, cut) = (before.saturating_neg().max(0), after.saturating_neg().max(0));
        let length = n.saturating_sub(skip).saturating_sub(cut);
        if length <= 0 {
            from = view::narrow(&from, d as i64, 0, 0)?;
            to = view::narrow(&to, d as i64, 0, 0)?;
        } else if (before, after) != (0, 0) {
            from = view::narrow(&from, d as i64, skip, length)?;
            to = view::narrow(&to, d as i64, before.max(0), length)?;
        }
    }
    dispatch::copy(&from, &to);
    let back: SmallVec<[i64; 6]> = pad.iter().map(|n| n.saturating_neg()).collect();
    record(y, "ConstantPadNdBackward0", &[x], |_| move |_, g| grads![constant_pad(g, &back, Scalar::Int(0))?])
}

/// Strides in x's memory format.
fn padded_strides(x: &Tensor, shape: &[usize]) -> Strides {
    layout::format_strides(shape, layout::suggested_format(x.shape(), x.strides()))
}

/// How the surroundings of a tensor follow from its inside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Reflect,
    Replicate,
    Circular,
}

/// Where each element of a padded dim comes from.
fn sources(n: i64, before: i64, after: i64, mode: Mode) -> Vec<i64> {
    // What negative numbers take away does not come back at the other side.
    let (low, high) = kept(n, before, after);
    let mut list = crate::error::room((n + before + after) as usize);
    list.extend((-before..n + after).map(|i| match mode {
        Mode::Replicate => i.clamp(0, n - 1),
        Mode::Circular => low + (i - low).rem_euclid(high - low),
        Mode::Reflect if i < 0 => -i,
        Mode::Reflect if i >= n => 2 * (n - 1) - i,
        Mode::Reflect => i,
    }));
    list
}

/// Padding beyond this fits no memory, and sums of it would not fit 64 bits.
const MOST: u64 = 1 << 48;

/// The part of a dim that negative padding leaves.
fn kept(n: i64, before: i64, after: i64) -> (i64, i64) {
    ((-before).max(0), n - (-after).max(0))
}

/// A padding of some dims of a tensor by elements from inside.
struct Around {
    name: &'static str,
    input: Shape,
    output: Shape,
    maps: SmallVec<[(usize, Vec<i64>); 3]>,
    /// Does the result keep the input's memory format?
    keeps: bool,
}

impl Around {
    /// The padding of `x`, or the sums of what it took from one place.
    fn apply(self: &Arc<Self>, x: &Tensor, adjoint: bool) -> Result<Tensor> {
        let shape = if adjoint { &self.input } else { &self.output };
        let strides = if self.keeps { padded_strides(x, shape) } else { contiguous_strides(shape) };
        let y = dispatch::empty_strided(shape, &strides, x.dtype(), x.device())?;
        if adjoint {
            dispatch::index::remap_adjoint(x, &self.maps, &y)?;
        } else {
            dispatch::index::remap(x, &self.maps, &y)?;
        }
        let this = self.clone();
        record(y, self.name, &[x], |_| {
            move |c, g| {
                let d = this.apply(g, !adjoint)?;
                grads![if adjoint { d } else { c.constant(d) }]
            }
        })
    }
}

fn surround(x: &Tensor, pad: &[i64], mode: Mode) -> Result<Tensor> {
    let mut maps: SmallVec<[(usize, Vec<i64>); 3]> = SmallVec::new();
    let mut output = Shape::from_slice(x.shape());
    for (d, &(before, after)) in sides(x, pad)?.iter().enumerate() {
        if (before, after) != (0, 0) {
            let n = x.shape()[d] as i64;
            check_side(x, d, n, (before, after), mode)?;
            output[d] = (n + before + after) as usize;
            if !x.is_meta() {
                maps.push((d, sources(n, before, after, mode)));
            }
        }
    }
    if output[..] == *x.shape() && maps.is_empty() {
        return copy::clone(x, None);
    }
    let names = match mode {
        Mode::Circular => ["CopySlices"; 3],
        Mode::Reflect => ["ReflectionPad1DBackward0", "ReflectionPad2DBackward0", "ReflectionPad3DBackward0"],
        Mode::Replicate => ["ReplicationPad1DBackward0", "ReplicationPad2DBackward0", "ReplicationPad3DBackward0"],
    };
    let name = names[pad.len() / 2 - 1];
    Arc::new(Around { name, input: x.shape().into(), output, maps, keeps: mode != Mode::Circular }).apply(x, false)
}

fn check_side(x: &Tensor, d: usize, n: i64, (before, after): (i64, i64), mode: Mode) -> Result<()> {
    if mode == Mode::Reflect && (before >= n || after >= n) {
        fail!(Runtime, torch: ("Argument #{}: Padding size should be less than the corresponding input dimension, but got: padding ({before}, {after}) at dimension {d} of input {:?}", 4 + 2 * (x.ndim() - 1 - d), x.shape()), expected: ("pad: expected less than {n} per side with mode 'reflect'"), got: ("({before}, {after})"), fix: ("Pad in several steps."));
    }
    if mode == Mode::Circular && (before > n || after > n) {
        fail!(Runtime, torch: ("Padding value causes wrapping around more than once."), expected: ("pad: expected at most {n} per side with mode 'circular'"), got: ("({before}, {after})"), fix: ("Pad in several steps."));
    }
    if [before, after].iter().any(|p| p.unsigned_abs() > MOST) {
        fail!(Runtime, torch: ("Storage size calculation overflowed with padding ({before}, {after})"), expected: ("pad: expected at most 2^48 per side"), got: ("({before}, {after})"), fix: ("Pad by less."));
    }
    let (low, high) = kept(n, before, after);
    if n + before + after < 0 || (mode == Mode::Circular && low >= high) {
        fail!(Runtime, torch: ("Negative padding value is resulting in an empty dimension"), expected: ("pad: expected to keep elements"), got: ("({before}, {after}) of {n}"), fix: ("Take away less."));
    }
    if n == 0 {
        fail!(Runtime, torch: ("Expected non-empty tensor for padding, but got: {:?}", x.shape()), expected: ("pad: expected elements along dim {d}"), got: ("none"), fix: ("Pad with a constant."));
    }
    Ok(())
}

/// Puts values around the last dims, by mode.
pub fn pad(x: &Tensor, pad: &[i64], mode: &str, value: Option<f64>) -> Result<Tensor> {
    if mode == "constant" {
        return constant_pad(x, pad, Scalar::Float(value.unwrap_or(0.0)));
    }
    if value.is_some_and(|v| v != 0.0) {
        fail!(Runtime, torch: ("Padding mode \"{mode}\" doesn't take in value argument"), expected: ("pad: expected no value with mode '{mode}'"), got: ("{value:?}"), fix: ("Leave it out."));
    }
    let dims = pad.len() / 2;
    let fits = pad.len().is_multiple_of(2) && (1..=3).contains(&dims) && (x.ndim() == dims + 1 || x.ndim() == dims + 2);
    let mode = match mode {
        "reflect" if fits => Mode::Reflect,
        "replicate" if fits => Mode::Replicate,
        "circular" if fits => Mode::Circular,
        "reflect" | "replicate" | "circular" => {
            fail!(NotImplemented, torch: ("Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now"), expected: ("pad: expected padding of the last 1, 2 or 3 of at most 5 dims"), got: ("{} numbers for {:?}", pad.len(), x.shape()), fix: ("Add or merge dims."))
        }
        other => {
            fail!(NotImplemented, torch: ("Unrecognised padding mode {other}"), expected: ("pad: expected 'constant', 'reflect', 'replicate' or 'circular'"), got: ("'{other}'"), fix: ("Use one of those."))
        }
    };
    surround(x, pad, mode)
}

/// Padding of the last `nd` dims of (C, *) or (N, C, *).
fn spatial(x: &Tensor, padding: &[i64], nd: usize, mode: Mode) -> Result<Tensor> {
    if padding.len() != 2 * nd {
        fail!(Runtime, torch: ("padding size is expected to be {}, but got: {}", 2 * nd, padding.len()), expected: ("pad: expected two numbers for each of {nd} dims"), got: ("{padding:?}"), fix: ("Give (before, after) of the last dim first."));
    }
    let batch = (x.ndim() == nd + 2) as usize;
    if x.ndim() != nd + 1 + batch || x.shape()[batch..].contains(&0) {
        fail!(Runtime, torch: ("Expected {}D or {}D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {:?}", nd + 1, nd + 2, x.shape()), expected: ("pad: expected (C, *) or (N, C, *) with {nd} dims at *"), got: ("{:?}", x.shape()), fix: ("Add or merge dims."));
    }
    surround(x, padding, mode)
}

/// Two numbers from a list of one or two.
fn pair(name: &str, which: &str, list: &[i64], low: i64) -> Result<[i64; 2]> {
    let two = match *list {
        [a] => return pair(name, which, &[a, a], low),
        [a, b] if a.max(b) > i32::MAX as i64 => {
            fail!(Runtime, torch: ("{which} is too large: {list:?}"), expected: ("{name}: expected {which} below 2^31"), got: ("{list:?}"), fix: ("Check the arguments."))
        }
        [a, b] => [a, b],
        _ => {
            fail!(Runtime, torch: ("It is expected {which} equals to 2, but got size {}", list.len()), expected: ("{name}: expected two numbers as {which}"), got: ("{list:?}"), fix: ("Give (height, width)."))
        }
    };
    if two.iter().any(|&n| n < low) {
        let text = if low == 0 { "non-negative" } else { "greater than zero" };
        let (h, w) = if which == "kernel_size" { ("kernel_height", "kernel_width") } else { ("height", "width") };
        let noun = which.replace('_', " ");
        fail!(Runtime, torch: ("{noun} should be {text}, but got {h}: {} {w}: {}", two[0], two[1]), expected: ("{name}: expected {which} of at least {low}"), got: ("{two:?}"), fix: ("Check the sign."));
    }
    Ok(two)
}

/// Sliding windows of an image: (C, H, W) to (C, kh, kw, oh, ow), as strides over a padded plane.
struct Windows {
    kernel: [i64; 2],
    dilation: [i64; 2],
    padding: [i64; 2],
    stride: [i64; 2],
}

impl Windows {
    fn new(name: &str, kernel: &[i64], dilation: &[i64], padding: &[i64], stride: &[i64]) -> Result<Windows> {
        Ok(Windows {
            kernel: pair(name, "kernel_size", kernel, 1)?,
            dilation: pair(name, "dilation", dilation, 1)?,
            padding: pair(name, "padding", padding, 0)?,
            stride: pair(name, "stride", stride, 1)?,
        })
    }

    /// Windows along each dim of a plane.
    fn count(&self, size: [usize; 2]) -> [i64; 2] {
        std::array::from_fn(|d| {
            (size[d] as i64 + 2 * self.padding[d] - self.dilation[d] * (self.kernel[d] - 1) - 1)
                .div_euclid(self.stride[d])
                + 1
        })
    }

    fn checked(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        let n = self.count(size);
        if n[0] < 1 || n[1] < 1 {
            fail!(Runtime, torch: ("Given input with spatial size ({}, {}), kernel_size=({}, {}), dilation=({}, {}), padding=({}, {}), calculated shape of the array of sliding blocks as ({}, {}), but its components must be at least one.",
                size[0], size[1], self.kernel[0], self.kernel[1], self.dilation[0], self.dilation[1], self.padding[0], self.padding[1], n[0], n[1]),
                expected: ("unfold: expected windows that fit the padded input"), got: ("({}, {})", n[0], n[1]), fix: ("Use a smaller kernel or more padding."));
        }
        Ok([n[0] as usize, n[1] as usize])
    }

    fn padded(&self, size: [usize; 2]) -> [usize; 2] {
        std::array::from_fn(|d| size[d] + 2 * self.padding[d] as usize)
    }

    /// The windows of a contiguous padded (n, c, h, w), as a view's geometry.
    fn view(&self, n: usize, c: usize, size: [usize; 2]) -> view::Geometry {
        let ([h, w], out) = (self.padded(size), self.count(size));
        let shape: Shape = [n, c, self.kernel[0] as usize, self.kernel[1] as usize, out[0] as usize, out[1] as usize]
            .into_iter()
            .collect();
        let w = w as isize;
        let strides: Strides = [
            (c * h) as isize * w,
            h as isize * w,
            self.dilation[0] as isize * w,
            self.dilation[1] as isize,
            self.stride[0] as isize * w,
            self.stride[1] as isize,
        ]
        .into_iter()
        .collect();
        (shape, strides, 0)
    }
}

/// The image with a batch dim, and whether it was added.
fn with_batch(x: &Tensor, ndim: usize) -> Result<(Tensor, bool)> {
    if x.ndim() == ndim { Ok((x.clone(), false)) } else { Ok((view::unsqueeze(x, 0)?, true)) }
}

fn without_batch(y: Tensor, added: bool) -> Result<Tensor> {
    if added { view::squeeze_dim(&y, 0) } else { Ok(y) }
}

/// The sliding windows of images as columns: (N, C, H, W) becomes (N, C * kernel elements, windows).
fn im2col(x: &Tensor, kernel: &[i64], dilation: &[i64], padding: &[i64], stride: &[i64]) -> Result<Tensor> {
    let at = Windows::new("unfold", kernel, dilation, padding, stride)?;
    let n = x.ndim();
    // The dims that channels and height would have.
    (1..3).filter(|_| n < 3).try_for_each(|d| x.wrap_dim(d).map(drop))?;
    let fits = match n {
        3 => x.numel() > 0,
        4 => x.shape()[1..].iter().all(|&d| d > 0),
        _ => false,
    };
    if !fits {
        fail!(Runtime, torch: ("Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {:?}", x.shape()), expected: ("unfold: expected (C, H, W) or (N, C, H, W)"), got: ("{:?}", x.shape()), fix: ("Add dims."));
    }
    let (x, added) = with_batch(x, 4)?;
    let &[n, c, h, w] = x.shape() else { crate::internal!("unfold lost a dim.") };
    let out = at.checked([h, w])?;
    let [top, left] = at.padding;
    let padded = copy::contiguous(&if (top, left) == (0, 0) {
        x.clone()
    } else {
        constant_pad(&x, &[left, left, top, top], Scalar::Int(0))?
    })?;
    let columns = view::strided_view(&padded, at.view(n, c, [h, w]))?;
    let flat = [n, c * (at.kernel[0] * at.kernel[1]) as usize, out[0] * out[1]];
    let y = without_batch(copy::contiguous(&columns)?.reshape_to(&flat)?, added)?;
    Ok(named(y, "Im2ColBackward0", &x))
}

/// Adds columns, as [`im2col`] makes them, up into images of `output_size`.
fn col2im(
    x: &Tensor,
    output_size: &[i64],
    kernel: &[i64],
    dilation: &[i64],
    padding: &[i64],
    stride: &[i64],
) -> Result<Tensor> {
    let size = pair("fold", "output_size", output_size, 1)?.map(|n| n as usize);
    let at = Windows::new("fold", kernel, dilation, padding, stride)?;
    let fits = matches!(x.ndim(), 2 | 3) && x.shape()[x.ndim() - 2..].iter().all(|&d| d > 0);
    if !fits {
        fail!(Runtime, torch: ("Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: {:?}", x.shape()), expected: ("fold: expected (C * kernel elements, L) or (N, ..., L)"), got: ("{:?}", x.shape()), fix: ("Add dims."));
    }
    let (x, added) = with_batch(x, 3)?;
    let &[n, rows, cols] = x.shape() else { crate::internal!("fold lost a dim.") };
    // Below 2^62, since each is below 2^31.
    let taps = (at.kernel[0] * at.kernel[1]) as usize;
    if rows % taps != 0 {
        fail!(Runtime, torch: ("Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={rows} and kernel_size=({}, {}).", at.kernel[0], at.kernel[1]), expected: ("fold: expected a multiple of {taps} rows"), got: ("{rows}"), fix: ("Check kernel_size."));
    }
    let out = at.count(size);
    if out[0] < 1 || out[1] < 1 || (out[0] * out[1]) as usize != cols {
        fail!(Runtime, torch: ("Given output_size=({}, {}), kernel_size=({}, {}), dilation=({}, {}), padding=({}, {}), stride=({}, {}), expected size of input's dimension 2 to match the calculated number of sliding blocks {} * {} = {}, but got input.size(2)={cols}.",
            size[0], size[1], at.kernel[0], at.kernel[1], at.dilation[0], at.dilation[1], at.padding[0], at.padding[1], at.stride[0], at.stride[1], out[0], out[1], out[0] * out[1]),
            expected: ("fold: expected {} columns", out[0] * out[1]), got: ("{cols}"), fix: ("Check output_size."));
    }
    let c = rows / taps;
    let geometry = at.view(n, c, size);
    let [h, w] = at.padded(size);
    let shape = [n, c, h, w];
    let image = view::embed(&x.reshape_to(&geometry.0)?, &shape, &contiguous_strides(&shape), &geometry)?;
    let [top, left] = at.padding;
    let y =
        if (top, left) == (0, 0) { image } else { constant_pad(&image, &[-left, -left, -top, -top], Scalar::Int(0))? };
    Ok(named(without_batch(y, added)?, "Col2ImBackward0", &x))
}

/// `squared`: must the square of the factor fit, whatever the sizes are?
fn check_image(name: &str, x: &Tensor, factor: i64, what: &str, squared: bool) -> Result<()> {
    if x.ndim() < 3 {
        fail!(Runtime, torch: ("{name} expects input to have at least 3 dimensions, but got input with {} dimension(s)", x.ndim()), expected: ("{name}: expected (*, C, H, W)"), got: ("{:?}", x.shape()), fix: ("Add dims."));
    }
    if squared && factor > 1 << 31 {
        let form = what.replace('_', " ");
        fail!(Value, torch: ("{form} is too large, ({what})^2 overflowed: {what}={factor}"), expected: ("{name}: expected a {what} whose square fits"), got: ("{factor}"), fix: ("Check it."));
    }
    if factor <= 0 {
        fail!(Runtime, torch: ("{name} expects a positive {what}, but got {factor}"), expected: ("{name}: expected a positive {what}"), got: ("{factor}"), fix: ("Check it."));
    }
    Ok(())
}

#[cold]
fn too_large(name: &str, factor: usize) -> Result<Tensor> {
    fail!(Runtime, torch: ("Storage size calculation overflowed"), expected: ("{name}: expected a result below 2^63 elements"), got: ("a factor of {factor}"), fix: ("Check the factor."))
}

/// (*, C r^2, H, W) to (*, C, H r, W r).
fn pixel_shuffle(x: &Tensor, factor: i64) -> Result<Tensor> {
    check_image("pixel_shuffle", x, factor, "upscale_factor", true)?;
    let (r, n) = (factor as usize, x.ndim());
    let (c, h, w) = (x.shape()[n - 3], x.shape()[n - 2], x.shape()[n - 1]);
    if r.checked_mul(r).is_none_or(|square| c % square != 0) {
        let square = factor as i128 * factor as i128;
        fail!(Runtime, torch: ("pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)={c} is not divisible by {square}"), expected: ("pixel_shuffle: expected a multiple of {square} channels"), got: ("{c}"), fix: ("Check the factor."));
    }
    let (Some(high), Some(wide)) = (h.checked_mul(r), w.checked_mul(r)) else { return too_large("pixel_shuffle", r) };
    let lead = Shape::from_slice(&x.shape()[..n - 3]);
    let batch: usize = lead.iter().product();
    let y = view::permute(&x.reshape_to(&[batch, c / (r * r), r, r, h, w])?, &[0, 1, 4, 2, 5, 3])?;
    let y = y.reshape_to(&lead.iter().copied().chain([c / (r * r), high, wide]).collect::<Shape>())?;
    Ok(named(y, "PixelShuffleBackward0", x))
}

/// (*, C, H r, W r) to (*, C r^2, H, W).
fn pixel_unshuffle(x: &Tensor, factor: i64) -> Result<Tensor> {
    check_image("pixel_unshuffle", x, factor, "downscale_factor", false)?;
    let (r, n) = (factor as usize, x.ndim());
    let (c, h, w) = (x.shape()[n - 3], x.shape()[n - 2], x.shape()[n - 1]);
    for (which, d, size) in [("height", -2, h), ("width", -1, w)] {
        if size % r != 0 {
            fail!(Runtime, torch: ("pixel_unshuffle expects {which} to be divisible by downscale_factor, but input.size({d})={size} is not divisible by {r}"), expected: ("pixel_unshuffle: expected a {which} that {r} divides"), got: ("{size}"), fix: ("Pad the image."));
        }
    }
    let lead = Shape::from_slice(&x.shape()[..n - 3]);
    let batch: usize = lead.iter().product();
    let y = view::permute(&x.reshape_to(&[batch, c, h / r, r, w / r, r])?, &[0, 1, 3, 5, 2, 4])?;
    let Some(deep) = r.checked_mul(r).and_then(|square| square.checked_mul(c)) else {
        return too_large("pixel_unshuffle", r);
    };
    let y = super::copy::contiguous(&y)?
        .reshape_to(&lead.iter().copied().chain([deep, h / r, w / r]).collect::<Shape>())?;
    Ok(named(y, "PixelUnshuffleBackward0", x))
}

/// Interleaves the channels of `groups` groups.
fn channel_shuffle(x: &Tensor, groups: i64) -> Result<Tensor> {
    if x.ndim() < 3 {
        fail!(Runtime, torch: ("channel_shuffle expects input with > 2 dims, but got input with sizes {:?}", x.shape()), expected: ("channel_shuffle: expected (N, C, *)"), got: ("{:?}", x.shape()), fix: ("Add dims."));
    }
    if groups <= 0 {
        fail!(Runtime, torch: ("Number of groups to divide channels in must be positive. Value of groups:{groups}"), expected: ("channel_shuffle: expected at least 1 group"), got: ("{groups}"), fix: ("Use a divisor of the channels."));
    }
    let (n, c, g) = (x.shape()[0], x.shape()[1], groups as usize);
    if c % g != 0 {
        fail!(Runtime, torch: ("Number of channels must be divisible by groups. Got {c} channels and {g} groups."), expected: ("channel_shuffle: expected groups to divide {c}"), got: ("{g}"), fix: ("Use a divisor of the channels."));
    }
    let s = x.shape()[2..].iter().product();
    let y = view::transpose(&x.reshape_to(&[n, g, c / g, s])?, 1, 2)?.reshape_to(x.shape())?;
    let y = copy::contiguous_format(&y, layout::suggested_format(x.shape(), x.strides()))?;
    Ok(named(y, "ChannelShuffleBackward0", x))
}

/// Sequences of different lengths side by side, the shorter ones filled up.
fn pad_sequence(sequences: &[Tensor], batch_first: bool, value: f64, side: &str) -> Result<Tensor> {
    let Some(first) = sequences.first() else {
        fail!(Runtime, torch: ("received an empty list of sequences"), expected: ("pad_sequence: expected at least one sequence"), got: ("none"), fix: ("Check the list."));
    };
    if side != "left" && side != "right" {
        fail!(Runtime, torch: ("Expected padding_side to be one of left or right, but got {side}."), expected: ("pad_sequence: expected 'left' or 'right'"), got: ("'{side}'"), fix: ("Use 'right'."));
    }
    if let Some(flat) = sequences.iter().find(|s| s.ndim() == 0) {
        fail!(Runtime, expected: ("pad_sequence: expected sequences of shape (L, *)"), got: ("shape {:?}", flat.shape()), fix: ("Reshape a single element with view(1)."));
    }
    let longest = sequences.iter().map(|s| s.size(0)).max().unwrap_or(0);
    let value = if first.dtype().is_differentiable() { Scalar::Float(value) } else { Scalar::Int(value as i64) };
    let mut rows = Vec::with_capacity(sequences.len());
    for s in sequences {
        let mut shape = Shape::from_slice(first.shape());
        shape[0] = s.size(0);
        let lead = shape.len().saturating_sub(s.ndim());
        let clash = (0..s.ndim()).find(|&d| s.shape()[d] != 1 && shape.get(lead + d) != Some(&s.shape()[d]));
        if let Some(d) = clash {
            fail!(Runtime, torch: ("The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension {}", shape.get(lead + d).copied().unwrap_or(1), s.shape()[d], lead + d),
                expected: ("pad_sequence: expected sequences that differ in length alone, {:?}", shape), got: ("{:?}", s.shape()), fix: ("Check the other dims."));
        }
        let s = view::expand_to(&copy::to_dtype(s, first.dtype())?, &shape)?;
        let missing = (longest - s.size(0)) as i64;
        let mut pad: SmallVec<[i64; 6]> = SmallVec::from_elem(0, 2 * s.ndim());
        if let [.., before, after] = &mut pad[..] {
            *(if side == "left" { before } else { after }) = missing;
        }
        rows.push(constant_pad(&s, &pad, value)?);
    }
    super::join::stack(&rows, if batch_first { 0 } else { 1 })
}

ops! {
    /// (L_i, *) sequences stacked to (T, B, *), or (B, T, *) if `batch_first`, filled up on one side.
    "pad_sequence(Tensor[] sequences, bool batch_first=False, float padding_value=0.0, str padding_side='right') -> Tensor" [n] => pad_sequence(0, 1, 2, 3);
    /// Puts values around the last dims: mode 'constant', 'reflect', 'replicate' or 'circular'.
    "pad(Tensor self, int[] pad, str mode='constant', float? value=None) -> Tensor" [n] => pad(0, 1, 2, 3);
    /// Puts a constant around the last dims; negative numbers take away.
    "constant_pad_nd(Tensor self, int[] pad, Scalar value=0) -> Tensor" [f] => constant_pad(0, 1, 2);
    /// Sliding windows of images as columns.
    "im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride) -> Tensor" [n o] => im2col(0, 1, 2, 3, 4);
    /// Adds columns up into images.
    "col2im(Tensor self, int[2] output_size, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride) -> Tensor" [n o] => col2im(0, 1, 2, 3, 4, 5);
    /// (*, C r^2, H, W) to (*, C, H r, W r).
    "pixel_shuffle(Tensor self, int upscale_factor) -> Tensor" [f] => pixel_shuffle(0, 1);
    /// (*, C, H r, W r) to (*, C r^2, H, W).
    "pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor" [f] => pixel_unshuffle(0, 1);
    /// Interleaves the channels of groups.
    "channel_shuffle(Tensor self, int groups) -> Tensor" [f] => channel_shuffle(0, 1);
    /// `channel_shuffle` under another name.
    "native_channel_shuffle(Tensor self, int groups) -> Tensor" [f] => channel_shuffle(0, 1);
    @
    /// Mirrors the last dim without its edges.
    "reflection_pad1d(Tensor self, int[2] padding) -> Tensor" [n o] => |a| spatial(a.get(0)?, a.get(1)?, 1, Mode::Reflect);
    /// Mirrors the last two dims without their edges.
    "reflection_pad2d(Tensor self, int[4] padding) -> Tensor" [n o] => |a| spatial(a.get(0)?, a.get(1)?, 2, Mode::Reflect);
    /// Mirrors the last three dims without their edges.
    "reflection_pad3d(Tensor self, int[6] padding) -> Tensor" [n o] => |a| spatial(a.get(0)?, a.get(1)?, 3, Mode::Reflect);
    /// Repeats the edges of the last dim.
    "replication_pad1d(Tensor self, int[2] padding) -> Tensor" [n o] => |a| spatial(a.get(0)?, a.get(1)?, 1, Mode::Replicate);
    /// Repeats the edges of the last two dims.
    "replication_pad2d(Tensor self, int[4] padding) -> Tensor" [n o] => |a| spatial(a.get(0)?, a.get(1)?, 2, Mode::Replicate);
    /// Repeats the edges of the last three dims.
    "replication_pad3d(Tensor self, int[6] padding) -> Tensor" [n o] => |a| spatial(a.get(0)?, a.get(1)?, 3, Mode::Replicate);
}
