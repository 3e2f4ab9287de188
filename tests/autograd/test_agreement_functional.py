"""`autograd.functional`, gradcheck and checkpoint against torch: results, error classes, first lines."""

import pytest


def test_products_and_matrices(agree):
    def program(torch, see):
        F = torch.autograd.functional
        x = torch.tensor([0.5, 1.0, 1.5], dtype=torch.float64)
        y = torch.tensor([2.0, 3.0, 4.0], dtype=torch.float64)
        v = torch.tensor([1.0, -1.0, 2.0], dtype=torch.float64)

        def f(x):
            return x.sin() * x.sum()

        def g(x, y):
            return x * y, (x + y).sum()

        def s(x):
            return (x**3).sum()

        def t(x, y):
            return (x * y**2).sum()

        def constant(x):
            return torch.ones(2, dtype=torch.float64)

        def matrices(name):
            op = getattr(F, name)
            one, two = (f, g) if name == "jacobian" else (s, t)
            see(f"{name}", lambda: op(one, x))
            see(f"{name} of two", lambda: op(two, (x, y)))
            see(f"{name} with graph", lambda: op(one, x.clone().requires_grad_(), create_graph=True))
            see(f"{name} vectorized", lambda: op(one, x, vectorize=True))
            see(f"{name} vectorized of two", lambda: op(two, (x, y), vectorize=True))
            see(f"{name} strict", lambda: op(one, x, strict=True))
            see(f"{name} strict and vectorized", lambda: op(one, x, strict=True, vectorize=True))
            see(f"{name} of a constant", lambda: op(lambda x: constant(x).sum(), x))
            see(f"{name} of a constant, strict", lambda: op(lambda x: constant(x).sum(), x, strict=True))
            see(f"{name} of an unused input", lambda: op(lambda x, y: s(x), (x, y)))
            see(f"{name} of an unused input, strict", lambda: op(lambda x, y: s(x), (x, y), strict=True))
            see(f"{name} of a number", lambda: op(one, 3.0))
            see(f"{name} of a list", lambda: op(two, [x, y]))
            see(f"{name} of a function to a number", lambda: op(lambda x: 3.0, x))
            see(f"{name} of a function to a list", lambda: op(lambda x: [x], x))
            if name == "jacobian":
                see(f"{name} forward", lambda: op(one, x, vectorize=True, strategy="forward-mode"))
            see(f"{name} of a linear function, strict", lambda: op(lambda x: x.sum(), x, strict=True))

        matrices("jacobian")
        matrices("hessian")
        see("hessian of a vector function", lambda: F.hessian(f, x))
        see("jacobian bad strategy", lambda: F.jacobian(f, x, strategy="sideways"))
        see("hessian outer strategy", lambda: F.hessian(s, x, outer_jacobian_strategy="sideways"))
        see(
            "jacobian of a leaf keeps it",
            lambda: (lambda p: (F.jacobian(f, p), p.grad, p.requires_grad))(x.clone().requires_grad_()),
        )

        def products(name, fn, vec):
            op = getattr(F, name)
            see(f"{name}", lambda: op(fn, x, vec))
            see(f"{name} without v", lambda: op(fn, x))
            see(f"{name} of a scalar without v", lambda: op(lambda x: x.sum() ** 2, x[:1]))
            see(f"{name} wrong shape", lambda: op(fn, x, v[:2]))
            see(f"{name} wrong number", lambda: op(fn, x, (v, v)))
            see(f"{name} v a number", lambda: op(fn, x, 3.0))
            see(f"{name} with graph", lambda: op(fn, x.clone().requires_grad_(), vec, create_graph=True))
            see(f"{name} strict", lambda: op(fn, x, vec, strict=True))
            see(
                f"{name} of a constant",
                lambda: op(lambda x: constant(x).sum(), x, vec if name in ("jvp", "hvp", "vhp") else None),
            )
            see(
                f"{name} of a constant, strict",
                lambda: op(lambda x: constant(x).sum(), x, vec if name != "vjp" else None, strict=True),
            )
            see(
                f"{name} of a linear function, strict",
                lambda: op(lambda x: (2 * x).sum(), x, vec if name != "vjp" else None, strict=True),
            )

        products("vjp", f, v)
        products("jvp", f, v)
        products("hvp", s, v)
        products("vhp", s, v)
        see("vjp of two", lambda: F.vjp(g, (x, y), (v, torch.tensor(1.0, dtype=torch.float64))))
        see("jvp of two", lambda: F.jvp(g, (x, y), (v, v)))
        see("hvp of two", lambda: F.hvp(t, (x, y), (v, v)))
        see("vhp of two", lambda: F.vhp(t, (x, y), (v, v)))

    agree(program)


