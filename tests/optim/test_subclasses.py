"""Optimisers derived from the built-in ones, with steps of their own: what they call is torch's."""

import pytest

import rustorch as torch
from rustorch.optim import _functional

ALL = {
    "SGD": {"lr": 0.1, "momentum": 0.9},
    "Adam": {"amsgrad": True},
    "AdamW": {},
    "RMSprop": {"centered": True, "momentum": 0.5},
    "Adagrad": {},
    "Adadelta": {},
    "Adamax": {},
    "NAdam": {},
    "RAdam": {},
    "Rprop": {},
    "ASGD": {},
    "Adafactor": {},
    "Muon": {},
}
COUNTS = {"SGD": 1, "Adam": 4, "AdamW": 4, "RMSprop": 4, "Adagrad": 2, "NAdam": 4, "ASGD": 4, "Adafactor": 4, "Muon": 1}


def optimiser(lib, name, steps):
    x = lib.arange(6.0).reshape(2, 3).requires_grad_()
    idle = lib.ones(2, 2, requires_grad=True)
    opt = getattr(lib.optim, name)([x, idle], **ALL[name])
    for _ in range(steps):
        x.grad = lib.full((2, 3), 0.25)
        opt.step()
    x.grad = lib.ones(2, 3)
    return opt


def group_lists(lib, name, steps):
    opt = optimiser(lib, name, steps)
    lists = [[] for _ in range(2 + COUNTS.get(name, 3))]
    result = opt._init_group(opt.param_groups[0], *lists)
    return result, [[None if t is None else t.tolist() for t in entries] for entries in lists]


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("name", ALL)
def test_init_group_appends_what_torchs_does(oracle, name, steps):
    mine, theirs = group_lists(torch, name, steps), group_lists(oracle, name, steps)
    assert mine[0] == theirs[0]
    for a, b in zip(mine[1], theirs[1], strict=True):
        assert [x is None for x in a] == [x is None for x in b]
        for x, y in zip(a, b, strict=True):
            if x is not None:
                torch.testing.assert_close(torch.tensor(x), torch.tensor(y))


def test_step_copied_from_torch_runs():
    class Own(torch.optim.Adam):
        def step(self, closure=None):
            self._cuda_graph_capture_health_check()
            for group in self.param_groups:
                params, grads, *state = [], [], [], [], [], []
                self._init_group(group, params, grads, *state)
                beta1, beta2 = group["betas"]
                _functional.adam(
                    params,
                    grads,
                    *state,
                    amsgrad=group["amsgrad"],
                    beta1=beta1,
                    beta2=beta2,
                    lr=group["lr"],
                    weight_decay=group["weight_decay"],
                    eps=group["eps"],
                    maximize=group["maximize"],
                )

    results = []
    for cls in (Own, torch.optim.Adam):
        p = torch.ones(3)
        p.grad = torch.tensor([1.0, 2.0, 3.0])
        opt = cls([p], lr=0.1)
        with torch.no_grad():
            opt.step()
        results.append(p)
    assert torch.equal(*results)


def test_private_single_tensor_steps_take_torchs_arguments():
    p, grad = [torch.ones(2)], [torch.ones(2)]
    torch.optim.sgd._single_tensor_sgd(
        p,
        grad,
        [None],
        None,
        None,
        weight_decay=0,
        momentum=0,
        lr=0.5,
        dampening=0,
        nesterov=False,
        maximize=False,
        has_sparse_grad=False,
    )
    assert p[0].tolist() == [0.5, 0.5]
    with pytest.raises(AssertionError, match="grad_scale"):
        torch.optim.sgd._single_tensor_sgd(p, grad, [None], torch.ones(1), None)


def test_tensors_are_grouped_by_dtype():
    a, b, c = torch.ones(1), torch.ones(1, dtype=torch.float64), torch.zeros(1)
    groups = torch.optim.Optimizer._group_tensors_by_device_and_dtype([[a, b, c], [], [a, None, c]], True)
    (lists, indices), (other, _) = groups.values()
    assert indices == [0, 2] and lists[0][1] is c and lists[1] == [] and lists[2][0] is a
    assert list(groups)[1][1] is torch.float64 and other[2] == [None]


def test_groups_are_printed_with_a_line_between_them():
    a, b = torch.ones(1), torch.ones(1)
    text = repr(torch.optim.SGD([{"params": [a]}, {"params": [b]}], lr=0.5))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "    weight_decay: 0\n\nParameter Group 1\n" in text and text.endswith("    weight_decay: 0\n)")


def test_text_as_learning_rate_is_worded_as_torch_does():
    with pytest.raises(TypeError, match="'<=' not supported between instances of 'float' and 'str'"):
        torch.optim.Adam([torch.ones(1)], lr="a")


def test_swapped_in_state_must_fit():
    p = torch.ones(1)
    p.grad = torch.ones(1)
    opt = torch.optim.SGD([p], lr=0.5, momentum=0.9)
    swap = torch.optim.swap_in_optimizer_params_and_state
    with pytest.raises(RuntimeError, match="requires initialized"), swap(opt, {}, opt.state_dict()):
        pass
    opt.step()
    for parameters, change in (({}, {}), ({"p": p}, {"state": {7: {}}}), ({"p": p}, {"param_groups": []})):
        with pytest.raises(RuntimeError, match="requires"), swap(opt, parameters, opt.state_dict() | change):
            pass
    with pytest.raises(ZeroDivisionError), swap(opt, {"q": torch.ones(1)}, opt.state_dict()):
        _ = 1 / 0
    assert opt.param_groups[0]["params"][0] is p and p in opt.state
