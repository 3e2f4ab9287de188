//! Products of vectors, and systems of equations with tensors.

use super::solve;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::ops::matmul::matmul;
use crate::ops::sequence::vander;
use crate::ops::view;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Tensor};

/// The cross product along a dim of 3 elements; other dims broadcast.
fn cross(x: &Tensor, y: &Tensor, dim: i64) -> Result<Tensor> {
    crate::ops::matrix::cross(x, y, Some(dim))
}

/// `sum(conj(x) * y)` along a dim.
fn vecdot(x: &Tensor, y: &Tensor, dim: i64) -> Result<Tensor> {
    const NAME: &str = "linalg.vecdot";
    if !x.dtype().is_differentiable() {
        fail!(Runtime, torch: ("{NAME}: Expected a floating point or complex tensor as input. Got {}", x.dtype().scalar_name()), expected: ("{NAME}: expected a floating or complex dtype"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    if x.dtype() != y.dtype() {
        fail!(Runtime, torch: ("{NAME}: Expected x and y to have the same dtype, but found x of type {} and y of type {} instead", x.dtype().scalar_name(), y.dtype().scalar_name()), expected: ("{NAME}: expected one dtype"), got: ("{} and {}", x.dtype().name(), y.dtype().name()), fix: ("Convert one with .to()."));
    }
    x.conj()?.mul(y)?.sum_dims(&[dim], false)
}

/// Powers of the elements of vectors, from 0 upwards, as rows.
fn vandermonde(x: &Tensor, n: Option<i64>) -> Result<Tensor> {
    if x.dtype() == DType::Bool || x.dtype().is_half() {
        fail!(Runtime, torch: ("linalg.vander supports floating point, complex, and integer tensors, but got {}", x.dtype().scalar_name()), expected: ("linalg.vander: expected float32, float64, complex or integers"), got: ("{}", x.dtype().name()), fix: ("Convert with .float()."));
    }
    if n.map_or(x.ndim() == 0, |n| n <= 1) {
        fail!(Runtime, torch: ("N must be greater than 1."), expected: ("linalg.vander: expected N above 1"), got: ("{n:?} and {} dims", x.ndim()), fix: ("Unsqueeze a single number; ask for two columns or more."));
    }
    let n = n.map_or(x.shape().last().copied().unwrap_or(0), |n| n as usize);
    let flat = x.reshape_to(&[x.numel()])?;
    // A single number with N given is a vector of one.
    let mut shape = if x.ndim() == 0 { Shape::from_slice(&[1]) } else { Shape::from_slice(x.shape()) };
    shape.push(n);
    vander(&flat, Some(n as i64), true)?.reshape_to(&shape)
}

fn diagonal(a: &Tensor, offset: i64, dim1: i64, dim2: i64) -> Result<Tensor> {
    view::diagonal(a, offset, dim1, dim2)
}

/// The inverse of a tensor as a map between its first `ind` dims and the others.
fn tensorinv(a: &Tensor, ind: i64) -> Result<Tensor> {
    if ind <= 0 {
        fail!(Runtime, torch: ("Expected a strictly positive integer for 'ind', but got {ind}"), expected: ("tensorinv: expected ind of at least 1"), got: ("{ind}"), fix: ("Pass the number of leading dims."));
    }
    let ind = (ind as usize).min(a.ndim());
    let (front, back) = a.shape().split_at(ind);
    let (p, q): (usize, usize) = (front.iter().product(), back.iter().product());
    if p != q {
        fail!(Runtime, torch: ("Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {q} != {p}"), expected: ("tensorinv: expected a square map"), got: ("{:?} at {ind}", a.shape()), fix: ("Change ind."));
    }
    let shape: Shape = back.iter().chain(front).copied().collect();
    let (x, info) = solve::inverse_info(&a.reshape_to(&[p, q])?)?;
    super::check_info(crate::error::Kind::LinAlg, "inv", &info, solve::zero_diagonal, solve::INVERSE_FIX)?;
    x.reshape_to(&shape)
}

/// Solves `tensordot(a, x, x.ndim) = b`.
fn tensorsolve(a: &Tensor, b: &Tensor, dims: Option<&[i64]>) -> Result<Tensor> {
    let a = match dims {
        Some(dims) => {
            let to: Vec<i64> = (0..dims.len()).map(|i| (a.ndim() + i).saturating_sub(dims.len()) as i64).collect();
            view::movedim(a, dims, &to)?
        }
        None => a.clone(),
    };
    let shape = Shape::from_slice(&a.shape()[b.ndim().min(a.ndim())..]);
    let (n, m): (usize, usize) = (shape.iter().product(), b.numel());
    if n != m || n * m != a.numel() {
        fail!(Runtime, torch: ("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got {n} != {m}"), expected: ("tensorsolve: expected a square map"), got: ("{:?} and {:?}", a.shape(), b.shape()), fix: ("Move dims with dims="));
    }
    let x = solve::solve(&a.reshape_to(&[m, n])?, &b.reshape_to(&[m])?, true)?;
    x.reshape_to(&shape)
}

ops! {
    /// The cross product along a dim of 3 elements.
    "linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor" [l o] => cross(0, 1, 2);
    /// `sum(conj(x) * y)` along a dim.
    "linalg_vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor" [l o] => vecdot(0, 1, 2);
    /// Rows of powers of each element, from 0 upwards.
    "linalg_vander(Tensor x, *, int? N=None) -> Tensor" [l] => vandermonde(0, 1);
    /// The diagonal between two dims, by default the last, as a view.
    "linalg_diagonal(Tensor A, *, int offset=0, int dim1=-2, int dim2=-1) -> Tensor" [l v] => diagonal(0, 1, 2, 3);
    /// The product that `@` means.
    "linalg_matmul(Tensor self, Tensor other) -> Tensor" [l o] => matmul(0, 1);
    /// The inverse of a tensor as a map between its first `ind` dims and the others.
    "linalg_tensorinv(Tensor self, int ind=2) -> Tensor" [l o] => tensorinv(0, 1);
    /// Solves `tensordot(self, x, x.ndim) = other`.
    "linalg_tensorsolve(Tensor self, Tensor other, int[]? dims=None) -> Tensor" [l o] => tensorsolve(0, 1, 2);
}
