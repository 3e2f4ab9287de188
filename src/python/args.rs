//! Binding Python arguments to a signature: the road of every call that has no slot of its own.

use super::convert::{device_of, dtype_of, format_of, int_of, ints_of, is_number, overflow, scalar_of, tensor_of};
use super::types::PyLayout;
use crate::dispatch;
use crate::error::Error;
use crate::schema::{Args, Param, Schema, Ty, Value};
use crate::tensor::{Scalar, Tensor};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PyString, PyTuple};
use smallvec::SmallVec;

/// Arguments of one call as Python passes them.
pub(super) struct Call<'py> {
    /// Positional ones, the tensor of a method first.
    pub positional: SmallVec<[Bound<'py, PyAny>; 6]>,
    /// Keyword ones.
    pub keywords: SmallVec<[(Bound<'py, PyString>, Bound<'py, PyAny>); 4]>,
}

impl<'py> Call<'py> {
    /// Reads the vectorcall convention.
    ///
    /// # Safety
    /// `args` holds `nargs` objects and then one per name in `kwnames`.
    pub(super) unsafe fn new(
        py: Python<'py>,
        slf: Option<*mut ffi::PyObject>,
        args: *const *mut ffi::PyObject,
        nargs: usize,
        kwnames: *mut ffi::PyObject,
    ) -> Self {
        // SAFETY: the caller's contract; all objects live as long as the call.
        unsafe {
            let borrow = |p: *mut ffi::PyObject| Bound::from_borrowed_ptr(py, p);
            let mut positional = SmallVec::new();
            positional.extend(slf.map(borrow));
            positional.extend((0..nargs).map(|i| borrow(*args.add(i))));
            let mut keywords = SmallVec::new();
            if !kwnames.is_null() {
                for i in 0..ffi::PyTuple_GET_SIZE(kwnames) {
                    let name = borrow(ffi::PyTuple_GET_ITEM(kwnames, i)).cast_into_unchecked::<PyString>();
                    keywords.push((name, borrow(*args.add(nargs + i as usize))));
                }
            }
            Call { positional, keywords }
        }
    }

    /// Takes a keyword argument out.
    pub(super) fn take(&mut self, name: &str) -> Option<Bound<'py, PyAny>> {
        let at = self.keywords.iter().position(|(k, _)| k.to_str().is_ok_and(|k| k == name))?;
        Some(self.keywords.remove(at).1)
    }
}

/// Why a call does not fit a signature.
pub(super) enum Misfit {
    /// An argument has the wrong type: parameter number and what came.
    Type(usize, String),
    /// An item of a list has the wrong type: parameter number, place in the list and what came.
    Item(usize, usize, String),
    /// A required argument is missing.
    Missing,
    /// An unknown keyword.
    Unknown(String),
    /// More positional arguments than the signature takes.
    TooMany(usize),
    /// A value that can be explained better than by its type.
    Value(Error),
    /// A keyword that a positional argument has set already.
    Twice(String),
    /// Numbers alone, for a function that asks for a tensor among its operands.
    Numbers,
    /// What an argument raised when it was asked for its value.
    Raised(PyErr),
}

/// The Python name of a parameter: `self` is `input`, as in torch's functions.
pub(super) fn python_name(p: &Param) -> &'static str {
    if p.name == "self" { "input" } else { p.name }
}

fn names_param(keyword: &str, p: &Param) -> bool {
    if keyword == p.name {
        return p.name != "self";
    }
    match keyword {
        "input" | "x" | "a" | "x1" => p.name == "self",
        "axis" | "axes" => p.name == "dim" || p.name == "dims",
        "keepdims" => p.name == "keepdim",
        "x2" => p.name == "other",
        "dim" => p.name == "axis",
        "size" => p.name == "shape",
        "split_size" => p.name == "split_size_or_sections",
        _ => false,
    }
}

