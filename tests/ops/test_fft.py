"""Fourier transforms: lengths of every kind, threads, plans, and pieces of signals."""

import math
import os
import threading

import pytest

import rustorch as torch

LENGTHS = [1, 2, 3, 8, 31, 97, 128, 1000, 1009, 4096, 65536, 65537, 100_000, 131_101]


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def worst(a, b):
    return ((a - b).abs().max() / b.abs().max().clamp(min=1.0)).item()


@pytest.mark.parametrize("n", LENGTHS)
def test_transforms_of_any_length_are_torchs(n, oracle):
    x = torch.randn(n, dtype=torch.float64)
    y = oracle.from_numpy(x.numpy())
    for f in ("fft", "ifft", "rfft", "ihfft"):
        got, want = getattr(torch.fft, f)(x), getattr(oracle.fft, f)(y)
        assert worst(got, torch.from_numpy(want.resolve_conj().numpy())) < 1e-13, f
    half, other = torch.fft.rfft(x), oracle.fft.rfft(y)
    for f in ("irfft", "hfft"):
        got, want = getattr(torch.fft, f)(half, n), getattr(oracle.fft, f)(other, n)
        assert worst(got, torch.from_numpy(want.resolve_conj().numpy())) < 1e-13, f


@pytest.mark.parametrize("n", LENGTHS)
def test_the_inverse_gives_the_signal_back_in_single_precision(n):
    x = torch.complex(torch.randn(2, n), torch.randn(2, n))
    assert worst(torch.fft.ifft(torch.fft.fft(x)), x) < 2e-6
    assert worst(torch.fft.irfft(torch.fft.rfft(x.real), n), x.real) < 2e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_results_have_the_same_bits_for_every_number_of_threads(dtype, threads):
    inputs = [torch.randn(shape, dtype=dtype) for shape in ((300, 48), (65536 + 4096,), (3, 100_000), (17, 16, 33))]

    def results():
        for x in inputs:
            z = torch.complex(x, -x)
            for d in range(x.ndim):
                yield torch.fft.fft(z, dim=d)
                half = torch.fft.rfft(x, dim=d)
                yield half
                yield torch.fft.irfft(half, dim=d)
            yield torch.fft.fftn(z)
            yield torch.fft.rfftn(x)

    threads(1)
    want = [y.numpy().tobytes() for y in results()]
    for count in (2, 3, 5):
        threads(count)
        assert [y.numpy().tobytes() for y in results()] == want


def test_no_lines_have_no_transform():
    z = torch.zeros(0, 6, dtype=torch.complex64)
    assert torch.fft.fft(z).shape == (0, 6)
    assert torch.fft.rfft(z.real).shape == (0, 4)
    assert torch.fft.irfft(z).shape == (0, 10)
    assert torch.fft.fftn(z, dim=1).shape == (0, 6)
    with pytest.raises(RuntimeError, match="Invalid number of data points"):
        torch.fft.fft(z, dim=0)
    assert torch.fft.fft(z, 4, dim=0).tolist() == [[0] * 6] * 4


def test_a_nan_stays_in_its_line():
    for shape, d in (((40, 30), 0), ((40, 30), 1), ((2, 100_000), 1)):
        x = torch.randn(shape)
        at = (1, 5) if d else (5, 1)
        x[at] = math.nan
        y = torch.fft.fft(x, dim=d)
        assert y.isnan().all(d).sum() == 1
        assert y.isnan().any(d).sum() == 1


def test_denormal_numbers_keep_their_size():
    x = torch.full((64,), 1e-41)
    assert torch.fft.fft(x)[0].real.item() == pytest.approx(64e-41, rel=1e-3)


def test_more_lengths_than_plans_are_kept():
    for n in [*range(1, 150), *range(1, 150)]:
        assert torch.fft.fft(torch.ones(n))[0].real.item() == pytest.approx(n, rel=1e-6)


