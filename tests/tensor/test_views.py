"""Views alias the right memory: chains of views, writes through them, broadcasting, `view` and its errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rustorch as torch


@st.composite
def chain(draw):
    """A start shape and a chain of views that NumPy can follow."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    current, steps = list(shape), []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(
            st.sampled_from(
                ["permute", "slice", "unsqueeze", "squeeze", "select", "expand", "flat", "unfold", "diagonal"]
            )
        )
        n = len(current)
        d = draw(st.integers(0, n - 1)) if n else 0
        if kind == "permute":
            order = draw(st.permutations(range(n)))
            steps.append((kind, tuple(order)))
            current = [current[i] for i in order]
        elif kind == "slice" and n:
            start = draw(st.integers(0, current[d] - 1)) if current[d] else 0
            step = draw(st.integers(1, 3))
            steps.append((kind, d, start, step))
            current[d] = len(range(start, current[d], step))
        elif kind == "unsqueeze" and n < 6:
            steps.append((kind, d))
            current.insert(d, 1)
        elif kind == "squeeze":
            steps.append((kind,))
            current = [c for c in current if c != 1]
        elif kind == "select" and n and current[d]:
            i = draw(st.integers(0, current[d] - 1))
            steps.append((kind, d, i))
            current.pop(d)
        elif kind == "unfold" and n and n < 6 and current[d] >= 2:
            steps.append((kind, d))
            current[d] -= 1
            current.append(2)
        elif kind == "diagonal" and n >= 2:
            steps.append((kind,))
            current = [*current[2:], min(current[:2])]
        elif kind == "flat":
            steps.append((kind,))
            current = [int(np.prod(current))]
    return shape, steps


def follow(x, step):
    """One step on an array or a tensor. A reshape that would copy is left out."""
    kind, *args = step
    array = isinstance(x, np.ndarray)
    if kind == "permute":
        return x.transpose(args[0]) if array else x.permute(args[0])
    if kind == "slice":
        d, start, step = args
        return x[(slice(None),) * d + (slice(start, None, step),)]
    if kind == "unsqueeze":
        return np.expand_dims(x, args[0]) if array else x.unsqueeze(args[0])
    if kind == "squeeze":
        return x.squeeze()
    if kind == "select":
        d, i = args
        # The ellipsis keeps NumPy from making a scalar, which is no view.
        return x[(slice(None),) * d + (i, ...)] if array else x.select(d, i)
    if kind == "unfold":
        if array:
            return np.lib.stride_tricks.sliding_window_view(x, 2, axis=args[0], writeable=True)
        return x.unfold(args[0], 2, 1)
    if kind == "diagonal":
        if array:
            y = x.diagonal()
            y.flags.writeable = True
            return y
        return x.diagonal()
    try:
        return x.view(-1)
    except RuntimeError:
        return None


@settings(max_examples=300, deadline=None)
@given(chain())
def test_a_chain_of_views_sees_and_writes_the_memory_that_numpys_does(case):
    shape, steps = case
    array = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
    base = torch.arange(array.size).reshape(shape)
    a, x = array, base
    for step in steps:
        y = follow(x, step)
        if y is None:
            break
        a, x = (a.reshape(-1) if step[0] == "flat" else follow(a, step)), y
    assert x.tolist() == a.tolist()
    assert x.shape == a.shape
    assert x.untyped_storage().data_ptr() == base.untyped_storage().data_ptr()
    assert a.size == 0 or x.storage_offset() == a.ravel()[0]
    if a.size:
        a[(0,) * a.ndim] = -7
        x[(0,) * x.ndim] = -7
    assert base.tolist() == array.tolist()
    assert x.tolist() == a.tolist()
    base.add_(100)
    assert x.tolist() == (a + 100).tolist()


SHAPE = st.lists(st.integers(0, 3), max_size=4).map(tuple)


