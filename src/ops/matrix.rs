//! Small operations on matrices and vectors in space.

use super::view;
use crate::autograd::{needs_grad, no_grad, record};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, Scalar, Tensor};

/// The sum of a matrix's diagonal; integers sum to int64.
fn trace(x: &Tensor) -> Result<Tensor> {
    if x.ndim() != 2 {
        fail!(Runtime, torch: ("trace: expected a matrix, but got tensor with dim {}", x.ndim()), expected: ("trace: expected 2 dims"), got: ("{:?}", x.shape()), fix: ("Use diagonal(dim1=-2, dim2=-1).sum(-1) for batches."));
    }
    let y = no_grad(|| super::reduce::sum(&view::diagonal(x, 0, 0, 1)?, None, false, None))?;
    let shape = Shape::from_slice(x.shape());
    record(y, "TraceBackward0", &[x], |_| {
        move |_, g| {
            let zeros = dispatch::zeros(&shape, g.dtype(), g.device())?;
            let diagonal = view::expand_to(g, &[shape[0].min(shape[1])])?;
            if needs_grad(&[g]) {
                return grads![super::shift::diagonal_scatter(&zeros, &diagonal, 0, 0, 1)?];
            }
            dispatch::copy(&diagonal, &view::diagonal(&zeros, 0, 0, 1)?);
            grads![zeros]
        }
    })
}

/// The cross product along `dim`, of extent 3; by default the first such dim.
pub fn cross(x: &Tensor, y: &Tensor, dim: Option<i64>) -> Result<Tensor> {
    let shape = layout::broadcast(x.shape(), y.shape())?;
    let given = dim;
    let dim = match dim {
        Some(d) => layout::wrap_dim(d, shape.len())?,
        None => match shape.iter().position(|&n| n == 3) {
            Some(d) => d,
            None => {
                fail!(Runtime, torch: ("no dimension of size 3 in input"), expected: ("cross: expected a dim of extent 3"), got: ("{:?}", &shape[..]), fix: ("Give vectors of 3 numbers."))
            }
        },
    };
    if x.ndim() != y.ndim() {
        fail!(Runtime, torch: ("linalg.cross: inputs must have the same number of dimensions."), expected: ("cross: expected as many dims"), got: ("{:?} and {:?}", x.shape(), y.shape()), fix: ("Unsqueeze one."));
    }
    if shape[dim] != 3 || x.shape()[dim] != 3 || y.shape()[dim] != 3 {
        fail!(Runtime, torch: ("linalg.cross: inputs dimension {} must have length 3. Got {} and {}", given.unwrap_or(dim as i64), x.shape()[dim], y.shape()[dim]), expected: ("cross: expected extent 3 along dim {dim}"), got: ("{:?} and {:?}", x.shape(), y.shape()), fix: ("Name the dim of the vectors."));
    }
    if x.dtype() == DType::Bool {
        return super::helpers::not_implemented("cross", DType::Bool);
    }
    product(x, y, dim as i64)
}

fn product(x: &Tensor, y: &Tensor, dim: i64) -> Result<Tensor> {
    let turned = |t: &Tensor, by: i64| super::shift::roll(t, &[-by], &[dim]);
    let r = if x.is_gpu() {
        no_grad(|| turned(x, 1)?.mul(&turned(y, 2)?)?.sub(&turned(x, 2)?.mul(&turned(y, 1)?)?))?
    } else {
        let dtype = crate::tensor::promote::result_type(&[x, y]);
        let shape = layout::broadcast(x.shape(), y.shape())?;
        let operand = |t: &Tensor| no_grad(|| view::expand_to(&super::copy::to_dtype(t, dtype)?, &shape));
        let r = dispatch::empty(&shape, dtype, x.device())?;
        dispatch::distance::cross(&operand(x)?, &operand(y)?, layout::wrap_dim(dim, shape.len())?, &r);
        r
    };
    record(r, "LinalgCrossBackward0", &[x, y], |s| {
        let (x, y) = (s.needs(1).then(|| s.input(x)), s.needs(0).then(|| s.input(y)));
        move |c, g| {
            let by = |slot: Option<_>| c.get_opt(slot)?.map(|t: Tensor| t.conj()).transpose();
            let (x, y) = (by(x)?, by(y)?);
            grads![
                y.filter(|_| c.needs(0)).map(|y| product(&y, g, dim)).transpose()?,
                x.filter(|_| c.needs(1)).map(|x| product(g, &x, dim)).transpose()?,
            ]
        }
    })
}

/// Sets the diagonal; with `wrap` that of a tall matrix starts again below.
fn fill_diagonal_(x: &Tensor, value: Scalar, wrap: bool) -> Result<Tensor> {
    if x.ndim() < 2 {
        fail!(Runtime, torch: ("dimensions must larger than 1"), expected: ("fill_diagonal_: expected at least 2 dims"), got: ("{}", x.ndim()), fix: ("Add a dim."));
    }
    if x.ndim() > 2 && x.shape().iter().any(|&n| n != x.shape()[0]) {
        fail!(Runtime, torch: ("all dimensions of input must be of equal length"), expected: ("fill_diagonal_: expected equal extents"), got: ("{:?}", x.shape()), fix: ("Use diagonal().fill_()."));
    }
    let (h, w) = (x.shape()[0], x.shape()[1]);
    let step: isize = x.strides().iter().sum();
    let fill = |start: usize, size: usize| {
        let offset = x.offset() as isize + start as isize * x.strides()[0];
        let line = view::as_strided(x, &[size as i64], &[step as i64], Some(offset as i64))?;
        super::create::fill_(&line, value)
    };
    fill(0, if x.ndim() == 2 { h.min(w) } else { h })?;
    if wrap && x.ndim() == 2 {
        let mut start = w + 1;
        while start < h {
            fill(start, (h - start).min(w))?;
            start += w + 1;
        }
    }
    Ok(x.clone())
}

ops! {
    /// The sum of a matrix's diagonal.
    "trace(Tensor self) -> Tensor" [f m] => trace(0);
    /// The cross product of vectors along a dim of extent 3.
    "cross(Tensor self, Tensor other, int? dim=None) -> Tensor" [f m o] => cross(0, 1, 2);
    /// Sets the main diagonal.
    "fill_diagonal_(Tensor self, Scalar fill_value, bool wrap=False) -> Tensor" [m] => fill_diagonal_(0, 1, 2);
}
