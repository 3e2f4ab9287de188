//! Products with an addition, and compositions of matrix products: linear, addmm and relatives, tensordot, kron.

use super::copy::contiguous;
use super::helpers::{extent, same_device, sum_to};
use super::matmul::{bmm, check_dtypes, left_grad, matmul, mm, right, right_grad};
use super::pointwise::number;
use super::view::{self, expand_to};
use crate::autograd::{no_grad, record};
use crate::dispatch::{self, matmul::Factor};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{Category, DType, Scalar, Tensor};
use smallvec::SmallVec;

fn factor(s: Scalar) -> Factor {
    match s {
        Scalar::Complex(re, im) => Factor::complex(num_complex::Complex::new(re, im)),
        Scalar::Float(f) => Factor::real(f),
        other => Factor::int(other.i64()),
    }
}

/// `g` times a number's conjugate.
fn scaled(g: &Tensor, s: Scalar) -> Result<Tensor> {
    match s {
        s if s.is(1.0) => Ok(g.clone()),
        Scalar::Complex(re, im) => g.mul(&number(Scalar::Complex(re, -im))?),
        s => g.mul(&number(s)?),
    }
}

/// `x` as the matrix of its last dim.
fn rows_of(x: &Tensor) -> Result<Tensor> {
    if x.ndim() == 2 {
        return Ok(x.clone());
    }
    let cols = x.shape().last().copied().unwrap_or(1);
    let rows = x.shape()[..x.ndim() - 1].iter().product();
    x.reshape_to(&[rows, cols])
}

/// `x @ weight^T + bias` over the last dim of x.
///
/// Shape: input (*, in), weight (out, in) or (in), bias (out), output (*, out).
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    if weight.ndim() != 2 || x.ndim() == 0 || bias.is_some_and(|b| b.shape() != [weight.shape()[0]]) {
        let y = matmul(x, &view::t(weight)?)?;
        return bias.map_or_else(|| Ok(y.clone()), |b| y.add(b));
    }
    let (out, n) = (weight.shape()[0], weight.shape()[1]);
    if x.shape()[x.ndim() - 1] != n {
        let rows: usize = x.shape()[..x.ndim() - 1].iter().product();
        fail!(Runtime, torch: ("mat1 and mat2 shapes cannot be multiplied ({rows}x{} and {n}x{out})", x.shape()[x.ndim() - 1]),
            expected: ("linear: expected input (*, {n}) to match weight ({out}, {n})"), got: ("input {}", layout::show(x.shape())), fix: ("Change the last dim to {n} features, or the layer to {} inputs.", x.shape()[x.ndim() - 1]));
    }
    check_dtypes("linear", bias, x, weight)?;
    same_device("linear", &[x, weight])?;
    let rows = if x.ndim() == 2 || x.is_contiguous() { x.clone() } else { no_grad(|| contiguous(x))? };
    let flat_bias =
        bias.map(|b| if b.is_contiguous() { Ok(b.clone()) } else { no_grad(|| contiguous(b)) }).transpose()?;
    let mut shape = Shape::from_slice(x.shape());
    shape[x.ndim() - 1] = out;
    let y = dispatch::empty(&shape, x.dtype(), x.device())?;
    dispatch::matmul::product((&rows, false), right(weight, true), &y, flat_bias.as_ref());
    let name = if bias.is_some() { "AddmmBackward0" } else { "MmBackward0" };
    let inputs: SmallVec<[&Tensor; 3]> = [x, weight].into_iter().chain(bias).collect();
    record(y, name, &inputs, |s| {
        let (x, w) = (s.needs(1).then(|| s.input(x)), s.needs(0).then(|| s.input(weight)));
        move |c, g| {
            let flat = rows_of(g)?;
            let gx = match w {
                Some(w) if c.needs(0) => {
                    let gx = left_grad(&flat, false, (&c.get(w)?, true))?;
                    Some(if g.ndim() == 2 { gx } else { gx.reshape_to(&with_last(g.shape(), n))? })
                }
                _ => None,
            };
            let gw = match x {
                Some(x) if c.needs(1) => Some(right_grad(&flat, (&rows_of(&c.get(x)?)?, false), true)?),
                _ => None,
            };
            grads![gx, gw, c.when(2, || flat.sum_dims(&[0], false))?]
        }
    })
}

