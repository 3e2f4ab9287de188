"""Writes in place on leaves, views and saved tensors against torch: gradients, histories, error classes, first lines."""


def test_leaves_and_their_views(agree):
    def program(torch, see):
        def leaf():
            return torch.ones(2, 3, requires_grad=True)

        see("leaf", lambda: leaf().add_(1))
        see("leaf by index", lambda: leaf().__setitem__(0, 1.0))
        see("leaf zero_", lambda: leaf().zero_())
        see("leaf out", lambda: torch.add(torch.ones(2, 3), 1, out=leaf()))
        see("view of a leaf", lambda: leaf()[0].add_(1))
        see("view of a view of a leaf", lambda: leaf()[0][1:].mul_(2))
        see("leaf in no_grad", lambda: _in_no_grad(torch, leaf(), lambda t: t.add_(1)))
        see("view of a leaf in no_grad", lambda: _in_no_grad(torch, leaf(), lambda t: t[0].add_(1)))
        see("copy_ into a leaf", lambda: leaf().copy_(torch.zeros(2, 3)))
        see("detached leaf", lambda: leaf().detach().add_(1))
        see("data of a leaf", lambda: (lambda t: (t.data.add_(1), t))(leaf()))
        see("leaf without grad takes history", lambda: (lambda t: (t.mul_(leaf()), t.grad_fn.name()))(torch.ones(2, 3)))
        see("index of plain", lambda: (lambda t: (t.__setitem__(0, leaf()[0]), t, t.grad_fn.name()))(torch.ones(2, 3)))
        see("view of plain", lambda: _view_of_plain(torch, leaf()))
        see("int into", lambda: torch.ones(2, 3, dtype=torch.int64).add_(leaf()))
        see("broadcast", lambda: torch.ones(3).add_(leaf()))
        see("expanded", lambda: torch.ones(1, 3).expand(2, 3).add_(1))
        see("expanded non-leaf", lambda: (leaf()[:1] * 2).expand(2, 3).add_(1))
        see("expanded by zero elements", lambda: torch.ones(1, 3).expand(0, 3).add_(1))
        see("partial overlap", lambda: (lambda t: t[1:].add_(t[:-1]))(torch.ones(4)))
        see("detach_ view", lambda: (leaf() * 2)[0].detach_())
        see("resize_", lambda: leaf().resize_(3))
        see("t_ of a leaf", lambda: leaf().t_())
        see("squeeze_ of a leaf", lambda: leaf().squeeze_())
        see("t_ of a non-leaf", lambda: _grad_of(torch, lambda x: (x * 2).t_() * torch.arange(6.0).view(3, 2)))
        see("requires_grad_ of a view made in no_grad", lambda: _late(torch))

    def _in_no_grad(torch, t, f):
        with torch.no_grad():
            f(t)
        return t, t._version, t.grad_fn

    def _view_of_plain(torch, x):
        t = torch.zeros(2, 3)
        v = t[0]
        v.copy_(x[0])
        names = [t.grad_fn.name(), v.grad_fn.name(), v._base is t]
        t.sum().backward()
        return names, x.grad

    def _grad_of(torch, f):
        x = torch.ones(2, 3, requires_grad=True)
        y = f(x)
        y.sum().backward()
        return y, x.grad

    def _late(torch):
        t = torch.ones(2)
        with torch.no_grad():
            v = t[0:1]
        v.requires_grad_()
        return v, t

    agree(program)


