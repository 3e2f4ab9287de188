//! Matrix products: which kernel takes one, and its parameters.
//!
//! By shape alone, so that the order of every sum is: few rows or columns go to `shaders/matmul_skinny.wgsl`, many large
//! matrices to tiles of 128 (`shaders/matmul_large.wgsl`), the rest to tiles of 64. Where that leaves most of a GPU idle
//! and k is long, the sums are cut into parts, which `shaders/matmul_parts.wgsl` adds up in order.

use super::context::Gpu;
use super::element::held;
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

    /// Which kernel, and how many workgroups it takes for a matrix.
    fn kernel(&self) -> (Way, usize) {
        let (m, n, _) = self.sizes;
        if m.min(n) <= SKINNY {
            let (many, along) = (m.max(n), if m <= n { !self.b.by_rows() } else { self.a.by_rows() });
            return (Way::Skinny { along }, many.div_ceil(if along { 8 } else { 32 }));
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
const LARGE: usize = 128;
/// So many large tiles keep a GPU busy.
const MANY_LARGE: usize = 64;
/// Rows or columns that are too few for tiles.
const SKINNY: usize = 8;
/// Workgroups that keep a GPU busy, the length from which on a sum is cut for that, and parts at most.
const BUSY: usize = 256;
const RUN: usize = 512;
const MOST_PARTS: usize = 64;

impl Gpu {
    /// Computes products in float32; the factors may be halves, too.
    pub fn matmul(self: &std::sync::Arc<Self>, p: &Product) -> Result<()> {
        let (m, n, k) = p.sizes;
        if m * n * p.batch == 0 {
            return Ok(());
        }
        for (x, floats) in [(p.a, false), (p.b, false), (p.c, true)] {
            let usable = if floats { x.dtype.is_half() || x.dtype == DType::F32 } else { held(x.dtype) == "f32" };
            if !usable || !super::has_storage(x.dtype) {
                return Err(three_parts(
                    Kind::NotImplemented,
                    None,
                    "matmul: expected float32, float16 or bfloat16 on the GPU".to_owned(),
                    x.dtype.name().to_owned(),
                    "Convert with .float(), or move the tensors with .cpu().".to_owned(),
                ));
            }
        }
        check_count("matmul", m.saturating_mul(n).max(k))?;
        if p.c.dtype.is_half() {
            return self.matmul_of_halves(p);
        }
        let (way, groups) = p.kernel();
        let parts = (BUSY / (groups * p.batch)).min(k / RUN).clamp(1, MOST_PARTS);
        if parts == 1 {
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

    /// Sums in float32, rounded once.
    fn matmul_of_halves(self: &std::sync::Arc<Self>, p: &Product) -> Result<()> {
        let (m, n, _) = p.sizes;
        let block = self.alloc(4 * (p.batch * m * n) as u64)?;
        let wide = Matrix { block: &block, dtype: DType::F32, offset: 0, rs: n as isize, cs: 1, bs: (m * n) as isize };
        let shape = [p.batch, m, n];
        let strides = [wide.bs, wide.rs, wide.cs];
        let to = [p.c.bs, p.c.rs, p.c.cs];
        let there = Operand { block: &block, dtype: DType::F32, offset: 0, strides: &strides };
        let back = Operand { block: p.c.block, dtype: p.c.dtype, offset: p.c.offset, strides: &to };
        if p.beta != 0.0 {
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
                Way::Tiles(_) => "matmul",
            };
            let mut call = Launch::new(name)
                .when("ACCUMULATE", p.beta != 0.0)
                .when("BIAS", p.bias.is_some())
                .load("LOAD_A", a.dtype, "f32", "in_a")
                .load("LOAD_B", b.dtype, "f32", "in_b");
            call = match way {
                Way::Skinny { along } => {
                    let few = [1, 4, SKINNY].into_iter().find(|&few| few >= rows).unwrap_or(SKINNY);
                    call.when("ALONG", along).constant("FEW", few as u32).constant("SUMS", 256 * few as u32)
                }
                Way::Tiles(_) => call.when("A_BY_ROWS", a.by_rows()).when("B_BY_ROWS", b.by_rows()),
            };
            if let Some((_, dtype, _)) = p.bias {
                call = call.load("LOAD_BIAS", dtype, "f32", "bias");
            }
            let tiles = if let Way::Tiles(size) = way { columns.div_ceil(size) } else { usize::from(turned) };
            let call = call
                .read(a.from(first))
                .read(b.from(first))
                .read_some(p.bias())
                .write(c.from(first))
                .words([rows, columns, k, tiles, parts, run])
                .ints([a.rs, a.cs, a.bs, b.rs, b.cs, b.bs, c.rs, c.cs, c.bs, apart as isize])
                .float(f64::from(p.alpha))
                .float(f64::from(p.beta));
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
