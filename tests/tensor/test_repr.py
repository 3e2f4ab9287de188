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
def test_text_equals_torchs(dtype, options, oracle):
    ref = oracle
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


SHOWN = [
    *(
        "torch.tensor(3)",
        "torch.tensor([], dtype=torch.int64)",
        "torch.zeros(0, 3, dtype=torch.bool)",
        "torch.zeros(2, 0)",
        "torch.tensor(True)",
        "torch.tensor(1 + 2j)",
    ),
    *(
        "torch.tensor([1e-8, 1.0])",
        "torch.tensor([1e8, 1.0])",
        "torch.tensor([1e5, 1e-5])",
        "torch.tensor([100000.5])",
        "torch.tensor([0.00001])",
        "torch.tensor([123456789.0])",
        "torch.tensor(1e38)",
        "torch.tensor([-0.0])",
    ),
    *(
        "torch.tensor([float('inf'), 1e-10])",
        "torch.tensor([float('nan')] * 3)",
        "torch.tensor([1.0, float('-inf')])",
        "torch.tensor([1e10 + 1j, 1e-10j])",
        "torch.tensor([float('nan') + 1j])",
        "torch.tensor([[1 + 1j], [2 - 3j]])",
    ),
    *(
        "torch.arange(6).reshape(1, 2, 3)",
        "torch.zeros(1, 1, 1, 1)",
        "torch.zeros(3, 1, 2)",
        "torch.zeros(2, 2, 2, 2)",
        "torch.zeros(1001)",
        "torch.zeros(10, 101)",
        "torch.zeros(2, 1000)",
        "torch.zeros(1000, 2)",
        "torch.zeros(11, 11, 11)",
    ),
    *(
        "torch.arange(100)",
        "torch.arange(100.0)",
        "torch.arange(30).view(2, 15)",
        "torch.tensor([-1, 10, -100])",
        "torch.tensor([255, 0], dtype=torch.uint8)",
        "torch.tensor([2**63], dtype=torch.uint64)",
        "torch.tensor([1], dtype=torch.uint16)",
    ),
    *(
        "torch.ones(2, requires_grad=True)",
        "torch.ones(2, requires_grad=True).sum()",
        "(torch.ones(2, requires_grad=True) * 2)[0]",
        "torch.ones(2, dtype=torch.float64, requires_grad=True)",
        "torch.ones(2, requires_grad=True).detach()",
        "torch.ones(2, requires_grad=True).view(-1)",
    ),
    *(
        "torch.nn.Parameter(torch.ones(2))",
        "torch.nn.Parameter(torch.ones(2), requires_grad=False)",
        "torch.nn.Parameter(torch.ones(2, dtype=torch.float64))",
        "torch.nn.Buffer(torch.ones(2))",
        "torch.ones(2, device='meta')",
        "torch.ones(2, 3, device='meta', dtype=torch.int8)",
    ),
    *(
        "torch.nn.Parameter(torch.ones(2, device='meta'))",
        "torch.ones(2).t()",
        "torch.ones(3, 4)[::2, 1:]",
        "torch.ones(2).expand(3, 2)",
        "torch.tensor([0.1 + 0.2])",
        "torch.tensor([1 / 3, 2 / 3])",
        "torch.tensor([1e-45])",
        "torch.tensor([5e-324], dtype=torch.float64)",
        "torch.tensor([65504.0], dtype=torch.float16)",
    ),
    *(
        "torch.return_types.max((torch.tensor(1), torch.tensor(2)))",
        "torch.max(torch.ones(2, 2), 0)",
        "torch.ones(2).sort()",
        "torch.Size([1])",
        "torch.float32",
        "torch.device('cpu')",
        "torch.strided",
        "torch.channels_last",
        "torch.ones(2, requires_grad=True).sum().grad_fn.name()",
        "[torch.ones(1)]",
        "{'a': torch.ones(1)}",
    ),
]


@pytest.mark.parametrize("shown", SHOWN)
def test_repr_str_and_format(agree, shown):
    agree(f"x = {shown}\nrepr(x), str(x), f'{{x}}'")


@pytest.mark.parametrize(
    "options",
    [
        *(
            "precision=2",
            "precision=0",
            "precision=8",
            "threshold=3",
            "threshold=5, edgeitems=1",
            "threshold=0",
            "edgeitems=2, threshold=10",
            "linewidth=20",
            "linewidth=200",
            "sci_mode=True",
            "sci_mode=False",
        ),
        *(
            "profile='short'",
            "profile='full'",
            "profile='default'",
            "profile='short', precision=6",
            "sci_mode=True, precision=1",
            "linewidth=40, edgeitems=1, threshold=8",
            "threshold=float('inf')",
        ),
    ],
)
def test_options(agree, options):
    makers = "torch.arange(40.) / 7, torch.arange(40).view(4, 10), torch.tensor([1e-9, 1e9]), torch.tensor([[1.5 + 2j] * 6] * 3), torch.arange(60.).view(3, 4, 5), torch.rand(3).double().fill_(1 / 3), torch.tensor(1 / 3), torch.tensor([True] * 30)"
    agree(
        f"torch.set_printoptions({options})\ntry:\n    shown = [repr(x) for x in ({makers})]\nfinally:\n    torch.set_printoptions(profile='default')\nshown"
    )


def test_subclasses_show_their_name(agree):
    agree(
        "class Mine(torch.Tensor):\n    pass\nx = torch.ones(2).as_subclass(Mine)\nrepr(x), str(x[0]), repr(x.long())"
    )
    agree("class Mine(torch.nn.Parameter):\n    pass\nrepr(Mine(torch.ones(2)))")
    agree(
        "class Mine(torch.Tensor):\n    def __repr__(self):\n        return 'mine'\nx = torch.ones(2).as_subclass(Mine)\nrepr(x), str(x), f'{x}'"
    )


def test_numbers_keep_their_format(agree):
    for spec in ("'.2f'", "'.3e'", "'10'", "'d'", "'>8.1f'", "'+'", "'%'", "'x'", "'s'", "''"):
        agree(f"format(torch.tensor(3.14159), {spec})")
        agree(f"format(torch.tensor(42), {spec})")
        agree(f"format(torch.tensor(True), {spec})")
        agree(f"format(torch.tensor([1.5]), {spec})")
        agree(f"format(torch.tensor(2.5, requires_grad=True), {spec})")
