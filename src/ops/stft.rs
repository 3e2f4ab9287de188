//! Fourier transforms of short, overlapping pieces of a signal, and the way back.

use super::copy::contiguous;
use super::create::ones;
use super::extreme::amin;
use super::fft::{Norm, c2c, c2r, r2c_windowed};
use super::pad::{constant_pad, pad};
use super::reinterpret::view_as_real;
use super::view;
use crate::autograd::no_grad;
use crate::error::{Kind, Result, three_parts, warn_once};
use crate::fail;
use crate::ops;
use crate::tensor::layout::contiguous_strides;
use crate::tensor::{DType, Scalar, Tensor};
use std::fmt::Display;
use std::sync::atomic::AtomicBool;

/// A dtype as torch names tensors in these functions' errors.
fn kind(x: &Tensor) -> String {
    let name = x.dtype().scalar_name();
    if x.dtype().is_complex() { format!("CPU{name}Type") } else { format!("torch.{name}Tensor") }
}

fn shown<T: Display>(x: Option<T>) -> String {
    x.map_or("None".to_owned(), |x| x.to_string())
}

/// What both functions are told about their pieces.
struct Pieces<'a> {
    name: &'static str,
    n_fft: i64,
    hop: i64,
    length: i64,
    window: Option<&'a Tensor>,
}

impl Pieces<'_> {
    /// The call in torch's words, in front of what is wrong with it.
    #[cold]
    fn refuse<T>(&self, x: &Tensor, rest: &str, wrong: String, (want, got): (&str, String), fix: &str) -> Result<T> {
        let window = self.window.map(|w| format!("{}{{{:?}}}", kind(w), w.shape()));
        let call = format!(
            "{}({}{:?}, n_fft={}, hop_length={}, win_length={}, window={}, {rest}) {wrong}",
            self.name,
            kind(x),
            x.shape(),
            self.n_fft,
            self.hop,
            self.length,
            shown(window),
        );
        Err(three_parts(Kind::Runtime, Some(call), format!("{}: expected {want}", self.name), got, fix.to_owned()))
    }

    /// The window between zeros, `n_fft` long; None stands for ones.
    fn padded(&self, dtype: DType, x: &Tensor) -> Result<Option<Tensor>> {
        let missing = self.n_fft - self.length;
        if missing == 0 {
            return Ok(self.window.cloned());
        }
        let window = match self.window {
            Some(w) => w.clone(),
            None => ones(&[self.length], Some(dtype), Some(x.device()))?,
        };
        constant_pad(&window, &[missing / 2, missing - missing / 2], Scalar::Int(0)).map(Some)
    }

    fn check_device(&self, x: &Tensor) -> Result<()> {
        if let Some(w) = self.window
            && w.device() != x.device()
        {
            fail!(Runtime, torch: ("{} input and window must be on the same device but got self on {} and window on {}", self.name, x.device(), w.device()), expected: ("{}: expected one device", self.name), got: ("two"), fix: ("Move the window with .to()."));
        }
        Ok(())
    }
}

/// Puts `n_fft / 2` numbers around the last dim, so that pieces are centred.
fn centred(x: &Tensor, n_fft: i64, mode: &str) -> Result<Tensor> {
    let lead = 3usize.saturating_sub(x.ndim());
    let mut shape: Vec<usize> = vec![1; lead];
    shape.extend_from_slice(x.shape());
    let y = pad(&x.reshape_to(&shape)?, &[n_fft / 2, n_fft / 2], mode, None)?;
    y.reshape_to(&y.shape()[lead.min(2)..])
}

