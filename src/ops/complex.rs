//! Complex numbers: parts, conjugates and constructors.

use super::pointwise::Class::Same;
use super::pointwise::{D, OUT, Pw, apply, number, unary};
use super::reinterpret::{imag, real};
use crate::dispatch::Fun;
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::{DType, Scalar, Tensor};

static CONJ: Pw =
    Pw { name: "conj", node: "ConjBackward0", fun: Fun::Conj, class: Same, grads: &[Some(D(0, |a| a.g.conj()))] };

impl Tensor {
    /// The complex conjugate, computed; a real tensor is its own. As a view: [`super::lazy::conj`].
    pub fn conj(&self) -> Result<Tensor> {
        if self.dtype().is_complex() { unary(&CONJ, self) } else { Ok(self.clone()) }
    }

    /// The real part as a tensor of its own; a real tensor is its own.
    pub fn real_part(&self) -> Result<Tensor> {
        if !self.dtype().is_complex() {
            return Ok(self.clone());
        }
        unary(&REAL, self)
    }
}

static REAL: Pw =
    Pw { name: "real", node: "RealBackward0", fun: Fun::Real, class: Same, grads: &[Some(D(0, |a| Ok(a.g.clone())))] };

static COMPLEX: Pw = Pw {
    name: "complex",
    node: "ComplexBackward0",
    fun: Fun::Complex,
    class: Same,
    grads: &[Some(D(0, |a| real(a.g))), Some(D(0, |a| imag(a.g)))],
};
static POLAR: Pw = Pw {
    name: "polar",
    node: "PolarBackward0",
    fun: Fun::Polar,
    class: Same,
    // d(r e^(it)) = e^(it) dr + i r e^(it) dt
    grads: &[
        Some(D(OUT, |a| a.g.conj()?.mul(&a.out()?.sgn()?)?.real_part())),
        Some(D(OUT, |a| a.g.conj()?.mul(&a.out()?.mul(&number(Scalar::Complex(0.0, 1.0))?)?)?.real_part())),
    ],
};

/// Two real tensors of one dtype as a complex one.
fn of_two(row: &'static Pw, x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    if !x.dtype().is_float() || !y.dtype().is_float() || x.dtype() == DType::BF16 || y.dtype() == DType::BF16 {
        fail!(Runtime, torch: ("Expected both inputs to be Half, Float or Double tensors but got {} and {}", x.dtype().scalar_name(), y.dtype().scalar_name()), expected: ("{}: expected floats", row.name), got: ("{} and {}", x.dtype().name(), y.dtype().name()), fix: ("Convert with .float()."));
    }
    if x.dtype() != y.dtype() {
        fail!(Runtime, torch: ("Expected object of scalar type {} but got scalar type {} for second argument", x.dtype().scalar_name(), y.dtype().scalar_name()), expected: ("{}: expected one dtype", row.name), got: ("{} and {}", x.dtype().name(), y.dtype().name()), fix: ("Convert one."));
    }
    if x.dtype() == DType::F16 {
        return super::helpers::not_implemented(row.name, DType::F16);
    }
    if let Dest::Out(outs) = dest
        && let Some(out) = outs.first().filter(|o| o.dtype() != x.dtype().to_complex())
    {
        fail!(Runtime, torch: ("Expected object of scalar type {} but got scalar type {} for argument 'out'", x.dtype().to_complex().scalar_name(), out.dtype().scalar_name()), expected: ("{}: expected an out tensor of dtype {}", row.name, x.dtype().to_complex().name()), got: ("{}", out.dtype().name()), fix: ("Convert the output."));
    }
    apply(row, &[x, y], Default::default(), dest)
}

fn conj(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_complex() { super::lazy::resolve(x)?.conj() } else { Ok(x.clone()) }
}

ops! {
    /// The complex conjugate, computed; a real tensor is its own.
    "conj_physical(Tensor self) -> Tensor" [f m i o v] => conj(0);
    @
    /// A complex tensor of real and imaginary parts.
    "complex(Tensor real, Tensor imag) -> Tensor" [f o] => |a| of_two(&COMPLEX, a.get(0)?, a.get(1)?, &a.dest());
    /// A complex tensor of moduli and angles in radians.
    "polar(Tensor abs, Tensor angle) -> Tensor" [f o] => |a| of_two(&POLAR, a.get(0)?, a.get(1)?, &a.dest());
}
