// Negative log likelihood of log-probabilities (n, c, s) with classes (n, s), one thread per row: -w[t] * x[t], 0 if ignored.
//
// With WEIGHTS the weight of each row's class instead; with BACKWARD the gradient, one thread per log-probability.

struct Params {
#if BACKWARD
    g: u32,
#endif
#if LOSS
    x: u32,
#endif
    targets: u32,
#if WEIGHT
    weight: u32,
#endif
    to: u32,
    classes: u32,
    ignore_low: u32,
    ignore_high: u32,
    total: u32,
    s: u32,
    // From row to row of g: 0 if one gradient counts for all.
    step: u32,
    scale: f32,
}
$PARAMS params: Params;
#if BACKWARD
$BINDING var<storage, read> g: array<f32>;
#endif
#if LOSS
$BINDING var<storage, read> x: array<f32>;
#endif
$BINDING var<storage, read> targets: array<u32>;
#if WEIGHT
$BINDING var<storage, read> weight: array<f32>;
#endif
$BINDING var<storage, read_write> to: array<f32>;
#include "lib/targets.wgsl"

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.total) {
        return;
    }
    var y = 0.0;
#if BACKWARD
    let row = i / (params.s * params.classes) * params.s + i % params.s;
    let t = class_of(row);
    if (t >= 0 && u32(t) == (i / params.s) % params.classes) {
        y = -(g[params.g + row * params.step] * params.scale * weight_of(u32(t)));
    }
#else
    let t = class_of(i);
    if (t >= 0) {
#if LOSS
        y = -(weight_of(u32(t)) * x[params.x + (i / params.s * params.classes + u32(t)) * params.s + i % params.s]);
#else
        y = weight_of(u32(t));
#endif
    }
#endif
    to[params.to + i] = y;
}
