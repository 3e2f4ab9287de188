//! Differences along a dim and the trapezoidal rule.

use super::along::{join, part};
use super::reduce::sum;
use super::scan::cumsum;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::tensor::layout::Shape;
use crate::tensor::{Category, DType, Scalar, Tensor};

/// A tensor that `diff` puts before or behind another along `dim`.
fn check_edge(x: &Tensor, edge: &Tensor, dim: usize) -> Result<()> {
    if edge.ndim() != x.ndim() {
        fail!(Runtime, torch: ("diff expects prepend or append to be the same dimension as input"), expected: ("diff: expected {} dims", x.ndim()), got: ("{}", edge.ndim()), fix: ("Add the missing dims with unsqueeze()."));
    }
    if let Some(d) = (0..x.ndim()).find(|&d| d != dim && x.shape()[d] != edge.shape()[d]) {
        fail!(Runtime, torch: ("diff expects the shape of tensor to prepend or append to match that of input except along the differencing dimension; input.size({d}) = {}, but got tensor.size({d}) = {}", x.shape()[d], edge.shape()[d]),
            expected: ("diff: expected {:?} except at dim {dim}", x.shape()), got: ("{:?}", edge.shape()), fix: ("Expand it."));
    }
    Ok(())
}

/// The `n`-th difference of neighbours along a dim; of bools, whether they differ.
pub fn diff(x: &Tensor, n: i64, dim: i64, prepend: Option<&Tensor>, append: Option<&Tensor>) -> Result<Tensor> {
    if x.ndim() == 0 {
        fail!(Runtime, torch: ("diff expects input to be at least one-dimensional"), expected: ("diff: expected at least 1 dim"), got: ("a 0-d tensor"), fix: ("Unsqueeze it first."));
    }
    if n < 0 {
        fail!(Runtime, torch: ("order must be non-negative but got {n}"), expected: ("diff: expected an order of at least 0"), got: ("{n}"), fix: ("Use n=1 for neighbours."));
    }
    let d = x.wrap_dim(dim)?;
    for edge in prepend.iter().chain(&append) {
        check_edge(x, edge, d)?;
    }
    let mut y = x.clone();
    if n > 0 && (prepend.is_some() || append.is_some()) {
        let parts: Vec<&Tensor> = prepend.into_iter().chain([x]).chain(append).collect();
        let dtype = parts.iter().fold(x.dtype(), |t, p| crate::tensor::promote::promote(t, p.dtype()));
        let cast: Vec<Tensor> = parts.iter().map(|p| super::copy::to_dtype(p, dtype)).collect::<Result<_>>()?;
        y = join(&cast.iter().collect::<Vec<_>>(), d)?;
    }
    if n == 0 {
        return super::copy::clone(x, None);
    }
    for _ in 0..n {
        let len = y.shape()[d].saturating_sub(1);
        let (from, to) = (part(&y, d, 0, len)?, part(&y, d, y.shape()[d].min(1), len)?);
        y = if y.dtype() == DType::Bool { to.logical_xor(&from)? } else { to.sub(&from)? };
        if len == 0 {
            break;
        }
    }
    Ok(y)
}

/// Sums of neighbours along a dim.
fn pairs(y: &Tensor, d: usize) -> Result<Tensor> {
    let len = y.size(d).saturating_sub(1);
    part(y, d, 0, len)?.add(&part(y, d, 1, len)?)
}

fn refuse_bool(name: &str, ts: &[&Tensor]) -> Result<()> {
    if ts.iter().any(|t| t.dtype() == DType::Bool) {
        fail!(Runtime, torch: ("{name}: received a bool input for `x` or `y`, but bool is not supported"), expected: ("{name}: expected numbers"), got: ("bool"), fix: ("Convert with .int()."));
    }
    Ok(())
}

/// The distances between sample points, shaped to go with `y`.
fn steps(name: &str, y: &Tensor, x: &Tensor, d: usize) -> Result<Tensor> {
    let x = if x.ndim() == 1 {
        if x.shape()[0] != y.size(d) {
            fail!(Runtime, torch: ("{name}: There must be one `x` value for each sample point"), expected: ("{name}: expected {} points", y.size(d)), got: ("{}", x.shape()[0]), fix: ("Check the dim."));
        }
        let mut shape: Shape = smallvec::smallvec![1; y.ndim()];
        shape[d] = x.shape()[0];
        x.view_as_shape(&shape)?
    } else if x.ndim() < y.ndim() {
        let mut shape: Shape = smallvec::smallvec![1; y.ndim() - x.ndim()];
        shape.extend_from_slice(x.shape());
        x.view_as_shape(&shape)?
    } else {
        x.clone()
    };
    // Counted from the end: x may have more dims than y.
    let at = d + x.ndim() - y.ndim();
    let len = x.shape()[at].saturating_sub(1);
    part(&x, at, x.shape()[at].min(1), len)?.sub(&part(&x, at, 0, len)?)
}

