// Special functions, mostly by the series and fractions that the CPU has in double precision, as far as float32 needs them.
// Polynomials without a source are interpolations at Chebyshev's points.

fn sharp_exp(x: f32) -> f32 {
    return exp_scaled(x, 0);
}

// By recurrence up to 10, and the asymptotic series from there; reflection below 0.
fn digamma_of(v: f32) -> f32 {
    if (v == 0.0) {
        return with_sign(from_bits(INF_BITS), -v);
    }
    if (is_nan(v) || (is_inf(v) && v < 0.0)) {
        return from_bits(NAN_BITS);
    }
    var x = v;
    var sum = 0.0;
    if (v < 0.0) {
        if (trunc(v) == v) {
            return from_bits(NAN_BITS);
        }
        sum = -3.1415927 / tan_of(3.1415927 * (v - round(v)));
        x = 1.0 - v;
    }
    for (var k = 0u; k < 10u && x < 10.0; k++) {
        sum -= 1.0 / x;
        x += 1.0;
    }
    if (is_inf(x)) {
        return x;
    }
    let z = 1.0 / (x * x);
    return sum + log_of(x) - 0.5 / x - z * (0.083333336 - z * (0.008333334 - z * 0.003968254));
}

// log gamma(2 + t) for |t| <= 1/2, which is 0 at 0 (and at -1).
fn lgamma_near_2(t: f32) -> f32 {
    return t * (1.0 + t) * (0.42278433 + t * (-0.1003173 + t * (0.032965793 + t * (-0.012384553 + t * (0.0049829364
        + t * (-0.002100971 + t * (0.0010136577 - t * 0.0004504985)))))));
}
// log gamma(x) for x > 0: by gamma(x + 1) = x gamma(x) from around 2, and Stirling's series from 8 on.
fn lgamma_right(x: f32) -> f32 {
    if (x >= 8.0) {
        let z = 1.0 / x;
        return (x - 0.5) * (log_of(x) - 1.0) + 0.4189385
            + z * (0.083333336 - z * z * (0.0027777778 - z * z * 0.0007936508));
    }
    if (x < 0.5) {
        return lgamma_near_2(x) - log_of(x * (1.0 + x));
    }
    // 1 + x would be rounded here, and lose what is near the zero at 1.
    if (x < 1.5) {
        return lgamma_near_2(x - 1.0) - log_of(x);
    }
    var t = x - 2.0;
    var product = 1.0;
    for (var k = 0u; k < 6u && t > 0.5; k++) {
        product *= 1.0 + t;
        t -= 1.0;
    }
    return log_of(product) + lgamma_near_2(t);
}
fn lgamma_of(x: f32) -> f32 {
    if (is_nan(x)) {
        return x;
    }
    let a = abs(x);
    if (is_inf(x) || a < 1e-6) {
        return select(-log_of(a), a, is_inf(x));
    }
    let right = lgamma_right(a);
    if (x > 0.0) {
        return right;
    }
    let r = x - round(x);
    if (r == 0.0) {
        return from_bits(INF_BITS);
    }
    // By gamma(x) gamma(-x) = -pi / (x sin(pi x)).
    return 1.1447299 - log_of(a * abs(sin_of(3.1415927 * r))) - right;
}

