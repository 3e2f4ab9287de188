//! Tensors kept for backward, checked for changes in place when they are read.

use super::accumulate::{self, Accumulate};
use super::mode;
use crate::error::{Error, Result};
use crate::fail;
use crate::tensor::{Edge, Node, OutMeta, Part, Strides, Tensor};
use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

/// User functions that store saved tensors elsewhere (`saved_tensors_hooks`).
pub trait SavedHooks: Send + Sync {
    /// Called when a tensor is saved; what it gives back brings the tensor again.
    fn pack(&self, t: &Tensor) -> Result<Arc<dyn Packed>>;
}

/// A stored tensor.
pub trait Packed: Send + Sync {
    /// The tensor again.
    fn unpack(&self) -> Result<Tensor>;
    /// For the garbage collector's walk.
    fn as_any(&self) -> &dyn Any;
}

thread_local! { static HOOKS: RefCell<Vec<Result<Arc<dyn SavedHooks>>>> = const { RefCell::new(Vec::new()) }; }

/// Makes hooks apply to tensors saved from here on. An error in place of hooks forbids them with that message.
pub fn push_hooks(hooks: Result<Arc<dyn SavedHooks>>) {
    HOOKS.with(|h| h.borrow_mut().push(hooks));
    mode::set_saved_hooks(true);
}

/// Ends what the last [`push_hooks`] began.
pub fn pop_hooks() {
    let (last, left) = HOOKS.with(|h| {
        let mut h = h.borrow_mut();
        (h.pop(), h.len())
    });
    mode::set_saved_hooks(left > 0);
    // Outside of the borrow: the functions' end may run anything.
    drop(last);
}

/// The hooks that apply on this thread, for another one.
pub(super) fn carried_hooks() -> Vec<Result<Arc<dyn SavedHooks>>> {
    let copy = |hooks: &Result<Arc<dyn SavedHooks>>| match hooks {
        Ok(hooks) => Ok(hooks.clone()),
        Err(e) => Err(Error::new(e.kind(), e.message().to_owned())),
    };
    HOOKS.with(|h| h.borrow().iter().map(copy).collect())
}

/// Lets another thread's hooks apply on this one, whose switches are set already.
pub(super) fn set_hooks(hooks: Vec<Result<Arc<dyn SavedHooks>>>) {
    HOOKS.with(|h| *h.borrow_mut() = hooks);
}

/// Is a message set that forbids saved-tensor hooks?
pub fn hooks_forbidden() -> Option<String> {
    HOOKS.with(|h| h.borrow().last().and_then(|l| l.as_ref().err().map(|e| e.message().to_owned())))
}

/// Do hooks apply to tensors that are saved here?
pub fn hooks_active() -> bool {
    active().is_some()
}

fn active() -> Option<Arc<dyn SavedHooks>> {
    HOOKS.with(|h| h.borrow().last().and_then(|l| l.as_ref().ok().cloned()))
}

/// A tensor kept for backward.
#[derive(Clone)]
pub struct Saved(Kind);

#[derive(Clone)]
enum Kind {
    // An input, with its history.
    Input(Tensor, u32),
    // An output without its history: the node itself is its history, and holding it would make a cycle.
    Output(Tensor, u32, u32),
    // Stored elsewhere, which keeps the values alone; what they are like and the history stay here.
    Packed(Arc<dyn Packed>, Arc<Like>),
}

/// What a tensor that hooks store was like.
struct Like {
    meta: OutMeta,
    strides: Strides,
    past: Past,
}

/// The history of a tensor that hooks store.
enum Past {
    None,
    // An input: what made it, or a leaf's accumulator.
    Node(Edge),
    Output(u32),
}

impl Past {
    fn of(t: &Tensor) -> Past {
        super::gradient_edge(t).map_or(Past::None, Past::Node)
    }

    /// The stored tensor with its history.
    fn give(&self, t: Tensor, node: &Arc<Node>) -> Tensor {
        match self {
            Past::None => t,
            Past::Node(edge) if edge.node.body().as_any().is::<Accumulate>() => accumulate::stand_in(&t, &edge.node),
            Past::Node(edge) => with_edge(&t, edge.clone()),
            Past::Output(nr) => with_history(&t, node, *nr),
        }
    }
}

impl Like {
    fn new(t: &Tensor, past: Past) -> Arc<Like> {
        Arc::new(Like { meta: OutMeta::of(t), strides: t.strides().into(), past })
    }

