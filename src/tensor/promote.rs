//! torch's type promotion: dimensioned tensors outrank 0-d ones, which outrank Python numbers.

use super::{Category, DType, Tensor};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

static DEFAULT: AtomicU8 = AtomicU8::new(DType::F32 as u8);

/// The dtype of new floating tensors.
pub fn default_dtype() -> DType {
    DType::ALL[DEFAULT.load(Relaxed) as usize]
}

/// Sets the dtype of new floating tensors.
pub fn set_default_dtype(dtype: DType) {
    DEFAULT.store(dtype as u8, Relaxed);
}

/// The complex dtype that goes with the default dtype.
pub fn default_complex() -> DType {
    default_dtype().to_complex()
}

/// The smallest dtype that both convert to (`torch.promote_types`).
pub fn promote(a: DType, b: DType) -> DType {
    use DType::*;
    if a == b {
        return a;
    }
    let (lo, hi) = if (a.category(), a) <= (b.category(), b) { (a, b) } else { (b, a) };
    match (lo.category(), hi.category()) {
        (_, Category::Complex) => {
            if lo == F64 || hi == C128 {
                C128
            } else {
                C64
            }
        }
        (Category::Float, Category::Float) => {
            if lo == F16 && hi == BF16 {
                F32
            } else {
                hi
            }
        }
        (_, Category::Float) => hi,
        (Category::Bool, Category::Int) => hi,
        _ => match (lo, hi) {
            // torch refuses to mix the wide unsigned types with other integers; the wider signed type holds most of both.
            (U8, I8) => I16,
            (I8 | I16 | I32 | I64, U16) => promote(lo, I32),
            (I8 | I16 | I32 | I64, U32 | U64) => I64,
            _ => hi,
        },
    }
}

/// Collects operands' types by rank.
#[derive(Clone, Copy, Default)]
pub struct ResultType {
    dim: Option<DType>,
    zero: Option<DType>,
    wrapped: Option<DType>,
}

fn join(a: Option<DType>, b: DType) -> Option<DType> {
    Some(a.map_or(b, |a| promote(a, b)))
}

impl ResultType {
    /// Adds a tensor.
    #[inline]
    pub fn add(&mut self, t: &Tensor) {
        if t.is_wrapped_number() {
            let d = t.dtype();
            let d = match d.category() {
                Category::Float => default_dtype(),
                Category::Complex => default_complex(),
                _ => d,
            };
            self.wrapped = join(self.wrapped, d);
        } else if t.ndim() > 0 {
            self.dim = join(self.dim, t.dtype());
        } else {
            self.zero = join(self.zero, t.dtype());
        }
    }

    /// Adds a Python number.
    pub fn add_scalar(&mut self, s: super::Scalar) {
        let d = match s.category() {
            Category::Float => default_dtype(),
            Category::Complex => default_complex(),
            _ => s.dtype(),
        };
        self.wrapped = join(self.wrapped, d);
    }

    /// The promoted dtype.
    #[inline]
    pub fn get(self) -> DType {
        let lower = match (self.zero, self.wrapped) {
            (None, None) => return self.dim.unwrap_or(default_dtype()),
            (None, Some(w)) => Some(w),
            (Some(z), None) => Some(z),
            (Some(z), Some(w)) => Some(combine(z, w)),
        };
        match (self.dim, lower) {
            (Some(d), Some(l)) => combine(d, l),
            (Some(d), None) => d,
            (None, l) => l.unwrap_or(default_dtype()),
        }
    }
}

/// A higher rank wins unless the lower one is of a higher category.
fn combine(higher: DType, lower: DType) -> DType {
    match (higher.category(), lower.category()) {
        // The precision stays the higher rank's.
        (Category::Float, Category::Complex) => higher.to_complex(),
        (h, l) if l > h => promote(higher, lower),
        _ => higher,
    }
}

/// The dtype of an operation on these tensors (`torch.result_type`).
#[inline]
pub fn result_type(tensors: &[&Tensor]) -> DType {
    if let [a, b] = tensors
        && a.dtype() == b.dtype()
        && !a.is_wrapped_number()
        && !b.is_wrapped_number()
    {
        return a.dtype();
    }
    let mut r = ResultType::default();
    tensors.iter().for_each(|t| r.add(t));
    r.get()
}

/// May a result of `from` be stored into `to` by an in-place operation (`torch.can_cast`)?
pub fn can_cast(from: DType, to: DType) -> bool {
    !(from.is_complex() && !to.is_complex()
        || from.is_float() && to.is_integral(true)
        || from != DType::Bool && to == DType::Bool)
}