def test_gradients_through_views_changed_in_place(agree):
    def program(torch, see):
        weights = torch.arange(1.0, 7.0).view(2, 3)

        def run(f, shape=(2, 3)):
            x = torch.arange(1.0, 1.0 + shape[0] * shape[1]).view(shape).requires_grad_()
            y = x * 1
            out = f(y)
            out = y if out is None else out
            name = out.grad_fn.name()
            (out * (weights if out.shape == weights.shape else 1)).sum().backward()
            return name, out, x.grad

        see("row times", lambda: run(lambda y: y[0].mul_(3) and None))
        see("row assigned", lambda: run(lambda y: y.__setitem__(0, 5.0)))
        see("column assigned a tensor", lambda: run(lambda y: y.__setitem__((slice(None), 1), y[:, 0] * 2)))
        see("mask", lambda: run(lambda y: y.__setitem__(y.detach() > 3, 0.0)))
        see("list index", lambda: run(lambda y: y.__setitem__([0, 1], torch.zeros(3))))
        see("transposed", lambda: run(lambda y: (y.t().mul_(torch.arange(6.0).view(3, 2)), None)[1]))
        see("view of view", lambda: run(lambda y: (y.view(-1)[1:5].mul_(2), None)[1]))
        see("diagonal", lambda: run(lambda y: (y.diagonal().fill_(0), None)[1]))
        see("view first, base changed", lambda: run(lambda y: (lambda v: (y.mul_(2), v)[1])(y[0])))
        see("view first, base changed, both", lambda: run(lambda y: (lambda v: (y.mul_(2), v.exp())[1] + y[1])(y[0])))
        see("two views", lambda: run(lambda y: (lambda a, b: (a.mul_(2), b.mul_(3), None)[2])(y[0], y[:, 1])))
        see("view reads after sibling", lambda: run(lambda y: (lambda a, b: (a.mul_(2), b * 1)[1])(y[0], y[:, 1])))
        see("narrow", lambda: run(lambda y: (y.narrow(1, 0, 2).sub_(1), None)[1]))
        see("select", lambda: run(lambda y: (y.select(1, 0).pow_(2), None)[1]))
        see("squeeze", lambda: run(lambda y: (y[0:1].squeeze(0).exp_(), None)[1]))
        see("as_strided", lambda: run(lambda y: (y.as_strided((2,), (2,)).mul_(7), None)[1]))
        see("unfold", lambda: run(lambda y: (y.unfold(1, 1, 2).mul_(7), None)[1]))
        see("chunk", lambda: run(lambda y: (y.chunk(2)[0].mul_(7), None)[1]))
        see("split", lambda: run(lambda y: (y.split(1)[0].mul_(7), None)[1]))
        see("unbind", lambda: run(lambda y: (y.unbind()[0].mul_(7), None)[1]))
        see("tensor_split", lambda: run(lambda y: (y.tensor_split(2)[0].mul_(7), None)[1]))
        see("split_with_sizes", lambda: run(lambda y: (y.split([1, 1])[0].mul_(7), None)[1]))
        see("hsplit", lambda: run(lambda y: (y.hsplit(3)[0].mul_(7), None)[1]))
        see("iteration", lambda: run(lambda y: ([row.mul_(2) for row in y], None)[1]))
        see("flatten", lambda: run(lambda y: (y.flatten().mul_(2), None)[1]))
        see("expand_as", lambda: run(lambda y: (y.expand_as(y).mul_(2), None)[1]))
        see("movedim", lambda: run(lambda y: (y.movedim(0, 1).mul_(2), None)[1]))
        see("real", lambda: _complex(torch))
        see("masked_fill_", lambda: run(lambda y: (y[0].masked_fill_(torch.tensor([True, False, True]), 9), None)[1]))
        see("index_add_", lambda: run(lambda y: (y.index_add_(0, torch.tensor([0]), torch.ones(1, 3)), None)[1]))
        see("index_copy_", lambda: run(lambda y: (y.index_copy_(0, torch.tensor([1]), y[:1] * 3), None)[1]))
        see("index_fill_", lambda: run(lambda y: (y.index_fill_(1, torch.tensor([1]), 3), None)[1]))
        see("scatter_", lambda: run(lambda y: (y.scatter_(1, torch.tensor([[0], [1]]), 3.0), None)[1]))
        see("put_", lambda: run(lambda y: (y.put_(torch.tensor([0, 3]), torch.ones(2)), None)[1]))
        see("fill_diagonal_", lambda: run(lambda y: (y.fill_diagonal_(0.0), None)[1]))
        see("tril_", lambda: run(lambda y: (y.tril_(), None)[1]))
        see("clamp_", lambda: run(lambda y: (y.clamp_(2, 4), None)[1]))
        see("copy_", lambda: run(lambda y: (y.copy_(y * y), None)[1]))
        see("copy_ broadcast", lambda: run(lambda y: (y.copy_(y[0] * 3), None)[1]))
        see("cumsum_", lambda: run(lambda y: (y.cumsum_(1), None)[1]))
        see("addmm_", lambda: run(lambda y: (y.addmm_(torch.ones(2, 2), torch.ones(2, 3)), None)[1]))
        see("swapped history", lambda: run(lambda y: y.mul_(2).add_(y)))
        see("times itself", lambda: run(lambda y: (y.mul_(y.clone()), None)[1]))
        see("sigmoid_", lambda: run(lambda y: (y.sigmoid_(), None)[1]))
        see("sigmoid_ twice", lambda: run(lambda y: (y.sigmoid_().tanh_(), None)[1]))
        see("relu_", lambda: run(lambda y: (y.sub_(3).relu_(), None)[1]))
        see("normal_", lambda: run(lambda y: (y.normal_(), y * 0 + 1)[1]))
        see("zero_ of a view", lambda: run(lambda y: (y[0].zero_(), None)[1]))
        see("detach of a view changed", lambda: run(lambda y: (y[0].detach().zero_(), None)[1]))

    def _complex(torch):
        x = torch.tensor([1 + 2j, 3 - 1j], requires_grad=True)
        y = x * 1
        y.real.mul_(3)
        torch.view_as_real(y)[:, 1].mul_(2)
        loss = (y * torch.tensor([1.0, 1j])).sum()
        loss.real.backward()
        return y, y.grad_fn.name(), x.grad.real, x.grad.imag

    agree(program)


