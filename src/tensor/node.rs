//! The backward graph's nodes. Declared here because tensors point at them; ops implement them and autograd drives them.

use super::graveyard::{self, Remains};
use super::tensor::AutogradMeta;
use super::{DType, Device, Shape, Tensor};
use crate::error::Result;
use smallvec::SmallVec;
use std::any::Any;
use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// Gradients, one per input or output; None stands for zeros.
pub type Grads = SmallVec<[Option<Tensor>; 2]>;

/// Where a gradient goes: an input slot of a node.
#[derive(Clone)]
pub struct Edge {
    /// The node.
    pub node: Arc<Node>,
    /// Which of its forward outputs the gradient belongs to.
    pub nr: u32,
}

/// Shape, dtype and device of a forward output, which its gradient must have; it may be dense or sparse.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named after what they hold")]
pub struct OutMeta {
    pub shape: Shape,
    pub dtype: DType,
    pub device: Device,
}

impl OutMeta {
    /// The metadata of a tensor.
    pub fn of(t: &Tensor) -> Self {
        OutMeta { shape: t.shape().into(), dtype: t.dtype(), device: t.data_device() }
    }
}

/// The derivative of one operation.
pub trait Vjp: Send + Sync {
    /// Gradients with respect to the node's inputs, given those of its outputs. `need` has bit i set if input i wants
    /// one. Unless `keep`, what was saved is freed; a second call then fails with torch's message.
    fn vjp(&self, node: &Arc<Node>, grads: &[Option<Tensor>], need: u64, keep: bool) -> Result<Grads>;

    /// May gradients be sparse?
    fn takes_sparse(&self) -> bool {
        false
    }

    /// Saved tensors by name, for `grad_fn._saved_*`.
    fn saved(&self, _node: &Arc<Node>) -> Vec<(String, Result<Tensor>)> {
        Vec::new()
    }

