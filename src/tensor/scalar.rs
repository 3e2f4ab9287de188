//! Python numbers on their way into kernels.

use super::DType;

/// A Python number.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "each variant is the Python type of its name")]
pub enum Scalar {
    Bool(bool),
    Int(i64),
    /// An int from 2^63 to 2^64 - 1.
    Wide(u64),
    Float(f64),
    Complex(f64, f64),
}

impl Scalar {
    /// The dtype that a 0-d tensor made of this number has before promotion.
    pub fn dtype(self) -> DType {
        match self {
            Scalar::Bool(_) => DType::Bool,
            Scalar::Int(_) => DType::I64,
            Scalar::Wide(_) => DType::U64,
            Scalar::Float(_) => DType::F64,
            Scalar::Complex(..) => DType::C128,
        }
    }

    /// The number as a double; the imaginary part is dropped.
    pub fn f64(self) -> f64 {
        match self {
            Scalar::Bool(b) => b as u8 as f64,
            Scalar::Int(i) => i as f64,
            Scalar::Wide(u) => u as f64,
            Scalar::Float(f) | Scalar::Complex(f, _) => f,
        }
    }

    /// The number as an integer, truncated; from 2^63 on ints wrap.
    pub fn i64(self) -> i64 {
        match self {
            Scalar::Bool(b) => b as i64,
            Scalar::Int(i) => i,
            Scalar::Wide(u) => u as i64,
            Scalar::Float(f) | Scalar::Complex(f, _) => f as i64,
        }
    }

    /// The number as an integer, truncated; ints keep their value.
    pub fn i128(self) -> i128 {
        if let Scalar::Wide(u) = self { u as i128 } else { self.i64() as i128 }
    }

    /// The imaginary part.
    pub fn imag(self) -> f64 {
        if let Scalar::Complex(_, i) = self { i } else { 0.0 }
    }

    /// Is it equal to this real number?
    pub fn is(self, value: f64) -> bool {
        self.f64() == value && self.imag() == 0.0
    }

    /// Is it a bool, int, float or complex number, in the order of promotion?
    pub fn category(self) -> super::Category {
        self.dtype().category()
    }

    /// Can an element of `dtype` hold this number? Unsigned types take negative numbers of their size, which wrap;
    /// floats round and are too large only beyond the largest finite one; infinities fit every float.
    pub fn fits(self, dtype: DType) -> bool {
        let (re, im) = match self {
            Scalar::Bool(_) => return true,
            Scalar::Complex(re, im) => (Scalar::Float(re), im),
            other => (other, 0.0),
        };
        let finite = |v: f64, max: f64| !v.is_finite() || v.abs() <= max;
        let largest = |d: DType| match d {
            DType::F16 => 65504.0,
            DType::BF16 => half::bf16::MAX.to_f64(),
            DType::F32 => f32::MAX as f64,
            _ => f64::MAX,
        };
        match dtype {
            DType::Bool => true,
            d if d.is_complex() => finite(re.f64(), largest(d.to_real())) && finite(im, largest(d.to_real())),
            _ if im != 0.0 => false,
            d if d.is_float() => finite(re.f64(), largest(d)),
            d => {
                let bits = 8 * d.size() as u32;
                let (min, max) = match d.is_signed() {
                    true => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
                    false => (-((1i128 << bits) - 1), (1i128 << bits) - 1),
                };
                match re {
                    // 2^63 is the float nearest to the largest int64, and passes as in torch.
                    Scalar::Float(f) => f >= min as f64 && f <= max as f64,
                    Scalar::Wide(u) => u as i128 <= max,
                    other => (min..=max).contains(&(other.i64() as i128)),
                }
            }
        }
    }