def test_both_orders_of_writes_in_place(agree):
    def program(torch, see):
        def run(f, n=3):
            x = torch.linspace(0.3, 1.1, n, dtype=torch.float64).requires_grad_()
            y = x * 1.5
            f(y)
            (g,) = torch.autograd.grad(y.sin().sum(), x, create_graph=True)
            return g, torch.autograd.grad(g.sin().sum(), x)

        def seen(label, f, n=3):
            see(label, lambda: run(f, n))

        # The old value is read: it has the history that the tensor loses.
        seen("pow_", lambda y: y.pow_(2))
        seen("sin_ of a view", lambda y: y[1:].sin_())
        seen("mul_ by a function of itself", lambda y: y.mul_(y.exp()))
        seen("cumprod_", lambda y: y.cumprod_(0))
        seen("cumprod_ of a view", lambda y: y[1:].cumprod_(0))
        seen("mvlgamma_", lambda y: y.add_(2).mvlgamma_(2))
        seen("renorm_", lambda y: y.view(2, 3).renorm_(2, 0, 0.5), 6)
        seen("polygamma_", lambda y: y.polygamma_(1))
        for name in ("silu", "elu", "celu", "mish", "hardswish", "leaky_relu"):
            seen(name, lambda y, name=name: getattr(torch.nn.functional, name)(y, inplace=True))
        # The result is read: that of a view belongs to its base.
        for name in ("tanh_", "sigmoid_", "exp_", "sqrt_", "reciprocal_"):
            seen(f"{name} of a view", lambda y, name=name: getattr(y[1:], name)())
            seen(f"{name} of a view, then more", lambda y, name=name: getattr(y[1:], name)().mul_(y[0]))
        # Operands that change along with the tensor.
        seen("copy_ itself", lambda y: y.copy_(y))
        seen("copy_ itself, which was read", lambda y: (y * y, y.copy_(y))[0])
        see("copy_ of a leaf to itself", lambda: (x := torch.ones(2, requires_grad=True)).copy_(x))
        seen("add_ itself", lambda y: y.add_(y))
        seen("mul_ itself", lambda y: y.mul_(y))
        seen("mul_ its detached self", lambda y: y.mul_(y.detach()))
        seen("mul_ its data", lambda y: y.mul_(y.data))
        seen("mul_ a view of itself", lambda y: y.mul_(y.view(3)))
        seen("mul_ one of its elements", lambda y: y[1:].mul_(y[0]))
        seen("div_ its detached self", lambda y: y.div_(y.detach()))
        seen("pow_ itself", lambda y: y.pow_(y))
        seen("atan2_ itself", lambda y: y.atan2_(y))
        seen("xlogy_ itself", lambda y: y.xlogy_(y))
        seen("addcmul_ itself", lambda y: y.addcmul_(y, y))
        seen("addcdiv_ itself below", lambda y: y.addcdiv_(y + 1, y))
        seen("addmm_ views of itself", lambda y: y.view(2, 2).addmm_(y.view(2, 2), y.view(2, 2)), 4)
        seen(
            "baddbmm_ copies of itself", lambda y: y.view(1, 2, 2).baddbmm_(y.view(1, 2, 2) * 1, y.view(1, 2, 2) * 1), 4
        )

    agree(program)


def test_pack_hooks_see_operands_before_a_write_and_results_after_it(agree):
    def program(torch, see):
        def run(f):
            packed = []
            x = torch.tensor([0.5, 2.0], requires_grad=True)
            with torch.autograd.graph.saved_tensors_hooks(
                lambda t: packed.append(t.tolist()) or t.clone(), lambda t: t
            ):
                y = x * 1
                packed.clear()
                f(y)
            y.sum().backward()
            return packed, x.grad

        see("itself", lambda: run(lambda y: y.mul_(y)))
        see("old value", lambda: run(lambda y: y.sin_()))
        see("result", lambda: run(lambda y: y.exp_()))

    agree(program)


