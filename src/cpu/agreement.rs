//! One battery of kernel calls must give the same bits for every number of threads and at every SIMD level.

use super::index::{self, Mask, Scatter};
use super::parallel::set_num_threads;
use super::reduce::{Extreme, Reduce, aminmax, arg_reduce, logsumexp, reduce, var_mean};
use super::scan::{Scan, scan, scan_extreme};
use super::sort::{Rank, select, sort, topk, unique};
use super::testing::{Rng, Ten};
use crate::tensor::DType;

/// A hash of everything that the kernels write.
fn digest() -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325u64;
    let mut eat = |t: &Ten| {
        for word in t.bytes().chunks(8) {
            let word = word.iter().rev().fold(0, |w, &b| w << 8 | b as u64);
            h = (h ^ word).wrapping_mul(0x100_0000_01b3).rotate_left(29);
        }
    };
    let mut rng = Rng(99);
    let shapes: [&[usize]; 6] = [&[150_001], &[3, 50_000], &[70_000, 3], &[300, 500], &[20, 30, 25], &[17, 9]];
    for (round, shape) in shapes.iter().enumerate() {
        for d in [DType::F32, DType::F64, DType::BF16, DType::F16, DType::I32, DType::C64] {
            let x = Ten::random(shape, d, &mut rng, |r| (r.uniform() - 0.4) * 9.0);
            for mask in 0..1usize << shape.len() {
                let oshape: Vec<usize> =
                    shape.iter().enumerate().map(|(k, &n)| if mask >> k & 1 == 1 { 1 } else { n }).collect();
                let to = if d == DType::I32 { DType::I64 } else { d };
                let out = Ten::zeros(&oshape, to);
                reduce(Reduce::Sum, &x.view(), &out.view(), 0.0);
                eat(&out);
                if d.is_complex() {
                    continue;
                }
                if d.is_float() {
                    for kind in [Reduce::Norm, Reduce::NanSum, Reduce::Mean] {
                        reduce(kind, &x.view(), &out.view(), 2.0);
                        eat(&out);
                    }
                    let mean = Ten::zeros(&oshape, d);
                    var_mean(&x.view(), 1.0, true, Some(&out.view()), Some(&mean.view()));
                    eat(&out);
                    eat(&mean);
                    logsumexp(&x.view(), &out.view());
                    eat(&out);
                }
                let (lo, hi) = (Ten::zeros(&oshape, d), Ten::zeros(&oshape, d));
                aminmax(&x.view(), &lo.view(), &hi.view());
                eat(&lo);
                eat(&hi);
            }
            if d.is_complex() || d == DType::F16 {
                continue;
            }
            for dim in 0..shape.len() {
                let mut oshape = shape.to_vec();
                oshape[dim] = 1;
                let (v, at) = (Ten::zeros(&oshape, d), Ten::zeros(&oshape, DType::I64));
                arg_reduce(Extreme::Max, &x.view(), Some(dim), &at.view(), Some(&v.view()));
                eat(&at);
                select(&x.view(), Some(dim), Rank::Median, &v.view(), Some(&at.view()));
                eat(&at);
                let (v, at) = (Ten::zeros(shape, d), Ten::zeros(shape, DType::I64));
                scan(Scan::Sum, &x.view(), &v.view(), dim);
                eat(&v);
                scan_extreme(true, &x.view(), &v.view(), &at.view(), dim);
                eat(&at);
                sort(&x.view(), dim, round % 2 == 0, Some(&v.view()), Some(&at.view()));
                eat(&at);
                oshape[dim] = shape[dim].min(5);
                let (v, at) = (Ten::zeros(&oshape, d), Ten::zeros(&oshape, DType::I64));
                topk(&x.view(), dim, oshape[dim], true, false, &v.view(), &at.view());
                eat(&at);
                let n = shape[dim];
                let rows = Ten::random(&[64], DType::I64, &mut rng, |r| r.below(n) as f64);
                let mut oshape = shape.to_vec();
                oshape[dim] = 64;
                let src = Ten::random(&oshape, d, &mut rng, |r| r.uniform());
                let sums = Ten::zeros(shape, d);
                index::index_add(&sums.view(), dim, &rows.view(), &src.view(), Scatter::Add, true);
                eat(&sums);
            }
            let u = unique(&x.view(), true, true);
            let inverse: Vec<f64> = u.inverse.iter().map(|&i| i as f64).collect();
            eat(&Ten::from(&[inverse.len()], DType::I64, &inverse));
            let counts = Mask::new(&x.view());
            let out = Ten::zeros(&[counts.total(), shape.len()], DType::I64);
            index::nonzero(&x.view(), &counts, &out.view());
            eat(&out);
        }
    }
    h
}

/// Where a child process leaves its digest.
const FILE: &str = "RUSTORCH_TEST_DIGEST_FILE";

#[test]
#[expect(clippy::disallowed_methods, reason = "the test talks to its own child processes")]
fn threads_and_levels_agree() {
    if let Some(file) = std::env::var_os(FILE) {
        std::fs::write(file, digest().to_string()).unwrap();
        return;
    }
    let mut all = vec![];
    for threads in [1, 3] {
        set_num_threads(threads);
        all.push((format!("{threads} threads"), digest()));
    }
    for isa in ["portable", "avx2"] {
        let file = std::env::temp_dir().join(format!("rustorch-digest-{}-{isa}", std::process::id()));
        let done = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cpu::agreement::threads_and_levels_agree"])
            .env("RUSTORCH_ISA", isa)
            .env(FILE, &file)
            .output()
            .unwrap();
        assert!(done.status.success(), "{isa}");
        all.push((isa.to_string(), std::fs::read_to_string(&file).unwrap().parse().unwrap()));
        std::fs::remove_file(file).unwrap();
    }
    for (name, digest) in &all {
        assert_eq!(*digest, all[0].1, "{name} differs from {}", all[0].0);
    }
}
