// C = alpha A B + beta C + bias, for matrices of any strides, in batches: tiles of 64 x 64 over steps of 16 along k.
//
// 256 invocations, each of which keeps 4 x 4 sums. A lies in workgroup memory by columns, with one more element a row so
// that its writes fall on different banks. Sums run over k in order.
#include "lib/dtype.wgsl"
#include "lib/grid.wgsl"

struct Params {
    m: u32,
    n: u32,
    k: u32,
    tiles_n: u32,
    a: u32,
    a_rs: i32,
    a_cs: i32,
    a_bs: i32,
    b: u32,
    b_rs: i32,
    b_cs: i32,
    b_bs: i32,
    c: u32,
    c_rs: i32,
    c_cs: i32,
    c_bs: i32,
    bias: u32,
    alpha: f32,
    beta: f32,
}
$PARAMS params: Params;
@group(0) @binding(0) var<storage, read> in0: array<u32>;
@group(0) @binding(1) var<storage, read> in1: array<u32>;
#if BIAS
@group(0) @binding(2) var<storage, read> in2: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
#else
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
#endif

const TILE: u32 = 64u;
const STEP: u32 = 16u;
var<workgroup> tile_a: array<f32, 1040>;
var<workgroup> tile_b: array<f32, 1024>;

fn load_a(e: u32) -> f32 {
    return $LOAD_A;
}
fn load_b(e: u32) -> f32 {
    return $LOAD_B;
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = group_index(group, groups);
    let batch = i32(group.z);
    let row0 = (tile / params.tiles_n) * TILE;
    let col0 = (tile % params.tiles_n) * TILE;
    let a0 = i32(params.a) + batch * params.a_bs;
    let b0 = i32(params.b) + batch * params.b_bs;
    let ty = lane / 16u;
    let tx = lane % 16u;
    var sums: array<vec4<f32>, 4>;
    for (var k0 = 0u; k0 < params.k; k0 += STEP) {
        for (var i = lane; i < TILE * STEP; i += 256u) {
            // Neighbours in memory are read side by side, whichever way the operand lies.
#if A_BY_ROWS
            let ar = i / STEP;
            let ak = i % STEP;
#else
            let ar = i % TILE;
            let ak = i / TILE;
#endif
            var av = 0.0;
            if (row0 + ar < params.m && k0 + ak < params.k) {
                av = load_a(u32(a0 + i32(row0 + ar) * params.a_rs + i32(k0 + ak) * params.a_cs));
            }
            tile_a[ak * 65u + ar] = av;
#if B_BY_ROWS
            let bc = i % TILE;
            let bk = i / TILE;
#else
            let bc = i / STEP;
            let bk = i % STEP;
#endif
            var bv = 0.0;
            if (col0 + bc < params.n && k0 + bk < params.k) {
                bv = load_b(u32(b0 + i32(k0 + bk) * params.b_rs + i32(col0 + bc) * params.b_cs));
            }
            tile_b[bk * 64u + bc] = bv;
        }
        workgroupBarrier();
        for (var k = 0u; k < STEP; k++) {
            let at = k * 65u + ty * 4u;
            let bt = k * 64u + tx * 4u;
            let b = vec4<f32>(tile_b[bt], tile_b[bt + 1u], tile_b[bt + 2u], tile_b[bt + 3u]);
            sums[0] += tile_a[at] * b;
            sums[1] += tile_a[at + 1u] * b;
            sums[2] += tile_a[at + 2u] * b;
            sums[3] += tile_a[at + 3u] * b;
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
        let row = row0 + ty * 4u + i;
        for (var j = 0u; j < 4u; j++) {
            let col = col0 + tx * 4u + j;
            if (row < params.m && col < params.n) {
                let at = u32(i32(params.c) + batch * params.c_bs + i32(row) * params.c_rs + i32(col) * params.c_cs);
                var r = params.alpha * sums[i][j];
#if ACCUMULATE
                r += params.beta * out[at];
#endif
#if BIAS
                let e = params.bias + col;
                r += $LOAD_BIAS;
#endif
                out[at] = r;
            }
        }
    }
}
