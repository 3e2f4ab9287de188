//! Recurrent layers over whole sequences: in each step one product with the weights of the hidden state, and the cell.
//!
//! The weights are cut into panels once a sequence: all gates of a few hidden units (forward), or a few columns
//! (backward). A task of a step multiplies the hidden state with a panel, which lies in L2, and goes on to the cells of
//! its units while the sums are in L1. So a step has one barrier, and gates exist in memory as far as the backward pass
//! needs them.
//!
//! # Contract of the unsafe code
//! Pointers address contiguous elements: inputs `gx` (steps, batch, gates x hidden), weights (gates x hidden, hidden),
//! bias (gates x hidden), states (batch, hidden), outputs (steps, batch, hidden). Those called optional may be null. No
//! output is an input.
//!
//! # Determinism
//! A unit's sum runs over the hidden state in one order, in blocks that the shape decides.

#![allow(clippy::needless_range_loop, reason = "one index runs through several streams")]
#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Scratch, Shared};
use super::matmul::{self, Factor, Gemm, Mat};
use super::parallel;
use super::simd::math::Real;
use super::simd::prefetch;
use crate::error::Result;
use crate::multiversion;

/// Hidden units of a panel: forward all gates of them, backward as columns.
const UNITS: usize = 16;
const COLUMNS: usize = 32;
/// Bytes of the weights, and rows of the state, that one product takes: it reads the panel where it lies.
const RESIDENT: usize = 128 << 10;
const ROWS: usize = 256;
/// Multiplications from which on a step is shared among threads.
const SHARED: usize = 1 << 17;
/// Values per unit that a cell handles at most.
const MOST: usize = 4;

/// A recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Long short-term memory: gates i, f, g, o.
    Lstm,
    /// Gated recurrent unit: gates r, z, n.
    Gru,
    /// `tanh(x + h)`.
    Tanh,
    /// `relu(x + h)`.
    Relu,
}

impl Kind {
    /// Gates of a unit.
    pub fn gates(self) -> usize {
        match self {
            Kind::Lstm => 4,
            Kind::Gru => 3,
            Kind::Tanh | Kind::Relu => 1,
        }
    }

    /// Values per unit and step that the backward pass needs, besides the outputs.
    pub fn saved(self) -> usize {
        if self.gates() > 1 { 4 } else { 0 }
    }

    /// Does the input's share of the gates get another gradient than the hidden state's?
    pub fn is_split(self) -> bool {
        self == Kind::Gru
    }
}

/// The sizes of a layer, and its direction.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// The cell.
    pub kind: Kind,
    /// Steps.
    pub steps: usize,
    /// Sequences.
    pub batch: usize,
    /// Hidden units.
    pub hidden: usize,
    /// From the last step to the first?
    pub reverse: bool,
}

impl Layer {
    /// The place in time of the `i`th step.
    fn at(&self, i: usize) -> usize {
        if self.reverse { self.steps - 1 - i } else { i }
    }

    fn state(&self) -> usize {
        self.batch * self.hidden
    }

    fn gates(&self) -> usize {
        self.kind.gates() * self.hidden
    }

    /// Runs `f` on all panels of a step.
    fn each(&self, panels: usize, f: &(dyn Fn(usize) + Sync)) {
        let grain = if self.state() * self.gates() < SHARED { panels } else { 1 };
        parallel::chunks(panels, grain, &|r| r.for_each(f));
    }
}

/// What a cell computes for one unit. Gates come as the input's share `x` and the hidden state's `p`.
trait Cell: Copy + Send + Sync + 'static {
    const GATES: usize;
    const SAVED: usize;
    /// The new hidden and cell state, and what the backward pass needs.
    fn forward<R: Real>(x: [R; MOST], p: [R; MOST], h: R, c: R) -> (R, R, [R; MOST]);
    /// From the gradients of the new states: those of the shares, and what reaches the old states past the weights.
    fn backward<R: Real>(s: [R; MOST], g: [R; 2], old: [R; 2], new: [R; 2]) -> ([R; MOST], [R; MOST], [R; 2]);
}

