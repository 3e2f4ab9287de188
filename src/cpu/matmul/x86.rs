//! AVX-512 and AVX2 lanes.

use super::isa::{Avx2, Avx512, Avx512Bf16};
use super::lanes::{Lane, complex_lane, real_lane};
use super::tile::tiles;
use crate::cpu::simd::parts::{mask32, mask64, store_first_pd, store_first_ps};
use half::{bf16, f16};
use num_complex::Complex;
use std::arch::x86_64::*;

/// A real lane type from one expression per operation.
macro_rules! lane {
    ($name:ident: $isa:ident, $t:ty, $v:ty, $w:literal, [$($mr:literal)+];
     zero $zero:expr; load |$lp:ident| $load:expr; store |$sp:ident, $sv:ident| $store:expr;
     splat |$x:ident| $splat:expr; add $add:ident; mul $mul:path; mul_add |$fx:ident, $fy:ident, $fz:ident| $fma:expr;
     load_part |$pp:ident, $pn:ident| $load_part:expr; store_part |$qp:ident, $qv:ident, $qn:ident| $store_part:expr;
     $($more:item)*) => {
        /// Real sums.
        #[derive(Clone, Copy)]
        pub(in crate::cpu::matmul) struct $name;

        impl Lane for $name {
            type I = $isa;
            type T = $t;
            type V = $v;
            real_lane!($w, [$($mr)+], 2);
            #[inline(always)]
            unsafe fn zero() -> $v {
                $zero
            }
            #[inline(always)]
            unsafe fn load($lp: *const $t) -> $v {
                $load
            }
            #[inline(always)]
            unsafe fn store($sp: *mut $t, $sv: $v) {
                $store
            }
            #[inline(always)]
            unsafe fn splat($x: $t) -> $v {
                $splat
            }
            #[inline(always)]
            unsafe fn add(x: $v, y: $v) -> $v {
                $add(x, y)
            }
            #[inline(always)]
            unsafe fn mul(x: $v, y: $v) -> $v {
                $mul(x, y)
            }
            #[inline(always)]
            unsafe fn mul_add($fx: $v, $fy: $v, $fz: $v) -> $v {
                $fma
            }
            #[inline(always)]
            unsafe fn load_part($pp: *const $t, $pn: usize) -> $v {
                $load_part
            }
            #[inline(always)]
            unsafe fn store_part($qp: *mut $t, $qv: $v, $qn: usize) {
                $store_part
            }
            $($more)*
        }
    };
}

/// The sum of each quarter in all its lanes.
#[inline(always)]
unsafe fn sum_quarters(v: __m512) -> __m512 {
    let v = _mm512_add_ps(v, _mm512_permute_ps::<0x4e>(v));
    _mm512_add_ps(v, _mm512_permute_ps::<0xb1>(v))
}

/// The sum of each half in all its lanes, once the halves were added.
#[inline(always)]
unsafe fn sum_halves(v: __m256) -> __m256 {
    let v = _mm256_add_ps(v, _mm256_permute_ps::<0x4e>(v));
    _mm256_add_ps(v, _mm256_permute_ps::<0xb1>(v))
}

