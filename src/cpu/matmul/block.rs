//! Blocking: cuts a product into blocks that fit the caches, packs them, and hands tiles to the micro-kernel.

use super::finish::Finish;
use super::isa::Isa;
use super::lanes::{Lane, MAX_W};
use super::num::{Num, Source};
use super::pack::{Cut, Kernel, Pack};
use super::tile::TileArgs;
use super::{Bias, Gemm, parallel, skinny};
use crate::cpu::alloc::{self, alloc};
use std::mem::MaybeUninit;
use std::ops::Range;

type T<K> = <<K as Kernel>::L as Lane>::T;
type P<K> = <<K as Kernel>::L as Lane>::P;

/// Below this many flops the hand-off to other threads costs more than it gains.
pub(super) const PARALLEL_FLOPS: usize = 1 << 20;
/// Flops that a task should have at least.
pub(super) const TASK_FLOPS: usize = 1 << 20;
/// Tasks that a large product is cut into, if they are large enough: threads that are late then cost little.
const TASKS: usize = 64;
/// Bytes of a block of A: about half of L2.
const A_BYTES: usize = 512 << 10;
/// Values of k up to which C costs more than B: its rows are filled from end to end.
const SHORT: usize = 64;
/// Columns of B and rows of A that are packed at once.
const NC: usize = 2048;
const MC: usize = 4096;
/// Sums of a half-precision C that are kept in f32 between blocks of k.
const PARTIAL: usize = 1 << 20;

/// A [`Gemm`] with its types.
#[derive(Clone, Copy)]
pub(super) struct Problem<E, T> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub alpha: T,
    pub a: *const E,
    pub a_rs: isize,
    pub a_cs: isize,
    pub b: *const E,
    pub b_rs: isize,
    pub b_cs: isize,
    pub beta: T,
    pub c: *mut E,
    pub c_rs: isize,
    pub c_cs: isize,
    /// A matrix with a stride of 0, or null.
    pub bias: *const E,
    pub bias_rs: isize,
    pub bias_cs: isize,
    /// B, packed, or null.
    pub packed: *const u8,
}

// SAFETY: the module's contract: tasks that share a problem write disjoint elements.
unsafe impl<E, T> Sync for Problem<E, T> {}

impl<E: Source> Problem<E, E::T> {
    pub(super) fn new(g: &Gemm) -> Self {
        let alpha = E::T::factor(g.alpha);
        let (bias, bias_rs, bias_cs) = match g.bias {
            Bias::None => (std::ptr::null(), 0, 0),
            Bias::PerColumn(p) => (p as *const E, 0, 1),
            Bias::PerRow(p) => (p as *const E, 1, 0),
        };
        Problem {
            m: g.m,
            n: g.n,
            k: if alpha == E::T::ZERO { 0 } else { g.k },
            // Zeros are scaled to zeros, whatever an empty product's factor was.
            alpha: if g.k == 0 || alpha == E::T::ZERO { E::T::ONE } else { alpha },
            a: g.a.ptr as *const E,
            a_rs: g.a.rs,
            a_cs: g.a.cs,
            b: g.b.ptr as *const E,
            b_rs: g.b.rs,
            b_cs: g.b.cs,
            beta: E::T::factor(g.beta),
            c: g.c.ptr as *mut E,
            c_rs: g.c.rs,
            c_cs: g.c.cs,
            bias,
            bias_rs,
            bias_cs,
            packed: g.packed,
        }
    }

    /// The same product from the other side: `C^T = B^T @ A^T`.
    pub(super) fn transposed(&self) -> Self {
        Problem {
            m: self.n,
            n: self.m,
            a: self.b,
            a_rs: self.b_cs,
            a_cs: self.b_rs,
            b: self.a,
            b_rs: self.a_cs,
            b_cs: self.a_rs,
            c_rs: self.c_cs,
            c_cs: self.c_rs,
            bias_rs: self.bias_cs,
            bias_cs: self.bias_rs,
            packed: std::ptr::null(),
            ..*self
        }
    }

    /// The same product with rows of C along memory, if one of its strides is 1.
    fn along_rows(self) -> Self {
        if self.c_cs != 1 && self.c_rs == 1 { self.transposed() } else { self }
    }