#[derive(Clone, Copy)]
struct Lstm;
impl Cell for Lstm {
    const GATES: usize = 4;
    const SAVED: usize = 4;
    #[inline(always)]
    fn forward<R: Real>(x: [R; 4], p: [R; 4], _h: R, c: R) -> (R, R, [R; 4]) {
        let (i, f) = ((x[0] + p[0]).sigmoid(), (x[1] + p[1]).sigmoid());
        let (g, o) = ((x[2] + p[2]).tanh(), (x[3] + p[3]).sigmoid());
        let c = f * c + i * g;
        (o * c.tanh(), c, [i, f, g, o])
    }
    #[inline(always)]
    fn backward<R: Real>([i, f, g, o]: [R; 4], d: [R; 2], old: [R; 2], new: [R; 2]) -> ([R; 4], [R; 4], [R; 2]) {
        let t = new[1].tanh();
        let dc = d[1] + d[0] * o * (R::ONE - t * t);
        let gates = [
            dc * g * i * (R::ONE - i),
            dc * old[1] * f * (R::ONE - f),
            dc * i * (R::ONE - g * g),
            d[0] * t * o * (R::ONE - o),
        ];
        (gates, gates, [R::ZERO, dc * f])
    }
}

#[derive(Clone, Copy)]
struct Gru;
impl Cell for Gru {
    const GATES: usize = 3;
    const SAVED: usize = 4;
    #[inline(always)]
    fn forward<R: Real>(x: [R; 4], p: [R; 4], h: R, _c: R) -> (R, R, [R; 4]) {
        let (r, z) = ((x[0] + p[0]).sigmoid(), (x[1] + p[1]).sigmoid());
        let n = (x[2] + r * p[2]).tanh();
        (n + z * (h - n), R::ZERO, [r, z, n, p[2]])
    }
    #[inline(always)]
    fn backward<R: Real>([r, z, n, hn]: [R; 4], d: [R; 2], old: [R; 2], _new: [R; 2]) -> ([R; 4], [R; 4], [R; 2]) {
        let dn = d[0] * (R::ONE - z) * (R::ONE - n * n);
        let dz = d[0] * (old[0] - n) * z * (R::ONE - z);
        let dr = dn * hn * r * (R::ONE - r);
        ([dr, dz, dn, R::ZERO], [dr, dz, dn * r, R::ZERO], [d[0] * z, R::ZERO])
    }
}

#[derive(Clone, Copy)]
struct Tanh;
impl Cell for Tanh {
    const GATES: usize = 1;
    const SAVED: usize = 0;
    #[inline(always)]
    fn forward<R: Real>(x: [R; 4], p: [R; 4], _h: R, _c: R) -> (R, R, [R; 4]) {
        ((x[0] + p[0]).tanh(), R::ZERO, [R::ZERO; 4])
    }
    #[inline(always)]
    fn backward<R: Real>(_s: [R; 4], d: [R; 2], _old: [R; 2], new: [R; 2]) -> ([R; 4], [R; 4], [R; 2]) {
        let dx = [d[0] * (R::ONE - new[0] * new[0]), R::ZERO, R::ZERO, R::ZERO];
        (dx, dx, [R::ZERO; 2])
    }
}

#[derive(Clone, Copy)]
struct Relu;
impl Cell for Relu {
    const GATES: usize = 1;
    const SAVED: usize = 0;
    #[inline(always)]
    fn forward<R: Real>(x: [R; 4], p: [R; 4], _h: R, _c: R) -> (R, R, [R; 4]) {
        let y = x[0] + p[0];
        // NaN stays.
        (if y < R::ZERO { R::ZERO } else { y }, R::ZERO, [R::ZERO; 4])
    }
    #[inline(always)]
    fn backward<R: Real>(_s: [R; 4], d: [R; 2], _old: [R; 2], new: [R; 2]) -> ([R; 4], [R; 4], [R; 2]) {
        let dx = [if new[0] <= R::ZERO { R::ZERO } else { d[0] }, R::ZERO, R::ZERO, R::ZERO];
        (dx, dx, [R::ZERO; 2])
    }
}

/// Asks for `rows` rows of `width` elements, `stride` apart from `at` on, which the cells need: they lie far from each
/// other, and come while a product runs. Null asks for nothing. The lines of more than [`ROWS`] sequences would push the
/// product's panel out of L2.
#[inline(always)]
fn ask<R>(p: *const R, at: usize, (rows, stride): (usize, usize), width: usize) {
    if !p.is_null() {
        (0..rows).for_each(|i| prefetch(p.wrapping_add(at + i * stride).cast(), width * size_of::<R>()));
    }
}

