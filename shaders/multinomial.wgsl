// Indices drawn by weight: the first running sum of a row of weights that is above a random share of the row's total.
// An invocation for each block of four samples. `sums` holds the running sums of `weights`. CHECK looks at every weight first.
#include "lib/philox.wgsl"
#include "lib/float.wgsl"

#if CHECK
struct Params {
    weights: u32,
    n: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> weights: array<f32>;
#include "lib/bounds.wgsl"

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i < params.n) {
        let w = weights[params.weights + i];
        if (!(w >= 0.0) || is_nan(w) || is_inf(w)) {
            atomicMax(&found[0], $FAULT);
        }
    }
}
#else
struct Params {
    weights: u32,
    sums: u32,
    to: u32,
    n: u32,
    samples: u32,
    categories: u32,
    first0: u32,
    first1: u32,
    key0: u32,
    key1: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> weights: array<f32>;
$BINDING var<storage, read> sums: array<f32>;
$BINDING var<storage, read_write> to: array<u32>;
#include "lib/bounds.wgsl"

fn draw(w: u32, i: u32) -> u32 {
    let row = (i / params.samples) * params.categories;
    let total = sums[params.sums + row + params.categories - 1u];
    if (!(total > 0.0) || is_nan(total) || is_inf(total)) {
        atomicMax(&found[0], $FAULT);
    }
    let share = unit(w) * total;
    var low = 0u;
    var high = params.categories - 1u;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (sums[params.sums + row + middle] > share) {
            high = middle;
        } else {
            low = middle + 1u;
        }
    }
    // Sums that are rounded may end on a weight of 0, which nobody may draw.
    let at = low;
    while (low > 0u && !(weights[params.weights + row + low] > 0.0)) {
        low--;
    }
    if (low == 0u && !(weights[params.weights + row] > 0.0)) {
        low = at;
        while (low + 1u < params.categories && !(weights[params.weights + row + low] > 0.0)) {
            low++;
        }
    }
    return low;
}

#include "lib/main.wgsl"
{
    let block = group_index(group, groups) * $GROUPu + lane;
    let w = philox_block(vec4<u32>(params.first0, params.first1, 0u, 0u), block, vec2<u32>(params.key0, params.key1));
    for (var k = 0u; k < 4u; k++) {
        let i = 4u * block + k;
        if (i < params.n) {
            to[2u * (params.to + i)] = draw(w[k], i);
            to[2u * (params.to + i) + 1u] = 0u;
        }
    }
}
#endif
