//! Matrix products.

use crate::cpu::matmul::{self, Gemm, Mat};
use crate::tensor::{DType, Tensor};

pub use crate::cpu::matmul::{Bias, Factor};

fn mat(t: &Tensor) -> Mat {
    let n = t.ndim();
    Mat { ptr: t.ptr(), rs: t.strides()[n - 2], cs: t.strides()[n - 1] }
}

/// `c = alpha * a @ b + beta * c + bias` for 2-D tensors of one dtype. `c` overlaps no operand.
pub fn gemm(a: &Tensor, b: &Tensor, c: &Tensor, alpha: Factor, beta: Factor, bias: Option<&Tensor>) {
    if c.is_meta() || c.numel() == 0 {
        return;
    }
    let mut g = Gemm::new(dtype(c), (a.shape()[0], b.shape()[1], a.shape()[1]), mat(a), mat(b), mat(c));
    (g.alpha, g.beta) = (alpha, beta);
    g.bias = bias.map_or(Bias::None, |b| Bias::PerColumn(b.ptr()));
    // SAFETY: operations have checked the shapes, and `c` is fresh or checked for overlap.
    unsafe { matmul::gemm(&g) }
}

/// The same for each matrix of 3-D tensors; a batch stride of 0 shares an operand.
pub fn batched(a: &Tensor, b: &Tensor, c: &Tensor, alpha: Factor, beta: Factor) {
    if c.is_meta() || c.numel() == 0 {
        return;
    }
    let mut g = Gemm::new(dtype(c), (a.shape()[1], b.shape()[2], a.shape()[2]), mat(a), mat(b), mat(c));
    (g.alpha, g.beta) = (alpha, beta);
    // SAFETY: as above.
    unsafe { matmul::batched(&g, c.shape()[0], (a.strides()[0], b.strides()[0], c.strides()[0])) }
}

fn dtype(c: &Tensor) -> DType {
    c.dtype()
}