/// `c = a @ b` for rows of `a` and a panel `b`, block by block of what fits.
unsafe fn product<R: Real>(
    (m, n, k): (usize, usize, usize),
    a: *const R,
    lda: usize,
    b: *const R,
    c: *mut R,
    ldc: usize,
) {
    let depth = (RESIDENT / size_of::<R>() / n).clamp(1, k);
    for i in (0..m).step_by(ROWS) {
        for k0 in (0..k).step_by(depth) {
            let dims = (ROWS.min(m - i), n, depth.min(k - k0));
            let a = Mat::new(a.add(i * lda + k0), lda as isize, 1);
            let c = Mat::new(c.add(i * ldc), ldc as isize, 1);
            let g = Gemm::new(R::DTYPE, dims, a, Mat::new(b.add(k0 * n), n as isize, 1), c);
            matmul::serial(&Gemm { beta: if k0 == 0 { Factor::ZERO } else { Factor::ONE }, ..g });
        }
    }
}

/// The operands of [`forward`].
#[derive(Clone, Copy, Debug)]
pub struct Forward<R> {
    /// The input's share of the gates.
    pub gx: *const R,
    /// Weights of the hidden state.
    pub w: *const R,
    /// Optional bias of the hidden state.
    pub bias: *const R,
    /// The first hidden state.
    pub h0: *const R,
    /// The first cell state, for cells that have one.
    pub c0: *const R,
    /// The hidden states.
    pub out: *mut R,
    /// The cell states, for cells that have some.
    pub cells: *mut R,
    /// Optional: [`Kind::saved`] values per unit, step and sequence, in an order that only this module knows.
    pub saved: *mut R,
}

// SAFETY: tasks write disjoint parts.
unsafe impl<R> Sync for Forward<R> {}

/// Runs a layer over all steps.
///
/// # Safety
/// The module's contract.
pub unsafe fn forward<R: Real>(x: &Forward<R>, l: &Layer) -> Result<()> {
    match l.kind {
        Kind::Lstm => run::<R, Lstm>(x, l),
        Kind::Gru => run::<R, Gru>(x, l),
        Kind::Tanh => run::<R, Tanh>(x, l),
        Kind::Relu => run::<R, Relu>(x, l),
    }
}

unsafe fn run<R: Real, C: Cell>(x: &Forward<R>, l: &Layer) -> Result<()> {
    let (hidden, gates, state) = (l.hidden, l.gates(), l.state());
    let panels = hidden.div_ceil(UNITS);
    let (weights, sums) = (Scratch::<R>::new(hidden * gates)?, Scratch::<R>::new(l.batch * gates)?);
    let (packed, pre) = (Shared(weights.ptr()), Shared(sums.ptr()));
    let width = |q: usize| UNITS.min(hidden - q * UNITS);
    parallel::chunks(panels, 1, &|r| {
        for q in r {
            // SAFETY: this panel.
            unsafe { pack_gates(x.w, hidden, C::GATES, (q * UNITS, width(q)), packed.at(q * UNITS * gates)) };
        }
    });
    for i in 0..l.steps {
        let t = l.at(i);
        let (h, c) = match i {
            0 => (x.h0, x.c0),
            _ => (x.out.add(l.at(i - 1) * state).cast_const(), x.cells.wrapping_add(l.at(i - 1) * state).cast_const()),
        };
        let (h, c) = (Shared::new(h), Shared::new(c));
        l.each(panels, &|q| {
            let (first, w) = (q * UNITS, width(q));
            let n = C::GATES * w;
            let pre = pre.at(first * C::GATES * l.batch);
            let saved = Shared(x.saved).at(t * C::SAVED * state + first * C::SAVED * l.batch);
            // SAFETY: the units of this panel.
            unsafe {
                let at = t * state + first;
                if l.batch <= ROWS {
                    ask(x.gx, t * l.batch * gates + first, (l.batch * C::GATES, hidden), w);
                    ask(x.saved, t * C::SAVED * state + first * C::SAVED * l.batch, (1, 0), C::SAVED * l.batch * w);
                    ask(x.out, at, (l.batch, hidden), w);
                    ask(x.cells, at, (l.batch, hidden), w);
                }
                product((l.batch, n, hidden), h.get(), hidden, packed.at(first * gates), pre, n);
                cells::<R, C>(&Step {
                    gx: x.gx.add(t * l.batch * gates + first),
                    pre,
                    bias: Shared::new(x.bias).at(first),
                    h: h.at(first),
                    c: c.at(first),
                    out: x.out.add(at),
                    cells: x.cells.wrapping_add(at),
                    saved,
                    batch: l.batch,
                    hidden,
                    w,
                });
            }
        });
    }
    Ok(())
}

