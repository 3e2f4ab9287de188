//! What a kernel sees of a tensor: a pointer, a dtype, a shape and strides.

use super::DType;

/// A borrowed strided block of memory. Dispatch makes it from a tensor; kernels read or write through it.
///
/// Every index within `shape` addresses memory that stays allocated for `'a`. Strides are in
/// elements and may be 0 (broadcast) or negative (inside kernels only).
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    /// The first element.
    pub ptr: *mut u8,
    /// The element type.
    pub dtype: DType,
    /// Extents.
    pub shape: &'a [usize],
    /// Strides in elements, one per dim.
    pub strides: &'a [isize],
}

// SAFETY: a `Strided` is a description of memory; kernels that share it between threads write disjoint elements.
// Races on element data between Python threads are the user's, as in torch, and spoil values alone: a kernel that
// takes addresses from elements (indices, labels, masks, pivots) holds each within bounds where it reads it.
unsafe impl Send for Strided<'_> {}
// SAFETY: as above.
unsafe impl Sync for Strided<'_> {}

impl Strided<'_> {
    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of dims.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Are the elements laid out row-major without gaps?
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1isize;
        for (&n, &s) in self.shape.iter().zip(self.strides).rev() {
            if n != 1 {
                if s != expected {
                    return false;
                }
                expected *= n as isize;
            }
        }
        true
    }
}
