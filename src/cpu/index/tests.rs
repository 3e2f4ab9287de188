use super::*;
use crate::cpu::testing::{Rng, Ten, close};
use crate::tensor::DType;

fn value(d: DType) -> impl Fn(&mut Rng) -> f64 {
    move |r| {
        if d == DType::Bool { r.below(2) as f64 } else { r.below(100) as f64 }
    }
}

fn indices(shape: &[usize], n: usize, negative: bool, rng: &mut Rng) -> Ten {
    Ten::random(shape, DType::I64, rng, |r| {
        r.below(n) as f64 - if negative && r.below(2) == 0 { n as f64 } else { 0.0 }
    })
}

fn full_shape(rng: &mut Rng, dims: usize, max: usize) -> Vec<usize> {
    (0..1 + rng.below(dims)).map(|_| 1 + rng.below(max)).collect()
}

#[test]
fn gather_and_scatter() {
    let mut rng = Rng(31);
    for round in 0..500 {
        let d = DType::ALL[round % 15];
        let shape =
            if round % 5 == 0 { vec![1 + rng.below(300), 1 + rng.below(90)] } else { full_shape(&mut rng, 4, 9) };
        let dim = rng.below(shape.len());
        let mut ishape: Vec<usize> = shape.iter().map(|&n| rng.below(n) + (rng.below(3) > 0) as usize).collect();
        ishape[dim] = rng.below(30);
        let x = Ten::random(&shape, d, &mut rng, value(d));
        let index = indices(&ishape, shape[dim], false, &mut rng);
        let out = Ten::scattered(&ishape, d, &mut rng);
        gather(&x.view(), dim, &index.view(), &out.view());
        for i in 0..index.numel() {
            let mut c = index.coords(i);
            c[dim] = index.get(i) as usize;
            assert_eq!(x.get_at(&c), out.get(i), "{d:?} {shape:?} {ishape:?}");
        }
        let op = [Scatter::Set, Scatter::Add, Scatter::Mul, Scatter::Min, Scatter::Max, Scatter::Mean][rng.below(6)];
        if d.is_complex() && !matches!(op, Scatter::Set | Scatter::Add) {
            continue;
        }
        let small = |r: &mut Rng| r.below(2) as f64 + if d == DType::Bool { 0.0 } else { 1.0 };
        let src = Ten::random(&ishape, d, &mut rng, small);
        let out = Ten::random(&shape, d, &mut rng, small);
        let include = rng.below(2) == 0;
        let before = out.all();
        scatter(&out.view(), dim, &index.view(), &src.view(), op, include);
        let mut hits = vec![vec![]; out.numel()];
        for i in 0..index.numel() {
            let mut c = index.coords(i);
            c[dim] = index.get(i) as usize;
            hits[c.iter().zip(&shape).fold(0, |o, (&c, &n)| o * n + c)].push(src.get(i));
        }
        for (o, h) in hits.iter().enumerate() {
            let own = if include || h.is_empty() { vec![before[o]] } else { vec![] };
            let all: Vec<f64> = own.iter().chain(h).copied().collect();
            let bool8 = d == DType::Bool;
            let want = match op {
                Scatter::Set => h.last().copied().unwrap_or(before[o]),
                Scatter::Add | Scatter::Mean if bool8 => all.iter().copied().fold(0.0, f64::max),
                Scatter::Add => all.iter().sum(),
                Scatter::Mul => all.iter().product(),
                Scatter::Min => all.iter().copied().fold(f64::INFINITY, f64::min),
                Scatter::Max => all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                Scatter::Mean if d.is_integral(false) => (all.iter().sum::<f64>() / all.len() as f64).floor(),
                Scatter::Mean => all.iter().sum::<f64>() / all.len() as f64,
            };
            if want < 100.0 || d == DType::F64 {
                assert!(
                    close(want, out.get(o), 1e-2),
                    "{op:?} {d:?} {shape:?} {ishape:?} {include}: {want} {}",
                    out.get(o)
                );
            }
        }
    }
}

