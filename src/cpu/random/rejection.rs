//! Distributions whose samples take a varying number of draws: Poisson, binomial, gamma, Dirichlet.
//!
//! The code around the draws runs in the precision that torch's has, operation by operation, and without fused
//! multiply-adds: torch compiles these samplers for the baseline processor.

use super::cast::Number;
use super::order::Walk;
use crate::error::Result;
use crate::tensor::generator::{Mt19937, State};
use crate::tensor::{DType, Generator, Strided};
use crate::{fail, with_dtype};
use half::{bf16, f16};

/// `ln Gamma(x)` for `x >= 1`, from the C library.
fn ln_gamma(x: f64) -> f64 {
    #[cfg(unix)]
    {
        unsafe extern "C" {
            fn lgamma_r(x: f64, sign: *mut i32) -> f64;
        }
        let mut sign = 0;
        // SAFETY: the C library's function, which writes the sign and nothing else.
        unsafe { lgamma_r(x, &mut sign) }
    }
    #[cfg(not(unix))]
    {
        unsafe extern "C" {
            fn lgamma(x: f64) -> f64;
        }
        // SAFETY: the C library's function.
        unsafe { lgamma(x) }
    }
}

/// A Poisson sample: transformed rejection (Hörmann 1993, doi:10.1016/0167-6687(93)90997-4) for rates of 10 and more,
/// products of uniforms below.
fn sample_poisson(rate: f64, e: &mut Mt19937) -> i64 {
    if rate == 0.0 {
        return 0;
    }
    if rate < 10.0 {
        let limit = (-rate).exp();
        let (mut k, mut product) = (0, 1.0);
        loop {
            product *= e.next_f64();
            if product <= limit {
                return k;
            }
            k += 1;
        }
    }
    let ln_rate = rate.ln();
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.02483 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let v_r = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = e.next_f64() - 0.5;
        let v = e.next_f64();
        let us = 0.5 - u.abs();
        let k = i64::of_f64(((2.0 * a / us + b) * u + rate + 0.43).floor());
        if us >= 0.07 && v <= v_r {
            return k;
        }
        if k < 0 || (us < 0.013 && v > us) {
            continue;
        }
        let ratio = v.ln() + inverse_alpha.ln() - (a / (us * us) + b).ln();
        if ratio <= -rate + k as f64 * ln_rate - ln_gamma(k as f64 + 1.0) {
            return k;
        }
    }
}

fn widen<T: Into<f64>>(x: T) -> f64 {
    x.into()
}

/// Poisson samples with the rates of a tensor of the same shape and floating dtype.
pub fn poisson(rate: &Strided<'_>, out: &Strided<'_>, generator: &Generator) -> Result<()> {
    let e = &mut generator.lock().engine;
    let walk = Walk::new(out.shape, [out.strides, rate.strides]);
    let mut valid = true;
    with_dtype!(out.dtype, [F32: f32, F64: f64, F16: f16, BF16: bf16], T => {
        // SAFETY: both describe memory of one shape and of `T`; `out` is writable.
        walk.start().advance(walk.numel(), |[o, i]| unsafe {
            let x = widen(rate.ptr.cast::<T>().offset(i).read());
            // An infinite rate never ends in the rejection loop; torch hangs there.
            let ok = x >= 0.0 && x.is_finite();
            valid &= ok;
            if ok {
                out.ptr.cast::<T>().offset(o).write(T::of_i64(sample_poisson(x, e)));
            }
        });
    }, else debug_assert!(false, "poisson of {}", out.dtype.name()));
    if !valid {
        fail!(Runtime,
            torch: ("invalid Poisson rate, expected rate to be non-negative"),
            expected: ("poisson: expected finite rates of at least 0"),
            got: ("one that is negative, infinite or NaN"),
            fix: ("Clamp the rates, or pass them through softplus or exp."));
    }
    Ok(())
}

