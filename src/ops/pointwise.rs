//! Pointwise operations: one row each, and the one function that runs them all.
//!
//! A row names the kernel, the promotion class and the derivative by each input. The derivative says which of the
//! inputs and the output it reads, so that no more is saved than a wanted gradient needs.

use super::helpers::{float_dtype, not_implemented, same_device};
use super::inplace;
use crate::autograd::record::{self, Ctx, Slot};
use crate::autograd::{needs_grad, record as record_new};
use crate::dispatch::{self, Fun, Params};
use crate::error::Result;
use crate::fail;
use crate::schema::Dest;
use crate::tensor::layout::{self, Shape, Strides};
use crate::tensor::promote::{self, can_cast, result_type};
use crate::tensor::{DType, Device, Grads, Scalar, Tensor};
use smallvec::SmallVec;

/// How the dtype of the computation follows from the operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// The promoted dtype.
    Same,
    /// The promoted dtype; integers become the default float dtype.
    Float,
    /// The promoted dtype; bool becomes int64.
    Number,
    /// The promoted dtype; bool is refused (torch's text follows).
    NoBool(&'static str),
    /// The promoted dtype; complex is refused (torch's text follows).
    NoComplex(&'static str),
}

/// Reads input 0, 1, 2 or the output in a derivative; combined with `|`.
pub const X: u8 = 1;
/// Input 1.
pub const Y: u8 = 2;
/// Input 2.
pub const Z: u8 = 4;
/// The output.
pub const OUT: u8 = 8;

/// The derivative by one input: what it reads, and the gradient.
pub struct D(pub u8, pub fn(&At) -> Result<Tensor>);

/// A row.
pub struct Pw {
    /// torch's name.
    pub name: &'static str,
    /// The node's name; empty for functions whose results take no part in differentiation.
    pub node: &'static str,
    /// The kernel.
    pub fun: Fun,
    /// The promotion class.
    pub class: Class,
    /// One per input, None where there is no derivative by it; empty where the result is not differentiable at all.
    pub grads: &'static [Option<D>],
}

/// What a derivative reads.
pub struct At<'a> {
    ctx: &'a Ctx<'a>,
    slots: &'a [Option<Slot>; 4],
    /// The upstream gradient.
    pub g: &'a Tensor,
    /// The attributes of the call.
    pub p: &'a Params,
}

impl At<'_> {
    fn slot(&self, i: usize) -> Result<Tensor> {
        match self.slots[i] {
            Some(s) => {
                let t = self.ctx.get(s)?;
                if !t.is_wrapped_number() {
                    return Ok(t);
                }
                // Functions of a Python number are taken in the gradient's precision, not in the default one.
                let d = compute_dtype(self.g.dtype());
                let plain = super::copy::to_dtype(&t, if t.dtype().is_complex() { d } else { d.to_real() })?;
                if plain.is_wrapped_number() { super::copy::clone(&plain, None) } else { Ok(plain) }
            }
            None => crate::internal!("a derivative reads what its row does not name."),
        }
    }
    /// Input 0.
    pub fn x(&self) -> Result<Tensor> {
        self.slot(0)
    }
    /// Input 1.
    pub fn y(&self) -> Result<Tensor> {
        self.slot(1)
    }
    /// Input 2.
    pub fn z(&self) -> Result<Tensor> {
        self.slot(2)
    }
    /// The output.
    pub fn out(&self) -> Result<Tensor> {
        self.slot(3)
    }
    /// The gradient times the conjugate of a factor: the chain rule for holomorphic functions.
    pub fn g_times(&self, factor: &Tensor) -> Result<Tensor> {
        self.g.mul(&factor.conj()?)
    }
}

/// The dtype in which kernels compute.
#[inline(always)]
pub fn compute_dtype(d: DType) -> DType {
    if d.is_half() { DType::F32 } else { d }
}

