use super::*;
use crate::cpu::checks::{Rng, assert_close, on_threads, tol, wide};
use std::ptr::{null, null_mut};

/// y, dx, and the gradients of scale and shift, for sets of elements that share statistics.
struct Reference {
    y: Vec<f64>,
    dx: Vec<f64>,
    dgamma: Vec<f64>,
    dbeta: Vec<f64>,
    mean: Vec<f64>,
    var: Vec<f64>,
}

struct Case<'a> {
    x: &'a [f64],
    g: &'a [f64],
    gamma: &'a [f64],
    beta: &'a [f64],
    /// Sets of elements with common statistics, and of those with common parameters.
    sets: usize,
    set: &'a dyn Fn(usize) -> usize,
    param: &'a dyn Fn(usize) -> usize,
    eps: f64,
    centered: bool,
    constant_stats: Option<(&'a [f64], &'a [f64])>,
}

fn reference(c: &Case) -> Reference {
    let n = c.x.len();
    let (mut count, mut mean, mut var) = (vec![0.0; c.sets], vec![0.0; c.sets], vec![0.0; c.sets]);
    for i in 0..n {
        count[(c.set)(i)] += 1.0;
        mean[(c.set)(i)] += c.x[i];
    }
    (0..c.sets).for_each(|s| mean[s] = if c.centered { mean[s] / count[s] } else { 0.0 });
    (0..n).for_each(|i| var[(c.set)(i)] += (c.x[i] - mean[(c.set)(i)]).powi(2));
    (0..c.sets).for_each(|s| var[s] /= count[s]);
    if let Some((m, v)) = c.constant_stats {
        (mean, var) = (m.to_vec(), v.to_vec());
    }
    let h: Vec<f64> = (0..n).map(|i| (c.x[i] - mean[(c.set)(i)]) / (var[(c.set)(i)] + c.eps).sqrt()).collect();
    let (mut sv, mut svh) = (vec![0.0; c.sets], vec![0.0; c.sets]);
    let (mut dgamma, mut dbeta) = (vec![0.0; c.gamma.len()], vec![0.0; c.gamma.len()]);
    for i in 0..n {
        let (s, p) = ((c.set)(i), (c.param)(i));
        sv[s] += c.g[i] * c.gamma[p];
        svh[s] += c.g[i] * c.gamma[p] * h[i];
        dgamma[p] += c.g[i] * h[i];
        dbeta[p] += c.g[i];
    }
    let dx = |i: usize| {
        let (s, p) = ((c.set)(i), (c.param)(i));
        let stats = if c.constant_stats.is_some() { 0.0 } else { 1.0 };
        let shift = if c.centered { sv[s] / count[s] } else { 0.0 };
        (c.g[i] * c.gamma[p] - stats * (shift + h[i] * svh[s] / count[s])) / (var[s] + c.eps).sqrt()
    };
    Reference {
        y: (0..n).map(|i| h[i] * c.gamma[(c.param)(i)] + c.beta[(c.param)(i)]).collect(),
        dx: (0..n).map(dx).collect(),
        dgamma,
        dbeta,
        mean,
        var,
    }
}

