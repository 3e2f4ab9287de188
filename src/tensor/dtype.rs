//! Element types: the enum that tensors carry and the Rust type behind each.

use half::{bf16, f16};
use num_complex::Complex;

/// A boolean element. One byte, 0 or 1 when written by us; foreign memory may hold any byte, and
/// everything but 0 is true, so it must never be read as a Rust `bool`.
#[derive(Clone, Copy, Default, Debug)]
#[repr(transparent)]
pub struct Bool8(pub u8);

impl Bool8 {
    /// True for any byte but 0.
    #[inline(always)]
    pub fn get(self) -> bool {
        self.0 != 0
    }
}

impl From<bool> for Bool8 {
    #[inline(always)]
    fn from(b: bool) -> Self {
        Bool8(b as u8)
    }
}

impl PartialEq for Bool8 {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

/// Complex number of two f32.
pub type C64 = Complex<f32>;
/// Complex number of two f64.
pub type C128 = Complex<f64>;

/// The element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "each variant is the dtype of its name")]
pub enum DType {
    Bool,
    U8,
    I8,
    I16,
    I32,
    I64,
    U16,
    U32,
    U64,
    F16,
    BF16,
    F32,
    F64,
    C64,
    C128,
}

/// Coarse kinds of element types, in the order of type promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each variant is the category of its name")]
pub enum Category {
    Bool,
    Int,
    Float,
    Complex,
}

impl DType {
    /// All dtypes, in the order of their discriminants.
    pub const ALL: [DType; 15] = [
        DType::Bool,
        DType::U8,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F16,
        DType::BF16,
        DType::F32,
        DType::F64,
        DType::C64,
        DType::C128,
    ];

    /// Bytes of one element.
    #[inline]
    pub fn size(self) -> usize {
        match self {
            DType::Bool | DType::U8 | DType::I8 => 1,
            DType::I16 | DType::U16 | DType::F16 | DType::BF16 => 2,
            DType::I32 | DType::U32 | DType::F32 => 4,
            DType::I64 | DType::U64 | DType::F64 | DType::C64 => 8,
            DType::C128 => 16,
        }
    }

    /// torch's name, without the `torch.` before it.
    pub fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::U8 => "uint8",
            DType::I8 => "int8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::U16 => "uint16",
            DType::U32 => "uint32",
            DType::U64 => "uint64",
            DType::F16 => "float16",
            DType::BF16 => "bfloat16",
            DType::F32 => "float32",
            DType::F64 => "float64",
            DType::C64 => "complex64",
            DType::C128 => "complex128",
        }
    }

    /// The C++ scalar name that torch's error texts use.
    pub fn scalar_name(self) -> &'static str {
        match self {
            DType::Bool => "Bool",
            DType::U8 => "Byte",
            DType::I8 => "Char",
            DType::I16 => "Short",
            DType::I32 => "Int",
            DType::I64 => "Long",
            DType::U16 => "UInt16",
            DType::U32 => "UInt32",
            DType::U64 => "UInt64",
            DType::F16 => "Half",
            DType::BF16 => "BFloat16",
            DType::F32 => "Float",
            DType::F64 => "Double",
            DType::C64 => "ComplexFloat",
            DType::C128 => "ComplexDouble",
        }
    }

    /// The C++ type's name as its compiler spells it, which some of torch's error texts use.
    pub fn c_name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::U8 => "unsigned char",
            DType::I8 => "signed char",
            DType::I16 => "short int",
            DType::I32 => "int",
            DType::I64 => "long int",
            DType::F16 => "c10::Half",
            DType::BF16 => "c10::BFloat16",
            DType::F32 => "float",
            DType::F64 => "double",
            DType::C64 => "c10::complex<float>",
            DType::C128 => "c10::complex<double>",
            DType::U16 => "short unsigned int",
            DType::U32 => "unsigned int",
            DType::U64 => "long unsigned int",
        }
    }

    /// The C++ type's name as torch's source spells it, which other texts use.
    pub fn typedef_name(self) -> &'static str {
        match self {
            DType::U8 => "uint8_t",
            DType::I8 => "int8_t",
            DType::I16 => "int16_t",
            DType::I64 => "int64_t",
            DType::U16 => "uint16_t",
            DType::U32 => "uint32_t",
            DType::U64 => "uint64_t",
            same => same.c_name(),
        }
    }

    /// bool, integer, floating or complex.
    #[inline]
    pub fn category(self) -> Category {
        match self {
            DType::Bool => Category::Bool,
            DType::F16 | DType::BF16 | DType::F32 | DType::F64 => Category::Float,
            DType::C64 | DType::C128 => Category::Complex,
            _ => Category::Int,
        }
    }

    /// f16, bf16, f32 or f64.
    #[inline]
    pub fn is_float(self) -> bool {
        self.category() == Category::Float
    }

    /// complex64 or complex128.
    #[inline]
    pub fn is_complex(self) -> bool {
        self.category() == Category::Complex
    }

    /// Any integer type or, if `with_bool`, bool.
    #[inline]
    pub fn is_integral(self, with_bool: bool) -> bool {
        match self.category() {
            Category::Int => true,
            Category::Bool => with_bool,
            _ => false,
        }
    }

    /// Can tensors of this type require a gradient?
    #[inline]
    pub fn is_differentiable(self) -> bool {
        self.category() >= Category::Float
    }

    /// Has a sign (bool and the unsigned types have none).
    pub fn is_signed(self) -> bool {
        !matches!(self, DType::Bool | DType::U8 | DType::U16 | DType::U32 | DType::U64)
    }

    /// f16 and bf16, which kernels compute in f32.
    #[inline]
    pub fn is_half(self) -> bool {
        matches!(self, DType::F16 | DType::BF16)
    }

    /// The real type of a complex one; any other type is its own.
    pub fn to_real(self) -> DType {
        match self {
            DType::C64 => DType::F32,
            DType::C128 => DType::F64,
            other => other,
        }
    }

    /// The complex type that holds this float type without loss.
    pub fn to_complex(self) -> DType {
        match self {
            DType::F64 | DType::C128 => DType::C128,
            _ => DType::C64,
        }
    }
}