lane! { F32x16: Avx512, f32, __m512, 16, [1 2 3 4 5 6 7 8 9 10 11 12 13 14];
    zero _mm512_setzero_ps(); load |p| _mm512_loadu_ps(p); store |p, v| _mm512_storeu_ps(p, v);
    splat |x| _mm512_set1_ps(x); add _mm512_add_ps; mul _mm512_mul_ps; mul_add |x, y, z| _mm512_fmadd_ps(x, y, z);
    load_part |p, n| _mm512_maskz_loadu_ps((1u16 << n) - 1, p);
    store_part |p, v, n| _mm512_mask_storeu_ps(p, (1u16 << n) - 1, v);
    #[inline(always)]
    unsafe fn sum(v: __m512) -> f32 {
        let v = _mm512_add_ps(v, _mm512_shuffle_f32x4::<0x4e>(v, v));
        _mm512_cvtss_f32(sum_quarters(_mm512_add_ps(v, _mm512_shuffle_f32x4::<0xb1>(v, v))))
    }
    #[inline(always)]
    unsafe fn sum4(v: &[__m512; 4], out: *mut f32) {
        // Halves of two vectors, then quarters of four, are added at once.
        let halves = |x, y| _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(x, y), _mm512_shuffle_f32x4::<0xee>(x, y));
        let (x, y) = (halves(v[0], v[1]), halves(v[2], v[3]));
        let quarters = _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(x, y), _mm512_shuffle_f32x4::<0xdd>(x, y));
        let first = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        let sums = _mm512_permutexvar_ps(first, sum_quarters(quarters));
        _mm_storeu_ps(out, _mm512_castps512_ps128(sums));
    }
    #[inline(always)]
    unsafe fn load_f16(p: *const f16) -> __m512 {
        _mm512_cvtph_ps(_mm256_loadu_si256(p.cast()))
    }
    #[inline(always)]
    unsafe fn store_f16(p: *mut f16, v: __m512) {
        _mm256_storeu_si256(p.cast(), _mm512_cvtps_ph::<_MM_FROUND_NO_EXC>(v));
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const bf16) -> __m512 {
        let x = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()));
        _mm512_castsi512_ps(_mm512_slli_epi32::<16>(x))
    }
    #[inline(always)]
    unsafe fn store_bf16(p: *mut bf16, v: __m512) {
        // Not the conversion instruction: it flushes denormals.
        let x = _mm512_castps_si512(v);
        let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(x), _mm512_set1_epi32(1));
        let rounded = _mm512_add_epi32(_mm512_add_epi32(x, _mm512_set1_epi32(0x7fff)), odd);
        let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v);
        let x = _mm512_mask_or_epi32(rounded, nan, x, _mm512_set1_epi32(0x0040_0000));
        _mm256_storeu_si256(p.cast(), _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(x)));
    }
}

lane! { F64x8: Avx512, f64, __m512d, 8, [1 2 3 4 5 6 7 8 9 10 11 12 13 14];
    zero _mm512_setzero_pd(); load |p| _mm512_loadu_pd(p); store |p, v| _mm512_storeu_pd(p, v);
    splat |x| _mm512_set1_pd(x); add _mm512_add_pd; mul _mm512_mul_pd; mul_add |x, y, z| _mm512_fmadd_pd(x, y, z);
    load_part |p, n| _mm512_maskz_loadu_pd((1u8 << n) - 1, p);
    store_part |p, v, n| _mm512_mask_storeu_pd(p, (1u8 << n) - 1, v);
    #[inline(always)]
    unsafe fn sum(v: __m512d) -> f64 {
        _mm512_reduce_add_pd(v)
    }
}

lane! { U32x16: Avx512, u32, __m512i, 16, [1 2 3 4 5 6 7 8 9 10 11 12 13 14];
    zero _mm512_setzero_si512(); load |p| _mm512_loadu_si512(p.cast()); store |p, v| _mm512_storeu_si512(p.cast(), v);
    splat |x| _mm512_set1_epi32(x as i32); add _mm512_add_epi32; mul _mm512_mullo_epi32;
    mul_add |x, y, z| _mm512_add_epi32(_mm512_mullo_epi32(x, y), z);
    load_part |p, n| _mm512_maskz_loadu_epi32((1u16 << n) - 1, p.cast());
    store_part |p, v, n| _mm512_mask_storeu_epi32(p.cast(), (1u16 << n) - 1, v);
}

lane! { U64x8: Avx512, u64, __m512i, 8, [1 2 3 4 5 6 7 8 9 10 11 12 13 14];
    zero _mm512_setzero_si512(); load |p| _mm512_loadu_si512(p.cast()); store |p, v| _mm512_storeu_si512(p.cast(), v);
    splat |x| _mm512_set1_epi64(x as i64); add _mm512_add_epi64; mul _mm512_mullo_epi64;
    mul_add |x, y, z| _mm512_add_epi64(_mm512_mullo_epi64(x, y), z);
    load_part |p, n| _mm512_maskz_loadu_epi64((1u8 << n) - 1, p.cast());
    store_part |p, v, n| _mm512_mask_storeu_epi64(p.cast(), (1u8 << n) - 1, v);
}

