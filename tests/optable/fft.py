"""Fourier transforms. tests/ops/test_fft.py has what a row cannot say."""

from optable.case import OpCase, S, attr, bad, fix, given, index, skipping, t

Z = fix(4, 6, dtype="complex128")
X = fix(4, 6, dtype="float64")
ONE = S(t(2, 6)), S(t(3, 4), 7, 0, "ortho"), S(t(2, 3, 4), 2, 1, "forward"), S(t(5), dim=-1, norm="backward")
HALF = S(t(2, 6)), S(t(3, 4), 7, 0, "ortho"), S(t(3, 2, 4), 3, 1, "forward"), S(t(5), 1), S(t(2, 3), n=4)
MANY = (
    S(t(2, 3, 4)),
    S(t(3, 4), (4, 3), norm="ortho"),
    S(t(4, 2, 3), dim=(2, 0), norm="forward"),
    S(t(3, 4), (2, -1), (1, 0)),
)
MANY_HALF = (*MANY[:3], S(t(3, 4), (2, 5), (1, 0)))
TWO = S(t(2, 3, 4)), S(t(4, 3), (3, 5), norm="ortho"), S(t(4, 2, 3), dim=(0, 2), norm="forward")
WINDOW = fix(8, dtype="float64", low=0.5)
PIECES = fix(5, 6, dtype="complex128")


def rows(names, *samples, **options):
    return [OpCase(name, samples, **options) for name in names.split()]


CASES = [
    *rows("fft_fft fft_ifft fft_rfft fft_ihfft", *ONE),
    *rows("fft_irfft fft_hfft", *HALF),
    *rows("fft_fftn fft_ifftn fft_rfftn fft_ihfftn", *MANY),
    *rows("fft_irfftn fft_hfftn", *MANY_HALF),
    *rows("fft_fft2 fft_ifft2 fft_rfft2 fft_ihfft2 fft_irfft2 fft_hfft2", *TWO),
    *rows("fft_fftfreq fft_rfftfreq", S(8), S(5, 0.25), S(1), S(0, 2.0), grad=0),
    *rows("fft_fftshift fft_ifftshift", S(t(5)), S(t(3, 4)), S(t(3, 4), 1), S(t(2, 5, 3), (1, -1))),
    OpCase("_fft_c2c", (S(Z, [1], 0, True), S(Z, [0, 1], 1, False), S(Z, [0], 2, True))),
    OpCase("_fft_r2c", (S(X, [1], 0, True), S(X, [0, 1], 1, True), S(X, [0], 2, False), S(X, [1, 0], 0, False))),
    OpCase("_fft_c2r", (S(Z, [1], 0, 10), S(Z, [1, 0], 1, 7), S(Z, [0, 1], 2, 11))),
    OpCase("stft", (S(fix(20, dtype="float64"), 8, window=WINDOW, return_complex=True),
                    S(fix(2, 20, dtype="float64"), 8, 3, 8, WINDOW, False, "constant", True, False, True),
                    S(fix(2, 20, dtype="complex128"), 10, 2, 8, WINDOW, pad_mode="constant"))),
    OpCase("istft", (S(PIECES, 8, window=WINDOW), S(PIECES, 9, 3, 8, WINDOW, normalized=True, length=20),
                     S(fix(2, 8, 4, dtype="complex128"), 8, 4, 8, WINDOW, onesided=False, return_complex=True))),
]  # fmt: skip
CASES = skipping(
    CASES,
    "out strides",
    "a resized destination is filled row by row where torch's takes the order of the passes",
    "fft_fft fft_ifft fft_rfft fft_irfft fft_hfft fft_ihfft",
)

