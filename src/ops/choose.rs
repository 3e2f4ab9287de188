//! Choosing between values: by a condition, by a mask, by limits.

use super::copy::{contiguous, to_dtype};
use super::pointwise::Class::Same;
use super::pointwise::{At, D, Pw, X, Y, Z, apply, number};
use crate::autograd::named;
use crate::dispatch::{Fun, Params};
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::{DType, Scalar, Tensor};

static WHERE: Pw = Pw {
    name: "where",
    node: "WhereBackward0",
    fun: Fun::Where,
    class: Same,
    grads: &[
        None,
        Some(D(X, |a| where_(&a.x()?, a.g, &number(0.0)?))),
        Some(D(X, |a| where_(&a.x()?, &number(0.0)?, a.g))),
    ],
};

/// `x` where the condition holds, else `y`.
pub fn where_(condition: &Tensor, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    where_dest(condition, x, y, &Dest::New)
}

fn where_dest(condition: &Tensor, x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    if !matches!(condition.dtype(), DType::Bool | DType::U8) {
        fail!(Runtime, torch: ("where expected condition to be a boolean tensor, but got a tensor with dtype {}", condition.dtype().scalar_name()),
            expected: ("where: expected a bool condition"), got: ("{}", condition.dtype().name()), fix: ("Use .bool() or a comparison."));
    }
    let condition = to_dtype(condition, DType::Bool)?;
    apply(&WHERE, &[&condition, x, y], Params::default(), dest)
}

fn places(condition: &Tensor) -> Result<Vec<Tensor>> {
    let condition = if condition.ndim() == 0 { &super::view::unsqueeze(condition, 0)? } else { condition };
    super::split::unbind(&super::index::nonzero(condition)?, 1)
}

/// Refuses an int from 2^63 on beside an integer dtype that cannot hold it.
pub fn check_number(value: &Tensor, dtype: DType) -> Result<()> {
    if value.is_wrapped_number() && value.dtype() == DType::U64 && dtype.is_integral(true) {
        super::create::check_value(Scalar::Wide(value.item()?.i64() as u64), dtype)?;
    }
    Ok(())
}

/// Values limited to `[min, max]`; NaN stays.
pub fn clamp(x: &Tensor, min: Option<&Tensor>, max: Option<&Tensor>, dest: &Dest) -> Result<Tensor> {
    [min, max].into_iter().flatten().try_for_each(|bound| check_number(bound, x.dtype()))?;
    match (min, max) {
        (Some(lo), Some(hi)) => apply(&CLAMP, &[x, lo, hi], Params::default(), dest),
        (Some(lo), None) => apply(&CLAMP_MIN, &[x, lo], Params::default(), dest),
        (None, Some(hi)) => apply(&CLAMP_MAX, &[x, hi], Params::default(), dest),
        (None, None) => {
            fail!(Runtime, torch: ("torch.clamp: At least one of 'min' or 'max' must not be None"), expected: ("clamp: expected min or max"), got: ("neither"), fix: ("Give one of them."))
        }
    }
}

fn inside(at: &At) -> Result<Tensor> {
    let x = at.x()?;
    x.ge(&at.y()?)?.logical_and(&x.le(&at.z()?)?)
}

static CLAMP: Pw = Pw {
    name: "clamp",
    node: "ClampBackward1",
    fun: Fun::ClampTensor,
    class: Same,
    grads: &[
        Some(D(X | Y | Z, |a| where_(&inside(a)?, a.g, &number(0.0)?))),
        Some(D(X | Y | Z, |a| {
            let (x, y, z) = (a.x()?, a.y()?, a.z()?);
            where_(&y.lt(&z)?.logical_and(&x.lt(&y)?)?, a.g, &number(0.0)?)
        })),
        Some(D(X | Y | Z, |a| {
            let (x, y, z) = (a.x()?, a.y()?, a.z()?);
            where_(&z.lt(&y)?.logical_or(&x.gt(&z)?)?, a.g, &number(0.0)?)
        })),
    ],
};
static CLAMP_MIN: Pw = Pw {
    name: "clamp_min",
    node: "ClampMinBackward0",
    fun: Fun::Maximum,
    class: Same,
    grads: &[
        Some(D(X | Y, |a| where_(&a.x()?.ge(&a.y()?)?, a.g, &number(0.0)?))),
        Some(D(X | Y, |a| where_(&a.x()?.lt(&a.y()?)?, a.g, &number(0.0)?))),
    ],
};
static CLAMP_MAX: Pw = Pw {
    name: "clamp_max",
    node: "ClampMaxBackward0",
    fun: Fun::Minimum,
    class: Same,
    grads: &[
        Some(D(X | Y, |a| where_(&a.x()?.le(&a.y()?)?, a.g, &number(0.0)?))),
        Some(D(X | Y, |a| where_(&a.x()?.gt(&a.y()?)?, a.g, &number(0.0)?))),
    ],
};

