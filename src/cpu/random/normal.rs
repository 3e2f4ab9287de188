//! Normal elements.

use super::cast::Number;
use super::continuous::as_real;
use super::order::Walk;
use super::words::{Shared, draw, unit_f32, unit_f64};
use crate::cpu::parallel;
use crate::tensor::generator::{Mt19937, State};
use crate::tensor::{DType, Element, Generator, Strided};
use crate::{multiversion, with_dtype};
use half::{bf16, f16};

/// Uniforms are transformed in blocks of 16: radii from the first half, angles from the second.
const BLOCK: usize = 16;
/// Elements drawn before they are transformed: they stay in the second-level cache.
const BATCH: usize = 1 << 17;
/// Elements of a parallel chunk.
const GRAIN: usize = 1 << 13;

const FOUR_OVER_PI: f32 = (4.0 / std::f64::consts::PI) as f32;

/// Natural logarithm of `x` in `[2^-24, 1]`.
///
/// Cephes' `logf` (S. Moshier) in the vector form of J. Pommier and G. Garberoglio's avx_mathfun, with the multiplies
/// and adds fused where torch's compiler fuses them.
#[expect(clippy::excessive_precision, reason = "constants as published")]
#[inline(always)]
fn log(x: f32) -> f32 {
    const P: [f32; 9] = [
        7.037_683_629_2e-2,
        -1.151_461_031_0e-1,
        1.167_699_874_0e-1,
        -1.242_014_084_6e-1,
        1.424_932_278_7e-1,
        -1.666_805_766_5e-1,
        2.000_071_476_5e-1,
        -2.499_999_399_3e-1,
        3.333_333_117_4e-1,
    ];
    let bits = x.to_bits();
    let exponent = ((bits >> 23) as i32 - 127) as f32 + 1.0;
    let x = f32::from_bits((bits & 0x807f_ffff) | 0x3f00_0000);
    let low = x < std::f32::consts::FRAC_1_SQRT_2;
    let e = exponent - if low { 1.0 } else { 0.0 };
    let x = (x - 1.0) + if low { x } else { 0.0 };
    let z = x * x;
    let mut y = P[0];
    for p in &P[1..] {
        y = y.mul_add(x, *p);
    }
    y *= x;
    y = y.mul_add(z, e * -2.121_944_40e-4);
    y = (-z).mul_add(0.5, y);
    e.mul_add(0.693_359_375, x + y)
}

/// Sine and cosine of `x` in `[0, 2 pi]`, from the same sources.
#[expect(clippy::excessive_precision, reason = "constants as published")]
#[inline(always)]
fn sin_cos(x: f32) -> (f32, f32) {
    let j = ((x * FOUR_OVER_PI) as i32 + 1) & !1;
    let quadrant = j as f32;
    let x = quadrant.mul_add(-0.785_156_25, x);
    let x = quadrant.mul_add(-2.418_756_484_985_351_562_5e-4, x);
    let x = quadrant.mul_add(-3.774_894_977_445_941_08e-8, x);
    let z = x * x;
    let mut c = 2.443_315_711_809_948e-5f32.mul_add(z, -1.388_731_625_493_765e-3);
    c = c.mul_add(z, 4.166_664_568_298_827e-2);
    c = (c * z).mul_add(z, -(z * 0.5)) + 1.0;
    let mut s = (-1.951_529_589_1e-4f32).mul_add(z, 8.332_160_873_6e-3);
    s = s.mul_add(z, -1.666_665_461_1e-1);
    s = (s * z).mul_add(x, x);
    let even = j & 2 == 0;
    let sin = if even { s } else { c };
    let cos = if even { c } else { s };
    let sin_sign = ((j & 4) as u32) << 29;
    let cos_sign = ((!(j - 2) & 4) as u32) << 29;
    (f32::from_bits(sin.to_bits() ^ sin_sign), f32::from_bits(cos.to_bits() ^ cos_sign))
}

