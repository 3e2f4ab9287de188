//! Binary search in sorted sequences.

use super::super::dims::{Dim, Dims, Walk, coalesce, count};
use super::super::parallel;
use crate::tensor::{DType, Strided};
use crate::with_dtype;

/// Lookups per task.
const GRAIN: usize = 1 << 11;

/// Where each of `values` would be inserted into `sorted` (before equal elements, behind them if `right`), as int64 or
/// int32. `sorted` is 1-d or has the leading dims of `values`; both have one dtype. `sorter` (int64) gives the order
/// of an unsorted sequence; its entries must lie within it.
pub fn searchsorted(sorted: &Strided, values: &Strided, out: &Strided, right: bool, sorter: Option<&Strided>) {
    macro_rules! go {
        ($t:ty, |$x:ident| $key:expr) => {
            lookup::<$t, _>(sorted, values, out, right, sorter, |$x| $key)
        };
    }
    with_dtype!(values.dtype, [U8: u8, I8: i8, I16: i16, I32: i32, I64: i64, U16: u16, U32: u32, U64: u64, F32: f32, F64: f64],
    T => go!(T, |x| x),
    else match values.dtype {
        DType::F16 => go!(half::f16, |x| x.to_f32()),
        DType::BF16 => go!(half::bf16, |x| x.to_f32()),
        DType::Bool => go!(crate::tensor::Bool8, |x| x.get()),
        _ => {}
    })
}

fn lookup<T: Copy, K: PartialOrd>(
    sorted: &Strided,
    values: &Strided,
    out: &Strided,
    right: bool,
    sorter: Option<&Strided>,
    key: impl Fn(T) -> K + Sync,
) {
    let size = size_of::<T>() as isize;
    let (vd, sd) = (values.ndim(), sorted.ndim());
    let n = sorted.shape.last().copied().unwrap_or(1);
    let step = sorted.strides.last().map_or(size, |s| s * size);
    let sorter_step = sorter.map_or(0, |s| s.strides.last().map_or(8, |s| s * 8));
    // Operands: values, out, sorted, sorter. Only leading dims move within the sequences.
    let mut dims: Dims<4> = (0..vd)
        .map(|d| {
            let own = sd > 1 && d + 1 < vd;
            Dim {
                n: values.shape[d],
                s: [
                    values.strides[d] * size,
                    out.strides[d] * out.dtype.size() as isize,
                    if own { sorted.strides[d] * size } else { 0 },
                    sorter.map_or(0, |s| if own { s.strides[d] * 8 } else { 0 }),
                ],
            }
        })
        .collect();
    coalesce(&mut dims);
    if sd <= 1 && sorter.is_none() && step == size && n > 0 && values.is_contiguous() && out.is_contiguous() {
        return dense::<T, K>(sorted.ptr.cast(), n, values, out, right, &key);
    }
    parallel::chunks(count(&dims), GRAIN, &|range| {
        let mut w = Walk::new(&dims, range.start);
        for _ in range {
            // SAFETY: the module's contract (see `sort`).
            unsafe {
                let v = key(*values.ptr.offset(w.off[0]).cast::<T>());
                let (base, order) = (sorted.ptr.wrapping_offset(w.off[2]), w.off[3]);
                let (mut low, mut len) = (0usize, n);
                while len > 0 {
                    let half = len / 2;
                    let mut at = low + half;
                    if let Some(s) = sorter {
                        at = *s.ptr.offset(order + at as isize * sorter_step).cast::<i64>() as usize;
                        // Its memory may have changed since it was checked.
                        at = at.min(n - 1);
                    }
                    let e = key(*base.offset(at as isize * step).cast::<T>());
                    #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN must not stop the search")]
                    // Written so that NaN in `v` goes to the end, as in torch.
                    let beyond = if right { !(e > v) } else { !(e >= v) };
                    low = if beyond { low + half + 1 } else { low };
                    len = if beyond { len - half - 1 } else { half };
                }
                let o = out.ptr.offset(w.off[1]);
                match out.dtype {
                    DType::I32 => *o.cast::<i32>() = low as i32,
                    _ => *o.cast::<i64>() = low as i64,
                }
            }
            w.next();
        }
    });
}

/// One dense sequence: several searches side by side, each step of which is a select instead of a branch.
fn dense<T: Copy, K: PartialOrd>(
    sorted: *mut T,
    n: usize,
    values: &Strided,
    out: &Strided,
    right: bool,
    key: &(impl Fn(T) -> K + Sync),
) {
    const SIDE: usize = 8;
    let sorted = super::Ptr(sorted);
    let total = values.numel();
    let wide = out.dtype != DType::I32;
    parallel::chunks(total, GRAIN, &|range| {
        let mut i = range.start;
        while i < range.end {
            let m = SIDE.min(range.end - i);
            // SAFETY: the module's contract; searches stay below n.
            unsafe {
                let v: [T; SIDE] = std::array::from_fn(|k| *values.ptr.cast::<T>().add(i + k.min(m - 1)));
                let beyond = |at: usize, v: T| {
                    let (e, v) = (key(*sorted.get().add(at)), key(v));
                    #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN must not stop the search")]
                    if right { !(e > v) } else { !(e >= v) }
                };
                let mut low = [0usize; SIDE];
                let mut len = n;
                while len > 1 {
                    let half = len / 2;
                    for k in 0..SIDE {
                        low[k] += if beyond(low[k] + half - 1, v[k]) { half } else { 0 };
                    }
                    len -= half;
                }
                for k in 0..m {
                    let at = low[k] + beyond(low[k], v[k]) as usize;
                    if wide {
                        *out.ptr.cast::<i64>().add(i + k) = at as i64;
                    } else {
                        *out.ptr.cast::<i32>().add(i + k) = at as i32;
                    }
                }
            }
            i += m;
        }
    });
}
