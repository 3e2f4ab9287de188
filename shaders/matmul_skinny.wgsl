// Products of few rows A (FEW at most) with a matrix B that is read once: what bounds them is its memory.
//
// 8 teams of 32 invocations. ALONG the memory of B's columns a team makes one column, its invocations taking every 32nd k;
// else an invocation makes one column of 32, and the teams take every 8th k. Their sums are added up in order.
#include "lib/product.wgsl"

var<workgroup> partial: array<Number, $SUMS>;

#include "lib/main.wgsl"
{
    let batch = i32(group.z / params.parts);
    let first = (group.z % params.parts) * params.run;
    let last = min(first + params.run, params.k);
    let a0 = i32(params.a) + batch * params.a_bs;
    let b0 = i32(params.b) + batch * params.b_bs;
#if ALONG
    let col = group_index(group, groups) * 8u + lane / 32u;
    let start = first + lane % 32u;
    let step = 32u;
#else
    let col = group_index(group, groups) * 32u + lane % 32u;
    let start = first + lane / 32u;
    let step = 8u;
#endif
    var sums = array<Number, $FEW>();
    let end = select(first, last, col < params.n);
    let rows = min(params.m, $FEWu);
    for (var k = start; k < end; k += step) {
        let b = load_b(u32(b0 + i32(k) * params.b_rs + i32(col) * params.b_cs));
        for (var r = 0u; r < $FEWu; r++) {
            // Rows that are not there repeat the last one, whose sum nobody reads.
            let a = load_a(u32(a0 + i32(min(r, rows - 1u)) * params.a_rs + i32(k) * params.a_cs));
            sums[r] = plus(sums[r], times(b, a));
        }
    }
    for (var r = 0u; r < $FEWu; r++) {
        partial[r * 256u + lane] = sums[r];
    }
    workgroupBarrier();
#if ALONG
    for (var half = 16u; half > 0u; half = half / 2u) {
        if (lane % 32u < half) {
            for (var r = 0u; r < $FEWu; r++) {
                partial[r * 256u + lane] = plus(partial[r * 256u + lane], partial[r * 256u + lane + half]);
            }
        }
        workgroupBarrier();
    }
    let writes = lane % 32u == 0u;
#else
    for (var half = 4u; half > 0u; half = half / 2u) {
        if (lane / 32u < half) {
            for (var r = 0u; r < $FEWu; r++) {
                partial[r * 256u + lane] = plus(partial[r * 256u + lane], partial[r * 256u + lane + 32u * half]);
            }
        }
        workgroupBarrier();
    }
    let writes = lane < 32u;
#endif
    if (writes && col < params.n) {
        for (var r = 0u; r < rows; r++) {
            // tiles_n says that the operands are transposed: a bias is one of C's columns then, which are rows here.
            put(group.z, r, col, select(col, r, params.tiles_n == 1u), partial[r * 256u + lane]);
        }
    }
}
