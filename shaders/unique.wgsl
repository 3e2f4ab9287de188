// Distinct elements of a vector, or with ROWS distinct rows of `m` elements, in the order that `order` gives, or as they are. The first call marks where another one
// begins; with the running sums of those marks SPREAD writes each one's value and start and which one each element is;
// COUNTS makes how often each occurs of the starts. The value of rows is the number of the first of them.
#include "lib/order.wgsl"

struct Params {
#if COUNTS
    starts: u32,
    to: u32,
#else
    x: u32,
#if ORDERED
    order: u32,
#endif
#if SPREAD
    sums: u32,
    values: u32,
    starts: u32,
    inverse: u32,
#else
    to: u32,
#endif
#endif
    n: u32,
    found: u32,
    m: u32,
}
$PARAMS params: Params;
#if COUNTS
$BINDING var<storage, read> starts: array<u32>;
$BINDING var<storage, read_write> to: array<u32>;
#else
$BINDING var<storage, read> x: array<u32>;
#if ORDERED
$BINDING var<storage, read> order: array<u32>;
#endif
#if SPREAD
$BINDING var<storage, read> sums: array<u32>;
$BINDING var<storage, read_write> values: array<u32>;
$BINDING var<storage, read_write> starts: array<u32>;
$BINDING var<storage, read_write> inverse: array<u32>;
#else
$BINDING var<storage, read_write> to: array<u32>;
#endif

fn ordered(r: u32) -> u32 {
#if ORDERED
    return order[params.order + r];
#else
    return r;
#endif
}
fn differ(p: u32, q: u32) -> bool {
#if WIDE
    return x[2u * p] != x[2u * q] || x[2u * p + 1u] != x[2u * q + 1u];
#else
#if FLOAT
    // Every NaN is another one.
    return is_nan(bitcast<f32>(x[p])) || key_f32(x[p], false) != key_f32(x[q], false);
#else
    return x[p] != x[q];
#endif
#endif
}
fn begins(r: u32) -> bool {
    if (r == 0u) {
        return true;
    }
    let p = params.x + ordered(r) * params.m;
    let q = params.x + ordered(r - 1u) * params.m;
    for (var c = 0u; c < params.m; c++) {
        if (differ(p + c, q + c)) {
            return true;
        }
    }
    return false;
}
#endif

#include "lib/main.wgsl"
{
    let r = group_index(group, groups) * $GROUPu + lane;
    if (r >= params.n) {
        return;
    }
#if COUNTS
    var end = params.found;
    if (r + 1u < params.n) {
        end = starts[params.starts + r + 1u];
    }
    to[2u * (params.to + r)] = end - starts[params.starts + r];
    to[2u * (params.to + r) + 1u] = 0u;
#else
#if SPREAD
    let e = ordered(r);
    let which = sums[2u * (params.sums + r)] - 1u;
    inverse[2u * (params.inverse + e)] = which;
    inverse[2u * (params.inverse + e) + 1u] = 0u;
    if (begins(r)) {
        starts[params.starts + which] = r;
#if ROWS
        values[2u * (params.values + which)] = e;
        values[2u * (params.values + which) + 1u] = 0u;
#else
#if WIDE
        values[2u * (params.values + which)] = x[2u * (params.x + e)];
        values[2u * (params.values + which) + 1u] = x[2u * (params.x + e) + 1u];
#else
        values[params.values + which] = x[params.x + e];
#endif
#endif
    }
#else
    to[params.to + r] = select(0u, 1u, begins(r));
#endif
#endif
}
