//! Cross products.
//!
//! Contract of the `unsafe` code: dispatch has checked that the operands have one shape and dtype, with extent 3 along
//! the dim, and that the output is no input.

use super::dims::{Dim, Dims, coalesce, lines, sort};
use super::index::Ptr;
use crate::tensor::{Bool8, Strided};
use crate::{multiversion, with_dtype};

/// Vectors that one task takes at least.
const GRAIN: usize = 1 << 13;

trait Ring: Copy {
    /// `a * b - c * d`, rounded after each step.
    fn minor(a: Self, b: Self, c: Self, d: Self) -> Self;
}
macro_rules! ints { ($($t:ty)+) => { $(impl Ring for $t {
    #[inline(always)]
    fn minor(a: Self, b: Self, c: Self, d: Self) -> Self { a.wrapping_mul(b).wrapping_sub(c.wrapping_mul(d)) }
})+ }; }
macro_rules! floats { ($($t:ty)+) => { $(impl Ring for $t {
    #[inline(always)]
    fn minor(a: Self, b: Self, c: Self, d: Self) -> Self { a * b - c * d }
})+ }; }
ints!(u8 i8 i16 i32 i64 u16 u32 u64);
floats!(f32 f64 half::f16 half::bf16 num_complex::Complex<f32> num_complex::Complex<f64>);
impl Ring for Bool8 {
    // Operations refuse bools.
    fn minor(a: Self, _: Self, _: Self, _: Self) -> Self {
        a
    }
}

/// `out = x cross y` along `dim`.
pub fn cross(x: &Strided, y: &Strided, dim: usize, out: &Strided) {
    let size = out.dtype.size() as isize;
    let strides = |d: usize| [x.strides[d] * size, y.strides[d] * size, out.strides[d] * size];
    let mut dims: Dims<3> =
        (0..out.ndim()).filter(|&d| d != dim).map(|d| Dim { n: out.shape[d], s: strides(d) }).collect();
    sort(&mut dims, 2);
    coalesce(&mut dims);
    let (px, py, po, across) = (Ptr(x.ptr), Ptr(y.ptr), Ptr(out.ptr), strides(dim));
    with_dtype!(out.dtype, T => lines(&dims, GRAIN, &|off, n, s| {
        // SAFETY: the module's contract.
        unsafe { line::<T>(px.get().offset(off[0]), py.get().offset(off[1]), po.get().offset(off[2]), n, s, across) }
    }));
}

multiversion! {
    /// `n` vectors `s` bytes apart, whose elements are `t` bytes apart.
    unsafe fn line[T: Ring](x: *const u8, y: *const u8, out: *mut u8, n: usize, s: [isize; 3], t: [isize; 3]) {
        for i in 0..n as isize {
            let read = |p: *const u8, k: usize| -> [T; 3] {
                std::array::from_fn(|j| *p.offset(i * s[k] + j as isize * t[k]).cast::<T>())
            };
            let (a, b) = (read(x, 0), read(y, 1));
            for j in 0..3 {
                let (k, l) = ((j + 1) % 3, (j + 2) % 3);
                *out.offset(i * s[2] + j as isize * t[2]).cast::<T>() = T::minor(a[k], b[l], a[l], b[k]);
            }
        }
    }
}
