// Dropout: what stays, scaled, and a byte for each element that says so. An invocation for each block of four elements,
// which share the words that they lie in. `below` is the threshold of random words, or `all` stay.
#include "lib/philox.wgsl"
#include "lib/dtype.wgsl"

struct Params {
    x: u32,
    to: u32,
    keep: u32,
    n: u32,
    first0: u32,
    first1: u32,
    key0: u32,
    key1: u32,
    below: u32,
    all: u32,
    scale: f32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<u32>;
$BINDING var<storage, read_write> to: array<u32>;
$BINDING var<storage, read_write> keep: array<u32>;

#include "lib/main.wgsl"
{
    let block = group_index(group, groups) * $GROUPu + lane;
    let i = 4u * block;
    if (i >= params.n) {
        return;
    }
    let w = philox_block(vec4<u32>(params.first0, params.first1, 0u, 0u), block, vec2<u32>(params.key0, params.key1));
    var mask = 0u;
    var word = 0u;
    for (var k = 0u; k < 4u; k++) {
        if (i + k < params.n) {
            let stays = w[k] < params.below || params.all == 1u;
            mask |= select(0u, 1u, stays) << (8u * k);
            let e = params.x + i + k;
            let bits = $STORE($LOAD * select(0.0, params.scale, stays));
#if HALF
            word |= bits << (16u * (k & 1u));
            if ((k & 1u) == 1u || i + k + 1u == params.n) {
                to[(params.to + i + k) >> 1u] = word;
                word = 0u;
            }
#else
            to[params.to + i + k] = bits;
#endif
        }
    }
    keep[(params.keep + i) >> 2u] = mask;
}