    /// What a hook gave back, like the tensor that was saved: derivatives and their kernels count on that.
    fn fit(&self, t: Tensor) -> Result<Tensor> {
        let (meta, Some(ops)) = (&self.meta, super::engine::ops()) else {
            crate::internal!("the engine has no operations.")
        };
        if !super::engine::expandable(t.shape(), &meta.shape) {
            fail!(Runtime, expected: ("unpack_hook: expected a tensor of the saved one's shape {:?}", &meta.shape[..]), got: ("{:?}", t.shape()),
                fix: ("Return from unpack_hook what pack_hook was given."));
        }
        if t.data_device() != meta.device {
            fail!(Runtime, torch: ("Tensor on device {} is not on the expected device {}!", t.data_device(), meta.device),
                expected: ("unpack_hook: expected a tensor on {}", meta.device), got: ("{}", t.data_device()), fix: ("Move it back with .to()."));
        }
        let t = if t.dtype() == meta.dtype { t } else { (ops.cast)(&t, meta.dtype)? };
        if t.shape() == &meta.shape[..] && t.sparse().is_some() {
            return Ok(t);
        }
        if t.shape() == &meta.shape[..] && t.strides() == &self.strides[..] {
            return Ok(t);
        }
        (ops.lay_out)(&t, &meta.shape, &self.strides)
    }
}

impl Saved {
    /// Keeps an input.
    #[inline]
    pub fn input(t: &Tensor) -> Result<Saved> {
        if mode::bits() & mode::SAVED_HOOKS != 0
            && let Some(hooks) = active()
        {
            return Ok(Saved(Kind::Packed(hooks.pack(t)?, Like::new(t, Past::of(t)))));
        }
        if t.is_inference() {
            return inference();
        }
        Ok(Saved(Kind::Input(t.clone(), t.version())))
    }

    /// Keeps a tensor for who asks before any backward, where nothing is recorded.
    pub fn unrecorded(t: &Tensor) -> Saved {
        Saved(Kind::Input(t.clone(), t.version()))
    }

    /// Keeps output `nr` of the node that is being made.
    #[inline]
    pub fn output(t: &Tensor, nr: u32) -> Result<Saved> {
        if mode::bits() & mode::SAVED_HOOKS != 0
            && let Some(hooks) = active()
        {
            return Ok(Saved(Kind::Packed(hooks.pack(&t.detach())?, Like::new(t, Past::Output(nr)))));
        }
        Ok(Saved(Kind::Output(t.detach(), t.version(), nr)))
    }

    /// The same before the output has its values; [`Saved::settle`] has to follow.
    pub(super) fn ahead(t: &Tensor, nr: u32) -> Saved {
        Saved(Kind::Output(t.detach(), 0, nr))
    }

    /// Keeps an output that was announced, now that it is written.
    pub(super) fn settle(&mut self) -> Result<()> {
        if let Kind::Output(t, version, nr) = &mut self.0 {
            if mode::bits() & mode::SAVED_HOOKS != 0 {
                *self = Saved::output(t, *nr)?;
            } else {
                *version = t.version();
            }
        }
        Ok(())
    }

    /// The tensor, with its history, if it is unchanged.
    pub fn unpack(&self, node: &Arc<Node>) -> Result<Tensor> {
        match &self.0 {
            Kind::Input(t, version) => {
                check(t, *version, node, None)?;
                Ok(t.clone())
            }
            Kind::Output(t, version, nr) => {
                check(t, *version, node, Some(*nr))?;
                Ok(with_history(t, node, *nr))
            }
            Kind::Packed(p, like) => Ok(like.past.give(like.fit(p.unpack()?)?, node)),
        }
    }

