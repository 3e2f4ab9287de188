//! Every row of the table as Python functions and methods, through one C function per name.

use super::args::{Call, Misfit, bind, refuse};
use super::convert::ret_object;
use super::deprecated;
use super::errors::contain_named;
use super::fallback;
use super::overrides;
use super::slots::DETACH_NUMEL;
use super::tensor::{PyTensor, resize, wrap};
use crate::ops::{ALIASES, MIXING, TABLE, inplace, lazy};
use crate::schema::{Dest, OpDef, Ret, Schema, Ty, Value};
use crate::tensor::{DType, Device, MemoryFormat, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::OnceLock;

/// A row with its signature, parsed on the first call.
struct Overload {
    def: &'static OpDef,
    parsed: OnceLock<Schema>,
    /// Does a 0-d CPU tensor in front of all others go to their device?
    mixes: bool,
    /// Does it take conjugate and negative views as they are?
    lazy: bool,
}

impl Overload {
    fn schema(&self) -> &Schema {
        self.parsed.get_or_init(|| self.def.schema())
    }
}

/// A name that Python can call.
struct Callable {
    name: String,
    overloads: Vec<Overload>,
    method: bool,
    in_place: bool,
    out: bool,
    /// The function object that users see, for `__torch_function__`.
    object: OnceLock<Py<PyAny>>,
    /// Is the result without arguments the tensor itself?
    same: Option<fn(&Tensor) -> bool>,
}

/// Methods that programs call in case, and which then mostly have nothing to do: their calls skip the binding of arguments.
fn same(name: &str) -> Option<fn(&Tensor) -> bool> {
    match name {
        "contiguous" => Some(Tensor::is_contiguous),
        "float" => Some(|t| t.dtype() == DType::F32),
        "double" => Some(|t| t.dtype() == DType::F64),
        "long" => Some(|t| t.dtype() == DType::I64),
        "bool" => Some(|t| t.dtype() == DType::Bool),
        _ => None,
    }
}

static CALLABLES: OnceLock<Vec<Callable>> = OnceLock::new();

/// Room for names; registration fails loudly when it is used up.
const MAX: usize = 2048;

type Fast = unsafe extern "C" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    ffi::Py_ssize_t,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

// A C function knows nothing but its own address, so each name gets an instance of its own, which knows its number.
unsafe extern "C" fn trampoline<const I: usize>(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    kwnames: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: Python calls this with its vectorcall convention and the interpreter attached.
    unsafe { enter(I, slf, args, nargs, kwnames) }
}

macro_rules! table {
    ($($hi:literal)*) => { [$(table!(@16 $hi)),*] };
    (@16 $hi:literal) => { [table!(@1 $hi 0), table!(@1 $hi 1), table!(@1 $hi 2), table!(@1 $hi 3), table!(@1 $hi 4), table!(@1 $hi 5), table!(@1 $hi 6), table!(@1 $hi 7),
        table!(@1 $hi 8), table!(@1 $hi 9), table!(@1 $hi 10), table!(@1 $hi 11), table!(@1 $hi 12), table!(@1 $hi 13), table!(@1 $hi 14), table!(@1 $hi 15)] };
    (@1 $hi:literal $lo:literal) => { [trampoline::<{ $hi * 256 + $lo * 16 }> as Fast, trampoline::<{ $hi * 256 + $lo * 16 + 1 }>, trampoline::<{ $hi * 256 + $lo * 16 + 2 }>,
        trampoline::<{ $hi * 256 + $lo * 16 + 3 }>, trampoline::<{ $hi * 256 + $lo * 16 + 4 }>, trampoline::<{ $hi * 256 + $lo * 16 + 5 }>, trampoline::<{ $hi * 256 + $lo * 16 + 6 }>,
        trampoline::<{ $hi * 256 + $lo * 16 + 7 }>, trampoline::<{ $hi * 256 + $lo * 16 + 8 }>, trampoline::<{ $hi * 256 + $lo * 16 + 9 }>, trampoline::<{ $hi * 256 + $lo * 16 + 10 }>,
        trampoline::<{ $hi * 256 + $lo * 16 + 11 }>, trampoline::<{ $hi * 256 + $lo * 16 + 12 }>, trampoline::<{ $hi * 256 + $lo * 16 + 13 }>, trampoline::<{ $hi * 256 + $lo * 16 + 14 }>,
        trampoline::<{ $hi * 256 + $lo * 16 + 15 }>] };
}
static TRAMPOLINES: [[[Fast; 16]; 16]; 8] = table!(0 1 2 3 4 5 6 7);

unsafe fn enter(
    i: usize,
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    kwnames: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    Python::attach(|py| {
        let mut name = "";
        let done = contain_named(&mut name, |name| {
            let Some(c) = CALLABLES.get().and_then(|t| t.get(i)) else {
                return Err(PyRuntimeError::new_err("an operation was called before the module was ready"));
            };
            *name = &c.name;
            if let Some(same) = c.same
                && nargs == 0
                && kwnames.is_null()
            {
                // SAFETY: a method's object lives as long as the call.
                let slf = unsafe { Bound::from_borrowed_ptr(py, slf) };
                if overrides::both_plain(&slf, None)
                    && let Ok(t) = slf.cast::<PyTensor>()
                    && same(&t.get().tensor())
                {
                    return Ok(slf.unbind());
                }
            }
            // SAFETY: Python's vectorcall convention.
            let call = unsafe { Call::new(py, c.method.then_some(slf), args, nargs as usize, kwnames) };
            run(py, c, call)
        });
        match done {
            Ok(obj) => obj.into_ptr(),
            Err(e) => {
                e.restore(py);
                std::ptr::null_mut()
            }
        }
    })
}

fn run<'py>(py: Python<'py>, c: &Callable, mut call: Call<'py>) -> PyResult<Py<PyAny>> {
    if let Some(found) = overrides::interested(&call)
        && let Some(object) = c.object.get()
    {
        let (args, kwargs) = call.as_objects(py)?;
        return Ok(overrides::handle(py, object.bind(py), &found, &args, &kwargs)?.unbind());
    }
    let out = if c.out && !call.keywords.is_empty() { call.take("out").filter(|o| !o.is_none()) } else { None };
    let mut misfits = Vec::new();
    for def in &c.overloads {
        // Not every overload of a name writes into an output.
        if out.is_some() && !def.def.forms.contains('o') {
            misfits.push(Misfit::Unknown("out".to_owned()));
            continue;
        }
        match bind(def.schema(), &call, c.method) {
            Ok(args) => return execute(py, c, def, args, out),
            Err(m) => misfits.push(m),
        }
    }
    let schemas: Vec<_> = c.overloads.iter().map(|d| d.schema()).collect();
    let out = out.map(|o| (PyString::new(py, "out"), o));
    if let Some(mut now) = deprecated::modern(py, &c.name, schemas[0], (c.method, c.out), &call)? {
        now.keywords.extend(out);
        return run(py, c, now);
    }
    call.keywords.extend(out);
    if c.method
        && let Some(Misfit::Type(0, got)) = misfits.first()
    {
        return Err(PyTypeError::new_err(format!(
            "descriptor '{}' for 'torch._C.TensorBase' objects doesn't apply to a '{got}' object",
            c.name
        )));
    }
    Err(refuse(&c.name, &schemas, &call, c.method, misfits, c.out))
}

