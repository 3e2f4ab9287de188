//! Selecting by truth values: the count first, then elements in logical order.

use super::super::dims::{Dim, Dims, Walk, coalesce, count};
use super::super::load::Num;
use super::super::parallel;
use super::{Ptr, sized};
use crate::multiversion;
use crate::tensor::Strided;
use crate::tensor::dtype::Bool8;
use crate::with_dtype;

/// Elements of one part.
const PART: usize = 1 << 14;

/// How many elements are true, by part. Made once, it tells the size of a result and where each part of it begins.
/// What has become true since then has no room, and what has become false leaves zeros or, of a source, a rest.
pub struct Mask {
    /// Where the results of each part begin; the last entry is the total.
    starts: Vec<usize>,
}

multiversion! {
    unsafe fn count_run[T: Num](x: *const T, n: usize) -> usize {
        let mut total = 0usize;
        let mut i = 0;
        while i < n {
            // Byte counters cannot overflow within 128 elements of one lane.
            let m = (n - i).min(128);
            let mut c = 0u32;
            for j in 0..m {
                c += (*x.add(i + j)).truthy() as u32;
            }
            total += c as usize;
            i += m;
        }
        total
    }
}

/// Calls `f(offsets, n, inner dim)` for the runs of the innermost dim that make up the iterations `range`.
fn runs<const N: usize>(dims: &[Dim<N>], range: std::ops::Range<usize>, mut f: impl FnMut([isize; N], usize)) {
    let (inner, outer) = dims.split_last().map_or((Dim { n: 1, s: [0; N] }, &[][..]), |(i, o)| (*i, o));
    let mut i = range.start;
    let mut w = Walk::new(outer, i / inner.n);
    while i < range.end {
        let at = i % inner.n;
        let m = (inner.n - at).min(range.end - i);
        let mut off = w.off;
        for (o, s) in off.iter_mut().zip(inner.s) {
            *o += at as isize * s;
        }
        f(off, m);
        w.next();
        i += m;
    }
}

impl Mask {
    /// Counts the non-zero elements of `x`, of any dtype.
    pub fn new(x: &Strided) -> Mask {
        let size = x.dtype.size() as isize;
        let mut dims: Dims<1> = (0..x.ndim()).map(|d| Dim { n: x.shape[d], s: [x.strides[d] * size] }).collect();
        coalesce(&mut dims);
        let n = count(&dims);
        let stride = dims.last().map_or(size, |d| d.s[0]);
        let parts = n.div_ceil(PART);
        let mut starts = crate::error::filled(0, parts + 1);
        let p = Ptr(starts.as_mut_ptr());
        parallel::run(parts, &|part| {
            let mut total = 0;
            runs(&dims, part * PART..n.min((part + 1) * PART), |off, m| {
                // SAFETY: the module's contract.
                with_dtype!(x.dtype, T => unsafe {
                    let q = x.ptr.offset(off[0]);
                    if stride == size {
                        total += count_run::<T>(q.cast(), m);
                    } else {
                        for i in 0..m as isize {
                            total += (*q.offset(i * stride).cast::<T>()).truthy() as usize;
                        }
                    }
                })
            });
            // SAFETY: each task writes its own count.
            unsafe { *p.get().add(part + 1) = total };
        });
        for i in 0..parts {
            starts[i + 1] += starts[i];
        }
        Mask { starts }
    }

    /// How many elements are true.
    pub fn total(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }
}

/// Elements that are searched at once.
const HITS: usize = 256;

/// The positions of the non-zero elements among the first `n`; says how many. Without a branch: a position that does
/// not count is overwritten by the next one.
#[inline]
unsafe fn find_hits<T: Num>(x: *const u8, stride: isize, n: usize, hits: &mut [u32; HITS]) -> usize {
    let mut k = 0usize;
    for i in 0..n.min(HITS) {
        hits[k % HITS] = i as u32;
        // SAFETY: the module's contract.
        k += unsafe { *x.offset(i as isize * stride).cast::<T>() }.truthy() as usize;
    }
    k
}

