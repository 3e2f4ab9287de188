//! Attention without its matrix of weights: FlashAttention (Dao et al. 2022, algorithm 1) and its gradient
//! (algorithm 4), over blocks of queries and keys.
//!
//! Scores live in tiles whose rows are keys and whose columns are queries. So every product finds its operands
//! where they are (the keys' rows on the left, the block of queries transposed once), and maxima, exponentials and
//! sums run along registers of queries, without a sum across one.
//!
//! # Contract of the unsafe code
//! Every [`Rows`] addresses `batch * heads * rows` rows of contiguous elements; results overlap neither each other nor
//! an input. A mask addresses `batch * heads * queries * keys` elements.
//!
//! # Determinism
//! A task is a block of queries of one head (forward), or a head (backward; with few heads, a block of queries or of
//! keys of one). Blocks depend on the shape alone and are taken in order.

#![allow(clippy::needless_range_loop, reason = "one index runs through several streams")]
#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Float, Scratch};
use super::matmul::{self, Factor, Gemm, Mat};
use super::parallel;
use crate::error::Result;
use std::ops::Range;

/// Queries in a block: columns of a tile.
const QUERIES: usize = 64;
/// Keys in a block: rows of a tile, which with the block's keys and values stays in L2.
const KEYS: usize = 256;
/// With fewer heads than this, the gradient's tasks are blocks, although each side then computes the tiles again.
const FEW_HEADS: usize = 8;

/// Rows of all heads of a batch; strides in elements.
#[derive(Clone, Copy, Debug)]
pub struct Rows<F> {
    /// The first element.
    pub ptr: *mut F,
    /// From one entry of the batch to the next.
    pub batch: isize,
    /// From one head to the next.
    pub head: isize,
    /// From one row to the next.
    pub row: isize,
}

// SAFETY: tasks share inputs and write disjoint rows of results.
unsafe impl<F> Sync for Rows<F> {}

/// What is added to the scores; strides in elements, 0 where it is shared.
#[derive(Clone, Copy, Debug)]
pub struct Mask<F> {
    /// Rows of queries.
    pub rows: Rows<F>,
    /// From one key to the next.
    pub col: isize,
}

/// The sizes, and how scores are made.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Entries of the batch.
    pub batch: usize,
    /// Heads of an entry.
    pub heads: usize,
    /// Queries of a head.
    pub queries: usize,
    /// Keys and values of a head.
    pub keys: usize,
    /// Elements of a query and of a key.
    pub width: usize,
    /// Elements of a value and of a result.
    pub value_width: usize,
    /// May query i look at the keys up to i only?
    pub causal: bool,
    /// The factor of the scores.
    pub scale: f64,
}

impl Shape {
    fn tasks(&self) -> usize {
        self.batch * self.heads
    }

    /// Keys that a block of queries looks at.
    fn seen(&self, queries: &Range<usize>) -> usize {
        if self.causal { self.keys.min(queries.end) } else { self.keys }
    }
}

/// The `i`th block of `size` of `0..n`.
fn block(i: usize, size: usize, n: usize) -> Range<usize> {
    i * size..n.min((i + 1) * size)
}

impl<F: Float> Rows<F> {
    /// Row `i` of a head.
    #[inline(always)]
    fn at(self, s: &Shape, head: usize, i: usize) -> *mut F {
        let (b, h) = (head / s.heads, head % s.heads);
        self.ptr.wrapping_offset(b as isize * self.batch + h as isize * self.head + i as isize * self.row)
    }

    /// The rows from `i` on, as a matrix.
    fn from(self, s: &Shape, head: usize, i: usize) -> Mat {
        Mat::new(self.at(s, head, i), self.row, 1)
    }
}

/// `c = a @ b`, added to what is there if `add`, on this thread.
unsafe fn product<F: Float>(dims: (usize, usize, usize), a: Mat, b: Mat, c: Mat, add: bool) {
    let g = Gemm::new(F::DTYPE, dims, a, b, c);
    matmul::serial(&Gemm { beta: if add { Factor::ONE } else { Factor::ZERO }, ..g });
}

