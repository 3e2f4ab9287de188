// Functions of floats and of whole numbers beyond those of math.wgsl, by the same means as the CPU's.

// Whole numbers: 0 of a division by 0, and the least number by -1 wraps.
fn divide_int(a: i32, b: i32) -> i32 {
    if (b == 0) {
        return 0;
    }
    if (b == -1) {
        return -a;
    }
    return a / b;
}
fn div_floor_int(a: i32, b: i32) -> i32 {
    let q = divide_int(a, b);
    let r = a - q * b;
    return select(q, q - 1, b != 0 && r != 0 && (r < 0) != (b < 0));
}
fn rem_int(a: i32, b: i32) -> i32 {
    return select(a - divide_int(a, b) * b, 0, b == 0);
}
fn rem_floor_int(a: i32, b: i32) -> i32 {
    let r = rem_int(a, b);
    return select(r, r + b, r != 0 && (r < 0) != (b < 0));
}
fn pow_int(a: i32, e: i32) -> i32 {
    if (e < 0) {
        return select(select(0, 1, a == 1), select(1, a, (e & 1) == 1), a == -1);
    }
    var base = a;
    var r = 1;
    for (var k = 0u; k < 32u; k++) {
        if (((e >> k) & 1) == 1) {
            r *= base;
        }
        base *= base;
    }
    return r;
}
fn gcd_int(x: i32, y: i32) -> i32 {
    var a = abs(x);
    var b = abs(y);
    for (var k = 0u; k < 64u && b != 0; k++) {
        let r = rem_int(a, b);
        a = b;
        b = r;
    }
    return abs(a);
}
fn lcm_int(a: i32, b: i32) -> i32 {
    return abs(divide_int(a, gcd_int(a, b)) * b);
}
// By any amount; smaller integers are shifted as 32 bits, whose low ones are kept.
fn shift_left_int(a: i32, n: i32) -> i32 {
    return select(0, a << u32(n & 31), n >= 0 && n < 32);
}
fn shift_right_int(a: i32, n: i32) -> i32 {
    return select(a >> 31u, a >> u32(n & 31), n >= 0 && n < 32);
}

// C's fmod, which is exact: the dividend's mantissa by shifts and subtractions, a bit of the quotient each.
fn fmod_of(x: f32, y: f32) -> f32 {
    var a = bitcast<u32>(x) & 0x7fffffffu;
    var b = bitcast<u32>(y) & 0x7fffffffu;
    let sign = bitcast<u32>(x) & 0x80000000u;
    if (b == 0u || b > INF_BITS || a >= INF_BITS) {
        return from_bits(NAN_BITS);
    }
    if (a < b) {
        return x;
    }
    var ea = i32(a >> 23u);
    var eb = i32(b >> 23u);
    a = a & 0x7fffffu;
    b = b & 0x7fffffu;
    if (ea == 0) {
        let shift = countLeadingZeros(a) - 8u;
        a = a << shift;
        ea = 1 - i32(shift);
    } else {
        a |= 0x800000u;
    }
    if (eb == 0) {
        let shift = countLeadingZeros(b) - 8u;
        b = b << shift;
        eb = 1 - i32(shift);
    } else {
        b |= 0x800000u;
    }
    for (var e = ea; e > eb; e--) {
        if (a >= b) {
            a -= b;
        }
        a = a << 1u;
    }
    if (a >= b) {
        a -= b;
    }
    if (a == 0u) {
        return from_bits(sign);
    }
    let shift = countLeadingZeros(a) - 8u;
    a = a << shift;
    let e = eb - i32(shift);
    if (e > 0) {
        return from_bits(sign | ((a - 0x800000u) + (u32(e) << 23u)));
    }
    return from_bits(sign | (a >> u32(1 - e)));
}
fn remainder_of(a: f32, b: f32) -> f32 {
    let m = fmod_of(a, b);
    return select(m, m + b, !(m == 0.0) && (b < 0.0) != (m < 0.0));
}
fn div_floor_of(a: f32, b: f32) -> f32 {
    if (b == 0.0) {
        return a / b;
    }
    let m = fmod_of(a, b);
    if (is_nan(m)) {
        return m;
    }
    var q = (a - m) / b;
    if (!(m == 0.0) && (b < 0.0) != (m < 0.0)) {
        q -= 1.0;
    }
    if (q == 0.0) {
        return from_bits((bitcast<u32>(a) ^ bitcast<u32>(b)) & 0x80000000u);
    }
    let f = floor(q);
    return select(f, f + 1.0, q - f > 0.5);
}

