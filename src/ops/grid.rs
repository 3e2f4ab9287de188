//! Reading images at given places, and the places of affine maps.

use super::arith::fmod;
use super::choose::{clamp, where_};
use super::copy::to_dtype;
use super::gather::gather;
use super::kernel::{by_operations, operand};
use super::matmul::bmm;
use super::pointwise::number;
use super::view;
use crate::autograd::{named, needs_grad, no_grad, record};
use crate::dispatch;
use crate::dispatch::grid::{self as kernels, Coordinates, Outside, Sampler};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Device, OutMeta, Scalar, Tensor};
use smallvec::SmallVec;

/// One dim of the image: its extent, and how coordinates in [-1, 1] map to it.
#[derive(Clone, Copy)]
struct Side {
    n: usize,
    align: bool,
    outside: Outside,
}

impl Side {
    /// A coordinate in elements.
    fn place(&self, x: &Tensor) -> Result<Tensor> {
        let n = self.n as f64;
        if self.align {
            x.add_scalar(1.0)?.mul_scalar((n - 1.0) / 2.0)
        } else {
            x.add_scalar(1.0)?.mul_scalar(n)?.add_scalar(-1.0)?.mul_scalar(0.5)
        }
    }

    fn clipped(&self, x: &Tensor) -> Result<Tensor> {
        let y = clamp(x, Some(&number(0.0)?), Some(&number(self.n as f64 - 1.0)?), &Dest::New)?;
        // A NaN is brought in at the first element, as in torch.
        let lost = no_grad(|| y.detach().ne(&y.detach()))?;
        y.masked_fill_scalar(&lost, 0.0)
    }

    /// Moves places into the image, as the mode says; zeros stay outside.
    fn brought_in(&self, x: &Tensor) -> Result<Tensor> {
        match self.outside {
            Outside::Zeros => Ok(x.clone()),
            Outside::Border => self.clipped(x),
            Outside::Reflection => {
                let (low, high) = if self.align { (0.0, self.n as f64 - 1.0) } else { (-0.5, self.n as f64 - 0.5) };
                let span = high - low;
                if span == 0.0 {
                    return self.clipped(&x.mul_scalar(0.0)?);
                }
                let far = x.add_scalar(-low)?.abs()?;
                let extra = fmod(&far, &number(span)?, &Dest::New)?;
                let flips = no_grad(|| far.detach().mul_scalar(1.0 / span)?.floor())?;
                let odd = no_grad(|| fmod(&flips, &number(2.0)?, &Dest::New)?.ne(&number(0.0)?))?;
                self.clipped(&where_(&odd, &extra.neg()?.add_scalar(high)?, &extra.add_scalar(low)?)?)
            }
        }
    }

    /// The image's elements that a place reads, with their weights; None is 1.
    fn taps(&self, x: &Tensor, mode: i64) -> Result<SmallVec<[(Tensor, Option<Tensor>); 4]>> {
        let place = self.place(x)?;
        Ok(match mode {
            0 => {
                let at = self.brought_in(&place)?;
                let low = no_grad(|| at.detach().floor())?;
                let t = at.sub(&low)?;
                smallvec::smallvec![(low.clone(), Some(t.neg()?.add_scalar(1.0)?)), (low.add_scalar(1.0)?, Some(t))]
            }
            1 => smallvec::smallvec![(no_grad(|| self.brought_in(&place)?.detach().round_even())?, None)],
            _ => {
                let low = no_grad(|| place.detach().floor())?;
                let t = place.sub(&low)?;
                let mut list = SmallVec::new();
                for k in -1..=2 {
                    let at = no_grad(|| self.brought_in(&low.add_scalar(k as f64)?))?;
                    list.push((at, Some(cubic(&t.add_scalar(-(k as f64))?.abs()?, k == 0 || k == 1)?)));
                }
                list
            }
        })
    }
}

