"""`backward`, `grad` and the grad modes against torch: results, error classes, first lines."""

import pytest


def test_arguments_of_backward(agree):
    def program(torch, see):
        def leaf(*values):
            return torch.tensor(values, dtype=torch.float64, requires_grad=True)

        def grads_after(*args, **kwargs):
            x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
            z = x * y
            (args[0](z, x, y) if args else z.sum().backward(**kwargs))
            return x.grad, y.grad

        see("plain", lambda: grads_after())
        see("no scalar", lambda: grads_after(lambda z, x, y: z.backward()))
        see("gradient", lambda: grads_after(lambda z, x, y: z.backward(torch.ones(2, dtype=torch.float64))))
        see("gradient of another dtype", lambda: grads_after(lambda z, x, y: z.backward(torch.ones(2))))
        see("gradient of int", lambda: grads_after(lambda z, x, y: z.backward(torch.ones(2, dtype=torch.int64))))
        see("gradient complex", lambda: grads_after(lambda z, x, y: z.backward(torch.ones(2, dtype=torch.complex64))))
        see("gradient of wrong shape", lambda: grads_after(lambda z, x, y: z.backward(torch.ones(3))))
        see("gradient broadcast", lambda: grads_after(lambda z, x, y: z.backward(torch.ones(1))))
        see("gradient of wrong rank", lambda: grads_after(lambda z, x, y: z.backward(torch.ones(1, 2))))
        see("gradient a number", lambda: grads_after(lambda z, x, y: z.backward(1.0)))
        see("gradient a string", lambda: grads_after(lambda z, x, y: z.sum().backward("a")))
        see("inputs", lambda: grads_after(lambda z, x, y: z.sum().backward(inputs=[x])))
        see("inputs a tensor", lambda: grads_after(lambda z, x, y: z.sum().backward(inputs=y)))
        see("inputs empty", lambda: grads_after(lambda z, x, y: z.sum().backward(inputs=[])))
        see("inputs number", lambda: grads_after(lambda z, x, y: z.sum().backward(inputs=[1])))
        see("inputs without grad", lambda: grads_after(lambda z, x, y: z.sum().backward(inputs=[torch.ones(1)])))
        see("inputs unused", lambda: grads_after(lambda z, x, y: z.sum().backward(inputs=[leaf(1.0)])))
        see("inputs twice", lambda: grads_after(lambda z, x, y: z.sum().backward(inputs=[x, x])))
        see("two roots", lambda: grads_after(lambda z, x, y: torch.autograd.backward([z.sum(), x.sum()])))
        see("more gradients than roots", lambda: grads_after(lambda z, x, y: torch.autograd.backward([z], [x, y])))
        see("inputs a string", lambda: grads_after(lambda z, x, y: z.sum().backward(inputs="x")))
        see("gradient on meta", lambda: grads_after(lambda z, x, y: z.backward(x.detach().to("meta"))))
        see("scalar gradient on meta", lambda: grads_after(lambda z, x, y: z.sum().backward(x[0].to("meta"))))
        see("scalar gradient for meta", lambda: leaf(1.0).to("meta").sum().backward(torch.ones(())))
        see(
            "softmax's gradient on meta",
            lambda: grads_after(lambda z, x, y: z.softmax(0).backward(x.detach().to("meta"))),
        )
        see("two roots one gradient", lambda: grads_after(lambda z, x, y: torch.autograd.backward([z, x], [z])))
        see("roots with None", lambda: grads_after(lambda z, x, y: torch.autograd.backward([z.sum(), x], [None, y])))
        see("grad_variables", lambda: grads_after(lambda z, x, y: torch.autograd.backward([z], grad_variables=[x])))
        see("both", lambda: grads_after(lambda z, x, y: torch.autograd.backward([z], [x], grad_variables=[x])))
        see("not a tensor", lambda: torch.autograd.backward(3))
        see("list of numbers", lambda: torch.autograd.backward([3]))
        see("empty list", lambda: torch.autograd.backward([]))
        see("no grad at all", lambda: torch.ones(1).backward())
        see("no grad, vector", lambda: torch.ones(2).backward())
        see("a leaf", lambda: leaf(1.0).backward())
        see(
            "grad_fn missing of one",
            lambda: grads_after(lambda z, x, y: torch.autograd.backward([z.sum(), torch.ones(1)])),
        )

        def twice(**kwargs):
            x = leaf(2.0)
            y = x**2
            y.backward(**kwargs)
            y.backward()
            return x.grad

        see("twice", lambda: twice())
        see("twice retained", lambda: twice(retain_graph=True))
        see("twice create_graph", lambda: twice(create_graph=True))
        see("twice create_graph not retained", lambda: twice(create_graph=True, retain_graph=False))

        def sum_twice():
            x = leaf(2.0)
            y = x.sum()
            y.backward()
            y.backward()
            return x.grad

        see("twice through a node that saves nothing", sum_twice)

        def nonleaf():
            x = leaf(2.0)
            y = x * 2
            y.sum().backward()
            return y.grad

        see("grad of a non-leaf", nonleaf)

        def inputs_nonleaf():
            x = leaf(2.0)
            y = x * 2
            (y * y).sum().backward(inputs=[y])
            return x.grad, y.grad

        see("inputs not a leaf", inputs_nonleaf)

    agree(program)