fn with_last(shape: &[usize], n: usize) -> Shape {
    let mut s = Shape::from_slice(shape);
    if let Some(last) = s.last_mut() {
        *last = n;
    }
    s
}

/// The scalars of a product of integers lose their fractions, as in torch.
fn scalars(x: &Tensor, beta: Scalar, alpha: Scalar) -> (Scalar, Scalar) {
    let whole = |s: Scalar| {
        if x.dtype().is_integral(true) && s.category() == Category::Float { Scalar::Int(s.i64()) } else { s }
    };
    (whole(beta), whole(alpha))
}

/// Does `x` broadcast to `shape`?
fn check_addend(name: &str, x: &Tensor, shape: &[usize]) -> Result<()> {
    if x.ndim() <= shape.len() && layout::broadcast(x.shape(), shape).ok().as_deref() == Some(shape) {
        return Ok(());
    }
    let d = (0..x.ndim().min(shape.len())).find(|i| {
        let (a, b) = (x.shape()[x.ndim() - 1 - i], shape[shape.len() - 1 - i]);
        a != b && a != 1
    });
    match d {
        Some(i) => {
            fail!(Runtime, torch: ("The expanded size of the tensor ({}) must match the existing size ({}) at non-singleton dimension {}.  Target sizes: {:?}.  Tensor sizes: {:?}", shape[shape.len() - 1 - i], x.shape()[x.ndim() - 1 - i], shape.len() - 1 - i, shape, x.shape()),
            expected: ("{name}: expected a first argument that broadcasts to {shape:?}"), got: ("{:?}", x.shape()), fix: ("Reshape it."))
        }
        None => {
            fail!(Runtime, torch: ("expand(torch.FloatTensor{{{:?}}}, size={shape:?}): the number of sizes provided ({}) must be greater or equal to the number of dimensions in the tensor ({})", x.shape(), shape.len(), x.ndim()),
            expected: ("{name}: expected a first argument that broadcasts to {shape:?}"), got: ("{:?}", x.shape()), fix: ("Reshape it."))
        }
    }
}

/// `beta * x + alpha * a @ b` for matrices; x broadcasts.
pub fn addmm(x: &Tensor, a: &Tensor, b: &Tensor, beta: Scalar, alpha: Scalar) -> Result<Tensor> {
    if a.ndim() != 2 || b.ndim() != 2 {
        let (which, n) = if a.ndim() != 2 { ("mat1", a.ndim()) } else { ("mat2", b.ndim()) };
        fail!(Runtime, torch: ("{which} must be a matrix, got {n}-D tensor"), expected: ("addmm: expected two matrices"), got: ("{} and {} dims", a.ndim(), b.ndim()), fix: ("Use baddbmm() for batches."));
    }
    let shape = [a.shape()[0], b.shape()[1]];
    check_addend("addmm", x, &shape)?;
    check_product("addmm", x, a, b)?;
    let (beta, alpha) = scalars(x, beta, alpha);
    same_device("addmm", &[x, a, b])?;
    let y = dispatch::empty(&shape, a.dtype(), a.device())?;
    if beta.is(1.0) && x.shape() == [shape[1]] && x.is_contiguous() {
        dispatch::matmul::gemm(a, right(b, false), &y, factor(alpha), Factor::ZERO, Some(x));
    } else {
        if !beta.is(0.0) {
            dispatch::copy(x, &y);
        }
        dispatch::matmul::gemm(a, right(b, false), &y, factor(alpha), factor(beta), None);
    }
    let from = Shape::from_slice(x.shape());
    record(y, "AddmmBackward0", &[x, a, b], |s| {
        let (l, r) = (s.needs(2).then(|| s.input(a)), s.needs(1).then(|| s.input(b)));
        move |c, g| {
            let product = scaled(g, alpha)?;
            grads![
                c.when(0, || scaled(&sum_to(g, &from)?, beta))?,
                match r {
                    Some(r) if c.needs(1) => Some(left_grad(&product, false, (&c.get(r)?, false))?),
                    _ => None,
                },
                match l {
                    Some(l) if c.needs(2) => Some(right_grad(&product, (&c.get(l)?, false), false)?),
                    _ => None,
                },
            ]
        }
    })
}

