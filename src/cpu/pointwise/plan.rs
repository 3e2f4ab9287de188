//! The common iteration space of several strided operands: dims sorted by the output's strides and merged.

use crate::tensor::Strided;
use smallvec::SmallVec;

/// Operands of a plan at most: four inputs and the output, which is the last.
pub(super) const MAX: usize = 5;

/// One dim of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dim {
    pub size: usize,
    /// Bytes, per operand.
    pub strides: [isize; MAX],
}

/// Dims from the innermost out. Never empty; no dim has size 1 but a lone one.
pub(super) struct Plan {
    pub dims: SmallVec<[Dim; 6]>,
    pub n: usize,
}

impl Plan {
    /// Sorts the dims so that the output's strides (then the inputs', in order) grow outwards, and merges dims that all
    /// operands step through as one. All operands have the shape of the last one.
    pub fn new(operands: &[Strided]) -> Plan {
        let out = &operands[operands.len() - 1];
        let mut dims: SmallVec<[Dim; 6]> = SmallVec::new();
        let mut n = 1;
        for d in (0..out.ndim()).rev() {
            let size = out.shape[d];
            n *= size;
            if size == 1 {
                continue;
            }
            let mut strides = [0; MAX];
            for (s, o) in strides.iter_mut().zip(operands) {
                *s = o.strides[d] * o.dtype.size() as isize;
            }
            dims.push(Dim { size, strides });
        }
        let count = operands.len();
        let key = |d: &Dim| {
            let mut k = [0usize; MAX];
            k[0] = d.strides[count - 1].unsigned_abs();
            for i in 1..count {
                k[i] = d.strides[i - 1].unsigned_abs();
            }
            k
        };
        // Insertion sort: stable, and nothing to do for row-major operands.
        for i in 1..dims.len() {
            let mut j = i;
            while j > 0 && key(&dims[j]) < key(&dims[j - 1]) {
                dims.swap(j, j - 1);
                j -= 1;
            }
        }
        let mut kept = 0;
        for i in 1..dims.len() {
            let (inner, outer) = (dims[kept], dims[i]);
            if (0..count).all(|k| outer.strides[k] == inner.strides[k] * inner.size as isize) {
                dims[kept].size *= outer.size;
            } else {
                kept += 1;
                dims[kept] = outer;
            }
        }
        dims.truncate(kept + 1);
        if dims.is_empty() {
            dims.push(Dim { size: 1, strides: [0; MAX] });
        }
        Plan { dims, n }
    }

    /// Does operand `k` step through the whole space without gaps?
    pub fn is_dense(&self, k: usize, size: usize) -> bool {
        let mut expected = size as isize;
        for d in &self.dims {
            if d.size != 1 && d.strides[k] != expected {
                return false;
            }
            expected *= d.size as isize;
        }
        true
    }

    /// Elements after which operand `k` repeats itself: the extent of its innermost dims up to the last one that moves.
    pub fn period(&self, k: usize) -> usize {
        let (mut period, mut n) = (1, 1);
        for d in &self.dims {
            n *= d.size;
            if d.strides[k] != 0 {
                period = n;
            }
        }
        period
    }

    /// Byte offset of operand `k` at linear index `i`, and the indices of the outer dims there.
    pub fn locate(&self, mut i: usize) -> Cursor {
        let mut cursor = Cursor { index: SmallVec::new(), offsets: [0; MAX] };
        for d in &self.dims {
            let at = i % d.size;
            i /= d.size;
            cursor.index.push(at);
            for (o, s) in cursor.offsets.iter_mut().zip(&d.strides) {
                *o += at as isize * s;
            }
        }
        cursor
    }
}

/// A position in a plan.
pub(super) struct Cursor {
    pub index: SmallVec<[usize; 6]>,
    pub offsets: [isize; MAX],
}

impl Cursor {
    /// Steps `by` elements along the innermost dim, which it may reach the end of but not pass.
    #[inline]
    pub fn advance(&mut self, plan: &Plan, by: usize) {
        self.index[0] += by;
        for (o, s) in self.offsets.iter_mut().zip(&plan.dims[0].strides) {
            *o += by as isize * s;
        }
        let mut d = 0;
        while self.index[d] == plan.dims[d].size && d + 1 < plan.dims.len() {
            self.index[d] = 0;
            self.index[d + 1] += 1;
            let (inner, outer) = (&plan.dims[d], &plan.dims[d + 1]);
            for k in 0..MAX {
                self.offsets[k] += outer.strides[k] - inner.size as isize * inner.strides[k];
            }
            d += 1;
        }
    }
}
