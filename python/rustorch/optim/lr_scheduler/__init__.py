"""Learning-rate schedules: each `step()` sets the rates of an optimiser's parameter groups.

Most schedules follow from the rate of the step before ("chainable": they multiply what is there, so that several can
act on one optimiser); where there is a closed form, it is used when a step number is passed to `step`.
"""

from rustorch.optim.lr_scheduler.base import EPOCH_DEPRECATION_WARNING as EPOCH_DEPRECATION_WARNING
from rustorch.optim.lr_scheduler.base import LRScheduler as LRScheduler
from rustorch.optim.lr_scheduler.base import _enable_get_lr_call as _enable_get_lr_call
from rustorch.optim.lr_scheduler.base import _format_param as _format_param
from rustorch.optim.lr_scheduler.base import _initial_mode as _initial_mode
from rustorch.optim.lr_scheduler.base import _LRScheduler as _LRScheduler
from rustorch.optim.lr_scheduler.base import _param_groups_val_list as _param_groups_val_list
from rustorch.optim.lr_scheduler.base import _update_param_group_val as _update_param_group_val
from rustorch.optim.lr_scheduler.base import _warn_get_lr_called_within_step as _warn_get_lr_called_within_step
from rustorch.optim.lr_scheduler.composite import ChainedScheduler as ChainedScheduler
from rustorch.optim.lr_scheduler.composite import SequentialLR as SequentialLR
from rustorch.optim.lr_scheduler.cycle import CyclicLR as CyclicLR
from rustorch.optim.lr_scheduler.cycle import OneCycleLR as OneCycleLR
from rustorch.optim.lr_scheduler.decay import ConstantLR as ConstantLR
from rustorch.optim.lr_scheduler.decay import CosineAnnealingLR as CosineAnnealingLR
from rustorch.optim.lr_scheduler.decay import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from rustorch.optim.lr_scheduler.decay import ExponentialLR as ExponentialLR
from rustorch.optim.lr_scheduler.decay import LinearLR as LinearLR
from rustorch.optim.lr_scheduler.decay import MultiStepLR as MultiStepLR
from rustorch.optim.lr_scheduler.decay import PolynomialLR as PolynomialLR
from rustorch.optim.lr_scheduler.decay import StepLR as StepLR
from rustorch.optim.lr_scheduler.lambdas import LambdaLR as LambdaLR
from rustorch.optim.lr_scheduler.lambdas import MultiplicativeLR as MultiplicativeLR
from rustorch.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

# Pickles name the place that is public.
for _name in (*__all__, "_LRScheduler"):
    globals()[_name].__module__ = __name__
