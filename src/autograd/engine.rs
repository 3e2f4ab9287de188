//! The engine: walks the graph from the roots, later operations first, on the calling thread.

use super::accumulate::Accumulate;
use super::mode::{self, GradGuard};
use super::plan::{self, Plan, Running};
use super::saved;
use crate::error::Result;
use crate::fail;
use crate::tensor::device::{chosen_default, set_default_device};
use crate::tensor::node::{Hook, HookKind, Origin};
use crate::tensor::{Device, Edge, Grads, Node, OutMeta, Tensor};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The few operations that differentiation itself needs, handed in so that the engine knows no op. Gradients may be
/// dense or sparse.
pub struct EngineOps {
    /// Differentiable sum.
    pub add: fn(&Tensor, &Tensor) -> Result<Tensor>,
    /// Sum into the first, unrecorded. A sparse one takes sparse ones alone.
    pub add_in_place: fn(&Tensor, &Tensor) -> Result<()>,
    /// A copy with the layout of the second, recorded if recording is on.
    pub clone_like: fn(&Tensor, &Tensor) -> Result<Tensor>,
    /// A sparse tensor as a dense one.
    pub to_dense: fn(&Tensor) -> Result<Tensor>,
    /// On another device.
    pub to_device: fn(&Tensor, Device) -> Result<Tensor>,
    /// Reduces a broadcast gradient to a shape.
    pub sum_to: fn(&Tensor, &[usize]) -> Result<Tensor>,
    /// A tensor broadcast to a shape and, where the strides given are dense, laid out with them.
    pub lay_out: fn(&Tensor, &[usize], &[isize]) -> Result<Tensor>,
    /// Casts a gradient (complex to real takes the real part).
    pub cast: fn(&Tensor, crate::tensor::DType) -> Result<Tensor>,
    /// A node that reads a view out of its base.
    pub view_node: fn(&Tensor, &Tensor) -> Edge,
    /// Zeros like a forward output.
    pub zeros: fn(&OutMeta) -> Result<Tensor>,
    /// Does a tensor hold a NaN (anomaly mode)?
    pub has_nan: fn(&Tensor) -> Result<bool>,
}

static OPS: OnceLock<EngineOps> = OnceLock::new();
static HOST: OnceLock<Host> = OnceLock::new();

/// What the language that drives the engine does for it.
pub struct Host {
    /// Where its program stands (anomaly mode).
    pub traceback: fn() -> Option<String>,
    /// Shows a warning.
    pub warn: fn(&str),
    /// The error of an interrupt, if one is pending.
    pub interrupts: fn() -> Result<()>,
    /// What it keeps per thread, as a function that sets it up on another one.
    pub carry: fn() -> Box<dyn FnOnce() + Send>,
}

/// Hands in the operations; later calls are ignored.
pub fn install(ops: EngineOps) {
    let _ = OPS.set(ops);
}

/// Hands in the host language; later calls are ignored.
pub fn install_host(host: Host) {
    let _ = HOST.set(host);
}

pub(crate) fn ops() -> Option<&'static EngineOps> {
    OPS.get()
}

/// Keeps the forward call's place for anomaly mode, and the node whose derivative the call is part of.
#[cold]
pub(crate) fn note_origin(node: &Node) {
    let text = HOST.get().and_then(|host| (host.traceback)());
    let inducer = EVALUATING.with(|e| e.borrow().last().cloned());
    *node.extra().origin.lock().unwrap_or_else(|e| e.into_inner()) = Some(Origin { text, inducer });
}

// The nodes whose derivatives this thread is computing in anomaly mode, innermost last.
thread_local! { static EVALUATING: RefCell<Vec<Arc<Node>>> = const { RefCell::new(Vec::new()) }; }

struct Evaluating;

/// What this thread knows that a part of its work needs on another one, as a function to call there.
fn carried() -> impl FnOnce() + Send {
    let (modes, hooks, runs) = (mode::bits(), saved::carried_hooks(), plan::carried_runs());
    let evaluating = EVALUATING.with(|e| e.borrow().clone());
    let device = chosen_default();
    let host = HOST.get().map(|host| (host.carry)());
    move || {
        mode::set_bits(modes);
        saved::set_hooks(hooks);
        plan::set_runs(runs);
        EVALUATING.with(|e| *e.borrow_mut() = evaluating);
        set_default_device(device);
        if let Some(host) = host {
            host();
        }
    }
}

impl Evaluating {
    fn new(node: &Arc<Node>) -> Self {
        EVALUATING.with(|e| e.borrow_mut().push(node.clone()));
        Evaluating
    }
}

