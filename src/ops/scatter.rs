//! Writing by index: the counterparts of gather, and their derivatives.

use super::copy;
use super::gather::{elements, lookup, strayed, wide};
use super::inplace;
use super::view::{self, expand_to};
use crate::autograd::record::{Ctx, Saver};
use crate::autograd::{needs_grad, record};
use crate::dispatch::{self, index::Scatter};
use crate::error::{Kind, Result};
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::{Dest, Ret};
use crate::tensor::layout::{self, Shape};
use crate::tensor::{Category, DType, Grads, MemoryFormat, Scalar, Tensor};

/// What an index tensor names: elements along a dim (gather, scatter) or whole slices (index_select, index_add).
#[derive(Clone, Copy)]
pub struct Places {
    /// The dim that the index counts along.
    pub dim: usize,
    /// Whole slices?
    pub whole: bool,
}

/// Changes `x` in place, or a copy of it in the format that torch's copy has. `inputs[0]` is `x`, which `build` must not
/// save.
pub(super) fn update<K, B, F>(
    x: &Tensor,
    dest: &Dest,
    format: MemoryFormat,
    name: &'static str,
    inputs: &[&Tensor],
    kernel: K,
    build: B,
) -> Result<Tensor>
where
    K: FnOnce(&Tensor) -> Result<()>,
    B: FnOnce(&mut Saver) -> F,
    F: Fn(&Ctx, &Tensor) -> Result<Grads> + Send + Sync + 'static,
{
    if let Dest::InPlace = dest {
        return inplace::write(x, name, inputs, kernel, build);
    }
    let y = copy::clone(&x.detach(), Some(format))?;
    kernel(&y)?;
    record(y, name, inputs, build)
}

/// A source that an in-place change of `x` cannot alter while it is read.
pub(super) fn stable(x: &Tensor, src: &Tensor, dest: &Dest) -> Result<Tensor> {
    if matches!(dest, Dest::InPlace) && inplace::may_overlap(x, src) { copy::clone(src, None) } else { Ok(src.clone()) }
}

/// [`stable`], after torch's refusal of an index or source that is plainly a part of `x`.
pub(super) fn apart(x: &Tensor, index: &Tensor, src: &Tensor, dest: &Dest) -> Result<Tensor> {
    if let Dest::InPlace = dest {
        inplace::check_apart(x, &[index, src])?;
    }
    stable(x, src, dest)
}

impl Places {
    fn run(self, y: &Tensor, index: &Tensor, src: &Tensor, op: Scatter, include_self: bool) -> Result<()> {
        let inside = if self.whole {
            dispatch::index::index_add(y, self.dim, index, src, op, include_self)
        } else {
            dispatch::index::scatter(y, self.dim, index, src, op, include_self)
        };
        if inside { Ok(()) } else { strayed(Kind::Runtime, index, y.size(self.dim), self.dim) }
    }

    /// `x` with `src` added at the places.
    pub fn add(self, x: &Tensor, index: &Tensor, src: &Tensor, dest: &Dest) -> Result<Tensor> {
        let src = &apart(x, index, src, dest)?;
        let name = if self.whole { "IndexAddBackward0" } else { "ScatterAddBackward0" };
        update(
            x,
            dest,
            MemoryFormat::Contiguous,
            name,
            &[x, src],
            |y| self.run(y, index, src, Scatter::Add, true),
            |s| {
                let index = s.input(index);
                move |c, g| grads![c.when(0, || Ok(g.clone()))?, c.when(1, || self.read(g, &c.get(index)?))?]
            },
        )
    }

    /// `x` with `src` put at the places.
    pub fn set(self, x: &Tensor, index: &Tensor, src: &Tensor, dest: &Dest) -> Result<Tensor> {
        let src = &apart(x, index, src, dest)?;
        let name = if self.whole { "IndexCopyBackward0" } else { "ScatterBackward0" };
        update(
            x,
            dest,
            MemoryFormat::Contiguous,
            name,
            &[x, src],
            |y| self.run(y, index, src, Scatter::Set, true),
            |s| {
                let index = s.input(index);
                move |c, g| {
                    let i = c.get(index)?;
                    grads![c.when(0, || self.clear(g, &i))?, c.when(1, || self.read(g, &i))?]
                }
            },
        )
    }

