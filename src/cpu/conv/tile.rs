//! The micro-kernels: tiles of sums in registers.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::filter::Weights;
use super::lanes::{Lanes, MAX_W, Work};
use super::source::TapRow;
use crate::cpu::float::Float;

/// One product: weights of some output channels, times the pixels of a band of one output plane.
pub(super) struct Panel<'a, F> {
    /// The weights, in tiles of output channels.
    pub a: Weights<F>,
    /// Output channels; the last tile may have fewer.
    pub m: usize,
    /// The rows of taps, and where (channel, tap of a row) lies, relative to a pixel and a row.
    pub taps: &'a [TapRow],
    pub columns: &'a [usize],
    /// The first pixel.
    pub b: *const F,
    /// Pixels from one row to the next, and pixels of a row that count.
    pub pitch: usize,
    pub width: usize,
    /// The place of the first pixel, and how many there are, counted with what lies between rows.
    pub from: usize,
    pub count: usize,
    /// Where the sums go: elements from one output channel, row and pixel to the next.
    pub out: *mut F,
    pub out_m: usize,
    pub out_row: usize,
    pub out_step: usize,
    /// One per output channel; optional.
    pub bias: *const F,
    /// Add to what is there instead of the bias.
    pub add: bool,
}

/// Adjacent pixels of a tile that belong to one row: their place in the tile and in the output, and their number.
type Segment = (usize, usize, usize);

/// Where the sums of a tile go: side by side from a place on, or in segments.
#[derive(Clone, Copy)]
enum To<'a> {
    Row(usize),
    Segments(&'a [Segment]),
}

/// The most pixels of a tile.
const MAX_PIXELS: usize = 8 * MAX_W;

pub(super) unsafe fn panel<L: Lanes>(p: &Panel<L::F>) {
    struct This<'a, 'b, L: Lanes>(&'a Panel<'b, L::F>);
    impl<L: Lanes> Work for This<'_, '_, L> {
        #[inline(always)]
        unsafe fn run(self) {
            let p = self.0;
            match p.a.height {
                8 if L::WIDE => pixels::<L, 8>(p, 3),
                6 => pixels::<L, 6>(p, if L::WIDE { 4 } else { 2 }),
                4 => pixels::<L, 4>(p, if L::WIDE { 6 } else { 2 }),
                _ => pixels::<L, 1>(p, 8),
            }
        }
    }
    L::enter(This::<L>(p));
}

/// Walks the pixels: row by row where few lanes are lost at their ends, else all of them with what lies between rows.
#[inline(always)]
unsafe fn pixels<L: Lanes, const MR: usize>(p: &Panel<L::F>, most: usize) {
    let direct = p.out_step == 1 && p.pitch == p.width && p.out_row == p.width;
    let rows = p.count.div_ceil(p.pitch);
    let whole = p.from == 0 && p.count == (rows - 1) * p.pitch + p.width;
    let by_row = !direct && whole && p.out_step == 1 && 4 * rows * p.width.div_ceil(L::W) * L::W <= 5 * p.count;
    let (lines, len) = if by_row { (rows, p.width) } else { (1, p.count) };
    for line in 0..lines {
        let out = if direct { Some(p.from) } else { by_row.then_some(line * p.out_row) };
        walk::<L, MR>(p, most, (line * p.pitch, len), out);
    }
}

/// Walks `len` pixels from `first` on in tiles of `most` vectors, smaller ones at the end. `out` is the place of the first
/// one's sum where those of all lie side by side.
#[inline(always)]
unsafe fn walk<L: Lanes, const MR: usize>(
    p: &Panel<L::F>,
    most: usize,
    (first, len): (usize, usize),
    out: Option<usize>,
) {
    let (mut at, end) = (first, first + len);
    while at < end {
        let left = (end - at).div_ceil(L::W);
        let vectors = if left >= most {
            most
        } else {
            match left {
                _ if MR == 1 => left,
                1 | 2 => left,
                3 if most == 3 => 3,
                3 => 2,
                _ => 4,
            }
        };
        let count = (end - at).min(vectors * L::W);
        let mut segments = [const { MaybeUninit::uninit() }; MAX_PIXELS];
        let to = match out {
            Some(out) => To::Row(out + at - first),
            None => To::Segments(split(p, at, count, &mut segments)),
        };
        // Between the ends of two rows that lie far apart: nothing to write.
        if matches!(to, To::Segments([])) {
            at += count;
            continue;
        }
        let full = count == vectors * L::W;
        macro_rules! run {
            ($($nv:literal)+) => {
                match vectors {
                    $($nv if full => tiles::<L, MR, $nv, false>(p, at, count, to),
                    $nv => tiles::<L, MR, $nv, true>(p, at, count, to),)+
                    _ => {}
                }
            };
        }
        if MR == 8 {
            run!(1 2 3);
        } else if MR == 4 && L::WIDE {
            run!(1 2 4 6);
        } else if MR == 6 && L::WIDE {
            run!(1 2 4);
        } else if MR > 1 {
            run!(1 2);
        } else {
            run!(1 2 3 4 5 6 7 8);
        }
        at += count;
    }
}

