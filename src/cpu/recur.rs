//! Linear recurrences along a dim: the gradient of running products, without a division that zeros would spoil.
//!
//! Contract of the `unsafe` code: dispatch has checked that every operand addresses allocated memory for its whole
//! shape and that the output overlaps no input.

use super::dims::{Dim, Dims, Walk, coalesce, count};
use super::index::Ptr;
use super::load::{Acc, Num};
use super::parallel;
use crate::tensor::dtype::{C64, C128};
use crate::tensor::{DType, Strided};
use half::{bf16, f16};

/// Elements that one task handles at least.
const GRAIN: usize = 1 << 12;

/// `out[k] = b[k] + a[k] * out[k - 1]` along `dim`, from `out[-1] = 0`. Floating operands of one shape and dtype;
/// running values are kept in f64 (f32 for halves).
pub fn recur(a: &Strided, b: &Strided, out: &Strided, dim: usize) {
    match out.dtype {
        DType::F16 => rows::<f16, f32>(a, b, out, dim),
        DType::BF16 => rows::<bf16, f32>(a, b, out, dim),
        DType::F32 => rows::<f32, f64>(a, b, out, dim),
        DType::F64 => rows::<f64, f64>(a, b, out, dim),
        DType::C64 => rows::<C64, C128>(a, b, out, dim),
        DType::C128 => rows::<C128, C128>(a, b, out, dim),
        _ => {}
    }
}

fn rows<T: Num, A>(a: &Strided, b: &Strided, out: &Strided, dim: usize)
where
    A: Acc + std::ops::Add<Output = A> + std::ops::Mul<Output = A>,
{
    let size = size_of::<T>() as isize;
    let at = |d: usize| Dim { n: out.shape[d], s: [a.strides[d] * size, b.strides[d] * size, out.strides[d] * size] };
    let line = if dim < out.ndim() { at(dim) } else { Dim { n: 1, s: [size; 3] } };
    let mut kept: Dims<3> = (0..out.ndim()).filter(|&d| d != dim).map(at).collect();
    coalesce(&mut kept);
    let (a, b, out) = (Ptr(a.ptr), Ptr(b.ptr), Ptr(out.ptr));
    parallel::chunks(count(&kept), GRAIN.div_ceil(line.n.max(1)), &|range| {
        let mut w = Walk::new(&kept, range.start);
        for _ in range {
            let mut y = A::of(0u8);
            for i in 0..line.n as isize {
                // SAFETY: the module's contract.
                unsafe {
                    let x = A::of(*a.get().offset(w.off[0] + i * line.s[0]).cast::<T>());
                    let z = A::of(*b.get().offset(w.off[1] + i * line.s[1]).cast::<T>());
                    y = z + x * y;
                    *out.get().offset(w.off[2] + i * line.s[2]).cast::<T>() = y.put::<T>();
                }
            }
            w.next();
        }
    });
}
