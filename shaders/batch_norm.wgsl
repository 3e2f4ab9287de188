// y = (x - mean) * rstd * gamma + beta on (n, c, s), one thread per element, with statistics per channel.
//
// With BACKWARD the gradient by x, from the channel's sums of g * h and of g if TRAIN; else the statistics are constants.

struct Params {
#if BACKWARD
    g: u32,
#endif
#if HAS_X
    x: u32,
    mean: u32,
#endif
    rstd: u32,
#if GAMMA
    gamma: u32,
#endif
#if BETA
    beta: u32,
#endif
#if TRAIN
    gh: u32,
    g0: u32,
#endif
    to: u32,
    total: u32,
    c: u32,
    s: u32,
    // Elements of a channel, over 1.
    inverse: f32,
}
$PARAMS params: Params;
#if BACKWARD
$BINDING var<storage, read> g: array<f32>;
#endif
#if HAS_X
$BINDING var<storage, read> x: array<f32>;
$BINDING var<storage, read> mean: array<f32>;
#endif
$BINDING var<storage, read> rstd: array<f32>;
#if GAMMA
$BINDING var<storage, read> gamma: array<f32>;
#endif
#if BETA
$BINDING var<storage, read> beta: array<f32>;
#endif
#if TRAIN
$BINDING var<storage, read> gh: array<f32>;
$BINDING var<storage, read> g0: array<f32>;
#endif
$BINDING var<storage, read_write> to: array<f32>;

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.total) {
        return;
    }
    let channel = (i / params.s) % params.c;
    let factor = rstd[params.rstd + channel];
    var scale = factor;
#if GAMMA
    scale *= gamma[params.gamma + channel];
#endif
#if BACKWARD
    var v = g[params.g + i];
#if TRAIN
    let h = (x[params.x + i] - mean[params.mean + channel]) * factor;
    v -= (g0[params.g0 + channel] + h * gh[params.gh + channel]) * params.inverse;
#endif
    to[params.to + i] = scale * v;
#else
    var y = (x[params.x + i] - mean[params.mean + channel]) * scale;
#if BETA
    y += beta[params.beta + channel];
#endif
    to[params.to + i] = y;
#endif
}