/// The samplers that torch runs partly in the tensor's own precision, once for each.
macro_rules! samplers {
    ($($module:ident: $t:ty),+) => { $(mod $module {
        use super::*;

        /// A standard gamma sample (Marsaglia & Tsang 2000, doi:10.1145/358407.358414).
        pub(super) fn gamma(mut alpha: $t, s: &mut State) -> $t {
            let mut scale = 1.0f64;
            if alpha < 1.0 {
                if alpha == 0.0 {
                    return 0.0;
                }
                scale *= (1.0 - s.engine.next_f64()).powf((1.0 / alpha) as f64);
                alpha += 1.0;
            }
            let d = (alpha - (1.0f32 / 3.0) as $t) as f64;
            let c = 1.0 / (9.0 * d).sqrt();
            loop {
                let (mut x, mut y);
                loop {
                    x = s.normal();
                    y = 1.0 + c * x;
                    // A NaN alpha leaves the loop too, as in torch.
                    if y > 0.0 || y.is_nan() {
                        break;
                    }
                }
                let v = y * y * y;
                let u = 1.0 - s.engine.next_f64();
                let xx = x * x;
                if u < 1.0 - 0.0331f32 as f64 * xx * xx || u.ln() < 0.5 * xx + d * (1.0 - v + v.ln()) || v.is_nan() {
                    return (scale * d * v) as $t;
                }
            }
        }

        /// Trials up to the `count`-th by geometric steps.
        fn binomial_by_steps(count: $t, p: $t, e: &mut Mt19937) -> $t {
            let ln_q = (-p).ln_1p() as f64;
            let (mut trials, mut hits) = (0.0f64, 0.0);
            loop {
                trials += (e.next_f64().ln() / ln_q).ceil();
                if trials > count as f64 || count.is_nan() {
                    return hits;
                }
                hits += 1.0;
            }
        }

        /// Transformed rejection with squeeze, BTRS (Hörmann 1993, doi:10.1080/00949659308811496).
        fn binomial_by_rejection(count: $t, p: $t, e: &mut Mt19937) -> $t {
            let stddev = (count * p * (1.0 - p)).sqrt() as f64;
            let b = 1.15 + 2.53 * stddev;
            let a = -0.0873 + 0.0248 * b + 0.01 * p as f64;
            let c = (count * p) as f64 + 0.5;
            let v_r = 0.92 - 4.2 / b;
            let r = (p / (1.0 - p)) as f64;
            let alpha = (2.83 + 5.1 / b) * stddev;
            let m = ((count + 1.0) * p).floor() as f64;
            let n = count as f64;
            loop {
                let u = e.next_f64() - 0.5;
                let v = e.next_f64();
                let us = 0.5 - u.abs();
                let k = ((2.0 * a / us + b) * u + c).floor() as $t;
                if k < 0.0 || k > count {
                    continue;
                }
                if us >= 0.07 && v <= v_r {
                    return k;
                }
                let v = (v * alpha / (a / (us * us) + b)).ln();
                let (count_1, count_k_1, k_1) = ((count + 1.0) as f64, (count - k + 1.0) as f64, (k + 1.0) as f64);
                let bound = (m + 0.5) * ((m + 1.0) / (r * (n - m + 1.0))).ln()
                    + count_1 * ((n - m + 1.0) / count_k_1).ln()
                    + (k as f64 + 0.5) * (r * count_k_1 / k_1).ln()
                    + stirling_tail(m) + stirling_tail(n - m) - stirling_tail(k as f64) - stirling_tail((count - k) as f64);
                // A NaN bound (infinite counts) would never be passed.
                if v <= bound || bound.is_nan() {
                    return k;
                }
            }
        }

        /// Successes among `count` trials.
        pub(super) fn binomial(count: $t, p: $t, e: &mut Mt19937) -> $t {
            if count <= 0.0 || p <= 0.0 {
                return 0.0;
            }
            if p >= 1.0 {
                return count;
            }
            let some = |p: $t, e: &mut Mt19937| {
                if (count * p) as f64 >= 10.0 { binomial_by_rejection(count, p, e) } else { binomial_by_steps(count, p, e) }
            };
            if p <= 0.5 {
                some(p, e)
            } else if p > 0.5 {
                count - some((1.0 - p as f64) as $t, e)
            } else {
                <$t>::NAN
            }
        }
    })+ };
}
samplers!(single: f32, double: f64);

