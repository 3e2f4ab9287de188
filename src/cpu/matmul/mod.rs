//! Matrix products: `C = alpha * A @ B + beta * C + bias` for every numeric dtype.
//!
//! The road of one product: [`gemm`] picks the kernel for the dtype and the SIMD level, `block::drive` chooses
//! between the skinny kernels (at most 8 rows or columns), tiles straight on the operands (small ones) and
//! tiles on packed panels, cuts the work into tasks, and `tile` is the loop in registers.
//!
//! # Contract of the unsafe code in this folder
//! Callers pass operands whose every index within the shape is readable, a C that is writable, is not an
//! operand and does not overlap itself, and dispatch has checked all sizes. The instruction set of a lane type
//! is present: only `kernels` names lane types, after detection. Tasks write disjoint parts of C and of scratch.
//!
//! # Determinism
//! An element's sum runs over k in one order, cut into blocks that depend on k and the dtype alone; which path
//! is taken depends on the shape, the strides, the dtype and the level. No thread count enters anywhere.

#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

mod block;
mod finish;
mod isa;
mod lanes;
mod num;
mod pack;
mod skinny;
#[cfg(test)]
mod tests;
mod tile;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::alloc::Block;
use super::parallel;
use super::simd::{self, Level};
use crate::tensor::DType;
use crate::tensor::dtype::C128;

/// A matrix in memory. Strides are in elements, of any sign, and may be 0 for operands that are only read.
#[derive(Clone, Copy, Debug)]
pub struct Mat {
    /// Element (0, 0).
    pub ptr: *mut u8,
    /// Elements from one row to the next.
    pub rs: isize,
    /// Elements from one column to the next.
    pub cs: isize,
}

impl Mat {
    /// A matrix that starts at `ptr`.
    pub fn new<T>(ptr: *const T, rs: isize, cs: isize) -> Self {
        Mat { ptr: ptr as *mut u8, rs, cs }
    }

    /// The transpose, on the same memory.
    pub fn t(self) -> Self {
        Mat { ptr: self.ptr, rs: self.cs, cs: self.rs }
    }

    fn shifted(self, elements: isize, dtype: DType) -> Self {
        Mat { ptr: self.ptr.wrapping_offset(elements * dtype.size() as isize), ..self }
    }
}

/// A scale factor, exact for every dtype.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor {
    /// What floating and complex dtypes use.
    pub complex: C128,
    /// What integer dtypes use, modulo their range.
    pub int: i64,
}

impl Factor {
    /// 0.
    pub const ZERO: Factor = Factor { complex: C128::new(0.0, 0.0), int: 0 };
    /// 1.
    pub const ONE: Factor = Factor { complex: C128::new(1.0, 0.0), int: 1 };

    /// A real factor; integer dtypes see it truncated.
    pub fn real(x: f64) -> Self {
        Factor { complex: C128::new(x, 0.0), int: x as i64 }
    }

    /// An integer factor.
    pub fn int(x: i64) -> Self {
        Factor { complex: C128::new(x as f64, 0.0), int: x }
    }

    /// A complex factor; real dtypes see its real part.
    pub fn complex(x: C128) -> Self {
        Factor { complex: x, int: x.re as i64 }
    }
}

/// What is added to the product, in the same dtype; the values are contiguous.
#[derive(Clone, Copy, Debug)]
pub enum Bias {
    /// Nothing.
    None,
    /// One value per column (n of them): a linear layer's bias.
    PerColumn(*const u8),
    /// One value per row (m of them): a convolution's bias.
    PerRow(*const u8),
}

/// One product: `C = alpha * A @ B + beta * C + bias`, A of m x k, B of k x n, C of m x n elements.
///
/// With `beta` 0, C is written without being read. With `k` or `alpha` 0, A and B are not read.
/// The halves are summed in f32 and rounded once; integers wrap.
#[derive(Clone, Copy, Debug)]
pub struct Gemm {
    /// The dtype of all operands: any but bool.
    pub dtype: DType,
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// The product's factor.
    pub alpha: Factor,
    /// The left operand.
    pub a: Mat,
    /// The right operand.
    pub b: Mat,
    /// The factor of what C holds.
    pub beta: Factor,
    /// The result.
    pub c: Mat,
    /// An added vector.
    pub bias: Bias,
    /// B as [`pack`] packed it for the same B, n, k and dtype at the same SIMD level, or null.
    pub packed: *const u8,
}

impl Gemm {
    /// `C = A @ B`.
    pub fn new(dtype: DType, (m, n, k): (usize, usize, usize), a: Mat, b: Mat, c: Mat) -> Self {
        Gemm {
            dtype,
            m,
            n,
            k,
            alpha: Factor::ONE,
            a,
            b,
            beta: Factor::ZERO,
            c,
            bias: Bias::None,
            packed: std::ptr::null(),
        }
    }

    fn flops(&self) -> usize {
        2usize.saturating_mul(self.m).saturating_mul(self.n).saturating_mul(self.k)
    }
}

// SAFETY: a `Gemm` describes memory; tasks that share it write disjoint elements.
unsafe impl Sync for Gemm {}

/// The fewest rows of A for which [`gemm`] packs B.
pub const MIN_PACKED: usize = skinny::DOT_ROWS + 1;

/// Computes one product.
///
/// # Safety
/// Every element within the shapes is readable (of C: writable), and C overlaps neither itself nor an operand.
pub unsafe fn gemm(g: &Gemm) {
    (kernels(g.dtype, simd::level()).product)(g, true);
}

/// Packs B for many products like this one, with any number of rows that [`gemm`] packs B for; None where it reads B as
/// it lies, or where there is no memory. C is not touched, A not read.
///
/// # Safety
/// Every element of B is readable.
pub unsafe fn pack(g: &Gemm) -> Option<Block> {
    (kernels(g.dtype, simd::level()).pack)(g)
}

