//! random_ in its three forms, randint's range rules, and permutations.

use super::cast::Number;
use super::words::{Cost, draw, fill};
use crate::error::Result;
use crate::tensor::{Bool8, DType, Element, Generator, Strided};
use crate::{fail, multiversion, with_dtype};
use half::{bf16, f16};

/// What `random_(from, to)` draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntRange {
    /// `base + r` for `r` in `0..count`.
    Count {
        /// Number of values.
        count: u64,
        /// The least value.
        base: i64,
    },
    /// All of int64.
    All,
}

/// Significant bits of a float type.
fn digits(d: DType) -> u32 {
    match d {
        DType::F16 => 11,
        DType::BF16 => 8,
        DType::F32 => 24,
        _ => 53,
    }
}

/// `x` as the nearest value of a float type, back as an integer.
fn rounded(d: DType, x: i64) -> i64 {
    let y = match d {
        DType::F16 => f16::of_i64(x).to_f64(),
        DType::BF16 => bf16::of_i64(x).to_f64(),
        DType::F32 => x as f32 as f64,
        _ => x as f64,
    };
    i64::of_f64(y)
}

/// The spacing of a float type's values around `x`.
fn spacing(d: DType, x: i64) -> i64 {
    1i64.checked_shl((x.unsigned_abs().max(1).ilog2() + 1).saturating_sub(digits(d))).unwrap_or(0)
}

