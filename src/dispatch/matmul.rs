//! Matrix products.

use super::kept;
use crate::cpu::alloc::Block;
use crate::cpu::matmul::{self, Gemm, Mat};
use crate::tensor::{DType, Tensor};
use std::sync::Arc;

pub use crate::cpu::matmul::{Bias, Factor};

fn mat(t: &Tensor) -> Mat {
    let n = t.ndim();
    Mat { ptr: t.ptr(), rs: t.strides()[n - 2], cs: t.strides()[n - 1] }
}

/// The second factor of a product.
#[derive(Clone, Copy)]
pub struct Right<'a> {
    /// The matrix.
    pub matrix: &'a Tensor,
    /// Is its transpose meant?
    pub transposed: bool,
    /// Is it used often between changes, so that a packed copy is worth keeping?
    pub lasting: bool,
}

/// With more rows, packing is a small part of a product.
const MAX_PACKED: usize = 1024;

/// The packed copy of a product's second factor, if one is kept.
fn packed(g: &Gemm, b: Right) -> Option<Arc<Block>> {
    if !b.lasting || !(matmul::MIN_PACKED..=MAX_PACKED).contains(&g.m) {
        return None;
    }
    let numbers = [g.n, g.k, g.b.rs as usize, g.b.cs as usize].into_iter();
    // SAFETY: operations have checked the shapes.
    kept(b.matrix, numbers, || unsafe { matmul::pack(g) })
}

/// `c = alpha * a @ b + beta * c + bias` for 2-D tensors of one dtype. `c` overlaps no operand.
pub fn gemm(a: &Tensor, b: Right, c: &Tensor, alpha: Factor, beta: Factor, bias: Option<&Tensor>) {
    run((a, false), b, c, (alpha, beta), bias);
}

/// The same for each matrix of 3-D tensors; a batch stride of 0 shares an operand.
pub fn batched(a: &Tensor, b: &Tensor, c: &Tensor, alpha: Factor, beta: Factor) {
    if c.is_meta() || c.numel() == 0 {
        return;
    }
    if c.is_gpu() {
        let matrices = |t: &Tensor| (t.strides()[1], t.strides()[2], t.strides()[0]);
        let (a, b, c) = ((a, matrices(a)), (b, matrices(b)), (c, matrices(c)));
        let sizes = (a.0.shape()[1], b.0.shape()[2], a.0.shape()[2]);
        return super::gpu::matmul(c.0.shape()[0], sizes, (a, b, c), (alpha, beta), None);
    }
    let mut g = Gemm::new(dtype(c), (a.shape()[1], b.shape()[2], a.shape()[2]), mat(a), mat(b), mat(c));
    (g.alpha, g.beta) = (alpha, beta);
    // SAFETY: as above.
    unsafe { matmul::batched(&g, c.shape()[0], (a.strides()[0], b.strides()[0], c.strides()[0])) }
}

fn dtype(c: &Tensor) -> DType {
    c.dtype()
}

/// `c = op(a) @ b + bias` for 2-D `c`, op a transpose where the flag says so. An operand of more dims counts as the
/// matrix of its last dim, which needs contiguous memory; the bias is a contiguous vector.
pub fn product(a: (&Tensor, bool), b: Right, c: &Tensor, bias: Option<&Tensor>) {
    run(a, b, c, (Factor::ONE, Factor::ZERO), bias);
}

fn run(a: (&Tensor, bool), b: Right, c: &Tensor, (alpha, beta): (Factor, Factor), bias: Option<&Tensor>) {
    if c.is_meta() || c.numel() == 0 {
        return;
    }
    if c.is_gpu() {
        return on_gpu(a, b, c, (alpha, beta), bias);
    }
    let (ma, rows_a, cols_a) = flat(a.0);
    let (mb, rows_b, cols_b) = flat(b.matrix);
    let (ma, m, k) = if a.1 { (ma.t(), cols_a, rows_a) } else { (ma, rows_a, cols_a) };
    let (mb, n) = if b.transposed { (mb.t(), rows_b) } else { (mb, cols_b) };
    let mut g = Gemm::new(dtype(c), (m, n, k), ma, mb, flat(c).0);
    (g.alpha, g.beta) = (alpha, beta);
    g.bias = bias.map_or(Bias::None, |b| Bias::PerColumn(b.ptr()));
    let packed = packed(&g, b);
    g.packed = packed.as_ref().map_or(std::ptr::null(), |p| p.ptr());
    // SAFETY: operations have checked the shapes and the layouts, and `c` is fresh or checked for overlap.
    unsafe { matmul::gemm(&g) }
}

/// `out = sum(x * y)` of two vectors of one dtype.
pub fn dot(x: &Tensor, y: &Tensor, out: &Tensor) {
    if out.is_gpu() {
        let vector = |t: &Tensor| t.strides()[0];
        let factors = ((x, (0, vector(x), 0)), (y, (vector(y), 0, 0)), (out, (0, 0, 0)));
        return super::gpu::matmul(1, (1, 1, x.numel()), factors, (Factor::ONE, Factor::ZERO), None);
    }
    if !out.is_meta() {
        // SAFETY: operations have checked that both are vectors of as many elements; `out` is a fresh scalar.
        unsafe { matmul::dot(out.dtype(), x.numel(), (x.ptr(), x.strides()[0]), (y.ptr(), y.strides()[0]), out.ptr()) };
    }
}

/// [`run`] on the GPU.
fn on_gpu(a: (&Tensor, bool), b: Right, c: &Tensor, (alpha, beta): (Factor, Factor), bias: Option<&Tensor>) {
    let oriented = |t: &Tensor, transposed: bool| {
        let (rows, cols, rs, cs) = extents(t);
        if transposed { (cols, rows, cs, rs) } else { (rows, cols, rs, cs) }
    };
    let ((m, k, a_rs, a_cs), (_, n, b_rs, b_cs)) = (oriented(a.0, a.1), oriented(b.matrix, b.transposed));
    let (_, _, c_rs, c_cs) = extents(c);
    let matrices = ((a.0, (a_rs, a_cs, 0)), (b.matrix, (b_rs, b_cs, 0)), (c, (c_rs, c_cs, 0)));
    super::gpu::matmul(1, (m, n, k), matrices, (alpha, beta), bias);
}

/// Rows and columns of a tensor as a matrix, and elements from one to the next.
fn extents(t: &Tensor) -> (usize, usize, isize, isize) {
    if let &[rows, cols] = t.shape() {
        return (rows, cols, t.strides()[0], t.strides()[1]);
    }
    debug_assert!(t.is_contiguous() && t.ndim() > 0);
    let cols = t.shape().last().copied().unwrap_or(1);
    (t.shape().iter().rev().skip(1).product(), cols, cols as isize, 1)
}

// A tensor as a matrix with its rows and columns.
fn flat(t: &Tensor) -> (Mat, usize, usize) {
    let (rows, cols, rs, cs) = extents(t);
    (Mat { ptr: t.ptr(), rs, cs }, rows, cols)
}
