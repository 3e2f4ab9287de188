//! The elementary functions, written once over [`Core`].

use super::core::Core;

/// Clamps without losing NaN.
#[inline(always)]
fn within<R: Core>(x: R, range: (R, R)) -> R {
    let x = if x > range.0 { range.0 } else { x };
    if x < range.1 { range.1 } else { x }
}

/// `x = n ln 2 + r`: n as the integer and r.
#[inline(always)]
fn reduce_exp<R: Core>(x: R) -> (R::Int, R) {
    let t = x.fma(R::LOG2E.0, R::MAGIC);
    let n = t - R::MAGIC;
    let r = n.fma(-R::LN2.0, x);
    (R::magic_int(t), n.fma(-R::LN2.1, r))
}

#[inline(always)]
pub fn exp<R: Core>(x: R) -> R {
    let (k, r) = reduce_exp(within(x, R::EXP_RANGE));
    let p = R::expm1_q(r).fma(r, R::ONE).fma(r, R::ONE);
    p.scale(k)
}

#[inline(always)]
pub fn exp2<R: Core>(x: R) -> R {
    let x = within(x, R::EXP2_RANGE);
    let t = x + R::MAGIC;
    let r = x - (t - R::MAGIC);
    R::exp2_q(r).fma(r, R::ONE).scale(R::magic_int(t))
}

