//! The elementary functions, written once over [`Core`].

use super::core::Core;
use super::pick;

/// Clamps without losing NaN.
#[inline(always)]
fn within<R: Core>(x: R, range: (R, R)) -> R {
    let x = pick(x > range.0, range.0, x);
    pick(x < range.1, range.1, x)
}

/// `x = n ln 2 + r`: n + magic, and r.
#[inline(always)]
fn reduce_exp<R: Core>(x: R, magic: R) -> (R, R) {
    let t = x.fma(R::LOG2E.0, magic);
    let n = t - magic;
    (t, n.fma(-R::LN2.1, n.fma(-R::LN2.0, x)))
}

#[inline(always)]
pub fn exp<R: Core>(x: R) -> R {
    let (t, r) = reduce_exp(within(x, R::EXP_RANGE), R::MAGIC_SCALE);
    let p = (r * r).fma(R::expm1_q(r), r) + R::ONE;
    p.scale(t)
}

#[inline(always)]
pub fn exp2<R: Core>(x: R) -> R {
    let x = within(x, R::EXP2_RANGE);
    let t = x + R::MAGIC_SCALE;
    let r = x - (t - R::MAGIC_SCALE);
    R::exp2_q(r).fma(r, R::ONE).scale(t)
}

/// e^x - 1 where it does not overflow and x is not far below [`Core::EXPM1_MIN`].
#[inline(always)]
fn expm1_core<R: Core>(x: R) -> R {
    let (t, r) = reduce_exp(x, R::MAGIC_HALF);
    let p = (r * r).fma(R::expm1_q(r), r);
    // 2^k p + (2^k - 1), all halved: 2^k itself overflows at the top of the range.
    let s = R::half_pow2(t);
    let h = p.fma(s, s - R::HALF);
    // Halving a subnormal number would round it.
    pick(s == R::HALF, p, h + h)
}

#[inline(always)]
pub fn expm1<R: Core>(x: R) -> R {
    expm1_core(within(x, (R::EXP_RANGE.0, R::EXPM1_MIN))).copysign(x)
}

#[inline(always)]
pub fn tanh<R: Core>(x: R) -> R {
    let a = x.abs();
    let e = expm1_core(within(-(a + a), (R::ZERO, R::EXPM1_MIN - R::ONE - R::ONE)));
    (-e / (e + R::of(2.0))).copysign(x)
}

/// What to take from the exponent of x so that the logarithm is -infinity at 0 and NaN below.
#[inline(always)]
fn log_edge<R: Core>(x: R) -> R {
    let edge = pick(x < R::ZERO, R::NAN, R::INF);
    pick(x <= R::ZERO, edge, R::ZERO)
}

#[inline(always)]
pub fn log<R: Core>(x: R) -> R {
    let (e, f, _) = R::split(x);
    let r = e.fma(R::LN2.1, R::log_tail(f)) + f;
    let r = (e - log_edge(x)).fma(R::LN2.0, r);
    pick(x < R::INF, r, x)
}

#[inline(always)]
pub fn log1p<R: Core>(x: R) -> R {
    let u = R::ONE + x;
    let b = u - R::ONE;
    let lost = (R::ONE - (u - b)) + (x - b);
    let (e, f, inverse) = R::split(u);
    let f = lost.fma(inverse, f);
    let r = e.fma(R::LN2.1, R::log_tail(f)) + f;
    let r = (e - log_edge(u)).fma(R::LN2.0, r).copysign(x);
    pick(x < R::INF, r, x)
}

/// log(1 + x) for x in [0, 1] or NaN: one step of the exponent, nothing special.
#[inline(always)]
pub fn log1p_unit<R: Core>(x: R) -> R {
    let up = x > R::of(std::f64::consts::SQRT_2 - 1.0);
    let f = pick(up, (x - R::ONE) * R::HALF, x);
    let r = R::log_tail(f) + f;
    pick(up, R::LN2.0 + (R::LN2.1 + r), r)
}

/// log(x) / log(base): `c` is 1 / log(base) in two parts, `d` log(2) / log(base).
#[inline(always)]
fn log_base<R: Core>(x: R, c: (R, R), d: (R, R)) -> R {
    let (e, f, _) = R::split(x);
    let low = f.fma(c.1, R::log_tail(f) * c.0);
    let r = (e - log_edge(x)).fma(d.0, f.fma(c.0, e.fma(d.1, low)));
    pick(x < R::INF, r, x)
}

#[inline(always)]
pub fn log2<R: Core>(x: R) -> R {
    log_base(x, R::LOG2E, (R::ONE, R::ZERO))
}