fn weight(values: &[Value]) -> usize {
    values
        .iter()
        .map(|v| match v {
            Value::Tensor(t) => t.numel(),
            Value::Tensors(ts) => ts.iter().map(|t| t.numel()).sum(),
            Value::Ints(dims) => dims.iter().map(|&d| d.clamp(0, 1 << 20) as usize).product(),
            _ => 0,
        })
        .sum()
}

fn execute(
    py: Python<'_>,
    c: &Callable,
    overload: &Overload,
    mut args: crate::schema::Args,
    out: Option<Bound<'_, PyAny>>,
) -> PyResult<Py<PyAny>> {
    let (schema, def) = (overload.schema(), overload.def);
    let outs = match &out {
        Some(o) => Some(out_tensors(&c.name, o, schema)?),
        None => None,
    };
    if check_operands(&c.name, &args.values, overload.mixes)? && !overload.lazy {
        return execute_resolved(py, c, overload, args, out);
    }
    let wants_grad = schema.params.last().is_some_and(|p| p.name == "requires_grad")
        && matches!(args.values.last(), Some(Value::Bool(true)));
    if let Some(outs) = &outs {
        outs.iter().try_for_each(|o| check_out(&c.name, o, &args.values))?;
        follow(outs, schema, &mut args.values);
    }
    let first = match args.values.first() {
        Some(Value::Tensor(t)) if c.in_place => Some(t.clone()),
        _ => None,
    };
    let dest = match (&outs, c.in_place) {
        // What is written through a lazy view is made first.
        (Some(o), _) if o.iter().any(|o| o.get().tensor().is_lazy()) => Dest::New,
        (Some(o), _) => Dest::Out(o.iter().map(|o| o.get().tensor()).collect()),
        (None, true) => Dest::InPlace,
        _ => Dest::New,
    };
    let placed = !matches!(dest, Dest::New);
    if placed {
        args.dest = std::cell::Cell::new(Some(dest));
    }
    let heavy = weight(&args.values) >= DETACH_NUMEL;
    let call = move || {
        let r = crate::error::caught(|| (def.call)(&args));
        (r, args)
    };
    let (ret, args) = if heavy { py.detach(call) } else { call() };
    let (ret, left) = match ret {
        Ok(ret) => (ret, args.dest.take()),
        Err(e) if fallback::applies(&e, &args.values) => fallback::run(py, &c.name, def, &args, c.in_place, e)?,
        Err(e) => return Err(e.into()),
    };
    let ret = match (outs, left) {
        (Some(outs), _) => write_outs(&c.name, ret, &outs)?,
        // The operation did not write in place itself: give the first argument its result.
        (None, Some(dest @ Dest::InPlace)) => inplace::place(&c.name, dest, first.as_ref(), ret)?,
        (None, _) => ret,
    };
    if wants_grad && let Ret::Tensor(t) = &ret {
        super::gradient::set_requires_grad(t, true, super::gradient::DIFFERENTIABLE)?;
    }
    if let Some(o) = out {
        return super::convert::out_object(o, schema);
    }
    ret_object(py, ret, schema)
}