fn promoted(row: &Pw, xs: &[&Tensor]) -> Result<DType> {
    let d = if row.fun == Fun::Where { result_type(&xs[1..]) } else { result_type(xs) };
    match row.class {
        Class::Same => Ok(d),
        Class::Float => Ok(float_dtype(d)),
        Class::Number => Ok(if d == DType::Bool { DType::I64 } else { d }),
        Class::NoBool(text) if d == DType::Bool => {
            fail!(Runtime, torch: ("{text}"), expected: ("{}: expected numbers", row.name), got: ("bool"), fix: ("Use logical_not, logical_xor or an integer dtype."))
        }
        Class::NoComplex(text) if d.is_complex() => {
            fail!(Runtime, torch: ("{text}"), expected: ("{}: expected real numbers", row.name), got: ("{}", d.name()), fix: ("Take the real part or the absolute value."))
        }
        Class::NoBool(_) | Class::NoComplex(_) => Ok(d),
    }
}

fn out_dtype(row: &Pw, d: DType) -> DType {
    let o = row.fun.out_dtype(compute_dtype(d));
    if d.is_half() && o == DType::F32 { d } else { o }
}

/// Runs a row.
pub fn apply(row: &'static Pw, xs: &[&Tensor], p: Params, dest: &Dest) -> Result<Tensor> {
    if let (Dest::New, [a, b]) = (dest, xs)
        && a.is_contiguous()
        && b.is_contiguous()
        && a.shape() == b.shape()
        && a.dtype() == b.dtype()
        && a.device() == b.device()
        && row.class == Class::Same
    {
        return run(row, xs, a.dtype(), a.device(), Shape::from_slice(a.shape()), p, dest);
    }
    let d = promoted(row, xs)?;
    if d.is_half() && row.fun != Fun::Where {
        let narrow = narrowed(row, xs, d, dest)?;
        if let Some(narrow) = narrow {
            let xs: SmallVec<[&Tensor; 4]> = narrow.iter().collect();
            return broadcast(row, &xs, d, p, dest);
        }
    }
    broadcast(row, xs, d, p, dest)
}

/// Operands of a half type in other dtypes, rounded to it, as kernels would compute with more of them in float32. A factor
/// or divisor that is one number is not rounded, nor a number as the weight of `lerp`, as in torch.
#[cold]
fn narrowed(row: &Pw, xs: &[&Tensor], d: DType, dest: &Dest) -> Result<Option<SmallVec<[Tensor; 4]>>> {
    let exact = |i: usize, x: &Tensor| {
        x.dtype() == d
            || i == 0 && matches!(dest, Dest::InPlace)
            || row.fun == Fun::Lerp && x.is_wrapped_number()
            || i == 1 && x.ndim() == 0 && matches!(row.fun, Fun::Mul | Fun::Div | Fun::DivFloor | Fun::DivTrunc)
    };
    if xs.iter().enumerate().all(|(i, x)| exact(i, x)) {
        return Ok(None);
    }
    let cast = |(i, x): (usize, &&Tensor)| match exact(i, x) {
        true => Ok((*x).clone()),
        false if x.is_wrapped_number() => dispatch::scalar(x.item()?, d, Device::Cpu),
        false => super::copy::to_dtype(x, d),
    };
    xs.iter().enumerate().map(cast).collect::<Result<_>>().map(Some)
}

fn broadcast(row: &'static Pw, xs: &[&Tensor], d: DType, p: Params, dest: &Dest) -> Result<Tensor> {
    let device = if xs.len() == 1 { xs[0].device() } else { same_device(row.name, xs)? };
    let mut shape = Shape::from_slice(xs[0].shape());
    for x in &xs[1..] {
        if x.shape() != &shape[..] {
            shape = layout::broadcast(&shape, x.shape())?;
        }
    }
    run(row, xs, d, device, shape, p, dest)
}