    /// `x` with a 0-d value of its dtype put at the places.
    pub fn fill(self, x: &Tensor, index: &Tensor, value: &Tensor, dest: &Dest) -> Result<Tensor> {
        if let Dest::InPlace = dest {
            inplace::check_apart(x, &[index])?;
        }
        let value = &stable(x, value, dest)?;
        let (name, format) = match self.whole {
            true => ("IndexFillBackward0", MemoryFormat::Preserve),
            false => ("ScatterBackward1", MemoryFormat::Contiguous),
        };
        update(
            x,
            dest,
            format,
            name,
            &[x, value],
            |y| {
                if !self.whole {
                    return self.run(y, index, &expand_to(&value.detach(), index.shape())?, Scatter::Set, true);
                }
                if dispatch::index::index_fill(y, self.dim, index, value) {
                    return Ok(());
                }
                strayed(Kind::Index, index, y.size(self.dim), self.dim)
            },
            |s| {
                let index = s.input(index);
                move |c, g| {
                    let i = c.get(index)?;
                    let by_value = c.when(1, || {
                        // Of a place that is named twice the value appears once.
                        let nowhere = dispatch::zeros(g.shape(), DType::Bool, g.device())?;
                        let written = self.fill(&nowhere, &i, &nowhere.scalar_like(true)?, &Dest::InPlace)?;
                        super::choose::where_(&written, g, &g.scalar_like(0i64)?)?.sum_all()
                    })?;
                    grads![c.when(0, || self.clear(g, &i))?, by_value]
                }
            },
        )
    }

    /// `x` with zeros at the places.
    pub fn clear(self, x: &Tensor, index: &Tensor) -> Result<Tensor> {
        self.fill(x, index, &x.scalar_like(0i64)?, &Dest::New)
    }

    /// `x` with `src` joined in by product, mean or extreme. Without `include_self` old values at the places do not count.
    pub fn reduce(self, x: &Tensor, index: &Tensor, src: &Tensor, op: Scatter, include_self: bool) -> Result<Tensor> {
        let y = copy::clone(&x.detach(), Some(MemoryFormat::Contiguous))?;
        self.run(&y, index, src, op, include_self)?;
        let name = if self.whole { "IndexReduceBackward0" } else { "ScatterReduceBackward0" };
        record(y, name, &[x, src], |s| {
            let (xs, is, ss, ys) = (s.input(x), s.input(index), s.input(src), s.output(0));
            move |c, g| {
                let (x, i, src, y) = (c.get(xs)?, c.get(is)?, c.get(ss)?, c.get(ys)?);
                let (gx, gs) = match op {
                    Scatter::Mul => self.product_grads(g, &x, &i, &src, &y, include_self)?,
                    Scatter::Mean => self.mean_grads(g, &i, &src, include_self)?,
                    Scatter::Min | Scatter::Max => self.extreme_grads(g, &x, &i, &src, &y)?,
                    Scatter::Add | Scatter::Set => (g.clone(), self.read(g, &i)?),
                };
                grads![
                    c.when(0, || if include_self { Ok(gx.clone()) } else { self.clear(&gx, &i) })?,
                    c.when(1, || Ok(gs))?
                ]
            }
        })
    }

    // By an element of the source: the product of the others. With one zero at a place, that zero's derivative is the
    // product without it; with more, all derivatives are 0, which the quotient by a placeholder of 1 gives.
    fn product_grads(
        self,
        g: &Tensor,
        x: &Tensor,
        i: &Tensor,
        src: &Tensor,
        y: &Tensor,
        include_self: bool,
    ) -> Result<(Tensor, Tensor)> {
        let x1 = x.masked_fill_scalar(&x.eq_scalar(0.0)?, 1.0)?;
        let gx = g.mul(&self.reduce(&x1, i, src, Scatter::Mul, include_self)?.div(&x1)?.conj()?)?;
        let zero = src.eq_scalar(0.0)?;
        let zeros = dispatch::zeros(x.shape(), src.dtype(), src.device())?;
        let count = self.read(&self.add(&zeros, i, &copy::to_dtype(&zero, src.dtype())?, &Dest::New)?, i)?;
        let single = zero.logical_and(&count.eq_scalar(1.0)?)?;
        let without = self.reduce(x, i, &src.masked_fill_scalar(&single, 1.0)?, Scatter::Mul, include_self)?;
        let of_single = self.read(&g.mul(&without.conj()?)?, i)?;
        let of_others = self.read(&g.mul(&y.conj()?)?, i)?.div(&src.masked_fill_scalar(&zero, 1.0)?.conj()?)?;
        Ok((gx, super::choose::where_(&single, &of_single, &of_others)?))
    }