// The sum of (q + k)^-x for q > 0, times gamma(x) if asked: terms up to w, and from there the formula of Euler and Maclaurin.
// Summed is (q / (q + k))^x, which neither overflows nor vanishes.
fn zeta_right(exponent: f32, q: f32, times_gamma: bool) -> f32 {
    let x = min(exponent, 16777216.0);
    var w = q;
    var sum = 0.0;
    var done = false;
    for (var k = 0u; k < 64u && !done && w < 8.0 + x; k++) {
        let term = power_positive(q / w, x);
        sum += term;
        // What follows is about the integral from here.
        done = term * (1.0 + w) < 3e-8 * sum * (x - 1.0);
        w += 1.0;
    }
    sum = sum / q;
    if (!done) {
        let v = 1.0 / w;
        let more = 0.5 + x * v / 12.0 * (1.0 - (x + 1.0) * v * (x + 2.0) * v / 60.0 * (1.0 - (x + 3.0) * v * (x + 4.0) * v / 42.0
            * (1.0 - (x + 5.0) * v * (x + 6.0) * v / 40.0 * (1.0 - (x + 7.0) * v * (x + 8.0) * v / 39.6))));
        sum += power_positive(q / w, x) * (more / q + w / q / (x - 1.0));
    }
    if (!times_gamma) {
        return power_positive(q, 1.0 - x) * sum;
    }
    // gamma(x) q^(1 - x), factor by factor.
    for (var k = 1.0; k < x && !(sum == 0.0) && !is_inf(sum); k += 1.0) {
        sum *= k / q;
    }
    return sum;
}
fn zeta_whole(x: f32, q: f32, times_gamma: bool) -> f32 {
    if (is_nan(q)) {
        return q;
    }
    if (is_inf(q)) {
        return select(0.0, from_bits(NAN_BITS), q < 0.0);
    }
    if (q > 0.0) {
        return zeta_right(x, q, times_gamma);
    }
    if (q == floor(q)) {
        return from_bits(INF_BITS);
    }
    if (x != floor(x) || is_inf(x)) {
        return from_bits(NAN_BITS);
    }
    // The sum over all integers, whose two sides depend on the fraction of q alone, less what lies left of q.
    let f = q - floor(q);
    let g = ceil(q) - q;
    let right = zeta_right(x, f, times_gamma);
    let left = zeta_right(x, g, times_gamma);
    let beyond = zeta_right(x, 1.0 - q, times_gamma);
    if (x >= 16777216.0 || (i32(x) & 1) == 0) {
        return right + (left - beyond);
    }
    if (f == g) {
        return beyond;
    }
    // Of two infinities that of the nearer pole is the greater.
    return select(right - left + beyond, select(-left, right, f < g), is_inf(right) && is_inf(left));
}
// Hurwitz' zeta.
fn zeta_of(x: f32, q: f32) -> f32 {
    if (x == 1.0) {
        return from_bits(INF_BITS);
    }
    if (is_nan(x) || x < 1.0 || (is_inf(x) && q > 1.0 && !is_inf(q))) {
        return from_bits(NAN_BITS);
    }
    return zeta_whole(x, q, false);
}
fn polygamma_of(n: i32, x: f32) -> f32 {
    if (n == 0) {
        return digamma_of(x);
    }
    let r = zeta_whole(f32(n) + 1.0, x, true);
    return select(r, -r, (n & 1) == 0);
}

// The power series of Bessel functions of order v = 0 and 1, (x/2)^v times the sum of q^k / (k! (k+v)!): with q = (x/2)^2
// that of I, with its negative that of J.
fn bessel_sum(v: f32, x: f32, q: f32) -> f32 {
    var term = select(0.5 * x, 1.0, v == 0.0);
    var sum = term;
    for (var k = 1.0; k < 40.0 && abs(term) > 1e-9 * abs(sum); k += 1.0) {
        term *= q / (k * (k + v));
        sum += term;
    }
    return sum;
}
// The same with log(x/2) - (psi(k+1) + psi(k+v+1)) / 2 in each term: what K and Y are made of (Abramowitz and Stegun, 9.1.11
// and 9.6.11).
fn bessel_log_sum(v: f32, x: f32, q: f32) -> f32 {
    var term = select(0.5 * x, 1.0, v == 0.0);
    var log = log_of(x) - 0.6931472 + 0.5772157 - 0.5 * v;
    var sum = term * log;
    for (var k = 1.0; k < 20.0; k += 1.0) {
        term *= q / (k * (k + v));
        log -= 0.5 / k + 0.5 / (k + v);
        sum += term * log;
    }
    return sum;
}

