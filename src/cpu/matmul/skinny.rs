//! Products with few rows (or, transposed, few columns): bound by reading the large operand once, not by sums.
//!
//! Two layouts of the large operand B: columns along memory (`Dots`: each element of C is a dot product of two
//! adjacent vectors) and rows along memory (`Rows`: multiples of B's rows are added up).

use super::block::{Problem, each};
use super::isa::{Isa, Work};
use super::lanes::Lane;
use super::num::{Num, Source};
use super::pack::Kernel;
use crate::cpu::alloc::alloc;
use std::mem::MaybeUninit;
use std::ops::Range;

/// The most rows that each layout is for.
pub(super) const DOT_ROWS: usize = 16;
const FEW_ROWS: usize = 8;
/// Values of k from which a dot product is worth its final sum across lanes.
const MIN_DOT: usize = 32;
/// Elements of B below which packing and tiles beat the dot products of more than 4 rows, or of more than 8.
const SMALL: [usize; 2] = [1 << 13, 1 << 16];
/// Columns whose results a `Dots` task collects.
const DOT_COLS: usize = 32;
/// Elements of B that a task reads at least.
const GRAIN: usize = 1 << 15;
/// Bytes of the sums that a `Rows` task keeps in L1.
const ROW_BYTES: usize = 32 << 10;
/// Bytes of B up to which tiles on the operand itself are faster, for more than 4 rows.
const RESIDENT: usize = 128 << 10;

type T<K> = <<K as Kernel>::L as Lane>::T;

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Dots,
    Rows,
}

fn style<K: Kernel>(p: &Problem<K::E, T<K>>) -> Option<Style> {
    if p.m > DOT_ROWS || p.k == 0 {
        return None;
    }
    if (p.b_rs == 1 || (p.m == 1 && p.n == 1)) && p.k >= MIN_DOT && (p.m <= 4 || p.n * p.k >= SMALL[p.m / 9]) {
        return Some(Style::Dots);
    }
    let resident = p.m > 4 && p.n * p.k * size_of::<K::E>() <= RESIDENT && K::DIRECT;
    (p.m <= FEW_ROWS && p.b_cs == 1 && p.n >= 2 * K::L::W && !resident).then_some(Style::Rows)
}

/// Has the product the shape for it?
pub(super) fn suits<K: Kernel>(p: &Problem<K::E, T<K>>) -> bool {
    style::<K>(p).is_some() || style::<K>(&p.transposed()).is_some()
}

/// Computes the product if it has the shape for it.
pub(super) unsafe fn try_run<K: Kernel>(p: &Problem<K::E, T<K>>, par: bool) -> bool {
    let flipped = p.transposed();
    match (style::<K>(p), style::<K>(&flipped)) {
        (Some(Style::Dots), _) => run::<K>(p, Style::Dots, par),
        (_, Some(s)) => run::<K>(&flipped, s, par),
        (Some(s), None) => run::<K>(p, s, par),
        (None, None) => false,
    }
}

unsafe fn run<K: Kernel>(p: &Problem<K::E, T<K>>, style: Style, par: bool) -> bool {
    if p.m == 1 && p.n == 1 {
        one::<K>(p);
        return true;
    }
    // The few rows of A, as numbers and adjacent along k.
    let mut a = (p.a as *const T<K>, p.a_rs);
    let _scratch;
    if !(K::E::SAME && p.a_cs == 1) {
        let Some(scratch) = alloc(p.m * p.k * size_of::<T<K>>()) else {
            return false;
        };
        let rows = scratch.ptr() as *mut T<K>;
        for i in 0..p.m {
            for k in 0..p.k {
                *rows.add(i * p.k + k) = (*p.a.offset(i as isize * p.a_rs + k as isize * p.a_cs)).widen();
            }
        }
        a = (rows, p.k as isize);
        _scratch = scratch;
    }
    let task = Task::<K> { p, a: a.0, a_rs: a.1 };
    let cols = match style {
        Style::Dots => (GRAIN / p.k).max(1).next_multiple_of(DOT_COLS),
        // Long enough to stream, short enough for sums to stay in L1 and for tasks to be several.
        Style::Rows => {
            let most = ROW_BYTES / size_of::<T<K>>() / p.m / 128 * 128;
            (p.n / 4).next_multiple_of(128).clamp(256.min(most), most)
        }
    };
    each(par, p.n.div_ceil(cols), &|t| {
        let range = t * cols..p.n.min((t + 1) * cols);
        // SAFETY: the module's contract; tasks have disjoint columns.
        unsafe {
            match style {
                Style::Dots => <K::L as Lane>::I::enter(Dots(&task, range)),
                Style::Rows => <K::L as Lane>::I::enter(Rows(&task, range)),
            }
        }
    });
    true
}