fn real(name: &str, dx: Scalar) -> Result<f64> {
    if matches!(dx.category(), Category::Bool | Category::Complex) {
        fail!(Runtime, torch: ("{name}: Currently, we only support dx as a real number."), expected: ("{name}: expected a real dx"), got: ("{dx:?}"), fix: ("Pass a float."));
    }
    Ok(dx.f64())
}

fn no_points(y: &Tensor, d: usize) -> Result<Option<Tensor>> {
    if y.size(d) > 0 {
        return Ok(None);
    }
    let shape: Shape = (0..y.ndim()).filter(|&i| i != d).map(|i| y.shape()[i]).collect();
    dispatch::zeros(&shape, y.dtype(), y.device()).map(Some)
}

fn trapezoid(y: &Tensor, x: &Tensor, dim: i64) -> Result<Tensor> {
    let d = y.wrap_dim(dim)?;
    if let Some(none) = no_points(y, d)? {
        return Ok(none);
    }
    refuse_bool("trapezoid", &[y, x])?;
    let weighted = pairs(y, d)?.mul(&steps("trapezoid", y, x, d)?)?;
    let at = (d + weighted.ndim() - y.ndim()) as i64;
    sum(&weighted, Some(&[at]), false, None)?.div(&super::pointwise::number(2.0)?)
}

fn trapezoid_dx(y: &Tensor, dx: Scalar, dim: i64) -> Result<Tensor> {
    let d = y.wrap_dim(dim)?;
    if let Some(none) = no_points(y, d)? {
        return Ok(none);
    }
    refuse_bool("trapezoid", &[y])?;
    // The whole sum without half of both ends: no matrix of sums of neighbours.
    let (dx, dim) = (real("trapezoid", dx)?, d as i64);
    let ends = super::view::select(y, dim, 0)?.add(&super::view::select(y, dim, -1)?)?.mul_scalar(0.5)?;
    sum(y, Some(&[dim]), false, None)?.sub(&ends)?.mul_scalar(dx)
}

fn cumulative_trapezoid(y: &Tensor, x: &Tensor, dim: i64) -> Result<Tensor> {
    let d = y.wrap_dim(dim)?;
    refuse_bool("cumulative_trapezoid", &[y, x])?;
    let weighted = pairs(y, d)?.mul(&steps("cumulative_trapezoid", y, x, d)?)?;
    let at = (d + weighted.ndim() - y.ndim()) as i64;
    cumsum(&weighted, at, None)?.div(&super::pointwise::number(2.0)?)
}

fn cumulative_trapezoid_dx(y: &Tensor, dx: Scalar, dim: i64) -> Result<Tensor> {
    let d = y.wrap_dim(dim)?;
    refuse_bool("cumulative_trapezoid", &[y])?;
    cumsum(&pairs(y, d)?.mul_scalar(real("cumulative_trapezoid", dx)? / 2.0)?, d as i64, None)
}

ops! {
    /// The n-th difference of neighbours along a dim.
    "diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor" [f m o] => diff(0, 1, 2, 3, 4);
    /// Integral along a dim by the trapezoidal rule, at the points `x`.
    "trapezoid(Tensor y, Tensor x, *, int dim=-1) -> Tensor" [f] => trapezoid(0, 1, 2);
    /// Integral along a dim by the trapezoidal rule, at points `dx` apart.
    "trapezoid(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor" [f] => trapezoid_dx(0, 1, 2);
    /// `trapezoid` under another name.
    "trapz(Tensor y, Tensor x, *, int dim=-1) -> Tensor" [f] => trapezoid(0, 1, 2);
    /// `trapezoid` under another name.
    "trapz(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor" [f] => trapezoid_dx(0, 1, 2);
    /// Running integral along a dim by the trapezoidal rule, at the points `x`.
    "cumulative_trapezoid(Tensor y, Tensor x, *, int dim=-1) -> Tensor" [f] => cumulative_trapezoid(0, 1, 2);
    /// Running integral along a dim by the trapezoidal rule, at points `dx` apart.
    "cumulative_trapezoid(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor" [f] => cumulative_trapezoid_dx(0, 1, 2);
}
