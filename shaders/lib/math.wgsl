// Functions that WGSL lacks, or whose builtins lose accuracy or special values on some driver.
#include "lib/float.wgsl"

fn exp_of(x: f32) -> f32 {
    return select(exp(x), x, is_nan(x));
}

// e^x 2^k within two units of the last place: builtins lose as many digits as |x| has. The polynomial of Cephes' expf.
fn exp_scaled(v: f32, k: i32) -> f32 {
    let x = min(max(v, -1000.0), 1000.0);
    let n = round(x * 1.442695);
    let r = (x - n * 0.693359375) + n * 2.12194440e-4;
    let p = 1.0 + r + r * r * (0.5 + r * (0.16666666 + r * (0.041665796 + r * (0.008333452 + r * (0.0013981999
        + r * 0.00019875691)))));
    // In two steps, since 2^e alone may be out of range.
    let e = clamp(i32(n) + k, -250, 250);
    let half = e >> 1u;
    return p * bitcast<f32>(u32(half + 127) << 23u) * bitcast<f32>(u32(e - half + 127) << 23u);
}

// A positive number as 2^e m with m from sqrt(1/2) to sqrt(2): e and log(m), by the polynomial that the CPU has. Builtins
// lose what is near 1.
fn log_parts(x: f32) -> vec2<f32> {
    // Denormals by their bits, which products would flush.
    let bits = bitcast<u32>(x);
    let tiny = bits < 0x800000u;
    let shift = select(0u, countLeadingZeros(bits) - 8u, tiny);
    let normal = bits << shift;
    let up = (i32(normal) - 0x3f3504f3) >> 23u;
    let f = bitcast<f32>(normal - (bitcast<u32>(up) << 23u)) - 1.0;
    let p = 0.3333333 + f * (-0.2500082 + f * (0.20001227 + f * (-0.16623358 + f * (0.1420176 + f * (-0.13160177
        + f * (0.12761576 - f * 0.076345265))))));
    return vec2<f32>(f32(up - select(0, i32(shift), tiny)), f * f * (f * p - 0.5) + f);
}

fn log_of(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    if (bits == 0u || bits == 0x80000000u) {
        return from_bits(0xff800000u);
    }
    if (bits > INF_BITS) {
        return from_bits(NAN_BITS);
    }
    if (bits == INF_BITS) {
        return x;
    }
    let log = log_parts(x);
    return log.x * 0.6931472 + (log.x * -1.9046542e-9 + log.y);
}

// e^x - 1: by its series where 1 would swallow what matters.
fn expm1_of(x: f32) -> f32 {
    let series = x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666668 + x * (0.008333334 + x * (0.0013888889 + x * 0.00019841270))))));
    return select(exp_of(x) - 1.0, series, abs(x) < 0.5);
}

// log(1 + x) = 2 atanh(x / (2 + x)): by the series of atanh near 0.
fn log1p_of(x: f32) -> f32 {
    let s = x / (2.0 + x);
    let q = s * s;
    let series = 2.0 * s * (1.0 + q * (0.33333334 + q * (0.2 + q * (0.14285715 + q * (0.11111111 + q * (0.09090909 + q * 0.07692308))))));
    return select(log_of(1.0 + x), series, abs(x) < 0.5);
}

fn tanh_of(x: f32) -> f32 {
    // Beyond 10 the quotient is 1.
    let e = expm1_of(2.0 * min(abs(x), 10.0));
    let t = e / (e + 2.0);
    return select(select(t, -t, is_negative(x)), x, is_nan(x));
}

fn sigmoid_of(x: f32) -> f32 {
    return 1.0 / (1.0 + exp_of(-x));
}

// log(1 + e^x).
fn softplus_of(x: f32) -> f32 {
    return select(max(x, 0.0) + log1p_of(exp(-abs(x))), x, is_nan(x));
}

