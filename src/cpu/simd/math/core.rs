//! What differs between f32 and f64: bit layout, constants, coefficients and the reduction of angles.

use super::{Real, pick, poly};

/// The precision-dependent parts of the elementary functions.
pub trait Core: Real {
    /// Exponents: i32 for f32, i64 for f64, so that vectors keep their lane width.
    type Int: Copy;
    /// 1.5 * 2^(mantissa bits): adding it rounds to an integer, which the low bits of the sum then hold.
    const MAGIC: Self;
    /// As `MAGIC`, with twice the exponent bias in the low bits, for [`Core::scale`].
    const MAGIC_SCALE: Self;
    /// As `MAGIC`, with one less than the exponent bias in the low bits, for [`Core::half_pow2`].
    const MAGIC_HALF: Self;
    /// ln 2 in two parts.
    const LN2: (Self, Self);
    /// log2 e in two parts.
    const LOG2E: (Self, Self);
    /// log10 e in two parts.
    const LOG10E: (Self, Self);
    /// log10 2 in two parts.
    const LOG10_2: (Self, Self);
    /// pi/2 in two parts.
    const PIO2: (Self, Self);
    /// Arguments beyond these give infinity and zero.
    const EXP_RANGE: (Self, Self);
    /// As above for powers of two.
    const EXP2_RANGE: (Self, Self);
    /// Beyond it expm1 is -1 in every rounding.
    const EXPM1_MIN: Self;
    /// Angles beyond it need more bits of pi than the fast reduction has.
    const FAR: Self;

    /// `self * 2^k` for `t = k + MAGIC_SCALE`, in two steps, so that the power is finite for every result that is.
    fn scale(self, t: Self) -> Self;
    /// 2^(k-1) for `t = k + MAGIC_HALF`, where that is a normal number.
    fn half_pow2(t: Self) -> Self;
    /// `x = 2^e * (1 + f)` with 1 + f in [sqrt 1/2, sqrt 2), for finite positive x; and 2^-e, at least the least normal.
    fn split(x: Self) -> (Self, Self, Self);
    /// (e^r - 1 - r) / r^2 for |r| <= ln(2)/2.
    fn expm1_q(r: Self) -> Self;
    /// (2^r - 1) / r for |r| <= 1/2.
    fn exp2_q(r: Self) -> Self;
    /// log(1 + f) - f for 1 + f in [sqrt 1/2, sqrt 2).
    fn log_tail(f: Self) -> Self;
    /// (atan(t) - t) / t^3 as a function of t^2, t in [0, 1].
    fn atan_p(z: Self) -> Self;
    /// (asin(t) - t) / t^3 as a function of t^2, t in [0, 1/2].
    fn asin_p(z: Self) -> Self;
    /// x - n pi/2 in two parts, and n modulo 4.
    fn reduce(x: Self) -> (Self, Self, Self::Int);
    /// sin and cos of a reduced angle.
    fn sin_cos(r: Self, tail: Self) -> (Self, Self);
    /// Is bit `bit` of `q + add` set?
    fn quadrant(q: Self::Int, add: i8, bit: u32) -> bool;
}

/// x - n pi/2 as a sum of two parts, with n in the low bits of the third: Cody and Waite in three steps over the parts of
/// pi/2. The first difference is exact (x and n pi/2 share their low bit, and it is small); the rounding errors of the second
/// product and difference go into the tail.
#[inline(always)]
fn reduce<R: Core>(x: R, pio2: [R; 3]) -> (R, R, R) {
    let t = x.fma(R::of(std::f64::consts::FRAC_2_PI), R::MAGIC);
    let n = t - R::MAGIC;
    let a = n.fma(-pio2[0], x);
    let p = n * pio2[1];
    let b = a - p;
    let d = b - a;
    let lost = (a - (b - d)) - (p + d) - n.fma(pio2[1], -p);
    let low = n.fma(-pio2[2], lost);
    let r = b + low;
    (r, (b - r) + low, t)
}

