//! Resampling along one dim by a sparse matrix: interpolation, its gradient and antialiased resizing in one loop.
//!
//! # Contract of the unsafe code
//! Pointers address `outer * n * inner` contiguous elements, n being the dim's extent before or after; the output is
//! not the input. Indices of the table are below the extent before: [`Table::new`] checks it.

#![allow(clippy::needless_range_loop, reason = "one index runs through several streams")]
#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Float, Shared, grain};
use super::parallel;

/// A sparse matrix: output `j` is the sum of `weight[t] * input[index[t]]` for t in `starts[j]..starts[j + 1]`.
#[derive(Clone, Debug, Default)]
pub struct Table {
    starts: Vec<usize>,
    index: Vec<u32>,
    weight: Vec<f64>,
    input: usize,
}

impl Table {
    /// A matrix from the (index, weight) lists of its rows.
    pub fn new(input: usize, rows: impl Iterator<Item = Vec<(usize, f64)>>) -> Table {
        let mut t = Table { starts: vec![0], input, ..Table::default() };
        for row in rows {
            for (i, w) in row {
                assert!(i < input && i <= u32::MAX as usize, "a resampling index is out of range");
                crate::error::grow(&mut t.index, 1);
                t.index.push(i as u32);
                crate::error::grow(&mut t.weight, 1);
                t.weight.push(w);
            }
            crate::error::grow(&mut t.starts, 1);
            t.starts.push(t.index.len());
        }
        t
    }

    /// Extents before and after.
    pub fn extents(&self) -> (usize, usize) {
        (self.input, self.starts.len() - 1)
    }

    /// All of it in words of 32 bits: the starts of the rows, then an index and a weight in float32 for each entry.
    pub fn words(&self) -> impl Iterator<Item = u32> {
        let entries = self.index.iter().zip(&self.weight).flat_map(|(&i, &w)| [i, (w as f32).to_bits()]);
        self.starts.iter().map(|&n| n as u32).chain(entries)
    }

    /// The transpose: what the gradient goes through.
    pub fn transposed(&self) -> Table {
        let mut rows = crate::error::filled(Vec::new(), self.input);
        for j in 0..self.starts.len() - 1 {
            for t in self.starts[j]..self.starts[j + 1] {
                rows[self.index[t] as usize].push((j, self.weight[t]));
            }
        }
        Table::new(self.starts.len() - 1, rows.into_iter())
    }

    /// The number of entries of a row, if all have as many.
    fn uniform(&self) -> usize {
        let n = self.starts.get(1).copied().unwrap_or(0);
        if self.starts.windows(2).all(|w| w[1] - w[0] == n) { n } else { 0 }
    }
}

/// A table with weights in the element type.
struct Typed<'a, F> {
    starts: &'a [usize],
    index: &'a [u32],
    weight: Vec<F>,
}

/// Writes the matrix applied to the middle dim of `x`.
///
/// # Safety
/// The module's contract.
pub unsafe fn resample<F: Float>(x: *const F, y: *mut F, (outer, inner): (usize, usize), table: &Table) {
    let (n, m) = table.extents();
    let t =
        Typed { starts: &table.starts, index: &table.index, weight: table.weight.iter().map(|&w| F::of(w)).collect() };
    let (x, y, uniform) = (Shared::new(x), Shared(y), table.uniform());
    if inner == 1 {
        parallel::chunks(outer, grain(n + m * 2), &|r| {
            // SAFETY: the rows of this chunk.
            unsafe { resample_rows(x.at(r.start * n), y.at(r.start * m), r.len(), n, m, uniform, &t) };
        });
    } else {
        parallel::chunks(outer * m, grain(inner * 2), &|r| {
            for row in r {
                let (o, j) = (row / m, row % m);
                // SAFETY: one row of the output.
                unsafe { resample_line(x.at(o * n * inner), y.at(row * inner), inner, j, &t) };
            }
        });
    }
}

crate::multiversion! {
    unsafe fn resample_rows[F: Float](x: *const F, y: *mut F, rows: usize, n: usize, m: usize, uniform: usize, t: &Typed<'_, F>) {
        for r in 0..rows {
            let (x, y) = (x.add(r * n), y.add(r * m));
            match uniform {
                1 => row::<F, 1>(x, y, m, t),
                2 => row::<F, 2>(x, y, m, t),
                4 => row::<F, 4>(x, y, m, t),
                _ => {
                    for j in 0..m {
                        let mut total = F::ZERO;
                        for k in t.starts[j]..t.starts[j + 1] {
                            total += t.weight[k] * *x.add(t.index[k] as usize);
                        }
                        *y.add(j) = total;
                    }
                }
            }
        }
    }
}

/// A row whose outputs have K inputs each.
#[inline(always)]
unsafe fn row<F: Float, const K: usize>(x: *const F, y: *mut F, m: usize, t: &Typed<'_, F>) {
    let (index, weight) = (&t.index[..m * K], &t.weight[..m * K]);
    for j in 0..m {
        let mut total = weight[j * K] * *x.add(index[j * K] as usize);
        for k in 1..K {
            total += weight[j * K + k] * *x.add(index[j * K + k] as usize);
        }
        *y.add(j) = total;
    }
}

crate::multiversion! {
    /// Output `j`: a weighted sum of lines of `inner` elements.
    unsafe fn resample_line[F: Float](x: *const F, y: *mut F, inner: usize, j: usize, t: &Typed<'_, F>) {
        let (from, to) = (t.starts[j], t.starts[j + 1]);
        let line = |k: usize| x.add(t.index[k] as usize * inner);
        if from == to {
            (0..inner).for_each(|i| *y.add(i) = F::ZERO);
        } else if to - from == 2 {
            let (a, b, p, q) = (line(from), line(from + 1), t.weight[from], t.weight[from + 1]);
            (0..inner).for_each(|i| *y.add(i) = p * *a.add(i) + q * *b.add(i));
        } else {
            let (a, p) = (line(from), t.weight[from]);
            (0..inner).for_each(|i| *y.add(i) = p * *a.add(i));
            for k in from + 1..to {
                let (a, p) = (line(k), t.weight[k]);
                (0..inner).for_each(|i| *y.add(i) += p * *a.add(i));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_lines_agree_with_the_definition() {
        let table = Table::new(
            3,
            [vec![(0, 0.5), (2, 2.0)], vec![], vec![(1, 1.0)], vec![(0, 1.0), (1, -1.0), (2, 3.0)]].into_iter(),
        );
        let x: Vec<f64> = (0..18).map(|i| (i * i) as f64).collect();
        let dense = [[0.5, 0.0, 2.0], [0.0; 3], [0.0, 1.0, 0.0], [1.0, -1.0, 3.0]];
        for (outer, inner) in [(6, 1), (2, 3), (1, 6)] {
            let mut y = vec![0.0; outer * 4 * inner];
            // SAFETY: the sizes fit the table.
            unsafe { resample(x.as_ptr(), y.as_mut_ptr(), (outer, inner), &table) };
            for o in 0..outer {
                for j in 0..4 {
                    for i in 0..inner {
                        let want: f64 = (0..3).map(|k| dense[j][k] * x[(o * 3 + k) * inner + i]).sum();
                        assert_eq!(y[(o * 4 + j) * inner + i], want);
                    }
                }
            }
        }
        assert_eq!(table.transposed().transposed().index, table.index);
    }
}
