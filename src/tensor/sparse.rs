//! Sparse tensors: handles without memory of their own, whose storage carries the parts.
//!
//! Whoever knows nothing of sparsity sees a meta tensor, which has nothing to read: no path reaches memory that is not
//! there. [`Tensor::sparse`] tells the two apart.

use super::{Buffer, DType, Device, Shape, Storage, Strides, Tensor};
use std::sync::{Arc, Mutex};

/// How the places of the values are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One column of coordinates per value.
    Coo,
    /// Matrices by rows: where each begins, and the column of each value.
    Csr,
    /// Matrices by columns: where each begins, and the row of each value.
    Csc,
}

impl Layout {
    /// torch's name.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Coo => "sparse_coo",
            Layout::Csr => "sparse_csr",
            Layout::Csc => "sparse_csc",
        }
    }

    /// The layout of a name.
    pub fn parse(name: &str) -> Option<Layout> {
        [Layout::Coo, Layout::Csr, Layout::Csc].into_iter().find(|l| l.name() == name)
    }
}

/// What a sparse tensor consists of. None of its tensors has a history.
#[derive(Clone)]
pub struct Parts {
    /// How to read the indices.
    pub layout: Layout,
    /// Coordinates, int64 (sparse dims, values); or where rows or columns begin, int64 or int32 (rows + 1).
    pub indices: Tensor,
    /// The other index of each value, where rows or columns are compressed.
    pub plain: Option<Tensor>,
    /// The values: (values, dense dims).
    pub values: Tensor,
    /// Are the coordinates known to be distinct and in order?
    pub coalesced: bool,
}

impl Parts {
    /// Are the places of both certainly the same, one by one?
    pub fn same_places(&self, other: &Parts) -> bool {
        let same = |a: &Tensor, b: &Tensor| a.starts_with(b) && a.shape() == b.shape() && a.strides() == b.strides();
        self.layout == other.layout
            && same(&self.indices, &other.indices)
            && self.plain.as_ref().zip(other.plain.as_ref()).is_none_or(|(a, b)| same(a, b))
            && self.values.shape() == other.values.shape()
    }
}

/// The parts of a sparse tensor. Changes in place put others there.
pub struct Sparse {
    shape: Shape,
    dtype: DType,
    parts: Mutex<Parts>,
}

impl Sparse {
    /// The parts.
    pub fn parts(&self) -> Parts {
        self.parts.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Puts others in their place.
    pub fn replace(&self, parts: Parts) {
        let old = std::mem::replace(&mut *self.parts.lock().unwrap_or_else(|e| e.into_inner()), parts);
        drop(old);
    }
}

impl Tensor {
    /// A sparse tensor.
    pub fn of_parts(parts: Parts, shape: &[usize]) -> Tensor {
        let dtype = parts.values.dtype();
        let sparse = Sparse { shape: shape.into(), dtype, parts: Mutex::new(parts) };
        let storage = Storage::new(Buffer::remote(0, Arc::new(sparse)), Device::Meta, false);
        // Strides of zero: those of a dense tensor might not fit into a word.
        let strides: Strides = std::iter::repeat_n(0, shape.len()).collect();
        // SAFETY: a meta tensor's elements are never read.
        unsafe { Tensor::from_parts(storage, 0, shape.into(), strides, dtype) }
    }

    /// What makes this tensor sparse, if it is.
    #[inline]
    pub fn sparse(&self) -> Option<&Sparse> {
        if self.is_meta() { self.find_sparse() } else { None }
    }

    #[cold]
    fn find_sparse(&self) -> Option<&Sparse> {
        let sparse: &Sparse = self.storage().remote()?.downcast_ref()?;
        // A view made by somebody who took it for a meta tensor is one.
        (sparse.shape[..] == *self.shape() && sparse.dtype == self.dtype()).then_some(sparse)
    }

    /// Where the elements are: for a sparse tensor, its values.
    #[inline]
    pub fn data_device(&self) -> Device {
        match self.sparse() {
            Some(sparse) => sparse.parts().values.device(),
            None => self.device(),
        }
    }
}
