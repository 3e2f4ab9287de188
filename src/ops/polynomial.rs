//! Orthogonal polynomials: `torch.special.*_polynomial_*(x, n)`. They have no derivatives, as in torch.

use super::pointwise::Class::Float;
use super::pointwise::{Pw, apply, number};
use crate::dispatch::Fun;
use crate::ops;
use crate::tensor::Scalar;

macro_rules! polynomials {
    ($($(#[doc = $doc:literal])+ $row:ident $fun:ident $name:literal $tensor:literal $scalar:literal;)*) => {
        $(static $row: Pw = Pw { name: $name, node: "", fun: Fun::$fun, class: Float, grads: &[] };)*
        ops! {
            @
            $(
                $(#[doc = $doc])+
                $tensor [s o] => |a| apply(&$row, &[a.get(0)?, a.get(1)?], Default::default(), &a.dest());
                $(#[doc = $doc])+
                $scalar [s o] => |a| apply(&$row, &[&number(a.get::<Scalar>(0)?)?, a.get(1)?], Default::default(), &a.dest());
            )*
        }
    };
}

polynomials! {
    /// Chebyshev's polynomial of the first kind of degree n at x.
    T ChebyshevT "special_chebyshev_polynomial_t" "special_chebyshev_polynomial_t(Tensor x, Operand n) -> Tensor" "special_chebyshev_polynomial_t(Scalar x, Tensor n) -> Tensor";
    /// Chebyshev's polynomial of the second kind of degree n at x.
    U ChebyshevU "special_chebyshev_polynomial_u" "special_chebyshev_polynomial_u(Tensor x, Operand n) -> Tensor" "special_chebyshev_polynomial_u(Scalar x, Tensor n) -> Tensor";
    /// Chebyshev's polynomial of the third kind of degree n at x.
    V ChebyshevV "special_chebyshev_polynomial_v" "special_chebyshev_polynomial_v(Tensor x, Operand n) -> Tensor" "special_chebyshev_polynomial_v(Scalar x, Tensor n) -> Tensor";
    /// Chebyshev's polynomial of the fourth kind of degree n at x.
    W ChebyshevW "special_chebyshev_polynomial_w" "special_chebyshev_polynomial_w(Tensor x, Operand n) -> Tensor" "special_chebyshev_polynomial_w(Scalar x, Tensor n) -> Tensor";
    /// Chebyshev's polynomial of the first kind of degree n at 2x - 1.
    SHIFTED_T ShiftedChebyshevT "special_shifted_chebyshev_polynomial_t" "special_shifted_chebyshev_polynomial_t(Tensor x, Operand n) -> Tensor" "special_shifted_chebyshev_polynomial_t(Scalar x, Tensor n) -> Tensor";
    /// Chebyshev's polynomial of the second kind of degree n at 2x - 1.
    SHIFTED_U ShiftedChebyshevU "special_shifted_chebyshev_polynomial_u" "special_shifted_chebyshev_polynomial_u(Tensor x, Operand n) -> Tensor" "special_shifted_chebyshev_polynomial_u(Scalar x, Tensor n) -> Tensor";
    /// Chebyshev's polynomial of the third kind of degree n at 2x - 1.
    SHIFTED_V ShiftedChebyshevV "special_shifted_chebyshev_polynomial_v" "special_shifted_chebyshev_polynomial_v(Tensor x, Operand n) -> Tensor" "special_shifted_chebyshev_polynomial_v(Scalar x, Tensor n) -> Tensor";
    /// Chebyshev's polynomial of the fourth kind of degree n at 2x - 1.
    SHIFTED_W ShiftedChebyshevW "special_shifted_chebyshev_polynomial_w" "special_shifted_chebyshev_polynomial_w(Tensor x, Operand n) -> Tensor" "special_shifted_chebyshev_polynomial_w(Scalar x, Tensor n) -> Tensor";
    /// Hermite's polynomial (the physicists') of degree n at x.
    H HermiteH "special_hermite_polynomial_h" "special_hermite_polynomial_h(Tensor x, Operand n) -> Tensor" "special_hermite_polynomial_h(Scalar x, Tensor n) -> Tensor";
    /// Hermite's polynomial (the probabilists') of degree n at x.
    HE HermiteHe "special_hermite_polynomial_he" "special_hermite_polynomial_he(Tensor x, Operand n) -> Tensor" "special_hermite_polynomial_he(Scalar x, Tensor n) -> Tensor";
    /// Laguerre's polynomial of degree n at x.
    L LaguerreL "special_laguerre_polynomial_l" "special_laguerre_polynomial_l(Tensor x, Operand n) -> Tensor" "special_laguerre_polynomial_l(Scalar x, Tensor n) -> Tensor";
    /// Legendre's polynomial of degree n at x.
    P LegendreP "special_legendre_polynomial_p" "special_legendre_polynomial_p(Tensor x, Operand n) -> Tensor" "special_legendre_polynomial_p(Scalar x, Tensor n) -> Tensor";
}
