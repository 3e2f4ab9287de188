//! Packing: blocks of A and B are copied into panels that the micro-kernel reads from front to back.
//!
//! A panel holds, for one step of k after another, the elements of its rows (A) or columns (B), here both
//! called lanes. The copy converts the dtype and undoes any strides.

use super::isa::{Isa, Work};
use super::lanes::Lane;
use super::num::{Num, Source};
#[cfg(target_arch = "x86_64")]
use half::bf16;
use num_complex::Complex;
use std::marker::PhantomData;
use std::ops::Range;

/// How `n` lanes are cut into panels.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    n: usize,
    /// Lanes in a panel; 0: as even as can be.
    width: usize,
    /// Panels.
    pub parts: usize,
}

impl Cut {
    /// Panels of at most `max` lanes that differ by at most one.
    pub(super) fn even(n: usize, max: usize) -> Cut {
        Cut { n, width: 0, parts: n.div_ceil(max) }
    }

    /// Panels of `width` lanes, the last one shorter.
    pub(super) fn fixed(n: usize, width: usize) -> Cut {
        Cut { n, width, parts: n.div_ceil(width) }
    }

    /// The first lane of panel `q`.
    #[inline(always)]
    pub(super) fn start(&self, q: usize) -> usize {
        if self.width == 0 { q * self.n / self.parts } else { (q * self.width).min(self.n) }
    }

    /// The lanes of panel `q`.
    #[inline(always)]
    pub(super) fn range(&self, q: usize) -> Range<usize> {
        self.start(q)..self.start(q + 1)
    }
}

/// A dtype and the lanes it is computed with.
pub(super) trait Kernel: 'static {
    /// The lanes.
    type L: Lane;
    /// The element in memory.
    type E: Source<T = <Self::L as Lane>::T>;
    /// Can the micro-kernel read operands where they lie?
    const DIRECT: bool;
    /// Packs one panel.
    unsafe fn panel(p: &Panel<Self::E, <Self::L as Lane>::P>);
}

/// One panel to pack.
pub(super) struct Panel<E, P> {
    /// Lane 0 at k = 0; lanes are `ls` apart, values of k `ks`.
    pub src: *const E,
    pub ls: isize,
    pub ks: isize,
    /// Values of k.
    pub k: usize,
    /// Lanes, and lanes with the zeros that fill the last vector.
    pub lanes: usize,
    pub padded: usize,
    /// Is it a panel of B?
    pub is_b: bool,
    pub dst: *mut P,
}

/// A group of panels to pack.
pub(super) struct Pack<K: Kernel> {
    pub src: *const K::E,
    pub ls: isize,
    pub ks: isize,
    /// Values of k of a panel, and those to pack.
    pub all: usize,
    pub k: Range<usize>,
    pub cut: Cut,
    pub panels: Range<usize>,
    pub is_b: bool,
    /// Panel 0.
    pub dst: *mut <K::L as Lane>::P,
}

/// Steps that are packed over all panels, one after the other, when lanes are adjacent: so rows of memory stream, and
/// those that share a place in L1 stay there.
const AT_ONCE: usize = 8;

impl<K: Kernel> Pack<K> {
    /// Cuts the packing of `panels` panels of `lanes` lanes in all into tasks of about `GRAIN` elements: by steps where
    /// lanes are adjacent, else by panels. Gives their number, and panels and steps of each.
    pub fn tasks(
        adjacent: bool,
        (k, panels, lanes): (usize, &Range<usize>, usize),
    ) -> (usize, impl Fn(usize) -> (Range<usize>, Range<usize>)) {
        const GRAIN: usize = 1 << 15;
        let panels = panels.clone();
        let whole = if panels.is_empty() {
            0
        } else if adjacent {
            k
        } else {
            panels.len()
        };
        let unit = if adjacent { AT_ONCE * K::L::STEP } else { 1 };
        let grain = (GRAIN * whole / (k * lanes).max(1)).next_multiple_of(unit).max(unit);
        let part = move |i: usize| i * grain..whole.min((i + 1) * grain);
        (whole.div_ceil(grain), move |i| {
            let part = part(i);
            if adjacent { (panels.clone(), part) } else { (panels.start + part.start..panels.start + part.end, 0..k) }
        })
    }
}

