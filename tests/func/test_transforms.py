"""Derivatives of functions: the values, graphs and errors of torch's."""

import re
import threading

import pytest

import rustorch
from rustorch import func
from rustorch.func import _graphs, _levels

PRIMALS = [[0.3, -1.2, 0.7], [1.5, 0.2, -0.4]]


def pair(T):
    return tuple(T.tensor(p) for p in PRIMALS)


def curve(x):
    return (x.sin() * x.sum()).cumsum(0)


def energy(x, y):
    return (x.exp() * y**2).sum() + (x * y).sum() ** 2


def split(x, y):
    return {"a": x * y.sum(), "b": [(x @ y), y.tanh()]}


PROGRAMS = {
    "grad": lambda T, x, y: T.func.grad(energy)(x, y),
    "grad by the second": lambda T, x, y: T.func.grad(energy, argnums=1)(x, y),
    "grad by the last": lambda T, x, y: T.func.grad(energy, argnums=-1)(x, y),
    "grad by both": lambda T, x, y: T.func.grad(energy, argnums=(1, 0))(x, y),
    "grad by keyword": lambda T, x, y: T.func.grad(lambda x, y=0: energy(x, y))(x, y=y),
    "grad of a dict": lambda T, x, y: T.func.grad(lambda p, s: energy(p["x"], p["y"][0]) * s)({"x": x, "y": (y,)}, 2.0),
    "grad and value": lambda T, x, y: T.func.grad_and_value(energy)(x, y),
    "grad with aux": lambda T, x, y: T.func.grad(lambda x: (x.sum(), {"z": x * 2}), has_aux=True)(x),
    "grad and value with aux": lambda T, x, y: T.func.grad_and_value(lambda x: (x.sum(), x * 2), has_aux=True)(x),
    "grad of what does not depend": lambda T, x, y: T.func.grad(lambda x: y.sum())(x),
    "third derivative": lambda T, x, y: T.func.grad(T.func.grad(T.func.grad(lambda a: a**4 * x[0])))(y[0]),
    "grad in no_grad": lambda T, x, y: T.no_grad()(T.func.grad(energy))(x, y),
    "grad in inference mode": lambda T, x, y: T.inference_mode()(T.func.grad(energy))(x, y),
    "jacobians in inference mode": lambda T, x, y: T.inference_mode()(T.func.jacrev(T.func.jacfwd(curve)))(x),
    "no_grad in grad": lambda T, x, y: T.func.grad(lambda x: (x * T.no_grad()(lambda: x.sin())()).sum())(x),
    "grad of a constant of its own": lambda T, x, y: T.func.grad(lambda x: (x * x.detach()).sum())(x),
    "vjp": lambda T, x, y: T.func.vjp(curve, x)[1](y),
    "vjp of a tree": lambda T, x, y: T.func.vjp(split, x, y)[1]({"a": y, "b": [x.sum(), x]}),
    "vjp with aux": lambda T, x, y: [T.func.vjp(lambda x: (curve(x), y), x, has_aux=True)[i] for i in (0, 2)],
    "jvp": lambda T, x, y: T.func.jvp(curve, (x,), (y,)),
    "jvp of a tree": lambda T, x, y: T.func.jvp(split, (x, y), (y, x)),
    "jvp with aux": lambda T, x, y: T.func.jvp(lambda x: (curve(x), x * 3), (x,), (y,), has_aux=True),
    "jvp of what does not depend": lambda T, x, y: T.func.jvp(lambda x: (y * 2, x), (x,), (y,)),
    "jvp of integers": lambda T, x, y: T.func.jvp(lambda x: x.long(), (x,), (y,)),
    "jacrev": lambda T, x, y: T.func.jacrev(curve)(x),
    "jacfwd": lambda T, x, y: T.func.jacfwd(curve)(x),
    "jacrev of a tree": lambda T, x, y: T.func.jacrev(split, argnums=(0, 1))(x, y),
    "jacfwd of a tree": lambda T, x, y: T.func.jacfwd(split, argnums=(0, 1))(x, y),
    "jacrev by chunks": lambda T, x, y: T.func.jacrev(curve, chunk_size=2)(x),
    "jacrev with aux": lambda T, x, y: T.func.jacrev(lambda x: (curve(x), x.sum()), has_aux=True)(x),
    "jacfwd with aux": lambda T, x, y: T.func.jacfwd(lambda x: (curve(x), x.sum()), has_aux=True)(x),
    "jacrev of a matrix": lambda T, x, y: T.func.jacrev(lambda a: a @ a.mT)(T.stack([x, y])),
    "jacfwd of a matrix": lambda T, x, y: T.func.jacfwd(lambda a: a @ a.mT)(T.stack([x, y])),
    "jacrev of a number": lambda T, x, y: T.func.jacrev(lambda a: a.exp())(x[0]),
    "hessian": lambda T, x, y: T.func.hessian(lambda x: energy(x, y))(x),
    "hessian by both": lambda T, x, y: T.func.hessian(energy, argnums=(0, 1))(x, y),
    "forward over forward": lambda T, x, y: T.func.jacfwd(T.func.jacfwd(curve))(x),
    "reverse over forward": lambda T, x, y: T.func.jacrev(T.func.jacfwd(curve))(x),
    "reverse over reverse": lambda T, x, y: T.func.jacrev(T.func.jacrev(curve))(x),
    "third derivative of a vector": lambda T, x, y: T.func.jacfwd(T.func.jacrev(T.func.jacrev(curve)))(x),
    "grad of jvp": lambda T, x, y: T.func.grad(lambda x: T.func.jvp(curve, (x,), (y,))[1].sum())(x),
    "grad of jvp by its tangent": lambda T, x, y: T.func.grad(lambda v: T.func.jvp(curve, (x,), (v,))[1].sum())(y),
    "grad of vjp": lambda T, x, y: T.func.grad(lambda x: T.func.vjp(curve, x)[1](y)[0].sum())(x),
    "grad of vjp by its cotangent": lambda T, x, y: T.func.grad(lambda v: T.func.vjp(curve, x)[1](v)[0].sum())(y),
    "jvp of grad": lambda T, x, y: T.func.jvp(T.func.grad(lambda x: energy(x, y)), (x,), (y,)),
    "jvp of jvp": lambda T, x, y: T.func.jvp(lambda x: T.func.jvp(curve, (x,), (y,))[1], (x,), (y,)),
    "vmap of grad": lambda T, x, y: T.func.vmap(T.func.grad(lambda w, x: energy(w, x)), (None, 0))(x, T.stack([x, y])),
    "vmap of grad of a constant": lambda T, x, y: T.func.vmap(lambda b: T.func.grad(lambda w: (w * b).sum())(x))(y),
    "grad of vmap": lambda T, x, y: T.func.grad(lambda w: T.func.vmap(lambda b: (w * b).sin().sum())(y).sum())(x),
    "vmap of hessian": lambda T, x, y: T.func.vmap(T.func.hessian(lambda x: energy(x, x)))(T.stack([x, y])),
    "vmap of jacrev": lambda T, x, y: T.func.vmap(T.func.jacrev(curve))(T.stack([x, y])),
    "vmap of jacfwd": lambda T, x, y: T.func.vmap(T.func.jacfwd(curve), out_dims=1)(T.stack([x, y])),
    "vmap of jvp": lambda T, x, y: T.func.vmap(lambda v: T.func.jvp(curve, (x,), (v,))[1])(T.eye(3)),
    "vmap of vjp": lambda T, x, y: T.func.vmap(T.func.vjp(curve, x)[1])(T.eye(3)),
    "vmap of autograd.grad": lambda T, x, y: _rows_of_jacobian(T, x),
    "grad of vmap of grad": lambda T, x, y: T.func.grad(
        lambda w: T.func.vmap(lambda b: T.func.grad(lambda w: (w * b).sin().sum())(w))(y).pow(2).sum()
    )(x),
    "a hook": lambda T, x, y: T.func.grad(_with_hook)(x),
    "a hook in a batch": lambda T, x, y: T.func.vmap(T.func.grad(_with_hook))(T.stack([x, y])),
    "a hook in a batch of batches": lambda T, x, y: T.func.vmap(T.func.vmap(T.func.grad(_with_hook)))(
        T.stack([x, y])[:, None]
    ),
    "vmaps between grads": lambda T, x, y: T.func.vmap(
        T.func.grad(lambda a: T.func.vmap(T.func.grad(lambda b: (a * b).sin().sum()), in_dims=0)(y).sum())
    )(x),
}