def test_arguments_of_grad(agree):
    def program(torch, see):
        grad = torch.autograd.grad

        def leaf(*values):
            return torch.tensor(values, dtype=torch.float64, requires_grad=True)

        x, y, u = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0)
        z = x * x * y
        s = z.sum()
        see("plain", lambda: grad(s, x, retain_graph=True))
        see("list", lambda: grad([s], [x, y], retain_graph=True))
        see("dict", lambda: grad(s, {"a": x, "b": y}, retain_graph=True))
        see("unused", lambda: grad(s, [x, u], retain_graph=True))
        see("unused allowed", lambda: grad(s, [x, u], retain_graph=True, allow_unused=True))
        see("materialized", lambda: grad(s, [x, u], retain_graph=True, materialize_grads=True))
        see("materialized with graph", lambda: grad(s, [x, u], create_graph=True, materialize_grads=True))
        see("contradiction", lambda: grad(s, [x, u], allow_unused=False, materialize_grads=True))
        see("no inputs", lambda: grad(s, []))
        see("no outputs", lambda: grad([], [x]))
        see("number as input", lambda: grad(s, [1.0]))
        see("input without grad", lambda: grad(s, [torch.ones(1)]))
        see("input without grad, unused allowed", lambda: grad(s, [torch.ones(1)], allow_unused=True))
        see("output without grad", lambda: grad(torch.ones(1), [x]))
        see("output itself", lambda: grad(s, [s], retain_graph=True))
        see("leaf itself", lambda: grad(u, [u]))
        see("intermediate", lambda: grad(s, [z], retain_graph=True))
        see("several of a chain", lambda: grad(s, [z, x, s], retain_graph=True))
        see("vector", lambda: grad(z, [x]))
        see("grad_outputs", lambda: grad(z, [x], torch.ones(2, dtype=torch.float64), retain_graph=True))
        see("grad_outputs list", lambda: grad([z], [x], [y], retain_graph=True))
        see("grad_outputs None", lambda: grad([s, z], [x], [None, y], retain_graph=True))
        see("grad_outputs too few", lambda: grad([s, z], [x], [None], retain_graph=True))
        see("grad_outputs wrong shape", lambda: grad([z], [x], [torch.ones(3)], retain_graph=True))
        see("grad_outputs wrong type", lambda: grad([z], [x], [1.0], retain_graph=True))
        see(
            "batched",
            lambda: grad([z], [x], [torch.eye(2, dtype=torch.float64)], is_grads_batched=True, retain_graph=True),
        )
        see("only_inputs", lambda: grad(s, [x], only_inputs=False, retain_graph=True))
        see("same input twice", lambda: grad(s, [x, x], retain_graph=True))
        see("untouched", lambda: (x.grad, y.grad))
        see("freed", lambda: (grad(s, [x]), grad(s, [x])))

        a = leaf(0.7)
        first = grad(a.sin().exp(), a, create_graph=True)[0]
        second = grad(first, a, create_graph=True)[0]
        third = grad(second, a, create_graph=True)[0]
        see("orders", lambda: (first, second, third, grad(third, a)[0]))
        b = leaf(0.7)
        plain = grad(b**3, b)[0]
        see("first without graph", plain)
        see("second of one without graph", lambda: grad(plain, b))

        w = leaf(2.0)
        unused_kept = grad(w * 3, w, create_graph=True)[0]
        see("constant derivative", unused_kept)
        see("derivative of a constant derivative", lambda: grad(unused_kept, w))
        v = torch.tensor([1 + 2j], requires_grad=True)
        see("complex output", lambda: grad(v * v, v))
        see("complex with gradient", lambda: grad(v * v, v, torch.tensor([1 + 0j])))
        see("complex real gradient", lambda: grad(v * v, v, torch.tensor([1.0])))
        see("abs of complex", lambda: grad(v.abs(), v))

    agree(program)