#[inline(always)]
pub fn log10<R: Core>(x: R) -> R {
    log_base(x, R::LOG10E, R::LOG10_2)
}

#[inline(always)]
pub fn sin<R: Core>(x: R) -> R {
    let (r, tail, q) = R::reduce(x);
    let (s, c) = R::sin_cos(r, tail);
    let y = pick(R::quadrant(q, 0, 0), c, s);
    let y = pick(R::quadrant(q, 0, 1), -y, y);
    pick(x == R::ZERO, x, y)
}

#[inline(always)]
pub fn cos<R: Core>(x: R) -> R {
    let (r, tail, q) = R::reduce(x);
    let (s, c) = R::sin_cos(r, tail);
    let y = pick(R::quadrant(q, 0, 0), s, c);
    pick(R::quadrant(q, 1, 1), -y, y)
}

#[inline(always)]
pub fn tan<R: Core>(x: R) -> R {
    let (r, tail, q) = R::reduce(x);
    let (s, c) = R::sin_cos(r, tail);
    let odd = R::quadrant(q, 0, 0);
    let y = pick(odd, -c, s) / pick(odd, s, c);
    pick(x == R::ZERO, x, y)
}

/// Arc tangent of t in [0, 1].
#[inline(always)]
fn atan_unit<R: Core>(t: R) -> R {
    let z = t * t;
    (t * z).fma(R::atan_p(z), t)
}

#[inline(always)]
pub fn atan<R: Core>(x: R) -> R {
    let a = x.abs();
    let big = a > R::ONE;
    let t = pick(big, R::ONE, a) / pick(big, a, R::ONE);
    let r = atan_unit(t);
    let r = pick(big, R::PIO2.0 - (r - R::PIO2.1), r);
    r.copysign(x)
}

#[inline(always)]
pub fn atan2<R: Core>(y: R, x: R) -> R {
    let (ax, ay) = (x.abs(), y.abs());
    let steep = ay > ax;
    let (num, den) = (pick(steep, ax, ay), pick(steep, ay, ax));
    let t = num / den;
    // 0/0 and inf/inf are the axes and the diagonals.
    let t = pick(den == R::ZERO, R::ZERO, t);
    let t = pick(num == R::INF, R::ONE, t);
    let r = atan_unit(t);
    let r = pick(steep, R::PIO2.0 - (r - R::PIO2.1), r);
    let r = pick(x.signbit(), (R::PIO2.0 + R::PIO2.0) - (r - (R::PIO2.1 + R::PIO2.1)), r);
    let r = r.copysign(y);
    pick(x.is_nan() | y.is_nan(), x + y, r)
}

/// (asin(s), was |x| > 1/2), where s is |x| or, if that is above 1/2, sqrt((1 - |x|) / 2).
#[inline(always)]
fn asin_core<R: Core>(x: R) -> (R, bool) {
    let a = x.abs();
    let big = a > R::HALF;
    let z = pick(big, (R::ONE - a) * R::HALF, a * a);
    let s = pick(big, z.sqrt(), a);
    ((s * z).fma(R::asin_p(z), s), big)
}

#[inline(always)]
pub fn asin<R: Core>(x: R) -> R {
    let (p, big) = asin_core(x);
    let r = pick(big, R::PIO2.0 - (p + p - R::PIO2.1), p);
    r.copysign(x)
}

#[inline(always)]
pub fn acos<R: Core>(x: R) -> R {
    let (p, big) = asin_core(x);
    let small = R::PIO2.0 - (p.copysign(x) - R::PIO2.1);
    let twice = p + p;
    let left = (R::PIO2.0 + R::PIO2.0) - (twice - (R::PIO2.1 + R::PIO2.1));
    let large = pick(x.signbit(), left, twice);
    pick(big, large, small)
}

#[inline(always)]
pub fn sinh<R: Core>(x: R) -> R {
    // e^|x| / 2 overflows later than e^|x|, hence the half before the last factor.
    let a = x.abs();
    let e = expm1(a);
    let r = R::HALF * (e + e / (e + R::ONE));
    let h = exp(R::HALF * a);
    let r = pick(a > R::of(20.0), R::HALF * h * h, r);
    r.copysign(x)
}

#[inline(always)]
pub fn cosh<R: Core>(x: R) -> R {
    let a = x.abs();
    let e = exp(a);
    let h = exp(R::HALF * a);
    let r = R::HALF * (e + R::ONE / e);
    pick(a > R::of(20.0), R::HALF * h * h, r)
}

