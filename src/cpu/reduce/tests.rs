use super::*;
use crate::cpu::testing::{Rng, Ten, close, tol};
use crate::tensor::DType;

const REAL: [DType; 13] = [
    DType::Bool,
    DType::U8,
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::F16,
    DType::BF16,
    DType::F32,
    DType::F64,
];

/// Groups the elements of `x` by output element; `mask` says which dims are reduced.
fn groups(x: &Ten, mask: &[bool]) -> (Vec<usize>, Vec<Vec<usize>>) {
    let shape: Vec<usize> = x.shape.iter().zip(mask).map(|(&n, &m)| if m { 1 } else { n }).collect();
    let mut groups = vec![vec![]; shape.iter().product()];
    for i in 0..x.numel() {
        let c = x.coords(i);
        let o = c.iter().zip(mask).zip(&shape).fold(0, |o, ((&c, &m), &n)| o * n + if m { 0 } else { c });
        groups[o].push(i);
    }
    (shape, groups)
}

fn values(d: DType, nan: bool) -> impl Fn(&mut Rng) -> f64 {
    move |r| {
        if nan && d.is_float() && r.below(40) == 0 {
            return f64::NAN;
        }
        match d {
            DType::Bool => r.below(2) as f64,
            d if d.is_integral(false) => r.below(12) as f64 - if d.is_signed() { 6.0 } else { 0.0 },
            _ => (r.uniform() - 0.5) * 4.0,
        }
    }
}

fn naive(kind: Reduce, v: &[f64], p: f64) -> f64 {
    let nan = v.iter().any(|x| x.is_nan());
    match kind {
        Reduce::Sum => v.iter().sum(),
        Reduce::Mean => v.iter().sum::<f64>() / v.len() as f64,
        Reduce::NanSum => v.iter().filter(|x| !x.is_nan()).sum(),
        Reduce::Prod => v.iter().product(),
        Reduce::Min => {
            if nan {
                f64::NAN
            } else {
                v.iter().copied().fold(f64::INFINITY, f64::min)
            }
        }
        Reduce::Max => {
            if nan {
                f64::NAN
            } else {
                v.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            }
        }
        Reduce::Any => v.iter().any(|&x| x != 0.0) as u8 as f64,
        Reduce::All => v.iter().all(|&x| x != 0.0) as u8 as f64,
        Reduce::CountNonzero => v.iter().filter(|&&x| x != 0.0).count() as f64,
        Reduce::SumSquares => v.iter().map(|x| x * x).sum(),
        Reduce::Xor => v.iter().fold(0, |a, x| a ^ x.to_bits() as i64) as f64,
        Reduce::Norm if nan => {
            if p == 0.0 {
                naive(Reduce::CountNonzero, v, p)
            } else {
                f64::NAN
            }
        }
        Reduce::Norm => match p {
            0.0 => naive(Reduce::CountNonzero, v, p),
            f64::INFINITY => v.iter().map(|x| x.abs()).fold(0.0, f64::max),
            f64::NEG_INFINITY => v.iter().map(|x| x.abs()).fold(f64::INFINITY, f64::min),
            _ => v.iter().map(|x| x.abs().powf(p)).sum::<f64>().powf(1.0 / p),
        },
    }
}

fn random_mask(rng: &mut Rng, n: usize) -> Vec<bool> {
    (0..n).map(|_| rng.below(2) == 0).collect()
}

