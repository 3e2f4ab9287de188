//! torch-grammar signatures: parsed once, printed in errors and stubs, and the arguments bound by them.

use crate::error::{Error, Kind, Result};
use crate::tensor::{DType, Device, MemoryFormat, Scalar, Tensor};
use smallvec::SmallVec;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "torch's names")]
pub enum Ty {
    Tensor,
    TensorList,
    /// A list whose entries may be None.
    OptionalTensorList,
    /// A tensor or a number, which becomes a 0-d tensor that does not take part in type promotion as one.
    Operand,
    Scalar,
    ScalarList,
    Int,
    /// `int[k]` also takes one int, repeated k times.
    IntList(u8),
    Float,
    FloatList,
    Bool,
    Str,
    DType,
    Device,
    Layout,
    MemoryFormat,
    Generator,
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Name, with `self` for the first tensor of a method.
    pub name: &'static str,
    /// Type.
    pub ty: Ty,
    /// May it be None?
    pub optional: bool,
    /// The default, if it has one.
    pub default: Option<Value>,
    /// The default as written.
    pub default_text: &'static str,
    /// Only by keyword?
    pub keyword_only: bool,
}

/// A parsed signature.
#[derive(Debug)]
pub struct Schema {
    /// The function's name.
    pub name: &'static str,
    /// Parameters in order.
    pub params: Vec<Param>,
    /// How many may be given by position.
    pub positional: usize,
    /// What it returns, as written.
    pub returns: &'static str,
    /// Names of the returned tensors, if they have names.
    pub return_names: Vec<&'static str>,
}

/// A bound argument.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each variant is the type of its name")]
pub enum Value {
    None,
    Tensor(Tensor),
    Tensors(Vec<Tensor>),
    OptionalTensors(Vec<Option<Tensor>>),
    Scalar(Scalar),
    Scalars(Vec<Scalar>),
    Int(i64),
    Ints(SmallVec<[i64; 6]>),
    Float(f64),
    Floats(Vec<f64>),
    Bool(bool),
    Str(String),
    DType(DType),
    Device(Device),
    MemoryFormat(MemoryFormat),
    Generator(crate::tensor::Generator),
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensor{:?}[{}]", self.shape(), self.dtype().name())
    }
}

/// Where a result goes.
#[derive(Default)]
pub enum Dest {
    /// A new tensor.
    #[default]
    New,
    /// The first argument.
    InPlace,
    /// The tensors given as `out=`.
    Out(SmallVec<[Tensor; 2]>),
}

/// Bound arguments of one call.
pub struct Args {
    /// One value per parameter.
    pub values: SmallVec<[Value; 6]>,
    /// Where the result goes. An operation that writes there itself takes it; else the caller copies.
    pub dest: std::cell::Cell<Option<Dest>>,
}

impl Args {
    /// Arguments for a new result.
    pub fn new(values: SmallVec<[Value; 6]>) -> Self {
        Args { values, dest: std::cell::Cell::new(None) }
    }

    /// Argument `i` as the type that the operation's function takes.
    #[inline]
    pub fn get<'a, T: FromValue<'a>>(&'a self, i: usize) -> Result<T> {
        T::from_value(&self.values[i])
    }

    /// Is the first argument to be written?
    pub fn in_place(&self) -> bool {
        let dest = self.dest.take();
        let found = matches!(dest, Some(Dest::InPlace));
        self.dest.set(dest);
        found
    }

    /// Is the result to be put in place? To be called by operations that then do that themselves.
    pub fn take_in_place(&self) -> bool {
        let dest = self.dest.take();
        let in_place = matches!(dest, Some(Dest::InPlace));
        self.dest.set(if in_place { None } else { dest });
        in_place
    }

    /// Where to write; to be called by operations that can write anywhere.
    #[inline]
    pub fn dest(&self) -> Dest {
        self.dest.take().unwrap_or_default()
    }
}

/// Types that operations take their arguments as.
pub trait FromValue<'a>: Sized {
    /// Converts; a mismatch is a bug in the table, found by its test.
    fn from_value(v: &'a Value) -> Result<Self>;
}

#[cold]
fn mismatch<T>(v: &Value) -> Result<T> {
    Err(Error::new(
        Kind::Runtime,
        format!("internal error: an operation's function and its signature disagree on {v:?}."),
    ))
}