impl Core for f32 {
    type Int = i32;
    const MAGIC: f32 = 12582912.0;
    const MAGIC_SCALE: f32 = Self::MAGIC + 254.0;
    const MAGIC_HALF: f32 = Self::MAGIC + 126.0;
    const LN2: (f32, f32) = (std::f32::consts::LN_2, -1.9046542e-9);
    const LOG2E: (f32, f32) = (std::f32::consts::LOG2_E, 1.925963e-8);
    const LOG10E: (f32, f32) = (std::f32::consts::LOG10_E, -1.0108821e-8);
    const LOG10_2: (f32, f32) = (std::f32::consts::LOG10_2, -1.4320989e-8);
    const PIO2: (f32, f32) = (std::f32::consts::FRAC_PI_2, -4.371139e-8);
    const EXP_RANGE: (f32, f32) = (89.0, -104.0);
    const EXP2_RANGE: (f32, f32) = (129.0, -151.0);
    const EXPM1_MIN: f32 = -18.0;
    // n * 2^-77, the error of PIO2, stays far below the least distance (2^-30) of an f32 from a multiple of pi/2.
    const FAR: f32 = 131072.0;

    #[inline(always)]
    fn scale(self, t: f32) -> f32 {
        // Shifted into the exponent, the bits of MAGIC fall out at the top.
        let half = t.to_bits() >> 1;
        let rest = t.to_bits().wrapping_sub(half);
        self * f32::from_bits(half << 23) * f32::from_bits(rest << 23)
    }
    #[inline(always)]
    fn half_pow2(t: f32) -> f32 {
        f32::from_bits(t.to_bits() << 23)
    }
    #[inline(always)]
    fn split(x: f32) -> (f32, f32, f32) {
        let tiny = x < f32::MIN_POSITIVE;
        let y = pick(tiny, x * 8388608.0, x);
        let bits = y.to_bits() as i32;
        // 0x3f3504f3 is sqrt(1/2).
        let e = bits.wrapping_sub(0x3f3504f3) >> 23;
        let m = f32::from_bits(bits.wrapping_sub(e << 23) as u32);
        let inverse = f32::from_bits(((127i32.wrapping_sub(e)).max(1) as u32) << 23);
        (e as f32 - pick(tiny, 23.0, 0.0), m - 1.0, inverse)
    }
    #[inline(always)]
    fn expm1_q(r: f32) -> f32 {
        poly(r, [0.49999997, 0.16666542, 0.04166753, 0.008366693, 0.0013862157])
    }
    #[inline(always)]
    fn exp2_q(r: f32) -> f32 {
        poly(r, [0.6931472, 0.24022645, 0.05550359, 0.009618838, 0.0013391353, 0.00015239658])
    }
    #[inline(always)]
    fn log_tail(f: f32) -> f32 {
        let p =
            poly(f, [0.3333333, -0.2500082, 0.20001227, -0.16623358, 0.1420176, -0.13160177, 0.12761576, -0.076345265]);
        f * f * f.mul_add(p, -0.5)
    }
    #[inline(always)]
    fn atan_p(z: f32) -> f32 {
        poly(z, ATAN32)
    }
    #[inline(always)]
    fn asin_p(z: f32) -> f32 {
        poly(z, ASIN32)
    }
    #[inline(always)]
    fn reduce(x: f32) -> (f32, f32, i32) {
        let (r, tail, t) = reduce(x, [Self::PIO2.0, Self::PIO2.1, -1.7151245e-15]);
        (r, tail, t.to_bits() as i32)
    }
    #[inline(always)]
    fn sin_cos(r: f32, tail: f32) -> (f32, f32) {
        let z = r * r;
        let s = poly(z, [-0.16666655, 0.00833219, -0.00019518408]);
        let c = poly(z, [0.041666646, -0.0013887312, 2.4432742e-5]);
        let w = z.mul_add(-0.5, 1.0);
        (r + (r * z).mul_add(s, tail * w), w + (z * z).mul_add(c, -r * tail))
    }
    #[inline(always)]
    fn quadrant(q: i32, add: i8, bit: u32) -> bool {
        (q.wrapping_add(add as i32) >> bit) & 1 != 0
    }
}