fn layer<F: Float>(seed: u64) {
    let mut rng = Rng(seed);
    for (rows, n) in [(1, 1), (3, 5), (70, 33), (600, 64), (5, 5000), (0, 8)] {
        let (x, g) = (rng.floats::<F>(rows * n, 2.0), rng.floats::<F>(rows * n, 1.0));
        let x: Vec<F> = x.iter().map(|&x| x + F::of(3.0)).collect();
        let (gamma, beta) = (rng.floats::<F>(n, 1.0), rng.floats::<F>(n, 1.0));
        for (affine, centered) in [(true, true), (false, true), (true, false), (false, false)] {
            let weight = if affine { gamma.as_ptr() } else { null() };
            let bias = if affine { beta.as_ptr() } else { null() };
            let out = on_threads(|| {
                let (mut y, mut dx) = (vec![F::ZERO; rows * n], vec![F::ZERO; rows * n]);
                let (mut mean, mut rstd) = (vec![F::ZERO; rows], vec![F::ZERO; rows]);
                let (mut dgamma, mut dbeta) = (vec![F::ZERO; n], vec![F::ZERO; n]);
                let streams = (g.as_ptr(), x.as_ptr());
                // SAFETY: the slices have the sizes of the case.
                unsafe {
                    let stats = (mean.as_mut_ptr(), rstd.as_mut_ptr());
                    if centered {
                        layer_norm_forward(x.as_ptr(), (weight, bias), y.as_mut_ptr(), stats, (rows, n), 1e-5);
                        let grads = (dx.as_mut_ptr(), dgamma.as_mut_ptr(), dbeta.as_mut_ptr());
                        let stats = (mean.as_ptr(), rstd.as_ptr());
                        layer_norm_backward(streams, stats, weight, grads, (rows, n)).expect("memory");
                        let mut alone = vec![F::ZERO; rows * n];
                        let grads = (alone.as_mut_ptr(), null_mut(), null_mut());
                        layer_norm_backward(streams, stats, weight, grads, (rows, n)).expect("memory");
                        assert!(alone == dx, "dx without parameter gradients differs");
                    } else {
                        rms_norm_forward(x.as_ptr(), weight, y.as_mut_ptr(), stats.1, (rows, n), 1e-5);
                        let grads = (dx.as_mut_ptr(), dgamma.as_mut_ptr());
                        rms_norm_backward(streams, rstd.as_ptr(), weight, grads, (rows, n)).expect("memory");
                    }
                }
                vec![y, dx, dgamma, dbeta]
            });
            let ones = vec![1.0; n];
            let zeros = vec![0.0; n];
            let with_bias = affine && centered;
            let want = reference(&Case {
                x: &wide(&x),
                g: &wide(&g),
                gamma: &if affine { wide(&gamma) } else { ones },
                beta: &if with_bias { wide(&beta) } else { zeros },
                sets: rows,
                set: &|i| i / n,
                param: &|i| i % n,
                eps: 1e-5,
                centered,
                constant_stats: None,
            });
            assert_close(&out[0], &want.y, 4.0 * tol::<F>(), "y");
            assert_close(&out[1], &want.dx, 10.0 * tol::<F>(), "dx");
            assert_close(&out[2], &want.dgamma, 10.0 * tol::<F>(), "dgamma");
            if centered {
                assert_close(&out[3], &want.dbeta, 10.0 * tol::<F>(), "dbeta");
            }
        }
    }
}

#[test]
fn layer_and_rms_norm_agree_with_reference() {
    layer::<f32>(1);
    layer::<f64>(2);
}

fn group<F: Float>(seed: u64) {
    let mut rng = Rng(seed);
    for (n, c, s, groups) in [(2, 6, 10, 3), (3, 4, 1, 2), (1, 8, 3000, 2), (2, 5, 49, 5), (0, 4, 5, 2)] {
        let size = n * c * s;
        let (x, g) = (rng.floats::<F>(size, 2.0), rng.floats::<F>(size, 1.0));
        let (gamma, beta) = (rng.floats::<F>(c, 1.0), rng.floats::<F>(c, 1.0));
        let out = on_threads(|| {
            let (mut y, mut dx) = (vec![F::ZERO; size], vec![F::ZERO; size]);
            let (mut mean, mut rstd) = (vec![F::ZERO; n * groups], vec![F::ZERO; n * groups]);
            let (mut dgamma, mut dbeta) = (vec![F::ZERO; c], vec![F::ZERO; c]);
            // SAFETY: the slices have the sizes of the case.
            unsafe {
                let stats = (mean.as_mut_ptr(), rstd.as_mut_ptr());
                let params = (gamma.as_ptr(), beta.as_ptr());
                group_norm_forward(x.as_ptr(), params, y.as_mut_ptr(), stats, (n, c, s), groups, 1e-5);
                let grads = (dx.as_mut_ptr(), dgamma.as_mut_ptr(), dbeta.as_mut_ptr());
                let stats = (mean.as_ptr(), rstd.as_ptr());
                let streams = (g.as_ptr(), x.as_ptr());
                group_norm_backward(streams, stats, params.0, grads, (n, c, s), groups).expect("memory");
            }
            vec![y, dx, dgamma, dbeta]
        });
        let want = reference(&Case {
            x: &wide(&x),
            g: &wide(&g),
            gamma: &wide(&gamma),
            beta: &wide(&beta),
            sets: n * groups,
            set: &|i| i / (c / groups * s),
            param: &|i| i / s % c,
            eps: 1e-5,
            centered: true,
            constant_stats: None,
        });
        assert_close(&out[0], &want.y, 4.0 * tol::<F>(), "y");
        assert_close(&out[1], &want.dx, 40.0 * tol::<F>(), "dx");
        assert_close(&out[2], &want.dgamma, 10.0 * tol::<F>(), "dgamma");
        assert_close(&out[3], &want.dbeta, 10.0 * tol::<F>(), "dbeta");
    }
}

#[test]
fn group_norm_agrees_with_reference() {
    group::<f32>(3);
    group::<f64>(4);
}

