//! Sorting, selection and searching. NaN is larger than every number and equal to itself; -0 equals 0.
//!
//! Elements become unsigned keys whose order is that of the elements, packed above their index: one integer
//! comparison then gives a stable order, and long rows are sorted by radix.
//!
//! Contract of the `unsafe` code in this folder: dispatch has checked that every operand addresses allocated memory
//! for its whole shape, that outputs do not overlap inputs, and that shapes and dtypes agree as each function states.

mod count;
mod long;
mod mode;
mod radix;
mod rows;
mod search;
mod select;
#[cfg(test)]
mod tests;
mod unique;

pub use count::{bincount, histc};
pub use mode::mode;
pub use rows::{Rows, unique_rows};
pub use search::searchsorted;
pub use select::{Rank, select, topk};
pub use unique::{Unique, unique, unique_consecutive};

use super::dims::{Dim, Dims, Walk, coalesce, count as iterations};
use super::index::Ptr;
use super::load::{bf16_to_f32, f16_to_f32};
use super::parallel;
use crate::multiversion;
use crate::tensor::dtype::Bool8;
use crate::tensor::{DType, Element, Strided};
use half::{bf16, f16};

/// Elements with an order-preserving unsigned key.
pub(super) trait Key: Element {
    /// u32 or u64.
    type U: Copy + Ord + Send + Sync + Default;
    /// The key.
    fn key(self) -> Self::U;
    /// The key in reverse order.
    #[inline(always)]
    fn ordered(self, descending: bool) -> Self::U {
        if descending { Self::flip(self.key()) } else { self.key() }
    }
    /// Reverses the order of keys.
    fn flip(k: Self::U) -> Self::U;
    /// The distance of a key from the smallest one without its lowest `shift` bits; it fits 32 bits then.
    fn cut(k: Self::U, lo: Self::U, shift: u32) -> u32;
    /// Bits of the distance between two keys.
    fn distance(lo: Self::U, hi: Self::U) -> u32;
    /// The key as u64.
    fn widen(k: Self::U) -> u64;
    /// Does this element have an order at all?
    #[inline(always)]
    fn nan(self) -> bool {
        false
    }
}

macro_rules! keys {
    ($($t:ty: $u:ty, $bits:expr, |$x:ident| $key:expr;)+) => { $(impl Key for $t {
        type U = $u;
        #[inline(always)]
        fn cut(k: $u, lo: $u, shift: u32) -> u32 { ((k - lo) >> shift) as u32 }
        #[inline(always)]
        fn distance(lo: $u, hi: $u) -> u32 { <$u>::BITS - (hi - lo).leading_zeros() }
        #[inline(always)]
        fn widen(k: $u) -> u64 { k as u64 }
        #[inline(always)]
        fn key(self) -> $u { let $x = self; $key }
        #[inline(always)]
        fn flip(k: $u) -> $u { k ^ (<$u>::MAX >> (<$u>::BITS - $bits)) }
    })+ };
}
keys! {
    Bool8: u32, 8, |x| x.get() as u32;
    u8: u32, 8, |x| x as u32;
    i8: u32, 8, |x| (x as u8 ^ 0x80) as u32;
    u16: u32, 16, |x| x as u32;
    i16: u32, 16, |x| (x as u16 ^ 0x8000) as u32;
    u32: u32, 32, |x| x;
    i32: u32, 32, |x| x as u32 ^ 0x8000_0000;
    u64: u64, 64, |x| x;
    i64: u64, 64, |x| x as u64 ^ (1 << 63);
}

macro_rules! float_keys {
    ($($t:ty: $u:ty, $bits:expr, |$x:ident| $float:expr, $raw:ty, $signed:ty;)+) => { $(impl Key for $t {
        type U = $u;
        #[inline(always)]
        fn cut(k: $u, lo: $u, shift: u32) -> u32 { ((k - lo) >> shift) as u32 }
        #[inline(always)]
        fn distance(lo: $u, hi: $u) -> u32 { <$u>::BITS - (hi - lo).leading_zeros() }
        #[inline(always)]
        fn widen(k: $u) -> u64 { k as u64 }
        #[inline(always)]
        fn key(self) -> $u {
            let $x = self;
            let float = $float;
            let bits = if float == 0.0 { 0 } else { $x.to_bits() };
            // Negative numbers: all bits flipped; others: the sign bit.
            let k = bits ^ (((bits as $signed >> ($bits - 1)) as $raw) | (1 << ($bits - 1)));
            (if float.is_nan() { <$raw>::MAX } else { k }) as $u
        }
        #[inline(always)]
        fn flip(k: $u) -> $u { k ^ (<$raw>::MAX as $u) }
        #[inline(always)]
        fn nan(self) -> bool { let $x = self; ($float).is_nan() }
    })+ };
}
float_keys! {
    f16: u32, 16, |x| f16_to_f32(x), u16, i16;
    bf16: u32, 16, |x| bf16_to_f32(x), u16, i16;
    f32: u32, 32, |x| x, u32, i32;
    f64: u64, 64, |x| x, u64, i64;
}

