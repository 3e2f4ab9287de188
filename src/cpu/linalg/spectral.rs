//! Eigenvalues and singular values, by faer's decompositions on our memory, on one thread; those of small real symmetric
//! matrices start with [`tridiagonal`], which also knows their values without vectors.
//!
//! faer may not end on NaN: matrices that are not finite are refused before.

use super::{Field, View, product, tridiagonal};
use crate::cpu::float::{Scratch, no_memory};
use crate::error::Result;
use crate::tensor::DType;
use crate::tensor::dtype::C128;
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::evd::{self, ComputeEigenvectors, SelfAdjointEvdParams};
use faer::linalg::svd::{self, ComputeSvdVectors, SvdParams};
use faer::traits::ComplexField;
use faer::{Auto, ColMut, MatMut, MatRef, Par};
use num_complex::Complex;

/// Matrices of fewer rows are iterated on instead of split in two: 128, faer's own choice, takes nearly twice as long for
/// the singular vectors of 100 rows.
const RECURSION: usize = 64;

/// Matrices of fewer rows are left to faer whole if vectors are wanted.
const REDUCED: usize = 32;

/// What faer decomposes.
pub trait Spectral: Field + ComplexField {
    /// Eigenvalues and, if wanted, eigenvectors of any square matrix, as complex numbers. False if it did not converge.
    ///
    /// # Safety
    /// The folder's contract; `values` has room for n.
    unsafe fn eigen(
        a: View<Self>,
        values: *mut Complex<Self::Part>,
        vectors: Option<View<Complex<Self::Part>>>,
    ) -> Result<bool>
    where
        Complex<Self::Part>: Field;
}

fn memory(need: StackReq) -> Result<MemBuffer> {
    MemBuffer::try_new(need).map_err(|_| no_memory(need.size_bytes()))
}

impl<T: Field> View<T> {
    unsafe fn faer<'a>(self) -> MatRef<'a, T> {
        MatRef::from_raw_parts(self.ptr, self.m, self.n, self.rs, self.cs)
    }

    unsafe fn faer_mut<'a>(self) -> MatMut<'a, T> {
        MatMut::from_raw_parts_mut(self.ptr, self.m, self.n, self.rs, self.cs)
    }
}

/// The power of two of the largest part of an element, of those not above the diagonal if `lower`; None if one is not
/// finite. Scaling by it rounds nothing.
unsafe fn scale_of<T: Field>(a: View<T>, lower: bool) -> Option<f64> {
    let mut largest = f64::MIN_POSITIVE;
    for j in 0..a.n {
        for i in if lower { j } else { 0 }..a.m {
            let z = (*a.at(i, j)).wide();
            if !z.is_finite() {
                return None;
            }
            largest = largest.max(z.re.abs()).max(z.im.abs());
        }
    }
    Some(f64::from_bits(largest.to_bits() & f64::INFINITY.to_bits()))
}

/// A copy of a matrix over its scale: faer's values of matrices much smaller or larger than 1 are wrong.
struct Scaled<T> {
    _scratch: Scratch<T>,
    view: View<T>,
}

impl<T: Field> Scaled<T> {
    unsafe fn new(a: View<T>, scale: f64) -> Result<Self> {
        let scratch = Scratch::<T>::new(a.m * a.n)?;
        let view = View::columns(scratch.ptr(), a.m, a.n);
        for j in 0..a.n {
            for i in 0..a.m {
                *view.at(i, j) = T::of((*a.at(i, j)).wide() / scale);
            }
        }
        Ok(Scaled { _scratch: scratch, view })
    }
}

unsafe fn diagonal<'a, T>(p: *mut T, n: usize) -> DiagMut<'a, T> {
    ColMut::from_raw_parts_mut(p, n, 1).as_diagonal_mut()
}

