//! Vector types of the micro-kernels, and the table of kernels of each SIMD level.

use super::across::{self, Across};
use super::pack::{self, Pack};
use super::source::{self, Fill};
use super::tile::{self, Dots, Panel, Products};
use crate::cpu::float::Float;
#[cfg(target_arch = "x86_64")]
use crate::cpu::simd::{self, Level};

/// The most elements that any vector has.
pub(super) const MAX_W: usize = 16;

/// A vector of `W` elements with its instruction set.
pub(super) trait Lanes: Copy + 'static {
    /// The element.
    type F: Float;
    /// The vector.
    type V: Copy;
    /// Elements of a vector.
    const W: usize;
    /// Has the 32 registers that a tile of 8 rows of 3 vectors needs; else tiles have 6 rows of 2: with all of the 16 in
    /// use LLVM spills.
    const WIDE: bool;

    /// Zeros.
    unsafe fn zero() -> Self::V;
    /// Reads a vector.
    unsafe fn load(p: *const Self::F) -> Self::V;
    /// Reads the first `n <= W` elements, zeros after them; touches no others.
    unsafe fn load_n(p: *const Self::F, n: usize) -> Self::V;
    /// Writes a vector.
    unsafe fn store(p: *mut Self::F, v: Self::V);
    /// Writes the first `n <= W` elements; touches no others.
    unsafe fn store_n(p: *mut Self::F, n: usize, v: Self::V);
    /// One value in all lanes.
    unsafe fn splat(x: Self::F) -> Self::V;
    /// `a * b + c`, fused where the instruction set can.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a + b`.
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// The elements of both vectors in turn: the first `W`, and the last.
    unsafe fn zip(a: Self::V, b: Self::V) -> (Self::V, Self::V);
    /// Every other element of both vectors, from the first on.
    unsafe fn evens(a: Self::V, b: Self::V) -> Self::V;
    /// Writes every other of the first `n <= W` elements, from the first on; touches no others.
    unsafe fn store_evens(p: *mut Self::F, n: usize, v: Self::V);
    /// Asks for a cache line, from any address.
    #[inline(always)]
    unsafe fn prefetch(_p: *const u8) {}
    /// Runs `work` compiled for the instruction set.
    unsafe fn enter<W: Work>(work: W);

    /// The sum of all lanes, halves added to halves.
    #[inline(always)]
    unsafe fn sum(v: Self::V) -> Self::F {
        let mut t = [Self::F::ZERO; MAX_W];
        Self::store(t.as_mut_ptr(), v);
        let mut half = Self::W / 2;
        while half > 0 {
            for i in 0..half {
                t[i] += t[i + half];
            }
            half /= 2;
        }
        t[0]
    }
}

/// Code to be compiled for an instruction set; `run` is `#[inline(always)]`.
pub(super) trait Work {
    /// The code.
    unsafe fn run(self);
}

/// The kernels of an element type at a SIMD level.
pub struct Kernels<F> {
    /// Elements of a vector.
    pub(super) width: usize,
    /// Rows of the tallest tile: 8 or 6. There are tiles of 6, 4 and 1 rows as well.
    pub(super) rows: usize,
    /// Vectors of its rows.
    pub(super) vectors: usize,
    /// Products of a block for planes so small that their pixels stay in L2: with few registers the weights of a tile
    /// across channels are read so often that they have to stay in L1.
    pub(super) deep_k: usize,
    /// Products of weights with pixels, vectors along the pixels.
    pub(super) panel: unsafe fn(&Panel<F>),
    /// The same for a row of pixels, vectors across the output channels.
    pub(super) across: unsafe fn(&Across<F>),
    /// The most pixels of its tiles, for two vectors of channels.
    pub(super) pixels: usize,
    /// Copies of a band of pixels.
    pub(super) fill: unsafe fn(&Fill<F>),
    /// Packing of weights and gradients.
    pub(super) pack: unsafe fn(&Pack<F>),
    /// Sums over pixels of a weight's gradient, vectors along the output channels.
    pub(super) products: unsafe fn(&Products<F>),
    /// The same, vectors along the pixels.
    pub(super) dots: unsafe fn(&Dots<F>),
}

impl<F> Kernels<F> {
    /// Rows and vectors of the largest tiles for `pixels` pixels in all: where four vectors hold all of them, they meet
    /// every weight at once.
    pub(super) fn shape(&self, pixels: usize) -> (usize, usize) {
        if self.vectors == 3 && pixels.div_ceil(self.width) == 4 { (6, 4) } else { (self.rows, self.vectors) }
    }

    const fn of<L: Lanes<F = F>>() -> Kernels<F> {
        Kernels {
            width: L::W,
            rows: if L::WIDE { 8 } else { 6 },
            vectors: if L::WIDE { 3 } else { 2 },
            deep_k: if L::WIDE { 2304 } else { 288 },
            panel: tile::panel::<L>,
            across: across::across::<L>,
            pixels: across::widest::<L>(2),
            fill: source::fill::<L>,
            pack: pack::pack::<L>,
            products: tile::products::<L>,
            dots: tile::dots::<L>,
        }
    }
}

