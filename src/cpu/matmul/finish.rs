//! From sums to results: factors, what C held, bias, rounding to the element type.

use super::isa::Work;
use super::lanes::{Lane, MAX_W};
use super::num::{Num, Source};

/// `c = alpha * (part + sums) + beta * c + bias` on a rectangle.
pub(super) struct Finish<L: Lane, E> {
    /// Sums, rows `ld` apart and readable in whole vectors.
    pub sums: *const L::T,
    pub ld: usize,
    /// The sums of earlier blocks of k, rows `part_ld` apart, readable likewise; or null.
    pub part: *const L::T,
    pub part_ld: usize,
    pub rows: usize,
    pub cols: usize,
    /// The results.
    pub c: *mut E,
    pub c_rs: isize,
    pub c_cs: isize,
    pub alpha: L::T,
    pub beta: L::T,
    /// The bias as a matrix with a stride of 0, or null.
    pub bias: *const E,
    pub bias_rs: isize,
    pub bias_cs: isize,
}

/// `n` elements `stride` apart as a vector.
#[inline(always)]
unsafe fn gather<L: Lane<T = E::T>, E: Source>(p: *const E, stride: isize, n: usize) -> L::V {
    if stride == 1 && n == L::W {
        return E::load::<L>(p);
    }
    if stride == 1 {
        return E::load_part::<L>(p, n);
    }
    let mut t = [E::T::ZERO; MAX_W];
    for (i, t) in t.iter_mut().enumerate().take(n) {
        *t = (*p.offset(i as isize * stride)).widen();
    }
    L::load(t.as_ptr())
}

impl<L: Lane<T = E::T>, E: Source> Work for Finish<L, E> {
    #[inline(always)]
    unsafe fn run(self) {
        // Most products need rounding alone, and are slowed down by questions about the rest.
        let sums_alone = self.part.is_null() && self.bias.is_null() && self.beta == E::T::ZERO;
        if sums_alone && self.alpha == E::T::ONE && self.c_cs == 1 && self.cols.is_multiple_of(L::W) {
            for i in 0..self.rows {
                let (sums, c) = (self.sums.add(i * self.ld), self.c.offset(i as isize * self.c_rs));
                for j in (0..self.cols).step_by(L::W) {
                    E::store::<L>(c.add(j), L::load(sums.add(j)));
                }
            }
            return;
        }
        for i in 0..self.rows {
            for j in (0..self.cols).step_by(L::W) {
                let n = L::W.min(self.cols - j);
                let mut v = L::load(self.sums.add(i * self.ld + j));
                if !self.part.is_null() {
                    v = L::add(L::load(self.part.add(i * self.part_ld + j)), v);
                }
                // A complex infinity times 1 + 0i would turn into NaN.
                if self.alpha != E::T::ONE {
                    v = L::mul(v, L::splat(self.alpha));
                }
                let c = self.c.offset(i as isize * self.c_rs + j as isize * self.c_cs);
                if self.beta != E::T::ZERO {
                    let mut old = gather::<L, E>(c, self.c_cs, n);
                    if self.beta != E::T::ONE {
                        old = L::mul(old, L::splat(self.beta));
                    }
                    v = L::add(old, v);
                }
                if !self.bias.is_null() {
                    let bias = self.bias.offset(i as isize * self.bias_rs + j as isize * self.bias_cs);
                    v = L::add(v, gather::<L, E>(bias, self.bias_cs, n));
                }
                if self.c_cs == 1 && n == L::W {
                    E::store::<L>(c, v);
                } else {
                    let mut t = [E::narrow(E::T::ZERO); MAX_W];
                    E::store::<L>(t.as_mut_ptr(), v);
                    for (x, t) in t.iter().enumerate().take(n) {
                        *c.offset(x as isize * self.c_cs) = *t;
                    }
                }
            }
        }
    }
}
