//! The order in which random numbers meet the elements of a strided output.
//!
//! torch draws in the order of memory, not of indices: dims are sorted by the output's strides before the loop,
//! so that a transposed matrix gets the numbers that its storage would get. The same seed must mean the same
//! numbers for views too, so the sort below follows torch's, ties included.

use smallvec::SmallVec;

type Dims<T> = SmallVec<[T; 6]>;

/// A loop nest over `N` operands of one shape, innermost dim first, adjacent dims merged where all strides allow it.
pub(super) struct Walk<const N: usize> {
    shape: Dims<usize>,
    strides: [Dims<isize>; N],
    numel: usize,
}

impl<const N: usize> Walk<N> {
    /// The first operand is the output, whose strides decide; the others break ties.
    pub(super) fn new(shape: &[usize], strides: [&[isize]; N]) -> Self {
        let mut perm: Dims<usize> = (0..shape.len()).rev().collect();
        // Insertion sort that skips over pairs which no operand orders: a plain comparison sort would not do.
        for i in 1..perm.len() {
            let mut at = i;
            for j in (0..i).rev() {
                match compare(shape, &strides, perm[j], perm[at]) {
                    1 => {
                        perm.swap(j, at);
                        at = j;
                    }
                    -1 => break,
                    _ => {}
                }
            }
        }
        let mut walk = Walk {
            shape: Dims::from_slice(&[1]),
            strides: std::array::from_fn(|_| Dims::from_slice(&[0])),
            numel: shape.iter().product(),
        };
        for d in perm {
            walk.push(shape[d], strides.map(|s| s[d]));
        }
        walk
    }

    fn push(&mut self, n: usize, strides: [isize; N]) {
        if n == 1 {
            return;
        }
        let last = self.shape.len() - 1;
        let inner = self.shape[last];
        if inner == 1 {
            self.shape[last] = n;
            (0..N).for_each(|k| self.strides[k][last] = strides[k]);
        } else if (0..N).all(|k| self.strides[k][last] * inner as isize == strides[k]) {
            self.shape[last] *= n;
        } else {
            self.shape.push(n);
            (0..N).for_each(|k| self.strides[k].push(strides[k]));
        }
    }

    /// Number of elements.
    pub(super) fn numel(&self) -> usize {
        self.numel
    }

    /// Do the operands lie in memory without gaps, in the order of the walk?
    pub(super) fn is_dense(&self) -> bool {
        self.numel <= 1 || self.shape.len() == 1 && self.strides.iter().all(|s| s[0] == 1)
    }

    /// A position at the first element.
    pub(super) fn start(&self) -> Cursor<'_, N> {
        Cursor { walk: self, index: SmallVec::from_elem(0, self.shape.len()), offset: [0; N] }
    }
}

/// 1: `b` belongs inside `a`; -1: it does not; 0: undecided.
fn compare<const N: usize>(shape: &[usize], strides: &[&[isize]; N], a: usize, b: usize) -> i32 {
    for s in strides {
        let (x, y) = (s[a], s[b]);
        if x == 0 || y == 0 {
            continue;
        }
        if x != y {
            return if x < y { -1 } else { 1 };
        }
        if shape[a] > shape[b] {
            return 1;
        }
    }
    0
}

/// A position in a [`Walk`].
pub(super) struct Cursor<'a, const N: usize> {
    walk: &'a Walk<N>,
    index: Dims<usize>,
    offset: [isize; N],
}

impl<const N: usize> Cursor<'_, N> {
    /// Visits the next `n` elements with their offsets. The walk has that many left.
    #[inline(always)]
    pub(super) fn advance(&mut self, n: usize, mut f: impl FnMut([isize; N])) {
        let inner: [isize; N] = std::array::from_fn(|k| self.walk.strides[k][0]);
        let mut left = n;
        while left > 0 {
            let run = left.min(self.walk.shape[0] - self.index[0]);
            for _ in 0..run {
                f(self.offset);
                (0..N).for_each(|k| self.offset[k] += inner[k]);
            }
            self.index[0] += run;
            left -= run;
            if self.index[0] == self.walk.shape[0] {
                self.carry();
            }
        }
    }

    #[cold]
    fn carry(&mut self) {
        for d in 0..self.index.len() {
            if self.index[d] < self.walk.shape[d] {
                return;
            }
            let back = self.index[d] as isize;
            self.index[d] = 0;
            for k in 0..N {
                self.offset[k] -= back * self.walk.strides[k][d];
            }
            if d + 1 < self.index.len() {
                self.index[d + 1] += 1;
                for k in 0..N {
                    self.offset[k] += self.walk.strides[k][d + 1];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(shape: &[usize], strides: &[isize]) -> Vec<isize> {
        let walk = Walk::new(shape, [strides]);
        let mut seen = vec![];
        let mut cursor = walk.start();
        let mut left = walk.numel();
        for step in [1, 2, 3].into_iter().cycle() {
            let n = left.min(step);
            cursor.advance(n, |[o]| seen.push(o));
            left -= n;
            if left == 0 {
                return seen;
            }
        }
        seen
    }

    #[test]
    fn visits_memory_in_order() {
        let sorted = |n: isize| (0..n).collect::<Vec<_>>();
        assert_eq!(offsets(&[2, 3, 4], &[12, 4, 1]), sorted(24));
        assert_eq!(offsets(&[4, 3, 2], &[1, 4, 12]), sorted(24));
        assert_eq!(offsets(&[2, 3, 2, 2], &[12, 1, 6, 3]), sorted(24)); // channels last
        assert_eq!(offsets(&[], &[]), [0]);
        assert_eq!(offsets(&[3, 2], &[8, 2]), [0, 2, 8, 10, 16, 18]);
        assert_eq!(offsets(&[2, 3], &[2, 8]), [0, 2, 8, 10, 16, 18]);
        assert_eq!(offsets(&[1, 5, 1], &[100, 3, 7]), [0, 3, 6, 9, 12]);
    }

    #[test]
    fn dense_is_known() {
        assert!(Walk::new(&[4, 3], [&[1, 4]]).is_dense());
        assert!(Walk::new(&[0, 3], [&[3, 1]]).is_dense());
        assert!(!Walk::new(&[4, 3], [&[8, 1]]).is_dense());
        assert!(!Walk::new(&[4, 3], [&[3, 1], &[0, 1]]).is_dense());
    }
}
