//! From a scalar body to a loop: how a row of the function tables becomes a [`Kernel`] per dtype and SIMD level.

use super::Params;
use crate::cpu::simd::Level;
use crate::cpu::simd::math::BLOCK;
use crate::tensor::{Bool8, DType, Element};
use std::mem::MaybeUninit;

/// One compiled loop. The slices do not overlap and hold whole elements: the inputs at least as many as the output.
///
/// Slices rather than pointers because their arguments are `noalias`, which spares the run-time overlap checks.
pub(super) type Loop = unsafe fn(&[u8], &[u8], &[u8], &[u8], &mut [MaybeUninit<u8>], &Params);

/// The contiguous loop of one function for one compute dtype.
#[derive(Clone, Copy)]
pub struct Kernel {
    run: Loop,
    /// The loop whose first input lies where the result goes, and whose first slice is empty: for cheap functions of floats,
    /// which a detour through a scratch would slow down.
    in_place: Option<Loop>,
    /// The portable loop, for fewer elements than a vectorised loop would pad.
    small: Loop,
    /// It serves fewer elements than this.
    small_below: u16,
    /// Elements come in multiples of it; [`Kernel::call`] pads the rest. One for loops that are not vectorised.
    lanes: u16,
    /// Number of inputs.
    pub arity: u8,
    /// Bytes of an element of the first input, which is not the compute dtype for `Where` alone.
    first: u8,
    /// Bytes of an element of the other inputs.
    size: u8,
    /// The dtype that the loop writes.
    pub out: DType,
}

/// Bytes of the lanes of every kernel: four AVX-512 vectors.
const PAD: usize = 256;
/// Bytes of a cache line, and elements from which aligning stores to lines is worth some of them twice.
const LINE: usize = 64;
const LONG: usize = 512;
/// The cost up to which a function waits for memory more than it computes.
pub(super) const CHEAP: usize = 2;
/// Below it the portable loop of a cheap function beats padding (benches/pointwise.rs, small).
const SMALL: u16 = 24;

impl Kernel {
    /// Computes `out[i] = f(ins[0][i], ...)` for `i < n`.
    ///
    /// # Safety
    /// The first `arity` inputs point to `n` elements of their dtype, `out` to room for `n` of [`Kernel::out`] that
    /// overlaps none of them.
    #[inline]
    pub unsafe fn call(&self, ins: &[*const u8; 4], out: *mut u8, n: usize, p: &Params) {
        let lanes = self.lanes as usize;
        let skew = out.addr() % LINE;
        if skew != 0 && n >= LONG && lanes > 1 && skew.is_multiple_of(self.out.size()) {
            // The first vectors, then again from the first whole line on: stores that lie across two cost twice.
            let from = (LINE - skew) / self.out.size();
            // Results narrower than what they are made of may have more elements before that line than the vectors make.
            if from <= lanes {
                // SAFETY: `from <= lanes <= n`.
                unsafe {
                    self.exact(self.run, ins, out, lanes, p);
                    return self.aligned(&self.advance(ins, from), out.add(from * self.out.size()), n - from, p);
                }
            }
        }
        // SAFETY: the caller's contract.
        unsafe { self.aligned(ins, out, n, p) }
    }

    /// Is there a loop for [`Kernel::call_in_place`]?
    #[inline(always)]
    pub fn works_in_place(&self) -> bool {
        self.in_place.is_some()
    }

    /// Computes `out[i] = f(out[i], ins[1][i], ...)` for `i < n`. Does nothing where there is no loop for that.
    ///
    /// # Safety
    /// As for [`Kernel::call`], but for the first input, which is the output.
    #[inline]
    pub unsafe fn call_in_place(&self, ins: &[*const u8; 4], out: *mut u8, n: usize, p: &Params) {
        let Some(run) = self.in_place else { return };
        let rest = n & (self.lanes as usize - 1);
        let size = self.size as usize;
        let whole = (n - rest) * size;
        // SAFETY: the caller's contract; the rest is copied before it is written.
        unsafe {
            if whole > 0 {
                let input = |k: usize| {
                    if k < self.arity as usize { std::slice::from_raw_parts(ins[k], whole) } else { &[] }
                };
                let to = std::slice::from_raw_parts_mut(out.cast(), whole);
                run(&[], input(1), input(2), input(3), to, p);
            }
            if rest > 0 {
                self.padded(&self.advance(ins, n - rest), out.add(whole), rest, p);
            }
        }
    }

