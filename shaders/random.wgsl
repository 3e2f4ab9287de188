// Random numbers into a dense tensor: an invocation for each block of four words. $VALUES makes four numbers of `w`;
// WHOLE stores them as int32. RAW stores the words themselves, and RANGE two int64 of a range for each block.
// With EACH every element has a parameter of its own.
//
// a, b, c, d are the distribution's parameters, floats as their bits.
#include "lib/philox.wgsl"
#include "lib/math.wgsl"
#include "lib/dtype.wgsl"

struct Params {
#if EACH
    each: u32,
#endif
    to: u32,
    n: u32,
    first0: u32,
    first1: u32,
    first2: u32,
    first3: u32,
    key0: u32,
    key1: u32,
    a: u32,
    b: u32,
    c: u32,
    d: u32,
}
$PARAMS params: Params;
#if EACH
$BINDING var<storage, read> each: array<f32>;
#endif
$BINDING var<storage, read_write> to: array<u32>;
#if EACH
#include "lib/bounds.wgsl"
#endif

fn uniform_of(w: u32) -> f32 {
    let start = bitcast<f32>(params.a);
    let end = bitcast<f32>(params.b);
    let v = unit(w) * (end - start) + start;
    // Rounding may reach the open end of the range: the closed one is taken then, as by torch.
    return select(v, start, v >= end || $BITS(v) == $BITS(end));
}
fn uniform(w: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(uniform_of(w.x), uniform_of(w.y), uniform_of(w.z), uniform_of(w.w));
}

fn normal(w: vec4<u32>) -> vec4<f32> {
    return bitcast<f32>(params.a) + bitcast<f32>(params.b) * vec4<f32>(pair(w.xy), pair(w.zw));
}
fn log_normal(w: vec4<u32>) -> vec4<f32> {
    return exp(normal(w));
}

// Never 0: samples are divided by.
fn exponential_of(w: u32) -> f32 {
    return max(-log(positive(w)), 5.9604645e-8) * bitcast<f32>(params.a);
}
fn exponential(w: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(exponential_of(w.x), exponential_of(w.y), exponential_of(w.z), exponential_of(w.w));
}

// tan(pi t) for t inside (-1/2, 1/2): near the poles by the cotangent of what is missing.
fn cauchy_of(w: u32) -> f32 {
    let t = (f32(w >> 9u) + 0.5) * 1.1920929e-7 - 0.5;
    let a = abs(t);
    let size = select(tan(3.1415927 * a), 1.0 / tan(3.1415927 * (0.5 - a)), a > 0.25);
    return bitcast<f32>(params.a) + bitcast<f32>(params.b) * select(size, -size, t < 0.0);
}
fn cauchy(w: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(cauchy_of(w.x), cauchy_of(w.y), cauchy_of(w.z), cauchy_of(w.w));
}

// The trials up to the first success; a is 1 / log(1 - p).
fn geometric_of(w: u32) -> f32 {
    return max(ceil(log(positive(w)) * bitcast<f32>(params.a)), 1.0);
}
fn geometric(w: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(geometric_of(w.x), geometric_of(w.y), geometric_of(w.z), geometric_of(w.w));
}

// 1 below the threshold a; b is 1 where nothing else may be.
fn bernoulli(w: vec4<u32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), vec4<f32>(1.0), w < vec4<u32>(params.a) | (vec4<u32>(params.b) == vec4<u32>(1u)));
}

#if EACH
fn flip(w: u32, i: u32) -> f32 {
    if (i >= params.n) {
        return 0.0;
    }
    let p = each[params.each + i];
    if (is_nan(p) || p < 0.0 || p > 1.0) {
        atomicMax(&found[0], $FAULT);
    }
    return select(0.0, 1.0, unit(w) < p);
}
fn flips(w: vec4<u32>, i: u32) -> vec4<f32> {
    return vec4<f32>(flip(w.x, i), flip(w.y, i + 1u), flip(w.z, i + 2u), flip(w.w, i + 3u));
}
#endif

#if RANGE
// base + (64 random bits * count) >> 64, with base in (c, d) and count in (a, b), low words first; count 0 is 2^64.
fn put(w: vec2<u32>, i: u32) {
    if (i >= params.n) {
        return;
    }
    var low = w.x;
    var high = w.y;
    if ((params.a | params.b) != 0u) {
        // The words of the product above its lowest one.
        var at1 = high_product(w.x, params.a);
        var at2 = high_product(w.y, params.a);
        var at3 = 0u;
        let p = w.y * params.a;
        at1 += p;
        at2 += select(0u, 1u, at1 < p);
        let q = w.x * params.b;
        at1 += q;
        let over = select(0u, 1u, at1 < q);
        at2 += over;
        at3 += select(0u, 1u, at2 < over);
        let r = high_product(w.x, params.b);
        at2 += r;
        at3 += select(0u, 1u, at2 < r);
        let s = w.y * params.b;
        at2 += s;
        at3 += select(0u, 1u, at2 < s);
        at3 += high_product(w.y, params.b);
        low = at2;
        high = at3;
    }
    let sum = low + params.c;
    let at = 2u * (params.to + i);
    to[at] = sum;
    to[at + 1u] = high + params.d + select(0u, 1u, sum < low);
}
#endif

#include "lib/main.wgsl"
{
    let block = group_index(group, groups) * $GROUPu + lane;
    let first = vec4<u32>(params.first0, params.first1, params.first2, params.first3);
    let w = philox_block(first, block, vec2<u32>(params.key0, params.key1));
#if RANGE
    put(w.xy, 2u * block);
    put(w.zw, 2u * block + 1u);
#else
    let i = 4u * block;
    if (i >= params.n) {
        return;
    }
#if RAW
    let bits = w;
#else
    let v: vec4<f32> = $VALUES;
#if WHOLE
    let bits = bitcast<vec4<u32>>(vec4<i32>(v));
#else
    let bits = bitcast<vec4<u32>>(v);
#endif
#endif
    for (var k = 0u; k < 4u; k++) {
        if (i + k < params.n) {
            to[params.to + i + k] = bits[k];
        }
    }
#endif
}
