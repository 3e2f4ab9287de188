//! QR factorisation by Householder reflections, with LAPACK's signs: R's diagonal is real, of the sign opposite to what
//! stood there (Golub & Van Loan, Matrix Computations, section 5.1; blocks: Schreiber & Van Loan 1989).

use super::{Field, View, axpy, divide, dotc, one, product, zero};
use crate::cpu::float::Scratch;
use crate::error::Result;
use crate::tensor::dtype::C128;

/// Reflections that are applied to the columns right of them at once.
const BLOCK: usize = 32;

/// Factorises in place: R in the upper triangle, and below it the vectors v, whose leading 1 is not stored, of the
/// reflections `H_i = I - tau_i v_i v_i^H`, with `a = H_1 H_2 ... R`.
///
/// # Safety
/// Columns of `a` are contiguous, `tau` has room for min(m, n) numbers; the folder's contract.
pub unsafe fn factor<T: Field>(a: View<T>, tau: *mut T) -> Result<()> {
    let (m, n) = (a.m, a.n);
    let k = m.min(n);
    if n <= BLOCK {
        reflect_columns(a, tau);
        return Ok(());
    }
    let work = Work::new(m, k, n)?;
    for j in (0..k).step_by(BLOCK) {
        let b = BLOCK.min(k - j);
        let panel = a.sub(j, j, m - j, b);
        reflect_columns(panel, tau.add(j));
        if j + b < n {
            work.reflect(panel, tau.add(j), a.sub(j, j + b, m - j, n - j - b), true);
        }
    }
    Ok(())
}

/// Multiplies `c` from the left by `Q = H_1 H_2 ... H_k`, or by its adjoint; `a` and `tau` are as [`factor`] leaves them.
///
/// # Safety
/// Columns of `a` are contiguous, `tau` has k numbers, `c` has as many rows as `a`; the folder's contract.
pub unsafe fn apply<T: Field>(a: View<T>, (tau, k): (*const T, usize), c: View<T>, adjoint: bool) -> Result<()> {
    let work = Work::new(a.m, k, c.n)?;
    let blocks = k.div_ceil(BLOCK);
    for s in 0..blocks {
        let j = BLOCK * if adjoint { s } else { blocks - 1 - s };
        let b = BLOCK.min(k - j);
        work.reflect(a.sub(j, j, a.m - j, b), tau.add(j), c.sub(j, 0, c.m - j, c.n), adjoint);
    }
    Ok(())
}

/// Writes the first columns, at least k, of `Q = H_1 H_2 ... H_k` to `q`.
///
/// # Safety
/// As for [`apply`].
pub unsafe fn form<T: Field>(a: View<T>, (tau, k): (*const T, usize), q: View<T>) -> Result<()> {
    if k == 0 {
        q.set_identity();
        return Ok(());
    }
    let work = Work::new(a.m, k, q.n)?;
    let last = (k - 1) / BLOCK * BLOCK;
    q.sub(0, 0, q.m, last).set_identity();
    q.sub(0, last, last, q.n - last).clear();
    for j in (0..=last).rev().step_by(BLOCK) {
        // The first columns of the identity are left alone by these reflections.
        let (panel, rest) = (a.sub(j, j, a.m - j, BLOCK.min(k - j)), q.sub(j, j, q.m - j, q.n - j));
        if j == last {
            work.reflect_identity(panel, tau.add(j), rest);
        } else {
            work.reflect(panel, tau.add(j), rest, false);
        }
    }
    Ok(())
}

/// Memory for the products of one block of reflections.
struct Work<T> {
    _scratch: Scratch<T>,
    /// V's first rows, the conjugate of V, V^H times a matrix, T times that, V^H V, T.
    parts: [*mut T; 6],
}

/// The vectors V of some reflections: a unit lower triangle and what is below it, their conjugates; and T.
struct Reflections<T> {
    top: View<T>,
    below: View<T>,
    top_conj: View<T>,
    below_conj: View<T>,
    t: View<T>,
}

