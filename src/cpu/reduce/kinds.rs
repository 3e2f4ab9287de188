//! The reductions that take one element at a time.

use super::super::load::{self, Load, Put};
use super::fold::{Fold, Lane, NARROW, Plan, Simple, run};
use crate::multiversion;
use crate::tensor::dtype::{C64, C128};
use crate::tensor::{DType, Strided};
use std::marker::PhantomData;

/// What to compute of the reduced elements. Sums, products and norms are computed in the output's type (f32 for
/// halves, i64 for integers and bool), to which elements are converted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduce {
    /// The sum; 0 of nothing.
    Sum,
    /// The sum divided by the number of reduced elements; NaN of nothing.
    Mean,
    /// The sum of what is not NaN.
    NanSum,
    /// The product; 1 of nothing.
    Prod,
    /// The smallest, NaN if there is one. The output has the input's dtype.
    Min,
    /// The largest, NaN if there is one. The output has the input's dtype.
    Max,
    /// Is any element non-zero? The output is bool or uint8.
    Any,
    /// Are all elements non-zero? The output is bool or uint8.
    All,
    /// How many elements are non-zero. The output is int64.
    CountNonzero,
    /// The vector norm of order `p`, of magnitudes if complex; 0, infinities and negative orders as in torch.
    Norm,
    /// The sum of squared magnitudes.
    SumSquares,
    /// The exclusive or of the elements' bits, as float64 or else as int64. The output is int64.
    Xor,
}

/// Reduces `x` into `out`, which has as many dims as `x`; where its extent is 1 and that of `x` is not, the dim is
/// reduced. `p` is the order of [`Reduce::Norm`] and unused otherwise.
///
/// Nothing is reduced to the identity of the kind; callers refuse that for `Min` and `Max`.
pub fn reduce(kind: Reduce, x: &Strided, out: &Strided, p: f64) {
    let to = out.dtype;
    match kind {
        Reduce::Sum | Reduce::Prod | Reduce::Mean | Reduce::NanSum => match to {
            DType::F16 | DType::BF16 | DType::F32 => arithmetic::<f32>(kind, x, out),
            DType::F64 => arithmetic::<f64>(kind, x, out),
            DType::C64 => arithmetic::<C64>(kind, x, out),
            DType::C128 => arithmetic::<C128>(kind, x, out),
            _ => arithmetic::<i64>(kind, x, out),
        },
        Reduce::Min => extreme::<false>(x, out),
        Reduce::Max => extreme::<true>(x, out),
        Reduce::Any => lane(Truth::<true>, x, out, load::loader::<u8>(x.dtype), x.dtype == DType::Bool),
        Reduce::All => lane(Truth::<false>, x, out, load::loader::<u8>(x.dtype), false),
        Reduce::CountNonzero => lane(Sum::<i64>(PhantomData), x, out, load::count_loader(x.dtype), false),
        Reduce::Norm | Reduce::SumSquares => match to {
            DType::F64 | DType::C128 => norm::<f64>(kind, x, out, p),
            _ => norm::<f32>(kind, x, out, p),
        },
        Reduce::Xor if x.dtype.is_float() => xor::<f64>(x, out),
        Reduce::Xor => xor::<i64>(x, out),
    }
}

fn xor<W: Word>(x: &Strided, out: &Strided) {
    lane(Xor::<W>(PhantomData), x, out, load::loader::<W>(x.dtype), x.dtype == W::DTYPE);
}

/// What [`Reduce::Xor`] takes the bits of.
trait Word: load::Acc + Put {
    fn bits(self) -> i64;
}
impl Word for f64 {
    #[inline(always)]
    fn bits(self) -> i64 {
        self.to_bits() as i64
    }
}
impl Word for i64 {
    #[inline(always)]
    fn bits(self) -> i64 {
        self
    }
}

fn lane<L: Lane>(lane: L, x: &Strided, out: &Strided, load: Load, native: bool) {
    run(Simple { lane, out: out.dtype }, &Plan::new(x, &[out], load, native));
}

