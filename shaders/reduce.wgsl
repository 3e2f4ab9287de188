// A reduction: $MAP of each element, combined by $COMBINE from $IDENTITY on, and $FINISH of the result.
//
// The host writes how an output and an element of its group are found ($OUTER, $INNER: statements that end in the offset),
// the parameters ($FIELDS) and the binding of the input. A workgroup makes one output, or with LANES each invocation does,
// for short groups and for groups that lie across memory. With `parts` above 1 an output's group is cut into that many
// runs, one workgroup each, and a second call combines them: the cut depends on the shape alone.
#include "lib/dtype.wgsl"
#include "lib/math.wgsl"
#if CHAIN
#include "lib/functions.wgsl"
#endif
#if WIDE
#include "lib/int64.wgsl"
#endif

struct Params {
$FIELDS
#if CHAIN
$CHAIN_FIELDS
#endif
}
$PARAMS params: Params;
#if CHAIN
$CHAIN_BINDINGS
@group(0) @binding($OUT) var<storage, read_write> out: array<u32>;

$CHAIN_FUNCTIONS

// Element i of a chain of pointwise functions, see src/gpu/fuse.rs; what somebody holds of it is written on the way.
fn chain(i: u32) -> f32 {
$CHAIN_BODY
    return result;
}
#else
@group(0) @binding(0) var<storage, read> in0: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
#endif

var<workgroup> partial: array<$TYPE, $GROUP>;

fn outer(i: u32) -> i32 {
$OUTER
}
fn inner(i: u32) -> i32 {
$INNER
}
fn combine(a: $TYPE, b: $TYPE) -> $TYPE {
    return $COMBINE;
}
fn element(e: u32) -> $TYPE {
    let v = $LOAD;
    return $MAP;
}
fn put(i: u32, acc: $TYPE) {
    let o = params.to + i;
    let bits = $STORE;
#if BITS64
    out[2u * o] = bits.x;
    out[2u * o + 1u] = bits.y;
#else
    out[o] = bits;
#endif
}

#include "lib/main.wgsl"
{
    let g = group_index(group, groups);
#if LANES
    let o = g * $GROUPu + lane;
    if (o >= params.outputs) {
        return;
    }
    let base = outer(o);
    var acc: $TYPE = $IDENTITY;
    for (var k = 0u; k < params.length; k++) {
        acc = combine(acc, element(u32(base + inner(k))));
    }
    put(o, acc);
#else
    let o = g / params.parts;
    let part = g % params.parts;
    var acc: $TYPE = $IDENTITY;
    if (o < params.outputs) {
        let base = outer(o);
        let first = part * params.run;
        let last = min(first + params.run, params.length);
        for (var k = first + lane; k < last; k += $GROUPu) {
            acc = combine(acc, element(u32(base + inner(k))));
        }
    }
    partial[lane] = acc;
    workgroupBarrier();
    for (var half = $GROUPu / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            partial[lane] = combine(partial[lane], partial[lane + half]);
        }
        workgroupBarrier();
    }
    if (lane == 0u && o < params.outputs) {
        put(g, partial[0]);
    }
#endif
}
