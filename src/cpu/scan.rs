//! Running sums, products, extremes and log-sum-exps along one dim.
//!
//! Contract of the `unsafe` code here: dispatch has checked that the operands address memory for their whole shapes
//! and that `out` has the shape of `x`. A scan runs in place on `out`, after `x` is converted into it, or reads `x`.

use super::dims::{Dim, Dims, Walk, coalesce, count, sort};
use super::load::{Acc, Num};
use super::parallel;
use crate::multiversion;
use crate::tensor::dtype::{Bool8, C64, C128};
use crate::tensor::{DType, Strided};
use crate::with_dtype;
use half::{bf16, f16};
use std::marker::PhantomData;

/// What runs along the dim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scan {
    /// Sums, in f64 for f32, in f32 for halves, in complex128 for complex64, in i64 for integers.
    Sum,
    /// Products, with the same types.
    Prod,
    /// log(cumsum(exp(x))) of floating or complex elements.
    LogSumExp,
}

/// Elements of one piece of a long row.
const PIECE: usize = 4096;
/// Rows or pieces that run side by side: a sum waits for the one before it, eight sums do not.
const CHAINS: usize = 8;
/// Elements of a row that are read at once, a cache line of f32.
const LINE: usize = 16;
/// Elements that one task handles at least.
const GRAIN: usize = 1 << 13;
/// Columns of one tile.
const TILE: usize = 256;
/// Rows of running extremes side by side where they are neighbours.
const SIDE: usize = 64;

/// A running operation.
trait Run: Copy + Send + Sync + 'static {
    type A: Copy + Send + Sync + Acc;
    fn init() -> Self::A;
    fn join(a: Self::A, b: Self::A) -> Self::A;
}

#[derive(Clone, Copy)]
struct Add<A>(PhantomData<A>);
#[derive(Clone, Copy)]
struct Mul<A>(PhantomData<A>);
#[derive(Clone, Copy)]
struct LogAdd<A>(PhantomData<A>);

macro_rules! runs {
    ($($op:ident<$a:ty>: $init:expr, |$l:ident, $r:ident| $join:expr;)+) => { $(impl Run for $op<$a> {
        type A = $a;
        #[inline(always)] fn init() -> $a { $init }
        #[inline(always)] fn join($l: $a, $r: $a) -> $a { $join }
    })+ };
}
runs! {
    Add<i64>: 0, |a, b| a.wrapping_add(b);
    Add<f32>: 0.0, |a, b| a + b;
    Add<f64>: 0.0, |a, b| a + b;
    Add<C128>: C128::new(0.0, 0.0), |a, b| a + b;
    Mul<i64>: 1, |a, b| a.wrapping_mul(b);
    Mul<f32>: 1.0, |a, b| a * b;
    Mul<f64>: 1.0, |a, b| a * b;
    Mul<C128>: C128::new(1.0, 0.0), |a, b| a * b;
    LogAdd<f32>: f32::NEG_INFINITY, |a, b| {
        let (lo, hi) = (a.min(b), a.max(b));
        if a.is_nan() || b.is_nan() { a + b } else if lo == hi && lo.is_infinite() { lo } else { hi + (lo - hi).exp().ln_1p() }
    };
    LogAdd<f64>: f64::NEG_INFINITY, |a, b| {
        let (lo, hi) = (a.min(b), a.max(b));
        if a.is_nan() || b.is_nan() { a + b } else if lo == hi && lo.is_infinite() { lo } else { hi + (lo - hi).exp().ln_1p() }
    };
    LogAdd<C128>: C128::new(f64::NEG_INFINITY, 0.0), |a, b| {
        let (lo, hi) = if a.re < b.re { (a, b) } else { (b, a) };
        // The larger one is factored out; log(1 + z) keeps its accuracy by way of the real parts.
        if lo.re == f64::NEG_INFINITY { hi } else {
            let z = (lo - hi).exp();
            hi + C128::new(0.5 * (z.re * (2.0 + z.re) + z.im * z.im).ln_1p(), z.im.atan2(1.0 + z.re))
        }
    };
}