/// `value` where the mask holds, else `x`.
pub fn masked_fill(x: &Tensor, mask: &Tensor, value: &Tensor) -> Result<Tensor> {
    if mask.dtype() != DType::Bool {
        fail!(Runtime, torch: ("masked_fill_ only supports boolean masks, but got mask with dtype {}", mask.dtype().scalar_name().to_lowercase()), expected: ("masked_fill: expected a bool mask"), got: ("{}", mask.dtype().name()), fix: ("Use .bool() or a comparison."));
    }
    if value.ndim() != 0 {
        fail!(Runtime, torch: ("masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).", value.ndim()), expected: ("masked_fill: expected a number or a 0-d tensor"), got: ("shape {:?}", value.shape()), fix: ("Use where() or masked_scatter()."));
    }
    check_number(value, x.dtype())?;
    let number = value.is_wrapped_number();
    let value = if value.dtype() == x.dtype() {
        value.clone()
    } else {
        let float_tensor = value.dtype().is_float() && x.dtype().is_integral(true) && !number;
        if (value.dtype().is_complex() && !x.dtype().is_complex()) || float_tensor {
            fail!(Runtime, torch: ("value cannot be converted to type {} without overflow", x.dtype().c_name()), expected: ("masked_fill: expected a value of dtype {}", x.dtype().name()), got: ("{}", value.dtype().name()), fix: ("Convert x first."));
        }
        if !value.is_meta() {
            super::create::check_value(value.item()?, x.dtype())?;
        }
        to_dtype(value, x.dtype())?
    };
    // As in torch, the result is contiguous whatever the order of dims. An expanded mask is not copied for that.
    let y = contiguous(&where_(mask, &value, &contiguous(x)?)?)?;
    Ok(named(y, if number { "MaskedFillBackward0" } else { "MaskedFillBackward1" }, x))
}

ops! {
    /// `value` where the mask holds, else self. The mask broadcasts.
    "masked_fill(Tensor self, Tensor mask, Operand value) -> Tensor" [f m i] => masked_fill(0, 1, 2);
    @
    /// `self` where the condition holds, else `other`.
    "where(Tensor condition, Operand self, Operand other) -> Tensor" [f o] => |a| where_dest(a.get(0)?, a.get(1)?, a.get(2)?, &a.dest());
    /// The indices of the elements that hold, one tensor per dim.
    "where(Tensor condition) -> Tensor[]" [f] => |a| places(a.get(0)?);
    /// `self` where the condition holds, else `other`.
    "where(Tensor self, Tensor condition, Operand other) -> Tensor" [m] => |a| where_dest(a.get(1)?, a.get(0)?, a.get(2)?, &a.dest());
    /// Values limited to `[min, max]`; NaN stays.
    "clamp(Tensor self, Operand? min=None, Operand? max=None) -> Tensor" [f m i o] => |a| clamp(a.get(0)?, a.get(1)?, a.get(2)?, &a.dest());
    /// Values of at least `min`.
    "clamp_min(Tensor self, Operand min) -> Tensor" [f m i o] => |a| clamp(a.get(0)?, Some(a.get(1)?), None, &a.dest());
    /// Values of at most `max`.
    "clamp_max(Tensor self, Operand max) -> Tensor" [f m i o] => |a| clamp(a.get(0)?, None, Some(a.get(1)?), &a.dest());
}