@settings(max_examples=300, deadline=None)
@given(SHAPE, SHAPE)
def test_broadcasting_is_numpys(a, b):
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(RuntimeError, match="must match the size"):
            torch.zeros(a) + torch.zeros(b)
        with pytest.raises(RuntimeError):
            torch.broadcast_shapes(a, b)
        return
    x, y = np.arange(np.prod(a)).reshape(a), np.arange(10, 10 + np.prod(b)).reshape(b)
    made = torch.from_numpy(x.copy()) + torch.from_numpy(y.copy())
    assert made.shape == expected == torch.broadcast_shapes(a, b)
    assert made.tolist() == (x + y).tolist()
    assert torch.broadcast_to(torch.from_numpy(x), expected).tolist() == np.broadcast_to(x, expected).tolist()
    assert [t.shape for t in torch.broadcast_tensors(torch.zeros(a), torch.zeros(b))] == [expected] * 2


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=3), st.integers(0, 5))
def test_as_strided_reads_what_its_strides_say(dims, offset):
    base = torch.arange(40)
    size, stride = [d[0] for d in dims], [d[1] for d in dims]
    x = torch.as_strided(base, size, stride, offset)
    a = np.lib.stride_tricks.as_strided(np.arange(40)[offset:], size, [8 * s for s in stride])
    assert x.tolist() == a.tolist()
    assert x.stride() == tuple(stride)


X = "x = torch.arange(24.).reshape(2, 3, 4)\n"
VIEWS = [
    *(
        "x.view(6, 4)",
        "x.view(-1)",
        "x.view(2, -1)",
        "x.view(-1, -1)",
        "x.view(5)",
        "x.view(5, -1)",
        "x.view((4, 6))",
        "x.view(2, 3, 4, 1, 1)",
        "x.view([24])",
        "x.t()",
        "x.T",
        "x.mT",
        "x.mH",
        "x.H",
    ),
    *(
        "x.transpose(1, 2).view(-1)",
        "x.transpose(0, 1).view(3, 8)",
        "x.transpose(1, 2).view(2, 2, 2, 3)",
        "x.transpose(1, 2).reshape(-1)",
        "x.reshape(4, 6)",
        "x.reshape(7)",
        "x.reshape(-1, 5)",
        "x.view_as(torch.ones(6, 4))",
    ),
    *(
        "x.permute(2, 0, 1)",
        "x.permute((2, 0, 1))",
        "x.permute(-1, 0, 1)",
        "x.permute(0, 1)",
        "x.permute(0, 0, 1)",
        "x.permute(0, 1, 3)",
        "x.transpose(0, 3)",
        "x.swapaxes(0, 1)",
        "x.swapdims(-1, 0)",
        "x.movedim(0, 2)",
        "x.moveaxis((0, 1), (1, 2))",
    ),
    *(
        "x.expand(2, 2, 3, 4)",
        "x.expand(-1, 3, 4)",
        "x.expand(3, 4)",
        "x.expand(4, 3, 4)",
        "x[:, :1].expand(-1, 5, -1)",
        "x[:, :1].expand(2, -1, 4)",
        "x.expand(-1, 2, 3, 4)",
        "x.expand_as(torch.ones(5, 2, 3, 4))",
        "x.broadcast_to(1, 2, 3, 4)",
    ),
    *(
        "x.squeeze()",
        "x[:, :1].squeeze(1)",
        "x[:, :1].squeeze(0)",
        "x.squeeze(5)",
        "x[:, :1, :1].squeeze((1, 2))",
        "x.unsqueeze(0)",
        "x.unsqueeze(-1)",
        "x.unsqueeze(4)",
        "x.unsqueeze(-5)",
        "x.flatten()",
        "x.flatten(1)",
        "x.flatten(0, 1)",
        "x.flatten(2, 1)",
    ),
    *(
        "x.unflatten(2, (2, 2))",
        "x.unflatten(-1, (2, -1))",
        "x.unflatten(0, (3,))",
        "x.narrow(1, 1, 2)",
        "x.narrow(1, -1, 1)",
        "x.narrow(1, 2, 2)",
        "x.narrow(1, 0, -1)",
        "x.select(2, -1)",
        "x.select(2, 4)",
        "x.diagonal()",
        "x.diagonal(1, 1, 2)",
        "x.diagonal(0, 1, 1)",
    ),
    *(
        "x.unfold(2, 2, 2)",
        "x.unfold(2, 5, 1)",
        "x.unfold(2, 0, 1)",
        "x.unfold(0, 1, 0)",
        "x.split(2, 1)",
        "x.split([1, 2], 1)",
        "x.split([1, 1], 1)",
        "x.split(0)",
        "x.chunk(2, 2)",
        "x.chunk(0)",
        "x.unbind(1)",
        "x.tensor_split(3, 2)",
        "x.tensor_split((1, 3), 2)",
    ),
    *(
        "x.as_strided((2, 2), (1, 2))",
        "x.as_strided((2, 2), (1, 2), 3)",
        "x.as_strided((5, 5), (5, 5))",
        "x.as_strided((2,), (-1,))",
        "x.as_strided((2, 2), (1,))",
        "x.as_strided((2,), (1,), -1)",
        "x[0].as_strided((3,), (4,))",
        "x.as_strided((0,), (1,))",
    ),
    *(
        "x.detach()",
        "x[...]",
        "x[0]",
        "x.adjoint()",
        "x.ravel()",
        "x.contiguous() is x",
        "x.transpose(0, 1).contiguous().stride()",
        "x.hsplit(3)",
        "x.vsplit(2)",
        "x.dsplit(2)",
        "x.view(torch.int32).dtype",
        "x.real",
        "x.imag",
        "x.view(2, 12)[:, ::5]",
    ),
    *(
        "x.flip(0)",
        "torch.atleast_2d(torch.tensor(1.))",
        "torch.atleast_3d(x[0, 0])",
        "torch.view_as_real(torch.tensor([1j]))",
        "torch.view_as_complex(x[..., :2])",
        "torch.view_as_complex(x)",
        "torch.view_as_complex(x[..., 1:3])",
        "torch.view_as_real(x)",
    ),
]