    /// How sums at (i, j) become results; rows and columns are left for the caller.
    #[inline(always)]
    pub(super) unsafe fn finish<L: Lane<T = E::T>>(
        &self,
        i: usize,
        j: usize,
        sums: *const E::T,
        ld: usize,
    ) -> Finish<L, E> {
        let (i, j) = (i as isize, j as isize);
        Finish {
            sums,
            ld,
            part: std::ptr::null(),
            part_ld: 0,
            rows: 0,
            cols: 0,
            c: self.c.offset(i * self.c_rs + j * self.c_cs),
            c_rs: self.c_rs,
            c_cs: self.c_cs,
            alpha: self.alpha,
            beta: self.beta,
            bias: self.bias.wrapping_offset(i * self.bias_rs + j * self.bias_cs),
            bias_rs: self.bias_rs,
            bias_cs: self.bias_cs,
        }
    }
}

/// Runs `f` on `0..n`, on all threads if `par`.
#[inline]
pub(super) fn each(par: bool, n: usize, f: &(dyn Fn(usize) + Sync)) {
    if par && n > 1 { parallel::run(n, f) } else { (0..n).for_each(f) }
}

/// Computes a product; on all threads if `par`.
pub(super) unsafe fn drive<K: Kernel>(g: &Gemm, par: bool) {
    if g.m == 0 || g.n == 0 {
        return;
    }
    let p = Problem::<K::E, _>::new(g);
    let par = par && g.flops() >= PARALLEL_FLOPS;
    if skinny::try_run::<K>(&p, par) {
        return;
    }
    let p = p.along_rows();
    let plan = Plan::<K>::new(&p);
    match alloc(plan.nbytes()) {
        Some(scratch) => plan.run(&p, scratch.ptr(), par),
        None => plain_loops::<K>(&p),
    }
}

/// Packs all of B, block after block, if that product would pack it.
pub(super) unsafe fn pack<K: Kernel>(g: &Gemm) -> Option<alloc::Block> {
    let p = Problem::<K::E, _>::new(g);
    let plan = Plan::<K>::new(&p);
    let flipped = p.c_cs != 1 && p.c_rs == 1;
    if g.m == 0 || g.n == 0 || p.k == 0 || flipped || plan.b_direct || skinny::suits::<K>(&p) {
        return None;
    }
    let steps = p.k.div_ceil(K::L::STEP);
    let all = alloc(p.n.next_multiple_of(K::L::W).checked_mul(steps)?.checked_mul(Plan::<K>::PSIZE)?)?;
    for j0 in (0..p.n).step_by(plan.nc) {
        for k0 in (0..p.k).step_by(plan.kc) {
            let block =
                plan.block(&p, (0, j0, k0), std::ptr::null_mut(), plan.packed(&p, all.ptr(), j0, k0).cast_mut());
            block.pack(true, block.rows.parts..block.rows.parts, 0..block.cols.parts);
        }
    }
    Some(all)
}

/// How a product is blocked. Depends on shapes, strides and dtype alone.
struct Plan<K: Kernel> {
    /// Rows, columns and values of k in a full block.
    mc: usize,
    nc: usize,
    kc: usize,
    a_direct: bool,
    b_direct: bool,
    /// Is B packed already?
    b_ready: bool,
    /// Are sums kept apart from C between blocks of k?
    partial: bool,
    _kernel: std::marker::PhantomData<K>,
}

/// `n` in equal parts of at most `max`, each a multiple of `unit` if that is possible.
fn even(n: usize, max: usize, unit: usize) -> usize {
    n.div_ceil(n.div_ceil(max).max(1)).next_multiple_of(unit).max(unit)
}

impl<K: Kernel> Plan<K> {
    const NR: usize = K::L::W * K::L::NV;
    const PSIZE: usize = size_of::<P<K>>();