/// A product whose A is rows of numbers.
struct Task<'a, K: Kernel> {
    p: &'a Problem<K::E, T<K>>,
    a: *const T<K>,
    a_rs: isize,
}

// SAFETY: the module's contract: tasks have disjoint columns of C.
unsafe impl<K: Kernel> Sync for Task<'_, K> {}

impl<K: Kernel> Task<'_, K> {
    #[inline(always)]
    unsafe fn finish(&self, j: usize, cols: usize, sums: *const T<K>, ld: usize) {
        let mut f = self.p.finish::<K::L>(0, j, sums, ld);
        (f.rows, f.cols) = (self.p.m, cols);
        f.run();
    }
}

struct Dots<'a, K: Kernel>(&'a Task<'a, K>, Range<usize>);

impl<K: Kernel> Work for Dots<'_, K> {
    #[inline(always)]
    unsafe fn run(self) {
        let Dots(task, range) = self;
        let p = task.p;
        let mut sums = [T::<K>::ZERO; DOT_ROWS * DOT_COLS];
        for j0 in range.clone().step_by(DOT_COLS) {
            let cols = DOT_COLS.min(range.end - j0);
            let mut j = 0;
            while j < cols {
                // Columns side by side: independent chains of sums, and as many streams from memory.
                let side = match (cols - j, p.m) {
                    (8.., 1) => 8,
                    (4.., _) => 4,
                    _ => 1,
                };
                let b = p.b.offset((j0 + j) as isize * p.b_cs);
                let out = sums.as_mut_ptr().add(j);
                let mut i = 0;
                while i < p.m {
                    let a = task.a.offset(i as isize * task.a_rs);
                    let d = Dot::<K> { k: p.k, a, a_rs: task.a_rs, b, b_cs: p.b_cs, out: out.add(i * DOT_COLS) };
                    // Sums of four rows and four columns need more registers than AVX2 has.
                    let many = K::L::MR > 6;
                    i += match (side, p.m - i) {
                        (8, _) => d.run::<1, 8>(),
                        (4, 4..) if many => d.run::<4, 4>(),
                        (4, 2..) => d.run::<2, 4>(),
                        (4, _) => d.run::<1, 4>(),
                        (_, 4..) => d.run::<4, 1>(),
                        _ => d.run::<1, 1>(),
                    };
                }
                j += side;
            }
            task.finish(j0, cols, sums.as_ptr(), DOT_COLS);
        }
    }
}

/// Dot products of some rows of A and some columns of B.
struct Dot<K: Kernel> {
    k: usize,
    a: *const T<K>,
    a_rs: isize,
    b: *const K::E,
    b_cs: isize,
    out: *mut T<K>,
}