// exp(-|x|) I_v(x): the power series up to 10, the asymptotic one beyond.
fn bessel_ie(v: f32, x: f32) -> f32 {
    if (is_nan(x)) {
        return x;
    }
    let a = abs(x);
    var r = 0.0;
    if (a <= 10.0) {
        r = sharp_exp(-a) * bessel_sum(v, a, 0.25 * a * a);
    } else if (!is_inf(a)) {
        var term = 1.0;
        var sum = 1.0;
        for (var k = 1.0; k < 20.0 && abs(term) > 1e-9; k += 1.0) {
            let odd = 2.0 * k - 1.0;
            term *= (odd * odd - 4.0 * v * v) / (8.0 * k) / a;
            sum += term;
        }
        r = sum * 0.3989423 / sqrt(a);
    }
    return select(r, -r, v == 1.0 && is_negative(x));
}
fn bessel_i(v: f32, x: f32) -> f32 {
    let a = abs(x);
    if (is_nan(x) || is_inf(x)) {
        return select(a, x, v == 1.0);
    }
    if (a <= 10.0) {
        return bessel_sum(v, x, 0.25 * a * a);
    }
    // e^a overflows before the product does.
    let half = sharp_exp(0.5 * a);
    return bessel_ie(v, x) * half * half;
}
// K_v(x), times e^x if scaled: series up to 1, beyond the trapezoidal rule on the integral of e^(-x cosh t) cosh(v t), a bell
// of width x^-1/2.
fn bessel_k(v: f32, x: f32, scaled: bool) -> f32 {
    if (is_nan(x) || x < 0.0) {
        return from_bits(NAN_BITS);
    }
    if (x == 0.0 || is_inf(x)) {
        return select(0.0, from_bits(INF_BITS), x == 0.0);
    }
    if (x <= 1.0) {
        let sum = bessel_log_sum(v, x, 0.25 * x * x);
        let r = select(-sum, 1.0 / x + sum, v == 1.0);
        return select(r, r * sharp_exp(x), scaled);
    }
    let step = 0.4 / sqrt(x);
    var sum = 0.5;
    for (var k = 1.0; k < 16.0; k += 1.0) {
        let s = sinh_of(0.5 * k * step);
        sum += sharp_exp(-(x * s) * (s + s)) * (1.0 + v * 2.0 * s * s);
    }
    return step * sum * select(sharp_exp(-x), 1.0, scaled);
}

// sqrt(2 / (pi x)) M cos(x - (1/4 + v/2) pi + P/x) for x > 3, which is J_v; with sin, as here with a quarter turn less, Y_v.
// M and P are interpolated in 1/x^2 (modulus and phase of Abramowitz and Stegun, 9.2.17).
// The angle is reduced before the rest is added, which x would swallow.
fn bessel_wave(v: f32, x: f32, turn: u32) -> f32 {
    let t = 1.0 / x;
    let u = t * t;
    var m: f32;
    var p: f32;
    if (v == 0.0) {
        m = 0.99999996 + u * (-0.062475926 + u * (0.10066476 + u * (-0.40085498 + u * (1.6381928 - u * 3.5189106))));
        p = -0.12499986 + u * (0.065012418 + u * (-0.19849238 + u * (1.0625789 + u * (-4.9227585 + u * 11.172101))));
    } else {
        m = 1.0 + u * (0.18746817 + u * (-0.18960884 + u * (0.6204164 + u * (-2.364868 + u * 4.9481759))));
        p = 0.37499982 + u * (-0.16394136 + u * (0.35635506 + u * (-1.6229055 + u * (7.0888615 - u * 15.719174))));
    }
    let angle = reduced_angle(x);
    let r = angle.r - 0.7853982 + p * t;
    let quarter = (angle.n - turn - u32(v)) & 3u;
    let wave = select(cos_of(r), sin_of(r), (quarter & 1u) == 1u);
    return m * 0.7978846 / sqrt(x) * select(wave, -wave, quarter == 1u || quarter == 2u);
}
fn bessel_j(v: f32, x: f32) -> f32 {
    if (is_nan(x)) {
        return x;
    }
    let a = abs(x);
    if (is_inf(x)) {
        return 0.0;
    }
    if (a <= 3.0) {
        return bessel_sum(v, x, -0.25 * a * a);
    }
    let r = bessel_wave(v, a, 0u);
    return select(r, -r, v == 1.0 && x < 0.0);
}
fn bessel_y(v: f32, x: f32) -> f32 {
    if (is_nan(x) || x < 0.0) {
        return from_bits(NAN_BITS);
    }
    if (x == 0.0 || is_inf(x)) {
        return select(0.0, from_bits(0xff800000u), x == 0.0);
    }
    if (x <= 3.0) {
        let sum = bessel_log_sum(v, x, -0.25 * x * x);
        return 0.63661977 * select(sum, sum - 1.0 / x, v == 1.0);
    }
    return bessel_wave(v, x, 1u);
}

