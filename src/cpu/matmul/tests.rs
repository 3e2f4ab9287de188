//! Every dtype at every level against plain loops in f64 (or in wrapping integers), over all layouts.

use super::*;
use crate::tensor::Element;
use crate::tensor::dtype::C64;
use half::{bf16, f16};

const LEVELS: [Level; 3] = [Level::Portable, Level::Avx2, Level::Avx512];

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 33) as usize) % n
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// An element as the tests see it: sums are of `Self::Sum`, exact or nearly so.
trait Value: Element + PartialEq {
    /// Relative rounding of one operation; 0: results are exact.
    const EPS: f64;
    const POISON: Self;
    fn random(r: &mut Rng) -> Self;
    fn wide(self) -> (C128, i64);
    fn bits(self) -> u128;
}

macro_rules! values {
    (int $($t:ty)+) => { $(impl Value for $t {
        const EPS: f64 = 0.0;
        const POISON: $t = 77;
        fn random(r: &mut Rng) -> $t { r.next() as $t }
        fn wide(self) -> (C128, i64) { (C128::new(0.0, 0.0), self as i64) }
        fn bits(self) -> u128 { self as u128 }
    })+ };
    (float $($t:ty, $eps:expr, $from:expr, $to:expr;)+) => { $(impl Value for $t {
        const EPS: f64 = $eps;
        const POISON: $t = <$t>::NAN;
        fn random(r: &mut Rng) -> $t { let f: fn(f64) -> $t = $from; f(r.unit()) }
        fn wide(self) -> (C128, i64) { let f: fn($t) -> f64 = $to; (C128::new(f(self), 0.0), 0) }
        fn bits(self) -> u128 { self.to_bits() as u128 }
    })+ };
    (complex $($t:ty, $r:ty, $eps:expr;)+) => { $(impl Value for $t {
        const EPS: f64 = $eps;
        const POISON: $t = <$t>::new(<$r>::NAN, <$r>::NAN);
        fn random(r: &mut Rng) -> $t { <$t>::new(r.unit() as $r, r.unit() as $r) }
        fn wide(self) -> (C128, i64) { (C128::new(self.re as f64, self.im as f64), 0) }
        fn bits(self) -> u128 { (self.re.to_bits() as u128) << 64 | self.im.to_bits() as u128 }
    })+ };
}
values!(int u8 i8 u16 i16 u32 i32 u64 i64);
values! { float
    f32, 6e-8, |x| x as f32, |x| x as f64;
    f64, 1.2e-16, |x| x, |x| x;
    f16, 5e-4, f16::from_f64, f16::to_f64;
    bf16, 4e-3, bf16::from_f64, bf16::to_f64;
}
values! { complex C64, f32, 6e-8; C128, f64, 1.2e-16; }

/// A matrix with the memory it lies in.
#[derive(Clone)]
struct Owned<E> {
    data: Vec<E>,
    offset: isize,
    rs: isize,
    cs: isize,
}

impl<E: Value> Owned<E> {
    /// A matrix in one of the layouts; results may not overlap themselves.
    fn random(r: &mut Rng, rows: usize, cols: usize, result: bool) -> Self {
        let (m, n) = (rows as isize, cols as isize);
        let (mut rs, mut cs) = match r.below(if result { 4 } else { 6 }) {
            0 => (n, 1),
            1 => (1, m),
            2 => (n + 3, 1),
            3 => (2 * n + 1, 2),
            4 => (0, 1),
            _ => (1, 0),
        };
        if r.below(4) == 0 {
            rs = -rs;
        }
        if r.below(4) == 0 {
            cs = -cs;
        }
        let span = |s: isize, n: isize| s * (n - 1).max(0);
        let low = span(rs, m).min(0) + span(cs, n).min(0);
        let high = span(rs, m).max(0) + span(cs, n).max(0);
        let data = (0..high - low + 1).map(|_| E::random(r)).collect();
        Owned { data, offset: -low, rs, cs }
    }