fn check_product(name: &'static str, x: &Tensor, a: &Tensor, b: &Tensor) -> Result<()> {
    let (k, rows) = (a.shape()[a.ndim() - 1], b.shape()[b.ndim() - 2]);
    if k != rows {
        let n = a.ndim();
        fail!(Runtime, torch: ("mat1 and mat2 shapes cannot be multiplied ({}x{k} and {rows}x{})", a.shape()[n - 2], b.shape()[n - 1]),
            expected: ("{name}: expected {k} rows in the second factor"), got: ("{rows}"), fix: ("Transpose or reshape one of them."));
    }
    check_dtypes(name, Some(x), a, b)
}

/// `beta * x + alpha * a[i] @ b[i]` for each matrix of a batch; x broadcasts.
pub fn baddbmm(x: &Tensor, a: &Tensor, b: &Tensor, beta: Scalar, alpha: Scalar) -> Result<Tensor> {
    check_batches("baddbmm", a, b)?;
    let shape = [a.shape()[0], a.shape()[1], b.shape()[2]];
    check_addend("baddbmm", x, &shape)?;
    check_product("baddbmm", x, a, b)?;
    let (beta, alpha) = scalars(x, beta, alpha);
    let y = dispatch::empty(&shape, a.dtype(), a.device())?;
    if !beta.is(0.0) {
        dispatch::copy(x, &y);
    }
    dispatch::matmul::batched(a, b, &y, factor(alpha), factor(beta));
    let from = Shape::from_slice(x.shape());
    record(y, "BaddbmmBackward0", &[x, a, b], |s| {
        let (a, b) = (s.input(a), s.input(b));
        move |c, g| {
            let product = scaled(g, alpha)?;
            grads![
                c.when(0, || scaled(&sum_to(g, &from)?, beta))?,
                c.when(1, || bmm(&product, &view::transpose(&c.get(b)?, 1, 2)?.conj()?))?,
                c.when(2, || bmm(&view::transpose(&c.get(a)?, 1, 2)?.conj()?, &product))?,
            ]
        }
    })
}

fn check_batches(name: &str, a: &Tensor, b: &Tensor) -> Result<()> {
    for d in 0..3 {
        extent(b, d)?;
        extent(a, d.min(1))?;
    }
    if a.ndim() != 3 || b.ndim() != 3 {
        let which = if a.ndim() != 3 { "batch1" } else { "batch2" };
        fail!(Runtime, torch: ("{which} must be a 3D tensor"), expected: ("{name}: expected two 3-D tensors"), got: ("{} and {} dims", a.ndim(), b.ndim()), fix: ("Add or merge dims."));
    }
    if a.shape()[0] != b.shape()[0] || a.shape()[2] != b.shape()[1] {
        fail!(Runtime, torch: ("Expected size for first two dimensions of batch2 tensor to be: [{}, {}] but got: [{}, {}].", a.shape()[0], a.shape()[2], b.shape()[0], b.shape()[1]),
            expected: ("{name}: expected [{}, {}, *]", a.shape()[0], a.shape()[2]), got: ("{:?}", b.shape()), fix: ("Transpose or reshape one of them."));
    }
    Ok(())
}

/// `beta * x + alpha * sum of a[i] @ b[i]`: one product over the batch and the inner dim together.
fn addbmm(x: &Tensor, a: &Tensor, b: &Tensor, beta: Scalar, alpha: Scalar) -> Result<Tensor> {
    check_batches("addbmm", a, b)?;
    let (n, rows, k, cols) = (a.shape()[0], a.shape()[1], a.shape()[2], b.shape()[2]);
    let a = view::transpose(a, 0, 1)?.reshape_to(&[rows, n * k])?;
    addmm(x, &a, &b.reshape_to(&[n * k, cols])?, beta, alpha)
}

