// Connectionist temporal classification of log-probabilities (t, n, c): the states of a sample are its labels with blanks
// around them. A workgroup makes the alphas of a sample, step by step, its invocations each some of the states, and the
// loss; REVERSED, which is the same from the other end, its betas. GRADIENT has an invocation for each log-probability.
//
// Of sample i `plan` holds the steps, the number of states, the class of each state, the next state with the
// same class, and for each class the first state with it: (n), (n), (n, width), (n, width) and (n, c); width is none.
// What is impossible is told by its bits, since drivers compute with infinities as they like.
#include "lib/math.wgsl"

struct Params {
    p: u32,
    plan: u32,
#if GRADIENT
    up: u32,
    alpha: u32,
    beta: u32,
    loss: u32,
    to: u32,
#else
    to: u32,
#if REVERSED
#else
    loss: u32,
#endif
#endif
    t: u32,
    n: u32,
    c: u32,
    width: u32,
    zero_infinity: u32,
}
$PARAMS params: Params;
$BINDING var<storage, read> p: array<f32>;
$BINDING var<storage, read> plan: array<vec2<u32>>;
#if GRADIENT
$BINDING var<storage, read> up: array<f32>;
$BINDING var<storage, read> alpha: array<f32>;
$BINDING var<storage, read> beta: array<f32>;
$BINDING var<storage, read> loss: array<f32>;
$BINDING var<storage, read_write> to: array<f32>;
#else
$BINDING var<storage, read_write> to: array<f32>;
#if REVERSED
#else
$BINDING var<storage, read_write> loss: array<f32>;
#endif
#endif

fn planned(at: u32) -> u32 {
    return plan[params.plan + at].x;
}
fn never() -> f32 {
    return from_bits(0xff800000u);
}
fn is_never(x: f32) -> bool {
    return bitcast<u32>(x) == 0xff800000u;
}
fn share(x: f32, most: f32) -> f32 {
    return select(exp_of(x - most), 0.0, is_never(x));
}
// log(e^a + e^b + e^c).
fn log_add(a: f32, b: f32, c: f32) -> f32 {
    let most = maximum(maximum(a, b), c);
    if (is_never(most)) {
        return most;
    }
    return log_of(share(a, most) + share(b, most) + share(c, most)) + most;
}
// The logarithm of a product.
fn both(a: f32, b: f32) -> f32 {
    return select(a + b, never(), is_never(a) || is_never(b));
}

#if GRADIENT
#include "lib/main.wgsl"
{
    let e = group_index(group, groups) * $GROUPu + lane;
    if (e >= params.t * params.n * params.c) {
        return;
    }
    let i = (e / params.c) % params.n;
    let step = e / (params.c * params.n);
    let own = p[params.p + e];
    let nll = loss[params.loss + i];
    var d = 0.0;
    if (step < planned(i) && !(params.zero_infinity == 1u && is_inf(nll))) {
        // Graves et al. 2006, equation 15: alphas and betas hold the step's probability once too often.
        var total = never();
        let row = (i * params.t + step) * params.width;
        let next = 2u * params.n + (params.n + i) * params.width;
        var s = planned(2u * params.n * (1u + params.width) + i * params.c + e % params.c);
        while (s < params.width) {
            total = log_add(total, both(alpha[params.alpha + row + s], beta[params.beta + row + s]), never());
            s = planned(next + s);
        }
        d = (exp_of(own) - select(exp_of(total + nll - own), 0.0, is_never(total))) * up[params.up + i];
        if (is_inf(nll) || is_inf(own)) {
            d = from_bits(NAN_BITS);
        }
    }
    to[params.to + e] = d;
}
#else
// What comes before, in steps or states.
fn back(at: u32, by: u32) -> u32 {
#if REVERSED
    return at + by;
#else
    return at - by;
#endif
}

#include "lib/main.wgsl"
{
    let i = group_index(group, groups);
    if (i >= params.n) {
        return;
    }
    let steps = planned(i);
    let states = planned(params.n + i);
    let classes = 2u * params.n + i * params.width;
    for (var k = 0u; k < params.t; k++) {
#if REVERSED
        // Both ends change places; what is behind them does not.
        let step = select(k, steps - 1u - k, k < steps);
#else
        let step = k;
#endif
        let row = (i * params.t + step) * params.width;
        // What the first step has before it is not read.
        let before = back(row, params.width);
        for (var s = lane; s < params.width; s += $GROUPu) {
#if REVERSED
            let here = select(s, states - 1u - s, s < states);
#else
            let here = s;
#endif
            var v = never();
            if (k < steps && s < states) {
                let state_class = planned(classes + here);
                let own = p[params.p + (step * params.n + i) * params.c + state_class];
                if (k == 0u) {
                    v = select(never(), own, s < 2u);
                } else {
                    // Equation 6: between equal labels the blank is needed.
                    let at = params.to + before + here;
                    let one = select(never(), to[back(at, min(s, 1u))], s > 0u);
                    let other = planned(back(classes + here, min(s, 2u))) != state_class;
                    let two = select(never(), to[back(at, min(s, 2u))], (s & 1u) == 1u && s > 2u && other);
                    v = both(log_add(to[at], one, two), own);
                }
            }
            to[params.to + row + here] = v;
        }
        storageBarrier();
    }
#if REVERSED
#else
    if (lane == 0u) {
        var said = select(never(), 0.0, states == 1u);
        if (steps > 0u) {
            let last = params.to + (i * params.t + steps - 1u) * params.width + states - 1u;
            said = log_add(to[last], select(never(), to[last - min(states - 1u, 1u)], states > 1u), never());
        }
        loss[params.loss + i] = select(-said, from_bits(INF_BITS), is_inf(said));
    }
#endif
}
#endif