    /// Shows what this derivative holds, for the garbage collector's walk: each strong reference once.
    fn parts(&self, _see: &mut dyn FnMut(Part<'_>)) {}

    /// Access for those who know the concrete type (accumulators, Python functions).
    fn as_any(&self) -> &dyn Any;
}

/// One strong reference that a part of the graph holds.
pub enum Part<'a> {
    /// A tensor.
    Tensor(&'a Tensor),
    /// A node.
    Node(&'a Arc<Node>),
    /// What autograd knows about a tensor.
    Meta(&'a Arc<AutogradMeta>),
    /// Something of an upper layer that has no other holder.
    Other(&'a dyn Any),
}

/// A function that a user attached to a node. It lives in an upper layer and may hold Python objects.
pub trait Hook: Send + Sync {
    /// Before the node runs: may replace the gradients that flow in.
    fn pre(&self, grads: &mut Grads) -> Result<()>;
    /// After the node ran: may replace the gradients that flow out.
    fn post(&self, out: &mut Grads, grads: &[Option<Tensor>]) -> Result<()>;
    /// For the garbage collector's traversal.
    fn as_any(&self) -> &dyn Any;
}

/// When a hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookKind {
    /// A tensor's hook, on the gradient of one output.
    Tensor(u32),
    /// `retain_grad`: sees the gradient last.
    RetainGrad(u32),
    /// A node's pre-hook.
    Pre,
    /// A node's hook after it ran.
    Post,
}

/// Which call made a node.
#[derive(Clone, Default)]
pub struct Origin {
    /// Where the program stood.
    pub text: Option<String>,
    /// The node whose derivative recorded this one.
    pub inducer: Option<Arc<Node>>,
}

/// What few nodes have.
#[derive(Default)]
pub struct Extra {
    /// Hooks in the order of their registration, with an id for removal.
    pub hooks: Mutex<Vec<(u64, HookKind, Arc<dyn Hook>)>>,
    /// Where it came from (anomaly mode).
    pub origin: Mutex<Option<Origin>>,
    /// An opaque object of the Python layer (the metadata dict).
    pub python: Mutex<Option<Box<dyn Any + Send + Sync>>>,
    /// The Python object that stands for this node, if there is one. Not owned.
    pub pyobj: AtomicPtr<c_void>,
}

/// One operation in the backward graph.
pub struct Node {
    /// torch's name, such as `MulBackward0`.
    pub name: &'static str,
    /// Creation order; the engine runs later nodes first.
    pub seq: u64,
    /// Where the inputs' gradients go; None for inputs that want none.
    pub edges: SmallVec<[Option<Edge>; 2]>,
    /// One per forward output.
    pub outputs: Mutex<SmallVec<[OutMeta; 1]>>,
    /// The derivative. None only while the node is being dropped.
    body: Option<Box<dyn Vjp>>,
    extra: OnceLock<Box<Extra>>,
}

static NEXT_SEQ: AtomicU64 = AtomicU64::new(1);

/// The sequence number of accumulators, which run before everything else that is ready.
pub const SEQ_FIRST: u64 = u64::MAX;

impl Node {
    /// A node with the next sequence number.
    pub fn new(name: &'static str, edges: SmallVec<[Option<Edge>; 2]>, body: Box<dyn Vjp>) -> Self {
        Node {
            name,
            seq: NEXT_SEQ.fetch_add(1, Ordering::Relaxed),
            edges,
            outputs: Mutex::new(SmallVec::new()),
            body: Some(body),
            extra: OnceLock::new(),
        }
    }

    /// A node that runs before all others that are ready.
    pub fn first(name: &'static str, body: Box<dyn Vjp>) -> Self {
        let mut node = Node::new(name, SmallVec::new(), body);
        node.seq = SEQ_FIRST;
        node
    }

    /// The derivative.
    pub fn body(&self) -> &dyn Vjp {
        // The body is taken out only in `drop`.
        self.body.as_deref().expect("a live node has a body")
    }

    /// What few nodes have, made on first use.
    pub fn extra(&self) -> &Extra {
        self.extra.get_or_init(Box::default)
    }

    /// The same, if it was made.
    pub fn extra_if_any(&self) -> Option<&Extra> {
        self.extra.get().map(|b| &**b)
    }

    /// Takes the `retain_grad` hook of a tensor over that was made by `old` and is now output `nr` of this node.
    pub(super) fn take_retained(&self, nr: u32, old: &Edge) {
        let Some(extra) = old.node.extra_if_any() else { return };
        let found = {
            let mut hooks = extra.hooks.lock().unwrap_or_else(|e| e.into_inner());
            let at = hooks.iter().position(|h| h.1 == HookKind::RetainGrad(old.nr));
            at.map(|at| hooks.remove(at))
        };
        if let Some((id, _, hook)) = found {
            self.extra().hooks.lock().unwrap_or_else(|e| e.into_inner()).push((id, HookKind::RetainGrad(nr), hook));
        }
    }

    /// Adds an output and returns its number.
    pub fn add_output(&self, meta: OutMeta) -> u32 {
        let mut outs = self.outputs.lock().unwrap_or_else(|e| e.into_inner());
        outs.push(meta);
        outs.len() as u32 - 1
    }

    /// The operation's name as error messages give it: `MulBackward0` is `Mul`, `PowBackward1` is `Pow1`.
    pub fn short_name(&self) -> String {
        let name = self.full_name();
        let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
        match (base.strip_suffix("Backward"), &name[base.len()..]) {
            (None | Some(""), _) => name.to_owned(),
            (Some(short), "0") => short.to_owned(),
            (Some(short), digits) => format!("{short}{digits}"),
        }
    }

    /// The name with its C++ namespace for the few nodes that torch writes by hand.
    pub fn full_name(&self) -> &'static str {
        match self.name {
            "AccumulateGrad" => "torch::autograd::AccumulateGrad",
            "CopySlices" => "torch::autograd::CopySlices",
            "CopyBackwards" => "torch::autograd::CopyBackwards",
            "NotImplemented" => "torch::autograd::NotImplemented",
            name => name,
        }
    }

    /// Number of forward outputs.
    pub fn num_outputs(&self) -> usize {
        self.outputs.lock().unwrap_or_else(|e| e.into_inner()).len()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        graveyard::bury(Remains::Node(std::mem::take(&mut self.edges), self.body.take(), self.extra.take()));
    }
}
