//! SIMD levels: detection once, and functions compiled for each.

pub mod math;
#[cfg(target_arch = "x86_64")]
pub mod parts;

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Whatever the target's baseline is.
    Portable = 1,
    /// AVX2, FMA and F16C.
    Avx2 = 2,
    /// AVX-512 F, BW, DQ, VL.
    Avx512 = 3,
}

static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The level that kernels run at: the best that the processor has, or what `RUSTORCH_ISA` pins.
#[inline(always)]
pub fn level() -> Level {
    match LEVEL.load(Relaxed) {
        3 => Level::Avx512,
        2 => Level::Avx2,
        1 => Level::Portable,
        _ => detect(),
    }
}

#[cold]
fn detect() -> Level {
    let best = best();
    let wanted = match crate::config::isa().as_deref() {
        Some("portable" | "scalar") => Level::Portable,
        Some("avx2") => Level::Avx2,
        Some("avx512") | None => Level::Avx512,
        Some(other) => {
            crate::config::complain(&format!(
                "RUSTORCH_ISA={other} is none of portable, avx2 and avx512: it pins nothing"
            ));
            Level::Avx512
        }
    };
    let level = best.min(wanted);
    LEVEL.store(level as u8, Relaxed);
    level
}

/// The levels that this processor has, lowest first.
pub fn available() -> impl Iterator<Item = Level> {
    [Level::Portable, Level::Avx2, Level::Avx512].into_iter().filter(|&l| l <= best())
}

/// The best level of this processor.
pub fn best() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        if avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            return Level::Avx512;
        }
        if avx2 {
            return Level::Avx2;
        }
    }
    Level::Portable
}

/// Asks for the cache lines of `bytes` bytes, from any address.
#[inline(always)]
pub fn prefetch(p: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..bytes.div_ceil(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching has no effect on memory and does not fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.wrapping_add(line * 64).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (p, bytes);
}

/// Compiles one body for every SIMD level and calls the version for [`level`].
///
/// The body is an `#[inline(always)]` function of plain scalar code: LLVM vectorises it within each
/// version's instruction set, so that every level runs the same arithmetic and gives the same bits.
///
/// ```ignore
/// multiversion! {
///     /// Adds slices.
///     pub unsafe fn add(x: *const f32, y: *mut f32, n: usize) { for i in 0..n { *y.add(i) += *x.add(i) } }
/// }
/// ```
/// Generic parameters are written in square brackets: `unsafe fn map[T: Element, F: Fn(T) -> T](...)`. An expression in
/// front, `at(level) unsafe fn ...`, chooses the version instead; it sees the arguments, and is no better than `level()`.
#[macro_export]
macro_rules! multiversion {
    ($(#[$m:meta])* $vis:vis unsafe fn $($rest:tt)*) => {
        $crate::multiversion! { $(#[$m])* at($crate::cpu::simd::level()) $vis unsafe fn $($rest)* }
    };
    ($(#[$m:meta])* at($level:expr) $vis:vis unsafe fn $name:ident $([$($g:ident : $b:path),* $(,)?])? ($($a:ident : $t:ty),* $(,)?) $(-> $r:ty)? $body:block) => {
        $(#[$m])*
        #[inline]
        #[allow(clippy::too_many_arguments, reason = "kernels take pointers and sizes apart")]
        $vis unsafe fn $name $(<$($g: $b),*>)? ($($a: $t),*) $(-> $r)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, unsafe_op_in_unsafe_fn, reason = "the body is the unsafe fn")]
            unsafe fn body $(<$($g: $b),*>)? ($($a: $t),*) $(-> $r)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,lzcnt,popcnt")]
            #[allow(clippy::too_many_arguments, reason = "as above")]
            unsafe fn v512 $(<$($g: $b),*>)? ($($a: $t),*) $(-> $r)? {
                // SAFETY: the caller of the outer function upholds the body's contract.
                unsafe { body $(::<$($g),*>)? ($($a),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,bmi2,lzcnt,popcnt")]
            #[allow(clippy::too_many_arguments, reason = "as above")]
            unsafe fn v256 $(<$($g: $b),*>)? ($($a: $t),*) $(-> $r)? {
                // SAFETY: as above.
                unsafe { body $(::<$($g),*>)? ($($a),*) }
            }
            #[cfg(target_arch = "x86_64")]
            let level: $crate::cpu::simd::Level = $level;
            // SAFETY: the level is one that `level` has found, and the caller upholds the body's contract.
            unsafe {
                #[cfg(target_arch = "x86_64")]
                match level {
                    $crate::cpu::simd::Level::Avx512 => return v512 $(::<$($g),*>)? ($($a),*),
                    $crate::cpu::simd::Level::Avx2 => return v256 $(::<$($g),*>)? ($($a),*),
                    $crate::cpu::simd::Level::Portable => {}
                }
                body $(::<$($g),*>)? ($($a),*)
            }
        }
    };
}