#[inline(always)]
pub fn asinh<R: Core>(x: R) -> R {
    let a = x.abs();
    // Past 2^28 (f64: error below 2^-56) asinh is log(2x), and x^2 is not needed.
    let large = a > R::of(268435456.0);
    let z = a * a;
    let near = a + z / (R::ONE + (z + R::ONE).sqrt());
    let r = log1p(pick(large, a - R::ONE, near));
    let r = pick(large, r + R::LN2.0, r);
    r.copysign(x)
}

#[inline(always)]
pub fn acosh<R: Core>(x: R) -> R {
    let large = x > R::of(268435456.0);
    let t = x - R::ONE;
    let near = t + (t * (t + R::of(2.0))).sqrt();
    let r = log1p(pick(large, t, near));
    let r = pick(large, r + R::LN2.0, r);
    pick(x < R::ONE, R::NAN, r)
}

#[inline(always)]
pub fn atanh<R: Core>(x: R) -> R {
    let a = x.abs();
    let t = a + a;
    let r = R::HALF * log1p(t / (R::ONE - a));
    let r = pick(a > R::ONE, R::NAN, r);
    r.copysign(x)
}

/// atanh for f32 in f64, whose logarithm of the quotient has bits to spare but for the smallest arguments.
#[inline(always)]
pub fn atanh32(x: f32) -> f32 {
    let a = (x as f64).abs();
    let r = 0.5 * log((1.0 + a) / (1.0 - a));
    let r = pick(a < 1e-3, a.mul_add(a * a * (1.0 / 3.0), a), r);
    (r as f32).copysign(x)
}

/// 2^(e log2 x) with C's cases, for types whose log2 has enough spare bits.
#[inline(always)]
pub(super) fn pow_by_log2(x: f64, e: f64) -> f64 {
    let a = x.abs();
    pow_special(x, e, exp2(e * log2(a)))
}

/// Replaces `r`, |x|^e, by what C's pow gives for this sign and these limits.
#[inline(always)]
pub(super) fn pow_special(x: f64, e: f64, r: f64) -> f64 {
    let half = 0.5 * e;
    let integral = e.trunc() == e;
    let odd = integral & (half.trunc() != half);
    let r = pick(x.is_sign_negative() & odd, -r, r);
    let r = pick((x < 0.0) & !integral & (x != f64::NEG_INFINITY), f64::NAN, r);
    let r = pick((x == -1.0) & (e.abs() == f64::INFINITY), 1.0, r);
    pick((x == 1.0) | (e == 0.0), 1.0, r)
}

/// log2(a) for positive finite a as a sum of two parts, with an error of about 2^-67 of it.
///
/// With s = f / (2 + f), log(1 + f) = 2s + s^3 (2/3 + s^2 P(s^2)): in double-double but for P, whose term is 2^-14 of the
/// whole.
#[inline(always)]
fn log2_two(a: f64) -> (f64, f64) {
    const P: [f64; 9] = [
        0.4,
        0.28571428571427093,
        0.22222222222618201,
        0.18181818124820512,
        0.15384620298741067,
        0.13333068272587317,
        0.11773679827525002,
        0.10342731957429349,
        0.11557349458110086,
    ];
    const TWO_THIRDS: (f64, f64) = (2.0 / 3.0, 3.700743415417188e-17);
    let (e, f, _) = f64::split(a);
    let t = 2.0 + f;
    let t_low = (2.0 - t) + f;
    let inverse = 1.0 / t;
    let s = f * inverse;
    let s_low = ((-s).mul_add(t, f) - s * t_low) * inverse;
    let z = s * s;
    let z_low = s.mul_add(s, -z) + 2.0 * s * s_low;
    let q = z * super::poly(z, P);
    let c = TWO_THIRDS.0 + q;
    let c_low = (TWO_THIRDS.0 - c) + q + TWO_THIRDS.1;
    let m = s * z;
    let m_low = s.mul_add(z, -m) + s.mul_add(z_low, s_low * z);
    let u = m * c;
    let u_low = m.mul_add(c, -u) + m.mul_add(c_low, m_low * c);
    let l = 2.0 * s + u;
    let l_low = (2.0 * s - l) + u + (u_low + 2.0 * s_low);
    // To base 2, and the exponent added.
    let h = l * f64::LOG2E.0;
    let h_low = l.mul_add(f64::LOG2E.0, -h) + l.mul_add(f64::LOG2E.1, l_low * f64::LOG2E.0);
    let w = e + h;
    (w, (e - w) + h + h_low)
}