    fn new(p: &Problem<K::E, T<K>>) -> Self {
        // A panel streams from L2; blocks that fit L1 would have C read and written more often, which costs more (AVX-512,
        // 2048 x 2048: 217 GFLOP/s with 48 KiB, 225 with 64, 229 with 96).
        let kc = even(p.k, <K::L as Lane>::I::PANEL_BYTES / (Self::NR * Self::PSIZE) * K::L::STEP, K::L::STEP);
        let partial = !K::E::SAME && p.k > kc;
        // Copying an operand pays when it is read often afterwards, or when it is too large to lie in L1 or L2.
        let b_bytes = p.k * p.n * Self::PSIZE;
        let b_ready = !p.packed.is_null();
        let b_direct = !b_ready && K::DIRECT && p.b_cs == 1 && p.m <= 256 && b_bytes <= 128 << 10;
        let a_direct = K::DIRECT && (p.a_cs == 1 || p.a_rs == 1) && p.n <= 192 && p.k * Self::PSIZE <= 4096;
        let nc = even(p.n, if partial { NC / 2 } else { NC }, Self::NR);
        let mc = even(p.m, if partial { PARTIAL / nc } else { MC }, 1);
        Plan { mc, nc, kc, a_direct, b_direct, b_ready, partial, _kernel: std::marker::PhantomData }
    }

    fn a_len(&self) -> usize {
        if self.a_direct { 0 } else { self.mc * self.kc.div_ceil(K::L::STEP) }
    }

    fn b_len(&self) -> usize {
        // A last panel that is not whole vectors is packed in any case.
        let cols = if self.b_ready {
            0
        } else if self.b_direct {
            Self::NR
        } else {
            self.nc.next_multiple_of(K::L::W)
        };
        cols * self.kc.div_ceil(K::L::STEP)
    }

    fn nbytes(&self) -> usize {
        let sums = if self.partial { self.mc * self.nc.next_multiple_of(K::L::W) * size_of::<T<K>>() } else { 0 };
        self.b_len() * Self::PSIZE + (self.a_len() * Self::PSIZE).next_multiple_of(64) + sums
    }

    unsafe fn run(&self, p: &Problem<K::E, T<K>>, scratch: *mut u8, par: bool) {
        let b_packed = scratch as *mut P<K>;
        for i0 in (0..p.m).step_by(self.mc) {
            for j0 in (0..p.n).step_by(self.nc) {
                for k0 in (0..p.k.max(1)).step_by(self.kc) {
                    let b_packed = if self.b_ready { self.packed(p, p.packed, j0, k0).cast_mut() } else { b_packed };
                    let block = self.block(p, (i0, j0, k0), scratch, b_packed);
                    let a = if self.a_direct { 0..0 } else { 0..block.rows.parts };
                    let b = if self.b_ready { 0..0 } else { block.packed_cols() };
                    block.pack(par, a, b);
                    block.multiply(par);
                }
            }
        }
    }

    /// Where the block of B at (k0, j0) lies among all blocks, one after the other.
    unsafe fn packed(&self, p: &Problem<K::E, T<K>>, all: *const u8, j0: usize, k0: usize) -> *const P<K> {
        let cols = self.nc.min(p.n - j0).next_multiple_of(K::L::W);
        (all as *const P<K>).add(j0 * p.k.div_ceil(K::L::STEP) + cols * (k0 / K::L::STEP))
    }

    /// The block at (i0, j0, k0); scratch memory may be missing where there is only B to pack.
    unsafe fn block<'a>(
        &'a self,
        p: &'a Problem<K::E, T<K>>,
        (i0, j0, k0): (usize, usize, usize),
        scratch: *mut u8,
        b_packed: *mut P<K>,
    ) -> Block<'a, K> {
        let (m, n) = (self.mc.min(p.m - i0), self.nc.min(p.n - j0));
        let a_packed = scratch.wrapping_add(self.b_len() * Self::PSIZE);
        Block {
            p,
            plan: self,
            i0,
            j0,
            k0,
            m,
            n,
            k: self.kc.min(p.k - k0),
            rows: Cut::even(m, K::L::MR),
            cols: Cut::fixed(n, Self::NR),
            a_packed: a_packed.cast(),
            b_packed,
            sums: a_packed.wrapping_add((self.a_len() * Self::PSIZE).next_multiple_of(64)).cast(),
            sums_ld: n.next_multiple_of(K::L::W),
        }
    }
}