impl<K: Kernel> Work for Pack<K> {
    #[inline(always)]
    unsafe fn run(self) {
        let (w, step) = (K::L::W, K::L::STEP);
        let block = if self.ls == 1 { AT_ONCE * step } else { self.k.len().max(1) };
        for k0 in self.k.clone().step_by(block) {
            for q in self.panels.clone() {
                let r = self.cut.range(q);
                let padded = if self.is_b { r.len().next_multiple_of(w) } else { r.len() };
                let steps = self.all.div_ceil(step);
                K::panel(&Panel {
                    src: self.src.wrapping_offset(r.start as isize * self.ls + k0 as isize * self.ks),
                    ls: self.ls,
                    ks: self.ks,
                    k: block.min(self.k.end - k0),
                    lanes: r.len(),
                    padded,
                    is_b: self.is_b,
                    dst: self.dst.add(r.start * steps + k0 / step * padded),
                });
            }
        }
    }
}

/// Lane by lane, for any strides; `put` writes lane i of a step.
#[inline(always)]
unsafe fn scatter<E: Source, P>(p: &Panel<E, P>, put: impl Fn(*mut P, usize, E::T)) {
    for k in 0..p.k {
        let row = p.dst.add(k * p.padded);
        for i in 0..p.lanes {
            put(row, i, (*p.src.offset(i as isize * p.ls + k as isize * p.ks)).widen());
        }
        for i in p.lanes..p.padded {
            put(row, i, E::T::ZERO);
        }
    }
}

/// Real elements.
pub(super) struct Plain<L, E>(PhantomData<(L, E)>);

impl<L, E> Kernel for Plain<L, E>
where
    E: Source,
    L: Lane<T = E::T, P = E::T>,
{
    type L = L;
    type E = E;
    const DIRECT: bool = E::SAME;

    #[inline(always)]
    unsafe fn panel(p: &Panel<E, E::T>) {
        if p.ls == 1 {
            adjacent::<L, E>(p);
        } else if p.ks == 1 && E::SAME {
            transposed::<L::I, E::T>(p.src as *const u8, p.ls * size_of::<E>() as isize, p);
        } else if p.ks == 1 {
            // Converted row by row first, a little block at a time.
            const BLOCK: usize = 64;
            let mut rows = [E::T::ZERO; 32 * BLOCK];
            for k0 in (0..p.k).step_by(BLOCK) {
                let k = BLOCK.min(p.k - k0);
                for i in 0..p.lanes {
                    let (src, row) = (p.src.offset(i as isize * p.ls).add(k0), rows.as_mut_ptr().add(i * BLOCK));
                    let full = k - k % L::W;
                    for j in (0..full).step_by(L::W) {
                        L::store(row.add(j), E::load::<L>(src.add(j)));
                    }
                    if full < k {
                        L::store(row.add(full), E::load_part::<L>(src.add(full), k - full));
                    }
                }
                let part = Panel { k, dst: p.dst.add(k0 * p.padded), src: p.src, ..*p };
                transposed::<L::I, E::T>(rows.as_ptr() as *const u8, (BLOCK * size_of::<E::T>()) as isize, &part);
            }
        } else {
            scatter(p, |row, i, x| *row.add(i) = x);
        }
    }
}

/// Lanes are adjacent in memory: rows are copied.
#[inline(always)]
unsafe fn adjacent<L: Lane<T = E::T, P = E::T>, E: Source>(p: &Panel<E, E::T>) {
    let full = p.lanes - p.lanes % L::W;
    for k in 0..p.k {
        let (src, row) = (p.src.offset(k as isize * p.ks), p.dst.add(k * p.padded));
        for i in (0..full).step_by(L::W) {
            L::store(row.add(i), E::load::<L>(src.add(i)));
        }
        if full < p.lanes {
            let v = E::load_part::<L>(src.add(full), p.lanes - full);
            if p.is_b {
                L::store(row.add(full), v);
            } else {
                L::store_part(row.add(full), v, p.lanes - full);
            }
        }
    }
}

