//! Fused optimizer steps, see `super::super::optim`: a call for each parameter.

use super::super::optim::{Adagrad, Adam, Group, RmsProp, Sgd};
use super::{Launch, done};

/// Runs an algorithm with its numbers for each parameter.
fn steps(name: &'static str, g: &Group, (decay, maximize): (f64, bool), numbers: impl Fn([f64; 2]) -> [f64; 7]) {
    for (i, param) in g.params.iter().enumerate().filter(|(_, p)| p.numel() > 0) {
        let state = g.state.map(|list| list.get(i));
        let call = Launch::new("optim")
            .when(name, true)
            .when("STATE0", state[0].is_some())
            .when("STATE1", state[1].is_some())
            .when("STATE2", state[2].is_some())
            .write(param)
            .read(&g.grads[i])
            .write_some(state[0])
            .write_some(state[1])
            .write_some(state[2])
            .words([param.numel(), maximize as usize])
            .float(decay);
        let call = numbers(g.factors.get(i).copied().unwrap_or_default()).into_iter().fold(call, Launch::float);
        done(call.over(param.numel()));
    }
}

/// Stochastic gradient descent.
pub fn sgd(o: &Sgd, g: &Group) {
    let nesterov = f64::from(u8::from(o.nesterov));
    // Without momentum the buffers stay as they are.
    let state = if o.momentum == 0.0 { [&[][..]; 3] } else { g.state };
    let g = &Group { params: g.params, grads: g.grads, state, factors: g.factors };
    let numbers = [o.lr, o.momentum, 1.0 - o.dampening, nesterov, 0.0, 0.0, 0.0];
    steps("SGD", g, (o.weight_decay, o.maximize), |_| numbers);
}

/// Adam and AdamW.
pub fn adam(o: &Adam, g: &Group) {
    let decay = if o.decoupled { 0.0 } else { o.weight_decay };
    let shrink = if o.decoupled { 1.0 - o.lr * o.weight_decay } else { 1.0 };
    steps("ADAM", g, (decay, o.maximize), |[size, correction]| {
        [shrink, 1.0 - o.beta1, o.beta2, o.eps, size, correction, 1.0 - o.beta2]
    });
}

/// RMSprop.
pub fn rmsprop(o: &RmsProp, g: &Group) {
    let numbers = [o.lr, o.alpha, 1.0 - o.alpha, o.eps, o.momentum, 0.0, 0.0];
    steps("RMSPROP", g, (o.weight_decay, o.maximize), |_| numbers);
}

/// Adagrad.
pub fn adagrad(o: &Adagrad, g: &Group) {
    steps("ADAGRAD", g, (o.weight_decay, o.maximize), |[lr, _]| [lr, o.eps, 0.0, 0.0, 0.0, 0.0, 0.0]);
}