// By the series of the error function below 1, and by Abramowitz and Stegun 7.1.26 above (error 1.5e-7).
fn erf_of(x: f32) -> f32 {
    let a = abs(x);
    let q = x * x;
    let series = 1.1283792 * x * (1.0 - q * (0.33333334 - q * (0.1 - q * (0.023809524 - q * (0.0046296297
        - q * (0.00075757573 - q * (0.00010683761 - q * (0.000013227513 - q * 0.0000014589169))))))));
    let t = 1.0 / (1.0 + 0.3275911 * a);
    let tail = t * (0.25482959 + t * (-0.28449674 + t * (1.4214137 + t * (-1.4531520 + t * 1.0614054)))) * exp(-q);
    let far = select(1.0 - tail, -(1.0 - tail), x < 0.0);
    return select(select(far, series, a < 1.0), x, is_nan(x));
}

// a^v of a positive base. What the power of 2 gives is exact where v is whole: v log(a) would be as wrong as it is large.
fn power_positive(a: f32, v: f32) -> f32 {
    let log = log_parts(a);
    // Out of range anyway, and in range of what follows.
    let b = select(clamp(v, -1000.0, 1000.0), v, log.x == 0.0);
    let n = round(b);
    return exp_scaled((b - n) * log.x * 0.6931472 + b * log.y, i32(n * log.x));
}

// a^b as C's powf gives it for zeros, infinities, NaN and negative bases.
fn power(a: f32, b: f32) -> f32 {
    if (b == 0.0 || a == 1.0) {
        return 1.0;
    }
    if (is_nan(a) || is_nan(b)) {
        return from_bits(NAN_BITS);
    }
    let whole = floor(b) == b;
    let odd = whole && abs(b) < 16777216.0 && (i32(b) & 1) == 1;
    let size = abs(a);
    if (a < 0.0 && !whole && !is_inf(a) && !is_inf(b)) {
        return from_bits(NAN_BITS);
    }
    var r: f32;
    if (size == 1.0) {
        r = 1.0;
    } else if (is_inf(b)) {
        r = select(0.0, from_bits(INF_BITS), (size > 1.0) == (b > 0.0));
    } else if (size == 0.0 || is_inf(a)) {
        r = select(0.0, from_bits(INF_BITS), (size == 0.0) == (b < 0.0));
    } else if (whole && abs(b) <= 32.0) {
        // A product of few factors, exact where the result is.
        r = 1.0;
        var factor = size;
        for (var e = u32(abs(b)); e > 0u; e = e / 2u) {
            if (e % 2u == 1u) {
                r *= factor;
            }
            factor *= factor;
        }
        r = select(r, 1.0 / r, b < 0.0);
    } else if (b == 0.5) {
        r = sqrt(size);
    } else {
        r = power_positive(size, b);
    }
    return select(r, -r, odd && is_negative(a));
}

// tanh(log(1 + e^x)).
fn tanh_softplus(x: f32) -> f32 {
    let e = exp_of(select(x, 20.0, x > 20.0));
    let n = e * (e + 2.0);
    return n / (n + 2.0);
}

// The argument of tanh in the tanh form of gelu, and its derivative.
fn gelu_inner(x: f32) -> f32 {
    return 0.7978846 * x * (1.0 + 0.044715 * x * x);
}
fn gelu_slope(x: f32) -> f32 {
    return 0.7978846 * (1.0 + 0.134145 * x * x);
}
fn gelu_cdf(x: f32) -> f32 {
    return 0.5 * (1.0 + erf_of(x * 0.70710677));
}
fn gelu_tanh_grad(g: f32, x: f32) -> f32 {
    let t = tanh_of(gelu_inner(x));
    return g * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * gelu_slope(x));
}
fn mish_grad(g: f32, x: f32) -> f32 {
    let t = tanh_softplus(x);
    return g * (t + x * sigmoid_of(x) * (1.0 - t * t));
}
fn silu_grad(g: f32, x: f32) -> f32 {
    let s = sigmoid_of(x);
    return g * s * (1.0 + x * (1.0 - s));
}
fn lerp_of(a: f32, b: f32, w: f32) -> f32 {
    return select(b + (w - 1.0) * (b - a), a + w * (b - a), abs(w) < 0.5);
}
