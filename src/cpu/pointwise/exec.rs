//! The executor: blocks of about 4 KiB per operand, each gathered, cast or used in place.

use super::cast::cast;
use super::copy::{STREAM_MIN, Stream, copy, scatter};
use super::kernel::CHEAP;
use super::plan::{Cursor, MAX, Plan};
use super::walk::{BLOCK, Layout, Scratch, WIDEST, block_len, gather, spread};
use super::{Fun, Kernel, Params, kernel, kernel_at};
use crate::cpu::parallel;
use crate::cpu::simd::{self, Level};
use crate::tensor::{DType, Strided};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Elements of a parallel chunk of an addition (benches/pointwise.rs, add).
const GRAIN: usize = 32768;

/// Bytes of a result from which on cheap functions wait for memory behind L2 (2048 x 2048 f32 times a row plus a column on
/// one thread of Zen 5: 1.64 ms in vectors of 64 bytes, 1.26 in those of 32; no difference for 4 MiB).
const BEYOND_L2: usize = 8 << 20;

/// Side of the tiles in which inputs are turned.
const TILE: usize = 64;
/// Their other side, where their rows go to the loop as they are.
const WIDE: usize = 128;

/// Elements per parallel chunk.
fn grain(fun: Fun) -> usize {
    (GRAIN / fun.cost()).max(1024)
}

/// Are results of `bytes` bytes written past the caches? A function that computes more than it reads does not wait for
/// memory, and its result is soonest read again from a cache (benches/pointwise.rs, stream). So is that of a chain of cheap
/// functions, unless it is half as large again as what copies leave in the caches.
fn streams(fun: Fun, bytes: usize) -> bool {
    bytes >= STREAM_MIN + STREAM_MIN / 2 && fun.cost() <= CHEAP
}

/// Computes `out = fun(ins...)` element by element.
///
/// The inputs are broadcast to `out.shape` (stride 0) and may have any dtype; they are converted to `compute` (the mask
/// of `Where` to bool), and the function's result to `out.dtype`. An input may be the output itself, with the same
/// layout, but not overlap it otherwise. Does nothing where the function is not defined for `compute`.
#[inline]
pub fn run(fun: Fun, compute: DType, ins: &[Strided], out: &Strided, p: &Params) {
    let fun = if fun == Fun::Pow { constant_power(fun, compute, ins) } else { fun };
    let Some(kernel) = kernel(fun, compute) else {
        debug_assert!(false, "{fun:?} is not defined for {}", compute.name());
        return;
    };
    let ins = &ins[..kernel.arity as usize];
    let job = Job { fun, kernel, compute, ins, out, p };
    if job.small() {
        return;
    }
    let job = job.for_memory();
    if !job.direct() {
        job.general();
    }
}

/// Number of elements of a contiguous operand.
#[inline(always)]
fn order(x: &Strided) -> Option<usize> {
    let mut n = 1;
    for (&size, &stride) in x.shape.iter().zip(x.strides).rev() {
        if stride != n as isize && size != 1 {
            return None;
        }
        n *= size;
    }
    Some(n)
}

/// Equality of short slices, without a call.
#[inline(always)]
fn same(a: &[isize], b: &[isize]) -> bool {
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// Powers that torch computes by products and roots.
#[inline(always)]
fn constant_power(fun: Fun, compute: DType, ins: &[Strided]) -> Fun {
    if fun != Fun::Pow || !compute.is_float() || ins[1].strides.iter().any(|&s| s != 0) || ins[1].numel() == 0 {
        return fun;
    }
    let mut e = 0.0f64;
    // SAFETY: the operand has an element, and `e` room for one.
    unsafe { cast(ins[1].dtype, DType::F64)(ins[1].ptr, (&raw mut e).cast(), 1) }
    match e {
        1.0 => Fun::Positive,
        2.0 => Fun::Square,
        3.0 => Fun::Cube,
        0.5 => Fun::Sqrt,
        -0.5 => Fun::Rsqrt,
        -1.0 => Fun::Reciprocal,
        -2.0 => Fun::InverseSquare,
        _ => fun,
    }
}

/// How an operand reaches the loop where the output is contiguous and no cast is needed.
#[derive(Clone, Copy, PartialEq)]
enum Access {
    Contiguous,
    /// One element, repeated.
    Constant,
}

#[derive(Clone, Copy)]
struct Job<'a> {
    fun: Fun,
    kernel: Kernel,
    compute: DType,
    ins: &'a [Strided<'a>],
    out: &'a Strided<'a>,
    p: &'a Params,
}

