"""Parameters that are given as probabilities or as logits."""

import rustorch
from rustorch.distributions.utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits


def one_of(owner, probs, logits):
    """The name of the parameter that is given, "probs" or "logits".

    Raises:  ValueError: if both are, or none.
    """
    if (probs is None) == (logits is None):
        raise ValueError(
            "Either `probs` or `logits` must be specified, but not both.\n"
            f"  {type(owner).__name__}: expected one of them, but got {'none' if probs is None else 'both'}. "
            f"{'Pass' if probs is None else 'Leave out'} one."
        )
    return "logits" if probs is None else "probs"


class ProbsOrLogits:
    """Holds `probs` or log-odds `logits`, as they are given, and computes the other at its first use."""

    def _take(self, probs, logits, total_count=None):
        name = one_of(self, probs, logits)
        given = probs if logits is None else logits
        if total_count is None:
            (param,) = broadcast_all(given)
        else:
            total_count, param = broadcast_all(total_count, given)
            self.total_count = total_count.type_as(param)
        setattr(self, name, param)
        self._param = param

    def _new(self, *args, **kwargs):
        return self._param.new(*args, **kwargs)

    @lazy_property
    def logits(self):
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self):
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self):
        """The shape of the parameter that was given."""
        return self._param.size()


class OfCategorical:
    """Vectors over the categories of a `_categorical`; passes on what that holds."""

    def __init__(self, categorical, validate_args=None):
        self._categorical = categorical
        super().__init__(categorical.batch_shape, categorical.param_shape[-1:], validate_args=validate_args)

    def _new(self, *args, **kwargs):
        return self._categorical._new(*args, **kwargs)

    @property
    def _param(self):
        return self._categorical._param

    @property
    def logits(self):
        """The log-probabilities, normalised."""
        return self._categorical.logits

    @property
    def probs(self):
        """The probabilities, normalised."""
        return self._categorical.probs

    @property
    def param_shape(self):
        """The shape of the parameter that was given."""
        return self._categorical.param_shape


class Relaxed:
    """A transformed distribution with a temperature; passes on what the one before the transform holds."""

    has_rsample = True

    @property
    def temperature(self):
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self):
        """The logits; see the parameter."""
        return self.base_dist.logits

    @property
    def probs(self):
        """The probabilities."""
        return self.base_dist.probs


def whole_numbers(owner, count, expand, dtype):
    """0, 1, ... count - 1 along a new first dim; over the batch, if asked."""
    values = rustorch.arange(count, dtype=dtype, device=owner._param.device)
    values = values.view((-1,) + (1,) * len(owner._batch_shape))
    return values.expand((-1,) + owner._batch_shape) if expand else values