fn batch<F: Float>(seed: u64) {
    let mut rng = Rng(seed);
    for (n, c, s) in [(4, 3, 25), (600, 5, 1), (70, 70, 1), (9, 6, 7), (2, 3, 5000), (1, 2, 16), (0, 3, 4), (2, 3, 0)] {
        let size = n * c * s;
        let (x, g) = (rng.floats::<F>(size, 2.0), rng.floats::<F>(size, 1.0));
        let x: Vec<F> = x.iter().map(|&x| x + F::of(5.0)).collect();
        let (gamma, beta) = (rng.floats::<F>(c, 1.0), rng.floats::<F>(c, 1.0));
        let running = (rng.floats::<F>(c, 1.0), vec![F::of(0.7); c]);
        for train in [true, false] {
            let out = on_threads(|| {
                let (mut y, mut dx) = (vec![F::ZERO; size], vec![F::ZERO; size]);
                let (mut mean, mut rstd) = (running.0.clone(), vec![F::ZERO; c]);
                let (mut biased, mut unbiased) = (vec![F::ZERO; c], vec![F::ZERO; c]);
                let (mut dgamma, mut dbeta) = (vec![F::ZERO; c], vec![F::ZERO; c]);
                // SAFETY: the slices have the sizes of the case.
                unsafe {
                    if train {
                        let stats = BatchStats {
                            mean: mean.as_mut_ptr(),
                            rstd: rstd.as_mut_ptr(),
                            biased: biased.as_mut_ptr(),
                            unbiased: unbiased.as_mut_ptr(),
                        };
                        batch_norm_stats(x.as_ptr(), stats, (n, c, s), 1e-5).expect("memory");
                    } else {
                        batch_norm_rstd(running.1.as_ptr(), rstd.as_mut_ptr(), c, 1e-5);
                    }
                    let stats = (mean.as_ptr(), rstd.as_ptr());
                    let params = (gamma.as_ptr(), beta.as_ptr());
                    batch_norm_apply(x.as_ptr(), stats, params, y.as_mut_ptr(), (n, c, s)).expect("memory");
                    let grads =
                        BatchGrads { dx: dx.as_mut_ptr(), dgamma: dgamma.as_mut_ptr(), dbeta: dbeta.as_mut_ptr() };
                    let streams = (g.as_ptr(), x.as_ptr());
                    batch_norm_backward(streams, stats, params.0, grads, (n, c, s), train).expect("memory");
                }
                vec![y, dx, dgamma, dbeta, mean, biased, unbiased]
            });
            let want = reference(&Case {
                x: &wide(&x),
                g: &wide(&g),
                gamma: &wide(&gamma),
                beta: &wide(&beta),
                sets: c,
                set: &|i| i / s % c,
                param: &|i| i / s % c,
                eps: 1e-5,
                centered: true,
                constant_stats: (!train).then_some((&wide(&running.0), &wide(&running.1))),
            });
            assert_close(&out[0], &want.y, 4.0 * tol::<F>(), "y");
            assert_close(&out[1], &want.dx, 10.0 * tol::<F>(), "dx");
            assert_close(&out[2], &want.dgamma, 20.0 * tol::<F>(), "dgamma");
            assert_close(&out[3], &want.dbeta, 20.0 * tol::<F>(), "dbeta");
            if train && size > 0 {
                assert_close(&out[4], &want.mean, tol::<F>(), "mean");
                assert_close(&out[5], &want.var, tol::<F>(), "biased variance");
                let m = (n * s) as f64;
                let unbiased: Vec<f64> = want.var.iter().map(|v| v * m / (m - 1.0)).collect();
                assert_close(&out[6], &unbiased, tol::<F>(), "unbiased variance");
            }
        }
    }
}

#[test]
fn batch_norm_agrees_with_reference() {
    batch::<f32>(5);
    batch::<f64>(6);
}

#[test]
fn variance_survives_a_large_mean() {
    let x: Vec<f32> = (0..10000).map(|i| 4096.0 + (i % 2) as f32).collect();
    let (mut y, mut mean, mut rstd) = (vec![0f32; 10000], [0f32], [0f32]);
    // SAFETY: one row of 10000.
    unsafe {
        let stats = (mean.as_mut_ptr(), rstd.as_mut_ptr());
        layer_norm_forward(x.as_ptr(), (null(), null()), y.as_mut_ptr(), stats, (1, 10000), 0.0);
    }
    assert_eq!(mean[0], 4096.5);
    assert!((rstd[0] - 2.0).abs() < 1e-6);
}
