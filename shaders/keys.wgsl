// Places from int64 indices, as words: index i names (index * step) of a dim of `size` elements, added to what earlier dims
// gave with ADD. With ELEMENTS i counts (outer, n, inner) and the place is that of the element (outer, index, inner).

struct Params {
    index: u32,
    to: u32,
    count: u32,
    size: u32,
    step: u32,
    wraps: u32,
    n: u32,
    inner: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> index: array<vec2<u32>>;
$BINDING var<storage, read_write> to: array<u32>;
#include "lib/bounds.wgsl"

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.count) {
        return;
    }
    let v = index[params.index + i];
    let at = index_in(v.x, v.y, params.size, params.wraps == 1u);
#if ELEMENTS
    let line = i / (params.n * params.inner);
    to[params.to + i] = (line * params.size + at) * params.inner + i % params.inner;
#else
#if ADD
    to[params.to + i] += at * params.step;
#else
    to[params.to + i] = at * params.step;
#endif
#endif
}
