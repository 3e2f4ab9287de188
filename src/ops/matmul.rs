//! Matrix products.

use super::helpers::lasting;
use super::pointwise::compute_dtype;
use super::view::{self, expand_to};
use crate::autograd::{named, no_grad, record};
use crate::dispatch::{
    self,
    matmul::{Factor, Right},
};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, Tensor};

/// Checks that a product's factors, and what it is added to, have one dtype that there are kernels for.
///
/// torch words the refusal in a way of its own for each product.
pub fn check_dtypes(name: &'static str, x: Option<&Tensor>, a: &Tensor, b: &Tensor) -> Result<()> {
    if a.dtype() != b.dtype() || x.is_some_and(|x| x.dtype() != a.dtype()) {
        let (s, c) = (|t: &Tensor| t.dtype().scalar_name(), |t: &Tensor| t.dtype().c_name());
        let text = match (name, x) {
            ("bmm", _) => format!("expected scalar type {} but found {}", s(a), s(b)),
            ("dot" | "vdot", _) => {
                format!("dot : expected both vectors to have same dtype, but found {} and {}", s(a), s(b))
            }
            ("mv" | "addmv", x) => {
                let x = s(x.unwrap_or(b));
                format!("addmv input tensors must have the same dtype, but got {x}, {}, and {}", s(a), s(b))
            }
            ("baddbmm", Some(x)) => {
                format!("Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}", c(x), c(a), c(b))
            }
            (_, Some(x)) if a.dtype() == b.dtype() => {
                format!("self and mat2 must have the same dtype, but got {} and {}", s(x), s(a))
            }
            (_, Some(_)) => format!("mat1 and mat2 must have the same dtype, but got {} and {}", s(a), s(b)),
            _ => format!("expected m1 and m2 to have the same dtype, but got: {} != {}", c(a), c(b)),
        };
        let names: Vec<_> = x.into_iter().chain([a, b]).map(|t| t.dtype().name()).collect();
        fail!(Runtime, torch: ("{text}"), expected: ("{name}: expected one dtype"), got: ("{}", names.join(" and ")), fix: ("Convert with .to()."));
    }
    if a.dtype() == DType::Bool {
        return super::helpers::not_implemented(
            if x.is_some() { "addmm_impl_cpu_" } else { "addmm_impl" },
            DType::Bool,
        );
    }
    Ok(())
}

/// Product of two matrices.
pub fn mm(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.ndim() != 2 || b.ndim() != 2 {
        let which = if a.ndim() != 2 { "self" } else { "mat2" };
        fail!(Runtime, torch: ("{which} must be a matrix"), expected: ("mm: expected two matrices"), got: ("{} and {} dims", a.ndim(), b.ndim()), fix: ("Use matmul() for other dims."));
    }
    if a.shape()[1] != b.shape()[0] {
        fail!(Runtime, torch: ("mat1 and mat2 shapes cannot be multiplied ({}x{} and {}x{})", a.shape()[0], a.shape()[1], b.shape()[0], b.shape()[1]),
            expected: ("mm: expected {} rows in mat2", a.shape()[1]), got: ("{}", b.shape()[0]), fix: ("Transpose or reshape one of them."));
    }
    check_dtypes("mm", None, a, b)?;
    super::helpers::same_device("mm", &[a, b])?;
    product((a, false), (b, false))
}

/// A matrix as the second factor of a product, or its transpose.
pub(super) fn right(matrix: &Tensor, transposed: bool) -> Right<'_> {
    Right { matrix, transposed, lasting: lasting(matrix) }
}

/// Elements from which on a column times a row is not worth a matrix product.
const OUTER_MIN: usize = 4096;