    fn mat(&mut self) -> Mat {
        Mat::new(self.data.as_mut_ptr().wrapping_offset(self.offset), self.rs, self.cs)
    }

    fn index(&self, i: usize, j: usize) -> usize {
        (self.offset + i as isize * self.rs + j as isize * self.cs) as usize
    }

    fn at(&self, i: usize, j: usize) -> E {
        self.data[self.index(i, j)]
    }
}

fn run_at(level: Level, g: &Gemm, par: bool) {
    // SAFETY: the tests build operands that cover their shapes, and results that overlap nothing.
    unsafe { (kernels(g.dtype, level.min(simd::best())).product)(g, par) }
}

/// One random product at every level, checked element by element, and with C's gaps untouched.
fn check<E: Value>(r: &mut Rng, (m, n, k): (usize, usize, usize)) {
    let mut a = Owned::<E>::random(r, m, k, false);
    let mut b = Owned::<E>::random(r, k, n, false);
    let mut c = Owned::<E>::random(r, m, n, true);
    let bias: Vec<E> = (0..m.max(n)).map(|_| E::random(r)).collect();
    let factors = [Factor::ONE, Factor::ONE, Factor::ZERO, Factor::real(-2.0), Factor::complex(C128::new(3.0, 1.0))];
    let (alpha, other) = (r.pick(&factors), r.pick(&factors));
    let beta = r.pick(&[Factor::ZERO, other]);
    let bias_kind = r.below(4);
    let keep = beta != Factor::ZERO;
    if !keep {
        for i in 0..m {
            for j in 0..n {
                let at = c.index(i, j);
                c.data[at] = E::POISON;
            }
        }
    }
    let before = c.clone();
    let mut g = Gemm::new(E::DTYPE, (m, n, k), a.mat(), b.mat(), c.mat());
    (g.alpha, g.beta) = (alpha, beta);
    g.bias = match bias_kind {
        0 => Bias::PerColumn(bias.as_ptr().cast()),
        1 => Bias::PerRow(bias.as_ptr().cast()),
        _ => Bias::None,
    };

    let complex = E::DTYPE.is_complex();
    let real = |f: Factor| {
        if complex { f.complex } else { C128::new(f.complex.re, 0.0) }
    };
    // What C must hold where, and the sum of the magnitudes that went into it.
    let mut expected = vec![None; c.data.len()];
    for i in 0..m {
        for j in 0..n {
            let (mut sum, mut size, mut int) = (C128::new(0.0, 0.0), 0.0, 0i64);
            for l in 0..k {
                let ((x, xi), (y, yi)) = (a.at(i, l).wide(), b.at(l, j).wide());
                if E::EPS == 0.0 {
                    int = int.wrapping_add(xi.wrapping_mul(yi));
                } else {
                    sum += x * y;
                    size += x.l1_norm() * y.l1_norm();
                }
            }
            (sum, size, int) = (sum * real(alpha), size * real(alpha).norm(), int.wrapping_mul(alpha.int));
            if keep {
                let (x, xi) = before.at(i, j).wide();
                sum += real(beta) * x;
                size += (real(beta) * x).norm();
                int = int.wrapping_add(beta.int.wrapping_mul(xi));
            }
            if bias_kind < 2 {
                let (x, xi) = bias[if bias_kind == 0 { j } else { i }].wide();
                sum += x;
                size += x.norm();
                int = int.wrapping_add(xi);
            }
            expected[c.index(i, j)] = Some((sum, size, int));
        }
    }

    for level in LEVELS {
        c.data.clone_from(&before.data);
        g.c = c.mat();
        run_at(level, &g, false);
        let serial = c.data.clone();
        let same = |data: &[E]| data.iter().zip(&serial).all(|(x, y)| x.bits() == y.bits());
        c.data.clone_from(&before.data);
        g.c = c.mat();
        run_at(level, &g, true);
        assert!(same(&c.data), "threads change bits at {level:?}: {g:?}");
        // SAFETY: as in `run_at`.
        if let Some(packed) = unsafe { (kernels(g.dtype, level.min(simd::best())).pack)(&g) } {
            c.data.clone_from(&before.data);
            run_at(level, &Gemm { c: c.mat(), packed: packed.ptr(), ..g }, (m + n + k) % 2 == 0);
            assert!(same(&c.data), "packing changes bits at {level:?}: {g:?}");
        }
        for (at, expected) in expected.iter().enumerate() {
            let &Some((sum, size, int)) = expected else {
                assert!(c.data[at].bits() == before.data[at].bits(), "wrote outside C at {level:?}: {g:?}");
                continue;
            };
            let (got, got_int) = c.data[at].wide();
            if E::EPS == 0.0 {
                let modulo = |x: i64| {
                    if E::DTYPE.size() == 8 { x } else { x & ((1 << (8 * E::DTYPE.size())) - 1) }
                };
                assert_eq!(modulo(got_int), modulo(int), "element {at} at {level:?}: {g:?}");
            } else {
                // Halves are rounded once, from an f32 sum.
                let eps = if E::DTYPE.is_half() { 6e-8 } else { E::EPS };
                let denormal = if E::DTYPE == DType::F16 { 3e-8 } else { 1e-37 };
                let bound = size * eps * (k as f64 + 8.0) + got.norm() * E::EPS + denormal;
                assert!(
                    (got - sum).norm() <= bound,
                    "element {at}: {got} for {sum}, bound {bound:e}, {level:?}: {g:?}"
                );
            }
        }
    }
}

