// Adds up the parts of products, in order: C = alpha (sum of parts) + beta C + bias, an invocation an element.
#include "lib/dtype.wgsl"

struct Params {
    terms: u32,
#if BIAS
    bias: u32,
#endif
    c: u32,
    size: u32,
    m: u32,
    n: u32,
    parts: u32,
    c_rs: i32,
    c_cs: i32,
    c_bs: i32,
    alpha: f32,
    beta: f32,
}
$PARAMS params: Params;
$BINDING var<storage, read> terms: array<f32>;
#if BIAS
$BINDING var<storage, read> bias: array<u32>;
#endif
$BINDING var<storage, read_write> out: array<f32>;

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.size) {
        return;
    }
    var sum = 0.0;
    for (var p = 0u; p < params.parts; p++) {
        sum += terms[params.terms + p * params.size + i];
    }
    let col = i % params.n;
    let row = i / params.n;
    let matrix = i32(row / params.m) * params.c_bs;
    let at = u32(i32(params.c) + matrix + i32(row % params.m) * params.c_rs + i32(col) * params.c_cs);
    var r = params.alpha * sum;
#if ACCUMULATE
    r += params.beta * out[at];
#endif
#if BIAS
    let e = params.bias + col;
    r += $LOAD_BIAS;
#endif
    out[at] = r;
}
