"""`autograd.Function` against torch: gradients, flags, error classes and first lines."""


def test_functions(agree):
    def program(torch, see):
        def make(forward, backward=lambda ctx, *g: g[0], **others):
            body = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
            body.update({k: staticmethod(v) for k, v in others.items()})
            return type("Op", (torch.autograd.Function,), body)

        def leaf(*values):
            return torch.tensor(values or (2.0, 3.0), dtype=torch.float64, requires_grad=True)

        def run(op, *args, **kwargs):
            x = leaf()
            y = op.apply(x, *args, **kwargs)
            first = y if isinstance(y, torch.Tensor) else y[0]
            first.sum().backward()
            return y, first.grad_fn.name(), x.grad

        double = make(lambda ctx, x: x * 2, lambda ctx, g: g * 2)
        see("plain", lambda: run(double))
        see(
            "other arguments", lambda: run(make(lambda ctx, x, a, b: x * a, lambda ctx, g: (g * 5, None, None)), 5, "b")
        )
        see("too few gradients", lambda: run(make(lambda ctx, x, a: x * a, lambda ctx, g: g), 5))
        see("too many gradients", lambda: run(make(lambda ctx, x: x * 2, lambda ctx, g: (g, g))))
        see("too many, None", lambda: run(make(lambda ctx, x: x * 2, lambda ctx, g: (g, None, None))))
        see("gradient for a number", lambda: run(make(lambda ctx, x, a: x * a, lambda ctx, g: (g, g)), 5))
        see("gradient of wrong type", lambda: run(make(lambda ctx, x: x * 2, lambda ctx, g: 3)))
        see("gradient of wrong shape", lambda: run(make(lambda ctx, x: x * 2, lambda ctx, g: torch.ones(3))))
        see("gradient that broadcasts", lambda: run(make(lambda ctx, x: x.sum(), lambda ctx, g: torch.ones(4, 2))))
        see("gradient of other dtype", lambda: run(make(lambda ctx, x: x * 2, lambda ctx, g: g.float())))
        see("gradient complex", lambda: run(make(lambda ctx, x: x * 2, lambda ctx, g: g * 1j)))
        see("gradient None", lambda: run(make(lambda ctx, x: x * 2, lambda ctx, g: None)))
        see("gradient a list", lambda: run(make(lambda ctx, x: x * 2, lambda ctx, g: [g])))
        see(
            "no backward",
            lambda: run(type("Op", (torch.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 2)})),
        )
        see("no forward", lambda: type("Op", (torch.autograd.Function,), {}).apply(leaf()))
        see("instance", lambda: double())
        see("instance called", lambda: double()(leaf()))
        see("backward raises", lambda: run(make(lambda ctx, x: x * 2, lambda ctx, g: 1 // 0)))
        see("forward raises", lambda: run(make(lambda ctx, x: 1 // 0)))
        see("forward gives None", lambda: make(lambda ctx, x: None).apply(leaf()))
        see("forward gives a number", lambda: make(lambda ctx, x: 3).apply(leaf()))
        see("forward gives a tensor and a number", lambda: make(lambda ctx, x: (x * 2, 3)).apply(leaf()))
        see("forward gives a tensor and None", lambda: run(make(lambda ctx, x: (x * 2, None), lambda ctx, a, b: a)))
        see("forward gives a list", lambda: make(lambda ctx, x: [x * 2, x]).apply(leaf()))
        see("no tensor", lambda: make(lambda ctx, x: torch.ones(2) * x).apply(3))
        see("constant", lambda: double.apply(torch.ones(2)))
        see("no_grad", lambda: _no_grad(torch, double, leaf()))
        see(
            "grad mode inside",
            lambda: run(
                make(lambda ctx, x: x * int(torch.is_grad_enabled()), lambda ctx, g: g * int(torch.is_grad_enabled()))
            ),
        )
        see("requires_grad inside", lambda: run(make(lambda ctx, x: x * int(x.requires_grad))))
        see("integer output", lambda: make(lambda ctx, x: x.long()).apply(leaf()))
        see("integer and float", lambda: make(lambda ctx, x: (x.long(), x * 2)).apply(leaf()))
        see("unused outputs", lambda: run(make(lambda ctx, x: (x * 2, x * 3), lambda ctx, a, b: a * 2 + b)))
        see(
            "unused outputs as None",
            lambda: run(
                make(
                    lambda ctx, x: (ctx.set_materialize_grads(False), x * 2, x * 3)[1:],
                    lambda ctx, a, b: a * 2 if b is None else a,
                )
            ),
        )
        see("needs_input_grad", lambda: _needs(torch, make, leaf))
        see("needs_input_grad with inputs=", lambda: _needs_inputs(torch, make, leaf))
        see("attributes", lambda: run(make(lambda ctx, x: (setattr(ctx, "a", 7), x * 7)[1], lambda ctx, g: g * ctx.a)))
        see(
            "setup_context",
            lambda: run(
                make(
                    lambda x, a=4: x * a,
                    lambda ctx, g: (g * ctx.a, None),
                    setup_context=lambda ctx, inputs, output: setattr(ctx, "a", inputs[1]),
                )
            ),
        )
        see(
            "setup_context with save",
            lambda: run(
                make(
                    lambda x: x.exp(),
                    lambda ctx, g: g * ctx.saved_tensors[0],
                    setup_context=lambda ctx, inputs, output: ctx.save_for_backward(output),
                )
            ),
        )
        see(
            "vjp",
            lambda: run(
                type(
                    "Op",
                    (torch.autograd.Function,),
                    {"forward": staticmethod(lambda ctx, x: x * 2), "vjp": staticmethod(lambda ctx, g: g * 2)},
                )
            ),
        )
        see("vjp and backward", lambda: run(make(lambda ctx, x: x * 2, vjp=lambda ctx, g: g)))
        see("vmap", lambda: run(make(lambda ctx, x: x * 2, vmap=lambda info, dims, x: (x, 0))))
        see(
            "generate_vmap_rule",
            lambda: run(
                type(
                    "Op",
                    (torch.autograd.Function,),
                    {
                        "generate_vmap_rule": True,
                        "forward": staticmethod(lambda x: x * 2),
                        "setup_context": staticmethod(lambda ctx, i, o: None),
                        "backward": staticmethod(lambda ctx, g: g * 2),
                    },
                )
            ),
        )
        see("inherits", lambda: run(type("Sub", (double,), {})))
        see(
            "apply given",
            lambda: run(type("Op", (double,), {"apply": classmethod(lambda cls, x: super(cls, cls).apply(x) * 10)})),
        )
        see("nested", lambda: run(make(lambda ctx, x: double.apply(x), lambda ctx, g: double.apply(g))))
        see("once", lambda: _once(torch, make, leaf))
        see("identity", lambda: run(make(lambda ctx, x: x, lambda ctx, g: g * 3)))
        see("identity is no alias", lambda: _identity(torch, make, leaf))
        see("same output twice", lambda: run(make(lambda ctx, x: (lambda y: (y, y))(x * 2), lambda ctx, a, b: a + b)))
        see("input twice", lambda: _twice(torch, make, leaf))
        see("view output", lambda: run(make(lambda ctx, x: x.view(1, 2), lambda ctx, g: g.view(2))))

    def _no_grad(torch, op, x):
        with torch.no_grad():
            return op.apply(x)

    def _needs(torch, make, leaf):
        seen = []
        op = make(
            lambda ctx, a, b, c: (seen.append(ctx.needs_input_grad), a + b)[1],
            lambda ctx, g: (seen.append(ctx.needs_input_grad), (g, g, None))[1],
        )
        op.apply(leaf(), torch.ones(2), 3).sum().backward()
        return seen

    def _needs_inputs(torch, make, leaf):
        seen = []
        op = make(lambda ctx, a, b: a + b, lambda ctx, g: (seen.append(ctx.needs_input_grad), (g, g))[1])
        a, b = leaf(), leaf()
        result = torch.autograd.grad(op.apply(a, b).sum(), b)
        return seen, result, a.grad

    def _once(torch, make, leaf):
        once = torch.autograd.function.once_differentiable
        op = make(lambda ctx, x: x**2, once(lambda ctx, g: g * 2))
        x = leaf()
        (g,) = torch.autograd.grad(op.apply(x).sum(), x, create_graph=True)
        (h,) = torch.autograd.grad((op.apply(x) * x).sum(), x, create_graph=True)
        return g.requires_grad, h.requires_grad, torch.autograd.grad(h.sum(), x)

    def _identity(torch, make, leaf):
        x = leaf()
        y = make(lambda ctx, x: x).apply(x)
        return y is x, y.data_ptr() == x.data_ptr(), y._is_view(), x.is_leaf

    def _twice(torch, make, leaf):
        x = leaf()
        make(lambda ctx, a, b: a * b, lambda ctx, g: (g, g * 10)).apply(x, x).sum().backward()
        return x.grad

    agree(program)


def test_saved_tensors(agree):
    def program(torch, see):
        def op(save, backward=lambda ctx, g: g * ctx.saved_tensors[0]):
            class Op(torch.autograd.Function):
                @staticmethod
                def forward(ctx, x):
                    y = x * x
                    save(ctx, x, y)
                    return y

            Op.backward = staticmethod(backward)
            return Op

        def leaf():
            return torch.tensor([2.0, 3.0], requires_grad=True)

        def run(o, change=lambda x, y, h: None, times=1, retain=False):
            x = leaf()
            h = x * 1
            y = o.apply(h)
            change(x, y, h)
            for _ in range(times):
                y.sum().backward(retain_graph=retain)
            return x.grad

        inputs = op(lambda ctx, x, y: ctx.save_for_backward(x))
        outputs = op(lambda ctx, x, y: ctx.save_for_backward(y))
        see("input", lambda: run(inputs))
        see("output", lambda: run(outputs))
        see("intermediate", lambda: run(op(lambda ctx, x, y: ctx.save_for_backward(x + 1))))
        see(
            "None",
            lambda: run(op(lambda ctx, x, y: ctx.save_for_backward(None, x), lambda ctx, g: g * ctx.saved_tensors[1])),
        )
        see("number", lambda: run(op(lambda ctx, x, y: ctx.save_for_backward(3))))
        see("number among", lambda: run(op(lambda ctx, x, y: ctx.save_for_backward(x, 3))))
        see(
            "twice, last counts",
            lambda: run(op(lambda ctx, x, y: (ctx.save_for_backward(y), ctx.save_for_backward(x)))),
        )
        see("nothing", lambda: run(op(lambda ctx, x, y: None, lambda ctx, g: g * len(ctx.saved_tensors))))
        see("input changed", lambda: run(inputs, lambda x, y, h: h.add_(1)))
        see("output changed", lambda: run(outputs, lambda x, y, h: y.add_(1)))
        see("second backward", lambda: run(inputs, times=2))
        see("second backward retained", lambda: run(inputs, times=2, retain=True))
        see("second backward without saved", lambda: run(op(lambda ctx, x, y: None, lambda ctx, g: g), times=2))
        see("read after free", lambda: _after_free(torch, inputs, leaf))
        see("read before", lambda: _before(torch, inputs, leaf))
        see("read in forward", lambda: run(op(lambda ctx, x, y: (ctx.save_for_backward(x), ctx.saved_tensors))))
        see(
            "saved_variables",
            lambda: run(op(lambda ctx, x, y: ctx.save_for_backward(x), lambda ctx, g: g * ctx.saved_variables[0])),
        )
        see("double backward by input", lambda: _double(torch, inputs, leaf))
        see("double backward by output", lambda: _double(torch, outputs, leaf))
        see(
            "attribute has no graph",
            lambda: _double(torch, op(lambda ctx, x, y: setattr(ctx, "x", x), lambda ctx, g: g * ctx.x), leaf),
        )
        see("is the same tensor", lambda: _same(torch, inputs, leaf))
        see("needs no gradient", lambda: inputs.apply(torch.ones(2)))
        see("cleared", lambda: _cleared(torch, leaf))

    def _after_free(torch, o, leaf):
        y = o.apply(leaf())
        y.sum().backward()
        return y.grad_fn.saved_tensors

    def _before(torch, o, leaf):
        return o.apply(leaf()).grad_fn.saved_tensors

    def _double(torch, o, leaf):
        x = leaf()
        (g,) = torch.autograd.grad(o.apply(x).sum(), x, create_graph=True)
        return g, (torch.autograd.grad(g.sum(), x) if g.requires_grad else None)

    def _same(torch, o, leaf):
        x = leaf()
        y = o.apply(x)
        return y.grad_fn.saved_tensors[0] is x, y.grad_fn.saved_tensors[0].data_ptr() == x.data_ptr()

    def _cleared(torch, leaf):
        class Op(torch.autograd.Function):
            clear_saved_tensors_on_access = True

            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * 2

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                ctx.saved_tensors
                return g * x

        Op.apply(leaf()).sum().backward()

    agree(program)


def test_saved_outputs_keep_their_place(agree):
    def program(torch, see):
        def op(forward, backward):
            return type(
                "Op", (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}
            )

        def both(run):
            x = torch.tensor([0.5, 1.0, 2.0], requires_grad=True)
            (g,) = torch.autograd.grad(run(x), x, create_graph=True)
            return g, g.requires_grad and torch.autograd.grad(g.sin().sum(), x, allow_unused=True)

        def after_a_number(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return 3, y

        def beside_a_constant(ctx, x):
            y, z = x.exp(), x * 2
            ctx.mark_non_differentiable(z)
            ctx.save_for_backward(z)
            return z, y

        def in_place(ctx, x):
            ctx.mark_dirty(x.exp_())
            ctx.save_for_backward(x)
            return x

        def times_saved(ctx, *g):
            return g[-1] * ctx.saved_tensors[0]

        def changed(x, view):
            y = x * 1.5
            op(in_place, times_saved).apply(y[1:] if view else y)
            return (y * y).sum()

        see("after a number", lambda: both(lambda x: op(after_a_number, times_saved).apply(x)[1].sum()))
        see("one without derivative", lambda: both(lambda x: op(beside_a_constant, times_saved).apply(x)[1].sum()))
        see("changed input", lambda: both(lambda x: changed(x, False)))
        see("changed view", lambda: both(lambda x: changed(x, True)))

    agree(program)


def test_marks(agree):
    def program(torch, see):
        def op(forward, backward=lambda ctx, *g: g[0]):
            return type(
                "Op", (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}
            )

        def leaf():
            return torch.tensor([2.0, 3.0], requires_grad=True)

        def dirty(ctx, x):
            ctx.mark_dirty(x)
            x.mul_(3)
            return x

        tripled = op(dirty, lambda ctx, g: g * 3)

        def run(o, f=lambda x: x * 1):
            x = leaf()
            h = f(x)
            y = o.apply(h)
            first = y[0] if isinstance(y, tuple) else y
            first.sum().backward()
            return y, first is h, h._version, h.grad_fn.name(), x.grad

        see("dirty", lambda: run(tripled))
        see("dirty leaf", lambda: tripled.apply(leaf()))
        see("dirty plain", lambda: (lambda t: (tripled.apply(t) is t, t))(torch.ones(2)))
        see("dirty view", lambda: run(tripled, lambda x: (x * 1)[:]))
        see("dirty view of a leaf", lambda: tripled.apply(leaf()[:]))
        see("dirty not returned", lambda: run(op(lambda ctx, x: (ctx.mark_dirty(x), x * 2)[1])))
        see("dirty not an input", lambda: run(op(lambda ctx, x: (lambda y: (ctx.mark_dirty(y), y)[1])(x * 2))))
        see("dirty without mark", lambda: run(op(lambda ctx, x: x.mul_(3), lambda ctx, g: g * 3)))
        see(
            "dirty and another output",
            lambda: run(op(lambda ctx, x: (ctx.mark_dirty(x), (x.mul_(3), x * 2))[1], lambda ctx, a, b: a * 3 + b * 6)),
        )
        see("fixed", lambda: _fixed(torch, op, leaf))
        see(
            "all fixed",
            lambda: op(lambda ctx, x: (lambda y: (ctx.mark_non_differentiable(y), y)[1])(x * 2)).apply(leaf()),
        )
        see("fixed input", lambda: op(lambda ctx, x: (ctx.mark_non_differentiable(x), x)[1]).apply(leaf()))
        see("fixed not an output", lambda: run(op(lambda ctx, x: (ctx.mark_non_differentiable(x * 3), x * 2)[1])))
        see("shared storage", lambda: run(op(lambda ctx, x: (ctx.mark_shared_storage((x, x)), x * 2)[1])))
        see("gradient of the fixed", lambda: _fixed_gradient(torch, op, leaf))
        see("materialize on", lambda: _materialize(torch, op, leaf, True))
        see("materialize off", lambda: _materialize(torch, op, leaf, False))
        see("save_for_forward", lambda: run(op(lambda ctx, x: (ctx.save_for_forward(x), x * 2)[1])))
        see("save_for_forward number", lambda: run(op(lambda ctx, x: (ctx.save_for_forward(3), x * 2)[1])))

    def _fixed(torch, op, leaf):
        def forward(ctx, x):
            values, order = x.sort()
            ranks = order.double()
            ctx.mark_non_differentiable(order, ranks)
            return values, order, ranks

        return op(forward, lambda ctx, g, a, b: g).apply(leaf())

    def _fixed_gradient(torch, op, leaf):
        seen = []

        def forward(ctx, x):
            y = x * 3
            ctx.mark_non_differentiable(y)
            return x * 2, y

        def backward(ctx, a, b):
            seen.append((a, b))
            return a

        x = leaf()
        op(forward, backward).apply(x)[0].sum().backward()
        return seen, x.grad

    def _materialize(torch, op, leaf, value):
        seen = []

        def forward(ctx, x):
            ctx.set_materialize_grads(value)
            return x * 2, x * 3, x.sum()

        def backward(ctx, *g):
            seen.append(g)
            return g[0]

        x = leaf()
        op(forward, backward).apply(x)[0].sum().backward()
        return seen, x.grad

    agree(program)
