//! Convolutions: the parameters of `shaders/conv.wgsl` and `shaders/conv_weight.wgsl`.

use super::super::reduce::Reduce;
use super::{Launch, done};
use crate::cpu::conv::Conv;
use crate::error::Result;
use crate::tensor::{DType, Tensor};

const TILE: usize = 64;
/// With at most so many rows a group, tiles would be mostly empty.
const FEW_ROWS: usize = 4;
/// Groups that one call takes in tiles.
const MOST_GROUPS: usize = 4096;
/// Strides that leave more phases than this are looked up tap by tap.
const MOST_PHASES: usize = 16;
/// Tiles that keep a GPU busy, and the length from which on sums are worth cutting for that.
const BUSY: usize = 256;
const LONG: usize = 512;

/// One axis: tap j of output a reads source `(from + a from_step + j tap_step) / divisor`, and the output goes to
/// `to + a to_step`.
#[derive(Clone, Copy)]
struct Axis {
    src: usize,
    count: usize,
    dst: usize,
    taps: usize,
    /// The first tap, and taps from one to the next.
    tap: (usize, usize),
    from: isize,
    from_step: isize,
    tap_step: isize,
    to: usize,
    to_step: usize,
    divisor: usize,
}

impl Axis {
    fn forward(v: &Conv, d: usize) -> Axis {
        Axis {
            src: v.input[d],
            count: v.output[d],
            dst: v.output[d],
            taps: v.kernel[d],
            tap: (0, 1),
            from: -(v.padding[d] as isize),
            from_step: v.stride[d] as isize,
            tap_step: v.dilation[d] as isize,
            to: 0,
            to_step: 1,
            divisor: 1,
        }
    }

    /// All inputs, from the outputs that are whole multiples of the stride away.
    fn backward(v: &Conv, d: usize) -> Axis {
        Axis {
            src: v.output[d],
            count: v.input[d],
            dst: v.input[d],
            from: v.padding[d] as isize,
            from_step: 1,
            tap_step: -(v.dilation[d] as isize),
            divisor: v.stride[d],
            ..Axis::forward(v, d)
        }
    }

    /// The inputs `stride * a + r`, and of the taps only those that meet them: the first is at most a stride in.
    fn phase(v: &Conv, d: usize, r: usize) -> Axis {
        let (s, dilation) = (v.stride[d], v.dilation[d]);
        let at = |t: usize| (r + v.padding[d]) as isize - (t * dilation) as isize;
        let whole = |&t: &usize| at(t).rem_euclid(s as isize) == 0;
        let mut met = (0..v.kernel[d]).filter(whole);
        let (first, second) = (met.next(), met.next());
        // They repeat with one period.
        let t = first.unwrap_or(0);
        let step = second.map_or(v.kernel[d], |b| b - t);
        let taps = first.map_or(0, |t| (v.kernel[d] - t).div_ceil(step));
        Axis {
            count: (v.input[d] - r).div_ceil(s),
            taps,
            tap: (t, step),
            from: at(t).div_euclid(s as isize),
            tap_step: -((step * dilation / s) as isize),
            to: r,
            to_step: s,
            divisor: 1,
            ..Axis::backward(v, d)
        }
    }
}

/// The operands, rows and channels of a group, and elements of the weight from row to row and from channel to channel.
struct Job<'a> {
    x: &'a Tensor,
    w: &'a Tensor,
    bias: Option<&'a Tensor>,
    y: &'a Tensor,
    rows: usize,
    channels: usize,
    w_row: usize,
    w_channel: usize,
}

