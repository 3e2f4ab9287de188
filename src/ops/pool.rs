//! Pooling over one to three spatial dims, and its inverses.

use super::gather::gather;
use super::kernel::{cast, finish, operand};
use super::scatter::Places;
use super::view;
use crate::autograd::record;
use crate::dispatch::pool::{Divisor, Fractional, Pool, Windows};
use crate::dispatch::{self, pool as kernels};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Scalar, Tensor};
use smallvec::SmallVec;

type Dims = SmallVec<[usize; 3]>;

/// The dtype that kernels compute in; integers go through f64.
fn compute(name: &str, dtype: DType) -> Result<DType> {
    match dtype {
        DType::F16 | DType::BF16 => Ok(DType::F32),
        DType::F32 | DType::F64 => Ok(dtype),
        d if d.is_integral(false) => Ok(DType::F64),
        d => super::helpers::not_implemented(name, d),
    }
}

/// The input's planes and extents: (N, C, *) or (C, *) with `nd` spatial dims.
struct Planes {
    count: usize,
    lead: Shape,
    size: Dims,
}

impl Planes {
    fn new(name: &str, x: &Tensor, nd: usize) -> Result<Planes> {
        let batch = x.ndim() == nd + 2;
        let ranked = batch || x.ndim() == nd + 1;
        // The batch alone may be empty.
        if !ranked || x.shape()[batch as usize..].contains(&0) {
            let text = match nd {
                1 => format!(
                    "{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{:?}",
                    x.shape()
                ),
                2 if ranked => format!(
                    "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:{:?}",
                    x.shape()
                ),
                3 if ranked => format!(
                    "{name}(): Expected input's non-batch dimensions to have positive length, but input has a shape of {:?} and non-batch dimension {} has length zero!",
                    x.shape(),
                    (0..nd + 1).find(|&d| x.size(batch as usize + d) == 0).unwrap_or(0)
                ),
                _ => format!("non-empty {}D or {}D (batch mode) tensor expected for input", nd + 1, nd + 2),
            };
            fail!(Runtime, torch: ("{text}"), expected: ("{name}: expected (C, *) or (N, C, *)"), got: ("{:?}", x.shape()), fix: ("Add or merge dims."));
        }
        let at = x.ndim() - nd;
        Ok(Planes {
            count: x.shape()[..at].iter().product(),
            lead: x.shape()[..at].into(),
            size: x.shape()[at..].iter().copied().collect(),
        })
    }

    fn shape(&self, size: &[usize]) -> Shape {
        self.lead.iter().chain(size).copied().collect()
    }
}

/// One number per spatial dim; a single one counts for all, and none for what `default` says.
fn spread(name: &str, which: &str, list: &[i64], nd: usize, default: Option<&[usize]>) -> Result<Dims> {
    if list.is_empty()
        && let Some(d) = default
    {
        return Ok(d.iter().copied().collect());
    }
    if list.len() != 1 && list.len() != nd {
        let (numbers, omitted) = (
            ["one int", "two ints", "three ints"][nd - 1],
            if which == "stride" { "be omitted, a single int" } else { "be a single int" },
        );
        fail!(Runtime, torch: ("{name}: {which} must either {omitted}, or a tuple of {numbers}"), expected: ("{name}: expected 1 or {nd} numbers as {which}"), got: ("{list:?}"), fix: ("Give one per spatial dim."));
    }
    if let Some(big) = list.iter().find(|&&n| n > i32::MAX as i64) {
        fail!(Runtime, torch: ("value cannot be converted to type int without overflow"), expected: ("{name}: expected {which} below 2^31"), got: ("{big}"), fix: ("Check the arguments."));
    }
    let low = if which == "padding" { 0 } else { 1 };
    if let Some(bad) = list.iter().find(|&&n| n < low) {
        let text = match which {
            "kernel_size" | "stride" | "dilation" if name == "max_pool1d" => {
                format!("max_pool1d() {which} must be greater than zero, but got {bad}")
            }
            "padding" => format!("pad must be non-negative, but got pad: {bad}"),
            "stride" => "stride should not be zero".to_owned(),
            "dilation" => format!("dilation should be greater than zero, but got dilation: {bad}"),
            _ => format!("kernel size should be greater than zero, but got kernel size: {bad}"),
        };
        fail!(Runtime, torch: ("{text}"), expected: ("{name}: expected {which} of at least {low}"), got: ("{bad}"), fix: ("Check the sign."));
    }
    Ok((0..nd).map(|d| list[if list.len() == 1 { 0 } else { d }] as usize).collect())
}

