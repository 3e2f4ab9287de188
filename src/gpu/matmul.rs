//! Matrix products: which kernel takes one, and its parameters.
//!
//! By shape alone, so that the order of every sum is: few rows or columns go to `shaders/matmul_skinny.wgsl`, many large
//! matrices to tiles of 128 (`shaders/matmul_large.wgsl`), the rest to tiles of 64. Where that leaves most of a GPU idle
//! and k is long, the sums are cut into parts, which `shaders/matmul_parts.wgsl` adds up in order. Whole numbers have tiles
//! of 16 (`shaders/matmul_whole.wgsl`), or the kernel of few rows.

use super::context::Gpu;
use super::element::{WIDE, computed, held};
use super::fuse::Waiting;
use super::launch::{Arg, Launch};
use super::memory::Block;
use super::pointwise::{Operand, check_count};
use crate::error::{Kind, Result, three_parts};
use crate::tensor::DType;

/// Matrices in a tensor: element (i, j) of matrix b is `offset + b * bs + i * rs + j * cs` elements from its start.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    /// Where it lies.
    pub block: &'a Block,
    /// What it is made of.
    pub dtype: DType,
    /// Its first element.
    pub offset: usize,
    /// Elements from row to row.
    pub rs: isize,
    /// Elements from column to column.
    pub cs: isize,
    /// Elements from matrix to matrix.
    pub bs: isize,
}

impl<'a> Matrix<'a> {
    /// From matrix `b` on.
    fn from(&self, b: usize) -> Arg<'a> {
        let offset = (self.offset as isize + b as isize * self.bs) as usize;
        Arg { block: self.block, dtype: self.dtype, offset }
    }

    fn t(self) -> Self {
        Matrix { rs: self.cs, cs: self.rs, ..self }
    }

    /// Are columns closer to each other than rows?
    fn by_rows(&self) -> bool {
        self.cs.abs() <= self.rs.abs()
    }
}

/// `C = alpha A B + beta C + bias` for each matrix of a batch: m x k by k x n.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    /// Matrices.
    pub batch: usize,
    /// Rows of A, columns of B, and columns of A.
    pub sizes: (usize, usize, usize),
    /// The left factors.
    pub a: Matrix<'a>,
    /// The right factors.
    pub b: Matrix<'a>,
    /// The results, which overlap no factor.
    pub c: Matrix<'a>,
    /// The products' factor.
    pub alpha: f32,
    /// The factor of what C holds; with 0 it is not read.
    pub beta: f32,
    /// Both factors, of whole numbers.
    pub whole: (i64, i64),
    /// One value per column: where they lie, their dtype, and the first.
    pub bias: Option<(&'a Block, DType, usize)>,
}

impl<'a> Product<'a> {
    fn bias(&self) -> Option<Arg<'a>> {
        self.bias.map(|(block, dtype, offset)| Arg { block, dtype, offset })
    }

    /// Are the results new and side by side, so that a function of them may be computed before they are written?
    fn may_wait(&self) -> bool {
        let (m, n, _) = self.sizes;
        let dense = self.c.cs == 1 && self.c.rs == n as isize && (self.batch == 1 || self.c.bs == (m * n) as isize);
        let apart = [self.a.block, self.b.block].into_iter().chain(self.bias.map(|b| b.0));
        self.beta == 0.0
            && self.c.dtype == DType::F32
            && dense
            && apart.into_iter().all(|x| x.id() != self.c.block.id())
    }

    fn is_whole(&self) -> bool {
        self.c.dtype.is_integral(false)
    }

    /// The factors in words of the shaders.
    fn factors(&self) -> [usize; 4] {
        let words = |w: i64| [w as u32 as usize, (w >> 32) as u32 as usize];
        let ([a, b], [c, d]) = match self.is_whole() {
            true => (words(self.whole.0), words(self.whole.1)),
            false => ([self.alpha.to_bits() as usize, 0], [self.beta.to_bits() as usize, 0]),
        };
        [a, b, c, d]
    }

    /// Is what C holds a part of the result?
    fn accumulates(&self) -> bool {
        if self.is_whole() { self.whole.1 != 0 } else { self.beta != 0.0 }
    }

    /// Which kernel, and how many workgroups it takes for a matrix.
    fn kernel(&self) -> (Way, usize) {
        let (m, n, _) = self.sizes;
        if m.min(n) <= SKINNY {
            let (many, along) = (m.max(n), if m <= n { !self.b.by_rows() } else { self.a.by_rows() });
            return (Way::Skinny { along }, many.div_ceil(if along { 8 } else { 32 }));
        }
        if self.is_whole() {
            return (Way::Tiles(SMALL), m.div_ceil(SMALL) * n.div_ceil(SMALL));
        }
        let large = m.div_ceil(LARGE) * n.div_ceil(LARGE);
        if m.min(n) >= LARGE && large * self.batch >= MANY_LARGE {
            return (Way::Tiles(LARGE), large);
        }
        (Way::Tiles(TILE), m.div_ceil(TILE) * n.div_ceil(TILE))
    }
}

