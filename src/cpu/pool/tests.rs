use super::*;
use crate::cpu::checks::{Rng, assert_close, on_threads, tol, wide};
use crate::cpu::float::Float;

fn random_pool(rng: &mut Rng, dilated: bool) -> Pool {
    loop {
        let dims = rng.int(1, 3);
        let mut pick = |lo, hi| -> Vec<usize> { (0..dims).map(|_| rng.int(lo, hi)).collect() };
        let (input, kernel, stride) = (pick(1, if dims == 1 { 300 } else { 11 }), pick(1, 4), pick(1, 4));
        let dilation = if dilated { pick(1, 2) } else { vec![1; dims] };
        let padding: Vec<usize> = kernel.iter().map(|k| k / 2).collect();
        let ceil = pick(0, 1)[0] == 1;
        let p = Pool::new(&input, &kernel, &stride, &padding, &dilation, ceil);
        if p.out_plane() > 0 {
            return p;
        }
    }
}

/// Calls `f(output, tap's flat index)` for every tap inside the input.
fn each_tap(p: &Pool, mut f: impl FnMut(usize, usize)) {
    let [h, w] = [p.input[1], p.input[2]];
    let mut o = 0;
    for d in 0..p.output[0] {
        for i in 0..p.output[1] {
            for j in 0..p.output[2] {
                for kd in 0..p.kernel[0] {
                    for kh in 0..p.kernel[1] {
                        for kw in 0..p.kernel[2] {
                            if let (Some(d), Some(i), Some(j)) = (p.tap(0, d, kd), p.tap(1, i, kh), p.tap(2, j, kw)) {
                                f(o, (d * h + i) * w + j);
                            }
                        }
                    }
                }
                o += 1;
            }
        }
    }
}

fn max<F: Float>(rng: &mut Rng) {
    let (p, planes) = (random_pool(rng, true), rng.int(0, 3));
    let (n, m) = (p.in_plane(), p.out_plane());
    // Few values, so that some are equal.
    let mut x: Vec<F> = (0..planes * n).map(|_| F::of(rng.int(0, 9) as f64)).collect();
    if let Some(first) = x.first_mut() {
        *first = F::of(f64::NAN);
    }
    let g = rng.floats::<F>(planes * m, 1.0);
    let out = on_threads(|| {
        let (mut y, mut index) = (vec![F::ZERO; planes * m], vec![-1i64; planes * m]);
        let (mut dx, mut bare) = (vec![F::ONE; planes * n], vec![F::ZERO; planes * m]);
        // SAFETY: the slices have the sizes of the pool.
        unsafe {
            max_pool_forward(x.as_ptr(), (y.as_mut_ptr(), index.as_mut_ptr()), planes, &p);
            max_pool_forward(x.as_ptr(), (bare.as_mut_ptr(), std::ptr::null_mut()), planes, &p);
            max_pool_backward(g.as_ptr(), index.as_ptr(), dx.as_mut_ptr(), planes, (n, m));
        }
        let index = index.iter().map(|&i| F::of(i as f64)).collect();
        vec![y, index, dx, bare]
    });
    let (x, g) = (wide(&x), wide(&g));
    let (mut y, mut index, mut dx) =
        (vec![f64::NEG_INFINITY; planes * m], vec![-1.0; planes * m], vec![0.0; planes * n]);
    for plane in 0..planes {
        each_tap(&p, |o, i| {
            let (o, v) = (plane * m + o, x[plane * n + i]);
            if v > y[o] || v.is_nan() || index[o] < 0.0 {
                (y[o], index[o]) = (v, i as f64);
            }
        });
        (0..m).filter(|o| index[plane * m + o] >= 0.0).for_each(|o| {
            dx[plane * n + index[plane * m + o] as usize] += g[plane * m + o];
        });
    }
    assert_close(&out[0], &y, 0.0, "max");
    assert_close(&out[3], &y, 0.0, "max without indices");
    for (i, (&got, &want)) in out[1].iter().zip(&index).enumerate() {
        // A window without any element has no index to compare.
        assert!(want < 0.0 || got.f64() == want, "index {i} of {p:?}: {} instead of {want}", got.f64());
    }
    assert_close(&out[2], &dx, tol::<F>(), "max backward");
}