impl Drop for Evaluating {
    fn drop(&mut self) {
        let node = EVALUATING.with(|e| e.borrow_mut().pop());
        drop(node);
    }
}

/// Looks for interrupts now and then: a look needs the GIL, which other threads may keep for some milliseconds.
struct Watch {
    work: usize,
    last: Instant,
}

impl Watch {
    /// Between two looks.
    const PERIOD: Duration = Duration::from_millis(100);
    /// Nodes, or 1024 elements of gradient each, between two looks at the clock.
    const WORK: usize = 32;

    fn new() -> Self {
        Watch { work: 0, last: Instant::now() }
    }

    #[inline]
    fn tick(&mut self, grads: &[Option<Tensor>]) -> Result<()> {
        self.work += 1 + grads.iter().flatten().map(|g| g.numel() >> 10).sum::<usize>();
        if self.work < Self::WORK { Ok(()) } else { self.look() }
    }

    #[cold]
    fn look(&mut self) -> Result<()> {
        self.work = 0;
        if self.last.elapsed() < Self::PERIOD {
            return Ok(());
        }
        let r = HOST.get().map_or(Ok(()), |host| (host.interrupts)());
        self.last = Instant::now();
        r
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

thread_local! { static DEPTH: Cell<u32> = const { Cell::new(0) }; }

/// Nested backward calls (checkpointing, hooks) go on a fresh thread from this depth on, to spare the stack.
const MAX_DEPTH: u32 = 60;
/// Stack of those threads, in bytes: what the main thread has.
const STACK: usize = 8 << 20;

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
            let set_up = carried();
            return std::thread::scope(|s| {
                let handle = std::thread::Builder::new().stack_size(STACK).spawn_scoped(s, move || {
                    set_up();
                    self.execute()
                });
                match handle.map(std::thread::ScopedJoinHandle::join) {
                    Ok(Ok(result)) => result,
                    Ok(Err(panic)) => std::panic::resume_unwind(panic),
                    Err(_) => {
                        fail!(Runtime, expected: ("backward: expected a thread for a nested call"), got: ("none"), fix: ("Nest fewer backward calls."))
                    }
                }
            });
        }
        self.execute()
    }

    fn execute(self) -> Result<Vec<Option<Tensor>>> {
        let Some(ops) = ops() else { crate::internal!("the engine has no operations.") };
        let mut plan = Plan::discover(&self.roots);
        let targets = self.inputs.map_or(Vec::new(), |inputs| plan.restrict(inputs, self.accumulate));
        let waiting = std::mem::take(&mut plan.waiting);
        let plan = Arc::new(plan);
        let running = Running::new(&plan);
        let _mode = GradGuard::new(self.create_graph);
        let count = plan.nodes.len();
        let captured = vec![None; self.inputs.map_or(0, <[Edge]>::len)];
        let mut pass = Pass {
            ops,
            plan: &plan,
            keep: self.keep_graph,
            waiting,
            grads: Vec::new(),
            ready: BinaryHeap::new(),
            targets,
            captured,
            watch: Watch::new(),
        };
        pass.grads.resize_with(count, Grads::new);
        pass.seed(self.roots)?;
        while let Some((_, Reverse(at))) = pass.ready.pop() {
            pass.step(at)?;
        }
        running.finish()?;
        Ok(pass.captured)
    }
}

/// The moving parts of one pass.
struct Pass<'a> {
    ops: &'static EngineOps,
    plan: &'a Plan,
    keep: bool,
    waiting: Vec<u32>,
    grads: Vec<Grads>,
    ready: BinaryHeap<(u64, Reverse<u32>)>,
    targets: Vec<(u32, u32, u32)>,
    captured: Vec<Option<Tensor>>,
    watch: Watch,
}