    /// The inputs from element `from` on.
    #[inline(always)]
    fn advance(&self, ins: &[*const u8; 4], from: usize) -> [*const u8; 4] {
        let size = self.size as usize;
        [
            ins[0].wrapping_add(from * self.first as usize),
            ins[1].wrapping_add(from * size),
            ins[2].wrapping_add(from * size),
            ins[3].wrapping_add(from * size),
        ]
    }

    /// As [`Kernel::call`].
    #[inline(always)]
    unsafe fn aligned(&self, ins: &[*const u8; 4], out: *mut u8, n: usize, p: &Params) {
        let lanes = self.lanes as usize;
        // SAFETY: by the caller's contract.
        unsafe {
            if n < self.small_below as usize {
                return self.exact(self.small, ins, out, n, p);
            }
            let rest = n & (lanes - 1);
            if n < lanes {
                return self.padded(ins, out, n, p);
            }
            self.exact(self.run, ins, out, n - rest, p);
            if rest > 0 {
                // The last vectors again, from the end: the same values for the elements they share.
                let from = n - lanes;
                self.exact(self.run, &self.advance(ins, from), out.add(from * self.out.size()), lanes, p);
            }
        }
    }

    /// One call of a loop.
    #[inline(always)]
    unsafe fn exact(&self, run: Loop, ins: &[*const u8; 4], out: *mut u8, n: usize, p: &Params) {
        let (first, size) = (self.first as usize, self.size as usize);
        // SAFETY: the caller's contract; inputs beyond the arity are empty slices at an address that is not null.
        unsafe {
            let input = |k: usize, size: usize| {
                if k < self.arity as usize { std::slice::from_raw_parts(ins[k], n * size) } else { &[] }
            };
            let out = std::slice::from_raw_parts_mut(out.cast(), n * self.out.size());
            run(input(0, first), input(1, size), input(2, size), input(3, size), out, p)
        }
    }

    /// Fewer elements than `lanes`, padded with zeros to whole vectors, so that no scalar loop has to be compiled.
    #[inline(never)]
    unsafe fn padded(&self, ins: &[*const u8; 4], out: *mut u8, n: usize, p: &Params) {
        #[repr(align(64))]
        struct Pad([[u8; PAD]; 4], [MaybeUninit<u8>; PAD]);
        let mut pad = MaybeUninit::<Pad>::uninit();
        let base = pad.as_mut_ptr();
        let mut padded = *ins;
        for k in 0..self.arity as usize {
            let size = if k == 0 { self.first } else { self.size } as usize;
            // SAFETY: `n < lanes`, and `lanes * size <= PAD`.
            unsafe {
                let to = (&raw mut (*base).0[k]).cast::<u8>();
                to.write_bytes(0, PAD);
                to.copy_from_nonoverlapping(ins[k], n * size);
                padded[k] = to;
            }
        }
        // SAFETY: as above.
        unsafe {
            let to = (&raw mut (*base).1).cast::<u8>();
            self.exact(self.run, &padded, to, self.lanes as usize, p);
            out.copy_from_nonoverlapping(to, n * self.out.size());
        }
    }
}

/// The scalar body of a function for element type `T`; `Class` keeps the impls for reals, integers, ... apart.
pub(super) trait Op<T: Element, const N: usize, Class> {
    type Out: Element;
    /// Does `rare` ever hold?
    const HAS_RARE: bool;
    /// The function, branch-free. Where `rare` holds it may be anything.
    fn apply(x: [T; N], p: &Params) -> Self::Out;
    /// Arguments that `apply` leaves to `slow`.
    fn rare(x: [T; N]) -> bool;
    /// The function where `rare` holds.
    fn slow(x: [T; N]) -> Self::Out;
}