/// Coefficients (*, frequencies, pieces) of the pieces of a signal (*, L), each multiplied by the window.
fn stft(
    x: &Tensor,
    n_fft: i64,
    hop_length: Option<i64>,
    win_length: Option<i64>,
    window: Option<&Tensor>,
    center: bool,
    pad_mode: &str,
    normalized: bool,
    onesided: Option<bool>,
    return_complex: Option<bool>,
    align_to_window: Option<bool>,
) -> Result<Tensor> {
    static NO_WINDOW: AtomicBool = AtomicBool::new(false);
    static REAL: AtomicBool = AtomicBool::new(false);
    if center && align_to_window.is_some() {
        fail!(Runtime, torch: ("stft align_to_window should only be set when center = false"), expected: ("stft: expected align_to_window=None"), got: ("center=True"), fix: ("Set center=False."));
    }
    let x = &if center { centred(x, n_fft, pad_mode)? } else { x.clone() };
    if window.is_none() {
        warn_once(
            &NO_WINDOW,
            "A window was not provided. A rectangular window will be applied,which is known to cause spectral leakage. Other windows such as torch.hann_window or torch.hamming_window are recommended to reduce spectral leakage.To suppress this warning and use a rectangular window, explicitly set `window=torch.ones(n_fft, device=<device>)`.",
        )?;
    }
    let (hop, length) = (hop_length.unwrap_or(n_fft >> 2), win_length.unwrap_or(n_fft));
    let p = Pieces { name: "stft", n_fft, hop, length, window };
    p.check_device(x)?;
    let complex = x.dtype().is_complex() || window.is_some_and(|w| w.dtype().is_complex());
    let as_complex = return_complex.unwrap_or(complex);
    if !as_complex {
        if return_complex.is_none() {
            fail!(Runtime, torch: ("stft requires the return_complex parameter be given for real inputs, and will further require that return_complex=True in a future PyTorch release."), expected: ("stft: expected return_complex"), got: ("none"), fix: ("Pass return_complex=True."));
        }
        warn_once(
            &REAL,
            "stft with return_complex=False is deprecated. In a future pytorch release, stft will return complex tensors for all inputs, and return_complex=False will raise an error.\nNote: you can still call torch.view_as_real on the complex output to recover the old return format.",
        )?;
    }
    let bad = |wrong: String, want: &str, got: String, fix: &str| -> Result<Tensor> {
        let flag = |b: Option<bool>| shown(b.map(i32::from));
        let rest = format!(
            "normalized={}, onesided={}, return_complex={}, align_to_window={}",
            i32::from(normalized),
            flag(onesided),
            flag(return_complex),
            flag(align_to_window)
        );
        p.refuse(x, &rest, format!(": {wrong}"), (want, got), fix)
    };
    if !x.dtype().is_differentiable() {
        let got = x.dtype().name().to_owned();
        return bad(
            "expected a tensor of floating point or complex values".to_owned(),
            "floats or complex numbers",
            got,
            "Convert with .float().",
        );
    }
    if x.ndim() == 0 || x.ndim() > 2 {
        let got = format!("{:?}", x.shape());
        return bad("expected a 1D or 2D tensor".to_owned(), "a signal (L,) or (B, L)", got, "Merge its first dims.");
    }
    let long = x.size(x.ndim() - 1) as i64;
    if n_fft <= 0 || n_fft > long {
        return bad(
            format!("expected 0 < n_fft < {long}, but got n_fft={length}"),
            &format!("n_fft from 1 to {long}"),
            n_fft.to_string(),
            "Pad the signal, or use shorter pieces.",
        );
    }
    if hop <= 0 {
        return bad(
            format!("expected hop_length > 0, but got hop_length={hop}"),
            "a hop_length of at least 1",
            hop.to_string(),
            "It is n_fft // 4 by default.",
        );
    }
    if length <= 0 || length > n_fft {
        return bad(
            format!("expected 0 < win_length <= n_fft, but got win_length={length}"),
            &format!("win_length from 1 to {n_fft}"),
            length.to_string(),
            "It is n_fft by default.",
        );
    }
    if let Some(w) = window
        && w.shape() != [length as usize]
    {
        return bad(
            format!(
                "expected a 1D window tensor of size equal to win_length={length}, but got window with size {:?}",
                w.shape()
            ),
            &format!("a window of shape [{length}]"),
            format!("{:?}", w.shape()),
            "Give win_length, too.",
        );
    }
    let window = p.padded(x.dtype(), x)?;
    let single = x.ndim() == 1;
    let mut pieces = if single { view::unsqueeze(x, 0)? } else { x.clone() };
    if align_to_window == Some(true) {
        let side = (n_fft - length) / 2;
        pieces = constant_pad(&pieces, &[side, side], Scalar::Int(0))?;
    }
    pieces = view::unfold(&pieces, 1, n_fft, hop)?; // (B, pieces, n_fft)
    // A constant window is multiplied by where pieces are read, unless an expanded signal would leave its mark on strides.
    let expanded = pieces.strides()[0] == 0;
    let same = |w: &&Tensor| !expanded && matches!(w.dtype(), DType::F32 | DType::F64) && w.dtype() == x.dtype();
    let constant = window.as_ref().filter(same).filter(|w| !w.requires_grad()).map(contiguous).transpose()?;
    if let Some(w) = &window
        && constant.is_none()
    {
        pieces = pieces.mul(w)?;
    }
    let norm = if normalized { Norm::Root } else { Norm::None };
    let y = if pieces.dtype().is_complex() {
        if onesided == Some(true) {
            return onesided_complex("stft");
        }
        c2c(&pieces, &[2], norm, true)?
    } else {
        r2c_windowed(&pieces, constant.as_ref(), &[2], norm, onesided.unwrap_or(true))?
    };
    let y = view::transpose(&y, 1, 2)?; // (B, frequencies, pieces)
    let y = if single { view::squeeze_dim(&y, 0)? } else { y };
    if as_complex { Ok(y) } else { view_as_real(&y) }
}

