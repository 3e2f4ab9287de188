//! Recording an operation: edges to its inputs, what it saves, and its derivative as a closure.

use super::history::{check_view, gradient_edge};
use super::mode;
use super::saved::Saved;
use crate::error::Result;
use crate::fail;
use crate::tensor::{Grads, Node, OutMeta, Part, Tensor, Vjp};
use smallvec::SmallVec;
use std::any::Any;
use std::sync::{Arc, Mutex};

/// Would an operation on these inputs be recorded?
#[inline(always)]
pub fn needs_grad(inputs: &[&Tensor]) -> bool {
    inputs.iter().any(|t| t.requires_grad()) && mode::recording()
}

/// Names a saved tensor inside a derivative.
#[derive(Clone, Copy)]
pub struct Slot(u8);

type SavedList = SmallVec<[Saved; 2]>;

/// Collects what an operation keeps for backward.
pub struct Saver<'a> {
    outputs: &'a [&'a Tensor],
    inputs: &'a [&'a Tensor],
    list: SavedList,
    error: Option<crate::error::Error>,
    // Do the outputs still wait for their values?
    ahead: bool,
}

impl<'a> Saver<'a> {
    /// The operation's inputs.
    pub fn inputs(&self) -> &'a [&'a Tensor] {
        self.inputs
    }

    fn push(&mut self, saved: Result<Saved>) -> Slot {
        match saved {
            Ok(s) => self.list.push(s),
            Err(e) => self.error = self.error.take().or(Some(e)),
        }
        let at = self.list.len().saturating_sub(1);
        if at > u8::MAX as usize {
            self.error = self.error.take().or_else(|| too_many().err());
        }
        Slot(at as u8)
    }

    /// Keeps an input (or any tensor made on the way).
    pub fn input(&mut self, t: &Tensor) -> Slot {
        self.push(Saved::input(t))
    }

    /// Keeps an input that may be absent.
    pub fn optional(&mut self, t: Option<&Tensor>) -> Option<Slot> {
        t.map(|t| self.input(t))
    }

    /// Keeps output `nr`.
    pub fn output(&mut self, nr: usize) -> Slot {
        let out = self.outputs[nr];
        self.push(if self.ahead { Ok(Saved::ahead(out, nr as u32)) } else { Saved::output(out, nr as u32) })
    }

    /// Does input `i` want a gradient? Lets an operation save no more than it will need.
    pub fn needs(&self, i: usize) -> bool {
        self.inputs.get(i).is_some_and(|t| t.requires_grad())
    }
}

#[cold]
fn too_many() -> Result<()> {
    crate::internal!("an operation saves more tensors than slots can name.")
}

/// What a derivative sees.
pub struct Ctx<'a> {
    node: &'a Arc<Node>,
    saved: &'a [Saved],
    need: u64,
}

impl Ctx<'_> {
    /// A saved tensor, checked for changes in place.
    pub fn get(&self, slot: Slot) -> Result<Tensor> {
        self.saved[slot.0 as usize].unpack(self.node)
    }

    /// A saved tensor that may be absent.
    pub fn get_opt(&self, slot: Option<Slot>) -> Result<Option<Tensor>> {
        slot.map(|s| self.get(s)).transpose()
    }

    /// Is a gradient wanted for input `i`? The last bit stands for all inputs from there on.
    #[inline]
    pub fn needs(&self, i: usize) -> bool {
        self.need >> i.min(63) & 1 != 0
    }

    /// `Some(f())` if input `i` wants a gradient.
    pub fn when(&self, i: usize, f: impl FnOnce() -> Result<Tensor>) -> Result<Option<Tensor>> {
        if self.needs(i) { f().map(Some) } else { Ok(None) }
    }
}

impl Ctx<'_> {
    /// A gradient that depends on none of the node's inputs, recorded as if it did, with zeros for derivatives: where
    /// torch's own derivative is one operation on all inputs, its results require grad, and so do these.
    pub fn constant(&self, y: Tensor) -> Tensor {
        if !mode::recording() || y.requires_grad() || self.node.edges.iter().all(Option::is_none) {
            return y;
        }
        let y = y.detach();
        attach(&finish(Node::new(self.node.name, self.node.edges.clone(), Box::new(Zeros))), &[&y]);
        y
    }
}

struct Zeros;

