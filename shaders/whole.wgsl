// Sum, or with PRODUCT the product, of whole numbers of 64 bits, which wrap: of each line or each part of one
// (lib/lines.wgsl); of parts' results a second call makes the line's.
#include "lib/lines.wgsl"

struct Params {
    x: u32,
    to: u32,
    at: Lines,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<u32>;
$BINDING var<storage, read_write> to: array<u32>;

// Low and high word.
fn combine(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
#if PRODUCT
    let a0 = a.x & 0xffffu;
    let a1 = a.x >> 16u;
    let b0 = b.x & 0xffffu;
    let b1 = b.x >> 16u;
    let middle = a1 * b0 + ((a0 * b0) >> 16u);
    let other = a0 * b1 + (middle & 0xffffu);
    let high = a1 * b1 + (middle >> 16u) + (other >> 16u);
    return vec2<u32>(a.x * b.x, high + a.x * b.y + a.y * b.x);
#else
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
#endif
}

var<workgroup> all: array<vec2<u32>, $GROUP>;

#include "lib/main.wgsl"
{
    let s = line_share(group_index(group, groups), lane);
#if PRODUCT
    var mine = vec2<u32>(1u, 0u);
#else
    var mine = vec2<u32>(0u, 0u);
#endif
    for (var k = s.k; k < s.last; k += s.stride) {
        let at = 2u * (params.x + s.first + line_element(k));
        mine = combine(mine, vec2<u32>(x[at], x[at + 1u]));
    }
    all[lane] = mine;
    workgroupBarrier();
    for (var half = $GROUPu / 2u; half >= params.at.width; half = half / 2u) {
        if (lane < half) {
            all[lane] = combine(all[lane], all[lane + half]);
        }
        workgroupBarrier();
    }
    if (s.writes) {
        to[2u * (params.to + s.to)] = all[lane].x;
        to[2u * (params.to + s.to) + 1u] = all[lane].y;
    }
}
