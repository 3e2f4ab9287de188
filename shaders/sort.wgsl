// The order that sorts each line of a dense (lines, n), n at most 1024: a workgroup for each line, by Batcher's bitonic
// network over `size`, the next power of two. Equal elements keep their order, since places are compared too.
#include "lib/order.wgsl"

struct Params {
    x: u32,
    to: u32,
    lines: u32,
    n: u32,
    size: u32,
    descending: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<u32>;
$BINDING var<storage, read_write> to: array<u32>;

var<workgroup> shared_keys: array<u32, 1024>;
var<workgroup> shared_places: array<u32, 1024>;
#if WIDE
var<workgroup> shared_lows: array<u32, 1024>;
#endif

fn after(i: u32, j: u32) -> bool {
    let p = shared_keys[i];
    let q = shared_keys[j];
    if (p != q) {
        return p > q;
    }
#if WIDE
    if (shared_lows[i] != shared_lows[j]) {
        return shared_lows[i] > shared_lows[j];
    }
#endif
    return shared_places[i] > shared_places[j];
}

#include "lib/main.wgsl"
{
    let line = group_index(group, groups);
    let past = line >= params.lines;
    let reversed = params.descending == 1u;
    for (var i = lane; i < params.size; i += $GROUPu) {
        // What fills up the line comes after all of it.
        shared_keys[i] = 0xffffffffu;
#if WIDE
        shared_lows[i] = 0xffffffffu;
#endif
        shared_places[i] = i;
        if (i < params.n && !past) {
            let e = params.x + line * params.n + i;
#if WIDE
            shared_keys[i] = key_i32(x[2u * e + 1u], reversed);
            shared_lows[i] = key_u32(x[2u * e], reversed);
#else
            shared_keys[i] = $KEY(x[e], reversed);
#endif
        }
    }
    workgroupBarrier();
    for (var run = 2u; run <= params.size; run = run * 2u) {
        for (var reach = run / 2u; reach > 0u; reach = reach / 2u) {
            for (var t = lane; t < params.size / 2u; t += $GROUPu) {
                let i = 2u * reach * (t / reach) + t % reach;
                let j = i + reach;
                if (after(i, j) == ((i & run) == 0u)) {
                    let key = shared_keys[i];
                    shared_keys[i] = shared_keys[j];
                    shared_keys[j] = key;
                    let at = shared_places[i];
                    shared_places[i] = shared_places[j];
                    shared_places[j] = at;
#if WIDE
                    let low = shared_lows[i];
                    shared_lows[i] = shared_lows[j];
                    shared_lows[j] = low;
#endif
                }
            }
            workgroupBarrier();
        }
    }
    for (var i = lane; i < params.n; i += $GROUPu) {
        if (!past) {
            to[params.to + line * params.n + i] = shared_places[i];
        }
    }
}