/// Kernel, stride, padding and dilation, checked.
fn arguments(name: &str, nd: usize, args: [&[i64]; 4]) -> Result<[Dims; 4]> {
    let kernel = spread(name, "kernel_size", args[0], nd, None)?;
    let stride = spread(name, "stride", args[1], nd, Some(&kernel))?;
    let padding = spread(name, "padding", args[2], nd, None)?;
    let dilation = spread(name, "dilation", args[3], nd, None)?;
    for d in 0..nd {
        let effective = (kernel[d] - 1) * dilation[d] + 1;
        if padding[d] > effective / 2 {
            fail!(Runtime, torch: ("pad should be at most half of effective kernel size, but got pad={}, kernel_size={} and dilation={}", padding[d], kernel[d], dilation[d]), expected: ("{name}: expected padding of at most {}", effective / 2), got: ("{}", padding[d]), fix: ("Pad the input first."));
        }
    }
    Ok([kernel, stride, padding, dilation])
}

/// The input's planes and the pool's geometry.
fn geometry(name: &str, x: &Tensor, nd: usize, args: [&[i64]; 4], ceil: bool) -> Result<(Planes, Pool)> {
    let [kernel, stride, padding, dilation] = arguments(name, nd, args)?;
    let planes = Planes::new(name, x, nd)?;
    let pool = Pool::new(&planes.size, &kernel, &stride, &padding, &dilation, ceil);
    if nd == 1 && pool.output[2] == 0 {
        let reach = planes.size[0] as i64 + 2 * padding[0] as i64 - dilation[0] as i64 * (kernel[0] as i64 - 1) - 1;
        fail!(Runtime, torch: ("{name}() Invalid computed output size: {}", reach.div_euclid(stride[0] as i64) + 1), expected: ("{name}: expected windows that fit the input"), got: ("{:?}", planes.size), fix: ("Use a smaller kernel or more padding."));
    }
    if pool.output[3 - nd..].contains(&0) {
        let show = |c: usize, size: &[usize]| {
            std::iter::once(c).chain(size.iter().copied()).map(|n| n.to_string()).collect::<Vec<_>>().join("x")
        };
        let c = planes.lead.last().copied().unwrap_or(1);
        fail!(Runtime, torch: ("Given input size: ({}). Calculated output size: ({}). Output size is too small", show(c, &planes.size), show(c, &pool.output[3 - nd..])), expected: ("{name}: expected windows that fit the input"), got: ("{:?}", planes.size), fix: ("Use a smaller kernel or more padding."));
    }
    Ok((planes, pool))
}

const MAX_NAMES: [&str; 3] = ["max_pool1d", "max_pool2d", "max_pool3d"];

/// The largest value of every window, and its flat index in the plane.
fn max_pool_with_indices(nd: usize, x: &Tensor, args: [&[i64]; 4], ceil: bool) -> Result<(Tensor, Tensor)> {
    let name = MAX_NAMES[nd - 1];
    let (planes, p) = geometry(name, x, nd, args, ceil)?;
    let c = compute(name, x.dtype())?;
    let shape = planes.shape(&p.output[3 - nd..]);
    let (y, index) = (dispatch::empty(&shape, c, x.device())?, dispatch::empty(&shape, DType::I64, x.device())?);
    kernels::max(&operand(x, c)?, &y, Some(&index), planes.count, &p);
    let index = finish(index, DType::I64, &[x])?;
    let y = selected(
        finish(y, x.dtype(), &[x])?,
        x,
        &index,
        nd,
        Some(p),
        ["MaxPool1DWithIndicesBackward0", "MaxPool2DWithIndicesBackward0", "MaxPool3DWithIndicesBackward0"][nd - 1],
    )?;
    Ok((y, index))
}