def test_accumulation(agree):
    def program(torch, see):
        def layout(t):
            return t.stride(), t.grad.stride()

        x = torch.ones(2, 3, requires_grad=True)
        x.t().contiguous().sum().backward()
        see("layout of the leaf", lambda: layout(x))
        y = torch.ones(3, 2).t().requires_grad_()
        (y * torch.ones(2, 3)).sum().backward()
        see("layout of a transposed leaf", lambda: layout(y))
        g = torch.ones(2, 3)
        z = torch.ones(2, 3, requires_grad=True)
        z.backward(g)
        see("a given gradient is copied", lambda: z.grad.data_ptr() == g.data_ptr())
        old = z.grad
        z.backward(g)
        see("added in place", lambda: (z.grad is old, old))
        w = torch.ones(2, requires_grad=True)
        w.grad = torch.ones(2)
        kept = w.grad
        (w * w).sum().backward(create_graph=True)
        see("not in place with a graph", lambda: (w.grad is kept, kept, w.grad))
        e = torch.ones(3, requires_grad=True)
        e.expand(2, 3).sum().backward()
        see("expanded", e.grad)
        a = torch.ones(2, requires_grad=True)
        b = torch.ones(2, requires_grad=True)
        (a + b).sum().backward()
        a.grad.add_(1)
        see("gradients share no memory", lambda: (a.grad, b.grad))
        m = torch.ones(2, requires_grad=True)
        m.grad = torch.zeros(2, requires_grad=True)
        see("grad that requires grad", lambda: ((m * 2).sum().backward(), m.grad))

        def assign(value):
            p = torch.ones(2, requires_grad=True)
            p.grad = value() if callable(value) else value
            return p.grad

        see("assign", lambda: assign(torch.ones(2)))
        see("assign None", lambda: assign(None))
        see("assign wrong shape", lambda: assign(torch.ones(3)))
        see("assign wrong dtype", lambda: assign(torch.ones(2, dtype=torch.float64)))
        see("assign number", lambda: assign(1.0))
        see("assign itself", lambda: (lambda p: setattr(p, "grad", p))(torch.ones(2, requires_grad=True)))
        see("assign meta", lambda: assign(torch.ones(2, device="meta")))

        def replaced(grad, data):
            p = torch.nn.Parameter(torch.ones(5))
            p.grad = grad
            p.data = data
            p.sum().backward()
            return p.grad

        see("data of fewer elements", lambda: replaced(torch.ones(5), torch.ones(3)))
        see("data of more dims", lambda: replaced(torch.ones(5), torch.ones(2, 3)))
        see("data that broadcasts", lambda: replaced(torch.ones(5), torch.ones(1)))
        see("data of another dtype", lambda: replaced(torch.ones(5), torch.ones(5, dtype=torch.float64)))
        see("data of half", lambda: replaced(torch.ones(5), torch.ones(5, dtype=torch.float16)))
        see("data on meta", lambda: replaced(torch.ones(5), torch.ones(5, device="meta")))
        see("grad in one place", lambda: replaced(torch.ones(1).expand(5), torch.ones(5)))

        def data_after_the_call():
            p = torch.ones(2, requires_grad=True)
            y = p * 2
            p.data = torch.ones(3)
            y.sum().backward()
            return p.grad

        see("data after the call", data_after_the_call)

        def delete():
            p = torch.ones(2, requires_grad=True)
            p.sum().backward()
            del p.grad
            return p.grad

        see("delete", delete)

    agree(program)