impl Job<'_> {
    fn in_dtype(&self, k: usize) -> DType {
        self.fun.in_dtype(k, self.compute)
    }

    /// The same with the loop that memory feeds best: for vectors of half the width the processor fetches further ahead.
    fn for_memory(self) -> Self {
        let bytes = self.out.numel() * self.out.dtype.size();
        let streams = streams(self.fun, bytes) && !self.ins.iter().any(|x| x.ptr == self.out.ptr);
        if bytes < BEYOND_L2 || self.fun.cost() > CHEAP || streams {
            return self;
        }
        let kernel = kernel_at(self.fun, self.compute, simd::level().min(Level::Avx2)).unwrap_or(self.kernel);
        Job { kernel, ..self }
    }

    /// Is the first input, and no other, the output, and is there a loop for that? Tensors made apart over one NumPy array
    /// may begin at one address with different layouts.
    #[inline(always)]
    fn replaces_first(&self) -> bool {
        let is_out = |x: &Strided| x.ptr == self.out.ptr;
        let (first, rest) = (&self.ins[0], &self.ins[1..]);
        let alike = first.dtype == self.out.dtype && same(first.strides, self.out.strides);
        self.kernel.works_in_place() && is_out(first) && alike && !rest.iter().any(is_out)
    }

    /// Few elements, all in order, of the loop's dtypes, apart: nothing but the loop. False if they are not.
    #[inline(always)]
    fn small(&self) -> bool {
        let Some(n) = order(self.out) else { return false };
        if n > BLOCK || self.out.dtype != self.kernel.out {
            return false;
        }
        let mut ptrs = [std::ptr::null(); 4];
        for (k, x) in self.ins.iter().enumerate() {
            if x.dtype != self.in_dtype(k) || x.ptr == self.out.ptr || !same(x.strides, self.out.strides) {
                return false;
            }
            ptrs[k] = x.ptr.cast_const();
        }
        if n > 0 {
            // SAFETY: the operands hold n elements, and the output is not among them.
            unsafe { self.kernel.call(&ptrs, self.out.ptr, n, self.p) }
        }
        true
    }

    /// Operands that are all contiguous or constant and have the loop's dtypes: no plan. False if they are not.
    #[inline]
    fn direct(&self) -> bool {
        if self.out.dtype != self.kernel.out || !self.out.is_contiguous() {
            return false;
        }
        let n = self.out.numel();
        let mut access = [Access::Contiguous; 4];
        for (k, x) in self.ins.iter().enumerate() {
            if x.dtype != self.in_dtype(k) {
                return false;
            }
            if x.strides != self.out.strides && !x.is_contiguous() {
                if x.strides.iter().any(|&s| s != 0) {
                    return false;
                }
                access[k] = Access::Constant;
            }
        }
        if n == 0 {
            return true;
        }
        let body = |range: Range<usize>| self.direct_range(&access, n, range);
        let grain = grain(self.fun);
        if n <= grain {
            body(0..n)
        } else {
            parallel::chunks(n, grain, &body)
        }
        true
    }

    /// A chunk of [`Job::direct`].
    fn direct_range(&self, access: &[Access; 4], n: usize, range: Range<usize>) {
        let ptrs: [*const u8; 4] =
            std::array::from_fn(|k| self.ins.get(k).map_or(std::ptr::null(), |x| x.ptr.cast_const()));
        let mut scratch: [MaybeUninit<Scratch>; 4] = [const { MaybeUninit::uninit() }; 4];
        let mut result = MaybeUninit::<Scratch>::uninit();
        let out_size = self.out.dtype.size();
        let in_place = ptrs.contains(&self.out.ptr.cast_const());
        let replaces = in_place && self.replaces_first();
        let stream = Stream::new(streams(self.fun, n * out_size) && !in_place);
        // A block is what a constant has been spread over and what the result's scratch holds; without either the
        // whole chunk is one.
        let constants = access.contains(&Access::Constant);
        let by_block = constants || (in_place && !replaces) || stream.on();
        let block = if by_block { block_len(self.compute.size()) } else { range.len() };
        let mut at = ptrs;
        for k in 0..self.ins.len() {
            if access[k] == Access::Constant {
                let to = Scratch::ptr(&mut scratch[k]);
                // SAFETY: a block of the compute dtype fits the scratch.
                unsafe { spread(ptrs[k], to, self.ins[k].dtype.size(), block.min(range.len())) };
                at[k] = to;
            }
        }
        let mut i = range.start;
        while i < range.end {
            let len = block.min(range.end - i);
            let mut here = at;
            let mut ahead = [std::ptr::null(); 4];
            let mut moving = 0;
            for k in 0..self.ins.len() {
                if access[k] == Access::Contiguous {
                    let size = self.ins[k].dtype.size();
                    // SAFETY: i is within the operand.
                    here[k] = unsafe { ptrs[k].add(i * size) };
                    ahead[moving] = here[k].wrapping_add(len * size);
                    moving += 1;
                }
            }
            // SAFETY: the operands hold `len` elements from here; a result that may overlap an input goes through the
            // scratch.
            unsafe {
                let out = self.out.ptr.add(i * out_size);
                if replaces {
                    self.kernel.call_in_place(&here, out, len, self.p);
                } else if in_place || stream.on() {
                    let to = Scratch::ptr(&mut result);
                    self.kernel.call(&here, to, len, self.p);
                    stream.write_ahead(to, out, len * out_size, &ahead[..moving]);
                } else {
                    self.kernel.call(&here, out, len, self.p);
                }
            }
            i += len;
        }
        stream.finish();
    }

    /// Any layout and dtype.
    #[cold]
    #[inline(never)]
    fn general(&self) {
        let mut operands = [*self.out; MAX];
        let count = self.ins.len();
        operands[..count].copy_from_slice(self.ins);
        let plan = Plan::new(&operands[..=count]);
        if plan.n == 0 {
            return;
        }
        if let Some(t) = self.turned(&plan) {
            return self.tiles(&plan, t);
        }
        let sizes = operands[..=count].iter().map(|o| o.dtype.size());
        let layout = Layout::new(&plan, count, sizes.max().unwrap_or(1).max(self.compute.size()));
        let grain = layout.grain(grain(self.fun));
        let body = |range: Range<usize>| self.blocks(&layout, range);
        if layout.blocks <= grain { body(0..layout.blocks) } else { parallel::chunks(layout.blocks, grain, &body) }
    }

    /// The dim along which an input is contiguous that is not along the output's innermost: element by element it would
    /// read a whole cache line for each.
    fn turned(&self, plan: &Plan) -> Option<usize> {
        let inner = &plan.dims[0];
        if plan.n < TILE * TILE || inner.size < TILE / 4 {
            return None;
        }
        let along = |x: &Strided, k: usize| {
            let size = x.dtype.size() as isize;
            if inner.strides[k].unsigned_abs() < 64 {
                return None;
            }
            (1..plan.dims.len()).find(|&d| plan.dims[d].strides[k] == size && plan.dims[d].size >= TILE / 4)
        };
        self.ins.iter().enumerate().find_map(|(k, x)| along(x, k))
    }

    /// As [`Job::general`], in square tiles of the innermost dim and dim `t`: inputs that are contiguous along `t` are
    /// turned into scratch by a copy, then a tile is a job like any other.
    fn tiles(&self, plan: &Plan, t: usize) {
        let count = self.ins.len();
        let (rows, cols) = (plan.dims[t].size, plan.dims[0].size);
        let stripes = rows.div_ceil(TILE);
        let turned: [bool; 4] = std::array::from_fn(|k| {
            k < count && plan.dims[t].strides[k] == self.ins[k].dtype.size() as isize && plan.dims[0].strides[k] != 0
        });
        let unit = |k: usize, x: &Strided| plan.dims[0].strides[k] == x.dtype.size() as isize;
        let plain =
            |k: usize, x: &Strided| x.dtype == self.in_dtype(k) && x.ptr != self.out.ptr && (turned[k] || unit(k, x));
        let by_rows = self.out.dtype == self.kernel.out
            && unit(count, self.out)
            && self.ins.iter().enumerate().all(|(k, x)| plain(k, x));
        let width = if by_rows { WIDE } else { TILE };
        let body = |range: Range<usize>| {
            let mut scratch: [Vec<Scratch>; 4] = std::array::from_fn(|k| {
                let bytes = if turned[k] { TILE * width * self.ins[k].dtype.size() } else { 0 };
                Vec::with_capacity(bytes.div_ceil(size_of::<Scratch>()))
            });
            for unit in range {
                let (stripe, mut rest) = (unit % stripes, unit / stripes);
                let mut offsets = [0isize; MAX];
                for (d, dim) in plan.dims.iter().enumerate().skip(1) {
                    let i = if d == t { stripe * TILE } else { rest % dim.size };
                    if d != t {
                        rest /= dim.size;
                    }
                    offsets.iter_mut().zip(&dim.strides).for_each(|(o, s)| *o += i as isize * s);
                }
                let height = TILE.min(rows - stripe * TILE);
                for j in (0..cols).step_by(width) {
                    let shape = [height, width.min(cols - j)];
                    let strides: [[isize; 2]; MAX] = std::array::from_fn(|k| {
                        let size = if k < count { self.ins[k].dtype.size() } else { self.out.dtype.size() } as isize;
                        [plan.dims[t].strides[k] / size, plan.dims[0].strides[k] / size]
                    });
                    let view = |k: usize, x: &Strided| {
                        // SAFETY: offsets of a plan stay within the operand.
                        let ptr = unsafe { x.ptr.offset(offsets[k] + j as isize * plan.dims[0].strides[k]) };
                        (ptr, x.dtype)
                    };
                    let dense = [shape[1] as isize, 1];
                    let mut ins = [*self.out; 4];
                    for (k, x) in self.ins.iter().enumerate() {
                        let (ptr, dtype) = view(k, x);
                        ins[k] = Strided { ptr, dtype, shape: &shape, strides: &strides[k] };
                        if turned[k] {
                            let to = Strided { ptr: scratch[k].as_mut_ptr().cast(), strides: &dense, ..ins[k] };
                            copy(&ins[k], &to);
                            ins[k] = to;
                        }
                    }
                    let (ptr, dtype) = view(count, self.out);
                    let out = Strided { ptr, dtype, shape: &shape, strides: &strides[count] };
                    let tile = Job { ins: &ins[..count], out: &out, ..*self };
                    if !by_rows {
                        tile.serial();
                        continue;
                    }
                    // Processors do not fetch ahead by themselves: the next tile's rows lie in other pages.
                    let ahead = width.min(cols.saturating_sub(j + width));
                    let fetch = |i: usize| {
                        for k in 0..=count {
                            let x = if k < count { &self.ins[k] } else { self.out };
                            let (across, along) = (plan.dims[0].strides[k], plan.dims[t].strides[k]);
                            let (size, at) = (x.dtype.size(), offsets[k] + (j + width) as isize * across);
                            if k < count && turned[k] {
                                for c in i * ahead / height..(i + 1) * ahead / height {
                                    simd::prefetch(x.ptr.wrapping_offset(at + c as isize * across), height * size);
                                }
                            } else {
                                simd::prefetch(x.ptr.wrapping_offset(at + i as isize * along), ahead * size);
                            }
                        }
                    };
                    tile.rows(fetch);
                }
            }
        };
        let units = plan.n / rows / cols * stripes;
        let grain = (grain(self.fun) / (TILE * cols)).max(1);
        if units <= grain { body(0..units) } else { parallel::chunks(units, grain, &body) }
    }

    /// The rows of matrices with dense rows, of the loop's dtypes, that do not overlap the output; `fetch` gets the number
    /// of each before.
    fn rows(&self, fetch: impl Fn(usize)) {
        let row = |x: &Strided, i: usize| x.ptr.wrapping_offset((i as isize * x.strides[0]) * x.dtype.size() as isize);
        for i in 0..self.out.shape[0] {
            fetch(i);
            let ptrs: [*const u8; 4] =
                std::array::from_fn(|k| self.ins.get(k).map_or(std::ptr::null(), |x| row(x, i).cast_const()));
            // SAFETY: the operands hold this row.
            unsafe { self.kernel.call(&ptrs, row(self.out, i), self.out.shape[1], self.p) }
        }
    }

    /// As [`Job::general`], on this thread.
    fn serial(&self) {
        let mut operands = [*self.out; MAX];
        let count = self.ins.len();
        operands[..count].copy_from_slice(self.ins);
        let plan = Plan::new(&operands[..=count]);
        let sizes = operands[..=count].iter().map(|o| o.dtype.size());
        let layout = Layout::new(&plan, count, sizes.max().unwrap_or(1).max(self.compute.size()));
        self.blocks(&layout, 0..layout.blocks);
    }

    /// Blocks of [`Job::general`].
    fn blocks(&self, layout: &Layout, range: Range<usize>) {
        let plan = layout.plan;
        let count = self.ins.len();
        let mut scratch: [MaybeUninit<Scratch>; 4] = [const { MaybeUninit::uninit() }; 4];
        let mut raw = MaybeUninit::<Scratch>::uninit();
        let mut result = MaybeUninit::<Scratch>::uninit();
        let (raw, result) = (Scratch::ptr(&mut raw), Scratch::ptr(&mut result));
        let out_size = self.out.dtype.size();
        let in_place = self.ins.iter().any(|x| x.ptr == self.out.ptr);
        let replaces = in_place && self.replaces_first();
        let stream = Stream::new(plan.is_dense(count, out_size) && streams(self.fun, plan.n * out_size) && !in_place);
        let out_cast = (self.out.dtype != self.kernel.out).then(|| cast(self.kernel.out, self.out.dtype));
        let in_order = layout.is_unit(count, out_size) && !stream.on();
        let mut feeds: [Feed; 4] = std::array::from_fn(|k| match self.ins.get(k) {
            Some(x) => Feed::new(layout, k, x, self.in_dtype(k)),
            None => Feed::default(),
        });
        let mut walk = layout.walk(range.start);
        for _ in range {
            let len = walk.len();
            let cursor = &walk.cursor;
            // SAFETY: offsets of a plan stay within the operands, and a block of any operand fits a scratch. A result
            // that may overlap an input goes through one.
            unsafe {
                let mut here = [std::ptr::null(); 4];
                for k in 0..count {
                    let to = Scratch::ptr(&mut scratch[k]);
                    here[k] = feeds[k].block(layout, k, &self.ins[k], cursor, to, raw, len);
                }
                let out = self.out.ptr.offset(cursor.offsets[count]);
                match out_cast {
                    None if in_order && !in_place => self.kernel.call(&here, out, len, self.p),
                    None if in_order && replaces && here[0] == out.cast_const() => {
                        self.kernel.call_in_place(&here, out, len, self.p);
                    }
                    None => {
                        self.kernel.call(&here, result, len, self.p);
                        scatter(layout, count, self.out, cursor, result, len, &stream);
                    }
                    Some(cast) => {
                        self.kernel.call(&here, result, len, self.p);
                        let end = if in_order { out } else { raw };
                        cast(result, end, len);
                        if !in_order {
                            scatter(layout, count, self.out, cursor, raw, len, &stream);
                        }
                    }
                }
            }
            walk.next();
        }
        stream.finish();
    }
}

