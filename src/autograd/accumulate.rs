//! The node that adds a gradient to a leaf.

use super::engine::{EngineOps, ops};
use super::mode;
use crate::error::Result;
use crate::tensor::node::{Hook, HookKind};
use crate::tensor::tensor::AutogradMeta;
use crate::tensor::{Grads, Node, OutMeta, Tensor, Vjp};
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

impl Accumulate {
    /// The leaf's own hooks, which live with the leaf since its node may come and go.
    pub fn hooks(&self) -> SmallVec<[Arc<dyn Hook>; 1]> {
        let m = self.meta.lock();
        m.hooks.iter().filter(|h| matches!(h.1, HookKind::Tensor(_))).map(|h| h.2.clone()).collect()
    }

    fn add(&self, ops: &EngineOps, g: &Tensor) -> Result<()> {
        let old = self.meta.lock().grad.clone();
        let create_graph = mode::grad_enabled();
        let sum = match old {
            None => {
                // The engine's buffer holds one handle and `g` is it: nobody else can see the memory, so keep it.
                let sole = g.use_count() == 1 && g.storage().use_count() == 1 && !create_graph;
                if sole && g.strides() == self.variable.strides() && !g.requires_grad() {
                    g.clone()
                } else {
                    (ops.clone_like)(g, &self.variable)?
                }
            }
            Some(old) if !create_graph => {
                (ops.add_in_place)(&old, g)?;
                return Ok(());
            }
            Some(old) => (ops.add)(&old, g)?,
        };
        self.meta.lock().grad = Some(sum);
        Ok(())
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

    fn as_any(&self) -> &dyn Any {
        self
    }
}
