//! Error bounds in units in the last place: f32 against the C library's f64, f64 against the C library (itself within
//! one unit).

use super::super::{Fun, Params, kernel};
use super::Rng;
use crate::tensor::DType;

/// Distance from `got` to the exact value in units of `got`'s last place.
fn ulps32(got: f32, exact: f64) -> f64 {
    if got.is_nan() || exact.is_nan() {
        return if got.is_nan() && exact.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let rounded = exact as f32;
    if got == rounded {
        return 0.0;
    }
    if got.is_infinite() || rounded.is_infinite() {
        return if got.abs() == f32::MAX || rounded.abs() == f32::MAX { 1.0 } else { f64::INFINITY };
    }
    let unit = 2f64.powi((exact.abs().log2().floor() as i32).max(-126) - 23);
    (got as f64 - exact).abs() / unit
}

fn ulps64(got: f64, exact: f64) -> f64 {
    if got.is_nan() || exact.is_nan() {
        return if got.is_nan() && exact.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if got == exact {
        return 0.0;
    }
    let (a, b) = (got.to_bits() as i64, exact.to_bits() as i64);
    if (a < 0) != (b < 0) { f64::INFINITY } else { (a - b).unsigned_abs() as f64 }
}

fn call32(fun: Fun, x: &[Vec<f32>]) -> Vec<f32> {
    let mut y = vec![0f32; x[0].len()];
    let ins = std::array::from_fn(|k| x.get(k).map_or(std::ptr::null(), |x| x.as_ptr().cast()));
    // SAFETY: vectors of equal length.
    unsafe { kernel(fun, DType::F32).unwrap().call(&ins, y.as_mut_ptr().cast(), y.len(), &Params::scalar(-1.0)) };
    y
}

fn call64(fun: Fun, x: &[Vec<f64>]) -> Vec<f64> {
    let mut y = vec![0f64; x[0].len()];
    let ins = std::array::from_fn(|k| x.get(k).map_or(std::ptr::null(), |x| x.as_ptr().cast()));
    // SAFETY: vectors of equal length.
    unsafe { kernel(fun, DType::F64).unwrap().call(&ins, y.as_mut_ptr().cast(), y.len(), &Params::scalar(-1.0)) };
    y
}

/// Special values, then every magnitude, then the range where the function is interesting.
fn inputs(n: usize, lo: f64, hi: f64, rng: &mut Rng) -> Vec<f64> {
    let mut x = super::SPECIAL.to_vec();
    while x.len() < n {
        x.push(match rng.below(4) {
            0 => f32::from_bits(rng.bits() as u32) as f64,
            1 => f64::from_bits(rng.bits()),
            _ => lo + (hi - lo) * rng.unit(),
        });
    }
    x
}

struct Case {
    fun: Fun,
    exact: fn(f64) -> f64,
    range: (f64, f64),
    /// Bounds for f32 and f64.
    ulps: (f64, f64),
}

#[test]
fn unary_functions_stay_within_their_bounds() {
    use Fun::*;
    let case = |fun, exact, lo, hi, u32, u64| Case { fun, exact, range: (lo, hi), ulps: (u32, u64) };
    let cases = [
        case(Exp, f64::exp, -110.0, 90.0, 1.5, 2.0),
        case(Exp2, f64::exp2, -152.0, 130.0, 1.5, 2.0),
        case(Expm1, f64::exp_m1, -20.0, 2.0, 1.5, 3.0),
        case(Log, f64::ln, 0.3, 3.0, 1.5, 2.0),
        case(Log2, f64::log2, 0.3, 3.0, 1.5, 3.0),
        case(Log10, f64::log10, 0.3, 3.0, 1.5, 3.0),
        case(Log1p, f64::ln_1p, -1.0, 2.0, 1.5, 3.0),
        case(Sin, f64::sin, -1e4, 1e4, 1.5, 2.0),
        case(Cos, f64::cos, -1e4, 1e4, 1.5, 2.0),
        case(Tan, f64::tan, -50.0, 50.0, 3.0, 4.0),
        case(Asin, f64::asin, -1.1, 1.1, 2.5, 3.0),
        case(Acos, f64::acos, -1.1, 1.1, 2.5, 3.0),
        case(Atan, f64::atan, -4.0, 4.0, 2.5, 3.0),
        case(Sinh, f64::sinh, -5.0, 5.0, 1.0, 4.0),
        case(Cosh, f64::cosh, -5.0, 5.0, 1.0, 4.0),
        case(Tanh, f64::tanh, -9.5, 9.5, 3.0, 4.0),
        case(Asinh, f64::asinh, -5.0, 5.0, 1.0, 5.0),
        case(Acosh, f64::acosh, 0.5, 5.0, 1.0, 5.0),
        case(Atanh, f64::atanh, -1.1, 1.1, 1.0, 5.0),
        case(Sqrt, f64::sqrt, -1.0, 9.0, 0.5, 0.0),
    ];
    let mut rng = Rng(5);
    for c in cases {
        let x = inputs(200_000, c.range.0, c.range.1, &mut rng);
        let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let mut worst = (0.0, 0.0f64);
        for (&x, &y) in single.iter().zip(&call32(c.fun, std::slice::from_ref(&single))) {
            let exact = reference(c.exact, x as f64, c.fun);
            let e = ulps32(y, exact);
            if e > worst.0 {
                worst = (e, x as f64);
            }
            assert!(
                y.is_nan() || y != 0.0 || exact != 0.0 || y.is_sign_negative() == exact.is_sign_negative(),
                "{:?}({x:e}): sign of zero",
                c.fun
            );
        }
        assert!(worst.0 <= c.ulps.0, "{:?} f32: {} ULP at {:e}", c.fun, worst.0, worst.1);
        let mut worst = (0.0, 0.0);
        for (&x, &y) in x.iter().zip(&call64(c.fun, std::slice::from_ref(&x))) {
            let e = ulps64(y, reference(c.exact, x, c.fun));
            if e > worst.0 {
                worst = (e, x);
            }
        }
        assert!(worst.0 <= c.ulps.1, "{:?} f64: {} ULP at {:e}", c.fun, worst.0, worst.1);
    }
}

/// Rust's own inverse hyperbolic functions are compositions of logarithms; these are better conditioned.
fn reference(f: fn(f64) -> f64, x: f64, fun: Fun) -> f64 {
    let a = x.abs();
    match fun {
        Fun::Asinh if a < 1e150 => (a + a * a / (1.0 + (a * a + 1.0).sqrt())).ln_1p().copysign(x),
        Fun::Asinh => (a.ln() + std::f64::consts::LN_2).copysign(x),
        Fun::Acosh if (1.0..1e150).contains(&x) => ((x - 1.0) + ((x - 1.0) * (x + 1.0)).sqrt()).ln_1p(),
        Fun::Acosh if x >= 1e150 => x.ln() + std::f64::consts::LN_2,
        Fun::Atanh => (0.5 * (2.0 * a / (1.0 - a)).ln_1p()).copysign(x),
        _ => f(x),
    }
}

/// (x, erf, erfc, erfcx) from mpmath with 50 digits.
const ERF: [(f64, f64, f64, f64); 10] = include!("erf.in");

#[test]
fn error_functions_match_mpmath() {
    for (x, erf, erfc, erfcx) in ERF {
        let v = vec![x];
        assert!(ulps64(call64(Fun::Erf, std::slice::from_ref(&v))[0], erf) <= 2.0, "erf {x}");
        assert!(ulps64(call64(Fun::Erfc, std::slice::from_ref(&v))[0], erfc) <= 4.0, "erfc {x}");
        assert!(ulps64(call64(Fun::Erfcx, std::slice::from_ref(&v))[0], erfcx) <= 4.0, "erfcx {x}");
        let s = vec![x as f32];
        assert!((x as f32) as f64 != x || ulps32(call32(Fun::Erfc, &[s])[0], erfc) <= 4.0, "erfc f32 {x}");
    }
    // f32 against our f64, which the table has vouched for.
    let mut rng = Rng(7);
    let x: Vec<f64> = inputs(200_000, -4.5, 4.5, &mut rng).iter().map(|&x| x as f32 as f64).collect();
    let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    for (&y, &exact) in
        call32(Fun::Erf, std::slice::from_ref(&single)).iter().zip(&call64(Fun::Erf, std::slice::from_ref(&x)))
    {
        assert!(ulps32(y, exact) <= 3.0, "erf f32: {y:e} for {exact:e}");
    }
    for (&y, &exact) in call32(Fun::Erfc, &[single]).iter().zip(&call64(Fun::Erfc, &[x])) {
        assert!(ulps32(y, exact) <= 6.0, "erfc f32: {y:e} for {exact:e}");
    }
}

#[test]
fn binary_functions_stay_within_their_bounds() {
    use Fun::*;
    let cases: [(Fun, fn(f64, f64) -> f64, f64, f64); 6] = [
        // The C library keeps signalling NaNs to any power.
        (Pow, |a, b| if b == 0.0 { 1.0 } else { a.powf(b) }, 1.0, 2.0),
        (Atan2, f64::atan2, 3.0, 4.0),
        (Hypot, f64::hypot, 1.0, 3.0),
        (Fmod, |a, b| a % b, 0.0, 0.0),
        (
            Remainder,
            |a, b| {
                let m = a % b;
                if m != 0.0 && (m < 0.0) != (b < 0.0) { m + b } else { m }
            },
            0.5,
            0.0,
        ),
        (DivTrunc, |a, b| (a / b).trunc(), 0.0, 0.0),
    ];
    let mut rng = Rng(6);
    for (fun, exact, u32, u64) in cases {
        let a = inputs(100_000, -20.0, 20.0, &mut rng);
        let mut b = inputs(100_000, -5.0, 5.0, &mut rng);
        for i in 0..b.len() {
            // Every pair of special values, and integral exponents.
            if i < 24 * 24 {
                b[i] = super::SPECIAL[i / 24];
            } else if i % 3 == 0 {
                b[i] = b[i].round();
            }
        }
        let a: Vec<f64> = (0..a.len()).map(|i| if i < 24 * 24 { super::SPECIAL[i % 24] } else { a[i] }).collect();
        let (sa, sb): (Vec<f32>, Vec<f32>) =
            (a.iter().map(|&x| x as f32).collect(), b.iter().map(|&x| x as f32).collect());
        for (i, &y) in call32(fun, &[sa.clone(), sb.clone()]).iter().enumerate() {
            let e = if fun == DivTrunc { (sa[i] / sb[i]).trunc() as f64 } else { exact(sa[i] as f64, sb[i] as f64) };
            // The remainder of a tiny negative number rounds to the divisor.
            assert!(ulps32(y, e) <= u32, "{fun:?}({:e}, {:e}) = {y:e}, not {e:e}", sa[i], sb[i]);
        }
        for (i, &y) in call64(fun, &[a.clone(), b.clone()]).iter().enumerate() {
            let e = exact(a[i], b[i]);
            assert!(ulps64(y, e) <= u64, "{fun:?}({:e}, {:e}) = {y:e}, not {e:e}", a[i], b[i]);
        }
    }
}

/// (function, arguments, value) from mpmath with 40 digits.
const TABLE: &[(Fun, &[f64], f64)] = include!("special.in");

#[test]
fn special_functions_match_mpmath() {
    let mut wrong = Vec::new();
    for &(fun, args, exact) in TABLE {
        let y = call64(fun, &args.iter().map(|&x| vec![x]).collect::<Vec<_>>())[0];
        // Zeros apart, what the formulas lose is a few units.
        let e = (y - exact).abs() / exact.abs().max(1e-3 * f64::EPSILON);
        if !(e <= 64.0 * f64::EPSILON || (y - exact).abs() <= 2.0 * f64::EPSILON) {
            wrong.push(format!("{fun:?}{args:?} = {y:e}, not {exact:e} ({:.0} eps)", e / f64::EPSILON));
        }
        let y = call32(fun, &args.iter().map(|&x| vec![x as f32]).collect::<Vec<_>>())[0] as f64;
        if args.iter().all(|&x| x as f32 as f64 == x)
            && (y - exact).abs() > 4.0 * f32::EPSILON as f64 * exact.abs().max(1e-30)
        {
            wrong.push(format!("{fun:?}{args:?} = {y:e} in f32, not {exact:e}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
