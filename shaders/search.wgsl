// Where values would be inserted into sorted sequences, by binary search: an invocation for each value. Values of row i
// look in sequence i, or with `rows` 0 all in one. $LESS and $LESS_EQUAL hold where a NaN is on either side, which sends
// NaN to the end.
#include "lib/float.wgsl"

struct Params {
    sorted: u32,
    values: u32,
#if SORTER
    sorter: u32,
#endif
    to: u32,
    count: u32,
    n: u32,
    m: u32,
    rows: u32,
    right: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> sorted: array<u32>;
$BINDING var<storage, read> values: array<u32>;
#if SORTER
$BINDING var<storage, read> sorter: array<u32>;
#endif
$BINDING var<storage, read_write> to: array<u32>;

#if WIDE
fn before(e: u32, v: u32) -> bool {
    let p = bitcast<i32>(sorted[2u * e + 1u]);
    let q = bitcast<i32>(values[2u * v + 1u]);
    if (p != q) {
        return p < q;
    }
    let equal = sorted[2u * e] == values[2u * v] && params.right == 1u;
    return sorted[2u * e] < values[2u * v] || equal;
}
#else
#if FLOAT
fn before(e: u32, v: u32) -> bool {
    let p = bitcast<f32>(sorted[e]);
    let q = bitcast<f32>(values[v]);
    return is_nan(p) || is_nan(q) || p < q || (p == q && params.right == 1u);
}
#else
fn before(e: u32, v: u32) -> bool {
    let p = bitcast<i32>(sorted[e]);
    let q = bitcast<i32>(values[v]);
    return p < q || (p == q && params.right == 1u);
}
#endif
#endif

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.count) {
        return;
    }
    let first = select(0u, (i / params.m) * params.n, params.rows == 1u);
    var low = 0u;
    var high = params.n;
    while (low < high) {
        let middle = low + (high - low) / 2u;
        var at = middle;
#if SORTER
        at = min(sorter[2u * (params.sorter + first + middle)], params.n - 1u);
#endif
        if (before(params.sorted + first + at, params.values + i)) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
#if INT64
    to[2u * (params.to + i)] = low;
    to[2u * (params.to + i) + 1u] = 0u;
#else
    to[params.to + i] = low;
#endif
}
