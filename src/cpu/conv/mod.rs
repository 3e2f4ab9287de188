//! Convolution over one to three spatial dims: forward, and the gradients of input, weight and bias.
//!
//! All of them are matrix products whose image operand is not unrolled but for small planes. For every tap the pixels of
//! a row of outputs lie side by side in the input, `offset[k]` from the output's, k running over rows of taps, channels
//! and taps. To make that true for padding and strides, a block of channels of a band of rows is copied to a scratch
//! image: zero-padded, and split by stride phase. A convolution that needs neither reads its input in place.
//!
//! Vectors run across the output channels (`across`: a vector of weights meets one pixel after the other; the direct
//! convolution of Zhang, Franchetti and Low 2018, arXiv:1809.10170, with plain layouts), so that no lane is lost at the
//! ends of rows, and rows of outputs skip what falls into the padding. Channels that do not fill a vector, and few
//! pixels, have vectors along the pixels instead (`tile`). Small planes that would fill few vectors either way are
//! unrolled, the pixels of many images in one row.
//! The gradient of the input is one such product per stride phase of the input, with the weight transposed.
//!
//! Missing leading dims are 1, so that 1-d and 2-d convolutions are 3-d ones.
//!
//! # Contract of the unsafe code in this folder
//! With the geometry `v: &Conv`, pointers address contiguous elements: input (n, c_in, input), weight (c_out,
//! c_in / groups, kernel), output (n, c_out, output), bias (c_out). No output is an input. Dispatch has checked the
//! geometry: groups divide both channel counts, and `output` follows from the rest.
//!
//! # Determinism
//! An element's products are added in the order of k, in blocks of channels that the shape decides. A weight's
//! gradient is summed per chunk of samples that the shape decides, and the chunks are added in order.

#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

mod across;
mod axis;
mod filter;
mod job;
mod lanes;
mod pack;
mod source;
#[cfg(test)]
mod tests;
mod tile;
mod unrolled;
mod weight;

use std::mem::MaybeUninit;

use super::float::{Float, Shared, grain, long_sum2};
use super::parallel;
use super::pool::pad3;
use crate::error::Result;
use axis::Axis;
pub use filter::Packed;
use job::Job;
pub use lanes::ConvFloat;

/// The geometry of a convolution: depth, height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Samples.
    pub n: usize,
    /// Channels of the input.
    pub c_in: usize,
    /// Channels of the output.
    pub c_out: usize,
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// Extents of the input.
    pub input: [usize; 3],
    /// Extents of the output.
    pub output: [usize; 3],
    /// Extents of the kernel, in taps.
    pub kernel: [usize; 3],
    /// Distances between windows.
    pub stride: [usize; 3],
    /// Zeros before the first and after the last element.
    pub padding: [usize; 3],
    /// Distances between taps.
    pub dilation: [usize; 3],
}

impl Conv {
    /// The geometry for one to three spatial dims; all slices have one length. Dims that do not fit a window give
    /// no outputs.
    pub fn new(
        (n, c_in, c_out, groups): (usize, usize, usize, usize),
        input: &[usize],
        kernel: &[usize],
        stride: &[usize],
        padding: &[usize],
        dilation: &[usize],
    ) -> Conv {
        let (input, kernel, stride) = (pad3(input, 1), pad3(kernel, 1), pad3(stride, 1));
        let (padding, dilation) = (pad3(padding, 0), pad3(dilation, 1));
        let output = std::array::from_fn(|d| {
            let span = dilation[d] * kernel[d].saturating_sub(1) + 1;
            (input[d] + 2 * padding[d]).checked_sub(span).map_or(0, |room| room / stride[d].max(1) + 1)
        });
        Conv { n, c_in, c_out, groups, input, output, kernel, stride, padding, dilation }
    }

    /// All numbers that make up the geometry.
    pub fn numbers(&self) -> impl Iterator<Item = usize> {
        let Conv { n, c_in, c_out, groups, input, output, kernel, stride, padding, dilation } = *self;
        let rest = [input, output, kernel, stride, padding, dilation];
        [n, c_in, c_out, groups].into_iter().chain(rest.into_iter().flatten())
    }

    fn in_plane(&self) -> usize {
        self.input.iter().product()
    }

    fn out_plane(&self) -> usize {
        self.output.iter().product()
    }

    fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// The axes of the forward pass.
    fn axes(&self) -> [Axis; 3] {
        std::array::from_fn(|d| {
            Axis::forward(
                self.input[d],
                self.output[d],
                self.kernel[d],
                self.stride[d],
                self.padding[d],
                self.dilation[d],
            )
        })
    }
}

/// The products of the forward pass.
fn forward_job(v: &Conv) -> Job {
    let (c, m) = (v.c_in / v.groups.max(1), v.c_out / v.groups.max(1));
    Job {
        n: v.n,
        groups: v.groups,
        c,
        m,
        axes: v.axes(),
        kernel: v.kernel,
        dst: v.output,
        w_group: m * c * v.taps(),
        w_m: c * v.taps(),
        w_c: v.taps(),
    }
}