/// Scratch memory of a task, cut into parts.
struct Parts<F> {
    block: Scratch<F>,
    used: usize,
}

impl<F: Float> Parts<F> {
    fn new(n: usize) -> Result<Self> {
        Ok(Parts { block: Scratch::new(n)?, used: 0 })
    }

    fn take(&mut self, n: usize) -> *mut F {
        let p = self.block.ptr().wrapping_add(self.used);
        self.used += n;
        p
    }
}

/// Runs `f` on every task; the first error is kept.
fn each(tasks: usize, f: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
    let failure = std::sync::Mutex::new(None);
    parallel::run(tasks, &|i| {
        if let Err(e) = f(i)
            && let Ok(mut slot) = failure.lock()
        {
            slot.get_or_insert(e);
        }
    });
    match failure.into_inner() {
        Ok(Some(e)) => Err(e),
        _ => Ok(()),
    }
}

/// Writes `y = softmax(q k^T * scale + mask) v`, and for each query its largest score and the inverse of its sum of
/// exponentials (not one number, the logarithm of the sum: beside a score of -1e9 it would be lost). A query whose keys
/// are all masked out gets 0.
///
/// # Safety
/// The module's contract; `stats` holds (heads, 2, queries) elements.
pub unsafe fn forward<F: Float>(
    q: Rows<F>,
    k: Rows<F>,
    v: Rows<F>,
    mask: Option<Mask<F>>,
    y: Rows<F>,
    stats: *mut F,
    s: &Shape,
) -> Result<()> {
    let blocks = s.queries.div_ceil(QUERIES);
    let stats = super::float::Shared(stats);
    each(s.tasks() * blocks, |task| {
        // The last blocks of a causal head are its longest: they go first.
        let (head, queries) = (task / blocks, block(blocks - 1 - task % blocks, QUERIES, s.queries));
        let n = queries.len();
        let mut parts = Parts::<F>::new((KEYS + s.width + s.value_width + 3) * QUERIES)?;
        let (tile, qt) = (parts.take(KEYS * QUERIES), parts.take(s.width * QUERIES));
        let out = parts.take(s.value_width * QUERIES);
        let (top, total, shrink) = (parts.take(QUERIES), parts.take(QUERIES), parts.take(QUERIES));
        // SAFETY: the rows of this block; scratch has room for them.
        unsafe {
            transpose(q.at(s, head, queries.start), q.row, qt, n, s.width, F::of(s.scale));
            for i in 0..QUERIES {
                (*top.add(i), *total.add(i)) = (F::NEG_INF, F::ZERO);
            }
            clear_rest(tile, n);
            let seen = s.seen(&queries);
            for b in 0..seen.div_ceil(KEYS) {
                let keys = block(b, KEYS, seen);
                scores(s, k, mask, head, &queries, &keys, qt, tile);
                weights(tile, keys.len(), n, top, total, shrink);
                if b > 0 {
                    scale_rows(out, s.value_width, n, shrink);
                }
                let (p, values) = (Mat::new(tile, 1, QUERIES as isize), v.from(s, head, keys.start));
                let sums = Mat::new(out, s.value_width as isize, 1);
                product::<F>((n, s.value_width, keys.len()), p, values, sums, b > 0);
            }
            let stats = stats.at(2 * head * s.queries + queries.start);
            let to = y.at(s, head, queries.start);
            finish(out, s.value_width, n, (top, total), mask.is_some(), to, y.row, (stats, stats.add(s.queries)));
        }
        Ok(())
    })
}

/// Gives the columns of a tile that no query of a short block has a value.
unsafe fn clear_rest<F: Float>(tile: *mut F, n: usize) {
    if n < QUERIES {
        tile.write_bytes(0, KEYS * QUERIES);
    }
}

