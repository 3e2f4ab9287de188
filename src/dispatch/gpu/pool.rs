//! Pools of contiguous float32 planes, see `super::super::pool`.

use super::super::pool::{Divisor, Extents, Pool};
use super::{Launch, done};
use crate::error::{no_gpu_kernel, stop};
use crate::tensor::Tensor;

/// How windows lie.
#[derive(Clone, Copy)]
pub enum Windows<'a> {
    /// Of one size.
    Fixed(&'a Pool),
    /// As outputs of a size need them.
    Adaptive(Extents),
}

impl Windows<'_> {
    fn is_adaptive(&self) -> bool {
        matches!(self, Windows::Adaptive(_))
    }

    fn words(&self) -> [usize; 18] {
        let all = match *self {
            Windows::Fixed(p) => [p.input, p.output, p.kernel, p.stride, p.padding, p.dilation],
            Windows::Adaptive((input, output)) => [input, output, [1; 3], [1; 3], [0; 3], [1; 3]],
        };
        // Places are computed in 32 bits with a sign.
        let reach = |d: usize| match self {
            Windows::Fixed(_) => {
                let taps = all[2][d].min((all[0][d] + 2 * all[4][d]) / all[5][d] + 1);
                (all[1][d] + 1).saturating_mul(all[3][d]).saturating_add(taps.saturating_mul(all[5][d]))
            }
            Windows::Adaptive(_) => (all[0][d] + 1).saturating_mul(all[1][d] + 1),
        };
        if (0..3).any(|d| reach(d) > i32::MAX as usize || all[4][d] > i32::MAX as usize / 4) {
            stop(no_gpu_kernel());
        }
        let mut words = [0; 18];
        words.copy_from_slice(all.as_flattened());
        for kernel in &mut words[6..9] {
            *kernel = (*kernel).min(i32::MAX as usize);
        }
        words
    }
}

/// The largest value of every window, and where it is.
pub fn max(x: &Tensor, y: &Tensor, index: Option<&Tensor>, w: Windows) {
    let call = Launch::new("pool").when("MAX", true).when("ADAPTIVE", w.is_adaptive()).when("INDICES", index.is_some());
    let call = call.read(x).write(y).write_some(index).word(y.numel()).words(w.words()).word(0).float(0.0);
    done(call.over(y.numel()));
}

/// The gradient of [`max`] from its indices.
pub fn max_backward(g: &Tensor, index: &Tensor, dx: &Tensor, w: Windows) {
    let call = Launch::new("pool").when("MAX", true).when("ADAPTIVE", w.is_adaptive()).when("BACKWARD", true);
    let call = call.read(g).read(index).write(dx).word(dx.numel()).words(w.words()).word(0).float(0.0);
    done(call.over(dx.numel()));
}

/// The average of every window, or the gradient of it.
pub fn avg(x: &Tensor, y: &Tensor, w: Windows, divisor: Divisor, backward: bool) {
    let (form, by) = match divisor {
        Divisor::WithPadding => (0, 1.0),
        Divisor::Inside => (1, 1.0),
        Divisor::Fixed(by) => (2, by),
    };
    let call = Launch::new("pool").when("ADAPTIVE", w.is_adaptive()).when("BACKWARD", backward);
    let call = call.read(x).write(y).word(y.numel()).words(w.words()).word(form).float(by);
    done(call.over(y.numel()));
}
