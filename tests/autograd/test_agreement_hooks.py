"""Hooks of tensors, leaves and nodes, saved-tensor hooks and the graph's attributes against torch."""

import pytest


def test_tensor_hooks(agree):
    def program(torch, see):
        def leaf(*values):
            return torch.tensor(values or (1.0, 2.0), dtype=torch.float64, requires_grad=True)

        def run(*hooks, on="leaf", change=None):
            order = []
            x = leaf()
            y = x * 3
            target = x if on == "leaf" else y
            handles = [target.register_hook(h(order)) for h in hooks]
            if change:
                change(x, y, handles)
            (y * y).sum().backward()
            return order, x.grad

        def note(name, result=lambda g: None):
            def make(order):
                def hook(g):
                    order.append((name, g.clone()))
                    return result(g)

                return hook

            return make

        see("leaf", lambda: run(note("a")))
        see("non-leaf", lambda: run(note("a"), on="y"))
        see("order", lambda: run(note("a"), note("b"), note("c")))
        see("replace", lambda: run(note("a", lambda g: g * 2), note("b", lambda g: g + 1)))
        see("replace non-leaf", lambda: run(note("a", lambda g: g * 2), note("b", lambda g: g + 1), on="y"))
        see("removed", lambda: run(note("a"), note("b"), change=lambda x, y, h: h[0].remove()))
        see("removed twice", lambda: run(note("a"), change=lambda x, y, h: (h[0].remove(), h[0].remove())))
        see("removed non-leaf", lambda: run(note("a"), note("b"), on="y", change=lambda x, y, h: h[1].remove()))
        see("wrong result", lambda: run(note("a", lambda g: 3)))
        see("wrong shape", lambda: run(note("a", lambda g: g.sum())))
        see("wrong dtype", lambda: run(note("a", lambda g: g.float())))
        see("other device", lambda: run(note("a", lambda g: g.to("meta"))))
        see("integer result", lambda: run(note("a", lambda g: g.long())))
        see("raises", lambda: run(note("a", lambda g: 1 // 0)))
        see("registers none", lambda: torch.ones(1).register_hook(lambda g: g))
        see("in place", lambda: run(note("a"), on="y", change=lambda x, y, h: y.mul_(2)))
        see("after in place", lambda: _after_in_place(torch, leaf))
        see("with inputs", lambda: _with_inputs(torch, leaf))
        see("grad captured after hooks", lambda: _captured(torch, leaf))
        see("as context", lambda: _as_context(torch, leaf))
        see("hook adds a hook", lambda: _adds(torch, leaf))
        see("hook removes itself", lambda: _removes(torch, leaf))
        see("accumulates twice", lambda: _shared(torch, leaf))
        see("retain_grad and hooks", lambda: _retain(torch, leaf))
        see("create_graph", lambda: _create_graph(torch, leaf))

    def _after_in_place(torch, leaf):
        seen = []
        x = leaf()
        y = x * 3
        y.register_hook(lambda g: seen.append(("before", g.clone())))
        y.mul_(2)
        y.register_hook(lambda g: seen.append(("after", g.clone())))
        y.sum().backward()
        return seen, x.grad

    def _with_inputs(torch, leaf):
        seen = []
        x = leaf()
        y = x * 3
        y.register_hook(lambda g: seen.append(g.clone()))
        x.register_hook(lambda g: seen.append(g.clone()))
        return torch.autograd.grad((y * y).sum(), y), seen

    def _captured(torch, leaf):
        x = leaf()
        y = x * 3
        y.register_hook(lambda g: g * 100)
        x.register_hook(lambda g: g * 10)
        return torch.autograd.grad((y * y).sum(), [x, y])

    def _as_context(torch, leaf):
        seen = []
        x = leaf()
        with x.register_hook(lambda g: seen.append(1)):
            x.sum().backward()
        x.sum().backward()
        return seen

    def _adds(torch, leaf):
        seen = []
        x = leaf()

        def hook(g):
            seen.append("first")
            x.register_hook(lambda g: seen.append("second"))

        x.register_hook(hook)
        x.sum().backward()
        x.sum().backward()
        return seen

    def _removes(torch, leaf):
        seen = []
        x = leaf()
        handle = x.register_hook(lambda g: (seen.append(1), handle.remove())[1])
        x.sum().backward()
        x.sum().backward()
        return seen

    def _shared(torch, leaf):
        seen = []
        x = leaf()
        x.register_hook(lambda g: seen.append(g.clone()))
        (x * 2 + x * 3).sum().backward()
        return seen

    def _retain(torch, leaf):
        x = leaf()
        y = x * 3
        y.register_hook(lambda g: g * 2)
        y.retain_grad()
        y.register_hook(lambda g: g * 5)
        y.sum().backward()
        return y.grad, x.grad

    def _create_graph(torch, leaf):
        x = leaf()
        y = x**3
        y.register_hook(lambda g: g * x)
        (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        return g, torch.autograd.grad(g.sum(), x)

    agree(program)


def test_post_accumulate_hooks(agree):
    def program(torch, see):
        def leaf():
            return torch.tensor([1.0, 2.0], requires_grad=True)

        def run(*hooks, backward=lambda y: y.backward(), more=None):
            seen = []
            x = leaf()
            handles = [x.register_post_accumulate_grad_hook(lambda p, h=h: h(p, seen)) for h in hooks]
            if more:
                more(x, handles, seen)
            backward((x * 2).sum())
            return seen, x.grad

        see("sees the grad", lambda: run(lambda p, seen: seen.append(p.grad.clone())))
        see("may clear it", lambda: run(lambda p, seen: setattr(p, "grad", None)))
        see("order", lambda: run(lambda p, seen: seen.append(1), lambda p, seen: seen.append(2)))
        see("removed", lambda: run(lambda p, seen: seen.append(1), more=lambda x, h, seen: h[0].remove()))
        see("result", lambda: run(lambda p, seen: 3))
        see("raises", lambda: run(lambda p, seen: 1 // 0))
        see("in place", lambda: run(lambda p, seen: p.grad.mul_(5)))
        see(
            "after tensor hooks",
            lambda: run(
                lambda p, seen: seen.append(p.grad.clone()), more=lambda x, h, s: x.register_hook(lambda g: g * 10)
            ),
        )
        see("not for grad()", lambda: _grad(torch, leaf))
        see("non-leaf", lambda: (leaf() * 2).register_post_accumulate_grad_hook(lambda p: None))
        see("none", lambda: torch.ones(1).register_post_accumulate_grad_hook(lambda p: None))
        see("step inside", lambda: run(lambda p, seen: p.data.sub_(p.grad)))

    def _grad(torch, leaf):
        seen = []
        x = leaf()
        x.register_post_accumulate_grad_hook(lambda p: seen.append(1))
        return torch.autograd.grad((x * 2).sum(), x), seen

    agree(program)


def test_node_hooks(agree):
    def program(torch, see):
        def graph():
            x = torch.tensor([1.0, 2.0], requires_grad=True)
            w = torch.tensor([3.0, 4.0], requires_grad=True)
            y = x * w
            return x, w, y

        def run(register):
            seen = []
            x, w, y = graph()
            register(y.grad_fn, seen)
            y.sum().backward()
            return seen, x.grad, w.grad

        see("hook", lambda: run(lambda n, s: n.register_hook(lambda i, o: s.append((i, o)))))
        see("prehook", lambda: run(lambda n, s: n.register_prehook(lambda g: s.append(g))))
        see("hook replaces", lambda: run(lambda n, s: n.register_hook(lambda i, o: (i[0] * 2, i[1] * 3))))
        see("prehook replaces", lambda: run(lambda n, s: n.register_prehook(lambda g: (g[0] * 2,))))
        see("hook wrong count", lambda: run(lambda n, s: n.register_hook(lambda i, o: (i[0],))))
        see("prehook wrong count", lambda: run(lambda n, s: n.register_prehook(lambda g: (g[0], g[0]))))
        see("hook wrong type", lambda: run(lambda n, s: n.register_hook(lambda i, o: 3)))
        see("prehook wrong type", lambda: run(lambda n, s: n.register_prehook(lambda g: 3)))
        see("hook gives None", lambda: run(lambda n, s: n.register_hook(lambda i, o: (None, i[1]))))
        see(
            "order",
            lambda: run(
                lambda n, s: (
                    [n.register_hook(lambda i, o, k=k: s.append(k)) for k in range(3)]
                    and n.register_prehook(lambda g: s.append("pre"))
                )
            ),
        )
        see("removed", lambda: run(lambda n, s: n.register_hook(lambda i, o: s.append(1)).remove()))
        see("removed prehook", lambda: run(lambda n, s: n.register_prehook(lambda g: s.append(1)).remove()))
        see("accumulator", lambda: _accumulator(torch))
        see("multi grad all", lambda: _multi(torch, "all"))
        see("multi grad any", lambda: _multi(torch, "any"))
        see("multi grad wrong mode", lambda: _multi(torch, "some"))
        see("multi grad missing", lambda: _multi_missing(torch))

    def _accumulator(torch):
        seen = []
        x = torch.ones(2, requires_grad=True)
        node = x.view_as(x).grad_fn.next_functions[0][0]
        node.register_hook(lambda i, o: seen.append((i, o)))
        node.register_prehook(lambda g: seen.append(g))
        x.sum().backward()
        return node.name(), node.variable is x, seen

    def _multi(torch, mode):
        seen = []
        a, b, c = (torch.tensor(v, requires_grad=True) for v in (1.0, 2.0, 3.0))
        handle = torch.autograd.graph.register_multi_grad_hook((a, b, c), lambda g: seen.append(g), mode=mode)
        (a * b).sum().backward()
        (a * b * c).sum().backward()
        handle.remove()
        (a * b * c).sum().backward()
        return seen

    def _multi_missing(torch):
        seen = []
        a, b = torch.tensor(1.0, requires_grad=True), torch.tensor(2.0)
        torch.autograd.graph.register_multi_grad_hook((a, b), lambda g: seen.append(g))
        (a * b).backward()
        return seen

    agree(program)


def test_nodes(agree):
    def program(torch, see):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        w = torch.tensor([3.0, 4.0], requires_grad=True)
        c = torch.tensor([5.0, 6.0])
        y = x * w
        z = (y + c).sum()
        see("names", lambda: (y.grad_fn.name(), z.grad_fn.name(), type(y.grad_fn).__name__, x.grad_fn))
        see("edges", lambda: [(n.name(), i) for n, i in y.grad_fn.next_functions])
        see("edge to nothing", lambda: (y + c).grad_fn.next_functions[1])
        see("same object", lambda: y.grad_fn is y.grad_fn)
        see("leaf variable", lambda: y.grad_fn.next_functions[0][0].variable is x)
        see("no variable", lambda: y.grad_fn.variable)
        see("metadata", lambda: (y.grad_fn.metadata.update(a=1), y.grad_fn.metadata))
        see("saved", lambda: (y.grad_fn._saved_self, y.grad_fn._saved_other))
        see("saved result", lambda: x.exp().grad_fn._saved_result)
        see("saved missing", lambda: y.grad_fn._saved_nothing)
        see("saved of a constant", lambda: (x * c).grad_fn._saved_self)
        see("saved after free", lambda: _freed(torch))
        see("call", lambda: y.grad_fn(torch.ones(2)))
        see("repr", lambda: repr(y.grad_fn))
        see("edge of a leaf", lambda: _edge(torch, x))
        see("edge of a result", lambda: _edge(torch, x.unbind()[1]))
        see("edge without grad", lambda: torch.autograd.graph.get_gradient_edge(c))
        see("backward from an edge", lambda: _from_edge(torch))
        see("with respect to an edge", lambda: _to_edge(torch))
        see("unused edge", lambda: _unused_edge(torch))
        see("input metadata", lambda: [(m.shape, m.dtype) for m in y.grad_fn._input_metadata])
        see("sequence", lambda: y.grad_fn._sequence_nr() < z.grad_fn._sequence_nr())
        see("isinstance", lambda: isinstance(y.grad_fn, torch.autograd.graph.Node))

    def _freed(torch):
        x = torch.ones(2, requires_grad=True)
        y = x * x
        y.sum().backward()
        return y.grad_fn._saved_self

    def _edge(torch, t):
        edge = torch.autograd.graph.get_gradient_edge(t)
        return edge.node.name(), edge.output_nr

    def _from_edge(torch):
        x = torch.ones(2, requires_grad=True)
        edge = torch.autograd.graph.get_gradient_edge(x * 3)
        torch.autograd.backward(edge, torch.ones(2))
        return x.grad

    def _to_edge(torch):
        x = torch.ones(2, requires_grad=True)
        y = x * 3
        edge = torch.autograd.graph.get_gradient_edge(y)
        return torch.autograd.grad((y * y).sum(), edge)

    def _unused_edge(torch):
        x, u = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        return torch.autograd.grad((x * 2).sum(), torch.autograd.graph.get_gradient_edge(u * 2))

    agree(program)


def test_saved_tensor_hooks(agree):
    def program(torch, see):
        graph = torch.autograd.graph

        def run(pack, unpack, f=lambda x: x * x, twice=False):
            x = torch.tensor([2.0, 3.0], requires_grad=True)
            with graph.saved_tensors_hooks(pack, unpack):
                y = f(x)
            y.sum().backward(retain_graph=twice)
            if twice:
                y.sum().backward()
            return x.grad

        seen = []
        see("identity", lambda: run(lambda t: t, lambda t: t))
        see("values", lambda: run(lambda t: t.tolist(), lambda v: torch.tensor(v)))
        see("scaled", lambda: run(lambda t: t * 2, lambda t: t))
        see(
            "times",
            lambda: (run(lambda t: seen.append("pack") or t, lambda t: seen.append("unpack") or t, twice=True), seen),
        )
        see("output", lambda: run(lambda t: t.detach().clone(), lambda t: t, f=lambda x: x.exp()))
        see("unpack wrong type", lambda: run(lambda t: t, lambda t: 3))
        see("unpack smaller", lambda: run(lambda t: t, lambda t: torch.ones(1)))
        see("unpack of another dtype", lambda: run(lambda t: t, lambda t: t.double()))
        see("unpack on meta", lambda: run(lambda t: t, lambda t: t.to("meta"), f=lambda x: x.softmax(0)))
        see("pack raises", lambda: run(lambda t: 1 // 0, lambda t: t))
        see("unpack raises", lambda: run(lambda t: t, lambda t: 1 // 0))
        see("pack in place", lambda: run(lambda t: t.add_(1), lambda t: t))
        see("nested", lambda: _nested(torch))
        see("save_on_cpu", lambda: _on_cpu(torch))
        see("disabled", lambda: _disabled(torch))
        see("disabled inside", lambda: _disabled_inside(torch))
        see("function", lambda: _function(torch))
        see("mutation", lambda: _mutation(torch))
        see("double", lambda: _double(torch))

    def _nested(torch):
        hooks = torch.autograd.graph.saved_tensors_hooks
        x = torch.tensor([2.0], requires_grad=True)
        with hooks(lambda t: t * 2, lambda t: t):
            with hooks(lambda t: t * 3, lambda t: t):
                y = x * x
            z = x * x
        (y + z).sum().backward()
        return x.grad

    def _on_cpu(torch):
        x = torch.tensor([2.0], requires_grad=True)
        with torch.autograd.graph.save_on_cpu():
            y = x.exp() * x
        y.sum().backward()
        return x.grad

    def _disabled(torch):
        graph = torch.autograd.graph
        with graph.disable_saved_tensors_hooks("not here"), graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            pass

    def _disabled_inside(torch):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
                pass
            return "left"

    def _function(torch):
        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, g):
                return 2 * g * ctx.saved_tensors[0]

        x = torch.tensor([2.0], requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t * 10, lambda t: t):
            y = Square.apply(x)
        y.sum().backward()
        return x.grad

    def _mutation(torch):
        x = torch.tensor([2.0], requires_grad=True)
        with torch.autograd.graph.allow_mutation_on_saved_tensors():
            y = x * 1
            z = y * y
            y.zero_()
            z.sum().backward()
        return x.grad

    def _double(torch):
        x = torch.tensor([2.0], requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            y = x**3
            (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        return g, torch.autograd.grad(g.sum(), x)

    agree(program)


@pytest.mark.parametrize("check_nan", [True, False])
def test_anomaly_mode(check_nan, agree):
    def program(torch, see):
        def run(f, **kwargs):
            x = torch.tensor([0.0, 1.0], requires_grad=True)
            with torch.autograd.detect_anomaly(**kwargs):
                f(x).backward()
            return x.grad

        see("fine", lambda: run(lambda x: (x * 2).sum(), check_nan=check_nan))
        see("nan", lambda: run(lambda x: (x.sqrt() * 0).sum(), check_nan=check_nan))
        see("set", lambda: [torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()])
        with torch.autograd.set_detect_anomaly(True, check_nan=check_nan):
            see("inside", lambda: [torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()])
        see("after", lambda: [torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()])

    agree(program)


def test_results_of_node_hooks_are_checked(agree):
    def program(torch, see):
        one, none = torch.ones(2), None
        values = {
            "number": 1,
            "tensor": one,
            "list": [one, none],
            "empty": (),
            "numbers": (1, 2),
            "tuple of a number": (1,),
            "tuple": (one,),
            "tuple with None": (one, none),
            "all None": (none, none),
            "both": (one, one),
            "doubles": (one.double(), none),
            "shape": (torch.ones(3), none),
            "meta": (one.to("meta"), none),
        }

        def run(register, value):
            x = torch.ones(2, requires_grad=True)
            y = x * 2
            getattr(y.grad_fn, register)(lambda *grads: value)
            y.sum().backward()
            return x.grad

        def of_two(register, value):
            x = torch.ones(2, requires_grad=True)
            a, b = (x * 2).unbind()
            if register == "register_prehook":
                a.grad_fn.register_prehook(lambda grads: (value, value))
            else:
                b.register_hook(lambda grad: value)
            a.backward()
            return x.grad

        for register in ("register_hook", "register_prehook"):
            for label, value in values.items():
                see(f"{register} {label}", lambda r=register, v=value: run(r, v))
            see(f"{register} for None", lambda r=register: of_two(r, torch.ones(())))
            see(f"{register} None for None", lambda r=register: of_two(r, None))

    agree(program)
