// A convolution as an implicit matrix product, forward or backward to its input: for each group
// y[row, column] = sum over k of w[row, k] x[k, column], k being a channel and a tap, a column a sample and a position.
//
// A workgroup makes a tile of 64 x 64 in steps of 16 along k, group.z is the group. Where the taps of a step lie is worked
// out once, by 16 invocations, while the others multiply. With DIRECT an invocation makes one element: for few rows a
// group. Along each axis tap j of output a reads source (from + a from_step + j tap_step), with DIVIDED by the stride
// where that is whole, and the output goes to (to + a to_step).

struct Params {
    x: u32,
    w: u32,
#if BIAS
    bias: u32,
#endif
    y: u32,
    groups: u32,
    rows: u32,
    channels: u32,
    columns: u32,
    tiles: u32,
    // The weight's first tap, and elements from group to group, row to row and channel to channel.
    w_first: u32,
    w_group: u32,
    w_row: u32,
    w_channel: u32,
    src_d: u32,
    count_d: u32,
    dst_d: u32,
    taps_d: u32,
    w_tap_d: u32,
    from_d: i32,
    from_step_d: i32,
    tap_step_d: i32,
    to_d: u32,
    to_step_d: u32,
    divisor_d: i32,
    src_h: u32,
    count_h: u32,
    dst_h: u32,
    taps_h: u32,
    w_tap_h: u32,
    from_h: i32,
    from_step_h: i32,
    tap_step_h: i32,
    to_h: u32,
    to_step_h: u32,
    divisor_h: i32,
    src_w: u32,
    count_w: u32,
    dst_w: u32,
    taps_w: u32,
    w_tap_w: u32,
    from_w: i32,
    from_step_w: i32,
    tap_step_w: i32,
    to_w: u32,
    to_step_w: u32,
    divisor_w: i32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<f32>;
$BINDING var<storage, read> w: array<f32>;
#if BIAS
$BINDING var<storage, read> bias: array<f32>;
#endif
$BINDING var<storage, read_write> y: array<f32>;

// Sample, and position among those that are made.
fn column_at(column: u32) -> vec4<u32> {
    let row = column / params.count_w;
    let plane = row / params.count_h;
    return vec4<u32>(plane / params.count_d, plane % params.count_d, row % params.count_h, column % params.count_w);
}
fn source_at(c: vec4<u32>) -> vec3<i32> {
    return vec3<i32>(
        params.from_d + i32(c.y) * params.from_step_d,
        params.from_h + i32(c.z) * params.from_step_h,
        params.from_w + i32(c.w) * params.from_step_w,
    );
}
fn inside(p: vec3<i32>) -> bool {
    let u = bitcast<vec3<u32>>(p);
    return u.x < params.src_d && u.y < params.src_h && u.z < params.src_w;
}
fn source_offset(p: vec3<i32>) -> i32 {
    return (p.x * i32(params.src_h) + p.y) * i32(params.src_w) + p.z;
}
fn src_plane() -> u32 {
    return params.src_d * params.src_h * params.src_w;
}
fn put(group: u32, row: u32, c: vec4<u32>, sum: f32) {
    let channel = group * params.rows + row;
    let d = params.to_d + c.y * params.to_step_d;
    let h = params.to_h + c.z * params.to_step_h;
    let at = params.to_w + c.w * params.to_step_w;
    let plane = (c.x * params.groups * params.rows + channel) * params.dst_d;
#if BIAS
    let result = sum + bias[params.bias + channel];
#else
    let result = sum;
#endif
    y[params.y + ((plane + d) * params.dst_h + h) * params.dst_w + at] = result;
}

#if DIRECT
#include "lib/main.wgsl"
{
    let o = group_index(group, groups) * $GROUPu + lane;
    let across = params.columns * params.rows;
    if (o / across >= params.groups) {
        return;
    }
    let g = o / across;
    let row = (o % across) / params.columns;
    let c = column_at(o % params.columns);
    let start = source_at(c);
    var sum = 0.0;
    for (var channel = 0u; channel < params.channels; channel++) {
        let plane = params.x + ((c.x * params.groups + g) * params.channels + channel) * src_plane();
        let weight = params.w + params.w_first + g * params.w_group + row * params.w_row + channel * params.w_channel;
        for (var i = 0u; i < params.taps_d; i++) {
            for (var j = 0u; j < params.taps_h; j++) {
                for (var k = 0u; k < params.taps_w; k++) {
                    let step = vec3<i32>(i32(i) * params.tap_step_d, i32(j) * params.tap_step_h, i32(k) * params.tap_step_w);
                    var p = start + step;
#if DIVIDED
                    let divisor = vec3<i32>(params.divisor_d, params.divisor_h, params.divisor_w);
                    let whole = all(p >= vec3<i32>(0)) && all(p % divisor == vec3<i32>(0));
                    p = select(vec3<i32>(-1), p / divisor, vec3<bool>(whole));
#endif
                    if (inside(p)) {
                        let tap = i * params.w_tap_d + j * params.w_tap_h + k * params.w_tap_w;
                        sum += w[weight + tap] * x[u32(i32(plane) + source_offset(p))];
                    }
                }
            }
        }
    }
    put(g, row, c, sum);
}
#else
const TILE: u32 = 64u;
const STEP: u32 = 16u;
var<workgroup> tile_w: array<f32, 1040>;
var<workgroup> tile_x: array<f32, 1024>;
// Of each k of a step: how far its tap is from the output's position and from its element, and where its weight lies.
var<workgroup> tap: array<vec4<i32>, 16>;
var<workgroup> tap_weight: array<u32, 16>;

fn note(lane: u32, k: u32) {
    // A phase of a stride beyond the kernel has no taps.
    let taps = max(vec3<u32>(params.taps_d, params.taps_h, params.taps_w), vec3<u32>(1u));
    let row = k / taps.z;
    let plane = row / taps.y;
    let channel = plane / taps.x;
    let d = plane % taps.x;
    let h = row % taps.y;
    let v = k % taps.z;
    let step = vec3<i32>(i32(d) * params.tap_step_d, i32(h) * params.tap_step_h, i32(v) * params.tap_step_w);
    tap[lane] = vec4<i32>(step, source_offset(step) + i32(channel * src_plane()));
    tap_weight[lane] = channel * params.w_channel + d * params.w_tap_d + h * params.w_tap_h + v * params.w_tap_w;
}

#include "lib/main.wgsl"
{
    let tile = group_index(group, groups);
    let row0 = (tile / params.tiles) * TILE;
    let col0 = (tile % params.tiles) * TILE;
    let length = params.channels * params.taps_d * params.taps_h * params.taps_w;
    let ty = lane / 16u;
    let tx = lane % 16u;
    let mine = column_at(min(col0 + lane % TILE, params.columns - 1u));
    let start = source_at(mine);
    let image = params.x + (mine.x * params.groups + group.z) * params.channels * src_plane();
    let element = i32(image) + source_offset(start);
    let weight = params.w + params.w_first + group.z * params.w_group;
    let there = col0 + lane % TILE < params.columns;
    var sums = array<vec4<f32>, 4>();
    if (lane < STEP) {
        note(lane, lane);
    }
    workgroupBarrier();
    for (var k0 = 0u; k0 < length; k0 += STEP) {
        for (var i = lane; i < TILE * STEP; i += 256u) {
            let r = i / STEP;
            let wk = i % STEP;
            var value = 0.0;
            if (row0 + r < params.rows && k0 + wk < length) {
                value = w[weight + (row0 + r) * params.w_row + tap_weight[wk]];
            }
            tile_w[wk * 65u + r] = value;
            let xk = i / TILE;
            let step = tap[xk];
            value = 0.0;
            if (there && k0 + xk < length && inside(start + step.xyz)) {
                value = x[u32(element + step.w)];
            }
            tile_x[i] = value;
        }
        workgroupBarrier();
        for (var k = 0u; k < STEP; k++) {
            let at = k * 65u + ty * 4u;
            let bt = k * 64u + tx * 4u;
            let b = vec4<f32>(tile_x[bt], tile_x[bt + 1u], tile_x[bt + 2u], tile_x[bt + 3u]);
            sums[0] += tile_w[at] * b;
            sums[1] += tile_w[at + 1u] * b;
            sums[2] += tile_w[at + 2u] * b;
            sums[3] += tile_w[at + 3u] * b;
        }
        if (lane < STEP) {
            note(lane, k0 + STEP + lane);
        }
        workgroupBarrier();
    }
    for (var j = 0u; j < 4u; j++) {
        let column = col0 + tx * 4u + j;
        if (column < params.columns) {
            let c = column_at(column);
            for (var i = 0u; i < 4u; i++) {
                let row = row0 + ty * 4u + i;
                if (row < params.rows) {
                    put(group.z, row, c, sums[i][j]);
                }
            }
        }
    }
}
#endif