/// Scans `x` along `dim` into `out` of the same shape. Elements are first converted to the dtype of `out`.
pub fn scan(kind: Scan, x: &Strided, out: &Strided, dim: usize) {
    let x = if x.dtype == out.dtype {
        *x
    } else {
        convert(x, out);
        *out
    };
    macro_rules! go {
        ($op:ident) => {
            match out.dtype {
                DType::Bool => along::<Bool8, $op<i64>>(&x, out, dim),
                DType::U8 => along::<u8, $op<i64>>(&x, out, dim),
                DType::I8 => along::<i8, $op<i64>>(&x, out, dim),
                DType::I16 => along::<i16, $op<i64>>(&x, out, dim),
                DType::I32 => along::<i32, $op<i64>>(&x, out, dim),
                DType::I64 => along::<i64, $op<i64>>(&x, out, dim),
                DType::U16 => along::<u16, $op<i64>>(&x, out, dim),
                DType::U32 => along::<u32, $op<i64>>(&x, out, dim),
                DType::U64 => along::<u64, $op<i64>>(&x, out, dim),
                DType::F16 => along::<f16, $op<f32>>(&x, out, dim),
                DType::BF16 => along::<bf16, $op<f32>>(&x, out, dim),
                DType::F32 => along::<f32, $op<f64>>(&x, out, dim),
                DType::F64 => along::<f64, $op<f64>>(&x, out, dim),
                DType::C64 => along::<C64, $op<C128>>(&x, out, dim),
                DType::C128 => along::<C128, $op<C128>>(&x, out, dim),
            }
        };
    }
    match kind {
        Scan::Sum => go!(Add),
        Scan::Prod => go!(Mul),
        Scan::LogSumExp => match out.dtype {
            DType::F16 => along::<f16, LogAdd<f32>>(&x, out, dim),
            DType::BF16 => along::<bf16, LogAdd<f32>>(&x, out, dim),
            DType::F32 => along::<f32, LogAdd<f64>>(&x, out, dim),
            DType::C64 => along::<C64, LogAdd<C128>>(&x, out, dim),
            DType::C128 => along::<C128, LogAdd<C128>>(&x, out, dim),
            _ => along::<f64, LogAdd<f64>>(&x, out, dim),
        },
    }
}

/// Copies `x` into `out`, converting elements.
fn convert(x: &Strided, out: &Strided) {
    let mut dims = pair(x, out, None);
    coalesce(&mut dims);
    let (inner, outer) = dims.split_last().map_or((Dim { n: 1, s: [0; 2] }, &[][..]), |(i, o)| (*i, o));
    let cost = inner.n.max(1);
    parallel::chunks(count(outer), GRAIN.div_ceil(cost), &|range| {
        let mut w = Walk::new(outer, range.start);
        for _ in range {
            let (p, q) = (x.ptr.wrapping_offset(w.off[0]), out.ptr.wrapping_offset(w.off[1]));
            w.next();
            with_dtype!(x.dtype, T => {
                // The widest type that keeps what the output can hold.
                // SAFETY: the module's contract.
                unsafe {
                    match out.dtype {
                        DType::C64 | DType::C128 => cast::<T, C128>(p, q, inner, out.dtype),
                        d if d.is_float() => cast::<T, f64>(p, q, inner, d),
                        d => cast::<T, i64>(p, q, inner, d),
                    }
                }
            })
        }
    });
}