/// Binds a call to a signature. `method`: the first argument came through attribute access.
pub(super) fn bind(schema: &Schema, call: &Call<'_>, method: bool) -> Result<Args, Misfit> {
    let mut values: SmallVec<[Value; 6]> = SmallVec::with_capacity(schema.params.len());
    let given = call.positional.len();
    let lead = method as usize;
    // A lone list of ints may be spelled out: `x.view(2, 3)`, `torch.zeros(2, 3)`.
    let spread = schema.positional == lead + 1
        && matches!(schema.params.get(lead), Some(p) if matches!(p.ty, Ty::IntList(_)))
        && given > lead
        && call.positional[lead..].iter().all(|a| int_of(a).is_some());
    if given > schema.positional && !spread {
        let mut spelled = call.positional.iter().skip(lead);
        if schema.positional == lead + 1
            && matches!(schema.params[lead].ty, Ty::IntList(_))
            && spelled.next().is_some_and(|a| int_of(a).is_some())
            && let Some(at) = spelled.position(|a| int_of(a).is_none())
        {
            return Err(Misfit::Item(lead, at + 1, type_name(&call.positional[lead + at + 1])));
        }
        return Err(Misfit::TooMany(given));
    }
    let mut used = 0;
    for (i, p) in schema.params.iter().enumerate() {
        if spread && i == lead {
            values.push(Value::Ints(call.positional[lead..].iter().filter_map(int_of).collect()));
            continue;
        }
        if i < given && !p.keyword_only {
            let obj = &call.positional[i];
            values.push(convert(p, obj, i).map_err(|e| e.at(i, p.ty, obj))?);
            continue;
        }
        if used < call.keywords.len()
            && let Some((_, obj)) = call.keywords.iter().find(|(k, _)| k.to_str().is_ok_and(|k| names_param(k, p)))
        {
            used += 1;
            values.push(convert(p, obj, i).map_err(|e| e.at(i, p.ty, obj))?);
            continue;
        }
        match &p.default {
            Some(Value::Scalar(s)) if p.ty == Ty::Operand => {
                values.push(dispatch::wrapped(*s).map(Value::Tensor).map_err(Misfit::Value)?)
            }
            Some(v) => values.push(v.clone()),
            None => return Err(Misfit::Missing),
        }
    }
    if used < call.keywords.len() {
        for (k, _) in &call.keywords {
            let name = k.to_string();
            match schema.params.iter().position(|p| names_param(&name, p)) {
                None => return Err(Misfit::Unknown(name)),
                Some(i) if i < given && !schema.params[i].keyword_only => return Err(Misfit::Twice(name)),
                Some(_) => {}
            }
        }
    }
    if let ([a, b, ..], [Value::Tensor(x), Value::Tensor(y), ..]) = (schema.params.as_slice(), values.as_slice())
        && (a.ty, b.ty) == (Ty::Operand, Ty::Operand)
        && x.is_wrapped_number()
        && y.is_wrapped_number()
        && !is_arithmetic(schema.name)
        && !matches!(schema.name, "linspace" | "logspace")
    {
        return Err(Misfit::Numbers);
    }
    Ok(Args::new(values))
}

/// Arithmetic, whose tensors may all be numbers, as in torch.
fn is_arithmetic(name: &str) -> bool {
    matches!(name, "add" | "sub" | "mul" | "div" | "true_divide" | "floor_divide")
}

enum Wrong {
    Type,
    Value(Error),
    Raised(PyErr),
}

impl From<PyErr> for Wrong {
    fn from(e: PyErr) -> Wrong {
        Wrong::Raised(e)
    }
}

impl Wrong {
    #[cold]
    fn at(self, i: usize, ty: Ty, obj: &Bound<'_, PyAny>) -> Misfit {
        match self {
            Wrong::Value(e) => return Misfit::Value(e),
            Wrong::Raised(e) => return Misfit::Raised(e),
            Wrong::Type => {}
        }
        let fits = |o: &Bound<'_, PyAny>| match ty {
            Ty::IntList(_) => int_of(o).is_some(),
            _ => true,
        };
        let items = sequence(obj).unwrap_or_default();
        match items.iter().position(|o| !fits(o)) {
            Some(at) => Misfit::Item(i, at, type_name(&items[at])),
            None => Misfit::Type(i, type_name(obj)),
        }
    }
}