/// Records outputs that are elements of their input's planes, at `index`.
/// Windows are those of the pool, or without one adaptive.
fn selected(
    y: Tensor,
    x: &Tensor,
    index: &Tensor,
    nd: usize,
    pool: Option<Pool>,
    name: &'static str,
) -> Result<Tensor> {
    let from = Shape::from_slice(x.shape());
    record(y, name, &[x], |s| {
        let index = s.input(index);
        move |c, g| grads![c.constant(put(g, &c.get(index)?, &from, nd, pool)?)]
    })
}

/// Adds elements to planes of zeros at their indices.
fn put(g: &Tensor, index: &Tensor, shape: &[usize], nd: usize, pool: Option<Pool>) -> Result<Tensor> {
    let c = compute("max_pool_backward", g.dtype())?;
    let dx = dispatch::empty(shape, c, g.device())?;
    let at = shape.len() - nd;
    let sizes = (shape[at..].iter().product(), g.shape()[g.ndim() - nd..].iter().product());
    let windows = pool.as_ref().map_or(Windows::Adaptive((three(shape, nd), three(g.shape(), nd))), Windows::Fixed);
    let index = &operand(index, DType::I64)?;
    kernels::max_backward(&operand(g, c)?, index, &dx, shape[..at].iter().product(), sizes, windows);
    record(cast(dx, g.dtype())?, "MaxPoolBackwardBackward0", &[g], |s| {
        let index = s.input(index);
        move |c, h| grads![pick(h, &c.get(index)?, nd)?]
    })
}

/// The elements of planes at flat indices.
fn pick(x: &Tensor, index: &Tensor, nd: usize) -> Result<Tensor> {
    let flat = |t: &Tensor| view::flatten(t, -(nd as i64), -1);
    gather(&flat(x)?, -1, &flat(index)?)?.reshape_to(index.shape())
}

fn max_pool(nd: usize, x: &Tensor, args: [&[i64]; 4], ceil: bool) -> Result<Tensor> {
    if crate::autograd::needs_grad(&[x]) {
        return Ok(max_pool_with_indices(nd, x, args, ceil)?.0);
    }
    let name = MAX_NAMES[nd - 1];
    let (planes, p) = geometry(name, x, nd, args, ceil)?;
    let c = compute(name, x.dtype())?;
    let y = dispatch::empty(&planes.shape(&p.output[3 - nd..]), c, x.device())?;
    kernels::max(&operand(x, c)?, &y, None, planes.count, &p);
    finish(y, x.dtype(), &[x])
}

/// The average of every window.
fn avg_pool(
    nd: usize,
    x: &Tensor,
    args: [&[i64]; 3],
    ceil: bool,
    include_pad: bool,
    divisor: Option<i64>,
) -> Result<Tensor> {
    let name = ["avg_pool1d", "avg_pool2d", "avg_pool3d"][nd - 1];
    if divisor == Some(0) {
        fail!(Runtime, torch: ("divisor must be not zero"), expected: ("{name}: expected a divisor other than 0"), got: ("0"), fix: ("Leave it out."));
    }
    let (planes, p) = geometry(name, x, nd, [args[0], args[1], args[2], &[1]], ceil)?;
    let divisor =
        divisor.map_or(if include_pad { Divisor::WithPadding } else { Divisor::Inside }, |d| Divisor::Fixed(d as f64));
    compute(name, x.dtype())?;
    average(
        x,
        Map {
            kind: Kind::Windows(p, divisor),
            count: planes.count,
            input: planes.shape(&planes.size),
            output: planes.shape(&p.output[3 - nd..]),
            nd,
        },
        false,
    )
}

