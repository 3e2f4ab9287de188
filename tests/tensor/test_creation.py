"""Tensors from data and by formula, and from the legacy constructors, agree with torch."""

import pytest

DATA = [
    *(
        "1",
        "True",
        "2.5",
        "1j",
        "[]",
        "[[]]",
        "[[], []]",
        "[1, 2]",
        "[1, 2.5]",
        "[True, 2]",
        "[True, False]",
        "[1, 2j]",
        "(1, 2)",
        "[(1, 2), (3, 4)]",
    ),
    *(
        "[[1], [2]]",
        "[[[1.0]]]",
        "[1, [2]]",
        "[[1], 2]",
        "[[1, 2], [3]]",
        "[[1], [2, 3]]",
        "'a'",
        "['a']",
        "None",
        "[None]",
        "{}",
        "{1: 2}",
        "set()",
        "object()",
    ),
    *(
        "range(3)",
        "[range(2), range(2)]",
        "2**62",
        "float('inf')",
        "[float('nan')]",
        "bytearray(b'ab')",
    ),
    *(
        "np.array([1, 2])",
        "np.array([1.5], dtype=np.float16)",
    ),
    *(
        "[np.array([1, 2]), np.array([3, 4])]",
        "[np.float64(1), 2]",
        "[np.int32(1)]",
        "np.array(['a'])",
        "np.array([None])",
    ),
    *(
        "torch.tensor([1, 2])",
        "[torch.tensor(1), torch.tensor(2)]",
        "[torch.tensor([1]), torch.tensor([2])]",
        "[torch.tensor([1, 2]), [3, 4]]",
        "[torch.tensor([1, 2])]",
    ),
    *(
        "torch.tensor(1.5, requires_grad=True)",
        "torch.Size([2, 3])",
    ),
    *(
        "__import__('array').array('f', [1, 2])",
        "__import__('array').array('q', [1, 2])",
        "np.arange(4)[::2]",
        "np.arange(3)[::-1]",
        "[[True], [1.5]]",
    ),
    *(
        "np.ones((2, 3), order='F')",
        "np.array([1, 2], dtype='>i4')",
        "np.array([1, 2], dtype=np.uint16)",
        "(i for i in [1])",
    ),
    *(),
]


@pytest.mark.parametrize("data", DATA)
def test_tensor(agree, data):
    for function in ("tensor", "as_tensor"):
        agree(f"torch.{function}({data})")
        agree(f"torch.{function}({data}, dtype=torch.float64)")
        agree(f"torch.{function}({data}, dtype=torch.int32)")


@pytest.mark.parametrize("data", DATA)
def test_asarray(agree, data):
    agree(f"torch.asarray({data})")
    if "requires_grad" not in data:
        agree(f"torch.asarray({data}, dtype=torch.float32, copy=True)")


@pytest.mark.parametrize(
    "dtype",
    [
        "bool",
        "uint8",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint16",
        "uint32",
        "float16",
        "bfloat16",
        "float32",
        "float64",
        "complex64",
    ],
)
@pytest.mark.parametrize(
    "value",
    ["-1", "256", "1e10", "2**40", "1.5", "1j", "True", "float('nan')", "70000", "-40000", "-2**31 - 1"],
)
def test_values_out_of_range(agree, dtype, value):
    unsigned = dtype.startswith("uint")
    # What C leaves undefined is not compared.
    wild = value in ("float('nan')", "1e10") and not dtype.startswith(("float", "bfloat", "complex", "bool"))
    if not wild:
        agree(f"torch.tensor({value}, dtype=torch.{dtype})")
        agree(f"torch.tensor([{value}], dtype=torch.{dtype})")
    agree(f"torch.full((2,), {value}, dtype=torch.{dtype})")
    agree(f"torch.zeros(2, dtype=torch.{dtype}).fill_({value})")
    if not (unsigned and dtype != "uint8") and value != "1j" and not wild:
        agree(f"torch.zeros(2, dtype=torch.{dtype}).masked_fill_(torch.tensor([True, False]), {value})")


