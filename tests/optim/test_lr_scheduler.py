"""Learning-rate schedules: closed forms, torch's values, saving, order warnings, averaged models."""

import math
import pickle
import warnings

import pytest

import rustorch as torch

MAKERS = {
    "step": lambda s, o: s.StepLR(o, 4, 0.5),
    "multi_step": lambda s, o: s.MultiStepLR(o, [3, 8, 8, 20], 0.3),
    "constant": lambda s, o: s.ConstantLR(o, 0.25, 6),
    "linear": lambda s, o: s.LinearLR(o, 0.1, 0.8, 9),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.9),
    "polynomial": lambda s, o: s.PolynomialLR(o, 12, 2.0),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 10, 1e-3),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 2, 1e-4),
    "one_cycle": lambda s, o: s.OneCycleLR(o, 0.5, 40),
    "one_cycle_three": lambda s, o: s.OneCycleLR(o, 0.5, 40, three_phase=True, anneal_strategy="linear"),
    "cyclic": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, 5, mode="triangular2"),
    "cyclic_exp": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 4, mode="exp_range", gamma=0.95),
    "lambda": lambda s, o: s.LambdaLR(o, [lambda e: 0.95**e, lambda e: 1 / (1 + e)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.97),
    "sequential": lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, total_iters=5), s.CosineAnnealingLR(o, 20)], [5]),
    "chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9)]),
}


def optimizer(lib):
    p, q = lib.nn.Parameter(lib.ones(1)), lib.nn.Parameter(lib.ones(1))
    return lib.optim.SGD([{"params": p}, {"params": q, "lr": 0.02}], lr=0.1, momentum=0.9)


def rates(lib, make, steps=30):
    opt = optimizer(lib)
    scheduler = make(lib.optim.lr_scheduler, opt)
    out = []
    for _ in range(steps):
        opt.step()
        scheduler.step()
        out += [g["lr"] for g in opt.param_groups] + [g["momentum"] for g in opt.param_groups]
    return out


@pytest.mark.parametrize("name", MAKERS)
def test_rates_equal_torchs(name, oracle):
    assert rates(torch, MAKERS[name]) == pytest.approx(rates(oracle, MAKERS[name]), rel=1e-12, abs=1e-15)


def trained(lib, algorithm, make, steps=50):
    p = (lib.arange(6, dtype=lib.float64) * 0.7).sin().requires_grad_()
    aim = (lib.arange(6, dtype=lib.float64) * 0.3).cos()
    opt = getattr(lib.optim, algorithm)([p], lr=0.1)
    scheduler = make(lib.optim.lr_scheduler, opt)
    for _ in range(steps):
        opt.zero_grad()
        loss = ((p - aim) ** 4).sum()
        loss.backward()
        opt.step()
        scheduler.step(*[loss.item()] * isinstance(scheduler, lib.optim.lr_scheduler.ReduceLROnPlateau))
    return p.tolist()


TRAINING = {
    "step": MAKERS["step"],
    "multi_step": MAKERS["multi_step"],
    "exponential": MAKERS["exponential"],
    "cosine": MAKERS["cosine"],
    "lambda": lambda s, o: s.LambdaLR(o, lambda e: 0.95**e),
    "one_cycle": lambda s, o: s.OneCycleLR(o, 0.2, 50, cycle_momentum=False),
    "plateau": lambda s, o: s.ReduceLROnPlateau(o, patience=1, factor=0.5, threshold=0.3),
}


@pytest.mark.parametrize("name", TRAINING)
@pytest.mark.parametrize("algorithm", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_fifty_training_steps_give_torchs_numbers(algorithm, name, oracle):
    mine, theirs = (trained(lib, algorithm, TRAINING[name]) for lib in (torch, oracle))
    assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_schedules_are_pickled_by_their_public_name():
    for name in torch.optim.lr_scheduler.__all__:
        assert getattr(torch.optim.lr_scheduler, name).__module__ == "rustorch.optim.lr_scheduler"
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer(torch), 2)
    assert pickle.loads(pickle.dumps(scheduler)).get_last_lr() == scheduler.get_last_lr()