fn with_sign(x: f32, sign: f32) -> f32 {
    return from_bits((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(sign) & 0x80000000u));
}

fn atan_unit(t: f32) -> f32 {
    let z = t * t;
    let p = -0.33333296 + z * (0.19998454 + z * (-0.14263308 + z * (0.10947579 + z * (-0.08390611 + z * (0.057746187
        + z * (-0.030974017 + z * (0.010808225 - z * 0.0017704167)))))));
    return t + t * z * p;
}
fn atan_of(x: f32) -> f32 {
    let a = abs(x);
    let big = a > 1.0;
    let r = atan_unit(select(a, 1.0 / a, big));
    return select(with_sign(select(r, 1.5707964 - (r + 4.371139e-8), big), x), x, is_nan(x));
}
fn atan2_of(y: f32, x: f32) -> f32 {
    if (is_nan(x) || is_nan(y)) {
        return from_bits(NAN_BITS);
    }
    let ax = abs(x);
    let ay = abs(y);
    let steep = ay > ax;
    let num = select(ay, ax, steep);
    let den = select(ax, ay, steep);
    var t = num / den;
    // 0/0 and inf/inf are the axes and the diagonals.
    t = select(t, 0.0, den == 0.0);
    t = select(t, 1.0, is_inf(num));
    var r = atan_unit(t);
    r = select(r, 1.5707964 - (r + 4.371139e-8), steep);
    r = select(r, 3.1415927 - (r + 8.742278e-8), is_negative(x));
    return with_sign(r, y);
}
// asin(s), where s is |x| or, if that is above 1/2, sqrt((1 - |x|) / 2).
fn asin_core(x: f32) -> f32 {
    let a = abs(x);
    let big = a > 0.5;
    let z = select(a * a, (1.0 - a) * 0.5, big);
    let s = select(a, sqrt(z), big);
    return s + s * z * (0.16666754 + z * (0.07495277 + z * (0.045471452 + z * (0.024178796 + z * 0.0421625))));
}
fn asin_of(x: f32) -> f32 {
    if (!(abs(x) <= 1.0) || is_nan(x)) {
        return from_bits(NAN_BITS);
    }
    let p = asin_core(x);
    return with_sign(select(p, 1.5707964 - (2.0 * p + 4.371139e-8), abs(x) > 0.5), x);
}
fn acos_of(x: f32) -> f32 {
    if (!(abs(x) <= 1.0) || is_nan(x)) {
        return from_bits(NAN_BITS);
    }
    let p = asin_core(x);
    let small = 1.5707964 - (with_sign(p, x) + 4.371139e-8);
    let large = select(2.0 * p, 3.1415927 - (2.0 * p + 8.742278e-8), is_negative(x));
    return select(small, large, abs(x) > 0.5);
}
fn sinh_of(x: f32) -> f32 {
    let a = abs(x);
    let e = expm1_of(min(a, 21.0));
    // e^|x| / 2 overflows later than e^|x|.
    let h = exp_of(0.5 * a);
    return select(with_sign(select(0.5 * (e + e / (e + 1.0)), 0.5 * h * h, a > 20.0), x), x, is_nan(x));
}
fn cosh_of(x: f32) -> f32 {
    let a = abs(x);
    let e = exp_of(min(a, 21.0));
    let h = exp_of(0.5 * a);
    return select(select(0.5 * (e + 1.0 / e), 0.5 * h * h, a > 20.0), x, is_nan(x));
}
fn asinh_of(x: f32) -> f32 {
    let a = abs(x);
    let large = a > 268435456.0;
    let z = a * a;
    let near = a + z / (1.0 + sqrt(z + 1.0));
    let r = select(log1p_of(near), log_of(a) + 0.6931472, large);
    return select(with_sign(r, x), x, is_nan(x) || is_inf(x));
}
fn acosh_of(x: f32) -> f32 {
    if (x < 1.0 || is_nan(x)) {
        return from_bits(NAN_BITS);
    }
    let t = x - 1.0;
    return select(log1p_of(t + sqrt(t * (t + 2.0))), log_of(x) + 0.6931472, x > 268435456.0);
}
fn atanh_of(x: f32) -> f32 {
    let a = abs(x);
    if (a > 1.0 || is_nan(x)) {
        return from_bits(NAN_BITS);
    }
    if (a == 1.0) {
        return with_sign(from_bits(INF_BITS), x);
    }
    return with_sign(0.5 * log1p_of(2.0 * a / (1.0 - a)), x);
}
fn hypot_of(x: f32, y: f32) -> f32 {
    if (is_inf(x) || is_inf(y)) {
        return from_bits(INF_BITS);
    }
    if (is_nan(x) || is_nan(y)) {
        return from_bits(NAN_BITS);
    }
    let big = max(abs(x), abs(y));
    let small = min(abs(x), abs(y));
    let t = small / big;
    return select(big * sqrt(1.0 + t * t), big, small == 0.0);
}
fn exp2_of(x: f32) -> f32 {
    return select(exp2(x), x, is_nan(x));
}
fn log_add_exp(a: f32, b: f32) -> f32 {
    let top = maximum(a, b);
    return select(top + log1p_of(exp_of(-abs(a - b))), top + 0.6931472, a == b);
}
fn log_add_exp2(a: f32, b: f32) -> f32 {
    let top = maximum(a, b);
    return select(top + log1p_of(exp2_of(-abs(a - b))) * 1.442695, top + 1.0, a == b);
}
fn times_log(a: f32, log: f32, b: f32) -> f32 {
    return select(select(a * log, 0.0, a == 0.0), b, is_nan(b));
}
fn heaviside_of(a: f32, b: f32) -> f32 {
    return select(select(0.0, 1.0, a > 0.0), b, a == 0.0);
}
fn next_after(a: f32, b: f32) -> f32 {
    if (is_nan(a) || is_nan(b)) {
        return from_bits(NAN_BITS);
    }
    let x = bitcast<u32>(a);
    let y = bitcast<u32>(b);
    if (x == y || ((x | y) & 0x7fffffffu) == 0u) {
        return b;
    }
    if ((x & 0x7fffffffu) == 0u) {
        return from_bits((y & 0x80000000u) | 1u);
    }
    // By bits: denormals may compare as 0.
    let left = select(i32(x & 0x7fffffffu), -i32(x & 0x7fffffffu), x >> 31u == 1u);
    let right = select(i32(y & 0x7fffffffu), -i32(y & 0x7fffffffu), y >> 31u == 1u);
    let outward = (right > left) == (x >> 31u == 0u);
    return from_bits(select(x - 1u, x + 1u, outward));
}