/// An element type that convolutions have kernels for: f32 or f64.
pub trait ConvFloat: Float {
    /// The kernels of the level that runs.
    fn kernels() -> &'static Kernels<Self>;
}

impl ConvFloat for f32 {
    fn kernels() -> &'static Kernels<f32> {
        static PORTABLE: Kernels<f32> = Kernels::of::<Array<f32, 4>>();
        #[cfg(target_arch = "x86_64")]
        {
            static AVX2: Kernels<f32> = Kernels::of::<x86::F32x8>();
            static AVX512: Kernels<f32> = Kernels::of::<x86::F32x16>();
            match simd::level() {
                Level::Avx512 => return &AVX512,
                Level::Avx2 => return &AVX2,
                Level::Portable => {}
            }
        }
        &PORTABLE
    }
}

impl ConvFloat for f64 {
    fn kernels() -> &'static Kernels<f64> {
        static PORTABLE: Kernels<f64> = Kernels::of::<Array<f64, 2>>();
        #[cfg(target_arch = "x86_64")]
        {
            static AVX2: Kernels<f64> = Kernels::of::<x86::F64x4>();
            static AVX512: Kernels<f64> = Kernels::of::<x86::F64x8>();
            match simd::level() {
                Level::Avx512 => return &AVX512,
                Level::Avx2 => return &AVX2,
                Level::Portable => {}
            }
        }
        &PORTABLE
    }
}

/// The baseline's vectors, left to LLVM.
#[derive(Clone, Copy)]
pub(super) struct Array<F, const N: usize>([F; N]);

impl<F: Float, const N: usize> Lanes for Array<F, N> {
    type F = F;
    type V = [F; N];
    const W: usize = N;
    const WIDE: bool = false;

