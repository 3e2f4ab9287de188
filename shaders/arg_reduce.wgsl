// Where the first extreme element of each line is (lib/lines.wgsl), and its value if VALUES. NaN beats everything.
//
// With PARTIAL each part of a line gives its value and its place; with JOIN an invocation for each line compares them.
#include "lib/float.wgsl"
#include "lib/lines.wgsl"
#if WIDE
#include "lib/int64.wgsl"
#endif

struct Params {
    x: u32,
#if JOIN
    part: u32,
#endif
#if VALUES
    values: u32,
#endif
    places: u32,
    at: Lines,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<$TYPE>;
#if JOIN
$BINDING var<storage, read> part: array<u32>;
#endif
#if VALUES
$BINDING var<storage, read_write> values: array<$TYPE>;
#endif
$BINDING var<storage, read_write> places: array<u32>;

struct Found {
    value: $TYPE,
    place: u32,
}
const NOWHERE: u32 = 0xffffffffu;

fn is_undefined(v: $TYPE) -> bool {
#if FLOAT
    return is_nan(v);
#else
    return false;
#endif
}
fn beats(a: $TYPE, b: $TYPE) -> bool {
    let ahead = $AHEAD;
    // A comparison with NaN may give anything.
    return select(ahead && !is_undefined(b), !is_undefined(b), is_undefined(a));
}
fn better(a: Found, b: Found) -> Found {
    if (a.place == NOWHERE || b.place == NOWHERE) {
        if (a.place == NOWHERE) {
            return b;
        }
        return a;
    }
    if (beats(b.value, a.value) || (!beats(a.value, b.value) && b.place < a.place)) {
        return b;
    }
    return a;
}
fn put(i: u32, found: Found) {
#if VALUES
    values[params.values + i] = found.value;
#endif
#if PARTIAL
    places[params.places + i] = found.place;
#else
    places[2u * (params.places + i)] = found.place;
    places[2u * (params.places + i) + 1u] = 0u;
#endif
}

#if JOIN
#include "lib/main.wgsl"
{
    let line = group_index(group, groups) * $GROUPu + lane;
    if (line >= params.at.count) {
        return;
    }
    let first = line * params.at.parts;
    var found = Found(x[params.x + first], part[params.part + first]);
    for (var p = 1u; p < params.at.parts; p++) {
        found = better(found, Found(x[params.x + first + p], part[params.part + first + p]));
    }
    put(line, found);
}
#else
var<workgroup> best: array<Found, $GROUP>;

#include "lib/main.wgsl"
{
    let s = line_share(group_index(group, groups), lane);
    var found = Found($TYPE(), NOWHERE);
    for (var k = s.k; k < s.last; k += s.stride) {
        found = better(found, Found(x[params.x + s.first + line_element(k)], k));
    }
    best[lane] = found;
    workgroupBarrier();
    for (var half = $GROUPu / 2u; half >= params.at.width; half = half / 2u) {
        if (lane < half) {
            best[lane] = better(best[lane], best[lane + half]);
        }
        workgroupBarrier();
    }
    if (s.writes) {
        put(s.to, best[lane]);
    }
}
#endif