/// A key above an index, ordered as one integer.
pub(super) trait Item<U>: Copy + Ord + Send + Sync + Default + 'static {
    fn new(key: U, index: usize) -> Self;
    fn key(self) -> U;
    fn index(self) -> usize;
    /// `bits` of the key from bit `shift` on.
    fn digit(self, shift: u32, bits: u32) -> usize;
}
impl Item<u32> for u64 {
    #[inline(always)]
    fn new(key: u32, index: usize) -> Self {
        (key as u64) << 32 | index as u64
    }
    #[inline(always)]
    fn key(self) -> u32 {
        (self >> 32) as u32
    }
    #[inline(always)]
    fn index(self) -> usize {
        self as u32 as usize
    }
    #[inline(always)]
    fn digit(self, shift: u32, bits: u32) -> usize {
        (self >> (32 + shift)) as usize & ((1 << bits) - 1)
    }
}
macro_rules! wide_items {
    ($($u:ty),+) => { $(impl Item<$u> for u128 {
        #[inline(always)]
        fn new(key: $u, index: usize) -> Self {
            (key as u128) << 64 | index as u128
        }
        #[inline(always)]
        fn key(self) -> $u {
            (self >> 64) as $u
        }
        #[inline(always)]
        fn index(self) -> usize {
            self as u64 as usize
        }
        #[inline(always)]
        fn digit(self, shift: u32, bits: u32) -> usize {
            ((self >> 64) as u64 >> shift) as usize & ((1 << bits) - 1)
        }
    })+ };
}
wide_items!(u32, u64);

/// Runs a block with the element type of an ordered dtype and the item type for rows of `n`.
macro_rules! keyed {
    ($d:expr, $n:expr, $t:ident, $i:ident => $body:expr) => {{
        macro_rules! narrow {
            ($ty:ty) => {{
                type $t = $ty;
                if $n <= u32::MAX as usize {
                    type $i = u64;
                    $body
                } else {
                    type $i = u128;
                    $body
                }
            }};
        }
        macro_rules! wide {
            ($ty:ty) => {{
                type $t = $ty;
                type $i = u128;
                $body
            }};
        }
        match $d {
            DType::Bool => narrow!($crate::tensor::Bool8),
            DType::U8 => narrow!(u8),
            DType::I8 => narrow!(i8),
            DType::I16 => narrow!(i16),
            DType::U16 => narrow!(u16),
            DType::I32 => narrow!(i32),
            DType::U32 => narrow!(u32),
            DType::F16 => narrow!(half::f16),
            DType::BF16 => narrow!(half::bf16),
            DType::F32 => narrow!(f32),
            DType::I64 => wide!(i64),
            DType::U64 => wide!(u64),
            DType::F64 => wide!(f64),
            // Complex numbers have no order; dispatch refuses them.
            DType::C64 | DType::C128 => {}
        }
    }};
}
pub(super) use keyed;

/// The loops over all dims but `dim` (operands x, values, indices) and the loop over `dim`.
pub(super) fn nest(
    x: &Strided,
    values: Option<&Strided>,
    indices: Option<&Strided>,
    dim: Option<usize>,
) -> (Dims<3>, Dim<3>) {
    let size = x.dtype.size() as isize;
    let at = |d: usize| Dim {
        n: x.shape[d],
        s: [
            // A dim of one element may have any stride: it is never taken.
            x.strides[d].wrapping_mul(size),
            values.map_or(0, |v| v.strides[d] * v.dtype.size() as isize),
            indices.map_or(0, |v| v.strides[d] * v.dtype.size() as isize),
        ],
    };
    let mut kept: Dims<3> = (0..x.ndim()).filter(|&d| Some(d) != dim).map(at).collect();
    coalesce(&mut kept);
    let d = match dim {
        Some(d) if d < x.ndim() => at(d),
        _ => Dim { n: 1, s: [size, 0, 0] },
    };
    (kept, d)
}