#[cold]
fn onesided_complex(name: &str) -> Result<Tensor> {
    fail!(Runtime, torch: ("Cannot have onesided output if window or input is complex"), expected: ("{name}: expected onesided=False"), got: ("True"), fix: ("Complex signals need all frequencies."))
}

/// The sum of pieces (B, pieces, n) that begin `hop` apart: (B, L).
fn overlapped(pieces: &Tensor, hop: i64) -> Result<Tensor> {
    let (batch, count, n) = (pieces.size(0), pieces.size(1), pieces.size(2));
    let shape = [batch, n + hop as usize * (count - 1)];
    let strides = contiguous_strides(&shape);
    let places = (pieces.shape().into(), smallvec::smallvec![strides[0], hop as isize, 1], 0);
    view::embed(pieces, &shape, &strides, &places)
}

/// The signal (*, L) that best agrees with coefficients (*, frequencies, pieces) of its pieces.
fn istft(
    x: &Tensor,
    n_fft: i64,
    hop_length: Option<i64>,
    win_length: Option<i64>,
    window: Option<&Tensor>,
    center: bool,
    normalized: bool,
    onesided: Option<bool>,
    length: Option<i64>,
    return_complex: bool,
) -> Result<Tensor> {
    static NO_WINDOW: AtomicBool = AtomicBool::new(false);
    static SHORT: AtomicBool = AtomicBool::new(false);
    if window.is_none() {
        warn_once(
            &NO_WINDOW,
            "A window was not provided. A rectangular window will be applied.Please provide the same window used by stft to make the inversion lossless.To suppress this warning and use a rectangular window, explicitly set `window=torch.ones(n_fft, device=<device>)`.",
        )?;
    }
    let (hop, win) = (hop_length.unwrap_or(n_fft >> 2), win_length.unwrap_or(n_fft));
    let p = Pieces { name: "istft", n_fft, hop, length: win, window };
    p.check_device(x)?;
    if !x.dtype().is_complex() {
        fail!(Runtime, torch: ("istft requires a complex-valued input tensor matching the output from stft with return_complex=True."), expected: ("istft: expected complex numbers"), got: ("{}", x.dtype().name()), fix: ("Use view_as_complex()."));
    }
    if x.ndim() < 2 {
        let (n, d) = (x.ndim() as i64, x.ndim() as i64 + 2);
        fail!(Index, torch: ("Dimension out of range (expected to be in range of [{}, {n}], but got -{d})", -n - 1), expected: ("istft: expected coefficients (*, frequencies, pieces)"), got: ("{:?}", x.shape()), fix: ("Add dims."));
    }
    let bad = |wrong: String, want: &str, got: String, fix: &str| -> Result<Tensor> {
        let rest = format!(
            "center={}, normalized={}, onesided={}, length={}, return_complex={}",
            i32::from(center),
            i32::from(normalized),
            shown(onesided.map(i32::from)),
            shown(length),
            i32::from(return_complex)
        );
        p.refuse(x, &rest, wrong, (want, got), fix)
    };
    let (rows, pieces) = (x.size(x.ndim() - 2) as i64, x.size(x.ndim() - 1));
    if x.numel() == 0 {
        return bad(
            ": input tensor cannot be empty.".to_owned(),
            "coefficients",
            format!("{:?}", x.shape()),
            "Check the shape.",
        );
    }
    if x.ndim() > 3 {
        return bad(
            format!(": expected a tensor with 3 or 4 dimensions, but got {}", x.ndim() + 1),
            "coefficients (frequencies, pieces) or (B, frequencies, pieces)",
            format!("{:?}", x.shape()),
            "Merge the first dims.",
        );
    }
    let onesided = onesided.unwrap_or(rows != n_fft);
    let (want, text) = if onesided {
        (n_fft / 2 + 1, "n_fft / 2 + 1 when onesided=True")
    } else {
        (n_fft, "n_fft when onesided=False")
    };
    if rows != want {
        return bad(
            format!(
                ": expected the frequency dimension (3rd to the last) of the input tensor to match {text}, but got {rows}"
            ),
            &format!("{want} frequencies"),
            rows.to_string(),
            "Give the arguments that stft was given.",
        );
    }
    if !(0 < hop && hop <= win) {
        return bad(
            ": expected 0 < hop_length <= win_length".to_owned(),
            &format!("hop_length from 1 to {win}"),
            hop.to_string(),
            "Pieces must touch.",
        );
    }
    if !(0 < win && win <= n_fft) {
        return bad(
            ": expected 0 < win_length <= n_fft".to_owned(),
            &format!("win_length from 1 to {n_fft}"),
            win.to_string(),
            "It is n_fft by default.",
        );
    }
    if let Some(w) = window
        && w.shape() != [win as usize]
    {
        return bad(
            ": Invalid window shape. window has to be 1D and length of `win_length`".to_owned(),
            &format!("a window of shape [{win}]"),
            format!("{:?}", w.shape()),
            "Give win_length, too.",
        );
    }
    let real = x.dtype().to_real();
    let window = match p.padded(real, x)? {
        Some(w) => w,
        None => ones(&[n_fft], Some(real), Some(x.device()))?,
    };
    let single = x.ndim() == 2;
    let y = if single { view::unsqueeze(x, 0)? } else { x.clone() };
    let mut y = view::transpose(&y, 1, 2)?; // (B, pieces, frequencies)
    let norm = if normalized { Norm::Root } else { Norm::Number };
    if return_complex {
        if onesided {
            return onesided_complex("istft");
        }
        y = c2c(&y, &[2], norm, false)?;
    } else {
        if window.dtype().is_complex() {
            fail!(Runtime, torch: ("Complex windows are incompatible with return_complex=False"), expected: ("istft: expected a real window"), got: ("{}", window.dtype().name()), fix: ("Pass return_complex=True."));
        }
        if !onesided {
            y = view::narrow(&y, 2, 0, n_fft / 2 + 1)?;
        }
        y = c2r(&y, &[2], norm, n_fft as usize)?;
    }
    let y = overlapped(&y.mul(&window)?, hop)?;
    let weights = view::expand(&window.mul(&window)?, &[1, pieces as i64, n_fft])?;
    let weights = overlapped(&weights, hop)?;
    let whole = y.size(1) as i64;
    let start = if center { n_fft / 2 } else { 0 };
    let end = match length {
        Some(n) => start.saturating_add(n),
        None if center => -(n_fft / 2),
        None => whole,
    };
    let cut = |t: &Tensor| view::slice(t, 1, Some(start), Some(end), 1);
    let (y, weights) = (cut(&y)?, cut(&weights)?);
    if weights.numel() == 0 {
        fail!(Runtime, torch: ("min(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."), expected: ("istft: expected a length of at least 1"), got: ("{}", shown(length)), fix: ("Give more pieces, or a larger length."));
    }
    if !weights.is_meta() {
        let least = no_grad(|| amin(&weights.detach().abs()?, &[], false)?.item())?;
        if least.f64() < LEAST {
            return bad(
                "window overlap add min: 1".to_owned(),
                "windows whose squares sum to more than 0 everywhere",
                least.f64().to_string(),
                "Use a shorter hop, another window, or center=True.",
            );
        }
    }
    let y = y.div(&weights)?;
    let y = if single { view::squeeze_dim(&y, 0)? } else { y };
    if end <= whole {
        return Ok(y);
    }
    warn_once(
        &SHORT,
        "The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. Please check your center and hop_length settings.",
    )?;
    constant_pad(&y, &[0, end - whole], Scalar::Int(0))
}

