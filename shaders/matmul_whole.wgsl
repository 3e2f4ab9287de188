// Matrix products of whole numbers, which wrap: tiles of 16 x 16 over steps of 16 along k, an invocation for each element.
#include "lib/product.wgsl"

const TILE: u32 = 16u;
// One more element a row, so that columns fall on different banks.
var<workgroup> tile_a: array<Number, 272>;
var<workgroup> tile_b: array<Number, 272>;

#include "lib/main.wgsl"
{
    let tile = group_index(group, groups);
    let batch = i32(group.z);
    let y = lane / TILE;
    let x = lane % TILE;
    let row = (tile / params.tiles_n) * TILE + y;
    let col = (tile % params.tiles_n) * TILE + x;
    let a0 = i32(params.a) + batch * params.a_bs;
    let b0 = i32(params.b) + batch * params.b_bs;
    var sum = Number();
    for (var k0 = 0u; k0 < params.k; k0 += TILE) {
        var a = Number();
        var b = Number();
        if (row < params.m && k0 + x < params.k) {
            a = load_a(u32(a0 + i32(row) * params.a_rs + i32(k0 + x) * params.a_cs));
        }
        if (col < params.n && k0 + y < params.k) {
            b = load_b(u32(b0 + i32(k0 + y) * params.b_rs + i32(col) * params.b_cs));
        }
        tile_a[y * 17u + x] = a;
        tile_b[y * 17u + x] = b;
        workgroupBarrier();
        for (var k = 0u; k < TILE; k++) {
            sum = plus(sum, times(tile_a[y * 17u + k], tile_b[k * 17u + x]));
        }
        workgroupBarrier();
    }
    if (row < params.m && col < params.n) {
        put(group.z, row, col, col, sum);
    }
}