@pytest.mark.parametrize(
    "program",
    [
        *(
            "torch.tensor([1.], requires_grad=True)",
            "torch.tensor([1], requires_grad=True)",
            "torch.tensor([1.], device='meta')",
        ),
        *(
            "torch.tensor(data=[1])",
            "torch.tensor([1], dtype='float32')",
            "torch.tensor([1], dtype=float)",
            "torch.tensor([1], device='nonsense')",
            "torch.tensor([1.5], dtype=int)",
        ),
        *(
            "torch.tensor([1], pin_memory=False)",
            "torch.tensor([1], nonsense=1)",
            "torch.as_tensor([1], device='meta')",
            "torch.tensor([1.], dtype=torch.float16, device=torch.device('cpu'))",
        ),
        "x = torch.ones(2)\ntorch.as_tensor(x) is x, torch.as_tensor(x, dtype=torch.float32) is x, torch.as_tensor(x, dtype=torch.int8)",
        "a = np.ones(2)\nx = torch.as_tensor(a)\nx[0] = 5\na",
        "a = np.ones(2)\nx = torch.tensor(a)\nx[0] = 5\na",
        "x = torch.ones(2, requires_grad=True)\ntorch.as_tensor(x) is x, torch.as_tensor(x, dtype=torch.float64)",
        "x = torch.ones(2)\ny = torch.asarray(x)\ny[0] = 3\nx, y is x, torch.asarray(x, copy=True), torch.asarray(x, requires_grad=True)",
        "torch.asarray([1, 2], copy=False)",
        "a = bytearray(8)\nx = torch.asarray(a, dtype=torch.int32)\nx[0] = 1\nx, bytes(a)",
        "torch.frombuffer(bytearray(b'\\x01\\x00\\x02\\x00'), dtype=torch.int16)",
        "torch.frombuffer(bytearray(8), dtype=torch.int16, count=2, offset=2)",
        "torch.frombuffer(bytearray(8), dtype=torch.float64, offset=4)",
        "torch.frombuffer(bytearray(8), dtype=torch.int16, count=9)",
        "torch.frombuffer(bytearray(8), dtype=torch.int16, offset=8)",
        "torch.frombuffer(bytearray(8), dtype=torch.int16, offset=-1)",
        "torch.frombuffer(bytearray(8), dtype=torch.int16, count=0)",
        "torch.frombuffer(bytearray(7), dtype=torch.int16)",
        "torch.frombuffer(bytearray(0), dtype=torch.int16)",
        "torch.frombuffer(b'abcd', dtype=torch.uint8)",
        "torch.frombuffer([1], dtype=torch.uint8)",
        "a = __import__('array').array('i', [1, 2, 3])\nx = torch.frombuffer(a, dtype=torch.int32)\nx[0] = 9\na.tolist(), x",
        "torch.frombuffer(bytearray(8), dtype=torch.float32, requires_grad=True)",
        "torch.frombuffer(memoryview(bytearray(8))[2:6], dtype=torch.int16)",
        "torch.scalar_tensor(3), torch.scalar_tensor(2.5, dtype=torch.int32)",
    ],
)
def test_what_constructors_take(agree, program):
    agree(program)


SIZED = ["zeros", "ones"]


@pytest.mark.parametrize(
    "args",
    [
        "2",
        "2, 3",
        "(2, 3)",
        "[2, 3]",
        "torch.Size([2])",
        "()",
        "0",
        "2, 0",
        "(2,), dtype=torch.int8",
        "size=(2, 3)",
        "-1",
        "(2, -1)",
        "2.5",
        "'a'",
    ],
)
def test_sizes(agree, args):
    for name in SIZED:
        agree(f"torch.{name}({args})")
    agree(f"torch.empty({args}).shape")
    for more in (
        "torch.tensor(2)",
        "np.int64(2)",
        "(np.int64(2), torch.tensor(3))",
        "True",
        "2**62, 4",
        "None",
        "range(3)",
    ):
        agree(f"torch.zeros({more})")


