//! Small real symmetric matrices: Householder's reduction to tridiagonal form (Golub & Van Loan, Matrix Computations,
//! section 8.3), and eigenvalues without vectors by the QL method without square roots of Pal, Walker & Kahan (Parlett,
//! The Symmetric Eigenvalue Problem, section 8.15), in double.

use super::{Field, View, axpy, dotc, one, qr, zero};
use crate::cpu::float::Scratch;
use crate::error::Result;
use crate::tensor::DType;

/// Bytes of a matrix that stays in L2 while the reduction goes over it again and again.
const MOST: usize = 1 << 20;
/// Rows, and columns, that the matrix is filled up to a multiple of with zeros.
const LANES: usize = 16;
/// Columns that are updated at once.
const SIDE: usize = 4;

/// Is a matrix of `n` rows small enough?
pub fn suits<T: Field>(n: usize) -> bool {
    let n = n.next_multiple_of(LANES);
    !T::COMPLEX && n * n * size_of::<T>() <= MOST
}

/// `A = Q T Q^T`, T tridiagonal.
pub struct Reduction<T: Field> {
    _scratch: Scratch<T>,
    a: View<T>,
    tau: *mut T,
    /// The diagonal of T.
    pub diagonal: Vec<f64>,
    /// What stands beside it, and a zero.
    pub off: Vec<f64>,
}

impl<T: Field> Reduction<T> {
    /// Reduces the symmetric n x n matrix that `fill` writes, both triangles.
    ///
    /// # Safety
    /// T is real; `fill` stays within the folder's contract.
    pub unsafe fn new(n: usize, fill: impl FnOnce(View<T>)) -> Result<Self> {
        let size = n.next_multiple_of(LANES);
        let scratch = Scratch::<T>::new(size * (size + 5))?;
        // Zero is zero bytes in every field.
        scratch.ptr().write_bytes(0, size * (size + 5));
        let a = View::new(scratch.ptr(), (n, n), (1, size as isize));
        fill(a);
        let (work, tau) = (scratch.ptr().add(size * size), scratch.ptr().add(size * (size + 4)));
        let (mut diagonal, mut off) = (vec![0.0; n], vec![0.0; n]);
        reduce(a, size, work, tau, &mut diagonal, &mut off);
        Ok(Reduction { _scratch: scratch, a, tau, diagonal, off })
    }

    /// Multiplies `c`, of n rows, from the left by Q.
    ///
    /// # Safety
    /// The folder's contract.
    pub unsafe fn apply(&self, c: View<T>) -> Result<()> {
        let k = self.a.n.saturating_sub(1);
        if k == 0 { Ok(()) } else { qr::apply(self.a.sub(1, 0, k, k), (self.tau, k), c.sub(1, 0, k, c.n), false) }
    }
}

/// Eigenvalues in ascending order of the symmetric n x n matrix that `fill` writes, both triangles. False if they did not
/// converge.
///
/// # Safety
/// As for [`Reduction::new`].
pub unsafe fn eigenvalues<T: Field>(n: usize, fill: impl FnOnce(View<T>), values: &mut [f64]) -> Result<bool> {
    let mut t = Reduction::<T>::new(n, fill)?;
    values.copy_from_slice(&t.diagonal);
    // An element beside the diagonal that is this small, relative to the largest, is far below the rounding of the reduction.
    let tiny = if T::DTYPE == DType::F32 { 1e-3 * f32::EPSILON as f64 } else { 1e-3 * f64::EPSILON };
    let done = ql(values, &mut t.off, tiny);
    values.sort_unstable_by(f64::total_cmp);
    Ok(done)
}

/// The diagonal of the tridiagonal matrix and what stands beside it; `work` holds 4 vectors of zeros. The reflections stand
/// below, as [`qr::factor`] leaves them, one row further down.
///
/// Each step `A -= v w^T + w v^T` is taken together with the product by the next reflection's vector.
unsafe fn reduce<T: Field>(a: View<T>, size: usize, work: *mut T, tau: *mut T, diagonal: &mut [f64], off: &mut [f64]) {
    let n = a.n;
    let part = |i: usize| std::slice::from_raw_parts_mut(work.add(i * size), size);
    let (mut v, w, mut next, y) = (part(0), part(1), part(2), part(3));
    for j in 0..n {
        let column = a.at(0, j);
        axpy(n - j, -w[j], v[j..].as_ptr(), 1, column.add(j), 1);
        axpy(n - j, -v[j], w[j..].as_ptr(), 1, column.add(j), 1);
        diagonal[j] = (*column.add(j)).wide().re;
        if j + 1 == n {
            break;
        }
        // Zeros stand in front of every vector, so that loops may start at whole vectors.
        next[..=j].fill(zero());
        next[j + 1..n].as_mut_ptr().copy_from_nonoverlapping(column.add(j + 1), n - j - 1);
        let head = next.as_mut_ptr().add(j + 1);
        let factor = qr::reflection(head, head.add(1), n - j - 2);
        *tau.add(j) = factor;
        off[j] = (*head).wide().re;
        *head = one();
        y.fill(zero());
        let from = (j + 1) / LANES * LANES;
        for c in ((j + 1) / SIDE * SIDE..n).step_by(SIDE) {
            let columns = |k: usize| std::slice::from_raw_parts_mut(a.at(from, c + k), size - from);
            let factors = std::array::from_fn(|k| [w[c + k], v[c + k], next[c + k]]);
            let (v, w, y) = (&v[from..], &w[from..], &mut y[from..]);
            sweep(columns(0), columns(1), columns(2), columns(3), factors, v, w, y);
        }
        // The sweep has gone over this column, too.
        column.add(j + 1).copy_from_nonoverlapping(head, n - j - 1);
        y[..j + 1].fill(zero());
        // w = tau (y - tau (y . v) / 2 v)
        let half = T::of((factor * dotc(n, y.as_ptr(), next.as_ptr())).wide() * 0.5);
        for (i, w) in w.iter_mut().enumerate() {
            *w = factor * (y[i] - half * next[i]);
        }
        std::mem::swap(&mut v, &mut next);
    }
}