#[test]
fn slices_by_index() {
    let mut rng = Rng(32);
    for round in 0..300 {
        let d = DType::ALL[round % 15];
        let shape =
            if round % 3 == 0 { vec![1 + rng.below(60), 1 + rng.below(300)] } else { full_shape(&mut rng, 3, 9) };
        let dim = rng.below(shape.len());
        let n = rng.below(100);
        let mut oshape = shape.clone();
        oshape[dim] = n;
        let x = Ten::random(&shape, d, &mut rng, value(d));
        let index = indices(&[n], shape[dim], false, &mut rng);
        let out = Ten::scattered(&oshape, d, &mut rng);
        index_select(&x.view(), dim, &index.view(), &out.view());
        for i in 0..out.numel() {
            let mut c = out.coords(i);
            c[dim] = index.get(c[dim]) as usize;
            assert_eq!(x.get_at(&c), out.get(i));
        }
        let mut want = x.all();
        let src = Ten::random(&oshape, d, &mut rng, |r| r.below(2) as f64);
        let set = rng.below(2) == 0;
        for i in 0..src.numel() {
            let mut c = src.coords(i);
            c[dim] = index.get(c[dim]) as usize;
            let o = c.iter().zip(&shape).fold(0, |o, (&c, &n)| o * n + c);
            want[o] = if set {
                src.get(i)
            } else if d == DType::Bool {
                want[o].max(src.get(i))
            } else {
                want[o] + src.get(i)
            };
        }
        index_add(&x.view(), dim, &index.view(), &src.view(), if set { Scatter::Set } else { Scatter::Add }, true);
        for (o, &w) in want.iter().enumerate() {
            assert!(w > 120.0 || w == x.get(o), "{d:?} {shape:?} {dim}");
        }
        let one = Ten::from(&[], d, &[1.0]);
        index_fill(&x.view(), dim, &index.view(), &one.view());
        for o in 0..x.numel() {
            let hit = (0..n).any(|k| index.get(k) as usize == x.coords(o)[dim]);
            assert!(if hit { x.get(o) == 1.0 } else { want[o] > 120.0 || x.get(o) == want[o] });
        }
    }
}