/// e^x - 1 where it does not overflow and x is not far below [`Core::EXPM1_MIN`].
#[inline(always)]
fn expm1_core<R: Core>(x: R) -> R {
    let (k, r) = reduce_exp(x);
    let p = (r * r).fma(R::expm1_q(r), r);
    // 2^k p + (2^k - 1), all halved: 2^k itself overflows at the top of the range.
    let s = R::half_pow2(k);
    let h = p.fma(s, s - R::HALF);
    h + h
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

/// What a logarithm gives outside (0, inf).
#[inline(always)]
fn log_special<R: Core>(x: R, r: R) -> R {
    let s = if x < R::ZERO { R::NAN } else { x };
    let s = if x == R::ZERO { -R::INF } else { s };
    if (x > R::ZERO) & (x < R::INF) { r } else { s }
}

#[inline(always)]
pub fn log<R: Core>(x: R) -> R {
    let (e, f, _) = R::split(x);
    let r = e.fma(R::LN2.1, R::log_tail(f)) + f;
    log_special(x, e.fma(R::LN2.0, r))
}

#[inline(always)]
pub fn log1p<R: Core>(x: R) -> R {
    let u = R::ONE + x;
    let b = u - R::ONE;
    let lost = (R::ONE - (u - b)) + (x - b);
    let (e, f, inverse) = R::split(u);
    let f = lost.fma(inverse, f);
    let r = e.fma(R::LN2.1, R::log_tail(f)) + f;
    let r = e.fma(R::LN2.0, r);
    // A sum of 0 or of infinity is not repaired by what it lost.
    let r = if x > -R::ONE { r } else { log_special(u, r) };
    if x < R::INF { r.copysign(x) } else { x }
}

/// log(x) / log(base): `c` is 1 / log(base) in two parts, `d` log(2) / log(base).
#[inline(always)]
fn log_base<R: Core>(x: R, c: (R, R), d: (R, R)) -> R {
    let (e, f, _) = R::split(x);
    let low = f.fma(c.1, R::log_tail(f) * c.0);
    let r = f.fma(c.0, e.fma(d.1, low));
    log_special(x, e.fma(d.0, r))
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
    let y = if R::quadrant(q, 0, 0) { c } else { s };
    let y = if R::quadrant(q, 0, 1) { -y } else { y };
    if x == R::ZERO { x } else { y }
}

#[inline(always)]
pub fn cos<R: Core>(x: R) -> R {
    let (r, tail, q) = R::reduce(x);
    let (s, c) = R::sin_cos(r, tail);
    let y = if R::quadrant(q, 0, 0) { s } else { c };
    if R::quadrant(q, 1, 1) { -y } else { y }
}

#[inline(always)]
pub fn tan<R: Core>(x: R) -> R {
    let (r, tail, q) = R::reduce(x);
    let (s, c) = R::sin_cos(r, tail);
    let odd = R::quadrant(q, 0, 0);
    let y = if odd { -c } else { s } / if odd { s } else { c };
    if x == R::ZERO { x } else { y }
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
    let t = if big { R::ONE } else { a } / if big { a } else { R::ONE };
    let r = atan_unit(t);
    let r = if big { R::PIO2.0 - (r - R::PIO2.1) } else { r };
    r.copysign(x)
}

#[inline(always)]
pub fn atan2<R: Core>(y: R, x: R) -> R {
    let (ax, ay) = (x.abs(), y.abs());
    let steep = ay > ax;
    let (num, den) = (if steep { ax } else { ay }, if steep { ay } else { ax });
    let t = num / den;
    // 0/0 and inf/inf are the axes and the diagonals.
    let t = if den == R::ZERO { R::ZERO } else { t };
    let t = if num == R::INF { R::ONE } else { t };
    let r = atan_unit(t);
    let r = if steep { R::PIO2.0 - (r - R::PIO2.1) } else { r };
    let r = if x.signbit() {
        (R::PIO2.0 + R::PIO2.0) - (r - (R::PIO2.1 + R::PIO2.1))
    } else {
        r
    };
    let r = r.copysign(y);
    if x.is_nan() | y.is_nan() { x + y } else { r }
}

/// (asin(s), was |x| > 1/2), where s is |x| or, if that is above 1/2, sqrt((1 - |x|) / 2).
#[inline(always)]
fn asin_core<R: Core>(x: R) -> (R, bool) {
    let a = x.abs();
    let big = a > R::HALF;
    let z = if big { (R::ONE - a) * R::HALF } else { a * a };
    let s = if big { z.sqrt() } else { a };
    ((s * z).fma(R::asin_p(z), s), big)
}

#[inline(always)]
pub fn asin<R: Core>(x: R) -> R {
    let (p, big) = asin_core(x);
    let r = if big { R::PIO2.0 - (p + p - R::PIO2.1) } else { p };
    r.copysign(x)
}

#[inline(always)]
pub fn acos<R: Core>(x: R) -> R {
    let (p, big) = asin_core(x);
    let small = R::PIO2.0 - (p.copysign(x) - R::PIO2.1);
    let twice = p + p;
    let left = (R::PIO2.0 + R::PIO2.0) - (twice - (R::PIO2.1 + R::PIO2.1));
    let large = if x.signbit() { left } else { twice };
    if big { large } else { small }
}

#[inline(always)]
pub fn sinh<R: Core>(x: R) -> R {
    // e^|x| / 2 overflows later than e^|x|, hence the half before the last factor.
    let a = x.abs();
    let e = expm1(a);
    let r = R::HALF * (e + e / (e + R::ONE));
    let h = exp(R::HALF * a);
    let r = if a > R::of(20.0) { R::HALF * h * h } else { r };
    r.copysign(x)
}

#[inline(always)]
pub fn cosh<R: Core>(x: R) -> R {
    let a = x.abs();
    let e = exp(a);
    let h = exp(R::HALF * a);
    let r = R::HALF * (e + R::ONE / e);
    if a > R::of(20.0) { R::HALF * h * h } else { r }
}

#[inline(always)]
pub fn asinh<R: Core>(x: R) -> R {
    let a = x.abs();
    // Past 2^28 (f64: error below 2^-56) asinh is log(2x), and x^2 is not needed.
    let large = a > R::of(268435456.0);
    let z = a * a;
    let near = a + z / (R::ONE + (z + R::ONE).sqrt());
    let r = log1p(if large { a - R::ONE } else { near });
    let r = if large { r + R::LN2.0 } else { r };
    r.copysign(x)
}

#[inline(always)]
pub fn acosh<R: Core>(x: R) -> R {
    let large = x > R::of(268435456.0);
    let t = x - R::ONE;
    let near = t + (t * (t + R::of(2.0))).sqrt();
    let r = log1p(if large { t } else { near });
    if large { r + R::LN2.0 } else { r }
}

#[inline(always)]
pub fn atanh<R: Core>(x: R) -> R {
    let a = x.abs();
    let t = a + a;
    let r = R::HALF * log1p(t / (R::ONE - a));
    let r = if a > R::ONE { R::NAN } else { r };
    r.copysign(x)
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
    let r = if x.is_sign_negative() & odd { -r } else { r };
    let r = if (x < 0.0) & !integral & (x != f64::NEG_INFINITY) {
        f64::NAN
    } else {
        r
    };
    let r = if (x == -1.0) & (e.abs() == f64::INFINITY) {
        1.0
    } else {
        r
    };
    if (x == 1.0) | (e == 0.0) { 1.0 } else { r }
}

/// f64 through `sqrt(1 + (min/max)^2)`; f32 is exact in f64.
#[inline(always)]
pub fn hypot(x: f64, y: f64) -> f64 {
    let (a, b) = (x.abs(), y.abs());
    let (big, small) = if a > b { (a, b) } else { (b, a) };
    let t = small / big;
    let r = big * t.mul_add(t, 1.0).sqrt();
    let r = if small == 0.0 { big } else { r };
    let r = if x.is_nan() | y.is_nan() { f64::NAN } else { r };
    if (a == f64::INFINITY) | (b == f64::INFINITY) {
        f64::INFINITY
    } else {
        r
    }
}

/// erf for f32: x P(x^2) inside, 1 - exp(-t P(t)) outside.
#[inline(always)]
pub fn erf32(x: f32) -> f32 {
    let t = x.abs();
    let inner = x.mul_add(f32::erf_p(x * x), x);
    let t4 = if t > 4.0 { 4.0 } else { t };
    let outer = 1.0 - exp(-t4 * super::poly(t4, super::core::LOG_ERFC32));
    if t > 0.95 { outer.copysign(x) } else { inner }
}

/// exp(x^2) erfc(x) for x >= 0, as a polynomial in (x - 4) / (x + 4) over 1 + 2x (Shepherd and Laframboise 1981).
#[inline(always)]
fn erfcx_positive(x: f64) -> f64 {
    let t = (x - 4.0) / (x + 4.0);
    let t = if x > 1e300 { 1.0 } else { t };
    super::poly(t, super::core::ERFCX64) / (2.0 * x + 1.0)
}

/// exp(-x^2), with the rounding error of the square put back.
#[inline(always)]
fn exp_minus_square(x: f64) -> f64 {
    let x = if x > 28.0 { 28.0 } else { x };
    let h = x * x;
    let lost = x.mul_add(x, -h);
    let e = exp(-h);
    e.mul_add(-lost, e)
}

#[inline(always)]
pub fn erfc(x: f64) -> f64 {
    let a = x.abs();
    let outer = erfcx_positive(a) * exp_minus_square(a);
    let outer = if x < 0.0 { 2.0 - outer } else { outer };
    let inner = 1.0 - x.mul_add(f64::erf_p(x * x), x);
    if a < 0.5 { inner } else { outer }
}

#[inline(always)]
pub fn erf64(x: f64) -> f64 {
    let a = x.abs();
    let outer = 1.0 - erfcx_positive(a) * exp_minus_square(a);
    let inner = x.mul_add(f64::erf_p(x * x), x);
    if a < 1.0 { inner } else { outer.copysign(x) }
}

#[inline(always)]
pub fn erfcx(x: f64) -> f64 {
    let a = x.abs();
    let right = erfcx_positive(a);
    let square = a * a;
    let lost = a.mul_add(a, -square);
    let e = exp(square);
    let e = if e < f64::INFINITY { e.mul_add(lost, e) } else { e };
    let left = 2.0 * e - right;
    if x < 0.0 { left } else { right }
}