/// A function of the tables.
pub(super) trait Row {
    /// Number of inputs.
    const ARITY: usize;
    /// Time per element in units of an addition, for the choice of the parallel grain.
    const COST: usize;
    /// Expressions for GPUs by the type that they compute in.
    const WGSL: &'static [(&'static str, &'static str)] = &[];
    /// The loop for a dtype and level.
    fn kernel(compute: DType, level: Level) -> Option<Kernel>;
}

/// # Safety
/// Of [`Loop`].
#[inline(always)]
unsafe fn map<O: Op<T, N, C>, T: Element, const N: usize, C, const IN_PLACE: bool>(
    ins: [&[u8]; 4],
    out: &mut [MaybeUninit<u8>],
    p: &Params,
    lanes: usize,
) {
    let n = (out.len() / size_of::<O::Out>()) & !(lanes - 1);
    let y: *mut O::Out = out.as_mut_ptr().cast();
    let x: [*const T; N] =
        std::array::from_fn(|k| if IN_PLACE && k == 0 { y.cast_const().cast() } else { ins[k].as_ptr().cast() });
    // SAFETY: the slices hold n elements.
    unsafe {
        for i in 0..n {
            y.add(i).write(O::apply(x.map(|x| x.add(i).read()), p));
        }
        if O::HAS_RARE {
            let mut any = false;
            for i in 0..n {
                any |= O::rare(x.map(|x| x.add(i).read()));
            }
            if any {
                for i in 0..n {
                    let x = x.map(|x| x.add(i).read());
                    if O::rare(x) {
                        y.add(i).write(O::slow(x));
                    }
                }
            }
        }
    }
}

/// Elements per step of a vectorised loop from elements `T` to `U`.
#[cfg(target_arch = "x86_64")]
const fn lanes<T, U>() -> usize {
    PAD / if size_of::<T>() > size_of::<U>() { size_of::<T>() } else { size_of::<U>() }
}

macro_rules! level_loop {
    ($name:ident, $features:literal) => {
        /// # Safety
        /// Of [`Loop`]; the processor has the features.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        unsafe fn $name<O: Op<T, N, C>, T: Element, const N: usize, C, const IN_PLACE: bool>(
            a: &[u8],
            b: &[u8],
            c: &[u8],
            d: &[u8],
            out: &mut [MaybeUninit<u8>],
            p: &Params,
        ) {
            // SAFETY: passed on.
            unsafe { map::<O, T, N, C, IN_PLACE>([a, b, c, d], out, p, lanes::<T, O::Out>()) }
        }
    };
}
level_loop!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,lzcnt,popcnt");
level_loop!(avx2, "avx2,fma,f16c,bmi2,lzcnt,popcnt");

/// # Safety
/// Of [`Loop`].
unsafe fn portable<O: Op<T, N, C>, T: Element, const N: usize, C, const IN_PLACE: bool>(
    a: &[u8],
    b: &[u8],
    c: &[u8],
    d: &[u8],
    out: &mut [MaybeUninit<u8>],
    p: &Params,
) {
    // SAFETY: passed on.
    unsafe { map::<O, T, N, C, IN_PLACE>([a, b, c, d], out, p, 1) }
}

/// The loop of `level`.
pub(super) fn vectorised<O: Op<T, N, C> + Row, T: Element, const N: usize, C>(level: Level) -> Kernel {
    let (run, lanes): (Loop, usize) = match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => (avx512::<O, T, N, C, false>, lanes::<T, O::Out>()),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => (avx2::<O, T, N, C, false>, lanes::<T, O::Out>()),
        _ => (portable::<O, T, N, C, false>, 1),
    };
    let in_place = match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            const { if in_place::<O, T, N, C>() { Some(avx512::<O, T, N, C, true> as Loop) } else { None } }
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => const { if in_place::<O, T, N, C>() { Some(avx2::<O, T, N, C, true> as Loop) } else { None } },
        _ => const { if in_place::<O, T, N, C>() { Some(portable::<O, T, N, C, true> as Loop) } else { None } },
    };
    let size = size_of::<T>() as u8;
    let small_below = if lanes > 1 && O::COST == 1 { SMALL } else { 0 };
    let small = portable::<O, T, N, C, false>;
    let lanes = lanes as u16;
    Kernel { run, in_place, small, small_below, lanes, arity: N as u8, first: size, size, out: O::Out::DTYPE }
}

