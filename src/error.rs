//! The one error type: a Python exception class and a message that names cause and fix.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

/// The Python exception class that an [`Error`] becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Wrong shape, dtype, device or state.
    Runtime,
    /// A dim or index out of range.
    Index,
    /// An argument of the wrong type.
    Type,
    /// A value out of its range.
    Value,
    /// A Python number that does not fit its place.
    Overflow,
    /// An operation or dtype without a kernel.
    NotImplemented,
    /// An operation that runs on the CPU alone: NotImplemented, too.
    NoGpuKernel,
    /// No memory for a result.
    OutOfMemory,
    /// A matrix without the factorisation or the inverse that was asked for.
    LinAlg,
    /// A name that does not exist.
    Attribute,
    /// `buffer` protocol or DLPack trouble.
    Buffer,
    /// Two tensors or a tensor and a flag disagree in a way torch asserts on.
    Assertion,
    /// A Python exception passing through Rust; the payload is in [`Error::payload`].
    Python,
}

/// An error on its way to Python. One word wide, so that `Result` stays cheap on hot paths.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    payload: Option<Box<dyn std::any::Any + Send + Sync>>,
}

/// The crate's result type.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of class `kind` with a finished message. Use [`crate::fail!`] where the caller can mend it.
    #[cold]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner { kind, message: message.into(), payload: None }))
    }

    /// Wraps a foreign exception so that it travels through the engine unchanged.
    #[cold]
    pub fn foreign(payload: Box<dyn std::any::Any + Send + Sync>, message: String) -> Self {
        Error(Box::new(Inner { kind: Kind::Python, message, payload: Some(payload) }))
    }

    /// The exception class.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Did the GPU have no kernel for an operation or its arguments?
    pub fn is_for_lack_of_a_kernel(&self) -> bool {
        matches!(self.kind(), Kind::NoGpuKernel | Kind::NotImplemented)
    }

    /// The whole text.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The foreign exception, if this is one.
    pub fn into_payload(self) -> Option<Box<dyn std::any::Any + Send + Sync>> {
        self.0.payload
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)
    }
}

impl std::error::Error for Error {}

/// Returns early with an error in three parts: expected, got, fix.
///
/// `torch:` is optional: the sentence that PyTorch users know, kept as the first line.
/// Each part is a parenthesised `format!` argument list.
///
/// ```ignore
/// fail!(Runtime, torch: ("size mismatch"), expected: ("mm: expected 2-D"), got: ("{}-D", n), fix: ("Use matmul."));
/// ```
#[macro_export]
macro_rules! fail {
    ($kind:ident, torch: ($($t:tt)+), expected: ($($e:tt)+), got: ($($g:tt)+), fix: ($($f:tt)+) $(,)?) => {
        return Err($crate::error::three_parts(
            $crate::error::Kind::$kind, Some(format!($($t)+)), format!($($e)+), format!($($g)+), format!($($f)+)).into())
    };
    ($kind:ident, expected: ($($e:tt)+), got: ($($g:tt)+), fix: ($($f:tt)+) $(,)?) => {
        return Err($crate::error::three_parts(
            $crate::error::Kind::$kind, None, format!($($e)+), format!($($g)+), format!($($f)+)).into())
    };
}

/// Joins the parts of a [`fail!`].
#[cold]
pub fn three_parts(kind: Kind, torch: Option<String>, expected: String, got: String, fix: String) -> Error {
    let ours = format!("{expected}, but got {got}. {fix}");
    Error::new(
        kind,
        match torch {
            Some(line) => format!("{line}\n  {ours}"),
            None => ours,
        },
    )
}

type Warn = fn(&AtomicBool, &str) -> Result<()>;
static WARN: OnceLock<Warn> = OnceLock::new();

/// Sets who gives warnings to the user.
pub fn on_warning(f: Warn) {
    let _ = WARN.set(f);
}

/// Warns the user once a process; `said` remembers it. An error if the user made warnings errors.
#[cold]
pub fn warn_once(said: &'static AtomicBool, text: &str) -> Result<()> {
    WARN.get().map_or(Ok(()), |f| f(said, text))
}

/// Warns the user; Python's filters decide how often. An error if the user made warnings errors.
#[cold]
pub fn warn(text: &str) -> Result<()> {
    WARN.get().map_or(Ok(()), |f| f(&AtomicBool::new(false), text))
}

/// What unwinds from a kernel that finds no memory for its intermediate results; the bindings turn it into an error.
#[derive(Debug)]
pub struct NoRoom(pub usize);

/// An empty vector with room for `n` items. Without memory it unwinds with [`NoRoom`], where `Vec` would abort.
pub fn room<T>(n: usize) -> Vec<T> {
    let mut v = Vec::new();
    if v.try_reserve_exact(n).is_err() {
        std::panic::resume_unwind(Box::new(NoRoom(n.saturating_mul(size_of::<T>()))));
    }
    v
}

/// `n` equal items; without memory it unwinds as [`room`] does.
pub fn filled<T: Clone>(item: T, n: usize) -> Vec<T> {
    let mut v = room(n);
    v.resize(n, item);
    v
}

/// Room for `n` more items, in steps that double; without memory it unwinds as [`room`] does.
pub fn grow<T>(v: &mut Vec<T>, n: usize) {
    if v.try_reserve(n).is_err() {
        std::panic::resume_unwind(Box::new(NoRoom(v.len().saturating_add(n).saturating_mul(size_of::<T>()))));
    }
}

/// What unwinds from a kernel that fails otherwise; the bindings raise its error.
#[derive(Debug)]
pub struct Stopped(pub Error);

/// Leaves a kernel, which returns no result, with an error.
#[cold]
pub fn stop(e: Error) -> ! {
    std::panic::resume_unwind(Box::new(Stopped(e)))
}

/// Runs `f`; an error by which a kernel left comes back as one.
pub fn caught<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
    done.unwrap_or_else(|payload| match payload.downcast::<Stopped>() {
        Ok(stopped) => Err(stopped.0),
        Err(payload) => std::panic::resume_unwind(payload),
    })
}

/// The error of an operation that GPUs have no kernel for; the bindings put its name in front.
#[cold]
pub fn no_gpu_kernel() -> Error {
    Error::new(
        Kind::NoGpuKernel,
        "expected an operation that has a GPU kernel, but got one that has none for these arguments. Set \
         RUSTORCH_GPU_FALLBACK=1 to run it on the CPU with copies and a warning, or move its arguments with .cpu().",
    )
}

/// The error of what reads memory itself, where that is conjugated or negated on the way.
#[cold]
pub fn unresolved() -> Error {
    Error::new(
        Kind::Runtime,
        "expected a tensor that is stored as it reads, but got a conjugate or negative view. Call .resolve_conj() or \
         .resolve_neg() first.",
    )
}

/// A bug in rustorch itself, reported as such instead of a panic.
#[macro_export]
macro_rules! internal {
    ($($t:tt)+) => {
        return Err($crate::error::Error::new($crate::error::Kind::Runtime,
            format!("internal error: {} Please report it with the code that led here.", format!($($t)+))))
    };
}