    fn mean_grads(self, g: &Tensor, i: &Tensor, src: &Tensor, include_self: bool) -> Result<(Tensor, Tensor)> {
        let own = dispatch::empty(g.shape(), g.dtype(), g.device())?;
        dispatch::fill(&own, Scalar::Int(include_self as i64));
        let one = expand_to(&g.scalar_like(1i64)?, src.shape())?;
        let n = self.add(&own, i, &one, &Dest::InPlace)?;
        let share = g.div(&n.masked_fill_scalar(&n.eq_scalar(0.0)?, 1.0)?)?;
        let gs = self.read(&share, i)?;
        Ok((share, gs))
    }

    // All elements that are equal to the extreme share its gradient.
    fn extreme_grads(self, g: &Tensor, x: &Tensor, i: &Tensor, src: &Tensor, y: &Tensor) -> Result<(Tensor, Tensor)> {
        let x_wins = copy::to_dtype(&x.eq(y)?, g.dtype())?;
        let src_wins = copy::to_dtype(&src.eq(&self.read(y, i)?)?, g.dtype())?;
        let share = g.div(&self.add(&x_wins, i, &src_wins, &Dest::New)?)?;
        let gs = src_wins.mul(&self.read(&share, i)?)?;
        Ok((x_wins.mul(&share)?, gs))
    }
}

fn check_source(x: &Tensor, src: &Tensor) -> Result<()> {
    if x.dtype() != src.dtype() {
        fail!(Runtime, torch: ("scatter(): Expected self.dtype to be equal to src.dtype"), expected: ("scatter: expected a source of dtype {}", x.dtype().name()), got: ("{}", src.dtype().name()), fix: ("Convert the source."));
    }
    Ok(())
}

/// The part of a source that an index of this shape reads.
fn window(src: &Tensor, shape: &[usize]) -> Result<Tensor> {
    if src.ndim() != shape.len() {
        return src.reshape_to(shape);
    }
    let mut part = src.clone();
    for (d, &n) in shape.iter().enumerate() {
        if part.size(d) != n {
            part = view::slice(&part, d as i64, None, Some(n as i64), 1)?;
        }
    }
    Ok(part)
}

fn unchanged(x: &Tensor, dest: &Dest) -> Result<Tensor> {
    if matches!(dest, Dest::InPlace) {
        // torch counts a change that changes nothing, too.
        x.bump_version();
        return Ok(x.clone());
    }
    copy::clone(x, Some(MemoryFormat::Contiguous))
}

#[allow(clippy::too_many_arguments, reason = "the arguments of the operation and where its result goes")]
/// [`Places::reduce`] into a new tensor or, by way of one, in place: its derivative reads the old values.
fn reduced(
    name: &str,
    at: Places,
    x: &Tensor,
    index: &Tensor,
    src: &Tensor,
    op: Scatter,
    include_self: bool,
    dest: Dest,
) -> Result<Tensor> {
    let Dest::InPlace = dest else { return at.reduce(x, index, src, op, include_self) };
    inplace::check_apart(x, &[index, src])?;
    let old = if needs_grad(&[x, src]) { copy::clone(x, None)? } else { x.clone() };
    match inplace::place(name, dest, Some(x), Ret::Tensor(at.reduce(&old, index, src, op, include_self)?))? {
        Ret::Tensor(t) => Ok(t),
        _ => Ok(x.clone()),
    }
}

