// Mean and variance of lines (lib/lines.wgsl), in two passes: the mean, then the deviations from it.
//
// With PARTIAL each part of a line gives its mean and its sum of squared deviations; with JOIN an invocation for each line
// joins those of its parts. Else they give what is wanted of the variance: itself, its root, or 1 / sqrt(it + eps).
#include "lib/float.wgsl"
#include "lib/lines.wgsl"

struct Params {
#if JOIN
    part_mean: u32,
    part_m2: u32,
#else
    x: u32,
#endif
#if MEAN
    mean: u32,
#endif
    result: u32,
#if UNBIASED
    unbiased: u32,
#endif
    at: Lines,
    divisor: f32,
    // 0 the variance, 1 its root, 2 the reciprocal root.
    form: u32,
    eps: f32,
}
$PARAMS params: Params;
#if JOIN
$BINDING var<storage, read> part_mean: array<f32>;
$BINDING var<storage, read> part_m2: array<f32>;
#else
$BINDING var<storage, read> x: array<f32>;
#endif
#if MEAN
$BINDING var<storage, read_write> mean: array<f32>;
#endif
$BINDING var<storage, read_write> result: array<f32>;
#if UNBIASED
$BINDING var<storage, read_write> unbiased: array<f32>;
#endif

// By hand where the divisor is 0, which drivers may fold as they like.
fn variance(m2: f32, divisor: f32) -> f32 {
    let none = from_bits(select(NAN_BITS, INF_BITS, m2 > 0.0));
    return select(none, m2 / divisor, divisor > 0.0);
}

fn put(i: u32, centre: f32, m2: f32) {
#if MEAN
    mean[params.mean + i] = centre;
#endif
#if PARTIAL
    result[params.result + i] = m2;
#else
    let v = variance(m2, params.divisor);
    if (params.form == 0u) {
        result[params.result + i] = v;
    } else if (params.form == 1u) {
        result[params.result + i] = sqrt(v);
    } else {
        result[params.result + i] = 1.0 / sqrt(v + params.eps);
    }
#endif
#if UNBIASED
    unbiased[params.unbiased + i] = variance(m2, f32(params.at.length) - 1.0);
#endif
}

#if JOIN
// Chan, Golub and LeVeque 1979, equation 2.1.
#include "lib/main.wgsl"
{
    let line = group_index(group, groups) * $GROUPu + lane;
    if (line >= params.at.count) {
        return;
    }
    let first = line * params.at.parts;
    var n = f32(part_length(0u));
    var centre = part_mean[params.part_mean + first];
    var m2 = part_m2[params.part_m2 + first];
    for (var p = 1u; p < params.at.parts; p++) {
        let more = f32(part_length(p));
        let d = part_mean[params.part_mean + first + p] - centre;
        let share = more / (n + more);
        centre += d * share;
        m2 += part_m2[params.part_m2 + first + p] + d * d * n * share;
        n += more;
    }
    put(line, centre, m2);
}
#else
#include "lib/main.wgsl"
{
    let index = group_index(group, groups);
    let s = line_share(index, lane);
    let count = part_length(index % params.at.parts);
    let n = f32(count);
    var sum = 0.0;
    for (var k = s.k; k < s.last; k += s.stride) {
        sum += x[params.x + s.first + line_element(k)];
    }
    let pivot = line_sum(sum, lane) / n;
    var d = 0.0;
    var q = 0.0;
    for (var k = s.k; k < s.last; k += s.stride) {
        let e = x[params.x + s.first + line_element(k)] - pivot;
        d += e;
        q += e * e;
    }
    // The deviations' sum is what the rounding of the pivot left.
    let rest = line_sum(d, lane) / n;
    let m2 = line_sum(q, lane) - rest * rest * n;
    if (s.writes) {
        let none = from_bits(NAN_BITS);
        put(s.to, select(pivot + rest, none, count == 0u), select(select(m2, 0.0, m2 < 0.0), none, count == 0u));
    }
}
#endif
