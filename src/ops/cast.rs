//! Conversions between dtypes and devices.

use super::copy::to;
use crate::error::Result;
use crate::ops;
use crate::tensor::{DType, Device, MemoryFormat, Tensor};

fn format(f: Option<MemoryFormat>) -> MemoryFormat {
    f.unwrap_or(MemoryFormat::Preserve)
}

fn to_dtype(x: &Tensor, dtype: DType, copy: bool, f: Option<MemoryFormat>) -> Result<Tensor> {
    to(x, Some(dtype), None, copy, format(f))
}

fn to_device(
    x: &Tensor,
    device: Option<Device>,
    dtype: Option<DType>,
    copy: bool,
    f: Option<MemoryFormat>,
) -> Result<Tensor> {
    to(x, dtype, device, copy, format(f))
}

fn to_other(x: &Tensor, other: &Tensor, copy: bool, f: Option<MemoryFormat>) -> Result<Tensor> {
    to(x, Some(other.dtype()), Some(other.device()), copy, format(f))
}

fn type_as(x: &Tensor, other: &Tensor) -> Result<Tensor> {
    to_other(x, other, false, None)
}

fn cpu(x: &Tensor, f: Option<MemoryFormat>) -> Result<Tensor> {
    to(x, None, Some(Device::Cpu), false, format(f))
}

macro_rules! shorthands {
    ($($name:ident $dtype:ident;)*) => { $(fn $name(x: &Tensor, f: Option<MemoryFormat>) -> Result<Tensor> { to_dtype(x, DType::$dtype, false, f) })* };
}
shorthands! { float F32; double F64; half F16; bfloat16 BF16; long I64; int I32; short I16; char I8; byte U8; bool_ Bool; cfloat C64; cdouble C128; }

ops! {
    /// Another dtype; the tensor itself if nothing changes, unless `copy`.
    "to(Tensor self, ScalarType dtype, bool non_blocking=False, bool copy=False, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => to_dtype(0, 1, 3, 4);
    /// Another device and dtype.
    "to(Tensor self, Device? device=None, ScalarType? dtype=None, bool non_blocking=False, bool copy=False, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => to_device(0, 1, 2, 4, 5);
    /// The dtype and device of another tensor.
    "to(Tensor self, Tensor other, bool non_blocking=False, bool copy=False, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => to_other(0, 1, 3, 4);
    /// The dtype of another tensor.
    "type_as(Tensor self, Tensor other) -> Tensor" [m v] => type_as(0, 1);
    /// On the CPU.
    "cpu(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => cpu(0, 1);
    /// float32.
    "float(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => float(0, 1);
    /// float64.
    "double(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => double(0, 1);
    /// float16.
    "half(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => half(0, 1);
    /// bfloat16.
    "bfloat16(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => bfloat16(0, 1);
    /// int64.
    "long(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => long(0, 1);
    /// int32.
    "int(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => int(0, 1);
    /// int16.
    "short(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => short(0, 1);
    /// int8.
    "char(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => char(0, 1);
    /// uint8.
    "byte(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => byte(0, 1);
    /// bool: everything but 0 is true.
    "bool(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => bool_(0, 1);
    /// complex64.
    "cfloat(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => cfloat(0, 1);
    /// complex128.
    "cdouble(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor" [m v] => cdouble(0, 1);
}