fn check_vector(name: &str, a: &Tensor, v: &Tensor) -> Result<()> {
    extent(a, 0)?;
    if a.ndim() != 2 || v.ndim() != 1 {
        fail!(Runtime, torch: ("vector + matrix @ vector expected, got {}, {}, {}", 1, a.ndim(), v.ndim()), expected: ("{name}: expected a matrix and a vector"), got: ("{} and {} dims", a.ndim(), v.ndim()), fix: ("Use matmul() for other dims."));
    }
    if a.shape()[1] != v.shape()[0] {
        fail!(Runtime, torch: ("size mismatch, got input ({}), mat ({}x{}), vec ({})", a.shape()[0], a.shape()[0], a.shape()[1], v.shape()[0]), expected: ("{name}: expected a vector of {} elements", a.shape()[1]), got: ("{}", v.shape()[0]), fix: ("Check the sizes."));
    }
    Ok(())
}

/// Matrix times vector.
pub fn mv(a: &Tensor, v: &Tensor) -> Result<Tensor> {
    check_vector("mv", a, v)?;
    check_dtypes("mv", None, a, v)?;
    view::squeeze_dim(&mm(a, &view::unsqueeze(v, 1)?)?, 1)
}

/// `beta * x + alpha * a @ v`; x broadcasts.
fn addmv(x: &Tensor, a: &Tensor, v: &Tensor, beta: Scalar, alpha: Scalar) -> Result<Tensor> {
    if a.ndim() != 2 || v.ndim() != 1 || x.ndim() > 1 {
        fail!(Runtime, torch: ("vector + matrix @ vector expected, got {}, {}, {}", x.ndim(), a.ndim(), v.ndim()), expected: ("addmv: expected a vector, a matrix and a vector"), got: ("{}, {} and {} dims", x.ndim(), a.ndim(), v.ndim()), fix: ("Use addmm() for matrices."));
    }
    let n = a.shape()[0];
    if a.shape()[1] != v.shape()[0] || (x.numel() != 1 && x.shape()[0] != n) {
        fail!(Runtime, torch: ("size mismatch, got input ({}), mat ({n}x{}), vec ({})", x.numel(), a.shape()[1], v.shape()[0]), expected: ("addmv: expected sizes {n} and {}", a.shape()[1]), got: ("{} and {}", x.numel(), v.shape()[0]), fix: ("Check the sizes."));
    }
    check_dtypes("addmv", Some(x), a, v)?;
    let column = if x.ndim() == 1 { view::unsqueeze(x, 1)? } else { x.clone() };
    view::squeeze_dim(&addmm(&column, a, &view::unsqueeze(v, 1)?, beta, alpha)?, 1)
}

fn check_dot(name: &'static str, x: &Tensor, y: &Tensor) -> Result<()> {
    if x.ndim() != 1 || y.ndim() != 1 {
        fail!(Runtime, torch: ("1D tensors expected, but got {}D and {}D tensors", x.ndim(), y.ndim()), expected: ("{name}: expected two vectors"), got: ("{} and {} dims", x.ndim(), y.ndim()), fix: ("Flatten them."));
    }
    if x.numel() != y.numel() {
        fail!(Runtime, torch: ("inconsistent tensor size, expected tensor [{}] and src [{}] to have the same number of elements, but got {} and {} elements respectively", x.numel(), y.numel(), x.numel(), y.numel()),
            expected: ("{name}: expected {} elements", x.numel()), got: ("{}", y.numel()), fix: ("Check the sizes."));
    }
    if x.dtype() == y.dtype() && x.dtype() == DType::Bool {
        return super::helpers::not_implemented("dot", DType::Bool);
    }
    check_dtypes(name, None, x, y)?;
    same_device(name, &[x, y]).map(|_| ())
}

