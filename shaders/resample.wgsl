// A sparse matrix applied to the middle of (outer, dim, inner), an invocation an output: interpolation and its gradient.
//
// The table holds where each output's entries start, and then the entries: an index and a weight each.

struct Params {
    x: u32,
    table: u32,
    y: u32,
    outer: u32,
    before: u32,
    after: u32,
    inner: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<f32>;
$BINDING var<storage, read> table: array<u32>;
$BINDING var<storage, read_write> y: array<f32>;

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    let row = i / params.inner;
    let o = row / params.after;
    if (o >= params.outer) {
        return;
    }
    let starts = params.table + row % params.after;
    let entries = params.table + params.after + 1u;
    let line = params.x + o * params.before * params.inner + i % params.inner;
    var sum = 0.0;
    for (var k = table[starts]; k < table[starts + 1u]; k++) {
        sum += bitcast<f32>(table[entries + 2u * k + 1u]) * x[line + table[entries + 2u * k] * params.inner];
    }
    y[params.y + i] = sum;
}