// An angle as n pi/2 + r: by three parts of pi/2 where n times the first two is exact, and beyond by 2/pi to 192 bits
// (Payne and Hanek), the mantissa times those words of it that matter.
struct Angle {
    r: f32,
    n: u32,
}
fn two_over_pi(k: u32) -> u32 {
    switch (k) {
        case 0u: { return 0u; }
        case 1u: { return 0xa2f9836eu; }
        case 2u: { return 0x4e441529u; }
        case 3u: { return 0xfc2757d1u; }
        case 4u: { return 0xf534ddc0u; }
        case 5u: { return 0xdb629599u; }
        case 6u: { return 0x3c439041u; }
        default: { return 0xfe5163abu; }
    }
}
fn multiply_words(a: u32, b: u32) -> vec2<u32> {
    let al = a & 0xffffu;
    let ah = a >> 16u;
    let bl = b & 0xffffu;
    let bh = b >> 16u;
    let low = al * bl;
    let first = ah * bl + (low >> 16u);
    let second = al * bh + (first & 0xffffu);
    return vec2<u32>((second << 16u) | (low & 0xffffu), ah * bh + (first >> 16u) + (second >> 16u));
}
fn reduced_angle(x: f32) -> Angle {
    let a = abs(x);
    var out: Angle;
    if (a < 6000.0) {
        let n = round(a * 0.63661975);
        out.r = ((a - n * 1.5703125) - n * 0.00048375129699707031) - n * 7.54978995489188216e-8;
        out.n = u32(n);
    } else {
        let bits = bitcast<u32>(a);
        // Bits of 2/pi whose product with the mantissa is a multiple of 4 are left out.
        let m = (bits & 0x7fffffu) | 0x800000u;
        let up = (bits >> 23u) - 128u;
        let word = up / 32u;
        let shift = up % 32u;
        var w = array<u32, 3>();
        for (var k = 0u; k < 3u; k++) {
            let high = two_over_pi(word + k);
            let next = two_over_pi(word + k + 1u);
            w[k] = select((high << shift) | (next >> (32u - max(shift, 1u))), high, shift == 0u);
        }
        // The product's three top words, of which the first holds the quotient modulo 4 in its two top bits.
        let p2 = multiply_words(m << 8u, w[2]);
        let p1 = multiply_words(m << 8u, w[1]);
        var low = p1.x + p2.y;
        let carry = select(0u, 1u, low < p1.x);
        var high = (m << 8u) * w[0] + p1.y + carry;
        var n = high >> 30u;
        high = (high << 2u) | (low >> 30u);
        low = low << 2u;
        // To the nearest quarter.
        let negative = high >> 31u == 1u;
        if (negative) {
            n += 1u;
            low = ~low + 1u;
            high = ~high + select(0u, 1u, low == 0u);
        }
        let lead = min(countLeadingZeros(high), 31u);
        let top = select((high << lead) | (low >> (32u - max(lead, 1u))), high, lead == 0u);
        let r = f32(top) * bitcast<f32>((95u - lead) << 23u) * 1.5707964;
        out.r = select(r, -r, negative);
        out.n = n;
    }
    return out;
}
fn sin_part(r: f32) -> f32 {
    let z = r * r;
    return r + r * z * (-0.16666655 + z * (0.00833219 - z * 0.00019518408));
}
fn cos_part(r: f32) -> f32 {
    let z = r * r;
    return 1.0 - 0.5 * z + z * z * (0.041666646 + z * (-0.0013887312 + z * 2.4432742e-5));
}
fn sin_of(x: f32) -> f32 {
    if (is_nan(x) || is_inf(x)) {
        return from_bits(NAN_BITS);
    }
    if (abs(x) < 1e-4) {
        return x;
    }
    let q = reduced_angle(x);
    let y = select(sin_part(q.r), cos_part(q.r), (q.n & 1u) == 1u);
    return select(y, -y, ((q.n >> 1u) & 1u) != (bitcast<u32>(x) >> 31u));
}
fn cos_of(x: f32) -> f32 {
    if (is_nan(x) || is_inf(x)) {
        return from_bits(NAN_BITS);
    }
    let q = reduced_angle(x);
    let y = select(cos_part(q.r), sin_part(q.r), (q.n & 1u) == 1u);
    return select(y, -y, (((q.n + 1u) >> 1u) & 1u) == 1u);
}
fn tan_of(x: f32) -> f32 {
    if (is_nan(x) || is_inf(x)) {
        return from_bits(NAN_BITS);
    }
    if (abs(x) < 1e-4) {
        return x;
    }
    let q = reduced_angle(x);
    let s = sin_part(q.r);
    let c = cos_part(q.r);
    let y = select(s / c, -c / s, (q.n & 1u) == 1u);
    return select(y, -y, is_negative(x));
}
fn sinc_of(x: f32) -> f32 {
    let t = x * 3.1415927;
    return select(sin_of(t) / t, 1.0, x == 0.0);
}
fn logit_of(v: f32, eps: f32) -> f32 {
    let x = select(minimum(maximum(v, eps), 1.0 - eps), v, eps < 0.0);
    return log_of(x / (1.0 - x));
}
fn logit_grad(g: f32, x: f32, eps: f32) -> f32 {
    let edge = max(eps, 0.0);
    let outside = select(0.0, from_bits(NAN_BITS), eps < 0.0);
    return select(g / (x * (1.0 - x)), outside, x < edge || x > 1.0 - edge);
}
fn entr_of(x: f32) -> f32 {
    return select(select(-x * log_of(x), 0.0, x == 0.0), from_bits(0xff800000u), x < 0.0);
}

