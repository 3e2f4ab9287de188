//! In-place changes: torch's rules, and the history of views and their bases.

use super::lazy;
use super::reinterpret::{view_as_complex, view_as_real};
use super::view::{self, Geometry};
use crate::autograd::record::{Ctx, Saver, ahead};
use crate::autograd::{gradient_edge, mode, needs_grad};
use crate::dispatch::{self, Fun, Params};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::schema::{Args, Dest, Ret};
use crate::tensor::layout::{self, Shape, Strides};
use crate::tensor::{DType, Edge, Grads, Node, OutMeta, Part, Scalar, Tensor, Vjp};
use smallvec::SmallVec;
use std::any::Any;
use std::sync::Arc;

/// May `x` be changed in place? `recorded`: the change will be recorded.
pub fn check(x: &Tensor, recorded: bool) -> Result<()> {
    check_history(x, recorded)?;
    check_elements(x)
}

fn check_elements(x: &Tensor) -> Result<()> {
    if layout::has_internal_overlap(x.shape(), x.strides()) {
        fail!(Runtime, torch: ("unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation."),
            expected: ("in-place: expected every element at its own address"), got: ("an expanded or overlapping view"), fix: ("Use clone() first."));
    }
    Ok(())
}

/// The part of [`check`] that concerns autograd: all that matters where the elements stay.
pub fn check_history(x: &Tensor, recorded: bool) -> Result<()> {
    if x.is_inference() && !mode::inference() {
        fail!(Runtime, torch: ("Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."),
            expected: ("in-place: expected a normal tensor"), got: ("one made in inference mode"), fix: ("Clone it outside inference_mode()."));
    }
    if recorded {
        if let Some(base) = x.base() {
            check_view(x, base)?;
        }
        if x.requires_grad() && x.is_leaf() {
            fail!(Runtime, torch: ("a leaf Variable that requires grad is being used in an in-place operation."),
                expected: ("in-place: expected a tensor that is not a leaf"), got: ("a leaf that requires grad"), fix: ("Wrap the update in torch.no_grad(), or change a clone()."));
        }
    }
    Ok(())
}

fn check_view(x: &Tensor, base: &Tensor) -> Result<()> {
    crate::autograd::history::forbidden(x, "is being")?;
    if x.requires_grad() && base.is_leaf() {
        fail!(Runtime, torch: ("a view of a leaf Variable that requires grad is being used in an in-place operation."),
            expected: ("in-place: expected a view of a tensor that is not a leaf"), got: ("a view of a leaf that requires grad"), fix: ("Wrap the update in torch.no_grad(), or clone the leaf first."));
    }
    Ok(())
}

/// Do two tensors share a byte?
pub fn may_overlap(a: &Tensor, b: &Tensor) -> bool {
    if !a.storage().is(b.storage()) || a.numel() == 0 || b.numel() == 0 {
        return false;
    }
    let range = |t: &Tensor| {
        let (lo, hi) = layout::span(t.shape(), t.strides());
        let size = t.dtype().size() as isize;
        ((t.offset() as isize + lo) * size, (t.offset() as isize + hi) * size)
    };
    let ((a0, a1), (b0, b1)) = (range(a), range(b));
    a0 < b1 && b0 < a1
}

fn refuse_shared() -> Result<()> {
    fail!(Runtime, torch: ("unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the tensor before performing the operation."),
        expected: ("in-place: expected an operand with memory of its own"), got: ("one that shares a part with the result"), fix: ("Use clone() first."))
}

/// Do two dense tensors share a byte? Others are not compared, as in torch: it would take too long to tell.
fn share(x: &Tensor, y: &Tensor) -> bool {
    let dense = |t: &Tensor| layout::is_non_overlapping_and_dense(t.shape(), t.strides());
    may_overlap(x, y) && dense(x) && dense(y)
}

