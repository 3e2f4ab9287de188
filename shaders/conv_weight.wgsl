// The gradient of a convolution's weight, for each group: dw[row, column] = sum over k of g[row, k] x[column, k], a column
// being a channel and a tap, k a sample and a position of the output.
//
// A workgroup makes a tile of 64 x 64 of one part of the ks in steps of 16, group.z is the group and the part; parts are
// added up afterwards, in order. With DIRECT it makes one element: for few rows a group.
#if DIRECT
#include "lib/group.wgsl"
#endif

struct Params {
    x: u32,
    g: u32,
    to: u32,
    groups: u32,
    rows: u32,
    channels: u32,
    length: u32,
    parts: u32,
    run: u32,
    tiles: u32,
    src_d: u32,
    src_h: u32,
    src_w: u32,
    out_d: u32,
    out_h: u32,
    out_w: u32,
    taps_d: u32,
    taps_h: u32,
    taps_w: u32,
    stride_d: u32,
    stride_h: u32,
    stride_w: u32,
    padding_d: u32,
    padding_h: u32,
    padding_w: u32,
    dilation_d: u32,
    dilation_h: u32,
    dilation_w: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> x: array<f32>;
$BINDING var<storage, read> g: array<f32>;
$BINDING var<storage, read_write> to: array<f32>;

fn source_offset(p: vec3<i32>) -> i32 {
    return (p.x * i32(params.src_h) + p.y) * i32(params.src_w) + p.z;
}
fn inside(p: vec3<i32>) -> bool {
    let u = bitcast<vec3<u32>>(p);
    return u.x < params.src_d && u.y < params.src_h && u.z < params.src_w;
}
fn src_plane() -> u32 {
    return params.src_d * params.src_h * params.src_w;
}
fn out_plane() -> u32 {
    return params.out_d * params.out_h * params.out_w;
}
// How far a column's tap is from the output's position and from its element.
fn tap_at(column: u32) -> vec4<i32> {
    let row = column / params.taps_w;
    let plane = row / params.taps_h;
    let channel = plane / params.taps_d;
    let step = vec3<i32>(
        i32(plane % params.taps_d * params.dilation_d),
        i32(row % params.taps_h * params.dilation_h),
        i32(column % params.taps_w * params.dilation_w),
    );
    return vec4<i32>(step, source_offset(step) + i32(channel * src_plane()));
}
// Where the window of a k begins, and its element in the first channel of the first group.
fn window_at(k: u32) -> vec4<i32> {
    let row = k / params.out_w;
    let plane = row / params.out_h;
    let sample = plane / params.out_d;
    let p = vec3<i32>(
        i32(plane % params.out_d * params.stride_d) - i32(params.padding_d),
        i32(row % params.out_h * params.stride_h) - i32(params.padding_h),
        i32(k % params.out_w * params.stride_w) - i32(params.padding_w),
    );
    return vec4<i32>(p, source_offset(p) + i32(sample * params.groups * params.channels * src_plane()));
}
// The gradient of a k in the first row of the first group.
fn gradient_at(k: u32) -> u32 {
    return (k / out_plane()) * params.groups * params.rows * out_plane() + k % out_plane();
}

#if DIRECT
#include "lib/main.wgsl"
{
    let columns = params.channels * params.taps_d * params.taps_h * params.taps_w;
    let o = group_index(group, groups);
    let count = select(0u, params.length, o < params.groups * params.rows * columns);
    let row = o / columns;
    let tap = tap_at(o % columns);
    let first = i32(params.x + (row / params.rows) * params.channels * src_plane()) + tap.w;
    var sum = 0.0;
    for (var k = lane; k < count; k += $GROUPu) {
        let window = window_at(k);
        if (inside(window.xyz + tap.xyz)) {
            sum += x[u32(first + window.w)] * g[params.g + row * out_plane() + gradient_at(k)];
        }
    }
    sum = group_sum(sum, lane);
    if (lane == 0u && count > 0u) {
        to[params.to + o] = sum;
    }
}
#else
const TILE: u32 = 64u;
const STEP: u32 = 16u;
var<workgroup> tile_g: array<f32, 1040>;
var<workgroup> tile_x: array<f32, 1040>;
var<workgroup> window: array<vec4<i32>, 16>;
var<workgroup> gradient: array<u32, 16>;

#include "lib/main.wgsl"
{
    let tile = group_index(group, groups);
    let row0 = (tile / params.tiles) * TILE;
    let col0 = (tile % params.tiles) * TILE;
    let columns = params.channels * params.taps_d * params.taps_h * params.taps_w;
    let which = group.z / params.parts;
    let part = group.z % params.parts;
    let first = part * params.run;
    let last = min(first + params.run, params.length);
    let ty = lane / 16u;
    let tx = lane % 16u;
    let image = i32(params.x + which * params.channels * src_plane());
    let plane = params.g + which * params.rows * out_plane();
    // The columns that this invocation loads: those of its tap are 16 apart.
    var taps = array<vec4<i32>, 4>();
    for (var j = 0u; j < 4u; j++) {
        taps[j] = tap_at(min(col0 + ty + j * 16u, columns - 1u));
    }
    var sums = array<vec4<f32>, 4>();
    if (lane < STEP) {
        window[lane] = window_at(first + lane);
        gradient[lane] = gradient_at(first + lane);
    }
    workgroupBarrier();
    for (var k0 = first; k0 < last; k0 += STEP) {
        let at = window[tx];
        let there = k0 + tx < last;
        for (var j = 0u; j < 4u; j++) {
            let r = ty + j * 16u;
            var value = 0.0;
            if (there && row0 + r < params.rows) {
                value = g[plane + (row0 + r) * out_plane() + gradient[tx]];
            }
            tile_g[tx * 65u + r] = value;
            value = 0.0;
            if (there && col0 + r < columns && inside(at.xyz + taps[j].xyz)) {
                value = x[u32(image + at.w + taps[j].w)];
            }
            tile_x[tx * 65u + r] = value;
        }
        workgroupBarrier();
        for (var k = 0u; k < STEP; k++) {
            let gt = k * 65u + ty * 4u;
            let xt = k * 65u + tx * 4u;
            let b = vec4<f32>(tile_x[xt], tile_x[xt + 1u], tile_x[xt + 2u], tile_x[xt + 3u]);
            sums[0] += tile_g[gt] * b;
            sums[1] += tile_g[gt + 1u] * b;
            sums[2] += tile_g[gt + 2u] * b;
            sums[3] += tile_g[gt + 3u] * b;
        }
        if (lane < STEP) {
            window[lane] = window_at(k0 + STEP + lane);
            gradient[lane] = gradient_at(k0 + STEP + lane);
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
        let row = row0 + ty * 4u + i;
        for (var j = 0u; j < 4u; j++) {
            let column = col0 + tx * 4u + j;
            if (row < params.rows && column < columns) {
                let at = ((part * params.groups + which) * params.rows + row) * columns + column;
                to[params.to + at] = sums[i][j];
            }
        }
    }
}
#endif