/// A linear map between planes.
#[derive(Clone)]
struct Map {
    kind: Kind,
    count: usize,
    input: Shape,
    output: Shape,
    nd: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Windows(Pool, Divisor),
    Adaptive,
}

/// Applies an average, or its adjoint.
fn average(x: &Tensor, m: Map, adjoint: bool) -> Result<Tensor> {
    let c = compute("avg_pool", x.dtype())?;
    let y = dispatch::empty(if adjoint { &m.input } else { &m.output }, c, x.device())?;
    let data = operand(x, c)?;
    let extents = (three(&m.input, m.nd), three(&m.output, m.nd));
    match (m.kind, adjoint) {
        (Kind::Windows(p, divisor), false) => kernels::avg(&data, &y, m.count, &p, divisor),
        (Kind::Windows(p, divisor), true) => kernels::avg_backward(&data, &y, m.count, &p, divisor),
        (Kind::Adaptive, false) => kernels::adaptive_avg(&data, &y, m.count, extents),
        (Kind::Adaptive, true) => kernels::adaptive_avg_backward(&data, &y, m.count, extents),
    }
    let names = match m.kind {
        Kind::Windows(..) => ["AvgPool1DBackward0", "AvgPool2DBackward0", "AvgPool3DBackward0"],
        Kind::Adaptive => ["AdaptiveAvgPool1DBackward0", "AdaptiveAvgPool2DBackward0", "AdaptiveAvgPool3DBackward0"],
    };
    // Volumes alone lose their memory format, as in torch.
    let order: &[&Tensor] = if m.nd == 3 && matches!(m.kind, Kind::Windows(..)) { &[] } else { &[x] };
    record(finish(y, x.dtype(), order)?, names[m.nd - 1], &[x], |_| {
        move |c, g| grads![c.constant(average(g, m.clone(), !adjoint)?)]
    })
}

/// Spatial extents with missing leading ones as 1.
fn three(shape: &[usize], nd: usize) -> [usize; 3] {
    let mut out = [1; 3];
    out[3 - nd..].copy_from_slice(&shape[shape.len() - nd..]);
    out
}

/// `channels`: must there be some, too?
fn adaptive(name: &str, x: &Tensor, output: &[i64], nd: usize, channels: bool) -> Result<(Planes, Shape)> {
    if x.ndim() != nd + 1 && x.ndim() != nd + 2 {
        fail!(Runtime, torch: ("{name}(): Expected {}D or {}D tensor, but got {:?}", nd + 1, nd + 2, x.shape()), expected: ("{name}: expected (C, *) or (N, C, *)"), got: ("{:?}", x.shape()), fix: ("Add or merge dims."));
    }
    if output.len() != nd {
        let text = if channels && nd > 1 {
            format!("{name}(): internal error: output_size.size() must be {nd}")
        } else if nd == 1 {
            format!("{name}() argument 'output_size' should contain one int (got {})", output.len())
        } else {
            format!("{name}: output_size must be {nd}")
        };
        fail!(Runtime, torch: ("{text}"), expected: ("{name}: expected {nd} sizes"), got: ("{output:?}"), fix: ("Give one per spatial dim."));
    }
    if output.iter().any(|&n| n < 0) {
        let text = match (channels, output.iter().find(|&&n| n < 0)) {
            (true, Some(n)) => format!(
                "Trying to create tensor with negative dimension {n}: {:?}",
                x.shape()[..x.ndim() - nd].iter().map(|&n| n as i64).chain(output.iter().copied()).collect::<Vec<_>>()
            ),
            _ => {
                format!("{name}(): elements of output_size must be greater than or equal to 0 but received {output:?}")
            }
        };
        fail!(Runtime, torch: ("{text}"), expected: ("{name}: expected sizes of at least 0"), got: ("{output:?}"), fix: ("Use None to keep a size."));
    }
    let at = x.ndim() - nd;
    if let Some(d) = (1..x.ndim()).find(|&d| (channels || d >= at) && x.shape()[d] == 0) {
        fail!(Runtime, torch: ("{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {:?} with dimension {d} being empty", x.shape()), expected: ("{name}: expected elements"), got: ("{:?}", x.shape()), fix: ("Check the input."));
    }
    let planes = Planes {
        count: x.shape()[..at].iter().product(),
        lead: x.shape()[..at].into(),
        size: x.shape()[at..].iter().copied().collect(),
    };
    let size: Dims = output.iter().map(|&n| n as usize).collect();
    let shape = planes.shape(&size);
    Ok((planes, shape))
}