#[test]
fn max_pool_agrees_with_reference() {
    let mut rng = Rng(11);
    for _ in 0..60 {
        max::<f32>(&mut rng);
        max::<f64>(&mut rng);
    }
}

#[test]
fn windows_of_minus_infinity_have_their_first_index() {
    let x = [f32::NEG_INFINITY; 16];
    let p = Pool::new(&[4, 4], &[3, 3], &[2, 2], &[1, 1], &[1, 1], true);
    let (mut y, mut index) = ([0f32; 9], [0i64; 9]);
    // SAFETY: 4 x 4 inputs, 3 x 3 outputs.
    unsafe { max_pool_forward(x.as_ptr(), (y.as_mut_ptr(), index.as_mut_ptr()), 1, &p) };
    assert_eq!(p.output, [1, 3, 3]);
    // As torch 2.13 has them.
    assert_eq!(index, [0, 1, 3, 4, 5, 7, 12, 13, 15]);
}

#[test]
fn dilated_windows_start_at_their_first_element() {
    let x = [0f32; 25];
    let p = Pool::new(&[5, 5], &[3, 3], &[2, 2], &[1, 1], &[2, 2], true);
    let (mut y, mut index) = ([0f32; 4], [0i64; 4]);
    // SAFETY: 5 x 5 inputs, 2 x 2 outputs.
    unsafe { max_pool_forward(x.as_ptr(), (y.as_mut_ptr(), index.as_mut_ptr()), 1, &p) };
    assert_eq!((p.output, index), ([1, 2, 2], [6, 6, 6, 6]));
}

fn avg<F: Float>(rng: &mut Rng) {
    let (p, planes) = (random_pool(rng, false), rng.int(0, 3));
    let (n, m) = (p.in_plane(), p.out_plane());
    let (x, g) = (rng.floats::<F>(planes * n, 1.0), rng.floats::<F>(planes * m, 1.0));
    for divisor in [Divisor::WithPadding, Divisor::Inside, Divisor::Fixed(3.5)] {
        let out = on_threads(|| {
            let (mut y, mut dx) = (vec![F::ZERO; planes * m], vec![F::ONE; planes * n]);
            // SAFETY: the slices have the sizes of the pool.
            unsafe {
                avg_pool_forward(x.as_ptr(), y.as_mut_ptr(), planes, &p, divisor);
                avg_pool_backward(g.as_ptr(), dx.as_mut_ptr(), planes, &p, divisor);
            }
            vec![y, dx]
        });
        let (mut sum, mut inside) = (vec![0.0; planes * m], vec![0.0; m]);
        each_tap(&p, |o, i| {
            inside[o] += 1.0;
            (0..planes).for_each(|plane| sum[plane * m + o] += x[plane * n + i].f64());
        });
        let padded = |o: usize| -> f64 {
            let at = [o / (p.output[1] * p.output[2]), o / p.output[2] % p.output[1], o % p.output[2]];
            let size = |d: usize| {
                let start = (at[d] * p.stride[d]) as isize - p.padding[d] as isize;
                ((start + p.kernel[d] as isize).min((p.input[d] + p.padding[d]) as isize) - start) as f64
            };
            size(0) * size(1) * size(2)
        };
        let by = |o: usize| match divisor {
            Divisor::WithPadding => padded(o),
            Divisor::Inside => inside[o],
            Divisor::Fixed(d) => d,
        };
        let y: Vec<f64> = (0..planes * m).map(|i| if inside[i % m] > 0.0 { sum[i] / by(i % m) } else { 0.0 }).collect();
        let mut dx = vec![0.0; planes * n];
        each_tap(&p, |o, i| (0..planes).for_each(|q| dx[q * n + i] += g[q * m + o].f64() / by(o)));
        assert_close(&out[0], &y, tol::<F>(), "avg");
        assert_close(&out[1], &dx, tol::<F>(), "avg backward");
    }
}