#[inline]
fn run(
    row: &'static Pw,
    xs: &[&Tensor],
    d: DType,
    device: Device,
    shape: Shape,
    p: Params,
    dest: &Dest,
) -> Result<Tensor> {
    let compute = compute_dtype(d);
    if !dispatch::has_pointwise(row.fun, compute) {
        // A tensor that cannot hold the result is the first thing that torch complains about.
        if let Dest::InPlace = dest {
            check_in_place(row.name, xs[0], &shape, d)?;
        }
        return not_implemented(row.name, d);
    }
    let dtype = out_dtype(row, d);
    match dest {
        Dest::New => {
            let out = allocate(xs, &shape, dtype, device)?;
            dispatch::pointwise(row.fun, compute, xs, &out, &p);
            if !needs_grad(xs) || !dtype.is_differentiable() || !differentiable(row) {
                return Ok(out);
            }
            record_new(out, row.node, xs, |s| derivative(row, s, p, None))
        }
        Dest::InPlace => {
            let x = xs[0];
            check_in_place(row.name, x, &shape, dtype)?;
            let recorded = needs_grad(xs) && dtype.is_differentiable() && !row.grads.is_empty();
            inplace::check(x, recorded)?;
            xs[1..].iter().try_for_each(|y| inplace::check_overlap(x, y))?;
            if !recorded {
                in_place_kernel(row, compute, xs, &p)?;
                x.bump_version();
                return Ok(x.clone());
            }
            let old = (reads(row, xs) & X != 0).then(|| inplace::old_value(x)).transpose()?;
            let ahead = record::ahead(x, row.node, xs, |s| derivative(row, s, p, old.as_ref()))?;
            in_place_kernel(row, compute, xs, &p)?;
            x.bump_version();
            inplace::rebase(x, ahead.node()?);
            Ok(x.clone())
        }
        Dest::Out(outs) => {
            let Some(out) = outs.first() else { crate::internal!("{} has no out tensor.", row.name) };
            if needs_grad(xs) && dtype.is_differentiable() && differentiable(row) {
                return inplace::refuse_out(row.name);
            }
            // torch looks at the elements before it resizes, unlike elsewhere.
            inplace::check(out, false)?;
            if out.shape() == &shape[..] {
                xs.iter().try_for_each(|x| inplace::check_overlap(out, x))?;
            }
            if out.shape() != &shape[..]
                || xs.iter().any(|x| inplace::may_overlap(out, x) && !inplace::same_layout(out, x))
            {
                // The caller resizes `out` and copies.
                return crate::autograd::no_grad(|| run(row, xs, d, device, shape, p, &Dest::New));
            }
            inplace::prepare_out(row.name, out, &shape, dtype)?;
            dispatch::pointwise(row.fun, compute, xs, out, &p);
            out.bump_version();
            Ok(out.clone())
        }
    }
}

/// Does a result have a node: one with a derivative, or one that says there is none?
fn differentiable(row: &Pw) -> bool {
    !row.node.is_empty() && (!row.grads.is_empty() || row.node == "NotImplemented")
}

fn in_place_kernel(row: &Pw, compute: DType, xs: &[&Tensor], p: &Params) -> Result<()> {
    let x = xs[0];
    xs[1..].iter().try_for_each(|y| inplace::check_overlap(x, y))?;
    if xs[1..].iter().any(|y| inplace::may_overlap(x, y) && !inplace::same_layout(x, y)) {
        let copies: SmallVec<[Tensor; 3]> =
            xs[1..].iter().map(|y| super::copy::clone(&y.detach(), None)).collect::<Result<_>>()?;
        let mut all: SmallVec<[&Tensor; 4]> = smallvec::smallvec![x];
        all.extend(copies.iter());
        dispatch::pointwise(row.fun, compute, &all, x, p);
    } else {
        dispatch::pointwise(row.fun, compute, xs, x, p);
    }
    Ok(())
}

