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
    let work = Work::new(m, n)?;
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
/// `of_identity`: c is the identity, or its first columns, and Q itself is wanted.
///
/// # Safety
/// Columns of `a` are contiguous, `tau` has k numbers, `c` has as many rows as `a`; the folder's contract.
pub unsafe fn apply<T: Field>(
    a: View<T>,
    (tau, k): (*const T, usize),
    c: View<T>,
    adjoint: bool,
    of_identity: bool,
) -> Result<()> {
    let work = Work::new(a.m, c.n)?;
    let blocks = k.div_ceil(BLOCK);
    for s in 0..blocks {
        let j = BLOCK * if adjoint { s } else { blocks - 1 - s };
        let b = BLOCK.min(k - j);
        // The last blocks leave the first columns of the identity alone.
        let first = if of_identity { j.min(c.n) } else { 0 };
        let rest = c.sub(j, first, c.m - j, c.n - first);
        if rest.n > 0 {
            work.reflect(a.sub(j, j, a.m - j, b), tau.add(j), rest, adjoint);
        }
    }
    Ok(())
}

/// Memory for the products of one block of reflections.
struct Work<T> {
    _scratch: Scratch<T>,
    /// V, its conjugate, V^H times a matrix, T times that, V^H V, T.
    parts: [*mut T; 6],
}

impl<T: Field> Work<T> {
    /// For matrices of m rows and n columns.
    fn new(m: usize, n: usize) -> Result<Self> {
        let sizes = [m * BLOCK, m * BLOCK, BLOCK * n, BLOCK * n, BLOCK * BLOCK, BLOCK * BLOCK];
        let scratch = Scratch::<T>::new(sizes.iter().sum())?;
        let mut p = scratch.ptr();
        let parts = sizes.map(|len| {
            let start = p;
            p = p.wrapping_add(len);
            start
        });
        Ok(Work { _scratch: scratch, parts })
    }

    /// `rest = (I - V T V^H) rest`, or its adjoint, for the reflections of a panel.
    unsafe fn reflect(&self, panel: View<T>, tau: *const T, rest: View<T>, adjoint: bool) {
        let [v, vc, w, tw, gram, t] = self.parts;
        let b = panel.n;
        let v = unit_lower(panel, v);
        let vc = if T::COMPLEX {
            let copy = View::columns(vc, v.m, b);
            copy.copy_conj(v);
            copy
        } else {
            v
        };
        let gram = View::columns(gram, b, b);
        product(gram, 1.0, vc.t(), v, 0.0);
        let mut t = triangle_of(gram, tau, View::columns(t, b, b));
        if adjoint {
            t.conjugate();
            t = t.t();
        }
        let (w, tw) = (View::columns(w, b, rest.n), View::columns(tw, b, rest.n));
        product(w, 1.0, vc.t(), rest, 0.0);
        product(tw, 1.0, t, w, 0.0);
        product(rest, -1.0, v, tw, 1.0);
    }
}

/// The vectors of a panel with their ones and zeros.
unsafe fn unit_lower<T: Field>(panel: View<T>, to: *mut T) -> View<T> {
    let v = View::columns(to, panel.m, panel.n);
    for j in 0..v.n {
        for i in 0..v.m {
            *v.at(i, j) = match i.cmp(&j) {
                std::cmp::Ordering::Less => zero(),
                std::cmp::Ordering::Equal => one(),
                std::cmp::Ordering::Greater => *panel.at(i, j),
            };
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
unsafe fn reflection<T: Field>(alpha: *mut T, x: *mut T, len: usize) -> T {
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