/// The index of a scatter. What is written in place must not be spoiled by an index outside, which is looked for first;
/// elsewhere the kernel finds it.
fn places(x: &Tensor, dim: usize, index: &Tensor, src: Option<&Tensor>, dest: &Dest) -> Result<Tensor> {
    if matches!(dest, Dest::InPlace) {
        elements("scatter", x, dim, index, src)
    } else {
        lookup("scatter", x, dim, index, src)
    }
}

fn scatter_by(
    x: &Tensor,
    dim: i64,
    index: &Tensor,
    src: &Tensor,
    op: Scatter,
    include_self: bool,
    dest: Dest,
) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    check_source(x, src)?;
    let i = places(x, d, index, Some(src), &dest)?;
    if i.numel() == 0 {
        return unchanged(x, &dest);
    }
    let src = window(src, i.shape())?;
    let at = Places { dim: d, whole: false };
    match op {
        Scatter::Set => at.set(x, &i, &src, &dest),
        Scatter::Add if include_self => at.add(x, &i, &src, &dest),
        _ => reduced("scatter_reduce", at, x, &i, &src, op, include_self, dest),
    }
}

fn old_reduction(reduce: Option<&str>) -> Result<Scatter> {
    match reduce {
        None => Ok(Scatter::Set),
        Some("add") => Ok(Scatter::Add),
        Some("multiply") => Ok(Scatter::Mul),
        Some(other) => {
            fail!(Runtime, torch: ("reduce argument must be either add or multiply."), expected: ("scatter: expected reduce='add' or 'multiply'"), got: ("'{other}'"), fix: ("Use scatter_reduce() for others."))
        }
    }
}

fn scatter(x: &Tensor, dim: i64, index: &Tensor, src: &Tensor, reduce: Option<&str>, dest: Dest) -> Result<Tensor> {
    scatter_by(x, dim, index, src, old_reduction(reduce)?, true, dest)
}

fn scatter_value(
    x: &Tensor,
    dim: i64,
    index: &Tensor,
    value: Scalar,
    reduce: Option<&str>,
    dest: Dest,
) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    let op = old_reduction(reduce)?;
    let i = places(x, d, index, None, &dest)?;
    if value.category() == Category::Complex && !x.dtype().is_complex() {
        fail!(Runtime, torch: ("value cannot be converted to type {} without overflow", x.dtype().typedef_name()), expected: ("scatter: expected a real value"), got: ("{value:?}"), fix: ("Use a complex tensor."));
    }
    if i.numel() == 0 {
        return unchanged(x, &dest);
    }
    let (at, value) = (Places { dim: d, whole: false }, x.scalar_like(value)?);
    if op == Scatter::Set {
        return at.fill(x, &i, &value, &dest);
    }
    scatter_by(x, dim, &i, &expand_to(&value, i.shape())?, op, true, dest)
}

fn reduction(text: &str) -> Result<Scatter> {
    match text {
        "sum" => Ok(Scatter::Add),
        "prod" => Ok(Scatter::Mul),
        "mean" => Ok(Scatter::Mean),
        "amax" => Ok(Scatter::Max),
        "amin" => Ok(Scatter::Min),
        other => {
            fail!(Runtime, torch: ("reduce argument must be either sum, prod, mean, amax or amin, got {other}"), expected: ("scatter_reduce: expected one of these"), got: ("'{other}'"), fix: ("Check the spelling."))
        }
    }
}

fn scatter_reduce(
    x: &Tensor,
    dim: i64,
    index: &Tensor,
    src: &Tensor,
    reduce: &str,
    include_self: bool,
    dest: Dest,
) -> Result<Tensor> {
    let op = reduction(reduce)?;
    if x.dtype().is_complex() && matches!(op, Scatter::Max | Scatter::Min) {
        return super::helpers::not_implemented(&format!("scatter_gather_tensor_cpu_reduce_{reduce}"), x.dtype());
    }
    scatter_by(x, dim, index, src, op, include_self, dest)
}

