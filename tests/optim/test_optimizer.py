"""What all optimisers share: groups, checks, hooks, repr."""

import pytest

import rustorch as torch


def parameter(*shape):
    return torch.nn.Parameter(torch.ones(*shape))


def test_groups_inherit_the_defaults():
    opt = torch.optim.SGD([{"params": [parameter(2)], "lr": 0.5}, {"params": parameter(3)}], lr=0.1)
    assert [g["lr"] for g in opt.param_groups] == [0.5, 0.1]


def test_repr_lists_the_options_of_each_group():
    opt = torch.optim.SGD([parameter(2)], lr=0.1)
    assert repr(opt).splitlines()[:3] == ["SGD (", "Parameter Group 0", "    dampening: 0"]
    assert repr(opt).endswith("    weight_decay: 0\n)")


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: torch.optim.SGD([], lr=0.1), ValueError, "optimizer got an empty parameter list"),
        (lambda: torch.optim.SGD(torch.ones(2), lr=0.1), TypeError, "should be an iterable of Tensors or dicts"),
        (lambda: torch.optim.SGD([parameter(1)], lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda: torch.optim.SGD([parameter(1) * 2], lr=1), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda: torch.optim.SGD([1], lr=1), TypeError, "can only optimize Tensors, but one of the params is int"),
        (lambda: torch.optim.SGD([{"params": {parameter(1)}}]), TypeError, "ordered collections"),
        (lambda: torch.optim.Adam([parameter(1)], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0"),
        (lambda: torch.optim.SGD([parameter(1)], nesterov=True), ValueError, "Nesterov momentum requires"),
    ],
)
def test_wrong_arguments_name_the_fault(make, error, text):
    with pytest.raises(error, match=text.replace("(", r"\(")):
        make()


def test_shared_parameter_is_refused():
    p = parameter(2)
    opt = torch.optim.SGD([p], lr=0.1)
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        opt.add_param_group({"params": [p]})


def test_named_parameters_keep_their_names_through_a_state_dict():
    model = torch.nn.Linear(2, 3)
    opt = torch.optim.SGD(model.named_parameters(), lr=0.1)
    assert opt.param_groups[0]["param_names"] == ["weight", "bias"]
    assert opt.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ValueError, match="all optimizer param groups should be with/without names"):
        opt.add_param_group({"params": [parameter(1)]})


def test_load_state_dict_refuses_another_shape():
    a = torch.optim.SGD([parameter(2)], lr=0.1)
    b = torch.optim.SGD([parameter(2), parameter(3)], lr=0.1)
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        a.load_state_dict(b.state_dict())
    c = torch.optim.SGD([{"params": parameter(2)}, {"params": parameter(3)}], lr=0.1)
    with pytest.raises(ValueError, match="different number of parameter groups"):
        a.load_state_dict(c.state_dict())


def test_step_hooks_run_around_the_step_and_can_be_removed():
    p = parameter(2)
    opt = torch.optim.SGD([p], lr=0.1)
    seen = []
    first = opt.register_step_pre_hook(lambda o, args, kwargs: seen.append(("pre", p.tolist())))
    opt.register_step_post_hook(lambda o, args, kwargs: seen.append(("post", p.tolist())))
    p.sum().backward()
    opt.step()
    assert [name for name, _ in seen] == ["pre", "post"]
    assert seen[0][1] != seen[1][1]
    first.remove()
    opt.step()
    assert [name for name, _ in seen] == ["pre", "post", "post"]


def test_global_hooks_see_every_optimiser():
    from rustorch.optim.optimizer import register_optimizer_step_pre_hook

    seen = []
    handle = register_optimizer_step_pre_hook(lambda o, args, kwargs: seen.append(type(o).__name__))
    try:
        for name in ("SGD", "Adam"):
            getattr(torch.optim, name)([parameter(1)]).step()
    finally:
        handle.remove()
    assert seen == ["SGD", "Adam"]


def test_state_dict_hooks_may_replace_the_dict():
    opt = torch.optim.SGD([parameter(2)], lr=0.1)
    opt.register_state_dict_post_hook(lambda o, sd: {**sd, "note": 1})
    assert opt.state_dict()["note"] == 1
    opt.register_load_state_dict_pre_hook(
        lambda o, sd: {**sd, "param_groups": [{**g, "lr": 7} for g in sd["param_groups"]]}
    )
    opt.load_state_dict(opt.state_dict())
    assert opt.param_groups[0]["lr"] == 7


def test_zero_grad_drops_or_clears():
    p = parameter(2)
    opt = torch.optim.SGD([p], lr=0.1)
    p.sum().backward()
    opt.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0]
    opt.zero_grad()
    assert p.grad is None


def test_subclass_step_gets_hooks_and_returns_the_loss():
    class Mine(torch.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 1})

        def step(self, closure=None):
            return closure()

    opt = Mine([parameter(1)])
    seen = []
    opt.register_step_post_hook(lambda *a: seen.append(1))
    assert opt.step(lambda: 3) == 3
    assert seen == [1]


def test_learning_rate_in_a_tensor_is_read_at_each_step():
    p = parameter(1)
    lr = torch.tensor(0.5)
    opt = torch.optim.SGD([p], lr=lr)
    p.grad = torch.ones(1)
    opt.step()
    lr.fill_(0.25)
    opt.step()
    assert p.tolist() == [0.25]


def test_optimisers_written_elsewhere_find_their_helpers():
    from rustorch.optim.optimizer import (
        ParamsT,
        _default_to_fused_or_foreach,
        _use_grad_for_differentiable,
        _view_as_real,
    )

    class SignSGD(torch.optim.Optimizer):
        def __init__(self, params: ParamsT, lr=0.5, differentiable=False):
            super().__init__(params, {"lr": lr, "differentiable": differentiable})

        @_use_grad_for_differentiable
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad.sign(), alpha=-group["lr"])

    p = torch.ones(2, requires_grad=True)
    p.grad = torch.tensor([3.0, -2.0])
    SignSGD([p]).step()
    assert p.tolist() == [0.5, 1.5]
    assert torch.is_grad_enabled()
    assert _default_to_fused_or_foreach([p], False, use_fused=True) == (True, False)
    params, states = [torch.ones(1, dtype=torch.complex64), p], [torch.zeros(1, dtype=torch.complex64), p]
    _view_as_real(params, states)
    assert [params[0].shape, states[0].shape, params[1] is p] == [(1, 2), (1, 2), True]