/// Does a function get a loop that works in place? Its arguments must be gone once its value is written.
const fn in_place<O: Op<T, N, C> + Row, T: Element, const N: usize, C>() -> bool {
    let float = matches!((T::DTYPE, O::Out::DTYPE), (DType::F32, DType::F32) | (DType::F64, DType::F64));
    float && O::COST <= CHEAP && !O::HAS_RARE
}

/// The same loop at every level, for rare dtypes and bodies that do not vectorise.
pub(super) fn scalar<O: Op<T, N, C>, T: Element, const N: usize, C>() -> Kernel {
    let size = size_of::<T>() as u8;
    let run = portable::<O, T, N, C, false>;
    let out = O::Out::DTYPE;
    Kernel { run, in_place: None, small: run, small_below: 0, lanes: 1, arity: N as u8, first: size, size, out }
}

/// A function with loops of its own, over a block of elements: none of them may touch another's value.
pub(super) trait Blocks<T: Element, const N: usize> {
    /// The function.
    fn apply(x: [[T; BLOCK]; N], p: &Params) -> [T; BLOCK];
}

/// # Safety
/// Of [`Loop`].
#[inline(always)]
unsafe fn map_blocks<O: Blocks<T, N>, T: Element, const N: usize>(
    ins: [&[u8]; 4],
    out: &mut [MaybeUninit<u8>],
    p: &Params,
) {
    let y: *mut [T; BLOCK] = out.as_mut_ptr().cast();
    for i in 0..out.len() / size_of::<[T; BLOCK]>() {
        // SAFETY: the slices hold whole blocks, whose elements alone are aligned.
        unsafe {
            let x = std::array::from_fn(|k| ins[k].as_ptr().cast::<[T; BLOCK]>().add(i).read());
            y.add(i).write(O::apply(x, p));
        }
    }
}

