// Bags of rows of a table. OWNERS finds the bag of each index and counts what is in each bag, an invocation for each
// index and for each offset; it also checks both. Without it an invocation makes a column of a bag's row, from the bag's
// indices in order: their sum (times FACTORS), their MEAN, or the MAX of them and which row has it. No invocation goes
// through more than a piece of the list: with PIECES what a bag has in further pieces, TAILS has put together before.
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
#if MEAN
    sizes: u32,
#endif
#if PIECES
    tails: u32,
#if MAX
    tail_rows: u32,
#endif
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
$BINDING var<storage, read_write> sizes: array<atomic<u32>>;
#include "lib/bounds.wgsl"
#else
$BINDING var<storage, read> table: array<u32>;
#if FACTORS
$BINDING var<storage, read> factors: array<u32>;
#endif
#if MEAN
$BINDING var<storage, read> sizes: array<vec2<u32>>;
#endif
#if PIECES
$BINDING var<storage, read> tails: array<f32>;
#if MAX
$BINDING var<storage, read> tail_rows: array<vec2<u32>>;
#endif
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

// The last bag that begins at the index or before it: those in front of it that do are empty.
fn bag_of(i: u32) -> u32 {
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
    return low;
}

#if OWNERS
#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i < params.n) {
        let v = index[params.index + i];
        _ = index_in(v.x, v.y, params.rows, false);
        if (params.bags > 0u) {
            let bag = bag_of(i);
            owner[params.owner + i] = vec2<u32>(bag, 0u);
            if (v.x != params.padding) {
                // The low words of int64.
                atomicAdd(&sizes[2u * (params.sizes + bag)], 1u);
            }
        }
    }
    if (i < params.starts) {
        let v = offsets[params.offsets + i];
        let least = select(0u, start(max(i, 1u) - 1u), i > 0u);
        if (v.y != 0u || v.x > params.n || v.x < least || (i == 0u && v.x != 0u)) {
            atomicMax(&found[0], $FAULT);
        }
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

// What some indices of a bag make of a column: without an index that counts, 0 and row NONE.
struct Part {
    value: f32,
    row: u32,
}
const NONE: u32 = 0xffffffffu;

// As on the CPU: NaN is largest if it comes first.
fn larger(a: Part, b: Part) -> Part {
    let takes = a.row == NONE || (b.value > a.value && !is_nan(b.value) && !is_nan(a.value));
    return Part(select(a.value, b.value, takes), select(a.row, b.row, takes));
}

fn together(first: u32, end: u32, column: u32) -> Part {
    var part = Part(0.0, NONE);
    for (var j = first; j < end; j++) {
        let key = key_at(j);
        if (key == params.padding || key >= params.rows) {
            continue;
        }
        let v = load(params.table + key * params.d + column);
#if MAX
        part = larger(part, Part(v, key));
#else
#if FACTORS
        part.value += v * factor(j);
#else
        part.value += v;
#endif
#endif
    }
    return part;
}

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    let column = i % params.d;
#if TAILS
    let first = (i / params.d + 1u) * $PIECEu;
    if (first >= params.n) {
        return;
    }
    let bag = bag_of(first);
    let part = together(first, min(start(bag + 1u), first + $PIECEu), column);
    to[params.to + i] = part.value;
#if MAX
    largest[params.largest + i] = vec2<u32>(part.row, 0u);
#endif
#else
    if (i >= params.bags * params.d) {
        return;
    }
    let bag = i / params.d;
    let first = start(bag);
    let end = start(bag + 1u);
    var part = together(first, min(end, (first / $PIECEu + 1u) * $PIECEu), column);
#if PIECES
    for (var piece = first / $PIECEu; (piece + 1u) * $PIECEu < end; piece++) {
        let at = piece * params.d + column;
        let value = tails[params.tails + at];
#if MAX
        let row = tail_rows[params.tail_rows + at].x;
        if (row != NONE) {
            part = larger(part, Part(value, row));
        }
#else
        part.value += value;
#endif
    }
#endif
#if MEAN
    part.value = part.value / f32(max(sizes[params.sizes + bag].x, 1u));
#endif
    to[params.to + i] = part.value;
#if MAX
    largest[params.largest + i] = vec2<u32>(select(part.row, 0u, part.row == NONE), 0u);
#endif
#endif
}
#endif
