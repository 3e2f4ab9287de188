//! Frees graphs of any depth without recursion.
//!
//! A node holds the nodes before it, and a tensor may hold, through its gradient or a hook, the next tensor of a long
//! chain. What dies while something else is being freed on this thread queues up here instead of nesting.

use super::node::{Edge, Extra, Hook, HookKind, Vjp};
use super::tensor::Tensor;
use smallvec::SmallVec;
use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

/// What is left of a node or of a tensor's autograd state.
#[expect(dead_code, reason = "held to be dropped")]
pub(super) enum Remains {
    Node(SmallVec<[Option<Edge>; 2]>, Option<Box<dyn Vjp>>, Option<Box<Extra>>),
    Meta {
        grad: Option<Tensor>,
        grad_python: Option<Box<dyn Any + Send + Sync>>,
        hooks: Vec<(u64, HookKind, Arc<dyn Hook>)>,
        post_accumulate: Vec<(u64, Arc<dyn Hook>)>,
    },
}

thread_local! {
    static QUEUE: RefCell<Option<Vec<Remains>>> = const { RefCell::new(None) };
}

/// Frees `remains`, at once or, if this thread is freeing something already, after that.
pub(super) fn bury(remains: Remains) {
    let mut mine = Some(remains);
    let outermost = QUEUE
        .try_with(|queue| {
            let mut queue = queue.borrow_mut();
            match queue.as_mut() {
                Some(queue) => {
                    queue.extend(mine.take());
                    false
                }
                None => {
                    *queue = Some(Vec::new());
                    true
                }
            }
        })
        .unwrap_or(false);
    drop(mine);
    if outermost {
        // Each part is dropped outside of the borrow, so that what dies with it can queue up.
        while let Some(part) = QUEUE.with(|queue| queue.borrow_mut().as_mut().and_then(Vec::pop)) {
            drop(part);
        }
        QUEUE.with(|queue| *queue.borrow_mut() = None);
    }
}