/// C's pow in f64: 2^(e log2 |x|) with the logarithm and the product in two parts.
#[inline(always)]
pub(super) fn pow64(x: f64, e: f64) -> f64 {
    let a = x.abs();
    let (w, w_low) = log2_two(a);
    let w = pick(a == 0.0, f64::NEG_INFINITY, w);
    let w = pick(a < f64::INFINITY, w, a);
    let p = e * w;
    let p_low = e.mul_add(w, -p) + e * w_low;
    // Out of range, or not finite: the first part decides.
    let p_low = pick(p.abs() < 1100.0, p_low, 0.0);
    let p = within(p, f64::EXP2_RANGE);
    let t = p + f64::MAGIC_SCALE;
    let r = p - (t - f64::MAGIC_SCALE) + p_low;
    pow_special(x, e, f64::exp2_q(r).mul_add(r, 1.0).scale(t))
}

/// f64 through `sqrt(1 + (min/max)^2)`; f32 is exact in f64.
#[inline(always)]
pub fn hypot(x: f64, y: f64) -> f64 {
    let (a, b) = (x.abs(), y.abs());
    let (big, small) = (pick(a > b, a, b), pick(a > b, b, a));
    let t = small / big;
    let r = big * t.mul_add(t, 1.0).sqrt();
    let r = pick(small == 0.0, big, r);
    let r = pick(x.is_nan() | y.is_nan(), f64::NAN, r);
    pick((a == f64::INFINITY) | (b == f64::INFINITY), f64::INFINITY, r)
}

/// erf for f32: -expm1(-t P(t)), which keeps its relative accuracy down to 0.
#[inline(always)]
pub fn erf32(x: f32) -> f32 {
    let t = x.abs();
    let t4 = pick(t > 4.0, 4.0, t);
    // The leading coefficient in two parts: rounding it would show in every small result.
    let tail = t4 * super::poly(t4, super::core::LOG_ERFC32);
    expm1_core(-t4.mul_add(super::core::LOG_ERFC32_LEAD, tail)).copysign(x)
}

/// exp(x^2) erfc(x) for x >= 0, as a polynomial in (x - 4) / (x + 4) over 1 + 2x (Shepherd and Laframboise 1981).
#[inline(always)]
fn erfcx_positive(x: f64) -> f64 {
    let t = (x - 4.0) / (x + 4.0);
    let t = pick(x > 1e300, 1.0, t);
    super::poly(t, super::core::ERFCX64) / (2.0 * x + 1.0)
}

/// exp(-x^2), with the rounding error of the square put back.
#[inline(always)]
fn exp_minus_square(x: f64) -> f64 {
    let x = pick(x > 28.0, 28.0, x);
    let h = x * x;
    let lost = x.mul_add(x, -h);
    let e = exp(-h);
    e.mul_add(-lost, e)
}

#[inline(always)]
pub fn erfc(x: f64) -> f64 {
    let a = x.abs();
    let outer = erfcx_positive(a) * exp_minus_square(a);
    let outer = pick(x < 0.0, 2.0 - outer, outer);
    let inner = 1.0 - x.mul_add(super::poly(x * x, super::core::ERF64), x);
    pick(a < 0.5, inner, outer)
}

/// erfc for f32: exp(-x^2) times a polynomial in 1 / (1 + |x|), near 0 the complement of erf's series.
#[inline(always)]
pub fn erfc32(x: f32) -> f32 {
    let a = x.abs();
    // From here on it is less than half of the smallest number.
    let b = pick(a > 10.2, 10.2, a);
    let r = 1.0 / (1.0 + b);
    let t = r.mul_add(super::core::ERFCX32_RANGE.0, super::core::ERFCX32_RANGE.1);
    let h = b * b;
    let lost = b.mul_add(b, -h);
    let e = exp(-h);
    let outer = e.mul_add(-lost, e) * (r * super::poly(t, super::core::ERFCX32));
    let outer = pick(x < 0.0, 2.0 - outer, outer);
    let inner = (-x).mul_add(super::poly(x * x, super::core::ERF32), 1.0);
    pick(a < 0.5, inner, outer)
}

#[inline(always)]
pub fn erf64(x: f64) -> f64 {
    let a = x.abs();
    let outer = 1.0 - erfcx_positive(a) * exp_minus_square(a);
    let inner = x.mul_add(super::poly(x * x, super::core::ERF64), x);
    pick(a < 1.0, inner, outer.copysign(x))
}

#[inline(always)]
pub fn erfcx(x: f64) -> f64 {
    let a = x.abs();
    let right = erfcx_positive(a);
    let square = a * a;
    let lost = a.mul_add(a, -square);
    let e = exp(square);
    let e = pick(e < f64::INFINITY, e.mul_add(lost, e), e);
    let left = 2.0 * e - right;
    pick(x < 0.0, left, right)
}
