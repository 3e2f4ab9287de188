// Zeros outside of a triangle of the last two dims, in place: an invocation for each element of (batch, rows, cols).

struct Params {
    to: u32,
    count: u32,
    rows: u32,
    cols: u32,
    diagonal: i32,
}
$PARAMS params: Params;
$BINDING var<storage, read_write> to: array<$TYPE>;

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.count) {
        return;
    }
    let row = i32(i / params.cols % params.rows);
    let col = i32(i % params.cols);
#if UPPER
    let outside = col - row < params.diagonal;
#else
    let outside = col - row > params.diagonal;
#endif
    if (outside) {
        to[params.to + i] = $TYPE();
    }
}
