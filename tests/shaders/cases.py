"""Operations that make the GPU run each kernel, with what NumPy computes for them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import rustorch as torch

RNG = np.random.default_rng


@dataclass
class Case:
    """One operation: its kernels, how its inputs are made, what it is in rustorch and in NumPy."""

    kernels: tuple
    shapes: tuple
    function: Callable
    expected: Callable

    def arrays(self):
        rng = RNG(0)
        return [rng.standard_normal(s, dtype=np.float32) if isinstance(s, tuple) else s for s in self.shapes]


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def softmax_gradient(x, g):
    y = softmax(x, 1)
    return y * (g - (g * y).sum(1, keepdims=True))


def gradient(function):
    """The gradient of a function's result, weighted by the last array, by its first."""

    def run(x, *others):
        x.requires_grad_()
        y = function(x, *others[:-1])
        return torch.autograd.grad(y, x, others[-1])[0]

    return run


CASES = {
    "add": Case(("pointwise",), ((7, 300), (300, 7)), lambda x, y: x + y.t(), lambda x, y: x + y.T),
    "gelu": Case(
        ("pointwise",),
        ((5, 33),),
        lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    "cast": Case(("pointwise",), ((3, 17),), lambda x: (x * 40).to(torch.int8), lambda x: (x * 40).astype(np.int8)),
    "sum": Case(("reduce",), ((3, 5000),), lambda x: x.sum(1), lambda x: x.sum(1)),
    "amax": Case(("reduce",), ((40, 30, 5),), lambda x: x.amax((0, 2)), lambda x: x.max((0, 2))),
    "matmul": Case(("matmul",), ((70, 33), (90, 33)), lambda x, y: x @ y.t(), lambda x, y: x @ y.T),
    "softmax": Case(("softmax",), ((6, 700),), lambda x: torch.softmax(x, 1), lambda x: softmax(x, 1)),
    "softmax_across": Case(("softmax",), ((6, 5, 7),), lambda x: torch.softmax(x, 1), lambda x: softmax(x, 1)),
    "softmax_gradient": Case(
        ("softmax",), ((6, 70), (6, 70)), gradient(lambda x: torch.softmax(x, 1)), softmax_gradient
    ),
}