unsafe fn cast<T: Num, A: Acc>(p: *const u8, q: *mut u8, d: Dim<2>, to: DType) {
    let mut buffer = [A::of(0u8); 256];
    let mut i = 0;
    while i < d.n {
        let m = (d.n - i).min(256);
        for (j, b) in buffer[..m].iter_mut().enumerate() {
            // SAFETY: the module's contract.
            *b = A::of(unsafe { *p.offset((i + j) as isize * d.s[0]).cast::<T>() });
        }
        // SAFETY: as above.
        unsafe { super::load::store(buffer.as_ptr(), m, q.offset(i as isize * d.s[1]), d.s[1], to) };
        i += m;
    }
}

/// The loops over all dims but `skip`, operands x and out.
fn pair(x: &Strided, out: &Strided, skip: Option<usize>) -> Dims<2> {
    let (a, b) = (x.dtype.size() as isize, out.dtype.size() as isize);
    (0..x.ndim())
        .filter(|&d| Some(d) != skip)
        .map(|d| Dim { n: x.shape[d], s: [x.strides[d] * a, out.strides[d] * b] })
        .collect()
}

fn along<T: Num, R: Run>(x: &Strided, out: &Strided, dim: usize) {
    let mut kept = pair(x, out, Some(dim));
    // A tensor without dims scans as one of a single element.
    let size = size_of::<T>() as isize;
    let d = match dim < x.ndim() {
        true => Dim { n: x.shape[dim], s: [x.strides[dim] * size, out.strides[dim] * size] },
        false => Dim { n: 1, s: [size, size] },
    };
    sort(&mut kept, 0);
    coalesce(&mut kept);
    let rows = count(&kept);
    if rows == 0 || d.n == 0 {
        return;
    }
    let by_column = kept.last().is_some_and(|k| k.n >= 16 && k.s[0].unsigned_abs() < d.s[0].unsigned_abs());
    if by_column {
        return columns::<T, R>(x.ptr, out.ptr, &kept, d);
    }
    if rows < CHAINS && d.n > 2 * PIECE {
        return long::<T, R>(x.ptr, out.ptr, &kept, d, rows);
    }
    parallel::chunks(rows.div_ceil(CHAINS), GRAIN.div_ceil(d.n * CHAINS), &|range| {
        let mut w = Walk::new(&kept, range.start * CHAINS);
        for g in range {
            let m = CHAINS.min(rows - g * CHAINS);
            let mut c = [Chain { x: std::ptr::null(), out: std::ptr::null_mut(), acc: R::init() }; CHAINS];
            for c in &mut c[..m] {
                c.x = x.ptr.wrapping_offset(w.off[0]);
                c.out = out.ptr.wrapping_offset(w.off[1]);
                w.next();
            }
            // SAFETY: the module's contract.
            unsafe { chains::<T, R>(&mut c[..m], d) };
        }
    });
}

/// One running total with its place.
#[derive(Clone, Copy)]
struct Chain<A> {
    x: *const u8,
    out: *mut u8,
    acc: A,
}

unsafe fn chains<T: Num, R: Run>(c: &mut [Chain<R::A>], d: Dim<2>) {
    if let Ok(c) = <&mut [Chain<R::A>; CHAINS]>::try_from(&mut *c) {
        let mut a = c.map(|c| c.acc);
        let mut first = 0;
        if d.s == [size_of::<T>() as isize; 2] {
            // Line by line: rows that lie a power of two apart share places in the cache, and lose a line before its end.
            // Within a line row by row: the processor goes ahead into the next row while the sums of this one wait.
            while first + LINE <= d.n {
                for j in 0..CHAINS {
                    let (x, out) = (c[j].x.cast::<T>(), c[j].out.cast::<T>());
                    let mut sum = a[j];
                    for i in first..first + LINE {
                        // SAFETY: the module's contract.
                        unsafe {
                            sum = R::join(sum, R::A::of(*x.add(i)));
                            *out.add(i) = sum.put::<T>();
                        }
                    }
                    a[j] = sum;
                }
                first += LINE;
            }
        }
        for i in first as isize..d.n as isize {
            for j in 0..CHAINS {
                // SAFETY: the module's contract.
                unsafe {
                    a[j] = R::join(a[j], R::A::of(*c[j].x.offset(i * d.s[0]).cast::<T>()));
                    *c[j].out.offset(i * d.s[1]).cast::<T>() = a[j].put::<T>();
                }
            }
        }
        return;
    }
    for c in c {
        for i in 0..d.n as isize {
            // SAFETY: as above.
            unsafe {
                c.acc = R::join(c.acc, R::A::of(*c.x.offset(i * d.s[0]).cast::<T>()));
                *c.out.offset(i * d.s[1]).cast::<T>() = c.acc.put::<T>();
            }
        }
    }
}

