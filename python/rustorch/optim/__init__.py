"""Optimisation algorithms, and schedules of their learning rates."""

from rustorch.optim import lr_scheduler as lr_scheduler
from rustorch.optim import swa_utils as swa_utils
from rustorch.optim._adafactor import Adafactor as Adafactor
from rustorch.optim._muon import Muon as Muon
from rustorch.optim._stateless import (
    swap_in_optimizer_params_and_state as swap_in_optimizer_params_and_state,
)
from rustorch.optim.adadelta import Adadelta as Adadelta
from rustorch.optim.adagrad import Adagrad as Adagrad
from rustorch.optim.adam import Adam as Adam
from rustorch.optim.adamax import Adamax as Adamax
from rustorch.optim.adamw import AdamW as AdamW
from rustorch.optim.asgd import ASGD as ASGD
from rustorch.optim.lbfgs import LBFGS as LBFGS
from rustorch.optim.nadam import NAdam as NAdam
from rustorch.optim.optimizer import Optimizer as Optimizer
from rustorch.optim.radam import RAdam as RAdam
from rustorch.optim.rmsprop import RMSprop as RMSprop
from rustorch.optim.rprop import Rprop as Rprop
from rustorch.optim.sgd import SGD as SGD
from rustorch.optim.sparse_adam import SparseAdam as SparseAdam

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
    "swap_in_optimizer_params_and_state",
]