#[test]
fn kinds_match_naive_reference() {
    let mut rng = Rng(1);
    for round in 0..700 {
        let d = REAL[rng.below(REAL.len())];
        let shape = match round % 5 {
            0 => vec![1 + rng.below(6), 1 + rng.below(300), 1 + rng.below(6)],
            1 => vec![1 + rng.below(2000), 1 + rng.below(5)],
            2 => vec![1 + rng.below(3), 1 + rng.below(6000)],
            _ => rng.shape(4, 12),
        };
        let mask = random_mask(&mut rng, shape.len());
        let x = Ten::random(&shape, d, &mut rng, values(d, round % 3 == 0));
        let (oshape, groups) = groups(&x, &mask);
        for kind in [
            Reduce::Sum,
            Reduce::Mean,
            Reduce::NanSum,
            Reduce::Prod,
            Reduce::Min,
            Reduce::Max,
            Reduce::Any,
            Reduce::All,
            Reduce::CountNonzero,
            Reduce::Norm,
            Reduce::SumSquares,
            Reduce::Xor,
        ] {
            // Which NaN is left of several conversions is nobody's business.
            if kind == Reduce::Xor && (!d.is_float() || round % 3 == 0) {
                continue;
            }
            let p = [0.0, 1.0, 2.0, 3.5, f64::INFINITY, f64::NEG_INFINITY][rng.below(6)];
            let to = match kind {
                Reduce::Any | Reduce::All => DType::Bool,
                Reduce::CountNonzero | Reduce::Xor => DType::I64,
                Reduce::Min | Reduce::Max => d,
                Reduce::Sum | Reduce::Prod if d.is_integral(true) => DType::I64,
                _ if d.is_integral(true) => DType::F64,
                _ => d,
            };
            if groups.iter().any(Vec::is_empty) && matches!(kind, Reduce::Min | Reduce::Max) {
                continue;
            }
            let out = Ten::scattered(&oshape, to, &mut rng);
            reduce(kind, &x.view(), &out.view(), p);
            for (o, g) in groups.iter().enumerate() {
                let v: Vec<f64> = g.iter().map(|&i| x.get(i)).collect();
                let (want, got) = (naive(kind, &v, p), out.get(o));
                if kind == Reduce::Prod && (to == DType::I64 || want.abs() > 1e4) {
                    // Integers wrap.
                    if to == DType::I64 {
                        let exact = v.iter().fold(1i64, |a, &b| a.wrapping_mul(b as i64)) as f64;
                        assert_eq!(exact, got, "prod {d:?} {shape:?} {mask:?}");
                    }
                    continue;
                }
                if to == DType::F16 && want.abs() > 6e4 {
                    continue;
                }
                let t = tol(to) * (1.0 + v.iter().map(|x| if x.is_nan() { 0.0 } else { x.abs() }).sum::<f64>() / 50.0);
                assert!(close(want, got, t), "{kind:?} {d:?} {shape:?} {mask:?} p={p}: {want} {got}");
            }
        }
    }
}

#[test]
fn other_output_types() {
    let mut rng = Rng(2);
    for (from, to) in [
        (DType::U8, DType::F32),
        (DType::F32, DType::F64),
        (DType::I32, DType::I32),
        (DType::F32, DType::C64),
        (DType::C64, DType::C128),
        (DType::Bool, DType::I64),
        (DType::BF16, DType::F32),
        (DType::C64, DType::C64),
        (DType::C128, DType::C128),
    ] {
        for shape in [vec![7, 130], vec![130, 7], vec![5, 64, 9], vec![200, 300]] {
            let mask = random_mask(&mut rng, shape.len());
            let x = Ten::random(&shape, from, &mut rng, values(from, false));
            let (oshape, groups) = groups(&x, &mask);
            let out = Ten::zeros(&oshape, to);
            reduce(Reduce::Sum, &x.view(), &out.view(), 0.0);
            for (o, g) in groups.iter().enumerate() {
                let re: f64 = g.iter().map(|&i| x.parts(i).0).sum();
                let im: f64 = g.iter().map(|&i| x.parts(i).1).sum();
                assert!(
                    close(re, out.parts(o).0, 1e-4) && close(im, out.parts(o).1, 1e-4),
                    "{from:?} {to:?} {shape:?}"
                );
            }
        }
    }
    let x = Ten::from(&[2], DType::C64, &[0.0, 0.0]);
    let mut x = x;
    x.set_parts(0, 3.0, 4.0);
    x.set_parts(1, 0.0, -12.0);
    let out = Ten::zeros(&[1], DType::F32);
    reduce(Reduce::Norm, &x.view(), &out.view(), 2.0);
    assert_eq!(out.get(0), 13.0);
}

