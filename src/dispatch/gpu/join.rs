//! Tensors side by side.

use super::done;
use super::index::part;
use super::layout::{room, settle, viewed};
use crate::dispatch::copy;
use crate::tensor::Tensor;
use crate::tensor::layout::{Shape, Strides};

/// See [`crate::dispatch::join::join`].
pub fn join(xs: &[&Tensor], dim: usize, lead: bool, out: &Tensor) {
    let run = || {
        // Small elements may share words with the next tensor's.
        let to = if out.dtype().size() < 4 { room(&out.clone())? } else { out.clone() };
        let mut at = 0;
        for x in xs {
            let n = if lead { 1 } else { x.size(dim) };
            if x.numel() > 0 {
                let (mut shape, mut strides) = (Shape::from_slice(x.shape()), Strides::from_slice(x.strides()));
                if lead {
                    shape.insert(dim, 1);
                    strides.insert(dim, 0);
                }
                copy(&viewed(x, x.offset(), &shape, &strides), &part(&to, dim, at, n));
            }
            at += n;
        }
        settle(&to, out);
        Ok(())
    };
    done(run());
}