@pytest.mark.parametrize("view", VIEWS)
def test_views(agree, view):
    agree(X + view)
    agree(
        X
        + f"y = {view}\nys = y if isinstance(y, (tuple, list)) else [y]\n[(z._is_view(), z._base is x, z.data_ptr() == x.data_ptr()) for z in ys if isinstance(z, torch.Tensor)]"
    )


def test_views_know_their_base(agree):
    agree(
        "x = torch.ones(4)\ny = x[1:]\nz = y[1:]\ny._base is x, z._base is x, x._base, y.detach()._base is x, z._is_view(), x._is_view()"
    )
    agree("x = torch.ones(4, requires_grad=True)\ny = (x * 2)\nv = y[1:]\nv._base is y, v.is_leaf, v.grad_fn.name()")
    agree("x = torch.ones(4)\nx.data._base, x[1:].data._base, x.detach()._is_view()")
    agree("x = torch.ones(4)\ny = x[1:]\ny.add_(1)\nx._version, y._version, x.detach()._version, x.data._version")


def test_views_with_another_dtype(agree):
    for a in ("float32", "int64", "uint8", "complex64", "bool", "float16"):
        for b in ("float32", "int64", "uint8", "complex64", "bool", "float16", "int32"):
            if b != "bool":
                agree(f"x = torch.zeros(4, 4, dtype=torch.{a})\nx.view(torch.{b})")
                agree(f"x = torch.zeros(4, 3, dtype=torch.{a})\nx.view(torch.{b})")
                agree(f"x = torch.zeros(4, 4, dtype=torch.{a}).t()\nx.view(torch.{b})", message=False)
                agree(f"x = torch.zeros((), dtype=torch.{a})\nx.view(torch.{b})")
                agree(f"x = torch.zeros(4, 5, dtype=torch.{a})[:, 1:]\nx.view(torch.{b})")
    agree("x = torch.tensor([1., -2.])\ny = x.view(torch.int32)\ny[0] = 0\nx, y")