multiversion! {
    /// Packs a row into items.
    unsafe fn pack[T: Key, I: Item<T::U>](x: *const u8, stride: isize, first: usize, n: usize, descending: bool, out: *mut I) {
        if stride == size_of::<T>() as isize {
            let x = x.cast::<T>();
            for i in 0..n {
                *out.add(i) = I::new((*x.add(i)).ordered(descending), first + i);
            }
        } else {
            for i in 0..n {
                *out.add(i) = I::new((*x.offset(i as isize * stride).cast::<T>()).ordered(descending), first + i);
            }
        }
    }
}

/// Stable sort of `x` along `dim` into values and int64 indices of its shape (either may be left out).
/// NaN comes last in ascending and first in descending order.
pub fn sort(x: &Strided, dim: usize, descending: bool, values: Option<&Strided>, indices: Option<&Strided>) {
    let (kept, d) = nest(x, values, indices, Some(dim));
    keyed!(x.dtype, d.n, T, I => rows::<T, I>(x, &kept, d, descending, values, indices))
}

/// Rows shorter than this are sorted by comparisons; for longer ones radix passes cost less (benches/reduce.rs, sort).
const RADIX_MIN: usize = 1024;
/// Elements of a row that several threads sort together, at least.
const SHARED_MIN: usize = 1 << 16;

fn rows<T: Key, I: Item<T::U>>(
    x: &Strided,
    kept: &Dims<3>,
    d: Dim<3>,
    descending: bool,
    values: Option<&Strided>,
    indices: Option<&Strided>,
) {
    let (rows, n) = (iterations(kept), d.n);
    if rows == 0 || n == 0 {
        return;
    }
    fn write<T: Copy>(
        x: &Strided,
        d: Dim<3>,
        [values, indices]: [Option<&Strided>; 2],
        off: &[isize; 3],
        first: usize,
        order: impl Iterator<Item = usize> + Clone,
    ) {
        // SAFETY: the module's contract.
        unsafe {
            if let Some(v) = values {
                let (from, to) = (x.ptr.offset(off[0]), v.ptr.offset(off[1] + first as isize * d.s[1]));
                for (i, at) in order.clone().enumerate() {
                    *to.offset(i as isize * d.s[1]).cast::<T>() = *from.offset(at as isize * d.s[0]).cast::<T>();
                }
            }
            if let Some(v) = indices {
                let to = v.ptr.offset(off[2] + first as isize * d.s[2]);
                for (i, at) in order.enumerate() {
                    *to.offset(i as isize * d.s[2]).cast::<i64>() = at as i64;
                }
            }
        }
    }
    let outs = [values, indices];
    // Indices within longer rows need 64 bits.
    let radix = n >= RADIX_MIN && n <= u32::MAX as usize;
    if radix && rows < 4 && n >= SHARED_MIN {
        let mut long = long::Long::new(n);
        let mut w = Walk::new(kept, 0);
        for _ in 0..rows {
            // SAFETY: the module's contract.
            let sorted = unsafe { long.order::<T>(x.ptr.wrapping_offset(w.off[0]), d.s[0], descending, true) };
            parallel::chunks(n, radix::CHUNK, &|r| {
                let first = r.start;
                write::<T>(x, d, outs, &w.off, first, sorted[r].iter().map(|&i| i as u32 as usize))
            });
            w.next();
        }
        return;
    }
    if radix {
        return parallel::chunks(rows, 1, &|range| {
            let mut long = long::Long::new(n);
            let mut w = Walk::new(kept, range.start);
            for _ in range {
                // SAFETY: the module's contract.
                let sorted = unsafe { long.order::<T>(x.ptr.wrapping_offset(w.off[0]), d.s[0], descending, false) };
                write::<T>(x, d, outs, &w.off, 0, sorted.iter().map(|&i| i as u32 as usize));
                w.next();
            }
        });
    }
    parallel::chunks(rows, (1usize << 12).div_ceil(n), &|range| {
        let mut a = uninit::<I>(n);
        let mut w = Walk::new(kept, range.start);
        for _ in range {
            // SAFETY: the module's contract.
            unsafe { pack::<T, I>(x.ptr.wrapping_offset(w.off[0]), d.s[0], 0, n, descending, a.as_mut_ptr()) };
            a.sort_unstable();
            write::<T>(x, d, outs, &w.off, 0, a.iter().map(|i| i.index()));
            w.next();
        }
    });
}

/// A vector of `n` items whose contents are yet to be written.
#[allow(clippy::uninit_vec, reason = "items are plain integers, written before they are read")]
fn uninit<I: Copy>(n: usize) -> Vec<I> {
    let mut v = crate::error::room(n);
    // SAFETY: every user writes all `n` items before it reads any; `I` is u64 or u128.
    unsafe { v.set_len(n) };
    v
}