    /// Shows what it holds to the garbage collector's walk.
    pub fn part(&self, see: &mut dyn FnMut(Part<'_>)) {
        match &self.0 {
            Kind::Input(t, _) | Kind::Output(t, ..) => see(Part::Tensor(t)),
            Kind::Packed(p, like) => {
                if Arc::strong_count(p) == 1 {
                    see(Part::Other(p.as_any()));
                }
                if Arc::strong_count(like) == 1
                    && let Past::Node(edge) = &like.past
                {
                    see(Part::Node(&edge.node));
                }
            }
        }
    }
}

#[cold]
fn inference() -> Result<Saved> {
    fail!(Runtime, torch: ("Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."),
        expected: ("backward: expected a normal tensor"), got: ("one made in inference mode"), fix: ("Clone it outside inference_mode()."))
}

/// Parameter names of what few operations keep that are called otherwise than `self` and `other`.
const NAMES: &[(&str, &[&str])] = &[
    ("MmBackward0", &["self", "mat2"]),
    ("BmmBackward0", &["self", "mat2"]),
    ("MvBackward0", &["self", "vec"]),
    ("DotBackward0", &["self", "tensor"]),
    ("AddmmBackward0", &["self", "mat1", "mat2"]),
    ("BaddbmmBackward0", &["self", "batch1", "batch2"]),
    ("AddcmulBackward0", &["self", "tensor1", "tensor2"]),
    ("AddcdivBackward0", &["self", "tensor1", "tensor2"]),
    ("PowBackward1", &["self", "exponent"]),
    ("LerpBackward1", &["self", "end", "weight"]),
    ("WhereBackward0", &["condition", "self", "other"]),
    ("ConvolutionBackward0", &["input", "weight", "bias"]),
    ("NativeLayerNormBackward0", &["input", "weight", "bias"]),
    ("NativeGroupNormBackward0", &["input", "weight", "bias"]),
    ("NativeBatchNormBackward0", &["input", "weight", "bias"]),
];

fn parameters(node: &Node) -> &'static [&'static str] {
    NAMES.iter().find(|n| n.0 == node.name).map_or(&["self", "other"][..], |n| n.1)
}

/// Is this the name of an input that the node would keep if another one wanted a gradient?
pub fn may_save(node: &Node, name: &str) -> bool {
    parameters(node).iter().take(node.edges.len()).any(|p| *p == name) && node.edges.len() > 1
}

/// torch's names for what a node keeps, as in `grad_fn._saved_self`: inputs after the parameter that they came from,
/// outputs `result`. Which input it was is read off the edges, so that saving costs nothing for it.
pub fn names(node: &Arc<Node>, list: &[Saved]) -> Vec<String> {
    let params = parameters(node);
    let mut used = vec![false; node.edges.len()];
    let result = |nr: u32| if nr == 0 { "result".to_owned() } else { format!("result{nr}") };
    let name = |saved: &Saved| {
        let own = match &saved.0 {
            Kind::Output(_, _, nr) => return result(*nr),
            Kind::Input(t, _) => super::history::gradient_edge(t),
            Kind::Packed(_, like) => match &like.past {
                Past::Output(nr) => return result(*nr),
                Past::Node(edge) => Some(edge.clone()),
                Past::None => None,
            },
        };
        let fits = |e: &Option<Edge>| match (e, &own) {
            (Some(e), Some(o)) => e.nr == o.nr && Arc::ptr_eq(&e.node, &o.node),
            (None, None) => true,
            _ => false,
        };
        let at = node.edges.iter().enumerate().position(|(i, e)| !used[i] && fits(e));
        at.map_or_else(
            || "value".to_owned(),
            |i| {
                used[i] = true;
                params.get(i).map_or_else(|| format!("input{i}"), ToString::to_string)
            },
        )
    };
    list.iter().map(name).collect()
}

fn with_history(t: &Tensor, node: &Arc<Node>, nr: u32) -> Tensor {
    with_edge(t, Edge { node: node.clone(), nr })
}

fn with_edge(t: &Tensor, edge: Edge) -> Tensor {
    let t = t.detach();
    t.set_history(edge);
    t
}

fn check(t: &Tensor, saved: u32, node: &Arc<Node>, output: Option<u32>) -> Result<()> {
    let now = t.version();
    if now == saved {
        return Ok(());
    }
    changed(t, saved, now, node, output)
}

#[cold]
fn changed(t: &Tensor, saved: u32, now: u32, node: &Arc<Node>, output: Option<u32>) -> Result<()> {
    let which = match output {
        Some(nr) => format!(", which is output {nr} of {},", node.short_name()),
        None => match super::grad_fn(t) {
            Some(edge) => format!(", which is output {} of {},", edge.nr, edge.node.short_name()),
            None => String::new(),
        },
    };
    let hint = if mode::anomaly() {
        "the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or anywhere later. Good luck!"
    } else {
        "enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    };
    let dims = t.shape().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    fail!(Runtime,
        torch: ("one of the variables needed for gradient computation has been modified by an inplace operation: [torch.{}Tensor [{dims}]]{which} is at version {now}; expected version {saved} instead. Hint: {hint}", t.dtype().scalar_name()),
        expected: ("{}: expected the tensor saved by forward to be unchanged (version {saved})", node.name), got: ("version {now}"),
        fix: ("Change a clone() instead, or move the in-place operation after backward()."))
}
