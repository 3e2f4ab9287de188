// log(sum(exp(x))) of each line, or of each part of one (lib/lines.wgsl); of parts' results a second call makes the line's.
#include "lib/math.wgsl"
#include "lib/lines.wgsl"

struct Params {
    x: u32,
    to: u32,
    at: Lines,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<f32>;
$BINDING var<storage, read_write> to: array<f32>;

#include "lib/main.wgsl"
{
    let s = line_share(group_index(group, groups), lane);
    var top = from_bits(0xff800000u);
    for (var k = s.k; k < s.last; k += s.stride) {
        top = maximum(top, x[params.x + s.first + line_element(k)]);
    }
    top = line_maximum(top, lane);
    // Infinite maxima would give inf - inf.
    let beyond = is_inf(top) || is_nan(top);
    let base = select(top, 0.0, beyond);
    var sum = 0.0;
    for (var k = s.k; k < s.last; k += s.stride) {
        sum += exp_of(x[params.x + s.first + line_element(k)] - base);
    }
    sum = line_sum(sum, lane);
    if (s.writes) {
        to[params.to + s.to] = select(top + log_of(sum), top, beyond);
    }
}