/// [`execute`] on what conjugate and negative views stand for. What it changes in place is carried back to them.
#[cold]
fn execute_resolved(
    py: Python<'_>,
    c: &Callable,
    overload: &Overload,
    mut args: crate::schema::Args,
    out: Option<Bound<'_, PyAny>>,
) -> PyResult<Py<PyAny>> {
    let mut resolved = Vec::new();
    let mut resolve = |t: &mut Tensor| {
        if t.is_lazy() {
            let copy = lazy::resolve(t)?;
            resolved.push((std::mem::replace(t, copy.clone()), copy.version(), copy));
        }
        Ok::<_, crate::error::Error>(())
    };
    for v in &mut args.values {
        match v {
            Value::Tensor(t) => resolve(t)?,
            Value::Tensors(ts) => ts.iter_mut().try_for_each(&mut resolve)?,
            Value::OptionalTensors(ts) => ts.iter_mut().flatten().try_for_each(&mut resolve)?,
            _ => {}
        }
    }
    let r = execute(py, c, overload, args, out)?;
    let result = super::convert::tensor_of(r.bind(py));
    let mut given = r;
    for (view, version, copy) in resolved {
        if copy.version() != version {
            crate::ops::copy::copy_(&view, &copy, false)?;
            if result.as_ref().is_some_and(|r| r.is(&copy)) {
                given = wrap(py, view)?;
            }
        }
    }
    Ok(given)
}

/// Operations that may read one device and write another, or read lengths from any.
const CROSSING: [&str; 5] = ["copy_", "set_", "copy", "_copy_from", "ctc_loss"];

