//! Pointwise functions: a table of scalar bodies, one contiguous loop per function and dtype, and an executor that
//! brings operands of any dtype and layout to those loops in blocks that stay in the L1 cache.
//!
//! - [`Fun`] names a function, [`Params`] its attributes. The bodies are the rows of `arith`, `unary`, `compare`,
//!   `elementary`, `activation`, `loss` and `special`; a variant without a row does not compile.
//! - [`kernel`] gives the contiguous loop for a compute dtype; f16 and bf16 compute in f32.
//! - [`run`] executes over [`Strided`] operands, [`copy`] converts and rearranges, [`fill`] fills.
//!
//! Results do not depend on the number of threads, nor on whether an operand needed a gather or a cast.

mod activation;
mod arith;
mod c99;
mod cast;
mod compare;
mod complex;
mod copy;
mod elementary;
mod exec;
mod kernel;
mod loss;
mod plan;
mod scalar;
mod special;
mod transpose;
mod unary;
mod walk;

#[cfg(test)]
mod tests;

pub use cast::{Cast, cast};
pub use copy::{copy, fill};
pub use exec::{has_zero, run};
pub use kernel::Kernel;

use crate::cpu::simd::{Level, level};
use crate::tensor::DType;
use kernel::Row;
use std::sync::LazyLock;

/// Attributes of a function: the rows say which they read.
///
/// Integers that must be exact (alpha of an integer addition, clamp bounds) go in `i`; a complex attribute is
/// `f[0] + f[1] i`.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub struct Params {
    /// Floating attributes.
    pub f: [f64; 4],
    /// Integer attributes.
    pub i: [i64; 4],
}

impl Params {
    /// One attribute, as float and, where it is integral, as integer.
    pub fn scalar(x: f64) -> Self {
        Params { f: [x, 0.0, 0.0, 0.0], i: [x as i64, 0, 0, 0] }
    }

    /// Floating attributes.
    pub fn floats<const N: usize>(x: [f64; N]) -> Self {
        let mut p = Params::default();
        p.f[..N].copy_from_slice(&x);
        p
    }
}

macro_rules! funs {
    ($($module:ident: $($name:ident)+;)+) => {
        /// A pointwise function.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the rows carry the docs")]
        pub enum Fun { $($($name,)+)+ }

        impl Fun {
            /// Every function.
            pub const ALL: &'static [Fun] = &[$($(Fun::$name,)+)+];

            /// Number of inputs.
            #[inline]
            pub fn arity(self) -> usize {
                match self { $($(Fun::$name => $module::$name::ARITY,)+)+ }
            }

            /// Time per element in units of an addition.
            #[inline]
            fn cost(self) -> usize {
                match self { $($(Fun::$name => $module::$name::COST,)+)+ }
            }
        }

        impl Fun {
            /// The function in WGSL for a compute dtype that GPUs have (`kernel::rows`).
            pub fn wgsl(self, compute: DType) -> Option<&'static str> {
                let table = match self { $($(Fun::$name => $module::$name::WGSL,)+)+ };
                let wanted = match compute {
                    DType::F32 | DType::F16 | DType::BF16 => "f32",
                    DType::I32 | DType::I16 | DType::I8 | DType::U8 => "i32",
                    DType::I64 => "i64",
                    DType::Bool => "bool",
                    _ => return None,
                };
                table.iter().find(|(name, _)| *name == wanted).map(|(_, text)| *text)
            }
        }

        /// The loop of a function for a compute dtype at a given SIMD level.
        pub(super) fn kernel_at(fun: Fun, compute: DType, level: Level) -> Option<Kernel> {
            match fun { $($(Fun::$name => $module::$name::kernel(compute, level),)+)+ }
        }
    };
}

use kernel::select;

funs! {
    arith: Add Sub Rsub Mul Div DivFloor DivTrunc DivTruncHalf Remainder Fmod Pow Atan2 Hypot Maximum Minimum Fmax Fmin Copysign
        Nextafter Logaddexp Logaddexp2 Gcd Lcm Xlogy Xlog1py Heaviside Lerp Addcmul Addcdiv Clamp ClampTensor
        NanToNum;
    unary: Positive Neg Abs Sign Sgn Square Cube InverseSquare Sqrt Rsqrt Reciprocal Floor Ceil Round RoundDecimals Trunc
        Frac;
    complex: Conj Real Imag Angle Complex Polar;
    compare: Eq Ne Lt Le Gt Ge LogicalAnd LogicalOr LogicalXor LogicalNot BitAnd BitOr BitXor BitNot Shl Shr IsNan IsInf
        IsFinite IsPosInf IsNegInf Signbit;
    select: Where;
    elementary: Exp Exp2 Expm1 Log Log2 Log10 Log1p Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Erf Erfc
        Erfcx Sigmoid Logit LogitBackward Sinc Entr;
    activation: Relu LeakyRelu LeakyReluBackward Threshold ThresholdBackward HardtanhBackward Elu EluBackward Gelu
        GeluBackward GeluTanh GeluTanhBackward Silu SiluBackward Mish MishBackward SigmoidBackward TanhBackward Softplus
        SoftplusBackward LogSigmoid LogSigmoidBackward Hardsigmoid HardsigmoidBackward Hardswish HardswishBackward
        Softshrink Hardshrink ShrinkBackward Tanhshrink Prelu PreluBackward PreluBackwardWeight;
    loss: Mse MseBackward L1Backward SmoothL1 SmoothL1Backward Huber HuberBackward Bce BceBackward BceWithLogits
        BceWithLogitsPos BceWithLogitsBackward BceWithLogitsPosBackward;
    special: Ndtr LogNdtr Lgamma Digamma Trigamma Polygamma Zeta Erfinv Ndtri AiryAi I0 I0e I1 I1e K0 K1 ScaledK0 ScaledK1 BesselJ0 BesselJ1 BesselY0
        BesselY1 SphericalBesselJ0 Gammainc Gammaincc GammaGrad DirichletGrad Mantissa Exponent ChebyshevT ChebyshevU ChebyshevV ChebyshevW
        ShiftedChebyshevT ShiftedChebyshevU ShiftedChebyshevV ShiftedChebyshevW HermiteH HermiteHe LaguerreL LegendreP;
}

impl Fun {
    /// The dtype that the function's loop for `compute` writes; `compute` itself where there is no such loop.
    pub fn out_dtype(self, compute: DType) -> DType {
        kernel(self, compute).map_or(compute, |k| k.out)
    }

    /// The dtype of input `k`: the compute dtype, but bool for the mask of `Where`.
    #[inline]
    pub fn in_dtype(self, k: usize, compute: DType) -> DType {
        if self == Fun::Where && k == 0 { DType::Bool } else { compute }
    }
}

/// The loops of all functions and dtypes at this processor's level.
static KERNELS: LazyLock<Vec<Option<Kernel>>> = LazyLock::new(|| {
    let pairs = Fun::ALL.iter().flat_map(|&fun| DType::ALL.map(|d| (fun, d)));
    pairs.map(|(fun, d)| kernel_at(fun, d, level())).collect()
});

/// The contiguous loop of a function for a compute dtype; None where it is not defined. f16 and bf16 are compute
/// dtypes of `Where` alone.
#[inline]
pub fn kernel(fun: Fun, compute: DType) -> Option<Kernel> {
    KERNELS[fun as usize * DType::ALL.len() + compute as usize]
}
