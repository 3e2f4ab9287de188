// Elements of src (outer, n, inner) join those of `to` (outer, size, inner) at keys along the middle dim.
//
// SORTED: keys come in order, and `order` says which row of src each belongs to, those of one key in a row: the
// invocation at the first of them makes the element, in the order of the rows, so that the sum has always the same bits.
// No invocation goes through more than a piece of the list: with PIECES what a key has in further pieces, TAILS has put
// together before.
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
#if PIECES
    tails: u32,
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
#if PIECES
$BINDING var<storage, read> tails: array<$TYPE>;
#endif
$BINDING var<storage, read> src: array<$TYPE>;
$BINDING var<storage, read_write> to: array<$TYPE>;
#if LINES
#include "lib/bounds.wgsl"
#endif

fn join(a: $TYPE, b: $TYPE) -> $TYPE {
    return $JOIN;
}

#if SORTED
fn key_at(j: u32) -> u32 {
    return keys[params.keys + j];
}
// Behind the last of the keys from j on that are the same, within a piece.
fn end_of(j: u32) -> u32 {
    let last = min(params.n, (j / $PIECEu + 1u) * $PIECEu);
    let key = key_at(j);
    var q = j + 1u;
    while (q < last && key_at(q) == key) {
        q++;
    }
    return q;
}
// Column k of the rows o from j to `end`.
fn together(o: u32, k: u32, j: u32, end: u32) -> $TYPE {
    let base = o * params.n;
    var acc = src[params.src + (base + order[params.order + j]) * params.inner + k];
    for (var q = j + 1u; q < end; q++) {
        acc = join(acc, src[params.src + (base + order[params.order + q]) * params.inner + k]);
    }
    return acc;
}
#endif

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
#if TAILS
    let pieces = (params.n - 1u) / $PIECEu;
    if (i >= params.outer * pieces * params.inner) {
        return;
    }
    let j = ((i / params.inner) % pieces + 1u) * $PIECEu;
    if (key_at(j) == key_at(j - 1u)) {
        to[params.to + i] = together(i / (params.inner * pieces), i % params.inner, j, end_of(j));
    }
#else
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
    if (key == params.skip || (j > 0u && key_at(j - 1u) == key)) {
        return;
    }
    let end = end_of(j);
    var acc = together(o, k, j, end);
    var count = end - j;
#if PIECES
    let pieces = (params.n - 1u) / $PIECEu;
    for (var q = end; q % $PIECEu == 0u && q < params.n && key_at(q) == key;) {
        acc = join(acc, tails[params.tails + (o * pieces + q / $PIECEu - 1u) * params.inner + k]);
        // Whole pieces but for the last.
        let next = min(q + $PIECEu, params.n);
        let whole = key_at(next - 1u) == key;
        if (whole) {
            count += next - q;
        } else {
            count += end_of(q) - q;
        }
        q = select(params.n, next, whole);
    }
#endif
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
#endif
}