impl<T: Field> Work<T> {
    /// For k reflections of columns of m rows, of which a matrix has n.
    fn new(m: usize, k: usize, n: usize) -> Result<Self> {
        let b = k.min(BLOCK);
        let sizes = [b * b, if T::COMPLEX { m * b } else { 0 }, b * n, b * n, b * b, b * b];
        let scratch = Scratch::<T>::new(sizes.iter().sum())?;
        let mut p = scratch.ptr();
        let parts = sizes.map(|len| {
            let start = p;
            p = p.wrapping_add(len);
            start
        });
        Ok(Work { _scratch: scratch, parts })
    }

    /// The reflections of a panel.
    unsafe fn reflections(&self, panel: View<T>, tau: *const T) -> Reflections<T> {
        let [v, conj, _, _, gram, t] = self.parts;
        let (m, b) = (panel.m, panel.n);
        let (top, below) = (unit_lower(panel, v), panel.sub(b, 0, m - b, b));
        let (mut top_conj, mut below_conj) = (top, below);
        if T::COMPLEX {
            let conj = View::columns(conj, m, b);
            (top_conj, below_conj) = (conj.sub(0, 0, b, b), conj.sub(b, 0, m - b, b));
            top_conj.copy_conj(top);
            below_conj.copy_conj(below);
        }
        let gram = View::columns(gram, b, b);
        product(gram, 1.0, top_conj.t(), top, 0.0);
        product(gram, 1.0, below_conj.t(), below, 1.0);
        Reflections { top, below, top_conj, below_conj, t: triangle_of(gram, tau, View::columns(t, b, b)) }
    }

    /// `rest = (I - V T V^H) rest`, or its adjoint, for the reflections of a panel.
    unsafe fn reflect(&self, panel: View<T>, tau: *const T, rest: View<T>, adjoint: bool) {
        let r = self.reflections(panel, tau);
        let (b, n) = (panel.n, rest.n);
        let mut t = r.t;
        if adjoint {
            t.conjugate();
            t = t.t();
        }
        let (first, others) = (rest.sub(0, 0, b, n), rest.sub(b, 0, rest.m - b, n));
        let (w, tw) = (View::columns(self.parts[2], b, n), View::columns(self.parts[3], b, n));
        product(w, 1.0, r.top_conj.t(), first, 0.0);
        product(w, 1.0, r.below_conj.t(), others, 1.0);
        product(tw, 1.0, t, w, 0.0);
        product(first, -1.0, r.top, tw, 1.0);
        product(others, -1.0, r.below, tw, 1.0);
    }

    /// [`Work::reflect`] of the first columns of the identity, which `rest` need not hold.
    unsafe fn reflect_identity(&self, panel: View<T>, tau: *const T, rest: View<T>) {
        let r = self.reflections(panel, tau);
        let (b, n) = (panel.n, rest.n);
        let tw = View::columns(self.parts[3], b, n);
        product(tw.sub(0, 0, b, b), 1.0, r.t, r.top_conj.t(), 0.0);
        product(tw.sub(0, b, b, n - b), 1.0, r.t, r.below_conj.sub(0, 0, n - b, b).t(), 0.0);
        product(rest.sub(0, 0, b, n), -1.0, r.top, tw, 0.0);
        product(rest.sub(b, 0, rest.m - b, n), -1.0, r.below, tw, 0.0);
        for i in 0..n {
            *rest.at(i, i) += one();
        }
    }
}

/// The first vectors of a panel, with their ones and zeros.
unsafe fn unit_lower<T: Field>(panel: View<T>, to: *mut T) -> View<T> {
    let v = View::columns(to, panel.n, panel.n);
    v.set_identity();
    for j in 0..v.n {
        for i in j + 1..v.m {
            *v.at(i, j) = *panel.at(i, j);
        }
    }
    v
}