def _with_hook(x):
    y = x * 2
    y.register_hook(lambda g: g * y.sum())
    return (y**2).sum()


def _rows_of_jacobian(T, x):
    x = x.clone().requires_grad_()
    out = curve(x)
    return T.func.vmap(lambda v: T.autograd.grad(out, x, v, retain_graph=True)[0])(T.eye(3))


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_are_torchs(name, oracle, assert_same):
    program = PROGRAMS[name]
    compare(program(rustorch, *pair(rustorch)), program(oracle, *pair(oracle)), assert_same)


def compare(actual, expected, assert_same):
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        actual, expected = list(actual.values()), list(expected.values())
    if isinstance(expected, tuple | list):
        assert type(actual) is type(expected) and len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            compare(a, e, assert_same)
        return
    assert actual.requires_grad == expected.requires_grad
    assert_same(actual, expected, rtol=2e-5, atol=1e-5)


ERRORS = {
    "a result with dims": lambda T, x: T.func.grad(lambda a: a)(x),
    "no tensor as result": lambda T, x: T.func.grad(lambda a: 1.0)(x),
    "no tensor as argument": lambda T, x: T.func.grad(lambda a: a)(1.0),
    "integers": lambda T, x: T.func.grad(lambda a: a.sum())(T.ones(2, dtype=T.int64)),
    "an argument that is not there": lambda T, x: T.func.grad(lambda a: a.sum(), argnums=1)(x),
    "argnums of another type": lambda T, x: T.func.grad(lambda a: a.sum(), argnums="a")(x),
    "no argnums": lambda T, x: T.func.grad(lambda a: a.sum(), argnums=())(x),
    "argnums twice": lambda T, x: T.func.grad(lambda a, b: a.sum(), argnums=(0, 0))(x, x),
    "no aux": lambda T, x: T.func.grad(lambda a: a.sum(), has_aux=True)(x),
    "an input written to": lambda T, x: T.func.grad(lambda a: a.add_(1).sum())(x),
    "cotangents of another structure": lambda T, x: T.func.vjp(lambda a: (a, a), x)[1](x),
    "vjp of integers": lambda T, x: T.func.vjp(lambda a: a.long(), x),
    "vjp of nothing": lambda T, x: T.func.vjp(lambda a: (), x),
    "vjp of a number": lambda T, x: T.func.vjp(lambda a: 1, x),
    "vjp without aux": lambda T, x: T.func.vjp(lambda a: a, x, has_aux=True),
    "a tangent of another shape": lambda T, x: T.func.jvp(lambda a: a, (x,), (T.ones(2),)),
    "primals that are no tuple": lambda T, x: T.func.jvp(lambda a: a, x, (x,)),
    "tangents of another structure": lambda T, x: T.func.jvp(lambda a: a, (x,), x),
    "no primals": lambda T, x: T.func.jvp(lambda a: a, (), ()),
    "a primal that is no tensor": lambda T, x: T.func.jvp(lambda a: a, (1.0,), (x,)),
    "jvp of a number": lambda T, x: T.func.jvp(lambda a: 1, (x,), (x,)),
    "jvp without aux": lambda T, x: T.func.jvp(lambda a: a, (x,), (x,), has_aux=True),
    "jvp of a constant, strictly": lambda T, x: T.func.jvp(lambda a: T.ones(2), (x,), (x,), strict=True),
    "jacrev of complex": lambda T, x: T.func.jacrev(lambda a: a)(x.to(T.complex64)),
    "jacfwd of complex": lambda T, x: T.func.jacfwd(lambda a: a)(x.to(T.complex64)),
    "jacrev to complex": lambda T, x: T.func.jacrev(lambda a: a.to(T.complex64))(x),
    "jacfwd to complex": lambda T, x: T.func.jacfwd(lambda a: a.to(T.complex64))(x),
    "no rows at a time": lambda T, x: T.func.jacrev(lambda a: a, chunk_size=0),
    "jacfwd of integers": lambda T, x: T.func.jacfwd(lambda a: a)(x.long()),
    "jacrev of integers": lambda T, x: T.func.jacrev(lambda a: a)(x.long()),
    "jacfwd at random": lambda T, x: T.func.jacfwd(lambda a: a * T.randn(3))(x),
    "functionalize of what": lambda T, x: T.func.functionalize(lambda a: a, remove="all"),
}


