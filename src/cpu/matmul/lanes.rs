//! Lane types: a vector of sums and what the micro-kernel does with it. Here the trait, complex lanes made of
//! two real ones, and the portable arrays; `x86` has the rest.

use super::isa::{Baseline, Isa};
use super::num::Num;
use super::tile::{Tiles, tiles};
use half::{bf16, f16};
use num_complex::Complex;

/// The largest [`Lane::W`].
pub(super) const MAX_W: usize = 16;

/// A vector type with the shape of the micro-kernel built on it: `MR` rows of `NV` vectors of `W` elements.
pub(super) trait Lane: Copy + 'static {
    /// The instruction set.
    type I: Isa;
    /// The type of a sum.
    type T: Num;
    /// What is packed for one row (column) and one step of k.
    type P: Copy + Send + Sync + 'static;
    /// `W` sums.
    type V: Copy;
    /// `W` packed elements of B.
    type B: Copy;
    /// One packed element of A in all lanes.
    type S: Copy;
    /// Sums in a vector.
    const W: usize;
    /// Rows of a full tile.
    const MR: usize;
    /// Vectors in a row of a full tile: 1 or 2.
    const NV: usize;
    /// Values of k in one packed element.
    const STEP: usize;
    /// The micro-kernels, one per tile shape.
    const TILES: Tiles<Self>;

    /// Zeros.
    unsafe fn zero() -> Self::V;
    /// Reads `W` sums from memory.
    unsafe fn load(p: *const Self::T) -> Self::V;
    /// Writes `W` sums to memory.
    unsafe fn store(p: *mut Self::T, v: Self::V);
    /// One value in all lanes.
    unsafe fn splat(x: Self::T) -> Self::V;
    /// `x + y`.
    unsafe fn add(x: Self::V, y: Self::V) -> Self::V;
    /// `x * y`.
    unsafe fn mul(x: Self::V, y: Self::V) -> Self::V;
    /// `x * y + z`, fused where the instruction set can.
    unsafe fn mul_add(x: Self::V, y: Self::V, z: Self::V) -> Self::V;
    /// Reads `W` packed elements of B.
    unsafe fn load_b(p: *const Self::P) -> Self::B;
    /// Reads one packed element of A into all lanes.
    unsafe fn splat_a(p: *const Self::P) -> Self::S;
    /// The sums after one packed step.
    unsafe fn step(sum: Self::V, a: Self::S, b: Self::B) -> Self::V;

    /// Reads `n < W` sums, zeros after them.
    #[inline(always)]
    unsafe fn load_part(p: *const Self::T, n: usize) -> Self::V {
        let mut t = [Self::T::ZERO; MAX_W];
        for (i, t) in t.iter_mut().enumerate().take(n) {
            *t = *p.add(i);
        }
        Self::load(t.as_ptr())
    }

    /// Writes the first `n < W` sums.
    #[inline(always)]
    unsafe fn store_part(p: *mut Self::T, v: Self::V, n: usize) {
        let mut t = [Self::T::ZERO; MAX_W];
        Self::store(t.as_mut_ptr(), v);
        for (i, t) in t.iter().enumerate().take(n) {
            *p.add(i) = *t;
        }
    }

    /// The sum of all lanes, halves added to halves.
    #[inline(always)]
    unsafe fn sum(v: Self::V) -> Self::T {
        let mut t = [Self::T::ZERO; MAX_W];
        Self::store(t.as_mut_ptr(), v);
        let mut half = Self::W / 2;
        while half > 0 {
            for i in 0..half {
                t[i] = t[i].add(t[i + half]);
            }
            half /= 2;
        }
        t[0]
    }

    /// Writes the sums of four vectors, each with the bits of [`Lane::sum`].
    #[inline(always)]
    unsafe fn sum4(v: &[Self::V; 4], out: *mut Self::T) {
        for (i, &v) in v.iter().enumerate() {
            *out.add(i) = Self::sum(v);
        }
    }

    /// Reads `W` f16.
    #[inline(always)]
    unsafe fn load_f16(p: *const f16) -> Self::V
    where
        Self: Lane<T = f32>,
    {
        let mut t = [0f32; MAX_W];
        for (i, t) in t.iter_mut().enumerate().take(Self::W) {
            *t = (*p.add(i)).to_f32();
        }
        Self::load(t.as_ptr())
    }

    /// Writes `W` f16, rounded.
    #[inline(always)]
    unsafe fn store_f16(p: *mut f16, v: Self::V)
    where
        Self: Lane<T = f32>,
    {
        let mut t = [0f32; MAX_W];
        Self::store(t.as_mut_ptr(), v);
        for (i, t) in t.iter().enumerate().take(Self::W) {
            *p.add(i) = f16::from_f32(*t);
        }
    }

    /// Reads `W` bf16.
    #[inline(always)]
    unsafe fn load_bf16(p: *const bf16) -> Self::V
    where
        Self: Lane<T = f32>,
    {
        let mut t = [0f32; MAX_W];
        for (i, t) in t.iter_mut().enumerate().take(Self::W) {
            *t = f32::from_bits(((*p.add(i)).to_bits() as u32) << 16);
        }
        Self::load(t.as_ptr())
    }

    /// Writes `W` bf16, rounded.
    #[inline(always)]
    unsafe fn store_bf16(p: *mut bf16, v: Self::V)
    where
        Self: Lane<T = f32>,
    {
        let mut t = [0f32; MAX_W];
        Self::store(t.as_mut_ptr(), v);
        for (i, t) in t.iter().enumerate().take(Self::W) {
            *p.add(i) = bf16::from_f32(*t);
        }
    }
}