#[test]
fn avg_pool_agrees_with_reference() {
    let mut rng = Rng(12);
    for _ in 0..60 {
        avg::<f32>(&mut rng);
        avg::<f64>(&mut rng);
    }
}

fn adaptive<F: Float>(rng: &mut Rng) {
    let mut three = |hi| [rng.int(1, 4), rng.int(1, hi), rng.int(1, hi)];
    let (input, output) = (three(20), three(7));
    let output = if rng.int(0, 3) == 0 { [1; 3] } else { output };
    let planes = rng.int(0, 4);
    let (n, m) = (input.iter().product::<usize>(), output.iter().product::<usize>());
    let (x, g) = (rng.floats::<F>(planes * n, 1.0), rng.floats::<F>(planes * m, 1.0));
    let out = on_threads(|| {
        let (mut y, mut dx) = (vec![F::ZERO; planes * m], vec![F::ONE; planes * n]);
        let (mut top, mut index, mut dtop) = (y.clone(), vec![0i64; planes * m], dx.clone());
        // SAFETY: the slices have the sizes of the pool.
        unsafe {
            adaptive_avg_pool_forward(x.as_ptr(), y.as_mut_ptr(), planes, (input, output));
            adaptive_avg_pool_backward(g.as_ptr(), dx.as_mut_ptr(), planes, (input, output));
            let both = (top.as_mut_ptr(), index.as_mut_ptr());
            adaptive_max_pool_forward(x.as_ptr(), both, planes, (input, output));
            adaptive_max_pool_backward(g.as_ptr(), index.as_ptr(), dtop.as_mut_ptr(), planes, (n, m));
        }
        vec![y, dx, top, dtop]
    });
    let (x, g) = (wide(&x), wide(&g));
    let mut want = [vec![0.0; planes * m], vec![0.0; planes * n], vec![0.0; planes * m], vec![0.0; planes * n]];
    for plane in 0..planes {
        for o in 0..m {
            let at = [o / (output[1] * output[2]), o / output[2] % output[1], o % output[2]];
            let range = |d: usize| {
                let (from, to) = (at[d] as f64 * input[d] as f64 / output[d] as f64, (at[d] + 1) as f64);
                from.floor() as usize..(to * input[d] as f64 / output[d] as f64 - 1e-9).ceil() as usize
            };
            let mut cells = vec![];
            for d in range(0) {
                for h in range(1) {
                    cells.extend(range(2).map(|w| plane * n + (d * input[1] + h) * input[2] + w));
                }
            }
            let (i, count) = (plane * m + o, cells.len() as f64);
            want[0][i] = cells.iter().map(|&c| x[c]).sum::<f64>() / count;
            cells.iter().for_each(|&c| want[1][c] += g[i] / count);
            let best = cells.iter().copied().reduce(|a, b| if x[b] > x[a] { b } else { a }).expect("a cell");
            want[2][i] = x[best];
            want[3][best] += g[i];
        }
    }
    for (got, want) in out.iter().zip(&want) {
        assert_close(got, want, tol::<F>(), "adaptive");
    }
}

#[test]
fn adaptive_pools_agree_with_reference() {
    let mut rng = Rng(13);
    for _ in 0..40 {
        adaptive::<f32>(&mut rng);
        adaptive::<f64>(&mut rng);
    }
}

#[test]
fn sizes_are_those_of_torch() {
    // (n, kernel, stride, padding, dilation, ceil): torch.nn.functional.max_pool1d, 2.13.
    assert_eq!(pooled_size(5, 3, 2, 1, 2, true), Some(2));
    assert_eq!(pooled_size(4, 3, 2, 1, 1, true), Some(3));
    assert_eq!(pooled_size(7, 2, 2, 0, 1, false), Some(3));
    assert_eq!(pooled_size(7, 2, 2, 0, 1, true), Some(4));
    assert_eq!(pooled_size(2, 3, 1, 0, 1, false), None);
}