/// Few long rows: totals of fixed pieces first, then the pieces from their offsets, eight side by side.
fn long<T: Num, R: Run>(x: *mut u8, out: *mut u8, kept: &Dims<2>, d: Dim<2>, rows: usize) {
    let pieces = d.n.div_ceil(PIECE);
    let groups = pieces.div_ceil(CHAINS);
    let mut totals = crate::error::filled(R::init(), pieces);
    let (x, out) = (super::index::Ptr(x), super::index::Ptr(out));
    let mut w = Walk::new(kept, 0);
    for _ in 0..rows {
        let off = w.off;
        w.next();
        let t = super::index::Ptr(totals.as_mut_ptr());
        parallel::chunks(pieces, 4, &|range| {
            for i in range {
                let n = PIECE.min(d.n - i * PIECE);
                let p = x.get().wrapping_offset(off[0] + (i * PIECE) as isize * d.s[0]);
                let mut a = [R::init(); CHAINS];
                // SAFETY: the module's contract; each task writes its own total.
                unsafe {
                    // Eight runs of neighbours, so that the order of joining stays that of the row.
                    let run = n / CHAINS;
                    for k in 0..run {
                        for (j, a) in a.iter_mut().enumerate() {
                            *a = R::join(*a, R::A::of(*p.offset((j * run + k) as isize * d.s[0]).cast::<T>()));
                        }
                    }
                    let mut sum = a[1..].iter().fold(a[0], |s, &b| R::join(s, b));
                    for k in run * CHAINS..n {
                        sum = R::join(sum, R::A::of(*p.offset(k as isize * d.s[0]).cast::<T>()));
                    }
                    *t.get().add(i) = sum;
                }
            }
        });
        let mut a = R::init();
        for t in &mut totals {
            let next = R::join(a, *t);
            *t = a;
            a = next;
        }
        parallel::chunks(groups, 1, &|range| {
            for g in range {
                let first = g * CHAINS;
                let m = CHAINS.min(pieces - first);
                let mut c = [Chain { x: std::ptr::null(), out: std::ptr::null_mut(), acc: R::init() }; CHAINS];
                for (j, c) in c[..m].iter_mut().enumerate() {
                    let at = ((first + j) * PIECE) as isize;
                    c.x = x.get().wrapping_offset(off[0] + at * d.s[0]);
                    c.out = out.get().wrapping_offset(off[1] + at * d.s[1]);
                    c.acc = totals[first + j];
                }
                let last = d.n - (first + m - 1) * PIECE;
                // SAFETY: the module's contract.
                unsafe {
                    if last >= PIECE {
                        chains::<T, R>(&mut c[..m], Dim { n: PIECE, s: d.s });
                    } else {
                        chains::<T, R>(&mut c[..m - 1], Dim { n: PIECE, s: d.s });
                        chains::<T, R>(&mut c[m - 1..m], Dim { n: last, s: d.s });
                    }
                }
            }
        });
    }
}

multiversion! {
    unsafe fn step[T: Num, R: Run](x: *const T, out: *mut T, n: usize, acc: *mut R::A) {
        for j in 0..n {
            let a = R::join(*acc.add(j), R::A::of(*x.add(j)));
            *acc.add(j) = a;
            *out.add(j) = a.put::<T>();
        }
    }
}