#[test]
fn long_reductions_are_exact_enough() {
    let mut rng = Rng(3);
    for shape in [vec![1_000_003], vec![3, 400_001], vec![300_000, 3], vec![100_003, 8], vec![70_000, 40]] {
        let x = Ten::random(&shape, DType::F32, &mut rng, |r| 1.0 + r.uniform() * 1e-3);
        for mask in [
            vec![true; shape.len()],
            (0..shape.len()).map(|d| d == 0).collect(),
            (0..shape.len()).map(|d| d == 1).collect(),
        ] {
            let (oshape, groups) = groups(&x, &mask);
            let (out, var, mean) =
                (Ten::zeros(&oshape, DType::F32), Ten::zeros(&oshape, DType::F32), Ten::zeros(&oshape, DType::F32));
            reduce(Reduce::Sum, &x.view(), &out.view(), 0.0);
            var_mean(&x.view(), 1.0, false, Some(&var.view()), Some(&mean.view()));
            for (o, g) in groups.iter().enumerate().step_by(1 + groups.len() / 50) {
                let v: Vec<f64> = g.iter().map(|&i| x.get(i)).collect();
                let s: f64 = v.iter().sum();
                assert!(close(s, out.get(o), 3e-7), "{shape:?} {mask:?}: {s} {}", out.get(o));
                if v.len() > 1 {
                    let m = s / v.len() as f64;
                    let w = v.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / (v.len() - 1) as f64;
                    assert!((m - mean.get(o)).abs() < 2e-7, "{m} {}", mean.get(o));
                    assert!((w - var.get(o)).abs() < 1e-5 * w + 1e-12, "{shape:?} {mask:?} {w} {}", var.get(o));
                }
            }
        }
    }
}

#[test]
fn variance_matches_naive_reference() {
    let mut rng = Rng(4);
    for round in 0..300 {
        let d = [DType::F16, DType::BF16, DType::F32, DType::F64][rng.below(4)];
        let shape = if round % 2 == 0 { rng.shape(4, 11) } else { vec![1 + rng.below(300), 1 + rng.below(300)] };
        let mask = random_mask(&mut rng, shape.len());
        let x = Ten::random(&shape, d, &mut rng, |r| r.uniform() * 2.0 + 1.0);
        let (oshape, groups) = groups(&x, &mask);
        let (var, mean) = (Ten::scattered(&oshape, d, &mut rng), Ten::scattered(&oshape, d, &mut rng));
        let correction = rng.below(3) as f64;
        let root = rng.below(2) == 0;
        var_mean(&x.view(), correction, root, Some(&var.view()), Some(&mean.view()));
        for (o, g) in groups.iter().enumerate() {
            let v: Vec<f64> = g.iter().map(|&i| x.get(i)).collect();
            let n = v.len() as f64;
            let m = v.iter().sum::<f64>() / n;
            let s = v.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / (n - correction).max(0.0);
            assert!(close(m, mean.get(o), tol(d)), "{d:?} {shape:?} {m} {}", mean.get(o));
            let s = if root { s.sqrt() } else { s };
            assert!(close(s, var.get(o), tol(d)), "{d:?} {shape:?} {s} {}", var.get(o));
        }
    }
    let x = Ten::from(&[3], DType::F32, &[1.0, f64::INFINITY, 2.0]);
    let out = Ten::zeros(&[1], DType::F32);
    var_mean(&x.view(), 1.0, false, Some(&out.view()), None);
    assert!(out.get(0).is_nan());
}

