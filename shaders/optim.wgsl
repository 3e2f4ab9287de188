// A step of an optimizer, one thread per element, in the order of torch's single-tensor optimizers.
#include "lib/float.wgsl"

struct Params {
    param: u32,
    grad: u32,
#if STATE0
    state0: u32,
#endif
#if STATE1
    state1: u32,
#endif
#if STATE2
    state2: u32,
#endif
    total: u32,
    maximize: u32,
    decay: f32,
    // What the algorithms below name.
    f0: f32,
    f1: f32,
    f2: f32,
    f3: f32,
    f4: f32,
    f5: f32,
    f6: f32,
}
$PARAMS params: Params;
$BINDING var<storage, read_write> param: array<f32>;
$BINDING var<storage, read> grad: array<f32>;
#if STATE0
$BINDING var<storage, read_write> state0: array<f32>;
#endif
#if STATE1
$BINDING var<storage, read_write> state1: array<f32>;
#endif
#if STATE2
$BINDING var<storage, read_write> state2: array<f32>;
#endif

// The gradient, turned for maximizing and with weight decay; 0 * parameter would turn an infinite one into NaN.
fn gradient(i: u32, x: f32) -> f32 {
    var g = grad[params.grad + i];
    g = select(g, -g, params.maximize == 1u);
    return select(g, g + params.decay * x, params.decay != 0.0);
}
// From the nearer end, as in torch.
fn mixed(a: f32, b: f32, w: f32) -> f32 {
    return select(b - (b - a) * (1.0 - w), a + w * (b - a), w < 0.5);
}

#if SGD
// f0 the learning rate, f1 the momentum, f2 1 - dampening, f3 is 1 for Nesterov's. State: the buffer.
fn step_of(i: u32, x: f32, g: f32) -> f32 {
#if STATE0
    let b = state0[params.state0 + i] * params.f1 + params.f2 * g;
    state0[params.state0 + i] = b;
    return x - params.f0 * select(b, g + params.f1 * b, params.f3 == 1.0);
#else
    return x - params.f0 * g;
#endif
}
#endif
#if ADAM
// f0 shrinks the parameter, f1 is 1 - beta1, f2 beta2, f3 eps, f4 the step's size, f5 the root of the second correction,
// f6 1 - beta2. State: the first and second moments, and the largest second one.
fn step_of(i: u32, x: f32, g: f32) -> f32 {
    let m = mixed(state0[params.state0 + i], g, params.f1);
    var v = state1[params.state1 + i] * params.f2 + params.f6 * g * g;
    state0[params.state0 + i] = m;
    state1[params.state1 + i] = v;
#if STATE2
    v = maximum(state2[params.state2 + i], v);
    state2[params.state2 + i] = v;
#endif
    return x * params.f0 - params.f4 * m / (sqrt(v) / params.f5 + params.f3);
}
#endif
#if RMSPROP
// f0 the learning rate, f1 alpha, f2 1 - alpha, f3 eps, f4 the momentum. State: mean square, then if centered the mean
// gradient, then with momentum the buffer.
fn step_of(i: u32, x: f32, g: f32) -> f32 {
    var v = state0[params.state0 + i] * params.f1 + params.f2 * g * g;
    state0[params.state0 + i] = v;
#if STATE1
    let m = mixed(state1[params.state1 + i], g, params.f2);
    state1[params.state1 + i] = m;
    v = v - m * m;
#endif
    let root = sqrt(v) + params.f3;
#if STATE2
    let b = state2[params.state2 + i] * params.f4 + g / root;
    state2[params.state2 + i] = b;
    return x - params.f0 * b;
#else
    return x - params.f0 * g / root;
#endif
}
#endif
#if ADAGRAD
// f0 the decayed learning rate, f1 eps. State: the sum of squares.
fn step_of(i: u32, x: f32, g: f32) -> f32 {
    let v = state0[params.state0 + i] + g * g;
    state0[params.state0 + i] = v;
    return x - params.f0 * g / (sqrt(v) + params.f1);
}
#endif

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.total) {
        return;
    }
    let x = param[params.param + i];
    param[params.param + i] = step_of(i, x, gradient(i, x));
}
