use super::*;
use crate::cpu::checks::{Rng, assert_close, on_threads, tol, wide};

/// Parameters of several sizes with gradients and three streams of positive state.
struct Group<F> {
    param: Vec<Vec<F>>,
    grad: Vec<Vec<F>>,
    state: Vec<[Vec<F>; 3]>,
}

impl<F: Float> Group<F> {
    fn new(rng: &mut Rng) -> Self {
        let sizes = [0, 1, 7, 40000, 33];
        let mut group = Group { param: vec![], grad: vec![], state: vec![] };
        for n in sizes {
            group.param.push(rng.floats(n, 1.0));
            group.grad.push(rng.floats(n, 1.0));
            group.state.push(std::array::from_fn(|_| rng.floats::<F>(n, 0.5).iter().map(|&x| x + F::ONE).collect()));
        }
        group
    }

    /// Runs a step on a copy; returns parameters and state.
    fn step(&self, factors: [f64; 2], first: bool, f: impl Fn(&[Param<F>])) -> Vec<Vec<F>> {
        let (mut param, mut state) = (self.param.clone(), self.state.clone());
        let params: Vec<Param<F>> = (0..param.len())
            .map(|i| Param {
                param: param[i].as_mut_ptr(),
                grad: self.grad[i].as_ptr(),
                state: state[i].each_mut().map(|s| s.as_mut_ptr()),
                n: self.grad[i].len(),
                factors,
                first,
            })
            .collect();
        f(&params);
        param.extend(state.into_iter().flatten());
        param
    }
}

/// Compares a step with `want(param, grad, state)` per element, on f64.
fn check<F: Float>(
    group: &Group<F>,
    factors: [f64; 2],
    first: bool,
    step: impl Fn(&[Param<F>]),
    want: impl Fn(&mut f64, f64, &mut [f64; 3]),
) {
    let out = on_threads(|| group.step(factors, first, &step));
    let count = group.param.len();
    for t in 0..count {
        let (mut param, grad) = (wide(&group.param[t]), wide(&group.grad[t]));
        let mut state = group.state[t].each_ref().map(|s| wide(s));
        for i in 0..param.len() {
            let mut s = [state[0][i], state[1][i], state[2][i]];
            want(&mut param[i], grad[i], &mut s);
            (0..3).for_each(|k| state[k][i] = s[k]);
        }
        assert_close(&out[t], &param, tol::<F>(), "parameter");
        (0..3).for_each(|k| assert_close(&out[count + 3 * t + k], &state[k], tol::<F>(), "state"));
    }
}

