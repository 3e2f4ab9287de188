"""The names of nodes, which printing a tensor shows, against torch; and that a changed index is noticed."""


def test_node_names(agree):
    def program(torch, see):
        F = torch.nn.functional

        def name(f, *shape):
            x = (torch.arange(1.0, 1.0 + torch.Size(shape or (2, 3)).numel()) / 7).view(shape or (2, 3))
            y = f(x.requires_grad_() * 1)
            return y.grad_fn.name() if y.grad_fn is not None else None

        unary = "abs acos asin atan ceil clone cos cosh cumsum0 digamma erf exp floor frac lgamma log log1p log2 neg"
        unary += " reciprocal relu round rsqrt sigmoid sign sin sinh sqrt tan tanh trunc mean sum prod std var max min"
        unary += " t median norm amax logit square detach flatten ravel contiguous diagonal squeeze"
        for method in unary.split():
            call = (lambda x: x.cumsum(0)) if method == "cumsum0" else (lambda x, m=method: getattr(x, m)())
            see(method, lambda c=call: name(c))
        binary = "add sub mul div pow atan2 maximum minimum where"
        for method in binary.split():
            if method == "where":
                see("where", lambda: name(lambda x: torch.where(x > 0, x, x * 2).sum(0)))
            else:
                see(f"{method} tensors", lambda m=method: name(lambda x: getattr(x, m)(x * 2)))
        see("number by", lambda: name(lambda x: 1 / x))
        see("minus number", lambda: name(lambda x: x - 1))
        see("by number", lambda: name(lambda x: x / 2))
        see("pow number", lambda: name(lambda x: x**2))
        see("index", lambda: name(lambda x: x[0]))
        see("index slice", lambda: name(lambda x: x[:, 1:]))
        see("index list", lambda: name(lambda x: x[[0, 1]]))
        see("index mask", lambda: name(lambda x: x[x > 0.3]))
        see("index None", lambda: name(lambda x: x[None]))
        see("sum dim", lambda: name(lambda x: x.sum(0)))
        see("mean dim", lambda: name(lambda x: x.mean(0)))
        see("max dim", lambda: name(lambda x: x.max(0)[0]))
        see("view", lambda: name(lambda x: x.view(-1)))
        see("reshape", lambda: name(lambda x: x.t().reshape(-1)))
        see("permute", lambda: name(lambda x: x.permute(1, 0)))
        see("transpose", lambda: name(lambda x: x.transpose(0, 1)))
        see("unsqueeze", lambda: name(lambda x: x.unsqueeze(0)))
        see("expand", lambda: name(lambda x: x.expand(4, 2, 3)))
        see("repeat", lambda: name(lambda x: x.repeat(2, 1)))
        see("tile", lambda: name(lambda x: x.tile(2)))
        see("unfold", lambda: name(lambda x: x.unfold(1, 2, 1)))
        see("rot90", lambda: name(lambda x: x.rot90()))
        see("cat", lambda: name(lambda x: torch.cat([x, x])))
        see("stack", lambda: name(lambda x: torch.stack([x, x])))
        see("split", lambda: name(lambda x: x.split(1)[0]))
        see("chunk", lambda: name(lambda x: x.chunk(2)[0]))
        see("unbind", lambda: name(lambda x: x.unbind()[0]))
        see("tensor_split", lambda: name(lambda x: x.tensor_split(2)[0]))
        see("mm", lambda: name(lambda x: x @ x.t()))
        see("mv", lambda: name(lambda x: x @ x[0]))
        see("dot", lambda: name(lambda x: x[0] @ x[1]))
        see("bmm", lambda: name(lambda x: torch.bmm(x[None], x.t()[None])))
        see("matmul of a batch", lambda: name(lambda x: x[None] @ x.t()))
        see("matmul of batches", lambda: name(lambda x: x[None] @ x.t()[None]))
        see("addmm", lambda: name(lambda x: torch.addmm(x[:, :2], x, x.t())))
        see("linear", lambda: name(lambda x: F.linear(x, x, x[:, 0])))
        see("masked_fill", lambda: name(lambda x: x.masked_fill(x > 0.3, 0.0)))
        see("masked_fill tensor", lambda: name(lambda x: x.masked_fill(x > 0.3, x[0, 0])))
        see("gather", lambda: name(lambda x: x.gather(1, torch.tensor([[0], [1]]))))
        see("index_select", lambda: name(lambda x: x.index_select(0, torch.tensor([0]))))
        see("clamp", lambda: name(lambda x: x.clamp(0, 1)))
        see("lerp number", lambda: name(lambda x: x.lerp(x * 2, 0.5)))
        see("lerp tensor", lambda: name(lambda x: x.lerp(x * 2, x)))
        for op in ["softmax", "log_softmax", "softmin", "gumbel_softmax", "normalize"]:
            if op in ("softmax", "log_softmax"):
                see(op, lambda o=op: name(lambda x: getattr(F, o)(x, -1)))
        for op in [
            "celu",
            "elu",
            "gelu",
            "glu",
            "hardshrink",
            "hardsigmoid",
            "hardswish",
            "hardtanh",
            "leaky_relu",
            "logsigmoid",
            "mish",
            "rrelu",
            "selu",
        ]:
            shape = (2, 4)
            see(op, lambda o=op, s=shape: name(lambda x: getattr(F, o)(x), *s))
        for op in ["silu", "softplus", "softshrink", "softsign", "tanhshrink"]:
            see(op, lambda o=op: name(lambda x: getattr(F, o)(x)))
        target = torch.full((2, 3), 0.25)
        for op in [
            "mse_loss",
            "l1_loss",
            "smooth_l1_loss",
            "huber_loss",
            "binary_cross_entropy",
            "binary_cross_entropy_with_logits",
        ]:
            see(op, lambda o=op: name(lambda x: getattr(F, o)(x / 2, target)))
            see(f"{op} none", lambda o=op: name(lambda x: getattr(F, o)(x / 2, target, reduction="none")))
        see("soft_margin_loss", lambda: name(lambda x: F.soft_margin_loss(x, target)))
        see("nll_loss", lambda: name(lambda x: F.nll_loss(x, torch.tensor([0, 1]))))
        see("cross_entropy", lambda: name(lambda x: F.cross_entropy(x, torch.tensor([0, 1]))))
        see("multi_margin_loss", lambda: name(lambda x: F.multi_margin_loss(x, torch.tensor([0, 1]))))
        see("kl_div", lambda: name(lambda x: F.kl_div(x, target, reduction="sum")))
        see("conv2d", lambda: name(lambda x: F.conv2d(x, x[:, :, :2, :2]), 1, 1, 4, 4))
        see("max_pool2d", lambda: name(lambda x: F.max_pool2d(x, 2), 1, 1, 4, 4))
        see("avg_pool2d", lambda: name(lambda x: F.avg_pool2d(x, 2), 1, 1, 4, 4))
        see("adaptive_avg_pool2d", lambda: name(lambda x: F.adaptive_avg_pool2d(x, 2), 1, 1, 4, 4))
        see("pixel_shuffle", lambda: name(lambda x: F.pixel_shuffle(x, 2), 1, 4, 2, 2))
        see("pixel_unshuffle", lambda: name(lambda x: F.pixel_unshuffle(x, 2), 1, 1, 4, 4))
        see("unfold images", lambda: name(lambda x: F.unfold(x, 2), 1, 1, 4, 4))
        see("pad", lambda: name(lambda x: F.pad(x, (1, 1))))
        see("pad reflect", lambda: name(lambda x: F.pad(x, (1, 1), "reflect")))
        see("interpolate", lambda: name(lambda x: F.interpolate(x, scale_factor=2), 1, 1, 4, 4))
        see(
            "grid_sample",
            lambda: name(lambda x: F.grid_sample(x, torch.zeros(1, 2, 2, 2), align_corners=False), 1, 1, 4, 4),
        )
        see("batch_norm", lambda: name(lambda x: F.batch_norm(x, None, None, training=True)))
        see("layer_norm", lambda: name(lambda x: F.layer_norm(x, (3,))))
        see("group_norm", lambda: name(lambda x: F.group_norm(x, 1), 1, 4, 2))
        see("embedding", lambda: name(lambda x: F.embedding(torch.tensor([0, 1]), x)))
        see("dropout", lambda: name(lambda x: F.dropout(x, 0.5)))
        see("bessel", lambda: name(torch.special.bessel_j0))
        see("heaviside", lambda: name(lambda x: torch.heaviside(x, x)))

    agree(program)