impl Core for f64 {
    type Int = i64;
    const MAGIC: f64 = 6755399441055744.0;
    const MAGIC_SCALE: f64 = Self::MAGIC + 2046.0;
    const MAGIC_HALF: f64 = Self::MAGIC + 1022.0;
    const LN2: (f64, f64) = (std::f64::consts::LN_2, 2.3190468138462996e-17);
    const LOG2E: (f64, f64) = (std::f64::consts::LOG2_E, 2.0355273740931033e-17);
    const LOG10E: (f64, f64) = (std::f64::consts::LOG10_E, 1.098319650216765e-17);
    const LOG10_2: (f64, f64) = (std::f64::consts::LOG10_2, -2.8037281277851704e-18);
    const PIO2: (f64, f64) = (std::f64::consts::FRAC_PI_2, 6.123233995736766e-17);
    const EXP_RANGE: (f64, f64) = (710.0, -746.0);
    const EXP2_RANGE: (f64, f64) = (1025.0, -1076.0);
    const EXPM1_MIN: f64 = -38.0;
    // As for f32: 2^-141 n against a least distance of 2^-62.
    const FAR: f64 = 1e9;

    #[inline(always)]
    fn scale(self, t: f64) -> f64 {
        let half = t.to_bits() >> 1;
        let rest = t.to_bits().wrapping_sub(half);
        self * f64::from_bits(half << 52) * f64::from_bits(rest << 52)
    }
    #[inline(always)]
    fn half_pow2(t: f64) -> f64 {
        f64::from_bits(t.to_bits() << 52)
    }
    #[inline(always)]
    fn split(x: f64) -> (f64, f64, f64) {
        let tiny = x < f64::MIN_POSITIVE;
        let y = pick(tiny, x * 18014398509481984.0, x);
        let bits = y.to_bits();
        // The biased exponent counted from sqrt(1/2); positive for every normal number, and turned into a float by
        // writing it under the exponent of 2^52, as AVX2 has no conversion from i64.
        let up = bits.wrapping_sub(0x3fe6a09e667f3bcd).wrapping_add(1024 << 52) >> 52;
        let e = f64::from_bits(up | 0x4330000000000000) - (4503599627370496.0 + 1024.0);
        let m = f64::from_bits(bits.wrapping_sub(up.wrapping_sub(1024) << 52));
        let inverse = f64::from_bits((2047 - up.clamp(1, 2046)) << 52);
        (e - pick(tiny, 54.0, 0.0), m - 1.0, inverse)
    }
    #[inline(always)]
    fn expm1_q(r: f64) -> f64 {
        poly(
            r,
            [
                0.5,
                0.16666666666666677,
                0.0416666666666666,
                0.008333333333321443,
                0.0013888888888928337,
                0.00019841269886570426,
                2.4801587227621047e-05,
                2.7557243776384498e-06,
                2.755736178023577e-07,
                2.5109185938735996e-08,
                2.0886684693563505e-09,
            ],
        )
    }
    #[inline(always)]
    fn exp2_q(r: f64) -> f64 {
        poly(
            r,
            [
                std::f64::consts::LN_2,
                0.2402265069591007,
                0.05550410866482295,
                0.009618129107629598,
                0.0013333558146160194,
                0.00015403530391230476,
                1.5252734041127929e-05,
                1.3215488568125025e-06,
                1.0177983822787844e-07,
                7.054246236831366e-09,
                4.46580792330609e-10,
                2.6621170989702876e-11,
            ],
        )
    }
    /// With s = f / (2 + f): log(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + R(s^2)).
    #[inline(always)]
    fn log_tail(f: f64) -> f64 {
        let s = f / (2.0 + f);
        let z = s * s;
        let r = z * poly(
            z,
            [
                0.6666666666666736,
                0.39999999999405483,
                0.28571428744061894,
                0.22222198426151224,
                0.18183571057432849,
                0.15313895728652202,
                0.1479736350587642,
            ],
        );
        let h = 0.5 * f * f;
        s.mul_add(h + r, -h)
    }
    #[inline(always)]
    fn atan_p(z: f64) -> f64 {
        poly(z, ATAN64)
    }
    #[inline(always)]
    fn asin_p(z: f64) -> f64 {
        poly(z, ASIN64)
    }
    #[inline(always)]
    fn reduce(x: f64) -> (f64, f64, i64) {
        let (r, tail, t) = reduce(x, [Self::PIO2.0, Self::PIO2.1, -1.4973849048591698e-33]);
        (r, tail, t.to_bits() as i64)
    }
    #[inline(always)]
    fn sin_cos(r: f64, tail: f64) -> (f64, f64) {
        let z = r * r;
        let s = poly(
            z,
            [
                -0.1666666666666663,
                0.008333333333321945,
                -0.00019841269829484602,
                2.755731359108751e-06,
                -2.5050743528454354e-08,
                1.5896000046150026e-10,
            ],
        );
        let c = poly(
            z,
            [
                0.041666666666666595,
                -0.0013888888888873433,
                2.4801587289088995e-05,
                -2.7557314246727625e-07,
                2.087570973642429e-09,
                -1.1358979878585515e-11,
            ],
        );
        let h = 0.5 * z;
        let w = 1.0 - h;
        let cos = w + ((1.0 - w) - h + (z * z).mul_add(c, -r * tail));
        (r + (r * z).mul_add(s, tail * w), cos)
    }
    #[inline(always)]
    fn quadrant(q: i64, add: i8, bit: u32) -> bool {
        (q.wrapping_add(add as i64) >> bit) & 1 != 0
    }
}

