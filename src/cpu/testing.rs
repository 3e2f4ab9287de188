//! Random tensors for kernel tests: any dtype, permuted and padded strides, read back element by element.

use crate::tensor::{DType, Strided};
use crate::with_dtype;

use super::load::Num;

/// A small generator (splitmix64).
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// A shape of up to `dims` dims with extents up to `max`, now and then 0.
    pub fn shape(&mut self, dims: usize, max: usize) -> Vec<usize> {
        let nd = self.below(dims + 1);
        (0..nd).map(|_| if self.below(25) == 0 { 0 } else { 1 + self.below(max) }).collect()
    }
}

/// An owned strided tensor.
pub struct Ten {
    data: Vec<u128>,
    offset: usize,
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub strides: Vec<isize>,
}

impl Ten {
    /// Zeros, row-major.
    pub fn zeros(shape: &[usize], dtype: DType) -> Ten {
        let mut strides = vec![1isize; shape.len()];
        for d in (1..shape.len()).rev() {
            strides[d - 1] = strides[d] * shape[d].max(1) as isize;
        }
        let n: usize = shape.iter().product();
        Ten { data: vec![0; n * dtype.size() / 16 + 2], offset: 0, dtype, shape: shape.to_vec(), strides }
    }

    /// Zeros with dims permuted in memory and gaps between elements.
    pub fn scattered(shape: &[usize], dtype: DType, rng: &mut Rng) -> Ten {
        let mut t = Ten::zeros(shape, dtype);
        let mut order: Vec<usize> = (0..shape.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, rng.below(i + 1));
        }
        let mut step = 1 + (rng.below(3) == 0) as isize;
        for d in order {
            t.strides[d] = step;
            step *= (shape[d].max(1) + rng.below(2)) as isize;
        }
        t.offset = rng.below(3);
        t.data = vec![0; (step as usize + 4) * dtype.size() / 16 + 4];
        t
    }

    pub fn random(shape: &[usize], dtype: DType, rng: &mut Rng, f: impl Fn(&mut Rng) -> f64) -> Ten {
        let mut t = if rng.below(2) == 0 { Ten::zeros(shape, dtype) } else { Ten::scattered(shape, dtype, rng) };
        for i in 0..t.numel() {
            let (re, im) = (f(rng), f(rng));
            t.set_parts(i, re, im);
        }
        t
    }

    pub fn from(shape: &[usize], dtype: DType, values: &[f64]) -> Ten {
        let mut t = Ten::zeros(shape, dtype);
        for (i, &v) in values.iter().enumerate() {
            t.set(i, v);
        }
        t
    }

    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn view(&self) -> Strided<'_> {
        let ptr = self.data.as_ptr().cast::<u8>().wrapping_add(self.offset * self.dtype.size()).cast_mut();
        Strided { ptr, dtype: self.dtype, shape: &self.shape, strides: &self.strides }
    }

    /// The memory of a row-major tensor.
    pub fn bytes(&self) -> &[u8] {
        assert!(self.view().is_contiguous());
        // SAFETY: the data covers the shape.
        unsafe { std::slice::from_raw_parts(self.view().ptr, self.numel() * self.dtype.size()) }
    }

    pub fn coords(&self, mut i: usize) -> Vec<usize> {
        let mut c = vec![0; self.shape.len()];
        for d in (0..c.len()).rev() {
            c[d] = i % self.shape[d];
            i /= self.shape[d];
        }
        c
    }

    fn at(&self, c: &[usize]) -> *mut u8 {
        let off: isize = c.iter().zip(&self.strides).map(|(&i, &s)| i as isize * s).sum();
        self.view().ptr.wrapping_offset(off * self.dtype.size() as isize)
    }

    /// The element at coordinates.
    pub fn get_at(&self, c: &[usize]) -> f64 {
        // SAFETY: coordinates lie within the shape, which the data covers.
        with_dtype!(self.dtype, T => unsafe { *self.at(c).cast::<T>() }.to_f64())
    }

    /// The real and imaginary part at a logical index.
    pub fn parts(&self, i: usize) -> (f64, f64) {
        // SAFETY: as above.
        with_dtype!(self.dtype, T => { let v = unsafe { *self.at(&self.coords(i)).cast::<T>() }; (v.to_f64(), v.im()) })
    }

    /// The element at a logical index.
    pub fn get(&self, i: usize) -> f64 {
        self.parts(i).0
    }

    pub fn set(&mut self, i: usize, v: f64) {
        self.set_parts(i, v, 0.0);
    }

    pub fn set_parts(&mut self, i: usize, re: f64, im: f64) {
        let p = self.at(&self.coords(i));
        with_dtype!(self.dtype, T => {
            let v = if T::DTYPE.is_integral(true) { T::from_i64(re as i64) } else { T::from_parts(re, im) };
            // SAFETY: as above.
            unsafe { *p.cast::<T>() = v }
        })
    }

    /// All elements in logical order.
    pub fn all(&self) -> Vec<f64> {
        (0..self.numel()).map(|i| self.get(i)).collect()
    }
}

use crate::tensor::Element as _;

/// Equal up to `tol` relative to `scale`, NaN to NaN and infinity to infinity.
pub fn close(a: f64, b: f64, tol: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tol * (1.0 + a.abs().max(b.abs()))
}

/// The tolerance for a dtype.
pub fn tol(d: DType) -> f64 {
    match d {
        DType::F16 => 2e-3,
        DType::BF16 => 1.6e-2,
        DType::F32 | DType::C64 => 2e-5,
        _ => 1e-10,
    }
}
