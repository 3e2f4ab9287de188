//! Users' own kernels: WGSL that this crate has not seen before, so always compiled with every check.

use super::context::{Gpu, now};
use super::launch::Arg;
use super::pipeline::Pipeline;
use super::pointwise::Operand;
use super::stream::Binding;
use crate::error::{Error, Kind, Result, three_parts};
use smallvec::SmallVec;
use std::sync::Arc;

/// A user's kernel and what it is called with.
pub struct Custom<'a> {
    /// For messages and profiles.
    pub name: &'a str,
    /// The shader without its parameters, which the host puts in front.
    pub source: &'a str,
    /// The members of its struct of parameters; empty for none.
    pub fields: &'a str,
    /// The function to run.
    pub entry: &'a str,
    /// The tensors, and whether each is written.
    pub args: &'a [(Arg<'a>, bool)],
    /// The parameters, a word for each.
    pub params: &'a [u32],
    /// Workgroups along x, y and z.
    pub groups: [u32; 3],
}

#[cold]
fn wrong(name: &str, text: &str) -> Error {
    three_parts(
        Kind::Runtime,
        None,
        format!("kernel {name}: expected WGSL that compiles, with bindings for its tensors"),
        text.trim().to_owned(),
        "Line numbers count from the parameters, which are put in front of the source.".to_owned(),
    )
}

impl Gpu {
    /// Runs a user's kernel.
    pub fn run(self: &Arc<Self>, k: &Custom) -> Result<()> {
        let most = self.caps().max_groups;
        if let Some(n) = k.groups.iter().find(|&&n| n > most) {
            return Err(three_parts(
                Kind::Value,
                None,
                format!("kernel {}: expected at most {most} workgroups along a dim", k.name),
                n.to_string(),
                "Use a second dim, or let each invocation do more.".to_owned(),
            ));
        }
        for (a, _) in k.args {
            self.check_owner(k.name, a.block)?;
            self.check_reach(k.name, &Operand { block: a.block, dtype: a.dtype, offset: 0, strides: &[] })?;
        }
        let writes: SmallVec<[bool; 8]> = k.args.iter().map(|(_, w)| *w).collect();
        let pipeline = self.custom(k, &writes)?;
        if k.groups.contains(&0) {
            return Ok(());
        }
        let written = |b| k.args.iter().any(|(a, w)| *w && std::ptr::eq(a.block, b));
        let mut copies = SmallVec::<[_; 8]>::new();
        for (a, w) in k.args {
            copies.push(if !w && written(a.block) { Some(self.duplicate(a.block)?) } else { None });
        }
        let bindings: SmallVec<[Binding; 8]> =
            k.args.iter().zip(&copies).map(|((a, _), c)| Binding::whole(c.as_ref().unwrap_or(a.block))).collect();
        let [x, y, z] = k.groups;
        self.stream().dispatch3(self, &pipeline, &bindings, k.params, (x, y, z))
    }

    fn custom(&self, k: &Custom, writes: &[bool]) -> Result<Arc<Pipeline>> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let found = self.pipelines.custom(self, k, writes);
        match now(scope.pop()) {
            Some(e) => {
                self.pipelines.forget(k);
                Err(wrong(k.name, &e.to_string()))
            }
            None => found,
        }
    }
}