fn check_all<E: Value>() {
    let sizes = [0, 1, 1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 28, 31, 32, 33, 47, 64, 65, 100];
    let mut r = Rng(0x9e37_79b9_7f4a_7c15 ^ E::DTYPE as u64);
    for _ in 0..120 {
        let shape = (r.pick(&sizes), r.pick(&sizes), r.pick(&sizes));
        check::<E>(&mut r, shape);
    }
    // Several blocks of k, of rows per task and of columns; skinny ones with several tasks.
    for shape in [(130, 150, 1700), (300, 70, 400), (40, 2100, 30), (3, 700, 900), (900, 5, 300), (1, 1, 9001)] {
        check::<E>(&mut r, shape);
        check::<E>(&mut r, shape);
    }
}

macro_rules! by_dtype {
    ($($name:ident $t:ty;)+) => { $(#[test]
    fn $name() {
        check_all::<$t>();
    })+ };
}
by_dtype! {
    f32_products f32; f64_products f64; f16_products f16; bf16_products bf16; c64_products C64; c128_products C128;
    u8_products u8; i8_products i8; u16_products u16; i16_products i16; u32_products u32; i32_products i32;
    u64_products u64; i64_products i64;
}

#[test]
fn nan_and_infinity_pass_through() {
    for level in LEVELS {
        for n in [1usize, 20, 64] {
            let mut a = vec![0f32; n * n];
            let (b, mut c) = (vec![1f32; n * n], vec![0f32; n * n]);
            a[0] = f32::INFINITY;
            a[n * n - 1] = if n > 1 { f32::NAN } else { f32::INFINITY };
            let at = |v: &[f32]| Mat::new(v.as_ptr(), n as isize, 1);
            let mut g = Gemm::new(DType::F32, (n, n, n), at(&a), at(&b), Mat::new(c.as_mut_ptr(), n as isize, 1));
            run_at(level, &g, false);
            assert!(c[..n].iter().all(|x| *x == f32::INFINITY));
            assert!(n == 1 || c[n * (n - 1)..].iter().all(|x| x.is_nan()));
            // An alpha of 0 does not read the operands.
            g.alpha = Factor::ZERO;
            run_at(level, &g, false);
            assert!(c.iter().all(|x| *x == 0.0));
        }
    }
}