// mu - log(1 + mu) with mu = (x - a) / a, by the series of atanh near 0.
fn log_excess(a: f32, x: f32) -> f32 {
    let mu = (x - a) / a;
    let s = mu / (2.0 + mu);
    let q = s * s;
    let series = s * (mu - 2.0 * q * (0.33333334 + q * (0.2 + q * (0.14285715 + q * (0.11111111 + q * (0.09090909
        + q * (0.07692308 + q * 0.06666667)))))));
    return select(mu - log_of(x / a), series, abs(mu) < 0.6);
}
// x^a e^-x / gamma(1 + a).
fn gamma_density(a: f32, x: f32) -> f32 {
    if (a >= 10.0) {
        let z = 1.0 / a;
        return 0.3989423 / sqrt(a) * sharp_exp(-a * log_excess(a, x) - z * (0.083333336 - z * z * 0.0027777778));
    }
    if (x > 200.0) {
        return 0.0;
    }
    let half = sharp_exp(-0.5 * x);
    return power_positive(x, a) * half * half * sharp_exp(-lgamma_right(1.0 + a));
}
// Temme's uniform expansion (SIAM J. Math. Anal. 10, 1979; DLMF 8.12): the tail on x's side of a, for large a.
fn gamma_tail(a: f32, x: f32) -> f32 {
    let half = log_excess(a, x);
    let eta = select(sqrt(2.0 * half), -sqrt(2.0 * half), x < a);
    let c0 = -0.33333334 + eta * (0.083333336 + eta * (-0.014814815 + eta * (0.0011574074 + eta * (0.00035273369
        + eta * (-0.00017875514 + eta * 3.9192632e-5)))));
    let c1 = -0.0018518518 + eta * (-0.0034722222 + eta * (0.0026455026 + eta * (-0.00099022634 + eta * 0.00020576132)));
    let c2 = 0.0041335979 + eta * (-0.0026813272 + eta * 0.00077160494);
    let rest = 0.3989423 / sqrt(a) * (c0 + (c1 + c2 / a) / a);
    return sharp_exp(-a * half) * (0.5 * erfcx_right(sqrt(a * half)) + select(rest, -rest, x < a));
}
// The lower one's power series.
fn gamma_series(a: f32, x: f32) -> f32 {
    var term = 1.0;
    var sum = 1.0;
    var n = a;
    for (var k = 0u; k < 100u && term > 1e-8 * sum; k++) {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    return sum * gamma_density(a, x);
}
// The upper one's for x near 0, without the loss of 1 - lower where that is near 1.
fn gamma_series_upper(a: f32, x: f32) -> f32 {
    var term = 1.0;
    var sum = 0.0;
    for (var k = 1.0; k < 20.0; k += 1.0) {
        term *= -x / k;
        sum += term / (a + k);
    }
    // log(x^a / gamma(1 + a)).
    let log_gamma = select(lgamma_right(1.0 + a), lgamma_near_2(a) - log1p_of(a), a <= 0.5);
    let e = expm1_of(a * log_of(x) - log_gamma);
    return -e - (1.0 + e) * a * sum;
}
// The upper one's continued fraction, Legendre's, by Lentz' method.
fn gamma_fraction(a: f32, x: f32) -> f32 {
    let density = gamma_density(a, x);
    if (density == 0.0) {
        return 0.0;
    }
    var b = x + 1.0 - a;
    var c = 1e30;
    var d = 1.0 / b;
    var h = d;
    var change = 0.0;
    for (var i = 1.0; i < 100.0 && abs(change - 1.0) > 6e-8; i += 1.0) {
        let n = i * (a - i);
        b += 2.0;
        d = 1.0 / (n * d + b);
        c = b + n / c;
        change = d * c;
        h *= change;
    }
    return h * a * density;
}
// The regularised incomplete gamma functions. Which of the two is computed, and how, is as in SciPy's igam.c.
fn incomplete_gamma(a: f32, x: f32, upper: bool) -> f32 {
    if (is_nan(a) || is_nan(x) || a < 0.0 || x < 0.0 || (a == 0.0 && x == 0.0) || (is_inf(a) && is_inf(x))) {
        return from_bits(NAN_BITS);
    }
    if (a == 0.0 || is_inf(x)) {
        return select(1.0, 0.0, upper);
    }
    if (x == 0.0 || is_inf(a)) {
        return select(0.0, 1.0, upper);
    }
    var is_upper = x >= a;
    var r: f32;
    if (a > 20.0 && abs(x - a) < 0.4 * a) {
        r = gamma_tail(a, x);
    } else {
        if (upper && x <= 0.5) {
            is_upper = -0.4 / log_of(x) >= a;
        } else if (upper && x <= 1.1) {
            is_upper = 1.1 * x >= a;
        } else if (x <= 1.0) {
            is_upper = false;
        }
        if (!is_upper) {
            r = gamma_series(a, x);
        } else if (x > 1.1) {
            r = gamma_fraction(a, x);
        } else {
            r = gamma_series_upper(a, x);
        }
    }
    return select(1.0 - r, r, upper == is_upper);
}

// The parts of x = mantissa 2^exponent.
fn exponent_of(x: f32) -> f32 {
    let bits = bitcast<u32>(x) & 0x7fffffffu;
    if (bits == 0u || bits >= INF_BITS) {
        return 0.0;
    }
    let shift = select(0u, countLeadingZeros(bits) - 8u, bits < 0x800000u);
    return f32(i32((bits << shift) >> 23u) - 126 - i32(shift));
}
fn mantissa_of(x: f32) -> f32 {
    let bits = bitcast<u32>(x) & 0x7fffffffu;
    if (bits == 0u || bits >= INF_BITS) {
        return x;
    }
    let shift = select(0u, countLeadingZeros(bits) - 8u, bits < 0x800000u);
    return with_sign(from_bits(((bits << shift) & 0x7fffffu) | 0x3f000000u), x);
}

// Chebyshev's polynomials of degree n and kind 1 to 4 (T, U, V, W) at |x|, whose signs and kinds at -|x| are known. The
// recurrence up to degree 8 and where it grows fast, else in closed form: the cost is the same for all degrees.
fn chebyshev(kind: u32, x: f32, degree: f32) -> f32 {
    let n = trunc(degree);
    if (n < 0.0 || n == 0.0 || is_nan(n)) {
        return select(1.0, 0.0, n < 0.0);
    }
    if (is_nan(x)) {
        return x;
    }
    let y = abs(x);
    let odd = n < 16777216.0 && (u32(n) & 1u) == 1u;
    let negative = x < 0.0 && odd;
    // At -x, V is W but for the sign.
    let k = select(kind, 7u - kind, x < 0.0 && kind > 2u);
    // With t = acos y: cos or sin of m t, over that of d t.
    let m = n + select(select(0.5, 1.0, k == 2u), 0.0, k == 1u);
    let d = select(0.5, 1.0, k == 2u);
    let by_sine = k == 2u || k == 4u;
    var r: f32;
    if (y == 1.0) {
        r = select(1.0, m / d, by_sine);
    } else if (n <= 8.0 || y >= 2.0) {
        var before = 1.0;
        r = select(select(2.0, 1.0, k == 1u) * y, 2.0 * y + select(-1.0, 1.0, k == 4u), k > 2u);
        for (var j = 1.0; j < n && !is_inf(r); j += 1.0) {
            let next = 2.0 * y * r - before;
            before = r;
            r = next;
        }
    } else if (y < 1.0) {
        let t = acos_of(y);
        let below = select(cos_of(d * t), 1.0, k == 1u);
        r = select(cos_of(m * t) / below, sin_of(m * t) / sin_of(d * t), by_sine);
    } else {
        let t = acosh_of(y);
        let below = select(cosh_of(d * t), 1.0, k == 1u);
        r = select(cosh_of(m * t) / below, sinh_of(m * t) / sinh_of(d * t), by_sine);
    }
    return select(r, -r, negative);
}
// Hermite's polynomials, the physicists' (s = 2) and the probabilists' (s = 1). NaN from the degree on where torch's are.
fn hermite(s: f32, x: f32, degree: f32) -> f32 {
    let n = trunc(degree);
    if (n < 0.0 || n == 0.0 || is_nan(n)) {
        return select(1.0, 0.0, n < 0.0);
    }
    if (n > 512.0 || is_nan(x)) {
        return from_bits(NAN_BITS);
    }
    var before = 1.0;
    var r = s * x;
    for (var k = 1.0; k < n && !is_nan(r); k += 1.0) {
        let next = s * (x * r - k * before);
        before = r;
        r = next;
    }
    return r;
}
// Laguerre's and Legendre's polynomials: (k + 1) p[k + 1] = (2k + 1 - x) p[k] - k p[k - 1], and with (2k + 1) x.
fn laguerre_or_legendre(legendre: bool, x: f32, degree: f32) -> f32 {
    let n = trunc(degree);
    if (n < 0.0 || n == 0.0 || is_nan(n)) {
        return select(1.0, 0.0, n < 0.0);
    }
    // Whole numbers end here, and correct digits before.
    if (n >= 16777216.0 || is_nan(x)) {
        return from_bits(NAN_BITS);
    }
    var before = 1.0;
    var r = select(1.0 - x, x, legendre);
    for (var k = 1.0; k < n && !is_nan(r); k += 1.0) {
        let factor = select(2.0 * k + 1.0 - x, (2.0 * k + 1.0) * x, legendre);
        let next = (factor * r - k * before) / (k + 1.0);
        before = r;
        r = next;
    }
    return r;
}
fn laguerre(x: f32, degree: f32) -> f32 {
    return laguerre_or_legendre(false, x, degree);
}
fn legendre(x: f32, degree: f32) -> f32 {
    return laguerre_or_legendre(true, x, degree);
}

// How samples of the gamma distribution (shape a, rate 1) and of Dirichlet's move with their parameters, by double
// exponential quadrature: see src/cpu/simd/math/implicit.rs. A node is exp(pi/2 sinh u).
fn node_of(k: u32, scale: f32) -> f32 {
    return scale * exp_of(1.5707964 * sinh_of(-2.875 + 0.0625 * f32(k)));
}
fn node_weight(k: u32, s: f32) -> f32 {
    return 0.09817477 * cosh_of(-2.875 + 0.0625 * f32(k)) * s;
}
const NODES = 84u;

fn gamma_grad(a: f32, x: f32) -> f32 {
    if (x == 0.0) {
        return 0.0;
    }
    let side = select(-1.0, 1.0, x > a);
    let log = log_of(x) - digamma_of(a);
    let scale = 1.0 / (abs(a - x) + sqrt(x));
    var sum = 0.0;
    for (var k = 0u; k < NODES; k++) {
        let s = node_of(k, scale);
        let e = side * a * s - x * expm1_of(side * s);
        if (e > -87.0) {
            sum += node_weight(k, s) * (log + side * s) * exp_of(e);
        }
    }
    return side * x * sum;
}

fn dirichlet_grad(x: f32, a: f32, total: f32) -> f32 {
    if (x <= 0.0 || x >= 1.0) {
        return 0.0;
    }
    let b = total - a;
    let log = log_of(x) - digamma_of(a) + digamma_of(total);
    let low = x * total <= a;
    let odds = select((1.0 - x) / x, x / (1.0 - x), low);
    // The exponents of the two factors of the density.
    let p = select(a, b, low) - 1.0;
    let q = select(b, a, low);
    let scale = 1.0 / (abs(p * odds - q) + sqrt(abs(p) * odds * (1.0 + odds)));
    var sum = 0.0;
    for (var k = 0u; k < NODES; k++) {
        let s = node_of(k, scale);
        let up = log1p_of(-odds * expm1_of(-s));
        let e = p * up - q * s;
        if (e > -87.0) {
            sum += node_weight(k, s) * (log + select(up, -s, low)) * exp_of(e);
        }
    }
    return select(sum, -odds * sum, low);
}

// Airy's function Ai: polynomials fitted to it on [-4, 1], and to what its asymptotic series describe on both sides (the
// same as in src/cpu/simd/math/airy.rs, in float32).
const AIRY_MIDDLE = array<f32, 21>(
    0.464256585, 0.772967398, -2.17620277, 0.0012398999, 2.70662642, -1.70073926, -0.845174968, 1.38655579,
    -0.333045363, -0.363939434, 0.27541405, -0.0163443554, -0.0626417324, 0.0286811497, 0.00182579679,
    -0.0060917614, 0.00179309933, 0.000439183379, -0.000363788626, 1.03620596e-05, 2.60753113e-05);
const AIRY_DECAY = array<f32, 11>(
    0.96066606, -0.0310347807, 0.0057015582, -0.0016029781, 0.000559154956, -0.000242616487, 0.000116312978,
    -1.56491897e-05, -2.52211339e-06, -3.81815771e-05, 2.52323898e-05);
const AIRY_P = array<f32, 6>(
    0.99936372, -0.000620994251, 1.42566569e-05, -9.0463044e-07, 1.05730273e-07, -1.75019785e-08);
const AIRY_Q = array<f32, 6>(
    0.068808578, -0.000607132213, 2.60020279e-05, -2.32048342e-06, 3.46298691e-07, -6.8154641e-08);

fn airy_ai(x: f32) -> f32 {
    if (is_nan(x) || is_inf(x)) {
        return from_bits(NAN_BITS);
    }
    if (x >= -4.0 && x <= 1.0) {
        let t = (x + 1.5) * 0.4;
        var y = 0.0;
        for (var k = 21u; k > 0u; k--) {
            y = y * t + AIRY_MIDDLE[k - 1u];
        }
        return y;
    }
    let root = sqrt(abs(x));
    let z = 0.6666667 * abs(x) * root;
    let scale = 0.5641896 / sqrt(root);
    if (x > 0.0) {
        let t = 4.0 / (3.0 * z) - 1.0;
        var y = 0.0;
        for (var k = 11u; k > 0u; k--) {
            y = y * t + AIRY_DECAY[k - 1u];
        }
        return 0.5 * scale * exp_of(-z) * y;
    }
    let t = 512.0 / (9.0 * z * z) - 1.0;
    var p = 0.0;
    var q = 0.0;
    for (var k = 6u; k > 0u; k--) {
        p = p * t + AIRY_P[k - 1u];
        q = q * t + AIRY_Q[k - 1u];
    }
    return scale * (p * sin_of(z + 0.7853982) - q / z * cos_of(z + 0.7853982));
}