/// The name of an object's type as its C struct has it: with the module for types written in C.
pub(super) fn type_name(obj: &Bound<'_, PyAny>) -> String {
    // SAFETY: reads the name of a live object's type, which is a C string.
    let name = unsafe { std::ffi::CStr::from_ptr((*ffi::Py_TYPE(obj.as_ptr())).tp_name) };
    let name = name.to_string_lossy();
    match name.strip_prefix("rustorch.") {
        Some(own) => format!("torch.{own}"),
        None => name.into_owned(),
    }
}

fn sequence<'py>(obj: &Bound<'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    if let Ok(t) = obj.cast::<PyTuple>() {
        return Some(t.iter().collect());
    }
    obj.cast::<PyList>().ok().map(|l| l.iter().collect())
}

fn scalars(obj: &Bound<'_, PyAny>) -> PyResult<Option<Vec<Scalar>>> {
    sequence(obj).map_or(Ok(None), |l| l.iter().map(scalar_of).collect())
}

/// The tensors of a list, the `argument`-th argument.
fn tensors(list: &[Bound<'_, PyAny>], argument: usize) -> crate::error::Result<Vec<Tensor>> {
    let found: Vec<Tensor> = list.iter().map_while(tensor_of).collect();
    if let Some(wrong) = list.get(found.len()) {
        let got = type_name(wrong);
        crate::fail!(Type, torch: ("expected Tensor as element {} in argument {argument}, but got {got}", found.len()), expected: ("expected a list of tensors"), got: ("{got} in it"), fix: ("Convert it with torch.tensor()."));
    }
    Ok(found)
}

#[inline]
fn convert(p: &Param, obj: &Bound<'_, PyAny>, i: usize) -> Result<Value, Wrong> {
    let value = match p.ty {
        Ty::Tensor => tensor_of(obj).map(Value::Tensor),
        Ty::Operand => match tensor_of(obj) {
            Some(t) => Some(Value::Tensor(t)),
            None => match scalar_of(obj)? {
                Some(s) => Some(Value::Tensor(dispatch::wrapped(s).map_err(Wrong::Value)?)),
                None => None,
            },
        },
        Ty::Scalar => scalar_of(obj)?.map(Value::Scalar),
        Ty::Int if tensor_of(obj).is_some_and(|t| t.ndim() > 0) || !is_number(obj) => None,
        Ty::Int => int_of(obj).map(Value::Int),
        Ty::IntList(n) => match ints_of(obj) {
            Some(v) => Some(Value::Ints(v)),
            // `int[k]` takes one int for all; torch lets `int[1]` be an int, and so do plain lists of dims.
            None if n > 0 => int_of(obj).map(|i| Value::Ints(SmallVec::from_elem(i, n as usize))),
            None => None,
        },
        Ty::Float => match scalar_of(obj)? {
            Some(Scalar::Complex(..)) => None,
            Some(s) => Some(Value::Float(s.f64())),
            // Ints of any size, as far as a float reaches.
            None => obj.cast::<PyInt>().ok().and_then(|i| i.extract::<f64>().ok()).map(Value::Float),
        },
        Ty::FloatList => scalars(obj)?.map(|l| Value::Floats(l.into_iter().map(Scalar::f64).collect())),
        Ty::ScalarList => scalars(obj)?.map(Value::Scalars),
        Ty::Bool => bool_of(obj).map(Value::Bool),
        Ty::Str => match obj.cast::<PyString>() {
            Ok(s) => s.to_str().ok().map(|s| Value::Str(s.to_owned())),
            Err(_) => {
                obj.cast::<PyBytes>().ok().and_then(|b| String::from_utf8(b.as_bytes().to_vec()).ok()).map(Value::Str)
            }
        },
        Ty::DType => dtype_of(obj).map(Value::DType),
        Ty::Device => match device_of(obj) {
            Some(d) => Some(Value::Device(d.map_err(Wrong::Value)?)),
            None => None,
        },
        Ty::Layout => match obj.cast::<PyLayout>() {
            Ok(layout) if !layout.get().is_strided() => {
                let name = layout.get().name();
                return Err(Wrong::Value(crate::error::three_parts(
                    crate::error::Kind::NotImplemented,
                    None,
                    format!("{}: expected torch.strided", p.name),
                    format!("torch.{name}"),
                    "Make the tensor dense, then call to_sparse().".to_owned(),
                )));
            }
            other => other.ok().map(|_| Value::None),
        },
        Ty::MemoryFormat => format_of(obj).map(Value::MemoryFormat),
        Ty::Generator => super::random::generator_of(obj).map(Value::Generator),
        Ty::TensorList => match sequence(obj) {
            Some(l) => Some(Value::Tensors(tensors(&l, i).map_err(Wrong::Value)?)),
            None => None,
        },
        Ty::OptionalTensorList => sequence(obj)
            .and_then(|l| {
                l.iter()
                    .map(|o| if o.is_none() { Some(None) } else { tensor_of(o).map(Some) })
                    .collect::<Option<Vec<_>>>()
            })
            .map(Value::OptionalTensors),
    };
    match value {
        Some(v) => Ok(v),
        None if obj.is_none() && (p.optional || matches!(p.default, Some(Value::None))) => Ok(Value::None),
        // torch writes the default of a list that may be empty as None.
        None if obj.is_none() && matches!(&p.default, Some(Value::Ints(v)) if v.is_empty()) => {
            Ok(Value::Ints(SmallVec::new()))
        }
        None if obj.is_none() && p.name == "requires_grad" => Ok(Value::Bool(false)),
        None => Err(overflow(obj, p.ty).map_or(Wrong::Type, Wrong::Value)),
    }
}

fn bool_of(obj: &Bound<'_, PyAny>) -> Option<bool> {
    // SAFETY: a type check and an identity comparison on a live object.
    unsafe {
        let p = obj.as_ptr();
        if ffi::PyBool_Check(p) != 0 {
            return Some(p == ffi::Py_True());
        }
    }
    let name = type_name(obj);
    (name == "numpy.bool_" || name == "numpy.bool").then(|| obj.is_truthy().ok()).flatten()
}

fn ty_text(ty: Ty) -> &'static str {
    match ty {
        Ty::Tensor => "Tensor",
        Ty::TensorList => "tuple of Tensors",
        Ty::OptionalTensorList => "tuple of Tensors",
        Ty::Operand => "Tensor",
        Ty::Scalar => "Number",
        Ty::ScalarList => "tuple of Scalars",
        Ty::Int => "int",
        Ty::IntList(_) => "tuple of ints",
        Ty::Float => "float",
        Ty::FloatList => "tuple of floats",
        Ty::Bool => "bool",
        Ty::Str => "str",
        Ty::DType => "torch.dtype",
        Ty::Device => "torch.device",
        Ty::Layout => "torch.layout",
        Ty::MemoryFormat => "torch.memory_format",
        Ty::Generator => "torch.Generator",
    }
}

