// A function of up to four inputs, element by element: operands of any layout, dtype and place.
//
// The host writes the parts that depend on the call: $BINDINGS (inputs in0, in1, ..., the output out, all as words),
// $FIELDS (the parameters), $VALUE (element i, computed and as bits), $PLACE (where it goes).
//
// Each invocation makes four elements: of dtypes below 32 bits those that share words, which nobody else may write;
// of the others one in each quarter of the workgroup's share, so that neighbours read side by side.
#include "lib/dtype.wgsl"
#include "lib/math.wgsl"
#include "lib/functions.wgsl"
#if WIDE
#include "lib/int64.wgsl"
#endif

struct Params {
$FIELDS
}
$PARAMS params: Params;
$BINDINGS

fn value(i: u32) -> $BITS {
$VALUE
}

fn place(i: u32) -> u32 {
$PLACE
}

#include "lib/main.wgsl"
{
    let n = params.n;
    let base = group_index(group, groups) * (4u * $GROUPu);
#if SHARED
    // Nobody else changes these bits: the order in which neighbours set theirs makes no difference.
    for (var j = 0u; j < 4u; j++) {
        let i = base + j * $GROUPu + lane;
        if (i < n) {
            let e = place(i);
            let shift = (e % (32u / $SHAREDu)) * $SHAREDu;
            let mask = ((1u << $SHAREDu) - 1u) << shift;
            let bits = value(i) << shift;
            let at = e / (32u / $SHAREDu);
            atomicAnd(&out[at], ~mask | bits);
            atomicOr(&out[at], bits);
        }
    }
#else
#if BITS8
    let i = base + 4u * lane;
    if (i >= n) {
        return;
    }
    let at = place(i) >> 2u;
    var word = value(i);
    var rest = 0u;
    for (var k = 1u; k < 4u; k++) {
        if (i + k < n) {
            word |= value(i + k) << (8u * k);
        } else {
            rest |= 0xffu << (8u * k);
        }
    }
    // What follows a result may belong to another tensor.
    if (rest != 0u) {
        word |= out[at] & rest;
    }
    out[at] = word;
#else
#if BITS16
    for (var j = 0u; j < 4u; j += 2u) {
        let i = base + 4u * lane + j;
        if (i < n) {
            let at = place(i) >> 1u;
            var word = value(i);
            if (i + 1u < n) {
                word |= value(i + 1u) << 16u;
            } else {
                word |= out[at] & 0xffff0000u;
            }
            out[at] = word;
        }
    }
#else
    for (var j = 0u; j < 4u; j++) {
        let i = base + j * $GROUPu + lane;
        if (i < n) {
            let bits = value(i);
#if BITS64
            let at = 2u * place(i);
            out[at] = bits.x;
            out[at + 1u] = bits.y;
#else
            out[place(i)] = bits;
#endif
        }
    }
#endif
#endif
#endif
}
