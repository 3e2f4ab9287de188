//! The engine: walks the graph from the roots, later operations first, on the calling thread.

use super::accumulate::Accumulate;
use super::mode::{self, GradGuard};
use crate::error::Result;
use crate::fail;
use crate::tensor::node::{Hook, HookKind};
use crate::tensor::{Edge, Grads, Node, OutMeta, Tensor};
use smallvec::SmallVec;
use std::cell::Cell;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, OnceLock};

/// The few operations that differentiation itself needs, handed in so that the engine knows no op.
pub struct EngineOps {
    /// Differentiable sum.
    pub add: fn(&Tensor, &Tensor) -> Result<Tensor>,
    /// Sum into the first, unrecorded.
    pub add_in_place: fn(&Tensor, &Tensor) -> Result<()>,
    /// A copy with the layout of the second, recorded if recording is on.
    pub clone_like: fn(&Tensor, &Tensor) -> Result<Tensor>,
    /// Reduces a broadcast gradient to a shape.
    pub sum_to: fn(&Tensor, &[usize]) -> Result<Tensor>,
    /// Casts a gradient (complex to real takes the real part).
    pub cast: fn(&Tensor, crate::tensor::DType) -> Result<Tensor>,
    /// A node that reads a view out of its base.
    pub view_node: fn(&Tensor, &Tensor) -> Edge,
    /// Does a tensor hold a NaN (anomaly mode)?
    pub has_nan: fn(&Tensor) -> Result<bool>,
}

static OPS: OnceLock<EngineOps> = OnceLock::new();
static TRACEBACK: OnceLock<fn() -> Option<String>> = OnceLock::new();
static WARN: OnceLock<fn(&str)> = OnceLock::new();

/// Hands in the operations; later calls are ignored.
pub fn install(ops: EngineOps) {
    let _ = OPS.set(ops);
}

/// Hands in the source of Python tracebacks and the sink of warnings for anomaly mode.
pub fn install_python(traceback: fn() -> Option<String>, warn: fn(&str)) {
    let _ = TRACEBACK.set(traceback);
    let _ = WARN.set(warn);
}

pub(crate) fn ops() -> Option<&'static EngineOps> {
    OPS.get()
}

/// Keeps the forward call's place for anomaly mode.
#[cold]
pub(crate) fn note_traceback(node: &Node) {
    if let Some(text) = TRACEBACK.get().and_then(|f| f()) {
        *node.extra().traceback.lock().unwrap_or_else(|e| e.into_inner()) = Some(text);
    }
}

/// What to differentiate and how.
pub struct Backward<'a> {
    /// Where to start, with the gradients that flow in.
    pub roots: Vec<(Edge, Option<Tensor>)>,
    /// Keep what the nodes saved.
    pub keep_graph: bool,
    /// Record the backward itself.
    pub create_graph: bool,
    /// Only these edges' gradients are wanted.
    pub inputs: Option<&'a [Edge]>,
    /// Add to the leaves' `.grad`, else give the gradients back.
    pub accumulate: bool,
}

#[derive(Default)]
struct PointerHasher(u64);

impl Hasher for PointerHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_usize(b as usize);
        }
    }
    fn write_usize(&mut self, n: usize) {
        // Nodes are 16-byte aligned allocations: multiply to spread the bits that differ (Fibonacci hashing).
        self.0 = (self.0 ^ n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }
}

type Index = HashMap<usize, u32, BuildHasherDefault<PointerHasher>>;

struct Task {
    node: Arc<Node>,
    waiting: u32,
    grads: Grads,
    wanted: bool,
    captures: SmallVec<[(u32, u32); 1]>,
}

struct Graph {
    tasks: Vec<Task>,
    index: Index,
}

fn key(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node) as usize
}

impl Graph {
    fn add(&mut self, node: &Arc<Node>) -> (u32, bool) {
        let next = self.tasks.len() as u32;
        let at = *self.index.entry(key(node)).or_insert(next);
        if at == next {
            self.tasks.push(Task {
                node: node.clone(),
                waiting: 0,
                grads: SmallVec::new(),
                wanted: true,
                captures: SmallVec::new(),
            });
        }
        (at, at == next)
    }