/// Eigenvalues in ascending order and, if wanted, orthonormal eigenvectors of a Hermitian matrix, of which the lower
/// triangle is read. False if it did not converge.
///
/// # Safety
/// The folder's contract; `values` has room for n.
pub unsafe fn hermitian<T: Spectral>(a: View<T>, values: *mut T::Part, vectors: Option<View<T>>) -> Result<bool> {
    let n = a.n;
    let Some(scale) = scale_of(a, true) else { return Ok(false) };
    if tridiagonal::suits::<T>(n) && (vectors.is_none() || n >= REDUCED) {
        let both = |to: View<T>| {
            for j in 0..n {
                for i in j..n {
                    *to.at(i, j) = T::of((*a.at(i, j)).wide() / scale);
                    *to.at(j, i) = *to.at(i, j);
                }
            }
        };
        if let Some(v) = vectors {
            return reduced(&tridiagonal::Reduction::<T>::new(n, both)?, scale, values, v);
        }
        let mut found = vec![0.0; n];
        let done = tridiagonal::eigenvalues::<T>(n, both, &mut found)?;
        for (i, x) in found.into_iter().enumerate() {
            *values.add(i) = T::Part::of(C128::new(x * scale, 0.0));
        }
        return Ok(done);
    }
    let a = Scaled::new(a, scale)?;
    let which = if vectors.is_some() { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let params = SelfAdjointEvdParams { recursion_threshold: RECURSION, ..Auto::<T>::auto() };
    let mut stack = memory(evd::self_adjoint_evd_scratch::<T>(n, which, Par::Seq, params.into()))?;
    let s = Scratch::<T>::new(n)?;
    let done = evd::self_adjoint_evd(
        a.view.faer(),
        diagonal(s.ptr(), n),
        vectors.map(|v| v.faer_mut()),
        Par::Seq,
        MemStack::new(&mut stack),
        params.into(),
    );
    write_real(s.ptr(), values, n, scale);
    Ok(done.is_ok())
}

/// [`hermitian`] of a matrix that is reduced to a tridiagonal one, which faer decomposes.
unsafe fn reduced<T: Spectral>(
    a: &tridiagonal::Reduction<T>,
    scale: f64,
    values: *mut T::Part,
    vectors: View<T>,
) -> Result<bool> {
    let n = a.diagonal.len();
    let params = SelfAdjointEvdParams { recursion_threshold: RECURSION, ..Auto::<T>::auto() };
    let mut stack = memory(evd::self_adjoint_evd_scratch::<T>(n, ComputeEigenvectors::Yes, Par::Seq, params.into()))?;
    let s = Scratch::<T>::new(3 * n)?;
    let parts = [0, n, 2 * n].map(|from| s.ptr().add(from));
    for i in 0..n {
        parts[0].add(i).write(T::of(C128::new(a.diagonal[i], 0.0)));
        parts[1].add(i).write(T::of(C128::new(a.off[i], 0.0)));
    }
    let [diag, off, found] = parts.map(|p| diagonal(p, n));
    let done = evd::tridiagonal_self_adjoint_evd(
        diag.as_ref(),
        off.as_ref(),
        found,
        Some(vectors.faer_mut()),
        Par::Seq,
        MemStack::new(&mut stack),
        params.into(),
    );
    write_real(parts[2], values, n, scale);
    a.apply(vectors)?;
    Ok(done.is_ok())
}

/// Singular values in descending order and, if wanted, U (m x m or m x k) and V (n x n or n x k) of `a = U S V^H`.
/// False if it did not converge.
///
/// # Safety
/// The folder's contract; `values` has room for k = min(m, n).
pub unsafe fn singular<T: Spectral>(
    a: View<T>,
    values: *mut T::Part,
    vectors: Option<(View<T>, View<T>)>,
) -> Result<bool> {
    let (m, n) = (a.m, a.n);
    let k = m.min(n);
    let Some(scale) = scale_of(a, false) else { return Ok(false) };
    if vectors.is_none() && T::DTYPE == DType::F32 && tridiagonal::suits::<f64>(k) {
        return roots(if m < n { a.t() } else { a }, values);
    }
    let of = |v: Option<View<T>>| match v {
        None => ComputeSvdVectors::No,
        Some(v) if v.n == k => ComputeSvdVectors::Thin,
        Some(_) => ComputeSvdVectors::Full,
    };
    let (u, v) = vectors.unzip();
    // faer counts on zeros in a part of the vectors that it does not write.
    for v in [u, v].into_iter().flatten().filter(|v| v.n > k) {
        v.clear();
    }
    let a = Scaled::new(a, scale)?;
    let params = SvdParams { recursion_threshold: RECURSION, ..Auto::<T>::auto() };
    let mut stack = memory(svd::svd_scratch::<T>(m, n, of(u), of(v), Par::Seq, params.into()))?;
    let s = Scratch::<T>::new(k)?;
    let done = svd::svd(
        a.view.faer(),
        diagonal(s.ptr(), k),
        u.map(|u| u.faer_mut()),
        v.map(|v| v.faer_mut()),
        Par::Seq,
        MemStack::new(&mut stack),
        params.into(),
    );
    write_real(s.ptr(), values, k, scale);
    Ok(done.is_ok())
}

/// Singular values of a tall matrix of floats, as square roots of the eigenvalues of `A^T A`: in double, squares of floats
/// are exact, and what is lost of the sums lies below the rounding of floats.
unsafe fn roots<T: Field>(a: View<T>, values: *mut T::Part) -> Result<bool> {
    let (m, n) = (a.m, a.n);
    let scratch = Scratch::<f64>::new(m * n)?;
    let wide = View::columns(scratch.ptr(), m, n);
    for j in 0..n {
        for i in 0..m {
            *wide.at(i, j) = (*a.at(i, j)).wide().re;
        }
    }
    let mut found = vec![0.0; n];
    let done = tridiagonal::eigenvalues::<f64>(n, |to| product(to, 1.0, wide.t(), wide, 0.0), &mut found)?;
    for (i, x) in found.into_iter().rev().enumerate() {
        *values.add(i) = T::Part::of(C128::new(x.max(0.0).sqrt(), 0.0));
    }
    Ok(done)
}

unsafe fn write_real<T: Field>(from: *const T, to: *mut T::Part, n: usize, scale: f64) {
    for i in 0..n {
        *to.add(i) = T::Part::of((*from.add(i)).wide() * scale);
    }
}

/// Scales columns to length 1, with a real largest component, as LAPACK does.
unsafe fn normalize<T: Field>(v: View<T>) {
    for j in 0..v.n {
        let at = |i: usize| (*v.at(i, j)).wide();
        let length = (0..v.m).map(|i| at(i).norm_sqr()).sum::<f64>().sqrt();
        let largest =
            (0..v.m).map(at).fold(C128::new(0.0, 0.0), |a, b| if b.norm_sqr() > a.norm_sqr() { b } else { a });
        let real = (0..v.m).all(|i| at(i).im == 0.0);
        let turn = if real || largest.norm() == 0.0 { C128::new(1.0, 0.0) } else { largest.conj() / largest.norm() };
        for i in 0..v.m {
            *v.at(i, j) = T::of(at(i) * turn / length);
        }
    }
}

macro_rules! real_spectral {
    ($($t:ty),*) => { $(impl Spectral for $t {
        unsafe fn eigen(a: View<$t>, values: *mut Complex<$t>, vectors: Option<View<Complex<$t>>>) -> Result<bool> {
            let n = a.n;
            let Some(scale) = scale_of(a, false) else { return Ok(false) };
            let a = Scaled::new(a, scale)?;
            let which = if vectors.is_some() { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
            let none = ComputeEigenvectors::No;
            let mut stack = memory(evd::evd_scratch::<$t>(n, none, which, Par::Seq, Default::default()))?;
            let s = Scratch::<$t>::new(2 * n)?;
            let (re, im) = (s.ptr(), s.ptr().add(n));
            let x = Scratch::<$t>::new(if vectors.is_some() { n * n } else { 0 })?;
            let x = View::columns(x.ptr(), n, n);
            let done = evd::evd_real(
                a.view.faer(),
                diagonal(re, n),
                diagonal(im, n),
                None,
                vectors.map(|_| x.faer_mut()),
                Par::Seq,
                MemStack::new(&mut stack),
                Default::default(),
            );
            for i in 0..n {
                let z = C128::new((*re.add(i)).wide().re, (*im.add(i)).wide().re);
                *values.add(i) = Complex::<$t>::of(z * scale);
            }
            let Some(v) = vectors else { return Ok(done.is_ok()) };
            // A pair of conjugate vectors stands in two columns: real and imaginary part of the first.
            let mut j = 0;
            while j < n {
                let pair = *im.add(j) != 0.0 && j + 1 < n;
                for i in 0..n {
                    let (p, q) = (*x.at(i, j), if pair { *x.at(i, j + 1) } else { 0.0 });
                    *v.at(i, j) = Complex::new(p, q);
                    if pair {
                        *v.at(i, j + 1) = Complex::new(p, -q);
                        *values.add(j + 1) = (*values.add(j)).conj();
                    }
                }
                j += 1 + pair as usize;
            }
            normalize(v);
            Ok(done.is_ok())
        }
    }

    impl Spectral for Complex<$t> {
        unsafe fn eigen(a: View<Self>, values: *mut Self, vectors: Option<View<Self>>) -> Result<bool> {
            let n = a.n;
            let Some(scale) = scale_of(a, false) else { return Ok(false) };
            let a = Scaled::new(a, scale)?;
            let which = if vectors.is_some() { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
            let none = ComputeEigenvectors::No;
            let mut stack = memory(evd::evd_scratch::<Self>(n, none, which, Par::Seq, Default::default()))?;
            let done = evd::evd_cplx(
                a.view.faer(),
                diagonal(values, n),
                None,
                vectors.map(|v| v.faer_mut()),
                Par::Seq,
                MemStack::new(&mut stack),
                Default::default(),
            );
            for i in 0..n {
                *values.add(i) = Self::of((*values.add(i)).wide() * scale);
            }
            if let Some(v) = vectors {
                normalize(v);
            }
            Ok(done.is_ok())
        }
    })* };
}
real_spectral!(f32, f64);
