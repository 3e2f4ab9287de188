"""The categorical distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._probs_or_logits import one_of, whole_numbers
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS, lazy_property, logits_to_probs, probs_to_logits

__all__ = ["Categorical"]


class Categorical(Distribution):
    """The numbers 0, 1, ... n - 1, each with its probability.

    Args:
        probs (Tensor, None): not negative; divided by their sum.
        logits (Tensor, None): logarithms of probabilities up to a constant, instead.
        validate_args (bool, None): see `Distribution`.
    Shape:  probs and logits `(*batch, n)`, events are numbers (int64).
    Raises:  ValueError: unless one of probs and logits is given, with a dim at least.
    Example:
        >>> d = torch.distributions.Categorical(torch.tensor([1.0, 3.0]))
        >>> d.probs, d.log_prob(torch.tensor(1)).exp()
        (tensor([0.2500, 0.7500]), tensor(0.7500))
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _batched = ("probs", "logits", "_param")
    _kept = ("_num_events",)

    def __init__(self, probs=None, logits=None, validate_args=None):
        name = one_of(self, probs, logits)
        given = probs if logits is None else logits
        if given.dim() < 1:
            raise ValueError(
                f"`{name}` parameter must be at least one-dimensional.\n"
                f"  {type(self).__name__}: expected a vector or a batch of vectors, but got a number. Stack them."
            )
        if logits is None:
            self._param = self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self._param = self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
        self._num_events = self._param.size(-1)
        super().__init__(self._param.size()[:-1], validate_args=validate_args)

    def _new(self, *args, **kwargs):
        return self._param.new(*args, **kwargs)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self):
        """The log-probabilities, normalised."""
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self):
        """The probabilities, normalised."""
        return logits_to_probs(self.logits)

    @property
    def param_shape(self):
        """The shape of the parameter that was given."""
        return self._param.size()

    @property
    def mean(self):
        return self._full(rustorch.nan, self.probs)

    @property
    def mode(self):
        return self.probs.argmax(dim=-1)

    @property
    def variance(self):
        return self._full(rustorch.nan, self.probs)

    def sample(self, sample_shape=_NO_DIMS):
        sample_shape = rustorch.Size(sample_shape)
        rows = self.probs.reshape(-1, self._num_events)
        drawn = rustorch.multinomial(rows, sample_shape.numel(), True).T  # (samples, batch)
        return drawn.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        value, logits = rustorch.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self):
        # -inf * 0 would be NaN.
        logits = self.logits.clamp(min=rustorch.finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand=True):
        return whole_numbers(self, self._num_events, expand, rustorch.long)