multiversion! {
    /// `to[k][gate][j] = w[gate][first + j][k]`.
    unsafe fn pack_gates[R: Real](w: *const R, hidden: usize, gates: usize, units: (usize, usize), to: *mut R) {
        let (first, width) = units;
        for g in 0..gates {
            for j in 0..width {
                let from = w.add((g * hidden + first + j) * hidden);
                let to = to.add(g * width + j);
                for k in 0..hidden {
                    *to.add(k * gates * width) = *from.add(k);
                }
            }
        }
    }
}

/// The units of a panel in one step.
struct Step<R> {
    gx: *const R,
    pre: *const R,
    bias: *const R,
    h: *const R,
    c: *const R,
    out: *mut R,
    cells: *mut R,
    saved: *mut R,
    batch: usize,
    hidden: usize,
    w: usize,
}

/// The first `n` elements, zeros after them. Whether there are as many as a panel has is known to the compiler: where it
/// is not, every element is moved by itself, and vectors are read before the pieces they consist of have arrived.
#[inline(always)]
unsafe fn load<R: Real, const FULL: bool>(p: *const R, n: usize) -> [R; UNITS] {
    if FULL {
        return p.cast::<[R; UNITS]>().read_unaligned();
    }
    let mut x = [R::ZERO; UNITS];
    (0..n).for_each(|j| x[j] = *p.add(j));
    x
}

#[inline(always)]
unsafe fn store<R: Real, const FULL: bool>(p: *mut R, x: &[R; UNITS], n: usize) {
    if FULL {
        return p.cast::<[R; UNITS]>().write_unaligned(*x);
    }
    (0..n).for_each(|j| *p.add(j) = x[j]);
}

/// Adds `y` to `x`. (A closure would be compiled without the instruction set of its caller.)
#[inline(always)]
fn add<R: Real>(x: &mut [R; UNITS], y: &[R; UNITS]) {
    for j in 0..UNITS {
        x[j] = x[j] + y[j];
    }
}

multiversion! {
    unsafe fn cells[R: Real, C: Cell](s: &Step<R>) {
        if s.w == UNITS { cells_of::<R, C, true>(s) } else { cells_of::<R, C, false>(s) }
    }
}

#[inline(always)]
unsafe fn cells_of<R: Real, C: Cell, const FULL: bool>(s: &Step<R>) {
    let w = s.w;
    for b in 0..s.batch {
        let row = b * s.hidden;
        let (mut x, mut p) = ([[R::ZERO; UNITS]; MOST], [[R::ZERO; UNITS]; MOST]);
        for g in 0..C::GATES {
            x[g] = load::<R, FULL>(s.gx.add(b * s.hidden * C::GATES + g * s.hidden), w);
            p[g] = load::<R, FULL>(s.pre.add((b * C::GATES + g) * w), w);
            if !s.bias.is_null() {
                let bias = load::<R, FULL>(s.bias.add(g * s.hidden), w);
                add(&mut p[g], &bias);
            }
        }
        let h = load::<R, FULL>(s.h.add(row), w);
        let c = if C::GATES == 4 { load::<R, FULL>(s.c.add(row), w) } else { [R::ZERO; UNITS] };
        let (mut new_h, mut new_c) = ([R::ZERO; UNITS], [R::ZERO; UNITS]);
        let mut saved = [[R::ZERO; UNITS]; MOST];
        for j in 0..UNITS {
            let (y, z, v) =
                C::forward([x[0][j], x[1][j], x[2][j], x[3][j]], [p[0][j], p[1][j], p[2][j], p[3][j]], h[j], c[j]);
            (new_h[j], new_c[j]) = (y, z);
            for a in 0..MOST {
                saved[a][j] = v[a];
            }
        }
        store::<R, FULL>(s.out.add(row), &new_h, w);
        if C::GATES == 4 {
            store::<R, FULL>(s.cells.add(row), &new_c, w);
        }
        if !s.saved.is_null() {
            for a in 0..C::SAVED {
                store::<R, FULL>(s.saved.add((b * C::SAVED + a) * w), &saved[a], w);
            }
        }
    }
}

