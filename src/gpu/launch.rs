//! One call of a kernel: its specialisation, what it binds, and its parameters.
//!
//! A shader names its bindings by `$BINDING` in the order in which the host gives them. Its parameters begin with the
//! offset of each of them, in elements; the host's words follow in order.

use super::context::Gpu;
use super::element::load;
use super::fault::Check;
use super::memory::{Block, Raw};
use super::pipeline::{Key, Pipeline};
use super::pointwise::Operand;
use super::stream::{Binding, Stream};
use crate::error::Result;
use crate::tensor::DType;
use smallvec::SmallVec;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// What a specialisation defines.
#[derive(Clone, Copy, Hash)]
enum Def {
    On,
    Text(&'static str),
    Number(u32),
    /// How element `e` of a buffer is read as a number of WGSL.
    Load(DType, &'static str, &'static str),
}

impl Def {
    fn text(self) -> String {
        match self {
            Def::On => String::new(),
            Def::Text(s) => s.to_owned(),
            Def::Number(n) => n.to_string(),
            Def::Load(dtype, compute, buffer) => load(dtype, compute, buffer, "e"),
        }
    }
}

/// A tensor of a call.
#[derive(Clone, Copy)]
pub struct Arg<'a> {
    /// Where it lies.
    pub block: &'a Block,
    /// What it is made of.
    pub dtype: DType,
    /// Its first element.
    pub offset: usize,
}