macro_rules! block_loop {
    ($name:ident $(, $features:literal)?) => {
        /// # Safety
        /// Of [`Loop`]; the processor has the features.
        $(#[cfg(target_arch = "x86_64")] #[target_feature(enable = $features)])?
        unsafe fn $name<O: Blocks<T, N>, T: Element, const N: usize>(
            a: &[u8],
            b: &[u8],
            c: &[u8],
            d: &[u8],
            out: &mut [MaybeUninit<u8>],
            p: &Params,
        ) {
            // SAFETY: passed on.
            unsafe { map_blocks::<O, T, N>([a, b, c, d], out, p) }
        }
    };
}
block_loop!(blocks512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,lzcnt,popcnt");
block_loop!(blocks256, "avx2,fma,f16c,bmi2,lzcnt,popcnt");
block_loop!(blocks_portable);

/// The loop over blocks of `level`.
pub(super) fn blocks<O: Blocks<T, N>, T: Element, const N: usize>(level: Level) -> Kernel {
    let run: Loop = match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => blocks512::<O, T, N>,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => blocks256::<O, T, N>,
        _ => blocks_portable::<O, T, N>,
    };
    let (size, lanes) = (size_of::<T>() as u8, BLOCK as u16);
    Kernel { run, in_place: None, small: run, small_below: 0, lanes, arity: N as u8, first: size, size, out: T::DTYPE }
}

/// `where`: the first input is a bool mask, so that it does not fit [`Op`]. Bits move, whatever their type: one loop
/// per element size.
pub(super) mod select {
    use super::*;

    /// An element as bits.
    trait Bits: Copy {
        fn choose(mask: Bool8, yes: Self, no: Self) -> Self;
    }

    macro_rules! bits {
        ($($t:ty),+) => { $(
            impl Bits for $t {
                /// By a mask: LLVM turns a choice between loaded values into a load from a chosen address.
                #[inline(always)]
                fn choose(mask: Bool8, yes: Self, no: Self) -> Self {
                    let mask = (0 as $t).wrapping_sub(mask.get() as $t);
                    no ^ ((yes ^ no) & mask)
                }
            }
        )+ };
    }
    bits!(u8, u16, u32, u64, u128);

    #[inline(always)]
    unsafe fn body<T: Bits>(mask: &[u8], yes: &[u8], no: &[u8], out: &mut [MaybeUninit<u8>], lanes: usize) {
        let n = mask.len() & !(lanes - 1);
        let (m, a, b) = (mask.as_ptr().cast::<Bool8>(), yes.as_ptr().cast::<T>(), no.as_ptr().cast::<T>());
        let y = out.as_mut_ptr().cast::<T>();
        for i in 0..n {
            // SAFETY: the slices hold n elements. Tensors of 16-byte elements are aligned to 8 bytes only.
            unsafe {
                let (a, b) = (a.add(i).read_unaligned(), b.add(i).read_unaligned());
                y.add(i).write_unaligned(T::choose(m.add(i).read(), a, b));
            }
        }
    }

    macro_rules! select_loop {
        ($name:ident, $features:literal) => {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = $features)]
            unsafe fn $name<T: Bits>(
                mask: &[u8],
                yes: &[u8],
                no: &[u8],
                _: &[u8],
                out: &mut [MaybeUninit<u8>],
                _: &Params,
            ) {
                // SAFETY: passed on.
                unsafe { body::<T>(mask, yes, no, out, lanes::<T, T>()) }
            }
        };
    }
    select_loop!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,lzcnt,popcnt");
    select_loop!(avx2, "avx2,fma,f16c,bmi2,lzcnt,popcnt");

    unsafe fn portable<T: Bits>(mask: &[u8], yes: &[u8], no: &[u8], _: &[u8], out: &mut [MaybeUninit<u8>], _: &Params) {
        // SAFETY: passed on.
        unsafe { body::<T>(mask, yes, no, out, 1) }
    }

    fn of<T: Bits>(level: Level, out: DType) -> Kernel {
        let (run, lanes): (Loop, usize) = match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => (avx512::<T>, lanes::<T, T>()),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => (avx2::<T>, lanes::<T, T>()),
            _ => (portable::<T>, 1),
        };
        let small_below = if lanes > 1 { SMALL } else { 0 };
        let size = size_of::<T>() as u8;
        let (small, lanes) = (portable::<T>, lanes as u16);
        Kernel { run, in_place: None, small, small_below, lanes, arity: 3, first: 1, size, out }
    }

    /// Any dtype, f16 and bf16 included.
    pub struct Where;

    impl Row for Where {
        const ARITY: usize = 3;
        const COST: usize = 1;
        const WGSL: &'static [(&'static str, &'static str)] = &[
            ("f32", "select(c, b, !(a == 0.0))"),
            ("i32", "select(c, b, a != 0)"),
            ("i64", "select(c, b, some64(a))"),
            ("bool", "select(c, b, a != 0u)"),
        ];
        fn kernel(compute: DType, level: Level) -> Option<Kernel> {
            Some(match compute.size() {
                1 => of::<u8>(level, compute),
                2 => of::<u16>(level, compute),
                4 => of::<u32>(level, compute),
                8 => of::<u64>(level, compute),
                _ => of::<u128>(level, compute),
            })
        }
    }
}

/// Marks the impls of [`Op`] for each class of dtypes.
pub(super) mod class {
    pub struct Real;
    pub struct Int;
    pub struct Boolean;
    pub struct Complex;
}

