//! The gradient of a row lookup.

use super::super::load::{self, Acc, Num};
use super::super::parallel;
use super::{GRAIN, Ptr};
use crate::multiversion;
use crate::tensor::{DType, Strided};
use crate::with_dtype;

multiversion! {
    unsafe fn add_row[T: Num, A: Sum](x: *const T, n: usize, acc: *mut A) {
        for i in 0..n {
            *acc.add(i) = (*acc.add(i)).plus(A::of(*x.add(i)));
        }
    }
}

/// Accumulators of rows.
trait Sum: Acc {
    const ZERO: Self;
    fn plus(self, o: Self) -> Self;
    fn over(self, n: f64) -> Self;
}
macro_rules! sums {
    ($($t:ty),+) => { $(impl Sum for $t {
        const ZERO: Self = 0.0;
        #[inline(always)] fn plus(self, o: Self) -> Self { self + o }
        #[inline(always)] fn over(self, n: f64) -> Self { self / n as $t }
    })+ };
}
sums!(f32, f64);

/// Adds the rows of `grad` (n, d) to the rows of `out` (v, d) that `index` (n) names; both dense and floating, `out`
/// holds zeros. Rows of index `padding` are left out; with `by_frequency` a sum is divided by its number of rows.
///
/// The rows of one index are added in order, in f32 for halves.
pub fn embedding_backward(grad: &Strided, index: &Strided, out: &Strided, padding: Option<i64>, by_frequency: bool) {
    let n = index.numel();
    let d = out.shape.last().copied().unwrap_or(1);
    if n == 0 || d == 0 {
        return;
    }
    // Positions sorted by index, stable: the rows of one index lie together and in order.
    let mut keys = vec![0i64; n];
    let mut order = vec![0i64; n];
    let (shape, strides) = ([n], [1isize]);
    let view =
        |v: &mut Vec<i64>| Strided { ptr: v.as_mut_ptr().cast(), dtype: DType::I64, shape: &shape, strides: &strides };
    let (sorted, places) = (view(&mut keys), view(&mut order));
    let flat = Strided { ptr: index.ptr, dtype: DType::I64, shape: &shape, strides: &strides };
    super::super::sort::sort(&flat, 0, false, Some(&sorted), Some(&places));
    let mut starts: Vec<usize> = (0..n).filter(|&i| i == 0 || keys[i] != keys[i - 1]).collect();
    let segments = starts.len();
    starts.push(n);
    with_dtype!(grad.dtype, [F16: half::f16, BF16: half::bf16, F32: f32], T => {
        sum_rows::<T, f32>(grad, out, &keys, &order, &starts, segments, d, padding, by_frequency)
    }, else if grad.dtype == DType::F64 {
        sum_rows::<f64, f64>(grad, out, &keys, &order, &starts, segments, d, padding, by_frequency)
    })
}

#[allow(clippy::too_many_arguments, reason = "an inner function of the one above")]
fn sum_rows<T: Num, A: Sum>(
    grad: &Strided,
    out: &Strided,
    keys: &[i64],
    order: &[i64],
    starts: &[usize],
    segments: usize,
    d: usize,
    padding: Option<i64>,
    by_frequency: bool,
) {
    let (g, o) = (Ptr(grad.ptr.cast::<T>()), Ptr(out.ptr.cast::<T>()));
    let stripe = d.min(1024);
    let stripes = d.div_ceil(stripe);
    parallel::chunks(segments * stripes, GRAIN.div_ceil(stripe * (keys.len() / segments).max(1)), &|range| {
        let mut acc = [A::ZERO; 1024];
        for t in range {
            let (s, from) = (t / stripes, t % stripes * stripe);
            let w = stripe.min(d - from);
            let rows = starts[s]..starts[s + 1];
            let key = keys[rows.start];
            if padding == Some(key) {
                continue;
            }
            acc[..w].fill(A::ZERO);
            for r in rows.clone() {
                // SAFETY: the module's contract; `order` holds positions of rows.
                unsafe { add_row::<T, A>(g.get().add(order[r] as usize * d + from), w, acc.as_mut_ptr()) };
            }
            if by_frequency {
                for a in &mut acc[..w] {
                    *a = a.over(rows.len() as f64);
                }
            }
            // SAFETY: as above; a row of `out` belongs to one segment.
            unsafe {
                let at = o.get().add(key as usize * d + from);
                load::store(acc.as_ptr(), w, at.cast(), size_of::<T>() as isize, T::DTYPE);
            }
        }
    });
}