/// A column times a row, into `c`.
fn outer(a: (&Tensor, bool), b: (&Tensor, bool), c: &Tensor) -> Result<()> {
    no_grad(|| {
        let as_is = |(x, turned): (&Tensor, bool)| if turned { view::t(x) } else { Ok(x.clone()) };
        dispatch::pointwise(
            dispatch::Fun::Mul,
            compute_dtype(c.dtype()),
            &[&as_is(a)?, &as_is(b)?],
            c,
            &Default::default(),
        );
        Ok(())
    })
}

/// `op(a) @ op(b)` of two matrices whose shapes and dtypes fit, op a transpose where the flag says so.
pub fn product(a: (&Tensor, bool), b: (&Tensor, bool)) -> Result<Tensor> {
    let (m, n) = (a.0.shape()[a.1 as usize], b.0.shape()[!b.1 as usize]);
    let c = dispatch::empty(&[m, n], a.0.dtype(), a.0.device())?;
    let lines = a.0.shape()[!a.1 as usize] == 1 && m * n >= OUTER_MIN && a.0.dtype().is_float() && !c.is_gpu();
    if lines {
        outer(a, b, &c)?;
    } else {
        dispatch::matmul::product(a, right(b.0, b.1), &c, None);
    }
    let (ta, tb) = (a.1, b.1);
    record(c, "MmBackward0", &[a.0, b.0], |s| {
        let (x, y) = (s.needs(1).then(|| s.input(a.0)), s.needs(0).then(|| s.input(b.0)));
        move |c, g| {
            grads![
                match y {
                    Some(y) if c.needs(0) => Some(left_grad(g, ta, (&c.get(y)?, tb))?),
                    _ => None,
                },
                match x {
                    Some(x) if c.needs(1) => Some(right_grad(g, (&c.get(x)?, ta), tb)?),
                    _ => None,
                },
            ]
        }
    })
}

/// The gradient of the left factor of [`product`], g its result's: `g @ op(b)^H`, transposed if a was.
pub fn left_grad(g: &Tensor, ta: bool, (b, tb): (&Tensor, bool)) -> Result<Tensor> {
    let b = &b.conj()?;
    if ta { product((b, tb), (g, true)) } else { product((g, false), (b, !tb)) }
}

/// The gradient of the right factor: `op(a)^H @ g`, transposed if b was.
pub fn right_grad(g: &Tensor, (a, ta): (&Tensor, bool), tb: bool) -> Result<Tensor> {
    let a = &a.conj()?;
    if tb { product((g, true), (a, ta)) } else { product((a, !ta), (g, false)) }
}

/// Products of corresponding matrices.
pub fn bmm(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.ndim() != 3 || b.ndim() != 3 {
        fail!(Runtime, torch: ("batch1 must be a 3D tensor"), expected: ("bmm: expected two 3-D tensors"), got: ("{} and {} dims", a.ndim(), b.ndim()), fix: ("Use matmul() for other dims."));
    }
    if a.shape()[0] != b.shape()[0] || a.shape()[2] != b.shape()[1] {
        fail!(Runtime, torch: ("Expected size for first two dimensions of batch2 tensor to be: [{}, {}] but got: [{}, {}].", a.shape()[0], a.shape()[2], b.shape()[0], b.shape()[1]),
            expected: ("bmm: expected [{}, {}, *]", a.shape()[0], a.shape()[2]), got: ("{:?}", b.shape()), fix: ("Transpose or reshape one of them."));
    }
    check_dtypes("bmm", None, a, b)?;
    let c = dispatch::empty(&[a.shape()[0], a.shape()[1], b.shape()[2]], a.dtype(), a.device())?;
    dispatch::matmul::batched(a, b, &c, Factor::ONE, Factor::ZERO);
    record(c, "BmmBackward0", &[a, b], |s| {
        let (x, y) = (s.input(a), s.input(b));
        move |c, g| {
            grads![
                c.when(0, || bmm(g, &view::transpose(&c.get(y)?, 1, 2)?.conj()?))?,
                c.when(1, || bmm(&view::transpose(&c.get(x)?, 1, 2)?.conj()?, g))?
            ]
        }
    })
}

