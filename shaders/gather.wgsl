// to[o, j, k] = x[o, index, k] for (outer, n, inner) elements of words: the index is index[j], or with ELEMENTS
// index[o, j, k]. Indices are int64, or with KEYS words that are known to be in bounds.

struct Params {
    x: u32,
    index: u32,
    to: u32,
    count: u32,
    n: u32,
    inner: u32,
    size: u32,
    wraps: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<$TYPE>;
#if KEYS
$BINDING var<storage, read> index: array<u32>;
#else
$BINDING var<storage, read> index: array<vec2<u32>>;
#endif
$BINDING var<storage, read_write> to: array<$TYPE>;
#if KEYS
#else
#include "lib/bounds.wgsl"
#endif

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.count) {
        return;
    }
    let k = i % params.inner;
    let row = i / params.inner;
#if ELEMENTS
    let v = index[params.index + i];
#else
    let v = index[params.index + row % params.n];
#endif
#if KEYS
    let at = v;
#else
    let at = index_in(v.x, v.y, params.size, params.wraps == 1u);
#endif
    to[params.to + i] = x[params.x + (row / params.n * params.size + at) * params.inner + k];
}