/// Sum of the products of two vectors' elements.
pub fn dot(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    check_dot("dot", x, y)?;
    let out = dispatch::empty(&[], x.dtype(), x.device())?;
    dispatch::matmul::dot(x, y, &out);
    record(out, "DotBackward0", &[x, y], |s| {
        let (x, y) = (s.needs(1).then(|| s.input(x)), s.needs(0).then(|| s.input(y)));
        move |c, g| {
            grads![
                match y {
                    Some(y) if c.needs(0) => Some(g.mul(&c.get(y)?.conj()?)?),
                    _ => None,
                },
                match x {
                    Some(x) if c.needs(1) => Some(g.mul(&c.get(x)?.conj()?)?),
                    _ => None,
                },
            ]
        }
    })
}

/// `dot` with the first vector conjugated.
fn vdot(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    check_dot("vdot", x, y)?;
    dot(&x.conj()?, y)
}

/// Products of every element of one vector with every element of the other.
fn outer(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    for (which, t) in [("self", x), ("vec2", y)] {
        if t.ndim() != 1 {
            fail!(Runtime, torch: ("outer: Expected 1-D argument {which}, but got {}-D", t.ndim()), expected: ("outer: expected two vectors"), got: ("{} dims", t.ndim()), fix: ("Flatten it."));
        }
    }
    view::unsqueeze(x, 1)?.mul(y)
}

/// `beta * x + alpha * outer(v, w)`; x broadcasts and is not read if beta is 0.
fn addr(x: &Tensor, v: &Tensor, w: &Tensor, beta: Scalar, alpha: Scalar) -> Result<Tensor> {
    if v.ndim() != 1 || w.ndim() != 1 {
        let (which, n) = if v.ndim() != 1 { ("vec1", v.ndim()) } else { ("vec2", w.ndim()) };
        fail!(Runtime, torch: ("addr: Expected 1-D argument {which}, but got {n}-D"), expected: ("addr: expected two vectors"), got: ("{n} dims"), fix: ("Flatten it."));
    }
    check_addend("addr", x, &[v.shape()[0], w.shape()[0]])?;
    let dtype = crate::tensor::promote::result_type(&[x, v, w]);
    let fits = |s: Scalar| dtype.is_complex() || s.category() < Category::Complex;
    // Halves round after each step, as in torch.
    let same = !dtype.is_half() && [x, v, w].iter().all(|t| t.dtype() == dtype);
    if same && dtype.is_differentiable() && fits(alpha) && fits(beta) && !beta.is(0.0) {
        return one_pass_addr(x, v, w, beta, alpha);
    }
    let product = outer(v, w)?;
    if dtype == DType::Bool {
        let keep = |t: Tensor, s: Scalar| if s.is(0.0) { t.logical_xor(&t) } else { Ok(t) };
        return keep(product, alpha)?.logical_or(&keep(x.clone(), beta)?);
    }
    if dtype.is_integral(true) && (beta.category() > Category::Int || alpha.category() > Category::Int) {
        let which = if beta.category() > Category::Int { "beta" } else { "alpha" };
        fail!(Runtime, torch: ("For integral input tensors, argument {which} must not be a floating point number."), expected: ("addr: expected an integer {which}"), got: ("a float"), fix: ("Convert the tensors to float first."));
    }
    let product = if alpha.is(1.0) { product } else { product.mul(&number(alpha)?)? };
    if beta.is(0.0) {
        return super::copy::to_dtype(&product, dtype);
    }
    product.add(&if beta.is(1.0) { x.clone() } else { x.mul(&number(beta)?)? })
}

/// [`addr`] of floats: the product is formed where it is added.
fn one_pass_addr(x: &Tensor, v: &Tensor, w: &Tensor, beta: Scalar, alpha: Scalar) -> Result<Tensor> {
    let y = no_grad(|| {
        let x = if beta.is(1.0) { x.clone() } else { x.mul(&number(beta)?)? };
        super::arith::addcmul(&x, &view::unsqueeze(v, 1)?, w, alpha, &crate::schema::Dest::New)
    })?;
    let from = Shape::from_slice(x.shape());
    record(y, "AddrBackward0", &[x, v, w], |s| {
        let (v, w) = (s.needs(2).then(|| s.input(v)), s.needs(1).then(|| s.input(w)));
        move |c, g| {
            let by = |slot: Option<_>| c.get_opt(slot)?.map(|t: Tensor| t.conj()).transpose();
            let (v, w) = (by(v)?, by(w)?);
            grads![
                c.when(0, || scaled(&sum_to(g, &from)?, beta))?,
                w.filter(|_| c.needs(1)).map(|w| scaled(&mv(g, &w)?, alpha)).transpose()?,
                v.filter(|_| c.needs(2)).map(|v| scaled(&mv(&view::t(g)?, &v)?, alpha)).transpose()?,
            ]
        }
    })
}

