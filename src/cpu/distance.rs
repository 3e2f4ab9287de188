//! Distances between rows, without the differences in memory.
//!
//! Contract of the `unsafe` code: dispatch has checked that operands are dense, of one dtype, f32 or f64, and that
//! their shapes agree.

use super::index::Ptr;
use super::parallel;
use crate::multiversion;
use crate::tensor::{DType, Strided};

/// Elements that one task reads at least.
const GRAIN: usize = 1 << 14;
/// Accumulators that run side by side, merged as a tree.
const LANES: usize = 16;

trait Real: Copy + Send + Sync + 'static {
    const ZERO: Self;
    const ONE: Self;
    fn of(x: f64) -> Self;
    fn add(self, o: Self) -> Self;
    fn distance(self, o: Self) -> Self;
    fn mul(self, o: Self) -> Self;
    fn max(self, o: Self) -> Self;
    fn pow(self, p: Self) -> Self;
    fn sqrt(self) -> Self;
    fn is_zero(self) -> bool;
}
macro_rules! reals {
    ($($t:ty),+) => { $(impl Real for $t {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        #[inline(always)] fn of(x: f64) -> Self { x as $t }
        #[inline(always)] fn add(self, o: Self) -> Self { self + o }
        #[inline(always)] fn distance(self, o: Self) -> Self { (self - o).abs() }
        #[inline(always)] fn mul(self, o: Self) -> Self { self * o }
        // NaN wins: no comparison with it holds.
        #[inline(always)] fn max(self, o: Self) -> Self { if self >= o || self.is_nan() { self } else { o } }
        #[inline(always)] fn pow(self, p: Self) -> Self { self.powf(p) }
        #[inline(always)] fn sqrt(self) -> Self { <$t>::sqrt(self) }
        #[inline(always)] fn is_zero(self) -> bool { self == 0.0 }
    })+ };
}
reals!(f32, f64);

/// A norm of differences: how an absolute difference joins the total, how totals join, and the last step.
trait Norm<F: Real>: Copy + Send + Sync + 'static {
    fn term(self, d: F) -> F;
    fn join(a: F, b: F) -> F;
    fn finish(self, a: F) -> F;
}

macro_rules! norms {
    ($($name:ident($s:ident, $d:ident) $term:expr, |$a:ident, $b:ident| $join:expr, |$e:ident| $finish:expr;)+) => { $(
        #[derive(Clone, Copy)]
        struct $name<F>(F);
        impl<F: Real> Norm<F> for $name<F> {
            #[inline(always)] fn term(self, $d: F) -> F { let $s = self; let _ = $s.0; $term }
            #[inline(always)] fn join($a: F, $b: F) -> F { $join }
            #[inline(always)] fn finish(self, $e: F) -> F { let $s = self; let _ = $s.0; $finish }
        }
    )+ };
}
norms! {
    Count(s, d) if d.is_zero() { F::ZERO } else { F::ONE }, |a, b| a.add(b), |e| e;
    Sum(s, d) d, |a, b| a.add(b), |e| e;
    Euclid(s, d) d.mul(d), |a, b| a.add(b), |e| e.sqrt();
    Largest(s, d) d, |a, b| a.max(b), |e| e;
    Power(s, d) d.pow(s.0), |a, b| a.add(b), |e| e.pow(s.0.pow(F::of(-1.0)));
}

multiversion! {
    unsafe fn pair[F: Real, N: Norm<F>](norm: N, x: *const F, y: *const F, m: usize) -> F {
        let mut acc = [F::ZERO; LANES];
        let mut i = 0;
        while i + LANES <= m {
            for (j, a) in acc.iter_mut().enumerate() {
                *a = N::join(*a, norm.term((*x.add(i + j)).distance(*y.add(i + j))));
            }
            i += LANES;
        }
        for (j, a) in acc.iter_mut().enumerate().take(m - i) {
            *a = N::join(*a, norm.term((*x.add(i + j)).distance(*y.add(i + j))));
        }
        let mut w = LANES / 2;
        while w > 0 {
            for j in 0..w {
                acc[j] = N::join(acc[j], acc[j + w]);
            }
            w /= 2;
        }
        norm.finish(acc[0])
    }
}

/// p-norm distances between the rows of `x` (.., r1, m) and `y` (.., r2, m), into `out` (.., r1, r2).
pub fn cdist(x: &Strided, y: &Strided, p: f64, out: &Strided) {
    match x.dtype {
        DType::F64 => rows::<f64>(x, y, p, out),
        _ => rows::<f32>(x, y, p, out),
    }
}

fn rows<F: Real>(x: &Strided, y: &Strided, p: f64, out: &Strided) {
    let z = F::ZERO;
    match p {
        0.0 => all(Count(z), x, y, out),
        1.0 => all(Sum(z), x, y, out),
        2.0 => all(Euclid(z), x, y, out),
        f64::INFINITY => all(Largest(z), x, y, out),
        p => all(Power(F::of(p)), x, y, out),
    }
}

fn all<F: Real, N: Norm<F>>(norm: N, x: &Strided, y: &Strided, out: &Strided) {
    let n = x.ndim();
    let (r1, r2, m) = (x.shape[n - 2], y.shape[n - 2], x.shape[n - 1]);
    let batches: usize = x.shape[..n - 2].iter().product();
    let (x, y, out) = (Ptr(x.ptr.cast::<F>()), Ptr(y.ptr.cast::<F>()), Ptr(out.ptr.cast::<F>()));
    parallel::chunks(batches * r1, GRAIN.div_ceil((r2 * m).max(1)), &|range| {
        for i in range {
            for j in 0..r2 {
                // SAFETY: the module's contract; each task writes its own rows.
                unsafe {
                    let d = pair(norm, x.get().add(i * m), y.get().add((i / r1 * r2 + j) * m), m);
                    *out.get().add(i * r2 + j) = d;
                }
            }
        }
    });
}