def test_node_names_in_place(agree):
    def program(torch, see):
        def name(f):
            y = torch.ones(1, 2, 3, requires_grad=True) * 1
            f(y)
            return y.grad_fn.name()

        plain = "abs_ add_ ceil_ clamp_ cos_ div_ exp_ fill_ floor_ log_ mul_ neg_ relu_ sigmoid_ sqrt_ sub_ tanh_"
        plain += " zero_ squeeze_ tril_ normal_"
        arguments = {
            "add_": (1,),
            "clamp_": (0, 1),
            "div_": (2,),
            "fill_": (2.0,),
            "mul_": (2,),
            "sub_": (1,),
        }
        for method in plain.split():
            see(method, lambda m=method: name(lambda y: getattr(y, m)(*arguments.get(m, ()))))
        see("unsqueeze_", lambda: name(lambda y: y.unsqueeze_(0)))
        see("squeeze_ dim", lambda: name(lambda y: y.squeeze_(0)))
        see("squeeze_ dims", lambda: name(lambda y: y.squeeze_((0, 1))))
        see("transpose_", lambda: name(lambda y: y.transpose_(0, 1)))
        see("copy_", lambda: name(lambda y: y.copy_(torch.zeros(2, 3))))
        see("masked_fill_", lambda: name(lambda y: y.masked_fill_(y > 3, 0.0)))
        see("index", lambda: name(lambda y: y.__setitem__((0, 1), 5.0)))

    agree(program)


