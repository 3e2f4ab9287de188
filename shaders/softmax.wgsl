// Softmax along the middle of (outer, dim, inner), with LOG its logarithm, and with BACKWARD the gradient of either.
//
// A workgroup makes one line, or with LANES each invocation does: for short lines, and for lines that lie across memory.
// Forward, x is the input. Backward, x is the output's gradient and y the output.
#include "lib/math.wgsl"

struct Params {
    x: u32,
#if BACKWARD
    y: u32,
#endif
    to: u32,
    outer: u32,
    dim: u32,
    inner: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<f32>;
#if BACKWARD
$BINDING var<storage, read> y: array<f32>;
#endif
$BINDING var<storage, read_write> to: array<f32>;

// The largest element is kept apart, so that nothing overflows; a line of -inf alone gives NaN, as in torch.
#if BACKWARD
fn term(at: u32, top: f32) -> f32 {
#if LOG
    return x[params.x + at];
#else
    return x[params.x + at] * y[params.y + at];
#endif
}
fn result(at: u32, top: f32, sum: f32) -> f32 {
    let g = x[params.x + at];
    let out = y[params.y + at];
#if LOG
    return g - exp_of(out) * sum;
#else
    return out * (g - sum);
#endif
}
#else
fn term(at: u32, top: f32) -> f32 {
    return exp_of(x[params.x + at] - top);
}
fn result(at: u32, top: f32, sum: f32) -> f32 {
    let v = x[params.x + at] - top;
#if LOG
    return v - log_of(sum);
#else
    return exp_of(v) / sum;
#endif
}
#endif

#if LANES
#include "lib/main.wgsl"
{
    let line = group_index(group, groups) * $GROUPu + lane;
    if (line >= params.outer * params.inner) {
        return;
    }
    let first = (line / params.inner) * params.dim * params.inner + line % params.inner;
    var top = 0.0;
#if BACKWARD
#else
    top = x[params.x + first];
    for (var k = 1u; k < params.dim; k++) {
        top = maximum(top, x[params.x + first + k * params.inner]);
    }
#endif
    var sum = 0.0;
    for (var k = 0u; k < params.dim; k++) {
        sum += term(first + k * params.inner, top);
    }
    for (var k = 0u; k < params.dim; k++) {
        let at = first + k * params.inner;
        to[params.to + at] = result(at, top, sum);
    }
}
#else
#include "lib/group.wgsl"

#include "lib/main.wgsl"
{
    let line = group_index(group, groups);
    let past = line >= params.outer * params.inner;
    let count = select(params.dim, 0u, past);
    let first = (line / params.inner) * params.dim * params.inner + line % params.inner;
    var top = 0.0;
#if BACKWARD
#else
    top = from_bits(0xff800000u);
    for (var k = lane; k < count; k += $GROUPu) {
        top = maximum(top, x[params.x + first + k * params.inner]);
    }
    top = group_maximum(top, lane);
#endif
    var sum = 0.0;
    for (var k = lane; k < count; k += $GROUPu) {
        sum += term(first + k * params.inner, top);
    }
    sum = group_sum(sum, lane);
    for (var k = lane; k < count; k += $GROUPu) {
        let at = first + k * params.inner;
        to[params.to + at] = result(at, top, sum);
    }
}
#endif