@pytest.mark.parametrize(
    "call",
    [
        *(
            "arange(5)",
            "arange(2, 5)",
            "arange(0, 1, 0.25)",
            "arange(5.)",
            "arange(5, 2)",
            "arange(5, 2, -1)",
            "arange(0, 5, 0)",
            "arange(3, dtype=torch.float16)",
            "arange(torch.tensor(3))",
        ),
        *(
            "arange(1, 2.5, 0.5)",
            "arange(0)",
            "arange(2.5)",
            "arange(True)",
            "arange(end=3)",
            "arange(start=1, end=3)",
            "arange(1, 3, step=2)",
            "arange(0, float('inf'))",
        ),
        *(
            "arange(0, 10, 3, dtype=torch.uint8)",
            "arange(-3, 3, dtype=torch.bfloat16)",
            "arange(2**60, 2**60 + 3)",
            "arange()",
        ),
        *(
            "linspace(0, 1, 5)",
            "linspace(1, 0, 3)",
            "linspace(0, 1, 1)",
            "linspace(0, 1, 0)",
            "linspace(0, 10, 4, dtype=torch.int64)",
            "linspace(0, 1, -1)",
            "linspace(0, 1j, 3)",
        ),
        *(
            "linspace(torch.tensor(0.), torch.tensor(2.), 3)",
            "linspace(-1e30, 1e30, 5)",
            "linspace(0, 1, steps=2)",
            "logspace(0, 2, 3)",
            "logspace(0, 2, 3, base=2)",
            "logspace(1, 1, 2)",
        ),
        *(
            "eye(3)",
            "eye(2, 3)",
            "eye(3, 2, dtype=torch.int8)",
            "eye(0)",
            "eye(-1)",
            "eye(2, -1)",
            "full((2,), 3)",
            "full((2,), 3.5)",
            "full((), True)",
            "full((2,), 1j)",
            "full([2], 1, dtype=torch.float64)",
        ),
        *(
            "full((2,), torch.tensor(3))",
            "full(2, 3)",
            "full((2,), 'a')",
            "full((2,), 3, requires_grad=True)",
            "full((2,), 3., requires_grad=True)",
            "zeros(2, requires_grad=True)",
        ),
        *(
            "empty(2, 3, 4, 5, memory_format=torch.channels_last).stride()",
            "empty(2, 3, memory_format=torch.channels_last)",
            "empty(0, dtype=torch.complex64)",
            "empty_strided((2, 3), (1, 2)).stride()",
        ),
        *(
            "empty_strided((2, 3), (1,))",
            "empty_strided((2, 2), (0, 0)).stride()",
            "empty_permuted((2, 3, 4), (2, 0, 1)).stride()",
            "zeros(2, layout=torch.strided)",
        ),
        *(
            "zeros(2, device='meta')",
            "zeros(2, device='cuda')",
            "zeros(2, dtype=torch.float32, device='cpu', requires_grad=False, layout=torch.strided, pin_memory=False)",
            "tril_indices(3, 3)",
            "triu_indices(2, 4, 1)",
        ),
        *(
            "zeros(2, out=torch.empty(2))",
            "complex(torch.ones(2), torch.zeros(2))",
            "complex(torch.ones(2).double(), torch.zeros(2))",
            "polar(torch.ones(2), torch.zeros(2))",
            "vander(torch.tensor([1., 2.]))",
        ),
        *(
            "cartesian_prod(torch.tensor([1, 2]), torch.tensor([3]))",
            "combinations(torch.tensor([1, 2, 3]))",
            "meshgrid(torch.tensor([1, 2]), torch.tensor([3]), indexing='ij')",
            "meshgrid(torch.tensor([1, 2]), torch.tensor([3]))",
        ),
        *(
            "zeros(2, dtype=float)",
            "zeros(2, dtype=int)",
            "zeros(2, dtype=bool)",
            "zeros(2, dtype=complex)",
            "zeros(2, dtype='float32')",
            "zeros(2, dtype=None)",
            "zeros(2, device=None)",
            "zeros(2, nonsense=1)",
        ),
    ],
)
def test_formulas(agree, call):
    agree(f"torch.{call}")


