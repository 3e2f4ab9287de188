//! QR factorisation by Householder reflections, with LAPACK's signs: R's diagonal is real, of the sign opposite to what
//! stood there (Golub & Van Loan, Matrix Computations, section 5.1; blocks: Schreiber & Van Loan 1989).

use super::{Field, View, axpy, dotc, one, product, zero};
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
    let work = [m * BLOCK, m * BLOCK, BLOCK * n, BLOCK * n, BLOCK * BLOCK, BLOCK * BLOCK];
    let scratch = Scratch::<T>::new(work.iter().sum())?;
    let mut p = scratch.ptr();
    let [v, vc, w, tw, gram, t] = work.map(|len| {
        let start = p;
        p = p.wrapping_add(len);
        start
    });
    for j in (0..k).step_by(BLOCK) {
        let b = BLOCK.min(k - j);
        let panel = a.sub(j, j, m - j, b);
        reflect_columns(panel, tau.add(j));
        if j + b >= n {
            break;
        }
        let rest = a.sub(j, j + b, m - j, n - j - b);
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
        let t = triangle_of(gram, tau.add(j), View::columns(t, b, b));
        // rest = (I - V T V^H)^H rest
        let (w, tw) = (View::columns(w, b, rest.n), View::columns(tw, b, rest.n));
        product(w, 1.0, vc.t(), rest, 0.0);
        t.conjugate();
        product(tw, 1.0, t.t(), w, 0.0);
        product(rest, -1.0, v, tw, 1.0);
    }
    Ok(())
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
    let part = |i: usize| (*x.add(i)).wide();
    // Scaled by the largest magnitude, so that squares neither overflow nor vanish.
    let scale = (0..len).fold(0.0f64, |s, i| s.max(part(i).re.abs()).max(part(i).im.abs()));
    if scale == 0.0 && a.im == 0.0 && (0..len).all(|i| part(i) == C128::new(0.0, 0.0)) {
        return zero();
    }
    let scale = scale.max(a.re.abs()).max(a.im.abs());
    let safe = if scale.is_finite() && scale > 0.0 { scale } else { 1.0 };
    let tail: f64 = (0..len).map(|i| (part(i) / safe).norm_sqr()).sum();
    let norm = safe * ((a / safe).norm_sqr() + tail).sqrt();
    let beta = -norm.copysign(a.re);
    let tau = C128::new((beta - a.re) / beta, -a.im / beta);
    let lead = T::of(a - C128::new(beta, 0.0));
    for i in 0..len {
        *x.add(i) = *x.add(i) / lead;
    }
    *alpha = T::of(C128::new(beta, 0.0));
    T::of(tau)
}
