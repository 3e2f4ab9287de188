//! Chains of pointwise calls as one kernel, made for the chain and kept by its structure.
//!
//! While fusion is on, float32 calls over one shape wait in a group, and whatever else comes runs the group first. Only
//! results whose tensors are still there by then are written: what lies between is never in memory. A reduction of the
//! group's last result may close it, and is then computed by the same kernel. A matrix product waits, too: a single
//! function of its result, an activation, is computed before it is written.

use super::context::Gpu;
use super::element::{load, stored};
use super::launch::Later;
use super::memory::{Block, Raw};
use super::pipeline::{GROUP, Key};
use super::pointwise::{Call, Input, Loops, Operand, attributes, check_count};
use super::stream::{Binding, Stream};
use crate::error::Result;
use crate::tensor::DType;
use crate::tensor::layout::contiguous_strides;
use smallvec::SmallVec;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Weak;

/// Calls of a group.
const MOST_NODES: usize = 24;
/// Buffers of a group: every device has eight bindings, and parameters may take one.
const MOST_BUFFERS: usize = 7;

/// Where a node's argument comes from.
#[derive(Clone, Copy, Hash, PartialEq)]
enum Source {
    Node(usize),
    Read(usize),
    /// A number among the parameters.
    Number,
}

/// A call of the group.
struct Node {
    expr: &'static str,
    ins: SmallVec<[Source; 4]>,
    /// Its numbers and attributes, in the order in which the kernel's parameters have them.
    numbers: SmallVec<[f32; 8]>,
    /// Which of f0 to f3 it has.
    attributes: [bool; 4],
    out: Raw,
    nbytes: u64,
    offset: usize,
    /// Dropped with the tensor's memory.
    alive: Weak<()>,
}

/// A tensor that was there before the group.
struct Read {
    raw: Raw,
    nbytes: u64,
    dtype: DType,
    offset: usize,
    strides: SmallVec<[isize; 6]>,
    dense: bool,
}

/// Calls that wait.
#[derive(Default)]
pub(super) struct Group {
    shape: SmallVec<[usize; 6]>,
    nodes: Vec<Node>,
    reads: Vec<Read>,
}

/// What stands in the way of a call.
enum Obstacle {
    /// The calls that wait: it has to come after them.
    Group,
    /// Itself.
    Call,
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn is_dense(o: &Operand, shape: &[usize]) -> bool {
    let want = contiguous_strides(shape);
    shape.iter().zip(o.strides).zip(&want).all(|((&n, &s), &w)| n == 1 || s == w)
}

impl Group {
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many buffers it uses, and these too.
    fn buffers(&self, more: &[u64]) -> usize {
        let mut ids: SmallVec<[u64; 16]> = self.reads.iter().map(|r| r.raw.id).collect();
        ids.extend(self.nodes.iter().map(|n| n.out.id));
        ids.extend_from_slice(more);
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    }

    fn add(&mut self, call: &Call) -> std::result::Result<(), Obstacle> {
        let out = &call.out;
        if call.compute != DType::F32 || out.dtype != DType::F32 || call.is_test || !is_dense(out, call.shape) {
            return Err(Obstacle::Call);
        }
        let (attributes, whole) = attributes(call.expr);
        if whole.contains(&true) {
            return Err(Obstacle::Call);
        }
        if !self.nodes.is_empty() && (self.shape[..] != *call.shape || self.nodes.len() == MOST_NODES) {
            return Err(Obstacle::Group);
        }
        let id = out.block.raw.id;
        // What is read elsewhere than where it is written must be read before.
        if self.reads.iter().any(|r| r.raw.id == id && !(r.dense && r.offset == out.offset && r.dtype == DType::F32)) {
            return Err(Obstacle::Group);
        }
        if self.nodes.iter().any(|n| n.out.id == id && n.offset != out.offset) {
            return Err(Obstacle::Group);
        }
        let mut ids: SmallVec<[u64; 5]> = SmallVec::new();
        ids.push(id);
        let (mut ins, mut numbers) = (SmallVec::new(), SmallVec::new());
        let mut reads: SmallVec<[Read; 4]> = SmallVec::new();
        for input in call.ins {
            let o = match input {
                Input::Number(f, _) => {
                    numbers.push(*f as f32);
                    ins.push(Source::Number);
                    continue;
                }
                Input::Tensor(o) => o,
            };
            let dense = is_dense(o, call.shape);
            let from = o.block.raw.id;
            if let Some(j) = self.nodes.iter().rposition(|n| n.out.id == from) {
                if !dense || o.dtype != DType::F32 || o.offset != self.nodes[j].offset {
                    return Err(Obstacle::Group);
                }
                ins.push(Source::Node(j));
                continue;
            }
            if from == id && !(dense && o.offset == out.offset && o.dtype == DType::F32) {
                return Err(Obstacle::Call);
            }
            let same = |r: &Read| {
                r.raw.id == from && r.offset == o.offset && r.dtype == o.dtype && r.strides[..] == *o.strides
            };
            let before = self.reads.len();
            let known = self.reads.iter().position(same).or_else(|| reads.iter().position(same).map(|k| before + k));
            ins.push(Source::Read(known.unwrap_or(before + reads.len())));
            if known.is_none() {
                reads.push(Read {
                    raw: o.block.raw.clone(),
                    nbytes: o.block.nbytes(),
                    dtype: o.dtype,
                    offset: o.offset,
                    strides: SmallVec::from_slice(o.strides),
                    dense,
                });
                ids.push(from);
            }
        }
        if self.buffers(&ids) > MOST_BUFFERS {
            return Err(if self.is_empty() { Obstacle::Call } else { Obstacle::Group });
        }
        numbers.extend((0..4).filter(|&k| attributes[k]).map(|k| call.f[k] as f32));
        self.shape = SmallVec::from_slice(call.shape);
        self.reads.extend(reads);
        self.nodes.push(Node {
            expr: call.expr,
            ins,
            numbers,
            attributes,
            out: out.block.raw.clone(),
            nbytes: out.block.nbytes(),
            offset: out.offset,
            alive: out.block.watch(),
        });
        Ok(())
    }

