// Normalises lines (lib/lines.wgsl) by their own mean, if CENTRED, and root mean square: y = (x - mean) * rstd * gamma + beta.
//
// With BACKWARD the gradient by x: rstd * (v - mean(v) - h * mean(v * h)), v the gradient times gamma and h the normalised x.
// A workgroup makes whole lines. Element k of a line has the channel (line % groups) * per + k / share.
#include "lib/lines.wgsl"

struct Params {
#if BACKWARD
    g: u32,
#endif
    x: u32,
#if CENTRED
    mean: u32,
#endif
    rstd: u32,
#if GAMMA
    gamma: u32,
#endif
#if BETA
    beta: u32,
#endif
    to: u32,
    at: Lines,
    groups: u32,
    per: u32,
    share: u32,
    eps: f32,
}
$PARAMS params: Params;
#if BACKWARD
$BINDING var<storage, read> g: array<f32>;
$BINDING var<storage, read> x: array<f32>;
#if CENTRED
$BINDING var<storage, read> mean: array<f32>;
#endif
$BINDING var<storage, read> rstd: array<f32>;
#else
$BINDING var<storage, read> x: array<f32>;
#if CENTRED
$BINDING var<storage, read_write> mean: array<f32>;
#endif
$BINDING var<storage, read_write> rstd: array<f32>;
#endif
#if GAMMA
$BINDING var<storage, read> gamma: array<f32>;
#endif
#if BETA
$BINDING var<storage, read> beta: array<f32>;
#endif
$BINDING var<storage, read_write> to: array<f32>;

fn scale(channel: u32) -> f32 {
#if GAMMA
    return gamma[params.gamma + channel];
#else
    return 1.0;
#endif
}

#include "lib/main.wgsl"
{
    let s = line_share(group_index(group, groups), lane);
    let channels = (s.line % params.groups) * params.per;
    let n = f32(params.at.length);
    var centre = 0.0;
#if BACKWARD
    var factor = 0.0;
    if (s.line < params.at.count) {
#if CENTRED
        centre = mean[params.mean + s.line];
#endif
        factor = rstd[params.rstd + s.line];
    }
    var c0 = 0.0;
    var c1 = 0.0;
    for (var k = s.k; k < s.last; k += s.stride) {
        let at = s.first + line_element(k);
        let v = g[params.g + at] * scale(channels + k / params.share);
        c0 += v;
        c1 += v * ((x[params.x + at] - centre) * factor);
    }
#if CENTRED
    c0 = line_sum(c0, lane) / n;
#else
    c0 = 0.0;
#endif
    c1 = line_sum(c1, lane) / n;
    for (var k = s.k; k < s.last; k += s.stride) {
        let at = s.first + line_element(k);
        let v = g[params.g + at] * scale(channels + k / params.share);
        to[params.to + at] = factor * (v - c0 - (x[params.x + at] - centre) * factor * c1);
    }
#else
#if CENTRED
    var sum = 0.0;
    for (var k = s.k; k < s.last; k += s.stride) {
        sum += x[params.x + s.first + line_element(k)];
    }
    centre = line_sum(sum, lane) / n;
#endif
    var d = 0.0;
    var q = 0.0;
    for (var k = s.k; k < s.last; k += s.stride) {
        let e = x[params.x + s.first + line_element(k)] - centre;
        d += e;
        q += e * e;
    }
    var square = line_sum(q, lane) / n;
#if CENTRED
    // The deviations' sum is what the rounding of the mean left.
    let rest = line_sum(d, lane) / n;
    centre += rest;
    square -= rest * rest;
    square = select(square, 0.0, square < 0.0);
#endif
    let factor = 1.0 / sqrt(square + params.eps);
    if (s.writes) {
#if CENTRED
        mean[params.mean + s.line] = centre;
#endif
        rstd[params.rstd + s.line] = factor;
    }
    for (var k = s.k; k < s.last; k += s.stride) {
        let at = s.first + line_element(k);
        let channel = channels + k / params.share;
        var y = (x[params.x + at] - centre) * (scale(channel) * factor);
#if BETA
        y += beta[params.beta + channel];
#endif
        to[params.to + at] = y;
    }
#endif
}