fn arithmetic<A: Arith>(kind: Reduce, x: &Strided, out: &Strided) {
    let (load, native) = (load::loader::<A>(x.dtype), x.dtype == A::DTYPE);
    match kind {
        Reduce::Prod => lane(Prod::<A>(PhantomData), x, out, load, native),
        Reduce::NanSum if out.dtype.is_float() || out.dtype.is_complex() => {
            lane(NanSum::<A>(PhantomData), x, out, load, native)
        }
        Reduce::Mean => {
            let plan = Plan::new(x, &[out], load, native);
            let lane = Mean::<A>(plan.reduced() as f64, PhantomData);
            run(Simple { lane, out: out.dtype }, &plan)
        }
        _ => lane(Sum::<A>(PhantomData), x, out, load, native),
    }
}

/// Arithmetic on accumulators; integers wrap.
pub(in super::super) trait Arith: load::Acc + Put {
    const ZERO: Self;
    const ONE: Self;
    fn add(self, o: Self) -> Self;
    fn mul(self, o: Self) -> Self;
    fn over(self, n: f64) -> Self;
    fn nan(self) -> bool;
    /// The sum, formed pairwise: the upper half onto the lower until one is left.
    #[inline(always)]
    fn sum16(a: &[Self; NARROW]) -> Self {
        let b: [Self; 8] = std::array::from_fn(|j| a[j].add(a[j + 8]));
        let c: [Self; 4] = std::array::from_fn(|j| b[j].add(b[j + 4]));
        c[0].add(c[2]).add(c[1].add(c[3]))
    }
}

/// [`Arith::sum16`] with vectors of four, which the optimiser does not find by itself.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn sum16_f32(a: &[f32; NARROW]) -> f32 {
    use std::arch::x86_64::*;
    let p = a.as_ptr();
    // SAFETY: SSE2 is part of x86-64, and the loads lie within the array.
    unsafe {
        let low = _mm_add_ps(_mm_loadu_ps(p), _mm_loadu_ps(p.add(8)));
        let high = _mm_add_ps(_mm_loadu_ps(p.add(4)), _mm_loadu_ps(p.add(12)));
        let four = _mm_add_ps(low, high);
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    }
}

macro_rules! floats {
    ($($t:ty, $r:ty, $zero:expr, $one:expr, |$x:ident| $nan:expr $(, $sum:item)?);+ $(;)?) => { $(impl Arith for $t {
        $($sum)?
        const ZERO: Self = $zero;
        const ONE: Self = $one;
        #[inline(always)] fn add(self, o: Self) -> Self { self + o }
        #[inline(always)] fn mul(self, o: Self) -> Self { self * o }
        #[inline(always)] fn over(self, n: f64) -> Self { self / n as $r }
        #[inline(always)] fn nan(self) -> bool { let $x = self; $nan }
    })+ };
}
floats! {
    f32, f32, 0.0, 1.0, |x| x.is_nan(),
        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        fn sum16(a: &[f32; NARROW]) -> f32 { sum16_f32(a) };
    f64, f64, 0.0, 1.0, |x| x.is_nan();
    C64, f32, C64::new(0.0, 0.0), C64::new(1.0, 0.0), |x| x.re.is_nan() || x.im.is_nan();
    C128, f64, C128::new(0.0, 0.0), C128::new(1.0, 0.0), |x| x.re.is_nan() || x.im.is_nan();
}
impl Arith for i64 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        self.wrapping_add(o)
    }
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        self.wrapping_mul(o)
    }
    #[inline(always)]
    fn over(self, n: f64) -> Self {
        (self as f64 / n) as i64
    }
    #[inline(always)]
    fn nan(self) -> bool {
        false
    }
}