/// [`gemm`] on the calling thread, for kernels that share out their work themselves.
///
/// # Safety
/// As for [`gemm`].
pub unsafe fn serial(g: &Gemm) {
    (kernels(g.dtype, simd::level()).product)(g, false);
}

/// Computes `batch` products; product i works at `i * sa`, `i * sb` and `i * sc` elements from A, B and C.
///
/// A stride of 0 shares an operand between all products; the bias is shared always.
///
/// # Safety
/// As for [`gemm`], for each product; the results do not overlap.
pub unsafe fn batched(g: &Gemm, batch: usize, (sa, sb, sc): (isize, isize, isize)) {
    if batch == 0 || g.m == 0 || g.n == 0 {
        return;
    }
    let product = kernels(g.dtype, simd::level()).product;
    // Rows (columns) that continue from one product to the next, against a shared operand, are one product.
    if sb == 0 && sa == g.m as isize * g.a.rs && sc == g.m as isize * g.c.rs && !matches!(g.bias, Bias::PerRow(_)) {
        return product(&Gemm { m: g.m * batch, ..*g }, true);
    }
    if sa == 0 && sb == g.n as isize * g.b.cs && sc == g.n as isize * g.c.cs && !matches!(g.bias, Bias::PerColumn(_)) {
        return product(&Gemm { n: g.n * batch, ..*g }, true);
    }
    let one = |i: usize, par: bool| {
        let at = |m: Mat, s: isize| m.shifted(i as isize * s, g.dtype);
        let g = Gemm { a: at(g.a, sa), b: at(g.b, sb), c: at(g.c, sc), ..*g };
        // SAFETY: the caller's contract, for product i.
        unsafe { product(&g, par) };
    };
    let cost = g.flops().max(g.m * g.n).max(1);
    if batch > 1 && (batch >= 16 || cost < BATCH_INSIDE) {
        parallel::chunks(batch, (block::TASK_FLOPS / cost).max(1), &|r| r.for_each(|i| one(i, false)));
    } else {
        (0..batch).for_each(|i| one(i, true));
    }
}

/// From this many flops, the products of a short batch are split inside: one may not divide evenly by threads.
const BATCH_INSIDE: usize = 1 << 25;

/// Writes `sum(x[i] * y[i])` of n elements to `out`. Strides are in elements.
///
/// # Safety
/// The elements are readable, `out` is writable.
pub unsafe fn dot(dtype: DType, n: usize, (x, incx): (*const u8, isize), (y, incy): (*const u8, isize), out: *mut u8) {
    gemm(&Gemm::new(dtype, (1, 1, n), Mat::new(x, 0, incx), Mat::new(y, incy, 0), Mat::new(out, 0, 0)));
}

/// Computes `y = alpha * A @ x + beta * y` for A of m x k elements, laid out in any way.
///
/// # Safety
/// As for [`gemm`].
pub unsafe fn gemv(
    dtype: DType,
    (m, k): (usize, usize),
    alpha: Factor,
    a: Mat,
    (x, incx): (*const u8, isize),
    beta: Factor,
    (y, incy): (*mut u8, isize),
) {
    let g = Gemm::new(dtype, (m, 1, k), a, Mat::new(x, incx, 0), Mat::new(y, incy, 0));
    gemm(&Gemm { alpha, beta, ..g });
}

/// The code for a dtype at a level.
struct Kernels {
    /// Computes a product; the flag says whether on all threads.
    product: unsafe fn(&Gemm, bool),
    /// Packs B.
    pack: unsafe fn(&Gemm) -> Option<Block>,
}

/// The code for a dtype at a level that the processor has.
fn kernels(dtype: DType, level: Level) -> Kernels {
    fn of<K: pack::Kernel>() -> Kernels {
        Kernels { product: block::drive::<K>, pack: block::pack::<K> }
    }
    use lanes as p;
    use pack::{Plain, Planar};
    #[cfg(target_arch = "x86_64")]
    use x86::{self as x, *};
    macro_rules! table {
        ($m:ident: $f32:ident $f64:ident $u32:ident $u64:ident $c64:ident $c128:ident) => {
            match dtype {
                DType::F32 => of::<Plain<$m::$f32, f32>>(),
                DType::F64 => of::<Plain<$m::$f64, f64>>(),
                DType::F16 => of::<Plain<$m::$f32, half::f16>>(),
                DType::BF16 => of::<Plain<$m::$f32, half::bf16>>(),
                DType::C64 => of::<Planar<$m::$c64>>(),
                DType::C128 => of::<Planar<$m::$c128>>(),
                DType::U8 | DType::Bool => of::<Plain<$m::$u32, u8>>(),
                DType::I8 => of::<Plain<$m::$u32, i8>>(),
                DType::U16 => of::<Plain<$m::$u32, u16>>(),
                DType::I16 => of::<Plain<$m::$u32, i16>>(),
                // Two's complement products and sums do not know the sign.
                DType::U32 | DType::I32 => of::<Plain<$m::$u32, u32>>(),
                DType::U64 | DType::I64 => of::<Plain<$m::$u64, u64>>(),
            }
        };
    }
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if dtype == DType::BF16 && is_x86_feature_detected!("avx512bf16") => of::<pack::Pairs<Bf16x16>>(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => table!(x: F32x16 F64x8 U32x16 U64x8 C64x16 C128x8),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => table!(x: F32x8 F64x4 U32x8 U64x4 C64x8 C128x4),
        _ => table!(p: F32x4 F64x2 U32x4 U64x2 C64x4 C128x2),
    }
}