#[test]
fn bf16_results_round_to_nearest_even() {
    let mut r = Rng(17);
    let special = [f32::NAN, f32::INFINITY, -0.0, 1e-40, -3e-39, f32::MAX, 1.003_906_2, 1.011_718_8];
    for level in LEVELS {
        let x: Vec<f32> =
            (0..300).map(|i| special.get(i).copied().unwrap_or(f32::from_bits(r.next() as u32))).collect();
        let (lo, hi): (Vec<bf16>, Vec<bf16>) = x.iter().map(|&x| split(x)).unzip();
        let b = [lo.as_slice(), &hi].concat();
        let (a, mut c) = ([bf16::ONE; 2], vec![bf16::ZERO; 300]);
        let mat = |p: *const bf16| Mat::new(p, 300, 1);
        let g = Gemm::new(DType::BF16, (1, 300, 2), mat(a.as_ptr()), mat(b.as_ptr()), mat(c.as_mut_ptr()));
        run_at(level, &g, false);
        for (i, c) in c.iter().enumerate() {
            let want = bf16::from_f32(lo[i].to_f32() + hi[i].to_f32());
            assert!(c.to_bits() == want.to_bits() || c.is_nan() && want.is_nan(), "{c:e} for {want:e} at {level:?}");
        }
    }
}

/// Two bf16 whose sum has more digits than one.
fn split(x: f32) -> (bf16, bf16) {
    let hi = bf16::from_bits((x.to_bits() >> 16) as u16);
    (bf16::from_f32(x - hi.to_f32()), hi)
}

#[test]
fn batches_equal_single_products() {
    let mut r = Rng(7);
    for (batch, m, n, k) in [(0, 3, 3, 3), (1, 5, 6, 7), (5, 9, 10, 11), (40, 12, 8, 16), (3, 1, 64, 64), (4, 20, 0, 3)]
    {
        for (share_a, share_b) in [(false, false), (true, false), (false, true), (true, true)] {
            let random = |r: &mut Rng, n: usize| (0..n).map(|_| r.unit() as f32).collect::<Vec<_>>();
            let (a, b) = (random(&mut r, batch * m * k + 1), random(&mut r, batch * k * n + 1));
            let mut c = vec![f32::NAN; batch * m * n + 1];
            let (sa, sb) = (if share_a { 0 } else { m * k }, if share_b { 0 } else { k * n });
            let mat = |p: *const f32, ld: usize| Mat::new(p, ld as isize, 1);
            let g = Gemm::new(DType::F32, (m, n, k), mat(a.as_ptr(), k), mat(b.as_ptr(), n), mat(c.as_mut_ptr(), n));
            // SAFETY: the vectors hold `batch` matrices each.
            unsafe { batched(&g, batch, (sa as isize, sb as isize, (m * n) as isize)) };
            for (i, &c) in c[..batch * m * n].iter().enumerate() {
                let (x, y, z) = (i / (m * n), i % (m * n) / n, i % n);
                let term = |l: usize| a[x * sa + y * k + l] as f64 * b[x * sb + l * n + z] as f64;
                let want: f64 = (0..k).map(term).sum();
                assert!((c as f64 - want).abs() < 1e-5, "{batch} {m} {n} {k}: {c} for {want}");
            }
            assert!(c[batch * m * n].is_nan());
        }
    }
}

