// A pass of a stable sort of words and what goes along with them, by the four bits from `shift` on: COUNT the digits of each
// block of keys, SCAN the counts (digit by digit, in a digit block by block), then each key goes to its place. Every step
// is in an order that the number of keys decides.

struct Params {
    keys: u32,
#if PLACE
    order: u32,
    counts: u32,
    sorted: u32,
    ordered: u32,
#endif
#if COUNT
    counts: u32,
#endif
    n: u32,
    blocks: u32,
    shift: u32,
    first: u32,
}
$PARAMS params: Params;
#if SCAN
$BINDING var<storage, read_write> keys: array<u32>;
#else
$BINDING var<storage, read> keys: array<u32>;
#endif
#if PLACE
$BINDING var<storage, read> order: array<u32>;
$BINDING var<storage, read> counts: array<u32>;
$BINDING var<storage, read_write> sorted: array<u32>;
$BINDING var<storage, read_write> ordered: array<u32>;
#endif
#if COUNT
$BINDING var<storage, read_write> counts: array<u32>;
#endif

var<workgroup> lanes: array<u32, $GROUP>;

#include "lib/main.wgsl"
{
#if SCAN
    // One workgroup: `keys` are the counts.
    var before = 0u;
    for (var first = 0u; first < params.n; first += $GROUPu) {
        var mine = 0u;
        if (first + lane < params.n) {
            mine = keys[params.keys + first + lane];
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
        if (first + lane < params.n) {
            keys[params.keys + first + lane] = before + lanes[lane] - mine;
        }
        before += lanes[$GROUPu - 1u];
        workgroupBarrier();
    }
#else
    let block = group_index(group, groups);
    let i = block * $GROUPu + lane;
    // Beyond the end no digit.
    var digit = 16u;
    if (i < params.n) {
        digit = (keys[params.keys + i] >> params.shift) & 15u;
    }
    lanes[lane] = digit;
    workgroupBarrier();
#if COUNT
    if (lane < 16u && block < params.blocks) {
        var count = 0u;
        for (var k = 0u; k < $GROUPu; k++) {
            count += select(0u, 1u, lanes[k] == lane);
        }
        counts[params.counts + lane * params.blocks + block] = count;
    }
#else
    if (i < params.n) {
        var before = 0u;
        for (var k = 0u; k < lane; k++) {
            before += select(0u, 1u, lanes[k] == digit);
        }
        let at = counts[params.counts + digit * params.blocks + block] + before;
        sorted[params.sorted + at] = keys[params.keys + i];
        // The first pass begins with the keys in their own order.
        var what = i;
        if (params.first == 0u) {
            what = order[params.order + i];
        }
        ordered[params.ordered + at] = what;
    }
#endif
#endif
}