/// Cuts `count` pixels from `at` on at the ends of rows.
#[inline(always)]
unsafe fn split<'a, F>(
    p: &Panel<F>,
    at: usize,
    count: usize,
    out: &'a mut [MaybeUninit<Segment>; MAX_PIXELS],
) -> &'a [Segment] {
    let (mut row, mut column) = ((p.from + at) / p.pitch, (p.from + at) % p.pitch);
    let (mut n, mut done) = (0, 0);
    while done < count {
        if column < p.width {
            let len = (p.width - column).min(count - done);
            out[n].write((done, row * p.out_row + column * p.out_step, len));
            n += 1;
        }
        done += p.pitch - column;
        column = 0;
        row += 1;
    }
    // The first n have been written.
    std::slice::from_raw_parts(out.as_ptr().cast(), n)
}

/// The sums of all output channels for one tile of pixels; with `PART`, the last vector is not full.
#[inline(always)]
unsafe fn tiles<L: Lanes, const MR: usize, const NV: usize, const PART: bool>(
    p: &Panel<L::F>,
    at: usize,
    count: usize,
    to: To,
) {
    let last = count - (NV - 1) * L::W;
    let mut m = 0;
    while m < p.m {
        let rows = MR.min(p.m - m);
        let mut acc = [[L::zero(); NV]; MR];
        Loop::<L, MR, NV, PART>::BY_PLACE[usize::from(p.a.columns.is_null())](p, (m, rows), (at, last), &mut acc);
        let out = p.out.add(m * p.out_m);
        let bias = |i: usize| if p.bias.is_null() { L::F::ZERO } else { *p.bias.add(m + i) };
        match to {
            To::Row(to) => {
                for (i, acc) in acc.iter().enumerate().take(rows) {
                    let out = out.add(i * p.out_m + to);
                    let bias = L::splat(bias(i));
                    for (v, &acc) in acc.iter().enumerate() {
                        let out = out.add(v * L::W);
                        if PART && v == NV - 1 {
                            L::store_n(out, last, L::add(acc, if p.add { L::load_n(out, last) } else { bias }));
                        } else {
                            L::store(out, L::add(acc, if p.add { L::load(out) } else { bias }));
                        }
                    }
                }
            }
            To::Segments(segments) => {
                let mut sums = [const { MaybeUninit::<[L::F; MAX_W]>::uninit() }; 9];
                let sums = sums.as_mut_ptr().cast::<L::F>();
                // A vector may start at the last pixel.
                L::store(sums.add(NV * L::W), L::zero());
                for (i, acc) in acc.iter().enumerate().take(rows) {
                    for (v, &acc) in acc.iter().enumerate() {
                        L::store(sums.add(v * L::W), acc);
                    }
                    for &(from, to, len) in segments {
                        scatter::<L>(sums.add(from), out.add(i * p.out_m + to), len, p.out_step, bias(i), p.add);
                    }
                }
            }
        }
        m += MR;
    }
}

/// Writes `len` sums, `step` apart.
#[inline(always)]
unsafe fn scatter<L: Lanes>(sums: *const L::F, out: *mut L::F, len: usize, step: usize, bias: L::F, add: bool) {
    if step == 1 {
        let bias = L::splat(bias);
        let mut j = 0;
        while j < len {
            let n = L::W.min(len - j);
            let base = if add { L::load_n(out.add(j), n) } else { bias };
            L::store_n(out.add(j), n, L::add(L::load(sums.add(j)), base));
            j += L::W;
        }
        return;
    }
    for j in 0..len {
        let out = out.add(j * step);
        *out = *sums.add(j) + if add { *out } else { bias };
    }
}

/// Gets the panel, the first row of weights and the rows that exist, the first pixel and those of the last vector.
type LoopFn<L, const MR: usize, const NV: usize> =
    unsafe fn(&Panel<<L as Lanes>::F>, (usize, usize), (usize, usize), &mut [[<L as Lanes>::V; NV]; MR]);