def test_grad_modes(agree):
    def program(torch, see):
        x = torch.ones(2, requires_grad=True)

        @torch.no_grad()
        def f():
            return torch.is_grad_enabled()

        @torch.no_grad
        def g():
            return torch.is_grad_enabled()

        @torch.enable_grad()
        def h():
            return torch.is_grad_enabled()

        @torch.inference_mode()
        def i():
            return torch.is_inference_mode_enabled(), torch.is_grad_enabled(), (x * 2).is_inference()

        @torch.inference_mode
        def j():
            return torch.is_inference_mode_enabled()

        @torch.inference_mode(False)
        def k():
            return torch.is_inference_mode_enabled()

        @torch.set_grad_enabled(False)
        def n():
            return torch.is_grad_enabled()

        see("functions", lambda: [t() for t in (f, g, h, i, j, k, n)] + [torch.is_grad_enabled()])
        see("names", lambda: [t.__name__ for t in (f, g, h)])

        @torch.no_grad()
        def numbers():
            seen = []
            seen.append(torch.is_grad_enabled())
            got = yield 1
            seen.append((torch.is_grad_enabled(), got))
            try:
                yield 2
            except KeyError:
                seen.append(("caught", torch.is_grad_enabled()))
            yield 3
            return seen

        def drive():
            out = []
            it = numbers()
            out += [next(it), torch.is_grad_enabled(), it.send("a"), torch.is_grad_enabled(), it.throw(KeyError())]
            try:
                next(it)
            except StopIteration as stop:
                out += stop.value
            return out

        see("generator", drive)

        def close():
            done = []

            @torch.enable_grad()
            def gen():
                try:
                    yield torch.is_grad_enabled()
                finally:
                    done.append(torch.is_grad_enabled())

            with torch.no_grad():
                it = gen()
                done.append(next(it))
                it.close()
            return done

        see("closed generator", close)

        def on_class():
            @torch.no_grad()
            class C:
                def __init__(self):
                    self.mode = torch.is_grad_enabled()

                def later(self):
                    return torch.is_grad_enabled()

            c = C()
            return c.mode, c.later()

        see("class", on_class)

        def raises():
            try:
                with torch.no_grad():
                    raise KeyError
            except KeyError:
                return torch.is_grad_enabled()

        see("exception", raises)

        def nested():
            out = []
            with torch.no_grad():
                out.append(torch.is_grad_enabled())
                with torch.enable_grad():
                    out.append(torch.is_grad_enabled())
                    with torch.set_grad_enabled(False):
                        out.append(torch.is_grad_enabled())
                    out.append(torch.is_grad_enabled())
                out.append(torch.is_grad_enabled())
                with torch.inference_mode():
                    with torch.enable_grad():
                        out += [torch.is_grad_enabled(), (x * 2).requires_grad]
                    with torch.inference_mode(False):
                        out += [torch.is_grad_enabled(), torch.is_inference_mode_enabled()]
            return out

        see("nested", nested)

        def called():
            before = torch.is_grad_enabled()
            torch.set_grad_enabled(False)
            off = torch.is_grad_enabled()
            torch.set_grad_enabled(True)
            return before, off, torch.is_grad_enabled()

        see("called", called)
        see(
            "clones",
            lambda: [
                type(t.clone()).__name__
                for t in (torch.no_grad(), torch.set_grad_enabled(True), torch.inference_mode())
            ],
        )
        see("no argument", lambda: torch.set_grad_enabled())
        see("bad argument", lambda: torch.set_grad_enabled("a"))
        see("after", torch.is_grad_enabled())

        with torch.inference_mode():
            t = torch.ones(2)
            v = x.view(2)
            y = x * 2
        see("inference tensor", lambda: (t.is_inference(), v.is_inference(), y.is_inference(), y.requires_grad, v))
        see("inference requires_grad_", lambda: t.requires_grad_())
        see("inference in place outside", lambda: torch.ones_like(t).add_(t).requires_grad_())
        see("inference saved", lambda: x * t)
        see("inference not saved", lambda: x + t)
        see("inference version", lambda: t._version)
        see("inference in place inside", lambda: _inside(torch, t))
        see("inference view outside", lambda: t.view(2).is_inference())
        see("inference clone", lambda: (t.clone().is_inference(), t.clone().requires_grad_()))
        see("inference backward", lambda: _backward_inside(torch))
        see("normal in place inside", lambda: _normal_inside(torch))
        see("inference detach", lambda: t.detach().is_inference())
        see("inference out=", lambda: torch.add(torch.ones(2), 1, out=t))
        see("inference grad_fn", lambda: (y.grad_fn, y.is_leaf))
        see("set_ of inference", lambda: t.requires_grad_(False))
        see("inference .data", lambda: t.data.is_inference())
        see("deepcopy", lambda: __import__("copy").deepcopy(t).is_inference())

    def _inside(torch, t):
        with torch.inference_mode():
            return t.add_(1)

    def _backward_inside(torch):
        x = torch.ones(2, requires_grad=True)
        with torch.inference_mode():
            (x * 2).sum().backward()

    def _normal_inside(torch):
        a = torch.ones(2)
        b = torch.ones(2, requires_grad=True) * 1
        with torch.inference_mode():
            a.add_(1)
            b.mul_(2)
        return a, a._version, b, b._version, b.grad_fn.name()

    agree(program)


