//! The part of the graph that one backward pass runs through, found before it starts.

use super::accumulate::Accumulate;
use crate::tensor::node::SEQ_FIRST;
use crate::tensor::{Edge, Node, Tensor};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
struct PointerHasher(u64);

impl Hasher for PointerHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_usize(b as usize);
        }
    }
    fn write_usize(&mut self, n: usize) {
        // Nodes are 16-byte aligned allocations: multiply to spread the bits that differ (Fibonacci hashing).
        self.0 = (self.0 ^ n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }
}

type Index = HashMap<usize, u32, BuildHasherDefault<PointerHasher>>;

/// Stands for an edge that leads nowhere.
pub(super) const NOWHERE: u32 = u32::MAX;

const WANTED: u8 = 1;
const CAPTURED: u8 = 2;

/// The nodes of a pass, numbered in the order in which they were found.
pub(super) struct Plan {
    /// The nodes.
    pub nodes: Vec<Arc<Node>>,
    /// How many gradients each node waits for.
    pub waiting: Vec<u32>,
    // The numbers of all nodes' children one after another, and where each node's begin.
    children: Vec<u32>,
    starts: Vec<u32>,
    flags: Vec<u8>,
    index: Index,
    /// Are gradients given back for chosen edges, or added to chosen leaves alone?
    pub restricted: bool,
}

fn key(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node) as usize
}

impl Plan {
    /// Finds all nodes below the roots and counts the gradients that each waits for.
    pub fn discover(roots: &[(Edge, Option<Tensor>)]) -> Plan {
        let mut p = Plan {
            nodes: Vec::with_capacity(64),
            waiting: Vec::with_capacity(64),
            children: Vec::with_capacity(128),
            starts: Vec::with_capacity(64),
            flags: Vec::new(),
            index: Index::default(),
            restricted: false,
        };
        for (edge, _) in roots {
            p.add(&edge.node);
        }
        let mut at = 0;
        while at < p.nodes.len() {
            let node = p.nodes[at].clone();
            p.starts.push(p.children.len() as u32);
            for edge in &node.edges {
                let child = match edge {
                    Some(e) => {
                        let child = p.add(&e.node);
                        p.waiting[child as usize] += 1;
                        child
                    }
                    None => NOWHERE,
                };
                p.children.push(child);
            }
            at += 1;
        }
        p.flags = vec![WANTED; p.nodes.len()];
        p
    }

    fn add(&mut self, node: &Arc<Node>) -> u32 {
        let next = self.nodes.len() as u32;
        let at = *self.index.entry(key(node)).or_insert(next);
        if at == next {
            self.nodes.push(node.clone());
            self.waiting.push(0);
        }
        at
    }

    /// Keeps only nodes from which a wanted edge can be reached. Returns (node, output, number of the edge) of those in
    /// this graph.
    pub fn restrict(&mut self, inputs: &[Edge], accumulate: bool) -> Vec<(u32, u32, u32)> {
        self.restricted = true;
        self.flags.iter_mut().for_each(|f| *f = 0);
        let mut captures = Vec::new();
        for (i, edge) in inputs.iter().enumerate() {
            if let Some(at) = self.find(&edge.node) {
                if accumulate && edge.node.body().as_any().is::<Accumulate>() {
                    self.flags[at as usize] |= WANTED;
                }
                self.flags[at as usize] |= CAPTURED;
                captures.push((at, edge.nr, i as u32));
            }
        }
        // A node's edges lead to nodes made before it, so one pass in order of creation settles them all.
        let mut order: Vec<u32> = (0..self.nodes.len() as u32).collect();
        order.sort_unstable_by_key(|&i| {
            let seq = self.nodes[i as usize].seq;
            if seq == SEQ_FIRST { 0 } else { seq }
        });
        for i in order {
            if self.children(i).iter().any(|&c| self.visits(c)) {
                self.flags[i as usize] |= WANTED;
            }
        }
        captures
    }

    /// A node's number.
    pub fn find(&self, node: &Arc<Node>) -> Option<u32> {
        self.index.get(&key(node)).copied()
    }

    /// The numbers of the nodes that a node's edges lead to.
    pub fn children(&self, at: u32) -> &[u32] {
        let end = self.starts.get(at as usize + 1).map_or(self.children.len(), |&e| e as usize);
        &self.children[self.starts[at as usize] as usize..end]
    }

    /// Is a node run?
    pub fn runs(&self, at: u32) -> bool {
        self.flags[at as usize] & WANTED != 0
    }

    /// Is the gradient that reaches a node given back?
    pub fn captures(&self, at: u32) -> bool {
        self.flags[at as usize] & CAPTURED != 0
    }

    /// Do gradients flow to a node at all?
    pub fn visits(&self, at: u32) -> bool {
        at != NOWHERE && self.flags[at as usize] != 0
    }
}

type Callback = Box<dyn FnOnce() -> crate::error::Result<()>>;

/// A pass that is running on this thread.
struct Run {
    id: u64,
    plan: Arc<Plan>,
    callbacks: Vec<Callback>,
}

thread_local! { static RUNS: RefCell<Vec<Run>> = const { RefCell::new(Vec::new()) }; }

/// Marks a pass as running until dropped.
pub(super) struct Running;

impl Running {
    pub(super) fn new(plan: &Arc<Plan>) -> Running {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        RUNS.with(|r| r.borrow_mut().push(Run { id, plan: plan.clone(), callbacks: Vec::new() }));
        Running
    }

    /// Calls what was queued for the end of this pass, and what that queues.
    pub(super) fn finish(&self) -> crate::error::Result<()> {
        loop {
            let queued =
                RUNS.with(|r| r.borrow_mut().last_mut().map(|r| std::mem::take(&mut r.callbacks))).unwrap_or_default();
            if queued.is_empty() {
                return Ok(());
            }
            queued.into_iter().try_for_each(|f| f())?;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let run = RUNS.with(|r| r.borrow_mut().pop());
        drop(run);
    }
}

/// The passes that run on this thread, for another one that takes a part of their work over.
pub(super) fn carried_runs() -> Vec<(u64, Arc<Plan>)> {
    RUNS.with(|r| r.borrow().iter().map(|r| (r.id, r.plan.clone())).collect())
}

/// Takes over another thread's passes; what they call at their end stays there.
pub(super) fn set_runs(runs: Vec<(u64, Arc<Plan>)>) {
    let runs = runs.into_iter().map(|(id, plan)| Run { id, plan, callbacks: Vec::new() }).collect();
    RUNS.with(|r| *r.borrow_mut() = runs);
}

/// The number of the innermost pass that runs on this thread.
pub fn current_run() -> Option<u64> {
    RUNS.with(|r| r.borrow().last().map(|r| r.id))
}

/// Is a pass running on this thread that does not reach all leaves?
pub fn is_restricted() -> bool {
    RUNS.with(|r| r.borrow().iter().any(|r| r.plan.restricted))
}

/// Will the running pass run this node? None outside of passes; the flag says that a leaf's gradient is given back.
pub fn will_run(node: &Arc<Node>) -> Option<(bool, bool)> {
    let plan = RUNS.with(|r| r.borrow().last().map(|r| r.plan.clone()))?;
    let Some(at) = plan.find(node) else { return Some((false, false)) };
    Some((plan.visits(at), plan.restricted && plan.captures(at) && node.edges.is_empty()))
}

/// Queues a function for the end of the running pass. False outside of passes.
pub fn at_end(f: Callback) -> bool {
    RUNS.with(|r| match r.borrow_mut().last_mut() {
        Some(run) => {
            run.callbacks.push(f);
            true
        }
        None => false,
    })
}