/// A call that is put together.
pub struct Launch<'a> {
    kernel: &'static str,
    defs: Defs,
    args: SmallVec<[(Arg<'a>, bool); 8]>,
    words: SmallVec<[u32; 32]>,
    checked: bool,
}

impl<'a> Launch<'a> {
    /// A call of the kernel in `shaders/<kernel>.wgsl`.
    pub fn new(kernel: &'static str) -> Self {
        Launch { kernel, defs: SmallVec::new(), args: SmallVec::new(), words: SmallVec::new(), checked: false }
    }

    /// Defines a switch for `#if` where it is wanted.
    pub fn when(mut self, name: &'static str, wanted: bool) -> Self {
        if wanted {
            self.defs.push((name, Def::On));
        }
        self
    }

    /// Puts a text in the place of `$NAME`.
    pub fn text(mut self, name: &'static str, text: &'static str) -> Self {
        self.defs.push((name, Def::Text(text)));
        self
    }

    /// Puts a number in the place of `$NAME`: one of few, since each has a pipeline of its own.
    pub fn constant(mut self, name: &'static str, n: u32) -> Self {
        self.defs.push((name, Def::Number(n)));
        self
    }

    /// Puts the expression in the place of `$NAME` that reads element `e` of `buffer`, an array of words, as `compute`.
    pub fn load(mut self, name: &'static str, dtype: DType, compute: &'static str, buffer: &'static str) -> Self {
        self.defs.push((name, Def::Load(dtype, compute, buffer)));
        self
    }

    /// Binds what is only read.
    pub fn read(mut self, arg: impl Into<Arg<'a>>) -> Self {
        self.args.push((arg.into(), false));
        self
    }

    /// The same where it is there.
    pub fn read_some(self, arg: Option<impl Into<Arg<'a>>>) -> Self {
        match arg {
            Some(arg) => self.read(arg),
            None => self,
        }
    }

    /// Binds what is written.
    pub fn write(mut self, arg: impl Into<Arg<'a>>) -> Self {
        self.args.push((arg.into(), true));
        self
    }

    /// The same where it is wanted.
    pub fn write_some(self, arg: Option<impl Into<Arg<'a>>>) -> Self {
        match arg {
            Some(arg) => self.write(arg),
            None => self,
        }
    }

    /// Binds the device's word for indices out of bounds, last of all, see `lib/bounds.wgsl`.
    pub fn checks(mut self, check: Check) -> Self {
        self.checked = true;
        self.text("FAULT", check.code())
    }

    /// A parameter that counts.
    pub fn word(mut self, n: usize) -> Self {
        self.words.push(n as u32);
        self
    }

    /// Parameters that count.
    pub fn words(mut self, all: impl IntoIterator<Item = usize>) -> Self {
        self.words.extend(all.into_iter().map(|n| n as u32));
        self
    }

    /// Parameters with a sign.
    pub fn ints(mut self, all: impl IntoIterator<Item = isize>) -> Self {
        self.words.extend(all.into_iter().map(|n| n as i32 as u32));
        self
    }

    /// A real parameter.
    pub fn float(mut self, x: f64) -> Self {
        self.words.push((x as f32).to_bits());
        self
    }

    /// Runs it with an invocation for each of `n` items, in workgroups of `GROUP`.
    pub fn over(self, n: usize) -> Result<()> {
        self.groups(n.div_ceil(super::pipeline::GROUP as usize))
    }

    /// Runs it with `n` workgroups, whose number `lib/grid.wgsl` tells.
    pub fn groups(self, n: usize) -> Result<()> {
        super::pointwise::check_count(self.kernel, n)?;
        let Some((first, _)) = self.args.first() else { return Ok(()) };
        let (x, y) = first.block.gpu().groups(n);
        self.grid([x, y, 1])
    }

    /// Runs it with `n` workgroups, as above, for each of `times`, which is the grid's z.
    pub fn groups_of(self, n: usize, times: usize) -> Result<()> {
        super::pointwise::check_count(self.kernel, n)?;
        let Some((first, _)) = self.args.first() else { return Ok(()) };
        let (x, y) = first.block.gpu().groups(n);
        self.grid([x, y, times as u32])
    }

    /// Runs it over a grid of workgroups.
    pub fn grid(self, [x, y, z]: [u32; 3]) -> Result<()> {
        let Some((first, _)) = self.args.first() else { return Ok(()) };
        let gpu: Arc<Gpu> = first.block.gpu().clone();
        if x == 0 || y == 0 || z == 0 {
            return Ok(());
        }
        self.check(&gpu)?;
        // For the driver a buffer is either read or written in one call: what is both is read from a copy.
        let written = |b: &Block| self.args.iter().any(|(a, w)| *w && std::ptr::eq(a.block, b));
        let mut copies: SmallVec<[Option<Block>; 8]> = SmallVec::new();
        for (a, writes) in &self.args {
            let copy = if !writes && written(a.block) { Some(gpu.duplicate(a.block)?) } else { None };
            copies.push(copy);
        }
        let params = self.params();
        let mut writes = self.writes();
        writes.extend(self.checked.then_some(true));
        let pipeline = pipeline(&gpu, self.kernel, &self.defs, &writes, params.len())?;
        let mut stream = gpu.stream();
        let found = if self.checked { Some(stream.watch(&gpu)?) } else { None };
        let used = self.args.iter().zip(&copies).map(|((a, _), copy)| copy.as_ref().unwrap_or(a.block));
        let bindings: SmallVec<[Binding; 8]> =
            used.map(Binding::whole).chain(found.as_ref().map(Binding::found)).collect();
        stream.dispatch3(&gpu, &pipeline, &bindings, &params, (x, y, z))
    }
    /// An error if a tensor is of another device, or too large for a binding.
    pub(super) fn check(&self, gpu: &Gpu) -> Result<()> {
        self.args.iter().try_for_each(|(a, _)| {
            gpu.check_owner(self.kernel, a.block)?;
            gpu.check_reach(self.kernel, &Operand { block: a.block, dtype: a.dtype, offset: 0, strides: &[] })
        })
    }

    /// The offsets of the bindings, and the words.
    fn params(&self) -> SmallVec<[u32; 48]> {
        self.args.iter().map(|(a, _)| a.offset as u32).chain(self.words.iter().copied()).collect()
    }

    fn writes(&self) -> SmallVec<[bool; 8]> {
        self.args.iter().map(|(_, w)| *w).collect()
    }

    /// The call as it would run with `n` workgroups for each of `times`, for later: it reads nothing that it
    /// writes, and checks nothing.
    pub(super) fn later(self, n: usize, times: usize) -> Option<Later> {
        let (first, _) = self.args.first()?;
        let (x, y) = first.block.gpu().groups(n);
        Some(Later {
            kernel: self.kernel,
            buffers: self.args.iter().map(|(a, _)| (a.block.raw.clone(), a.block.nbytes())).collect(),
            params: self.params(),
            writes: self.writes(),
            defs: self.defs,
            groups: (x, y, times as u32),
        })
    }
}

/// A call that was put together and waits.
pub(super) struct Later {
    kernel: &'static str,
    defs: Defs,
    /// Its buffers with their sizes, and which of them it writes.
    pub buffers: SmallVec<[(Raw, u64); 8]>,
    pub writes: SmallVec<[bool; 8]>,
    /// The first elements of its tensors, and what else it was given.
    pub params: SmallVec<[u32; 48]>,
    groups: (u32, u32, u32),
}

impl Later {
    /// Defines a text and gives more parameters.
    pub fn with(&mut self, name: &'static str, text: &'static str, floats: [f64; 4]) {
        self.defs.push((name, Def::Text(text)));
        self.params.extend(floats.map(|f| (f as f32).to_bits()));
    }

    /// Runs it.
    pub fn run(&self, gpu: &Gpu, stream: &mut Stream) -> Result<()> {
        let pipeline = pipeline(gpu, self.kernel, &self.defs, &self.writes, self.params.len())?;
        let bindings: SmallVec<[Binding; 8]> = self.buffers.iter().map(|(raw, n)| Binding::of(raw, *n)).collect();
        stream.dispatch3(gpu, &pipeline, &bindings, &self.params, self.groups)
    }
}

type Defs = SmallVec<[(&'static str, Def); 8]>;

fn pipeline(gpu: &Gpu, kernel: &'static str, defs: &Defs, writes: &[bool], params: usize) -> Result<Arc<Pipeline>> {
    let mut hash = DefaultHasher::new();
    defs.hash(&mut hash);
    let key = Key { kernel, choices: [hash.finish(), 0, 0] };
    gpu.pipelines.get(gpu, key, writes, params, || defs.iter().map(|(name, def)| (*name, def.text())).collect())
}
