"""`vmap` itself: what is batched where, structures, chunks, errors, and what a function inside it sees."""

import collections
import functools
import re
import warnings

import pytest

import rustorch
from rustorch import func
from rustorch.func import vmap

Point = collections.namedtuple("Point", ("x", "y"))


def data(T, *shape):
    return T.arange(float(rustorch.Size(shape).numel())).reshape(shape).sin()


PROGRAMS = {
    "one argument": lambda T, v: v(lambda x: x * 2 + 1)(data(T, 3, 4)),
    "another dim": lambda T, v: v(lambda x: x.cumsum(0), in_dims=1)(data(T, 3, 4)),
    "the last dim": lambda T, v: v(lambda x: x.cumsum(0), in_dims=-1)(data(T, 2, 3, 4)),
    "a shared argument": lambda T, v: v(lambda x, y: x @ y, in_dims=(0, None))(data(T, 3, 4), data(T, 4, 2)),
    "an argument that is no tensor": lambda T, v: v(lambda x, n: x * n, in_dims=(0, None))(data(T, 3), 2),
    "dims for each": lambda T, v: v(lambda x, y: x + y, in_dims=(1, -1))(data(T, 2, 3), data(T, 2, 3)),
    "a tree of inputs": lambda T, v: v(lambda d, p: d["a"] * d["b"][0] + p[0], in_dims=({"a": 0, "b": (1,)}, None))(
        {"a": data(T, 3, 2), "b": (data(T, 2, 3),)}, [data(T, 2)]
    ),
    "one dim for a tree": lambda T, v: v(lambda d: d["a"] + d["b"], in_dims=1)(
        {"a": data(T, 2, 3), "b": data(T, 2, 3)}
    ),
    "a named tuple": lambda T, v: v(lambda p: Point(p.y, p.x * 2))(Point(data(T, 3), data(T, 3, 2))),
    "an ordered dict": lambda T, v: v(lambda d: collections.OrderedDict(z=d["a"], y=d["b"]))(
        collections.OrderedDict(a=data(T, 3), b=data(T, 3))
    ),
    "the result's dim": lambda T, v: v(lambda x: x * 2, out_dims=1)(data(T, 3, 4)),
    "the result's last dim": lambda T, v: v(lambda x: x.unsqueeze(0), out_dims=-1)(data(T, 3, 4)),
    "dims of results": lambda T, v: v(lambda x: (x, {"s": x.sum(), "t": x}), out_dims=(1, {"s": 0, "t": -1}))(
        data(T, 3, 4)
    ),
    "one dim in a tuple": lambda T, v: v(lambda x: x, out_dims=(1,))(data(T, 3, 4)),
    "a result that all share": lambda T, v: v(lambda x: T.ones(2))(data(T, 3)),
    "a result that is not batched": lambda T, v: v(lambda x: (x, T.ones(2), 5), out_dims=(0, None, None))(data(T, 3)),
    "keywords are shared": lambda T, v: v(lambda x, k=None: x + k.sum())(data(T, 3), k=data(T, 4)),
    "max with indices": lambda T, v: v(lambda x: tuple(x.max(0)))(data(T, 3, 4)),
    "nested": lambda T, v: v(v(lambda x, y: x * y.sum(), (0, None)), (None, 0))(data(T, 2), data(T, 3, 4)),
    "nested results": lambda T, v: v(v(lambda x: x.cumsum(0), out_dims=1), in_dims=2, out_dims=1)(data(T, 2, 3, 4)),
    "outer products": lambda T, v: v(v(lambda x, y: x * y, (None, 0)), (0, None))(data(T, 2), data(T, 3)),
    "in chunks": lambda T, v: v(lambda x, y: x @ y, (1, None), out_dims=1, chunk_size=2)(data(T, 4, 5), data(T, 4, 3)),
    "in chunks of all": lambda T, v: v(lambda x: x + 1, chunk_size=9)(data(T, 4)),
    "an empty batch": lambda T, v: v(lambda x: x * 2 + 1)(data(T, 0, 3)),
    "samples that are empty": lambda T, v: v(lambda x: x.sum())(data(T, 3, 0)),
    "promotion of numbers": lambda T, v: v(lambda x, n: x * n)(data(T, 3, 2), T.ones(3, dtype=T.float64)),
    "promotion of a number and a shared one": lambda T, v: v(lambda n: n * T.tensor(2.0, dtype=T.float64))(data(T, 3)),
    "promotion of integers": lambda T, v: v(lambda n: n * T.tensor([2.0, 1.0], dtype=T.float16))(T.arange(3)),
    "partial": lambda T, v: v(functools.partial(T.add, alpha=3))(data(T, 3), data(T, 3)),
    "a function that returns its argument": lambda T, v: v(lambda x: x)(data(T, 3)),
    "what is batched on the way": lambda T, v: v(lambda x: x.new_zeros(2).add_(x))(data(T, 3)),
    "a random number that all share": lambda T, v: v(lambda x: x * 0 + T.rand(2).shape[0], randomness="same")(
        data(T, 3)
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_are_torchs(name, oracle, assert_same):
    program = PROGRAMS[name]
    compare(program(rustorch, vmap), program(oracle, oracle.vmap), assert_same)


def compare(actual, expected, assert_same):
    assert type(actual).__name__ == type(expected).__name__
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        actual, expected = tuple(actual.values()), tuple(expected.values())
    if isinstance(expected, tuple | list):
        for a, e in zip(actual, expected, strict=True):
            compare(a, e, assert_same)
        return
    assert_same(actual, expected, rtol=1e-5, atol=1e-6)


ERRORS = {
    "in_dims of another type": lambda T, x: T.vmap(lambda a: a, in_dims=[0])(x),
    "in_dims None": lambda T, x: T.vmap(lambda a: a, in_dims=None)(x),
    "in_dims of another structure": lambda T, x: T.vmap(lambda a: a, in_dims=(0, 0))(x),
    "in_dims out of range": lambda T, x: T.vmap(lambda a: a, in_dims=3)(x),
    "in_dims below range": lambda T, x: T.vmap(lambda a: a, in_dims=-3)(x),
    "in_dims that is no integer": lambda T, x: T.vmap(lambda a: a, in_dims=(0.5,))(x),
    "a number to be batched": lambda T, x: T.vmap(lambda a, b: a)(x, 1.0),
    "nothing to be batched": lambda T, x: T.vmap(lambda a: a, in_dims=(None,))(x),
    "no arguments": lambda T, x: T.vmap(lambda: 1)(),
    "batches of different sizes": lambda T, x: T.vmap(lambda a, b: a)(x, T.ones(4)),
    "out_dims of another type": lambda T, x: T.vmap(lambda a: a, out_dims="a")(x),
    "out_dims of another structure": lambda T, x: T.vmap(lambda a: a, out_dims=(0, 1))(x),
    "out_dims out of range": lambda T, x: T.vmap(lambda a: a, out_dims=5)(x),
    "out_dims None for a batch": lambda T, x: T.vmap(lambda a: a, out_dims=None)(x),
    "a result that is no tensor": lambda T, x: T.vmap(lambda a: 1)(x),
    "randomness of another kind": lambda T, x: T.vmap(lambda a: a, randomness="some")(x),
    "chunks of nothing": lambda T, x: T.vmap(lambda a: a, chunk_size=0)(x),
    "random numbers": lambda T, x: T.vmap(lambda a: a + T.randn(4))(x),
    "a branch on data": lambda T, x: T.vmap(lambda a: a if a.sum() > 0 else -a)(x),
    "item": lambda T, x: T.vmap(lambda a: a.sum().item())(x),
    "int": lambda T, x: T.vmap(lambda a: int(a.sum()))(x),
    "a number of data": lambda T, x: T.vmap(lambda a: T.ones(4)[a[0].long() :])(x),
    "nonzero": lambda T, x: T.vmap(lambda a: a.nonzero())(x),
    "unique": lambda T, x: T.vmap(lambda a: a.unique())(x),
    "a mask for each": lambda T, x: T.vmap(lambda a: a[a > 0])(x),
    "a shared tensor written to": lambda T, x: T.vmap(lambda a: T.zeros(4).copy_(a))(x),
    "an item of a shared tensor": lambda T, x: T.vmap(lambda a: T.zeros(4).__setitem__(0, a[0]))(x),
    "an index of a shared tensor": lambda T, x: T.vmap(lambda a: T.zeros(4).index_put_((T.tensor([0]),), a[0]))(x),
    "out": lambda T, x: T.vmap(lambda a: T.add(a, 1, out=T.zeros(4)))(x),
    "requires_grad_": lambda T, x: T.vmap(lambda a: a.requires_grad_())(x),
    "data": lambda T, x: T.vmap(lambda a: a.data)(x),
    "memory": lambda T, x: T.vmap(lambda a: a.data_ptr())(x),
    "an index that a sample lacks": lambda T, x: T.vmap(lambda a: a[5])(x),
    "more indices than a sample has": lambda T, x: T.vmap(lambda a: a[0, 0])(x),
    "a dim that is missing": lambda T, x: T.vmap(lambda a: a.cumsum())(x),
    "a dim that a sample lacks": lambda T, x: T.vmap(lambda a: a.sum(1))(x),
    "the length of a number": lambda T, x: T.vmap(lambda a: len(a.sum()))(x),
    "one_hot of how many": lambda T, x: T.vmap(lambda a: T.nn.functional.one_hot(a.abs().long()))(x),
    "allclose": lambda T, x: T.vmap(lambda a: T.allclose(a, a))(x),
    "a function of torch 1": lambda T, x: T.vmap(_old_function(T).apply)(x),
    "a function without a rule": lambda T, x: T.vmap(_function(T).apply)(x),
}


def _old_function(T):
    class Old(T.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    return Old


def _function(T, **members):
    class Square(T.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return 2 * x * grad

    return type("Square", (Square,), members)


def raised(call):
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_torchs(name, oracle):
    ours = raised(lambda: ERRORS[name](rustorch, data(rustorch, 3, 4)))
    theirs = raised(lambda: ERRORS[name](oracle, data(oracle, 3, 4)))
    assert type(ours) is type(theirs)
    # Only how Python prints a function differs between the two.
    assert re.sub(r"\n *", "", str(theirs)).startswith(str(ours).splitlines()[0][:50])


def test_errors_speak_of_one_sample():
    x = rustorch.ones(4, 2, 3)
    for call, text in (
        (lambda a: a @ rustorch.ones(5, 5), "(2x3 and 5x5)"),
        (lambda a: a.reshape(4, 2), "shape '[4, 2]' is invalid for input of size 6"),
        (lambda a: a.select(0, 9), "size [2, 3] at dimension 0"),
        (lambda a: a + rustorch.ones(5), "at non-singleton dimension 1"),
        (lambda a: rustorch.cat([a, rustorch.ones(5, 5)]), "except in dimension 0"),
        (lambda a: rustorch.nn.functional.linear(a, rustorch.ones(2, 2)), "(2x3 and 2x2)"),
    ):
        with pytest.raises((RuntimeError, IndexError)) as caught:
            vmap(call)(x)
        assert text in str(caught.value)
        with pytest.raises((RuntimeError, IndexError)) as caught:
            vmap(vmap(call))(x[None])
        assert text in str(caught.value)


def test_an_operation_without_a_rule_runs_by_sample_and_says_so_once():
    x = rustorch.tensor([[0, 1, 1], [2, 2, 0]])

    def counts(a):
        return rustorch.bincount(a, minlength=3)

    func._rules._slow.discard("bincount")
    with pytest.warns(UserWarning, match="performance drop .* batching rule for aten::bincount"):
        first = vmap(counts)(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = vmap(counts)(x)
    assert first.tolist() == second.tolist() == [[1, 2, 0], [1, 0, 2]]


def test_a_number_of_each_sample_promotes_as_a_number():
    x, n = data(rustorch, 3, 2), rustorch.ones(3, dtype=rustorch.float64)
    for call in (lambda x, n: rustorch.where(x > 0, x, n), rustorch.add, lambda x, n: rustorch.lerp(x, x, n.float())):
        assert vmap(call)(x, n).dtype == call(x[0], n[0]).dtype == rustorch.float32
    assert vmap(rustorch.mul)(x[:, 0], n).dtype == rustorch.float64


def test_functions_of_the_users_own(oracle):
    for T in (rustorch, oracle):
        seen = []

        def rule(info, in_dims, x, T=T, seen=seen):
            seen.append((info.batch_size, info.randomness, in_dims, tuple(x.shape)))
            return x.mT * x.mT, 1

        looping = _function(T, generate_vmap_rule=True)
        ruled = _function(T, vmap=staticmethod(rule))
        x = data(T, 3, 4)
        for function in (looping, ruled):
            assert T.allclose(T.vmap(function.apply)(x), x * x)
        slopes = T.vmap(T.func.grad(lambda a, f=looping: f.apply(a).sum()))(x)
        assert T.allclose(slopes, 2 * x)
        assert seen == [(3, "error", (0,), (3, 4))]
        with pytest.raises(RuntimeError, match="both generate_vmap_rule"):
            T.vmap(_function(T, generate_vmap_rule=True, vmap=staticmethod(rule)).apply)(x)


def test_what_a_function_sees_is_one_sample():
    x = rustorch.arange(24.0).reshape(3, 2, 4).double()
    seen = {}

    def look(a):
        seen.update(
            shape=a.shape, size=a.size(-1), dim=a.dim(), ndim=a.ndim, numel=a.numel(), length=len(a), dtype=a.dtype,
            device=a.device.type, stride=a.stride(), float=a.is_floating_point(), nbytes=a.nbytes, leaf=a.is_leaf,
            tensor=isinstance(a, rustorch.Tensor) and rustorch.is_tensor(a), type=a.type(), grad=a.grad,
            text=repr(a).split("=")[0], requires_grad=a.requires_grad, contiguous=a.is_contiguous(),
        )  # fmt: skip
        return a

    vmap(look)(x)
    assert seen == {
        **{"shape": (2, 4), "size": 4, "dim": 2, "ndim": 2, "numel": 8, "length": 2, "dtype": rustorch.float64},
        **{"device": "cpu", "stride": (4, 1), "float": True, "nbytes": 64, "leaf": True, "tensor": True},
        **{"type": "torch.DoubleTensor", "grad": None, "text": "BatchedTensor(lvl", "requires_grad": False},
        "contiguous": True,
    }


def test_a_tensor_that_leaves_its_vmap_says_so():
    kept = []
    vmap(lambda a: (kept.append(a), a)[1])(rustorch.ones(3, 2))
    for use in (lambda: kept[0] + 1, lambda: vmap(lambda b: kept[0] * b)(rustorch.ones(3, 2))):
        with pytest.raises(RuntimeError, match="escaped"):
            use()


def test_the_function_keeps_its_name():
    def measured(x):
        """Text."""
        return x

    assert (vmap(measured).__name__, func.grad(measured).__doc__) == ("measured", "Text.")


def test_a_batch_takes_part_in_a_graph():
    x = rustorch.ones(3, 2, requires_grad=True)
    vmap(lambda a, n: (a * n).sum())(x, rustorch.arange(3.0)).sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]