/// The sums of a tile, for weights in place and packed ones. They are called through a table, since in one function with
/// the rest their sums compete for registers with what that keeps there.
struct Loop<L, const MR: usize, const NV: usize, const PART: bool>(PhantomData<L>);

impl<L: Lanes, const MR: usize, const NV: usize, const PART: bool> Loop<L, MR, NV, PART> {
    const BY_PLACE: [LoopFn<L, MR, NV>; 2] = [sums::<L, MR, NV, PART, false>, sums::<L, MR, NV, PART, true>];
}

unsafe fn sums<L: Lanes, const MR: usize, const NV: usize, const PART: bool, const PACKED: bool>(
    p: &Panel<L::F>,
    (m, rows): (usize, usize),
    (at, last): (usize, usize),
    sums: &mut [[L::V; NV]; MR],
) {
    struct This<'a, 'b, L: Lanes, const MR: usize, const NV: usize, const PART: bool, const PACKED: bool> {
        p: &'a Panel<'b, L::F>,
        rows: (usize, usize),
        pixels: (usize, usize),
        sums: &'a mut [[L::V; NV]; MR],
    }
    impl<L: Lanes, const MR: usize, const NV: usize, const PART: bool, const PACKED: bool> Work
        for This<'_, '_, L, MR, NV, PART, PACKED>
    {
        #[inline(always)]
        unsafe fn run(self) {
            let (p, (m, rows), (at, last)) = (self.p, self.rows, self.pixels);
            let (b, len) = (p.b.add(at), p.columns.len());
            *self.sums = if PACKED {
                let a = p.a.at.add(m * p.taps.len() * len);
                let row = |t: &TapRow| a.wrapping_add(t.index * len * MR);
                tile::<L, MR, NV, PART, _>(p, row, |a, r, i| a.wrapping_add(i * MR + r), b, last)
            } else {
                // A row that does not exist repeats the last, and its sums are dropped.
                let a: [*const L::F; MR] =
                    std::array::from_fn(|r| p.a.at.wrapping_add((m + r.min(rows - 1)) * p.a.row));
                let columns = p.a.columns;
                let row = |t: &TapRow| a.map(|a| a.wrapping_add(t.weight));
                tile::<L, MR, NV, PART, _>(p, row, |a, r, i| a[r].wrapping_add(*columns.wrapping_add(i)), b, last)
            };
        }
    }
    L::enter(This::<L, MR, NV, PART, PACKED> { p, rows: (m, rows), pixels: (at, last), sums });
}

/// `MR` rows of weights times `NV` vectors of pixels, over all taps and channels: `row` finds the weights of a row of
/// taps, and `weight(row, r, i)` that of the tile's row r for column i.
#[inline(always)]
unsafe fn tile<L: Lanes, const MR: usize, const NV: usize, const PART: bool, A: Copy>(
    p: &Panel<L::F>,
    row: impl Fn(&TapRow) -> A,
    weight: impl Fn(A, usize, usize) -> *const L::F,
    b: *const L::F,
    last: usize,
) -> [[L::V; NV]; MR] {
    let mut acc = [[L::zero(); NV]; MR];
    for taps in p.taps {
        let (b, a) = (b.add(taps.shift), row(taps));
        for (i, &column) in p.columns.iter().enumerate() {
            let b = b.add(column);
            let mut pixels = [L::zero(); NV];
            for (v, x) in pixels.iter_mut().enumerate() {
                *x = if PART && v == NV - 1 { L::load_n(b.add(v * L::W), last) } else { L::load(b.add(v * L::W)) };
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let w = L::splat(*weight(a, r, i));
                for v in 0..NV {
                    acc[v] = L::fma(w, pixels[v], acc[v]);
                }
            }
        }
    }
    acc
}

/// Part of a weight's gradient: for every k and output channel the sum over pixels of `x[pixel + offset] * g[pixel]`.
pub(super) struct Products<F> {
    /// Where k lies, relative to a pixel.
    pub offsets: *const usize,
    /// Rows of the result.
    pub k: usize,
    /// Samples, planes and lines of pixels, and pixels of a line.
    pub counts: [usize; 3],
    pub width: usize,
    /// The first pixel, and elements from one sample, plane and line to the next.
    pub x: *const F,
    pub x_steps: [usize; 3],
    /// The same for the gradient; a line is pixel by pixel, `vectors` vectors of output channels each.
    pub g: *const F,
    pub g_steps: [usize; 3],
    pub vectors: usize,
    /// Where the sums are added: rows are `out_k` apart.
    pub out: *mut F,
    pub out_k: usize,
}