fn adaptive_avg_pool(nd: usize, x: &Tensor, output: &[i64]) -> Result<Tensor> {
    let name = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"][nd - 1];
    let (planes, shape) = adaptive(name, x, output, nd, false)?;
    if !x.dtype().is_float() {
        return super::helpers::not_implemented(name, x.dtype());
    }
    average(x, Map { kind: Kind::Adaptive, count: planes.count, input: x.shape().into(), output: shape, nd }, false)
}

fn adaptive_max_pool(nd: usize, x: &Tensor, output: &[i64]) -> Result<(Tensor, Tensor)> {
    let name = ["adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"][nd - 1];
    let (planes, shape) = adaptive(name, x, output, nd, true)?;
    if !x.dtype().is_float() {
        return super::helpers::not_implemented(name, x.dtype());
    }
    let c = compute(name, x.dtype())?;
    let (y, index) = (dispatch::empty(&shape, c, x.device())?, dispatch::empty(&shape, DType::I64, x.device())?);
    kernels::adaptive_max(&operand(x, c)?, &y, &index, planes.count, (three(x.shape(), nd), three(&shape, nd)));
    let names = ["AdaptiveMaxPool1DBackward0", "AdaptiveMaxPool2DBackward0", "AdaptiveMaxPool3DBackward0"];
    let index = finish(index, DType::I64, &[x])?;
    let y = selected(finish(y, x.dtype(), &[x])?, x, &index, nd, None, names[nd - 1])?;
    Ok((y, index))
}

/// Puts values back where a max pool took them from; 0 elsewhere.
fn max_unpool(nd: usize, x: &Tensor, index: &Tensor, output: &[i64]) -> Result<Tensor> {
    let name = ["", "max_unpooling2d_forward_out", "max_unpooling3d_forward_out"][nd - 1];
    if index.dtype() != DType::I64 {
        fail!(Runtime, torch: ("elements in indices should be type int64 but got: {}", index.dtype().scalar_name()), expected: ("{name}: expected int64 indices"), got: ("{}", index.dtype().name()), fix: ("Use those of max_pool with return_indices=True."));
    }
    if x.ndim() != nd + 1 && x.ndim() != nd + 2 {
        fail!(Runtime, torch: ("Input to max_unpooling{nd}d should be a {}d or {}d Tensor, but got a tensor with {} dimensions.", nd + 1, nd + 2, x.ndim()), expected: ("max_unpool: expected (C, *) or (N, C, *)"), got: ("{:?}", x.shape()), fix: ("Add dims."));
    }
    if x.shape() != index.shape() {
        fail!(Runtime, torch: ("Expected shape of indices to be same as that of the input tensor ({:?}) but got indices tensor with shape: {:?}", x.shape(), index.shape()), expected: ("max_unpool: expected an index per element"), got: ("{:?}", index.shape()), fix: ("Check the indices."));
    }
    if output.len() != nd {
        fail!(Runtime, torch: ("There should be exactly {nd} elements in output_size, but got {} elements.", output.len()), expected: ("max_unpool: expected {nd} sizes"), got: ("{output:?}"), fix: ("Give one per spatial dim."));
    }
    let at = x.ndim() - nd;
    let shape: Shape = x.shape()[..at].iter().copied().chain(output.iter().map(|&n| n.max(0) as usize)).collect();
    dispatch::check_size(&shape, x.dtype())?;
    let volume: usize = shape[at..].iter().product();
    if let Some(bad) = dispatch::index::out_of_bounds(index, volume, false) {
        let size = output.iter().map(i64::to_string).collect::<Vec<_>>().join("x");
        fail!(Runtime, torch: ("Found an invalid max index: {bad} (output volumes are of size {size}"), expected: ("max_unpool: expected indices below {volume}"), got: ("{bad}"), fix: ("Check output_size."));
    }
    let flat_index = view::flatten(index, -(nd as i64), -1)?;
    let flat = view::flatten(x, -(nd as i64), -1)?;
    let mut wide = Shape::from_slice(&shape[..at]);
    wide.push(volume);
    let zeros = dispatch::zeros(&wide, x.dtype(), x.device())?;
    Places { dim: at, whole: false }.set(&zeros, &flat_index, &flat, &Dest::InPlace)?.reshape_to(&shape)
}

