// What all invocations of a workgroup make together. Every one of them has to call these, and gets the result.
#include "lib/float.wgsl"

var<workgroup> shared_lanes: array<f32, $GROUP>;

fn group_sum(mine: f32, lane: u32) -> f32 {
    shared_lanes[lane] = mine;
    workgroupBarrier();
    for (var half = $GROUPu / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            shared_lanes[lane] += shared_lanes[lane + half];
        }
        workgroupBarrier();
    }
    let all = shared_lanes[0];
    workgroupBarrier();
    return all;
}

fn group_maximum(mine: f32, lane: u32) -> f32 {
    shared_lanes[lane] = mine;
    workgroupBarrier();
    for (var half = $GROUPu / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            shared_lanes[lane] = maximum(shared_lanes[lane], shared_lanes[lane + half]);
        }
        workgroupBarrier();
    }
    let all = shared_lanes[0];
    workgroupBarrier();
    return all;
}