fn all<F: Float>(seed: u64) {
    let group = Group::<F>::new(&mut Rng(seed));
    for bits in 0..32 {
        let flag = |i: u32| bits >> i & 1 == 1;
        let (maximize, nesterov, first) = (flag(0), flag(1), flag(2));
        let (momentum, weight_decay) = (if flag(3) { 0.9 } else { 0.0 }, if flag(4) { 0.1 } else { 0.0 });
        let sign = if maximize { -1.0 } else { 1.0 };
        let o = Sgd { lr: 0.1, momentum, dampening: 0.2, weight_decay, nesterov, maximize };
        // SAFETY: the streams of `group`.
        check(
            &group,
            [0.0; 2],
            first,
            |p| unsafe { sgd(&o, p) },
            |p, g, s| {
                let g = sign * g + weight_decay * *p;
                if momentum == 0.0 {
                    *p -= 0.1 * g;
                    return;
                }
                s[0] = if first { g } else { momentum * s[0] + 0.8 * g };
                *p -= 0.1 * if nesterov { g + momentum * s[0] } else { s[0] };
            },
        );

        let (amsgrad, decoupled) = (flag(1), flag(2));
        let beta1 = if flag(3) { 0.9 } else { 0.3 };
        let o = Adam { lr: 0.01, beta1, beta2: 0.99, eps: 1e-8, weight_decay, decoupled, amsgrad, maximize };
        // SAFETY: as above.
        check(
            &group,
            o.factors(3.0),
            false,
            |p| unsafe { adam(&o, p) },
            |p, g, s| {
                let mut g = sign * g;
                if decoupled {
                    *p *= 1.0 - 0.01 * weight_decay;
                } else {
                    g += weight_decay * *p;
                }
                s[0] = beta1 * s[0] + (1.0 - beta1) * g;
                s[1] = 0.99 * s[1] + 0.01 * g * g;
                if amsgrad {
                    s[2] = s[2].max(s[1]);
                }
                let root = (if amsgrad { s[2] } else { s[1] } / (1.0 - 0.99f64.powi(3))).sqrt();
                *p -= 0.01 / (1.0 - beta1.powi(3)) * s[0] / (root + 1e-8);
            },
        );

        let centered = flag(1);
        let o = RmsProp { lr: 0.01, alpha: 0.9, eps: 1e-8, weight_decay, momentum, centered, maximize };
        let mut group = Group { param: group.param.clone(), grad: group.grad.clone(), state: group.state.clone() };
        // The mean gradient must not exceed the root of the mean square.
        group.state.iter_mut().for_each(|s| s[1].iter_mut().for_each(|m| *m *= F::of(0.3)));
        // SAFETY: as above.
        check(
            &group,
            [0.0; 2],
            false,
            |p| unsafe { rmsprop(&o, p) },
            |p, g, s| {
                let g = sign * g + weight_decay * *p;
                s[0] = 0.9 * s[0] + 0.1 * g * g;
                if centered {
                    s[1] = 0.9 * s[1] + 0.1 * g;
                }
                let root = (s[0] - if centered { s[1] * s[1] } else { 0.0 }).sqrt() + 1e-8;
                if momentum > 0.0 {
                    s[2] = momentum * s[2] + g / root;
                    *p -= 0.01 * s[2];
                } else {
                    *p -= 0.01 * g / root;
                }
            },
        );

        let o = Adagrad { eps: 1e-10, weight_decay, maximize };
        // SAFETY: as above.
        check(
            &group,
            [0.05, 0.0],
            false,
            |p| unsafe { adagrad(&o, p) },
            |p, g, s| {
                let g = sign * g + weight_decay * *p;
                s[0] += g * g;
                *p -= 0.05 * g / (s[0].sqrt() + 1e-10);
            },
        );
    }
}

#[test]
fn agree_with_reference() {
    all::<f32>(31);
    all::<f64>(32);
}

#[test]
fn roundings_are_those_of_torch() {
    // Bits of parameter, gradient and two state streams before and after a third step of torch 2.13 (f32, foreach=False).
    const START: [u32; 4] = [0x3f548b63, 0x3e012338, 0x3f684fef, 0x3f51e6bd];
    const ADAM: [u32; 4] = [0x3f547f3e, 0x3e012338, 0x3f5485a2, 0x3f51b230];
    const ADAMW: [u32; 4] = [0x3f547eb6, 0x3e012338, 0x3f544f38, 0x3f51b20c];
    const SGD: [u32; 4] = [0x3f544def, 0x3e012338, 0x3f700cc4, 0x3f51e6bd];
    let o = Adam {
        lr: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay: 0.01,
        decoupled: false,
        amsgrad: false,
        maximize: false,
    };
    let step = |f: &dyn Fn(&[Param<f32>])| {
        let [mut p, g, mut m, mut v] = START.map(f32::from_bits);
        let state = [&raw mut m, &raw mut v, std::ptr::null_mut()];
        f(&[Param { param: &mut p, grad: &g, state, n: 1, factors: o.factors(3.0), first: false }]);
        [p, g, m, v].map(f32::to_bits)
    };
    // SAFETY: one element.
    unsafe {
        assert_eq!(step(&|p| adam(&o, p)), ADAM);
        assert_eq!(step(&|p| adam(&Adam { decoupled: true, ..o }, p)), ADAMW);
        let o = Sgd { lr: 1e-3, momentum: 0.9, dampening: 0.1, weight_decay: 0.01, nesterov: false, maximize: false };
        assert_eq!(step(&|p| sgd(&o, p)), SGD);
    }
}