/// The indices of the non-zero elements of `x`: `out` is int64 of shape (total, ndim), any strides.
pub fn nonzero(x: &Strided, mask: &Mask, out: &Strided) {
    let size = x.dtype.size() as isize;
    let ndim = x.ndim();
    let dims: Dims<1> = (0..ndim).map(|d| Dim { n: x.shape[d], s: [x.strides[d] * size] }).collect();
    let n = count(&dims);
    if n == 0 || mask.total() == 0 || ndim == 0 {
        return;
    }
    let (row, col) = (out.strides[0] * 8, out.strides[1] * 8);
    let inner = dims[ndim - 1];
    parallel::run(n.div_ceil(PART), &|part| {
        let (from, to) = (part * PART, n.min((part + 1) * PART));
        let mut o = out.ptr.wrapping_offset(mask.starts[part] as isize * row);
        let mut room = mask.starts[part + 1] - mask.starts[part];
        if room == 0 {
            return;
        }
        let mut at = vec![0usize; ndim];
        let mut rest = from;
        for d in (0..ndim).rev() {
            at[d] = rest % dims[d].n;
            rest /= dims[d].n;
        }
        let mut i = from;
        runs(&dims, from..to, |off, m| {
            let first = i % inner.n;
            i += m;
            // SAFETY: the module's contract; `out` has room for all of this part's results.
            unsafe {
                for block in (0..m).step_by(HITS) {
                    let p = x.ptr.offset(off[0] + block as isize * inner.s[0]);
                    let mut hits = [0u32; HITS];
                    let k = with_dtype!(x.dtype, T => find_hits::<T>(p, inner.s[0], HITS.min(m - block), &mut hits));
                    let k = k.min(room);
                    room -= k;
                    for (d, &a) in at[..ndim - 1].iter().enumerate() {
                        for i in 0..k as isize {
                            *o.offset(i * row + d as isize * col).cast::<i64>() = a as i64;
                        }
                    }
                    for (i, &h) in hits[..k].iter().enumerate() {
                        let to = o.offset(i as isize * row + (ndim - 1) as isize * col);
                        *to.cast::<i64>() = (first + block) as i64 + h as i64;
                    }
                    o = o.wrapping_offset(k as isize * row);
                }
            }
            for d in (0..ndim - 1).rev() {
                at[d] += 1;
                if at[d] < dims[d].n {
                    break;
                }
                at[d] = 0;
            }
        });
        for i in 0..room as isize {
            for d in 0..ndim as isize {
                // SAFETY: as above.
                unsafe { *o.offset(i * row + d * col).cast::<i64>() = 0 };
            }
        }
    });
}

/// The loops over a tensor and a mask of its shape.
fn both(x: &Strided, mask: &Strided) -> Dims<2> {
    let size = x.dtype.size() as isize;
    let mut dims: Dims<2> =
        (0..x.ndim()).map(|d| Dim { n: x.shape[d], s: [x.strides[d] * size, mask.strides[d]] }).collect();
    coalesce(&mut dims);
    dims
}

/// The elements of `x` where the bool `mask` of its shape is true, in logical order, into the 1-d `out`.
/// `counts` was made from `mask`.
pub fn masked_select(x: &Strided, mask: &Strided, counts: &Mask, out: &Strided) {
    let dims = both(x, mask);
    let n = count(&dims);
    let size = x.dtype.size() as isize;
    let step = out.strides.first().map_or(size, |s| s * size);
    let [xs, ms] = dims.last().map_or([size, 1], |d| d.s);
    sized!(x.dtype.size(), E => parallel::run(n.div_ceil(PART), &|part| {
        let mut at = counts.starts[part];
        let end = counts.starts[part + 1];
        runs(&dims, part * PART..n.min((part + 1) * PART), |off, m| {
            // SAFETY: the module's contract; this part's results lie from `starts[part]` on.
            unsafe {
                let (p, q) = (x.ptr.offset(off[0]), mask.ptr.offset(off[1]));
                if xs == size && ms == 1 && step == size {
                    at += compress::<E>(p.cast(), q, m, out.ptr.cast::<E>().add(at), end - at);
                } else {
                    for i in 0..m as isize {
                        if *q.offset(i * ms) != 0 && at < end {
                            *out.ptr.offset(at as isize * step).cast::<E>() = *p.offset(i * xs).cast::<E>();
                            at += 1;
                        }
                    }
                }
            }
        });
        for at in at..end {
            // SAFETY: as above; zero bytes are a value of every dtype.
            unsafe { out.ptr.offset(at as isize * step).write_bytes(0, size as usize) };
        }
    }))
}

