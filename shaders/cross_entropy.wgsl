// Cross entropy of logits (n, c, s) with classes (n, s): the loss and the log-sum-exp of each row, a line of lib/lines.wgsl.
//
// loss = hard * w[t] * (lse - x[t]) + soft * sum over k of w[k] * (lse - x[k]), 0 if the target is ignored.
// With BACKWARD the gradient by the logits, one thread per element: g times the derivative of its row.
#include "lib/math.wgsl"
#if BACKWARD
#else
#include "lib/lines.wgsl"
#endif

struct Params {
#if BACKWARD
    g: u32,
#endif
    x: u32,
    targets: u32,
#if WEIGHT
    weight: u32,
#endif
#if WEIGHED
    sum: u32,
#endif
#if BACKWARD
    lse: u32,
    dx: u32,
#else
    loss: u32,
    lse: u32,
    at: Lines,
#endif
    classes: u32,
    ignore_low: u32,
    ignore_high: u32,
    hard: f32,
    soft: f32,
#if BACKWARD
    total: u32,
    s: u32,
    // From row to row of g: 0 if one gradient counts for all.
    step: u32,
    scale: f32,
#endif
}
$PARAMS params: Params;
#if BACKWARD
$BINDING var<storage, read> g: array<f32>;
#endif
$BINDING var<storage, read> x: array<f32>;
$BINDING var<storage, read> targets: array<u32>;
#if WEIGHT
$BINDING var<storage, read> weight: array<f32>;
#endif
#if WEIGHED
$BINDING var<storage, read> sum: array<f32>;
#endif
#if BACKWARD
$BINDING var<storage, read> lse: array<f32>;
$BINDING var<storage, read_write> dx: array<f32>;
#else
$BINDING var<storage, read_write> loss: array<f32>;
$BINDING var<storage, read_write> lse: array<f32>;
#endif
#include "lib/targets.wgsl"

#if BACKWARD
#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.total) {
        return;
    }
    let k = (i / params.s) % params.classes;
    let row = i / (params.s * params.classes) * params.s + i % params.s;
    let t = class_of(row);
    // Not 0 times what a broken row has.
    if (t < 0) {
        dx[params.dx + i] = 0.0;
        return;
    }
    let hard = params.hard * weight_of(u32(t));
#if WEIGHED
    let all = sum[params.sum];
#else
    let all = f32(params.classes);
#endif
    let up = g[params.g + row * params.step] * params.scale;
    var d = up * (hard + params.soft * all) * exp_of(x[params.x + i] - lse[params.lse + row]);
    if (params.soft != 0.0) {
        d -= up * params.soft * weight_of(k);
    }
    if (k == u32(t)) {
        d -= up * hard;
    }
    dx[params.dx + i] = d;
}
#else
#include "lib/main.wgsl"
{
    let share = line_share(group_index(group, groups), lane);
    var top = from_bits(0xff800000u);
    for (var k = share.k; k < share.last; k += share.stride) {
        top = maximum(top, x[params.x + share.first + line_element(k)]);
    }
    top = line_maximum(top, lane);
    var sum = 0.0;
    for (var k = share.k; k < share.last; k += share.stride) {
        sum += exp_of(x[params.x + share.first + line_element(k)] - top);
    }
    let log_sum = log_of(line_sum(sum, lane)) + top;
    var spread = 0.0;
    if (params.soft != 0.0) {
        for (var k = share.k; k < share.last; k += share.stride) {
            spread += weight_of(k) * (log_sum - x[params.x + share.first + line_element(k)]);
        }
        spread = line_sum(spread, lane);
    }
    if (share.writes) {
        lse[params.lse + share.line] = log_sum;
        let t = class_of(share.line);
        var l = 0.0;
        if (t >= 0) {
            l = params.hard * weight_of(u32(t)) * (log_sum - x[params.x + share.first + line_element(u32(t))]);
            if (params.soft != 0.0) {
                l += params.soft * spread;
            }
        }
        loss[params.loss + share.line] = l;
    }
}
#endif