/// The low 64 bits of products: AVX2 multiplies 32 bits by 32.
#[inline(always)]
unsafe fn mullo_epi64(x: __m256i, y: __m256i) -> __m256i {
    let cross = _mm256_add_epi64(
        _mm256_mul_epu32(_mm256_srli_epi64::<32>(x), y),
        _mm256_mul_epu32(x, _mm256_srli_epi64::<32>(y)),
    );
    _mm256_add_epi64(_mm256_mul_epu32(x, y), _mm256_slli_epi64::<32>(cross))
}

lane! { F32x8: Avx2, f32, __m256, 8, [1 2 3 4 5 6];
    zero _mm256_setzero_ps(); load |p| _mm256_loadu_ps(p); store |p, v| _mm256_storeu_ps(p, v);
    splat |x| _mm256_set1_ps(x); add _mm256_add_ps; mul _mm256_mul_ps; mul_add |x, y, z| _mm256_fmadd_ps(x, y, z);
    load_part |p, n| _mm256_maskload_ps(p, mask32(n)); store_part |p, v, n| store_first_ps(p, n, v);
    #[inline(always)]
    unsafe fn sum(v: __m256) -> f32 {
        _mm256_cvtss_f32(sum_halves(_mm256_add_ps(v, _mm256_permute2f128_ps::<0x01>(v, v))))
    }
    #[inline(always)]
    unsafe fn sum4(v: &[__m256; 4], out: *mut f32) {
        let halves = |x, y| {
            _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(x, y), _mm256_permute2f128_ps::<0x31>(x, y))
        };
        let (x, y) = (sum_halves(halves(v[0], v[1])), sum_halves(halves(v[2], v[3])));
        // x: 0 | 1, y: 2 | 3.
        let (lo, hi) = (_mm256_unpacklo_ps(x, y), _mm256_castps256_ps128(_mm256_permute2f128_ps::<0x11>(x, x)));
        let hi = _mm_unpacklo_ps(hi, _mm256_extractf128_ps::<1>(y));
        _mm_storeu_ps(out, _mm_unpacklo_ps(_mm256_castps256_ps128(lo), hi));
    }
    #[inline(always)]
    unsafe fn load_f16(p: *const f16) -> __m256 {
        _mm256_cvtph_ps(_mm_loadu_si128(p.cast()))
    }
    #[inline(always)]
    unsafe fn store_f16(p: *mut f16, v: __m256) {
        _mm_storeu_si128(p.cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v));
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const bf16) -> __m256 {
        let x = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
        _mm256_castsi256_ps(_mm256_slli_epi32::<16>(x))
    }
}

lane! { F64x4: Avx2, f64, __m256d, 4, [1 2 3 4 5 6];
    zero _mm256_setzero_pd(); load |p| _mm256_loadu_pd(p); store |p, v| _mm256_storeu_pd(p, v);
    splat |x| _mm256_set1_pd(x); add _mm256_add_pd; mul _mm256_mul_pd; mul_add |x, y, z| _mm256_fmadd_pd(x, y, z);
    load_part |p, n| _mm256_maskload_pd(p, mask64(n)); store_part |p, v, n| store_first_pd(p, n, v);
}

lane! { U32x8: Avx2, u32, __m256i, 8, [1 2 3 4 5 6];
    zero _mm256_setzero_si256(); load |p| _mm256_loadu_si256(p.cast()); store |p, v| _mm256_storeu_si256(p.cast(), v);
    splat |x| _mm256_set1_epi32(x as i32); add _mm256_add_epi32; mul _mm256_mullo_epi32;
    mul_add |x, y, z| _mm256_add_epi32(_mm256_mullo_epi32(x, y), z);
    load_part |p, n| _mm256_maskload_epi32(p.cast(), mask32(n));
    store_part |p, v, n| store_first_ps(p.cast(), n, _mm256_castsi256_ps(v));
}