impl<K: Kernel> Dot<K> {
    /// One vector of sums per product, whatever `M` and `N` are, so that grouping changes no bit.
    #[inline(always)]
    unsafe fn run<const M: usize, const N: usize>(&self) -> usize {
        let w = K::L::W;
        let mut acc = [[K::L::zero(); N]; M];
        let full = self.k - self.k % w;
        let mut k = 0;
        while k < full {
            let mut b = [K::L::zero(); N];
            for (j, b) in b.iter_mut().enumerate() {
                *b = K::E::load::<K::L>(self.b.offset(j as isize * self.b_cs).add(k));
            }
            for (i, acc) in acc.iter_mut().enumerate() {
                let a = K::L::load(self.a.offset(i as isize * self.a_rs).add(k));
                for j in 0..N {
                    acc[j] = K::L::mul_add(a, b[j], acc[j]);
                }
            }
            k += w;
        }
        if full < self.k {
            let rest = self.k - full;
            for (i, acc) in acc.iter_mut().enumerate() {
                let a = K::L::load_part(self.a.offset(i as isize * self.a_rs).add(full), rest);
                for (j, acc) in acc.iter_mut().enumerate() {
                    let b = K::E::load_part::<K::L>(self.b.offset(j as isize * self.b_cs).add(full), rest);
                    *acc = K::L::mul_add(a, b, *acc);
                }
            }
        }
        for (i, acc) in acc.iter().enumerate() {
            let out = self.out.add(i * DOT_COLS);
            let (fours, rest) = acc.as_chunks::<4>();
            for (j, four) in fours.iter().enumerate() {
                K::L::sum4(four, out.add(4 * j));
            }
            for (j, &acc) in rest.iter().enumerate() {
                *out.add(4 * fours.len() + j) = K::L::sum(acc);
            }
        }
        M
    }
}

struct Rows<'a, K: Kernel>(&'a Task<'a, K>, Range<usize>);

/// Rows of B that are added at once: as many streams from memory.
const TOGETHER: usize = 8;

impl<K: Kernel> Work for Rows<'_, K> {
    #[inline(always)]
    unsafe fn run(self) {
        let Rows(task, range) = self;
        let (p, w) = (task.p, K::L::W);
        let cols = range.len();
        let ld = cols.next_multiple_of(w);
        let mut sums = MaybeUninit::<Sums>::uninit();
        let sums = sums.as_mut_ptr() as *mut T<K>;
        // Zero is zero bytes in every type.
        sums.write_bytes(0, ld * p.m);
        let full = cols - cols % w;
        let mut k = 0;
        while k < p.k {
            let together = if k + TOGETHER <= p.k { TOGETHER } else { 1 };
            let b = p.b.offset(k as isize * p.b_rs).add(range.start);
            let strip = Strip::<K> { m: p.m, a: task.a.add(k), a_rs: task.a_rs, b, b_rs: p.b_rs, sums, ld };
            let mut j = 0;
            // Two vectors side by side share the factors, where there are registers for it.
            while together == TOGETHER && K::L::MR > 6 && j + 2 * w <= full {
                strip.add::<TOGETHER, 2>(j);
                j += 2 * w;
            }
            while j < full {
                if together == TOGETHER {
                    strip.add::<TOGETHER, 1>(j)
                } else {
                    strip.add::<1, 1>(j)
                }
                j += w;
            }
            if full < cols {
                strip.add_end(together, full, cols - full);
            }
            k += together;
        }
        task.finish(range.start, cols, sums, ld);
    }
}

/// Sums that stay in L1.
#[repr(C, align(64))]
struct Sums([u8; ROW_BYTES]);

/// Some rows of B, which are added to the sums.
struct Strip<K: Kernel> {
    m: usize,
    a: *const T<K>,
    a_rs: isize,
    b: *const K::E,
    b_rs: isize,
    sums: *mut T<K>,
    ld: usize,
}

