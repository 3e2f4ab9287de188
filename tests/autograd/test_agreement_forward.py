"""Forward-mode derivatives against torch."""


def test_tangents(agree):
    def program(torch, see):
        from importlib import import_module

        fw = import_module(torch.__name__ + ".autograd.forward_ad")

        def run(f, *shape, dtype=torch.float64):
            n = torch.Size(shape or (3,)).numel()
            x = (torch.arange(1.0, 1.0 + n).view(shape or (3,)) / 4).to(dtype)
            with fw.dual_level():
                dual = fw.make_dual(x, x.cos() if not dtype.is_complex else x * 1j)
                y = f(dual)
                primal, tangent = fw.unpack_dual(y)
                return primal.detach(), None if tangent is None else tangent.detach(), tangent is None

        see("itself", lambda: run(lambda x: x))
        see("sin", lambda: run(torch.sin))
        see("product", lambda: run(lambda x: x * x.exp()))
        see("sum", lambda: run(lambda x: (x**3).sum()))
        see("matmul", lambda: run(lambda x: x @ x.t(), 2, 3))
        see("views", lambda: run(lambda x: x.t()[1:].reshape(-1), 2, 3))
        see("index", lambda: run(lambda x: x[[2, 0]]))
        see("softmax", lambda: run(lambda x: x.softmax(0)))
        see("constant", lambda: run(lambda x: torch.ones(2)))
        see("detached", lambda: run(lambda x: x.detach() * 2))
        see("added constant", lambda: run(lambda x: x + 1))
        see("max", lambda: run(lambda x: x.max(0)[0]))
        see("complex", lambda: run(lambda x: x * x, dtype=torch.complex128))
        see("layer_norm", lambda: run(lambda x: torch.nn.functional.layer_norm(x, (3,)), 2, 3))
        see("two duals", lambda: two(torch, fw))
        see("over reverse", lambda: over_reverse(torch, fw))
        see("no level", lambda: fw.make_dual(torch.ones(1), torch.ones(1)))
        see("unpack without level", lambda: fw.unpack_dual(torch.ones(1)))
        see("nested", lambda: nested(fw))
        see("integers", lambda: within(fw, lambda: fw.make_dual(torch.ones(1).long(), torch.ones(1))))
        see("integer tangent", lambda: within(fw, lambda: fw.make_dual(torch.ones(1), torch.ones(1).long())))
        see("wrong shape", lambda: within(fw, lambda: fw.make_dual(torch.ones(3), torch.ones(2))))
        see("after the level", lambda: after(torch, fw))

    def two(torch, fw):
        a, b = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
        with fw.dual_level():
            x, y = fw.make_dual(a, torch.ones(2)), fw.make_dual(b, torch.tensor([10.0, 100.0]))
            return fw.unpack_dual(x * y).tangent.detach()

    def over_reverse(torch, fw):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        with fw.dual_level():
            dual = fw.make_dual(x, torch.tensor([1.0, 3.0]))
            tangent = fw.unpack_dual((dual**3).sum()).tangent
            return tangent.detach(), torch.autograd.grad(tangent, x)

    def nested(fw):
        with fw.dual_level(), fw.dual_level():
            pass

    def within(fw, f):
        with fw.dual_level():
            return f()

    def after(torch, fw):
        with fw.dual_level():
            y = fw.make_dual(torch.ones(2), torch.ones(2)) * 2
        with fw.dual_level():
            return fw.unpack_dual(y).tangent

    agree(program)