/// One block: all tiles of some rows and columns over a block of k.
struct Block<'a, K: Kernel> {
    p: &'a Problem<K::E, T<K>>,
    plan: &'a Plan<K>,
    i0: usize,
    j0: usize,
    k0: usize,
    m: usize,
    n: usize,
    k: usize,
    /// Tiles, top to bottom and left to right.
    rows: Cut,
    cols: Cut,
    a_packed: *mut P<K>,
    b_packed: *mut P<K>,
    sums: *mut T<K>,
    sums_ld: usize,
}

// SAFETY: the module's contract: tasks write disjoint panels and tiles.
unsafe impl<K: Kernel> Sync for Block<'_, K> {}

impl<K: Kernel> Block<'_, K> {
    /// The columns of B whose panels are packed.
    fn packed_cols(&self) -> Range<usize> {
        let all = self.cols.parts;
        let first = if !self.plan.b_direct {
            0
        } else if self.n.is_multiple_of(K::L::W) {
            all
        } else {
            all - 1
        };
        first..all
    }

    /// Packs panels of A and of B.
    unsafe fn pack(&self, par: bool, a: Range<usize>, b: Range<usize>) {
        let (p, all) = (self.p, self.k);
        let lanes = |cut: &Cut, panels: &Range<usize>| cut.start(panels.end) - cut.start(panels.start);
        let (b_tasks, b_part) = Pack::<K>::tasks(p.b_cs == 1, (all, &b, lanes(&self.cols, &b)));
        let (a_tasks, a_part) = Pack::<K>::tasks(p.a_rs == 1, (all, &a, lanes(&self.rows, &a)));
        let steps = all.div_ceil(K::L::STEP);
        each(par, b_tasks + a_tasks, &|t| {
            let work = if t < b_tasks {
                let (panels, k) = b_part(t);
                // A lone packed panel lies at the start.
                let dst = self.b_packed.wrapping_sub(self.cols.start(b.start) * steps);
                let src = p.b.wrapping_offset(self.k0 as isize * p.b_rs + self.j0 as isize * p.b_cs);
                Pack::<K> { src, ls: p.b_cs, ks: p.b_rs, all, k, cut: self.cols, panels, is_b: true, dst }
            } else {
                let (panels, k) = a_part(t - b_tasks);
                let src = p.a.wrapping_offset(self.i0 as isize * p.a_rs + self.k0 as isize * p.a_cs);
                let (cut, dst) = (self.rows, self.a_packed);
                Pack::<K> { src, ls: p.a_rs, ks: p.a_cs, all, k, cut, panels, is_b: false, dst }
            };
            // SAFETY: the module's contract.
            unsafe { <K::L as Lane>::I::enter(work) };
        });
    }

    /// Multiplies all tiles, in tasks of some row tiles by some column tiles.
    unsafe fn multiply(&self, par: bool) {
        let (rows, cols) = (self.rows.parts, self.cols.parts);
        // Row tiles per task: their panels stay in L2 while the task walks over the columns.
        let mut high = (A_BYTES / (self.k.div_ceil(K::L::STEP) * K::L::MR * Plan::<K>::PSIZE).max(1)).clamp(1, rows);
        high = rows.div_ceil(rows.div_ceil(high));
        let mut wide = cols;
        let tasks = (2 * self.m * self.n * self.k / TASK_FLOPS).clamp(1, TASKS);
        if self.k <= SHORT && rows >= tasks {
            high = if par { rows / tasks } else { 1 };
        } else if par {
            let across = tasks.div_ceil(rows.div_ceil(high)).clamp(1, cols);
            wide = cols.div_ceil(across);
            let down = tasks.div_ceil(cols.div_ceil(wide)).clamp(1, rows);
            high = high.min(rows.div_ceil(down));
        }
        let across = cols.div_ceil(wide);
        each(par, rows.div_ceil(high) * across, &|t| {
            let (i, j) = (t / across * high, t % across * wide);
            // SAFETY: the module's contract; the rectangles of different tasks are disjoint.
            unsafe { self.tiles(i..rows.min(i + high), j..cols.min(j + wide)) };
        });
    }

    /// Multiplies a rectangle of tiles.
    unsafe fn tiles(&self, rows: Range<usize>, cols: Range<usize>) {
        let (p, plan, w) = (self.p, self.plan, K::L::W);
        let steps = self.k.div_ceil(K::L::STEP);
        let (first, last) = (self.k0 == 0, self.k0 + self.k == p.k);
        let (zero, one) = (T::<K>::ZERO, T::<K>::ONE);
        // Sums that need nothing more go straight to C, or to the partial sums.
        let to_partial = plan.partial && !last;
        let old = if first { p.beta } else { one };
        let bare = K::E::SAME && (p.bias.is_null() || !last) && p.c_cs == 1;
        let straight = to_partial || (bare && (old == zero || old == one));
        let scale = (p.alpha != one && !plan.partial).then_some(p.alpha);
        let add = if plan.partial { !first } else { old == one };
        let packed_from = self.packed_cols().start;
        let mut spill = [const { MaybeUninit::<T<K>>::uninit() }; 14 * 2 * MAX_W];
        let spill = spill.as_mut_ptr() as *mut T<K>;

        for q in cols {
            let j = self.cols.range(q);
            let vectors = j.len().div_ceil(w);
            let whole = j.len() == vectors * w;
            let (b, b_ks) = if q >= packed_from {
                let from = self.cols.start(packed_from);
                (self.b_packed.add((j.start - from) * steps) as *const _, (vectors * w) as isize)
            } else {
                let b = p.b.offset(self.k0 as isize * p.b_rs + (self.j0 + j.start) as isize);
                (b as *const P<K>, p.b_rs)
            };
            for r in rows.clone() {
                let i = self.rows.range(r);
                let (a, a_rs, a_ks) = if plan.a_direct {
                    let a = p.a.offset((self.i0 + i.start) as isize * p.a_rs + self.k0 as isize * p.a_cs);
                    (a as *const P<K>, p.a_rs, p.a_cs)
                } else {
                    (self.a_packed.add(i.start * steps) as *const _, 1, i.len() as isize)
                };
                let mut t = TileArgs::<K::L> {
                    steps,
                    a,
                    a_rs,
                    a_ks,
                    b,
                    b_ks,
                    c: spill,
                    c_rs: (vectors * w) as isize,
                    scale: None,
                    add: false,
                };
                let (ci, cj) = (self.i0 + i.start, self.j0 + j.start);
                let part = self.sums.wrapping_add(i.start * self.sums_ld + j.start);
                let in_place = straight && (whole || to_partial);
                if in_place {
                    (t.scale, t.add) = (scale, add);
                    (t.c, t.c_rs) = if to_partial {
                        (part, self.sums_ld as isize)
                    } else {
                        (p.c.offset(ci as isize * p.c_rs + cj as isize) as *mut _, p.c_rs)
                    };
                }
                <K::L as Lane>::TILES[(a_rs == 1) as usize][vectors - 1][i.len() - 1](&t);
                if !in_place {
                    let mut f = p.finish::<K::L>(ci, cj, spill, vectors * w);
                    (f.rows, f.cols) = (i.len(), j.len());
                    if plan.partial && !first {
                        (f.part, f.part_ld) = (part, self.sums_ld);
                    } else {
                        f.beta = old;
                    }
                    if !last {
                        f.bias = std::ptr::null();
                    }
                    <K::L as Lane>::I::enter(f);
                }
            }
        }
    }
}

/// The product without scratch memory, for when there is none.
pub(super) unsafe fn plain_loops<K: Kernel>(p: &Problem<K::E, T<K>>) {
    let mut sums = [T::<K>::ZERO; MAX_W];
    for i in 0..p.m {
        for j in 0..p.n {
            let a = p.a.wrapping_offset(i as isize * p.a_rs);
            let b = p.b.wrapping_offset(j as isize * p.b_cs);
            let mut sum = T::<K>::ZERO;
            for k in 0..p.k as isize {
                sum = sum.add((*a.offset(k * p.a_cs)).widen().mul((*b.offset(k * p.b_rs)).widen()));
            }
            sums[0] = sum;
            let mut f = p.finish::<K::L>(i, j, sums.as_ptr(), 1);
            (f.rows, f.cols) = (1, 1);
            <K::L as Lane>::I::enter(f);
        }
    }
}
