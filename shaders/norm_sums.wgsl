// For each part of a line (lib/lines.wgsl), one line per channel: the sums of g * h and of g, h the normalised x.
//
// Element k of a line has the statistics (k / share) * groups + line / per.
#include "lib/lines.wgsl"

struct Params {
    g: u32,
    x: u32,
#if CENTRED
    mean: u32,
#endif
    rstd: u32,
    gh: u32,
    g0: u32,
    at: Lines,
    share: u32,
    groups: u32,
    per: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> g: array<f32>;
$BINDING var<storage, read> x: array<f32>;
#if CENTRED
$BINDING var<storage, read> mean: array<f32>;
#endif
$BINDING var<storage, read> rstd: array<f32>;
$BINDING var<storage, read_write> gh: array<f32>;
$BINDING var<storage, read_write> g0: array<f32>;

#include "lib/main.wgsl"
{
    let s = line_share(group_index(group, groups), lane);
    var with_h = 0.0;
    var alone = 0.0;
    for (var k = s.k; k < s.last; k += s.stride) {
        let at = s.first + line_element(k);
        let which = (k / params.share) * params.groups + s.line / params.per;
        var e = x[params.x + at];
#if CENTRED
        e -= mean[params.mean + which];
#endif
        let v = g[params.g + at];
        alone += v;
        with_h += v * (e * rstd[params.rstd + which]);
    }
    with_h = line_sum(with_h, lane);
    alone = line_sum(alone, lane);
    if (s.writes) {
        gh[params.gh + s.to] = with_h;
        g0[params.g0 + s.to] = alone;
    }
}