def test_gradcheck(agree):
    def program(torch, see):
        check, check2 = torch.autograd.gradcheck, torch.autograd.gradgradcheck

        def leaf(*shape, dtype=torch.float64):
            t = torch.arange(1.0, 1.0 + torch.Size(shape).numel(), dtype=torch.float64).view(shape) / 3
            t = t.to(dtype) * (1 + 0.5j) if dtype.is_complex else t.to(dtype)
            return t.requires_grad_()

        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return g * 3

        class Nothing(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.set_materialize_grads(False)
                return x * 2, x * 3

            @staticmethod
            def backward(ctx, a, b):
                return a * 2 + b * 3

        class Random(torch.autograd.Function):
            calls = 0

            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, g):
                Random.calls += 1
                return g * 2 + 1e-3 * Random.calls

        def in_mode(fast):
            kind = "fast" if fast else "slow"
            see(f"{kind}", lambda: check(lambda x: x.sin(), leaf(2, 3), fast_mode=fast))
            see(f"{kind} two", lambda: check(lambda x, y: x * y, (leaf(2), leaf(2)), fast_mode=fast))
            see(f"{kind} second", lambda: check2(lambda x: x**3, leaf(3), fast_mode=fast))
            see(f"{kind} complex", lambda: check(lambda x: x * x, leaf(3, dtype=torch.complex128), fast_mode=fast))
            see(
                f"{kind} complex to real",
                lambda: check(lambda x: x.abs(), leaf(3, dtype=torch.complex128), fast_mode=fast),
            )
            see(f"{kind} real to complex", lambda: check(lambda x: torch.complex(x, x * x), leaf(3), fast_mode=fast))
            see(
                f"{kind} complex second",
                lambda: check2(lambda x: x**3, leaf(2, dtype=torch.complex128), fast_mode=fast),
            )
            see(f"{kind} wrong, no raise", lambda: check(Wrong.apply, leaf(3), raise_exception=False, fast_mode=fast))
            see(f"{kind} undefined", lambda: check(Nothing.apply, leaf(3), fast_mode=fast))
            see(
                f"{kind} undefined off",
                lambda: check(Nothing.apply, leaf(3), check_undefined_grad=False, fast_mode=fast),
            )
            see(f"{kind} random", lambda: check(Random.apply, leaf(3), raise_exception=False, fast_mode=fast))
            see(
                f"{kind} random allowed", lambda: check(Random.apply, leaf(3), nondet_tol=1.0, atol=1.0, fast_mode=fast)
            )
            see(f"{kind} no output", lambda: check(lambda x: x.detach(), leaf(3), fast_mode=fast))
            see(f"{kind} integer output", lambda: check(lambda x: (x * 2, x.long()), leaf(3), fast_mode=fast))
            see(f"{kind} constants", lambda: check(lambda x, c: x * c, (leaf(3), 4.0), fast_mode=fast))
            see(
                f"{kind} given gradients",
                lambda: check2(
                    lambda x: x**2, leaf(3), torch.ones(3, dtype=torch.float64, requires_grad=True), fast_mode=fast
                ),
            )

        in_mode(False)
        in_mode(True)
        see("wrong", lambda: check(Wrong.apply, leaf(1)))
        see("nothing to check", lambda: check(lambda x: x, torch.ones(2)))
        see("single precision", lambda: check(lambda x: x * 2, torch.ones(2, requires_grad=True), eps=1e-2, atol=1e-2))
        see(
            "expanded input",
            lambda: check(lambda x: x * 2, torch.ones(1, dtype=torch.float64, requires_grad=True).expand(3)),
        )
        see("raises inside", lambda: check(lambda x: 1 // 0, leaf(2)))
        see("masked", lambda: check(lambda x: x * 2, leaf(2), masked=True))

    agree(program)


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoint(reentrant, agree):
    def program(torch, see):
        from importlib import import_module

        module = import_module(torch.__name__ + ".utils.checkpoint")
        checkpoint = module.checkpoint

        def leaf():
            return torch.tensor([1.0, 2.0], requires_grad=True)

        def run(f, *args, **kwargs):
            x = leaf()
            y = checkpoint(f, x, *args, use_reentrant=reentrant, **kwargs)
            first = y[0] if isinstance(y, (tuple, list)) else y
            first.sum().backward()
            return y, x.grad

        see("plain", lambda: run(lambda x: x.sin() * x))
        see("two results", lambda: run(lambda x: (x.sin(), x.cos())))
        see("a result without grad", lambda: run(lambda x: (x.sin(), 3)))
        see("other arguments", lambda: run(lambda x, a, b: x * a, 3, "b"))
        see("keywords", lambda: run(lambda x, a=1: x * a, a=3))
        see("unknown option", lambda: run(lambda x: x, nothing=1))
        see("dropout", lambda: run(lambda x: torch.nn.functional.dropout(x, 0.5) * x))
        see("dropout, state kept", lambda: run(lambda x: torch.nn.functional.dropout(x, 0.5), preserve_rng_state=True))
        see("state after", lambda: (run(lambda x: torch.nn.functional.dropout(x, 0.5)), torch.rand(2)))
        see("calls", lambda: _calls(torch, run))
        see("grad()", lambda: _grad(torch, checkpoint))
        see("inputs=", lambda: _inputs(torch, checkpoint))
        see("no input with grad", lambda: checkpoint(lambda x: x * 2, torch.ones(2), use_reentrant=reentrant))
        see("parameter only", lambda: _parameter(torch, checkpoint))
        see("nested", lambda: run(lambda x: checkpoint(lambda z: z.sin() * z, x, use_reentrant=reentrant) * x))
        see("in no_grad", lambda: _no_grad(torch, checkpoint))
        see("context_fn", lambda: run(lambda x: x * 2, context_fn=module.noop_context_fn))
        see("determinism_check", lambda: run(lambda x: x.exp(), determinism_check="none"))
        see("bad determinism_check", lambda: run(lambda x: x.exp(), determinism_check="some"))
        see("changing part", lambda: _changing(torch, run, 0))
        see("changing number", lambda: _changing(torch, run, 1))
        see("changing part unchecked", lambda: _changing(torch, run, 2))
        see("early stop off", lambda: _early(torch, module, run))
        see("raises", lambda: run(lambda x: 1 // 0))
        see("twice", lambda: _twice(torch, checkpoint))
        see("twice retained", lambda: _twice(torch, checkpoint, retain_graph=True))
        see("double backward", lambda: _double(torch, checkpoint))
        see("detached inside", lambda: run(lambda x: x.detach()))
        see("in place inside", lambda: run(lambda x: (x * 1).mul_(3).exp()))
        see("sequential", lambda: _sequential(torch, module))
        see("sequential of one", lambda: _sequential(torch, module, 1))
        see("sequential options", lambda: _sequential(torch, module, 2, nothing=3))
        see("no use_reentrant", lambda: checkpoint(lambda x: x * 2, leaf()))
        see("no use_reentrant in sequential", lambda: module.checkpoint_sequential([lambda x: x * 2], 1, leaf()))

    def _calls(torch, run):
        calls = []
        run(lambda x: (calls.append(torch.is_grad_enabled()), x.exp() * 2)[1])
        return calls

    def _grad(torch, checkpoint):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = checkpoint(lambda x: x.exp(), x, use_reentrant=reentrant)
        return torch.autograd.grad(y.sum(), x)

    def _inputs(torch, checkpoint):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = checkpoint(lambda x: x.exp(), x, use_reentrant=reentrant)
        y.sum().backward(inputs=[x])
        return x.grad

    def _parameter(torch, checkpoint):
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        y = checkpoint(lambda x: x * w, torch.ones(2), use_reentrant=reentrant)
        y.sum().backward()
        return w.grad

    def _no_grad(torch, checkpoint):
        with torch.no_grad():
            return checkpoint(lambda x: x * 2, torch.ones(2, requires_grad=True), use_reentrant=reentrant)

    def _changing(torch, run, how):
        calls = []

        def part(x):
            calls.append(1)
            if len(calls) == 1:
                return x.exp()
            if how == 1:
                return x.exp().sin().cos().exp()
            return x[:1].exp()

        return run(part, **({"determinism_check": "none"} if how == 2 else {}))

    def _early(torch, module, run):
        calls = []

        def part(x):
            y = x.exp()
            calls.append(1)
            return y + 1

        with module.set_checkpoint_early_stop(False):
            result = run(part)
        return result, calls, run(part), calls

    def _twice(torch, checkpoint, **kwargs):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = checkpoint(lambda x: x.exp(), x, use_reentrant=reentrant)
        y.sum().backward(**kwargs)
        y.sum().backward()
        return x.grad

    def _double(torch, checkpoint):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = checkpoint(lambda x: x**3, x, use_reentrant=reentrant)
        y.sum().backward(create_graph=True)
        g = x.grad
        x.grad = None
        return g, torch.autograd.grad(g.sum(), x)

    def _sequential(torch, module, segments=2, **kwargs):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        layers = [torch.sin, torch.exp, torch.cos, torch.tanh]
        y = module.checkpoint_sequential(layers, segments, x, use_reentrant=reentrant, **kwargs)
        y.sum().backward()
        return y, x.grad

    agree(program)
