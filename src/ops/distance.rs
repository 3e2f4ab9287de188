//! Distances between tensors and between rows.

use super::along::join;
use super::copy::contiguous;
use super::helpers::{dim_mask, sum_to};
use super::matmul::matmul;
use super::reduce::sum;
use super::vector_norm::{norm_backward, order, vector_norm};
use super::view;
use crate::autograd::{needs_grad, no_grad, record};
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, Scalar, Tensor};

/// The p-norm of a difference.
pub fn dist(x: &Tensor, y: &Tensor, p: Scalar) -> Result<Tensor> {
    let p = order(p)?;
    let out = no_grad(|| vector_norm(&x.sub(y)?, p, None, false, None))?;
    record(out, "DistBackward0", &[x, y], |s| {
        let (x, y, out) = (s.input(x), s.input(y), s.output(0));
        move |c, g| {
            let (x, y) = (c.get(x)?, c.get(y)?);
            let difference = x.sub(&y)?;
            let d = norm_backward(g, &difference, p, &c.get(out)?, dim_mask(&difference, &[], true)?, false)?;
            grads![c.when(0, || sum_to(&d, x.shape()))?, c.when(1, || sum_to(&d.neg()?, y.shape()))?]
        }
    })
}

/// Rows from which on Euclidean distances come from a matrix product.
const PRODUCT_MIN: usize = 25;

fn check(x: &Tensor, y: &Tensor, p: f64) -> Result<()> {
    for (name, t) in [("X1", x), ("X2", y)] {
        if t.ndim() < 2 {
            fail!(Runtime, torch: ("cdist only supports at least 2D tensors, {name} got: {}D", t.ndim()), expected: ("cdist: expected at least 2 dims"), got: ("{}", t.ndim()), fix: ("Unsqueeze it."));
        }
        if t.dtype().is_half() {
            return super::helpers::not_implemented("cdist", t.dtype());
        }
        if !matches!(t.dtype(), DType::F32 | DType::F64) {
            fail!(Runtime, torch: ("cdist only supports floating-point dtypes, {name} got: {}", t.dtype().scalar_name()), expected: ("cdist: expected float32 or float64"), got: ("{}", t.dtype().name()), fix: ("Convert with .float()."));
        }
    }
    let (a, b) = (x.shape()[x.ndim() - 1], y.shape()[y.ndim() - 1]);
    if a != b {
        fail!(Runtime, torch: ("X1 and X2 must have the same number of columns. X1: {a} X2: {b}"), expected: ("cdist: expected rows of equal length"), got: ("{a} and {b}"), fix: ("Check the shapes."));
    }
    if x.dtype() != y.dtype() {
        fail!(Runtime, torch: ("expected scalar type {} but found {}", x.dtype().scalar_name(), y.dtype().scalar_name()), expected: ("cdist: expected tensors of one dtype"), got: ("{} and {}", x.dtype().name(), y.dtype().name()), fix: ("Convert one."));
    }
    if p.is_nan() || p < 0.0 {
        fail!(Runtime, torch: ("cdist only supports non-negative p values"), expected: ("cdist: expected p of at least 0"), got: ("{p}"), fix: ("Use p=2."));
    }
    super::helpers::same_device("cdist", &[x, y]).map(drop)
}