    /// Which nodes are written, and which are needed at all.
    fn wanted(&self) -> (Vec<bool>, Vec<bool>) {
        let n = self.nodes.len();
        let stored: Vec<bool> = (0..n)
            .map(|j| {
                let node = &self.nodes[j];
                node.alive.strong_count() > 0 && !self.nodes[j + 1..].iter().any(|later| later.out.id == node.out.id)
            })
            .collect();
        let mut needed = stored.clone();
        for j in (0..n).rev() {
            if needed[j] {
                for s in &self.nodes[j].ins {
                    if let Source::Node(k) = *s {
                        needed[k] = true;
                    }
                }
            }
        }
        (stored, needed)
    }
}

/// A product that waits: if nothing but one function of its elements follows, its kernel computes that, too.
pub(super) struct Waiting {
    call: Later,
    /// Its result: how many elements from which on, and is it still there?
    first: usize,
    count: usize,
    alive: Weak<()>,
}

impl Waiting {
    pub fn new(call: Later, result: &Block, first: usize, count: usize) -> Waiting {
        Waiting { call, first, count, alive: result.watch() }
    }

    /// Where it writes: the last of its buffers.
    fn last(&self) -> usize {
        self.call.buffers.len() - 1
    }

    /// Lets the kernel compute `node` of what it would have written, if it is the only call that waits and reads
    /// nothing else, and if nobody holds what it reads.
    fn take(&mut self, group: &Group) -> bool {
        let (last, [node], [read]) = (self.last(), &group.nodes[..], &group.reads[..]) else { return false };
        let result = self.call.buffers[last].0.id;
        let same = read.raw.id == result && read.dense && read.dtype == DType::F32 && read.offset == self.first;
        let whole = group.shape.iter().product::<usize>() == self.count;
        // In place the result is the product's own memory, which is still there.
        let gone = node.out.id == result || self.alive.strong_count() == 0;
        let apart = self.call.buffers[..last].iter().all(|(raw, _)| raw.id != node.out.id);
        if !(same && whole && gone && apart && node.ins[..] == [Source::Read(0)]) {
            return false;
        }
        let mut floats = [0.0; 4];
        (0..4).filter(|&k| node.attributes[k]).zip(&node.numbers).for_each(|(k, &f)| floats[k] = f64::from(f));
        self.call.buffers[last] = (node.out.clone(), node.nbytes);
        self.call.params[last] = node.offset as u32;
        self.call.with("ACTIVATION", node.expr, floats);
        true
    }
}

impl Stream {
    /// Lets a call wait in the group; false if it has to run by itself, now.
    pub fn fuse(&mut self, gpu: &Gpu, call: &Call) -> Result<bool> {
        match self.group.add(call) {
            Ok(()) => return Ok(true),
            Err(Obstacle::Call) => return Ok(false),
            Err(Obstacle::Group) => self.run_group(gpu)?,
        }
        Ok(self.group.add(call).is_ok())
    }

    /// Runs the calls that wait.
    pub fn run_group(&mut self, gpu: &Gpu) -> Result<()> {
        if let Some(mut product) = self.product.take() {
            let group = std::mem::take(&mut self.group);
            let all = product.take(&group);
            product.call.run(gpu, self)?;
            self.group = if all { Group::default() } else { group };
        }
        if self.group.is_empty() {
            return Ok(());
        }
        let chain = Chain::new(std::mem::take(&mut self.group));
        if !chain.stored.contains(&true) {
            return Ok(());
        }
        check_count("fused", chain.n)?;
        let mut params = chain.params.clone();
        params.insert(0, chain.n as u32);
        let key = Key { kernel: "fused", choices: [chain.hash, 0, 0] };
        let pipeline = gpu.pipelines.get(gpu, key, &chain.writes(), params.len(), || chain.defs())?;
        let (x, y) = gpu.groups(chain.n.div_ceil(4 * GROUP as usize));
        self.dispatch3(gpu, &pipeline, &chain.bindings(), &params, (x, y, 1))
    }

