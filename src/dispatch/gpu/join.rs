//! Tensors side by side.

use super::done;
use super::index::part;
use super::layout::{room, settle, viewed};
use crate::dispatch::scan::Scan;
use crate::dispatch::{copy, empty, fill};
use crate::error::stop;
use crate::tensor::layout::{Shape, Strides};
use crate::tensor::{DType, Device, Scalar, Tensor};

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

/// See [`crate::dispatch::join::total`]: counted by the CPU, which needs the number for a shape.
pub fn total(counts: &Tensor) -> Option<usize> {
    let here = empty(counts.shape(), counts.dtype(), Device::Cpu).unwrap_or_else(|e| stop(e));
    copy(counts, &here);
    crate::dispatch::join::total(&here)
}

/// See [`crate::dispatch::join::spread`]: element i belongs to the first count up to which there are more than i.
pub fn spread(counts: &Tensor, out: &Tensor) {
    let run = || {
        let ends = empty(counts.shape(), DType::I64, Device::Gpu)?;
        super::scan::scan(Scan::Sum, counts, &ends, 0, false)?;
        let (ones, after) =
            (empty(out.shape(), DType::I64, Device::Gpu)?, empty(out.shape(), DType::I64, Device::Gpu)?);
        fill(&ones, Scalar::Int(1));
        super::scan::scan(Scan::Sum, &ones, &after, 0, false)?;
        super::sort::searchsorted(&ends, &after, out, false, None);
        Ok(())
    };
    done(run());
}