#[derive(Clone, Copy)]
enum Way {
    /// One side has at most [`SKINNY`] rows; the other matrix's sums run along its memory or across it.
    Skinny { along: bool },
    /// Squares of so many rows and columns.
    Tiles(usize),
}

const TILE: usize = 64;
/// Tiles of whole numbers.
const SMALL: usize = 16;
const LARGE: usize = 128;
/// So many large tiles keep a GPU busy.
const MANY_LARGE: usize = 64;
/// Rows or columns that are too few for tiles.
const SKINNY: usize = 8;
/// Workgroups that keep a GPU busy, the length from which on a sum is cut for that, and parts at most.
const BUSY: usize = 256;
const RUN: usize = 512;
const MOST_PARTS: usize = 64;
/// Terms of a sum that one invocation adds up: more would hold up a display, and llvmpipe ends a loop at 65536 steps.
const LONGEST: usize = 32768;

impl Gpu {
    /// Computes products in float32, int32 or int64; the factors may be smaller.
    pub fn matmul(self: &std::sync::Arc<Self>, p: &Product) -> Result<()> {
        let (m, n, k) = p.sizes;
        if m * n * p.batch == 0 {
            return Ok(());
        }
        for (x, floats) in [(p.a, false), (p.b, false), (p.c, true)] {
            let usable = if p.is_whole() {
                x.dtype.is_integral(false)
            } else if floats {
                x.dtype.is_half() || x.dtype == DType::F32
            } else {
                held(x.dtype) == "f32"
            };
            if !usable || !super::has_storage(x.dtype) {
                return Err(three_parts(
                    Kind::NotImplemented,
                    None,
                    "matmul: expected floats or integers of GPUs".to_owned(),
                    x.dtype.name().to_owned(),
                    "Convert with .float(), or move the tensors with .cpu().".to_owned(),
                ));
            }
        }
        check_count("matmul", m.saturating_mul(n).max(k))?;
        if p.c.dtype.size() < 4 {
            return self.matmul_of_small(p);
        }
        let (way, groups) = p.kernel();
        let parts = (BUSY / (groups * p.batch)).min(k / RUN).max(k.div_ceil(LONGEST)).clamp(1, MOST_PARTS);
        if parts == 1 || p.is_whole() {
            return self.cut_product(p, way, groups, (1, 0));
        }
        let size = p.batch * m * n;
        let block = self.alloc(4 * (parts * size) as u64)?;
        let c = Matrix { block: &block, dtype: DType::F32, offset: 0, rs: n as isize, cs: 1, bs: (m * n) as isize };
        self.cut_product(&Product { c, alpha: 1.0, beta: 0.0, bias: None, ..*p }, way, groups, (parts, size))?;
        let mut call = Launch::new("matmul_parts")
            .when("ACCUMULATE", p.beta != 0.0)
            .when("BIAS", p.bias.is_some())
            .read(c.from(0))
            .read_some(p.bias());
        if let Some((_, dtype, _)) = p.bias {
            call = call.load("LOAD_BIAS", dtype, "f32", "bias");
        }
        call.write(p.c.from(0))
            .words([size, m, n, parts])
            .ints([p.c.rs, p.c.cs, p.c.bs])
            .float(f64::from(p.alpha))
            .float(f64::from(p.beta))
            .over(size)
    }