lane! { U64x4: Avx2, u64, __m256i, 4, [1 2 3 4];
    zero _mm256_setzero_si256(); load |p| _mm256_loadu_si256(p.cast()); store |p, v| _mm256_storeu_si256(p.cast(), v);
    splat |x| _mm256_set1_epi64x(x as i64); add _mm256_add_epi64; mul mullo_epi64;
    mul_add |x, y, z| _mm256_add_epi64(mullo_epi64(x, y), z);
    load_part |p, n| _mm256_maskload_epi64(p.cast(), mask64(n));
    store_part |p, v, n| store_first_pd(p.cast(), n, _mm256_castsi256_pd(v));
}

macro_rules! neg_mul_add {
    ($($name:ident $f:ident)+) => { $(impl $name {
        /// `z - x * y`.
        #[inline(always)]
        unsafe fn neg_mul_add(x: <Self as Lane>::V, y: <Self as Lane>::V, z: <Self as Lane>::V) -> <Self as Lane>::V {
            $f(x, y, z)
        }
    })+ };
}
neg_mul_add!(F32x16 _mm512_fnmadd_ps F64x8 _mm512_fnmadd_pd F32x8 _mm256_fnmadd_ps F64x4 _mm256_fnmadd_pd);
complex_lane!(C64x16, F32x16, 16, [1 2 3 4 5 6], 2);
complex_lane!(C128x8, F64x8, 8, [1 2 3 4 5 6], 2);
complex_lane!(C64x8, F32x8, 8, [1 2 3 4 5], 1);
complex_lane!(C128x4, F64x4, 4, [1 2 3 4 5], 1);

/// f32 sums of bf16 pairs: a packed element is two values of k, and one instruction adds both products.
#[derive(Clone, Copy)]
pub(super) struct Bf16x16;

impl Lane for Bf16x16 {
    type I = Avx512Bf16;
    type T = f32;
    type P = u32;
    type V = __m512;
    type B = __m512bh;
    type S = __m512bh;
    const W: usize = 16;
    const MR: usize = 14;
    const NV: usize = 2;
    const STEP: usize = 2;
    const TILES: super::tile::Tiles<Self> = tiles!(2, 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    #[inline(always)]
    unsafe fn zero() -> __m512 {
        F32x16::zero()
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        F32x16::load(p)
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m512) {
        F32x16::store(p, v);
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        F32x16::splat(x)
    }
    #[inline(always)]
    unsafe fn add(x: __m512, y: __m512) -> __m512 {
        F32x16::add(x, y)
    }
    #[inline(always)]
    unsafe fn mul(x: __m512, y: __m512) -> __m512 {
        F32x16::mul(x, y)
    }
    #[inline(always)]
    unsafe fn mul_add(x: __m512, y: __m512, z: __m512) -> __m512 {
        F32x16::mul_add(x, y, z)
    }
    #[inline(always)]
    unsafe fn load_b(p: *const u32) -> __m512bh {
        std::mem::transmute(_mm512_loadu_si512(p.cast()))
    }
    #[inline(always)]
    unsafe fn splat_a(p: *const u32) -> __m512bh {
        std::mem::transmute(_mm512_set1_epi32(*p as i32))
    }
    #[inline(always)]
    unsafe fn step(sum: __m512, a: __m512bh, b: __m512bh) -> __m512 {
        _mm512_dpbf16_ps(sum, a, b)
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize) -> __m512 {
        F32x16::load_part(p, n)
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: __m512, n: usize) {
        F32x16::store_part(p, v, n);
    }
    #[inline(always)]
    unsafe fn sum(v: __m512) -> f32 {
        F32x16::sum(v)
    }
    #[inline(always)]
    unsafe fn sum4(v: &[__m512; 4], out: *mut f32) {
        F32x16::sum4(v, out);
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const bf16) -> __m512 {
        F32x16::load_bf16(p)
    }
    #[inline(always)]
    unsafe fn store_bf16(p: *mut bf16, v: __m512) {
        F32x16::store_bf16(p, v);
    }
}