fn check_in_place(name: &str, x: &Tensor, shape: &[usize], dtype: DType) -> Result<()> {
    if x.dtype().is_complex() && name == "abs" {
        fail!(Runtime, torch: ("In-place abs is not supported for complex tensors."), expected: ("abs_: expected real numbers"), got: ("{}", x.dtype().name()), fix: ("Use abs(), which makes a real tensor."));
    }
    if x.shape() != shape {
        fail!(Runtime, torch: ("output with shape {:?} doesn't match the broadcast shape {shape:?}", x.shape()), expected: ("{name}_: expected operands that broadcast to {:?}", x.shape()),
            got: ("{shape:?}"), fix: ("Use {name}(), which makes a new tensor."));
    }
    if !can_cast(dtype, x.dtype()) {
        fail!(Runtime, torch: ("result type {} can't be cast to the desired output type {}", dtype.scalar_name(), x.dtype().scalar_name()),
            expected: ("{name}_: expected a tensor that can hold {}", dtype.name()), got: ("{}", x.dtype().name()), fix: ("Convert it first, or use {name}()."));
    }
    Ok(())
}

fn allocate(xs: &[&Tensor], shape: &[usize], dtype: DType, device: Device) -> Result<Tensor> {
    if xs.iter().all(|x| x.is_contiguous()) {
        return dispatch::empty(shape, dtype, device);
    }
    if let Some(x) = xs.iter().find(|x| x.shape() == shape)
        && xs.iter().all(|o| o.ndim() == 0 || (o.shape() == shape && o.strides() == x.strides()))
        && layout::is_non_overlapping_and_dense(shape, x.strides())
    {
        return dispatch::empty_strided(shape, x.strides(), dtype, device);
    }
    let strides: SmallVec<[Strides; 3]> =
        xs.iter().map(|x| layout::broadcast_strides(x.shape(), x.strides(), shape)).collect();
    let refs: SmallVec<[&[isize]; 3]> = strides.iter().map(|s| &s[..]).collect();
    dispatch::empty_strided(shape, &layout::infer_dense_strides(shape, &refs), dtype, device)
}

fn reads(row: &Pw, xs: &[&Tensor]) -> u8 {
    xs.iter()
        .enumerate()
        .filter(|(_, x)| x.requires_grad())
        .filter_map(|(i, _)| row.grads.get(i)?.as_ref())
        .fold(0, |m, d| m | d.0)
}

/// Rows whose missing derivatives torch misses, too.
const NO_DERIVATIVE: [&str; 5] = ["special_zeta", "igamma", "igammac", "_standard_gamma_grad", "_dirichlet_grad"];

/// Saves what the wanted gradients read. `old` stands for input 0 where that was overwritten.
fn derivative(
    row: &'static Pw,
    s: &mut record::Saver,
    p: Params,
    old: Option<&Tensor>,
) -> impl Fn(&Ctx, &Tensor) -> Result<Grads> + Send + Sync + 'static + use<> {
    let mut slots: [Option<Slot>; 4] = [None; 4];
    let n = s.inputs().len();
    let mask = reads(row, s.inputs());
    for i in 0..n {
        if mask >> i & 1 != 0 {
            let t = match (i, old) {
                (0, Some(old)) => old,
                _ => s.inputs()[i],
            };
            slots[i] = Some(s.input(t));
        }
    }
    if mask & OUT != 0 {
        slots[3] = Some(s.output(0));
    }
    move |ctx, g| {
        let at = At { ctx, slots: &slots, g, p: &p };
        let mut out = Grads::new();
        for i in 0..n {
            out.push(match row.grads.get(i).and_then(Option::as_ref) {
                Some(d) if ctx.needs(i) => Some((d.1)(&at)?),
                Some(_) => None,
                None if ctx.needs(i) && NO_DERIVATIVE.contains(&row.name) => {
                    let what = match row.name {
                        "special_zeta" => "zeta".to_owned(),
                        name if name.starts_with('_') => name.to_owned(),
                        name => format!("{name}: input"),
                    };
                    fail!(NotImplemented, torch: ("the derivative for '{what}' is not implemented."), expected: ("{}: expected a first argument without grad", row.name), got: ("one that requires grad"), fix: ("Detach it."))
                }
                None if ctx.needs(i) => {
                    fail!(Runtime, torch: ("derivative for aten::{} is not implemented", row.name), expected: ("{}: expected inputs without grad", row.name), got: ("one that requires grad"), fix: ("Detach it."))
                }
                None => None,
            });
        }
        Ok(out)
    }
}