/// The upper triangular T of `H_1 ... H_b = I - V T V^H`, from `gram = V^H V`.
unsafe fn triangle_of<T: Field>(gram: View<T>, tau: *const T, t: View<T>) -> View<T> {
    for j in 0..t.n {
        let tj = *tau.add(j);
        for i in 0..t.n {
            *t.at(i, j) = zero();
        }
        // T[..j, j] = -tau_j T[..j, ..j] gram[..j, j]
        for k in 0..j {
            axpy(k + 1, -tj * *gram.at(k, j), t.at(0, k), 1, t.at(0, j), 1);
        }
        *t.at(j, j) = tj;
    }
    t
}

unsafe fn reflect_columns<T: Field>(a: View<T>, tau: *mut T) {
    for j in 0..a.m.min(a.n) {
        let len = a.m - j - 1;
        let below = a.at((j + 1).min(a.m - 1), j);
        let t = reflection(a.at(j, j), below, len);
        *tau.add(j) = t;
        let t = t.conj();
        if t == zero() {
            continue;
        }
        for c in j + 1..a.n {
            let (head, rest) = (a.at(j, c), a.at((j + 1).min(a.m - 1), c));
            let s = t * (*head + dotc(len, below, rest));
            *head -= s;
            axpy(len, -s, below, 1, rest, 1);
        }
    }
}

/// Makes the reflection that maps `[alpha, x]` to `[beta, 0]`: beta and v take their place, tau is returned.
pub(super) unsafe fn reflection<T: Field>(alpha: *mut T, x: *mut T, len: usize) -> T {
    let a = (*alpha).wide();
    let mut tail = squares(len, x, 1.0);
    let mut scale = 1.0;
    // Squares that overflow or vanish are taken again, of numbers scaled by the largest magnitude.
    if !(1e-280..1e280).contains(&(tail + a.norm_sqr())) {
        let part = |i: usize| (*x.add(i)).wide();
        let largest = (0..len).fold(0.0f64, |s, i| s.max(part(i).re.abs()).max(part(i).im.abs()));
        if largest == 0.0 && a.im == 0.0 && (0..len).all(|i| part(i) == C128::new(0.0, 0.0)) {
            return zero();
        }
        let largest = largest.max(a.re.abs()).max(a.im.abs());
        scale = if largest.is_finite() && largest > 0.0 { largest } else { 1.0 };
        tail = squares(len, x, scale);
    } else if tail == 0.0 && a.im == 0.0 && (0..len).all(|i| (*x.add(i)).wide() == C128::new(0.0, 0.0)) {
        return zero();
    }
    let norm = scale * ((a / scale).norm_sqr() + tail).sqrt();
    let beta = -norm.copysign(a.re);
    let tau = C128::new((beta - a.re) / beta, -a.im / beta);
    let lead = T::of(a - C128::new(beta, 0.0));
    divide(len, x, lead);
    *alpha = T::of(C128::new(beta, 0.0));
    T::of(tau)
}

crate::multiversion! {
    /// The sum of `|x / scale|^2` of n elements next to each other, in double, in eight partial sums.
    unsafe fn squares[T: Field](n: usize, x: *const T, scale: f64) -> f64 {
        const LANES: usize = 8;
        let square = |i: usize| {
            let z = (*x.add(i)).wide();
            let (re, im) = (z.re / scale, z.im / scale);
            re * re + im * im
        };
        let mut sums = [0.0; LANES];
        let whole = n / LANES * LANES;
        let mut i = 0;
        while i < whole {
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum += square(i + k);
            }
            i += LANES;
        }
        for (k, sum) in sums.iter_mut().enumerate().take(n - whole) {
            *sum += square(whole + k);
        }
        let [a, b, c, d, e, f, g, h] = sums;
        ((a + b) + (c + d)) + ((e + f) + (g + h))
    }
}