def test_indices_and_masks_changed_in_place_are_noticed(agree):
    def program(torch, see):
        F = torch.nn.functional

        def run(f, index, change=lambda i: i.zero_()):
            x = torch.arange(1.0, 7.0).view(2, 3).requires_grad_()
            y = f(x * 1, index)
            change(index)
            y.sum().backward()
            return x.grad

        def index():
            return torch.tensor([1, 0])

        def mask():
            return torch.tensor([[True, False, True], [False, True, True]])

        see("index", lambda: run(lambda x, i: x[i], index()))
        see("index column", lambda: run(lambda x, i: x[:, i], index()))
        see("index pair", lambda: run(lambda x, i: x[i, i], index()))
        see("index_select", lambda: run(lambda x, i: x.index_select(0, i), index()))
        see("gather", lambda: run(lambda x, i: x.gather(1, i[:, None]), index()))
        see("take", lambda: run(lambda x, i: x.take(i), index()))
        see("index_add", lambda: run(lambda x, i: x.index_add(0, i, x * 2), index()))
        see("index_copy", lambda: run(lambda x, i: x.index_copy(0, i, x * 2), index()))
        see("scatter", lambda: run(lambda x, i: x.scatter(1, i[:, None], x[:, :1] * 2), index()))
        see("scatter_add", lambda: run(lambda x, i: x.scatter_add(1, i[:, None], x[:, :1] * 2), index()))
        see("index_put", lambda: run(lambda x, i: x.index_put((i,), x * 2), index()))
        see("embedding", lambda: run(lambda x, i: F.embedding(i, x), index()))
        for loss in (F.nll_loss, F.cross_entropy):
            see(loss.__name__, lambda loss=loss: run(loss, index()))
            # Labels that would lead outside of the gradient.
            see(f"{loss.__name__}, wild", lambda loss=loss: run(loss, index(), lambda i: i.fill_(1 << 40)))

    agree(program)