/// The parts of [`Lane`] that are the same for all real lanes: a packed element is a sum's value.
macro_rules! real_lane {
    ($w:literal, [$($mr:literal)+], $nv:tt) => {
        type P = Self::T;
        type B = Self::V;
        type S = Self::V;
        const W: usize = $w;
        const MR: usize = [$($mr),+].len();
        const NV: usize = $nv;
        const STEP: usize = 1;
        const TILES: crate::cpu::matmul::tile::Tiles<Self> = tiles!($nv, $($mr)+);
        #[inline(always)]
        unsafe fn load_b(p: *const Self::T) -> Self::V {
            Self::load(p)
        }
        #[inline(always)]
        unsafe fn splat_a(p: *const Self::T) -> Self::V {
            Self::splat(*p)
        }
        #[inline(always)]
        unsafe fn step(sum: Self::V, a: Self::V, b: Self::V) -> Self::V {
            Self::mul_add(a, b, sum)
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use real_lane;

/// Complex lanes of two real ones: real parts and imaginary parts.
///
/// In memory sums are interleaved, as everywhere; panels of B hold `W` real parts, then `W` imaginary ones.
macro_rules! complex_lane {
    ($name:ident, $real:ident, $w:literal, [$($mr:literal)+], $nv:tt) => {
        /// Complex sums.
        #[derive(Clone, Copy)]
        pub(in crate::cpu::matmul) struct $name;

        impl Lane for $name {
            type I = <$real as Lane>::I;
            type T = Complex<<$real as Lane>::T>;
            type P = Self::T;
            type V = (<$real as Lane>::V, <$real as Lane>::V);
            type B = Self::V;
            type S = Self::V;
            const W: usize = $w;
            const MR: usize = [$($mr),+].len();
            const NV: usize = $nv;
            const STEP: usize = 1;
            const TILES: crate::cpu::matmul::tile::Tiles<Self> = tiles!($nv, $($mr)+);
            #[inline(always)]
            unsafe fn zero() -> Self::V {
                ($real::zero(), $real::zero())
            }
            #[inline(always)]
            unsafe fn load(p: *const Self::T) -> Self::V {
                let (mut re, mut im) = ([Default::default(); $w], [Default::default(); $w]);
                for i in 0..$w {
                    (re[i], im[i]) = ((*p.add(i)).re, (*p.add(i)).im);
                }
                ($real::load(re.as_ptr()), $real::load(im.as_ptr()))
            }
            #[inline(always)]
            unsafe fn store(p: *mut Self::T, v: Self::V) {
                let (mut re, mut im) = ([Default::default(); $w], [Default::default(); $w]);
                $real::store(re.as_mut_ptr(), v.0);
                $real::store(im.as_mut_ptr(), v.1);
                for i in 0..$w {
                    *p.add(i) = Complex::new(re[i], im[i]);
                }
            }
            #[inline(always)]
            unsafe fn splat(x: Self::T) -> Self::V {
                ($real::splat(x.re), $real::splat(x.im))
            }
            #[inline(always)]
            unsafe fn add(x: Self::V, y: Self::V) -> Self::V {
                ($real::add(x.0, y.0), $real::add(x.1, y.1))
            }
            #[inline(always)]
            unsafe fn mul(x: Self::V, y: Self::V) -> Self::V {
                Self::mul_add(x, y, Self::zero())
            }
            #[inline(always)]
            unsafe fn mul_add(x: Self::V, y: Self::V, z: Self::V) -> Self::V {
                let re = $real::neg_mul_add(x.1, y.1, $real::mul_add(x.0, y.0, z.0));
                (re, $real::mul_add(x.1, y.0, $real::mul_add(x.0, y.1, z.1)))
            }
            #[inline(always)]
            unsafe fn load_b(p: *const Self::T) -> Self::V {
                let p = p as *const <$real as Lane>::T;
                ($real::load(p), $real::load(p.add($w)))
            }
            #[inline(always)]
            unsafe fn splat_a(p: *const Self::T) -> Self::V {
                Self::splat(*p)
            }
            #[inline(always)]
            unsafe fn step(sum: Self::V, a: Self::V, b: Self::V) -> Self::V {
                Self::mul_add(a, b, sum)
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use complex_lane;

/// Arrays that LLVM keeps in the baseline's vector registers.
macro_rules! array_lane {
    ($name:ident, $t:ty, $w:literal, |$x:ident, $y:ident, $z:ident| $mul_add:expr) => {
        /// Sums in an array.
        #[derive(Clone, Copy)]
        pub(super) struct $name;

        impl Lane for $name {
            type I = Baseline;
            type T = $t;
            type V = [$t; $w];
            real_lane!($w, [1 2 3 4], 2);
            #[inline(always)]
            unsafe fn zero() -> Self::V {
                [<$t>::ZERO; $w]
            }
            #[inline(always)]
            unsafe fn load(p: *const $t) -> Self::V {
                (p as *const Self::V).read_unaligned()
            }
            #[inline(always)]
            unsafe fn store(p: *mut $t, v: Self::V) {
                (p as *mut Self::V).write_unaligned(v);
            }
            #[inline(always)]
            unsafe fn splat(x: $t) -> Self::V {
                [x; $w]
            }
            #[inline(always)]
            unsafe fn add(x: Self::V, y: Self::V) -> Self::V {
                std::array::from_fn(|i| Num::add(x[i], y[i]))
            }
            #[inline(always)]
            unsafe fn mul(x: Self::V, y: Self::V) -> Self::V {
                std::array::from_fn(|i| Num::mul(x[i], y[i]))
            }
            #[inline(always)]
            unsafe fn mul_add(x: Self::V, y: Self::V, z: Self::V) -> Self::V {
                std::array::from_fn(|i| {
                    let ($x, $y, $z) = (x[i], y[i], z[i]);
                    $mul_add
                })
            }
        }
    };
}

// Without an FMA instruction `mul_add` is a call into libm.
#[cfg(target_arch = "aarch64")]
macro_rules! float_mul_add {
    ($x:ident, $y:ident, $z:ident) => {
        $x.mul_add($y, $z)
    };
}
#[cfg(not(target_arch = "aarch64"))]
macro_rules! float_mul_add {
    ($x:ident, $y:ident, $z:ident) => {
        $x * $y + $z
    };
}
array_lane!(F32x4, f32, 4, |x, y, z| float_mul_add!(x, y, z));
array_lane!(F64x2, f64, 2, |x, y, z| float_mul_add!(x, y, z));
array_lane!(U32x4, u32, 4, |x, y, z| x.wrapping_mul(y).wrapping_add(z));
array_lane!(U64x2, u64, 2, |x, y, z| x.wrapping_mul(y).wrapping_add(z));

macro_rules! array_neg {
    ($($name:ident)+) => { $(impl $name {
        /// `z - x * y`.
        #[inline(always)]
        unsafe fn neg_mul_add(x: <Self as Lane>::V, y: <Self as Lane>::V, z: <Self as Lane>::V) -> <Self as Lane>::V {
            Self::mul_add(x.map(|x| -x), y, z)
        }
    })+ };
}
array_neg!(F32x4 F64x2);
complex_lane!(C64x4, F32x4, 4, [1 2 3], 1);
complex_lane!(C128x2, F64x2, 2, [1 2 3], 1);
