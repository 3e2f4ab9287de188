use super::*;
use crate::tensor::dtype::C128;

/// The sum that defines the transform.
fn slow(x: &[C128], forward: bool) -> Vec<C128> {
    let (n, sign) = (x.len(), if forward { -1.0 } else { 1.0 });
    let root = |k: usize| C128::from_polar(1.0, sign * std::f64::consts::TAU * (k % n) as f64 / n as f64);
    (0..n).map(|k| (0..n).map(|j| x[j] * root(j * k)).sum()).collect()
}

fn signal(n: usize) -> Vec<C128> {
    (0..n).map(|i| C128::new((i * i % 17) as f64 - 8.0, (i * 7 % 11) as f64 - 5.0)).collect()
}

fn fast(x: &mut [C128], shape: &[usize], dim: usize, forward: bool) -> Vec<C128> {
    let mut y = vec![C128::new(0.0, 0.0); x.len()];
    let strides = crate::tensor::layout::contiguous_strides(shape);
    let view = |p: *mut C128| Strided { ptr: p.cast(), dtype: DType::C128, shape, strides: &strides };
    complex(&view(x.as_mut_ptr()), &view(y.as_mut_ptr()), dim, forward, 1.0);
    y
}

fn worst(a: &[C128], b: &[C128]) -> f64 {
    let size = b.iter().map(|b| b.norm()).fold(1.0, f64::max);
    a.iter().zip(b).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max) / size
}

#[test]
fn lines_of_any_length_are_transformed() {
    for n in [1, 2, 3, 4, 7, 16, 30, 97, 128, 211, 1009] {
        for forward in [true, false] {
            let mut x = signal(n);
            let want = slow(&x, forward);
            let error = worst(&fast(&mut x, &[n], 0, forward), &want);
            assert!(error < 1e-12, "{n} {forward}: {error}");
        }
    }
}

#[test]
fn lines_across_memory_are_those_along_it() {
    let (rows, cols) = (30, 37);
    let mut x = signal(rows * cols);
    let y = fast(&mut x, &[rows, cols], 0, true);
    for c in 0..cols {
        let column: Vec<_> = (0..rows).map(|r| x[r * cols + c]).collect();
        let got: Vec<_> = (0..rows).map(|r| y[r * cols + c]).collect();
        assert!(worst(&got, &slow(&column, true)) < 1e-13);
    }
}

#[test]
fn lines_side_by_side_are_those_apart() {
    // Every radix, in several orders of passes; lanes that are full, and some that are not.
    for (rows, cols) in [(2, 16), (3, 8), (4, 21), (5, 40), (8, 16), (16, 9), (30, 37), (64, 17), (375, 16)] {
        for forward in [true, false] {
            let mut x = signal(rows * cols);
            let y = fast(&mut x, &[rows, cols], 0, forward);
            for c in 0..cols {
                let column: Vec<_> = (0..rows).map(|r| x[r * cols + c]).collect();
                let got: Vec<_> = (0..rows).map(|r| y[r * cols + c]).collect();
                let error = worst(&got, &slow(&column, forward));
                assert!(error < 1e-13, "{rows} x {cols} {forward}: {error}");
            }
        }
    }
}
