// Where words are not 0. COUNT them in each block; `radix` sums the counts up; PLACE writes where they are, in order.
// COORDINATE makes of these places the index along one dim, as int64.

struct Params {
    x: u32,
#if PLACE
    counts: u32,
#endif
    to: u32,
    n: u32,
    blocks: u32,
    step: u32,
    size: u32,
    stride: u32,
    first: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<u32>;
#if PLACE
$BINDING var<storage, read> counts: array<u32>;
#endif
#if COORDINATE
$BINDING var<storage, read_write> to: array<vec2<u32>>;
#else
$BINDING var<storage, read_write> to: array<u32>;
#endif

var<workgroup> lanes: array<u32, $GROUP>;

#include "lib/main.wgsl"
{
    let block = group_index(group, groups);
    let i = block * $GROUPu + lane;
#if COORDINATE
    if (i < params.n) {
        to[params.to + i * params.stride + params.first] = vec2<u32>(x[params.x + i] / params.step % params.size, 0u);
    }
#else
    var mine = 0u;
    if (i < params.n) {
        mine = select(0u, 1u, x[params.x + i] != 0u);
    }
    lanes[lane] = mine;
    workgroupBarrier();
    for (var step = 1u; step < $GROUPu; step = step * 2u) {
        var sum = lanes[lane];
        if (lane >= step) {
            sum += lanes[lane - step];
        }
        workgroupBarrier();
        lanes[lane] = sum;
        workgroupBarrier();
    }
#if COUNT
    if (lane == 0u && block < params.blocks) {
        to[params.to + block] = lanes[$GROUPu - 1u];
    }
#else
    if (mine == 1u) {
        to[params.to + counts[params.counts + block] + lanes[lane] - 1u] = i;
    }
#endif
#endif
}