crate::multiversion! {
    /// Subtracts from each column its first factor times v and its second times w, and adds its third times the column to y.
    unsafe fn sweep[T: Field](
        a: &mut [T],
        b: &mut [T],
        c: &mut [T],
        d: &mut [T],
        factors: [[T; 3]; SIDE],
        v: &[T],
        w: &[T],
        y: &mut [T],
    ) {
        let n = y.len();
        let (a, b, c, d, v, w) = (&mut a[..n], &mut b[..n], &mut c[..n], &mut d[..n], &v[..n], &w[..n]);
        let [f, g, h, k] = factors;
        for i in 0..n {
            a[i] -= f[0] * v[i] + f[1] * w[i];
            b[i] -= g[0] * v[i] + g[1] * w[i];
            c[i] -= h[0] * v[i] + h[1] * w[i];
            d[i] -= k[0] * v[i] + k[1] * w[i];
            y[i] += (f[2] * a[i] + g[2] * b[i]) + (h[2] * c[i] + k[2] * d[i]);
        }
    }
}

/// Eigenvalues, in any order, in the place of the diagonal of a tridiagonal matrix. False if they did not converge.
fn ql(d: &mut [f64], off: &mut [f64], tiny: f64) -> bool {
    let n = d.len();
    let largest = d.iter().chain(&*off).fold(0.0f64, |m, x| m.max(x.abs()));
    // A power of two, so that scaling rounds nothing and squares stay in range.
    let scale = f64::from_bits(largest.to_bits() & f64::INFINITY.to_bits()).max(f64::MIN_POSITIVE);
    d.iter_mut().for_each(|x| *x /= scale);
    let e = off;
    e.iter_mut().for_each(|x| *x = (*x / scale) * (*x / scale));
    let splits = |d: &[f64], e: &[f64], i: usize| {
        e[i] <= f64::EPSILON * f64::EPSILON * (d[i] * d[i + 1]).abs() || e[i] <= tiny * tiny
    };
    let (mut l, mut turned, mut steps) = (0, 0, 30 * n);
    while l < n {
        let m = (l..n - 1).find(|&i| splits(d, e, i)).unwrap_or(n - 1);
        if m == l {
            l += 1;
            continue;
        }
        if steps == 0 {
            return false;
        }
        steps -= 1;
        // QL goes from large to small elements: a block that grows downwards converges fast.
        if l >= turned {
            turned = m + 1;
            if d[m].abs() < d[l].abs() {
                d[l..=m].reverse();
                e[l..m].reverse();
            }
        }
        let root = e[l].sqrt();
        let g = (d[l + 1] - d[l]) / (2.0 * root);
        let sigma = d[l] - root / (g + g.hypot(1.0).copysign(g));
        let (mut c, mut s, mut gamma) = (1.0, 0.0, d[m] - sigma);
        let mut p = gamma * gamma;
        for i in (l..m).rev() {
            let square = e[i];
            let r = p + square;
            if i + 1 < m {
                e[i + 1] = s * r;
            }
            // c = p / r and s = square / r; what depends on the step before waits for one division alone.
            let (old_c, old_gamma, inverse, ratio) = (c, gamma, 1.0 / r, r / p);
            (c, s) = (p * inverse, square * inverse);
            gamma = (p * (d[i] - sigma) - square * old_gamma) * inverse;
            d[i + 1] = old_gamma + (d[i] - gamma);
            // A vanishing p would make 0 times infinity of what tends to this.
            p = if p > 1e-150 { gamma * gamma * ratio } else { old_c * square };
        }
        e[l] = s * p;
        d[l] = sigma + gamma;
    }
    d.iter_mut().for_each(|x| *x *= scale);
    true
}
