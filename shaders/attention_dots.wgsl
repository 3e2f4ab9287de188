// The scalar product of each row of attention's result with its gradient, an invocation each.

struct Params {
    y: u32,
    g: u32,
    to: u32,
    tasks: u32,
    heads: u32,
    rows: u32,
    width: u32,
    y_batch: i32,
    y_head: i32,
    y_row: i32,
    g_batch: i32,
    g_head: i32,
    g_row: i32,
}
$PARAMS params: Params;
$BINDING var<storage, read> y: array<f32>;
$BINDING var<storage, read> g: array<f32>;
$BINDING var<storage, read_write> to: array<f32>;

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.tasks * params.rows) {
        return;
    }
    let row = i32(i % params.rows);
    let head = i / params.rows;
    let b = i32(head / params.heads);
    let h = i32(head % params.heads);
    let y0 = params.y + u32(b * params.y_batch + h * params.y_head + row * params.y_row);
    let g0 = params.g + u32(b * params.g_batch + h * params.g_head + row * params.g_row);
    var sum = 0.0;
    for (var e = 0u; e < params.width; e++) {
        sum += y[y0 + e] * g[g0 + e];
    }
    to[params.to + i] = sum;
}