/// A signature as torch prints it in errors.
pub(super) fn show(schema: &Schema, method: bool, out: bool) -> String {
    let mut parts = Vec::new();
    let mut star = false;
    for p in schema.params.iter().skip(method as usize) {
        if p.keyword_only && !star {
            parts.push("*".to_owned());
            star = true;
        }
        let default = p.default.as_ref().map(|_| format!(" = {}", p.default_text)).unwrap_or_default();
        parts.push(format!("{} {}{default}", ty_text(p.ty), python_name(p)));
    }
    if out {
        if !star {
            parts.push("*".to_owned());
        }
        parts.push("Tensor out = None".to_owned());
    }
    format!("({})", parts.join(", "))
}

/// The TypeError for a call that fits none of the signatures.
#[cold]
pub(super) fn refuse(
    name: &str,
    schemas: &[&Schema],
    call: &Call<'_>,
    method: bool,
    misfits: Vec<Misfit>,
    out: bool,
) -> PyErr {
    let mut misfits = misfits;
    if let Some(at) = misfits.iter().position(|m| matches!(m, Misfit::Value(_)))
        && let Misfit::Value(e) = misfits.swap_remove(at)
    {
        return e.into();
    }
    let lead = method as usize;
    if let Some(at) = misfits.iter().position(|m| matches!(m, Misfit::Raised(_)))
        && let Misfit::Raised(e) = misfits.swap_remove(at)
    {
        return e;
    }
    // Where torch has one signature per kind of operand, no single one of them is meant.
    let several = |s: &Schema| s.params.iter().any(|p| p.ty == Ty::Operand) && !is_arithmetic(s.name);
    // One signature says what is wrong with it; of several, the one that fits but for an item of a list.
    let chosen = match schemas {
        [s] if !several(s) => Some(0),
        _ => misfits.iter().position(|m| matches!(m, Misfit::Item(..))),
    };
    if let Some((schema, misfit)) = chosen.and_then(|at| Some((schemas.get(at)?, misfits.into_iter().nth(at)?))) {
        let place = |i: usize| match i < call.positional.len() && !schema.params[i].keyword_only {
            true => format!(" (position {})", i + 1 - lead),
            false => String::new(),
        };
        let text = match misfit {
            Misfit::Type(i, got) => {
                let p = &schema.params[i];
                format!("{name}(): argument '{}'{} must be {}, not {got}", python_name(p), place(i), ty_text(p.ty))
            }
            Misfit::Item(i, at, got) => {
                let (ty, p) = (schema.params[i].ty, python_name(&schema.params[i]));
                match at {
                    0 => format!(
                        "{name}(): argument '{p}'{} must be {}, but found element of type {got} at pos 0",
                        place(i),
                        ty_text(ty)
                    ),
                    _ => format!(
                        "{name}(): argument '{p}' failed to unpack the object at pos {} with error \"type must be {},but got {got}\"",
                        at + 1,
                        ty_text(ty)
                    ),
                }
            }
            Misfit::Missing => {
                let missing: Vec<String> = schema
                    .params
                    .iter()
                    .enumerate()
                    .filter(|(i, p)| {
                        p.default.is_none()
                            && *i >= call.positional.len()
                            && !call.keywords.iter().any(|(k, _)| k.to_str().is_ok_and(|k| names_param(k, p)))
                    })
                    .map(|(_, p)| format!("\"{}\"", python_name(p)))
                    .collect();
                // torch has no singular here.
                format!("{name}() missing {} required positional arguments: {}", missing.len(), missing.join(", "))
            }
            Misfit::Unknown(k) => format!("{name}() got an unexpected keyword argument '{k}'"),
            Misfit::Twice(k) => format!("{name}() got multiple values for argument '{k}'"),
            Misfit::TooMany(n) => {
                let max = schema.positional - lead;
                format!(
                    "{name}() takes {max} positional argument{} but {} {} given",
                    if max == 1 { "" } else { "s" },
                    n - lead,
                    if n - lead == 1 { "was" } else { "were" }
                )
            }
            Misfit::Value(e) => return e.into(),
            Misfit::Raised(e) => return e,
            Misfit::Numbers => format!("{name}(): expected a tensor, but got numbers alone"),
        };
        return PyTypeError::new_err(format!("{text}\n  expected {name}{}", show(schema, method, out)));
    }
    let got: Vec<String> = call
        .positional
        .iter()
        .skip(lead)
        .map(type_name)
        .chain(call.keywords.iter().map(|(k, v)| format!("{k}={}", type_name(v))))
        .collect();
    let options: Vec<String> = schemas.iter().map(|s| format!(" * {}", show(s, method, out))).collect();
    PyTypeError::new_err(format!(
        "{name}() received an invalid combination of arguments - got ({}), but expected one of:\n{}\n",
        got.join(", "),
        options.join("\n")
    ))
}