/// Moves the elements of a dense run whose mask byte is set to `out`, which has room for `room`; says how many.
unsafe fn compress<E: Copy>(x: *const E, mask: *const u8, n: usize, out: *mut E, room: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    if crate::cpu::simd::level() == crate::cpu::simd::Level::Avx512 && matches!(size_of::<E>(), 4 | 8) {
        // SAFETY: the level was checked; sizes agree.
        return unsafe {
            if size_of::<E>() == 4 {
                compress32(x.cast(), mask, n, out.cast(), room)
            } else {
                compress64(x.cast(), mask, n, out.cast(), room)
            }
        };
    }
    let mut k = 0;
    for i in 0..n {
        if k == room {
            break;
        }
        // Without a branch: a false element is overwritten by the next one.
        // SAFETY: k < room.
        unsafe {
            *out.add(k) = *x.add(i);
            k += (*mask.add(i) != 0) as usize;
        }
    }
    k
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
unsafe fn compress32(x: *const i32, mask: *const u8, n: usize, out: *mut i32, room: usize) -> usize {
    use std::arch::x86_64::*;
    const LANES: usize = 16;
    let (mut i, mut k) = (0, 0);
    loop {
        // As many blocks as have room whatever the mask says: their stores need no mask.
        let blocks = (n - i).min(room - k) / LANES;
        if blocks == 0 {
            break;
        }
        for _ in 0..blocks {
            // SAFETY: LANES elements are left, and so is room for them.
            unsafe {
                let b = _mm_loadu_si128(mask.add(i).cast());
                let set = _mm_test_epi8_mask(b, b);
                let packed = _mm512_maskz_compress_epi32(set, _mm512_loadu_epi32(x.add(i)));
                _mm512_storeu_epi32(out.add(k), packed);
                k += set.count_ones() as usize;
            }
            i += LANES;
        }
    }
    while i < n {
        let m = (n - i).min(LANES);
        let lanes = (0xffffu32 >> (LANES - m)) as u16;
        // SAFETY: masked loads and stores touch only the `m` elements that exist and the results that fit.
        unsafe {
            let b = _mm_maskz_loadu_epi8(lanes, mask.add(i).cast());
            let set = _mm_test_epi8_mask(b, b);
            let packed = _mm512_maskz_compress_epi32(set, _mm512_maskz_loadu_epi32(lanes, x.add(i)));
            let c = (set.count_ones() as usize).min(room - k);
            _mm512_mask_storeu_epi32(out.add(k), (0xffffu32 >> (LANES - c)) as u16, packed);
            k += c;
        }
        i += m;
    }
    k
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
unsafe fn compress64(x: *const i64, mask: *const u8, n: usize, out: *mut i64, room: usize) -> usize {
    use std::arch::x86_64::*;
    const LANES: usize = 8;
    let (mut i, mut k) = (0, 0);
    loop {
        // As many blocks as have room whatever the mask says: their stores need no mask.
        let blocks = (n - i).min(room - k) / LANES;
        if blocks == 0 {
            break;
        }
        for _ in 0..blocks {
            // SAFETY: LANES elements are left, and so is room for them.
            unsafe {
                let b = _mm_loadl_epi64(mask.add(i).cast());
                let set = _mm_test_epi8_mask(b, b) as u8;
                let packed = _mm512_maskz_compress_epi64(set, _mm512_loadu_epi64(x.add(i)));
                _mm512_storeu_epi64(out.add(k), packed);
                k += set.count_ones() as usize;
            }
            i += LANES;
        }
    }
    while i < n {
        let m = (n - i).min(LANES);
        let lanes = (0xffu32 >> (LANES - m)) as u8;
        // SAFETY: masked loads and stores touch only the `m` elements that exist and the results that fit.
        unsafe {
            let b = _mm_maskz_loadu_epi8(lanes as u16, mask.add(i).cast());
            let set = _mm_test_epi8_mask(b, b) as u8;
            let packed = _mm512_maskz_compress_epi64(set, _mm512_maskz_loadu_epi64(lanes, x.add(i)));
            let c = (set.count_ones() as usize).min(room - k);
            _mm512_mask_storeu_epi64(out.add(k), (0xffu32 >> (LANES - c)) as u8, packed);
            k += c;
        }
        i += m;
    }
    k
}

/// Writes consecutive elements of the flattened dense `src` to where the bool `mask` of the shape of `out` is true.
/// `counts` was made from `mask`; `src` has at least that many elements.
pub fn masked_scatter(out: &Strided, mask: &Strided, counts: &Mask, src: &Strided) {
    let dims = both(out, mask);
    let n = count(&dims);
    let [os, ms] = dims.last().map_or([0, 0], |d| d.s);
    sized!(out.dtype.size(), E => parallel::run(n.div_ceil(PART), &|part| {
        let (mut at, end) = (counts.starts[part], counts.starts[part + 1]);
        runs(&dims, part * PART..n.min((part + 1) * PART), |off, m| {
            for i in 0..m as isize {
                // SAFETY: the module's contract.
                unsafe {
                    if Bool8(*mask.ptr.offset(off[1] + i * ms)).get() && at < end {
                        *out.ptr.offset(off[0] + i * os).cast::<E>() = *src.ptr.cast::<E>().add(at);
                        at += 1;
                    }
                }
            }
        });
    }))
}