/// The scores of a tile: keys along rows, queries along columns.
#[allow(clippy::too_many_arguments, reason = "operands, masks and places of one tile")]
unsafe fn scores<F: Float>(
    s: &Shape,
    k: Rows<F>,
    mask: Option<Mask<F>>,
    head: usize,
    queries: &Range<usize>,
    keys: &Range<usize>,
    qt: *const F,
    tile: *mut F,
) {
    let ld = QUERIES as isize;
    let dims = (keys.len(), queries.len(), s.width);
    product::<F>(dims, k.from(s, head, keys.start), Mat::new(qt, ld, 1), Mat::new(tile, ld, 1), false);
    if let Some(m) = mask {
        let first = m.rows.at(s, head, queries.start).wrapping_offset(keys.start as isize * m.col);
        add_mask(tile, first, m.rows.row, m.col, keys.len(), queries.len());
    }
    if s.causal {
        // Keys that come after a query.
        for j in (queries.start + 1).max(keys.start)..keys.end {
            for i in 0..(j - queries.start).min(queries.len()) {
                *tile.add((j - keys.start) * QUERIES + i) = F::NEG_INF;
            }
        }
    }
}

crate::multiversion! {
    /// `to[e][i] = from[i][e] * factor` for `n` rows of `width`.
    unsafe fn transpose[F: Float](from: *const F, row: isize, to: *mut F, n: usize, width: usize, factor: F) {
        for e in 0..width {
            for i in 0..n {
                *to.add(e * QUERIES + i) = *from.offset(i as isize * row).add(e) * factor;
            }
        }
    }
}

crate::multiversion! {
    unsafe fn add_mask[F: Float](tile: *mut F, mask: *const F, row: isize, col: isize, keys: usize, n: usize) {
        for j in 0..keys {
            let (t, m) = (tile.add(j * QUERIES), mask.offset(j as isize * col));
            if row == 0 {
                let m = *m;
                (0..n).for_each(|i| *t.add(i) = *t.add(i) + m);
            } else {
                (0..n).for_each(|i| *t.add(i) = *t.add(i) + *m.offset(i as isize * row));
            }
        }
    }
}

/// Calls `$f::<F, W>($args)` with the columns of a tile that are worked on as a constant: whole vectors at every level, so
/// that no loop has a rest. Those beyond `$n` hold finite numbers that nobody reads.
macro_rules! with_width {
    ($n:expr, $f:ident :: <$t:ty> ($($a:expr),* $(,)?)) => {
        match $n.div_ceil(16) {
            0 | 1 => $f::<$t, 16>($($a),*),
            2 => $f::<$t, 32>($($a),*),
            _ => $f::<$t, QUERIES>($($a),*),
        }
    };
}

/// An infinite maximum is not subtracted: the difference would be NaN where the other is infinite, too.
#[inline(always)]
fn finite<F: Float>(m: F) -> F {
    if m.is_inf() { F::ZERO } else { m }
}

crate::multiversion! {
    /// Turns scores into weights by the maximum so far, and brings maximum and sum up to date. `shrink` is what earlier
    /// sums are multiplied by.
    unsafe fn weights[F: Float](tile: *mut F, keys: usize, n: usize, top: *mut F, total: *mut F, shrink: *mut F) {
        with_width!(n, weights_of::<F>(tile, keys, top, total, shrink))
    }
}

/// [`weights`] of `W` columns.
#[inline(always)]
unsafe fn weights_of<F: Float, const W: usize>(tile: *mut F, keys: usize, top: *mut F, total: *mut F, shrink: *mut F) {
    let mut best = columns::<F, W>(top);
    for j in 0..keys {
        let t = tile.add(j * QUERIES);
        for i in 0..W {
            best[i] = (*t.add(i)).larger(best[i]);
        }
    }
    let mut sums = [F::ZERO; W];
    for i in 0..W {
        let old = *top.add(i);
        *top.add(i) = best[i];
        best[i] = finite(best[i]);
        let by = (old - best[i]).exp();
        *shrink.add(i) = by;
        sums[i] = *total.add(i) * by;
    }
    // Sums of four keys are formed first: the chain of additions is a quarter as long.
    let mut j = 0;
    while j < keys {
        let count = (keys - j).min(4);
        let mut four = [F::ZERO; W];
        for c in 0..count {
            let t = tile.add((j + c) * QUERIES);
            for i in 0..W {
                let p = (*t.add(i) - best[i]).exp();
                *t.add(i) = p;
                four[i] += p;
            }
        }
        for i in 0..W {
            sums[i] += four[i];
        }
        j += count;
    }
    for i in 0..W {
        *total.add(i) = sums[i];
    }
}

