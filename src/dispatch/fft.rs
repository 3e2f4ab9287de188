//! Fourier transforms along dims of a tensor: one pass over the data for each.

use super::any_meta;
use crate::cpu::fft;
use crate::tensor::Tensor;

/// Complex to complex along `dims`, the first pass along the last of them; the result is multiplied by `scale`.
pub fn complex(x: &Tensor, out: &Tensor, dims: &[usize], forward: bool, scale: f64) {
    if nothing(x, out) {
        return;
    }
    let mut x = x;
    for (i, &d) in dims.iter().enumerate().rev() {
        fft::complex(&x.strided(), &out.strided(), d, forward, if i == 0 { scale } else { 1.0 });
        x = out;
    }
}

/// Real to complex along `dims`: of the last one all coefficients, or the first half if `out` has room for no more. Along
/// that one `x` is multiplied by a window, contiguous and of its dtype.
pub fn from_real(x: &Tensor, out: &Tensor, dims: &[usize], window: Option<&Tensor>, scale: f64) {
    let Some((&last, rest)) = dims.split_last() else { return };
    if nothing(x, out) {
        return;
    }
    debug_assert!(window.is_none_or(|w| w.is_contiguous() && w.dtype() == x.dtype() && w.numel() == x.size(last)));
    let window = window.map(Tensor::strided);
    fft::from_real(&x.strided(), &out.strided(), last, window.as_ref(), if rest.is_empty() { scale } else { 1.0 });
    complex(out, out, rest, true, scale);
}

/// The first half of coefficients along a dim to real numbers.
pub fn to_real(x: &Tensor, out: &Tensor, dim: usize, scale: f64) {
    if !nothing(x, out) {
        fft::to_real(&x.strided(), &out.strided(), dim, scale);
    }
}

fn nothing(x: &Tensor, out: &Tensor) -> bool {
    any_meta(&[x, out]) || out.numel() == 0
}
