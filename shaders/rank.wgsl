// A stable sort of words by counting: an invocation for each, which finds how many come before it. For lists of some
// thousands, of which it takes one call; `radix` sorts longer ones.

struct Params {
    keys: u32,
    sorted: u32,
    order: u32,
    n: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> keys: array<u32>;
$BINDING var<storage, read_write> sorted: array<u32>;
$BINDING var<storage, read_write> order: array<u32>;

var<workgroup> tile: array<u32, $GROUP>;

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    var mine = 0u;
    if (i < params.n) {
        mine = keys[params.keys + i];
    }
    var before = 0u;
    for (var first = 0u; first < params.n; first += $GROUPu) {
        if (first + lane < params.n) {
            tile[lane] = keys[params.keys + first + lane];
        }
        workgroupBarrier();
        let count = min($GROUPu, params.n - first);
        for (var k = 0u; k < count; k++) {
            let other = tile[k];
            before += select(0u, 1u, other < mine || (other == mine && first + k < i));
        }
        workgroupBarrier();
    }
    if (i < params.n) {
        sorted[params.sorted + before] = mine;
        order[params.order + before] = i;
    }
}