def raised(call):
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_torchs(name, oracle):
    ours = raised(lambda: ERRORS[name](rustorch, rustorch.ones(3)))
    theirs = raised(lambda: ERRORS[name](oracle, oracle.ones(3)))
    assert type(ours) is type(theirs)
    first = str(ours).splitlines()[0]
    assert first[:60] == re.sub(r"\n *", "", str(theirs))[:60]


def test_results_have_a_graph_only_to_what_is_outside():
    x, w = rustorch.ones(3), rustorch.ones(3, requires_grad=True)
    assert not func.grad(lambda a: (a * a).sum())(x).requires_grad
    assert func.grad(lambda a: (a * a * w).sum())(x).requires_grad
    assert func.grad(lambda a: (a * a).sum())(w).requires_grad
    # The inner input is a constant to all but the inner transform.
    nested = func.grad(lambda s: func.grad(lambda a: (s * a**2).sum())(x).sum())(rustorch.ones(3))
    assert not nested.requires_grad
    value, vjp_fn = func.vjp(lambda a: a * 2, x)
    assert not value.requires_grad
    assert vjp_fn(w)[0].requires_grad and not vjp_fn(x)[0].requires_grad


def test_backward_reaches_leaves_outside():
    w = rustorch.tensor([1.0, 2.0], requires_grad=True)
    func.grad(lambda a: (a**2 * w).sum())(rustorch.tensor([3.0, 4.0])).sum().backward()
    assert w.grad.tolist() == [6.0, 8.0]
    w.grad = None
    func.vmap(func.grad(lambda w, x: (w**3 * x).sum()), in_dims=(None, 0))(w, rustorch.ones(5, 2)).sum().backward()
    assert w.grad.tolist() == [30.0, 60.0]