/// The first `W` elements.
#[inline(always)]
unsafe fn columns<F: Float, const W: usize>(from: *const F) -> [F; W] {
    std::array::from_fn(|i| *from.add(i))
}

crate::multiversion! {
    unsafe fn scale_rows[F: Float](x: *mut F, width: usize, n: usize, by: *const F) {
        for i in 0..n {
            let (row, by) = (x.add(i * width), *by.add(i));
            (0..width).for_each(|e| *row.add(e) = *row.add(e) * by);
        }
    }
}

crate::multiversion! {
    /// Divides sums by the totals.
    unsafe fn finish[F: Float](
        sums: *const F, width: usize, n: usize, from: (*const F, *const F), masked: bool, y: *mut F, row: isize, stats: (*mut F, *mut F),
    ) {
        for i in 0..n {
            let (top, total) = (*from.0.add(i), *from.1.add(i));
            let blind = masked && total == F::ZERO;
            let over = if blind { F::ZERO } else { F::ONE / total };
            (*stats.0.add(i), *stats.1.add(i)) = (finite(top), over);
            let (from, to) = (sums.add(i * width), y.offset(i as isize * row));
            (0..width).for_each(|e| *to.add(e) = *from.add(e) * over);
        }
    }
}

/// What a gradient is made from: the inputs, the result, its gradient, and what [`forward`] left in `stats`.
#[derive(Clone, Copy, Debug)]
pub struct Saved<F> {
    /// Queries.
    pub q: Rows<F>,
    /// Keys.
    pub k: Rows<F>,
    /// Values.
    pub v: Rows<F>,
    /// Added to the scores.
    pub mask: Option<Mask<F>>,
    /// The result.
    pub y: Rows<F>,
    /// Its gradient.
    pub g: Rows<F>,
    /// Largest scores, and inverses of sums of exponentials.
    pub stats: *const F,
}

// SAFETY: inputs.
unsafe impl<F> Sync for Saved<F> {}

/// Writes the gradients by q, k and v.
///
/// # Safety
/// The module's contract.
pub unsafe fn backward<F: Float>(x: &Saved<F>, dq: Rows<F>, dk: Rows<F>, dv: Rows<F>, s: &Shape) -> Result<()> {
    let (of_queries, of_keys) = (s.queries.div_ceil(QUERIES), s.keys.div_ceil(KEYS));
    if s.tasks() >= FEW_HEADS {
        return each(s.tasks(), |head| {
            // SAFETY: the rows of this head.
            unsafe { tiles(x, Some(dq), Some((dk, dv)), s, head, 0..of_queries, 0..of_keys) }
        });
    }
    let blocks = of_queries + of_keys;
    each(s.tasks() * blocks, |task| {
        let (head, i) = (task / blocks, task % blocks);
        // SAFETY: this block's rows, which no other task writes.
        unsafe {
            match i.checked_sub(of_keys) {
                None => tiles(x, None, Some((dk, dv)), s, head, 0..of_queries, i..i + 1),
                Some(i) => tiles(x, Some(dq), None, s, head, i..i + 1, 0..of_keys),
            }
        }
    })
}

