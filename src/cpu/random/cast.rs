//! How torch's generators cast a draw to the element type: C++'s conversions as x86-64 compilers do them.

use crate::tensor::{Bool8, Element};
use half::{bf16, f16};

/// An element type that draws are cast to.
///
/// Named apart from `half`'s own `from_f64`, which would win where the type is known, and which rounds a double of
/// 52 bits as if it had 20.
pub(super) trait Number: Element {
    /// From a double. Integers truncate; what does not fit wraps or becomes the least value, as `cvttsd2si` has it.
    fn of_f64(x: f64) -> Self;
    /// From an integer. Floats round, 16-bit ones by way of f32; integers wrap.
    fn of_i64(x: i64) -> Self;
    /// 0 or 1.
    fn of_bool(x: bool) -> Self;
}

#[inline(always)]
fn to_i32(x: f64) -> i32 {
    if x > -2_147_483_649.0 && x < 2_147_483_648.0 { x as i32 } else { i32::MIN }
}

#[inline(always)]
fn to_i64(x: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) { x as i64 } else { i64::MIN }
}

macro_rules! integers {
    ($($t:ty, $cast:ident);+) => { $(impl Number for $t {
        #[inline(always)]
        fn of_f64(x: f64) -> Self { $cast(x) as $t }
        #[inline(always)]
        fn of_i64(x: i64) -> Self { x as $t }
        #[inline(always)]
        fn of_bool(x: bool) -> Self { x as $t }
    })+ };
}
integers!(u8, to_i32; i8, to_i32; i16, to_i32; u16, to_i32; i32, to_i32; i64, to_i64; u32, to_i64; u64, to_i64);

macro_rules! floats {
    ($($t:ty, $x:ident => $e:expr);+) => { $(impl Number for $t {
        #[inline(always)]
        fn of_f64($x: f64) -> Self { $e }
        #[inline(always)]
        fn of_i64($x: i64) -> Self { $e }
        #[inline(always)]
        fn of_bool(x: bool) -> Self { if x { Self::ONE } else { Self::ZERO } }
    })+ };
}
floats!(f16, x => f16::from_f32(x as f32); bf16, x => bf16::from_f32(x as f32));
impl Number for f32 {
    #[inline(always)]
    fn of_f64(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn of_i64(x: i64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn of_bool(x: bool) -> Self {
        x as u8 as f32
    }
}
impl Number for f64 {
    #[inline(always)]
    fn of_f64(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn of_i64(x: i64) -> Self {
        x as f64
    }
    #[inline(always)]
    fn of_bool(x: bool) -> Self {
        x as u8 as f64
    }
}
impl Number for Bool8 {
    #[inline(always)]
    fn of_f64(x: f64) -> Self {
        (x != 0.0).into()
    }
    #[inline(always)]
    fn of_i64(x: i64) -> Self {
        (x != 0).into()
    }
    #[inline(always)]
    fn of_bool(x: bool) -> Self {
        x.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_range_is_the_processors_answer() {
        assert_eq!(u8::of_f64(300.7), 44);
        assert_eq!(u8::of_f64(1e12), 0);
        assert_eq!(i32::of_f64(1e12), i32::MIN);
        assert_eq!(i32::of_f64(f64::INFINITY), i32::MIN);
        assert_eq!(i32::of_f64(-2_147_483_648.9), i32::MIN);
        assert_eq!(i64::of_f64(1e12), 1_000_000_000_000);
        assert_eq!(i64::of_f64(f64::NAN), i64::MIN);
        assert_eq!(f16::of_i64(2049), f16::from_f32(2048.0));
    }
}