def test_linearize():
    x, v = rustorch.tensor(PRIMALS[0]), rustorch.tensor(PRIMALS[1])
    calls = []
    value, jvp_fn = func.linearize(lambda x: (calls.append(1), {"y": curve(x)})[1], x)
    expected, tangent = func.jvp(curve, (x,), (v,))
    rustorch.testing.assert_close(value["y"], expected)
    rustorch.testing.assert_close(jvp_fn(v)["y"], tangent)
    rustorch.testing.assert_close(jvp_fn(2 * v)["y"], 2 * tangent)
    rustorch.testing.assert_close(func.vmap(jvp_fn)(rustorch.eye(3))["y"], func.jacfwd(curve)(x).mT)
    assert len(calls) == 1
    for wrong in (rustorch.ones(2), rustorch.ones(3, dtype=rustorch.float64)):
        with pytest.raises(RuntimeError, match="tangent:0 with"):
            jvp_fn(wrong)
    with pytest.raises(RuntimeError, match="same argspec"):
        jvp_fn(v, v)


def test_jvp_keeps_its_promise_with_functions_of_the_users_own():
    class Cube(rustorch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * grad

    x = rustorch.tensor(2.0)
    assert func.jvp(Cube.apply, (x,), (x,))[1] == 24.0
    assert func.grad(func.grad(Cube.apply))(x) == 12.0


def test_a_backward_of_the_users_own_may_use_vmap():
    class Twice(rustorch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x * 2

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def backward(ctx, grad):
            return func.vmap(lambda g: g * 2)(grad)

    x = rustorch.ones(3, 2)
    assert func.grad(lambda a: Twice.apply(a).sum())(x).equal(2 * x)
    assert func.vmap(func.grad(lambda a: Twice.apply(a).sum()))(x).equal(2 * x)
    assert func.jacrev(Twice.apply)(x[0]).equal(2 * rustorch.eye(2))


def test_nothing_is_left_behind_by_an_exception():
    def fail(x):
        raise KeyError("inside")

    for transform in (func.grad, func.jacrev, func.jacfwd, func.vmap, lambda f: func.vmap(func.grad(f))):
        with pytest.raises(KeyError):
            transform(fail)(rustorch.ones(2))
    assert _levels.levels() == () and not _graphs._live.nodes
    assert rustorch._C._len_torch_function_stack() == 0
    assert func.grad(lambda x: x**2)(rustorch.tensor(3.0)) == 6.0


def test_threads_do_not_see_each_others_transforms():
    results, barrier = {}, threading.Barrier(3)

    def work(i):
        def f(x):
            barrier.wait(10)
            return (x**2).sum() * i

        results[i] = func.vmap(func.grad(f))(rustorch.full((2, 3), float(i)))

    threads = [threading.Thread(target=work, args=(i,)) for i in (1, 2, 3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert {i: r[0, 0].item() for i, r in results.items()} == {1: 2.0, 2: 8.0, 3: 18.0}