def test_detach_and_requires_grad(agree):
    def program(torch, see):
        x = torch.ones(2, requires_grad=True)
        y = x * 2
        see("detach", lambda: y.detach())
        see("detach shares", lambda: (y.detach().data_ptr() == y.data_ptr(), y.detach()._base, y.detach()._is_view()))
        see("versions of detach", lambda: (lambda d: (d.add_(1), y._version, d._version))(y.detach()))
        see("versions of data", lambda: (lambda d: (d.add_(1), y._version, d._version))(y.data))
        see("detach_", lambda: (lambda t: (t.detach_() is t, t, t.grad_fn))(x * 2))
        see("detach_ of a view", lambda: (x * 2).view(2).detach_())
        see("detach_ of a leaf", lambda: torch.ones(2, requires_grad=True).detach_())
        see("requires_grad of int", lambda: torch.ones(2, dtype=torch.int64).requires_grad_())
        see("requires_grad false of int", lambda: torch.ones(2, dtype=torch.int64).requires_grad_(False))
        see("requires_grad set of int", lambda: setattr(torch.ones(2, dtype=torch.int64), "requires_grad", True))
        see("requires_grad argument of int", lambda: torch.ones(2, dtype=torch.int64, requires_grad=True))
        see("tensor of int", lambda: torch.tensor([1], requires_grad=True))
        see("non-leaf off", lambda: setattr(x * 2, "requires_grad", False))
        see("non-leaf off by method", lambda: (x * 2).requires_grad_(False))
        see("non-leaf on", lambda: (x * 2).requires_grad_())
        see("bad value", lambda: setattr(x, "requires_grad", 3))
        see("bad argument", lambda: torch.ones(1).requires_grad_("a"))
        see("keeps identity", lambda: (lambda t: t.requires_grad_() is t)(torch.ones(1)))
        see("retain_grad leaf", lambda: (x.retain_grad(), x.retains_grad))
        see("retain_grad none", lambda: torch.ones(1).retain_grad())

        def retained():
            a = torch.ones(2, requires_grad=True)
            b = a * 2
            b.retain_grad()
            b.retain_grad()
            c = b * 3
            c.sum().backward(retain_graph=True)
            first = b.grad.clone()
            c.sum().backward()
            return b.retains_grad, first, b.grad

        see("retained", retained)

        def retained_in_place():
            a = torch.ones(2, requires_grad=True)
            b = a * 2
            b.retain_grad()
            b.mul_(5)
            b.sum().backward()
            return b.grad, a.grad

        see("retained and changed in place", retained_in_place)

        def retained_with_hook():
            a = torch.ones(2, requires_grad=True)
            b = a * 2
            b.retain_grad()
            b.register_hook(lambda g: g * 10)
            b.sum().backward()
            return b.grad, a.grad

        see("retained sees hooks", retained_with_hook)
        see("data assignment", lambda: _data(torch))
        see("data wrong type", lambda: setattr(torch.ones(2), "data", 3))
        see("data of another dtype", lambda: _data_dtype(torch))
        see("requires_grad of views", lambda: (x[0].requires_grad, x.detach()[0].requires_grad, x[0].is_leaf))
        see("numpy", lambda: x.numpy())
        see("numpy forced", lambda: x.numpy(force=True).tolist())
        see("deepcopy of a non-leaf", lambda: __import__("copy").deepcopy(x * 2))
        see("tensor of tensor", lambda: torch.tensor(x))
        see("as_tensor", lambda: torch.as_tensor(x) is x)
        see("bool of a vector", lambda: bool(x))
        see("grad of a non-leaf warns", lambda: y.grad)
        see("output_nr", lambda: [t.output_nr for t in torch.ones(2, 2, requires_grad=True).unbind()])

    def _data(torch):
        t = torch.ones(2, requires_grad=True)
        v = t._version
        t.data = torch.zeros(3)
        return t, t._version - v

    def _data_dtype(torch):
        t = torch.ones(2, requires_grad=True)
        t.data = torch.zeros(3, dtype=torch.float64)
        return t

    agree(program)


@pytest.mark.parametrize("name", ["no_grad", "enable_grad", "inference_mode", "set_grad_enabled"])
def test_modes_are_their_own_in_each_thread(name, agree):
    def program(torch, see):
        import threading

        seen = []
        mode = getattr(torch, name)
        context = mode(False) if name == "set_grad_enabled" else mode()
        with context:
            thread = threading.Thread(
                target=lambda: seen.append((torch.is_grad_enabled(), torch.is_inference_mode_enabled()))
            )
            thread.start()
            thread.join()
        see("in another thread", seen)

    agree(program)