    /// The calls that wait, if `x` over `shape` is the result of the last and a kernel that reads all of it can do them.
    pub fn close(&mut self, x: &Operand, shape: &[usize], out: &Block) -> Option<Chain> {
        let last = self.group.nodes.last()?;
        let fits = last.out.id == x.block.raw.id && last.offset == x.offset && x.dtype == DType::F32;
        if !fits || self.group.shape[..] != *shape || !is_dense(x, shape) || self.group.buffers(&[]) >= MOST_BUFFERS {
            return None;
        }
        // The pool may have given the memory of a tensor that the chain reads, and that is gone, to the result.
        let id = out.raw.id;
        if self.group.reads.iter().any(|r| r.raw.id == id) || self.group.nodes.iter().any(|n| n.out.id == id) {
            return None;
        }
        Some(Chain::new(std::mem::take(&mut self.group)))
    }
}

/// A group that is about to run: what its kernel is made of.
pub(super) struct Chain {
    group: Group,
    n: usize,
    /// Which nodes are written, and which are needed at all; which tensors are read.
    stored: Vec<bool>,
    needed: Vec<bool>,
    used: Vec<bool>,
    /// How elements of tensors are found that do not lie as the results do.
    loops: Vec<Option<Loops>>,
    /// The buffers, and whether each is written.
    buffers: SmallVec<[(Raw, u64, bool); 8]>,
    pub params: SmallVec<[u32; 48]>,
    pub hash: u64,
}

impl Chain {
    fn new(group: Group) -> Chain {
        let (stored, needed) = group.wanted();
        let used: Vec<bool> = (0..group.reads.len())
            .map(|k| {
                group.nodes.iter().zip(&needed).any(|(node, &needed)| needed && node.ins.contains(&Source::Read(k)))
            })
            .collect();
        let dense = contiguous_strides(&group.shape);
        let loops: Vec<Option<Loops>> = group
            .reads
            .iter()
            .zip(&used)
            .map(|(r, &used)| (used && !r.dense).then(|| Loops::new(&group.shape, &[&r.strides, &dense])))
            .collect();
        let n = group.shape.iter().product();
        let mut chain =
            Chain { group, n, stored, needed, used, loops, buffers: SmallVec::new(), params: SmallVec::new(), hash: 0 };
        chain.place_buffers();
        chain.describe();
        chain
    }

    /// Buffers that are written, then those that are only read.
    fn place_buffers(&mut self) {
        let written =
            self.group.nodes.iter().zip(&self.stored).filter(|(_, s)| **s).map(|(x, _)| (&x.out, x.nbytes, true));
        let read = self.group.reads.iter().zip(&self.used).filter(|(_, u)| **u).map(|(r, _)| (&r.raw, r.nbytes, false));
        let mut buffers: SmallVec<[(Raw, u64, bool); 8]> = SmallVec::new();
        for (raw, nbytes, writes) in written.chain(read) {
            if !buffers.iter().any(|(b, ..)| b.id == raw.id) {
                buffers.push((raw.clone(), nbytes, writes));
            }
        }
        self.buffers = buffers;
    }

    fn place(&self, raw: &Raw) -> usize {
        self.buffers.iter().position(|(b, ..)| b.id == raw.id).unwrap_or(0)
    }

    /// The parameters, and a hash of all that the kernel's text depends on.
    fn describe(&mut self) {
        let mut params = SmallVec::new();
        let mut hash = DefaultHasher::new();
        for (k, r) in self.group.reads.iter().enumerate().filter(|(k, _)| self.used[*k]) {
            let l = self.loops[k].as_ref();
            (k, self.place(&r.raw), r.dtype as u8, l.map(Loops::rank)).hash(&mut hash);
            params.push(r.offset as u32);
            if let Some(l) = l {
                params.extend(l.shape.iter().copied());
                params.extend(l.strides[0].iter().map(|&s| s as i32 as u32));
            }
        }
        for (j, node) in self.group.nodes.iter().enumerate().filter(|(j, _)| self.needed[*j]) {
            (j, node.expr, &node.ins, self.stored[j], self.place(&node.out)).hash(&mut hash);
            params.extend(node.numbers.iter().map(|f| f.to_bits()));
            if self.stored[j] {
                params.push(node.offset as u32);
            }
        }
        self.buffers.len().hash(&mut hash);
        (self.params, self.hash) = (params, hash.finish());
    }

