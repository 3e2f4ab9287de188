"""Every optimiser against torch, its fused step against the readable one, and its state through a save and a load."""

import copy
import pickle

import pytest
from conftest import assert_same

import rustorch as torch

CASES = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, {"maximize": True}],
    "Adam": [{}, {"amsgrad": True, "weight_decay": 0.1}, {"maximize": True, "betas": (0.5, 0.7), "eps": 1e-3}],
    "AdamW": [{}, {"amsgrad": True, "weight_decay": 0.3}],
    "RMSprop": [{}, {"momentum": 0.5, "weight_decay": 0.1}, {"centered": True}, {"centered": True, "momentum": 0.9}],
    "Adagrad": [{}, {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2}],
    "Adadelta": [{}, {"rho": 0.5, "weight_decay": 0.1}],
    "Adamax": [{}, {"weight_decay": 0.1}],
    "NAdam": [{}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{}, {"betas": (0.5, 0.7), "weight_decay": 0.1}],
    "ASGD": [{}, {"t0": 2, "weight_decay": 0.1}],
    "Rprop": [{}, {"etas": (0.4, 1.5)}],
    "Adafactor": [{}, {"weight_decay": 0.1}],
}
ALL = [(name, options) for name, rows in CASES.items() for options in rows]
FUSED = [(name, options) for name, options in ALL if name in ("SGD", "Adam", "AdamW", "Adagrad")]


def train(lib, name, options, steps=6, dtype="float32", **extra):
    """Fit two tensors to fixed aims; returns them and the optimiser."""
    dtype = getattr(lib, dtype)
    grid = lib.arange(20, dtype=dtype)
    a = (grid * 0.37).sin().reshape(4, 5).requires_grad_()
    b = (grid[:7] * 0.91).cos().requires_grad_()
    opt = getattr(lib.optim, name)([a, b], **options, **extra)
    for _ in range(steps):
        opt.zero_grad()
        ((a - 0.3) ** 2).sum().add((b * b * b.detach().exp()).sum()).backward()
        opt.step()
    return [a, b], opt