impl Pass<'_> {
    fn seed(&mut self, roots: Vec<(Edge, Option<Tensor>)>) -> Result<()> {
        let mut seeded: SmallVec<[u32; 1]> = SmallVec::new();
        for (i, (edge, grad)) in roots.into_iter().enumerate() {
            let Some(at) = self.plan.find(&edge.node) else { continue };
            if let Some(grad) = grad {
                let grad = validate(self.ops, grad, &edge, None, i)?;
                deliver(self.ops, &mut self.grads[at as usize], edge.nr, grad)?;
            }
            if !seeded.contains(&at) {
                seeded.push(at);
            }
        }
        for at in seeded {
            if self.waiting[at as usize] == 0 {
                self.ready.push((self.plan.nodes[at as usize].seq, Reverse(at)));
            }
        }
        Ok(())
    }

    fn capture(&mut self, at: u32, grads: &Grads) {
        if self.plan.captures(at) {
            for &(_, nr, slot) in self.targets.iter().filter(|t| t.0 == at) {
                self.captured[slot as usize].clone_from(&grads[nr as usize]);
            }
        }
    }

    /// Runs a node whose gradients have all arrived, and hands on what it gives.
    fn step(&mut self, at: u32) -> Result<()> {
        let plan = self.plan;
        let node = &plan.nodes[at as usize];
        let mut grads = std::mem::take(&mut self.grads[at as usize]);
        if plan.visits(at) {
            let outputs = node.num_outputs();
            if grads.len() < outputs {
                grads.resize(outputs, None);
            }
            // As in torch: a wanted gradient is what flows into the node, before its hooks if the node itself runs.
            if plan.runs(at) {
                self.capture(at, &grads);
                pre_hooks(node, &mut grads, true)?;
            } else {
                pre_hooks(node, &mut grads, false)?;
                self.capture(at, &grads);
            }
        }
        self.watch.tick(&grads)?;
        let children = plan.children(at);
        let mut out = if plan.runs(at) {
            for g in grads.iter_mut().flatten().filter(|g| g.sparse().is_some()) {
                if !node.body().takes_sparse() && !TAKE_SPARSE.contains(&node.name) {
                    *g = (self.ops.to_dense)(g)?;
                }
            }
            let need = children.iter().enumerate().fold(0u64, |m, (i, &c)| m | (plan.visits(c) as u64) << i.min(63));
            call(self.ops, node, &grads, need, self.keep)?
        } else {
            SmallVec::new()
        };
        // Free the incoming gradients before the outgoing ones are added up, so that those can be taken over.
        drop(grads);
        for (i, (edge, &child)) in node.edges.iter().zip(children).enumerate() {
            let Some(edge) = edge else { continue };
            let to = child as usize;
            if plan.visits(child)
                && let Some(g) = out.get_mut(i).and_then(Option::take)
            {
                let g = validate(self.ops, g, edge, Some(node), i)?;
                deliver(self.ops, &mut self.grads[to], edge.nr, g)?;
            }
            self.waiting[to] -= 1;
            if self.waiting[to] == 0 {
                self.ready.push((edge.node.seq, Reverse(child)));
            }
        }
        Ok(())
    }
}

/// The recorded operations whose derivatives know sparse gradients; others get dense ones.
const TAKE_SPARSE: [&str; 2] = ["SparseCooTensorWithDimsAndTensorsBackward0", "ValuesBackward0"];