def test_threads_share_plans():
    x = torch.randn(64, 500, dtype=torch.complex128)
    want, failures = torch.fft.fft(x), []

    def work():
        for n in range(400, 440):
            torch.fft.fft(x, n)
        if not torch.equal(torch.fft.fft(x), want):
            failures.append(n)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not failures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_transforms():
    x = torch.randn(8, 1000)
    want = torch.fft.rfft(x)
    child = os.fork()
    if child == 0:
        os._exit(0 if torch.equal(torch.fft.rfft(x), want) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_lines_that_overlap_are_read_as_they_are():
    x = torch.arange(12.0)
    windows = x.unfold(0, 4, 2)
    assert torch.equal(torch.fft.rfft(windows), torch.fft.rfft(windows.clone()))
    wide = torch.randn(1, 7).expand(5, 7)
    assert torch.equal(torch.fft.fft(wide, dim=0), torch.fft.fft(wide.clone(), dim=0))


def test_a_signal_comes_back_from_its_pieces():
    x = torch.randn(3, 500, dtype=torch.float64)
    for n, hop, length in ((32, 8, 32), (33, 8, 20), (64, 16, 64)):
        w = torch.hann_window(length, dtype=x.dtype)
        for options in ({}, {"normalized": True}, {"onesided": False}):
            y = torch.stft(x, n, hop, length, w, return_complex=True, **options)
            back = torch.istft(y, n, hop, length, w, length=500, **options)
            assert worst(back[:, :480], x[:, :480]) < 1e-12
    z = torch.complex(x, x.flip(1))
    y = z.stft(32, window=torch.hann_window(32, dtype=x.dtype))
    assert worst(y.istft(32, window=torch.hann_window(32, dtype=x.dtype), return_complex=True), z[:, :496]) < 1e-12


@pytest.mark.parametrize("shape", [(40, 24), (5, 48, 7), (30, 8), (16, 33), (49, 20), (2, 9, 16, 3)])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_transforms_along_several_dims_are_one_after_the_other(shape, dtype):
    z = torch.randn(*shape, dtype=getattr(torch, dtype))
    bound = 1e-6 if dtype == "complex64" else 1e-14
    for f, each in ((torch.fft.fftn, torch.fft.fft), (torch.fft.ifftn, torch.fft.ifft)):
        for norm in ("backward", "ortho"):
            want = z
            for d in range(z.ndim):
                want = each(want.transpose(d, -1).contiguous(), norm=norm).transpose(d, -1)
            assert (f(z, norm=norm) - want).abs().max() / want.abs().max() < bound


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_constant_window_is_any_other(dtype):
    x = torch.randn(2, 60, dtype=getattr(torch, dtype), requires_grad=True)
    w = torch.rand(2 * 16, dtype=x.dtype)[::2]
    for onesided in (True, False):
        results = []
        for window in (w, w.clone().requires_grad_(), w.double()):
            y = torch.stft(x, 16, window=window, onesided=onesided, return_complex=True)
            (grad,) = torch.autograd.grad((y.real * y.imag).sum(), x)
            results.append((y, grad))
        for y, grad in results[1:]:
            assert worst(results[0][0], y) < 1e-6
            assert worst(results[0][1], grad) < 1e-5


def test_a_window_may_not_change_before_the_way_back():
    x, w = torch.randn(60, requires_grad=True), torch.ones(16)
    y = torch.stft(x, 16, window=w, return_complex=True)
    w.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.abs().sum().backward()


def test_pieces_that_no_window_reaches_are_refused():
    y = torch.stft(torch.randn(64), 8, 8, window=torch.hann_window(8), return_complex=True)
    with pytest.raises(RuntimeError, match="window overlap add min"):
        torch.istft(y, 8, 8, window=torch.hann_window(8))


def test_a_missing_window_is_warned_of_once():
    torch.set_warn_always(True)
    try:
        with pytest.warns(UserWarning, match="A window was not provided"):
            y = torch.stft(torch.randn(32), 8, return_complex=True)
        with pytest.warns(UserWarning, match="A window was not provided"):
            torch.istft(y, 8)
        with pytest.warns(UserWarning, match="return_complex=False is deprecated"):
            torch.stft(torch.randn(32), 8, window=torch.ones(8), return_complex=False)
        with pytest.warns(UserWarning, match="padded with zeros"):
            assert torch.istft(y, 8, window=torch.ones(8), length=50).shape == (50,)
    finally:
        torch.set_warn_always(False)


def test_results_go_into_outputs_of_their_kind_alone():
    x = torch.randn(6)
    for out, text in ((torch.empty(0), "fft expects a complex output"), (torch.empty(0, dtype=int), "fft expects a")):
        with pytest.raises(RuntimeError, match=text):
            torch.fft.fft(x, out=out)
    with pytest.raises(RuntimeError, match="irfft expects a floating point output"):
        torch.fft.irfft(x, out=torch.empty(0, dtype=torch.complex64))
    wide = torch.empty(6, dtype=torch.complex128)
    assert torch.fft.fft(x, out=wide) is wide
    assert torch.equal(wide.to(torch.complex64), torch.fft.fft(x))
