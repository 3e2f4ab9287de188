// Elements of src (outer, n, inner) join those of `to` (outer, size, inner) at keys along the middle dim.
//
// SORTED: keys come in order, and `order` says which row of src each belongs to, those of one key in a row: the
// invocation at the first of them makes the element, in the order of the rows, so that the sum has always the same bits.
// LINES: an invocation goes through the keys of one line (outer, inner), where each element has a key of its own.
// Else: keys differ, or all write one value (FILL).
#include "lib/float.wgsl"
#if WIDE
#include "lib/int64.wgsl"
#endif

struct Params {
    keys: u32,
#if SORTED
    order: u32,
#endif
    src: u32,
    to: u32,
    outer: u32,
    n: u32,
    inner: u32,
    size: u32,
    fresh: u32,
    skip: u32,
}
$PARAMS params: Params;
#if LINES
$BINDING var<storage, read> keys: array<vec2<u32>>;
#else
$BINDING var<storage, read> keys: array<u32>;
#endif
#if SORTED
$BINDING var<storage, read> order: array<u32>;
#endif
$BINDING var<storage, read> src: array<$TYPE>;
$BINDING var<storage, read_write> to: array<$TYPE>;
#if LINES
#include "lib/bounds.wgsl"
#endif

fn join(a: $TYPE, b: $TYPE) -> $TYPE {
    return $JOIN;
}

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
#if LINES
    if (i >= params.outer * params.inner) {
        return;
    }
    let o = i / params.inner;
    let k = i % params.inner;
    for (var j = 0u; j < params.n; j++) {
        let e = (o * params.n + j) * params.inner + k;
        let v = keys[params.keys + e];
        let at = params.to + (o * params.size + index_in(v.x, v.y, params.size, false)) * params.inner + k;
        to[at] = join(to[at], src[params.src + e]);
    }
#else
    if (i >= params.outer * params.n * params.inner) {
        return;
    }
    let k = i % params.inner;
    let j = (i / params.inner) % params.n;
    let o = i / (params.inner * params.n);
    let key = keys[params.keys + j];
    let at = params.to + (o * params.size + key) * params.inner + k;
#if SORTED
    // One key may be left out.
    if (key == params.skip || (j > 0u && keys[params.keys + j - 1u] == key)) {
        return;
    }
    let base = o * params.n;
    var acc = src[params.src + (base + order[params.order + j]) * params.inner + k];
    var count = 1u;
    for (var q = j + 1u; q < params.n && keys[params.keys + q] == key; q++) {
        acc = join(acc, src[params.src + (base + order[params.order + q]) * params.inner + k]);
        count++;
    }
#if OLD
    if (params.fresh == 0u) {
        acc = join(to[at], acc);
        count++;
    }
#endif
#if MEAN
    let sum = $SUM;
    acc = $QUOTIENT;
#endif
    to[at] = acc;
#else
#if FILL
    to[at] = src[params.src];
#else
    to[at] = src[params.src + i];
#endif
#endif
#endif
}