/// Runs a unary row into a new tensor.
pub fn unary(row: &'static Pw, x: &Tensor) -> Result<Tensor> {
    apply(row, &[x], Params::default(), &Dest::New)
}

/// Runs a binary row into a new tensor.
pub fn binary(row: &'static Pw, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    apply(row, &[x, y], Params::default(), &Dest::New)
}

/// A Python number as an operand.
pub fn number(s: impl Into<Scalar>) -> Result<Tensor> {
    dispatch::wrapped(s.into())
}

/// The default float dtype, for rows that need a float attribute.
pub fn default_float() -> DType {
    promote::default_dtype()
}

/// Declares unary rows without attributes: row, `Tensor` method and table entry at once.
///
/// `name(args) -> KONST "Node" Kernel Class [forms] { reads => derivative }`
macro_rules! unary_rows {
    ($table:ident; $($(#[doc = $doc:literal])+ $name:ident: $konst:ident $node:literal $fun:ident $class:expr, [$($form:ident)*] $({ $reads:expr => $d:expr })?;)*) => {
        $(
            $(#[doc = $doc])+
            pub static $konst: $crate::ops::pointwise::Pw = $crate::ops::pointwise::Pw {
                name: stringify!($name), node: $node, fun: $crate::dispatch::Fun::$fun, class: $class,
                grads: &[$(Some($crate::ops::pointwise::D($reads, $d)))?],
            };
            impl $crate::tensor::Tensor {
                $(#[doc = $doc])+
                pub fn $name(&self) -> $crate::error::Result<$crate::tensor::Tensor> { $crate::ops::pointwise::unary(&$konst, self) }
            }
        )*
        /// This family's rows.
        pub static $table: &[$crate::schema::OpDef] = &[$(
            $crate::schema::OpDef {
                text: concat!(stringify!($name), "(Tensor self) -> Tensor"), forms: concat!($(stringify!($form), " ",)* ""), doc: concat!($($doc, "\n"),+),
                call: |a| Ok($crate::schema::Ret::from($crate::ops::pointwise::apply(&$konst, &[a.get(0)?], Default::default(), &a.dest())?)),
            },
        )*];
    };
}
pub(crate) use unary_rows;

/// The same for two operands, either of which may be a number where its type says `Operand`.
macro_rules! binary_rows {
    ($table:ident; $($(#[doc = $doc:literal])+ $name:ident($first:ident, $ty:ident): $konst:ident $node:literal $fun:ident $class:expr, [$($form:ident)*] $({ $($reads:expr => $d:expr),+ })?;)*) => {
        $(
            $(#[doc = $doc])+
            pub static $konst: $crate::ops::pointwise::Pw = $crate::ops::pointwise::Pw {
                name: stringify!($name), node: $node, fun: $crate::dispatch::Fun::$fun, class: $class,
                grads: &[$($(Some($crate::ops::pointwise::D($reads, $d))),+)?],
            };
            impl $crate::tensor::Tensor {
                $(#[doc = $doc])+
                pub fn $name(&self, other: &$crate::tensor::Tensor) -> $crate::error::Result<$crate::tensor::Tensor> { $crate::ops::pointwise::binary(&$konst, self, other) }
            }
        )*
        /// This family's rows.
        pub static $table: &[$crate::schema::OpDef] = &[$(
            $crate::schema::OpDef {
                text: concat!(stringify!($name), "(", stringify!($first), " self, ", stringify!($ty), " other) -> Tensor"), forms: concat!($(stringify!($form), " ",)* ""), doc: concat!($($doc, "\n"),+),
                call: |a| Ok($crate::schema::Ret::from($crate::ops::pointwise::apply(&$konst, &[a.get(0)?, a.get(1)?], Default::default(), &a.dest())?)),
            },
        )*];
    };
}
pub(crate) use binary_rows;