/// The cubic convolution kernel with slope -0.75 at 1, for |x| below 1 (`near`) or between 1 and 2.
fn cubic(x: &Tensor, near: bool) -> Result<Tensor> {
    const A: f64 = -0.75;
    if near {
        // ((a + 2) x - (a + 3)) x^2 + 1
        x.mul_scalar(A + 2.0)?.add_scalar(-(A + 3.0))?.mul(&x.mul(x)?)?.add_scalar(1.0)
    } else {
        // (((x - 5) x + 8) x - 4) a
        x.add_scalar(-5.0)?.mul(x)?.add_scalar(8.0)?.mul(x)?.add_scalar(-4.0)?.mul_scalar(A)
    }
}

fn check(x: &Tensor, grid: &Tensor, nd: usize, mode: i64, padding: i64) -> Result<()> {
    if x.dtype() != grid.dtype() {
        fail!(Runtime, torch: ("grid_sampler(): expected input and grid to have same dtype, but input has {} and grid has {}", x.dtype().name(), grid.dtype().name()), expected: ("grid_sampler: expected one dtype"), got: ("{} and {}", x.dtype().name(), grid.dtype().name()), fix: ("Convert one with .to()."));
    }
    if grid.ndim() != x.ndim() || !(2..=3).contains(&nd) {
        fail!(Runtime, torch: ("grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes {:?} and grid with sizes {:?}", x.shape(), grid.shape()), expected: ("grid_sampler: expected (N, C, *) and (N, *, dims)"), got: ("{:?} and {:?}", x.shape(), grid.shape()), fix: ("Check the dims."));
    }
    if grid.shape()[0] != x.shape()[0] {
        fail!(Runtime, torch: ("grid_sampler(): expected grid and input to have same batch size, but got input with sizes {:?} and grid with sizes {:?}", x.shape(), grid.shape()), expected: ("grid_sampler: expected {} grids", x.shape()[0]), got: ("{}", grid.shape()[0]), fix: ("Expand the grid."));
    }
    if grid.shape()[nd + 1] != nd {
        fail!(Runtime, torch: ("grid_sampler(): expected grid to have size {nd} in last dimension, but got grid with sizes {:?}", grid.shape()), expected: ("grid_sampler: expected {nd} coordinates"), got: ("{}", grid.shape()[nd + 1]), fix: ("Check the grid."));
    }
    if let Some(d) = (2..x.ndim()).find(|&d| x.shape()[d] == 0) {
        fail!(Runtime, torch: ("grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {:?} with dimension {d} being empty", x.shape()), expected: ("grid_sampler: expected an image"), got: ("{:?}", x.shape()), fix: ("Check the input."));
    }
    if nd == 3 && mode == 2 {
        fail!(Runtime, torch: ("grid_sampler(): bicubic interpolation only supports 4D input"), expected: ("grid_sampler: expected 4-D input for bicubic"), got: ("5-D"), fix: ("Use bilinear."));
    }
    if !(0..=2).contains(&mode) || !(0..=2).contains(&padding) {
        fail!(Runtime, torch: ("grid_sampler(): unknown interpolation or padding mode"), expected: ("grid_sampler: expected modes 0, 1 or 2"), got: ("{mode} and {padding}"), fix: ("Use grid_sample()."));
    }
    Ok(())
}