/// The operands of [`backward`]: what [`forward`] had and made, gradients, and where the results go.
#[derive(Clone, Copy, Debug)]
pub struct Backward<R> {
    /// As in [`Forward`].
    pub forward: Forward<R>,
    /// Of the hidden states.
    pub g_out: *const R,
    /// Of the last hidden and cell state, optional.
    pub g_h: *const R,
    /// As above.
    pub g_c: *const R,
    /// The gradient of the input's share of the gates.
    pub d_gx: *mut R,
    /// That of the hidden state's share, which may be the same memory unless [`Kind::is_split`].
    pub d_gh: *mut R,
    /// The gradients of the first states; the second for cells that have one.
    pub d_h0: *mut R,
    /// As above.
    pub d_c0: *mut R,
}

// SAFETY: tasks write disjoint parts.
unsafe impl<R> Sync for Backward<R> {}

/// Writes the gradients of [`forward`].
///
/// # Safety
/// The module's contract.
pub unsafe fn backward<R: Real>(x: &Backward<R>, l: &Layer) -> Result<()> {
    match l.kind {
        Kind::Lstm => run_back::<R, Lstm>(x, l),
        Kind::Gru => run_back::<R, Gru>(x, l),
        Kind::Tanh => run_back::<R, Tanh>(x, l),
        Kind::Relu => run_back::<R, Relu>(x, l),
    }
}

unsafe fn run_back<R: Real, C: Cell>(x: &Backward<R>, l: &Layer) -> Result<()> {
    let (hidden, gates, state) = (l.hidden, l.gates(), l.state());
    let panels = hidden.div_ceil(COLUMNS);
    // What reaches the states past the weights, (2, batch, hidden), and the sums of a step.
    let (weights, carry, sums) =
        (Scratch::<R>::new(hidden * gates)?, Scratch::<R>::zeroed(2 * state)?, Scratch::<R>::new(state)?);
    let (packed, carry, sums) = (Shared(weights.ptr()), Shared(carry.ptr()), Shared(sums.ptr()));
    let width = |q: usize| COLUMNS.min(hidden - q * COLUMNS);
    parallel::chunks(panels, 1, &|r| {
        for q in r {
            let (first, w) = (q * COLUMNS, width(q));
            let to = packed.at(first * gates);
            for k in 0..gates {
                // SAFETY: this panel.
                unsafe { std::ptr::copy_nonoverlapping(x.forward.w.add(k * hidden + first), to.add(k * w), w) };
            }
        }
    });
    for i in (0..l.steps).rev() {
        let (t, f) = (l.at(i), &x.forward);
        let (h, c) = match i {
            0 => (f.h0, f.c0),
            _ => (f.out.add(l.at(i - 1) * state).cast_const(), f.cells.wrapping_add(l.at(i - 1) * state).cast_const()),
        };
        let (h, c) = (Shared::new(h), Shared::new(c));
        let last = i + 1 == l.steps;
        l.each(panels, &|q| {
            let (first, w) = (q * COLUMNS, width(q));
            let dh = sums.at(first * l.batch);
            // SAFETY: the units of this panel.
            unsafe {
                let place = t * state + first;
                if l.batch <= ROWS {
                    ask(f.saved, t * C::SAVED * state + first * C::SAVED * l.batch, (1, 0), C::SAVED * l.batch * w);
                    ask(x.g_out, place, (l.batch, hidden), w);
                    ask(f.out, place, (l.batch, hidden), w);
                    ask(f.cells, place, (l.batch, hidden), w);
                    ask(x.d_gx, t * l.batch * gates + first, (l.batch * C::GATES, hidden), w);
                }
                if !last {
                    let from = x.d_gh.add(l.at(i + 1) * l.batch * gates);
                    product((l.batch, w, gates), from, gates, packed.at(first * gates), dh, w);
                }
                // Saved values lie by the panels of the forward pass, of which this one holds two.
                for half in (0..w).step_by(UNITS) {
                    let (at, units) = (first + half, UNITS.min(w - half));
                    let place = t * state + at;
                    cells_back::<R, C>(&BackStep {
                        dh: if last { std::ptr::null() } else { dh.add(half) },
                        ld: w,
                        g_out: x.g_out.add(place),
                        ends: if last {
                            [Shared::new(x.g_h).at(at), Shared::new(x.g_c).at(at)]
                        } else {
                            [std::ptr::null_mut(); 2]
                        },
                        carry: [carry.at(at), carry.at(state + at)],
                        saved: f.saved.wrapping_add(t * C::SAVED * state + at * C::SAVED * l.batch),
                        old: [h.at(at), c.at(at)],
                        new: [f.out.add(place), f.cells.wrapping_add(place)],
                        d_gx: x.d_gx.add(t * l.batch * gates + at),
                        d_gh: x.d_gh.add(t * l.batch * gates + at),
                        batch: l.batch,
                        hidden,
                        w: units,
                    });
                }
            }
        });
    }
    let first_step = l.at(0);
    l.each(panels, &|q| {
        let (first, w) = (q * COLUMNS, width(q));
        let dh = sums.at(first * l.batch);
        // SAFETY: the units of this panel.
        unsafe {
            product(
                (l.batch, w, gates),
                x.d_gh.add(first_step * l.batch * gates),
                gates,
                packed.at(first * gates),
                dh,
                w,
            );
            for b in 0..l.batch {
                for j in 0..w {
                    let at = b * hidden + first + j;
                    *x.d_h0.add(at) = *dh.add(b * w + j) + *carry.at(at);
                    if C::GATES == 4 {
                        *x.d_c0.add(at) = *carry.at(state + at);
                    }
                }
            }
        }
    });
    Ok(())
}