/// How one input comes to the loop, and what its scratch holds.
#[derive(Default)]
struct Feed {
    cast: Option<super::Cast>,
    /// Its blocks are in order.
    unit: bool,
    /// One element per block.
    constant: bool,
    /// Every block is the same.
    repeats: bool,
    /// Bytes of an element in the loop.
    size: usize,
    /// Offset and length of what the scratch holds, if that may serve again.
    held: Option<(isize, usize)>,
}

impl Feed {
    fn new(layout: &Layout, k: usize, x: &Strided, dtype: DType) -> Feed {
        let constant = layout.rows && layout.plan.dims[0].strides[k] == 0;
        Feed {
            cast: (x.dtype != dtype).then(|| cast(x.dtype, dtype)),
            unit: layout.is_unit(k, x.dtype.size()),
            constant,
            // Blocks start at multiples of their length, hence of every period that divides it.
            repeats: !layout.rows && layout.block.is_multiple_of(layout.plan.period(k)),
            size: dtype.size(),
            held: None,
        }
    }

    /// The block at the cursor, in place or in `to`.
    ///
    /// # Safety
    /// `to` and `raw` have room for it.
    #[allow(clippy::too_many_arguments, reason = "one step of a loop")]
    #[inline]
    unsafe fn block(
        &mut self,
        layout: &Layout,
        k: usize,
        x: &Strided,
        cursor: &Cursor,
        to: *mut u8,
        raw: *mut u8,
        len: usize,
    ) -> *const u8 {
        let offset = if self.repeats { 0 } else { cursor.offsets[k] };
        if self.held.is_some_and(|(at, n)| at == offset && n >= len) {
            return to;
        }
        // SAFETY: offsets of a plan stay within the operand.
        unsafe {
            let ptr = x.ptr.offset(cursor.offsets[k]);
            match self.cast {
                _ if self.constant => {
                    let mut one = [0u8; WIDEST];
                    match self.cast {
                        Some(cast) => cast(ptr, one.as_mut_ptr(), 1),
                        None => one.as_mut_ptr().copy_from_nonoverlapping(ptr, self.size),
                    }
                    spread(one.as_ptr(), to, self.size, len);
                }
                None if self.unit => return ptr,
                Some(cast) if self.unit => cast(ptr, to, len),
                None => gather(layout, k, x, cursor, to, len),
                Some(cast) => {
                    gather(layout, k, x, cursor, raw, len);
                    cast(raw, to, len);
                }
            }
        }
        self.held = (self.repeats || self.constant).then_some((offset, len));
        to
    }
}

/// Is any element 0? For the check before an integer division.
pub fn has_zero(x: &Strided) -> bool {
    let operands = [*x];
    let plan = Plan::new(&operands);
    if plan.n == 0 {
        return false;
    }
    let mut cursor = plan.locate(0);
    let row = plan.dims[0].size;
    let stride = plan.dims[0].strides[0];
    let mut left = plan.n;
    while left > 0 {
        macro_rules! any {
            ($t:ty) => {
                (0..row).any(|i| {
                    // SAFETY: offsets of a plan stay within the operand, and $t has the size of its items.
                    unsafe { x.ptr.offset(cursor.offsets[0] + i as isize * stride).cast::<$t>().read() == 0 }
                })
            };
        }
        let zero = match x.dtype.size() {
            1 => any!(u8),
            2 => any!(u16),
            4 => any!(u32),
            _ => any!(u64),
        };
        if zero {
            return true;
        }
        left -= row;
        if left > 0 {
            cursor.advance(&plan, row);
        }
    }
    false
}
