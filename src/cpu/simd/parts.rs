//! Parts of AVX2 vectors: masks, and stores of the first elements.
//!
//! Loads go by mask. Stores do not: AMD's Zen 3 is so slow at one with a mask that two thirds of the copy of a band of
//! pixels waited for it. Up to three smaller stores take its place.
//!
//! # Contract of the unsafe code in this file
//! The processor has AVX2, and the elements that are named exist.

#![allow(unsafe_op_in_unsafe_fn, clippy::missing_safety_doc, reason = "one contract for all of it, stated above")]

use std::arch::x86_64::*;

/// Rows of ones and zeros, read from the place that leaves n ones.
static ONES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

/// Ones in the first `n <= 8` lanes of 32 bits.
#[inline(always)]
pub unsafe fn mask32(n: usize) -> __m256i {
    _mm256_loadu_si256(ONES.as_ptr().add(8 - n).cast())
}

/// Ones in the first `n <= 4` lanes of 64 bits.
#[inline(always)]
pub unsafe fn mask64(n: usize) -> __m256i {
    _mm256_loadu_si256(ONES.as_ptr().add(8 - 2 * n).cast())
}

/// Writes the first `n <= 8` elements; touches no others.
#[inline(always)]
pub unsafe fn store_first_ps(p: *mut f32, n: usize, v: __m256) {
    if n == 8 {
        return _mm256_storeu_ps(p, v);
    }
    let (mut at, mut rest) = (p, _mm256_castps256_ps128(v));
    if n & 4 != 0 {
        _mm_storeu_ps(at, rest);
        (at, rest) = (at.add(4), _mm256_extractf128_ps::<1>(v));
    }
    if n & 2 != 0 {
        _mm_storel_pd(at.cast(), _mm_castps_pd(rest));
        (at, rest) = (at.add(2), _mm_movehl_ps(rest, rest));
    }
    if n & 1 != 0 {
        _mm_store_ss(at, rest);
    }
}

/// Writes the first `n <= 4` elements; touches no others.
#[inline(always)]
pub unsafe fn store_first_pd(p: *mut f64, n: usize, v: __m256d) {
    if n == 4 {
        return _mm256_storeu_pd(p, v);
    }
    let (mut at, mut rest) = (p, _mm256_castpd256_pd128(v));
    if n & 2 != 0 {
        _mm_storeu_pd(at, rest);
        (at, rest) = (at.add(2), _mm256_extractf128_pd::<1>(v));
    }
    if n & 1 != 0 {
        _mm_store_sd(at, rest);
    }
}

/// Writes every other of the first `n <= 8` elements, from the first on; touches no others.
#[inline(always)]
pub unsafe fn store_evens_ps(p: *mut f32, n: usize, v: __m256) {
    let halves = [_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v)];
    for (i, half) in halves.into_iter().enumerate() {
        if n > 4 * i {
            _mm_store_ss(p.add(4 * i), half);
        }
        if n > 4 * i + 2 {
            _mm_store_ss(p.add(4 * i + 2), _mm_movehl_ps(half, half));
        }
    }
}

/// Writes every other of the first `n <= 4` elements, from the first on; touches no others.
#[inline(always)]
pub unsafe fn store_evens_pd(p: *mut f64, n: usize, v: __m256d) {
    if n > 0 {
        _mm_store_sd(p, _mm256_castpd256_pd128(v));
    }
    if n > 2 {
        _mm_store_sd(p.add(2), _mm256_extractf128_pd::<1>(v));
    }
}
