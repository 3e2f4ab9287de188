"""Averages of a model over its training: stochastic weight averaging and exponential moving averages."""

import itertools
import math
from copy import deepcopy

import rustorch
from rustorch import nn
from rustorch.optim.lr_scheduler.base import LRScheduler, _format_param, _warn_get_lr_called_within_step

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay):
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _lerps(tensor):
    return tensor.is_floating_point() or tensor.is_complex()


def get_ema_multi_avg_fn(decay=0.999):
    """A function that moves lists of averages by `1 - decay` of the way to the current values.

    Example:
        >>> average = [torch.tensor(1.0)]
        >>> torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)(average, [torch.tensor(2.0)], 1)
        >>> average
        [tensor(1.1000)]
    """
    _check_decay(decay)

    @rustorch.no_grad()
    def ema_update(ema_param_list, current_param_list, _):
        for average, current in zip(ema_param_list, current_param_list, strict=True):
            if _lerps(average):
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(average * decay + current * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn():
    """A function that takes lists of current values into equally weighted averages.

    Example:
        >>> average = [torch.tensor(1.0)]
        >>> torch.optim.swa_utils.get_swa_multi_avg_fn()(average, [torch.tensor(4.0)], torch.tensor(2))
        >>> average
        [tensor(2.)]
    """

    @rustorch.no_grad()
    def swa_update(averaged_param_list, current_param_list, num_averaged):
        weight = 1 / (float(num_averaged) + 1)
        for average, current in zip(averaged_param_list, current_param_list, strict=True):
            if _lerps(average):
                average.lerp_(current, weight)
            else:
                average.copy_(average + (current - average) * weight)

    return swa_update


def get_ema_avg_fn(decay=0.999):
    """A function of (average, current, count) that returns the exponential moving average of a parameter.

    Example:
        >>> average = torch.optim.swa_utils.get_ema_avg_fn(0.9)
        >>> average(torch.tensor(1.0), torch.tensor(2.0), 1)
        tensor(1.1000)
    """
    _check_decay(decay)

    @rustorch.no_grad()
    def ema_update(ema_param, current_param, num_averaged):
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn():
    """A function of (average, current, count) that returns the equally weighted average of a parameter.

    Example:
        >>> average = torch.optim.swa_utils.get_swa_avg_fn()
        >>> average(torch.tensor(1.0), torch.tensor(4.0), torch.tensor(2))
        tensor(2.)
    """

    @rustorch.no_grad()
    def swa_update(averaged_param, current_param, num_averaged):
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(nn.Module):
    """A copy of a model whose parameters are averages over those of the original.

    Args:
        model (Module): the model to average.
        device (device, None): where the copy lives.
        avg_fn (callable, None): (average, current, count) -> average, for each parameter.
        multi_avg_fn (callable, None): updates whole lists (averages, currents, count) in place.
        use_buffers (bool, False): average the buffers too instead of copying them.
    Attributes: n_averaged (Tensor): how many times `update_parameters` was called.
    Example:
        >>> model = nn.Linear(1, 1, bias=False)
        >>> average = torch.optim.swa_utils.AveragedModel(model)
        >>> for value in (1.0, 2.0, 6.0):
        ...     nn.init.constant_(model.weight, value)
        ...     average.update_parameters(model)
        Parameter containing:
        tensor([[1.]], requires_grad=True)
        Parameter containing:
        tensor([[2.]], requires_grad=True)
        Parameter containing:
        tensor([[6.]], requires_grad=True)
        >>> average.module.weight.item()
        3.0
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", rustorch.tensor(0, dtype=rustorch.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    def update_parameters(self, model):
        """Take the parameters of `model` into the averages."""
        if self.use_buffers:
            mine = itertools.chain(self.module.parameters(), self.module.buffers())
            theirs = itertools.chain(model.parameters(), model.buffers())
        else:
            mine, theirs = self.parameters(), model.parameters()
        pairs = [(a.detach(), c.detach().to(a.device)) for a, c in zip(mine, theirs)]
        if self.n_averaged == 0:
            for average, current in pairs:
                average.copy_(current)
        elif self.avg_fn is not None and self.multi_avg_fn is None:
            for average, current in pairs:
                average.copy_(self.avg_fn(average, current, self.n_averaged.to(average.device)))
        else:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            for average, current in _alike(pairs):
                update(average, current, self.n_averaged.to(average[0].device))
        if not self.use_buffers:
            # Statistics of the last model fit better than an average of stale ones.
            for mine, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
                mine.detach().copy_(theirs.detach().to(mine.device))
        self.n_averaged += 1


def _alike(pairs):
    """Lists (averages, currents), one pair of lists for each device and dtype."""
    groups = {}
    for average, current in pairs:
        lists = groups.setdefault((average.device, average.dtype), ([], []))
        lists[0].append(average)
        lists[1].append(current)
    return groups.values()


@rustorch.no_grad()
def update_bn(loader, model, device=None):
    """Compute the statistics of all batch normalisations in `model` anew, in one pass over `loader`.

    Args:
        loader (iterable): batches; of a list or tuple the first entry is the input.
        device (device, None): where the inputs are sent.
    Example:
        >>> model = nn.Sequential(nn.BatchNorm1d(1))
        >>> torch.optim.swa_utils.update_bn([torch.tensor([[1.0], [3.0]]), torch.tensor([[5.0], [7.0]])], model)
        >>> model[0].running_mean
        tensor([4.])
    """
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    momenta = [m.momentum for m in norms]
    was_training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
    for batch in loader:
        if isinstance(batch, (list, tuple)):
            batch = batch[0]
        model(batch if device is None else batch.to(device))
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Anneal the rate of each group to `swa_lr` and stay there.

    Args:
        swa_lr (float or list): final rate.
        anneal_epochs (int, 10): steps to get there.
        anneal_strategy (str, 'cos'): 'cos' or 'linear'.
    Example:
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> scheduler = torch.optim.swa_utils.SWALR(optimizer, swa_lr=0.2, anneal_epochs=4, anneal_strategy="linear")
        >>> rates = []
        >>> for epoch in range(6):
        ...     rates.append(round(scheduler.get_last_lr()[0], 4))
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.8, 0.6, 0.4, 0.2, 0.2]

    Source: Izmailov et al. 2018, arXiv:1803.05407.
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        for rate, group in zip(_format_param("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t):
        """Share of the way to `swa_lr` at the share `t` of the steps."""
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def _alpha(self, step):
        return self.anneal_func(max(0, min(1, step / max(1, self.anneal_epochs))))

    def get_lr(self):
        _warn_get_lr_called_within_step(self)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, alpha = self._alpha(step - 1), self._alpha(step)
        lrs = []
        for group in self.optimizer.param_groups:
            lr, target = group["lr"], group["swa_lr"]
            # The rate that the annealing started from follows from the last one.
            start = target if before == 1 else (lr - before * target) / (1 - before)
            lrs.append(target * alpha + start * (1 - alpha))
        return lrs