fn max_unpool3d(x: &Tensor, index: &Tensor, output: &[i64], stride: &[i64], _padding: &[i64]) -> Result<Tensor> {
    if stride.len() != 3 || stride.iter().any(|&s| s <= 0) {
        fail!(Runtime, torch: ("strides should be greater than zero, but got stride: {stride:?}"), expected: ("max_unpool3d: expected 3 positive strides"), got: ("{stride:?}"), fix: ("Check the stride."));
    }
    max_unpool(3, x, index, output)
}

/// Where the windows of a fractional pool start along one dim, for each sample in [0, 1): an int64 tensor (planes, out).
fn fractional_starts(samples: &Tensor, size: usize, out: usize, kernel: usize) -> Result<Tensor> {
    let step = if out > 1 { (size - kernel) as f64 / (out - 1) as f64 } else { 0.0 };
    let number = super::pointwise::number;
    // torch rounds on the way in the samples' dtype, and so do we: the starts depend on it.
    let u = super::copy::to_dtype(samples, if samples.dtype() == DType::F64 { DType::F64 } else { DType::F32 })?;
    let at = super::create::arange(
        Scalar::Int(0),
        Scalar::Int(out as i64),
        Scalar::Int(1),
        Some(u.dtype()),
        Some(u.device()),
    )?;
    // Toward 0, as C casts: samples below 0 give windows, too, and at a step of at least 1 all of them lie inside.
    let first = u.mul(&number(step)?)?.trunc()?;
    let starts = u.add(&at)?.mul(&number(step)?)?.trunc()?.sub(&first)?;
    // The last window ends with the input.
    let last = at.eq(&number((out - 1) as f64)?)?;
    super::copy::to_dtype(&super::choose::where_(&last, &number((size - kernel) as f64)?, &starts)?, DType::I64)
}