/// All tensors live on one device, but for 0-d ones on the CPU: kernels read what they are given. The first one says
/// where the result is, unless the operation `mixes`. Is one a conjugate or negative view?
fn check_operands(name: &str, values: &[Value], mixes: bool) -> PyResult<bool> {
    let (mut found, mut first, mut sparse, mut lazy) = (SmallVec::<[Device; 2]>::new(), !mixes, false, false);
    let mut see = |t: &Tensor| {
        let d = t.device();
        sparse |= t.sparse().is_some();
        lazy |= t.is_lazy();
        let counts = d != Device::Cpu || t.ndim() > 0 || first && !t.is_wrapped_number();
        if counts && !found.contains(&d) {
            found.push(d);
        }
        first &= t.is_wrapped_number();
    };
    for v in values {
        match v {
            Value::Tensor(t) => see(t),
            Value::Tensors(ts) => ts.iter().for_each(&mut see),
            Value::OptionalTensors(ts) => ts.iter().flatten().for_each(&mut see),
            _ => {}
        }
    }
    if sparse {
        return Err(super::sparse::refuse(name).into());
    }
    if let [a, b, ..] = found[..]
        && !CROSSING.contains(&name)
    {
        // The CPU first, whichever came first.
        let (a, b) = if b == Device::Cpu { (b, a) } else { (a, b) };
        return Err(mixed_devices(name, a, b).into());
    }
    Ok(lazy)
}

#[cold]
fn mixed_devices(name: &str, a: Device, b: Device) -> crate::error::Error {
    crate::error::three_parts(
        crate::error::Kind::Runtime,
        Some(format!("Expected all tensors to be on the same device, but found at least two devices, {a} and {b}!")),
        format!("{name}: expected tensors on one device"),
        format!("{a} and {b}"),
        "Move one with .to().".to_owned(),
    )
}

/// Operations that refuse an `out=` whose elements overlap even where it will be resized.
const BEFORE_RESIZE: [&str; 2] = ["masked_select", "take"];

/// Operations that must not write into what they read, not even in place: torch's read it in another order.
const APART: [&str; 8] =
    ["cat", "diff", "gather", "index_select", "kthvalue", "masked_select", "take", "take_along_dim"];
/// The same, but for the tensor that they change.
const APART_FROM_OTHERS: [&str; 4] = ["index_add", "index_copy", "scatter", "scatter_add"];

/// May results be written into `out`? Its shape is looked at later, since it may change.
fn check_out(name: &str, out: &Bound<'_, PyTensor>, values: &[Value]) -> crate::error::Result<()> {
    let out = out.get().tensor();
    if BEFORE_RESIZE.contains(&name) {
        inplace::check(&out, false)?
    } else {
        inplace::check_history(&out, false)?
    }
    let (apart, from_others) = (APART.contains(&name), APART_FROM_OTHERS.contains(&name));
    let mut tensors = values.iter().flat_map(|v| match v {
        Value::Tensor(t) => std::slice::from_ref(t),
        Value::Tensors(ts) => ts.as_slice(),
        _ => &[],
    });
    let mut first = true;
    tensors.try_for_each(|t| {
        let apart = apart || from_others && !std::mem::take(&mut first);
        if t.device() != out.device() && (t.ndim() > 0 || t.is_meta()) {
            return Err(crate::error::three_parts(
                crate::error::Kind::Runtime,
                Some(format!(
                    "Attempting to copy from device {} to device {}, but cross-device copies are not allowed!",
                    t.device(),
                    out.device()
                )),
                format!("out: expected a tensor on {}", t.device()),
                out.device().to_string(),
                "Make it on the inputs' device.".to_owned(),
            ));
        }
        if apart && t.numel() > 0 && out.numel() > 0 && t.starts_with(&out) && !t.is_meta() {
            return Err(crate::error::three_parts(
                crate::error::Kind::Runtime,
                Some("unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the tensor before performing the operation.".to_owned()),
                format!("{name}: expected an out tensor with memory of its own"),
                "an input".to_owned(),
                "Use clone() first.".to_owned(),
            ));
        }
        inplace::check_overlap(&out, t)
    })
}

