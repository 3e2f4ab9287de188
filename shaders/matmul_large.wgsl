// Matrix products as in matmul.wgsl, for many large tiles: 128 x 128 over steps of 8 along k.
//
// 256 invocations, each of which keeps 8 x 8 sums: rows 4 ty to 4 ty + 3 and the same 64 below, columns likewise. Every
// invocation brings one vector of each operand a step, and asks for the next one before it multiplies.
#include "lib/product.wgsl"

const TILE: u32 = 128u;
const STEP: u32 = 8u;
// Rows of 33 vectors, so that what is written at once falls on different banks.
var<workgroup> tile_a: array<vec4<f32>, 264>;
var<workgroup> tile_b: array<vec4<f32>, 264>;

fn four_of_a(from_row: u32, k: u32, last: u32, a0: i32) -> vec4<f32> {
    var v = vec4<f32>(0.0);
    if (k < last) {
        let at = a0 + i32(from_row) * params.a_rs + i32(k) * params.a_cs;
        for (var i = 0u; i < 4u; i++) {
            if (from_row + i < params.m) {
                v[i] = load_a(u32(at + i32(i) * params.a_rs));
            }
        }
    }
    return v;
}
fn four_of_b(from_col: u32, k: u32, last: u32, b0: i32) -> vec4<f32> {
    var v = vec4<f32>(0.0);
    if (k < last) {
        let at = b0 + i32(from_col) * params.b_cs + i32(k) * params.b_rs;
        for (var i = 0u; i < 4u; i++) {
            if (from_col + i < params.n) {
                v[i] = load_b(u32(at + i32(i) * params.b_cs));
            }
        }
    }
    return v;
}

#include "lib/main.wgsl"
{
    let tile = group_index(group, groups);
    let batch = i32(group.z / params.parts);
    let first = (group.z % params.parts) * params.run;
    let last = min(first + params.run, params.k);
    let row0 = (tile / params.tiles_n) * TILE;
    let col0 = (tile % params.tiles_n) * TILE;
    let a0 = i32(params.a) + batch * params.a_bs;
    let b0 = i32(params.b) + batch * params.b_bs;
    let ty = lane / 16u;
    let tx = lane % 16u;
    // The vector that this invocation brings.
#if A_BY_ROWS
    let ar = lane / STEP;
    let ak = lane % STEP;
#else
    let ar = lane % 32u;
    let ak = lane / 32u;
#endif
#if B_BY_ROWS
    let bc = lane % 32u;
    let bk = lane / 32u;
#else
    let bc = lane / STEP;
    let bk = lane % STEP;
#endif
    var sums = array<vec4<f32>, 16>();
    var next_a = four_of_a(row0 + ar * 4u, first + ak, last, a0);
    var next_b = four_of_b(col0 + bc * 4u, first + bk, last, b0);
    for (var k0 = first; k0 < last; k0 += STEP) {
        tile_a[ak * 33u + ar] = next_a;
        tile_b[bk * 33u + bc] = next_b;
        workgroupBarrier();
        next_a = four_of_a(row0 + ar * 4u, k0 + STEP + ak, last, a0);
        next_b = four_of_b(col0 + bc * 4u, k0 + STEP + bk, last, b0);
        for (var k = 0u; k < STEP; k++) {
            let a = tile_a[k * 33u + ty];
            let c = tile_a[k * 33u + ty + 16u];
            let b = tile_b[k * 33u + tx];
            let d = tile_b[k * 33u + tx + 16u];
            sums[0] += a.x * b;
            sums[1] += a.x * d;
            sums[2] += a.y * b;
            sums[3] += a.y * d;
            sums[4] += a.z * b;
            sums[5] += a.z * d;
            sums[6] += a.w * b;
            sums[7] += a.w * d;
            sums[8] += c.x * b;
            sums[9] += c.x * d;
            sums[10] += c.y * b;
            sums[11] += c.y * d;
            sums[12] += c.z * b;
            sums[13] += c.z * d;
            sums[14] += c.w * b;
            sums[15] += c.w * d;
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 16u; i++) {
        let row = row0 + ty * 4u + (i / 8u) * 64u + (i / 2u) % 4u;
        for (var j = 0u; j < 4u; j++) {
            let col = col0 + tx * 4u + (i % 2u) * 64u + j;
            if (row < params.m && col < params.n) {
                put(group.z, row, col, col, sums[i][j]);
            }
        }
    }
}