impl Vjp for Zeros {
    fn vjp(&self, node: &Arc<Node>, _: &[Option<Tensor>], need: u64, _: bool) -> Result<Grads> {
        let Some(ops) = super::engine::ops() else { return Ok(Grads::new()) };
        let zeros = |(i, edge): (usize, &Option<crate::tensor::Edge>)| {
            let Some(edge) = edge.as_ref().filter(|_| need >> i.min(63) & 1 != 0) else { return Ok(None) };
            let meta = edge.node.outputs.lock().unwrap_or_else(|e| e.into_inner()).get(edge.nr as usize).cloned();
            meta.map(|m| (ops.zeros)(&m)).transpose()
        };
        node.edges.iter().enumerate().map(zeros).collect()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Closure<F> {
    saved: Mutex<Option<SavedList>>,
    f: F,
}

impl<F> Closure<F> {
    fn take(&self, node: &Arc<Node>, keep: bool) -> Result<SavedList> {
        let mut saved = self.saved.lock().unwrap_or_else(|e| e.into_inner());
        // A node that saved nothing has nothing to free, and may run again, as in torch.
        let list = if keep || saved.as_ref().is_some_and(|s| s.is_empty()) { saved.clone() } else { saved.take() };
        match list {
            Some(list) => Ok(list),
            None => freed(node.name),
        }
    }

    fn parts(&self, see: &mut dyn FnMut(Part<'_>)) {
        let saved = self.saved.lock().unwrap_or_else(|e| e.into_inner());
        saved.iter().flatten().for_each(|s| s.part(see));
    }
}

/// The error of a second backward.
#[cold]
pub fn freed<T>(name: &str) -> Result<T> {
    fail!(Runtime,
        torch: ("Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward."),
        expected: ("{name}: expected its saved tensors"), got: ("a node whose backward has run"), fix: ("Pass retain_graph=True to the first backward()."))
}

macro_rules! vjp_body {
    ($self:ident, $node:ident, $need:ident, $keep:ident, |$ctx:ident| $call:expr) => {{
        let saved = $self.take($node, $keep)?;
        let $ctx = Ctx { node: $node, saved: &saved, need: $need };
        $call
    }};
}

fn saved_list(saved: &Mutex<Option<SavedList>>, node: &Arc<Node>) -> Vec<(String, Result<Tensor>)> {
    let list = saved.lock().unwrap_or_else(|e| e.into_inner()).clone();
    match list {
        Some(list) => {
            let names = super::saved::names(node, &list);
            list.iter().zip(names).map(|(s, name)| (name, s.unpack(node))).collect()
        }
        None => vec![(String::new(), freed(node.name))],
    }
}

// Closures with one output get its gradient itself.
struct Single<F>(Closure<F>);

impl<F: Fn(&Ctx, &Tensor) -> Result<Grads> + Send + Sync + 'static> Vjp for Single<F> {
    fn vjp(&self, node: &Arc<Node>, grads: &[Option<Tensor>], need: u64, keep: bool) -> Result<Grads> {
        let Some(Some(g)) = grads.first() else {
            return Ok(SmallVec::from_elem(None, node.edges.len()));
        };
        let this = &self.0;
        vjp_body!(this, node, need, keep, |ctx| (this.f)(&ctx, g))
    }
    fn saved(&self, node: &Arc<Node>) -> Vec<(String, Result<Tensor>)> {
        saved_list(&self.0.saved, node)
    }
    fn parts(&self, see: &mut dyn FnMut(Part<'_>)) {
        self.0.parts(see);
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

// Closures with several outputs get all gradients; those that are absent are None.
struct Many<F>(Closure<F>);

impl<F: Fn(&Ctx, &[Option<Tensor>]) -> Result<Grads> + Send + Sync + 'static> Vjp for Many<F> {
    fn vjp(&self, node: &Arc<Node>, grads: &[Option<Tensor>], need: u64, keep: bool) -> Result<Grads> {
        if grads.iter().all(Option::is_none) {
            return Ok(SmallVec::from_elem(None, node.edges.len()));
        }
        let this = &self.0;
        vjp_body!(this, node, need, keep, |ctx| (this.f)(&ctx, grads))
    }
    fn saved(&self, node: &Arc<Node>) -> Vec<(String, Result<Tensor>)> {
        saved_list(&self.0.saved, node)
    }
    fn parts(&self, see: &mut dyn FnMut(Part<'_>)) {
        self.0.parts(see);
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(crate) fn edges_of(inputs: &[&Tensor]) -> Result<SmallVec<[Option<crate::tensor::Edge>; 2]>> {
    let mut edges = SmallVec::with_capacity(inputs.len());
    for t in inputs {
        check_view(t)?;
        edges.push(gradient_edge(t));
    }
    Ok(edges)
}

fn saver<'a>(inputs: &'a [&'a Tensor], outputs: &'a [&'a Tensor]) -> Saver<'a> {
    Saver { outputs, inputs, list: SmallVec::new(), error: None, ahead: false }
}

/// Makes the node of an operation with one output, if a gradient is wanted, and gives the output back.
///
/// `build` says what to keep and gives the derivative: `|s| { let x = s.input(x); move |c, g| grads![g.mul(&c.get(x)?)?] }`.
#[inline]
pub fn record<F, B>(output: Tensor, name: &'static str, inputs: &[&Tensor], build: B) -> Result<Tensor>
where
    B: FnOnce(&mut Saver) -> F,
    F: Fn(&Ctx, &Tensor) -> Result<Grads> + Send + Sync + 'static,
{
    if needs_grad(inputs) && output.dtype().is_differentiable() {
        let outputs = [&output];
        let mut s = saver(inputs, &outputs);
        let f = build(&mut s);
        if let Some(e) = s.error {
            return Err(e);
        }
        let body = Single(Closure { saved: Mutex::new(Some(s.list)), f });
        attach(&finish(Node::new(name, edges_of(inputs)?, Box::new(body))), &outputs);
    }
    Ok(output)
}

/// An operation in place that has kept what it reads and is about to write its result.
pub struct Ahead<F> {
    name: &'static str,
    edges: SmallVec<[Option<crate::tensor::Edge>; 2]>,
    saved: SavedList,
    f: F,
}

/// Keeps what an operation in place reads, as it is before the write: what shares memory with the result is noticed to
/// have changed when the derivative reads it. `build` is as in [`record`].
pub fn ahead<F, B>(output: &Tensor, name: &'static str, inputs: &[&Tensor], build: B) -> Result<Ahead<F>>
where
    B: FnOnce(&mut Saver) -> F,
    F: Fn(&Ctx, &Tensor) -> Result<Grads> + Send + Sync + 'static,
{
    let outputs = [output];
    let mut s = saver(inputs, &outputs);
    s.ahead = true;
    let f = build(&mut s);
    match s.error {
        Some(e) => Err(e),
        None => Ok(Ahead { name, edges: edges_of(inputs)?, saved: s.list, f }),
    }
}

impl<F: Fn(&Ctx, &Tensor) -> Result<Grads> + Send + Sync + 'static> Ahead<F> {
    /// The node, once the result is written; the caller attaches it.
    pub fn node(mut self) -> Result<Arc<Node>> {
        self.saved.iter_mut().try_for_each(Saved::settle)?;
        let body = Single(Closure { saved: Mutex::new(Some(self.saved)), f: self.f });
        Ok(finish(Node::new(self.name, self.edges, Box::new(body))))
    }
}

/// The same for an operation with several outputs.
pub fn record_many<F, B>(outputs: &[&Tensor], name: &'static str, inputs: &[&Tensor], build: B) -> Result<()>
where
    B: FnOnce(&mut Saver) -> F,
    F: Fn(&Ctx, &[Option<Tensor>]) -> Result<Grads> + Send + Sync + 'static,
{
    if needs_grad(inputs) {
        let mut s = saver(inputs, outputs);
        let f = build(&mut s);
        if let Some(e) = s.error {
            return Err(e);
        }
        let body = Many(Closure { saved: Mutex::new(Some(s.list)), f });
        attach(&finish(Node::new(name, edges_of(inputs)?, Box::new(body))), outputs);
    }
    Ok(())
}

fn finish(node: Node) -> Arc<Node> {
    let node = Arc::new(node);
    if mode::anomaly() {
        super::engine::note_origin(&node);
    }
    node
}

/// Gives the last node of a composite operation on `x` the name that torch's single node has, which is what printing
/// the result shows. Nothing happens where `y` is `x` itself or others hold the node already.
pub fn named(y: Tensor, name: &'static str, x: &Tensor) -> Tensor {
    if let Some(meta) = y.meta_if_any().filter(|_| !y.is(x))
        && let Some(node) = meta.lock().grad_fn.as_mut().and_then(|e| Arc::get_mut(&mut e.node))
    {
        node.name = name;
    }
    y
}

/// Makes tensors the outputs of a node, in order; those of integer type take a slot but no history.
pub fn attach(node: &Arc<Node>, outputs: &[&Tensor]) {
    for out in outputs {
        let nr = node.add_output(OutMeta::of(out));
        if out.dtype().is_differentiable() {
            set_output(out, node, nr);
        }
    }
}

fn set_output(out: &Tensor, node: &Arc<Node>, nr: u32) {
    out.set_history(crate::tensor::Edge { node: node.clone(), nr });
    if let Some(seen) = out.base().map(Tensor::history_version).filter(|&v| v > 0) {
        out.meta().lock().attr_version = seen;
    }
}

/// Builds a [`Grads`] list: tensors, or `None`s.
#[macro_export]
macro_rules! grads {
    ($($g:expr),* $(,)?) => { Ok::<$crate::tensor::Grads, $crate::error::Error>(smallvec::smallvec![$(Option::<$crate::tensor::Tensor>::from($g)),*]) };
}
