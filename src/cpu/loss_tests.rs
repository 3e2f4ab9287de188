use super::*;
use crate::cpu::checks::{Rng, assert_close, on_threads, tol, wide};
use std::ptr::null;

struct Case {
    shape: (usize, usize, usize),
    weighted: bool,
    smoothing: f64,
}

fn check<F: Float>(rng: &mut Rng, case: &Case) {
    let (n, c, s) = case.shape;
    let x = rng.floats::<F>(n * c * s, 6.0);
    let w: Vec<F> = rng.floats::<F>(c, 1.0).iter().map(|&w| w + F::of(1.5)).collect();
    let g = rng.floats::<F>(n * s, 1.0);
    let targets: Vec<i64> =
        (0..n * s).map(|_| if rng.int(0, 5) == 0 { -100 } else { rng.int(0, c - 1) as i64 }).collect();
    let weight = if case.weighted { w.as_ptr() } else { null() };
    let t = Targets {
        index: targets.as_ptr(),
        weight,
        ignore: -100,
        smoothing: case.smoothing,
        classes: c,
        strayed: false.into(),
    };
    let scale = F::of(0.25);
    let out = on_threads(|| {
        let (mut loss, mut lse) = (vec![F::ZERO; n * s], vec![F::ZERO; n * s]);
        let (mut dx, mut nll, mut dnll) = (vec![F::ZERO; n * c * s], vec![F::ZERO; n * s], vec![F::ONE; n * c * s]);
        // SAFETY: the slices have the sizes of the case.
        unsafe {
            cross_entropy_forward(x.as_ptr(), &t, (loss.as_mut_ptr(), lse.as_mut_ptr()), case.shape);
            let up = (g.as_ptr(), 1, scale);
            cross_entropy_backward(up, (x.as_ptr(), lse.as_ptr()), &t, dx.as_mut_ptr(), case.shape);
            nll_forward(x.as_ptr(), &t, nll.as_mut_ptr(), case.shape);
            nll_backward(up, &t, dnll.as_mut_ptr(), case.shape);
        }
        vec![loss, dx, nll, dnll]
    });
    let (x, g) = (wide(&x), wide(&g));
    let w = if case.weighted { wide(&w) } else { vec![1.0; c] };
    let (mut loss, mut nll) = (vec![0.0; n * s], vec![0.0; n * s]);
    let (mut dx, mut dnll) = (vec![0.0; n * c * s], vec![0.0; n * c * s]);
    for (row, &class) in targets.iter().enumerate().filter(|(_, t)| **t >= 0) {
        let at = |k: usize| (row / s * c + k) * s + row % s;
        let m = (0..c).map(|k| x[at(k)]).fold(f64::MIN, f64::max);
        let lse = (0..c).map(|k| (x[at(k)] - m).exp()).sum::<f64>().ln() + m;
        let class = class as usize;
        for k in 0..c {
            let hard = if k == class { (1.0 - case.smoothing) * w[k] } else { 0.0 };
            let q = hard + case.smoothing / c as f64 * w[k];
            loss[row] += q * (lse - x[at(k)]);
            for j in 0..c {
                let p = (x[at(j)] - lse).exp();
                dx[at(j)] += g[row] * 0.25 * q * (p - if j == k { 1.0 } else { 0.0 });
            }
        }
        nll[row] = -w[class] * x[at(class)];
        dnll[at(class)] = -g[row] * 0.25 * w[class];
    }
    assert_close(&out[0], &loss, 4.0 * tol::<F>(), "loss");
    assert_close(&out[1], &dx, tol::<F>(), "dx");
    assert_close(&out[2], &nll, tol::<F>(), "nll");
    assert_close(&out[3], &dnll, tol::<F>(), "nll backward");
    // SAFETY: targets and weights of the case.
    let total = unsafe { target_weight(&t, n * s) };
    let want: f64 = targets.iter().filter(|t| **t >= 0).map(|&t| w[t as usize]).sum();
    assert_close(&[total], &[want], tol::<F>(), "weight");
}

#[test]
fn agrees_with_reference() {
    let mut rng = Rng(7);
    for shape in [(5, 3, 1), (33, 1000, 1), (2, 1, 1), (3, 10, 70), (2, 5, 3), (0, 4, 1), (0, 4, 6)] {
        for (weighted, smoothing) in [(false, 0.0), (true, 0.0), (false, 0.1), (true, 0.3)] {
            let case = Case { shape, weighted, smoothing };
            check::<f32>(&mut rng, &case);
            check::<f64>(&mut rng, &case);
        }
    }
}

#[test]
fn ignored_rows_stay_zero_beside_nan() {
    for s in [1, 2] {
        let x = vec![f32::NAN; 3 * s];
        let index = vec![-100i64; s];
        let t = Targets {
            index: index.as_ptr(),
            weight: null(),
            ignore: -100,
            smoothing: 0.1,
            classes: 3,
            strayed: false.into(),
        };
        let (mut loss, mut lse, mut dx) = (vec![9f32; s], vec![9f32; s], vec![9f32; 3 * s]);
        // SAFETY: one sample of three classes.
        unsafe {
            cross_entropy_forward(x.as_ptr(), &t, (loss.as_mut_ptr(), lse.as_mut_ptr()), (1, 3, s));
            let up = ([1f32].as_ptr(), 0, 1.0);
            cross_entropy_backward(up, (x.as_ptr(), lse.as_ptr()), &t, dx.as_mut_ptr(), (1, 3, s));
        }
        assert!(loss.iter().chain(&dx).all(|&v| v == 0.0));
    }
}

#[test]
fn bad_targets_are_found() {
    let index = [0i64, 4, -100, 5, -1];
    // SAFETY: five targets.
    unsafe {
        assert_eq!(first_bad_target(index.as_ptr(), 3, 5, -100), None);
        assert_eq!(first_bad_target(index.as_ptr(), 5, 5, -100), Some(5));
        assert_eq!(first_bad_target(index.as_ptr().add(4), 1, 5, -100), Some(-1));
    }
}
