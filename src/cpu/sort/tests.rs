use super::*;
use crate::cpu::testing::{Rng, Ten, close};
use std::cmp::Ordering;

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

fn value(d: DType, few: bool) -> impl Fn(&mut Rng) -> f64 {
    move |r| match d {
        DType::Bool => r.below(2) as f64,
        d if d.is_integral(false) => r.below(if few { 5 } else { 120 }) as f64 - if d.is_signed() { 60.0 } else { 0.0 },
        _ => match r.below(50) {
            0 => f64::NAN,
            1 => -0.0,
            2 => 0.0,
            3 => f64::INFINITY,
            4 => f64::NEG_INFINITY,
            _ if few => r.below(5) as f64 - 2.0,
            _ => (r.uniform() - 0.5) * 1000.0,
        },
    }
}

/// NaN last.
fn order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The elements along `dim` at every place of the other dims.
fn lines(x: &Ten, dim: usize) -> Vec<Vec<Vec<usize>>> {
    let mut shape = x.shape.clone();
    let n = if shape.is_empty() { 1 } else { std::mem::replace(&mut shape[dim], 1) };
    let all = Ten::zeros(&shape, DType::U8);
    (0..all.numel())
        .map(|i| {
            (0..n)
                .map(|k| {
                    let mut c = all.coords(i);
                    if !c.is_empty() {
                        c[dim] = k;
                    }
                    c
                })
                .collect()
        })
        .collect()
}

#[test]
fn sort_is_stable_and_ordered() {
    let mut rng = Rng(21);
    for round in 0..260 {
        let d = REAL[round % 13];
        let shape = match round % 4 {
            0 => vec![1 + rng.below(3), 1 + rng.below(3000)],
            1 => vec![1 + rng.below(2000), 1 + rng.below(8)],
            2 if round < 26 => vec![70_000 + rng.below(30_000)],
            _ => rng.shape(3, 12),
        };
        let dim = rng.below(shape.len());
        let x = Ten::random(&shape, d, &mut rng, value(d, round % 3 == 0));
        for descending in [false, true] {
            let (v, at) = (Ten::scattered(&shape, d, &mut rng), Ten::scattered(&shape, DType::I64, &mut rng));
            sort(&x.view(), dim, descending, Some(&v.view()), Some(&at.view()));
            for line in lines(&x, dim) {
                let mut want: Vec<usize> = (0..line.len()).collect();
                want.sort_by(|&a, &b| {
                    let o = order(x.get_at(&line[a]), x.get_at(&line[b]));
                    if descending { o.reverse() } else { o }
                });
                for (k, c) in line.iter().enumerate() {
                    assert_eq!(want[k] as f64, at.get_at(c), "{d:?} {shape:?} {dim} {descending}");
                    let y = x.get_at(&line[want[k]]);
                    assert!(close(y, v.get_at(c), 0.0) && y.is_sign_negative() == v.get_at(c).is_sign_negative());
                }
            }
        }
    }
}

#[test]
fn selections_agree_with_sorting() {
    let mut rng = Rng(22);
    for round in 0..400 {
        let d = REAL[round % 13];
        let shape = match round % 3 {
            0 => vec![1 + rng.below(3), 1 + rng.below(4000)],
            1 => vec![1 + rng.below(700), 1 + rng.below(5)],
            _ => rng.shape(3, 12),
        };
        let dim = rng.below(shape.len());
        let x = Ten::random(&shape, d, &mut rng, value(d, round % 2 == 0));
        let n = shape.get(dim).copied().unwrap_or(1);
        let k = rng.below(n + 1).min(if round % 4 == 0 { 20 } else { usize::MAX });
        let largest = rng.below(2) == 0;
        let mut small = shape.clone();
        if let Some(s) = small.get_mut(dim) {
            *s = k;
        }
        let (v, at) = (Ten::scattered(&small, d, &mut rng), Ten::scattered(&small, DType::I64, &mut rng));
        topk(&x.view(), dim, k, largest, true, &v.view(), &at.view());
        let (all, places) = (Ten::zeros(&shape, d), Ten::zeros(&shape, DType::I64));
        sort(&x.view(), dim, largest, Some(&all.view()), Some(&places.view()));
        for line in lines(&x, dim) {
            for c in line.iter().take(k) {
                assert!(close(all.get_at(c), v.get_at(c), 0.0), "{d:?} {shape:?} {k}");
                assert_eq!(places.get_at(c), at.get_at(c));
            }
        }
        if n == 0 || shape.contains(&0) {
            continue;
        }
        let mut one = shape.clone();
        if let Some(s) = one.get_mut(dim) {
            *s = 1;
        }
        sort(&x.view(), dim, false, Some(&all.view()), Some(&places.view()));
        for rank in [Rank::Nth(k.min(n - 1)), Rank::Median, Rank::NanMedian] {
            let (v, at) = (Ten::scattered(&one, d, &mut rng), Ten::scattered(&one, DType::I64, &mut rng));
            select(&x.view(), Some(dim), rank, &v.view(), Some(&at.view()));
            for line in lines(&x, dim) {
                let nans = line.iter().filter(|c| x.get_at(c).is_nan()).count();
                let nth = match rank {
                    Rank::Nth(k) => k,
                    Rank::Median if nans > 0 => n - nans,
                    Rank::NanMedian if nans == n => 0,
                    Rank::NanMedian => (n - nans - 1) / 2,
                    Rank::Median => (n - 1) / 2,
                };
                assert!(close(all.get_at(&line[nth]), v.get_at(&line[0]), 0.0));
                assert_eq!(places.get_at(&line[nth]), at.get_at(&line[0]));
            }
        }
    }
}