@pytest.mark.parametrize(
    "program",
    [
        "x.t_()",
        "x.transpose_(0, 1)",
        "x.unsqueeze_(1)",
        "x.squeeze_()",
        "x.squeeze_(0)",
        "x.swapaxes_(0, 1)",
        "x.swapdims_(0, 1)",
        "x.as_strided_((2,), (2,), 1)",
        "x.resize_(3)",
        "x.resize_(2, 2)",
        "x.resize_((3, 2))",
        "x.resize_as_(torch.ones(3))",
        "x.unsqueeze_(5)",
        "x.transpose_(0, 5)",
        "x.detach_()",
        "x[0].resize_(2)",
        "x.resize_(0)",
    ],
)
def test_methods_that_change_the_geometry(agree, program):
    agree(f"x = torch.arange(6.).reshape(2, 3)\ny = {program}\ny is x, x, x.untyped_storage().nbytes()")
    agree(f"b = torch.arange(8.)\nx = b[1:7].view(2, 3)\ny = {program}\ny is x, x, b")
    agree(f"x = torch.ones(2, 3).requires_grad_()\ny = {program}\ny is x, x")


def test_dims_beyond_64_can_be_squeezed():
    x = torch.zeros([1] * 6 + [2] + [1] * 63)
    assert x.squeeze(64).dim() == 69
    assert x.squeeze(-1).dim() == 69
    assert torch.zeros([1] * 70).squeeze(69).dim() == 69
    x = torch.zeros([1] * 6 + [2] + [1] * 63, requires_grad=True)
    x.unsqueeze(70).sum().backward()
    assert x.grad.shape == x.shape
    assert torch.empty_permuted([1] * 70, list(range(70))).dim() == 70


def test_as_strided_scatter_of_an_input_with_gaps(oracle, assert_same):
    def run(T):
        x = T.arange(12.0).view(3, 4)
        y = T.as_strided_scatter(x[:, ::2], -T.ones(2, 2), (2, 2), (4, 2))
        # The window may reach into the gaps, which nobody sees.
        z = T.as_strided_scatter(x[:, ::2], -T.ones(2, 2), (2, 2), (4, 1))
        w = T.as_strided_scatter(x[1:, 1:], -T.ones(2), (2,), (1,), 4)
        v = T.as_strided_scatter(x.t(), -T.ones(3), (3,), (2,), 1)
        return y, z, w, v, T.as_strided_scatter(x, T.ones(0), (0,), (1,))

    assert_same(run(torch), run(oracle))


def test_as_strided_scatter_leaves_the_gradient_outside_of_its_window():
    x = torch.arange(12.0, dtype=torch.float64).view(3, 4)
    src = torch.ones(2, 2, dtype=torch.float64)
    g = torch.arange(1.0, 13.0, dtype=torch.float64).view(3, 4)
    x.requires_grad_()
    src.requires_grad_()
    by_x, by_src = torch.autograd.grad(torch.as_strided_scatter(x, src, (2, 2), (4, 2)), (x, src), g)
    assert by_x.tolist() == [[0, 2, 0, 4], [0, 6, 0, 8], [9, 10, 11, 12]]
    assert by_src.tolist() == [[1, 3], [5, 7]]
    for view in (lambda x: x, lambda x: x[:, ::2], lambda x: x.t(), lambda x: x[:1].expand(3, 4)):

        def scattered(x, src, view=view):
            return torch.as_strided_scatter(view(x), src, (2, 2), (4, 2))

        assert torch.autograd.gradcheck(scattered, (x, src))
        assert torch.autograd.gradgradcheck(scattered, (x, src))