@pytest.mark.parametrize("name", MAKERS)
def test_state_dict_resumes_the_same_rates(name):
    opt = optimizer(torch)
    scheduler = MAKERS[name](torch.optim.lr_scheduler, opt)
    for _ in range(7):
        opt.step()
        scheduler.step()
    other = optimizer(torch)
    resumed = MAKERS[name](torch.optim.lr_scheduler, other)
    other.load_state_dict(opt.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    for _ in range(7):
        for o, s in ((opt, scheduler), (other, resumed)):
            o.step()
            s.step()
        assert [g["lr"] for g in opt.param_groups] == [g["lr"] for g in other.param_groups]
    assert scheduler.get_last_lr() == resumed.get_last_lr()


@pytest.mark.parametrize("name", ["step", "multi_step", "constant", "linear", "exponential", "polynomial", "cosine"])
def test_closed_form_equals_the_chained_one(name):
    opt = optimizer(torch)
    scheduler = MAKERS[name](torch.optim.lr_scheduler, opt)
    for _ in range(9):
        opt.step()
        scheduler.step()
        assert scheduler._get_closed_form_lr() == pytest.approx(scheduler.get_last_lr(), rel=1e-9, abs=1e-12)


def test_plateau_reduces_after_patience_and_respects_the_floor():
    opt = optimizer(torch)
    s = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=2, factor=0.1, min_lr=[0.005, 0.01])
    for _ in range(4):
        s.step(1.0)
    assert s.get_last_lr() == pytest.approx([0.01, 0.01])
    for _ in range(4):
        s.step(torch.tensor(1.0))
    assert s.get_last_lr() == pytest.approx([0.005, 0.01])
    s.step(0.5)
    assert s.num_bad_epochs == 0
    assert s.best == 0.5


def test_schedule_before_the_optimiser_warns():
    opt = optimizer(torch)
    s = torch.optim.lr_scheduler.StepLR(opt, 3)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        s.step()


def test_schedule_after_the_optimiser_is_silent():
    opt = optimizer(torch)
    s = torch.optim.lr_scheduler.StepLR(opt, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opt.step()
        s.step()


def test_one_cycle_refuses_more_steps_than_planned():
    opt = optimizer(torch)
    s = torch.optim.lr_scheduler.OneCycleLR(opt, 0.1, total_steps=3)
    opt.step()
    for _ in range(3):
        s.step()
    with pytest.raises(ValueError, match=r"Tried to step 4 times. The specified number of total steps is 3"):
        s.step()


def test_tensor_rate_keeps_its_identity():
    lr = torch.tensor(0.5)
    opt = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=lr)
    s = torch.optim.lr_scheduler.ExponentialLR(opt, 0.5)
    opt.step()
    s.step()
    assert opt.param_groups[0]["lr"] is lr
    assert lr.item() == 0.25


def test_optimiser_is_freed_with_its_scheduler():
    import gc
    import weakref

    opt = optimizer(torch)
    s = torch.optim.lr_scheduler.StepLR(opt, 3)
    gone = weakref.ref(opt)
    del opt, s
    gc.collect()
    assert gone() is None


def test_swalr_ends_at_its_rate():
    opt = optimizer(torch)
    s = torch.optim.swa_utils.SWALR(opt, swa_lr=0.05, anneal_epochs=4)
    for _ in range(6):
        opt.step()
        s.step()
    assert [g["lr"] for g in opt.param_groups] == pytest.approx([0.05, 0.05])


@pytest.mark.parametrize("ema", [False, True])
def test_averaged_model_follows_the_formula(ema):
    utils = torch.optim.swa_utils
    model = torch.nn.Linear(1, 1, bias=False)
    average = utils.AveragedModel(model, multi_avg_fn=utils.get_ema_multi_avg_fn(0.5) if ema else None)
    for value in (1.0, 2.0, 6.0):
        with torch.no_grad():
            model.weight.fill_(value)
        average.update_parameters(model)
    expected = (1 * 0.5 + 2 * 0.5) * 0.5 + 6 * 0.5 if ema else 3.0
    assert math.isclose(average.module.weight.item(), expected, rel_tol=1e-6)
    assert average.n_averaged.item() == 3


def test_update_bn_takes_the_mean_over_the_loader():
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(1))
    data = [torch.tensor([[0.0], [2.0]]), torch.tensor([[4.0], [6.0]])]
    torch.optim.swa_utils.update_bn(data, model)
    assert model[0].running_mean.tolist() == [3.0]
    assert model[0].momentum == 0.1