/// A write must not change what it still has to read: `x` and `y` may be the same elements, or apart.
pub fn check_overlap(x: &Tensor, y: &Tensor) -> Result<()> {
    if x.is(y) || !share(x, y) {
        return Ok(());
    }
    let same = x.starts_with(y) && x.numel() * x.dtype().size() == y.numel() * y.dtype().size();
    if same && x.strides() == y.strides() { Ok(()) } else { refuse_shared() }
}

/// A write to places that indices name must not change what it reads: none of `ys` is `x`, or plainly a part of it.
pub fn check_apart(x: &Tensor, ys: &[&Tensor]) -> Result<()> {
    if ys.iter().any(|y| x.is(y) || share(x, y)) { refuse_shared() } else { Ok(()) }
}

/// The same elements in the same order: safe to read and write in one pass.
pub fn same_layout(a: &Tensor, b: &Tensor) -> bool {
    let alike = a.dtype() == b.dtype() && !a.is_lazy() && !b.is_lazy();
    alike && a.starts_with(b) && a.shape() == b.shape() && a.strides() == b.strides()
}

/// An in-place operation: checks, runs `kernel`, counts the change and replaces the history.
///
/// `inputs[0]` is `x`. `build` is as in [`crate::autograd::record`]; it must not save `x` as an input (its old value
/// will be gone).
pub fn write<K, B, F>(x: &Tensor, name: &'static str, inputs: &[&Tensor], kernel: K, build: B) -> Result<Tensor>
where
    K: FnOnce(&Tensor) -> Result<()>,
    B: FnOnce(&mut Saver) -> F,
    F: Fn(&Ctx, &Tensor) -> Result<Grads> + Send + Sync + 'static,
{
    check_elements(x)?;
    overwrite(x, name, inputs, kernel, build)
}

/// [`write`] of one value everywhere, for which elements may share an address.
pub fn overwrite<K, B, F>(x: &Tensor, name: &'static str, inputs: &[&Tensor], kernel: K, build: B) -> Result<Tensor>
where
    K: FnOnce(&Tensor) -> Result<()>,
    B: FnOnce(&mut Saver) -> F,
    F: Fn(&Ctx, &Tensor) -> Result<Grads> + Send + Sync + 'static,
{
    let recorded = needs_grad(inputs) && x.dtype().is_differentiable();
    check_history(x, recorded)?;
    if !recorded {
        kernel(x)?;
        x.bump_version();
        return Ok(x.clone());
    }
    let ahead = ahead(x, name, inputs, build)?;
    kernel(x)?;
    x.bump_version();
    rebase(x, ahead.node()?);
    Ok(x.clone())
}

/// Makes `x` the result of `node`, whose first edge leads to x's old history. If `x` is a view, the base gets the history.
pub fn rebase(x: &Tensor, node: Arc<Node>) {
    rebase_at(x, node, 0);
}

/// The same where edge `at` leads to x's old history.
pub fn rebase_at(x: &Tensor, node: Arc<Node>, at: usize) {
    let nr = node.add_output(OutMeta::of(x));
    let Some(base) = x.base() else {
        x.rebase_history(Edge { node, nr });
        return;
    };
    let mut edges: SmallVec<[Option<Edge>; 2]> = smallvec::smallvec![gradient_edge(base)];
    edges.extend(node.edges.iter().enumerate().filter(|e| e.0 != at).map(|e| e.1.clone()));
    let body = CopySlices { window: Window::of(x, base), node, at };
    let slices = Arc::new(Node::new("CopySlices", edges, Box::new(body)));
    let nr = slices.add_output(OutMeta::of(base));
    let version = base.rebase_history(Edge { node: slices, nr });
    let edge = view_node(x, base);
    x.set_history(edge);
    x.meta().lock().attr_version = version;
}

/// A node that reads the view `x` out of its base: the history of a view after its base changed.
pub fn view_node(x: &Tensor, base: &Tensor) -> Edge {
    let edges = smallvec::smallvec![gradient_edge(base)];
    let node = Arc::new(Node::new("AsStridedBackward0", edges, Box::new(ReadView(Window::of(x, base)))));
    let nr = node.add_output(OutMeta::of(x));
    Edge { node, nr }
}

/// Where a view lies in its base. Where one of both is complex and the other real, in real numbers, with a last dim of 2
/// for the complex one.
#[derive(Clone)]
struct Window {
    shape: Shape,
    strides: Strides,
    inner: Geometry,
    // What has to be seen as real numbers first: the base's gradient, the view's.
    split: (bool, bool),
    // How the base and the view read what is stored: conjugated, negated.
    marks: [(bool, bool); 2],
}

impl Window {
    fn of(x: &Tensor, base: &Tensor) -> Window {
        let mixed = x.dtype().is_complex() != base.dtype().is_complex();
        let split = (mixed && base.dtype().is_complex(), mixed && x.dtype().is_complex());
        let parts = |t: &Tensor, split: bool| -> Geometry {
            let (mut shape, mut strides, mut offset) =
                (Shape::from_slice(t.shape()), Strides::from_slice(t.strides()), t.offset() as isize);
            if split {
                strides.iter_mut().for_each(|s| *s *= 2);
                shape.push(2);
                strides.push(1);
                offset *= 2;
            }
            (shape, strides, offset)
        };
        let ((shape, strides, start), (inner_shape, inner_strides, at)) = (parts(base, split.0), parts(x, split.1));
        let marks = [base, x].map(|t| (t.is_conj(), t.is_neg()));
        Window { shape, strides, inner: (inner_shape, inner_strides, at - start), split, marks }
    }

    /// The base's gradient as one of what is stored, or back.
    fn of_base(&self, g: &Tensor) -> Result<Tensor> {
        lazy::read_as(g, self.marks[0])
    }

    /// The view's gradient as one of what is stored, or back.
    fn of_view(&self, g: &Tensor) -> Result<Tensor> {
        lazy::read_as(g, self.marks[1])
    }
}

fn as_real(t: &Tensor, split: bool) -> Result<Tensor> {
    if split { view_as_real(t) } else { Ok(t.clone()) }
}

fn as_complex(t: Tensor, split: bool) -> Result<Tensor> {
    if split { view_as_complex(&super::copy::contiguous(&t)?) } else { Ok(t) }
}

struct ReadView(Window);

impl Vjp for ReadView {
    fn vjp(&self, _: &Arc<Node>, grads: &[Option<Tensor>], _: u64, _: bool) -> Result<Grads> {
        let Some(Some(g)) = grads.first() else { return grads![None] };
        let w = &self.0;
        let g = as_real(&w.of_view(g)?, w.split.1)?;
        grads![w.of_base(&as_complex(view::embed(&g, &w.shape, &w.strides, &w.inner)?, w.split.0)?)?]
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

// The history of a base after one of its views changed in place: the gradient inside the view goes through the
// in-place operation, the rest passes by.
struct CopySlices {
    window: Window,
    node: Arc<Node>,
    // Which of the node's edges leads to the view's old history; here it comes first.
    at: usize,
}

impl Vjp for CopySlices {
    fn vjp(&self, slices: &Arc<Node>, grads: &[Option<Tensor>], need: u64, keep: bool) -> Result<Grads> {
        let Some(Some(g)) = grads.first() else { return Ok(view::no_grads(self.node.edges.len())) };
        let w = &self.window;
        let whole = super::copy::clone_strided(&as_real(&w.of_base(g)?, w.split.0)?, &w.strides)?;
        let (size, stride): (Vec<i64>, Vec<i64>) =
            (w.inner.0.iter().map(|&n| n as i64).collect(), w.inner.1.iter().map(|&n| n as i64).collect());
        let offset = whole.offset() as i64 + w.inner.2 as i64;
        let part = super::copy::clone(&view::as_strided(&whole, &size, &stride, Some(offset))?, None)?;
        let need_base = need & 1;
        let need = match self.at as u32 {
            // Bit 0 is the base here and stands at `at` there, before which the others stand one place lower.
            at @ 0..62 => (need >> 1) & ((1 << at) - 1) | need_base << at | (need >> 1) >> at << (at + 1),
            // The last bit stands for all further inputs.
            _ => u64::MAX,
        };
        // A derivative that is recorded reads a saved result as what it was: a view of the base with this history.
        let as_result = mode::grad_enabled().then(|| {
            let edges = smallvec::smallvec![Some(Edge { node: slices.clone(), nr: 0 })];
            Arc::new(Node::new("AsStridedBackward0", edges, Box::new(ReadView(self.window.clone()))))
        });
        let node = as_result.as_ref().unwrap_or(&self.node);
        let part = w.of_view(&as_complex(part, w.split.1)?)?;
        let mut out = self.node.body().vjp(node, &[Some(part)], need, keep)?;
        out.resize(out.len().max(self.at + 1), None);
        out[..=self.at].rotate_right(1);
        if need_base == 0 {
            out[0] = None;
            return Ok(out);
        }
        // A fresh view: the one above would have to follow the base's new history.
        let window = view::as_strided(&whole, &size, &stride, Some(offset))?;
        match out.first_mut().and_then(Option::take) {
            Some(inner) => super::copy::copy_(&window, &as_real(&w.of_view(&inner)?, w.split.1)?, false)?,
            None => super::create::fill_(&window, Scalar::Int(0))?,
        };
        out[0] = Some(w.of_base(&as_complex(whole, w.split.0)?)?);
        Ok(out)
    }
    fn parts(&self, see: &mut dyn FnMut(Part<'_>)) {
        see(Part::Node(&self.node));
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `a += b`, unrecorded: how the engine sums gradients.
pub fn add_into(a: &Tensor, b: &Tensor) -> Result<()> {
    // Users may have put any tensor where gradients are added up; what does not simply fit is left to the operation.
    let fits = a.shape() == b.shape() && a.dtype() == b.dtype() && a.device() == b.device();
    let apart = !may_overlap(a, b) || same_layout(a, b);
    if !fits || !apart || !a.is_contiguous() {
        return super::arith::add(a, b, Scalar::Int(1), &Dest::InPlace).map(drop);
    }
    let compute = if a.dtype().is_half() { DType::F32 } else { a.dtype() };
    dispatch::pointwise(Fun::Add, compute, &[a, b], a, &Params { f: [1.0, 0.0, 0.0, 0.0], i: [1, 0, 0, 0] });
    a.bump_version();
    Ok(())
}

/// What `x` is before a write: a copy, with the history that `x` is about to lose.
pub fn old_value(x: &Tensor) -> Result<Tensor> {
    let old = super::copy::clone(&x.detach(), None)?;
    if let Some(edge) = gradient_edge(x) {
        old.set_history(edge);
    }
    Ok(old)
}

/// An operation that makes its result first, whose derivative reads its first argument: in place it gets a copy.
pub fn on_old(name: &str, args: &Args, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let x: &Tensor = args.get(0)?;
    if !args.take_in_place() {
        return f(x);
    }
    let r = if needs_grad(&[x]) { f(&old_value(x)?) } else { f(x) };
    replace(name, x, r?)
}

/// Puts a result where the caller asked for it; what [`Dest`] means for operations that make their result first.
pub fn place(name: &str, dest: Dest, first: Option<&Tensor>, ret: Ret) -> Result<Ret> {
    match (dest, ret) {
        (Dest::New, ret) => Ok(ret),
        (Dest::InPlace, Ret::Tensor(r)) => {
            let Some(x) = first else { crate::internal!("{name} in place needs a tensor.") };
            replace(name, x, r).map(Ret::Tensor)
        }
        (Dest::InPlace, ret) => Ok(ret),
        (Dest::Out(outs), Ret::Tensor(r)) => {
            let Some(out) = outs.first() else { crate::internal!("{name} has no out tensor.") };
            write_out(name, out, &r)?;
            Ok(Ret::Tensor(out.clone()))
        }
        (Dest::Out(outs), Ret::Tuple(rs) | Ret::List(rs)) => {
            for (out, r) in outs.iter().zip(&rs) {
                write_out(name, out, r)?;
            }
            Ok(Ret::Tuple(outs.to_vec()))
        }
        (Dest::Out(_), ret) => Ok(ret),
    }
}

fn check_cast(name: &str, from: DType, to: DType) -> Result<()> {
    if !crate::tensor::promote::can_cast(from, to) {
        fail!(Runtime, torch: ("result type {} can't be cast to the desired output type {}", from.scalar_name(), to.scalar_name()),
            expected: ("{name}: expected an output of dtype {}", from.name()), got: ("{}", to.name()), fix: ("Convert the output, or use the form that makes a new tensor."));
    }
    Ok(())
}

/// Can `out` take a result as it is, but for its shape? To be asked before it is resized.
pub fn check_result(name: &str, out: &Tensor, r: &Tensor) -> Result<()> {
    if out.device() != r.device() {
        fail!(Runtime, torch: ("Attempting to copy from device {} to device {}, but cross-device copies are not allowed!", r.device(), out.device()),
            expected: ("{name}: expected an out tensor on {}", r.device()), got: ("{}", out.device()), fix: ("Make it on the inputs' device."));
    }
    check_cast(name, r.dtype(), out.dtype())
}

/// Gives `x` a result's values and history.
fn replace(name: &str, x: &Tensor, r: Tensor) -> Result<Tensor> {
    check(x, needs_grad(&[x, &r]))?;
    check_cast(name, r.dtype(), x.dtype())?;
    if r.shape() != x.shape() {
        fail!(Runtime, torch: ("output with shape {:?} doesn't match the broadcast shape {:?}", x.shape(), r.shape()), expected: ("{name}_: expected a result of shape {:?}", x.shape()),
            got: ("{:?}", r.shape()), fix: ("Use the form that makes a new tensor."));
    }
    if x.base().is_some() || r.dtype() != x.dtype() {
        return super::copy::copy_(x, &r, false);
    }
    dispatch::copy(&r, x);
    x.bump_version();
    if let Some(edge) = crate::autograd::grad_fn(&r) {
        x.rebase_history(edge);
    }
    Ok(x.clone())
}

/// Writes a result into an `out=` tensor, which takes the result's shape.
pub fn write_out(name: &str, out: &Tensor, r: &Tensor) -> Result<()> {
    prepare_out(name, out, r.shape(), r.dtype())?;
    dispatch::copy(r, out);
    out.bump_version();
    Ok(())
}

/// The error of a result that would be recorded, but is to be written into an `out=` tensor.
#[cold]
pub fn refuse_out<T>(name: &str) -> Result<T> {
    fail!(Runtime, torch: ("{name}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad."),
        expected: ("{name}: expected tensors without grad"), got: ("one that requires grad"), fix: ("Use the form that makes a new tensor, or no_grad()."))
}

/// Checks an `out=` tensor and gives it the result's shape.
pub fn prepare_out(name: &str, out: &Tensor, shape: &[usize], dtype: DType) -> Result<()> {
    if mode::grad_enabled() && out.requires_grad() {
        return refuse_out(name);
    }
    check_cast(name, dtype, out.dtype())?;
    check(out, false)?;
    if out.shape() != shape {
        fail!(Runtime, expected: ("{name}: expected an out tensor of shape {shape:?}"), got: ("{:?}", out.shape()), fix: ("Give an empty tensor or one of the right shape."));
    }
    Ok(())
}