impl Job<'_> {
    fn run(&self, v: &Conv, axes: &[Axis; 3], divided: bool) -> Result<()> {
        let columns = v.n * axes.iter().map(|a| a.count).product::<usize>();
        let direct = divided || self.rows <= FEW_ROWS || v.groups > MOST_GROUPS;
        let steps = [v.kernel[1] * v.kernel[2], v.kernel[2], 1];
        let first: usize = (0..3).map(|d| axes[d].tap.0 * steps[d]).sum();
        let tiles = columns.div_ceil(TILE);
        let mut call = Launch::new("conv")
            .when("DIRECT", direct)
            .when("DIVIDED", divided)
            .when("BIAS", self.bias.is_some())
            .read(self.x)
            .read(self.w)
            .read_some(self.bias)
            .write(self.y)
            .words([v.groups, self.rows, self.channels, columns, tiles])
            .words([first, self.rows * self.channels * steps[0] * v.kernel[0], self.w_row, self.w_channel]);
        for (a, step) in axes.iter().zip(steps) {
            call = call
                .words([a.src, a.count, a.dst, a.taps, a.tap.1 * step])
                .ints([a.from, a.from_step, a.tap_step])
                .words([a.to, a.to_step, a.divisor]);
        }
        if direct {
            call.over(v.groups * self.rows * columns)
        } else {
            call.groups_of(tiles * self.rows.div_ceil(TILE), v.groups)
        }
    }
}

/// `y = conv(x, w) + bias`.
pub fn forward(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, y: &Tensor, v: &Conv) {
    let (rows, channels) = (v.c_out / v.groups, v.c_in / v.groups);
    let taps = v.kernel.iter().product::<usize>();
    let job = Job { x, w, bias, y, rows, channels, w_row: channels * taps, w_channel: taps };
    done(job.run(v, &std::array::from_fn(|d| Axis::forward(v, d)), false));
}

/// The gradient of the input from that of the output, or the transposed convolution: a convolution for each phase of
/// the strides.
pub fn input_gradient(g: &Tensor, w: &Tensor, bias: Option<&Tensor>, dx: &Tensor, v: &Conv) {
    let (rows, channels) = (v.c_in / v.groups, v.c_out / v.groups);
    let taps = v.kernel.iter().product::<usize>();
    let job = Job { x: g, w, bias, y: dx, rows, channels, w_row: taps, w_channel: rows * taps };
    let phases: [usize; 3] = std::array::from_fn(|d| v.stride[d].min(v.input[d]));
    let count = phases.iter().fold(1, |n: usize, &p| n.saturating_mul(p));
    if count > MOST_PHASES {
        return done(job.run(v, &std::array::from_fn(|d| Axis::backward(v, d)), true));
    }
    for i in 0..count {
        let r = [i / (phases[1] * phases[2]), i / phases[2] % phases[1], i % phases[2]];
        done(job.run(v, &std::array::from_fn(|d| Axis::phase(v, d, r[d])), false));
    }
}

/// The gradient of the weight.
pub fn weight_gradient(x: &Tensor, g: &Tensor, dw: &Tensor, v: &Conv) {
    done(run_weight(x, g, dw, v));
}

fn run_weight(x: &Tensor, g: &Tensor, dw: &Tensor, v: &Conv) -> Result<()> {
    let (rows, channels) = (v.c_out / v.groups, v.c_in / v.groups);
    let columns = channels * v.kernel.iter().product::<usize>();
    let length = v.n * v.output.iter().product::<usize>();
    let direct = rows <= FEW_ROWS || v.groups > MOST_GROUPS;
    let tiles = rows.div_ceil(TILE) * columns.div_ceil(TILE);
    // How often a sum is cut depends on the shape alone, so that its bits do.
    let parts = if direct { 1 } else { (BUSY / (tiles * v.groups)).clamp(1, length.div_ceil(LONG)).min(16) };
    let partial =
        if parts > 1 { Some(super::super::empty(&[parts, dw.numel()], DType::F32, dw.device())?) } else { None };
    let call = Launch::new("conv_weight")
        .when("DIRECT", direct)
        .read(x)
        .read(g)
        .write(partial.as_ref().unwrap_or(dw))
        .words([v.groups, rows, channels, length, parts, length.div_ceil(parts), columns.div_ceil(TILE)])
        .words([v.input, v.output, v.kernel, v.stride, v.padding, v.dilation].into_iter().flatten());
    if direct {
        call.groups(dw.numel())?;
    } else {
        call.groups_of(tiles, v.groups * parts)?;
    }
    if let Some(partial) = partial {
        super::reduce(Reduce::Sum, &partial, dw, &[1, dw.numel()], 0.0);
    }
    Ok(())
}
