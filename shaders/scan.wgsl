// Running sums, products, log-sum-exps, extremes and linear recurrences along the middle of (outer, dim, inner), with
// `reverse` from its end.
//
// A workgroup makes one line, or with LANES each invocation does: for short lines, and for lines that lie across
// memory. Long lines are cut into parts: with TOTALS each part's workgroup leaves what it amounts to, and with CARRIES
// each begins with what the parts before it amount to. $STATE is what runs.
#include "lib/math.wgsl"
#include "lib/order.wgsl"
#include "lib/philox.wgsl"

struct Params {
    x: u32,
#if RECUR
    b: u32,
#endif
#if CARRIES
    totals: u32,
#endif
    to: u32,
#if EXTREME
#if TOTALS
#else
    at: u32,
#endif
#endif
    lines: u32,
    dim: u32,
    inner: u32,
    reverse: u32,
    parts: u32,
    run: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<u32>;
#if RECUR
$BINDING var<storage, read> b: array<u32>;
#endif
#if CARRIES
$BINDING var<storage, read> totals: array<$STATE>;
#endif
#if TOTALS
$BINDING var<storage, read_write> to: array<$STATE>;
#else
$BINDING var<storage, read_write> to: array<u32>;
#if EXTREME
$BINDING var<storage, read_write> at: array<u32>;
#endif
#endif

#if WIDE
// Numbers of 64 bits, low words first.
fn load(e: u32, k: u32) -> vec2<u32> {
    return vec2<u32>(x[2u * (params.x + e)], x[2u * (params.x + e) + 1u]);
}
#if PRODUCT
fn identity() -> vec2<u32> {
    return vec2<u32>(1u, 0u);
}
fn join(p: vec2<u32>, q: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(p.x * q.x, high_product(p.x, q.x) + p.x * q.y + p.y * q.x);
}
#else
fn identity() -> vec2<u32> {
    return vec2<u32>(0u, 0u);
}
fn join(p: vec2<u32>, q: vec2<u32>) -> vec2<u32> {
    let low = p.x + q.x;
    return vec2<u32>(low, p.y + q.y + select(0u, 1u, low < q.x));
}
#endif
#else
#if EXTREME
// A key whose order is that of the wanted extreme, NaN above all, and the place of its last occurrence.
#if LONG
fn load(e: u32, k: u32) -> vec3<u32> {
    let w = 2u * (params.x + e);
    return vec3<u32>($KEY(x[w + 1u], params.reverse == 1u), key_u32(x[w], params.reverse == 1u), k);
}
fn identity() -> vec3<u32> {
    return vec3<u32>(0u, 0u, 0u);
}
fn join(p: vec3<u32>, q: vec3<u32>) -> vec3<u32> {
    return select(p, q, q.x > p.x || (q.x == p.x && q.y >= p.y));
}
#else
fn load(e: u32, k: u32) -> vec2<u32> {
    return vec2<u32>($KEY(x[params.x + e], params.reverse == 1u), k);
}
fn identity() -> vec2<u32> {
    return vec2<u32>(0u, 0u);
}
fn join(p: vec2<u32>, q: vec2<u32>) -> vec2<u32> {
    return select(p, q, q.x >= p.x);
}
#endif
#else
#if RECUR
// The function y -> x y + b.
fn load(e: u32, k: u32) -> vec2<f32> {
    return vec2<f32>(bitcast<f32>(x[params.x + e]), bitcast<f32>(b[params.b + e]));
}
fn identity() -> vec2<f32> {
    return vec2<f32>(1.0, 0.0);
}
fn join(p: vec2<f32>, q: vec2<f32>) -> vec2<f32> {
    // Factors that grew beyond all numbers leave a 0 as it is.
    return vec2<f32>(p.x * q.x, q.y + select(q.x * p.y, 0.0, p.y == 0.0));
}
#else
fn load(e: u32, k: u32) -> f32 {
    return bitcast<f32>(x[params.x + e]);
}
fn identity() -> f32 {
    return $IDENTITY;
}
fn log_add(p: f32, q: f32) -> f32 {
    if (is_nan(p) || is_nan(q)) {
        return from_bits(NAN_BITS);
    }
    let low = min(p, q);
    let high = max(p, q);
    if (is_inf(low) || is_inf(high)) {
        return high;
    }
    return high + log1p_of(exp(low - high));
}
fn join(p: f32, q: f32) -> f32 {
    return $JOIN;
}
#endif
#endif
#endif

// Element k of a line that begins at `first`.
fn element(first: u32, k: u32) -> u32 {
#if EXTREME
    return first + k * params.inner;
#else
    return first + select(k, params.dim - 1u - k, params.reverse == 1u) * params.inner;
#endif
}

#if TOTALS
#else
fn store(first: u32, e: u32, acc: $STATE) {
#if WIDE
    to[2u * (params.to + e)] = acc.x;
    to[2u * (params.to + e) + 1u] = acc.y;
#else
#if EXTREME
#if LONG
    let place = acc.z;
    let from_word = 2u * (params.x + first + place * params.inner);
    to[2u * (params.to + e)] = x[from_word];
    to[2u * (params.to + e) + 1u] = x[from_word + 1u];
#else
    let place = acc.y;
    to[params.to + e] = x[params.x + first + place * params.inner];
#endif
    at[2u * (params.at + e)] = place;
    at[2u * (params.at + e) + 1u] = 0u;
#else
#if RECUR
    to[params.to + e] = bitcast<u32>(acc.y);
#else
    to[params.to + e] = bitcast<u32>(acc);
#endif
#endif
#endif
}
#endif

#if LANES
#include "lib/main.wgsl"
{
    let line = group_index(group, groups) * $GROUPu + lane;
    if (line >= params.lines) {
        return;
    }
    let first = (line / params.inner) * params.dim * params.inner + line % params.inner;
    var acc = identity();
    for (var k = 0u; k < params.dim; k++) {
        let e = element(first, k);
        acc = join(acc, load(e, k));
        store(first, e, acc);
    }
}
#else
// How many elements an invocation takes at a time.
const EACH: u32 = 4u;
var<workgroup> shared_states: array<$STATE, $GROUP>;

// Leaves in `shared_states` what all up to an invocation amount to, itself included.
fn group_scan(mine: $STATE, lane: u32) {
    shared_states[lane] = mine;
    workgroupBarrier();
    for (var reach = 1u; reach < $GROUPu; reach = reach * 2u) {
        var v = shared_states[lane];
        if (lane >= reach) {
            v = join(shared_states[lane - reach], v);
        }
        workgroupBarrier();
        shared_states[lane] = v;
        workgroupBarrier();
    }
}

#include "lib/main.wgsl"
{
    let g = group_index(group, groups);
    let line = g / params.parts;
    let part = g % params.parts;
    let past = line >= params.lines;
    let start = part * params.run;
    let count = select(min(params.run, params.dim - start), 0u, past);
    let first = (line / params.inner) * params.dim * params.inner + line % params.inner;
    var carry = identity();
#if CARRIES
    var before = identity();
    if (lane < part && !past) {
        before = totals[line * params.parts + lane];
    }
    group_scan(before, lane);
    carry = shared_states[$GROUPu - 1u];
    workgroupBarrier();
#endif
    for (var base = 0u; base < count; base += EACH * $GROUPu) {
        let k = base + EACH * lane;
        var own = identity();
        for (var j = 0u; j < EACH; j++) {
            if (k + j < count) {
                let e = element(first, start + k + j);
                own = join(own, load(e, start + k + j));
            }
        }
        group_scan(own, lane);
#if TOTALS
#else
        var acc = carry;
        if (lane > 0u) {
            acc = join(carry, shared_states[lane - 1u]);
        }
        for (var j = 0u; j < EACH; j++) {
            if (k + j < count) {
                let e = element(first, start + k + j);
                acc = join(acc, load(e, start + k + j));
                store(first, e, acc);
            }
        }
#endif
        carry = join(carry, shared_states[$GROUPu - 1u]);
        workgroupBarrier();
    }
#if TOTALS
    if (lane == 0u && !past) {
        to[line * params.parts + part] = carry;
    }
#endif
}
#endif
