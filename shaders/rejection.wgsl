// Samples of distributions that take a varying number of draws, an invocation for each: $SAMPLE makes the one of its
// parameters x and y. Try t has block t of those that the element's number and the key name: the counter's upper words.
//
// Tries end after TRIES, which no sample needs: each succeeds with a probability above one half.
#include "lib/philox.wgsl"
#include "lib/math.wgsl"

struct Params {
    x: u32,
#if TWO
    y: u32,
#endif
    to: u32,
    n: u32,
    first0: u32,
    first1: u32,
    key0: u32,
    key1: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<f32>;
#if TWO
$BINDING var<storage, read> y: array<f32>;
#endif
$BINDING var<storage, read_write> to: array<f32>;
#if CHECKED
#include "lib/bounds.wgsl"
#endif

const TRIES: u32 = 64u;
const LEAST: f32 = 1.1754944e-38;

fn drawn(i: u32, try_number: u32) -> vec4<u32> {
    return philox_block(vec4<u32>(params.first0, params.first1, try_number, 0u), i, vec2<u32>(params.key0, params.key1));
}
// In (-1/2, 1/2), and as far from either end as from 0.
fn centred(w: u32) -> f32 {
    return (f32(w >> 9u) + 0.5) * 1.1920929e-7 - 0.5;
}

// x log(x / mean) + mean - x without cancellation (Loader 2000, "Fast and accurate computation of binomial probabilities").
fn deviance(x: f32, mean: f32) -> f32 {
    let v = (x - mean) / (x + mean);
    let q = v * v;
    let series = q * (0.33333334 + q * (0.2 + q * (0.14285715 + q * 0.11111111)));
    return select(x * log_of(x / mean) + mean - x, (x - mean) * v + 2.0 * x * v * series, abs(v) < 0.1);
}
// log k! minus Stirling's approximation, for k from 1 on.
fn stirling_tail(k: f32) -> f32 {
    let q = 1.0 / (k * k);
    return (0.083333336 - q * (0.0027777778 - q * 0.0007936508)) / k;
}

#if CHECKED
fn log_poisson(k: f32, rate: f32) -> f32 {
    return select(-stirling_tail(k) - deviance(k, rate) - 0.5 * log_of(6.2831855 * k), -rate, k < 1.0);
}
// Products of uniforms for rates below 10, and above transformed rejection (Hormann 1993,
// doi:10.1016/0167-6687(93)90997-4).
fn poisson(rate: f32, i: u32) -> f32 {
    if (!(rate >= 0.0) || is_nan(rate) || is_inf(rate)) {
        atomicMax(&found[0], $FAULT);
        return 0.0;
    }
    if (rate == 0.0) {
        return 0.0;
    }
    if (rate < 10.0) {
        let limit = exp(-rate);
        var product = 1.0;
        for (var k = 0u; k < 4u * TRIES; k += 4u) {
            let w = drawn(i, k / 4u);
            for (var j = 0u; j < 4u; j++) {
                product *= positive(w[j]);
                if (product <= limit) {
                    return f32(k + j);
                }
            }
        }
        return floor(rate);
    }
    let b = 0.931 + 2.53 * sqrt(rate);
    let a = -0.059 + 0.02483 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let v_r = 0.9277 - 3.6224 / (b - 2.0);
    for (var t = 0u; t < TRIES; t++) {
        let w = drawn(i, t);
        let u = centred(w.x);
        let v = positive(w.y);
        let us = 0.5 - abs(u);
        let k = floor((2.0 * a / us + b) * u + rate + 0.43);
        if (us >= 0.07 && v <= v_r) {
            return k;
        }
        if (k < 0.0 || (us < 0.013 && v > us)) {
            continue;
        }
        if (log_of(v * inverse_alpha / (a / (us * us) + b)) <= log_poisson(k, rate)) {
            return k;
        }
    }
    return floor(rate);
}
#endif

fn log_binomial(k: f32, n: f32, p: f32) -> f32 {
    if (k < 1.0) {
        return n * log1p_of(-p);
    }
    if (k >= n) {
        return n * log_of(p);
    }
    let rest = n - k;
    return stirling_tail(n) - stirling_tail(k) - stirling_tail(rest) - deviance(k, n * p) - deviance(rest, n * (1.0 - p))
        + 0.5 * log_of(n / k / rest * 0.15915494);
}
// For p up to 1/2: where geometric steps pass the number of trials if few succeed, else transformed rejection, BTRS
// (Hormann 1993, doi:10.1080/00949659308811496).
fn successes(n: f32, p: f32, i: u32) -> f32 {
    if (n * p < 10.0) {
        let log_q = log1p_of(-p);
        var trials = 0.0;
        for (var k = 0u; k < 4u * TRIES; k += 4u) {
            let w = drawn(i, k / 4u);
            for (var j = 0u; j < 4u; j++) {
                trials += max(ceil(log(positive(w[j])) / log_q), 1.0);
                if (trials > n) {
                    return f32(k + j);
                }
            }
        }
        return floor(n * p);
    }
    let deviation = sqrt(n * p * (1.0 - p));
    let b = 1.15 + 2.53 * deviation;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let v_r = 0.92 - 4.2 / b;
    let alpha = (2.83 + 5.1 / b) * deviation;
    let mode = log_binomial(floor((n + 1.0) * p), n, p);
    for (var t = 0u; t < TRIES; t++) {
        let w = drawn(i, t);
        let u = centred(w.x);
        let v = positive(w.y);
        let us = 0.5 - abs(u);
        let k = floor((2.0 * a / us + b) * u + n * p + 0.5);
        if (k < 0.0 || k > n) {
            continue;
        }
        if ((us >= 0.07 && v <= v_r) || log_of(v * alpha / (a / (us * us) + b)) <= log_binomial(k, n, p) - mode) {
            return k;
        }
    }
    return floor(n * p);
}
fn binomial(n: f32, p: f32, i: u32) -> f32 {
    if (is_nan(p)) {
        return p;
    }
    if (n <= 0.0 || p <= 0.0) {
        return 0.0;
    }
    if (p >= 1.0 || is_nan(n)) {
        return n;
    }
    if (p <= 0.5) {
        return successes(n, p, i);
    }
    return n - successes(n, 1.0 - p, i);
}

// A gamma sample as a number and the logarithm of a factor, which small parameters make tiny (Marsaglia & Tsang 2000,
// doi:10.1145/358407.358414).
fn gamma_parts(alpha: f32, i: u32) -> vec2<f32> {
    let small = alpha < 1.0;
    let d = alpha + select(-0.33333334, 0.6666667, small);
    if (is_nan(alpha) || alpha <= 0.0) {
        return vec2<f32>(LEAST, 0.0);
    }
    let c = 1.0 / sqrt(9.0 * d);
    for (var t = 0u; t < TRIES; t++) {
        let w = drawn(i, t);
        let z = pair(w.xy).x;
        let y = 1.0 + c * z;
        if (y <= 0.0) {
            continue;
        }
        let v = y * y * y;
        let u = positive(w.z);
        let zz = z * z;
        if (u < 1.0 - 0.0331 * zz * zz || log_of(u) < 0.5 * zz - d * deviance(1.0, v)) {
            return vec2<f32>(d * v, select(0.0, log_of(positive(w.w)) / alpha, small));
        }
    }
    return vec2<f32>(d, 0.0);
}
// What is not positive is drawn as the least number.
fn gamma(alpha: f32, i: u32) -> f32 {
    let parts = gamma_parts(alpha, i);
    return max(parts.x * exp_of(max(parts.y, -200.0)), LEAST);
}
fn log_gamma_sample(alpha: f32, i: u32) -> f32 {
    let parts = gamma_parts(alpha, i);
    return log_of(parts.x) + parts.y;
}

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i < params.n) {
        to[params.to + i] = $SAMPLE;
    }
}