/// The other dims lie denser: tiles of rows side by side.
fn columns<T: Num, R: Run>(x: *mut u8, out: *mut u8, kept: &Dims<2>, d: Dim<2>) {
    let Some((&inner, outer)) = kept.split_last() else {
        return;
    };
    let tiles = inner.n.div_ceil(TILE);
    let size = size_of::<T>() as isize;
    let dense = inner.s == [size, size];
    let (x, out) = (super::index::Ptr(x), super::index::Ptr(out));
    parallel::chunks(count(outer) * tiles, GRAIN.div_ceil(d.n * inner.n.min(TILE)), &|range| {
        for i in range {
            let off = Walk::new(outer, i / tiles).off;
            let from = i % tiles * TILE;
            let n = (inner.n - from).min(TILE);
            let mut acc = [R::init(); TILE];
            let mut p = x.get().wrapping_offset(off[0] + from as isize * inner.s[0]);
            let mut q = out.get().wrapping_offset(off[1] + from as isize * inner.s[1]);
            for _ in 0..d.n {
                // SAFETY: the module's contract.
                unsafe {
                    if dense {
                        step::<T, R>(p.cast(), q.cast(), n, acc.as_mut_ptr());
                    } else {
                        for (j, a) in acc[..n].iter_mut().enumerate() {
                            *a = R::join(*a, R::A::of(*p.offset(j as isize * inner.s[0]).cast::<T>()));
                            *q.offset(j as isize * inner.s[1]).cast::<T>() = a.put::<T>();
                        }
                    }
                }
                p = p.wrapping_offset(d.s[0]);
                q = q.wrapping_offset(d.s[1]);
            }
        }
    });
}

/// Running maximum (`max`) or minimum along `dim`, with the int64 index of the latest element that equals it. A NaN
/// stays from where it first occurs, its index moves on with every further NaN, as in torch.
pub fn scan_extreme(max: bool, x: &Strided, values: &Strided, indices: &Strided, dim: usize) {
    macro_rules! go {
        ($t:ty, |$a:ident| $key:expr) => {
            if max {
                extremes::<$t, _>(x, values, indices, dim, |$a| $key, |new, old| new >= old)
            } else {
                extremes::<$t, _>(x, values, indices, dim, |$a| $key, |new, old| new <= old)
            }
        };
    }
    match x.dtype {
        DType::Bool => go!(Bool8, |a| a.get() as u8),
        DType::U8 => go!(u8, |a| a),
        DType::I8 => go!(i8, |a| a),
        DType::I16 => go!(i16, |a| a),
        DType::I32 => go!(i32, |a| a),
        DType::I64 => go!(i64, |a| a),
        DType::U16 => go!(u16, |a| a),
        DType::U32 => go!(u32, |a| a),
        DType::U64 => go!(u64, |a| a),
        DType::F16 => go!(f16, |a| a.to_f32()),
        DType::BF16 => go!(bf16, |a| a.to_f32()),
        DType::F32 => go!(f32, |a| a),
        DType::F64 => go!(f64, |a| a),
        DType::C64 | DType::C128 => {}
    }
}