/// The 1-d index of `index_add` and `index_reduce`, with torch's checks of it and its source.
fn slices(name: &str, x: &Tensor, d: usize, dim: i64, index: &Tensor, source: &Tensor) -> Result<Tensor> {
    if index.ndim() > 1 {
        fail!(Index, torch: ("{name}_(): Index is supposed to be a vector, but got dim: {} with type: {} and size: {}", index.ndim(), index.dtype().scalar_name(), layout::show(index.shape())),
            expected: ("{name}: expected a 1-d index"), got: ("{} dims", index.ndim()), fix: ("Flatten it."));
    }
    let Some(i) = wide(index)? else {
        fail!(Runtime, torch: ("{name}_(): Expected dtype int32/int64 for index but got: {}", index.dtype().scalar_name()), expected: ("{name}: expected an int64 index"), got: ("{}", index.dtype().name()), fix: ("Convert it with .long()."));
    };
    if x.dtype() != source.dtype() {
        fail!(Runtime, torch: ("{name}_(): self ({}) and source ({}) must have the same scalar type", x.dtype().scalar_name(), source.dtype().scalar_name()), expected: ("{name}: expected a source of dtype {}", x.dtype().name()), got: ("{}", source.dtype().name()), fix: ("Convert the source."));
    }
    let n = i.numel();
    let mut want = Shape::from_slice(x.shape());
    want.get_mut(d).into_iter().for_each(|e| *e = n);
    let fits = source.shape() == &want[..]
        || (source.ndim().max(1) == want.len().max(1) && source.numel() == n && want.iter().product::<usize>() == n);
    if !fits {
        let others = source.ndim() == x.ndim() && (0..x.ndim()).all(|k| k == d || x.size(k) == source.size(k));
        if !others && source.ndim() > 0 && x.ndim() > 0 {
            fail!(Runtime, torch: ("source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = {} source.shape = {}", layout::show(x.shape()), layout::show(source.shape())),
                expected: ("{name}: expected a source of shape {}", layout::show(&want)), got: ("{}", layout::show(source.shape())), fix: ("Reshape the source."));
        }
        fail!(Runtime, torch: ("{name}_(): Number of indices ({n}) should be equal to source.size(dim): ({}), for dim: {dim}", source.size(d)), expected: ("{name}: expected {} indices", source.size(d)), got: ("{n}"), fix: ("Give one index per slice of the source."));
    }
    i.reshape_to(&[n])
}

fn source_like(x: &Tensor, source: &Tensor) -> Result<Tensor> {
    if source.ndim() == x.ndim() {
        Ok(source.clone())
    } else {
        source.reshape_to(if x.ndim() == 0 { &[] } else { &[1] })
    }
}

fn index_add(x: &Tensor, dim: i64, index: &Tensor, source: &Tensor, alpha: Scalar, dest: Dest) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    let i = slices("index_add", x, d, dim, index, source)?;
    if let Some(bad) = dispatch::index::out_of_bounds(&i, x.size(d), false) {
        if x.ndim() < 2 {
            fail!(Index, torch: ("index out of range in self"), expected: ("index_add: expected indices from 0 to {}", x.size(d) as i64 - 1), got: ("{bad}"), fix: ("Check the index tensor."));
        }
        fail!(Runtime, torch: ("index {bad} is out of bounds for dimension {d} with size {}", x.size(d)), expected: ("index_add: expected indices from 0 to {}", x.size(d) as i64 - 1), got: ("{bad}"), fix: ("Check the index tensor."));
    }
    let mut source = source_like(x, source)?;
    if !alpha.is(1.0) {
        source = source.mul(&source.scalar_like(alpha)?)?;
    }
    if i.numel() == 0 {
        return unchanged(x, &dest);
    }
    Places { dim: d, whole: true }.add(x, &i, &source, &dest)
}