    /// Finds all nodes below the roots and counts the gradients that each waits for.
    fn discover(roots: &[(Edge, Option<Tensor>)]) -> Graph {
        let mut g = Graph { tasks: Vec::with_capacity(64), index: Index::default() };
        let mut at = 0;
        for (edge, _) in roots {
            g.add(&edge.node);
        }
        while at < g.tasks.len() {
            let node = g.tasks[at].node.clone();
            for edge in node.edges.iter().flatten() {
                let (child, _) = g.add(&edge.node);
                g.tasks[child as usize].waiting += 1;
            }
            at += 1;
        }
        g
    }

    /// Keeps only nodes from which a wanted edge can be reached.
    fn restrict(&mut self, inputs: &[Edge], accumulate: bool) {
        self.tasks.iter_mut().for_each(|t| t.wanted = false);
        for (i, edge) in inputs.iter().enumerate() {
            if let Some(&at) = self.index.get(&key(&edge.node)) {
                let task = &mut self.tasks[at as usize];
                if accumulate {
                    task.wanted |= task.node.body().as_any().is::<Accumulate>();
                }
                task.captures.push((edge.nr, i as u32));
            }
        }
        // A node's edges lead to nodes made before it, so one pass in order of creation settles them all.
        let mut order: Vec<u32> = (0..self.tasks.len() as u32).collect();
        order.sort_unstable_by_key(|&i| {
            let seq = self.tasks[i as usize].node.seq;
            if seq == crate::tensor::node::SEQ_FIRST { 0 } else { seq }
        });
        for i in order {
            let node = self.tasks[i as usize].node.clone();
            let leads = node.edges.iter().flatten().any(|e| {
                let child = &self.tasks[self.index[&key(&e.node)] as usize];
                child.wanted || !child.captures.is_empty()
            });
            self.tasks[i as usize].wanted |= leads;
        }
    }
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static CURRENT: Cell<*const Node> = const { Cell::new(std::ptr::null()) };
}

/// The node that is being run on this thread, null outside backward.
pub fn current_node() -> *const Node {
    CURRENT.get()
}

/// Nested backward calls (checkpointing, hooks) go on a fresh thread from this depth on, to spare the stack.
const MAX_DEPTH: u32 = 60;

struct DepthGuard;
impl Drop for DepthGuard {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

impl Backward<'_> {
    /// Runs it. Returns the gradients of `inputs`, in order (empty if there are none).
    pub fn run(self) -> Result<Vec<Option<Tensor>>> {
        let depth = DEPTH.get();
        DEPTH.set(depth + 1);
        let _guard = DepthGuard;
        if depth > 0 && depth.is_multiple_of(MAX_DEPTH) {
            let modes = mode::bits();
            return std::thread::scope(|s| {
                let handle = std::thread::Builder::new().spawn_scoped(s, move || {
                    mode::set_anomaly(modes & 8 != 0);
                    self.execute()
                });
                match handle.map(std::thread::ScopedJoinHandle::join) {
                    Ok(Ok(result)) => result,
                    _ => {
                        fail!(Runtime, expected: ("backward: expected a thread for a nested call"), got: ("none"), fix: ("Nest fewer backward calls."))
                    }
                }
            });
        }
        self.execute()
    }