fn extremes<T: Num, K: PartialOrd + Copy + Send + Sync>(
    x: &Strided,
    values: &Strided,
    indices: &Strided,
    dim: usize,
    key: impl Fn(T) -> K + Sync,
    wins: impl Fn(K, K) -> bool + Sync,
) {
    let size = size_of::<T>() as isize;
    let along =
        |d: usize| Dim { n: x.shape[d], s: [x.strides[d] * size, values.strides[d] * size, indices.strides[d] * 8] };
    let mut kept: Dims<3> = (0..x.ndim()).filter(|&d| d != dim).map(along).collect();
    let d = if dim < x.ndim() { along(dim) } else { Dim { n: 1, s: [0; 3] } };
    sort(&mut kept, 0);
    coalesce(&mut kept);
    let rows = count(&kept);
    if rows == 0 || d.n == 0 {
        return;
    }
    let places = Places { x: x.ptr, values: values.ptr, indices: indices.ptr, d };
    // Neighbours share cache lines if the dim is not the inner one.
    let side = if kept.last().is_some_and(|k| k.s[0].unsigned_abs() < d.s[0].unsigned_abs()) { SIDE } else { 1 };
    parallel::chunks(rows.div_ceil(side), GRAIN.div_ceil(d.n * side), &|range| {
        let mut w = Walk::new(&kept, range.start * side);
        for g in range {
            if side == 1 {
                // SAFETY: the module's contract.
                unsafe { places.along(w.off, &key, &wins) };
                w.next();
                continue;
            }
            let m = side.min(rows - g * side);
            let mut off = [[0isize; 3]; SIDE];
            for o in &mut off[..m] {
                *o = w.off;
                w.next();
            }
            // SAFETY: as above.
            unsafe { places.across(&off[..m], &key, &wins) };
        }
    });
}

/// Where the rows of running extremes are.
#[derive(Clone, Copy)]
struct Places {
    x: *const u8,
    values: *mut u8,
    indices: *mut u8,
    d: Dim<3>,
}

// SAFETY: tasks write disjoint rows.
unsafe impl Sync for Places {}

/// Tells the compiler that a branch is rarely taken.
#[cold]
fn rarely() {}

impl Places {
    /// One row.
    #[inline(always)]
    unsafe fn along<T: Num, K: PartialOrd + Copy>(
        self,
        off: [isize; 3],
        key: &impl Fn(T) -> K,
        wins: &impl Fn(K, K) -> bool,
    ) {
        let mut x = self.x.wrapping_offset(off[0]);
        let (mut values, mut indices) = (self.values.wrapping_offset(off[1]), self.indices.wrapping_offset(off[2]));
        // SAFETY: the module's contract.
        unsafe {
            let mut value = *x.cast::<T>();
            let (mut best, mut place) = (key(value), 0);
            for i in 0..self.d.n {
                let v = *x.cast::<T>();
                let k = key(v);
                // A branch: the next element need not wait for an extreme that mostly stays. No comparison with NaN holds.
                #[allow(clippy::eq_op, reason = "only NaN differs from itself")]
                if wins(k, best) | (k != k) {
                    rarely();
                    (best, value, place) = (k, v, i as i64);
                }
                *values.cast::<T>() = value;
                *indices.cast::<i64>() = place;
                x = x.wrapping_offset(self.d.s[0]);
                values = values.wrapping_offset(self.d.s[1]);
                indices = indices.wrapping_offset(self.d.s[2]);
            }
        }
    }