/// What is made from numbers alone takes the dtype and the device of the tensor that it is written to.
fn follow(outs: &[Bound<'_, PyTensor>], schema: &Schema, values: &mut [Value]) {
    if schema.params.iter().any(|p| p.ty == Ty::Tensor) {
        return;
    }
    let Some(out) = outs.first().map(|o| o.get().tensor()) else { return };
    for (p, v) in schema.params.iter().zip(values) {
        let free = matches!(v, Value::None);
        match p.name {
            "dtype" if free => *v = Value::DType(out.dtype()),
            "device" if free => *v = Value::Device(out.device()),
            _ => {}
        }
    }
}

/// The tensors of an `out=` argument: as many as the operation returns.
fn out_tensors<'py>(
    name: &str,
    out: &Bound<'py, PyAny>,
    schema: &Schema,
) -> PyResult<SmallVec<[Bound<'py, PyTensor>; 2]>> {
    let single = schema.returns == "Tensor";
    let wanted = if single { "Tensor" } else { "tuple of Tensors" };
    let wrong = |o: &Bound<'_, PyAny>| super::convert::wrong_type(name, "out", wanted, o);
    if let Ok(t) = out.cast::<PyTensor>() {
        return if single { Ok(smallvec::smallvec![t.clone()]) } else { Err(wrong(out)) };
    }
    if single || !(out.is_instance_of::<PyTuple>() || out.is_instance_of::<PyList>()) {
        return Err(wrong(out));
    }
    let Ok(list) = out.try_iter() else { return Err(wrong(out)) };
    list.map(|o| {
        let o = o?;
        o.cast::<PyTensor>().cloned().map_err(|_| wrong(&o))
    })
    .collect()
}

/// Operations whose `out=` must have the result's dtype: torch writes into it without a cast.
const EXACT: [&str; 31] = [
    "addbmm",
    "addmm",
    "addmv",
    "amax",
    "amin",
    "aminmax",
    "argmax",
    "argmin",
    "avg_pool3d",
    "baddbmm",
    "bmm",
    "bucketize",
    "dot",
    "expand_copy",
    "gather",
    "hash_tensor",
    "isin",
    "linalg_matmul",
    "matmul",
    "mm",
    "multinomial",
    "mv",
    "nonzero",
    "searchsorted",
    "slice_scatter",
    "take",
    "take_along_dim",
    "tensordot",
    "topk",
    "vdot",
    "view_copy",
];
/// The same for the values of a pair of values and places.
const EXACT_PAIRS: [&str; 9] = ["cummax", "cummin", "kthvalue", "max", "median", "min", "mode", "nanmedian", "sort"];

/// Fourier transforms write complex results into complex tensors alone, and real ones into floats.
fn check_transform(name: &str, r: &Tensor, out: &Tensor) -> crate::error::Result<()> {
    let (complex, into) = (r.dtype().is_complex(), out.dtype());
    let Some(short) = name.strip_prefix("fft_").filter(|_| complex != into.is_complex() || into.is_integral(true))
    else {
        return Ok(());
    };
    let kind = if complex { "complex" } else { "floating point" };
    Err(crate::error::three_parts(
        crate::error::Kind::Runtime,
        Some(format!("{short} expects a {kind} output tensor, but got {}", into.scalar_name())),
        format!("{short}: expected an out tensor of dtype {}", r.dtype().name()),
        into.name().to_owned(),
        "Give an empty tensor of that dtype.".to_owned(),
    ))
}

/// `pair`: the result is one of values and their places.
fn check_exact(name: &str, r: &Tensor, out: &Tensor, pair: bool) -> crate::error::Result<()> {
    let index = pair && r.dtype() == DType::I64;
    if r.dtype() == out.dtype() || !(index || EXACT.contains(&name) || pair && EXACT_PAIRS.contains(&name)) {
        return Ok(());
    }
    let (want, got) = (r.dtype().typedef_name(), out.dtype().typedef_name());
    let sentence = match name {
        "multinomial" => format!("multinomial expects Long tensor out, got: {}", out.dtype().scalar_name()),
        // torch checks places by another name than values.
        "amax" | "amin" => format!(
            "Expected the dtype for input and out to match, but got {} for input's dtype and {} for out's dtype.",
            r.dtype().scalar_name(),
            out.dtype().scalar_name()
        ),
        "dot" | "vdot" => {
            format!("result dtype {} does not match input dtype {}", out.dtype().scalar_name(), r.dtype().scalar_name())
        }
        "hash_tensor" => format!("Expected result to be of dtype uint64, but got {}", out.dtype().scalar_name()),
        "mv" => {
            let (x, y) = (r.dtype().scalar_name(), out.dtype().scalar_name());
            format!("addmv input tensors must have the same dtype, but got {y}, {x}, and {x}")
        }
        "bucketize" | "searchsorted" => format!(
            "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on whether out_int32 flag is True, but we got output tensor's dtype {} and out_int32 flag is {}",
            out.dtype().scalar_name(),
            if r.dtype() == DType::I32 { "True" } else { "False" }
        ),
        _ if index => format!("Expected out tensor to have dtype long int, but got {got} instead"),
        _ => format!("Expected out tensor to have dtype {want}, but got {got} instead"),
    };
    Err(crate::error::three_parts(
        crate::error::Kind::Runtime,
        Some(sentence),
        format!("{name}: expected an out tensor of dtype {}", r.dtype().name()),
        out.dtype().name().to_owned(),
        "Give an empty tensor of that dtype.".to_owned(),
    ))
}