#[test]
fn advanced_indexing() {
    let mut rng = Rng(33);
    for round in 0..400 {
        let d = DType::ALL[round % 15];
        let shape = full_shape(&mut rng, 4, 7);
        let nd = shape.len();
        let b = if round % 9 == 0 { vec![] } else { full_shape(&mut rng, 2, 20) };
        let mut used: Vec<bool> = (0..nd).map(|_| rng.below(2) == 0).collect();
        used[rng.below(nd)] = true;
        let tens: Vec<Option<Ten>> = (0..nd).map(|k| used[k].then(|| indices(&b, shape[k], true, &mut rng))).collect();
        let views: Vec<Option<crate::tensor::Strided>> = tens.iter().map(|t| t.as_ref().map(Ten::view)).collect();
        let own: Vec<usize> = (0..nd).filter(|&k| !used[k]).collect();
        let first = (0..nd).find(|&k| used[k]).unwrap();
        let last = (0..nd).rev().find(|&k| used[k]).unwrap();
        let at = if (first..=last).all(|k| used[k]) { first } else { 0 };
        let front = own.iter().filter(|&&k| k < at).count();
        let mut oshape: Vec<usize> = own[..front].iter().map(|&k| shape[k]).collect();
        oshape.extend(&b);
        oshape.extend(own[front..].iter().map(|&k| shape[k]));
        let x = Ten::random(&shape, d, &mut rng, value(d));
        let out = Ten::scattered(&oshape, d, &mut rng);
        index(&x.view(), &views, &out.view());
        let source = |c: &[usize]| -> Vec<usize> {
            let bc = &c[front..front + b.len()];
            let rest: Vec<usize> = c[..front].iter().chain(&c[front + b.len()..]).copied().collect();
            let mut o = 0;
            (0..nd)
                .map(|k| match &tens[k] {
                    Some(t) => (t.get_at(bc) as i64).rem_euclid(shape[k] as i64) as usize,
                    None => {
                        o += 1;
                        rest[o - 1]
                    }
                })
                .collect()
        };
        for i in 0..out.numel() {
            assert_eq!(x.get_at(&source(&out.coords(i))), out.get(i), "{shape:?} {b:?} {used:?}");
        }
        let accumulate = rng.below(2) == 0;
        let values = Ten::random(&oshape, d, &mut rng, |r| r.below(2) as f64);
        let mut want = x.all();
        for i in 0..values.numel() {
            let c = source(&values.coords(i));
            let o = c.iter().zip(&shape).fold(0, |o, (&c, &n)| o * n + c);
            want[o] = match (accumulate, d) {
                (false, _) => values.get(i),
                (true, DType::Bool) => want[o].max(values.get(i)),
                _ => want[o] + values.get(i),
            };
        }
        index_put(&x.view(), &views, &values.view(), accumulate);
        for (o, &w) in want.iter().enumerate() {
            assert!(w > 120.0 || w == x.get(o), "{d:?} {shape:?} {b:?} {used:?} {accumulate}");
        }
        let flat = indices(&b, x.numel(), true, &mut rng);
        let out = Ten::scattered(&b, d, &mut rng);
        take(&x.view(), &flat.view(), &out.view());
        for i in 0..flat.numel() {
            assert_eq!(x.get((flat.get(i) as i64).rem_euclid(x.numel() as i64) as usize), out.get(i));
        }
        put(&x.view(), &flat.view(), &out.view(), false);
    }
}

#[test]
fn bounds_are_found() {
    let mut rng = Rng(34);
    for n in [1usize, 7, 1000, 300_000] {
        let mut x = indices(&[n], 50, false, &mut rng);
        assert_eq!(check_bounds(&x.view(), 50, false), None);
        let (a, b) = (rng.below(n), rng.below(n));
        x.set(a.max(b), 50.0);
        x.set(a.min(b), -1.0);
        assert_eq!(check_bounds(&x.view(), 50, false), Some(-1));
        x.set(a.min(b), -50.0);
        assert_eq!(check_bounds(&x.view(), 50, true), (a != b).then_some(50));
    }
    let x = indices(&[30, 40, 3], 9, true, &mut rng);
    assert_eq!(check_bounds(&x.view(), 9, true), None);
    assert_eq!(check_bounds(&indices(&[0], 1, false, &mut rng).view(), 0, true), None);
}

#[test]
fn masks() {
    let mut rng = Rng(35);
    for round in 0..200 {
        let d = DType::ALL[round % 15];
        let shape = if round % 4 == 0 { vec![1 + rng.below(60_000)] } else { rng.shape(4, 12) };
        let some = 1 + rng.below(5);
        let pick = |r: &mut Rng| (r.below(some) == 0) as u8 as f64;
        let x = Ten::random(&shape, d, &mut rng, value(d));
        let m = Ten::random(&shape, DType::Bool, &mut rng, pick);
        let counts = Mask::new(&m.view());
        let hits: Vec<usize> = (0..m.numel()).filter(|&i| m.get(i) != 0.0).collect();
        assert_eq!(counts.total(), hits.len());
        let out = Ten::scattered(&[hits.len()], d, &mut rng);
        masked_select(&x.view(), &m.view(), &counts, &out.view());
        for (k, &i) in hits.iter().enumerate() {
            assert_eq!(out.get(k), x.get(i), "{d:?} {shape:?}");
        }
        let src = Ten::from(&[hits.len()], d, &vec![1.0; hits.len()]);
        let before = x.all();
        masked_scatter(&x.view(), &m.view(), &counts, &src.view());
        for (i, &b) in before.iter().enumerate() {
            assert_eq!(x.get(i), if m.get(i) != 0.0 { 1.0 } else { b });
        }
        let y = Ten::random(&shape, d, &mut rng, pick);
        let counts = Mask::new(&y.view());
        let out = Ten::scattered(&[counts.total(), shape.len()], DType::I64, &mut rng);
        nonzero(&y.view(), &counts, &out.view());
        let mut k = 0;
        for i in (0..y.numel()).filter(|&i| y.parts(i) != (0.0, 0.0)) {
            for (j, &c) in y.coords(i).iter().enumerate() {
                assert_eq!(out.get_at(&[k, j]), c as f64, "{d:?} {shape:?}");
            }
            k += 1;
        }
        assert_eq!(k, counts.total());
    }
}