    fn execute(self) -> Result<Vec<Option<Tensor>>> {
        let Some(ops) = ops() else { crate::internal!("the engine has no operations.") };
        let mut graph = Graph::discover(&self.roots);
        if let Some(inputs) = self.inputs {
            graph.restrict(inputs, self.accumulate);
        }
        let mut captured: Vec<Option<Tensor>> = vec![None; self.inputs.map_or(0, <[Edge]>::len)];
        let _mode = GradGuard::new(self.create_graph);
        let mut ready: BinaryHeap<(u64, u32)> = BinaryHeap::new();
        let mut seeded: SmallVec<[u32; 1]> = SmallVec::new();
        for (edge, grad) in self.roots {
            let at = graph.index[&key(&edge.node)];
            if let Some(grad) = grad {
                deliver(ops, &mut graph.tasks[at as usize], edge.nr, grad)?;
            }
            if !seeded.contains(&at) {
                seeded.push(at);
            }
        }
        for at in seeded {
            let task = &graph.tasks[at as usize];
            if task.waiting == 0 {
                ready.push((task.node.seq, at));
            }
        }
        while let Some((_, at)) = ready.pop() {
            let task = &mut graph.tasks[at as usize];
            let node = task.node.clone();
            let mut grads = std::mem::take(&mut task.grads);
            let (wanted, captures) = (task.wanted, std::mem::take(&mut task.captures));
            if wanted || !captures.is_empty() {
                let outputs = node.num_outputs();
                if grads.len() < outputs {
                    grads.resize(outputs, None);
                }
                pre_hooks(&node, &mut grads)?;
                for (nr, slot) in captures {
                    captured[slot as usize].clone_from(&grads[nr as usize]);
                }
            }
            let mut out = if wanted && grads.iter().any(Option::is_some) {
                call(ops, &node, &grads, self.keep_graph)?
            } else {
                SmallVec::new()
            };
            // Free the incoming gradients before the outgoing ones are added up, so that those can be taken over.
            drop(grads);
            for (i, edge) in node.edges.iter().enumerate() {
                let Some(edge) = edge else { continue };
                let child = graph.index[&key(&edge.node)];
                let task = &mut graph.tasks[child as usize];
                if (task.wanted || !task.captures.is_empty())
                    && let Some(g) = out.get_mut(i).and_then(Option::take)
                {
                    let meta = {
                        let outs = task.node.outputs.lock().unwrap_or_else(|e| e.into_inner());
                        outs.get(edge.nr as usize).cloned()
                    };
                    let g = match meta {
                        Some(meta) => validate(ops, g, &meta, &node, i)?,
                        None => g,
                    };
                    deliver(ops, task, edge.nr, g)?;
                }
                task.waiting -= 1;
                if task.waiting == 0 {
                    ready.push((task.node.seq, child));
                }
            }
        }
        Ok(captured)
    }
}

fn deliver(ops: &EngineOps, task: &mut Task, nr: u32, g: Tensor) -> Result<()> {
    let nr = nr as usize;
    if task.grads.len() <= nr {
        task.grads.resize(nr + 1, None);
    }
    let slot = &mut task.grads[nr];
    *slot = Some(match slot.take() {
        None => g,
        Some(old) => {
            // The buffer's own sum may be added to in place: it was made here and nobody else holds it.
            if !mode::grad_enabled()
                && old.use_count() == 1
                && old.storage().use_count() == 1
                && old.is_contiguous()
                && old.dtype() == g.dtype()
            {
                (ops.add_in_place)(&old, &g)?;
                old
            } else {
                (ops.add)(&old, &g)?
            }
        }
    });
    Ok(())
}

fn hooks_of(node: &Node, kind: impl Fn(&HookKind) -> bool) -> SmallVec<[(HookKind, Arc<dyn Hook>); 2]> {
    match node.extra_if_any() {
        None => SmallVec::new(),
        Some(extra) => {
            let hooks = extra.hooks.lock().unwrap_or_else(|e| e.into_inner());
            hooks.iter().filter(|h| kind(&h.1)).map(|h| (h.1, h.2.clone())).collect()
        }
    }
}

fn on_output(hook: &Arc<dyn Hook>, grads: &mut Grads, nr: usize) -> Result<()> {
    let Some(slot) = grads.get_mut(nr) else { return Ok(()) };
    if slot.is_none() {
        return Ok(());
    }
    let mut one: Grads = smallvec::smallvec![slot.take()];
    hook.pre(&mut one)?;
    grads[nr] = one.pop().flatten();
    Ok(())
}

