//! Coin flips, dropout and the randomised leaky ReLU.

use super::cast::Number;
use super::order::Walk;
use super::words::{Cost, bits53, draw, fill, unit_f32};
use crate::error::Result;
use crate::tensor::{Bool8, DType, Generator, Strided};
use crate::{fail, multiversion, with_dtype};
use half::{bf16, f16};

/// `x < threshold(p)` for 53 random bits `x` is `x * 2^-53 < p`.
fn threshold(p: f64) -> u64 {
    (p * (1u64 << 53) as f64).ceil() as u64
}

multiversion! {
    /// # Safety
    /// `w` holds `2 * n` words, `y` `n` elements.
    unsafe fn flip[T: Number](w: *const u32, y: *mut T, n: usize, below: u64) {
        for i in 0..n {
            y.add(i).write(T::of_bool(bits53(w.add(2 * i)) < below));
        }
    }
}

/// `bernoulli_(p)`: 1 with probability `p`, else 0, for bool, signed integers, uint8 and floats.
pub fn bernoulli(out: &Strided<'_>, p: f64, generator: &Generator) {
    let e = &mut generator.lock().engine;
    let below = threshold(p);
    // SAFETY: dispatch made `out` from a writable tensor of its dtype, and `flip` writes `n` elements.
    unsafe {
        with_dtype!(out.dtype, [Bool: Bool8, U8: u8, I8: i8, I16: i16, I32: i32, I64: i64,
            F16: f16, BF16: bf16, F32: f32, F64: f64], T => {
            fill(out, e, 2, Cost::Light, &|w, y: *mut T, n| flip(w, y, n, below));
        }, else debug_assert!(false, "bernoulli_ of {}", out.dtype.name()));
    }
}

/// A probability's type: doubles are compared with 53 random bits, the others with 24.
trait Probability: Number {
    const WORDS: usize;
    fn valid(self) -> bool;
    /// # Safety
    /// `w` holds [`Probability::WORDS`] words.
    unsafe fn hit(self, w: *const u32) -> bool;
}
impl Probability for f64 {
    const WORDS: usize = 2;
    #[inline(always)]
    fn valid(self) -> bool {
        (0.0..=1.0).contains(&self)
    }
    #[inline(always)]
    unsafe fn hit(self, w: *const u32) -> bool {
        // SAFETY: the caller's.
        (unsafe { bits53(w) } as i64 as f64) < self * (1u64 << 53) as f64
    }
}
macro_rules! narrow_probability {
    ($($t:ty, $x:ident => $e:expr);+) => { $(impl Probability for $t {
        const WORDS: usize = 1;
        #[inline(always)]
        fn valid(self) -> bool { let $x = self; (0.0..=1.0).contains(&$e) }
        #[inline(always)]
        unsafe fn hit(self, w: *const u32) -> bool {
            let $x = self;
            // SAFETY: the caller's.
            unit_f32(unsafe { *w }) < $e
        }
    })+ };
}
narrow_probability!(f32, x => x; f16, x => x.to_f32(); bf16, x => x.to_f32());

multiversion! {
    /// Returns false if a probability is out of range.
    ///
    /// # Safety
    /// `w` holds the words of `n` draws, `p` and `y` `n` elements.
    unsafe fn flip_each[P: Probability, T: Number](w: *const u32, p: *const P, y: *mut T, n: usize) -> bool {
        let mut valid = true;
        for i in 0..n {
            let x = *p.add(i);
            valid &= x.valid();
            y.add(i).write(T::of_bool(x.hit(w.add(P::WORDS * i))));
        }
        valid
    }
}