def test_views_of_several_outputs_and_of_no_grad(agree):
    def program(torch, see):
        def base():
            return torch.ones(2, 3, requires_grad=True) * 1

        def views_in(mode, f):
            y = base()
            with mode():
                v = f(y)
            return v

        see("unbind", lambda: base().unbind()[0].add_(1))
        see("split", lambda: base().split(1)[0].add_(1))
        see("chunk", lambda: base().chunk(2)[1].add_(1))
        see("unbind, view of it", lambda: base().unbind()[0][1:].add_(1))
        see("unbind, base changed, read", lambda: (lambda y: (lambda v: (y.add_(1), v.grad_fn))(y.unbind()[0]))(base()))
        see("unbind, base changed, used", lambda: (lambda y: (lambda v: (y.add_(1), v * 2))(y.unbind()[0]))(base()))
        see("no_grad view", lambda: views_in(torch.no_grad, lambda y: y[0]).add_(1))
        see("no_grad unbind", lambda: views_in(torch.no_grad, lambda y: y.unbind()[0]).add_(1))
        see("no_grad view times grad", lambda: views_in(torch.no_grad, lambda y: y[0]).mul_(base()[0]))
        see("no_grad view, read", lambda: views_in(torch.no_grad, lambda y: y[0]))
        see("no_grad view of plain", lambda: _plain_view(torch))
        see("inference view", lambda: views_in(torch.inference_mode, lambda y: y[0]).add_(1))
        see("no_grad view, base changed", lambda: _base_changed(torch, torch.no_grad))
        see("no_grad view changed in no_grad", lambda: _changed_in_no_grad(torch))
        see("detached unbind", lambda: base().detach().unbind()[0].add_(1))

        class View(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.view(-1)

            @staticmethod
            def backward(ctx, g):
                return g.view(2, 3)

        class Two(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x[0], x[1]

            @staticmethod
            def backward(ctx, a, b):
                return torch.stack([a, b])

        class Same(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x

            @staticmethod
            def backward(ctx, g):
                return g

        see("function view", lambda: View.apply(base()).add_(1))
        see("function view used", lambda: View.apply(base()) * 2)
        see("function views", lambda: Two.apply(base())[0].add_(1))
        see("function identity", lambda: Same.apply(base()).add_(1))
        see("function view in no_grad mode", lambda: views_in(torch.no_grad, View.apply).add_(1))
        see("function view of leaf", lambda: View.apply(torch.ones(2, 3, requires_grad=True)).add_(1))

    def _plain_view(torch):
        t = torch.ones(2, 3)
        with torch.no_grad():
            v = t[0]
        v.mul_(torch.ones(3, requires_grad=True))
        return t, v

    def _base_changed(torch, mode):
        y = torch.ones(2, 3, requires_grad=True) * 1
        with mode():
            v = y[0]
        y.mul_(2)
        return v, v.grad_fn

    def _changed_in_no_grad(torch):
        x = torch.ones(2, 3, requires_grad=True)
        y = x * 1
        with torch.no_grad():
            y[0].mul_(5)
        y.sum().backward()
        return y, y._version, x.grad

    agree(program)


def test_saved_tensors_changed_in_place(agree):
    def program(torch, see):
        def run(f):
            x = torch.tensor([[0.5, 1.0], [1.5, 2.0]], requires_grad=True)
            y = x * 2
            out = f(y)
            out.sum().backward()
            return x.grad

        def spoil(op, change=lambda y, z: y.add_(1)):
            def f(y):
                z = op(y)
                change(y, z)
                return z

            return lambda: run(f)

        see("square", spoil(lambda y: y * y))
        see("pow", spoil(lambda y: y**3))
        see("exp input", spoil(lambda y: y.exp()))
        see("exp output", spoil(lambda y: y.exp(), lambda y, z: z.add_(1)))
        see("tanh output", spoil(lambda y: y.tanh(), lambda y, z: z.mul_(1)))
        see("sin", spoil(lambda y: y.sin()))
        see("mm", spoil(lambda y: y @ y))
        see("mm view", spoil(lambda y: y @ y.t(), lambda y, z: y[0].zero_()))
        see("sibling view", spoil(lambda y: y[0] * y[0], lambda y, z: y[1].zero_()))
        see("in no_grad", spoil(lambda y: y * y, lambda y, z: _quietly(torch, y)))
        see("through data", spoil(lambda y: y * y, lambda y, z: y.data.zero_()))
        see("through detach", spoil(lambda y: y * y, lambda y, z: y.detach().zero_()))
        see("sum", spoil(lambda y: y.sum(0)))
        see("relu", spoil(lambda y: y.relu()))
        see("relu output", spoil(lambda y: y.relu(), lambda y, z: z.add_(1)))
        see("sigmoid output", spoil(lambda y: y.sigmoid(), lambda y, z: z[0].zero_()))
        see("softmax output", spoil(lambda y: y.softmax(1), lambda y, z: z.zero_()))
        see("div", spoil(lambda y: 1 / y))
        see("where", spoil(lambda y: torch.where(y > 1, y, y * y)))
        see("max", spoil(lambda y: y.max(1)[0]))
        see("prod", spoil(lambda y: y.prod()))
        see("norm", spoil(lambda y: y.norm()))
        see("cat", spoil(lambda y: torch.cat([y, y])))
        see("matmul with constant", spoil(lambda y: y @ torch.ones(2, 2)))
        see("constant changed", lambda: _constant(torch))
        see("clone protects", spoil(lambda y: y.clone() ** 2))
        see("leaf changed in no_grad", lambda: _leaf_changed(torch))
        see("double in", spoil(lambda y: y.double() ** 2))
        see("log_softmax", spoil(lambda y: y.log_softmax(-1), lambda y, z: z.add_(1)))
        see("int index", lambda: _index(torch))
        see("layer_norm", spoil(lambda y: torch.nn.functional.layer_norm(y, (2,))))
        see("anomaly", lambda: _anomaly(torch))

    def _quietly(torch, y):
        with torch.no_grad():
            y.zero_()

    def _constant(torch):
        x = torch.ones(2, 2, requires_grad=True)
        c = torch.ones(2, 2)
        y = x * c
        c.add_(1)
        y.sum().backward()

    def _leaf_changed(torch):
        x = torch.ones(2, requires_grad=True)
        y = x * x
        with torch.no_grad():
            x.add_(1)
        y.sum().backward()

    def _index(torch):
        x = torch.ones(2, 2, requires_grad=True)
        i = torch.tensor([0])
        y = x[i]
        i.add_(1)
        y.sum().backward()

    def _anomaly(torch):
        x = torch.ones(2, requires_grad=True)
        with torch.autograd.set_detect_anomaly(True, check_nan=False):
            y = x.exp()
            y.add_(1)
            y.sum().backward()

    agree(program)


def test_versions(agree):
    def program(torch, see):
        def versions(f):
            t = torch.ones(2, 2)
            v = t[0]
            f(t)
            return t._version, v._version

        see("none", lambda: versions(lambda t: None))
        see("add_", lambda: versions(lambda t: t.add_(1)))
        see("index", lambda: versions(lambda t: t.__setitem__(0, 1)))
        see("mask", lambda: versions(lambda t: t.__setitem__(t > 0, 1)))
        see("view", lambda: versions(lambda t: t[1].add_(1)))
        see("detach", lambda: versions(lambda t: t.detach().add_(1)))
        see("data", lambda: versions(lambda t: t.data.add_(1)))
        see("out", lambda: versions(lambda t: torch.add(t, 1, out=t)))
        see("copy_", lambda: versions(lambda t: t.copy_(torch.ones(2))))
        see("zero_", lambda: versions(lambda t: t.zero_()))
        see("requires_grad_", lambda: versions(lambda t: t.requires_grad_()))
        see("numpy", lambda: versions(lambda t: t.numpy().__setitem__(0, 1)))
        see("t_", lambda: versions(lambda t: t.t_()))
        see("uniform_", lambda: versions(lambda t: t.uniform_()))
        see("clone", lambda: versions(lambda t: t.clone().add_(1)))
        see("iadd", lambda: versions(lambda t: t.__iadd__(1)))
        see("fill diagonal", lambda: versions(lambda t: t.fill_diagonal_(0)))
        see("backward", lambda: versions(lambda t: None))
        see("sort out", lambda: versions(lambda t: torch.sort(t, out=(t, torch.zeros(2, 2, dtype=torch.int64)))))
        see("fill_", lambda: versions(lambda t: t.fill_(0)))
        see("relu_", lambda: versions(lambda t: t.relu_()))
        see("dropout", lambda: versions(lambda t: torch.nn.functional.dropout(t, 0.5, True, inplace=True)))
        see("resize_", lambda: versions(lambda t: t.resize_(1)))

    agree(program)
