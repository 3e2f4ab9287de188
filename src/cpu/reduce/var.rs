//! Variance and mean: two passes over blocks that stay in cache, blocks merged by the rule of Chan, Golub and LeVeque
//! (1979, "Updating formulae and a pairwise algorithm for computing sample variances", equation 2.1) in f64.

use super::super::load;
use super::fold::{Fold, NARROW, Plan, TILE, run};
use super::kinds::Arith;
use crate::multiversion;
use crate::tensor::{DType, Strided};
use std::marker::PhantomData;

/// Count, mean and sum of squared deviations.
#[derive(Clone, Copy)]
struct Moments {
    n: f64,
    mean: f64,
    m2: f64,
}

trait Real: Arith + Into<f64> {
    fn of_f64(x: f64) -> Self;
    fn sub(self, o: Self) -> Self;
}
macro_rules! reals {
    ($($t:ty),+) => { $(impl Real for $t {
        #[inline(always)] fn of_f64(x: f64) -> Self { x as $t }
        #[inline(always)] fn sub(self, o: Self) -> Self { self - o }
    })+ };
}
reals!(f32, f64);

const LANES: usize = 32;

/// 32 accumulators as 16.
#[inline(always)]
fn halve<F: Real>(a: [F; LANES]) -> [F; NARROW] {
    std::array::from_fn(|j| a[j].add(a[j + NARROW]))
}

/// Joins the sums of deviations `d` and of their squares `q` around `pivot` into moments. The second term removes
/// what the rounding of the pivot added.
#[inline(always)]
fn moments(n: f64, pivot: f64, d: f64, q: f64) -> Moments {
    Moments { n, mean: pivot + d / n, m2: (q - d * d / n).max(0.0) + if q.is_nan() { q } else { 0.0 } }
}

multiversion! {
    unsafe fn block[F: Real](x: *const F, n: usize) -> Moments {
        let whole = n / LANES * LANES;
        // Wide accumulators are indexed by constants alone, so that they stay in registers.
        let mut wide = [F::ZERO; LANES];
        let mut i = 0;
        while i < whole {
            for j in 0..LANES {
                wide[j] = wide[j].add(*x.add(i + j));
            }
            i += LANES;
        }
        let mut s = halve(wide);
        for k in whole..n {
            s[k % NARROW] = s[k % NARROW].add(*x.add(k));
        }
        let pivot = F::of_f64(F::sum16(&s).into() / n as f64);
        let (mut wide_d, mut wide_q) = ([F::ZERO; LANES], [F::ZERO; LANES]);
        i = 0;
        while i < whole {
            for j in 0..LANES {
                let e = (*x.add(i + j)).sub(pivot);
                wide_d[j] = wide_d[j].add(e);
                wide_q[j] = wide_q[j].add(e.mul(e));
            }
            i += LANES;
        }
        let (mut d, mut q) = (halve(wide_d), halve(wide_q));
        for k in whole..n {
            let e = (*x.add(k)).sub(pivot);
            d[k % NARROW] = d[k % NARROW].add(e);
            q[k % NARROW] = q[k % NARROW].add(e.mul(e));
        }
        moments(n as f64, pivot.into(), F::sum16(&d).into(), F::sum16(&q).into())
    }
}

multiversion! {
    unsafe fn columns[F: Real](x: *const F, stride: isize, m: usize, w: usize, acc: *mut Moments) {
        let line = |r: usize| x.cast::<u8>().offset(r as isize * stride).cast::<F>();
        let mut pivot = [F::ZERO; TILE];
        let (mut d, mut q) = ([F::ZERO; TILE], [F::ZERO; TILE]);
        for r in 0..m {
            let p = line(r);
            for j in 0..w {
                pivot[j] = pivot[j].add(*p.add(j));
            }
        }
        for v in &mut pivot[..w] {
            *v = F::of_f64((*v).into() / m as f64);
        }
        for r in 0..m {
            let p = line(r);
            for j in 0..w {
                let e = (*p.add(j)).sub(pivot[j]);
                d[j] = d[j].add(e);
                q[j] = q[j].add(e.mul(e));
            }
        }
        for j in 0..w {
            let b = moments(m as f64, pivot[j].into(), d[j].into(), q[j].into());
            *acc.add(j) = join(*acc.add(j), b);
        }
    }
}

#[inline(always)]
fn join(a: Moments, b: Moments) -> Moments {
    let n = a.n + b.n;
    if a.n == 0.0 {
        return b;
    }
    if b.n == 0.0 {
        return a;
    }
    let delta = b.mean - a.mean;
    Moments { n, mean: a.mean + delta * (b.n / n), m2: a.m2 + b.m2 + delta * delta * (a.n * b.n / n) }
}

#[derive(Clone, Copy)]
struct Var<F> {
    correction: f64,
    root: bool,
    /// Which of the two outputs is which: variance, mean.
    place: [Option<usize>; 2],
    dtype: DType,
    real: PhantomData<F>,
}

impl<F: Real> Fold for Var<F> {
    type T = F;
    type A = Moments;
    #[inline(always)]
    fn init(self) -> Moments {
        Moments { n: 0.0, mean: 0.0, m2: 0.0 }
    }
    #[inline(always)]
    fn merge(self, a: Moments, b: Moments) -> Moments {
        join(a, b)
    }
    unsafe fn row(self, x: *const F, n: usize) -> Moments {
        // SAFETY: the folder's contract (see `fold`).
        unsafe { block(x, n) }
    }
    unsafe fn tile(self, x: *const F, stride: isize, m: usize, w: usize, acc: *mut Moments) {
        // SAFETY: as above.
        unsafe { columns(x, stride, m, w, acc) }
    }
    unsafe fn store(self, acc: *const Moments, n: usize, out: [*mut u8; 2], stride: [isize; 2]) {
        for i in 0..n as isize {
            // SAFETY: as above.
            unsafe {
                let m = *acc.offset(i);
                if let Some(o) = self.place[0] {
                    // A divisor below zero counts as zero, as in torch.
                    let v = m.m2 / (m.n - self.correction).max(0.0);
                    let v = F::of_f64(if self.root { v.sqrt() } else { v });
                    F::put_all(&v, 1, out[o].offset(i * stride[o]), 0, self.dtype);
                }
                if let Some(o) = self.place[1] {
                    let v = F::of_f64(if m.n == 0.0 { f64::NAN } else { m.mean });
                    F::put_all(&v, 1, out[o].offset(i * stride[o]), 0, self.dtype);
                }
            }
        }
    }
}

/// Variance (its root if `root`) with divisor `n - correction`, and mean, of a real floating `x`. The outputs have the
/// dims of `x`, extent 1 where reduced, and its dtype (both the same); at least one must be given.
///
/// For complex input, call it for the real and the imaginary parts and add the variances.
pub fn var_mean(x: &Strided, correction: f64, root: bool, var: Option<&Strided>, mean: Option<&Strided>) {
    let outs: smallvec::SmallVec<[&Strided; 2]> = var.into_iter().chain(mean).collect();
    let Some(first) = outs.first() else { return };
    let place = [var.map(|_| 0), mean.map(|_| var.is_some() as usize)];
    let dtype = first.dtype;
    if x.dtype == DType::F64 {
        let plan = Plan::new(x, &outs, load::loader::<f64>(x.dtype), true);
        run(Var::<f64> { correction, root, place, dtype, real: PhantomData }, &plan);
    } else {
        let plan = Plan::new(x, &outs, load::loader::<f32>(x.dtype), x.dtype == DType::F32);
        run(Var::<f32> { correction, root, place, dtype, real: PhantomData }, &plan);
    }
}
