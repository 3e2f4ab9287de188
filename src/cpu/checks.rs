//! What the kernels' tests share: random inputs, comparison with a reference in f64, independence of threads.

use super::float::Float;
use super::parallel;

/// A small generator (splitmix64, Steele, Lea and Flood 2014), so that tests repeat.
pub(crate) struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// An integer in `lo..=hi`.
    pub fn int(&mut self, lo: usize, hi: usize) -> usize {
        lo + (self.next() % (hi - lo + 1) as u64) as usize
    }

    /// A number in [-1, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// `n` numbers in [-scale, scale), representable as `F`.
    pub fn floats<F: Float>(&mut self, n: usize, scale: f64) -> Vec<F> {
        (0..n).map(|_| F::of(self.unit() * scale)).collect()
    }
}

/// Values in f64.
pub(crate) fn wide<F: Float>(x: &[F]) -> Vec<f64> {
    x.iter().map(|x| x.f64()).collect()
}

/// Asserts `|got - want| <= tol * (1 + |want|)`, NaN and infinities in the same places.
#[track_caller]
pub(crate) fn assert_close<F: Float>(got: &[F], want: &[f64], tol: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: lengths");
    for (i, (g, &w)) in got.iter().zip(want).enumerate() {
        let g = g.f64();
        let same = (g.is_nan() && w.is_nan()) || g == w || (g - w).abs() <= tol * (1.0 + w.abs());
        assert!(same, "{what}: element {i} is {g}, expected {w}");
    }
}

/// Runs `f` on 1, 2 and 4 threads, asserts that all outputs have the same bits, and returns them.
#[track_caller]
pub(crate) fn on_threads<F: Float>(f: impl Fn() -> Vec<Vec<F>>) -> Vec<Vec<F>> {
    let bits = |out: &[Vec<F>]| -> Vec<u64> { out.iter().flatten().map(|x| x.f64().to_bits()).collect() };
    parallel::set_num_threads(1);
    let first = f();
    for threads in [2, 4] {
        parallel::set_num_threads(threads);
        assert!(bits(&first) == bits(&f()), "{threads} threads change bits");
    }
    first
}

/// The tolerance of an element type for sums of some hundred terms of size 1.
pub(crate) fn tol<F: Float>() -> f64 {
    if size_of::<F>() == 4 { 2e-5 } else { 1e-12 }
}
