//! Matrix products: the parameters of `shaders/matmul.wgsl`.

use super::context::Gpu;
use super::element::{held, load};
use super::memory::Block;
use super::pipeline::Key;
use super::pointwise::{Operand, check_count};
use super::stream::Binding;
use crate::error::{Kind, Result, three_parts};
use crate::tensor::DType;
use smallvec::SmallVec;

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

/// `C = alpha A B + beta C + bias` for each matrix of a batch: m x k by k x n.
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

const TILE: usize = 64;

impl Gpu {
    /// Computes products in float32; the factors may be halves, too.
    pub fn matmul(self: &std::sync::Arc<Self>, p: &Product) -> Result<()> {
        let (m, n, k) = p.sizes;
        if m * n * p.batch == 0 {
            return Ok(());
        }
        for (x, floats) in [(p.a, false), (p.b, false), (p.c, true)] {
            self.check_owner("matmul", x.block)?;
            self.check_reach("matmul", &Operand { block: x.block, dtype: x.dtype, offset: 0, strides: &[] })?;
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
        if let Some((bias, dtype, _)) = p.bias {
            self.check_owner("matmul", bias)?;
            self.check_reach("matmul", &Operand { block: bias, dtype, offset: 0, strides: &[] })?;
        }
        check_count("matmul", m.saturating_mul(n).max(k))?;
        if p.c.dtype.is_half() {
            // Sums in float32, rounded once.
            let block = self.alloc(4 * (p.batch * m * n) as u64)?;
            let wide =
                Matrix { block: &block, dtype: DType::F32, offset: 0, rs: n as isize, cs: 1, bs: (m * n) as isize };
            let shape = [p.batch, m, n];
            let strides = [wide.bs, wide.rs, wide.cs];
            let to = [p.c.bs, p.c.rs, p.c.cs];
            let there = Operand { block: &block, dtype: DType::F32, offset: 0, strides: &strides };
            let back = Operand { block: p.c.block, dtype: p.c.dtype, offset: p.c.offset, strides: &to };
            if p.beta != 0.0 {
                self.copy(back, there, &shape)?;
            }
            self.matmul(&Product { c: wide, ..*p })?;
            return self.copy(there, back, &shape);
        }
        let tiles_n = n.div_ceil(TILE);
        let int = |s: isize| s as i32 as u32;
        let mut params: SmallVec<[u32; 24]> = SmallVec::new();
        params.extend([m as u32, n as u32, k as u32, tiles_n as u32]);
        for x in [p.a, p.b, p.c] {
            params.extend([x.offset as u32, int(x.rs), int(x.cs), int(x.bs)]);
        }
        params.extend([p.bias.map_or(0, |b| b.2 as u32), p.alpha.to_bits(), p.beta.to_bits()]);
        let (a_rows, b_rows) = (p.a.cs.abs() <= p.a.rs.abs(), p.b.cs.abs() <= p.b.rs.abs());
        let flags = [a_rows, b_rows, p.beta != 0.0, p.bias.is_some()];
        let choices = flags.iter().fold(0, |all, &f| all << 1 | u64::from(f));
        let dtypes = [Some(p.a.dtype), Some(p.b.dtype), p.bias.map(|b| b.1)];
        let dtypes = dtypes.iter().fold(0, |all, d| all << 8 | d.map_or(0, |d| d as u64 + 1));
        let key = Key { kernel: "matmul", choices: [choices, dtypes, 0] };
        let writes: &[bool] = if p.bias.is_some() { &[false, false, false, true] } else { &[false, false, true] };
        let pipeline = self.pipelines.get(self, key, writes, params.len(), || {
            let mut defs = vec![
                ("LOAD_A", load(p.a.dtype, "f32", "in0", "e")),
                ("LOAD_B", load(p.b.dtype, "f32", "in1", "e")),
                ("LOAD_BIAS", p.bias.map_or(String::new(), |b| load(b.1, "f32", "in2", "e"))),
            ];
            for (name, on) in ["A_BY_ROWS", "B_BY_ROWS", "ACCUMULATE", "BIAS"].into_iter().zip(flags) {
                if on {
                    defs.push((name, String::new()));
                }
            }
            defs
        })?;
        let mut bindings: SmallVec<[Binding; 4]> = SmallVec::new();
        bindings.extend([Binding::whole(p.a.block), Binding::whole(p.b.block)]);
        bindings.extend(p.bias.map(|b| Binding::whole(b.0)));
        bindings.push(Binding::whole(p.c.block));
        let (across, down) = self.groups(m.div_ceil(TILE) * tiles_n);
        let most = self.caps().max_groups as usize;
        // Batches beyond what one call takes follow in others.
        for first in (0..p.batch).step_by(most) {
            let count = most.min(p.batch - first);
            let mut params = params.clone();
            for (at, x) in [(4, p.a), (8, p.b), (12, p.c)] {
                params[at] = (x.offset as isize + first as isize * x.bs) as u32;
            }
            self.stream().dispatch3(self, &pipeline, &bindings, &params, (across, down, count as u32))?;
        }
        Ok(())
    }
}