@pytest.mark.parametrize(("name", "options"), ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_after_six_steps_equal_torchs(name, options, dtype, oracle):
    mine, opt = train(torch, name, options, dtype=dtype)
    theirs, ref_opt = train(oracle, name, options, dtype=dtype)
    tolerance = 2e-6 if dtype == "float32" else 1e-12
    for p, q in zip(mine, theirs):
        assert_same(p, q, rtol=tolerance, atol=tolerance)
    keys = [{k: sorted(v) for k, v in o.state_dict()["state"].items()} for o in (opt, ref_opt)]
    assert keys[0] == keys[1]
    assert [sorted(g) for g in opt.param_groups] == [sorted(g) for g in ref_opt.param_groups]


@pytest.mark.parametrize(("name", "options"), FUSED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fused_step_has_the_bits_of_the_readable_one(name, options, dtype):
    fused, _ = train(torch, name, options, dtype=dtype)
    readable, _ = train(torch, name, options, dtype=dtype, fused=False)
    for p, q in zip(fused, readable):
        assert torch.equal(p, q)


@pytest.mark.parametrize(("name", "options"), [*FUSED, *(("RMSprop", o) for o in CASES["RMSprop"])])
def test_fused_step_gets_what_its_contract_says(name, options, monkeypatch):
    from rustorch.optim import _fused, adagrad, adam, rmsprop, sgd

    calls = []

    def as_contracted(function, **renamed):
        def fused(*lists, **scalars):
            calls.append(len(lists[0]))
            assert all(isinstance(value, (int, float)) for value in scalars.values())
            with torch.no_grad():
                function(*lists, **{renamed.get(key, key): value for key, value in scalars.items()})
            return True

        return fused

    plain, _ = train(torch, name, options)
    monkeypatch.setattr(_fused, "sgd_", as_contracted(sgd.sgd))
    monkeypatch.setattr(_fused, "adam_", as_contracted(adam.adam, decoupled="decoupled_weight_decay"))
    monkeypatch.setattr(_fused, "rmsprop_", as_contracted(rmsprop.rmsprop))
    monkeypatch.setattr(_fused, "adagrad_", as_contracted(adagrad.adagrad))
    through_contract, _ = train(torch, name, options)
    assert calls
    for p, q in zip(plain, through_contract):
        assert torch.equal(p, q)


@pytest.mark.parametrize(("name", "options"), ALL)
def test_state_dict_resumes_the_same_run(name, options):
    whole, _ = train(torch, name, options, steps=4)
    first, opt = train(torch, name, options, steps=2)
    saved = pickle.loads(pickle.dumps(opt.state_dict()))
    params = [p.detach().clone().requires_grad_() for p in first]
    again = getattr(torch.optim, name)(params, **options)
    again.load_state_dict(saved)
    a, b = params
    for _ in range(2):
        again.zero_grad()
        ((a - 0.3) ** 2).sum().add((b * b * b.detach().exp()).sum()).backward()
        again.step()
    for p, q in zip(params, whole):
        assert torch.equal(p, q)


def test_state_replaced_by_hand_is_used_by_the_next_step():
    # Programs that grow or prune parameters move the state dict of one tensor to another.
    p = torch.ones(3, requires_grad=True)
    opt = torch.optim.Adam([p], lr=0.1)
    p.sum().backward()
    opt.step()
    group = opt.param_groups[0]
    state = opt.state.pop(group["params"][0])
    bigger = torch.zeros(5, requires_grad=True)
    state["exp_avg"] = torch.zeros(5)
    state["exp_avg_sq"] = torch.ones(5)
    group["params"][0] = bigger
    opt.state[bigger] = state
    bigger.sum().backward()
    opt.step()
    assert opt.state[bigger]["step"].item() == 2
    assert bool((bigger < 0).all())


def test_parameters_without_gradient_stay_without_state():
    p, q = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    opt = torch.optim.SGD([p, q], lr=0.1, momentum=0.9)
    p.sum().backward()
    opt.step()
    assert q not in opt.state
    assert q.tolist() == [1.0, 1.0]
    q.sum().backward()
    opt.step()
    assert "momentum_buffer" in opt.state[q]


def test_differentiable_step_passes_gradients_to_the_start():
    start = torch.tensor([0.5, -0.2], dtype=torch.float64, requires_grad=True)
    p = start.clone()
    p.grad = torch.tensor([1.0, 2.0], dtype=torch.float64)
    opt = torch.optim.SGD([p], lr=0.1, differentiable=True)
    opt.step()
    p.sum().backward()
    assert start.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_finds_the_minimum_of_rosenbrocks_function(search):
    p = torch.tensor([-0.5, 0.5], dtype=torch.float64, requires_grad=True)
    opt = torch.optim.LBFGS([p], lr=1 if search else 0.3, max_iter=60, line_search_fn=search)

    def closure():
        opt.zero_grad()
        loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        loss.backward()
        return loss

    for _ in range(5):
        opt.step(closure)
    if search:
        assert p.detach().sub(1).abs().max().item() < 1e-6
    assert closure().item() < 0.1


def test_deepcopy_steps_alone():
    params, opt = train(torch, "Adam", {})
    other = copy.deepcopy(opt)
    assert other.param_groups[0]["params"][0] is not params[0]
    before = params[0].clone()
    for p in other.param_groups[0]["params"]:
        p.grad = torch.ones_like(p)
    other.step()
    assert torch.equal(params[0], before)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad"])
@pytest.mark.filterwarnings("ignore:.*duplicate parameters")
def test_a_parameter_listed_twice_is_updated_twice_one_after_the_other(name):
    def run(**options):
        p = torch.full((200_000,), 2.0, requires_grad=True)
        p.grad = torch.ones_like(p)
        opt = getattr(torch.optim, name)([p] * 8, lr=0.5, **options)
        opt.step()
        return p.detach()

    assert torch.equal(run(), run(foreach=False))


def test_fused_steps_refuse_parameters_that_overlap():
    base, grad = torch.zeros(10), torch.ones(6)
    pair = [base[:6], base[4:]]
    options = dict(lr=1.0, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False)
    assert not torch._C._fused_sgd_(pair, [grad, grad], [], **options)
    assert not torch._C._fused_sgd_([base[:6]], [base[4:]], [], **options)
    assert base.eq(0).all()
    assert torch._C._fused_sgd_([base[:4], base[4:]], [grad[:4], grad], [], **options)
    assert base.eq(-1).all()