/// `ln k!` minus Stirling's approximation.
fn stirling_tail(k: f64) -> f64 {
    const SMALL: [f64; 10] = [
        0.081_061_466_795_327_2,
        0.041_340_695_955_409_2,
        0.027_677_925_684_998_3,
        0.020_790_672_103_765_0,
        0.016_644_691_189_821_1,
        0.013_876_128_823_070_7,
        0.011_896_709_945_891_7,
        0.010_411_265_261_972_0,
        0.009_255_462_182_712_73,
        0.008_330_563_433_362_87,
    ];
    if k <= 9.0 {
        return SMALL[k.max(0.0) as usize];
    }
    let square = (k + 1.0) * (k + 1.0);
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / (k + 1.0)
}

/// Standard gamma samples with the shape parameters of a tensor of the same shape, f32 or f64.
///
/// With an f32 `alpha` and an f64 `out` all steps run in f64, as the Dirichlet sampler needs them.
pub fn standard_gamma(alpha: &Strided<'_>, out: &Strided<'_>, generator: &Generator) {
    let state = &mut *generator.lock();
    let walk = Walk::new(out.shape, [out.strides, alpha.strides]);
    // SAFETY: both describe memory of one shape and of the types matched; `out` is writable.
    walk.start().advance(walk.numel(), |[o, i]| unsafe {
        match (alpha.dtype, out.dtype) {
            (DType::F32, DType::F32) => {
                let x = single::gamma(alpha.ptr.cast::<f32>().offset(i).read(), state);
                out.ptr.cast::<f32>().offset(o).write(at_least(x, f32::MIN_POSITIVE));
            }
            (from @ (DType::F32 | DType::F64), DType::F64) => {
                let x = match from {
                    DType::F32 => alpha.ptr.cast::<f32>().offset(i).read() as f64,
                    _ => alpha.ptr.cast::<f64>().offset(i).read(),
                };
                out.ptr.cast::<f64>().offset(o).write(at_least(double::gamma(x, state), f64::MIN_POSITIVE));
            }
            _ => debug_assert!(false, "gamma of {}", alpha.dtype.name()),
        }
    });
}

/// `std::max(least, x)`: the least value for NaN.
fn at_least<T: PartialOrd>(x: T, least: T) -> T {
    if x > least { x } else { least }
}

/// The last step of a Dirichlet sample: f64 gamma samples over their f64 sums, inside (0, 1), in `out`'s dtype.
///
/// All have one shape (the sums with a stride of 0 along the last dim).
pub fn dirichlet_normalize(gamma: &Strided<'_>, sum: &Strided<'_>, out: &Strided<'_>) {
    let walk = Walk::new(out.shape, [out.strides, gamma.strides, sum.strides]);
    macro_rules! run {
        ($t:ty) => {
            // SAFETY: all describe memory of one shape; `out` is writable and of this type, the others are f64.
            walk.start().advance(walk.numel(), |[o, i, s]| unsafe {
                let x = (gamma.ptr.cast::<f64>().offset(i).read() / sum.ptr.cast::<f64>().offset(s).read()) as $t;
                let x = at_least(x, <$t>::MIN_POSITIVE);
                out.ptr.cast::<$t>().offset(o).write(x.min((1.0 as $t).next_down()));
            })
        };
    }
    match out.dtype {
        DType::F32 => run!(f32),
        DType::F64 => run!(f64),
        other => debug_assert!(false, "dirichlet of {}", other.name()),
    }
}

/// Binomial samples for tensors of counts and probabilities of the same shape, f32 or f64.
pub fn binomial(count: &Strided<'_>, p: &Strided<'_>, out: &Strided<'_>, generator: &Generator) {
    let e = &mut generator.lock().engine;
    let walk = Walk::new(out.shape, [out.strides, count.strides, p.strides]);
    macro_rules! run {
        ($t:ty, $module:ident) => {
            // SAFETY: all describe memory of one shape and of this type; `out` is writable.
            walk.start().advance(walk.numel(), |[o, i, j]| unsafe {
                let (n, p) = (count.ptr.cast::<$t>().offset(i).read(), p.ptr.cast::<$t>().offset(j).read());
                out.ptr.cast::<$t>().offset(o).write($module::binomial(n, p, e));
            })
        };
    }
    match out.dtype {
        DType::F32 => run!(f32, single),
        DType::F64 => run!(f64, double),
        other => debug_assert!(false, "binomial of {}", other.name()),
    }
}