    /// The bytes of one element of `dtype` with this value (C's conversions, as torch's `fill_`).
    pub fn to_bytes(self, dtype: DType) -> [u8; 16] {
        let mut out = [0u8; 16];
        macro_rules! put {
            ($v:expr) => {{
                let bytes = $v.to_ne_bytes();
                out[..bytes.len()].copy_from_slice(&bytes);
            }};
        }
        macro_rules! int {
            ($t:ty) => {
                match self {
                    Scalar::Float(f) | Scalar::Complex(f, _) => put!((f as i64 as $t)),
                    other => put!((other.i64() as $t)),
                }
            };
        }
        match dtype {
            DType::Bool => {
                out[0] = match self {
                    Scalar::Bool(b) => b as u8,
                    Scalar::Int(i) => (i != 0) as u8,
                    Scalar::Wide(_) => 1,
                    Scalar::Float(f) => (f != 0.0) as u8,
                    Scalar::Complex(r, i) => (r != 0.0 || i != 0.0) as u8,
                }
            }
            DType::U8 => int!(u8),
            DType::I8 => int!(i8),
            DType::I16 => int!(i16),
            DType::I32 => int!(i32),
            DType::I64 => int!(i64),
            DType::U16 => int!(u16),
            DType::U32 => int!(u32),
            DType::U64 => match self {
                // From 2^63 on the value is beyond an i64; below 0 it wraps as the other unsigned dtypes do.
                Scalar::Float(f) | Scalar::Complex(f, _) if f >= i64::MAX as f64 => put!((f as u64)),
                _ => int!(u64),
            },
            DType::F16 => put!(half::f16::from_f32(self.f32())),
            DType::BF16 => put!(half::bf16::from_f32(self.f32())),
            DType::F32 => put!(self.f32()),
            DType::F64 => put!(self.f64()),
            DType::C64 => {
                put!(self.f32());
                out[4..8].copy_from_slice(&(self.imag() as f32).to_ne_bytes());
            }
            DType::C128 => {
                put!(self.f64());
                out[8..16].copy_from_slice(&self.imag().to_ne_bytes());
            }
        }
        out
    }

    fn f32(self) -> f32 {
        match self {
            Scalar::Int(i) => i as f32,
            Scalar::Wide(u) => u as f32,
            other => other.f64() as f32,
        }
    }

    /// Reads one element of `dtype`.
    ///
    /// # Safety
    /// `ptr` points at an element of `dtype`.
    pub unsafe fn read(ptr: *const u8, dtype: DType) -> Scalar {
        macro_rules! get {
            ($t:ty) => {
                // SAFETY: the caller points at an element of this type.
                unsafe { ptr.cast::<$t>().read_unaligned() }
            };
        }
        match dtype {
            DType::Bool => Scalar::Bool(get!(u8) != 0),
            DType::U8 => Scalar::Int(get!(u8) as i64),
            DType::I8 => Scalar::Int(get!(i8) as i64),
            DType::I16 => Scalar::Int(get!(i16) as i64),
            DType::I32 => Scalar::Int(get!(i32) as i64),
            DType::I64 => Scalar::Int(get!(i64)),
            DType::U16 => Scalar::Int(get!(u16) as i64),
            DType::U32 => Scalar::Int(get!(u32) as i64),
            DType::U64 => match get!(u64) {
                u if u > i64::MAX as u64 => Scalar::Wide(u),
                u => Scalar::Int(u as i64),
            },
            DType::F16 => Scalar::Float(get!(half::f16).to_f64()),
            DType::BF16 => Scalar::Float(get!(half::bf16).to_f64()),
            DType::F32 => Scalar::Float(get!(f32) as f64),
            DType::F64 => Scalar::Float(get!(f64)),
            DType::C64 => {
                let z = get!(num_complex::Complex<f32>);
                Scalar::Complex(z.re as f64, z.im as f64)
            }
            DType::C128 => {
                let z = get!(num_complex::Complex<f64>);
                Scalar::Complex(z.re, z.im)
            }
        }
    }
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scalar::Bool(b) => write!(f, "{}", if *b { "True" } else { "False" }),
            Scalar::Int(i) => write!(f, "{i}"),
            Scalar::Wide(u) => write!(f, "{u}"),
            Scalar::Float(x) => write!(f, "{x}"),
            Scalar::Complex(re, im) => write!(f, "({re}{im:+}j)"),
        }
    }
}

impl From<f64> for Scalar {
    fn from(v: f64) -> Self {
        Scalar::Float(v)
    }
}
impl From<i64> for Scalar {
    fn from(v: i64) -> Self {
        Scalar::Int(v)
    }
}
impl From<bool> for Scalar {
    fn from(v: bool) -> Self {
        Scalar::Bool(v)
    }
}
