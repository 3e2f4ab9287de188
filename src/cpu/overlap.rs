//! Sums into windows whose elements coincide (the gradient of overlapping views). Serial, in logical order.

use crate::tensor::{Bool8, Strided};
use crate::with_dtype;

trait Sum: Copy {
    fn plus(self, other: Self) -> Self;
}
macro_rules! ints { ($($t:ty)+) => { $(impl Sum for $t { fn plus(self, o: Self) -> Self { self.wrapping_add(o) } })+ }; }
macro_rules! floats { ($($t:ty)+) => { $(impl Sum for $t { fn plus(self, o: Self) -> Self { self + o } })+ }; }
ints!(u8 i8 i16 i32 i64 u16 u32 u64);
floats!(f32 f64 half::f16 half::bf16 num_complex::Complex<f32> num_complex::Complex<f64>);
impl Sum for Bool8 {
    fn plus(self, o: Self) -> Self {
        (self.get() || o.get()).into()
    }
}

/// `dst += src`, element by element; both have the same shape and dtype.
pub fn add(src: &Strided, dst: &Strided) {
    with_dtype!(src.dtype, T => {
        let mut index = vec![0usize; src.ndim()];
        for _ in 0..src.numel() {
            let at = |strides: &[isize]| index.iter().zip(strides).map(|(&i, &s)| i as isize * s).sum::<isize>();
            // SAFETY: `index` stays within the shape, and `Strided` promises that all such elements exist.
            unsafe {
                let d = dst.ptr.cast::<T>().offset(at(dst.strides));
                *d = (*d).plus(*src.ptr.cast::<T>().offset(at(src.strides)));
            }
            for (i, &n) in index.iter_mut().zip(src.shape).rev() {
                *i += 1;
                if *i < n {
                    break;
                }
                *i = 0;
            }
        }
    });
}