macro_rules! from_value {
    ($($t:ty, $pat:pat => $e:expr);+ $(;)?) => { $(
        impl<'a> FromValue<'a> for $t {
            #[inline]
            fn from_value(v: &'a Value) -> Result<Self> { match v { $pat => Ok($e), other => mismatch(other) } }
        }
        impl<'a> FromValue<'a> for Option<$t> {
            #[inline]
            fn from_value(v: &'a Value) -> Result<Self> { match v { Value::None => Ok(None), $pat => Ok(Some($e)), other => mismatch(other) } }
        }
    )+ };
}
from_value! {
    &'a Tensor, Value::Tensor(t) => t;
    &'a [Tensor], Value::Tensors(t) => t;
    &'a [Option<Tensor>], Value::OptionalTensors(t) => t;
    Scalar, Value::Scalar(s) => *s;
    &'a [Scalar], Value::Scalars(s) => s;
    i64, Value::Int(i) => *i;
    &'a [i64], Value::Ints(i) => i;
    f64, Value::Float(f) => *f;
    &'a [f64], Value::Floats(f) => f;
    bool, Value::Bool(b) => *b;
    &'a str, Value::Str(s) => s;
    DType, Value::DType(d) => *d;
    Device, Value::Device(d) => *d;
    MemoryFormat, Value::MemoryFormat(m) => *m;
    &'a crate::tensor::Generator, Value::Generator(g) => g;
}

/// What an operation gives back.
pub enum Ret {
    /// One tensor.
    Tensor(Tensor),
    /// Several tensors, named by the signature where it names them.
    Tuple(Vec<Tensor>),
    /// A list of tensors (torch gives a tuple to Python).
    List(Vec<Tensor>),
    /// Plain values.
    #[allow(missing_docs, reason = "plain values")]
    Bool(bool),
    #[allow(missing_docs, reason = "plain values")]
    Int(i64),
    #[allow(missing_docs, reason = "plain values")]
    Float(f64),
    #[allow(missing_docs, reason = "plain values")]
    Scalar(Scalar),
    #[allow(missing_docs, reason = "plain values")]
    DType(DType),
    #[allow(missing_docs, reason = "plain values")]
    Ints(Vec<i64>),
    /// Nothing.
    None,
}

macro_rules! into_ret {
    ($($t:ty, $v:ident => $e:expr);+ $(;)?) => { $(impl From<$t> for Ret { fn from($v: $t) -> Ret { $e } })+ };
}
into_ret! {
    Tensor, v => Ret::Tensor(v);
    (Tensor, Tensor), v => Ret::Tuple(vec![v.0, v.1]);
    (Tensor, Tensor, Tensor), v => Ret::Tuple(vec![v.0, v.1, v.2]);
    (Tensor, Tensor, Tensor, Tensor), v => Ret::Tuple(vec![v.0, v.1, v.2, v.3]);
    Vec<Tensor>, v => Ret::List(v);
    bool, v => Ret::Bool(v);
    i64, v => Ret::Int(v);
    f64, v => Ret::Float(v);
    Scalar, v => Ret::Scalar(v);
    DType, v => Ret::DType(v);
    Vec<i64>, v => Ret::Ints(v);
}
impl From<()> for Ret {
    fn from((): ()) -> Ret {
        Ret::None
    }
}

/// One row of the table of operations: a signature and the function behind it.
pub struct OpDef {
    /// torch's signature.
    pub text: &'static str,
    /// Where its name appears: `f` in the top module, `m` as a method, `i` also in place, `o` with `out=`,
    /// `n` in `_C._nn`, `l` in linalg, `s` in special, `t` in fft, `p` in the extension module only. `v`: takes
    /// conjugate and negative views as they are, as views do.
    pub forms: &'static str,
    /// The documentation.
    pub doc: &'static str,
    /// Unpacks the arguments and calls.
    pub call: fn(&Args) -> Result<Ret>,
}

impl OpDef {
    /// The parsed signature; callers keep it.
    pub fn schema(&self) -> Schema {
        parse(self.text)
    }

    /// The name, without parsing the rest.
    pub fn name(&self) -> &'static str {
        self.text.split('(').next().unwrap_or(self.text).trim()
    }
}

/// Declares rows of the table of operations:
///
/// ```ignore
/// ops! {
///     /// Cumulative sum along a dim.
///     "cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor" [f m i o] => cumsum(0, 1, 2);
///     "add(Tensor self, Operand other, *, Scalar alpha=1) -> Tensor" [f m i o] => |a| add_dest(a.get(0)?, a.get(1)?, a.get(2)?, &a.dest());
/// }
/// ```
/// The numbers say which parameter goes where; types are inferred from the function.
#[macro_export]
macro_rules! ops {
    (@rows [$(($text:literal, $forms:expr, $doc:expr, $call:expr))*] $($(#[doc = $doc2:literal])* $text2:literal [$($form2:ident)*] => |$a:ident| $body:expr ;)*) => {
        /// This family's rows.
        pub static OPS: &[$crate::schema::OpDef] = &[
            $($crate::schema::OpDef { text: $text, forms: $forms, doc: $doc, call: $call },)*
            $($crate::schema::OpDef { text: $text2, forms: concat!($(stringify!($form2), " ",)* ""), doc: concat!("", $($doc2, "\n"),*),
                call: |$a: &$crate::schema::Args| Ok($crate::schema::Ret::from($body?)) },)*
        ];
    };
    ($($(#[doc = $doc:literal])* $text:literal [$($form:ident)*] => $($f:ident)::+ ( $($i:literal),* ) ;)* $(@ $($rest:tt)*)?) => {
        $crate::ops!(@rows [$( ($text, concat!($(stringify!($form), " ",)* ""), concat!("", $($doc, "\n"),*), |a: &$crate::schema::Args| Ok($crate::schema::Ret::from($($f)::+ ($(a.get($i)?),*)?))) )*] $($($rest)*)?);
    };
}

fn parse_type(text: &'static str) -> (Ty, bool) {
    let (text, optional) = match text.strip_suffix('?') {
        Some(t) => (t, true),
        None => (text, false),
    };
    let text = text.trim_end_matches("(a)").trim_end_matches("(a!)");
    let ty = match text {
        "Tensor" => Ty::Tensor,
        "Tensor[]" => Ty::TensorList,
        "Tensor?[]" => Ty::OptionalTensorList,
        "Operand" => Ty::Operand,
        "Scalar" => Ty::Scalar,
        "Scalar[]" => Ty::ScalarList,
        "int" | "SymInt" => Ty::Int,
        "float" => Ty::Float,
        "float[]" => Ty::FloatList,
        "bool" => Ty::Bool,
        "str" => Ty::Str,
        "ScalarType" => Ty::DType,
        "Device" => Ty::Device,
        "Layout" => Ty::Layout,
        "MemoryFormat" => Ty::MemoryFormat,
        "Generator" => Ty::Generator,
        other => match other.strip_prefix("int[").and_then(|t| t.strip_suffix(']')) {
            Some(n) => Ty::IntList(n.parse().unwrap_or(0)),
            None => Ty::Str,
        },
    };
    (ty, optional)
}

fn parse_default(text: &str, ty: Ty) -> Value {
    let number = |t: &str| -> f64 {
        match t {
            "inf" => f64::INFINITY,
            "-inf" => f64::NEG_INFINITY,
            "nan" => f64::NAN,
            t => t.parse().unwrap_or(0.0),
        }
    };
    match (ty, text) {
        (_, "None") => Value::None,
        (Ty::Bool, t) => Value::Bool(t == "True"),
        (Ty::Int, t) => Value::Int(t.parse().unwrap_or(0)),
        (Ty::Float, t) => Value::Float(number(t)),
        (Ty::Scalar | Ty::Operand, t) => Value::Scalar(match t {
            "True" => Scalar::Bool(true),
            "False" => Scalar::Bool(false),
            t => t.parse::<i64>().map_or_else(|_| Scalar::Float(number(t)), Scalar::Int),
        }),
        (Ty::IntList(n), t) => {
            let list: SmallVec<[i64; 6]> =
                t.trim_matches(['[', ']']).split(',').filter_map(|x| x.trim().parse().ok()).collect();
            if !t.starts_with('[') && n > 1 {
                Value::Ints(SmallVec::from_elem(list[0], n as usize))
            } else {
                Value::Ints(list)
            }
        }
        (Ty::FloatList, _) => Value::Floats(Vec::new()),
        (Ty::MemoryFormat, t) => {
            Value::MemoryFormat(if t == "preserve_format" { MemoryFormat::Preserve } else { MemoryFormat::Contiguous })
        }
        (_, t) => Value::Str(t.trim_matches(['\'', '"']).into()),
    }
}

/// Parses a signature.
pub fn parse(text: &'static str) -> Schema {
    let open = text.find('(').unwrap_or(text.len());
    let arrow = text.rfind("->").unwrap_or(text.len());
    let close = text[..arrow].rfind(')').unwrap_or(arrow);
    let mut params = Vec::new();
    let (mut keyword_only, mut positional) = (false, 0);
    let inner = text.get(open + 1..close).unwrap_or("");
    let (mut depth, mut start) = (0, 0);
    let mut pieces = Vec::new();
    for (i, c) in inner.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                pieces.push(inner[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    pieces.push(inner[start..].trim());
    for piece in pieces.into_iter().filter(|p| !p.is_empty()) {
        if piece == "*" {
            keyword_only = true;
            continue;
        }
        let (ty_text, rest) = piece.split_once(' ').unwrap_or((piece, ""));
        let (name, default_text) = rest.split_once('=').unwrap_or((rest, ""));
        let (ty, optional) = parse_type(ty_text);
        let default = (!default_text.is_empty()).then(|| parse_default(default_text, ty));
        positional += !keyword_only as usize;
        params.push(Param { name, ty, optional, default, default_text, keyword_only });
    }
    let returns = text.get(arrow + 2..).unwrap_or("").trim();
    let return_names = returns
        .strip_prefix('(')
        .and_then(|r| r.strip_suffix(')'))
        .map(|r| r.split(',').filter_map(|p| p.trim().split_once(' ').map(|p| p.1)).collect())
        .unwrap_or_default();
    Schema { name: text[..open].trim(), params, positional, returns, return_names }
}
