// Attention without its matrix of weights, forward and backward (Dao et al. 2022): tiles of 32 x 32 weights.
//
// A workgroup of 64 owns 32 rows and goes through all rows of the other side: queries through keys, or with BY_KEYS keys
// through queries. Each tile of weights (GRADIENT: of the scores' gradients) is multiplied with rows of the other side,
// and the products are added up in registers, CHUNKS times 32 columns at once. FORWARD makes the softmax on the way, with
// sums that shrink when a larger score comes; backward its results are known from `stats`.
//
//             mine   theirs   mine_b   theirs_b   made
//   forward   q      k                 v          softmax(q k^T) v
//   dq        q      k        g        v          of q, GRADIENT
//   dk        k      q        v        g          of k, GRADIENT, BY_KEYS
//   dv        k      q                 g          of v, BY_KEYS
#include "lib/math.wgsl"
#include "lib/grid.wgsl"

struct Params {
    mine: u32,
    theirs: u32,
#if GRADIENT
    mine_b: u32,
#endif
    theirs_b: u32,
#if MASK
    mask: u32,
#endif
#if GRADIENT
    dots: u32,
#endif
    stats: u32,
    to: u32,
    tasks: u32,
    heads: u32,
    rows: u32,
    others: u32,
    width: u32,
    width_b: u32,
    columns: u32,
    blocks: u32,
    parts: u32,
    causal: u32,
    scale: f32,
    mine_batch: i32,
    mine_head: i32,
    mine_row: i32,
    theirs_batch: i32,
    theirs_head: i32,
    theirs_row: i32,
    mine_b_batch: i32,
    mine_b_head: i32,
    mine_b_row: i32,
    theirs_b_batch: i32,
    theirs_b_head: i32,
    theirs_b_row: i32,
    to_batch: i32,
    to_head: i32,
    to_row: i32,
    mask_batch: i32,
    mask_head: i32,
    mask_query: i32,
    mask_key: i32,
}
$PARAMS params: Params;
$BINDING var<storage, read> mine: array<f32>;
$BINDING var<storage, read> theirs: array<f32>;
#if GRADIENT
$BINDING var<storage, read> mine_b: array<f32>;
#endif
$BINDING var<storage, read> theirs_b: array<f32>;
#if MASK
$BINDING var<storage, read> mask: array<f32>;
#endif
#if GRADIENT
$BINDING var<storage, read> dots: array<f32>;
#endif
#if FORWARD
$BINDING var<storage, read_write> stats: array<f32>;
#else
$BINDING var<storage, read> stats: array<f32>;
#endif
$BINDING var<storage, read_write> to: array<f32>;

const TILE: u32 = 32u;
const LANES: u32 = 64u;
// Rows of 33, so that rows that are read or written at once lie on different banks.
var<workgroup> tile_a: array<f32, 1056>;
var<workgroup> tile_b: array<f32, 1056>;
var<workgroup> weights: array<f32, 1056>;
var<workgroup> reduced: array<f32, 288>;

