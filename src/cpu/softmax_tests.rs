use super::*;
use crate::cpu::checks::{Rng, assert_close, on_threads, tol, wide};

fn reference(x: &[f64], (outer, dim, inner): (usize, usize, usize), log: bool) -> (Vec<f64>, Vec<f64>) {
    let (mut y, mut lse) = (vec![0.0; x.len()], vec![0.0; outer * inner]);
    for o in 0..outer {
        for i in 0..inner {
            let at = |d: usize| (o * dim + d) * inner + i;
            let m = (0..dim).map(|d| x[at(d)]).fold(f64::NEG_INFINITY, f64::max);
            let s: f64 = (0..dim).map(|d| (x[at(d)] - m).exp()).sum();
            lse[o * inner + i] = if m.is_infinite() && !s.is_nan() || m == f64::NEG_INFINITY { m } else { s.ln() + m };
            for d in 0..dim {
                let z = x[at(d)] - m;
                y[at(d)] = if log { z - s.ln() } else { z.exp() / s };
            }
        }
    }
    (y, lse)
}

fn check<F: Float>(seed: u64) {
    let mut rng = Rng(seed);
    let shapes = [(3, 1, 1), (5, 17, 1), (40, 1000, 1), (2, 3000, 1), (3, 7, 5), (2, 20, 130), (0, 4, 1), (4, 0, 3)];
    for shape @ (outer, dim, inner) in shapes {
        let n = outer * dim * inner;
        let x = rng.floats::<F>(n, 8.0);
        let g = rng.floats::<F>(n, 1.0);
        for log in [false, true] {
            let out = on_threads(|| {
                let (mut y, mut dx) = (vec![F::ZERO; n], vec![F::ZERO; n]);
                let mut lse = vec![F::ZERO; outer * inner];
                // SAFETY: the slices have the sizes of the shape.
                unsafe {
                    softmax_forward(x.as_ptr(), y.as_mut_ptr(), shape, log);
                    softmax_backward(g.as_ptr(), y.as_ptr(), dx.as_mut_ptr(), shape, log);
                    logsumexp(x.as_ptr(), lse.as_mut_ptr(), shape);
                }
                vec![y, dx, lse]
            });
            let (y, lse) = reference(&wide(&x), shape, log);
            assert_close(&out[0], &y, tol::<F>(), "softmax");
            assert_close(&out[2], &lse, tol::<F>(), "logsumexp");
            let g = wide(&g);
            let mut dx = vec![0.0; n];
            for o in 0..outer {
                for i in 0..inner {
                    let at = |d: usize| (o * dim + d) * inner + i;
                    let s: f64 = (0..dim).map(|d| if log { g[at(d)] } else { g[at(d)] * y[at(d)] }).sum();
                    for d in 0..dim {
                        let k = at(d);
                        dx[k] = if log { g[k] - y[k].exp() * s } else { y[k] * (g[k] - s) };
                    }
                }
            }
            assert_close(&out[1], &dx, 4.0 * tol::<F>(), "softmax backward");
        }
    }
}

#[test]
fn agrees_with_reference() {
    check::<f32>(1);
    check::<f64>(2);
}

#[test]
fn infinite_and_nan_rows() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let x = [-inf, -inf, -inf, 1.0, -inf, 2.0, 1.0, nan, 0.0, inf, 0.0, 1.0];
    let (mut y, mut lse) = ([0f32; 12], [0f32; 4]);
    // SAFETY: four rows of three.
    unsafe {
        softmax_forward(x.as_ptr(), y.as_mut_ptr(), (4, 3, 1), false);
        logsumexp(x.as_ptr(), lse.as_mut_ptr(), (4, 3, 1));
    }
    assert!(y[..3].iter().chain(&y[6..10]).all(|y| y.is_nan()));
    assert_eq!(y[4], 0.0);
    assert!((y[3] + y[5] - 1.0).abs() < 1e-6);
    assert_eq!(lse[0], -inf);
    assert!(lse[2].is_nan());
    assert_eq!(lse[3], inf);
}

#[test]
fn exp_is_accurate_over_its_range() {
    let mut worst: f64 = 0.0;
    let mut x = -103.0f32;
    while x < 88.7 {
        let want = (x as f64).exp();
        let ulp = ((want as f32).next_up() - want as f32) as f64;
        worst = worst.max((Float::exp(x) as f64 - want).abs() / ulp);
        x += 0.00371;
    }
    assert!(worst < 1.5, "{worst} ULP");
    for x in [-700.0, -1.5, 0.0, 1e-9, 0.3, 37.0, 700.0f64] {
        assert!((Float::exp(x) / x.exp() - 1.0).abs() < 4e-16, "{x}");
    }
    let (inf, wide_inf) = (f32::INFINITY, f64::INFINITY);
    for (x, y) in [(-inf, 0.0), (-200.0, 0.0), (0.0, 1.0), (89.5, inf), (inf, inf)] {
        assert_eq!(Float::exp(x), y);
    }
    for (x, y) in [(-wide_inf, 0.0), (-800.0, 0.0), (0.0, 1.0), (709.9, wide_inf), (wide_inf, wide_inf)] {
        assert_eq!(Float::exp(x), y);
    }
    assert!(Float::exp(f32::NAN).is_nan() && Float::exp(f64::NAN).is_nan());
}