/// The loop of one row, class and dtype.
///
/// `real`, `int` and `complex_fast` are vectorised for each level (of the unsigned types only u8); `real_slow`, `int_slow`
/// and `complex` have one loop for all levels. The bodies of `real_blocks` take arrays of [`BLOCK`] elements.
macro_rules! class_kernel {
    (real, $op:ident, $n:literal, $d:ident, $level:ident) => {
        match $d {
            DType::F32 => Some(kernel::vectorised::<$op, f32, $n, class::Real>($level)),
            DType::F64 => Some(kernel::vectorised::<$op, f64, $n, class::Real>($level)),
            _ => None,
        }
    };
    (real_slow, $op:ident, $n:literal, $d:ident, $level:ident) => {
        match $d {
            DType::F32 => Some(kernel::scalar::<$op, f32, $n, class::Real>()),
            DType::F64 => Some(kernel::scalar::<$op, f64, $n, class::Real>()),
            _ => None,
        }
    };
    (real_blocks, $op:ident, $n:literal, $d:ident, $level:ident) => {
        match $d {
            DType::F32 => Some(kernel::blocks::<$op, f32, $n>($level)),
            DType::F64 => Some(kernel::blocks::<$op, f64, $n>($level)),
            _ => None,
        }
    };
    (int, $op:ident, $n:literal, $d:ident, $level:ident) => {
        match $d {
            DType::I64 => Some(kernel::vectorised::<$op, i64, $n, class::Int>($level)),
            DType::I32 => Some(kernel::vectorised::<$op, i32, $n, class::Int>($level)),
            DType::I16 => Some(kernel::vectorised::<$op, i16, $n, class::Int>($level)),
            DType::I8 => Some(kernel::vectorised::<$op, i8, $n, class::Int>($level)),
            DType::U8 => Some(kernel::vectorised::<$op, u8, $n, class::Int>($level)),
            DType::U16 => Some(kernel::scalar::<$op, u16, $n, class::Int>()),
            DType::U32 => Some(kernel::scalar::<$op, u32, $n, class::Int>()),
            DType::U64 => Some(kernel::scalar::<$op, u64, $n, class::Int>()),
            _ => None,
        }
    };
    (int_slow, $op:ident, $n:literal, $d:ident, $level:ident) => {
        match $d {
            DType::I64 => Some(kernel::scalar::<$op, i64, $n, class::Int>()),
            DType::I32 => Some(kernel::scalar::<$op, i32, $n, class::Int>()),
            DType::I16 => Some(kernel::scalar::<$op, i16, $n, class::Int>()),
            DType::I8 => Some(kernel::scalar::<$op, i8, $n, class::Int>()),
            DType::U8 => Some(kernel::scalar::<$op, u8, $n, class::Int>()),
            DType::U16 => Some(kernel::scalar::<$op, u16, $n, class::Int>()),
            DType::U32 => Some(kernel::scalar::<$op, u32, $n, class::Int>()),
            DType::U64 => Some(kernel::scalar::<$op, u64, $n, class::Int>()),
            _ => None,
        }
    };
    (boolean, $op:ident, $n:literal, $d:ident, $level:ident) => {
        match $d {
            DType::Bool => Some(kernel::vectorised::<$op, Bool8, $n, class::Boolean>($level)),
            _ => None,
        }
    };
    (complex_fast, $op:ident, $n:literal, $d:ident, $level:ident) => {
        match $d {
            DType::C64 => Some(kernel::vectorised::<$op, C64, $n, class::Complex>($level)),
            DType::C128 => Some(kernel::vectorised::<$op, C128, $n, class::Complex>($level)),
            _ => None,
        }
    };
    (complex, $op:ident, $n:literal, $d:ident, $level:ident) => {
        match $d {
            DType::C64 => Some(kernel::scalar::<$op, C64, $n, class::Complex>()),
            DType::C128 => Some(kernel::scalar::<$op, C128, $n, class::Complex>()),
            _ => None,
        }
    };
}

