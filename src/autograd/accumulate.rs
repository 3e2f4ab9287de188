//! The node that adds a gradient to a leaf.

use super::engine::{EngineOps, ops};
use super::mode;
use crate::error::Result;
use crate::tensor::node::{Hook, HookKind};
use crate::tensor::tensor::AutogradMeta;
use crate::tensor::{Grads, Node, OutMeta, Part, Tensor, Vjp};
use smallvec::{SmallVec, smallvec};
use std::any::Any;
use std::sync::Arc;

/// Adds what arrives to the leaf's `.grad`.
pub struct Accumulate {
    /// The leaf.
    pub variable: Tensor,
    meta: Arc<AutogradMeta>,
}

/// The leaf's accumulator, made if no graph holds one.
pub fn accumulator(t: &Tensor) -> Arc<Node> {
    let meta = t.meta();
    let mut m = meta.lock();
    if let Some(node) = m.accumulator.upgrade() {
        return node;
    }
    let node = Node::first("AccumulateGrad", Box::new(Accumulate { variable: t.clone(), meta: meta.clone() }));
    node.add_output(OutMeta::of(t));
    let node = Arc::new(node);
    m.accumulator = Arc::downgrade(&node);
    node
}

/// A leaf with the data of `t` whose gradient goes to the leaf of accumulator `node`.
pub fn stand_in(t: &Tensor, node: &Arc<Node>) -> Tensor {
    let t = t.detach();
    t.set_requires_grad(true);
    t.meta().lock().accumulator = Arc::downgrade(node);
    t
}

impl Accumulate {
    /// The leaf's own hooks, which live with the leaf since its node may come and go.
    pub fn hooks(&self) -> SmallVec<[Arc<dyn Hook>; 1]> {
        let m = self.meta.lock();
        m.hooks.iter().filter(|h| matches!(h.1, HookKind::Tensor(_))).map(|h| h.2.clone()).collect()
    }

    fn add(&self, ops: &EngineOps, g: &Tensor) -> Result<()> {
        if mode::grad_enabled() {
            return self.add_recorded(ops, g);
        }
        let _turn = self.meta.adding();
        let old = self.meta.lock().grad.clone();
        if let Some(old) = old {
            // Such a sum has another form than what was there.
            if old.sparse().is_some() && g.sparse().is_none() || old.is_lazy() {
                let old = if old.is_lazy() { (ops.clone_like)(&old, &old)? } else { old };
                self.meta.set_grad(Some((ops.add)(&old, g)?));
                return Ok(());
            }
            return (ops.add_in_place)(&old, g);
        }
        // The engine's buffer holds one handle and `g` is it: nobody else can see the memory, so keep it.
        let sole = g.use_count() == 1 && g.storage().use_count() == 1;
        let first = if sole && g.strides() == self.variable.strides() && !g.requires_grad() {
            g.clone()
        } else {
            (ops.clone_like)(g, &self.variable)?
        };
        self.meta.set_grad(Some(first));
        Ok(())
    }

    // Recording may call hooks on saved tensors, so no lock is held; who was overtaken by another thread adds again.
    fn add_recorded(&self, ops: &EngineOps, g: &Tensor) -> Result<()> {
        loop {
            let old = self.meta.lock().grad.clone();
            let sum = match &old {
                None => (ops.clone_like)(g, &self.variable)?,
                Some(old) if old.is_lazy() => (ops.add)(&(ops.clone_like)(old, old)?, g)?,
                Some(old) => (ops.add)(old, g)?,
            };
            if self.meta.swap_grad(old.as_ref(), sum) {
                return Ok(());
            }
        }
    }
}

impl Vjp for Accumulate {
    fn vjp(&self, _node: &Arc<Node>, grads: &[Option<Tensor>], _need: u64, _keep: bool) -> Result<Grads> {
        let (Some(Some(g)), Some(ops)) = (grads.first(), ops()) else { return Ok(smallvec![]) };
        self.add(ops, g)?;
        let hooks: SmallVec<[Arc<dyn Hook>; 1]> =
            self.meta.lock().post_accumulate.iter().map(|h| h.1.clone()).collect();
        for hook in hooks {
            hook.post(&mut smallvec![Some(self.variable.clone())], grads)?;
        }
        Ok(smallvec![])
    }

    fn takes_sparse(&self) -> bool {
        true
    }

    fn parts(&self, see: &mut dyn FnMut(Part<'_>)) {
        see(Part::Tensor(&self.variable));
        see(Part::Meta(&self.meta));
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