    #[inline(always)]
    unsafe fn zero() -> [F; N] {
        [F::ZERO; N]
    }
    #[inline(always)]
    unsafe fn load(p: *const F) -> [F; N] {
        p.cast::<[F; N]>().read_unaligned()
    }
    #[inline(always)]
    unsafe fn load_n(p: *const F, n: usize) -> [F; N] {
        std::array::from_fn(|i| if i < n { *p.add(i) } else { F::ZERO })
    }
    #[inline(always)]
    unsafe fn store(p: *mut F, v: [F; N]) {
        p.cast::<[F; N]>().write_unaligned(v);
    }
    #[inline(always)]
    unsafe fn store_n(p: *mut F, n: usize, v: [F; N]) {
        v.iter().take(n).enumerate().for_each(|(i, &v)| *p.add(i) = v);
    }
    #[inline(always)]
    unsafe fn splat(x: F) -> [F; N] {
        [x; N]
    }
    #[inline(always)]
    unsafe fn fma(a: [F; N], b: [F; N], c: [F; N]) -> [F; N] {
        // Without the instruction a fused product is a function call.
        let fused = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
        std::array::from_fn(|i| if fused { a[i].fma(b[i], c[i]) } else { a[i] * b[i] + c[i] })
    }
    #[inline(always)]
    unsafe fn add(a: [F; N], b: [F; N]) -> [F; N] {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn zip(a: [F; N], b: [F; N]) -> ([F; N], [F; N]) {
        let both = |i: usize| if i.is_multiple_of(2) { a[i / 2] } else { b[i / 2] };
        (std::array::from_fn(both), std::array::from_fn(|i| both(N + i)))
    }
    #[inline(always)]
    unsafe fn evens(a: [F; N], b: [F; N]) -> [F; N] {
        std::array::from_fn(|i| if 2 * i < N { a[2 * i] } else { b[2 * i - N] })
    }
    #[inline(always)]
    unsafe fn store_evens(p: *mut F, n: usize, v: [F; N]) {
        v.iter().take(n).enumerate().step_by(2).for_each(|(i, &v)| *p.add(i) = v);
    }
    unsafe fn enter<W: Work>(work: W) {
        work.run();
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Lanes, Work};
    use crate::cpu::simd::parts::*;
    use std::arch::x86_64::*;

    macro_rules! lanes {
        ($(#[$m:meta])* $name:ident: $f:ty, $v:ty, $w:literal, $wide:literal, $features:literal,
         $zero:ident $load:ident $store:ident $splat:ident $fma:ident $add:ident,
         |$p:ident, $n:ident, $x:ident| $load_n:expr, $store_n:expr,
         |$a:ident, $b:ident| $zip:expr, $evens:expr, |$r:ident, $k:ident, $y:ident| $store_evens:expr) => {
            $(#[$m])*
            #[derive(Clone, Copy)]
            pub(in super::super) struct $name;

            impl Lanes for $name {
                type F = $f;
                type V = $v;
                const W: usize = $w;
                const WIDE: bool = $wide;

                #[inline(always)]
                unsafe fn zero() -> $v {
                    $zero()
                }
                #[inline(always)]
                unsafe fn load(p: *const $f) -> $v {
                    $load(p)
                }
                #[inline(always)]
                unsafe fn load_n($p: *const $f, $n: usize) -> $v {
                    $load_n
                }
                #[inline(always)]
                unsafe fn store(p: *mut $f, v: $v) {
                    $store(p, v)
                }
                #[inline(always)]
                unsafe fn store_n($p: *mut $f, $n: usize, $x: $v) {
                    $store_n
                }
                #[inline(always)]
                unsafe fn splat(x: $f) -> $v {
                    $splat(x)
                }
                #[inline(always)]
                unsafe fn fma(a: $v, b: $v, c: $v) -> $v {
                    $fma(a, b, c)
                }
                #[inline(always)]
                unsafe fn add(a: $v, b: $v) -> $v {
                    $add(a, b)
                }
                #[inline(always)]
                unsafe fn prefetch(p: *const u8) {
                    _mm_prefetch::<_MM_HINT_T0>(p.cast());
                }
                #[inline(always)]
                unsafe fn zip($a: $v, $b: $v) -> ($v, $v) {
                    $zip
                }
                #[inline(always)]
                unsafe fn evens($a: $v, $b: $v) -> $v {
                    $evens
                }
                #[inline(always)]
                unsafe fn store_evens($r: *mut $f, $k: usize, $y: $v) {
                    $store_evens
                }
                unsafe fn enter<W: Work>(work: W) {
                    #[target_feature(enable = $features)]
                    unsafe fn with<W: Work>(work: W) {
                        work.run();
                    }
                    with(work);
                }
            }
        };
    }

    lanes!(/// AVX-512, f32.
        F32x16: f32, __m512, 16, true, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,lzcnt,popcnt",
        _mm512_setzero_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_set1_ps _mm512_fmadd_ps _mm512_add_ps,
        |p, n, x| _mm512_maskz_loadu_ps(mask(n) as __mmask16, p), _mm512_mask_storeu_ps(p, mask(n) as __mmask16, x),
        |a, b| (_mm512_permutex2var_ps(a, order32(0), b), _mm512_permutex2var_ps(a, order32(8), b)),
        _mm512_permutex2var_ps(a, evens32(), b),
        |p, n, x| _mm512_mask_storeu_ps(p, (mask(n) & 0x5555) as __mmask16, x));
    lanes!(/// AVX-512, f64.
        F64x8: f64, __m512d, 8, true, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,lzcnt,popcnt",
        _mm512_setzero_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_set1_pd _mm512_fmadd_pd _mm512_add_pd,
        |p, n, x| _mm512_maskz_loadu_pd(mask(n) as __mmask8, p), _mm512_mask_storeu_pd(p, mask(n) as __mmask8, x),
        |a, b| (_mm512_permutex2var_pd(a, order64(0), b), _mm512_permutex2var_pd(a, order64(4), b)),
        _mm512_permutex2var_pd(a, evens64(), b),
        |p, n, x| _mm512_mask_storeu_pd(p, (mask(n) & 0x55) as __mmask8, x));
    lanes!(/// AVX2, f32.
        F32x8: f32, __m256, 8, false, "avx2,fma,f16c,bmi2,lzcnt,popcnt",
        _mm256_setzero_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_fmadd_ps _mm256_add_ps,
        |p, n, x| _mm256_maskload_ps(p, mask32(n)), store_first_ps(p, n, x),
        |a, b| {
            let (lo, hi) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            (_mm256_permute2f128_ps::<0x20>(lo, hi), _mm256_permute2f128_ps::<0x31>(lo, hi))
        },
        _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(_mm256_castps_pd(_mm256_shuffle_ps::<0x88>(a, b)))),
        |p, n, x| store_evens_ps(p, n, x));
    lanes!(/// AVX2, f64.
        F64x4: f64, __m256d, 4, false, "avx2,fma,f16c,bmi2,lzcnt,popcnt",
        _mm256_setzero_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_set1_pd _mm256_fmadd_pd _mm256_add_pd,
        |p, n, x| _mm256_maskload_pd(p, mask64(n)), store_first_pd(p, n, x),
        |a, b| {
            let (lo, hi) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            (_mm256_permute2f128_pd::<0x20>(lo, hi), _mm256_permute2f128_pd::<0x31>(lo, hi))
        },
        _mm256_permute4x64_pd::<0xd8>(_mm256_unpacklo_pd(a, b)),
        |p, n, x| store_evens_pd(p, n, x));

    /// The elements of two vectors in turn, from the `i`-th of each on; those of the second count from the width on.
    #[inline(always)]
    unsafe fn order32(i: i32) -> __m512i {
        let even = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        _mm512_add_epi32(even, _mm512_set1_epi32(i))
    }

    #[inline(always)]
    unsafe fn order64(i: i64) -> __m512i {
        _mm512_add_epi64(_mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), _mm512_set1_epi64(i))
    }

    /// Every other element of two vectors.
    #[inline(always)]
    unsafe fn evens32() -> __m512i {
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
    }

    #[inline(always)]
    unsafe fn evens64() -> __m512i {
        _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14)
    }

    #[inline(always)]
    fn mask(n: usize) -> u32 {
        (1 << n) - 1
    }
}
