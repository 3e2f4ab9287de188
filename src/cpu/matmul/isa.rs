//! Instruction sets: how a generic body is compiled for one, and the shuffles that need it by name.

/// A body that [`Isa::enter`] compiles for an instruction set; `run` is `#[inline(always)]`.
pub(super) trait Work {
    /// Does the work.
    unsafe fn run(self);
}

/// An instruction set.
pub(super) trait Isa: Copy + 'static {
    /// Runs `w` compiled with this instruction set.
    unsafe fn enter<W: Work>(w: W);

    /// Bytes of a panel of B along one block of k.
    const PANEL_BYTES: usize = 48 << 10;

    /// Asks for a cache line, from any address.
    #[inline(always)]
    unsafe fn prefetch(_p: *const u8) {}

    /// Transposes 8 x 8 words: source rows are `ss` bytes apart, destination rows `ds` words.
    #[inline(always)]
    unsafe fn transpose32(src: *const u8, ss: isize, dst: *mut u32, ds: usize) {
        for i in 0..8 {
            for p in 0..8 {
                *dst.add(p * ds + i) = (src.offset(i as isize * ss) as *const u32).add(p).read_unaligned();
            }
        }
    }

    /// Transposes 4 x 4 double words: source rows are `ss` bytes apart, destination rows `ds` double words.
    #[inline(always)]
    unsafe fn transpose64(src: *const u8, ss: isize, dst: *mut u64, ds: usize) {
        for i in 0..4 {
            for p in 0..4 {
                *dst.add(p * ds + i) = (src.offset(i as isize * ss) as *const u64).add(p).read_unaligned();
            }
        }
    }
}

/// The target's baseline.
#[derive(Clone, Copy)]
pub(super) struct Baseline;

impl Isa for Baseline {
    #[inline(always)]
    unsafe fn enter<W: Work>(w: W) {
        #[inline(never)]
        unsafe fn go<W: Work>(w: W) {
            w.run();
        }
        go(w);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Isa, Work};
    use std::arch::x86_64::*;

    /// AVX2, FMA, F16C.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;
    /// AVX-512 F, BW, DQ, VL and what [`Avx2`] has.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;
    /// [`Avx512`] with BF16.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512Bf16;

    macro_rules! isa {
        ($name:ident, $panel_kib:literal, $features:literal) => {
            impl Isa for $name {
                const PANEL_BYTES: usize = $panel_kib << 10;

                #[inline(always)]
                unsafe fn enter<W: Work>(w: W) {
                    #[target_feature(enable = $features)]
                    #[inline(never)]
                    unsafe fn go<W: Work>(w: W) {
                        w.run();
                    }
                    go(w);
                }

                #[inline(always)]
                unsafe fn prefetch(p: *const u8) {
                    _mm_prefetch::<_MM_HINT_T0>(p.cast());
                }

                #[inline(always)]
                unsafe fn transpose32(src: *const u8, ss: isize, dst: *mut u32, ds: usize) {
                    transpose8x8(src, ss, dst, ds);
                }

                #[inline(always)]
                unsafe fn transpose64(src: *const u8, ss: isize, dst: *mut u64, ds: usize) {
                    transpose4x4(src, ss, dst, ds);
                }
            }
        };
    }
    isa!(Avx2, 48, "avx2,fma,f16c,bmi2,lzcnt,popcnt");
    isa!(Avx512, 96, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,lzcnt,popcnt");
    isa!(Avx512Bf16, 96, "avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,lzcnt,popcnt");

    #[inline(always)]
    unsafe fn transpose8x8(src: *const u8, ss: isize, dst: *mut u32, ds: usize) {
        let mut r = [_mm256_setzero_ps(); 8];
        for (i, r) in r.iter_mut().enumerate() {
            *r = _mm256_loadu_ps(src.offset(i as isize * ss) as *const f32);
        }
        let mut t = [_mm256_setzero_ps(); 8];
        for i in 0..4 {
            t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        for i in [0, 4] {
            r[i] = _mm256_shuffle_ps::<0x44>(t[i], t[i + 2]);
            r[i + 1] = _mm256_shuffle_ps::<0xee>(t[i], t[i + 2]);
            r[i + 2] = _mm256_shuffle_ps::<0x44>(t[i + 1], t[i + 3]);
            r[i + 3] = _mm256_shuffle_ps::<0xee>(t[i + 1], t[i + 3]);
        }
        for i in 0..4 {
            _mm256_storeu_ps(dst.add(i * ds) as *mut f32, _mm256_permute2f128_ps::<0x20>(r[i], r[i + 4]));
            _mm256_storeu_ps(dst.add((i + 4) * ds) as *mut f32, _mm256_permute2f128_ps::<0x31>(r[i], r[i + 4]));
        }
    }

    #[inline(always)]
    unsafe fn transpose4x4(src: *const u8, ss: isize, dst: *mut u64, ds: usize) {
        let row = |i: isize| _mm256_loadu_pd(src.offset(i * ss) as *const f64);
        let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
        let (a, b) = (_mm256_unpacklo_pd(r0, r1), _mm256_unpackhi_pd(r0, r1));
        let (c, d) = (_mm256_unpacklo_pd(r2, r3), _mm256_unpackhi_pd(r2, r3));
        _mm256_storeu_pd(dst as *mut f64, _mm256_permute2f128_pd::<0x20>(a, c));
        _mm256_storeu_pd(dst.add(ds) as *mut f64, _mm256_permute2f128_pd::<0x20>(b, d));
        _mm256_storeu_pd(dst.add(2 * ds) as *mut f64, _mm256_permute2f128_pd::<0x31>(a, c));
        _mm256_storeu_pd(dst.add(3 * ds) as *mut f64, _mm256_permute2f128_pd::<0x31>(b, d));
    }
}
#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512, Avx512Bf16};