multiversion! {
    /// Turns blocks of random words into normals, in place.
    ///
    /// # Safety
    /// `data` holds `16 * blocks` words.
    unsafe fn transform_f32(data: *mut f32, blocks: usize, mean: f32, std: f32) {
        // Two halves of several blocks side by side fill the widest vectors.
        const WIDE: usize = 4;
        let mut b = 0;
        while b < blocks {
            let n = WIDE.min(blocks - b);
            let (mut u1, mut u2) = ([0u32; 8 * WIDE], [0u32; 8 * WIDE]);
            for k in 0..n {
                let p = data.add((b + k) * BLOCK).cast::<u32>();
                for j in 0..8 {
                    u1[8 * k + j] = *p.add(j);
                    u2[8 * k + j] = *p.add(8 + j);
                }
            }
            let (mut y1, mut y2) = ([0f32; 8 * WIDE], [0f32; 8 * WIDE]);
            for i in 0..8 * WIDE {
                let radius = (-2.0 * log(1.0 - unit_f32(u1[i]))).sqrt();
                let (sin, cos) = sin_cos(std::f32::consts::TAU * unit_f32(u2[i]));
                y1[i] = (radius * cos).mul_add(std, mean);
                y2[i] = (radius * sin).mul_add(std, mean);
            }
            for k in 0..n {
                let p = data.add((b + k) * BLOCK);
                for j in 0..8 {
                    p.add(j).write(y1[8 * k + j]);
                    p.add(8 + j).write(y2[8 * k + j]);
                }
            }
            b += n;
        }
    }
}

/// Turns blocks of pairs of random words into normals, in place, with the C library's functions as torch does.
///
/// # Safety
/// `data` holds `16 * blocks` doubles.
unsafe fn transform_f64(data: *mut f64, blocks: usize, mean: f64, std: f64) {
    for b in 0..blocks {
        // SAFETY: block `b` lies within the range.
        unsafe {
            let p = data.add(b * BLOCK);
            for j in 0..8 {
                let u1 = 1.0 - unit_f64(p.add(j).cast());
                let u2 = unit_f64(p.add(j + 8).cast());
                let radius = (-2.0 * u1.ln()).sqrt();
                let (sin, cos) = (std::f64::consts::TAU * u2).sin_cos();
                p.add(j).write((radius * cos).mul_add(std, mean));
                p.add(j + 8).write((radius * sin).mul_add(std, mean));
            }
        }
    }
}

/// Fills `n >= 16` contiguous elements. If `n` is no multiple of 16, the last 16 are drawn again and transformed as a
/// block of their own.
///
/// # Safety
/// `data` holds `n` elements of `T`, of `per` words each; `transform` keeps to the blocks that it is given.
unsafe fn blocks<T: Element>(
    data: *mut T,
    n: usize,
    engine: &mut Mt19937,
    per: usize,
    transform: &(dyn Fn(*mut T, usize) + Sync),
) {
    let whole = n - n % BLOCK;
    let mut at = 0;
    while at < n {
        let m = BATCH.min(n - at);
        let to = Shared::new(data.wrapping_add(at));
        // SAFETY: `at + m <= n`; chunks are disjoint and end at a block's end, as BATCH and GRAIN are multiples of BLOCK.
        unsafe {
            draw(engine, to.get().cast(), per * m);
            parallel::chunks(m.min(whole - at), GRAIN, &|r| transform(to.get().add(r.start), r.len() / BLOCK));
        }
        at += m;
    }
    if whole < n {
        // SAFETY: `n >= 16`.
        unsafe {
            let last = data.add(n - BLOCK);
            draw(engine, last.cast(), per * BLOCK);
            transform(last, 1);
        }
    }
}