/// `bernoulli_(p)` with a floating tensor of probabilities that has the output's shape (strides may be 0).
pub fn bernoulli_tensor(out: &Strided<'_>, p: &Strided<'_>, generator: &Generator) -> Result<()> {
    // SAFETY: both describe memory of their dtypes, and `out` is writable.
    let valid = unsafe {
        with_dtype!(p.dtype, [F32: f32, F64: f64, F16: f16, BF16: bf16], P => {
            with_dtype!(out.dtype, [Bool: Bool8, U8: u8, I8: i8, I16: i16, I32: i32, I64: i64,
                F16: f16, BF16: bf16, F32: f32, F64: f64], T => flip_by::<P, T>(out, p, generator),
                else { debug_assert!(false, "bernoulli_ of {}", out.dtype.name()); true })
        }, else { debug_assert!(false, "bernoulli_ with p of {}", p.dtype.name()); true })
    };
    if !valid {
        fail!(Runtime,
            torch: ("Expected p_in >= 0 && p_in <= 1 to be true, but got false."),
            expected: ("bernoulli: expected probabilities in [0, 1]"),
            got: ("one that is outside or NaN"),
            fix: ("Apply sigmoid to logits, or clamp."));
    }
    Ok(())
}

/// # Safety
/// `out` and `p` describe memory of `T` and `P`, of one shape.
unsafe fn flip_by<P: Probability, T: Number>(out: &Strided<'_>, p: &Strided<'_>, generator: &Generator) -> bool {
    const STEP: usize = 1024;
    let e = &mut generator.lock().engine;
    let walk = Walk::new(out.shape, [out.strides, p.strides]);
    let (to, from) = (out.ptr.cast::<T>(), p.ptr.cast::<P>());
    let mut cursor = walk.start();
    let mut words = [0u32; 2 * STEP];
    let (mut at, mut valid) = (0, true);
    while at < walk.numel() && valid {
        let n = STEP.min(walk.numel() - at);
        // SAFETY: the buffer holds the words of `STEP` draws, and the walk stays within both operands.
        unsafe {
            draw(e, words.as_mut_ptr(), P::WORDS * n);
            let mut w = words.as_ptr();
            if walk.is_dense() {
                valid = flip_each(w, from.add(at), to.add(at), n);
            } else {
                cursor.advance(n, |[o, i]| {
                    let x = from.offset(i).read();
                    valid &= x.valid();
                    to.offset(o).write(T::of_bool(x.hit(w)));
                    w = w.add(P::WORDS);
                });
            }
        }
        at += n;
    }
    valid
}

/// A float type with the product and the quotient that torch's kernels round once.
trait Scale: Number {
    const ONE: Self;
    fn times(self, y: Self) -> Self;
    /// `1 / y`, with `y` rounded to the type that kernels compute in.
    fn reciprocal(y: f64) -> Self;
}
macro_rules! scales {
    ($($t:ty, $one:expr, $a:ident, $b:ident => $product:expr, $y:ident => $quotient:expr);+) => { $(impl Scale for $t {
        const ONE: Self = $one;
        #[inline(always)]
        fn times(self, $b: Self) -> Self { let $a = self; $product }
        #[inline(always)]
        fn reciprocal($y: f64) -> Self { $quotient }
    })+ };
}
scales!(
    f32, 1.0, a, b => a * b, y => 1.0 / y as f32;
    f64, 1.0, a, b => a * b, y => 1.0 / y;
    f16, f16::ONE, a, b => f16::from_f32(a.to_f32() * b.to_f32()), y => f16::from_f32(1.0 / y as f32);
    bf16, bf16::ONE, a, b => bf16::from_f32(a.to_f32() * b.to_f32()), y => bf16::from_f32(1.0 / y as f32)
);

multiversion! {
    /// # Safety
    /// `w` holds `2 * n` words, the others `n` elements.
    unsafe fn drop_out[T: Scale](w: *const u32, x: *const T, y: *mut T, keep: *mut u8, n: usize, below: u64, scale: T) {
        let zero = T::of_bool(false);
        for i in 0..n {
            let hit = bits53(w.add(2 * i)) < below;
            keep.add(i).write(hit as u8);
            // A product with 0, not a 0: NaN and infinity pass through dropout in torch.
            y.add(i).write((*x.add(i)).times(if hit { scale } else { zero }));
        }
    }
}