// e^x for what is no weight at all, too: exp(-inf) is not 0 on every driver.
fn weight_of(x: f32) -> f32 {
    return select(exp_of(x), 0.0, x < -150.0);
}
// An infinite maximum is not subtracted: the difference would be NaN where the other is infinite, too.
fn finite(x: f32) -> f32 {
    return select(x, 0.0, is_inf(x));
}
fn product(s: ptr<function, array<vec4<f32>, 4>>, ty: u32, tx: u32) {
    for (var e = 0u; e < TILE; e++) {
        let at = e * 33u + ty * 4u;
        let bt = e * 33u + tx * 4u;
        let b = vec4<f32>(tile_b[bt], tile_b[bt + 1u], tile_b[bt + 2u], tile_b[bt + 3u]);
        (*s)[0] += tile_a[at] * b;
        (*s)[1] += tile_a[at + 1u] * b;
        (*s)[2] += tile_a[at + 2u] * b;
        (*s)[3] += tile_a[at + 3u] * b;
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let task = group_index(group, groups);
    let part = task % params.parts;
    let head = task / params.parts / params.blocks;
    let past = head >= params.tasks;
    let b = i32(head / params.heads);
    let h = i32(head % params.heads);
    let row0 = (task / params.parts % params.blocks) * TILE;
    let rows = select(params.rows, 0u, past);
    let col0 = part * $CHUNKSu * 32u;
    let ty = lane / 8u;
    let tx = lane % 8u;
    let mine0 = i32(params.mine) + b * params.mine_batch + h * params.mine_head;
    let theirs0 = i32(params.theirs) + b * params.theirs_batch + h * params.theirs_head;
    let theirs_b0 = i32(params.theirs_b) + b * params.theirs_b_batch + h * params.theirs_b_head;
#if GRADIENT
    let mine_b0 = i32(params.mine_b) + b * params.mine_b_batch + h * params.mine_b_head;
#endif
#if BY_KEYS
    // Queries before a block of keys do not look at it.
    let first = select(0u, row0, params.causal == 1u);
    let last = select(params.others, 0u, past);
    let queries = params.others;
#else
    let first = 0u;
    let last = select(select(params.others, min(params.others, row0 + TILE), params.causal == 1u), 0u, past);
    let queries = params.rows;
#endif
    let lowest = from_bits(0xff800000u);
    var top = vec4<f32>(lowest);
    var total = vec4<f32>(0.0);
    var acc = array<vec4<f32>, $SUMS>();
    for (var t0 = first; t0 < last; t0 += TILE) {
        var s = array<vec4<f32>, 4>();
        for (var e0 = 0u; e0 < params.width; e0 += TILE) {
            workgroupBarrier();
            for (var i = lane; i < TILE * TILE; i += LANES) {
                let r = i / TILE;
                let e = e0 + i % TILE;
                var v = 0.0;
                if (row0 + r < rows && e < params.width) {
                    v = mine[u32(mine0 + i32(row0 + r) * params.mine_row) + e];
                }
                tile_a[(i % TILE) * 33u + r] = v;
                v = 0.0;
                if (t0 + r < params.others && e < params.width) {
                    v = theirs[u32(theirs0 + i32(t0 + r) * params.theirs_row) + e];
                }
                tile_b[(i % TILE) * 33u + r] = v;
            }
            workgroupBarrier();
            product(&s, ty, tx);
        }
#if GRADIENT
        var d = array<vec4<f32>, 4>();
        for (var e0 = 0u; e0 < params.width_b; e0 += TILE) {
            workgroupBarrier();
            for (var i = lane; i < TILE * TILE; i += LANES) {
                let r = i / TILE;
                let e = e0 + i % TILE;
                var v = 0.0;
                if (row0 + r < rows && e < params.width_b) {
                    v = mine_b[u32(mine_b0 + i32(row0 + r) * params.mine_b_row) + e];
                }
                tile_a[(i % TILE) * 33u + r] = v;
                v = 0.0;
                if (t0 + r < params.others && e < params.width_b) {
                    v = theirs_b[u32(theirs_b0 + i32(t0 + r) * params.theirs_b_row) + e];
                }
                tile_b[(i % TILE) * 33u + r] = v;
            }
            workgroupBarrier();
            product(&d, ty, tx);
        }
#endif
        for (var i = 0u; i < 4u; i++) {
            for (var j = 0u; j < 4u; j++) {
                let row = row0 + ty * 4u + i;
                let other = t0 + tx * 4u + j;
#if BY_KEYS
                let query = other;
                let key = row;
#else
                let query = row;
                let key = other;
#endif
                let seen = row < rows && other < params.others && (params.causal == 0u || key <= query);
                var score = s[i][j] * params.scale;
#if MASK
                if (seen) {
                    let at = i32(query) * params.mask_query + i32(key) * params.mask_key;
                    score += mask[u32(i32(params.mask) + b * params.mask_batch + h * params.mask_head + at)];
                }
#endif
#if FORWARD
                s[i][j] = select(lowest, score, seen);
#else
                let place = min(query, queries - 1u);
                let of_head = params.stats + 2u * head * queries + place;
                var p = 0.0;
                if (seen) {
                    p = weight_of(score - stats[of_head]) * stats[of_head + queries];
                }
#if GRADIENT
                if (seen) {
                    p *= (d[i][j] - dots[params.dots + head * queries + place]) * params.scale;
                }
#endif
                s[i][j] = p;
#endif
            }
        }
#if FORWARD
        for (var i = 0u; i < 4u; i++) {
            reduced[(ty * 4u + i) * 9u + tx] = max(max(s[i].x, s[i].y), max(s[i].z, s[i].w));
        }
        workgroupBarrier();
        for (var i = 0u; i < 4u; i++) {
            var best = top[i];
            for (var j = 0u; j < 8u; j++) {
                best = max(best, reduced[(ty * 4u + i) * 9u + j]);
            }
            let base = finite(best);
            let shrink = weight_of(top[i] - base);
            top[i] = best;
            for (var j = 0u; j < 4u; j++) {
                s[i][j] = weight_of(s[i][j] - base);
            }
            total[i] = total[i] * shrink + (s[i].x + s[i].y + s[i].z + s[i].w);
            for (var c = 0u; c < $CHUNKSu; c++) {
                acc[4u * c + i] *= shrink;
            }
        }
#endif
        for (var i = 0u; i < 4u; i++) {
            for (var j = 0u; j < 4u; j++) {
                weights[(tx * 4u + j) * 33u + ty * 4u + i] = s[i][j];
            }
        }
        for (var c = 0u; c < $CHUNKSu; c++) {
            workgroupBarrier();
            for (var i = lane; i < TILE * TILE; i += LANES) {
                let r = t0 + i / TILE;
                let column = col0 + c * 32u + i % TILE;
                var v = 0.0;
                if (r < params.others && column < params.columns) {
#if GRADIENT
                    v = theirs[u32(theirs0 + i32(r) * params.theirs_row) + column];
#else
                    v = theirs_b[u32(theirs_b0 + i32(r) * params.theirs_b_row) + column];
#endif
                }
                tile_b[(i / TILE) * 33u + i % TILE] = v;
            }
            workgroupBarrier();
            for (var r = 0u; r < TILE; r++) {
                let at = r * 33u + ty * 4u;
                let bt = r * 33u + tx * 4u;
                let v = vec4<f32>(tile_b[bt], tile_b[bt + 1u], tile_b[bt + 2u], tile_b[bt + 3u]);
                acc[4u * c] += weights[at] * v;
                acc[4u * c + 1u] += weights[at + 1u] * v;
                acc[4u * c + 2u] += weights[at + 2u] * v;
                acc[4u * c + 3u] += weights[at + 3u] * v;
            }
        }
    }
    var over = vec4<f32>(1.0);
#if FORWARD
    for (var i = 0u; i < 4u; i++) {
        reduced[(ty * 4u + i) * 9u + tx] = total[i];
    }
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
        var sum = 0.0;
        for (var j = 0u; j < 8u; j++) {
            sum += reduced[(ty * 4u + i) * 9u + j];
        }
        // A query whose keys are all masked out gets 0; without a mask there is no such query but of NaN.
#if MASK
        let none = 0.0;
#else
        let none = from_bits(INF_BITS);
#endif
        over[i] = select(select(1.0 / sum, 0.0, is_inf(sum)), none, sum == 0.0);
        let query = row0 + ty * 4u + i;
        if (query < rows && part == 0u && tx == 0u) {
            let at = params.stats + 2u * head * queries + query;
            stats[at] = finite(top[i]);
            stats[at + queries] = over[i];
        }
    }
#endif
    let to0 = i32(params.to) + b * params.to_batch + h * params.to_head;
    for (var c = 0u; c < $CHUNKSu; c++) {
        for (var i = 0u; i < 4u; i++) {
            let row = row0 + ty * 4u + i;
            for (var j = 0u; j < 4u; j++) {
                let column = col0 + c * 32u + tx * 4u + j;
                if (row < rows && column < params.columns) {
                    to[u32(to0 + i32(row) * params.to_row) + column] = acc[4u * c + i][j] * over[i];
                }
            }
        }
    }
}