#[test]
fn shifts_and_triangles() {
    let mut rng = Rng(36);
    for round in 0..200 {
        let d = DType::ALL[round % 15];
        let shape = rng.shape(4, 7);
        let nd = shape.len();
        let x = Ten::random(&shape, d, &mut rng, value(d));
        let dims: Vec<usize> = (0..nd).filter(|_| rng.below(2) == 0).collect();
        let out = Ten::scattered(&shape, d, &mut rng);
        flip(&x.view(), &dims, &out.view());
        for i in 0..x.numel() {
            let mut c = x.coords(i);
            dims.iter().for_each(|&k| c[k] = shape[k] - 1 - c[k]);
            assert_eq!(x.get(i), out.get_at(&c));
        }
        let shifts: Vec<i64> = dims.iter().map(|_| rng.below(30) as i64 - 15).collect();
        roll(&x.view(), &shifts, &dims, &out.view());
        for i in 0..x.numel() {
            let mut c = x.coords(i);
            for (&k, &s) in dims.iter().zip(&shifts) {
                c[k] = (c[k] as i64 + s).rem_euclid(shape[k] as i64) as usize;
            }
            assert_eq!(x.get(i), out.get_at(&c));
        }
        if nd >= 2 {
            let (k, upper) = (rng.below(9) as i64 - 4, rng.below(2) == 0);
            triangle(&x.view(), k, upper, &out.view());
            for i in 0..x.numel() {
                let c = x.coords(i);
                let (r, q) = (c[nd - 2] as i64, c[nd - 1] as i64);
                let keep = if upper { q - r >= k } else { q - r <= k };
                assert_eq!(out.get(i), if keep { x.get(i) } else { 0.0 }, "{shape:?} {k} {upper}");
            }
        }
    }
}

#[test]
fn embedding_gradient() {
    let mut rng = Rng(37);
    for d in [DType::F16, DType::BF16, DType::F32, DType::F64] {
        for (v, n, w) in [(1, 1, 1), (10, 500, 33), (300, 5, 1500), (7, 0, 4)] {
            let g = Ten::zeros(&[n, w], d);
            let mut g = g;
            for i in 0..n * w {
                g.set(i, rng.below(3) as f64);
            }
            let mut index = Ten::zeros(&[n], DType::I64);
            for i in 0..n {
                index.set(i, rng.below(v) as f64);
            }
            for (padding, by) in [(None, false), (Some(0), false), (None, true)] {
                let out = Ten::zeros(&[v, w], d);
                embedding_backward(&g.view(), &index.view(), &out.view(), padding, by);
                for r in 0..v {
                    let rows: Vec<usize> =
                        (0..n).filter(|&i| index.get(i) == r as f64 && padding != Some(r as i64)).collect();
                    for c in 0..w.min(40) {
                        let s: f64 = rows.iter().map(|&i| g.get_at(&[i, c])).sum();
                        let want = if by && !rows.is_empty() { s / rows.len() as f64 } else { s };
                        assert!(close(want, out.get_at(&[r, c]), 1e-2));
                    }
                }
            }
        }
    }
}