#[test]
fn dot_and_gemv() {
    let x: Vec<f64> = (0..5000).map(|i| (i % 7) as f64).collect();
    let y: Vec<f64> = (0..5000).map(|i| (i % 5) as f64 - 2.0).collect();
    let at = |v: &[f64], i: usize| v[i..].as_ptr() as *const u8;
    for (n, incx, incy) in [(0, 1, 1), (1, 1, 1), (5000, 1, 1), (4999, 1, -1), (1000, 5, -3), (100, 0, 2)] {
        let start = |inc: isize| if inc < 0 { 4999 } else { 0usize };
        let mut out = f64::NAN;
        let (px, py) = ((at(&x, start(incx)), incx), (at(&y, start(incy)), incy));
        // SAFETY: the increments stay inside the vectors.
        unsafe { dot(DType::F64, n, px, py, (&raw mut out).cast()) };
        let get = |v: &[f64], inc: isize, i: usize| v[(start(inc) as isize + inc * i as isize) as usize];
        assert_eq!(out, (0..n).map(|i| get(&x, incx, i) * get(&y, incy, i)).sum::<f64>(), "{n} {incx} {incy}");
    }
    for (rs, cs) in [(60isize, 1isize), (1, 50)] {
        let mut out = vec![1.0f64; 150];
        // SAFETY: 50 x 60 elements of x, 60 of y, 50 results 3 apart.
        unsafe {
            let (a, out) = (Mat::new(x.as_ptr(), rs, cs), (out.as_mut_ptr().cast(), 3));
            gemv(DType::F64, (50, 60), Factor::real(2.0), a, (at(&y, 0), 2), Factor::int(3), out);
        }
        for i in 0..50 {
            let term = |k: usize| x[(i as isize * rs + k as isize * cs) as usize] * y[2 * k];
            assert_eq!(out[3 * i], 2.0 * (0..60).map(term).sum::<f64>() + 3.0);
            assert_eq!(out[3 * i + 1], 1.0);
        }
    }
}

#[test]
fn thread_counts_change_no_bit() {
    let mut r = Rng(11);
    for (m, n, k) in [(300, 500, 700), (64, 64, 4000), (2000, 40, 64), (1, 5000, 400), (10, 900, 300), (5, 4000, 64)] {
        let random = |r: &mut Rng, n: usize| (0..n).map(|_| r.unit() as f32).collect::<Vec<_>>();
        let (a, b) = (random(&mut r, m * k), random(&mut r, k * n));
        for (rs, cs) in [(n as isize, 1), (1, k as isize)] {
            let mut results = [1, 2, 3, 4].map(|threads| {
                parallel::set_num_threads(threads);
                let mut c = vec![f32::NAN; m * n];
                let (a, b) = (Mat::new(a.as_ptr(), k as isize, 1), Mat::new(b.as_ptr(), rs, cs));
                let g = Gemm::new(DType::F32, (m, n, k), a, b, Mat::new(c.as_mut_ptr(), n as isize, 1));
                // SAFETY: the vectors hold the operands.
                unsafe { gemm(&g) };
                c.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            });
            let last = results[3].split_off(0);
            assert!(results[..3].iter().all(|c| *c == last), "{m} x {n} x {k}");
        }
    }
}

#[test]
fn without_scratch_memory() {
    let mut r = Rng(13);
    let (m, n, k) = (5, 9, 70);
    let mut operands = || (0..n * k).map(|_| r.unit() as f32).collect::<Vec<_>>();
    let (a, b) = (operands(), operands());
    let (mut c, mut d) = (vec![1f32; m * n], vec![1f32; m * n]);
    let mat = |p: *const f32, ld: usize| Mat::new(p, ld as isize, 1);
    let mut g = Gemm::new(DType::F32, (m, n, k), mat(a.as_ptr(), k), mat(b.as_ptr(), n), mat(c.as_mut_ptr(), n));
    (g.alpha, g.beta, g.bias) = (Factor::int(2), Factor::int(3), Bias::PerColumn(b.as_ptr().cast()));
    // SAFETY: the vectors hold the operands; the portable lanes are always there.
    unsafe {
        gemm(&g);
        g.c = mat(d.as_mut_ptr(), n);
        block::plain_loops::<pack::Plain<lanes::F32x4, f32>>(&block::Problem::new(&g));
    }
    assert!(c.iter().zip(&d).all(|(x, y)| (x - y).abs() < 1e-4), "{c:?} {d:?}");
}
