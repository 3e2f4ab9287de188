//! Elements of every dtype in words of 32 bits: what the host writes to load them.

use crate::error::{Error, Kind, Result, three_parts};
use crate::tensor::DType;

/// Can tensors of a dtype lie on the GPU?
pub fn has_storage(dtype: DType) -> bool {
    // Words without a sign are what other dtypes are copied as.
    dtype != DType::U32 && stored(dtype).is_some()
}

/// The name of a dtype in `lib/dtype.wgsl`, and the power of two of its elements in a word.
pub(super) fn stored(dtype: DType) -> Option<(&'static str, u32)> {
    Some(match dtype {
        DType::F32 => ("f32", 0),
        DType::I32 => ("i32", 0),
        DType::U32 => ("u32", 0),
        DType::F16 => ("f16", 1),
        DType::BF16 => ("bf16", 1),
        DType::I16 => ("i16", 1),
        DType::U8 => ("u8", 2),
        DType::I8 => ("i8", 2),
        DType::Bool => ("bool", 2),
        DType::I64 => ("i64", 0),
        DType::F64 | DType::C64 | DType::C128 | DType::U16 | DType::U64 => return None,
    })
}

/// The type in WGSL that holds elements of a dtype.
pub(super) fn held(dtype: DType) -> &'static str {
    match dtype {
        DType::U8 | DType::U32 | DType::Bool => "u32",
        d if d.is_integral(true) => "i32",
        _ => "f32",
    }
}

/// The type in WGSL that kernels compute in for a compute dtype: two words for int64.
pub(super) fn computed(dtype: DType) -> &'static str {
    if dtype == DType::I64 { WIDE } else { held(dtype) }
}

/// An int64 in WGSL, see `lib/int64.wgsl`.
pub(super) const WIDE: &str = "vec2<u32>";

/// A number of one type of WGSL as another.
pub(super) fn convert(from: &str, to: &str, x: &str) -> String {
    match (from, to) {
        _ if from == to => x.to_owned(),
        ("f32", WIDE) => format!("i64_of_f32({x})"),
        ("i32", WIDE) => format!("i64_of_i32({x})"),
        (_, WIDE) => format!("i64_of_u32({x})"),
        (WIDE, "f32") => format!("f32_of_i64({x})"),
        (WIDE, "i32") => format!("bitcast<i32>(({x}).x)"),
        (WIDE, _) => format!("({x}).x"),
        _ => format!("{to}({x})"),
    }
}

/// The expression for element `e` of `buffer` as a `compute` number of WGSL.
pub(super) fn load(dtype: DType, compute: &str, buffer: &str, e: &str) -> String {
    let (name, shift) = stored(dtype).unwrap_or(("f32", 0));
    match (dtype, compute) {
        (DType::I64, WIDE) => format!("vec2<u32>({buffer}[2u * {e}], {buffer}[2u * {e} + 1u])"),
        (DType::I64, "f32") => format!("load_i64_f32({buffer}[2u * {e}], {buffer}[2u * {e} + 1u])"),
        (DType::I64, "i32") => format!("load_i64({buffer}[2u * {e}], {e})"),
        // As a truth value: both words count.
        (DType::I64, _) => format!("({buffer}[2u * {e}] | {buffer}[2u * {e} + 1u])"),
        _ => {
            let element = format!("load_{name}({buffer}[{e} >> {shift}u], {e})");
            convert(held(dtype), compute, &element)
        }
    }
}

/// An error if a kernel cannot load or store elements of a dtype.
pub(super) fn check_stored(name: &str, dtype: DType) -> Result<()> {
    if stored(dtype).is_some() { Ok(()) } else { Err(unsupported(name, dtype.name())) }
}

/// The error of what WGSL has no means for.
#[cold]
pub(super) fn unsupported(name: &str, what: &str) -> Error {
    three_parts(
        Kind::NotImplemented,
        None,
        format!("{name}: expected what GPUs compute with"),
        what.to_owned(),
        "Convert with .float(), or move the tensor with .cpu() first.".to_owned(),
    )
}