fn index_reduce(
    x: &Tensor,
    dim: i64,
    index: &Tensor,
    source: &Tensor,
    reduce: &str,
    include_self: bool,
    dest: Dest,
) -> Result<Tensor> {
    let op = match reduce {
        "prod" | "mean" | "amax" | "amin" => reduction(reduce)?,
        other => {
            fail!(Runtime, torch: ("index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {other}."), expected: ("index_reduce: expected one of these"), got: ("'{other}'"), fix: ("Use index_add() for sums."))
        }
    };
    let d = x.wrap_dim(dim)?;
    let i = slices("index_reduce", x, d, dim, index, source)?;
    let unordered = x.dtype().is_complex() && matches!(op, Scatter::Max | Scatter::Min);
    if unordered || (x.ndim() < 2 && (x.dtype().is_complex() || x.dtype() == DType::Bool)) {
        return super::helpers::not_implemented("index_func_", x.dtype());
    }
    if let Some(bad) = dispatch::index::out_of_bounds(&i, x.size(d), false) {
        fail!(Index, torch: ("index out of range in self"), expected: ("index_reduce: expected indices from 0 to {}", x.size(d) as i64 - 1), got: ("{bad}"), fix: ("Check the index tensor."));
    }
    if i.numel() == 0 {
        return unchanged(x, &dest);
    }
    reduced("index_reduce", Places { dim: d, whole: true }, x, &i, &source_like(x, source)?, op, include_self, dest)
}

fn without(shape: &[usize], d: usize) -> Shape {
    shape.iter().enumerate().filter(|&(k, _)| k != d).map(|(_, &n)| n).collect()
}

fn sizes(shape: &[usize]) -> String {
    shape.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
}

/// torch's checks of `index_copy`'s arguments.
fn check_copy(x: &Tensor, d: usize, index: &Tensor, source: &Tensor) -> Result<()> {
    if index.ndim() > 1 {
        fail!(Index, torch: ("index_copy_(): Index should have dimension 1 or 0 (got {})", index.ndim()), expected: ("index_copy: expected a 1-d index"), got: ("{} dims", index.ndim()), fix: ("Flatten it."));
    }
    let n = index.numel();
    if source.ndim() == 0 && n != 1 {
        fail!(Index, torch: ("index_copy_(): When source is scalar, index should have one element (got {n})"), expected: ("index_copy: expected 1 index"), got: ("{n}"), fix: ("Expand the source."));
    }
    if source.ndim() != x.ndim() && source.ndim() != 0 && x.ndim() != 0 {
        fail!(Index, torch: ("index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality ({}), destination dimensionality ({})", source.ndim(), x.ndim()),
            expected: ("index_copy: expected a source of {} dims", x.ndim()), got: ("{}", source.ndim()), fix: ("Unsqueeze the source."));
    }
    if index.dtype() != DType::I64 {
        fail!(Runtime, torch: ("index_copy_(): Expected a long tensor for index, but got {}", index.dtype().scalar_name()), expected: ("index_copy: expected an int64 index"), got: ("{}", index.dtype().name()), fix: ("Convert it with .long()."));
    }
    if x.dtype() != source.dtype() {
        fail!(Runtime, torch: ("index_copy_(): self and source expected to have the same dtype, but got (self) {} and (source) {}", x.dtype().scalar_name(), source.dtype().scalar_name()),
            expected: ("index_copy: expected a source of dtype {}", x.dtype().name()), got: ("{}", source.dtype().name()), fix: ("Convert the source."));
    }
    let (to, from) = (without(x.shape(), d), without(source.shape(), d));
    if to != from {
        fail!(Runtime, torch: ("index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: {} at dimension {d} and source slice shape: {} at dimension {}.", sizes(&to), sizes(&from), if source.ndim() == 0 { 0 } else { d }),
            expected: ("index_copy: expected slices of shape {:?}", &to[..]), got: ("{:?}", &from[..]), fix: ("Reshape the source."));
    }
    if source.ndim() > 0 && n != source.size(d) {
        fail!(Index, torch: ("index_copy_(): Number of indices ({n}) should be equal to source.size(dim) ({})", source.size(d)), expected: ("index_copy: expected {} indices", source.size(d)), got: ("{n}"), fix: ("Give one index per slice of the source."));
    }
    Ok(())
}

fn index_copy(x: &Tensor, dim: i64, index: &Tensor, source: &Tensor, dest: Dest) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    check_copy(x, d, index, source)?;
    if let Some(bad) = dispatch::index::out_of_bounds(index, x.size(d), false) {
        fail!(Index, torch: ("index_copy_(): index {bad} is out of bounds for dimension {d} with size {}", x.size(d)), expected: ("index_copy: expected indices from 0 to {}", x.size(d) as i64 - 1), got: ("{bad}"), fix: ("Check the index tensor."));
    }
    Places { dim: d, whole: true }.set(x, &index.reshape_to(&[index.numel()])?, &source_like(x, source)?, &dest)
}

