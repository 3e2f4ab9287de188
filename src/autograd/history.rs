//! A tensor's place in the graph, also for views whose base was changed in place.

use super::accumulate;
use super::engine::ops;
use crate::error::Result;
use crate::fail;
use crate::tensor::tensor::Creation;
use crate::tensor::{Edge, Tensor};

/// The edge to the node that made this tensor; None for leaves.
///
/// A view whose base got another history through an in-place operation is given a fresh node that reads from the base.
pub fn grad_fn(t: &Tensor) -> Option<Edge> {
    if !t.requires_grad() {
        return None;
    }
    if let (Some(base), Some(current)) = (t.base(), t.outdated())
        && let Some(ops) = ops()
        && grad_fn(base).is_some()
    {
        let edge = (ops.view_node)(t, base);
        t.set_history(edge);
        t.meta().lock().attr_version = current;
    }
    t.grad_fn_raw()
}

/// Fails for views that may not follow their base through an in-place operation on it.
#[inline]
pub fn check_view(t: &Tensor) -> Result<()> {
    if t.base().is_some() && t.creation() != Creation::Default && t.outdated().is_some() {
        return forbidden(t, "its base or another view of its base has been");
    }
    Ok(())
}

/// The error for a view that one may not change in place, directly or (as `what` says) through its base.
#[cold]
pub fn forbidden(t: &Tensor, what: &str) -> Result<()> {
    let why = match t.creation() {
        Creation::Default => return Ok(()),
        Creation::NoGrad => {
            fail!(Runtime, torch: ("A view was created in no_grad mode and {what} modified inplace with grad mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."),
                expected: ("in-place: expected the view and the change in one grad mode"), got: ("a view made without grad"), fix: ("Move both into no_grad(), or both out of it."))
        }
        Creation::Multiple => {
            "This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one."
        }
        Creation::Custom => {
            "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
        }
    };
    let (nr, name) = t.grad_fn_raw().map_or((0, "None"), |e| (e.nr, e.node.short_name()));
    fail!(Runtime, torch: ("Output {nr} of {name} is a view and {what} modified inplace. {why}"),
        expected: ("in-place: expected an ordinary view"), got: ("an output of {name}"), fix: ("Change a clone() instead."))
}

/// Where this tensor's gradient goes: the node that made it, or a leaf's accumulator. None if it wants no gradient.
#[inline]
pub fn gradient_edge(t: &Tensor) -> Option<Edge> {
    if !t.requires_grad() {
        return None;
    }
    grad_fn(t).or_else(|| Some(Edge { node: accumulate::accumulator(t), nr: 0 }))
}