/// Products over the last dims of both.
fn inner(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    if x.ndim() == 0 || y.ndim() == 0 {
        return x.mul(y);
    }
    if x.shape()[x.ndim() - 1] != y.shape()[y.ndim() - 1] {
        fail!(Runtime, torch: ("inner() the last dimension must match on both input tensors but got shapes {:?} and {:?}", x.shape(), y.shape()), expected: ("inner: expected equal last dims"), got: ("{:?} and {:?}", x.shape(), y.shape()), fix: ("Transpose one of them."));
    }
    tensordot(x, y, &[-1], &[-1])
}

/// Sums the products over pairs of dims.
pub fn tensordot(x: &Tensor, y: &Tensor, dims_x: &[i64], dims_y: &[i64]) -> Result<Tensor> {
    if dims_x.len() != dims_y.len() {
        fail!(Runtime, torch: ("both dimension lists should have same length"), expected: ("tensordot: expected as many dims of self as of other"), got: ("{} and {}", dims_x.len(), dims_y.len()), fix: ("Name the dims in pairs."));
    }
    let (mut x, mut y) = (x.clone(), y.clone());
    let mut pairs: SmallVec<[(usize, usize); 4]> = SmallVec::new();
    for (&a, &b) in dims_x.iter().zip(dims_y) {
        let (a, b) = (x.wrap_dim(a)?, y.wrap_dim(b)?);
        let (n, m) = (x.size(a), y.size(b));
        if m == 1 && n != 1 {
            x = x.sum_dims(&[a as i64], true)?;
        } else if n == 1 && m != 1 {
            y = y.sum_dims(&[b as i64], true)?;
        } else if n != m {
            fail!(Runtime, torch: ("contracted dimensions need to match, but first has size {n} in dim {a} and second has size {m} in dim {b}"), expected: ("tensordot: expected equal sizes"), got: ("{n} and {m}"), fix: ("Pair other dims."));
        }
        pairs.push((a, b));
    }
    let free = |t: &Tensor, used: &dyn Fn(usize) -> bool| -> SmallVec<[i64; 6]> {
        (0..t.ndim()).filter(|&d| !used(d)).map(|d| d as i64).collect()
    };
    let (fx, fy) = (free(&x, &|d| pairs.iter().any(|p| p.0 == d)), free(&y, &|d| pairs.iter().any(|p| p.1 == d)));
    let sizes = |t: &Tensor, dims: &[i64]| -> Shape { dims.iter().map(|&d| t.shape()[d as usize]).collect() };
    let (sx, sy) = (sizes(&x, &fx), sizes(&y, &fy));
    let k: usize = pairs.iter().map(|p| x.size(p.0)).product();
    let order_x: SmallVec<[i64; 6]> = fx.iter().copied().chain(pairs.iter().map(|p| p.0 as i64)).collect();
    let order_y: SmallVec<[i64; 6]> = pairs.iter().map(|p| p.1 as i64).chain(fy.iter().copied()).collect();
    let a = view::permute(&x, &order_x[..x.ndim()])?.reshape_to(&[sx.iter().product(), k])?;
    let b = view::permute(&y, &order_y[..y.ndim()])?.reshape_to(&[k, sy.iter().product()])?;
    let shape: Shape = sx.iter().chain(&sy).copied().collect();
    mm(&a, &b)?.reshape_to(&shape)
}