LAYOUTS = [
    "torch.ones(2, 3)",
    "torch.ones(2, 3).t()",
    "torch.ones(2, 3, 4).permute(2, 0, 1)",
    "torch.ones(2, 3)[:, ::2]",
    "torch.ones(3, 1).expand(3, 4)",
    "torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last)",
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_like(agree, layout):
    for name in ("zeros_like", "ones_like", "empty_like", "rand_like", "randn_like"):
        for args in (
            "",
            ", dtype=torch.float64",
            ", memory_format=torch.contiguous_format",
            ", requires_grad=True",
            ", device='meta'",
        ):
            agree(f"x = {layout}\ny = torch.{name}(x{args})\ny.shape, y.stride(), y.dtype, y.requires_grad, y.device")
    agree(
        f"x = {layout}\ntorch.full_like(x, 3), torch.full_like(x, 2.5, dtype=torch.int8), torch.randint_like(x, 5).stride()"
    )
    agree(
        f"x = {layout}\nx.new_zeros(2, 3), x.new_ones((2,)), x.new_full((2,), 3), x.new_empty(2).shape, x.new_tensor([1, 2]), x.new_empty_strided((2, 2), (1, 2)).stride()"
    )


@pytest.mark.parametrize("args", ["2", "(2, 3)", "2, 3", "[2]", "()", "-1"])
def test_new(agree, args):
    for name in ("new_zeros", "new_ones"):
        agree(f"torch.ones(2, dtype=torch.int16).{name}({args})")
        agree(f"torch.ones(2).{name}({args}, dtype=torch.float64)")
    agree("torch.ones(2).new_tensor([1, 2], dtype=torch.int8, requires_grad=False), torch.ones(2).new_tensor(3)")


NAMES = [
    "FloatTensor",
    "DoubleTensor",
    "HalfTensor",
    "BFloat16Tensor",
    "ByteTensor",
    "CharTensor",
    "ShortTensor",
    "IntTensor",
    "LongTensor",
    "BoolTensor",
    "Tensor",
]
ARGS = [
    "",
    "2, 3",
    "2",
    "0",
    "[1, 2]",
    "[[1, 2], [3, 4]]",
    "[1.5, 2]",
    "(1, 2)",
    "[]",
    "torch.Size([2, 3])",
    "torch.Size([])",
    "range(3)",
    "np.array([1, 2])",
    "'a'",
    "1.5",
    "-1",
    "2, -1",
    "None",
]
ARGS += [
    "2, 'a'",
    "torch.tensor([1, 2])",
    "torch.tensor([1., 2.])",
    "[True]",
    "torch.tensor(3)",
    "[[1], [2, 3]]",
    "[1], [2]",
    "True",
    "np.int64(2)",
    "device='cpu'",
    "2, device='cpu'",
    "[1j]",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("args", ARGS)
def test_legacy_constructors(agree, name, args):
    # Sizes give memory as it comes.
    seen = "x" if "[" in args or "range" in args or "'a'" in args else "x.shape, x.dtype, type(x)"
    seen = "x.shape, x.dtype, type(x)" if "Size" in args else seen
    agree(f"x = torch.{name}({args})\n{seen}")


@pytest.mark.parametrize("name", NAMES)
def test_legacy_classes(agree, name):
    c = f"c = torch.{name}\n"
    agree(c + "repr(c), c.__name__, c.__module__, c.dtype if c is not torch.Tensor else 0, isinstance(c, type)")
    agree(
        c
        + "[isinstance(torch.ones(1, dtype=d), c) for d in (torch.float32, torch.float64, torch.float16, torch.uint8, torch.int64, torch.bool)]"
    )
    agree(c + "isinstance(1, c), isinstance(torch.nn.Parameter(torch.ones(1)), c), isinstance(np.ones(1), c)")
    if name != "Tensor":
        agree(c + "torch.ones(2).type(c), torch.ones(2).type('torch." + name + "'), torch.ones(2).type(c.dtype)")
        agree(
            c
            + "torch.zeros(2, dtype=c.dtype).type(), torch.zeros(2, dtype=c.dtype).new(2).shape, torch.zeros(2, dtype=c.dtype).new([1, 2])"
        )


def test_legacy_rest(agree):
    agree("torch.ones(2).type('nonsense')")
    agree("torch.ones(2).type(3)")
    agree("torch.ones(2).type(torch.Tensor)")
    agree("torch.ones(2).type(float)")
    agree("torch.ones(2).new(), torch.ones(2).new(torch.Size([2])).shape, torch.ones(2).new(torch.ones(3))")
    agree("torch.ones(2).new(torch.ones(3).long())")
    agree("x = torch.ones(2)\ny = torch.Tensor(x)\ny[0] = 5\nx, y is x")
    agree(
        "torch.is_tensor(torch.ones(1)), torch.is_tensor(1), torch.is_storage(torch.ones(1).untyped_storage()), torch.is_storage(1)"
    )
    agree(
        "torch.is_floating_point(torch.ones(1)), torch.is_complex(torch.ones(1)), torch.is_nonzero(torch.ones(1)), torch.numel(torch.ones(2, 3))"
    )
    agree("torch.is_nonzero(torch.ones(2))")
    agree(
        "torch.set_default_tensor_type('torch.DoubleTensor')\nx = torch.ones(1)\ntorch.set_default_tensor_type(torch.FloatTensor)\nx, torch.ones(1)"
    )
    agree("torch.set_default_tensor_type('torch.LongTensor')")