/// A Rust type that can be a tensor's element.
pub trait Element: Copy + Send + Sync + 'static {
    /// The dtype of this element type.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($t:ty => $d:ident),+ $(,)?) => { $(impl Element for $t { const DTYPE: DType = DType::$d; })+ };
}
elements!(Bool8 => Bool, u8 => U8, i8 => I8, i16 => I16, i32 => I32, i64 => I64, u16 => U16, u32 => U32, u64 => U64,
    f16 => F16, bf16 => BF16, f32 => F32, f64 => F64, C64 => C64, C128 => C128);

/// Runs a block with `$t` naming the element type of a dtype.
///
/// `with_dtype!(dtype, T => body)` covers all dtypes; `with_dtype!(dtype, [F32: f32, F64: f64], T => body, else other)`
/// covers a list and evaluates `other` for the rest.
#[macro_export]
macro_rules! with_dtype {
    ($d:expr, [$($v:ident : $ty:ty),+ $(,)?], $t:ident => $body:expr, else $other:expr) => {
        match $d { $($crate::tensor::DType::$v => { type $t = $ty; $body })+ #[allow(unreachable_patterns, reason = "a list may name every dtype")] _ => $other }
    };
    ($d:expr, $t:ident => $body:expr) => {
        match $d {
            $crate::tensor::DType::Bool => { type $t = $crate::tensor::Bool8; $body }
            $crate::tensor::DType::U8 => { type $t = u8; $body }
            $crate::tensor::DType::I8 => { type $t = i8; $body }
            $crate::tensor::DType::I16 => { type $t = i16; $body }
            $crate::tensor::DType::I32 => { type $t = i32; $body }
            $crate::tensor::DType::I64 => { type $t = i64; $body }
            $crate::tensor::DType::U16 => { type $t = u16; $body }
            $crate::tensor::DType::U32 => { type $t = u32; $body }
            $crate::tensor::DType::U64 => { type $t = u64; $body }
            $crate::tensor::DType::F16 => { type $t = half::f16; $body }
            $crate::tensor::DType::BF16 => { type $t = half::bf16; $body }
            $crate::tensor::DType::F32 => { type $t = f32; $body }
            $crate::tensor::DType::F64 => { type $t = f64; $body }
            $crate::tensor::DType::C64 => { type $t = $crate::tensor::dtype::C64; $body }
            $crate::tensor::DType::C128 => { type $t = $crate::tensor::dtype::C128; $body }
        }
    };
}