#[test]
fn unique_and_its_inverse() {
    let mut rng = Rng(23);
    for round in 0..150 {
        let d = REAL[round % 13];
        let shape = if round < 4 { vec![80_000] } else { rng.shape(3, 14) };
        let x = Ten::random(&shape, d, &mut rng, value(d, true));
        for consecutive in [false, true] {
            let u = if consecutive { unique_consecutive(&x.view(), true, true) } else { unique(&x.view(), true, true) };
            let values = Ten::zeros(&[u.len], d);
            // SAFETY: the tensor holds `len` elements.
            unsafe { std::ptr::copy_nonoverlapping(u.values.as_ptr(), values.view().ptr, u.values.len()) };
            assert_eq!(u.counts.iter().sum::<i64>() as usize, x.numel());
            assert_eq!(u.inverse.len(), x.numel());
            for (i, &k) in u.inverse.iter().enumerate() {
                assert!(close(x.get(i), values.get(k as usize), 0.0));
            }
            for i in 1..u.len {
                let (a, b) = (values.get(i - 1), values.get(i));
                assert!(consecutive || order(a, b) == Ordering::Less || b.is_nan(), "{a} {b}");
                assert!(!consecutive || a != b);
            }
        }
    }
}

#[test]
fn searches_and_counts() {
    let mut rng = Rng(24);
    for round in 0..100 {
        let d = REAL[round % 13];
        let n = rng.below(40);
        let rows = 1 + rng.below(4);
        let batched = rng.below(2) == 0;
        let m = rng.below(50);
        let shape = if batched { vec![rows, n] } else { vec![n] };
        let raw = Ten::random(&shape, d, &mut rng, value(d, true));
        let sorted = Ten::scattered(&raw.shape, d, &mut rng);
        let places = Ten::zeros(&raw.shape, DType::I64);
        sort(&raw.view(), raw.shape.len() - 1, false, Some(&sorted.view()), Some(&places.view()));
        let v = Ten::random(&[rows, m], d, &mut rng, value(d, true));
        for right in [false, true] {
            let (out, out2) = (Ten::scattered(&[rows, m], DType::I64, &mut rng), Ten::zeros(&[rows, m], DType::I32));
            searchsorted(&sorted.view(), &v.view(), &out.view(), right, None);
            searchsorted(&raw.view(), &v.view(), &out2.view(), right, Some(&places.view()));
            for i in 0..rows * m {
                let x = v.get(i);
                let base = if batched { i / m * n } else { 0 };
                // With NaN at the end of the sequence comparisons are those of torch's binary search; numbers suffice here.
                if x.is_nan() {
                    assert_eq!(out.get(i), n as f64);
                    continue;
                }
                let seq: Vec<f64> = (0..n).map(|k| sorted.get(base + k)).collect();
                if seq.iter().any(|s| s.is_nan()) {
                    continue;
                }
                let want = seq.iter().filter(|&&s| if right { s <= x } else { s < x }).count();
                assert_eq!((want as f64, want as f64), (out.get(i), out2.get(i)), "{d:?}");
            }
        }
    }
    for n in [0, 10, 200_000] {
        let x = Ten::random(&[n], DType::I32, &mut rng, |r| r.below(7) as f64);
        let w = Ten::random(&[n], DType::F64, &mut rng, |r| r.below(3) as f64);
        let (c, s) = (Ten::zeros(&[9], DType::I64), Ten::zeros(&[9], DType::F64));
        bincount(&x.view(), None, &c.view());
        bincount(&x.view(), Some(&w.view()), &s.view());
        let h = Ten::zeros(&[6], DType::F32);
        let y = Ten::random(&[n], DType::F32, &mut rng, |r| r.below(8) as f64 - 1.0);
        histc(&y.view(), 0.0, 6.0, &h.view());
        for b in 0..9 {
            assert_eq!(c.get(b), (0..n).filter(|&i| x.get(i) == b as f64).count() as f64);
            assert_eq!(s.get(b), (0..n).filter(|&i| x.get(i) == b as f64).map(|i| w.get(i)).sum::<f64>());
        }
        for b in 0..6 {
            let want = (0..n).filter(|&i| y.get(i) == b as f64 || (b == 5 && y.get(i) == 6.0)).count();
            assert_eq!(h.get(b), want as f64);
        }
    }
}

#[test]
fn long_rows_that_differ_in_the_last_bits() {
    let mut rng = Rng(25);
    for (d, n) in [(DType::F64, 3000), (DType::F64, 90_000), (DType::I64, 5000), (DType::I64, 70_000)] {
        for spread in [3, 1 << 20] {
            let x = Ten::random(&[n], d, &mut rng, |r| {
                let far = if r.below(100) == 0 { 1e15 } else { 0.0 };
                let near = r.below(spread) as f64;
                far + if d == DType::F64 { 1.0 + near * f64::EPSILON } else { near }
            });
            for descending in [false, true] {
                let (v, at) = (Ten::zeros(&[n], d), Ten::zeros(&[n], DType::I64));
                sort(&x.view(), 0, descending, Some(&v.view()), Some(&at.view()));
                let values = x.all();
                let mut want: Vec<usize> = (0..n).collect();
                want.sort_by(|&a, &b| {
                    let o = order(values[a], values[b]);
                    if descending { o.reverse() } else { o }
                });
                let got: Vec<usize> = at.all().iter().map(|&i| i as usize).collect();
                assert!(want == got, "{d:?} {n} {spread} {descending}");
            }
        }
    }
}
