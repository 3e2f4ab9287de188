"""Reductions and normalisations that leave elements out: `torch.masked`.

A mask is a bool tensor that broadcasts to the input; elements where it is False do not count. An element of a result
from which everything was left out is the operation's identity, or NaN where it has none (mean, var, median).
"""

from rustorch.masked._ops import (
    _input_mask as _input_mask,
    _output_mask as _output_mask,
    amax as amax,
    amin as amin,
    argmax as argmax,
    argmin as argmin,
    cumprod as cumprod,
    cumsum as cumsum,
    log_softmax as log_softmax,
    logaddexp as logaddexp,
    logsumexp as logsumexp,
    mean as mean,
    median as median,
    norm as norm,
    normalize as normalize,
    prod as prod,
    softmax as softmax,
    softmin as softmin,
    std as std,
    sum as sum,
    var as var,
)

__all__ = [
    "amax",
    "amin",
    "argmax",
    "argmin",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "mean",
    "median",
    "norm",
    "normalize",
    "prod",
    "softmax",
    "softmin",
    "std",
    "sum",
    "var",
]