/// The largest values of windows at random places, and where they are.
fn fractional_max_pool(
    nd: usize,
    x: &Tensor,
    kernel: &[i64],
    output: &[i64],
    samples: &Tensor,
) -> Result<(Tensor, Tensor)> {
    let name = ["", "fractional_max_pool2d", "fractional_max_pool3d"][nd - 1];
    let planes = Planes::new(name, x, nd)?;
    let kernel = spread(name, "kernel_size", kernel, nd, None)?;
    let out = spread(name, "output_size", output, nd, None)?;
    let at = x.ndim() - nd;
    for d in 0..nd {
        if out[d] + kernel[d] > planes.size[d] + 1 {
            let which = ["time", "height", "width"][3 - nd + d];
            fail!(Runtime, torch: ("{name}(): pool {which} {} too large relative to input {which} {}", kernel[d], planes.size[d]), expected: ("{name}: expected output_size + kernel_size - 1 of at most {}", planes.size[d]), got: ("{}", out[d] + kernel[d] - 1), fix: ("Use a smaller kernel."));
        }
    }
    if samples.ndim() != 3 || samples.shape()[2] != nd || samples.shape()[0] * samples.shape()[1] < planes.count {
        fail!(Runtime, torch: ("Expect _random_samples to have 3 dimensions (N, C, {nd}) got {:?}", samples.shape()), expected: ("{name}: expected random samples (N, C, {nd})"), got: ("{:?}", samples.shape()), fix: ("Leave them out."));
    }
    let u = samples.reshape_to(&[samples.shape()[0] * samples.shape()[1], nd])?;
    let u = view::narrow(&u, 0, 0, planes.count as i64)?;
    let shape: Shape = x.shape()[..at].iter().chain(&out).copied().collect();
    // The samples of torch name the last dim first.
    let starts = |d: usize| {
        let sample = view::narrow(&u, 1, (nd - 1 - d) as i64, 1)?;
        fractional_starts(&sample, planes.size[d], out[d], kernel[d])
    };
    if !x.is_gpu() && x.device() == u.device() && x.dtype().is_float() {
        let c = compute(name, x.dtype())?;
        let samples = operand(&u, if u.dtype() == DType::F64 { DType::F64 } else { DType::F32 })?;
        let (y, index) = (dispatch::empty(&shape, c, x.device())?, dispatch::empty(&shape, DType::I64, x.device())?);
        let p = Fractional { input: three(&planes.size, nd), output: three(&out, nd), kernel: three(&kernel, nd) };
        kernels::fractional_max(&operand(x, c)?, &samples, &y, &index, planes.count, &p);
        let names = ["FractionalMaxPool2DBackward0", "FractionalMaxPool3DBackward0"];
        return Ok((selected(cast(y, x.dtype())?, x, &index, nd, None, names[nd - 2])?, index));
    }
    // Flat indices of all taps of all windows: (planes, *out, *kernel).
    let mut index: Option<Tensor> = None;
    for d in 0..nd {
        let starts = starts(d)?;
        let taps = super::create::arange(
            Scalar::Int(0),
            Scalar::Int(kernel[d] as i64),
            Scalar::Int(1),
            None,
            Some(x.device()),
        )?;
        let mut shape: Shape = smallvec::smallvec![1; 1 + 2 * nd];
        (shape[0], shape[1 + d]) = (planes.count, out[d]);
        let mut tap_shape: Shape = smallvec::smallvec![1; 1 + 2 * nd];
        tap_shape[1 + nd + d] = kernel[d];
        let step: usize = planes.size[d + 1..].iter().product();
        let place = starts
            .reshape_to(&shape)?
            .add(&taps.reshape_to(&tap_shape)?)?
            .mul(&super::pointwise::number(step as i64)?)?;
        index = Some(index.map_or(Ok(place.clone()), |i| i.add(&place))?);
    }
    let Some(index) = index else { crate::internal!("a pool has no dims.") };
    let (windows, taps): (usize, usize) = (out.iter().product(), kernel.iter().product());
    let index = index.reshape_to(&[planes.count, windows * taps])?;
    let flat = x.reshape_to(&[planes.count, planes.size.iter().product()])?;
    let values = gather(&flat, 1, &index)?.reshape_to(&[planes.count, windows, taps])?;
    let (best, which) = super::extreme::max_dim(&values, 2, false)?;
    let index = gather(&index.reshape_to(&[planes.count, windows, taps])?, 2, &view::unsqueeze(&which, 2)?)?;
    Ok((best.reshape_to(&shape)?, index.reshape_to(&shape)?))
}