#[test]
fn logsumexp_matches_naive_reference() {
    let mut rng = Rng(5);
    for round in 0..200 {
        let d = [DType::F16, DType::F32, DType::F64][rng.below(3)];
        let shape = if round % 2 == 0 { rng.shape(3, 20) } else { vec![1 + rng.below(300), 1 + rng.below(300)] };
        let mask = random_mask(&mut rng, shape.len());
        let x = Ten::random(&shape, d, &mut rng, |r| match r.below(60) {
            0 => f64::NEG_INFINITY,
            _ => (r.uniform() - 0.5) * 60.0,
        });
        let (oshape, groups) = groups(&x, &mask);
        let out = Ten::scattered(&oshape, d, &mut rng);
        logsumexp(&x.view(), &out.view());
        for (o, g) in groups.iter().enumerate() {
            let v: Vec<f64> = g.iter().map(|&i| x.get(i)).collect();
            let top = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let s = if top.is_infinite() { top } else { top + v.iter().map(|x| (x - top).exp()).sum::<f64>().ln() };
            assert!(close(s, out.get(o), tol(d)), "{d:?} {shape:?} {mask:?} {s} {}", out.get(o));
        }
    }
    for (v, want) in [
        (vec![f64::INFINITY, 1.0], f64::INFINITY),
        (vec![f64::NAN, 1.0], f64::NAN),
        (vec![f64::NEG_INFINITY; 2], f64::NEG_INFINITY),
    ] {
        let out = Ten::zeros(&[1], DType::F32);
        logsumexp(&Ten::from(&[2], DType::F32, &v).view(), &out.view());
        assert!(close(out.get(0), want, 0.0), "{v:?} {}", out.get(0));
    }
}

#[test]
fn arg_takes_the_first_and_nan() {
    let mut rng = Rng(6);
    for round in 0..500 {
        let d = REAL[rng.below(REAL.len())];
        let shape = match round % 4 {
            0 => vec![1 + rng.below(5), 1 + rng.below(3000)],
            1 => vec![1 + rng.below(400), 1 + rng.below(90)],
            2 => vec![200_000],
            _ => rng.shape(4, 9),
        };
        if shape.contains(&0) || (round % 4 == 2 && round > 20) {
            continue;
        }
        let x = Ten::random(&shape, d, &mut rng, values(d, round % 3 == 0));
        let dim = if shape.is_empty() || rng.below(3) == 0 { None } else { Some(rng.below(shape.len())) };
        let mask: Vec<bool> = (0..shape.len()).map(|k| dim.is_none_or(|d| d == k)).collect();
        let (oshape, groups) = groups(&x, &mask);
        for kind in [Extreme::Min, Extreme::Max] {
            let (at, best) = (Ten::scattered(&oshape, DType::I64, &mut rng), Ten::scattered(&oshape, d, &mut rng));
            arg_reduce(kind, &x.view(), dim, &at.view(), Some(&best.view()));
            for (o, g) in groups.iter().enumerate() {
                let mut want = (0, x.get(g[0]));
                for (i, &j) in g.iter().enumerate() {
                    let v = x.get(j);
                    let better = if kind == Extreme::Max { v > want.1 } else { v < want.1 };
                    if better || (v.is_nan() && !want.1.is_nan()) {
                        want = (i, v);
                    }
                }
                assert_eq!(want.0 as f64, at.get(o), "{kind:?} {d:?} {shape:?} {dim:?}");
                assert!(close(want.1, best.get(o), 0.0));
            }
        }
        let mask = random_mask(&mut rng, shape.len());
        let (oshape, groups) = self::groups(&x, &mask);
        let (lo, hi) = (Ten::scattered(&oshape, d, &mut rng), Ten::scattered(&oshape, d, &mut rng));
        aminmax(&x.view(), &lo.view(), &hi.view());
        for (o, g) in groups.iter().enumerate() {
            let v: Vec<f64> = g.iter().map(|&i| x.get(i)).collect();
            assert!(close(naive(Reduce::Min, &v, 0.0), lo.get(o), 0.0));
            assert!(close(naive(Reduce::Max, &v, 0.0), hi.get(o), 0.0));
        }
    }
}
