// Norms of the differences between the rows of two dense batches (.., r1, m) and (.., r2, m): an invocation for each pair.
// $TERM is what an absolute difference d adds, by $JOIN, and $FINISH the last step.
#include "lib/math.wgsl"

struct Params {
    x: u32,
    y: u32,
    to: u32,
    n: u32,
    r1: u32,
    r2: u32,
    m: u32,
    p: f32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<f32>;
$BINDING var<storage, read> y: array<f32>;
$BINDING var<storage, read_write> to: array<f32>;

fn term(d: f32) -> f32 {
    return $TERM;
}
fn join(a: f32, b: f32) -> f32 {
    return $JOIN;
}
fn finish(a: f32) -> f32 {
    return $FINISH;
}

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.n) {
        return;
    }
    let row = i / params.r2;
    let first = params.x + row * params.m;
    let second = params.y + (row / params.r1 * params.r2 + i % params.r2) * params.m;
    var acc = 0.0;
    for (var k = 0u; k < params.m; k++) {
        acc = join(acc, term(abs(x[first + k] - y[second + k])));
    }
    to[params.to + i] = finish(acc);
}