pub(super) unsafe fn products<L: Lanes>(p: &Products<L::F>) {
    struct This<'a, L: Lanes>(&'a Products<L::F>);
    impl<L: Lanes> Work for This<'_, L> {
        #[inline(always)]
        unsafe fn run(self) {
            let p = self.0;
            match (L::WIDE, p.vectors) {
                (true, 1) => product_rows::<L, 8, 1>(p),
                (true, 2) => product_rows::<L, 8, 2>(p),
                (true, _) => product_rows::<L, 8, 3>(p),
                (false, 1) => product_rows::<L, 6, 1>(p),
                (false, _) => product_rows::<L, 6, 2>(p),
            }
        }
    }
    L::enter(This::<L>(p));
}

#[inline(always)]
unsafe fn product_rows<L: Lanes, const MR: usize, const NV: usize>(p: &Products<L::F>) {
    let mut k = 0;
    while k < p.k {
        // Past the last k the tile repeats it, and drops the sums.
        let x: [*const L::F; MR] = std::array::from_fn(|i| p.x.add(*p.offsets.add((k + i).min(p.k - 1))));
        let mut acc = [[L::zero(); NV]; MR];
        for sample in 0..p.counts[0] {
            for plane in 0..p.counts[1] {
                for line in 0..p.counts[2] {
                    let at = |s: &[usize; 3]| sample * s[0] + plane * s[1] + line * s[2];
                    let (first, mut g) = (at(&p.x_steps), p.g.add(at(&p.g_steps)));
                    for w in first..first + p.width {
                        let mut gs = [L::zero(); NV];
                        for (v, gs) in gs.iter_mut().enumerate() {
                            *gs = L::load(g.add(v * L::W));
                        }
                        for (i, acc) in acc.iter_mut().enumerate() {
                            let x = L::splat(*x[i].add(w));
                            for v in 0..NV {
                                acc[v] = L::fma(x, gs[v], acc[v]);
                            }
                        }
                        g = g.add(NV * L::W);
                    }
                }
            }
        }
        for (i, acc) in acc.iter().enumerate().take(p.k - k) {
            let out = p.out.add((k + i) * p.out_k);
            for (v, &acc) in acc.iter().enumerate() {
                let out = out.add(v * L::W);
                L::store(out, L::add(L::load(out), acc));
            }
        }
        k += MR;
    }
}

/// The same as [`Products`] for one output channel, whose gradient is read in place.
pub(super) struct Dots<F> {
    /// As in [`Products`].
    pub offsets: *const usize,
    pub k: usize,
    pub x: *const F,
    pub pitch: usize,
    pub width: usize,
    pub height: usize,
    /// The gradient: rows are `g_row` apart.
    pub g: *const F,
    pub g_row: usize,
    /// Where the sums are added, `out_k` apart.
    pub out: *mut F,
    pub out_k: usize,
}

pub(super) unsafe fn dots<L: Lanes>(p: &Dots<L::F>) {
    struct This<'a, L: Lanes>(&'a Dots<L::F>);
    impl<L: Lanes> Work for This<'_, L> {
        #[inline(always)]
        unsafe fn run(self) {
            dot_rows::<L, 8>(self.0);
        }
    }
    L::enter(This::<L>(p));
}

#[inline(always)]
unsafe fn dot_rows<L: Lanes, const MR: usize>(p: &Dots<L::F>) {
    let mut k = 0;
    while k < p.k {
        let x: [*const L::F; MR] = std::array::from_fn(|i| p.x.add(*p.offsets.add((k + i).min(p.k - 1))));
        let mut acc = [L::zero(); MR];
        for h in 0..p.height {
            let (g, at) = (p.g.add(h * p.g_row), h * p.pitch);
            let mut w = 0;
            while w + L::W <= p.width {
                let gs = L::load(g.add(w));
                for i in 0..MR {
                    acc[i] = L::fma(gs, L::load(x[i].add(at + w)), acc[i]);
                }
                w += L::W;
            }
            let left = p.width - w;
            if left > 0 {
                let gs = L::load_n(g.add(w), left);
                for i in 0..MR {
                    acc[i] = L::fma(gs, L::load_n(x[i].add(at + w), left), acc[i]);
                }
            }
        }
        for (i, &acc) in acc.iter().enumerate().take(p.k - k) {
            let out = p.out.add((k + i) * p.out_k);
            *out += L::sum(acc);
        }
        k += MR;
    }
}
