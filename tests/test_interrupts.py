"""Ctrl-C is answered when the running kernel ends, and leaves everything usable."""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")

FRAME = """
import os, signal, threading, time
import rustorch as torch

sent = []
# A process that was started in the background ignores the signal otherwise.
signal.signal(signal.SIGINT, signal.default_int_handler)

def interrupt(after):
    # From another thread, as the terminal does: the main thread may be inside a kernel.
    def strike():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(after, strike).start()

def usable():
    w = torch.ones(100_000, requires_grad=True)
    (w * 2).sum().backward()
    assert (w.grad == 2).all() and torch.is_grad_enabled()
    assert torch._C._current_graph_task_id() == -1
    assert (torch.ones(300, 300) @ torch.ones(300, 300)).sum().item() == 300**3

{setup}
try:
    {body}
    print("finished without an interrupt")
except KeyboardInterrupt:
    late = time.monotonic() - sent[0]
    assert late < {patience}, f"answered {{late:.2f}} s late"
    usable()
    {check}
    print("interrupted")
"""


def run(body, setup="", check="", patience=2.0):
    setup = textwrap.dedent(setup)
    body = textwrap.indent(textwrap.dedent(body).strip(), "    ").strip()
    code = FRAME.format(setup=setup, body=body, check=check, patience=patience)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout.strip()) == (0, "interrupted"), done.stderr


def test_loop_of_matrix_products():
    run(
        """
        interrupt(0.3)
        while True:
            x @ x
        """,
        setup="x = torch.ones(700, 700)",
    )


def test_backward_through_many_nodes():
    run(
        """
        interrupt(0.3)
        while True:
            y.backward(retain_graph=True)
        """,
        setup="""
        x = torch.ones(2, requires_grad=True)
        y = x
        for _ in range(200_000):
            y = y * 1.0
        y = y.sum()
        """,
        check="x.grad = None; y.backward(); assert x.grad.tolist() == [1.0, 1.0]",
    )


def test_one_long_backward_ends_early():
    run(
        "interrupt(0.3)\ny.backward()",
        setup="""
        x = torch.ones(200, 200, requires_grad=True)
        y = x
        with torch.no_grad():
            eye = torch.eye(200)
        for _ in range(30_000):
            y = y @ eye
        y = y.sum()
        """,
        patience=1.0,
        check="assert x.grad is None",
    )


def test_hook_written_in_python():
    run(
        "interrupt(0.2)\ny.backward()",
        setup="""
        x = torch.ones(3, requires_grad=True)
        x.register_hook(lambda g: time.sleep(20))
        y = (x * 2).sum()
        """,
        check="assert x.grad is None",
    )


def test_function_written_in_python():
    run(
        "interrupt(0.2)\nLong.apply(torch.ones(3, requires_grad=True)).sum().backward()",
        setup="""
        class Long(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2
            @staticmethod
            def backward(ctx, g):
                while True:
                    g = g * 1
        """,
    )


def test_handler_may_raise_another_exception_in_backward():
    code = """
import os, signal, threading
import rustorch as torch
class Stop(Exception): pass
def handler(*_): raise Stop
signal.signal(signal.SIGALRM, handler)
x = torch.ones(2, requires_grad=True)
y = x
for _ in range(100_000):
    y = y * 1.0
y = y.sum()
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    while True:
        y.backward(retain_graph=True)
except Stop:
    print("stopped")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.stdout.strip() == "stopped", done.stderr