/// Values of k are adjacent in memory: squares are transposed. `src` rows are `ss` bytes apart.
#[inline(always)]
unsafe fn transposed<I: Isa, T: Copy>(src: *const u8, ss: isize, p: &Panel<impl Copy, T>) {
    let square = match size_of::<T>() {
        4 => 8,
        8 => 4,
        _ => usize::MAX,
    };
    let mut done = 0;
    if p.lanes >= square {
        // Two squares at a time, so that a source line is used up before others push it out of L1.
        while done + square <= p.k {
            let next = if done + 2 * square <= p.k { 2 } else { 1 };
            let mut i = 0;
            loop {
                for s in 0..next {
                    let k = done + s * square;
                    let from = src.offset(i as isize * ss).add(k * size_of::<T>());
                    let to = p.dst.add(k * p.padded + i);
                    if square == 8 {
                        I::transpose32(from, ss, to as *mut u32, p.padded);
                    } else {
                        I::transpose64(from, ss, to as *mut u64, p.padded);
                    }
                }
                if i + square == p.lanes {
                    break;
                }
                // The last square overlaps the one before it rather than be cut.
                i = (i + square).min(p.lanes - square);
            }
            done += next * square;
        }
    }
    for i in 0..p.lanes {
        let row = src.offset(i as isize * ss) as *const T;
        for k in done..p.k {
            *p.dst.add(k * p.padded + i) = row.add(k).read_unaligned();
        }
    }
    if p.padded > p.lanes {
        for k in 0..p.k {
            p.dst.add(k * p.padded + p.lanes).write_bytes(0, p.padded - p.lanes);
        }
    }
}

/// Complex elements: panels of B keep real and imaginary parts apart.
pub(super) struct Planar<L>(PhantomData<L>);

impl<L, R> Kernel for Planar<L>
where
    R: Copy + Send + Sync + 'static,
    Complex<R>: Source<T = Complex<R>>,
    L: Lane<T = Complex<R>, P = Complex<R>>,
{
    type L = L;
    type E = Complex<R>;
    const DIRECT: bool = false;

    #[inline(always)]
    unsafe fn panel(p: &Panel<Complex<R>, Complex<R>>) {
        if p.is_b {
            scatter(p, |row, i, x| {
                let vector = row.add(i / L::W * L::W) as *mut R;
                *vector.add(i % L::W) = x.re;
                *vector.add(L::W + i % L::W) = x.im;
            });
        } else if p.ks == 1 {
            transposed::<L::I, Complex<R>>(p.src as *const u8, p.ls * size_of::<Complex<R>>() as isize, p);
        } else {
            scatter(p, |row, i, x| *row.add(i) = x);
        }
    }
}

/// Pairs of bf16 along k, for the dot product instruction.
#[cfg(target_arch = "x86_64")]
pub(super) struct Pairs<L>(PhantomData<L>);

#[cfg(target_arch = "x86_64")]
impl<L: Lane<T = f32, P = u32>> Kernel for Pairs<L> {
    type L = L;
    type E = bf16;
    const DIRECT: bool = false;

    #[inline(always)]
    unsafe fn panel(p: &Panel<bf16, u32>) {
        let pair = |lo: bf16, hi: bf16| lo.to_bits() as u32 | (hi.to_bits() as u32) << 16;
        let pairs = p.k / 2;
        if p.ks == 1 {
            let whole = Panel { src: p.src, k: pairs, ..*p };
            transposed::<L::I, u32>(p.src as *const u8, p.ls * 2, &whole);
        } else {
            for q in 0..pairs {
                let row = p.dst.add(q * p.padded);
                let lo = p.src.offset(2 * q as isize * p.ks);
                let hi = lo.offset(p.ks);
                // Two loops: the first one's stride is a constant and vectorises.
                if p.ls == 1 {
                    for i in 0..p.lanes {
                        *row.add(i) = pair(*lo.add(i), *hi.add(i));
                    }
                } else {
                    for i in 0..p.lanes {
                        *row.add(i) = pair(*lo.offset(i as isize * p.ls), *hi.offset(i as isize * p.ls));
                    }
                }
                row.add(p.lanes).write_bytes(0, p.padded - p.lanes);
            }
        }
        if p.k % 2 == 1 {
            let row = p.dst.add(pairs * p.padded);
            for i in 0..p.lanes {
                let last = p.src.offset(i as isize * p.ls + 2 * pairs as isize * p.ks);
                *row.add(i) = pair(*last, bf16::ZERO);
            }
            row.add(p.lanes).write_bytes(0, p.padded - p.lanes);
        }
    }
}