fn write_outs(name: &str, ret: Ret, outs: &[Bound<'_, PyTensor>]) -> PyResult<Ret> {
    let results: Vec<_> = match ret {
        Ret::Tensor(t) => vec![t],
        Ret::Tuple(ts) | Ret::List(ts) => ts,
        other => return Ok(other),
    };
    if results.len() != outs.len() {
        return Err(PyTypeError::new_err(format!(
            "{name}(): argument 'out' must be tuple of {} Tensors, not {}",
            results.len(),
            outs.len()
        )));
    }
    for (r, out) in results.iter().zip(outs) {
        let t = out.get().tensor();
        if r.is(&t) {
            continue;
        }
        check_exact(name, r, &t, results.len() > 1)?;
        check_transform(name, r, &t)?;
        if r.requires_grad() {
            return Err(inplace::refuse_out::<()>(name).unwrap_err().into());
        }
        inplace::check_result(name, &t, r)?;
        if t.shape() != r.shape() {
            if t.numel() > 0 {
                let py = out.py();
                let text = CString::new(format!("An output with one or more elements was resized since it had shape {:?}, which does not match the required output shape {:?}. This behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).", t.shape(), r.shape())).unwrap_or_default();
                PyErr::warn(py, &py.get_type::<pyo3::exceptions::PyUserWarning>(), &text, 1)?;
            }
            resize(out, r.shape(), MemoryFormat::Contiguous)?;
        }
        inplace::write_out(name, &out.get().tensor(), r)?;
    }
    Ok(Ret::None)
}

/// What the forms letters of a row ask for, under its own name and its aliases: (where, name, method, in place).
fn places(def: &'static OpDef) -> Vec<(&'static str, String, bool, bool)> {
    let mut v = forms(def.name(), def.forms);
    for (alias, _) in ALIASES.iter().filter(|(_, row)| *row == def.name()) {
        match alias.split_once('.') {
            Some((form, alias)) => v.extend(forms(alias, form)),
            None => v.extend(forms(alias, def.forms)),
        }
    }
    v
}

fn forms(name: &str, forms: &str) -> Vec<(&'static str, String, bool, bool)> {
    let mut v = Vec::new();
    for form in forms.split_whitespace() {
        match form {
            "f" => v.push(("", name.to_owned(), false, false)),
            "m" => v.push(("Tensor", name.to_owned(), true, false)),
            // What lives in `_nn` alone has its in-place form there too.
            "i" if forms.split_whitespace().all(|f| f != "m" && f != "f") => {
                v.push(("_nn", format!("{name}_"), false, true))
            }
            "i" => {
                v.push(("", format!("{name}_"), false, true));
                v.push(("Tensor", format!("{name}_"), true, true));
            }
            "n" => v.push(("_nn", name.to_owned(), false, false)),
            "l" => v.push(("_linalg", name.to_owned(), false, false)),
            "s" => v.push(("_special", name.to_owned(), false, false)),
            "t" => v.push(("_fft", name.to_owned(), false, false)),
            "p" => v.push(("_private", name.to_owned(), false, false)),
            _ => {}
        }
    }
    v
}

pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    let mut grouped: BTreeMap<(&'static str, String), Callable> = BTreeMap::new();
    for (def, mixes) in TABLE.iter().flat_map(|t| {
        let mixes = MIXING.iter().any(|m| std::ptr::eq(*m, *t));
        t.iter().map(move |def| (def, mixes))
    }) {
        for (place, name, method, in_place) in places(def) {
            let c = grouped.entry((place, name.clone())).or_insert_with(|| Callable {
                same: if method { same(&name) } else { None },
                name,
                overloads: Vec::new(),
                method,
                in_place,
                out: false,
                object: OnceLock::new(),
            });
            c.overloads.push(Overload {
                def,
                parsed: OnceLock::new(),
                mixes: mixes && !in_place,
                lazy: def.forms.contains('v'),
            });
            c.out |= !in_place && def.forms.contains('o');
        }
    }
    if grouped.len() > MAX {
        return Err(PyRuntimeError::new_err("the table of operations has outgrown its trampolines"));
    }
    let (places, callables): (Vec<_>, Vec<_>) = grouped.into_iter().unzip();
    let tensor_type = py.get_type::<PyTensor>();
    let mut modules = BTreeMap::new();
    for name in ["_nn", "_linalg", "_special", "_fft", "_private"] {
        let sub = PyModule::new(py, name)?;
        m.add(name, &sub)?;
        modules.insert(name, sub);
    }
    let names = PyList::empty(py);
    for (i, (c, (place, name))) in callables.iter().zip(&places).enumerate() {
        // Doc comments have a space after their slashes.
        let about = |d: &Overload| format!("{}\n\n{}", d.def.text, d.def.doc.trim().replace("\n ", "\n"));
        let doc = c.overloads.iter().map(about).collect::<Vec<_>>().join("\n\n");
        let c_name = CString::new(name.as_str()).unwrap_or_default();
        let c_doc = CString::new(doc).unwrap_or_default();
        // Method definitions must outlive the interpreter's objects: they are made once per process and kept.
        let def = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: c_name.into_raw(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: TRAMPOLINES[i / 256][i / 16 % 16][i % 16] },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: c_doc.into_raw(),
        }));
        // SAFETY: the definition is complete and lives forever.
        let object: Bound<'_, PyAny> = unsafe {
            let p = if c.method {
                ffi::PyDescr_NewMethod(tensor_type.as_type_ptr(), def)
            } else {
                ffi::PyCFunction_NewEx(def, std::ptr::null_mut(), m.name()?.as_ptr())
            };
            Bound::from_owned_ptr_or_err(py, p)?
        };
        let _ = c.object.set(object.clone().unbind());
        match *place {
            "Tensor" => tensor_type.setattr(name, object)?,
            "" => {
                names.append(name)?;
                m.add(name.as_str(), object)?;
            }
            sub => modules[sub].add(name.as_str(), object)?,
        }
    }
    m.add("_function_names", names)?;
    let _ = CALLABLES.set(callables);
    m.add_function(wrap_pyfunction!(_schemas, m)?)?;
    Ok(())
}