/// Distances between all rows of two batches of matrices.
pub fn cdist(x: &Tensor, y: &Tensor, p: f64, compute_mode: Option<&str>) -> Result<Tensor> {
    check(x, y, p)?;
    // An order that the dtype cannot hold.
    let p = if x.dtype() == DType::F32 && p > f32::MAX as f64 { f64::INFINITY } else { p };
    let by_product = match compute_mode {
        None | Some("use_mm_for_euclid_dist_if_necessary") => {
            x.shape()[x.ndim() - 2] > PRODUCT_MIN || y.shape()[y.ndim() - 2] > PRODUCT_MIN
        }
        Some("use_mm_for_euclid_dist") => true,
        Some("donot_use_mm_for_euclid_dist") => false,
        Some(other) => {
            fail!(Value, torch: ("{other} is not a valid value for compute_mode"), expected: ("cdist: expected a compute mode"), got: ("'{other}'"), fix: ("Leave it out."))
        }
    };
    let batch = layout::broadcast(&x.shape()[..x.ndim() - 2], &y.shape()[..y.ndim() - 2])?;
    let widen = |t: &Tensor| {
        let mut shape = batch.clone();
        shape.extend_from_slice(&t.shape()[t.ndim() - 2..]);
        view::expand_to(t, &shape)
    };
    let (x, y) = (&widen(x)?, &widen(y)?);
    let (r1, r2) = (x.shape()[batch.len()], y.shape()[batch.len()]);
    if p == 2.0 && by_product && x.numel() > 0 && y.numel() > 0 {
        return euclidean(x, y);
    }
    let mut shape = Shape::from_slice(&batch);
    shape.extend([r1, r2]);
    let out = dispatch::empty(&shape, x.dtype(), x.device())?;
    dispatch::distance::cdist(&no_grad(|| contiguous(x))?, &no_grad(|| contiguous(y))?, p, &out);
    record(out, "CdistBackward0", &[x, y], |s| {
        let (x, y, out) = (s.input(x), s.input(y), s.output(0));
        move |c, g| {
            let (x, y) = (c.get(x)?, c.get(y)?);
            if dispatch::distance::has_gradient(&x, p) && !needs_grad(&[g, &x, &y]) {
                let (g, xs, ys, d) = (contiguous(g)?, contiguous(&x)?, contiguous(&y)?, contiguous(&c.get(out)?)?);
                let side = |a: &Tensor, b: &Tensor, transposed: bool| {
                    let d_a = dispatch::empty(a.shape(), a.dtype(), a.device())?;
                    dispatch::distance::cdist_gradient(&g, (a, b), p, &d, transposed, &d_a);
                    Ok(d_a)
                };
                return grads![c.when(0, || side(&xs, &ys, false))?, c.when(1, || side(&ys, &xs, true))?];
            }
            let (x, y) = (view::unsqueeze(&x, -2)?, view::unsqueeze(&y, -3)?);
            let difference = x.sub(&y)?; // (.., r1, r2, m)
            let last = difference.ndim() as i64 - 1;
            let d = norm_backward(
                &view::unsqueeze(g, -1)?,
                &difference,
                p,
                &view::unsqueeze(&c.get(out)?, -1)?,
                1 << last,
                true,
            )?;
            grads![
                c.when(0, || sum(&d, Some(&[last - 1]), false, None))?,
                c.when(1, || sum(&d.neg()?, Some(&[last - 2]), false, None))?
            ]
        }
    })
}

/// `|x|^2 + |y|^2 - 2 x y^T`, rooted.
fn euclidean(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let out = no_grad(|| {
        // The squares are two more columns of the factors, so that the product is the whole sum.
        let squares = |t: &Tensor| sum(&t.square()?, Some(&[-1]), true, None);
        let (sx, sy) = (squares(x)?, squares(y)?);
        let last = x.ndim() - 1;
        let ones = |t: &Tensor| t.zeros_like()?.add_scalar(1.0);
        let left = join(&[&x.mul_scalar(-2.0)?, &sx, &ones(&sx)?], last)?;
        let right = join(&[y, &ones(&sy)?, &sy], last)?;
        let d = matmul(&left, &view::transpose(&right, -2, -1)?)?;
        // Rounding may leave a little less than 0.
        let zero = dispatch::wrapped(Scalar::Float(0.0))?;
        super::choose::clamp(&d, Some(&zero), None, &crate::schema::Dest::InPlace)?;
        dispatch::pointwise(dispatch::Fun::Sqrt, d.dtype(), &[&d], &d, &Default::default());
        Ok(d)
    })?;
    record(out, "EuclideanDistBackward0", &[x, y], |s| {
        let (x, y, out) = (s.input(x), s.input(y), s.output(0));
        move |c, g| {
            let (x, y, out) = (c.get(x)?, c.get(y)?, c.get(out)?);
            // At distance 0 the subgradient 0.
            let ratio = g.div(&out)?.masked_fill_scalar(&out.detach().eq_scalar(0.0)?, 0.0)?;
            let side = |x: &Tensor, y: &Tensor, ratio: &Tensor| {
                x.mul(&sum(ratio, Some(&[-1]), true, None)?)?.sub(&matmul(ratio, y)?)
            };
            grads![c.when(0, || side(&x, &y, &ratio))?, c.when(1, || side(&y, &x, &view::transpose(&ratio, -2, -1)?))?]
        }
    })
}

ops! {
    /// The p-norm of `self - other`.
    "dist(Tensor self, Tensor other, Scalar p=2) -> Tensor" [f m] => dist(0, 1, 2);
    /// The p-norm distance between every row of x1 and every row of x2, batch by batch.
    "cdist(Tensor x1, Tensor x2, float p=2., str? compute_mode='use_mm_for_euclid_dist_if_necessary') -> Tensor" [f] => cdist(0, 1, 2, 3);
}