impl<K: Kernel> Strip<K> {
    /// Adds `R` rows at `NV` vectors of columns from `j` on.
    #[inline(always)]
    unsafe fn add<const R: usize, const NV: usize>(&self, j: usize) {
        let w = K::L::W;
        let mut rows = [[K::L::zero(); NV]; R];
        for (r, row) in rows.iter_mut().enumerate() {
            let b = self.b.offset(r as isize * self.b_rs).add(j);
            // No prefetcher follows that many short streams by itself.
            <K::L as Lane>::I::prefetch((b as *const u8).wrapping_add(1024));
            for (v, row) in row.iter_mut().enumerate() {
                *row = K::E::load::<K::L>(b.add(v * w));
            }
        }
        for i in 0..self.m {
            let a = self.a.offset(i as isize * self.a_rs);
            let out = self.sums.add(i * self.ld + j);
            let mut sums = [K::L::zero(); NV];
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = K::L::load(out.add(v * w));
            }
            for (r, row) in rows.iter().enumerate() {
                let a = K::L::splat(*a.add(r));
                for v in 0..NV {
                    sums[v] = K::L::mul_add(a, row[v], sums[v]);
                }
            }
            for (v, &sum) in sums.iter().enumerate() {
                K::L::store(out.add(v * w), sum);
            }
        }
    }

    /// Adds `rows` rows at the last `n` columns, which are less than a vector.
    #[inline(always)]
    unsafe fn add_end(&self, rows: usize, j: usize, n: usize) {
        for r in 0..rows {
            let row = K::E::load_part::<K::L>(self.b.offset(r as isize * self.b_rs).add(j), n);
            for i in 0..self.m {
                let out = self.sums.add(i * self.ld + j);
                let a = K::L::splat(*self.a.offset(i as isize * self.a_rs).add(r));
                K::L::store(out, K::L::mul_add(a, row, K::L::load(out)));
            }
        }
    }
}

/// A single dot product. Sums run over blocks, and those are added up, so that rounding grows slowly.
unsafe fn one<K: Kernel>(p: &Problem<K::E, T<K>>) {
    let mut sum = T::<K>::ZERO;
    <K::L as Lane>::I::enter(One::<K> { p, out: &mut sum });
    let mut sums = [T::<K>::ZERO; super::lanes::MAX_W];
    sums[0] = sum;
    let mut f = p.finish::<K::L>(0, 0, sums.as_ptr(), 1);
    (f.rows, f.cols) = (1, 1);
    <K::L as Lane>::I::enter(f);
}

struct One<'a, K: Kernel> {
    p: &'a Problem<K::E, T<K>>,
    out: *mut T<K>,
}

impl<K: Kernel> Work for One<'_, K> {
    #[inline(always)]
    unsafe fn run(self) {
        /// Values of k in a block.
        const BLOCK: usize = 4096;
        /// Vectors of sums.
        const CHAINS: usize = 8;
        let (p, w) = (self.p, K::L::W);
        let mut total = T::<K>::ZERO;
        for k0 in (0..p.k).step_by(BLOCK) {
            let n = BLOCK.min(p.k - k0);
            let x = p.a.offset(k0 as isize * p.a_cs);
            let y = p.b.offset(k0 as isize * p.b_rs);
            if p.a_cs != 1 || p.b_rs != 1 {
                let mut sums = [T::<K>::ZERO; CHAINS];
                for k in 0..n as isize {
                    let s = &mut sums[k as usize % CHAINS];
                    *s = s.add((*x.offset(k * p.a_cs)).widen().mul((*y.offset(k * p.b_rs)).widen()));
                }
                total = sums.iter().fold(total, |t, &s| t.add(s));
                continue;
            }
            let mut acc = [K::L::zero(); CHAINS];
            let mut k = 0;
            while k + CHAINS * w <= n {
                for (c, acc) in acc.iter_mut().enumerate() {
                    let at = k + c * w;
                    *acc = K::L::mul_add(K::E::load::<K::L>(x.add(at)), K::E::load::<K::L>(y.add(at)), *acc);
                }
                k += CHAINS * w;
            }
            while k < n {
                let v = w.min(n - k);
                let (a, b) = if v == w {
                    (K::E::load::<K::L>(x.add(k)), K::E::load::<K::L>(y.add(k)))
                } else {
                    (K::E::load_part::<K::L>(x.add(k), v), K::E::load_part::<K::L>(y.add(k), v))
                };
                acc[0] = K::L::mul_add(a, b, acc[0]);
                k += v;
            }
            let mut half = CHAINS / 2;
            while half > 0 {
                for c in 0..half {
                    acc[c] = K::L::add(acc[c], acc[c + half]);
                }
                half /= 2;
            }
            total = total.add(K::L::sum(acc[0]));
        }
        *self.out = total;
    }
}
