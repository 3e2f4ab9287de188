//! Sums into windows whose elements coincide (the gradient of overlapping views). Serial, in an order that depends on the
//! shape alone.

use super::dims::{Dim, Dims, Walk, coalesce, count};
use crate::tensor::{Bool8, Strided};
use crate::with_dtype;

trait Sum: Copy {
    fn plus(self, other: Self) -> Self;
}
macro_rules! ints { ($($t:ty)+) => { $(impl Sum for $t { #[inline(always)] fn plus(self, o: Self) -> Self { self.wrapping_add(o) } })+ }; }
macro_rules! floats { ($($t:ty)+) => { $(impl Sum for $t { #[inline(always)] fn plus(self, o: Self) -> Self { self + o } })+ }; }
ints!(u8 i8 i16 i32 i64 u16 u32 u64);
floats!(f32 f64 half::f16 half::bf16 num_complex::Complex<f32> num_complex::Complex<f64>);
impl Sum for Bool8 {
    #[inline(always)]
    fn plus(self, o: Self) -> Self {
        (self.get() || o.get()).into()
    }
}

/// Rows shorter than this leave their place to a longer dim beside them.
const SHORT: usize = 16;

/// `dst += src`, element by element; both have the same shape and dtype.
pub fn add(src: &Strided, dst: &Strided) {
    let mut dims: Dims<2> =
        (0..src.ndim()).map(|d| Dim { n: src.shape[d], s: [src.strides[d], dst.strides[d]] }).collect();
    coalesce(&mut dims);
    if let [.., outer, inner] = &mut dims[..]
        && inner.n < SHORT.min(outer.n)
    {
        std::mem::swap(outer, inner);
    }
    let (inner, outer) = dims.split_last().map_or((Dim { n: 1, s: [0; 2] }, &[][..]), |(i, o)| (*i, o));
    with_dtype!(src.dtype, T => {
        let mut w = Walk::new(outer, 0);
        for _ in 0..if inner.n == 0 { 0 } else { count(outer) } {
            // SAFETY: the walk stays within the shape, and `Strided` promises that all such elements exist.
            unsafe { add_row::<T>(src.ptr.cast::<T>().offset(w.off[0]), dst.ptr.cast::<T>().offset(w.off[1]), inner.n, inner.s) };
            w.next();
        }
    });
}

crate::multiversion! {
    /// One row, at strides in elements.
    unsafe fn add_row[T: Sum](src: *const T, dst: *mut T, n: usize, s: [isize; 2]) {
        if s == [1, 1] {
            for i in 0..n {
                *dst.add(i) = (*dst.add(i)).plus(*src.add(i));
            }
        } else {
            for i in 0..n as isize {
                let d = dst.offset(i * s[1]);
                *d = (*d).plus(*src.offset(i * s[0]));
            }
        }
    }
}