    pub fn writes(&self) -> SmallVec<[bool; 8]> {
        self.buffers.iter().map(|b| b.2).collect()
    }

    pub fn bindings(&self) -> SmallVec<[Binding<'_>; 8]> {
        self.buffers.iter().map(|(raw, nbytes, _)| Binding::of(raw, *nbytes)).collect()
    }

    /// The parts of the kernel; its body leaves the last result in `result`.
    pub fn defs(&self) -> Vec<(&'static str, String)> {
        let mut text = Text { fields: String::new(), functions: String::new(), body: String::new() };
        for (k, r) in self.group.reads.iter().enumerate().filter(|(k, _)| self.used[*k]) {
            text.read(k, r, self.loops[k].as_ref(), self.place(&r.raw));
        }
        for (j, node) in self.group.nodes.iter().enumerate().filter(|(j, _)| self.needed[*j]) {
            text.node(j, node, self.stored[j]);
        }
        // Stores come after every read of their element.
        for (j, node) in self.group.nodes.iter().enumerate().filter(|(j, _)| self.stored[*j]) {
            let _ = writeln!(text.body, "    b{}[params.to{j} + i] = bitcast<u32>(v{j});", self.place(&node.out));
        }
        let last = self.group.nodes.len() - 1;
        let _ = write!(
            text.body,
            "    let result = {};",
            if self.needed[last] { format!("v{last}") } else { "0.0".into() }
        );
        let mut bound = String::new();
        for (k, (_, _, written)) in self.buffers.iter().enumerate() {
            let access = if *written { "read_write" } else { "read" };
            let _ = writeln!(bound, "@group(0) @binding({k}) var<storage, {access}> b{k}: array<u32>;");
        }
        vec![
            ("CHAIN_FIELDS", text.fields),
            ("CHAIN_BINDINGS", bound),
            ("CHAIN_FUNCTIONS", text.functions),
            ("CHAIN_BODY", text.body),
        ]
    }
}

/// The parts of the kernel that are made for a group.
struct Text {
    fields: String,
    functions: String,
    body: String,
}

impl Text {
    fn read(&mut self, k: usize, r: &Read, loops: Option<&Loops>, buffer: usize) {
        let _ = writeln!(self.fields, "    first{k}: u32,");
        match loops {
            None => {
                let _ = writeln!(self.body, "    let e{k} = params.first{k} + i;");
            }
            Some(l) => {
                for d in 0..l.rank() {
                    let _ = writeln!(self.fields, "    size{k}_{d}: u32,");
                }
                for d in 0..l.rank() {
                    let _ = writeln!(self.fields, "    step{k}_{d}: i32,");
                }
                let _ = writeln!(self.body, "    var rest{k} = i;\n    var at{k} = i32(params.first{k});");
                for d in (1..l.rank()).rev() {
                    let _ = writeln!(self.body, "    at{k} += i32(rest{k} % params.size{k}_{d}) * params.step{k}_{d};");
                    let _ = writeln!(self.body, "    rest{k} = rest{k} / params.size{k}_{d};");
                }
                let _ = writeln!(self.body, "    let e{k} = u32(at{k} + i32(rest{k}) * params.step{k}_0);");
            }
        }
        debug_assert!(stored(r.dtype).is_some());
        let value = load(r.dtype, "f32", &format!("b{buffer}"), &format!("e{k}"));
        let _ = writeln!(self.body, "    let r{k} = {value};");
    }

    fn node(&mut self, j: usize, node: &Node, is_stored: bool) {
        let (mut declared, mut given) = (Vec::new(), Vec::new());
        for (p, (s, name)) in node.ins.iter().zip(NAMES).enumerate() {
            declared.push(format!("{name}: f32"));
            given.push(match s {
                Source::Node(k) => format!("v{k}"),
                Source::Read(k) => format!("r{k}"),
                Source::Number => {
                    let _ = writeln!(self.fields, "    number{j}_{p}: f32,");
                    format!("params.number{j}_{p}")
                }
            });
        }
        for k in (0..4).filter(|&k| node.attributes[k]) {
            let _ = writeln!(self.fields, "    f{j}_{k}: f32,");
            declared.push(format!("f{k}: f32"));
            given.push(format!("params.f{j}_{k}"));
        }
        if is_stored {
            let _ = writeln!(self.fields, "    to{j}: u32,");
        }
        let _ =
            writeln!(self.functions, "fn node{j}({}) -> f32 {{\n    return {};\n}}", declared.join(", "), node.expr);
        let _ = writeln!(self.body, "    let v{j} = node{j}({});", given.join(", "));
    }
}

impl Block {
    /// Upgrades as long as the block is there.
    fn watch(&self) -> Weak<()> {
        std::sync::Arc::downgrade(&self.alive)
    }
}