// e^(x^2) erfc(x) for x >= 0: W. H. Press and others, Numerical Recipes (2007), section 6.2.2, as far as float32 needs it.
fn erfcx_right(x: f32) -> f32 {
    let t = 2.0 / (2.0 + x);
    let u = 4.0 * t - 2.0;
    var d = 0.0;
    var dd = 0.0;
    var fit = array<f32, 16>(
        -1.3026537197817094, 0.64196979235649026, 0.019476473204185836, -0.00956151478680863, -0.000946595344482036,
        0.000366839497852761, 4.2523324806907e-5, -2.0278578112534e-5, -1.624290004647e-6, 1.303655835580e-6,
        1.5626441722e-8, -8.5238095915e-8, 6.529054439e-9, 5.059343495e-9, -9.91364156e-10, -2.27365122e-10,
    );
    for (var k = 15u; k > 0u; k--) {
        let next = u * d - dd + fit[k];
        dd = d;
        d = next;
    }
    return t * exp_of(0.5 * (fit[0] + u * d) - dd);
}
// e^(-x^2), the square in two parts: rounded whole, its error would be the result's.
fn exp_minus_square(x: f32) -> f32 {
    let high = from_bits(bitcast<u32>(x) & 0xfffff000u);
    return exp_of(-high * high) * exp_of(-(x - high) * (x + high));
}
fn erfc_of(x: f32) -> f32 {
    if (is_nan(x)) {
        return x;
    }
    let a = min(abs(x), 11.0);
    if (a < 0.5) {
        return 1.0 - erf_of(x);
    }
    let r = erfcx_right(a) * exp_minus_square(a);
    return select(r, 2.0 - r, x < 0.0);
}
fn erfcx_of(x: f32) -> f32 {
    if (is_nan(x)) {
        return x;
    }
    let a = abs(x);
    // Beyond 1e4 the first term of the asymptotic series is all.
    let right = select(erfcx_right(min(a, 1e4)), 0.5641896 / a, a > 1e4);
    if (x >= 0.0) {
        return right;
    }
    if (a > 9.5) {
        return from_bits(INF_BITS);
    }
    return 2.0 / exp_minus_square(a) - right;
}
fn ndtr_of(x: f32) -> f32 {
    return 0.5 * erfc_of(-x * 0.70710677);
}
fn log_ndtr_of(x: f32) -> f32 {
    let t = x * 0.70710677;
    return select(log1p_of(-0.5 * erfc_of(t)), log_of(0.5 * erfcx_of(-t)) - t * t, x < -1.0);
}
// Giles' approximation, single precision, and a step of Newton's.
fn erfinv_of(x: f32) -> f32 {
    let a = abs(x);
    if (a > 1.0 || is_nan(x)) {
        return from_bits(NAN_BITS);
    }
    if (a == 1.0) {
        return with_sign(from_bits(INF_BITS), x);
    }
    let w = -log1p_of(-a * a);
    var p: f32;
    if (w < 5.0) {
        let v = w - 2.5;
        p = 1.50140941 + v * (0.246640727 + v * (-0.00417768164 + v * (-0.00125372503 + v * (0.00021858087
            + v * (-4.39150654e-6 + v * (-3.5233877e-6 + v * (3.43273939e-7 + v * 2.81022636e-8)))))));
    } else {
        let v = sqrt(w) - 3.0;
        p = 2.83297682 + v * (1.00167406 + v * (0.00943887047 + v * (-0.0076224613 + v * (0.00573950773
            + v * (-0.00367342844 + v * (0.00134934322 + v * (0.000100950558 - v * 0.000200214257)))))));
    }
    return p * x;
}
fn ndtri_of(p: f32) -> f32 {
    if (p < 0.0 || p > 1.0 || is_nan(p)) {
        return from_bits(NAN_BITS);
    }
    if (p == 0.0 || p == 1.0) {
        return select(from_bits(INF_BITS), from_bits(0xff800000u), p == 0.0);
    }
    // Small tails by the logarithm of both sides: 1 - 2p would lose them.
    let q = min(p, 1.0 - p);
    if (q > 0.1) {
        return 1.4142135 * erfinv_of(2.0 * p - 1.0);
    }
    let t = sqrt(-2.0 * log_of(q));
    var z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (var k = 0u; k < 2u; k++) {
        let density = 0.39894228 * exp_of(-0.5 * z * z);
        let u = (q - 0.5 * erfc_of(z * 0.70710677)) / density;
        // Where the density is no normal number any more the guess stays.
        z = select(z, z - u / (1.0 + 0.5 * z * u), density > 1e-37);
    }
    return select(z, -z, p < 0.5);
}
#if SPECIAL
#include "lib/special.wgsl"
#endif
