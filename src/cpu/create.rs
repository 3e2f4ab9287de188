//! Sequences.

use crate::tensor::{Scalar, Strided};
use crate::{tensor::DType, with_dtype};

/// Writes `start + i * step` into a contiguous 1-D output. Integers are exact; floats are computed in double and
/// rounded once, so that an element does not depend on its neighbours.
pub fn arange(out: &Strided, start: Scalar, step: Scalar) {
    let n = out.numel();
    macro_rules! floats {
        ($t:ty, $from:expr) => {{
            let (a, s) = (start.f64(), step.f64());
            for i in 0..n {
                // SAFETY: the output holds `n` elements of this type.
                unsafe { out.ptr.cast::<$t>().add(i).write($from(a + i as f64 * s)) };
            }
        }};
    }
    match out.dtype {
        DType::F16 => floats!(half::f16, half::f16::from_f64),
        DType::BF16 => floats!(half::bf16, half::bf16::from_f64),
        DType::F32 => floats!(f32, |v| v as f32),
        DType::F64 => floats!(f64, |v| v),
        DType::C64 => floats!(num_complex::Complex<f32>, |v| num_complex::Complex::new(v as f32, 0.0)),
        DType::C128 => floats!(num_complex::Complex<f64>, |v| num_complex::Complex::new(v, 0.0)),
        DType::Bool => floats!(u8, |v| (v != 0.0) as u8),
        other => {
            let (a, s) = (start.i64(), step.i64());
            with_dtype!(other, [U8: u8, I8: i8, I16: i16, I32: i32, I64: i64, U16: u16, U32: u32, U64: u64], T => {
                for i in 0..n {
                    // SAFETY: as above.
                    unsafe { out.ptr.cast::<T>().add(i).write(a.wrapping_add((i as i64).wrapping_mul(s)) as T) };
                }
            }, else ());
        }
    }
}