fn deliver(ops: &EngineOps, grads: &mut Grads, nr: u32, g: Tensor) -> Result<()> {
    let nr = nr as usize;
    if grads.len() <= nr {
        grads.resize(nr + 1, None);
    }
    let slot = &mut grads[nr];
    *slot = Some(match slot.take() {
        None => g,
        Some(old) => {
            // The buffer's own sum may be added to in place: it was made here and nobody else holds it.
            if !mode::grad_enabled()
                && old.use_count() == 1
                && old.storage().use_count() == 1
                && old.is_contiguous()
                && old.sparse().is_none()
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
    let mut one: Grads = smallvec::smallvec![slot.take()];
    hook.pre(&mut one)?;
    grads[nr] = one.pop().flatten();
    Ok(())
}

fn pre_hooks(node: &Arc<Node>, grads: &mut Grads, runs: bool) -> Result<()> {
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
    for (_, hook) in hooks_of(node, |k| runs && *k == HookKind::Pre) {
        hook.pre(grads)?;
    }
    Ok(())
}

fn call(ops: &EngineOps, node: &Arc<Node>, grads: &Grads, need: u64, keep: bool) -> Result<Grads> {
    let _evaluating = mode::anomaly().then(|| Evaluating::new(node));
    let mut out = match node.body().vjp(node, grads, need, keep) {
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

/// Warns with the forward line of a node, and with those of the nodes whose derivatives recorded it.
#[cold]
fn report(node: &Node) {
    let Some(host) = HOST.get() else { return };
    let origin = |node: &Node| {
        let found = node.extra_if_any().and_then(|e| e.origin.lock().unwrap_or_else(|e| e.into_inner()).clone());
        found.unwrap_or_default()
    };
    let Origin { text, mut inducer } = origin(node);
    (host.warn)(&match text {
        Some(text) => {
            format!("Error detected in {}. Traceback of forward call that caused the error:\n{text}", node.name)
        }
        None => format!(
            "Error detected in {}. No forward pass information available. Enable detect anomaly during forward pass for more information.",
            node.name
        ),
    });
    while let Some(node) = inducer {
        let Origin { text, inducer: next } = origin(&node);
        (host.warn)(&match text {
            Some(text) => format!(
                "\n\nPrevious calculation was induced by {}. Traceback of forward call that induced the previous calculation:\n{text}",
                node.name
            ),
            None => {
                format!("\n\nPrevious calculation was induced by {}. No forward pass information available.", node.name)
            }
        });
        inducer = next;
    }
}

/// Brings a gradient to the shape and dtype of the forward output that it belongs to. `by` is the node that gave it as
/// its `i`th, none for what the pass starts from.
#[inline]
fn validate(ops: &EngineOps, g: Tensor, edge: &Edge, by: Option<&Node>, i: usize) -> Result<Tensor> {
    let meta = {
        let outs = edge.node.outputs.lock().unwrap_or_else(|e| e.into_inner());
        match outs.get(edge.nr as usize) {
            None => return Ok(g),
            Some(m) if g.shape() == &m.shape[..] && g.dtype() == m.dtype && g.device() == m.device && !g.is_lazy() => {
                return Ok(g);
            }
            Some(m) => m.clone(),
        }
    };
    conform(ops, g, &meta, by, i)
}

fn conform(ops: &EngineOps, mut g: Tensor, meta: &OutMeta, by: Option<&Node>, i: usize) -> Result<Tensor> {
    let by = || by.map_or(String::new(), |node| format!("Function {} returned an ", node.name));
    let sparse = g.sparse().is_some();
    if g.is_lazy() {
        g = (ops.clone_like)(&g, &g)?;
    }
    if g.shape() != &meta.shape[..] {
        if sparse || !expandable(&meta.shape, g.shape()) {
            fail!(Runtime,
                torch: ("{}invalid gradient at index {i} - got {:?} but expected shape compatible with {:?}", by(), g.shape(), &meta.shape[..]),
                expected: ("backward: expected a gradient of shape {:?}", &meta.shape[..]), got: ("{:?}", g.shape()), fix: ("Return a gradient shaped like the input."));
        }
        g = (ops.sum_to)(&g, &meta.shape)?;
    }
    if g.dtype() != meta.dtype {
        g = (ops.cast)(&g, meta.dtype)?;
    }
    if g.data_device() == meta.device {
        return Ok(g);
    }
    // As in torch: a gradient of a single number follows to where it is wanted.
    match (g.ndim(), meta.device) {
        (0, Device::Meta) => (ops.zeros)(meta),
        (0, device) if !g.is_meta() => (ops.to_device)(&g, device),
        (0, _) => {
            fail!(NotImplemented, torch: ("Cannot copy out of meta tensor; no data!"),
                expected: ("backward: expected a gradient with data"), got: ("a meta tensor"), fix: ("Make it on the CPU."))
        }
        _ => {
            fail!(Runtime, torch: ("{}invalid gradient at index {i} - expected device {} but got {}", by(), meta.device, g.data_device()),
                expected: ("backward: expected a gradient on {}", meta.device), got: ("{}", g.data_device()), fix: ("Move it with .to()."))
        }
    }
}

/// The gradients of a node's outputs for a call of the node by itself, as a pass would hand them over; smaller ones
/// are broadcast.
pub fn fit_outputs(node: &Node, grads: Grads) -> Result<Grads> {
    let Some(ops) = ops() else { crate::internal!("the engine has no operations.") };
    let outputs = node.outputs.lock().unwrap_or_else(|e| e.into_inner()).clone();
    let fit = |(i, g): (usize, Option<Tensor>)| {
        let (Some(g), Some(meta)) = (g, outputs.get(i)) else { return Ok(None) };
        let smaller = g.shape() != &meta.shape[..] && expandable(g.shape(), &meta.shape);
        conform(ops, if smaller { (ops.lay_out)(&g, &meta.shape, &[])? } else { g }, meta, None, i).map(Some)
    };
    grads.into_iter().enumerate().map(fit).collect()
}

/// Does a tensor of shape `from` broadcast to `to`?
pub(super) fn expandable(from: &[usize], to: &[usize]) -> bool {
    from.len() <= to.len() && from.iter().rev().zip(to.iter().rev()).all(|(&a, &b)| a == b || a == 1)
}
