//! Attention: the parameters of `shaders/attention.wgsl`.

use super::super::attention::Scores;
use super::{Launch, done};
use crate::error::Result;
use crate::tensor::{DType, Tensor};

const TILE: usize = 32;
/// Columns of results, in chunks of 32, that an invocation keeps sums of.
const CHUNKS: [usize; 6] = [1, 2, 3, 4, 6, 8];

/// From one entry of the batch, head and row to the next.
fn steps(t: &Tensor) -> impl Iterator<Item = isize> {
    t.strides().iter().copied().take(3)
}

/// What one call reads and makes, by the names of the shader.
struct Job<'a> {
    mine: &'a Tensor,
    theirs: &'a Tensor,
    mine_b: Option<&'a Tensor>,
    theirs_b: &'a Tensor,
    mask: Option<&'a Tensor>,
    dots: Option<&'a Tensor>,
    stats: &'a Tensor,
    to: &'a Tensor,
}

impl Job<'_> {
    fn run(&self, forward: bool, by_keys: bool, how: Scores) -> Result<()> {
        let (s, columns) = (self.mine.shape(), self.to.shape()[3]);
        let chunks = columns.div_ceil(TILE);
        let chunks = CHUNKS.into_iter().find(|&c| c >= chunks).unwrap_or(8);
        let (tasks, blocks, parts) = (s[0] * s[1], s[2].div_ceil(TILE), columns.div_ceil(TILE * chunks));
        let call = Launch::new("attention")
            .when("FORWARD", forward)
            .when("BY_KEYS", by_keys)
            .when("GRADIENT", self.dots.is_some())
            .when("MASK", self.mask.is_some())
            .constant("CHUNKS", chunks as u32)
            .constant("SUMS", 4 * chunks as u32)
            .read(self.mine)
            .read(self.theirs)
            .read_some(self.mine_b)
            .read(self.theirs_b)
            .read_some(self.mask)
            .read_some(self.dots);
        let call = if forward { call.write(self.stats) } else { call.read(self.stats) };
        call.write(self.to)
            .words([tasks, s[1], s[2], self.theirs.shape()[2], s[3], self.theirs_b.shape()[3], columns])
            .words([blocks, parts, usize::from(how.causal)])
            .float(how.scale)
            .ints(steps(self.mine).chain(steps(self.theirs)).chain(steps(self.mine_b.unwrap_or(self.mine))))
            .ints(steps(self.theirs_b).chain(steps(self.to)))
            .ints(self.mask.map_or([0; 4], |m| std::array::from_fn(|d| m.strides()[d])))
            .groups(tasks * blocks * parts)
    }
}

/// `softmax(q k^T * scale + mask) v` into `y`, and what the backward pass needs into `stats`.
pub fn forward([q, k, v]: [&Tensor; 3], mask: Option<&Tensor>, y: &Tensor, stats: &Tensor, how: Scores) -> Result<()> {
    Job { mine: q, theirs: k, mine_b: None, theirs_b: v, mask, dots: None, stats, to: y }.run(true, false, how)
}

/// The gradients `d` by q, k and v.
pub fn backward(
    [q, k, v]: [&Tensor; 3],
    mask: Option<&Tensor>,
    [y, g, stats]: [&Tensor; 3],
    [dq, dk, dv]: [&Tensor; 3],
    how: Scores,
) -> Result<()> {
    let (s, width) = (q.shape(), v.shape()[3]);
    let dots = super::super::empty(&s[..3], DType::F32, q.device())?;
    done(
        Launch::new("attention_dots")
            .read(y)
            .read(g)
            .write(&dots)
            .words([s[0] * s[1], s[1], s[2], width])
            .ints(steps(y).chain(steps(g)))
            .over(dots.numel()),
    );
    let dots = Some(&dots);
    Job { mine: q, theirs: k, mine_b: Some(g), theirs_b: v, mask, dots, stats, to: dq }.run(false, false, how)?;
    Job { mine: k, theirs: q, mine_b: Some(v), theirs_b: g, mask, dots, stats, to: dk }.run(false, true, how)?;
    Job { mine: k, theirs: q, mine_b: None, theirs_b: g, mask, dots: None, stats, to: dv }.run(false, true, how)
}