    /// Up to [`SIDE`] rows side by side, which start at `rows`.
    #[inline(always)]
    unsafe fn across<T: Num, K: PartialOrd + Copy>(
        self,
        rows: &[[isize; 3]],
        key: &impl Fn(T) -> K,
        wins: &impl Fn(K, K) -> bool,
    ) {
        // SAFETY: the module's contract.
        unsafe {
            let get = |o: &[isize; 3], i: usize| *self.x.offset(o[0] + i as isize * self.d.s[0]).cast::<T>();
            let mut value = [get(&rows[0], 0); SIDE];
            let mut best = [key(value[0]); SIDE];
            let mut place = [0i64; SIDE];
            for (j, row) in rows.iter().enumerate() {
                value[j] = get(row, 0);
                best[j] = key(value[j]);
            }
            for i in 0..self.d.n {
                for (j, row) in rows.iter().enumerate() {
                    let v = get(row, i);
                    let k = key(v);
                    #[allow(clippy::eq_op, reason = "only NaN differs from itself")]
                    if wins(k, best[j]) | (k != k) {
                        (best[j], value[j], place[j]) = (k, v, i as i64);
                    }
                    *self.values.offset(row[1] + i as isize * self.d.s[1]).cast::<T>() = value[j];
                    *self.indices.offset(row[2] + i as isize * self.d.s[2]).cast::<i64>() = place[j];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::{Rng, Ten, close, tol};

    #[test]
    fn scans_match_naive_reference() {
        let mut rng = Rng(11);
        for round in 0..400 {
            let d = DType::ALL[rng.below(15)];
            let shape = match round % 6 {
                0 => vec![1 + rng.below(4), 1 + rng.below(20_000)],
                1 => vec![1 + rng.below(300), 1 + rng.below(60)],
                _ => rng.shape(4, 10),
            };
            let dim = rng.below(shape.len());
            let x = Ten::random(&shape, d, &mut rng, |r| match d {
                DType::Bool => r.below(2) as f64,
                d if d.is_integral(false) => r.below(5) as f64,
                _ => r.uniform() * 0.5 + 0.7,
            });
            for kind in [Scan::Sum, Scan::Prod, Scan::LogSumExp] {
                if kind == Scan::LogSumExp && !d.is_float() {
                    continue;
                }
                let to = if d.is_integral(true) { DType::I64 } else { d };
                let out = Ten::scattered(&shape, to, &mut rng);
                scan(kind, &x.view(), &out.view(), dim);
                for i in 0..x.numel() {
                    let mut c = x.coords(i);
                    let n = if shape.is_empty() { 0 } else { c[dim] };
                    let v = (0..=n).map(|k| {
                        if !c.is_empty() {
                            c[dim] = k;
                        }
                        x.get_at(&c)
                    });
                    let every = if n > 1000 { 61 } else { 7 };
                    if i % every != 0 || (kind != Scan::Sum && n > 200) || (d.is_complex() && kind == Scan::Prod) {
                        continue;
                    }
                    let want = match kind {
                        Scan::Sum => v.sum::<f64>(),
                        Scan::Prod if to == DType::I64 => v.fold(1i64, |a, b| a.wrapping_mul(b as i64)) as f64,
                        Scan::Prod => v.product(),
                        Scan::LogSumExp => v.map(f64::exp).sum::<f64>().ln(),
                    };
                    let got = out.get(i);
                    assert!(close(want, got, tol(to) * 4.0), "{kind:?} {d:?} {shape:?} {dim} at {i}: {want} {got}");
                }
            }
        }
    }

    #[test]
    fn extremes_take_the_latest_and_keep_nan() {
        let mut rng = Rng(12);
        for _ in 0..200 {
            let d = [DType::F32, DType::F16, DType::I32, DType::Bool, DType::U8, DType::F64][rng.below(6)];
            let shape = rng.shape(3, 30);
            let dim = rng.below(shape.len());
            let x = Ten::random(&shape, d, &mut rng, |r| match r.below(20) {
                0 if d.is_float() => f64::NAN,
                _ => r.below(if d == DType::Bool { 2 } else { 9 }) as f64,
            });
            for max in [false, true] {
                let (v, at) = (Ten::scattered(&shape, d, &mut rng), Ten::scattered(&shape, DType::I64, &mut rng));
                scan_extreme(max, &x.view(), &v.view(), &at.view(), dim);
                for i in 0..x.numel() {
                    let mut c = x.coords(i);
                    let n = if shape.is_empty() { 0 } else { c[dim] };
                    let mut best = (0, f64::NAN);
                    for k in 0..=n {
                        if !c.is_empty() {
                            c[dim] = k;
                        }
                        let y = x.get_at(&c);
                        let wins = if max { y >= best.1 } else { y <= best.1 };
                        if k == 0 || y.is_nan() || (!best.1.is_nan() && wins) {
                            best = (k, y);
                        }
                    }
                    assert!(close(best.1, v.get(i), 0.0) && best.0 as f64 == at.get(i), "{d:?} {shape:?} {dim}");
                }
            }
        }
    }
}
