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
    const AMBIGUOUS: &str = "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the";
    let why = match t.creation() {
        Creation::Default => return Ok(()),
        Creation::NoGrad => format!(
            "{AMBIGUOUS} no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
        ),
        Creation::Inference => format!(
            "{AMBIGUOUS} inference_mode block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
        ),
        Creation::Multiple => "This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.".to_owned(),
        Creation::Custom => "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function.".to_owned(),
    };
    let (origin, got) = match t.grad_fn_raw() {
        Some(e) => {
            let name = e.node.short_name();
            (format!("Output {} of {name} is a view and {what} modified inplace.", e.nr), name)
        }
        None if t.creation() == Creation::Inference => (
            format!("A view was created in inference mode and {what} modified inplace in normal mode."),
            "inference mode".to_owned(),
        ),
        None => {
            let text =
                format!("A view was created in no_grad mode and {what} modified inplace with grad mode enabled.");
            (text, "no_grad mode".to_owned())
        }
    };
    fail!(Runtime, torch: ("{origin} {why}"),
        expected: ("in-place: expected an ordinary view"), got: ("a view from {got}"), fix: ("Change a clone() instead."))
}

/// Where this tensor's gradient goes: the node that made it, or a leaf's accumulator. None if it wants no gradient.
#[inline]
pub fn gradient_edge(t: &Tensor) -> Option<Edge> {
    if !t.requires_grad() {
        return None;
    }
    grad_fn(t).or_else(|| Some(Edge { node: accumulate::accumulator(t), nr: 0 }))
}
