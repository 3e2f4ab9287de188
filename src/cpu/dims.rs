//! Loop nests: dims with byte strides for several operands, merged, sorted and walked.

use smallvec::SmallVec;

/// One loop: its extent and the byte stride of each of `N` operands.
#[derive(Clone, Copy, Debug)]
pub struct Dim<const N: usize> {
    /// Extent.
    pub n: usize,
    /// Byte strides.
    pub s: [isize; N],
}

/// A loop nest, outermost first.
pub type Dims<const N: usize> = SmallVec<[Dim<N>; 6]>;

/// Number of iterations of the nest.
pub fn count<const N: usize>(dims: &[Dim<N>]) -> usize {
    dims.iter().map(|d| d.n).product()
}

/// Drops extents of 1 and merges neighbours that one loop can cover. Logical order is kept.
pub fn coalesce<const N: usize>(dims: &mut Dims<N>) {
    let mut out: Dims<N> = SmallVec::new();
    for &d in dims.iter() {
        if d.n == 1 {
            continue;
        }
        match out.last_mut() {
            Some(o) if (0..N).all(|i| o.s[i] == d.s[i] * d.n as isize) => *o = Dim { n: o.n * d.n, s: d.s },
            _ => out.push(d),
        }
    }
    *dims = out;
}

/// Sorts by the stride of operand `by`, largest first, so that the innermost loop is the densest one.
pub fn sort<const N: usize>(dims: &mut Dims<N>, by: usize) {
    dims.sort_by_key(|d| std::cmp::Reverse(d.s[by].unsigned_abs()));
}

/// Offsets of consecutive iterations of a nest.
pub struct Walk<'a, const N: usize> {
    dims: &'a [Dim<N>],
    at: SmallVec<[usize; 6]>,
    /// Byte offset of the current iteration, one per operand.
    pub off: [isize; N],
}

impl<'a, const N: usize> Walk<'a, N> {
    /// Stands at iteration `start` in row-major order.
    pub fn new(dims: &'a [Dim<N>], start: usize) -> Self {
        let mut at = SmallVec::from_elem(0, dims.len());
        let mut off = [0; N];
        let mut rest = start;
        for (i, d) in dims.iter().enumerate().rev() {
            if d.n == 0 {
                continue;
            }
            at[i] = rest % d.n;
            rest /= d.n;
            for (o, s) in off.iter_mut().zip(d.s) {
                *o += at[i] as isize * s;
            }
        }
        Walk { dims, at, off }
    }

    /// The current index of dim `i` of the nest.
    #[inline]
    pub fn place(&self, i: usize) -> usize {
        self.at[i]
    }

    /// Moves on by one iteration; after the last one, back to the first.
    #[inline]
    pub fn next(&mut self) {
        for (i, d) in self.dims.iter().enumerate().rev() {
            self.at[i] += 1;
            for (o, s) in self.off.iter_mut().zip(d.s) {
                *o += s;
            }
            if self.at[i] < d.n {
                return;
            }
            for (o, s) in self.off.iter_mut().zip(d.s) {
                *o -= d.n as isize * s;
            }
            self.at[i] = 0;
        }
    }
}

/// Runs `f(offsets, n, strides)` for pieces of the innermost loop, in parallel, with about `grain` iterations a task.
/// The pieces depend on the nest and `grain` alone.
pub fn lines<const N: usize>(dims: &[Dim<N>], grain: usize, f: &(dyn Fn([isize; N], usize, [isize; N]) + Sync)) {
    let (inner, outer) = dims.split_last().map_or((Dim { n: 1, s: [0; N] }, &[][..]), |(i, o)| (*i, o));
    let outers = count(outer);
    if inner.n == 0 || outers == 0 {
        return;
    }
    if inner.n <= 2 * grain {
        super::parallel::chunks(outers, grain.div_ceil(inner.n), &|range| {
            let mut w = Walk::new(outer, range.start);
            for _ in range {
                f(w.off, inner.n, inner.s);
                w.next();
            }
        });
        return;
    }
    let pieces = inner.n.div_ceil(grain);
    super::parallel::run(outers * pieces, &|i| {
        let mut off = Walk::new(outer, i / pieces).off;
        let from = i % pieces * grain;
        for (o, s) in off.iter_mut().zip(inner.s) {
            *o += from as isize * s;
        }
        f(off, grain.min(inner.n - from), inner.s);
    });
}