    /// Sums in 32 bits: halves are rounded once, and whole numbers wrap where they are stored.
    fn matmul_of_small(self: &std::sync::Arc<Self>, p: &Product) -> Result<()> {
        let (m, n, _) = p.sizes;
        let block = self.alloc(4 * (p.batch * m * n) as u64)?;
        let dtype = if p.is_whole() { DType::I32 } else { DType::F32 };
        let wide = Matrix { block: &block, dtype, offset: 0, rs: n as isize, cs: 1, bs: (m * n) as isize };
        let shape = [p.batch, m, n];
        let strides = [wide.bs, wide.rs, wide.cs];
        let to = [p.c.bs, p.c.rs, p.c.cs];
        let there = Operand { block: &block, dtype, offset: 0, strides: &strides };
        let back = Operand { block: p.c.block, dtype: p.c.dtype, offset: p.c.offset, strides: &to };
        if p.accumulates() {
            self.copy(back, there, &shape)?;
        }
        self.matmul(&Product { c: wide, ..*p })?;
        self.copy(there, back, &shape)
    }

    /// One call of a kernel, for parts of the sums whose results lie `apart` elements from each other.
    fn cut_product(&self, p: &Product, way: Way, groups: usize, (parts, apart): (usize, usize)) -> Result<()> {
        let (m, n, k) = p.sizes;
        let run = k.div_ceil(parts);
        let most = self.caps().max_groups as usize / parts;
        // Batches beyond what one call takes follow in others.
        for first in (0..p.batch).step_by(most) {
            // The skinny kernel has the few on its left: columns of B are rows of its transpose.
            let turned = matches!(way, Way::Skinny { .. }) && m > n;
            let (a, b, c) = if turned { (p.b.t(), p.a.t(), p.c.t()) } else { (p.a, p.b, p.c) };
            let (rows, columns) = if turned { (n, m) } else { (m, n) };
            let name = match way {
                Way::Skinny { .. } => "matmul_skinny",
                Way::Tiles(LARGE) => "matmul_large",
                Way::Tiles(SMALL) => "matmul_whole",
                Way::Tiles(_) => "matmul",
            };
            let number = computed(c.dtype);
            let mut call = Launch::new(name)
                .when("ACCUMULATE", p.accumulates())
                .when("BIAS", p.bias.is_some())
                .when("WIDE", number == WIDE)
                .when("WHOLE", number == "i32")
                .load("LOAD_A", a.dtype, number, "in_a")
                .load("LOAD_B", b.dtype, number, "in_b");
            call = match way {
                Way::Skinny { along } => {
                    let few = [1, 4, SKINNY].into_iter().find(|&few| few >= rows).unwrap_or(SKINNY);
                    call.when("ALONG", along).constant("FEW", few as u32).constant("SUMS", 256 * few as u32)
                }
                Way::Tiles(SMALL) => call,
                Way::Tiles(_) => call.when("A_BY_ROWS", a.by_rows()).when("B_BY_ROWS", b.by_rows()),
            };
            if let Some((_, dtype, _)) = p.bias {
                call = call.load("LOAD_BIAS", dtype, number, "bias");
            }
            let tiles = if let Way::Tiles(size) = way { columns.div_ceil(size) } else { usize::from(turned) };
            let call = call
                .read(a.from(first))
                .read(b.from(first))
                .read_some(p.bias())
                .write(c.from(first))
                .words([rows, columns, k, tiles, parts, run])
                .ints([a.rs, a.cs, a.bs, b.rs, b.cs, b.bs, c.rs, c.cs, c.bs, apart as isize])
                .words(p.factors());
            let times = most.min(p.batch - first) * parts;
            if parts == 1 && p.batch <= most && p.may_wait() && self.stream().fusing {
                return self.wait_for_activation(p, call, groups, times);
            }
            call.groups_of(groups, times)?;
        }
        Ok(())
    }

    /// Lets a product wait for a function of its elements, which may be computed with it.
    fn wait_for_activation(&self, p: &Product, call: Launch, groups: usize, times: usize) -> Result<()> {
        let mut stream = self.stream();
        stream.run_group(self)?;
        let (m, n, _) = p.sizes;
        call.check(self)?;
        if let Some(call) = call.later(groups, times) {
            stream.product = Some(Waiting::new(call, p.c.block, p.c.offset, p.batch * m * n));
        }
        Ok(())
    }
}