fn pre_hooks(node: &Arc<Node>, grads: &mut Grads) -> Result<()> {
    if let Some(acc) = node.body().as_any().downcast_ref::<Accumulate>() {
        for hook in acc.hooks() {
            on_output(&hook, grads, 0)?;
        }
    }
    if node.extra_if_any().is_none() {
        return Ok(());
    }
    for (kind, hook) in hooks_of(node, |k| matches!(k, HookKind::Tensor(_))) {
        if let HookKind::Tensor(nr) = kind {
            on_output(&hook, grads, nr as usize)?;
        }
    }
    for (kind, hook) in hooks_of(node, |k| matches!(k, HookKind::RetainGrad(_))) {
        if let HookKind::RetainGrad(nr) = kind {
            on_output(&hook, grads, nr as usize)?;
        }
    }
    for (_, hook) in hooks_of(node, |k| *k == HookKind::Pre) {
        hook.pre(grads)?;
    }
    Ok(())
}

fn call(ops: &EngineOps, node: &Arc<Node>, grads: &Grads, keep: bool) -> Result<Grads> {
    let need = node.edges.iter().enumerate().fold(0u64, |m, (i, e)| m | (e.is_some() as u64) << i.min(63));
    let before = CURRENT.replace(Arc::as_ptr(node));
    let out = node.body().vjp(node, grads, need, keep);
    CURRENT.set(before);
    let mut out = match out {
        Ok(out) => out,
        Err(e) => {
            if mode::anomaly() {
                report(node);
            }
            return Err(e);
        }
    };
    if node.extra_if_any().is_some() {
        for (_, hook) in hooks_of(node, |k| *k == HookKind::Post) {
            hook.post(&mut out, grads)?;
        }
    }
    if mode::anomaly() && mode::anomaly_nan() {
        for (i, g) in out.iter().enumerate() {
            if let Some(g) = g
                && (ops.has_nan)(g)?
            {
                report(node);
                fail!(Runtime, torch: ("Function '{}' returned nan values in its {i}th output.", node.name),
                    expected: ("{}: expected finite gradients", node.name), got: ("NaN"), fix: ("The warning above names the forward line."));
            }
        }
    }
    Ok(out)
}

#[cold]
fn report(node: &Node) {
    let Some(warn) = WARN.get() else { return };
    let text = node.extra_if_any().and_then(|e| e.traceback.lock().unwrap_or_else(|e| e.into_inner()).clone());
    match text {
        Some(t) => {
            warn(&format!("Error detected in {}. Traceback of forward call that caused the error:\n{t}", node.name))
        }
        None => warn(&format!(
            "Error detected in {}. No forward pass information available. Enable detect anomaly during forward pass for more information.",
            node.name
        )),
    }
}

/// Brings a gradient to the shape and dtype of the forward output that it belongs to.
fn validate(ops: &EngineOps, mut g: Tensor, meta: &OutMeta, node: &Node, i: usize) -> Result<Tensor> {
    if g.shape() != &meta.shape[..] {
        if !expandable(&meta.shape, g.shape()) {
            fail!(Runtime,
                torch: ("Function {} returned an invalid gradient at index {i} - got {:?} but expected shape compatible with {:?}", node.name, g.shape(), &meta.shape[..]),
                expected: ("backward: expected a gradient of shape {:?}", &meta.shape[..]), got: ("{:?}", g.shape()), fix: ("Return a gradient shaped like the input."));
        }
        g = (ops.sum_to)(&g, &meta.shape)?;
    }
    if g.dtype() != meta.dtype {
        g = (ops.cast)(&g, meta.dtype)?;
    }
    if g.device() != meta.device {
        fail!(Runtime, torch: ("Function {} returned an invalid gradient at index {i} - expected device {} but got {}", node.name, meta.device, g.device()),
            expected: ("backward: expected a gradient on {}", meta.device), got: ("{}", g.device()), fix: ("Move it with .to()."));
    }
    Ok(g)
}

fn expandable(from: &[usize], to: &[usize]) -> bool {
    from.len() <= to.len() && from.iter().rev().zip(to.iter().rev()).all(|(&a, &b)| a == b || a == 1)
}