/// Reads an image at places given in [-1, 1]: x, y and, for volumes, z.
///
/// Shape: input (N, C, *), grid (N, *out, dims), output (N, C, *out).
fn grid_sampler(x: &Tensor, grid: &Tensor, mode: i64, padding: i64, align: bool) -> Result<Tensor> {
    let name = if x.ndim() == 4 { "GridSampler2DBackward0" } else { "GridSampler3DBackward0" };
    let nd = x.ndim().saturating_sub(2);
    check(x, grid, nd, mode, padding)?;
    if mode != 2 && matches!(x.dtype(), DType::F32 | DType::F64) {
        let mut input = [1; 3];
        input[3 - nd..].copy_from_slice(&x.shape()[2..]);
        let (n, channels, places) = (x.shape()[0], x.shape()[1], grid.shape()[1..=nd].iter().product());
        let outside = outside(padding);
        let s = Sampler { n, channels, input, dims: nd, places, nearest: mode == 1, outside, align };
        if kernels::has_kernel(x, &s) {
            return fused(x, grid, s, name);
        }
    }
    let y = sampled(x, grid, mode, padding, align)?;
    if mode != 1 {
        return Ok(named(y, name, x));
    }
    // The nearest pixel does not move with its place: a gradient of zeros, where the graph would give none.
    let like = OutMeta::of(grid);
    record(y.detach(), name, &[&y, grid], |_| {
        move |c, g| grads![g.clone(), c.when(1, || dispatch::zeros(&like.shape, like.dtype, like.device))?]
    })
}

fn outside(padding: i64) -> Outside {
    [Outside::Zeros, Outside::Border, Outside::Reflection][padding as usize]
}

/// [`grid_sampler`] by a kernel, whose gradient is one, too; gradients of gradients go by [`sampled`].
fn fused(x: &Tensor, grid: &Tensor, s: Sampler, name: &'static str) -> Result<Tensor> {
    let dtype = x.dtype();
    let shape: Shape = x.shape()[..2].iter().chain(&grid.shape()[1..=s.dims]).copied().collect();
    let y = dispatch::empty(&shape, dtype, x.device())?;
    kernels::sample(&operand(x, dtype)?, &operand(grid, dtype)?, &y, &s);
    record(y, name, &[x, grid], |saver| {
        let (x, grid) = (saver.input(x), saver.input(grid));
        move |c, g| {
            let (x, grid) = (c.get(x)?, c.get(grid)?);
            let zeros = |t: &Tensor| dispatch::zeros(t.shape(), dtype, t.device());
            if needs_grad(&[g, &x, &grid]) {
                let mode = s.nearest as i64;
                let again = |t: &[Tensor]| sampled(&t[0], &t[1], mode, s.outside as i64, s.align);
                let mut grads = by_operations(c, g, &[&x, &grid], again)?;
                if s.nearest && c.needs(1) {
                    grads[1] = Some(zeros(&grid)?);
                }
                // In torch both come from one operation on all inputs, and require grad with them.
                return Ok(grads.into_iter().map(|d| d.map(|d| c.constant(d))).collect());
            }
            let (g, xs, places) = (operand(g, dtype)?, operand(&x, dtype)?, operand(&grid, dtype)?);
            let of_image = || {
                let dx = dispatch::empty(x.shape(), dtype, x.device())?;
                kernels::image_gradient(&g, &places, &dx, &s);
                Ok(dx)
            };
            // The nearest element does not move with its place.
            let of_grid = || match s.nearest {
                true => zeros(&grid),
                false => {
                    let dg = dispatch::empty(grid.shape(), dtype, grid.device())?;
                    kernels::grid_gradient(&g, &xs, &places, &dg, &s);
                    Ok(dg)
                }
            };
            grads![c.when(0, of_image)?, c.when(1, of_grid)?]
        }
    })
}