/// Sums of squared windows below it pass for 0, as in torch.
const LEAST: f64 = 1e-11;

ops! {
    /// Fourier transforms of the pieces of a signal, each multiplied by a window:
    /// `y[k, m] = sum_j window[j] x[m hop_length + j] exp(-2 pi i j k / n_fft)`.
    ///
    /// Args: n_fft (int): length of a piece. hop_length (int, n_fft // 4): how far apart pieces begin. win_length (int,
    /// n_fft): length of the window, which stands amid zeros. window (Tensor, ones). center (bool, True): put n_fft // 2
    /// numbers around the signal, by pad_mode. normalized (bool, False): divide by the root of n_fft. onesided (bool, True
    /// for real signals): the first half of frequencies alone. return_complex (bool): False, which is deprecated, gives
    /// real and imaginary parts in a last dim.
    /// Shape: input `(L,)` or `(B, L)`, output `(*, frequencies, pieces)`.
    /// Raises: RuntimeError if a piece is longer than the signal, and for impossible lengths.
    /// Source: Allen & Rabiner 1977, "A unified approach to short-time Fourier analysis and synthesis".
    /// Example:
    ///     >>> import rustorch as torch
    ///     >>> x = torch.arange(16.0)
    ///     >>> torch.stft(x, 8, window=torch.hann_window(8), return_complex=True).shape
    ///     torch.Size([5, 9])
    "stft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool center=True, str pad_mode='reflect', bool normalized=False, bool? onesided=None, bool? return_complex=None, bool? align_to_window=None) -> Tensor" [f m] => stft(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    /// The signal whose pieces have coefficients closest to these, the inverse of `stft` where windows overlap enough.
    ///
    /// Args: as in `stft`. length (int, None): of the signal, which is cut off or filled up with zeros. return_complex
    /// (bool, False): of a complex signal.
    /// Shape: input `(frequencies, pieces)` or `(B, frequencies, pieces)`, output `(*, L)`.
    /// Raises: RuntimeError where no window reaches, and for impossible lengths.
    /// Source: Griffin & Lim 1984, "Signal estimation from modified short-time Fourier transform", equation 6.
    "istft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool center=True, bool normalized=False, bool? onesided=None, int? length=None, bool return_complex=False) -> Tensor" [f m] => istft(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
}