fn index_fill(x: &Tensor, dim: i64, index: &Tensor, value: &Tensor, dest: Dest) -> Result<Tensor> {
    let d = x.wrap_dim(dim)?;
    if index.dtype() != DType::I64 {
        fail!(Index, torch: ("index_fill_(): Expected dtype int64 for index."), expected: ("index_fill: expected an int64 index"), got: ("{}", index.dtype().name()), fix: ("Convert it with .long()."));
    }
    if index.ndim() > 1 {
        fail!(Runtime, torch: ("Index has to be a vector/scalar"), expected: ("index_fill: expected a 1-d index"), got: ("{} dims", index.ndim()), fix: ("Flatten it."));
    }
    if value.ndim() != 0 {
        fail!(Runtime, torch: ("index_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).", value.ndim()), expected: ("index_fill: expected a number or a 0-d tensor"), got: ("shape {:?}", value.shape()), fix: ("Use index_copy() for tensors."));
    }
    if value.dtype().is_complex() && !x.dtype().is_complex() {
        fail!(Runtime, torch: ("index_fill_(): Converting complex Scalar to non-complex type is not supported"), expected: ("index_fill: expected a real value"), got: ("{}", value.dtype().name()), fix: ("Use a complex tensor."));
    }
    super::choose::check_number(value, x.dtype())?;
    let mut i = index.reshape_to(&[index.numel()])?;
    if dispatch::index::out_of_bounds(&i, x.size(d), false).is_some() {
        if let Some(bad) = dispatch::index::out_of_bounds(&i, x.size(d), true) {
            fail!(Index, torch: ("index {bad} is out of bounds for dimension {d} with size {}", x.size(d)), expected: ("index_fill: expected indices from {} to {}", -(x.size(d) as i64), x.size(d) as i64 - 1), got: ("{bad}"), fix: ("Check the index tensor."));
        }
        i = super::arith::remainder(&i, &dispatch::wrapped((x.size(d) as i64).into())?, &Dest::New)?;
    }
    Places { dim: d, whole: true }.fill(x, &i, &copy::to_dtype(value, x.dtype())?, &dest)
}

ops! {
    @
    /// self with elements of `src` put along `dim`: `out[index[i][j]][j] = src[i][j]` for dim 0. `reduce` 'add' or 'multiply' joins them.
    "scatter(Tensor self, int dim, Tensor index, Tensor src, *, str? reduce=None) -> Tensor" [f m i o] => |a| scatter(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?, a.dest());
    /// self with a number put along `dim`.
    "scatter(Tensor self, int dim, Tensor index, Scalar value, *, str? reduce=None) -> Tensor" [f m i o] => |a| scatter_value(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?, a.dest());
    /// self with elements of `src` added along `dim`, in index order.
    "scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor" [f m i o] => |a| scatter_by(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, Scatter::Add, true, a.dest());
    /// self with elements of `src` joined along `dim` by 'sum', 'prod', 'mean', 'amax' or 'amin'.
    "scatter_reduce(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True) -> Tensor" [f m i o] => |a| scatter_reduce(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?, a.get(5)?, a.dest());
    /// self with `alpha` times the slices of `source` added to the slices that `index` names, in index order.
    "index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor" [f m i o] => |a| index_add(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?, a.dest());
    /// self with slices of `source` joined by 'prod', 'mean', 'amax' or 'amin'.
    "index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True) -> Tensor" [f m i o] => |a| index_reduce(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.get(4)?, a.get(5)?, a.dest());
    /// self with slices of `source` at the places that `index` names.
    "index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor" [f m i o] => |a| index_copy(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.dest());
    /// self with a value in the slices that `index` names.
    "index_fill(Tensor self, int dim, Tensor index, Operand value) -> Tensor" [f m i] => |a| index_fill(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.dest());
}
