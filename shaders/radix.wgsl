// The order that sorts each line of a dense (lines, n): a stable radix sort by 4 bits at a time, from the lowest on.
//
// BEGIN makes keys, of the elements where they are or with AGAIN in the order found so far. Then for every 4 bits: COUNT
// leaves how often each digit occurs in each block of 1024 keys, OFFSETS makes where they go of that, and otherwise keys
// and places move there.
#include "lib/order.wgsl"

struct Params {
    source: u32,
#if COUNT
#else
#if OFFSETS
#else
    places: u32,
#if BEGIN
#else
    counts: u32,
#endif
    to: u32,
#endif
#endif
#if BEGIN
#else
#if OFFSETS
#else
#if COUNT
#else
    to_places: u32,
#endif
#endif
#endif
#if COUNT
    to: u32,
#endif
    lines: u32,
    n: u32,
    blocks: u32,
    shift: u32,
    word: u32,
    stride: u32,
    descending: u32,
}
$PARAMS params: Params;
const EACH: u32 = 4u;
const BLOCK: u32 = EACH * $GROUPu;

#if BEGIN
$BINDING var<storage, read> x: array<u32>;
$BINDING var<storage, read_write> places: array<u32>;
$BINDING var<storage, read_write> to: array<u32>;

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.lines * params.n) {
        return;
    }
#if AGAIN
    let e = i - i % params.n + places[params.places + i];
#else
    let e = i;
    places[params.places + i] = i % params.n;
#endif
    to[params.to + i] = $KEY(x[params.stride * (params.source + e) + params.word], params.descending == 1u);
}
#else
#if COUNT
$BINDING var<storage, read> keys: array<u32>;
$BINDING var<storage, read_write> to: array<u32>;
var<workgroup> shared_counts: array<atomic<u32>, 16>;

#include "lib/main.wgsl"
{
    let g = group_index(group, groups);
    let line = g / params.blocks;
    let block = g % params.blocks;
    if (lane < 16u) {
        atomicStore(&shared_counts[lane], 0u);
    }
    workgroupBarrier();
    for (var j = 0u; j < EACH; j++) {
        let k = block * BLOCK + j * $GROUPu + lane;
        if (line < params.lines && k < params.n) {
            atomicAdd(&shared_counts[(keys[params.source + line * params.n + k] >> params.shift) & 15u], 1u);
        }
    }
    workgroupBarrier();
    if (lane < 16u && line < params.lines) {
        to[params.to + (line * 16u + lane) * params.blocks + block] = atomicLoad(&shared_counts[lane]);
    }
}
#else
#if OFFSETS
$BINDING var<storage, read_write> counts: array<u32>;
var<workgroup> shared_sums: array<u32, $GROUP>;

#include "lib/main.wgsl"
{
    let line = group_index(group, groups);
    let size = select(16u * params.blocks, 0u, line >= params.lines);
    let first = params.source + line * 16u * params.blocks;
    var before = 0u;
    for (var base = 0u; base < size; base += BLOCK) {
        let k = base + EACH * lane;
        var own = 0u;
        for (var j = 0u; j < EACH; j++) {
            if (k + j < size) {
                own += counts[first + k + j];
            }
        }
        shared_sums[lane] = own;
        workgroupBarrier();
        for (var reach = 1u; reach < $GROUPu; reach = reach * 2u) {
            var v = shared_sums[lane];
            if (lane >= reach) {
                v += shared_sums[lane - reach];
            }
            workgroupBarrier();
            shared_sums[lane] = v;
            workgroupBarrier();
        }
        var sum = before + shared_sums[lane] - own;
        for (var j = 0u; j < EACH; j++) {
            if (k + j < size) {
                let here = counts[first + k + j];
                counts[first + k + j] = sum;
                sum += here;
            }
        }
        before += shared_sums[$GROUPu - 1u];
        workgroupBarrier();
    }
}
#else
$BINDING var<storage, read> keys: array<u32>;
$BINDING var<storage, read> places: array<u32>;
$BINDING var<storage, read> counts: array<u32>;
$BINDING var<storage, read_write> to: array<u32>;
$BINDING var<storage, read_write> to_places: array<u32>;
// For each invocation how often each digit occurs, two digits in a word.
var<workgroup> shared_counts: array<u32, 8u * $GROUPu>;

#include "lib/main.wgsl"
{
    let g = group_index(group, groups);
    let line = g / params.blocks;
    let block = g % params.blocks;
    for (var d = 0u; d < 8u; d++) {
        shared_counts[d * $GROUPu + lane] = 0u;
    }
    let k = block * BLOCK + EACH * lane;
    let count = select(min(max(params.n, k) - k, EACH), 0u, line >= params.lines);
    var own = array<u32, 4>();
    var rank = array<u32, 4>();
    for (var j = 0u; j < count; j++) {
        own[j] = keys[params.source + line * params.n + k + j];
        let digit = (own[j] >> params.shift) & 15u;
        let at = (digit >> 1u) * $GROUPu + lane;
        let half = 16u * (digit & 1u);
        rank[j] = (shared_counts[at] >> half) & 0xffffu;
        shared_counts[at] += 1u << half;
    }
    workgroupBarrier();
    var sums = array<u32, 8>();
    for (var reach = 1u; reach < $GROUPu; reach = reach * 2u) {
        for (var d = 0u; d < 8u; d++) {
            sums[d] = shared_counts[d * $GROUPu + lane];
            if (lane >= reach) {
                sums[d] += shared_counts[d * $GROUPu + lane - reach];
            }
        }
        workgroupBarrier();
        for (var d = 0u; d < 8u; d++) {
            shared_counts[d * $GROUPu + lane] = sums[d];
        }
        workgroupBarrier();
    }
    for (var j = 0u; j < count; j++) {
        let digit = (own[j] >> params.shift) & 15u;
        var before = 0u;
        if (lane > 0u) {
            before = (shared_counts[(digit >> 1u) * $GROUPu + lane - 1u] >> (16u * (digit & 1u))) & 0xffffu;
        }
        let start = counts[params.counts + (line * 16u + digit) * params.blocks + block];
        let at = line * params.n + start + before + rank[j];
        to[params.to + at] = own[j];
        to_places[params.to_places + at] = places[params.places + line * params.n + k + j];
    }
}
#endif
#endif
#endif
