//! Tensors on their way into kernels that know f32 and f64 and contiguous memory alone. Nothing here is recorded.

use super::helpers::not_implemented;
use crate::autograd::{Backward, Ctx, gradient_edge};
use crate::dispatch;
use crate::error::Result;
use crate::tensor::layout::{self, MemoryFormat};
use crate::tensor::{DType, Grads, Tensor};

/// The dtype that a kernel computes in: f32 for the halves.
pub fn float_kernel(name: &str, dtype: DType) -> Result<DType> {
    match dtype {
        DType::F32 | DType::F64 => Ok(dtype),
        DType::F16 | DType::BF16 => Ok(DType::F32),
        other => not_implemented(name, other),
    }
}

/// The same values, contiguous in `dtype`: the tensor itself if it is.
#[inline]
pub fn operand(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if x.dtype() == dtype && x.is_contiguous() {
        return Ok(x.clone());
    }
    let y = dispatch::empty(x.shape(), dtype, x.device())?;
    dispatch::copy(x, &y);
    Ok(y)
}

/// [`operand`] where there is one.
pub fn optional(x: Option<&Tensor>, dtype: DType) -> Result<Option<Tensor>> {
    x.map(|x| operand(x, dtype)).transpose()
}

/// A kernel's result in the dtype that callers see.
#[inline]
pub fn cast(y: Tensor, dtype: DType) -> Result<Tensor> {
    if y.dtype() == dtype {
        return Ok(y);
    }
    let z = dispatch::empty(y.shape(), dtype, y.device())?;
    dispatch::copy(&y, &z);
    Ok(z)
}

/// [`cast`], and the order of dims of whichever of `xs` keeps its channels last. For results without a history.
pub fn finish(y: Tensor, dtype: DType, xs: &[&Tensor]) -> Result<Tensor> {
    let y = cast(y, dtype)?;
    let format =
        xs.iter().map(|x| layout::suggested_format(x.shape(), x.strides())).find(|&f| f != MemoryFormat::Contiguous);
    match format {
        Some(f) if xs[0].ndim() == y.ndim() => {
            let strides = layout::format_strides(y.shape(), f);
            if y.strides() == &strides[..] { Ok(y) } else { super::copy::clone_strided(&y, &strides) }
        }
        _ => Ok(y),
    }
}

/// A result of an input's shape in that input's order of dims. For results without a history.
pub fn in_order_of(y: Tensor, x: &Tensor) -> Result<Tensor> {
    let strides = layout::preserve_strides(x.shape(), x.strides());
    if y.strides() == &strides[..] { Ok(y) } else { super::copy::clone_strided(&y, &strides) }
}

/// Extents before a dim, of it, and after it; a 0-d tensor counts as one element.
pub fn around(x: &Tensor, dim: usize) -> (usize, usize, usize) {
    let s = x.shape();
    if s.is_empty() {
        return (1, 1, 1);
    }
    (s[..dim].iter().product(), s[dim], s[dim + 1..].iter().product())
}

/// The gradients of a kernel as those of the operations that it stands for, which have derivatives themselves: `f` is
/// the kernel's result by operations on its inputs.
pub fn by_operations(
    c: &Ctx,
    g: &Tensor,
    inputs: &[&Tensor],
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
) -> Result<Grads> {
    // The pass ends at these, and what it records goes on from them to the inputs.
    let own = inputs.iter().map(|x| super::view::alias(x)).collect::<Result<Vec<_>>>()?;
    let mut grads = super::view::no_grads(inputs.len());
    let Some(root) = gradient_edge(&f(&own)?) else { return Ok(grads) };
    let wanted: Vec<_> = (0..own.len()).filter(|&i| c.needs(i)).collect();
    let edges: Vec<_> = wanted.iter().filter_map(|&i| gradient_edge(&own[i])).collect();
    if edges.len() != wanted.len() {
        crate::internal!("a gradient is wanted of an input without one.")
    }
    let roots = vec![(root, Some(g.clone()))];
    let call = Backward { roots, keep_graph: true, create_graph: true, inputs: Some(&edges), accumulate: false };
    for (i, d) in wanted.into_iter().zip(call.run()?) {
        grads[i] = d;
    }
    Ok(grads)
}
