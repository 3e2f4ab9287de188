//! The micro-kernel: a tile of C in registers over all steps of a block of k.

use super::isa::{Isa, Work};
use super::lanes::Lane;

/// What a micro-kernel gets.
pub(super) struct TileArgs<L: Lane> {
    /// Packed steps.
    pub steps: usize,
    /// A: `MR` rows `a_rs` apart, steps `a_ks` apart.
    pub a: *const L::P,
    pub a_rs: isize,
    pub a_ks: isize,
    /// B: `NV * W` adjacent columns, steps `b_ks` apart.
    pub b: *const L::P,
    pub b_ks: isize,
    /// Where the sums go: rows `c_rs` apart, columns adjacent.
    pub c: *mut L::T,
    pub c_rs: isize,
    /// A factor of the sums other than 1.
    pub scale: Option<L::T>,
    /// Add to what is there, instead of overwriting it.
    pub add: bool,
}

/// A micro-kernel of one tile shape.
pub(super) type TileFn<L> = unsafe fn(&TileArgs<L>);

/// Micro-kernels by [rows of A adjacent?][vectors - 1][rows - 1].
pub(super) type Tiles<L> = [[&'static [TileFn<L>]; 2]; 2];

/// The table of a lane type with the given rows.
macro_rules! tiles {
    (1, $($mr:literal)+) => { tiles!(@ [$($mr)+] [1] []) };
    (2, $($mr:literal)+) => { tiles!(@ [$($mr)+] [1] [2]) };
    (@ $mr:tt $one:tt $two:tt) => {
        [[tiles!(% $mr $one false), tiles!(% $mr $two false)], [tiles!(% $mr $one true), tiles!(% $mr $two true)]]
    };
    (% $mr:tt [] $unit:literal) => { &[] };
    (% [$($mr:literal)+] [$nv:literal] $unit:literal) => {
        &[$(crate::cpu::matmul::tile::entry::<Self, $mr, $nv, $unit>),+]
    };
}
pub(super) use tiles;

/// The micro-kernel for a tile of `MR` rows and `NV` vectors; with `UNIT`, rows of A are adjacent.
pub(super) unsafe fn entry<L: Lane, const MR: usize, const NV: usize, const UNIT: bool>(t: &TileArgs<L>) {
    L::I::enter(Tile::<L, MR, NV, UNIT>(t));
}

struct Tile<'a, L: Lane, const MR: usize, const NV: usize, const UNIT: bool>(&'a TileArgs<L>);

impl<L: Lane, const MR: usize, const NV: usize, const UNIT: bool> Work for Tile<'_, L, MR, NV, UNIT> {
    #[inline(always)]
    unsafe fn run(self) {
        let t = self.0;
        let rs = if UNIT { 1 } else { t.a_rs };
        let (mut a, mut b) = (t.a, t.b);
        let mut acc = [[L::zero(); NV]; MR];
        // Sums end up in lines that nothing has touched for long: they come while the loop runs.
        for i in 0..MR {
            for v in 0..NV {
                L::I::prefetch(t.c.wrapping_offset(i as isize * t.c_rs).wrapping_add(v * L::W) as *const u8);
            }
        }
        for _ in 0..t.steps {
            let mut bv = [L::load_b(b); NV];
            for (v, bv) in bv.iter_mut().enumerate().skip(1) {
                *bv = L::load_b(b.add(v * L::W));
            }
            for (i, acc) in acc.iter_mut().enumerate() {
                let av = L::splat_a(a.offset(i as isize * rs));
                for v in 0..NV {
                    acc[v] = L::step(acc[v], av, bv[v]);
                }
            }
            a = a.wrapping_offset(t.a_ks);
            b = b.wrapping_offset(t.b_ks);
        }
        // A complex infinity times 1 + 0i would turn into NaN.
        if let Some(scale) = t.scale {
            for sum in acc.as_flattened_mut() {
                *sum = L::mul(*sum, L::splat(scale));
            }
        }
        for (i, acc) in acc.iter().enumerate() {
            for (v, &acc) in acc.iter().enumerate() {
                let c = t.c.offset(i as isize * t.c_rs).add(v * L::W);
                L::store(c, if t.add { L::add(L::load(c), acc) } else { acc });
            }
        }
    }
}