/// The objects of all methods that the table gives to Tensor.
pub(super) fn methods(py: Python<'_>) -> Vec<Py<PyAny>> {
    CALLABLES
        .get()
        .into_iter()
        .flatten()
        .filter(|c| c.method)
        .filter_map(|c| c.object.get().map(|o| o.clone_ref(py)))
        .collect()
}

/// The table for tools: one dict per row.
#[pyfunction]
fn _schemas(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for def in TABLE.iter().flat_map(|t| t.iter()) {
        let s = def.schema();
        let d = PyDict::new(py);
        d.set_item("name", s.name)?;
        d.set_item("forms", def.forms.trim())?;
        let shown: Vec<_> = places(def).into_iter().map(|(place, name, _, in_place)| (place, name, in_place)).collect();
        d.set_item("places", shown)?;
        d.set_item("text", def.text)?;
        d.set_item("doc", def.doc)?;
        d.set_item("returns", s.returns)?;
        let params = PyList::empty(py);
        for p in &s.params {
            let q = PyDict::new(py);
            q.set_item("name", p.name)?;
            q.set_item("type", format!("{:?}", p.ty))?;
            q.set_item("optional", p.optional)?;
            q.set_item("default", p.default.as_ref().map(|_| p.default_text))?;
            q.set_item("keyword_only", p.keyword_only)?;
            params.append(q)?;
        }
        d.set_item("params", params)?;
        list.append(d)?;
    }
    Ok(list)
}