/// The Kronecker product: every element of x times all of y, dims paired from the last.
fn kron(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let n = x.ndim().max(y.ndim());
    let size = |t: &Tensor, d: usize| if d + t.ndim() >= n { t.shape()[d + t.ndim() - n] } else { 1 };
    let (mut sx, mut sy, mut out) = (Shape::new(), Shape::new(), Shape::new());
    for d in 0..n {
        sx.extend([size(x, d), 1]);
        sy.extend([1, size(y, d)]);
        out.push(size(x, d) * size(y, d));
    }
    x.reshape_to(&sx)?.mul(&y.reshape_to(&sy)?)?.reshape_to(&out)
}

/// The product of several matrices, in the order of fewest multiplications.
///
/// Source: Cormen et al., Introduction to Algorithms, section 15.2.
pub fn chain_matmul(matrices: &[Tensor]) -> Result<Tensor> {
    if let Some(t) = matrices.iter().find(|t| t.ndim() != 2) {
        fail!(Runtime, torch: ("Tensor dimension is {}, expected 2 instead.", t.ndim()), expected: ("chain_matmul: expected matrices"), got: ("{} dims", t.ndim()), fix: ("Reshape it."));
    }
    let n = matrices.len();
    if n == 0 {
        fail!(Runtime, torch: ("chain_matmul(): Expected one or more matrices"), expected: ("chain_matmul: expected one or more matrices"), got: ("none"), fix: ("Pass some."));
    }
    let sizes: Vec<usize> =
        matrices.iter().map(|t| t.shape()[0]).chain(matrices.last().map(|t| t.shape()[1])).collect();
    let mut cost = vec![vec![0f64; n]; n];
    let mut split = vec![vec![0usize; n]; n];
    for len in 1..n {
        for i in 0..n - len {
            let j = i + len;
            cost[i][j] = f64::INFINITY;
            for k in i..j {
                let c = cost[i][k] + cost[k + 1][j] + sizes[i] as f64 * sizes[k + 1] as f64 * sizes[j + 1] as f64;
                if c < cost[i][j] {
                    (cost[i][j], split[i][j]) = (c, k);
                }
            }
        }
    }
    fn multiply(m: &[Tensor], split: &[Vec<usize>], i: usize, j: usize) -> Result<Tensor> {
        if i == j {
            return Ok(m[i].clone());
        }
        mm(&multiply(m, split, i, split[i][j])?, &multiply(m, split, split[i][j] + 1, j)?)
    }
    // A single matrix is a copy that shares nothing with it.
    if n == 1 {
        return super::copy::clone(&matrices[0], None);
    }
    multiply(matrices, &split, 0, n - 1)
}

/// `x1^T @ weight[o] @ x2 + bias[o]` for each output o.
///
/// Shape: x1 (*, in1), x2 (*, in2), weight (out, in1, in2), bias (out), output (*, out).
fn bilinear(x1: &Tensor, x2: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    if x1.ndim() != x2.ndim() {
        fail!(Runtime, torch: ("bilinear(): input dimensions do not match: got {} and {}", x1.ndim(), x2.ndim()), expected: ("bilinear: expected inputs of as many dims"), got: ("{} and {}", x1.ndim(), x2.ndim()), fix: ("Expand one."));
    }
    let n = x1.ndim().saturating_sub(1);
    for d in 0..n {
        if x1.shape()[d] != x2.shape()[d] {
            fail!(Runtime, torch: ("bilinear(): input batch dimensions do not match at dim {d}: got {} and {}", x1.shape()[d], x2.shape()[d]), expected: ("bilinear: expected equal batch dims"), got: ("{:?} and {:?}", x1.shape(), x2.shape()), fix: ("Expand one."));
        }
    }
    let &[out, in1, in2] = weight.shape() else {
        extent(weight, 1)?;
        extent(weight, 2)?;
        fail!(Runtime, torch: ("bilinear(): weight must be 3-D"), expected: ("bilinear: expected weight (out, in1, in2)"), got: ("{:?}", weight.shape()), fix: ("Reshape the weight."))
    };
    for (which, t, size) in [(1, x1, in1), (2, x2, in2)] {
        if t.size(n) != size {
            fail!(Runtime, torch: ("bilinear(): input{which} size does not match weight size: got {} but expected {size}", t.size(n)), expected: ("bilinear: expected {size} features"), got: ("{}", t.size(n)), fix: ("Check the layer's sizes."));
        }
    }
    if let Some(b) = bias.filter(|b| b.shape() != [out]) {
        fail!(Runtime, torch: ("bilinear(): bias size does not match weight size: got {} but expected {out}", b.size(0)), expected: ("bilinear: expected bias ({out})"), got: ("{:?}", b.shape()), fix: ("Check the layer's sizes."));
    }
    if [x2, weight].into_iter().chain(bias).any(|t| t.dtype() != x1.dtype()) {
        let end = bias.map_or(String::new(), |b| format!(", bias: {}", b.dtype().c_name()));
        fail!(Runtime, torch: ("All tensors must have the same dtype, got input1: {}, input2: {}, weight: {}{end}", x1.dtype().c_name(), x2.dtype().c_name(), weight.dtype().c_name()), expected: ("bilinear: expected one dtype"), got: ("{}, {} and {}", x1.dtype().name(), x2.dtype().name(), weight.dtype().name()), fix: ("Convert with .to()."));
    }
    let rows: usize = x1.shape()[..n].iter().product();
    let flat = view::permute(weight, &[1, 0, 2])?.reshape_to(&[in1, out * in2])?;
    let left = mm(&x1.reshape_to(&[rows, in1])?, &flat)?.reshape_to(&[rows, out, in2])?;
    let mut shape = Shape::from_slice(&x1.shape()[..n]);
    shape.push(out);
    let y = bmm(&left, &x2.reshape_to(&[rows, in2, 1])?)?.reshape_to(&shape)?;
    bias.map_or_else(|| Ok(y.clone()), |b| y.add(b))
}