/// Dropout with probability `p` of dropping: `y = x * noise`, where noise is 0 or `1 / (1 - p)`, rounded to the dtype.
///
/// `keep` (bool) gets the mask that the derivative needs. `y` and `keep` have the strides of `empty_like(x)`, whose
/// memory order the draws follow. With `p` of 0 or 1 nothing is drawn.
pub fn dropout(x: &Strided<'_>, y: &Strided<'_>, keep: &Strided<'_>, p: f64, generator: &Generator) {
    with_dtype!(x.dtype, [F32: f32, F64: f64, F16: f16, BF16: bf16], T => {
        // SAFETY: all describe memory of one shape, `x` and `y` of `T`, `keep` of bool; `y` and `keep` are writable.
        unsafe { drop_out_walk::<T>(x, y, keep, p, generator) }
    }, else debug_assert!(false, "dropout of {}", x.dtype.name()));
}

/// # Safety
/// All describe memory of one shape, `x` and `y` of `T`, `keep` of bool.
unsafe fn drop_out_walk<T: Scale>(x: &Strided<'_>, y: &Strided<'_>, keep: &Strided<'_>, p: f64, generator: &Generator) {
    const STEP: usize = 1024;
    debug_assert!(keep.dtype == DType::Bool && y.dtype == x.dtype, "dropout: dtypes");
    let state = &mut *generator.lock();
    let draws = p > 0.0 && p < 1.0;
    let (below, scale) = (threshold(1.0 - p), if draws { T::reciprocal(1.0 - p) } else { T::ONE });
    let walk = Walk::new(y.shape, [y.strides, keep.strides, x.strides]);
    let (from, to, mask) = (x.ptr.cast::<T>(), y.ptr.cast::<T>(), keep.ptr);
    let mut cursor = walk.start();
    let mut words = [0u32; 2 * STEP];
    let mut at = 0;
    while at < walk.numel() {
        let n = STEP.min(walk.numel() - at);
        // SAFETY: the buffer holds the words of `STEP` draws, and the walk stays within the operands. Words of 0
        // keep everything at p = 0 and nothing at p = 1.
        unsafe {
            if draws {
                draw(&mut state.engine, words.as_mut_ptr(), 2 * n);
            }
            let mut w = words.as_ptr();
            if walk.is_dense() {
                drop_out(w, from.add(at), to.add(at), mask.add(at), n, below, scale);
            } else {
                cursor.advance(n, |[o, k, i]| {
                    drop_out(w, from.offset(i), to.offset(o), mask.offset(k), 1, below, scale);
                    w = w.add(2);
                });
            }
        }
        at += n;
    }
}

/// Randomised leaky ReLU in training: negative elements and zeros are multiplied by a slope from `[lower, upper)`.
///
/// `noise` gets the slopes, 1 where none was drawn. All three have one dtype and shape; draws follow index order.
pub fn rrelu(x: &Strided<'_>, y: &Strided<'_>, noise: &Strided<'_>, lower: f64, upper: f64, generator: &Generator) {
    let e = &mut generator.lock().engine;
    let walk = Walk::new(y.shape, [y.strides, noise.strides, x.strides]);
    // Bounds and slopes pass through the type that kernels compute in.
    let wide = x.dtype == DType::F64;
    let (low, high) = if wide { (lower, upper) } else { (lower as f32 as f64, upper as f32 as f64) };
    macro_rules! run {
        ($t:ty, $r:ident, $x:ident => $product:expr, $cast:expr) => {
            // SAFETY: all describe memory of one shape and of this type; `y` and `noise` are writable.
            walk.start().advance(walk.numel(), |[o, s, i]| unsafe {
                let $x = x.ptr.cast::<$t>().offset(i).read();
                let (value, slope) = if f64::from($x) <= 0.0 {
                    let $r = e.next_f64() * (high - low) + low;
                    ($product, $cast)
                } else {
                    ($x, <$t as Number>::of_bool(true))
                };
                y.ptr.cast::<$t>().offset(o).write(value);
                noise.ptr.cast::<$t>().offset(s).write(slope);
            })
        };
    }
    match x.dtype {
        DType::F32 => run!(f32, r, v => v * r as f32, r as f32),
        DType::F64 => run!(f64, r, v => v * r, r),
        DType::F16 => run!(f16, r, v => f16::from_f32(v.to_f32() * r as f32), f16::from_f32(r as f32)),
        DType::BF16 => run!(bf16, r, v => bf16::from_f32(v.to_f32() * r as f32), bf16::from_f32(r as f32)),
        other => debug_assert!(false, "rrelu of {}", other.name()),
    }
}
