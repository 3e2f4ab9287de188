// Lines of a tensor, made by a workgroup together: `width` lines of it (a power of two), with as many invocations each.
//
// Line `l` begins at (l / inner) * outer_step + (l % inner) * inner_step, and element `k` of it lies
// (k / run) * step + k % run behind. With `parts` above 1 a line is cut into runs of `cut`, for a workgroup each.
// The shader's parameters hold one `at: Lines`.
#include "lib/float.wgsl"

struct Lines {
    count: u32,
    width: u32,
    length: u32,
    run: u32,
    step: u32,
    inner: u32,
    outer_step: u32,
    inner_step: u32,
    parts: u32,
    cut: u32,
}

// What an invocation has of its line: the elements `k` below `last` in steps of `stride`.
struct Share {
    line: u32,
    first: u32,
    k: u32,
    last: u32,
    stride: u32,
    // Where the line's part has its result, and does this invocation write it?
    to: u32,
    writes: bool,
}

fn line_start(line: u32) -> u32 {
    return (line / params.at.inner) * params.at.outer_step + (line % params.at.inner) * params.at.inner_step;
}
fn line_element(k: u32) -> u32 {
    return (k / params.at.run) * params.at.step + k % params.at.run;
}
fn line_share(group: u32, lane: u32) -> Share {
    let part = group % params.at.parts;
    let line = (group / params.at.parts) * params.at.width + lane % params.at.width;
    let past = line >= params.at.count;
    let k = part * params.at.cut + lane / params.at.width;
    let last = select(min((part + 1u) * params.at.cut, params.at.length), 0u, past);
    let stride = $GROUPu / params.at.width;
    return Share(line, line_start(line), k, last, stride, line * params.at.parts + part, lane < params.at.width && !past);
}
// How many elements a part has.
fn part_length(part: u32) -> u32 {
    return min((part + 1u) * params.at.cut, params.at.length) - min(part * params.at.cut, params.at.length);
}

var<workgroup> line_lanes: array<f32, $GROUP>;

// The sum of a line's shares, for all that have one. Every invocation has to call it.
fn line_sum(mine: f32, lane: u32) -> f32 {
    line_lanes[lane] = mine;
    workgroupBarrier();
    for (var half = $GROUPu / 2u; half >= params.at.width; half = half / 2u) {
        if (lane < half) {
            line_lanes[lane] += line_lanes[lane + half];
        }
        workgroupBarrier();
    }
    let all = line_lanes[lane % params.at.width];
    workgroupBarrier();
    return all;
}

// Their largest element, or NaN.
fn line_maximum(mine: f32, lane: u32) -> f32 {
    line_lanes[lane] = mine;
    workgroupBarrier();
    for (var half = $GROUPu / 2u; half >= params.at.width; half = half / 2u) {
        if (lane < half) {
            line_lanes[lane] = maximum(line_lanes[lane], line_lanes[lane + half]);
        }
        workgroupBarrier();
    }
    let all = line_lanes[lane % params.at.width];
    workgroupBarrier();
    return all;
}