/// `impl Op` of one row and class, under the class's trait.
macro_rules! class_impl {
    (real, $($rest:tt)+) => { class_impl!(@ crate::cpu::simd::math::Real, Real, $($rest)+); };
    (real_slow, $($rest:tt)+) => { class_impl!(@ crate::cpu::simd::math::Real, Real, $($rest)+); };
    (int, $($rest:tt)+) => { class_impl!(@ crate::cpu::pointwise::scalar::Int, Int, $($rest)+); };
    (int_slow, $($rest:tt)+) => { class_impl!(@ crate::cpu::pointwise::scalar::Int, Int, $($rest)+); };
    (boolean, $($rest:tt)+) => { class_impl!(@ crate::cpu::pointwise::scalar::Truth, Boolean, $($rest)+); };
    (real_blocks, $op:ident, $n:literal, $t:ident, [$($x:ident),+], $p:ident, $out:ty, $body:block,) => {
        #[allow(unused_variables, reason = "most bodies take no attributes")]
        impl<$t: crate::cpu::simd::math::Real> kernel::Blocks<$t, $n> for $op {
            #[inline(always)]
            fn apply([$($x),+]: [[$t; crate::cpu::simd::math::BLOCK]; $n], $p: &Params) -> [$out; crate::cpu::simd::math::BLOCK] $body
        }
    };
    (complex_fast, $($rest:tt)+) => { class_impl!(@ crate::cpu::pointwise::scalar::Cplx, Complex, $($rest)+); };
    (complex, $($rest:tt)+) => { class_impl!(@ crate::cpu::pointwise::scalar::Cplx, Complex, $($rest)+); };
    (@ $bound:path, $class:ident, $op:ident, $n:literal, $t:ident, [$($x:ident),+], $p:ident, $out:ty, $body:block, $($rare:block $slow:block)?) => {
        #[allow(unused_variables, reason = "most bodies take no attributes")]
        impl<$t: $bound> kernel::Op<$t, $n, class::$class> for $op {
            type Out = $out;
            const HAS_RARE: bool = class_impl!(@some $($rare)?);
            #[inline(always)]
            fn apply([$($x),+]: [$t; $n], $p: &Params) -> $out $body
            #[inline(always)]
            fn rare([$($x),+]: [$t; $n]) -> bool {
                class_impl!(@or false; $($rare)?)
            }
            #[inline(always)]
            fn slow([$($x),+]: [$t; $n]) -> $out {
                class_impl!(@or unreachable!("no rare arguments"); $($slow)?)
            }
        }
    };
    (@some) => { false };
    (@some $e:block) => { true };
    (@or $d:expr;) => { $d };
    (@or $d:expr; $e:block) => { $e };
}

/// Function tables. A row is `Name: arity, cost { class(T) |args, params| -> Out { body } ... }`; the body is generic
/// over the class's trait (`Real`, `Int`, `Cplx`), and several classes in brackets share one. The same function for GPUs
/// follows as expressions in WGSL by what they compute in, `@f32`, `@i32` (smaller integers, too), `@i64` (two words) or
/// `@bool` (0 and 1, unsigned): of the inputs `a`, `b`, `c`, `d`, the attributes `f0` to `f3` and `i0` to `i3`, and the
/// functions of `shaders/lib/`. Tests give truth values of WGSL, but for those of `@bool`.
macro_rules! rows {
    ($( $(#[$m:meta])* $op:ident: $n:literal, $cost:literal {
        $( $class:ident ($t:ident) |[$($x:ident),+], $p:ident| -> $out:ty $body:block $(; rare $rare:block slow $slow:block)? )+
        $( @$type:ident $wgsl:literal )*
    } )+) => { $(
        $(#[$m])*
        pub(super) struct $op;
        impl kernel::Row for $op {
            const ARITY: usize = $n;
            const COST: usize = $cost;
            const WGSL: &'static [(&'static str, &'static str)] = &[$((stringify!($type), $wgsl)),*];
            #[allow(unused_variables, reason = "rows without vectorised classes")]
            fn kernel(compute: DType, level: Level) -> Option<Kernel> {
                None$(.or_else(|| class_kernel!($class, $op, $n, compute, level)))+
            }
        }
        $( class_impl!($class, $op, $n, $t, [$($x),+], $p, $out, $body, $($rare $slow)?); )+
    )+ };
}

pub(super) use {class_impl, class_kernel, rows};
