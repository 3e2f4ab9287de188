// What sorted lines are asked for: with the order of each line of a dense (lines, n), an invocation for each of the first
// `k` of a line, or with SELECT for the element of a rank (k is 1 then). MODE has a workgroup for each line, which finds
// the most frequent element.
#include "lib/order.wgsl"

struct Params {
    x: u32,
    order: u32,
#if VALUES
    values: u32,
#endif
#if INDICES
    indices: u32,
#endif
    lines: u32,
    n: u32,
    k: u32,
    // Which rank: 0 the given one, 1 the lower median or the first NaN, 2 the lower median of what is not NaN.
    kind: u32,
    nth: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<u32>;
$BINDING var<storage, read> order: array<u32>;
#if VALUES
$BINDING var<storage, read_write> values: array<u32>;
#endif
#if INDICES
$BINDING var<storage, read_write> indices: array<u32>;
#endif

// Where the element of a rank lies in its line.
fn ranked(line: u32, r: u32) -> u32 {
    return order[params.order + line * params.n + r];
}
fn element(line: u32, r: u32) -> u32 {
    return params.x + line * params.n + ranked(line, r);
}

#if SELECT
fn rank(line: u32) -> u32 {
    var numbers = params.n;
#if FLOAT
    if (params.kind != 0u) {
        var low = 0u;
        while (low < numbers) {
            let middle = (low + numbers) / 2u;
            if (is_nan(bitcast<f32>(x[element(line, middle)]))) {
                numbers = middle;
            } else {
                low = middle + 1u;
            }
        }
    }
#endif
    if (params.kind == 0u) {
        return params.nth;
    }
    if (params.kind == 1u && numbers < params.n) {
        return numbers;
    }
    return (max(numbers, 1u) - 1u) / 2u;
}
#endif
#if MODE
fn same(line: u32, r: u32, s: u32) -> bool {
    let p = element(line, r);
    let q = element(line, s);
#if WIDE
    return x[2u * p] == x[2u * q] && x[2u * p + 1u] == x[2u * q + 1u];
#else
#if FLOAT
    // Every NaN is another one.
    if (is_nan(bitcast<f32>(x[p]))) {
        return false;
    }
#endif
    return $KEY(x[p], false) == $KEY(x[q], false);
#endif
}
// The length and the end of a run.
var<workgroup> runs: array<vec2<u32>, $GROUP>;

fn longer(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return select(a, b, b.x > a.x || (b.x == a.x && b.y < a.y));
}
// The last of the first of the longest runs. Whoever is at the end of a run searches its start.
fn rank(line: u32, lane: u32) -> u32 {
    var longest = vec2<u32>(0u);
    for (var r = lane; r < params.n; r += $GROUPu) {
        if (r + 1u < params.n && same(line, r, r + 1u)) {
            continue;
        }
        var low = 0u;
        var high = r;
        while (low < high) {
            let middle = (low + high) / 2u;
            if (same(line, middle, r)) {
                high = middle;
            } else {
                low = middle + 1u;
            }
        }
        longest = longer(longest, vec2<u32>(r + 1u - low, r));
    }
    runs[lane] = longest;
    workgroupBarrier();
    for (var half = $GROUPu / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            runs[lane] = longer(runs[lane], runs[lane + half]);
        }
        workgroupBarrier();
    }
    return runs[0].y;
}
#endif

#include "lib/main.wgsl"
{
#if MODE
    let i = group_index(group, groups);
    if (i >= params.lines) {
        return;
    }
    let line = i;
    let r = rank(line, lane);
    if (lane > 0u) {
        return;
    }
#else
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.lines * params.k) {
        return;
    }
    let line = i / params.k;
#if SELECT
    let r = rank(line);
#else
    let r = i % params.k;
#endif
#endif
#if VALUES
    let e = element(line, r);
#if WIDE
    values[2u * (params.values + i)] = x[2u * e];
    values[2u * (params.values + i) + 1u] = x[2u * e + 1u];
#else
    values[params.values + i] = x[e];
#endif
#endif
#if INDICES
    indices[2u * (params.indices + i)] = ranked(line, r);
    indices[2u * (params.indices + i) + 1u] = 0u;
#endif
}