/// `expand_to` where the shape differs.
pub fn broadcast_to(x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    if x.shape() == shape { Ok(x.clone()) } else { expand_to(x, shape) }
}

ops! {
    /// `x @ weight^T + bias` over the last dim.
    "linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor" [n o] => linear(0, 1, 2);
    /// `beta * self + alpha * mat1 @ mat2`.
    "addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor" [f m i o] => addmm(0, 1, 2, 3, 4);
    /// `beta * self + alpha * mat @ vec`.
    "addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor" [f m i o] => addmv(0, 1, 2, 3, 4);
    /// `beta * self + alpha * sum of batch1[i] @ batch2[i]`.
    "addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor" [f m i o] => addbmm(0, 1, 2, 3, 4);
    /// `beta * self[i] + alpha * batch1[i] @ batch2[i]`.
    "baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor" [f m i o] => baddbmm(0, 1, 2, 3, 4);
    /// `beta * self + alpha * outer(vec1, vec2)`.
    "addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor" [f m i o] => addr(0, 1, 2, 3, 4);
    /// Matrix times vector.
    "mv(Tensor self, Tensor vec) -> Tensor" [f m o] => mv(0, 1);
    /// Sum of the products of two vectors' elements.
    "dot(Tensor self, Tensor tensor) -> Tensor" [f m o] => dot(0, 1);
    /// `dot` with the first vector conjugated.
    "vdot(Tensor self, Tensor other) -> Tensor" [f m o] => vdot(0, 1);
    /// Products over the last dims of both.
    "inner(Tensor self, Tensor other) -> Tensor" [f m o] => inner(0, 1);
    /// Products of every element of one vector with every element of the other.
    "outer(Tensor self, Tensor vec2) -> Tensor" [f m o] => outer(0, 1);
    /// `outer` under another name.
    "ger(Tensor self, Tensor vec2) -> Tensor" [f m o] => outer(0, 1);
    /// The Kronecker product.
    "kron(Tensor self, Tensor other) -> Tensor" [f m o] => kron(0, 1);
    /// Sums the products over pairs of dims.
    "tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor" [p o] => tensordot(0, 1, 2, 3);
    /// The product of several matrices, in the order of fewest multiplications.
    "chain_matmul(Tensor[] matrices) -> Tensor" [p o] => chain_matmul(0);
    /// `x1^T @ weight[o] @ x2 + bias[o]` for each output o.
    "bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor" [f] => bilinear(0, 1, 2, 3);
}