const ATAN32: [f64; 9] = [
    -0.33333296,
    0.19998454,
    -0.14263308,
    0.10947579,
    -0.08390611,
    0.057746187,
    -0.030974017,
    0.010808225,
    -0.0017704167,
];
const ASIN32: [f64; 5] = [0.16666754, 0.07495277, 0.045471452, 0.024178796, 0.0421625];
/// The float32 next to 2 / sqrt(pi).
pub(super) const LOG_ERFC32_LEAD: f32 = 1.1283792;
/// -log(erfc(t)) / t - [`LOG_ERFC32_LEAD`] for t in [0, 4]: minimax in the relative error of erf, 4.1e-9.
pub(super) const LOG_ERFC32: [f64; 9] = [
    -5.679546410952696e-8,
    0.6366194568873869,
    0.10277725139844376,
    -0.019151131312029418,
    -0.00016370112569332493,
    0.0016701342696492118,
    -0.0006344516356909117,
    0.0001180743164108714,
    -9.302828555406437e-06,
];

const ATAN64: [f64; 19] = [
    -0.33333333333331744,
    0.19999999999740556,
    -0.14285714270658062,
    0.11111110662140117,
    -0.09090900986466441,
    0.07692210446450642,
    -0.06665842927349687,
    0.05877218477119283,
    -0.052388909335477976,
    0.04672953234635137,
    -0.040904101680290315,
    0.034029424141711694,
    -0.025775967206658687,
    0.01692679345516062,
    -0.009145955847376657,
    0.0038349399454997764,
    -0.001156243709941533,
    0.00022124276890699007,
    -2.0072156883635626e-05,
];
const ASIN64: [f64; 12] = [
    0.16666666666665406,
    0.07500000000335101,
    0.04464285683105815,
    0.03038195899692208,
    0.0223717618113127,
    0.01735964424884176,
    0.013885856581683516,
    0.01216504090053214,
    0.006546235643823274,
    0.019478022070293,
    -0.016145358394133603,
    0.03185833708891584,
];
/// erf(t) / t - 1 in powers of t^2, |t| <= 1: x + x P keeps the bits that x (1 + P) would lose.
pub(super) const ERF64: [f64; 13] = [
    0.12837916709551256,
    -0.37612638903183593,
    0.11283791670950175,
    -0.026866170644414197,
    0.0052239776195820995,
    -0.0008548326724678052,
    0.00012055322914597986,
    -1.4925418783178908e-05,
    1.6458424866986537e-06,
    -1.6325181825513775e-07,
    1.450279082141984e-08,
    -1.0805223664143399e-09,
    5.053669676823136e-11,
];
/// (1 + 2x) exp(x^2) erfc(x) in powers of (x - 4) / (x + 4).
pub(super) const ERFCX64: [f64; 24] = [
    1.2329951186255526,
    -0.1396211168405623,
    0.015379652102609307,
    0.06809705425466979,
    -0.101039066035835,
    0.09373283499908032,
    -0.06633036582067528,
    0.03716751552669695,
    -0.01619773397903023,
    0.005031970066833882,
    -0.0007577737169404318,
    -0.00019925714359078544,
    0.00015062312303236247,
    -2.4397753679050695e-05,
    -1.1225146161092352e-05,
    5.706616011683581e-06,
    2.9806303526649637e-07,
    -8.211061205118207e-07,
    7.111864198368024e-08,
    1.063467054094212e-07,
    -1.6357884948540247e-08,
    -1.2349985640863287e-08,
    1.5714118238215623e-09,
    9.316965551555168e-10,
];
/// exp(x^2) erfc(x) (1 + x) for x in [0.5, 10.2], in powers of what [`ERFCX32_RANGE`] makes of 1 / (1 + x):
/// factor and summand that bring it into [-1, 1].
pub(super) const ERFCX32: [f64; 11] = [
    0.7917704663928173,
    0.16178403397575924,
    -0.025021555435077406,
    -0.008364279719640494,
    0.003721024802892571,
    -7.779735924756246e-05,
    -0.00042322613145206583,
    0.00016645092245176922,
    -3.692176086626178e-06,
    -2.4141862647702066e-05,
    8.233674842397359e-06,
];
pub(super) const ERFCX32_RANGE: (f32, f32) = (3.4639175, -1.3092784);
/// erf(x) / x in powers of x^2, |x| <= 1/2, for f32.
pub(super) const ERF32: [f64; 6] = [
    1.1283791670824095,
    -0.37612638525650693,
    0.11283774013179539,
    -0.026863143032249386,
    0.005200413724335493,
    -0.0007694534279142308,
];
/// erfinv(x) / x for f32 in powers of w / 2.5 - 1, w = -log(1 - x^2) <= 5, and of (sqrt(w) - 3.218034) / 0.981966 beyond.
pub(super) const ERFINV32_MIDDLE: [f64; 11] = [
    1.501409351110792,
    0.6166007235686378,
    -0.02610825025337576,
    -0.01957419535690098,
    0.00852569234233724,
    -0.00048434490177890003,
    -0.0008357945005424916,
    0.0002840682437147928,
    2.4390115560760592e-05,
    -3.333668023235368e-05,
    4.455502041853586e-06,
];
pub(super) const ERFINV32_TAIL: [f64; 11] = [
    3.051757104348207,
    0.9867813366646658,
    0.005541156160313547,
    -0.003870493293776938,
    0.00258014712795675,
    -0.0017147855464503452,
    0.000933171845415791,
    -0.00031912479210090196,
    -1.3365879350196161e-05,
    7.987371750901908e-05,
    -2.8654536379479356e-05,
];