/// [`grid_sampler`] by operations.
fn sampled(x: &Tensor, grid: &Tensor, mode: i64, padding: i64, align: bool) -> Result<Tensor> {
    let nd = x.ndim() - 2;
    let outside = outside(padding);
    let (n, c) = (x.shape()[0], x.shape()[1]);
    let places: usize = grid.shape()[1..=nd].iter().product();
    let flat = x.reshape_to(&[n, c, x.shape()[2..].iter().product()])?;
    let points = grid.reshape_to(&[n, places, nd])?;
    let mut axes = Vec::with_capacity(nd);
    for d in 0..nd {
        // The grid names the last dim first.
        let coordinate = view::select(&points, 2, (nd - 1 - d) as i64)?;
        axes.push((x.shape()[d + 2], Side { n: x.shape()[d + 2], align, outside }.taps(&coordinate, mode)?));
    }
    let mut y: Option<Tensor> = None;
    let mut choice: SmallVec<[usize; 3]> = smallvec::smallvec![0; nd];
    loop {
        let part = tap(&flat, &axes, &choice, c)?;
        y = Some(match y {
            Some(y) => y.add(&part)?,
            None => part,
        });
        let Some(d) = (0..nd).rev().find(|&d| choice[d] + 1 < axes[d].1.len()) else { break };
        choice[d] += 1;
        choice[d + 1..].fill(0);
    }
    let Some(y) = y else { crate::internal!("a grid has no taps.") };
    let shape: Shape = [n, c].into_iter().chain(grid.shape()[1..=nd].iter().copied()).collect();
    y.reshape_to(&shape)
}

type Axis = (usize, SmallVec<[(Tensor, Option<Tensor>); 4]>);

/// One element per place, times its weight; elements outside of the image count 0.
fn tap(flat: &Tensor, axes: &[Axis], choice: &[usize], c: usize) -> Result<Tensor> {
    let mut weight: Option<Tensor> = None;
    let (index, inside) = no_grad(|| -> Result<_> {
        let (mut index, mut inside): (Option<Tensor>, Option<Tensor>) = (None, None);
        for ((n, taps), &k) in axes.iter().zip(choice) {
            let at = taps[k].0.detach();
            let last = number(*n as f64 - 1.0)?;
            let own = at.ge(&number(0.0)?)?.logical_and(&at.le(&last)?)?;
            // A NaN is outside; its index is any, and its weights are NaN.
            let safe = to_dtype(&where_(&own, &at, &at.scalar_like(0.0)?)?, DType::I64)?;
            index = Some(match index {
                Some(i) => i.mul(&number(*n as i64)?)?.add(&safe)?,
                None => safe,
            });
            inside = Some(match inside {
                Some(i) => i.logical_and(&own)?,
                None => own,
            });
        }
        Ok((index, inside))
    })?;
    for ((_, taps), &k) in axes.iter().zip(choice) {
        if let Some(w) = &taps[k].1 {
            weight = Some(match weight {
                Some(old) => old.mul(w)?,
                None => w.clone(),
            });
        }
    }
    let (Some(index), Some(inside)) = (index, inside) else { crate::internal!("a grid has no dims.") };
    let wide = super::linear::broadcast_to(&view::unsqueeze(&index, 1)?, &[index.shape()[0], c, index.shape()[1]])?;
    let values = gather(flat, 2, &wide)?;
    // Before the weights, so that those of a NaN or infinite place make the result NaN.
    let values = where_(&view::unsqueeze(&inside, 1)?, &values, &values.scalar_like(0.0)?)?;
    match weight {
        Some(w) => values.mul(&view::unsqueeze(&w, 1)?),
        None => Ok(values),
    }
}

impl Tensor {
    /// Rounded to the nearest integer, halves to even.
    fn round_even(&self) -> Result<Tensor> {
        let y = self.empty_like()?;
        crate::dispatch::pointwise(
            crate::dispatch::Fun::Round,
            super::pointwise::compute_dtype(self.dtype()),
            &[self],
            &y,
            &Default::default(),
        );
        Ok(y)
    }
}

/// Coordinates of n elements in [-1, 1]: of the corners' centres if aligned, else of their outer edges.
fn coordinates(n: usize, align: bool, dtype: DType, device: Device) -> Result<Tensor> {
    let at = super::create::arange(Scalar::Int(0), Scalar::Int(n as i64), Scalar::Int(1), Some(dtype), Some(device))?;
    match (n, align) {
        (0 | 1, _) => at.mul_scalar(0.0),
        (n, true) => at.mul_scalar(2.0 / (n as f64 - 1.0))?.add_scalar(-1.0),
        (n, false) => at.mul_scalar(2.0)?.add_scalar(1.0 - n as f64)?.mul_scalar(1.0 / n as f64),
    }
}

