"""Anomaly mode names the line of forward behind a wrong gradient or an error in backward."""

import threading
import warnings

import pytest

import rustorch as torch

pytestmark = pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")


def caught(f, message):
    """The texts of the warnings that came with the error."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with pytest.raises(RuntimeError, match=message):
            f()
    return [str(w.message) for w in found]


def broken(x):
    return torch.sqrt(x)  # the root's line


class Fails(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        raise RuntimeError("backward failed")


def test_nan_names_the_forward_line():
    x = torch.tensor([-1.0], requires_grad=True)
    with torch.autograd.detect_anomaly():
        y = broken(x).sum()
        (text,) = caught(y.backward, "Function 'SqrtBackward0' returned nan values in its 0th output")
    assert text.startswith("Error detected in SqrtBackward0. Traceback of forward call that caused the error:\n")
    assert "return torch.sqrt(x)  # the root's line" in text
    assert x.grad is None


def test_error_in_backward_names_the_forward_line():
    x = torch.ones(1, requires_grad=True)
    with torch.autograd.detect_anomaly():
        y = Fails.apply(x)  # the function's line
        (text,) = caught(y.backward, "backward failed")
    assert "Error detected in FailsBackward" in text
    assert "y = Fails.apply(x)  # the function's line" in text


def test_change_in_place_names_the_forward_line():
    x = torch.ones(1, requires_grad=True)
    with torch.autograd.detect_anomaly():
        y = x * 1
        z = y.exp()  # the exponential's line
        z.add_(1)
        (text,) = caught(z.sum().backward, "modified by an inplace operation")
    assert "# the exponential's line" in text


def test_without_nan_check_only_errors_count():
    x = torch.tensor([-1.0], requires_grad=True)
    with torch.autograd.detect_anomaly(check_nan=False):
        broken(x).sum().backward()
        assert x.grad.isnan().all()
        y = Fails.apply(x)
        assert len(caught(y.backward, "backward failed")) == 1


def test_forward_outside_of_the_mode_is_said_to_be_unknown():
    y = broken(torch.tensor([-1.0], requires_grad=True)).sum()
    with torch.autograd.detect_anomaly():
        (text,) = caught(y.backward, "nan")
    assert text == (
        "Error detected in SqrtBackward0. No forward pass information available. Enable detect anomaly during forward "
        "pass for more information."
    )


def test_error_of_second_order_names_what_induced_it():
    x = torch.ones(1, requires_grad=True)
    with torch.autograd.detect_anomaly():
        y = (x - 1).pow(1.5)  # the power's line
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        first, second = caught(lambda: torch.autograd.grad(g * 0, x), "nan")
    assert first.startswith("Error detected in ")
    assert "Previous calculation was induced by PowBackward" in second
    assert "# the power's line" in second


def test_blocks_nest_and_restore():
    assert not torch.is_anomaly_enabled()
    with torch.autograd.detect_anomaly():
        with torch.autograd.set_detect_anomaly(False):
            assert not torch.is_anomaly_enabled()
        assert torch.is_anomaly_enabled()
        with torch.autograd.detect_anomaly(check_nan=False):
            assert not torch.is_anomaly_check_nan_enabled()
        assert torch.is_anomaly_check_nan_enabled()
    assert not torch.is_anomaly_enabled()


def test_mode_holds_for_all_threads():
    seen = []
    with torch.autograd.detect_anomaly():
        thread = threading.Thread(target=lambda: seen.append(torch.is_anomaly_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_backward_within_backward_keeps_both_lines():
    class Outer(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            with torch.enable_grad():
                inner = torch.tensor([-1.0], requires_grad=True)
                broken(inner).sum().backward()
            return grad

    x = torch.ones(1, requires_grad=True)
    with torch.autograd.detect_anomaly():
        y = Outer.apply(x)  # the outer line
        texts = caught(y.backward, "nan")
    assert "the root's line" in texts[0]
    assert "the outer line" in texts[-1]