/// The same for f16 and bf16: whole blocks in f32, then rounded. Words of an incomplete block are not drawn.
///
/// # Safety
/// `data` holds `n >= 16` elements.
unsafe fn blocks_half<T: Number>(data: *mut T, n: usize, engine: &mut Mt19937, mean: f32, std: f32) {
    let mut scratch = Vec::<f32>::with_capacity(n.min(BATCH));
    let from = Shared::new(scratch.as_mut_ptr());
    let whole = n - n % BLOCK;
    let mut at = 0;
    while at < n {
        let (start, m) = if at < whole { (at, BATCH.min(whole - at)) } else { (n - BLOCK, BLOCK) };
        let to = Shared::new(data.wrapping_add(start));
        // SAFETY: `start + m <= n`, and the scratch holds `m`.
        unsafe {
            draw(engine, from.get().cast(), m);
            parallel::chunks(m, GRAIN, &|r| {
                let x = from.get().add(r.start);
                transform_f32(x, r.len() / BLOCK, mean, std);
                narrow(x, to.get().add(r.start), r.len());
            });
        }
        at = start + m;
    }
}

multiversion! {
    /// # Safety
    /// `x` and `y` hold `n` elements.
    unsafe fn narrow[T: Number](x: *const f32, y: *mut T, n: usize) {
        for i in 0..n {
            y.add(i).write(T::of_f64(*x.add(i) as f64));
        }
    }
}

/// Fills one by one, in pairs whose second half waits in the generator.
///
/// # Safety
/// `out` describes writable memory of `T`.
unsafe fn one_by_one<T: Number>(out: &Strided<'_>, state: &mut State, f: impl Fn(f64) -> f64) {
    let walk = Walk::new(out.shape, [out.strides]);
    // SAFETY: the walk stays within `out`.
    walk.start().advance(walk.numel(), |[o]| unsafe {
        out.ptr.cast::<T>().offset(o).write(T::of_f64(f(state.normal())));
    });
}

/// `normal_(mean, std)` for floating and complex outputs.
pub fn normal(out: &Strided<'_>, mean: f64, std: f64, generator: &Generator) {
    let state = &mut *generator.lock();
    // The real and the imaginary part have half of the variance each.
    let std = if out.dtype.is_complex() { std / std::f64::consts::SQRT_2 } else { std };
    as_real(out, |out| {
        let n = out.numel();
        let (m, s) = (mean as f32, std as f32);
        // SAFETY: dispatch made `out` from a writable tensor of its dtype.
        unsafe {
            if n < BLOCK || !out.is_contiguous() {
                with_dtype!(out.dtype, [F32: f32, F64: f64, F16: f16, BF16: bf16], T => {
                    one_by_one::<T>(out, state, |z| z.mul_add(std, mean));
                }, else debug_assert!(false, "normal_ of {}", out.dtype.name()));
                return;
            }
            let e = &mut state.engine;
            match out.dtype {
                DType::F32 => blocks(out.ptr.cast(), n, e, 1, &|p, b| transform_f32(p, b, m, s)),
                DType::F64 => blocks(out.ptr.cast(), n, e, 2, &|p, b| transform_f64(p, b, mean, std)),
                DType::F16 => blocks_half(out.ptr.cast::<f16>(), n, e, m, s),
                DType::BF16 => blocks_half(out.ptr.cast::<bf16>(), n, e, m, s),
                _ => debug_assert!(false, "normal_ of {}", out.dtype.name()),
            }
        }
    });
}

/// `log_normal_(mean, std)`: `exp` of normals drawn one by one.
pub fn log_normal(out: &Strided<'_>, mean: f64, std: f64, generator: &Generator) {
    let state = &mut *generator.lock();
    // SAFETY: as in `normal`.
    unsafe {
        with_dtype!(out.dtype, [F32: f32, F64: f64, F16: f16, BF16: bf16], T => {
            one_by_one::<T>(out, state, |z| z.mul_add(std, mean).exp());
        }, else debug_assert!(false, "log_normal_ of {}", out.dtype.name()));
    }
}