/// The part of the gradients that comes from some blocks of queries and of keys.
unsafe fn tiles<F: Float>(
    x: &Saved<F>,
    dq: Option<Rows<F>>,
    dkv: Option<(Rows<F>, Rows<F>)>,
    s: &Shape,
    head: usize,
    of_queries: Range<usize>,
    of_keys: Range<usize>,
) -> Result<()> {
    let mut parts = Parts::<F>::new((2 * KEYS + s.width + s.value_width + 1) * QUERIES)?;
    let (tile, dtile) = (parts.take(KEYS * QUERIES), parts.take(KEYS * QUERIES));
    let (qt, gt) = (parts.take(s.width * QUERIES), parts.take(s.value_width * QUERIES));
    let dots = parts.take(QUERIES);
    let ld = QUERIES as isize;
    if let Some((dk, dv)) = dkv {
        for j in block(of_keys.start, KEYS, s.keys).start..block(of_keys.end - 1, KEYS, s.keys).end {
            dk.at(s, head, j).write_bytes(0, s.width);
            dv.at(s, head, j).write_bytes(0, s.value_width);
        }
    }
    for b in of_queries {
        let queries = block(b, QUERIES, s.queries);
        let n = queries.len();
        let (i, seen) = (queries.start, s.seen(&queries));
        if seen <= of_keys.start * KEYS {
            continue;
        }
        transpose(x.q.at(s, head, i), x.q.row, qt, n, s.width, F::of(s.scale));
        transpose(x.g.at(s, head, i), x.g.row, gt, n, s.value_width, F::ONE);
        row_dots(x.g.at(s, head, i), x.g.row, x.y.at(s, head, i), x.y.row, n, s.value_width, dots);
        clear_rest(tile, n);
        clear_rest(dtile, n);
        for kb in of_keys.clone().take_while(|kb| kb * KEYS < seen) {
            let keys = block(kb, KEYS, seen);
            let (m, j) = (keys.len(), keys.start);
            scores(s, x.k, x.mask, head, &queries, &keys, qt, tile);
            let stats = x.stats.add(2 * head * s.queries + i);
            let dscores = Mat::new(dtile, ld, 1);
            product::<F>((m, n, s.value_width), x.v.from(s, head, j), Mat::new(gt, ld, 1), dscores, false);
            score_grads(tile, dtile, m, n, (stats, stats.add(s.queries)), dots, F::of(s.scale));
            if let Some((dk, dv)) = dkv {
                let p = Mat::new(tile, ld, 1);
                product::<F>((m, s.value_width, n), p, x.g.from(s, head, i), dv.from(s, head, j), true);
                product::<F>((m, s.width, n), dscores, x.q.from(s, head, i), dk.from(s, head, j), true);
            }
            if let Some(dq) = dq {
                product::<F>((n, s.width, m), dscores.t(), x.k.from(s, head, j), dq.from(s, head, i), kb > 0);
            }
        }
    }
    Ok(())
}

crate::multiversion! {
    /// `dots[i] = sum over e of a[i][e] * b[i][e]`.
    unsafe fn row_dots[F: Float](a: *const F, ar: isize, b: *const F, br: isize, n: usize, width: usize, dots: *mut F) {
        for i in 0..n {
            let (a, b) = (a.offset(i as isize * ar), b.offset(i as isize * br));
            *dots.add(i) = super::float::sum(width, |e| *a.add(e) * *b.add(e));
        }
    }
}

crate::multiversion! {
    /// Scores become weights, and the weights' gradients those of the scores.
    unsafe fn score_grads[F: Float](tile: *mut F, dtile: *mut F, keys: usize, n: usize, stats: (*const F, *const F), dots: *const F, scale: F) {
        with_width!(n, score_grads_of::<F>(tile, dtile, keys, n, stats, dots, scale))
    }
}

/// [`score_grads`] of `W` columns, `n` of which have a query.
#[inline(always)]
unsafe fn score_grads_of<F: Float, const W: usize>(
    tile: *mut F,
    dtile: *mut F,
    keys: usize,
    n: usize,
    stats: (*const F, *const F),
    dots: *const F,
    scale: F,
) {
    let padded = |from: *const F| -> [F; W] { std::array::from_fn(|i| if i < n { *from.add(i) } else { F::ZERO }) };
    let (top, over, dots) = (padded(stats.0), padded(stats.1), padded(dots));
    for j in 0..keys {
        let (t, d) = (tile.add(j * QUERIES), dtile.add(j * QUERIES));
        for i in 0..W {
            let p = (*t.add(i) - top[i]).exp() * over[i];
            *t.add(i) = p;
            *d.add(i) = p * (*d.add(i) - dots[i]) * scale;
        }
    }
}
