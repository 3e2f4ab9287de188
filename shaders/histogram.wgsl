// How many elements fall into each of equal bins from `low` to `high`, or with INTEGERS equal each number: an invocation
// for each element. Counts are whole numbers, whose order of addition does not matter.
#include "lib/float.wgsl"
#include "lib/dtype.wgsl"

struct Params {
    x: u32,
    to: u32,
    n: u32,
    bins: u32,
    low: f32,
    high: f32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<u32>;
$BINDING var<storage, read_write> to: array<atomic<u32>>;

// Each step of a half is rounded to it, as on the CPU.
fn rounded(v: f32) -> f32 {
    var r = v;
#if F16
    r = load_f16(bits_f16(v), 0u);
#endif
#if BF16
    r = load_bf16(bits_bf16(v), 0u);
#endif
    return r;
}

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.n) {
        return;
    }
#if INTEGERS
    let bin = x[params.x + i];
    if (bin < params.bins) {
        atomicAdd(&to[params.to + bin], 1u);
    }
#else
    let v = bitcast<f32>(x[params.x + i]);
    if (!is_nan(v) && v >= params.low && v <= params.high) {
        let low = rounded(params.low);
        let span = rounded(rounded(params.high) - low);
        let bin = u32(rounded(rounded(rounded(v - low) * rounded(f32(params.bins))) / span));
        atomicAdd(&to[params.to + min(bin, params.bins - 1u)], 1u);
    }
#endif
}