/// The product that `@` means: vectors, matrices, and broadcast batches of matrices.
pub fn matmul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match (a.ndim(), b.ndim()) {
        (0, _) | (_, 0) => {
            fail!(Runtime, torch: ("both arguments to matmul need to be at least 1D, but they are {}D and {}D", a.ndim(), b.ndim()), expected: ("matmul: expected at least 1 dim each"), got: ("{} and {}", a.ndim(), b.ndim()), fix: ("Use * for scalars."))
        }
        (1, 1) => {
            if a.shape() != b.shape() {
                fail!(Runtime, torch: ("inconsistent tensor size, expected tensor [{}] and src [{}] to have the same number of elements, but got {} and {} elements respectively", a.shape()[0], b.shape()[0], a.shape()[0], b.shape()[0]),
                    expected: ("dot: expected {} elements", a.shape()[0]), got: ("{}", b.shape()[0]), fix: ("Check the sizes."));
            }
            check_dtypes("dot", None, a, b)?;
            let y = mm(&view::unsqueeze(a, 0)?, &view::unsqueeze(b, 1)?)?.reshape_to(&[])?;
            Ok(named(y, "DotBackward0", a))
        }
        (2, 2) => mm(a, b),
        (1, 2) => Ok(named(view::squeeze_dim(&mm(&view::unsqueeze(a, 0)?, b)?, 0)?, "SqueezeBackward4", b)),
        (2, 1) => {
            check_dtypes("mv", None, a, b)?;
            Ok(named(view::squeeze_dim(&mm(a, &view::unsqueeze(b, 1)?)?, 1)?, "MvBackward0", a))
        }
        (_, 1 | 2) => {
            // Rows of all batches against one matrix: one large product.
            let vector = b.ndim() == 1;
            let b = if vector { view::unsqueeze(b, 1)? } else { b.clone() };
            let rows: usize = a.shape()[..a.ndim() - 1].iter().product();
            let flat = a.reshape_to(&[rows, a.shape()[a.ndim() - 1]])?;
            let mut shape = Shape::from_slice(&a.shape()[..a.ndim() - 1]);
            if !vector {
                shape.push(b.shape()[1]);
            }
            Ok(named(mm(&flat, &b)?.reshape_to(&shape)?, "UnsafeViewBackward0", a))
        }
        _ => {
            let vector = a.ndim() == 1;
            let a = if vector { view::unsqueeze(a, 0)? } else { a.clone() };
            let (m, k, n) = (a.shape()[a.ndim() - 2], a.shape()[a.ndim() - 1], b.shape()[b.ndim() - 1]);
            let batch = layout::broadcast(&a.shape()[..a.ndim() - 2], &b.shape()[..b.ndim() - 2])?;
            let count: usize = batch.iter().product();
            let expand = |t: &Tensor, r: usize, c: usize| {
                let mut full = batch.clone();
                full.extend([r, c]);
                expand_to(t, &full)?.reshape_to(&[count, r, c])
            };
            let kb = b.shape()[b.ndim() - 2];
            let y = bmm(&expand(&a, m, k)?, &expand(b, kb, n)?)?;
            let mut shape = batch.clone();
            if !vector {
                shape.push(m);
            }
            shape.push(n);
            Ok(named(y.reshape_to(&shape)?, "UnsafeViewBackward0", &y))
        }
    }
}

ops! {
    /// Product of two matrices.
    "mm(Tensor self, Tensor mat2) -> Tensor" [f m o] => mm(0, 1);
    /// Products of corresponding matrices.
    "bmm(Tensor self, Tensor mat2) -> Tensor" [f m o] => bmm(0, 1);
    /// The product that `@` means: vectors, matrices, and broadcast batches of matrices.
    "matmul(Tensor self, Tensor other) -> Tensor" [f m o] => matmul(0, 1);
}
