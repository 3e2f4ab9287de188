//! What the garbage collector may see of tensors and graphs.
//!
//! Python objects hang off Rust's side of a graph: hooks, the `ctx` of Python functions, what hooks on saved tensors
//! stored. The collector may follow a reference only from its one holder, so a walk starts at a Python object and enters
//! what that object alone keeps alive: a tensor or node is entered once all its strong references were met on the way.
//!
//! Other threads may run kernels and backward passes meanwhile, without the GIL. The collector walks the same objects
//! several times, and what a later walk misses that an earlier one saw would be taken for garbage. That cannot happen:
//! what another thread can reach, it holds, directly or through something that it holds, and then the counts of the
//! walk do not add up there or above. A thread that lets go in between only makes later walks see more. Weak references
//! are the exception, and the two that threads follow without the GIL are left out below.

use super::hooks::PyHook;
use crate::autograd::accumulate::Accumulate;
use crate::tensor::node::{Hook, HookKind};
use crate::tensor::tensor::{AutogradMeta, MetaState};
use crate::tensor::{DType, Node, Part, Storage, Tensor};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use std::any::Any;
use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Visited = std::result::Result<(), PyTraverseError>;

/// How many Python objects graphs hold in this process. Without any, walks have nothing to find.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// A Python object that a graph holds.
pub(super) struct Held(Py<PyAny>);

impl Held {
    pub(super) fn new(object: Py<PyAny>) -> Held {
        HELD.fetch_add(1, Ordering::Relaxed);
        Held(object)
    }
}

impl std::ops::Deref for Held {
    type Target = Py<PyAny>;
    fn deref(&self) -> &Py<PyAny> {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a walk has entered but not looked into yet.
enum Item {
    Tensor(NonNull<Tensor>),
    Meta(NonNull<AutogradMeta>),
    Node(NonNull<Node>),
}

struct Walk<'a, 'v> {
    visit: &'a PyVisit<'v>,
    queue: Vec<Item>,
    // References met so far, of things that have several.
    met: HashMap<usize, usize>,
    result: Visited,
}

/// Visits the Python objects that a handle of its owner's, and nobody else, keeps alive.
pub(super) fn tensor(t: &Tensor, visit: &PyVisit<'_>) -> Visited {
    if t.use_count() == 1
        && let Some(meta) = t.meta_if_any()
        && Arc::strong_count(meta) == 1
    {
        let m = meta.lock();
        // A backward pass finds the state of such a tensor through a weak reference.
        if !m.retains_grad {
            m.grad_python.as_ref().and_then(|g| g.downcast_ref::<Py<PyAny>>()).map_or(Ok(()), |g| visit.call(g))?;
        }
    }
    parts(visit, |see| see(Part::Tensor(t)))
}

/// The same for whatever `start` shows.
pub(super) fn parts(visit: &PyVisit<'_>, start: impl FnOnce(&mut dyn FnMut(Part<'_>))) -> Visited {
    if HELD.load(Ordering::Relaxed) == 0 {
        return Ok(());
    }
    let mut walk = Walk { visit, queue: Vec::new(), met: HashMap::new(), result: Ok(()) };
    start(&mut |part| walk.see(part));
    while walk.result.is_ok()
        && let Some(item) = walk.queue.pop()
    {
        // SAFETY: the item's owners were all entered, which keep it where it is, and nobody else can reach it.
        unsafe {
            match item {
                Item::Tensor(t) => walk.tensor(t.as_ref()),
                Item::Meta(m) => walk.meta(m.as_ref()),
                Item::Node(n) => walk.node(n.as_ref()),
            }
        }
    }
    walk.result
}

impl Walk<'_, '_> {
    fn see(&mut self, part: Part<'_>) {
        let (at, count, item) = match part {
            Part::Tensor(t) => (t.id(), t.use_count(), Item::Tensor(t.into())),
            Part::Node(n) => (Arc::as_ptr(n) as usize, Arc::strong_count(n), Item::Node((&**n).into())),
            Part::Meta(m) => (Arc::as_ptr(m) as usize, Arc::strong_count(m), Item::Meta((&**m).into())),
            Part::Other(any) => return self.other(any),
        };
        if count > 1 {
            let met = self.met.entry(at).or_insert(0);
            *met += 1;
            if *met != count {
                return;
            }
        }
        self.queue.push(item);
    }

    fn object(&mut self, object: &Py<PyAny>) {
        if self.result.is_ok() {
            self.result = self.visit.call(object);
        }
    }

    fn other(&mut self, any: &dyn Any) {
        if self.result.is_err() {
            return;
        }
        if let Some(p) = any.downcast_ref::<super::autograd::PyPacked>() {
            self.result = p.visit(self.visit);
        } else if let Some(f) = any.downcast_ref::<super::function::PyNode>() {
            self.result = f.visit(self.visit);
        }
    }

    fn hook(&mut self, hook: &Arc<dyn Hook>) {
        if Arc::strong_count(hook) == 1
            && let Some(h) = hook.as_any().downcast_ref::<PyHook>()
            && self.result.is_ok()
        {
            self.result = h.visit(self.visit);
        }
    }

    fn tensor(&mut self, t: &Tensor) {
        if let Some(base) = t.base() {
            self.see(Part::Tensor(base));
        }
        if let Some(meta) = t.meta_if_any() {
            self.see(Part::Meta(meta));
        }
    }

    fn meta(&mut self, meta: &AutogradMeta) {
        let m = meta.lock();
        m.hooks.iter().for_each(|h| self.hook(&h.2));
        m.post_accumulate.iter().for_each(|h| self.hook(&h.1));
        let MetaState { grad, grad_fn, .. } = &*m;
        if let Some(grad) = grad {
            self.see(Part::Tensor(grad));
        }
        if let Some(edge) = grad_fn {
            self.see(Part::Node(&edge.node));
        }
    }

    fn node(&mut self, node: &Node) {
        // An operation on the leaf takes its accumulator up through a weak reference; none runs if nobody has the leaf.
        let findable = (node.body().as_any().downcast_ref::<Accumulate>()).is_some_and(|a| a.variable.use_count() > 1);
        if let Some(extra) = node.extra_if_any()
            && !findable
        {
            let hooks = extra.hooks.lock().unwrap_or_else(|e| e.into_inner());
            hooks.iter().filter(|h| !matches!(h.1, HookKind::RetainGrad(_))).for_each(|h| self.hook(&h.2));
            drop(hooks);
            let python = extra.python.lock().unwrap_or_else(|e| e.into_inner());
            if let Some(obj) = python.as_ref().and_then(|p| p.downcast_ref::<Held>()) {
                self.object(obj);
            }
        }
        for edge in node.edges.iter().flatten() {
            self.see(Part::Node(&edge.node));
        }
        self.other(node.body().as_any());
        node.body().parts(&mut |part| self.see(part));
    }
}

/// An empty tensor without memory, which takes the place of what the collector clears.
pub(super) fn nothing() -> Tensor {
    // SAFETY: no index lies within a shape of no elements.
    unsafe { Tensor::from_parts(Storage::meta(0), 0, smallvec::smallvec![0], smallvec::smallvec![1], DType::F32) }
}
