"""Tensors as text: the layout users know, and torch's text for many shapes, dtypes and options."""

import itertools
import math

import pytest

import rustorch as torch
from rustorch._tensor_str import _str, get_printoptions, printoptions, set_printoptions


def test_repr_uses_the_printer():
    t = torch.arange(3)
    assert repr(t) == str(t) == _str(t) == "tensor([0, 1, 2])"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: torch.tensor(1.5), "tensor(1.5000)"),
        (lambda: torch.tensor([1.0, 2.0]), "tensor([1., 2.])"),
        (lambda: torch.tensor([0.5, -12.25]), "tensor([  0.5000, -12.2500])"),
        (lambda: torch.tensor([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
        (lambda: torch.tensor([math.nan, math.inf, 1.0]), "tensor([nan, inf, 1.])"),
        (lambda: torch.tensor([True, False]), "tensor([ True, False])"),
        (lambda: torch.tensor([1, -20], dtype=torch.int32), "tensor([  1, -20], dtype=torch.int32)"),
        (lambda: torch.tensor([]), "tensor([])"),
        (lambda: torch.zeros(0, 3), "tensor([], size=(0, 3))"),
        (lambda: torch.tensor([[1, 2], [3, 4]]), "tensor([[1, 2],\n        [3, 4]])"),
        (lambda: torch.zeros(2, 1, 1), "tensor([[[0.]],\n\n        [[0.]]])"),
        (lambda: torch.tensor([1 + 2j, 3 - 1.5j]), "tensor([1.+2.0000j, 3.-1.5000j])"),
        (lambda: torch.tensor([1.0], dtype=torch.float64), "tensor([1.], dtype=torch.float64)"),
        (lambda: torch.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: torch.tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward0>)"),
        (lambda: torch.arange(1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    ],
)
def test_text_of_common_tensors(make, text):
    assert _str(make()) == text


def test_parameter_says_what_it_contains():
    assert repr(torch.nn.Parameter(torch.ones(1))) == "Parameter containing:\ntensor([1.], requires_grad=True)"


def test_long_suffixes_go_to_a_new_line():
    t = torch.arange(15, dtype=torch.int16)
    assert _str(t).endswith("14],\n       dtype=torch.int16)")


def test_options_apply_within_a_block_only():
    before = get_printoptions()
    with printoptions(precision=2, sci_mode=True, linewidth=30):
        assert _str(torch.tensor([1.0, 2.0, 3.0])) == "tensor([1.00e+00, 2.00e+00,\n        3.00e+00])"
    assert get_printoptions() == before
    set_printoptions(profile="short")
    try:
        assert _str(torch.tensor([0.123])) == "tensor([0.12])"
    finally:
        set_printoptions(profile="default")


SHAPES = [(), (1,), (0,), (3, 0), (30,), (2, 3), (40, 40), (2, 3, 4), (1001,), (7, 200), (2, 2, 2, 300), (6, 6, 6, 6)]
OPTIONS = [
    {},
    {"profile": "short"},
    {"profile": "full"},
    {"precision": 2, "sci_mode": True},
    {"sci_mode": False},
    {"linewidth": 40},
    {"edgeitems": 1, "threshold": 5},
    {"edgeitems": 0, "threshold": 5},
]
DTYPES = ["float32", "float64", "float16", "bfloat16", "int64", "uint8", "bool", "complex64"]


@pytest.mark.parametrize(("dtype", "options"), list(itertools.product(DTYPES, OPTIONS)))
def test_text_equals_torchs(dtype, options):
    ref = pytest.importorskip("torch")
    ref.manual_seed(0)
    ref.set_printoptions(**options)
    try:
        with printoptions(**{k: v for k, v in get_printoptions().items() if k != "sci_mode"}):
            set_printoptions(**options)
            for shape, scale in itertools.product(SHAPES, [1, 1e5, 1e-6]):
                t = (ref.randn(shape) * scale).to(getattr(ref, dtype))
                if t.numel() > 4 and (t.is_floating_point() or t.is_complex()):
                    t.view(-1)[:4] = ref.tensor([math.nan, math.inf, -math.inf, -0.0]).to(t.dtype)
                mine = torch.tensor(t.tolist(), dtype=getattr(torch, dtype)).reshape(shape)
                assert _str(mine) == repr(t)
    finally:
        ref.set_printoptions(profile="default")
        set_printoptions(profile="default")