/// The weight packed for many calls of [`conv_forward`] with the same geometry; None if it reads it where it lies.
///
/// # Safety
/// The module's contract.
pub unsafe fn pack<F: ConvFloat>(w: *const F, v: &Conv) -> Result<Option<Packed<F>>> {
    forward_job(v).pack(w)
}

/// `y = conv(x, w) + bias`; the bias is optional, that is, may be null. `packed` is what [`pack`] made of `w` for this
/// geometry at this SIMD level, if that was done.
///
/// # Safety
/// The module's contract.
pub unsafe fn conv_forward<F: ConvFloat>(
    x: *const F,
    (w, packed): (*const F, Option<&Packed<F>>),
    bias: *const F,
    y: *mut F,
    v: &Conv,
) -> Result<()> {
    let job = forward_job(v);
    if !job.has_products() {
        fill_bias(bias, y, (v.n, v.c_out, v.out_plane()));
        return Ok(());
    }
    job.run(x, (w, packed), bias, y)
}

/// Writes the bias alone, or zeros, to all of `y`, (n, c, s).
unsafe fn fill_bias<F: Float>(bias: *const F, y: *mut F, (n, c, s): (usize, usize, usize)) {
    if s == 0 {
        return;
    }
    let (bias, y) = (Shared::new(bias), Shared(y));
    parallel::chunks(n * c, grain(s), &|r| {
        for i in r {
            // SAFETY: one channel of a sample, and its bias.
            unsafe {
                let value = if bias.get().is_null() { F::ZERO } else { *bias.at(i % c) };
                std::slice::from_raw_parts_mut(y.at(i * s).cast::<MaybeUninit<F>>(), s).fill(MaybeUninit::new(value));
            }
        }
    });
}

/// Writes the gradient of the input, `dx`, from that of the output, `g`.
///
/// It is also the transposed convolution of `g`, which is why it takes an optional bias of `c_in` elements.
///
/// # Safety
/// The module's contract, with `g` as the output and `dx` as the input.
pub unsafe fn conv_grad_input<F: ConvFloat>(
    g: *const F,
    w: *const F,
    bias: *const F,
    dx: *mut F,
    v: &Conv,
) -> Result<()> {
    let (c, m) = (v.c_out / v.groups.max(1), v.c_in / v.groups.max(1));
    let axes = |d: usize| -> Vec<Axis> {
        let phases = v.stride[d].min(v.input[d]);
        let axis =
            |r| Axis::backward(v.input[d], v.output[d], v.kernel[d], v.stride[d], v.padding[d], v.dilation[d], r);
        (0..phases).map(axis).collect()
    };
    let (depth, height, width) = (axes(0), axes(1), axes(2));
    // Strides beyond the kernel leave phases of the input out.
    let unreached = [&depth, &height, &width].iter().any(|axes| axes.iter().any(|a| a.taps.is_empty()));
    if unreached || c == 0 {
        fill_bias(bias, dx, (v.n, v.c_in, v.in_plane()));
    }
    for d in &depth {
        for h in &height {
            for w_axis in &width {
                let job = Job {
                    n: v.n,
                    groups: v.groups,
                    c,
                    m,
                    axes: [d.clone(), h.clone(), w_axis.clone()],
                    kernel: v.kernel,
                    dst: v.input,
                    w_group: c * m * v.taps(),
                    w_m: v.taps(),
                    w_c: m * v.taps(),
                };
                if job.has_products() {
                    job.run(g, (w, None), bias, dx)?;
                }
            }
        }
    }
    Ok(())
}

/// Writes the gradient of the weight, `dw`, from the input and the gradient `g` of the output.
///
/// # Safety
/// The module's contract.
pub unsafe fn conv_grad_weight<F: ConvFloat>(x: *const F, g: *const F, dw: *mut F, v: &Conv) -> Result<()> {
    weight::run(x, g, dw, v)
}

/// Writes the gradient of the bias: the sum of `g`, (n, c, s), over all but the channels.
///
/// # Safety
/// Pointers address contiguous elements of these sizes.
pub unsafe fn conv_grad_bias<F: Float>(g: *const F, db: *mut F, (n, c, s): (usize, usize, usize)) {
    let (g, db) = (Shared::new(g), Shared(db));
    parallel::chunks(c, grain(n * s), &|r| {
        for channel in r {
            // SAFETY: the channel's rows.
            unsafe { *db.at(channel) = F::of(channel_sum(g.at(channel * s), n, s, c * s)) };
        }
    });
}

crate::multiversion! {
    unsafe fn channel_sum[F: Float](g: *const F, n: usize, s: usize, stride: usize) -> f64 {
        let mut total = 0.0;
        for i in 0..n {
            let g = g.add(i * stride);
            // Both halves of the sum work: short rows leave half the strands idle otherwise.
            let (a, b) = long_sum2(s / 2, |i| (*g.add(i), *g.add(s / 2 + i)));
            total += a + b + if s % 2 == 1 { (*g.add(s - 1)).f64() } else { 0.0 };
        }
        total
    }
}