macro_rules! pools {
    ($($nd:literal $max:literal [$($m:ident)*] $both:literal [$($b:ident)*] $aavg:literal [$($v:ident)*] $amax:literal [$($x:ident)*];)*) => {
        ops! {
            /// Puts values back where max_pool2d took them from.
            "max_unpool2d(Tensor self, Tensor indices, int[2] output_size) -> Tensor" [n o] => max_unpool2d(0, 1, 2);
            /// Puts values back where max_pool3d took them from.
            "max_unpool3d(Tensor self, Tensor indices, int[3] output_size, int[3] stride, int[3] padding) -> Tensor" [n o] => max_unpool3d(0, 1, 2, 3, 4);
            /// Largest values of windows at random places.
            "fractional_max_pool2d(Tensor self, int[2] kernel_size, int[2] output_size, Tensor random_samples) -> (Tensor, Tensor)" [n o] => fractional_max_pool2d(0, 1, 2, 3);
            /// Largest values of windows at random places.
            "fractional_max_pool3d(Tensor self, int[3] kernel_size, int[3] output_size, Tensor random_samples) -> (Tensor, Tensor)" [n o] => fractional_max_pool3d(0, 1, 2, 3);
            @
            /// The average of every window; the last one may end behind the padded input with ceil_mode.
            "avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, bool ceil_mode=False, bool count_include_pad=True) -> Tensor" [f] => |a| avg_pool(1, a.get(0)?, [a.get(1)?, a.get(2)?, a.get(3)?], a.get(4)?, a.get(5)?, None);
            $(
                /// The largest value of every window.
                $max [$($m)*] => |a| max_pool($nd, a.get(0)?, [a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?], a.get(5)?);
                /// The largest value of every window, and its flat index in the plane.
                $both [$($b)*] => |a| max_pool_with_indices($nd, a.get(0)?, [a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?], a.get(5)?);
                /// The average over windows that give outputs of a size.
                $aavg [$($v)*] => |a| adaptive_avg_pool($nd, a.get(0)?, a.get(1)?);
                /// The largest value of windows that give outputs of a size, and its flat index.
                $amax [$($x)*] => |a| adaptive_max_pool($nd, a.get(0)?, a.get(1)?);
            )*
            /// The average of every window.
            "avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor" [n o] => |a| avg_pool(2, a.get(0)?, [a.get(1)?, a.get(2)?, a.get(3)?], a.get(4)?, a.get(5)?, a.get(6)?);
            /// The average of every window.
            "avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor" [n o] => |a| avg_pool(3, a.get(0)?, [a.get(1)?, a.get(2)?, a.get(3)?], a.get(4)?, a.get(5)?, a.get(6)?);
        }
    };
}

fn max_unpool2d(x: &Tensor, index: &Tensor, output: &[i64]) -> Result<Tensor> {
    max_unpool(2, x, index, output)
}

fn fractional_max_pool2d(x: &Tensor, kernel: &[i64], output: &[i64], samples: &Tensor) -> Result<(Tensor, Tensor)> {
    fractional_max_pool(2, x, kernel, output, samples)
}

fn fractional_max_pool3d(x: &Tensor, kernel: &[i64], output: &[i64], samples: &Tensor) -> Result<(Tensor, Tensor)> {
    fractional_max_pool(3, x, kernel, output, samples)
}

pools! {
    1 "max_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, int[1] dilation=1, bool ceil_mode=False) -> Tensor" [f]
      "max_pool1d_with_indices(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, int[1] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)" [f]
      "adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor" [f]
      "adaptive_max_pool1d(Tensor self, int[1] output_size) -> (Tensor, Tensor)" [f];
    2 "max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor" [f]
      "max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)" [n o]
      "adaptive_avg_pool2d(Tensor self, int[2] output_size) -> Tensor" [n o]
      "adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)" [n o];
    3 "max_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, int[3] dilation=1, bool ceil_mode=False) -> Tensor" [f]
      "max_pool3d_with_indices(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, int[3] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)" [n o]
      "adaptive_avg_pool3d(Tensor self, int[3] output_size) -> Tensor" [n o]
      "adaptive_max_pool3d(Tensor self, int[3] output_size) -> (Tensor, Tensor)" [n o];
}