/// Least and greatest value that `random_` accepts for a dtype.
fn limits(d: DType) -> (f64, f64) {
    match d {
        DType::Bool => (0.0, 1.0),
        DType::U8 => (0.0, u8::MAX as f64),
        DType::I8 => (i8::MIN as f64, i8::MAX as f64),
        DType::I16 => (i16::MIN as f64, i16::MAX as f64),
        DType::U16 => (0.0, u16::MAX as f64),
        DType::I32 => (i32::MIN as f64, i32::MAX as f64),
        DType::U32 => (0.0, u32::MAX as f64),
        DType::U64 => (0.0, f64::INFINITY),
        DType::F16 => (-65_504.0, 65_504.0),
        // Every int64 fits the other floats' ranges, and int64 itself.
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// The greatest value of `random_(from, None)`.
fn greatest(d: DType) -> i64 {
    match d {
        DType::Bool => 1,
        DType::U8 => u8::MAX as i64,
        DType::I8 => i8::MAX as i64,
        DType::I16 => i16::MAX as i64,
        DType::I32 => i32::MAX as i64,
        DType::U16 => u16::MAX as i64,
        DType::U32 => u32::MAX as i64,
        DType::U64 => -1, // torch casts 2^64 - 1 to int64, and then refuses it
        DType::I64 => i64::MAX,
        float => 1 << digits(float),
    }
}

fn check_bound(d: DType, name: &str, x: i64) -> Result<()> {
    let (low, high) = limits(d);
    if (x as f64) < low || x as f64 > high {
        fail!(Runtime,
            torch: ("{name} is out of bounds for {}", d.c_name()),
            expected: ("random_: expected {name} to fit {}", d.name()),
            got: ("{x}"),
            fix: ("Narrow the range or use a wider dtype."));
    }
    Ok(())
}

/// The range of `random_(from, to)` or, without `to`, `random_(from, None)`, with torch's checks.
///
/// For floats the ends move inwards to values that the type has, so that rounding cannot leave `[from, to)`.
pub fn int_range(d: DType, from: i64, to: Option<i64>) -> Result<IntRange> {
    if d.is_complex() {
        let what = if to.is_some() { "check_random_bounds" } else { "random_from_to_impl" };
        fail!(Runtime,
            torch: ("{what} handles only integral, floating-point and boolean types"),
            expected: ("random_: expected an integer, float or bool tensor"),
            got: ("{}", d.name()),
            fix: ("Fill the real and the imaginary part apart."));
    }
    let (asked_from, mut from) = (from, from);
    if d.is_float() && (to.is_some() || from != i64::MIN) {
        let above = rounded(d, from.wrapping_add(1));
        if above < from {
            from = above.wrapping_add(spacing(d, from.wrapping_add(1)));
        }
    }
    let last = match to {
        Some(to) => {
            if asked_from >= to {
                fail!(Runtime,
                    torch: ("random_ expects 'from' to be less than 'to', but got from={asked_from} >= to={to}"),
                    expected: ("random_: expected from < to"),
                    got: ("{asked_from} and {to}"),
                    fix: ("Note that to itself is never drawn."));
            }
            let mut end = to;
            if d.is_float() {
                let below = rounded(d, to.wrapping_sub(1));
                if below >= to {
                    end = below.wrapping_sub(spacing(d, to.wrapping_sub(1)));
                }
                if from >= end {
                    fail!(Runtime,
                        torch: ("random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got from={from} >= to={end}"),
                        expected: ("random_: expected {} values within [{asked_from}, {to})", d.name()),
                        got: ("none"),
                        fix: ("Widen the range or use a wider dtype."));
                }
            }
            end - 1
        }
        None if from == i64::MIN => return Ok(IntRange::All),
        None => {
            let last = greatest(d);
            if d.is_float() && from >= last {
                fail!(Runtime,
                    torch: ("random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but got from={from} > to_inc={last}"),
                    expected: ("random_: expected from < {last}, up to which {} holds every integer", d.name()),
                    got: ("{from}"),
                    fix: ("Pass to as well, or use a wider dtype."));
            }
            last
        }
    };
    check_bound(d, "from", from)?;
    check_bound(d, "to - 1", last)?;
    Ok(IntRange::Count { count: (last as u64).wrapping_sub(from as u64).wrapping_add(1), base: from })
}

/// From this many values on, 64 bits a draw: 32 would prefer some values by more than one in 16.
const WIDE_COUNT: u64 = 1 << 28;

multiversion! {
    /// # Safety
    /// `w` holds `n` words, `y` `n` elements; `count` is below 2^28.
    unsafe fn remainders[T: Number](w: *const u32, y: *mut T, n: usize, count: u32, base: i64) {
        // The quotient in doubles is off by at most one, which the remainder's sign and size tell.
        let (d, inverse) = (count as f64, 1.0 / count as f64);
        for i in 0..n {
            let x = *w.add(i) as f64;
            let r = x - (x * inverse).floor() * d;
            let r = if r < 0.0 { r + d } else { r };
            let r = if r >= d { r - d } else { r };
            y.add(i).write(T::of_i64(base.wrapping_add(r as i32 as i64)));
        }
    }
}

#[inline(always)]
unsafe fn pair(w: *const u32) -> u64 {
    // SAFETY: the caller's: two words.
    unsafe { (*w as u64) << 32 | *w.add(1) as u64 }
}

/// `random_(from, to)`, with the range of [`int_range`], for every dtype but complex.
pub fn random(out: &Strided<'_>, range: IntRange, generator: &Generator) {
    let e = &mut generator.lock().engine;
    // SAFETY: dispatch made `out` from a writable tensor of its dtype, and the conversions write `n` elements.
    unsafe {
        with_dtype!(out.dtype, [Bool: Bool8, U8: u8, I8: i8, I16: i16, I32: i32, I64: i64, U16: u16, U32: u32, U64: u64,
            F16: f16, BF16: bf16, F32: f32, F64: f64], T => match range {
            IntRange::Count { count, base } if (1..WIDE_COUNT).contains(&count) => {
                fill(out, e, 1, Cost::Light, &|w, y: *mut T, n| remainders(w, y, n, count as u32, base));
            }
            // A count of 0 is 2^64: every draw is its own remainder.
            IntRange::Count { count, base } => fill(out, e, 2, Cost::Light, &|w, y: *mut T, n| {
                for i in 0..n {
                    let r = pair(w.add(2 * i));
                    let r = r.checked_rem(count).unwrap_or(r);
                    y.add(i).write(T::of_i64((r as i64).wrapping_add(base)));
                }
            }),
            IntRange::All => fill(out, e, 2, Cost::Light, &|w, y: *mut T, n| {
                (0..n).for_each(|i| y.add(i).write(T::of_i64(pair(w.add(2 * i)) as i64)));
            }),
        }, else debug_assert!(false, "random_ of {}", out.dtype.name()));
    }
}

/// `random_()`: all non-negative values of an integer type, 0 to 2^digits of a float, a bit for bool.
pub fn random_full(out: &Strided<'_>, generator: &Generator) {
    let e = &mut generator.lock().engine;
    let d = out.dtype;
    // SAFETY: as in `random`.
    unsafe {
        match d {
            DType::I64 => fill(out, e, 2, Cost::Light, &|w, y: *mut i64, n| {
                (0..n).for_each(|i| y.add(i).write((pair(w.add(2 * i)) & i64::MAX as u64) as i64));
            }),
            DType::F64 => fill(out, e, 2, Cost::Light, &|w, y: *mut f64, n| {
                (0..n).for_each(|i| y.add(i).write((pair(w.add(2 * i)) % ((1 << 53) + 1)) as f64));
            }),
            _ => with_dtype!(d, [F16: f16, BF16: bf16, F32: f32], T => {
                let count = (1 << digits(d)) + 1;
                fill(out, e, 1, Cost::Light, &|w, y: *mut T, n| remainders(w, y, n, count, 0));
            }, else with_dtype!(d, [Bool: Bool8, U8: u8, I8: i8, I16: i16, I32: i32], T => {
                let mask = greatest(d) as u32;
                fill(out, e, 1, Cost::Light, &|w, y: *mut T, n| {
                    (0..n).for_each(|i| y.add(i).write(T::of_i64((*w.add(i) & mask) as i64)));
                });
            }, else debug_assert!(false, "random_ of {}", d.name()))),
        }
    }
}

/// From this length on, `randperm` draws 64 bits an element.
const LONG_PERMUTATION: usize = (u32::MAX / 20) as usize;

/// A random permutation of `0..n` into a 1-D output, by swaps from the front (Fisher & Yates; Durstenfeld 1964).
pub fn randperm(out: &Strided<'_>, generator: &Generator) {
    debug_assert!(out.ndim() == 1, "randperm into {} dims", out.ndim());
    let (n, stride) = (out.numel(), out.strides.first().copied().unwrap_or(1));
    with_dtype!(out.dtype, [U8: u8, I8: i8, I16: i16, I32: i32, I64: i64, F16: f16, BF16: bf16, F32: f32, F64: f64], T => {
        // SAFETY: `out` describes `n` writable elements of `T`, `stride` apart.
        unsafe { permute::<T>(out.ptr.cast(), n, stride, generator) }
    }, else debug_assert!(false, "randperm of {}", out.dtype.name()));
}

/// # Safety
/// `p` points to `n` writable elements, `stride` apart.
unsafe fn permute<T: Number + Element>(p: *mut T, n: usize, stride: isize, generator: &Generator) {
    let e = &mut generator.lock().engine;
    let at = |i: usize| p.wrapping_offset(i as isize * stride);
    // SAFETY: all indices are below `n`, in the swaps because `z < n - i`, in the insertions because `z <= i`.
    unsafe {
        if n >= LONG_PERMUTATION {
            for i in 0..n {
                let z = (e.next_u64() % (i as u64 + 1)) as usize;
                at(i).write(at(z).read());
                at(z).write(T::of_i64(i as i64));
            }
            return;
        }
        (0..n).for_each(|i| at(i).write(T::of_i64(i as i64)));
        let mut words = [0u32; 512];
        let mut i = 0;
        while i + 1 < n {
            let m = words.len().min(n - 1 - i);
            draw(e, words.as_mut_ptr(), m);
            for &w in &words[..m] {
                let z = i + (w % (n - i) as u32) as usize;
                at(i).swap(at(z));
                i += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(d: DType, from: i64, to: Option<i64>) -> (u64, i64) {
        match int_range(d, from, to) {
            Ok(IntRange::Count { count, base }) => (count, base),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn ranges_follow_the_dtype() {
        assert_eq!(count(DType::I64, -5, Some(5)), (10, -5));
        assert_eq!(count(DType::I64, i64::MIN, Some(i64::MAX)), (u64::MAX, i64::MIN));
        assert_eq!(count(DType::U8, 3, None), (253, 3));
        // Worked example in torch's source: 65503 would round to 65504, so the last value is 65471.
        assert_eq!(count(DType::F16, 0, Some(65_504)), (65_472, 0));
        assert_eq!(count(DType::BF16, 1, None), (256, 1));
        assert!(matches!(int_range(DType::I64, i64::MIN, None), Ok(IntRange::All)));
    }

    #[test]
    fn errors_are_torchs() {
        let first = |d, from, to| int_range(d, from, to).unwrap_err().message().lines().next().unwrap_or("").to_owned();
        assert_eq!(first(DType::U8, 0, Some(257)), "to - 1 is out of bounds for unsigned char");
        assert_eq!(first(DType::U8, -1, Some(5)), "from is out of bounds for unsigned char");
        assert_eq!(
            first(DType::F32, 5, Some(5)),
            "random_ expects 'from' to be less than 'to', but got from=5 >= to=5"
        );
        assert_eq!(first(DType::F16, 0, Some(100_000)), "to - 1 is out of bounds for c10::Half");
        assert_eq!(first(DType::U64, -1, Some(5)), "from is out of bounds for long unsigned int");
        assert_eq!(first(DType::U64, 1, None), "to - 1 is out of bounds for long unsigned int");
        assert_eq!(
            first(DType::F32, 1 << 25, None),
            "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but got from=33554432 > to_inc=16777216"
        );
    }
}
