//! Pooling over one to three spatial dims: windows of fixed size, and adaptive ones.
//!
//! Missing leading dims are 1, so that 1-d and 2-d pools are 3-d ones. A plane is one channel of one sample;
//! planes are independent and contiguous.
//!
//! # Contract of the unsafe code in this folder
//! Inputs and outputs address `planes` planes of `input` or `output` elements; an output is no input.

#![allow(clippy::needless_range_loop, reason = "one index runs through several streams")]
#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

mod adaptive;
mod avg;
mod fractional;
mod max;
#[cfg(test)]
mod tests;

pub use adaptive::{
    adaptive_avg_pool_backward, adaptive_avg_pool_forward, adaptive_max_pool_backward, adaptive_max_pool_forward,
};
pub use avg::{Divisor, avg_pool_backward, avg_pool_forward};
pub use fractional::{Fractional, fractional_max_pool, fractional_starts};
pub use max::{max_pool_backward, max_pool_forward};

/// Outputs of a row that are worked on together.
const STRIP: usize = 128;
/// Rows of fewer outputs are taken window by window: a step of a strip costs more than the few taps that it takes.
const NARROW: usize = 8;

/// The geometry of a pool: depth, height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Extents of an input plane.
    pub input: [usize; 3],
    /// Extents of an output plane.
    pub output: [usize; 3],
    /// Extents of a window, in taps.
    pub kernel: [usize; 3],
    /// Distances between windows.
    pub stride: [usize; 3],
    /// Elements before the first and after the last that windows may reach.
    pub padding: [usize; 3],
    /// Distances between taps.
    pub dilation: [usize; 3],
}

impl Pool {
    /// The geometry for one to three spatial dims; all slices have one length. Kernel, stride and dilation are
    /// positive and the padding is at most half a window: dispatch has checked it.
    pub fn new(
        input: &[usize],
        kernel: &[usize],
        stride: &[usize],
        padding: &[usize],
        dilation: &[usize],
        ceil_mode: bool,
    ) -> Pool {
        let (input, kernel, stride) = (pad3(input, 1), pad3(kernel, 1), pad3(stride, 1));
        let (padding, dilation) = (pad3(padding, 0), pad3(dilation, 1));
        let output = std::array::from_fn(|d| {
            pooled_size(input[d], kernel[d], stride[d], padding[d], dilation[d], ceil_mode).unwrap_or(0)
        });
        Pool { input, output, kernel, stride, padding, dilation }
    }

    fn in_plane(&self) -> usize {
        self.input.iter().product()
    }

    fn out_plane(&self) -> usize {
        self.output.iter().product()
    }

    /// What a plane costs, in elements read.
    fn work(&self) -> usize {
        // A kernel may be far larger than the input, whose elements are then all that is read.
        let taps = (0..3).map(|d| self.kernel[d].min(self.input[d])).product::<usize>();
        self.out_plane() * taps.max(1)
    }

    /// The input coordinates along dim `d` that window `o` covers; the dilation is 1.
    #[inline(always)]
    fn covered(&self, d: usize, o: usize) -> std::ops::Range<usize> {
        let start = self.start(d, o);
        let end = (start + self.kernel[d] as isize).clamp(0, self.input[d] as isize);
        (start.max(0) as usize).min(end as usize)..end as usize
    }

    /// The first input coordinate of window `o`, possibly in the padding.
    #[inline(always)]
    fn start(&self, d: usize, o: usize) -> isize {
        (o * self.stride[d]) as isize - self.padding[d] as isize
    }

    /// The taps along dim `d` that lie in the input for some of the windows `from..to`.
    #[inline(always)]
    fn taps(&self, d: usize, from: usize, to: usize) -> std::ops::Range<usize> {
        let step = self.dilation[d];
        let skipped = (-self.start(d, to - 1)).max(0) as usize;
        let reach = (self.input[d] as isize - self.start(d, from)).max(0) as usize;
        steps(skipped, step)..steps(reach, step).min(self.kernel[d])
    }

    /// The outputs `from..to` along the width whose tap `k` lies in the input.
    #[inline(always)]
    fn valid(&self, k: usize, from: usize, to: usize) -> (usize, usize) {
        let (shift, s) = ((k * self.dilation[2]) as isize - self.padding[2] as isize, self.stride[2]);
        let lo = if shift >= 0 { 0 } else { steps(-shift as usize, s) };
        let room = self.input[2] as isize - shift;
        let hi = if room <= 0 { 0 } else { steps(room as usize, s) };
        let lo = lo.clamp(from, to);
        (lo, hi.clamp(lo, to))
    }

    /// The first input coordinate of tap `k` of window `o`, if it lies in the input.
    #[inline(always)]
    fn tap(&self, d: usize, o: usize, k: usize) -> Option<usize> {
        let i = self.start(d, o) + (k * self.dilation[d]) as isize;
        (i >= 0 && (i as usize) < self.input[d]).then_some(i as usize)
    }
}

/// `n / step` rounded up, without a division for the usual steps: rows are short and ask for it at every tap.
#[inline(always)]
fn steps(n: usize, step: usize) -> usize {
    match step {
        1 => n,
        2 => n.div_ceil(2),
        _ => n.div_ceil(step),
    }
}

/// The length of a pooled dim, as torch has it; None if the window does not fit.
///
/// With `ceil_mode` a last partial window counts, unless it would start in the padding behind the input.
pub fn pooled_size(
    n: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    ceil_mode: bool,
) -> Option<usize> {
    let span = dilation.checked_mul(kernel.checked_sub(1)?)?.checked_add(1)?;
    let room = n.checked_add(2 * padding)?.checked_sub(span);
    // A window larger than the padded input still counts when rounding up reaches it.
    let out = match room {
        Some(room) => (room + if ceil_mode { stride - 1 } else { 0 }) / stride + 1,
        None if ceil_mode && n + 2 * padding + stride > span => 1,
        None => return None,
    };
    if ceil_mode && (out - 1) * stride >= n + padding {
        return Some(out - 1);
    }
    Some(out)
}

/// Up to three extents, with `fill` before them.
pub(super) fn pad3(x: &[usize], fill: usize) -> [usize; 3] {
    let mut out = [fill; 3];
    let from = 3usize.saturating_sub(x.len());
    out[from..].iter_mut().zip(x).for_each(|(o, &x)| *o = x);
    out
}

/// Calls `$f::<S>($args)` with the stride as a constant where that lets the loop be vectorised, else with 0.
macro_rules! with_stride {
    ($s:expr, $f:ident :: <$($t:ty),*> ($($a:expr),* $(,)?)) => {
        match $s {
            1 => $f::<$($t,)* 1>($($a),*),
            2 => $f::<$($t,)* 2>($($a),*),
            _ => $f::<$($t,)* 0>($($a),*),
        }
    };
}
use with_stride;