/// The units of half a panel in one step of the backward pass.
struct BackStep<R> {
    /// What comes through the weights, rows `ld` apart; null in the last step.
    dh: *const R,
    ld: usize,
    g_out: *const R,
    /// Gradients of the last states, in the last step.
    ends: [*mut R; 2],
    carry: [*mut R; 2],
    saved: *const R,
    old: [*mut R; 2],
    new: [*mut R; 2],
    d_gx: *mut R,
    d_gh: *mut R,
    batch: usize,
    hidden: usize,
    w: usize,
}

multiversion! {
    unsafe fn cells_back[R: Real, C: Cell](s: &BackStep<R>) {
        if s.w == UNITS { cells_back_of::<R, C, true>(s) } else { cells_back_of::<R, C, false>(s) }
    }
}

#[inline(always)]
unsafe fn cells_back_of<R: Real, C: Cell, const FULL: bool>(s: &BackStep<R>) {
    let w = s.w;
    let zeros = [R::ZERO; UNITS];
    for b in 0..s.batch {
        let row = b * s.hidden;
        let mut d = [load::<R, FULL>(s.g_out.add(row), w), zeros];
        if !s.dh.is_null() {
            let through = load::<R, FULL>(s.dh.add(b * s.ld), w);
            add(&mut d[0], &through);
        }
        let (mut old, mut new) = ([zeros; 2], [zeros; 2]);
        let states = if C::GATES == 4 { 2 } else { 1 };
        for k in 0..states {
            let past = load::<R, FULL>(s.carry[k].add(row), w);
            add(&mut d[k], &past);
            if !s.ends[k].is_null() {
                let end = load::<R, FULL>(s.ends[k].add(row), w);
                add(&mut d[k], &end);
            }
            old[k] = load::<R, FULL>(s.old[k].add(row), w);
            new[k] = load::<R, FULL>(s.new[k].add(row), w);
        }
        let mut saved = [zeros; MOST];
        for a in 0..C::SAVED {
            saved[a] = load::<R, FULL>(s.saved.add((b * C::SAVED + a) * w), w);
        }
        let (mut dx, mut dp, mut past) = ([zeros; MOST], [zeros; MOST], [zeros; 2]);
        for j in 0..UNITS {
            let v = [saved[0][j], saved[1][j], saved[2][j], saved[3][j]];
            let (a, b, c) = C::backward(v, [d[0][j], d[1][j]], [old[0][j], old[1][j]], [new[0][j], new[1][j]]);
            for g in 0..MOST {
                (dx[g][j], dp[g][j]) = (a[g], b[g]);
            }
            (past[0][j], past[1][j]) = (c[0], c[1]);
        }
        for g in 0..C::GATES {
            let at = b * s.hidden * C::GATES + g * s.hidden;
            store::<R, FULL>(s.d_gx.add(at), &dx[g], w);
            store::<R, FULL>(s.d_gh.add(at), &dp[g], w);
        }
        for k in 0..states {
            store::<R, FULL>(s.carry[k].add(row), &past[k], w);
        }
    }
}