# Calls that fail: as in errors.py.
# fmt: off
ERRORS = {
    "fft_fft": [
        bad(IndexError, 'Dimension specified as -1 but tensor has no dimensions\n'
            '  fft: expected a tensor with dims, but got a 0-d tensor. Unsqueeze it first.', t()),
        bad(RuntimeError, 'Invalid number of data points (0) specified\n'
            '  fft: expected at least 1 number along each dim, but got 0. Give n or s.', t(3), 0),
        bad(IndexError, 'Dimension out of range (expected to be in range of [-1, 0], but got 5)\n'
            '  dim: expected -1 to 0 for a tensor of 1 dims, but got 5. Negative dims count from the last.', t(3), None, 5),
        bad(RuntimeError, 'Invalid normalization mode: "q"\n'
            "  fft: expected norm 'forward', 'backward' or 'ortho', but got 'q'. 'ortho' divides both directions by the root of the length.", t(3), norm="q"),
        bad(RuntimeError, 'Unsupported dtype Half\n'
            '  fft: expected float32, float64 or complex, but got float16. Convert with .float().', fix(3, dtype="float16")),
    ],
    "fft_ifft": [
        bad(RuntimeError, 'Invalid number of data points (-1) specified\n'
            '  fft: expected at least 1 number along each dim, but got -1. Give n or s.', t(3), -1),
    ],
    "fft_rfft": [
        bad(RuntimeError, 'rfft expects a real input tensor, but got ComplexFloat\n'
            '  rfft: expected real numbers, but got complex64. Use the transform for complex numbers, or take the real part.', fix(3, dtype="complex64")),
    ],
    "fft_ihfft": [
        bad(RuntimeError, 'ihfft expects a real input tensor, but got ComplexFloat\n'
            '  ihfft: expected real numbers, but got complex64. Use the transform for complex numbers, or take the real part.', fix(3, dtype="complex64")),
    ],
    "fft_irfft": [
        bad(RuntimeError, 'Invalid number of data points (0) specified\n'
            '  fft: expected at least 1 number along each dim, but got 0. Give n or s.', fix(1, dtype="complex64")),
    ],
    "fft_hfft": [
        bad(RuntimeError, 'Invalid number of data points (0) specified\n'
            '  fft: expected at least 1 number along each dim, but got 0. Give n or s.', t(3), 0),
    ],
    "fft_fftn": [
        bad(RuntimeError, 'FFT dims must be unique\n'
            '  fft: expected each dim once, but got [0, 0]. Remove the repetition.', t(2, 3), None, (0, 0)),
        bad(RuntimeError, 'When given, dim and shape arguments must have the same length\n'
            '  fft: expected 2 numbers in s, but got [2]. Give one per dim.', t(2, 3), (2,), (0, 1)),
        bad(RuntimeError, 'Got shape with 2 values but input tensor only has 1 dimensions.\n'
            '  fft: expected at most 1 numbers in s, but got 2. Leave some out.', t(3), (2, 3)),
        bad(IndexError, 'Dimension specified as 0 but tensor has no dimensions\n'
            '  fft: expected a tensor with dims, but got a 0-d tensor. Unsqueeze it first.', t(), None, (0,)),
        bad(RuntimeError, 'Invalid number of data points (0) specified\n'
            '  fft: expected at least 1 number along each dim, but got 0. Give n or s.', t(2, 3), (0,)),
    ],
    "fft_ifftn": [
        bad(RuntimeError, 'Invalid normalization mode: "q"\n'
            "  fft: expected norm 'forward', 'backward' or 'ortho', but got 'q'. 'ortho' divides both directions by the root of the length.", t(2, 3), norm="q"),
    ],
    "fft_rfftn": [
        bad(RuntimeError, 'rfftn must transform at least one axis\n'
            '  rfftn: expected at least one dim, but got none. Name one in dim.', t()),
        bad(RuntimeError, 'rfftn expects a real-valued input tensor, but got ComplexFloat\n'
            '  rfftn: expected real numbers, but got complex64. Use the transform for complex numbers, or take the real part.', fix(3, dtype="complex64")),
    ],
    "fft_ihfftn": [
        bad(RuntimeError, 'ihfftn must transform at least one axis\n'
            '  ihfftn: expected at least one dim, but got none. Name one in dim.', t()),
    ],
    "fft_irfftn": [
        bad(RuntimeError, 'irfftn must transform at least one axis\n'
            '  irfftn: expected at least one dim, but got none. Name one in dim.', t()),
    ],
    "fft_hfftn": [
        bad(RuntimeError, 'Invalid number of data points (0) specified\n'
            '  fft: expected at least 1 number along each dim, but got 0. Give n or s.', t(2, 3), (2, 0)),
    ],
    "fft_fft2": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-1, 0], but got -2)\n'
            '  dim: expected -1 to 0 for a tensor of 1 dims, but got -2. Negative dims count from the last.', t(3)),
    ],
    "fft_fftfreq": [
        bad(RuntimeError, 'Trying to create tensor with negative dimension -1: [-1]\n'
            '  fftfreq: expected sizes of at least 0, but got [-1]. Give the extents themselves; -1 works in view, reshape and expand only.', -1),
        bad(RuntimeError, 'fftfreq requires a floating point or complex dtype\n'
            '  fftfreq: expected a floating dtype, but got int64. Leave dtype out.', 5, dtype=attr("int64")),
        bad(NotImplementedError, '"arange_cpu" not implemented for \'ComplexFloat\'\n'
            '  arange: expected a dtype that it is defined for, but got complex64. Convert with .to() first.', 5, dtype=attr("complex64")),
    ],
    "fft_rfftfreq": [
        bad(RuntimeError, 'rfftfreq requires a floating point or complex dtype\n'
            '  rfftfreq: expected a floating dtype, but got int64. Leave dtype out.', 5, dtype=attr("int64")),
    ],
    "fft_fftshift": [
        bad(RuntimeError, '`shifts` required\n'
            '  roll: expected a shift, but got none. Pass shifts.', t()),
        bad(IndexError, 'Dimension out of range (expected to be in range of [-1, 0], but got 3)\n'
            '  dim: expected -1 to 0 for a tensor of 1 dims, but got 3. Negative dims count from the last.', t(2), 3),
    ],
    "_fft_c2c": [
        bad(RuntimeError, 'Only supports complex dtypes, but found: Float\n'
            '  _fft_c2c: expected complex numbers, but got float32. Use torch.fft, which converts.', t(3), [0], 0, True),
    ],
    "_fft_r2c": [
        bad(RuntimeError, 'Only supports floating-point dtypes, but found: ComplexFloat\n'
            '  _fft_r2c: expected float32 or float64, but got complex64. Use torch.fft, which converts.', fix(3, dtype="complex64"), [0], 0, True),
        bad(RuntimeError, "MKL FFT doesn't support tensors of type: Half\n"
            '  _fft_r2c: expected float32 or float64, but got float16. Convert with .float().', fix(3, dtype="float16"), [0], 0, True),
    ],
    "stft": [
        bad(RuntimeError, 'stft(torch.FloatTensor[30], n_fft=0, hop_length=0, win_length=0, window=torch.FloatTensor{[10]}, normalized=0, onesided=None, return_complex=1, align_to_window=None) : expected 0 < n_fft < 30, but got n_fft=0\n'
            '  stft: expected n_fft from 1 to 30, but got 0. Pad the signal, or use shorter pieces.', t(30), 0, window=t(10), return_complex=True),
        bad(RuntimeError, 'stft(torch.FloatTensor[40], n_fft=10, hop_length=0, win_length=10, window=torch.FloatTensor{[10]}, normalized=0, onesided=None, return_complex=1, align_to_window=None) : expected hop_length > 0, but got hop_length=0\n'
            '  stft: expected a hop_length of at least 1, but got 0. It is n_fft // 4 by default.', t(30), 10, 0, window=t(10), return_complex=True),
        bad(RuntimeError, 'stft(torch.FloatTensor[40], n_fft=10, hop_length=2, win_length=11, window=torch.FloatTensor{[10]}, normalized=0, onesided=None, return_complex=1, align_to_window=None) : expected 0 < win_length <= n_fft, but got win_length=11\n'
            '  stft: expected win_length from 1 to 10, but got 11. It is n_fft by default.', t(30), 10, win_length=11, window=t(10), return_complex=True),
        bad(RuntimeError, 'stft(torch.FloatTensor[40], n_fft=10, hop_length=2, win_length=10, window=torch.FloatTensor{[9]}, normalized=0, onesided=None, return_complex=1, align_to_window=None) : expected a 1D window tensor of size equal to win_length=10, but got window with size [9]\n'
            '  stft: expected a window of shape [10], but got [9]. Give win_length, too.', t(30), 10, window=t(9), return_complex=True),
        bad(RuntimeError, 'stft requires the return_complex parameter be given for real inputs, and will further require that return_complex=True in a future PyTorch release.\n'
            '  stft: expected return_complex, but got none. Pass return_complex=True.', t(30), 10, window=t(10)),
        bad(RuntimeError, 'stft(torch.LongTensor[40], n_fft=10, hop_length=2, win_length=10, window=torch.FloatTensor{[10]}, normalized=0, onesided=None, return_complex=1, align_to_window=None) : expected a tensor of floating point or complex values\n'
            '  stft: expected floats or complex numbers, but got int64. Convert with .float().', index(30, below=4), 10, window=t(10), return_complex=True),
        bad(RuntimeError, 'stft(torch.FloatTensor[1, 2, 15], n_fft=4, hop_length=1, win_length=4, window=torch.FloatTensor{[4]}, normalized=0, onesided=None, return_complex=1, align_to_window=None) : expected a 1D or 2D tensor\n'
            '  stft: expected a signal (L,) or (B, L), but got [1, 2, 15]. Merge its first dims.', t(1, 2, 15), 4, window=t(4), center=False, return_complex=True),
        bad(RuntimeError, 'stft align_to_window should only be set when center = false\n'
            '  stft: expected align_to_window=None, but got center=True. Set center=False.', t(30), 10, align_to_window=True),
        bad(NotImplementedError, 'Unrecognised padding mode up\n'
            "  pad: expected 'constant', 'reflect', 'replicate' or 'circular', but got 'up'. Use one of those.", t(30), 10, pad_mode="up"),
        bad(RuntimeError, 'Cannot have onesided output if window or input is complex\n'
            '  stft: expected onesided=False, but got True. Complex signals need all frequencies.', fix(30, dtype="complex64"), 10, window=t(10), onesided=True),
    ],
    "istft": [
        bad(RuntimeError, 'istft requires a complex-valued input tensor matching the output from stft with return_complex=True.\n'
            '  istft: expected complex numbers, but got float32. Use view_as_complex().', t(6, 16), 10, window=t(10)),
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got -3)\n'
            '  istft: expected coefficients (*, frequencies, pieces), but got [6]. Add dims.', fix(6, dtype="complex64"), 10, window=t(10)),
        bad(RuntimeError, 'istft(CPUComplexFloatType[1, 2, 6, 16], n_fft=10, hop_length=2, win_length=10, window=torch.FloatTensor{[10]}, center=1, normalized=0, onesided=None, length=None, return_complex=0) : expected a tensor with 3 or 4 dimensions, but got 5\n'
            '  istft: expected coefficients (frequencies, pieces) or (B, frequencies, pieces), but got [1, 2, 6, 16]. Merge the first dims.', fix(1, 2, 6, 16, dtype="complex64"), 10, window=t(10)),
        bad(RuntimeError, 'istft(CPUComplexFloatType[6, 0], n_fft=10, hop_length=2, win_length=10, window=torch.FloatTensor{[10]}, center=1, normalized=0, onesided=None, length=None, return_complex=0) : input tensor cannot be empty.\n'
            '  istft: expected coefficients, but got [6, 0]. Check the shape.', fix(6, 0, dtype="complex64"), 10, window=t(10)),
        bad(RuntimeError, 'istft(CPUComplexFloatType[6, 16], n_fft=12, hop_length=3, win_length=12, window=torch.FloatTensor{[12]}, center=1, normalized=0, onesided=None, length=None, return_complex=0) : expected the frequency dimension (3rd to the last) of the input tensor to match n_fft / 2 + 1 when onesided=True, but got 6\n'
            '  istft: expected 7 frequencies, but got 6. Give the arguments that stft was given.', fix(6, 16, dtype="complex64"), 12, window=t(12)),
        bad(RuntimeError, 'istft(CPUComplexFloatType[6, 16], n_fft=10, hop_length=2, win_length=10, window=torch.FloatTensor{[10]}, center=1, normalized=0, onesided=0, length=None, return_complex=0) : expected the frequency dimension (3rd to the last) of the input tensor to match n_fft when onesided=False, but got 6\n'
            '  istft: expected 10 frequencies, but got 6. Give the arguments that stft was given.', fix(6, 16, dtype="complex64"), 10, window=t(10), onesided=False),
        bad(RuntimeError, 'istft(CPUComplexFloatType[6, 16], n_fft=10, hop_length=11, win_length=10, window=torch.FloatTensor{[10]}, center=1, normalized=0, onesided=None, length=None, return_complex=0) : expected 0 < hop_length <= win_length\n'
            '  istft: expected hop_length from 1 to 10, but got 11. Pieces must touch.', fix(6, 16, dtype="complex64"), 10, 11, window=t(10)),
        bad(RuntimeError, 'istft(CPUComplexFloatType[6, 16], n_fft=10, hop_length=1, win_length=11, window=torch.FloatTensor{[11]}, center=1, normalized=0, onesided=None, length=None, return_complex=0) : expected 0 < win_length <= n_fft\n'
            '  istft: expected win_length from 1 to 10, but got 11. It is n_fft by default.', fix(6, 16, dtype="complex64"), 10, 1, 11, t(11)),
        bad(RuntimeError, 'istft(CPUComplexFloatType[6, 16], n_fft=10, hop_length=2, win_length=10, window=torch.FloatTensor{[3]}, center=1, normalized=0, onesided=None, length=None, return_complex=0) : Invalid window shape. window has to be 1D and length of `win_length`\n'
            '  istft: expected a window of shape [10], but got [3]. Give win_length, too.', fix(6, 16, dtype="complex64"), 10, window=t(3)),
        bad(RuntimeError, 'istft(CPUComplexFloatType[6, 16], n_fft=10, hop_length=2, win_length=10, window=torch.FloatTensor{[10]}, center=1, normalized=0, onesided=None, length=None, return_complex=0) window overlap add min: 1\n'
            '  istft: expected windows whose squares sum to more than 0 everywhere, but got 0. Use a shorter hop, another window, or center=True.', fix(6, 16, dtype="complex64"), 10, window=given([0.0] * 10)),
        bad(RuntimeError, "min(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.\n"
            '  istft: expected a length of at least 1, but got 0. Give more pieces, or a larger length.', fix(6, 16, dtype="complex64"), 10, window=t(10), length=0),
        bad(RuntimeError, 'Cannot have onesided output if window or input is complex\n'
            '  istft: expected onesided=False, but got True. Complex signals need all frequencies.', fix(6, 16, dtype="complex64"), 10, window=t(10), return_complex=True),
        bad(RuntimeError, 'Complex windows are incompatible with return_complex=False\n'
            '  istft: expected a real window, but got complex64. Pass return_complex=True.', fix(6, 16, dtype="complex64"), 10, window=fix(10, dtype="complex64")),
    ],
}
# fmt: on