/// The grids of affine maps. The coordinates name the last dim first.
fn affine(theta: &Tensor, of: &Coordinates) -> Result<Tensor> {
    let sizes = of.0.iter().rev().map(Tensor::numel);
    let shape: Shape = [theta.size(0)].into_iter().chain(sizes).chain([of.0.len()]).collect();
    let y = dispatch::empty(&shape, theta.dtype(), theta.device())?;
    kernels::affine(&operand(theta, theta.dtype())?, of, &y);
    record(y, "AffineGridGeneratorBackward0", &[theta], |_| {
        let of = of.clone();
        move |_, g| grads![affine_gradient(g, &of)?]
    })
}

/// The adjoint of [`affine`].
fn affine_gradient(g: &Tensor, of: &Coordinates) -> Result<Tensor> {
    let (n, nd) = (g.size(0), of.0.len());
    let dtheta = dispatch::empty(&[n, nd, nd + 1], g.dtype(), g.device())?;
    kernels::affine_gradient(&operand(g, g.dtype())?, of, &dtheta);
    record(dtheta, "AffineGridGeneratorBackwardBackward0", &[g], |_| {
        let of = of.clone();
        move |_, h| grads![affine(h, &of)?]
    })
}

/// The grid of an affine map of the output's coordinates. Shape: theta (N, 2, 3) or (N, 3, 4).
fn affine_grid_generator(theta: &Tensor, size: &[i64], align: bool) -> Result<Tensor> {
    if size.len() != 4 && size.len() != 5 {
        fail!(Runtime, torch: ("AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs."), expected: ("affine_grid_generator: expected (N, C, H, W) or (N, C, D, H, W)"), got: ("{size:?}"), fix: ("Add dims."));
    }
    let nd = size.len() - 2;
    let spatial: Shape = size[2..].iter().map(|&n| n.max(0) as usize).collect();
    let (n, places) = (size[0].max(0) as usize, spatial.iter().product::<usize>());
    let line = |d: usize| coordinates(spatial[d], align, theta.dtype(), theta.device());
    if !theta.is_gpu() && theta.shape() == [n, nd, nd + 1] && matches!(theta.dtype(), DType::F32 | DType::F64) {
        return affine(theta, &Coordinates((0..nd).rev().map(line).collect::<Result<_>>()?));
    }
    let mut columns = Vec::with_capacity(nd + 1);
    for d in (0..nd).rev() {
        let mut shape: Shape = smallvec::smallvec![1; nd];
        shape[d] = spatial[d];
        columns.push(super::linear::broadcast_to(&line(d)?.reshape_to(&shape)?, &spatial)?.reshape_to(&[places, 1])?);
    }
    columns.push(columns[0].mul_scalar(0.0)?.add_scalar(1.0)?);
    let base = super::join::cat(&columns, 1)?;
    let base = super::linear::broadcast_to(&view::unsqueeze(&base, 0)?, &[n, places, nd + 1])?;
    let shape: Shape = [n].into_iter().chain(spatial.iter().copied()).chain([nd]).collect();
    bmm(&base, &view::transpose(theta, 1, 2)?)?.reshape_to(&shape)
}

ops! {
    /// Reads images at given places; modes are 0 bilinear, 1 nearest, 2 bicubic and 0 zeros, 1 border, 2 reflection.
    "grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor" [f] => grid_sampler(0, 1, 2, 3, 4);
    /// `grid_sampler` of images.
    "grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor" [f] => grid_sampler(0, 1, 2, 3, 4);
    /// `grid_sampler` of volumes.
    "grid_sampler_3d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor" [f] => grid_sampler(0, 1, 2, 3, 4);
    /// The grid of an affine map of the output's coordinates.
    "affine_grid_generator(Tensor theta, int[] size, bool align_corners) -> Tensor" [f] => affine_grid_generator(0, 1, 2);
}
