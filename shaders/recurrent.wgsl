// One step of a recurrent layer for all its units, an invocation each: forward from both shares of the gates, or BACKWARD
// from the gradients of its states. LSTM has the gates i, f, g, o; GRU r, z, n; else there is one, of tanh or RELU.
//
// Of each step (steps, 4, batch, hidden) values are saved: the gates, and for GRU the hidden state's share of n.
#include "lib/math.wgsl"

struct Params {
#if BACKWARD
    g_out: u32,
#else
    gx: u32,
    pre: u32,
#endif
#if FIRST_HIDDEN
    h0: u32,
#endif
#if LSTM
    c0: u32,
#endif
#if BACKWARD
#if OUT
    out: u32,
#endif
#if LSTM
    cells: u32,
#endif
#if SAVED
    saved: u32,
#endif
    dh: u32,
#if LSTM
    dc: u32,
#endif
    d_gx: u32,
#if GRU
    d_gh: u32,
#endif
#else
    out: u32,
#if LSTM
    cells: u32,
#endif
#if SAVED
    saved: u32,
#endif
#endif
    batch: u32,
    hidden: u32,
    // This step and the one before it, in time; the first has none.
    now: u32,
    before: u32,
    is_first: u32,
}
$PARAMS params: Params;
#if BACKWARD
$BINDING var<storage, read> g_out: array<f32>;
#else
$BINDING var<storage, read> gx: array<f32>;
$BINDING var<storage, read> pre: array<f32>;
#endif
#if FIRST_HIDDEN
$BINDING var<storage, read> h0: array<f32>;
#endif
#if LSTM
$BINDING var<storage, read> c0: array<f32>;
#endif
#if BACKWARD
#if OUT
$BINDING var<storage, read> out: array<f32>;
#endif
#if LSTM
$BINDING var<storage, read> cells: array<f32>;
#endif
#if SAVED
$BINDING var<storage, read> saved: array<f32>;
#endif
$BINDING var<storage, read_write> dh: array<f32>;
#if LSTM
$BINDING var<storage, read_write> dc: array<f32>;
#endif
$BINDING var<storage, read_write> d_gx: array<f32>;
#if GRU
$BINDING var<storage, read_write> d_gh: array<f32>;
#endif
#else
$BINDING var<storage, read_write> out: array<f32>;
#if LSTM
$BINDING var<storage, read_write> cells: array<f32>;
#endif
#if SAVED
$BINDING var<storage, read_write> saved: array<f32>;
#endif
#endif

fn state() -> u32 {
    return params.batch * params.hidden;
}
#if LSTM
fn old_cell(i: u32) -> f32 {
    if (params.is_first == 1u) {
        return c0[params.c0 + i];
    }
    return cells[params.cells + params.before * state() + i];
}
#endif
#if FIRST_HIDDEN
fn old_hidden(i: u32) -> f32 {
    if (params.is_first == 1u) {
        return h0[params.h0 + i];
    }
    return out[params.out + params.before * state() + i];
}
#endif

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= state()) {
        return;
    }
    let unit = i % params.hidden;
    let h = params.hidden;
    // This unit's first gate in one step's, and in all steps'.
    let gate = (i / h) * $GATESu * h + unit;
    let gate_now = params.now * $GATESu * state() + gate;
    let at = params.now * state() + i;
    let kept = params.now * 4u * state() + i;
    let next = state();
#if BACKWARD
    let d = g_out[params.g_out + at] + dh[params.dh + i];
#if LSTM
    let s = params.saved + kept;
    let gates = vec4<f32>(saved[s], saved[s + next], saved[s + 2u * next], saved[s + 3u * next]);
    let t = tanh_of(cells[params.cells + at]);
    let c = dc[params.dc + i] + d * gates.w * (1.0 - t * t);
    let g = params.d_gx + gate_now;
    d_gx[g] = c * gates.z * gates.x * (1.0 - gates.x);
    d_gx[g + h] = c * old_cell(i) * gates.y * (1.0 - gates.y);
    d_gx[g + 2u * h] = c * gates.x * (1.0 - gates.z * gates.z);
    d_gx[g + 3u * h] = d * t * gates.w * (1.0 - gates.w);
    dc[params.dc + i] = c * gates.y;
#else
#if GRU
    let s = params.saved + kept;
    let r = saved[s];
    let z = saved[s + next];
    let n = saved[s + 2u * next];
    let dn = d * (1.0 - z) * (1.0 - n * n);
    let dz = d * (old_hidden(i) - n) * z * (1.0 - z);
    let dr = dn * saved[s + 3u * next] * r * (1.0 - r);
    let x = params.d_gx + gate_now;
    d_gx[x] = dr;
    d_gx[x + h] = dz;
    d_gx[x + 2u * h] = dn;
    let p = params.d_gh + gate_now;
    d_gh[p] = dr;
    d_gh[p + h] = dz;
    d_gh[p + 2u * h] = dn * r;
    dh[params.dh + i] = d * z;
#else
    let y = out[params.out + at];
#if RELU
    d_gx[params.d_gx + gate_now] = select(d, 0.0, y <= 0.0);
#else
    d_gx[params.d_gx + gate_now] = d * (1.0 - y * y);
#endif
#endif
#endif
#else
    let x = params.gx + gate_now;
    let p = params.pre + gate;
#if LSTM
    let gi = sigmoid_of(gx[x] + pre[p]);
    let gf = sigmoid_of(gx[x + h] + pre[p + h]);
    let gg = tanh_of(gx[x + 2u * h] + pre[p + 2u * h]);
    let go = sigmoid_of(gx[x + 3u * h] + pre[p + 3u * h]);
    let c = gf * old_cell(i) + gi * gg;
    cells[params.cells + at] = c;
    out[params.out + at] = go * tanh_of(c);
    let values = vec4<f32>(gi, gf, gg, go);
#else
#if GRU
    let r = sigmoid_of(gx[x] + pre[p]);
    let z = sigmoid_of(gx[x + h] + pre[p + h]);
    let share = pre[p + 2u * h];
    let n = tanh_of(gx[x + 2u * h] + r * share);
    out[params.out + at] = n + z * (old_hidden(i) - n);
    let values = vec4<f32>(r, z, n, share);
#else
    let y = gx[x] + pre[p];
#if RELU
    out[params.out + at] = select(y, 0.0, y < 0.0);
#else
    out[params.out + at] = tanh_of(y);
#endif
#endif
#endif
#if SAVED
    let s = params.saved + kept;
    saved[s] = values.x;
    saved[s + next] = values.y;
    saved[s + 2u * next] = values.z;
    saved[s + 3u * next] = values.w;
#endif
#endif
}