macro_rules! lanes {
    ($($name:ident[$($g:ident: $b:ident),*]($($f:ty),*): $t:ty => $a:ty => $r:ty,
        |$s:ident| $init:expr, |$acc:ident, $x:ident| $step:expr, |$l:ident, $m:ident| $merge:expr, |$e:ident| $finish:expr $(, $tree:path)?;)+) => { $(
        #[derive(Clone, Copy)]
        struct $name<$($g),*>($($f),*);
        impl<$($g: $b),*> Lane for $name<$($g),*> {
            type T = $t;
            type A = $a;
            type R = $r;
            #[inline(always)] fn init(self) -> $a { let $s = self; let _ = $s; $init }
            #[inline(always)] fn step(self, $acc: $a, $x: $t) -> $a { let $s = self; let _ = $s; $step }
            #[inline(always)] fn merge(self, $l: $a, $m: $a) -> $a { $merge }
            #[inline(always)] fn finish(self, $e: $a) -> $r { let $s = self; let _ = $s; $finish }
            $(const LIGHT: bool = true;
            #[inline(always)] fn tree(self, a: &[$a; NARROW]) -> $a { $tree(a) })?
        }
    )+ };
}
lanes! {
    Sum[A: Arith](PhantomData<A>): A => A => A, |s| A::ZERO, |a, x| a.add(x), |a, b| a.add(b), |a| a, A::sum16;
    Prod[A: Arith](PhantomData<A>): A => A => A, |s| A::ONE, |a, x| a.mul(x), |a, b| a.mul(b), |a| a;
    NanSum[A: Arith](PhantomData<A>): A => A => A, |s| A::ZERO, |a, x| a.add(if x.nan() { A::ZERO } else { x }),
        |a, b| a.add(b), |a| a;
    Mean[A: Arith](f64, PhantomData<A>): A => A => A, |s| A::ZERO, |a, x| a.add(x), |a, b| a.add(b), |a| a.over(s.0),
        A::sum16;
    Xor[W: Word](PhantomData<W>): W => i64 => i64, |s| 0, |a, x| a ^ x.bits(), |a, b| a ^ b, |a| a;
    Norm0[F: Real](PhantomData<F>): F => F => F, |s| F::ZERO, |a, x| a.add(if x == F::ZERO { F::ZERO } else { F::ONE }),
        |a, b| a.add(b), |a| a;
    Norm1[F: Real](PhantomData<F>): F => F => F, |s| F::ZERO, |a, x| a.add(x.abs()), |a, b| a.add(b), |a| a;
    Norm2[F: Real](PhantomData<F>): F => F => F, |s| F::ZERO, |a, x| a.add(x.mul(x)), |a, b| a.add(b), |a| a.sqrt();
    Squares[F: Real](PhantomData<F>): F => F => F, |s| F::ZERO, |a, x| a.add(x.mul(x)), |a, b| a.add(b), |a| a;
    NormP[F: Real](F): F => F => F, |s| F::ZERO, |a, x| a.add(x.abs().pow(s.0)), |a, b| a.add(b),
        |a| a.pow(F::ONE.div(s.0));
    NormMax[F: Real](PhantomData<F>): F => F => F, |s| F::ZERO, |a, x| better::<F, true>(a, x.abs()),
        |a, b| better::<F, true>(a, b), |a| a;
    NormMin[F: Real](PhantomData<F>): F => F => F, |s| F::WORST_MIN, |a, x| better::<F, false>(a, x.abs()),
        |a, b| better::<F, false>(a, b), |a| a;
}

fn norm<F: Real>(kind: Reduce, x: &Strided, out: &Strided, p: f64) {
    let (load, native) = (load::abs_loader::<F>(x.dtype), x.dtype == F::DTYPE);
    let z = PhantomData::<F>;
    match p {
        _ if kind == Reduce::SumSquares => lane(Squares(z), x, out, load, native),
        0.0 => lane(Norm0(z), x, out, load, native),
        1.0 => lane(Norm1(z), x, out, load, native),
        2.0 => lane(Norm2(z), x, out, load, native),
        f64::INFINITY => lane(NormMax(z), x, out, load, native),
        f64::NEG_INFINITY => lane(NormMin(z), x, out, load, native),
        _ => lane(NormP(F::from_f64(p)), x, out, load, native),
    }
}

/// Element types with an order.
pub(in super::super) trait Order: Put + load::Num + PartialOrd {
    /// What loses against everything in a minimum.
    const WORST_MIN: Self;
    /// What loses against everything in a maximum.
    const WORST_MAX: Self;
    /// Is this NaN?
    #[inline(always)]
    #[allow(clippy::eq_op, reason = "only NaN differs from itself")]
    fn is_nan(self) -> bool {
        self != self
    }
}
macro_rules! orders {
    ($($t:ty, $min:expr, $max:expr);+) => { $(impl Order for $t {
        const WORST_MIN: Self = $min;
        const WORST_MAX: Self = $max;
    })+ };
}
orders!(u8, u8::MAX, 0; i8, i8::MAX, i8::MIN; i16, i16::MAX, i16::MIN; i32, i32::MAX, i32::MIN;
    i64, i64::MAX, i64::MIN; u16, u16::MAX, 0; u32, u32::MAX, 0; u64, u64::MAX, 0;
    f32, f32::INFINITY, f32::NEG_INFINITY; f64, f64::INFINITY, f64::NEG_INFINITY);

/// f32 and f64.
trait Real: Arith + Order {
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    fn pow(self, p: Self) -> Self;
    fn div(self, o: Self) -> Self;
}
macro_rules! reals {
    ($($t:ty),+) => { $(impl Real for $t {
        #[inline(always)] fn abs(self) -> Self { <$t>::abs(self) }
        #[inline(always)] fn sqrt(self) -> Self { <$t>::sqrt(self) }
        #[inline(always)] fn pow(self, p: Self) -> Self { <$t>::powf(self, p) }
        #[inline(always)] fn div(self, o: Self) -> Self { self / o }
    })+ };
}
reals!(f32, f64);

/// The better of two values; NaN wins.
#[inline(always)]
pub(super) fn better<T: Order, const MAX: bool>(a: T, x: T) -> T {
    // A NaN in `a` stays: no comparison with it holds.
    if (if MAX { x > a } else { x < a }) | x.is_nan() { x } else { a }
}

/// The smallest or largest element.
#[derive(Clone, Copy)]
pub(super) struct Best<T, const MAX: bool>(pub PhantomData<T>);
impl<T: Order, const MAX: bool> Lane for Best<T, MAX> {
    type T = T;
    type A = T;
    type R = T;
    #[inline(always)]
    fn init(self) -> T {
        if MAX { T::WORST_MAX } else { T::WORST_MIN }
    }
    #[inline(always)]
    fn step(self, a: T, x: T) -> T {
        better::<T, MAX>(a, x)
    }
    #[inline(always)]
    fn merge(self, a: T, b: T) -> T {
        better::<T, MAX>(a, b)
    }
    #[inline(always)]
    fn finish(self, a: T) -> T {
        a
    }
}

/// Any and all, on truth values.
#[derive(Clone, Copy)]
struct Truth<const ANY: bool>;
impl<const ANY: bool> Lane for Truth<ANY> {
    type T = u8;
    type A = u8;
    type R = u8;
    #[inline(always)]
    fn init(self) -> u8 {
        !ANY as u8
    }
    #[inline(always)]
    fn step(self, a: u8, x: u8) -> u8 {
        if ANY { a | x } else { a & x }
    }
    #[inline(always)]
    fn merge(self, a: u8, b: u8) -> u8 {
        self.step(a, b)
    }
    #[inline(always)]
    fn finish(self, a: u8) -> u8 {
        (a != 0) as u8
    }
}

/// Runs a block with the type that ordered kernels use for a dtype, a loader to it, and whether that is a plain copy.
macro_rules! ordered {
    ($d:expr, $t:ident, $load:ident, $native:ident => $body:expr) => {{
        use $crate::cpu::load;
        let d: $crate::tensor::DType = $d;
        macro_rules! same {
            ($ty:ty) => {{
                type $t = $ty;
                let ($load, $native) = (load::copier(size_of::<$ty>()), true);
                $body
            }};
        }
        match d {
            DType::Bool => {
                type $t = u8;
                let ($load, $native) = (load::loader::<u8>(d), false);
                $body
            }
            DType::F16 | DType::BF16 => {
                type $t = f32;
                let ($load, $native) = (load::loader::<f32>(d), false);
                $body
            }
            DType::U8 => same!(u8),
            DType::I8 => same!(i8),
            DType::I16 => same!(i16),
            DType::I32 => same!(i32),
            DType::I64 => same!(i64),
            DType::U16 => same!(u16),
            DType::U32 => same!(u32),
            DType::U64 => same!(u64),
            DType::F32 => same!(f32),
            DType::F64 => same!(f64),
            // Complex numbers have no order; dispatch refuses them.
            DType::C64 | DType::C128 => {}
        }
    }};
}
pub(super) use ordered;

fn extreme<const MAX: bool>(x: &Strided, out: &Strided) {
    ordered!(x.dtype, T, load, native => lane(Best::<T, MAX>(PhantomData), x, out, load, native))
}

/// Smallest and largest in one pass; NaN wins both.
pub fn aminmax(x: &Strided, min: &Strided, max: &Strided) {
    ordered!(x.dtype, T, load, native => {
        run(Both::<T>(x.dtype, PhantomData), &Plan::new(x, &[min, max], load, native))
    })
}

#[derive(Clone, Copy)]
struct Both<T>(DType, PhantomData<T>);

multiversion! {
    unsafe fn both_row[T: Order](x: *const T, n: usize) -> (T, T) {
        let (mut lo, mut hi) = ([T::WORST_MIN; 32], [T::WORST_MAX; 32]);
        let mut i = 0;
        while i + 32 <= n {
            for j in 0..32 {
                let v = *x.add(i + j);
                lo[j] = better::<T, false>(lo[j], v);
                hi[j] = better::<T, true>(hi[j], v);
            }
            i += 32;
        }
        for j in 0..n - i {
            let v = *x.add(i + j);
            lo[j] = better::<T, false>(lo[j], v);
            hi[j] = better::<T, true>(hi[j], v);
        }
        let (mut a, mut b) = (lo[0], hi[0]);
        for j in 1..32 {
            a = better::<T, false>(a, lo[j]);
            b = better::<T, true>(b, hi[j]);
        }
        (a, b)
    }
}

impl<T: Order> Fold for Both<T> {
    type T = T;
    type A = (T, T);
    #[inline(always)]
    fn init(self) -> (T, T) {
        (T::WORST_MIN, T::WORST_MAX)
    }
    #[inline(always)]
    fn merge(self, a: (T, T), b: (T, T)) -> (T, T) {
        (better::<T, false>(a.0, b.0), better::<T, true>(a.1, b.1))
    }
    unsafe fn row(self, x: *const T, n: usize) -> (T, T) {
        // SAFETY: the folder's contract (see `fold`).
        unsafe { both_row(x, n) }
    }
    unsafe fn tile(self, x: *const T, stride: isize, m: usize, w: usize, acc: *mut (T, T)) {
        for r in 0..m {
            let line = x.cast::<u8>().wrapping_offset(r as isize * stride).cast::<T>();
            for j in 0..w {
                // SAFETY: as above.
                unsafe { *acc.add(j) = self.merge(*acc.add(j), (*line.add(j), *line.add(j))) };
            }
        }
    }
    unsafe fn store(self, acc: *const (T, T), n: usize, out: [*mut u8; 2], stride: [isize; 2]) {
        for i in 0..n as isize {
            // SAFETY: as above.
            unsafe {
                let (lo, hi) = *acc.offset(i);
                T::put_all(&lo, 1, out[0].offset(i * stride[0]), stride[0], self.0);
                T::put_all(&hi, 1, out[1].offset(i * stride[1]), stride[1], self.0);
            }
        }
    }
}
