// Bags of rows of a table. OWNERS finds the bag of each index and counts what is in each bag, an invocation for each
// index and for each offset; it also checks both. Without it an invocation makes a column of a bag's row, from the bag's
// indices in order: their sum (times FACTORS), their MEAN, or the MAX of them and which row has it.
#include "lib/dtype.wgsl"
#include "lib/float.wgsl"

struct Params {
    index: u32,
    offsets: u32,
#if OWNERS
    owner: u32,
    sizes: u32,
#else
    table: u32,
#if FACTORS
    factors: u32,
#endif
    to: u32,
#if MAX
    largest: u32,
#endif
#endif
    n: u32,
    bags: u32,
    // One more than bags if the last one is an end.
    starts: u32,
    rows: u32,
    d: u32,
    // The row that does not count.
    padding: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> index: array<vec2<u32>>;
$BINDING var<storage, read> offsets: array<vec2<u32>>;
#if OWNERS
$BINDING var<storage, read_write> owner: array<vec2<u32>>;
$BINDING var<storage, read_write> sizes: array<vec2<u32>>;
#include "lib/bounds.wgsl"
#else
$BINDING var<storage, read> table: array<u32>;
#if FACTORS
$BINDING var<storage, read> factors: array<u32>;
#endif
$BINDING var<storage, read_write> to: array<f32>;
#if MAX
$BINDING var<storage, read_write> largest: array<vec2<u32>>;
#endif
#endif

// Where a bag begins; one behind the last ends with the indices. Wrong offsets are reported, and lead to nowhere else.
fn start(bag: u32) -> u32 {
    if (bag >= params.starts) {
        return params.n;
    }
    let at = offsets[params.offsets + bag];
    return select(params.n, min(at.x, params.n), at.y == 0u);
}
fn key_at(j: u32) -> u32 {
    return index[params.index + j].x;
}

#if OWNERS
#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i < params.n) {
        let v = index[params.index + i];
        _ = index_in(v.x, v.y, params.rows, false);
        // The last bag that begins at the index or before it: those in front of it that do are empty.
        var low = 0u;
        var high = params.bags;
        while (low + 1u < high) {
            let middle = (low + high) / 2u;
            if (start(middle) <= i) {
                low = middle;
            } else {
                high = middle;
            }
        }
        if (params.bags > 0u) {
            owner[params.owner + i] = vec2<u32>(low, 0u);
        }
    }
    if (i < params.starts) {
        let v = offsets[params.offsets + i];
        let least = select(0u, start(max(i, 1u) - 1u), i > 0u);
        if (v.y != 0u || v.x > params.n || v.x < least || (i == 0u && v.x != 0u)) {
            atomicMax(&found[0], $FAULT);
        }
    }
    if (i < params.bags) {
        let end = start(i + 1u);
        var count = 0u;
        for (var j = start(i); j < end; j++) {
            count += select(0u, 1u, key_at(j) != params.padding);
        }
        sizes[params.sizes + i] = vec2<u32>(count, 0u);
    }
}
#else
fn load(e: u32) -> f32 {
    return $LOAD;
}
#if FACTORS
fn factor(j: u32) -> f32 {
    let e = params.factors + j;
    return $LOAD_FACTOR;
}
#endif

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.bags * params.d) {
        return;
    }
    let bag = i / params.d;
    let end = start(bag + 1u);
    var acc = 0.0;
    var row = 0u;
    var count = 0u;
    for (var j = start(bag); j < end; j++) {
        let key = key_at(j);
        if (key == params.padding || key >= params.rows) {
            continue;
        }
        let v = load(params.table + key * params.d + i % params.d);
#if MAX
        // As on the CPU: NaN is largest if it comes first.
        if (count == 0u || (v > acc && !is_nan(v) && !is_nan(acc))) {
            acc = v;
            row = key;
        }
#else
#if FACTORS
        acc += v * factor(j);
#else
        acc += v;
#endif
#endif
        count++;
    }
#if MEAN
    acc = acc / f32(max(count, 1u));
#endif
    to[params.to + i] = acc;
#if MAX
    largest[params.largest + i] = vec2<u32>(row, 0u);
#endif
}
#endif
