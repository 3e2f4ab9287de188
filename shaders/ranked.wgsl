// What sorted lines are asked for: with the order of each line of a dense (lines, n), an invocation for each of the first
// `k` of a line, or with SELECT for the element of a rank and with MODE for the most frequent one (k is 1 then).
#include "lib/order.wgsl"
#include "lib/grid.wgsl"

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
    return $KEY(x[p], false) == $KEY(x[q], false);
#endif
}
// The last of the first of the longest runs.
fn rank(line: u32) -> u32 {
    var best = 0u;
    var longest = 0u;
    var start = 0u;
    for (var r = 0u; r < params.n; r++) {
        if (!same(line, r, start)) {
            start = r;
        }
        if (r + 1u - start > longest) {
            best = r;
            longest = r + 1u - start;
        }
    }
    return best;
}
#endif

@compute @workgroup_size($GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.lines * params.k) {
        return;
    }
    let line = i / params.k;
#if ONE
    let r = rank(line);
#else
    let r = i % params.k;
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
