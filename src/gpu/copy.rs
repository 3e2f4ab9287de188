//! Fills, and copies between layouts and dtypes: calls of the pointwise kernel.

use super::context::Gpu;
use super::element::check_stored;
use super::memory::Block;
use super::pointwise::{Call, Input, Operand};
use crate::error::Result;
use crate::tensor::DType;
use std::sync::Arc;

fn is_float(d: DType) -> bool {
    !d.is_integral(true)
}

/// What a copy computes in, so that values pass as torch's casts pass them.
fn between(from: DType, to: DType) -> DType {
    if is_float(from) || is_float(to) {
        DType::F32
    } else if from == DType::Bool || from == DType::U8 || (from, to) == (DType::I64, DType::Bool) {
        DType::U32
    } else {
        DType::I32
    }
}

impl Gpu {
    /// Copies and casts over a shape.
    pub fn copy(&self, from: Operand, to: Operand, shape: &[usize]) -> Result<()> {
        check_stored("copy_", from.dtype)?;
        check_stored("copy_", to.dtype)?;
        let call = |from, out, shape: &[usize], compute| {
            self.pointwise(&Call {
                name: "copy_",
                expr: "a",
                compute,
                is_test: false,
                ins: &[Input::Tensor(from)],
                out,
                shape,
                f: [0.0; 4],
                i: [0; 4],
            })
        };
        if from.dtype != to.dtype {
            return call(from, to, shape, between(from.dtype, to.dtype));
        }
        if from.dtype.size() < 8 {
            // Bits move as they are: a NaN keeps its payload.
            let bits = match from.dtype.size() {
                4 => DType::U32,
                2 => DType::I16,
                _ => DType::U8,
            };
            let compute = if bits == DType::I16 { DType::I32 } else { DType::U32 };
            return call(Operand { dtype: bits, ..from }, Operand { dtype: bits, ..to }, shape, compute);
        }
        // Two words each: one more dim.
        let doubled = |strides: &[isize]| -> Vec<isize> { strides.iter().map(|s| 2 * s).chain([1]).collect() };
        let (a, b) = (doubled(from.strides), doubled(to.strides));
        let shape: Vec<usize> = shape.iter().copied().chain([2]).collect();
        let from = Operand { dtype: DType::U32, offset: 2 * from.offset, strides: &a, ..from };
        let to = Operand { dtype: DType::U32, offset: 2 * to.offset, strides: &b, ..to };
        call(from, to, &shape, DType::U32)
    }

    /// Sets every element; `f` is the number for floating dtypes, `i` for others.
    pub fn fill(&self, to: Operand, shape: &[usize], f: f64, i: i64) -> Result<()> {
        check_stored("fill_", to.dtype)?;
        let floating = is_float(to.dtype);
        let (expr, compute) = if floating { ("f0", DType::F32) } else { ("i0", DType::I32) };
        if to.dtype.size() == 8 {
            // The two words of the number, side by side.
            let strides: Vec<isize> = to.strides.iter().map(|s| 2 * s).collect();
            for (k, word) in [i as i32, (i >> 32) as i32].into_iter().enumerate() {
                let half = Operand { dtype: DType::I32, offset: 2 * to.offset + k, strides: &strides, ..to };
                self.set(half, shape, "i0", DType::I32, 0.0, i64::from(word))?;
            }
            return Ok(());
        }
        self.set(to, shape, expr, compute, f, i)
    }

    fn set(&self, out: Operand, shape: &[usize], expr: &'static str, compute: DType, f: f64, i: i64) -> Result<()> {
        let (f, i) = ([f, 0.0, 0.0, 0.0], [i, 0, 0, 0]);
        self.pointwise(&Call { name: "fill_", expr, compute, is_test: false, ins: &[], out, shape, f, i })
    }

    /// Begins to keep calls of kernels, or gives those that were kept and ends. For tests: every call waits then.
    pub fn capture(&self, on: bool) -> Result<Vec<super::stream::Captured>> {
        self.stream().set_capture(self, on)
    }

    /// Begins to take the time of calls, or gives the times that were taken and ends.
    pub fn profile(&self, on: bool) -> Result<Vec<super::profile::Timing>> {
        self.check_process()?;
        self.stream().set_profile(self, on)
    }

    /// Turns the fusion of pointwise calls on or off, and says what it was.
    pub fn set_fusion(&self, on: bool) -> Result<bool> {
        self.check_process()?;
        self.stream().set_fusion(self, on)
    }

    /// A copy of all of a buffer.
    pub(super) fn duplicate(self: &Arc<Self>, from: &Block) -> Result<Block> {
        let to = self.alloc(from.nbytes())?;
        self.stream().copy(self, from, &to)?;
        Ok(to)
    }

    /// Copies bytes into a buffer, from its start.
    pub fn upload(&self, bytes: &[u8], to: &Block) -> Result<()> {
        self.check_owner("to", to)?;
        self.stream().upload(self, bytes, to)
    }

    /// Waits, and copies the first bytes of a buffer out.
    pub fn download(&self, from: &Block, bytes: &mut [u8]) -> Result<()> {
        self.check_owner("cpu", from)?;
        self.stream().download(self, from, bytes)
    }
}
