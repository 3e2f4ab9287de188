//! A tensor's place in the graph, also for views whose base was changed in place.

use super::accumulate;
use super::engine::ops;
use crate::tensor::{Edge, Tensor};

/// The edge to the node that made this tensor; None for leaves.
///
/// A view whose base got another history through an in-place operation is given a fresh node that reads from the base.
pub fn grad_fn(t: &Tensor) -> Option<Edge> {
    if !t.requires_grad() {
        return None;
    }
    let Some(base) = t.base() else { return t.grad_fn_raw() };
    let current = base.meta_if_any().map_or(0, |m| m.lock().history_version);
    if t.meta_if_any().map_or(0, |m| m.lock().attr_version) != current
        && let Some(ops) = ops()
        && grad_fn(base).is_some()
    {
        let edge = (ops.view_node)(t, base);
        t.set_history(edge);
        t.meta().lock().attr_version = current;
    }
    t.grad_fn_raw()
}

/// Where this tensor's gradient goes: the node that made it, or a leaf's accumulator. None if it wants no gradient.
#[inline]
pub fn gradient_edge(t: &Tensor) -> Option<Edge> {
    if !t.requires_grad() {
        return None;
    }
    grad_fn(t).or_else(|| Some(Edge { node: accumulate::accumulator(t), nr: 0 }))
}
