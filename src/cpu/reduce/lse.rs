//! log(sum(exp(x))) in one pass.

use super::super::load;
use super::fold::{Fold, NARROW, Plan, run};
use super::kinds::{Arith, Order, better};
use crate::multiversion;
use crate::tensor::{DType, Strided};
use std::marker::PhantomData;

/// A maximum `top` and the sum of `exp(x - top)`.
#[derive(Clone, Copy)]
struct Scaled<F> {
    top: F,
    sum: F,
}

trait Real: Arith + Order {
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    fn sub(self, o: Self) -> Self;
    fn infinite(self) -> bool;
}
macro_rules! reals {
    ($($t:ty, $exp:expr);+) => { $(impl Real for $t {
        #[inline(always)] fn exp(self) -> Self { $exp(self) }
        #[inline(always)] fn ln(self) -> Self { <$t>::ln(self) }
        #[inline(always)] fn sub(self, o: Self) -> Self { self - o }
        #[inline(always)] fn infinite(self) -> bool { self.is_infinite() }
    })+ };
}
reals!(f32, exp_f32; f64, f64::exp);

/// exp of x <= 0 without a branch: x = k ln 2 + r, |r| <= ln(2)/2, exp(r) by its Taylor series to r^7 (remainder below
/// 2^-31 relative).
#[inline(always)]
fn exp_f32(x: f32) -> f32 {
    let x = if x < -104.0 { -104.0 } else { x };
    // Adding 1.5 * 2^23 rounds to an integer in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    let t = x * std::f32::consts::LOG2_E + MAGIC;
    let k = t - MAGIC;
    // ln 2 in two parts; the first has few bits, so that k times it is exact.
    let r = (x - k * 0.693_359_4) - k * -2.121_944_4e-4;
    let mut p = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = p * r + c;
    }
    // 2^k in two factors, so that results below the normal range come out right.
    let k = t.to_bits().wrapping_sub(MAGIC.to_bits()) as i32;
    let half = k >> 1;
    let pow = |e: i32| f32::from_bits(((e + 127) << 23) as u32);
    p * pow(half) * pow(k - half)
}

#[inline(always)]
fn max<F: Real>(a: F, b: F) -> F {
    better::<F, true>(a, b)
}

const LANES: usize = 32;

/// The last elements of a row, filled up with what neither the maximum nor the sum notices.
#[inline(always)]
unsafe fn rest<F: Real>(x: *const F, n: usize) -> [F; LANES] {
    let mut r = [F::WORST_MAX; LANES];
    for (j, r) in r.iter_mut().enumerate().take(n) {
        // SAFETY: the caller's contract.
        *r = unsafe { *x.add(j) };
    }
    r
}

multiversion! {
    unsafe fn block[F: Real](x: *const F, n: usize) -> Scaled<F> {
        let whole = n / LANES * LANES;
        let rest = rest(x.add(whole), n - whole);
        let mut tops = rest;
        let mut i = 0;
        while i < whole {
            for j in 0..LANES {
                tops[j] = max(tops[j], *x.add(i + j));
            }
            i += LANES;
        }
        let mut top = tops[0];
        for &t in &tops[1..] {
            top = max(top, t);
        }
        // Infinite maxima would give inf - inf.
        let base = if top.infinite() { F::ZERO } else { top };
        let mut sums = [F::ZERO; LANES];
        i = 0;
        while i < whole {
            for j in 0..LANES {
                sums[j] = sums[j].add((*x.add(i + j)).sub(base).exp());
            }
            i += LANES;
        }
        if whole < n {
            for j in 0..LANES {
                sums[j] = sums[j].add(rest[j].sub(base).exp());
            }
        }
        let narrow = std::array::from_fn(|j| sums[j].add(sums[j + NARROW]));
        Scaled { top, sum: F::sum16(&narrow) }
    }
}

#[inline(always)]
fn join<F: Real>(a: Scaled<F>, b: Scaled<F>) -> Scaled<F> {
    let top = max(a.top, b.top);
    let base = if top.infinite() { F::ZERO } else { top };
    let scale = |s: Scaled<F>| {
        if s.sum > F::ZERO || s.sum.is_nan() { s.sum.mul(s.top.sub(base).exp()) } else { F::ZERO }
    };
    Scaled { top, sum: scale(a).add(scale(b)) }
}

multiversion! {
    unsafe fn columns[F: Real](x: *const F, stride: isize, m: usize, w: usize, acc: *mut Scaled<F>) {
        let line = |r: usize| x.cast::<u8>().offset(r as isize * stride).cast::<F>();
        let mut tops = [F::WORST_MAX; super::fold::TILE];
        let mut sums = [F::ZERO; super::fold::TILE];
        for j in 0..w {
            tops[j] = (*acc.add(j)).top;
        }
        for r in 0..m {
            let p = line(r);
            for j in 0..w {
                tops[j] = max(tops[j], *p.add(j));
            }
        }
        for j in 0..w {
            let a = *acc.add(j);
            let base = if tops[j].infinite() { F::ZERO } else { tops[j] };
            sums[j] = if a.sum > F::ZERO { a.sum.mul(a.top.sub(base).exp()) } else { a.sum };
        }
        for r in 0..m {
            let p = line(r);
            for j in 0..w {
                let base = if tops[j].infinite() { F::ZERO } else { tops[j] };
                sums[j] = sums[j].add((*p.add(j)).sub(base).exp());
            }
        }
        for j in 0..w {
            *acc.add(j) = Scaled { top: tops[j], sum: sums[j] };
        }
    }
}

#[derive(Clone, Copy)]
struct Lse<F>(DType, PhantomData<F>);

impl<F: Real> Fold for Lse<F> {
    type T = F;
    type A = Scaled<F>;
    #[inline(always)]
    fn init(self) -> Scaled<F> {
        Scaled { top: F::WORST_MAX, sum: F::ZERO }
    }
    #[inline(always)]
    fn merge(self, a: Scaled<F>, b: Scaled<F>) -> Scaled<F> {
        join(a, b)
    }
    unsafe fn row(self, x: *const F, n: usize) -> Scaled<F> {
        // SAFETY: the folder's contract (see `fold`).
        unsafe { block(x, n) }
    }
    unsafe fn tile(self, x: *const F, stride: isize, m: usize, w: usize, acc: *mut Scaled<F>) {
        // SAFETY: as above.
        unsafe { columns(x, stride, m, w, acc) }
    }
    unsafe fn store(self, acc: *const Scaled<F>, n: usize, out: [*mut u8; 2], stride: [isize; 2]) {
        for i in 0..n {
            // SAFETY: as above.
            unsafe {
                let s = *acc.add(i);
                let y = if s.top.infinite() || s.top.is_nan() { s.top } else { s.top.add(s.sum.ln()) };
                F::put_all(&y, 1, out[0].offset(i as isize * stride[0]), 0, self.0);
            }
        }
    }
}

/// log(sum(exp(x))) of a floating `x` over the dims where `out` has extent 1 and `x` has not.
pub fn logsumexp(x: &Strided, out: &Strided) {
    if x.dtype == DType::F64 {
        run(Lse::<f64>(out.dtype, PhantomData), &Plan::new(x, &[out], load::loader::<f64>(x.dtype), true));
    } else {
        let plan = Plan::new(x, &[out], load::loader::<f32>(x.dtype), x.dtype == DType::F32);
        run(Lse::<f32>(out.dtype, PhantomData), &plan);
    }
}
