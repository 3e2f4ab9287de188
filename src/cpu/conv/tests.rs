use super::*;
use crate::cpu::checks::{Rng, assert_close, on_threads, wide};
use std::ptr::null;

/// Calls `f(output, input, weight)` with the flat indices of every product.
fn each_product(v: &Conv, mut f: impl FnMut(usize, usize, usize)) {
    let (c, m) = (v.c_in / v.groups, v.c_out / v.groups);
    let coord = |i: usize, e: [usize; 3]| [i / (e[1] * e[2]), i / e[2] % e[1], i % e[2]];
    for n in 0..v.n {
        for o in 0..v.c_out {
            for p in 0..v.out_plane() {
                let at = coord(p, v.output);
                for ci in 0..c {
                    for t in 0..v.taps() {
                        let k = coord(t, v.kernel);
                        let mut i = [0; 3];
                        let inside = (0..3).all(|d| {
                            i[d] = (at[d] * v.stride[d] + k[d] * v.dilation[d]).wrapping_sub(v.padding[d]);
                            i[d] < v.input[d]
                        });
                        if !inside {
                            continue;
                        }
                        let channel = n * v.c_in + o / m * c + ci;
                        let x = channel * v.in_plane() + (i[0] * v.input[1] + i[1]) * v.input[2] + i[2];
                        f((n * v.c_out + o) * v.out_plane() + p, x, (o * c + ci) * v.taps() + t);
                    }
                }
            }
        }
    }
}

fn check<F: ConvFloat>(rng: &mut Rng, v: &Conv) {
    let (nx, ny) = (v.n * v.c_in * v.in_plane(), v.n * v.c_out * v.out_plane());
    let nw = v.c_out * (v.c_in / v.groups) * v.taps();
    let (x, w, g) = (rng.floats::<F>(nx, 1.0), rng.floats::<F>(nw, 1.0), rng.floats::<F>(ny, 1.0));
    let (bias, in_bias) = (rng.floats::<F>(v.c_out, 1.0), rng.floats::<F>(v.c_in, 1.0));
    let with_bias = rng.int(0, 1) == 1;
    let nan = F::of(f64::NAN);
    let out = on_threads(|| {
        let (mut y, mut dx) = (vec![nan; ny], vec![nan; nx]);
        let (mut dw, mut db) = (vec![nan; nw], vec![nan; v.c_out]);
        let b = if with_bias { (bias.as_ptr(), in_bias.as_ptr()) } else { (null(), null()) };
        // SAFETY: the slices have the sizes of the geometry.
        unsafe {
            conv_forward(x.as_ptr(), (w.as_ptr(), None), b.0, y.as_mut_ptr(), v).expect("memory");
            let packed = pack(w.as_ptr(), v).expect("memory");
            let mut again = vec![nan; ny];
            conv_forward(x.as_ptr(), (w.as_ptr(), packed.as_ref()), b.0, again.as_mut_ptr(), v).expect("memory");
            assert!(again.iter().zip(&y).all(|(a, b)| a.f64().to_bits() == b.f64().to_bits()), "packing changes {v:?}");
            conv_grad_input(g.as_ptr(), w.as_ptr(), b.1, dx.as_mut_ptr(), v).expect("memory");
            conv_grad_weight(x.as_ptr(), g.as_ptr(), dw.as_mut_ptr(), v).expect("memory");
            conv_grad_bias(g.as_ptr(), db.as_mut_ptr(), (v.n, v.c_out, v.out_plane()));
        }
        vec![y, dx, dw, db]
    });
    let (x, w, g) = (wide(&x), wide(&w), wide(&g));
    let at = |bias: &[F], i: usize, plane: usize| if with_bias { bias[i / plane % bias.len()].f64() } else { 0.0 };
    let mut y: Vec<f64> = (0..ny).map(|i| at(&bias, i, v.out_plane())).collect();
    let mut dx: Vec<f64> = (0..nx).map(|i| at(&in_bias, i, v.in_plane())).collect();
    let mut dw = vec![0.0; nw];
    each_product(v, |o, i, k| {
        y[o] += x[i] * w[k];
        dx[i] += g[o] * w[k];
        dw[k] += g[o] * x[i];
    });
    let mut db = vec![0.0; v.c_out];
    (0..ny).for_each(|i| db[i / v.out_plane() % v.c_out] += g[i]);
    let tol = if size_of::<F>() == 4 { 5e-5 } else { 1e-12 };
    assert_close(&out[0], &y, tol, &format!("y of {v:?}"));
    assert_close(&out[1], &dx, tol, &format!("dx of {v:?}"));
    assert_close(&out[2], &dw, tol, &format!("dw of {v:?}"));
    assert_close(&out[3], &db, tol, &format!("db of {v:?}"));
}

fn random_conv(rng: &mut Rng) -> Conv {
    let dims = rng.int(1, 3);
    let groups = [1, 1, 2, 3][rng.int(0, 3)];
    // Up to two vectors of channels and a rest, or few.
    let most = [13, 45][rng.int(0, 1)];
    let (c_in, c_out) = (groups * rng.int(1, 5), groups * rng.int(1, most));
    let mut pick = |lo, hi| -> Vec<usize> { (0..dims).map(|_| rng.int(lo, hi)).collect() };
    let input = pick(1, [60, 13, 6][dims - 1]);
    let (kernel, stride, padding, dilation) = (pick(1, 4), pick(1, 3), pick(0, 3), pick(1, 2));
    Conv::new((rng.int(0, 3), c_in, c_out, groups), &input, &kernel, &stride, &padding, &dilation)
}

