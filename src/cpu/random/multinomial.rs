//! Sampling of indices by weight, with replacement. (Without it, dispatch divides by exponentials and takes the top.)

use crate::error::Result;
use crate::tensor::{DType, Generator, Strided};
use crate::{fail, with_dtype};
use half::{bf16, f16};

/// A sum's type: that of the weights, f32 for 16-bit ones.
trait Sum: Copy {
    const ZERO: Self;
    const ONE: Self;
    fn add(self, y: Self) -> Self;
    fn div(self, y: Self) -> Self;
    fn to_f64(self) -> f64;
}
macro_rules! sums {
    ($($t:ty),+) => { $(impl Sum for $t {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        fn add(self, y: Self) -> Self { self + y }
        fn div(self, y: Self) -> Self { self / y }
        fn to_f64(self) -> f64 { self as f64 }
    })+ };
}
sums!(f32, f64);

fn bad(got: &str) -> Result<()> {
    fail!(Runtime,
        torch: ("invalid multinomial distribution ({got})"),
        expected: ("multinomial: expected finite weights of at least 0, not all 0, in every row"),
        got: ("{got}"),
        fix: ("Weights need not sum to 1; logits need exp or softmax first."));
}

/// `n_sample` indices for each row of weights, drawn with replacement, by binary search of a uniform in the row's
/// cumulative sum, from where a guide table says.
///
/// `p` is floating, `(categories)` or `(rows, categories)`, with one category at least; `out` is int64, `(n_sample)`
/// or `(rows, n_sample)`.
pub fn multinomial_with_replacement(p: &Strided<'_>, out: &Strided<'_>, generator: &Generator) -> Result<()> {
    debug_assert!(out.dtype == DType::I64 && p.ndim() == out.ndim(), "multinomial: output");
    with_dtype!(p.dtype, [F32: f32, F64: f64], T => sample(p, out, generator, |p: *const T| {
        // SAFETY: `sample` passes elements of `p`.
        unsafe { *p }
    }), else with_dtype!(p.dtype, [F16: f16, BF16: bf16], T => sample(p, out, generator, |p: *const T| {
        // SAFETY: as above.
        unsafe { (*p).to_f32() }
    }), else { debug_assert!(false, "multinomial of {}", p.dtype.name()); Ok(()) }))
}

fn sample<T, S: Sum>(p: &Strided<'_>, out: &Strided<'_>, g: &Generator, load: impl Fn(*const T) -> S) -> Result<()> {
    let e = &mut g.lock().engine;
    let rows = |s: &Strided<'_>| if s.ndim() > 1 { (s.shape[0], s.strides[0]) } else { (1, 0) };
    let last = |s: &Strided<'_>| (s.shape[s.ndim() - 1], s.strides[s.ndim() - 1]);
    let ((n, p_row), (categories, p_step)) = (rows(p), last(p));
    let ((_, out_row), (samples, out_step)) = (rows(out), last(out));
    let mut cumulative = crate::error::room(categories);
    let bins = if samples < categories / FEW { 1 } else { (categories / PER_BIN).next_power_of_two() };
    let mut starts = crate::error::room(bins + 1);
    for i in 0..n as isize {
        cumulative.clear();
        let mut sum = S::ZERO;
        for j in 0..categories as isize {
            let x = load(p.ptr.cast::<T>().wrapping_offset(i * p_row + j * p_step));
            let value = x.to_f64();
            if value < 0.0 || value.is_nan() {
                return bad("encountering probability entry < 0");
            }
            if value.is_infinite() {
                return bad("encountering probability entry = infinity or NaN");
            }
            sum = sum.add(x);
            cumulative.push(sum);
        }
        if sum.to_f64() <= 0.0 {
            return bad("sum of probabilities <= 0");
        }
        for c in &mut cumulative {
            *c = c.div(sum);
        }
        // The search must end inside even if rounding left the last sum below 1.
        if let Some(c) = cumulative.last_mut() {
            *c = S::ONE;
        }
        guide(&cumulative, bins, &mut starts);
        for j in 0..samples as isize {
            let u = e.next_f64();
            let bin = (u * bins as f64) as usize;
            let (from, to) = (starts[bin], starts[bin + 1]);
            let index = from + cumulative[from..to].partition_point(|c| c.to_f64() < u);
            // SAFETY: row `i` and sample `j` are within `out`, whose elements are int64.
            unsafe { out.ptr.cast::<i64>().offset(i * out_row + j * out_step).write(index as i64) };
        }
    }
    Ok(())
}

/// Categories per bin of a guide table, about.
const PER_BIN: usize = 8;
/// Categories per sample from which on samples do not pay for a table; theirs has one bin.
const FEW: usize = 64;

/// Writes a guide table (Chen and Asau 1974) of `bins` bins, a power of two: entry `k` is where the search for `k / bins`
/// ends, so that of a number within bin `k` ends between the entries `k` and `k + 1`. A search from one end to the other
/// would wait for memory at most of its steps.
fn guide<S: Sum>(cumulative: &[S], bins: usize, starts: &mut Vec<usize>) {
    starts.clear();
    for (i, c) in cumulative.iter().enumerate() {
        // A sum that overflows makes NaNs, at which every search ends.
        let bin = (c.to_f64() * bins as f64).min(bins as f64) as usize;
        while starts.len() <= bin {
            starts.push(i);
        }
    }
}
