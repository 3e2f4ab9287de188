"""The steps of the algorithms as functions of lists of tensors."""

from rustorch.optim.adadelta import adadelta as adadelta
from rustorch.optim.adagrad import adagrad as adagrad
from rustorch.optim.adam import adam as adam
from rustorch.optim.adamax import adamax as adamax
from rustorch.optim.adamw import adamw as adamw
from rustorch.optim.asgd import asgd as asgd
from rustorch.optim.nadam import nadam as nadam
from rustorch.optim.radam import radam as radam
from rustorch.optim.rmsprop import rmsprop as rmsprop
from rustorch.optim.rprop import rprop as rprop
from rustorch.optim.sgd import sgd as sgd
from rustorch.optim.sparse_adam import sparse_adam as sparse_adam

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "nadam",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
    "sparse_adam",
]
