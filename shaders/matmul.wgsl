// Matrix products, for matrices of any strides, in batches: tiles of 64 x 64 over steps of 16 along k.
//
// 256 invocations, each of which keeps 4 x 4 sums. A lies in workgroup memory by columns, with one more element a row so
// that its writes fall on different banks. Sums run over k in order.
#include "lib/product.wgsl"

const TILE: u32 = 64u;
const STEP: u32 = 16u;
var<workgroup> tile_a: array<f32, 1040>;
var<workgroup> tile_b: array<f32, 1024>;

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
    var sums = array<vec4<f32>, 4>();
    for (var k0 = first; k0 < last; k0 += STEP) {
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
            if (row0 + ar < params.m && k0 + ak < last) {
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
            if (col0 + bc < params.n && k0 + bk < last) {
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
                put(group.z, row, col, col, sums[i][j]);
            }
        }
    }
}