#[test]
fn random_geometries_agree_with_reference() {
    let mut rng = Rng(21);
    for _ in 0..150 {
        let v = random_conv(&mut rng);
        check::<f32>(&mut rng, &v);
        check::<f64>(&mut rng, &v);
    }
}

#[test]
fn special_paths_agree_with_reference() {
    let mut rng = Rng(22);
    let same =
        |(n, c, m, groups), (h, w), k, s, p| Conv::new((n, c, m, groups), &[h, w], &[k, k], &[s, s], &[p, p], &[1, 1]);
    for v in [
        // Depthwise; 1 x 1; several blocks of channels; several bands; more than one tile of every height.
        same((2, 16, 16, 16), (9, 20), 3, 1, 1),
        same((2, 6, 12, 6), (9, 9), 3, 2, 1),
        same((2, 20, 27, 1), (7, 9), 1, 1, 0),
        same((1, 20, 9, 1), (8, 8), 1, 2, 0),
        same((1, 150, 9, 1), (6, 6), 3, 1, 1),
        same((1, 3, 5, 1), (80, 70), 3, 1, 1),
        same((2, 12, 50, 1), (14, 14), 3, 1, 1),
        same((3, 9, 70, 1), (7, 7), 3, 2, 1),
        same((1, 2, 3, 1), (40, 40), 7, 2, 3),
        // Across channels: every width of a tile, taps that skip pixels at both ends, one pixel or two of them, a rest of
        // channels along pixels or across, groups, steps of 2, blocks that add to what is there, shared copies of pixels.
        same((1, 40, 16, 1), (5, 13), 3, 1, 1),
        same((2, 64, 35, 1), (6, 26), 5, 1, 2),
        same((1, 70, 40, 1), (9, 9), 7, 1, 3),
        same((2, 80, 96, 2), (7, 15), 3, 1, 1),
        same((1, 48, 17, 1), (11, 11), 3, 1, 2),
        same((1, 40, 33, 1), (10, 21), 4, 2, 1),
        same((1, 300, 130, 1), (6, 6), 3, 1, 1),
        same((1, 130, 300, 1), (5, 7), 3, 2, 1),
        same((1, 700, 20, 1), (20, 20), 1, 1, 0),
        Conv::new((1, 40, 24, 1), &[12, 12], &[3, 3], &[1, 1], &[2, 2], &[2, 2]),
        Conv::new((2, 20, 24, 1), &[3, 6, 7], &[3, 3, 3], &[1, 1, 1], &[1, 1, 1], &[1, 1, 1]),
        Conv::new((2, 36, 48, 1), &[61], &[5], &[1], &[2], &[1]),
        // Tiles of four vectors on AVX-512: weights in place, and packed since their rows would collide in a cache.
        same((1, 20, 27, 1), (8, 8), 1, 1, 0),
        same((1, 40, 21, 1), (7, 7), 3, 1, 1),
        same((1, 1024, 9, 1), (7, 8), 1, 1, 0),
        // Unrolled: one panel and several, groups, blocks of channels, strides, odd planes, no padding.
        same((8, 20, 40, 1), (2, 2), 3, 1, 1),
        same((9, 40, 80, 2), (4, 4), 3, 1, 1),
        same((3, 70, 33, 1), (5, 3), 3, 1, 1),
        same((5, 6, 40, 1), (7, 7), 3, 2, 1),
        same((5, 80, 40, 1), (6, 5), 3, 2, 1),
        same((70, 3, 81, 1), (3, 3), 3, 1, 1),
        same((4, 33, 40, 1), (3, 3), 1, 1, 0),
        Conv::new((3, 5, 18, 1), &[3, 2, 3], &[3, 2, 3], &[1, 1, 1], &[1, 0, 1], &[1, 1, 1]),
        Conv::new((1, 3, 4, 1), &[2500], &[3], &[1], &[1], &[2]),
        Conv::new((1, 70, 4, 1), &[300], &[9], &[2], &[4], &[1]),
        Conv::new((1, 3, 4, 1), &[6, 20, 20], &[3, 3, 3], &[1, 1, 1], &[1, 1, 1], &[1, 1, 1]),
        Conv::new((2, 0, 4, 1), &[5, 5], &[3, 3], &[1, 1], &[1, 1], &[1, 1]),
    ] {
        check::<f32>(&mut rng, &v);
        check::<f64>(&mut rng, &v);
    }
}

#[test]
fn padding_hides_no_nan_and_spreads_none() {
    let v = Conv::new((1, 1, 1, 1), &[3, 3], &[3, 3], &[1, 1], &[1, 1], &[1, 1]);
    let mut x = [1f32; 9];
    x[2] = f32::NAN;
    let (w, mut y) = ([1f32; 9], [0f32; 9]);
    // SAFETY: 3 x 3 everything.
    unsafe { conv_forward(x.as_ptr(), (w.as_ptr(), None), null(), y.as_mut_ptr(), &v).expect("memory") };
    let nan: Vec<bool> = y.iter().map(|y| y.is_nan()).collect();
    assert_eq!(nan, [false, true, true, false, true, true, false, false, false]);
}
